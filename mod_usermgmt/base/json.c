/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file json.c JSON with jansson, see json.h. A um_json_t is a json_t. */

#include "json.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>
#include <jansson.h>

#include "instant.h"
#include "status.h"

/* A shorter number without a negative exponent is not too small for a double. */
#define LONG_NUMBER 300
/* With this many digits, decimals stay the same as doubles; and doubles as decimals. */
#define DIGITS_SAFE 15
#define DIGITS_ENOUGH 17

static const json_t *in(const um_json_t *value)
{
    return (const json_t *)value;
}

static const um_json_t *out(const json_t *value)
{
    return (const um_json_t *)value;
}

/* ---- reading ---- */

static const char *find_code(enum json_error_code code)
{
    switch (code) {
    case json_error_duplicate_key:
        return "duplicate_key";
    case json_error_numeric_overflow:
        return "number_out_of_range";
    case json_error_stack_overflow:
        return "nesting_too_deep";
    case json_error_invalid_utf8:
        return "invalid_utf8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "null_character";
    default:
        return "malformed_json";
    }
}

static const char *find_sentence(const char *code)
{
    static const struct {
        const char *code;
        const char *sentence;
    } sentences[] = {
        { "duplicate_key", "A name comes twice in one object" },
        { "number_out_of_range", "A number is out of the range of 64-bit integers and doubles" },
        { "nesting_too_deep", "There are more than 32 levels of nesting" },
        { "too_many_values", "There are too many values" },
        { "invalid_utf8", "The text is not UTF-8" },
        { "null_character", "There is a U+0000" },
    };

    for (apr_size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (strcmp(sentences[i].code, code) == 0) {
            return sentences[i].sentence;
        }
    }
    return "The JSON is malformed";
}

/* The library's message, without the part of the text that it quotes. */
static const char *find_reason(const char *words, apr_pool_t *pool)
{
    const char *near = strstr(words, " near ");

    return near != NULL ? apr_pstrmemdup(pool, words, (apr_size_t)(near - words)) : words;
}

static apr_status_t refuse(um_json_error_t *error, const char *code, const char *reason, int line,
                           int column, apr_pool_t *pool)
{
    error->code = code;
    error->line = line;
    error->column = column;
    error->detail = apr_psprintf(pool, "%s, at line %d, column %d%s%s.", find_sentence(code),
                                 line, column, reason != NULL ? ": " : "",
                                 reason != NULL ? reason : "");
    return UM_EINVALID;
}

static apr_status_t refuse_at(um_json_error_t *error, const char *code, const char *reason,
                              const char *text, const char *at, apr_pool_t *pool)
{
    int line = 1;
    int column = 1;

    for (; text < at; text++) {
        if (*text == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*text & 0xC0) != 0x80) {
            column++;
        }
    }
    return refuse(error, code, reason, line, column, pool);
}

/* The end of a string, or the end of the text if the string does not end. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"' && *at != '\0'; at++) {
        at += *at == '\\' && at[1] != '\0';
    }
    return *at == '"' ? at + 1 : at;
}

/* The number of bytes before the first one of a set. It looks only at the number itself:
 * searching the rest of the text for each number would take quadratic time. */
static apr_size_t length_before(const char *set, const char *number, apr_size_t length)
{
    apr_size_t i = 0;

    while (i < length && strchr(set, number[i]) == NULL) {
        i++;
    }
    return i;
}

/* Tell whether a number that is not zero was read as zero. */
static int is_rounded_to_zero(const char *number, apr_size_t length)
{
    apr_size_t mantissa = length_before("eE", number, length);
    json_t *value;
    int zero;

    if ((mantissa == length || number[mantissa + 1] != '-') && length < LONG_NUMBER) {
        return 0;
    }
    if (length_before("123456789", number, mantissa) == mantissa) {
        return 0;
    }
    value = json_loadb(number, length, JSON_DECODE_ANY, NULL);
    zero = json_is_real(value) && fpclassify(json_real_value(value)) == FP_ZERO;
    json_decref(value);
    return zero;
}

