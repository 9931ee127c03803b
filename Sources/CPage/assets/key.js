// The session's key: the only secret. It lives in localStorage, and windows of one browser never lose each other's.

import { bearer, call, persist } from "./requests.js";
import { shelf } from "./shelf.js";

const keyName = "stoa.key";
const formerName = "stoa.key.former";
const formerMax = 10;

export const isKey = (text) => /^stoa_[A-Za-z0-9_-]{43}$/.test(text ?? "");

export const key = {
    get current() { return bearer.key; },
    /// What localStorage holds, in whatever form.
    stored: () => shelf.get(keyName),
    /// Keys of this browser that were replaced, the last one first.
    former: () => (shelf.get(formerName) ?? "").split("\n").filter(isKey),

    /// The stored key, or a new one. Two windows that open at once end with one key: only one of them makes it (where
    /// the browser has locks), and in any case whoever comes second takes what is there and drops what it made.
    async ensure(options) {
        const create = async () => {
            if (key.stored() !== null) return key.stored();
            const made = await persist(() => call("POST", "/sessions", undefined, { key: null }), options);
            const other = key.stored();
            if (other === null) {
                key.kept = shelf.set(keyName, made.key);
                return made.key;
            }
            call("DELETE", "/session", undefined, { key: made.key }).catch(() => {});
            return other;
        };
        bearer.key = await key.alone(create);
        return bearer.key;
    },

    /// Runs `work` while no other window of this browser changes the key, where the browser has locks.
    alone: (work) => (navigator.locks ? navigator.locks.request(keyName, work) : work()),

    /// Puts `value` (or nothing) in the place of `expected`. If another window wrote meanwhile, nothing is changed and
    /// false is returned. The former key stays in this browser, so no choice here loses a session for ever; but for one
    /// that opens nothing any more (`isDead`).
    replace(value, expected, { isDead = false } = {}) {
        if (key.stored() !== expected) return false;
        const rest = key.former().filter((line) => line !== expected && line !== value);
        const kept = isKey(expected) && !isDead ? [expected, ...rest] : rest;
        shelf.set(formerName, kept.length ? kept.slice(0, formerMax).join("\n") : null);
        key.kept = shelf.set(keyName, value);
        return true;
    },

    /// Removes from this browser what belongs to the session: key, former keys, drafts and what was not sent.
    forget() {
        for (const name of shelf.names("stoa.")) {
            if (/^stoa\.(key|draft|unsent|removing|prompts)/.test(name)) shelf.set(name, null);
        }
    },

    /// Whether this browser keeps the key (false: private mode or storage switched off).
    kept: true,

    /// `changed(value)` when another window of this browser wrote or removed the key.
    watch(changed) {
        shelf.watch(keyName, () => key.stored() !== bearer.key && changed(key.stored()));
    },
};
