// Questions that need an answer first. Loaded when the first one is asked.

import { button, make } from "./elements.js";
import { say } from "./language.js";

/// An open dialog with `content`; `close()` ends it and gives the focus back. `dismissed()` on Escape.
export function openDialog({ title, content, kind = "", dismissed = () => {} }) {
    const heading = make("h2", "", title), dialog = make("dialog", `dialog ${kind}`), opener = document.activeElement;
    heading.id = "dialog-title";
    dialog.setAttribute("aria-labelledby", "dialog-title");
    dialog.append(heading, ...content);
    const close = () => {
        dialog.close();
        dialog.remove();
        if (opener?.isConnected) opener.focus();
    };
    dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        dismissed(close);
    });
    document.body.append(dialog);
    dialog.showModal();
    return { dialog, close };
}

/// Shows a dialog and resolves to the chosen action's `name`, or null when it was dismissed (Escape).
/// `actions` are `{name, text, kind?: "primary" | "danger", checks?}`; the first one has the focus. `field` is an
/// optional `{label, text?, lines?, check(value) -> message | ""}`; with it the result is `{name, value}`, and an action
/// that `checks` is not taken while there is a message.
export function ask({ title, text, field, actions, mayDismiss = true }) {
    return new Promise((resolve) => {
        const content = [text].flat().filter(Boolean).map((line) => make("p", "", line)), input = field && fieldOf(field, content);
        const end = (name) => {
            const value = input?.value.trim();
            const message = actions.find((action) => action.name === name)?.checks ? field.check(value) : "";
            if (message) {
                content.at(-2).querySelector(".trouble").textContent = message;
                return input.focus();
            }
            close();
            resolve(field ? { name, value } : name);
        };
        const buttons = actions.map(({ name, text: label, kind = "" }) => button(label, kind, () => end(name))), row = make("div", "actions");
        row.append(...buttons);
        content.push(row);
        const { close } = openDialog({ title, content, dismissed: () => mayDismiss && end(null) });
        (field?.lines ? input : buttons[0]).focus();
    });
}

function fieldOf({ label, text = "", lines }, content) {
    const input = make(lines ? "textarea" : "input"), trouble = make("span", "trouble"), frame = make("label", "field");
    Object.assign(input, { spellcheck: Boolean(lines), autocomplete: "off", value: text, dir: "auto" });
    if (lines) input.rows = lines;
    trouble.setAttribute("role", "alert");
    frame.append(make("span", "", label), input, trouble);
    content.push(frame);
    return input;
}

export const askToReset = async () => "reset" === await ask({
    title: say("reset-title"), text: say("reset-text"),
    actions: [{ name: "keep", text: say("keep-them") }, { name: "reset", text: say("reset-do"), kind: "danger" }],
});
