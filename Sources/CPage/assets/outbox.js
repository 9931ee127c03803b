// Prompts on their way: kept in this browser until the server has acknowledged them.

import { call, persist, pause, Problem } from "./requests.js";
import { shelf } from "./shelf.js";

/// What a conversation is called that begins with `text`. A surrogate pair is not cut in two.
export const titleOf = (text) => {
    const line = text.trim().split("\n")[0].replace(/^[#>*\s-]+/, "").trim() || text.trim().split("\n")[0];
    const characters = [...line];
    if (characters.length <= 60) return line;
    // Not in the middle of a word, where words have spaces between them.
    const cut = characters.slice(0, 60).join("");
    return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), 30)).trimEnd()}…`;
};

const itemName = (item) => `stoa.unsent.${item.conversation}.${item.id}`;
const sending = new Map();
const aborted = (signal) => new Promise((resolve) => signal.addEventListener("abort", resolve));
const idleCheckMs = 2_000;
const repeatRestMs = 300;
const settlingMs = 1_000;

/// Prompts that were sent and not acknowledged yet: `{id, conversation, text, at, create?, replaces?, queued?, isKept?}`. They
/// outlive the page (and are in one entry each, so that windows do not overwrite each other's) and are sent again under
/// the same id.
export const outbox = {
    keep: (item) => shelf.set(itemName(item), JSON.stringify(item)),
    drop: (item) => shelf.set(itemName(item), null),
    /// Whether it still has to be sent.
    holds: (item) => shelf.get(itemName(item)) !== null,
    giveUp: (item) => sending.get(item.id)?.abort(),

    items(conversation = "") {
        return shelf.names(`stoa.unsent.${conversation}`).map(shelf.read)
            .filter((item) => item && (!conversation || item.conversation === conversation)).sort((a, b) => a.at - b.at);
    },
    /// Whether another prompt of the same conversation has to be sent before.
    isBehind: (item) => outbox.items(item.conversation).some((other) => other.at < item.at),

    /// Until the server has acknowledged it: resolves to the turn. `created` is given a conversation that was made for
    /// it, `waiting(problem)` is told of whatever keeps it (null: an answer has to end first), `turn(signal)` waits for that,
    /// and `settled()` for what was changed in the conversation before.
    async deliver(item, { created, settled, waiting, turn }) {
        const control = new AbortController(), persistence = { waiting, signal: control.signal };
        sending.set(item.id, control);
        try {
            while (outbox.isBehind(item)) await outbox.wait(control.signal, waiting, turn);
            if (item.create) {
                created(await persist(() => call("POST", "/conversations", { id: item.conversation, ...item.create }), persistence));
            }
            const path = `/conversations/${item.conversation}/messages`;
            const body = { id: item.id, text: item.text, replaces: item.replaces };
            const ask = async () => {
                const slow = setTimeout(() => waiting(true), settlingMs);
                await Promise.race([settled(), aborted(control.signal)]);
                clearTimeout(slow);
                if (control.signal.aborted) throw new Problem({});
                return call("POST", path, body);
            };
            for (;;) {
                try {
                    const made = await persist(ask, persistence);
                    outbox.drop(item);
                    return made;
                } catch (problem) {
                    // Somebody who asked while an answer ran wants to wait; who did not know of it decides anew.
                    if (!item.queued || problem.code !== "answer_running") throw problem;
                }
                await outbox.wait(control.signal, waiting, turn);
            }
        } finally {
            sending.delete(item.id);
        }
    },

    async wait(signal, waiting, turn) {
        waiting(null);
        // Also where this window believes that nothing runs: it may be behind, and must not ask again and again.
        await pause(repeatRestMs, signal);
        await Promise.race([turn(signal), pause(idleCheckMs, signal)]);
        if (signal.aborted) throw new Problem({});
    },
};
