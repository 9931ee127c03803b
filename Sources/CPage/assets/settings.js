// Language, theme, the session's key, and the data behind it. Loaded when it is first opened.

import { announce, button, copyText, make, part } from "./elements.js";
import { openDialog } from "./dialogs.js";
import { isKey, key } from "./key.js";
import { askForKey, askToForget, askToRotate } from "./key-dialogs.js";
import { language, languages, number, say } from "./language.js";
import { models } from "./models.js";
import { call, persist } from "./requests.js";
import { rotate } from "./rotation.js";
import { chooseTheme, theme, themes } from "./theme.js";
import { bringBack, saveAll } from "./transfer.js";
import { attempt } from "./trouble.js";

export function openSettings() {
    const row = make("div", "actions"), done = button(say("close"), "primary", () => close());
    row.append(done);
    const content = [...appearance(() => { close(); openSettings(); }), ...keySection(() => close()), ...dataSection(), ...modelSection(), row];
    const { close } = openDialog({ title: say("settings"), content, kind: "wide-dialog", dismissed: () => close() });
    done.focus();
}

const section = (name, ...content) => [make("h3", "", say(name)), ...content];

function row(...content) {
    const own = make("div", "choices");
    own.append(...content);
    return own;
}

/// What came of it, for a notice of the page stands behind the dialog.
function outcomeLine() {
    const line = make("p", "outcome");
    line.setAttribute("role", "status");
    return line;
}

// ---------------------------------------------------------------------------------------------- appearance

function choice(label, options, chosen, change) {
    const frame = make("label", "choice"), select = make("select");
    select.append(...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
    select.addEventListener("change", () => change(select.value));
    frame.append(make("span", "", label), select);
    return frame;
}

/// A dialog that is open when the language changes is in the old one: it opens anew.
function appearance(reopen) {
    return section("appearance", row(
        choice(say("language"), languages, language.code, (code) => { language.choose(code); reopen(); }),
        choice(say("theme"), themes.map((name) => [name, say(`theme-${name}`)]), theme(), chooseTheme)));
}

// ---------------------------------------------------------------------------------------------- key

function keySection(close) {
    const frame = make("label", "field"), field = Object.assign(make("input"), { readOnly: true, type: "password", value: key.stored() ?? "", autocomplete: "off" });
    const show = button(say("key-show"), "", () => {
        field.type = field.type === "password" ? "text" : "password";
        show.textContent = say(field.type === "password" ? "key-show" : "key-hide");
    });
    const copy = button(say("copy"), "", async () => { await copyText(key.stored() ?? ""); announce(say("copied")); copy.textContent = say("copied"); });
    const outcome = outcomeLine();
    frame.append(make("span", "", say("key")), field);
    return section("key-section", make("p", "", say("key-text")), frame, row(
        show, copy,
        button(say("key-use"), "", useAnother),
        button(say("key-rotate"), "", () => rotateKey(outcome)),
        button(say("key-forget"), "danger", () => forget(close))), outcome, ...formerKeys());
}

/// Keys that were replaced are still here; whoever changed their mind goes back.
function formerKeys() {
    const former = key.former();
    if (!former.length) return [];
    const list = make("div", "choices");
    for (const one of former) {
        // The first characters tell one's keys apart and open nothing.
        list.append(button(say("key-former", { start: one.slice(5, 9) }), "", () => key.replace(one, key.stored()) && location.reload()));
    }
    return [make("p", "", say("key-former-text")), list];
}

async function useAnother() {
    const stored = key.stored(), other = await askForKey(isKey);
    if (other && other !== stored && key.replace(other, stored)) location.reload();
}

async function rotateKey(outcome) {
    if (!await askToRotate()) return;
    if (await attempt(rotate)) location.reload(); else outcome.textContent = part("notice-text").textContent;
}

async function forget(close) {
    const choice = await askToForget();
    if (!choice) return;
    if (choice === "delete" && !await attempt(() => persist(() => call("DELETE", "/session")))) return close();
    key.forget();
    history.replaceState(null, "", location.pathname);
    location.reload();
}

// ---------------------------------------------------------------------------------------------- data, models

function dataSection() {
    const file = Object.assign(make("input"), { type: "file", accept: ".json,application/json", hidden: true }), outcome = outcomeLine();
    file.addEventListener("change", async () => {
        outcome.textContent = say("importing");
        outcome.textContent = await bringBack(file.files[0]) ?? part("notice-text").textContent;
        file.value = "";
    });
    return section("data-section", make("p", "", say("data-text")), row(
        button(say("save-all-markdown"), "", () => saveAll("markdown")),
        button(say("save-all-json"), "", () => saveAll("json")),
        button(say("import"), "", () => file.click())), file, outcome);
}

function modelSection() {
    const list = make("dl", "models-list");
    for (const { id, label, provider, context_tokens: context } of models.all) {
        const line = make("div"), facts = [provider, id, context && say("context", { n: number(context) })];
        line.append(make("dt", "", id === models.standard ? say("standard-model", { label }) : label), make("dd", "", facts.filter(Boolean).join(" · ")));
        list.append(line);
    }
    return section("model-section", list);
}
