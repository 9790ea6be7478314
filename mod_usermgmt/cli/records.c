/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file records.c Users from NDJSON and CSV files, see records.h. */

#include "records.h"

#include <string.h>

#include <apr_portable.h>
#include <apr_strings.h>

#include "../base/csv.h"
#include "../base/text.h"
#include "columns.h"
#include "interrupt.h"

#define BLOCK 65536
#define COLUMNS_MAX 1000

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

#define END (-1)

struct um_records_t {
    apr_file_t *file;
    apr_int64_t total;
    apr_int64_t done;
    /* The line of the next byte, and the byte before it. */
    apr_int64_t line;
    int last;
    apr_status_t status;
    char block[BLOCK];
    apr_size_t at;
    apr_size_t size;
    /* Of um_column_t; NULL if the file is NDJSON. */
    apr_array_header_t *columns;
    /* Between the cells of CSV. */
    char separator;
};

/* ---- bytes ---- */

static apr_status_t read_bytes(um_records_t *records, char *to, apr_size_t *length)
{
    apr_status_t status = um_interrupt_wait(records->file);

    return status == APR_SUCCESS ? apr_file_read(records->file, to, length) : status;
}

static int fill(um_records_t *records)
{
    records->at = 0;
    records->size = sizeof(records->block);
    records->status = read_bytes(records, records->block, &records->size);
    if (records->status != APR_SUCCESS) {
        records->size = 0;
        return 0;
    }
    records->done += (apr_int64_t)records->size;
    return 1;
}

static int peek(um_records_t *records)
{
    if (records->at == records->size && !fill(records)) {
        return END;
    }
    return (unsigned char)records->block[records->at];
}

static int get(um_records_t *records)
{
    int c = peek(records);

    if (c != END) {
        records->at++;
        records->line += c == '\r' || (c == '\n' && records->last != '\r');
        records->last = c;
    }
    return c;
}

static int has_line_end(const um_records_t *records)
{
    return memchr(records->block, '\n', records->size) != NULL
           || memchr(records->block, '\r', records->size) != NULL;
}

/* Read the first line. Its first bytes and its separators decide how the file is read. */
static void fill_line(um_records_t *records)
{
    while (!has_line_end(records) && records->size < sizeof(records->block)) {
        apr_size_t length = sizeof(records->block) - records->size;

        records->status = read_bytes(records, records->block + records->size, &length);
        if (records->status != APR_SUCCESS) {
            return;
        }
        records->size += length;
        records->done += (apr_int64_t)length;
    }
}

static int begins_with(const um_records_t *records, const char *bytes, apr_size_t length)
{
    return records->size >= length && memcmp(records->block, bytes, length) == 0;
}

/* It has a byte order mark, or a zero byte beside its first character, which is ASCII. */
static int is_utf16(const um_records_t *records)
{
    return begins_with(records, "\xff\xfe", 2) || begins_with(records, "\xfe\xff", 2)
           || (records->size >= 2 && (records->block[0] == '\0') != (records->block[1] == '\0'));
}

static apr_status_t refuse(um_faults_t *faults, const char *field, const char *code,
                           const char *detail)
{
    um_faults_add(faults, field, code, detail);
    return UM_EINVALID;
}

static apr_status_t refuse_long(um_faults_t *faults)
{
    return refuse(faults, "", "too_large", "A record has at most 1 MiB.");
}

static apr_status_t parse(um_json_t **json, um_faults_t *faults, const char *field,
                          const char *text, apr_size_t length, apr_pool_t *pool)
{
    um_json_error_t error;

    if (um_json_parse(json, &error, text, length, pool) != APR_SUCCESS) {
        return refuse(faults, field, error.code, error.detail);
    }
    return APR_SUCCESS;
}

/* ---- NDJSON ---- */

