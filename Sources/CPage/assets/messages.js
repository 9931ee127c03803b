// The log of one conversation: messages become elements, answers grow block by block, and the view follows the end.

import { call, newId, persist } from "./server.js";
import { action, copyText, icon, make, named } from "./panel.js";

const utf8 = new TextEncoder();
const bytesOf = (text) => utf8.encode(text).length;

// ---------------------------------------------------------------------------------------------- safe HTML

// The server renders Markdown in safe mode. The page trusts that no more than it must: it parses the HTML into a
// document that cannot run or load anything, and copies only what is named here. A model's output can therefore not
// bring scripts, styles, forms, ids, classes or buttons that look like the page's own.
const policy = globalThis.trustedTypes?.createPolicy("stoa-markdown", { createHTML: (html) => html });
const parse = (html) => new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html").body;

/// Allowed tags, and what they become: headings step down below the page's own.
const tags = new Map(Object.entries({ H1: "h3", H2: "h4", H3: "h5", H4: "h6", H5: "h6", H6: "h6" }).concat(
    ("P BR HR UL OL LI BLOCKQUOTE PRE CODE EM STRONG B I DEL S SUP SUB KBD TABLE THEAD TBODY TR TH TD A INPUT IMG")
        .split(" ").map((tag) => [tag, tag.toLowerCase()])));
const dropped = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "NOSCRIPT", "TITLE", "TEXTAREA", "SELECT", "SVG", "MATH"]);

function link(address, text) {
    const anchor = make("a", "", text);
    try {
        // Absolute addresses only: a relative one would lead into this very page.
        const url = new URL(address);
        if (!["https:", "http:", "mailto:"].includes(url.protocol)) return anchor;
        anchor.href = url.href;
        anchor.target = "_blank";
        anchor.rel = "noopener noreferrer nofollow";
        anchor.title = url.href;
    } catch { /* not an address: plain text */ }
    return anchor;
}

function image(node, inLink) {
    const source = node.getAttribute("src") ?? "", text = node.getAttribute("alt") || "image";
    if (/^data:image\/(png|jpeg|gif|webp);/i.test(source)) {
        const own = make("img");
        own.alt = text;
        own.src = source;
        return own;
    }
    // Loading an image tells its host who reads what, so the reader decides.
    return inLink ? make("span", "", text) : Object.assign(link(source, text), { className: "image-link" });
}

function copyInto(target, source, inLink = false) {
    for (const node of source.childNodes) {
        if (node.nodeType === Node.TEXT_NODE) { target.append(node.data); continue; }
        if (node.nodeType !== Node.ELEMENT_NODE || dropped.has(node.tagName.toUpperCase())) continue;
        const tag = tags.get(node.tagName);
        if (!tag) { copyInto(target, node, inLink); continue; }
        if (tag === "img") { target.append(image(node, inLink)); continue; }
        const own = tag === "a" ? link(node.getAttribute("href")) : make(tag);
        if (tag === "input") Object.assign(own, { type: "checkbox", disabled: true, checked: node.hasAttribute("checked") });
        if (tag === "ol" && node.start !== 1) own.start = node.start;
        if ((tag === "td" || tag === "th") && /^(left|right|center)$/.test(node.align)) own.align = node.align;
        copyInto(own, node, inLink || tag === "a");
        target.append(tag === "pre" ? codeBlock(own, node) : tag === "table" ? wideBlock(own) : own);
    }
}

function codeBlock(pre, source) {
    const language = source.getAttribute("lang")
        ?? /(?:^|\s)language-(\S+)/.exec(source.querySelector("code")?.className ?? "")?.[1] ?? "";
    const figure = make("figure", "code"), head = make("figcaption");
    const copy = make("button", "quiet", "Copy");
    copy.type = "button";
    copy.dataset.action = "copy-code";
    copy.prepend(icon("copy"));
    head.append(make("span", "", language.slice(0, 30) || "text"), copy);
    pre.dir = "ltr";
    pre.tabIndex = 0;
    figure.append(head, pre);
    return figure;
}

function wideBlock(table) {
    const frame = make("div", "wide");
    frame.tabIndex = 0;
    frame.append(table);
    return frame;
}

function block(html) {
    const own = make("div", "block");
    own.dir = "auto";
    copyInto(own, parse(html));
    return own;
}

// ---------------------------------------------------------------------------------------------- one message

const endings = {
    stopped: () => "Stopped.",
    interrupted: () => "Interrupted: the server that wrote this went away. What had arrived is kept.",
    failed: (message) => message.error?.message || "The model gave no answer.",
    complete: (message) => (/length|max_tokens/.test(message.stop_reason ?? "") ? "The answer ended at its length limit." : ""),
};

