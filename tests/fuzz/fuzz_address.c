/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file fuzz_address.c A text to an address, its key, and what a mail server is told. */

#include <ctype.h>

#include "../../mod_usermgmt/base/address.h"
#include "../../mod_usermgmt/base/text.h"
#include "fuzz.h"

static apr_pool_t *parent;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    parent = fuzz_start();
    return 0;
}

/* A host name of DNS in small letters. */
static void check_domain(const char *domain)
{
    REQUIRE(strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(domain));
    REQUIRE(domain[0] != '.' && domain[strlen(domain) - 1] != '.');
    REQUIRE(strstr(domain, "..") == NULL && strlen(domain) <= 253);
}

static void check_key(const char *address, const char *key, apr_pool_t *pool)
{
    const char *at = strrchr(key, '@');

    REQUIRE(um_text_is_utf8(key, strlen(key)) && strlen(key) <= UM_ADDRESS_KEY_MAX);
    REQUIRE(at != NULL && um_text_find_hidden(key) == 0);
    check_domain(at + 1);
    REQUIRE(at - key > UM_EMAIL_LOCAL_MAX || strcmp(um_address_key(key, pool), key) == 0);
    REQUIRE(strcmp(um_address_identity_key(address, pool), key) == 0);
    REQUIRE(strncmp(um_address_key_prefix(address, pool), key, (size_t)(at - key)) == 0);
}

/* One word for the dialogue with a mail server, that is the same address. */
static void check_mail(const char *address, const char *key, apr_pool_t *pool)
{
    const char *mailbox = um_address_for_mail(address, pool);

    REQUIRE(mailbox != NULL && strlen(mailbox) <= UM_EMAIL_MAX);
    for (const char *c = mailbox; *c != '\0'; c++) {
        REQUIRE(!isspace((unsigned char)*c) && strchr("<>\x7f", *c) == NULL);
        REQUIRE(c < strrchr(mailbox, '@') || (unsigned char)*c < 0x80);
    }
    REQUIRE(strcmp(um_address_key(mailbox, pool), key) == 0);
}

static void check_address(const char *address, apr_pool_t *pool)
{
    const um_violation_t *violation = um_address_check(address, pool);
    const char *key = um_address_key(address, pool);

    REQUIRE((violation == NULL) == (key != NULL));
    if (key != NULL) {
        check_key(address, key, pool);
        check_mail(address, key, pool);
        return;
    }
    REQUIRE(violation->code[0] != '\0' && violation->detail[0] != '\0');
    REQUIRE(um_address_for_mail(address, pool) == NULL);
    REQUIRE(um_address_identity_key(address, pool)[0] == ':');
    REQUIRE(um_address_key_prefix(address, pool) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *address = fuzz_text(data, size);
    apr_pool_t *pool = NULL;

    if (address != NULL && um_text_is_utf8(address, size)) {
        apr_pool_create(&pool, parent);
        check_address(address, pool);
        apr_pool_destroy(pool);
    }
    free(address);
    return 0;
}
