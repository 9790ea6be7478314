/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_HTTPD_HEALTH_H
#define UM_HTTPD_HEALTH_H

/**
 * @file health.h
 * Whether the service can serve: SetHandler usermgmt-health. A thread asks the database, so a
 * database that hangs keeps one thread of a process for as long as it hangs, and each request
 * for a bounded time.
 */

#include <httpd.h>

typedef struct um_health_t {
    /** The database answers, and its schema can be used. */
    int is_up;
    /** For the answer: of the database "ok", "unavailable" or "no_answer", of the schema "ok",
     *  "old", "unusable" or "unknown". */
    const char *database;
    const char *schema;
    /** 0 if it is not known. */
    int schema_version;
} um_health_t;

/** Prepare the checks in a child process, after um_runtime_init_child(); pool is the child's. */
void um_health_init_child(apr_pool_t *pool);

/** Begin to check a database, by its index, if what is known is not fresh. Does not wait. */
void um_health_begin(int database);

/** How a database is: the result of a check in the last second, or of a new one. Waits for that
 *  for a bounded time. */
void um_health_get(um_health_t *health, int database);

/** Answer a request: handler. */
int um_health_handle(request_rec *r);

#endif
