// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// CSV as the API writes it (base/csv.c), of entries that the page has.

import { h } from "./dom.js";
import { value } from "./user-parts.js";

/** A cell that a spreadsheet would take for a formula, or for a guard of one. */
export const FORMULA = { csv: /^'+[=+\-@\t\r]/, excel: /^'*[=+\-@\t\r]/ };

/** Many spreadsheets take ; and tabs for separators, too. */
const QUOTED = { csv: /[",\r\n]/, excel: /[",\r\n;\t]/ };

/**
 * @param {any} content
 * @param {"csv" | "excel"} form
 */
function cell(content, form) {
    const text = content === null || content === undefined ? "" : value(content);
    const guarded = FORMULA[form].test(text) ? `'${text}` : text;
    return QUOTED[form].test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/**
 * @param {string[]} header
 * @param {any[][]} rows
 * @param {"csv" | "excel"} form
 */
export const csv = (header, rows, form) => (form === "excel" ? "\ufeff" : "")
    + [header, ...rows].map((row) => `${row.map((one) => cell(one, form)).join(",")}\r\n`).join("");

/**
 * Have the browser save what an address leads to.
 * @param {string} href
 * @param {string} name
 */
export function download(href, name) {
    const link = h("a", { href, download: name });
    document.body.append(link);
    link.click();
    link.remove();
}

/** Have the browser save a file that the page has. @param {File} file */
export function save(file) {
    const href = URL.createObjectURL(file);
    download(href, file.name);
    // The download has begun by then.
    setTimeout(() => URL.revokeObjectURL(href), 60000);
}
