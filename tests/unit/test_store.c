/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_store.c What the store asks of SQLite, on a real one. */

#include "unit.h"

#include "../../mod_usermgmt/base/address.h"
#include "../../mod_usermgmt/core/filter_groups.h"
#include "../../mod_usermgmt/core/store_lists.h"
#include "../../mod_usermgmt/core/store_callers.h"
#include "../../mod_usermgmt/core/store_organizations.h"
#include "../../mod_usermgmt/core/store_records.h"
#include "../../mod_usermgmt/core/store_sessions.h"
#include "../../mod_usermgmt/core/store_users.h"
#include "../../mod_usermgmt/db/filter_sql.h"
#include "../../mod_usermgmt/db/list_sql.h"
#include "../../mod_usermgmt/db/schema.h"
#include "../../mod_usermgmt/db/statements.h"
#include "conditions.h"
#include "sqlite_host.h"

static sqlite_host_t *host;
static um_db_t *db;
static apr_int64_t org;

static int set_up(void **state)
{
    make_pool(state);
    host = sqlite_host_create(pool);
    db = sqlite_host_open_org(&org, host);
    return db != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    um_db_close(db);
    apr_pool_destroy(pool);
    return 0;
}

static um_user_t make_user(const char *uid, const char *email, const char *name)
{
    um_user_t user = { 0 };

    user.uid = uid;
    user.email = email;
    user.display_name = name;
    user.created_at = 1000;
    user.updated_at = 1000;
    user.version = 1;
    user.attributes = "{}";
    return user;
}

static void add(const char *uid, const char *email, const char *name)
{
    um_user_t user = make_user(uid, email, name);

    assert_int_equal(um_store_users_insert(db, org, &user, pool), APR_SUCCESS);
}

static um_organization_status_t *get_status(void)
{
    um_organization_status_t *status = NULL;

    assert_int_equal(um_store_organizations_get_status(&status, db, org, 2000, pool),
                     APR_SUCCESS);
    return status;
}

/* The keys of a stretch, joined. */
static void join(const um_row_t *row, void *baton)
{
    um_buffer_puts(baton, um_row_text(row, 0));
}

static const char *list(const um_list_t *stretch)
{
    um_buffer_t joined;

    um_buffer_init(&joined, 64, pool);
    assert_int_equal(um_store_lists_get(db, join, &joined, org, stretch, pool), APR_SUCCESS);
    return joined.data;
}

static apr_int64_t count(const um_list_t *stretch)
{
    apr_int64_t found = -1;

    assert_int_equal(um_store_lists_count(&found, db, org, stretch, pool), APR_SUCCESS);
    return found;
}

static void the_schema_is_there(void **state)
{
    int version = 0;

    (void)state;
    assert_int_equal(um_schema_get_version(&version, db, pool), APR_SUCCESS);
    assert_int_equal(version, UM_SCHEMA_VERSION);
    version = 0;
    assert_int_equal(um_schema_upgrade(&version, db, UM_SCHEMA_FROM_OLDER, pool), APR_SUCCESS);
    assert_int_equal(version, UM_SCHEMA_VERSION);
}

static void each_version_has_a_step(void **state)
{
    (void)state;
    for (int i = 0; i < UM_DIALECT_COUNT; i++) {
        const um_schema_step_t *steps = um_dialect_traits((um_dialect_t)i)->schema;

        for (int version = 1; version <= UM_SCHEMA_VERSION; version++) {
            assert_int_equal(steps[version - 1].version, version);
            assert_non_null(steps[version - 1].statements[0]);
        }
        assert_int_equal(steps[UM_SCHEMA_VERSION].version, 0);
    }
}

static void every_statement_can_be_prepared(void **state)
{
    (void)state;
    for (int id = 0; id < UM_STMT_COUNT; id++) {
        apr_dbd_prepared_t *prepared = NULL;
        apr_dbd_t *handle = NULL;
        const char *sql = um_statements_sql((um_statement_id_t)id, UM_DIALECT_SQLITE);

        assert_non_null(sql);
        assert_string_not_equal(um_statements_name((um_statement_id_t)id), "");
        assert_int_equal(apr_dbd_open(host->database.driver, pool, host->path, &handle),
                         APR_SUCCESS);
        if (apr_dbd_prepare(host->database.driver, pool, handle, sql, NULL, &prepared) != 0) {
            fail_msg("%s can't be prepared: %s", um_statements_name((um_statement_id_t)id), sql);
        }
        apr_dbd_close(host->database.driver, handle);
    }
}

static void values_come_in_the_order_of_the_text(void **state)
{
    um_arguments_t arguments;
    const um_bind_t *bind = UM_BIND(activity_update, .activity = "running", .org_id = -2,
                                    .last_used_at = 77);

    (void)state;
    um_statements_arrange(&arguments, bind, UM_DIALECT_MARIADB);
    assert_int_equal(arguments.count, 4);
    assert_string_equal(arguments.texts[0], "77");
    assert_string_equal(arguments.texts[1], "-2");
    assert_string_equal(arguments.texts[2], "running");
    assert_string_equal(arguments.texts[3], "77");
    um_statements_arrange(&arguments,
                          UM_BIND(caller_has_role, .org_id = APR_INT64_MIN, .identity_key = NULL),
                          UM_DIALECT_SQLITE);
    assert_string_equal(arguments.texts[0], "-9223372036854775808");
    assert_null(arguments.texts[1]);
    /* It needs no such statement. */
    um_statements_arrange(&arguments, UM_BIND(user_lock, .org_id = 1, .user_uid = "u"),
                          UM_DIALECT_SQLITE);
    assert_int_equal(arguments.count, 0);
}

