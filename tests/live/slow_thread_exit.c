/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/* Preloaded, it makes a thread that ends take its time just before libcrypto
 * gives back what it keeps for it: until the process that exits has done so. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static __thread int is_ending;

void pthread_exit(void *result)
{
    void (*real)(void *) = (void (*)(void *))dlsym(RTLD_NEXT, "pthread_exit");

    is_ending = 1;
    real(result);
    __builtin_unreachable();
}

int pthread_once(pthread_once_t *control, void (*routine)(void))
{
    int (*real)(pthread_once_t *,
                void (*)(void)) = (int (*)(pthread_once_t *,
                                           void (*)(void)))dlsym(RTLD_NEXT, "pthread_once");
    Dl_info caller;

    if (is_ending && dladdr(__builtin_return_address(0), &caller) != 0
        && strstr(caller.dli_fname, "libcrypto") != NULL) {
        is_ending = 0;
        usleep(100 * 1000);
    }
    return real(control, routine);
}

/* The process stays until such threads have ended. */
void OPENSSL_cleanup(void)
{
    void (*real)(void) = (void (*)(void))dlsym(RTLD_NEXT, "OPENSSL_cleanup");

    real();
    usleep(200 * 1000);
}
