# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Require usermgmt-role: the roles in other Locations of the server."""

import itertools
import re
import time

import pytest
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, Client, wait_for

NUMBERS = itertools.count()
STORED = "stored@require.example.com"
REDDISH = "reddish@require.example.com"
LOGINS = [ADMIN, SUB_ADMIN, STORED, REDDISH, NOBODY]
IDENTITY = 'UserMgmtIdentity "%{HTTP:X-Identity}"'

# Path → lines, and who is let in. A role that the lines of the server's own
# configuration give holds everywhere.
PAGES = {
    "/admins": ("Require usermgmt-role admin", {ADMIN}),
    "/subs": ("Require usermgmt-role sub_admin", {SUB_ADMIN, STORED}),
    "/both": ("Require usermgmt-role sub_admin admin", {ADMIN, SUB_ADMIN, STORED}),
    "/twice": ("Require usermgmt-role admin\nRequire usermgmt-role sub_admin",
               {ADMIN, SUB_ADMIN, STORED}),
    "/any": (f"""<RequireAny>
        Require usermgmt-role admin
        Require user {NOBODY}
        </RequireAny>""", {ADMIN, NOBODY}),
    "/all": (f"""<RequireAll>
        Require usermgmt-role admin sub_admin
        Require user {STORED} {NOBODY}
        </RequireAll>""", {STORED}),
    "/not": ("""<RequireAll>
        Require valid-user
        Require not usermgmt-role sub_admin
        </RequireAll>""", {ADMIN, REDDISH, NOBODY}),
    "/not-both": ("""<RequireAll>
        Require valid-user
        Require not usermgmt-role admin sub_admin
        </RequireAll>""", {REDDISH, NOBODY}),
    "/admin-not-sub": ("""<RequireAll>
        Require usermgmt-role admin sub_admin
        Require not usermgmt-role sub_admin
        </RequireAll>""", {ADMIN}),
    "/none": ("""<RequireAll>
        Require valid-user
        <RequireNone>
            Require usermgmt-role admin
            Require usermgmt-role sub_admin
        </RequireNone>
        </RequireAll>""", {REDDISH, NOBODY}),
    "/nested": (f"""<RequireAll>
        <RequireAny>
            Require usermgmt-role sub_admin
            Require user {NOBODY}
        </RequireAny>
        <RequireNone>
            Require user {SUB_ADMIN}
        </RequireNone>
        </RequireAll>""", {STORED, NOBODY}),
    "/roles": ("UserMgmtAdmin user nobody@example.com\nRequire usermgmt-role admin", {NOBODY}),
    "/red": ("UserMgmtOrganization red\nRequire usermgmt-role sub_admin", {SUB_ADMIN, REDDISH}),
    "/not-red": ("""UserMgmtOrganization red
        <RequireAll>
        Require valid-user
        Require not usermgmt-role sub_admin
        </RequireAll>""", {ADMIN, STORED, NOBODY}),
    "/nowhere": ("UserMgmtOrganization nowhere\nRequire usermgmt-role admin sub_admin", set()),
    "/remote-user": ('UserMgmtIdentity "%{REMOTE_USER}"\nRequire usermgmt-role admin sub_admin',
                     {ADMIN, SUB_ADMIN, STORED}),
    "/small": ('UserMgmtIdentity "%{tolower:%{REMOTE_USER}}"\nRequire usermgmt-role sub_admin',
               {SUB_ADMIN, STORED}),
    "/uncached": ("UserMgmtRoleCacheTTL 0\nRequire usermgmt-role sub_admin", {SUB_ADMIN, STORED}),
}


def page(path, lines, authentication="@AUTH@\nAuthzSendForbiddenOnFailure On"):
    return f"""
        Alias {path} @DIR@/htdocs
        <Location "{path}">
            {authentication}
            {lines}
        </Location>"""


