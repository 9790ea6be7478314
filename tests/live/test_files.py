# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The files that usermgmtctl writes, and that of SQLite: nobody's file is destroyed, nobody
else can read them, and what can't hold data is refused."""

import contextlib
import json
import os
import pty
import pwd
import random
import re
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest
from usermgmtctl import Ended, run, tool_environment, tool_path

# These are about files of one kind of database, and the same for all.
pytestmark = pytest.mark.database("sqlite")


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def inode_of(path):
    return os.stat(path).st_ino


class Database:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.path = self.folder / "users.db"
        self.folder.mkdir()

    def run(self, *arguments, stdin=b"", **options):
        """In the database's folder, with files of its own if they are given."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.folder,
                   **options}
        done = subprocess.run([tool_path(), "--driver", "sqlite3", "--params", self.path,
                               *map(str, arguments)], input=stdin, timeout=60, check=False,
                              **{"env": tool_environment(), **options})
        done.stdout = done.stdout or b""
        done.stderr = done.stderr or b""
        return Ended(done)

    def create(self):
        self.run("schema", "create").expect(0)
        return self

    def users(self):
        return self.run("users", "export").expect(0).lines

    def files(self):
        return {path.name: path.read_bytes() for path in self.folder.iterdir()
                if path.is_file() and not path.name.endswith("-shm")}


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "data").create()
    made.run("users", "import", "-", stdin=b'{"email":"ann@example.com","display_name":"Ann"}\n') \
        .expect(0)
    return made


# ---- what is read is never written to ----

OWN_NAMES = ["users.db", "./users.db", "../data/users.db", "hard", "link", "users.db-wal",
             "users.db-shm", "users.db-journal", "folder/users.db-wal"]


@pytest.mark.parametrize("name", OWN_NAMES)
@pytest.mark.parametrize("command", [("users", "export", "--output"),
                                     ("audit", "export", "--output"),
                                     ("users", "import", "-", "--report")])
def test_the_database_is_not_written_to(database, name, command):
    os.link(database.path, database.folder / "hard")
    (database.folder / "link").symlink_to("users.db")
    (database.folder / "folder").symlink_to(".")
    before = database.files()
    database.run(*command, name, stdin=b"[]").expect(1, "database; nothing was written")
    assert database.files() == before
    assert [user["email"] for user in database.users()] == ["ann@example.com"]


def test_a_log_that_is_in_use_is_not_written_to(database):
    """Also as the database was opened under the name of a link."""
    (database.folder / "other.db").symlink_to("users.db")
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        other.execute("UPDATE users SET display_name = 'Bea'")
        other.commit()
        assert (database.folder / "users.db-wal").stat().st_size > 0
        run("--driver", "sqlite3", "--params", database.folder / "other.db", "users", "export",
            "--output", database.folder / "users.db-wal").expect(1, "database; nothing was")
    assert database.users()[0]["display_name"] == "Bea"


def test_standard_output_is_not_the_database(database):
    before = database.files()
    with open(database.path, "ab") as out:
        database.run("users", "export", stdout=out).expect(1, "the database; nothing was written")
    assert database.files() == before


BAD_RECORDS = b'{"email":"bad"}\n' * 3


@pytest.fixture
def records(database):
    """A file of users that are refused, under several names."""
    file = database.folder / "in.ndjson"
    file.write_bytes(BAD_RECORDS)
    os.link(file, database.folder / "hard")
    (database.folder / "link").symlink_to("in.ndjson")
    return file


@pytest.mark.parametrize("name", ["in.ndjson", "./in.ndjson", "hard", "link"])
@pytest.mark.parametrize("source", ["in.ndjson", "link", "-"])
def test_a_report_is_not_written_to_what_is_imported(database, records, name, source):
    with open(records, "rb") as file:
        options = {"stdin": None, "preexec_fn": lambda: os.dup2(file.fileno(), 0)} \
            if source == "-" else {}
        database.run("users", "import", source, "--report", name, **options) \
            .expect(1, "is imported; nothing was written")
    assert records.read_bytes() == BAD_RECORDS


def test_the_standard_files_are_not_what_is_imported(database, records):
    with open(records, "ab") as file:
        database.run("users", "import", "in.ndjson", stderr=file).expect(1)
        text = records.read_bytes()
        assert text.startswith(BAD_RECORDS) and text.count(b"\n") <= 4, text
        records.write_bytes(BAD_RECORDS)
        database.run("users", "import", "in.ndjson", "--report", "-", stdout=file) \
            .expect(1, "is imported; nothing was written")
    assert records.read_bytes() == BAD_RECORDS


def test_the_configuration_is_not_written_to(database):
    config = database.folder / "httpd.conf"
    config.write_text(f"DBDriver sqlite3\nDBDParams {database.path}\n")
    before = config.read_text()
    run("--config", config, "users", "export", "--output", config) \
        .expect(1, "the configuration; nothing was written")
    assert config.read_text() == before


# ---- what is written ----

def test_an_output_is_a_new_file_of_its_owner_alone(database):
    out = database.folder / "out"
    out.write_text("old")
    out.chmod(0o666)
    os.link(out, database.folder / "other")
    before = inode_of(out)
    database.run("users", "export", "--output", "out").expect(0)
    assert json.loads(out.read_text())["email"] == "ann@example.com"
    assert mode_of(out) == 0o600 and inode_of(out) != before
    assert (database.folder / "other").read_text() == "old"
    assert not [name for name in os.listdir(database.folder) if name.startswith(".")]


def test_a_report_is_a_new_file_of_its_owner_alone(database):
    report = database.folder / "report"
    report.write_text("old")
    report.chmod(0o666)
    os.link(report, database.folder / "other")
    database.run("users", "import", "-", "--report", "report", stdin=b'{"email":"bad"}').expect(1)
    assert [fault["line"] for fault in map(json.loads, report.read_text().splitlines())] == [1]
    assert mode_of(report) == 0o600 and (database.folder / "other").read_text() == "old"
    database.run("users", "import", "-", "--report", "report").expect(0)
    assert report.read_text() == ""


def test_a_report_can_be_read_while_it_grows(database):
    with open(os.open(database.folder / "report", os.O_CREAT | os.O_WRONLY), "w"):
        pass
    process = subprocess.Popen(
        [tool_path(), "--driver", "sqlite3", "--params", database.path, "users", "import", "-",
         "--dry-run", "--report", database.folder / "report"], stdin=subprocess.PIPE,
        stderr=subprocess.PIPE, env=tool_environment())
    try:
        process.stdin.write(b'{"email":"bad"}\n' * 10000)
        process.stdin.flush()
        end = time.monotonic() + 30
        while not (database.folder / "report").stat().st_size:
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        process.kill()
        process.communicate()


def test_what_is_broken_off_changes_nothing(database):
    """The export fails once the new file is there: the schema is not its own."""
    (database.folder / "out").write_text("old")
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        connection.execute("ALTER TABLE audit_events RENAME TO gone")
    database.run("audit", "export", "--output", "out").expect(3)
    assert (database.folder / "out").read_text() == "old"
    assert not [name for name in os.listdir(database.folder) if name.startswith(".")]


@pytest.mark.parametrize("name", ["none/out", "out/", "."])
def test_outputs_that_can_not_be(database, name):
    database.run("users", "export", "--output", name).expect(1, "nothing was written")
    assert not (database.folder / "out").exists()


def test_a_full_device_is_told(database):
    database.run("users", "export", "--output", "/dev/full").expect(1, "can't be written")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "-", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_its_names(database, name):
    result = database.run("users", "export", "--output", name).expect(0)
    assert [user["email"] for user in result.lines] == ["ann@example.com"]
    assert os.path.islink("/dev/stdout")
    # A file behind it is gone on with.
    with open(database.folder / "all", "ab") as out:
        for _ in range(2):
            database.run("users", "export", "--output", name, stdout=out).expect(0)
    assert len((database.folder / "all").read_text().splitlines()) == 2


def test_a_device_stays(database):
    """One of the test's own: /dev/null itself may be missed by others if this fails."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    name = os.ttyname(slave)
    try:
        database.run("users", "export", "--output", name).expect(0)
        assert stat.S_ISCHR(os.lstat(name).st_mode)
        assert b"ann@example.com" in os.read(master, 65536)
    finally:
        os.close(master)
        os.close(slave)
    database.run("users", "export", "--output", "/dev/null").expect(0)
    database.run("users", "import", "-", "--report", "/dev/null", stdin=b"[]").expect(1)
    assert stat.S_ISCHR(os.lstat("/dev/null").st_mode)


