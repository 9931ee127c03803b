// What a screen reader hears of a growing answer: now and then a finished piece, and the end; never every word.

import { announce } from "./elements.js";
import { say } from "./language.js";
import { endingOf } from "./message-foot.js";

const restMs = 4_000;
const charactersMax = 600;

export class Speaker {
    constructor() { this.said = new Map(); }

    begin(id) { this.said.set(id, { blocks: 0, atMs: performance.now() }); }

    /// The blocks that are finished and were not said yet, at most every few seconds.
    grow(view) {
        const state = this.said.get(view.message.id);
        if (!state || view.plain || performance.now() - state.atMs < restMs) return;
        const finished = view.blocks.length - 1;
        if (finished <= state.blocks) return;
        announce(this.textOf(view, state.blocks, finished));
        Object.assign(state, { blocks: finished, atMs: performance.now() });
    }

    end(view) {
        const state = this.said.get(view.message.id) ?? { blocks: 0 };
        this.said.delete(view.message.id);
        const words = view.plain ? view.body.innerText.slice(0, charactersMax) : this.textOf(view, state.blocks);
        announce(`${endingOf(view.message) || say("answer-complete")} ${words}`);
    }

    textOf(view, from, to) {
        return [...view.body.children].slice(from, to).map((element) => element.innerText).join(" ").slice(0, charactersMax);
    }
}
