/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_CORE_RULES_H
#define UM_CORE_RULES_H

/**
 * @file rules.h
 * Checks of the members of a user (docs/api.md, "The user"); address.h has the check of the
 * address. Each returns NULL if the value is good, otherwise what is wrong with it.
 */

#include "../base/violation.h"

#define UM_DISPLAY_NAME_MAX 256
#define UM_PHONE_MIN 3
#define UM_PHONE_MAX 32
#define UM_UID_MAX 128
#define UM_ACTIVITY_MAX 128
#define UM_ORGANIZATION_MAX 255
/* Characters. */
#define UM_PAYMENT_TYPE_MAX 64
#define UM_ATTRIBUTE_NAME_MAX 64
#define UM_ATTRIBUTES_MAX 64
#define UM_ATTRIBUTES_MAX_BYTES 16384
/* Bytes. On MariaDB an audit event has room for a user with the largest of all of these. */
#define UM_USER_NAME_MAX 256
#define UM_EXTERNAL_ID_MAX 512
#define UM_SCIM_MAX_BYTES 8192

/** A name as it is stored: after um_text_trim(). */
const um_violation_t *um_rules_check_display_name(const char *name);

/** A phone number: UM_PHONE_MIN to UM_PHONE_MAX digits, spaces and + - ( ) . with at least one
 *  digit. */
const um_violation_t *um_rules_check_phone(const char *phone);

/** The name of an attribute, or exactly that of a member. A name that is nearly a member's,
 *  and a name like password, are refused. */
const um_violation_t *um_rules_check_attribute_name(const char *name);

/** A user_uid, made by the server or by an import. */
const um_violation_t *um_rules_check_uid(const char *uid);

/** The name of an activity; it is well-formed UTF-8. */
const um_violation_t *um_rules_check_activity(const char *activity);

/** The name of an organization; any bytes. */
const um_violation_t *um_rules_check_organization(const char *name);

/** How an organization pays; any bytes. */
const um_violation_t *um_rules_check_payment_type(const char *payment_type);

#endif
