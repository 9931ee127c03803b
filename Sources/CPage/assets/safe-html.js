// What the server made of a model's Markdown, as elements of the page.

// The server renders Markdown in safe mode. The page trusts that no more than it must: it parses the HTML into a
// document that cannot run or load anything, and copies only what is named here. A model's output can therefore not
// bring scripts, styles, forms, ids, classes or buttons that look like the page's own.

import { action, icon, make } from "./elements.js";
import { say } from "./language.js";

const policy = globalThis.trustedTypes?.createPolicy("stoa-markdown", { createHTML: (html) => html });
const parse = (html) => new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html").body;

/// Allowed tags, and what they become: headings step down below the page's own.
const tags = new Map(Object.entries({ H1: "h3", H2: "h4", H3: "h5", H4: "h6", H5: "h6", H6: "h6" }).concat(
    ("P BR HR UL OL LI BLOCKQUOTE PRE CODE EM STRONG B I DEL S SUP SUB KBD TABLE THEAD TBODY TR TH TD A INPUT IMG")
        .split(" ").map((tag) => [tag, tag.toLowerCase()])));
const dropped = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "NOSCRIPT", "TITLE", "TEXTAREA", "SELECT", "SVG", "MATH"]);

/// Absolute addresses only: a relative one would lead into this very page.
function addressOf(text) {
    try {
        const url = new URL(text);
        return ["https:", "http:", "mailto:"].includes(url.protocol) ? url : null;
    } catch { return null; }
}

function linkTo(url, text) {
    const anchor = make("a", "", text);
    if (!url) return anchor; // not an address: plain text
    anchor.href = url.href;
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer nofollow";
    anchor.title = url.href;
    return anchor;
}

/// A link that says it leads to one host and leads to another is followed by the host it leads to.
function trueHost(anchor, url) {
    const named = /^\s*(?:https?:\/\/)?(?:[^\s/@]*@)?((?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,})(?=[\s/:?#]|$)/iu.exec(anchor.textContent)?.[1];
    if (!named || !url?.host) return null;
    try {
        if (new URL(`http://${named}`).hostname.replace(/^www\./, "") === url.hostname.replace(/^www\./, "")) return null;
    } catch { /* no host: then it cannot be the same */ }
    return make("span", "leads-to", ` (${url.host})`);
}

function image(node, inLink) {
    const source = node.getAttribute("src") ?? "", text = node.getAttribute("alt") || say("image");
    if (/^data:image\/(png|jpeg|gif|webp);/i.test(source)) {
        const own = make("img");
        own.alt = text;
        own.src = source;
        return own;
    }
    // Loading an image tells its host who reads what, so the reader decides.
    return inLink ? make("span", "", text) : Object.assign(linkTo(addressOf(source), text), { className: "image-link" });
}

function copyInto(target, source, inLink = false) {
    for (const node of source.childNodes) {
        if (node.nodeType === Node.TEXT_NODE) { target.append(node.data); continue; }
        if (node.nodeType !== Node.ELEMENT_NODE || dropped.has(node.tagName.toUpperCase())) continue;
        const tag = tags.get(node.tagName);
        if (!tag) { copyInto(target, node, inLink); continue; }
        if (tag === "img") { target.append(image(node, inLink)); continue; }
        const url = tag === "a" ? addressOf(node.getAttribute("href")) : null;
        const own = tag === "a" ? linkTo(url) : make(tag);
        if (tag === "input") {
            Object.assign(own, { type: "checkbox", disabled: true, checked: node.hasAttribute("checked") });
            own.setAttribute("aria-label", say(own.checked ? "task-done" : "task-open"));
        }
        if (tag === "ol" && node.start !== 1) own.start = node.start;
        if ((tag === "td" || tag === "th") && /^(left|right|center)$/.test(node.align)) own.align = node.align;
        copyInto(own, node, inLink || tag === "a");
        target.append(tag === "pre" ? codeBlock(own, node) : tag === "table" ? wideBlock(own) : own);
        if (tag === "a") target.append(trueHost(own, url) ?? "");
    }
}

function codeBlock(pre, source) {
    const language = source.getAttribute("lang")
        ?? /(?:^|\s)language-(\S+)/.exec(source.querySelector("code")?.className ?? "")?.[1] ?? "";
    const figure = make("figure", "code"), head = make("figcaption"), tools = make("span", "code-tools");
    const copy = action("copy-code", say("copy")), wrap = action("wrap", say("wrap"));
    copy.prepend(icon("copy"));
    wrap.setAttribute("aria-pressed", String(document.documentElement.hasAttribute("data-wrap")));
    tools.append(wrap, copy);
    head.append(make("span", "", language.slice(0, 30) || say("code-text")), tools);
    pre.dir = "ltr";
    pre.tabIndex = 0;
    figure.append(head, pre);
    return figure;
}

function wideBlock(table) {
    const frame = make("div", "wide");
    frame.tabIndex = 0;
    frame.append(table);
    return frame;
}

/// One top-level block of an answer.
export function blockOf(html) {
    const own = make("div", "block");
    own.dir = "auto";
    copyInto(own, parse(html));
    return own;
}