/* A line without its end. UM_ETOOLARGE if it is too long; then it is skipped. */
static apr_status_t read_line(um_buffer_t *text, um_records_t *records)
{
    int is_long = 0;

    while (peek(records) != END) {
        const char *from = records->block + records->at;
        apr_size_t left = records->size - records->at;
        const char *newline = memchr(from, '\n', left);
        apr_size_t length = newline != NULL ? (apr_size_t)(newline - from) : left;

        is_long = is_long || text->length + length > UM_RECORD_MAX;
        if (!is_long) {
            um_buffer_append(text, from, length);
        }
        records->at += length;
        if (newline != NULL) {
            get(records);
            return is_long ? UM_ETOOLARGE : APR_SUCCESS;
        }
    }
    if (records->status != APR_EOF || text->length == 0) {
        return records->status;
    }
    return is_long ? UM_ETOOLARGE : APR_SUCCESS;
}

static apr_status_t next_json(apr_int64_t *line, um_json_t **json, um_faults_t *faults,
                              um_records_t *records, apr_pool_t *pool)
{
    um_buffer_t text;
    apr_status_t status;

    um_buffer_init(&text, 512, pool);
    do {
        text.length = 0;
        *line = records->line;
        status = read_line(&text, records);
    } while (status == APR_SUCCESS && strspn(text.data, " \t\r") == text.length);
    if (status == UM_ETOOLARGE) {
        return refuse_long(faults);
    }
    return status == APR_SUCCESS ? parse(json, faults, "", text.data, text.length, pool) : status;
}

/* ---- CSV ---- */

/* The cells of a record: one text, and the end of each cell in it. */
typedef struct um_cells_t {
    um_buffer_t text;
    /* Of apr_size_t. */
    apr_array_header_t *ends;
    int is_long;
    int is_malformed;
    /* The file ends inside quotes. */
    int is_open;
} um_cells_t;

static void put_byte(um_cells_t *cells, int c)
{
    if (cells->text.length == UM_RECORD_MAX) {
        cells->is_long = 1;
    } else {
        um_buffer_putc(&cells->text, (char)c);
    }
}

/* From after the opening quote to the closing one. */
static void read_quoted(um_cells_t *cells, um_records_t *records)
{
    int c;

    while ((c = get(records)) != END) {
        if (c == '"') {
            if (peek(records) != '"') {
                return;
            }
            get(records);
        }
        put_byte(cells, c);
    }
    cells->is_open = 1;
}

/* One cell and the separator after it; 0 if it is the last cell of the record. */
static int read_cell(um_cells_t *cells, um_records_t *records)
{
    int is_quoted = peek(records) == '"';
    int c;

    if (is_quoted) {
        get(records);
        read_quoted(cells, records);
    }
    while ((c = get(records)) != END && c != records->separator && c != '\n' && c != '\r') {
        cells->is_malformed = cells->is_malformed || is_quoted || c == '"';
        put_byte(cells, c);
    }
    if (c == '\r' && peek(records) == '\n') {
        get(records);
    }
    if (cells->ends->nelts < COLUMNS_MAX) {
        APR_ARRAY_PUSH(cells->ends, apr_size_t) = cells->text.length;
    } else {
        cells->is_long = 1;
    }
    return c == records->separator;
}

static void skip_empty_lines(um_records_t *records)
{
    while (peek(records) == '\n' || peek(records) == '\r') {
        get(records);
    }
}

/* APR_SUCCESS, APR_EOF, UM_EINVALID with a fault, or the error of reading. */
static apr_status_t read_cells(um_cells_t *cells, apr_int64_t *line, um_faults_t *faults,
                               um_records_t *records, apr_pool_t *pool)
{
    memset(cells, 0, sizeof(*cells));
    um_buffer_init(&cells->text, 512, pool);
    cells->ends = apr_array_make(pool, 16, sizeof(apr_size_t));
    skip_empty_lines(records);
    if (peek(records) == END) {
        return records->status;
    }
    *line = records->line;
    while (read_cell(cells, records)) {
    }
    if (records->status != APR_SUCCESS && records->status != APR_EOF) {
        return records->status;
    }
    if (cells->is_open) {
        return refuse(faults, "", "malformed_csv",
                      "The record has a cell in quotes that goes on to the end of the file: a"
                      " quote is probably missing.");
    }
    if (cells->is_long) {
        return refuse_long(faults);
    }
    if (cells->is_malformed) {
        return refuse(faults, "", "malformed_csv",
                      "A cell with quotes, separators or line ends must be in quotes, and each"
                      " quote in it must be doubled.");
    }
    return APR_SUCCESS;
}

