/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file invitation.c Invitations and their secrets, see invitation.h. */

#include "invitation.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_strings.h>

/* Base64 of UM_SECRET_BYTES with its padding, and a NUL. */
#define ENCODED_SIZE 45

/* Below the public URL of a service. */
#define CONSOLE_PAGE "/console/accept#"

static const char *const names[] = {
    [UM_INVITATION_PENDING] = "pending",
    [UM_INVITATION_ACCEPTED] = "accepted",
    [UM_INVITATION_REVOKED] = "revoked",
    [UM_INVITATION_EXPIRED] = "expired",
};

um_invitation_status_t um_invitation_status(const um_invitation_t *invitation, apr_int64_t now)
{
    return invitation->status == UM_INVITATION_PENDING && invitation->expires_at <= now
               ? UM_INVITATION_EXPIRED
               : invitation->status;
}

const char *um_invitation_status_name(um_invitation_status_t status)
{
    return names[status];
}

um_invitation_status_t um_invitation_status_of_name(const char *name)
{
    int status = UM_INVITATION_EXPIRED;

    while (status > UM_INVITATION_PENDING && strcmp(names[status], name) != 0) {
        status--;
    }
    return (um_invitation_status_t)status;
}

apr_status_t um_invitation_make_secret(char secret[UM_SECRET_LENGTH + 1],
                                       const um_random_t *random)
{
    unsigned char bytes[UM_SECRET_BYTES];
    char encoded[ENCODED_SIZE];
    apr_status_t status = random->fill(bytes, sizeof(bytes), random->baton);

    if (status != APR_SUCCESS) {
        return status;
    }
    apr_base64_encode_binary(encoded, bytes, sizeof(bytes));
    for (int i = 0; i < UM_SECRET_LENGTH; i++) {
        secret[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
    }
    secret[UM_SECRET_LENGTH] = '\0';
    return APR_SUCCESS;
}

void um_invitation_accept_link(const char **link, const char *platform_link, const char *secret,
                               apr_pool_t *pool)
{
    apr_size_t length = strcspn(platform_link, "#");
    const char *before = apr_pstrmemdup(pool, platform_link, length);
    const char *query = strchr(before, '?');
    const char *joint = "&";

    if (platform_link[length] == '#' && platform_link[length + 1] == '\0') {
        *link = apr_pstrcat(pool, platform_link, "accept_token=", secret, NULL);
        return;
    }
    if (query == NULL) {
        joint = "?";
    } else if (before[length - 1] == '?' || before[length - 1] == '&') {
        joint = "";
    }
    *link = apr_pstrcat(pool, before, joint, "accept_token=", secret, platform_link + length,
                        NULL);
}

const char *um_invitation_console_page(const char *public_url, apr_pool_t *pool)
{
    return apr_pstrcat(pool, public_url, CONSOLE_PAGE, NULL);
}

int um_invitation_is_console_page(const char *platform_link)
{
    apr_size_t length = strlen(platform_link);
    apr_size_t of_page = strlen(CONSOLE_PAGE);

    return length > of_page && strcmp(platform_link + length - of_page, CONSOLE_PAGE) == 0;
}
