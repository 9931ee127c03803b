"""People chat while tasks are killed, rolled, paused and restarted at random."""

import asyncio
import collections
import os
import secrets
import signal
import time

import client
import script
from stage import letters, spread, test

PAUSE_SECONDS = 20


@test("chaos: tasks are killed, rolled, paused and restarted while people chat, and every acknowledgement is kept", 240, 600)
async def chaos(stage):
    await stage.up(4, "--drain", "5")
    seconds = stage.rounds(120, 20)
    count, browsers = stage.rounds(100, 20), stage.rounds(3, 2)
    is_over, deeds = asyncio.Event(), collections.Counter()
    chats = await stage.chats(count)
    people = [stage.begin(chatter(stage, chat, is_over)) for chat in chats]
    windows = [stage.begin(visitor(stage, is_over)) for _ in range(browsers)]
    # When a process was paused; names of tasks that were told to leave and have not left.
    frozen, leaving = {}, set()
    monkeys = [stage.begin(work) for work in (
        killer(stage, is_over, deeds, frozen, leaving),
        freezer(stage, is_over, deeds, frozen, leaving, min(PAUSE_SECONDS, seconds / 2)))]
    await asyncio.sleep(seconds)
    is_over.set()
    await asyncio.gather(*monkeys)
    turns = sum(await asyncio.gather(*people))
    shown = sum(await asyncio.gather(*windows))
    done = ", ".join(f"{many} {deed}" for deed, many in sorted(deeds.items()))
    stage.report(f"seed {stage.options.seed}: {count} clients and {browsers} browsers for {seconds} s, {done}; "
                 f"{turns} turns, {shown} in browsers")
    stage.report(f"{stage.checker.failures}")
    waits = [window.longest_wait_seconds for window in stage.windows]
    stage.report(f"pages let one send again after the end of an answer was shown: {spread(waits)}")
    await stage.check(seconds=90)


async def chatter(stage, chat, is_over):
    """A client who chats, stops answers now and then, loses connections and refreshes."""
    draw, reader, turns = stage.random, chat.read(), 0
    while not is_over.is_set():
        turn, _ = await chat.ask(pieces=draw.randint(1, 60), pace_ms=draw.randint(20, 150), first_ms=draw.choice([0, 0, 800]),
                                 seconds=120)
        answer, whim = turn["answer"]["id"], draw.random()
        await asyncio.sleep(draw.uniform(0, 1.5))
        if whim < 0.15:
            await chat.stop()
        elif whim < 0.3:
            reader.cut()
        elif whim < 0.4:
            reader.reload()
        await reader.until("an end", lambda reader: answer in reader.messages
                           and reader.messages[answer].state != "running", seconds=120)
        turns += 1
    return turns


async def visitor(stage, is_over):
    """Somebody with a browser, who never presses anything but the keys of a prompt, and sometimes reload."""
    chat, sent = await stage.chat(), []
    window = await (await stage.window(chat.key)).go(stage.cluster.url, chat.id)
    while not is_over.is_set():
        text = script.prompt(f"w{secrets.token_hex(6)}", pieces=stage.random.randint(5, 40), pace_ms=60)
        await window.send(text)
        sent.append(text)
        if stage.random.random() < 0.2:
            await asyncio.sleep(stage.random.uniform(0.2, 1.0))
            await reload(window)
        await window.until(f"an answer that has ended, to {text}", lambda: window.has_answered(text), seconds=90)
    messages = await stage.checker.all_messages(stage.cluster.url, chat.record)
    # The page chooses the ids: what it sent is known by its text.
    for message in messages:
        if message["role"] == "user":
            chat.record.sent[message["id"]] = message["text"]
            chat.record.acknowledged.append(message["id"])
    kept = [message["text"] for message in messages if message["role"] == "user"]
    assert kept == sent, f"a browser sent {len(sent)} prompts, the volume has {len(kept)}"
    texts = [message["text"] for message in messages if message["role"] == "assistant"]
    await window.until("the volume's last answer", lambda: same(window, texts[-1]))
    return len(sent)


async def reload(window):
    """Reload until the balancer has somebody who answers, as people do."""
    for _ in range(20):
        try:
            await window.page.reload()
            return await window.ready()
        except Exception as problem:
            last = problem
            await asyncio.sleep(0.5)
    raise AssertionError(f"the page did not come back: {last}")


async def same(window, text):
    return await window.answer() == letters(text)


async def killer(stage, is_over, deeds, frozen, leaving):
    """Kills, restarts and rolls, one after the other, and leaves no task down for long."""
    draw = stage.random
    while not is_over.is_set():
        await pause(is_over, draw.uniform(1, 4))
        if is_over.is_set():
            return
        # A frozen one may be killed too: what it showed before it froze counts.
        task = draw.choice([task for task in stage.cluster.tasks if task.id])
        deed = draw.choice(["killed", "killed", "restarted", "rolled"])
        deeds[deed] += 1
        if deed != "killed":
            leaving.add(task.id)
        if frozen:
            excuse(stage, leaving)
        if deed == "rolled":
            await again(deeds, lambda: stage.cluster.roll(task.number))
            leaving.clear()
            await stage.cluster.look()
            continue
        try:
            when = frozen.get(task.pid, time.monotonic())
            task.signal(signal.SIGKILL if deed == "killed" else signal.SIGTERM)
            if deed == "killed":
                stage.checker.died(task.id, when)
        except ProcessLookupError:
            leaving.clear()
            continue
        await wait_for_end(task.pid)
        leaving.clear()
        await pause(is_over, draw.uniform(0, 2))
        await again(deeds, lambda: stage.cluster.start(task.number))


def excuse(stage, leaving):
    """Who has to leave while a frozen one holds the volume may not be able to store all: that is a death too."""
    for name in leaving:
        stage.checker.died(name, float("inf"))


async def again(deeds, command, seconds=90.0):
    """A task that starts while a frozen one holds the lock of a shard gives up after a while, and is started again, as any
    orchestrator would."""
    end = time.monotonic() + seconds
    while True:
        try:
            return await command()
        except AssertionError as problem:
            if "storage is busy" not in str(problem) or time.monotonic() > end:
                raise
            deeds["start given up"] += 1


async def freezer(stage, is_over, deeds, frozen, leaving, seconds):
    """SIGSTOP for a while, which is what a host looks like that lost its network or its processor."""
    while not is_over.is_set():
        await pause(is_over, stage.random.uniform(1, 5))
        if is_over.is_set():
            return
        task = stage.random.choice([task for task in stage.cluster.tasks if task.pid])
        try:
            frozen[task.pid] = time.monotonic()
            task.signal(signal.SIGSTOP)
            excuse(stage, leaving)
            deeds[f"paused for {seconds:.0f} s"] += 1
            await asyncio.sleep(seconds)
            task.signal(signal.SIGCONT)
        except ProcessLookupError:
            pass
        frozen.pop(task.pid, None)


async def wait_for_end(pid, seconds=40.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
        except OSError:
            return
        await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)


async def pause(is_over, seconds):
    try:
        await asyncio.wait_for(is_over.wait(), seconds)
    except TimeoutError:
        pass
