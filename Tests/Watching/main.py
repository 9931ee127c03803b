"""Runs the tests one after the other: see `run`."""

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback

import nfs_tests  # noqa: F401  (each module registers its tests)
import page_tests  # noqa: F401
import rules_tests  # noqa: F401
import tools_tests  # noqa: F401
from stage import NFS_TESTS, TESTS, Stage

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    options = argparse.ArgumentParser(description="What operators watch.")
    options.add_argument("--stoa", default=os.path.join(HOME, ".build/debug/stoa"), help="the binary to test")
    options.add_argument("--only", help="run only tests whose name contains this")
    options.add_argument("--nfs", action="store_true", help="only what needs real NFS hosts (Tests/NFSLab)")
    given = options.parse_args()
    failed = 0
    for name, function in NFS_TESTS if given.nfs else TESTS:
        if given.only and given.only not in name:
            continue
        folder = tempfile.mkdtemp(prefix="stoa-watching-")
        stage, begun = Stage(HOME, os.path.abspath(given.stoa), folder), time.monotonic()
        try:
            function(stage)
            verdict = "ok"
        except Exception:  # noqa: BLE001  (whatever it is, it is the test's failure)
            verdict = "FAILED"
            failed += 1
            traceback.print_exc()
        finally:
            stage.end()
        print(f"{verdict:7} {time.monotonic() - begun:5.1f} s  {name}", flush=True)
        if verdict == "ok":
            shutil.rmtree(folder)
        else:
            print(f"        its logs: {folder}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
