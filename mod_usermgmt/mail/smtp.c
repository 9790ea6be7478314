/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file smtp.c Mail by libcurl, see smtp.h. */

#include "smtp.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_escape.h>
#include <apr_strings.h>
#include <curl/curl.h>

#include "../base/address.h"
#include "../base/text.h"
#include "../base/ticks.h"
#include "helo.h"
#include "smtp_answer.h"

/* How long a server that has the mail may take to answer once sending is to stop. It is less
 * than the time after which httpd kills its children. */
#define STOP_PATIENCE apr_time_from_sec(4)
/* How long a server may take to greet and to say what it offers. */
#define CONNECT_TIME_MAX apr_time_from_sec(30)
/* How long it may take to answer QUIT. The answer does not matter. */
#define QUIT_SECONDS 2L

/* The answer to DATA. */
#define GO_AHEAD 354

/* How far the dialogue has come: the last command sent; PHASE_DATA once the server waits for
 * the mail itself. */
typedef enum um_phase_t {
    PHASE_CONNECT,
    PHASE_HELLO,
    PHASE_AUTH,
    PHASE_MAIL,
    PHASE_RCPT,
    PHASE_DATA
} um_phase_t;

typedef struct um_dialogue_t {
    CURL *curl;
    struct curl_slist *recipients;
    struct curl_slist *headers;
    um_phase_t phase;
    int left;
    /* The name in EHLO; NULL until it is known. */
    const char *helo;
    /* It is the address that this machine is expected to have towards the server; 0 where the
     * configuration gives it, or the connection's own address is known. */
    int is_expected;
    /* The connection's own address, where it is another than the expected one. */
    const char *other_helo;
    /* The IP version of that connection, as libcurl has it. */
    long other_version;
    /* The server's answer to the last command. */
    um_smtp_answer_t answer;
    char error[CURL_ERROR_SIZE];
    /* An address of the mail needs a server with SMTPUTF8 (RFC 6531). */
    int needs_utf8;
    int offers_utf8;
    um_smtp_stop_t *stop;
    void *stop_baton;
    apr_time_t stopping_since;
    apr_pool_t *pool;
} um_dialogue_t;

apr_status_t um_smtp_start(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? APR_SUCCESS : APR_EGENERAL;
}

void um_smtp_end(void)
{
    curl_global_cleanup();
}

/* ---- what happens during the dialogue ---- */

static int starts_with(const char *data, size_t size, const char *word)
{
    size_t length = strlen(word);

    return size >= length && apr_cstr_casecmpn(data, word, length) == 0;
}

static void see_command(um_dialogue_t *dialogue, const char *command, size_t size)
{
    static const struct {
        const char *word;
        um_phase_t phase;
    } commands[] = {
        { "EHLO ", PHASE_HELLO },     { "HELO ", PHASE_HELLO },   { "AUTH ", PHASE_AUTH },
        { "MAIL FROM:", PHASE_MAIL }, { "RCPT TO:", PHASE_RCPT },
    };

    /* The answer to QUIT says nothing about the mail. */
    dialogue->left = dialogue->left || starts_with(command, size, "QUIT");
    if (dialogue->left) {
        return;
    }
    memset(&dialogue->answer, 0, sizeof(dialogue->answer));
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (starts_with(command, size, commands[i].word)) {
            dialogue->phase = commands[i].phase;
        }
    }
    if (dialogue->phase == PHASE_HELLO) {
        dialogue->offers_utf8 = 0;
    }
}

/* libcurl calls this with all that it sends and receives. Only the commands matter here. */
static int see_traffic(CURL *curl, curl_infotype type, char *data, size_t size, void *baton)
{
    (void)curl;
    if (type == CURLINFO_HEADER_OUT) {
        see_command(baton, data, size);
    }
    return 0;
}

/* Does the server lack SMTPUTF8, which an address of the mail needs? That is known once MAIL is
 * sent, because the server may offer more after STARTTLS. */
static int lacks_utf8(const um_dialogue_t *dialogue)
{
    return dialogue->phase == PHASE_MAIL && dialogue->needs_utf8 && !dialogue->offers_utf8;
}

/* Has libcurl connected to another address than that from which helo was found? It tries
 * several where the first does not answer. */
static int is_elsewhere(um_dialogue_t *dialogue)
{
    char *address = NULL;
    const char *helo = NULL;

    if (!dialogue->is_expected) {
        return 0;
    }
    dialogue->is_expected = 0;
    if (curl_easy_getinfo(dialogue->curl, CURLINFO_LOCAL_IP, &address) == CURLE_OK
        && address != NULL) {
        helo = um_helo_from(address, dialogue->pool);
    }
    if (helo == NULL || strcmp(helo, dialogue->helo) == 0) {
        return 0;
    }
    dialogue->other_helo = helo;
    dialogue->other_version = strchr(address, ':') != NULL ? CURL_IPRESOLVE_V6
                                                           : CURL_IPRESOLVE_V4;
    return 1;
}

