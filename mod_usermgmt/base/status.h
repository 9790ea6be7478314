/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_STATUS_H
#define UM_BASE_STATUS_H

/**
 * @file status.h
 * The errors that functions of this project return, in addition to APR's. They are
 * apr_status_t values, so all layers use one type.
 */

#include <apr_errno.h>

#define UM_STATUS_FIRST (APR_OS_START_USERERR + 4200)

/** The object asked for does not exist (in the caller's organization). */
#define UM_ENOTFOUND (UM_STATUS_FIRST + 1)
/** The change does not fit what is stored: a unique index has such a row already, or the row to
 *  change is no longer as the statement requires (its version, its state, its claim). */
#define UM_ECONFLICT (UM_STATUS_FIRST + 2)
/** The database can't be reached, or stays busy. Trying again later may help. */
#define UM_EUNAVAILABLE (UM_STATUS_FIRST + 3)
/** A value breaks a rule. The function that returns this also says which value and rule. */
#define UM_EINVALID (UM_STATUS_FIRST + 4)
/** A change is refused, for a reason that its result has; the transaction is rolled back. */
#define UM_EREFUSED (UM_STATUS_FIRST + 5)
/** This module does not work with the version of the database's schema. */
#define UM_ESCHEMA (UM_STATUS_FIRST + 6)
/** The input is larger than a limit. */
#define UM_ETOOLARGE (UM_STATUS_FIRST + 7)
/** Too many such operations run at the moment, or this one takes too long. */
#define UM_EBUSY (UM_STATUS_FIRST + 8)

#endif
