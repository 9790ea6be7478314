/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_API_KEY_H
#define UM_CORE_API_KEY_H

/**
 * @file api_key.h
 * API keys: their text, their status at a time, and the networks that they are for.
 *
 * The text of a key is umk_, 12 characters of id, 32 of secret and 6 of checksum, all of
 * [0-9A-Za-z]. The id is public; ids sort by bytes in the order of their time. The secret has
 * 190 random bits, so a fast digest of it is enough. The checksum is the CRC-32 of all before:
 * it tells a mistyped or made-up key without a database, and protects nothing.
 */

#include <apr_network_io.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "../base/digest.h"
#include "../base/random.h"
#include "../base/violation.h"

#define UM_API_KEY_PREFIX "umk_"
#define UM_API_KEY_ID_LENGTH 12
#define UM_API_KEY_SECRET_LENGTH 32
/** Of the whole text. */
#define UM_API_KEY_LENGTH 54

/* ---- the text ---- */

/** The text of a key, and its parts. */
typedef struct um_api_key_text_t {
    char text[UM_API_KEY_LENGTH + 1];
    char id[UM_API_KEY_ID_LENGTH + 1];
    /** The digest of its secret, as it is stored. */
    char secret_sha256[UM_SHA256_HEX_LENGTH + 1];
} um_api_key_text_t;

/**
 * Make the id of a new key.
 * @param id filled with UM_API_KEY_ID_LENGTH characters and a NUL
 * @param now the time of creation, in microseconds since 1970
 * @return APR_SUCCESS, or the error of the source of random bytes
 */
apr_status_t um_api_key_make_id(char id[UM_API_KEY_ID_LENGTH + 1], apr_time_t now,
                                const um_random_t *random);

/**
 * Make a key with that id and a new secret.
 * @return APR_SUCCESS, or the error of the source of random bytes or of the digest
 */
apr_status_t um_api_key_make(um_api_key_text_t *key, const char *id, const um_random_t *random);

/**
 * Read a key that somebody sent.
 * @return APR_SUCCESS; UM_EINVALID if it does not have the form or the checksum of a key; or the
 *         error of the digest
 */
apr_status_t um_api_key_parse(um_api_key_text_t *key, const char *text);

/** Tell whether a text has the form of a key's id. */
int um_api_key_is_id(const char *text);

/* ---- a stored key ---- */

typedef enum um_api_key_status_t {
    UM_API_KEY_ACTIVE,
    /** Two secrets hold. */
    UM_API_KEY_ROTATING,
    UM_API_KEY_EXPIRED,
    UM_API_KEY_REVOKED
} um_api_key_status_t;

/** A key as it is stored. Times are milliseconds since 1970. */
typedef struct um_api_key_t {
    const char *id;
    const char *name;
    /** Non-zero: it may do what an admin may, and permissions are not used. */
    int is_admin;
    /** The names of its permissions, with blanks between. */
    const char *permissions;
    /** Networks that it may be used from, with blanks between; NULL for any. */
    const char *allow_from;
    apr_int64_t created_at;
    /** The identity of its creator. */
    const char *created_by;
    /** 0: it never expires, is not revoked, has no old secret, was not used. */
    apr_int64_t expires_at;
    apr_int64_t revoked_at;
    apr_int64_t old_until;
    apr_int64_t last_used_at;
    /** NULL if it was not used. */
    const char *last_used_addr;

    /* These are NULL or 0 in rows of a list. */
    const char *secret_sha256;
    /** NULL if there is none. */
    const char *old_secret_sha256;
    apr_int64_t org_id;
    /** The name of its organization. */
    const char *organization;
} um_api_key_t;

/** The status of a key at a time. */
um_api_key_status_t um_api_key_status(const um_api_key_t *key, apr_int64_t now);

/** "active", "rotating", "expired" or "revoked". */
const char *um_api_key_status_name(um_api_key_status_t status);

/** Tell whether a key is one that holds at a time, and the digest that of a secret of it that
 *  holds. The digests are compared in a time that does not depend on them. */
int um_api_key_accepts(const um_api_key_t *key, const char *secret_sha256, apr_int64_t now);

/* ---- networks ---- */

/** Networks of a key, at most; and bytes of all with the blanks between. */
#define UM_API_KEY_NETWORKS_MAX 32
#define UM_API_KEY_NETWORKS_MAX_BYTES 2048

/** Check a network: an IPv4 or IPv6 address, or one with a slash and the bits of its prefix, at
 *  least one. NULL if it is good. */
const um_violation_t *um_api_key_check_network(const char *text, apr_pool_t *pool);

/** The networks of a text with blanks between, of apr_ipsubnet_t *, in pool. NULL for a NULL
 *  text, which stands for any. A network that can't be read is left out, so that a text of such
 *  networks alone allows nothing. */
apr_array_header_t *um_api_key_networks(const char *allow_from, apr_pool_t *pool);

/** Tell whether an address is in one of the networks of um_api_key_networks(). */
int um_api_key_is_allowed_from(const apr_array_header_t *networks, apr_sockaddr_t *address);

/* ---- other members ---- */

/** Characters of a name, at most. */
#define UM_API_KEY_NAME_MAX 128

/** Check a name, after um_text_trim(). NULL if it is good. */
const um_violation_t *um_api_key_check_name(const char *name);

#endif
