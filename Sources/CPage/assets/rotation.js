// A new key for the same session. Loaded when a key is rotated, or when a rotation was cut off.

import { conversations, removals } from "./conversations.js";
import { key } from "./key.js";
import { call, persist, Problem } from "./requests.js";
import { shelf } from "./shelf.js";

const rotatingName = "stoa.key.rotating";

/// 256 random bits in base64url: 43 characters.
const newNonce = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/// Writes down what it is about to do, so that a browser that dies in between ends up with the new key all the same:
/// the same old key and nonce give the same new key. Resolves to whether the key is another one now.
export function rotate(options) {
    return key.alone(async () => {
        const expected = key.stored();
        if (expected !== key.current) return false; // another window was faster
        shelf.set(rotatingName, JSON.stringify({ key: expected, session: conversations.session?.id, nonce: newNonce() }));
        return carryOut(options);
    });
}

/// Goes on with a rotation that was begun and whose end nobody saw.
export const finishRotation = (options) => key.alone(() => carryOut(options)).catch(() => false);

async function carryOut(options) {
    const begun = shelf.read(rotatingName);
    if (!begun || begun.key !== key.stored()) {
        shelf.set(rotatingName, null);
        return false;
    }
    try {
        const made = await persist(() => call("POST", "/session/rotate", { nonce: begun.nonce }, { key: begun.key }), options);
        removals.move(begun.session, made.session.id);
        const done = key.replace(made.key, begun.key, { isDead: true });
        shelf.set(rotatingName, null);
        return done;
    } catch (problem) {
        if (problem instanceof Problem && !problem.passing) shelf.set(rotatingName, null);
        throw problem;
    }
}