/* Take one line from the server. A return value less than its size ends the dialogue. */
static size_t see_reply(char *line, size_t one, size_t size, void *baton)
{
    um_dialogue_t *dialogue = baton;

    (void)one;
    if (dialogue->left || !um_smtp_answer_add(&dialogue->answer, line, size)) {
        return size;
    }
    if (is_elsewhere(dialogue)) {
        return 0;
    }
    if (dialogue->answer.code == GO_AHEAD) {
        dialogue->phase = PHASE_DATA;
    }
    if (dialogue->phase == PHASE_HELLO && starts_with(line + 4, size - 4, "SMTPUTF8")) {
        dialogue->offers_utf8 = 1;
    }
    return lacks_utf8(dialogue) ? 0 : size;
}

static int see_progress(void *baton, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                        curl_off_t up)
{
    um_dialogue_t *dialogue = baton;
    apr_time_t now;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    if (!dialogue->stop(dialogue->stop_baton)) {
        return 0;
    }
    if (dialogue->phase < PHASE_DATA) {
        return 1;
    }
    now = um_ticks();
    if (dialogue->stopping_since == 0) {
        dialogue->stopping_since = now;
    }
    return now - dialogue->stopping_since > STOP_PATIENCE;
}

/* ---- what is sent ---- */

/* An address must have no character that would end it, or the command that it stands in. */
static int is_safe(const char *address)
{
    for (const char *c = address; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("<>", *c) != NULL) {
            return 0;
        }
    }
    return 1;
}

/* The address with its domain as DNS has it (RFC 5891); NULL if it is not valid. libcurl converts
 * domains in a UTF-8 locale only. */
static const char *to_mailbox(const char *address, apr_pool_t *pool)
{
    const char *mailbox = um_address_for_mail(address, pool);

    return mailbox != NULL && is_safe(mailbox) ? mailbox : NULL;
}

/* curl_slist_append() returns the head of the list, or NULL if there is no memory. */
static int append(struct curl_slist **list, const char *text)
{
    struct curl_slist *head = curl_slist_append(*list, text);

    if (head == NULL) {
        return 0;
    }
    *list = head;
    return 1;
}

static int add_header(um_dialogue_t *dialogue, const char *name, const char *value)
{
    return append(&dialogue->headers, apr_pstrcat(dialogue->pool, name, ": ", value, NULL));
}

static int add_headers(um_dialogue_t *dialogue, const um_mail_t *mail)
{
    apr_pool_t *pool = dialogue->pool;
    const char *domain = strrchr(mail->from, '@') + 1;

    return add_header(dialogue, "Date", um_mail_encode_date(mail->date, pool))
           && add_header(dialogue, "From",
                         um_mail_encode_mailbox(mail->from_name, mail->from, pool))
           && add_header(dialogue, "To", um_mail_encode_mailbox(NULL, mail->to, pool))
           && add_header(dialogue, "Subject", um_mail_encode_text(mail->subject, pool))
           && add_header(dialogue, "Message-ID",
                         apr_pstrcat(pool, "<", mail->uid, "@", domain, ">", NULL))
           && add_header(dialogue, "Auto-Submitted", "auto-generated")
           && add_header(dialogue, "Content-Type", "multipart/alternative");
}

static int add_part(curl_mime *mime, const char *type, const char *text)
{
    curl_mimepart *part = curl_mime_addpart(mime);

    return part != NULL && curl_mime_data(part, text, CURL_ZERO_TERMINATED) == CURLE_OK
           && curl_mime_type(part, type) == CURLE_OK
           && curl_mime_encoder(part, "quoted-printable") == CURLE_OK;
}

/* The last of the parts is the one that a reader's program prefers. */
static curl_mime *make_body(CURL *curl, const um_mail_t *mail)
{
    curl_mime *mime = curl_mime_init(curl);

    if (mime != NULL
        && (!add_part(mime, "text/plain; charset=utf-8", mail->text)
            || !add_part(mime, "text/html; charset=utf-8", mail->html))) {
        curl_mime_free(mime);
        return NULL;
    }
    return mime;
}

/* ---- settings ---- */

/* libcurl takes the name for EHLO from the path of the URL. */
static int set_url(um_dialogue_t *dialogue, const um_smtp_server_t *server)
{
    const char *path = dialogue->helo != NULL
                           ? apr_pescape_path_segment(dialogue->pool, dialogue->helo)
                           : "";

    return curl_easy_setopt(dialogue->curl, CURLOPT_URL,
                            apr_pstrcat(dialogue->pool, server->url, "/", path, NULL))
           == CURLE_OK;
}

