// What becomes of a problem: a notice, or a question about the key.

import { notice } from "./notice.js";
import { isKey, key } from "./key.js";
import { Problem } from "./requests.js";
import { say } from "./language.js";
import { shelf } from "./shelf.js";

/// Runs what a click started; its problem becomes a notice. Resolves to whether there was none.
export async function attempt(work) {
    try {
        await work();
        return true;
    } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (problem.keyless) keyTrouble(problem); else notice(problem.message);
        return false;
    }
}

let inKeyTrouble = false;
export const hasKeyTrouble = () => inKeyTrouble;

/// The server does not take the key: the reader decides, and no key is ever thrown away.
export async function keyTrouble(problem) {
    if (inKeyTrouble) return;
    inKeyTrouble = true;
    // Another window has just replaced the key, or is about to.
    if (shelf.get("stoa.key.rotating") !== null) await (await import("./rotation.js")).finishRotation();
    const stored = key.stored();
    if (isKey(stored) && stored !== key.current) return location.reload();
    const { askAboutKey } = await import("./key-dialogs.js");
    const { name, value } = await askAboutKey({ isKey, stored, problem: problem?.message ?? "" });
    if (name !== "again" && !key.replace(name === "use" ? value : null, stored)) notice(say("key-changed-meanwhile"));
    location.reload();
}