/* NULL if it is not well-formed UTF-8 or has a NUL. */
static const char *cell_text(const um_cells_t *cells, int index, apr_pool_t *pool)
{
    apr_size_t start = index > 0 ? APR_ARRAY_IDX(cells->ends, index - 1, apr_size_t) : 0;
    apr_size_t length = APR_ARRAY_IDX(cells->ends, index, apr_size_t) - start;

    if (!um_text_is_utf8(cells->text.data + start, length)) {
        return NULL;
    }
    return apr_pstrmemdup(pool, cells->text.data + start, length);
}

static void put_member(const char *name, const um_json_t *value, void *baton)
{
    um_buffer_t *text = baton;

    um_json_put_any_name(text, name);
    um_json_put_value(text, value);
}

static void put_cell(um_buffer_t *text, const um_column_t *column, const char *cell,
                     um_faults_t *faults, apr_pool_t *pool)
{
    um_json_t *json = NULL;

    if (column->kind == UM_COLUMN_IGNORED || (cell != NULL && *cell == '\0')) {
        return;
    }
    if (cell == NULL) {
        um_faults_add(faults, column->name, "invalid_utf8", "It is not UTF-8.");
    } else if (column->kind == UM_COLUMN_STRING) {
        um_json_put_any_name(text, column->name);
        um_json_put_string(text, cell);
    } else if (parse(&json, faults, column->name, cell, strlen(cell), pool) != APR_SUCCESS) {
        return;
    } else if (column->kind == UM_COLUMN_JSON) {
        put_member(column->name, json, text);
    } else if (um_json_type(json) == UM_JSON_OBJECT) {
        um_json_each(json, put_member, text);
    } else {
        um_faults_add(faults, column->name, "invalid_type", "It must be a JSON object.");
    }
}

/* Is it an empty row? Spreadsheets have them below the data. */
static int is_blank(const um_cells_t *cells)
{
    return strspn(cells->text.data, " \t") == cells->text.length;
}

static apr_status_t next_csv(apr_int64_t *line, um_json_t **json, um_faults_t *faults,
                             um_records_t *records, apr_pool_t *pool)
{
    um_cells_t cells;
    um_buffer_t text;
    apr_status_t status;

    do {
        status = read_cells(&cells, line, faults, records, pool);
    } while (status == APR_SUCCESS && is_blank(&cells));
    if (status != APR_SUCCESS) {
        return status;
    }
    if (cells.ends->nelts != records->columns->nelts) {
        return refuse(faults, "", "wrong_number_of_cells",
                      "It must have as many cells as the header line.");
    }
    um_buffer_init(&text, cells.text.length * 2 + 256, pool);
    um_buffer_putc(&text, '{');
    for (int i = 0; i < cells.ends->nelts; i++) {
        const char *cell = cell_text(&cells, i, pool);

        put_cell(&text, &APR_ARRAY_IDX(records->columns, i, um_column_t),
                 cell != NULL ? um_csv_skip_guard(cell) : NULL, faults, pool);
    }
    if (faults->list != NULL) {
        return UM_EINVALID;
    }
    um_buffer_putc(&text, '}');
    return parse(json, faults, "", text.data, text.length, pool);
}

/* The separator that the header line has most often, outside quotes. */
static char find_separator(const um_records_t *records)
{
    static const char separators[] = ",;\t";
    int counts[sizeof(separators)] = { 0 };
    int is_quoted = 0;
    int most = 0;

    for (apr_size_t i = records->at; i < records->size; i++) {
        char c = records->block[i];
        const char *found = c != '\0' ? strchr(separators, c) : NULL;

        if (!is_quoted && (c == '\n' || c == '\r')) {
            break;
        }
        is_quoted = c == '"' ? !is_quoted : is_quoted;
        if (found != NULL && !is_quoted) {
            counts[found - separators]++;
        }
    }
    for (int i = 1; separators[i] != '\0'; i++) {
        most = counts[i] > counts[most] ? i : most;
    }
    return separators[most];
}

