/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file columns.c The columns of a CSV file, see columns.h. */

#include "columns.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "../api/user_json.h"
#include "../base/text.h"
#include "../core/rules.h"

#define JSON_SUFFIX ":json"
#define ATTRIBUTES "attributes"

/* How many names of a header a message has, and how many bytes of each. */
#define TOLD_MAX 12
#define TOLD_BYTES 60

/* The columns that every record needs, and a part of the names that other programs give
 * them. */
static const char *const needed[] = { "email", "display_name" };
static const char *const hints[] = { "mail", "name" };

#define NEEDED_COUNT ((int)(sizeof(needed) / sizeof(needed[0])))

/* ---- --map ---- */

/* Where the name begins in COLUMN=NAME. It is after the last "=", because only the name of a
 * column can have one. */
static const char *name_in_map(const char *map)
{
    return strrchr(map, '=') + 1;
}

static const char *column_in_map(const char *map, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, map, (apr_size_t)(name_in_map(map) - map) - 1);
}

/* The name that --map gives a column; without --map its own. */
static const char *map_name(const char *name, const um_tool_t *tool)
{
    for (int i = 0; i < tool->options.maps->nelts; i++) {
        const char *map = APR_ARRAY_IDX(tool->options.maps, i, const char *);

        if (apr_cstr_casecmp(column_in_map(map, tool->pool), name) == 0) {
            return name_in_map(map);
        }
    }
    return name;
}

