/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file mail_template.c The text of an invitation's mail, see mail_template.h. */

#include "mail_template.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "../base/buffer.h"
#include "../base/instant.h"
#include "../base/text.h"

typedef enum um_value_t {
    VALUE_ORGANIZATION,
    VALUE_INVITER,
    VALUE_INVITER_EMAIL,
    VALUE_EMAIL,
    VALUE_ACCEPT_LINK,
    VALUE_ACCEPT_TOKEN,
    VALUE_EXPIRES_AT,
    VALUE_COUNT,
    NO_VALUE = VALUE_COUNT
} um_value_t;

static const char *const value_names[VALUE_COUNT] = {
    [VALUE_ORGANIZATION] = "organization",   [VALUE_INVITER] = "inviter",
    [VALUE_INVITER_EMAIL] = "inviter_email", [VALUE_EMAIL] = "email",
    [VALUE_ACCEPT_LINK] = "accept_link",     [VALUE_ACCEPT_TOKEN] = "accept_token",
    [VALUE_EXPIRES_AT] = "expires_at",
};

typedef enum um_part_t {
    PART_SUBJECT,
    PART_TEXT,
    PART_HTML,
    PART_COUNT,
    NO_PART = PART_COUNT
} um_part_t;

static const char *const part_names[PART_COUNT] = { "subject", "text", "html" };

/* A literal text, or a value. If it has a condition, it is left out when the value of the
 * condition is empty, or, with unless, when that value is not empty. */
typedef struct um_piece_t {
    const char *literal;
    um_value_t value;
    um_value_t condition;
    int unless;
} um_piece_t;

struct um_mail_template_t {
    /* Of um_piece_t. */
    apr_array_header_t *parts[PART_COUNT];
};

/* ---- reading ---- */

typedef struct um_parse_t {
    apr_array_header_t *pieces;
    apr_pool_t *pool;
    int line;
    /* The current condition, and where it began. */
    um_value_t condition;
    int unless;
    int condition_line;
    const char *error;
} um_parse_t;

static const char *fault(const um_parse_t *parse, int line, const char *what, const char *name)
{
    return apr_psprintf(parse->pool, "line %d: %s%s%s", line, what, name[0] != '\0' ? " " : "",
                        name);
}

static void push(um_parse_t *parse, const char *literal, um_value_t value)
{
    um_piece_t piece = { literal, value, parse->condition, parse->unless };

    APR_ARRAY_PUSH(parse->pieces, um_piece_t) = piece;
}

/* The text up to end, with the line ends of mail. */
static void push_literal(um_parse_t *parse, const char *text, const char *end)
{
    um_buffer_t buffer;

    if (text == end) {
        return;
    }
    um_buffer_init(&buffer, (apr_size_t)(end - text) + 64, parse->pool);
    for (; text < end; text++) {
        if (*text == '\n') {
            um_buffer_puts(&buffer, "\r\n");
            parse->line++;
        } else if (*text != '\r') {
            um_buffer_putc(&buffer, *text);
        }
    }
    push(parse, buffer.data, NO_VALUE);
}

static um_value_t find_value(const char *name)
{
    int value = 0;

    while (value < VALUE_COUNT && strcmp(value_names[value], name) != 0) {
        value++;
    }
    return (um_value_t)value;
}

static void begin_condition(um_parse_t *parse, const char *name)
{
    um_value_t value = find_value(name);

    if (parse->condition != NO_VALUE) {
        parse->error = fault(parse, parse->line, "${if} inside another ${if}", "");
    } else if (value == NO_VALUE) {
        parse->error = fault(parse, parse->line, "unknown placeholder", name);
    }
    parse->condition = value;
    parse->unless = 0;
    parse->condition_line = parse->line;
}

static void take_placeholder(um_parse_t *parse, const char *name)
{
    int is_else = strcmp(name, "else") == 0;
    um_value_t value = find_value(name);

    if (strncmp(name, "if ", 3) == 0) {
        begin_condition(parse, name + 3);
    } else if (is_else || strcmp(name, "end") == 0) {
        if (parse->condition == NO_VALUE || (is_else && parse->unless)) {
            parse->error = fault(parse, parse->line, "there is no ${if} before", name);
        }
        parse->unless = is_else;
        parse->condition = is_else ? parse->condition : NO_VALUE;
    } else if (value == NO_VALUE) {
        parse->error = fault(parse, parse->line, "unknown placeholder", name);
    } else {
        push(parse, NULL, value);
    }
}

