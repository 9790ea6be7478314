/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_INVITATIONS_H
#define UM_API_INVITATIONS_H

/** @file invitations.h The resource invitations/, and an invitation as JSON. */

#include "../rest/change.h"
#include "../rest/router.h"

um_handler_t um_invitations_list, um_invitations_get, um_invitations_create,
    um_invitations_resend, um_invitations_accept, um_invitations_delete;

/** Revoke the pending invitation of an address, if there is one, as a part of another change. The
 *  user with the address must be locked. */
apr_status_t um_invitations_revoke_pending(um_change_t *change, um_db_t *db, const char *email);

/** Append the invitation of a row as a JSON object; now is in milliseconds since 1970. */
void um_invitations_put(um_buffer_t *buffer, const um_row_t *row, apr_int64_t now);

#endif
