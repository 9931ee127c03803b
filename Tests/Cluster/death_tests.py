"""Tasks that are killed while they write."""

import asyncio
import time

import client
import script
from stage import letters, spread, test


@test("kill -9 of the owner in mid-answer: at most 0.5 s is lost, and a page on another task says so within 2 s")
async def killed_owner(stage):
    await stage.up(4)
    losses, streams, pages, resumed = [], [], [], []
    chat = await stage.chat()
    window = await stage.window(chat.key)
    for _ in range(stage.rounds(20, 3)):
        chat = await stage.chat(chat.key)
        owner = stage.random.choice(stage.cluster.tasks)
        other = stage.random.choice(stage.cluster.others(owner))
        # The page first: on a busy machine it takes its time, and the answer has to outlast what is done to its task.
        await window.go(other.url, chat.id)
        turn, _ = await chat.ask(url=owner.url, pieces=240, pace_ms=50)
        answer = turn["answer"]["id"]
        near, far = chat.read(owner.url), chat.read(other.url)
        await window.page.wait_for_selector(".message.assistant:last-child[data-state=running] .block")
        await near.until("some text", lambda reader: reader.answer and len(reader.answer.text) > 200)
        await asyncio.sleep(stage.random.uniform(0.0, 1.5))

        died = owner.kill()
        stage.checker.died(owner.id, died)

        async def on_page():
            await window.page.wait_for_selector(".message.assistant:last-child[data-state=interrupted]")
            return time.monotonic() - died

        async def in_stream():
            await far.until("interrupted", lambda reader: reader.messages[answer].state == "interrupted")
            return time.monotonic() - died

        page, stream = await asyncio.gather(on_page(), in_stream())
        pages.append(page)
        streams.append(stream)
        stored = await chat.message(answer, other.url)
        assert stored["state"] == "interrupted"
        losses.append(stage.checker.lost(stored, turn["prompt"], near, owner.id))
        assert bytes(far.messages[answer].text) == stored["text"].encode(), "the stream shows another text than the volume has"
        await window.until("the stored text", lambda: same(window, stored["text"]))
        resumed += await go_on(stage, chat, stored, far, other)
        await near.stop()
        await far.stop()
        await stage.cluster.start(owner.number)
    stage.report(f"{len(losses)} kills: lost of what the reader of the dead task had seen: {spread(losses)}")
    stage.report(f"marked interrupted in an open stream on another task: {spread(streams)}; in an open page: {spread(pages)}")
    assert max(losses) <= 0.5, "too much is lost"
    assert stage.keeps(streams, 2.0, noisy=6) and stage.keeps(pages, 2.0, noisy=6), "said too late"
    stage.report(f"`continue` completed {len(resumed)} of {len(losses)}, byte-identical to the model's, on another task"
                 if resumed else "`continue` is not offered by this build: NOT SHOWN")
    assert len(resumed) in (0, len(losses))
    await stage.check()


async def same(window, text):
    return await window.answer() == letters(text)


async def go_on(stage, chat, stored, reader, task):
    """Continues an interrupted answer: [how long that took]; [] where the server does not offer it."""
    begun = time.monotonic()
    response = await client.persist(
        task.url, "POST", f"/conversations/{chat.id}/messages/{stored['id']}/continue", chat.key,
        {"version": stored["version"]}, expect=(404,))
    if response.status == 404:
        return []
    await reader.until("complete", lambda reader: reader.messages[stored["id"]].state == "complete", seconds=60)
    whole = script.answer(chat.record.sent[stored["prompt"]])
    assert bytes(reader.messages[stored["id"]].text) == whole.encode(), "the continued answer differs from the model's"
    return [time.monotonic() - begun]
