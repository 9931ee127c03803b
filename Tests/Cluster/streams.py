"""Many event streams in a process of its own, read as cheaply as Python can: it must not be what is measured.

Standard input: one line of JSON, {"url", "streams": [[key, conversation], ...]}. It says `open` when all are, then waits for
its standard input to end, and answers one line of JSON: how many events came, and the delays in milliseconds from the
model's piece (`@when@`) to its arrival here, of the oldest piece in each arrival.
"""

import asyncio
import json
import sys
import time
import urllib.parse

BATCH = 50


class Stream(asyncio.Protocol):
    def __init__(self, path, key, host, is_open):
        self.is_open, self.events, self.delays, self.is_lost = is_open, 0, [], False
        self.request = (f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
                        "Accept: text/event-stream\r\n\r\n").encode()

    def connection_made(self, transport):
        transport.write(self.request)

    def data_received(self, data):
        now = time.monotonic() * 1000
        if not self.is_open.done() and b": beat" in data:
            self.is_open.set_result(None)
        at = data.find(b"event: delta")
        if at < 0:
            return
        self.events += data.count(b"event: delta")
        start = data.find(b"@", at) + 1
        end = data.find(b"@", start)
        if start > 0 and end > 0:
            self.delays.append(now - int(data[start:end]))

    def connection_lost(self, _):
        self.is_lost = True
        if not self.is_open.done():
            self.is_open.set_exception(ConnectionError("the stream was refused"))


async def main():
    loop = asyncio.get_running_loop()
    task = json.loads(sys.stdin.readline())
    place = urllib.parse.urlsplit(task["url"])
    streams = []
    for start in range(0, len(task["streams"]), BATCH):
        batch = [Stream(f"/api/v1/conversations/{conversation}/events", key, place.netloc, loop.create_future())
                 for key, conversation in task["streams"][start:start + BATCH]]
        await asyncio.gather(*(
            loop.create_connection(lambda stream=stream: stream, place.hostname, place.port) for stream in batch))
        await asyncio.gather(*(stream.is_open for stream in batch))
        streams += batch
    print("open", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    worst = [max(stream.delays, default=None) for stream in streams]
    delays = sorted(delay for stream in streams for delay in stream.delays)
    print(json.dumps({
        "events": sum(stream.events for stream in streams), "lost": sum(stream.is_lost for stream in streams),
        "silent": worst.count(None), "median": delays[len(delays) // 2], "p99": delays[len(delays) * 99 // 100],
        "max": delays[-1], "late": sum(1 for delay in worst if delay is not None and delay > 1000)}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