def test_a_pipe_stays(database):
    path = database.folder / "pipe"
    os.mkfifo(path)
    found = []
    reader = threading.Thread(target=lambda: found.append(path.read_text()))
    reader.start()
    database.run("users", "export", "--output", "pipe").expect(0)
    reader.join(30)
    assert json.loads(found[0])["email"] == "ann@example.com"
    assert stat.S_ISFIFO(os.lstat(path).st_mode)


def test_a_link_stays_and_is_followed(database):
    (database.folder / "target").write_text("old, and longer than what comes now\n" * 100)
    (database.folder / "target").chmod(0o640)
    (database.folder / "link").symlink_to("target")
    database.run("users", "export", "--output", "link").expect(0)
    assert os.readlink(database.folder / "link") == "target"
    assert json.loads((database.folder / "target").read_text())["email"] == "ann@example.com"
    assert mode_of(database.folder / "target") == 0o640


def test_a_link_to_nothing_makes_nothing(database):
    (database.folder / "link").symlink_to("target")
    database.run("users", "export", "--output", "link").expect(1, "nothing was written")
    assert not (database.folder / "target").exists()


# ---- another user ----

def as_user(name, function):
    """Run a function of this test as another user; as that of the test where that is not
    root's, who alone can change."""
    account = pwd.getpwnam(name)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            function()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


