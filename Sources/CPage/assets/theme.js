// Light, dark, or as the system has it.

import { part } from "./elements.js";
import { say } from "./language.js";
import { shelf } from "./shelf.js";

const themeName = "stoa.theme";
export const themes = ["auto", "light", "dark"];

export function theme() {
    const kept = shelf.get(themeName);
    return themes.includes(kept) ? kept : "auto";
}

export function showTheme() {
    const chosen = theme();
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    part("theme-text").textContent = say(`theme-${chosen}`);
    part("theme").setAttribute("aria-label", say("theme-now", { theme: say(`theme-${chosen}`) }));
}

export function chooseTheme(chosen) {
    shelf.set(themeName, chosen);
    showTheme();
}

export function startTheme() {
    showTheme();
    part("theme").addEventListener("click", () => chooseTheme(themes[(themes.indexOf(theme()) + 1) % themes.length]));
    shelf.watch(themeName, showTheme);
}
