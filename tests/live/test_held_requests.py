# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Requests that take their time: a body that comes in pieces, a stream that is read
slowly. A role that is gone when the rest comes does not count any more."""

import base64
import itertools
import json
import socket
import time

import pytest
from api_keys import id_of, make_key
from fixtures import preload_clock
from usermgmt_env import ADMIN, NOBODY, PASSWORD, PATIENCE, SUB_ADMIN, raw_status

NUMBERS = itertools.count()
SUB = "held-sub@example.com"
OTHER_ADMIN = "other-admin@example.com"
ROLES = f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtAdmin group admins
    UserMgmtSubAdmin user {SUB_ADMIN}"""
BODY_TIMEOUT = 8 * PATIENCE


def fresh_email():
    return f"held{next(NUMBERS)}@example.com"


@pytest.fixture(scope="module")
def server(make_server):
    """SUB may be a sub-admin of the database, OTHER_ADMIN an admin by a group's file. It has one
    process, because each process remembers roles for itself."""
    made = make_server(roles=ROLES, processes=1,
                       location=f"UserMgmtBodyTimeout {BODY_TIMEOUT}\nUserMgmtRoleCacheTTL 600"
                                "\nUserMgmtKeys On",
                       start=False)
    made.set_group("admins", [OTHER_ADMIN])
    made.start()
    for login in (SUB, OTHER_ADMIN):
        made.add_login(login)
    made.admin.create(SUB, "Held sub-admin")
    return made


@pytest.fixture
def sub_admin(server):
    """The uid of SUB, who is a sub-admin when the test begins."""
    server.admin.post("sub-admins/", {"email": SUB}).expect(201)
    (user,) = server.admin.everyone(email=SUB)
    server.client(SUB).get("users/").expect(200)
    yield user["user_uid"]
    server.admin.delete("sub-admins/" + user["user_uid"])


def authorization(login):
    """The header of a login, or of a key as it is."""
    if login.startswith("Bearer "):
        return login
    return "Basic " + base64.b64encode(f"{login}:{PASSWORD}".encode()).decode()


class Held:
    """A request of which a part of the body is sent, and the rest later."""

    def __init__(self, server, login, path, body, method="POST", headers=()):
        self.body = json.dumps(body).encode()
        head = [f"{method} {server.base}/{path} HTTP/1.1", "Host: localhost",
                f"Authorization: {authorization(login)}", "Content-Type: application/json",
                f"Content-Length: {len(self.body)}", "Connection: close", *headers]
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.socket.sendall(("\r\n".join(head) + "\r\n\r\n").encode() + self.body[:5])
        # Until the caller is known and the body is waited for.
        time.sleep(0.5 * PATIENCE)

    def finish(self):
        """Send the rest; gives the status and what follows."""
        self.socket.sendall(self.body[5:])
        return self.answer()

    def answer(self):
        received = b""
        with self.socket:
            while piece := self.socket.recv(65536):
                received += piece
        return raw_status(received), received


def is_user(server, email):
    return server.sql("SELECT COUNT(*) FROM users WHERE email = ?", email) == [(1,)]


# ---- bodies ----


@pytest.mark.parametrize("seconds", [0, 1.5], ids=["at-once", "later"])
def test_a_sub_admin_is_removed_while_his_body_comes(server, sub_admin, seconds):
    email = fresh_email()
    held = Held(server, SUB, "users/", {"email": email, "display_name": "Held"})
    server.admin.delete("sub-admins/" + sub_admin).expect(200)
    time.sleep(seconds)
    status, received = held.finish()
    assert status == 403 and b'"forbidden"' in received
    assert not is_user(server, email)


def test_a_sub_admin_is_removed_by_another_server(server, sub_admin):
    """A change does not rely on the role that this server remembers."""
    email = fresh_email()
    server.sql("DELETE FROM sub_admins WHERE user_uid = ?", sub_admin)
    client = server.client(SUB)
    client.get("users/").expect(200)
    client.post("users/", {"email": email, "display_name": "Late"}).expect_problem(
        403, "forbidden")
    assert not is_user(server, email)


