# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Connections of the module's own: beside other modules on the same database, to a
database that is silent, down, or read-only, and which database is meant."""

import contextlib
import itertools
import os
import pwd
import re
import signal
import socket
import threading
import time

import databases
import pytest
from fixtures import preload_clock
from test_durability import Writers, check_database, expect_503
from usermgmt_env import (ADMIN, NOBODY, UNAVAILABLE, Client, Workers, in_parallel,
                          wait_for)

NUMBERS = itertools.count()
LOST = UNAVAILABLE + "|UM001[12]|UM0041"


def bring_up(server, path="users/", login=ADMIN):
    """Wait until each process has found its database."""
    client = server.client(login)
    wait_for(lambda: {client.get(path, fresh=True).status for _ in range(20)} == {200}, 20,
             "all processes serve")


def module_lines(server):
    return [line for line in server.log_text().splitlines() if "[usermgmt:" in line]


# ---- beside other modules ----


BESIDE = """
    DBDMin 1
    DBDKeep 2
    DBDMax 4
    <Location "/user-management">
        SetHandler usermgmt
        AuthType Basic
        AuthName "user management"
        AuthBasicProvider dbd
        AuthDBDUserPWQuery "SELECT password FROM accounts WHERE login = %s"
        AuthzDBDQuery "SELECT group_name FROM memberships WHERE login = %s"
        Require valid-user
        UserMgmtAdmin dbd-group admins
    </Location>
    <Location "/closed">
        AuthType Basic
        AuthName "files"
        AuthBasicProvider dbd
        AuthDBDUserPWQuery "SELECT password FROM accounts WHERE login = %s"
        Require valid-user
    </Location>
    Alias /closed @DIR@/htdocs
"""


def make_accounts(server):
    """Tables that mod_authn_dbd and mod_authz_dbd read, in the module's database."""
    server.sql("CREATE TABLE accounts (login VARCHAR(200) PRIMARY KEY, password VARCHAR(200))")
    server.sql("CREATE TABLE memberships (login VARCHAR(200), group_name VARCHAR(200))")
    for login in (ADMIN, NOBODY):
        server.sql("INSERT INTO accounts VALUES (?, ?)", login, server.logins[login])
    server.sql("INSERT INTO memberships VALUES (?, 'admins')", ADMIN)
    if server.database.kind == "sqlite":
        server.database.path.chmod(0o666)


@pytest.fixture
def beside(new_server):
    server = new_server(start=False, has_location=False, extra=BESIDE,
                        modules=("dbd", "authn_dbd", "authz_dbd"),
                        pool={"dbd": True, "UserMgmtConnections": 4})
    server.database.make()
    make_accounts(server)
    server.allow_log("AH01617: .*Password Mismatch")
    # mod_dbd connects when a child starts, and again at the first request where that failed. On
    # SQLite it fails while another connection has the file, because the driver does not wait.
    if server.database.kind == "sqlite":
        server.allow_log("AH0063[236]: ")
    return server.start()


def test_beside_modules_that_sign_in_by_the_same_database(beside):
    """As without the module: who signs in rightly is let in, wherever, and nobody
    else; with changes in between, and 64 clients for 4 connections each."""
    right = [beside.client(ADMIN), beside.client(NOBODY),
             beside.client(ADMIN, password="wrong"), beside.client(None)]
    files = [beside.client(ADMIN, base="/closed"), beside.client(NOBODY, base="/closed"),
             beside.client(ADMIN, password="wrong", base="/closed")]
    expected = [200, 403, 401, 401, 200, 200, 401, 201]
    seen = {}

    def ask(index):
        answers = [client.get("users/", query={"limit": 1}, fresh=True).status
                   for client in right]
        answers += [client.get("page.txt", fresh=True).status for client in files]
        answers.append(right[0].post("users/", {"email": f"u{index}@connections.example.com",
                                                "display_name": "U"}, fresh=True).status)
        return answers

    for _ in range(3):
        start = time.monotonic()
        for number, answers in enumerate(in_parallel(64, lambda index: ask(
                len(seen) * 1000 + index))):
            seen[len(seen), number] = answers
        assert time.monotonic() - start < 30
    assert len(seen) * len(expected) >= 240
    assert {tuple(answers) for answers in seen.values()} == {tuple(expected)}
    check_database(beside)