/* A line that has only ${if …}, ${else} or ${end} is removed with its line end. Returns where
 * to continue. */
static const char *skip_line_end(const char *start, const char *opened, const char *behind,
                                 um_parse_t *parse)
{
    const char *name = opened + 2;
    int is_block = strncmp(name, "if ", 3) == 0 || strncmp(name, "else}", 5) == 0
                   || strncmp(name, "end}", 4) == 0;

    if (is_block && (opened == start || opened[-1] == '\n') && *behind == '\n') {
        parse->line++;
        return behind + 1;
    }
    return behind;
}

static void parse_pieces(um_parse_t *parse, const char *text)
{
    const char *start = text;

    while (parse->error == NULL) {
        const char *opened = strstr(text, "${");
        const char *closed;

        if (opened == NULL) {
            push_literal(parse, text, text + strlen(text));
            break;
        }
        if (opened > text && opened[-1] == '$') {
            push_literal(parse, text, opened - 1);
            push_literal(parse, opened, opened + 2);
            text = opened + 2;
            continue;
        }
        push_literal(parse, text, opened);
        closed = opened + 2 + strcspn(opened + 2, "}$\n");
        if (*closed != '}') {
            parse->error = fault(parse, parse->line, "a placeholder without }", "");
            break;
        }
        take_placeholder(parse, apr_pstrmemdup(parse->pool, opened + 2,
                                               (apr_size_t)(closed - opened) - 2));
        text = skip_line_end(start, opened, closed + 1, parse);
    }
    if (parse->error == NULL && parse->condition != NO_VALUE) {
        parse->error = fault(parse, parse->condition_line, "${if} without ${end}", "");
    }
}

static int has_value(const apr_array_header_t *pieces, um_value_t value)
{
    for (int i = 0; i < pieces->nelts; i++) {
        if (APR_ARRAY_IDX(pieces, i, um_piece_t).value == value) {
            return 1;
        }
    }
    return 0;
}

/* Further checks of a part; line is its first line. */
static void check_part(um_parse_t *parse, um_part_t part, const char *text, int line)
{
    if (text[0] == '\0') {
        parse->error = fault(parse, line, "there is no text in", part_names[part]);
    } else if (part == PART_SUBJECT && strchr(text, '\n') != NULL) {
        parse->error = fault(parse, line, "the subject has more than one line", "");
    } else if (part != PART_SUBJECT && !has_value(parse->pieces, VALUE_ACCEPT_TOKEN)) {
        parse->error = fault(parse, line, "${accept_token} is missing in", part_names[part]);
    }
}

/* Parse the text of one part, whose first line is line. Returns NULL or what is wrong. */
static const char *parse_part(apr_array_header_t **pieces, um_part_t part, char *text, int line,
                              apr_pool_t *pool)
{
    um_parse_t parse = {
        apr_array_make(pool, 16, sizeof(um_piece_t)), pool, line, NO_VALUE, 0, 0, NULL
    };
    apr_size_t length = strlen(text);

    for (; *text == '\n'; text++, length--) {
        parse.line++;
    }
    while (length > 0 && text[length - 1] == '\n') {
        text[--length] = '\0';
    }
    line = parse.line;
    parse_pieces(&parse, text);
    if (parse.error == NULL) {
        check_part(&parse, part, text, line);
    }
    if (part != PART_SUBJECT) {
        parse.condition = NO_VALUE;
        push(&parse, "\r\n", NO_VALUE);
    }
    *pieces = parse.pieces;
    return parse.error;
}

/* The part that a line begins: "[text]" begins the text. */
static um_part_t find_part(const char *line)
{
    apr_size_t length = strlen(line);

    for (int part = 0; part < PART_COUNT; part++) {
        if (length == strlen(part_names[part]) + 2 && line[0] == '[' && line[length - 1] == ']'
            && strncmp(line + 1, part_names[part], length - 2) == 0) {
            return (um_part_t)part;
        }
    }
    return NO_PART;
}

/* The lines of each part, and the number of the line after its name. */
typedef struct um_sections_t {
    um_buffer_t texts[PART_COUNT];
    int lines[PART_COUNT];
} um_sections_t;

