/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file fuzz_headers.c The headers that choose or guard a representation. */

#include "../../mod_usermgmt/rest/negotiate.h"

#include <apr_strings.h>

#include "fuzz.h"

static apr_pool_t *parent;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    parent = fuzz_start();
    return 0;
}

static void check_accept(const char *text)
{
    um_media_t both = um_negotiate_accept(text, 1);
    um_media_t json = um_negotiate_accept(text, 0);

    REQUIRE(json == UM_MEDIA_NONE || json == UM_MEDIA_JSON);
    REQUIRE(both != UM_MEDIA_NONE || json == UM_MEDIA_NONE);
    REQUIRE(both != UM_MEDIA_JSON || json == UM_MEDIA_JSON);
}

/* What matches strongly matches weakly, in a longer list as well, and nothing
 * matches what does not exist. */
static void check_tags(const char *text, apr_pool_t *pool)
{
    static const char etag[] = "\"1-193902fd1d3-u\"";
    int strong = um_negotiate_etag_matches(text, etag, 0);
    int weak = um_negotiate_etag_matches(text, etag, 1);

    REQUIRE(!strong || weak);
    REQUIRE(!um_negotiate_etag_matches(text, NULL, 1));
    if (strong && strchr(text, '*') == NULL) {
        REQUIRE(um_negotiate_etag_matches(apr_pstrcat(pool, "\"\", ", text, NULL), etag, 0));
    }
}

static void check_origin(const char *text, apr_pool_t *pool)
{
    static const char own[] = "https://example.com";
    int from_here = um_negotiate_origin_allowed(text, "same-origin", own, NULL, pool);

    REQUIRE(!um_negotiate_origin_allowed(text, "cross-site", own, NULL, pool));
    REQUIRE(from_here == um_negotiate_origin_allowed(text, NULL, own, NULL, pool));
    REQUIRE(!from_here || strlen(text) == strlen(own) || strlen(text) == strlen(own) + 4);
}

static void check_api_key(const char *text)
{
    const char *key = um_negotiate_api_key(text);

    REQUIRE(key == NULL || (key > text && strncmp(key, "umk_", 4) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    apr_pool_t *pool = NULL;

    if (text != NULL) {
        apr_pool_create(&pool, parent);
        check_accept(text);
        um_negotiate_is_type(text, UM_JSON);
        check_tags(text, pool);
        check_origin(text, pool);
        check_api_key(text);
        apr_pool_destroy(pool);
        free(text);
    }
    return 0;
}