class MessageView {
    constructor(message, labelOf) {
        this.labelOf = labelOf;
        this.element = make("article", `message ${message.role === "user" ? "user" : "assistant"}`);
        this.element.dataset.id = message.id;
        this.body = make("div", "body");
        this.foot = make("footer", "meta");
        this.element.append(make("h2", "sr", message.role === "user" ? "You said" : "Answer"), this.body, this.foot);
        this.blocks = [];
        this.dirtyFrom = 0;
    }

    /// Takes a message as the server has it now. An older version than the one shown changes nothing.
    take(message) {
        if (this.message && message.version < this.message.version) return false;
        const begun = this.message?.state;
        this.message = { ...message };
        this.bytes = bytesOf(message.text);
        this.setBlocks(0, message.blocks);
        return begun !== message.state;
    }

    /// Adds a delta; false: something is missing in between.
    grow({ offset, text, from_block: from, blocks }) {
        if (offset > this.bytes || (blocks && from > this.blocks.length)) return false;
        const head = offset === this.bytes ? this.message.text
            : new TextDecoder().decode(utf8.encode(this.message.text).subarray(0, offset));
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
        if (this.plain) {
            const text = make("p", "plain", message.text);
            text.dir = "auto";
            body.replaceChildren(text);
        } else if (this.dirtyFrom < Infinity) {
            while (body.children.length > this.dirtyFrom) body.lastChild.remove();
            body.append(...this.blocks.slice(body.children.length).map(block));
        }
        this.dirtyFrom = Infinity;
        const face = [message.state, message.model, message.host, message.pending, message.error?.message, message.alternatives].join("|");
        if (face === this.face) return;
        this.face = face;
        element.dataset.state = message.state;
        element.toggleAttribute("data-pending", Boolean(message.pending));
        this.foot.replaceChildren(...this.footer());
    }

    footer() {
        const { message } = this;
        if (message.pending) {
            const parts = [make("span", "note", message.pending)];
            if (message.pending !== "Sending…") parts.push(action("unsend", "Put it back"));
            return parts;
        }
        if (message.role === "user") return [...this.stepper(), named("edit", "Edit this message", "edit")];
        if (message.state === "running") return [];
        const ending = endings[message.state]?.(message), parts = [];
        if (ending) {
            const note = make("p", "note", ending);
            note.dir = "auto";
            if (message.text.trim()) note.append(action("go-on", "Continue"));
            note.append(action("again", "Ask again"));
            parts.push(note);
        }
        const facts = [this.labelOf(message.model), message.host && `by ${message.host}`].filter(Boolean);
        parts.push(...this.stepper(), named("copy-message", "Copy the answer", "copy"));
        if (!ending) parts.push(named("again", "Ask again", "again"));
        parts.push(make("span", "facts-line", facts.join(" · ")));
        return parts;
    }

    /// ‹ 2/3 ›: which of the versions of this message is shown.
    stepper() {
        const { alternatives = [], id } = this.message, place = alternatives.indexOf(id) + 1, count = alternatives.length;
        if (count < 2) return [];
        const box = make("span", "versions"), previous = action("previous", "‹"), next = action("next", "›");
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", `Version ${place} of ${count}`);
        previous.setAttribute("aria-label", "Previous version");
        next.setAttribute("aria-label", "Next version");
        previous.disabled = place === 1;
        next.disabled = place === count;
        box.append(previous, make("span", "", `${place}/${count}`), next);
        return [box];
    }
}

// ---------------------------------------------------------------------------------------------- the log

const endDistancePixels = 60;
const announcedCharactersMax = 600;

export class Log {
    /// `on.edit(message, text)`, `on.unsend(message)`, `on.attempt(work)`; `labelOf(model id)`.
    constructor({ labelOf, on }) {
        const part = (id) => document.getElementById(id);
        Object.assign(this, {
            labelOf, on, views: new Map(), dirty: new Set(), earlier: null, conversation: null, atEnd: true, frame: 0,
            scroll: part("scroll"), list: part("log"), earlierButton: part("earlier"), toEnd: part("to-end"),
            announcer: part("announce"),
        });
        this.scroll.addEventListener("scroll", () => this.noteEnd(), { passive: true });
        this.toEnd.addEventListener("click", () => this.goToEnd());
        this.earlierButton.addEventListener("click", () => this.loadEarlier());
        this.list.addEventListener("click", (event) => this.click(event.target.closest?.("button[data-action]")));
        // The window's size changes what "at the end" means (keyboard of a phone, rotation).
        new ResizeObserver(() => this.atEnd && this.goToEnd()).observe(this.scroll);
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
        this.list.replaceChildren();
        this.earlier = null;
        this.earlierButton.hidden = true;
        this.atEnd = true;
    }

