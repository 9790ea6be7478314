// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Groups: search, and new ones. One group is in view-group.js.

import { fill, h, head, icon, own, toast } from "./dom.js";
import { askForGroup } from "./group-parts.js";
import { list, searchField } from "./list.js";
import { address, can, go } from "./router.js";
import { date, figure, n, t } from "./texts.js";

/** @typedef {import("./group-parts.js").Group} Group */

const title = t("groups.title");

/** @param {HTMLElement} part */
export function show(part) {
    const add = () => can("groups:manage") && h("button", { class: "primary", onclick: create },
        icon("plus"), t("groups.new"));
    const rows = list({
        view: "groups", path: "groups/", member: "groups", key: "group_id", label: title,
        noun: "group", order: "display_name",
        /** @returns {Record<string, string>} */
        filters: (params) => params.get("q") ? { display_name: params.get("q") ?? "" } : {},
        columns: () => [
            { name: "display_name", title: t("member.display_name"), order: "display_name",
                cell: (/** @type {Group} */ one) => [h("a", { dir: "auto",
                    href: address("group", { id: one.group_id }),
                    "data-focus": `group ${one.group_id}` }, one.display_name),
                h("span", { class: "sub" }, n("member", one.member_count))] },
            { name: "member_count", title: t("groups.members"),
                cell: (one) => h("a", { href: address("users", { group: one.group_id }),
                    class: "number" }, figure(one.member_count)) },
            { name: "external_id", title: t("groups.external-id"),
                cell: (one) => own(one.external_id ?? "") },
            { name: "updated_at", title: t("member.updated_at"),
                cell: (one) => date(one.updated_at) }],
        empty: (isFiltered) => isFiltered
            ? [h("h2", {}, t("groups.none-found")), h("p", {}, t("groups.search-hint")),
                h("a", { class: "button", href: "groups" }, t("filters.clear"))]
            : [h("h2", {}, t("groups.none")), add()],
    });

    const search = searchField("groups", t("groups.search"), t("groups.search-hint"));

    async function create() {
        const made = await askForGroup(null, null);
        if (made) {
            toast(t("users.made", made.display_name));
            go(address("group", { id: made.group_id }));
        }
    }

    function follow() {
        search.follow();
        rows.load();
        return true;
    }
    fill(part, head(title, add()), h("div", { class: "tools" }, search.element), rows.element);
    follow();
    return follow;
}
