# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Many organizations in one database: nothing of one is seen from another."""

import itertools
import json
import re
from pathlib import Path

import pytest
from routes import ROUTES, route_of
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, location

NDJSON = {"Accept": "application/x-ndjson"}
NUMBERS = itertools.count()
EVERYTHING = ("users:read users:create users:update users:delete invitations:read"
              " sub-admins:read sessions:read sessions:report")


SCHEMA = sorted((Path(__file__).resolve().parents[2] / "schema/sqlite").glob("*.sql"))
# The rows of counts are summed up in the background; the status tells their sums.
TABLES = re.findall(r"^CREATE TABLE (?!organization_counts)(\w+) \(\n    org_id ",
                    "".join(path.read_text() for path in SCHEMA), re.MULTILINE)
assert len(TABLES) >= 11


def host(name, lines):
    """A virtual host whose admin is its own."""
    return f"""
        <VirtualHost 127.0.0.1:@PORT@>
            ServerName {name}
            UseCanonicalName On
            <Location "/user-management">
                SetHandler usermgmt
                @AUTH@
                Require valid-user
                UserMgmtAdmin user chief@{name}
                {lines}
            </Location>
        </VirtualHost>"""


HEADERS = """
    UserMgmtOrganization "%{HTTP:X-Organization}"
    UserMgmtIdentity "%{HTTP:X-Identity}"
    UserMgmtSubAdminAllow """ + EVERYTHING
HOST_NAMES = ["red.example.com", "blue.example.com"]
EXTRA = location("/organizations", HEADERS) + location(
    "/auto", HEADERS + "\nUserMgmtAutoOrganization On") + location(
    "/by-env", """
        SetEnvIf X-Team "^([a-z]+)$" team=$1
        UserMgmtOrganization "%{reqenv:team}" """) + location(
    "/by-two", 'UserMgmtOrganization "%{HTTP:X-Country}/%{HTTP:X-Team}"') + """
    <VirtualHost 127.0.0.1:@PORT@>
        ServerName localhost
    </VirtualHost>""" + host(
    HOST_NAMES[0], 'UserMgmtOrganization "%{SERVER_NAME}"') + host(
    HOST_NAMES[1], 'UserMgmtOrganization "%{SERVER_NAME}"') + host(
    "constant.example.com", "UserMgmtOrganization red.example.com")


@pytest.fixture(scope="module")
def server(make_server):
    made = make_server(extra=EXTRA)
    for name in ("red", "blue", "de/red", *HOST_NAMES):
        made.sql("INSERT INTO organizations (name, created_at) VALUES (?, 0)", name)
    return made


def fresh_email():
    return f"o{next(NUMBERS)}@organizations.example.com"


def of(server, organization, login=ADMIN, identity=None, base="/organizations"):
    return server.client(login, base=base, headers={"X-Organization": organization,
                                                    "X-Identity": identity or login})


# ---- what belongs to another ----