static um_exit_t read_header(um_records_t *records, const um_tool_t *tool)
{
    um_faults_t faults = { .pool = tool->pool };
    apr_array_header_t *names = apr_array_make(tool->pool, 16, sizeof(const char *));
    um_cells_t cells;
    apr_int64_t line = 1;
    apr_status_t status;

    skip_empty_lines(records);
    if (peek(records) == '{' || peek(records) == '[') {
        um_tool_say(tool, "the file seems to be NDJSON; give --format ndjson");
        return UM_EXIT_REFUSED;
    }
    records->separator = find_separator(records);
    status = read_cells(&cells, &line, &faults, records, tool->pool);
    if (status == APR_EOF) {
        um_tool_say(tool, "the file is empty; a CSV file begins with a header line");
        return UM_EXIT_REFUSED;
    }
    if (status == UM_EINVALID) {
        um_tool_say(tool, "the header line can't be read: %s",
                    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it has a fault. */
                    APR_ARRAY_IDX(faults.list, 0, um_fault_t).detail);
        return UM_EXIT_REFUSED;
    }
    if (status != APR_SUCCESS) {
        um_tool_say(tool, "the header line can't be read: %pm", &status);
        return UM_EXIT_REFUSED;
    }
    for (int i = 0; i < cells.ends->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *) = cell_text(&cells, i, tool->pool);
    }
    return um_columns_find(&records->columns, tool, names);
}

/* ---- both ---- */

um_exit_t um_records_open(um_records_t **records, um_tool_t *tool, const char *name, int is_csv)
{
    um_records_t *opened = apr_pcalloc(tool->pool, sizeof(*opened));
    apr_finfo_t info;
    apr_os_file_t number;
    apr_status_t status;

    status = strcmp(name, "-") == 0 ? apr_file_open_stdin(&opened->file, tool->pool)
                                    : apr_file_open(&opened->file, name, APR_FOPEN_READ,
                                                    APR_FPROT_OS_DEFAULT, tool->pool);
    if (status != APR_SUCCESS) {
        um_tool_say(tool, "%s can't be read: %pm", name, &status);
        return UM_EXIT_REFUSED;
    }
    if (apr_os_file_get(&number, opened->file) == APR_SUCCESS) {
        um_output_keep_open(tool, "the file that is imported", number);
    }
    if (apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_TYPE, opened->file) == APR_SUCCESS
        && info.filetype == APR_REG) {
        opened->total = info.size;
    }
    opened->line = 1;
    *records = opened;
    fill_line(opened);
    if (opened->status == APR_EINTR) {
        um_tool_say(tool, "interrupted; nothing was imported");
        return UM_EXIT_REFUSED;
    }
    if (is_utf16(opened)) {
        um_tool_say(tool, "%s is UTF-16; save it as UTF-8 (Excel: \"CSV UTF-8\")", name);
        return UM_EXIT_REFUSED;
    }
    if (begins_with(opened, BYTE_ORDER_MARK, 3)) {
        opened->at = 3;
    }
    return is_csv ? read_header(opened, tool) : UM_EXIT_OK;
}

apr_status_t um_records_next(apr_int64_t *line, um_json_t **json, um_faults_t *faults,
                             um_records_t *records, apr_pool_t *pool)
{
    apr_status_t status;

    status = records->columns != NULL ? next_csv(line, json, faults, records, pool)
                                      : next_json(line, json, faults, records, pool);
    if (status == APR_SUCCESS && um_json_type(*json) != UM_JSON_OBJECT) {
        return refuse(faults, "", "invalid_type", "It must be a JSON object.");
    }
    return status;
}

apr_int64_t um_records_done(const um_records_t *records)
{
    return records->done;
}

apr_int64_t um_records_total(const um_records_t *records)
{
    return records->total;
}