static void values_of_many_rows_are_arrays(void **state)
{
    const struct um_bind_audit_insert rows[] = {
        { .org_id = 1, .event_uid = "a", .target = "x\\y\"{z},\n", .before_json = NULL },
        { .org_id = APR_INT64_MIN, .event_uid = "NULL", .target = "", .before_json = "\"" },
    };
    const um_bind_rows_t *bind = UM_BIND_ROWS(audit_insert, rows, 2);
    const char *sql = um_statements_arrays_sql(bind->id, UM_DIALECT_POSTGRESQL, pool);
    const char **texts = um_statements_arrange_arrays(bind, UM_DIALECT_POSTGRESQL, pool);

    (void)state;
    assert_non_null(strstr(sql,
                           ") SELECT unnest(CAST(%s AS BIGINT[])), unnest(CAST(%s AS TEXT[]))"));
    assert_null(strstr(sql, "VALUES"));
    assert_int_equal(um_statements_count_parameters(sql), 12);
    assert_string_equal(texts[0], "{1,-9223372036854775808}");
    assert_string_equal(texts[1], "{\"a\",\"NULL\"}");
    assert_string_equal(texts[9], "{\"x\\\\y\\\"{z},\n\",\"\"}");
    assert_string_equal(texts[10], "{NULL,\"\\\"\"}");
    /* With casts in its rows, and without rows. */
    assert_null(um_statements_arrays_sql(UM_STMT_USER_CREATE, UM_DIALECT_POSTGRESQL, pool));
    assert_null(um_statements_arrays_sql(UM_STMT_USER_DELETE, UM_DIALECT_POSTGRESQL, pool));
    assert_non_null(strstr(um_statements_arrays_sql(UM_STMT_USERS_INSERT, UM_DIALECT_POSTGRESQL,
                                                    pool),
                           ")) ON CONFLICT DO NOTHING"));
}

static void placeholders_are_those_of_the_text(void **state)
{
    (void)state;
    for (int id = 0; id < UM_STMT_COUNT; id++) {
        assert_in_range(um_queries[id].since, 1, UM_SCHEMA_VERSION);
        for (int i = 0; i < UM_DIALECT_COUNT; i++) {
            assert_int_equal(um_queries[id].texts[i].order_count,
                             um_statements_count_parameters(um_queries[id].texts[i].sql));
        }
    }
}

/* What MySQL reads of a text: all but the comments that only MariaDB runs. */
static const char *as_mysql_reads(const char *sql)
{
    um_buffer_t read;
    const char *begin;

    um_buffer_init(&read, 256, pool);
    while ((begin = strstr(sql, "/*M!")) != NULL) {
        const char *end = strstr(begin, "*/");

        assert_non_null(end);
        um_buffer_puts(&read, apr_pstrndup(pool, sql, (apr_size_t)(begin - sql)));
        sql = end + 2;
    }
    um_buffer_puts(&read, sql);
    return read.data;
}

static void check_for_mysql(const char *sql)
{
    static const char *const refused[] = {
        "INDEX IF NOT EXISTS",
        "COLUMN IF NOT EXISTS",
        "TRIGGER IF NOT EXISTS",
        "nopad",
        "AS INTEGER",
        "RETURNING",
        "max_statement_time",
        "idle_write_transaction_timeout",
    };
    const char *read = as_mysql_reads(sql);

    for (size_t i = 0; i < COUNT(refused); i++) {
        if (strstr(read, refused[i]) != NULL) {
            fail_msg("MySQL has no %s: %s", refused[i], sql);
        }
    }
}

static void what_mariadb_alone_has_is_for_it_alone(void **state)
{
    um_buffer_t sql;

    (void)state;
    assert_string_equal(as_mysql_reads("a /*M! b */ c /*!80017 d */"), "a  c /*!80017 d */");
    for (int id = 0; id < UM_STMT_COUNT; id++) {
        check_for_mysql(um_statements_sql((um_statement_id_t)id, UM_DIALECT_MARIADB));
    }
    um_buffer_init(&sql, 1024, pool);
    for (int list = 0; um_lists[list] != NULL; list++) {
        for (int i = 0; um_list_sql_compose_sample(&sql, um_lists[list], i, UM_DIALECT_MARIADB);
             i++) {
            check_for_mysql(sql.data);
            um_buffer_init(&sql, 1024, pool);
        }
    }
    for (const um_setting_t *setting = um_dialect_traits(UM_DIALECT_MARIADB)->settings;
         setting->sql != NULL; setting++) {
        check_for_mysql(setting->sql);
    }
    check_for_mysql(um_dialect_traits(UM_DIALECT_MARIADB)->upgrade_setting);
    for (const um_schema_step_t *step = um_schema_mariadb; step->version != 0; step++) {
        for (const char *const *text = step->statements; *text != NULL; text++) {
            check_for_mysql(*text);
        }
    }
}

