"""Changes that are sent twice, and changes that meet."""

import asyncio
import secrets

import client
import script
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
