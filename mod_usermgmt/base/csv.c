/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file csv.c Lines of CSV, see csv.h. */

#include "csv.h"

#include <string.h>

#include <apr_strings.h>

#include "json.h"

#define GUARD "'"

/* Many spreadsheets take these for separators, too, unless there are quotes: then what comes
 * behind one could be a formula. */
#define OTHER_SEPARATORS ";\t"

/* Without it Excel reads UTF-8 as the system's own character set. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* ---- guards ---- */

int um_csv_needs_guard(const char *cell, int is_excel)
{
    size_t guards = strspn(cell, GUARD);

    return (is_excel || guards > 0) && cell[guards] != '\0'
           && strchr("=+-@\t\r", cell[guards]) != NULL;
}

const char *um_csv_skip_guard(const char *cell)
{
    return um_csv_needs_guard(cell, 0) ? cell + 1 : cell;
}

/* ---- columns ---- */

apr_array_header_t *um_csv_columns(const char *names, apr_pool_t *pool)
{
    apr_array_header_t *columns = apr_array_make(pool, 16, sizeof(const char *));

    for (;;) {
        apr_size_t length = strcspn(names, ",");

        APR_ARRAY_PUSH(columns, const char *) = apr_pstrmemdup(pool, names, length);
        if (names[length] == '\0') {
            return columns;
        }
        names += length + 1;
    }
}

static int has_json_suffix(const char *column)
{
    apr_size_t length = strlen(column);
    apr_size_t suffix = strlen(UM_CSV_JSON);

    return length > suffix && strcmp(column + length - suffix, UM_CSV_JSON) == 0;
}

const char *um_csv_member(const char *column, apr_pool_t *pool)
{
    return has_json_suffix(column)
               ? apr_pstrmemdup(pool, column, strlen(column) - strlen(UM_CSV_JSON))
               : column;
}

/* ---- cells ---- */

static void put_quoted(um_buffer_t *buffer, const char *value)
{
    um_buffer_putc(buffer, '"');
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '"') {
            um_buffer_putc(buffer, '"');
        }
        um_buffer_putc(buffer, *c);
    }
    um_buffer_putc(buffer, '"');
}

static void put_cell(um_buffer_t *buffer, const char *value, int is_excel)
{
    apr_pool_t *pool = buffer->pool;

    if (um_csv_needs_guard(value, is_excel)) {
        value = apr_pstrcat(pool, GUARD, value, NULL);
    }
    if (strpbrk(value, is_excel ? "\",\r\n" OTHER_SEPARATORS : "\",\r\n") == NULL) {
        um_buffer_puts(buffer, value);
    } else {
        put_quoted(buffer, value);
    }
}

/* The text of a string of JSON. */
static const char *decode(const char *json, apr_size_t length, apr_pool_t *pool)
{
    um_json_error_t error;
    um_json_t *value = NULL;

    if (memchr(json, '\\', length) == NULL) {
        return apr_pstrmemdup(pool, json + 1, length - 2);
    }
    return um_json_parse(&value, &error, json, length, pool) == APR_SUCCESS
               ? um_json_string(value)
               : "";
}

static const char *cell_of(const um_json_member_text_t *member, int is_json, apr_pool_t *pool)
{
    /* The name, its quotes and a colon come first. */
    apr_size_t start = strlen(member->name) + 3;
    const char *json = member->text + start;
    apr_size_t length = member->length - start;

    if (length == 4 && strncmp(json, "null", length) == 0) {
        return "";
    }
    return *json == '"' && !is_json ? decode(json, length, pool)
                                    : apr_pstrmemdup(pool, json, length);
}

/* The members that is_member does not know, as an object; an empty text for none. */
static const char *rest_of(const apr_array_header_t *members, const um_csv_t *csv,
                           apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 256, pool);
    for (int i = 0; i < members->nelts; i++) {
        const um_json_member_text_t *member = &APR_ARRAY_IDX(members, i, um_json_member_text_t);

        if (!csv->is_member(member->name)) {
            um_buffer_putc(&buffer, buffer.length == 0 ? '{' : ',');
            um_buffer_append(&buffer, member->text, member->length);
        }
    }
    if (buffer.length > 0) {
        um_buffer_putc(&buffer, '}');
    }
    return buffer.data;
}

static const char *find_cell(const apr_array_header_t *members, const um_csv_t *csv,
                             const char *column, apr_pool_t *pool)
{
    const char *name = um_csv_member(column, pool);

    if (csv->rest != NULL && strcmp(column, csv->rest) == 0) {
        return rest_of(members, csv, pool);
    }
    for (int i = 0; i < members->nelts; i++) {
        const um_json_member_text_t *member = &APR_ARRAY_IDX(members, i, um_json_member_text_t);

        if (strcmp(member->name, name) == 0) {
            return cell_of(member, name != column, pool);
        }
    }
    return "";
}

/* The members of an object. A text that the service has not written may have white space. */
static apr_array_header_t *members_of(const char *object, apr_pool_t *pool)
{
    apr_array_header_t *members = NULL;
    um_json_error_t error;
    um_json_t *value = NULL;

    if (um_json_split(&members, object, pool) == APR_SUCCESS
        || (um_json_parse(&value, &error, object, strlen(object), pool) == APR_SUCCESS
            && um_json_split(&members, um_json_text(value, pool), pool) == APR_SUCCESS)) {
        return members;
    }
    return apr_array_make(pool, 1, sizeof(um_json_member_text_t));
}

/* ---- lines ---- */

void um_csv_put_header(um_buffer_t *buffer, const um_csv_t *csv)
{
    if (csv->is_excel) {
        um_buffer_puts(buffer, BYTE_ORDER_MARK);
    }
    for (int i = 0; i < csv->columns->nelts; i++) {
        um_buffer_puts(buffer, i > 0 ? "," : "");
        put_cell(buffer, APR_ARRAY_IDX(csv->columns, i, const char *), csv->is_excel);
    }
    um_buffer_puts(buffer, "\r\n");
}

void um_csv_put_line(um_buffer_t *buffer, const um_csv_t *csv, const char *object,
                     apr_pool_t *pool)
{
    const apr_array_header_t *members = members_of(object, pool);

    for (int i = 0; i < csv->columns->nelts; i++) {
        const char *column = APR_ARRAY_IDX(csv->columns, i, const char *);

        um_buffer_puts(buffer, i > 0 ? "," : "");
        put_cell(buffer, find_cell(members, csv, column, pool), csv->is_excel);
    }
    um_buffer_puts(buffer, "\r\n");
}
