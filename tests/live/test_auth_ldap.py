# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""LDAP, with the configuration of docs/auth/ldap.md and a real slapd."""

import re

import pytest
from auth_env import (LDAP_PASSWORD, STORED, SUFFIX, Document, Slapd, basic_clients, check_callers,
                      check_key)
from documents import section
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, Client, wait_for

pytestmark = pytest.mark.database("sqlite")


@pytest.fixture(scope="module")
def slapd(live):
    made = Slapd(live)
    yield made
    made.stop()


def replaced(slapd):
    return {"ldaps://ldap.example.com": slapd.url,
            "exec:/usr/local/sbin/ldap-password": LDAP_PASSWORD}


@pytest.fixture
def ldap_server(new_server, slapd):
    """Not started, with the configuration of the document. mod_ldap keeps nothing for long."""
    document = Document("ldap.md")
    lines = document.configuration(**replaced(slapd), **{
        "LDAPCacheTTL   60": "LDAPCacheTTL 1", "LDAPOpCacheTTL 60": "LDAPOpCacheTTL 1"})
    return document.serve(new_server, lines)


def test_ldap(ldap_server, slapd, tell):
    server = ldap_server.start()
    server.allow_log("AH0161[78]")
    clients = basic_clients(server)
    clients["empty password"] = Client(server, ADMIN, "")
    clients["uid"] = Client(server, "admin")
    clients["wildcard"] = Client(server, "*")
    clients["injection"] = Client(server, f"{ADMIN})(uid=*")
    check_callers(tell, "ldap", clients)
    check_key(tell, "ldap", clients["admin"], Client(server))
    # The directory's spelling is the identity, whatever the caller has typed.
    assert Client(server, ADMIN.upper()).get("me/").json["identity"] == ADMIN
    # A change of a group holds when mod_ldap has forgotten what it knew.
    slapd.change_member("add", "nobody", "user-admins")
    wait_for(lambda: clients["nobody"].get("me/").json["role"] == "admin", 10, "the new admin")
    slapd.change_member("delete", "nobody", "user-admins")
    wait_for(lambda: clients["nobody"].get("users/").status == 403, 10, "an admin no more")


def lines_of_the_table():
    text = section((Document("ldap.md").text), "## Other lines for roles")
    found = re.findall(r"^\| `(ldap-.*?)` \|", text, re.MULTILINE)
    assert [line.split()[0] for line in found] == [
        "ldap-group", "ldap-user", "ldap-dn", "ldap-attribute", "ldap-filter", "ldap-search"]
    return found


def path_of(line, behind):
    return f"/{line.split()[0]}-{behind}"


@pytest.fixture(scope="module")
def lines_server(make_server, slapd):
    """A Location for each line of the table, behind LDAP's own login and behind a file."""
    document = Document("ldap.md")
    text = document.configuration(**replaced(slapd))
    start = text.index("<Location")
    head, location = text[:start], text[start:]
    for line in lines_of_the_table():
        there = re.sub(r"UserMgmtAdmin .*", lambda _, line=line: "UserMgmtAdmin " + line, location)
        head += "\n" + there.replace('"/user-management"', f'"{path_of(line, "ldap")}"')
        there = re.sub(r"AuthBasicProvider .*", "AuthBasicProvider file\n"
                       'AuthUserFile "@DIR@/conf/htpasswd"', there)
        head += "\n" + there.replace('"/user-management"', f'"{path_of(line, "file")}"')
    server = document.serve(make_server, head)
    server.add_login(STORED)
    return server.start()


@pytest.mark.parametrize("behind", ["ldap", "file"])
@pytest.mark.parametrize("line", lines_of_the_table(), ids=lambda line: line.split()[0])
def test_every_line_of_the_table(lines_server, tell, line, behind):
    """Grants the admin, and nobody else; behind LDAP's own login and behind a file."""
    roles = {login: Client(lines_server, login, base=path_of(line, behind)).get("me/")
             .expect(200).json["role"] for login in (ADMIN, SUB_ADMIN, STORED, NOBODY)}
    assert roles == {ADMIN: "admin", SUB_ADMIN: "sub_admin", STORED: "none", NOBODY: "none"}
    if behind == "ldap":
        tell("UserMgmtAdmin", line.split()[0], "grants", "admin")
        tell("UserMgmtAdmin", line.split()[0], "denies", "none")


def test_the_directory_comes_back(ldap_server, live):
    """While it is away a login is a 500; afterwards it works without a restart."""
    directory = Slapd(live)
    server = ldap_server
    server.extra = re.sub(r"ldap://[\d.:]+", directory.url, server.extra)
    server.start()
    admin = Client(server, ADMIN)
    admin.get("users/").expect(200)
    command = directory.process.args
    directory.process.terminate()
    directory.process.wait(30)
    wait_for(lambda: Client(server, ADMIN).get("users/").status == 500, 10, "a 500")
    admin.get("users/").expect_problem(500, "internal_error")
    directory.start(command, lambda: directory.run("ldapwhoami") is not None)
    wait_for(lambda: admin.get("users/").status == 200, 10, "the directory is back")
    directory.stop()


def test_the_suffix_of_the_document_is_that_of_the_test():
    assert SUFFIX in Document("ldap.md").lines