@pytest.fixture
def shared():
    """A folder that everybody may write to."""
    made = Path(tempfile.mkdtemp(prefix="usermgmt-shared-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("option", [("users", "export", "--output"),
                                    ("users", "import", "-", "--report")])
def test_nobody_gets_what_is_written(database, shared, option):
    """Another user waits for the name to be used, with files of its own in its place."""
    out = shared / "out"
    victim = database.folder / "victim"
    victim.write_text("precious")

    def lay_traps():
        for name in ("out", "out.part"):
            with open(shared / name, "w", encoding="ascii") as file:
                file.write("mine")
            os.chmod(shared / name, 0o666)

    as_user("nobody", lay_traps)
    with open(out, "rb") as mine, open(shared / "out.part", "rb") as part:
        database.run(*option, out, stdin=b'{"email":"bad"}')
        assert mine.read() == b"mine" and part.read() == b"mine"
    assert mode_of(out) == 0o600 and os.stat(out).st_uid == os.geteuid()
    assert out.read_text() not in ("", "mine")

    out.unlink()
    as_user("nobody", lambda: (os.unlink(shared / "out.part"),
                               os.symlink(victim, shared / "out.part")))
    database.run(*option, out, stdin=b'{"email":"bad"}')
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("option", [("users", "export", "--output"),
                                    ("users", "import", "-", "--report")])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_of_others_are_not_followed(database, shared, kind, option):
    victim = database.folder / "victim"
    victim.write_text("precious")
    as_user("nobody", lambda: os.symlink(victim, shared / "out") if kind == "link"
            else os.mkfifo(shared / "out", 0o666))
    if os.geteuid() == 0:
        database.run(*option, shared / "out", stdin=b'{"email":"bad"}') \
            .expect(1, "link or a pipe of another user")
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("option", [("users", "export", "--output"),
                                    ("users", "import", "-", "--report")])
@pytest.mark.parametrize("way", ["link/out", "link/deeper/out", "own/out", "own/../folder/out",
                                 "link/own"])
