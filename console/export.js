// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Users as a file: all that match, which the server streams to the disk, or some that are chosen.

import { address as addressOf, call } from "./api.js";
import { csv } from "./csv.js";
import { h } from "./dom.js";
import { ask, field, select } from "./form.js";
import { download, save } from "./save.js";
import { n, t } from "./texts.js";
import { attributesOf } from "./user-form.js";

/** @typedef {import("./api.js").User} User */

const ALL = ["user_uid", "email", "display_name", "phone", "role", "active", "created_at",
    "updated_at"];

/** @param {User[]} users @param {string} form @param {string[] | null} columns */
function saveSome(users, form, columns) {
    if (form === "ndjson") {
        save(new File(users.map((user) => `${JSON.stringify(user)}\n`), "users.ndjson",
            { type: "application/x-ndjson" }));
        return;
    }
    const rows = users.map((user) => {
        const rest = attributesOf(user);
        return columns ? columns.map((name) => user[name]) : [...ALL.map((name) => user[name]),
            rest.length > 0 ? Object.fromEntries(rest) : null];
    });
    save(new File([csv(columns ?? [...ALL, "attributes"], rows, form === "excel" ? form : "csv")],
        "users.csv", { type: "text/csv" }));
}

/**
 * Ask how, and export.
 * @param {Record<string, string>} filters with the order, for the API
 * @param {string[]} shown columns of the table
 * @param {User[] | null} chosen null for all that match
 */
export function exportUsers(filters, shown, chosen) {
    const form = select([["excel", t("export.excel")], ["csv", "CSV"], ["ndjson", "NDJSON"]],
        "excel", { onchange: () => {
            columns.disabled = form.value === "ndjson";
        } });
    const columns = select([["shown", t("export.shown")], ["all", t("export.all")]], "shown");
    const fields = [field("format", t("export.format"), form, t("export.format-hint")),
        field("columns", t("columns"), columns)];
    return ask({
        title: t("export.title"), submit: t("export.download"),
        body: [h("p", {}, chosen ? n("chosen", chosen.length) : t("export.hint")),
            fields.map((one) => one.element)],
        fields: () => fields,
        run: async () => {
            const isShown = form.value !== "ndjson" && columns.value === "shown";
            if (chosen) {
                saveSome(chosen, form.value, isShown ? shown : null);
                return true;
            }
            const query = new URLSearchParams({ ...filters, format: form.value,
                ...isShown && { columns: shown.join(",") } });
            // What is refused is told here, and not by a file.
            await call("GET", `users/?${new URLSearchParams({ ...filters, limit: "1",
                count: "none" })}`);
            download(addressOf(`users/?${query}`), "");
            return true;
        },
    });
}
