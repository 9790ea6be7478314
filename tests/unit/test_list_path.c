/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_list_path.c The paths of lists on SQLite: every combination of
 *  conditions, order and cursors is planned and explained. */

#include "unit.h"

#include "../../mod_usermgmt/db/list_path.h"
#include "../../mod_usermgmt/db/schema.h"
#include "sqlite_host.h"

/* Of these a tenth is sorted, and ten are few. */
#define ROWS 3000

static sqlite_host_t *host;
static um_db_t *db;
static apr_int64_t org;

/* A condition, and a value that few rows meet and one that nearly all do. */
typedef struct sample_t {
    um_condition_id_t id;
    const char *few;
    const char *many;
} sample_t;

#define NONE { UM_CONDITION_COUNT, NULL, NULL }

static const sample_t user_samples[] = {
    { UM_IF_USER_EMAIL, "few1@x.org", "few1@x.org" },
    { UM_IF_USER_PHONE, "111", "222" },
    { UM_IF_USER_IS_SUB_ADMIN, NULL, NULL },
    { UM_IF_USER_IS_NO_SUB_ADMIN, NULL, NULL },
    { UM_IF_USER_NAME_STARTS, "few", "p" },
    { UM_IF_USER_NAME_OR_EMAIL_STARTS, "few", "p" },
    { UM_IF_USER_CREATED_AFTER, "1000000", "1" },
    { UM_IF_USER_CREATED_BEFORE, "10", "2000000" },
    { UM_IF_USER_IS_ACTIVE, NULL, NULL },
    { UM_IF_USER_IS_SUSPENDED, NULL, NULL },
    NONE,
};

static const sample_t session_samples[] = {
    { UM_IF_SESSION_USER, "few", "u" },
    { UM_IF_SESSION_ACTIVITY, "few", "run" },
    { UM_IF_SESSION_STARTED_AFTER, "1000000", "1" },
    { UM_IF_SESSION_STARTED_BEFORE, "10", "2000000" },
    NONE,
};

static const sample_t event_samples[] = {
    { UM_IF_EVENT_ACTOR, "few", "a" },
    { UM_IF_EVENT_ACTION, "few", "run" },
    { UM_IF_EVENT_TARGET, "few", "t" },
    { UM_IF_EVENT_AFTER, "1000000", "1" },
    { UM_IF_EVENT_BEFORE, "10", "2000000" },
    NONE,
};

static const sample_t invitation_samples[] = {
    { UM_IF_INVITATION_IS_PENDING, "10", "10" },
    { UM_IF_INVITATION_IS_EXPIRED, "10", "10" },
    { UM_IF_INVITATION_IS_ACCEPTED, NULL, NULL },
    { UM_IF_INVITATION_IS_REVOKED, NULL, NULL },
    NONE,
};

static const struct {
    um_list_source_t source;
    const sample_t *samples;
    int orders;
} kinds[] = {
    { UM_LIST_OF_USERS, user_samples, 4 },
    { UM_LIST_OF_SESSIONS, session_samples, 2 },
    { UM_LIST_OF_AUDIT_EVENTS, event_samples, 1 },
    { UM_LIST_OF_INVITATIONS, invitation_samples, 1 },
};

/* Ten of each are few. */
static const char *const fill[] = {
    "CREATE TEMP VIEW n AS WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r"
    " WHERE n < " APR_STRINGIFY(ROWS) ") SELECT n, CASE WHEN n % 300 = 7 THEN 'few' || n ELSE"
    " 'p' || n END AS name, CASE WHEN n % 300 = 8 THEN 1000000 ELSE 5 END + n AS at FROM r",
    "INSERT INTO users SELECT 1, 'u' || n, name || '@x.org', name || '@x.org', name, name,"
    " CASE WHEN n % 300 = 9 THEN '111' ELSE '222' END, '{}', n % 300 <> 10, at, at, 1 FROM n",
    "INSERT INTO sub_admins SELECT 1, user_uid, 'x', 1 FROM users LIMIT 10",
    "INSERT INTO sessions SELECT 1, 's' || n, CASE WHEN n % 300 = 7 THEN 'few' ELSE 'u' END,"
    " CASE WHEN n % 300 = 9 THEN 'few' ELSE 'run' END, at, at, 1 FROM n",
    "INSERT INTO audit_events SELECT 1, um.uid, at, 'x',"
    " CASE WHEN n % 300 = 7 THEN 'few' ELSE 'a' END, NULL, 'admin', 'x',"
    " CASE WHEN n % 300 = 8 THEN 'few' ELSE 'run' END,"
    " CASE WHEN n % 300 = 9 THEN 'few' ELSE 't' END, NULL, NULL FROM n JOIN uids um USING (n)",
    NULL,
};