@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_folder_behind_a_link_of_others_is_refused(database, shared, option, way, mode):
    """The owner of the link would choose where root makes a file, for instance /etc/cron.d."""
    shared.chmod(mode)
    folder = database.folder / "folder"
    (folder / "deeper").mkdir(parents=True)
    (folder / "victim").write_text("precious")
    (folder / "own").symlink_to("victim")
    as_user("nobody", lambda: os.symlink(folder, shared / "link"))
    # One of root's own leads through it.
    (shared / "own").symlink_to("link")
    if os.geteuid() == 0:
        done = database.run(*option, shared / way, stdin=b'{"email":"bad"}')
        # In a sticky folder the kernel may refuse it before.
        done.expect(1, "another user leads to its folder|Permission denied")
        assert sorted(os.listdir(folder)) == ["deeper", "own", "victim"]
    assert (folder / "victim").read_text() == "precious" and not os.listdir(folder / "deeper")


def test_a_folder_behind_an_own_link_is_taken(database, shared):
    (database.folder / "folder").mkdir()
    (shared / "own").symlink_to(database.folder / "folder")
    database.run("users", "export", "--output", shared / "own/out").expect(0)
    assert os.listdir(database.folder / "folder") == ["out"]


@pytest.mark.parametrize("option", [("users", "export", "--output"),
                                    ("users", "import", "-", "--report")])
@pytest.mark.parametrize("name", ["shared/way/out", "own-way"])
def test_nobody_wins_a_race_for_the_folder(database, shared, tmp_path, option, name):
    """Another user exchanges a folder and a link of his own before any of the calls that look
    for the file, in all orders."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "victim").write_text("precious")
    as_user("nobody", lambda: ((shared / "way").mkdir(), os.symlink(secret, shared / "link")))
    (database.folder / "shared").symlink_to(shared)
    (database.folder / "own-way").symlink_to(shared / "way/victim")
    library = tmp_path / "exchange_paths.so"
    subprocess.run(["gcc", "-shared", "-fPIC", '-DNAME="way"', f'-DFIRST="{shared}/way"',
                    f'-DSECOND="{shared}/link"', "-o", library,
                    Path(__file__).with_name("exchange_paths.c")], check=True)
    environment = {**tool_environment(), "LD_PRELOAD": str(library)}
    environment["ASAN_OPTIONS"] += ":verify_asan_link_order=0"
    refused = 0
    for pattern in range(2 ** 7):
        if os.path.islink(shared / "way"):
            (shared / "way").rename(shared / "was-link")
            (shared / "link").rename(shared / "way")
            (shared / "was-link").rename(shared / "link")
        for file in (shared / "way").iterdir():
            file.unlink()
        if name == "own-way":
            as_user("nobody", lambda: (shared / "way/victim").write_text("mine"))
        done = database.run(*option, name, stdin=b'{"email":"bad"}',
                            env={**environment, "PATTERN": str(pattern)})
        refused += "of another user" in done.err
        if os.geteuid() == 0:
            assert os.listdir(secret) == ["victim"], bin(pattern)
            assert (secret / "victim").read_text() == "precious", bin(pattern)
    # Both ends are among them. Without root, there is no other user.
    assert refused < 2 ** 7 and (refused > 0 or os.geteuid() != 0)


# ---- the file of SQLite ----

def test_the_file_is_its_owners_alone(tmp_path):
    database = Database(tmp_path / "data")
    for umask in (0o000, 0o022):
        database.run("schema", "create", preexec_fn=lambda mask=umask: os.umask(mask)).expect(0)
        assert mode_of(database.path) == 0o600
        database.path.unlink()


def test_its_log_is_its_owners_alone(database):
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        other.execute("UPDATE users SET display_name = 'Bea'")
        other.commit()
        for suffix in ("", "-wal", "-shm"):
            assert mode_of(str(database.path) + suffix) == 0o600


def test_modes_that_were_chosen_stay(database):
    database.path.chmod(0o660)
    database.run("schema", "create").expect(0)
    database.run("users", "import", "-", stdin=b'{"email":"b@example.com","display_name":"B"}') \
        .expect(0)
    assert mode_of(database.path) == 0o660


def test_root_makes_it_for_the_owner_of_the_folder(tmp_path, shared):
    """As in a folder of httpd's user."""
    owner = pwd.getpwnam("www-data") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    database = Database(shared / "data")
    os.chown(database.folder, owner.pw_uid, owner.pw_gid)
    database.folder.chmod(0o750)
    database.create()
    info = database.path.stat()
    assert (info.st_uid, info.st_gid, mode_of(database.path)) \
        == (owner.pw_uid, owner.pw_gid, 0o600)
    with contextlib.closing(sqlite3.connect(database.path)) as other:
        other.execute("SELECT count(*) FROM users").fetchall()
        database.run("org", "create", "acme").expect(0)
        for suffix in ("-wal", "-shm"):
            info = os.stat(str(database.path) + suffix)
            assert (info.st_uid, info.st_mode & 0o777) == (owner.pw_uid, 0o600)

    def use():
        with contextlib.closing(sqlite3.connect(database.path)) as connection:
            connection.execute("UPDATE organizations SET payment_type = 'gold'")
            connection.commit()

    as_user(owner.pw_name, use)


