// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// What the columns of a file become: guessed from their names, and then chosen.

import { h, own } from "./dom.js";
import { input, select } from "./form.js";
import { REASON } from "./import-job.js";
import { t } from "./texts.js";

/** @typedef {import("./import-reader.js").Column} Column */
/** @typedef {import("./import-reader.js").Head} Head */
/** @typedef {import("./texts.js").Key} Key */

const MEMBERS = ["email", "display_name", "phone", "active", "user_uid", "attributes"];

/** Names in lower case, without spaces and signs. */
const GUESSES = /** @type {[string, RegExp][]} */ ([
    ["email", /^(primary)?(e?mail|e?mailadd?ress[e]?)$/],
    ["display_name", /^(name|displayname|fullname|anzeigename|vollername|vollständigername)$/],
    ["phone", /^(phone|phonenumber|telephone|tel|telefon|telefonnummer|rufnummer|mobile|mobil|handy)$/],
    ["active", /^(active|aktiv|enabled|status)$/],
    ["attributes", /^attributes$/],
    // New users have no user_uid; it can be chosen for changes.
    ["", /^(useruid|role|rolle|createdat|updatedat|scim|id|password|passwd|pwd|passwort|kennwort|)$/],
]);
const PART_OF_NAME = /^(firstname|givenname|vorname|lastname|surname|familyname|nachname|familienname)$/;

/** @param {string[]} names @returns {Column[]} */
export function guess(names) {
    /** @type {Set<string>} */
    const taken = new Set();
    const plain = names.map((name) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
    const columns = names.map((name, index) => {
        const to = name === REASON ? ""
            : GUESSES.find(([, words]) => words.test(plain[index]))?.[0] ?? "attribute";
        // As usermgmtctl names what is no text.
        const isJson = /:json$/i.test(name);
        const isTaken = to !== "" && taken.has(to);
        taken.add(to);
        return { to: isTaken ? "attribute" : to, isJson,
            name: attributeName(isJson ? name.slice(0, -5) : name) };
    });
    return taken.has("display_name") ? columns : columns.map((column, index) =>
        PART_OF_NAME.test(plain[index]) ? { ...column, to: "display_name" } : column);
}

/** A name that attributes may have. @param {string} header */
const attributeName = (header) => header.normalize("NFKD").replace(/ß/g, "ss")
    .replace(/\p{M}/gu, "").replace(/[^A-Za-z0-9_.-]+/g, " ").trim().replaceAll(" ", "_")
    .replace(/^[^A-Za-z_]+/, "").slice(0, 64);

/** @param {string} to */
const targetTitle = (to) => t(/** @type {Key} */ (to === "" ? "import.leave-out"
    : to.startsWith("attribute") ? `import.${to}` : `member.${to}`));

/** What is wrong with the choice, or "". @param {Column[]} columns @param {string} mode */
export function wrongWith(columns, mode) {
    const has = (/** @type {string} */ to) => columns.some((column) => column.to === to);
    const needed = mode === "update" ? [has("user_uid") ? "user_uid" : "email"]
        : ["email", "display_name"];
    const missing = needed.filter((to) => !has(to));
    if (missing.length > 0) {
        return t("import.need", missing.map(targetTitle).join(", "));
    }
    // A first name and a last name make a name.
    const names = columns.filter(({ to }) => to !== "" && to !== "display_name")
        .map(({ to, name }) => to === "attribute" ? name : to);
    return names.includes("") || new Set(names).size < names.length ? t("import.twice") : "";
}

/** The choice for one column. @param {string} name @param {Column} column @param {boolean} isJson */
function target(name, column, isJson) {
    const words = input({ value: column.name, maxlength: 64, class: "mono", dir: "ltr",
        "aria-label": t("import.attribute-name", name), oninput: () => {
            column.name = words.value.trim();
        } });
    const box = h("input", { type: "checkbox", checked: column.isJson, onchange: () => {
        column.isJson = box.checked;
    } });
    const types = h("label", { class: "quiet" }, box, t("import.as-such"));
    const targets = select([...MEMBERS, "attribute", ""].map((to) => [to, targetTitle(to)]),
        column.to, { "aria-label": t("import.becomes-of", name), onchange: follow });
    function follow() {
        column.to = targets.value;
        words.hidden = column.to !== "attribute";
        types.hidden = words.hidden || isJson;
    }
    follow();
    return h("div", { class: "target" }, targets, words, types);
}

/** The columns with the first rows. @param {Head} found @param {Column[]} columns */
export const columnsTable = (found, columns) => h("div", { class: "table import" }, h("table", {},
    h("caption", { class: "hidden" }, t("import.columns")),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("import.column")),
        h("th", { scope: "col" }, t("import.becomes")), found.rows.map((_, index) =>
            h("th", { scope: "col", class: "wide-only" }, t("import.example", index + 1))))),
    h("tbody", {}, found.names.map((name, index) => h("tr", {},
        h("th", { scope: "row" }, own(name),
            h("span", { class: "sub", dir: "auto" }, found.rows[0]?.[index])),
        h("td", {}, target(name, columns[index], found.isJson)),
        found.rows.map((row) =>
            h("td", { class: "wide-only quiet" }, own(row[index]))))))));