EXTRA = f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtSubAdmin user {SUB_ADMIN}
    LogFormat "%P %{{X-Probe}}i" probes
    CustomLog "@DIR@/logs/probes" probes
    """ + "".join(page(path, lines) for path, (lines, _) in PAGES.items()) + page(
        "/identity", IDENTITY + "\nRequire usermgmt-role sub_admin") + page(
        "/open", IDENTITY + "\nRequire usermgmt-role sub_admin", "") + page(
        "/completed", """UserMgmtIdentity "%{REMOTE_USER}@require.example.com"
        Require usermgmt-role sub_admin""") + page(
        "/plain", "Require usermgmt-role admin", "@AUTH@") + f"""
    <Location "/in-red">
        SetHandler usermgmt
        @AUTH@
        Require valid-user
        UserMgmtOrganization red
    </Location>
    <Directory "@DIR@/htdocs/folder">
        @AUTH@
        AuthzSendForbiddenOnFailure On
        Require usermgmt-role sub_admin
    </Directory>"""


def prepare(server):
    folder = server.directory / "htdocs/folder"
    folder.mkdir()
    (folder / "page.txt").write_text("a page\n")
    server.add_login(STORED)
    server.add_login(REDDISH)
    return server


@pytest.fixture(scope="module")
def server(make_server):
    made = prepare(make_server(start=False, extra=EXTRA, roles="")).start()
    made.sql("INSERT INTO organizations (name, created_at) VALUES ('red', 0)")
    for base, login in ((None, STORED), ("/in-red", REDDISH)):
        admin = made.client(ADMIN, base=base)
        admin.create(login)
        admin.post("sub-admins/", {"email": login}).expect(201)
    return made


@pytest.fixture(autouse=True)
def denials(server):
    """httpd tells its error log whom it does not let in."""
    server.allow_log("AH0163[01]: ")


def statuses(server, path, logins=tuple(LOGINS), **options):
    return {login: server.client(login, base=path).get("page.txt", **options).status
            for login in logins}


def expected(allowed):
    return {login: 200 if login in allowed else 403 for login in LOGINS}


@pytest.mark.parametrize("path", PAGES)
def test_who_is_let_in(server, path):
    assert statuses(server, path) == expected(PAGES[path][1])
    # Again, with what is remembered by now.
    assert statuses(server, path, fresh=True) == expected(PAGES[path][1])
    anonymous = server.client(None, base=path).get("page.txt").expect(401)
    assert anonymous.headers["WWW-Authenticate"].startswith("Basic")
    server.allow_log("AH01617|AH01618")
    Client(server, ADMIN, "wrong", base=path).get("page.txt").expect(401)


def test_in_a_directory(server):
    assert statuses(server, "/folder") == expected({SUB_ADMIN, STORED})
    # The way through another Location does not lead round it.
    assert statuses(server, "/admins/folder") == expected({ADMIN})


def test_without_a_forbidden_one_may_try_another_login(server):
    assert statuses(server, "/plain", (ADMIN, NOBODY)) == {ADMIN: 200, NOBODY: 401}


def test_an_identity_of_its_own(server):
    """It counts instead of the login."""
    for login in (NOBODY, ADMIN):
        client = server.client(login, base="/identity")
        client.get("page.txt", headers={"X-Identity": STORED}).expect(200)
        client.get("page.txt", headers={"X-Identity": REDDISH}).expect(403)
        client.get("page.txt", headers={"X-Identity": ""}).expect(403)
        client.get("page.txt").expect(403)
    client = server.client(None, base="/open")
    client.get("page.txt", headers={"X-Identity": STORED.upper()}).expect(200)
    for identity in (REDDISH, "", "x" * 600, STORED.replace("s", "\u017f").encode()
                     .decode("latin-1")):
        client.get("page.txt", headers={"X-Identity": identity}).expect(403)
    client.get("page.txt").expect(403)


def test_an_identity_that_the_login_completes(server):
    """The identity before the login is complete belongs to no user, and does not prevent a
    login."""
    for name, status in ((STORED.partition("@")[0], 200), ("other", 403)):
        login = server.add_login(name)
        server.client(login, base="/completed").get("page.txt").expect(status)
    server.client(None, base="/completed").get("page.txt").expect(401)


def test_every_method_is_asked_for(server):
    for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"):
        result = server.client(NOBODY, base="/both").ask(method, "page.txt")
        assert result.status == 403, method


def test_it_leaves_no_notes_of_a_request_to_the_service(server):
    start = len(server.access_lines())
    server.client(ADMIN, base="/both").get("page.txt").expect(200)
    # That of a request before may come after it.
    lines = wait_for(lambda: [line for line in server.access_lines()[start:]
                              if line.startswith("GET /both/page.txt 200")], 3, "the line")
    assert lines == ["GET /both/page.txt 200 - - - - -"]


@pytest.mark.parametrize("line, said", [
    ("Require usermgmt-role", "at least one of admin and sub_admin"),
    ("Require usermgmt-role owner", "a role is admin or sub_admin"),
    ("Require usermgmt-role Admin", "a role is admin or sub_admin"),
    ("Require usermgmt-role none", "a role is admin or sub_admin"),
    ("Require usermgmt-role user", "a role is admin or sub_admin"),
    ("Require usermgmt-role sub-admin", "a role is admin or sub_admin"),
    ("Require usermgmt-role admin,sub_admin", "a role is admin or sub_admin"),
    ("Require usermgmt-role admin sub_admin x", "a role is admin or sub_admin"),
    ('Require usermgmt-role ""', "a role is admin or sub_admin"),
    ("Require usermgmt-roles admin", "Unknown Authz provider"),
    ("Require not usermgmt-role admin", "negative Require directive has no effect"),
    ("UserMgmtSubAdmin usermgmt-role admin", "can't be used"),
])
def test_bad_lines_are_refused(new_server, line, said):
    server = new_server(start=False, extra=f'<Location "/x">\n{line}\n</Location>')
    server.allow_log(".")
    server.expect_config_error(said)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("asks", ("usermgmt-role admin", "usermgmt-permission users:read"))
def test_a_role_that_asks_for_itself_is_an_error(new_server, asks):
    """By another name, which configtest can't see through. It must not go on without end."""
    server = new_server(has_location=False, extra=f"""
        <AuthzProviderAlias {asks.replace(" ", " itself ")}>
        </AuthzProviderAlias>
        <Location "/user-management">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin itself
        </Location>""")
    server.admin.get("me/").expect_problem(500, "internal_error")
    for said in ("UM0040: ", "UM0047: the authorization provider itself failed"):
        server.allow_log(said)
        assert said in server.log_text()


