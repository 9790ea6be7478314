/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file key_door.c The authenticator for API keys, see key_door.h. */

#include "key_door.h"

#include <string.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "../base/address.h"
#include "../base/digest.h"
#include "../base/metrics.h"
#include "../base/ticks.h"
#include "../core/store_api_keys.h"
#include "../rest/negotiate.h"
#include "../rest/permission.h"
#include "caller.h"
#include "config_number.h"
#include "key_memory.h"
#include "log.h"
#include "module.h"
#include "runtime.h"
#include "state.h"

#define HEADER "Authorization"
#define CHALLENGE "WWW-Authenticate"
/* Of RFC 6750. */
#define INVALID "Bearer error=\"invalid_token\""
#define INSUFFICIENT "Bearer error=\"insufficient_scope\""

#define RETRY_AFTER_UNAVAILABLE "2"

/* Seconds between two lines about an address that is throttled. */
#define THROTTLE_PAUSE 60

/* A key that was accepted so long ago is looked up again, because a body may come slowly. */
#define FRESH_TIME apr_time_from_sec(1)

/* A key that came with a request. */
struct um_door_t {
    /* "key:" and the id. A request whose r->user is this pointer has this key as its caller. */
    const char *user;
    const char *identity_key;
    const char *key_id;
    const char *secret_sha256;
    unsigned permissions;
    apr_int64_t org_id;
    const char *organization;
    um_role_t role;
    /* The header that shows the id only; and the one that came with the request, until it is
     * overwritten. */
    const char *header;
    char *text;
    /* When the key was last accepted. */
    um_caller_stamp_t accepted;
    /* OK, or the status that it was refused with. */
    int status;
    const char *retry_after;
};

/* ---- which requests ---- */

static int is_alone(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type != NULL && ap_cstr_casecmp(type, UM_AUTH_TYPE_KEY) == 0;
}

static int accepts_keys(request_rec *r)
{
    int keys = um_config_directory(r)->keys;

    return keys != -1 ? keys : um_key_memory_is_used() && is_alone(r);
}

/* The key that came with a request, or with the one that it is a part of. */
static um_door_t *find_door(const request_rec *r)
{
    for (; r != NULL; r = r->prev != NULL ? r->prev : r->main) {
        const um_state_t *state = um_state(r);

        if (state != NULL && state->door != NULL) {
            return state->door;
        }
    }
    return NULL;
}

/* The same where it is the caller. httpd copies the pointer to a part of the request that is in
 * the same place; in another one another module may have found another user. */
static um_door_t *find_caller(const request_rec *r)
{
    um_door_t *door = r->user != NULL ? find_door(r) : NULL;

    return door != NULL && door->user == r->user ? door : NULL;
}

/* ---- the header ---- */

static void wipe(um_door_t *door)
{
    if (door->text != NULL) {
        um_digest_wipe(door->text, strlen(door->text));
        door->text = NULL;
    }
}

static apr_status_t wipe_at_end(void *door)
{
    wipe(door);
    return APR_SUCCESS;
}

static const char *header_of(const request_rec *r)
{
    return apr_table_get(r->headers_in, HEADER);
}

/* Read the key in a header, and show its id there only. An id of "" stands for a text that is no
 * key. Returns NULL if the header has none. */
static um_door_t *open_door(request_rec *r, const char *header)
{
    const char *text = header != NULL ? um_negotiate_api_key(header) : NULL;
    um_door_t *door;
    um_api_key_text_t key;

    if (text == NULL) {
        return NULL;
    }
    door = apr_pcalloc(r->pool, sizeof(*door));
    door->key_id = "";
    if (um_api_key_parse(&key, text) == APR_SUCCESS) {
        door->key_id = apr_pstrdup(r->pool, key.id);
        door->secret_sha256 = apr_pstrdup(r->pool, key.secret_sha256);
    }
    um_digest_wipe(&key, sizeof(key));
    door->user = apr_pstrcat(r->pool, UM_KEY_IDENTITY, door->key_id, NULL);
    door->identity_key = um_address_identity_key(door->user, r->pool);
    door->header = apr_pstrcat(r->pool, "Bearer " UM_API_KEY_PREFIX, door->key_id, NULL);
    apr_table_setn(r->headers_in, HEADER, door->header);
    um_state_make(r)->door = door;
    return door;
}