/* A list with every order, and every condition by itself. */
static void every_list_can_be_read(void **state)
{
    um_list_t stretch = { 0 };

    (void)state;
    stretch.limit = 10;
    stretch.after.key = stretch.after.value = stretch.before.key = stretch.before.value = "1";
    for (int i = 0; um_lists[i] != NULL; i++) {
        /* An organization has a group from the start. */
        int all = um_lists[i]->attributes == &um_filter_groups;

        stretch.source = um_lists[i];
        stretch.conditions = NULL;
        for (stretch.order = 0; stretch.order < um_lists[i]->order_count; stretch.order++) {
            assert_string_equal(list(&stretch), "");
            assert_int_equal(count(&stretch), all);
            assert_int_equal(um_store_lists_find_cursor(&stretch.before, db, org, &stretch, pool),
                             stretch.order == 0 ? APR_SUCCESS : UM_ENOTFOUND);
        }
        stretch.order = 0;
        for (int id = 0; id < um_lists[i]->condition_count; id++) {
            um_condition_t condition = { id, "1", "1" };

            stretch.conditions = apr_array_make(pool, 1, sizeof(condition));
            APR_ARRAY_PUSH(stretch.conditions, um_condition_t) = condition;
            assert_string_equal(list(&stretch), "");
            assert_int_equal(count(&stretch), 0);
        }
    }
}

/* The conditions that the comparisons of a filter become. */
static unsigned used_by_attributes(const um_attributes_t *attributes)
{
    unsigned used = 0;

    for (const um_attribute_t *at = attributes != NULL ? attributes->attributes : NULL;
         at != NULL && at->name != NULL; at++) {
        used |= at->equals > 0 ? 1u << (at->equals - 1) : 0;
        used |= at->starts > 0 ? 1u << (at->starts - 1) : 0;
    }
    return used;
}

/* What a filter, a path or a subset names is there. */
static void lists_are_whole(void **state)
{
    (void)state;
    for (int i = 0; um_lists[i] != NULL; i++) {
        const um_list_source_t *source = um_lists[i];
        unsigned conditions = (1u << source->condition_count) - 1;
        unsigned used = 0;

        for (const um_list_filter_t *at = source->filters; at != NULL && at->name != NULL; at++) {
            const um_list_choice_t *choice = at->choices;

            assert_int_equal(choice != NULL,
                             at->value == UM_LIST_CHOICE || at->value == UM_LIST_TEXT_OR_CHOICE);
            used |= at->value != UM_LIST_CHOICE ? 1u << at->condition : 0;
            for (; choice != NULL && choice->value != NULL; choice++) {
                used |= choice->condition != UM_LIST_NO_CONDITION ? 1u << choice->condition : 0;
            }
        }
        used |= used_by_attributes(source->attributes);
        assert_int_equal(used, conditions);
        for (int id = 0; id < source->condition_count; id++) {
            assert_non_null(source->conditions[id].pieces.pieces);
        }
        for (int path = 0; path < source->path_count; path++) {
            const um_list_path_t *at = &source->paths[path];

            assert_int_equal((at->needs | at->first | at->second | at->unique) & ~conditions, 0);
            assert_int_equal(at->orders >> source->order_count, 0);
            assert_true(at->index != NULL || at->junction != NULL || source->subset != NULL);
        }
    }
}

static void what_is_stored_comes_back(void **state)
{
    um_user_t user = make_user("u1", "Zo\xc3\xab@Example.com", "Zo\xc3\xab");
    um_user_t *found = NULL;

    (void)state;
    user.phone = "+41 1";
    user.attributes = "{\"a\":[1,2.5,\"x\"]}";
    assert_int_equal(um_store_users_insert(db, org, &user, pool), APR_SUCCESS);
    assert_int_equal(um_store_users_get(&found, db, org, "u1", pool), APR_SUCCESS);
    assert_string_equal(found->email, user.email);
    assert_string_equal(found->display_name, user.display_name);
    assert_string_equal(found->phone, user.phone);
    assert_string_equal(found->attributes, user.attributes);
    assert_int_equal(found->created_at, 1000);
    assert_int_equal(found->version, 1);
    assert_false(found->is_sub_admin);
    assert_int_equal(um_store_users_get_by_email(&found, db, org, "ZO\xc3\x8b@example.COM", pool),
                     APR_SUCCESS);
    assert_string_equal(found->uid, "u1");
    assert_int_equal(um_store_users_get(&found, db, org, "U1", pool), UM_ENOTFOUND);
    assert_int_equal(um_store_users_get(&found, db, org + 1, "u1", pool), UM_ENOTFOUND);
}

static void an_address_is_taken_once(void **state)
{
    um_user_t twin = make_user("u2", "ANN@example.com", "Twin");
    um_user_t same_uid = make_user("u1", "other@example.com", "Twin");

    (void)state;
    add("u1", "ann@example.com", "Ann");
    assert_int_equal(um_store_users_insert(db, org, &twin, pool), UM_ECONFLICT);
    assert_int_equal(um_store_users_insert(db, org, &same_uid, pool), UM_ECONFLICT);
    assert_int_equal(get_status()->user_count, 1);
}

static um_user_taken_t taken(const um_user_t *user)
{
    um_user_taken_t what = UM_TAKEN_NOTHING;

    assert_int_equal(um_store_users_find_taken(&what, db, org, user, pool), APR_SUCCESS);
    return what;
}

static const char *uid_of_name(const char *user_name)
{
    um_user_t *found = NULL;

    return um_store_users_get_by_user_name(&found, db, org, user_name, pool) == APR_SUCCESS
               ? found->uid
               : NULL;
}

