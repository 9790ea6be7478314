// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Accept an invitation: for anybody who is signed in. The secret stands behind the # of the
// address, which no server and no log gets.

import { call, Problem } from "./api.js";
import { fill, h } from "./dom.js";
import { session } from "./router.js";
import { problemText, t } from "./texts.js";

const title = t("accept.title");

/** @param {HTMLElement} part */
export function show(part) {
    const secret = new URLSearchParams(location.hash.slice(1)).get("accept_token");
    const failed = h("p", { class: "summary", role: "alert" });
    const button = h("button", { class: "primary", onclick: accept },
        t("accept.button"));
    const message = h("div", { class: "message" });

    async function accept() {
        button.setAttribute("aria-busy", "true");
        try {
            const { data } = await call("POST", "invitations/accept",
                { body: { accept_token: secret } });
            // Neither the history nor a bookmark shall keep it.
            history.replaceState(null, "", location.pathname);
            fill(message, h("h1", { tabindex: "-1" }, t("accept.done")),
                h("p", { dir: "auto" }, t("accept.done-text", data.organization)),
                // The role is new, so the page begins anew.
                h("a", { class: "button primary", href: "./", target: "_self" },
                    t("accept.open")));
            message.querySelector("h1")?.focus();
        } catch (error) {
            if (!(error instanceof Problem)) {
                throw error;
            }
            failed.textContent = problemText(error);
        }
        button.removeAttribute("aria-busy");
    }

    fill(message, h("h1", { tabindex: "-1" }, title), secret
        ? [h("p", {}, t("accept.text", session.me.identity)), failed, button]
        : h("p", {}, t("accept.no-secret")));
    fill(part, message);
    return () => false;
}
