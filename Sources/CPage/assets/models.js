// The models on offer, and which of them the open conversation is answered by.

import { part } from "./elements.js";
import { say } from "./language.js";

export const models = { all: [], standard: null };

export const modelLabel = (id) => models.all.find((model) => model.id === id)?.label ?? id;

/// The choice of models; one that a conversation has and the server no longer offers is still named.
export function showModels(chosen) {
    const select = part("model"), options = models.all.map(({ id, label }) => [id, label]);
    if (chosen && !options.some(([id]) => id === chosen)) options.push([chosen, say("model-gone", { model: chosen })]);
    const known = JSON.stringify(options);
    if (select.dataset.options !== known) {
        select.dataset.options = known;
        select.replaceChildren(...options.map(([id, label]) => new Option(label, id)));
    }
    if (chosen) select.value = chosen;
}
