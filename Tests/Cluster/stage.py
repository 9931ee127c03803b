"""What every test gets: a model, a cluster, clients who chat, a checker, and real windows where a test wants them."""

import asyncio
import json
import os
import random
import re
import secrets
import shutil
import tempfile
import time

import client
import script
from checker import FINAL_STATES, Checker
from cluster import Cluster, machine_load, model_process

TESTS = []


def test(name, seconds_max=240, long_seconds_max=900):
    """Registers a test under a sentence."""
    def register(function):
        TESTS.append((name, function, seconds_max, long_seconds_max))
        return function
    return register


def median(values):
    return sorted(values)[len(values) // 2]


def spread(values, unit="ms", scale=1000):
    """median / worst, for people."""
    if not values:
        return "none"
    return f"median {median(values) * scale:.0f} {unit}, worst {max(values) * scale:.0f} {unit}"


class Chat:
    """Somebody with a session, a conversation, and possibly a reader of it."""

    def __init__(self, stage, key, identity):
        self.stage, self.key, self.id = stage, key, identity
        self.record = stage.checker.conversation(key, identity)

    def read(self, url=None):
        reader = client.Reader(url or self.stage.cluster.url, self.key, self.id).start()
        self.record.readers.append(reader)
        self.stage.readers.append(reader)
        return reader

    async def ask(self, url=None, expect=(), seconds=60.0, **order):
        """Sends a prompt until it is acknowledged: (turn, task that answers). With a status in `expect` the turn is None."""
        name = order.pop("name", None) or f"p{secrets.token_hex(6)}"
        text = script.prompt(name, **order)
        return await self.send(name, text, url, expect, seconds)

    async def send(self, name, text, url=None, expect=(), seconds=60.0):
        self.record.sent[name] = text
        response = await client.persist(
            url or self.stage.cluster.url, "POST", f"/conversations/{self.id}/messages", self.key,
            {"id": name, "text": text}, seconds=seconds, failures=self.stage.checker.failures, expect=expect)
        if response.status != 202:
            return None, response
        turn = response.json
        self.record.acknowledged.append(name)
        if not turn["repeated"]:
            self.record.owners[turn["answer"]["id"]] = response.task
        return turn, response.task

    async def message(self, identity, url=None):
        """A message as the volume has it now."""
        page = await client.persist(url or self.stage.cluster.url, "GET", f"/conversations/{self.id}?limit=100", self.key)
        return next(message for message in page.json["messages"] if message["id"] == identity)

    async def stop(self, url=None):
        return (await client.persist(url or self.stage.cluster.url, "POST", f"/conversations/{self.id}/stop", self.key)).json


class Window:
    """One window of a real browser."""

    def __init__(self, page):
        self.page, self.faults = page, []
        # How long the page went on to say that an answer runs after it showed the answer's end.
        self.longest_wait_seconds = 0.0
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))

    async def go(self, url, conversation=None):
        await self.page.goto(url + (f"/#{conversation}" if conversation else "/"))
        await self.ready()
        return self

    async def ready(self, seconds=20.0):
        end = time.monotonic() + seconds
        while len(await self.page.text_content("#session-short") or "") != 8:
            if time.monotonic() > end:
                raise AssertionError(f"the page is not ready within {seconds} s")
            await asyncio.sleep(0.05)

    async def send(self, text):
        begun = time.monotonic()
        # The task that the page hears may be paused between an answer's end and the word that nothing runs any more.
        await self.until("the page lets one send", self.is_idle)
        self.longest_wait_seconds = max(self.longest_wait_seconds, time.monotonic() - begun)
        await self.page.fill("#text", text)
        await self.page.press("#text", "Enter")

    async def answer(self):
        """Text of the last answer on the page, without blanks; None when there is none."""
        return await self.page.evaluate("""() => {
            const body = [...document.querySelectorAll('.message.assistant .body')].at(-1);
            return body ? body.textContent.replace(/\\s/g, '') : null;
        }""")

    async def is_idle(self):
        return not await self.page.evaluate("() => document.documentElement.hasAttribute('data-running')")

    async def states(self):
        """Of every answer on the page, from the first one."""
        return await self.page.evaluate(
            "() => [...document.querySelectorAll('.message.assistant')].map((message) => message.dataset.state)")

    async def has_answered(self, text):
        """Whether the last prompt on the page is `text`, and its answer has ended. (A page shows the last messages only.)"""
        last = await self.page.evaluate("""() => [...document.querySelectorAll('.message')].slice(-2).map((message) =>
            [message.querySelector('.body')?.textContent, message.dataset.state])""")
        return len(last) == 2 and last[0][0] == text and last[1][1] in FINAL_STATES

    async def shown(self):
        """What somebody would tell of this page, for failures."""
        return await self.page.evaluate("""() => ({
            messages: [...document.querySelectorAll('.message')].slice(-4).map((message) =>
                [message.className, message.dataset.state, message.dataset.pending, message.textContent.slice(0, 120)]),
            running: document.documentElement.hasAttribute('data-running'), typed: document.getElementById('text').value,
            notice: document.getElementById('notice')?.textContent, hash: location.hash,
            unsent: Object.keys(localStorage).filter((name) => name.startsWith('stoa.unsent')).length,
        })""")

    async def until(self, what, check, seconds=30.0):
        end = time.monotonic() + seconds
        while True:
            value = await check()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s on the page: {what}; it shows: {await self.shown()}")
            await asyncio.sleep(0.02)