int um_key_door_note(request_rec *r)
{
    const char *header = um_key_memory_is_used() ? header_of(r) : NULL;
    um_door_t *door = find_door(r);

    if (door != NULL) {
        /* An internal redirect. */
        if (door->text != NULL && header == door->text) {
            apr_table_setn(r->headers_in, HEADER, door->header);
        }
        return DECLINED;
    }
    door = open_door(r, header);
    if (door != NULL) {
        /* httpd has made it for this request, so it can be overwritten. */
        door->text = (char *)header;
        apr_pool_cleanup_register(r->pool, door, wipe_at_end, apr_pool_cleanup_null);
    }
    return DECLINED;
}

int um_key_door_settle(request_rec *r)
{
    um_door_t *door = find_door(r);

    if (door == NULL || door->text == NULL) {
        return DECLINED;
    }
    if (accepts_keys(r)) {
        if (header_of(r) == door->text) {
            apr_table_setn(r->headers_in, HEADER, door->header);
        }
        wipe(door);
    } else if (header_of(r) == door->header) {
        apr_table_setn(r->headers_in, HEADER, door->text);
    }
    return DECLINED;
}

/* The key in the header of a request; NULL if there is none. A header that another module has set
 * is not the one that was noted. */
static um_door_t *door_in_header(request_rec *r)
{
    um_door_t *door = find_door(r);
    const char *header = header_of(r);

    return door != NULL && header != NULL && strcmp(header, door->header) == 0
               ? door
               : open_door(r, header);
}

/* ---- the key ---- */

/* A look at a stored key. */
typedef struct um_key_look_t {
    um_door_t *door;
    request_rec *r;
    um_cached_key_t *cached;
    um_caller_stamp_t stamp;
    /* Why the key is refused; NULL if it is not. */
    const char *reason;
} um_key_look_t;

static const char *reason_of_status(const um_api_key_t *key, apr_int64_t now)
{
    switch (um_api_key_status(key, now)) {
    case UM_API_KEY_EXPIRED:
        return "it is expired";
    case UM_API_KEY_REVOKED:
        return "it is revoked";
    default:
        return "its secret is not the right one";
    }
}

/* Does the Location have another organization than the key? If the expression gives nothing, for
 * example because it reads a claim of an OpenID Connect login, the key's own counts. */
static apr_status_t check_organization(um_key_look_t *look)
{
    const um_config_directory_t *config = um_config_directory(look->r);
    const char *name = NULL;
    apr_status_t status;

    if (config->organization == NULL) {
        return APR_SUCCESS;
    }
    status = um_caller_organization(&name, look->r);
    if (status == APR_SUCCESS && name[0] != '\0'
        && strcmp(name, look->cached->key.organization) != 0) {
        look->reason = "it belongs to another organization than UserMgmtOrganization says";
    }
    return status;
}

/* Set look->reason if the key does not hold for this request. */
static apr_status_t judge(um_key_look_t *look)
{
    const um_api_key_t *key = &look->cached->key;
    apr_int64_t now = apr_time_as_msec(apr_time_now());

    look->reason = NULL;
    if (!um_api_key_accepts(key, look->door->secret_sha256, now)) {
        look->reason = reason_of_status(key, now);
    } else if (!um_api_key_is_allowed_from(um_api_key_networks(key->allow_from, look->r->pool),
                                           look->r->useragent_addr)) {
        look->reason = "its allow_from does not have this address";
    }
    return look->reason == NULL ? check_organization(look) : APR_SUCCESS;
}

