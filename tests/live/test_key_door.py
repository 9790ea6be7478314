# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""API keys as callers: who is let in where, with which permissions, and for how long. What an
admin does with keys is in test_api_keys.py."""

import itertools
import os
import re
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest
from api_keys import forge, id_of, make_key, random_text, secret_of, with_key
from auth_env import Authority, Http2Client, TlsClient
from routes import ROUTER
from test_held_requests import Held
from test_protocols import new_tls_server
from usermgmt_env import ADMIN, Workers, location, raw_status, wait_for

NUMBERS = itertools.count()
INVALID = 'Bearer error="invalid_token"'
INSUFFICIENT = 'Bearer error="insufficient_scope"'
ALONE = "AuthType usermgmt-key\n"
SERVES = "SetHandler usermgmt\n"


def place(path, lines):
    return f'\n<Location "{path}">\n{lines}\n</Location>\n'


def page(path, lines):
    return f"\nAlias {path} @DIR@/htdocs" + place(path, lines)


# The address of a request is what it says, so that each test has addresses of its own.
EXTRA = """
    UserMgmtSessionFlush 1
    RemoteIPHeader X-Client
    RemoteIPInternalProxy 127.0.0.1
    LogFormat "%U %>s %u %{usermgmt-key}n %{Authorization}i" keys
    CustomLog "@DIR@/logs/keys" keys
    LogFormat "%u %{OIDC_CLAIM_email}i %{OIDC-access-token}i %{X-OIDC_CLAIM}i" claims
    CustomLog "@DIR@/logs/claims" claims
    """ + place("/alone", SERVES + ALONE + 'AuthName "the \\"keys\\""\nRequire valid-user') + place(
    "/granted", SERVES + "UserMgmtKeys On\nRequire all granted") + place(
    "/alone-granted", SERVES + ALONE + "Require all granted") + place(
    "/alone-off", SERVES + ALONE + "UserMgmtKeys Off\n@AUTH@\nRequire valid-user") + location(
    "/off", "UserMgmtKeys Off") + location(
    "/red", "UserMgmtOrganization red") + location(
    "/claim", 'UserMgmtOrganization "%{HTTP:X-Claim}"') + location(
    "/uncached", "UserMgmtRoleCacheTTL 0") + place(
    "/identity", f"""{SERVES}
    @AUTH@
    Require valid-user
    UserMgmtIdentity "%{{HTTP:X-Identity}}"
    UserMgmtAdmin expr "%{{HTTP:X-Identity}} =~ /./"
    """) + page(
    "/valid", "@AUTH@\nRequire valid-user") + page(
    "/admins", "@AUTH@\nRequire usermgmt-role admin") + page(
    "/forbids", "@AUTH@\nAuthzSendForbiddenOnFailure On\nRequire usermgmt-role admin") + page(
    "/subs", "@AUTH@\nRequire usermgmt-role sub_admin") + page(
    "/active", "@AUTH@\nRequire usermgmt-active") + page(
    "/user", f"@AUTH@\nRequire user {ADMIN}") + page(
    "/open", "Require all granted") + page(
    "/activity", "@AUTH@\nRequire valid-user\nUserMgmtActivity shop") + page(
    "/lost", "UserMgmtKeys Off\nRequire all granted\nErrorDocument 404 /user-management/me/") + page(
    "/moved", "@AUTH@\nRequire valid-user\nErrorDocument 404 /user-management/me/") + page(
    "/held", """@AUTH@
    <RequireAll>
        Require expr "%{REMOTE_USER} == '' || file('@DIR@/run/pipe') == ''"
        Require usermgmt-permission users:read
    </RequireAll>""")


def prepare(server):
    server.modules.append("remoteip")
    return server.start()


@pytest.fixture(scope="module")
def server(make_server):
    made = prepare(make_server(start=False, extra="UserMgmtKeys On\n" + EXTRA))
    made.sql("INSERT INTO organizations (name, created_at) VALUES ('red', 0)")
    return made


@pytest.fixture(autouse=True)
def refusals(request):
    """httpd tells its error log whom it does not let in."""
    if "server" in request.fixturenames:
        request.getfixturevalue("server").allow_log("AH0163[01]: ")


def stranger():
    """A header with an address that nobody else has."""
    number = next(NUMBERS)
    return {"X-Client": f"10.1.{number // 250}.{number % 250 + 1}"}


def caller(server, text, **options):
    headers = {**stranger(), **options.pop("headers", {})}
    return with_key(server, text, headers=headers, **options)


def refused(result):
    result.expect_problem(401, "unauthorized")
    assert result.headers.get_all("WWW-Authenticate") == [INVALID]


def new_user(client):
    return client.post("users/", {"email": f"k{next(NUMBERS)}@door.example.com",
                                  "display_name": "By a key"})


# ---- which keys ----


def test_a_key_is_a_caller(server, admin):
    text = make_key(admin, permissions=["users:read", "sessions:read"])
    for scheme in ("Bearer", "bearer", "API-KEY", "api-key", "Bearer  "):
        client = caller(server, text, scheme=scheme)
        assert client.get("me/").expect(200).json == {
            "identity": "key:" + id_of(text), "user_uid": None, "role": "none",
            "permissions": ["users:read", "sessions:read"], "organization": "default",
            "features": []}
    client.get("users/").expect(200)
    assert client.get("").json["links"] == {
        "me": "me/", "openapi": "openapi.json", "users": "users/", "groups": "groups/",
        "sessions": "sessions/", "organization_status": "organization-status/",
        "organization_status_history": "organization-status/history/"}
    status = client.get("organization-status/").expect(200).json
    assert (status["user_uid"], status["role"]) == (None, "none")
    problem = new_user(client).expect_problem(403, "forbidden")
    assert problem["permission"] == "users:create"
    assert problem["detail"] == "This API key does not have the permission users:create."


def test_a_key_of_an_admin(server, admin):
    text = make_key(admin, role="admin")
    client = caller(server, text)
    me = client.get("me/").expect(200).json
    assert (me["role"], me["user_uid"]) == ("admin", None)
    assert sorted(me["permissions"]) == sorted(set(PERMISSIONS) - {"keys:manage"})
    uid = new_user(client).expect(201).json["userData"]["user_uid"]
    client.post("sub-admins/", {"user_uid": uid}).expect(201)
    # It may change those whom a sub-admin may not.
    client.put("users/" + uid, {"display_name": "Changed"}).expect(200)
    assert client.get("sub-admins/" + uid).expect(200).json["sub_admin"]["added_by"] == \
        "key:" + id_of(text)
    invitation = client.post("invitations/", {"email": f"k{next(NUMBERS)}@door.example.com"})
    assert invitation.expect(201).json["invitation"]["inviter"] == {
        "user_uid": None, "email": "key:" + id_of(text), "display_name": None}
    token = invitation.json["invitation"]["invite_token"]
    assert admin.get("invitations/" + token).json["invitation"] == invitation.json["invitation"]
    client.get("api-keys/").expect_problem(403, "forbidden")


def test_a_key_without_a_role_leaves_those_with_one_alone(server, admin):
    client = caller(server, make_key(admin, permissions=["users:update"]))
    uid = new_user(admin).expect(201).json["userData"]["user_uid"]
    client.put("users/" + uid, {"display_name": "Changed"}).expect(200)
    admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    client.put("users/" + uid, {"display_name": "Again"}).expect_problem(403, "protected_user")


def test_a_key_accepts_no_invitation(server, admin):
    client = caller(server, make_key(admin, role="admin"))
    email = f"k{next(NUMBERS)}@door.example.com"
    secret = admin.post("invitations/", {"email": email}).expect(201).json["accept_token"]
    client.post("invitations/accept", {"accept_token": secret}).expect_problem(403, "not_invited")


BAD = {
    "no-key": lambda good: forge(),
    "other-secret": lambda good: forge(id_of(good)),
    "checksum": lambda good: good[:-1] + ("A" if good[-1] != "A" else "B"),
    "id-in-capitals": lambda good: forge(id_of(good).swapcase(), secret_of(good)),
    "short": lambda good: good[:-1],
    "long": lambda good: good + "0",
    "empty": lambda good: "umk_",
    "a-word-more": lambda good: good + " x",
    "a-comma": lambda good: good + ",",
    "quoted": lambda good: 'umk_"' + good + '"',
    "not-ascii": lambda good: good[:-1] + "\u00e9",
    "long-as-a-header": lambda good: "umk_" + random_text(8000),
}


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_key(server, admin, name):
    good = make_key(admin)
    text = BAD[name](good)
    for base in (None, "/alone", "/granted", "/alone-granted"):
        for scheme in ("Bearer", "API-KEY"):
            refused(caller(server, text, scheme=scheme, base=base).get("me/"))
    for base in ("/valid", "/open", "/active"):
        result = caller(server, text, base=base).get("page.txt").expect(401)
        assert result.headers.get_all("WWW-Authenticate") == [INVALID]
    # Where keys are off it is httpd's own matter.
    result = caller(server, text, base="/off").get("me/").expect(401)
    assert result.headers["WWW-Authenticate"].startswith("Basic")
    server.allow_log("AH01614: ")
    caller(server, good).get("me/").expect(200)


@pytest.mark.database("sqlite")
def test_a_key_in_a_query_is_none(server, admin):
    text = make_key(admin)
    for name in ("key", "api_key", "access_token", "Authorization"):
        server.client(None).get("me/", query={name: text}).expect(401)
        server.client(None, base="/open").get("page.txt", query={name: text}).expect(200)


# ---- which places ----


@pytest.mark.database("sqlite")
def test_beside_basic(server, admin):
    """Each finds its own authenticator, on one connection too."""
    text = make_key(admin)
    basic = admin.headers["Authorization"]
    client = server.client(None, headers=stranger())
    for _ in range(3):
        for authorization, identity in ((f"Bearer {text}", "key:" + id_of(text)), (basic, ADMIN)):
            me = client.get("me/", headers={"Authorization": authorization}).expect(200).json
            assert me["identity"] == identity
        result = client.get("me/").expect(401)
        assert result.headers["WWW-Authenticate"].startswith("Basic")
        refused(client.get("me/", headers={"Authorization": f"Bearer {forge()}"}))
        # Other tokens are for other modules.
        result = client.get("me/", headers={"Authorization": "Bearer eyJhbGciOi"}).expect(401)
        assert result.headers["WWW-Authenticate"].startswith("Basic")
    server.allow_log("AH01614: ")


@pytest.mark.database("sqlite")
def test_keys_alone(server, admin):
    text = make_key(admin)
    assert caller(server, text, base="/alone").get("me/").json["identity"] == "key:" + id_of(text)
    caller(server, text, base="/alone-granted").get("me/").expect(200)
    for login in (None, ADMIN):
        result = server.client(login, base="/alone").get("me/")
        result.expect_problem(401, "unauthorized")
        assert result.headers.get_all("WWW-Authenticate") == ['Bearer realm="the \\"keys\\""']
    server.client(None, base="/alone-granted").get("me/").expect_problem(403, "forbidden")


@pytest.mark.database("sqlite")
def test_where_httpd_asks_for_no_login(server, admin):
    """A key is checked all the same, and is the caller."""
    text = make_key(admin)
    assert caller(server, text, base="/granted").get("me/").json["identity"] == \
        "key:" + id_of(text)
    caller(server, text, base="/open").get("page.txt").expect(200)
    server.client(None, base="/open").get("page.txt").expect(200)


PLACES = {"/valid": (200, 200), "/admins": (401, 200), "/forbids": (403, 200), "/subs": (401, 401),
          "/active": (200, 200), "/user": (401, 401), "/open": (200, 200)}


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("base", PLACES)
def test_other_places(server, admin, base):
    reader, chief = make_key(admin), make_key(admin, role="admin")
    for text, status in zip((reader, chief), PLACES[base]):
        result = caller(server, text, base=base).get("page.txt").expect(status)
        challenges = result.headers.get_all("WWW-Authenticate")
        assert challenges == ([INSUFFICIENT] if status == 401 else None)
    line = wait_for(lambda: [line for line in server_lines(server) if id_of(chief) in line], 3,
                    "the line of the log")[-1]
    # A request that was refused with 401 has no user in a log.
    assert f" key:{id_of(chief)} umk_{id_of(chief)} Bearer umk_{id_of(chief)}" in line


def server_lines(server):
    return (server.directory / "logs/keys").read_text().splitlines()


def lines_of_log(server, path, text):
    return wait_for(lambda: [line for line in server_lines(server)
                             if line.startswith(path + " ") and id_of(text) in line], 3,
                    "the line of the log")


@pytest.mark.database("sqlite")
def test_the_header_has_no_secret(server, admin):
    """Where keys are off, the header is another module's, and stays as it came."""
    text = make_key(admin)
    server.allow_log("AH01614: ")
    for base, shown in ((None, "umk_" + id_of(text)), ("/alone", "umk_" + id_of(text)),
                        ("/off", text)):
        client = caller(server, text, base=base)
        client.get("me/")
        line = lines_of_log(server, f"{client.base}/me/", text)[-1]
        assert line.endswith(f" Bearer {shown}"), line
    # A script that asks for the header in place of the key gets no further with it.
    refused(caller(server, "umk_" + id_of(text)).get("me/"))