def test_a_kept_answer_is_not_for_one_who_was_removed(server, sub_admin):
    body = {"email": fresh_email(), "display_name": "Kept"}
    client = server.client(SUB)
    key = {"Idempotency-Key": "held"}
    client.post("users/", body, headers=key).expect(201)
    client.post("users/", body, headers=key).expect(201)
    server.sql("DELETE FROM sub_admins WHERE user_uid = ?", sub_admin)
    client.post("users/", body, headers=key).expect_problem(403, "forbidden")


def test_an_admin_leaves_the_group_while_his_body_comes(server):
    held = Held(server, OTHER_ADMIN, "sub-admins/", {"email": SUB})
    server.set_group("admins", [])
    time.sleep(1.5)
    status, received = held.finish()
    server.set_group("admins", [OTHER_ADMIN])
    assert status == 403 and b'"forbidden"' in received
    assert server.sql("SELECT COUNT(*) FROM sub_admins") == [(0,)]


@pytest.fixture
def settable(new_server):
    """A server whose OTHER_ADMIN is an admin by a group's file, and the file that sets its clock
    back by an hour."""
    made = new_server(roles=ROLES, processes=1, start=False)
    signal_file = preload_clock(made)
    made.set_group("admins", [OTHER_ADMIN])
    made.start()
    made.add_login(OTHER_ADMIN)
    made.admin.create(SUB)
    made.client(OTHER_ADMIN).get("users/").expect(200)
    return made, signal_file


def test_an_admin_leaves_the_group_while_the_clock_is_set_back(settable):
    server, signal_file = settable
    held = Held(server, OTHER_ADMIN, "sub-admins/", {"email": SUB})
    signal_file.touch()
    server.set_group("admins", [])
    time.sleep(1.5)
    status, received = held.finish()
    assert status == 403 and b'"forbidden"' in received
    assert server.sql("SELECT COUNT(*) FROM sub_admins") == [(0,)]


@pytest.mark.parametrize("sets", [False, True], ids=["clock-goes", "clock-set-back"])
def test_an_admin_is_taken_out_of_the_configuration(new_server, sets):
    """He has a body on its way in a process of before the graceful restart."""
    server = new_server(roles=f"UserMgmtAdmin user {ADMIN} {OTHER_ADMIN}", start=False)
    signal_file = preload_clock(server)
    server.start()
    server.add_login(OTHER_ADMIN)
    server.admin.create(SUB)
    for _ in range(2):
        server.client(OTHER_ADMIN).get("users/").expect(200)
    held = Held(server, OTHER_ADMIN, "sub-admins/", {"email": SUB})
    if sets:
        signal_file.touch()
    server.roles = f"UserMgmtAdmin user {ADMIN}"
    server.graceful()
    time.sleep(1.5)
    status, received = held.finish()
    assert status == 503 and b"\r\nRetry-After: 0\r\n" in received
    assert server.sql("SELECT COUNT(*) FROM sub_admins") == [(0,)]
    server.client(OTHER_ADMIN).post("sub-admins/", {"email": SUB}).expect_problem(403, "forbidden")


def head_of(server, login, method, path, body=b"", more=""):
    token = base64.b64encode(f"{login}:{PASSWORD}".encode()).decode()
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n").encode()


@pytest.fixture
def leaving(new_server):
    """A server whose OTHER_ADMIN is about to be taken out of its configuration."""
    server = new_server(roles=f"UserMgmtAdmin user {ADMIN} {OTHER_ADMIN}")
    server.add_login(OTHER_ADMIN)
    server.admin.create(SUB)
    server.client(OTHER_ADMIN).get("users/").expect(200)
    return server


def take_out(server):
    server.roles = f"UserMgmtAdmin user {ADMIN}"
    server.graceful()