/* The uids of events begin with their time. */
static apr_status_t make_uids(void)
{
    char uid[UM_UID_LENGTH + 1];
    apr_status_t status = um_db_execute_schema(db, "CREATE TEMP TABLE uids (n, uid)");

    for (int n = 1; status == APR_SUCCESS && n <= ROWS; n++) {
        um_uid_first(uid, (n % 300 == 8 ? 1000000 : 5) + n);
        status = um_db_execute_schema(db, apr_psprintf(pool, "INSERT INTO uids VALUES (%d, '%s')",
                                                       n, uid));
    }
    return status;
}

static int set_up(void **state)
{
    make_pool(state);
    host = sqlite_host_create(pool);
    db = sqlite_host_open_db(host);
    org = 1;
    if (db == NULL || make_uids() != APR_SUCCESS) {
        return -1;
    }
    for (int i = 0; fill[i] != NULL; i++) {
        if (um_db_execute_schema(db, fill[i]) != APR_SUCCESS) {
            return -1;
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    um_db_close(db);
    apr_pool_destroy(pool);
    return 0;
}

/* ---- plans ---- */

typedef struct plan_t {
    um_buffer_t text;
    const char *sql;
    apr_pool_t *pool;
} plan_t;

static void take_line(const um_row_t *row, void *baton)
{
    um_buffer_puts(baton, um_row_text(row, 3));
    um_buffer_putc(baton, '\n');
}

static void explain(plan_t *plan, const um_list_t *list, um_list_what_t what)
{
    apr_array_header_t *parameters = apr_array_make(plan->pool, 16, sizeof(const char *));
    um_buffer_t sql;

    um_buffer_init(&sql, 1024, plan->pool);
    um_buffer_init(&plan->text, 1024, plan->pool);
    um_buffer_puts(&sql, "EXPLAIN QUERY PLAN ");
    um_list_sql_compose(&sql, parameters, list, what, "1", UM_DIALECT_SQLITE);
    plan->sql = sql.data;
    assert_int_equal(um_db_select_composed(db, take_line, &plan->text, sql.data,
                                           (const char *const *)parameters->elts,
                                           parameters->nelts, plan->pool),
                     APR_SUCCESS);
}

#define REFUSE(plan, ...)                                                                         \
    do {                                                                                          \
        print_message("%s\n%s\n", (plan)->sql, (plan)->text.data);                               \
        fail_msg(__VA_ARGS__);                                                                    \
    } while (0)

static int has_line(const plan_t *plan, const char *begin, const char *part)
{
    char *last = NULL;

    for (char *line = apr_strtok(apr_pstrdup(plan->pool, plan->text.data), "\n", &last);
         line != NULL; line = apr_strtok(NULL, "\n", &last)) {
        if (strncmp(line, begin, strlen(begin)) == 0 && strstr(line, part) != NULL) {
            return 1;
        }
    }
    return 0;
}

/* No table is gone through as a whole. */
static void check_scans(const plan_t *plan)
{
    static const char *const tables[] = { "SCAN u", "SCAN s", "SCAN i", "SCAN e", "SCAN TABLE" };

    for (size_t i = 0; i < COUNT(tables); i++) {
        if (has_line(plan, tables[i], "") && !has_line(plan, "SCAN SUBQUERY", "")) {
            REFUSE(plan, "a scan");
        }
    }
}

static const um_list_path_t *short_path(const um_list_t *list, um_list_way_t way, unsigned few)
{
    const um_list_path_t *path = list->paths[way];

    for (int i = 0; i < list->conditions->nelts; i++) {
        um_condition_id_t id = APR_ARRAY_IDX(list->conditions, i, um_condition_t).id;

        if ((few & 1u << id) != 0 && path != NULL && um_list_path_serves(path, id, way)) {
            return path;
        }
    }
    return NULL;
}

/* The conditions that few rows meet and that have a path of their own in a way. */
static unsigned few_with_path(const um_list_t *list, um_list_way_t way, unsigned few)
{
    const um_list_path_t *paths[UM_LIST_PATHS_MAX];
    int count = um_list_path_find(paths, list, way);
    unsigned found = 0;

    for (int i = 0; i < count; i++) {
        for (unsigned id = 0; id < UM_CONDITION_COUNT; id++) {
            if ((few & 1u << id) != 0
                && um_list_path_serves(paths[i], (um_condition_id_t)id, way)) {
                found |= 1u << id;
            }
        }
    }
    return found;
}

static unsigned conditions_of(const um_list_t *list)
{
    unsigned bits = 0;

    for (int i = 0; i < list->conditions->nelts; i++) {
        bits |= 1u << APR_ARRAY_IDX(list->conditions, i, um_condition_t).id;
    }
    return bits;
}

static void check_rows(plan_t *plan, const um_list_t *list, unsigned few)
{
    int ways = um_list_sql_count_ways(list);

    explain(plan, list, UM_LIST_ROWS);
    check_scans(plan);
    for (int way = 0; way < ways; way++) {
        const um_list_path_t *path = list->paths[way];
        unsigned leading = few_with_path(list, (um_list_way_t)way, few & conditions_of(list));

        if (path == NULL) {
            REFUSE(plan, "no path");
        }
        if (leading != 0 && short_path(list, (um_list_way_t)way, leading) == NULL) {
            REFUSE(plan, "%s leads, and not what few rows meet", path->index);
        }
        if (leading == 0 && !um_list_path_gives_order(path, list)) {
            REFUSE(plan, "%s does not give the order of many rows", path->index);
        }
        if (path->index != NULL && strncmp(path->index, "sqlite", 6) != 0
            && !has_line(plan, "SEARCH", path->index)) {
            REFUSE(plan, "%s is not used", path->index);
        }
        if (ways == 1 && um_list_path_gives_order(path, list) != !has_line(plan, "USE TEMP", "")
            && !um_list_path_is_unique(path, list)) {
            REFUSE(plan, "%s: sorted or not, as it should not be", path->index);
        }
    }
    explain(plan, list, UM_LIST_EXISTS);
    check_scans(plan);
}

/* Under one condition, or a pair of times, an index says it all. */
static void check_count(plan_t *plan, const um_list_t *list)
{
    unsigned bits = conditions_of(list) & ~(1u << UM_IF_USER_IS_NO_SUB_ADMIN);

    explain(plan, list, UM_LIST_COUNT);
    check_scans(plan);
    if ((bits & (bits - 1)) == 0
        && bits != 1u << UM_IF_USER_NAME_OR_EMAIL_STARTS
        && (conditions_of(list) == bits || bits == 0)
        && has_line(plan, "SEARCH", " INDEX ") && !has_line(plan, "SEARCH", "COVERING INDEX")) {
        REFUSE(plan, "rows are read to be counted");
    }
}

/* One combination: a bit for each of the kind's conditions, and for which of them the
 * value is one that few meet. Returns 0 where there is no such. */
static int make_list(um_list_t *list, unsigned *few, const sample_t *samples, unsigned chosen,
                     unsigned with_few, apr_pool_t *scratch)
{
    list->conditions = apr_array_make(scratch, 8, sizeof(um_condition_t));
    *few = 0;
    for (int i = 0; samples[i].id != UM_CONDITION_COUNT; i++) {
        um_condition_t condition = { samples[i].id, samples[i].many, samples[i].many };

        if ((chosen & 1u << i) == 0) {
            continue;
        }
        if ((with_few & 1u << i) != 0) {
            condition.value = condition.second_value = samples[i].few;
            *few |= 1u << condition.id;
        }
        APR_ARRAY_PUSH(list->conditions, um_condition_t) = condition;
    }
    /* These are few whatever the value. */
    *few |= conditions_of(list)
            & (1u << UM_IF_USER_EMAIL | 1u << UM_IF_USER_IS_SUB_ADMIN
               | 1u << UM_IF_USER_IS_SUSPENDED);
    *few &= ~(1u << UM_IF_USER_IS_NO_SUB_ADMIN | 1u << UM_IF_USER_IS_ACTIVE);
    return chosen != 0;
}

static void check_cursors(um_list_t *list, unsigned few)
{
    plan_t plan = { .pool = NULL };

    apr_pool_create(&plan.pool, pool);
    for (int cursors = 0; cursors < 4; cursors++) {
        list->after.key = list->after.value = (cursors & 1) != 0 ? "0" : NULL;
        list->before.key = list->before.value = (cursors & 2) != 0 ? "9999999" : NULL;
        list->descending = cursors == 1;
        check_rows(&plan, list, few);
    }
    check_count(&plan, list);
    apr_pool_destroy(plan.pool);
}

static void check_kind(um_list_source_t source, const sample_t *samples, int orders)
{
    static const unsigned patterns[] = { 0x0, 0x3ff, 0x155, 0x2aa };
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    for (unsigned chosen = 1; chosen < 1024; chosen++) {
        for (int each = 0; each < orders * 4; each++) {
            um_list_t list = { .source = source, .order = each / 4, .limit = 5 };
            unsigned few = 0;
            int count = 0;

            while (samples[count].id != UM_CONDITION_COUNT) {
                count++;
            }
            /* Invitations have one status. */
            if (chosen >> count != 0
                || (source == UM_LIST_OF_INVITATIONS && (chosen & (chosen - 1)) != 0)) {
                break;
            }
            make_list(&list, &few, samples, chosen, patterns[each % 4], scratch);
            assert_int_equal(um_store_lists_plan(&list, db, org, 1, scratch), APR_SUCCESS);
            check_cursors(&list, few);
        }
        apr_pool_clear(scratch);
    }
    apr_pool_destroy(scratch);
}

static void every_combination_has_a_short_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        check_kind(kinds[i].source, kinds[i].samples, kinds[i].orders);
    }
}

