/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file memberships.c The attribute "groups" of users, see memberships.h. */

#include "memberships.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "../core/store_memberships.h"
#include "resource.h"

/* Some users whose groups are read. */
typedef struct um_reading_t {
    /* By uid: um_buffer_t *. */
    apr_hash_t *texts;
    const um_request_t *request;
    apr_pool_t *pool;
} um_reading_t;

static um_buffer_t *text_of(const um_reading_t *reading, const char *uid)
{
    um_buffer_t *text = apr_hash_get(reading->texts, uid, APR_HASH_KEY_STRING);

    if (text == NULL) {
        text = apr_palloc(reading->pool, sizeof(*text));
        um_buffer_init(text, 256, reading->pool);
        apr_hash_set(reading->texts, apr_pstrdup(reading->pool, uid), APR_HASH_KEY_STRING, text);
    }
    return text;
}

static void take_membership(const um_row_t *row, void *baton)
{
    const um_reading_t *reading = baton;
    um_buffer_t *text = text_of(reading, um_row_text(row, 0));
    const char *id = um_row_text(row, 1);

    um_buffer_putc(text, text->length == 0 ? '[' : ',');
    um_buffer_putc(text, '{');
    um_json_put_member(text, "value", id);
    um_json_put_member(text, "$ref", um_scim_url(reading->request, "Groups", id));
    um_json_put_member(text, "display", um_row_text(row, 2));
    um_json_put_member(text, "type", "direct");
    um_buffer_putc(text, '}');
}

static apr_status_t read_some(const um_reading_t *reading, um_scim_member_t *const *members,
                              int count, um_db_t *db)
{
    apr_array_header_t *uids = apr_array_make(reading->pool, count, sizeof(const char *));
    apr_status_t status;

    for (int i = 0; i < count; i++) {
        APR_ARRAY_PUSH(uids, const char *) = members[i]->user->uid;
    }
    status = um_store_memberships_get(db, take_membership, (void *)reading,
                                      reading->request->caller.org_id, uids, reading->pool);
    for (int i = 0; status == APR_SUCCESS && i < count; i++) {
        um_buffer_t *text = apr_hash_get(reading->texts, members[i]->user->uid,
                                         APR_HASH_KEY_STRING);

        if (text != NULL) {
            um_buffer_putc(text, ']');
            members[i]->groups = text->data;
        }
    }
    return status;
}

apr_status_t um_scim_memberships_read(const apr_array_header_t *members, um_db_t *db,
                                      const um_request_t *request, apr_pool_t *pool)
{
    um_reading_t reading = { apr_hash_make(pool), request, pool };
    um_scim_member_t *const *all = (um_scim_member_t *const *)members->elts;
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; status == APR_SUCCESS && i < members->nelts; i += UM_MEMBERSHIPS_USERS_MAX) {
        int count = members->nelts - i;

        status = read_some(&reading, all + i,
                           count < UM_MEMBERSHIPS_USERS_MAX ? count : UM_MEMBERSHIPS_USERS_MAX,
                           db);
    }
    return status;
}
