// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// API keys: made, rotated and revoked. A secret is shown once.

import { call, idempotency } from "./api.js";
import { fill, h, head, icon, own, toast } from "./dom.js";
import { ask, confirm, field, input, select, showOnce } from "./form.js";
import { list } from "./list.js";
import { session } from "./router.js";
import { date, t, time } from "./texts.js";

const title = t("api-keys.title");

/** @typedef {{key_id: string, name: string, role: string, permissions: string[],
 *      allow_from: string[] | null, created_by: string, expires_at: string | null,
 *      last_used_at: string | null, last_used_addr: string | null, status: string}} Key */

const KINDS = { active: "good", rotating: "warn", revoked: "bad" };

/** @param {HTMLElement} part */
export function show(part) {
    const add = () => h("button", { class: "primary", onclick: create },
        icon("plus"), t("api-keys.new"));
    const rows = list({
        view: "api-keys", path: "api-keys/", member: "api_keys", key: "key_id", label: title,
        noun: "api-key", order: "-created_at", filters: () => ({}), details,
        columns: () => [
            { name: "name", title: t("member.display_name"), cell: (/** @type {Key} */ key) => [
                own(key.name),
                h("span", { class: "sub" }, chip(key))] },
            { name: "key_id", title: t("api-keys.id"),
                cell: (key) => h("code", {}, key.key_id) },
            { name: "status", title: t("member.active"), cell: chip },
            { name: "expires_at", title: t("expires"),
                cell: (key) => key.expires_at ? date(key.expires_at) : t("never") },
            { name: "last_used_at", title: t("api-keys.last-used"),
                cell: (key) => key.last_used_at ? time(key.last_used_at) : t("never") },
            { name: "actions", title: t("actions"), kind: "end", cell: actions }],
        empty: () => [h("h2", {}, t("api-keys.none")), h("p", {}, t("api-keys.none-hint")), add()],
    });

    /** @param {Key} key */
    const chip = (key) => h("span", {
        class: `chip ${KINDS[/** @type {keyof typeof KINDS} */ (key.status)] ?? ""}`,
    }, t(/** @type {any} */ (`api-keys.${key.status}`)));

    /** @param {Key} key */
    const actions = (key) => [
        ["active", "rotating"].includes(key.status) && h("button", { "aria-label": t("api-keys.rotate-one", key.name), onclick: () => rotate(key) },
        t("api-keys.rotate")),
        key.status !== "revoked" && h("button", { class: "danger",
            "aria-label": t("api-keys.revoke-one", key.name), onclick: () => revoke(key) },
        t("api-keys.revoke"))];

    /** @param {Key} key */
    function details(key) {
        return h("dl", { class: "members" },
            h("dt", {}, t("api-keys.permissions")), h("dd", {},
                key.role === "admin" ? t("role.admin") : key.permissions.join(", ")),
            h("dt", {}, t("api-keys.allow-from")), h("dd", {},
                key.allow_from?.join(", ") ?? t("api-keys.anywhere")),
            h("dt", {}, t("api-keys.created-by")), h("dd", { dir: "auto" }, key.created_by),
            key.last_used_addr && [h("dt", {}, t("api-keys.last-address")),
                h("dd", {}, key.last_used_addr)]);
    }

    /** @param {{data: {key?: string, api_key: Key}}} answer */
    async function showKey({ data }) {
        rows.load(true);
        if (data.key) {
            await showOnce(t("api-keys.secret"), t("api-keys.secret-hint"), data.key);
        }
    }

    async function create() {
        const name = field("name", t("member.display_name"), input({ maxlength: 128 }),
            t("api-keys.name-hint"));
        const boxes = session.me.permissions.filter((one) => one !== "keys:manage").map((one) =>
            ({ one, box: h("input", { type: "checkbox", value: one }) }));
        const all = h("input", { type: "checkbox", onchange: () => {
            for (const { box } of boxes) {
                box.disabled = all.checked;
            }
        } });
        const permissions = field("permissions", t("api-keys.admin"), all);
        const expires = field("expires_in", t("expires"), select([["30d", t("api-keys.30d")],
            ["90d", t("api-keys.90d")], ["365d", t("api-keys.365d")], ["never", t("never")]],
        "90d"));
        const from = field("allow_from", t("api-keys.allow-from"), h("textarea", { dir: "ltr",
            class: "mono", spellcheck: "false" }), t("api-keys.allow-from-hint"));
        const once = idempotency();
        const made = await ask({
            title: t("api-keys.new"), submit: t("create"),
            fields: () => [name, permissions, expires, from],
            body: [name.element, h("fieldset", {}, h("legend", {}, t("api-keys.permissions")),
                permissions.element, h("div", { class: "two" }, boxes.map(({ one, box }) =>
                    h("label", { class: "field check" }, box, h("span", {}, one))))),
            expires.element, from.element],
            run: async () => {
                const networks = from.control.value.split(/[\s,]+/).filter(Boolean);
                const body = {
                    name: name.control.value, expires_in: expires.control.value,
                    ...networks.length > 0 && { allow_from: networks },
                    ...all.checked ? { role: "admin" } : { permissions:
                        boxes.filter(({ box }) => box.checked).map(({ one }) => one) },
                };
                return await call("POST", "api-keys/", { body, key: once(body) });
            },
        });
        if (made) {
            await showKey(made);
        }
    }

    /** @param {Key} key */
    async function rotate(key) {
        const grace = field("grace", t("api-keys.grace"), select([["0", t("api-keys.grace-0")],
            ["1h", t("api-keys.grace-1h")], ["24h", t("api-keys.grace-24h")],
            ["7d", t("api-keys.grace-7d")]], "24h"), t("api-keys.grace-hint"));
        const made = await ask({
            title: t("api-keys.rotate-one", key.name), submit: t("api-keys.rotate"),
            body: grace.element, fields: () => [grace],
            run: () => call("POST", `api-keys/${key.key_id}/rotate`,
                { body: { grace: grace.control.value } }),
        });
        if (made) {
            await showKey(made);
        }
    }

    /** @param {Key} key */
    async function revoke(key) {
        const isDone = await confirm(t("api-keys.revoke-one", key.name),
            h("p", {}, t("api-keys.revoke-text")), t("api-keys.revoke"), async () => {
                await call("DELETE", `api-keys/${key.key_id}`);
                return true;
            });
        if (isDone) {
            toast(t("api-keys.revoked-now"));
            rows.load(true);
        }
    }

    fill(part, head(title, add()), rows.element);
    rows.load();
    return () => {
        rows.load();
        return true;
    };
}