class Property:
    """The data of an organization, one of each kind, and its stored traces."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.admin = of(server, name)
        self.key = {"Idempotency-Key": "of-" + name}
        self.email, self.invited, self.pending = fresh_email(), fresh_email(), fresh_email()
        made = self.admin.post("users/", {"email": self.email, "display_name": "Blue"},
                               headers=self.key).expect(201)
        self.uid, self.etag = made.json["userData"]["user_uid"], made.headers["ETag"]
        self.helper = self.admin.create(fresh_email(), "Blue Helper", phone="+41 44 123")
        self.sub_uid = self.helper["user_uid"]
        self.spare_key = {"Idempotency-Key": "appoint-of-" + name}
        self.admin.post("sub-admins/", {"user_uid": self.sub_uid}, headers=self.spare_key) \
            .expect(201)
        answer = self.admin.post("invitations/", {"email": self.invited}).expect(201).json
        self.token, self.secret = answer["invitation"]["invite_token"], answer["accept_token"]
        self.pending_key = {"Idempotency-Key": "invite-of-" + name}
        self.admin.post("invitations/", {"email": self.pending}, headers=self.pending_key) \
            .expect(201)
        self.activity = "activity of " + name
        self.session = self.admin.post("sessions/", {
            "user_uid": self.uid, "activity": self.activity}).expect(201) \
            .json["session"]["session_uid"]
        self.me = self.admin.get("organization-status/").json["user_uid"]
        self.key_key = {"Idempotency-Key": "key-of-" + name}
        self.key_id = self.admin.post("api-keys/", {"name": "Key of " + name, "role": "admin"},
                                      headers=self.key_key).expect(201).json["api_key"]["key_id"]
        self.group_key = {"Idempotency-Key": "group-of-" + name}
        self.admin.post("groups/", {"display_name": "Another"}, headers=self.group_key).expect(201)
        self.group = "group-of-" + name
        server.sql("INSERT INTO user_groups (org_id, group_id, display_name, display_name_key,"
                   " created_at, updated_at) SELECT org_id, ?, 'Common', 'common', 1, 1"
                   " FROM organizations WHERE name = ?", self.group, name)
        server.sql("INSERT INTO group_members (org_id, group_id, user_uid, created_at)"
                   " SELECT org_id, ?, user_uid, 1 FROM users WHERE user_uid = ?",
                   self.group, self.uid)
        self.event = self.admin.get("audit-events/").json["last_uid"]

    def everything(self):
        """As its admins see it, and as it is stored."""
        admin = self.admin
        seen = [admin.get(path, headers=NDJSON).expect(200).raw
                for path in ("users/", "audit-events/")]
        seen += [admin.get(path, query={**query, "limit": 1000}).expect(200).raw
                 for path, query in (("sub-admins/", {}), ("groups/", {}), ("sessions/", {}),
                                     ("api-keys/", {}), ("invitations/", {"status": "all"}))]
        seen.append(admin.get("organization-status/").expect(200).raw)
        return seen + [(table, sorted(map(repr, self.server.sql(
            f"SELECT * FROM {table} WHERE org_id ="
            " (SELECT org_id FROM organizations WHERE name = ?)", self.name)))) for table in TABLES]


def rows(blue):
    """For each route, what is asked about another's things: method, path, body,
    headers, and what comes of it: the code of a 404; "own" for one's own rows,
    whatever the query; "none" for no row; "made" for one of one's own; "status", "history", "self"."""
    uid, sub_uid, token = blue.uid, blue.sub_uid, blue.token
    user, sub_admin, invitation, api_key, group = (
        "user_not_found", "sub_admin_not_found", "invitation_not_found", "api_key_not_found",
        "group_not_found")
    change = {"display_name": "Red", "email": fresh_email(), "n": 1}
    asked = [
        ("GET", "", None, "self"),
        ("GET", "me/", None, "self"),
        ("GET", "openapi.json", None, "self"),
        ("GET", "users/", None, "own"),
        ("GET", "users/?limit=1000&start_after_id=0", None, "own"),
        ("GET", f"users/?start_after_id={uid}", None, "own"),
        ("GET", f"users/?end_before_id={uid}", None, "own"),
        ("GET", f"users/?start_after_id={uid}&end_before_id={sub_uid}", None, "own"),
        ("GET", f"users/?email={blue.email}", None, "none"),
        ("GET", "users/?q=Blue", None, "none"),
        ("GET", "users/?phone=%2B41%2044%20123", None, "none"),
        ("GET", "users/?role=sub_admin", None, "none"),
        ("GET", f"users/?user_uid={uid}", None, user),
        ("GET", f"users/?order_by=email&start_after_id={uid}", None, "unknown_cursor"),
        ("GET", f"users/?order_by=-created_at&end_before_id={uid}", None, "unknown_cursor"),
        ("GET", f"users/?order_by=display_name&start_after_id={uid}", None, "unknown_cursor"),
        ("POST", "users/", {"email": blue.email, "display_name": "Blue"}, "made"),
        ("PUT", "users/", {"user_uid": uid, **change}, user),
        ("PATCH", "users/", {"user_uid": uid, **change}, user),
        ("DELETE", "users/", {"user_uid": uid}, user),
        ("DELETE", "users/", {"user_uid": sub_uid}, user),
        ("POST", "users/batch", {"mode": "update", "users": [
            {"user_uid": uid, "n": 1}, {"user_uid": sub_uid, "n": 1},
            {"email": blue.helper["email"]}]}, "refused"),
        ("POST", "users/batch", {"mode": "upsert", "users": [{"user_uid": uid, "n": 1}]},
         "refused"),
        ("GET", f"users/{uid}", None, user),
        ("GET", f"users/{blue.me}", None, user),
        ("PUT", f"users/{uid}", change, user),
        ("PUT", f"users/{sub_uid}", change, user),
        ("PATCH", f"users/{uid}", change, user),
        ("DELETE", f"users/{uid}", None, user),
        ("DELETE", f"users/{sub_uid}", None, user),
        ("GET", f"users/?group={blue.group}", None, "none"),
        ("GET", "groups/", None, "own"),
        ("GET", f"groups/?start_after_id={blue.group}", None, "own"),
        ("GET", f"groups/{blue.group}", None, group),
        ("GET", f"groups/?user_uid={uid}", None, "none"),
        ("POST", "groups/", {"display_name": "Common"}, "made"),
        ("PUT", f"groups/{blue.group}", {"display_name": "Red"}, group),
        ("PATCH", f"groups/{blue.group}", {"display_name": "Red"}, group),
        ("DELETE", f"groups/{blue.group}", None, group),
        ("POST", f"groups/{blue.group}/members/", {"user_uid": uid}, group),
        ("DELETE", f"groups/{blue.group}/members/", {"user_uid": uid}, group),
        ("GET", "sub-admins/", None, "none"),
        ("GET", f"sub-admins/?start_after_id={uid}", None, "none"),
        ("GET", f"sub-admins/?end_before_id={sub_uid}z", None, "none"),
        ("GET", f"sub-admins/{sub_uid}", None, sub_admin),
        ("POST", "sub-admins/", {"user_uid": uid}, user),
        ("POST", "sub-admins/", {"user_uid": sub_uid}, user),
        ("POST", "sub-admins/", {"email": blue.helper["email"]}, user),
        ("DELETE", "sub-admins/", {"user_uid": sub_uid}, sub_admin),
        ("DELETE", f"sub-admins/{sub_uid}", None, sub_admin),
        ("GET", "invitations/?status=all", None, "own"),
        ("GET", f"invitations/?start_after_id={token}", None, "own"),
        ("GET", f"invitations/?status=all&end_before_id={token}", None, "own"),
        ("GET", f"invitations/{token}", None, invitation),
        ("POST", "invitations/", {"email": blue.pending}, "made"),
        ("DELETE", "invitations/", {"invite_token": token}, invitation),
        ("DELETE", f"invitations/{token}", None, invitation),
        ("POST", "invitations/resend", {"invite_token": token}, invitation),
        ("POST", "invitations/accept", {"accept_token": blue.secret}, invitation),
        ("GET", "sessions/", None, "own"),
        ("GET", f"sessions/?user_uid={uid}", None, "none"),
        ("GET", "sessions/?activity=" + blue.activity.replace(" ", "+"), None, "none"),
        ("GET", f"sessions/?start_after_id={blue.session}", None, "own"),
        ("GET", f"sessions/?order_by=started_at&end_before_id={blue.session}", None,
         "unknown_cursor"),
        ("GET", f"sessions/{blue.session}", None, "session_not_found"),
        ("POST", "sessions/", {"user_uid": uid, "activity": blue.activity}, user),
        ("POST", "sessions/", {"user_uid": blue.me, "activity": "red"}, user),
        ("GET", "organization-status/", None, "status"),
        ("GET", "organization-status/history", None, "history"),
        ("GET", "audit-events/", None, "own"),
        ("GET", f"audit-events/{blue.event}", None, "audit_event_not_found"),
        ("GET", f"audit-events/?target={uid}", None, "none"),
        ("GET", f"audit-events/?target={token}", None, "none"),
        ("GET", f"audit-events/?end_before_id={blue.event}", None, "own"),
        ("GET", f"audit-events/?start_after_id={blue.event}&order_by=-at", None, "own"),
        ("GET", "api-keys/", None, "own"),
        ("GET", f"api-keys/?start_after_id={blue.key_id}", None, "own"),
        ("GET", f"api-keys/?end_before_id={blue.key_id}z", None, "own"),
        ("GET", f"api-keys/{blue.key_id}", None, api_key),
        ("POST", "api-keys/", {"name": "Red", "permissions": ["scim"]}, "made"),
        ("PATCH", f"api-keys/{blue.key_id}", {"name": "Red"}, api_key),
        ("POST", f"api-keys/{blue.key_id}/rotate", {"grace": "0"}, api_key),
        ("DELETE", f"api-keys/{blue.key_id}", None, api_key),
    ]
    assert {route_of(method, path) for method, path, _, _ in asked} == ROUTES
    return asked


