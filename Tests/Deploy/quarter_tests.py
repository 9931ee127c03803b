"""What the smallest task carries: a quarter of a processor and 512 MB, 200 open streams, 20 running answers."""

import asyncio
import json
import os
import pathlib
import secrets
import shutil
import statistics
import sys
import tempfile
import time

import client
import ecs
import script
from cluster import machine_load, model_process
from quarter import Quarter
from suite import HOME, Skipped, report, test

STREAMS, ANSWERS, PACE_MS, PACE_MS_SLOW = 200, 20, 50, 100
STREAMS_SCRIPT = pathlib.Path(ecs.__file__).parents[1] / "Cluster/streams.py"
SECONDS = 20


@test("a quarter of a CPU and 512 MB hold 200 open streams with 20 running answers", is_long=True)
async def quarter(options):
    await measured(options, PACE_MS)


@test("the same with answers at half the pace", is_long=True)
async def quarter_slow(options):
    await measured(options, PACE_MS_SLOW)


async def measured(options, pace_ms):
    binary = HOME / ".build-release/release/stoa"
    if not binary.exists():
        raise Skipped(f"{binary} is not built; figures of a debug build would say nothing")
    folder = tempfile.mkdtemp(prefix="stoa-quarter-", dir=os.environ.get("STOA_TEST_VOLUME"))
    group = Quarter(f"stoa-{os.getpid()}-{pace_ms}")
    model, model_url = model_process(folder)
    process = None
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "OPENAI_", "AWS_"))}
    try:
        begun = time.monotonic()
        process = group.start(
            [str(binary), "serve", "--volume", f"{folder}/volume", "--port", "0", "--log-format", "json"],
            env={**clean, "OPENAI_BASE_URL": f"{model_url}/v1", "OPENAI_API_KEY": "test", "STOA_OPENAI_MODELS": "scripted"},
            stdout=-1, stderr=open(f"{folder}/log", "w"), text=True)
        line = await asyncio.to_thread(process.stdout.readline)
        url = line.split("listening on ")[1].strip()
        while await ready(url) != 200:
            await asyncio.sleep(0.05)
        report(f"control group version {group.version}; ready after {time.monotonic() - begun:.1f} s (a fresh volume)")
        idle = resident(process)
        await load(url, process, group, pace_ms, idle)
        assert group.was_killed() == 0 and process.poll() is None
        process.terminate()
        assert await asyncio.to_thread(process.wait, 60) == 0
    finally:
        if process and process.poll() is None:
            process.kill()
            process.wait()
        model.stdin.close()
        model.wait(10)
        group.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


async def ready(url):
    status, _, _, writer = await client.open_request(url, "GET", "/readyz", None)
    writer.close()
    return status


def resident(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def load(url, process, group, pace_ms, idle):
    conversations = []
    for number in range(STREAMS // 2):
        key = (await client.persist(url, "POST", "/sessions", body={})).json["key"]
        await client.persist(url, "POST", "/conversations", key, {"id": f"c{number}", "model": "scripted"})
        conversations.append([key, f"c{number}"])
    readers = await asyncio.create_subprocess_exec(
        sys.executable, "-B", str(STREAMS_SCRIPT), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    try:
        # Those of the running answers, and as many windows that look at conversations in which nothing happens.
        talking = conversations[:ANSWERS]
        await listen(readers, url, [talking[number % ANSWERS] for number in range(ANSWERS)])
        others = await asyncio.create_subprocess_exec(
            sys.executable, "-B", str(STREAMS_SCRIPT), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        try:
            quiet = [conversations[ANSWERS + number % (len(conversations) - ANSWERS)] for number in range(STREAMS - ANSWERS)]
            await listen(others, url, quiet)
            streams = resident(process)
            pieces = (SECONDS + 10) * 1000 // pace_ms
            waits = await asyncio.gather(*(ask(url, *one, pieces, pace_ms) for one in talking))
            periods, begun = group.throttled(), time.monotonic()
            pages = []
            while time.monotonic() - begun < SECONDS:
                at = time.monotonic()
                await client.persist(url, "GET", f"/conversations/{talking[0][1]}", talking[0][0])
                pages.append(time.monotonic() - at)
                await asyncio.sleep(0.5)
            throttled = [now - before for now, before in zip(group.throttled(), periods)]
            busy = resident(process)
            readers.stdin.close()
            found = json.loads((await asyncio.wait_for(readers.communicate(), 60))[0])
        finally:
            await end(others)
    finally:
        await end(readers)
    report(f"resident {idle:.0f} MB idle, {streams:.0f} MB with {STREAMS} streams, {busy:.0f} MB while {ANSWERS} answers of "
           f"{1000 // pace_ms} pieces/s run; most ever, files' pages included: {group.memory_megabytes_max():.0f} MB of 512")
    report(f"from the model's piece to the reader: median {found['median']:.0f} ms, p99 {found['p99']:.0f} ms, latest "
           f"{found['max']:.0f} ms; {found['events']} events")
    report(f"202 of a question: median {statistics.median(waits) * 1000:.0f} ms, worst {max(waits) * 1000:.0f} ms ({ANSWERS} at "
           f"once); a page of a conversation: median {statistics.median(pages) * 1000:.0f} ms, worst {max(pages) * 1000:.0f} ms")
    report(f"more CPU was wanted in {throttled[0]} of {throttled[1]} periods of 100 ms; load of the machine {machine_load():.1f}")
    assert found["lost"] == 0 and found["silent"] == 0, found


async def listen(process, url, streams):
    process.stdin.write(json.dumps({"url": url, "streams": streams}).encode() + b"\n")
    assert await asyncio.wait_for(process.stdout.readline(), 90) == b"open\n"


async def end(process):
    if process.returncode is None:
        process.kill()
        await process.wait()


async def ask(url, key, conversation, pieces, pace_ms):
    """How long until the question is acknowledged."""
    name, begun = f"p{secrets.token_hex(6)}", time.monotonic()
    text = script.prompt(name, pieces=pieces, pace_ms=pace_ms, clock=True)
    await client.persist(url, "POST", f"/conversations/{conversation}/messages", key, {"id": name, "text": text})
    return time.monotonic() - begun
