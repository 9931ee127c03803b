// The page's furniture: what elements are made with, the panel with the session's conversations and who serves them (a
// drawer on narrow screens), the theme, the message field with the notice above it.

import { shelf } from "./server.js";

const part = (id) => document.getElementById(id);
const titleCharactersMax = 200;

// ---------------------------------------------------------------------------------------------- elements

export const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
};

export function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#i-${name}`);
    svg.append(use);
    svg.setAttribute("aria-hidden", "true");
    return svg;
}

/// A button that does what its `data-action` says, by its text or by its icon.
export function action(name, text, iconName) {
    const button = make("button", iconName ? "icon small" : "quiet", text);
    button.type = "button";
    button.dataset.action = name;
    if (iconName) button.append(icon(iconName));
    return button;
}

/// One whose name is only seen when it is pointed at.
export function named(name, title, iconName) {
    const button = action(name, "", iconName);
    button.title = title;
    button.setAttribute("aria-label", title);
    return button;
}

export async function copyText(text) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // Plain HTTP on another host has no clipboard interface.
        const area = Object.assign(make("textarea", "sr"), { value: text });
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
    }
}

// ---------------------------------------------------------------------------------------------- theme

const themes = ["auto", "light", "dark"];
const themeName = "stoa.theme";

function showTheme() {
    const theme = themes.includes(shelf.get(themeName)) ? shelf.get(themeName) : "auto";
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    part("theme-text").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
    part("theme").setAttribute("aria-label", `Theme: ${theme}. Change it`);
    return theme;
}

export function startTheme() {
    showTheme();
    part("theme").addEventListener("click", () => {
        shelf.set(themeName, themes[(themes.indexOf(showTheme()) + 1) % themes.length]);
        showTheme();
    });
    addEventListener("storage", (event) => event.key === themeName && showTheme());
}

// ---------------------------------------------------------------------------------------------- notice

let noticeAction = null;

/// One line above the composer, until it is dismissed or `notice(null)`; `action` is the text of a button that runs `run`.
export function notice(text, { action, run = null, kind = "problem" } = {}) {
    part("notice").hidden = !text;
    part("notice").dataset.kind = kind;
    part("notice-text").textContent = text ?? "";
    part("notice-action").hidden = !action;
    part("notice-action").textContent = action ?? "";
    noticeAction = run;
}
part("notice-close").addEventListener("click", () => { notice(null); part("text").focus(); });
part("notice-action").addEventListener("click", () => { const run = noticeAction; notice(null); run?.(); });

// ---------------------------------------------------------------------------------------------- message field

export class Composer {
    /// `submit()` when Enter is pressed, `submit(text)` when an example is chosen, `changed()` after each key.
    constructor({ submit, changed }) {
        part("skip").addEventListener("click", (event) => { event.preventDefault(); this.focus(); });
        part("examples").addEventListener("click", (event) => {
            const text = event.target.closest("button")?.querySelector("span").textContent;
            if (text) submit(text);
        });
        this.field = part("text");
        this.field.addEventListener("input", () => { this.fit(); changed(); });
        this.field.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
            if (matchMedia("(pointer: coarse)").matches) return; // a phone's Enter starts a line, its button sends
            event.preventDefault();
            submit();
        });
    }
    get text() { return this.field.value; }
    set text(text) {
        this.field.value = text;
        this.fit();
    }
    /// Not on a phone, where it would bring up the keyboard.
    focus() {
        if (matchMedia("(pointer: fine)").matches) this.field.focus();
    }
    /// As high as its text, where CSS cannot do that.
    fit() {
        if (CSS.supports("field-sizing", "content")) return;
        this.field.style.height = "auto";
        this.field.style.height = `${this.field.scrollHeight}px`;
    }
}

// ---------------------------------------------------------------------------------------------- drawer

const narrow = matchMedia("(max-width: 820px)");

export class Drawer {
    constructor() {
        this.open = false;
        part("panel-open").addEventListener("click", () => this.set(true));
        part("panel-close").addEventListener("click", () => this.set(false));
        part("backdrop").addEventListener("click", () => this.set(false));
        narrow.addEventListener("change", () => this.set(false, { focus: false }));
        this.set(false, { focus: false });
    }
    /// What cannot be seen cannot be tabbed to either: `inert` on the panel or on the page behind it.
    set(open, { focus = true } = {}) {
        this.open = open && narrow.matches;
        document.documentElement.toggleAttribute("data-drawer", this.open);
        part("panel").inert = narrow.matches && !this.open;
        part("main").inert = this.open;
        part("panel-open").setAttribute("aria-expanded", String(this.open));
        if (focus && narrow.matches) part(this.open ? "panel-close" : "panel-open").focus();
    }
}

// ---------------------------------------------------------------------------------------------- list

/// "Today", "Yesterday", ... for a time; `now` is a parameter for the sake of midnight.
export function dayGroup(ms, now = Date.now()) {
    const midnight = new Date(now).setHours(0, 0, 0, 0), day = 86_400_000;
    if (ms >= midnight) return "Today";
    if (ms >= midnight - day) return "Yesterday";
    if (ms >= midnight - 7 * day) return "Previous 7 days";
    if (ms >= midnight - 30 * day) return "Previous 30 days";
    return "Older";
}

