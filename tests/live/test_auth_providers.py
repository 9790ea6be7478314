# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Every authorization provider of httpd as UserMgmtAdmin, by the table of docs/auth/README.md.
Those of LDAP, OpenID Connect and TLS are in the tests of these."""

import re
import subprocess

import pytest
from auth_env import DOCUMENTS
from documents import section
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, Client

pytestmark = pytest.mark.database("sqlite")

TEXT = (DOCUMENTS / "README.md").read_text(encoding="utf-8")
TABLE = "UserMgmtAdmin"

# provider → its line, and who is an admin by it.
LINES = {
    "user": (f"user {ADMIN} other", {ADMIN}),
    "valid-user": ("valid-user", {ADMIN, NOBODY}),
    "group": ("group admins", {ADMIN}),
    "dbm-group": ("dbm-group admins", {ADMIN}),
    "dbd-group": ("dbd-group admins", {ADMIN}),
    "expr": (f"expr \"%{{REMOTE_USER}} == '{ADMIN}'\"", {ADMIN}),
    "env": ("env is-admin", {ADMIN}),
    "all": ("all granted", {ADMIN, NOBODY}),
}
# Of these it is not the user who decides: provider → a line that grants, and one that denies.
OTHERS = {
    "ip": ("ip 127.0.0.1", "ip 192.0.2.1"),
    "local": ("local", None),
    "host": ("host localhost", "host example.com"),
    "forward-dns": ("forward-dns localhost", "forward-dns nowhere.invalid"),
    "method": ("method GET", "method DELETE"),
}
# In the tests of their own modules.
ELSEWHERE = {"ldap-user", "ldap-group", "ldap-dn", "ldap-attribute", "ldap-filter", "ldap-search",
             "claim", "ssl", "ssl-verify-client"}
OF_NO_USE = {"dbd-login", "dbd-logout", "file-owner", "file-group", "dbm-file-group"}


def location(name, line):
    return f"""
        <Location "/{name}">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            AuthDBMGroupFile "@DIR@/conf/groups.dbm"
            AuthzDBMType SDBM
            AuthzDBDQuery "SELECT name FROM login_groups WHERE email = %s"
            UserMgmtAdmin {line}
        </Location>"""


@pytest.fixture(scope="module")
def server(make_server):
    locations = [location(name, line) for name, (line, _) in LINES.items()]
    for name, (granting, denying) in OTHERS.items():
        locations.append(location(name, granting))
        if denying:
            locations.append(location("not-" + name, denying))
    made = make_server(start=False, modules=["dbd", "authz_dbd", "authz_dbm"], extra=f"""
        DBDriver sqlite3
        DBDParams "@DIR@/data/users1.db"
        SetEnvIf Authorization "^Basic YWRtaW5AZXhhbXBsZS5jb20" is-admin
        """ + "".join(locations))
    made.extra = made.extra.replace("@DIR@/data/users1.db", str(made.database.path))
    made.database.apply_schema()
    made.database.path.chmod(0o666)
    made.sql("CREATE TABLE login_groups (email VARCHAR(254), name VARCHAR(64))")
    made.sql("INSERT INTO login_groups VALUES (?, 'admins')", ADMIN)
    made.set_group("admins", [ADMIN])
    groups = made.directory / "conf/groups.txt"
    groups.write_text(f"{ADMIN} staff,admins\n{NOBODY} staff\n")
    subprocess.run(["httxt2dbm", "-f", "SDBM", "-i", groups, "-o",
                    made.directory / "conf/groups.dbm"], check=True, capture_output=True)
    for path in (made.directory / "conf").glob("groups.dbm*"):
        path.chmod(0o644)
    return made.start()


@pytest.fixture(autouse=True)
def denials(server):
    """What these providers say of those whom they deny."""
    server.allow_log("AH01801: |AH03356: ")


def role_of(server, name, login):
    return Client(server, login, base="/" + name).get("me/").expect(200).json["role"]


@pytest.mark.parametrize("name", LINES)
def test_a_provider_that_asks_for_the_user(server, tell, name):
    admins = LINES[name][1]
    roles = {login: role_of(server, name, login) for login in (ADMIN, NOBODY)}
    assert roles == {login: "admin" if login in admins else "none" for login in (ADMIN, NOBODY)}
    # Nobody is an admin without a login.
    Client(server, base="/" + name).get("me/").expect_problem(401, "unauthorized")
    tell(TABLE, name, "grants", "admin")
    tell(TABLE, name, "denies", "none" if NOBODY not in admins else "401")


@pytest.mark.parametrize("name", OTHERS)
def test_a_provider_that_asks_for_something_else(server, tell, name):
    assert role_of(server, name, SUB_ADMIN) == "admin"
    Client(server, base="/" + name).get("me/").expect_problem(401, "unauthorized")
    if OTHERS[name][1]:
        assert role_of(server, "not-" + name, SUB_ADMIN) == "none"
    tell(TABLE, name, "grants", "admin")
    tell(TABLE, name, "denies", "none" if OTHERS[name][1] else "401")


def test_a_role_by_method(server):
    """May read, but not change."""
    client = Client(server, SUB_ADMIN, base="/method")
    client.get("users/").expect(200)
    client.post("users/", {"email": "a@example.com", "display_name": "A"}) \
        .expect_problem(403, "forbidden")


def test_every_provider_of_httpd_is_in_the_table(new_server):
    """httpd itself tells which it has."""
    server = new_server(modules=["dbd", "authz_dbd", "authz_dbm", "authz_owner", "ldap",
                                 "authnz_ldap", "socache_shmcb", "ssl", "auth_openidc", "info"],
                        extra="""
        SSLSessionCache shmcb:@DIR@/run/ssl_scache(512000)
        <Location "/info">
            SetHandler server-info
        </Location>""")
    page = Client(server, base="").get("info?providers").expect(200).raw.decode()
    group = re.search(r"<strong>authz</strong>(.*?)(?=<strong>|$)", page, re.S)[1]
    found = set(re.findall(r"<tt>&nbsp;&nbsp;([a-z-]+)</tt>", group))
    assert len(found) >= 25, found
    table = section(TEXT, "## Authorization providers")
    rows = set(re.findall(r"`([a-z-]+)`", "\n".join(
        line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `"))))
    no_use = set(re.findall(r"`([a-z-]+)`", table.split("make no sense here")[1]))
    assert rows | no_use == found
    assert rows == set(LINES) | set(OTHERS) | ELSEWHERE
    assert no_use == OF_NO_USE | {"usermgmt-role", "usermgmt-permission",
                                   "usermgmt-group", "usermgmt-active"}


def test_every_page_is_in_the_index_and_is_tried():
    pages = {path.name for path in DOCUMENTS.glob("*.md")} - {"README.md"}
    index = set(re.findall(r"^\| \[([\w-]+\.md)\]", TEXT, re.MULTILINE))
    assert pages == index and len(pages) >= 11
    tests = "".join(path.read_text(encoding="utf-8")
                    for path in DOCUMENTS.parents[1].glob("tests/live/test_auth_*.py"))
    untried = {page for page in pages if f'Document("{page}"' not in tests}
    assert untried == {page for page in pages
                       if "**Not tried**" in (DOCUMENTS / page).read_text(encoding="utf-8")}
    assert untried == {"kerberos.md"}
