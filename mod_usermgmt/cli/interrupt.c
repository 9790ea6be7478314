/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file interrupt.c Signals that end a command, see interrupt.h. */

#include "interrupt.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#include <apr_portable.h>

/* A signal may wake another thread than the one that waits, so the waiting thread checks. */
#define LOOK_EVERY_MS 200

static volatile sig_atomic_t came;

static void note(int signal)
{
    (void)signal;
    came = 1;
}

void um_interrupt_watch(void)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action;
    struct sigaction earlier;

    memset(&action, 0, sizeof(action));
    action.sa_handler = note;
    action.sa_flags = (int)(SA_RESETHAND | SA_RESTART);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        /* A signal that is ignored, for instance under nohup, stays ignored. */
        if (sigaction(signals[i], NULL, &earlier) == 0 && earlier.sa_handler != SIG_IGN) {
            sigaction(signals[i], &action, NULL);
        }
    }
}

int um_interrupt_came(void)
{
    return came;
}

apr_status_t um_interrupt_wait(apr_file_t *file)
{
    struct pollfd wanted = { .events = POLLIN };
    apr_status_t status = apr_os_file_get(&wanted.fd, file);
    int ready = 0;

    while (status == APR_SUCCESS && ready <= 0 && !came) {
        ready = poll(&wanted, 1, LOOK_EVERY_MS);
    }
    return status == APR_SUCCESS && came ? APR_EINTR : status;
}
