# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""usermgmtctl on the database of a running httpd, and on its own."""

import argparse
import contextlib
import csv
import getpass
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest
from databases import VERSION
from fixtures import make_clock
from usermgmt_env import wait_for
from usermgmtctl import DatabaseOf, Ended, run, tool_environment, tool_path

TOP = Path(__file__).resolve().parents[2]
ACTOR = "usermgmtctl:" + getpass.getuser()


class Database:
    def __init__(self, path):
        self.path = path

    def run(self, *arguments, **options):
        return run("--driver", "sqlite3", "--params", self.path, *arguments, **options)

    def sql(self, statement, *parameters):
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        try:
            return connection.execute(statement, parameters).fetchall()
        finally:
            connection.close()


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "users.db")
    made.run("schema", "create").expect(0)
    return made


# ---- the command line ----

def test_help_and_version():
    text = run("--help").expect(0).out
    manual = (TOP / "docs/usermgmtctl.8").read_text().replace("\\-", "-").replace('"', "")
    commands = re.findall(r"^  ([a-z]+ [a-zA-Z]+)", text, re.MULTILINE)
    options = re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE)
    assert len(commands) >= 8 and len(options) >= 6
    assert sorted(set(re.findall(r"^\.BI? ([a-z]+ [a-zA-Z]+)", manual.replace("  ", " "), re.MULTILINE))) \
        == sorted(commands)
    assert set(re.findall(r"^\.BI? (--[a-z-]+)", manual, re.MULTILINE)) == set(options)
    version = run("--version").expect(0).out
    assert re.fullmatch(r"usermgmtctl \d+\.\d+\.\d+\n", version)
    assert run("-h").expect(0).out == run("org", "show", "-h").expect(0).out == text


@pytest.mark.parametrize("arguments, error", [
    ([], "no command is given"),
    (["foo"], 'unknown command "foo";'),
    (["foo", "bar"], 'unknown command "foo";'),
    (["org"], '"org" needs one of: list, show, create, set;'),
    (["org", "destroy"], 'unknown command "org destroy"; "org" has: list'),
    (["--no-such"], "unknown option --no-such;"),
    (["org", "list", "--limit", "5"], "unknown option --limit;"),
    (["org", "list", "--limit=5"], "unknown option --limit;"),
    (["org", "list", "-vx"], "unknown option -x;"),
    (["org", "list", "--resume=yes"], "--resume takes no value"),
    (["org", "list", "--params"], "--params needs a value"),
    (["org", "list"], "no database is named"),
    (["org", "list", "--driver", "sqlite3"], "no database is named"),
    (["org", "list", "--driver", "oracle", "--params", "x"], 'driver "oracle" is not supported'),
    (["org", "list", "--config", "x", "--driver", "sqlite3"], "not both"),
    (["org", "list", "--wait", "soon"], "--wait"),
    (["org", "list", "--wait", "-1"], "--wait"),
    (["org", "list", "--driver", "a", "--driver", "b"], "--driver is given twice"),
    (["org", "list", "more"], "usage: usermgmtctl org list"),
    (["org", "show"], "org show NAME"),
])
def test_usage(arguments, error):
    assert run(*arguments).expect(2, error).out == ""


def test_database_unavailable(tmp_path):
    missing = Database(tmp_path / "no.db")
    missing.run("org", "list").expect(3, "there is no database")
    assert not missing.path.exists()
    (tmp_path / "text").write_text("this is no database, however long the text may be\n" * 50)
    Database(tmp_path / "text").run("org", "list").expect(3, "can't be opened.*file is not a database")
    Database(tmp_path / "none/no.db").run("schema", "create").expect(3)


def test_output_that_cannot_be_written(database):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([tool_path(), "--driver", "sqlite3", "--params", database.path,
                               "org", "list"], stdout=full, stderr=subprocess.PIPE, timeout=60,
                              env=tool_environment())
    assert done.returncode == 1 and b"can't be written" in done.stderr


@pytest.mark.parametrize("closed, command, said", [
    (">&-", ["org", "list"], "output can't be written: Bad file"),
    (">&-", ["--help"], "output can't be written"),
    ("<&-", ["users", "import", "-"], "can't be read: Bad file"),
    ("2>&-", ["org", "show", "none"], ""),
    ("<&- >&- 2>&-", ["users", "export"], "")])
def test_what_is_closed(server, closed, command, said):
    """Nothing is sent to the database in its place, nor read from it."""
    done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", tool_path(), "--config",
                           server.directory / "conf/httpd.conf", *command], timeout=60,
                          stderr=subprocess.PIPE, check=False, env=tool_environment(), text=True)
    assert done.returncode == 1 and said in done.stderr, done.stderr


# ---- httpd.conf ----

def test_config_of_a_running_server(server):
    result = run("--config", server.directory / "conf/httpd.conf", "org", "list").expect(0)
    assert [line["organization"] for line in result.lines] == ["default"]


def test_config_includes_variables_quotes(database, tmp_path):
    (tmp_path / "mods").mkdir()
    (tmp_path / "mods/10.conf").write_text("DbDriver sqlite3\n")
    (tmp_path / "mods/20.conf").write_text('dbdparams "${FOLDER}/users.db"\n')
    (tmp_path / "mods/.hidden").write_text("DBDParams /elsewhere\n")
    (tmp_path / "httpd.conf").write_text(
        f"ServerRoot '{tmp_path}'\n# DBDParams /elsewhere\nDefine FOLDER \\\n  {tmp_path}\n"
        "IncludeOptional none/*.conf\n<IfModule dbd_module>\nInclude mods/*.conf\n</IfModule>\n")
    result = run("--config", tmp_path / "httpd.conf", "schema", "status").expect(0)
    assert result.lines == [{"version": VERSION, "wanted": VERSION, "oldest": VERSION - 1,
                             "state": "current"}]


