/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
#ifndef UM_SCIM_MATCH_H
#define UM_SCIM_MATCH_H

/** @file match.h Elements of a multi-valued attribute: which of them match a filter, and which
 *  are the same. */

#include "../base/json.h"
#include "schema.h"

/** Tell whether an element matches a filter, whose paths are sub-attributes. The path "value" of
 *  an element that is no object is the element itself.
 *  @param pool for texts that are compared; clear it afterwards */
int um_scim_match(const um_filter_t *filter, const um_json_t *element,
                  const um_scim_attribute_t *attribute, apr_pool_t *pool);

/** Tell whether two elements stand for the same value: their value is the same, and their type if
 *  both have one (RFC 7643, 2.4); elements that have no such sub-attribute are equal. */
int um_scim_match_same(const um_json_t *a, const um_json_t *b,
                       const um_scim_attribute_t *attribute, apr_pool_t *pool);

#endif
