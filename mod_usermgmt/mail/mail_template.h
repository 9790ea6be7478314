/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_MAIL_MAIL_TEMPLATE_H
#define UM_MAIL_MAIL_TEMPLATE_H

/**
 * @file mail_template.h
 * The text of an invitation's mail, with placeholders for the values of each mail. A
 * template has three parts, [subject], [text] and [html]. docs/directives.md
 * (UserMgmtMailTemplate) describes it.
 */

#include "mail.h"

typedef struct um_mail_template_t um_mail_template_t;

/** The values of the placeholders; accept_link is NULL if there is none. */
typedef struct um_mail_values_t {
    const char *organization;
    const char *inviter;
    const char *inviter_email;
    const char *email;
    const char *accept_link;
    const char *accept_token;
    /** Milliseconds since 1970. */
    apr_int64_t expires_at;
} um_mail_values_t;

/** docs/invitation.mail, built in. */
extern const char um_mail_template_default[];

/**
 * Read a template.
 * @param template in pool
 * @return NULL, or what is wrong and in which line
 */
const char *um_mail_template_parse(um_mail_template_t **template, const char *text,
                                   apr_pool_t *pool);

/** Fill in subject, text and html of a mail; in pool. */
void um_mail_template_render(um_mail_t *mail, const um_mail_template_t *template,
                             const um_mail_values_t *values, apr_pool_t *pool);

#endif
