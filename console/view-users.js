// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Users: search, filters, order, columns, and what is done to several of them.

import { call, Problem } from "./api.js";
import { fill, h, head, icon, own, toast } from "./dom.js";
import { exportUsers } from "./export.js";
import { ask, confirm, select } from "./form.js";
import { pathOf } from "./group-parts.js";
import { value } from "./json.js";
import { list, refilter, searchField } from "./list.js";
import { address, can, go, here } from "./router.js";
import { date, MEMBERS, memberTitle, n, problemText, t } from "./texts.js";
import { askForUser } from "./user-form.js";
import { person, role, status } from "./user-parts.js";

/** @typedef {import("./api.js").User} User */

const title = t("users.title");

const FILTERS = ["q", "role", "active", "group"];

const ORDER = "-created_at";

// ---- the columns that the person has chosen ----

const STORED = "usermgmt-console-columns";

/** @returns {{shown: string[], known: string[]}} known: attributes that users had */
function stored() {
    try {
        const found = JSON.parse(localStorage.getItem(STORED) ?? "");
        if ([found.shown, found.known].every((names) => Array.isArray(names)
            && names.every((name) => typeof name === "string"))) {
            return found;
        }
    } catch {
        // Nothing is stored, or the browser keeps nothing.
    }
    return { shown: ["email", "role", "active", "created_at"], known: [] };
}

/** @param {{shown: string[], known: string[]}} columns */
function store(columns) {
    try {
        localStorage.setItem(STORED, JSON.stringify(columns));
    } catch {
        // They hold until the page is left.
    }
}

/** @param {string} name @param {User} user */
function cell(name, user) {
    switch (name) {
    case "role": return role(user.role);
    case "active": return status(user.active);
    case "created_at":
    case "updated_at": return date(user[name]);
    default: return name in user ? own(value(user[name])) : "";
    }
}

// ---- the view ----

