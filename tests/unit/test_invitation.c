/* Licensed under the Apache License, Version 2.0; see the file LICENSE. */
/** @file test_invitation.c Invitations, their secrets and links, in the store. */

#include "unit.h"

#include "../../mod_usermgmt/base/digest.h"
#include "../../mod_usermgmt/core/store_invitations.h"
#include "../../mod_usermgmt/core/store_callers.h"
#include "sqlite_host.h"

static sqlite_host_t *host;
static um_db_t *db;
static apr_int64_t org;

static int set_up(void **state)
{
    make_pool(state);
    host = sqlite_host_create(pool);
    db = sqlite_host_open_org(&org, host);
    return db != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    um_db_close(db);
    apr_pool_destroy(pool);
    return 0;
}

/* Made at 1000, in time until 2000. */
static um_invitation_t make_invitation(const char *token, const char *email)
{
    um_invitation_t invitation = { 0 };

    invitation.token = token;
    invitation.email = email;
    invitation.inviter_uid = "u0";
    invitation.inviter_email = "boss@example.com";
    invitation.created_at = 1000;
    invitation.expires_at = 2000;
    return invitation;
}

static um_invitation_t *add(const char *token, const char *email)
{
    um_invitation_t invitation = make_invitation(token, email);

    assert_int_equal(um_store_invitations_insert(db, org, &invitation, pool), APR_SUCCESS);
    return apr_pmemdup(pool, &invitation, sizeof(invitation));
}

static const char *add_secret(const char *token)
{
    char *secret = apr_palloc(pool, UM_SECRET_LENGTH + 1);

    assert_int_equal(um_invitation_make_secret(secret, &um_db_host(db)->random), APR_SUCCESS);
    assert_int_equal(um_store_invitations_add_secret(db, org, token, secret, 1000, pool),
                     APR_SUCCESS);
    return secret;
}

/* The token of the invitation that a secret is known for; "" where it is none's. */
static const char *token_of(const char *secret)
{
    um_invitation_t *found = NULL;
    apr_status_t status = um_store_invitations_get_by_secret(&found, db, org, secret, pool);

    assert_true(status == APR_SUCCESS || status == UM_ENOTFOUND);
    return status == APR_SUCCESS ? found->token : "";
}

static void expect_status(const char *token, apr_int64_t now, const char *status)
{
    um_invitation_t *found = NULL;

    assert_int_equal(um_store_invitations_get(&found, db, org, token, pool), APR_SUCCESS);
    assert_string_equal(um_invitation_status_name(um_invitation_status(found, now)), status);
}

static void what_is_stored_comes_back(void **state)
{
    um_invitation_t invitation = make_invitation("i1", "Zo\xc3\xab@Example.com");
    um_invitation_t *found = NULL;

    (void)state;
    add("i2", "ann@example.com");
    invitation.platform_link = "https://app.example.com/";
    invitation.inviter_display_name = "Boss";
    assert_int_equal(um_store_invitations_insert(db, org, &invitation, pool), APR_SUCCESS);
    assert_int_equal(um_store_invitations_get(&found, db, org, "i1", pool), APR_SUCCESS);
    assert_string_equal(found->token, "i1");
    assert_string_equal(found->email, invitation.email);
    assert_string_equal(found->platform_link, invitation.platform_link);
    assert_string_equal(found->inviter_uid, "u0");
    assert_string_equal(found->inviter_email, "boss@example.com");
    assert_string_equal(found->inviter_display_name, "Boss");
    assert_int_equal(found->created_at, 1000);
    assert_int_equal(found->expires_at, 2000);
    assert_int_equal(found->accepted_at, 0);
    assert_int_equal(um_store_invitations_get(&found, db, org, "i2", pool), APR_SUCCESS);
    assert_null(found->platform_link);
    assert_null(found->inviter_display_name);
    assert_int_equal(um_store_invitations_get(&found, db, org, "I1", pool), UM_ENOTFOUND);
    assert_int_equal(um_store_invitations_get(&found, db, org + 1, "i1", pool), UM_ENOTFOUND);
}

static void one_is_pending_for_an_address(void **state)
{
    um_invitation_t twin = make_invitation("i2", "ANN@Example.com");

    (void)state;
    add("i1", "ann@example.com");
    twin.created_at = 1999;
    assert_int_equal(um_store_invitations_insert(db, org, &twin, pool), UM_ECONFLICT);
    twin.created_at = 2000;
    twin.expires_at = 3000;
    assert_int_equal(um_store_invitations_insert(db, org, &twin, pool), APR_SUCCESS);
    expect_status("i1", 0, "expired");
    expect_status("i2", 2999, "pending");
    assert_int_equal(um_store_invitations_revoke(db, org, "i2", pool), APR_SUCCESS);
    add("i3", "ann@example.com");
}

