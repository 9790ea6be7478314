# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""usermgmtctl on the database of a running httpd, and on its own."""

import getpass
import json
import os
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest
from usermgmt_env import module_path

TOP = Path(__file__).resolve().parents[2]
ACTOR = "usermgmtctl:" + getpass.getuser()


def tool_path():
    """The program that was built with the module."""
    path = os.environ.get("UM_CTL") or str(Path(module_path()).parents[1] / "usermgmtctl")
    assert os.access(path, os.X_OK), path
    return path


class Ended:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def expect(self, code, error=""):
        assert self.code == code, f"{self.code}\n{self.out}\n{self.err}"
        assert re.search(error, self.err), self.err
        return self


def run(*arguments, stdin=b"", **options):
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    return Ended(subprocess.run([tool_path(), *map(str, arguments)], input=stdin, timeout=120,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment, **options))


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
    commands = re.findall(r"^  ([a-z]+ [a-z]+)", text, re.MULTILINE)
    options = re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE)
    assert len(commands) >= 8 and len(options) >= 6
    assert sorted(set(re.findall(r"^\.BI? ([a-z]+ [a-z]+)", manual, re.MULTILINE))) \
        == sorted(commands)
    assert set(re.findall(r"^\.BI? (--[a-z-]+)", manual, re.MULTILINE)) == set(options)
    version = run("--version").expect(0).out
    assert re.fullmatch(r"usermgmtctl \d+\.\d+\.\d+\n", version)


@pytest.mark.parametrize("arguments, error", [
    ([], "is no command"),
    (["org"], "is no command"),
    (["org", "destroy"], "is no command"),
    (["--no-such"], "no-such"),
    (["org", "list", "--params"], "lacks its value"),
    (["org", "list"], "which database"),
    (["org", "list", "--driver", "sqlite3"], "which database"),
    (["org", "list", "--config", "x", "--driver", "sqlite3"], "not both"),
    (["org", "list", "--wait", "soon"], "--wait"),
    (["org", "list", "--wait", "-1"], "--wait"),
    (["org", "list", "--driver", "a", "--driver", "b"], "comes twice"),
    (["org", "list", "more"], "it is: usermgmtctl org list"),
    (["org", "show"], "org show NAME"),
])
def test_usage(arguments, error):
    assert run(*arguments).expect(2, error).out == ""


def test_database_unavailable(tmp_path):
    missing = Database(tmp_path / "no.db")
    missing.run("org", "list").expect(3, "there is no database")
    assert not missing.path.exists()
    (tmp_path / "text").write_text("this is no database, however long the text may be\n" * 50)
    Database(tmp_path / "text").run("org", "list").expect(3, "UM0001")
    Database(tmp_path / "none/no.db").run("schema", "create").expect(3)
    run("--driver", "oracle", "--params", "x", "org", "list").expect(3, 'no driver "oracle"')


def test_output_that_cannot_be_written(database):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([tool_path(), "--driver", "sqlite3", "--params", database.path,
                               "org", "list"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"can't be written" in done.stderr


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
    assert result.lines == [{"version": 1, "wanted": 1, "state": "current"}]


@pytest.mark.parametrize("text, error", [
    ("Listen 80\n", "no DBDriver or no DBDParams"),
    ("DBDriver sqlite3\n", "no DBDriver or no DBDParams"),
    ("Include nowhere.conf\n", "nowhere.conf can't be read"),
    ("DBDriver sqlite3\nDBDParams /a\n<VirtualHost *>\nDBDParams /b\n</VirtualHost>\n",
     r"several databases(.|\n)*:2: DBDParams /a\n(.|\n)*:4: DBDParams /b"),
    ("ServerRoot @\nInclude httpd.conf\n", "too deeply"),
])
def test_config_that_does_not_tell(tmp_path, text, error):
    (tmp_path / "httpd.conf").write_text(text.replace("@", str(tmp_path)))
    run("--config", tmp_path / "httpd.conf", "org", "list").expect(2, error)


# ---- the schema ----

def test_schema(tmp_path):
    database = Database(tmp_path / "users.db")
    database.path.touch()
    assert database.run("schema", "status").expect(1).lines[0]["state"] == "missing"
    database.run("schema", "upgrade").expect(1, "schema create")
    database.run("org", "list").expect(3, "UM0030")
    database.run("schema", "create").expect(0)
    assert database.run("schema", "status").expect(0).lines[0]["state"] == "current"
    database.run("schema", "create").expect(0, "is there")
    database.run("schema", "upgrade").expect(0, "is there")
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
    database.run("org", "create", "Müller & Söhne").expect(0)
    database.run("org", "create", "Müller & Söhne").expect(1, "is there already")
    database.run("org", "set", "Müller & Söhne", "payment_type=gold").expect(0)
    database.run("org", "set", "Müller & Söhne", "payment_type=gold").expect(0)
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
    (["set", "default", "name=x"], 2, "payment_type"),
    (["create", ""], 1, "1 to 255"),
    (["create", "x" * 256], 1, "1 to 255"),
    (["create", "a\nb"], 1, "1 to 255"),
    (["create", b"\xff"], 1, "1 to 255"),
])
def test_organizations_refused(database, arguments, code, error):
    done = subprocess.run([tool_path(), "--driver", "sqlite3", "--params", database.path, "org",
                           *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    Ended(done).expect(code, error)
    assert database.sql("SELECT COUNT(*) FROM audit_events") == [(0,)]


def test_more_organizations_than_a_page(database):
    database.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
                 " INSERT INTO organizations (name, created_at)"
                 " SELECT printf('org-%05d', i), 0 FROM n")
    names = [line["organization"] for line in database.run("org", "list").expect(0).lines]
    assert len(names) == 2501 and names == sorted(set(names))


def test_running_httpd_sees_the_change(server, admin):
    database = Database(server.database_path)
    database.run("org", "set", "default", "payment_type=gold").expect(0)
    assert admin.get("organization-status/").expect(200).json["payment_type"] == "gold"


def test_busy_database(database):
    writer = sqlite3.connect(database.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    database.run("org", "create", "late", "--wait", "0").expect(3, "UM0001")
    writer.execute("ROLLBACK")
    writer.close()
    database.run("org", "create", "late").expect(0)
