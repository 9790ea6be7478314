// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// What is done to groups in several views.

import { call, idempotency } from "./api.js";
import { h, toast } from "./dom.js";
import { ask, attempt, field, input } from "./form.js";
import { can } from "./router.js";
import { t } from "./texts.js";

/** @typedef {{group_id: string, display_name: string, external_id: string | null,
 *      member_count: number, created_at: string, updated_at: string}} Group */

// The members of this one are the sub-admins.
const RESERVED = "sub-admins";

/** @param {string} id */
export const isReserved = (id) => id === RESERVED;

/** May the caller change the members? @param {string} id */
export const mayFill = (id) => can(isReserved(id) ? "sub-admins:manage" : "groups:manage");

/** @param {string} id */
export const pathOf = (id) => `groups/${encodeURIComponent(id)}`;

/**
 * Add a user to a group.
 * @param {string} id
 * @param {{email: string} | {user_uid: string}} body
 * @param {string} [key]
 */
export const join = (id, body, key) => call("POST",
    isReserved(id) ? "sub-admins/" : `${pathOf(id)}/members/`, { body, key });

/** @param {string} id @param {string} uid */
const leave = (id, uid) => isReserved(id)
    ? call("DELETE", `sub-admins/${encodeURIComponent(uid)}`)
    : call("DELETE", `${pathOf(id)}/members/`, { body: { user_uid: uid } });

/**
 * Remove a user from a group, which can be undone.
 * @param {Group} group
 * @param {{user_uid: string, display_name: string}} user
 * @param {() => Promise<any>} changed
 */
export const removeMember = (group, user, changed) => attempt(async () => {
    await leave(group.group_id, user.user_uid);
    await changed();
    toast(t("groups.left", user.display_name, group.display_name), {
        label: t("undo"), run: () => attempt(async () => {
            await join(group.group_id, { user_uid: user.user_uid });
            await changed();
        }),
    });
});

/**
 * Ask for a new group, or for another name of one.
 * @param {Group | null} group
 * @param {string | null} etag
 * @returns {Promise<Group | null>}
 */
export function askForGroup(group, etag) {
    const name = field("display_name", t("member.display_name"),
        input({ maxlength: 256, value: group?.display_name ?? "" }));
    const key = idempotency();
    return ask({
        title: t(group ? "groups.rename" : "groups.new"), submit: t(group ? "save" : "create"),
        body: name.element, fields: () => [name],
        run: async () => {
            const body = { display_name: name.control.value };
            const { data } = group
                ? await call("PATCH", pathOf(group.group_id), { body, etag })
                : await call("POST", "groups/", { body, key: key(body) });
            return data.group;
        },
    });
}

/**
 * Ask for a user who becomes a member.
 * @param {Group} group
 */
export function askForMember(group) {
    const email = field("email", t("member.email"), input({ type: "email" }), t("groups.add-hint"));
    const key = idempotency();
    return ask({
        title: t("groups.add-to", group.display_name), submit: t("groups.add"),
        body: email.element, fields: () => [email],
        run: async () => {
            const body = { email: email.control.value };
            await join(group.group_id, body, key(body));
            return body;
        },
    });
}

/**
 * Ask for a group that a user joins, by its name.
 * @param {{user_uid: string, display_name: string}} user
 * @returns {Promise<Group | null>}
 */
export function askToJoin(user) {
    const names = h("datalist", { id: "group-names" });
    const name = field("display_name", t("groups.one"), input({ list: names.id, maxlength: 256,
        oninput: suggest }), t("groups.search-hint"));
    /** @param {string} text @returns {Promise<Group[]>} */
    const find = async (text) => text ? (await call("GET", `groups/?${new URLSearchParams({
        display_name: text, order_by: "display_name", limit: "10", count: "none" })}`))
        .data.groups : [];

    function suggest() {
        attempt(async () => names.replaceChildren(...(await find(name.control.value.trim()))
            .map((one) => h("option", { value: one.display_name }))));
    }
    return ask({
        title: t("groups.add-to", user.display_name), submit: t("groups.add"),
        body: [name.element, names], fields: () => [name],
        run: async () => {
            const text = name.control.value.trim();
            const found = await find(text);
            const group = found.find((one) => one.display_name === text) ?? found.find((one) =>
                one.display_name.toLocaleLowerCase() === text.toLocaleLowerCase());
            if (!group) {
                name.fail(t("groups.none-found"));
                name.control.focus();
                return null;
            }
            await join(group.group_id, { user_uid: user.user_uid });
            return group;
        },
    });
}
