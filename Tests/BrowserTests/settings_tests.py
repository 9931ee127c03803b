"""Settings: the key, the language, instructions, the models, shortcuts, and the panel."""

from stage import test, until


def settings(window):
    window.page.click("#settings")
    window.page.wait_for_selector("dialog[open]")


def replace_key(window):
    settings(window)
    window.page.click("dialog >> text=Replace the key")
    window.page.click("dialog:last-of-type button >> text='Replace it'")


@test("the key is hidden, shown on demand and copied")
def show_key(stage):
    server, window = stage.visit(permissions=["clipboard-read", "clipboard-write"])
    settings(window)
    field = window.page.locator("dialog input[readonly]")
    assert field.get_attribute("type") == "password" and field.input_value() == window.key
    window.picture("settings")
    window.page.click("dialog >> text=Show")
    assert field.get_attribute("type") == "text"
    window.page.click("dialog .button >> text=Copy")
    until("copied", lambda: window.page.evaluate("navigator.clipboard.readText()") == window.key)


@test("a key from another browser opens its conversations here, and one goes back to the former key")
def carry(stage):
    server, first = stage.visit()
    first.new("demo-short")
    first.ask("Carried over")
    window = stage.window().go(server)
    own, other = window.key, first.key
    settings(window)
    window.page.click("dialog >> text=Use another key")
    window.page.fill("dialog:last-of-type textarea", "stoa_nonsense")
    window.page.click("dialog:last-of-type >> text=Use the pasted key")
    assert "43 characters" in window.page.inner_text("dialog:last-of-type .trouble")
    window.page.fill("dialog:last-of-type textarea", other)
    window.page.click("dialog:last-of-type >> text=Use the pasted key")
    until("its conversations", lambda: window.titles == ["Carried over"])
    assert window.key == other
    settings(window)
    window.page.click(f"dialog >> text=Go back to {own[5:9]}")
    until("the own ones", lambda: window.key == own and window.page.locator("#list .item").count() == 0)


@test("forgetting the session asks first, then leaves nothing of it in the browser")
def forget(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.ask("Soon forgotten")
    old = window.key
    window.page.fill("#text", "a draft")
    settings(window)
    window.page.click("dialog >> text=Forget")
    window.page.keyboard.press("Escape")
    assert window.key == old, "Escape is no yes"
    window.page.click("dialog >> text=Forget")
    window.page.click("dialog:last-of-type button >> text=Forget here")
    until("another session", lambda: window.key not in (None, old))
    window.ready()
    assert window.titles == [] and window.page.input_value("#text") == ""
    assert old not in window.page.evaluate("JSON.stringify(localStorage)")
    assert server.call("GET", "/session", old), "the conversations are still on the server"


@test("instructions are set before a conversation begins, reach the server, and are changed later")
def instructions(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.page.click("#instructions")
    window.page.fill("dialog textarea", "Answer like a pirate.")
    window.picture("instructions")
    window.page.click("dialog >> text=Save")
    assert window.page.get_attribute("#instructions", "data-set") is not None
    window.ask("Ahoy")
    stored = lambda: server.call("GET", f"/conversations/{window.conversation}", window.key)["conversation"]["system_prompt"]
    assert stored() == "Answer like a pirate."
    window.menu("Instructions")
    assert window.page.input_value("dialog textarea") == "Answer like a pirate."
    window.page.fill("dialog textarea", "x" * 33_000)
    window.page.click("dialog >> text=Save")
    assert "too long" in window.page.inner_text("dialog .trouble")
    window.page.fill("dialog textarea", "")
    window.page.click("dialog >> text=Save")
    until("none", lambda: stored() is None)
    until("and the page says so", lambda: window.page.get_attribute("#instructions", "data-set") is None)


@test("the page speaks German to a German browser, and the language is switched without a reload")
def languages(stage):
    server, window = stage.visit(locale="de-DE")
    assert window.page.get_attribute("html", "lang") == "de"
    assert window.page.inner_text("#new") == "Neues Gespräch"
    window.ask("Guten Tag")
    until("in German", lambda: "Tokens" in window.page.inner_text(".facts-line") or " von " in window.page.inner_text(".facts-line"))
    window.page.fill("#text", "halb getippt")
    window.picture("german")
    settings(window)
    window.page.select_option("dialog select >> nth=0", "en")
    until("in English", lambda: window.page.inner_text("dialog h2") == "Settings")
    window.page.keyboard.press("Escape")
    assert window.page.inner_text("#new") == "New conversation" and window.page.inner_text("#list h2") == "Today"
    assert " by " in window.page.inner_text(".facts-line")
    assert window.page.input_value("#text") == "halb getippt" and window.prompts == ["Guten Tag"]
    window.reload()
    assert window.page.inner_text("#new") == "New conversation"


@test("every text of the page is there in every language, with the same places to fill in")
def strings(stage):
    server, window = stage.visit()
    found = window.page.evaluate("""async () => {
        const { strings, languages } = await import('/assets/app.js');
        const places = (text) => [...text.matchAll(/\\{\\w+\\}/g)].map(String).filter((p, i, all) => all.indexOf(p) === i).sort().join();
        return Object.entries(strings).filter(([, texts]) => texts.length !== languages.length || texts.some((text) => !text)
            || new Set(texts.map(places)).size > 1).map(([name]) => name);
    }""")
    assert found == [], found
    unsaid = window.page.evaluate("""() => [...document.querySelectorAll('[data-say], [data-say-label]')]
        .filter((element) => !(element.textContent.trim() || element.getAttribute('aria-label'))).map((element) => element.outerHTML)""")
    assert unsaid == [], unsaid


@test("a question mark shows the shortcuts, and they do what they say")
def shortcuts(stage):
    server, window = stage.visit()
    window.page.click("#title")
    window.page.keyboard.press("?")
    window.page.wait_for_selector("dialog[open] .keys-list")
    window.picture("shortcuts")
    window.page.keyboard.press("Escape")
    window.page.keyboard.press("Control+Shift+S")
    until("the panel is away", lambda: not window.page.is_visible("#new"))
    window.reload()
    assert not window.page.is_visible("#new"), "the choice is forgotten"
    window.page.keyboard.press("Control+k")
    until("the search field", lambda: window.page.is_visible("#search") and window.page.evaluate("document.activeElement.id") == "search")
    window.page.keyboard.press("Shift+Escape")
    until("the message field", lambda: window.page.evaluate("document.activeElement.id") == "text")


@test("the settings list the models on offer")
def models(stage):
    server, window = stage.visit()
    settings(window)
    shown = window.page.locator("dialog .models-list dt").all_inner_texts()
    offered = server.call("GET", "/models")
    assert len(shown) == len(offered["models"]) >= 3
    assert any("(standard)" in label for label in shown)
