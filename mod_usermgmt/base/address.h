/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_ADDRESS_H
#define UM_BASE_ADDRESS_H

/**
 * @file address.h
 * Email addresses: which texts are one, and which of them are the same. The only
 * file that uses the library for domain names (libidn2).
 *
 * Whether two addresses are the same is decided by their keys alone, everywhere.
 * All texts given in are well-formed UTF-8.
 */

#include <apr_pools.h>

#include "violation.h"

#define UM_EMAIL_MAX 254
#define UM_EMAIL_LOCAL_MAX 64
/* Bytes; what is longer names nobody. An address has at most 254, but a login
 * may be something else, such as the subject of a certificate. */
#define UM_IDENTITY_MAX 512
/* Bytes of its key, see um_address_identity_key(). */
#define UM_IDENTITY_KEY_MAX (UM_IDENTITY_MAX + 1)
/** Bytes. The local part of a key may have half as many again as the address's. */
#define UM_ADDRESS_KEY_MAX 352

/**
 * Check one address: a mailbox of RFC 5321 with the UTF-8 of RFC 6531, without
 * the quoted form of the local part and without address literals.
 * @return NULL where it is one, else what is wrong with it
 */
const um_violation_t *um_address_check(const char *address, apr_pool_t *pool);

/**
 * The key of an address: the local part by um_text_fold_simply(), an @, and the
 * domain as DNS has it, in small letters.
 * @return the key in pool, or NULL where um_address_check() finds something wrong
 */
const char *um_address_key(const char *address, apr_pool_t *pool);

/** The key of who is known by a text: that of the address, where it is one, else a
 *  text that is the key of no address, in which ASCII case is ignored. */
const char *um_address_identity_key(const char *identity, apr_pool_t *pool);

/** What the keys of addresses that begin with a text begin with. Labels of the domain
 *  that are not ASCII are taken as complete. Any text will do. */
const char *um_address_key_prefix(const char *text, apr_pool_t *pool);

/** The address as a mail server is told it: with its domain as DNS has it, in ASCII.
 *  NULL where um_address_check() finds something wrong. */
const char *um_address_for_mail(const char *address, apr_pool_t *pool);

#endif
