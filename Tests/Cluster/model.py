"""An OpenAI-compatible model server on loopback, a process of its own: says what `script` says, and remembers when each
of its streams was opened and closed.

GET /asked/NAME answers a list of {opened, answered, closed, pieces, whole} for the prompts of that name, in seconds of the
monotonic clock, which all processes of a machine share.
"""

import asyncio
import json
import sys
import time

import script


def event(fields):
    return b"data: " + json.dumps({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted",
                                   **fields}).encode() + b"\n\n"


def delta(text):
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})


class Model:
    def __init__(self):
        self.asked = {}

    async def serve(self, reader, writer):
        try:
            while await self.answer_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def answer_one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split("\r\n")[0].split(" ")
        length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        body = await reader.readexactly(length)
        if method == "GET":
            known = self.asked.get(path.removeprefix("/asked/"), []) if path.startswith("/asked/") else {}
            data = json.dumps(known).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
            await writer.drain()
            return True
        messages = json.loads(body)["messages"]
        await self.stream(messages, reader, writer)
        return False

    async def stream(self, messages, reader, writer):
        # Behind the last order there may be the part of an answer that is to go on, and a request in words to do so.
        place = max(number for number, message in enumerate(messages)
                    if message["role"] == "user" and script.order(message["content"]))
        name, pieces, pace_ms, first_ms, clock = script.order(messages[place]["content"])
        said = messages[place + 1]["content"] if place + 1 < len(messages) else ""
        record = {"opened": time.monotonic(), "answered": None, "closed": None, "pieces": 0, "whole": False,
                  "messages": len(messages)}
        self.asked.setdefault(name, []).append(record)
        # A client that goes away is noticed here at once, not at the next piece.
        closed = asyncio.ensure_future(reader.read())
        closed.add_done_callback(lambda _: record.__setitem__("closed", record["closed"] or time.monotonic()))
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
            begin = time.monotonic() + first_ms / 1000
            for number, text in enumerate(script.rest(name, pieces, said)):
                wait = begin + (number * pace_ms) / 1000 - time.monotonic()
                if wait > 0:
                    await asyncio.wait([closed], timeout=wait)
                if closed.done():
                    return
                record["answered"] = record["answered"] or time.monotonic()
                writer.write(delta(f"@{int(time.monotonic() * 1000)}@ " if clock else text))
                record["pieces"] += 1
                await writer.drain()
            writer.write(event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
            writer.write(event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": pieces}}))
            writer.write(b"data: [DONE]\n\n")
            await writer.drain()
            record["whole"] = True
        finally:
            closed.cancel()
            record["closed"] = record["closed"] or time.monotonic()


async def main():
    # The address to listen at, for tasks on hosts of their own.
    host = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
    server = await asyncio.start_server(Model().serve, host, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    # The parent's end of standard input closes with the parent, however it ends: then this one is not needed any more.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