static int has_cell(const apr_array_header_t *cells, const char *name, apr_pool_t *pool)
{
    for (int i = 0; i < cells->nelts; i++) {
        const char *cell = um_text_trim(APR_ARRAY_IDX(cells, i, const char *), pool);

        if (apr_cstr_casecmp(cell, name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The first column that --map names but the header does not have; NULL if there is none. */
static const char *find_unknown_map(const um_tool_t *tool, const apr_array_header_t *cells)
{
    for (int i = 0; i < tool->options.maps->nelts; i++) {
        const char *map = APR_ARRAY_IDX(tool->options.maps, i, const char *);
        const char *column = column_in_map(map, tool->pool);

        if (!has_cell(cells, column, tool->pool)) {
            return column;
        }
    }
    return NULL;
}

/* ---- what is wrong with a header ---- */

/* The names that were found, in quotes; not all if the header is long. */
static const char *list_cells(const apr_array_header_t *cells, apr_pool_t *pool)
{
    const char *text = "";

    for (int i = 0; i < cells->nelts && i < TOLD_MAX; i++) {
        const char *cell = APR_ARRAY_IDX(cells, i, const char *);
        int is_long = strlen(cell) > TOLD_BYTES;

        text = apr_psprintf(pool, "%s%s\"%.*s%s\"", text, i > 0 ? ", " : "", TOLD_BYTES, cell,
                            is_long ? "..." : "");
    }
    return cells->nelts > TOLD_MAX
               ? apr_psprintf(pool, "%s and %d more", text, cells->nelts - TOLD_MAX)
               : text;
}

static int some_cell_has(const apr_array_header_t *cells, char c)
{
    for (int i = 0; i < cells->nelts; i++) {
        if (strchr(APR_ARRAY_IDX(cells, i, const char *), c) != NULL) {
            return 1;
        }
    }
    return 0;
}

/* The column that probably is the one that is needed. */
static const char *guess(const apr_array_header_t *cells, int number, apr_pool_t *pool)
{
    for (int i = 0; i < cells->nelts; i++) {
        const char *cell = APR_ARRAY_IDX(cells, i, const char *);

        if (strstr(um_text_lower_ascii(cell, pool), hints[number]) != NULL) {
            return cell;
        }
    }
    return APR_ARRAY_IDX(cells, 0, const char *);
}

/* The likely reason why a needed column is missing, and what to do. */
static const char *explain(const apr_array_header_t *cells, int number, apr_pool_t *pool)
{
    const char *first = APR_ARRAY_IDX(cells, 0, const char *);

    if (some_cell_has(cells, '@')) {
        return "the first line seems to be a user: put a header line above it";
    }
    if (cells->nelts == 1 && strpbrk(first, "|:") != NULL) {
        return "the separator must be a comma, a semicolon or a tab";
    }
    return apr_psprintf(pool, "if another column has it, give for example --map \"%.*s=%s\"",
                        TOLD_BYTES, um_text_trim(guess(cells, number, pool), pool),
                        needed[number]);
}

static um_exit_t refuse(const um_tool_t *tool, const char *text)
{
    um_tool_say(tool, "%s", text);
    return UM_EXIT_REFUSED;
}

static um_exit_t check_needed(const um_tool_t *tool, const apr_array_header_t *cells,
                              apr_hash_t *names)
{
    const char *text = NULL;
    int missing = NEEDED_COUNT;

    for (int i = NEEDED_COUNT - 1; i >= 0; i--) {
        if (apr_hash_get(names, needed[i], APR_HASH_KEY_STRING) == NULL) {
            text = text == NULL ? apr_psprintf(tool->pool, "no column \"%s\"", needed[i])
                                : apr_psprintf(tool->pool, "neither a column \"%s\" nor \"%s\"",
                                               needed[i], needed[missing]);
            missing = i;
        }
    }
    return text == NULL
               ? UM_EXIT_OK
               : refuse(tool, apr_psprintf(tool->pool, "the header line has %s; it has: %s; %s",
                                           text, list_cells(cells, tool->pool),
                                           explain(cells, missing, tool->pool)));
}

/* ---- columns ---- */

static void name_column(um_column_t *column, const char *name, apr_pool_t *pool)
{
    const char *lower = um_text_lower_ascii(name, pool);
    apr_size_t length = strlen(name);
    apr_size_t suffix = strlen(JSON_SUFFIX);

    column->name = um_user_input_is_member(lower) ? lower : name;
    column->kind = UM_COLUMN_STRING;
    if (*name == '\0') {
        column->kind = UM_COLUMN_IGNORED;
    } else if (strcmp(lower, ATTRIBUTES) == 0) {
        column->name = lower;
        column->kind = UM_COLUMN_ATTRIBUTES;
    } else if (strcmp(lower, UM_USER_SCIM) == 0) {
        column->name = lower;
        column->kind = UM_COLUMN_JSON;
    } else if (length > suffix && strcmp(lower + length - suffix, JSON_SUFFIX) == 0) {
        column->name = apr_pstrmemdup(pool, name, length - suffix);
        column->kind = UM_COLUMN_JSON;
    }
}

/* NULL, or what is wrong with a column. names has the names of the columns before it. */
static const char *check_column(const um_column_t *column, apr_hash_t *names, apr_pool_t *pool)
{
    const um_violation_t *violation;

    if (column->kind == UM_COLUMN_IGNORED) {
        return NULL;
    }
    if (apr_hash_get(names, column->name, APR_HASH_KEY_STRING) != NULL) {
        return apr_psprintf(pool, "the header line has \"%s\" twice", column->name);
    }
    violation = um_rules_check_attribute_name(column->name);
    if (violation != NULL && strcmp(column->name, UM_USER_SCIM) != 0) {
        return apr_psprintf(pool,
                            "the header line has \"%s\", which can't be the name of an attribute"
                            " (%s); give --map \"%s=NAME\", or --map \"%s=\" to ignore the"
                            " column",
                            column->name, violation->detail, column->name, column->name);
    }
    apr_hash_set(names, column->name, APR_HASH_KEY_STRING, "");
    return NULL;
}

static const char *find_column(um_column_t *column, const um_tool_t *tool, const char *cell,
                               int number)
{
    const char *name = cell != NULL ? um_text_trim(cell, tool->pool) : NULL;

    if (name == NULL) {
        return "the header line is not UTF-8; save the file as UTF-8";
    }
    if (*name == '\0') {
        return apr_psprintf(tool->pool, "the header line has a column without a name, number %d",
                            number);
    }
    name_column(column, map_name(name, tool), tool->pool);
    return NULL;
}

um_exit_t um_columns_find(apr_array_header_t **columns, const um_tool_t *tool,
                          const apr_array_header_t *cells)
{
    apr_hash_t *names = apr_hash_make(tool->pool);
    const char *odd = NULL;
    const char *wrong = NULL;
    um_exit_t end;

    *columns = apr_array_make(tool->pool, cells->nelts, sizeof(um_column_t));
    for (int i = 0; wrong == NULL && i < cells->nelts; i++) {
        um_column_t *column = apr_array_push(*columns);

        wrong = find_column(column, tool, APR_ARRAY_IDX(cells, i, const char *), i + 1);
        if (wrong == NULL) {
            const char *found = check_column(column, names, tool->pool);

            odd = odd != NULL ? odd : found;
        }
    }
    if (wrong != NULL) {
        return refuse(tool, wrong);
    }
    wrong = find_unknown_map(tool, cells);
    if (wrong != NULL) {
        return refuse(tool, apr_psprintf(tool->pool,
                                         "the header line has no column \"%s\", which --map"
                                         " names; it has: %s",
                                         wrong, list_cells(cells, tool->pool)));
    }
    end = check_needed(tool, cells, names);
    return end == UM_EXIT_OK && odd != NULL ? refuse(tool, odd) : end;
}
