// The session's conversations as far as this window knows them, in step with the other windows of this browser.

import { call, persist } from "./requests.js";
import { shelf } from "./shelf.js";
import { drafts } from "./composer.js";
import { attempt, hasKeyTrouble } from "./trouble.js";

const windows = new BroadcastChannel("stoa");
const pageCount = 50;
const changeMsMax = 20_000;

export const conversations = {
    /// The session they belong to; null until it is known.
    session: null,
    /// Whether the server has older ones than are known here.
    more: false,
    /// After each change.
    changed() {},
    /// A conversation is gone: deleted here, in another window or another browser.
    gone() {},

    of: (id) => known.get(id),

    /// Pinned ones first, then the newest; without those that are about to be deleted.
    get listed() {
        const leaving = removals.ids();
        return [...known.values()].filter((conversation) => !leaving.has(conversation.id))
            .sort((a, b) => b.pinned - a.pinned || b.updated_ms - a.updated_ms || (a.id < b.id ? 1 : -1));
    },

    /// The newest conversations as the server has them: of those that would be among them, the others are gone.
    /// `heard` when the other windows hear of them as well.
    take({ conversations: newest, more }, { heard = false } = {}) {
        const told = new Set(newest.map((conversation) => conversation.id)), others = newest.filter(({ pinned }) => !pinned);
        const oldest = !more ? -Infinity : Math.min(...others.map((conversation) => conversation.updated_ms));
        for (const { id, pinned, updated_ms: updatedMs } of [...known.values()]) {
            const wouldBeTold = pinned ? !more || others.length > 0 : updatedMs > oldest;
            if (wouldBeTold && !told.has(id)) known.delete(id);
        }
        const news = newest.filter(learn);
        if (!heard) news.forEach(tell);
        this.more ||= more && next !== null;
        this.changed();
    },

    /// The same from the stream that this window follows for all of them: what is missing is news for them, too.
    takeForAll(page) {
        windows.postMessage({ session: this.session?.id, page });
        this.take(page, { heard: true });
    },

    /// One conversation as the server has it, told on to the other windows.
    share(conversation) {
        if (!learn(conversation)) return;
        tell(conversation);
        this.changed();
    },

    /// It is gone; `heard` when another window said so.
    forget(id, { heard = false } = {}) {
        if (!heard) windows.postMessage({ session: this.session?.id, removed: id });
        known.delete(id);
        drafts.keep(id, null);
        this.changed();
        this.gone(id);
    },

    async loadMore() {
        await attempt(async () => {
            next ??= (await call("GET", `/conversations?limit=${pageCount}`)).next; // the newest are here
            if (next !== null) {
                const page = await call("GET", `/conversations?limit=${pageCount}&before=${encodeURIComponent(next)}`);
                page.conversations.forEach(learn);
                next = page.next;
            }
            this.more = next !== null;
        });
        this.changed();
    },

    /// Changes title, model, system prompt, pin, or which version of a message is shown.
    change: (id, fields) => conversations.inOrder(id, async (within) => {
        conversations.share(await persist(() => call("PATCH", `/conversations/${id}`, fields), within));
    }),

    /// Runs `work`, which changes the conversation, after what was asked of it before, or `atOnce`; what is asked later
    /// waits for it: who chooses a model and sends at once means that model. `work` is given `{signal}`, which ends its
    /// patience, so that nothing waits behind it for ever.
    inOrder(id, work, { atOnce = false } = {}) {
        const begin = () => attempt(() => work({ signal: AbortSignal.timeout(changeMsMax) }));
        const before = changing.get(id), own = atOnce ? begin() : Promise.resolve(before).then(begin);
        const done = Promise.allSettled([before, own]);
        changing.set(id, done);
        done.then(() => changing.get(id) === done && changing.delete(id));
        return own;
    },

    /// When what was changed here has reached the server, or failed.
    settled: (id) => changing.get(id),
};

const known = new Map();
const changing = new Map();
/// Where the page after the last one known begins: undefined before it was asked for, null when there is none.
let next;

/// Takes a conversation unless a newer version is known; says whether anything changed.
function learn(conversation) {
    const before = known.get(conversation.id);
    if (before && before.version > conversation.version) return false;
    known.set(conversation.id, conversation);
    return JSON.stringify(before) !== JSON.stringify(conversation);
}

const tell = (conversation) => windows.postMessage({ session: conversations.session?.id, conversation });

windows.addEventListener("message", ({ data }) => {
    if (!conversations.session || data.session !== conversations.session.id) return;
    if (data.removed) conversations.forget(data.removed, { heard: true });
    else if (data.page) conversations.take(data.page, { heard: true });
    else if (data.conversation && learn(data.conversation)) conversations.changed();
});

// ---------------------------------------------------------------------------------------------- deletion

export const undoMs = 8_000;
const removingName = "stoa.removing.";

/// What is about to be deleted is hidden at once, in all windows of this browser, and deleted on the server when the
/// time to change one's mind is over, or when its window closes. It is written down, so that a browser that dies in
/// between deletes when it is back.
export const removals = {
    ids() {
        const session = conversations.session?.id;
        return new Set(shelf.names(removingName).filter((name) => shelf.read(name)?.session === session)
            .map((name) => name.slice(removingName.length)));
    },

    begin(id) {
        shelf.set(removingName + id, JSON.stringify({ session: conversations.session?.id, at: Date.now() }));
        mine.add(id);
        conversations.changed();
        conversations.gone(id);
    },

    undo(id) {
        mine.delete(id);
        shelf.set(removingName + id, null);
        conversations.changed();
    },

    async finish(id) {
        mine.delete(id);
        const done = await attempt(() => persist(() => call("DELETE", `/conversations/${id}`)));
        if (!done && hasKeyTrouble()) return; // whoever comes with the right key does it
        shelf.set(removingName + id, null);
        if (done) conversations.forget(id); else conversations.changed();
    },

    /// The session has another key, and with it another id.
    move(from, to) {
        for (const name of shelf.names(removingName)) {
            const note = shelf.read(name);
            if (note?.session === from) shelf.set(name, JSON.stringify({ ...note, session: to }));
        }
    },

    /// Those of windows that died.
    finishOld() {
        for (const id of this.ids()) {
            const { at } = shelf.read(removingName + id) ?? {};
            if (!mine.has(id) && Date.now() - at > 2 * undoMs) this.finish(id);
        }
    },
};

/// Those that this window has to see through.
const mine = new Set();

shelf.watch(removingName, () => conversations.changed());
addEventListener("pagehide", () => {
    // `keepalive`: the browser sends it though the page is gone. The note of it stays until somebody saw it done.
    for (const id of mine) call("DELETE", `/conversations/${id}`, undefined, { keepalive: true }).catch(() => {});
});
