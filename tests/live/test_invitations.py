# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Invitations: made, listed, sent again, removed, accepted; their secrets and links."""

import base64
import itertools
import json
import re
import time
import urllib.parse

import pytest
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, in_parallel, location, wait_for

ON_OLD_SCHEMA = True

NUMBERS = itertools.count()
WEEK = 7 * 24 * 3600 * 1000
MEMBERS = ["invite_token", "email", "status", "platform_link", "inviter", "created_at",
           "expires_at", "accepted_at"]
DOTLESS = "\u0131"  # An i without a dot, which is no i in any case.


EXTRA = location("/short", "UserMgmtInvitationTTL 200ms") + location(
    "/links", """
    UserMgmtPlatformLinkAllow https://app.example.com/join https://b.example.com:8443
    UserMgmtPlatformLinkAllow http://localhost:3000/""") + location(
    "/as", 'UserMgmtIdentity "%{HTTP:X-Identity}"') + location(
    "/anyone", """
    UserMgmtIdentity "%{HTTP:X-Identity}"
    UserMgmtInvitationMatch Off""") + location(
    "/organizations", """
    UserMgmtIdentity "%{HTTP:X-Identity}"
    UserMgmtOrganization "%{HTTP:X-Organization}" """) + location(
    "/readers", "UserMgmtSubAdminAllow invitations:read users:read") + location(
    "/nothing", "UserMgmtSubAdminAllow none")


@pytest.fixture(scope="module")
def server(make_server):
    made = make_server(extra=EXTRA)
    for name in ("red", "blue"):
        made.sql("INSERT INTO organizations (name, created_at) VALUES (?, 0)", name)
    return made


def fresh_email():
    return f"i{next(NUMBERS)}@invited.example.com"


def invite(client, email=None, **members):
    """Make an invitation; gives its object and its secret."""
    answer = client.post("invitations/", {"email": email or fresh_email(), **members}) \
        .expect(201).json
    return answer["invitation"], secret_of(answer)


def secret_of(answer):
    """The secret of an answer that has one, in a link or not."""
    if "accept_token" in answer:
        assert set(answer) == {"invitation", "accept_token"}
        secret = answer["accept_token"]
    else:
        assert set(answer) == {"invitation", "accept_link"}
        secret, = re.findall(r"[?&#]accept_token=([^&#]*)", answer["accept_link"])
    assert re.fullmatch(r"[0-9A-Za-z_-]{43}", secret)
    return secret


def identified(server, identity, base="/as", **headers):
    """One who has signed in as somebody with that identity and no role by configuration."""
    return server.client(NOBODY, base=base, headers={
        "X-Identity": identity.encode().decode("latin-1"),
        **{name.replace("_", "-"): value for name, value in headers.items()}})


def accept(client, secret):
    return client.post("invitations/accept", {"accept_token": secret})


def stored(server, token):
    return server.sql("SELECT status, accepted_at FROM invitations WHERE invite_token = ?",
                      token)[0]


def events(server, target):
    return [action for action, in server.sql(
        "SELECT action FROM audit_events WHERE target = ? ORDER BY event_uid", target)]


def milliseconds(instant):
    parsed = time.strptime(instant[:19], "%Y-%m-%dT%H:%M:%S")
    return (int(time.mktime(parsed)) - time.timezone) * 1000 + int(instant[20:23])


# ---- create ----


def test_the_invitation(server, admin):
    email = "Zoë.Invited+1@Example.com"
    answer = admin.post("invitations/", {"email": email}).expect(201)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    invitation = answer.json["invitation"]
    assert list(invitation) == MEMBERS
    assert re.fullmatch("[0-9A-Za-z]{20}", invitation["invite_token"])
    assert invitation["email"] == email and invitation["status"] == "pending"
    assert invitation["platform_link"] is None and invitation["accepted_at"] is None
    assert invitation["inviter"] == {
        "user_uid": admin.get("organization-status/").json["user_uid"], "email": ADMIN,
        "display_name": None}
    created, expires = (milliseconds(invitation[name]) for name in ("created_at", "expires_at"))
    assert abs(created - time.time() * 1000) < 10000 and expires - created == WEEK
    secret_of(answer.json)
    assert "accept_token" in answer.json
    row = server.sql("SELECT after_json, before_json FROM audit_events WHERE target = ?",
                     invitation["invite_token"])
    assert [(json.loads(after), before) for after, before in row] == [(invitation, None)]


def test_with_a_link(admin):
    link = "https://app.example.com/join?team=1#top"
    answer = admin.post("invitations/", {"email": fresh_email(), "platform_link": link}) \
        .expect(201).json
    assert answer["invitation"]["platform_link"] == link
    assert answer["accept_link"] \
        == f"https://app.example.com/join?team=1&accept_token={secret_of(answer)}#top"


def test_secrets_differ(admin):
    made = [invite(admin) for _ in range(20)]
    assert len({secret for _, secret in made}) == 20
    assert len({invitation["invite_token"] for invitation, _ in made}) == 20
    assert all(invitation["invite_token"] not in secret for invitation, secret in made)


def test_the_inviter_as_it_was(server, admin):
    """A user who invites is told by its data, which later changes do not touch."""
    email = fresh_email()
    user = admin.create(email.upper().replace("EXAMPLE", "Example"), "Old Name")
    # An admin by configuration who is a user as well.
    chief = server.client(ADMIN, base="/as", headers={"X-Identity": email})
    invitation, _ = invite(chief)
    assert invitation["inviter"] == {"user_uid": user["user_uid"], "email": user["email"],
                                     "display_name": "Old Name"}
    admin.put("users/" + user["user_uid"], {"display_name": "New Name"}).expect(200)
    answer = admin.post("invitations/resend", {"invite_token": invitation["invite_token"]}) \
        .expect(200).json
    assert answer["invitation"]["inviter"] == invitation["inviter"]
    admin.delete("users/" + user["user_uid"]).expect(200)
    answer = admin.post("invitations/resend", {"invite_token": invitation["invite_token"]}) \
        .expect(200).json
    assert answer["invitation"]["inviter"] == invitation["inviter"]


@pytest.mark.parametrize("letter", [DOTLESS, "\uff49", "i\u200b"])
def test_a_look_alike_of_a_user_is_not_that_user_as_inviter(server, admin, letter):
    email = f"kim{next(NUMBERS)}@invited.example.com"
    user = admin.create(email, "Kim")
    identity = email.replace("i", letter, 1)
    chief = server.client(ADMIN, base="/as",
                          headers={"X-Identity": identity.encode().decode("latin-1")})
    inviter = invite(chief)[0]["inviter"]
    assert inviter["email"] == identity and inviter["display_name"] is None
    assert inviter["user_uid"] != user["user_uid"]


