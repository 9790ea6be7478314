/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file mod_usermgmt.c The module's record and its hooks. */

#include <httpd.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "../base/memory.h"
#include "access_log.h"
#include "advice.h"
#include "authz.h"
#include "cache.h"
#include "config.h"
#include "console.h"
#include "cors.h"
#include "discovery.h"
#include "errors.h"
#include "etags.h"
#include "folding.h"
#include "handler.h"
#include "health.h"
#include "key_door.h"
#include "key_memory.h"
#include "list_memory.h"
#include "key_wipe.h"
#include "mailing.h"
#include "metrics_page.h"
#include "pruning.h"
#include "require.h"
#include "runtime.h"
#include "sessions.h"
#include "streams.h"
#include "watchdog.h"

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    return um_runtime_register(pconf) == APR_SUCCESS && um_sessions_register(pconf) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

/* Warn about what loads, but can't work. */
static void advise(server_rec *server, apr_pool_t *ptemp)
{
    um_advice_log(server, ptemp);
    um_runtime_advise(ptemp);
}

static int check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                        server_rec *server)
{
    (void)plog;
    if (!um_runtime_check(pconf, ptemp, server) || !um_sessions_check(server)
        || !um_mailing_check(server)) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
        advise(server, ptemp);
    }
    return OK;
}

static int post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *server)
{
    (void)plog;
    /* At the start the configuration is read twice; the first time is only for checks. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    advise(server, ptemp);
    um_watchdog_init(pconf);
    um_metrics_page_init(server);
    return um_runtime_init(ptemp, server) == APR_SUCCESS
                   && um_sessions_init(pconf, server) == APR_SUCCESS
                   && um_key_memory_init(pconf, server) == APR_SUCCESS
                   && um_list_memory_init(server) == APR_SUCCESS
                   && um_mailing_init(pconf, server) == APR_SUCCESS
                   && um_folding_init(pconf, server) == APR_SUCCESS
                   && um_pruning_init(pconf, server) == APR_SUCCESS
                   && um_streams_init(server) == APR_SUCCESS
               ? OK
               : HTTP_INTERNAL_SERVER_ERROR;
}

static void child_init(apr_pool_t *pool, server_rec *server)
{
    um_memory_init();
    um_streams_init_child(server);
    um_cache_init_child(pool, server);
    um_key_memory_init_child(pool, server);
    um_metrics_page_init_child(pool);
    um_runtime_init_child(pool, server);
    um_health_init_child(pool);
    um_sessions_init_child(pool, server);
    um_watchdog_init_child(pool);
}

static int parse_header(request_rec *r)
{
    um_errors_drop_documents(r);
    return DECLINED;
}

static void insert_error_filter(request_rec *r)
{
    um_cors_set_headers(r);
    um_errors_insert_filter(r);
}

static void register_server_hooks(void)
{
    /* The end of a child runs cleanups in reverse order, so our work is told to stop before
     * mod_watchdog waits for its thread. */
    static const char *const before[] = { "mod_watchdog.c", NULL };
    /* An SQLite database and its schema must be made or upgraded before mod_dbd prepares other
     * modules' statements on it, because an upgrade invalidates prepared statements. */
    static const char *const after[] = { "mod_dbd.c", NULL };

    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(um_access_log_register, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(um_runtime_create_files, NULL, after, APR_HOOK_REALLY_FIRST);
    ap_hook_child_init(child_init, before, after, APR_HOOK_MIDDLE);
}

/* In the order in which httpd calls them. */
static void register_request_hooks(void)
{
    /* It gives back its connection in its fixups. */
    static const char *const ldap[] = { "mod_authnz_ldap.c", NULL };
    /* mod_ssl turns a client's certificate into a Basic login (FakeBasicAuth), and would replace
     * the key. */
    static const char *const before_ssl[] = { "mod_ssl.c", NULL };

    ap_hook_pre_connection(um_handler_note_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_connection(um_key_wipe_connection, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_read_request(um_handler_note_header, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_post_read_request(um_key_door_note, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(um_handler_translate_name, NULL, NULL, APR_HOOK_LAST);
    ap_hook_map_to_storage(um_handler_map_to_storage, NULL, NULL, APR_HOOK_LAST);
    ap_hook_header_parser(um_key_door_settle, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_header_parser(parse_header, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_access_ex(um_cors_admit_preflight, NULL, NULL, APR_HOOK_MIDDLE,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(um_discovery_admit, NULL, NULL, APR_HOOK_MIDDLE,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_force_authn(um_key_door_force, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_check_authn(um_key_door_check, NULL, before_ssl, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(um_key_door_note_failure, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_fixups(um_require_ask_early, NULL, ldap, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(um_errors_restore_documents, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_handler(um_discovery_guard, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(um_cors_answer_preflight, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_handler(um_console_handle, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(um_handler_handle, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(um_health_handle, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(um_metrics_page_handle, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL, APR_HOOK_LAST);
    ap_hook_log_transaction(um_sessions_count, NULL, NULL, APR_HOOK_MIDDLE);
}

static void register_hooks(apr_pool_t *pool)
{
    um_authz_register(pool);
    um_key_wipe_register();
    um_errors_register();
    um_etags_register();
    um_metrics_page_register();
    register_server_hooks();
    register_request_hooks();
}

AP_DECLARE_MODULE(usermgmt) = {
    STANDARD20_MODULE_STUFF,
    um_config_create_directory,
    um_config_merge_directory,
    um_config_create_server,
    um_config_merge_server,
    um_config_directives,
    register_hooks,
    0,
};
