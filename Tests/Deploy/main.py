"""Runs the tests of the deployment one after the other: see `run`."""

import argparse
import asyncio
import inspect
import logging
import os
import pathlib
import resource
import sys
import time
import traceback

import ecs  # noqa: F401  (finds the modules of Tests/Cluster)
import template_tests  # noqa: F401  (each module registers its tests)
import script_tests  # noqa: F401
import lifecycle_tests  # noqa: F401
import image_tests  # noqa: F401
import compose_tests  # noqa: F401
import quarter_tests  # noqa: F401
from suite import HOME, TESTS, Skipped

SECONDS_MAX, LONG_SECONDS_MAX = 800, 1800


async def bounded(work, seconds):
    async with asyncio.timeout(seconds):
        await work


def short(problem):
    """The problem and where in these files it came up."""
    kind, value, trace = problem
    frames = [frame for frame in traceback.extract_tb(trace) if pathlib.Path(frame.filename).parent.parent == HOME / "Tests"]
    return "".join(traceback.format_list(frames)) + f"{kind.__name__}: {value}"


def run(name, function, options):
    print(f"------  {name}", flush=True)
    begun, outcome = time.monotonic(), "passed"
    try:
        result = function(options)
        if inspect.isawaitable(result):
            asyncio.run(bounded(result, LONG_SECONDS_MAX if options.long else SECONDS_MAX))
    except Skipped as reason:
        outcome = "skipped"
        print(f"        SKIPPED: {reason}")
    except Exception:
        outcome = "FAILED"
        print(short(sys.exc_info()))
    print(f"{outcome}  {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    return outcome


def main():
    parser = argparse.ArgumentParser(
        prog="Tests/Deploy/run", description="Tests of the deployment on AWS, without AWS: the templates in moto, the "
        "script against it, ECS's life cycle with real processes, the image's steps in a debootstrap.",
        epilog="Examples: Tests/Deploy/run --only template    Tests/Deploy/run --long --only life")
    parser.add_argument("--stoa", default=str(HOME / ".build/debug/stoa"), help="path of the binary (default: .build/debug/stoa)")
    parser.add_argument("--long", action="store_true", help="the template's own waits, and the image in a root file system")
    parser.add_argument("--only", default="", help="run the tests whose names or modules contain this")
    parser.add_argument("--keep", action="store_true", help="keep logs and volumes, under /tmp/stoa-deploy-*")
    parser.add_argument("--list", action="store_true", help="print the tests, run none")
    options = parser.parse_args()
    wanted = [(name, function) for name, function, is_long in TESTS
              if options.only.lower() in f"{name} {function.__module__}".lower() and (options.long or options.only or not is_long)]
    if options.list:
        print("\n".join(name for name, _ in wanted))
        return 0
    if not os.access(options.stoa, os.X_OK):
        sys.exit(f"{options.stoa}: no such program; build it first: swift build")
    options.stoa = str(pathlib.Path(options.stoa).resolve())
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))
    outcomes = [run(name, function, options) for name, function in wanted]
    print(f"{outcomes.count('passed')} passed, {outcomes.count('FAILED')} failed, {outcomes.count('skipped')} skipped")
    return 0 if outcomes and "FAILED" not in outcomes else 1


if __name__ == "__main__":
    sys.exit(main())
