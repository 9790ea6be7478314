# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""An acknowledged change is never lost, whichever process is killed, and the service recovers
from failures."""

import contextlib
import itertools
import os
import random
import resource
import signal
import sqlite3
import threading
import time
from pathlib import Path

import databases
import pytest
from usermgmt_env import UNAVAILABLE, Client, ConnectionLost, Workers, in_parallel, wait_for

VERSIONS = [(version + 1,) for version in range(databases.VERSION)]


class Writers(Workers):
    """Threads that create, update and delete as fast as they can and remember
    what they were told."""

    ROUNDS = itertools.count()

    def __init__(self, server, count):
        super().__init__()
        self.server = server
        self.name = f"w{next(self.ROUNDS)}"
        self.client = server.admin
        self.acknowledged = {}
        self.deleted = set()
        self.refused = set()
        self.unknown = set()
        self.statuses = {}
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._work, args=(index,))
                        for index in range(count)]

    def _work(self, index):
        number = 0
        while not self.stop.is_set():
            number += 1
            email = f"{self.name}-{index}-{number}@durable.example.com"
            try:
                result = self.client.post("users/", {"email": email, "display_name": "W",
                                                     "n": number})
            except (ConnectionLost, OSError):
                with self.lock:
                    self.unknown.add(email)
                time.sleep(0.02)
                continue
            with self.lock:
                self.statuses[result.status] = self.statuses.get(result.status, 0) + 1
                if result.status == 201:
                    self.acknowledged[email] = result.json["userData"]
                else:
                    self.refused.add(email)
            if result.status == 201 and number % 5 == 0:
                self._delete(email)

    def _delete(self, email):
        try:
            result = self.client.delete("users/" + self.acknowledged[email]["user_uid"])
        except (ConnectionLost, OSError):
            with self.lock:
                self.unknown.add(email)
                del self.acknowledged[email]
            return
        with self.lock:
            if result.status == 200:
                self.deleted.add(email)
                del self.acknowledged[email]

    def check(self):
        """Every acknowledged user is there as it was told, every deleted one is
        gone, one that was refused never came, of the rest all or nothing."""
        there = {user["email"]: user for user in self.server.admin.everyone()
                 if user["email"].startswith(self.name + "-")}
        for email, user in self.acknowledged.items():
            assert there.get(email) == user, "an acknowledged user is lost"
        assert not self.deleted & set(there), "a deleted user is back"
        assert not self.refused & set(there), "a user is there whose creation was refused"
        check_database(self.server)


def check_database(server):
    """No half change: users, counts and audit trail agree."""
    server.database.check()
    assert server.sql("SELECT SUM(user_count) FROM organization_counts") \
        == server.sql("SELECT COUNT(*) FROM users")
    created = server.sql("SELECT target FROM audit_events WHERE action = 'users.create'")
    deleted = server.sql("SELECT target FROM audit_events WHERE action = 'users.delete'")
    there = server.sql("SELECT user_uid FROM users")
    assert len(set(created)) == len(created) and len(set(deleted)) == len(deleted)
    assert set(created) - set(deleted) == set(there)


# ---- processes that die ----


def test_children_are_killed_under_writes(new_server):
    server = new_server()
    dice = random.Random(3)
    with Writers(server, 12) as writers:
        for _ in range(5):
            time.sleep(0.4)
            before = server.children()
            victim = dice.choice(before)
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: victim not in server.children()  # pylint: disable=cell-var-from-loop
                     and len(server.children()) >= 2, 10, "a new child")
        time.sleep(0.5)
    assert len(writers.acknowledged) > 50
    assert set(writers.statuses) <= {201, 503}, writers.statuses
    writers.check()
    # The lock that the dead held is free: writing goes on at its usual speed.
    start = time.monotonic()
    for number in range(5):
        server.admin.create(f"after{number}@durable.example.com")
    assert time.monotonic() - start < 5


def test_all_children_are_killed_at_once(new_server):
    server = new_server(processes=3, threads=8)
    server.allow_log("AH10392: children are killed successively")
    with Writers(server, 8) as writers:
        for _ in range(3):
            time.sleep(0.5)
            for child in server.children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        time.sleep(1)
    wait_for(lambda: answers(server), 10, "it serves again")
    writers.check()
    assert writers.acknowledged


def answers(server):
    try:
        return server.admin.get("users/", fresh=True).status == 200
    except ConnectionLost:
        return False


def test_everything_is_killed_and_started_again(new_server):
    server = new_server()
    for _ in range(3):
        with Writers(server, 8) as writers:
            wait_for(lambda: len(writers.acknowledged) > 10,  # pylint: disable=cell-var-from-loop
                     20, "some are written")
            time.sleep(0.3)
            server.kill()
        server.allow_log("AH00098: pid file .* overwritten")
        server.start()
        assert writers.acknowledged
        writers.check()
        server.admin.create(f"after{server.starts}@durable.example.com")


def test_a_kept_answer_outlives_a_crash(new_server):
    server = new_server()
    body = {"email": "once@durable.example.com", "display_name": "Once"}
    headers = {"Idempotency-Key": "crash"}
    first = server.admin.post("users/", body, headers=headers).expect(201)
    server.kill()
    server.allow_log("AH00098: pid file .* overwritten")
    server.start()
    assert server.admin.post("users/", body, headers=headers).expect(201).raw == first.raw


def test_retries_after_a_crash_with_keys_make_no_twins(new_server):
    """The client repeats what broke off, as it should: each user is there once."""
    server = new_server()
    emails = [f"retry{number}@durable.example.com" for number in range(60)]
    def work(index):
        client = server.admin
        for email in emails[index::6]:
            for _ in range(200):
                try:
                    result = client.post("users/", {"email": email, "display_name": "R"},
                                         headers={"Idempotency-Key": email}, fresh=True)
                except (ConnectionLost, OSError):
                    time.sleep(0.05)
                    continue
                if result.status in (201, 409) or result.status < 500:
                    result.expect(201)
                    break
                time.sleep(0.05)
            else:
                raise AssertionError("no end of failures")

    def kill(stop):
        for _ in range(4):
            time.sleep(0.15)
            for child in server.children()[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            if stop.is_set():
                return

    stop = threading.Event()
    killer = threading.Thread(target=kill, args=(stop,))
    killer.start()
    in_parallel(6, work)
    stop.set()
    killer.join()
    assert sorted(user["email"] for user in server.admin.everyone()) == sorted(emails)
    check_database(server)


# ---- a database that is not to be had ----


def expect_503(result):
    problem = result.expect_problem(503, "unavailable")
    assert int(result.headers["Retry-After"]) > 0
    for word in ("sqlite", "database is locked", "insert", "select", "/data/", "readonly"):
        assert word not in str(problem).lower()


@pytest.mark.database("sqlite")
def test_a_foreign_writer_holds_the_database(new_server):
    server = new_server()
    admin = server.admin
    user = admin.create("a@durable.example.com")
    stranger = sqlite3.connect(server.database.path, isolation_level=None)
    server.allow_log(UNAVAILABLE)
    stranger.execute("BEGIN IMMEDIATE")
    try:
        start = time.monotonic()
        with server.expect_log("UM0001: database: begin failed"):
            expect_503(admin.post("users/", {"email": "b@durable.example.com",
                                             "display_name": "B"}))
        assert time.monotonic() - start < 10
        # Reading goes on.
        assert admin.read(user["user_uid"]) == user
        results = in_parallel(8, lambda index: admin.put("users/" + user["user_uid"], {"n": 1}))
        for result in results:
            expect_503(result)
    finally:
        stranger.execute("ROLLBACK")
        stranger.close()
    admin.create("b@durable.example.com")
    assert "n" not in admin.read(user["user_uid"])
    check_database(server)


@pytest.mark.database("sqlite")
def test_a_foreign_writer_that_comes_and_goes(new_server):
    """Short locks are borne without a 503."""
    server = new_server()
    admin = server.admin
    admin.get("users/").expect(200)
    stop = threading.Event()

    def disturb():
        stranger = sqlite3.connect(server.database.path, isolation_level=None, timeout=10)
        while not stop.is_set():
            stranger.execute("BEGIN IMMEDIATE")
            stranger.execute("UPDATE organizations SET payment_type = payment_type")
            time.sleep(0.05)
            stranger.execute("COMMIT")
            time.sleep(0.15)
        stranger.close()

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        for number in range(12):
            admin.create(f"u{number}@durable.example.com")
    finally:
        stop.set()
        thread.join()
    check_database(server)


@contextlib.contextmanager
def small_disk(size):
    """A server that is started meanwhile can't make a file larger than this."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.database("sqlite")
