/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file config_keep.c UserMgmtKeep, see config_keep.h. */

#include "config_keep.h"

#include <string.h>

#include <apr_strings.h>
#include <http_core.h>

#include "config_number.h"
#include "module.h"

#define DAY apr_time_from_sec(24 * 3600)
#define LONGEST (36500 * DAY)

/* The transaction of a change is looked for by its audit event, and a session goes on in the
 * database, so these must not be gone too early. */
static const apr_interval_time_t shortest[UM_PRUNE_KIND_COUNT] = {
    [UM_PRUNE_AUDIT] = DAY,
    [UM_PRUNE_SESSIONS] = DAY,
    [UM_PRUNE_INVITATIONS] = DAY,
    [UM_PRUNE_IDEMPOTENCY] = apr_time_from_sec(60),
};

/* Nothing is deleted that nobody wants to be deleted. A kept answer is of no use after a day. */
static const um_keep_t standard = { {
    [UM_PRUNE_AUDIT] = UM_KEEP_FOREVER,
    [UM_PRUNE_SESSIONS] = UM_KEEP_FOREVER,
    [UM_PRUNE_INVITATIONS] = UM_KEEP_FOREVER,
    [UM_PRUNE_IDEMPOTENCY] = DAY,
} };

/* ---- the directive ---- */

/* The kind that an argument begins with, and the text behind its =; else UM_PRUNE_KIND_COUNT. */
static um_prune_kind_t find_kind(const char **value, const char *argument)
{
    int kind = 0;

    for (; kind < UM_PRUNE_KIND_COUNT; kind++) {
        size_t length = strlen(um_prune_names[kind]);

        if (ap_cstr_casecmpn(argument, um_prune_names[kind], length) == 0
            && argument[length] == '=') {
            *value = argument + length + 1;
            break;
        }
    }
    return (um_prune_kind_t)kind;
}

/* The directive may be repeated, so the lines of a section are one. The configuration that its
 * line belongs to has no other yet. */
static um_keep_t *find_keep(um_config_directory_t *config, apr_pool_t *pool)
{
    if (config->keep == NULL) {
        config->keep = apr_pmemdup(pool, &standard, sizeof(standard));
        config->keep_given = apr_pcalloc(pool, UM_PRUNE_KIND_COUNT);
    }
    return config->keep;
}

const char *um_config_keep_set(cmd_parms *cmd, void *directory, const char *argument)
{
    um_config_directory_t *config = directory;
    const char *text = NULL;
    const char *error = NULL;
    um_prune_kind_t kind = find_kind(&text, argument);
    apr_interval_time_t time = UM_KEEP_FOREVER;

    if (kind == UM_PRUNE_KIND_COUNT) {
        return apr_psprintf(cmd->pool,
                            "%s: \"%s\" is no NAME=TIME with one of the names audit, sessions, "
                            "invitations and idempotency",
                            cmd->cmd->name, argument);
    }
    if (ap_cstr_casecmp(text, "forever") != 0) {
        error = um_config_number_parse_time(&time, cmd, text, shortest[kind], LONGEST);
    }
    if (error != NULL) {
        return apr_pstrcat(cmd->pool, error, "; or it is forever", NULL);
    }
    find_keep(config, cmd->pool)->times[kind] = time;
    if (config->keep_given[kind]++ > 0) {
        return apr_psprintf(cmd->pool, "%s: %s is given twice", cmd->cmd->name,
                            um_prune_names[kind]);
    }
    return NULL;
}

const um_keep_t *um_config_keep(const um_config_directory_t *config)
{
    return config->keep != NULL ? config->keep : &standard;
}

/* ---- what holds for an organization ---- */

static apr_interval_time_t longest(apr_interval_time_t a, apr_interval_time_t b)
{
    if (a == UM_KEEP_FOREVER || b == UM_KEEP_FOREVER) {
        return UM_KEEP_FOREVER;
    }
    return a > b ? a : b;
}

static void lengthen(um_keep_t *keep, const um_keep_t *by)
{
    for (int i = 0; i < UM_PRUNE_KIND_COUNT; i++) {
        keep->times[i] = longest(keep->times[i], by->times[i]);
    }
}

/* A search for what holds for a database. */
typedef struct um_keep_search_t {
    um_keeps_t *keeps;
    /* A Location has set `others`. */
    int has_others;
    int has_answers;
    apr_pool_t *pool;
} um_keep_search_t;

static void add_to_others(um_keep_search_t *search, const um_keep_t *keep)
{
    if (search->has_others) {
        lengthen(&search->keeps->others, keep);
    } else {
        search->keeps->others = *keep;
        search->has_others = 1;
    }
}

