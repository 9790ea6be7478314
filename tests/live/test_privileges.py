# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""No caller gets more rights than were given to him: the ways in which a sub-admin may try to
get more, or to give more to another, and in which a caller may try to pass for another."""

import itertools
from functools import partial

import pytest
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, in_parallel, location

NUMBERS = itertools.count()
STORED = "stored@privileges.example.com"
PERMISSIONS = ("users:read users:create users:update users:delete invitations:read"
               " sub-admins:read sessions:read sessions:report")


def replacing(old, new):
    return lambda address: address.replace(old, new, 1)


# How to write an address so that it seems to be another: as one that is none, or as
# somebody else's.
NONE = {
    "fullwidth": replacing("o", "\uff4f"),
    "a ligature": replacing("ffi", "\ufb03"),
    "the Kelvin sign": replacing("k", "\u212a"),
    "a superscript": replacing("n", "\u207f"),
    "a soft hyphen": replacing("king", "ki\u00adng"),
    "a joiner": replacing("king", "ki\u200dng"),
    "a variation selector": replacing("king", "king\ufe0f"),
    "a fullwidth dot": replacing(".king", "\uff0eking"),
    "a long s": replacing("office", "off\u017fice"),
}
SOMEBODY_ELSE = {
    "Cyrillic": replacing("o", "\u043e"),
    "a dotless i": replacing("i", "\u0131"),
    "an I with a dot": replacing("i", "\u0130"),
    "a rough e": replacing("e.", "\u00e9."),
}


ROLES = f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtAdmin group chiefs
    UserMgmtSubAdmin user {SUB_ADMIN}"""


at = partial(location, roles=ROLES)
EXTRA = at("/all", f"UserMgmtSubAdminAllow {PERMISSIONS}") + at(
    "/as", 'UserMgmtIdentity "%{HTTP:X-Identity}"') + at(
    "/anyone", 'UserMgmtIdentity "%{HTTP:X-Identity}"\nUserMgmtInvitationMatch Off')


@pytest.fixture(scope="module")
def server(make_server):
    made = make_server(extra=EXTRA, roles=ROLES)
    made.add_login(STORED)
    uid = made.admin.create(STORED)["user_uid"]
    made.admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    return made


@pytest.fixture(params=[(login, base) for login in (SUB_ADMIN, STORED)
                        for base in ("/user-management", "/all")], ids=" ".join)
def attacker(request, server):
    """A sub-admin with the usual permissions, one with all there are."""
    login, base = request.param
    client = server.client(login, base=base)
    client.login = login
    # Known as one from its first request on.
    client.get("organization-status/").expect(200)
    return client


@pytest.fixture
def user(admin):
    """A user whom nobody protects; gone after the test."""
    made = admin.create(fresh_email())
    yield made
    admin.delete("users/" + made["user_uid"])


def fresh_email():
    return f"p{next(NUMBERS)}@privileges.example.com"


def identified(server, identity, base="/as"):
    """Somebody signed in with that identity, and no role by configuration."""
    return server.client(NOBODY, base=base,
                         headers={"X-Identity": identity.encode().decode("latin-1")})


def role_of(client):
    """The role of a caller; None for none."""
    result = client.get("organization-status/", fresh=True)
    return result.json["role"] if result.status == 200 else \
        result.expect_problem(403, "forbidden") and None


def roles(server):
    """All that makes anybody more than a user."""
    return [server.sql(f"SELECT * FROM {table}")
            for table in ("sub_admins", "invitations", "invitation_secrets")]


def own_user(server, login):
    """The user that a sub-admin is; one who is none by itself is made one."""
    found = server.admin.everyone(email=login)
    return found[0] if found else server.admin.create(login)


