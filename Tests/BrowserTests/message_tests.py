"""What stands in and below a message, and the states it goes through."""

import re

from stage import STORY, test, until

MARKDOWN = """# Everything

## A table

| Right | Left |
| ---: | :--- |
| 1 | one |

### Tasks

- [x] done
- [ ] open

```python
print("a line that is far too long", "for the width of the log", "even where the window is as wide", "as windows usually are", "these days")
```

Inline `code`, **strong**, *emphasis*, ~~struck~~ and <https://example.org/>.

> A quotation

![a picture](https://pictures.example/cat.png)
"""


@test("Markdown shows tables, task lists, code with its language, quotations; an image is a link until it is clicked")
def markdown(stage):
    server, window = stage.visit(MARKDOWN)
    window.ask("Show me.")
    body = window.page.locator(".message.assistant .body")
    assert body.locator("table td").all_inner_texts() == ["1", "one"]
    assert [box.is_checked() for box in body.locator("input[type=checkbox]").all()] == [True, False]
    assert body.locator("figcaption > span").first.inner_text() == "python"
    assert body.locator("blockquote").inner_text() == "A quotation" and body.locator("del").inner_text() == "struck"
    assert body.locator("img").count() == 0 and body.locator("a >> text=a picture").get_attribute("target") == "_blank"
    assert not [url for url in window.requests if "pictures.example" in url]
    window.picture("message-markdown")


@test("a code block's lines are wrapped and unwrapped with its switch")
def wrap(stage):
    server, window = stage.visit(MARKDOWN)
    window.ask("Show me.")
    wide = "(() => { const pre = document.querySelector('.code pre'); return pre.scrollWidth > pre.clientWidth + 1 })()"
    assert window.page.evaluate(wide)
    window.page.click("[data-action=wrap]")
    assert not window.page.evaluate(wide) and window.page.get_attribute("[data-action=wrap]", "aria-pressed") == "true"
    window.page.click("[data-action=wrap]")
    assert window.page.evaluate(wide)


@test("an answer and a prompt are copied as they were written")
def copies(stage):
    server, window = stage.visit(MARKDOWN, permissions=["clipboard-read", "clipboard-write"])
    clipboard = lambda: window.page.evaluate("navigator.clipboard.readText()")
    window.ask("What *can* you <do>?")
    window.page.click(".message.assistant [data-action=copy-message]")
    until("the answer's Markdown", lambda: clipboard().strip() == MARKDOWN.strip())
    window.page.hover(".message.user")
    window.page.click(".message.user [data-action=copy-message]")
    until("the prompt", lambda: clipboard() == "What *can* you <do>?")
    window.page.keyboard.press("Control+Shift+;")
    until("the last code block", lambda: clipboard().startswith("print("))
    window.page.keyboard.press("Control+Shift+C")
    until("the last answer", lambda: clipboard().strip() == MARKDOWN.strip())


@test("an answer says which model and host wrote it, when, how long it took and how many tokens")
def facts(stage):
    server, window = stage.visit()
    window.new("demo")
    window.ask("Who, when, how long?")
    found = server.call("GET", f"/conversations/{window.conversation}", window.key)["messages"][-1]
    until("all of it", lambda: re.fullmatch(
        rf"Demo \(not a real model\) · by {re.escape(found['host'])} · \d+:\d\d [AP]M · [\d.]+ s · {found['usage']['output_tokens']} tokens",
        window.page.inner_text(".message.assistant .facts-line").replace("\u202f", " ")))
    assert window.page.locator(".facts-line time").get_attribute("datetime").startswith("20")


@test("a prompt sent while an answer runs is queued, and sent when its turn has come")
def queue(stage):
    server, window = stage.visit(STORY)
    stage.common.model.hold_at = 200
    window.send("First.")
    until("the first part", lambda: "Part 2" in window.answer)
    window.send("Second.")
    window.send("Third.")
    until("both wait", lambda: window.page.locator(".message.user[data-pending] >> text=Queued").count() == 2)
    window.picture("message-queued")
    window.page.click("[data-action=unsend] >> nth=1")
    until("the third is taken back", lambda: window.page.input_value("#text") == "Third.")
    stage.common.model.release()
    until("the second is answered", lambda: window.answers.count() == 2)
    window.await_state("complete")
    assert window.prompts == ["First.", "Second."]


@test("while an answer runs the page says who writes it and for how long")
def running(stage):
    server, window = stage.visit(STORY)
    stage.common.model.hold_at = 0
    window.send("Take your time.")
    window.page.wait_for_selector(".message.assistant[data-state=running]")
    until("a clock", lambda: re.search(r"by \S+ · [1-9]\d*(\.\d)? s", window.page.inner_text(".wait-line")))
    window.picture("message-running")
    window.page.keyboard.press("Escape")
    window.await_state("stopped")


@test("an answer that failed says why, and is asked for again")
def failure(stage):
    server, window = stage.visit("")
    window.send("Say nothing.")
    window.page.wait_for_selector(".message.assistant:is([data-state=failed], [data-state=complete])")
    stage.common.model.status = 401
    window.send("Fail.")
    window.page.wait_for_selector(".message.assistant[data-state=failed]")
    reason = window.page.inner_text(".message.assistant[data-state=failed] .note")
    assert "Ask again" in reason and len(reason) > 30, reason
    window.picture("message-failed")
    stage.common.model.status, stage.common.model.answer = 200, "Better now."
    window.page.locator(".message.assistant").last.locator("[data-action=again]").click()
    until("an answer", lambda: window.answer == "Better now.")


@test("a very long prompt is folded in the log until it is asked for")
def folded(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.ask("\n".join(f"line {number}" for number in range(200)))
    high = "document.querySelector('.message.user .body').offsetHeight"
    assert window.page.evaluate(high) < 500
    window.page.click("[data-action=unfold]")
    assert window.page.evaluate(high) > 2_000


@test("what a model thought is folded above its answer, stays as the reader left it while it grows, and is kept")
def reasoning(stage):
    server, window = stage.visit("The answer is **42**.")
    model = stage.common.model
    model.reasoning, model.hold_at = "First I think about it. " * 20 + "<b>Then</b> I *know*.", 100
    window.send("Think, please.")
    window.page.wait_for_selector("details.reasoning[data-thinking]")
    assert window.page.inner_text("details.reasoning summary") == "Thinking…"
    assert not window.page.is_visible("details.reasoning .plain")
    window.page.click("details.reasoning summary")
    shown = lambda: window.page.inner_text("details.reasoning .plain")
    until("it is read", lambda: "First I think" in shown())
    window.picture("message-thinking")
    before = len(shown())
    model.release()
    until("it grows and stays open", lambda: len(shown()) > before)
    window.await_state("complete")
    assert window.page.is_visible("details.reasoning .plain"), "it was folded under the reader's eyes"
    assert window.page.inner_text("details.reasoning summary") == "Reasoning"
    assert shown().endswith("<b>Then</b> I *know*.") and window.answer == "The answer is 42."
    window.picture("message-reasoning")
    window.reload()
    window.page.wait_for_selector("details.reasoning:not([open])")
    window.page.click("details.reasoning summary")
    assert shown().endswith("<b>Then</b> I *know*.")
