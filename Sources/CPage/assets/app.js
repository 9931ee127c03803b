// What ties the page together: the session, the open conversation, the composer, and the other windows.

import { call, follow, followSession, isKey, key, newId, outbox, persist, Problem, served, shelf, titleOf } from "./server.js";
import { Log } from "./messages.js";
import { Composer, Drawer, notice, Panel, showModels, startTheme } from "./panel.js";

const part = (id) => document.getElementById(id);

const state = {
    session: null, models: [], defaultModel: null, hosts: new Map(),
    conversations: new Map(), more: false, next: null,
    current: null, model: null, stopping: false, visit: new AbortController(),
};

startTheme();
const drawer = new Drawer();
const labelOf = (id) => state.models.find((model) => model.id === id)?.label ?? id;
const log = new Log({ labelOf, on: { edit: (message, text) => submit(text, message.id), unsend: outbox.giveUp, attempt: (work) => attempt(work) } });
const panel = new Panel({ open: go, rename, remove, more: loadMore });
const composer = new Composer({ submit, changed() { saveDraft(); showHead(); } });
const windows = new BroadcastChannel("stoa");

// ---------------------------------------------------------------------------------------------- problems

/// The dialogs are rarely needed, so they are loaded with the first question.
const dialogs = () => import("./dialogs.js");

/// Runs what a click started; its problem becomes a notice.
const attempt = (work) => work().catch((problem) => {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.keyless) return keyTrouble(problem);
    notice(problem.message);
});

// ---------------------------------------------------------------------------------------------- session

async function boot() {
    const waiting = () => { panel.link("waiting"); notice("The server cannot be reached. Trying again…"); };
    route();
    composer.focus();
    await key.ensure({ waiting });
    if (!key.kept) notice("This browser does not let the page keep its key: the session ends with this window.");
    try {
        if (!isKey(key.current)) return keyTrouble(null);
        const [models] = await Promise.all([persist(() => call("GET", "/models"), { waiting }), persist(overview, { waiting })]);
        Object.assign(state, { models: models.models, defaultModel: models.default });
    } catch (problem) {
        if (problem instanceof Problem && (problem.keyless || problem.status === 404)) return keyTrouble(problem);
        throw problem;
    }
    if (part("notice-text").textContent.startsWith("The server cannot")) notice(null);
    panel.link("open");
    showHead();
    if (state.current) open(state.current);
    outbox.items().forEach(deliver);
    followSession({ event: (name, data) => news[name]?.(data), end: (problem) => problem?.keyless && keyTrouble(problem), poll: refresh });
}

/// The server does not take the key: the reader decides, and no key is ever thrown away.
let inKeyTrouble = false;
async function keyTrouble(problem) {
    if (inKeyTrouble) return;
    inKeyTrouble = true;
    const stored = key.stored();
    const { name, value } = await (await dialogs()).askAboutKey({ isKey, stored, problem: problem?.message ?? "" });
    if (name !== "again" && !key.replace(name === "use" ? value : null, stored)) notice("Another window changed the key meanwhile.");
    location.reload();
}

/// The session as the server has it now: who serves it, and its newest conversations.
async function overview() {
    const found = await call("GET", "/session");
    state.session = found.session;
    state.hosts.set(found.task, found.host);
    panel.identity(found.host, found.session.short);
    take(found);
    return found;
}

/// Takes the newest conversations: of those that would be among them, the others are gone.
function take({ conversations, more }) {
    const listed = new Set(conversations.map((conversation) => conversation.id));
    const oldest = more ? Math.min(...conversations.map((conversation) => conversation.updated_ms)) : -Infinity;
    for (const { id, updated_ms: updatedMs } of [...state.conversations.values()]) {
        if (updatedMs > oldest && !listed.has(id)) state.conversations.delete(id);
    }
    conversations.filter(learn).forEach(tell);
    state.more ||= more;
    showList();
    showHead();
}
const refresh = () => key.current && !inKeyTrouble && overview().catch((problem) => problem.keyless && keyTrouble(problem));

served.changed = (task) => {
    if (state.hosts.has(task)) panel.identity(state.hosts.get(task));
    else if (state.session) refresh();
};

async function loadMore() {
    await attempt(async () => {
        state.next ??= (await call("GET", "/conversations?limit=50")).next;
        if (state.next === null) { state.more = false; return; }
        const page = await call("GET", `/conversations?limit=50&before=${encodeURIComponent(state.next)}`);
        page.conversations.forEach(learn);
        state.next = page.next;
        state.more = page.next !== null;
    });
    showList();
}

/// Takes a conversation unless a newer version is known; says whether anything changed.
function learn(conversation) {
    const known = state.conversations.get(conversation.id);
    if (known && known.version > conversation.version) return false;
    state.conversations.set(conversation.id, conversation);
    return JSON.stringify(known) !== JSON.stringify(conversation);
}

const tell = (conversation) => windows.postMessage({ session: state.session?.id, conversation });

