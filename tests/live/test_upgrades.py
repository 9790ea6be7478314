# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The schema: made and upgraded in every way, while httpd serves and when something fails."""

import itertools
import re
import subprocess
import threading
import time

import databases
import pytest
from databases import KIND, VERSION
from usermgmt_env import ConnectionLost, Workers, wait_for
from usermgmtctl import DatabaseOf, tool_environment, tool_path

PREVIOUS = VERSION - 1
NUMBERS = itertools.count()
# MariaDB's recursion ends at 1,000.
MANY = 900 if KIND == "mariadb" else 20000

# What the catalogue knows of the schema, apart from numbers that differ by chance.
CATALOGUE = {
    "sqlite": [
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",
        "SELECT m.name, x.* FROM sqlite_master m, pragma_table_xinfo(m.name) x"
        " ORDER BY m.name, x.cid",
        "SELECT m.name, x.* FROM sqlite_master m, pragma_index_xinfo(m.name) x"
        " WHERE m.type = 'index' ORDER BY m.name, x.seqno",
        "SELECT m.name, x.* FROM sqlite_master m, pragma_foreign_key_list(m.name) x"
        " ORDER BY m.name, x.id, x.seq",
        "SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx",
    ],
    "postgresql": [
        "SELECT table_name, column_name, ordinal_position, data_type, collation_name,"
        " column_default, is_nullable, is_identity, identity_generation"
        " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 3",
        "SELECT conrelid::regclass, conname, contype, convalidated, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " ORDER BY 1, 2",
        "SELECT tgrelid::regclass, tgname, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE NOT tgisinternal ORDER BY 1, 2",
        "SELECT proname, pg_get_functiondef(oid) FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT relname, relkind, relpersistence FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    ],
    "mariadb": [
        "SELECT table_name, engine, table_collation, row_format FROM information_schema.tables"
        " WHERE table_schema = DATABASE() ORDER BY 1",
        "SELECT table_name, column_name, ordinal_position, column_type, character_set_name,"
        " collation_name, column_default, is_nullable, extra, generation_expression"
        " FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 3",
        "SELECT table_name, index_name, seq_in_index, column_name, non_unique, collation,"
        " index_type FROM information_schema.statistics WHERE table_schema = DATABASE()"
        " ORDER BY 1, 2, 3",
        "SELECT table_name, constraint_name, constraint_type"
        " FROM information_schema.table_constraints WHERE table_schema = DATABASE()"
        " ORDER BY 1, 2, 3",
        "SELECT table_name, constraint_name, referenced_table_name, update_rule, delete_rule"
        " FROM information_schema.referential_constraints"
        " WHERE constraint_schema = DATABASE() ORDER BY 1, 2",
        "SELECT table_name, constraint_name, ordinal_position, column_name,"
        " referenced_table_name, referenced_column_name"
        " FROM information_schema.key_column_usage WHERE table_schema = DATABASE()"
        " ORDER BY 1, 2, 3",
        "SELECT table_name, constraint_name, check_clause"
        " FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()"
        " ORDER BY 1, 2",
        "SELECT trigger_name, event_object_table, event_manipulation, action_timing,"
        " action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        " ORDER BY 1",
    ],
}[KIND]


def spaced(value):
    """Blanks and comments in a definition that is kept as written mean nothing."""
    return re.sub(r"\s+", " ", re.sub(r"--.*", "", value)) if isinstance(value, str) else value


def catalogue(database):
    found = [[tuple(map(spaced, row)) for row in database.sql(query)] for query in CATALOGUE]
    # A query that finds nothing compares nothing.
    assert all(found)
    return found


COUNTS = ("SELECT org_id, SUM(user_count), SUM(sub_admin_count), SUM(session_count)"
          " FROM organization_counts GROUP BY org_id")


# Columns that the last step has added.
ADDED = {"users": ("user_name", "user_name_key", "external_id", "scim",
                   "user_name_or_email_key")}


def columns(database, table):
    found = database.sql(f"SELECT name FROM pragma_table_info('{table}')" if KIND == "sqlite" else
                         "SELECT column_name FROM information_schema.columns"
                         f" WHERE table_name = '{table}' AND table_schema ="
                         f" {'DATABASE()' if KIND == 'mariadb' else 'CURRENT_SCHEMA'}")
    return sorted({name for name, in found} - set(ADDED.get(table, ())))


NOT_CONTENT = {"schema_version", "user_groups"}


def content(database):
    """The rows of all tables that have any, each in the order of its text, without columns that
    are new, and without the groups that a new version makes; of counts, which are folded at any
    time, the sums."""
    found = {table: sorted(map(repr, database.sql(
        COUNTS if table == "organization_counts"
        else f"SELECT {', '.join(columns(database, table))} FROM {table}")))
             for table in database.tables()
             if table not in NOT_CONTENT and not table.startswith("sqlite_")}
    return {table: rows for table, rows in found.items() if rows}


def versions(database):
    return [version for version, in
            database.sql("SELECT version FROM schema_version ORDER BY version")]


def fill(server):
    """Something in every table, as the module writes it."""
    admin = server.admin
    users = [admin.create(f"u{number}@upgrades.example.com", "Zoë 😀", n=number)
             for number in range(20)]
    admin.post("users/", {"email": "key@upgrades.example.com", "display_name": "Key"},
               headers={"Idempotency-Key": "a-key"}).expect(201)
    admin.post("sub-admins/", {"user_uid": users[0]["user_uid"]}).expect(201)
    tokens = [admin.post("invitations/", {"email": f"i{number}@upgrades.example.com"})
              .expect(201).json["invitation"]["invite_token"] for number in range(6)]
    admin.delete("invitations/" + tokens[0]).expect(200)
    server.sql("UPDATE invitations SET expires_at = 1 WHERE invite_token = ?", tokens[1])
    admin.post("sessions/", {"user_uid": users[1]["user_uid"], "activity": "running"}).expect(201)
    admin.delete("users/" + users[2]["user_uid"]).expect(200)
    server.sql("INSERT INTO api_keys (org_id, key_id, name, role, permissions, secret_sha256,"
               " created_at, created_by) VALUES (1, ?, 'key', 'none', 'users:read', ?, 1, 'x')",
               "a" * 12, "0" * 64)


@pytest.fixture
def fresh(live):
    """An empty database, and one server's configuration for it that is never started."""
    made = []

    def make(version=0):
        database = live.new_database(live.new_directory())
        if database.kind == "sqlite":
            database.path.parent.mkdir()
            database.path.parent.chmod(0o777)
        database.make(version)
        made.append(database)
        return database

    yield make
    for database in made:
        database.drop()


class Tool:
    """usermgmtctl on a database without an httpd."""

    def __init__(self, database, directory):
        self.config = directory / f"{next(NUMBERS)}.conf"
        self.config.write_text(database.directives())

    def command(self, *arguments):
        return [tool_path(), "--config", str(self.config), *arguments]

    def start(self, *arguments):
        return subprocess.Popen(self.command(*arguments), stderr=subprocess.PIPE,
                                env=tool_environment())

    def run(self, *arguments):
        process = self.start(*arguments)
        said = process.communicate(timeout=120)[1].decode()
        return process.returncode, said

    def expect(self, code, *arguments):
        got, said = self.run(*arguments)
        assert got == code, said
        return said


@pytest.fixture
def tool(tmp_path):
    return lambda database: Tool(database, tmp_path)


@pytest.fixture(scope="module")
def reference(live):
    """The catalogue of a database made by the files of schema/ in their order."""
    directory = live.new_directory()
    (directory / "data").mkdir()
    database = live.new_database(directory)
    database.make(0)
    database.apply_schema()
    assert versions(database) == list(range(1, VERSION + 1))
    yield catalogue(database)
    database.drop()


# ---- every way leads to the same ----


def test_created_by_the_tool(fresh, tool, reference):
    database = fresh()
    tool(database).expect(0, "schema", "create")
    assert catalogue(database) == reference
    assert versions(database) == list(range(1, VERSION + 1))


@pytest.mark.database("mariadb")
def test_created_by_the_client_of_mariadb(fresh, reference):
    """By the command of docs/databases.md."""
    page = (databases.SCHEMA.parent / "docs/databases.md").read_text()
    command = re.search(r"(?m)^    (awk .*) FILE \| mariadb DATABASE$", page)[1]
    database = fresh()
    for file in sorted((databases.SCHEMA / "mariadb").glob("*.sql")):
        subprocess.run(f"{command} {file} | mariadb --no-defaults -u root"
                       f" -S {database.engine.socket} {database.name}", shell=True, check=True)
    assert catalogue(database) == reference


@pytest.mark.database("sqlite")
def test_created_by_the_module(new_server, reference):
    assert catalogue(new_server().database) == reference


@pytest.mark.parametrize("way", ["tool", "files"])
def test_upgraded_with_data_in_it(new_server, reference, way):
    """Nothing of the data changes, and the schema is that of a fresh database."""
    server = new_server(schema=PREVIOUS)
    fill(server)
    server.stop()
    before = content(server.database)
    assert catalogue(server.database) != reference
    # The queue of mail is empty, and a permit is there for a moment only.
    assert set(server.database.tables()) - set(before) <= {
        "schema_version", "outgoing_mail", "audit_permits"} | {
        table for table in server.database.tables() if table.startswith("sqlite_")}, before
    if way == "tool":
        DatabaseOf(server).run("schema", "upgrade").expect(0)
    else:
        server.database.apply_schema(first=VERSION)
    assert content(server.database) == before
    assert catalogue(server.database) == reference
    assert versions(server.database) == list(range(1, VERSION + 1))
    server.database.check()
    server.start()
    assert len(server.admin.everyone()) == 20
    DatabaseOf(server).run("schema", "verify").expect(0)


@pytest.mark.database("sqlite")
def test_upgraded_by_the_module_at_start(new_server, reference):
    server = new_server(schema=PREVIOUS)
    fill(server)
    server.stop()
    before = content(server.database)
    server.schema = VERSION
    server.start()
    assert f"schema: brought from version {PREVIOUS} to {VERSION}" in server.log_text()
    assert content(server.database) == before
    assert catalogue(server.database) == reference


# ---- versions ----


def test_status_tells_the_version(fresh, tool):
    database = fresh(PREVIOUS)
    done = subprocess.run(tool(database).command("schema", "status"), stdout=subprocess.PIPE,
                          env=tool_environment(), timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout.decode() == (f'{{"version":{PREVIOUS},"wanted":{VERSION},'
                                    f'"oldest":{PREVIOUS},"state":"usable"}}\n')
    said = tool(database).expect(1, "schema", "create")
    assert "schema upgrade" in said


def test_the_tool_works_with_the_version_before(new_server):
    server = new_server(schema=PREVIOUS)
    fill(server)
    tool = DatabaseOf(server)
    assert len(tool.run("users", "export").expect(0).lines) == 20
    tool.run("prune", "invitations").expect(0)
    tool.run("schema", "verify").expect(0)
    assert versions(server.database) == list(range(1, PREVIOUS + 1))


def test_an_older_one_is_refused(new_server):
    """Until it is upgraded: then it is served without a restart."""
    server = new_server(schema=PREVIOUS, start=False)
    server.database.make(PREVIOUS)
    server.sql("UPDATE schema_version SET version = version - ?", VERSION)
    with server.expect_log("UM0030: schema: the database has version -1, .*usermgmtctl schema up"):
        server.start()
        problem = server.admin.get("users/").expect_problem(503, "unavailable")
        assert "version" not in str(problem)
    server.sql("UPDATE schema_version SET version = version + ?", VERSION)
    server.admin.get("users/").expect(200)


# ---- many at once, and what fails ----


@pytest.mark.parametrize("version, command", [(0, "create"), (PREVIOUS, "upgrade")])
def test_several_at_once(fresh, tool, reference, version, command):
    for _ in range(3):
        database = fresh(version)
        one = tool(database)
        started = [one.start("schema", command) for _ in range(5)]
        said = [process.communicate(timeout=120)[1].decode() for process in started]
        # One that comes late finds the schema there, or that it is to be upgraded.
        assert [process.returncode for process in started] == [0] * 5, said
        assert catalogue(database) == reference
        assert versions(database) == list(range(1, VERSION + 1))


def serves(server):
    try:
        return server.admin.get("users/", fresh=True).status == 200
    except ConnectionLost:
        return False


@pytest.mark.database("sqlite")
def test_several_httpds_upgrade_at_once(new_server, reference):
    first = new_server(schema=PREVIOUS, processes=4, threads=8)
    fill(first)
    first.stop()
    second = new_server(start=False, database=first.database, processes=4, threads=8)
    first.schema = VERSION
    # They are strangers to each other's locks: who finds the database busy goes on.
    for server in (first, second):
        server.allow_log("UM0001|UM0031")
    for server in (first, second):
        server.start(answers=False)
    for server in (first, second):
        wait_for(lambda: serves(server), 20, "it serves")  # pylint: disable=cell-var-from-loop
    assert catalogue(first.database) == reference
    assert versions(first.database) == list(range(1, VERSION + 1))


def test_killed_and_run_again(new_server, reference):
    """An upgrade that is killed, at whatever moment, is run again."""
    for number in range(5):
        server = new_server(schema=PREVIOUS)
        fill(server)
        server.stop()
        before = content(server.database)
        process = subprocess.Popen(
            [tool_path(), *DatabaseOf(server).config, "schema", "upgrade"],
            stderr=subprocess.DEVNULL, env=tool_environment())
        time.sleep(0.004 * number)
        process.kill()
        process.wait()
        assert versions(server.database) in (list(range(1, VERSION)), list(range(1, VERSION + 1)))
        DatabaseOf(server).run("schema", "upgrade").expect(0)
        assert catalogue(server.database) == reference
        assert content(server.database) == before


@pytest.mark.database("mariadb")
def test_broken_off_behind_each_statement(fresh, tool, reference):
    """A change of MariaDB's schema commits by itself: what follows is done when the
    upgrade is run again."""
    text = databases.schema_files(KIND, VERSION)[0]
    statements = [part for part in re.split(r"\n\s*\n", re.sub(r"(?m)^--.*\n", "", text))
                  if part.strip()]
    assert len(statements) >= 2
    for done in range(len(statements)):
        database = fresh(PREVIOUS)
        for statement in statements[:done]:
            database.sql(statement)
        tool(database).expect(0, "schema", "upgrade")
        assert catalogue(database) == reference


@pytest.mark.database("sqlite", "postgresql")
def test_one_that_fails_changes_nothing(new_server):
    """The last statement fails: the version before stays, and is served."""
    server = new_server(schema=PREVIOUS)
    fill(server)
    before = catalogue(server.database), content(server.database)
    server.sql("CREATE TABLE other (version INTEGER)")
    if KIND == "sqlite":
        server.sql("CREATE TRIGGER refusing BEFORE INSERT ON schema_version BEGIN"
                   " SELECT RAISE(ABORT, 'not now'); END")
    else:
        server.sql("CREATE TRIGGER refusing BEFORE INSERT ON schema_version"
                   " EXECUTE FUNCTION refuse_change()")
    DatabaseOf(server).run("schema", "upgrade", "--wait", "0").expect(3, "UM0001")
    if KIND == "sqlite":
        server.stop()
        server.schema = VERSION
        server.allow_log("UM0001")
        with server.expect_log("UM0031"):
            server.start()
    assert len(server.admin.everyone()) == 20
    # Once nothing refuses it, another process of httpd may upgrade.
    server.stop()
    server.sql("DROP TRIGGER refusing" + ("" if KIND == "sqlite" else " ON schema_version"))
    server.sql("DROP TABLE other")
    assert (catalogue(server.database), content(server.database)) == before


# ---- while it serves ----


class Callers(Workers):
    """They write and read. A 503 says that the request may be sent again; nothing
    else may fail."""

    END = 120

    def __init__(self, server, count):
        super().__init__()
        self.server = server
        self.emails = [[] for _ in range(count)]
        self.done = [0] * count
        self.errors = []
        self.threads = [threading.Thread(target=self._run, args=(index,))
                        for index in range(count)]

    def _ask(self, expected, *arguments, **options):
        result = self.server.admin.ask(*arguments, **options)
        while result.status == 503:
            time.sleep(0.02)
            result = self.server.admin.ask(*arguments, **options)
        return result.expect(expected)

    def _run(self, index):
        try:
            while not self.stop.is_set():
                email = f"c{index}-{len(self.emails[index])}@upgrades.example.com"
                user = self._ask(201, "POST", "users/", {"email": email, "display_name": "C"})
                uid = user.json["userData"]["user_uid"]
                self.emails[index].append(email)
                self._ask(200, "PUT", "users/" + uid, {"n": 1})
                assert self._ask(200, "GET", "users/" + uid).json["userData"]["n"] == 1
                made = self._ask(201, "POST", "invitations/", {"email": "x" + email})
                self._ask(200, "GET", "invitations/", query={"limit": 3})
                self._ask(200, "GET", "organization-status/")
                self._ask(200, "DELETE", "invitations/"
                          + made.json["invitation"]["invite_token"])
                self.done[index] += 1
        except (AssertionError, ConnectionLost) as error:
            self.errors.append(error)


def test_upgraded_while_it_serves(new_server, reference):
    server = new_server(schema=PREVIOUS)
    # The index takes a while.
    tokens = {"sqlite": "printf('t%06d', i)", "postgresql": "'t' || i",
              "mariadb": "CONCAT('t', i)"}[KIND]
    server.sql("INSERT INTO invitations (org_id, invite_token, email, email_key, status,"
               " inviter_uid, inviter_email, created_at, expires_at)"
               f" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})"
               f" SELECT 1, {tokens}, 'many@example.com', 'many', 'revoked', 'u', 'u', 1, 1 FROM n")
    with Callers(server, 8) as callers:
        wait_for(lambda: min(callers.done) >= 2, 60, "all are at work")
        DatabaseOf(server).run("schema", "upgrade", "--wait", "60").expect(0)
        upgraded = list(callers.done)
        wait_for(lambda: all(now >= then + 2 for now, then in zip(callers.done, upgraded)), 60,
                 "all go on")
    assert not callers.errors, callers.errors
    assert catalogue(server.database) == reference
    assert versions(server.database) == list(range(1, VERSION + 1))
    emails = [email for made in callers.emails for email in made]
    assert sorted(user["email"] for user in server.admin.everyone()) == sorted(emails)
    status = server.admin.get("organization-status/").expect(200).json
    assert (status["user_count"], status["pending_invitation_count"]) == (len(emails), 0)
    server.database.check()