@pytest.mark.parametrize("parked", [40, 100], ids=["line", "header"])
def test_a_header_that_is_held_over_a_restart(leaving, parked):
    body = json.dumps({"email": SUB}).encode()
    request = head_of(leaving, OTHER_ADMIN, "POST", leaving.base + "/sub-admins/", body,
                      "Connection: close\r\n") + body
    with socket.create_connection(("127.0.0.1", leaving.port), timeout=30) as client:
        client.sendall(request[:parked])
        time.sleep(0.3)
        take_out(leaving)
        time.sleep(1.2)
        received = b""
        try:
            client.sendall(request[parked:])
            while piece := client.recv(65536):
                received += piece
        except OSError:
            pass
    # An old process says that it can't tell, a new one knows.
    assert received == b"" or raw_status(received) in (403, 503)
    assert leaving.sql("SELECT COUNT(*) FROM sub_admins") == [(0,)]


def test_a_connection_that_an_old_process_accepted(leaving):
    """Its request comes just after the restart, at once and complete, so it is answered."""
    request = head_of(leaving, ADMIN, "GET", leaving.base + "/users/", more="Connection: close\r\n")
    # More than a second on a busy machine proves nothing.
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", leaving.port), timeout=30) as client:
            client.sendall(request[:5])
            time.sleep(0.3)
            started = time.monotonic()
            leaving.graceful()
            client.sendall(request[5:])
            status = raw_status(client.recv(1000))
            took = time.monotonic() - started
        if took < 1:
            break
    assert took < 1 and status == 200, (took, status)


def test_a_request_behind_a_slow_one_over_a_restart(leaving):
    """It is read by the old process after the restart."""
    (leaving.directory / "htdocs/large").write_bytes(b"x" * 30_000_000)
    body = json.dumps({"email": SUB}).encode()
    received = b""
    with socket.create_connection(("127.0.0.1", leaving.port), timeout=30) as client:
        client.sendall(head_of(leaving, OTHER_ADMIN, "GET", "/large")
                       + head_of(leaving, OTHER_ADMIN, "POST", leaving.base + "/sub-admins/", body,
                                 "Connection: close\r\n") + body)
        received = client.recv(1000)
        take_out(leaving)
        try:
            while piece := client.recv(1 << 20):
                received = received[-5000:] + piece
        except OSError:
            pass
    assert b" 201 " not in received[-5000:]
    assert leaving.sql("SELECT COUNT(*) FROM sub_admins") == [(0,)]


def test_a_body_that_nobody_reads_holds_no_worker(new_server):
    server = new_server(processes=1, threads=8)
    sockets = []
    try:
        for _ in range(12):
            client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            sockets.append(client)
            client.sendall(head_of(server, NOBODY, "POST", server.base + "/users/")
                           .replace(b"Content-Length: 0", b"Content-Length: 100000000") + b"{")
            assert raw_status(client.recv(1000)) == 403
        started = time.monotonic()
        server.admin.get("users/", fresh=True).expect(200)
        assert time.monotonic() - started < 5 * PATIENCE
    finally:
        for client in sockets:
            client.close()


def test_a_body_in_time(server, admin):
    """A slow one is fine as long as it comes within UserMgmtBodyTimeout."""
    email = fresh_email()
    held = Held(server, ADMIN, "users/", {"email": email, "display_name": "Slow"})
    time.sleep(2)
    status, _ = held.finish()
    assert status == 201
    assert len(admin.everyone(email=email)) == 1


@pytest.mark.parametrize("drips", [True, False], ids=["drips", "stops"])
def test_a_body_that_comes_too_slowly(server, drips):
    email = fresh_email()
    started = time.monotonic()
    held = Held(server, ADMIN, "users/", {"email": email, "display_name": "x" * 200})
    try:
        for at in range(5, 200):
            if time.monotonic() - started > BODY_TIMEOUT + 0.5:
                break
            if drips:
                held.socket.sendall(held.body[at:at + 1])
            time.sleep(0.2)
    except OSError:
        pass
    status, received = held.answer()
    assert time.monotonic() - started < BODY_TIMEOUT + 5
    assert status == 408 and b'"request_timeout"' in received
    assert b"\r\nConnection: close\r\n" in received
    assert not is_user(server, email)


