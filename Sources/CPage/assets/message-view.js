// One message: its text becomes elements, and a growing answer is replaced block by block.

import { action, make } from "./elements.js";
import { say } from "./language.js";
import { bytesOf, prefixOf } from "./limits.js";
import { fillWait, footOf } from "./message-foot.js";
import { blockOf } from "./safe-html.js";

const foldedCharactersMin = 2_500;
const foldedLinesMin = 24;

export class MessageView {
    constructor(message) {
        this.element = make("article", `message ${message.role === "user" ? "user" : "assistant"}`);
        this.element.dataset.id = message.id;
        this.element.tabIndex = -1;
        this.heading = make("h2", "sr");
        this.body = make("div", "body");
        this.foot = make("footer", "meta");
        this.element.append(this.heading, this.body, this.foot);
        this.blocks = [];
        this.dirtyFrom = 0;
        this.lastGrowthMs = performance.now();
    }

    /// Takes a message as the server has it now; true when its state changed. An older version than the one shown
    /// changes nothing.
    take(message) {
        if (this.message && message.version < this.message.version) return false;
        const begun = this.message?.state;
        this.message = { ...message };
        this.bytes = bytesOf(message.text);
        this.setBlocks(0, message.blocks);
        return begun !== message.state;
    }

    /// Adds a delta; false: something is missing in between.
    grow({ offset, text, reasoning, from_block: from, blocks }) {
        if (offset > this.bytes || (blocks && from > this.blocks.length)) return false;
        this.lastGrowthMs = performance.now();
        if (reasoning) this.message.reasoning = (this.message.reasoning ?? "") + reasoning;
        if (!text && !blocks) return true;
        const head = offset === this.bytes ? this.message.text : prefixOf(this.message.text, offset);
        this.message.text = head + text;
        this.bytes = offset + bytesOf(text);
        // Without blocks it is plain text for now, and blocks that continue older ones would not fit any more.
        if (!blocks) this.blocks = [];
        this.setBlocks(from ?? 0, blocks);
        return true;
    }

    /// `blocks` replace what is there from index `from` on; equal ones keep their elements (and the reader's selection).
    setBlocks(from, blocks) {
        this.plain = this.message.role === "user" || (!blocks && this.message.text !== "");
        if (this.plain) { this.dirtyFrom = 0; return; }
        blocks ??= [];
        let same = 0;
        while (same < blocks.length && this.blocks[from + same] === blocks[same]) same += 1;
        const dirty = from + same;
        if (this.blocks.length !== from + blocks.length || same < blocks.length) this.dirtyFrom = Math.min(this.dirtyFrom, dirty);
        this.blocks.splice(from, Infinity, ...blocks);
    }

    paint() {
        const { message, element, body } = this;
        if (this.plain) this.paintPlain();
        else if (this.dirtyFrom < Infinity) {
            while (body.children.length > this.dirtyFrom) body.lastChild.remove();
            body.append(...this.blocks.slice(body.children.length).map(blockOf));
        }
        this.dirtyFrom = Infinity;
        this.paintReasoning();
        const face = JSON.stringify([
            message.state, message.model, message.host, message.pending, message.error, message.alternatives, message.updated_ms,
        ]);
        if (face === this.face) return;
        this.face = face;
        this.heading.textContent = say(message.role === "user" ? "you-said" : "answer");
        element.dataset.state = message.state;
        element.toggleAttribute("data-pending", Boolean(message.pending));
        this.replaceFoot(footOf(message));
    }

    /// Whoever was at one of its buttons is at the new one that does the same, or at the message.
    replaceFoot(parts) {
        const focused = this.foot.contains(document.activeElement) ? document.activeElement : null;
        this.foot.replaceChildren(...parts);
        if (!focused) return;
        const same = this.foot.querySelector(`[data-action="${focused.dataset.action}"]:not(:disabled)`);
        (same ?? this.element).focus({ preventScroll: true });
    }

    /// A prompt as it was typed; a very long one is folded until it is asked for.
    paintPlain() {
        const { text } = this.message;
        if (this.shownText === text) return;
        this.shownText = text;
        const own = make("p", "plain", text);
        own.dir = "auto";
        this.body.replaceChildren(own);
        if (this.message.role !== "user") return;
        if (text.length < foldedCharactersMin && text.split("\n", foldedLinesMin).length < foldedLinesMin) return;
        this.body.dataset.folded = "";
        this.body.append(action("unfold", say("show-all")));
    }

    unfold() {
        delete this.body.dataset.folded;
        this.body.querySelector("[data-action=unfold]")?.remove();
    }

    /// Folded above the answer; whether it is open is the reader's choice, also while it grows.
    paintReasoning() {
        const { reasoning, text, state } = this.message;
        if (!reasoning) {
            this.thoughts?.remove();
            this.thoughts = null;
            return;
        }
        if (!this.thoughts) {
            this.thoughts = make("details", "reasoning");
            this.thoughtsText = make("div", "plain");
            this.thoughtsText.dir = "auto";
            this.thoughts.append(make("summary"), this.thoughtsText);
            this.element.insertBefore(this.thoughts, this.body);
        }
        const thinking = state === "running" && !text.trim();
        this.thoughts.toggleAttribute("data-thinking", thinking);
        this.thoughts.firstChild.textContent = say(thinking ? "thinking" : "reasoning");
        // Appended, so that what the reader has selected stays selected.
        const shown = this.thoughtsText.textContent;
        if (reasoning.startsWith(shown)) this.thoughtsText.append(reasoning.slice(shown.length));
        else this.thoughtsText.textContent = reasoning;
    }

    /// Once a second while the answer runs.
    tick() {
        const line = this.foot.querySelector(".wait-line");
        if (line) fillWait(line, this.message, (performance.now() - this.lastGrowthMs) / 1000);
    }

    /// In another language: everything the page itself says is said anew.
    sayAnew() {
        this.face = this.shownText = null;
        this.dirtyFrom = 0;
        this.body.replaceChildren();
        this.paint();
    }
}