@pytest.mark.database("sqlite")
def test_a_key_forges_no_claims(server, admin):
    """mod_auth_openidc, which removes such headers, does not see a request with a key."""
    text = make_key(admin)
    lines = ["GET /valid/page.txt HTTP/1.1", "Host: localhost", "Connection: close",
             f"Authorization: Bearer {text}", f"OIDC_CLAIM_email: {ADMIN}", "oidc-access-token: 1",
             "OIDC-Access-Token: 2", f"X-OIDC_CLAIM: {text[:3]}", f"OIDC_CLAIM_email: {ADMIN}"]
    assert raw_status(server.raw("\r\n".join([*lines, "", ""]).encode())) == 200
    log = server.directory / "logs/claims"
    assert wait_for(lambda: [line for line in log.read_text().splitlines()
                             if line.startswith("key:" + id_of(text))], 3, "the line of the log") \
        == [f"key:{id_of(text)} - - umk"]


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("base, status", (("/lost", 404), ("/moved", 401)))
def test_an_internal_redirect_into_a_place_with_keys(server, admin, base, status):
    """From a place without keys, and from one with keys."""
    text = make_key(admin)
    for _ in range(2):
        result = caller(server, text).send("GET", base + "/nothing").expect(200)
        assert result.json["identity"] == "key:" + id_of(text)
    caller(server, forge()).send("GET", base + "/nothing").expect(status)
    caller(server, text).send("GET", base + "/page.txt").expect(200)


