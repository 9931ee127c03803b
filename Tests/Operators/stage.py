"""What a test has: a folder, a binary, tasks that end with it, and words for its figures."""

import hashlib
import json
import os
import pathlib
import random

import tasks


class Skipped(Exception):
    """The test cannot run here; the reason is told."""


class Stage:
    def __init__(self, binary, folder, is_long):
        self.binary, self.folder, self.is_long = binary, folder, is_long
        self.tasks = []
        self.seed = int(os.environ.get("STOA_TEST_SEED") or random.randrange(1 << 32))
        self.random = random.Random(self.seed)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def report(self, text):
        print(f"    {text}", flush=True)

    def stoa(self, *arguments, statuses=(0,), binary=None):
        return tasks.command(binary or self.binary, *arguments, statuses=statuses)

    def start(self, volume, *arguments, binary=None, waits=True):
        task = tasks.Task(binary or self.binary, volume, *arguments, waits=waits,
                          log=self.path(f"task-{len(self.tasks)}.log"))
        self.tasks.append(task)
        return task

    def close(self):
        for task in self.tasks:
            if task.process.poll() is None:
                task.process.kill()
                task.process.wait()

    def manifest(self, volume, store="sqlite", shards=16, engine="volume"):
        """A volume without any schema yet: what `stoa volume init` writes first."""
        os.makedirs(volume, exist_ok=True)
        fields = {"format": 1, "id": f"{self.random.getrandbits(128):032x}", "store": store,
                  "shards": shards if store == "sqlite" else 0, "created_ms": 1, "created_by": "test"}
        if store == "sqlite":
            fields["engine"] = engine
        pathlib.Path(volume, "stoa-volume.json").write_text(json.dumps(fields))
        return volume

    def seeded(self, volume, sessions, messages):
        """A volume of files with so many sessions, of so many messages each."""
        self.manifest(volume, store="files")
        for number in range(sessions):
            name = hashlib.sha256(f"{self.seed} {number}".encode()).hexdigest()
            folder = pathlib.Path(volume, "sessions", name[:2])
            folder.mkdir(parents=True, exist_ok=True)
            document = session(self.random, name, messages)
            (folder / f"{name}.json").write_text(json.dumps(
                {"format": 2 if any("branching" in c for c in document["conversations"]) else 1, "document": document}))
        return volume

    def content(self, volume):
        """Hash, sessions and messages of a volume that must be sound."""
        report = self.stoa("volume", "verify", "--volume", volume, "--json").json
        assert report["sound"] and not report["strangers"], report
        return report["content"], report["sessions"], report["messages"]


WORDS = "shared volume task session message turn delta shard store model answer lock log page reader".split()


def session(generator, name, messages):
    """A session's document with two conversations; one has a prompt that was said anew."""
    made = 1_700_000_000_000 + generator.randrange(10 ** 9)
    half = max(2, messages // 4 * 2)
    first = conversation(generator, "first", half, made, has_branch=half >= 4)
    second = conversation(generator, "second", messages - half, made + 10 ** 6, has_branch=False)
    return {"session": {"id": name, "created": made}, "conversations": [first, second], "changes": messages}


def conversation(generator, name, count, made, has_branch):
    listed = []
    for position in range(1, count + 1):
        is_prompt = position % 2 == 1
        text = " ".join(generator.choices(WORDS, k=40 if is_prompt else 120))
        message = {"id": f"{name}-{position}", "role": "user" if is_prompt else "assistant", "position": position,
                   "text": text, "state": "complete", "created": made + position, "updated": made + position,
                   "version": position + 1}
        if not is_prompt:
            message.update({"model": "demo", "prompt": f"{name}-{position - 1}", "stopReason": "stop",
                            "owner": {"task": "host-1", "host": "host", "epoch": 1},
                            "usage": {"inputTokens": 40, "outputTokens": 120}})
            if position % 10 == 0:
                message["reasoning"] = "I think: " + text[:100]
        listed.append(message)
    document = {
        "conversation": {"id": name, "title": f"Über {name}", "isPinned": name == "first", "version": count + 1,
                         "resetVersion": 0, "messageCount": count, "created": made, "updated": made + count,
                         "systemPrompt": "Be brief."},
        "messages": listed, "nextPosition": count + 1, "isStopRequested": False}
    if has_branch:
        # The last turn replaced the one before it.
        document["branching"] = {"branches": [{"first": count - 1, "parent": count - 4, "version": count}], "leaf": count}
    return document
