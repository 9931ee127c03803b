// The list of shortcuts. Loaded when it is first looked at.

import { button, make } from "./elements.js";
import { openDialog } from "./dialogs.js";
import { say } from "./language.js";

const keys = [
    ["Ctrl+Shift+O", "key-new"], ["Ctrl+K", "key-search"], ["Ctrl+Shift+S", "key-panel"], ["Shift+Esc", "key-field"],
    ["Enter", "key-send"], ["Shift+Enter", "key-line"], ["Esc", "key-stop"], ["↑ ↓", "key-history"],
    ["Alt+↑ ↓", "key-jump"], ["Ctrl+Shift+C", "key-copy-answer"], ["Ctrl+Shift+;", "key-copy-code"],
    ["F2", "key-rename"], ["P", "key-pin"], ["Del", "key-delete"], ["Ctrl+Shift+⌫", "key-delete-open"], ["?", "key-list"],
];

export function openShortcuts() {
    const list = make("dl", "keys-list"), row = make("div", "actions"), apple = /Mac|iPhone|iPad/.test(navigator.platform);
    for (const [combination, name] of keys) {
        const line = make("div"), keyed = make("dd");
        for (const [index, one] of combination.split("+").entries()) {
            keyed.append(index ? "+" : "", make("kbd", "", apple && one === "Ctrl" ? "⌘" : say(`on-key-${one}`, {}, one)));
        }
        line.append(make("dt", "", say(name)), keyed);
        list.append(line);
    }
    const done = button(say("close"), "primary", () => close());
    row.append(done);
    const { close } = openDialog({ title: say("shortcuts"), content: [list, row], kind: "wide-dialog", dismissed: () => close() });
    done.focus();
}