def test_the_organization(server, admin):
    """That of the key counts, and where the place has another one, the key is refused."""
    chief = server.client(ADMIN, base="/red")
    red, default = make_key(chief), make_key(admin)
    assert caller(server, red).get("me/").json["organization"] == "red"
    assert caller(server, red, base="/red").get("me/").json["organization"] == "red"
    assert caller(server, red, base="/alone").get("users/").json["users"] == []
    refused(caller(server, default, base="/red").get("me/"))
    for claim, status in (("red", 200), ("", 200), ("default", 401), ("Red", 401), ("red ", 200),
                          ("\u00e9", 401)):
        result = caller(server, red, base="/claim").get("me/", headers={"X-Claim": claim})
        assert result.status == status, claim


@pytest.mark.database("sqlite")
def test_no_person_is_taken_for_a_key(server, admin):
    text = make_key(admin)
    client = server.client(ADMIN, base="/identity")
    assert client.get("me/", headers={"X-Identity": "somebody"}).json["role"] == "admin"
    for name in ("key:" + id_of(text), "KEY:" + id_of(text), "key:", "Key:x"):
        client.get("me/", headers={"X-Identity": name}).expect_problem(403, "forbidden")
    # UserMgmtIdentity is about people.
    assert caller(server, text, base="/identity").get("me/").json["identity"] == \
        "key:" + id_of(text)