def test_no_sub_admin_makes_or_unmakes_sub_admins(server, admin, user, attacker):
    me = own_user(server, attacker.login)
    peer = admin.create(fresh_email())
    admin.post("sub-admins/", {"user_uid": peer["user_uid"]}).expect(201)
    before = roles(server)
    for method, path, body in (
            ("POST", "sub-admins/", {"user_uid": user["user_uid"]}),
            ("POST", "sub-admins/", {"email": user["email"]}),
            ("POST", "sub-admins/", {"user_uid": me["user_uid"]}),
            ("POST", "sub-admins/", {"user_uid": user["user_uid"], "role": "admin"}),
            ("POST", "sub-admins", {}),
            ("DELETE", "sub-admins/" + peer["user_uid"], None),
            ("DELETE", "sub-admins/", {"user_uid": peer["user_uid"]}),
            ("DELETE", "sub-admins/" + me["user_uid"], None)):
        for headers in ({}, {"X-HTTP-Method-Override": "GET", "X-Original-URL": "/all/users/"}):
            attacker.ask(method, path, body, headers=headers).expect_problem(403, "forbidden")
    for method in ("PUT", "PATCH"):
        attacker.ask(method, "sub-admins/", {"user_uid": user["user_uid"]}).expect(405)
    # Nor does another method pass for one that it may.
    attacker.get("users/", headers={"X-HTTP-Method-Override": "DELETE"}).expect(200)
    assert roles(server) == before
    admin.delete("users/" + peer["user_uid"]).expect(200)


def test_no_sub_admin_invites(server, admin, attacker):
    token = admin.post("invitations/", {"email": fresh_email()}).expect(201) \
        .json["invitation"]["invite_token"]
    before = roles(server)
    for method, path, body in (
            ("POST", "invitations/", {"email": fresh_email()}),
            ("POST", "invitations/", {"email": attacker.login}),
            ("POST", "invitations/resend", {"invite_token": token}),
            ("POST", "invitations/resend/", {"invite_token": token}),
            ("DELETE", "invitations/" + token, None),
            ("DELETE", "invitations/", {"invite_token": token})):
        attacker.ask(method, path, body).expect_problem(403, "forbidden")
    attacker.post("invitations/accept", {"accept_token": token}) \
        .expect_problem(404, "invitation_not_found")
    assert roles(server) == before


def test_no_other_accepts_an_invitation(server, admin, user, attacker):
    """Though it knows the secret, and can make users have the invited address."""
    email = fresh_email()
    secret = admin.post("invitations/", {"email": email}).expect(201).json["accept_token"]
    before = roles(server)
    server.add_login(user["email"])
    for client in (attacker, server.client(user["email"]), server.nobody):
        client.post("invitations/accept", {"accept_token": secret}) \
            .expect_problem(403, "not_invited")
    # A user is who it is by its identity: the address makes none the invited.
    attacker.put("users/" + user["user_uid"], {"email": email}).expect(200)
    server.client(user["email"]).post("invitations/accept", {"accept_token": secret}) \
        .expect_problem(403, "not_invited")
    assert roles(server) == before
    identified(server, email).post("invitations/accept", {"accept_token": secret}).expect(200)
    assert role_of(server.client(user["email"])) is None


def test_no_sub_admin_changes_itself(server, admin, attacker):
    me = own_user(server, attacker.login)
    path = "users/" + me["user_uid"]
    etag = admin.get(path).headers["ETag"]
    for method in ("PUT", "PATCH"):
        attacker.ask(method, path, {"role": "admin"}).expect_faults(("role", "read_only"))
    for body in ({"role": "user"}, {"email": fresh_email()}, {"email": ADMIN}, {"n": 1}, {},
                 {"display_name": "Admin"}, {"email": attacker.login.upper()}):
        for method in ("PUT", "PATCH"):
            for headers in ({}, {"If-Match": etag}, {"If-Match": "*"}):
                for where, sent in ((path, body), ("users/", {"user_uid": me["user_uid"], **body})):
                    attacker.ask(method, where, sent, headers=headers) \
                        .expect_problem(403, "protected_user")
    for where, sent in ((path, None), ("users/", {"user_uid": me["user_uid"]})):
        result = attacker.delete(where, sent)
        result.expect_problem(403, "protected_user" if attacker.base == "/all" else "forbidden")
    assert admin.read(me["user_uid"]) == me
    if attacker.login == SUB_ADMIN:
        admin.delete(path).expect(200)


