// Search over titles and texts, in the place of the list. Loaded when the field is first used.

import { announce, make, part } from "./elements.js";
import { conversations } from "./conversations.js";
import { number, say } from "./language.js";
import { titleOfConversation } from "./panel.js";
import { call, Problem } from "./requests.js";

const restMs = 200;
const resultsMax = 20;
const stepsMax = 20;
const field = part("search"), found = part("found");
let on = null, timer = 0, asked = 0;

/// `on.open(conversation id, message id | null)`
export function startSearch(handlers) {
    if (on) return;
    on = handlers;
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, restMs); show(); });
    field.addEventListener("keydown", key);
    found.addEventListener("keydown", key);
    found.addEventListener("click", (event) => {
        const hit = event.target.closest("a");
        if (hit && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); open(hit); }
        if (event.target.closest("[data-action=more-found]")) look(event.target.dataset.cursor);
    });
    if (field.value) look();
}

function open(hit) {
    for (const own of found.querySelectorAll("[aria-current]")) own.removeAttribute("aria-current");
    hit.setAttribute("aria-current", "true");
    on.open(hit.dataset.conversation, hit.dataset.message || null);
}

/// Down from the field into the results and back; Escape clears the field.
function key(event) {
    if (event.key === "Escape") {
        event.stopPropagation();
        if (!field.value) return part("text").focus();
        field.value = "";
        look();
        return field.focus();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && event.target === field) found.querySelector("a")?.click();
    if (!step) return;
    const hits = [...found.querySelectorAll("a")], next = hits.indexOf(document.activeElement) + step;
    event.preventDefault();
    (next < 0 ? field : hits[Math.min(next, hits.length - 1)])?.focus();
}

/// The list stands where there is nothing to look for.
function show() {
    const searching = field.value.trim() !== "";
    found.hidden = !searching;
    part("list").hidden = searching;
    if (!searching) found.replaceChildren();
    return searching;
}

/// A step of the server reads only so much and may find nothing though there is more: then the next one is asked for.
async function look(cursor) {
    const text = field.value.trim(), turn = ++asked;
    if (!show()) return;
    found.setAttribute("aria-busy", "true");
    let next = typeof cursor === "string" ? cursor : null, wanted = resultsMax, isFirst = next === null;
    try {
        for (let step = 0; step < stepsMax && wanted > 0 && (step === 0 || next !== null); step += 1) {
            const page = await call("GET", `/search?q=${encodeURIComponent(text)}&limit=${wanted}${next ? `&before=${encodeURIComponent(next)}` : ""}`);
            if (turn !== asked) return;
            if (isFirst) found.replaceChildren();
            isFirst = false;
            found.querySelector("[data-action=more-found]")?.remove();
            page.results.forEach(add);
            wanted -= page.results.length;
            next = page.next;
        }
        if (next !== null) found.append(more(next));
        const count = found.querySelectorAll("section").length;
        if (!count && next === null) found.append(make("p", "", say("nothing-found")));
        announce(say("found", { count, n: number(count) }));
    } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (turn === asked) found.replaceChildren(...titlesWith(text), make("p", "", say("search-failed", { problem: problem.message })));
    } finally {
        if (turn === asked) found.removeAttribute("aria-busy");
    }
}

/// A long conversation may come in two steps: its hits stand together.
function add(result) {
    const own = group(result), id = result.conversation.id;
    const before = [...found.querySelectorAll("section")].find((section) => section.dataset.conversation === id);
    if (before) before.append(...[...own.children].slice(1)); else found.append(own);
}

/// Without the server: what this window knows.
const titlesWith = (text) => conversations.listed.filter(({ title }) => title.toLowerCase().includes(text.toLowerCase()))
    .map((conversation) => group({ conversation, hits: [] }));

function group({ conversation, hits }) {
    const box = make("section");
    box.dataset.conversation = conversation.id;
    const title = hits.find(({ message }) => message === null)?.snippet;
    const head = link(conversation.id, null, title ?? [{ text: titleOfConversation(conversation), hit: false }]);
    head.className = "found-title";
    box.append(head, ...hits.filter(({ message }) => message !== null).map((hit) => {
        const line = link(conversation.id, hit.message, hit.snippet);
        line.prepend(make("span", "sr", `${say(hit.role === "user" ? "you-said" : "answer")}: `));
        return line;
    }));
    return box;
}

function link(conversation, message, snippet) {
    const own = make("a");
    own.href = `#${conversation}`;
    own.dir = "auto";
    Object.assign(own.dataset, { conversation, message: message ?? "" });
    own.append(...snippet.map(({ text, hit }) => (hit ? make("mark", "", text) : text)));
    return own;
}

function more(cursor) {
    const own = make("button", "quiet", say("more-found"));
    own.type = "button";
    Object.assign(own.dataset, { action: "more-found", cursor });
    return own;
}
