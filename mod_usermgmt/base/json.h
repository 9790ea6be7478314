/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_JSON_H
#define UM_BASE_JSON_H

/**
 * @file json.h
 * JSON text to values and back. A value that is read and written again stays the same. The
 * only file that uses the JSON library (jansson).
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "buffer.h"

/** Levels of nesting a text may have; its outermost value is the first. */
#define UM_JSON_MAX_DEPTH 32

/** Values that a text may have in total. Each takes up to 250 bytes in memory, and as little
 *  as three in the text. The 16 KiB of a user's attributes have less than 8,200 values. */
#define UM_JSON_MAX_VALUES 10000

typedef struct um_json_t um_json_t;

typedef enum um_json_type_t {
    UM_JSON_OBJECT,
    UM_JSON_ARRAY,
    UM_JSON_STRING,
    UM_JSON_INTEGER,
    UM_JSON_REAL,
    UM_JSON_TRUE,
    UM_JSON_FALSE,
    UM_JSON_NULL
} um_json_type_t;

/** Why a text could not be read. */
typedef struct um_json_error_t {
    /** malformed_json, duplicate_key, number_out_of_range, nesting_too_deep,
     *  too_many_values, invalid_utf8 or null_character. */
    const char *code;
    /** A sentence with line and column in it, in the pool of the call. */
    const char *detail;
    int line;
    int column;
} um_json_error_t;

/**
 * Read one JSON text (RFC 8259): strict UTF-8, no duplicate keys, no U+0000, no
 * lone surrogates, at most UM_JSON_MAX_DEPTH levels and UM_JSON_MAX_VALUES values,
 * integers of 64 bits, reals in the range of a double (neither overflowing nor rounded to
 * zero).
 * @param json  the value; it lives as long as pool
 * @param error set if UM_EINVALID is returned
 * @return APR_SUCCESS or UM_EINVALID
 */
apr_status_t um_json_parse(um_json_t **json, um_json_error_t *error, const char *text,
                           apr_size_t length, apr_pool_t *pool);

/** Read a text as um_json_parse() does, but with another number of values at most. */
apr_status_t um_json_parse_up_to(um_json_t **json, um_json_error_t *error, const char *text,
                                 apr_size_t length, int max_values, apr_pool_t *pool);

/** The type of a value. */
um_json_type_t um_json_type(const um_json_t *value);

/** The text of a string, as long as the value lives; NULL for other types. */
const char *um_json_string(const um_json_t *value);

/** The number of members of an object or of elements of an array. */
apr_size_t um_json_size(const um_json_t *value);

/** The member of that name, or NULL. */
const um_json_t *um_json_member(const um_json_t *object, const char *name);

/** The element of an array, counted from 0; NULL if there is none. */
const um_json_t *um_json_element(const um_json_t *array, apr_size_t index);

/** Visits members of an object in the order of the text. */
typedef void um_json_visit_t(const char *name, const um_json_t *value, void *baton);
/** Call visit for each member of an object, in the order of the text. */
void um_json_each(const um_json_t *object, um_json_visit_t *visit, void *baton);

/** The number of an integer; 0 for other types. */
apr_int64_t um_json_integer(const um_json_t *value);

/** The number of an integer or a real; 0 for other types. */
double um_json_number(const um_json_t *value);

/** The name of a member as the object has it, which is the same but for the case of ASCII
 *  letters; the very same one is preferred. NULL if there is none. */
const char *um_json_find_name(const um_json_t *object, const char *name);

/** Tell whether two values are the same, member order aside. */
int um_json_equal(const um_json_t *a, const um_json_t *b);

/**
 * Trees that change. A value of um_json_parse() is such a tree too, and so is a copy.
 *
 * A value lives as long as the pool that it was made in, or as long as the longest-lived value
 * that has it as a member or element. It is never copied by the functions that set it: a change
 * in it is seen wherever it was set. So a value that is set twice, or that another tree has,
 * must be copied, and a value must never be set below itself. The texts are copied.
 *
 * If there is no memory left, the process ends, as it does if a pool has none.
 */