/* Without conditions no path is named: the planner has to choose the one that gives the order. */
static void a_list_of_all_is_not_sorted(void **state)
{
    plan_t plan = { .pool = pool };

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (int each = 0; each < kinds[i].orders * 4; each++) {
            um_list_t list = {
                .source = kinds[i].source, .order = each / 4, .descending = each & 1, .limit = 101
            };

            list.after.key = list.after.value = (each & 2) != 0 ? "0" : NULL;
            explain(&plan, &list, UM_LIST_ROWS);
            check_scans(&plan);
            if (has_line(&plan, "USE TEMP", "")) {
                REFUSE(&plan, "all rows are sorted");
            }
        }
    }
}

/* ---- cursors ---- */

static const char *compose(um_condition_id_t id, const char *value, int order, int descending,
                           const char *after)
{
    um_condition_t condition = { id, value, value };
    um_list_t list = { .source = UM_LIST_OF_USERS, .order = order, .descending = descending,
                       .after = { "key", after }, .limit = 5 };
    apr_array_header_t *parameters = apr_array_make(pool, 16, sizeof(const char *));
    um_buffer_t sql;

    list.conditions = apr_array_make(pool, 1, sizeof(condition));
    APR_ARRAY_PUSH(list.conditions, um_condition_t) = condition;
    um_buffer_init(&sql, 1024, pool);
    um_list_sql_compose(&sql, parameters, &list, UM_LIST_EXISTS, "1", UM_DIALECT_SQLITE);
    return strstr(sql.data, "%lld") + strlen("%lld");
}

