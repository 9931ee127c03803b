"""Conversations as files, and a new key for the same session."""

import json

from stage import test, until
from list_tests import talk
from settings_tests import replace_key, settings


def saved(window, click):
    """What is saved by what `click` does: its name and its text."""
    with window.page.expect_download() as download:
        click()
    with open(download.value.path(), encoding="utf-8") as file:
        return download.value.suggested_filename, file.read()


@test("a conversation is saved as Markdown and as JSON under its title")
def save_one(stage):
    server, window = stage.visit()
    talk(window, "Über Häfen: Teil 1/2")
    name, text = saved(window, lambda: window.menu("Save as Markdown"))
    assert name.endswith(".md") and "Häfen" in name, name
    assert "Über Häfen: Teil 1/2" in text and "You said" in text
    name, text = saved(window, lambda: window.menu("Save as JSON"))
    assert name.endswith(".json") and len(json.loads(text)["conversations"]) == 1


@test("all conversations are saved, and brought back once in another session, however often")
def round_trip(stage):
    server, first = stage.visit()
    talk(first, "One", "Two")
    settings(first)
    name, text = saved(first, lambda: first.page.click("dialog >> text=Save all as JSON"))
    assert name.endswith(".json") and len(json.loads(text)["conversations"]) == 2
    name, markdown = saved(first, lambda: first.page.click("dialog >> text=Save all as Markdown"))
    assert "One" in markdown and "Two" in markdown
    window = stage.window().go(server)
    settings(window)
    bring = lambda: window.page.set_input_files("dialog input[type=file]", {
        "name": name, "mimeType": "application/json", "buffer": text.encode()})
    bring()
    until("brought back", lambda: "2 conversations were brought back." in window.page.locator("dialog .outcome").last.inner_text())
    bring()
    until("nothing twice", lambda: "2 were here already." in window.page.locator("dialog .outcome").last.inner_text())
    window.page.keyboard.press("Escape")
    until("listed", lambda: sorted(window.titles) == ["One", "Two"])
    window.page.click("#list .item >> text=One")
    until("with its messages", lambda: window.prompts == ["One"] and window.answers.count() == 1)
    settings(window)
    window.page.set_input_files("dialog input[type=file]", {"name": "x.json", "mimeType": "application/json", "buffer": b"{nonsense"})
    until("refused in words", lambda: len(window.page.locator("dialog .outcome").last.inner_text()) > 10
          and "brought" not in window.page.locator("dialog .outcome").last.inner_text().lower())


@test("the key is replaced: the old one is dead, and the other window goes on with the new one")
def rotate(stage):
    server = stage.common.serve()
    context = stage.browse()
    first, second = stage.window(context).go(server), stage.window(context).go(server)
    talk(first, "Still here")
    old = first.key
    until("both know", lambda: second.titles == ["Still here"])
    second.page.fill("#text", "half a thought")
    for window in (first, second):
        window.page.evaluate("window.hasOldKey = true")
    replace_key(first)
    until("another key", lambda: first.key not in (None, old))
    for window in (first, second):
        until("it begins anew", lambda: not window.page.evaluate("window.hasOldKey"))
        window.ready()
        until("the same conversations", lambda: window.titles == ["Still here"] and not window.page.locator("dialog").count())
    assert second.page.input_value("#text") == "half a thought"
    assert server.call("GET", "/session", first.key)["conversations"][0]["title"] == "Still here"
    try:
        server.call("GET", "/session", old)
        raise AssertionError("the old key still opens the session")
    except OSError as refused:
        assert refused.code == 401
    assert old not in first.page.evaluate("JSON.stringify(localStorage)"), "the dead key is kept"
    second.new("demo-short")
    second.ask("And on it goes.")


@test("a browser that dies while the key is replaced ends up with the new key")
def rotate_cut(stage):
    server, window = stage.visit()
    talk(window, "Do not lose me")
    old = window.key
    # The server does it, and the answer never arrives.
    done = []
    window.intercept("**/session/rotate", lambda route: done.append(route.fetch()))
    replace_key(window)
    until("it was begun", lambda: window.page.evaluate("localStorage.getItem('stoa.key.rotating')"))
    window.until("and done", lambda: done)
    window.page.unroute("**/session/rotate")
    window.page.reload()
    until("the conversations", lambda: window.titles == ["Do not lose me"])
    assert window.key != old and window.page.evaluate("localStorage.getItem('stoa.key.rotating')") is None
