/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file print_statements.c Prints all statements that a database gets: the fixed ones, and the
 *  lists under each filter, in each order, at each place of a page. test_plans.py explains them.
 *
 *      print_statements sqlite|postgresql|mariadb
 *
 *  A line is: the kind, a tab, the name, a tab, the text with apr_dbd's placeholders, and the
 *  values, each after a tab. A value of a fixed statement is the number of its member; one for
 *  many rows has these again for each row. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "../../mod_usermgmt/core/store_lists.h"
#include "../../mod_usermgmt/db/filter_sql.h"
#include "../../mod_usermgmt/db/list_path.h"
#include "../../mod_usermgmt/db/list_sql.h"
#include "../../mod_usermgmt/db/statements.h"
#include "../unit/conditions.h"

/* The rows of test_plans.py have numbers from 0 up to this. */
#define ROWS 10000
/* The rows of one statement: as many as threads share one, see core/shared_reads.h. */
#define MANY 32
/* A page, and a row more. */
#define LIMIT 101
#define ORG "1"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static apr_pool_t *pool;
static um_dialect_t dialect;

/* ---- fixed statements ---- */

static void print_members(const um_query_t *query, int rows)
{
    for (int row = 0; row < rows; row++) {
        for (int i = 0; i < query->texts[dialect].order_count; i++) {
            printf("\t%d", query->texts[dialect].order[i]);
        }
    }
    putchar('\n');
}

/* Each, and for many rows as well where it can have them: each number has a plan of its own. */
static void print_fixed(void)
{
    for (int id = UM_STMT_FIRST_PREPARED; id < UM_STMT_COUNT; id++) {
        const um_query_t *query = &um_queries[id];

        printf("fixed\t%s\t%s", query->name, query->texts[dialect].sql);
        print_members(query, 1);
        if (query->texts[dialect].row_length > 0) {
            printf("rows\t%s\t%s", query->name,
                   um_statements_rows_sql((um_statement_id_t)id, dialect, MANY, pool));
            print_members(query, MANY);
        }
    }
}

/* ---- lists ---- */

static const sample_t user_samples[] = {
    { "email", NULL, "name00300@example.com", "name00300@example.com" },
    { "phone", NULL, "+41 1", "+41 2" },
    { "role", "sub_admin", NULL, NULL },
    { "role", "user", NULL, NULL },
    { "active", "true", NULL, NULL },
    { "active", "false", NULL, NULL },
    { "display_name", NULL, "name003", "name" },
    { "q", NULL, "name003", "name" },
    { "created_after", NULL, "9900", "100" },
    { "created_before", NULL, "100", "9900" },
    { "updated_after", NULL, "9900", "100" },
    { "updated_before", NULL, "100", "9900" },
    { "group", NULL, "u00300", "u00001" },
    LAST_SAMPLE,
};

static const sample_t group_samples[] = {
    { "display_name", NULL, "name003", "name" },
    { "external_id", NULL, "idp00300", "idp" },
    { "user_uid", NULL, "u00300", "u00001" },
    LAST_SAMPLE,
};

/* Filters that few rows match, and that an index has to serve. */
static const char *const user_filters[] = {
    "user_uid eq \"u00300\"",
    "user_uid sw \"u0030\"",
    "userName eq \"name00300@example.com\"",
    "userName sw \"name0030\"",
    "externalId eq \"external00301\"",
    "externalId sw \"external0030\"",
    "displayName eq \"name00300\"",
    "displayName sw \"name0030\"",
    "email eq \"name00300@example.com\" and title pr",
    "email sw \"name0030\" and not (height gt 170)",
    "meta.created eq \"1970-01-01T00:00:05Z\"",
    "emails eq \"name00300@example.com\"",
    "emails.value sw \"name0030\"",
    "emails[type eq \"home\" and value eq \"other00301@example.com\"] and active eq true",
    "emails[value sw \"other0030\"]",
    NULL,
};

static const char *const group_filters[] = {
    "id eq \"u00300\"",
    "displayName eq \"name00300\"",
    "displayName sw \"name0030\"",
    "externalId eq \"idp00300\"",
    "displayName eq \"name00300\" and members eq \"u00300\"",
    NULL,
};

