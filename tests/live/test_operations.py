# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The commands of docs/operations.md about databases, run as they stand there: accounts,
dump and load, a copy for staging."""

import os
import re
import subprocess
import time
from pathlib import Path

import databases
import pytest
from smtp_env import Smtp
from usermgmt_env import wait_for
from usermgmtctl import tool_path

TEXT = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text(encoding="utf-8")
TITLES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}
SOCKETS = {"postgresql": "/run/postgresql", "mariadb": "/run/mysqld/mysqld.sock"}
MAIL = """
    UserMgmtMailServer smtp://127.0.0.1:{port}
    UserMgmtMailFrom users@example.com
    UserMgmtMailRetry 300ms"""


def blocks(heading):
    """The indented blocks below a heading."""
    after = TEXT.split(f"\n{heading}\n")
    assert len(after) == 2, heading
    text = re.split(r"^##+ ", after[1], flags=re.MULTILINE)[0]
    found = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


def block(heading, beginning):
    found = [text for text in blocks(heading) if text.startswith(beginning)]
    assert len(found) == 1, f"{heading}: {beginning}"
    return found[0]


class Named:
    """A database that the commands have made, with the account that httpd has there."""

    def __init__(self, engine, name, lines):
        self.engine = engine
        self.kind = engine.kind
        self.name = name
        self.lines = lines

    def directives(self):
        return self.lines

    def make(self, version=databases.VERSION):
        """It is made."""

    def drop(self):
        """It goes with its engine."""

    def sql(self, statement, *parameters):
        return self.engine.query(self.name, statement, parameters)


class Operator:
    """An operator who types the commands, on a private database server."""

    def __init__(self, directory):
        self.engine = databases.new_engine()
        self.kind = self.engine.kind
        self.title = TITLES[self.kind]
        self.directory = directory
        self.environment = {**os.environ, "PGHOST": self.socket, "PGUSER": databases.USER,
                            "HOME": str(directory)}
        (directory / ".my.cnf").write_text(f"[client]\nuser = root\nsocket = {self.socket}\n")

    @property
    def socket(self):
        return str(self.engine.directory if self.kind == "postgresql" else self.engine.socket)

    def fill(self, text):
        return text.replace(SOCKETS[self.kind], self.socket) \
            .replace("usermgmtctl ", tool_path() + " ")

    def shell(self, text, code=0):
        done = subprocess.run(["bash", "-ec", self.fill(text)], cwd=self.directory, text=True,
                              env=self.environment, capture_output=True, timeout=60, check=False)
        assert (done.returncode == 0) == (code == 0), f"{text}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def sql_file(self, text):
        """As typed into the database's own client."""
        (self.directory / "typed.sql").write_text(text)
        if self.kind == "postgresql":
            self.shell("psql -v ON_ERROR_STOP=1 -d postgres -f typed.sql")
        else:
            self.shell("mariadb < typed.sql")

    def make(self):
        heading = f"### Accounts on {self.title}"
        self.sql_file(block(heading, "CREATE "))
        self.shell(block(heading, "usermgmtctl "))
        return self.database("usermgmt")

    def database(self, name):
        line = block(f"### Accounts on {self.title}", "UserMgmtDatabase ")
        return Named(self.engine, name, self.fill(line).replace("dbname=usermgmt",
                                                                "dbname=" + name))

    def load(self):
        return block(f"### Dump and load on {self.title}",
                     "pg_dump" if self.kind == "postgresql" else "mariadb-dump")


@pytest.fixture
def operator(tmp_path):
    """Asked for before new_server, so that its database outlives them. None on SQLite."""
    if databases.KIND == "sqlite":
        yield None
        return
    made = Operator(tmp_path)
    yield made
    made.engine.close()


def fill_with_users(server):
    admin = server.admin
    made = [admin.create(f"user{number}@example.com") for number in range(4)]
    admin.post("sub-admins/", {"user_uid": made[0]["user_uid"]}).expect(201)
    admin.delete("users/" + made[1]["user_uid"]).expect(200)
    admin.post("invitations/", {"email": "guest@example.com"}).expect(201)


def everything(server):
    """The data that a copy must have too."""
    status = server.admin.get("organization-status/").expect(200).json
    return (status, server.admin.everyone(),
            server.admin.get("audit-events/", query={"limit": 1000}).expect(200).json)


SERVERS = pytest.mark.database("postgresql", "mariadb")


@SERVERS
def test_httpd_s_account_serves_and_can_change_no_table(operator, new_server):
    server = new_server(database=operator.make())
    fill_with_users(server)
    status = server.admin.get("organization-status/").expect(200).json
    assert (status["user_count"], status["sub_admin_count"]) == (3, 1)
    line = server.database.directives().replace("UserMgmtDatabase", "").strip()
    driver, params = line.split(" ", 1)
    said = operator.shell(f"usermgmtctl --driver {driver} --params {params} schema verify")
    assert "error" not in said.lower()
    for statement in ("DROP TABLE users", "ALTER TABLE users ADD COLUMN x INTEGER",
                      "CREATE TABLE x (y INTEGER)"):
        if operator.kind == "postgresql":
            said = operator.shell(f'psql -v ON_ERROR_STOP=1 -U usermgmt_httpd -d usermgmt'
                                  f' -c "{statement}"', code=1)
            assert "must be owner" in said or "permission denied" in said
        else:
            said = operator.shell(f'mariadb -u usermgmt_httpd -pchange-me-too usermgmt'
                                  f' -e "{statement}"', code=1)
            assert "command denied" in said


