# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Suspended users: listed and kept, without rights, let in nowhere."""

import itertools
import json
import threading
import time

import pytest
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, wait_for
from usermgmtctl import DatabaseOf

NUMBERS = itertools.count()
TTL = 2

EXTRA = f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtSubAdmin user {SUB_ADMIN}
    Alias /application @DIR@/htdocs
    <Location "/application">
        @AUTH@
        AuthzSendForbiddenOnFailure On
        Require usermgmt-active
    </Location>
    Alias /others @DIR@/htdocs
    <Location "/others">
        @AUTH@
        AuthzSendForbiddenOnFailure On
        <RequireAll>
            Require valid-user
            Require not usermgmt-active
        </RequireAll>
    </Location>
    Alias /uncached @DIR@/htdocs
    <Location "/uncached">
        @AUTH@
        AuthzSendForbiddenOnFailure On
        UserMgmtRoleCacheTTL 0
        Require usermgmt-active
    </Location>
    Alias /nowhere @DIR@/htdocs
    <Location "/nowhere">
        @AUTH@
        AuthzSendForbiddenOnFailure On
        UserMgmtOrganization nowhere
        Require usermgmt-active
    </Location>"""


def make_page(server):
    (server.directory / "htdocs/page.txt").write_text("a page\n")
    server.allow_log("AH0163[01]: ")
    return server


@pytest.fixture(scope="module")
def server(make_server):
    return make_page(make_server(extra=f"UserMgmtRoleCacheTTL {TTL}\n" + EXTRA, roles=""))


@pytest.fixture(name="admin")
def fixture_admin(server):
    server.allow_log("AH0163[01]: ")
    return server.admin


@pytest.fixture
def login(server):
    return server.add_login(f"s{next(NUMBERS)}@suspended.example.com")


def suspend(admin, user, active=False):
    return admin.ask("PATCH", "users/" + user["user_uid"], {"active": active}).expect(200)


def status(server, login, base="/application"):
    return server.client(login, base=base).get("page.txt").status


def test_a_new_user_is_active(admin, login):
    user = admin.create(login)
    assert user["active"] is True
    assert list(user)[3:6] == ["role", "active", "created_at"]
    for active in (True, None):
        made = admin.post("users/", {"email": f"x{next(NUMBERS)}@suspended.example.com",
                                     "display_name": "X", "active": active}).expect(201)
        assert made.json["userData"]["active"] is True
    made = admin.post("users/", {"email": f"x{next(NUMBERS)}@suspended.example.com",
                                 "display_name": "X", "active": False}).expect(201)
    assert made.json["userData"]["active"] is False
    assert admin.read(made.json["userData"]["user_uid"]) == made.json["userData"]


@pytest.mark.parametrize("value", ["false", 0, 1, [], {}, 0.5, "", "inactive"])
def test_it_must_be_true_or_false(admin, login, value):
    user = admin.create(login)
    for result in (admin.ask("PATCH", "users/" + user["user_uid"], {"active": value}),
                   admin.post("users/", {"email": "y@suspended.example.com",
                                         "display_name": "Y", "active": value})):
        result.expect_problem(400, "validation_failed")
        assert [(fault["field"], fault["code"]) for fault in result.json["errors"]] \
            == [("active", "invalid_type")]
    assert admin.read(user["user_uid"]) == user


def test_suspend_and_activate(server, admin, login):
    user = admin.post("users/", {"email": login, "display_name": "Ann", "phone": "+1 555",
                                 "shoe": {"size": 41}}).expect(201).json["userData"]
    before = admin.get("users/" + user["user_uid"])
    suspend(admin, user)
    after = admin.get("users/" + user["user_uid"])
    # Nothing is lost, and the change is one like others.
    assert after.json["userData"] == {**user, "active": False,
                                      "updated_at": after.json["userData"]["updated_at"]}
    assert after.headers["ETag"] != before.headers["ETag"]
    assert user["user_uid"] in [one["user_uid"] for one in admin.everyone()]
    # A second time it changes nothing, and a null says nothing.
    for active in (False, None):
        suspend(admin, user, active)
        assert admin.get("users/" + user["user_uid"]).raw == after.raw
    suspend(admin, user, True)
    assert admin.read(user["user_uid"])["active"] is True
    events = [json.loads(one) for one, in server.sql(
        "SELECT after_json FROM audit_events WHERE target = ? AND action = 'users.update'"
        " ORDER BY event_uid", user["user_uid"])]
    assert [event["active"] for event in events] == [False, True]


def test_listed_by_state(admin):
    name = f"state{next(NUMBERS)}"
    users = [admin.create(f"{name}-{number}@suspended.example.com", f"{name} {number}")
             for number in range(6)]
    for user in users[1:4]:
        suspend(admin, user)

    def found(**query):
        return [user["email"] for user in admin.everyone(q=name, **query)]

    emails = [user["email"] for user in users]
    assert found(active="false") == emails[1:4]
    assert found(active="true") == emails[:1] + emails[4:]
    assert found() == emails
    page = admin.get("users/", query={"active": "false", "q": name, "limit": 2,
                                      "order_by": "-created_at"}).json
    assert page["query_count"] == 3 and len(page["users"]) == 2
    for value in ("", "1", "True", "suspended"):
        admin.get("users/", query={"active": value}).expect_problem(400, "validation_failed")


def test_a_suspended_sub_admin_has_no_rights(server, admin, login):
    user = admin.create(login)
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    client = server.client(login)
    for _ in range(2):
        client.get("users/").expect(200)
        suspend(admin, user)
        client.get("users/").expect_problem(403, "forbidden")
        client.post("users/", {"email": "z@suspended.example.com",
                               "display_name": "Z"}).expect_problem(403, "forbidden")
        # It stays a sub-admin, whom no other sub-admin touches.
        assert admin.read(user["user_uid"])["role"] == "sub_admin"
        assert user["user_uid"] in [one["user_uid"] for one in
                                    admin.get("sub-admins/", query={"limit": 100})
                                    .json["sub_admins"]]
        server.client(SUB_ADMIN).ask("PATCH", "users/" + user["user_uid"], {"active": True}) \
            .expect_problem(403, "protected_user")
        suspend(admin, user, True)
    client.get("users/").expect(200)


def test_a_sub_admin_by_configuration_too(server, admin):
    """An admin is one by configuration alone, and can't be locked out."""
    for login, expected in ((SUB_ADMIN, 403), (ADMIN, 200)):
        client = server.client(login)
        client.get("users/").expect(200)
        user = admin.create(login)
        client.get("users/").expect(200)
        suspend(admin, user)
        assert client.get("users/").status == expected
        admin.delete("users/" + user["user_uid"]).expect(200)
        client.get("users/").expect(200)