static const sample_t invitation_samples[] = {
    { "email", NULL, "name00300@example.com", "name00300@example.com" },
    { "status", "pending", "9900", "100" },
    { "status", "expired", "100", "9900" },
    { "status", "accepted", NULL, NULL },
    { "status", "revoked", NULL, NULL },
    LAST_SAMPLE,
};

static const sample_t session_samples[] = {
    { "user_uid", NULL, "u00300", "u00001" },
    { "activity", NULL, "run00300", "run" },
    { "started_after", NULL, "9900", "100" },
    { "started_before", NULL, "100", "9900" },
    LAST_SAMPLE,
};

static const sample_t event_samples[] = {
    { "actor", NULL, "name00300@example.com", "name" },
    { "action", NULL, "action00300", "action" },
    { "target", NULL, "target00300", "target" },
    { "at_after", NULL, "9900", "100" },
    { "at_before", NULL, "100", "9900" },
    LAST_SAMPLE,
};

static const sample_t no_samples[] = { LAST_SAMPLE };

static const struct {
    const char *name;
    const um_list_source_t *source;
    const sample_t *samples;
} kinds[] = {
    { "users", &um_list_users, user_samples },
    { "sub_admins", &um_list_sub_admins, no_samples },
    { "invitations", &um_list_invitations, invitation_samples },
    { "sessions", &um_list_sessions, session_samples },
    { "audit_events", &um_list_audit_events, event_samples },
    { "api_keys", &um_list_api_keys, no_samples },
    { "user_groups", &um_list_groups, group_samples },
};

static void print_list(const char *name, const um_list_t *list, um_list_what_t what)
{
    apr_array_header_t *parameters = apr_array_make(pool, 16, sizeof(const char *));
    um_list_t asked = *list;
    um_buffer_t sql;

    um_buffer_init(&sql, 1024, pool);
    if (what == UM_LIST_EXISTS) {
        asked.limit = 1;
    }
    um_list_sql_compose(&sql, parameters, &asked, what, ORG, dialect);
    printf("list\t%s\t%s", name, sql.data);
    for (int i = 0; i < parameters->nelts; i++) {
        printf("\t%s", APR_ARRAY_IDX(parameters, i, const char *));
    }
    putchar('\n');
}

/* The key of a row, and its value in the column that the list is ordered by. */
static um_cursor_t cursor_at(const um_list_t *list, int row)
{
    const um_list_order_t *order = &list->source->orders[list->order];
    um_cursor_t cursor;
    char uid[UM_UID_LENGTH + 1];

    um_uid_first(uid, row);
    cursor.key = list->source == &um_list_audit_events ? apr_pstrdup(pool, uid)
                                                       : apr_psprintf(pool, "u%05d", row);
    cursor.value = list->order == 0    ? cursor.key
                   : order->is_integer ? apr_psprintf(pool, "%d", row)
                   : order->since > 0  ? apr_psprintf(pool, ":login%05d", row | 1)
                   : list->order == order_of(list->source, "email")
                       ? apr_psprintf(pool, "name%05d@example.com", row)
                       : apr_psprintf(pool, "name%05d", row);
    return cursor;
}

/* A page: its rows alone, and all of it if that is one statement. */
static void print_page(const char *name, const um_list_t *page)
{
    um_list_t whole = *page;

    print_list(name, page, UM_LIST_ROWS);
    um_list_sql_choose_extras(&whole, dialect, 1);
    if (whole.extras != 0) {
        print_list(apr_pstrcat(pool, name, " whole", NULL), &whole, UM_LIST_ROWS);
    }
}

/* The first page, the last one, pages behind a row and before a row, and a page between two. */
static void print_pages(const char *name, um_list_t list)
{
    static const int rows[] = { 20, ROWS - 20 };

    print_page(apr_pstrcat(pool, name, " first", NULL), &list);
    print_list(apr_pstrcat(pool, name, " exists", NULL), &list, UM_LIST_EXISTS);
    list.backwards = 1;
    print_page(apr_pstrcat(pool, name, " last", NULL), &list);
    for (size_t i = 0; i < COUNT(rows); i++) {
        um_list_t page = list;

        page.before = cursor_at(&list, rows[i]);
        print_page(apr_psprintf(pool, "%s before %d", name, rows[i]), &page);
        page.backwards = 0;
        print_list(apr_psprintf(pool, "%s exists before %d", name, rows[i]), &page,
                   UM_LIST_EXISTS);
        page = list;
        page.backwards = 0;
        page.after = cursor_at(&list, rows[i]);
        print_page(apr_psprintf(pool, "%s after %d", name, rows[i]), &page);
        print_list(apr_psprintf(pool, "%s exists after %d", name, rows[i]), &page,
                   UM_LIST_EXISTS);
        page.before = cursor_at(&list, rows[i] + 10);
        print_page(apr_psprintf(pool, "%s between %d", name, rows[i]), &page);
    }
}