static void add_named(const char *uid, const char *email, const char *user_name)
{
    um_user_t user = make_user(uid, email, "Named");

    user.user_name = user_name;
    assert_int_equal(um_store_users_insert(db, org, &user, pool), APR_SUCCESS);
}

static void what_a_provider_sets_comes_back(void **state)
{
    um_user_t user = make_user("u1", "ann@example.com", "Ann");
    um_user_t *found = NULL;

    (void)state;
    user.user_name = "Ann.Login";
    user.external_id = "ID-1";
    user.scim = "{\"title\":\"Boss\"}";
    assert_int_equal(um_store_users_insert(db, org, &user, pool), APR_SUCCESS);
    assert_int_equal(um_store_users_get(&found, db, org, "u1", pool), APR_SUCCESS);
    assert_string_equal(found->user_name, "Ann.Login");
    assert_string_equal(found->external_id, "ID-1");
    assert_string_equal(found->scim, user.scim);
    assert_false(found->is_partial);
    found->user_name = "ANN@example.com";
    found->scim = NULL;
    assert_int_equal(um_store_users_update(db, org, found, NULL, pool), APR_SUCCESS);
    assert_int_equal(um_store_users_get(&found, db, org, "u1", pool), APR_SUCCESS);
    /* It is the email, so it is stored as none. */
    assert_null(found->user_name);
    assert_null(found->scim);
    assert_string_equal(found->external_id, "ID-1");
}

static void a_user_name_is_found(void **state)
{
    (void)state;
    add("u1", "ann@example.com", "Ann");
    add_named("u2", "bob@example.com", "Bob.Login");
    add_named("u3", "cid@example.com", "Other@example.com");
    assert_string_equal(uid_of_name("ANN@EXAMPLE.COM"), "u1");
    assert_string_equal(uid_of_name("bob.LOGIN"), "u2");
    assert_string_equal(uid_of_name("other@EXAMPLE.com"), "u3");
    assert_null(uid_of_name("bob@example.com"));
    assert_null(uid_of_name("cid@example.com"));
    assert_null(uid_of_name("nobody"));
}

/* Whether it is a name of its own or the email. */
static void a_user_name_is_taken_once(void **state)
{
    um_user_t same = make_user("u9", "new@example.com", "New");
    um_user_t mine = make_user("u1", "ann@example.com", "Ann");

    (void)state;
    add("u1", "ann@example.com", "Ann");
    add_named("u2", "bob@example.com", "Bob.Login");
    add_named("u3", "cid@example.com", "Other@example.com");
    assert_int_equal(taken(&same), UM_TAKEN_NOTHING);
    same.user_name = "BOB.login";
    assert_int_equal(um_store_users_insert(db, org, &same, pool), UM_ECONFLICT);
    assert_int_equal(taken(&same), UM_TAKEN_USER_NAME);
    same.user_name = "ANN@example.com";
    assert_int_equal(um_store_users_insert(db, org, &same, pool), UM_ECONFLICT);
    assert_int_equal(taken(&same), UM_TAKEN_USER_NAME);
    same.user_name = NULL;
    same.email = "other@example.com";
    assert_int_equal(um_store_users_insert(db, org, &same, pool), UM_ECONFLICT);
    assert_int_equal(taken(&same), UM_TAKEN_USER_NAME);
    same.email = "Bob@example.com";
    assert_int_equal(um_store_users_insert(db, org, &same, pool), UM_ECONFLICT);
    assert_int_equal(taken(&same), UM_TAKEN_EMAIL);
    mine.email = "other@example.com";
    assert_int_equal(um_store_users_update(db, org, &mine, NULL, pool), UM_ECONFLICT);
    assert_int_equal(taken(&mine), UM_TAKEN_USER_NAME);
    mine.email = "ann@example.com";
    mine.user_name = "bob.login";
    assert_int_equal(um_store_users_update(db, org, &mine, NULL, pool), UM_ECONFLICT);
    assert_int_equal(taken(&mine), UM_TAKEN_USER_NAME);
    /* What was an email becomes free when its user has another name. */
    mine.user_name = "ann";
    assert_int_equal(taken(&mine), UM_TAKEN_NOTHING);
    assert_int_equal(um_store_users_update(db, org, &mine, NULL, pool), APR_SUCCESS);
    same.email = "new@example.com";
    same.user_name = "ann@example.com";
    assert_int_equal(um_store_users_insert(db, org, &same, pool), APR_SUCCESS);
}

/* As it is read from an older schema. */
static void an_update_of_a_part_keeps_the_rest(void **state)
{
    um_user_t user = make_user("u1", "ann@example.com", "Ann");
    um_user_t part = make_user("u1", "eve@example.com", "Eve");
    um_user_t *found = NULL;

    (void)state;
    user.user_name = "login";
    user.external_id = "x";
    user.scim = "{}";
    assert_int_equal(um_store_users_insert(db, org, &user, pool), APR_SUCCESS);
    part.is_partial = 1;
    assert_int_equal(um_store_users_update(db, org, &part, NULL, pool), APR_SUCCESS);
    assert_int_equal(um_store_users_get(&found, db, org, "u1", pool), APR_SUCCESS);
    assert_string_equal(found->email, "eve@example.com");
    assert_string_equal(found->user_name, "login");
    assert_string_equal(found->external_id, "x");
    assert_string_equal(found->scim, "{}");
}

