// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Forms in dialogs: errors stand beside their fields, and what was typed is never lost.

import { Problem } from "./api.js";
import { h, fill, toast } from "./dom.js";
import { t, problemText, faultText, memberFault } from "./texts.js";

let count = 0;

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control */
/** @typedef {{element: HTMLElement, control: Control, name: string,
 *      fail: (text: string) => void}} Field */

/**
 * A control with its label, a hint and a place for an error.
 * @param {string} name the member of the body
 * @param {string} label
 * @param {Control} control
 * @param {string} [hint]
 * @returns {Field}
 */
export function field(name, label, control, hint) {
    const id = `field-${++count}`;
    const error = h("p", { id: `${id}-error`, class: "error" });
    control.id = id;
    control.setAttribute("aria-describedby", `${hint ? `${id}-hint ` : ""}${id}-error`);
    control.addEventListener("input", () => fail(""));
    /** @param {string} text */
    function fail(text) {
        error.textContent = text;
        if (text) {
            control.setAttribute("aria-invalid", "true");
        } else {
            control.removeAttribute("aria-invalid");
        }
    }
    const isCheck = control instanceof HTMLInputElement && control.type === "checkbox";
    const words = h("label", { for: id }, label);
    return {
        name, control, fail,
        element: h("div", { class: isCheck ? "field check" : "field" },
            isCheck ? [control, words] : [words, control],
            hint && h("p", { id: `${id}-hint`, class: "hint" }, hint), error),
    };
}

/**
 * @param {Record<string, any>} [attributes]
 * @returns {HTMLInputElement}
 */
export const input = (attributes = {}) => h("input", { type: "text", autocomplete: "off",
    dir: "auto", spellcheck: "false", ...attributes });

/**
 * @param {[string, string][]} options value and text
 * @param {string} value
 * @param {Record<string, any>} [attributes]
 */
export function select(options, value, attributes = {}) {
    return h("select", attributes, options.map(([one, text]) =>
        h("option", { value: one, selected: one === value }, text)));
}

/**
 * @typedef {object} FormOptions
 * @property {string} title
 * @property {import("./dom.js").Child} body
 * @property {() => Field[]} [fields] those that an error can belong to
 * @property {string} submit
 * @property {boolean} [danger]
 * @property {boolean} [wide]
 * @property {() => Promise<any>} run what the form does; a Problem that it throws is shown
 */

/**
 * Show a form, and return what its run() returned, or null if it was left.
 * @param {FormOptions} options
 * @returns {Promise<any>}
 */
export function ask(options) {
    return new Promise((resolve) => {
        const title = `dialog-${++count}`;
        const summary = h("div", { class: "summary", role: "alert" });
        const submit = h("button", { type: "submit", class: options.danger ? "danger" : "primary" },
            options.submit);
        const form = h("form", { novalidate: true, onsubmit: send },
            h("h2", { id: title }, options.title), summary,
            h("div", { class: "body" }, options.body),
            h("div", { class: "buttons" },
                h("button", { onclick: () => dialog.close() }, t("cancel")),
                submit));
        const dialog = h("dialog", { "aria-labelledby": title, class: options.wide && "wide" },
            form);
        const opener = document.activeElement;
        let isBusy = false;
        /** @type {any} */
        let result = null;

        /** @param {Event} event */
        async function send(event) {
            event.preventDefault();
            if (isBusy) {
                return;
            }
            isBusy = true;
            submit.setAttribute("aria-busy", "true");
            fill(summary);
            try {
                result = await options.run();
                // Nothing was done: a second dialog was left.
                if (result !== null) {
                    dialog.close();
                }
            } catch (error) {
                showProblem(error, options.fields?.() ?? [], summary);
            }
            isBusy = false;
            submit.removeAttribute("aria-busy");
        }
        dialog.addEventListener("cancel", (event) => {
            if (isBusy) {
                event.preventDefault();
            }
        });
        dialog.addEventListener("close", () => {
            // The toasts may have been moved into it.
            const toasts = dialog.querySelector(".toasts");
            if (toasts) {
                document.body.append(toasts);
            }
            dialog.remove();
            if (opener instanceof HTMLElement && opener.isConnected) {
                opener.focus();
            } else {
                document.querySelector("h1")?.focus();
            }
            resolve(result);
        });
        document.body.append(dialog);
        dialog.showModal();
        const first = form.querySelector(
            ".body input:not([type=hidden], [disabled]), .body select, .body textarea");
        if (first instanceof HTMLElement) {
            first.focus();
        }
    });
}

/**
 * Put the errors beside their fields, and the others above the form.
 * @param {unknown} error
 * @param {Field[]} fields
 * @param {HTMLElement} summary
 */
function showProblem(error, fields, summary) {
    if (!(error instanceof Problem)) {
        fill(summary, String(error));
        throw error;
    }
    const others = [];
    /** @type {Field | null} */
    let first = null;
    for (const one of fields) {
        one.fail("");
    }
    for (const fault of error.faults) {
        const found = fields.find((one) => one.name === fault.field);
        if (found) {
            found.fail(faultText(fault));
            first ??= found;
        } else {
            others.push(memberFault(fault));
        }
    }
    if (error.code === "email_exists") {
        first = fields.find((one) => one.name === "email") ?? null;
        first?.fail(problemText(error));
    }
    if (error.faults.length === 0 && !first) {
        others.push(problemText(error));
    }
    fill(summary, others.map((text) => h("p", { dir: "auto" }, text)));
    first?.control.focus();
}

/**
 * Do something that has no form; a problem is shown for some seconds.
 * @param {() => Promise<any>} act
 */
export async function attempt(act) {
    try {
        await act();
    } catch (error) {
        if (!(error instanceof Problem)) {
            throw error;
        }
        toast(problemText(error));
    }
}

/**
 * Ask before something that can't be undone.
 * @param {string} title
 * @param {import("./dom.js").Child} body
 * @param {string} submit
 * @param {() => Promise<any>} run
 */
export const confirm = (title, body, submit, run) =>
    ask({ title, body: h("div", {}, body), submit, danger: true, run });

/**
 * Show a secret that can't be shown again.
 * @param {string} title
 * @param {string} hint
 * @param {string} secret
 */
export function showOnce(title, hint, secret) {
    const text = input({ readonly: true, value: secret, class: "secret", dir: "ltr" });
    const copied = h("p", { class: "hint", role: "status" });
    const shown = field("secret", hint, text);
    text.addEventListener("focus", () => text.select());
    return ask({
        title, submit: t("done"), run: async () => true,
        body: [shown.element, h("button", {
            onclick: async () => {
                text.select();
                // Without TLS there is no clipboard for pages.
                await navigator.clipboard?.writeText(secret).then(
                    () => fill(copied, t("copied")), () => fill(copied, t("copy.by-hand")));
                if (!navigator.clipboard) {
                    fill(copied, t("copy.by-hand"));
                }
            },
        }, t("copy")), copied],
    });
}
