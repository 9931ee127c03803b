"""A session as it looks after some weeks: what the list makes of it, and the pictures in docs/."""

import time

from stage import STORY, test, until

ANSWER = """Both keep a session on one shared folder. The difference is what a *write* costs:

| | one file a session | SQLite in shards |
| --- | ---: | ---: |
| calls for one message | 10.3 | **1.04** |
| the thousandth message | the whole file again | the same |

```swift
let store = try await SQLiteSessionStore.open(volume)
try await store.appendText(part, to: answer)
```

1. A file is read, changed and **replaced**.
2. A row is *appended*, and $O(1)$ stays $O(1)$.

- [x] kept before it is answered
- [ ] asked for twice
"""


def session(now_ms):
    """An export with conversations of several days."""
    day = 86_400_000

    def conversation(identity, title, days, prompt, answer, pinned=False, reasoning=""):
        at = now_ms - days * day
        common = {"state": "complete", "error": None, "host": "task-2", "created_ms": at, "updated_ms": at + 4_200}
        said = {**common, "id": f"{identity}-p", "follows": None, "role": "user", "reasoning": "", "text": prompt, "model": None,
                "stop_reason": None, "usage": None, "host": None}
        answered = {**common, "id": f"{identity}-a", "follows": f"{identity}-p", "role": "assistant", "reasoning": reasoning,
                    "text": answer, "model": "demo", "stop_reason": "stop", "usage": {"input_tokens": 96, "output_tokens": 212}}
        return {"id": identity, "title": title, "model": "demo", "system_prompt": None, "pinned": pinned, "created_ms": at,
                "updated_ms": at, "messages": [said, answered], "shown": f"{identity}-a"}

    conversations = [
        conversation("stores", "What does a write cost?", 0, "What does a write cost, a file against SQLite?", ANSWER,
                     reasoning="Two stores on one volume. I compare calls, not seconds."),
        conversation("trip", "Four days in Athens", 0, "Plan four days in Athens", "Begin at the **Stoa of Attalos**, early."),
        conversation("olive", "Pruning an olive tree", 1, "How is an olive tree pruned?", "Late in winter, for light."),
        conversation("letter", "A letter to the landlord", 3, "Draft a letter about the heating", "Dear Ms Petrou, …"),
        conversation("recipe", "Bread without kneading", 12, "How is bread made without kneading?", "With time instead."),
        conversation("notes", "Reading list", 40, "Keep my reading list", "Herodotus; an olive grove in every book.", pinned=True),
    ]
    return {"format": "stoa-export", "version": 1, "exported_ms": now_ms, "conversations": conversations}


@test("conversations are grouped by day, pinned ones stand on top, and one that is being answered is marked")
def groups(stage):
    server, window = stage.visit(STORY, reduced_motion="reduce")
    page = window.page
    now = int(time.time() * 1000)
    server.call("POST", "/import", window.key, session(now))
    until("listed", lambda: len(window.titles) == 6)
    groups = ["Pinned", "Today", "Yesterday", "Previous 7 days", "Previous 30 days"]
    assert page.locator("#list h2").all_inner_texts() == groups, page.locator("#list").inner_text()
    assert window.titles[0] == "Reading list"
    stage.common.model.hold_at = 200
    window.send("Tell me a story while I read something else")
    until("it runs", lambda: page.locator("#list .item.running").count() == 1)
    page.click("#list .item >> text='What does a write cost?'")
    until("open", lambda: "What does a write cost" in "".join(window.prompts))
    assert page.locator("#list .item.running").count() == 1, "the mark is gone with the window's look"
    page.mouse.move(700, 400)
    window.picture("page")
    page.emulate_media(color_scheme="dark")
    window.picture("page-dark")
    page.emulate_media(color_scheme="light")
    page.fill("#search", "olive")
    until("found", lambda: page.locator("#found section").count() == 2 and page.locator("#found mark").count() >= 2)
    window.picture("page-search")
    page.fill("#search", "")
    page.set_viewport_size({"width": 390, "height": 780})
    window.picture("page-narrow")
    stage.common.model.release()
    page.set_viewport_size({"width": 1280, "height": 800})
    until("it has ended", lambda: page.locator("#list .item.running").count() == 0)
