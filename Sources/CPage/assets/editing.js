// A prompt that is edited in its place. Loaded with the first one.

import { button, make } from "./elements.js";
import { say } from "./language.js";

/// Shows a field in the place of the message in `element`. Resolves to its text, or to null when it is given up.
export function edit(element, text) {
    if (element.dataset.editing !== undefined) {
        element.querySelector("textarea").focus();
        return Promise.resolve(null);
    }
    return new Promise((resolve) => {
        const form = make("div", "editing"), field = make("textarea"), row = make("div", "actions");
        const end = (result) => {
            form.remove();
            delete element.dataset.editing;
            element.querySelector("[data-action=edit]")?.focus();
            resolve(result);
        };
        const send = () => field.value.trim() && end(field.value.trim());
        field.value = text;
        field.dir = "auto";
        field.rows = Math.min(text.split("\n").length + 1, 12);
        field.setAttribute("aria-label", say("edited-message"));
        field.addEventListener("keydown", (event) => {
            if (event.isComposing || event.keyCode === 229) return;
            if (event.key === "Escape") { event.stopPropagation(); end(null); }
            if (event.key !== "Enter" || event.shiftKey || matchMedia("(pointer: coarse)").matches) return;
            event.preventDefault();
            send();
        });
        row.append(button(say("cancel"), "", () => end(null)), button(say("send"), "primary", send));
        form.append(field, row);
        element.dataset.editing = "";
        element.append(form);
        field.focus();
        field.setSelectionRange(text.length, text.length);
    });
}
