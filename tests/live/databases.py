# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The databases for the tests, one kind at a time: UM_DATABASE is sqlite (the default),
postgresql or mariadb. A test that compares databases asks for a kind itself.

Each kind has an engine, which all servers of a test process share: a private database
server, or nothing for SQLite. It makes a database for each httpd. fsync is off, because
it protects only against a loss of power, which these tests don't try: a killed process
loses nothing that it has given to the operating system.
"""

import contextlib
import decimal
import getpass
import os
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

SCHEMA = Path(__file__).parents[2] / "schema"
# The version of the schema that the module makes.
VERSION = len(list((SCHEMA / "sqlite").glob("*.sql")))
KIND = os.environ.get("UM_DATABASE", "sqlite")
USER = "usermgmt"
# Seconds that a server may take to start, or another program to do its work.
START_TIMEOUT = 60


def plain(value):
    """A value of any database in the form that SQLite gives it."""
    if isinstance(value, decimal.Decimal):
        return int(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode()
    return value


def schema_files(kind, first=1, last=VERSION):
    """The texts of the schema's files from one version to another."""
    files = sorted((SCHEMA / kind).glob("*.sql"))
    assert [int(path.name[:4]) for path in files] == list(range(1, VERSION + 1))
    return [path.read_text() for path in files[first - 1:last]]


def directives(driver, params, dbd=False, **more):
    """The directives that name a database: the module's own, or mod_dbd's."""
    if dbd:
        text = f'DBDriver {driver}\nDBDParams "{params}"\n'
    else:
        text = f'UserMgmtDatabase {driver} "{params}"\n'
    return text + "".join(f"{name} {value}\n" for name, value in more.items())


# ---- SQLite ----


class SqliteDatabase:
    """A file."""

    kind = "sqlite"

    def __init__(self, path):
        self.path = Path(path)

    def directives(self, **more):
        return directives("sqlite3", self.path, **more)

    def sql(self, statement, *parameters):
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        try:
            return connection.execute(statement, parameters).fetchall()
        finally:
            connection.close()

    @contextlib.contextmanager
    def held(self, table):
        """Lock the table, so that no other transaction writes to it."""
        del table
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")

    def check(self):
        assert self.sql("PRAGMA integrity_check") == [("ok",)]
        assert self.sql("PRAGMA foreign_key_check") == []

    def tables(self):
        return sorted(name for name, in
                      self.sql("SELECT name FROM sqlite_master WHERE type = 'table'"))

    def make(self, version=VERSION):
        """Make an older version of the schema; the module itself makes its own version."""
        if version not in (0, VERSION) and not self.path.exists():
            self.apply_schema(last=version)
            self.path.chmod(0o666)

    def apply_schema(self, first=1, last=VERSION):
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            for text in schema_files(self.kind, first, last):
                connection.executescript(f"BEGIN;{text}COMMIT;")

    def files(self):
        return list(self.path.parent.iterdir())

    def drop(self):
        """Nothing to do: the file is removed with the directory of its httpd."""


class SqliteEngine:
    """There is no server: each httpd opens its file."""

    def __init__(self):
        self.count = 0

    def create(self, directory):
        self.count += 1
        return SqliteDatabase(directory / f"data/users{self.count}.db")

    def close(self):
        """There is nothing to stop."""


# ---- databases with a server ----


def find_program(name, *places):
    for place in places:
        found = sorted(Path("/").glob(place + "/" + name))
        if found:
            return str(found[-1])
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/libexec")
    if not found:
        raise RuntimeError(f"{name} is not installed: build/setup check installs it")
    return found


