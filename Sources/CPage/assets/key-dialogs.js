// Questions about the session's key. Loaded when the first one is asked.

import { ask } from "./dialogs.js";
import { say } from "./language.js";

const keyField = (isKey) => ({ label: say("key"), check: (value) => (isKey(value) ? "" : say("no-key")) });

/// The server does not accept this browser's key: nothing is thrown away without a word.
/// Resolves to `{name: "again" | "new" | "use", value}`.
export function askAboutKey({ isKey, problem, stored }) {
    const known = isKey(stored);
    return ask({
        title: say(known ? "unknown-session" : "damaged-key"),
        text: [known ? `${problem} ${say("unknown-session-text")}` : say("damaged-key-text"), say("key-choices")],
        field: keyField(isKey),
        actions: [
            { name: "again", text: say("try-again"), kind: "primary" },
            { name: "use", text: say("use-pasted-key"), checks: true },
            { name: "new", text: say("new-session") },
        ],
        mayDismiss: false,
    });
}

/// Resolves to the key of another browser, or null.
export async function askForKey(isKey) {
    const { name, value } = await ask({
        title: say("use-key-title"), text: say("use-key-text"), field: { ...keyField(isKey), lines: 2 },
        actions: [{ name: "use", text: say("use-pasted-key"), kind: "primary", checks: true }, { name: "keep", text: say("cancel") }],
    });
    return name === "use" ? value : null;
}

export const askToRotate = async () => "rotate" === await ask({
    title: say("rotate-title"), text: say("rotate-text"),
    actions: [{ name: "keep", text: say("cancel") }, { name: "rotate", text: say("rotate-do"), kind: "primary" }],
});

/// Resolves to "forget", "delete" or null.
export const askToForget = () => ask({
    title: say("forget-title"), text: [say("forget-text"), say("forget-all-text")],
    actions: [
        { name: null, text: say("cancel") },
        { name: "forget", text: say("forget-do"), kind: "danger" },
        { name: "delete", text: say("forget-all-do"), kind: "danger" },
    ],
});