@pytest.mark.parametrize("role", ["SubAdmin", "Admin"])
def test_one_by_configuration_is_protected_from_the_first_request_on(make_server, role):
    """Also if it is suspended by then, so that the request itself is refused."""
    server = make_server(location=f"UserMgmt{role} user late@suspended.example.com")
    server.add_login("late@suspended.example.com")
    user = server.admin.create("late@suspended.example.com")
    other = server.client(SUB_ADMIN)
    path = "users/" + user["user_uid"]
    other.ask("PATCH", path, {"active": False}).expect(200)
    me = server.client(user["email"]).get("me/").expect(200).json
    assert me["role"] == ("admin" if role == "Admin" else "none")
    for body in ({"active": True}, {"email": "taken@suspended.example.com"}):
        other.ask("PATCH", path, body).expect_problem(403, "protected_user")


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "configured"])
def test_a_role_that_is_suspended_while_the_body_comes(server, admin, login, is_stored):
    """Within the transaction the user is read once more."""
    user = admin.create(login if is_stored else SUB_ADMIN)
    if is_stored:
        admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    begun = threading.Event()
    suspended = threading.Event()
    email = f"late{next(NUMBERS)}@suspended.example.com"

    def body():
        yield b'{"email":'
        begun.set()
        assert suspended.wait(20)
        yield json.dumps(email).encode() + b',"display_name":"Late"}'

    results = []
    client = server.client(user["email"])
    connection = client._connection(False)  # pylint: disable=protected-access

    def send():
        connection.request("POST", client.base + "/users/", body=body(), encode_chunked=True,
                           headers={**client.headers, "Content-Type": "application/json",
                                    "Transfer-Encoding": "chunked"})
        results.append(connection.getresponse().status)

    thread = threading.Thread(target=send)
    thread.start()
    assert begun.wait(20)
    suspend(admin, user)
    suspended.set()
    thread.join(20)
    assert results == [403]
    assert admin.everyone(email=email) == []
    admin.delete("users/" + user["user_uid"]).expect(200)


def test_a_suspended_user_accepts_no_invitation(server, admin, login):
    user = admin.create(login)
    invited = admin.post("invitations/", {"email": login}).expect(201).json
    suspend(admin, user)
    body = {"accept_token": invited["accept_token"]}
    headers = {"Idempotency-Key": "accept of " + login}
    server.client(login).post("invitations/accept", body, headers=headers) \
        .expect_problem(403, "user_suspended")
    # The refusal came after the invitation was marked; all of it is rolled back.
    token = invited["invitation"]["invite_token"]
    assert server.sql("SELECT action FROM audit_events WHERE target = ?",
                      token) == [("invitations.create",)]
    assert server.sql("SELECT status FROM invitations WHERE invite_token = ?",
                      token) == [("pending",)]
    assert admin.read(user["user_uid"])["role"] == "user"
    suspend(admin, user, True)
    server.client(login).post("invitations/accept", body, headers=headers).expect(200)
    assert admin.read(user["user_uid"])["role"] == "sub_admin"


