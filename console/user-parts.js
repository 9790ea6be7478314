// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// How a user's members look.

import { h } from "./dom.js";
import { isNumber } from "./json.js";
import { address } from "./router.js";
import { t } from "./texts.js";

/** The first letters of a name. @param {string} name @param {string} [size] */
export function face(name, size = "") {
    const words = name.split(/\s+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
    const letters = [words[0], words.length > 1 ? words[words.length - 1] : ""]
        .map((word) => [...word ?? ""][0] ?? "").join("");
    return h("span", { class: `face ${size}`, "aria-hidden": "true" }, letters.toUpperCase());
}

/** @param {string} name */
export const role = (name) => name === "sub_admin"
    ? h("span", { class: "chip" }, t("role.sub_admin")) : h("span", { class: "quiet" }, t("role.user"));

/** @param {boolean} active */
export const status = (active) => active
    ? h("span", { class: "dot" }, t("active"))
    : h("span", { class: "chip bad" }, t("suspended"));

/** The cell of a table that leads to a user. @param {import("./api.js").User} user */
export const person = (user) => h("div", { class: "person" }, face(user.display_name),
    h("span", {}, h("a", { href: address("user", { uid: user.user_uid }), dir: "auto",
        "data-focus": `user ${user.user_uid}` }, user.display_name),
    h("span", { class: "sub", dir: "auto" }, !user.active && [status(false), " "], user.email)));

/** The type of an attribute. @param {any} value @returns {"text" | "number" | "yes-no" | "json"} */
export const typeOf = (value) => typeof value === "string" ? "text"
    : isNumber(value) ? "number" : typeof value === "boolean" ? "yes-no" : "json";

/** Do two values of JSON equal each other? @param {any} one @param {any} other */
export const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