static void add_to_named(um_keep_search_t *search, const char *organization,
                         const um_keep_t *keep)
{
    um_keep_t *found = apr_hash_get(search->keeps->named, organization, APR_HASH_KEY_STRING);

    if (found != NULL) {
        lengthen(found, keep);
    } else {
        apr_hash_set(search->keeps->named, organization, APR_HASH_KEY_STRING,
                     apr_pmemdup(search->pool, keep, sizeof(*keep)));
    }
}

/* A configuration that serves an organization, or several. */
static void add(um_keep_search_t *search, const um_config_directory_t *config)
{
    const um_keep_t *keep = um_config_keep(config);
    apr_interval_time_t answers = keep->times[UM_PRUNE_IDEMPOTENCY];

    search->keeps->answers = search->has_answers ? longest(search->keeps->answers, answers)
                                                 : answers;
    search->has_answers = 1;
    if (config->organization == NULL) {
        add_to_named(search, "default", keep);
    } else if (config->constant_organization[0] != '\0') {
        add_to_named(search, config->constant_organization, keep);
    } else {
        add_to_others(search, keep);
    }
}

static um_config_directory_t *config_of(const ap_conf_vector_t *vector)
{
    return ap_get_module_config(vector, &usermgmt_module);
}

/* Is the path of a section that of a Location, or above it? */
static int applies(const core_dir_config *section, const char *path)
{
    size_t length = section->d != NULL ? strlen(section->d) : 0;

    if (section->d == NULL || section->r != NULL || section->d_is_fnmatch) {
        return 0;
    }
    if (length > 0 && section->d[length - 1] == '/') {
        length--;
    }
    return strncmp(section->d, path, length) == 0
           && (path[length] == '/' || path[length] == '\0');
}

/* The configuration that a Location of a server has, with what it inherits: from the server, and
 * from Locations above it. */
static const um_config_directory_t *merge(server_rec *server, const char *path, apr_pool_t *pool)
{
    const core_server_config *core = ap_get_core_module_config(server->module_config);
    um_config_directory_t *merged = config_of(server->lookup_defaults);

    for (int i = 0; i < core->sec_url->nelts; i++) {
        const ap_conf_vector_t *vector = APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *);

        if (config_of(vector) != NULL && applies(ap_get_core_module_config(vector), path)) {
            merged = um_config_merge_directory(pool, merged, config_of(vector));
        }
    }
    return merged;
}

static void add_server(um_keep_search_t *search, server_rec *server)
{
    const core_server_config *core = ap_get_core_module_config(server->module_config);

    for (int i = 0; i < core->sec_url->nelts; i++) {
        const ap_conf_vector_t *vector = APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *);
        const core_dir_config *section = ap_get_core_module_config(vector);
        const um_config_directory_t *config = config_of(vector);

        if (config != NULL && um_config_serves(config)) {
            add(search, merge(server, section->d, search->pool));
        }
    }
}

static int keeps_rest(const um_keep_t *keep)
{
    for (int kind = 0; kind < UM_PRUNE_IDEMPOTENCY; kind++) {
        if (keep->times[kind] != UM_KEEP_FOREVER) {
            return 0;
        }
    }
    return 1;
}

void um_config_keep_find(um_keeps_t *keeps, const um_runtime_database_t *database,
                         apr_pool_t *pool)
{
    um_keep_search_t search = { .keeps = keeps, .pool = pool };

    keeps->named = apr_hash_make(pool);
    keeps->others = standard;
    keeps->answers = standard.times[UM_PRUNE_IDEMPOTENCY];
    for (int i = 0; i < database->servers->nelts; i++) {
        add_server(&search, APR_ARRAY_IDX(database->servers, i, server_rec *));
    }
    for (int i = 0; !search.has_others && i < database->servers->nelts; i++) {
        const server_rec *server = APR_ARRAY_IDX(database->servers, i, server_rec *);
        const um_keep_t *keep = um_config_keep(config_of(server->lookup_defaults));

        if (i == 0) {
            keeps->others = *keep;
        } else {
            lengthen(&keeps->others, keep);
        }
    }
    keeps->keeps_rest = keeps_rest(&keeps->others);
    for (apr_hash_index_t *at = apr_hash_first(pool, keeps->named); at != NULL;
         at = apr_hash_next(at)) {
        keeps->keeps_rest = keeps->keeps_rest && keeps_rest(apr_hash_this_val(at));
    }
}

const um_keep_t *um_config_keep_of(const um_keeps_t *keeps, const char *organization)
{
    const um_keep_t *found = apr_hash_get(keeps->named, organization, APR_HASH_KEY_STRING);

    return found != NULL ? found : &keeps->others;
}
