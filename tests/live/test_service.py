# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The index of the API, and what me/ tells a caller of himself."""

import re
import urllib.parse
from pathlib import Path

import pytest
from routes import ROUTES
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, location

STORED = "stored@service.example.com"
USER = "User@service.example.com"
VERSION = re.search(r"^AC_INIT\(\[mod_usermgmt\], \[([\d.]+)\]\)$",
                    (Path(__file__).resolve().parents[2] / "configure.ac").read_text(),
                    re.MULTILINE)[1]
EVERYTHING = ["users:read", "users:create", "users:update", "users:delete", "groups:manage",
              "invitations:read", "invitations:manage", "sub-admins:read", "sub-admins:manage", "sessions:read",
              "sessions:report", "audit:read", "keys:manage", "scim", "metrics:read"]
BY_DEFAULT = ["users:read", "users:create", "users:update", "sessions:read"]
# By the permission that each needs; None for every role.
LINKS = {"users": "users:read", "groups": "users:read", "sub_admins": "sub-admins:read",
         "invitations": "invitations:read", "sessions": "sessions:read",
         "organization_status": None, "organization_status_history": None,
         "audit_events": "audit:read",
         "api_keys": "keys:manage", "me": None, "openapi": None}
FILES = {"openapi": "openapi.json",
         "organization_status_history": "organization-status/history/"}


EXTRA = location("/none", "UserMgmtSubAdminAllow none") + location(
    "/few", "UserMgmtSubAdminAllow invitations:read users:update") + location(
    "/team", 'UserMgmtOrganization "%{HTTP:X-Team}"') + location(
    "/identity", 'UserMgmtIdentity "%{HTTP:X-Identity}"') + location("/of/user:mgmt", "")


@pytest.fixture(scope="module")
def server(make_server):
    made = make_server(extra=EXTRA)
    for login in (STORED, USER):
        made.add_login(login)
        made.admin.create(login)
    made.admin.post("sub-admins/", {"email": STORED}).expect(201)
    made.sql("INSERT INTO organizations (name, created_at) VALUES ('red', 0)")
    return made


@pytest.mark.parametrize("login, base, permissions", [
    (ADMIN, None, EVERYTHING), (SUB_ADMIN, None, BY_DEFAULT), (STORED, None, BY_DEFAULT),
    (ADMIN, "/none", EVERYTHING), (STORED, "/none", []), (SUB_ADMIN, "/none", []),
    (STORED, "/few", ["users:update", "invitations:read"]), (USER, None, []), (NOBODY, None, []),
])
def test_me(server, login, base, permissions):
    client = server.client(login, base=base)
    found = client.get("me/").expect(200)
    me = found.json
    assert list(me) == ["identity", "user_uid", "role", "permissions", "organization", "features"]
    role = "admin" if login == ADMIN else "sub_admin" if login in (SUB_ADMIN, STORED) else "none"
    users = {user["email"]: user["user_uid"] for user in server.admin.everyone()}
    if login == NOBODY:
        assert me["user_uid"] is None
    elif login in users:
        assert me["user_uid"] == users[login]
    else:
        assert me["user_uid"] == client.get("organization-status/").json["user_uid"]
    assert (me["identity"], me["role"], me["organization"]) == (login, role, "default")
    assert me["permissions"] == permissions and me["features"] == []
    assert found.headers["Cache-Control"] == "no-store" and "ETag" not in found.headers
    assert client.get("me").raw == found.raw
    assert client.ask("HEAD", "me/").expect(200).raw == b""


def test_me_needs_a_caller(server):
    server.client(None).get("me/").expect_problem(401, "unauthorized")
    problem = server.client(ADMIN, base="/identity").get("me/").expect_problem(403, "forbidden")
    assert "permission" not in problem
    server.client(ADMIN, base="/team", headers={"X-Team": "blue"}).get("me/") \
        .expect_problem(403, "no_organization")
    me = server.client(USER, base="/team", headers={"X-Team": "red"}).get("me/").expect(200).json
    assert (me["organization"], me["role"], me["user_uid"]) == ("red", "none", None)
    for path in ("me/", ""):
        server.admin.get(path, query={"limit": 1}).expect_faults(("limit", "unknown_parameter"))
        server.admin.post(path, {}).expect_problem(405, "method_not_allowed")


def test_me_tells_that_invitations_are_mailed(new_server):
    server = new_server(extra="UserMgmtMailServer smtp://127.0.0.1:9\n"
                              "UserMgmtMailFrom users@example.com\n")
    assert server.admin.get("me/").expect(200).json["features"] == ["mail"]


@pytest.mark.parametrize("login, base", [
    (ADMIN, None), (SUB_ADMIN, None), (STORED, "/none"), (SUB_ADMIN, "/few")])
def test_the_index(server, login, base):
    client = server.client(login, base=base)
    may = client.get("me/").json["permissions"]
    found = client.get("").expect(200)
    index = found.json
    assert list(index) == ["service", "version", "organization", "links"]
    assert (index["service"], index["version"], index["organization"]) == (
        "mod_usermgmt", VERSION, "default")
    assert set(index["links"]) == {name for name, permission in LINKS.items()
                                   if permission is None or permission in may}
    for name, link in index["links"].items():
        assert link == FILES.get(name, name.replace("_", "-") + "/")
        assert ("GET", link.rstrip("/")) in ROUTES
        client.send("GET", urllib.parse.urljoin(found.target, link)).expect(200)
    # Without the slash at the end relative links begin with the last part of the base.
    bare = client.send("GET", client.base).expect(200).json
    start = client.base.rpartition("/")[2] + "/"
    assert bare == {**index, "links": {name: start + link
                                       for name, link in index["links"].items()}}
    assert client.ask("HEAD", "").expect(200).raw == b""


def test_links_of_a_base_with_a_colon(server):
    """Without ./ in front "user:" would be a scheme."""
    client = server.client(ADMIN, base="/of/user:mgmt")
    bare = client.send("GET", client.base).expect(200)
    assert bare.json["links"]["users"] == "./user:mgmt/users/"
    # Not by urljoin(), which takes no "user" for a scheme that it does not know.
    for link in bare.json["links"].values():
        assert not urllib.parse.urlsplit(link).scheme
        client.send("GET", urllib.parse.urljoin("/of/user:mgmt", link)).expect(200)
    assert client.get("").json["links"]["users"] == "users/"


@pytest.mark.parametrize("login", [USER, NOBODY])
def test_the_index_is_for_those_with_a_role(server, login):
    problem = server.client(login).get("").expect_problem(403, "forbidden")
    assert "permission" not in problem
