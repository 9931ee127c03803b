// In which language the page speaks, and how it writes numbers and times in it.

import { shelf } from "./shelf.js";
import { strings } from "./strings.js";

const languageName = "stoa.language";
/// In the order of the columns of the table of strings.
export const languages = [["en", "English"], ["de", "Deutsch"]];

const codes = languages.map(([code]) => code);

function chosenLanguage() {
    const kept = shelf.get(languageName);
    if (codes.includes(kept)) return kept;
    const wanted = navigator.languages ?? [navigator.language ?? ""];
    return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((code) => codes.includes(code)) ?? codes[0];
}

export const language = {
    code: codes[0],
    /// After another one was chosen: what was said is to be said anew.
    changed() {},
    choose(code) {
        shelf.set(languageName, code);
        startLanguage();
        this.changed();
    },
};

export function startLanguage() {
    language.code = chosenLanguage();
    document.documentElement.lang = language.code;
    for (const [data, attribute] of [["say", null], ["say-label", "aria-label"], ["say-title", "title"], ["say-placeholder", "placeholder"]]) {
        for (const element of document.querySelectorAll(`[data-${data}]`)) {
            const text = say(element.getAttribute(`data-${data}`));
            if (attribute) element.setAttribute(attribute, text); else element.textContent = text;
        }
    }
}
shelf.watch(languageName, () => { startLanguage(); language.changed(); });

/// The page's words for `name`, with `values` in the places of `{value}`. Of `one|many`, `values.count` decides.
export function say(name, values = {}, otherwise = name) {
    const entry = strings[name], text = entry ? entry[codes.indexOf(language.code)] : otherwise;
    const [one, many = one] = text.split("|");
    return (values.count === 1 ? one : many).replace(/\{(\w+)\}/g, (_, value) => values[value] ?? "");
}

/// What a problem is called: in the server's words, which are English, where the page has none of its own.
export function problemText(code, detail, kind = "problem") {
    const name = [`${kind}-${code}`, `problem-${code}`].find((one) => one in strings);
    return name && (!detail || language.code !== codes[0]) ? say(name) : detail || say("problem-internal");
}

/// Why an answer failed.
export const failureText = (error) => (error ? problemText(error.code, error.message, "failed") : say("failed"));

// ---------------------------------------------------------------------------------------------- numbers, times

export const number = (value) => value.toLocaleString(language.code);

/// "0.8 s", "12 s", "2 min 5 s".
export function seconds(ms) {
    const whole = Math.round(ms / 1000);
    if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toLocaleString(language.code, { maximumFractionDigits: 1 })} s`;
    return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/// "14:03" for today, with the day before that; `full` has all of it.
export function timeOf(ms, style = "short") {
    const date = new Date(ms), today = date.toDateString() === new Date().toDateString();
    if (style === "full") return date.toLocaleString(language.code, { dateStyle: "full", timeStyle: "medium" });
    const time = date.toLocaleTimeString(language.code, { hour: "numeric", minute: "2-digit" });
    return today ? time : `${date.toLocaleDateString(language.code, { day: "numeric", month: "short", year: "numeric" })}, ${time}`;
}

/// "today", "yesterday", ... for a time; `now` is a parameter for the sake of midnight.
export function dayGroup(ms, now = Date.now()) {
    const midnight = new Date(now).setHours(0, 0, 0, 0), day = 86_400_000;
    if (ms >= midnight) return "today";
    if (ms >= midnight - day) return "yesterday";
    if (ms >= midnight - 7 * day) return "week";
    if (ms >= midnight - 30 * day) return "month";
    return "older";
}
