// The open conversation: which one it is, what it shows, and how it follows the server.

import { announce, copyText, part } from "./elements.js";
import { composer, drafts } from "./composer.js";
import { conversations } from "./conversations.js";
import { follow } from "./events.js";
import { say } from "./language.js";
import { Log } from "./log.js";
import { notice } from "./notice.js";
import { outbox } from "./outbox.js";
import { showLink } from "./panel.js";
import { call, newId, persist, Problem } from "./requests.js";
import { attempt, keyTrouble } from "./trouble.js";

const slowMs = 300;
const retryMs = 5_000;
let visit = new AbortController();
let unfollow = null;

export const chat = {
    /// The conversation's id; null: a new one.
    current: null,
    /// What a conversation will have that does not exist yet: `model`, `system_prompt`.
    wishes: {},
    stopping: false,
    log: null,
    /// After each change that the furniture shows.
    changed() {},
    /// A prompt was edited, or is not to be sent after all.
    edited() {},
    unsent() {},

    get isRunning() {
        return this.log.running !== null || Boolean(conversations.of(this.current)?.running && !this.log.empty);
    },

    saveDraft: () => drafts.keep(chat.current, composer.text),

    go(id) {
        if (id !== this.current) history.pushState(null, "", id ? `#${id}` : location.pathname);
        this.route();
        composer.focus();
    },

    /// The address names the open conversation and nothing else: the key is never in it.
    route() {
        const id = /^#([A-Za-z0-9_-]{1,64})$/.exec(location.hash)?.[1] ?? null;
        if (id === this.current && conversations.session) return;
        visit.abort();
        visit = new AbortController();
        Object.assign(this, { current: id, wishes: {}, stopping: false });
        composer.text = drafts.of(id);
        notice(null);
        if (!id) { this.log.clear(); this.log.conversation = null; }
        this.opening = id && conversations.session ? this.open(id) : null;
        conversations.changed();
        this.changed();
    },

    /// Begins with `id` what the message field has been filled for.
    begin(id) {
        this.current = this.log.conversation = id;
        history.pushState(null, "", `#${id}`);
    },

    async open(id) {
        // A fast answer replaces the old messages in one go; only a slow one clears them first.
        const slow = setTimeout(() => {
            if (id !== this.current) return;
            if (this.log.conversation !== id) this.log.clear();
            this.log.loading = this.log.empty;
        }, slowMs);
        const { signal } = visit;
        try {
            const found = await persist(() => call("GET", `/conversations/${id}?limit=50&render=html`), {
                waiting: () => showLink("waiting"), signal,
            });
            if (signal.aborted) return;
            this.log.show(id, found.messages, found.earlier);
            conversations.share(found.conversation);
            this.watch(id, found.cursor);
        } catch (problem) {
            if (signal.aborted) return;
            if (!(problem instanceof Problem)) throw problem;
            if (problem.keyless) return keyTrouble(problem);
            this.log.show(id, [], null);
            if (outbox.items(id).length) return;
            this.leave();
            if (problem.status === 404) conversations.forget(id);
            notice(problem.status === 404 ? say("not-in-session") : problem.message);
        } finally {
            clearTimeout(slow);
            if (!signal.aborted && id === this.current) {
                this.log.loading = false;
                for (const item of outbox.items(id)) this.showPending(item);
                this.changed();
            }
        }
    },

    watch(id, cursor) {
        unfollow?.();
        unfollow = follow(`/conversations/${id}/events?render=html`, cursor, {
            signal: visit.signal,
            state: showLink,
            event: (name, data) => events[name]?.(data),
            end(problem) {
                if (problem?.keyless) return keyTrouble(problem);
                if (!problem || problem.status === 404) return conversations.forget(id);
                notice(problem.message);
                setTimeout(() => id === chat.current && chat.open(id), retryMs);
            },
        });
    },

    /// Shows a message of the open conversation, however far up it stands.
    async reveal(message) {
        await this.opening;
        if (!await this.log.reveal(message)) notice(say("not-shown"), { kind: "info" });
    },

    /// To a new conversation, without a step in the history to come back by. What is in the message field comes along:
    /// where it was written there is nothing any more to send it to.
    leave({ withText = true } = {}) {
        const left = this.current, { text } = composer;
        history.replaceState(null, "", location.pathname);
        this.route();
        if (!withText || !text) return;
        drafts.keep(left, null);
        composer.text = [text, composer.text].filter(Boolean).join("\n");
        this.saveDraft();
    },

    /// Until no answer runs in this conversation, as far as this window sees.
    idle: (signal) => new Promise((resolve) => {
        const look = () => (!chat.isRunning || signal.aborted) && (clearInterval(timer), resolve());
        const timer = setInterval(look, 100);
    }),

    showPending(item, text = say("sending"), { isStuck = false } = {}) {
        const shown = this.log.message(item.id);
        if (item.conversation !== this.current || (shown && !shown.pending)) return;
        this.log.put({ id: item.id, role: "user", text: item.text, state: "complete", pending: text, isStuck });
        this.changed();
    },

    reset: (id) => conversations.inOrder(id, async () => {
        conversations.share(await call("POST", `/conversations/${id}/reset`));
        if (id === chat.current) chat.log.show(id, [], null);
        chat.changed();
    }),
};

const events = {
    message({ message }) { chat.log.put(message); chat.changed(); },
    delta(delta) { if (!chat.log.grow(delta)) chat.open(chat.current); },
    conversation({ conversation }) { conversations.share(conversation); chat.changed(); },
    drop({ after }) { chat.log.drop(after); chat.changed(); },
    reset({ earlier = null }) { chat.log.renew(earlier); },
};

// ---------------------------------------------------------------------------------------------- buttons of messages

async function click(button, message, view) {
    const name = button.dataset.action;
    if (name === "unfold") return view.unfold();
    if (name === "wrap") return toggleWrap();
    if (name === "unsend") return chat.unsent(message);
    if (name === "edit") {
        const text = await (await import("./editing.js")).edit(view.element, message.text);
        return text && text !== message.text ? chat.edited(message, text) : null;
    }
    if (!name.startsWith("copy")) return request(message, name);
    await copyText(name === "copy-code" ? button.closest("figure").querySelector("pre").innerText : message.text);
    button.querySelector("use").setAttribute("href", "#i-check");
    announce(say("copied"));
    setTimeout(() => button.querySelector("use").setAttribute("href", "#i-copy"), 1500);
}

function toggleWrap() {
    const wraps = document.documentElement.toggleAttribute("data-wrap");
    for (const own of document.querySelectorAll("[data-action=wrap]")) own.setAttribute("aria-pressed", String(wraps));
}

/// What a button below a message asks of the server; what comes of it arrives as events.
function request(message, name) {
    const { conversation } = chat.log, place = `/conversations/${conversation}/messages/${message.id}`;
    const ask = (verb, body) => conversations.inOrder(conversation, (within) => persist(() => call("POST", `${place}/${verb}`, body), within));
    if (name === "go-on") return ask("continue", { version: message.version });
    const id = newId();
    if (name === "again") {
        chat.log.refocus = { id, name };
        return ask("retry", { id });
    }
    const shown = message.alternatives[message.alternatives.indexOf(message.id) + (name === "next" ? 1 : -1)];
    chat.log.refocus = { id: shown, name };
    return conversations.change(conversation, { shown });
}

chat.log = new Log({ click, changed: () => chat.changed() });
part("log").addEventListener("copy", () => announce(say("copied")));
