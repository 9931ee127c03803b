"""What every test gets: servers, windows, and the few gestures of somebody who chats."""

import html
import os
import re
import tempfile
import time

from playwright.sync_api import Error

from servers import ModelServer, Server

WAIT_MS = 20_000
TESTS = []

# For answers that have to be in the middle of something for a while: see ModelServer's `hold_at`.
STORY = "".join(f"**Part {number}.** The reader turns the page, and the story goes on: {number} of 12.\n\n" for number in range(1, 13))


def test(name):
    """Registers a test under a sentence."""
    def register(function):
        TESTS.append((name, function))
        return function
    return register


def until(what, check, seconds=20.0):
    """Repeats `check` until it is true; the last value is in the failure's message."""
    end, value = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            value = check()
        except Error as problem:
            if "Execution context was destroyed" not in problem.message:  # the page was left while it was asked
                raise
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what} (last: {value!r})")


class Window:
    """One window of the browser, with a watch on all that must never happen in it."""

    def __init__(self, stage, page):
        self.stage, self.page = stage, page
        self.faults, self.requests = [], []
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        page.on("console", self._console)
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, message):
        # Requests that fail while a server is down are part of the plot; a broken content security policy is not.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _dialog(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    # Gestures

    def go(self, server, conversation=None):
        self.page.goto(server.url + (f"/#{conversation}" if conversation else "/"))
        return self.ready()

    def reload(self):
        self.page.reload()
        return self.ready()

    def ready(self):
        # Not wait_for_function: it evaluates a string in the page, which the content security policy rightly forbids.
        until("the page is ready", lambda: self.page.evaluate("performance.getEntriesByName('stoa-ready').length"))
        return self

    def send(self, text):
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def ask(self, text):
        """Sends, and waits for the end of the answer."""
        before = self.answers.count()
        self.send(text)
        until("another answer", lambda: self.answers.count() == before + 1)
        self.await_state("complete")

    def new(self, model=None):
        self.page.click("#new")
        if model:
            self.choose(model)

    def choose(self, model):
        """Switches the model; what the server makes of a provider's model id is its own affair, so a part is enough."""
        choice = until(f"{model} is offered", lambda: self.page.evaluate("""(wanted) => {
            const ids = [...document.getElementById('model').options].map((option) => option.value);
            return ids.find((id) => id === wanted) ?? ids.find((id) => id.includes(wanted));
        }""", model))
        self.page.select_option("#model", choice)

    def menu(self, item, title=None):
        """Chooses `item` from the menu of the open conversation, or of the one called `title` in the list."""
        self.page.bring_to_front()  # the browser paints what is behind once a second only
        if title:
            row = self.page.locator("#list .item", has_text=title)
            row.hover()
            row.locator("[data-action=menu]").click()
        else:
            self.page.click("#more")
        self.page.click(f"[role=menuitem] >> text='{item}'")

    def await_state(self, state):
        """Until the last answer is in `state`."""
        self.page.wait_for_selector(f".message.assistant:last-child[data-state={state}]")

    def await_text(self):
        """Until the last answer shows its first words."""
        self.page.wait_for_selector(".message.assistant:last-child .block")

    def until(self, what, check):
        """As `until`, for what a handler of `intercept` sees: it is called only while something is asked of the page."""
        return until(what, lambda: self.page.wait_for_timeout(10) or check())

    def intercept(self, path, handler):
        """Hands what the page requests from `path` to `handler`, from now on: the browser takes a moment to obey."""
        self.page.route(path, handler)
        self.page.route("**/is-intercepted", lambda route: route.fulfill(status=204))
        status = "fetch('/is-intercepted').then((answer) => answer.status)"
        until("requests are intercepted", lambda: self.page.evaluate(status) == 204)

    # What is seen

    @property
    def answers(self):
        return self.page.locator(".message.assistant")

    @property
    def prompts(self):
        return self.page.locator(".message.user .body").all_inner_texts()

    @property
    def answer(self):
        return self.page.locator(".message.assistant .body").last.inner_text()

    def shows_answer_of(self, server):
        """Waits until the last answer on the page is, word for word, what the HTTP interface has."""
        found = server.call("GET", f"/conversations/{self.conversation}?render=html", self.key)["messages"][-1]
        rendered = html.unescape(re.sub(r"<[^>]*>", " ", " ".join(found["blocks"])))
        assert found["state"] != "running" and found["text"].strip()
        # A code block's head is the page's own.
        shown = """() => {
            const body = [...document.querySelectorAll('.message.assistant .body')].at(-1).cloneNode(true);
            body.querySelectorAll('figcaption').forEach((head) => head.remove());
            return body.textContent;
        }"""
        letters = lambda text: re.sub(r"\s", "", text)
        until("the API's text", lambda: letters(self.page.evaluate(shown)) == letters(rendered))
        return found

    @property
    def versions(self):
        """What the steppers say, from the top: `2/3`."""
        return self.page.locator(".versions > span").all_inner_texts()

    @property
    def titles(self):
        return self.page.locator("#list .item a").all_inner_texts()

    @property
    def conversation(self):
        return self.page.evaluate("location.hash.slice(1)")

    @property
    def key(self):
        return self.page.evaluate("localStorage.getItem('stoa.key')")

    def picture(self, name):
        if self.stage.screenshots:
            self.page.screenshot(path=os.path.join(self.stage.screenshots, f"{name}.png"))