def test_mod_dbd_is_not_needed_for_its_directives(new_server):
    server = new_server(pool={"dbd": True, "DBDMax": 4})
    server.admin.create("a@connections.example.com")
    assert len(re.findall("UM0094", server.log_text())) == 1


def test_sizes_of_mod_dbd_are_no_matter_beside_the_own(new_server):
    server = new_server(pool={"dbd": True, "DBDMax": 4, "UserMgmtConnections": 4})
    server.admin.get("users/").expect(200)
    assert "UM0094" not in server.log_text()


# ---- a database that never answers ----


class SilentServer:
    """Takes connections and never says a word."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.taken = []
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self):
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self.listener.accept()[0])

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.taken:
            sock.close()


@pytest.fixture
def silent():
    made = SilentServer()
    yield made
    made.close()


HOST = """
    Listen 127.0.0.1:{port}
    <VirtualHost 127.0.0.1:{port}>
        ServerName other
        {database}
        <Location "/user-management">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin user admin@example.com
        </Location>
    </VirtualHost>"""

SILENT = {"pgsql": "host=127.0.0.1 port={} user=x dbname=x sslmode=disable gssencmode=disable",
          "mysql": "host=127.0.0.1,port={},user=x,dbname=x"}


@pytest.mark.parametrize("driver", ["pgsql", "mysql"])
def test_a_silent_database_holds_up_nobody_else(live, new_server, silent, driver):
    """Neither the start, nor another virtual host, nor httpd's end."""
    port = live.ports.take()
    database = databases.directives(driver, SILENT[driver].format(silent.port))
    server = new_server(start=False, extra=HOST.format(port=port, database=database))
    server.allow_log("UM0091|UM0078")
    start = time.monotonic()
    server.start()
    server.admin.get("users/").expect(200)
    assert time.monotonic() - start < 3
    other = Client(server, ADMIN, port=port)
    longest = 0
    answers = []
    thread = threading.Thread(target=lambda: answers.extend(in_parallel(
        16, lambda index: other.get("users/", fresh=True))))
    thread.start()
    end = time.monotonic() + 6
    number = 0
    while time.monotonic() < end:
        number += 1
        start = time.monotonic()
        server.admin.create(f"u{number}@connections.example.com")
        longest = max(longest, time.monotonic() - start)
    thread.join()
    assert number > 50 and longest < 1, (number, longest)
    for answer in answers:
        expect_503(answer)
    # It is known to be away by now.
    start = time.monotonic()
    for _ in range(20):
        expect_503(other.get("users/", fresh=True))
    assert time.monotonic() - start < 1
    # One in each process, and not one for each request.
    assert len(re.findall("UM0091", server.log_text())) <= 2


# ---- a database that is down ----


@pytest.fixture
def engine():
    made = databases.new_engine()
    yield made
    made.close()


class Askers(Workers):
    """Threads that ask as fast as they can, on connections that are kept."""

    def __init__(self, server, count):
        super().__init__()
        self.client = server.admin
        self.statuses = {}
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._work) for _ in range(count)]

    def _work(self):
        while not self.stop.is_set():
            status = self.client.get("users/", query={"limit": 1}).status
            with self.lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1


@pytest.mark.database("postgresql", "mariadb")
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_the_log_of_a_database_that_is_down_under_load(new_server, engine, kill):
    """A line when it goes, with its error, and one when it is back, with a count."""
    server = new_server(database=engine.create(None), location="UserMgmtRoleCacheTTL 0")
    server.allow_log(LOST)
    bring_up(server)
    with Writers(server, 8) as writers, Askers(server, 12) as askers:
        wait_for(lambda: len(writers.acknowledged) > 20, 20, "some are written")
        engine.stop(kill=kill)
        # What was in work ends; the rest is refused.
        wait_for(lambda: len(re.findall("UM0091", server.log_text())) == 2, 10, "it is noticed")
        askers.statuses.clear()
        before = len(module_lines(server))
        time.sleep(3)
        assert askers.statuses.keys() == {503} and askers.statuses[503] > 500
        assert len(module_lines(server)) - before < 40, module_lines(server)[before:]
        engine.start()
        wait_for(lambda: len(re.findall("UM0092", server.log_text())) == 2, 20, "it is back")
        wait_for(lambda: askers.statuses.get(200, 0) > 50, 20, "it serves")
    text = server.log_text()
    assert len(re.findall("UM0091: database: it is away.*(?:onnect|server|socket)", text)) == 2
    counts = re.findall(r"UM0092: database: it is back after [\d.]+ seconds; (\d+) requests", text)
    assert len(counts) == 2 and sum(map(int, counts)) > 500
    bring_up(server)
    writers.check()


