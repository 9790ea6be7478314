// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Invitations: made, sent again and removed. A link that accepts one is shown once.

import { call, idempotency } from "./api.js";
import { fill, h, head, icon, own, toast } from "./dom.js";
import { ask, attempt, confirm, field, input, select, showOnce } from "./form.js";
import { list } from "./list.js";
import { address, can, go, here, session } from "./router.js";
import { date, t } from "./texts.js";

const title = t("invitations.title");

/** @typedef {{invite_token: string, email: string, status: string, platform_link: string | null,
 *      inviter: {email: string}, created_at: string, expires_at: string}} Invitation */

const STATES = /** @type {const} */ (["pending", "accepted", "expired", "revoked", "all"]);
const KINDS = { pending: "warn", accepted: "good" };

/** @param {HTMLElement} part */
export function show(part) {
    const mayManage = can("invitations:manage");
    const add = () => h("button", { class: "primary", onclick: invite },
        icon("plus"), t("invitations.new"));
    const rows = list({
        view: "invitations", path: "invitations/", member: "invitations", key: "invite_token",
        label: title, noun: "invitation",
        /** @returns {Record<string, string>} */
        filters: (params) => params.get("status") ? { status: params.get("status") ?? "" } : {},
        columns: () => [
            { name: "email", title: t("member.email"), cell: (/** @type {Invitation} */ one) => [
                own(one.email),
                h("span", { class: "sub" }, chip(one), " ", date(one.expires_at))] },
            { name: "status", title: t("member.active"), cell: chip },
            { name: "inviter", title: t("invitations.inviter"),
                cell: (one) => own(one.inviter.email) },
            { name: "created_at", title: t("member.created_at"),
                cell: (one) => date(one.created_at) },
            { name: "expires_at", title: t("expires"),
                cell: (one) => date(one.expires_at) },
            ...mayManage ? [{ name: "actions", title: t("actions"), kind: "end", cell: actions }] : []],
        empty: (isFiltered) => isFiltered
            ? h("h2", {}, t("invitations.none-found"))
            : [h("h2", {}, t("invitations.none")), h("p", {}, t("invitations.none-hint")),
                mayManage && add()],
    });

    /** @param {Invitation} one */
    function chip(one) {
        const kind = KINDS[/** @type {keyof typeof KINDS} */ (one.status)] ?? "";
        return h("span", { class: `chip ${kind}` },
            t(/** @type {any} */ (`invitations.${one.status}`)));
    }

    /** @param {Invitation} one */
    function actions(one) {
        return ["pending", "expired"].includes(one.status) && [
            h("button", { "aria-label": t("invitations.resend-one", one.email),
                onclick: () => attempt(() => resend(one)) }, t("invitations.resend")),
            h("button", { "aria-label": t("remove-one", one.email),
                onclick: () => remove(one) }, t("remove"))];
    }

    /**
     * Without a page of the platform the console's own one accepts it.
     * @param {any} answer
     */
    async function showLink(answer) {
        const { data } = answer;
        const link = data.accept_link ?? (data.accept_token
            && new URL(`accept#accept_token=${data.accept_token}`, import.meta.url).href);
        rows.load(true);
        if (link) {
            await showOnce(t("invitations.link"), t(session.me.features.includes("mail")
                ? "invitations.link-mailed" : "invitations.link-hint", data.invitation.email), link);
        }
    }

    async function invite() {
        const email = field("email", t("member.email"), input({ type: "email" }),
            t("invitations.hint"));
        const link = field("platform_link", t("invitations.platform-link"),
            input({ type: "url", dir: "ltr", placeholder: "https://" }),
            t("invitations.platform-link-hint"));
        const key = idempotency();
        const made = await ask({
            title: t("invitations.new"), submit: t("invitations.invite"),
            body: [email.element, link.element], fields: () => [email, link],
            run: async () => {
                const body = { email: email.control.value,
                    ...link.control.value && { platform_link: link.control.value } };
                return await call("POST", "invitations/", { body, key: key(body) });
            },
        });
        if (made) {
            await showLink(made);
        }
    }

    /** @param {Invitation} one */
    async function resend(one) {
        await showLink(await call("POST", "invitations/resend",
            { body: { invite_token: one.invite_token } }));
    }

    /** @param {Invitation} one */
    async function remove(one) {
        const isDone = await confirm(t("invitations.remove-title"), h("p", { dir: "auto" },
            t("invitations.remove-text", one.email)), t("remove"), async () => {
            await call("DELETE", `invitations/${encodeURIComponent(one.invite_token)}`);
            return true;
        });
        if (isDone) {
            toast(t("invitations.removed"));
            rows.load(true);
        }
    }

    const states = select(STATES.map((name) => [name === "pending" ? "" : name,
        t(`invitations.${name}`)]), "", { "aria-label": t("member.active"),
        onchange: () => go(address("invitations", { status: states.value }), { isNew: false }) });

    function follow() {
        states.value = here().params.get("status") ?? "";
        rows.load();
        return true;
    }
    fill(part, head(title, mayManage && add()), h("div", { class: "tools" }, states), rows.element);
    follow();
    return follow;
}
