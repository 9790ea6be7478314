# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The resources that one caller can take from all others, and their limits: memory, by bodies
and by pages that the client does not read, and workers, by streams that are read slowly."""

import contextlib
import json
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from test_listing import put_users, resident_kib
from usermgmt_env import (ADMIN, NOBODY, PATIENCE, SANITIZED, ConnectionLost, Workers,
                          in_parallel, raw_status, wait_for)

NDJSON = {"Accept": "application/x-ndjson"}
# What malloc and the sanitizers keep of what was freed.
SLACK_KIB = 400_000 if SANITIZED else 0

# Sixty readers at once wait longer for one of 12 connections where a sanitizer slows
# each of their pages down; what is looked at here is memory and workers.
PATIENT = {"UserMgmtConnectionWait": "30s"}


def peak_kib(server):
    """The most memory that the children ever had in use, added up."""
    return sum(int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))
               for pid in server.children())


def warm_up(server):
    """Have as many connections to the database as there will be, with what each keeps of it:
    on SQLite that is up to 8 MB."""
    in_parallel(64, lambda _: server.admin.get("users/?limit=1000", fresh=True).expect(200))


class Reader:
    """Asks for something large and reads no more than the first bytes until it is told to."""

    def __init__(self, server, target, headers=()):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(30 * PATIENCE)
        self.socket.connect(("127.0.0.1", server.port))
        lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close",
                 f"Authorization: {server.admin.headers['Authorization']}", *headers]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.received = b""

    def start(self):
        """Wait for the first bytes of the answer; gives its status."""
        while len(self.received) < 64:
            piece = self.socket.recv(64)
            assert piece, self.received
            self.received += piece
        return raw_status(self.received)

    def rest(self):
        """All of the answer, as it came."""
        # From now on it reads as fast as it can.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        pieces = [self.received]
        while pieces[-1]:
            pieces.append(self.socket.recv(1 << 20))
        return b"".join(pieces)

    def close(self):
        self.socket.close()


def read_streams(server, count):
    """Readers of the stream of all users; gives them by the status they got."""
    readers = [Reader(server, "/user-management/users/", ["Accept: application/x-ndjson"])
               for _ in range(count)]
    found = {}
    for reader in readers:
        found.setdefault(reader.start(), []).append(reader)
    return found


def close(readers):
    for some in readers.values():
        for reader in some:
            reader.close()


# ---- memory ----


@pytest.mark.parametrize("login, path", [(NOBODY, "invitations/accept"), (ADMIN, "users/")])
def test_bodies_of_many_small_values_take_no_memory(new_server, login, path):
    """A body of 1 MB took 80 MB while it was parsed."""
    server = new_server(processes=1, threads=64)
    client = server.client(login)
    before = peak_kib(server)

    def ask(elements):
        body = b'{"a":[' + b"{}," * elements + b"{}]}"
        try:
            return client.post(path, body, fresh=True).status
        except ConnectionLost:
            # The server does not read to the end what it refuses.
            return 413

    assert set(in_parallel(24, lambda _: ask(349_000))) == {413}
    assert set(in_parallel(24, lambda _: ask(43_000))) <= {413, 400}
    assert peak_kib(server) - before < 60_000 + SLACK_KIB
    # The most values that are taken, in as many requests at once as there are workers.
    assert set(in_parallel(64, lambda _: ask(9_990))) <= {413, 400}
    assert peak_kib(server) - before < 200_000 + SLACK_KIB


def test_who_may_not_sends_no_body(server):
    """Without a permission the body is not even waited for."""
    for target in (b"POST /user-management/users/", b"PATCH /user-management/users/x",
                   b"POST /user-management/invitations/", b"POST /user-management/sessions/",
                   b"DELETE /user-management/sub-admins/"):
        started = time.monotonic()
        received = server.raw_request(target + b" HTTP/1.1", login=NOBODY, timeout=5, headers=[
            b"Content-Type: application/json", b"Content-Length: 4000"])
        assert raw_status(received) == 403 and b"Expect" not in received
        assert time.monotonic() - started < 4


@pytest.mark.parametrize("query", ["limit=1000", "limit=1000&end_before_id=z"])
def test_pages_that_nobody_reads(new_server, query):
    """Sixty pages of 1,000 users with 16 KB each took 1.1 GB."""
    server = new_server(processes=1, threads=64, pool=PATIENT)
    put_users(server, 1000, {"s": "0" * 16000})
    target = f"/user-management/users/?{query}"
    warm_up(server)
    before = resident_kib(server)
    readers = [Reader(server, target) for _ in range(60)]
    assert {reader.start() for reader in readers} == {200}
    assert resident_kib(server) - before < 100_000 + SLACK_KIB
    # Nor do they keep the workers: the 64 and more are read by nobody.
    readers += [Reader(server, target) for _ in range(10)]
    assert {reader.start() for reader in readers} == {200}
    started = time.monotonic()
    server.admin.get("users/u00001").expect(200)
    assert time.monotonic() - started < 2 * PATIENCE
    for reader in readers:
        reader.close()


def test_memory_is_given_back(new_server):
    """Connections that stay open keep nothing of the large answers that they had."""
    server = new_server(processes=1, threads=64)
    put_users(server, 1000, {"s": "0" * 900})
    before = resident_kib(server)
    clients = [server.admin for _ in range(64)]
    for client in clients:
        client.get("users/", query={"limit": 1000, "count": "none"}).expect(200)
    assert resident_kib(server) - before < 40_000 + SLACK_KIB
    for client in clients:
        client.close()


# ---- pages and streams that end by their bytes ----


def put_mixed(server):
    """Users of all sizes: hundreds of small ones, then large ones, then both in turns."""
    server.admin.get("users/").expect(200)
    org_id = server.sql("SELECT org_id FROM organizations WHERE name = 'default'")[0][0]
    for i in range(900):
        size = 10 if i < 350 else 16000 if i < 500 else (16000, 20, 3000)[i % 3]
        server.sql("INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
                   " display_name_folded, attributes, created_at, updated_at)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                   org_id, f"u{i:05}", f"m{i * 7 % 900:03}@example.com",
                   f"m{i * 7 % 900:03}@example.com", "Same", "same",
                   json.dumps({"s": "0" * size}), 1700000000000 + i // 300, 1700000000000)


@pytest.fixture(scope="module")
def mixed(make_server):
    server = make_server(processes=1, threads=16)
    put_mixed(server)
    return server


def without_cursors(page):
    """The bytes of a page apart from its cursors, which are as long as an entry's value."""
    return len(page.raw) - sum(len(page.json[name] or "") for name in ("next_cursor",
                                                                       "prev_cursor"))


