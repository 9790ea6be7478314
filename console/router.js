// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// Views by their addresses: console/VIEW?PARAMETERS.

/** @typedef {{view: string, params: URLSearchParams}} Place */

const folder = new URL("./", import.meta.url);

/** @type {(place: Place, isNew: boolean) => void} */
let draw = () => {};

/** @returns {Place} */
export function here() {
    return {
        view: location.pathname.slice(folder.pathname.length),
        params: new URLSearchParams(location.search),
    };
}

/**
 * The address of a view; empty parameters are left out.
 * @param {string} view
 * @param {Record<string, string> | URLSearchParams} [params]
 */
export function address(view, params = {}) {
    const query = new URLSearchParams(params);
    for (const [name, value] of [...query]) {
        if (value === "") {
            query.delete(name);
        }
    }
    const text = query.toString();
    return (view || "./") + (text && `?${text}`);
}

/**
 * @param {string} href
 * @param {{replace?: boolean, isNew?: boolean}} [options] replace: no new entry of the history;
 *      isNew: the focus goes to the view's heading
 */
export function go(href, { replace = false, isNew = true } = {}) {
    const url = new URL(href, folder);
    if (url.href === location.href) {
        return;
    }
    history[replace ? "replaceState" : "pushState"](null, "", url);
    draw(here(), isNew);
}

/** @param {(place: Place, isNew: boolean) => void} drawn */
export function begin(drawn) {
    draw = drawn;
    addEventListener("popstate", () => draw(here(), true));
    document.addEventListener("click", (event) => {
        const link = event.target instanceof Element ? event.target.closest("a") : null;
        if (!link || link.target || link.hasAttribute("download") || event.button !== 0
            || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey
            || event.defaultPrevented || !link.href
            || new URL("./", link.href).href !== folder.href) {
            return;
        }
        event.preventDefault();
        go(link.href, { isNew: link.dataset.stays === undefined });
    });
    draw(here(), false);
}

/** @type {import("./api.js").Me} */
const nobody = {
    identity: "", user_uid: null, role: "none", permissions: [], organization: "", features: [],
};
/** The caller. */
export const session = { me: nobody };

/** @param {string} permission */
export const can = (permission) => session.me.permissions.includes(permission);
