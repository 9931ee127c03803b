"""axe-core finds nothing to complain about in any main state, in light and in dark."""

from axe_playwright_python.sync_playwright import Axe

from message_tests import MARKDOWN
from stage import STORY, test, until


def examine(window, state):
    """Fails with what axe-core found, and where."""
    found = Axe().run(window.page, options={"resultTypes": ["violations"]}).response
    told = [f"{violation['id']}: {violation['help']}: {node['html'][:160]} {node['failureSummary'][:300]}"
            for violation in found["violations"] for node in violation["nodes"][:3]]
    assert not told, f"{state}: " + "\n".join(told)
    window.states.append(state)


def through_all_states(stage, scheme):
    server, window = stage.visit(MARKDOWN, color_scheme=scheme, reduced_motion="reduce")
    window.states = []
    page, model = window.page, stage.common.model
    examine(window, "first visit")
    window.ask("Show me everything.")
    window.picture(f"{scheme}-markdown")
    examine(window, "answered")
    page.click("#more")
    page.wait_for_selector("[role=menu]")
    examine(window, "menu")
    page.keyboard.press("Escape")
    for name, open_dialog in (("settings", lambda: page.click("#settings")), ("shortcuts", lambda: page.keyboard.press("Control+/")),
                              ("instructions", lambda: page.click("#instructions")), ("reset", lambda: window.menu("Reset"))):
        open_dialog()
        page.wait_for_selector("dialog[open]")
        window.picture(f"{scheme}-{name}")
        examine(window, name)
        page.keyboard.press("Escape")
        until("closed", lambda: page.locator("dialog").count() == 0)
    page.click(".message.user [data-action=edit]", force=True)
    page.wait_for_selector(".editing")
    examine(window, "editing a prompt")
    page.keyboard.press("Escape")
    page.fill("#search", "every")
    until("results", lambda: page.locator("#found > *").count() > 0)
    page.wait_for_selector("#found:not([aria-busy])")
    examine(window, "search")
    page.fill("#search", "")
    window.new("demo-short")
    window.ask("To be deleted")
    window.menu("Delete", "To be deleted")
    page.wait_for_selector(".toast")
    examine(window, "deleted, can be undone")
    window.new("scripted")
    model.answer, model.hold_at = STORY, 200
    window.send("A long one.")
    until("running", lambda: "Part 2" in window.answer)
    window.send("Another one.")
    page.wait_for_selector("[data-pending]")
    examine(window, "running and queued")
    page.click("[data-action=unsend]")
    page.click("#send")
    window.await_state("stopped")
    examine(window, "stopped")
    model.status, model.hold_at = 401, None
    page.fill("#text", "Fail.")
    page.press("#text", "Enter")
    window.await_state("failed")
    examine(window, "failed")
    page.set_viewport_size({"width": 320, "height": 640})
    examine(window, "320 px")
    page.click("#panel-open")
    until("the drawer", lambda: page.is_visible("#list"))
    examine(window, "drawer")
    assert len(window.states) >= 14
    print(f"        {scheme}: {', '.join(window.states)}")


@test("axe-core finds no violation in any main state of the light page")
def light(stage):
    through_all_states(stage, "light")


@test("axe-core finds no violation in any main state of the dark page")
def dark(stage):
    through_all_states(stage, "dark")


@test("axe-core finds no violation while the key is asked about")
def key_question(stage):
    server = stage.common.serve()
    context = stage.browse(reduced_motion="reduce")
    context.add_init_script(f"localStorage.setItem('stoa.key', 'stoa_{'A' * 43}')")
    window = stage.window(context)
    window.states = []
    window.page.goto(server.url)
    window.page.wait_for_selector("dialog[open]")
    examine(window, "key question")
