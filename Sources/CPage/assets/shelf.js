// What this browser keeps.

/// localStorage that never throws: blocked or full storage costs the memory of this browser, not the page.
export const shelf = {
    get(name) {
        try { return localStorage.getItem(name); } catch { return null; }
    },
    /// False: it was not kept.
    set(name, value) {
        try {
            if (value === null) localStorage.removeItem(name); else localStorage.setItem(name, value);
            return true;
        } catch { return false; }
    },
    names(prefix) {
        try { return Object.keys(localStorage).filter((name) => name.startsWith(prefix)); } catch { return []; }
    },
    /// What was written as JSON; null when there is nothing, or no JSON.
    read(name) {
        try { return JSON.parse(shelf.get(name)); } catch { return null; }
    },
    /// `heard()` when another window of this browser wrote or removed something whose name begins with `prefix`.
    watch(prefix, heard) {
        // `key: null` is localStorage.clear().
        addEventListener("storage", (event) => (event.key === null || event.key.startsWith(prefix)) && heard());
    },
};