# ---- Require usermgmt-active ----


def test_who_is_let_in(server, admin, login):
    assert status(server, login) == 403
    user = admin.create(login)
    assert status(server, login, "/uncached") == 200
    # Each process may remember until then that there was no such user.
    time.sleep(TTL + 0.5)
    for _ in range(2):
        assert status(server, login) == 200
        assert status(server, login, "/others") == 403
        assert status(server, login, "/nowhere") == 403
        suspend(admin, user)
        assert status(server, login) == 403
        assert status(server, login, "/others") == 200
        suspend(admin, user, True)
    admin.delete("users/" + user["user_uid"]).expect(200)
    assert status(server, login) == 403
    # A role alone makes no user.
    for other in (ADMIN, NOBODY):
        assert status(server, other) == 403
    server.client(None, base="/application").get("page.txt").expect(401)


def test_on_another_server_after_the_time(new_server):
    first, second = (make_page(server) for server in make_pair(new_server))
    login = "there@suspended.example.com"
    for server in (first, second):
        server.add_login(login)
    user = first.admin.create(login)
    assert status(second, login) == 200
    suspend(first.admin, user)
    assert status(second, login, "/uncached") == 403
    wait_for(lambda: status(second, login) == 403, TTL + 1, "it is known")


def test_a_configured_sub_admin_becomes_a_suspended_user(new_server):
    """At once, also where it is remembered that there was no such user."""
    server = new_server(roles="", extra="UserMgmtRoleCacheTTL 3600\n" + EXTRA, processes=1)
    client = server.client(SUB_ADMIN)
    client.get("users/").expect(200)
    server.admin.post("users/", {"email": SUB_ADMIN, "display_name": "S", "active": False}) \
        .expect(201)
    client.get("users/").expect_problem(403, "forbidden")


def test_no_change_on_another_server(new_server):
    """A role that another server remembers lets a sub-admin read, but change nothing."""
    first, second = make_pair(new_server, ttl=3600)
    user = first.admin.create(SUB_ADMIN)
    client = second.client(SUB_ADMIN)
    client.get("users/").expect(200)
    suspend(first.admin, user)
    client.get("users/").expect(200)
    client.post("users/", {"email": "no@suspended.example.com", "display_name": "No"}) \
        .expect_problem(403, "forbidden")
    client.ask("PATCH", "users/" + user["user_uid"], {"active": True}) \
        .expect_problem(403, "forbidden")
    assert [one["email"] for one in first.admin.everyone()] == [SUB_ADMIN]
    suspend(first.admin, user, True)
    client.post("users/", {"email": "yes@suspended.example.com", "display_name": "Yes"}) \
        .expect(201)


def make_pair(new_server, ttl=TTL):
    """The second has one process, because each process remembers roles for itself."""
    extra = f"UserMgmtRoleCacheTTL {ttl}\n" + EXTRA
    first = new_server(extra=extra, roles="")
    return first, new_server(extra=extra, roles="", database=first.database, processes=1)


@pytest.mark.parametrize("line, said", [
    ("Require usermgmt-active now", "it takes no argument"),
    ("UserMgmtAdmin usermgmt-active", "can't be used"),
])
def test_bad_lines_are_refused(new_server, line, said):
    server = new_server(start=False, extra=f'<Location "/x">\n{line}\n</Location>')
    server.allow_log(".")
    server.expect_config_error(said)


# ---- usermgmtctl ----


@pytest.mark.database("sqlite")
def test_in_tables(new_server):
    """A spreadsheet writes it in capitals; an empty cell is none."""
    server = new_server()
    database = DatabaseOf(server)
    table = "email,display_name,active\n" + "".join(
        f"t{number}@suspended.example.com,T,{cell}\n" for number, cell in enumerate(
            ["true", "FALSE", "", "False", "no"]))
    done = database.run("users", "import", "-", "--format", "csv", stdin=table.encode())
    done.expect(1, "4 imported")
    told = json.loads(done.err.splitlines()[0])
    assert told["line"] == 6
    assert [(fault["field"], fault["code"]) for fault in told["errors"]] \
        == [("active", "invalid_value")]
    assert [user["active"] for user in server.admin.everyone()] == [True, False, True, False]
    rows = database.run("users", "export", "--format", "csv").expect(0).out.splitlines()
    assert [row.split(",")[5] for row in rows] == ["active", "true", "false", "true", "false"]
