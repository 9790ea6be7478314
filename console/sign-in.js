// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The session is over: ask to sign in again in another tab, and then go on.

import { h } from "./dom.js";
import { t } from "./texts.js";

/** @type {Promise<void> | null} */
let asking = null;

/** Ends when the call is to be tried again. All calls that wait share one dialog. */
export function askToSignIn() {
    asking ??= new Promise((resolve) => {
        const done = () => {
            removeEventListener("focus", returned);
            asking = null;
            dialog.close();
            dialog.remove();
            resolve(undefined);
        };
        // Back from the other tab.
        const returned = () => {
            if (opened) {
                done();
            }
        };
        let opened = false;
        const dialog = h("dialog", { "aria-labelledby": "sign-in-title" },
            h("h2", { id: "sign-in-title" }, t("session.title")),
            h("p", {}, t("session.text")),
            h("div", { class: "buttons" },
                h("button", { onclick: done }, t("again")),
                h("a", {
                    class: "button primary", href: new URL("./", import.meta.url).href,
                    target: "_blank", onclick: () => {
                        opened = true;
                    },
                }, t("session.open"))));
        dialog.addEventListener("cancel", (event) => event.preventDefault());
        addEventListener("focus", returned);
        document.body.append(dialog);
        dialog.showModal();
    });
    return asking;
}
