// What ties the page together: it starts here, and what is rarely needed is loaded from here when it is asked for.

import { chat } from "./chat.js";
import { composer } from "./composer.js";
import { conversations, removals, undoMs } from "./conversations.js";
import { Drawer } from "./drawer.js";
import { part } from "./elements.js";
import { showHead } from "./head.js";
import { isKey, key } from "./key.js";
import { language, say, startLanguage } from "./language.js";
import { models } from "./models.js";
import { notice, offer, withdraw } from "./notice.js";
import { Panel, showIdentity, showLink, titleOfConversation } from "./panel.js";
import { bearer, call, persist, Problem, served } from "./requests.js";
import { deliverAll, stop, submit } from "./sending.js";
import { followSession } from "./session-events.js";
import { shelf } from "./shelf.js";
import { showTheme, startTheme } from "./theme.js";
import { attempt, hasKeyTrouble, keyTrouble } from "./trouble.js";

startLanguage();
startTheme();
const drawer = new Drawer();
const panel = new Panel({
    open: go, remove, menu: openMenu,
    rename: (conversation, title) => conversations.change(conversation.id, { title }),
    pin: ({ id, pinned }) => conversations.change(id, { pinned: !pinned }),
    more: () => conversations.loadMore(),
});
const hosts = new Map();

const showList = () => panel.show(conversations.listed, chat.current, conversations.more);
conversations.changed = () => { showList(); showHead(); };
chat.changed = showHead;
composer.changed = () => { chat.saveDraft(); showHead(); };
composer.submit = submit;

// ---------------------------------------------------------------------------------------------- session

async function boot() {
    const waiting = () => { showLink("waiting"); notice(say("no-server-yet"), { name: "no-server" }); };
    chat.route();
    composer.focus();
    if (shelf.get("stoa.key.rotating") !== null) await (await import("./rotation.js")).finishRotation({ waiting });
    await key.ensure({ waiting });
    if (!key.kept) notice(say("key-not-kept"));
    try {
        if (!isKey(bearer.key)) return keyTrouble(null);
        const [offered] = await Promise.all([persist(() => call("GET", "/models"), { waiting }), persist(overview, { waiting })]);
        Object.assign(models, { all: offered.models, standard: offered.default });
    } catch (problem) {
        if (problem instanceof Problem && (problem.keyless || problem.status === 404)) return keyTrouble(problem);
        throw problem;
    }
    withdraw("no-server");
    showLink("open");
    conversations.changed();
    if (chat.current) chat.open(chat.current);
    deliverAll();
    removals.finishOld();
    followSession({ event: (name, data) => news[name]?.(data), end: (problem) => problem?.keyless && keyTrouble(problem), poll: refresh });
    performance.mark("stoa-ready");
}

/// The session as the server has it now: who serves it, and its newest conversations.
async function overview() {
    const found = await call("GET", "/session");
    conversations.session = found.session;
    hosts.set(found.task, found.host);
    showIdentity(found.host, found.session.short);
    conversations.take(found);
}

async function refresh() {
    if (!bearer.key || hasKeyTrouble()) return;
    try {
        await overview();
        deliverAll();
        removals.finishOld();
    } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (problem.keyless) keyTrouble(problem);
    }
}

served.changed = (task) => {
    if (hosts.has(task)) showIdentity(hosts.get(task));
    else if (conversations.session) refresh();
};

/// What happens in conversations that no window has open, and in other browsers.
const news = {
    list: (data) => conversations.takeForAll(data),
    conversation: ({ conversation }) => conversations.share(conversation),
    removed: ({ id }) => conversations.forget(id),
};

// ---------------------------------------------------------------------------------------------- conversations

function go(id) {
    drawer.set(false, { focus: false });
    chat.go(id);
}

/// Gone at once, and for good when the time to change one's mind is over.
function remove(conversation) {
    const { id } = conversation, title = titleOfConversation(conversation);
    removals.begin(id);
    // U+2068 and U+2069 keep a title of the other direction from turning the sentence around.
    offer(say("deleted", { title: `\u2068${title}\u2069` }), {
        action: say("undo"), run: () => removals.undo(id), over: () => removals.finish(id), ms: undoMs,
    });
}