def letters(text):
    return re.sub(r"\s", "", text)


class Stage:
    def __init__(self, options, browser):
        self.options, self.browser, self.long = options, browser, options.long
        self.random = random.Random(options.seed)
        self.folder = tempfile.mkdtemp(prefix="stoa-cluster-", dir=os.environ.get("STOA_TEST_VOLUME"))
        self.checker, self.readers, self.windows, self.contexts = Checker(), [], [], []
        self.works = []
        self.model = self.cluster = None

    async def up(self, count, *arguments):
        """A model and a cluster of so many tasks that ask it."""
        self.model, self.model_url = model_process(self.folder)
        engine = ["--engine", self.options.engine] if self.options.engine else []
        self.cluster = Cluster(self.options.stoa, self.folder, f"{self.model_url}/v1", [*engine, *arguments])
        await self.cluster.up(count)
        return self.cluster

    async def asked(self, name):
        """What the model remembers of a prompt."""
        status, headers, reader, writer = await client.open_request(self.model_url, "GET", f"/asked/{name}", None)
        try:
            return json.loads(await reader.readexactly(int(headers["content-length"]))) or []
        finally:
            writer.close()

    async def chat(self, key=None):
        """A new conversation, in a new session unless a key is given."""
        if key is None:
            key = (await client.persist(self.cluster.url, "POST", "/sessions", body={})).json["key"]
        identity = f"c{secrets.token_hex(8)}"
        await client.persist(self.cluster.url, "POST", "/conversations", key, {"id": identity})
        return Chat(self, key, identity)

    async def chats(self, count):
        gate = asyncio.Semaphore(16)

        async def one():
            async with gate:
                return await self.chat()
        return await asyncio.gather(*(one() for _ in range(count)))

    async def window(self, key=None):
        """A window of a browser of its own, which has `key`."""
        context = await self.browser.new_context(viewport={"width": 1000, "height": 700})
        self.contexts.append(context)
        if key:
            await context.add_init_script(f"localStorage.getItem('stoa.key') ?? localStorage.setItem('stoa.key', '{key}')")
        window = Window(await context.new_page())
        self.windows.append(window)
        return window

    def rounds(self, many, few):
        return many if self.long else few

    def keeps(self, values, promise, noisy):
        """Whether a promise in seconds was kept: by all, in a long run. A quick one has few values and not the machine for
        itself: there by most of them, and none may take longer than `noisy`."""
        return max(values) <= promise if self.long else median(values) <= promise and max(values) <= noisy

    def begin(self, work):
        """Something that goes on beside the test, and not after it."""
        self.works.append(asyncio.ensure_future(work))
        return self.works[-1]

    def report(self, text):
        print(f"        {text}  [load {machine_load():.1f}]", flush=True)

    async def check(self, **options):
        """The checker's verdict, printed."""
        figures = await self.checker.check(self.cluster.url, **options)
        for window in self.windows:
            assert not window.faults, "; ".join(window.faults[:5])
        states = ", ".join(f"{figures[state]} {state}" for state in ("complete", "stopped", "interrupted", "failed") if figures[state])
        self.report(f"checker: {figures['acknowledged']} acknowledged, {figures['turns']} turns ({states}); "
                    f"0 lost, 0 doubled, 0 out of order; of what a reader saw of an answer at most {figures['missing_ms']} ms "
                    f"of writing are missing, seen {figures['lag_ms']} ms before the task's death")
        return figures

    async def close(self):
        for work in self.works:
            work.cancel()
        await asyncio.gather(*self.works, return_exceptions=True)
        for reader in self.readers:
            await reader.stop()
        for context in self.contexts:
            await context.close()
        if self.cluster:
            await self.cluster.down()
        if self.model:
            self.model.stdin.close()
            try:
                self.model.wait(5)
            except Exception:
                self.model.kill()
        if not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