@pytest.mark.parametrize("body, faults", [
    ({}, [("email", "required")]),
    ({"email": 5}, [("email", "invalid_type")]),
    ({"email": None}, [("email", "required")]),
    ({"email": ""}, [("email", "required")]),
    ({"email": "x"}, [("email", "invalid_email")]),
    ({"email": "a@example.com\r\nBcc: b@example.com"}, [("email", "invalid_email")]),
    ({"email": "a@example.com", "platform_link": 1}, [("platform_link", "invalid_type")]),
    ({"email": "a@example.com", "role": "admin"}, [("role", "unknown_member")]),
    ({"email": "a@example.com", "status": "accepted", "platform_link": "x"},
     [("status", "unknown_member"), ("platform_link", "invalid_link")]),
    ({"platform_link": "ftp://x/"}, [("email", "required"), ("platform_link", "invalid_link")]),
    ({"email": "a@example.com", "platform_link": "https://a/" + "x" * 2039},
     [("platform_link", "too_long")]),
])
def test_bad_bodies(admin, body, faults):
    admin.post("invitations/", body).expect_faults(*faults)


def test_null_is_none(admin):
    invitation, _ = invite(admin, platform_link=None)
    assert invitation["platform_link"] is None
    for method, path in (("POST", "invitations/resend"), ("DELETE", "invitations/")):
        admin.ask(method, path, {"invite_token": None}) \
            .expect_faults(("invite_token", "required"))
    admin.delete("invitations/" + invitation["invite_token"], {"invite_token": None}).expect(200)


@pytest.mark.parametrize("link", [
    "", "/join", "//app.example.com/", "http://app.example.com/", "javascript:alert(1)",
    "https://me@app.example.com/", "https://app.example.com@evil.example/",
    "https://app.example.com\\@evil.example/", "https://app.example.com/../x",
    "https://app.example.com/%2e%2e/x", "https://app.example.com/%2fx",
    "https://app.example.com/\r\nBcc: x@example.com", "https://app.example.com/\u0001",
    "https://bücher.example/", "https://app.example.com/é", "https://app.example.com/\"><script>",
    "https://app.example.com/?accept_token=mine", "https://app.example.com/?accept%5ftoken=mine",
    "http://localhost.example.com/", "http://127.1/", "https://[::1%25eth0]/",
    " https://app.example.com/", "https://app.example.com:0/", "https:app.example.com/",
])
def test_hostile_links(admin, link):
    admin.post("invitations/", {"email": fresh_email(), "platform_link": link}) \
        .expect_faults(("platform_link", "invalid_link"))


@pytest.mark.parametrize("link", [
    "https://app.example.com/join", "https://app.example.com/join/", "HTTPS://APP.example.com/join",
    "https://app.example.com:443/join/x?y#z", "https://app.example.com/join?x",
    "https://b.example.com:8443", "https://b.example.com:8443/any/thing",
    "http://localhost:3000/x",
])
def test_links_below_those_allowed(server, link):
    invite(server.client(base="/links"), platform_link=link)


@pytest.mark.parametrize("link", [
    "https://app.example.com", "https://app.example.com/", "https://app.example.com/joint",
    "https://app.example.com/JOIN", "https://app.example.com:8443/join",
    "https://app.example.com.evil.org/join", "https://evil-app.example.com/join",
    "https://x.app.example.com/join", "https://example.com/join", "http://localhost/x",
    "https://app.example.com/%6aoin", "https://app.example.com//join", "https://b.example.com/",
    "https://evil.example/?https://app.example.com/join", "https://app.example.com/join;x/../y",
    "http://127.0.0.1:3000/x", "https://localhost:3000/x",
])
def test_links_elsewhere(server, link):
    problem = server.client(base="/links").post(
        "invitations/", {"email": fresh_email(), "platform_link": link}) \
        .expect_problem(400, "validation_failed")
    assert [fault["field"] for fault in problem["errors"]] == ["platform_link"]


def test_no_link_is_fine_where_links_are_limited(server):
    invite(server.client(base="/links"))


def test_one_is_pending_for_an_address(server, admin):
    email = f"kürt{next(NUMBERS)}@invited.example.com"
    invitation, secret = invite(admin, email)
    for spelling in (email, email.upper(), email.replace("@i", "@\uff29")):
        admin.post("invitations/", {"email": spelling}).expect_problem(409, "invitation_exists")
    assert accept(identified(server, email), secret).status == 200
    admin.delete("users/", {"user_uid": admin.everyone(email=email)[0]["user_uid"]}).expect(200)
    # An accepted one does not stand in the way.
    second, _ = invite(admin, email)
    assert second["invite_token"] != invitation["invite_token"]
    admin.delete("invitations/" + second["invite_token"]).expect(200)
    # Nor a revoked one.
    invite(admin, email)


def test_a_sub_admin_is_not_invited(admin):
    email = f"kate{next(NUMBERS)}@invited.example.com"
    user = admin.create(email)
    invite(admin, email)
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    other = admin.create(f"kora{next(NUMBERS)}@invited.example.com")
    admin.post("sub-admins/", {"user_uid": other["user_uid"]}).expect(201)
    for spelling in (other["email"], other["email"].title()):
        admin.post("invitations/", {"email": spelling}).expect_problem(409, "already_sub_admin")
    # A look-alike is somebody else.
    invite(admin, other["email"].replace("k", "\u043a", 1))


def test_invited_at_once_is_invited_once(server):
    client = server.admin
    email = fresh_email()
    results = in_parallel(24, lambda index: client.post(
        "invitations/", {"email": email.upper() if index % 2 else email}))
    assert sorted(result.status for result in results) == [201] + [409] * 23
    assert server.sql("SELECT COUNT(*) FROM invitations WHERE lower(email) = ?", email) == [(1,)]


# ---- secrets ----


