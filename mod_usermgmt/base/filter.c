/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file filter.c Filters and paths as trees, see filter.h. */

#include "filter.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

#include "json.h"
#include "status.h"
#include "text.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define SPACES " \t\r\n"
/* Of names, and of the URN before them. */
#define PATH_CHARACTERS LETTERS DIGITS "_-.$:"
#define NAME_CHARACTERS LETTERS DIGITS "_-$"
/* What a value without quotes has not. */
#define NOT_OF_TOKENS SPACES "\"()[]"

static const char *const operators[] = {
    [UM_FILTER_EQ] = "eq", [UM_FILTER_NE] = "ne", [UM_FILTER_CO] = "co",
    [UM_FILTER_SW] = "sw", [UM_FILTER_EW] = "ew", [UM_FILTER_GT] = "gt",
    [UM_FILTER_GE] = "ge", [UM_FILTER_LT] = "lt", [UM_FILTER_LE] = "le",
};

#define OPERATOR_COUNT ((int)(sizeof(operators) / sizeof(operators[0])))

typedef struct um_parser_t {
    const char *text;
    const char *at;
    /* Parentheses and brackets that are open. */
    int depth;
    int terms;
    int in_brackets;
    um_filter_error_t *error;
    apr_pool_t *pool;
} um_parser_t;

const char *um_filter_operator(um_filter_operation_t operation)
{
    return operators[operation];
}

int um_filter_same_name(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : apr_cstr_casecmp(a, b) == 0;
}

/* ---- errors ---- */

static apr_status_t refuse_with(um_filter_error_t *error, int position, const char *reason,
                                apr_pool_t *pool)
{
    error->position = position;
    error->detail = apr_psprintf(pool, "%s, at character %d.", reason, position);
    return UM_EINVALID;
}

static int position_of(const um_parser_t *parser, const char *at)
{
    int position = 1;

    for (const char *byte = parser->text; byte < at; byte++) {
        position += ((unsigned char)*byte & 0xC0) != 0x80;
    }
    return position;
}

static apr_status_t refuse(um_parser_t *parser, const char *at, const char *reason)
{
    return refuse_with(parser->error, position_of(parser, at), reason, parser->pool);
}

apr_status_t um_filter_refuse(um_filter_error_t *error, const um_filter_path_t *path,
                              const char *reason, apr_pool_t *pool)
{
    return refuse_with(error, path->position, reason, pool);
}

/* ---- words ---- */

static void skip_spaces(um_parser_t *parser)
{
    parser->at += strspn(parser->at, SPACES);
}

/* Take a word of letters if it comes next and is whole. */
static int take_word(um_parser_t *parser, const char *word)
{
    apr_size_t length = strlen(word);

    if (strspn(parser->at, PATH_CHARACTERS) != length
        || apr_cstr_casecmpn(parser->at, word, length) != 0) {
        return 0;
    }
    parser->at += length;
    return 1;
}

/* Take a word that joins terms, if the next one is that. */
static int take_joint(um_parser_t *parser, const char *word)
{
    const char *before = parser->at;

    skip_spaces(parser);
    /* Behind a value it needs a space, and behind a parenthesis none. */
    if ((parser->at > before || parser->at[-1] == ')' || parser->at[-1] == ']')
        && take_word(parser, word)) {
        return 1;
    }
    parser->at = before;
    return 0;
}

static apr_status_t open_bracket(um_parser_t *parser)
{
    if (++parser->depth > UM_FILTER_MAX_DEPTH) {
        return refuse(parser, parser->at, "There are more than 16 levels of parentheses");
    }
    parser->at++;
    return APR_SUCCESS;
}

static apr_status_t close_bracket(um_parser_t *parser, char bracket, const char *reason)
{
    skip_spaces(parser);
    if (*parser->at != bracket) {
        return refuse(parser, parser->at, reason);
    }
    parser->at++;
    parser->depth--;
    return APR_SUCCESS;
}

/* ---- paths ---- */

/* Tell whether a name is words of letters, digits and _ - $ with dots between them. */
static int is_name(const char *name)
{
    for (;;) {
        apr_size_t length = strspn(name, NAME_CHARACTERS);

        if (length == 0 || strchr(DIGITS "-", *name) != NULL) {
            return 0;
        }
        if (name[length] != '.') {
            return name[length] == '\0';
        }
        name += length + 1;
    }
}

/* Tell whether a text begins as a URN does: urn, a colon, and something before the next. */
static int is_urn(const char *schema)
{
    return apr_cstr_casecmpn(schema, "urn:", 4) == 0 && schema[4] != '\0' && schema[4] != ':';
}