static void it_expires_by_the_clock(void **state)
{
    (void)state;
    add("i1", "ann@example.com");
    expect_status("i1", 1999, "pending");
    expect_status("i1", 2000, "expired");
    assert_int_equal(um_store_invitations_accept(db, org, "i1", 2000, pool), UM_ECONFLICT);
    assert_int_equal(um_store_invitations_accept(db, org, "i1", 1999, pool), APR_SUCCESS);
    expect_status("i1", 5000, "accepted");
}

static void it_ends_once(void **state)
{
    um_invitation_t *first = add("i1", "ann@example.com");
    um_invitation_t *second = add("i2", "bob@example.com");

    (void)state;
    assert_int_equal(um_store_invitations_accept(db, org, "i1", 1500, pool), APR_SUCCESS);
    assert_int_equal(um_store_invitations_accept(db, org, "i1", 1500, pool), UM_ECONFLICT);
    assert_int_equal(um_store_invitations_revoke(db, org, "i1", pool), UM_ECONFLICT);
    assert_int_equal(um_store_invitations_renew(db, org, first, 9000, 1500, pool), UM_ECONFLICT);
    assert_int_equal(um_store_invitations_revoke(db, org, "i2", pool), APR_SUCCESS);
    assert_int_equal(um_store_invitations_revoke(db, org, "i2", pool), UM_ECONFLICT);
    assert_int_equal(um_store_invitations_accept(db, org, "i2", 1500, pool), UM_ECONFLICT);
    assert_int_equal(um_store_invitations_renew(db, org, second, 9000, 1500, pool), UM_ECONFLICT);
    assert_int_equal(um_store_invitations_accept(db, org + 1, "i2", 1500, pool), UM_ECONFLICT);
}

static void it_is_renewed(void **state)
{
    um_invitation_t *first = add("i1", "ann@example.com");
    um_invitation_t late = make_invitation("i2", "ann@example.com");

    (void)state;
    assert_int_equal(um_store_invitations_renew(db, org, first, 3000, 2500, pool), APR_SUCCESS);
    expect_status("i1", 2999, "pending");
    late.created_at = 3000;
    late.expires_at = 4000;
    assert_int_equal(um_store_invitations_insert(db, org, &late, pool), APR_SUCCESS);
    assert_int_equal(um_store_invitations_renew(db, org, first, 9000, 3500, pool), UM_ECONFLICT);
    assert_int_equal(um_store_invitations_renew(db, org, first, 9000, 4000, pool), APR_SUCCESS);
    expect_status("i2", 4000, "expired");
}

static void a_secret_is_32_random_bytes(void **state)
{
    char first[UM_SECRET_LENGTH + 1];
    char second[UM_SECRET_LENGTH + 1];

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(um_invitation_make_secret(first, &host->host.random), APR_SUCCESS);
        assert_int_equal(um_invitation_make_secret(second, &host->host.random), APR_SUCCESS);
        assert_int_equal(strlen(first), UM_SECRET_LENGTH);
        assert_int_equal(strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789-_"),
                         UM_SECRET_LENGTH);
        assert_string_not_equal(first, second);
    }
}

static apr_status_t give_ones(unsigned char *bytes, apr_size_t length, void *baton)
{
    (void)baton;
    memset(bytes, 0xFF, length);
    return APR_SUCCESS;
}

static void a_secret_is_base64url(void **state)
{
    const um_random_t ones = { give_ones, NULL };
    char secret[UM_SECRET_LENGTH + 1];

    (void)state;
    assert_int_equal(um_invitation_make_secret(secret, &ones), APR_SUCCESS);
    assert_string_equal(secret, "__________________________________________8");
}

static void all_secrets_hold_until_the_end(void **state)
{
    um_invitation_t *invitation = add("i1", "ann@example.com");
    const char *first = add_secret("i1");
    const char *second = add_secret("i1");
    const char *third;

    (void)state;
    assert_string_equal(token_of(first), "i1");
    assert_string_equal(token_of(second), "i1");
    assert_string_equal(token_of("x"), "");
    assert_string_equal(token_of(""), "");
    assert_string_equal(token_of("i1"), "");
    assert_int_equal(um_store_invitations_renew(db, org, invitation, 3000, 1500, pool),
                     APR_SUCCESS);
    assert_string_equal(token_of(first), "");
    assert_string_equal(token_of(second), "");
    third = add_secret("i1");
    assert_string_equal(token_of(third), "i1");
    assert_int_equal(um_store_invitations_revoke(db, org, "i1", pool), APR_SUCCESS);
    assert_string_equal(token_of(third), "");
}

