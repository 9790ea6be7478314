/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file statements.c The statements of queries/, see statements.h. */

#include "statements.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/buffer.h"

_Static_assert((int)UM_STMT_FIRST_PREPARED == (int)UM_STMT_SAVEPOINT_ROLLBACK + 1,
               "queries/transactions.sql is the first file, and nothing else is in it");

/* The text of a value; of a number, in digits. */
static const char *text_of(const um_member_t *member, const void *values, char digits[24])
{
    const char *value = (const char *)values + member->offset;
    apr_int64_t number;
    const char *text;

    if (!member->is_int) {
        memcpy(&text, value, sizeof(text));
        return text;
    }
    memcpy(&number, value, sizeof(number));
    apr_snprintf(digits, 24, "%" APR_INT64_T_FMT, number);
    return digits;
}

void um_statements_arrange(um_arguments_t *arguments, const um_bind_t *bind, um_dialect_t dialect)
{
    const um_query_t *query = &um_queries[bind->id];
    const char *texts[UM_VALUES_MAX] = { NULL };

    for (int i = 0; i < query->member_count; i++) {
        texts[i] = text_of(&query->members[i], bind->values, arguments->numbers[i]);
    }
    arguments->count = query->texts[dialect].order_count;
    for (int i = 0; i < arguments->count; i++) {
        arguments->texts[i] = texts[query->texts[dialect].order[i]];
    }
}

/* The values of one row. */
static void arrange_row(const char **texts, um_statement_id_t id, const void *values,
                        um_dialect_t dialect, apr_pool_t *pool)
{
    um_arguments_t *arguments = apr_palloc(pool, sizeof(*arguments));
    const um_bind_t bind = { id, values };

    um_statements_arrange(arguments, &bind, dialect);
    memcpy(texts, arguments->texts, sizeof(*texts) * (apr_size_t)arguments->count);
}

/* Room for the values of rows. */
static const char **make_texts(int row_size, int count, apr_pool_t *pool)
{
    return apr_palloc(pool, sizeof(char *) * (apr_size_t)count * (apr_size_t)row_size);
}

const char **um_statements_arrange_rows(const um_bind_rows_t *rows, int first, int count,
                                        um_dialect_t dialect, apr_pool_t *pool)
{
    int row_size = um_queries[rows->id].texts[dialect].order_count;
    const char **texts = make_texts(row_size, count, pool);

    for (int row = 0; row < count; row++) {
        arrange_row(texts + row * row_size, rows->id,
                    (const char *)rows->values + rows->size * (apr_size_t)(first + row), dialect,
                    pool);
    }
    return texts;
}

const char **um_statements_arrange_each(int *size, um_statement_id_t id, const void *const *rows,
                                        int count, um_dialect_t dialect, apr_pool_t *pool)
{
    int row_size = um_queries[id].texts[dialect].order_count;
    const char **texts = make_texts(row_size, count, pool);

    for (int row = 0; row < count; row++) {
        arrange_row(texts + row * row_size, id, rows[row], dialect, pool);
    }
    *size = count * row_size;
    return texts;
}

const char *um_statements_rows_sql(um_statement_id_t id, um_dialect_t dialect, int count,
                                   apr_pool_t *pool)
{
    const char *sql = um_queries[id].texts[dialect].sql;
    apr_size_t start = (apr_size_t)um_queries[id].texts[dialect].row_start;
    apr_size_t length = (apr_size_t)um_queries[id].texts[dialect].row_length;
    um_buffer_t text;

    um_buffer_init(&text, strlen(sql) + (length + 2) * (apr_size_t)count, pool);
    um_buffer_append(&text, sql, start + length);
    for (int row = 1; row < count; row++) {
        um_buffer_puts(&text, ", ");
        um_buffer_append(&text, sql + start, length);
    }
    um_buffer_puts(&text, sql + start + length);
    return text.data;
}

/* All characters of a row that has nothing but placeholders, like (%lld, %s). */
#define PLACEHOLDERS "(%lsd, )"

const char *um_statements_arrays_sql(um_statement_id_t id, um_dialect_t dialect, apr_pool_t *pool)
{
    const um_array_sql_t *arrays = um_dialect_traits(dialect)->arrays;
    const um_query_t *query = &um_queries[id];
    const char *sql = query->texts[dialect].sql;
    const char *rows = sql + query->texts[dialect].row_start;
    apr_size_t length = arrays != NULL ? strlen(arrays->before_rows) : 0;
    um_buffer_t text;

    if (arrays == NULL || rows - sql < (apr_ssize_t)length
        || strncmp(rows - length, arrays->before_rows, length) != 0
        || strspn(rows, PLACEHOLDERS) < (apr_size_t)query->texts[dialect].row_length) {
        return NULL;
    }
    um_buffer_init(&text, 2048, pool);
    um_buffer_append(&text, sql, (apr_size_t)(rows - sql) - length);
    um_buffer_puts(&text, arrays->before_arrays);
    for (int i = 0; i < query->texts[dialect].order_count; i++) {
        um_buffer_puts(&text, i == 0 ? "" : ", ");
        um_buffer_puts(&text, query->members[query->texts[dialect].order[i]].is_int
                                  ? arrays->of_ints
                                  : arrays->of_texts);
    }
    um_buffer_puts(&text, rows + query->texts[dialect].row_length);
    return text.data;
}

/* An element of an array, in quotes, since NULL, braces and commas are its syntax. */
static void put_element(um_buffer_t *array, const char *text)
{
    char *start = um_buffer_reserve(array, 2 * strlen(text) + 2);
    char *end = start;

    *end++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            *end++ = '\\';
        }
        *end++ = *text;
    }
    *end++ = '"';
    *end = '\0';
    array->length += (apr_size_t)(end - start);
}

/* One value of all rows. */
static const char *make_array(const um_bind_rows_t *rows, const um_member_t *member,
                              apr_pool_t *pool)
{
    const char *value = (const char *)rows->values + member->offset;
    um_buffer_t array;

    um_buffer_init(&array, 32 * (apr_size_t)rows->count, pool);
    for (int row = 0; row < rows->count; row++, value += rows->size) {
        apr_int64_t number;
        const char *text;

        um_buffer_putc(&array, row == 0 ? '{' : ',');
        if (member->is_int) {
            memcpy(&number, value, sizeof(number));
            um_buffer_put_int(&array, number);
            continue;
        }
        memcpy(&text, value, sizeof(text));
        if (text != NULL) {
            put_element(&array, text);
        } else {
            um_buffer_puts(&array, "NULL");
        }
    }
    um_buffer_putc(&array, '}');
    return array.data;
}

const char **um_statements_arrange_arrays(const um_bind_rows_t *rows, um_dialect_t dialect,
                                          apr_pool_t *pool)
{
    const um_query_t *query = &um_queries[rows->id];
    const char **texts = make_texts(query->texts[dialect].order_count, 1, pool);

    for (int i = 0; i < query->texts[dialect].order_count; i++) {
        texts[i] = make_array(rows, &query->members[query->texts[dialect].order[i]], pool);
    }
    return texts;
}

const char *um_statements_sql(um_statement_id_t id, um_dialect_t dialect)
{
    return um_queries[id].texts[dialect].sql;
}

const char *um_statements_name(um_statement_id_t id)
{
    return um_queries[id].name;
}

int um_statements_count_parameters(const char *sql)
{
    int count = 0;

    for (const char *at = strchr(sql, '%'); at != NULL; at = strchr(at + 2, '%')) {
        if (at[1] == '\0') {
            break;
        }
        count += at[1] != '%';
    }
    return count;
}