def test_idempotent_answers_have_no_secret(server, admin):
    body = {"email": fresh_email(), "platform_link": "https://app.example.com/"}
    headers = {"Idempotency-Key": f"k{next(NUMBERS)}"}
    first = admin.post("invitations/", body, headers=headers).expect(201).json
    again = admin.post("invitations/", body, headers=headers).expect(201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == {"invitation": first["invitation"]}
    token = first["invitation"]["invite_token"]
    headers = {"Idempotency-Key": f"k{next(NUMBERS)}"}
    first = admin.post("invitations/resend", {"invite_token": token}, headers=headers) \
        .expect(200).json
    again = admin.post("invitations/resend", {"invite_token": token}, headers=headers).expect(200)
    assert again.json == {"invitation": first["invitation"]}
    # The replay made no new secret, and the one that was told holds.
    accept(identified(server, body["email"]), secret_of(first)).expect(200)


def test_secrets_are_nowhere(new_server):
    """Not in the database's files, not in the logs, not in the audit trail."""
    server = new_server(log_level="info usermgmt:trace8 http:trace8", extra=EXTRA)
    admin = server.admin
    secrets = []
    for number in range(6):
        email = fresh_email()
        body = {"email": email}
        if number % 2:
            body["platform_link"] = "https://app.example.com/"
        headers = {"Idempotency-Key": f"n{number}"} if number % 3 else {}
        answer = admin.post("invitations/", body, headers=headers).expect(201).json
        secrets.append(secret_of(answer))
        answer = admin.post("invitations/resend",
                            {"invite_token": answer["invitation"]["invite_token"]},
                            headers=headers and {"Idempotency-Key": f"r{number}"}) \
            .expect(200).json
        secrets.append(secret_of(answer))
        client = identified(server, email)
        accept(client, secrets[-2]).expect_problem(404, "invitation_not_found")
        accept(identified(server, fresh_email()), secrets[-1]).expect(403)
        if number % 2:
            client.post("invitations/accept", {"accept_token": secrets[-1]},
                        headers={"Idempotency-Key": "a"}).expect(200)
        client.post("invitations/accept", {"accept_token": secrets[-1], "x": 1}).expect(400)
    trail = admin.get("audit-events/", headers={"Accept": "application/x-ndjson"}).expect(200).raw
    assert trail.count(b'"invitations.') >= 15
    assert not [secret for secret in secrets if secret.encode() in trail]
    data = server.database.files()
    logs = list((server.directory / "logs").iterdir())
    assert data and {"error_log", "access_log"} <= {file.name for file in logs}
    files = data + logs
    for file in files:
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            # PostgreSQL's cache of the catalogue, which it throws away at any time.
            assert file.name == "pg_internal.init"
            continue
        for secret in secrets:
            plain = base64.urlsafe_b64decode(secret + "=")
            assert len(plain) == 32
            for form in (secret.encode(), plain, plain.hex().encode(),
                         base64.b64encode(plain).rstrip(b"=")):
                assert form not in content, file.name


def test_the_token_accepts_nothing(server, admin):
    email = fresh_email()
    invitation, secret = invite(admin, email)
    client = identified(server, email)
    digest = server.sql("SELECT secret_sha256 FROM invitation_secrets WHERE invite_token = ?",
                        invitation["invite_token"])[0][0]
    for guess in (invitation["invite_token"], digest, "", "x", secret[:-1], secret + "A",
                  secret.swapcase(), secret + "=", " " + secret, secret[::-1], "%", "' OR 1=1 --",
                  "x" * 4000):
        accept(client, guess).expect_problem(404, "invitation_not_found")
    accept(client, secret).expect(200)


# ---- links to the web console ----


@pytest.fixture(scope="module", name="public")
def _public(make_server):
    """A server with public URLs, one of which an inner Location has."""
    return make_server(extra=location("/inherits", "") + location(
        "/own", "UserMgmtPublicURL https://own.example.com:8443/a/b//") + location(
        "/root", "UserMgmtPublicURL https://root.example.com/") + location(
        "/off", "UserMgmtConsole Off") + location(
        "/links", "UserMgmtPlatformLinkAllow https://app.example.com/join") + """
        UserMgmtConsole On
        UserMgmtPublicURL https://main.example.com/um
        <Location "/own/invitations/resend">
            UserMgmtPublicURL https://inner.example.com
        </Location>""")


@pytest.mark.parametrize("base, url", [
    ("/inherits", "https://main.example.com/um"), ("/own", "https://own.example.com:8443/a/b"),
    ("/root", "https://root.example.com"), ("/links", "https://main.example.com/um")])
def test_without_a_platform_link_it_leads_to_the_console(public, base, url):
    admin = public.client(base=base, headers={"Host": "evil.example"})
    email = fresh_email()
    answer = admin.post("invitations/", {"email": email}).expect(201).json
    page = url + "/console/accept#"
    assert answer["accept_link"] == page + "accept_token=" + secret_of(answer)
    invitation = answer["invitation"]
    assert invitation["platform_link"] == page
    assert admin.get("invitations/" + invitation["invite_token"]).expect(200) \
        .json["invitation"] == invitation
    assert b"evil" not in admin.get("invitations/").expect(200).raw
    public.add_login(email)
    accept(public.client(email, base=base), secret_of(answer)).expect(200)


def test_a_platform_link_goes_before_the_console(public):
    admin = public.client(base="/own")
    for link, joint in (("https://app.example.com/join", "?"), ("https://app.example.com/?a=b", "&"),
                        ("https://app.example.com/join#", ""), ("https://app.example.com/?a#", ""),
                        # The page of another service's console.
                        ("https://other.example.com/um/console/accept#", "")):
        answer = admin.post("invitations/", {"email": fresh_email(), "platform_link": link}) \
            .expect(201).json
        assert answer["invitation"]["platform_link"] == link
        assert answer["accept_link"] == f"{link}{joint}accept_token={secret_of(answer)}"


def test_without_a_console_there_is_no_link(public, server):
    """Nor without a public URL."""
    for client in (public.client(base="/off"), server.admin):
        answer = client.post("invitations/", {"email": fresh_email(), "platform_link": None}) \
            .expect(201).json
        assert answer["invitation"]["platform_link"] is None
        assert set(answer) == {"invitation", "accept_token"}


def test_resend_follows_the_public_url(public):
    """An invitation that led to the console does, and one that led nowhere; others stay."""
    for base, link, then in (("/inherits", None, "https://inner.example.com/console/accept#"),
                             ("/off", None, "https://inner.example.com/console/accept#"),
                             ("/off", "https://app.example.com/join",
                              "https://app.example.com/join")):
        email = fresh_email()
        made = public.client(base=base).post("invitations/", {
            "email": email, "platform_link": link}).expect(201).json["invitation"]
        token = {"invite_token": made["invite_token"]}
        again = public.client(base="/own").post("invitations/resend", token).expect(200).json
        assert again["invitation"] == {**made, "platform_link": then,
                                       "expires_at": again["invitation"]["expires_at"]}
        assert again["accept_link"].startswith(then)
        # Where there is no console the page stays.
        last = public.client(base="/off").post("invitations/resend", token).expect(200).json
        assert last["invitation"]["platform_link"] == then
        public.add_login(email)
        accept(public.client(email, base=base), secret_of(again)) \
            .expect_problem(404, "invitation_not_found")
        accept(public.client(email, base=base), secret_of(last)).expect(200)


# ---- resend ----


def test_resend(server, admin):
    email = fresh_email()
    invitation, old = invite(admin, email, platform_link="https://app.example.com/")
    answer = admin.post("invitations/resend", {"invite_token": invitation["invite_token"]}) \
        .expect(200).json
    again, new = answer["invitation"], secret_of(answer)
    assert "accept_link" in answer and new != old
    assert again == {**invitation, "expires_at": again["expires_at"]}
    assert milliseconds(again["expires_at"]) >= milliseconds(invitation["expires_at"])
    client = identified(server, email)
    accept(client, old).expect_problem(404, "invitation_not_found")
    accept(client, new).expect(200)
    admin.post("invitations/resend", {"invite_token": invitation["invite_token"]}) \
        .expect_problem(409, "invitation_accepted")
    assert events(server, invitation["invite_token"]) == [
        "invitations.create", "invitations.resend", "invitations.accept"]


def test_what_can_not_be_resent(server, admin):
    invitation, _ = invite(admin)
    admin.delete("invitations/" + invitation["invite_token"]).expect(200)
    admin.post("invitations/resend", {"invite_token": invitation["invite_token"]}) \
        .expect_problem(409, "invitation_revoked")
    admin.post("invitations/resend", {"invite_token": "0" * 20}) \
        .expect_problem(404, "invitation_not_found")
    admin.post("invitations/resend").expect_faults(("invite_token", "required"))
    admin.post("invitations/resend", {"invite_token": 1}) \
        .expect_faults(("invite_token", "invalid_type"))
    admin.post("invitations/resend", {"invite_token": "a b", "email": "x"}) \
        .expect_faults(("invite_token", "invalid_uid"), ("email", "unknown_member"))
    email = fresh_email()
    invitation, _ = invite(admin, email)
    admin.post("sub-admins/", {"user_uid": admin.create(email)["user_uid"]}).expect(201)
    admin.post("invitations/resend", {"invite_token": invitation["invite_token"]}) \
        .expect_problem(409, "already_sub_admin")
    assert len(events(server, invitation["invite_token"])) == 1


def test_preconditions(server, admin):
    """Of an invitation that is sent again, accepted and removed, and of one that is to be
    made, which has no ETag."""
    body = {"email": fresh_email()}
    admin.post("invitations/", body, headers={"If-Match": "*"}) \
        .expect_problem(412, "precondition_failed")
    made = admin.post("invitations/", body, headers={"If-None-Match": "*"}).expect(201)
    first, again = made.headers["ETag"], {"invite_token": made.json["invitation"]["invite_token"]}
    for headers in ({"If-Match": '"x"'}, {"If-None-Match": "*"}, {"If-None-Match": first}):
        result = admin.post("invitations/resend", again, headers=headers)
        result.expect_problem(412, "precondition_failed")
        assert result.headers["ETag"] == first
    # Nothing was sent again: the secret still holds, and its bearer is bound by the tag, too.
    client = identified(server, body["email"])
    secret = {"accept_token": made.json["accept_token"]}
    client.post("invitations/accept", secret, headers={"If-Match": '"x"'}) \
        .expect_problem(412, "precondition_failed")
    time.sleep(0.002)
    second = admin.post("invitations/resend", again, headers={"If-Match": first}).expect(200)
    assert second.headers["ETag"] != first
    for headers in ({"If-Match": first}, {"If-None-Match": "*"}):
        admin.delete("invitations/", again, headers=headers) \
            .expect_problem(412, "precondition_failed")
    assert stored(server, again["invite_token"]) == ("pending", None)
    admin.delete("invitations/", again, headers={"If-Match": second.headers["ETag"]}).expect(200)
    admin.post("invitations/resend", again, headers={"If-Match": "*"}) \
        .expect_problem(409, "invitation_revoked")


def test_resent_at_once(server):
    """However many resend, one secret is left, and it is one of those told."""
    client = server.admin
    email = fresh_email()
    invitation, _ = invite(client, email)
    results = in_parallel(16, lambda index: client.post(
        "invitations/resend", {"invite_token": invitation["invite_token"]}).expect(200).json)
    caller = identified(server, email)
    statuses = [accept(caller, secret_of(result)).status for result in results]
    assert sorted(statuses) == [200] + [404] * 15


# ---- expiry ----


def test_it_expires_by_itself(server, admin):
    email = fresh_email()
    short = server.client(base="/short")
    invitation, secret = invite(short, email)
    assert milliseconds(invitation["expires_at"]) - milliseconds(invitation["created_at"]) == 200
    time.sleep(0.25)
    accept(identified(server, email), secret).expect_problem(409, "invitation_expired")
    # What it is is told by the clock: nothing has been written.
    assert stored(server, invitation["invite_token"]) == ("pending", None)
    # It can be sent again, with a new secret.
    answer = admin.post("invitations/resend", {"invite_token": invitation["invite_token"]}) \
        .expect(200).json
    assert answer["invitation"]["status"] == "pending"
    before, after = server.sql("SELECT before_json, after_json FROM audit_events WHERE target = ?"
                               " AND action = 'invitations.resend'",
                               invitation["invite_token"])[0]
    assert (json.loads(before)["status"], json.loads(after)["status"]) == ("expired", "pending")
    accept(identified(server, email), secret).expect_problem(404, "invitation_not_found")
    accept(identified(server, email), secret_of(answer)).expect(200)


def test_an_expired_one_stands_in_nobody_s_way(server, admin):
    email = fresh_email()
    old, old_secret = invite(server.client(base="/short"), email)
    time.sleep(0.25)
    new, secret = invite(admin, email)
    assert stored(server, old["invite_token"]) == ("expired", None)
    # Two can't be pending at once.
    admin.post("invitations/resend", {"invite_token": old["invite_token"]}) \
        .expect_problem(409, "invitation_exists")
    client = identified(server, email)
    accept(client, old_secret).expect_problem(409, "invitation_expired")
    accept(client, secret).expect(200)
    # One that has expired can be removed.
    admin.delete("invitations/" + old["invite_token"]).expect(200)
    assert stored(server, old["invite_token"]) == ("revoked", None)
    accept(client, old_secret).expect_problem(404, "invitation_not_found")
    assert stored(server, new["invite_token"])[0] == "accepted"


def test_an_older_expired_one_is_sent_again(server, admin):
    """Where the newer one is past its time too, though nobody has written that down."""
    email = fresh_email()
    short = server.client(base="/short")
    old, _ = invite(short, email)
    time.sleep(0.25)
    new, _ = invite(short, email)
    time.sleep(0.25)
    admin.post("invitations/resend", {"invite_token": old["invite_token"]}).expect(200)
    assert stored(server, new["invite_token"]) == ("expired", None)
    assert stored(server, old["invite_token"]) == ("pending", None)


# ---- remove ----


@pytest.mark.parametrize("in_path", [True, False])
def test_remove(server, admin, in_path):
    email = fresh_email()
    invitation, secret = invite(admin, email)
    token = invitation["invite_token"]
    before = admin.get("organization-status/").json["pending_invitation_count"]
    result = admin.delete("invitations/" + (token if in_path else ""),
                          None if in_path else {"invite_token": token}).expect(200)
    assert result.json == {"message": "Invitation removed successfully."}
    assert admin.get("organization-status/").json["pending_invitation_count"] == before - 1
    accept(identified(server, email), secret).expect_problem(404, "invitation_not_found")
    for path, body in (("invitations/" + token, None), ("invitations/", {"invite_token": token})):
        admin.delete(path, body).expect_problem(404, "invitation_not_found")
    assert events(server, token) == ["invitations.create", "invitations.revoke"]


def test_what_can_not_be_removed(server, admin):
    email = fresh_email()
    invitation, secret = invite(admin, email)
    accept(identified(server, email), secret).expect(200)
    admin.delete("invitations/" + invitation["invite_token"]) \
        .expect_problem(409, "invitation_accepted")
    admin.delete("invitations/").expect_faults(("invite_token", "required"))
    admin.delete("invitations/", {"invite_token": [1]}) \
        .expect_faults(("invite_token", "invalid_type"))
    admin.delete("invitations/" + "0" * 20, {"invite_token": invitation["invite_token"]}) \
        .expect_faults(("invite_token", "read_only"))
    admin.delete("invitations/" + "0" * 20, {"email": email}) \
        .expect_faults(("email", "unknown_member"))
    # The secret names nothing that could be removed.
    admin.delete("invitations/" + secret).expect_problem(404, "invitation_not_found")


def test_removed_at_once_is_removed_once(server):
    client = server.admin
    invitation, _ = invite(client)
    results = in_parallel(20, lambda index: client.delete(
        "invitations/" + invitation["invite_token"]))
    assert sorted(result.status for result in results) == [200] + [404] * 19
    assert events(server, invitation["invite_token"]) == ["invitations.create",
                                                          "invitations.revoke"]


# ---- list ----


@pytest.fixture(scope="module")
def many(server):
    """An organization with invitations of all kinds: token → what it reads as, in order."""
    server.sql("INSERT INTO organizations (name, created_at) VALUES ('many', 0)")
    headers = {"X-Organization": "many", "X-Identity": ADMIN}
    admin = server.client(base="/organizations", headers=headers)
    made = {}
    for number in range(24):
        kind = ("pending", "accepted", "revoked", "expired", "stored expired")[number % 5]
        invitation, secret = invite(admin, f"many{number}@invited.example.com")
        token = invitation["invite_token"]
        made[token] = kind.split()[-1]
        if kind == "accepted":
            accept(server.client(NOBODY, base="/organizations", headers={
                **headers, "X-Identity": invitation["email"]}), secret).expect(200)
        elif kind == "revoked":
            admin.delete("invitations/" + token).expect(200)
        elif kind != "pending":
            server.sql("UPDATE invitations SET expires_at = created_at + 1, status = ?"
                       " WHERE invite_token = ?", "pending" if kind == "expired" else "expired",
                       token)
    assert list(made) == sorted(made)
    return admin, made


def listed(result):
    return [invitation["invite_token"] for invitation in result.json["invitations"]]


def test_the_list_is_of_the_pending_ones(many):
    admin, made = many
    pending = [token for token, status in made.items() if status == "pending"]
    result = admin.get("invitations/").expect(200)
    assert list(result.json) == ["query_count", "invitations", "first_token", "last_token",
                                 "has_more", "next_cursor", "prev_cursor"]
    assert listed(result) == pending[:5] and result.json["query_count"] == len(pending) == 5
    assert (result.json["first_token"], result.json["last_token"]) == (pending[0], pending[4])
    for invitation in result.json["invitations"]:
        assert list(invitation) == MEMBERS and invitation["status"] == "pending"
    assert admin.get("organization-status/").json["pending_invitation_count"] == 5


@pytest.mark.parametrize("status", ["pending", "accepted", "expired", "revoked", "all"])
def test_the_list_by_status(many, status):
    admin, made = many
    wanted = [token for token, kind in made.items() if status in (kind, "all")]
    result = admin.get("invitations/", query={"status": status, "limit": 1000}).expect(200)
    assert listed(result) == wanted and result.json["query_count"] == len(wanted)
    for invitation in result.json["invitations"]:
        assert invitation["status"] == made[invitation["invite_token"]]
        assert (invitation["accepted_at"] is not None) == (invitation["status"] == "accepted")
    # Page by page, there and back.
    seen, result = [], admin.get("invitations/", query={"status": status, "limit": 2})
    while True:
        seen += listed(result)
        if "next" not in result.links:
            break
        assert f"status={status}" in result.links["next"]
        result = admin.follow(result, "next").expect(200)
    assert seen == wanted
    back = listed(result)
    while "prev" in result.links:
        result = admin.follow(result, "prev").expect(200)
        back = listed(result) + back
    assert back == wanted


def test_the_list_by_address(server, admin):
    """By its key, as addresses are compared everywhere; of pending ones unless asked."""
    email = f"Büro{next(NUMBERS)}@BÜCHER.example"
    tokens = []
    for _ in range(3):
        tokens.append(invite(admin, email)[0]["invite_token"])
        admin.delete("invitations/" + tokens[-1]).expect(200)
    tokens.append(invite(admin, email)[0]["invite_token"])
    invite(admin)

    def found(**query):
        result = admin.get("invitations/", query=query).expect(200)
        assert result.json["query_count"] == len(result.json["invitations"])
        return [each["invite_token"] for each in result.json["invitations"]]

    for text in (email, email.replace("B", "b"), email.replace("BÜCHER", "xn--bcher-kva")):
        assert found(email=text) == tokens[3:]
        assert found(email=text, status="all") == tokens
        assert found(email=text, status="revoked") == tokens[:3]
        assert found(email=text, status="expired") == []
    server.sql("UPDATE invitations SET expires_at = 1 WHERE invite_token = ?", tokens[3])
    assert found(email=email) == []
    assert found(email=email, status="expired") == tokens[3:]
    assert found(email=email.replace("ü", "u"), status="all") == []
    assert found(email="Büro", status="all") == []
    first = admin.get("invitations/", query={"email": email, "status": "all", "limit": 3})
    assert first.json["has_more"] and first.json["query_count"] == 4
    last = admin.follow(first, "next").json
    assert [each["invite_token"] for each in last["invitations"]] == tokens[3:]
    admin.get("invitations/", query={"email": "a b@example.com"}) \
        .expect_faults(("email", "invalid_value"))


def test_cursors(many):
    admin, made = many
    tokens = list(made)

    def get(**query):
        return listed(admin.get("invitations/", query={"status": "all", **query}).expect(200))

    assert get(start_after_id=tokens[3]) == tokens[4:9]
    assert get(end_before_id=tokens[12]) == tokens[7:12]
    assert get(start_after_id=tokens[3], end_before_id=tokens[6], limit=9) == tokens[4:6]
    # A cursor need not be of the status that is listed.
    revoked = [token for token, status in made.items() if status == "revoked"]
    assert get(start_after_id=tokens[8], status="revoked") == [
        token for token in revoked if token > tokens[8]][:5]
    result = admin.get("invitations/", query={"status": "all", "start_after_id": tokens[-1]})
    assert result.json["invitations"] == [] and result.json["query_count"] == 24
    assert result.json["first_token"] is None and set(result.links) == {"prev"}
    assert listed(admin.follow(result, "prev").expect(200)) == tokens[-5:]
    result = admin.get("invitations/", query={"count": "none"}).expect(200)
    assert "query_count" not in result.json
    etag = result.headers["ETag"]
    admin.get("invitations/", query={"count": "none"}, headers={"If-None-Match": etag}).expect(304)


@pytest.mark.parametrize("query, fault", [
    ("status=", ("status", "invalid_value")), ("status=Pending", ("status", "invalid_value")),
    ("status=pending,expired", ("status", "invalid_value")),
    ("status=all&status=all", ("status", "duplicate_parameter")),
    ("phone=1", ("phone", "unknown_parameter")),
    ("invite_token=x", ("invite_token", "unknown_parameter")),
    ("order_by=email", ("order_by", "unknown_parameter")), ("limit=0", ("limit", "invalid_value")),
    ("limit=1001", ("limit", "invalid_value")),
    ("start_after_id=%27", ("start_after_id", "invalid_value")),
])
def test_wrong_parameters_of_the_list(server, query, fault):
    server.admin.send("GET", "/user-management/invitations/?" + query).expect_faults(fault)


def test_one_expires_from_list_to_list(server):
    """Nothing but time passes between the two."""
    admin = server.client(base="/short")
    invitation, _ = invite(admin)
    token = invitation["invite_token"]

    def tokens(status):
        return listed(admin.get("invitations/", query={"status": status, "limit": 1000}))

    if time.time() * 1000 < milliseconds(invitation["expires_at"]) - 50:
        assert token in tokens("pending") and token not in tokens("expired")
    before = server.sql("SELECT * FROM invitations WHERE invite_token = ?", token)
    time.sleep(0.25)
    assert token in tokens("expired") and token not in tokens("pending")
    assert server.sql("SELECT * FROM invitations WHERE invite_token = ?", token) == before


def test_lists_show_no_secret(server, admin):
    secrets = [invite(admin)[1] for _ in range(3)]
    raw = admin.get("invitations/", query={"status": "all", "limit": 1000}).expect(200).raw
    assert all(secret.encode() not in raw for secret in secrets) and b"accept_" not in raw.replace(
        b"accepted_at", b"")


def test_a_list_while_much_changes(server):
    """Each page is of one moment: no entry of another status, none twice."""
    client = server.admin

    def work(index):
        for _ in range(6):
            if index % 2:
                result = client.get("invitations/", query={"limit": 1000}).expect(200)
                assert {each["status"] for each in result.json["invitations"]} <= {"pending"}
                assert len(set(listed(result))) == len(listed(result))
            else:
                invitation, _ = invite(client)
                client.delete("invitations/" + invitation["invite_token"]).expect(200)

    in_parallel(12, work)


# ---- accept ----


def test_accept_makes_user_and_sub_admin(server, admin):
    email = f"Mia.Müller{next(NUMBERS)}@Invited.Example.com"
    invitation, secret = invite(admin, email)
    client = identified(server, email.replace("Mia", "MIA"))
    client.get("users/").expect_problem(403, "forbidden")
    users = admin.get("organization-status/").json["user_count"]
    result = accept(client, secret).expect(200)
    assert result.json == {"message": "Invitation accepted successfully.",
                           "organization": "default", "role": "sub_admin"}
    user = admin.everyone(email=email)[0]
    assert user == {"user_uid": user["user_uid"], "email": email,
                    "display_name": email.partition("@")[0], "role": "sub_admin",
                    "active": True, "created_at": user["created_at"], "updated_at": user["created_at"]}
    assert admin.get("organization-status/").json["user_count"] == users + 1
    # At once, whichever process is asked.
    for _ in range(8):
        status = client.get("organization-status/", fresh=True).expect(200).json
        assert (status["role"], status["user_uid"]) == ("sub_admin", user["user_uid"])
    entry = [entry for entry in admin.get("sub-admins/", query={"limit": 1000})
             .json["sub_admins"] if entry["user_uid"] == user["user_uid"]][0]
    assert entry["added_by"] == ADMIN
    state, accepted_at = stored(server, invitation["invite_token"])
    assert state == "accepted" and abs(accepted_at - time.time() * 1000) < 10000
    assert events(server, invitation["invite_token"]) == ["invitations.create",
                                                          "invitations.accept"]
    assert events(server, user["user_uid"]) == ["users.create", "sub_admins.create"]
    actor = server.sql("SELECT DISTINCT actor_identity, actor_role FROM audit_events"
                       " WHERE target = ?", user["user_uid"])
    assert actor == [(email.replace("Mia", "MIA"), "none")]
    after = json.loads(server.sql(
        "SELECT after_json FROM audit_events WHERE target = ? AND action = 'invitations.accept'",
        invitation["invite_token"])[0][0])
    assert after["status"] == "accepted" and milliseconds(after["accepted_at"]) == accepted_at
    assert server.sql("SELECT COUNT(*) FROM invitation_secrets WHERE invite_token = ?",
                      invitation["invite_token"]) == [(0,)]


def test_accept_raises_the_user_that_is_there(server, admin):
    email = fresh_email()
    user = admin.create(email, "Her Own Name", phone="+41 44 1", shoeSize="7")
    _, secret = invite(admin, email.title())
    accept(identified(server, email.upper()), secret).expect(200)
    assert admin.read(user["user_uid"]) == {**user, "role": "sub_admin"}


def test_a_sub_admin_can_accept(server, admin):
    email = fresh_email()
    invitation, secret = invite(admin, email)
    user = admin.create(email)
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    accept(identified(server, email), secret).expect(200)
    assert stored(server, invitation["invite_token"])[0] == "accepted"
    assert admin.get("users/", query={"email": email}).json["query_count"] == 1


@pytest.mark.parametrize("login", [ADMIN, SUB_ADMIN])
def test_one_with_a_role_by_configuration_can_accept(server, admin, login):
    _, secret = invite(admin, login)
    accept(server.client(login), secret).expect(200)
    user = admin.everyone(email=login)[0]
    assert user["role"] == "sub_admin"
    admin.delete("users/" + user["user_uid"]).expect(200)
    assert server.client(login).get("organization-status/").expect(200).json["role"] \
        == ("admin" if login == ADMIN else "sub_admin")


def test_only_the_invited_accepts(server, admin):
    email = f"kai{next(NUMBERS)}@invited.example.com"
    invitation, secret = invite(admin, email)
    for identity in (fresh_email(), "x" + email, email + ".evil.example", email.replace("@", "%"),
                     email.replace("k", "\u212a", 1), email.replace("a", "\u0430", 1), "kai"):
        accept(identified(server, identity), secret).expect_problem(403, "not_invited")
    accept(server.admin, secret).expect_problem(403, "not_invited")
    assert stored(server, invitation["invite_token"]) == ("pending", None)
    accept(identified(server, email), secret).expect(200)
    assert admin.get("users/", query={"email": email}).json["query_count"] == 1


def test_one_without_an_identity_accepts_nothing(server, admin):
    email = fresh_email()
    _, secret = invite(admin, email)
    for identity in ("", "x" * 600):
        accept(identified(server, identity), secret).expect_problem(403, "forbidden")
    accept(server.client(base="/as"), secret).expect_problem(403, "forbidden")
    accept(server.client(None), secret).expect(401)
    accept(identified(server, email), secret).expect(200)


def test_a_look_alike_takes_nobody_s_place(server, admin):
    """Folded in full, its address would be that of another user."""
    email = f"strasse{next(NUMBERS)}@invited.example.com"
    other = admin.create(email, "S")
    twin = email.replace("ss", "ß")
    _, secret = invite(admin, twin)
    accept(identified(server, email), secret).expect_problem(403, "not_invited")
    accept(identified(server, twin.upper()), secret).expect_problem(403, "not_invited")
    accept(identified(server, twin.replace("ß", "ẞ")), secret).expect(200)
    assert admin.read(other["user_uid"]) == other
    identified(server, email).get("users/").expect_problem(403, "forbidden")
    identified(server, twin).get("users/").expect(200)


def test_match_off(server, admin):
    email, identity = fresh_email(), fresh_email()
    invitation, secret = invite(admin, email)
    accept(identified(server, identity), secret).expect_problem(403, "not_invited")
    for nobody in ("jdoe", "CN=J Doe", "j@", "j d@example.com"):
        accept(identified(server, nobody, base="/anyone"), secret).expect_problem(403, "no_email")
    accept(identified(server, identity, base="/anyone"), secret).expect(200)
    # The role is the one's who accepted.
    assert admin.everyone(email=identity)[0]["role"] == "sub_admin"
    assert admin.everyone(email=email) == []
    identified(server, identity).get("users/").expect(200)
    assert stored(server, invitation["invite_token"])[0] == "accepted"
    # The invited address can do so as well, and keeps its spelling.
    email = f"Otto{next(NUMBERS)}@invited.example.com"
    _, secret = invite(admin, email)
    accept(identified(server, email.lower(), base="/anyone"), secret).expect(200)
    assert admin.everyone(email=email)[0]["email"] == email


@pytest.mark.parametrize("body, faults", [
    ({}, [("accept_token", "required")]),
    ({"accept_token": None}, [("accept_token", "required")]),
    ({"accept_token": 1}, [("accept_token", "invalid_type")]),
    ({"token": "x"}, [("accept_token", "required"), ("token", "unknown_member")]),
    ({"accept_token": "x", "email": "a@example.com"}, [("email", "unknown_member")]),
])
def test_bad_bodies_of_accept(server, body, faults):
    server.nobody.post("invitations/accept", body).expect_faults(*faults)


def test_a_secret_in_the_url_is_not_taken(server, admin):
    email = fresh_email()
    _, secret = invite(admin, email)
    client = identified(server, email)
    client.post("invitations/accept", query={"accept_token": secret}) \
        .expect_faults(("accept_token", "unknown_parameter"), ("accept_token", "required"))
    client.get("invitations/accept", query={"accept_token": secret}) \
        .expect_problem(405, "method_not_allowed")
    accept(client, secret).expect(200)


@pytest.mark.parametrize("number", range(4))
def test_accepted_at_once_is_accepted_once(server, admin, number):
    email = fresh_email()
    if number % 2:
        admin.create(email)
    invitation, secret = invite(admin, email)
    client = identified(server, email)
    results = in_parallel(32, lambda index: accept(client, secret))
    assert sorted(result.status for result in results) == [200] + [404] * 31, results
    assert admin.get("users/", query={"email": email}).json["query_count"] == 1
    user = admin.everyone(email=email)[0]
    assert user["role"] == "sub_admin"
    assert events(server, invitation["invite_token"]) == ["invitations.create",
                                                          "invitations.accept"]
    assert events(server, user["user_uid"]) == ["users.create", "sub_admins.create"]


def test_accept_against_remove_and_resend(server, admin):
    """One of them wins; whoever is told of a success finds it true."""
    for _ in range(6):
        email = fresh_email()
        invitation, secret = invite(admin, email)
        token = invitation["invite_token"]
        client, chief = identified(server, email), server.admin

        def work(index, client=client, chief=chief, secret=secret, token=token):
            if index % 3 == 0:
                return accept(client, secret)
            if index % 3 == 1:
                return chief.delete("invitations/" + token)
            return chief.post("invitations/resend", {"invite_token": token})

        results = in_parallel(9, work)
        accepted = [result.status for result in results[::3]].count(200)
        removed = [result.status for result in results[1::3]].count(200)
        assert accepted + removed == 1, results
        assert stored(server, token)[0] == ("accepted" if accepted else "revoked")
        assert admin.get("users/", query={"email": email}).json["query_count"] == accepted
        assert server.sql("SELECT COUNT(*) FROM invitation_secrets WHERE invite_token = ?",
                          token) == [(0,)]


def test_accept_is_idempotent_with_a_key(server, admin):
    email = fresh_email()
    _, secret = invite(admin, email)
    client = identified(server, email)
    headers = {"Idempotency-Key": "accept"}
    first = client.post("invitations/accept", {"accept_token": secret}, headers=headers)
    again = client.post("invitations/accept", {"accept_token": secret}, headers=headers)
    assert (first.status, again.status) == (200, 200) and first.raw == again.raw


def test_several_secrets_of_one_invitation(server, admin):
    """Each of them accepts, and all of them end together."""
    email = fresh_email()
    invitation, secret = invite(admin, email)
    other, other_secret = invite(admin)
    server.sql("UPDATE invitation_secrets SET invite_token = ? WHERE invite_token = ?",
               invitation["invite_token"], other["invite_token"])
    client = identified(server, email)
    accept(client, other_secret).expect(200)
    accept(client, secret).expect_problem(404, "invitation_not_found")


# ---- who may ----


def test_who_may(server, admin):
    invitation, _ = invite(admin)
    token = invitation["invite_token"]
    before = server.sql("SELECT COUNT(*) FROM audit_events")
    for base in ("/user-management", "/readers", "/nothing"):
        for login in (SUB_ADMIN, NOBODY):
            client = server.client(login, base=base)
            for method, path, body in (
                    ("POST", "invitations/", {"email": fresh_email()}),
                    ("POST", "invitations/resend", {"invite_token": token}),
                    ("DELETE", "invitations/" + token, None),
                    ("DELETE", "invitations/", {"invite_token": token})):
                client.ask(method, path, body).expect_problem(403, "forbidden")
            result = client.get("invitations/")
            if (base, login) == ("/readers", SUB_ADMIN):
                result.expect(200)
            else:
                result.expect_problem(403, "forbidden")
            accept(client, "x").expect_problem(404, "invitation_not_found")
    assert server.sql("SELECT COUNT(*) FROM audit_events") == before


def test_a_change_from_another_site_is_refused(server, admin):
    email = fresh_email()
    _, secret = invite(admin, email)
    client = identified(server, email)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        client.post("invitations/accept", {"accept_token": secret}, headers=headers) \
            .expect_problem(403, "cross_site")
    client.post("invitations/accept", json.dumps({"accept_token": secret}),
                headers={"Content-Type": "text/plain"}).expect(415)
    accept(client, secret).expect(200)


def test_organizations_are_apart(server):
    def of(organization, login=ADMIN, identity=ADMIN):
        return server.client(login, base="/organizations", headers={
            "X-Organization": organization, "X-Identity": identity})

    red, blue = of("red"), of("blue")
    email = fresh_email()
    theirs, secret = invite(blue, email)
    mine, my_secret = invite(red, email)
    before = server.sql("SELECT * FROM invitations WHERE invite_token = ?",
                        theirs["invite_token"])
    for method, path, body in (
            ("DELETE", "invitations/" + theirs["invite_token"], None),
            ("DELETE", "invitations/", {"invite_token": theirs["invite_token"]}),
            ("POST", "invitations/resend", {"invite_token": theirs["invite_token"]}),
            ("POST", "invitations/accept", {"accept_token": secret})):
        result = red.ask(method, path, body)
        result.expect_problem(404, "invitation_not_found")
        unknown = json.loads(json.dumps(body).replace(theirs["invite_token"], "0" * 20))
        assert red.ask(method, path.replace(theirs["invite_token"], "0" * 20),
                       unknown).raw == result.raw
    invited = of("red", NOBODY, email)
    accept(invited, secret).expect_problem(404, "invitation_not_found")
    of("green", NOBODY, email).post("invitations/accept", {"accept_token": secret}) \
        .expect_problem(403, "no_organization")
    assert server.sql("SELECT * FROM invitations WHERE invite_token = ?",
                      theirs["invite_token"]) == before
    assert accept(invited, my_secret).expect(200).json["organization"] == "red"
    invited.get("users/").expect(200)
    of("blue", NOBODY, email).get("users/").expect_problem(403, "forbidden")
    assert blue.get("organization-status/").json["pending_invitation_count"] == 1
    assert red.get("organization-status/").json["pending_invitation_count"] == 0
    for token in (theirs["invite_token"], mine["invite_token"]):
        # A cursor is a place in one's own list, whosever it is.
        page = red.get("invitations/", query={"status": "all", "end_before_id": token}).json
        assert {each["invite_token"] for each in page["invitations"]} <= {mine["invite_token"]}
    assert listed(red.get("invitations/", query={"status": "all"})) == [mine["invite_token"]]
    assert listed(blue.get("invitations/", query={"status": "all"})) == [theirs["invite_token"]]
    assert red.get("invitations/", query={"status": "pending"}).json["query_count"] == 0


def test_methods(admin):
    for path, allow in (("invitations/resend", "POST, OPTIONS"),
                        ("invitations/accept/", "POST, OPTIONS"),
                        ("invitations/" + "0" * 20, "GET, HEAD, DELETE, OPTIONS")):
        assert admin.ask("OPTIONS", path).expect(204).headers["Allow"] == allow
        for method in {"PUT", "PATCH", "GET"} - set(allow.split(", ")):
            result = admin.ask(method, path)
            result.expect_problem(405, "method_not_allowed")
            assert result.headers["Allow"] == allow
    admin.get("invitations/a/b").expect_problem(404, "not_found")


def test_the_log_notes(server, admin):
    email = fresh_email()
    invitation, secret = invite(admin, email)
    token = invitation["invite_token"]
    accept(identified(server, email), secret).expect(200)
    accept(identified(server, email), secret).expect(404)
    admin.delete("invitations/" + token).expect(409)
    expected = [
        f"POST /user-management/invitations/ 201 invitations.create default admin {token} ok",
        f"POST /as/invitations/accept 200 invitations.accept default none {token} ok",
        "POST /as/invitations/accept 404 invitations.accept default sub_admin -"
        " invitation_not_found",
        f"DELETE /user-management/invitations/{token} 409 invitations.revoke default admin {token}"
        " invitation_accepted",
    ]
    wait_for(lambda: set(expected) <= set(server.access_lines()), 5, "the lines of the log")


# ---- configuration ----


@pytest.mark.parametrize("line, said", [
    ("UserMgmtInvitationTTL 0", "is no time"),
    ("UserMgmtInvitationTTL -5", "is no time"),
    ("UserMgmtInvitationTTL week", "is no time"),
    ("UserMgmtInvitationTTL 31536001", "is no time"),
    ("UserMgmtInvitationTTL", "UserMgmtInvitationTTL"),
    ("UserMgmtInvitationMatch maybe", "UserMgmtInvitationMatch must be On or Off"),
    ("UserMgmtPlatformLinkAllow", "UserMgmtPlatformLinkAllow"),
    ("UserMgmtPlatformLinkAllow app.example.com", "is no prefix of links"),
    ("UserMgmtPlatformLinkAllow http://app.example.com/", "is no prefix of links"),
    ("UserMgmtPlatformLinkAllow https://*.example.com/", "is no prefix of links"),
    ("UserMgmtPlatformLinkAllow https://a.example.com https://b.example.com/?x",
     "is no prefix of links"),
])
def test_bad_values_are_refused(new_server, line, said):
    new_server(start=False, location=line).expect_config_error(said)


@pytest.mark.parametrize("line", [
    "UserMgmtInvitationTTL 1", "UserMgmtInvitationTTL 31536000", "UserMgmtInvitationTTL 48h",
    "UserMgmtInvitationTTL 30min", "UserMgmtInvitationTTL 1ms", "UserMgmtInvitationMatch Off",
    "UserMgmtPlatformLinkAllow https://a.example.com/x/ http://localhost:3000",
])
def test_good_values_are_taken(new_server, line):
    code, said = new_server(start=False, location=line).configtest()
    assert code == 0 and "Syntax OK" in said, said
