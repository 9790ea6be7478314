/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file state.c What the module keeps with a request, see state.h. */

#include "state.h"

#include <http_config.h>

#include "module.h"

um_state_t *um_state(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &usermgmt_module);
}

um_state_t *um_state_make(request_rec *r)
{
    um_state_t *state = um_state(r);

    if (state == NULL) {
        state = apr_pcalloc(r->pool, sizeof(*state));
        ap_set_module_config(r->request_config, &usermgmt_module, state);
    }
    return state;
}