/* SQLite gets a path with each list that has conditions: any that um_store_lists_plan() may
 * choose. The databases that choose themselves get one without. */
static void print_paths(const char *name, um_list_t list)
{
    const um_list_path_t *paths[UM_LIST_PATHS_MAX + 1];
    int ways = um_list_sql_count_ways(&list);

    if (!um_dialect_traits(dialect)->needs_paths || list.conditions == NULL) {
        print_pages(name, list);
        return;
    }
    for (int way = 0; way < ways; way++) {
        int count = um_list_path_find(paths, &list, (um_list_way_t)way);

        paths[count++] = um_list_path_of_order(&list);
        for (int i = 0; i < count; i++) {
            list.paths[way] = paths[i];
            list.paths[!way] = um_list_path_of_order(&list);
            print_pages(apr_psprintf(pool, "%s by %s", name,
                                     paths[i]->index != NULL      ? paths[i]->index
                                     : paths[i]->junction != NULL ? "junction"
                                                                  : "subset"),
                        list);
        }
    }
}

static void print_orders(const char *name, um_list_t list)
{
    for (list.order = 0; list.order < list.source->order_count; list.order++) {
        const char *order = list.source->orders[list.order].name;

        for (list.descending = 0; list.descending < 2; list.descending++) {
            print_paths(apr_psprintf(pool, "%s in order of %s%s", name,
                                     order != NULL     ? order
                                     : list.order == 0 ? "key"
                                                       : "userName",
                                     list.descending ? " descending" : ""),
                        list);
        }
    }
}

static void use_count_paths(um_list_t *list)
{
    const um_list_path_t *paths[UM_LIST_PATHS_MAX];

    for (int who = 0; who < UM_LIST_WHO_COUNT; who++) {
        um_list_t counted = *list;

        if (list->conditions == NULL || !um_dialect_traits(dialect)->needs_paths) {
            return;
        }
        if (who == UM_LIST_SUBSET) {
            if (!um_list_sql_leaves_subset_out(list)) {
                return;
            }
            um_list_sql_of_subset(&counted, list, pool);
        }
        for (int way = 0; way < UM_LIST_WAY_COUNT; way++) {
            list->count_paths[who][way] = um_list_path_find(paths, &counted, (um_list_way_t)way)
                                                  > 0
                                              ? paths[0]
                                              : NULL;
        }
    }
}

static void print_count(const char *name, um_list_t list)
{
    use_count_paths(&list);
    print_list(apr_pstrcat(pool, name, " count", NULL), &list, UM_LIST_COUNT);
}

static void print_entries(const char *name, um_list_t list)
{
    for (list.order = 0; list.order < list.source->order_count; list.order++) {
        list.after = cursor_at(&list, ROWS / 2);
        print_list(apr_psprintf(pool, "%s value %d", name, list.order), &list, UM_LIST_VALUE);
    }
    list.order = 0;
    print_list(apr_pstrcat(pool, name, " entry", NULL), &list, UM_LIST_ENTRY);
}

static void print_filtered(const char *name, um_list_t list, const sample_t *sample, int few)
{
    const char *value = few ? sample->few : sample->many;
    um_condition_t condition = { condition_of(list.source, sample->filter, sample->choice), value,
                                 value };
    const char *full = apr_psprintf(pool, "%s %s=%s%s", name, sample->filter,
                                    sample->choice != NULL ? sample->choice : "",
                                    few ? " few" : "");

    list.conditions = apr_array_make(pool, 1, sizeof(condition));
    APR_ARRAY_PUSH(list.conditions, um_condition_t) = condition;
    print_orders(full, list);
    print_count(full, list);
}

