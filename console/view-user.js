// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// One user: all members, the role, sessions, and what was done to it.

import { call, Problem } from "./api.js";
import { fill, h, icon, own, toast } from "./dom.js";
import { attempt, confirm } from "./form.js";
import { askToJoin, mayFill, removeMember } from "./group-parts.js";
import { value } from "./json.js";
import { address, can, go } from "./router.js";
import { date, n, problemText, t, time } from "./texts.js";
import { askForUser, attributesOf } from "./user-form.js";
import { face, role, status, typeOf } from "./user-parts.js";

/** @typedef {import("./api.js").User} User */

const title = t("user.title");

/** @param {HTMLElement} part @param {URLSearchParams} params */
export function show(part, params) {
    const uid = params.get("uid") ?? "";
    const path = `users/${encodeURIComponent(uid)}`;
    const crumb = h("a", { class: "crumb", href: "users" }, icon("left"), t("users.title"));
    const heading = h("h1", { tabindex: "-1", dir: "auto" }, "…");
    const faces = h("span");
    const chips = h("span");
    const actions = h("div", { class: "buttons" });
    const members = h("section", { class: "card" });
    const attributes = h("section", { class: "card" });
    const groups = h("section", { class: "card" });
    const trail = h("section", { class: "card", hidden: true });
    const sessions = h("section", { class: "card", hidden: true });
    /** @type {User} */
    let user;
    /** @type {string | null} */
    let etag = null;

    async function load() {
        try {
            const answer = await call("GET", path);
            user = answer.data.userData;
            ({ etag } = answer);
        } catch (error) {
            if (!(error instanceof Problem)) {
                throw error;
            }
            fill(part, crumb, h("div", { class: "message" },
                h("h1", { tabindex: "-1" }, t(error.status === 404 ? "user.gone" : "failed")),
                h("p", {}, problemText(error))));
            return;
        }
        draw();
        loadGroups();
        if (can("audit:read")) {
            below(trail, t("user.trail"), address("audit", { target: uid }), events());
        }
        if (can("sessions:read")) {
            below(sessions, t("user.sessions"), null, lastSessions());
        }
    }

    function draw() {
        document.title = `${user.display_name} · ${title}`;
        heading.textContent = user.display_name;
        fill(faces, face(user.display_name, "large"));
        fill(chips, status(user.active), " ", user.role === "sub_admin" && role(user.role));
        fill(actions, buttons());
        fill(members, h("h2", {}, t("user.members")), h("dl", { class: "members" },
            member("email", user.email), user.phone !== undefined && member("phone", user.phone),
            member("role", role(user.role)), member("active", status(user.active)),
            member("created_at", time(user.created_at)), member("updated_at", time(user.updated_at)),
            member("user_uid", h("code", {}, user.user_uid))));
        const all = attributesOf(user);
        fill(attributes, h("h2", {}, t("attributes")), all.length === 0
            ? h("p", { class: "quiet" }, t("attributes.none"))
            : h("dl", { class: "members" }, all.map(([name, content]) => [
                h("dt", {}, h("code", {}, name)),
                h("dd", { dir: "auto" }, typeOf(content) === "yes-no" ? t(content ? "yes" : "no")
                    : value(content),
                h("span", { class: "type" }, t(`type.${typeOf(content)}`)))])));
    }

    /** @param {string} name @param {import("./dom.js").Child} content */
    const member = (name, content) => [h("dt", {}, t(/** @type {any} */ (`member.${name}`))),
        h("dd", { dir: "auto" }, content)];

    function buttons() {
        const button = (/** @type {import("./texts.js").Key} */ text, /** @type {() => any} */ act) =>
            h("button", { "data-focus": text, onclick: () => attempt(act) }, t(text));
        return [
            can("users:update") && [
                button("edit", edit),
                button(user.active ? "suspend" : "activate", () => suspend(!user.active))],
            can("sub-admins:manage")
                && (user.role === "user" ? button("make-sub-admin", () => appoint(true))
                    : button("end-sub-admin", () => appoint(false))),
            can("users:delete") && h("button", { class: "danger",
                onclick: () => attempt(remove) }, t("delete"))];
    }

    async function again() {
        const name = document.activeElement instanceof HTMLElement
            && actions.contains(document.activeElement)
            ? [...actions.querySelectorAll("button")].indexOf(
                /** @type {HTMLButtonElement} */ (document.activeElement)) : -1;
        await load();
        actions.querySelectorAll("button")[name]?.focus();
    }

    async function edit() {
        // What is changed is what the person sees now.
        const stored = await askForUser(user, etag);
        if (stored) {
            toast(t("saved"));
            await again();
        }
    }

    /** @param {boolean} active @param {boolean} [isUndo] */
    async function suspend(active, isUndo) {
        await call("PATCH", path, { body: { active } });
        await again();
        toast(n(active ? "activated" : "suspended", 1), isUndo ? undefined
            : { label: t("undo"), run: () => attempt(() => suspend(!active, true)) });
    }

    /** @param {boolean} isOne @param {boolean} [isUndo] */
    async function appoint(isOne, isUndo) {
        if (isOne) {
            await call("POST", "sub-admins/", { body: { user_uid: uid } });
        } else {
            await call("DELETE", `sub-admins/${encodeURIComponent(uid)}`);
        }
        await again();
        toast(n(isOne ? "appointed" : "dismissed", 1), isUndo ? undefined
            : { label: t("undo"), run: () => attempt(() => appoint(!isOne, true)) });
    }

    async function remove() {
        const isDone = await confirm(n("delete.title", 1), [h("p", {}, t("delete.text")),
            h("p", { dir: "auto" }, `${user.display_name}, ${user.email}`)], t("delete"),
        async () => {
            await call("DELETE", path, { etag });
            return true;
        });
        if (isDone) {
            go("users");
            toast(n("deleted", 1));
        }
    }

    /**
     * A list below, which is not worth an error of the whole view.
     * @param {HTMLElement} card @param {string} words @param {string | null} more
     * @param {Promise<import("./dom.js").Child[]>} content
     * @param {import("./dom.js").Child} [action]
     */
    async function below(card, words, more, content, action) {
        card.hidden = false;
        const head = h("div", { class: "title" }, h("h2", {}, words),
            more && h("a", { href: more }, t("all")), action);
        try {
            const items = await content;
            fill(card, head, items.length > 0 ? h("ul", { class: "events" }, items)
                : h("p", { class: "quiet" }, t("nothing-yet")));
        } catch (error) {
            fill(card, head, h("p", { class: "quiet" }, error instanceof Problem
                ? problemText(error) : String(error)));
        }
    }

    const loadGroups = () => below(groups, t("groups.title"), null, groupsOf(),
        can("groups:manage") && h("button", { "data-focus": "join", onclick: () => attempt(joinOne) },
            t("groups.add")));

    async function groupsOf() {
        const { data } = await call("GET", `groups/?${new URLSearchParams({ user_uid: uid,
            limit: "100", order_by: "display_name", count: "none" })}`);
        return data.groups.map((/** @type {import("./group-parts.js").Group} */ one) => h("li", {},
            h("a", { href: address("group", { id: one.group_id }), dir: "auto" }, one.display_name),
            mayFill(one.group_id) && h("button", { class: "plain",
                "aria-label": t("remove-one", one.display_name),
                onclick: () => removeMember(one, user, again) }, icon("close"))));
    }

    async function joinOne() {
        const joined = await askToJoin(user);
        if (joined) {
            toast(t("groups.joined", user.display_name, joined.display_name));
            await again();
        }
    }

    async function events() {
        const { data } = await call("GET", `audit-events/?${new URLSearchParams({ target: uid,
            order_by: "-at", limit: "8", count: "none" })}`);
        return data.audit_events.map((/** @type {any} */ event) => h("li", {},
            h("span", {}, h("code", {}, event.action), " ",
                own(event.actor.identity)),
            h("span", { class: "quiet" }, time(event.at))));
    }

    async function lastSessions() {
        const { data } = await call("GET", `sessions/?${new URLSearchParams({ user_uid: uid,
            order_by: "-started_at", limit: "8", count: "none" })}`);
        return data.sessions.map((/** @type {any} */ session) => h("li", {},
            own(session.activity),
            h("span", { class: "quiet" }, date(session.started_at))));
    }

    fill(part, crumb, h("div", { class: "head" }, faces, heading, chips, actions),
        h("div", { class: "columns" }, h("div", { class: "stack" }, members, attributes),
            h("div", { class: "stack" }, groups, trail, sessions)));
    load();
    return (/** @type {URLSearchParams} */ next) => next.get("uid") === uid;
}
