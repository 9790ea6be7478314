// Licensed under the Apache License, Version 2.0; see the file LICENSE.
// How an event of the audit trail looks in several views.

import { h, own } from "./dom.js";
import { address, can } from "./router.js";

/** @typedef {{event_uid: string, at: string, action: string, target: string,
 *      actor: {identity: string, role: string}, remote_addr: string,
 *      before: Record<string, any> | null, after: Record<string, any> | null,
 *      request_id: string | null, trace_id: string | null}} AuditEvent */

/** The address of what was changed, or null if it has none, or was deleted by that.
 *  @param {AuditEvent} event */
function addressOf({ action, target, after }) {
    if (target.startsWith("erased-")) {
        return null;
    }
    // A sub-admin that is dismissed stays a user.
    if (action.startsWith("sub_admins.") || (after && action.startsWith("users."))) {
        return address("user", { uid: target });
    }
    return after && action.startsWith("groups.") ? address("group", { id: target }) : null;
}

/** What was changed, by the name that it had then. @param {AuditEvent} event */
export function subject(event) {
    const found = event.after ?? event.before;
    const name = found?.display_name ?? found?.email ?? found?.name ?? event.target;
    const href = can("users:read") ? addressOf(event) : null;
    return href ? h("a", { href, dir: "auto" }, name) : own(name);
}
