// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The organization at a glance.

import { call, Problem } from "./api.js";
import { subject } from "./audit-parts.js";
import * as chart from "./chart.js";
import { fill, h, head, own } from "./dom.js";
import { address, can, session } from "./router.js";
import { figure, problemText, t, time } from "./texts.js";

/** @param {HTMLElement} part */
export function show(part) {
    const tiles = h("div", { class: "tiles" });
    const payment = h("span", { class: "quiet" });
    const activities = h("section", { class: "card" });
    const latest = h("section", { class: "card", hidden: true });
    const users = h("section", { class: "card" });
    const sessions = h("section", { class: "card" });
    const failed = h("p", { class: "error", role: "alert" });
    const first = h("div", { class: "table", hidden: true }, h("div", { class: "empty" },
        h("h2", {}, t("users.none")), h("p", {}, t("users.none-hint")),
        h("div", { class: "buttons" },
            h("a", { class: "button", href: "import" }, t("import.title")),
            h("a", { class: "button primary", href: "users" }, t("users.title")))));

    /**
     * @param {import("./texts.js").Key} words @param {number | string} value
     * @param {string} permission what the view that it leads to needs
     * @param {string} [href]
     */
    function tile(words, value, permission, href) {
        const content = [h("span", { class: "quiet" }, t(words)),
            h("b", {}, typeof value === "number" ? figure(value) : value)];
        return href && can(permission) ? h("a", { class: "tile", href }, content)
            : h("div", { class: "tile" }, content);
    }

    const active = can("users:read")
        ? tile("overview.active", "…", "users:read", address("users", { active: "true" }))
        : null;

    async function load() {
        const { data } = await call("GET", "organization-status/");
        fill(tiles, tile("users.title", data.user_count, "users:read", "users"), active,
            tile("overview.sub-admins", data.sub_admin_count, "sub-admins:read", "sub-admins"),
            tile("overview.invitations", data.pending_invitation_count, "invitations:read",
                "invitations"),
            tile("overview.sessions", data.session_count, ""));
        first.hidden = data.user_count > 0 || !can("users:create");
        payment.textContent = t("overview.payment", data.payment_type);
        fill(activities, h("h2", {}, t("overview.activities")), data.activities.length > 0
            ? h("ul", { class: "events" }, data.activities.map((/** @type {string} */ name) =>
                h("li", { dir: "auto" }, name)))
            : h("p", { class: "quiet" }, t("nothing-yet")));
    }

    async function loadActive() {
        const { data } = await call("GET", "users/?active=true&limit=1");
        fill(/** @type {Element} */ (active?.querySelector("b")), figure(data.query_count));
    }

    async function loadHistory() {
        const { data } = await call("GET", "organization-status/history?days=30");
        /** @param {string} member */
        const counts = (member) => data.days.map((/** @type {any} */ one) =>
            ({ date: one.date, count: one[member] }));
        chart.draw(users, t("history.users"), counts("users_created"));
        chart.draw(sessions, t("history.sessions"), counts("sessions_started"));
    }

    async function loadLatest() {
        const { data } = await call("GET", "audit-events/?order_by=-at&limit=8&count=none");
        latest.hidden = false;
        fill(latest, h("div", { class: "title" }, h("h2", {}, t("overview.latest")),
            h("a", { href: "audit" }, t("all"))),
        data.audit_events.length > 0
            ? h("ul", { class: "events" }, data.audit_events.map((
                /** @type {import("./audit-parts.js").AuditEvent} */ event) =>
                h("li", {}, h("span", {}, h("code", {}, event.action), " ", subject(event)),
                    h("span", { class: "quiet" },
                        own(t("overview.by", event.actor.identity)), " · ", time(event.at)))))
            : h("p", { class: "quiet" }, t("nothing-yet")));
    }

    /** @param {unknown} error */
    function tell(error) {
        if (!(error instanceof Problem)) {
            throw error;
        }
        failed.textContent = problemText(error);
    }

    chart.draw(users, t("history.users"));
    chart.draw(sessions, t("history.sessions"));
    fill(part, head(session.me.organization, payment), failed, tiles, first,
        h("div", { class: "columns" }, users, sessions, latest, activities));
    load().catch(tell);
    loadHistory().catch(tell);
    if (active) {
        loadActive().catch(tell);
    }
    if (can("audit:read")) {
        loadLatest().catch(tell);
    }
    return () => true;
}