function share(conversation) {
    if (!learn(conversation)) return;
    tell(conversation);
    showList();
    if (conversation.id === state.current) showHead();
}

const listed = () => [...state.conversations.values()].sort((a, b) => b.updated_ms - a.updated_ms || (a.id < b.id ? 1 : -1));
const showList = () => panel.show(listed(), state.current, state.more);

// ---------------------------------------------------------------------------------------------- the open conversation

function go(id) {
    drawer.set(false, { focus: false });
    if (id !== state.current) history.pushState(null, "", id ? `#${id}` : location.pathname);
    route();
    composer.focus();
}

/// The address names the open conversation and nothing else: the key is never in it.
function route() {
    const id = /^#([A-Za-z0-9_-]{1,64})$/.exec(location.hash)?.[1] ?? null;
    if (id === state.current && state.session) return;
    saveDraft();
    state.visit.abort();
    Object.assign(state, { current: id, model: null, stopping: false, visit: new AbortController() });
    composer.text = shelf.get(draftName()) ?? "";
    notice(null);
    if (!id) { log.clear(); log.conversation = null; }
    showHead();
    showList();
    if (id && state.session) open(id);
}

async function open(id) {
    // A fast answer replaces the old messages in one go; only a slow one clears them first.
    const slow = setTimeout(() => id === state.current && log.clear(), 300);
    const { signal } = state.visit;
    try {
        const found = await persist(() => call("GET", `/conversations/${id}?limit=50&render=html`), {
            waiting: () => panel.link("waiting"), signal,
        });
        clearTimeout(slow);
        if (signal.aborted) return;
        log.show(id, found.messages, found.earlier);
        share(found.conversation);
        watch(id, found.cursor);
    } catch (problem) {
        clearTimeout(slow);
        if (signal.aborted) return;
        if (!(problem instanceof Problem)) throw problem;
        if (problem.keyless) return keyTrouble(problem);
        log.show(id, [], null);
        if (outbox.items(id).length) return;
        history.replaceState(null, "", location.pathname);
        route();
        notice(problem.status === 404 ? "That conversation is not in this session (any more)." : problem.message);
        return;
    } finally {
        if (!signal.aborted) {
            for (const item of outbox.items(id)) showPending(item);
            showHead();
        }
    }
}

function watch(id, cursor) {
    state.unfollow?.();
    state.unfollow = follow(`/conversations/${id}/events?render=html`, cursor, {
        signal: state.visit.signal,
        state: (now) => panel.link(now),
        event: (name, data) => events[name]?.(data),
        end(problem) {
            if (problem?.keyless) return keyTrouble(problem);
            if (!problem || problem.status === 404) return left(id);
            notice(problem.message);
            setTimeout(() => id === state.current && open(id), 5_000);
        },
    });
}

const events = {
    message({ message }) { log.put(message); showHead(); },
    delta(delta) { if (!log.grow(delta)) open(state.current); },
    conversation({ conversation }) { share(conversation); showHead(); },
    drop({ after }) { log.drop(after); showHead(); },
    reset({ earlier = null }) { log.show(state.current, [], earlier); showHead(); },
};

/// The conversation was deleted, here or in another window.
function left(id) {
    state.conversations.delete(id);
    showList();
    if (id !== state.current) return;
    history.replaceState(null, "", location.pathname);
    route();
    notice("The conversation was deleted.", { kind: "info" });
}

const isRunning = () => log.running !== null || Boolean(state.conversations.get(state.current)?.running && !log.empty);

function showHead() {
    const conversation = state.conversations.get(state.current);
    const title = conversation?.title || "New conversation";
    part("title").textContent = title;
    document.title = conversation ? `${title} · Stoa` : "Stoa";
    part("reset").hidden = !conversation || log.empty;
    const blank = log.empty && (!state.current || log.conversation === state.current);
    part("empty").hidden = !blank;

    const running = isRunning();
    if (!running) state.stopping = false;
    const button = part("send");
    document.documentElement.toggleAttribute("data-running", running);
    button.setAttribute("aria-label", running ? (state.stopping ? "Stopping" : "Stop the answer") : "Send");
    button.disabled = running ? state.stopping : !composer.text.trim();

    showModels(state.models, state.model ?? conversation?.model ?? state.defaultModel);
}

const change = (id, fields) => attempt(async () => share(await call("PATCH", `/conversations/${id}`, fields)));
function rename(conversation, title) { change(conversation.id, { title }); }

async function remove(conversation) {
    if (!await (await dialogs()).askToDelete(conversation.title || "New conversation")) return;
    await attempt(async () => {
        await call("DELETE", `/conversations/${conversation.id}`);
        windows.postMessage({ session: state.session?.id, removed: conversation.id });
        shelf.set(draftName(conversation.id), null);
        left(conversation.id);
        notice(null);
        composer.focus();
    });
}