@pytest.mark.database("sqlite")
def test_a_provider_s_other_name_gives_a_role(new_server):
    server = new_server(has_location=False, extra=f"""
        <AuthzProviderAlias user chiefs {ADMIN}>
        </AuthzProviderAlias>
        <Location "/user-management">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin chiefs
        </Location>""")
    assert server.admin.get("me/").expect(200).json["role"] == "admin"
    assert server.nobody.get("me/").expect(200).json["role"] == "none"


# ---- the database is down ----


@pytest.mark.database("sqlite")
def test_without_the_database_nobody_is_let_in(new_server):
    server = new_server(start=False, extra=EXTRA.replace("UserMgmtAdmin user", f"""
        Alias /other @DIR@/htdocs
        <Location "/other">
            @AUTH@
            Require user {NOBODY}
            Require usermgmt-role admin
        </Location>
        UserMgmtAdmin user""", 1), roles="")
    server.database.path = server.directory / "data/later/users.db"
    prepare(server)
    server.allow_log(r"UM00\d\d: |UM0123: |AH0163[01]: |AH00632: |\[dbd_sqlite3|\[dbd:|child init failed")
    server.start()
    for path in PAGES:
        assert set(statuses(server, path).values()) == {500}, path
        server.client(None, base=path).get("page.txt").expect(401)
    # Whom another line lets in before the role is asked for is let in.
    assert statuses(server, "/other", (ADMIN, NOBODY)) == {ADMIN: 500, NOBODY: 200}
    server.database.path.parent.mkdir()
    server.database.path.parent.chmod(0o777)
    wait_for(lambda: statuses(server, "/both", (ADMIN,), fresh=True) == {ADMIN: 200}, 20,
             "it heals")


# ---- a role comes and goes ----


class Probes:
    """Connections of one caller, kept open to several processes of a server."""

    def __init__(self, server, login, path, processes):
        self.server = server
        self.clients = []
        seen = set()
        while len(seen) < processes:
            assert len(self.clients) < 200, f"only {seen} answered"
            name = f"probe-{next(NUMBERS)}"
            client = server.client(login, base=path, headers={"X-Probe": name})
            client.get("page.txt")
            self.clients.append(client)
            seen.add(wait_for(lambda name=name: self._process(name), 5, "the line of the log"))

    def _process(self, name):
        text = (self.server.directory / "logs/probes").read_text()
        found = re.search(rf"^(\d+) {name}$", text, re.MULTILINE)
        return found and int(found[1])

    def statuses(self):
        return {client.get("page.txt").status for client in self.clients}