/* Limits that the library does not check, for a text that it could read. */
static apr_status_t check_limits(um_json_error_t *error, const char *text, const char *end,
                                 apr_pool_t *pool)
{
    const char *at = text;
    int depth = 0;

    while (at < end) {
        apr_size_t length = 1;

        switch (*at) {
        case '"':
            at = skip_string(at);
            continue;
        case '{':
        case '[':
            if (++depth > UM_JSON_MAX_DEPTH) {
                return refuse_at(error, "nesting_too_deep", NULL, text, at, pool);
            }
            break;
        case '}':
        case ']':
            depth--;
            break;
        case '-':
        case '0' ... '9':
            length = strspn(at, "-+.eE0123456789");
            if (is_rounded_to_zero(at, length)) {
                return refuse_at(error, "number_out_of_range", NULL, text, at, pool);
            }
            break;
        default:
            break;
        }
        at += length;
    }
    return APR_SUCCESS;
}

/* Does the array or object end at once after its opening bracket? White space is skipped. */
static int is_empty(const char *at)
{
    at += strspn(at, " \t\r\n");
    return *at == ']' || *at == '}';
}

/* Count the values of a text before the library makes them. In a malformed text the count
 * is at least the number of values that the library makes before it stops. */
static apr_status_t check_count(um_json_error_t *error, const char *text, const char *end,
                                int max, apr_pool_t *pool)
{
    const char *at = text;
    int depth = 0;
    int values = 1;

    while (at < end) {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        if (*at == '[' || *at == '{') {
            /* The library itself stops here, because it is too deep. */
            if (++depth > JSON_PARSER_MAX_DEPTH) {
                return APR_SUCCESS;
            }
            values += !is_empty(at + 1);
        } else if (*at == ',') {
            values++;
        } else if (*at == ']' || *at == '}') {
            depth--;
        }
        if (values > max) {
            return refuse_at(error, "too_many_values",
                             apr_psprintf(pool, "at most %d are taken", max), text, at, pool);
        }
        at++;
    }
    return APR_SUCCESS;
}

static apr_status_t release(void *value)
{
    json_decref(value);
    return APR_SUCCESS;
}

apr_status_t um_json_parse(um_json_t **json, um_json_error_t *error, const char *text,
                           apr_size_t length, apr_pool_t *pool)
{
    return um_json_parse_up_to(json, error, text, length, UM_JSON_MAX_VALUES, pool);
}