static apr_status_t read_path(um_filter_path_t *path, um_parser_t *parser)
{
    const char *begin = parser->at;
    apr_size_t length = strspn(begin, PATH_CHARACTERS);
    const char *text = apr_pstrmemdup(parser->pool, begin, length);
    const char *colon = strrchr(text, ':');
    const char *dot;

    if (length == 0) {
        return refuse(parser, begin, "The name of an attribute is missing");
    }
    path->text = text;
    path->schema = colon != NULL ? apr_pstrmemdup(parser->pool, text, (apr_size_t)(colon - text))
                                 : NULL;
    path->name = colon != NULL ? colon + 1 : text;
    path->position = position_of(parser, begin);
    if ((path->schema != NULL && !is_urn(path->schema)) || !is_name(path->name)) {
        return refuse(parser, begin, "That is not the name of an attribute");
    }
    dot = strchr(path->name, '.');
    path->sub = dot != NULL ? dot + 1 : NULL;
    path->attribute = dot != NULL ? apr_pstrmemdup(parser->pool, path->name,
                                                   (apr_size_t)(dot - path->name))
                                  : path->name;
    parser->at += length;
    return APR_SUCCESS;
}

/* Read the name behind the dot that comes next. */
static apr_status_t read_sub(um_filter_path_t *path, um_parser_t *parser)
{
    apr_status_t status;

    parser->at++;
    status = read_path(path, parser);
    if (status == APR_SUCCESS && (path->schema != NULL || path->sub != NULL)) {
        status = refuse_with(parser->error, path->position, "Behind the brackets stands one name",
                             parser->pool);
    }
    return status;
}

/* ---- values ---- */

static apr_status_t read_text(um_filter_value_t *value, um_parser_t *parser)
{
    const char *end = parser->at + 1;
    um_json_error_t why;
    um_json_t *json;

    while (*end != '"' && *end != '\0') {
        end += *end == '\\' && end[1] != '\0' ? 2 : 1;
    }
    if (*end == '\0') {
        return refuse(parser, parser->at, "The quotes that begin here do not end");
    }
    end++;
    if (um_json_parse(&json, &why, parser->at, (apr_size_t)(end - parser->at), parser->pool)
        != APR_SUCCESS) {
        return refuse(parser, parser->at, "That is not a string of JSON");
    }
    value->type = UM_FILTER_TEXT;
    value->text = um_json_string(json);
    parser->at = end;
    return APR_SUCCESS;
}

static apr_size_t count_digits(const char *text)
{
    return strspn(text, DIGITS);
}

/* Tell whether a text has the form of a number of JSON. */
static int is_number(const char *text)
{
    apr_size_t digits;

    text += *text == '-';
    digits = count_digits(text);
    if (digits == 0 || (digits > 1 && *text == '0')) {
        return 0;
    }
    text += digits;
    if (*text == '.') {
        digits = count_digits(text + 1);
        if (digits == 0) {
            return 0;
        }
        text += 1 + digits;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        digits = count_digits(text);
        if (digits == 0) {
            return 0;
        }
        text += digits;
    }
    return *text == '\0';
}

static um_filter_type_t type_of(const char *token)
{
    static const struct {
        const char *word;
        um_filter_type_t type;
    } words[] = { { "true", UM_FILTER_TRUE },
                  { "false", UM_FILTER_FALSE },
                  { "null", UM_FILTER_NULL } };

    for (apr_size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (apr_cstr_casecmp(token, words[i].word) == 0) {
            return words[i].type;
        }
    }
    return is_number(token) ? UM_FILTER_NUMBER : UM_FILTER_TOKEN;
}

/* A number that JSON has not, because a double has not, is refused as JSON refuses it. */
static apr_status_t check_number(um_parser_t *parser, const char *number)
{
    um_json_error_t why;
    um_json_t *json;

    return um_json_parse(&json, &why, number, strlen(number), parser->pool) == APR_SUCCESS
               ? APR_SUCCESS
               : refuse(parser, parser->at, "The number is out of range");
}

static apr_status_t read_token(um_filter_value_t *value, um_parser_t *parser)
{
    apr_size_t length = strcspn(parser->at, NOT_OF_TOKENS);

    if (length == 0) {
        return refuse(parser, parser->at, "A value is missing");
    }
    if (*parser->at == '\'') {
        return refuse(parser, parser->at, "A text stands in double quotes");
    }
    value->text = apr_pstrmemdup(parser->pool, parser->at, length);
    value->type = type_of(value->text);
    if (um_text_has_control(value->text)) {
        return refuse(parser, parser->at, "The value has a control character");
    }
    if (value->type == UM_FILTER_NUMBER && check_number(parser, value->text) != APR_SUCCESS) {
        return UM_EINVALID;
    }
    parser->at += length;
    return APR_SUCCESS;
}