/* Returns NULL or what is wrong. */
static const char *split(um_sections_t *sections, char *text, apr_pool_t *pool)
{
    um_part_t part = NO_PART;
    int number = 0;

    while (*text != '\0') {
        char *line = text;
        char *end = line + strcspn(line, "\n");
        um_part_t next;

        text = *end == '\n' ? end + 1 : end;
        *end = '\0';
        number++;
        if (end > line && end[-1] == '\r') {
            end[-1] = '\0';
        }
        next = find_part(line);
        if (next != NO_PART && sections->lines[next] != 0) {
            return apr_psprintf(pool, "line %d: %s comes twice", number, line);
        }
        if (next != NO_PART) {
            part = next;
            sections->lines[part] = number + 1;
        } else if (part != NO_PART) {
            um_buffer_puts(&sections->texts[part], line);
            um_buffer_putc(&sections->texts[part], '\n');
        } else if (line[0] != '#' && line[0] != '\0') {
            return apr_psprintf(pool,
                                "line %d: before [subject], [text] or [html] only empty lines "
                                "and lines that begin with # are allowed",
                                number);
        }
    }
    return NULL;
}

const char *um_mail_template_parse(um_mail_template_t **template, const char *text,
                                   apr_pool_t *pool)
{
    um_mail_template_t *made = apr_pcalloc(pool, sizeof(*made));
    um_sections_t sections = { 0 };
    const char *error;

    if (!um_text_is_utf8(text, strlen(text))) {
        return "it is not UTF-8";
    }
    for (int part = 0; part < PART_COUNT; part++) {
        um_buffer_init(&sections.texts[part], 256, pool);
    }
    error = split(&sections, apr_pstrdup(pool, text), pool);
    for (int part = 0; error == NULL && part < PART_COUNT; part++) {
        if (sections.lines[part] == 0) {
            error = apr_psprintf(pool, "[%s] is missing", part_names[part]);
        } else {
            error = parse_part(&made->parts[part], (um_part_t)part, sections.texts[part].data,
                               sections.lines[part], pool);
        }
    }
    if (error == NULL) {
        *template = made;
    }
    return error;
}

/* ---- writing ---- */

static void put_html(um_buffer_t *buffer, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '&':
            um_buffer_puts(buffer, "&amp;");
            break;
        case '<':
            um_buffer_puts(buffer, "&lt;");
            break;
        case '>':
            um_buffer_puts(buffer, "&gt;");
            break;
        case '"':
            um_buffer_puts(buffer, "&quot;");
            break;
        case '\'':
            um_buffer_puts(buffer, "&#39;");
            break;
        default:
            um_buffer_putc(buffer, *text);
        }
    }
}

static const char *render_part(const apr_array_header_t *pieces, int is_html,
                               const char *const values[VALUE_COUNT], apr_pool_t *pool)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 1024, pool);
    for (int i = 0; i < pieces->nelts; i++) {
        const um_piece_t *piece = &APR_ARRAY_IDX(pieces, i, um_piece_t);

        if (piece->condition != NO_VALUE
            && (values[piece->condition][0] == '\0') != (piece->unless != 0)) {
            continue;
        }
        if (piece->literal != NULL) {
            um_buffer_puts(&buffer, piece->literal);
        } else if (is_html) {
            put_html(&buffer, values[piece->value]);
        } else {
            um_buffer_puts(&buffer, values[piece->value]);
        }
    }
    return buffer.data;
}

/* "2024-12-02 19:17 UTC" */
static const char *readable_time(apr_int64_t ms, apr_pool_t *pool)
{
    char text[UM_INSTANT_LENGTH + 1];

    um_instant_format(text, ms);
    return apr_psprintf(pool, "%.10s %.5s UTC", text, text + 11);
}

void um_mail_template_render(um_mail_t *mail, const um_mail_template_t *template,
                             const um_mail_values_t *values, apr_pool_t *pool)
{
    const char *texts[VALUE_COUNT] = {
        [VALUE_ORGANIZATION] = values->organization,
        [VALUE_INVITER] = values->inviter,
        [VALUE_INVITER_EMAIL] = values->inviter_email,
        [VALUE_EMAIL] = values->email,
        [VALUE_ACCEPT_LINK] = values->accept_link != NULL ? values->accept_link : "",
        [VALUE_ACCEPT_TOKEN] = values->accept_token,
        [VALUE_EXPIRES_AT] = readable_time(values->expires_at, pool),
    };

    for (int value = 0; value < VALUE_COUNT; value++) {
        texts[value] = um_text_one_line(texts[value], pool);
    }
    mail->subject = render_part(template->parts[PART_SUBJECT], 0, texts, pool);
    mail->text = render_part(template->parts[PART_TEXT], 0, texts, pool);
    mail->html = render_part(template->parts[PART_HTML], 1, texts, pool);
}
