"""Raw clients: one request, a request that is sent again until it is answered, and a reader of an event stream who comes
back by itself, as the page does."""

import asyncio
import collections
import json
import random
import time
import urllib.parse

REQUEST_SECONDS_MAX = 20.0
# The server says something every 10 s.
SILENCE_SECONDS_MAX = 25.0
HEAD_BYTES_MAX = 64 * 1024


class Unanswered(Exception):
    """No answer came, or only half of one."""


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def task(self):
        return self.headers.get("x-served-by")

    @property
    def json(self):
        return json.loads(self.body)


class Chunks:
    """Takes the framing of a chunked body away."""

    def __init__(self):
        self.rest, self.left = b"", 0

    def feed(self, data):
        out, data = [], self.rest + data
        while data:
            if self.left > 2:
                taken = data[:self.left - 2]
                out.append(taken)
                data, self.left = data[len(taken):], self.left - len(taken)
            elif self.left:
                taken = min(self.left, len(data))
                data, self.left = data[taken:], self.left - taken
            else:
                end = data.find(b"\r\n")
                if end < 0:
                    break
                self.left = int(data[:end].split(b";")[0], 16) + 2
                data = data[end + 2:]
        self.rest = data
        return b"".join(out)


async def open_request(url, method, path, key, body=None, headers=()):
    """Sends a request; returns (status, headers, reader, writer) once the head of the answer is there."""
    place = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=HEAD_BYTES_MAX)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {place.netloc}", "Connection: close", *headers]
        if key:
            lines.append(f"Authorization: Bearer {key}")
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line))
        return int(head[0].split(" ")[1]), fields, reader, writer
    except BaseException:
        writer.close()
        raise


async def request(url, method, path, key=None, body=None, seconds=REQUEST_SECONDS_MAX):
    """One request, one try."""
    try:
        async with asyncio.timeout(seconds):
            status, headers, reader, writer = await open_request(url, method, f"/api/v1{path}", key, body)
            try:
                data = await reader.read(-1)
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, IndexError, ValueError) as problem:
        raise Unanswered(f"{method} {path}: {type(problem).__name__} {problem}") from problem
    if "chunked" in headers.get("transfer-encoding", ""):
        data = Chunks().feed(data)
    elif len(data) != int(headers.get("content-length", len(data))):
        raise Unanswered(f"{method} {path}: half an answer")
    return Response(status, headers, data)


class Failures:
    """How often which request failed, although each was cured by sending it again."""

    def __init__(self):
        self.requests, self.kinds, self.longest_seconds = 0, collections.Counter(), 0.0

    def __str__(self):
        kinds = ", ".join(f"{count} x {kind}" for kind, count in self.kinds.most_common()) or "none"
        return f"{self.requests} requests, sent again after: {kinds}; longest until answered {self.longest_seconds:.1f} s"


async def persist(url, method, path, key=None, body=None, seconds=60.0, failures=None, expect=()):
    """Sends the same request until it is answered with a status below 500 that is none of a passing trouble."""
    begun, attempt = time.monotonic(), 0
    failures = failures or Failures()
    failures.requests += 1
    while True:
        try:
            # `url` may be a function: then each attempt goes to where it says.
            response = await request(url() if callable(url) else url, method, path, key, body)
            if response.status < 500 and response.status not in (408, 429):
                failures.longest_seconds = max(failures.longest_seconds, time.monotonic() - begun)
                if response.status >= 400 and response.status not in expect:
                    raise AssertionError(f"{method} {path}: {response.status} {response.body[:300]!r}")
                return response
            problem = f"{response.status} {code_of(response)}"
        except Unanswered as unanswered:
            problem = type(unanswered.__cause__).__name__ if unanswered.__cause__ else "half an answer"
        failures.kinds[problem] += 1
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"{method} {path}: not answered within {seconds} s of retries; last: {problem}")
        attempt += 1
        await asyncio.sleep(min(2.0, 0.1 * 2 ** min(attempt, 5)) * random.uniform(0.5, 1.0))


def code_of(response):
    try:
        return response.json.get("code", "")
    except ValueError:
        return "from the balancer"


class Message:
    """A message as a reader sees it."""

    def __init__(self, fields):
        self.fields = fields
        self.text = bytearray(fields["text"].encode())
        # (when, bytes seen): what a reader had seen at a time.
        self.seen = [(time.monotonic(), len(self.text))]

    @property
    def state(self):
        return self.fields["state"]