static apr_status_t read_value(um_filter_t *term, um_parser_t *parser)
{
    const char *begin = parser->at;
    apr_status_t status = *begin == '"' ? read_text(&term->value, parser)
                                        : read_token(&term->value, parser);

    if (status == APR_SUCCESS && term->value.type == UM_FILTER_NULL
        && term->operation != UM_FILTER_EQ && term->operation != UM_FILTER_NE) {
        status = refuse(parser, begin, "null is compared by eq and ne alone");
    }
    if (status == APR_SUCCESS && *parser->at != '\0'
        && strchr(SPACES ")]", *parser->at) == NULL) {
        status = refuse(parser, parser->at, "The value should end before this");
    }
    return status;
}

/* ---- terms ---- */

static um_filter_t *make_node(um_filter_kind_t kind, um_filter_t *first, apr_pool_t *pool)
{
    um_filter_t *node = apr_pcalloc(pool, sizeof(*node));

    node->kind = kind;
    node->first = first;
    return node;
}

static apr_status_t read_or(um_filter_t **filter, um_parser_t *parser);

/* Read the operator and the value behind a path. */
static apr_status_t read_comparison(um_filter_t *term, um_parser_t *parser)
{
    const char *begin = parser->at;

    skip_spaces(parser);
    if (parser->at == begin) {
        return refuse(parser, begin, "An operator is missing");
    }
    begin = parser->at;
    if (++parser->terms > UM_FILTER_MAX_TERMS) {
        return refuse(parser, begin, "There are more than 64 comparisons");
    }
    if (take_word(parser, "pr")) {
        term->kind = UM_FILTER_PRESENT;
        return APR_SUCCESS;
    }
    term->kind = UM_FILTER_COMPARE;
    for (int i = 0; i < OPERATOR_COUNT; i++) {
        if (take_word(parser, operators[i])) {
            term->operation = (um_filter_operation_t)i;
            begin = parser->at;
            skip_spaces(parser);
            return parser->at > begin ? read_value(term, parser)
                                      : refuse(parser, begin, "A value is missing");
        }
    }
    return refuse(parser, begin, "The operator is none of eq ne co sw ew gt ge lt le pr");
}

/* Read what is in the brackets that come next. */
static apr_status_t read_brackets(um_filter_t **filter, um_parser_t *parser)
{
    apr_status_t status;

    if (parser->in_brackets) {
        return refuse(parser, parser->at, "There must be no brackets in brackets");
    }
    status = open_bracket(parser);
    parser->in_brackets = 1;
    if (status == APR_SUCCESS) {
        status = read_or(filter, parser);
    }
    parser->in_brackets = 0;
    return status == APR_SUCCESS
               ? close_bracket(parser, ']', "and, or, or the bracket ] is missing")
               : status;
}

/* Add a comparison to those that an element has to match. */
static void require_too(um_filter_t *element, um_filter_t *comparison, apr_pool_t *pool)
{
    um_filter_t *last = element->first;

    if (last->kind != UM_FILTER_AND) {
        element->first = make_node(UM_FILTER_AND, last, pool);
    } else {
        for (last = last->first; last->next != NULL;) {
            last = last->next;
        }
    }
    last->next = comparison;
}

/* Read the brackets behind an attribute, and the comparison of a sub-attribute behind them. */
static apr_status_t read_element(um_filter_t *term, um_parser_t *parser)
{
    um_filter_t *comparison;
    apr_status_t status;

    term->kind = UM_FILTER_ELEMENT;
    if (term->path.sub != NULL) {
        return refuse(parser, parser->at, "There are no brackets behind a sub-attribute");
    }
    status = read_brackets(&term->first, parser);
    if (status != APR_SUCCESS || *parser->at != '.') {
        return status;
    }
    comparison = make_node(UM_FILTER_COMPARE, NULL, parser->pool);
    status = read_sub(&comparison->path, parser);
    if (status == APR_SUCCESS) {
        status = read_comparison(comparison, parser);
    }
    if (status == APR_SUCCESS) {
        require_too(term, comparison, parser->pool);
    }
    return status;
}

static apr_status_t read_parentheses(um_filter_t **filter, um_parser_t *parser)
{
    apr_status_t status = open_bracket(parser);

    if (status == APR_SUCCESS) {
        status = read_or(filter, parser);
    }
    return status == APR_SUCCESS
               ? close_bracket(parser, ')', "and, or, or the parenthesis ) is missing")
               : status;
}

/* Tell whether a parenthesis comes next, and go to it. */
static int comes_parenthesis(um_parser_t *parser)
{
    const char *next = parser->at + strspn(parser->at, SPACES);

    if (*next == '(') {
        parser->at = next;
    }
    return *next == '(';
}

