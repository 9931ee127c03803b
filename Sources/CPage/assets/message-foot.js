// What stands below a message: how it ended and the way on, its versions, its tools, and who wrote it when.

import { action, make, named } from "./elements.js";
import { failureText, number, say, seconds, timeOf } from "./language.js";
import { modelLabel } from "./models.js";

const silenceHintSeconds = 30;

/// In words, how an answer ended when it did not just end; "" otherwise.
export function endingOf(message) {
    if (message.state === "failed") return failureText(message.error);
    if (message.state === "stopped" || message.state === "interrupted") return say(message.state);
    return message.state === "complete" && /length|max_tokens/.test(message.stop_reason ?? "") ? say("at-length") : "";
}

/// The parts of the foot of `message`.
export function footOf(message) {
    if (message.pending) return pendingFoot(message);
    if (message.role === "user") {
        return [...stepper(message), named("copy-message", say("copy-prompt"), "copy"), named("edit", say("edit-prompt"), "edit")];
    }
    if (message.state === "running") return [waitLine(message)];
    const ending = endingOf(message), parts = [];
    if (ending) parts.push(note(message, ending));
    parts.push(...stepper(message), named("copy-message", say("copy-answer"), "copy"));
    if (!ending) parts.push(named("again", say("ask-again"), "again"));
    parts.push(factsLine(message));
    return parts;
}

function pendingFoot({ pending, isStuck }) {
    const parts = [make("span", "note", pending)];
    if (isStuck) parts.push(action("unsend", say("put-back")));
    return parts;
}

function note(message, ending) {
    const own = make("p", "note", ending);
    own.dir = "auto";
    if (message.text.trim()) own.append(action("go-on", say("continue")));
    own.append(action("again", say("ask-again")));
    return own;
}

/// Model, host, time, duration, tokens: what somebody asks who wonders about an answer.
function factsLine(message) {
    const { model, host, usage, created_ms: begunMs, updated_ms: endedMs } = message;
    const line = make("span", "facts-line"), time = make("time", "", timeOf(begunMs));
    time.dateTime = new Date(begunMs).toISOString();
    time.title = timeOf(begunMs, "full");
    const facts = [modelLabel(model), host && say("by-host", { host }), time, seconds(endedMs - begunMs)];
    if (usage) {
        const tokens = make("span", "", say("tokens", { count: usage.output_tokens, n: number(usage.output_tokens) }));
        tokens.title = say("tokens-both", { input: number(usage.input_tokens), output: number(usage.output_tokens) });
        facts.push(tokens);
    }
    facts.filter(Boolean).forEach((fact, index) => line.append(index ? " · " : "", fact));
    return line;
}

/// While an answer runs: who writes it and for how long; and when nothing comes, that this is known.
function waitLine(message) {
    const line = make("span", "facts-line wait-line");
    fillWait(line, message);
    return line;
}

/// Called once a second for each running answer; `quietSeconds` is how long nothing has arrived.
export function fillWait(line, message, quietSeconds = 0) {
    const begun = Math.max(0, Math.round((Date.now() - message.created_ms) / 1000));
    const facts = [modelLabel(message.model), message.host && say("by-host", { host: message.host }), seconds(begun * 1000)];
    if (quietSeconds >= silenceHintSeconds) facts.push(say("silent", { n: number(Math.round(quietSeconds)) }));
    line.textContent = facts.filter(Boolean).join(" · ");
}

/// ‹ 2/3 ›: which of the versions of this message is shown.
function stepper({ alternatives = [], id }) {
    const place = alternatives.indexOf(id) + 1, count = alternatives.length;
    if (count < 2) return [];
    const box = make("span", "versions"), previous = action("previous", "‹"), next = action("next", "›");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", say("version", { place, count }));
    previous.setAttribute("aria-label", say("previous-version"));
    next.setAttribute("aria-label", say("next-version"));
    previous.disabled = place === 1;
    next.disabled = place === count;
    box.append(previous, make("span", "", `${place}/${count}`), next);
    return [box];
}