# ---- streams ----


class SlowStream:
    """A stream of all users whose reader has read the first piece only."""

    def __init__(self, server, login):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall((f"GET {server.base}/users/ HTTP/1.1\r\nHost: localhost\r\n"
                             f"Authorization: {authorization(login)}\r\nConnection: close\r\n"
                             "Accept: application/x-ndjson\r\n\r\n").encode())
        self.received = self.socket.recv(1024)

    def rest(self):
        # From now on it reads as fast as it can.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        pieces = [self.received]
        with self.socket:
            try:
                while pieces[-1]:
                    pieces.append(self.socket.recv(65536))
            except ConnectionError:
                pass
        return b"".join(pieces)

    @staticmethod
    def is_whole(received):
        return received.endswith(b"\r\n0\r\n\r\n")


@pytest.fixture(scope="module")
def many(server):
    """More users than the sockets' buffers hold."""
    make_many(server)


def make_many(server):
    for index in range(1200):
        server.admin.create(f"many{index}@example.com", "x" * 200, note="y" * 8000)


def test_a_sub_admin_is_removed_while_he_reads(server, many, sub_admin):
    del many
    stream = SlowStream(server, SUB)
    server.admin.delete("sub-admins/" + sub_admin).expect(200)
    late = fresh_email()
    server.admin.create(late, "Made after the removal")
    received = stream.rest()
    assert raw_status(received) == 200
    assert late.encode() not in received
    assert not stream.is_whole(received)
    assert "UM0080" in server.log_text()


def test_a_key_is_revoked_while_it_reads(server, many):
    del many
    for revokes in (False, True):
        text = make_key(server.admin)
        stream = SlowStream(server, f"Bearer {text}")
        if revokes:
            server.admin.delete("api-keys/" + id_of(text)).expect(200)
        received = stream.rest()
        assert raw_status(received) == 200
        assert stream.is_whole(received) != revokes


def test_a_configured_sub_admin_is_suspended_while_he_reads(server, many):
    """By a change that does not come through this server."""
    del many
    user = server.admin.create(SUB_ADMIN)
    stream = SlowStream(server, SUB_ADMIN)
    server.sql("UPDATE users SET active = 0 WHERE user_uid = ?", user["user_uid"])
    received = stream.rest()
    server.admin.delete("users/" + user["user_uid"]).expect(200)
    assert raw_status(received) == 200
    assert not stream.is_whole(received)


def test_an_admin_leaves_the_group_while_he_reads(server, many):
    del many
    stream = SlowStream(server, OTHER_ADMIN)
    server.set_group("admins", [])
    time.sleep(1.5)
    received = stream.rest()
    server.set_group("admins", [OTHER_ADMIN])
    assert raw_status(received) == 200
    assert not stream.is_whole(received)


def test_an_admin_leaves_the_group_while_he_reads_and_the_clock_is_set_back(settable):
    server, signal_file = settable
    make_many(server)
    stream = SlowStream(server, OTHER_ADMIN)
    signal_file.touch()
    server.set_group("admins", [])
    time.sleep(1.5)
    received = stream.rest()
    assert raw_status(received) == 200
    assert not stream.is_whole(received)
    assert "UM0080" in server.log_text()


def test_one_who_keeps_his_role_reads_to_the_end(server, many, sub_admin):
    del many, sub_admin
    stream = SlowStream(server, SUB)
    time.sleep(2)
    received = stream.rest()
    assert raw_status(received) == 200 and stream.is_whole(received)


def test_a_stream_never_waits_for_a_second_connection(new_server):
    """There is one: to ask who the reader is, the stream does not hold it."""
    server = new_server(processes=1, pool={"UserMgmtConnections": 1},
                        location="UserMgmtRoleCacheTTL 0")
    make_many(server)
    stream = SlowStream(server, ADMIN)
    time.sleep(2)
    received = stream.rest()
    assert raw_status(received) == 200 and stream.is_whole(received)
