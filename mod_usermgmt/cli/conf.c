/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file conf.c The database of an httpd.conf, see conf.h. */

#include "conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_fnmatch.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "../base/text.h"
#include "../db/params.h"

#define LINE_MAX_BYTES 8192
/* How deep files may include other files. */
#define DEPTH_MAX 16

/* Where a directive has a value that is different from the one before. */
typedef struct um_place_t {
    const char *file;
    int line;
    /* For UserMgmtDatabase its driver (its value has the parameters); else NULL. */
    const char *driver;
    const char *value;
    /* The first undefined variable in it; NULL for none. */
    const char *undefined;
} um_place_t;

/* A directive and its values. */
typedef struct um_found_t {
    const char *name;
    /* Of um_place_t. */
    apr_array_header_t *places;
} um_found_t;

typedef struct um_conf_t {
    apr_pool_t *pool;
    /* UserMgmtDatabase; and mod_dbd's directives, which count if there is none. */
    um_found_t database;
    um_found_t driver;
    um_found_t params;
    const char *server_root;
    /* Of Define. */
    apr_table_t *variables;
    /* The current line: where it is, and the first undefined variable in it. */
    const char *file;
    int line;
    const char *undefined;
    /* Inside of <Macro>. */
    int is_macro;
    int depth;
    const char *wrong;
    /* If no database is found: where it may be. */
    const char *hint;
} um_conf_t;

static void read_name(um_conf_t *conf, const char *name, int must_exist);

/* One argument as httpd reads it: quoted by " or ', or up to white space. */
static const char *take_word(const char **line, apr_pool_t *pool)
{
    const char *from = *line;
    char *word = apr_palloc(pool, strlen(from) + 1);
    char *to = word;
    char quote;

    while (apr_isspace(*from)) {
        from++;
    }
    quote = *from == '"' || *from == '\'' ? *from++ : '\0';
    while (*from != '\0' && (quote != '\0' ? *from != quote : !apr_isspace(*from))) {
        if (quote != '\0' && *from == '\\' && (from[1] == '\\' || from[1] == quote)) {
            from++;
        }
        *to++ = *from++;
    }
    *to = '\0';
    *line = *from == quote && quote != '\0' ? from + 1 : from;
    return word;
}

/* Replace each ${NAME} by its value from Define or the environment. Undefined ones stay. */
static const char *substitute(um_conf_t *conf, const char *line)
{
    const char *text = "";
    const char *start;
    const char *end;

    conf->undefined = NULL;
    while ((start = strstr(line, "${")) != NULL && (end = strchr(start, '}')) != NULL) {
        const char *name = apr_pstrmemdup(conf->pool, start + 2, (apr_size_t)(end - start) - 2);
        const char *value = apr_table_get(conf->variables, name);

        if (value == NULL) {
            value = getenv(name);
        }
        if (value == NULL) {
            value = apr_pstrmemdup(conf->pool, start, (apr_size_t)(end - start) + 1);
            conf->undefined = conf->undefined != NULL ? conf->undefined : value;
        }
        text = apr_pstrcat(conf->pool, text,
                           apr_pstrmemdup(conf->pool, line, (apr_size_t)(start - line)), value,
                           NULL);
        line = end + 1;
    }
    return apr_pstrcat(conf->pool, text, line, NULL);
}

static const um_place_t *last_place(const um_found_t *found)
{
    return &APR_ARRAY_IDX(found->places, found->places->nelts - 1, um_place_t);
}

static void note(um_found_t *found, const um_conf_t *conf, const char *driver, const char *value)
{
    um_place_t place = { conf->file, conf->line, driver, value, conf->undefined };
    const um_place_t *last = found->places->nelts > 0 ? last_place(found) : NULL;

    if (last == NULL || strcmp(last->value, value) != 0
        || (driver != NULL && strcmp(last->driver, driver) != 0)) {
        APR_ARRAY_PUSH(found->places, um_place_t) = place;
    }
}

/* "FILE:LINE: NAME uses ${VARIABLE}, which ...". */
static const char *tell_undefined(const char *file, int line, const char *name,
                                  const char *undefined, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "%s:%d: %s uses %s, which is defined neither by a Define above it nor in"
                        " the environment (on Debian, first run \". /etc/apache2/envvars\")",
                        file, line, name, undefined);
}