def test_config_without_server_root(live, tmp_path):
    """As stock Debian's: httpd's own root."""
    (tmp_path / "httpd.conf").write_text("Include no/such.conf\n")
    # It tells how it was built before it finds that the configuration is none.
    told = subprocess.run([live.httpd.program, "-V", "-f", tmp_path / "httpd.conf"], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    root = re.search(r'HTTPD_ROOT="(.*)"', told.stdout)[1]
    run("--config", tmp_path / "httpd.conf", "org", "list") \
        .expect(1, f"^usermgmtctl: {root}/no/such.conf can't be read")


def test_config_with_patterns_in_folders(database, tmp_path):
    """Folders that lack the file, and files in place of folders, are passed over."""
    for name in ("a/x/site.conf", "b/x/site.conf", "b/y/other.conf", ".c/x/site.conf"):
        (tmp_path / "sites" / name).parent.mkdir(parents=True)
        (tmp_path / "sites" / name).write_text("DBDParams /elsewhere\n")
    (tmp_path / "sites/file").write_text("DBDParams /elsewhere\n")
    (tmp_path / "sites/a/x/site.conf").write_text("DBDriver sqlite3\n")
    (tmp_path / "sites/b/x/site.conf").write_text(f"DBDParams {database.path}\n")
    for directive, pattern in (("Include", "sites/*/x/site.conf"),
                               ("IncludeOptional", "./sites//[ab]/?/s*.conf"),
                               ("IncludeOptional", f"{tmp_path}/s?tes/*/*/site.conf")):
        (tmp_path / "httpd.conf").write_text(
            f"ServerRoot {tmp_path}\nIncludeOptional none/*/x.conf\n{directive} {pattern}\n")
        run("--config", tmp_path / "httpd.conf", "schema", "status").expect(0)


@pytest.mark.parametrize("text, code, error", [
    ("Listen 80\n", 1, "no UserMgmtDatabase, and not both DBDriver and DBDParams"),
    ("DBDriver sqlite3\n", 1, "no UserMgmtDatabase, and not both DBDriver and DBDParams"),
    ("ServerRoot @\nInclude nowhere.conf\n", 1, "/nowhere.conf can't be read"),
    ("ServerRoot @\nInclude nowhere/*.conf\n", 1, "/nowhere can't be read"),
    ("DBDriver sqlite3\nDBDParams /a\n<VirtualHost *>\nDBDParams /b\n</VirtualHost>\n", 2,
     r"several databases(.|\n)*:2: DBDParams /a\n(.|\n)*:4: DBDParams /b"),
    ("ServerRoot @\nInclude httpd.conf\n", 1, "too deeply"),
    ("Listen 80\nUserMgmtDatabase sqlite3 ${NO_SUCH}/db\n", 1,
     r"httpd.conf:2: UserMgmtDatabase uses \${NO_SUCH}, which is defined neither by a Define"),
    ("DBDriver sqlite3\nDBDParams ${NO_SUCH}/db\n", 1, r":2: DBDParams uses \${NO_SUCH}, which"),
    ("\nInclude ${NO_SUCH}/db\n", 1, r":2: Include uses \${NO_SUCH}, which is defined neither"),
    ("IncludeOptional ${NO_SUCH}/db\n", 1,
     r"no UserMgmtDatabase.*; .*:1: IncludeOptional uses \${NO_SUCH}, which is defined"),
    ("<Macro Site $db>\nUserMgmtDatabase sqlite3 $db\n</Macro>\nUse Site /a\n", 1,
     "no UserMgmtDatabase.*:4: Use Site is not expanded; .*--driver and --params"),
])
def test_config_that_does_not_tell(tmp_path, text, code, error):
    (tmp_path / "httpd.conf").write_text(text.replace("@", str(tmp_path)))
    run("--config", tmp_path / "httpd.conf", "org", "list").expect(code, error)


def test_config_with_a_macro_and_variables_that_play_no_part(database, tmp_path):
    (tmp_path / "httpd.conf").write_text(
        "<Macro Site $db>\nUserMgmtDatabase sqlite3 $db\n</Macro>\nUse Site /a\n"
        "IncludeOptional ${NO_SUCH}/*.conf\nPidFile ${NO_SUCH}\n"
        f"UserMgmtDatabase sqlite3 {database.path}\n")
    run("--config", tmp_path / "httpd.conf", "schema", "status").expect(0)


# ---- the schema ----

def test_schema(tmp_path):
    database = Database(tmp_path / "users.db")
    database.path.touch()
    assert database.run("schema", "status").expect(1).lines[0]["state"] == "missing"
    database.run("schema", "upgrade").expect(1, "schema create")
    database.run("org", "list").expect(3, "UM0030")
    database.run("schema", "create").expect(0)
    assert database.run("schema", "status").expect(0).lines[0]["state"] == "current"
    database.run("schema", "create").expect(0, "has version")
    database.run("schema", "upgrade").expect(0, "has version")
    database.run("schema", "verify").expect(0, r"(\d+) of \1 statements")
    database.sql("INSERT INTO schema_version VALUES (1000, 0)")
    assert database.run("schema", "status").expect(1).lines[0]["state"] == "newer"
    database.run("schema", "upgrade").expect(1, "version 1000")
    database.run("org", "list").expect(3, "UM0030")


def test_verify_finds_what_is_wrong(database):
    database.sql("ALTER TABLE sessions RENAME COLUMN activity TO doing")
    result = database.run("schema", "verify").expect(1, "session_insert")
    good, tried = re.search(r"(\d+) of (\d+) statements", result.err).groups()
    assert 0 < int(good) < int(tried)
    # A list, in all its orders, and nothing that has to do with users.
    assert "FROM sessions e" in result.err and "user_insert" not in result.err


# ---- organizations ----

def test_organizations(database):
    database.run("org", "create", "Müller & Söhne").expect(0, '"Müller & Söhne" was created')
    database.run("org", "create", "Müller & Söhne").expect(1, "exists already")
    database.run("org", "set", "Müller & Söhne", "payment_type=gold") \
        .expect(0, '"Müller & Söhne" now has the payment_type "gold"; it had "free"')
    database.run("org", "set", "Müller & Söhne", "payment_type=gold") \
        .expect(0, 'already has the payment_type "gold"')
    listed = database.run("org", "list").expect(0).lines
    assert [(line["organization"], line["payment_type"]) for line in listed] \
        == [("Müller & Söhne", "gold"), ("default", "free")]
    shown = database.run("org", "show", "Müller & Söhne").expect(0).lines[0]
    assert {**shown, "created_at": ""} == {
        "organization": "Müller & Söhne", "payment_type": "gold", "created_at": "",
        "user_count": 0, "sub_admin_count": 0, "pending_invitation_count": 0,
        "session_count": 0, "activities": []}
    events = database.sql("SELECT actor_identity, action, target, before_json, after_json"
                          " FROM audit_events ORDER BY event_uid")
    assert [event[:3] for event in events] == [
        (ACTOR, "organizations.create", "Müller & Söhne"),
        (ACTOR, "organizations.update", "Müller & Söhne")]
    assert json.loads(events[1][3])["payment_type"] == "free"
    assert json.loads(events[1][4])["payment_type"] == "gold"


@pytest.mark.parametrize("arguments, code, error", [
    (["show", "nobody"], 1, "no organization"),
    (["set", "nobody", "payment_type=gold"], 1, "no organization"),
    (["set", "default", "payment_type="], 1, "1 to 64"),
    (["set", "default", "payment_type=" + "é" * 65], 1, "1 to 64"),
    (["set", "default", b"payment_type=\xff"], 1, "1 to 64"),
    (["set", "default", "name=x"], 2, 'set "name=x"; give payment_type=TYPE'),
    (["create", ""], 1, "1 to 255"),
    (["create", "x" * 256], 1, "1 to 255"),
    (["create", "a\nb"], 1, "1 to 255"),
    (["create", b"\xff"], 1, "1 to 255"),
])
def test_organizations_refused(database, arguments, code, error):
    done = subprocess.run([tool_path(), "--driver", "sqlite3", "--params", database.path, "org",
                           *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, env=tool_environment())
    Ended(done).expect(code, error)
    assert database.sql("SELECT COUNT(*) FROM audit_events") == [(0,)]


def test_more_organizations_than_a_page(database):
    database.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
                 " INSERT INTO organizations (name, created_at)"
                 " SELECT printf('org-%05d', i), 0 FROM n")
    names = [line["organization"] for line in database.run("org", "list").expect(0).lines]
    assert len(names) == 2501 and names == sorted(set(names))


def test_running_httpd_sees_the_change(server, admin):
    database = DatabaseOf(server)
    database.run("org", "set", "default", "payment_type=gold").expect(0)
    assert admin.get("organization-status/").expect(200).json["payment_type"] == "gold"


def test_busy_database(database):
    writer = sqlite3.connect(database.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    brief = database.run("org", "create", "late", "--wait", "0").expect(3, "UM0001")
    verbose = database.run("org", "create", "late", "--wait", "0", "-v").expect(3)
    assert (brief.err.count("UM0001"), verbose.err) == (1, brief.err * 2)
    writer.execute("ROLLBACK")
    writer.close()
    database.run("org", "create", "late").expect(0)


# ---- users ----

def ndjson(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def exported(database, *arguments):
    return database.run("users", "export", *arguments).expect(0).lines


def refused(result):
    return [(told["line"], [(error["field"], error["code"]) for error in told["errors"]])
            for told in map(json.loads, result.err.splitlines()[:-1])]


ANN = {"email": "ann@example.com", "display_name": "Ann"}

FULL = {"user_uid": "imported_1-a", "email": "Zoë@example.com", "display_name": "Zoë, \"Z\"",
        "phone": "+1 555 0100", "role": "sub_admin", "active": False, "created_at": "2001-02-03T04:05:06.789Z",
        "updated_at": "2002-02-03T04:05:06.789Z", "age": "23", "height": 175, "ycom": 0.95,
        "attributes": "an attribute, too", "tree": {"a": [1, None, "\n😀"]}}


def test_import_is_seen_by_httpd(server, admin):
    database = DatabaseOf(server)
    database.run("users", "import", "-", stdin=ndjson({**ANN, "age": "23", "ycom": 0.95})) \
        .expect(0, "1 imported, 0 already there, 0 refused")
    user = admin.get("users/", query={"email": "ANN@example.com"}).expect(200).json["users"][0]
    assert {**user, "user_uid": "", "created_at": "", "updated_at": ""} == {
        **ANN, "user_uid": "", "role": "user", "active": True, "created_at": "", "updated_at": "",
        "age": "23", "ycom": 0.95}
    assert re.fullmatch(r"[0-9A-Za-z]{20}", user["user_uid"])
    assert exported(database) == [user]
    event = server.sql("SELECT actor_identity, target, after_json FROM audit_events"
                       " WHERE action = 'users.create'")[0]
    assert event[:2] == (ACTOR, user["user_uid"]) and json.loads(event[2]) == user
    admin.delete("users/" + user["user_uid"]).expect(200)


def appointment(admin, user):
    """The event of making a sub-admin, by the API, of one with that address and name."""
    uid = admin.create(user["email"], user["display_name"])["user_uid"]
    admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    event = admin.get("audit-events/", query={"target": uid, "order_by": "-at", "limit": 1}) \
        .expect(200).json["audit_events"][0]
    admin.delete("users/" + uid).expect(200)
    return event


def plain_event(event):
    """An event without what tells it from another of its kind."""
    return {**event, "event_uid": "", "at": "", "actor": "", "remote_addr": "", "target": "",
            "request_id": "",
            "after": list({**event["after"], "user_uid": "", "added_by": "",
                           "created_at": ""}.items())}


@pytest.mark.parametrize("form", ["ndjson", "csv"])
def test_what_is_exported_can_be_imported(database, admin, tmp_path, form):
    database.run("users", "import", "-", "--with-roles",
                 stdin=ndjson(FULL, {**ANN, "note": "a,\"b\"\r\nc"},
                              {"email": "bob@example.com", "display_name": "Bob"})).expect(0)
    users = exported(database)
    assert FULL in users and len(users) == 3
    user, made = [event for event in database.run("audit", "export").expect(0).lines
               if event["target"] == FULL["user_uid"]]
    assert user["after"] == {**FULL, "role": "user"}
    assert plain_event(made) == plain_event(appointment(admin, FULL))
    assert (made["after"]["user_uid"], made["after"]["added_by"]) == (FULL["user_uid"], ACTOR)
    assert FULL["created_at"] < made["after"]["created_at"] <= made["at"]
    file = tmp_path / f"users.{form}"
    database.run("users", "export", "--output", file).expect(0)
    assert file.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / f"users.{form}.part").exists()
    other = Database(tmp_path / "other.db")
    other.run("schema", "create").expect(0)
    other.run("users", "import", file, "--with-roles").expect(0, "3 imported")
    assert exported(other) == users
    shown = other.run("org", "show", "default").expect(0).lines[0]
    assert (shown["user_count"], shown["sub_admin_count"]) == (3, 1)
    other.run("users", "import", file, "--with-roles", "--resume").expect(0, "0 imported, 3 already")


# As they are, as an export has them, and as one with --excel has them.
FORMULAS = [("=1+1", "=1+1", "'=1+1"), ("+1", "+1", "'+1"), ("-1", "-1", "'-1"),
            ("@SUM(A1)", "@SUM(A1)", "'@SUM(A1)"), ("'=1", "''=1", "''=1"),
            ("''-1", "'''-1", "'''-1"), ("'quoted", "'quoted", "'quoted"),
            ("a=b", "a=b", "a=b"), ("'", "'", "'"), ('=a,"b"', '=a,"b"', "'=a,\"b\"")]


@pytest.mark.parametrize("arguments", [[], ["--excel"]])
def test_csv_has_no_formulas_and_is_taken_back(database, tmp_path, arguments):
    database.run("users", "import", "-", stdin=ndjson(
        *({"email": f"{i}@example.com", "user_uid": f"-{i}", "display_name": name[0],
           "phone": "+1 555 0100", "note": name[0]} for i, name in enumerate(FORMULAS)))) \
        .expect(0)
    users = exported(database)
    file = tmp_path / "users.csv"
    database.run("users", "export", "--output", file, *arguments).expect(0)
    text = file.read_bytes()
    assert text.startswith("\ufeff".encode()) == bool(arguments)
    rows = list(csv.reader(text.decode("utf-8-sig").splitlines()))[1:]
    assert [row[2] for row in sorted(rows, key=lambda row: row[1])] \
        == [names[1 + len(arguments)] for names in FORMULAS]
    assert bool(arguments) != any(cell.startswith(tuple("=+-@")) for row in rows for cell in row)
    count = len(FORMULAS)
    database.run("users", "import", file, "--resume").expect(0, f"{count} already there")
    other = Database(tmp_path / "other.db")
    other.run("schema", "create").expect(0)
    other.run("users", "import", file).expect(0, f"{count} imported")
    assert exported(other) == users


def test_export_usage(database, tmp_path):
    excel = database.run("users", "export", "--excel").expect(0).out
    assert excel == "\ufeff" + database.run("users", "export", "--format", "csv").out
    database.run("users", "export", "--excel", "--format", "ndjson").expect(2, "--excel works with CSV")
    database.run("users", "export", "--output", tmp_path / "a.csv", "--format", "ndjson").expect(0)
    assert (tmp_path / "a.csv").read_bytes() == b""
    database.run("users", "import", "-", "--excel").expect(2, "does not take --excel")


def test_organizations_are_apart(database):
    database.run("org", "create", "other").expect(0)
    database.run("users", "import", "-", "--org", "other", stdin=ndjson(ANN)).expect(0)
    database.run("users", "import", "-", stdin=ndjson(ANN)).expect(0)
    assert len(exported(database)) == len(exported(database, "--org", "other")) == 1
    database.run("users", "import", "-", "--org", "none", stdin=ndjson(ANN)) \
        .expect(1, "no organization")
    database.run("users", "export", "--org", "none").expect(1, "no organization")


def test_refused_lines(database, tmp_path):
    text = ndjson(ANN) + b"\n" + b"{\n" + b"[]\n" + ndjson(
        {"email": "ann@", "phone": "x"},
        {**ANN, "email": "ANN@example.com"},
        {**ANN, "email": "b@example.com", "user_uid": "a b", "role": "admin",
         "created_at": "yesterday", "updated_at": 5, "no good": 1},
        {**ANN, "email": "c@example.com", "role": "sub_admin"},
        {**ANN, "email": "d@example.com", "created_at": "2002-01-01T00:00:00Z",
         "updated_at": "2001-01-01T00:00:00Z"},
        {**ANN, "email": "e@example.com", "long": "x" * 1024 * 1024}) \
        + b'{"email": "f@example.com", "display_name": "\xff"}\n' \
        + b'{"email": "g@example.com", "display_name": "G"}'
    result = database.run("users", "import", "-", stdin=text) \
        .expect(1, "2 imported, 0 already there, 9 refused")
    assert refused(result) == [
        (3, [("", "malformed_json")]),
        (4, [("", "invalid_type")]),
        (5, [("email", "invalid_email"), ("display_name", "required"),
             ("phone", "invalid_phone")]),
        (6, [("email", "email_exists")]),
        (7, [("user_uid", "invalid_uid"), ("role", "invalid_value"),
             ("created_at", "invalid_value"), ("updated_at", "invalid_type"),
             ("no good", "invalid_name")]),
        (8, [("role", "not_allowed")]),
        (9, [("updated_at", "invalid_value")]),
        (10, [("", "too_large")]),
        (11, [("", "invalid_utf8")]),
    ]
    report = tmp_path / "report"
    again = database.run("users", "import", "-", "--report", report, stdin=text).expect(1)
    assert len(again.err.splitlines()) == 1
    assert len(report.read_text().splitlines()) == 11


def test_import_again(database):
    users = ndjson(ANN, {**ANN, "email": "bob@example.com", "user_uid": "bob"})
    database.run("users", "import", "-", stdin=users).expect(0)
    result = database.run("users", "import", "-", stdin=users).expect(1, "0 imported, 0 already")
    assert refused(result) == [(1, [("email", "email_exists")]), (2, [("user_uid", "uid_exists")])]
    database.run("users", "import", "-", "--resume", stdin=users).expect(0, "2 already there")
    changed = ndjson({**ANN, "age": 5}, {**ANN, "email": "bo@example.com", "user_uid": "bob"},
                     {**ANN, "email": "bob@example.com", "user_uid": "bobby"})
    result = database.run("users", "import", "-", "--resume", stdin=changed).expect(1)
    assert refused(result) == [(1, [("email", "email_exists")]), (2, [("user_uid", "uid_exists")]),
                               (3, [("email", "email_exists")])]
    assert len(exported(database)) == 2


@pytest.mark.database("sqlite")
def test_what_can_not_be_made_and_nobody_knows_why(database):
    database.sql("CREATE TRIGGER odd BEFORE INSERT ON users BEGIN SELECT RAISE(IGNORE); END")
    database.run("users", "import", "-", "--wait", "0", stdin=ndjson(ANN)) \
        .expect(3, "the change could not be made; try again")
    assert database.sql("SELECT COUNT(*) FROM audit_events") == [(0,)]


def test_resume_looks_at_a_role_that_is_brought(database):
    sub_admin = {**ANN, "email": "cy@example.com", "role": "sub_admin"}
    database.run("users", "import", "-", "--with-roles", stdin=ndjson(ANN, sub_admin)).expect(0)
    del sub_admin["role"]
    database.run("users", "import", "-", "--resume",
                 stdin=ndjson(ANN, sub_admin)).expect(0, "2 already there")
    result = database.run("users", "import", "-", "--resume",
                          stdin=ndjson(ANN, {**sub_admin, "role": "user"})).expect(1)
    assert refused(result) == [(2, [("email", "email_exists")])]


def test_dry_run(database):
    database.run("users", "import", "-", stdin=ndjson(ANN)).expect(0)
    before = database.sql("SELECT COUNT(*) FROM audit_events")
    result = database.run("users", "import", "-", "--dry-run", stdin=ndjson(
        ANN, {**ANN, "email": "bob@example.com"}, {**ANN, "email": "BOB@example.com"},
        {**ANN, "email": "no"})).expect(1, "1 would be imported, 0 already there, 3 refused")
    assert [line for line, _ in refused(result)] == [1, 3, 4]
    assert database.sql("SELECT COUNT(*) FROM users") == [(1,)]
    assert database.sql("SELECT COUNT(*) FROM audit_events") == before


def test_what_stood_in_the_way_and_is_gone(database):
    """A user who was not made is not counted as made, although the user in the way is gone."""
    database.sql("CREATE TRIGGER in_the_way BEFORE INSERT ON users WHEN NEW.email LIKE 'ann%'"
                 " BEGIN SELECT RAISE(IGNORE); END")
    timer = threading.Timer(0.5, database.sql, ["DROP TRIGGER in_the_way"])
    timer.start()
    database.run("users", "import", "-", stdin=ndjson({**ANN, "email": "b@example.com"}, ANN)) \
        .expect(0, "2 imported")
    timer.join()
    assert len(exported(database)) == 2


def person(email, uid=None, **more):
    return {"email": email + "@example.com", "display_name": "P",
            **({"user_uid": uid} if uid else {}), **more}


EMAIL, UID = [("email", "email_exists")], [("user_uid", "uid_exists")]


@pytest.mark.parametrize("options, there, refusals", [
    ([], 0, [(2, EMAIL), (4, EMAIL), (6, UID), (8, EMAIL), (10, UID), (11, UID), (12, UID),
             (13, EMAIL), (14, UID), (16, UID)]),
    (["--resume"], 4, [(2, EMAIL), (4, EMAIL), (6, UID), (11, UID), (12, UID), (16, UID)]),
])
def test_dry_run_tells_what_the_import_does(database, options, there, refusals):
    """A line is held against those that are taken, not against those that are refused."""
    database.run("users", "import", "-", stdin=ndjson(person("stored", "s1"))).expect(0)
    users = ndjson(
        person("a", "a1"), person("A", "a2"), person("b", "a2"),
        # Refused by the database.
        person("stored", "c1"), person("c", "c1"), person("d", "s1"), person("d"),
        # The same once more.
        person("d"), person("e", "e1", age=5, created_at="2001-02-03T04:05:06Z"),
        person("e", "e1", age=5), person("e", "e1", age=6),
        person("e", "e1", age=5, display_name="Q"), person("e", age=5), person("stored", "s1"),
        # One thing of the database, another of the file.
        person("f", "f1"), person("stored", "f1"))
    dry = database.run("users", "import", "-", "--dry-run", *options, stdin=users) \
        .expect(1, f"6 would be imported, {there} already there, {len(refusals)} refused")
    done = database.run("users", "import", "-", *options, stdin=users) \
        .expect(1, f"6 imported, {there} already there, {len(refusals)} refused")
    assert refused(dry) == refused(done) == refusals


@pytest.mark.parametrize("arguments, goes_on", [
    (["-", "--report", "/dev/full"], True),
    (["-", "--report", "/dev/full", "--dry-run"], False),
    (["/"], False),
])
def test_resume_is_offered_where_there_is_something_to_resume(database, arguments, goes_on):
    result = database.run("users", "import", *arguments, stdin=ndjson(ANN, ANN)).expect(1)
    assert ("--resume to continue" in result.err) == goes_on, result.err
    assert ("can't be written" in result.err) == ("--report" in arguments)


CSV = ('\ufeffemail,display_name,phone,age,height:json,attributes\r\n'
       'a@example.com,"Ann ""A""",+1 555 0100,23,175,"{""ycom"": 0.95}"\r\n'
       '\r\n'
       '"b@example.com","two\nlines",,,,\n'
       'c@example.com,Cleo,,,nothing,\n'
       'd@example.com,Dan,,,,[]\n'
       'e@example.com,E"ve,,,,\n'
       'f@example.com,Finn\n'
       'g@example.com,Gil,,,,"{""email"": ""h@example.com""}"\n'
       'i@example.com,Ivo,,"",,\n'
       'j@example.com,"Jo,,,,\n')


def test_byte_order_mark(database, tmp_path):
    mark = "\ufeff".encode()
    database.run("users", "import", "-", stdin=mark + ndjson(ANN)).expect(0, "1 imported")
    (tmp_path / "users.ndjson").write_bytes(mark + ndjson(
        {**ANN, "email": "bob@example.com"}))
    database.run("users", "import", tmp_path / "users.ndjson").expect(0, "1 imported")


def test_import_leaves_no_log_to_copy(database, tmp_path):
    """While others have the database open, the end of the tool does not copy it."""
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        other.execute("SELECT COUNT(*) FROM users").fetchall()
        database.run("users", "import", "-", stdin=ndjson(ANN)).expect(0, "1 imported")
        copy = Database(tmp_path / "copy.db")
        copy.path.write_bytes(database.path.read_bytes())
        assert copy.sql("SELECT email FROM users") == [(ANN["email"],)]


@pytest.mark.database("postgresql")
def test_import_leaves_no_work_to_autovacuum(make_server):
    """Lists need not read past the counts that were folded, and the planner knows the users."""
    server = make_server()
    for table in ("users", "organization_counts"):
        server.sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    tool = DatabaseOf(server)
    tool.run("org", "create", "imported").expect(0)
    users = [{"email": f"v{number}@vacuum.example.com", "display_name": "V"}
             for number in range(2000)]
    tool.run("users", "import", "--org", "imported", "-", stdin=ndjson(*users)).expect(0)
    assert server.sql("SELECT reltuples FROM pg_class WHERE relname = 'users'") == [(2000,)]
    wait_for(lambda: server.sql("SELECT last_vacuum IS NOT NULL FROM pg_stat_user_tables"
                                " WHERE relname = 'organization_counts'") == [(True,)],
             10, "the counts are not vacuumed")


def test_csv(database, tmp_path):
    (tmp_path / "users.csv").write_text(CSV, newline="")
    result = database.run("users", "import", tmp_path / "users.csv").expect(1, "2 imported")
    assert refused(result) == [
        (4, [("display_name", "control_character")]),
        (6, [("height", "malformed_json")]),
        (7, [("attributes", "invalid_type")]),
        (8, [("", "malformed_csv")]),
        (9, [("", "wrong_number_of_cells")]),
        (10, [("", "duplicate_key")]),
        (12, [("", "malformed_csv")])]
    ann, ivo = exported(database)
    assert (ann["display_name"], ann["phone"], ann["age"], ann["height"], ann["ycom"]) \
        == ('Ann "A"', "+1 555 0100", "23", 175, 0.95)
    assert not {"age", "phone", "height", "ycom"} & ivo.keys()


@pytest.mark.parametrize("count", [0, 10, 40000])
def test_csv_that_lost_a_quote(database, count):
    """The rest of the file is one record, and the report says so; too long or not."""
    text = 'email,display_name\na@example.com,"A"\nb@example.com,"B\n' \
        + "".join(f"c{i}@example.com,Person {i}\n" for i in range(count))
    result = database.run("users", "import", "-", "--format", "csv", stdin=text.encode()) \
        .expect(1, "1 imported, 0 already there, 1 refused")
    assert refused(result) == [(3, [("", "malformed_csv")])]
    assert "goes on to the end of the file" in result.err and "quote is probably" in result.err


def import_csv(database, text, *arguments):
    """A text, or bytes."""
    return database.run("users", "import", "-", "--format", "csv", *arguments,
                        stdin=text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("header, error", [
    ("", "the file is empty"), ("\n\r\n", "the file is empty"),
    ("email,,x\n", "column without a name, number 2"),
    ("email,display_name,age,age:json\n", '"age" twice'),
    ("email,display_name,Email\n", '"email" twice'),
    ('"email', "can't be read: .*quote is probably missing"),
    ('a"b,c', "can't be read: .*must be in quotes"),
    (b"email,na\xefve\n", "is not UTF-8; save"),
    ("E-Mail,Full Name\na@b.c,d\n",
     'neither a column "email" nor "display_name"; it has: "E-Mail", "Full Name"; .*'
     '--map "E-Mail=email"'),
    ("email;Full Name\n", 'no column "display_name"; .*--map "Full Name=display_name"'),
    ("display_name\tage\n", 'no column "email"; it has: "display_name", "age"'),
    ("email|display_name\n", "separator must be a comma, a semicolon or a tab"),
    ("ann@example.com,Ann\nbob@example.com,Bob\n", "first line seems to be a user"),
    (json.dumps({"email": "a@example.com"}), "give --format ndjson"),
    ("email,display_name,No good!\n",
     '"No good!", which can.t be the name of an attribute .*--map "No good!="'),
    (",".join(f"c{i}" for i in range(20)), '"c11" and 8 more; '),
    ("x" * 100, '"' + "x" * 60 + '[.]{3}"'),
])
def test_csv_headers(database, header, error):
    """Told once, however many records follow."""
    rows = b"" if header in ("", "\n\r\n", '"email') else b"\na@example.com,A" * 30
    text = (header if isinstance(header, bytes) else header.encode()) + rows
    assert len(import_csv(database, text).expect(1, error).err.splitlines()) == 1


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_utf16(database, coding, form):
    text = "email,display_name\na@example.com,A\n" if form == "csv" else json.dumps(ANN)
    database.run("users", "import", "-", "--format", form, stdin=text.encode(coding)) \
        .expect(1, "- is UTF-16; save it as UTF-8")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_of_spreadsheets(database, tmp_path, separator, end):
    """The other separators are part of a cell; the lines are counted."""
    rows = [["Email", "DISPLAY_NAME", '"Phone"', "Note", "shirt", "Attributes"],
            ["ann@example.com", '"Ann, A.; B"', "+1 555 0100", '"two\r\nlines\t"', "", ""],
            ["", "", "", "", "", ""], [" ", '""', "", "", "", ""], [""],
            ["bad", "B", "", "", "", ""],
            ["bob@example.com", "Bob", "", "", "", '"{""age"": 5}"']]
    if separator != ",":
        rows[-1][1] = "Bob, the second"
    file = tmp_path / "users.CSV"
    file.write_text("\ufeff" + end.join(separator.join(row) for row in rows), newline="")
    result = database.run("users", "import", file).expect(1, "2 imported, 0 already there, 1")
    assert [line for line, _ in refused(result)] == [7]
    ann, bob = sorted(exported(database), key=lambda user: user["email"])
    assert (ann["phone"], ann["Note"], "shirt" in ann) == ("+1 555 0100", "two\r\nlines\t", False)
    assert (bob["display_name"], bob["age"], "Note" in bob) == (rows[-1][1], 5, False)


def test_csv_map(database):
    text = ("E-Mail;Full Name;a=b;Notes (old);Size;JSON\n"
            "ann@example.com;Ann;1;x;[1];\"{\"\"k\"\": 2}\"\n")
    maps = ["--map", "e-mail=email", "--map", "Full Name=display_name", "--map", "a=b=ab",
            "--map", "Notes (old)=", "--map=Size=size:json", "--map", "json=attributes"]
    import_csv(database, text, *maps).expect(0, "1 imported")
    user = exported(database)[0]
    assert (user["email"], user["display_name"]) == ("ann@example.com", "Ann")
    assert (user["ab"], user["size"], user["k"]) == ("1", [1], 2)
    assert set(user) == {"user_uid", "email", "display_name", "role", "active", "created_at",
                         "updated_at", "ab", "size", "k"}
    import_csv(database, text, *maps, "--map", "Nme=display_name") \
        .expect(1, 'no column "Nme", which --map names; it has: "E-Mail", "Full Name"')
    import_csv(database, text, *maps, "--map", "Email").expect(2, '--map must be COLUMN=NAME')
    import_csv(database, text, "--map", "=x").expect(2, '--map must be COLUMN=NAME, not "=x"')
    database.run("users", "import", "-", "--map", "a=b", stdin=b"").expect(2, "--map works with CSV only")


def test_equal_errors_are_counted(database, tmp_path):
    """On the standard error; a report of its own has each line."""
    users = ndjson(*({"email": f"u{i}" if i % 2 else "", "display_name": "U"}
                     for i in range(100)), {**ANN, "phone": "x"})
    result = database.run("users", "import", "-", stdin=users).expect(1, " 101 refused")
    told = [json.loads(line) for line in result.err.splitlines()[:-1]]
    assert [line["line"] for line in told[:-2]] == [*range(1, 41), 101]
    assert [(line["more"], line["errors"]) for line in told[-2:]] \
        == [(30, told[0]["errors"]), (30, told[1]["errors"])]
    report = tmp_path / "report"
    database.run("users", "import", "-", "--report", report, stdin=users).expect(1)
    assert [json.loads(line)["line"] for line in report.read_text().splitlines()] \
        == list(range(1, 102))


@pytest.mark.parametrize("count", [20, 21])
def test_twenty_equal_errors_are_told(database, count):
    result = database.run("users", "import", "-", "--dry-run",
                          stdin=b"[]\n" * count).expect(1, f" {count} refused")
    assert len(result.err.splitlines()) == count + 1 and ('"more":1,' in result.err) == (count > 20)


def test_import_usage(database, tmp_path):
    database.run("users", "import", "-", "--format", "xml").expect(2, "--format")
    database.run("users", "import").expect(2, "users import FILE")
    database.run("users", "export", "--resume").expect(2, "does not take --resume")
    database.run("users", "import", tmp_path / "none").expect(1, "can't be read")
    database.run("users", "import", tmp_path).expect(1, "can't be read")
    database.run("users", "export", "--output", tmp_path / "no/x").expect(1, "can't be written")
    database.run("users", "import", "-").expect(0, "0 imported")


def many(count):
    return ndjson(*({"email": f"u{i}@example.com", "display_name": f"U {i}", "n": i}
                    for i in range(count)))


def test_killed_and_resumed(database, tmp_path):
    """kill -9 at any moment: what is there is whole, and --resume brings the rest."""
    file = tmp_path / "users.ndjson"
    file.write_bytes(many(40000))
    command = [tool_path(), "--driver", "sqlite3", "--params", database.path, "users", "import",
               file, "--resume"]
    kills = 0
    for wait in (0.1, 0.2, 0.4, 0.3, 0.5):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        kills += process.poll() is None
        process.kill()
        process.wait()
        users, events, count, last = database.sql(
            "SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM audit_events),"
            " (SELECT SUM(user_count) FROM organization_counts),"
            " (SELECT MAX(json_extract(attributes, '$.n')) FROM users)")[0]
        assert users == events == count and (users == 0 or users == last + 1)
    assert kills >= 2
    database.run("users", "import", file, "--resume").expect(0, " 0 refused")
    assert sorted(user["n"] for user in exported(database)) == list(range(40000))


@contextlib.contextmanager
def started(database, *arguments, **options):
    """The tool, running; its standard files are pipes."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([tool_path(), "--driver", "sqlite3", "--params", database.path,
                           *map(str, arguments)], env=tool_environment(), bufsize=0, **pipes,
                          **options) as process:
        yield process
        assert process.poll() is not None


def ended(process):
    process.out, process.err = process.communicate(timeout=60)
    return Ended(argparse.Namespace(returncode=process.returncode, stdout=process.out,
                                    stderr=process.err))


def catches(process, number):
    """Whether it has a handler for the signal."""
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text(),
                       re.MULTILINE)[1]
    return int(caught, 16) >> (number - 1) & 1


def wait_until(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_import_tells_how_far_it_came(database, tmp_path, number):
    """The numbers that it prints are true, and --resume goes on."""
    file = tmp_path / "users.ndjson"
    file.write_bytes(b"[]\n" + many(40000))
    with started(database, "users", "import", file) as process:
        wait_until(lambda: database.sql("SELECT COUNT(*) FROM users")[0][0] > 0)
        process.send_signal(number)
        result = ended(process).expect(1, r"interrupted after the record in line \d+; run the same"
                                          " command with --resume to continue")
    line = int(re.search(r"in line (\d+)", result.err)[1])
    count = int(re.search(r"(\d+) imported, 0 already there, 1 refused", result.err)[1])
    assert line == count + 1 and 0 < count < 40000
    assert database.sql("SELECT COUNT(*), MAX(json_extract(attributes, '$.n')) FROM users") \
        == [(count, count - 1)]
    database.run("users", "import", file, "--resume") \
        .expect(1, f"{40000 - count} imported, {count} already there, 1 refused")


@pytest.mark.parametrize("text", [b"", b'{"email":"half'])
def test_interrupted_while_it_waits_for_input(database, text):
    with started(database, "users", "import", "-") as process:
        process.stdin.write(text)
        process.stdin.flush()
        wait_until(lambda: catches(process, signal.SIGINT))
        process.send_signal(signal.SIGINT)
        ended(process).expect(1, "interrupted; nothing was imported")
    assert database.sql("SELECT COUNT(*) FROM users") == [(0,)]


def test_interrupted_while_the_database_is_busy(database):
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with started(database, "users", "import", "-", "--wait", "3600") as process:
            process.stdin.write(ndjson(ANN))
            process.stdin.close()
            process.stdin = None
            wait_until(lambda: catches(process, signal.SIGINT))
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            ended(process).expect(3, "UM0001(.|\n)*interrupted before the first record; run")


@pytest.mark.unsanitized
def test_a_clock_that_is_set_back_makes_no_wait_longer(database, tmp_path):
    library, signal_file = make_clock(tmp_path)
    environment = {**tool_environment(), "LD_PRELOAD": str(library)}
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with subprocess.Popen([tool_path(), "--driver", "sqlite3", "--params", database.path,
                               "org", "create", "late", "--wait", "3"], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            try:
                time.sleep(1)
                signal_file.touch()
                ended(process).expect(3, "UM0001")
            finally:
                process.kill()


def test_interrupted_dry_run_has_nothing_to_resume(database):
    with started(database, "users", "import", "-", "--dry-run") as process:
        process.stdin.write(many(6000))
        process.stdin.flush()
        wait_until(lambda: catches(process, signal.SIGINT))
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        result = ended(process).expect(1, "interrupted (before|after) the (first )?record")
    assert "--resume" not in result.err


def test_a_signal_that_is_ignored_stays_so(database):
    """As under nohup."""
    with started(database, "users", "import", "-",
                 preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as process:
        wait_until(lambda: catches(process, signal.SIGINT))
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        process.stdin.write(ndjson(ANN))
        ended(process).expect(0, "1 imported")


def test_interrupted_export_leaves_the_file_as_it_was(database, tmp_path):
    database.run("users", "import", "-", stdin=many(20000)).expect(0)
    # So much that the signal comes before the end.
    database.sql("UPDATE users SET attributes = '{\"a\":\"' || hex(zeroblob(4000)) || '\"}'")
    file = tmp_path / "users.ndjson"
    file.write_text("before")
    with started(database, "users", "export", "--output", file) as process:
        while not catches(process, signal.SIGINT):
            pass
        process.send_signal(signal.SIGINT)
        ended(process).expect(1, r"interrupted after \d+000 of 20000 users, nothing was written"
                                 f" to {file}; run the same command again to get all of them")
    assert file.read_text() == "before" and len(list(tmp_path.glob(".usermgmtctl-*"))) == 0


def test_interrupted_export_to_a_pipe(database):
    """Nothing is told of a file, and what came is whole lines."""
    database.run("users", "import", "-", stdin=many(5000)).expect(0)
    with started(database, "users", "export") as process:
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        result = ended(process).expect(1, r"interrupted after \d000 of 5000 users; run the same")
    count = int(re.search(r"after (\d+)", result.err)[1])
    assert len({user["n"] for user in [json.loads(line), *result.lines]}) == count


def test_import_beside_a_writing_httpd(server, admin):
    """Both get their turn, and nothing is lost."""
    database = DatabaseOf(server)
    process = subprocess.Popen(
        [tool_path(), *database.config, "users", "import", "-"],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=tool_environment())
    writer = threading.Thread(target=lambda: (process.stdin.write(many(5000)),
                                              process.stdin.close()))
    writer.start()
    made = 0
    while writer.is_alive() or process.poll() is None:
        admin.create(f"live{made}@example.com")
        made += 1
    writer.join()
    assert process.wait(timeout=120) == 0, process.stderr.read()
    process.stderr.close()
    assert admin.get("organization-status/").json["user_count"] == 5000 + made
    server.sql("DELETE FROM users")


def told_on_a_terminal(database, *arguments, stdin=None):
    master, terminal = pty.openpty()
    subprocess.run([tool_path(), "--driver", "sqlite3", "--params", database.path, *arguments],
                   stdin=stdin, stdout=subprocess.DEVNULL, stderr=terminal, check=True,
                   timeout=120, env=tool_environment())
    os.close(terminal)
    told = []
    # At the end it is an error: nobody has the terminal open any more.
    with contextlib.suppress(OSError):
        while not told or told[-1]:
            told.append(os.read(master, 65536))
    os.close(master)
    return b"".join(told).decode()


def test_progress_on_a_terminal(database, tmp_path):
    file = tmp_path / "users.ndjson"
    file.write_bytes(many(3000))
    cleared = r"\r\x1b\[K"
    told = told_on_a_terminal(database, "users", "import", file)
    assert re.search(r"\d+ users, \d+/s \[#+\.*\] \d+ %, \d+:\d\d left" + cleared, told), told
    assert "3000 imported" in told
    for arguments, counted in ((("users", "export"), "users"), (("audit", "export"), "events")):
        told = told_on_a_terminal(database, *arguments)
        assert re.fullmatch(rf"({cleared}\d+ {counted}, \d+/s \[#+\.*\] \d+ %, \d+:\d\d left)+"
                            + cleared, told), told
    with open(file, "rb") as text, subprocess.Popen(["cat"], stdin=text,
                                                    stdout=subprocess.PIPE) as pipe:
        told = told_on_a_terminal(database, "users", "import", "-", "--resume",
                                  stdin=pipe.stdout)
    assert re.search(cleared + r"\d+ users, \d+/s" + cleared, told) and "left" not in told, told
    assert "3000 already there" in told


# ---- what is kept ----

def test_invitations_prune(server, admin):
    database = DatabaseOf(server)
    for name in ("old", "older", "fresh"):
        admin.post("invitations/", {"email": f"{name}@example.com"}).expect(201)
    server.sql("UPDATE invitations SET expires_at = expires_at - 9244800000"
               " WHERE email LIKE 'old%'")
    told, = database.run("prune", "invitations", "--older-than", "101d").expect(0, "^$").lines
    assert told["pruned"] == 0
    server.sql("INSERT INTO organizations (name, created_at) VALUES ('another', 0)")
    server.sql("INSERT INTO invitations (org_id, invite_token, email, email_key, status,"
               " inviter_uid, inviter_email, created_at, expires_at)"
               " SELECT org_id, 't', 'a@example.com', 'a@example.com', 'revoked', 'u', 'u', 1, 1"
               " FROM organizations WHERE name = 'another'")
    told, = database.run("prune", "invitations", "--org", "default").expect(0).lines
    assert told["pruned"] == 2
    told, = database.run("prune", "invitations").expect(0).lines
    assert told["pruned"] == 1
    assert database.run("audit", "export", "--org", "another").expect(0).lines[0]["target"] \
        == "another"
    left = server.sql("SELECT email FROM invitations")
    assert left == [("fresh@example.com",)]
    assert server.sql("SELECT COUNT(*) FROM invitation_secrets") == [(1,)]
    event = [event for event in database.run("audit", "export").expect(0).lines
             if event["action"] == "invitations.prune"]
    assert len(event) == 1 and event[0]["after"]["pruned"] == 2
    assert event[0]["actor"]["identity"] == ACTOR
    database.run("prune", "invitations", "--org", "none").expect(1, "no organization")
    database.run("prune", "invitations", "--older-than", "-1d").expect(2, "--older-than")
    server.sql("DELETE FROM invitations")


def test_idempotency_prune(server, admin):
    database = DatabaseOf(server)
    for key in ("one", "two"):
        uid = admin.post("users/", {"email": f"{key}@example.com", "display_name": key},
                         headers={"Idempotency-Key": key}).expect(201).json["userData"]["user_uid"]
        admin.delete("users/" + uid).expect(200)
    server.sql("UPDATE idempotency_keys SET created_at = created_at - 86400001"
               " WHERE idempotency_key = 'one'")
    told, = database.run("prune", "idempotency").expect(0).lines
    assert told["pruned"] == 1
    assert server.sql("SELECT idempotency_key FROM idempotency_keys") == [("two",)]


def test_audit_export_is_what_the_api_tells(server, admin, tmp_path):
    admin.delete("users/" + admin.create("audited@example.com")["user_uid"]).expect(200)
    events = admin.get("audit-events/", headers={"Accept": "application/x-ndjson"}) \
        .expect(200).lines
    database = DatabaseOf(server)
    assert database.run("audit", "export").expect(0).lines == events and len(events) >= 2
    database.run("audit", "export", "--output", tmp_path / "audit").expect(0)
    assert [json.loads(line) for line in (tmp_path / "audit").read_text().splitlines()] == events
