/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_list_path.c The paths of lists on SQLite: every combination of
 *  conditions, order and cursors is planned and explained. */

#include "unit.h"

#include "../../mod_usermgmt/core/store_lists.h"
#include "../../mod_usermgmt/db/filter_sql.h"
#include "../../mod_usermgmt/db/list_path.h"
#include "../../mod_usermgmt/db/list_sql.h"
#include "../../mod_usermgmt/db/schema.h"
#include "../../mod_usermgmt/db/sqlite.h"
#include "conditions.h"
#include "sqlite_host.h"

/* Of these a tenth is sorted, and ten are few. */
#define ROWS 3000

static sqlite_host_t *host;
static um_db_t *db;
static apr_int64_t org;

/* clang-format off */
static const sample_t user_samples[] = {
    { "email", NULL, "few1@x.org", "few1@x.org" },
    { "phone", NULL, "111", "222" },
    { "role", "sub_admin", NULL, NULL },
    { "role", "user", NULL, NULL },
    { "display_name", NULL, "few", "p" },
    { "q", NULL, "few", "p" },
    { "created_after", NULL, "1000000", "1" },
    { "created_before", NULL, "10", "2000000" },
    { "active", "true", NULL, NULL },
    { "active", "false", NULL, NULL },
    { "updated_after", NULL, "1000000", "1" },
    { "updated_before", NULL, "10", "2000000" },
    { "group", NULL, "few", "many" },
    LAST_SAMPLE,
};

static const sample_t group_samples[] = {
    { "display_name", NULL, "few", "p" },
    { "external_id", NULL, "111", "222" },
    LAST_SAMPLE,
};

static const sample_t session_samples[] = {
    { "user_uid", NULL, "few", "u" },
    { "activity", NULL, "few", "run" },
    { "started_after", NULL, "1000000", "1" },
    { "started_before", NULL, "10", "2000000" },
    LAST_SAMPLE,
};

static const sample_t event_samples[] = {
    { "actor", NULL, "few", "a" },
    { "action", NULL, "few", "run" },
    { "target", NULL, "few", "t" },
    { "at_after", NULL, "1000000", "1" },
    { "at_before", NULL, "10", "2000000" },
    LAST_SAMPLE,
};

static const sample_t invitation_samples[] = {
    { "status", "pending", "10", "10" },
    { "status", "expired", "10", "10" },
    { "status", "accepted", NULL, NULL },
    { "status", "revoked", NULL, NULL },
    { "email", NULL, "few1@x.org", "few1@x.org" },
    LAST_SAMPLE,
};
/* clang-format on */

static const struct {
    const um_list_source_t *source;
    const sample_t *samples;
} kinds[] = {
    { &um_list_users, user_samples },         { &um_list_sessions, session_samples },
    { &um_list_audit_events, event_samples }, { &um_list_invitations, invitation_samples },
    { &um_list_groups, group_samples },
};

