// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// The views. A view NAME is the module view-NAME.js, which is loaded when it is needed.

import { Problem, send } from "./api.js";
import { can } from "./router.js";

/**
 * A view shows itself in a part of the page. It returns a function that follows changes of the
 * address, and tells whether it could.
 * @typedef {{show: (part: HTMLElement, params: URLSearchParams)
 *      => (params: URLSearchParams) => boolean}} View
 */

/**
 * The title of each view, and the permission that it needs, "" for none.
 * @type {Record<string, [import("./texts.js").Key, string]>}
 */
const views = {
    accept: ["accept.title", ""],
    "api-keys": ["api-keys.title", "keys:manage"],
    audit: ["audit.title", "audit:read"],
    group: ["groups.one", "users:read"],
    groups: ["groups.title", "users:read"],
    import: ["import.title", "users:create"],
    invitations: ["invitations.title", "invitations:read"],
    overview: ["overview.title", ""],
    "sub-admins": ["sub-admins.title", "sub-admins:read"],
    user: ["user.title", "users:read"],
    users: ["users.title", "users:read"],
};

/** @param {string} name */
export const isView = (name) => Object.hasOwn(views, name);
/** @param {string} name */
export const titleOf = (name) => views[name][0];
/** @param {string} name */
export const permissionOf = (name) => views[name][1];
/** @param {string} name */
export const mayOpen = (name) => permissionOf(name) === "" || can(permissionOf(name));

/** @param {string} name */
const address = (name) => new URL(`view-${name}.js`, import.meta.url).href;

/**
 * Load a view. If the session is over, the person is asked to sign in again first. A Problem says
 * that the server can't be reached, another error that the browser can't load the view.
 * @param {string} name
 * @returns {Promise<View>}
 */
export async function load(name) {
    try {
        return await import(address(name));
    } catch {
        // An import does not tell why it failed.
        const response = await send(address(name));
        if (response.status >= 500) {
            throw new Problem(response.status, { code: "unreachable" });
        }
        return await import(address(name));
    }
}

/** Load a view that may be opened soon. A failure is told when it is opened. @param {string} name */
export async function prepare(name) {
    if (isView(name)) {
        await import(address(name)).catch(() => {});
    }
}

const WAIT = 1000;

/** Load all views that the caller may open while the browser has nothing else to do, so that they
 *  open at once. */
export function prepareAll() {
    const names = Object.keys(views).filter(mayOpen);
    const whenIdle = window.requestIdleCallback ?? setTimeout;
    const next = async () => {
        const name = names.shift();
        if (name) {
            await prepare(name);
            whenIdle(next);
        }
    };
    setTimeout(() => whenIdle(next), WAIT);
}
