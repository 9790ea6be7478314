# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""SetHandler usermgmt-health: whether the service can serve, in bounded time, whatever the
database does."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import databases
import pytest
from usermgmt_env import UNAVAILABLE, Client, in_parallel, wait_for

HEALTH = """
    <Location "/health">
        SetHandler usermgmt-health
        Require all granted
    </Location>"""
# A check waits for 2 seconds at most.
BOUND = 4
UP = {"status": "ok", "database": "ok", "schema": "ok"}


def probe(server):
    """Somebody who has not signed in."""
    return Client(server, base="")


def check(client, status):
    """The answer of one process."""
    start = time.monotonic()
    answer = client.get("health", fresh=True)
    assert time.monotonic() - start < BOUND
    assert answer.status in (200, 503)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Request-Id"]
    assert set(answer.json) == {"status", "database", "schema"}
    assert (answer.json["status"] == "ok") == (answer.status == 200)
    return answer.json if answer.status == status else None


def wait_for_health(server, status, seconds=20):
    """Wait until all processes answer with the status; returns the last answer."""
    client = probe(server)

    def found():
        answers = [check(client, status) for _ in range(6)]
        return all(answers) and answers[-1]

    return wait_for(found, seconds, f"health is {status}")


@pytest.fixture
def engine():
    made = databases.new_engine()
    yield made
    made.close()


def test_a_service_that_works(make_server):
    server = make_server(extra=HEALTH)
    assert wait_for_health(server, 200) == UP
    client = probe(server)
    head = client.ask("HEAD", "health").expect(200)
    assert head.raw == b"" and int(head.headers["Content-Length"]) > 10
    allowed = client.post("health", {"a": 1}).expect(405).headers["Allow"]
    assert set(allowed.split(",")) == {"GET", "HEAD", "TRACE"}
    # One result serves many.
    assert all(answer == UP for answer in in_parallel(32, lambda _: check(client, 200)))


@pytest.mark.database("sqlite")
def test_a_server_that_does_nothing_else(new_server):
    """The handler alone needs the database, and makes its schema."""
    server = new_server(extra=HEALTH, has_location=False)
    assert wait_for_health(server, 200) == UP
    with_none = new_server(start=False, extra=HEALTH, has_location=False, has_database=False)
    with_none.expect_config_error("UM0095: no database is named")


# ---- a database that is down ----


def processes_of(engine):
    """All of a database server. Those of PostgreSQL have groups of their own."""
    found = [engine.process.pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == engine.process.pid:
                found.append(int(path.parent.name))
    return found


def signal_all(pids, number):
    for pid in pids:
        # A process of PostgreSQL may have ended by itself.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def is_stopped(pid):
    """All threads: one that still runs could answer."""
    return all(path.read_text().rpartition(")")[2].split()[0] == "T"
               for path in Path(f"/proc/{pid}/task").glob("*/stat"))


@contextlib.contextmanager
def hanging(engine):
    pids = processes_of(engine)
    signal_all(pids, signal.SIGSTOP)
    try:
        wait_for(lambda: all(map(is_stopped, pids)), 10, "all processes have stopped")
        yield
    finally:
        signal_all(pids, signal.SIGCONT)


def test_a_database_that_is_down_and_back(new_server, engine):
    is_file = databases.KIND == "sqlite"
    server = new_server(start=False, extra=HEALTH,
                        database=None if is_file else engine.create(None))
    server.allow_log(UNAVAILABLE + "|UM0081|UM0123")
    if is_file:
        path = server.database.path = server.directory / "data/later/users.db"
        server.start()
        down = wait_for_health(server, 503)
        path.parent.mkdir()
        path.parent.chmod(0o777)
    else:
        server.start()
        assert wait_for_health(server, 200) == UP
        engine.stop()
        down = wait_for_health(server, 503)
        engine.start()
    assert down == {"status": "unavailable", "database": "unavailable", "schema": "unknown"}
    assert wait_for_health(server, 200) == UP
    server.admin.get("users/").expect(200)


@pytest.mark.database("postgresql", "mariadb")
def test_a_database_that_hangs(new_server, engine):
    """Each process has one thread that hangs; requests wait for it once, and then not at all."""
    server = new_server(extra=HEALTH, database=engine.create(None), threads=8)
    server.allow_log(UNAVAILABLE)
    assert wait_for_health(server, 200) == UP
    client = probe(server)
    time.sleep(1.1)
    with hanging(engine):
        with server.expect_log("UM0114: health: the database has given no answer for 2 seconds"):
            answers = in_parallel(12, lambda _: check(client, 503))
        assert {answer["database"] for answer in answers} == {"no_answer"}
        assert wait_for_health(server, 503)
        start = time.monotonic()
        for _ in range(60):
            check(client, 503)
        assert time.monotonic() - start < BOUND
        threads = [len(os.listdir(f"/proc/{pid}/task")) for pid in server.children()]
        in_parallel(12, lambda _: check(client, 503))
        assert [len(os.listdir(f"/proc/{pid}/task")) for pid in server.children()] == threads
    assert wait_for_health(server, 200) == UP
    # Once in each process.
    assert server.log_text().count("UM0114") <= 2


@pytest.mark.database("postgresql", "mariadb")
def test_the_end_of_a_process_whose_check_hangs(new_server, engine):
    server = new_server(extra=HEALTH, database=engine.create(None), threads=8)
    server.allow_log(UNAVAILABLE + "|UM0114")
    assert wait_for_health(server, 200) == UP
    time.sleep(1.1)
    with hanging(engine):
        assert wait_for_health(server, 503)
        server.stop()


# ---- the schema ----


def test_a_schema_of_the_version_before(new_server):
    server = new_server(extra=HEALTH, schema=databases.VERSION - 1)
    assert wait_for_health(server, 200) == {**UP, "schema": "old"}


def test_a_schema_that_is_missing(new_server, engine):
    """Nothing is made by a check on a database server; when it is there, it is seen."""
    if databases.KIND == "sqlite":
        server = new_server(extra="UserMgmtAutoSchema Off\n" + HEALTH)
    else:
        server = new_server(extra=HEALTH, schema=0)
    server.allow_log("UM0030")
    down = wait_for_health(server, 503)
    assert down == {"status": "unavailable", "database": "ok", "schema": "unusable"}
    server.database.apply_schema()
    assert wait_for_health(server, 200) == UP


def test_nothing_secret_is_told(new_server):
    server = new_server(extra=HEALTH)
    answer = probe(server).get("health").expect(200)
    text = answer.raw.decode() + str(answer.headers)
    for word in (str(server.directory), databases.KIND, "usermgmt", "2."):
        assert word not in answer.raw.decode(), text


def test_a_graceful_restart_while_probes_come(new_server):
    server = new_server(extra=HEALTH)
    client = probe(server)
    stop = threading.Event()
    seen = set()

    def ask():
        while not stop.is_set():
            seen.add(client.get("health", fresh=True).status)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for _ in range(2):
            server.graceful()
    finally:
        stop.set()
        thread.join()
    assert seen == {200}
