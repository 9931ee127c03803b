"""Several windows, several tasks, one session."""

from stage import STORY, test, until


def carry_key(context, key):
    """Puts a session's key into this browser, as somebody would who moves to another address."""
    context.add_init_script(f"localStorage.getItem('stoa.key') ?? localStorage.setItem('stoa.key', '{key}')")


@test("a second window sees prompt and answer without a refresh")
def second_window(stage):
    server = stage.serve(speed=1)
    context = stage.browse()
    first = stage.window(context).go(server)
    first.new("demo-short")
    first.ask("Hello from the first.")
    second = stage.window(context).go(server, first.conversation)
    assert second.key == first.key
    second.page.select_option("#model", "demo")
    second.send("Hello from the second.")
    until("the model in the first", lambda: first.page.input_value("#model") == "demo")
    until("its prompt in the first", lambda: first.prompts == ["Hello from the first.", "Hello from the second."])
    first.page.bring_to_front()  # the browser paints what is behind once a second only
    first.page.wait_for_selector(".message.assistant:last-child[data-state=running] .block")
    first.await_state("complete")
    second.await_state("complete")
    for window in (first, second):
        window.shows_answer_of(server)
    first.menu("Reset")
    first.page.click("dialog .button.danger")
    until("the reset in the second", lambda: second.prompts == [])


@test("new, renamed and deleted conversations appear in the other window's list")
def lists(stage):
    server = stage.common.serve()
    context = stage.browse()
    first, second = stage.window(context).go(server), stage.window(context).go(server)
    first.new("demo-short")
    first.ask("Made in the first")
    until("the new one", lambda: second.titles == ["Made in the first"])
    second.page.focus("#list .item a")
    second.page.keyboard.press("F2")
    second.page.keyboard.type("Renamed in the second")
    second.page.keyboard.press("Enter")
    until("the new title", lambda: first.titles == ["Renamed in the second"])
    until("the new heading", lambda: first.page.inner_text("#title") == "Renamed in the second")
    second.page.focus("#list .item a")
    second.page.keyboard.press("Delete")
    second.page.click(".toast [data-action=dismiss]")
    until("gone in the first", lambda: first.titles == [] and first.conversation == "")


@test("another browser's list follows what happens on another task: new, answering, renamed, deleted")
def lists_across_browsers(stage):
    model = stage.model(STORY, hold_at=200)
    one, two = stage.serve(model=model), stage.serve(model=model)
    first = stage.window().go(one)
    context = stage.browse()
    carry_key(context, first.key)
    # Several windows of one browser follow with one connection; the browser has six a server.
    others = [stage.window(context).go(two) for _ in range(4)]
    first.choose("scripted")
    first.send("Seen from afar.")
    for window in others:
        until("the new one", lambda: window.titles == ["Seen from afar."])
        until("it answers", lambda: window.page.locator("#list .item.running").count() == 1)
    model.release()
    for window in others:
        until("it has answered", lambda: window.page.locator("#list .item.running").count() == 0)
    one.call("PATCH", f"/conversations/{first.conversation}", first.key, {"title": "Renamed from afar"})
    for window in others:
        until("the new title", lambda: window.titles == ["Renamed from afar"])
    streams = [url for window in others for url in window.requests if "/session/events" in url]
    assert len(streams) == 1, f"{len(streams)} streams"
    meanwhile = one.call("POST", "/conversations", first.key, {"model": "scripted", "title": "Gone unheard"})["id"]
    for window in others:
        until("the second one", lambda: window.titles == ["Gone unheard", "Renamed from afar"])

    def nobody_follows(route):
        one.call("DELETE", f"/conversations/{meanwhile}", first.key)
        route.continue_()

    for window in others[1:]:
        window.intercept("**/api/v1/session/events", nobody_follows)
    others[0].page.close()
    for window in others[1:]:
        until("gone, though nobody followed when it went", lambda: window.titles == ["Renamed from afar"])
    one.call("DELETE", f"/conversations/{first.conversation}", first.key)
    for window in others[1:]:
        until("gone, also when the window that followed is closed", lambda: window.titles == [])
    until("gone in the first", lambda: first.titles == [] and first.conversation == "")