#define MANY 11

static int insert_many(um_user_t users[MANY])
{
    const um_user_t *each[MANY];
    um_user_keys_t keys[MANY];
    const um_user_keys_t *key[MANY];
    apr_status_t status;

    for (int i = 0; i < MANY; i++) {
        each[i] = &users[i];
        key[i] = &keys[i];
        assert_int_equal(um_store_users_make_keys(&keys[i], &users[i], pool), APR_SUCCESS);
    }
    assert_int_equal(um_db_begin(db), APR_SUCCESS);
    status = um_store_users_insert_all(db, org, each, key, MANY, pool);
    assert_int_equal(um_db_commit(db), APR_SUCCESS);
    return status;
}

/* Eleven are 8 + 2 + 1. */
static void many_users_are_made_or_none(void **state)
{
    um_user_t users[MANY];
    um_user_t *found = NULL;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        users[i] = make_user(apr_psprintf(pool, "m%d", i),
                             apr_psprintf(pool, "Many%d@example.com", i), "Many");
        users[i].phone = i % 2 ? "555" : NULL;
        users[i].is_suspended = i == 3;
    }
    add("other", "many9@example.com", "Other");
    assert_int_equal(insert_many(users), UM_ECONFLICT);
    assert_int_equal(get_status()->user_count, 1);
    users[9].email = "ten@example.com";
    users[2].uid = "m5";
    assert_int_equal(insert_many(users), UM_ECONFLICT);
    assert_int_equal(get_status()->user_count, 1);
    users[2].uid = "m2";
    assert_int_equal(insert_many(users), APR_SUCCESS);
    assert_int_equal(get_status()->user_count, 1 + MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(um_store_users_get(&found, db, org, users[i].uid, pool), APR_SUCCESS);
        assert_string_equal(found->email, users[i].email);
        assert_int_equal(found->phone != NULL, i % 2);
        assert_int_equal(found->is_suspended, i == 3);
        assert_int_equal(um_store_users_get_by_email(&found, db, org, users[i].email, pool),
                         APR_SUCCESS);
    }
}

static void many_events_are_in_their_order(void **state)
{
    um_audit_event_t events[MANY];
    char *expected = "";
    um_buffer_t targets;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        events[i] = (um_audit_event_t){ .at = apr_time_from_msec(1000) + i,
                                        .actor_identity = i < 5 ? "Ann@example.com" : "bob",
                                        .actor_role = "admin",
                                        .remote_addr = "local",
                                        .action = "users.create",
                                        .target = apr_psprintf(pool, "t%d", i),
                                        .before = i == 4 ? "{}" : NULL,
                                        .after = "{\"a\":1}" };
        expected = apr_psprintf(pool, "%st%d:%s;", expected, i,
                                i < 5 ? "ann@example.com" : ":bob");
    }
    assert_int_equal(um_db_begin(db), APR_SUCCESS);
    assert_int_equal(um_store_audit_insert_all(db, org, events, 0, pool), APR_SUCCESS);
    assert_string_equal(um_db_witness(db)->uid, "");
    assert_int_equal(um_store_audit_insert_all(db, org, events, MANY, pool), APR_SUCCESS);
    assert_int_equal(strlen(um_db_witness(db)->uid), UM_UID_LENGTH);
    assert_int_equal(um_db_commit(db), APR_SUCCESS);
    um_buffer_init(&targets, 256, pool);
    assert_int_equal(um_db_select_composed(db, join, &targets,
                                           "SELECT target || ':' || actor_key || ';'"
                                           " FROM audit_events ORDER BY event_uid",
                                           NULL, 0, pool),
                     APR_SUCCESS);
    assert_string_equal(targets.data, expected);
}

static void attributes_are_updated_alone(void **state)
{
    um_user_t user = make_user("u1", "ann@example.com", "Ann");
    um_user_t *stored = NULL;
    um_user_t *found = NULL;
    um_user_t updated;

    (void)state;
    user.user_name = "login";
    user.scim = "{}";
    assert_int_equal(um_store_users_insert(db, org, &user, pool), APR_SUCCESS);
    assert_int_equal(um_store_users_get(&stored, db, org, "u1", pool), APR_SUCCESS);
    updated = *stored;
    updated.attributes = "{\"n\":1}";
    updated.updated_at = 99;
    assert_int_equal(um_store_users_update(db, org, &updated, stored, pool), APR_SUCCESS);
    assert_int_equal(um_store_users_update(db, org, &updated, stored, pool), UM_ECONFLICT);
    assert_int_equal(um_store_users_get(&found, db, org, "u1", pool), APR_SUCCESS);
    assert_string_equal(found->attributes, "{\"n\":1}");
    assert_int_equal(found->updated_at, 99);
    assert_int_equal(found->version, stored->version + 1);
    assert_string_equal(found->user_name, "login");
    assert_string_equal(found->scim, "{}");
    /* Anything else is written, too. */
    updated = *found;
    updated.phone = "+41 1";
    updated.is_suspended = 1;
    updated.scim = NULL;
    assert_int_equal(um_store_users_update(db, org, &updated, found, pool), APR_SUCCESS);
    assert_int_equal(um_store_users_get(&found, db, org, "u1", pool), APR_SUCCESS);
    assert_string_equal(found->phone, "+41 1");
    assert_true(found->is_suspended);
    assert_null(found->scim);
}

