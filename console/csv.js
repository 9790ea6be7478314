// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// CSV as the API writes it (base/csv.c), of entries that the page has; also in a worker.

import { value } from "./json.js";

/** @typedef {"csv" | "excel"} Form */

/** A cell that is guarded by a ', or that a spreadsheet would take for a formula. */
const FORMULA = { csv: /^'+[=+\-@\t\r]/, excel: /^'*[=+\-@\t\r]/ };

/** Many spreadsheets take ; and tabs for separators, too. */
const QUOTED = { csv: /[",\r\n]/, excel: /[",\r\n;\t]/ };

/** With a ' if it is needed. @param {string} text @param {Form} form */
export const guarded = (text, form) => FORMULA[form].test(text) ? `'${text}` : text;

/** Without the ' that keeps a spreadsheet from taking a cell for a formula. @param {string} cell */
export const unguarded = (cell) => FORMULA.csv.test(cell) ? cell.slice(1) : cell;

/** @param {string} text */
export const quoted = (text) => `"${text.replaceAll('"', '""')}"`;

/**
 * @param {any} content
 * @param {Form} form
 */
function cell(content, form) {
    const text = content === null || content === undefined ? "" : value(content);
    const safe = guarded(text, form);
    return QUOTED[form].test(safe) ? quoted(safe) : safe;
}

/**
 * @param {string[]} header
 * @param {any[][]} rows
 * @param {Form} form
 */
export const csv = (header, rows, form) => (form === "excel" ? "\ufeff" : "")
    + [header, ...rows].map((row) => `${row.map((one) => cell(one, form)).join(",")}\r\n`).join("");
