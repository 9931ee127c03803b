"""What every test of the deployment uses."""

import pathlib

HOME = pathlib.Path(__file__).resolve().parents[2]
TESTS = []


class Skipped(Exception):
    """This cannot be shown here; says why."""


def test(name, is_long=False):
    """Registers a test under a sentence."""
    def register(function):
        TESTS.append((name, function, is_long))
        return function
    return register


def report(text):
    print(f"        {text}", flush=True)
