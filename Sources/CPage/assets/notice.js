// What the page has to say: one line above the message field, and offers that go by themselves.

import { button, make, named, part } from "./elements.js";
import { say } from "./language.js";

let noticeAction = null;

/// One line above the composer, until it is dismissed or `notice(null)`; `action` is the text of a button that runs `run`.
export function notice(text, { action = null, run = null, kind = "problem", name = "" } = {}) {
    part("notice").hidden = !text;
    Object.assign(part("notice").dataset, { kind, name });
    part("notice-text").textContent = text ?? "";
    part("notice-action").hidden = !action;
    part("notice-action").textContent = action ?? "";
    noticeAction = run;
}

/// Takes the notice of this name away, and no other.
export function withdraw(name) {
    if (part("notice").dataset.name === name) notice(null);
}

part("notice-close").addEventListener("click", () => { notice(null); part("text").focus(); });
part("notice-action").addEventListener("click", () => { const run = noticeAction; notice(null); run?.(); });

/// An offer for a while: `text` and a button that runs `run`. Time stands still while somebody is at it. `over()` when
/// nobody took it. Returns what ends it early.
export function offer(text, { action, run, over, ms }) {
    const line = make("div", "toast"), words = make("span", "", text);
    line.setAttribute("role", "status");
    let left = ms, begunMs = performance.now(), timer = 0;
    const end = (work) => {
        clearTimeout(timer);
        if (!line.isConnected) return;
        const focused = line.contains(document.activeElement);
        line.remove();
        if (focused) part("text").focus();
        work?.();
    };
    const start = () => { begunMs = performance.now(); clearTimeout(timer); timer = setTimeout(() => end(over), left); };
    const hold = () => {
        clearTimeout(timer);
        left = Math.max(1_500, left - (performance.now() - begunMs));
        begunMs = performance.now();
    };
    for (const name of ["pointerenter", "focusin"]) line.addEventListener(name, hold);
    for (const name of ["pointerleave", "focusout"]) line.addEventListener(name, start);
    const close = named("dismiss", say("dismiss"), "close");
    close.addEventListener("click", () => end(over));
    line.append(words, button(action, "quiet-strong", () => end(run)), close);
    part("toasts").append(line);
    start();
    return () => end();
}