static void an_update_needs_the_version(void **state)
{
    um_user_t user = make_user("u1", "ann@example.com", "Ann");
    um_user_t *found = NULL;

    (void)state;
    add("u1", "ann@example.com", "Ann");
    add("u2", "bob@example.com", "Bob");
    user.display_name = "Anna";
    assert_int_equal(um_store_users_update(db, org, &user, NULL, pool), APR_SUCCESS);
    assert_int_equal(um_store_users_update(db, org, &user, NULL, pool), UM_ECONFLICT);
    assert_int_equal(um_store_users_get(&found, db, org, "u1", pool), APR_SUCCESS);
    assert_int_equal(found->version, 2);
    assert_string_equal(found->display_name, "Anna");
    found->email = "BOB@example.com";
    assert_int_equal(um_store_users_update(db, org, found, NULL, pool), UM_ECONFLICT);
    assert_int_equal(um_store_users_delete(db, org, &user, 5, pool), UM_ECONFLICT);
    found->version = 2;
    assert_int_equal(um_store_users_delete(db, org, found, 5, pool), APR_SUCCESS);
    assert_int_equal(get_status()->user_count, 1);
}

static void a_sub_admin_goes_with_its_user(void **state)
{
    um_sub_admin_t *sub_admin = NULL;
    um_user_t *user = NULL;

    (void)state;
    add("u1", "ann@example.com", "Ann");
    assert_int_equal(um_store_sub_admins_get(&sub_admin, db, org, "u1", pool), UM_ENOTFOUND);
    assert_int_equal(um_store_sub_admins_insert(db, org, "u1", "boss@example.com", 5, pool),
                     APR_SUCCESS);
    assert_int_equal(um_store_sub_admins_insert(db, org, "u1", "boss@example.com", 5, pool),
                     UM_ECONFLICT);
    assert_int_equal(um_store_sub_admins_get(&sub_admin, db, org, "u1", pool), APR_SUCCESS);
    assert_string_equal(sub_admin->added_by, "boss@example.com");
    assert_int_equal(sub_admin->created_at, 5);
    assert_int_equal(get_status()->sub_admin_count, 1);
    assert_int_equal(um_store_users_get(&user, db, org, "u1", pool), APR_SUCCESS);
    assert_true(user->is_sub_admin);
    assert_int_equal(um_store_users_delete(db, org, user, 5, pool), APR_SUCCESS);
    assert_int_equal(get_status()->sub_admin_count, 0);
    assert_int_equal(um_store_sub_admins_delete(db, org, "u1", 5, pool), UM_ENOTFOUND);
}

static void add_session(const char *uid, apr_int64_t started_at)
{
    const um_user_session_t session = { uid, "u", "run", started_at, started_at };

    assert_int_equal(um_store_sessions_insert(db, org, &session, pool), APR_SUCCESS);
}

/* The counts of days that begin at the third one, as "users/sessions". */
static const char *history_of(int days, apr_int64_t limit)
{
    um_history_t history = { .from = 2 * (apr_int64_t)UM_DAY, .days = days, .limit = limit };
    const char *text = "";

    assert_int_equal(um_store_organizations_get_history(&history, db, org, pool), APR_SUCCESS);
    for (int i = 0; i < days; i++) {
        text = apr_psprintf(pool, "%s%s%d/%d", text, i > 0 ? " " : "",
                            (int)history.counts[UM_HISTORY_USERS][i],
                            (int)history.counts[UM_HISTORY_SESSIONS][i]);
    }
    return text;
}

static void a_history_by_day(void **state)
{
    static const apr_int64_t created[] = { 2 * (apr_int64_t)UM_DAY - 1, 2 * (apr_int64_t)UM_DAY,
                                           3 * (apr_int64_t)UM_DAY - 1, 4 * (apr_int64_t)UM_DAY,
                                           5 * (apr_int64_t)UM_DAY };

    (void)state;
    for (size_t i = 0; i < COUNT(created); i++) {
        const char *uid = apr_psprintf(pool, "u%d", (int)i);
        um_user_t user = make_user(uid, apr_pstrcat(pool, uid, "@example.com", NULL), "U");

        user.created_at = created[i];
        assert_int_equal(um_store_users_insert(db, org, &user, pool), APR_SUCCESS);
    }
    add_session("s1", 3 * (apr_int64_t)UM_DAY);
    add_session("s2", 4 * (apr_int64_t)UM_DAY + 1);
    add_session("s3", 4 * (apr_int64_t)UM_DAY + 2);
    assert_string_equal(history_of(3, 100), "2/0 0/1 1/2");
    assert_string_equal(history_of(1, 100), "2/0");
    assert_string_equal(history_of(5, 100), "2/0 0/1 1/2 1/0 0/0");
    /* Of a day that is cut by the limit nothing is told, nor of those before. */
    assert_string_equal(history_of(3, 3), "2/0 0/1 1/2");
    assert_string_equal(history_of(3, 2), "-1/-1 0/-1 1/2");
    assert_string_equal(history_of(3, 1), "-1/-1 0/-1 1/-1");
    assert_string_equal(history_of(3, 0), "-1/-1 -1/-1 -1/-1");
}

