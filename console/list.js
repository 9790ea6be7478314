// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// A list of the API, a page at a time, whose filters, order and page stand in the address.

import { call, Problem } from "./api.js";
import { h, fill, redraw, icon, say } from "./dom.js";
import { input } from "./form.js";
import { address, go, here } from "./router.js";
import { t, n, problemText } from "./texts.js";

/** @typedef {{name: string, title: string, order?: string, kind?: string,
 *      cell: (entry: any) => import("./dom.js").Child}} Column */

/**
 * @typedef {object} ListOptions
 * @property {string} view
 * @property {string} path of the API, "users/"
 * @property {string} member of the answer that has the entries, "users"
 * @property {string} key the member of an entry that names it
 * @property {string} label of the table
 * @property {import("./texts.js").Counted} noun
 * @property {string} [order] if the address has none
 * @property {(params: URLSearchParams) => Record<string, string>} filters for the API
 * @property {() => Column[]} columns
 * @property {(isFiltered: boolean) => import("./dom.js").Child} empty
 * @property {{chosen: Map<string, any>, changed: () => void, name: (entry: any) => string}}
 *      [selection]
 * @property {(entries: any[]) => void} [seen]
 * @property {(entry: any) => import("./dom.js").Child} [details] below an entry, when it is opened
 */

const LIMIT = 50;

/** @param {ListOptions} options */
export function list(options) {
    const counted = h("p", { class: "count" });
    const part = h("div", { class: "table", tabindex: "-1" });
    const pager = h("nav", { class: "pager", "aria-label": t("pages"), tabindex: "-1" });
    const element = h("section", {}, part, h("div", { class: "below" }, counted, pager));
    /** @type {AbortController | null} */
    let running = null;
    /** @type {any} */
    let page = null;
    let countedFor = "";

    const params = () => here().params;
    const order = () => params().get("order_by") ?? options.order ?? "";

    function query() {
        const filters = new URLSearchParams(options.filters(params()));
        const paged = new URLSearchParams(filters);
        const after = params().get("after");
        const before = params().get("before");
        paged.set("limit", String(LIMIT));
        if (order()) {
            paged.set("order_by", order());
        }
        if (after || before) {
            paged.set(after ? "start_after_id" : "end_before_id", after || before || "");
        }
        paged.set("count", "none");
        return { filters: filters.toString(), paged: paged.toString() };
    }

    /** @param {boolean} [isAgain] the filters are as they were, the entries may have changed */
    async function load(isAgain = false) {
        running?.abort();
        const mine = running = new AbortController();
        const { filters, paged } = query();
        if (page === null) {
            fill(part, skeleton(options.columns().length));
        }
        part.setAttribute("aria-busy", "true");
        try {
            const { data } = await call("GET", `${options.path}?${paged}`,
                { signal: mine.signal });
            page = data;
            options.seen?.(entries());
            draw();
            count(filters, mine.signal, isAgain);
        } catch (error) {
            if (mine.signal.aborted) {
                return;
            }
            page = null;
            fail(error);
        }
        part.removeAttribute("aria-busy");
    }

    // The number is asked for by itself, so that the page never waits for it.
    /** @param {string} filters @param {AbortSignal} signal @param {boolean} isAgain */
    async function count(filters, signal, isAgain) {
        if (countedFor === `?${filters}` && !isAgain) {
            return;
        }
        try {
            const { data } = await call("GET", `${options.path}?${filters && `${filters}&`}limit=1`,
                { signal });
            countedFor = `?${filters}`;
            counted.textContent = n(options.noun, data.query_count);
            say(counted.textContent);
        } catch (error) {
            if (!signal.aborted) {
                countedFor = "";
                counted.textContent = "";
            }
        }
    }

    /** @param {unknown} error */
    function fail(error) {
        if (!(error instanceof Problem)) {
            throw error;
        }
        // A cursor of another time or order: begin at the first page.
        const isLost = error.faults.some((fault) => /cursor/.test(fault.code));
        counted.textContent = "";
        countedFor = "";
        fill(pager);
        redraw(part, h("div", { class: "empty", role: "alert" },
            h("p", {}, error.faults.length > 0 && !isLost
                ? error.faults.map((fault) => `${fault.field}: ${fault.detail}`).join(" ")
                : problemText(error)),
            isLost ? h("a", { class: "button", href: at({ after: "", before: "" }) },
                t("first-page"))
                : h("button", { onclick: () => load() }, t("again"))));
    }

    const entries = () => /** @type {any[]} */ (page[options.member]);

    /** @param {Record<string, string>} changes */
    function at(changes) {
        return address(options.view, new URLSearchParams(
            { ...Object.fromEntries(params()), ...changes }));
    }

    function draw() {
        if (page === null) {
            return;
        }
        const rows = entries();
        const next = page.next_cursor;
        const previous = page.prev_cursor;
        part.removeAttribute("aria-busy");
        if (rows.length === 0) {
            const isFiltered = Object.keys(options.filters(params())).length > 0
                || params().has("after") || params().has("before");
            redraw(part, h("div", { class: "empty" }, options.empty(isFiltered)));
        } else {
            redraw(part, table(rows));
        }
        redraw(pager, (next || previous) && [
            step("previous", previous && { before: previous, after: "" }),
            step("next", next && { after: next, before: "" })]);
    }

    /** @param {"previous" | "next"} name @param {Record<string, string> | null} changes */
    function step(name, changes) {
        const words = name === "next" ? [t(name), icon("right")] : [icon("left"), t(name)];
        return changes
            ? h("a", { class: "button", href: at(changes), "data-stays": true,
                "data-focus": name, rel: name === "next" ? "next" : "prev" }, words)
            : h("span", { class: "button off", "aria-disabled": "true" }, words);
    }

    // On narrow screens there is only the first column, which tells the most important of all.
    /** @param {Column} column @param {number} index */
    const kindOf = (column, index) => column.kind ?? (index > 0 && "wide-only");

    /** @param {Column} column @param {number} index */
    function heading(column, index) {
        const isUp = order() === column.order;
        const isDown = order() === `-${column.order}`;
        if (!column.order) {
            return h("th", { scope: "col", class: kindOf(column, index) },
                column.kind === "end" ? h("span", { class: "hidden" }, column.title) : column.title);
        }
        return h("th", { scope: "col", class: kindOf(column, index),
            "aria-sort": isUp ? "ascending" : isDown ? "descending" : null },
        h("a", { href: at({ order_by: isUp ? `-${column.order}` : column.order, after: "",
            before: "" }), "data-stays": true, "data-focus": `order ${column.name}` },
        column.title, h("span", { class: "arrow", "aria-hidden": "true" },
            isUp ? "↑" : isDown ? "↓" : "")));
    }

    /** @param {any[]} rows */
    function table(rows) {
        const columns = options.columns();
        const { selection } = options;
        return h("table", {}, h("caption", { class: "hidden" }, options.label),
            h("thead", {}, h("tr", {}, selection && h("th", { scope: "col", class: "mark" },
                all(rows)), columns.map(heading))),
            h("tbody", {}, rows.map((entry) => row(entry, columns))));
    }

    /** @param {any[]} rows */
    function all(rows) {
        const selection = /** @type {NonNullable<ListOptions["selection"]>} */ (options.selection);
        const marked = rows.filter((entry) => selection.chosen.has(entry[options.key])).length;
        const box = h("input", { type: "checkbox", "aria-label": t("select-all"),
            "data-focus": "all", onchange: () => {
                for (const entry of rows) {
                    if (box.checked) {
                        selection.chosen.set(entry[options.key], entry);
                    } else {
                        selection.chosen.delete(entry[options.key]);
                    }
                }
                draw();
                selection.changed();
            } });
        box.checked = marked === rows.length;
        box.indeterminate = marked > 0 && marked < rows.length;
        return box;
    }

    /** @param {any} entry @param {Column[]} columns */
    function row(entry, columns) {
        const key = entry[options.key];
        const { selection, details } = options;
        const made = h("tr", { class: selection?.chosen.has(key) && "chosen" },
            selection && h("td", { class: "mark" }, h("input", {
                type: "checkbox", "data-focus": `mark ${key}`, checked: selection.chosen.has(key),
                "aria-label": t("select-one", selection.name(entry)), onchange: mark,
            })),
            columns.map((column, index) => h(index === 0 ? "th" : "td", {
                class: kindOf(column, index), scope: index === 0 ? "row" : null,
            }, index === 0 && details ? [opener(entry, columns.length), column.cell(entry)]
                : column.cell(entry))));
        /** @param {Event} event */
        function mark(event) {
            const box = /** @type {HTMLInputElement} */ (event.target);
            if (box.checked) {
                selection?.chosen.set(key, entry);
            } else {
                selection?.chosen.delete(key);
            }
            draw();
            selection?.changed();
        }
        return made;
    }

    /** @param {any} entry @param {number} width */
    function opener(entry, width) {
        const button = h("button", { class: "plain opener",
            "aria-expanded": "false", "aria-label": t("details"), onclick: () => {
                const own = /** @type {HTMLElement} */ (button.closest("tr"));
                const isOpen = button.getAttribute("aria-expanded") === "true";
                button.setAttribute("aria-expanded", String(!isOpen));
                if (isOpen) {
                    own.nextElementSibling?.remove();
                } else {
                    own.after(h("tr", { class: "details" }, h("td", { colspan: width },
                        options.details?.(entry))));
                }
            } }, icon("right"));
        return button;
    }

    return { element, load, draw, entries: () => page === null ? [] : entries() };
}