ROLE_BODIES = [
    {"role": "admin"}, {"role": "sub_admin"}, {"role": ["admin"]}, {"role": 2},
    {"role": ""}, {"role": "USER"}, {"role": {"$ne": "user"}},
]
INNOCENT = {"is_admin": True, "is_sub_admin": 1, "roles": ["admin"], "Roles": "admin",
            "org_id": 1, "organization": "red", "version": 99, "added_by": ADMIN,
            "permissions": PERMISSIONS, "email_key": ADMIN, "__proto__": {"role": "admin"}}


@pytest.mark.parametrize("body", ROLE_BODIES, ids=str)
def test_a_role_is_not_given_in_a_body(server, admin, user, body):
    for client in (admin, server.sub_admin, server.client(STORED, base="/all")):
        fault = client.post("users/", {"email": fresh_email(), "display_name": "A", **body}) \
            .expect_problem(400, "validation_failed")["errors"]
        assert [each["field"] for each in fault] == ["role"]
        for method in ("PUT", "PATCH"):
            fault = client.ask(method, "users/" + user["user_uid"], body) \
                .expect_problem(400, "validation_failed")["errors"]
            assert [each["field"] for each in fault] == ["role"]
    assert admin.read(user["user_uid"]) == user


def test_what_merely_sounds_like_a_role_is_an_attribute(server, admin, attacker):
    login = server.add_login(fresh_email())
    made = attacker.create(login, **INNOCENT)
    assert made["role"] == "user" and made["Roles"] == "admin" and made["version"] == 99
    changed = {**INNOCENT, "is_admin": 2}
    attacker.put("users/" + made["user_uid"], changed).expect(200)
    assert role_of(server.client(login)) is None
    assert admin.get("users/", query={"role": "sub_admin", "email": login}) \
        .json["query_count"] == 0
    for name in ("user_uid", "created_at", "updated_at"):
        attacker.post("users/", {"email": fresh_email(), "display_name": "A", name: made[name]}) \
            .expect_faults((name, "read_only"))
    admin.delete("users/" + made["user_uid"]).expect(200)


# ---- to have another's address ----


@pytest.fixture
def strongest(server):
    """A sub-admin that may do all a sub-admin can."""
    client = server.client(SUB_ADMIN, base="/all")
    client.get("organization-status/").expect(200)
    return client


@pytest.fixture
def chief(server):
    """An admin nobody has seen yet, and its address."""
    address = f"office.king{next(NUMBERS)}@privileges.example.com"
    server.set_group("chiefs", [server.add_login(address)])
    return server.client(address, base="/all"), address


def take(client, how, login, address):
    """Make a user, by one way or another, with somebody's address; its uid."""
    if how == "create":
        return client.create(address)["user_uid"]
    uid = client.create(login)["user_uid"]
    client.put("users/" + uid, {"email": address}).expect(200)
    return uid


@pytest.mark.parametrize("spell", [str, str.upper])
def test_an_admin_s_address_is_not_given(admin, user, strongest, chief, spell):
    """Not by a sub-admin, to no user, once the admin has been there."""
    client, address = chief
    before = client.get("organization-status/").json
    for result in (strongest.post("users/", {"email": spell(address), "display_name": "A"}),
                   strongest.put("users/" + user["user_uid"], {"email": spell(address)})):
        result.expect_problem(403, "protected_user")
    assert admin.read(user["user_uid"]) == user and admin.everyone(email=address) == []
    assert client.get("organization-status/").json == before


@pytest.mark.parametrize("how", ["create", "change"])
@pytest.mark.parametrize("spell", [str, str.upper])
def test_an_admin_s_address_makes_no_admin(server, admin, strongest, chief, how, spell):
    """Of one who has never been there: neither the user nor its login has more than
    before, and the admin is one, whoever made that user."""
    client, address = chief
    login = server.add_login(fresh_email())
    made = take(strongest, how, login, spell(address))
    assert role_of(server.client(login)) is None
    assert role_of(identified(server, address)) is None
    status = client.get("organization-status/", fresh=True).expect(200).json
    assert status["role"] == "admin" and status["user_uid"] == made
    # From now on it is out of a sub-admin's reach.
    for result in (strongest.put("users/" + made, {"email": login}),
                   strongest.put("users/" + made, {}), strongest.delete("users/" + made)):
        result.expect_problem(403, "protected_user")
    admin.delete("users/" + made).expect(200)
    assert client.get("organization-status/").json["user_uid"] == made


