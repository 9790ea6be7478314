# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Backups that are taken while users are made: each user that was answered before the backup began
is in it, the counts are exact, and it is served in a fresh place. On PostgreSQL and MariaDB by the
commands of docs/operations.md, on SQLite by usermgmtctl backup."""

import itertools
import os
import signal
import sqlite3
import subprocess
import threading
import time

import databases
import pytest
from databases import KIND
from test_operations import operator  # pylint: disable=unused-import
from usermgmt_env import ConnectionLost, Workers, wait_for
from usermgmtctl import DatabaseOf, run, tool_environment, tool_path


class Making(Workers):
    """Threads that make users, and the addresses whose answer has come."""

    def __init__(self, server, threads=6):
        super().__init__()
        self.server = server
        self.answered = []
        self.errors = []
        self.numbers = itertools.count()
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self):
        try:
            while not self.stop.is_set():
                email = f"user{next(self.numbers)}@example.com"
                self.server.admin.create(email)
                self.answered.append(email)
        except (AssertionError, ConnectionLost) as error:
            self.errors.append(error)


def back_up(server, operator):
    """The database of the copy."""
    if KIND != "sqlite":
        operator.shell(operator.load())
        return operator.database("usermgmt_copy")
    folder = server.live.new_directory() / "data"
    folder.mkdir()
    folder.chmod(0o777)
    made = databases.SqliteDatabase(folder / "copy.db")
    DatabaseOf(server).run("backup", made.path).expect(0, "^$")
    assert made.path.stat().st_mode & 0o777 == 0o600 and made.files() == [made.path]
    made.check()
    # As the documents install it: it belongs to httpd's user.
    if os.geteuid() == 0:
        subprocess.run(["chown", "www-data", made.path], check=True)
    return made


def test_a_backup_under_load_is_complete(operator, new_server):
    server = new_server(database=operator.make() if operator else None)
    server.admin.post("sub-admins/", {"user_uid": server.admin.create("sub@example.com")["user_uid"]}) \
        .expect(201)
    with Making(server) as making:
        wait_for(lambda: len(making.answered) > 100, 60, "some users")
        before = list(making.answered)
        database = back_up(server, operator)
        during = list(making.answered)
        wait_for(lambda: len(making.answered) > len(during) + 10, 60, "users are made on")
    assert not making.errors, making.errors
    copy = new_server(database=database)
    there = [user["email"] for user in copy.admin.everyone()]
    assert set(before) <= set(there) and len(there) == len(set(there))
    # It is one moment's: what is there was asked for before the backup ended.
    assert len(there) - 1 <= len(during) + len(making.threads)
    status = copy.admin.get("organization-status/").expect(200).json
    assert (status["user_count"], status["sub_admin_count"]) == (len(there), 1)
    # Each user has its event, and none is there without its user.
    events = copy.admin.get("audit-events/", query={"action": "users.create"},
                            headers={"Accept": "application/x-ndjson"}).expect(200).lines
    assert sorted(event["after"]["email"] for event in events) == sorted(there)
    DatabaseOf(copy).run("schema", "verify").expect(0)
    copy.admin.create("new@example.com")
    assert copy.admin.get("organization-status/").json["user_count"] == len(there) + 1
    # The original knows nothing of that.
    assert server.admin.get("users/", query={"email": "new@example.com"}).json["query_count"] == 0


# ---- the command ----


@pytest.fixture
def database(tmp_path):
    made = tmp_path / "users.db"
    run("--driver", "sqlite3", "--params", made, "schema", "create").expect(0)
    return made


def backup(database, file, **options):
    return run("--driver", "sqlite3", "--params", database, "backup", file, **options)


@pytest.mark.database("sqlite")
def test_a_backup_replaces_nothing(database, tmp_path):
    (tmp_path / "there").write_text("mine")
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("there", "link", "users.db"):
        backup(database, tmp_path / name).expect(1, "exists already; a backup replaces no file")
    backup(database, str(tmp_path) + "/").expect(1, "is a folder")
    backup(database, tmp_path / "none/file").expect(1, "none")
    assert (tmp_path / "there").read_text() == "mine"
    os.umask(0)
    try:
        backup(database, tmp_path / "copy").expect(0)
    finally:
        os.umask(0o022)
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".usermgmtctl-")] == []
    run("--driver", "sqlite3", "--params", tmp_path / "copy", "schema", "verify").expect(0)


@pytest.mark.database("sqlite")
def test_a_damaged_database_gives_no_backup(database, tmp_path):
    """A row that breaks a rule: SQLite copies it, and the check finds it."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = replace(sql,"
                       " 'length(name) BETWEEN 1 AND 255', 'length(name) > 999')"
                       " WHERE name = 'organizations'")
    connection.close()
    backup(database, tmp_path / "copy").expect(1, "CHECK constraint failed in organizations")
    assert sorted(path.name for path in tmp_path.iterdir()
                  if not path.name.startswith("users.db")) == []


@pytest.mark.database("sqlite")
def test_an_interrupted_backup_leaves_nothing(database, tmp_path):
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE large (text)")
    connection.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                       " WHERE i < 400000) INSERT INTO large SELECT printf('%0200d', i) FROM n")
    connection.commit()
    connection.close()
    process = subprocess.Popen(
        [tool_path(), "--driver", "sqlite3", "--params", database, "backup", tmp_path / "copy"],
        stderr=subprocess.PIPE, env=tool_environment())
    wait_for(lambda: any(path.name.startswith(".usermgmtctl-") for path in tmp_path.iterdir()),
             30, "it begins")
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1 and "interrupted; nothing was written" in said, said
    assert sorted(path.name for path in tmp_path.iterdir()
                  if not path.name.startswith("users.db")) == []


@pytest.mark.database("postgresql", "mariadb")
def test_servers_have_their_own_tools(new_server, tmp_path):
    server = new_server(start=False)
    server.configtest()
    DatabaseOf(server).run("backup", tmp_path / "copy").expect(2, "pg_dump, mariadb-dump")
    assert not (tmp_path / "copy").exists()
