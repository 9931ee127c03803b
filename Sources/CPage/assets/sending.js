// A prompt's way to the server: kept first, sent until it is acknowledged, put back when it is refused.

import { composer, drafts } from "./composer.js";
import { conversations } from "./conversations.js";
import { chat } from "./chat.js";
import { key } from "./key.js";
import { say } from "./language.js";
import { bytesOf, promptBytesMax } from "./limits.js";
import { notice } from "./notice.js";
import { outbox, titleOf } from "./outbox.js";
import { call, newId, persist, Problem } from "./requests.js";
import { keyTrouble } from "./trouble.js";

const sentHere = [];
const promptsRememberedMax = 50;

/// What arrow up in the message field steps through: this conversation's prompts, else what was asked in this window.
composer.history = () => {
    const here = chat.log.messages.filter(({ role }) => role === "user").map(({ text }) => text);
    return here.length ? here : sentHere;
};

/// Sends `text`; `replaces` is the prompt it is the new version of.
export function submit(text = composer.text.trim(), replaces) {
    if (!text || !key.current) return;
    const item = { id: newId(), conversation: chat.current ?? newId(), text, at: Date.now(), replaces };
    if (bytesOf(text) > promptBytesMax) return replaces ? takeBack(item) : composer.focus();
    if (chat.isRunning && replaces) {
        takeBack(item);
        return notice(say("answer-is-written"), { kind: "info" });
    }
    if (chat.isRunning || outbox.items(item.conversation).length) item.queued = true;
    if (!conversations.of(item.conversation) && !outbox.items(item.conversation).length) {
        item.create = { title: titleOf(text), ...chat.wishes };
    }
    item.isKept = outbox.keep(item);
    sentHere.push(text);
    if (sentHere.length > promptsRememberedMax) sentHere.shift();
    if (!replaces) composer.text = "";
    chat.saveDraft();
    if (!chat.current) chat.begin(item.conversation);
    chat.log.atEnd = true;
    deliver(item);
}

/// Sends what other windows left behind, or what waited for the network.
export const deliverAll = () => outbox.items().forEach(deliver);

const awaited = new Set();

/// One window of this browser sends a prompt; when that one closes before it is acknowledged, another takes over.
async function deliver(item) {
    if (awaited.has(item.id)) return;
    awaited.add(item.id);
    const isOpen = () => item.isKept === false || outbox.holds(item);
    try {
        if (!navigator.locks) await send(item);
        else await navigator.locks.request(`stoa.unsent.${item.id}`, () => (isOpen() ? send(item) : sentElsewhere(item)));
    } finally {
        awaited.delete(item.id);
    }
}

async function send(item) {
    chat.showPending(item);
    try {
        const turn = await outbox.deliver(item, {
            created: (conversation) => created(conversation, item.create),
            settled: () => conversations.settled(item.conversation),
            waiting(problem) {
                chat.showPending(item, say(problem ? "not-sent-yet" : "queued"), { isStuck: true });
                if (!problem) deliverAll(); // what it waits for may be nobody's any more
            },
            turn: (signal) => (item.conversation === chat.current ? chat.idle(signal) : new Promise(() => {})),
        });
        sent(item, turn);
    } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        takeBack(item);
        if (problem.keyless) return keyTrouble(problem);
        if (!problem.passing && item.conversation === chat.current) notice(problem.message);
    }
}

/// What was wished for while the conversation was made is changed in it, before its first prompt is sent.
function created(conversation, { title: _, ...asked }) {
    conversations.share(conversation);
    if (conversation.id !== chat.current) return;
    const later = Object.entries(chat.wishes).filter(([name, value]) => asked[name] !== value);
    chat.wishes = {};
    if (later.length) conversations.change(conversation.id, Object.fromEntries(later));
}

/// Another window was first, and this one has not seen what became of it.
function sentElsewhere(item) {
    if (item.conversation === chat.current && chat.log.message(item.id)?.pending) return chat.open(chat.current);
}

function sent(item, turn) {
    if (item.conversation !== chat.current) return;
    notice(null);
    const replaced = chat.log.message(item.replaces);
    if (replaced) chat.log.drop(replaced.position - 1);
    chat.log.put(turn.prompt);
    if (!chat.log.message(turn.answer.id)) chat.log.put(turn.answer);
    if (item.create) chat.watch(item.conversation, null);
    chat.changed();
}

/// Not sent: its text goes back to where it was typed.
function takeBack(item) {
    outbox.drop(item);
    const together = (rest) => (rest ? `${item.text}\n${rest}` : item.text);
    if (item.conversation !== chat.current) return drafts.keep(item.conversation, together(drafts.of(item.conversation)));
    chat.log.remove(item.id);
    composer.text = together(composer.text);
    chat.saveDraft();
    chat.changed();
}

const stopShownMs = 3_000;

export async function stop() {
    if (chat.stopping || !chat.isRunning) return;
    chat.stopping = true;
    chat.changed();
    const id = chat.current, answer = chat.log.running?.id;
    const path = `/conversations/${id}/stop${answer ? `?answer=${answer}` : ""}`;
    let isBehind = false;
    // At once. An answer that is not shown yet cannot be named: no prompt of this window may overtake that.
    await conversations.inOrder(id, async (within) => {
        const { stopping } = await persist(() => call("POST", path), within);
        isBehind = !stopping; // it has ended
    }, { atOnce: true });
    if (isBehind && id === chat.current) await chat.open(id);
    setTimeout(() => { chat.stopping = false; chat.changed(); }, stopShownMs);
}

chat.edited = (message, text) => submit(text, message.id);
chat.unsent = outbox.giveUp;