def instead(blue, value):
    """The same, of things that never were."""
    text = json.dumps(value)
    for known in (blue.uid, blue.sub_uid, blue.token, blue.session, blue.event, blue.me,
                  blue.group):
        text = text.replace(known, "0" * 20)
    text = text.replace(blue.key_id, "0" * 12)
    return json.loads(text.replace(blue.helper["email"], "never@organizations.example.com")
                      .replace(blue.secret, "A" * 43))


def contains_none_of(blue, result):
    """The answer has no data of the other organization. The cursor of an empty page is made of
    the caller's own, so it has no data that the caller did not send."""
    raw = result.raw
    for cursor in re.findall(r"(?:start_after|end_before)_id=(\w+)", result.target):
        raw = re.sub(rb'"(next|prev)_cursor":"%b[^"]*"' % cursor[:-1].encode(), b"", raw)
    for known in (blue.helper["email"], blue.invited, blue.activity, blue.secret, "Blue Helper",
                  "+41 44 123", f'"{blue.name}"', blue.uid, blue.sub_uid, blue.me, blue.key_id):
        assert known.encode() not in raw, known


def check(blue, client, method, path, body, outcome):
    """Ask, and see that the answer is as if the other organization were not there."""
    result = client.ask(method, path, body)
    if outcome == "unknown_cursor":
        problem = result.expect_problem(400, "validation_failed")
        assert [fault["code"] for fault in problem["errors"]] == [outcome]
    elif outcome == "status":
        contains_none_of(blue, result.expect(200))
        assert result.json["session_count"] == 0
    elif outcome == "history":
        contains_none_of(blue, result.expect(200))
        assert not any(day["sessions_started"] for day in result.json["days"])
    elif outcome == "self":
        contains_none_of(blue, result.expect(200))
    elif outcome == "refused":
        contains_none_of(blue, result.expect(200))
        assert {(row["status"], row["problem"]["code"]) for row in result.json["results"]} \
            == {(404, "user_not_found")}
        assert client.ask(method, path, instead(blue, body)).raw == result.raw
    elif outcome in ("own", "none"):
        page = result.expect(200).json
        contains_none_of(blue, result)
        if outcome == "none":
            assert page["query_count"] == 0
            assert page.get("first_uid", page.get("first_token", page.get("first_id"))) is None
        stream = client.ask(method, path, body, headers=NDJSON)
        if stream.status == 200:
            contains_none_of(blue, stream)
            assert outcome == "own" or stream.lines == []
    else:
        result.expect_problem(404, outcome)
        for headers in ({"If-Match": blue.etag}, {"If-None-Match": blue.etag}, {"If-Match": "*"},
                        blue.spare_key):
            assert client.ask(method, path, body, headers=headers).raw == result.raw
    if result.status != 200:
        unknown = client.ask(method, instead(blue, path), instead(blue, body))
        assert (unknown.status, unknown.raw) == (result.status, result.raw)


