/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file console.c The web console, see console.h. */

#include "console.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "../base/json.h"
#include "../base/metrics.h"
#include "../rest/negotiate.h"
#include "../rest/request.h"
#include "config.h"
#include "etags.h"
#include "handler.h"
#include "plain_answer.h"
#include "trace.h"

/* The segment below the base. */
#define FOLDER "/console"

/* All views are this page, which finds the view in its address. Only the links to the modules of
 * the view differ, which stand in the place of MODULES. */
#define PAGE "index.html"
#define MODULES "<!-- modules -->\n"
#define START "console.js"

/* The view without a name. */
#define FIRST_VIEW "overview"

/* The file that is made from the directives. */
#define SITE "site.js"

/* The texts, of which there is a file for each language. */
#define WORDS "words.js"

/* The browser must not run or load anything from elsewhere, nor make script out of text, even
 * if a view had a fault that let somebody's text become markup. The one policy of Trusted Types
 * makes the address of import-worker.js, and nothing else; worker.js takes its name when the page
 * starts, and no name is given twice. */
#define POLICY                                                                                   \
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "               \
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "            \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types import-worker"

/* The part of a path after {base}/console, which begins with a slash or is empty; NULL if the
 * path is another one. */
static const char *path_below(const char *uri, const char *base)
{
    apr_size_t length = strlen(base);

    if (strncmp(uri, base, length) != 0 || strncmp(uri + length, FOLDER, strlen(FOLDER)) != 0) {
        return NULL;
    }
    uri += length + strlen(FOLDER);
    return uri[0] == '/' || uri[0] == '\0' ? uri : NULL;
}

static const um_console_file_t *find_file(const char *name)
{
    for (const um_console_file_t *file = um_console_files; file->name != NULL; file++) {
        if (strcmp(file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

/* The title, the logo and the colour, as a module of JavaScript. */
static const um_console_file_t *make_site(const um_config_directory_t *config, apr_pool_t *pool)
{
    um_console_file_t *file = apr_palloc(pool, sizeof(*file));
    um_buffer_t buffer;

    um_buffer_init(&buffer, 256, pool);
    um_buffer_puts(&buffer, "export const site = {");
    um_json_put_member(&buffer, "title",
                       config->console_title != NULL ? config->console_title : "User management");
    um_json_put_member(&buffer, "logo", config->console_logo != NULL ? config->console_logo : "");
    um_json_put_member(&buffer, "color",
                       config->console_color != NULL ? config->console_color : "#3b5bdb");
    um_buffer_puts(&buffer, "};\n");
    file->name = SITE;
    file->text = buffer.data;
    file->length = buffer.length;
    return file;
}

static const um_console_file_t *make_page(const um_console_file_t *view, apr_pool_t *pool)
{
    const um_console_file_t *page = find_file(PAGE);
    const char *place = strstr(page->text, MODULES);
    um_console_file_t *file = apr_palloc(pool, sizeof(*file));

    file->name = PAGE;
    file->text = apr_pstrcat(pool,
                             apr_pstrmemdup(pool, page->text, (apr_size_t)(place - page->text)),
                             find_file(START)->modules, view->modules, place + strlen(MODULES),
                             NULL);
    file->length = strlen(file->text);
    return file;
}

/* The file of the language that the browser asks for. */
static const um_console_file_t *choose_words(request_rec *r)
{
    static const char *const languages[] = { "en", "de", NULL };
    const char *accepted = apr_table_get(r->headers_in, "Accept-Language");

    apr_table_mergen(r->headers_out, "Vary", "Accept-Language");
    return find_file(apr_pstrcat(r->pool, "words-", um_negotiate_language(accepted, languages),
                                 ".js", NULL));
}

/* A view is there if its module is. */
static const um_console_file_t *find_view(const char *name, apr_pool_t *pool)
{
    return find_file(apr_pstrcat(pool, "view-", name[0] != '\0' ? name : FIRST_VIEW, ".js",
                                 NULL));
}

static const um_console_file_t *find(request_rec *r, const char *name)
{
    const um_console_file_t *view;

    if (strcmp(name, SITE) == 0) {
        return make_site(um_config_directory(r), r->pool);
    }
    if (strcmp(name, WORDS) == 0) {
        return choose_words(r);
    }
    view = find_view(name, r->pool);
    return view != NULL ? make_page(view, r->pool) : find_file(name);
}

static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (strcmp(dot, ".js") == 0) {
        return "text/javascript; charset=utf-8";
    }
    if (strcmp(dot, ".css") == 0) {
        return "text/css; charset=utf-8";
    }
    return strcmp(dot, ".svg") == 0 ? "image/svg+xml" : "text/html; charset=utf-8";
}

static void set_headers(request_rec *r, const char *etag)
{
    apr_table_setn(r->headers_out, "ETag", etag);
    apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Content-Security-Policy", POLICY);
    apr_table_setn(r->headers_out, "Referrer-Policy", "no-referrer");
    apr_table_setn(r->headers_out, "Cross-Origin-Opener-Policy", "same-origin");
}

static int send_file(request_rec *r, const um_console_file_t *file)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, alloc);
    const char *none_match = apr_table_get(r->headers_in, "If-None-Match");
    const char *etag = um_answer_etag(file->text, r->pool);
    const char *matched = none_match != NULL
                              ? um_negotiate_matched_etag(none_match, etag, r->pool)
                              : NULL;

    set_headers(r, etag);
    if (matched != NULL) {
        r->status = HTTP_NOT_MODIFIED;
        if (strcmp(matched, etag) != 0) {
            um_etags_keep(r, matched);
        }
    } else {
        r->status = HTTP_OK;
        ap_set_content_type(r, type_of(file->name));
        ap_set_content_length(r, (apr_off_t)file->length);
        /* The file with the site's own values is in the request's pool. */
        APR_BRIGADE_INSERT_TAIL(brigade,
                                apr_bucket_pool_create(file->text, file->length, r->pool, alloc));
    }
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(alloc));
    ap_pass_brigade(r->output_filters, brigade);
    return OK;
}

static int answer(request_rec *r, const um_console_file_t *file)
{
    um_trace_t trace;

    if (!um_plain_answer_allows(r)) {
        return HTTP_METHOD_NOT_ALLOWED;
    }
    if (apr_table_get(r->headers_in, "Content-Length") != NULL
        || apr_table_get(r->headers_in, "Transfer-Encoding") != NULL) {
        /* Otherwise httpd would wait for the body, which nobody reads. */
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    um_trace_begin(&trace, r);
    apr_table_setn(r->notes, "usermgmt-action", "console");
    apr_table_setn(r->notes, "usermgmt-outcome", "ok");
    send_file(r, file);
    um_metrics_count_request("console", r->status, NULL, um_handler_age(r));
    return OK;
}

int um_console_handle(request_rec *r)
{
    const um_config_directory_t *config = um_config_directory(r);
    const um_console_file_t *file;
    const char *path;

    if (strcmp(r->handler, UM_HANDLER) != 0 || um_config_base(r) == NULL
        || config->console != 1) {
        return DECLINED;
    }
    path = path_below(r->uri, config->base);
    if (path == NULL) {
        return DECLINED;
    }
    if (path[0] == '\0') {
        /* Relative, so that it holds behind a proxy with another path. */
        apr_table_setn(r->headers_out, "Location", "console/");
        return HTTP_MOVED_TEMPORARILY;
    }
    /* The API answers 404 to all other paths. */
    file = find(r, path + 1);
    return file != NULL ? answer(r, file) : DECLINED;
}