@pytest.mark.parametrize("mpm, processes, probed", [("event", 3, 3), ("prefork", 12, 8)])
def test_at_once_in_all_processes(new_server, mpm, processes, probed):
    server = prepare(new_server(start=False, mpm=mpm, processes=processes, extra=EXTRA,
                                roles="")).start()
    server.allow_log("AH0163[01]: ")
    admin = server.admin
    login = server.add_login("come-and-go@require.example.com")
    uid = admin.create(login)["user_uid"]
    probes = Probes(server, login, "/both", probed)
    for _ in range(4):
        assert probes.statuses() == {403}
        admin.post("sub-admins/", {"user_uid": uid}).expect(201)
        assert probes.statuses() == {200}
        admin.delete("sub-admins/" + uid).expect(200)
    admin.post("sub-admins/", {"email": login}).expect(201)
    assert probes.statuses() == {200}
    admin.put("users/" + uid, {"email": "other@require.example.com"}).expect(200)
    assert probes.statuses() == {403}
    admin.put("users/" + uid, {"email": login.upper()}).expect(200)
    assert probes.statuses() == {200}
    admin.delete("users/" + uid).expect(200)
    assert probes.statuses() == {403}
    uid = admin.create(login)["user_uid"]
    assert probes.statuses() == {403}
    secret = admin.post("invitations/", {"email": login}).expect(201).json["accept_token"]
    assert probes.statuses() == {403}
    server.client(login).post("invitations/accept", {"accept_token": secret}).expect(200)
    assert probes.statuses() == {200}


def test_on_another_server_after_the_time(new_server):
    """Two servers of one database: what one is told, the other knows in time."""
    ttl = 2
    extra = f"UserMgmtRoleCacheTTL {ttl}\n" + EXTRA
    first = prepare(new_server(start=False, extra=extra, roles=""))
    # Each process remembers for itself.
    second = prepare(new_server(start=False, extra=extra, roles="", database=first.database,
                                processes=1))
    login = "come-and-go@require.example.com"
    for server in (first, second):
        server.add_login(login)
        server.start()
        server.allow_log("AH0163[01]: ")
    uid = first.admin.create(login)["user_uid"]
    there = second.client(login, base="/both")

    def changes_to(status, change):
        before = there.get("page.txt").status
        change().expect(201 if status == 200 else 200)
        told = time.monotonic()
        assert before != status
        wait_for(lambda: there.get("page.txt").status == status, ttl + 1, f"a {status}")
        # Without the cache it is known at once.
        assert second.client(login, base="/uncached").get("page.txt").status == status
        return time.monotonic() - told

    times = []
    for _ in range(3):
        times.append(changes_to(200, lambda: first.admin.post("sub-admins/", {"user_uid": uid})))
        times.append(changes_to(403, lambda: first.admin.delete("sub-admins/" + uid)))
    # It is remembered at all.
    assert max(times) > ttl / 4
    # What changes its own server's roles makes it look again at once.
    first.admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    other = second.admin.create("other@require.example.com")
    second.admin.delete("users/" + other["user_uid"]).expect(200)
    there.get("page.txt").expect(200)


def test_each_location_has_a_time_of_its_own(new_server):
    """Also where another Location has remembered the caller for longer."""
    lines = "UserMgmtRoleCacheTTL %s\nRequire usermgmt-role sub_admin"
    first = prepare(new_server(start=False, extra=EXTRA, roles="")).start()
    second = prepare(new_server(
        start=False, roles="", database=first.database, processes=1,
        extra=EXTRA + page("/long", lines % 3600) + page("/short", lines % "1500ms"))).start()
    second.allow_log("AH0163[01]: ")
    long = second.client(STORED, base="/long")
    short = second.client(STORED, base="/short")
    uid = first.admin.create(STORED)["user_uid"]
    first.admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    long.get("page.txt").expect(200)
    first.admin.delete("sub-admins/" + uid).expect(200)
    long.get("page.txt").expect(200)
    # The record is in its time for this one too.
    short.get("page.txt").expect(200)
    wait_for(lambda: short.get("page.txt").status == 403, 3, "a 403")
