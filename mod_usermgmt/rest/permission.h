/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_PERMISSION_H
#define UM_REST_PERMISSION_H

/**
 * @file permission.h
 * Whether a caller has the permission for a request. It is checked before anything else of
 * the request is read. It is checked again when time has passed: after the body was read,
 * inside the transaction of a change, and between the batches of a stream.
 */

#include "request.h"

/** A permission that has a name. An admin has each. */
typedef struct um_permission_entry_t {
    /** "users:read" */
    const char *name;
    um_permission_t permission;
    /** Whether UserMgmtSubAdminAllow takes it. */
    int is_for_sub_admins;
} um_permission_entry_t;

/** All of them, ended by one with a NULL name. Directives, messages and answers take the names
 *  of permissions from this table, and a test compares the documents with it. */
extern const um_permission_entry_t um_permissions[];

/** The permission of that name, without case; NULL where there is none. */
const um_permission_entry_t *um_permission_find(const char *name);

/** The name of a permission, and of several that of the first; NULL for one without a name. */
const char *um_permission_name(um_permission_t permission);

/** The names of the permissions that sub-admins can have, with blanks between them, in pool. */
const char *um_permission_sub_admin_names(apr_pool_t *pool);

/** The permissions of a text of names with blanks between, as it is stored for an API key. A name
 *  that is not known, such as one of a later version, gives none. */
unsigned um_permission_read(const char *names);

/** The names of permissions with blanks between, in pool: um_permission_read() reads them. */
const char *um_permission_names(unsigned permissions, apr_pool_t *pool);

/** All permissions that have a name. */
unsigned um_permission_all(void);

/** The permissions of a caller: bits of um_permission_t that have a name. An API key can't manage
 *  API keys, whatever it has. */
unsigned um_permission_of_caller(const um_caller_t *caller, const um_settings_t *settings);

/** Tell whether a caller has a permission, which may be one without a name. */
int um_permission_allows(um_permission_t permission, const um_caller_t *caller,
                         const um_settings_t *settings);

/** Check that the caller, as identified, has the permission of the route. APR_SUCCESS; or
 *  UM_EREFUSED, and answer is a 403. */
apr_status_t um_permission_check(um_answer_t *answer, const um_request_t *request);

/**
 * The same inside a change. It reads from the database whether a sub-admin or an API key still
 * has its rights; they can't change until the change ends. A stored role may be gone, a sub-admin
 * by configuration has no rights if its user is suspended, and a key may be revoked, expired or
 * have fewer permissions.
 * @return APR_SUCCESS; UM_EREFUSED, and answer is a 403, if the caller has lost the rights, or a
 *         401 for a key that does not hold; or the error of a store function
 */
apr_status_t um_permission_check_change(um_answer_t *answer, const um_request_t *request,
                                        um_db_t *db);

/**
 * The same for the next part of a long answer, if the role is one by configuration. The role is
 * checked once a second. The check may need a connection to the database, so call this function
 * without holding one.
 * @param checked_at when it was last checked, by um_ticks()
 * @return APR_SUCCESS; UM_EREFUSED, without an answer, if the caller has lost the role; or an
 *         error of um_server_t.identify
 */
apr_status_t um_permission_check_configured(apr_time_t *checked_at, um_request_t *request);

/** The same for roles, users and API keys in the database, which is read each time: a sub-admin's
 *  role may be gone, or its user suspended, or a key revoked. APR_SUCCESS, UM_EREFUSED, or the
 * error of a store function. */
apr_status_t um_permission_check_stored(const um_request_t *request, um_db_t *db,
                                        apr_pool_t *pool);

#endif
