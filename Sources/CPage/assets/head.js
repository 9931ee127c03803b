// What stands around the log: title, model, the button that sends or stops, and the empty page.

import { part } from "./elements.js";
import { composer } from "./composer.js";
import { conversations } from "./conversations.js";
import { chat } from "./chat.js";
import { say } from "./language.js";
import { models, showModels } from "./models.js";
import { titleOfConversation } from "./panel.js";

export function showHead() {
    const conversation = conversations.of(chat.current), title = titleOfConversation(conversation);
    part("title").textContent = title;
    document.title = conversation ? `${title} · Stoa` : "Stoa";
    part("empty").hidden = !(chat.log.empty && part("loading").hidden && (!chat.current || chat.log.conversation === chat.current));
    showSend();
    showModels(chat.wishes.model ?? conversation?.model ?? models.standard);
    const instructed = Boolean(conversation ? conversation.system_prompt : chat.wishes.system_prompt);
    part("instructions").toggleAttribute("data-set", instructed);
    part("instructions").setAttribute("aria-label", say(instructed ? "instructions-set" : "instructions"));
}

function showSend() {
    const running = chat.isRunning, button = part("send");
    if (!running) chat.stopping = false;
    document.documentElement.toggleAttribute("data-running", running);
    button.setAttribute("aria-label", say(running ? (chat.stopping ? "stopping" : "stop-answer") : "send"));
    button.disabled = running ? chat.stopping : !composer.text.trim() || !composer.fits;
    part("hint-enter").textContent = say(running ? "hint-queues" : "hint-sends");
}