static void hint(um_conf_t *conf, const char *text)
{
    conf->hint = conf->hint != NULL ? conf->hint : text;
}

static void include(um_conf_t *conf, const char *directive, const char *name, int must_exist)
{
    const char *wrong;

    if (conf->undefined == NULL) {
        read_name(conf, name, must_exist);
        return;
    }
    wrong = tell_undefined(conf->file, conf->line, directive, conf->undefined, conf->pool);
    if (must_exist) {
        conf->wrong = wrong;
    } else {
        hint(conf, wrong);
    }
}

static void take_directive(um_conf_t *conf, const char *name, const char *value, const char *rest)
{
    if (apr_cstr_casecmp(name, "UserMgmtDatabase") == 0) {
        note(&conf->database, conf, value, take_word(&rest, conf->pool));
    } else if (apr_cstr_casecmp(name, "DBDriver") == 0) {
        note(&conf->driver, conf, NULL, value);
    } else if (apr_cstr_casecmp(name, "DBDParams") == 0) {
        note(&conf->params, conf, NULL, value);
    } else if (apr_cstr_casecmp(name, "ServerRoot") == 0) {
        conf->server_root = value;
    } else if (apr_cstr_casecmp(name, "Define") == 0) {
        apr_table_set(conf->variables, value, take_word(&rest, conf->pool));
    } else if (apr_cstr_casecmp(name, "Include") == 0) {
        include(conf, name, value, 1);
    } else if (apr_cstr_casecmp(name, "IncludeOptional") == 0) {
        include(conf, name, value, 0);
    } else if (apr_cstr_casecmp(name, "Use") == 0) {
        hint(conf, apr_psprintf(conf->pool,
                                "%s:%d: Use %s is not expanded; if the macro names the database,"
                                " give --driver and --params",
                                conf->file, conf->line, value));
    }
}

static void take_line(um_conf_t *conf, const char *line, const char *file, int number)
{
    const char *rest = substitute(conf, line);
    const char *name = take_word(&rest, conf->pool);
    const char *value = take_word(&rest, conf->pool);

    conf->file = file;
    conf->line = number;
    if (apr_cstr_casecmp(name, "<Macro") == 0 || apr_cstr_casecmp(name, "</Macro>") == 0) {
        conf->is_macro = name[1] != '/';
    } else if (*name != '#' && *value != '\0' && !conf->is_macro) {
        take_directive(conf, name, value, rest);
    }
}

static void read_lines(um_conf_t *conf, apr_file_t *file, const char *path)
{
    char piece[LINE_MAX_BYTES];
    const char *line = "";
    int number = 0;

    while (conf->wrong == NULL && apr_file_gets(piece, sizeof(piece), file) == APR_SUCCESS) {
        apr_size_t length = strlen(piece);

        number++;
        while (length > 0 && (piece[length - 1] == '\n' || piece[length - 1] == '\r')) {
            piece[--length] = '\0';
        }
        if (length > 0 && piece[length - 1] == '\\') {
            piece[length - 1] = '\0';
            line = apr_pstrcat(conf->pool, line, piece, NULL);
            continue;
        }
        take_line(conf, apr_pstrcat(conf->pool, line, piece, NULL), path, number);
        line = "";
    }
}

static void read_path(um_conf_t *conf, const char *path);

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in a folder that match, sorted, because httpd reads them in this order. */
static apr_array_header_t *list_folder(um_conf_t *conf, const char *folder, const char *pattern)
{
    apr_array_header_t *names = apr_array_make(conf->pool, 16, sizeof(const char *));
    apr_dir_t *dir = NULL;
    apr_finfo_t info;
    apr_status_t status = apr_dir_open(&dir, folder, conf->pool);

    if (status != APR_SUCCESS) {
        conf->wrong = apr_psprintf(conf->pool, "%s can't be read: %pm", folder, &status);
        return names;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (strcmp(info.name, ".") != 0 && strcmp(info.name, "..") != 0
            && apr_fnmatch(pattern, info.name, APR_FNM_PERIOD) == APR_SUCCESS) {
            APR_ARRAY_PUSH(names, const char *) = apr_pstrcat(conf->pool, folder, "/", info.name,
                                                              NULL);
        }
    }
    apr_dir_close(dir);
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), compare_names);
    return names;
}

