"""Answers that go on, are asked for again, and prompts that are edited: nothing that was said gets lost."""

import time

from stage import STORY, test, until
from window_tests import carry_key


def texts(server, window):
    found = server.call("GET", f"/conversations/{window.conversation}", window.key)["messages"]
    return [message["text"] for message in found]


@test("an answer that was stopped goes on in its place, word for word")
def go_on(stage):
    server = stage.serve(speed=1)
    window = stage.window().go(server)
    window.send("Tell me all of it.")
    until("some of it", lambda: "every piece of it" in window.answer)
    window.page.click("#send[aria-label='Stop the answer']")
    window.await_state("stopped")
    window.page.click(".message.assistant [data-action=go-on]")
    window.page.wait_for_selector(".message.assistant:last-child[data-state=running]")
    window.await_state("complete")
    assert window.answers.count() == 1 and window.prompts == ["Tell me all of it."]
    answer = window.shows_answer_of(server)["text"]
    assert answer.startswith("I am Stoa's") and answer.endswith("whatever you ask next.")
    assert answer.count("every piece of it is being stored") == 1
    assert window.page.locator("[data-action=go-on]").count() == 0
    window.reload()
    window.shows_answer_of(server)


@test("kill -9 of the task that answers: an open page on another one says so by itself, and Continue completes it")
def go_on_elsewhere(stage):
    one, two = stage.serve(speed=0.5), stage.serve(speed=20)
    first = stage.window().go(one)
    first.send("Survive this.")
    first.await_text()
    context = stage.browse()
    carry_key(context, first.key)
    second = stage.window(context).go(two, first.conversation)
    until("seen there", lambda: "language model" in second.answer)
    one.kill()
    begun = time.monotonic()
    until("it says so", lambda: second.page.locator(".message.assistant[data-state=interrupted]").count())
    took = time.monotonic() - begun
    # Two seconds, where the machine has nothing else to do; somebody who looks once a minute would say it now and then.
    assert took < 6.0, f"after {took:.2f} s"
    second.picture("8-continue")
    kept = texts(two, second)[1]
    second.page.click(".message.assistant [data-action=go-on]")
    second.await_state("complete")
    whole = second.shows_answer_of(two)["text"]
    assert whole.startswith(kept) and whole.endswith("whatever you ask next.")
    assert second.prompts == ["Survive this."] and second.answers.count() == 1


@test("an answer is asked for again, the earlier one stays, and the stepper shows either")
def retry(stage):
    server, window = stage.visit()
    window.ask("Which model are you?")
    long = window.answer
    window.page.select_option("#model", "demo-short")
    window.page.locator(".message.assistant").hover()
    window.page.click(".message.assistant [data-action=again]")
    until("the second answer", lambda: window.versions == ["2/2"] and window.answer.startswith("You said"))
    window.await_state("complete")
    assert window.answers.count() == 1 and window.prompts == ["Which model are you?"]
    window.picture("9-versions")
    window.page.click("[data-action=previous]")
    until("the first again", lambda: window.versions == ["1/2"] and window.answer == long)
    window.reload()
    until("kept", lambda: window.versions == ["1/2"] and window.answer == long)
    window.page.click("[data-action=next]")
    until("the second again", lambda: window.versions == ["2/2"] and window.answer.startswith("You said"))
    assert len(texts(server, window)) == 2


@test("a prompt is edited with the keyboard alone; what followed it stays behind its first version")
def edit(stage):
    server = stage.common.serve()
    context = stage.browse()
    window = stage.window(context).go(server)
    window.new("demo-short")
    window.ask("First.")
    window.ask("Secund.")
    window.ask("Third.")
    other = stage.window(context).go(server, window.conversation)
    until("all of it", lambda: other.prompts == ["First.", "Secund.", "Third."])

    press = window.page.keyboard.press
    window.page.focus(".message.user >> nth=1 >> [data-action=edit]")
    press("Enter")
    field = window.page.locator(".editing textarea")
    assert field.input_value() == "Secund."
    press("Escape")
    assert window.page.locator(".editing").count() == 0 and window.prompts == ["First.", "Secund.", "Third."]
    press("Enter")
    window.page.wait_for_selector(".editing textarea:focus")
    press("Control+a")
    window.page.keyboard.type("Second.")
    press("Enter")
    until("the edited one", lambda: window.prompts == ["First.", "Second."])
    window.await_state("complete")
    assert "Second" in window.answer and window.versions == ["2/2"]
    until("in the other window", lambda: other.prompts == ["First.", "Second."] and other.versions == ["2/2"])
    window.picture("10-edited")

    window.page.focus("[data-action=previous]")
    press("Enter")
    until("the first version", lambda: window.prompts == ["First.", "Secund.", "Third."])
    assert window.versions == ["1/2"]
    until("in the other window", lambda: other.prompts == ["First.", "Secund.", "Third."])
    until("the focus stays at the stepper", lambda: window.page.evaluate("document.activeElement.dataset.action") == "next")
    press("Enter")
    until("and back", lambda: window.prompts == ["First.", "Second."] and window.versions == ["2/2"])
    window.ask("And on.")
    assert window.prompts == ["First.", "Second.", "And on."]


@test("two windows that send at once: one is answered, the other is told and keeps its text")
def both_at_once(stage):
    model = stage.model(STORY, hold_at=200)
    server = stage.serve(model=model)
    context = stage.browse()
    first = stage.window(context).go(server)
    first.new("scripted")
    first.send("Let us begin.")
    until("the first part", lambda: "Part 2" in first.answer)
    model.release()
    first.await_state("complete")
    model.hold_at, _ = 0, model.released.clear()
    second = stage.window(context)
    # This window hears nothing of the other one, as in the moment before the news arrive.
    second.page.route("**/events*", lambda route: route.abort())
    second.page.add_init_script("delete window.BroadcastChannel; window.BroadcastChannel = class extends EventTarget { postMessage() {} }")
    second.go(server, first.conversation)
    until("what was said", lambda: second.prompts == ["Let us begin."])
    first.send("The first is faster.")
    first.page.wait_for_selector(".message.assistant:last-child[data-state=running]")
    second.send("The second waits.")
    until("it is told", lambda: "An answer is running" in second.page.inner_text("#notice-text"))
    assert second.page.input_value("#text") == "The second waits."
    assert second.prompts == ["Let us begin."]
    second.picture("11-told")
    model.release()
    first.await_state("complete")
    second.page.unroute("**/events*")
    second.page.press("#text", "Enter")
    until("it goes through", lambda: texts(server, first)[-2:-1] == ["The second waits."])
    until("once, in both", lambda: first.prompts == ["Let us begin.", "The first is faster.", "The second waits."])
