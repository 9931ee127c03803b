// The message field: grows with its text, keeps drafts, counts before it hurts, and remembers what was asked.

import { part } from "./elements.js";
import { number, say } from "./language.js";
import { bytesOf, promptBytesMax } from "./limits.js";
import { shelf } from "./shelf.js";

const countedFrom = 0.8;
const draftName = (id) => `stoa.draft.${id ?? "new"}`;

/// This browser keeps the last one of each conversation; what was written in this window is not lost to another's.
export const drafts = {
    of: (id) => written.get(id) || (shelf.get(draftName(id)) ?? ""),
    keep(id, text) {
        written.set(id, text);
        shelf.set(draftName(id), text || null);
    },
};

const written = new Map();

const field = part("text");

export const composer = {
    /// When Enter is pressed.
    submit() {},
    /// After each change of the text.
    changed() {},
    /// The prompts that arrow up steps through, the oldest first.
    history: () => [],

    get text() { return field.value; },
    set text(text) {
        field.value = text;
        place = null;
        fit();
    },
    /// Whether the server would take it.
    get fits() { return !isOver; },
    /// Not on a phone, where it would bring up the keyboard.
    focus() {
        if (matchMedia("(pointer: fine)").matches) field.focus();
    },
};

let isOver = false;

/// As high as its text, where CSS cannot do that; and how much more the server takes, when that is not much any more.
function fit() {
    if (!CSS.supports("field-sizing", "content")) {
        field.style.height = "auto";
        field.style.height = `${field.scrollHeight}px`;
    }
    // Four bytes a character at most: what is shorter needs no counting.
    const bytes = field.value.length * 4 < promptBytesMax * countedFrom ? 0 : bytesOf(field.value);
    isOver = bytes > promptBytesMax;
    part("count").hidden = bytes < promptBytesMax * countedFrom;
    if (part("count").hidden) return;
    part("count").toggleAttribute("data-over", isOver);
    const rest = Math.abs(promptBytesMax - bytes);
    part("count").textContent = say(isOver ? "too-long-by" : "room-for", { count: rest, n: number(rest) });
}

// ---------------------------------------------------------------------------------------------- history

let place = null;

/// Arrow up in an empty field (or in one that shows an earlier prompt) goes back, arrow down forward again.
function recall(step) {
    const prompts = composer.history(), now = place ?? prompts.length, next = now + step;
    if (next < 0 || next > prompts.length || (place === null && step > 0)) return false;
    composer.text = prompts[next] ?? "";
    place = next === prompts.length ? null : next;
    field.setSelectionRange(field.value.length, field.value.length);
    composer.changed();
    return true;
}

function isAtEdge(step) {
    const { value, selectionStart, selectionEnd } = field;
    if (selectionStart !== selectionEnd) return false;
    return step < 0 ? !value.slice(0, selectionStart).includes("\n") : !value.slice(selectionEnd).includes("\n");
}

field.addEventListener("input", () => { place = null; fit(); composer.changed(); });
field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step && !event.shiftKey && (field.value === "" || place !== null) && isAtEdge(step) && recall(step)) event.preventDefault();
    if (event.key !== "Enter" || event.shiftKey) return;
    if (matchMedia("(pointer: coarse)").matches) return; // a phone's Enter starts a line, its button sends
    event.preventDefault();
    composer.submit();
});
part("skip").addEventListener("click", (event) => { event.preventDefault(); field.focus(); });
