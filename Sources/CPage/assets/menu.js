// A menu below a button. Loaded with the first one.

import { icon, make } from "./elements.js";

/// Opens a menu at `opener`: `items` are `{text, icon, run, danger?}`, or null for a line between two groups. Arrow keys
/// and first letters move in it; Escape, Tab and a click elsewhere close it; the focus returns to where it was.
export function openMenu(opener, label, items) {
    const menu = make("div", "menu");
    menu.setAttribute("role", "menu");
    menu.setAttribute("aria-label", label);
    const close = (refocus = true) => {
        if (!menu.isConnected) return;
        const focused = menu.contains(document.activeElement);
        menu.remove();
        opener.setAttribute("aria-expanded", "false");
        removeEventListener("pointerdown", outside, true);
        removeEventListener("resize", close);
        if (refocus && focused) opener.focus();
    };
    const outside = (event) => { if (!menu.contains(event.target)) { close(false); if (opener.contains(event.target)) swallowClick(); } };
    for (const item of items) menu.append(item ? entry(item, close) : line());
    const entries = [...menu.querySelectorAll("[role=menuitem]")];
    menu.addEventListener("keydown", (event) => {
        const now = entries.indexOf(document.activeElement), { key } = event;
        const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: entries.length - 1 }[key]
            ?? (key.length === 1 ? entries.findIndex((own, index) => index > now && own.textContent.toLowerCase().startsWith(key.toLowerCase())) : undefined);
        if (key === "Escape" || key === "Tab") close();
        else if (next !== undefined && next !== -2) entries.at(next % entries.length)?.focus();
        else if (key !== "Enter" && key !== " ") return;
        else return event.stopPropagation();
        event.preventDefault();
        event.stopPropagation();
    });
    (opener.closest("dialog, nav, main") ?? document.body).append(menu);
    place(menu, opener.getBoundingClientRect());
    opener.setAttribute("aria-expanded", "true");
    addEventListener("pointerdown", outside, true);
    addEventListener("resize", close);
    entries[0].focus();
}

function entry({ text, icon: iconName, run, danger }, close) {
    const own = make("button", danger ? "danger" : "");
    own.type = "button";
    own.tabIndex = -1;
    own.setAttribute("role", "menuitem");
    own.append(icon(iconName), make("span", "", text));
    own.addEventListener("click", () => { close(); run(); });
    return own;
}

function line() {
    const own = make("div", "line");
    own.setAttribute("role", "separator");
    return own;
}

/// Below the opener or above it, inside the window. (Styles set by script are no inline styles to the policy.)
function place(menu, { top, bottom, left, right }) {
    const { offsetWidth: width, offsetHeight: height } = menu;
    const rightwards = left + width < innerWidth - 8;
    menu.style.left = `${Math.max(8, rightwards ? left : right - width)}px`;
    menu.style.top = `${bottom + height + 4 < innerHeight ? bottom + 4 : Math.max(8, top - height - 4)}px`;
}

/// The click that follows the pointer which closed the menu would open it again.
function swallowClick() {
    const swallow = (event) => { event.stopPropagation(); event.preventDefault(); };
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, true), 400);
}