/* Limit the time of what follows: rest is what is left of the time for one mail. */
static int set_timeouts(CURL *curl, apr_interval_time_t rest)
{
    long timeout = rest > apr_time_from_msec(1) ? (long)apr_time_as_msec(rest) : 1;
    long connect_max = (long)apr_time_as_msec(CONNECT_TIME_MAX);

    return curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                               timeout < connect_max ? timeout : connect_max)
                  == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, timeout / 1000 + 1)
                  == CURLE_OK;
}

static int set_server(CURL *curl, const um_smtp_server_t *server)
{
    static const long levels[] = {
        [UM_SMTP_TLS_NONE] = CURLUSESSL_NONE,
        [UM_SMTP_TLS_OPTIONAL] = CURLUSESSL_TRY,
        [UM_SMTP_TLS_REQUIRED] = CURLUSESSL_ALL,
    };

    return curl_easy_setopt(curl, CURLOPT_USE_SSL, levels[server->tls]) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_USERNAME, server->user) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_PASSWORD, server->password) == CURLE_OK
           && set_timeouts(curl, server->timeout)
           /* No proxy from the environment, no signal in a process with threads. */
           && curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK
#if LIBCURL_VERSION_NUM >= 0x075700
           /* The end does not wait for a name that is still being looked up. */
           && curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK
#endif
           && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

/* Trust the certificates of a file, and not those of the system. */
static int set_trust(CURL *curl, const char *ca_file)
{
    return ca_file == NULL
           || (curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file) == CURLE_OK
               && curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

static int set_callbacks(um_dialogue_t *dialogue)
{
    CURL *curl = dialogue->curl;

    return curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, dialogue->error) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, see_traffic) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_DEBUGDATA, dialogue) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, see_reply) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_HEADERDATA, dialogue) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, see_progress) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_XFERINFODATA, dialogue) == CURLE_OK;
}

static int set_mail(um_dialogue_t *dialogue, const um_mail_t *mail, curl_mime *body)
{
    CURL *curl = dialogue->curl;

    return body != NULL && append(&dialogue->recipients, mail->to) && add_headers(dialogue, mail)
           && curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail->from) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, dialogue->recipients) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, dialogue->headers) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_MIMEPOST, body) == CURLE_OK;
}

/* ---- the outcome ---- */

/* Has the server refused this mail, or this recipient, for good? If it refuses this client, the
 * operator can correct the configuration. */
static int is_refused(const um_dialogue_t *dialogue)
{
    const um_smtp_answer_t *answer = &dialogue->answer;

    if (dialogue->phase == PHASE_RCPT) {
        return answer->code >= 500 && !um_smtp_answer_is_about_sender(answer);
    }
    return lacks_utf8(dialogue) || (dialogue->phase == PHASE_DATA && answer->code >= 500);
}

static const char *explain(const um_dialogue_t *dialogue, CURLcode result)
{
    if (lacks_utf8(dialogue)) {
        return "the server does not offer SMTPUTF8, which the address needs";
    }
    if (result == CURLE_OK || dialogue->answer.code >= 400) {
        return dialogue->answer.text;
    }
    if (result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR || result == CURLE_GOT_NOTHING) {
        /* libcurl's own text is "response reading failed (errno: 115)". */
        return "the server closed the connection";
    }
    return dialogue->error[0] != '\0' ? dialogue->error : curl_easy_strerror(result);
}

/* Would the server refuse every other mail, too? It would if it refuses before RCPT, because it
 * does not know the recipient yet. */
static int is_for_all(const um_dialogue_t *dialogue)
{
    return dialogue->phase <= PHASE_MAIL;
}

/* Some servers refuse a client at RCPT only. But 5.7.Y may be about one recipient who gets no
 * mail from outside, and that must not delay mail to others. */
static int may_be_for_all(const um_dialogue_t *dialogue)
{
    const um_smtp_answer_t *answer = &dialogue->answer;

    return dialogue->phase == PHASE_RCPT && um_smtp_answer_is_about_sender(answer)
           && answer->subject != 7;
}

static void judge(um_smtp_reply_t *reply, const um_dialogue_t *dialogue, CURLcode result)
{
    if (result == CURLE_OK) {
        reply->outcome = UM_SMTP_ACCEPTED;
    } else if (is_refused(dialogue)) {
        reply->outcome = UM_SMTP_REFUSED;
    } else if (result == CURLE_ABORTED_BY_CALLBACK) {
        reply->outcome = UM_SMTP_INTERRUPTED;
    } else {
        reply->outcome = UM_SMTP_LATER;
    }
    reply->is_away = reply->outcome == UM_SMTP_LATER && is_for_all(dialogue);
    reply->is_doubtful = reply->outcome == UM_SMTP_LATER && may_be_for_all(dialogue);
    reply->text = apr_pstrdup(dialogue->pool, explain(dialogue, result));
}