@SERVERS
def test_a_dump_is_loaded_with_all_it_has(operator, new_server):
    server = new_server(database=operator.make())
    fill_with_users(server)
    operator.shell(operator.load())
    copy = new_server(database=operator.database("usermgmt_copy"))
    found = everything(copy)
    assert found == everything(server) and found[0]["user_count"] == 3
    # The triggers count there, each user once, and not in the other.
    copy.admin.create("new@example.com")
    assert everything(copy)[0]["user_count"] == 4
    assert everything(server) == found


@pytest.mark.database("postgresql")
def test_data_alone_is_not_loaded_into_a_schema(operator, new_server):
    server = new_server(database=operator.make())
    fill_with_users(server)
    found = everything(server)
    operator.shell("pg_dump -Fc -f usermgmt.dump usermgmt")
    assert "duplicate key" in operator.shell(
        "pg_restore -1 -a -d usermgmt usermgmt.dump", code=1)
    assert everything(server) == found


@pytest.mark.database("mariadb")
def test_the_definer_needs_its_rights_in_the_copy(operator, new_server):
    new_server(database=operator.make())
    operator.shell("\n".join(line for line in operator.load().splitlines()
                             if "usermgmt_owner" not in line))
    copy = new_server(database=operator.database("usermgmt_copy"))
    copy.allow_log("1142|UM0011")
    copy.admin.post("users/", {"email": "no@example.com", "display_name": "No"}) \
        .expect_problem(503, "unavailable")


@pytest.mark.database("mariadb")
def test_a_dump_without_its_definer(operator, new_server):
    server = new_server(database=operator.make())
    fill_with_users(server)
    heading = "### Dump and load on MariaDB"
    lines = operator.load().splitlines()
    dump, load = lines[0], [line for line in lines[1:] if "usermgmt_owner" not in line]
    assert len(load) == len(lines) - 2
    operator.shell(dump)
    operator.shell("mariadb -e 'DROP USER usermgmt_owner@localhost'")
    server.allow_log("1449|UM0011")
    server.admin.post("users/", {"email": "no@example.com", "display_name": "No"}) \
        .expect_problem(503, "unavailable")
    operator.shell(block(heading, "sed "))
    operator.shell("\n".join(load))
    copy = new_server(database=operator.database("usermgmt_copy"))
    copy.admin.create("new@example.com")
    assert copy.admin.get("organization-status/").json["user_count"] == 4


# ---- the queue of mail in a copy ----

@pytest.fixture
def mails(live):
    smtp = Smtp(live).start()
    yield smtp
    smtp.stop()


def with_waiting_mail(new_server, live, database):
    """An httpd whose mail waits, as its mail server is down."""
    server = new_server(extra=MAIL.format(port=live.ports.take()), database=database)
    server.allow_log("UM0061")
    server.admin.post("invitations/", {"email": "real@example.com"}).expect(201)
    assert server.sql("SELECT COUNT(*) FROM outgoing_mail")[0][0] == 1
    return server


def copy_of(server, operator, empty):
    """The database of the copy, made by the commands; its queue is emptied, or is not."""
    commands = block("## A copy for staging", {
        "sqlite": "sqlite3", "postgresql": "psql", "mariadb": "mariadb"}[server.database.kind])
    if server.database.kind == "sqlite":
        folder = server.database_path.parent
        lines = commands.replace("usermgmt.db", str(server.database_path)) \
            .replace("usermgmt_copy.db", str(folder / "usermgmt_copy.db")).splitlines()
        subprocess.run(["bash", "-ec", "\n".join(lines if empty else lines[:1])], check=True,
                       timeout=60)
        made = databases.SqliteDatabase(folder / "usermgmt_copy.db")
        made.path.chmod(0o666)
        return made
    operator.shell(operator.load())
    if empty:
        operator.shell(commands)
    return operator.database("usermgmt_copy")


@pytest.mark.parametrize("empty", [True, False], ids=["emptied", "as it is"])
def test_a_copy_sends_mail_of_the_original_unless_its_queue_is_emptied(
        operator, new_server, live, mails, empty):
    server = with_waiting_mail(new_server, live, operator.make() if operator else None)
    database = copy_of(server, operator, empty)
    server.stop()
    copy = new_server(database=database, extra=MAIL.format(port=mails.port))
    copy.admin.post("invitations/", {"email": "tester@example.com"}).expect(201)
    expected = {"tester@example.com"} if empty else {"tester@example.com", "real@example.com"}
    wait_for(lambda: {name for mail in mails.mails for name in mail.recipients} >= expected,
             30, "the mail that is due")
    if empty:
        # As long as a try of the other would take.
        time.sleep(1)
    assert {name for mail in mails.mails for name in mail.recipients} == expected