part("reset").addEventListener("click", async () => {
    const id = state.current;
    if (!await (await dialogs()).askToReset()) return;
    await attempt(async () => {
        share(await call("POST", `/conversations/${id}/reset`));
        if (id === state.current) events.reset({});
    });
});

part("model").addEventListener("change", (event) => {
    if (state.conversations.has(state.current)) change(state.current, { model: event.target.value }).then(showHead);
    else state.model = event.target.value;
});

// ---------------------------------------------------------------------------------------------- sending

const draftName = (id = state.current) => `stoa.draft.${id ?? "new"}`;
const saveDraft = () => shelf.set(draftName(), composer.text || null);

const showPending = (item, text = "Sending…") => {
    if (item.conversation !== state.current || (log.message(item.id) && !log.message(item.id).pending)) return;
    log.put({ id: item.id, role: "user", text: item.text, state: "complete", pending: text });
    showHead();
};

function submit(text = composer.text.trim(), replaces) {
    if (!text || !key.current) return;
    const item = { id: newId(), conversation: state.current ?? newId(), text, at: Date.now(), replaces };
    if (isRunning()) {
        if (replaces) takeBack(item);
        return notice("An answer is being written. Send this when it is done, or stop it first.", { kind: "info" });
    }
    if (!state.conversations.has(item.conversation)) {
        item.create = { title: titleOf(text), ...(state.model && { model: state.model }) };
    }
    outbox.keep(item);
    if (!replaces) composer.text = "";
    saveDraft();
    if (!state.current) {
        state.current = log.conversation = item.conversation;
        history.pushState(null, "", `#${item.conversation}`);
    }
    log.atEnd = true;
    deliver(item);
}

async function deliver(item) {
    if (outbox.isSending(item)) return;
    showPending(item);
    try {
        const turn = await outbox.deliver(item, {
            created(conversation) {
                if (conversation.id === state.current) state.model = null;
                share(conversation);
            },
            waiting: () => showPending(item, "Not sent yet, trying again…"),
        });
        if (item.conversation !== state.current) return refresh();
        notice(null);
        const replaced = log.message(item.replaces);
        if (replaced) log.drop(replaced.position - 1);
        log.put(turn.prompt);
        if (!log.message(turn.answer.id)) log.put(turn.answer);
        if (item.create) watch(item.conversation, null);
        showHead();
    } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        takeBack(item);
        if (problem.keyless) return keyTrouble(problem);
        if (!problem.passing && item.conversation === state.current) notice(problem.message);
    }
}

/// Not sent: its text goes back to where it was typed.
function takeBack(item) {
    outbox.drop(item);
    const together = (rest) => (rest ? `${item.text}\n${rest}` : item.text);
    if (item.conversation !== state.current) {
        shelf.set(draftName(item.conversation), together(shelf.get(draftName(item.conversation))));
        return;
    }
    log.remove(item.id);
    composer.text = together(composer.text);
    saveDraft();
    showHead();
}

async function stop() {
    if (state.stopping || !isRunning()) return;
    state.stopping = true;
    showHead();
    const id = state.current;
    await attempt(async () => {
        const { stopping } = await persist(() => call("POST", `/conversations/${id}/stop`));
        // Nothing runs: then this page is behind.
        if (!stopping && id === state.current) await open(id);
    });
    setTimeout(() => { state.stopping = false; showHead(); }, 3_000);
}

// ---------------------------------------------------------------------------------------------- buttons and keys

part("send").addEventListener("click", () => {
    if (isRunning()) stop(); else submit();
    composer.focus();
});
part("new").addEventListener("click", () => go(null));
document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    if (event.key === "Escape" && event.shiftKey) composer.focus();
    else if (event.key === "Escape" && drawer.open) drawer.set(false);
    else if (event.key === "Escape") stop();
    else if ((event.ctrlKey || event.metaKey) && event.shiftKey && event.key.toLowerCase() === "o") {
        event.preventDefault();
        go(null);
        composer.focus();
    }
});

// ---------------------------------------------------------------------------------------------- other windows

windows.addEventListener("message", ({ data }) => {
    if (!state.session || data.session !== state.session.id) return;
    if (data.removed) left(data.removed);
    else if (data.conversation && learn(data.conversation)) { showList(); showHead(); }
});
key.watch((value) => {
    if (isKey(value)) return location.reload();
    const putBack = { action: "Put it back", run: () => key.replace(key.current, value) };
    notice("The session's key was removed from this browser in another window.", putBack);
});
for (const name of ["popstate", "hashchange"]) addEventListener(name, route);
for (const name of ["focus", "online"]) addEventListener(name, refresh);
addEventListener("offline", () => panel.link("waiting"));
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());

// What happens in conversations that no window has open, and in other browsers.
const news = {
    list: take,
    conversation: ({ conversation }) => share(conversation),
    removed({ id }) { windows.postMessage({ session: state.session?.id, removed: id }); left(id); },
};

attempt(boot);