um_json_t *um_json_new_object(apr_pool_t *pool);
/** An empty array. */
um_json_t *um_json_new_array(apr_pool_t *pool);
/** A string; text is well-formed UTF-8. */
um_json_t *um_json_new_string(const char *text, apr_pool_t *pool);
/** An integer. */
um_json_t *um_json_new_integer(apr_int64_t number, apr_pool_t *pool);
/** True, or false if truth is 0. */
um_json_t *um_json_new_boolean(int truth);
/** Null. */
um_json_t *um_json_new_null(void);
/** A copy of a value and of all values in it. */
um_json_t *um_json_copy(const um_json_t *value, apr_pool_t *pool);

/** Set the member of that name, in the place of the one that the object has, else at its end. */
void um_json_set(um_json_t *object, const char *name, um_json_t *value);
/** Set a member to a string, or remove it if text is NULL. */
void um_json_set_string(um_json_t *object, const char *name, const char *text);
/** Remove the member of that name, if there is one. */
void um_json_remove(um_json_t *object, const char *name);
/** The member of that name, to change it; NULL if there is none. */
um_json_t *um_json_open_member(um_json_t *object, const char *name);

/** Append an element. */
void um_json_append(um_json_t *array, um_json_t *value);
/** Insert an element before that index, which is at most the size. */
void um_json_insert(um_json_t *array, apr_size_t index, um_json_t *value);
/** Set the element with that index, which is less than the size. */
void um_json_set_element(um_json_t *array, apr_size_t index, um_json_t *value);
/** Remove the element with that index, which is less than the size. */
void um_json_remove_element(um_json_t *array, apr_size_t index);
/** The element with that index, to change it; NULL if there is none. */
um_json_t *um_json_open_element(um_json_t *array, apr_size_t index);

/** Count a value and all values in it. It stops when it has more than max. */
apr_size_t um_json_count(const um_json_t *value, apr_size_t max);
/** Tell whether um_json_parse() would take the text of a value: it has at most
 *  UM_JSON_MAX_DEPTH levels and UM_JSON_MAX_VALUES values. */
int um_json_is_bounded(const um_json_t *value);

/** The text of a value, as um_json_put_value() writes it, in pool. */
const char *um_json_text(const um_json_t *value, apr_pool_t *pool);

/** Append a value in its shortest form: no white space, members in the order
 *  of the text, a real as the shortest decimal that reads as the same double
 *  and still as a real ("1.0"), UTF-8 unescaped. */
void um_json_put_value(um_buffer_t *buffer, const um_json_t *value);

/** Append a value as um_json_put_value does, but stop when the buffer's text is longer than
 *  max. For values that are refused if they are longer. */
void um_json_put_value_up_to(um_buffer_t *buffer, const um_json_t *value, apr_size_t max);

/** A member as it is written. */
typedef struct um_json_member_text_t {
    /** Without its quotes. */
    const char *name;
    /** "name":value, without a NUL behind it. */
    const char *text;
    apr_size_t length;
} um_json_member_text_t;

/**
 * Split the text of an object, as um_json_put_value wrote it, into its members. It reads
 * no values, so it is fast.
 * @param members an array of um_json_member_text_t in the order of the text
 * @return APR_SUCCESS, or UM_EINVALID if the text is no object
 */
apr_status_t um_json_split(apr_array_header_t **members, const char *object, apr_pool_t *pool);

/** Append text as a JSON string with its quotes; text is well-formed UTF-8.
 *  Fast: no library call, and no allocation except the buffer's. */
void um_json_put_string(um_buffer_t *buffer, const char *text);

/** Append a string, or null if text is NULL. */
void um_json_put_string_or_null(um_buffer_t *buffer, const char *text);

