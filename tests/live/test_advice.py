# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A configuration that loads but can't serve anybody is told at the start and by configtest,
and a caller who is refused finds the reason. A configuration that works gets no warning."""

import base64
import os
import re
import shutil
import socket
import time
from pathlib import Path

import pytest
from usermgmt_env import ADMIN, AUTHENTICATION, NOBODY, PASSWORD, raw_status

pytestmark = pytest.mark.database("sqlite")

NO_LOGIN = r'UM0121: <Location "/user-management"> has no AuthType'
NO_HANDLER = r'UM0122: <Location "{path}"> has {name}, but no "SetHandler usermgmt"'
NOBODYS = "Nobody is signed in: httpd asked for no login here, or UserMgmtIdentity gives no name."

LOGIN = AUTHENTICATION + "Require valid-user\n"
ROLES = f"UserMgmtAdmin user {ADMIN}\n"


def location(lines, path="/user-management"):
    return f'<Location "{path}">\n{lines}\n</Location>\n'


SERVES = "SetHandler usermgmt\n" + ROLES


def configured(new_server, lines, **more):
    return new_server(start=False, has_location=False, extra=lines, **more)


def warnings(text):
    return re.findall(r"UM012[1-4]: .*", text)


def assert_warns(server, pattern):
    """configtest says it once, and so does the start."""
    code, said = server.configtest()
    assert code == 0 and len(warnings(said)) == 1, said
    assert re.search(pattern, said), said
    server.allow_log("UM012[1-4]: ")
    server.start()
    told = warnings(server.log_text())
    assert len(told) == 1 and re.search(pattern, told[0]), told


# ---- nobody can sign in ----


@pytest.mark.parametrize("lines", ["", "Require all granted\n", "Require ip 127.0.0.1\n"])
def test_a_location_without_a_login(new_server, lines):
    server = configured(new_server, location(SERVES + lines)
                        + location(LOGIN, "/elsewhere") + location(LOGIN, "/user"))
    assert_warns(server, NO_LOGIN)
    client = server.client(None)
    for path, missing in [("users/", "users:read"), ("me/", None), ("organization-status/", None)]:
        problem = client.get(path).expect_problem(403, "forbidden")
        assert problem["detail"] == NOBODYS and problem.get("permission") == missing
    told = [line for line in server.log_text().splitlines() if "UM0120" in line]
    assert len(told) == 1, told
    assert "no role since httpd has no user for this request (see AuthType and Require)" in told[0]


MAIN_AND_HOST = location(SERVES) + "<VirtualHost *:@PORT@>\n" + location(LOGIN) + "</VirtualHost>"


@pytest.mark.parametrize("lines, login", [
    (location(SERVES + LOGIN), True),
    (location(LOGIN, "/") + location(SERVES), True),
    ("<LocationMatch ^/user>\n" + LOGIN + "</LocationMatch>\n" + location(SERVES), True),
    ('<Location ~ "^/user">\n' + LOGIN + "</Location>\n" + location(SERVES), True),
    (location(LOGIN, "/user-*/users/") + location(SERVES), True),
    (location(SERVES + "<If true>\n" + LOGIN + "</If>"), True),
    (location(SERVES) + "<If true>\n" + LOGIN + "</If>", True),
    ("<VirtualHost *:@PORT@>\n" + location(SERVES + LOGIN) + "</VirtualHost>", True),
    (MAIN_AND_HOST, True),
    ("Define protected\n<IfDefine protected>\n" + location(SERVES + LOGIN) + "</IfDefine>", True),
    (location('SetHandler usermgmt\nUserMgmtIdentity "%{HTTP:X-Identity}"\n'
              "UserMgmtAdmin expr true"), False),
    (location('UserMgmtIdentity "%{HTTP:X-Identity}"', "/")
     + location("SetHandler usermgmt\nUserMgmtAdmin expr true"), False),
    ('UserMgmtIdentity "%{HTTP:X-Identity}"\n'
     + location("SetHandler usermgmt\nUserMgmtAdmin expr true"), False),
])
def test_a_location_with_a_login_gets_no_warning(new_server, lines, login):
    server = configured(new_server, lines)
    code, said = server.configtest()
    assert code == 0 and not warnings(said), said
    server.start()
    client = server.admin if login else server.client(None, headers={"X-Identity": ADMIN})
    client.get("users/").expect(200)
    assert not warnings(server.log_text())


def test_a_user_of_another_module_gets_no_warning(new_server):
    """mod_ssl gives httpd a user without AuthType."""
    server = configured(new_server, "SSLUserName SSL_CLIENT_S_DN_CN\n" + location(SERVES),
                        modules=["socache_shmcb", "ssl"])
    server.modules = list(dict.fromkeys(server.modules))
    code, said = server.configtest()
    assert code == 0 and not warnings(said), said


# ---- no handler ----


@pytest.mark.parametrize("lines, path, name", [
    (location(ROLES + LOGIN), "/user-management", "UserMgmtAdmin"),
    (location("SetHandler usermgnt\n" + ROLES + LOGIN), "/user-management", "UserMgmtAdmin"),
    (location("UserMgmtSubAdmin valid-user\n" + LOGIN), "/user-management", "UserMgmtSubAdmin"),
    (location(SERVES + LOGIN, "/elsewhere") + location(ROLES + LOGIN), "/user-management",
     "UserMgmtAdmin"),
    ("<VirtualHost *:@PORT@>\n" + location(ROLES + LOGIN) + "</VirtualHost>", "/user-management",
     "UserMgmtAdmin"),
])
def test_roles_without_the_handler(new_server, lines, path, name):
    server = configured(new_server, lines)
    assert_warns(server, NO_HANDLER.format(path=path, name=name))
    assert server.admin.get("users/").status == 404


@pytest.mark.parametrize("lines", [
    location("SetHandler usermgmt\n" + LOGIN) + location(ROLES, "/user-management/users"),
    location(ROLES, "/") + location("SetHandler usermgmt\n" + LOGIN),
    ROLES + location("SetHandler usermgmt\n" + LOGIN),
    location(ROLES) + "<VirtualHost *:@PORT@>\n" + location("SetHandler usermgmt\n" + LOGIN)
    + "</VirtualHost>",
])
def test_roles_beside_the_handler_get_no_warning(new_server, lines):
    server = configured(new_server, lines)
    code, said = server.configtest()
    assert code == 0 and not warnings(said), said
    server.start()
    server.admin.get("users/").expect(200)
    assert not warnings(server.log_text())


def assert_lets_in_without_warning(server, page):
    """The admin and nobody else, and neither configtest nor the start warns."""
    code, said = server.configtest()
    assert code == 0 and not warnings(said), said
    server.start()
    server.allow_log("AH01631: user nobody")
    assert server.client(base="").get(page).status == 200
    assert server.client(NOBODY, base="").get(page).status == 401
    assert not warnings(server.log_text())


def test_roles_for_require_get_no_warning(new_server):
    server = configured(new_server, 'DocumentRoot "@DIR@/htdocs"\n' + location(
        AUTHENTICATION + ROLES + "<RequireAny>\nRequire usermgmt-role admin\n</RequireAny>",
        "/page.txt") + "UserMgmtActivity none\n" + location("UserMgmtActivity shop", "/shop"))
    assert_lets_in_without_warning(server, "page.txt")


@pytest.mark.parametrize("allowed", ["All", "AuthConfig FileInfo", None])
def test_roles_for_require_in_htaccess_get_no_warning(new_server, allowed):
    override = f"AllowOverride {allowed}" if allowed else \
        "AllowOverride None\nAllowOverrideList Require"
    server = configured(new_server, f"""
        DocumentRoot "@DIR@/htdocs"
        <Directory "@DIR@/htdocs/app">
            {override}
        </Directory>
        """ + location(AUTHENTICATION + ROLES, "/app"))
    folder = server.directory / "htdocs/app"
    folder.mkdir()
    (folder / "page.txt").write_text("page")
    (folder / ".htaccess").write_text("Require usermgmt-role admin\n")
    assert_lets_in_without_warning(server, "app/page.txt")


def test_roles_without_the_handler_where_htaccess_has_no_require(new_server):
    server = configured(new_server, """
        <Directory "@DIR@/htdocs">
            AllowOverride FileInfo
            AllowOverrideList Redirect
        </Directory>
        """ + location(ROLES + LOGIN))
    assert_warns(server, NO_HANDLER.format(path="/user-management", name="UserMgmtAdmin"))


# ---- a file that httpd's user can't use ----

IS_ROOT = os.geteuid() == 0


def roots_folder(path):
    path.parent.mkdir(mode=0o755)


def roots_file(path):
    path.parent.mkdir()
    path.parent.chmod(0o777)
    path.touch(mode=0o600)


def closed_above(path):
    path.parent.mkdir()
    path.parent.chmod(0o777)
    path.parent.parent.chmod(0o700)


@pytest.mark.parametrize("make, said", [
    (lambda path: None, r"the folder \S+/later is missing; make it, for httpd's user www-data"),
    (roots_folder, r"httpd's user www-data can't write in \S+/later; "),
    (closed_above, r"httpd's user www-data can't write in \S+/later; "),
    (roots_file, r"httpd's user www-data can't read and write \S+/later/users.db; "),
])
def test_a_database_that_httpds_user_cannot_use(new_server, make, said):
    server = new_server(start=False)
    server.database.path = path = server.directory / "data/later/users.db"
    make(path)
    server.allow_log("UM0091|UM0001")
    if not IS_ROOT:
        # Then the user who starts httpd need not be httpd's, and nothing can be told.
        assert not warnings(server.configtest()[1])
        return
    try:
        assert_warns(server, r"UM0123: line \d+ of \S+/httpd.conf: requests will get 503s: " + said)
        server.admin.get("users/").expect_problem(503, "unavailable")
        failed = re.findall("UM00(?:91|01): .*", server.log_text())
        assert failed and "www-data, who must be able to write in its folder)" in failed[0], failed
    finally:
        (server.directory / "data").chmod(0o777)


@pytest.mark.parametrize("owner, group, mode", [
    ("www-data", "www-data", 0o750), ("root", "www-data", 0o770), ("root", "root", 0o777),
])
def test_a_folder_that_httpds_user_can_use_gets_no_warning(new_server, owner, group, mode):
    server = new_server(start=False)
    path = server.directory / "data/own/users.db"
    path.parent.mkdir()
    if IS_ROOT:
        shutil.chown(path.parent, owner, group)
    path.parent.chmod(mode)
    link = server.directory / "linked.db"
    link.symlink_to(path)
    # Without the file, and with it, and by a link in a folder of root's.
    for server.database.path in (path, path, link):
        code, said = server.configtest()
        assert code == 0 and not warnings(said), said
        server.start()
        server.admin.get("users/").expect(200)
        assert not warnings(server.log_text())
        server.stop()


# ---- a caller who is refused ----


def test_a_refused_caller_is_told_at_the_usual_level_once_a_minute(new_server):
    server = new_server(log_level="warn", processes=1)
    server.nobody.get("me/").expect(200)
    assert "UM0120" not in server.log_text()
    with server.expect_log(
            f'UM0120: a caller was refused: user "{NOBODY}", identity "{NOBODY}", '
            'organization "default", no role since no UserMgmtAdmin or UserMgmtSubAdmin holds, '
            "and the organization has no sub-admin of that address"):
        problem = server.nobody.get("users/").expect_problem(403, "forbidden")
    assert problem["detail"] == "Your role, none, does not have the permission users:read."
    for _ in range(20):
        server.nobody.get("users/", fresh=True).expect(403)
    assert len(re.findall("UM0120", server.log_text())) == 1


def test_a_refused_caller_whose_request_came_earlier_is_not_told_again(new_server):
    server = new_server(log_level="warn", processes=1)
    token = base64.b64encode(f"{NOBODY}:{PASSWORD}".encode()).decode()
    request = (f"GET {server.base}/users/ HTTP/1.1\r\nHost: localhost\r\n"
               f"Authorization: Basic {token}\r\nConnection: close\r\n\r\n").encode()
    line = request.index(b"\r\n") + 2
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as early:
        early.sendall(request[:line])
        time.sleep(1.5)
        with server.expect_log("UM0120: "):
            server.nobody.get("users/").expect(403)
        early.sendall(request[line:])
        assert raw_status(early.recv(1000)) == 403
    assert len(re.findall("UM0120", server.log_text())) == 1


@pytest.mark.parametrize("login", [ADMIN, NOBODY])
def test_a_caller_whose_organization_does_not_exist_is_told(new_server, login):
    """Whatever the role would be."""
    server = new_server(log_level="warn", processes=1,
                        location="UserMgmtAutoOrganization Off\nUserMgmtOrganization elsewhere")
    with server.expect_log(
            f'UM0120: a caller was refused: user "{login}", identity "{login}", organization '
            '"elsewhere", ' + ("" if login == ADMIN else "no role ")
            + "since UserMgmtOrganization gives no organization that exists"):
        server.client(login).get("users/").expect_problem(403, "no_organization")


def test_a_name_forges_no_field_of_a_line(new_server):
    server = new_server(log_level="info usermgmt:debug", processes=1,
                        location='UserMgmtIdentity "%{HTTP:X-Identity}"')
    name = 'ann", identity "root", organization "x", no role since "'
    shown = name.replace('"', '""')
    with server.expect_log(re.escape(f'UM0120: a caller was refused: user "{NOBODY}", identity '
                                     f'"{shown}", organization "default", no role since no')), \
            server.expect_log(re.escape(f'UM0098: user "{NOBODY}", identity "{shown}", '
                                        'organization "default", role none since no')):
        server.client(NOBODY, headers={"X-Identity": name}).get("users/").expect(403)


def test_a_request_that_is_refused_for_itself_is_not_told(new_server):
    server = new_server(processes=1)
    server.nobody.post("invitations/accept", {"accept_token": "x" * 43},
                       headers={"Origin": "https://elsewhere.example.com"}).expect(403)
    assert "UM0120" not in server.log_text()


# ---- the table of docs/operations.md ----

FILE = 'AuthUserFile "@DIR@/conf/htpasswd"\n'
VALID = "Require valid-user\n"


@pytest.mark.parametrize("lines, without, pattern", [
    (VALID + FILE, [], "AH00027"),
    ('AuthType Basic\nAuthName x\n' + FILE, [], "AH01627"),
    ("AuthType Basic\n" + FILE + VALID, [], "AH01615"),
    ("AuthType Basic\nAuthName x\n" + VALID, ["auth_basic"], "AH01796"),
    ('AuthType Basic\nAuthName x\nAuthUserFile "@DIR@/conf/missing"\n' + VALID, [], "AH01620"),
])
def test_a_login_that_httpd_cannot_ask_for_is_a_500(new_server, lines, without, pattern):
    server = configured(new_server, location(SERVES + lines), without=without)
    assert server.configtest()[0] == 0
    server.allow_log("AH01618|UM0121")
    server.start()
    with server.expect_log(pattern + ": "):
        server.admin.get("users/").expect_problem(500, "internal_error")


def test_the_other_answers_of_the_table(new_server):
    server = new_server(location='UserMgmtOrganization "%{HTTP:X-Organization}"',
                        log_level="info usermgmt:debug")
    there = server.client(headers={"X-Organization": "default"})
    there.get("nothing").expect_problem(404, "not_found")
    with server.expect_log("AH01617: "):
        server.client(password="wrong").get("users/").expect_problem(401, "unauthorized")
    with server.expect_log("AH01618: "):
        server.client("who@example.com").get("users/").expect_problem(401, "unauthorized")
    with server.expect_log('UM0098: .*organization "other"'):
        server.client(headers={"X-Organization": "other"}).get("users/") \
            .expect_problem(403, "no_organization")


def test_the_table_names_what_these_tests_make():
    text = Path(__file__).read_text(encoding="utf-8") + "UM0030 AH01695"
    table = Path(__file__).parents[2].joinpath("docs/operations.md").read_text(encoding="utf-8") \
        .split("## When it does not answer")[1].split("\n## ")[0]
    named = set(re.findall(r"(?:AH|UM)\d+", table))
    assert len(named) >= 13
    assert not [number for number in named if number not in text]