static void cursors_cut_a_stretch(void **state)
{
    um_list_t stretch = { .source = &um_list_users };
    um_condition_t starts = { condition_of(&um_list_users, "display_name", NULL), "nz", NULL };

    (void)state;
    for (char c = 'a'; c <= 'f'; c++) {
        const char *name = apr_psprintf(pool, "%c", c);

        add(name, apr_psprintf(pool, "%c@example.com", c),
            apr_psprintf(pool, "N%c", 'z' - c + 'a'));
    }
    stretch.limit = 10;
    assert_string_equal(list(&stretch), "abcdef");
    stretch.after.key = stretch.after.value = "b";
    stretch.before.key = stretch.before.value = "e";
    assert_string_equal(list(&stretch), "cd");
    stretch.after.key = NULL;
    stretch.limit = 2;
    stretch.backwards = 1;
    assert_string_equal(list(&stretch), "dc");
    memset(&stretch, 0, sizeof(stretch));
    stretch.source = &um_list_users;
    stretch.limit = 3;
    stretch.order = order_of(&um_list_users, "display_name");
    assert_string_equal(list(&stretch), "fed");
    stretch.descending = 1;
    assert_string_equal(list(&stretch), "abc");
    stretch.after.key = "c";
    assert_int_equal(um_store_lists_find_cursor(&stretch.after, db, org, &stretch, pool),
                     APR_SUCCESS);
    assert_string_equal(list(&stretch), "def");
    assert_int_equal(count(&stretch), 6);
    stretch.conditions = apr_array_make(pool, 1, sizeof(starts));
    APR_ARRAY_PUSH(stretch.conditions, um_condition_t) = starts;
    assert_int_equal(count(&stretch), 1);
    stretch.after.key = "unknown";
    assert_int_equal(um_store_lists_find_cursor(&stretch.after, db, org, &stretch, pool),
                     UM_ENOTFOUND);
}

static const char *key_of(const char *identity)
{
    return um_address_identity_key(identity, pool);
}

/* Who somebody is: whose address has the same key. The Kelvin sign folds to k, and
 * must not make its owner karl. */
static void a_look_alike_is_nobody(void **state)
{
    um_caller_record_t *record = NULL;
    um_user_t *user = NULL;

    (void)state;
    add("u1", "karl@example.com", "Karl");
    assert_int_equal(um_store_sub_admins_insert(db, org, "u1", "boss", 5, pool), APR_SUCCESS);
    assert_int_equal(um_store_callers_get(&record, db, "default", key_of("KARL@example.com"),
                                          pool),
                     APR_SUCCESS);
    assert_string_equal(record->user_uid, "u1");
    assert_true(record->is_sub_admin);
    assert_int_equal(um_store_callers_get(&record, db, "default",
                                          key_of("\xe2\x84\xaa"
                                                 "arl@example.com"),
                                          pool),
                     APR_SUCCESS);
    assert_null(record->user_uid);
    assert_false(record->is_sub_admin);
    assert_int_equal(um_store_users_get_by_email(&user, db, org, "karl@\xef\xbd\x85xample.COM",
                                                 pool),
                     APR_SUCCESS);
    assert_string_equal(user->uid, "u1");
    assert_int_equal(um_store_users_get_by_email(&user, db, org,
                                                 "\xe2\x84\xaa"
                                                 "arl@example.com",
                                                 pool),
                     UM_ENOTFOUND);
    assert_int_equal(um_store_users_get_by_email(&user, db, org, "karl", pool), UM_ENOTFOUND);
    assert_int_equal(um_store_callers_get(&record, db, "other", "karl@example.com", pool),
                     UM_ENOTFOUND);
}

static void a_caller_keeps_its_uid(void **state)
{
    um_caller_record_t *record = NULL;
    int is_admin = 0;

    (void)state;
    assert_int_equal(um_store_callers_put(db, org, key_of("Boss@example.com"), "a1", "admin", 1,
                                          pool),
                     APR_SUCCESS);
    assert_int_equal(um_store_callers_put(db, org, key_of("boss@example.com"), "a2", "sub_admin",
                                          2, pool),
                     APR_SUCCESS);
    assert_int_equal(um_store_callers_get(&record, db, "default", key_of("BOSS@example.com"),
                                          pool),
                     APR_SUCCESS);
    assert_string_equal(record->seen_uid, "a1");
    assert_string_equal(record->seen_role, "sub_admin");
    assert_int_equal(um_store_callers_has_role(&is_admin, db, org, "boss@EXAMPLE.com", pool),
                     APR_SUCCESS);
    assert_true(is_admin);
    assert_int_equal(um_store_callers_has_role(&is_admin, db, org, "bosse@example.com", pool),
                     APR_SUCCESS);
    assert_false(is_admin);
}

#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void an_answer_is_kept_until_it_expires(void **state)
{
    um_kept_answer_t kept = { SHA256, 201, "/users/1", "\"1\"", "{}", NULL };
    um_kept_answer_t *found = NULL;

    (void)state;
    assert_int_equal(um_store_idempotency_insert(db, org, "me", "k", kept.request_sha256, 1000, 0,
                                                 pool),
                     APR_SUCCESS);
    assert_int_equal(um_store_idempotency_insert(db, org, "me", "k", kept.request_sha256, 1000, 0,
                                                 pool),
                     UM_ECONFLICT);
    assert_int_equal(um_store_idempotency_update(db, org, "me", "k", &kept, 1000, pool),
                     APR_SUCCESS);
    assert_int_equal(um_store_idempotency_get(&found, db, org, "me", "k", 999, pool),
                     APR_SUCCESS);
    assert_int_equal(found->status, 201);
    assert_string_equal(found->location, "/users/1");
    assert_string_equal(found->body, "{}");
    assert_int_equal(um_store_idempotency_get(&found, db, org, "you", "k", 0, pool),
                     UM_ENOTFOUND);
    assert_int_equal(um_store_idempotency_get(&found, db, org, "me", "k", 1000, pool),
                     UM_ENOTFOUND);
    assert_int_equal(um_store_idempotency_insert(db, org, "me", "k", kept.request_sha256, 2000,
                                                 1000, pool),
                     APR_SUCCESS);
}

