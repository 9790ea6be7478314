// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The form of a user: new, or changed under If-Match. Attributes keep their types.

import { call, idempotency, Problem } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { ask, field, input, select } from "./form.js";
import { isNumberText, number, parse, value } from "./json.js";
import { can } from "./router.js";
import { t } from "./texts.js";
import { isSame, typeOf } from "./user-parts.js";

/** @typedef {import("./api.js").User} User */
/** @typedef {import("./form.js").Field} Field */
/** @typedef {{element: HTMLElement, name: () => string, field: Field, read: () => any,
 *      isGone: boolean}} Attribute */

const OWN = ["email", "display_name", "phone"];
const SERVERS = [...OWN, "user_uid", "role", "active", "created_at", "updated_at", "scim"];

/** @param {User} user */
export const attributesOf = (user) =>
    Object.entries(user).filter(([name]) => !SERVERS.includes(name));

/** A problem of a field that is found before anything is sent. @param {string} name */
const wrong = (name, /** @type {string} */ code) => new Problem(400, {
    errors: [{ field: name, in: "body", code, detail: t(/** @type {any} */ (`error.${code}`)) }],
});

/**
 * A row of the form: name, type and value.
 * @param {string} name
 * @param {any} content
 * @param {boolean} isNew
 * @param {() => void} remove
 * @returns {Attribute}
 */
function attribute(name, content, isNew, remove) {
    const names = input({ value: name, "aria-label": t("attribute.name"), readonly: !isNew,
        maxlength: 64, placeholder: t("attribute.name"), class: "mono", dir: "ltr" });
    const types = select([["text", t("type.text")], ["number", t("type.number")],
        ["yes-no", t("type.yes-no")], ["json", t("type.json")]], typeOf(content),
    { "aria-label": t("attribute.type"), onchange: convert });
    const place = h("div");
    const shown = field(name, "", names);
    /** @type {import("./form.js").Control} */
    let control;

    function convert() {
        const text = control ? control.value : value(content);
        control = types.value === "yes-no"
            ? select([["true", t("yes")], ["false", t("no")]], text === "false" ? "false" : "true")
            : types.value === "json" ? h("textarea", { value: text, class: "mono", dir: "ltr" })
                : input({ value: text, inputmode: types.value === "number" ? "decimal" : null });
        control.setAttribute("aria-label", t("attribute.value", names.value));
        control.addEventListener("input", () => made.field.fail(""));
        made.field.control = control;
        const error = shown.element.querySelector(".error");
        control.setAttribute("aria-describedby", error?.id ?? "");
        control.style.setProperty("width", "100%");
        fill(place, control);
    }

    function read() {
        const text = control.value;
        if (types.value === "text") {
            return text;
        }
        if (types.value === "number" && !isNumberText(text.trim())) {
            throw wrong(names.value, "number");
        }
        try {
            return types.value === "number" ? number(text.trim()) : parse(text);
        } catch {
            throw wrong(names.value, "json");
        }
    }
    const error = /** @type {HTMLElement} */ (shown.element.querySelector(".error"));
    const made = {
        element: h("div", { class: "attribute" }, names, types, place,
            h("button", { class: "plain", "aria-label": t("attribute.remove", name),
                onclick: () => {
                    made.isGone = true;
                    made.element.remove();
                    remove();
                } }, icon("close")), error),
        name: () => names.value.trim(), read, isGone: false,
        field: {
            get name() {
                return names.value.trim();
            },
            control: /** @type {import("./form.js").Control} */ (names), element: place,
            fail: shown.fail,
        },
    };
    convert();
    return made;
}

/**
 * What differs between two versions of a user, as a change would send it.
 * @param {Record<string, any>} before
 * @param {Record<string, any>} after
 * @returns {Record<string, any>}
 */
function difference(before, after) {
    /** @type {Record<string, any>} */
    const changes = {};
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
        if (!isSame(before[name] ?? null, after[name] ?? null)) {
            changes[name] = after[name] ?? null;
        }
    }
    return changes;
}

/**
 * Ask for a new user, or for changes of one.
 * @param {User | null} user
 * @param {string | null} etag
 * @returns {Promise<User | null>} as it is stored now, or null if nothing was stored
 */
