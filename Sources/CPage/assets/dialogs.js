// Questions that need an answer first. Loaded when the first one is asked.

const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
};

/// Shows a dialog and resolves to the chosen action's `name`, or null when it was dismissed (Escape).
/// `actions` are `{name, text, kind?: "primary" | "danger" | "quiet", checks?}`; the first one has the focus. `field` is
/// an optional `{label, check(value) -> message | ""}`; with it the result is `{name, value}`, and an action that
/// `checks` is not taken while there is a message.
export function ask({ title, text, field, actions, mayDismiss = true }) {
    return new Promise((resolve) => {
        const heading = make("h2", { id: "dialog-title", textContent: title });
        const dialog = make("dialog", { className: "dialog" }, heading);
        dialog.setAttribute("aria-labelledby", "dialog-title");
        for (const line of [text].flat()) dialog.append(make("p", { textContent: line }));

        let input, trouble;
        if (field) {
            input = make("input", { spellcheck: false, autocomplete: "off" });
            trouble = make("span", { className: "trouble" });
            trouble.setAttribute("role", "alert");
            dialog.append(make("label", { className: "field" }, make("span", { textContent: field.label }), input, trouble));
        }
        const close = (name) => {
            const value = input?.value.trim();
            const message = actions.find((action) => action.name === name)?.checks ? field.check(value) : "";
            if (message) {
                trouble.textContent = message;
                input.focus();
                return;
            }
            dialog.close();
            dialog.remove();
            resolve(field ? { name, value } : name);
        };
        const buttons = actions.map(({ name, text: label, kind = "quiet" }) => {
            const button = make("button", { type: "button", className: `button ${kind}`, textContent: label });
            button.addEventListener("click", () => close(name));
            return button;
        });
        dialog.append(make("div", { className: "actions" }, ...buttons));
        dialog.addEventListener("cancel", (event) => {
            event.preventDefault();
            if (mayDismiss) close(null);
        });
        document.body.append(dialog);
        dialog.showModal();
        buttons[0].focus();
    });
}

/// U+2068 and U+2069 keep a title of the other direction from turning the sentence around.
export const askToDelete = async (title) => "delete" === await ask({
    title: "Delete this conversation?", text: `“\u2068${title}\u2069” and all its messages will be gone for good.`,
    actions: [{ name: "keep", text: "Keep it" }, { name: "delete", text: "Delete", kind: "danger" }],
});

export const askToReset = async () => "reset" === await ask({
    title: "Reset this conversation?", text: "All its messages are removed. Its title and model stay.",
    actions: [{ name: "keep", text: "Keep them" }, { name: "reset", text: "Reset", kind: "danger" }],
});

/// The server does not accept this browser's key: nothing is thrown away without a word.
/// Resolves to `{name: "again" | "new" | "use", value}`.
export function askAboutKey({ isKey, problem, stored }) {
    const known = isKey(stored);
    return ask({
        title: known ? "This server does not know your session" : "The key in this browser is damaged",
        text: [
            known
                ? `${problem} The volume may be another one than last time, or the session was deleted in another browser.`
                : "What is stored in this browser as your session's key is not a key, so the conversations behind it cannot be opened with it.",
            "Paste another key, try again, or start a new session. A key of yours that is replaced here stays stored in this browser as a former key.",
        ],
        field: {
            label: "Key",
            check: (value) => (isKey(value) ? "" : "A key starts with stoa_ and has 43 characters after that."),
        },
        actions: [
            { name: "again", text: "Try again", kind: "primary" },
            { name: "use", text: "Use the pasted key", checks: true },
            { name: "new", text: "Start a new session" },
        ],
        mayDismiss: false,
    });
}
