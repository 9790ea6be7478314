/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_REST_REQUEST_H
#define UM_REST_REQUEST_H

/**
 * @file request.h
 * A request and its answer as the API knows them, whatever server they come
 * through.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "../base/json.h"
#include "../core/store.h"

/** One thing that is wrong with a body, a query or a header. */
typedef struct um_fault_t {
    /** The member, parameter or header. */
    const char *field;
    /** See um_faults_t. */
    const char *place;
    /** Stable, snake_case. */
    const char *code;
    const char *detail;
} um_fault_t;

/** All that is wrong with a request. */
typedef struct um_faults_t {
    apr_pool_t *pool;
    /** Of um_fault_t; NULL as long as there is none. */
    apr_array_header_t *list;
    /** Where the fields stand that are looked at: "body", "query" or "header"; NULL where
     *  there is no choice. */
    const char *place;
} um_faults_t;

typedef enum um_role_t {
    UM_ROLE_NONE,
    UM_ROLE_SUB_ADMIN,
    UM_ROLE_ADMIN
} um_role_t;

/** "none", "sub_admin" or "admin". */
const char *um_role_name(um_role_t role);

/** What a route needs, a bit each. permission.h has the names of those that have one. */
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
    /** These two have no name: whoever has a role, and whoever has an identity, with a role
     *  or without. */
    UM_PERMIT_ROLE = 1 << 11,
    UM_PERMIT_ANYONE = 1 << 12
} um_permission_t;

/** A sub-admin's where UserMgmtSubAdminAllow says nothing. */
#define UM_PERMIT_DEFAULT                                                                         \
    (UM_PERMIT_USERS_READ | UM_PERMIT_USERS_CREATE | UM_PERMIT_USERS_UPDATE                       \
     | UM_PERMIT_SESSIONS_READ)

/** Who asks. */
typedef struct um_caller_t {
    const char *identity;
    /** Its key, by which it is compared with others and with addresses. */
    const char *identity_key;
    const char *remote_addr;
    const char *organization;
    apr_int64_t org_id;
    um_role_t role;
    /** Non-zero where the role is that of a sub-admin in the database, not one by the
     *  server's configuration. */
    int role_is_stored;
    /** NULL for a caller with no role who is no user. */
    const char *uid;
} um_caller_t;

/** What the server's configuration says of the API; read-only. */
typedef struct um_settings_t {
    /** Of um_permission_t. */
    unsigned sub_admin_permissions;
    /** Of const char *: origins besides the server's own. */
    const apr_array_header_t *allowed_origins;
    /** Bytes. */
    apr_int64_t max_body;
    /** In which a body must be there, in microseconds. */
    apr_interval_time_t body_timeout;
    /** How long an invitation lasts, in milliseconds. */
    apr_int64_t invitation_ttl;
    /** Whether an invitation is for the invited address alone. */
    int invitation_match;
    /** Of const char *: what platform links must be below; NULL for anything. */
    const apr_array_header_t *platform_links;
    /** Whether the server sends mail. */
    int sends_mail;
} um_settings_t;

typedef struct um_request_t um_request_t;

/** What the server does for a request. */
typedef struct um_server_t {
    /**
     * Find out who asks. APR_SUCCESS; UM_ENOTFOUND where the caller's
     * organization does not exist; UM_EUNAVAILABLE; APR_EGENERAL where the
     * role could not be found out for another reason (logged).
     */
    apr_status_t (*identify)(um_caller_t *caller, um_request_t *request);
    /** Read the body; UM_ETOOLARGE past max bytes, APR_TIMEUP past the time for it,
     *  APR_EGENERAL where it broke off. */
    apr_status_t (*read_body)(const char **body, apr_size_t *length, um_request_t *request,
                              apr_int64_t max);
    /** Tell whether the server has another configuration by now than that by which the
     *  request is handled, and the request came so late or so slowly that the new one holds. */
    int (*is_outdated)(um_request_t *request);
    /** Have the request send a stream, which takes as long as its client likes. 0 where as
     *  many as may are being sent. It ends with the answer. */
    int (*begin_stream)(um_request_t *request);
    /** Drop what is remembered of callers' roles, everywhere on this server. */
    void (*forget_roles)(um_request_t *request);
} um_server_t;

struct um_request_t {
    apr_pool_t *pool;
    const um_server_t *server;
    /** The server's own. */
    void *server_baton;
    const um_settings_t *settings;
    um_store_t *store;
    const char *method;
    /** The path the API is served below as the client sees it, encoded, without a slash at its
     *  end. */
    const char *base;
    /** What follows the base in the path, decoded; starts with a slash or is empty. */
    const char *path;
    /** NULL where there is none. */
    const char *query;
    const apr_table_t *headers;
    /** Whether the request says that it brings a body, and its length, -1 if unknown. */
    int has_body;
    apr_int64_t content_length;
    /** "https://host:port" as the request was addressed. */
    const char *own_origin;

    /* Filled in on the way. */
    um_caller_t caller;
    /** What is done: "users.create". */
    const char *action;
    /** What that needs. */
    um_permission_t permission;
    /** Whom or what it is done to; NULL for a list. */
    const char *target;
    /** The path's variable segment; NULL where there is none. */
    const char *id;
    const char *body_text;
    apr_size_t body_length;
    /** The body, an object; an empty one where none was sent. */
    const um_json_t *body;
    /** Of um_query_parameter_t. */
    const apr_array_header_t *parameters;
    /** What was found wrong so far; a handler adds to it, then looks once. */
    um_faults_t faults;
    /** Whether the client prefers application/x-ndjson; only where the route has it. */
    int wants_ndjson;
};

/** Where a streamed answer goes. */
typedef struct um_sink_t {
    /** APR_SUCCESS, or an error where the client is gone. */
    apr_status_t (*write)(void *baton, const char *bytes, apr_size_t length);
    void *baton;
} um_sink_t;

typedef struct um_answer_t {
    int status;
    /** NULL where there is no body. */
    const char *content_type;
    apr_table_t *headers;
    const char *body;
    apr_size_t length;
    /** What is kept of the body for an Idempotency-Key, where that is not all of
     *  it: a secret is told once and never stored. */
    const char *kept_body;
    /** Where set, writes the body in pieces after the header is sent; an error
     *  breaks the connection off, UM_EREFUSED where the caller has lost the role. */
    apr_status_t (*stream)(um_sink_t *sink, um_request_t *request, void *baton);
    void *stream_baton;
    /** Of a 304: the ETag that the client has, where it is ours with an output filter's
     *  suffix; else NULL. */
    const char *client_etag;
    /** The problem's code; NULL for a success. */
    const char *code;
    /** The change makes what is remembered of callers' roles untrue. */
    int changes_roles;
} um_answer_t;

/** Set a header; name and value are not copied. */
void um_answer_set_header(um_answer_t *answer, const char *name, const char *value);

/** Answer with JSON. The text is buffer's. */
void um_answer_json(um_answer_t *answer, int status, const um_buffer_t *buffer);

/** Answer 200 with {"message": message}. */
void um_answer_message(um_answer_t *answer, const char *message, apr_pool_t *pool);

/** The strong entity tag, with its quotes, of what is kept without a version: a hash of its
 *  JSON. In pool. */
const char *um_answer_etag(const char *json, apr_pool_t *pool);

/** Make an answer that has an ETag a 304 where the request's If-None-Match has it. */
void um_answer_revalidate(um_answer_t *answer, const um_request_t *request);

/** Make answer an empty one. */
void um_answer_init(um_answer_t *answer, apr_pool_t *pool);

#endif
