// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Elements. Text is always text: nothing here takes markup.

import { t } from "./texts.js";

/** @typedef {Node | string | number | null | undefined | false | any[]} Child */

/**
 * Make an element. An attribute that is null, undefined or false is left out; one that is a
 * function is a listener. A button submits a form only if its type says so.
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {Record<string, any>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[N]}
 */
export function h(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    if (element instanceof HTMLButtonElement) {
        element.type = "button";
    }
    for (const [key, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) {
            continue;
        }
        if (typeof value === "function") {
            element.addEventListener(key.slice(2), value);
        } else if (key === "value") {
            Object.assign(element, { value });
        } else {
            element.setAttribute(key, value === true ? "" : String(value));
        }
    }
    fill(element, ...children);
    return element;
}

/**
 * Make an element of a drawing.
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {...Child} children
 */
export function svg(name, attributes, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) {
        element.setAttribute(key, String(value));
    }
    fill(element, ...children);
    return element;
}

/** A text of somebody, in its own direction of writing. @param {...Child} children */
export const own = (...children) => h("span", { dir: "auto" }, ...children);

/**
 * Replace the children of an element.
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
    element.replaceChildren(.../** @type {(Node | string)[]} */ (
        children.flat(9).filter((child) => child !== null && child !== undefined
            && child !== false).map((child) => typeof child === "number" ? String(child) : child)));
}

/**
 * Draw a part of the page anew. The focus stays where it was: on the element with the same
 * data-focus, else on the part itself.
 * @param {HTMLElement} part
 * @param {...Child} children
 */
export function redraw(part, ...children) {
    const active = document.activeElement;
    const had = active instanceof HTMLElement && part.contains(active) && active !== part;
    const name = had ? active.dataset.focus : undefined;
    fill(part, ...children);
    if (had) {
        const found = [...part.querySelectorAll("[data-focus]")].find((one) =>
            /** @type {HTMLElement} */ (one).dataset.focus === name && one.matches("a[href],button,input"));
        (found instanceof HTMLElement ? found : part).focus();
    }
}

/**
 * The heading of a view, and its buttons.
 * @param {string} title
 * @param {...Child} actions
 */
export const head = (title, ...actions) =>
    h("div", { class: "head" }, h("h1", { tabindex: "-1" }, title), actions);

const PATHS = {
    overview: "M3 3h6v6H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 11h6v6H3z",
    users: "M7 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6M1.5 17a5.5 5.5 0 0 1 11 0M13 3.2a3 3 0 0 1 0 5.6M15 12a5.5 5.5 0 0 1 3.5 5",
    groups: "M6.5 8.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M13.5 8.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M2 16.5a4.5 4.5 0 0 1 8-2.8M10 16.5a4.5 4.5 0 0 1 8.5-2",
    "sub-admins": "M10 2.5l6 2.2v4.6c0 4-2.6 6.6-6 8.2-3.4-1.6-6-4.2-6-8.2V4.7zM7.5 9.8l1.8 1.8 3.4-3.6",
    invitations: "M2.5 5h15v10.5h-15zM3 5.5l7 5.5 7-5.5",
    "api-keys": "M12.5 11.5a4 4 0 1 0-3.7-2.4L2.5 15.3V17.5h2.7v-2h2v-2h1.9l1-1.3",
    audit: "M4 2.5h8.5L16 6v11.5H4zM7 8h6M7 11h6M7 14h4",
    import: "M10 3v9M6.5 8.5L10 12l3.5-3.5M3 13v4h14v-4",
    plus: "M10 4v12M4 10h12",
    search: "M8.5 14a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11M12.6 12.6L17 17",
    left: "M12 4l-6 6 6 6",
    right: "M8 4l6 6-6 6",
    columns: "M3 4h14v12H3zM8 4v12M12.5 4v12",
    close: "M5 5l10 10M15 5L5 15",
};

/**
 * A small drawing beside a text, which tells the same.
 * @param {keyof typeof PATHS} name
 */
export const icon = (name) => svg("svg", {
    viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true",
}, svg("path", { d: PATHS[name] }));

// What is said to screen readers, and what is shown for some seconds at the edge.
const live = h("div", { role: "status", class: "hidden" });
const toasts = h("div", { class: "toasts", role: "region" });

/**
 * Put both into the page.
 * @param {string} label
 */
export function prepareNotices(label) {
    toasts.setAttribute("aria-label", label);
    document.body.append(live, toasts);
}

/**
 * Say a text to screen readers.
 * @param {string} text
 */
export function say(text) {
    live.textContent = "";
    setTimeout(() => {
        live.textContent = text;
    }, 50);
}

/**
 * Show a text for some seconds, with an action such as Undo. The time stops while the pointer or
 * the focus is there.
 * @param {string} text
 * @param {{label: string, run: () => void}} [action]
 */
export function toast(text, action) {
    let left = action ? 12 : 6;
    const remove = () => {
        clearInterval(timer);
        element.remove();
    };
    const element = h("div", { class: "toast" }, h("span", { dir: "auto" }, text),
        action && h("button", {
            onclick: () => {
                remove();
                action.run();
            },
        }, action.label),
        h("button", { class: "plain", "aria-label": t("close"), onclick: remove },
            icon("close")));
    const timer = setInterval(() => {
        if (!element.matches(":hover, :focus-within") && --left <= 0) {
            remove();
        }
    }, 1000);
    // A modal dialog makes the rest of the page inert.
    (document.querySelector("dialog[open]") ?? document.body).append(toasts);
    toasts.replaceChildren(element);
    say(text);
}