conversations.gone = (id) => {
    if (id !== chat.current) return;
    const isMine = removals.ids().has(id);
    chat.leave({ withText: !isMine });
    if (isMine) composer.focus(); else notice(say("was-deleted"), { kind: "info" });
};

async function openMenu(conversation, button) {
    (await import("./conversation-menu.js")).openConversationMenu(conversation, button, {
        pin: () => panel.on.pin(conversation),
        rename() { drawer.reveal(); panel.rename(conversation); },
        instructions: () => instruct(conversation),
        reset: async () => await (await import("./dialogs.js")).askToReset() && chat.reset(conversation.id),
        remove: () => remove(conversation),
    });
}

/// The system prompt of a conversation, or of the one that is about to begin.
async function instruct(conversation = conversations.of(chat.current)) {
    const { askForInstructions } = await import("./instructions.js");
    const text = await askForInstructions((conversation ?? chat.wishes).system_prompt ?? "");
    if (text === null) return;
    conversation ??= conversations.of(chat.current); // it may have begun meanwhile
    if (conversation) await conversations.change(conversation.id, { system_prompt: text || null });
    else chat.wishes.system_prompt = text || null;
    showHead();
}

// ---------------------------------------------------------------------------------------------- buttons and keys

part("send").addEventListener("click", () => {
    if (chat.isRunning) stop(); else submit();
    composer.focus();
});
part("new").addEventListener("click", () => go(null));
part("instructions").addEventListener("click", () => instruct());
part("more").addEventListener("click", () => openMenu(conversations.of(chat.current), part("more")));
part("examples").addEventListener("click", (event) => {
    const text = event.target.closest("button")?.querySelector("span").textContent;
    if (text) submit(text);
});
part("model").addEventListener("change", ({ target: { value: model } }) => {
    if (conversations.of(chat.current)) conversations.change(chat.current, { model }).then(showHead);
    else chat.wishes.model = model;
});

/// What the less usual buttons and keys do, in a module that comes with the first of them.
const desk = async () => (await import("./desk.js")).desk({ go, drawer, remove, chat });
part("settings").addEventListener("click", async () => (await desk()).settings());
part("search").addEventListener("focus", async () => (await desk()).search());

document.addEventListener("keydown", async (event) => {
    if (document.querySelector("dialog[open], [role=menu]") || event.isComposing) return;
    const typing = event.target.matches?.("input, textarea, select"), command = event.ctrlKey || event.metaKey;
    if (event.key === "Escape" && event.shiftKey) composer.focus();
    else if (event.key === "Escape" && drawer.open) drawer.set(false);
    else if (event.key === "Escape") stop();
    else if (event.altKey && !command && /^Arrow(Up|Down)$/.test(event.key)) {
        event.preventDefault();
        chat.log.jump(event.key === "ArrowUp" ? -1 : 1);
    } else if (command || (event.key === "?" && !typing)) {
        const name = shortcutOf(event);
        if (!name) return;
        event.preventDefault();
        if (name === "new") go(null); else if (name === "search") goToSearch(); else (await desk())[name]();
    }
});

/// At once, so that what is typed next is typed there; the focus brings what searches.
function goToSearch() {
    drawer.reveal();
    part("search").focus();
    part("search").select();
}

const shortcuts = { k: "search", "/": "shortcuts", "?": "shortcuts" };
const shiftShortcuts = { o: "new", s: "panel", c: "copyAnswer", backspace: "removeCurrent", ";": "copyCode", ":": "copyCode" };
const shortcutOf = ({ key: name, shiftKey, altKey }) =>
    (altKey ? undefined : (shiftKey ? shiftShortcuts : {})[name.toLowerCase()] ?? shortcuts[name.toLowerCase()]);

// ---------------------------------------------------------------------------------------------- language, other windows

language.changed = () => {
    showTheme();
    showLink();
    panel.sayAnew();
    chat.log.sayAnew();
    conversations.changed();
};

key.watch((value) => {
    if (isKey(value)) return location.reload();
    const putBack = { action: say("put-it-back"), run: () => key.replace(bearer.key, value) };
    notice(say("key-removed"), putBack);
});
for (const name of ["popstate", "hashchange"]) addEventListener(name, () => chat.route());
for (const name of ["focus", "online"]) addEventListener(name, refresh);
addEventListener("offline", () => showLink("waiting"));
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());

attempt(boot);
