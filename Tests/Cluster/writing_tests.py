"""Changes that are sent twice, and changes that meet."""

import asyncio
import secrets

import client
import script
from checker import FINAL_STATES
from stage import test


@test("the same prompt id sent 20 times at once to different tasks is one turn")
async def one_turn(stage):
    await stage.up(4)
    outcomes = []
    for _ in range(stage.rounds(20, 4)):
        chat = await stage.chat()
        name = f"p{secrets.token_hex(6)}"
        text = script.prompt(name, pieces=10, pace_ms=20)
        turns = await asyncio.gather(*(
            chat.send(name, text, stage.cluster.tasks[number % 4].url) for number in range(20)))
        chat.record.acknowledged = chat.record.acknowledged[:1]
        assert len({turn["answer"]["id"] for turn, _ in turns}) == 1, "several answers"
        assert sum(not turn["repeated"] for turn, _ in turns) == 1, "not one was the first"
        outcomes.append(len({task for _, task in turns}))
        await chat.read().until("the end", lambda reader: reader.answer and reader.answer.state == "complete")
        assert len(await stage.asked(name)) == 1, "the model was asked more than once"
    stage.report(f"{len(outcomes)} x 20 at once on {min(outcomes)} tasks: one turn, one answer, the model asked once; "
                 f"{stage.checker.failures}")
    await stage.check()


@test("two windows that send at once: both prompts are kept, one answer runs at a time")
async def two_windows(stage):
    await stage.up(4)
    chat = await stage.chat()
    readers = [chat.read(), chat.read()]
    refused = rounds = 0
    names = []

    async def window(number):
        """Sends, and when an answer is in the way sends the same prompt again as soon as it has ended."""
        refusals, name = 0, f"p{secrets.token_hex(6)}"
        names.append(name)
        text = script.prompt(name, pieces=6, pace_ms=15)
        while True:
            turn, response = await chat.send(
                name, text, stage.random.choice(stage.cluster.tasks).url, expect=(409,))
            if turn:
                return refusals, turn
            assert response.json["code"] == "answer_running", response.body
            refusals += 1
            await asyncio.sleep(0.05)

    for rounds in range(1, stage.rounds(100, 25) + 1):
        outcomes = await asyncio.gather(window(0), window(1))
        refused += sum(1 for refusals, _ in outcomes if refusals)
        ends = {turn["answer"]["id"] for _, turn in outcomes}
        for reader in readers:
            await reader.until("both answers", lambda reader: all(
                identity in reader.messages and reader.messages[identity].state == "complete" for identity in ends))

    spans = sorted([(record["opened"], record["closed"]) for name in names for record in await stage.asked(name)])
    assert len(spans) == 2 * rounds, f"the model was asked {len(spans)} times"
    overlaps = sum(1 for one, next_one in zip(spans, spans[1:]) if next_one[0] < one[1] - 0.005)
    assert not overlaps, f"{overlaps} answers ran at the same time as another one"
    stage.report(f"{rounds} rounds: {2 * rounds} prompts kept, {refused} refused first with 409 answer_running, "
                 f"0 answers at the same time; {stage.checker.failures}")
    await stage.check()


@test("two pages that send at once: the refused prompt is put back under the reader's hands, and nothing is lost")
async def two_pages(stage):
    one, two = (await stage.up(2)).tasks
    chat = await stage.chat()
    windows = [await (await stage.window(chat.key)).go(task.url, chat.id) for task in (one, two)]
    sent, put_back = [], 0

    async def typed(window):
        return await window.page.input_value("#text")

    for _ in range(stage.rounds(20, 4)):
        for window in windows:
            sent.append(script.prompt(f"w{secrets.token_hex(6)}", pieces=10, pace_ms=40))
            await window.until("it may send", window.is_idle)
            await window.page.fill("#text", sent[-1])
        await asyncio.gather(*(window.page.press("#text", "Enter") for window in windows))
        for window in windows:
            for _ in range(20):
                await window.until("the prompt is sent or put back", lambda window=window: settled(window))
                if not await typed(window):
                    break
                put_back += 1
                assert "answer" in (await window.page.text_content("#notice") or ""), "it was put back without a word"
                # The page may learn a moment later than from its refusal that an answer runs: as people do, try again.
                await asyncio.sleep(0.3)
                await window.until("the other answer has ended", window.is_idle)
                await window.page.press("#text", "Enter")
        for window in windows:
            await window.until("all answers", lambda window=window: ended(window, len(sent)))
    messages = await stage.checker.all_messages(stage.cluster.url, chat.record)
    for message in messages:
        if message["role"] == "user":
            chat.record.sent[message["id"]] = message["text"]
            chat.record.acknowledged.append(message["id"])
    kept = [message["text"] for message in messages if message["role"] == "user"]
    assert sorted(kept) == sorted(sent), f"{len(sent)} prompts were sent, {len(kept)} are kept"
    stage.report(f"{len(sent) // 2} rounds: {len(kept)} prompts kept, {put_back} put back with a notice and sent again")
    await stage.check()


async def settled(window):
    """No prompt of this page is on its way any more: acknowledged, or back in the field."""
    return await window.page.evaluate(
        "() => !Object.keys(localStorage).some((name) => name.startsWith('stoa.unsent.'))")


async def ended(window, count):
    states = await window.states()
    return len(states) == count and set(states) <= FINAL_STATES