/* Ten of each are few. */
static const char *const fill[] = {
    "CREATE TEMP VIEW n AS WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r"
    " WHERE n < " APR_STRINGIFY(ROWS) ") SELECT n, CASE WHEN n % 300 = 7 THEN 'few' || n ELSE"
                                      " 'p' || n END AS name, CASE WHEN n % 300 = 8 THEN 1000000 "
                                      "ELSE 5 END + n AS at FROM r",
    "INSERT INTO users SELECT 1, 'u' || n, name || '@x.org', name || '@x.org', name, name,"
    " CASE WHEN n % 300 = 9 THEN '111' ELSE '222' END, '{}', n % 300 <> 10, at, at, 1, NULL, "
    "NULL, NULL, NULL"
    " FROM n",
    "INSERT INTO sub_admins SELECT 1, user_uid, 'x', 1 FROM users LIMIT 10",
    "INSERT INTO user_groups SELECT 1, name, name, name,"
    " CASE WHEN n % 300 = 9 THEN '111' ELSE '222' END, at, at, 1 FROM n",
    "INSERT INTO user_groups VALUES (1, 'few', 'x', 'x', NULL, 1, 1, 1),"
    " (1, 'many', 'y', 'y', NULL, 1, 1, 1)",
    "INSERT INTO group_members SELECT 1, CASE WHEN n % 300 = 11 THEN 'few' ELSE 'many' END,"
    " 'u' || n, 1 FROM n",
    "INSERT INTO sessions SELECT 1, 's' || n, CASE WHEN n % 300 = 7 THEN 'few' ELSE 'u' END,"
    " CASE WHEN n % 300 = 9 THEN 'few' ELSE 'run' END, at, at, 1 FROM n",
    "INSERT INTO audit_events SELECT 1, um.uid, at, 'x',"
    " CASE WHEN n % 300 = 7 THEN 'few' ELSE 'a' END, NULL, 'admin', 'x',"
    " CASE WHEN n % 300 = 8 THEN 'few' ELSE 'run' END,"
    " CASE WHEN n % 300 = 9 THEN 'few' ELSE 't' END, NULL, NULL, NULL, NULL FROM n JOIN uids um "
    "USING (n)",
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

/* The most parameters that a statement of these tests had. */
static int parameters_most;

static void explain(plan_t *plan, const um_list_t *list, um_list_what_t what)
{
    apr_array_header_t *parameters = apr_array_make(plan->pool, 16, sizeof(const char *));
    um_buffer_t sql;

    um_buffer_init(&sql, 1024, plan->pool);
    um_buffer_init(&plan->text, 1024, plan->pool);
    um_buffer_puts(&sql, "EXPLAIN QUERY PLAN ");
    um_list_sql_compose(&sql, parameters, list, what, "1", UM_DIALECT_SQLITE);
    plan->sql = sql.data;
    if (parameters->nelts > parameters_most) {
        parameters_most = parameters->nelts;
    }
    assert_int_equal(um_db_select_composed(db, take_line, &plan->text, sql.data,
                                           (const char *const *)parameters->elts,
                                           parameters->nelts, plan->pool),
                     APR_SUCCESS);
}

#define REFUSE(plan, ...)                                                                        \
    do {                                                                                         \
        print_message("%s\n%s\n", (plan)->sql, (plan)->text.data);                               \
        fail_msg(__VA_ARGS__);                                                                   \
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
    static const char *const tables[] = { "SCAN u", "SCAN s", "SCAN i",    "SCAN e",
                                          "SCAN g", "SCAN m", "SCAN TABLE" };

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
        int id = APR_ARRAY_IDX(list->conditions, i, um_condition_t).id;

        if ((few & 1u << id) != 0 && path != NULL
            && um_list_path_serves(path, list->source, id, way)) {
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
        for (int id = 0; id < list->source->condition_count; id++) {
            if ((few & 1u << id) != 0 && um_list_path_serves(paths[i], list->source, id, way)) {
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

/* The bit of a condition; none where the list is not of its source. */
static unsigned bit_of(const um_list_t *list, const um_list_source_t *source, const char *filter,
                       const char *choice)
{
    return list->source == source ? 1u << condition_of(source, filter, choice) : 0;
}

static unsigned user_bit(const um_list_t *list, const char *filter, const char *choice)
{
    return bit_of(list, &um_list_users, filter, choice);
}

/* Under one condition, or a pair of times, an index says it all. */
static void check_count(plan_t *plan, const um_list_t *list)
{
    unsigned bits = conditions_of(list) & ~user_bit(list, "role", "user");

    explain(plan, list, UM_LIST_COUNT);
    check_scans(plan);
    if ((bits & (bits - 1)) == 0 && (bits == 0 || bits != user_bit(list, "q", NULL))
        && (conditions_of(list) == bits || bits == 0) && has_line(plan, "SEARCH", " INDEX ")
        && !has_line(plan, "SEARCH", "COVERING INDEX")) {
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
    for (int i = 0; samples[i].filter != NULL; i++) {
        um_condition_t condition = { condition_of(list->source, samples[i].filter,
                                                  samples[i].choice),
                                     samples[i].many, samples[i].many };

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
            & (user_bit(list, "email", NULL) | user_bit(list, "role", "sub_admin")
               | user_bit(list, "active", "false")
               | bit_of(list, &um_list_invitations, "email", NULL)
               | bit_of(list, &um_list_groups, "display_name", NULL)
               | bit_of(list, &um_list_groups, "external_id", NULL));
    *few &= ~(user_bit(list, "role", "user") | user_bit(list, "active", "true"));
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

/* Is a combination tried? All together, and up to five at a time, because a further condition
 * leads no worse than those that are there. Invitations have one status: the first four. */
static int is_tried(const um_list_source_t *source, unsigned chosen, int count)
{
    unsigned statuses = source == &um_list_invitations ? chosen & 0xf : 0;
    int bits = 0;

    for (unsigned rest = chosen; rest != 0; rest &= rest - 1) {
        bits++;
    }
    return (bits <= 5 || bits == count) && (statuses & (statuses - 1)) == 0;
}

static void check_kind(const um_list_source_t *source, const sample_t *samples)
{
    static const unsigned patterns[] = { 0x0, 0x1fff, 0x1555, 0xaaa };
    apr_pool_t *scratch;
    int count = 0;

    while (samples[count].filter != NULL) {
        count++;
    }
    apr_pool_create(&scratch, pool);
    for (unsigned chosen = 1; chosen < 1u << count; chosen++) {
        for (int each = 0; each < source->order_count * 4 && is_tried(source, chosen, count);
             each++) {
            um_list_t list = { .source = source, .order = each / 4, .limit = 5 };
            unsigned few = 0;

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
        check_kind(kinds[i].source, kinds[i].samples);
    }
}

/* Comparisons with the most parameters: in a column, and in JSON below two paths. */
static void add_longest_filter(um_list_t *list)
{
    const char *term = list->source == &um_list_groups ? "members ew x" : "emails ew x";
    const char *text = apr_pstrcat(pool,
                                   times(UM_FILTER_MAX_TERMS - 1,
                                         apr_pstrcat(pool, term, " or ", NULL)),
                                   term, NULL);
    um_filter_error_t error;
    um_filter_t *filter;

    assert_int_equal(um_filter_parse(&filter, &error, text, pool), APR_SUCCESS);
    assert_int_equal(um_filter_sql_apply(list, &error, filter, UM_DIALECT_SQLITE, pool),
                     APR_SUCCESS);
}

/* All conditions of a list at once, with cursors at both ends. Of an entry's subset only that the
 * entry is not in it: this needs more statements than that it is. */
static void count_parameters_of(const um_list_source_t *source, um_list_what_t what)
{
    plan_t plan = { .pool = pool };
    um_list_t list = { .source = source,
                       .order = source->order_count - 1,
                       .after = { "1", "1" },
                       .before = { "2", "2" },
                       .limit = 5 };

    list.conditions = apr_array_make(pool, 8, sizeof(um_condition_t));
    for (int id = 0; id < source->condition_count; id++) {
        if (source->subset == NULL || id != source->subset->is) {
            APR_ARRAY_PUSH(list.conditions, um_condition_t) = (um_condition_t){ id, "1", "1" };
        }
    }
    if (source->attributes != NULL) {
        add_longest_filter(&list);
    }
    explain(&plan, &list, what);
}

/* A statement of SQLite takes a limited number of parameters. A list that needs more of them
 * needs a higher limit. */
static void the_longest_statement_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        count_parameters_of(kinds[i].source, UM_LIST_ROWS);
        count_parameters_of(kinds[i].source, UM_LIST_COUNT);
    }
    print_message("at most %d parameters\n", parameters_most);
    assert_in_range(parameters_most, UM_SQLITE_PARAMETERS_MAX / 2, UM_SQLITE_PARAMETERS_MAX);
}

/* A statement with more is refused, and told. */
static void a_longer_statement_is_refused(void **state)
{
    plan_t plan = { .pool = pool };
    const char *values[UM_SQLITE_PARAMETERS_MAX + 1];
    int errors = host->errors;
    um_buffer_t sql;

    (void)state;
    um_buffer_init(&sql, 1024, pool);
    um_buffer_init(&plan.text, 64, pool);
    um_buffer_puts(&sql, "SELECT 1, 2, 3, 'a row' WHERE 1 IN (0");
    for (size_t i = 0; i < COUNT(values); i++) {
        values[i] = "1";
        um_buffer_puts(&sql, i % 2 ? ", %lld" : ", %s");
        if (i + 1 == UM_SQLITE_PARAMETERS_MAX) {
            const char *whole = apr_pstrcat(pool, sql.data, ")", NULL);

            assert_int_equal(um_db_select_composed(db, take_line, &plan.text, whole, values,
                                                   UM_SQLITE_PARAMETERS_MAX, pool),
                             APR_SUCCESS);
        }
    }
    assert_string_equal(plan.text.data, "a row\n");
    assert_int_equal(host->errors, errors);
    um_buffer_putc(&sql, ')');
    assert_int_equal(um_db_select_composed(db, take_line, &plan.text, sql.data, values,
                                           UM_SQLITE_PARAMETERS_MAX + 1, pool),
                     APR_EINVAL);
    assert_int_equal(host->errors, errors + 1);
}

/* Without conditions no path is named: the planner has to choose the one that gives the order. */
static void a_list_of_all_is_not_sorted(void **state)
{
    plan_t plan = { .pool = pool };

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (int each = 0; each < kinds[i].source->order_count * 4; each++) {
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

static const char *compose(const char *filter, const char *value, const char *order,
                           int descending, const char *after)
{
    um_condition_t condition = { condition_of(&um_list_users, filter, NULL), value, value };
    um_list_t list = { .source = &um_list_users,
                       .order = order_of(&um_list_users, order),
                       .descending = descending,
                       .after = { "key", after },
                       .limit = 5 };
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
    check_text(compose("created_after", "100", "created_at", 0, "99"), LATER);
    check_text(compose("created_after", "100", "created_at", 0, "100"), LATER);
    check_text(compose("created_after", "100", "created_at", 0, "1000"), LATER_THAN_CURSOR);
    check_text(compose("created_before", "100", "created_at", 1, "1000"), EARLIER);
    check_text(compose("created_before", "100", "created_at", 1, "100"), EARLIER);
    check_text(compose("created_before", "100", "created_at", 1, "99"), EARLIER_THAN_CURSOR);
    check_text(compose("display_name", "p", "display_name", 0, "o"),
               " AND u.display_name_folded >= %s AND u.display_name_folded < %s ORDER BY");
    check_text(
        compose("display_name", "p", "display_name", 0, "p"),
        " AND u.display_name_folded < %s AND (u.display_name_folded, u.user_uid) > (%s, %s)");
}

/* Two beginnings of the same name: one range, which may be empty. */
static void the_longer_beginning_is_left(void **state)
{
    um_condition_t starts[] = {
        { condition_of(&um_list_users, "display_name", NULL), "pe", NULL },
        { condition_of(&um_list_users, "q", NULL), "p", "p" },
    };
    um_list_t list = { .source = &um_list_users, .limit = 5 };
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
    check_text(compose("created_before", "100", "created_at", 0, "99"),
               " AND u.created_at < %lld AND (u.created_at, u.user_uid) > (%lld, %s)");
    check_text(compose("created_after", "100", "email", 0, "1000"),
               " AND u.created_at > %lld AND u.email_key > %s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_has_a_short_path),
        cmocka_unit_test(the_longest_statement_fits),
        cmocka_unit_test(a_longer_statement_is_refused),
        cmocka_unit_test(a_list_of_all_is_not_sorted),
        cmocka_unit_test(one_bound_of_two_is_left),
        cmocka_unit_test(the_longer_beginning_is_left),
        cmocka_unit_test(two_bounds_on_two_sides_stay),
    };

    apr_initialize();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
