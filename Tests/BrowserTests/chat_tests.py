"""Everyday chatting in one window."""

import re

from stage import STORY, test, until


@test("the first visit makes a key, keeps it in localStorage only, and offers something to ask")
def first_visit(stage):
    server = stage.serve(speed=20)
    window = stage.window().go(server)
    assert re.fullmatch(r"stoa_[A-Za-z0-9_-]{43}", window.key)
    assert window.page.locator("#examples button").count() == 4
    session = server.call("GET", "/session", window.key)
    assert window.page.inner_text("#session-short") == session["session"]["short"] == session["session"]["id"][:8]
    assert window.page.inner_text("#host") == session["host"]
    window.picture("1-first-visit")
    window.page.click("#examples button >> nth=0")
    window.await_state("complete")
    assert not any("stoa_" in url for url in window.requests), "the key is in a URL"
    assert window.key not in stage.log_text(), "the key is in a log"


@test("a prompt is answered block by block, and the page ends with what the API has")
def chat(stage):
    server = stage.serve(speed=2)
    window = stage.window().go(server)
    window.send("What can you show me?\nTwo lines, <b>no tags</b>.")
    window.await_text()
    assert window.page.locator(".message.assistant[data-state=running]").count() == 1
    window.picture("2-running")
    window.await_state("complete")
    found = server.call("GET", f"/conversations/{window.conversation}", window.key)
    prompt, answer = found["messages"]
    assert window.prompts == [prompt["text"]] == ["What can you show me?\nTwo lines, <b>no tags</b>."]
    assert window.shows_answer_of(server)["id"] == answer["id"]
    assert window.page.input_value("#text") == ""
    window.picture("3-answered")


@test("a refresh in mid-answer loses nothing: the answer goes on to its end")
def refresh(stage):
    server, model, window = stage.mid_answer("Tell me everything.")
    window.reload()
    until("the first part again", lambda: "Part 2" in window.answer)
    assert window.page.locator(".message.assistant[data-state=running]").count() == 1
    assert "Part 12" not in window.answer
    model.release()
    window.await_state("complete")
    assert "Part 12" in window.shows_answer_of(server)["text"]
    messages = server.call("GET", f"/conversations/{window.conversation}", window.key)["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"], "a turn came twice"
    assert window.prompts == ["Tell me everything."]


@test("stop ends an answer, keeps what was written, and the next prompt is answered")
def stop(stage):
    server = stage.serve(speed=1)
    window = stage.window().go(server)
    window.send("A long answer, please.")
    window.await_text()
    window.page.click("#send[aria-label='Stop the answer']")
    window.await_state("stopped")
    assert window.answer.strip(), "the text is gone"
    window.picture("4-stopped")
    window.page.select_option("#model", "demo-short")
    window.ask("And now a short one.")


@test("a prompt that is sent while stop is on its way is not stopped with the answer before")
def stop_and_go_on(stage):
    _, model, window = stage.mid_answer("Stop this.")

    def end_and_go_on():
        model.release()
        until("the end", lambda: window.page.locator(".message.assistant[data-state=complete]").count())
        model.released.clear()
        window.send("And not this.")

    act_while(window, "POST", "**/stop*", lambda: window.page.keyboard.press("Escape"), end_and_go_on)
    until("both", lambda: window.answers.count() == 2)
    model.release()
    window.await_state("complete")


@test("a stop that is late does not stop the answer that another window asked for meanwhile")
def late_stop(stage):
    server, model, first = stage.mid_answer("Stop this.")
    second = stage.window(first.page.context).go(server, first.conversation)

    def go_on_elsewhere():
        model.release()
        second.await_state("complete")
        model.released.clear()
        second.send("And not this.")
        second.page.wait_for_selector(".message.assistant:last-child[data-state=running]")

    act_while(first, "POST", "**/stop*", lambda: first.page.keyboard.press("Escape"), go_on_elsewhere)
    until("both", lambda: first.answers.count() == 2)
    first.page.wait_for_timeout(1_000)  # a stop is obeyed within half a second
    model.release()
    for window in (first, second):
        window.await_state("complete")


@test("stop works before the first word too")
def stop_early(stage):
    server = stage.serve(model=stage.model(STORY, hold_at=0))
    window = stage.window().go(server)
    window.choose("scripted")
    window.send("Never mind.")
    window.page.wait_for_selector(".message.assistant[data-state=running]")
    window.page.keyboard.press("Escape")
    window.await_state("stopped")


def act_while(window, method, path, begin, act):
    """Begins something that asks the server with `method` for `path`, and acts while that is still on its way."""
    held = []
    window.intercept(path, lambda route: held.append(route) if route.request.method == method else route.continue_())
    begin()
    window.until("on its way", lambda: held)
    act()
    window.page.wait_for_timeout(300)
    held.pop().continue_()
    window.page.unroute(path)


