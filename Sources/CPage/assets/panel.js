// The list of conversations in the panel: grouped by day, walked with arrow keys, renamed in place.

import { action, make, named, part } from "./elements.js";
import { dayGroup, say } from "./language.js";
import { titleCharactersMax } from "./limits.js";

export const titleOfConversation = (conversation) => conversation?.title || say("new-conversation");

export class Panel {
    /// `on.open(id)`, `on.rename(conversation, title)`, `on.remove(conversation)`, `on.pin(conversation)`,
    /// `on.menu(conversation, button)`, `on.more()`
    constructor(on) {
        this.on = on;
        this.list = part("list");
        this.rows = new Map();
        this.list.addEventListener("click", (event) => this.click(event));
        this.list.addEventListener("keydown", (event) => this.key(event));
    }

    /// Draws the list; rows keep their elements (and the focus) when only their texts or places change.
    show(conversations, current, more) {
        this.conversations = new Map(conversations.map((conversation) => [conversation.id, conversation]));
        const wanted = [];
        let group = null;
        for (const conversation of conversations) {
            const name = conversation.pinned ? "pinned" : dayGroup(conversation.updated_ms);
            if (name !== group) {
                group = name;
                wanted.push(this.heading(name));
            }
            const row = this.row(conversation.id, () => this.make(conversation.id));
            this.fill(row, conversation, conversation.id === current);
            wanted.push(row);
        }
        if (more) wanted.push(this.row("more", () => action("more", say("older-conversations"))));
        if (!wanted.length) wanted.push(this.row("none", () => make("p", "", say("no-conversations"))));
        this.place(wanted);
    }

    /// Puts the rows in order. Elements that stand right already are not moved: moving one takes the focus away from it.
    place(wanted) {
        const names = new Set(wanted.map((row) => row.dataset.row)), focused = document.activeElement;
        let lost = null;
        for (const [name, row] of this.rows) {
            if (names.has(name)) continue;
            if (row.contains(focused)) lost = row.nextElementSibling ?? row.previousElementSibling;
            row.remove();
            this.rows.delete(name);
        }
        wanted.forEach((row, index) => {
            if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null);
        });
        // The row that had the focus is gone: it goes to a neighbour, not to the page's start.
        if (lost) (lost.querySelector?.("a") ?? this.list.querySelector(".item a") ?? part("new")).focus();
    }

    /// In another language: rows are made anew.
    sayAnew() {
        this.rows.clear();
        this.list.replaceChildren();
    }

    row(name, build) {
        let row = this.rows.get(name);
        if (!row) {
            row = build();
            row.dataset.row = name;
            this.rows.set(name, row);
        }
        return row;
    }

    heading(name) {
        return this.row(`group ${name}`, () => make("h2", "", say(name)));
    }

    make(id) {
        const row = make("div", "item"), open = make("a"), tools = make("span", "tools");
        open.href = `#${id}`;
        open.dir = "auto";
        tools.append(named("menu", "", "more"));
        tools.firstChild.setAttribute("aria-haspopup", "menu");
        row.append(make("span", "dot"), open, tools);
        return row;
    }

    fill(row, conversation, current) {
        const open = row.querySelector("a"), title = titleOfConversation(conversation);
        if (open.textContent !== title) open.textContent = title;
        open.title = title;
        if (current) open.setAttribute("aria-current", "page"); else open.removeAttribute("aria-current");
        row.classList.toggle("current", current);
        row.classList.toggle("running", conversation.running);
        open.setAttribute("aria-label", conversation.running ? say("answering", { title }) : title);
        const menu = row.querySelector("[data-action=menu]");
        menu.setAttribute("aria-label", say("menu-of", { title }));
        menu.title = say("more");
    }

    click(event) {
        const button = event.target.closest("button[data-action]"), row = event.target.closest(".item");
        if (button?.dataset.action === "more") return this.on.more();
        const conversation = this.conversations.get(row?.dataset.row);
        if (!conversation) return;
        if (button?.dataset.action === "menu") return this.on.menu(conversation, button);
        // A plain click opens here; with a modifier the browser opens another window, which shares the session.
        if (!event.target.closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.on.open(conversation.id);
    }

    /// Arrow keys walk the list, F2 renames, P pins, Delete deletes, as in a file list.
    key(event) {
        const row = event.target.closest(".item");
        if (!row || event.target.tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey) return;
        const conversation = this.conversations.get(row.dataset.row);
        const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
        if (step) {
            let next = row[step];
            while (next && !next.classList.contains("item")) next = next[step];
            next?.querySelector("a").focus();
        } else if (event.key === "F2") this.rename(conversation);
        else if (event.key === "Delete") this.on.remove(conversation);
        else if (event.key.toLowerCase() === "p") this.on.pin(conversation);
        else return;
        event.preventDefault();
    }

    /// Where the title stands, a field for it.
    rename(conversation) {
        const row = this.rows.get(conversation.id);
        if (!row || row.classList.contains("renaming")) return;
        const open = row.querySelector("a"), field = make("input");
        field.value = conversation.title;
        field.maxLength = titleCharactersMax;
        field.dir = "auto";
        field.setAttribute("aria-label", say("title"));
        row.classList.add("renaming");
        row.insertBefore(field, open);
        field.focus();
        field.select();
        let over = false;
        const end = (save) => {
            if (over) return;
            over = true;
            const focused = document.activeElement === field;
            field.remove();
            row.classList.remove("renaming");
            if (focused) open.focus();
            const title = field.value.trim();
            if (save && title && title !== conversation.title) this.on.rename(conversation, title);
        };
        field.addEventListener("keydown", (event) => {
            if (event.isComposing) return;
            if (event.key === "Enter") end(true);
            if (event.key === "Escape") { event.stopPropagation(); end(false); }
        });
        field.addEventListener("blur", () => end(true));
    }
}

// ---------------------------------------------------------------------------------------------- foot

/// Who serves this page, and the session's short id.
export function showIdentity(host, short) {
    if (host) part("host").textContent = part("host").title = host;
    if (short) part("session-short").textContent = short;
}

let linkTimer = 0, linkState = "connecting";

/// `connecting`, `open` or `waiting`. A short gap is nobody's business, so `waiting` shows after two seconds.
export function showLink(state) {
    if (state === "waiting" && state === linkState) return; // one more try, and still the same gap
    clearTimeout(linkTimer);
    linkState = state ?? linkState;
    const shown = linkState === "waiting" && navigator.onLine === false ? "offline" : linkState;
    linkTimer = setTimeout(() => {
        part("link-state").dataset.state = shown;
        part("link-text").textContent = say(`link-${shown}`);
    }, shown === "open" ? 0 : 2_000);
}