static void read_folder(um_conf_t *conf, const char *folder, const char *pattern)
{
    const apr_array_header_t *names = list_folder(conf, folder, pattern);

    for (int i = 0; conf->wrong == NULL && i < names->nelts; i++) {
        read_path(conf, APR_ARRAY_IDX(names, i, const char *));
    }
}

static void read_path(um_conf_t *conf, const char *path)
{
    apr_file_t *file = NULL;
    apr_finfo_t info;
    apr_status_t status;

    if (conf->depth == DEPTH_MAX) {
        conf->wrong = apr_psprintf(conf->pool, "%s is included too deeply", path);
        return;
    }
    conf->depth++;
    status = apr_stat(&info, path, APR_FINFO_TYPE, conf->pool);
    if (status == APR_SUCCESS && info.filetype == APR_DIR) {
        read_folder(conf, path, "*");
    } else if (status == APR_SUCCESS && (info.filetype == APR_CHR || info.filetype == APR_BLK)) {
        conf->wrong = apr_psprintf(conf->pool, "%s is a device", path);
    } else if ((status = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BUFFERED,
                                       APR_FPROT_OS_DEFAULT, conf->pool))
               == APR_SUCCESS) {
        read_lines(conf, file, path);
        apr_file_close(file);
    } else {
        conf->wrong = apr_psprintf(conf->pool, "%s can't be read: %pm", path, &status);
    }
    conf->depth--;
}

static int is_there(const um_conf_t *conf, const char *path, int as_folder)
{
    apr_finfo_t info;

    return apr_stat(&info, path, APR_FINFO_TYPE, conf->pool) == APR_SUCCESS
           && (!as_folder || info.filetype == APR_DIR);
}

/* Read the files below a folder that match a pattern; any part of it may have wildcards. */
static void read_pattern(um_conf_t *conf, const char *folder, const char *pattern, int must_exist)
{
    const char *slash = strchr(pattern, '/');
    const char *part = slash != NULL
                           ? apr_pstrmemdup(conf->pool, pattern, (apr_size_t)(slash - pattern))
                           : pattern;
    const char *path = apr_pstrcat(conf->pool, folder, "/", part, NULL);
    const apr_array_header_t *names;

    if (slash != NULL && !apr_fnmatch_test(part)) {
        read_pattern(conf, *part != '\0' ? path : folder, slash + 1, must_exist);
    } else if (!apr_fnmatch_test(part)) {
        if (must_exist || is_there(conf, path, 0)) {
            read_path(conf, path);
        }
    } else if (must_exist || is_there(conf, folder, 1)) {
        names = list_folder(conf, folder, part);
        for (int i = 0; conf->wrong == NULL && i < names->nelts; i++) {
            const char *name = APR_ARRAY_IDX(names, i, const char *);

            if (slash == NULL) {
                read_path(conf, name);
            } else if (is_there(conf, name, 1)) {
                read_pattern(conf, name, slash + 1, 0);
            }
        }
    }
}

/* The name of an Include: a file, a folder, or a pattern. */
static void read_name(um_conf_t *conf, const char *name, int must_exist)
{
    if (name[0] == '/') {
        read_pattern(conf, "", name + 1, must_exist);
    } else {
        read_pattern(conf, conf->server_root, name, must_exist);
    }
}

/* A text as one line that is safe for a terminal. */
static const char *safe(const char *text, apr_pool_t *pool)
{
    um_buffer_t line;

    um_buffer_init(&line, strlen(text) + 64, pool);
    um_text_escape(&line, text, strlen(text), 0);
    return line.data;
}

/* "FILE:LINE: NAME VALUE" of each value, a line each. Passwords are hidden, also if it is not
 * known which driver they belong to. */