@pytest.mark.parametrize("how", ["create", "change"])
@pytest.mark.parametrize("kind", SOMEBODY_ELSE)
def test_a_look_alike_is_somebody_else(server, admin, strongest, chief, how, kind):
    """It has neither the admin's role nor its uid, and is not appointed where the
    admin's address is meant."""
    client, address = chief
    alike = SOMEBODY_ELSE[kind](address)
    login = server.add_login(fresh_email())
    made = take(strongest, how, login, alike)
    twin = identified(server, alike)
    assert role_of(server.client(login)) is None and role_of(twin) is None
    status = client.get("organization-status/").expect(200).json
    assert status["role"] == "admin" and status["user_uid"] != made
    admin.post("sub-admins/", {"email": address}).expect_problem(404, "user_not_found")
    assert admin.read(made)["role"] == "user" and role_of(twin) is None
    # By its own address it can be.
    admin.post("sub-admins/", {"email": alike}).expect(201)
    assert role_of(twin) == "sub_admin" and role_of(identified(server, address)) is None
    admin.delete("users/" + made).expect(200)


@pytest.mark.parametrize("kind", NONE)
def test_a_look_alike_that_is_no_address_is_nobody(server, admin, user, strongest, chief, kind):
    client, address = chief
    alike = NONE[kind](address)
    assert alike != address
    for who in (strongest, admin):
        who.put("users/" + user["user_uid"], {"email": alike}) \
            .expect_faults(("email", "invalid_email"))
        who.post("users/", {"email": alike, "display_name": "King"}) \
            .expect_faults(("email", "invalid_email"))
    admin.post("sub-admins/", {"email": alike}).expect_faults(("email", "invalid_email"))
    assert role_of(identified(server, alike)) is None
    assert role_of(client) == "admin"


@pytest.mark.parametrize("kind", {**NONE, **SOMEBODY_ELSE})
def test_a_look_alike_of_a_sub_admin(server, admin, user, strongest, kind):
    """It is refused, or somebody else's."""
    peer = admin.create(f"office.king{next(NUMBERS)}@privileges.example.com")
    admin.post("sub-admins/", {"user_uid": peer["user_uid"]}).expect(201)
    alike = {**NONE, **SOMEBODY_ELSE}[kind](peer["email"])
    result = strongest.put("users/" + user["user_uid"], {"email": alike})
    if kind in SOMEBODY_ELSE:
        result.expect(200)
    else:
        result.expect_faults(("email", "invalid_email"))
    assert role_of(identified(server, alike)) is None
    assert role_of(identified(server, peer["email"].upper())) == "sub_admin"
    assert admin.read(user["user_uid"])["role"] == "user"
    admin.delete("users/" + peer["user_uid"]).expect(200)


def test_a_look_alike_does_not_accept(server, admin, attacker):
    """An invitation is for the one address, with Match off as well."""
    email = f"masse{next(NUMBERS)}@privileges.example.com"
    twin = email.replace("ss", "\u00df", 1)
    secret = admin.post("invitations/", {"email": email}).expect(201).json["accept_token"]
    made = attacker.create(twin)["user_uid"]
    identified(server, twin).post("invitations/accept", {"accept_token": secret}) \
        .expect_problem(403, "not_invited")
    for identity in (email.replace("m", "\uff4d", 1), email.replace("m", "m\u200b", 1)):
        identified(server, identity, "/anyone").post(
            "invitations/accept", {"accept_token": secret}).expect_problem(403, "no_email")
    identified(server, email).post("invitations/accept", {"accept_token": secret}).expect(200)
    assert role_of(identified(server, email)) == "sub_admin"
    assert admin.read(made)["role"] == "user" and role_of(identified(server, twin)) is None
    admin.delete("users/" + made).expect(200)
    assert role_of(identified(server, twin)) is None


