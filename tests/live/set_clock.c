/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/* Preloaded, it sets the clock of httpd's processes back by an hour once the file
 * SIGNAL is there. Waits for a condition end when they should. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

#define HOUR 3600

static time_t set_back(void)
{
    return access(SIGNAL, F_OK) == 0 ? HOUR : 0;
}

/* The clock of apr_time_now(). */
int gettimeofday(struct timeval *now, void *zone)
{
    int (*real)(struct timeval *,
                void *) = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(now, zone);

    now->tv_sec -= set_back();
    return result;
}

typedef int timedwait_t(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *end)
{
    /* On x86-64, the version without a name is that of an older kind of condition. */
    void *real = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    struct timespec set = *end;

    if (real == NULL) {
        real = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    }
    set.tv_sec += set_back();
    return ((timedwait_t *)real)(condition, mutex, &set);
}
