"""The processes a test needs: `stoa serve`, and a model server that says what the test wants it to say."""

import json
import os
import select
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 15
HOLD_SECONDS_MAX = 60
PIECE_CHARACTERS = 17
PAUSE_SECONDS = 0.005


class Server:
    """One task: a `stoa serve` process on a volume."""

    def __init__(self, binary, volume, log, speed=1.0, port=0, model=None, default=None):
        self.volume, self.log = volume, log
        command = [binary, "serve", "--volume", volume, "--host", "127.0.0.1", "--port", str(port),
                   "--demo-speed", str(speed), "--log-format", "json"]
        # What the developer's shell points to must not reach the tests.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "OPENAI_", "AWS_"))}
        environment = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "test", "STOA_OPENAI_MODELS": "scripted"} if model else {}
        if default:
            environment["STOA_DEFAULT_MODEL"] = default
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True,
                                        env={**clean, **environment})
        self.url = self._address()
        self.port = int(self.url.rsplit(":", 1)[1])
        threading.Thread(target=self._drain, daemon=True).start()

    def _address(self):
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            readable, _, _ = select.select([self.process.stdout], [], [], 0.2)
            line = self.process.stdout.readline() if readable else ""
            if line.startswith("stoa: listening on "):
                return line.split()[-1].rstrip("/")
            if self.process.poll() is not None:
                raise AssertionError(f"stoa ended with {self.process.returncode} before it listened; see {self.log.name}")
        self.kill()
        raise AssertionError(f"stoa did not say where it listens within {START_SECONDS_MAX} s; see {self.log.name}")

    def _drain(self):
        for _ in self.process.stdout:
            pass

    def stop(self):
        """SIGTERM, and what it does within its drain time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"stoa did not end within {STOP_SECONDS_MAX} s of SIGTERM")

    def kill(self):
        """kill -9."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def call(self, method, path, key=None, body=None):
        """One request to the HTTP interface: what the page's claims are compared with."""
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
            return json.loads(text) if text else None


class ModelServer:
    """An OpenAI-compatible server on loopback: streams `answer` piece by piece as the model `scripted`.

    With `hold_at` it stops after so many characters (of its reasoning, if it has one) until `release` is called, so that a
    test can be in mid-answer for as long as it needs, on a slow machine too.
    """

    def __init__(self, answer, hold_at=None, pause_seconds=PAUSE_SECONDS, reasoning=""):
        model = self
        self.reasoning, self.hold_at, self.released = reasoning, hold_at, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self._reply("application/json", json.dumps(
                    {"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": "test"}]}).encode())

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if model.status != 200:
                    return self._reply("application/json", b'{"error":{"message":"no such key","type":"invalid_request_error"}}', model.status)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                try:
                    self._answer()
                except (BrokenPipeError, ConnectionResetError):
                    pass  # a stopped answer: stoa hangs up

            def _answer(self):
                if model.reasoning:
                    self._say("reasoning_content", model.reasoning)
                self._say("content", model.answer)
                self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                self.wfile.write(b"data: [DONE]\n\n")

            def _say(self, name, text):
                for start in range(0, len(text), model.piece_characters):
                    if model.hold_at is not None and start >= model.hold_at:
                        model.released.wait(HOLD_SECONDS_MAX)
                    self._piece({name: text[start:start + model.piece_characters]})
                    time.sleep(model.pause_seconds)

            def _piece(self, delta):
                self._event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

            def _event(self, fields):
                event = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", **fields}
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()

            def _reply(self, media_type, data, status=200):
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.answer, self.status, self.piece_characters, self.pause_seconds = answer, 200, PIECE_CHARACTERS, pause_seconds
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def begin_anew(self):
        """As it is made, with nothing to say, for the next test."""
        self.answer, self.reasoning, self.hold_at, self.status = "", "", None, 200
        self.piece_characters, self.pause_seconds = PIECE_CHARACTERS, PAUSE_SECONDS
        self.released.clear()

    def release(self):
        self.released.set()

    def close(self):
        self.release()
        self.server.shutdown()
        self.server.server_close()