export function askForUser(user, etag) {
    /** @type {Field[]} */
    const own = [
        field("email", t("member.email"), input({ type: "email", value: user?.email ?? "",
            required: true, maxlength: 254 })),
        field("display_name", t("member.display_name"), input({ value: user?.display_name ?? "",
            required: true, maxlength: 256 })),
        field("phone", t("member.phone"), input({ type: "tel", value: user?.phone ?? "",
            maxlength: 32, dir: "ltr" }))];
    const rows = h("div", { class: "body" });
    const add = h("button", { onclick: () => {
        const row = append("", "", true);
        row.element.querySelector("input")?.focus();
    } }, icon("plus"), t("attribute.add"));
    /** @type {Attribute[]} */
    const attributes = [];
    /** @param {string} name @param {any} content @param {boolean} isNew */
    function append(name, content, isNew) {
        const row = attribute(name, content, isNew, () => add.focus());
        attributes.push(row);
        rows.append(row.element);
        return row;
    }
    for (const [name, content] of user ? attributesOf(user) : []) {
        append(name, content, false);
    }

    function read() {
        /** @type {Record<string, any>} */
        const entered = {};
        for (const one of own) {
            if (one.control.value !== "" || one.name !== "phone") {
                entered[one.name] = one.control.value;
            }
        }
        for (const row of attributes.filter((one) => !one.isGone)) {
            if (row.name() === "") {
                throw wrong("", "required");
            }
            if (row.name() in entered) {
                throw wrong(row.name(), "twice");
            }
            entered[row.name()] = row.read();
        }
        return entered;
    }

    const key = idempotency();
    async function run() {
        const entered = read();
        if (!user) {
            return (await call("POST", "users/", { body: entered, key: key(entered) })).data.userData;
        }
        const before = Object.fromEntries(Object.entries(user).filter(([name]) =>
            OWN.includes(name) || !SERVERS.includes(name)));
        const changes = difference(before, entered);
        return Object.keys(changes).length === 0 ? user : await save(user, changes, before, etag);
    }

    return ask({
        title: user ? t("user.edit-title") : t("users.new"), submit: user ? t("save") : t("create"),
        wide: true, run,
        fields: () => [...own, ...attributes.filter((one) => !one.isGone).map((one) => one.field)],
        body: [own.map((one) => one.element),
            h("fieldset", {}, h("legend", {}, t("attributes")),
                h("p", { class: "hint" }, t("attributes.hint")), rows, h("div", {}, add))],
    });
}

/**
 * Store changes. If somebody else has changed the user meanwhile, show both versions, and store
 * what is chosen.
 * @param {User} user
 * @param {Record<string, any>} changes
 * @param {Record<string, any>} before what the changes were made to
 * @param {string | null} etag
 * @returns {Promise<User | null>}
 */
async function save(user, changes, before, etag) {
    const path = `users/${user.user_uid}`;
    try {
        const { data } = await call("PATCH", path, { body: changes, etag });
        return data.userData ?? user;
    } catch (error) {
        if (!(error instanceof Problem) || error.status !== 412 || !can("users:read")) {
            throw error;
        }
    }
    const { data, etag: now } = await call("GET", path);
    return await merge(data.userData, now, changes, before);
}

/**
 * @param {User} theirs
 * @param {string | null} etag
 * @param {Record<string, any>} changes
 * @param {Record<string, any>} before
 */
async function merge(theirs, etag, changes, before) {
    const latest = Object.fromEntries(Object.entries(theirs).filter(([name]) =>
        OWN.includes(name) || !SERVERS.includes(name)));
    const their = difference(before, latest);
    /** @type {Record<string, HTMLSelectElement>} */
    const choices = {};
    const show = (/** @type {any} */ one) => one === undefined || one === null ? "—" : value(one);
    const rows = [...new Set([...Object.keys(their), ...Object.keys(changes)])].map((name) => {
        const isBoth = name in their && name in changes && !isSame(their[name], changes[name]);
        if (isBoth) {
            choices[name] = select([["mine", t("merge.mine")], ["theirs", t("merge.theirs")]],
                "mine", { "aria-label": t("merge.choice", name) });
        }
        return h("tr", {}, h("th", { scope: "row" }, name),
            h("td", { dir: "auto" }, show(latest[name])),
            h("td", { dir: "auto" }, show(name in changes ? changes[name] : before[name])),
            h("td", {}, choices[name] ?? t(name in changes ? "merge.mine" : "merge.theirs")));
    });
    return await ask({
        title: t("merge.title"), wide: true, submit: t("save"),
        body: [h("p", {}, t("merge.text")), h("div", { class: "table" }, h("table", { class: "diff" },
            h("thead", {}, h("tr", {}, ["merge.member", "merge.theirs", "merge.mine", "merge.keep"]
                .map((key) => h("th", { scope: "col" }, t(/** @type {any} */ (key)))))),
            h("tbody", {}, rows)))],
        run: async () => {
            const kept = Object.fromEntries(Object.entries(changes).filter(([name]) =>
                choices[name]?.value !== "theirs"));
            return Object.keys(kept).length === 0 ? theirs : await save(theirs, kept, latest, etag);
        },
    });
}
