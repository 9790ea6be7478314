/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_INVITATION_H
#define UM_CORE_INVITATION_H

/**
 * @file invitation.h
 * The struct of an invitation, the secret that accepts it, and the link that contains
 * the secret.
 */

#include <apr_pools.h>

#include "../base/random.h"

typedef enum um_invitation_status_t {
    UM_INVITATION_PENDING,
    UM_INVITATION_ACCEPTED,
    UM_INVITATION_REVOKED,
    UM_INVITATION_EXPIRED
} um_invitation_status_t;

typedef struct um_invitation_t {
    /** Its public name, not a secret. */
    const char *token;
    const char *email;
    /** As stored; um_invitation_status() gives the status at a time. */
    um_invitation_status_t status;
    /** NULL if none was given. */
    const char *platform_link;
    /** The inviter's data when the invitation was made; the uid is NULL for an API key, the name
     *  if the inviter was no user. */
    const char *inviter_uid;
    const char *inviter_email;
    const char *inviter_display_name;
    /** Milliseconds since 1970; accepted_at is 0 if it was not accepted. */
    apr_int64_t created_at;
    apr_int64_t expires_at;
    apr_int64_t accepted_at;
} um_invitation_t;

/** The status at a time (milliseconds): a pending invitation is expired after expires_at. */
um_invitation_status_t um_invitation_status(const um_invitation_t *invitation, apr_int64_t now);

/** "pending", "accepted", "revoked" or "expired". */
const char *um_invitation_status_name(um_invitation_status_t status);

/** The status with that name; pending if there is none. */
um_invitation_status_t um_invitation_status_of_name(const char *name);

/** Random bytes of a secret, and its length as text. */
#define UM_SECRET_BYTES 32
#define UM_SECRET_LENGTH 43

/**
 * Make a secret: base64url without padding (RFC 4648, section 5).
 * @return APR_SUCCESS, or the error of the source of random bytes
 */
apr_status_t um_invitation_make_secret(char secret[UM_SECRET_LENGTH + 1],
                                       const um_random_t *random);

/**
 * The link that accepts the invitation: the platform link with accept_token added to its
 * query, before the fragment. A platform link that ends with # has it behind that, where no
 * server and no log gets it.
 * @param link          in pool
 * @param platform_link a link that um_link_check() accepts, or um_invitation_console_page()
 */
void um_invitation_accept_link(const char **link, const char *platform_link, const char *secret,
                               apr_pool_t *pool);

/** The page of the web console that accepts invitations, as a platform link, in pool.
 *  @param public_url of the service, without a slash at its end */
const char *um_invitation_console_page(const char *public_url, apr_pool_t *pool);

/** Tell whether a platform link is such a page, of whatever service. */
int um_invitation_is_console_page(const char *platform_link);

#endif