def test_the_disk_is_full_for_a_group_of_writers(new_server):
    """They wait for a stranger, and go into one transaction whose commit fails: none of
    them is told that it holds."""
    size = 2_000_000
    server = new_server(processes=1, threads=48, start=False)
    with small_disk(size):
        server.start()
    admin = server.admin
    log = Path(f"{server.database.path}-wal")
    first = itertools.count()
    while not log.exists() or log.stat().st_size < size - 200_000:
        admin.create(f"first{next(first)}@durable.example.com", note="x" * 8000)
    server.allow_log(UNAVAILABLE)
    bodies = [{"email": f"g{index}@durable.example.com", "display_name": "G", "note": "x" * 8000}
              for index in range(32)]
    stranger = sqlite3.connect(server.database.path, isolation_level=None,
                               check_same_thread=False)
    stranger.execute("BEGIN IMMEDIATE")
    release = threading.Timer(1, lambda: stranger.execute("ROLLBACK"))
    release.start()
    results = in_parallel(32, lambda index: admin.post("users/", bodies[index], fresh=True))
    release.join()
    stranger.close()
    told = {body["email"] for body, result in zip(bodies, results) if result.status == 201}
    for result in results:
        assert result.status in (201, 503)
    # For the group of those who came first there may have been room.
    assert len(told) < 16
    assert {user["email"] for user in admin.everyone(display_name="g")} == told
    server.stop()
    server.start()
    assert {user["email"] for user in admin.everyone(display_name="g")} == told
    for body in bodies:
        admin.post("users/", body).expect(409 if body["email"] in told else 201)
    check_database(server)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("comes_back", [True, False], ids=["comes-back", "replaced"])
