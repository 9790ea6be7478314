/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file api_key.c API keys, see api_key.h. */

#include "api_key.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/network.h"
#include "../base/status.h"
#include "../base/text.h"

#define BASE 62
#define PREFIX_LENGTH (sizeof(UM_API_KEY_PREFIX) - 1)
#define CHECKSUM_LENGTH 6
#define CHECKED_LENGTH (UM_API_KEY_LENGTH - CHECKSUM_LENGTH)

/* An id is a number of 71 bits: 45 of milliseconds since 1970, 10 of microseconds in that
 * millisecond, then random ones. */
#define MS_BITS 45
#define US_BITS 10
#define CHANCE_BITS 16
#define CHANCE_RANGE (APR_UINT64_C(1) << CHANCE_BITS)

/* Of a random byte, only values below this are used, so that each character is as likely. */
#define FAIR_BYTES (256 / BASE * BASE)
/* Random bytes that are asked for at once. */
#define RANDOM_BYTES 64

/* In ASCII order, so that ids sort as their numbers do. */
static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* ---- the text ---- */

static apr_uint32_t crc32_of(const char *bytes, apr_size_t length)
{
    /* Of each four bits. */
    static const apr_uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    apr_uint32_t crc = 0xffffffff;

    for (apr_size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void put_checksum(char checksum[CHECKSUM_LENGTH], const char *text)
{
    apr_uint32_t crc = crc32_of(text, CHECKED_LENGTH);

    for (int i = CHECKSUM_LENGTH; i-- > 0;) {
        checksum[i] = alphabet[crc % BASE];
        crc /= BASE;
    }
}

static int is_base62(const char *text, apr_size_t length)
{
    return strspn(text, alphabet) == length && text[length] == '\0';
}

int um_api_key_is_id(const char *text)
{
    return is_base62(text, UM_API_KEY_ID_LENGTH);
}

/* Divides a number of two limbs, the lower one with CHANCE_BITS bits, by the base. */
static void put_id(char *id, apr_uint64_t time, apr_uint64_t chance)
{
    for (int i = UM_API_KEY_ID_LENGTH; i-- > 0;) {
        apr_uint64_t low = time % BASE << CHANCE_BITS | chance;

        time /= BASE;
        chance = low / BASE;
        id[i] = alphabet[low % BASE];
    }
    id[UM_API_KEY_ID_LENGTH] = '\0';
}

apr_status_t um_api_key_make_id(char id[UM_API_KEY_ID_LENGTH + 1], apr_time_t now,
                                const um_random_t *random)
{
    static const apr_time_t end = (APR_INT64_C(1) << MS_BITS) * 1000;
    apr_uint64_t us = (apr_uint64_t)(now < 0 ? 0 : now < end ? now : end - 1);
    apr_uint32_t chance;
    unsigned char bytes[sizeof(chance)];
    apr_status_t status = random->fill(bytes, sizeof(bytes), random->baton);

    if (status != APR_SUCCESS) {
        return status;
    }
    memcpy(&chance, bytes, sizeof(chance));
    put_id(id, us / 1000 << US_BITS | us % 1000, chance % CHANCE_RANGE);
    return APR_SUCCESS;
}

/* Fill in length random characters. */
static apr_status_t put_secret(char *secret, apr_size_t length, const um_random_t *random)
{
    apr_size_t done = 0;

    while (done < length) {
        unsigned char bytes[RANDOM_BYTES];
        apr_status_t status = random->fill(bytes, sizeof(bytes), random->baton);

        if (status != APR_SUCCESS) {
            return status;
        }
        for (int i = 0; done < length && i < RANDOM_BYTES; i++) {
            if (bytes[i] < FAIR_BYTES) {
                secret[done++] = alphabet[bytes[i] % BASE];
            }
        }
    }
    return APR_SUCCESS;
}

static apr_status_t digest(um_api_key_text_t *key)
{
    const um_digest_part_t part = { key->text + PREFIX_LENGTH + UM_API_KEY_ID_LENGTH,
                                    UM_API_KEY_SECRET_LENGTH };

    return um_digest_sha256(key->secret_sha256, &part, 1);
}

apr_status_t um_api_key_make(um_api_key_text_t *key, const char *id, const um_random_t *random)
{
    char *at = key->text;
    apr_status_t status;

    memcpy(at, UM_API_KEY_PREFIX, PREFIX_LENGTH);
    memcpy(at + PREFIX_LENGTH, id, UM_API_KEY_ID_LENGTH);
    status = put_secret(at + PREFIX_LENGTH + UM_API_KEY_ID_LENGTH, UM_API_KEY_SECRET_LENGTH,
                        random);
    if (status != APR_SUCCESS) {
        return status;
    }
    put_checksum(at + CHECKED_LENGTH, at);
    at[UM_API_KEY_LENGTH] = '\0';
    apr_cpystrn(key->id, id, sizeof(key->id));
    return digest(key);
}

apr_status_t um_api_key_parse(um_api_key_text_t *key, const char *text)
{
    char checksum[CHECKSUM_LENGTH];

    if (strncmp(text, UM_API_KEY_PREFIX, PREFIX_LENGTH) != 0
        || !is_base62(text + PREFIX_LENGTH, UM_API_KEY_LENGTH - PREFIX_LENGTH)) {
        return UM_EINVALID;
    }
    put_checksum(checksum, text);
    if (memcmp(checksum, text + CHECKED_LENGTH, CHECKSUM_LENGTH) != 0) {
        return UM_EINVALID;
    }
    apr_cpystrn(key->text, text, sizeof(key->text));
    apr_cpystrn(key->id, text + PREFIX_LENGTH, sizeof(key->id));
    return digest(key);
}

/* ---- a stored key ---- */

um_api_key_status_t um_api_key_status(const um_api_key_t *key, apr_int64_t now)
{
    if (key->revoked_at != 0) {
        return UM_API_KEY_REVOKED;
    }
    if (key->expires_at != 0 && key->expires_at <= now) {
        return UM_API_KEY_EXPIRED;
    }
    return key->old_until > now ? UM_API_KEY_ROTATING : UM_API_KEY_ACTIVE;
}

const char *um_api_key_status_name(um_api_key_status_t status)
{
    static const char *const names[] = {
        [UM_API_KEY_ACTIVE] = "active",
        [UM_API_KEY_ROTATING] = "rotating",
        [UM_API_KEY_EXPIRED] = "expired",
        [UM_API_KEY_REVOKED] = "revoked",
    };

    return names[status];
}

int um_api_key_accepts(const um_api_key_t *key, const char *secret_sha256, apr_int64_t now)
{
    um_api_key_status_t status = um_api_key_status(key, now);
    int is_current = um_digest_equal(key->secret_sha256, secret_sha256);
    int is_old = key->old_secret_sha256 != NULL
                 && um_digest_equal(key->old_secret_sha256, secret_sha256);

    return (status == UM_API_KEY_ACTIVE && is_current)
           || (status == UM_API_KEY_ROTATING && (is_current || is_old));
}

/* ---- networks ---- */

/* The network of a text; NULL if it is none. APR also takes incomplete addresses, and masks with
 * dots. */
static apr_ipsubnet_t *read_network(const char *text, apr_pool_t *pool)
{
    const char *slash = strchr(text, '/');
    const char *bits = slash != NULL ? slash + 1 : NULL;
    const char *host = slash != NULL ? apr_pstrmemdup(pool, text, (apr_size_t)(slash - text))
                                     : text;
    apr_ipsubnet_t *network = NULL;

    if (!um_network_is_ipv4(host) && !um_network_is_ipv6(host)) {
        return NULL;
    }
    if (bits != NULL
        && (*bits == '\0' || strlen(bits) > 3 || strspn(bits, "0123456789") != strlen(bits))) {
        return NULL;
    }
    return apr_ipsubnet_create(&network, host, bits, pool) == APR_SUCCESS ? network : NULL;
}

const um_violation_t *um_api_key_check_network(const char *text, apr_pool_t *pool)
{
    static const um_violation_t invalid = { "invalid_value",
                                            "A network is an IPv4 or IPv6 address, which may "
                                            "have a slash and the bits of its prefix, "
                                            "1 to 32 or 128: 192.0.2.0/24." };

    return read_network(text, pool) != NULL ? NULL : &invalid;
}

apr_array_header_t *um_api_key_networks(const char *allow_from, apr_pool_t *pool)
{
    apr_array_header_t *networks;
    char *rest = apr_pstrdup(pool, allow_from);
    char *state = NULL;

    if (allow_from == NULL) {
        return NULL;
    }
    networks = apr_array_make(pool, 2, sizeof(apr_ipsubnet_t *));
    for (const char *text = apr_strtok(rest, " ", &state); text != NULL;
         text = apr_strtok(NULL, " ", &state)) {
        apr_ipsubnet_t *network = read_network(text, pool);

        if (network != NULL) {
            APR_ARRAY_PUSH(networks, apr_ipsubnet_t *) = network;
        }
    }
    return networks;
}

int um_api_key_is_allowed_from(const apr_array_header_t *networks, apr_sockaddr_t *address)
{
    if (networks == NULL) {
        return 1;
    }
    for (int i = 0; i < networks->nelts; i++) {
        if (apr_ipsubnet_test(APR_ARRAY_IDX(networks, i, apr_ipsubnet_t *), address)) {
            return 1;
        }
    }
    return 0;
}

/* ---- other members ---- */

const um_violation_t *um_api_key_check_name(const char *name)
{
    static const um_violation_t required = { "required",
                                             "It must have a character that can be seen." };
    static const um_violation_t too_long = { "too_long", "A name has at most 128 characters." };
    static const um_violation_t control = { "control_character",
                                            "A name must have no control characters." };

    if (um_text_count(name) > UM_API_KEY_NAME_MAX) {
        return &too_long;
    }
    if (um_text_has_control(name)) {
        return &control;
    }
    return um_text_shows_nothing(name) ? &required : NULL;
}