@pytest.mark.database("sqlite")
def test_configuration_gives_keys_no_role(server, admin):
    """The place makes everybody with an identity an admin."""
    text = make_key(admin)
    me = caller(server, text, base="/identity").get("me/", headers={"X-Identity": "x"}).json
    assert (me["role"], me["permissions"]) == ("none", ["users:read"])


@pytest.mark.database("sqlite")
def test_a_browser_s_origin_does_not_matter(server, admin):
    client = caller(server, make_key(admin, permissions=["users:create"]),
                    headers={"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"})
    new_user(client).expect(201)


def test_keys_have_no_sessions(server, admin):
    text = make_key(admin)
    before = admin.get("organization-status/").json["session_count"]
    caller(server, text, base="/activity").get("page.txt").expect(200)
    server.client(ADMIN, base="/activity").get("page.txt").expect(200)
    wait_for(lambda: admin.get("organization-status/").json["session_count"] == before + 1, 5,
             "the session of the admin")
    assert server.sql("SELECT COUNT(*) FROM admins_seen WHERE identity LIKE '%key:%'") == [(0,)]


@pytest.mark.database("sqlite")
def test_allow_from(server, admin):
    text = make_key(admin, allow_from=["192.0.2.0/24", "2001:db8:7::/48"])
    for address, status in (("192.0.2.9", 200), ("2001:db8:7:1::1", 200), ("192.0.3.1", 401),
                            ("2001:db8:8::1", 401), ("::ffff:192.0.2.10", 200)):
        client = with_key(server, text, headers={"X-Client": address})
        assert client.get("users/").status == status, address


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("lines, said", [
    ("UserMgmtKeys Maybe", "UserMgmtKeys must be On or Off"),
    ("UserMgmtKeys", "UserMgmtKeys must be On or Off|takes one argument"),
])
def test_bad_lines_are_refused(new_server, lines, said):
    server = new_server(start=False, location=lines)
    server.allow_log(".")
    server.expect_config_error(said)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("lines", ["UserMgmtKeys On", "AuthType usermgmt-key"])
def test_keys_need_a_database(new_server, lines):
    server = new_server(start=False, has_database=False, has_location=False,
                        extra=place("/x", lines))
    server.allow_log("UM0095: ")
    server.expect_config_error("UM0095: no database is named")