#define LATER " AND u.created_at > %lld ORDER BY"
#define LATER_THAN_CURSOR " AND (u.created_at, u.user_uid) > (%lld, %s) ORDER BY"
#define EARLIER " AND u.created_at < %lld ORDER BY"
#define EARLIER_THAN_CURSOR " AND (u.created_at, u.user_uid) < (%lld, %s) ORDER BY"

static void check_text(const char *sql, const char *expected)
{
    if (strncmp(sql, expected, strlen(expected)) != 0) {
        fail_msg("%s does not begin with %s", sql, expected);
    }
}

/* A database starts from one of two bounds, so the narrower is the only one. */
static void one_bound_of_two_is_left(void **state)
{
    (void)state;
    check_text(compose(UM_IF_USER_CREATED_AFTER, "100", UM_USERS_BY_CREATED_AT, 0, "99"), LATER);
    check_text(compose(UM_IF_USER_CREATED_AFTER, "100", UM_USERS_BY_CREATED_AT, 0, "100"), LATER);
    check_text(compose(UM_IF_USER_CREATED_AFTER, "100", UM_USERS_BY_CREATED_AT, 0, "1000"),
               LATER_THAN_CURSOR);
    check_text(compose(UM_IF_USER_CREATED_BEFORE, "100", UM_USERS_BY_CREATED_AT, 1, "1000"),
               EARLIER);
    check_text(compose(UM_IF_USER_CREATED_BEFORE, "100", UM_USERS_BY_CREATED_AT, 1, "100"),
               EARLIER);
    check_text(compose(UM_IF_USER_CREATED_BEFORE, "100", UM_USERS_BY_CREATED_AT, 1, "99"),
               EARLIER_THAN_CURSOR);
    check_text(compose(UM_IF_USER_NAME_STARTS, "p", UM_USERS_BY_DISPLAY_NAME, 0, "o"),
               " AND u.display_name_folded >= %s AND u.display_name_folded < %s ORDER BY");
    check_text(compose(UM_IF_USER_NAME_STARTS, "p", UM_USERS_BY_DISPLAY_NAME, 0, "p"),
               " AND u.display_name_folded < %s AND (u.display_name_folded, u.user_uid) > (%s, %s)");
}