static const char *tell_places(const um_found_t *found, const char *driver, int is_params,
                               apr_pool_t *pool)
{
    um_buffer_t text;

    um_buffer_init(&text, 256, pool);
    for (int i = 0; i < found->places->nelts; i++) {
        const um_place_t *place = &APR_ARRAY_IDX(found->places, i, um_place_t);
        const char *of = place->driver != NULL ? place->driver : driver;
        const char *line = apr_psprintf(pool, "%s:%d: %s %s%s%s", place->file, place->line,
                                        found->name, place->driver != NULL ? of : "",
                                        place->driver != NULL ? " " : "",
                                        is_params ? um_params_mask(of, place->value, pool)
                                                  : place->value);

        um_buffer_puts(&text, "\n  ");
        um_buffer_puts(&text, safe(line, pool));
    }
    return text.data;
}

static const char *tell_several(const um_conf_t *conf, const char *file, apr_pool_t *pool)
{
    const char *driver = conf->driver.places->nelts == 1 ? last_place(&conf->driver)->value
                                                         : NULL;
    um_buffer_t text;

    um_buffer_init(&text, 256, pool);
    um_buffer_puts(&text, safe(file, pool));
    um_buffer_puts(&text, " has several databases; choose one with --driver and --params:");
    um_buffer_puts(&text, tell_places(&conf->database, NULL, 1, pool));
    if (conf->database.places->nelts == 0) {
        um_buffer_puts(&text, tell_places(&conf->driver, NULL, 0, pool));
        um_buffer_puts(&text, tell_places(&conf->params, driver, 1, pool));
    }
    return text.data;
}

/* NULL, or what is wrong with the value that was found. */
static const char *check_place(const um_found_t *found, apr_pool_t *pool)
{
    const um_place_t *place = last_place(found);

    return place->undefined == NULL ? NULL
                                    : safe(tell_undefined(place->file, place->line, found->name,
                                                          place->undefined, pool),
                                           pool);
}

static const char *tell_none(const um_conf_t *conf, const char *file, apr_pool_t *pool)
{
    const char *text = apr_psprintf(pool,
                                    "%s and the files that it includes name no database: no"
                                    " UserMgmtDatabase, and not both DBDriver and DBDParams%s%s",
                                    file, conf->hint != NULL ? "; " : "",
                                    conf->hint != NULL ? conf->hint : "");

    return safe(text, pool);
}

/* The one database; NULL, or what is wrong. */
static const char *take_database(const char **driver, const char **params, const um_conf_t *conf,
                                 apr_pool_t *pool)
{
    const char *wrong;

    if (conf->database.places->nelts > 0) {
        *driver = last_place(&conf->database)->driver;
        *params = last_place(&conf->database)->value;
        return check_place(&conf->database, pool);
    }
    *driver = last_place(&conf->driver)->value;
    *params = last_place(&conf->params)->value;
    wrong = check_place(&conf->driver, pool);
    return wrong != NULL ? wrong : check_place(&conf->params, pool);
}

um_exit_t um_conf_read(const char **driver, const char **params, const char **wrong,
                       const char *file, apr_pool_t *pool)
{
    um_conf_t conf = { .pool = pool,
                       .database = { "UserMgmtDatabase",
                                     apr_array_make(pool, 2, sizeof(um_place_t)) },
                       .driver = { "DBDriver", apr_array_make(pool, 2, sizeof(um_place_t)) },
                       .params = { "DBDParams", apr_array_make(pool, 2, sizeof(um_place_t)) },
                       .server_root = UM_HTTPD_ROOT,
                       .variables = apr_table_make(pool, 8) };

    read_path(&conf, file);
    if (conf.wrong != NULL) {
        *wrong = safe(conf.wrong, pool);
    } else if (conf.database.places->nelts == 0
               && (conf.driver.places->nelts == 0 || conf.params.places->nelts == 0)) {
        *wrong = tell_none(&conf, file, pool);
    } else if (conf.database.places->nelts > 1
               || (conf.database.places->nelts == 0
                   && (conf.driver.places->nelts > 1 || conf.params.places->nelts > 1))) {
        *wrong = tell_several(&conf, file, pool);
        return UM_EXIT_USAGE;
    } else {
        *wrong = take_database(driver, params, &conf, pool);
    }
    return *wrong == NULL ? UM_EXIT_OK : UM_EXIT_REFUSED;
}
