/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file schema.c The commands about the database's schema. */

#include "../base/json.h"
#include "../base/ticks.h"
#include "../db/schema.h"

#include "../core/store_lists.h"
#include "commands.h"

/* The pause before an upgrade is retried because the database was busy. */
#define BUSY_PAUSE apr_time_from_msec(100)

static const char *state_of(int version)
{
    if (version == UM_SCHEMA_VERSION) {
        return "current";
    }
    if (version == 0) {
        return "missing";
    }
    if (um_schema_is_usable(version)) {
        return "usable";
    }
    return version < UM_SCHEMA_VERSION ? "old" : "newer";
}

/* The caller must close the connection. */
static apr_status_t open_version(um_db_t **db, int *version, um_tool_t *tool)
{
    apr_status_t status = um_db_open(db, &tool->host, NULL, tool->pool);

    return status == APR_SUCCESS ? um_schema_get_version(version, *db, tool->pool) : status;
}

um_exit_t um_schema_command_status(um_tool_t *tool, const char *const *words, int count)
{
    um_db_t *db = NULL;
    um_buffer_t text;
    int version = 0;
    um_exit_t end = um_tool_exit(open_version(&db, &version, tool));

    (void)words;
    (void)count;
    um_db_close(db);
    if (end != UM_EXIT_OK) {
        return end;
    }
    um_buffer_init(&text, 128, tool->pool);
    um_buffer_putc(&text, '{');
    um_json_put_member_int(&text, "version", version);
    um_json_put_member_int(&text, "wanted", UM_SCHEMA_VERSION);
    um_json_put_member_int(&text, "oldest", UM_SCHEMA_OLDEST);
    um_json_put_member(&text, "state", state_of(version));
    um_buffer_puts(&text, "}\n");
    end = um_tool_write(tool, &text);
    return end == UM_EXIT_OK && version != UM_SCHEMA_VERSION ? UM_EXIT_REFUSED : end;
}

/* If another process upgrades at the same time, one waits for the other. */
static apr_status_t upgrade(int *found, um_tool_t *tool, um_db_t *db, um_schema_from_t from)
{
    apr_time_t end = um_ticks() + apr_time_from_sec(tool->options.wait);
    apr_status_t status;

    um_db_set_will_retry(db, um_ticks() < end);
    status = um_schema_upgrade(found, db, from, tool->pool);
    while (status == UM_EUNAVAILABLE && um_ticks() < end) {
        apr_sleep(BUSY_PAUSE);
        um_db_set_will_retry(db, um_ticks() < end);
        status = um_schema_upgrade(found, db, from, tool->pool);
    }
    return status;
}

static um_exit_t make(um_tool_t *tool, um_schema_from_t from)
{
    um_db_t *db = NULL;
    int version = 0;
    apr_status_t status = open_version(&db, &version, tool);

    if (status == APR_SUCCESS && version != UM_SCHEMA_VERSION) {
        status = upgrade(&version, tool, db, from);
    }
    um_db_close(db);
    if (status == APR_SUCCESS && version == UM_SCHEMA_VERSION) {
        um_tool_say(tool, "the schema has version %d, the current one", version);
    } else if (status == UM_ESCHEMA) {
        um_tool_say(tool,
                    "the schema has version %d; this usermgmtctl knows versions up to %d, "
                    "so install a newer one",
                    version, UM_SCHEMA_VERSION);
        status = UM_EREFUSED;
    } else if (status == UM_EREFUSED) {
        um_tool_say(tool, version == 0 ? "there is no schema; \"schema create\" makes one"
                                       : "there is a schema; \"schema upgrade\" upgrades it");
    }
    return um_tool_exit(status);
}

um_exit_t um_schema_command_create(um_tool_t *tool, const char *const *words, int count)
{
    (void)words;
    (void)count;
    return make(tool, UM_SCHEMA_FROM_NOTHING);
}

um_exit_t um_schema_command_upgrade(um_tool_t *tool, const char *const *words, int count)
{
    (void)words;
    (void)count;
    return make(tool, UM_SCHEMA_FROM_OLDER);
}

um_exit_t um_schema_command_verify(um_tool_t *tool, const char *const *words, int count)
{
    um_schema_trial_t trial = { 0, 0, 0 };
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, tool->store, tool->pool);

    (void)words;
    (void)count;
    if (status == APR_SUCCESS) {
        status = um_schema_verify(&trial, db, um_lists, tool->pool);
        um_db_close(db);
    }
    if (status != APR_SUCCESS) {
        return um_tool_exit(status);
    }
    um_tool_say(tool, "%d of %d statements are good", trial.tried - trial.failed, trial.tried);
    if (trial.waiting > 0) {
        um_tool_say(tool, "%d more need version %d of the schema; \"schema upgrade\" makes it",
                    trial.waiting, UM_SCHEMA_VERSION);
    }
    return trial.failed == 0 ? UM_EXIT_OK : UM_EXIT_REFUSED;
}
