"""Readers who refresh, lose their connection, and come back to another task."""

import asyncio
import time

import script
from stage import letters, spread, test

CUTS_MAX = 40


@test("a refresh in mid-answer, of the page and of a raw client: the answer goes on, byte-identical at the end")
async def refresh(stage):
    cluster = await stage.up(4)
    reloads, cuts = stage.rounds(50, 6), stage.rounds(50, 8)
    # 12 s: a busy machine needs seconds for what is done to one answer.
    order = {"pieces": 400, "pace_ms": 30}
    chat = await stage.chat()
    window = await (await stage.window(chat.key)).go(cluster.url, chat.id)
    back = []

    # The page, at least three times in each answer.
    done = 0
    while done < reloads:
        turn, _ = await chat.ask(**order)
        for _ in range(min(3, reloads - done)):
            await asyncio.sleep(stage.random.uniform(0.05, 0.5))
            begun = time.monotonic()
            await window.page.reload(wait_until="commit")
            await window.page.wait_for_selector(".message.assistant:last-child .block")
            back.append(time.monotonic() - begun)
            assert (await window.states())[-1] == "running", "the answer ended before the refresh: nothing was shown"
            done += 1
        await window.page.wait_for_selector(".message.assistant:last-child[data-state=complete]")
        whole = script.answer(chat.record.sent[turn["prompt"]["id"]])
        await window.until("the model's text", lambda: shows(window, whole))
        assert (await chat.message(turn["answer"]["id"]))["text"] == whole
    stage.report(f"{done} refreshes of the page: answer on the page again after {spread(back)}")

    # A raw client whose connection is cut, with Last-Event-ID and without.
    reader, tasks, back = chat.read(), set(), []
    done = 0
    # Whoever else asks takes a turn of the balancer's: all tasks are met sooner or later.
    while done < cuts or (len(tasks) < 4 and done < CUTS_MAX):
        turn, _ = await chat.ask(**order)
        answer = turn["answer"]["id"]
        await reader.until("the answer", lambda reader: answer in reader.messages)
        for number in range(4):
            await asyncio.sleep(stage.random.uniform(0.05, 0.4))
            assert reader.messages[answer].state == "running"
            before, begun = reader.connections, time.monotonic()
            reader.reload() if number % 4 == 3 else reader.cut()
            await reader.until("it is back", lambda reader: reader.connections > before and reader.is_open)
            back.append(time.monotonic() - begun)
            tasks.add(reader.task)
            done += 1
        await reader.until("the end", lambda reader: reader.messages[answer].state == "complete")
        whole = script.answer(chat.record.sent[turn["prompt"]["id"]])
        assert bytes(reader.messages[answer].text) == whole.encode(), "the reader's text differs from the model's"
    assert len(tasks) == 4, f"only {tasks}: the balancer is sticky"
    stage.report(f"{done} cut connections, back on {len(tasks)} tasks: open again after {spread(back)} "
                 "(pause of the client included)")
    await stage.check()


async def shows(window, whole):
    return await window.answer() == letters(whole)
