"""One `stoa serve`, and what a client does to it."""

import json
import os
import select
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 20
ANSWER_SECONDS_MAX = 15


class Task:
    """A process on a volume."""

    def __init__(self, binary, volume, log, *arguments):
        self.log = open(log, "w+", encoding="utf-8")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "OPENAI_", "AWS_"))}
        self.process = subprocess.Popen(
            [binary, "serve", "--volume", volume, "--port", "0", "--demo-speed", "0", "--log-format", "json", *arguments],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=clean)
        self.url = self._address()
        self.port = int(self.url.rsplit(":", 1)[1])
        threading.Thread(target=self._drain, daemon=True).start()

    def _address(self):
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end and self.process.poll() is None:
            readable, _, _ = select.select([self.process.stdout], [], [], 0.2)
            line = self.process.stdout.readline() if readable else ""
            if line.startswith("stoa: listening on "):
                return line.split()[-1]
        self.end(signal.SIGKILL)
        raise AssertionError(f"stoa does not listen; see {self.log.name}")

    def _drain(self):
        for _ in self.process.stdout:
            pass

    def end(self, how=signal.SIGTERM):
        """Sends a signal, if it runs, and waits for its end."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def ask(self, method, path, key=None, body=None, headers=()):
        """One request; status, headers and text, whatever the status."""
        request = urllib.request.Request(self.url + path, method=method, headers=dict(headers))
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read().decode()

    def session(self):
        """A new session's key, with a conversation "talk" in it."""
        key = json.loads(self.ask("POST", "/api/v1/sessions")[2])["key"]
        assert self.ask("POST", "/api/v1/conversations", key, {"id": "talk"})[0] == 201
        return key

    def say(self, key, text, model=None, wait=True):
        """A turn in "talk"; returns its answer once it is over, if it is waited for."""
        ident = os.urandom(8).hex()
        body = {"id": ident, "text": text, **({"model": model} if model else {})}
        status, _, said = self.ask("POST", "/api/v1/conversations/talk/messages", key, body)
        assert status == 202, said
        if not wait:
            return json.loads(said)["answer"]
        end = time.monotonic() + ANSWER_SECONDS_MAX
        while time.monotonic() < end:
            last = json.loads(self.ask("GET", "/api/v1/conversations/talk?limit=1", key)[2])["messages"][-1]
            if last["state"] != "running":
                return last
            time.sleep(0.02)
        raise AssertionError(f"an answer still runs after {ANSWER_SECONDS_MAX} s")

    def page(self, url=None):
        """The metrics page, as text."""
        with urllib.request.urlopen((url or self.url) + "/metrics", timeout=ANSWER_SECONDS_MAX) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), answer.headers["Content-Type"]
            return answer.read().decode()

    def value(self, name, **labels):
        """The sum of the samples of that name with these labels, as Prometheus's own parser reads them."""
        return total(self.page(), name, **labels)


def total(page, name, **labels):
    """The sum of a page's samples of that name with these labels."""
    return sum(sample.value for family in text_string_to_metric_families(page) for sample in family.samples
               if sample.name == name and all(sample.labels.get(label) == value for label, value in labels.items()))


def eventually(what, condition, seconds=ANSWER_SECONDS_MAX):
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
