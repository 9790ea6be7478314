# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""SQLite's file below a running httpd: a database that can hold no data is refused at
configtest, the file is httpd's alone, and a backup that was copied over it while the log
of the old file was left is not served."""

import contextlib
import os
import re
import sqlite3
import stat
from pathlib import Path

import pytest
from usermgmtctl import DatabaseOf

pytestmark = pytest.mark.database("sqlite")
FOREIGN = r"UM0116: .*belongs to another state of"


# ---- what configtest refuses ----

class Configured:
    """A database as it is configured, be it none."""

    kind = "sqlite"

    def __init__(self, directory, lines):
        self.path = directory / "data/users.db"
        self.lines = lines

    def directives(self):
        return self.lines.replace("@DATA@", str(self.path.parent))

    def make(self, version=0):
        """Nothing is made."""

    def drop(self):
        """Nothing was made."""


def configure(new_server, lines, **options):
    server = new_server(start=False, **options)
    server.database = Configured(server.directory, lines)
    return server


@pytest.mark.parametrize("lines, said", [
    ("DBDriver sqlite3", "DBDParams is empty"),
    ('DBDParams " "\nDBDriver sqlite3', "DBDParams is empty"),
    ("UserMgmtDatabase sqlite3 :memory:", 'UserMgmtDatabase is ":memory:"'),
    ('UserMgmtDatabase sqlite3 " "', "UserMgmtDatabase is empty"),
    ("UserMgmtDatabase sqlite3 file::memory:", "UserMgmtDatabase is a URI"),
    ("UserMgmtDatabase sqlite3 @DATA@/${NOT_DEFINED}", "UserMgmtDatabase has the variable"),
    ("UserMgmtDatabase pgsql host=${NOT_DEFINED}", "UserMgmtDatabase has the variable"),
    ("DBDriver sqlite3\nDBDParams :memory:", 'is ":memory:"'),
    ("DBDriver sqlite3\nDBDParams file::memory:", "is a URI"),
    ('DBDriver sqlite3\nDBDParams "file::memory:?cache=shared"', "is a URI"),
    ('DBDriver sqlite3\nDBDParams "file:@DATA@/users.db?mode=memory"', "is a URI"),
    ("DBDriver sqlite3\nDBDParams users.db", "depends on the folder"),
    ("DBDriver sqlite3\nDBDParams @DATA@/${NOT_DEFINED}.db",
     r"the variable \$\{NOT_DEFINED\}, which is not defined"),
    ('DBDriver pgsql\nDBDParams "host=${NOT_DEFINED}"', r"the variable \$\{NOT_DEFINED\}"),
    # httpd defines nothing that is empty.
    ('Define EMPTY ""\nDBDriver sqlite3\nDBDParams "${EMPTY}"', r"the variable \$\{EMPTY\}"),
])
def test_what_can_hold_no_data_is_refused_with_its_line(new_server, lines, said):
    server = configure(new_server, lines)
    text = server.expect_config_error(r"UM0115: line \d+ of .*" + said)
    last = lines.replace("@DATA@", str(server.database.path.parent)).splitlines()[-1]
    configured = [line.strip() for line in server.configuration().splitlines()]
    assert f"line {configured.index(last) + 1} of {server.directory}/conf/httpd.conf" in text, text
    assert re.search("give (the|an absolute) path|define it first", text), text
    assert not server.database.path.exists()


@pytest.mark.parametrize("lines", ['DBDriver sqlite3\nDBDParams ""',
                                   "DBDParams /x\nDBDriver ${NOT_DEFINED}"])
def test_what_mod_dbd_refuses_has_its_line_too(new_server, lines):
    server = configure(new_server, lines, modules=["dbd"])
    configured = [line.strip() for line in server.configuration().splitlines()]
    server.expect_config_error(f"line {configured.index(lines.splitlines()[-1]) + 1} of ")


def test_what_a_virtual_host_names_is_looked_at(new_server):
    server = configure(new_server, "DBDriver sqlite3\nDBDParams @DATA@/users.db", extra="""
        <VirtualHost *:@PORT@>
            DBDParams :memory:
        </VirtualHost>""", modules=["dbd"])
    server.expect_config_error(r"UM0115: .*memory of its own")


def test_what_nobody_uses_is_not_looked_at(new_server):
    server = configure(new_server, "DBDriver sqlite3\nDBDParams :memory:", has_location=False)
    code, said = server.configtest()
    assert code == 0, said


@pytest.mark.parametrize("modules", [[], ["dbd"]])
def test_a_defined_variable_is_taken(new_server, modules):
    server = configure(new_server,
                       "Define FILE @DATA@/users.db\nDBDriver sqlite3\nDBDParams ${FILE}", modules=modules)
    server.start()
    server.admin.create("ann@example.com")
    # mod_dbd opens it as well.
    assert stat.S_IMODE(server.database.path.stat().st_mode) == 0o600


# ---- whose it is ----

def modes(server):
    path = server.database_path
    return {suffix: stat.S_IMODE(os.stat(f"{path}{suffix}").st_mode)
            for suffix in ("", "-wal", "-shm")}


@pytest.mark.parametrize("auto_schema", ["On", "Off"])
def test_the_file_and_its_log_are_httpds_alone(new_server, auto_schema):
    server = new_server(extra=f"UserMgmtAutoSchema {auto_schema}", start=False)
    if auto_schema == "Off":
        server.allow_log("UM0030: schema: the database has version 0")
    server.start()
    if auto_schema == "On":
        server.admin.create("ann@example.com")
        assert modes(server) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    assert stat.S_IMODE(server.database_path.stat().st_mode) == 0o600


def test_modes_that_were_chosen_stay(new_server):
    server = new_server(start=False)
    sqlite3.connect(server.database_path).close()
    server.database_path.touch()
    server.database_path.chmod(0o666)
    server.start()
    server.admin.create("ann@example.com")
    assert set(modes(server).values()) == {0o666}


def test_httpd_uses_what_root_has_made_in_its_folder(new_server):
    """usermgmtctl as root, in a folder as README has it."""
    server = new_server(start=False, extra="UserMgmtAutoSchema Off")
    folder = server.database_path.parent
    if os.geteuid() == 0:
        os.chown(folder, *account_of("www-data"))
    folder.chmod(0o750)
    server.configtest()
    DatabaseOf(server).run("schema", "create").expect(0)
    server.start()
    server.admin.create("ann@example.com")
    DatabaseOf(server).run("users", "export").expect(0, "^$")
    server.admin.create("bea@example.com")


def account_of(name):
    import pwd  # pylint: disable=import-outside-toplevel
    account = pwd.getpwnam(name)
    return account.pw_uid, account.pw_gid


# ---- a backup over a file whose log is left ----

def copy_over(source, target):
    """As cp: the file stays, with what is in the other."""
    Path(target).write_bytes(Path(source).read_bytes())


def back_up(server, name="backup.db"):
    backup = server.directory / name
    with contextlib.closing(sqlite3.connect(server.database_path)) as connection, \
            contextlib.closing(sqlite3.connect(backup)) as made:
        connection.backup(made)
    return backup


def kill(server):
    """So that the log stays."""
    server.kill()
    server.allow_log("AH00098: ")
    log = Path(f"{server.database_path}-wal")
    assert log.stat().st_size > 32
    return log


def copy_of(path):
    return path.read_bytes()



@pytest.mark.parametrize("way", ["backup", "vacuum", "copy"])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_backup_below_the_log_of_the_old_file_is_not_served(new_server, way, processes):
    server = new_server(processes=processes)
    admin = server.admin
    for number in range(20):
        admin.create(f"early{number}@example.com")
    backup = server.directory / "backup.db"
    if way == "backup":
        back_up(server)
    elif way == "vacuum":
        server.sql(f"VACUUM INTO '{backup}'")
    else:
        # The file alone, with all of its log in it.
        server.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        backup.write_bytes(server.database_path.read_bytes())
    # The log is begun anew.
    admin.create("between@example.com")
    server.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    user = admin.create("late@example.com")
    for number in range(5):
        admin.ask("PATCH", "users/" + user["user_uid"], {"display_name": f"X{number}"}) \
            .expect(200)
    log = kill(server)
    copy_over(backup, server.database_path)
    before = copy_of(log), copy_of(server.database_path)

    with server.expect_log(FOREIGN):
        server.start()
    for _ in range(10):
        result = admin.get("users/", fresh=True).expect(503)
        assert result.headers["Retry-After"]
        admin.post("users/", {"email": "x@example.com", "display_name": "X"}).expect(503)
    assert len(re.findall("UM0116", server.log_text())) == 1
    DatabaseOf(server).run("org", "list").expect(3, "belongs to another state of")
    server.stop()
    assert (copy_of(log), copy_of(server.database_path)) == before

    # What the line says.
    log.unlink()
    Path(f"{server.database_path}-shm").unlink(missing_ok=True)
    copy_over(backup, server.database_path)
    server.start()
    assert {user["email"] for user in admin.everyone()} \
        == {f"early{number}@example.com" for number in range(20)}
    server.database.check()


def test_a_backup_copied_over_a_live_file_is_noticed_at_the_restart(new_server):
    """Without a kill: the log is that of processes that still run. They can't know; those
    that a graceful restart starts do."""
    server = new_server(processes=1)
    server.allow_log("UM00|UM0011")
    admin = server.admin
    admin.create("early@example.com")
    backup = back_up(server)
    for number in range(30):
        admin.create(f"late{number}@example.com")
    copy_over(backup, server.database_path)
    with server.expect_log(FOREIGN):
        server.graceful()
    admin.get("users/", fresh=True).expect(503)
    server.kill()


def test_a_missing_file_whose_log_is_there_is_not_made_anew(new_server):
    server = new_server()
    server.admin.create("ann@example.com")
    log = kill(server)
    kept = copy_of(server.database_path)
    with_log = copy_of(log)
    server.database_path.unlink()
    with server.expect_log("UM0116: .*is missing or empty, but its write-ahead log"):
        server.start()
    server.admin.get("users/").expect(503)
    kill(server)
    # mod_dbd opens it as well, and reads nothing of it.
    assert copy_of(log) == with_log
    assert not server.database_path.exists() or server.database_path.stat().st_size == 0
    server.database_path.write_bytes(kept)
    server.database_path.chmod(0o666)
    server.start()
    assert [user["email"] for user in server.admin.everyone()] == ["ann@example.com"]


@pytest.mark.parametrize("processes", [1, 3])
def test_the_log_of_a_killed_httpd_is_its_own(new_server, processes):
    """Whatever is in it, and however far it was copied into the file."""
    server = new_server(processes=processes)
    count = 0
    for turn in range(8):
        for _ in range(1 + turn % 3 * 20):
            count += 1
            server.admin.create(f"u{count}@example.com", attribute="x" * 500)
        if turn % 2:
            server.sql("PRAGMA wal_checkpoint(%s)" % ["PASSIVE", "FULL", "RESTART", "TRUNCATE"]
                       [turn // 2])
            count += 1
            server.admin.create(f"u{count}@example.com")
        kill(server)
        server.start()
        assert len(server.admin.everyone()) == count
    assert "UM0116" not in server.log_text()


def test_a_running_log_is_its_own_at_a_graceful_restart(new_server):
    server = new_server()
    for turn in range(4):
        for number in range(20):
            server.admin.create(f"u{turn}-{number}@example.com")
        server.graceful()
        server.admin.get("users/", fresh=True).expect(200)
    assert "UM0116" not in server.log_text()


def test_virtual_hosts_are_refused_by_themselves(new_server):
    """A host whose database is whole serves."""
    server = new_server(processes=1, extra="""
        <VirtualHost *:@PORT@>
            ServerName whole.example.com
            UserMgmtDatabase sqlite3 "@DIR@/data/whole.db"
        </VirtualHost>
        <VirtualHost *:@PORT@>
            ServerName broken.example.com
        </VirtualHost>""")
    whole = server.client(headers={"Host": "whole.example.com"})
    broken = server.client(headers={"Host": "broken.example.com"})
    whole.create("ann@example.com")
    broken.create("ann@example.com")
    backup = back_up(server)
    broken.create("bea@example.com")
    kill(server)
    copy_over(backup, server.database_path)
    with server.expect_log(FOREIGN):
        server.start()
    assert [user["email"] for user in whole.everyone()] == ["ann@example.com"]
    broken.get("users/").expect(503)
    assert len(re.findall("UM0116", server.log_text())) == 1
    server.kill()