/** @param {HTMLElement} part */
export function show(part) {
    const columns = stored();
    /** @type {Map<string, User>} */
    const chosen = new Map();

    /** @param {URLSearchParams} params @returns {Record<string, string>} */
    const filters = (params) => Object.fromEntries(FILTERS.filter((name) => params.get(name))
        .map((name) => [name, params.get(name) ?? ""]));

    const users = list({
        view: "users", path: "users/", member: "users", key: "user_uid", label: title,
        noun: "user", order: ORDER,
        filters,
        columns: () => [
            { name: "display_name", title: t("member.display_name"), order: "display_name",
                cell: person },
            ...columns.shown.map((name) => ({
                name, title: memberTitle(name),
                order: ["email", "created_at"].includes(name) ? name : undefined,
                cell: (/** @type {User} */ user) => cell(name, user),
            }))],
        empty: (isFiltered) => isFiltered
            ? [h("h2", {}, t("users.none-found")), h("p", {}, t("users.search-hint")),
                h("a", { class: "button", href: "users" }, t("filters.clear"))]
            : [h("h2", {}, t("users.none")), h("p", {}, t("users.none-hint")),
                can("users:create") && h("div", { class: "buttons" },
                    h("a", { class: "button", href: "import" }, t("import.title")),
                    h("button", { class: "primary", onclick: create }, t("users.new")))],
        seen: (entries) => {
            const names = entries.flatMap(Object.keys)
                .filter((name) => !MEMBERS.includes(name) && !columns.known.includes(name));
            if (names.length > 0) {
                columns.known = [...new Set([...columns.known, ...names])].slice(0, 100);
                store(columns);
                drawMenu();
            }
        },
        selection: { chosen, changed: drawMarked, name: (user) => user.display_name },
    });

    // ---- search and filters ----

    const search = searchField("users", t("users.search"), t("users.search-hint"));
    const roles = select([["", t("filter.role")], ["user", t("role.user")],
        ["sub_admin", t("role.sub_admin")]], "", {
        "aria-label": t("member.role"), onchange: () => refilter("users", { role: roles.value }),
    });
    const states = select([["", t("filter.active")], ["true", t("active")],
        ["false", t("suspended")]], "", {
        "aria-label": t("member.active"), onchange: () => refilter("users", { active: states.value }),
    });

    // The group whose members are shown, and how to show all again.
    const chip = h("span");
    let chipOf = "";
    async function drawChip() {
        const id = here().params.get("group") ?? "";
        if (id === chipOf) {
            return;
        }
        chipOf = id;
        fill(chip);
        const name = id && await call("GET", pathOf(id)).then(({ data }) =>
            data.group.display_name, () => id);
        if (id === chipOf) {
            fill(chip, id && h("button", { class: "button",
                "aria-label": t("filter.group-clear", name), onclick: () => {
                    refilter("users", { group: "" });
                    search.control.focus();
                } }, own(t("filter.group", name)), icon("close")));
        }
    }

    function follow() {
        const { params } = here();
        drawChip();
        search.follow();
        roles.value = params.get("role") ?? "";
        states.value = params.get("active") ?? "";
        users.load();
        return true;
    }

    // ---- columns ----

    const menu = h("div");
    const details = h("details", { class: "menu wide-only" },
        h("summary", { class: "button" }, icon("columns"), t("columns")), menu);

    function drawMenu() {
        fill(menu, [...MEMBERS.filter((name) => name !== "display_name"), ...columns.known]
            .map((name) => {
                const box = h("input", { type: "checkbox",
                    checked: columns.shown.includes(name), onchange: () => {
                        columns.shown = box.checked ? [...columns.shown, name]
                            : columns.shown.filter((one) => one !== name);
                        store(columns);
                        users.draw();
                    } });
                return h("label", { dir: "auto" }, box, memberTitle(name));
            }));
    }

    /** @param {User[] | null} some */
    const download = (some) => exportUsers({ ...filters(here().params),
        order_by: here().params.get("order_by") ?? ORDER }, ["display_name", ...columns.shown], some);

    // ---- the chosen users ----

    const marked = h("div", { class: "marked", role: "region", "aria-label": t("chosen") });

    function drawMarked() {
        const all = [...chosen.values()];
        marked.hidden = all.length === 0;
        const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
            h("button", { onclick }, text);
        fill(marked, h("strong", {}, n("chosen", all.length)), h("span", { class: "space" }),
            can("users:update") && [
                all.some((user) => user.active) && button(t("suspend"), () => suspend(false)),
                all.some((user) => !user.active) && button(t("activate"), () => suspend(true))],
            can("sub-admins:manage") && all.some((user) => user.role === "user")
                && button(t("make-sub-admin"), appoint),
            button(t("export"), () => download(all)),
            can("users:delete") && h("button", { class: "danger",
                onclick: remove }, t("delete")),
            button(t("chosen.clear"), () => {
                chosen.clear();
                drawMarked();
                users.draw();
                search.control.focus();
            }));
    }

    /**
     * Do something to each of them, and tell what was refused.
     * @param {User[]} some
     * @param {import("./texts.js").Counted} done
     * @param {(user: User) => Promise<any>} act
     * @param {(() => void) | null} undo
     */
    async function each(some, done, act, undo) {
        const bar = h("progress", { max: some.length, value: 0, "aria-label": t("working") });
        /** @type {[User, Problem][]} */
        const refused = [];
        fill(marked, bar, h("span", {}, t("working")));
        for (const user of some) {
            try {
                await act(user);
                chosen.delete(user.user_uid);
            } catch (error) {
                if (!(error instanceof Problem)) {
                    throw error;
                }
                refused.push([user, error]);
            }
            bar.value++;
        }
        drawMarked();
        await users.load(true);
        if (marked.hidden) {
            search.control.focus();
        }
        const count = some.length - refused.length;
        if (count > 0) {
            toast(n(done, count), undo ? { label: t("undo"), run: undo } : undefined);
        }
        if (refused.length > 0) {
            await ask({ title: n("refused", refused.length), submit: t("done"), wide: true,
                run: async () => true,
                body: h("ul", { class: "events" }, refused.map(([user, problem]) => h("li", {},
                    h("strong", { dir: "auto" }, user.display_name),
                    h("span", {}, problemText(problem))))) });
        }
    }

    /** @param {boolean} active @param {User[]} [some] */
    function suspend(active, some = [...chosen.values()].filter((user) => user.active !== active)) {
        each(some, active ? "activated" : "suspended",
            (user) => call("PATCH", `users/${user.user_uid}`, { body: { active } }),
            () => suspend(!active, some));
    }

    function appoint() {
        const some = [...chosen.values()].filter((user) => user.role === "user");
        each(some, "appointed",
            (user) => call("POST", "sub-admins/", { body: { user_uid: user.user_uid } }),
            () => each(some, "dismissed",
                (user) => call("DELETE", `sub-admins/${user.user_uid}`), null));
    }

    async function remove() {
        const some = [...chosen.values()];
        const isSure = await confirm(n("delete.title", some.length), [
            h("p", {}, t("delete.text")),
            h("p", { dir: "auto" }, some.slice(0, 5).map((user) => user.display_name).join(", "),
                some.length > 5 && ` … (${some.length})`)], t("delete"), async () => true);
        if (isSure) {
            await each(some, "deleted", (user) => call("DELETE", `users/${user.user_uid}`), null);
        }
    }

    async function create() {
        const made = await askForUser(null, null);
        if (made) {
            toast(t("users.made", made.display_name), {
                label: t("open"), run: () => go(address("user", { uid: made.user_uid })),
            });
            users.load(true);
        }
    }

    fill(part,
        head(title, h("button", { onclick: () => download(null) }, t("export")),
            can("users:create") && [h("a", { class: "button", href: "import" },
                icon("import"), t("import.title")), h("button", { class: "primary",
                onclick: create }, icon("plus"), t("users.new"))]),
        h("div", { class: "tools" },
            search.element, roles, states, chip, h("span", { class: "space" }), details),
        marked, users.element);
    drawMenu();
    drawMarked();
    follow();
    return follow;
}
