"""A server on loopback that plays scripts: what a provider sends, when, and how it breaks off."""

import socket
import threading
import time

REQUEST_BYTES_MAX = 1 << 20
SECONDS_MAX = 30


class Pause:
    """Silence, in seconds."""

    def __init__(self, seconds):
        self.seconds = seconds


class Slowly:
    """Bytes that come one at a time."""

    def __init__(self, data, seconds):
        self.data, self.seconds = data, seconds


CUT = object()  # the connection breaks here, without an end of the body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream(media_type, *steps):
    """A 200 whose body comes in chunks."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    return [head, *(chunk(step) if isinstance(step, bytes) else step for step in steps),
            *(() if steps and steps[-1] is CUT else (b"0\r\n\r\n",))]


def status(line, body, *headers):
    data = body.encode()
    head = "\r\n".join([f"HTTP/1.1 {line}", f"content-length: {len(data)}", *headers])
    return [head.encode() + b"\r\n\r\n" + data]


def waits(name):
    """The deadlines of a script in the catalogue: short only where one is to end it: a busy machine makes pauses too."""
    return {"gap_seconds": 1.5 if name == "silence" else 10, "whole_seconds": 3 if name == "slow-loris" else 12}


class Player:
    """Answers the n-th request for a script's name with its n-th play; the last play serves all further ones."""

    def __init__(self, scripts, name_of, refuse=lambda head, body: None):
        self.scripts, self.name_of, self.refuse = scripts, name_of, refuse
        self.asked, self.lock = {}, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def count(self, name):
        with self.lock:
            return len(self.asked.get(name, []))

    def requests(self, name):
        with self.lock:
            return list(self.asked.get(name, []))

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(SECONDS_MAX)
            try:
                while self._answer(connection):
                    pass
            except (OSError, ValueError):
                pass  # whoever asked has gone

    def _answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65_536)
            if not more or len(data) > REQUEST_BYTES_MAX:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        while len(body) < length:
            body += connection.recv(65_536)
        refusal = self.refuse((lines[0], headers), body)
        name = self.name_of(lines[0], body)
        with self.lock:
            plays = self.scripts[name]
            asked = self.asked.setdefault(name, [])
            asked.append((lines[0], headers, body))
            play = refusal or plays[min(len(asked), len(plays)) - 1]
        for step in play:
            if step is CUT:
                return False
            if isinstance(step, Pause):
                time.sleep(step.seconds)
            elif isinstance(step, Slowly):
                for byte in step.data:
                    connection.sendall(bytes([byte]))
                    time.sleep(step.seconds)
            else:
                connection.sendall(step)
        return True