# ---- what is left of a role ----


def test_who_is_made_again_is_no_sub_admin(server, admin, attacker):
    login = server.add_login(fresh_email())
    client = server.client(login)
    for _ in range(2):
        uid = admin.create(login)["user_uid"]
        assert role_of(client) is None
        admin.post("sub-admins/", {"user_uid": uid}).expect(201)
        assert role_of(client) == "sub_admin"
        admin.delete("users/" + uid).expect(200)
        assert role_of(client) is None
    uid = attacker.create(login)["user_uid"]
    for _ in range(6):
        assert role_of(client) is None
    # The old uid names nobody, the new one nobody who was appointed.
    assert admin.read(uid)["role"] == "user"
    admin.delete("sub-admins/" + uid).expect_problem(404, "sub_admin_not_found")
    admin.delete("users/" + uid).expect(200)


def test_a_new_owner_of_an_address_has_not_the_old_one_s_role(server, admin, attacker):
    login = server.add_login(fresh_email())
    first = admin.create(login)["user_uid"]
    admin.post("sub-admins/", {"user_uid": first}).expect(201)
    admin.put("users/" + first, {"email": fresh_email()}).expect(200)
    second = attacker.create(login)["user_uid"]
    assert role_of(server.client(login)) is None
    assert admin.read(second)["role"] == "user"
    for uid in (first, second):
        admin.delete("users/" + uid).expect(200)


def test_an_accepted_invitation_is_used_up(server, admin):
    """A dismissed sub-admin can't come back by the mail of the old invitation."""
    email = fresh_email()
    secret = admin.post("invitations/", {"email": email}).expect(201).json["accept_token"]
    client = identified(server, email)
    key = {"Idempotency-Key": "again"}
    client.post("invitations/accept", {"accept_token": secret}, headers=key).expect(200)
    assert role_of(client) == "sub_admin"
    uid = admin.everyone(email=email)[0]["user_uid"]
    admin.delete("sub-admins/" + uid).expect(200)
    client.post("invitations/accept", {"accept_token": secret}).expect(404)
    # The kept answer is an answer only.
    client.post("invitations/accept", {"accept_token": secret}, headers=key).expect(200)
    assert role_of(client) is None
    admin.delete("users/" + uid).expect(200)


def test_another_s_key_gives_nothing(server, admin, user, attacker):
    """A kept answer is for the caller who had it first."""
    body = {"email": fresh_email(), "display_name": "A", "phone": "+41 44 123"}
    key = {"Idempotency-Key": f"key-{next(NUMBERS)}"}
    made = admin.post("users/", body, headers=key).expect(201).json["userData"]["user_uid"]
    attacker.post("users/", body, headers=key).expect_problem(409, "email_exists")
    server.nobody.post("users/", body, headers=key).expect_problem(403, "forbidden")
    key = {"Idempotency-Key": f"key-{next(NUMBERS)}"}
    body = {"user_uid": user["user_uid"]}
    admin.post("sub-admins/", body, headers=key).expect(201)
    attacker.post("sub-admins/", body, headers=key).expect_problem(403, "forbidden")
    admin.delete("users/" + made).expect(200)


def test_dismissed_while_it_works(server, admin):
    """A request that begins after the dismissal was answered is refused, on any connection."""
    login = server.add_login(fresh_email())
    client = server.client(login)
    uid = admin.create(login)["user_uid"]
    for _ in range(3):
        admin.post("sub-admins/", {"user_uid": uid}).expect(201)
        dismissed = []

        def work(index, dismissed=dismissed):
            if index == 0:
                admin.delete("sub-admins/" + uid).expect(200)
                dismissed.append(True)
                return
            for _ in range(10):
                before = bool(dismissed)
                status = client.post("users/", {"email": fresh_email(), "display_name": "A"}).status
                assert status == 403 or (status == 201 and not before)

        in_parallel(6, work)
    admin.delete("users/" + uid).expect(200)
