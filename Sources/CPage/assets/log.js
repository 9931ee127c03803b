// The log of one conversation: messages stand in order, the view follows the end, and is read upwards page by page.

import { part } from "./elements.js";
import { Speaker } from "./speaker.js";
import { call } from "./requests.js";
import { MessageView } from "./message-view.js";

const endDistancePixels = 60;
const pageMessages = 50;
const pageMessagesMax = 100;
const renewalMs = 250;

export class Log {
    /// `on.click(button, message)`
    constructor(on) {
        Object.assign(this, {
            on, views: new Map(), dirty: new Set(), stale: new Set(), earlier: null, conversation: null, atEnd: true, frame: 0,
            scroll: part("scroll"), list: part("log"), earlierButton: part("earlier"), toEnd: part("to-end"),
            speaker: new Speaker(),
        });
        this.scroll.addEventListener("scroll", () => this.noteEnd(), { passive: true });
        this.toEnd.addEventListener("click", () => this.goToEnd());
        this.earlierButton.addEventListener("click", () => this.loadEarlier());
        this.list.addEventListener("click", (event) => {
            const button = event.target.closest?.("button[data-action]"), id = button?.closest(".message").dataset.id;
            if (button) this.on.click(button, this.message(id), this.views.get(id));
        });
        // The window's size changes what "at the end" means (keyboard of a phone, rotation).
        new ResizeObserver(() => this.atEnd && this.goToEnd()).observe(this.scroll);
        setInterval(() => document.visibilityState === "visible" && this.tick(), 1_000);
    }

    show(conversation, messages, earlier) {
        this.clear();
        this.conversation = conversation;
        this.earlier = earlier;
        for (const message of messages) this.put(message);
        this.atEnd = true;
        this.paint();
    }

    clear() {
        this.views.clear();
        this.dirty.clear();
        this.stale.clear();
        this.list.replaceChildren();
        this.earlier = null;
        this.earlierButton.hidden = true;
        this.toEnd.hidden = true;
        this.loading = false;
        this.atEnd = true;
    }

    /// What is here may be out of date, and all that stays is about to be told again: what is not told again goes
    /// after a moment, so that nobody sees an empty page in between.
    renew(earlier) {
        this.earlier = earlier;
        this.stale = new Set([...this.views.values()].filter(({ message }) => !message.pending).map(({ message }) => message.id));
        clearTimeout(this.renewal);
        this.renewal = setTimeout(() => {
            for (const id of this.stale) this.remove(id);
            this.stale.clear();
            this.paint();
            this.on.changed();
        }, renewalMs);
    }

    /// Says that the conversation is on its way, where it takes longer than a moment.
    set loading(loading) {
        this.list.setAttribute("aria-busy", String(loading));
        part("loading").hidden = !loading;
    }

    get running() {
        for (const view of this.views.values()) if (view.message.state === "running") return view.message;
        return null;
    }
    get empty() { return this.views.size === 0; }
    message(id) { return this.views.get(id)?.message; }
    /// In the order they are shown in.
    get messages() { return [...this.list.children].map((element) => this.message(element.dataset.id)); }

    /// Adds or replaces a message by its id.
    put(message) {
        let view = this.views.get(message.id);
        this.stale.delete(message.id);
        if (!view || (view.message.pending && !message.pending)) {
            view?.element.remove();
            view = new MessageView(message);
            this.views.set(message.id, view);
            view.take(message);
            this.place(view);
            if (message.role === "user") this.atEnd ||= Boolean(message.pending);
            else if (message.state === "running") this.speaker.begin(message.id);
        } else if (view.take(message)) {
            if (message.role === "assistant" && message.state !== "running") this.later(view, () => this.speaker.end(view));
        }
        this.later(view);
    }

    /// By position, and what is not acknowledged yet at the end.
    place(view) {
        const rank = (message) => (message.pending ? Infinity : message.position);
        let next = null;
        for (let element = this.list.lastElementChild; element; element = element.previousElementSibling) {
            if (rank(this.views.get(element.dataset.id).message) <= rank(view.message)) break;
            next = element;
        }
        this.list.insertBefore(view.element, next);
    }

    remove(id) {
        const element = this.views.get(id)?.element, focused = element?.contains(document.activeElement);
        element?.remove();
        this.views.delete(id);
        if (focused) this.scroll.focus({ preventScroll: true });
    }

    /// Other versions of what stood behind this position are shown now.
    drop(position) {
        for (const [id, { message }] of [...this.views]) if (!message.pending && message.position > position) this.remove(id);
    }