/**
 * Show a view with other filters, from the first page.
 * @param {string} view
 * @param {Record<string, string>} changes
 * @param {boolean} [replace] as for go()
 */
export const refilter = (view, changes, replace = false) => go(address(view, {
    ...Object.fromEntries(here().params), ...changes, after: "", before: "",
}), { replace, isNew: false });

/**
 * A field that searches while somebody types, and a function that makes it follow the address.
 * @param {string} view
 * @param {string} label
 * @param {string} hint
 */
export function searchField(view, label, hint) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let typing;
    const control = input({
        type: "search", "aria-label": label, placeholder: label, "aria-describedby": "search-hint",
        maxlength: 256, oninput: () => {
            clearTimeout(typing);
            typing = setTimeout(() => refilter(view, { q: control.value.trim() }, true), 250);
        },
    });
    return {
        control,
        element: h("div", { class: "search" }, icon("search"), control,
            h("span", { id: "search-hint", class: "hidden" }, hint)),
        follow: () => {
            if (document.activeElement !== control) {
                control.value = here().params.get("q") ?? "";
            }
        },
    };
}

/** @param {number} width */
function skeleton(width) {
    return h("table", { class: "skeleton", "aria-hidden": "true" }, h("tbody", {},
        Array.from({ length: 8 }, () => h("tr", {}, Array.from({ length: width }, () =>
            h("td", {}, h("i")))))));
}