static apr_status_t read_key(um_key_look_t *look)
{
    request_rec *r = look->r;
    um_store_t *store = um_runtime_store(r->server);
    um_api_key_t *key = NULL;
    um_db_t *db = NULL;
    apr_status_t status = store != NULL ? um_store_open(&db, store, r->pool) : UM_EUNAVAILABLE;

    if (status == APR_SUCCESS) {
        status = um_store_api_keys_find(&key, db, look->door->key_id, r->pool);
    }
    um_db_close(db);
    if (status == APR_SUCCESS) {
        look->cached = apr_pcalloc(r->pool, sizeof(*look->cached));
        look->cached->key = *key;
        look->cached->permissions = um_permission_read(key->permissions);
        um_key_memory_put(r, look->cached, &look->stamp);
    }
    return status;
}

/* Look the key up. What is remembered of it can let it in, but only the database can refuse it,
 * because another server may have changed it. */
static apr_status_t look_up(um_key_look_t *look)
{
    const um_config_directory_t *config = um_config_directory(look->r);
    apr_interval_time_t ttl = um_config_directory_number(config, UM_ROLE_CACHE_TTL);
    apr_status_t status;

    if (look->door->key_id[0] == '\0') {
        look->reason = "it does not have the form of a key";
        return APR_SUCCESS;
    }
    look->cached = um_key_memory_get(&look->stamp, look->r, look->door->key_id, ttl);
    if (look->cached != NULL) {
        status = judge(look);
        if (status != APR_SUCCESS || look->reason == NULL) {
            return status;
        }
    }
    status = read_key(look);
    if (status == UM_ENOTFOUND) {
        look->reason = "there is no key with this id";
        return APR_SUCCESS;
    }
    return status == APR_SUCCESS ? judge(look) : status;
}

static void take_rights(const um_key_look_t *look)
{
    const um_api_key_t *key = &look->cached->key;
    um_door_t *door = look->door;

    door->org_id = key->org_id;
    door->organization = key->organization;
    door->role = key->is_admin ? UM_ROLE_ADMIN : UM_ROLE_NONE;
    door->permissions = look->cached->permissions;
    door->accepted.generation = look->stamp.generation;
    door->accepted.read_at = um_ticks();
}

/* ---- a request ---- */

static int ask_for_key(request_rec *r)
{
    const char *realm = ap_auth_name(r);

    apr_table_setn(r->err_headers_out, CHALLENGE,
                   realm != NULL ? apr_pstrcat(r->pool, "Bearer realm=\"",
                                               ap_escape_quotes(r->pool, realm), "\"", NULL)
                                 : "Bearer");
    return HTTP_UNAUTHORIZED;
}

static int refuse(const um_door_t *door, request_rec *r)
{
    if (door->retry_after != NULL) {
        apr_table_setn(r->err_headers_out, "Retry-After", door->retry_after);
    }
    if (door->status == HTTP_UNAUTHORIZED) {
        apr_table_setn(r->err_headers_out, CHALLENGE, INVALID);
    }
    return door->status;
}

static void log_refusal(const um_key_look_t *look)
{
    um_log_request(look->r, KEY_REFUSED, APR_SUCCESS, UM_API_KEY_PREFIX, look->door->key_id,
                   look->reason);
}

static void log_throttled(request_rec *r)
{
    static volatile apr_uint32_t logged_at;

    if (um_log_is_due(&logged_at, THROTTLE_PAUSE)) {
        um_log_request(r, KEYS_THROTTLED, APR_SUCCESS, r->useragent_ip);
    }
}

/* A key that does not hold. A good key is never counted, so one that comes from the same address
 * is accepted all the same. */
static int refuse_for(const um_key_look_t *look)
{
    request_rec *r = look->r;
    um_door_t *door = look->door;
    apr_interval_time_t wait = um_key_memory_fail(r);

    log_refusal(look);
    um_metrics_count_refused_key();
    door->status = HTTP_UNAUTHORIZED;
    if (wait > 0) {
        door->status = HTTP_TOO_MANY_REQUESTS;
        door->retry_after = apr_psprintf(r->pool, "%d",
                                         (int)apr_time_sec(wait + APR_USEC_PER_SEC - 1));
        log_throttled(r);
    }
    return refuse(door, r);
}