    /// False: the delta does not fit what is here, read the conversation again.
    grow(delta) {
        const view = this.views.get(delta.message);
        if (!view) return false;
        if (view.message.state !== "running") return true;
        if (!view.grow(delta)) return false;
        this.later(view, () => this.speaker.grow(view));
        return true;
    }

    // ------------------------------------------------------------------------------------------ painting

    /// However many events arrive, the page is laid out once a frame; `then` runs after that.
    later(view, then) {
        this.dirty.add(view);
        if (then) (this.afterwards ??= []).push(then);
        this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.paint(); });
    }

    paint() {
        for (const view of this.dirty) view.paint();
        this.dirty.clear();
        this.takeFocus();
        this.earlierButton.hidden = this.earlier === null;
        if (this.atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
        else this.toEnd.hidden = false;
        const then = this.afterwards ?? [];
        this.afterwards = null;
        for (const work of then) work();
    }

    tick() {
        for (const view of this.views.values()) if (view.message.state === "running") view.tick();
    }

    sayAnew() {
        for (const view of this.views.values()) view.sayAnew();
        this.paint();
    }

    /// Whoever steps through versions with the keyboard goes on stepping, and who asked again is at the new answer.
    takeFocus() {
        const { id, name } = this.refocus ?? {}, element = this.views.get(id)?.element;
        if (!element) return;
        this.refocus = null;
        const all = [name, "previous", "next"].map((other) => element.querySelector(`[data-action=${other}]:not(:disabled)`));
        (all.find(Boolean) ?? element).focus({ preventScroll: true });
    }

    // ------------------------------------------------------------------------------------------ scrolling

    noteEnd() {
        const { scrollHeight, scrollTop, clientHeight } = this.scroll;
        this.atEnd = scrollHeight - scrollTop - clientHeight < endDistancePixels;
        this.toEnd.hidden = this.atEnd;
        // The page before is asked for a screen ahead, so that whoever scrolls steadily never waits.
        if (scrollTop < clientHeight && this.earlier !== null && !this.atEnd) this.loadEarlier();
    }

    goToEnd() {
        this.scroll.scrollTop = this.scroll.scrollHeight;
        this.noteEnd();
    }

    /// One page upwards, one at a time; what the reader looks at stays where it is.
    loadEarlier(limit = pageMessages) {
        return this.loadingEarlier ??= this.readEarlier(limit).finally(() => { this.loadingEarlier = null; });
    }

    async readEarlier(limit) {
        const before = this.earlier, conversation = this.conversation;
        if (before === null) return;
        try {
            const page = await call("GET", `/conversations/${conversation}?before=${before}&limit=${limit}&render=html`);
            if (conversation !== this.conversation || before !== this.earlier) return;
            const fromEnd = this.scroll.scrollHeight - this.scroll.scrollTop;
            for (const message of page.messages) this.put(message);
            this.earlier = page.earlier;
            this.paint();
            this.scroll.scrollTop = this.scroll.scrollHeight - fromEnd;
        } catch { /* the button is still there */ }
    }

    /// Until the message is here, shown and looked at; false when it is not in this conversation.
    async reveal(id) {
        const { conversation } = this;
        while (!this.views.has(id) && this.earlier !== null && conversation === this.conversation) {
            await this.loadingEarlier; // which somebody who scrolls has asked for, here or elsewhere
            const before = this.earlier;
            await this.loadEarlier(pageMessagesMax);
            if (before === this.earlier) break;
        }
        const view = this.views.get(id);
        if (!view || conversation !== this.conversation) return false;
        this.atEnd = false;
        view.element.scrollIntoView({ block: "center" });
        view.element.focus({ preventScroll: true });
        view.element.classList.add("revealed");
        setTimeout(() => view.element.classList.remove("revealed"), 2_000);
        return true;
    }

    /// From prompt to prompt, `step` is -1 or 1.
    jump(step) {
        const top = this.scroll.getBoundingClientRect().top;
        const prompts = [...this.list.querySelectorAll(".message.user")];
        const offset = (element) => element.getBoundingClientRect().top - top - 12;
        const target = step < 0 ? prompts.findLast((element) => offset(element) < -4) : prompts.find((element) => offset(element) > 4);
        if (!target) return step < 0 ? this.scroll.scrollTo({ top: 0 }) : this.goToEnd();
        this.atEnd = false;
        this.scroll.scrollTop += offset(target);
        target.focus({ preventScroll: true });
    }
}