@pytest.mark.database("sqlite")
def test_the_configuration_of_the_document(new_server):
    page_text = (Path(ROUTER).parents[2] / "docs/auth/keys.md").read_text(encoding="utf-8")
    lines = page_text.split("## Configuration")[1].split("\n## ")[0]
    found = re.search(r"^    UserMgmtDatabase .*\n((?:    .*\n|\n)+?)(?=^\S)", lines, re.MULTILINE)[1]
    assert found.count("<Location ") == 3
    server = new_server(start=False, has_location=False,
                        extra=found.replace("/etc/apache2/usermgmt.htpasswd", "@DIR@/conf/htpasswd")
                        + "Alias /reports @DIR@/htdocs\n").start()
    text = make_key(server.admin)
    for base in (None, "/machines"):
        caller(server, text, base=base).get("users/").expect(200)
    caller(server, text, base="/reports").get("page.txt").expect(200)
    server.client(ADMIN, base="/machines").get("me/").expect(401)
    server.client(ADMIN, base="/reports").get("page.txt").expect(401)


# ---- permissions ----

SOURCES = Path(ROUTER).parents[1]
NAMES = dict((bit, name) for name, bit in re.findall(
    r'\{ "([a-z:-]+)", (UM_PERMIT_\w+), [01] \}', (SOURCES / "rest/permission.c").read_text()))
PERMISSIONS = list(NAMES.values())
TABLE = re.findall(r'\{ "([A-Z]+)", "([^"]*)", (UM_PERMIT_\w+),', ROUTER.read_text())


# One of these is enough; a refusal names the first.
SEVERAL = {"UM_PERMIT_USERS_WRITE": ["users:create", "users:update"]}


def test_the_tables_are_read():
    assert len(PERMISSIONS) >= 14 and len(TABLE) >= 30
    assert {bit for _, _, bit in TABLE} \
        <= {*NAMES, *SEVERAL, "UM_PERMIT_ROLE", "UM_PERMIT_ANYONE"}


def is_allowed(bit, permissions):
    if bit in SEVERAL:
        return not permissions.isdisjoint(SEVERAL[bit])
    if bit == "UM_PERMIT_ROLE":
        return bool(permissions)
    return bit == "UM_PERMIT_ANYONE" or NAMES[bit] in permissions


@pytest.mark.parametrize("has", [*PERMISSIONS, "admin", "none"])
def test_each_permission_on_each_route(server, admin, has):
    """A key has what it was made with, and never keys:manage."""
    text = make_key(admin, **({"role": "admin"} if has == "admin" else {}))
    if has != "admin":
        # Also what a key can't be made with.
        server.sql("UPDATE api_keys SET permissions = ? WHERE key_id = ?",
                   "" if has == "none" else has, id_of(text))
    permissions = set(PERMISSIONS if has == "admin" else [has]) - {"keys:manage", "none"}
    client = caller(server, text)
    for method, path, bit in TABLE:
        body = None if method == "GET" else {}
        result = client.ask(method, path.replace("*", "absent00000000000000"), body)
        if is_allowed(bit, permissions):
            assert result.status != 403 or result.json["code"] != "forbidden", (method, path)
        else:
            problem = result.expect_problem(403, "forbidden")
            named = SEVERAL[bit][0] if bit in SEVERAL else NAMES.get(bit)
            assert problem.get("permission") == named, (method, path)
    assert set(client.get("me/").json["permissions"]) == permissions


def test_the_audit_trail_names_the_key(server, admin):
    texts = [make_key(admin, permissions=["users:create"]), make_key(admin, role="admin")]
    for text, role in zip(texts, ("none", "admin")):
        headers = stranger()
        made = new_user(with_key(server, text, headers=headers)).expect(201).json["userData"]
        (event,) = admin.get("audit-events/", query={"target": made["user_uid"]}).json[
            "audit_events"]
        assert event["actor"] == {"identity": "key:" + id_of(text), "user_uid": None, "role": role}
        assert event["remote_addr"] == headers["X-Client"]
        assert admin.get("audit-events/", query={"actor": "key:" + id_of(text)}).json[
            "query_count"] == 1


def test_each_key_has_answers_of_its_own(server, admin):
    """An Idempotency-Key is one of its caller's."""
    clients = [caller(server, make_key(admin, permissions=["users:create"])) for _ in range(2)]
    body = {"email": f"k{next(NUMBERS)}@door.example.com", "display_name": "Once"}
    headers = {"Idempotency-Key": f"door-{next(NUMBERS)}"}
    first = clients[0].post("users/", body, headers=headers).expect(201)
    again = clients[0].post("users/", body, headers=headers).expect(201)
    assert again.headers["Idempotency-Replayed"] == "true" and again.json == first.json
    clients[1].post("users/", body, headers=headers).expect_problem(409, "email_exists")


