// What can be done with a conversation. Loaded with the first menu.

import { say } from "./language.js";
import { openMenu } from "./menu.js";
import { titleOfConversation } from "./panel.js";

/// `on.pin()`, `on.rename()`, `on.instructions()`, `on.reset()`, `on.remove()`
export function openConversationMenu(conversation, opener, on) {
    const saveAs = (format) => async () => (await import("./transfer.js")).saveConversation(conversation, format);
    openMenu(opener, say("menu-of", { title: titleOfConversation(conversation) }), [
        { text: say(conversation.pinned ? "unpin" : "pin"), icon: "pin", run: on.pin },
        { text: say("rename"), icon: "edit", run: on.rename },
        { text: say("instructions"), icon: "tune", run: on.instructions },
        null,
        { text: say("save-markdown"), icon: "save", run: saveAs("markdown") },
        { text: say("save-json"), icon: "save", run: saveAs("json") },
        null,
        { text: say("reset"), icon: "reset", run: on.reset },
        { text: say("delete"), icon: "trash", run: on.remove, danger: true },
    ]);
}
