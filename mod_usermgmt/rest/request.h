/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_REQUEST_H
#define UM_REST_REQUEST_H

/**
 * @file request.h
 * A request and its answer, independent of the server. httpd/handler.c makes them from
 * httpd's request_rec.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "../base/json.h"
#include "../core/list_places.h"
#include "../core/store.h"
#include "negotiate.h"

/** One error in a body, a query or a header. */
typedef struct um_fault_t {
    /** The member, parameter or header. */
    const char *field;
    /** See um_faults_t. */
    const char *place;
    /** Stable, snake_case. */
    const char *code;
    const char *detail;
} um_fault_t;

/** All errors of a request. */
typedef struct um_faults_t {
    apr_pool_t *pool;
    /** Of um_fault_t; NULL if there is none. */
    apr_array_header_t *list;
    /** Where the fields are that are being checked: "body", "query" or "header"; NULL if there
     *  is only one possibility. */
    const char *place;
} um_faults_t;

/** The parts of a problem: an answer that is an error. */
typedef struct um_problem_t {
    int status;
    const char *code;
    /** NULL if there is none. */
    const char *detail;
    /** The name of the permission that is missing; NULL if none is. */
    const char *permission;
    /** Of um_fault_t; NULL if there is none. */
    const apr_array_header_t *faults;
} um_problem_t;

typedef enum um_role_t { UM_ROLE_NONE, UM_ROLE_SUB_ADMIN, UM_ROLE_ADMIN } um_role_t;

/** "none", "sub_admin" or "admin". */
const char *um_role_name(um_role_t role);

/** The permission that a route needs; each is a bit. Their names are in permission.h. */
typedef enum um_permission_t {
    UM_PERMIT_USERS_READ = 1 << 0,
    UM_PERMIT_USERS_CREATE = 1 << 1,
    UM_PERMIT_USERS_UPDATE = 1 << 2,
    UM_PERMIT_USERS_DELETE = 1 << 3,
    UM_PERMIT_INVITATIONS_READ = 1 << 4,
    UM_PERMIT_INVITATIONS_MANAGE = 1 << 5,
    UM_PERMIT_SUB_ADMINS_READ = 1 << 6,
    UM_PERMIT_SUB_ADMINS_MANAGE = 1 << 7,
    UM_PERMIT_SESSIONS_READ = 1 << 8,
    UM_PERMIT_SESSIONS_REPORT = 1 << 9,
    UM_PERMIT_AUDIT_READ = 1 << 10,
    UM_PERMIT_KEYS_MANAGE = 1 << 11,
    UM_PERMIT_SCIM = 1 << 12,
    UM_PERMIT_METRICS_READ = 1 << 13,
    UM_PERMIT_GROUPS_MANAGE = 1 << 14,
    /** These two have no name. The first is for every caller with a role, the second for every
     *  caller with an identity. */
    UM_PERMIT_ROLE = 1 << 15,
    UM_PERMIT_ANYONE = 1 << 16,
    /** One of the two, for a route whose handler decides which one it needs. */
    UM_PERMIT_USERS_WRITE = UM_PERMIT_USERS_CREATE | UM_PERMIT_USERS_UPDATE
} um_permission_t;

/** A sub-admin's where UserMgmtSubAdminAllow says nothing. */
#define UM_PERMIT_DEFAULT                                                                        \
    (UM_PERMIT_USERS_READ | UM_PERMIT_USERS_CREATE | UM_PERMIT_USERS_UPDATE                      \
     | UM_PERMIT_SESSIONS_READ)

/** The identity of an API key is this and its id. */
#define UM_KEY_IDENTITY "key:"

/** The caller of a request. */
typedef struct um_caller_t {
    const char *identity;
    /** Its key, to compare it with other identities and with addresses. */
    const char *identity_key;
    const char *remote_addr;
    const char *organization;
    apr_int64_t org_id;
    um_role_t role;
    /** Non-zero if the role is that of a sub-admin in the database, and not one by the server's
     *  configuration. */
    int role_is_stored;
    /** NULL for a caller who has no role and is no user, and for an API key. */
    const char *uid;
    /** The id of the API key that the request came with; NULL for a person. */
    const char *key_id;
    /** The digest of the secret that came with it. */
    const char *key_secret_sha256;
    /** Of um_permission_t: the permissions of that key, if its role is not that of an admin. */
    unsigned key_permissions;
} um_caller_t;

/** The server's configuration of the API; read-only. */
typedef struct um_settings_t {
    /** Of um_permission_t. */
    unsigned sub_admin_permissions;
    /** Of const char *: allowed origins in addition to the server's own. */
    const apr_array_header_t *allowed_origins;
    /** Bytes. */
    apr_int64_t max_body;
    /** The time for a body to arrive, in microseconds. */
    apr_interval_time_t body_timeout;
    /** How long a statement with a filter may take, in microseconds. */
    apr_interval_time_t filter_timeout;
    /** How long an invitation lasts, in milliseconds. */
    apr_int64_t invitation_ttl;
    /** Whether only the invited address can accept an invitation. */
    int invitation_match;
    /** Of const char *: the prefixes that platform links must be below; NULL allows all. */
    const apr_array_header_t *platform_links;
    /** The public URL of the service, without a slash at its end, if the web console is there. */
    const char *console_url;
    /** How long a new API key can last, in milliseconds; 0 for any time. */
    apr_int64_t key_max_age;
    /** Whether the server sends mail. */
    int sends_mail;
    /** How long the answer to a request with an Idempotency-Key is given again, in milliseconds;
     *  -1 for ever. */
    apr_int64_t idempotency_keep;
    /** Whether the routes that can be public need no caller. */
    int public_routes;
} um_settings_t;

