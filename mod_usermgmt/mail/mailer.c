/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file mailer.c Sends the queued mail, see mailer.h. */

#include "mailer.h"

#include <string.h>

#include <apr_strings.h>

#include "../base/buffer.h"
#include "../base/json.h"
#include "../base/log.h"
#include "../base/metrics.h"
#include "../base/uid.h"
#include "../core/store_invitations.h"
#include "../core/store_mail.h"
#include "../core/store_records.h"

/* Mail fetched at a time. */
#define BATCH 32
/* The pause before the outcome of a mail is written again. */
#define WRITE_PAUSE apr_time_from_msec(500)

/* By how much the clocks of servers on one database may differ. */
#define CLOCKS_DIFFER apr_time_from_sec(60)

/* The actor of audit events that no caller caused. */
#define SYSTEM "system"

/* One attempt to send a mail. */
typedef struct um_delivery_t {
    const um_mailer_t *mailer;
    um_store_t *store;
    const um_outgoing_mail_t *mail;
    apr_pool_t *pool;
    /* The mail's own secret, which also marks its claim. */
    char secret[UM_SECRET_LENGTH + 1];
    /* The end of the claim: until then nobody else sends the mail. */
    apr_int64_t claim_end;
    um_invitation_t *invitation;
    /* The invitation has ended, so the mail is dropped. */
    int is_dropped;
    /* It was claimed too late, so no mail server was asked. */
    int is_late;
    um_smtp_reply_t reply;
    /* The time of the reply and of the audit event. */
    apr_time_t replied_at;
    /* Non-zero if the mail is not tried again; otherwise the time of the next try. */
    int is_over;
    apr_int64_t next_attempt_at;
    /* The uid of the audit event, if it is over. It is made once, so that a second write finds
     * the event. */
    char event_uid[UM_UID_LENGTH + 1];
} um_delivery_t;

static apr_time_t now(const um_store_t *store)
{
    const um_host_t *host = um_store_host(store);

    return host->now(host->baton);
}

/* If the first pause is 10 s: 10 s, 30 s, 1 min, 5 min, 15 min, 30 min, then every hour. */
static apr_interval_time_t pause_after(const um_mailer_t *mailer, apr_int64_t attempts)
{
    static const int factors[] = { 1, 3, 6, 30, 90, 180, 360 };
    static const int last = sizeof(factors) / sizeof(factors[0]) - 1;

    return mailer->first_pause * factors[attempts < last ? attempts : last];
}

/* ---- before: claim the mail, and give it a secret of its own ---- */

static apr_interval_time_t claim_time(const um_mailer_t *mailer)
{
    return 3 * mailer->server.timeout;
}

/* The mail is claimed already. If its secret is in the database, this delivery has claimed it,
 * and only the answer to the commit was lost. Then it is claimed again, because others may have
 * come after it, and because an empty commit does not wait for a standby. */
static apr_status_t claim_again(um_delivery_t *delivery, um_db_t *db, apr_pool_t *pool)
{
    apr_status_t status = um_store_invitations_get_by_secret(&delivery->invitation, db,
                                                             delivery->mail->org_id,
                                                             delivery->secret, pool);

    if (status == APR_SUCCESS) {
        return um_store_mail_postpone(db, delivery->mail, delivery->claim_end, pool);
    }
    return status == UM_ENOTFOUND ? UM_ECONFLICT : status;
}