/* The database could not be asked. The next part of the request may try again. */
static int refuse_unchecked(apr_status_t status, request_rec *r)
{
    if (status != UM_EUNAVAILABLE && status != UM_EBUSY && status != UM_ESCHEMA) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_table_setn(r->err_headers_out, "Retry-After", RETRY_AFTER_UNAVAILABLE);
    return HTTP_SERVICE_UNAVAILABLE;
}

/* Is this a header that mod_auth_openidc passes to applications? For scripts "-" is "_". */
static int is_claim(const char *name)
{
    return ap_cstr_casecmpn(name, "OIDC", 4) == 0 && (name[4] == '_' || name[4] == '-');
}

/* mod_auth_openidc puts the claims of a login into headers, and removes those that a client has
 * forged. But it does not see a request with a key. */
static void remove_claims(request_rec *r)
{
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);
    int i = 0;

    while (i < headers->nelts) {
        const char *name = APR_ARRAY_IDX(headers, i, apr_table_entry_t).key;

        if (is_claim(name)) {
            apr_table_unset(r->headers_in, name);
        } else {
            i++;
        }
    }
}

static int admit(um_door_t *door, request_rec *r)
{
    um_key_look_t look = { .door = door, .r = r };
    apr_status_t status;

    if (door->status != OK) {
        return refuse(door, r);
    }
    remove_claims(r);
    apr_table_setn(r->notes, "usermgmt-key",
                   apr_pstrcat(r->pool, UM_API_KEY_PREFIX, door->key_id, NULL));
    /* An expression of the configuration may use it. */
    r->user = (char *)door->user;
    status = look_up(&look);
    if (status == APR_SUCCESS && look.reason == NULL) {
        take_rights(&look);
        um_key_memory_note_use(door->key_id, r);
        r->ap_auth_type = (char *)UM_AUTH_TYPE_KEY;
        return OK;
    }
    r->user = NULL;
    return status == APR_SUCCESS ? refuse_for(&look) : refuse_unchecked(status, r);
}

int um_key_door_check(request_rec *r)
{
    um_door_t *door;

    if (!accepts_keys(r)) {
        return DECLINED;
    }
    door = door_in_header(r);
    if (door != NULL) {
        return admit(door, r);
    }
    return is_alone(r) ? ask_for_key(r) : DECLINED;
}

int um_key_door_force(request_rec *r)
{
    return accepts_keys(r) && door_in_header(r) != NULL ? OK : DECLINED;
}

int um_key_door_note_failure(request_rec *r, const char *auth_type)
{
    if (find_caller(r) != NULL) {
        apr_table_setn(r->err_headers_out, CHALLENGE, INSUFFICIENT);
        return OK;
    }
    if (ap_cstr_casecmp(auth_type, UM_AUTH_TYPE_KEY) == 0) {
        ask_for_key(r);
        return OK;
    }
    return DECLINED;
}

int um_key_door_is_caller(const request_rec *r)
{
    return find_caller(r) != NULL;
}

/* Look the key up again if something may have changed. */
static apr_status_t refresh(um_door_t *door, request_rec *r)
{
    um_key_look_t look = { .door = door, .r = r };
    apr_status_t status;

    if (door->accepted.generation == um_runtime_generation()
        && um_ticks() - door->accepted.read_at < FRESH_TIME) {
        return APR_SUCCESS;
    }
    status = look_up(&look);
    if (status == APR_SUCCESS && look.reason == NULL) {
        take_rights(&look);
    } else if (status == APR_SUCCESS) {
        log_refusal(&look);
        door->permissions = 0;
        door->role = UM_ROLE_NONE;
        return UM_EREFUSED;
    }
    return status;
}

apr_status_t um_key_door_identify(um_caller_t *caller, request_rec *r)
{
    um_door_t *door = find_caller(r);
    apr_status_t status = refresh(door, r);

    caller->remote_addr = r->useragent_ip;
    caller->identity = door->user;
    caller->identity_key = door->identity_key;
    caller->organization = door->organization;
    caller->org_id = door->org_id;
    caller->role = door->role;
    caller->role_is_stored = 0;
    caller->uid = NULL;
    caller->key_id = door->key_id;
    caller->key_secret_sha256 = door->secret_sha256;
    caller->key_permissions = door->permissions;
    return status;
}
