// Conversations as files: saved from the server, and brought back. Loaded when it is first asked for.

import { download } from "./elements.js";
import { number, say } from "./language.js";
import { notice } from "./notice.js";
import { titleOfConversation } from "./panel.js";
import { call, exchange, persist } from "./requests.js";
import { attempt } from "./trouble.js";

const transferMs = 120_000;
const today = () => new Date().toISOString().slice(0, 10);
const suffix = { markdown: "md", json: "json" };

/// A file name that every system takes.
const fileName = (title) => title.replace(/[\p{C}\\/:*?"<>|]+/gu, " ").trim().slice(0, 80) || "stoa";

/// The server names what it sends; where it does not, the title does.
function nameOf(response, otherwise) {
    const given = response.headers.get("Content-Disposition") ?? "";
    const coded = /filename\*=UTF-8''([^;]+)/i.exec(given)?.[1], plain = /filename="([^"]+)"/i.exec(given)?.[1];
    try { return fileName(decodeURIComponent(coded ?? "") || plain || otherwise); } catch { return fileName(plain ?? otherwise); }
}

const save = (path, otherwise) => attempt(async () => {
    const response = await persist(() => exchange("GET", path, undefined, { timeoutMs: transferMs }));
    download(await response.blob(), nameOf(response, otherwise));
});

export const saveConversation = (conversation, format) =>
    save(`/conversations/${conversation.id}/export?format=${format}`, `${fileName(titleOfConversation(conversation))}.${suffix[format]}`);

export const saveAll = (format) => save(`/export?format=${format}`, `stoa-${today()}.${suffix[format]}`);

/// Sends an export of Stoa to the server; the same one twice arrives once. Resolves to what came of it in words, or null.
export async function bringBack(file) {
    let words = null;
    await attempt(async () => {
        const body = new Blob([file], { type: "application/json" });
        const { imported, skipped } = await persist(() => call("POST", "/import", body, { timeoutMs: transferMs }));
        words = say("imported", { count: imported, n: number(imported) }) + (skipped ? ` ${say("skipped", { count: skipped, n: number(skipped) })}` : "");
        notice(words, { kind: "info" });
    });
    return words;
}