def test_the_file_is_taken_away_from_a_group_of_writers(new_server, comes_back):
    """Data that is written to a file without a name would be lost. No writer is told that its
    change is stored. The service goes on with the file that is there then."""
    server = new_server(processes=1, threads=48)
    admin = server.admin
    admin.create("first@durable.example.com")
    path = server.database.path
    elsewhere = path.with_name("elsewhere")
    copy = path.with_name("copy")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))
    copy.chmod(0o666)
    server.allow_log(UNAVAILABLE + "|UM0081|UM0091")
    stranger = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    stranger.execute("BEGIN IMMEDIATE")
    release = threading.Timer(1, lambda: stranger.execute("ROLLBACK"))
    for suffix in ("", "-wal", "-shm"):
        os.rename(f"{path}{suffix}", f"{elsewhere}{suffix}")
    release.start()
    bodies = [{"email": f"g{index}@durable.example.com", "display_name": "G"}
              for index in range(32)]
    results = in_parallel(32, lambda index: admin.post("users/", bodies[index], fresh=True))
    release.join()
    stranger.close()
    for result in results:
        expect_503(result)
    assert "UM0081" in server.log_text() and not path.exists()
    if comes_back:
        for suffix in ("", "-wal", "-shm"):
            os.rename(f"{elsewhere}{suffix}", f"{path}{suffix}")
    else:
        copy.rename(path)
    wait_for(lambda: admin.get("users/", fresh=True).status == 200, 10, "it goes on")
    assert {user["email"] for user in admin.everyone()} == {"first@durable.example.com"}
    for body in bodies:
        admin.post("users/", body).expect(201)
    check_database(server)


def make_read_only(server, read_only):
    data = server.database.path.parent
    for path in data.iterdir():
        path.chmod(0o444 if read_only else 0o666)
    data.chmod(0o555 if read_only else 0o777)


@pytest.mark.database("sqlite")
def test_a_database_that_cannot_be_written_at_start(new_server):
    """503 for writing; once it can be written again a graceful restart mends it,
    since SQLite keeps a connection as it was opened."""
    server = new_server()
    user = server.admin.create("a@durable.example.com")
    server.stop()
    server.allow_log(UNAVAILABLE + "|UM0123")
    make_read_only(server, True)
    try:
        server.start()
        for _ in range(3):
            expect_503(server.admin.post("users/", {"email": "b@durable.example.com",
                                                    "display_name": "B"}, fresh=True))
            result = server.admin.get("users/" + user["user_uid"], fresh=True)
            assert result.status in (200, 503)
    finally:
        make_read_only(server, False)
    server.graceful()
    wait_for(lambda: server.admin.post("users/", {"email": "b@durable.example.com",
                                                  "display_name": "B"}).status in (201, 409),
             20, "writing works again")
    in_parallel(10, lambda index: server.admin.create(f"c{index}@durable.example.com"))
    server.admin.put("users/" + user["user_uid"], {"n": 1}).expect(200)
    check_database(server)


@pytest.mark.database("sqlite")
def test_a_database_that_is_none(new_server):
    """A file of something else: 503, clear in the log, healed by its removal and
    a graceful restart, which lets go of it."""
    server = new_server(start=False)
    server.database.path.write_bytes(b"this is no database " * 500)
    server.database.path.chmod(0o666)
    server.allow_log(UNAVAILABLE)
    with server.expect_log("file is not a database|not a database"):
        server.start()
        for path in ("users/", "organization-status/", "sub-admins/"):
            expect_503(server.admin.get(path))
        expect_503(server.admin.post("users/", {"email": "a@durable.example.com",
                                                "display_name": "A"}))
        # Who waits while another finds out need not find out the same.
        start = time.monotonic()
        for result in in_parallel(30, lambda index: server.admin.get("users/", fresh=True)):
            expect_503(result)
        assert time.monotonic() - start < 6
    assert server.database.path.read_bytes().startswith(b"this is no")
    server.database.path.unlink()
    server.graceful()
    wait_for(lambda: {server.admin.get("users/", fresh=True).status for _ in range(20)} == {200},
             20, "all processes serve")
    in_parallel(12, lambda index: server.admin.create(f"u{index}@durable.example.com"))
    assert server.database.path.exists()
    check_database(server)


