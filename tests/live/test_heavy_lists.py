# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Lists that cost much: they are few at a time, requests by key do not wait behind
them, and no combination of parameters takes memory for good."""

import contextlib
import itertools
import pathlib
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

import pytest

from usermgmt_env import Workers, in_parallel

USERS = 120000
# Nearly all users meet both conditions, so that the count has to look at each.
HEAVY = {"display_name": "p", "created_after": "2001-01-01T00:00:00Z", "order_by": "email"}


def uid(number):
    return f"0{number:019d}"


def seed(database, count):
    """Users straight into the file, their addresses in no order."""
    numbers = list(range(count))
    random.Random(7).shuffle(numbers)
    rows = ((1, uid(number), f"u{other}@x.org", f"u{other}@x.org", f"Person {other}",
             f"person {other}", f"+41 {number}", '{"shoe":"Racer 3"}', 1, 10 ** 12 + number,
             10 ** 12 + number) for number, other in enumerate(numbers))
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        connection.executemany(
            "INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
            " display_name_folded, phone, attributes, active, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.commit()


class Lists(Workers):
    """Clients who read the same list without a pause."""

    def __init__(self, server, count):
        super().__init__()
        self.server = server
        self.statuses = []
        self.times = []
        self.threads = [threading.Thread(target=self.read) for _ in range(count)]

    def read(self):
        client = self.server.admin
        while not self.stop.is_set():
            start = time.monotonic()
            result = client.get("users/", query=HEAVY)
            self.statuses.append(result.status)
            if result.status == 200:
                self.times.append(time.monotonic() - start)
            else:
                result.expect_problem(503, "busy")
                assert int(result.headers["Retry-After"]) > 0
        client.close()


def timed(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start


def compile_library(folder, name, *options):
    """One to preload, from the source beside this file."""
    library = folder / f"{name}.so"
    subprocess.run(["gcc", "-shared", "-fPIC", *options, "-o", library,
                    pathlib.Path(__file__).with_name(f"{name}.c")], check=True)
    return library


@pytest.fixture(scope="module")
def heavy(make_server, tmp_path_factory):
    """A process with many users."""
    folder = tmp_path_factory.mktemp("steps")
    counter = folder / "counter"
    counter.write_bytes(bytes(8))
    library = compile_library(folder, "count_steps", f'-DCOUNTER="{counter}"')
    server = make_server(processes=1, threads=32, preload=library)
    server.admin.get("users/").expect(200)
    seed(server.database, USERS)
    server.counter = counter
    return server


def steps_of(server, query):
    """How many steps of SQLite a list takes. Work in the background may add some."""
    def count():
        return int.from_bytes(server.counter.read_bytes(), sys.byteorder)

    found = []
    for _ in range(3):
        before = count()
        server.admin.get("users/", query=query).expect(200)
        found.append(count() - before)
    return min(found)


@pytest.mark.database("sqlite")
def test_requests_by_key_do_not_wait_behind_lists(heavy):
    client = heavy.admin
    assert client.get("users/", query=HEAVY).expect(200).json["query_count"] == USERS
    reads, creates = [], []
    with Lists(heavy, 20) as lists:
        end = time.monotonic() + 6
        while time.monotonic() < end:
            number = random.randrange(USERS)
            reads.append(timed(lambda n=number: client.get(f"users/{uid(n)}").expect(200)))
            creates.append(timed(lambda n=number: client.create(f"new{len(creates)}-{n}@x.org")))
    assert len(lists.statuses) >= 20
    # One that waits for lists takes as long as they do, or longer.
    assert statistics.median(reads) < statistics.median(lists.times) / 4
    assert statistics.median(creates) < statistics.median(lists.times) / 4


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("query, count, steps", [
    # None, one, all: in an order of their own.
    ({"created_before": "1971-01-01T00:00:00Z", "order_by": "email"}, 0, 5),
    ({"created_before": "2001-09-09T01:46:40.001Z", "order_by": "-display_name"}, 1, 5),
    ({"created_after": "2001-01-01T00:00:00Z", "order_by": "email"}, USERS, 5),
    ({"display_name": "person 1", "order_by": "created_at"}, None, 7),
    # In three indexes.
    ({"q": "u", "order_by": "created_at"}, None, 13),
    ({"q": "u9999", "order_by": "-created_at"}, None, 13),
    ({"role": "user", "q": "person", "order_by": "email"}, USERS, 5),
    ({"role": "sub_admin", "order_by": "email"}, 0, 5),
])
def test_one_condition_costs_one_pass_of_an_index(heavy, query, count, steps):
    """So many steps for each user that matches. Not a look at each user."""
    client = heavy.admin
    result = client.get("users/", query=query).expect(200)
    if count is not None:
        created = int(heavy.sql("SELECT COUNT(*) FROM users WHERE user_uid NOT LIKE '0000%'")[0][0])
        assert count <= result.json["query_count"] <= count + created
    assert steps_of(heavy, query) < 1000 + steps * result.json["query_count"]


@pytest.mark.database("sqlite")
def test_pages_at_the_end_cost_what_the_first_does(heavy):
    """Also where a condition is on the column ordered by."""
    client = heavy.admin
    for query in ({"order_by": "created_at", "created_after": "2001-01-01T00:00:00Z"},
                  {"order_by": "display_name", "display_name": "p"},
                  {"order_by": "user_uid"}):
        query = {"count": "none", **query}
        last = client.get("users/", query={**query, "order_by": "-" + query["order_by"],
                                           "limit": 8}).expect(200).json["last_uid"]
        at_end = {**query, "start_after_id": last}
        assert client.get("users/", query=at_end).expect(200).json["users"]
        assert steps_of(heavy, at_end) < 2 * steps_of(heavy, query)


def resident(server):
    """Megabytes of the processes that serve."""
    total = 0
    for child in server.children():
        with open(f"/proc/{child}/status", encoding="utf-8") as file:
            total += int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
    return total / 1024


def combinations():
    """Queries that each make another statement, in no order."""
    options = {
        "email": [None, "u1@x.org"],
        "phone": [None, "+41 77"],
        "role": [None, "user", "sub_admin"],
        "display_name": [None, "person 1"],
        "q": [None, "u5"],
        "created_after": [None, "2001-01-01T00:00:00Z"],
        "order_by": [None, "email", "-email", "created_at", "-created_at", "-display_name"],
        "start_after_id": [None, uid(100)],
        "end_before_id": [None, uid(1000)],
        "count": [None, "none"],
    }
    made = [{name: value for name, value in zip(options, values) if value is not None}
            for values in itertools.product(*options.values())]
    random.Random(5).shuffle(made)
    return made


@pytest.mark.database("sqlite")
@pytest.mark.unsanitized
def test_memory_stays_whatever_is_asked(new_server):
    server = new_server(processes=1, threads=8)
    server.admin.get("users/").expect(200)
    seed(server.database, 2000)
    queries = combinations()
    clients = [server.admin for _ in range(4)]

    def ask(first, count):
        def part(index):
            for query in queries[first + index:first + count:4]:
                clients[index].get("users/", query=query).expect(200)
        in_parallel(4, part)

    ask(0, 1000)
    before = resident(server)
    ask(1000, 3000)
    grown = resident(server) - before
    # 20 MB for each 1,000 where statements are kept.
    assert grown < 8, f"{grown} MB more after 3,000 further statements"


@contextlib.contextmanager
def unreadable(database, table):
    """Lock the table, so that no other transaction reads it."""
    lock = {"postgresql": "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
            "mariadb": "LOCK TABLES {} WRITE"}[database.kind]
    with contextlib.closing(database.connect()) as connection:
        connection.autocommit = False
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(lock.format(table))
            yield


def test_lists_beyond_the_limit_are_told_to_come_again(new_server, tmp_path):
    """One at a time here: it takes long on SQLite, or waits for a lock, and others wait
    for its place. Who asks by key does neither, where no lock is in his way."""
    server = new_server(processes=1, threads=7, preload=compile_library(tmp_path, "slow_counts"))
    client = server.admin
    user = client.create("a@x.org", "Person")["user_uid"]
    is_sqlite = server.database.kind == "sqlite"
    held = contextlib.nullcontext() if is_sqlite else unreadable(server.database, "users")
    if not is_sqlite:
        server.allow_log("UM00(01|40)")
    slowest = []

    def ask(index):
        if index < 6:
            return server.admin.get("users/", query=HEAVY)
        while is_sqlite and sum(slowest) < 2:
            time.sleep(0.01)
            slowest.append(0.01 + timed(lambda: client.get(f"users/{user}").expect(200)))
        return None

    with held:
        results = in_parallel(7, ask)[:6]
    busy = [result for result in results if result.status == 503
            and result.json["code"] == "busy"]
    assert busy, results
    for result in busy:
        result.expect_problem(503, "busy")
        assert int(result.headers["Retry-After"]) > 0
    if is_sqlite:
        assert 200 in [result.status for result in results]
        assert statistics.median(slowest) < 0.1, slowest
    client.get("users/", query=HEAVY).expect(200)