export class Panel {
    /// `on.open(id)`, `on.rename(conversation, title)`, `on.remove(conversation)`, `on.more()`
    constructor(on) {
        this.on = on;
        this.list = part("list");
        this.rows = new Map();
        this.renaming = null;
        this.list.addEventListener("click", (event) => this.click(event));
        this.list.addEventListener("keydown", (event) => this.key(event));
    }

    /// Draws the list; rows keep their elements (and the focus) when only their texts or places change.
    show(conversations, current, more) {
        this.conversations = new Map(conversations.map((conversation) => [conversation.id, conversation]));
        const wanted = [];
        let group = null;
        for (const conversation of conversations) {
            const label = dayGroup(conversation.updated_ms);
            if (label !== group) {
                group = label;
                wanted.push(this.row(`group ${label}`, () => {
                    const heading = document.createElement("h2");
                    heading.textContent = label;
                    return heading;
                }));
            }
            const row = this.row(conversation.id, () => this.make(conversation.id));
            this.fill(row, conversation, conversation.id === current);
            wanted.push(row);
        }
        if (more) wanted.push(this.row("more", () => action("more", "Show older conversations")));
        if (!wanted.length) wanted.push(this.row("none", () => {
            const text = document.createElement("p");
            text.textContent = "Your conversations will be listed here.";
            return text;
        }));
        const names = new Set(wanted.map((row) => row.dataset.row));
        for (const [name, row] of this.rows) if (!names.has(name)) { row.remove(); this.rows.delete(name); }
        // Elements that stand right already are not moved: moving one takes the focus away from it.
        wanted.forEach((row, index) => {
            if (this.list.children[index] !== row) this.list.insertBefore(row, this.list.children[index] ?? null);
        });
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

    make(id) {
        const row = document.createElement("div");
        row.className = "item";
        const open = document.createElement("a");
        open.href = `#${id}`;
        open.dir = "auto";
        const dot = document.createElement("span");
        dot.className = "dot";
        const tools = document.createElement("span");
        tools.className = "tools";
        tools.append(action("rename", "", "edit"), action("remove", "", "trash"));
        row.append(dot, open, tools);
        return row;
    }

    fill(row, conversation, current) {
        const open = row.querySelector("a"), title = conversation.title || "New conversation";
        if (open.textContent !== title) open.textContent = title;
        open.title = title;
        if (current) open.setAttribute("aria-current", "page"); else open.removeAttribute("aria-current");
        row.classList.toggle("current", current);
        row.classList.toggle("running", conversation.running);
        open.setAttribute("aria-label", conversation.running ? `${title}, answering` : title);
        const [rename, remove] = row.querySelectorAll(".tools button");
        rename.setAttribute("aria-label", `Rename “${title}”`);
        remove.setAttribute("aria-label", `Delete “${title}”`);
        rename.title = "Rename";
        remove.title = "Delete";
    }

    click(event) {
        const button = event.target.closest("button[data-action]"), row = event.target.closest(".item");
        if (button?.dataset.action === "more") return this.on.more();
        const conversation = this.conversations.get(row?.dataset.row);
        if (!conversation) return;
        if (button?.dataset.action === "rename") return this.rename(row, conversation);
        if (button?.dataset.action === "remove") return this.on.remove(conversation);
        // A plain click opens here; with a modifier the browser opens another window, which shares the session.
        if (!event.target.closest("a") || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        this.on.open(conversation.id);
    }

    /// Arrow keys walk the list, F2 renames, Delete deletes, as in a file list.
    key(event) {
        const row = event.target.closest(".item");
        if (!row || event.target.tagName === "INPUT") return;
        const conversation = this.conversations.get(row.dataset.row);
        const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
        if (step) {
            let next = row[step];
            while (next && !next.classList.contains("item")) next = next[step];
            next?.querySelector("a").focus();
        } else if (event.key === "F2") this.rename(row, conversation);
        else if (event.key === "Delete") this.on.remove(conversation);
        else return;
        event.preventDefault();
    }

    rename(row, conversation) {
        const open = row.querySelector("a"), field = document.createElement("input");
        field.value = conversation.title;
        field.maxLength = titleCharactersMax;
        field.dir = "auto";
        field.setAttribute("aria-label", "Title");
        row.classList.add("renaming");
        row.insertBefore(field, open);
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

    // ------------------------------------------------------------------------------------------ foot

    identity(host, short) {
        if (host) part("host").textContent = part("host").title = host;
        if (short) part("session-short").textContent = short;
    }

    /// `connecting`, `open` or `waiting`. A short gap is nobody's business, so `waiting` shows after two seconds.
    link(state) {
        clearTimeout(this.linkTimer);
        const shown = state === "waiting" && navigator.onLine === false ? "offline" : state;
        this.linkTimer = setTimeout(() => {
            part("link-state").dataset.state = shown;
            part("link-text").textContent =
                { connecting: "Connecting…", open: "Connected", waiting: "Reconnecting…", offline: "Offline" }[shown];
        }, shown === "open" ? 0 : 2_000);
    }
}

/// The choice of models; one that a conversation has and the server no longer offers is still named.
export function showModels(models, chosen) {
    const select = part("model"), options = models.map(({ id, label }) => [id, label]);
    if (chosen && !options.some(([id]) => id === chosen)) options.push([chosen, `${chosen} (not available)`]);
    if (select.dataset.options !== JSON.stringify(options)) {
        select.dataset.options = JSON.stringify(options);
        select.replaceChildren(...options.map(([id, label]) => new Option(label, id)));
    }
    if (chosen) select.value = chosen;
}