@pytest.mark.database("sqlite")
def test_a_directory_that_is_not_there(new_server):
    """httpd starts; 503 at once; heals when the directory comes."""
    server = new_server(start=False)
    server.database.path = server.directory / "data/later/users.db"
    server.allow_log(UNAVAILABLE + "|UM0123|child init failed")
    server.start()
    start = time.monotonic()
    for _ in range(4):
        expect_503(server.admin.get("users/", fresh=True))
    assert time.monotonic() - start < 4
    server.database.path.parent.mkdir()
    server.database.path.parent.chmod(0o777)
    wait_for(lambda: {server.admin.get("users/", fresh=True).status for _ in range(20)} == {200},
             20, "all processes serve")
    in_parallel(12, lambda index: server.admin.create(f"u{index}@durable.example.com"))
    check_database(server)


def test_the_schema_is_changed_while_it_runs(new_server):
    """A stranger adds an index: statements prepared before are prepared again."""
    server = new_server()
    admin = server.admin
    uid = admin.create("a@durable.example.com")["user_uid"]
    for number in range(4):
        server.sql(f"CREATE INDEX stranger{number} ON users (org_id, updated_at)")
        results = in_parallel(10, lambda index: [
            admin.get("users/").status, admin.read(uid)["user_uid"],
            admin.put("users/" + uid, {"n": index}).status])  # pylint: disable=cell-var-from-loop
        assert {(page, put) for page, _, put in results} == {(200, 200)}
    check_database(server)


def test_few_connections_for_many_requests(new_server):
    """Fewer connections than threads: all are served in turn or told to come again."""
    server = new_server(pool={"UserMgmtConnections": 2})
    server.allow_log("UM0041")
    client = server.admin
    results = in_parallel(60, lambda index: client.post(
        "users/", {"email": f"u{index}@durable.example.com", "display_name": "A"}, fresh=True))
    for result in results:
        if result.status == 503:
            expect_503(result)
        else:
            result.expect(201)
    made = sum(result.status == 201 for result in results)
    assert made >= 20
    assert len(server.admin.everyone()) == made
    check_database(server)


# ---- a fresh database ----


@pytest.mark.parametrize("mpm, processes, threads", [("event", 4, 8), ("prefork", 10, 1)])
def test_processes_start_at_once_on_a_fresh_database(new_server, mpm, processes, threads):
    for number in range(2):
        server = new_server(start=False, mpm=mpm, processes=processes, threads=threads)
        server.start()
        client = server.admin
        in_parallel(16, lambda index: client.create(  # pylint: disable=cell-var-from-loop
            f"u{index}-{number}@durable.example.com"))
        assert server.sql("SELECT version FROM schema_version ORDER BY version") == VERSIONS
        assert server.sql("SELECT name FROM organizations") == [("default",)]
        assert len(server.admin.everyone()) == 16
        check_database(server)


def test_two_servers_share_a_database(new_server):
    """Two httpds on one file, made by whichever comes first: strangers to each
    other's locks, they lose nothing."""
    first = new_server(start=False, processes=1, threads=8)
    second = new_server(start=False, processes=1, threads=8, database=first.database)
    first.start(answers=False)
    second.start()
    wait_for(lambda: answers(first), 20, "the first answers")
    first.allow_log(UNAVAILABLE)
    second.allow_log(UNAVAILABLE)
    # One may find the file locked for as long as the other makes the schema.
    for server in (first, second):
        wait_for(lambda server=server: server.admin.get("users/", fresh=True).status == 200, 20,
                 "it serves")
    clients = [Client(first, "admin@example.com"), Client(second, "admin@example.com")]

    def work(index):
        client = clients[index % 2]
        made = 0
        for number in range(8):
            result = client.post("users/", {"email": f"s{index}-{number}@durable.example.com",
                                            "display_name": "S"})
            assert result.status in (201, 503), result
            made += result.status == 201
        return made

    made = sum(in_parallel(6, work))
    assert made >= 40
    assert len(clients[0].everyone()) == made == len(clients[1].everyone())
    assert first.sql("SELECT version FROM schema_version ORDER BY version") == VERSIONS
    check_database(first)