ORDERS = ["user_uid", "-user_uid", "display_name", "-created_at", "email", "-email"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1000, 300])
def test_a_page_that_ends_early_leads_on(mixed, order, limit):
    admin = mixed.admin
    wanted = admin.everyone(order_by=order)
    assert len(wanted) == 900
    page = admin.get("users/", query={"order_by": order, "limit": limit, "count": "none"})
    pages = [page.expect(200)]
    while "next" in page.links:
        page = admin.follow(page, "next").expect(200)
        pages.append(page)
    assert [user for page in pages for user in page.json["users"]] == wanted
    assert "prev" not in pages[0].links
    for page in pages:
        users = page.json["users"]
        assert 1 <= len(users) <= limit and without_cursors(page) < 1048576 + 200
        assert page.json["first_uid"] == users[0]["user_uid"]
        assert page.json["last_uid"] == users[-1]["user_uid"]
    # Those before the last are full, by count or by bytes.
    assert all(len(page.json["users"]) == limit or len(page.raw) > 1048576 - 17000
               for page in pages[:-1])
    assert len(pages) > 900 // limit + 1
    back = []
    while "prev" in page.links:
        page = admin.follow(page, "prev").expect(200)
        assert 1 <= len(page.json["users"]) <= limit
        assert without_cursors(page) < 1048576 + 200
        back[:0] = page.json["users"]
    assert back == wanted[:len(back)] and len(back) == 900 - len(pages[-1].json["users"])


def test_early_ends_between_two_cursors(mixed):
    admin = mixed.admin
    uids = [f"u{i:05}" for i in range(900)]
    query = {"limit": 1000, "start_after_id": uids[340], "end_before_id": uids[800]}
    page = admin.get("users/", query=query).expect(200)
    found = [user["user_uid"] for user in page.json["users"]]
    assert found == uids[341:341 + len(found)] and 10 < len(found) < 459
    assert page.json["query_count"] == 900 and set(page.links) == {"next", "prev"}
    following = admin.follow(page, "next").expect(200).json["users"]
    assert following[0]["user_uid"] == uids[341 + len(found)]
    # All that there is between them, though more is behind.
    page = admin.get("users/", query={**query, "end_before_id": uids[345]}).expect(200)
    assert [user["user_uid"] for user in page.json["users"]] == uids[341:345]
    assert set(page.links) == {"next", "prev"}
    before = admin.get("users/", query={"limit": 1000, "end_before_id": uids[800]}).expect(200)
    found = [user["user_uid"] for user in before.json["users"]]
    assert found == uids[800 - len(found):800] and set(before.links) == {"next", "prev"}