apr_status_t um_json_parse_up_to(um_json_t **json, um_json_error_t *error, const char *text,
                                 apr_size_t length, int max_values, apr_pool_t *pool)
{
    json_error_t why;
    json_t *value;
    apr_status_t status;

    /* The scans need a NUL after the text. */
    text = apr_pstrmemdup(pool, text, length);
    status = check_count(error, text, text + length, max_values, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (value == NULL) {
        const char *code = find_code(json_error_code(&why));
        int malformed = strcmp(code, "malformed_json") == 0;

        return refuse(error, code, malformed ? find_reason(why.text, pool) : NULL, why.line,
                      why.column, pool);
    }
    status = check_limits(error, text, text + length, pool);
    if (status != APR_SUCCESS) {
        json_decref(value);
        return status;
    }
    apr_pool_cleanup_register(pool, value, release, apr_pool_cleanup_null);
    *json = (um_json_t *)value;
    return APR_SUCCESS;
}

um_json_type_t um_json_type(const um_json_t *value)
{
    static const um_json_type_t types[] = {
        [JSON_OBJECT] = UM_JSON_OBJECT, [JSON_ARRAY] = UM_JSON_ARRAY,
        [JSON_STRING] = UM_JSON_STRING, [JSON_INTEGER] = UM_JSON_INTEGER,
        [JSON_REAL] = UM_JSON_REAL,     [JSON_TRUE] = UM_JSON_TRUE,
        [JSON_FALSE] = UM_JSON_FALSE,   [JSON_NULL] = UM_JSON_NULL,
    };

    return types[json_typeof(in(value))];
}

const char *um_json_string(const um_json_t *value)
{
    return json_string_value(in(value));
}

apr_size_t um_json_size(const um_json_t *value)
{
    return json_is_object(in(value)) ? json_object_size(in(value)) : json_array_size(in(value));
}

const um_json_t *um_json_member(const um_json_t *object, const char *name)
{
    return out(json_object_get(in(object), name));
}

const um_json_t *um_json_element(const um_json_t *array, apr_size_t index)
{
    return out(json_array_get(in(array), index));
}

void um_json_each(const um_json_t *object, um_json_visit_t *visit, void *baton)
{
    /* The iterator does not change the object, but its parameter is not const. */
    json_t *members = (json_t *)(apr_uintptr_t)in(object);
    const char *name;
    json_t *value;

    json_object_foreach (members, name, value) {
        visit(name, out(value), baton);
    }
}

apr_int64_t um_json_integer(const um_json_t *value)
{
    return json_integer_value(in(value));
}

double um_json_number(const um_json_t *value)
{
    return json_number_value(in(value));
}

const char *um_json_find_name(const um_json_t *object, const char *name)
{
    /* The iterator does not change the object, but its parameter is not const. */
    json_t *members = (json_t *)(apr_uintptr_t)in(object);
    const char *found = NULL;
    const char *each;
    json_t *value;

    json_object_foreach (members, each, value) {
        if (strcmp(each, name) == 0) {
            return each;
        }
        if (found == NULL && apr_cstr_casecmp(each, name) == 0) {
            found = each;
        }
    }
    return found;
}

int um_json_equal(const um_json_t *a, const um_json_t *b)
{
    return json_equal(in(a), in(b));
}

/* The end of a member's value, or the end of the text if the value does not end. */
static const char *skip_value(const char *at)
{
    int depth = 0;

    while (*at != '\0' && (depth > 0 || (*at != ',' && *at != '}'))) {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        at++;
    }
    return at;
}

apr_status_t um_json_split(apr_array_header_t **members, const char *object, apr_pool_t *pool)
{
    apr_array_header_t *found = apr_array_make(pool, 16, sizeof(um_json_member_text_t));
    const char *at = object[0] == '{' ? object + 1 : "";

    while (*at == '"') {
        const char *colon = skip_string(at);
        um_json_member_text_t *member;

        if (*colon != ':') {
            return UM_EINVALID;
        }
        member = apr_array_push(found);
        member->name = apr_pstrmemdup(pool, at + 1, (apr_size_t)(colon - at - 2));
        member->text = at;
        at = skip_value(colon + 1);
        member->length = (apr_size_t)(at - member->text);
        at += *at == ',';
    }
    if (strcmp(at, "}") != 0) {
        return UM_EINVALID;
    }
    *members = found;
    return APR_SUCCESS;
}

/* ---- changing ---- */

static json_t *edit(um_json_t *value)
{
    return (json_t *)value;
}

/* Only memory can be missing: the texts are UTF-8, and the types are those that are needed. */
static void require(int done)
{
    if (!done) {
        abort();
    }
}

/* A value that the pool has a reference to. */
static um_json_t *own(json_t *value, apr_pool_t *pool)
{
    require(value != NULL);
    apr_pool_cleanup_register(pool, value, release, apr_pool_cleanup_null);
    return (um_json_t *)value;
}

um_json_t *um_json_new_object(apr_pool_t *pool)
{
    return own(json_object(), pool);
}

um_json_t *um_json_new_array(apr_pool_t *pool)
{
    return own(json_array(), pool);
}

um_json_t *um_json_new_string(const char *text, apr_pool_t *pool)
{
    return own(json_string_nocheck(text), pool);
}

um_json_t *um_json_new_integer(apr_int64_t number, apr_pool_t *pool)
{
    return own(json_integer(number), pool);
}

um_json_t *um_json_new_boolean(int truth)
{
    return (um_json_t *)(truth ? json_true() : json_false());
}

um_json_t *um_json_new_null(void)
{
    return (um_json_t *)json_null();
}

um_json_t *um_json_copy(const um_json_t *value, apr_pool_t *pool)
{
    return own(json_deep_copy(in(value)), pool);
}

void um_json_set(um_json_t *object, const char *name, um_json_t *value)
{
    require(json_object_set_nocheck(edit(object), name, edit(value)) == 0);
}

void um_json_set_string(um_json_t *object, const char *name, const char *text)
{
    if (text == NULL) {
        um_json_remove(object, name);
    } else {
        require(json_object_set_new_nocheck(edit(object), name, json_string_nocheck(text)) == 0);
    }
}

void um_json_remove(um_json_t *object, const char *name)
{
    json_object_del(edit(object), name);
}

um_json_t *um_json_open_member(um_json_t *object, const char *name)
{
    return (um_json_t *)json_object_get(edit(object), name);
}

void um_json_append(um_json_t *array, um_json_t *value)
{
    require(json_array_append(edit(array), edit(value)) == 0);
}

void um_json_insert(um_json_t *array, apr_size_t index, um_json_t *value)
{
    require(json_array_insert(edit(array), index, edit(value)) == 0);
}

void um_json_set_element(um_json_t *array, apr_size_t index, um_json_t *value)
{
    require(json_array_set(edit(array), index, edit(value)) == 0);
}

void um_json_remove_element(um_json_t *array, apr_size_t index)
{
    require(json_array_remove(edit(array), index) == 0);
}

um_json_t *um_json_open_element(um_json_t *array, apr_size_t index)
{
    return (um_json_t *)json_array_get(edit(array), index);
}

/* A tree being counted. */
typedef struct um_count_t {
    apr_size_t values;
    apr_size_t max;
    /* Levels that are left below the value at hand. */
    int levels;
    int too_deep;
} um_count_t;

static void count_value(um_count_t *count, const um_json_t *value);

static void count_member(const char *name, const um_json_t *value, void *baton)
{
    (void)name;
    count_value(baton, value);
}

/* Each array and each object is a level. */
static void count_value(um_count_t *count, const um_json_t *value)
{
    int has_levels = json_is_object(in(value)) || json_is_array(in(value));

    if (count->values++ >= count->max || count->too_deep) {
        return;
    }
    if (has_levels && count->levels-- == 0) {
        count->too_deep = 1;
        return;
    }
    if (json_is_object(in(value))) {
        um_json_each(value, count_member, count);
    }
    for (apr_size_t i = 0; i < json_array_size(in(value)) && count->values <= count->max; i++) {
        count_value(count, um_json_element(value, i));
    }
    count->levels += has_levels;
}

apr_size_t um_json_count(const um_json_t *value, apr_size_t max)
{
    um_count_t count = { 0, max, INT_MAX, 0 };

    count_value(&count, value);
    return count.values;
}

int um_json_is_bounded(const um_json_t *value)
{
    um_count_t count = { 0, UM_JSON_MAX_VALUES, UM_JSON_MAX_DEPTH, 0 };

    count_value(&count, value);
    return !count.too_deep && count.values <= UM_JSON_MAX_VALUES;
}

/* ---- writing ---- */

static int reads_as(double number, const char *text, apr_size_t length)
{
    json_t *value = json_loadb(text, length, JSON_DECODE_ANY, NULL);
    double read = json_real_value(value);
    /* By its bytes, because -0.0 == 0.0 although the two are written differently. */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    int same = json_is_real(value) && memcmp(&read, &number, sizeof(number)) == 0;

    json_decref(value);
    return same;
}

/* The library writes and reads numbers the same in every locale. */
static void put_real(um_buffer_t *buffer, const json_t *value)
{
    double number = json_real_value(value);
    int digits = fabs(number) < DBL_MIN ? 1 : DIGITS_SAFE;
    char text[64];
    apr_size_t length;

    do {
        length = json_dumpb(value, text, sizeof(text),
                            JSON_ENCODE_ANY | JSON_REAL_PRECISION((apr_size_t)digits));
    } while (digits++ < DIGITS_ENOUGH && !reads_as(number, text, length));
    um_buffer_append(buffer, text, length);
}

/* An object being written. */
typedef struct um_object_put_t {
    um_buffer_t *buffer;
    apr_size_t max;
} um_object_put_t;

static void put_member(const char *name, const um_json_t *value, void *baton)
{
    um_object_put_t *object = baton;

    if (object->buffer->length > object->max) {
        return;
    }
    um_json_put_any_name(object->buffer, name);
    um_json_put_value_up_to(object->buffer, value, object->max);
}

static void put_array(um_buffer_t *buffer, const json_t *array, apr_size_t max)
{
    um_buffer_putc(buffer, '[');
    for (apr_size_t i = 0; i < json_array_size(array) && buffer->length <= max; i++) {
        if (i > 0) {
            um_buffer_putc(buffer, ',');
        }
        um_json_put_value_up_to(buffer, out(json_array_get(array, i)), max);
    }
    um_buffer_putc(buffer, ']');
}

void um_json_put_value_up_to(um_buffer_t *buffer, const um_json_t *value, apr_size_t max)
{
    um_object_put_t object = { buffer, max };

    switch (um_json_type(value)) {
    case UM_JSON_OBJECT:
        um_buffer_putc(buffer, '{');
        um_json_each(value, put_member, &object);
        um_buffer_putc(buffer, '}');
        break;
    case UM_JSON_ARRAY:
        put_array(buffer, in(value), max);
        break;
    case UM_JSON_STRING:
        um_json_put_string(buffer, um_json_string(value));
        break;
    case UM_JSON_INTEGER:
        um_buffer_put_int(buffer, json_integer_value(in(value)));
        break;
    case UM_JSON_REAL:
        put_real(buffer, in(value));
        break;
    case UM_JSON_TRUE:
        um_buffer_puts(buffer, "true");
        break;
    case UM_JSON_FALSE:
        um_buffer_puts(buffer, "false");
        break;
    case UM_JSON_NULL:
        um_buffer_puts(buffer, "null");
        break;
    }
}

void um_json_put_value(um_buffer_t *buffer, const um_json_t *value)
{
    um_json_put_value_up_to(buffer, value, APR_SIZE_MAX);
}

const char *um_json_text(const um_json_t *value, apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 256, pool);
    um_json_put_value(&buffer, value);
    return buffer.data;
}

