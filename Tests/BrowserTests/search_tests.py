"""Search over titles and texts, with the keyboard too."""

from stage import test, until
from list_tests import talk


@test("search finds titles and texts, marks what was found, and opens the message")
def search(stage):
    server, window = stage.visit()
    talk(window, "Olive trees of Crete", "Something else", "About gardens")
    window.ask("How does one prune an olive tree?")
    window.page.keyboard.press("Control+k")
    window.page.keyboard.type("olive")
    until("both conversations", lambda: window.page.locator("#found section").count() == 2)
    assert not window.page.is_visible("#list")
    until("all of it marked", lambda: {mark.lower() for mark in window.page.locator("#found mark").all_inner_texts()} == {"olive"})
    window.picture("search")
    window.page.locator("#found section", has_text="About gardens").locator("a").nth(1).click()
    until("the message is looked at", lambda: "prune" in (window.page.evaluate("document.activeElement.innerText") or ""))
    assert window.prompts == ["About gardens", "How does one prune an olive tree?"]
    window.page.focus("#search")
    window.page.keyboard.press("Escape")
    until("the list again", lambda: window.page.is_visible("#list") and window.page.input_value("#search") == "")


@test("search is used with the keyboard alone, and says when there is nothing")
def search_by_keyboard(stage):
    server, window = stage.visit()
    talk(window, "Needle", "Haystack")
    press = window.page.keyboard.press
    press("Control+k")
    window.page.keyboard.type("zzzz")
    until("nothing", lambda: window.page.inner_text("#found") == "Nothing found.")
    until("said", lambda: "0 conversations found" in window.page.inner_text("#announce"))
    press("Control+a")
    window.page.keyboard.insert_text("needle")
    until("one", lambda: window.page.locator("#found section").count() == 1)
    press("ArrowDown")
    press("Enter")
    until("open", lambda: window.prompts == ["Needle"])


@test("a word from the beginning of a long conversation is found, and the page goes there")
def far_away(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.ask("A rhinoceros, once")
    identity = window.conversation
    for number in range(1, 60):
        server.call("POST", f"/conversations/{identity}/messages", window.key, {"id": f"far-{number}", "text": f"Prompt {number}"})
        until("answered", lambda: not server.call("GET", f"/conversations/{identity}?limit=1", window.key)["conversation"]["running"])
    window.new()
    window.page.fill("#search", "rhinoceros")
    until("found", lambda: window.page.locator("#found a:not(.found-title)").count() >= 1)
    window.page.locator("#found a:not(.found-title)", has_text="once").last.click()
    until("there", lambda: "rhinoceros" in window.page.evaluate("document.activeElement.innerText"))
    in_view = "(() => { const box = document.activeElement.getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight })()"
    assert window.page.evaluate(in_view)
