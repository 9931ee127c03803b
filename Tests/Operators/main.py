"""Runs the tests of what operators do. Exit status 0 only if none failed; one that cannot run says why."""

import argparse
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

import backups
import conversions
import deletions
import kills
import rolling
import runbook
import starts
from stage import Skipped, Stage

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = {test.__name__: test for module in (starts, rolling, backups, conversions, deletions, runbook, kills)
         for test in module.TESTS}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stoa", default=str(ROOT / ".build/debug/stoa"), help="the binary")
    parser.add_argument("--only", action="append", choices=sorted(TESTS), help="only this test")
    parser.add_argument("--long", action="store_true", help="full figures: 10,000 sessions, ten kills of each command")
    parser.add_argument("--folder", help="where the volumes are made (default: a new temporary folder)")
    options = parser.parse_args()
    failed = []
    for name, test in TESTS.items():
        if options.only and name not in options.only:
            continue
        folder = tempfile.mkdtemp(prefix=f"stoa-operators-{name}-", dir=options.folder)
        stage = Stage(str(pathlib.Path(options.stoa).resolve()), folder, options.long)
        begun = time.monotonic()
        print(f"--- {name}: {test.__doc__}", flush=True)
        try:
            test(stage)
            verdict = "passed"
        except Skipped as reason:
            verdict = f"SKIPPED: {reason}"
        except Exception:  # noqa: BLE001 - whatever it was, the others run
            traceback.print_exc()
            failed.append(name)
            verdict = "FAILED"
        finally:
            stage.close()
            shutil.rmtree(folder, ignore_errors=True)
        print(f"    {verdict} in {time.monotonic() - begun:.0f} s", flush=True)
    print("FAILED: " + ", ".join(failed) if failed else "all passed")
    return 1 if failed else 0


sys.exit(main())
