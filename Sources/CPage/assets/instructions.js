// The system prompt of a conversation: what the model is told before everything else. Loaded when it is first edited.

import { ask } from "./dialogs.js";
import { number, say } from "./language.js";
import { bytesOf, systemPromptBytesMax } from "./limits.js";

const tooLong = (text) => {
    const over = bytesOf(text) - systemPromptBytesMax;
    return over > 0 ? say("too-long-by", { count: over, n: number(over) }) : "";
};

/// Resolves to the text ("" for none), or to null when nothing is to be changed.
export async function askForInstructions(text) {
    const { name, value } = await ask({
        title: say("instructions"), text: say("instructions-text"),
        field: { label: say("instructions-label"), text, lines: 8, check: tooLong },
        actions: [{ name: "save", text: say("save"), kind: "primary", checks: true }, { name: "keep", text: say("cancel") }],
    });
    return name === "save" && value !== text ? value : null;
}
