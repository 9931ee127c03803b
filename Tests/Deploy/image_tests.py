"""The image's last stage, made in a plain folder and started as ECS would: see `image`."""

import asyncio
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import client
from image import DOCKERFILE, Image, last_stage
from suite import HOME, Skipped, report, test

MEGABYTES_MAX = 120


def need_root():
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise Skipped("needs root and debootstrap (apt-get install debootstrap)")


@test("the Dockerfile's last stage: numbers for users, no HEALTHCHECK, the template's path of the program")
def stage(options):
    last = last_stage(DOCKERFILE.read_text())
    words = [word for word, _ in last]
    assert "HEALTHCHECK" not in words and "ADD" not in words
    users = [rest for word, rest in last if word == "USER"]
    template = (HOME / "deploy/template.yml").read_text()
    assert users == ["10001:10001"] and 'PosixUser: {Uid: "10001", Gid: "10001"}' in template
    assert "COPY --from=build /stoa /usr/local/bin/stoa" in DOCKERFILE.read_text()
    assert "[CMD, /usr/local/bin/stoa, health]" in template


@test("the image in a debootstrap: no larger than 120 MB, serves a chat as nobody's root with a read-only root", is_long=True)
async def image(options):
    need_root()
    program = HOME / ".build-release/release/stoa"
    for one in (program, program.with_name("stoa-bench")):
        if not one.exists():
            raise Skipped(f"{one} is not built: swift build -c release --static-swift-stdlib --product {one.name} "
                          "--scratch-path .build-release")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stoa-image-"))
    process = None
    try:
        made = Image(folder / "root", str(program))
        await asyncio.to_thread(made.build)
        size = made.megabytes()
        files = [one for one in made.root.rglob("*") if one.is_file() and not one.is_symlink()]
        programs = [(made.root / "usr/local/bin" / name).stat().st_size / 1e6 for name in ("stoa", "stoa-bench")]
        report(f"image: {size:.1f} MB in {len(files)} files, of them the server {programs[0]:.1f}, the benchmark {programs[1]:.1f}")
        assert not [one for one in files if one.name in ("sh", "bash", "dash", "apt", "perl")], "it has a shell"
        assert size <= MEGABYTES_MAX, f"{size:.1f} MB"
        volume = folder / "volume"
        volume.mkdir(mode=0o700)
        os.chown(volume, 10001, 10001)
        log = open(folder / "log", "w+")
        process = made.start(str(volume), {"STOA_PORT": "0", "STOA_HOST": "127.0.0.1", "STOA_DEMO_SPEED": "0"},
                             stdout=subprocess.PIPE, stderr=log, text=True)
        line = await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), 60)
        if "listening on " not in line:
            log.seek(0)
            raise AssertionError(f"it did not start: {line!r} {log.read()[-800:]}")
        url = line.split("listening on ")[1].strip()
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        fields = dict(one.split(":", 1) for one in status.splitlines() if ":" in one)
        assert fields["Uid"].split() == ["10001"] * 4 and fields["Gid"].split() == ["10001"] * 4, fields["Uid"]
        held = [int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")]
        assert held == [0] * 4 and fields["NoNewPrivs"].strip() == "1", held
        mounts = pathlib.Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()
        assert [one.split()[5].split(",")[0] for one in mounts if one.split()[4] == "/"] == ["ro"], mounts
        await chat(url)
        assert not list((made.root / "tmp").iterdir())
        owners = {one.stat().st_uid for one in volume.rglob("*")}
        assert owners == {10001}, owners
        port = url.rsplit(":", 1)[1]
        asked = made.start(str(volume), {"STOA_PORT": port}, ["health"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        healthy = await asyncio.to_thread(asked.wait, 30)
        report(f"`stoa health` in it: status {healthy}")
        process.terminate()
        assert await asyncio.to_thread(process.wait, 60) == 0
        report("served a chat as user 10001 with no capability and a read-only root; nothing was written outside the volume")
        assert healthy == 0
        measured = measure(made, volume)
        report(f"`stoa bench run` in it: {measured} operations on the same volume")
    finally:
        if process and process.poll() is None:
            process.kill()
            process.wait()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def measure(made, volume):
    """The benchmark as a one-off task's command: its results, from the volume."""
    words = "bench run --volume /mnt/stoa --stores volume,files --workloads append --rounds 1 --seconds 1 --quiet --json /mnt/stoa/b"
    process = made.start(str(volume), {}, words.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, said[-800:]
    cells = json.loads((volume / "b").read_text())["cells"]
    counts = [sum(sum(histogram["counts"]) for one in cell["rounds"] for histogram in one["latencies"].values()) for cell in cells]
    assert len(counts) == 2 and all(counts), counts
    return sum(counts)


async def chat(url):
    """A question and its whole answer, by the embedded model."""
    key = (await client.persist(url, "POST", "/sessions", body={})).json["key"]
    models = (await client.persist(url, "GET", "/models")).json
    await client.persist(url, "POST", "/conversations", key, {"id": "c1", "model": models["default"]})
    reader = client.Reader(url, key, "c1").start()
    await client.persist(url, "POST", "/conversations/c1/messages", key, {"id": "p1", "text": "Hello"})
    await reader.until("an answer", lambda reader: reader.answer and reader.answer.state == "complete", seconds=60)
    assert len(reader.answer.text) > 20
    await reader.stop()
