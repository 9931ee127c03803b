"""Answers that are stopped from a task that does not write them."""

import asyncio
import time

from stage import spread, test


@test("stop from another task: the model's stream is closed within 0.5 s, also before the first token")
async def stop_elsewhere(stage):
    await stage.up(4)
    early, late = [], []
    chat = await stage.chat()
    for number in range(stage.rounds(50, 10)):
        is_early = number % 2 == 0
        turn, owner = await chat.ask(pieces=400, pace_ms=40, first_ms=30_000 if is_early else 0)
        name, answer = turn["prompt"]["id"], turn["answer"]["id"]
        other = stage.random.choice(stage.cluster.others(stage.cluster.named(owner)))
        await asked(stage, name, lambda record: is_early or record["pieces"] > 3)
        await asyncio.sleep(stage.random.uniform(0.0, 0.5))
        begun = time.monotonic()
        assert (await chat.stop(other.url))["stopping"]
        record = await asked(stage, name, lambda record: record["closed"])
        assert not record["whole"] and (record["pieces"] == 0) == is_early
        (early if is_early else late).append(record["closed"] - begun)
        while (stored := await chat.message(answer, other.url))["state"] == "running":
            await asyncio.sleep(0.02)
        assert stored["state"] == "stopped", stored["state"]
    stage.report(f"{len(early)} before the first token: closed after {spread(early)}")
    stage.report(f"{len(late)} in mid-answer: closed after {spread(late)}")
    # A stream that is not closed at all goes on for 16 s at least: the model's own end.
    assert stage.keeps(early, 0.5, noisy=3) and stage.keeps(late, 0.5, noisy=3), "over the limit"
    await stage.check()


async def asked(stage, name, check, seconds=10.0):
    """Waits until the model's record of a prompt passes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        records = await stage.asked(name)
        if records and check(records[-1]):
            assert len(records) == 1, f"the model was asked {len(records)} times"
            return records[-1]
        await asyncio.sleep(0.01)
    raise AssertionError(f"the model's stream did not get there within {seconds} s: {records}")