@pytest.mark.database("mariadb")
def test_a_connection_prepares_what_its_requests_need(new_server, engine):
    """The server counts the statements of all its clients against one limit."""
    database = engine.create(None)
    server = new_server(database=database, processes=1, pool={"UserMgmtConnections": 4})

    def prepared():
        return int(database.sql("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")[0][1])

    server.admin.get("users/").expect(200)
    before = prepared()
    server.admin.create("few@connections.example.com")
    assert prepared() - before < 15
    in_parallel(16, lambda number: server.admin.create(f"{number}@connections.example.com"))
    assert prepared() < 4 * 15


# ---- SQLite: files that can't be opened or written ----


def tell_user():
    return "www-data" if os.geteuid() == 0 else ""


def make_roots(path, is_it):
    """As where it was made by root."""
    if os.geteuid() != 0:
        make_read_only(path, is_it)
        return
    account = pwd.getpwnam("root" if is_it else "www-data")
    os.chown(path, account.pw_uid, account.pw_gid)
    path.chmod(0o644 if is_it else 0o600)


def make_read_only(path, is_it):
    """As where the file system is mounted anew: with the log and its index."""
    for file in path.parent.iterdir():
        file.chmod(0o444 if is_it else 0o644)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("lock", [make_roots, make_read_only])
def test_a_file_that_is_read_only_is_written_once_it_can_be(new_server, lock):
    """Without a restart, and while others read; the log tells it once, with path and
    user."""
    server = new_server(processes=1)
    path = server.database.path
    server.admin.create("a@connections.example.com")
    server.stop()
    server.allow_log("UM0001|UM0123")
    lock(path, True)
    try:
        server.start()
        for number in range(20):
            expect_503(server.admin.post("users/", {"email": f"b{number}@connections.example.com",
                                                    "display_name": "B"}, fresh=True))
            server.admin.get("users/", fresh=True).expect(200)
        with Askers(server, 6) as askers:
            wait_for(lambda: askers.statuses, 5, "some is read")
            lock(path, False)
            with server.expect_log(r"UM0096: writer: changes are made again; \d+ were refused"):
                wait_for(lambda: server.admin.post("users/", {
                    "email": "c@connections.example.com", "display_name": "C"}).status == 201,
                    10, "changes are made")
        assert askers.statuses.keys() == {200}
    finally:
        lock(path, False)
    told = re.findall(r"usermgmt:error.*UM0001.*", server.log_text())
    assert len(told) == 1, told
    assert "readonly" in told[0] and str(path) in told[0] and tell_user() in told[0]
    in_parallel(10, lambda index: server.admin.create(f"d{index}@connections.example.com"))
    check_database(server)


@pytest.mark.database("sqlite")
def test_a_path_that_leads_nowhere_is_told_once(new_server):
    server = new_server(start=False, processes=1)
    path = server.database.path = server.directory / "data/later/users.db"
    server.allow_log("UM0091|UM0123")
    server.start()
    for _ in range(30):
        expect_503(server.admin.get("users/", fresh=True))
    told = [line for line in module_lines(server) if "UM0123" not in line]
    assert len(told) == 1, told
    assert "UM0091" in told[0] and str(path) in told[0] and tell_user() in told[0]
    with server.expect_log(r"UM0092: database: it is back after [\d.]+ seconds; 3\d requests"):
        path.parent.mkdir()
        path.parent.chmod(0o777)
    bring_up(server)


@pytest.mark.database("sqlite")
def test_a_path_that_is_made_while_the_clock_is_set_back(new_server):
    """All processes have found out before that the schema can't be used."""
    server = new_server(start=False)
    path = server.database.path = server.directory / "data/later/users.db"
    signal_file = preload_clock(server)
    server.allow_log("UM0091|UM0123")
    server.start()
    for _ in range(30):
        expect_503(server.admin.get("users/", fresh=True))
    signal_file.touch()
    path.parent.mkdir()
    path.parent.chmod(0o777)
    bring_up(server)