/* The first path to the rows of each way, as um_store_lists_plan() takes it for few rows. */
static void use_first_paths(um_list_t *list)
{
    const um_list_path_t *paths[UM_LIST_PATHS_MAX];

    for (int way = 0; way < um_list_sql_count_ways(list); way++) {
        if (um_dialect_traits(dialect)->needs_paths && list->conditions != NULL
            && um_list_path_find(paths, list, (um_list_way_t)way) > 0) {
            list->paths[way] = paths[0];
        }
    }
}

/* A list under a filter, whose conditions are noted as bits. */
static void print_with_filter(unsigned *conditions, const char *kind, um_list_t list,
                              const char *text)
{
    const char *name = apr_psprintf(pool, "%s filter=%s", kind, text);
    um_filter_error_t error = { NULL, 0 };
    um_filter_t *filter = NULL;

    if (um_filter_parse(&filter, &error, text, pool) != APR_SUCCESS
        || um_filter_sql_apply(&list, &error, filter, dialect, pool) != APR_SUCCESS) {
        fprintf(stderr, "%s: %s\n", text, error.detail);
        exit(1);
    }
    for (int i = 0; list.conditions != NULL && i < list.conditions->nelts; i++) {
        *conditions |= UM_LIST_BIT(APR_ARRAY_IDX(list.conditions, i, um_condition_t).id);
    }
    print_count(name, list);
    use_first_paths(&list);
    print_page(apr_pstrcat(pool, name, " first", NULL), &list);
    list.after = cursor_at(&list, 20);
    print_page(apr_pstrcat(pool, name, " after 20", NULL), &list);
}

/* The number of conditions that only filters ask for. */
static int count_filtered(const char *name, um_list_t list)
{
    const char *const *text = list.source == &um_list_users ? user_filters : group_filters;
    unsigned conditions = 0;
    int count = 0;

    if (list.source->attributes == NULL) {
        return 0;
    }
    for (; *text != NULL; text++) {
        print_with_filter(&conditions, name, list, *text);
    }
    for (const um_list_filter_t *filter = list.source->filters; filter->name != NULL; filter++) {
        conditions &= filter->choices == NULL ? ~UM_LIST_BIT(filter->condition) : ~0u;
    }
    for (; conditions != 0; conditions &= conditions - 1) {
        count++;
    }
    return count;
}

/* A filter, or a choice of one, that has no sample ends the program. */
static void check_samples(const char *name, um_list_t list, const sample_t *samples)
{
    const um_list_source_t *source = list.source;
    int conditions = count_filtered(name, list);

    for (const sample_t *sample = samples; sample->filter != NULL; sample++) {
        if (condition_of(source, sample->filter, sample->choice) < 0) {
            fprintf(stderr, "no filter %s\n", sample->filter);
            exit(1);
        }
        conditions++;
    }
    if (conditions != source->condition_count) {
        fprintf(stderr, "%d samples for %d conditions\n", conditions, source->condition_count);
        exit(1);
    }
}

static void print_kind(size_t kind)
{
    um_list_t list = { .source = kinds[kind].source, .limit = LIMIT };
    const sample_t *samples = kinds[kind].samples;

    check_samples(kinds[kind].name, list, samples);
    print_orders(kinds[kind].name, list);
    print_count(kinds[kind].name, list);
    print_entries(kinds[kind].name, list);
    for (; samples->filter != NULL; samples++) {
        print_filtered(kinds[kind].name, list, samples, 0);
        if (samples->few != NULL) {
            print_filtered(kinds[kind].name, list, samples, 1);
        }
    }
}

int main(int argc, char **argv)
{
    static const char *const names[UM_DIALECT_COUNT] = {
        [UM_DIALECT_SQLITE] = "sqlite",
        [UM_DIALECT_POSTGRESQL] = "postgresql",
        [UM_DIALECT_MARIADB] = "mariadb",
    };
    int found = 0;

    for (int i = 0; argc == 2 && i < UM_DIALECT_COUNT && !found; i++) {
        dialect = (um_dialect_t)i;
        found = strcmp(names[i], argv[1]) == 0;
    }
    if (!found || apr_initialize() != APR_SUCCESS
        || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        fputs("usage: print_statements sqlite|postgresql|mariadb\n", stderr);
        return 1;
    }
    print_fixed();
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        print_kind(kind);
    }
    apr_terminate();
    return fflush(stdout) != 0;
}