typedef struct um_request_t um_request_t;

/** See router.h. */
typedef struct um_service_t um_service_t;

/** Functions of the server for a request. */
typedef struct um_server_t {
    /**
     * Find out who the caller is. APR_SUCCESS; UM_ENOTFOUND if the caller's organization
     * does not exist; UM_EREFUSED if the request's API key does not hold any more;
     * UM_EUNAVAILABLE; APR_EGENERAL if the role could not be found out for another reason
     * (logged).
     */
    apr_status_t (*identify)(um_caller_t *caller, um_request_t *request);
    /** Read the body. UM_ETOOLARGE if it has more than max bytes, APR_TIMEUP if it takes too
     *  long, APR_EGENERAL if the connection ended before its end. */
    apr_status_t (*read_body)(const char **body, apr_size_t *length, um_request_t *request,
                              apr_int64_t max);
    /** Tell whether the server has a newer configuration than the one that handles this request,
     *  and the request came so late or so slowly that the newer one must be used. */
    int (*is_outdated)(um_request_t *request);
    /** Begin a stream, which can take as long as its client wants. It ends with the answer. 0 if
     *  the largest number of streams is being sent. */
    int (*begin_stream)(um_request_t *request);
    /** Drop the cached roles of callers, in all processes of this server. */
    void (*forget_roles)(um_request_t *request);
    /** What all processes of this server remember of lists that clients read by number. */
    um_list_places_t *(*list_places)(void);
} um_server_t;

struct um_request_t {
    apr_pool_t *pool;
    const um_server_t *server;
    /** For the server's own use. */
    void *server_baton;
    const um_settings_t *settings;
    um_store_t *store;
    /** The service that the request is for. */
    const um_service_t *service;
    const char *method;
    /** The base path of the API as the client sees it, encoded, without a slash at its end. */
    const char *base;
    /** The rest of the path after the base, decoded; it starts with a slash or is empty. */
    const char *path;
    /** NULL if there is none. */
    const char *query;
    const apr_table_t *headers;
    /** Whether the request has a body, and its length, -1 if unknown. */
    int has_body;
    apr_int64_t content_length;
    /** "https://host:port" that the request was sent to. */
    const char *own_origin;
    /** What the server calls the request in its logs; NULL if it gives no name. */
    const char *request_id;
    /** The trace that it belongs to, by its client; NULL for none. */
    const char *trace_id;

    /* Filled in by the router. */
    um_caller_t caller;
    /** The name of the action: "users.create". */
    const char *action;
    /** The permission that it needs; if there are several, one of them is enough. */
    um_permission_t permission;
    /** The key of the object; NULL for a list. */
    const char *target;
    /** The path's variable segment; NULL if there is none. */
    const char *id;
    const char *body_text;
    apr_size_t body_length;
    /** The body, an object; an empty one if none was sent. */
    const um_json_t *body;
    /** Of um_query_parameter_t. */
    const apr_array_header_t *parameters;
    /** The errors so far. A handler adds its own, and then checks once whether there are any. */
    um_faults_t faults;
    /** What the client wants, of what the route has. */
    um_media_t media;
};

/** The destination of a streamed answer. */
typedef struct um_sink_t {
    /** APR_SUCCESS, or an error if the client is gone. */
    apr_status_t (*write)(void *baton, const char *bytes, apr_size_t length);
    void *baton;
} um_sink_t;

typedef struct um_answer_t {
    int status;
    /** NULL if there is no body. */
    const char *content_type;
    apr_table_t *headers;
    const char *body;
    apr_size_t length;
    /** The body to store for an Idempotency-Key, if it is not the whole body, because a secret is
     *  shown once and never stored. */
    const char *kept_body;
    /** Of const char *: if the body is longer than a row of the database (UM_KEPT_BODY_MAX), it
     *  ends with an array, and kept_body has the first elements of that: its last characters are
     *  ]}. Each of these texts is an array with the next elements. Else NULL. */
    const apr_array_header_t *kept_rest;
    /** If set, it writes the body in pieces after the header is sent. After an error the
     *  connection is closed; UM_EREFUSED means that the caller has lost the role. */
    apr_status_t (*stream)(um_sink_t *sink, um_request_t *request, void *baton);
    void *stream_baton;
    /** For a 304: the client's ETag, if it is ours with a suffix of an output filter; else
     *  NULL. */
    const char *client_etag;
    /** The problem's code; NULL for a success. */
    const char *code;
    /** The problem that the body tells; NULL for a success. */
    const um_problem_t *problem;
    /** The change makes the cached roles of callers wrong. */
    int changes_roles;
} um_answer_t;

/** Set a header; name and value are not copied. */
void um_answer_set_header(um_answer_t *answer, const char *name, const char *value);

/** Answer with JSON. The text belongs to buffer. A service may have a media type of its own,
 * which the router sets. */
void um_answer_json(um_answer_t *answer, int status, const um_buffer_t *buffer);

/** Answer 200 with {"message": message}. */
void um_answer_message(um_answer_t *answer, const char *message, apr_pool_t *pool);

/** The strong entity tag, with its quotes, of an object that has no version: a hash of its
 *  JSON. In pool. */
const char *um_answer_etag(const char *json, apr_pool_t *pool);

/** Make an answer that has an ETag a 304 where the request's If-None-Match has it. */
void um_answer_revalidate(um_answer_t *answer, const um_request_t *request);

/** Make the answer empty. */
void um_answer_init(um_answer_t *answer, apr_pool_t *pool);

#endif
