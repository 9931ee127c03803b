// The one way to the server: the session's key, requests with their errors, and a conversation's event stream.

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

/// 22 base64url characters: 128 random bits and 4 more. The client chooses ids, so that sending twice is sending once.
export function newId() {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return Array.from(crypto.getRandomValues(new Uint8Array(22)), (byte) => alphabet[byte & 63]).join("");
}

// ---------------------------------------------------------------------------------------------- requests

const requestTimeoutMs = 20_000;

/// An error in the server's words (application/problem+json), or `network` when no answer came.
export class Problem extends Error {
    constructor({ status = 0, code = "network", title, detail, retry_after_ms: retryAfterMs = 0 }) {
        super(detail || title || "The server cannot be reached.");
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

let bearer = null;
/// Called with the id of the task that answered, each time it is another one than before.
export const served = { task: null, changed() {} };

function observe(response) {
    const task = response.headers.get("X-Served-By");
    if (!task || task === served.task) return;
    served.task = task;
    served.changed(task);
}

async function problemOf(response) {
    const given = await response.json().catch(() => ({}));
    const seconds = Number(response.headers.get("Retry-After"));
    return new Problem({
        code: "http", title: `The server answered ${response.status}.`, retry_after_ms: seconds > 0 ? seconds * 1000 : 0,
        ...given, status: response.status,
    });
}

/// One request, one try. Throws `Problem`.
export async function call(method, path, body, { key = bearer } = {}) {
    const headers = { Accept: "application/json" };
    if (key) headers.Authorization = `Bearer ${key}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response;
    try {
        response = await fetch(`/api/v1${path}`, {
            method, headers, body: body === undefined ? undefined : JSON.stringify(body),
            cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(requestTimeoutMs),
        });
    } catch {
        throw new Problem({});
    }
    observe(response);
    if (!response.ok) throw await problemOf(response);
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

// ---------------------------------------------------------------------------------------------- key

const keyName = "stoa.key";
const formerName = "stoa.key.former";
export const isKey = (text) => /^stoa_[A-Za-z0-9_-]{43}$/.test(text ?? "");

/// localStorage that never throws: blocked or full storage costs the memory of this browser, not the page.
export const shelf = {
    get(name) {
        try { return localStorage.getItem(name); } catch { return null; }
    },
    set(name, value) {
        try {
            if (value === null) localStorage.removeItem(name); else localStorage.setItem(name, value);
            return true;
        } catch { return false; }
    },
    names(prefix) {
        try { return Object.keys(localStorage).filter((name) => name.startsWith(prefix)); } catch { return []; }
    },
};

export const key = {
    get current() { return bearer; },
    /// What localStorage holds, in whatever form.
    stored: () => shelf.get(keyName),

    use(value) { bearer = value; },

    /// The stored key, or a new one. Two windows that open at once end with one key: only one of them makes it (where
    /// the browser has locks), and in any case whoever comes second takes what is there and drops what it made.
    async ensure(options) {
        const make = async () => {
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
        bearer = navigator.locks ? await navigator.locks.request(keyName, make) : await make();
        return bearer;
    },

    /// Puts `value` (or nothing) in the place of `expected`. If another window wrote meanwhile, nothing is changed and
    /// false is returned. The former key stays in this browser, so no choice here loses a session for ever.
    replace(value, expected) {
        if (key.stored() !== expected) return false;
        const former = (shelf.get(formerName) ?? "").split("\n").filter((line) => isKey(line) && line !== expected);
        if (isKey(expected)) shelf.set(formerName, [expected, ...former].slice(0, 10).join("\n"));
        key.kept = shelf.set(keyName, value);
        return true;
    },
    /// Whether this browser keeps the key (false: private mode or storage switched off).
    kept: true,

    /// `changed(value)` when another window of this browser wrote or removed the key.
    watch(changed) {
        addEventListener("storage", (event) => {
            // `key: null` is localStorage.clear().
            if (event.key !== keyName && event.key !== null) return;
            if (key.stored() !== bearer) changed(key.stored());
        });
    },
};

// ---------------------------------------------------------------------------------------------- outbox

/// What a conversation is called that begins with `text`. A surrogate pair is not cut in two.
export const titleOf = (text) => [...text.split("\n")[0].trim()].slice(0, 60).join("");

const itemName = (item) => `stoa.unsent.${item.conversation}.${item.id}`;
const sending = new Map();

/// Prompts that were sent and not acknowledged yet: `{id, conversation, text, at, create?, replaces?}`. They outlive the page (and
/// are in one entry each, so that windows do not overwrite each other's) and are sent again under the same id.
export const outbox = {
    keep: (item) => shelf.set(itemName(item), JSON.stringify(item)),
    drop: (item) => shelf.set(itemName(item), null),
    isSending: (item) => sending.has(item.id),
    giveUp: (item) => sending.get(item.id)?.abort(),

    items(conversation = "") {
        const read = (name) => { try { return [JSON.parse(shelf.get(name))]; } catch { return []; } };
        return shelf.names(`stoa.unsent.${conversation}`).flatMap(read)
            .filter((item) => item && (!conversation || item.conversation === conversation)).sort((a, b) => a.at - b.at);
    },

    /// Until the server has acknowledged it: resolves to the turn. `created` is given a conversation that was made for it.
    async deliver(item, { created, waiting }) {
        const control = new AbortController(), persistence = { waiting, signal: control.signal };
        sending.set(item.id, control);
        try {
            if (item.create) {
                created(await persist(() => call("POST", "/conversations", { id: item.conversation, ...item.create }), persistence));
            }
            const path = `/conversations/${item.conversation}/messages`;
            const turn = await persist(() => call("POST", path, { id: item.id, text: item.text, replaces: item.replaces }), persistence);
            outbox.drop(item);
            return turn;
        } finally {
            sending.delete(item.id);
        }
    },
};

// ---------------------------------------------------------------------------------------------- events

const silenceMsMax = 25_000; // the server sends a comment every 10 s
const hiddenMsMax = 60_000; // a browser has six connections a server: hidden windows give theirs back
const eventCharactersMax = 16_000_000;

/// Cuts a text/event-stream into events `{name, data, id}`.
export function eventParser(emit) {
    let rest = "", name = "", data = [], id;
    return (text) => {
        rest += text;
        if (rest.length > eventCharactersMax) throw new Error("event too long");
        const lines = rest.split(/\r\n|\n|\r(?=[^])/);
        rest = lines.pop();
        for (const line of lines) {
            if (line === "") {
                if (data.length) emit({ name: name || "message", data: data.join("\n"), id });
                name = ""; data = [];
                continue;
            }
            const colon = line.indexOf(":");
            if (colon === 0) continue;
            const field = colon < 0 ? line : line.slice(0, colon);
            const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
            if (field === "event") name = value;
            else if (field === "data") data.push(value);
            else if (field === "id") id = value;
        }
    };
}

/// Follows a conversation (or what else has events at `path`) for as long as it takes: reads its events, returns by itself with `Last-Event-ID`.
/// `on.event(name, data)`, `on.state("open" | "waiting")`, `on.end(problem | null)` when there is nothing to follow any
/// more. Ends when `on.signal` aborts, or by calling what it returns.
export function follow(path, cursor, on) {
    const whole = new AbortController();
    let connection, lastByteMs = 0, hiddenSinceMs = 0;

    async function read() {
        connection = new AbortController();
        const headers = { Accept: "text/event-stream", Authorization: `Bearer ${bearer}` };
        if (cursor) headers["Last-Event-ID"] = cursor;
        lastByteMs = performance.now();
        const response = await fetch(`/api/v1${path}`, {
            headers, cache: "no-store", credentials: "omit", signal: AbortSignal.any([whole.signal, connection.signal]),
        });
        observe(response);
        if (!response.ok) throw await problemOf(response);
        let outcome = "cut";
        const feed = eventParser(({ name, data, id }) => {
            if (whole.signal.aborted) return;
            const value = JSON.parse(data);
            if (id) cursor = id;
            if (name === "restart") outcome = "restart";
            else if (name === "gone") outcome = "gone";
            else if (name === "error") throw new Problem(value);
            else try { on.event(name, value); } catch (error) { reportError(error); } // a fault of the page, not of the stream
        });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        for (;;) {
            const { value, done } = await reader.read();
            if (done) return outcome;
            if (whole.signal.aborted) return outcome;
            lastByteMs = performance.now();
            on.state("open");
            feed(value);
            if (outcome !== "cut") {
                reader.cancel().catch(() => {});
                return outcome;
            }
        }
    }

    async function run() {
        for (let attempt = 0; !whole.signal.aborted; ) {
            let problem = null, outcome = "cut";
            const begunMs = performance.now();
            try {
                outcome = await read();
            } catch (error) {
                if (error instanceof Problem) problem = error;
            }
            if (whole.signal.aborted) return;
            if (outcome === "gone") return on.end(null);
            if (problem && !problem.passing) return on.end(problem);
            // A stream that lived is a fresh start; `restart` means that another task is ready to take over now.
            if (lastByteMs - begunMs > 5_000) attempt = 0;
            if (outcome === "restart" && attempt === 0) { attempt = 1; continue; }
            on.state("waiting");
            if (hiddenSinceMs && performance.now() - hiddenSinceMs > hiddenMsMax) await shown(whole.signal);
            else await pause(Math.max(problem?.retryAfterMs ?? 0, backOffMs(attempt)), whole.signal);
            attempt += 1;
        }
    }

    // A proxy may cut a connection without a word, and a phone may freeze the page: silence ends it.
    const watch = setInterval(() => {
        const silent = performance.now() - lastByteMs > silenceMsMax;
        const unseen = hiddenSinceMs && performance.now() - hiddenSinceMs > hiddenMsMax;
        if (silent || unseen) connection?.abort();
    }, 5_000);
    const look = () => {
        hiddenSinceMs = document.visibilityState === "hidden" ? performance.now() : 0;
        if (!hiddenSinceMs && performance.now() - lastByteMs > silenceMsMax / 2) connection?.abort();
    };
    const online = () => connection?.abort();
    document.addEventListener("visibilitychange", look);
    addEventListener("online", online);
    look();
    const end = () => {
        clearInterval(watch);
        document.removeEventListener("visibilitychange", look);
        removeEventListener("online", online);
        on.signal.removeEventListener("abort", end);
        whole.abort();
    };
    on.signal.addEventListener("abort", end);
    run();
    return end;
}

const shown = (signal) => new Promise((resolve) => {
    const over = () => {
        if (document.visibilityState !== "visible" && !signal.aborted) return;
        document.removeEventListener("visibilitychange", over);
        resolve();
    };
    document.addEventListener("visibilitychange", over);
    signal.addEventListener("abort", over);
    over();
});

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