class Common:
    """A server that tests share who leave it alone, with a model that says what the test at hand wants: begun once."""

    def __init__(self, binary):
        self.binary, self.server = binary, None

    def serve(self):
        if not self.server:
            self.folder = tempfile.TemporaryDirectory(prefix="stoa-browser-")
            self.log = open(os.path.join(self.folder.name, "stoa.log"), "w+")
            self.model = ModelServer("")
            self.server = Server(self.binary, os.path.join(self.folder.name, "volume"), self.log, speed=20, model=self.model,
                                 default="demo")
        self.model.begin_anew()
        return self.server

    def close(self):
        if self.server:
            self.server.kill()
            self.model.close()
            self.log.close()
            self.folder.cleanup()


class Stage:
    """The servers, browsers and folders of one test; `close` ends them all."""

    def __init__(self, browser, binary, screenshots, common):
        self.browser, self.binary, self.screenshots, self.common = browser, binary, screenshots, common
        self.folder = tempfile.TemporaryDirectory(prefix="stoa-browser-")
        self.volume = os.path.join(self.folder.name, "volume")
        self.log = open(os.path.join(self.folder.name, "stoa.log"), "w+")
        self.servers, self.models, self.contexts, self.windows = [], [], [], []

    def serve(self, **options):
        server = Server(self.binary, self.volume, self.log, **options)
        self.servers.append(server)
        return server

    def visit(self, answer=None, **options):
        """A window at the common server; with `answer`, one in which the scripted model is chosen and will say that."""
        server = self.common.serve()
        window = self.window(self.browse(**options)).go(server)
        if answer is not None:
            self.common.model.answer = answer
            window.choose("scripted")
        return server, window

    def mid_answer(self, prompt):
        """A server, its model, and a window that shows the beginning of an answer; the model says the rest when released."""
        model = self.model(STORY, hold_at=200)
        server = self.serve(model=model)
        window = self.window().go(server)
        window.choose("scripted")
        window.send(prompt)
        until("the first part", lambda: "Part 2" in window.answer)
        return server, model, window

    def model(self, answer, **options):
        model = ModelServer(answer, **options)
        self.models.append(model)
        return model

    def browse(self, **options):
        """A browser of its own: its own localStorage."""
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.contexts.append(context)
        return context

    def window(self, context=None):
        window = Window(self, (context or self.browse()).new_page())
        self.windows.append(window)
        return window

    def check(self):
        """No window had a script error, a dialog, or a violation of the content security policy."""
        faults = [fault for window in self.windows for fault in window.faults]
        assert not faults, "; ".join(faults[:5])

    def log_text(self):
        self.log.flush()
        with open(self.log.name) as file:
            return file.read()

    def close(self):
        for context in self.contexts:
            context.close()
        if self.common.server:
            self.common.model.release()
        for server in self.servers:
            server.kill()
        for model in self.models:
            model.close()
        self.log.close()
        self.folder.cleanup()