static apr_status_t read_term(um_filter_t **filter, um_parser_t *parser)
{
    const char *begin;
    apr_status_t status;

    skip_spaces(parser);
    begin = parser->at;
    if (*begin == '(') {
        return read_parentheses(filter, parser);
    }
    if (take_word(parser, "not") && comes_parenthesis(parser)) {
        *filter = make_node(UM_FILTER_NOT, NULL, parser->pool);
        return read_parentheses(&(*filter)->first, parser);
    }
    parser->at = begin;
    *filter = make_node(UM_FILTER_COMPARE, NULL, parser->pool);
    status = read_path(&(*filter)->path, parser);
    if (status != APR_SUCCESS) {
        return status;
    }
    return *parser->at == '[' ? read_element(*filter, parser) : read_comparison(*filter, parser);
}

/* Read terms that are joined by a word into one node, or into the only one of them. A term of the
 * same kind, in parentheses, brings its own terms, so that such nodes are never in one another.
 */
static apr_status_t read_joined(um_filter_t **filter, um_parser_t *parser, um_filter_kind_t kind,
                                const char *joint,
                                apr_status_t (*read)(um_filter_t **filter, um_parser_t *parser))
{
    um_filter_t *first = NULL;
    um_filter_t **end = &first;
    int count = 0;

    do {
        um_filter_t *term = NULL;
        apr_status_t status = read(&term, parser);

        if (status != APR_SUCCESS) {
            return status;
        }
        *end = term->kind == kind ? term->first : term;
        while (*end != NULL) {
            end = &(*end)->next;
            count++;
        }
    } while (take_joint(parser, joint));
    *filter = count > 1 ? make_node(kind, first, parser->pool) : first;
    return APR_SUCCESS;
}

static apr_status_t read_and(um_filter_t **filter, um_parser_t *parser)
{
    return read_joined(filter, parser, UM_FILTER_AND, "and", read_term);
}

static apr_status_t read_or(um_filter_t **filter, um_parser_t *parser)
{
    return read_joined(filter, parser, UM_FILTER_OR, "or", read_and);
}

/* ---- the whole ---- */

static apr_status_t begin(um_parser_t *parser, um_filter_error_t *error, const char *text,
                          apr_pool_t *pool)
{
    apr_size_t length = strlen(text);

    memset(parser, 0, sizeof(*parser));
    parser->text = text;
    parser->at = text;
    parser->error = error;
    parser->pool = pool;
    if (length > UM_FILTER_MAX) {
        return refuse_with(error, 1, "There are more than 4,096 bytes", pool);
    }
    if (!um_text_is_utf8(text, length)) {
        return refuse_with(error, 1, "The text is not UTF-8", pool);
    }
    skip_spaces(parser);
    return APR_SUCCESS;
}

static apr_status_t finish(um_parser_t *parser, const char *reason)
{
    skip_spaces(parser);
    return *parser->at == '\0' ? APR_SUCCESS : refuse(parser, parser->at, reason);
}

apr_status_t um_filter_parse(um_filter_t **filter, um_filter_error_t *error, const char *text,
                             apr_pool_t *pool)
{
    um_parser_t parser;
    um_filter_t *tree = NULL;
    apr_status_t status = begin(&parser, error, text, pool);

    if (status == APR_SUCCESS) {
        status = read_or(&tree, &parser);
    }
    if (status == APR_SUCCESS) {
        status = finish(&parser, "and or or should stand here");
    }
    if (status == APR_SUCCESS) {
        *filter = tree;
    }
    return status;
}

static apr_status_t read_target(um_filter_target_t *target, um_parser_t *parser)
{
    um_filter_path_t behind;
    um_filter_t *filter = NULL;
    apr_status_t status = read_path(&target->path, parser);

    target->sub = target->path.sub;
    target->filter = NULL;
    if (status != APR_SUCCESS || *parser->at != '[') {
        return status;
    }
    if (target->sub != NULL) {
        return refuse(parser, parser->at, "There are no brackets behind a sub-attribute");
    }
    status = read_brackets(&filter, parser);
    target->filter = filter;
    if (status == APR_SUCCESS && *parser->at == '.') {
        status = read_sub(&behind, parser);
        target->sub = status == APR_SUCCESS ? behind.attribute : NULL;
    }
    return status;
}

apr_status_t um_filter_parse_path(um_filter_target_t *target, um_filter_error_t *error,
                                  const char *text, apr_pool_t *pool)
{
    um_parser_t parser;
    apr_status_t status = begin(&parser, error, text, pool);

    if (status == APR_SUCCESS) {
        status = read_target(target, &parser);
    }
    return status == APR_SUCCESS ? finish(&parser, "The path should end before this") : status;
}