static void put_escape(um_buffer_t *buffer, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                    ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };
    char *to = um_buffer_reserve(buffer, 6);

    to[0] = '\\';
    if (letters[c] != 0) {
        to[1] = letters[c];
        buffer->length += 2;
    } else {
        to[1] = 'u';
        to[2] = '0';
        to[3] = '0';
        to[4] = hex[c >> 4];
        to[5] = hex[c & 0xF];
        buffer->length += 6;
    }
    buffer->data[buffer->length] = '\0';
}

static int is_escaped(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* The same byte eight times. */
#define EIGHT(byte) ((byte)*UINT64_C(0x0101010101010101))

/* Non-zero if one of eight bytes is less than an ASCII character. */
#define HAS_LESS(word, byte) (((word)-EIGHT(byte)) & ~(word)&EIGHT(0x80))

/* Is one of eight characters escaped? To ask eight at once takes a third of the time. */
static int is_one_escaped(const char *text)
{
    apr_uint64_t word;

    memcpy(&word, text, sizeof(word));
    return (HAS_LESS(word, 0x20) | HAS_LESS(word ^ EIGHT('"'), 1)
            | HAS_LESS(word ^ EIGHT('\\'), 1))
           != 0;
}

/* How many characters a text begins with that are not escaped. */
static apr_size_t plain_length(const char *text, apr_size_t length)
{
    apr_size_t plain = 0;

    while (length - plain >= 8 && !is_one_escaped(text + plain)) {
        plain += 8;
    }
    /* The rest is less than a word, so ask the last eight characters, of which it knows some. */
    if (length >= 8 && length - plain < 8 && !is_one_escaped(text + length - 8)) {
        return length;
    }
    while (plain < length && !is_escaped((unsigned char)text[plain])) {
        plain++;
    }
    return plain;
}

static void put_escaped(um_buffer_t *buffer, const char *text, apr_size_t length)
{
    while (length > 0) {
        apr_size_t plain = plain_length(text, length);

        um_buffer_append(buffer, text, plain);
        if (plain < length) {
            put_escape(buffer, (unsigned char)text[plain++]);
        }
        text += plain;
        length -= plain;
    }
}

void um_json_put_string(um_buffer_t *buffer, const char *text)
{
    apr_size_t length = strlen(text);
    apr_size_t plain = plain_length(text, length);
    char *to = um_buffer_reserve(buffer, length + 2);

    *to++ = '"';
    memcpy(to, text, plain);
    to += plain;
    buffer->length += plain + 1;
    if (plain < length) {
        put_escaped(buffer, text + plain, length - plain);
        um_buffer_putc(buffer, '"');
        return;
    }
    to[0] = '"';
    to[1] = '\0';
    buffer->length++;
}

void um_json_put_string_or_null(um_buffer_t *buffer, const char *text)
{
    if (text != NULL) {
        um_json_put_string(buffer, text);
    } else {
        um_buffer_puts(buffer, "null");
    }
}

void um_json_put_strings(um_buffer_t *buffer, const char *const *texts, int count)
{
    um_buffer_putc(buffer, '[');
    for (int i = 0; i < count; i++) {
        if (i > 0) {
            um_buffer_putc(buffer, ',');
        }
        um_json_put_string(buffer, texts[i]);
    }
    um_buffer_putc(buffer, ']');
}

void um_json_put_instant(um_buffer_t *buffer, apr_int64_t ms)
{
    char *to = um_buffer_reserve(buffer, UM_INSTANT_LENGTH + 2);

    to[0] = '"';
    um_instant_format(to + 1, ms);
    to[UM_INSTANT_LENGTH + 1] = '"';
    to[UM_INSTANT_LENGTH + 2] = '\0';
    buffer->length += UM_INSTANT_LENGTH + 2;
}

/* ---- members ---- */

/* An object that was just opened ends with its brace, and no value does. */
static int is_first(const um_buffer_t *buffer)
{
    return buffer->length > 0 && buffer->data[buffer->length - 1] == '{';
}

void um_json_put_any_name(um_buffer_t *buffer, const char *name)
{
    if (!is_first(buffer)) {
        um_buffer_putc(buffer, ',');
    }
    um_json_put_string(buffer, name);
    um_buffer_putc(buffer, ':');
}

void um_json_put_quoted_name(um_buffer_t *buffer, const char *quoted, apr_size_t length)
{
    apr_size_t comma = is_first(buffer) ? 1 : 0;

    um_buffer_append(buffer, quoted + comma, length - comma);
}

void um_json_put_named_string(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                              const char *text)
{
    um_json_put_quoted_name(buffer, quoted, length);
    um_json_put_string(buffer, text);
}

void um_json_put_named_string_or_null(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                                      const char *text)
{
    um_json_put_quoted_name(buffer, quoted, length);
    um_json_put_string_or_null(buffer, text);
}

void um_json_put_named_string_if(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                                 const char *text)
{
    if (text != NULL) {
        um_json_put_named_string(buffer, quoted, length, text);
    }
}

void um_json_put_named_int(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                           apr_int64_t number)
{
    um_json_put_quoted_name(buffer, quoted, length);
    um_buffer_put_int(buffer, number);
}

void um_json_put_named_bool(um_buffer_t *buffer, const char *quoted, apr_size_t length, int truth)
{
    um_json_put_quoted_name(buffer, quoted, length);
    um_buffer_append(buffer, truth ? "true" : "false", truth ? 4 : 5);
}

void um_json_put_named_instant(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                               apr_int64_t ms)
{
    um_json_put_quoted_name(buffer, quoted, length);
    um_json_put_instant(buffer, ms);
}

void um_json_put_named_json(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                            const char *json)
{
    um_json_put_quoted_name(buffer, quoted, length);
    um_buffer_puts(buffer, json != NULL ? json : "null");
}

void um_json_put_named_strings(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                               const apr_array_header_t *texts)
{
    um_json_put_quoted_name(buffer, quoted, length);
    um_buffer_putc(buffer, '[');
    for (int i = 0; i < texts->nelts; i++) {
        if (i > 0) {
            um_buffer_putc(buffer, ',');
        }
        um_json_put_string(buffer, APR_ARRAY_IDX(texts, i, const char *));
    }
    um_buffer_putc(buffer, ']');
}
