"""The message field."""

from stage import STORY, test, until


def height(window):
    return window.page.evaluate("document.getElementById('text').offsetHeight")


@test("the field grows with its text up to a part of the window, Shift+Enter starts a line, Enter sends")
def grows(stage):
    server, window = stage.visit()
    window.new("demo-short")
    empty = height(window)
    window.page.click("#text")
    window.page.keyboard.type("one")
    window.page.keyboard.press("Shift+Enter")
    window.page.keyboard.type("two")
    assert height(window) > empty
    window.page.keyboard.press("Enter")
    until("sent", lambda: window.prompts == ["one\ntwo"])
    assert height(window) == empty
    window.page.fill("#text", "\n" * 100)
    assert height(window) <= 320


@test("arrow up in the empty field brings back what was asked, arrow down goes forward again")
def history(stage):
    server, window = stage.visit()
    window.new("demo-short")
    for text in ("first question", "second question"):
        window.ask(text)
    value = lambda: window.page.input_value("#text")
    press = window.page.keyboard.press
    window.page.focus("#text")
    press("ArrowUp")
    assert value() == "second question"
    press("ArrowUp")
    press("ArrowUp")
    assert value() == "first question"
    press("ArrowDown")
    press("ArrowDown")
    assert value() == ""
    window.page.keyboard.type("typed")
    press("ArrowUp")
    assert value() == "typed", "what was typed is gone"


@test("a long text is pasted without ado, counted before it is too much, and refused only beyond the limit")
def limit(stage):
    server, window = stage.visit(permissions=["clipboard-read", "clipboard-write"])
    window.new("demo-short")
    paste = lambda text: (window.page.evaluate("(text) => navigator.clipboard.writeText(text)", text), window.page.fill("#text", ""),
                          window.page.focus("#text"), window.page.keyboard.press("Control+v"))
    paste("word " * 20_000)
    until("pasted", lambda: len(window.page.input_value("#text")) == 100_000)
    assert not window.page.is_visible("#count")
    paste("ä" * 120_000)
    until("a count", lambda: window.page.inner_text("#count") == "Room for 22,144 more bytes")
    assert window.page.is_enabled("#send")
    window.picture("composer-count")
    paste("ä" * 140_000)
    until("too long", lambda: window.page.inner_text("#count") == "17,856 bytes too long")
    assert window.page.is_disabled("#send")
    window.page.press("#text", "Enter")
    assert window.prompts == [] and len(window.page.input_value("#text")) == 140_000
    paste("word " * 20_000)
    window.page.press("#text", "Enter")
    window.await_state("complete")
    stored = server.call("GET", f"/conversations/{window.conversation}", window.key)["messages"][0]["text"]
    assert stored == ("word " * 20_000).strip()


@test("what is sent without a network is kept, in order, and arrives once when the network is back")
def offline(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.ask("Online.")
    window.page.context.set_offline(True)
    window.send("Offline one.")
    window.send("Offline two.")
    until("both wait", lambda: window.page.locator(".message.user[data-pending]").count() == 2)
    until("the page says so", lambda: window.page.inner_text("#link-text") == "Offline")
    window.picture("offline")
    window.page.context.set_offline(False)
    until("both are answered", lambda: window.answers.count() == 3)
    window.await_state("complete")
    messages = server.call("GET", f"/conversations/{window.conversation}", window.key)["messages"]
    assert [message["text"] for message in messages if message["role"] == "user"] == ["Online.", "Offline one.", "Offline two."]
    until("connected", lambda: window.page.inner_text("#link-text") == "Connected")


@test("a network with three seconds of latency: the page says what it waits for, and all that is done arrives")
def latency(stage):
    server, window = stage.visit(STORY)
    session = window.page.context.new_cdp_session(window.page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", {
        "offline": False, "latency": 3_000, "downloadThroughput": -1, "uploadThroughput": -1})
    window.send("Are you far away?")
    window.page.wait_for_selector(".message.user[data-pending] >> text=Sending")
    window.await_state("complete")
    window.shows_answer_of(server)
    identity = window.conversation
    window.new()
    window.page.click("#list .item a")
    window.page.wait_for_selector("#loading:not([hidden])")
    until("it is there", lambda: window.prompts == ["Are you far away?"] and window.conversation == identity)
    assert not window.page.is_visible("#loading")
