"""Tasks and commands of a binary, as processes; and a client that never sends a request again by itself."""

import http.client
import json
import os
import secrets
import signal
import subprocess
import threading
import time

READY_SECONDS_MAX = 60
COMMAND_SECONDS_MAX = 600


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "OPENAI_", "AWS_"))}


class Task:
    """One `stoa serve`; ready when made."""

    def __init__(self, binary, volume, *arguments, log, waits=True):
        self.log = open(log, "w")
        self.log_path = log
        self.process = subprocess.Popen(
            [binary, "serve", "--volume", volume, "--port", "0", "--demo-speed", "0", *arguments],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, text=True, env=clean_environment())
        self.port = None
        if waits:
            self.wait_ready()

    def wait_ready(self):
        # The line comes or the process ends; a process that hangs is ended by the test's own deadline.
        line = self.process.stdout.readline()
        assert "listening on" in line, f"a task did not start: {open(self.log_path).read()[-2000:]}"
        self.port = int(line.strip().rsplit(":", 1)[1])
        return self

    def leave(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        status = self.process.wait(READY_SECONDS_MAX)
        self.process.stdout.close()
        self.log.close()
        return status

    def lines(self, text):
        return [line for line in open(self.log_path).read().splitlines() if text in line]


class Run:
    """A command that ended."""

    def __init__(self, arguments, status, out, err, seconds, megabytes):
        self.arguments, self.status, self.out, self.err = arguments, status, out, err
        self.seconds, self.megabytes = seconds, megabytes

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"stoa {' '.join(self.arguments)}: status {self.status}, {self.seconds:.1f} s\n{self.out[-1500:]}{self.err[-1500:]}"


def command(binary, *arguments, statuses=(0,), kill_after=None):
    """Runs a command to its end, or kills it (-9) after so many seconds: then its status is -9, if it had not ended."""
    arguments = [str(argument) for argument in arguments]
    begun = time.monotonic()
    process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, text=True, env=clean_environment())
    peak = [0]
    watcher = threading.Thread(target=watch_memory, args=(process, peak), daemon=True)
    watcher.start()
    if kill_after is not None:
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
    out, err = process.communicate(timeout=COMMAND_SECONDS_MAX)
    watcher.join()
    run = Run(arguments, process.returncode, out, err, time.monotonic() - begun, peak[0] / 1024)
    if kill_after is None:
        assert run.status in statuses, str(run)
    return run


def watch_memory(process, peak):
    """The peak of its resident memory, as the kernel counts it."""
    while process.poll() is None:
        try:
            for line in open(f"/proc/{process.pid}/status"):
                if line.startswith("VmHWM"):
                    peak[0] = max(peak[0], int(line.split()[1]))
        except OSError:
            return
        time.sleep(0.05)


class Client:
    """One session. Every request is sent once; what fails is counted and told. A patient client sends again, as the page
    does, what was refused for the moment (503), and counts that too."""

    def __init__(self, pick, patience_seconds=0):
        self.pick, self.key, self.connections = pick, None, {}
        self.failures, self.requests = [], 0
        self.patience_seconds, self.refused = patience_seconds, 0

    def ask(self, method, path, body=None, port=None):
        """The status and the decoded body; status 0 when no answer came."""
        end = time.monotonic() + self.patience_seconds
        while True:
            sent_to = port or self.pick()
            status, data = self.send(method, path, body, sent_to)
            if status != 503 or time.monotonic() >= end:
                break
            self.refused += 1
            time.sleep(0.5)
        if status == 0 or status >= 400:
            self.failures.append(f"{method} {path} on {sent_to}: {status} {data[:200]!r}")
            return status, {}
        return status, json.loads(data) if data else {}

    def send(self, method, path, body, port):
        """One try: the status and the body."""
        self.requests += 1
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as problem:
            return 0, repr(problem).encode()
        finally:
            connection.close()

    def begin(self):
        _, body = self.ask("POST", "/sessions")
        self.key = body["key"]
        return self

    def conversation(self):
        name = secrets.token_urlsafe(12)
        self.ask("POST", "/conversations", {"id": name})
        return name

    def say(self, conversation, text):
        """The prompt's id, if it was acknowledged."""
        name = secrets.token_urlsafe(12)
        status, _ = self.ask("POST", f"/conversations/{conversation}/messages", {"id": name, "text": text})
        return name if status == 202 else None

    def messages(self, conversation):
        """Every message that is shown."""
        found, before = [], None
        while True:
            query = f"?limit=100&before={before}" if before else "?limit=100"
            status, page = self.ask("GET", f"/conversations/{conversation}{query}")
            assert status == 200, self.failures[-1]
            found = page["messages"] + found
            before = page.get("earlier")
            if not before:
                return found


class Writers:
    """Threads that say things, each in a session of its own, until they are told to stop."""

    def __init__(self, count, pick, patience_seconds=0):
        self.is_over = threading.Event()
        self.clients = [Client(pick, patience_seconds) for _ in range(count)]
        self.said = [[] for _ in range(count)]  # (conversation, prompt, when it was acknowledged)
        self.threads = [threading.Thread(target=self.talk, args=(index,), daemon=True) for index in range(count)]
        for thread in self.threads:
            thread.start()

    def talk(self, index):
        client = self.clients[index].begin()
        conversation = client.conversation()
        while not self.is_over.is_set():
            prompt = client.say(conversation, f"Say {index}.")
            if prompt:
                self.said[index].append((conversation, prompt, time.monotonic()))
            # The next prompt is refused while an answer runs, rightly.
            while not self.is_over.is_set():
                status, body = client.ask("GET", f"/conversations/{conversation}?limit=1")
                if status == 200 and not body["conversation"]["running"]:
                    break
                time.sleep(0.02)

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)

    def wait_for(self, count, seconds=60):
        """Until so many prompts were acknowledged."""
        end = time.monotonic() + seconds
        while sum(map(len, self.said)) < count:
            assert time.monotonic() < end, f"only {sum(map(len, self.said))} of {count} prompts: {self.failures()[:3]}"
            time.sleep(0.05)

    def failures(self):
        return [failure for client in self.clients for failure in client.failures]

    def refused(self):
        return sum(client.refused for client in self.clients)

    def requests(self):
        return sum(client.requests for client in self.clients)

    def missing(self, port, before=None):
        """Prompts that were acknowledged before a moment and that a task does not show."""
        lost = []
        for client, said in zip(self.clients, self.said):
            wanted = [(conversation, prompt) for conversation, prompt, when in said if before is None or when < before]
            client.pick = lambda: port
            for conversation in {conversation for conversation, _ in wanted}:
                there = {message["id"] for message in client.messages(conversation)}
                lost += [prompt for place, prompt in wanted if place == conversation and prompt not in there]
        return lost