static apr_status_t claim(um_db_t *db, void *baton, apr_pool_t *pool)
{
    um_delivery_t *delivery = baton;
    const um_outgoing_mail_t *mail = delivery->mail;
    apr_time_t at = now(delivery->store);
    apr_int64_t now_ms = apr_time_as_msec(at);
    int is_again;
    apr_status_t status;

    delivery->claim_end = apr_time_as_msec(at + claim_time(delivery->mailer));
    status = um_store_mail_claim(db, mail, delivery->claim_end, pool);
    is_again = status == UM_ECONFLICT;
    if (is_again) {
        status = claim_again(delivery, db, pool);
    } else if (status == APR_SUCCESS) {
        status = um_store_invitations_get(&delivery->invitation, db, mail->org_id,
                                          mail->invite_token, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    delivery->is_dropped = um_invitation_status(delivery->invitation, now_ms)
                           != UM_INVITATION_PENDING;
    if (delivery->is_dropped) {
        return um_store_mail_delete(db, mail, pool);
    }
    return is_again ? APR_SUCCESS
                    : um_store_invitations_add_secret(db, mail->org_id, mail->invite_token,
                                                      delivery->secret, now_ms, pool);
}

/* Is enough of the claim left to send the mail before it expires, also by the clocks of other
 * servers? Not if the database was slow. */
static int is_in_time(const um_delivery_t *delivery)
{
    apr_time_t end = now(delivery->store) + 2 * delivery->mailer->server.timeout;

    return apr_time_as_msec(end) <= delivery->claim_end;
}

/* ---- the mail ---- */

static void write_mail(um_mail_t *mail, const um_delivery_t *delivery)
{
    const um_mailer_t *mailer = delivery->mailer;
    const um_invitation_t *invitation = delivery->invitation;
    um_mail_values_t values = {
        .organization = delivery->mail->organization,
        .inviter = invitation->inviter_display_name != NULL ? invitation->inviter_display_name
                                                            : invitation->inviter_email,
        .inviter_email = invitation->inviter_email,
        .email = invitation->email,
        .accept_token = delivery->secret,
        .expires_at = invitation->expires_at,
    };

    if (invitation->platform_link != NULL) {
        um_invitation_accept_link(&values.accept_link, invitation->platform_link,
                                  delivery->secret, delivery->pool);
    }
    mail->from = mailer->from;
    mail->from_name = mailer->from_name;
    mail->to = invitation->email;
    mail->uid = delivery->mail->uid;
    mail->date = now(delivery->store);
    um_mail_template_render(mail, mailer->template, &values, delivery->pool);
}

static void send_mail(um_delivery_t *delivery)
{
    const um_mailer_t *mailer = delivery->mailer;
    um_mail_t mail = { 0 };

    delivery->is_late = !is_in_time(delivery);
    if (delivery->is_late) {
        delivery->reply.outcome = UM_SMTP_LATER;
        delivery->reply.text = "the database took too long to claim it";
        return;
    }
    write_mail(&mail, delivery);
    um_smtp_send(&delivery->reply, &mailer->server, &mail, mailer->stop, mailer->stop_baton,
                 delivery->pool);
}

/* ---- after: the outcome ---- */

/* The last attempt is made when the time is over. An attempt that was too late, so that the mail
 * server was not asked, is not the last. Nor is one that was interrupted because this process
 * ends: the next process makes it again at once. */
static apr_status_t decide(um_delivery_t *delivery)
{
    const um_mailer_t *mailer = delivery->mailer;
    apr_time_t at = now(delivery->store);
    apr_int64_t now_ms = apr_time_as_msec(at);
    apr_int64_t deadline = delivery->mail->created_at + apr_time_as_msec(mailer->give_up_after);
    apr_int64_t next = now_ms + apr_time_as_msec(pause_after(mailer, delivery->mail->attempts));

    delivery->replied_at = at;
    delivery->next_attempt_at = next < deadline || now_ms >= deadline ? next : deadline;
    delivery->is_over = delivery->reply.outcome != UM_SMTP_LATER
                        || (now_ms >= deadline && !delivery->is_late);
    if (delivery->reply.outcome == UM_SMTP_INTERRUPTED) {
        delivery->next_attempt_at = now_ms;
        delivery->is_over = 0;
    }
    return delivery->is_over
               ? um_uid_make(delivery->event_uid, at, &um_store_host(delivery->store)->random)
               : APR_SUCCESS;
}

static const char *describe(const um_delivery_t *delivery)
{
    um_buffer_t buffer;

    um_buffer_init(&buffer, 256, delivery->pool);
    um_buffer_putc(&buffer, '{');
    um_json_put_member(&buffer, "mail_uid", delivery->mail->uid);
    um_json_put_member(&buffer, "email", delivery->invitation->email);
    um_json_put_member_int(&buffer, "attempts", delivery->mail->attempts + 1);
    um_json_put_member(&buffer, "reply", delivery->reply.text);
    um_buffer_putc(&buffer, '}');
    return buffer.data;
}

static apr_status_t audit(const um_delivery_t *delivery, um_db_t *db, apr_pool_t *pool)
{
    um_audit_event_t event = {
        .at = delivery->replied_at,
        .actor_identity = SYSTEM,
        .actor_role = SYSTEM,
        .remote_addr = "",
        .action = delivery->reply.outcome == UM_SMTP_ACCEPTED ? "mail.sent" : "mail.failed",
        .target = delivery->mail->invite_token,
        .after = describe(delivery),
    };

    return um_store_audit_insert_once(db, delivery->mail->org_id, delivery->event_uid, &event,
                                      pool);
}

static apr_status_t record_outcome(um_db_t *db, void *baton, apr_pool_t *pool)
{
    const um_delivery_t *delivery = baton;
    apr_status_t status;

    if (!delivery->is_over) {
        return um_store_mail_postpone(db, delivery->mail, delivery->next_attempt_at, pool);
    }
    status = um_store_mail_delete(db, delivery->mail, pool);
    return status == APR_SUCCESS ? audit(delivery, db, pool) : status;
}

/* A mail that the SMTP server has accepted must not be sent again, so this tries until it
 * succeeds or the process ends. */
static void keep_recording(um_delivery_t *delivery)
{
    const um_mailer_t *mailer = delivery->mailer;

    while (um_store_change(delivery->store, record_outcome, delivery, delivery->pool)
               == UM_EUNAVAILABLE
           && !mailer->stop(mailer->stop_baton)) {
        apr_sleep(WRITE_PAUSE);
    }
}

static void tell_outcome(const um_delivery_t *delivery)
{
    const um_host_t *host = um_store_host(delivery->store);
    const um_outgoing_mail_t *mail = delivery->mail;
    const char *text = delivery->reply.text;
    int attempt = (int)mail->attempts + 1;

    if (delivery->reply.outcome == UM_SMTP_ACCEPTED) {
        um_metrics_count(UM_COUNTER_MAIL_SENT);
        um_log(host, MAIL_SENT, APR_SUCCESS, mail->uid, mail->invite_token, text);
    } else if (delivery->is_over) {
        um_metrics_count(UM_COUNTER_MAIL_FAILED);
        um_log(host, MAIL_GIVEN_UP, APR_SUCCESS, mail->uid, mail->invite_token, attempt, text);
    } else if (delivery->reply.outcome != UM_SMTP_INTERRUPTED) {
        um_metrics_count(UM_COUNTER_MAIL_LATER);
        um_log(host, MAIL_LATER, APR_SUCCESS, mail->uid, mail->invite_token, attempt, text);
    }
}

/* ---- all due mail ---- */

/* A relay that refuses the sender may only pass on the answer of one recipient's server. If two
 * recipients in a row get it, it is the relay's own. */
static void judge(um_mailer_state_t *state, const um_delivery_t *delivery)
{
    const char *email = delivery->invitation->email;
    const um_smtp_reply_t *reply = &delivery->reply;
    int is_second = state->refused_for[0] != '\0'
                    && strncmp(state->refused_for, email, UM_EMAIL_MAX) != 0;

    state->is_away = reply->is_away || (reply->is_doubtful && is_second);
    if (reply->outcome == UM_SMTP_ACCEPTED) {
        state->refused_for[0] = '\0';
    } else if (reply->is_doubtful && !is_second) {
        apr_cpystrn(state->refused_for, email, sizeof(state->refused_for));
    }
}

/* APR_SUCCESS, also if somebody else has the mail; otherwise why it could not be claimed. */
static apr_status_t deliver(um_mailer_state_t *state, const um_mailer_t *mailer,
                            um_store_t *store, const um_outgoing_mail_t *waiting,
                            apr_pool_t *pool)
{
    um_delivery_t delivery = { .mailer = mailer, .store = store, .mail = waiting, .pool = pool };
    apr_status_t status = um_invitation_make_secret(delivery.secret,
                                                    &um_store_host(store)->random);

    if (status == APR_SUCCESS) {
        status = um_store_change(store, claim, &delivery, pool);
    }
    if (status == UM_ECONFLICT) {
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS || delivery.is_dropped) {
        return status;
    }
    send_mail(&delivery);
    judge(state, &delivery);
    status = decide(&delivery);
    tell_outcome(&delivery);
    if (status == APR_SUCCESS) {
        keep_recording(&delivery);
    }
    return status;
}

/* No pause and no claim lasts until then, by the clock of any server. A mail that is to wait for
 * longer was postponed before the clock was set back, so it is due. */
static apr_time_t latest_from(apr_time_t at, const um_mailer_t *mailer)
{
    apr_interval_time_t pause = pause_after(mailer, APR_INT32_MAX);
    apr_interval_time_t claim = claim_time(mailer);

    return at + (pause > claim ? pause : claim) + CLOCKS_DIFFER;
}

static apr_status_t list_due(apr_array_header_t **mails, const um_mailer_t *mailer,
                             um_store_t *store, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_time_t at = now(store);
    apr_status_t status = um_store_open(&db, store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_mail_list(mails, db, apr_time_as_msec(at),
                                    apr_time_as_msec(latest_from(at, mailer)), BATCH, pool);
        um_db_close(db);
    }
    return status;
}

static apr_status_t run_batch(int *sent, um_mailer_state_t *state, const um_mailer_t *mailer,
                              um_store_t *store, apr_pool_t *pool)
{
    apr_array_header_t *mails = NULL;
    apr_status_t status = list_due(&mails, mailer, store, pool);
    apr_pool_t *scratch;
    int i;

    if (status != APR_SUCCESS) {
        return status;
    }
    apr_pool_create(&scratch, pool);
    for (i = 0; status == APR_SUCCESS && !state->is_away && i < mails->nelts; i++) {
        if (mailer->stop(mailer->stop_baton)) {
            break;
        }
        status = deliver(state, mailer, store, &APR_ARRAY_IDX(mails, i, um_outgoing_mail_t),
                         scratch);
        apr_pool_clear(scratch);
    }
    *sent = i;
    return status;
}

static apr_status_t find_next(um_mailer_state_t *state, um_store_t *store, apr_pool_t *pool)
{
    um_db_t *db = NULL;
    apr_status_t status = um_store_open(&db, store, pool);

    if (status == APR_SUCCESS) {
        status = um_store_mail_get_next(&state->next_attempt_at, &state->pending, db, pool);
        um_db_close(db);
    }
    return status;
}

apr_status_t um_mailer_run(um_mailer_state_t *state, const um_mailer_t *mailer, um_store_t *store,
                           apr_pool_t *pool)
{
    apr_status_t status = APR_SUCCESS;
    int sent = BATCH;
    apr_pool_t *batch;

    state->is_away = 0;
    apr_pool_create(&batch, pool);
    while (status == APR_SUCCESS && sent == BATCH && !state->is_away) {
        status = run_batch(&sent, state, mailer, store, batch);
        apr_pool_clear(batch);
    }
    if (status == APR_SUCCESS) {
        status = find_next(state, store, batch);
    }
    apr_pool_destroy(batch);
    return status;
}