# ---- how long ----


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def watch_end(server, client, end):
    """Ask until after a time: the key holds before it, and not from then on."""
    server.allow_log("UM0108: ")
    seen = set()
    while time.time() < end + 0.2:
        before = time.time()
        status = client.get("me/").status
        after = time.time()
        assert (status == 200 and before < end) or (status in (401, 429) and after >= end), (
            status, before - end, after - end)
        seen.add(status)
        time.sleep(0.002)
    assert seen >= {200, 401}


def test_a_key_ends_when_it_expires(server, admin):
    answer = admin.post("api-keys/", {"name": "short", "permissions": ["users:read"],
                                      "expires_in": "1200ms"}).expect(201).json
    watch_end(server, caller(server, answer["key"]), moment(answer["api_key"]["expires_at"]))


def test_rotation(server, admin):
    """Both secrets hold for the grace, then the new one alone."""
    old = make_key(admin)
    client = caller(server, old)
    client.get("me/").expect(200)
    answer = admin.post(f"api-keys/{id_of(old)}/rotate", {"grace": "1200ms"}).expect(200).json
    new = caller(server, answer["key"])
    new.get("me/").expect(200)
    watch_end(server, client, moment(answer["api_key"]["old_secret_until"]))
    new.get("me/").expect(200)
    answer = admin.post(f"api-keys/{id_of(old)}/rotate", {"grace": "0"}).expect(200).json
    refused(new.get("me/"))
    caller(server, answer["key"]).get("me/").expect(200)


def test_a_key_with_less(server, admin):
    text = make_key(admin, permissions=["users:read", "users:create"])
    client = caller(server, text)
    new_user(client).expect(201)
    admin.ask("PATCH", "api-keys/" + id_of(text), {"permissions": ["users:read"]}).expect(200)
    new_user(client).expect_problem(403, "forbidden")
    admin.ask("PATCH", "api-keys/" + id_of(text), {"allow_from": ["192.0.2.1"]}).expect(200)
    refused(client.get("users/"))


class Users(Workers):
    """Threads that use a key without a pause."""

    def __init__(self, server, text, ask):
        super().__init__()
        self.clients = [caller(server, text) for _ in range(12)]
        self.seen = []
        self.ask = ask
        self.threads = [threading.Thread(target=self._run, args=(client,))
                        for client in self.clients]

    def _run(self, client):
        while not self.stop.is_set():
            started = time.monotonic()
            self.seen.append((started, self.ask(client).status))
        client.close()

    def wait_for(self, condition):
        start = len(self.seen)
        wait_for(lambda: condition(self.seen[start:]), 20, "the users of the key")


RACES = {
    "read": (["users:read"], lambda client: client.get("users/?limit=1")),
    "create": (["users:create"], new_user),
}


@pytest.mark.parametrize("kind", RACES)
def test_revoked_while_it_is_used(new_server, kind):
    """Once the answer is there, no process of the server takes the key any more."""
    server = prepare(new_server(start=False, processes=3, threads=16,
                                extra="UserMgmtKeys On\n" + EXTRA))
    server.allow_log("UM0108: ")
    admin = server.admin
    permissions, ask = RACES[kind]
    for _ in range(3):
        text = make_key(admin, permissions=permissions)
        with Users(server, text, ask) as users:
            users.wait_for(lambda seen: len(seen) > 100)
            admin.delete("api-keys/" + id_of(text)).expect(200)
            revoked = time.monotonic()
            users.wait_for(lambda seen, revoked=revoked: len(
                [1 for started, _ in seen if started > revoked]) > 50)
        before = {status for started, status in users.seen if started < revoked}
        after = {status for started, status in users.seen if started > revoked}
        assert before & {200, 201}
        assert after <= {401, 429} and after, after
    admin.close()


def test_two_servers(new_server):
    """What one server does to a key, the other knows in time. A new secret holds at once."""
    ttl = 2
    extra = f"UserMgmtKeys On\nUserMgmtRoleCacheTTL {ttl}\n" + EXTRA
    first = prepare(new_server(start=False, extra=extra))
    second = prepare(new_server(start=False, extra=extra, database=first.database, processes=1))
    text = make_key(first.admin)
    there = caller(second, text)
    there.get("me/").expect(200)
    answer = first.admin.post(f"api-keys/{id_of(text)}/rotate", {"grace": "1h"}).expect(200).json
    new = caller(second, answer["key"])
    new.get("me/").expect(200)
    there.get("me/").expect(200)
    first.admin.delete("api-keys/" + id_of(text)).expect(200)
    revoked = time.monotonic()
    refused(caller(first, text).get("me/"))
    there.get("me/").expect(200)
    wait_for(lambda: there.get("me/").status == 401, ttl + 1, "a 401")
    assert time.monotonic() - revoked > ttl / 4


