// Where the panel is: beside the page, out of the way, or on a narrow screen a drawer over it.

import { part } from "./elements.js";
import { shelf } from "./shelf.js";

const narrow = matchMedia("(max-width: 820px)");
const foldedName = "stoa.panel.folded";

export class Drawer {
    constructor() {
        this.open = false;
        part("panel-open").addEventListener("click", () => this.toggle());
        part("panel-close").addEventListener("click", () => this.toggle());
        part("backdrop").addEventListener("click", () => this.set(false));
        narrow.addEventListener("change", () => this.set(false, { focus: false }));
        this.set(false, { focus: false });
    }

    /// Shows the panel, or puts it away.
    toggle() {
        if (narrow.matches) return this.set(!this.open);
        const folded = !document.documentElement.hasAttribute("data-folded-panel");
        shelf.set(foldedName, folded ? "yes" : null);
        this.set(false);
    }

    /// What cannot be seen cannot be tabbed to either: `inert` on the panel or on the page behind it.
    set(open, { focus = true } = {}) {
        const folded = !narrow.matches && shelf.get(foldedName) !== null;
        this.open = open && narrow.matches;
        document.documentElement.toggleAttribute("data-drawer", this.open);
        document.documentElement.toggleAttribute("data-folded-panel", folded);
        part("panel").inert = narrow.matches ? !this.open : folded;
        part("main").inert = this.open;
        part("panel-open").setAttribute("aria-expanded", String(this.open || (!narrow.matches && !folded)));
        if (focus) part(this.open || !(folded || narrow.matches) ? "panel-close" : "panel-open").focus();
    }

    /// Until the panel can be seen.
    reveal() {
        if (narrow.matches) return this.set(true, { focus: false });
        shelf.set(foldedName, null);
        this.set(false, { focus: false });
    }
}