@pytest.fixture(params=["/organizations", "/auto"])
def two(request, server):
    """Red, there or made by its admin's first request, and what blue has."""
    base, number = request.param, next(NUMBERS)
    red = f"red-{number}"
    server.sql("INSERT INTO organizations (name, created_at) VALUES (?, 0)", f"blue-{number}")
    if base == "/organizations":
        server.sql("INSERT INTO organizations (name, created_at) VALUES (?, 0)", red)
    else:
        of(server, red, base=base).get("organization-status/").expect(200)
    return of(server, red, base=base), Property(server, f"blue-{number}"), red, base


def test_nothing_of_another_is_seen_or_changed(two):
    red, blue, name, _ = two
    before = blue.everything()
    mine = [red.create(fresh_email(), "Mine")]
    for method, path, body, outcome in rows(blue):
        if outcome != "made":
            check(blue, red, method, path, body, outcome)
            continue
        # Neither the address nor the key of another stands in the way.
        key = {"users/": blue.key, "invitations/": blue.pending_key,
               "groups/": blue.group_key}.get(path, blue.key_key)
        result = red.ask(method, path, body, headers=key).expect(201)
        assert "Idempotency-Replayed" not in result.headers
        contains_none_of(blue, result)
        mine += [result.json["userData"]] if path == "users/" else []
    assert blue.everything() == before
    status = red.get("organization-status/").expect(200).json
    assert (status["organization"], status["activities"]) == (name, [])
    assert [status[count + "_count"] for count in (
        "user", "sub_admin", "session", "pending_invitation")] == [2, 0, 0, 1]
    # Pages in the order of uids, from wherever another's uid lies in it.
    assert red.everyone() == mine
    for cursor in (blue.uid, blue.sub_uid, blue.me):
        assert red.everyone(start_after_id=cursor) == [
            user for user in mine if user["user_uid"] > cursor]
        assert red.everyone(end_before_id=cursor) == [
            user for user in mine if user["user_uid"] < cursor]


def test_nor_by_a_sub_admin(server, two):
    _, blue, name, base = two
    before = blue.everything()
    client = of(server, name, SUB_ADMIN, base=base)
    refused = set()
    for method, path, body, outcome in rows(blue):
        result = client.ask(method, path, body)
        if result.status == 403:
            result.expect_problem(403, "forbidden")
            assert client.ask(method, instead(blue, path), instead(blue, body)).raw == result.raw
            refused.add(route_of(method, path))
        elif outcome != "made":
            check(blue, client, method, path, body, outcome)
    # Its permissions let it ask for all but what is for admins alone.
    assert len(ROUTES - refused) >= 14
    assert blue.everything() == before


