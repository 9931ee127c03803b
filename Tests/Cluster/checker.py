"""Knows every acknowledgement, and compares the volume with it in the end.

- nothing acknowledged is lost: every prompt with a 202 is there once, with its text, in the order of the 202s
- nothing is doubled, nothing is there that nobody sent, every prompt has one answer
- every answer is in a final state; a complete one is byte-identical to what the model says, any other a beginning of it
- no answer lacks more than half a second of writing that a reader saw, and only one whose task was killed lacks any
"""

import asyncio
import collections
import time

import client
import script

LAG_SECONDS_MAX = 0.5
# How late this busy process may read what a task had sent.
ARRIVAL_SECONDS_MAX = 1.0
FINAL_STATES = {"complete", "stopped", "interrupted", "failed"}


class Conversation:
    def __init__(self, key, identity):
        self.key, self.id = key, identity
        # Prompt ids in the order in which they were acknowledged; texts of all that were ever sent.
        self.acknowledged, self.sent = [], {}
        # Which task writes an answer, as far as its 202 told.
        self.owners = {}
        self.readers = []


class Checker:
    def __init__(self):
        self.conversations = []
        # (when, task id): a task that was killed, or frozen and then killed.
        self.deaths = collections.defaultdict(list)
        self.failures = client.Failures()

    def conversation(self, key, identity):
        self.conversations.append(Conversation(key, identity))
        return self.conversations[-1]

    def died(self, task_id, when):
        self.deaths[task_id].append(when)

    async def settle(self, url, seconds=60.0):
        """Waits until no answer runs any more; returns the messages of each conversation."""
        end, gate = time.monotonic() + seconds, asyncio.Semaphore(16)

        async def messages(conversation):
            while True:
                async with gate:
                    found = await self.all_messages(url, conversation)
                if all(message["state"] != "running" for message in found) or time.monotonic() > end:
                    return found
                await asyncio.sleep(0.25)

        return await asyncio.gather(*(messages(conversation) for conversation in self.conversations))

    @staticmethod
    async def all_messages(url, conversation):
        found, before = [], ""
        while True:
            page = (await client.persist(
                url, "GET", f"/conversations/{conversation.id}?limit=100{before}", conversation.key)).json
            found = page["messages"] + found
            # A page may be cut by its size too: only an empty one is the last for certain.
            if not page["messages"] or page["messages"][0]["position"] <= 0:
                return found
            before = f"&before={page['messages'][0]['position']}"

    async def check(self, url, seconds=60.0, may_fail=False):
        """Raises with every violation; returns figures."""
        figures, faults = collections.Counter(), []
        lag = most = 0.0
        for conversation, messages in zip(self.conversations, await self.settle(url, seconds)):
            place = f"conversation {conversation.id}"
            prompts = [message for message in messages if message["role"] == "user"]
            answers = collections.defaultdict(list)
            for message in messages:
                if message["role"] == "assistant":
                    answers[message["prompt"]].append(message)
            ids = [prompt["id"] for prompt in prompts]
            figures["acknowledged"] += len(conversation.acknowledged)
            figures["turns"] += len(prompts)
            counts = collections.Counter(ids)
            faults += [f"{place}: prompt {one} is there {count} times" for one, count in counts.items() if count > 1]
            faults += [f"{place}: prompt {one} was acknowledged and is lost"
                       for one in conversation.acknowledged if one not in counts]
            faults += [f"{place}: prompt {one} was never sent" for one in ids if one not in conversation.sent]
            order = [one for one in ids if one in set(conversation.acknowledged)]
            if order != [one for one in conversation.acknowledged if one in counts]:
                faults.append(f"{place}: the order is not that of the acknowledgements")
            if [message["position"] for message in messages] != sorted({message["position"] for message in messages}):
                faults.append(f"{place}: positions are not in order")
            for prompt in prompts:
                if prompt["text"] != conversation.sent.get(prompt["id"], prompt["text"]):
                    faults.append(f"{place}: prompt {prompt['id']} has another text")
                if len(answers[prompt["id"]]) != 1:
                    faults.append(f"{place}: prompt {prompt['id']} has {len(answers[prompt['id']])} answers")
                for answer in answers[prompt["id"]]:
                    figures[answer["state"]] += 1
                    faults += self.faults_of(answer, prompt, place, may_fail)
                    for reader in conversation.readers:
                        # A volume that cannot be written (somebody else is paused and holds it) may be behind for long, but
                        # not by much: both are told, and the second one is the promise.
                        behind = self.behind(answer, reader, conversation.owners.get(answer["id"]))
                        missing = self.missing(answer, prompt, reader)
                        lag, most = max(lag, behind or 0.0), max(most, missing)
                        if missing > LAG_SECONDS_MAX or behind is None:
                            faults.append(
                                f"{place}: answer {answer['id']} ({answer['state']}, {len(answer['text'].encode())} bytes) lacks "
                                f"{missing:.2f} s of writing that a reader saw "
                                f"{'and nothing died' if behind is None else f'{behind:.2f} s before the death'}: "
                                f"{conversation.owners.get(answer['id'], 'its task')}")
            for reader in conversation.readers:
                faults += [f"{place}: {fault}" for fault in reader.faults]
        if faults:
            raise AssertionError(f"{len(faults)} violations ({dict(figures)}):\n    " + "\n    ".join(faults[:20]))
        figures["lag_ms"], figures["missing_ms"] = round(lag * 1000), round(most * 1000)
        return figures

    @staticmethod
    def faults_of(answer, prompt, place, may_fail):
        whole = script.answer(prompt["text"]).encode()
        text = answer["text"].encode()
        if answer["state"] not in FINAL_STATES:
            return [f"{place}: answer {answer['id']} is still {answer['state']}"]
        if answer["state"] == "failed" and not may_fail:
            return [f"{place}: answer {answer['id']} failed: {answer['error']}"]
        if answer["state"] == "complete" and text != whole:
            return [f"{place}: answer {answer['id']} is complete and differs from the model's at byte {difference(text, whole)}"
                    f" ({len(text)} bytes, {len(whole)} expected)"]
        if not whole.startswith(text):
            return [f"{place}: answer {answer['id']} ({answer['state']}) is no beginning of the model's, from byte "
                    f"{difference(text, whole)} on"]
        return []

    def behind(self, answer, reader, owner=None):
        """How long before its task's death a reader had seen text of an answer that is not there any more, in seconds; None
        when no task died."""
        seen = reader.messages.get(answer["id"])
        stored = len(answer["text"].encode())
        first = next((when for when, size in seen.seen if size > stored), None) if seen else None
        if first is None:
            return 0.0
        # What was sent before a death may arrive after it. Without a death nothing should be missing at all.
        many = self.deaths[owner] if owner else [when for deaths in self.deaths.values() for when in deaths]
        deaths = [when for when in many if when >= first - ARRIVAL_SECONDS_MAX]
        if not deaths:
            return None
        # One that had to leave has no moment: what it could not store is told by its amount alone.
        return max(0.0, min(deaths) - first) if min(deaths) < float("inf") else 0.0

    @staticmethod
    def missing(answer, prompt, reader):
        """How much of what a reader saw of an answer is not there any more, in seconds of the model's writing."""
        seen = reader.messages.get(answer["id"])
        most = max(size for _, size in seen.seen) if seen else 0
        return script.seconds(prompt["text"], len(answer["text"].encode()), most)

    def lost(self, answer, prompt, reader, owner):
        """How much a death took of what a reader saw, in seconds: of writing, or since it was seen, whichever is less. What
        a starved task did not read for a while it shows at once, and a slow volume is behind for long, but by little."""
        missing, behind = self.missing(answer, prompt, reader), self.behind(answer, reader, owner)
        return missing if behind is None else min(missing, behind)


def difference(one, other):
    return next((place for place, pair in enumerate(zip(one, other)) if pair[0] != pair[1]), min(len(one), len(other)))
