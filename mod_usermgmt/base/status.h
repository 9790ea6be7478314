/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_BASE_STATUS_H
#define UM_BASE_STATUS_H

/**
 * @file status.h
 * The ends a function of this project can come to besides APR's own. They are
 * apr_status_t values, so that one type travels through all layers.
 */

#include <apr_errno.h>

#define UM_STATUS_FIRST (APR_OS_START_USERERR + 4200)

/** The object asked for does not exist (in the caller's organization). */
#define UM_ENOTFOUND (UM_STATUS_FIRST + 1)
/** A uniqueness rule of the schema stands in the way. */
#define UM_ECONFLICT (UM_STATUS_FIRST + 2)
/** The database can't be reached, or stays busy: worth another try later. */
#define UM_EUNAVAILABLE (UM_STATUS_FIRST + 3)
/** A value breaks a rule; what and where is told beside the status. */
#define UM_EINVALID (UM_STATUS_FIRST + 4)
/** The change was refused by the function that was to make it, which has kept
 *  the reason; the transaction is rolled back. */
#define UM_EREFUSED (UM_STATUS_FIRST + 5)
/** The schema of the database is of a version that can't be worked with. */
#define UM_ESCHEMA (UM_STATUS_FIRST + 6)
/** More was given than a limit allows. */
#define UM_ETOOLARGE (UM_STATUS_FIRST + 7)
/** Too much of it is done at the moment, or it takes too long. */
#define UM_EBUSY (UM_STATUS_FIRST + 8)

#endif