def test_a_link_to_nothing_is_no_database(tmp_path):
    database = Database(tmp_path / "data")
    database.path.symlink_to("other.db")
    database.run("schema", "create").expect(3, "can't be made: ")
    assert os.listdir(database.folder) == ["users.db"]


def test_a_database_is_no_link_of_others(tmp_path, shared):
    if os.geteuid() != 0:
        return
    database = Database(tmp_path / "data")
    victim = database.folder / "victim"
    victim.touch()
    as_user("nobody", lambda: os.symlink(victim, shared / "users.db"))
    run("--driver", "sqlite3", "--params", shared / "users.db", "schema", "create") \
        .expect(3, "is a link of another user")
    assert victim.stat().st_size == 0


def test_a_device_is_no_configuration():
    run("--config", "/dev/zero", "schema", "status").expect(1, "is a device")


# ---- what can hold no data ----

@pytest.mark.parametrize("params, said", [
    ("", "is empty"), ("  ", "is empty"), (":memory:", "memory of its own"),
    ("file::memory:", "is a URI"), ("file:users.db?mode=memory&cache=shared", "is a URI"),
    ("/tmp/${NOBODY}/users.db", r"variable \$\{NOBODY\}")])
@pytest.mark.parametrize("command", [("schema", "create"), ("org", "list")])
def test_databases_that_hold_nothing_are_refused(tmp_path, params, said, command):
    run("--driver", "sqlite3", "--params", params, *command, cwd=tmp_path).expect(2, said)
    (tmp_path / "httpd.conf").write_text(f'DBDriver sqlite3\nDBDParams "{params}"\n')
    run("--config", tmp_path / "httpd.conf", *command, cwd=tmp_path) \
        .expect(1, said + "|not both DBDriver|uses [$]{NOBODY}, which is defined neither")
    assert os.listdir(tmp_path) == ["httpd.conf"]


def test_a_configured_path_does_not_depend_on_the_folder(tmp_path):
    (tmp_path / "httpd.conf").write_text("DBDriver sqlite3\nDBDParams users.db\n")
    run("--config", tmp_path / "httpd.conf", "schema", "create", cwd=tmp_path) \
        .expect(1, "depends on the folder")
    assert os.listdir(tmp_path) == ["httpd.conf"]


# ---- secrets ----