def test_pages_about_as_long_as_what_one_statement_reads(make_server):
    server = make_server(processes=1, threads=8)
    put_users(server, 800, {"s": "0"})
    uids = [f"u{i:05}" for i in range(1, 801)]
    for limit in (1, 99, 100, 101, 102, 250, 251, 252, 350, 351, 352, 600, 601, 602, 799, 800):
        for query, found, links in (
                ({}, uids[:limit], {"next"} if limit < 800 else set()),
                ({"start_after_id": uids[0]}, uids[1:limit + 1],
                 {"next", "prev"} if limit < 799 else {"prev"}),
                ({"end_before_id": "z"}, uids[-limit:], {"prev"} if limit < 800 else set()),
                ({"end_before_id": uids[limit - 1]}, uids[:limit - 1], {"next"})):
            page = server.admin.get("users/", query={"limit": limit, **query}).expect(200)
            assert [user["user_uid"] for user in page.json["users"]] == found
            assert set(page.links) == links, (limit, query)


@pytest.mark.parametrize("order", ORDERS)
def test_streams_of_all_sizes(mixed, order):
    admin = mixed.admin
    wanted = [row[0] for row in mixed.sql(
        "SELECT user_uid FROM users ORDER BY user_uid")]
    lines = admin.everyone(order_by=order)
    assert sorted(line["user_uid"] for line in lines) == wanted
    for limit in (1, 101, 250, 251, 500, 900, 1000):
        assert admin.everyone(order_by=order, limit=limit) == lines[:limit]
        cursor = lines[700]["user_uid"]
        assert admin.everyone(order_by=order, limit=limit, end_before_id=cursor) \
            == lines[max(0, 700 - limit):700]
        assert admin.everyone(order_by=order, limit=limit, start_after_id=cursor) \
            == lines[701:701 + limit]


# ---- workers ----


def refusals(readers):
    """The answers of the readers that were refused."""
    for reader in readers.get(503, []):
        received = reader.rest()
        assert b"Retry-After: 5" in received and b'"too_many_streams"' in received
    return len(readers.get(503, []))


def check_slow_readers(server, count, streams):
    """So many streams are sent to so many who read slowly, and all else goes on."""
    server.allow_log("UM0110")
    warm_up(server)
    before = resident_kib(server)
    with server.expect_log("UM0110"):
        readers = read_streams(server, count)
    assert refusals(readers) == count - streams and len(readers[200]) == streams
    assert resident_kib(server) - before < streams * 2000 + 30_000 + SLACK_KIB
    for path in ("users/u00001", "users/?limit=1000", "organization-status/"):
        server.admin.get(path, fresh=True).expect(200)
    # What fits into one batch keeps no worker, so it is not refused.
    assert len(server.admin.everyone(limit=10)) == 10
    # They do get all, and then there is room for another.
    last = readers[200].pop()
    assert last.rest().count(b'"user_uid"') == 1000
    last.close()
    wait_for(lambda: server.admin.get("users/", headers=NDJSON, fresh=True).status == 200, 10,
             "a place for a stream")
    close(readers)


def test_slow_readers_of_streams(new_server):
    server = new_server(processes=1, threads=64, pool=PATIENT)
    put_users(server, 1000, {"s": "0" * 16000})
    check_slow_readers(server, 70, 16)


def test_how_many_streams_may_be_set(new_server):
    server = new_server(processes=1, threads=16, extra="UserMgmtMaxStreams 2", pool=PATIENT)
    put_users(server, 1000, {"s": "0" * 16000})
    check_slow_readers(server, 5, 2)


