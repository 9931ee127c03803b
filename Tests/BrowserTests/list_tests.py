"""The list of conversations: titles, pins, deletion that can be undone."""

from stage import test, until
from settings_tests import replace_key


def talk(window, *texts):
    for text in texts:
        window.new("demo-short")
        window.ask(text)


def exists(server, window, identity):
    return identity in [found["id"] for found in server.call("GET", "/conversations", window.key)["conversations"]]


@test("a conversation gets its title from what it begins with, without cutting a word")
def automatic_title(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.ask("## Compare the storage engines of three chat servers with one another, please\nand be brief")
    until("the title", lambda: window.titles == ["Compare the storage engines of three chat servers with one…"])
    assert window.page.title() == "Compare the storage engines of three chat servers with one… · Stoa"


@test("a pinned conversation stays on top, also after a reload, until it is unpinned")
def pin(stage):
    server, window = stage.visit()
    talk(window, "Old", "Middle", "New")
    window.menu("Pin", "Old")
    until("on top", lambda: window.titles == ["Old", "New", "Middle"])
    assert window.page.locator("#list h2").all_inner_texts() == ["Pinned", "Today"]
    window.picture("list-pinned")
    window.reload()
    until("still", lambda: window.titles == ["Old", "New", "Middle"])
    window.page.focus("#list .item >> nth=0 >> a")
    window.page.keyboard.press("p")
    until("unpinned", lambda: window.page.locator("#list h2").all_inner_texts() == ["Today"])
    assert sorted(window.titles) == ["Middle", "New", "Old"]


@test("a deletion is undone with one click, and nothing is missing")
def undo(stage):
    server, window = stage.visit()
    talk(window, "Keep me", "Other")
    window.page.click("#list .item >> text=Keep me")
    until("open", lambda: window.prompts == ["Keep me"])
    identity = window.conversation
    window.page.keyboard.press("Control+Shift+Backspace")
    until("hidden at once", lambda: window.titles == ["Other"] and window.conversation == "")
    window.picture("list-undo")
    assert exists(server, window, identity), "it was deleted before the time to undo was over"
    window.page.click(".toast >> text=Undo")
    until("back", lambda: sorted(window.titles) == ["Keep me", "Other"])
    window.page.click("#list .item >> text=Keep me")
    until("with its messages", lambda: window.prompts == ["Keep me"])


@test("a deletion that nobody undoes is carried out, and the other window of the browser hides it at once too")
def deletion(stage):
    server = stage.common.serve()
    context = stage.browse()
    first, second = stage.window(context).go(server), stage.window(context).go(server)
    talk(first, "Away with it", "Stay")
    identity = server.call("GET", "/conversations", first.key)["conversations"][1]["id"]
    until("both know", lambda: second.titles == ["Stay", "Away with it"])
    first.menu("Delete", "Away with it")
    until("hidden in both", lambda: first.titles == second.titles == ["Stay"])
    assert exists(server, first, identity)
    # Whoever points at the offer stops its clock.
    first.page.click(".toast [data-action=dismiss]")
    until("gone on the server", lambda: not exists(server, first, identity))
    until("gone in both", lambda: first.titles == second.titles == ["Stay"])


@test("a new key does not bring back what is being deleted")
def deletion_and_rotation(stage):
    server, window = stage.visit()
    talk(window, "Away with it", "Stay")
    identity, old = server.call("GET", "/conversations", window.key)["conversations"][1]["id"], window.key
    window.menu("Delete", "Away with it")
    until("hidden", lambda: window.titles == ["Stay"])
    window.page.evaluate("window.hasOldKey = true")
    replace_key(window)
    until("it begins anew", lambda: not window.page.evaluate("window.hasOldKey"))
    window.ready()
    assert window.key != old
    until("still hidden", lambda: window.titles == ["Stay"])
    window.page.clock.install()
    window.page.clock.fast_forward(20_000)
    window.page.evaluate("dispatchEvent(new Event('focus'))")
    until("gone", lambda: not exists(server, window, identity))


@test("a deletion is carried out by itself after a few seconds")
def deletion_elapses(stage):
    server, window = stage.visit()
    talk(window, "Eight seconds left")
    identity = window.conversation
    window.page.clock.install()
    window.menu("Delete", "Eight seconds left")
    until("hidden", lambda: window.titles == [])
    window.page.mouse.move(600, 300)
    window.page.clock.fast_forward(3_000)  # and what the machine takes beside it
    assert exists(server, window, identity)
    window.page.clock.fast_forward(6_000)
    until("gone", lambda: not exists(server, window, identity))
    assert window.page.locator(".toast").count() == 0


@test("closing the window in the time to undo still deletes")
def deletion_at_close(stage):
    server, window = stage.visit()
    talk(window, "Last wish")
    identity, key = window.conversation, window.key
    window.menu("Delete", "Last wish")
    until("hidden", lambda: window.titles == [])
    window.page.close(run_before_unload=True)
    until("gone", lambda: server.call("GET", "/conversations", key)["conversations"] == [])


@test("older conversations are loaded when asked for, and a pinned one from long ago hides none")
def many(stage):
    server, window = stage.visit()
    for number in range(1, 121):
        server.call("POST", "/conversations", window.key, {"id": f"many-{number}", "title": f"Number {number}"})
    server.call("PATCH", "/conversations/many-3", window.key, {"pinned": True})
    window.reload()
    until("the pinned one and the newest", lambda: window.titles[:2] == ["Number 3", "Number 120"])
    while window.page.locator("[data-action=more]").count():
        before = len(window.titles)
        window.page.click("[data-action=more]")
        until("more of them", lambda: len(window.titles) > before or not window.page.locator("[data-action=more]").count())
    assert sorted(window.titles) == sorted(f"Number {number}" for number in range(1, 121))
    with window.page.expect_response("**/api/v1/session"):
        window.page.evaluate("dispatchEvent(new Event('focus'))")
    window.page.wait_for_timeout(100)
    assert window.page.locator("[data-action=more]").count() == 0, "there are no more to load"
    # It is older than what another browser's deletions are told of.
    server.call("DELETE", "/conversations/many-5", window.key)
    window.page.click("#list .item >> text='Number 5'")
    until("it is said, and no longer listed", lambda: "Number 5" not in window.titles and window.page.is_visible("#notice"))
