// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The audit trail: who changed what, and how it was before and after.

import { subject } from "./audit-parts.js";
import { fill, h, head, own } from "./dom.js";
import { field, input } from "./form.js";
import { value } from "./json.js";
import { list } from "./list.js";
import { address, go, here } from "./router.js";
import { t, time } from "./texts.js";
import { isSame } from "./user-parts.js";

const title = t("audit.title");

/** @typedef {import("./audit-parts.js").AuditEvent} AuditEvent */

const FILTERS = ["actor", "action", "target", "at_after", "at_before"];
const ACTIONS = ["users.create", "users.update", "users.delete", "users.erase",
    "groups.create", "groups.update", "groups.delete", "sub_admins.create", "sub_admins.delete",
    "invitations.create", "invitations.resend", "invitations.accept", "invitations.revoke",
    "api_keys.create", "api_keys.update", "api_keys.rotate", "api_keys.revoke", "sessions.create"];

/** The beginning of a day here, as an instant. @param {string} day @param {number} more */
function instant(day, more) {
    const [year, month, date] = day.split("-").map(Number);
    const made = new Date(year, month - 1, date + more);
    return Number.isNaN(made.getTime()) ? day : made.toISOString();
}

/** @param {AuditEvent} event */
function difference(event) {
    const before = event.before ?? {};
    const after = event.after ?? {};
    const text = (/** @type {any} */ one) => one === null || one === undefined ? "" : value(one);
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const changed = names.filter((name) => !isSame(before[name], after[name]));
    return h("table", { class: "diff" },
        h("thead", {}, h("tr", {}, [t("merge.member"), t("audit.before"), t("audit.after")]
            .map((words) => h("th", { scope: "col" }, words)))),
        h("tbody", {}, (event.before && event.after ? changed : names).map((name) => h("tr", {},
            h("th", { scope: "row" }, h("code", {}, name)),
            h("td", { dir: "auto" }, name in before && h("del", {}, text(before[name]))),
            h("td", { dir: "auto" }, name in after && h("ins", {}, text(after[name])))))));
}

/** @param {AuditEvent} event */
function details(event) {
    return h("div", { class: "stack" },
        event.before || event.after ? difference(event) : h("p", {}, t("audit.no-details")),
        h("p", { class: "quiet" }, [event.remote_addr, event.request_id
            && `Request-Id ${event.request_id}`, event.trace_id && `Trace ${event.trace_id}`]
            .filter(Boolean).join(" · ")),
        // Narrow screens have no column for it.
        h("p", {}, subject(event)));
}

/** @param {HTMLElement} part */
export function show(part) {
    const rows = list({
        view: "audit", path: "audit-events/", member: "audit_events", key: "event_uid",
        label: title, noun: "event", order: "-at", details,
        filters: (params) => Object.fromEntries(FILTERS.filter((name) => params.get(name))
            .map((name) => {
                const text = params.get(name) ?? "";
                // A day is a whole one, and the API leaves the named instant out.
                return [name, name === "at_after" ? instant(text, 0)
                    : name === "at_before" ? instant(text, 1) : text];
            })),
        columns: () => [
            { name: "at", title: t("audit.at"), order: "at", cell: (/** @type {AuditEvent} */ event) => [
                time(event.at), h("span", { class: "sub" }, event.action, " ",
                    own(event.actor.identity))] },
            { name: "action", title: t("audit.action"),
                cell: (event) => h("code", {}, event.action) },
            { name: "actor", title: t("audit.actor"),
                cell: (event) => own(event.actor.identity) },
            { name: "target", title: t("audit.target"), cell: subject }],
        empty: (isFiltered) => [h("h2", {}, t(isFiltered ? "audit.none-found" : "nothing-yet")),
            isFiltered && h("a", { class: "button", href: "audit" }, t("filters.clear"))],
    });

    const actions = h("datalist", { id: "actions" }, ACTIONS.map((name) =>
        h("option", { value: name })));
    const fields = FILTERS.map((name) => field(name, t(/** @type {any} */ (`audit.${name}`)),
        input({ type: name.startsWith("at_") ? "date" : "text",
            list: name === "action" && "actions" })));
    const form = h("form", { class: "tools", onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        go(address("audit", Object.fromEntries([...Object.entries({
            order_by: here().params.get("order_by") ?? "" }),
        ...fields.map((one) => [one.name, one.control.value.trim()])])), { isNew: false });
    } }, fields.map((one) => one.element), actions, h("button", { type: "submit" }, t("audit.filter")));

    function follow() {
        const { params } = here();
        for (const one of fields) {
            one.control.value = params.get(one.name) ?? "";
        }
        rows.load();
        return true;
    }
    fill(part, head(title), form, rows.element);
    follow();
    return follow;
}
