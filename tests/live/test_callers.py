# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The rights of callers: roles, organizations, protection, the audit trail, the logs."""

import collections
import itertools
import json
import re
import urllib.parse
from functools import partial

import pytest
from routes import METHODS, PATHS, ROUTES, methods_of, route_of
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, in_parallel, location, wait_for

NUMBERS = itertools.count()
STORED = "stored@callers.example.com"
USER = "user@callers.example.com"
PERMISSIONS = ["users:read", "users:create", "users:update", "users:delete", "groups:manage",
               "invitations:read", "sub-admins:read", "sessions:read", "sessions:report"]
# Of admins alone.
OTHERS = ["invitations:manage", "sub-admins:manage", "audit:read", "keys:manage"]


def fresh_email():
    return f"c{next(NUMBERS)}@callers.example.com"


def allowing(permissions):
    return "/allow-" + permissions.replace(" ", "_").replace(":", "-")


ALLOWED = ["none", *PERMISSIONS, " ".join(PERMISSIONS)]
HEADER_ORGANIZATION = 'UserMgmtOrganization "%{HTTP:X-Organization}"'

at = partial(location, roles="")
EXTRA = "".join(at(allowing(permissions), f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtSubAdmin user {SUB_ADMIN}
    UserMgmtSubAdminAllow {permissions}""") for permissions in ALLOWED) + at(
        "/by-group", """
    UserMgmtAdmin group admins chiefs
    UserMgmtSubAdmin group helpers""") + at(
        "/by-expr", """
    UserMgmtAdmin expr "%{HTTP:X-Key} == 'open sesame'"
    UserMgmtSubAdmin expr "%{REQUEST_METHOD} == 'GET'" """) + at(
        "/by-env", """
    SetEnvIf X-Key "^admin$" is_admin
    SetEnvIf X-Key "^helper$" is_helper
    UserMgmtAdmin env is_admin
    UserMgmtSubAdmin env is_helper""") + at(
        "/by-many", f"""
    UserMgmtAdmin group chiefs
    UserMgmtAdmin user {ADMIN}
    UserMgmtAdmin expr "%{{HTTP:X-Key}} == 'x'"
    UserMgmtSubAdmin valid-user""") + at(
        "/by-nothing", "") + at(
        "/identity", f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtIdentity "%{{HTTP:X-Identity}}" """) + at(
        "/organizations", f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtSubAdmin user {SUB_ADMIN}
    {HEADER_ORGANIZATION}""") + at(
        "/auto", f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtSubAdmin user {SUB_ADMIN}
    {HEADER_ORGANIZATION}
    UserMgmtAutoOrganization On""") + at(
        "/uncached", f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtRoleCacheTTL 0""") + """
    <Location "/no-authentication">
        SetHandler usermgmt
        Require all granted
        UserMgmtAdmin expr "%{HTTP:X-Key} == 'open sesame'"
        UserMgmtIdentity "%{HTTP:X-Identity}"
    </Location>
    """


@pytest.fixture(scope="module")
def server(make_server):
    """One database, many Locations with rules of their own."""
    made = make_server(extra=EXTRA)
    for login in (STORED, USER, "alice", "bob"):
        made.add_login(login)
    made.set_group("admins", ["alice"])
    made.set_group("helpers", ["bob", "alice"])
    admin = made.admin
    stored = admin.create(STORED)
    admin.create(USER)
    admin.post("sub-admins/", {"user_uid": stored["user_uid"]}).expect(201)
    for name in ("red", "blue"):
        made.sql("INSERT INTO organizations (name, created_at) VALUES (?, 0)", name)
    return made


@pytest.fixture
def victim(admin):
    """A user that nobody protects; gone after the test."""
    made = admin.create(fresh_email())
    yield made
    admin.delete("users/" + made["user_uid"])


def role_at(server, base, login, **headers):
    """The role that the status tells; None where it is forbidden."""
    client = server.client(login, base=base)
    result = client.get("organization-status/",
                        headers={name.replace("_", "-"): value
                                 for name, value in headers.items()})
    if result.status == 403:
        result.expect_problem(403, "forbidden")
        return None
    return result.expect(200).json["role"]


# ---- where a role comes from ----


def test_roles_by_user(server):
    assert role_at(server, None, ADMIN) == "admin"
    assert role_at(server, None, SUB_ADMIN) == "sub_admin"
    assert role_at(server, None, STORED) == "sub_admin"
    assert role_at(server, None, USER) is None
    assert role_at(server, None, NOBODY) is None


def test_roles_by_group(server):
    assert role_at(server, "/by-group", "alice") == "admin"
    assert role_at(server, "/by-group", "bob") == "sub_admin"
    assert role_at(server, "/by-group", STORED) == "sub_admin"
    assert role_at(server, "/by-group", NOBODY) is None
    assert role_at(server, "/by-group", ADMIN) is None
    # Who leaves the group loses the role with the next request.
    server.set_group("admins", [])
    assert role_at(server, "/by-group", "alice") == "sub_admin"
    server.set_group("admins", ["alice"])
    assert role_at(server, "/by-group", "alice") == "admin"


def test_roles_by_expression(server):
    assert role_at(server, "/by-expr", NOBODY, X_Key="open sesame") == "admin"
    assert role_at(server, "/by-expr", NOBODY, X_Key="open") == "sub_admin"
    client = server.client(NOBODY, base="/by-expr")
    client.post("users/", {}).expect_problem(403, "forbidden")


def test_roles_by_environment(server):
    assert role_at(server, "/by-env", NOBODY, X_Key="admin") == "admin"
    assert role_at(server, "/by-env", NOBODY, X_Key="helper") == "sub_admin"
    assert role_at(server, "/by-env", NOBODY) is None


def test_one_line_that_holds_is_enough(server):
    assert role_at(server, "/by-many", ADMIN) == "admin"
    assert role_at(server, "/by-many", NOBODY) == "sub_admin"
    assert role_at(server, "/by-many", NOBODY, X_Key="x") == "admin"


def test_no_line_no_role(server):
    assert role_at(server, "/by-nothing", ADMIN) is None
    assert role_at(server, "/by-nothing", STORED) == "sub_admin"


def test_identity_by_expression(server):
    assert role_at(server, "/identity", NOBODY, X_Identity=STORED) == "sub_admin"
    assert role_at(server, "/identity", NOBODY, X_Identity=STORED.upper()) == "sub_admin"
    assert role_at(server, "/identity", STORED, X_Identity=NOBODY) is None
    assert role_at(server, "/identity", STORED) is None
    assert role_at(server, "/identity", STORED, X_Identity="") is None


def test_only_ascii_case_is_ignored_for_an_identity(server):
    """A look-alike that folds to the same address takes no role."""
    for login in ("ſtored@callers.example.com", "ｓtored@callers.example.com"):
        assert role_at(server, "/identity", NOBODY,
                       X_Identity=login.encode().decode("latin-1")) is None


@pytest.mark.parametrize("identity", ["x" * 5000, "\xff\xfe", " ", "'; DROP TABLE users"])
def test_odd_identities_have_no_role(server, identity):
    assert role_at(server, "/identity", NOBODY, X_Identity=identity) is None


def test_callers_without_authentication(server):
    client = server.client(None, base="/no-authentication")
    client.get("users/").expect_problem(403, "forbidden")
    client.get("users/", headers={"X-Identity": STORED}).expect(200)
    result = client.get("organization-status/", headers={"X-Identity": "me@example.com",
                                                         "X-Key": "open sesame"}).expect(200)
    assert result.json["role"] == "admin"
    client.get("organization-status/", headers={"X-Key": "open sesame"}) \
        .expect_problem(403, "forbidden")


def test_a_stored_role_comes_and_goes_at_once_everywhere(server, admin, victim):
    server.add_login(victim["email"])
    client = server.client(victim["email"])

    def statuses():
        return {client.get("users/", fresh=True).status for _ in range(12)}

    for _ in range(3):
        assert statuses() == {403}
        admin.post("sub-admins/", {"user_uid": victim["user_uid"]}).expect(201)
        assert statuses() == {200}
        admin.delete("sub-admins/" + victim["user_uid"]).expect(200)
    admin.post("sub-admins/", {"user_uid": victim["user_uid"]}).expect(201)
    assert statuses() == {200}
    admin.put("users/" + victim["user_uid"], {"email": fresh_email()}).expect(200)
    assert statuses() == {403}
    admin.put("users/" + victim["user_uid"], {"email": victim["email"]}).expect(200)
    assert statuses() == {200}
    admin.delete("users/" + victim["user_uid"]).expect(200)
    assert statuses() == {403}


def test_without_the_cache_the_database_is_asked_each_time(server, admin, victim):
    server.add_login(victim["email"])
    assert role_at(server, "/uncached", victim["email"]) is None
    server.sql("INSERT INTO sub_admins SELECT org_id, user_uid, 'me', 0 FROM users"
               " WHERE user_uid = ?", victim["user_uid"])
    assert role_at(server, "/uncached", victim["email"]) == "sub_admin"
    server.sql("DELETE FROM sub_admins WHERE user_uid = ?", victim["user_uid"])
    assert role_at(server, "/uncached", victim["email"]) is None


# ---- what a role may ----


def operations(admin):
    """Each thing there is: method, path, body, the permission it takes."""
    uid = admin.create(fresh_email())["user_uid"]
    second = admin.create(fresh_email())["user_uid"]
    third = admin.create(fresh_email())["user_uid"]
    sub_admin = admin.get("sub-admins/", query={"limit": 1}).json["first_uid"]
    token = admin.post("invitations/", {"email": fresh_email()}) \
        .expect(201).json["invitation"]["invite_token"]
    session = admin.post("sessions/", {"user_uid": uid, "activity": "x"}) \
        .expect(201).json["session"]["session_uid"]
    event = admin.get("audit-events/", query={"limit": 1}).json["first_uid"]
    key = admin.post("api-keys/", {"name": "A", "permissions": ["scim"]}) \
        .expect(201).json["api_key"]["key_id"]
    group = admin.post("groups/", {"display_name": fresh_email()}) \
        .expect(201).json["group"]["group_id"]
    return [
        ("GET", "", None, "role"),
        ("HEAD", "", None, "role"),
        ("GET", "me/", None, "anyone"),
        ("HEAD", "me/", None, "anyone"),
        ("GET", "openapi.json", None, "role"),
        ("HEAD", "openapi.json", None, "role"),
        ("GET", "users/", None, "users:read"),
        ("HEAD", "users/", None, "users:read"),
        ("GET", "users/" + uid, None, "users:read"),
        ("HEAD", "users/" + uid, None, "users:read"),
        ("GET", "users/?user_uid=" + uid, None, "users:read"),
        ("POST", "users/", {"email": fresh_email(), "display_name": "A"}, "users:create"),
        ("PUT", "users/" + uid, {"n": next(NUMBERS)}, "users:update"),
        ("PATCH", "users/" + uid, {"n": next(NUMBERS)}, "users:update"),
        ("PUT", "users/", {"user_uid": uid, "n": next(NUMBERS)}, "users:update"),
        ("PATCH", "users/", {"user_uid": uid, "n": next(NUMBERS)}, "users:update"),
        ("POST", "users/batch", {"mode": "create", "users": []}, "users:create"),
        ("DELETE", "users/" + second, None, "users:delete"),
        ("DELETE", "users/", {"user_uid": third}, "users:delete"),
        ("GET", "groups/", None, "users:read"),
        ("HEAD", "groups/", None, "users:read"),
        ("GET", "groups/sub-admins", None, "users:read"),
        ("HEAD", "groups/sub-admins", None, "users:read"),
        ("POST", "groups/", {"display_name": fresh_email()}, "groups:manage"),
        ("PUT", "groups/" + group, {"display_name": fresh_email()}, "groups:manage"),
        ("PATCH", "groups/" + group, {"display_name": fresh_email()}, "groups:manage"),
        ("POST", f"groups/{group}/members/", {"user_uid": uid}, "groups:manage"),
        ("DELETE", f"groups/{group}/members/", {"user_uid": uid}, "groups:manage"),
        ("DELETE", "groups/" + group, None, "groups:manage"),
        ("GET", "sub-admins/", None, "sub-admins:read"),
        ("HEAD", "sub-admins/", None, "sub-admins:read"),
        ("GET", "sub-admins/" + sub_admin, None, "sub-admins:read"),
        ("HEAD", "sub-admins/" + sub_admin, None, "sub-admins:read"),
        ("POST", "sub-admins/", {"user_uid": uid}, "sub-admins:manage"),
        ("DELETE", "sub-admins/" + uid, None, "sub-admins:manage"),
        ("DELETE", "sub-admins/", {"user_uid": uid}, "sub-admins:manage"),
        ("GET", "invitations/", None, "invitations:read"),
        ("HEAD", "invitations/", None, "invitations:read"),
        ("GET", "invitations/" + token, None, "invitations:read"),
        ("HEAD", "invitations/" + token, None, "invitations:read"),
        ("POST", "invitations/", {"email": fresh_email()}, "invitations:manage"),
        ("POST", "invitations/resend", {"invite_token": uid}, "invitations:manage"),
        ("POST", "invitations/accept", {"accept_token": uid}, "anyone"),
        ("DELETE", "invitations/" + uid, None, "invitations:manage"),
        ("DELETE", "invitations/", {"invite_token": uid}, "invitations:manage"),
        ("GET", "sessions/", None, "sessions:read"),
        ("HEAD", "sessions/", None, "sessions:read"),
        ("GET", "sessions/" + session, None, "sessions:read"),
        ("HEAD", "sessions/" + session, None, "sessions:read"),
        ("POST", "sessions/", {"user_uid": uid, "activity": "x"}, "sessions:report"),
        ("GET", "audit-events/", None, "audit:read"),
        ("HEAD", "audit-events/", None, "audit:read"),
        ("GET", "audit-events/" + event, None, "audit:read"),
        ("HEAD", "audit-events/" + event, None, "audit:read"),
        ("GET", "api-keys/", None, "keys:manage"),
        ("HEAD", "api-keys/", None, "keys:manage"),
        ("GET", "api-keys/" + key, None, "keys:manage"),
        ("HEAD", "api-keys/" + key, None, "keys:manage"),
        ("POST", "api-keys/", {"name": "A", "permissions": ["scim"]}, "keys:manage"),
        ("PATCH", "api-keys/" + key, {"name": "B"}, "keys:manage"),
        ("POST", f"api-keys/{key}/rotate", {"grace": "0"}, "keys:manage"),
        ("DELETE", "api-keys/" + key, None, "keys:manage"),
        ("GET", "organization-status/", None, "role"),
        ("HEAD", "organization-status/", None, "role"),
        ("GET", "organization-status/history", None, "role"),
        ("HEAD", "organization-status/history", None, "role"),
    ]


def check_matrix(server, client, may):
    admin = server.admin
    for method, path, body, permission in operations(admin):
        before = server.sql("SELECT COUNT(*) FROM audit_events")
        result = client.ask(method, path, body)
        # There is no such invitation, or its neighbour in the list has removed the
        # sub-admin before.
        absent = result.status == 404 and permission in (*OTHERS, "anyone")
        if permission in may:
            assert result.status in (200, 201) or absent, (method, path, result)
        elif method == "HEAD":
            result.expect(403)
        else:
            problem = result.expect_problem(403, "forbidden")
            assert problem.get("permission") == (permission if ":" in permission else None)
        if permission not in may:
            assert server.sql("SELECT COUNT(*) FROM audit_events") == before


EVERYTHING = {*PERMISSIONS, *OTHERS, "role", "anyone"}
BY_DEFAULT = {"users:read", "users:create", "users:update", "sessions:read", "role", "anyone"}


def test_every_route_has_a_row(admin):
    """A route that is added must be added above."""
    rows = {route_of(method, path) for method, path, _, _ in operations(admin)
            if method != "HEAD"}
    assert rows == ROUTES


@pytest.mark.parametrize("login, may", [
    (ADMIN, EVERYTHING), (SUB_ADMIN, BY_DEFAULT), (STORED, BY_DEFAULT), (USER, {"anyone"}),
    (NOBODY, {"anyone"}),
])
def test_what_each_role_may(server, login, may):
    check_matrix(server, server.client(login), may)


@pytest.mark.parametrize("permissions", ALLOWED)
@pytest.mark.parametrize("login", [SUB_ADMIN, STORED])
def test_sub_admin_allow(server, permissions, login):
    may = {"role", "anyone", *permissions.split()} - {"none"}
    check_matrix(server, server.client(login, base=allowing(permissions)), may)


@pytest.mark.parametrize("login", [SUB_ADMIN, STORED])
def test_who_may_not_read_users_is_not_told_them_by_a_change(server, victim, login):
    path = "users/" + victim["user_uid"]
    blind = server.client(login, base=allowing("users:update")).put(path, {"n": 1}).expect(200)
    assert blind.json == {"message": "User information updated successfully."}
    assert blind.headers["ETag"] == server.admin.get(path).headers["ETag"]
    seen = server.client(login, base=allowing(" ".join(PERMISSIONS))).put(path, {}).expect(200)
    assert seen.json["userData"] == server.admin.read(victim["user_uid"])


@pytest.mark.parametrize("permissions", ["none", "users:delete"])
def test_sub_admin_allow_is_of_no_matter_to_others(server, permissions):
    check_matrix(server, server.client(ADMIN, base=allowing(permissions)), EVERYTHING)
    check_matrix(server, server.client(NOBODY, base=allowing(permissions)), {"anyone"})


def test_who_is_nobody_is_asked_who_it_is(server, admin):
    """Whatever it asks, of paths and methods that there are and of others."""
    client = server.client(None)
    rows = operations(admin)
    before = server.sql("SELECT COUNT(*) FROM audit_events")
    for method, path, body, _ in rows:
        result = client.ask(method, path, body).expect(401)
        assert result.headers["WWW-Authenticate"].startswith("Basic")
    for method in METHODS:
        for path in [*PATHS, "nothing"]:
            client.ask(method, path).expect(401)
    assert server.sql("SELECT COUNT(*) FROM audit_events") == before


@pytest.mark.parametrize("login", [ADMIN, SUB_ADMIN, STORED, USER, NOBODY])
def test_the_method_is_looked_at_before_the_role(server, login):
    """And the path before either, and the role before where the request comes from."""
    client = server.client(login)
    refused = 0
    for path in PATHS:
        for method in {*METHODS, "BREW", "get"} - methods_of(path):
            for headers in ({}, {"Origin": "https://evil.example", "Accept": "image/png"}):
                result = client.ask(method, path.replace("*", "0" * 20), headers=headers)
                result.expect(405)
                if method != "HEAD":
                    result.expect_problem(405, "method_not_allowed")
                assert set(result.headers["Allow"].split(", ")) == methods_of(path)
                refused += 1
        result = client.ask("OPTIONS", path.replace("*", "0" * 20)).expect(204)
        assert set(result.headers["Allow"].split(", ")) == methods_of(path)
    assert refused >= 60
    for method in METHODS:
        for path in ("nothing", "me/x", "users/a/b", "sub-admins/a/b", "organization-status/x"):
            client.ask(method, path).expect(404)
    if login in (USER, NOBODY):
        client.post("users/", {}, headers={"Origin": "https://evil.example"}) \
            .expect_problem(403, "forbidden")


def test_no_role_sees_no_difference(server, victim):
    """Whether a user exists is not told to one who may not read."""
    client = server.nobody
    there = client.get("users/" + victim["user_uid"])
    assert there.raw == client.get("users/" + "0" * 20).raw


# ---- protected users ----


@pytest.mark.parametrize("login", [SUB_ADMIN, STORED])
def test_a_sub_admin_cannot_touch_those_with_a_role(server, admin, login):
    base = allowing(" ".join(PERMISSIONS))
    client = server.client(login, base=base)
    role_at(server, None, ADMIN)
    role_at(server, None, SUB_ADMIN)
    peer = admin.create(fresh_email())
    admin.post("sub-admins/", {"user_uid": peer["user_uid"]}).expect(201)
    itself = admin.everyone(email=STORED)[0]
    chief = admin.create(ADMIN.upper().replace("EXAMPLE", "example"))
    helper = admin.create(SUB_ADMIN)
    for user in (peer, itself, chief, helper):
        path = "users/" + user["user_uid"]
        client.get(path).expect(200)
        for result in (client.put(path, {"n": 1}), client.put(path, {}), client.delete(path),
                       client.put("users/", {"user_uid": user["user_uid"], "email": "x@y.org"}),
                       client.delete("users/", {"user_uid": user["user_uid"]})):
            result.expect_problem(403, "protected_user")
        assert "n" not in admin.read(user["user_uid"])
    for user in (peer, chief, helper):
        admin.put("users/" + user["user_uid"], {"n": 1}).expect(200)
        admin.delete("users/" + user["user_uid"]).expect(200)


def test_who_is_no_sub_admin_any_more_is_not_protected(server, admin, victim):
    path = "users/" + victim["user_uid"]
    admin.post("sub-admins/", {"user_uid": victim["user_uid"]}).expect(201)
    server.sub_admin.put(path, {"n": 1}).expect_problem(403, "protected_user")
    admin.delete("sub-admins/" + victim["user_uid"]).expect(200)
    server.sub_admin.put(path, {"n": 1}).expect(200)


def test_a_sub_admin_cannot_take_an_admin_s_address(server, admin, victim):
    """Else it could make itself, or a user of its own, somebody with a role."""
    role_at(server, None, ADMIN)
    before = admin.get("organization-status/").json["user_uid"]
    result = server.sub_admin.put("users/" + victim["user_uid"], {"email": ADMIN})
    assert result.status in (200, 403)
    assert admin.get("organization-status/").json["user_uid"] == before
    if result.status == 200:
        server.sub_admin.put("users/" + victim["user_uid"], {"n": 1}) \
            .expect_problem(403, "protected_user")


# ---- the caller's uid ----


def test_an_admin_has_a_stable_uid_and_is_no_user(new_server):
    server = new_server()
    uids = {login: server.client(login).get("organization-status/").expect(200).json["user_uid"]
            for login in (ADMIN, SUB_ADMIN)}
    assert len(uids[ADMIN]) == 20 and uids[ADMIN] != uids[SUB_ADMIN]
    for _ in range(5):
        for login, uid in uids.items():
            status = server.client(login).get("organization-status/", fresh=True).json
            assert status["user_uid"] == uid and status["user_count"] == 0
    assert server.admin.get("users/").json["users"] == []
    server.admin.get("users/" + uids[ADMIN]).expect_problem(404, "user_not_found")
    server.stop()
    server.start()
    assert server.admin.get("organization-status/").json["user_uid"] == uids[ADMIN]
    assert server.client(ADMIN).get("organization-status/").json["user_uid"] == uids[ADMIN]


def test_an_admin_who_is_a_user_keeps_that_uid(server):
    server.add_login("chief@callers.example.com")
    server.set_group("chiefs", ["chief@callers.example.com"])
    uid = server.admin.create("Chief@callers.example.com")["user_uid"]
    client = server.client("chief@callers.example.com", base="/by-group")
    status = client.get("organization-status/").expect(200).json
    assert status["user_uid"] == uid and status["role"] == "admin"
    server.admin.delete("users/" + uid).expect(200)


def test_a_stored_sub_admin_s_uid_is_the_user_s(server, admin):
    status = server.client(STORED).get("organization-status/").json
    assert status["user_uid"] == admin.everyone(email=STORED)[0]["user_uid"]


def test_first_requests_at_once_make_one_row(new_server):
    server = new_server(processes=3)
    client = server.admin
    statuses = in_parallel(24, lambda index: client.get("organization-status/").expect(200).json)
    assert len({status["user_uid"] for status in statuses}) == 1
    assert server.sql("SELECT COUNT(*) FROM admins_seen") == [(1,)]


# ---- organizations ----


def of(server, organization, login=ADMIN, base="/organizations"):
    return server.client(login, base=base, headers={"X-Organization": organization})


def test_a_role_holds_in_its_organization_only(server):
    red = of(server, "red")
    email = server.add_login(fresh_email())
    uid = red.create(email)["user_uid"]
    red.post("sub-admins/", {"user_uid": uid}).expect(201)
    of(server, "red", email).get("users/").expect(200)
    of(server, "blue", email).get("users/").expect_problem(403, "forbidden")
    of(server, "default", email).get("users/").expect_problem(403, "forbidden")


def test_idempotency_keys_are_the_organization_s(server):
    body = {"email": fresh_email(), "display_name": "A"}
    uids = {of(server, name).post("users/", body, headers={"Idempotency-Key": "same"})
            .expect(201).json["userData"]["user_uid"] for name in ("red", "blue")}
    assert len(uids) == 2


def test_an_admin_s_uid_is_the_organization_s(server):
    uids = {of(server, name).get("organization-status/").json["user_uid"]
            for name in ("red", "blue", "default")}
    assert len(uids) == 3


@pytest.mark.parametrize("name", ["green", "", "Red", "red ", "x" * 300, "'", "re%64"])
def test_an_organization_that_does_not_exist(server, name):
    count = server.sql("SELECT COUNT(*) FROM organizations")
    if name.strip() == "red":
        # White space round a header's value is none of it.
        of(server, name).get("users/").expect(200)
        return
    for login in (ADMIN, SUB_ADMIN, NOBODY):
        for method, path in (("GET", "users/"), ("POST", "users/"),
                             ("GET", "organization-status/")):
            of(server, name, login).ask(method, path).expect_problem(403, "no_organization")
    assert server.sql("SELECT COUNT(*) FROM organizations") == count


def test_an_organization_made_at_an_admin_s_first_request(server):
    name = f"made-{next(NUMBERS)} é".encode().decode("latin-1")
    for login in (NOBODY, SUB_ADMIN):
        of(server, name, login, "/auto").get("users/").expect_problem(403, "no_organization")
    status = of(server, name, ADMIN, "/auto").get("organization-status/").expect(200).json
    assert status["organization"] == name.encode("latin-1").decode()
    assert status["user_count"] == 0 and status["payment_type"] == "free"
    of(server, name, SUB_ADMIN, "/auto").get("users/").expect(200)
    of(server, name, ADMIN, "/auto").create(fresh_email())
    of(server, name).get("users/").expect(200)


def test_an_organization_made_by_many_at_once(server):
    name = f"many-{next(NUMBERS)}"
    client = of(server, name, ADMIN, "/auto")
    in_parallel(16, lambda index: client.post("users/", {"email": f"m{index}@many.org",
                                                         "display_name": "M"}).expect(201))
    assert server.sql("SELECT SUM(user_count) FROM organization_counts WHERE org_id ="
                      " (SELECT org_id FROM organizations WHERE name = ?)", name) == [(16,)]


# ---- an admin's address ----


def test_a_sub_admin_makes_nobody_of_an_admins_address(server, admin):
    """Else it would write the name that the admin's invitations and mails carry."""
    admin.get("organization-status/").expect(200)
    user = admin.create(fresh_email())
    for email in (ADMIN, ADMIN.upper()):
        server.sub_admin.post("users/", {"email": email, "display_name": "Evil"}) \
            .expect_problem(403, "protected_user")
        server.sub_admin.put("users/" + user["user_uid"], {"email": email}) \
            .expect_problem(403, "protected_user")
    assert admin.read(user["user_uid"]) == user
    uid = admin.get("organization-status/").json["user_uid"]
    made = admin.create(ADMIN, "The Admin")
    invitation = admin.post("invitations/", {"email": fresh_email()}).expect(201).json["invitation"]
    assert invitation["inviter"] == {"user_uid": uid, "email": ADMIN, "display_name": "The Admin"}
    admin.delete("users/" + made["user_uid"]).expect(200)


# ---- what is left behind ----


def test_each_change_leaves_an_audit_event(server, admin):
    start = server.sql("SELECT COALESCE(MAX(event_uid), '') FROM audit_events")[0][0]
    user = admin.create(fresh_email(), "Before", note="é")
    uid = user["user_uid"]
    server.sub_admin.put("users/" + uid, {"display_name": "After"}).expect(200)
    changed = admin.read(uid)
    entry = admin.post("sub-admins/", {"user_uid": uid}).expect(201).json["sub_admin"]
    admin.delete("sub-admins/" + uid).expect(200)
    admin.delete("users/" + uid).expect(200)
    # What fails leaves nothing.
    admin.delete("users/" + uid).expect(404)
    admin.post("users/", {"email": STORED, "display_name": "A"}).expect(409)
    admin.post("users/", {}).expect(400)
    server.nobody.post("users/", {}).expect(403)
    rows = server.sql("SELECT action, actor_identity, actor_uid, actor_role, remote_addr, target,"
                      " before_json, after_json, at FROM audit_events WHERE event_uid > ?"
                      " ORDER BY event_uid", start)
    assert [row[0] for row in rows] == ["users.create", "users.update", "sub_admins.create",
                                        "sub_admins.delete", "users.delete"]
    admin_uid = admin.get("organization-status/").json["user_uid"]
    sub_uid = server.sub_admin.get("organization-status/").json["user_uid"]
    for row in rows:
        by_sub_admin = row[0] == "users.update"
        assert row[1:4] == ((SUB_ADMIN, sub_uid, "sub_admin") if by_sub_admin
                            else (ADMIN, admin_uid, "admin"))
        assert row[4] == "127.0.0.1" and row[5] == uid
    states = [(row[6] and json.loads(row[6]), row[7] and json.loads(row[7])) for row in rows]
    assert states[0] == (None, user)
    assert states[1] == (user, changed)
    assert states[2] == (None, entry) and states[3] == (entry, None)
    assert states[4] == (changed, None)
    assert [row[8] for row in rows] == sorted(row[8] for row in rows)


def test_audit_events_cannot_be_changed(server, admin, victim):
    for statement in ("UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events"):
        with pytest.raises(Exception, match="append-only"):
            server.sql(statement)


def test_notes_for_the_logs(server, admin, victim):
    uid = victim["user_uid"]
    start = len(server.access_lines())
    base = "/user-management"
    admin.get("users/")
    admin.get("users/" + uid)
    admin.put("users/" + uid, {"n": 1})
    server.sub_admin.delete("users/", {"user_uid": uid})
    server.nobody.get("users/")
    admin.get("users/?limit=x")
    admin.get("nothing")
    made = admin.post("users/", {"email": fresh_email(), "display_name": "A"})
    new = made.json["userData"]["user_uid"]
    admin.post("sub-admins/", {"email": made.json["userData"]["email"]})
    of(server, "green").get("users/")
    server.client(None).get("users/")
    wanted = [
        f"GET {base}/users/ 200 users.list default admin - ok",
        f"GET {base}/users/{uid} 200 users.get default admin {uid} ok",
        f"PUT {base}/users/{uid} 200 users.update default admin {uid} ok",
        f"DELETE {base}/users/ 403 users.delete default sub_admin - forbidden",
        f"GET {base}/users/ 403 users.list default none - forbidden",
        f"GET {base}/users/ 400 users.list default admin - validation_failed",
        f"GET {base}/nothing 404 - - none - not_found",
        f"POST {base}/users/ 201 users.create default admin {new} ok",
        f"POST {base}/sub-admins/ 201 sub_admins.create default admin {new} ok",
        "GET /organizations/users/ 403 users.list green none - no_organization",
        f"GET {base}/users/ 401 - - - - unauthorized",
    ]

    # An unknown path is answered before anybody is asked who calls; the role
    # of a caller without an organization is not settled either.
    def plain(line):
        fields = line.split()
        if fields[-1] in ("not_found", "no_organization"):
            fields[5] = "*"
        return tuple(fields)

    def missing():
        return (collections.Counter(map(plain, wanted))
                - collections.Counter(map(plain, server.access_lines()[start:])))

    # A line is written once its answer is out, so some of requests before may follow.
    wait_for(lambda: not missing(), 5, f"all of {wanted}")


def test_a_debug_line_tells_where_a_role_comes_from(new_server):
    server = new_server(log_level="info usermgmt:debug", roles="", location=f"""
        UserMgmtAdmin group nobodies
        UserMgmtAdmin expr "%{{REMOTE_USER}} == '{ADMIN}'"
        UserMgmtSubAdmin user {SUB_ADMIN} second@example.com
        UserMgmtOrganization "%{{HTTP:X-Organization}}"
        UserMgmtIdentity "%{{HTTP:X-Identity}}"
        """)
    stored = server.client(headers={"X-Organization": "default", "X-Identity": "boss"}) \
        .create(STORED)
    server.client(headers={"X-Organization": "default", "X-Identity": "boss"}) \
        .post("sub-admins/", {"user_uid": stored["user_uid"]}).expect(201)

    def told(login, identity, organization, said, status=200):
        line = (f'UM0098: user "{login}", identity "{identity}", '
                f'organization "{organization}", role {said}')
        with server.expect_log(re.escape(line) + r"(, referer.*)?$"):
            server.client(login, headers={"X-Organization": organization,
                                          "X-Identity": identity}).get("users/").expect(status)

    told(ADMIN, "boss", "default",
         f"admin by UserMgmtAdmin expr \"%{{REMOTE_USER}} == '{ADMIN}'\"")
    told(SUB_ADMIN, "x@example.com", "default",
         f"sub_admin by UserMgmtSubAdmin user {SUB_ADMIN} second@example.com")
    told(NOBODY, STORED, "default", "sub_admin by the sub-admins of the organization")
    told(NOBODY, "x@example.com", "default", "none since no UserMgmtAdmin or UserMgmtSubAdmin "
         "holds, and the organization has no sub-admin of that address", 403)
    told(NOBODY, "x@example.com", "nowhere", "none since UserMgmtOrganization gives no "
         "organization that exists", 403)
    told(ADMIN, "boss", "", "none since UserMgmtOrganization gives no organization that exists",
         403)
    told(ADMIN, "", "default", "none since UserMgmtIdentity gives no identity", 403)


def test_a_debug_line_of_nobody_tells_of_the_login(new_server):
    server = new_server(log_level="info usermgmt:debug",
                        require="Require ip 127.0.0.1\nRequire valid-user")
    with server.expect_log('UM0098: user "", identity "", organization "default", role none since '
                           r"httpd has no user for this request \(see AuthType and Require\)$"):
        server.admin.get("users/").expect_problem(403, "forbidden")


def test_a_debug_line_of_a_role_that_could_not_be_found_out(new_server):
    server = new_server(log_level="info usermgmt:debug", roles="", location="""
        UserMgmtAdmin dbm-group x
        AuthDBMGroupFile "@DIR@/conf/missing" """, modules=["authz_dbm"])
    server.allow_log("AH01799|UM0047")
    with server.expect_log(f'UM0098: user "{ADMIN}", identity "{ADMIN}", organization "default", '
                           "role none since the role could not be found out"):
        server.admin.get("users/").expect_problem(500, "internal_error")


LDAP = 'AuthLDAPURL "ldap://127.0.0.1:1/dc=example,dc=com?mail"'


@pytest.mark.parametrize("line", [
    "ldap-group cn=admins,dc=example,dc=com", f"ldap-user {ADMIN}",
    "ldap-dn cn=x,dc=example,dc=com", "ldap-attribute role=admin", "ldap-filter role=admin"])
def test_an_ldap_server_that_is_down_makes_nobody_an_admin(new_server, line):
    """As docs/directives.md tells: httpd's provider says no, and why only at level debug."""
    server = new_server(
        modules=["ldap", "authnz_ldap"], roles=f"{LDAP}\nUserMgmtAdmin {line}",
        log_level="info usermgmt:debug authnz_ldap:debug", extra=f"""
        <Location "/signed-in-by-ldap">
            SetHandler usermgmt
            AuthType Basic
            AuthName x
            AuthBasicProvider ldap
            {LDAP}
            Require valid-user
            UserMgmtAdmin {line}
        </Location>""")
    with server.expect_log(r"authnz_ldap:debug.*[Cc]an't contact LDAP server|User DN not found"), \
            server.expect_log("UM0098: .* role none since no UserMgmtAdmin"):
        server.admin.get("users/").expect_problem(403, "forbidden")
    assert "UM0047" not in server.log_text()
    with server.expect_log(r"authnz_ldap:info.* AH01695: .*[Cc]an't contact LDAP server"):
        server.client(base="/signed-in-by-ldap").get("users/") \
            .expect_problem(500, "internal_error")


@pytest.mark.parametrize("require", [
    "<RequireAny>\nRequire ip 127.0.0.1\nRequire valid-user\n</RequireAny>",
    "Require ip 127.0.0.1\nRequire valid-user",
    "Require valid-user\nOrder deny,allow\nAllow from 127.0.0.1\nSatisfy Any",
])
def test_who_is_let_in_without_a_login_has_no_role(new_server, require):
    """Even where a login is sent, since nobody looks at it."""
    server = new_server(modules=["access_compat"], require=require)
    for client in (server.client(None), server.admin, server.client(ADMIN, password="wrong")):
        problem = client.get("organization-status/").expect_problem(403, "forbidden")
        assert problem["detail"].startswith("Nobody is signed in: httpd asked for no login here")
    both = new_server(require="""<RequireAll>
        Require ip 127.0.0.1
        Require valid-user
        </RequireAll>""")
    both.client(None).get("users/").expect_problem(401, "unauthorized")
    both.admin.get("users/").expect(200)


def test_the_role_of_each_caller_is_not_logged_at_the_usual_level(new_server):
    server = new_server()
    server.admin.get("users/").expect(200)
    server.nobody.get("users/").expect(403)
    assert "UM0098" not in server.log_text()


def test_the_identity_is_noted(new_server):
    server = new_server(extra="""
        LogFormat "%>s %{usermgmt-identity}n %{usermgmt-role}n" callers
        CustomLog "@DIR@/logs/callers_log" callers
        """, location='UserMgmtIdentity "%{HTTP:X-Identity}"')
    for identity in ('Zo\u00eb "x" y@example.com', "plain-1.2_~", "100% it"):
        server.client(headers={"X-Identity": identity.encode().decode("latin-1")}) \
            .get("users/").expect(200)
    server.admin.get("users/").expect(403)
    server.client(None, headers={"X-Identity": "x"}).get("users/").expect(401)
    server.admin.get("nothing").expect(404)
    wanted = ["200 Zo%C3%AB%20%22x%22%20y%40example.com admin", "200 plain-1.2_~ admin",
              "200 100%25%20it admin", "403 - none", "401 - -", "404 - none"]
    path = server.directory / "logs/callers_log"
    # The lines of several connections come in any order, behind that of httpd's start.
    wait_for(lambda: sorted(path.read_text().splitlines()) == sorted(["200 - -", *wanted]), 5,
             str(wanted))


def test_notes_keep_the_fields_of_a_log_apart(new_server):
    names = ["two words", 'a "quote"', "back\\slash", "per%20cent", "Zoë", "plain-1.2_~", "a=b&c/d"]
    server = new_server(extra="""
        LogFormat "%>s %{usermgmt-action}n %{usermgmt-org}n %{usermgmt-role}n \\
%{usermgmt-target}n %{usermgmt-outcome}n" fields
        CustomLog "@DIR@/logs/fields_log" fields
        """, location='UserMgmtOrganization "%{HTTP:X-Organization}"\nUserMgmtAutoOrganization On')
    for name in names:
        server.client(headers={"X-Organization": name.encode().decode("latin-1")}) \
            .get("users/").expect(200)
    admin = server.client(headers={"X-Organization": "red"})
    for target in ("X%20ok", 'X"ok', "X%22%20admin", "%C3%A9", "a" * 129, "X%5c", "X%09ok"):
        result = admin.get("users/" + target)
        assert result.status in (400, 404)
    admin.get("users/?user_uid=X+ok")
    admin.delete("users/", {"user_uid": "X ok"})
    admin.delete("sub-admins/", {"user_uid": "X\tok"})
    admin.delete("invitations/", {"invite_token": "X \"ok"})
    admin.get("users/plain-1_x").expect_problem(404, "user_not_found")

    def lines():
        return (server.directory / "logs/fields_log").read_text().splitlines()

    # What httpd answered at its start is there too; the last request is this one.
    wait_for(lambda: any("plain-1_x" in line for line in lines()), 5, "the last line")
    fields = [line.split(" ") for line in lines()]
    assert {len(line) for line in fields} == {6}
    logged = {urllib.parse.unquote(line[2]) for line in fields}
    assert logged - {"-"} == set(names) | {"red"}
    assert {line[4] for line in fields} == {"-", "plain-1_x"}