def choose_before(window, model, act):
    act_while(window, "PATCH", "**/conversations/*", lambda: window.page.select_option("#model", model), act)


@test("the model is switched for one conversation, and its answers say who wrote them")
def model_switch(stage):
    server, window = stage.visit()
    window.ask("First.")
    choose_before(window, "demo-short", lambda: window.send("Second."))
    until("answered", lambda: window.answers.count() == 2)
    window.await_state("complete")
    messages = server.call("GET", f"/conversations/{window.conversation}", window.key)["messages"]
    assert [message["model"] for message in messages if message["role"] == "assistant"] == ["demo", "demo-short"]
    window.new()
    assert window.page.input_value("#model") == "demo", "the choice leaked into another conversation"
    window.page.go_back()
    until("the choice is kept", lambda: window.page.input_value("#model") == "demo-short")
    choose_before(window, "demo", lambda: window.page.click(".message.assistant:last-child [data-action=again]"))
    answered_by = lambda: server.call("GET", f"/conversations/{window.conversation}", window.key)["messages"][-1]
    until("answered anew", lambda: answered_by()["id"] != messages[-1]["id"])
    assert answered_by()["model"] == "demo"


@test("model and instructions that are chosen while a conversation is being made hold for its first answer")
def chosen_meanwhile(stage):
    server, window = stage.visit()

    def choose():
        window.page.select_option("#model", "demo-short")
        window.page.click("#instructions")
        window.page.fill("dialog textarea", "Be brief.")
        window.page.click("dialog >> text=Save")

    act_while(window, "POST", "**/api/v1/conversations", lambda: window.send("First."), choose)
    window.await_state("complete")
    found = server.call("GET", f"/conversations/{window.conversation}", window.key)
    assert found["messages"][-1]["model"] == found["conversation"]["model"] == "demo-short"
    assert found["conversation"]["system_prompt"] == "Be brief."


@test("reset removes the messages after a question, and the conversation goes on")
def reset(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.ask("Forget this.")
    window.menu("Reset")
    window.page.click("dialog >> text=Keep them")
    assert window.prompts == ["Forget this."]
    window.menu("Reset")
    window.page.click("dialog .button.danger")
    until("an empty log", lambda: window.prompts == [])
    assert server.call("GET", f"/conversations/{window.conversation}", window.key)["messages"] == []
    window.ask("A new start.")
    assert window.prompts == ["A new start."]
    window.menu("Reset")
    act_while(window, "POST", "**/reset", lambda: window.page.click("dialog .button.danger"), lambda: window.send("Behind it."))
    until("the prompt stays", lambda: window.prompts == ["Behind it."])
    window.await_state("complete")
    assert window.prompts == ["Behind it."]


@test("conversations are listed newest first, opened, renamed, and deleted")
def conversations(stage):
    server, window = stage.visit()
    for title in ("Alpha", "Beta", "Gamma"):
        window.new("demo-short")
        window.ask(title)
    until("newest first", lambda: window.titles == ["Gamma", "Beta", "Alpha"])
    window.page.click("#list .item >> text=Alpha")
    until("Alpha is open", lambda: window.prompts == ["Alpha"])
    window.menu("Rename", "Alpha")
    window.page.keyboard.type("Omega")
    window.page.keyboard.press("Enter")
    until("renamed", lambda: "Omega" in window.titles and window.page.inner_text("#title") == "Omega")
    window.menu("Delete", "Omega")
    until("deleted", lambda: sorted(window.titles) == ["Beta", "Gamma"] and window.conversation == "")
    window.reload()
    assert sorted(window.titles) == ["Beta", "Gamma"]


@test("a window's draft is not lost to what is sent in another one")
def drafts_of_two(stage):
    server = stage.common.serve()
    context = stage.browse()
    first, second = stage.window(context).go(server), stage.window(context).go(server)
    second.new("demo-short")
    second.ask("Somewhere else.")
    second.new()
    second.page.fill("#text", "the second's thought")
    first.new("demo-short")
    first.ask("The first is sent.")
    second.page.click("#list .item >> text=Somewhere else.")
    until("away", lambda: second.page.input_value("#text") == "")
    second.new()
    assert second.page.input_value("#text") == "the second's thought"


@test("a draft waits for its conversation")
def drafts(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.ask("One.")
    window.page.fill("#text", "half a thou")
    window.new()
    assert window.page.input_value("#text") == ""
    window.page.click("#list .item a")
    assert window.page.input_value("#text") == "half a thou"
    window.reload()
    assert window.page.input_value("#text") == "half a thou"
