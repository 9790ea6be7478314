# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""mod_authn_dbd and mod_authz_dbd on the database of the service, and mod_authn_socache in front
of them, with the configurations of docs/auth."""

import re
import subprocess

import databases
import pytest
from auth_env import STORED, Document, basic_clients, check_callers, check_key
from usermgmt_env import ADMIN, NOBODY, PASSWORD, SUB_ADMIN, Client, in_parallel, wait_for


def database_lines(server):
    """The lines of the document for this kind of database, with the tests' own parameters."""
    driver = {"sqlite": "sqlite3", "postgresql": "pgsql", "mariadb": "mysql"}[databases.KIND]
    lines = [block for block in Document("dbd.md").blocks
             if block.startswith("DBDriver") and driver in block]
    assert len(lines) == 1
    params = re.search(r'"(.*)"', server.database.directives())[1]
    return re.sub(r'(?m)^(DBDParams *).*$', lambda match: f'{match[1]}"{params}"', lines[0]) + "\n"


def hash_of(login, password):
    done = subprocess.run(["htpasswd", "-B", "-n", "-i", login], input=password, text=True,
                          capture_output=True, check=True)
    return done.stdout.strip().partition(":")[2]


def make_tables(server):
    """The schema of the service, and the tables of the document."""
    document = Document("dbd.md")
    if databases.KIND == "sqlite":
        server.database.apply_schema()
        server.database.path.chmod(0o666)
    server.database.make()
    for statement in document.block("CREATE TABLE").split(";"):
        if statement.strip():
            server.sql(statement)
    for login in (ADMIN, SUB_ADMIN, STORED, NOBODY):
        server.sql("INSERT INTO login_passwords (email, password) VALUES (?, ?)", login,
                   hash_of(login, PASSWORD))


def new_dbd_server(new_server):
    document = Document("dbd.md")
    server = document.serve(new_server, document.lines)
    server.extra = database_lines(server) + server.extra
    make_tables(server)
    return server.start()


def test_dbd_on_the_database_of_the_service(new_server, tell):
    server = new_dbd_server(new_server)
    server.allow_log("AH01654|AH01617")
    clients = basic_clients(server)
    check_callers(tell, f"dbd, {databases.KIND}", clients)
    check_key(tell, f"dbd, {databases.KIND}", clients["admin"], Client(server))
    # A change holds at once.
    server.sql("DELETE FROM login_groups WHERE email = ?", ADMIN)
    clients["admin"].get("users/").expect_problem(403, "forbidden")
    server.sql("INSERT INTO login_groups (email, name) VALUES (?, ?)", ADMIN, "admins")
    server.sql("UPDATE login_passwords SET password = ? WHERE email = ?",
               hash_of(ADMIN, "another"), ADMIN)
    clients["admin"].get("users/").expect_problem(401, "unauthorized")
    Client(server, ADMIN, "another").get("users/").expect(200)


def test_logins_and_changes_at_once(new_server):
    """The connections of mod_dbd and those of the service don't disturb each other."""
    server = new_dbd_server(new_server)
    client = Client(server, ADMIN)
    # A fast hash, so that the database is the limit.
    server.sql("UPDATE login_passwords SET password = ?", server.logins[ADMIN])
    results = in_parallel(8, lambda index: [
        client.post("users/", {"email": f"u{index}-{number}@example.com", "display_name": "U"},
                    fresh=number % 2 == 0).status for number in range(12)])
    assert {status for statuses in results for status in statuses} == {201}
    assert client.get("organization-status/").json["user_count"] == 96


@pytest.mark.database("sqlite")
def test_socache_in_front_of_dbd(new_server, tell):
    document = Document("socache.md")
    lines = document.configuration(**{"AuthnCacheTimeout    60": "AuthnCacheTimeout    2"})
    server = document.serve(new_server, lines)
    make_tables(server)
    server.start()
    server.allow_log("AH01654|AH01617")
    clients = basic_clients(server)
    check_callers(tell, "socache", clients)
    check_key(tell, "socache", clients["admin"], Client(server))
    # Passwords are kept for a while, roles are not.
    clients["admin"].get("users/").expect(200)
    server.sql("UPDATE login_passwords SET password = ? WHERE email = ?",
               hash_of(ADMIN, "another"), ADMIN)
    server.sql("DELETE FROM login_groups WHERE email = ?", ADMIN)
    clients["admin"].get("users/").expect_problem(403, "forbidden")
    wait_for(lambda: clients["admin"].get("users/").status == 401, 10, "the old password expires")
    Client(server, ADMIN, "another").get("users/").expect_problem(403, "forbidden")