@pytest.mark.database("sqlite")
def test_two_files_have_a_writer_and_a_lock_each(live, new_server):
    """A stranger holds one of them; the other is written on."""
    port = live.ports.take()
    server = new_server(start=False)
    other = live.new_database(server.directory)
    server.extra = HOST.format(port=port, database=other.directives())
    server.allow_log("UM0001")
    server.start()
    held = Client(server, ADMIN, port=port)
    held.create("a@connections.example.com")
    results = []
    with other.held("users"):
        thread = threading.Thread(target=lambda: results.extend(in_parallel(8, lambda index: (
            held.post("users/", {"email": f"h{index}@connections.example.com",
                                 "display_name": "H"}, fresh=True)))))
        thread.start()
        time.sleep(0.3)
        for number in range(30):
            start = time.monotonic()
            server.admin.create(f"u{number}@connections.example.com")
            assert time.monotonic() - start < 0.5
        thread.join()
    for result in results:
        expect_503(result)
    held.create("b@connections.example.com")


PROBES = """
    LogFormat "%P %{X-Probe}i" probes
    CustomLog "@DIR@/logs/probes" probes"""


def connect_to(server, pid):
    """A client whose connection, of this thread, is to a process. A new connection may
    go to one that is stopped."""
    for _ in range(200):
        name = f"probe-{next(NUMBERS)}"
        client = server.client(ADMIN, headers={"X-Probe": name})
        client.get("users/").expect(200)
        found = wait_for(lambda name=name: re.search(
            rf"^(\d+) {name}$", (server.directory / "logs/probes").read_text(), re.MULTILINE),
            5, "the line of the log")
        if int(found[1]) == pid:
            return client
    raise AssertionError(f"{pid} does not answer")


@pytest.mark.database("sqlite")
def test_a_stopped_process_that_has_the_lock(new_server):
    """The others' changes are refused after a bounded time, and made once it goes on."""
    server = new_server(extra=PROBES)
    server.allow_log("UM0001")
    server.admin.create("a@connections.example.com")
    victim, other = server.children()
    client = connect_to(server, other)
    results = []
    ready = threading.Event()
    is_held = threading.Event()

    def change(by, name):
        start = time.monotonic()
        result = by.post("users/", {"email": f"{name}@connections.example.com",
                                    "display_name": "S"})
        return result, time.monotonic() - start

    def change_there():
        mine = connect_to(server, victim)
        ready.set()
        is_held.wait(30)
        results.append(change(mine, "held")[0])

    thread = threading.Thread(target=change_there)
    thread.start()
    ready.wait(30)
    try:
        with server.database.held("users"):
            # With the lock between processes it waits for the stranger's.
            is_held.set()
            time.sleep(0.6)
            os.kill(victim, signal.SIGSTOP)
        with server.expect_log("UM0010"):
            result, seconds = change(client, "first")
        expect_503(result)
        assert 4 < seconds < 8
        for number in range(5):
            result, seconds = change(client, f"again{number}")
            expect_503(result)
            assert seconds < 1
        client.get("users/").expect(200)
    finally:
        os.kill(victim, signal.SIGCONT)
        thread.join()
    assert len(re.findall("UM0010", server.log_text())) == 1
    assert results[0].status in (201, 503)
    wait_for(lambda: change(client, f"after{next(NUMBERS)}")[0].status == 201, 10,
             "changes are made")
    check_database(server)


# ---- which database ----


@pytest.mark.parametrize("line, said", [
    ("UserMgmtDatabase", "UserMgmtDatabase takes two arguments"),
    ("UserMgmtDatabase sqlite3", "UserMgmtDatabase takes two arguments"),
    ("UserMgmtDatabase sqlite /tmp/x", '"sqlite" is no driver; use sqlite3, pgsql or mysql'),
    ("UserMgmtDatabase oracle x", '"oracle" is no driver'),
    ("UserMgmtConnections 0", '"0" is no number of connections from 1 to 10000'),
    ("UserMgmtConnections many", '"many" is no number of connections'),
    ("UserMgmtConnections 10001", '"10001" is no number of connections'),
    ("UserMgmtConnections 4x", '"4x" is no number of connections'),
    ("UserMgmtConnectionWait 0", '"0" is no time from 1ms to 10min'),
    ("UserMgmtConnectionWait soon", '"soon" is no time'),
    ("UserMgmtConnectionWait 11min", '"11min" is no time'),
    ('<Location "/x">\nUserMgmtDatabase sqlite3 /tmp/x\n</Location>',
     "UserMgmtDatabase not allowed in <Location> context"),
])
def test_bad_values_are_refused(new_server, line, said):
    new_server(start=False, extra=line).expect_config_error(re.escape(said))


