"""Runs the browser tests one after the other: see `run`."""

import argparse
import os
import shutil
import signal
import sys
import time
import traceback

from playwright.sync_api import sync_playwright

import access_tests  # noqa: F401  (each module registers its tests)
import axe_tests  # noqa: F401
import chat_tests  # noqa: F401
import composer_tests  # noqa: F401
import fault_tests  # noqa: F401
import list_tests  # noqa: F401
import load_tests  # noqa: F401
import message_tests  # noqa: F401
import pictures_tests  # noqa: F401
import safety_tests  # noqa: F401
import search_tests  # noqa: F401
import settings_tests  # noqa: F401
import transfer_tests  # noqa: F401
import versions_tests  # noqa: F401
import window_tests  # noqa: F401
from stage import TESTS, Common, Stage

TEST_SECONDS_MAX = 120


class TooLong(BaseException):
    """A test that hangs; not an Exception, so that no test swallows it."""


def on_alarm(*_):
    raise TooLong(f"longer than {TEST_SECONDS_MAX} s")


def short(problem):
    """The problem and where in these files it came up, without the browser driver's own frames."""
    kind, value, trace = problem
    here = os.path.dirname(os.path.abspath(__file__))
    frames = [frame for frame in traceback.extract_tb(trace) if os.path.dirname(frame.filename) == here]
    return "".join(traceback.format_list(frames)) + f"{kind.__name__}: {value}"


def run(name, function, browser, options, common):
    stage = Stage(browser, options.stoa, options.screenshots, common)
    begun, failure = time.monotonic(), None
    signal.alarm(TEST_SECONDS_MAX)
    try:
        function(stage)
        stage.check()
    except (Exception, TooLong):
        failure = short(sys.exc_info())
    finally:
        signal.alarm(0)
    if failure:
        failure += "".join(f"\n  in the window: {fault}" for window in stage.windows for fault in window.faults[:5])
        failure += "\n  the servers' last lines:\n" + "\n".join(stage.log_text().splitlines()[-15:])
        if options.screenshots:
            for number, window in enumerate(stage.windows):
                try:
                    window.picture(f"failed-{function.__name__}-{number}")
                except Exception:
                    pass
    stage.close()
    print(f"{'FAILED' if failure else 'passed'}  {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    if failure:
        print(failure, flush=True)
    return failure is None


def main():
    parser = argparse.ArgumentParser(prog="Tests/BrowserTests/run")
    parser.add_argument("--stoa", required=True, help="path of the stoa binary")
    parser.add_argument("--only", default="", help="run the tests whose names contain this")
    parser.add_argument("--screenshots", help="folder for pictures of the main states and of failures")
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    options = parser.parse_args()
    if not os.access(options.stoa, os.X_OK):
        sys.exit(f"{options.stoa}: no such program")
    if not options.chromium:
        sys.exit("chromium is missing: apt-get install chromium")
    options.stoa = os.path.abspath(options.stoa)
    if options.screenshots:
        os.makedirs(options.screenshots, exist_ok=True)
    signal.signal(signal.SIGALRM, on_alarm)

    wanted = [(name, function) for name, function in TESTS if options.only.lower() in name.lower()]
    if not wanted:
        sys.exit(f"no test's name contains {options.only!r}")
    # Chromium's sandbox needs a user namespace that root in a container does not have.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=arguments)
        common = Common(options.stoa)
        try:
            passed = sum([run(name, function, browser, options, common) for name, function in wanted])
        finally:
            common.close()
            browser.close()
    print(f"{passed} passed, {len(wanted) - passed} failed")
    sys.exit(0 if wanted and passed == len(wanted) else 1)


if __name__ == "__main__":
    main()
