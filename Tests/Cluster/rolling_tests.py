"""All tasks replaced while people chat."""

import asyncio
import time

import client
from checker import FINAL_STATES
from stage import spread, test


@test("all tasks are replaced under load: nothing fails that a retry does not cure, streams and pages come back", 240, 600)
async def rolled(stage):
    await stage.up(4, "--drain", "20")
    before = {task.id for task in stage.cluster.tasks}
    count = stage.rounds(200, 40)
    chats = await stage.chats(count)
    windows = [await (await stage.window(chat.key)).go(stage.cluster.url, chat.id) for chat in chats[:2]]
    readers = [chat.read() for chat in chats]
    is_over = asyncio.Event()

    async def talk(chat, reader):
        turns = 0
        while not is_over.is_set():
            turn, _ = await chat.ask(pieces=stage.random.randint(20, 40), pace_ms=200)
            answer = turn["answer"]["id"]
            await reader.until("an end", lambda reader: answer in reader.messages
                               and reader.messages[answer].state != "running", seconds=120)
            turns += 1
        return turns

    talks = [stage.begin(talk(*pair)) for pair in zip(chats, readers)]
    await asyncio.sleep(3)
    begun = time.monotonic()
    await stage.cluster.roll()
    seconds = time.monotonic() - begun
    is_over.set()
    turns = sum(await asyncio.gather(*talks))
    after = {task.id for task in await stage.cluster.look()}
    assert not before & after, "a task was not replaced"
    stage.report(f"{count} sessions, {turns} turns, 4 tasks replaced in {seconds:.0f} s: {stage.checker.failures}")
    stage.report(f"{sum(reader.restarts for reader in readers)} streams sent elsewhere; silence of a stream from its "
                 f"last byte to the first after coming back: {spread([reader.longest_gap_seconds for reader in readers])}")
    for window, chat in zip(windows, chats):
        page = (await client.persist(stage.cluster.url, "GET", f"/conversations/{chat.id}?limit=100", chat.key)).json
        wanted = [message["state"] for message in page["messages"] if message["role"] == "assistant"]
        await window.until("all answers on the page", lambda: same(window, wanted))
    figures = await stage.check()
    assert figures["interrupted"] == 0, "answers were interrupted although they had time to end"


async def same(window, wanted):
    states = await window.states()
    return states == wanted[-len(states):] and set(states) <= FINAL_STATES