@pytest.mark.parametrize("driver, params", [
    ("pgsql", "host=/nowhere user=u password=s3cretword dbname=d"),
    ("pgsql", "host=/nowhere user=u password = 's3cretword and 0thersecret' dbname=d"),
    ("pgsql", "host=/nowhere password=s3cretword 0thersecret"),
    ("pgsql", "postgresql://u:s3cretword@localhost:1/d?sslpassword=0thersecret"),
    # libmariadb keeps what it got at its start for ever.
    pytest.param("mysql", "sock=/nowhere,user=u,pass=s3cretword,dbname=d",
                 marks=pytest.mark.unsanitized),
])
def test_passwords_are_not_told(tmp_path, driver, params):
    """Nor are those of a configuration with several databases."""
    config = tmp_path / "httpd.conf"
    quoted = params.replace('"', '\\"')
    for other in (f"DBDriver {driver}", "DBDriver sqlite3"):
        config.write_text(f'DBDriver {driver}\nDBDParams "{quoted}"\n<VirtualHost *>\n{other}\n'
                          'DBDParams "/a/b.db"\n</VirtualHost>\n')
        result = run("--config", config, "org", "list").expect(2, "several databases")
        assert f"{config}:2: DBDParams " in result.err and "/a/b.db" in result.err \
            or driver in result.err
        assert "s3cretword" not in result.err and "0thersecret" not in result.err, result.err
    config.write_text(f'UserMgmtDatabase {driver} "{quoted}"\n<VirtualHost *>\n'
                      'UserMgmtDatabase sqlite3 /a/b.db\n</VirtualHost>\n')
    result = run("--config", config, "org", "list").expect(2, "several databases")
    assert f"{config}:1: UserMgmtDatabase {driver} " in result.err
    assert f"{config}:3: UserMgmtDatabase sqlite3 /a/b.db\n" in result.err
    assert "s3cretword" not in result.err and "0thersecret" not in result.err, result.err
    result = run("--driver", driver, "--params", params, "org", "list").expect(3)
    assert "s3cretword" not in result.err and "0thersecret" not in result.err, result.err


# ---- terminals ----

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
EVIL = "\x1b]0;owned\x07\x9b31m\u202e\x7f\x85"
ORDERS = "\r\x1b[K"


