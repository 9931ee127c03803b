"""One `stoa serve` with a catalogue of its own, and somebody who chats with it."""

import json
import os
import select
import subprocess
import tempfile
import time
import urllib.request
import uuid

START_SECONDS_MAX = 30
ANSWER_SECONDS_MAX = 60


class Task:
    def __init__(self, binary, models, environment, *flags):
        self.folder = tempfile.TemporaryDirectory(prefix="stoa-providers-")
        catalogue = os.path.join(self.folder.name, "models.json")
        with open(catalogue, "w") as file:
            json.dump({"models": models}, file)
        self.log = open(os.path.join(self.folder.name, "log"), "w+")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "OPENAI_", "AWS_"))}
        self.process = subprocess.Popen(
            [binary, "serve", "--volume", os.path.join(self.folder.name, "volume"), "--port", "0", "--models", catalogue,
             "--log-level", "trace", *flags],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env={**clean, **environment})
        self.url = self._address()

    def _address(self):
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end and self.process.poll() is None:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                line = self.process.stdout.readline()
                if line.startswith("stoa: listening on "):
                    return line.split()[-1].rstrip("/")
        raise AssertionError(f"stoa did not start:\n{self.text()}")

    def text(self):
        self.log.flush()
        with open(self.log.name) as file:
            return file.read()

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(40)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()
            self.folder.cleanup()

    def call(self, method, path, key=None, body=None):
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.loads(response.read() or b"null")


class Chat:
    """A conversation in a session of its own."""

    def __init__(self, task, model):
        self.task, self.model = task, model
        self.key = task.call("POST", "/sessions", body={})["key"]
        self.path = f"/conversations/{uuid.uuid4().hex}"
        task.call("POST", "/conversations", self.key, {"id": self.path.rsplit("/", 1)[1], "model": model})

    def say(self, text):
        return self.task.call("POST", f"{self.path}/messages", self.key, {"id": uuid.uuid4().hex, "text": text})["answer"]

    def ask(self, text):
        self.say(text)
        return self.answer()

    def last(self):
        return self.task.call("GET", f"{self.path}?limit=1", self.key)["messages"][-1]

    def answer(self, seconds=ANSWER_SECONDS_MAX):
        """The last answer, once it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self.last()
            if message["state"] != "running":
                return message
            time.sleep(0.05)
        raise AssertionError(f"{self.model}: still running after {seconds} s")

    def until_text(self):
        """The running answer, once it has some text."""
        end = time.monotonic() + ANSWER_SECONDS_MAX
        while time.monotonic() < end:
            message = self.last()
            if message["text"] or message["state"] != "running":
                return message
            time.sleep(0.05)
        raise AssertionError(f"{self.model}: no text")

    def go_on(self, message):
        self.task.call("POST", f"{self.path}/messages/{message['id']}/continue", self.key, {"version": message["version"]})
        return self.answer()

    def stop(self):
        self.task.call("POST", f"{self.path}/stop", self.key, {})
        return self.answer()
