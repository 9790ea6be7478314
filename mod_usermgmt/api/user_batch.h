/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_API_USER_BATCH_H
#define UM_API_USER_BATCH_H

/**
 * @file user_batch.h
 * Many users in one request. All of it is one change, in one transaction: either all that its
 * answer tells is in the database, or nothing is. A user that can't be made or changed is told in
 * the answer, and stops no other.
 */

#include "../rest/router.h"

/** The largest number of users in a request. */
#define UM_USER_BATCH_MAX 500
/** The largest number of bytes of a request; UserMgmtMaxBody applies as well. */
#define UM_USER_BATCH_BODY_MAX 4194304

/** POST users/batch. */
um_handler_t um_user_batch;

#endif