def shown(database, *arguments, stdin=b"", to="err"):
    """The text that a terminal gets from standard error, or from standard output."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [tool_path(), "--driver", "sqlite3", "--params", database.path, *arguments],
        stdin=subprocess.PIPE, stdout=slave if to == "out" else subprocess.DEVNULL,
        stderr=slave if to == "err" else subprocess.PIPE, env=tool_environment(),
        cwd=database.folder)
    os.close(slave)
    text = b""
    process.stdin.write(stdin)
    process.stdin.close()
    with contextlib.suppress(OSError):
        while piece := os.read(master, 65536):
            text += piece
    os.close(master)
    process.wait(30)
    return re.sub("\r+\n", "\n", text.decode()).replace(ORDERS, "")


def test_what_is_told_can_not_command_a_terminal(database):
    evil = EVIL.encode()
    header = b"email,display_name," + evil + b"," + evil + b"\na,b,c,d\n"
    (database.folder / "in.csv").write_bytes(header)
    told = {
        "can't be the name": shown(database, "users", "import", "in.csv"),
        "no.file": shown(database, "users", "import", "no.file" + EVIL),
        "no organization": shown(database, "org", "show", EVIL),
        "unknown command": shown(database, EVIL, EVIL),
        "invalid": shown(database, "users", "import", "-", "--format", "csv",
                         stdin=b"email,display_name," + evil + b":json\na,b,nonsense\n"),
        "unknown": shown(database, "users", "import", "-",
                         stdin=b'{"email": "x", "display_name": "\xc2\x9b", "' + b"x" * 10
                         + "\u202e\x85".encode() + b'": 1}\n'),
        "can't be written": shown(database, "users", "export", "--output", EVIL + "/out"),
    }
    for said, text in told.items():
        assert text.strip() and not CONTROL.search(text), (said, text)
    for said in ("can't be the name", "no.file", "no organization", "unknown command",
                 "can't be written"):
        assert said in told[said] and "\\u001b]0;owned\\u0007\\u009b" in told[said], told[said]


def test_bytes_that_are_no_text_are_told_as_numbers(database):
    master, slave = pty.openpty()
    name = b"\x9b31m\xff"
    done = subprocess.run([tool_path().encode(), b"--driver", b"sqlite3", b"--params",
                           str(database.path).encode(), b"org", b"show", name], stderr=slave,
                          timeout=30, env=tool_environment(), check=False)
    os.close(slave)
    text = os.read(master, 65536)
    os.close(master)
    assert done.returncode in (1, 3) and b"\\x9b31m\\xff" in text and b"\x9b" not in text


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_file_has_what_the_database_has_and_a_terminal_shows_it(database, form):
    """Names of earlier versions, or made by others, may hold anything."""
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        connection.execute("UPDATE users SET display_name = ?", (EVIL,))
        connection.commit()
    text = shown(database, "users", "export", "--format", form, to="out")
    assert not CONTROL.search(text) and "\\u001b]0;owned" in text, text
    database.run("users", "export", "--format", form, "--output", "out").expect(0)
    written = (database.folder / "out").read_text()
    if form == "csv":
        assert EVIL in written
    else:
        assert json.loads(written)["display_name"] == EVIL
        assert json.loads(text)["display_name"] == EVIL
        assert "\x9b" in written


# ---- a log that is another file's ----

FOREIGN = "belongs to another state of"

HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
print(flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def held(database):
    """A process that is killed has it open: the log of what is done meanwhile stays."""
    process = subprocess.Popen(["/usr/bin/python3", "-c", HOLDER, database.path],
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.read(1)
        yield
    finally:
        process.kill()
        process.wait()


def add_users(database, count):
    names = (f"{number}-{time.time_ns()}" for number in range(count))
    text = "".join(f'{{"email":"{name}@example.com","display_name":"X"}}\n' for name in names)
    database.run("users", "import", "-", stdin=text.encode()).expect(0)


def leave_log(database, changes):
    """So many changes by the tool, a transaction each, or of as many users in a few."""
    with held(database):
        if changes > 10:
            add_users(database, changes)
        else:
            for _ in range(changes):
                database.run("org", "set", "default",
                             f"payment_type=p{time.time_ns()}").expect(0)
    assert Path(f"{database.path}-wal").stat().st_size > 32


def copy_file(source, target):
    """As cp does it: over what is there."""
    Path(target).write_bytes(Path(source).read_bytes())


def vacuum_into(source, target):
    with contextlib.closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def back_up(source, target):
    with contextlib.closing(sqlite3.connect(source)) as connection, \
            contextlib.closing(sqlite3.connect(target)) as made:
        connection.backup(made)


@pytest.mark.parametrize("changes", [1, 5, 3000])
@pytest.mark.parametrize("way", [copy_file, vacuum_into, back_up])
def test_a_backup_below_the_log_of_the_old_file_is_refused(database, way, changes):
    backup = database.folder / "backup.db"
    way(database.path, backup)
    # In place: no page is added, and nothing but our mark tells the two states apart.
    database.run("org", "set", "default", "payment_type=later").expect(0)
    leave_log(database, changes)
    copy_file(backup, database.path)
    before = database.files()
    for command in (("schema", "status"), ("org", "list"), ("schema", "create"),
                    ("org", "create", "x")):
        database.run(*command).expect(3, FOREIGN)
    assert database.files() == before
    # What the message says.
    for suffix in ("-wal", "-shm"):
        Path(f"{database.path}{suffix}").unlink(missing_ok=True)
    copy_file(backup, database.path)
    assert database.run("org", "list").expect(0).lines[0]["payment_type"] == "free"
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_each_of_many_backups_is_told_from_the_file(database):
    """By what is in the middle of a log, too."""
    states = []
    with held(database):
        for _ in range(6):
            database.run("org", "set", "default", f"payment_type=p{time.time_ns()}").expect(0)
            back_up(database.path, database.folder / "backup.db")
            states.append((database.folder / "backup.db").read_bytes())
    log = Path(f"{database.path}-wal").read_bytes()
    for state in states:
        Path(f"{database.path}-wal").write_bytes(log)
        database.path.write_bytes(state)
        database.run("org", "list").expect(3, FOREIGN)


@pytest.mark.parametrize("changes", [1, 5, 900, 5000])
def test_a_log_of_its_own_is_taken(database, changes):
    """Also where its pages were copied into the file already, and by a link."""
    (database.folder / "other.db").symlink_to("users.db")
    for _ in range(3):
        leave_log(database, changes)
    run("--driver", "sqlite3", "--params", database.folder / "other.db", "org", "list").expect(0)
    assert len(database.users()) == (3 * changes if changes > 10 else 0) + 1


def test_a_log_of_its_own_is_taken_after_each_checkpoint(database):
    for _ in range(10):
        with held(database), contextlib.closing(sqlite3.connect(database.path)) as connection:
            for _ in range(3):
                database.run("org", "set", "default", f"payment_type=p{time.time_ns()}").expect(0)
                connection.execute("PRAGMA wal_checkpoint(%s)" % random.choice(
                    ["passive", "full", "restart"])).fetchall()
        database.run("org", "list").expect(0, "^$")


def test_a_log_without_its_file_is_not_thrown_away(database):
    leave_log(database, 5)
    log = Path(f"{database.path}-wal").read_bytes()
    kept = database.path.read_bytes()
    paid = database.run("org", "list").expect(0).lines
    database.path.write_bytes(kept)
    Path(f"{database.path}-wal").write_bytes(log)
    database.path.unlink()
    database.run("schema", "create").expect(3, "is missing or empty, but its")
    assert Path(f"{database.path}-wal").read_bytes() == log and not database.path.exists()
    database.path.touch()
    database.run("schema", "create").expect(3, "is missing or empty, but its")
    assert Path(f"{database.path}-wal").read_bytes() == log
    database.path.write_bytes(kept)
    assert database.run("org", "list").expect(0).lines == paid


RANDOM_WRITER = """
import random, sqlite3, sys
path, seed = sys.argv[1:]
lots = random.Random(int(seed))