    get running() {
        for (const view of this.views.values()) if (view.message.state === "running") return view.message;
        return null;
    }
    get empty() { return this.views.size === 0; }
    message(id) { return this.views.get(id)?.message; }

    /// Adds or replaces a message by its id.
    put(message) {
        let view = this.views.get(message.id);
        if (!view || (view.message.pending && !message.pending)) {
            view?.element.remove();
            view = new MessageView(message, this.labelOf);
            this.views.set(message.id, view);
            view.take(message);
            this.place(view);
            if (message.role === "user") this.atEnd ||= Boolean(message.pending);
        } else if (view.take(message)) {
            if (message.role === "assistant" && message.state !== "running") this.announceEnd(view);
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
        this.views.get(id)?.element.remove();
        this.views.delete(id);
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
        this.later(view);
        return true;
    }

    /// However many events arrive, the page is laid out once a frame.
    later(view) {
        this.dirty.add(view);
        this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.paint(); });
    }

    paint() {
        for (const view of this.dirty) view.paint();
        this.dirty.clear();
        this.takeFocus();
        this.earlierButton.hidden = this.earlier === null;
        if (this.atEnd) this.scroll.scrollTop = this.scroll.scrollHeight;
        else this.toEnd.hidden = false;
    }

    /// Whoever steps through versions with the keyboard goes on stepping.
    takeFocus() {
        const { id, name } = this.refocus ?? {}, element = this.views.get(id)?.element;
        if (!element) return;
        this.refocus = null;
        const all = [name, "previous", "next"].map((other) => element.querySelector(`[data-action=${other}]:not(:disabled)`));
        all.find(Boolean)?.focus();
    }

    noteEnd() {
        const { scrollHeight, scrollTop, clientHeight } = this.scroll;
        this.atEnd = scrollHeight - scrollTop - clientHeight < endDistancePixels;
        this.toEnd.hidden = this.atEnd;
        if (scrollTop < 80 && this.earlier !== null && !this.atEnd) this.loadEarlier();
    }

    goToEnd() {
        this.scroll.scrollTop = this.scroll.scrollHeight;
        this.noteEnd();
    }

    /// One page upwards; what the reader looks at stays where it is.
    async loadEarlier() {
        const before = this.earlier, conversation = this.conversation;
        if (before === null || this.loading) return;
        this.loading = true;
        try {
            const page = await call("GET", `/conversations/${conversation}?before=${before}&limit=50&render=html`);
            if (conversation !== this.conversation) return;
            const fromEnd = this.scroll.scrollHeight - this.scroll.scrollTop;
            for (const message of page.messages) this.put(message);
            this.earlier = page.earlier;
            this.paint();
            this.scroll.scrollTop = this.scroll.scrollHeight - fromEnd;
        } catch { /* the button is still there */ } finally {
            this.loading = false;
        }
    }

    /// One sentence at the end instead of every word: a screen reader is not flooded.
    announceEnd(view) {
        this.later(view);
        requestAnimationFrame(() => {
            const words = view.body.innerText.slice(0, announcedCharactersMax);
            this.announcer.textContent = `${endings[view.message.state]?.(view.message) || "Answer complete."} ${words}`;
        });
    }

    async click(button) {
        if (!button) return;
        const message = this.message(button.closest(".message").dataset.id);
        const name = button.dataset.action;
        if (name === "unsend") return this.on.unsend(message);
        if (name === "edit") {
            const text = await (await import("./editing.js")).edit(button.closest(".message"), message.text);
            return text && text !== message.text ? this.on.edit(message, text) : null;
        }
        if (!name.startsWith("copy")) return this.on.attempt(this.request(message, name));
        await copyText(name === "copy-code" ? button.closest("figure").querySelector("pre").innerText : message.text);
        button.querySelector("use").setAttribute("href", "#i-check");
        this.announcer.textContent = "Copied.";
        setTimeout(() => button.querySelector("use").setAttribute("href", "#i-copy"), 1500);
    }

    /// What a button below a message asks of the server; what comes of it arrives as events.
    request(message, name) {
        const path = `/conversations/${this.conversation}`, place = `${path}/messages/${message.id}`;
        if (name === "go-on") return () => persist(() => call("POST", `${place}/continue`, { version: message.version }));
        const id = newId();
        if (name === "again") return () => persist(() => call("POST", `${place}/retry`, { id }));
        const shown = message.alternatives[message.alternatives.indexOf(message.id) + (name === "next" ? 1 : -1)];
        this.refocus = { id: shown, name };
        return () => persist(() => call("PATCH", path, { shown }));
    }
}