/* ---- the dialogue ---- */

/* Note the address of the server, and open no socket. */
static curl_socket_t see_peer(void *baton, curlsocktype purpose, struct curl_sockaddr *peer)
{
    um_dialogue_t *dialogue = baton;

    (void)purpose;
    if (dialogue->helo == NULL) {
        dialogue->helo = um_helo_towards(&peer->addr, (socklen_t)peer->addrlen, dialogue->pool);
    }
    return CURL_SOCKET_BAD;
}

/* Which address this machine has towards the server is known once libcurl has looked up the
 * server's name. It needs the name for EHLO before it connects, so it is stopped there; it
 * remembers the addresses that it has found. */
static CURLcode find_helo(um_dialogue_t *dialogue, const um_smtp_server_t *server)
{
    CURL *curl = dialogue->curl;
    apr_time_t begun = um_ticks();
    CURLcode result;

    if (!set_url(dialogue, server)
        || curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, see_peer) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, dialogue) != CURLE_OK) {
        return CURLE_OUT_OF_MEMORY;
    }
    result = curl_easy_perform(curl);
    if (dialogue->helo == NULL) {
        return result;
    }
    dialogue->error[0] = '\0';
    dialogue->is_expected = 1;
    return set_timeouts(curl, server->timeout - (um_ticks() - begun))
                   && curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, NULL) == CURLE_OK
               ? CURLE_OK
               : CURLE_OUT_OF_MEMORY;
}

static CURLcode perform(um_dialogue_t *dialogue, const um_smtp_server_t *server)
{
    return set_url(dialogue, server) ? curl_easy_perform(dialogue->curl) : CURLE_OUT_OF_MEMORY;
}

/* The connection that was made is given up, because its EHLO would have the address of
 * another. The next one is made in the same way, and has the right one. */
static CURLcode perform_again(um_dialogue_t *dialogue, const um_smtp_server_t *server,
                              apr_interval_time_t rest)
{
    dialogue->helo = dialogue->other_helo;
    dialogue->left = 0;
    dialogue->error[0] = '\0';
    memset(&dialogue->answer, 0, sizeof(dialogue->answer));
    return set_timeouts(dialogue->curl, rest)
                   && curl_easy_setopt(dialogue->curl, CURLOPT_IPRESOLVE, dialogue->other_version)
                          == CURLE_OK
               ? perform(dialogue, server)
               : CURLE_OUT_OF_MEMORY;
}

static CURLcode hold_dialogue(um_dialogue_t *dialogue, const um_smtp_server_t *server)
{
    CURLcode result = CURLE_OK;
    apr_time_t begun = um_ticks();

    dialogue->helo = server->helo;
    if (dialogue->helo == NULL) {
        result = find_helo(dialogue, server);
    }
    if (result == CURLE_OK) {
        result = perform(dialogue, server);
    }
    if (dialogue->other_helo != NULL) {
        result = perform_again(dialogue, server, server->timeout - (um_ticks() - begun));
    }
    return result;
}

static void send_mail(um_smtp_reply_t *reply, um_dialogue_t *dialogue,
                      const um_smtp_server_t *server, const um_mail_t *mail)
{
    curl_mime *body = make_body(dialogue->curl, mail);

    dialogue->needs_utf8 = !um_text_is_ascii(mail->from) || !um_text_is_ascii(mail->to);
    if (set_server(dialogue->curl, server) && set_trust(dialogue->curl, server->ca_file)
        && set_callbacks(dialogue) && set_mail(dialogue, mail, body)) {
        judge(reply, dialogue, hold_dialogue(dialogue, server));
    }
    curl_easy_setopt(dialogue->curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, QUIT_SECONDS);
    curl_easy_cleanup(dialogue->curl);
    curl_mime_free(body);
    curl_slist_free_all(dialogue->headers);
    curl_slist_free_all(dialogue->recipients);
}

void um_smtp_send(um_smtp_reply_t *reply, const um_smtp_server_t *server, const um_mail_t *mail,
                  um_smtp_stop_t *stop, void *baton, apr_pool_t *pool)
{
    um_dialogue_t dialogue = { .stop = stop, .stop_baton = baton, .pool = pool };
    um_mail_t sent = *mail;

    sent.from = to_mailbox(mail->from, pool);
    sent.to = to_mailbox(mail->to, pool);
    if (sent.from == NULL || sent.to == NULL) {
        reply->outcome = UM_SMTP_REFUSED;
        reply->text = "an address of the mail is not valid";
        return;
    }
    reply->outcome = UM_SMTP_LATER;
    reply->text = "out of memory";
    dialogue.curl = curl_easy_init();
    if (dialogue.curl != NULL) {
        send_mail(reply, &dialogue, server, &sent);
    }
}
