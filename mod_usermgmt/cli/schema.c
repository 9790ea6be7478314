/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file schema.c The commands about the database's schema. */

#include "../core/schema.h"

#include "commands.h"

static const char *state_of(int version)
{
    if (version == UM_SCHEMA_VERSION) {
        return "current";
    }
    return version == 0 ? "missing" : version < UM_SCHEMA_VERSION ? "old" : "newer";
}

/* The connection is the caller's to close. */
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
    um_buffer_puts(&text, "{\"version\":");
    um_buffer_put_int(&text, version);
    um_buffer_puts(&text, ",\"wanted\":");
    um_buffer_put_int(&text, UM_SCHEMA_VERSION);
    um_buffer_puts(&text, ",\"state\":\"");
    um_buffer_puts(&text, state_of(version));
    um_buffer_puts(&text, "\"}\n");
    end = um_tool_write(tool, &text);
    return end == UM_EXIT_OK && version != UM_SCHEMA_VERSION ? UM_EXIT_REFUSED : end;
}

/* Another process may do the same at this moment; then one waits for the other. */
static apr_status_t upgrade(um_tool_t *tool, um_db_t *db)
{
    apr_time_t end = apr_time_now() + apr_time_from_sec(tool->options.wait);
    apr_status_t status;

    do {
        um_db_set_will_retry(db, apr_time_now() < end);
        status = um_schema_upgrade(db, tool->pool);
    } while (status == UM_EUNAVAILABLE && apr_time_now() < end);
    return status;
}

static um_exit_t make(um_tool_t *tool, int is_create)
{
    um_db_t *db = NULL;
    int version = 0;
    apr_status_t status = open_version(&db, &version, tool);

    if (status == APR_SUCCESS && version == UM_SCHEMA_VERSION) {
        um_tool_say(tool, "the schema is there, in version %d", version);
    } else if (status == APR_SUCCESS && version > UM_SCHEMA_VERSION) {
        um_tool_say(tool, "the schema has version %d; this usermgmtctl knows none after %d",
                    version, UM_SCHEMA_VERSION);
        status = UM_EREFUSED;
    } else if (status == APR_SUCCESS && is_create != (version == 0)) {
        um_tool_say(tool, is_create ? "there is a schema; \"schema upgrade\" brings it up to date"
                                    : "there is no schema; \"schema create\" makes it");
        status = UM_EREFUSED;
    } else if (status == APR_SUCCESS) {
        status = upgrade(tool, db);
    }
    um_db_close(db);
    return um_tool_exit(status);
}

um_exit_t um_schema_command_create(um_tool_t *tool, const char *const *words, int count)
{
    (void)words;
    (void)count;
    return make(tool, 1);
}

um_exit_t um_schema_command_upgrade(um_tool_t *tool, const char *const *words, int count)
{
    (void)words;
    (void)count;
    return make(tool, 0);
}

um_exit_t um_schema_command_verify(um_tool_t *tool, const char *const *words, int count)
{
    um_db_t *db = NULL;
    int failed = 0;
    int tried = 0;
    apr_status_t status = um_store_open(&db, tool->store, tool->pool);

    (void)words;
    (void)count;
    if (status != APR_SUCCESS) {
        return um_tool_exit(status);
    }
    um_schema_verify(&failed, &tried, db, tool->pool);
    um_db_close(db);
    um_tool_say(tool, "%d of %d statements are good", tried - failed, tried);
    return failed == 0 ? UM_EXIT_OK : UM_EXIT_REFUSED;
}
