// What the page's elements are made with.

export const part = (id) => document.getElementById(id);

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
    const own = make("button", iconName ? "icon small" : "quiet", text);
    own.type = "button";
    own.dataset.action = name;
    if (iconName) own.append(icon(iconName));
    return own;
}

/// One whose name is only seen when it is pointed at.
export function named(name, title, iconName) {
    const own = action(name, "", iconName);
    own.title = title;
    own.setAttribute("aria-label", title);
    return own;
}

/// A button of a form or a dialog; `kind` is `primary`, `danger` or nothing.
export function button(text, kind, run) {
    const own = make("button", `button ${kind}`, text);
    own.type = "button";
    own.addEventListener("click", run);
    return own;
}

export async function copyText(text) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // Plain HTTP on another host has no clipboard interface.
        const focused = document.activeElement, area = Object.assign(make("textarea", "sr"), { value: text });
        (document.querySelector("dialog[open]") ?? document.body).append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
        focused?.focus();
    }
}

/// Saves `blob` as a file, as a link to it would.
export function download(blob, name) {
    const link = make("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/// Says it to whoever listens to a screen reader.
export function announce(text) {
    part("announce").textContent = text;
}
