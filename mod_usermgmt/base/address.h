/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_ADDRESS_H
#define UM_BASE_ADDRESS_H

/**
 * @file address.h
 * Email addresses: which texts are addresses, and which addresses are the same. The only
 * file that uses the library for domain names (libidn2).
 *
 * Two addresses are the same if their keys are equal. All code compares keys only.
 * All texts that functions here take are well-formed UTF-8.
 */

#include <apr_pools.h>

#include "violation.h"

#define UM_EMAIL_MAX 254
#define UM_EMAIL_LOCAL_MAX 64
/* Bytes of a login name; a longer one has no role. An address has at most 254, but a login
 * name may be something else, such as the subject of a certificate. */
#define UM_IDENTITY_MAX 512
/* Bytes of its key, see um_address_identity_key(). */
#define UM_IDENTITY_KEY_MAX (UM_IDENTITY_MAX + 1)
/** Bytes. The local part of a key can be half as long again as that of the address. */
#define UM_ADDRESS_KEY_MAX 352

/**
 * Check one address: a mailbox of RFC 5321 with the UTF-8 of RFC 6531, without
 * the quoted form of the local part and without address literals.
 * @return NULL if it is one, otherwise what is wrong with it
 */
const um_violation_t *um_address_check(const char *address, apr_pool_t *pool);

/**
 * The key of an address: the local part by um_text_fold_simply(), an @, and the
 * domain in the ASCII form of DNS, in lower case.
 * @return the key in pool, or NULL if um_address_check() finds something wrong
 */
const char *um_address_key(const char *address, apr_pool_t *pool);

/** The key of a login name. If the name is an address, it is the key of the address.
 *  Otherwise it is the name in lower case (ASCII only), marked so that it is the key of
 *  no address. */
const char *um_address_identity_key(const char *identity, apr_pool_t *pool);

/** The beginning of the keys of all addresses that begin with a text. Any text is allowed.
 *  Labels of the domain that are not ASCII count as complete. */
const char *um_address_key_prefix(const char *text, apr_pool_t *pool);

/** The address for a mail server: its domain in the ASCII form of DNS. NULL if
 *  um_address_check() finds something wrong. */
const char *um_address_for_mail(const char *address, apr_pool_t *pool);

#endif