class ServerEngine:
    """A private database server on a Unix socket, run by an ordinary user."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix=f"usermgmt-{self.kind}-"))
        self.directory.chmod(0o755)
        self.data = self.directory / "data"
        self.data.mkdir(mode=0o700)
        self.account = None
        if os.geteuid() == 0:
            self.account = pwd.getpwnam("nobody")
            os.chown(self.directory, self.account.pw_uid, self.account.pw_gid)
            os.chown(self.data, self.account.pw_uid, self.account.pw_gid)
        # MariaDB removes other programs' files from a shared folder for temporary files.
        self.environment = {"PATH": os.environ["PATH"], "LANG": "C",
                            "TMPDIR": str(self.directory)}
        self.process = None
        self.count = 0
        try:
            self.initialize()
            self.start()
            self.prepare()
        except BaseException:
            self.close()
            raise

    def _become(self):
        if self.account:
            os.setgroups([])
            os.setgid(self.account.pw_gid)
            os.setuid(self.account.pw_uid)

    def run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.directory,
                              env=self.environment, preexec_fn=self._become, check=False,
                              timeout=START_TIMEOUT)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def spawn(self, command):
        """Start a program in the folder of the data, as the user of the server."""
        with open(self.directory / "log", "ab") as log:
            return subprocess.Popen(  # pylint: disable=consider-using-with
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.directory, env=self.environment, preexec_fn=self._become,
                start_new_session=True)

    def start(self):
        self.process = self.spawn(self.command())
        self.await_query()

    def await_query(self):
        """Wait until it answers."""
        end = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self.query(None, "SELECT 1")
                return
            except Exception as error:  # pylint: disable=broad-except
                assert self.process.poll() is None and time.monotonic() < end, \
                    f"{error}: " + (self.directory / "log").read_text(errors="replace")
                time.sleep(0.05)

    def stop(self, kill=False):
        """Stop the server, or kill all its processes at once."""
        if self.process is not None:
            if kill:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.send_signal(self.stop_signal)
            self.process.wait(60)
            self.process = None

    def close(self):
        self.stop(kill=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def query(self, database, statement, parameters=()):
        with contextlib.closing(self.connect(database)) as connection:
            with contextlib.closing(connection.cursor()) as cursor:
                if "?" in statement:
                    statement = statement.replace("%", "%%").replace("?", "%s")
                cursor.execute(statement, tuple(parameters) or None)
                rows = cursor.fetchall() if cursor.description else []
        return [tuple(plain(value) for value in row) for row in rows]

    def create(self, directory):
        del directory
        self.count += 1
        return ServerDatabase(self, f"um_{self.count}")


class ServerDatabase:
    """One database of a server. It is made, with its schema, when it is needed."""

    def __init__(self, engine, name):
        self.engine = engine
        self.kind = engine.kind
        self.name = name
        self.is_made = False

    def make(self, version=VERSION):
        """With a version of the schema; 0 for none."""
        if not self.is_made:
            self.engine.create_database(self.name, version)
            self.is_made = True

    def directives(self, **more):
        return directives(self.engine.driver, self.engine.params(self.name), **more)

    def connect(self):
        self.make()
        return self.engine.connect(self.name)

    def sql(self, statement, *parameters):
        self.make()
        return self.engine.query(self.name, statement, parameters)

    @contextlib.contextmanager
    def held(self, table):
        """Lock the table, so that no other transaction writes to it."""
        with contextlib.closing(self.connect()) as connection:
            with contextlib.closing(connection.cursor()) as cursor:
                for statement in self.engine.hold:
                    cursor.execute(statement.format(table=table))
                yield

    def check(self):
        """Nothing to do: the server checks its data itself."""

    def tables(self):
        return sorted(name for name, in self.sql(self.engine.list_tables))

    def apply_schema(self, first=1, last=VERSION):
        self.engine.apply_schema(self.name, first, last)

    def files(self):
        return [path for path in self.engine.data.rglob("*") if path.is_file()]

    def drop(self):
        if self.is_made and self.engine.process is not None:
            self.engine.drop_database(self.name)
            self.is_made = False


class PostgresqlEngine(ServerEngine):
    """A PostgreSQL server."""

    kind = "postgresql"
    driver = "pgsql"
    stop_signal = signal.SIGINT
    port = 5432
    template = "um_template"
    hold = ("BEGIN", "LOCK TABLE {table} IN EXCLUSIVE MODE")
    list_tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    places = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")

    @property
    def socket(self):
        return self.directory / f".s.PGSQL.{self.port}"

    def initialize(self):
        self.run(find_program("initdb", *self.places), "-D", str(self.data), "-A", "trust",
                 "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync")

    def settings(self):
        return {"listen_addresses": "", "unix_socket_directories": self.directory,
                "unix_socket_permissions": "0777", "fsync": "off", "full_page_writes": "off",
                "max_connections": 600, "shared_buffers": "128MB", "deadlock_timeout": "100ms",
                "max_wal_size": "256MB"}

    def command(self):
        return [find_program("postgres", *self.places), "-D", str(self.data),
                *(part for name, value in self.settings().items()
                  for part in ("-c", f"{name}={value}"))]

    def connect(self, database):
        import psycopg2  # pylint: disable=import-outside-toplevel
        connection = psycopg2.connect(host=str(self.directory), port=self.port, user=USER,
                                      dbname=database or "postgres")
        connection.autocommit = True
        return connection

    def prepare(self):
        self.query(None, f"CREATE DATABASE {self.template}")
        self.apply_schema(self.template)

    def create_database(self, name, version):
        template = self.template if version == VERSION else "template0"
        self.query(None, f"CREATE DATABASE {name} TEMPLATE {template}")
        if version not in (0, VERSION):
            self.apply_schema(name, last=version)

    def apply_schema(self, name, first=1, last=VERSION):
        for text in schema_files(self.kind, first, last):
            self.query(name, text)

    def drop_database(self, name):
        self.query(None, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def address(self):
        """The address of the server as parameters of libpq."""
        return f"host={self.directory} connect_timeout=5"

    def params(self, name):
        return f"{self.address()} user={USER} dbname={name}"

    def kill_connections(self, name):
        """Those of a database, all at once; gives how many."""
        return len(self.query(None, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                              " WHERE datname = ?", (name,)))


class MariadbEngine(ServerEngine):
    """A MariaDB server."""

    kind = "mariadb"
    driver = "mysql"
    stop_signal = signal.SIGTERM
    hold = ("LOCK TABLES {table} READ",)
    list_tables = ("SELECT table_name FROM information_schema.tables"
                   " WHERE table_schema = DATABASE()")

    @property
    def socket(self):
        return self.directory / "socket"

    def initialize(self):
        self.run(find_program("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}",
                 "--auth-root-authentication-method=normal", "--skip-test-db",
                 "--skip-name-resolve", f"--user={getpass.getuser() if not self.account else self.account.pw_name}")

    def settings(self):
        return ["--skip-networking", "--skip-log-bin"]

    def command(self):
        return [find_program("mariadbd"), "--no-defaults", f"--datadir={self.data}",
                f"--socket={self.socket}", "--debug-no-sync",
                "--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0",
                "--innodb-buffer-pool-size=128M", "--max-connections=600",
                f"--pid-file={self.directory}/pid", *self.settings()]

    def connect(self, database):
        import pymysql  # pylint: disable=import-outside-toplevel
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database,
                               charset="utf8mb4", autocommit=True)

    def prepare(self):
        self.query(None, f"CREATE USER {USER}@localhost")
        self.query(None, f"GRANT ALL ON *.* TO {USER}@localhost")

    def create_database(self, name, version):
        self.query(None, f"CREATE DATABASE {name}")
        self.apply_schema(name, last=version)

    def apply_schema(self, name, first=1, last=VERSION):
        text = "\n".join(schema_files(self.kind, first, last))
        with contextlib.closing(self.connect(name)) as connection:
            with contextlib.closing(connection.cursor()) as cursor:
                for statement in re.split(r"\n\s*\n", re.sub(r"(?m)^--.*\n", "", text)):
                    if statement.strip():
                        cursor.execute(statement)

    def drop_database(self, name):
        self.query(None, f"DROP DATABASE IF EXISTS {name}")

    def params(self, name):
        return f"sock={self.socket},user={USER},dbname={name},reconnect=0"

    def kill_connections(self, name):
        """Those of a database, all at once; gives how many."""
        killed = 0
        for number, in self.query(None, "SELECT id FROM information_schema.processlist"
                                  " WHERE db = ?", (name,)):
            with contextlib.suppress(Exception):
                self.query(None, f"KILL CONNECTION {number}")
                killed += 1
        return killed


ENGINES = {"sqlite": SqliteEngine, "postgresql": PostgresqlEngine, "mariadb": MariadbEngine}


def new_engine(kind=KIND):
    if kind not in ENGINES:
        raise RuntimeError(f"UM_DATABASE must be one of {', '.join(ENGINES)}, not {kind!r}")
    return ENGINES[kind]()