/** Append an array of so many strings. */
void um_json_put_strings(um_buffer_t *buffer, const char *const *texts, int count);

/** Append an instant (milliseconds since 1970) as an RFC 3339 string. */
void um_json_put_instant(um_buffer_t *buffer, apr_int64_t ms);

/**
 * Members of an object that is written by hand:
 *
 *     um_buffer_putc(buffer, '{');
 *     um_json_put_member(buffer, "email", user->email);
 *     um_json_put_member_instant(buffer, "created_at", user->created_at);
 *     um_buffer_putc(buffer, '}');
 *
 * A comma is written where one is needed. The name is a string literal without a character
 * that JSON escapes, so that its quotes, colon and length are known at compile time.
 */
#define um_json_put_member(buffer, name, text)                                                   \
    um_json_put_named_string(buffer, UM_JSON_NAME(name), text)

/** A string, or null where text is NULL. */
#define um_json_put_member_or_null(buffer, name, text)                                           \
    um_json_put_named_string_or_null(buffer, UM_JSON_NAME(name), text)

/** A string, or nothing where text is NULL. */
#define um_json_put_member_if(buffer, name, text)                                                \
    um_json_put_named_string_if(buffer, UM_JSON_NAME(name), text)

#define um_json_put_member_int(buffer, name, number)                                             \
    um_json_put_named_int(buffer, UM_JSON_NAME(name), number)

#define um_json_put_member_bool(buffer, name, truth)                                             \
    um_json_put_named_bool(buffer, UM_JSON_NAME(name), truth)

/** An instant in milliseconds since 1970. */
#define um_json_put_member_instant(buffer, name, ms)                                             \
    um_json_put_named_instant(buffer, UM_JSON_NAME(name), ms)

/** A JSON text as it is, or null where it is NULL. */
#define um_json_put_member_json(buffer, name, json)                                              \
    um_json_put_named_json(buffer, UM_JSON_NAME(name), json)

/** An array of strings; texts has const char *. */
#define um_json_put_member_strings(buffer, name, texts)                                          \
    um_json_put_named_strings(buffer, UM_JSON_NAME(name), texts)

/** The name alone, of a value that the caller appends. */
#define um_json_put_name(buffer, name) um_json_put_quoted_name(buffer, UM_JSON_NAME(name))

/** The same, of a name that is known at run time only; it may have any characters. */
void um_json_put_any_name(um_buffer_t *buffer, const char *name);

/* Below is what the macros call: quoted is ,"name": and length has its bytes. */
#define UM_JSON_NAME(name) (",\"" name "\":"), (sizeof(",\"" name "\":") - 1)

/** um_json_put_name(): append a comma if one is needed, the name and a colon. */
void um_json_put_quoted_name(um_buffer_t *buffer, const char *quoted, apr_size_t length);
/** um_json_put_member(): append a member whose value is a string. text is not NULL. */
void um_json_put_named_string(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                              const char *text);
/** Append a member whose value is a string, or null if text is NULL. */
void um_json_put_named_string_or_null(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                                      const char *text);
/** Append a member whose value is a string, or nothing if text is NULL. */
void um_json_put_named_string_if(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                                 const char *text);
/** Append a member whose value is an integer. */
void um_json_put_named_int(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                           apr_int64_t number);
/** Append a member whose value is true, or false if truth is 0. */
void um_json_put_named_bool(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                            int truth);
/** Append a member whose value is an instant (milliseconds since 1970), as RFC 3339. */
void um_json_put_named_instant(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                               apr_int64_t ms);
/** Append a member whose value is a JSON text as it is, or null if json is NULL. */
void um_json_put_named_json(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                            const char *json);
/** Append a member whose value is an array of strings; texts has const char *. */
void um_json_put_named_strings(um_buffer_t *buffer, const char *quoted, apr_size_t length,
                               const apr_array_header_t *texts);

#endif
