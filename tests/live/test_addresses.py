# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Which texts are addresses, and which of them are the same: one rule, wherever
addresses are compared."""

import itertools
import json

import pytest
from usermgmt_env import ADMIN, NOBODY, wait_for
from usermgmtctl import DatabaseOf

NUMBERS = itertools.count()
KELVIN = "\u212a"

# Pairs of spellings; ^ is the @, in front of which each test puts a number of its own.
SAME = [
    ("Ann.B+x^Example.COM", "aNN.b+X^eXample.com"),
    ("Ännchen^example.com", "äNNCHEN^example.com"),
    ("ΣΊΣΥΦΟΣ^example.com", "σίσυφος^example.com"),
    ("STRAẞE^example.com", "straße^example.com"),
    ("\u13a0^example.com", "\uab70^example.com"),
    ("J\u030cin^example.com", "\u01f0IN^example.com"),
    ("ann^bücher.example", "ann^XN--BCHER-KVA.example"),
    ("ann^bücher.example", "ann^BU\u0308CHER.EXAMPLE"),
    ("ann^faß.example", "ann^xn--fa-hia.example"),
    ("ann^example.com", "ann^ｅxample。com"),
    ("ann^example.com", "ann^exam\u00adple.com"),
    ("ann^kelvin.example", f"ann^{KELVIN}elvin.example"),
]

# Pairs that look the same, or did count as the same.
DIFFERENT = [
    ("straße^example.com", "strasse^example.com"),
    ("iris^example.com", "ırıs^example.com"),
    ("iris^example.com", "İris^example.com"),
    ("ann^example.com", "\u0430nn^example.com"),
    ("ann^faß.example", "ann^fass.example"),
    ("ann^example.com", "ann^example.com.de"),
    ("a.nn^example.com", "ann^example.com"),
    ("ann+x^example.com", "ann^example.com"),
]

# What is no address, and an address that it could be taken for; why.
NONE = [
    (KELVIN + "arl^example.com", "karl^example.com", "U+212A"),
    ("\uff41nn^example.com", "ann^example.com", "U+FF41"),
    ("ſam^example.com", "sam^example.com", "U+017F"),
    ("ﬁn^example.com", "fin^example.com", "U+FB01"),
    ("a\u200bnn^example.com", "ann^example.com", "U+200B"),
    ("ann\u00ad^example.com", "ann^example.com", "U+00AD"),
    ("\ufeffann^example.com", "ann^example.com", "U+FEFF"),
    ("ann\u202e^example.com", "ann^example.com", "U+202E"),
    ("ann\u3164^example.com", "ann^example.com", "U+3164"),
    ("ann\u2800^example.com", "ann^example.com", "U+2800"),
    ("ann\ufe0f^example.com", "ann^example.com", "U+FE0F"),
    ("ann\u00a0^example.com", "ann^example.com", "U+00A0"),
    ("Zoe\u0308^example.com", "zoë^example.com", "NFKC"),
    ("ann^a\uff1eb.example.com", "ann^ab.example.com", "domain"),
    ("ann^exa_mple.com", "ann^example.com", "domain"),
    ("ann^exa mple.com", "ann^example.com", "domain"),
    ("ann^example.com.", "ann^example.com", "domain"),
    ("ann^example..com", "ann^example.com", "domain"),
    ("ann^a\uff0fb.example", "ann^ab.example", "domain"),
    ("ann^a\u226eb.example", "ann^ab.example", "domain"),
    ("ann^xn--abc.example", "ann^abc.example", "domain"),
    ("ann^-example.com", "ann^example.com", "domain"),
    ("ann^127.0.0.1", "ann^localhost", "domain"),
    ("ann^[127.0.0.1]", "ann^localhost", "brackets"),
    ("ann^" + "a" * 64 + ".example", "ann^a.example", "domain"),
    ("ann^" + "ü" * 60 + ".example", "ann^u.example", "domain"),
]


def numbered(*texts):
    """With a number of their own before the @."""
    number = next(NUMBERS)
    return [text.replace("^", f"{number}@", 1) for text in texts]


EXTRA = f"""
    <Location "/as">
        SetHandler usermgmt
        @AUTH@
        Require valid-user
        UserMgmtIdentity "%{{HTTP:X-Identity}}"
        UserMgmtAdmin user {ADMIN}
    </Location>
    <Location "/anyone">
        SetHandler usermgmt
        @AUTH@
        Require valid-user
        UserMgmtIdentity "%{{HTTP:X-Identity}}"
        UserMgmtInvitationMatch Off
    </Location>
    <Location "/page.txt">
        @AUTH@
        Require valid-user
        UserMgmtIdentity "%{{HTTP:X-Identity}}"
        UserMgmtActivity reading
    </Location>
    UserMgmtSessionFlush 1
    """


@pytest.fixture(scope="module")
def server(make_server):
    return make_server(extra=EXTRA)


def identified(server, identity, login=NOBODY, base="/as"):
    return server.client(login, base=base,
                         headers={"X-Identity": identity.encode().decode("latin-1")})


def create(client, email):
    return client.post("users/", {"email": email, "display_name": "A"})


def uids(client, **query):
    return [user["user_uid"] for user in client.everyone(**query)]


# ---- the same ----


@pytest.mark.parametrize("one, other", SAME)
def test_one_address_is_one_user(admin, one, other):
    one, other = numbered(one, other)
    user = admin.create(one)
    assert user["email"] == one
    create(admin, other).expect_problem(409, "email_exists")
    second = admin.create(numbered("x^example.com")[0])
    admin.put("users/" + second["user_uid"], {"email": other}).expect_problem(409, "email_exists")
    assert uids(admin, email=other) == uids(admin, email=one) == [user["user_uid"]]
    assert user["user_uid"] in uids(admin, q=other)
    # It is kept as it was sent last.
    admin.put("users/" + user["user_uid"], {"email": other}).expect(200)
    assert admin.read(user["user_uid"])["email"] == other
    assert uids(admin, email=one) == [user["user_uid"]]


@pytest.mark.parametrize("one, other", SAME)
def test_one_address_is_one_caller(server, admin, one, other):
    one, other = numbered(one, other)
    user = admin.create(one)
    caller = identified(server, other)
    caller.get("users/").expect_problem(403, "forbidden")
    appointed = admin.post("sub-admins/", {"email": other}).expect(201).json["sub_admin"]
    assert appointed["user_uid"] == user["user_uid"] and appointed["email"] == one
    for identity in (one, other):
        status = identified(server, identity).get("organization-status/").expect(200).json
        assert (status["role"], status["user_uid"]) == ("sub_admin", user["user_uid"])
    admin.post("invitations/", {"email": other}).expect_problem(409, "already_sub_admin")
    admin.delete("sub-admins/" + user["user_uid"]).expect(200)
    caller.get("users/").expect_problem(403, "forbidden")


@pytest.mark.parametrize("one, other", SAME)
def test_one_address_is_invited_once_and_accepts(server, admin, one, other):
    one, other = numbered(one, other)
    secret = admin.post("invitations/", {"email": one}).expect(201).json["accept_token"]
    admin.post("invitations/", {"email": other}).expect_problem(409, "invitation_exists")
    caller = identified(server, other)
    caller.post("invitations/accept", {"accept_token": secret}).expect(200)
    [user] = admin.everyone(email=other)
    assert (user["email"], user["role"]) == (one, "sub_admin")
    assert caller.get("organization-status/").expect(200).json["user_uid"] == user["user_uid"]


@pytest.mark.parametrize("one, other", SAME)
def test_one_admin_is_protected(server, admin, one, other):
    one, other, plain = numbered(one, other, "x^example.com")
    chief = identified(server, one, login=ADMIN)
    uid = chief.get("organization-status/").expect(200).json["user_uid"]
    assert identified(server, other, login=ADMIN).get("organization-status/") \
        .expect(200).json["user_uid"] == uid
    create(server.sub_admin, other).expect_problem(403, "protected_user")
    user = admin.create(plain)
    server.sub_admin.put("users/" + user["user_uid"], {"email": other}) \
        .expect_problem(403, "protected_user")
    protected = admin.create(other)
    server.sub_admin.put("users/" + protected["user_uid"], {"n": 1}) \
        .expect_problem(403, "protected_user")


@pytest.mark.parametrize("one, other", SAME)
def test_one_caller_has_one_trail(server, one, other):
    """Kept answers and audit events."""
    one, other, made = numbered(one, other, "x^example.com")
    headers = {"Idempotency-Key": made}
    body = {"email": made, "display_name": "A"}
    first = identified(server, one, login=ADMIN).post("users/", body, headers=headers).expect(201)
    again = identified(server, other, login=ADMIN).post("users/", body, headers=headers) \
        .expect(201)
    assert again.headers["Idempotency-Replayed"] == "true" and again.raw == first.raw
    events = server.admin.get("audit-events/", query={"actor": other}).expect(200).json
    assert [event["actor"]["identity"] for event in events["audit_events"]] == [one]


def test_one_user_has_one_session(server, admin):
    pairs = [numbered(*pair) for pair in SAME]
    users = [admin.create(one)["user_uid"] for one, _ in pairs]
    for pair in pairs:
        for identity in pair:
            identified(server, identity, base="").get("page.txt").expect(200)

    def counted():
        return [server.sql("SELECT COUNT(*) FROM sessions WHERE user_uid = ?", uid)[0][0]
                for uid in users]

    wait_for(lambda: 0 not in counted(), 10, "a session of each")
    assert set(counted()) == {1}


def test_an_import_has_one_of_each(server, admin):
    tool = DatabaseOf(server)
    pairs = [numbered(*pair) for pair in SAME] + [numbered(*pair) for pair in DIFFERENT]
    lines = [json.dumps({"email": email, "display_name": "A"}) for pair in pairs for email in pair]
    text = "\n".join(lines).encode()
    made = len(SAME) + 2 * len(DIFFERENT)
    for options in (["--dry-run"], []):
        ended = tool.run("users", "import", "-", *options, stdin=text)
        assert f"imported, 0 already there, {len(SAME)} refused" in ended.err, ended.err
        assert f"{made} " in ended.err
        assert ended.err.count("email_exists") == len(SAME)
    for one, other in pairs[:len(SAME)]:
        assert len(uids(admin, email=one)) == 1 == len(uids(admin, email=other))


# ---- not the same ----


@pytest.mark.parametrize("one, other", DIFFERENT)
def test_two_addresses_are_two(server, admin, one, other):
    one, other = numbered(one, other)
    user = admin.create(one)
    admin.post("sub-admins/", {"email": other}).expect_problem(404, "user_not_found")
    admin.post("sub-admins/", {"email": one}).expect(201)
    identified(server, other).get("users/").expect_problem(403, "forbidden")
    secret = admin.post("invitations/", {"email": other}).expect(201).json["accept_token"]
    identified(server, one).post("invitations/accept", {"accept_token": secret}) \
        .expect_problem(403, "not_invited")
    second = create(server.sub_admin, other).expect(201).json["userData"]
    assert uids(admin, email=one) == [user["user_uid"]]
    assert uids(admin, email=other) == [second["user_uid"]]
    assert identified(server, other).post("invitations/accept", {"accept_token": secret}) \
        .status == 200
    assert identified(server, other).get("organization-status/").expect(200) \
        .json["user_uid"] == second["user_uid"]


# ---- no address ----


@pytest.mark.parametrize("text, real, told", NONE)
def test_what_is_no_address_is_refused(server, admin, text, real, told):
    text, real = numbered(text, real)
    user = admin.create(real)
    for method, path, body in (("POST", "users/", {"display_name": "A"}),
                               ("PUT", "users/" + user["user_uid"], {}),
                               ("POST", "invitations/", {}), ("POST", "sub-admins/", {})):
        result = admin.ask(method, path, {**body, "email": text})
        result.expect_faults(("email", "invalid_email"))
        assert told in result.json["errors"][0]["detail"]
    assert uids(admin, email=text) == []
    ended = DatabaseOf(server).run("users", "import", "-", stdin=json.dumps(
        {"email": text, "display_name": "A"}).encode())
    assert "invalid_email" in ended.err and ended.code == 1
    assert admin.read(user["user_uid"]) == user


@pytest.mark.parametrize("text, real, told", NONE)
def test_who_is_known_by_no_address_is_no_user(server, admin, text, real, told):
    text, real = numbered(text, real)
    user = admin.create(real)
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    nobody = identified(server, text)
    nobody.get("users/").expect_problem(403, "forbidden")
    invited = numbered("x^example.com")[0]
    secret = admin.post("invitations/", {"email": invited}).expect(201).json["accept_token"]
    nobody.post("invitations/accept", {"accept_token": secret}).expect_problem(403, "not_invited")
    identified(server, text, base="/anyone") \
        .post("invitations/accept", {"accept_token": secret}).expect_problem(403, "no_email")
    # An admin by configuration is an admin, but not that user, and protects nobody else.
    chief = identified(server, text, login=ADMIN)
    status = chief.get("organization-status/").expect(200).json
    assert status["role"] == "admin" and status["user_uid"] != user["user_uid"]
    admin.delete("sub-admins/" + user["user_uid"]).expect(200)
    server.sub_admin.put("users/" + user["user_uid"], {"n": 1}).expect(200)


@pytest.mark.parametrize("one, other", [
    ("alice", "ALICE"), ("CN=Alice,O=Example", "cn=alice,o=example"),
    ("emailAddress=alice@example.com,CN=Alice", "EmailAddress=Alice@example.com,CN=alice"),
    ("x" * 512, "X" * 512), (":alice", ":Alice"),
])
def test_an_admin_may_be_known_by_another_text(server, admin, one, other):
    chief = identified(server, one, login=ADMIN)
    user = create(chief, numbered("x^example.com")[0]).expect(201).json["userData"]
    chief.post("invitations/", {"email": numbered("x^example.com")[0]}).expect(201)
    chief.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    uid = chief.get("organization-status/").expect(200).json["user_uid"]
    again = identified(server, other, login=ADMIN).get("organization-status/").expect(200).json
    assert (again["role"], again["user_uid"]) == ("admin", uid)
    events = admin.get("audit-events/", query={"actor": other, "limit": 1000}).expect(200).json
    assert {event["actor"]["user_uid"] for event in events["audit_events"]} == {uid}
    assert len(events["audit_events"]) == 3


def test_texts_that_differ_are_two_admins(server):
    def uid_of(identity):
        return identified(server, identity, login=ADMIN).get("organization-status/") \
            .expect(200).json["user_uid"]

    texts = ["bob", ":bob", "::bob", "bob@", "bob@example.com", ":bob@example.com", "@bob", "böb",
             "BÖB"]
    assert len({uid_of(text) for text in texts}) == len(texts)


# ---- lists ----


def test_the_order_is_that_of_the_keys(server, admin):
    number = next(NUMBERS)
    emails = [f"order{number}{text}" for text in (
        "-A@example.com", "-b@Example.com", "-B@bücher.example", "-b@zoo.example", "-C@example.com",
        "-\u00c4@example.com", "-\u00e9@example.com")]
    for email in reversed(emails):
        admin.create(email)
    found = admin.everyone(q=f"ORDER{number}", order_by="email")
    assert [user["email"] for user in found] == [
        emails[0], emails[1], emails[2], emails[3], emails[4], emails[5], emails[6]]
    assert admin.everyone(q=f"ORDER{number}", order_by="-email") == found[::-1]


def test_q_begins_an_address(admin):
    number = next(NUMBERS)
    uid = admin.create(f"Süß{number}@Bücher.example", "Other")["user_uid"]
    for text in (f"süß{number}", f"SÜẞ{number}@", f"süß{number}@bücher", f"süß{number}@BÜCHER.ex",
                 f"süß{number}@xn--bch", f"süß{number}@xn--bcher-kva.example"):
        assert uids(admin, q=text) == [uid], text
    # Names are folded in full, addresses are not.
    for text in (f"süss{number}", f"süß{number}@büch", f"süß{number}@bucher"):
        assert uids(admin, q=text) == [], text
    named = admin.create(f"n{number}@example.com", f"Süß{number}")["user_uid"]
    assert sorted(uids(admin, q=f"süß{number}")) == sorted([uid, named])
    assert uids(admin, q=f"süss{number}") == [named]


# ---- what shows nothing ----


@pytest.mark.parametrize("text", [
    " ", "\u00a0", "\u200b", "\u00ad", "\ufeff", "\u2800", "\u3164", "\u115f", "\u1160", "\uffa0",
    "\ufe0f", "\u2060\u2800 \u3164",
])
def test_a_name_shows_something(server, admin, text):
    email = numbered("x^example.com")[0]
    admin.post("users/", {"email": email, "display_name": text}) \
        .expect_faults(("display_name", "required"))
    user = admin.create(email, "A" + text + "b")
    admin.put("users/" + user["user_uid"], {"display_name": text}) \
        .expect_faults(("display_name", "required"))
    admin.post("sessions/", {"user_uid": user["user_uid"], "activity": text}) \
        .expect_faults(("activity", "required"))
    admin.post("sessions/", {"user_uid": user["user_uid"], "activity": "a" + text + "b"}) \
        .expect(201)
    ended = DatabaseOf(server).run("users", "import", "-", stdin=json.dumps(
        {"email": numbered("x^example.com")[0], "display_name": text}).encode())
    assert '"field":"display_name","code":"required"' in ended.err


def test_an_activity_of_the_configuration_shows_something(new_server):
    new_server(start=False, location='UserMgmtActivity "\u2800"') \
        .expect_config_error("a character that can be seen")


@pytest.mark.parametrize("address", ["a@b_c.example", "a@[127.0.0.1]", "a@a\uff1eb.example",
                                     "a\u200b@example.com"])
def test_a_sender_is_an_address(new_server, address):
    new_server(start=False, extra=f"UserMgmtMailFrom {address}") \
        .expect_config_error("UserMgmtMailFrom")


def test_a_stored_role_of_another_spelling_is_forgotten_at_once(server, admin):
    """The cache of callers has the key of the address, not its spelling."""
    one, other = numbered("Zoë^bücher.example", "ZOË^xn--bcher-kva.example")
    user = admin.create(one)
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    for _ in range(3):
        for identity in (one, other):
            assert identified(server, identity).get("users/", fresh=True).status == 200
    admin.delete("sub-admins/" + user["user_uid"]).expect(200)
    for identity in (one, other):
        identified(server, identity).get("users/").expect_problem(403, "forbidden")