def connect():
    made = sqlite3.connect(path, timeout=10, isolation_level=None)
    for setting in ("synchronous=off", f"cache_size={lots.choice([2, 10, -2000])}",
                    f"wal_autocheckpoint={lots.choice([1, 5, 50, 1000])}"):
        made.execute("PRAGMA " + setting)
    return made

def change():
    connection.execute("BEGIN IMMEDIATE")
    for _ in range(lots.choice([1, 1, 3, 50, 300])):
        lot = lots.random()
        if lot < .6:
            connection.execute("INSERT INTO t(b) VALUES (randomblob(?))", (lots.choice([9, 6000]),))
        elif lot < .8:
            connection.execute("UPDATE t SET b = randomblob(50) WHERE a = (SELECT max(a) FROM t)")
        elif lot < .9:
            connection.execute("DELETE FROM t WHERE a % ? = 0", (lots.randint(2, 400),))
        else:
            connection.execute("SAVEPOINT s")
            connection.execute("INSERT INTO t(b) VALUES (randomblob(2000))")
            connection.execute(lots.choice(["ROLLBACK TO s", "RELEASE s"]))
    connection.execute(lots.choice(["COMMIT", "COMMIT", "ROLLBACK"]))

connection = connect()
while True:
    try:
        lot = lots.random()
        if lot < .8:
            change()
        elif lot < .9:
            connection.execute("PRAGMA wal_checkpoint(%s)" % lots.choice(
                ["passive", "full", "restart", "truncate"])).fetchall()
        elif lot < .93:
            connection.execute("CREATE TABLE x%d(a)" % lots.randint(0, 10**9))
        elif lot < .95:
            connection.execute("VACUUM")
        else:
            connection.close()
            connection = connect()
    except sqlite3.OperationalError:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
"""


def test_a_log_of_its_own_is_taken_whatever_happened(tmp_path):
    """Processes that write, copy the log into the file and begin it anew, and are killed
    anywhere; while they run, too."""
    seed = int(os.environ.get("UM_SEED", time.time_ns() % 10**9))
    print("seed", seed)
    lots = random.Random(seed)
    database = Database(tmp_path / "data")
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        connection.execute("PRAGMA journal_mode=wal").fetchall()
        connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    logs = 0
    for _ in range(15):
        writers = [subprocess.Popen(["/usr/bin/python3", "-c", RANDOM_WRITER, database.path,
                                     str(lots.randint(0, 10**9))])
                   for _ in range(lots.choice([1, 2, 3]))]
        try:
            time.sleep(0.2 + lots.random() / 2)
            for _ in range(3):
                assert "log" not in database.run("schema", "status").err
        finally:
            for process in writers:
                process.kill()
                process.wait()
        log = Path(f"{database.path}-wal")
        logs += log.exists() and log.stat().st_size > 32
        database.run("schema", "status").expect(1, "^$")
    assert logs > 5