static void a_secret_ends_with_acceptance(void **state)
{
    const char *first;
    const char *other;

    (void)state;
    add("i1", "ann@example.com");
    add("i2", "bob@example.com");
    first = add_secret("i1");
    other = add_secret("i2");
    assert_int_equal(um_store_invitations_accept(db, org, "i1", 1500, pool), APR_SUCCESS);
    assert_string_equal(token_of(first), "");
    assert_string_equal(token_of(other), "i2");
}

static void digests_are_compared_whole(void **state)
{
    char a[UM_SHA256_HEX_LENGTH + 1];
    char b[UM_SHA256_HEX_LENGTH + 1];

    (void)state;
    memset(a, '0', sizeof(a));
    memset(b, '0', sizeof(b));
    assert_true(um_digest_equal(a, b));
    b[UM_SHA256_HEX_LENGTH - 1] = '1';
    assert_false(um_digest_equal(a, b));
    b[UM_SHA256_HEX_LENGTH - 1] = '0';
    b[0] = '1';
    assert_false(um_digest_equal(a, b));
}

static void accept_links(void **state)
{
    static const struct {
        const char *platform_link;
        const char *expected;
    } links[] = {
        { "https://a", "https://a?accept_token=S" },
        { "https://a/", "https://a/?accept_token=S" },
        { "https://a/b", "https://a/b?accept_token=S" },
        { "https://a/b?", "https://a/b?accept_token=S" },
        { "https://a/b?x=1", "https://a/b?x=1&accept_token=S" },
        { "https://a/b?x=1&", "https://a/b?x=1&accept_token=S" },
        { "https://a/b?x=1?y", "https://a/b?x=1?y&accept_token=S" },
        { "https://a/b#f", "https://a/b?accept_token=S#f" },
        { "https://a/b?x=1#f", "https://a/b?x=1&accept_token=S#f" },
        { "https://a/b?#f", "https://a/b?accept_token=S#f" },
        { "https://a#f?x", "https://a?accept_token=S#f?x" },
        { "https://a/#", "https://a/#accept_token=S" },
        { "https://a?x=1#", "https://a?x=1#accept_token=S" },
        { "https://a/#f#", "https://a/?accept_token=S#f#" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(links); i++) {
        const char *link = NULL;

        um_invitation_accept_link(&link, links[i].platform_link, "S", pool);
        assert_string_equal(link, links[i].expected);
    }
}

static void the_page_of_the_console(void **state)
{
    const char *page = um_invitation_console_page("https://a/b", pool);

    (void)state;
    assert_string_equal(page, "https://a/b/console/accept#");
    assert_true(um_invitation_is_console_page(page));
    assert_true(um_invitation_is_console_page("https://a/console/accept#"));
    assert_false(um_invitation_is_console_page("https://a/console/accept"));
    assert_false(um_invitation_is_console_page("https://a/console/accept#x"));
    assert_false(um_invitation_is_console_page("https://a/accept#"));
    assert_false(um_invitation_is_console_page("accept#"));
}

static void the_names_of_statuses(void **state)
{
    (void)state;
    for (int status = UM_INVITATION_PENDING; status <= UM_INVITATION_EXPIRED; status++) {
        const char *name = um_invitation_status_name((um_invitation_status_t)status);

        assert_int_equal(um_invitation_status_of_name(name), status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TEAR_DOWN(what_is_stored_comes_back),
        WITH_TEAR_DOWN(one_is_pending_for_an_address),
        WITH_TEAR_DOWN(it_expires_by_the_clock),
        WITH_TEAR_DOWN(it_ends_once),
        WITH_TEAR_DOWN(it_is_renewed),
        WITH_TEAR_DOWN(a_secret_is_32_random_bytes),
        WITH_TEAR_DOWN(a_secret_is_base64url),
        WITH_TEAR_DOWN(all_secrets_hold_until_the_end),
        WITH_TEAR_DOWN(a_secret_ends_with_acceptance),
        WITH_TEAR_DOWN(digests_are_compared_whole),
        WITH_TEAR_DOWN(accept_links),
        WITH_TEAR_DOWN(the_page_of_the_console),
        WITH_TEAR_DOWN(the_names_of_statuses),
    };

    return RUN("invitation", tests);
}
