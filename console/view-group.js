// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// One group and its members.

import { call, Problem } from "./api.js";
import { fill, h, icon, own, toast } from "./dom.js";
import { attempt, confirm } from "./form.js";
import { askForGroup, askForMember, isReserved, mayFill, pathOf, removeMember }
    from "./group-parts.js";
import { list } from "./list.js";
import { address, can, go } from "./router.js";
import { n, problemText, t } from "./texts.js";
import { person, role, status } from "./user-parts.js";

/** @typedef {import("./api.js").User} User */
/** @typedef {import("./group-parts.js").Group} Group */

const title = t("groups.one");

/** @param {HTMLElement} part @param {URLSearchParams} params */
export function show(part, params) {
    const id = params.get("id") ?? "";
    const crumb = h("a", { class: "crumb", href: "groups" }, icon("left"), t("groups.title"));
    const heading = h("h1", { tabindex: "-1", dir: "auto" }, "…");
    const hint = h("p", { class: "quiet" });
    const actions = h("div", { class: "buttons" });
    /** @type {Group} */
    let group;
    /** @type {string | null} */
    let etag = null;

    const rows = list({
        view: "group", path: "users/", member: "users", key: "user_uid",
        label: t("groups.members"), noun: "member", order: "display_name",
        filters: () => ({ group: id }),
        columns: () => [
            { name: "display_name", title: t("member.display_name"), order: "display_name",
                cell: person },
            { name: "email", title: t("member.email"), order: "email",
                cell: (/** @type {User} */ user) => own(user.email) },
            { name: "role", title: t("member.role"), cell: (user) => role(user.role) },
            { name: "active", title: t("member.active"), cell: (user) => status(user.active) },
            ...mayFill(id) ? [{ name: "actions", title: t("actions"), kind: "end",
                cell: (/** @type {User} */ user) => h("button", {
                    "aria-label": t("remove-one", user.display_name),
                    onclick: () => removeMember(group, user, again) }, t("remove")) }] : []],
        empty: () => [h("h2", {}, t("groups.empty")), mayFill(id) && add()],
    });

    const add = () => h("button", { class: "primary", onclick: append }, icon("plus"),
        t("groups.add"));

    async function load() {
        try {
            const answer = await call("GET", pathOf(id));
            ({ etag, data: { group } } = answer);
        } catch (error) {
            if (!(error instanceof Problem)) {
                throw error;
            }
            fill(part, crumb, h("div", { class: "message" }, h("h1", { tabindex: "-1" },
                error.status === 404 ? t("groups.gone") : t("failed")),
            h("p", {}, problemText(error))));
            return;
        }
        document.title = `${group.display_name} · ${title}`;
        heading.textContent = group.display_name;
        fill(hint, isReserved(id) ? t("groups.reserved") : group.external_id
            && [`${t("groups.external-id")}: `, own(group.external_id)]);
        fill(actions, h("a", { class: "button", href: address("users", { group: id }) },
            t("groups.as-users")),
        can("groups:manage") && !isReserved(id) && [
            h("button", { onclick: () => attempt(rename) }, t("groups.rename")),
            h("button", { class: "danger", onclick: () => attempt(remove) }, t("delete"))],
        mayFill(id) && add());
    }

    const again = () => Promise.all([load(), rows.load(true)]);

    async function append() {
        const added = await askForMember(group);
        if (added) {
            toast(t("groups.joined", added.email, group.display_name));
            await again();
        }
    }

    async function rename() {
        if (await askForGroup(group, etag)) {
            toast(t("saved"));
            await load();
        }
    }

    async function remove() {
        const isDone = await confirm(t("groups.delete-title", group.display_name), [
            h("p", {}, n("groups.delete-text", group.member_count)),
            h("p", {}, t("delete.text"))], t("delete"), async () => {
            await call("DELETE", pathOf(id), { etag });
            return true;
        });
        if (isDone) {
            go("groups");
            toast(t("groups.deleted", group.display_name));
        }
    }

    fill(part, crumb, h("div", { class: "head" }, heading, actions), hint, rows.element);
    load();
    rows.load();
    return (/** @type {URLSearchParams} */ next) => {
        if (next.get("id") !== id) {
            return false;
        }
        rows.load();
        return true;
    };
}
