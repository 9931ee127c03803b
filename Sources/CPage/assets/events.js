// Event streams: read, parsed, and taken up again by themselves.

import { backOffMs, bearer, observe, pause, Problem, problemOf } from "./requests.js";

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
        const headers = { Accept: "text/event-stream", Authorization: `Bearer ${bearer.key}` };
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
    const cut = () => connection?.abort();
    document.addEventListener("visibilitychange", look);
    // What was open before the network went is not worth waiting for.
    for (const name of ["online", "offline"]) addEventListener(name, cut);
    look();
    const end = () => {
        clearInterval(watch);
        document.removeEventListener("visibilitychange", look);
        for (const name of ["online", "offline"]) removeEventListener(name, cut);
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