def test_a_change_does_not_rely_on_what_is_remembered(server, admin):
    text = make_key(admin, permissions=["users:create"])
    client = caller(server, text)
    new_user(client).expect(201)
    server.sql("UPDATE api_keys SET revoked_at = 1 WHERE key_id = ?", id_of(text))
    result = new_user(client)
    problem = result.expect_problem(401, "unauthorized")
    assert problem["detail"] == "The API key does not hold any more."
    assert result.headers["WWW-Authenticate"] == INVALID
    server.sql("UPDATE api_keys SET revoked_at = NULL, permissions = 'users:read'"
               " WHERE key_id = ?", id_of(text))
    new_user(client).expect_problem(403, "forbidden")


@pytest.mark.parametrize("seconds", [0, 1.5], ids=["at-once", "later"])
def test_revoked_while_a_body_comes(server, admin, seconds):
    text = make_key(admin, permissions=["users:create"])
    email = f"k{next(NUMBERS)}@door.example.com"
    held = Held(server, f"Bearer {text}", "users/", {"email": email, "display_name": "Held"})
    admin.delete("api-keys/" + id_of(text)).expect(200)
    time.sleep(seconds)
    status, received = held.finish()
    assert status == 401 and INVALID.encode() in received
    assert server.sql("SELECT COUNT(*) FROM users WHERE email = ?", email) == [(0,)]


# ---- the last use ----


def last_use(admin, text):
    key = admin.get("api-keys/" + id_of(text)).expect(200).json["api_key"]
    return key["last_used_at"], key["last_used_addr"]


@pytest.mark.database("sqlite")
def test_revoked_before_its_permissions_are_asked_for(server, admin):
    """httpd waits for the pipe after the login. Then the key is refused as others are, without an
    error in the log."""
    text = make_key(admin)
    pipe = server.directory / "run/pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o666)

    def let_in():
        try:
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            return True
        except OSError:
            return False

    for status in (200, 401):
        answers = []
        thread = threading.Thread(target=lambda kept=answers: kept.append(
            caller(server, text, base="/held").get("page.txt", fresh=True).status))
        thread.start()
        time.sleep(0.3)
        if status == 401:
            admin.delete("api-keys/" + id_of(text)).expect(200)
        wait_for(let_in, 10, "httpd reads the pipe")
        thread.join(10)
        assert answers == [status]


def test_the_last_use_is_told(server, admin):
    text, other = make_key(admin), make_key(admin)
    assert last_use(admin, text) == (None, None)
    for address in ("192.0.2.77", "2001:db8::77"):
        started = time.time()
        time.sleep(1.1)
        with_key(server, text, headers={"X-Client": address}).get("me/").expect(200)
        wait_for(lambda address=address: last_use(admin, text)[1] == address, 5, "the last use")
        assert started < moment(last_use(admin, text)[0]) <= time.time()
    refused(caller(server, forge(id_of(other))).get("me/"))
    time.sleep(1.5)
    assert last_use(admin, other) == (None, None)


def test_the_last_use_survives_the_end(new_server):
    """A process that ends writes what is not written."""
    server = prepare(new_server(start=False, extra="UserMgmtKeys On\n" + EXTRA.replace(
        "UserMgmtSessionFlush 1", "UserMgmtSessionFlush 1h")))
    text = make_key(server.admin)
    client = caller(server, text)
    client.get("me/").expect(200)
    client.close()
    used = "SELECT COUNT(*) FROM api_keys WHERE last_used_at IS NOT NULL"
    assert server.sql(used) == [(0,)]
    server.stop()
    assert server.sql(used) == [(1,)]


# ---- too many bad ones ----


@pytest.mark.database("sqlite")
def test_bad_keys_are_throttled(server, admin):
    good = make_key(admin)
    server.allow_log("UM0108: ")
    address = stranger()
    bad = with_key(server, forge(), headers=address)
    for number in range(10):
        refused(bad.get("me/") if number % 2 else
                with_key(server, "umk_", headers=address, base="/alone").get("me/"))
    for _ in range(3):
        result = bad.get("me/")
        result.expect_problem(429, "too_many_requests")
        assert 1 <= int(result.headers["Retry-After"]) <= 60
        assert "WWW-Authenticate" not in result.headers
    # A good key is not refused, whether it is remembered or not, and whoever else is there.
    for base in (None, "/uncached"):
        with_key(server, good, headers=address, base=base).get("me/").expect(200)
    with_key(server, make_key(admin), headers=address).get("me/").expect(200)
    assert server.client(ADMIN, headers=address).get("me/").status == 200
    refused(with_key(server, forge(), headers=stranger()).get("me/"))


