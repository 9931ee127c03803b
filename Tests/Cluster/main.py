"""Runs the cluster tests one after the other: see `run`."""

import argparse
import asyncio
import os
import pathlib
import resource
import secrets
import shutil
import sys
import time
import traceback

from playwright.async_api import async_playwright

import chaos_tests  # noqa: F401  (each module registers its tests)
import death_tests  # noqa: F401
import load_tests  # noqa: F401
import reading_tests  # noqa: F401
import rolling_tests  # noqa: F401
import stopping_tests  # noqa: F401
import writing_tests  # noqa: F401
from cluster import machine_load
from stage import TESTS, Stage

HOME = pathlib.Path(__file__).resolve().parents[2]
CLOSE_SECONDS_MAX = 90
ORDER = ["reading", "death", "stopping", "writing", "rolling", "load", "chaos"]


def short(problem):
    """The problem and where in these files it came up."""
    kind, value, trace = problem
    here = os.path.dirname(os.path.abspath(__file__))
    frames = [frame for frame in traceback.extract_tb(trace) if os.path.dirname(frame.filename) == here]
    return "".join(traceback.format_list(frames)) + f"{kind.__name__}: {value}"


async def run(name, function, seconds_max, browser, options):
    print(f"------  {name}", flush=True)
    stage = Stage(options, browser)
    begun, failure = time.monotonic(), None
    try:
        async with asyncio.timeout(seconds_max):
            await function(stage)
        complaints = stage.cluster.complaints() if stage.cluster else []
        assert not complaints, "errors in the tasks' logs:\n    " + "\n    ".join(complaints[:5])
    except Exception:
        failure = short(sys.exc_info())
    if failure and stage.cluster:
        failure += "\n  the last lines of the logs:\n" + stage.cluster.logs()
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await stage.close()
    except Exception:
        failure = (failure or "") + "\n  and at the end: " + short(sys.exc_info())
    print(f"{'FAILED' if failure else 'passed'}  {name} ({time.monotonic() - begun:.1f} s)", flush=True)
    if failure:
        print(failure, flush=True)
    return failure is None


async def run_all(options):
    wanted = [entry for entry in TESTS if options.only.lower() in entry[0].lower() + " " + entry[1].__module__]
    wanted.sort(key=lambda entry: ORDER.index(entry[1].__module__.removesuffix("_tests")))
    print(f"seed {options.seed}; {'long' if options.long else 'quick'} counts; load {machine_load():.1f}", flush=True)
    # Chromium's sandbox needs a user namespace that root in a container does not have.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    passed = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=options.chromium, args=arguments)
        for name, function, seconds, long_seconds in wanted:
            passed += await run(name, function, long_seconds if options.long else seconds, browser, options)
        await browser.close()
    print(f"{passed} passed, {len(wanted) - passed} failed")
    return bool(wanted) and passed == len(wanted)


def main():
    parser = argparse.ArgumentParser(
        prog="Tests/Cluster/run", description="Tests of several tasks on one volume behind a balancer without stickiness.",
        epilog="Each test prints what it measured, and the load of the machine at that moment.")
    parser.add_argument("--stoa", default=str(HOME / ".build/debug/stoa"),
                        help="path of the binary (default: .build/debug/stoa)")
    parser.add_argument("--long", action="store_true", help="the full counts (about half an hour); else about four minutes")
    parser.add_argument("--only", default="", help="run the tests whose names or modules contain this")
    parser.add_argument("--engine", default="", help="the engine of the volumes (default: that of stoa serve)")
    parser.add_argument("--seed", default=os.environ.get("STOA_SEED") or secrets.token_hex(4), help="repeats what was drawn")
    parser.add_argument("--keep", action="store_true", help="keep the volumes and logs, under /tmp/stoa-cluster-*")
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    options = parser.parse_args()
    if not os.access(options.stoa, os.X_OK):
        sys.exit(f"{options.stoa}: no such program")
    if not options.chromium:
        sys.exit("chromium is missing: apt-get install chromium")
    options.stoa = os.path.abspath(options.stoa)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))
    sys.exit(0 if asyncio.run(run_all(options)) else 1)


if __name__ == "__main__":
    main()
