// What the less usual buttons and keys do. Loaded with the first of them.

import { announce, copyText } from "./elements.js";
import { conversations } from "./conversations.js";
import { say } from "./language.js";

/// `with` is what the page is made of: `go(id)`, `drawer`, `remove(conversation)`, `chat`.
export const desk = ({ go, drawer, remove, chat }) => ({
    settings: async () => (await import("./settings.js")).openSettings(),
    shortcuts: async () => (await import("./shortcuts.js")).openShortcuts(),
    panel: () => drawer.toggle(),

    async search() {
        (await import("./search.js")).startSearch({
            open: async (id, message) => {
                go(id);
                if (message) await chat.reveal(message);
            },
        });
    },

    removeCurrent() {
        const conversation = conversations.of(chat.current);
        if (conversation) remove(conversation);
    },

    copyAnswer: () => copy(chat.log.messages.findLast(({ role }) => role === "assistant")?.text),
    copyCode: () => copy([...document.querySelectorAll("#log figure.code pre")].at(-1)?.innerText),
});

async function copy(text) {
    if (!text) return announce(say("nothing-to-copy"));
    await copyText(text);
    announce(say("copied"));
}
