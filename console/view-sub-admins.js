// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Sub-admins: who they are, and users that become one.

import { call, idempotency } from "./api.js";
import { fill, h, head, icon, own, toast } from "./dom.js";
import { ask, attempt, field, input } from "./form.js";
import { list } from "./list.js";
import { address, can } from "./router.js";
import { date, n, t } from "./texts.js";
import { face } from "./user-parts.js";

const title = t("sub-admins.title");

/** @typedef {{user_uid: string, email: string, display_name: string, added_by: string,
 *      created_at: string}} SubAdmin */

/** @param {HTMLElement} part */
export function show(part) {
    const mayManage = can("sub-admins:manage");
    const add = () => h("button", { class: "primary", onclick: append },
        icon("plus"), t("sub-admins.add"));
    const rows = list({
        view: "sub-admins", path: "sub-admins/", member: "sub_admins", key: "user_uid",
        label: title, noun: "sub-admin", filters: () => ({}),
        columns: () => [
            { name: "display_name", title: t("member.display_name"),
                cell: (/** @type {SubAdmin} */ one) => h("div", { class: "person" },
                    face(one.display_name), h("span", {}, can("users:read")
                        ? h("a", { href: address("user", { uid: one.user_uid }), dir: "auto" },
                            one.display_name)
                        : own(one.display_name),
                    h("span", { class: "sub", dir: "auto" }, one.email))) },
            { name: "email", title: t("member.email"),
                cell: (one) => own(one.email) },
            { name: "added_by", title: t("sub-admins.added-by"),
                cell: (one) => own(one.added_by) },
            { name: "created_at", title: t("sub-admins.since"),
                cell: (one) => date(one.created_at) },
            ...mayManage ? [{ name: "actions", title: t("actions"), kind: "end",
                cell: (/** @type {SubAdmin} */ one) => h("button", { "aria-label": t("remove-one", one.display_name),
                    onclick: () => attempt(() => remove(one)) }, t("remove")) }] : []],
        empty: () => [h("h2", {}, t("sub-admins.none")), h("p", {}, t("sub-admins.none-hint")),
            mayManage && add()],
    });

    async function append() {
        const email = field("email", t("member.email"), input({ type: "email" }),
            t("sub-admins.hint"));
        const key = idempotency();
        const made = await ask({
            title: t("sub-admins.add"), submit: t("make-sub-admin"), body: email.element,
            fields: () => [email],
            run: async () => {
                const body = { email: email.control.value };
                return (await call("POST", "sub-admins/", { body, key: key(body) })).data.sub_admin;
            },
        });
        if (made) {
            toast(n("appointed", 1));
            rows.load(true);
        }
    }

    /** @param {SubAdmin} one */
    async function remove(one) {
        await call("DELETE", `sub-admins/${encodeURIComponent(one.user_uid)}`);
        await rows.load(true);
        toast(n("dismissed", 1), { label: t("undo"), run: () => attempt(async () => {
            await call("POST", "sub-admins/", { body: { user_uid: one.user_uid } });
            await rows.load(true);
        }) });
    }

    fill(part, head(title, mayManage && add()), rows.element);
    rows.load();
    return () => {
        rows.load();
        return true;
    };
}
