/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_PERSON_H
#define UM_CORE_PERSON_H

/**
 * @file person.h
 * What identifies one person in stored data: uids, addresses and login names. And how it is taken
 * out of the JSON of audit events. Asks no database.
 */

#include <apr_pools.h>
#include <apr_tables.h>

/** What stands in the place of an object of JSON that was about an erased person. */
#define UM_ERASED_JSON "{\"erased\":true}"

/** The action of the event that tells of it. */
#define UM_ERASE_ACTION "users.erase"

typedef struct um_person_t {
    apr_pool_t *pool;
    /** Of const char *: user_uids. */
    apr_array_header_t *uids;
    /** Of const char *: keys of addresses and login names, see um_address_identity_key(). */
    apr_array_header_t *keys;
    /** Of const char *: addresses as texts, to find them inside of others. */
    apr_array_header_t *addresses;
} um_person_t;

/** Make a person of whom nothing is known. */
void um_person_init(um_person_t *person, apr_pool_t *pool);

/** Add a user_uid. */
void um_person_add_uid(um_person_t *person, const char *uid);

/** Add an address, in any spelling; a text that is none is ignored. */
void um_person_add_address(um_person_t *person, const char *address);

/** Add the key of a login name, or of an address. */
void um_person_add_key(um_person_t *person, const char *key);

/** Is it a user_uid of the person? NULL is none. */
int um_person_has_uid(const um_person_t *person, const char *uid);

/** Is it the key of an address, or of a login name, of the person? NULL is none. */
int um_person_has_key(const um_person_t *person, const char *key);

/** The same for a login name or an address in any spelling; pool is for the call. */
int um_person_has_identity(const um_person_t *person, const char *identity, apr_pool_t *pool);

/** Is an address of the person in a text (in another spelling of ASCII letters, too), or a uid as
 *  a part of a path or between quotes? A longer address or uid that only ends or begins in the
 *  same way is another one. A uid that is shorter than those that the module makes counts only
 *  as a member user_uid, and in a path behind users/ or sub-admins/. */
int um_person_is_in(const um_person_t *person, const char *text);

/**
 * Take the person out of a JSON text. An object that is about the person becomes UM_ERASED_JSON;
 * another text or name with the person in it becomes `erased`.
 * @param json may be NULL
 * @return the new text, in pool; json itself if nobody is in it
 */
const char *um_person_erase(const um_person_t *person, const char *json, const char *erased,
                            apr_pool_t *pool);

#endif