def test_a_role_there_is_none_here(server, two):
    """One who is a sub-admin, invited, a user of the other organization alone."""
    _, blue, name, base = two
    before = blue.everything()
    for identity in (blue.helper["email"], blue.invited, blue.email):
        client = of(server, name, NOBODY, identity, base)
        for method, path, body, _ in rows(blue):
            result = client.ask(method, path, body)
            if path == "invitations/accept":
                result.expect_problem(404, "invitation_not_found")
            elif path == "me/":
                me = result.expect(200).json
                assert (me["role"], me["user_uid"], me["permissions"]) == ("none", None, [])
            else:
                result.expect_problem(403, "forbidden")
    of(server, blue.name, NOBODY, blue.helper["email"]).get("users/").expect(200)
    assert blue.everything() == before


def test_from_an_organization_that_is_none(server, two):
    _, blue, _, _ = two
    before = blue.everything()
    for login in (ADMIN, SUB_ADMIN, NOBODY):
        client = of(server, "nowhere", login, blue.helper["email"])
        for method, path, body, _ in rows(blue):
            client.ask(method, path, body).expect_problem(403, "no_organization")
    assert blue.everything() == before
    assert server.sql("SELECT COUNT(*) FROM organizations WHERE name = 'nowhere'") == [(0,)]


# ---- where the name comes from ----


def organization_of(client, **headers):
    return client.get("organization-status/", headers={
        name.replace("_", "-"): value for name, value in headers.items()}) \
        .expect(200).json["organization"]


def chief_of(server, name):
    login = server.add_login("chief@" + name)
    return server.client(login, headers={"Host": name})


def test_by_host_name(server):
    """Each host has its own admins; who is one here is nobody there."""
    red, blue = (chief_of(server, name) for name in HOST_NAMES)
    assert [organization_of(client) for client in (red, blue)] == HOST_NAMES
    for spelling in ("RED.Example.COM", "red.example.com:80", "red.example.com."):
        assert organization_of(red, Host=spelling) == HOST_NAMES[0]
    user = red.create("same@example.com")
    blue.get("users/" + user["user_uid"]).expect_problem(404, "user_not_found")
    assert blue.get("users/").json["query_count"] == 0
    blue.create("same@example.com")
    assert red.everyone() == [user]
    for client, other in ((red, HOST_NAMES[1]), (blue, HOST_NAMES[0])):
        for path in ("users/", "organization-status/", "users/" + user["user_uid"]):
            client.get(path, headers={"Host": other}).expect_problem(403, "forbidden")
    # Two hosts can be of one organization.
    chief = chief_of(server, "constant.example.com")
    assert organization_of(chief) == HOST_NAMES[0]
    assert chief.everyone() == [user]
    chief.get("users/", headers={"Host": HOST_NAMES[0]}).expect_problem(403, "forbidden")


def test_a_host_can_be_named_once_only(server):
    """The target's host counts, whatever the Host header says; two are refused."""
    client = chief_of(server, HOST_NAMES[0])
    target = f"http://{HOST_NAMES[0]}/user-management/organization-status/"
    result = client.send("GET", target, headers={"Host": HOST_NAMES[1]}).expect(200)
    assert result.json["organization"] == HOST_NAMES[0]
    target = target.replace(*HOST_NAMES)
    client.send("GET", target, headers={"Host": HOST_NAMES[0]}).expect_problem(403, "forbidden")
    answer = server.raw_request(b"GET /user-management/organization-status/ HTTP/1.1",
                                headers=[b"Host: " + HOST_NAMES[0].encode()])
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_by_an_environment_variable(server):
    client = server.client(base="/by-env")
    assert organization_of(client, X_Team="red") == "red"
    assert organization_of(client, X_Team="blue") == "blue"
    for team in ("nowhere", "", "re d", "red/"):
        client.get("users/", headers={"X-Team": team}).expect_problem(403, "no_organization")
    client.get("users/").expect_problem(403, "no_organization")


def test_by_several_values(server):
    client = server.client(base="/by-two")
    assert organization_of(client, X_Country="de", X_Team="red") == "de/red"
    for country, team in (("de", ""), ("", "red"), ("d", "e/red"), ("DE", "red")):
        client.get("users/", headers={"X-Country": country, "X-Team": team}) \
            .expect_problem(403, "no_organization")
