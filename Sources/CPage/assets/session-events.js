// The session's list of conversations, followed by one window of the browser for all of them.

import { follow } from "./events.js";

const pollMs = 5_000;

/// Follows the session's list of conversations. A browser has six connections a server, and each window needs one for
/// its own conversation: so one window that is looked at follows for all of them. `on.event(name, data)`, `on.end(problem)`;
/// a browser without locks asks `on.poll()` instead.
export function followSession(on) {
    let turn = null;
    const wait = () => {
        const own = turn = new AbortController();
        const hold = () => new Promise((resolve) => {
            own.signal.addEventListener("abort", resolve);
            follow("/session/events", null, { signal: own.signal, state() {}, event: on.event, end(problem) { on.end(problem); resolve(); } });
        });
        navigator.locks.request("stoa.session", { signal: own.signal }, hold).catch(() => {});
    };
    const look = () => {
        if (document.visibilityState !== "visible") { turn?.abort(); turn = null; } else if (!turn) wait();
    };
    if (!navigator.locks) return setInterval(() => document.visibilityState === "visible" && on.poll(), pollMs);
    document.addEventListener("visibilitychange", look);
    look();
}