@pytest.mark.database("sqlite")
def test_a_network_of_ipv6_is_one_address(server):
    server.allow_log("UM0108: ")

    def ask(address):
        return with_key(server, forge(), headers={"X-Client": address}).get("me/").status

    assert [ask(f"2001:db8:1:2:{n:x}::1") for n in range(10)] == [401] * 10
    assert ask("2001:db8:1:2::5") == 429
    assert ask("2001:db8:1:3::5") == 401


# ---- secrets ----


def maps_of(pid):
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split()
        if "r" in fields[1] and not fields[-1].startswith("[v"):
            yield [int(number, 16) for number in fields[0].split("-")]


def count_in_memory(pid, needle):
    found = 0
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for start, end in maps_of(pid):
            try:
                memory.seek(start)
                found += memory.read(end - start).count(needle)
            except OSError:
                continue
    return found


@pytest.mark.database("sqlite")
@pytest.mark.unsanitized
def test_no_secret_stays_in_memory(new_server):
    """As in a core of a child that does nothing."""
    server = prepare(new_server(start=False, processes=1, extra="UserMgmtKeys On\n" + EXTRA))
    texts = [make_key(server.admin, permissions=["users:read", "users:create"])
             for _ in range(3)]
    answer = server.admin.post(f"api-keys/{id_of(texts[0])}/rotate", {"grace": "1h"}).json
    texts += [answer["key"], forge(id_of(texts[0])), forge()]
    for text in texts:
        for base in (None, "/alone", "/granted", "/red"):
            for _ in range(3):
                client = caller(server, text, base=base)
                client.get("users/")
                new_user(client)
                client.close()
        caller(server, text, base="/valid").get("page.txt", fresh=True)
    (child,) = server.children()
    time.sleep(0.5)
    # What is not secret is found.
    assert count_in_memory(child, id_of(texts[0]).encode()) > 0
    for text in texts:
        assert count_in_memory(child, secret_of(text).encode()) == 0, text


@pytest.mark.database("sqlite")
def test_no_secret_is_written_over_http2(new_server, live):
    """mod_http2 itself writes all headers at trace2."""
    authority = Authority(live.new_directory())
    authority.given = authority.give_server()
    server, port = new_tls_server(new_server, live, authority, more="""
        UserMgmtKeys On
        LogLevel trace8 http2:trace1
        """)
    text = make_key(server.admin, permissions=["users:read", "users:create"])
    bad = forge(id_of(text))
    for kind in (Http2Client, TlsClient):
        for sent, status in ((text, 201), (bad, 401)):
            client = kind(server, port, authority, headers={"Authorization": f"Bearer {sent}"})
            new_user(client).expect(status)
            client.close()
    written = server.log_text()
    (server.directory / "logs/console").write_text("")
    assert "trace8" in written and id_of(text) in written
    assert secret_of(text) not in written and secret_of(bad) not in written


def test_no_secret_is_written(new_server):
    server = prepare(new_server(start=False, extra="UserMgmtKeys On\n" + EXTRA,
                                log_level="trace8"))
    headers = {"Idempotency-Key": "once"}
    body = {"name": "kept", "permissions": ["users:create"]}
    made = server.admin.post("api-keys/", body, headers=headers).expect(201).json["key"]
    assert "key" not in server.admin.post("api-keys/", body, headers=headers).expect(201).json
    rotated = server.admin.post(f"api-keys/{id_of(made)}/rotate", {"grace": "1h"}).json["key"]
    texts = [made, rotated, forge(id_of(made)), forge(), made[:-1] + "-"]
    for text in texts:
        for base in (None, "/alone", "/red", "/valid"):
            client = caller(server, text, base=base)
            client.get("page.txt")
            client.post("users/", {"email": f"k{next(NUMBERS)}@door.example.com",
                                   "display_name": "x"}, headers={"Idempotency-Key": "again"})
            client.close()
    server.allow_log("AH0163[01]: |UM0108: ")
    written = {}
    for path in server.directory.rglob("*"):
        if path.is_file() and path.name != "httpd.conf":
            written[path] = path.read_bytes()
    for table in (
            "audit_events", "idempotency_keys", "api_keys"):
        written[table] = repr(server.sql(f"SELECT * FROM {table}")).encode()
    # It has the trace, which the test is not about.
    (server.directory / "logs/console").write_text("")
    assert any(id_of(made).encode() in text for text in written.values())
    for text in texts:
        for place_of, content in written.items():
            assert secret_of(text).encode() not in content, place_of