class Reader:
    """Follows a conversation for as long as it takes; `messages` is what it shows. Violations of the stream's contract are
    collected in `faults`."""

    def __init__(self, url, key, conversation):
        self.url, self.key, self.conversation = url, key, conversation
        self.messages, self.faults = {}, []
        self.cursor, self.task, self.is_open = None, None, False
        self.connections, self.last_byte, self.longest_gap_seconds = 0, None, 0.0
        self.changed = asyncio.Event()
        self.running = None
        self.restarts = self.attempt = 0
        self.writer = None

    def start(self):
        self.running = asyncio.ensure_future(self._follow())
        return self

    async def stop(self):
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)

    async def until(self, what, check, seconds=30.0):
        """Waits until `check(self)` is true; returns its value."""
        end = time.monotonic() + seconds
        while True:
            self.changed.clear()
            value = check(self)
            if value:
                return value
            if self.running.done():
                self.running.result()
                raise AssertionError(f"the stream ended before: {what}")
            left = end - time.monotonic()
            if left <= 0:
                states = [(message.fields["id"], message.state, len(message.text)) for message in self.messages.values()]
                raise AssertionError(
                    f"not within {seconds} s: {what} (sees {states[-4:]}, open: {self.is_open}, on {self.task})")
            try:
                await asyncio.wait_for(self.changed.wait(), min(left, 1.0))
            except TimeoutError:
                pass

    def reload(self):
        """Cuts the connection and comes back without what was seen."""
        self.cursor = None
        self.cut()

    def cut(self):
        """Cuts the connection as a network does; a cut that comes after a while is a first one again."""
        self.attempt = 0
        if self.writer:
            self.writer.transport.abort()

    async def _follow(self):
        while True:
            begun, outcome = time.monotonic(), "cut"
            try:
                outcome = await self._read()
            except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, IndexError, ValueError) as problem:
                outcome = f"{type(problem).__name__}"
            finally:
                self.is_open = False
            self.changed.set()
            if outcome == "gone":
                return
            if time.monotonic() - begun > 5:
                self.attempt = 0
            if outcome == "restart":
                self.restarts += 1
                if self.attempt == 0:
                    self.attempt = 1
                    continue
            pause = min(5.0, 0.3 * 2 ** min(self.attempt, 6)) * random.uniform(0.5, 1.0)
            self.attempt += 1
            await asyncio.sleep(pause)

    async def _read(self):
        headers = ["Accept: text/event-stream"] + ([f"Last-Event-ID: {self.cursor}"] if self.cursor else [])
        url = self.url() if callable(self.url) else self.url
        async with asyncio.timeout(REQUEST_SECONDS_MAX):
            status, fields, reader, self.writer = await open_request(
                url, "GET", f"/api/v1/conversations/{self.conversation}/events", self.key, headers=headers)
        try:
            self.task = fields.get("x-served-by")
            if status != 200:
                if status < 500 and status not in (408, 429):
                    self.faults.append(f"event stream: status {status}")
                raise EOFError
            self.connections += 1
            chunks, rest = Chunks(), b""
            while True:
                async with asyncio.timeout(SILENCE_SECONDS_MAX):
                    data = await reader.read(65536)
                if not data:
                    return "cut"
                if not self.is_open:
                    self.is_open = True
                    if self.last_byte:
                        self.longest_gap_seconds = max(self.longest_gap_seconds, time.monotonic() - self.last_byte)
                self.last_byte = time.monotonic()
                *frames, rest = (rest + chunks.feed(data)).split(b"\n\n")
                for frame in frames:
                    ending = self._take(frame)
                    if ending:
                        return ending
                self.changed.set()
        finally:
            self.writer.close()
            self.writer = None

    def _take(self, frame):
        name, data, cursor = None, None, None
        for line in frame.split(b"\n"):
            field, _, value = line.partition(b": ")
            if field == b"event":
                name = value.decode()
            elif field == b"data":
                data = json.loads(value)
            elif field == b"id":
                cursor = value.decode()
        if name is None:
            return None
        if cursor:
            self.cursor = cursor
        if name == "message":
            self._message(data["message"])
        elif name == "delta":
            self._delta(data)
        elif name == "reset":
            self.messages = {}
        elif name == "error":
            if data["status"] < 500:
                self.faults.append(f"error event: {data}")
            return "error"
        elif name in ("gone", "restart"):
            return name
        return None

    def _message(self, fields):
        known = self.messages.get(fields["id"])
        new = Message(fields)
        if known:
            seen = known.seen
            if len(new.text) != len(known.text):
                seen.append(new.seen[0])
            new.seen = seen
        self.messages[fields["id"]] = new

    def _delta(self, data):
        message = self.messages.get(data["message"])
        if message is None:
            return self.faults.append(f"a delta of a message that was never shown: {data['message']}")
        text, offset = data["text"].encode(), data["offset"]
        if offset > len(message.text):
            return self.faults.append(f"a gap: delta at {offset}, shown {len(message.text)} of {data['message']}")
        if offset < len(message.text):
            twice = message.text[offset:offset + len(text)]
            self.faults.append(f"shown twice: delta at {offset}, shown {len(message.text)} of {data['message']}"
                               f"{'' if text.startswith(bytes(twice)) else ' AND IT DIFFERS'}")
        message.text[offset:] = text
        message.seen.append((time.monotonic(), len(message.text)))

    @property
    def answer(self):
        """The last answer, or None."""
        answers = [message for message in self.messages.values() if message.fields["role"] == "assistant"]
        return max(answers, key=lambda message: message.fields["position"], default=None)