static void keep_long_answer(apr_array_header_t *rest, apr_int64_t now)
{
    um_kept_answer_t kept = { SHA256, 200, NULL, NULL, "{\"results\":[0]}", rest };

    assert_int_equal(um_store_idempotency_insert(db, org, "me", "long", SHA256, now, now - 100,
                                                 pool),
                     APR_SUCCESS);
    assert_int_equal(um_store_idempotency_update(db, org, "me", "long", &kept, now, pool),
                     APR_SUCCESS);
}

static void a_long_answer_has_several_rows(void **state)
{
    apr_array_header_t *rest = apr_array_make(pool, 2, sizeof(const char *));
    um_kept_answer_t *found = NULL;

    (void)state;
    APR_ARRAY_PUSH(rest, const char *) = "[1]";
    APR_ARRAY_PUSH(rest, const char *) = "[2,3]";
    keep_long_answer(rest, 1000);
    assert_int_equal(um_store_idempotency_get(&found, db, org, "me", "long", 900, pool),
                     APR_SUCCESS);
    assert_int_equal(found->status, 200);
    assert_string_equal(found->body, "{\"results\":[0]}");
    assert_int_equal(found->rest->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(found->rest, 0, const char *), "[1]");
    assert_string_equal(APR_ARRAY_IDX(found->rest, 1, const char *), "[2,3]");

    /* When it has expired, its rows give way to those of another answer, also to fewer. */
    APR_ARRAY_IDX(rest, 0, const char *) = "[4]";
    rest->nelts = 1;
    keep_long_answer(rest, 2000);
    assert_int_equal(um_store_idempotency_get(&found, db, org, "me", "long", 1900, pool),
                     APR_SUCCESS);
    assert_int_equal(found->rest->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(found->rest, 0, const char *), "[4]");
}

static void the_audit_trail_only_grows(void **state)
{
    um_audit_event_t event = { 5000, "me", NULL, "admin",   "127.0.0.1", "users.create",
                               "u1", NULL, "{}", "request", "trace" };
    apr_dbd_t *handle = NULL;
    int rows = 0;

    (void)state;
    assert_int_equal(um_store_audit_insert(db, org, &event, pool), APR_SUCCESS);
    assert_int_equal(apr_dbd_open(host->database.driver, pool, host->path, &handle), APR_SUCCESS);
    assert_int_not_equal(apr_dbd_query(host->database.driver, handle, &rows,
                                       "DELETE FROM audit_events"),
                         0);
    assert_int_not_equal(apr_dbd_query(host->database.driver, handle, &rows,
                                       "UPDATE audit_events SET action = 'x'"),
                         0);
    apr_dbd_close(host->database.driver, handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TEAR_DOWN(the_schema_is_there),
        WITH_TEAR_DOWN(each_version_has_a_step),
        WITH_TEAR_DOWN(every_statement_can_be_prepared),
        WITH_TEAR_DOWN(values_come_in_the_order_of_the_text),
        WITH_TEAR_DOWN(values_of_many_rows_are_arrays),
        WITH_TEAR_DOWN(placeholders_are_those_of_the_text),
        WITH_TEAR_DOWN(what_mariadb_alone_has_is_for_it_alone),
        WITH_TEAR_DOWN(every_list_can_be_read),
        WITH_TEAR_DOWN(lists_are_whole),
        WITH_TEAR_DOWN(what_is_stored_comes_back),
        WITH_TEAR_DOWN(an_address_is_taken_once),
        WITH_TEAR_DOWN(what_a_provider_sets_comes_back),
        WITH_TEAR_DOWN(a_user_name_is_found),
        WITH_TEAR_DOWN(a_user_name_is_taken_once),
        WITH_TEAR_DOWN(an_update_of_a_part_keeps_the_rest),
        WITH_TEAR_DOWN(many_users_are_made_or_none),
        WITH_TEAR_DOWN(many_events_are_in_their_order),
        WITH_TEAR_DOWN(attributes_are_updated_alone),
        WITH_TEAR_DOWN(an_update_needs_the_version),
        WITH_TEAR_DOWN(a_sub_admin_goes_with_its_user),
        WITH_TEAR_DOWN(a_history_by_day),
        WITH_TEAR_DOWN(cursors_cut_a_stretch),
        WITH_TEAR_DOWN(a_look_alike_is_nobody),
        WITH_TEAR_DOWN(a_caller_keeps_its_uid),
        WITH_TEAR_DOWN(an_answer_is_kept_until_it_expires),
        WITH_TEAR_DOWN(a_long_answer_has_several_rows),
        WITH_TEAR_DOWN(the_audit_trail_only_grows),
    };

    return RUN("store", tests);
}