@pytest.mark.parametrize("line", ["UserMgmtConnections 1", "UserMgmtConnections 10000",
                                  "UserMgmtConnectionWait 5", "UserMgmtConnectionWait 1ms",
                                  "UserMgmtConnectionWait 10min"])
def test_good_values_are_taken(new_server, line):
    code, said = new_server(start=False, extra=line).configtest()
    assert code == 0, said


@pytest.mark.parametrize("lines, said", [
    ("DBDriver sqlite3\n", "UM0115"),
    ("DBDParams /tmp/x\n", "UM0095"),
    ("DBDriver freetds\nDBDParams x\n", 'UM0002: the database driver "freetds" is not supported'),
])
def test_what_mod_dbds_directives_do_not_name(new_server, lines, said):
    new_server(start=False, has_database=False, extra=lines).expect_config_error(said)


def test_a_virtual_host_without_a_database_where_there_is_no_other(live, new_server):
    server = new_server(start=False, has_database=False, has_location=False,
                        extra=HOST.format(port=live.ports.take(), database=""))
    server.expect_config_error(r"UM0095: no database is named for the server other:\d+: ")


def test_the_modules_directive_goes_before_mod_dbds(live, new_server):
    """In the same server, and the outer server's before that of the inner one; which
    is left to mod_dbd."""
    port = live.ports.take()
    server = new_server(start=False, extra=HOST.format(
        port=port, database='DBDriver pgsql\nDBDParams "host=/nowhere"\nDBDInitSQL "no SQL"'))
    server.start()
    user = server.admin.create("a@connections.example.com")
    assert Client(server, ADMIN, port=port).everyone() == [user]


def test_virtual_hosts_share_the_connections_to_a_database(live, new_server):
    """And what is remembered of its callers."""
    port = live.ports.take()
    server = new_server(start=False, processes=1,
                        pool={"UserMgmtConnections": 3},
                        location="UserMgmtRoleCacheTTL 3600")
    server.extra = HOST.format(port=port, database=server.database.directives())
    server.start()
    clients = [server.admin, Client(server, ADMIN, port=port)]
    user = clients[0].create("a@connections.example.com")
    assert clients[1].everyone() == [user]
    results = in_parallel(24, lambda index: [clients[index % 2].create(
        f"u{index}-{number}@connections.example.com") for number in range(4)])
    assert len(results) == 24
    if server.database.kind == "postgresql":
        assert server.sql("SELECT COUNT(*) <= 4 FROM pg_stat_activity WHERE datname = ?",
                          server.database.name) == [(True,)]
    elif server.database.kind == "mariadb":
        assert server.sql("SELECT COUNT(*) <= 4 FROM information_schema.processlist WHERE db = ?",
                          server.database.name) == [(1,)]


@pytest.mark.database("postgresql", "mariadb")
def test_requests_are_refused_after_the_wait(new_server):
    """Where all connections are in use; who waits is told to come again."""
    server = new_server(processes=1, pool={"UserMgmtConnections": 2,
                                           "UserMgmtConnectionWait": "300ms"})
    server.allow_log(LOST)
    server.admin.get("users/").expect(200)
    uid = server.admin.create("a@connections.example.com")["user_uid"]
    with server.expect_log("UM0041: [0-9]+ requests have waited in vain for one of 2"):
        with server.database.held("users"):
            thread = threading.Thread(target=in_parallel, args=(6, lambda index: (
                server.admin.put("users/" + uid, {"n": index}, fresh=True))))
            thread.start()
            time.sleep(0.8)
            start = time.monotonic()
            results = in_parallel(6, lambda index: server.admin.get("users/" + uid, fresh=True))
            assert time.monotonic() - start < 2
            thread.join()
    assert any(result.status == 503 for result in results)
    for result in results:
        if result.status != 200:
            expect_503(result)
    server.admin.put("users/" + uid, {"n": 9}).expect(200)


