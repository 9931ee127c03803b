// The one way to the server: requests with their errors, and the patience to repeat them.

import { problemText, say } from "./language.js";

// ---------------------------------------------------------------------------------------------- waiting

/// Resolves after `ms`, or at once when the network returns or the page is looked at again.
export function pause(ms, signal) {
    return new Promise((resolve) => {
        const over = () => {
            clearTimeout(timer);
            removeEventListener("online", over);
            document.removeEventListener("visibilitychange", seen);
            signal?.removeEventListener("abort", over);
            resolve();
        };
        const seen = () => document.visibilityState === "visible" && over();
        const timer = setTimeout(over, ms);
        addEventListener("online", over);
        document.addEventListener("visibilitychange", seen);
        signal?.addEventListener("abort", over);
    });
}

/// 0.3 s, 0.6 s, ... 5 s, each between half and all of it: pages that lost the same task do not return in step.
export const backOffMs = (attempt) => Math.min(5_000, 300 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random() / 2);

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// 22 base64url characters, 132 random bits. The client chooses ids, so that sending twice is sending once.
export const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(22)), (byte) => alphabet[byte & 63]).join("");

// ---------------------------------------------------------------------------------------------- requests

const requestTimeoutMs = 20_000;

/// An error in the server's words (application/problem+json), or `network` when no answer came.
export class Problem extends Error {
    constructor({ status = 0, code = "network", title, detail, retry_after_ms: retryAfterMs = 0 }) {
        super(problemText(code, detail || title));
        Object.assign(this, { status, code, retryAfterMs });
    }
    /// Whether the same request may well succeed later. Every change carries its own id, so a retry never duplicates.
    get passing() {
        return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
    }
    /// The server does not know (or does not accept) this browser's key.
    get keyless() {
        return this.status === 401;
    }
}

/// The key that requests are sent with.
export const bearer = { key: null };
/// Called with the id of the task that answered, each time it is another one than before.
export const served = { task: null, changed() {} };

export function observe(response) {
    const task = response.headers.get("X-Served-By");
    if (!task || task === served.task) return;
    served.task = task;
    served.changed(task);
}

export async function problemOf(response) {
    const given = await response.json().catch(() => ({}));
    const seconds = Number(response.headers.get("Retry-After"));
    return new Problem({
        code: "http", title: say("http-status", { status: response.status }), retry_after_ms: seconds > 0 ? seconds * 1000 : 0,
        ...given, status: response.status,
    });
}

/// One request, one try: the response. `body` is an object, or a Blob of JSON. Throws `Problem`.
export async function exchange(method, path, body, { key = bearer.key, timeoutMs = requestTimeoutMs, keepalive = false } = {}) {
    const headers = { Accept: "application/json, */*;q=0.5" };
    if (key) headers.Authorization = `Bearer ${key}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response;
    try {
        response = await fetch(`/api/v1${path}`, {
            method, headers, keepalive, body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
            cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(timeoutMs),
        });
    } catch {
        throw new Problem({});
    }
    observe(response);
    if (!response.ok) throw await problemOf(response);
    return response;
}

/// One request, one try: the JSON of its answer. Throws `Problem`.
export async function call(method, path, body, options) {
    const response = await exchange(method, path, body, options);
    if (response.status === 204) return null;
    return response.json().catch(() => { throw new Problem({}); });
}

/// Repeats `work` until it succeeds, fails for good, or `signal` aborts. `waiting(problem)` is told of each failure.
export async function persist(work, { waiting = () => {}, signal } = {}) {
    for (let attempt = 0; ; attempt += 1) {
        try {
            return await work();
        } catch (problem) {
            if (!(problem instanceof Problem) || !problem.passing || signal?.aborted) throw problem;
            waiting(problem);
            await pause(Math.max(problem.retryAfterMs, backOffMs(attempt)), signal);
            if (signal?.aborted) throw problem;
        }
    }
}
