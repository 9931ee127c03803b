"""For everyone: keyboard, small screens, dark mode, a page that is there at once."""

from stage import STORY, test, until

CONTRASTS = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
    const ground = (element) => {
        if (!element) return [255, 255, 255];
        const own = rgba(getComputedStyle(element).backgroundColor);
        return own[3] === 1 ? own.slice(0, 3) : over(own, ground(element.parentElement));
    };
    const light = (c) => [.2126, .7152, .0722].reduce((sum, k, i) => {
        const x = c[i] / 255;
        return sum + k * (x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    }, 0);
    const low = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !element.checkVisibility({ opacityProperty: true }) || element.closest('.sr, .skip, noscript')) continue;
        const back = ground(element), front = over(rgba(getComputedStyle(element).color), back);
        const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
        const ratio = (a + .05) / (b + .05);
        if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${element.className || element.tagName} "${walk.currentNode.data.slice(0, 20)}"`);
    }
    return low;
}"""


def focused(window):
    """What has the focus, and whether somebody who looks can see that."""
    return window.page.evaluate("""() => {
        const element = document.activeElement, style = getComputedStyle(element);
        const frame = element.closest('.composer');
        const seen = style.outlineStyle !== 'none' || (frame && getComputedStyle(frame).borderColor !== getComputedStyle(frame.parentElement).borderColor);
        return { name: element.id || element.dataset.action || element.textContent.trim(), seen: Boolean(seen) };
    }""")


def tab_to(window, name, key="Tab", steps=40):
    for _ in range(steps):
        window.page.keyboard.press(key)
        now = focused(window)
        assert now["seen"] or now["name"] in ("", "scroll"), f"the focus on {now['name']} cannot be seen"
        if now["name"] == name:
            return
    raise AssertionError(f"{name} cannot be reached with {key}")


@test("everything can be done with the keyboard alone")
def keyboard(stage):
    server = stage.serve(speed=1)
    window = stage.window().go(server)
    keyboard = window.page.keyboard
    assert focused(window)["name"] == "text", "one cannot type at once"
    keyboard.type("First line")
    keyboard.press("Shift+Enter")
    keyboard.type("second line")
    keyboard.press("Enter")
    window.await_text()
    assert window.prompts == ["First line\nsecond line"]
    keyboard.press("Escape")
    window.await_state("stopped")
    keyboard.press("Control+Shift+O")
    until("a new conversation", lambda: window.conversation == "")
    assert focused(window)["name"] == "text"
    tab_to(window, "model", "Shift+Tab")
    keyboard.press("ArrowDown")
    assert window.page.input_value("#model") == "demo-short"
    tab_to(window, "text")
    keyboard.type("Other")
    keyboard.press("Enter")
    window.await_state("complete")
    tab_to(window, "First line", "Shift+Tab")
    keyboard.press("Enter")
    until("opened", lambda: window.prompts == ["First line\nsecond line"])
    tab_to(window, "Other", "Shift+Tab")
    keyboard.press("F2")
    keyboard.type("Renamed")
    keyboard.press("Enter")
    until("renamed", lambda: "Renamed" in window.titles)
    assert focused(window)["name"] == "Renamed", "the focus is lost after a rename"
    keyboard.press("Delete")
    until("deleted", lambda: "Renamed" not in window.titles)
    assert focused(window)["name"] == "First line", "the focus is lost after a deletion"
    tab_to(window, "more")
    keyboard.press("Enter")
    window.page.wait_for_selector("[role=menu]")
    keyboard.press("R")
    keyboard.press("R")
    assert focused(window)["name"] == "Reset"
    keyboard.press("Enter")
    window.page.wait_for_selector("dialog[open]")
    keyboard.press("Escape")
    assert window.prompts == ["First line\nsecond line"], "Escape is no yes"
    assert focused(window)["name"] == "more", "the focus is lost after a dialog"


@test("the first tab stop skips to the message field")
def skip_link(stage):
    server, window = stage.visit()
    tab_to(window, "skip", "Shift+Tab")
    window.page.keyboard.press("Enter")
    assert focused(window)["name"] == "text"


@test("a screen reader hears the end of an answer once, not every word")
def announcements(stage):
    server = stage.serve(speed=20)
    window = stage.window().go(server)
    window.page.evaluate("""() => {
        window.heard = [];
        new MutationObserver(() => heard.push(document.getElementById('announce').textContent))
            .observe(document.getElementById('announce'), { childList: true, characterData: true, subtree: true });
    }""")
    window.ask("Speak.")
    until("the end is announced", lambda: window.page.evaluate("heard.length") == 1)
    assert window.page.evaluate("heard[0]").startswith("Answer complete.")
    assert window.page.get_attribute("#log", "role") == "log"
    assert window.page.get_attribute("#log", "aria-live") == "off"


@test("a screen reader hears of a long answer now and then, not all the time")
def announcements_of_a_long_answer(stage):
    server, window = stage.visit(STORY)
    stage.common.model.pause_seconds = 0.15
    window.page.evaluate("""() => {
        window.heard = [];
        new MutationObserver(() => heard.push(document.getElementById('announce').textContent))
            .observe(document.getElementById('announce'), { childList: true, characterData: true, subtree: true });
    }""")
    window.ask("A long story.")
    until("its end", lambda: window.page.evaluate("heard.at(-1)?.startsWith('Answer complete.')"))
    heard = window.page.evaluate("heard")
    assert 2 <= len(heard) <= 5, heard
    told = " ".join(heard)
    assert all(told.count(f"Part {number}.") == 1 for number in range(1, 13)), heard


@test("at 320 px nothing is cut off, and the panel is a drawer")
def narrow(stage):
    server, window = stage.visit(viewport={"width": 320, "height": 640})
    page = window.page
    window.picture("9-narrow-first-visit")
    window.ask("Fit into this: " + "Donaudampfschifffahrtsgesellschaftskapitän" * 4)
    window.picture("10-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.evaluate("document.getElementById('scroll').scrollWidth <= 320"), "the log scrolls sideways"
    wide = page.evaluate("""() => [...document.querySelectorAll('button, textarea, select, .body')].filter((element) => {
        const box = element.getBoundingClientRect();
        return element.checkVisibility() && !element.closest('.panel') && (box.right > 321 || box.left < -1);
    }).map((element) => element.id || element.className)""")
    assert wide == [], f"beyond the edge: {wide}"
    assert not page.is_visible("#list")
    page.click("#panel-open")
    page.wait_for_selector("#list .item a")
    page.wait_for_timeout(300)
    window.picture("11-narrow-drawer")
    assert page.inner_text("#session-short") and page.is_visible("#host")
    page.keyboard.press("Escape")
    until("closed", lambda: not page.is_visible("#list"))
    assert focused(window)["name"] == "panel-open"
    page.click("#panel-open")
    page.click("#new")
    until("closed after a choice", lambda: not page.is_visible("#list"))


@test("text has AA contrast in light and in dark, and the theme can be chosen")
def themes(stage):
    server = stage.common.serve()
    context = stage.browse()
    window = stage.window(context).go(server)
    page = window.page
    window.ask("Show me all of it.")
    other = stage.window(context).go(server)
    for scheme in ("light", "dark"):
        for each, name in ((window, "answered"), (other, "first-visit")):
            each.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            each.page.wait_for_timeout(300)
            low = each.page.evaluate(CONTRASTS)
            assert not low, f"{scheme}, {name}: {low}"
            each.picture(f"12-{scheme}-{name}")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.click("#theme")
    light = page.evaluate(ground)
    assert light != dark, "the theme did not change"
    until("the other window follows", lambda: other.page.evaluate(ground) == light)
    window.reload()
    assert page.evaluate(ground) == light, "the theme is forgotten"


@test("text from right to left stands on the right")
def right_to_left(stage):
    server, window = stage.visit()
    window.new("demo-short")
    window.ask("مرحبا بالعالم")
    direction = window.page.evaluate("getComputedStyle(document.querySelector('.message.user .plain')).direction")
    assert direction == "rtl"


@test("a code block is copied with its button")
def copy(stage):
    server, window = stage.visit(permissions=["clipboard-read", "clipboard-write"])
    window.ask("Some code, please.")
    button = window.page.locator("[data-action=copy-code]").first
    if button.count() == 0:
        raise AssertionError("the demo model shows no code block")
    button.click()
    code = window.page.locator("figure.code pre").first.inner_text()
    until("copied", lambda: window.page.evaluate("navigator.clipboard.readText()").strip() == code.strip())


@test("the reader who scrolled up is left alone, and the end is one click away")
def scrolling(stage):
    server = stage.serve(speed=4)
    window = stage.window(stage.browse(viewport={"width": 900, "height": 500})).go(server)
    page = window.page
    window.ask("A first answer to scroll in.")
    window.send("A second one.")
    window.await_text()
    page.hover("#log")
    page.mouse.wheel(0, -600)
    until("away from the end", lambda: page.is_visible("#to-end"))
    place = page.evaluate("document.getElementById('scroll').scrollTop")
    window.await_state("complete")
    assert abs(page.evaluate("document.getElementById('scroll').scrollTop") - place) < 2, "the page jumped"
    page.click("#to-end")
    until("at the end", lambda: not page.is_visible("#to-end"))


@test("on paper there is the conversation and nothing else, all of it")
def paper(stage):
    server, window = stage.visit()
    window.new("demo")
    window.ask("\n".join(f"line {number}" for number in range(60)))
    window.page.emulate_media(media="print")
    for hidden in ("#panel", "#text", "#model", ".message [data-action=again]", "[data-action=copy-code]"):
        assert not window.page.locator(hidden).first.is_visible(), hidden
    for shown in ("#title", ".message.user .body", ".message.assistant table", ".facts-line"):
        assert window.page.locator(shown).first.is_visible(), shown
    whole = "(() => { const s = document.getElementById('scroll'); return getComputedStyle(s).overflow === 'visible' })()"
    assert window.page.evaluate(whole), "only what is in the window would be printed"
    assert window.page.evaluate("document.querySelector('.message.user .plain').scrollHeight <= document.querySelector('.message.user .plain').clientHeight + 1")


@test("nothing moves for those who asked for less motion")
def motion(stage):
    server, window = stage.visit(STORY, reduced_motion="reduce")
    stage.common.model.hold_at = 200
    window.send("Hold still.")
    until("running", lambda: "Part 2" in window.answer)
    moving = window.page.evaluate("document.getAnimations().filter((animation) => animation.playState === 'running').length")
    assert moving == 0, f"{moving} animations"


@test("in a very wide window lines stay readable")
def wide(stage):
    server, window = stage.visit(viewport={"width": 2560, "height": 1200})
    window.new("demo")
    window.ask("How wide?")
    assert window.page.evaluate("document.querySelector('.message.assistant .body').offsetWidth") <= 780


@test("alt and arrows go from prompt to prompt, and the focus goes along")
def jump(stage):
    server, window = stage.visit()
    for number in (1, 2, 3):
        window.new("demo") if number == 1 else None
        window.ask(f"Question {number}")
    press = window.page.keyboard.press
    for wanted in ("Question 3", "Question 2", "Question 1"):
        press("Alt+ArrowUp")
        until(wanted, lambda: wanted in window.page.evaluate("document.activeElement.innerText"))
    press("Alt+ArrowDown")
    until("forward again", lambda: "Question 2" in window.page.evaluate("document.activeElement.innerText"))


@test("the focus is never lost: not when an answer is asked for again, stopped, or goes on")
def focus_kept(stage):
    server, window = stage.visit(STORY)
    page, model = window.page, stage.common.model
    inside = lambda: page.evaluate("document.activeElement.closest('.message.assistant')?.dataset.state ?? document.activeElement.id")
    model.hold_at = 200
    window.send("Once.")
    until("running", lambda: "Part 2" in window.answer)
    page.keyboard.press("Escape")
    window.await_state("stopped")
    page.focus(".message.assistant [data-action=go-on]")
    page.keyboard.press("Enter")
    window.await_state("running")
    assert inside() == "running"
    model.release()
    window.await_state("complete")
    assert inside() == "complete"
    page.focus(".message.assistant [data-action=again]")
    page.keyboard.press("Enter")
    until("the second answer", lambda: window.versions == ["2/2"])
    window.await_state("complete")
    until("at the new answer", lambda: inside() == "complete")
