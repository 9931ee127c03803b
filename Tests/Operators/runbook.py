"""The pages of RUNBOOK.md, as far as one machine can show them; lost leases are the laboratory's (Tests/NFSLab)."""

import os
import pathlib
import re
import subprocess
import time

import tasks

ROOT = pathlib.Path(__file__).resolve().parents[2]


def every_command_of_the_runbook(stage):
    """each `stoa` command that RUNBOOK.md names exists, with the options it gives, and has an example and its statuses"""
    text = (ROOT / "RUNBOOK.md").read_text()
    found = set(re.findall(r"stoa ((?:migrate|volume|sessions) [a-z-]+|backup|restore|convert|doctor)", text))
    for words in sorted(found):
        run = stage.stoa(*words.split(), "--help")
        assert "EXAMPLE" in run.out and ("EXIT STATUS" in run.out or words == "volume show"), run
        for line in text.splitlines():
            for option in re.findall(rf"stoa {words}[^`#;]*", line):
                for flag in re.findall(r"--[a-z-]+", option):
                    assert flag in run.out, f"{words} has no {flag}"
    assert len(found) >= 12, found
    stage.report(f"{len(found)} commands")


def a_stuck_migration(stage):
    """a second migrator says for whom it waits; the lock ends with its process; then the migration goes on"""
    volume = stage.manifest(stage.path("volume"), shards=4)
    stage.stoa("migrate", "up", "--to", "2", "--volume", volume)
    os.makedirs(os.path.join(volume, "locks"), exist_ok=True)
    path = os.path.join(volume, "locks/migrate")
    # Another migrator, as its lock and its label.
    holder = subprocess.Popen(["python3", "-c", (
        "import fcntl,sys,time\nf=open(sys.argv[1],'w')\nfcntl.flock(f,fcntl.LOCK_EX)\n"
        "f.write('{\"host\":\"other-host\",\"pid\":77,\"since_ms\":1}')\nf.flush()\nprint('held',flush=True)\ntime.sleep(600)"),
        path], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline().strip() == "held"
        run = stage.stoa("migrate", "up", "--wait", "0.5", "--volume", volume, statuses=(75,))
        assert "process 77 on other-host" in run.err, run
        before = stage.stoa("migrate", "status", "--volume", volume, "--json", statuses=(65,)).json
        assert {shard["version"] for shard in before["shards"]} == {2}
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    stage.stoa("migrate", "up", "--volume", volume)
    stage.stoa("migrate", "verify", "--volume", volume)
    stage.report("named as 'process 77 on other-host'; free with the end of its process")


def a_full_volume(stage):
    """a volume without space: said in words, nothing acknowledged is lost, and with more room it goes on"""
    mount = stage.path("small")
    os.makedirs(mount)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", mount], capture_output=True, text=True)
    if made.returncode:
        from stage import Skipped
        raise Skipped("a small file system needs root: " + made.stderr.strip())
    try:
        volume = os.path.join(mount, "volume")
        task = stage.start(volume, "--shards", "2")
        client = tasks.Client(lambda: task.port).begin()
        place = client.conversation()
        said, refused = [], None
        for _ in range(2000):
            prompt = client.say(place, "full " * 20_000)
            if prompt:
                said.append(prompt)
                wait_for_end(client, place)
            else:
                refused = client.failures[-1]
                if " 503 " in refused:
                    break
                time.sleep(0.1)
        assert refused and "full" in refused, refused
        there = {message["id"] for message in client.messages(place)}
        assert set(said) <= there, "an acknowledged prompt is missing"
        stage.report(f"refused after {len(said)} prompts with {refused.split(': ', 1)[1][:120]}")
        task.leave()
        task.wait()
        # Room, and it goes on.
        subprocess.run(["mount", "-o", "remount,size=40m", mount], check=True)
        again = stage.start(volume)
        client.pick = lambda: again.port
        assert client.say(place, "Once more.")
        assert set(said) <= {message["id"] for message in client.messages(place)}
        again.leave()
        again.wait()
        stage.content(volume)
    finally:
        stage.close()
        subprocess.run(["umount", mount], check=False)


def wait_for_end(client, place):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        status, page = client.ask("GET", f"/conversations/{place}?limit=1")
        if status == 200 and not page["conversation"]["running"]:
            return
        time.sleep(0.02)


TESTS = [every_command_of_the_runbook, a_stuck_migration, a_full_volume]