/* Two beginnings of the same name: one range, which may be empty. */
static void the_longer_beginning_is_left(void **state)
{
    um_condition_t starts[] = { { UM_IF_USER_NAME_STARTS, "pe", NULL },
                                { UM_IF_USER_NAME_OR_EMAIL_STARTS, "p", "p" } };
    um_list_t list = { .source = UM_LIST_OF_USERS, .limit = 5 };
    apr_array_header_t *parameters = apr_array_make(pool, 16, sizeof(const char *));
    um_buffer_t sql;

    (void)state;
    list.conditions = apr_array_make(pool, 2, sizeof(um_condition_t));
    APR_ARRAY_PUSH(list.conditions, um_condition_t) = starts[0];
    APR_ARRAY_PUSH(list.conditions, um_condition_t) = starts[1];
    um_buffer_init(&sql, 1024, pool);
    um_list_sql_compose(&sql, parameters, &list, UM_LIST_COUNT, "1", UM_DIALECT_SQLITE);
    check_text(sql.data, "SELECT 0 + (SELECT COUNT(*) FROM users u WHERE u.org_id = %lld"
                         " AND u.display_name_folded >= %s AND u.display_name_folded < %s)"
                         " + (SELECT COUNT(*) FROM users u WHERE u.org_id = %lld"
                         " AND u.display_name_folded >= %s AND u.display_name_folded < %s"
                         " AND u.email_key >= %s AND u.email_key < %s)"
                         " - (SELECT COUNT(*) FROM users u WHERE u.org_id = %lld"
                         " AND u.display_name_folded >= %s AND u.display_name_folded < %s"
                         " AND u.email_key >= %s AND u.email_key < %s)");
    assert_string_equal(APR_ARRAY_IDX(parameters, 1, const char *), "pe");
    assert_string_equal(APR_ARRAY_IDX(parameters, 2, const char *), "pf");
}

/* On other columns, and in other directions, both are needed. */
static void two_bounds_on_two_sides_stay(void **state)
{
    (void)state;
    check_text(compose(UM_IF_USER_CREATED_BEFORE, "100", UM_USERS_BY_CREATED_AT, 0, "99"),
               " AND u.created_at < %lld AND (u.created_at, u.user_uid) > (%lld, %s)");
    check_text(compose(UM_IF_USER_CREATED_AFTER, "100", UM_USERS_BY_EMAIL, 0, "1000"),
               " AND u.created_at > %lld AND u.email_key > %s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_has_a_short_path),
        cmocka_unit_test(a_list_of_all_is_not_sorted),
        cmocka_unit_test(one_bound_of_two_is_left),
        cmocka_unit_test(the_longer_beginning_is_left),
        cmocka_unit_test(two_bounds_on_two_sides_stay),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