def test_slow_readers_where_a_process_is_a_worker(new_server):
    """The processes share the places, and one that is killed leaves its own."""
    server = new_server(mpm="prefork", processes=8)
    put_users(server, 1000, {"s": "0" * 16000})
    server.allow_log("UM0110")
    readers = read_streams(server, 7)
    assert refusals(readers) == 5 and len(readers[200]) == 2
    server.admin.get("users/u00001", fresh=True).expect(200)
    server.allow_log("AH00051|AH00052|exit signal")
    for pid in server.children():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: server.raw_request(b"GET /user-management/users/u00001 HTTP/1.1")
             .startswith(b"HTTP/1.1 200 "), 10, "new processes")
    again = read_streams(server, 4)
    assert refusals(again) == 2 and len(again[200]) == 2
    close(readers)
    close(again)


def test_at_least_one_stream_is_sent(new_server):
    server = new_server(processes=1, threads=2)
    put_users(server, 600, {"s": "0" * 4000})
    assert len(server.admin.everyone()) == 600


def test_places_come_back_from_those_who_leave(new_server):
    server = new_server(processes=1, threads=16)
    put_users(server, 1000, {"s": "0" * 16000})
    server.allow_log("UM0110")
    for _ in range(5):
        readers = read_streams(server, 4)
        assert set(readers) == {200}
        close(readers)
        wait_for(lambda: server.admin.get("users/", headers=NDJSON, fresh=True).status == 200,
                 10, "a place for a stream")


# ---- a graceful restart ----

PROCESSES = ["ServerLimit", "StartServers", "ThreadLimit", "ThreadsPerChild", "MinSpareThreads",
             "MaxSpareThreads", "MaxRequestWorkers"]


def advised_processes(path):
    """The lines that a file advises for the processes: name and value."""
    text = (Path(__file__).resolve().parents[2] / path).read_text()
    lines = dict(re.findall(rf"^ *({'|'.join(PROCESSES)}) +(\d+)$", text, re.MULTILINE))
    assert list(lines) == PROCESSES
    return lines


class Load(Workers):
    """Clients who ask without a pause, each time over a new connection."""

    def __init__(self, server, count):
        super().__init__()
        self.problems = []
        self.done = 0
        self.threads = [threading.Thread(target=self._run, args=(server.admin, n))
                        for n in range(count)]

    def _run(self, client, index):
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                if number % 2:
                    result = client.get("users/u00001", fresh=True)
                else:
                    result = client.post("users/", {"email": f"l{index}-{number}@example.com",
                                                    "display_name": "L"}, fresh=True)
                if result.status not in (200, 201):
                    self.problems.append(result)
            except (ConnectionLost, OSError) as error:
                self.problems.append(error)
            self.done += 1


def test_graceful_restarts_while_a_client_reads_slowly(new_server):
    """As README.md and build/quickstart advise. With ServerLimit 1 nobody was served until the
    slowest client had its answer."""
    lines = advised_processes("README.md")
    assert lines == advised_processes("build/quickstart")
    server = new_server(processes=1, threads=64,
                        extra="".join(f"{name} {value}\n" for name, value in lines.items()))
    put_users(server, 1000, {"s": "0" * 16000})
    assert len(server.children()) == 1
    before = server.admin.everyone()
    with contextlib.ExitStack() as readers:
        streams = []
        with Load(server, 4) as load:
            for _ in range(3):
                stream, = read_streams(server, 1)[200]
                streams.append(readers.enter_context(contextlib.closing(stream)))
                time.sleep(0.3)
                server.graceful()
                done = load.done
                wait_for(lambda: load.done > done + 20, 10, "requests after the restart")
            assert len(server.children()) == 4
        assert not load.problems, load.problems[:5]
        # Each stream goes on to its end, in the process that began it.
        for stream in streams:
            received = stream.rest()
            assert received.endswith(b"\r\n0\r\n\r\n")
            assert received.count(b'{"user_uid":"u') == len(before) == 1000
    wait_for(lambda: len(server.children()) == 1, 20, "the old processes' end")


@pytest.mark.parametrize("line, said", [
    ("UserMgmtMaxStreams 0", "is no number of streams from 1 to 100000"),
    ("UserMgmtMaxStreams -1", "is no number of streams"),
    ("UserMgmtMaxStreams 100001", "is no number of streams"),
    ("UserMgmtMaxStreams 4k", "is no number of streams"),
    ("UserMgmtMaxStreams", "takes one argument"),
    ("<VirtualHost *:1>\nUserMgmtMaxStreams 4\n</VirtualHost>", "VirtualHost"),
])
def test_bad_numbers_of_streams_are_refused(new_server, line, said):
    new_server(start=False, extra=line).expect_config_error(said)
