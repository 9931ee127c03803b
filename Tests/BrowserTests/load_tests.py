"""How fast it is there, and what it does with much."""

import gzip
import time
import urllib.request

from stage import test, until

USABLE_MS_MAX = 300
DEBUG_FACTOR = 5  # a debug build on a machine that builds something else at the same time

USABLE = """() => {
    const [navigation] = performance.getEntriesByType('navigation');
    const ready = performance.getEntriesByName('stoa-ready')[0], paint = performance.getEntriesByName('first-contentful-paint')[0];
    return ready && paint && { ready: ready.startTime, paint: paint.startTime, typed: navigation.domContentLoadedEventEnd };
}"""


@test("the page is at most 60 KB compressed in at most 6 requests, all of them from this server")
def weight(stage):
    server, window = stage.visit()
    first = [url for url in dict.fromkeys(window.requests) if "/api/" not in url and not url.startswith("data:")]
    # Everything that is loaded on demand counts too, though hardly anybody ever loads all of it.
    window.page.keyboard.press("Control+/")
    window.page.wait_for_selector("dialog[open]")
    window.page.keyboard.press("Escape")
    window.page.click("#settings")
    window.page.wait_for_selector("dialog[open]")
    window.page.keyboard.press("Escape")
    window.page.keyboard.press("Control+k")
    window.ask("Weigh this.")
    window.menu("Rename")
    window.page.keyboard.press("Escape")
    everything = [url for url in dict.fromkeys(window.requests) if "/api/" not in url and not url.startswith("data:")]
    size = lambda urls: sum(weigh(url) for url in urls)
    print(f"        {len(first)} requests, {size(first)} bytes compressed; with all that is loaded on demand {size(everything)} bytes")
    assert len(first) <= 6, first
    assert size(everything) <= 60_000
    assert all(url.startswith(server.url) for url in everything)


def weigh(url):
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as response:
        data = response.read()
        return len(data) if response.headers["Content-Encoding"] == "gzip" else len(gzip.compress(data, 6))


@test("the page is usable soon after navigation: painted, ready to type in, connected")
def usable(stage):
    server, window = stage.visit()
    window.ask("Something to show.")
    times = []
    for _ in range(7):
        window.reload()
        times.append(until("ready", lambda: window.page.evaluate(USABLE)))
    median = lambda name: sorted(each[name] for each in times)[len(times) // 2]
    print(f"        median of {len(times)} reloads: can be typed in after {median('typed'):.0f} ms, painted after {median('paint'):.0f} ms, "
          f"connected and listed after {median('ready'):.0f} ms")
    assert min(each["ready"] for each in times) <= USABLE_MS_MAX * DEBUG_FACTOR


@test("an answer of 200 KB streams smoothly and ends as the server has it")
def large_answer(stage):
    paragraph = "A sentence with **strong** words and `code`, again and again, until the page is full of them. " * 4
    pieces = [f"## Part {number}\n\n{paragraph}\n\n- one\n- two\n\n```swift\nlet part = {number}\n```\n\n" for number in range(520)]
    answer = "".join(pieces)
    assert len(answer) > 200_000
    server, window = stage.visit(answer)
    stage.common.model.piece_characters, stage.common.model.pause_seconds = 2_000, 0.03
    window.page.evaluate("""() => {
        window.frames = []; window.long = [];
        let last = performance.now();
        const frame = (now) => { frames.push(now - last); last = now; if (!window.enough) requestAnimationFrame(frame); };
        requestAnimationFrame(frame);
        new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: 'longtask' });
    }""")
    session = window.page.context.new_cdp_session(window.page)
    session.send("Performance.enable")
    layouts = lambda: {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}["LayoutCount"]
    before = layouts()
    window.send("Say a lot.")
    window.page.wait_for_selector(".message.assistant:last-child[data-state=complete]", timeout=90_000)
    laid_out = layouts() - before
    frames, long = window.page.evaluate("(window.enough = true, [frames.sort((a, b) => a - b), long])")
    assert laid_out <= len(frames) * 1.1 + 10, f"{laid_out:.0f} layouts in {len(frames)} frames"
    middle, worst = frames[len(frames) // 2], frames[int(len(frames) * 0.99)]
    print(f"        {len(answer)} bytes: {laid_out:.0f} layouts in {len(frames)} frames; a frame {middle:.0f} ms (99 of 100 below {worst:.0f} ms), {len(long)} tasks over 50 ms, "
          f"the longest {max(long, default=0):.0f} ms")
    found = window.shows_answer_of(server)
    assert len(found["text"]) == len(answer.rstrip()) or found["text"] == answer
    at_end = "(() => { const s = document.getElementById('scroll'); return s.scrollHeight - s.scrollTop - s.clientHeight })()"
    assert window.page.evaluate(at_end) < 4, "it did not follow the end"
    assert max(long, default=0) < 1_500, "the page froze"


def long_export(turns):
    """An export that holds one conversation."""
    messages, before = [], None
    for number in range(turns):
        common = {"reasoning": "", "state": "complete", "stop_reason": None, "error": None, "usage": None, "host": None,
                  "created_ms": 1_700_000_000_000 + number, "updated_ms": 1_700_000_000_000 + number}
        prompt, answer = f"ask-{number}", f"say-{number}"
        text = f"Answer **{number}**.\n\n" + "- one more line\n" * (number % 7)
        messages += [{**common, "id": prompt, "follows": before, "role": "user", "text": f"Prompt {number}", "model": None},
                     {**common, "id": answer, "follows": prompt, "role": "assistant", "text": text, "model": "demo"}]
        before = answer
    conversation = {"id": "a-long-one", "title": "A long one", "model": None, "system_prompt": None, "pinned": False,
                    "created_ms": 1_700_000_000_000, "updated_ms": 1_700_000_000_000, "messages": messages, "shown": before}
    return {"format": "stoa-export", "version": 1, "exported_ms": 1_700_000_000_000, "conversations": [conversation]}


@test("a conversation of 2,000 messages opens at its end at once, and is read upwards without a jump")
def long_conversation(stage):
    server, window = stage.visit()
    server.call("POST", "/import", window.key, long_export(turns=1_000))
    until("listed", lambda: window.titles == ["A long one"])
    begun = time.monotonic()
    window.page.click("#list .item a")
    until("the end", lambda: window.prompts[-1:] == ["Prompt 999"])
    opened = time.monotonic() - begun
    at_end = "(() => { const s = document.getElementById('scroll'); return s.scrollHeight - s.scrollTop - s.clientHeight })()"
    assert window.page.evaluate(at_end) < 4, "not at the end"
    assert len(window.prompts) <= 25
    jumps = []
    while len(jumps) < 8:
        jumps.append(upwards(window))
    print(f"        opened in {opened * 1000:.0f} ms; reading upwards moved the text by at most {max(map(abs, jumps)):.1f} px")
    assert max(map(abs, jumps)) < 2, jumps


def upwards(window):
    """Scrolls up until the page before is there; by how many pixels it moved what was at the top."""
    before = len(window.prompts)
    return window.page.evaluate("""async (before) => {
        const scroll = document.getElementById('scroll'), count = () => document.querySelectorAll('.message.user').length;
        scroll.scrollTop = 10;
        const first = document.querySelector('.message'), top = () => first.getBoundingClientRect().top;
        const at = top();
        while (count() === before) await new Promise((over) => setTimeout(over, 20));
        await new Promise((over) => requestAnimationFrame(() => requestAnimationFrame(over)));
        return top() - at;
    }""", before)