@test("two windows that open at once share one key")
def race_for_the_key(stage):
    server = stage.common.serve()
    context = stage.browse()
    windows = [stage.window(context) for _ in range(4)]
    for window in windows:
        window.page.evaluate(f"location.href = '{server.url}/'")
    for window in windows:
        window.page.wait_for_url(f"{server.url}/")
        window.ready()
    shorts = {window.page.inner_text("#session-short") for window in windows}
    assert len(shorts) == 1, f"{len(shorts)} sessions"


@test("a page moves in mid-answer from one task to another on the same volume")
def move(stage):
    model = stage.model(STORY, hold_at=200)
    one, two = stage.serve(model=model), stage.serve(model=model)
    window = stage.window().go(one)
    host = window.page.inner_text("#host")
    window.choose("scripted")
    window.send("Follow me.")
    until("the first part", lambda: "Part 2" in window.answer)
    identity = window.conversation
    context = stage.browse()
    carry_key(context, window.key)
    moved = stage.window(context).go(two, identity)
    until("the first part there", lambda: "Part 2" in moved.answer)
    assert moved.page.locator(".message.assistant[data-state=running]").count() == 1
    model.release()
    moved.await_state("complete")
    answer = moved.shows_answer_of(two)
    assert "Part 12" in answer["text"]
    assert moved.page.inner_text("#session-short") == window.page.inner_text("#session-short")
    assert answer["host"] == host, "another task answered"
    assert moved.prompts == ["Follow me."]
    window.shows_answer_of(one)


@test("windows on two tasks see each other's messages, and either can stop the other's answer")
def across_tasks(stage):
    model = stage.model(STORY, hold_at=200)
    one, two = stage.serve(model=model), stage.serve(model=model)
    first = stage.window().go(one)
    first.new("demo-short")
    first.ask("Asked of the first task.")
    context = stage.browse()
    carry_key(context, first.key)
    second = stage.window(context).go(two, first.conversation)
    until("what was said before", lambda: second.prompts == ["Asked of the first task."])
    second.send("Asked of the second task.")
    until("seen on the first", lambda: len(first.prompts) == 2)
    until("and answered there", lambda: first.answers.count() == 2)
    first.await_state("complete")
    first.choose("scripted")
    first.send("A long one.")
    second.page.wait_for_selector(".message.assistant:last-child[data-state=running] .block")
    second.page.click("#send[aria-label='Stop the answer']")
    first.await_state("stopped")
    second.await_state("stopped")


@test("a prompt whose window closed before it was sent is sent by the other window, once")
def taken_over(stage):
    server = stage.common.serve()
    context = stage.browse()
    first, second = stage.window(context).go(server), stage.window(context).go(server)
    first.new("demo-short")
    first.ask("Before.")
    identity, key = first.conversation, first.key
    # The first window cannot reach the server, and is closed.
    first.intercept("**/messages", lambda route: route.abort())
    first.send("Carry me on.")
    first.page.wait_for_selector(".message.user[data-pending] >> text=Not sent yet")
    second.page.click("#list .item a")
    second.page.evaluate("dispatchEvent(new Event('focus'))")
    first.page.close()
    until("sent by the other one", lambda: second.prompts == ["Before.", "Carry me on."])
    second.await_state("complete")
    messages = server.call("GET", f"/conversations/{identity}", key)["messages"]
    assert [message["text"] for message in messages if message["role"] == "user"] == ["Before.", "Carry me on."]


@test("a window that waits to send what another one is just sending shows what comes of it")
def sent_elsewhere(stage):
    server = stage.common.serve()
    context = stage.browse()
    first = stage.window(context).go(server)
    first.intercept("**/api/v1/conversations", lambda route: route.abort())
    first.send("Who sends me?")
    first.page.wait_for_selector(".message.user[data-pending] >> text=Not sent yet")
    identity = first.conversation
    first.page.close()
    second, held = stage.window(context), []
    second.page.route("**/api/v1/conversations", lambda route: held.append(route))
    second.go(server)
    second.until("the second one sends", lambda: held)
    third = stage.window(context).go(server, identity)
    until("the third one waits", lambda: third.prompts == ["Who sends me?"])
    held.pop().continue_()
    third.await_state("complete")
    assert third.prompts == ["Who sends me?"] and third.answers.count() == 1
