# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Hostile input is refused or stored unchanged, and harms nothing."""

import itertools
import json
import random
import socket
import time

import pytest
from usermgmt_env import ADMIN, PATIENCE, ConnectionLost, in_parallel, raw_status

NUMBERS = itertools.count()
BASE = b"/user-management"
INJECTIONS = [
    "'; DROP TABLE users; --", "' OR '1'='1", "\" OR 1=1 --", "1); DELETE FROM users; --",
    "x' UNION SELECT 1,2,3,4,5,6,7,8,9 --", "%s%s%s%n", "%lld", "%", "%%", "\\", "\\'", "`", "$1",
    "?1", ":a", "@a", "/* */", "'||(SELECT 1)||'", "\r\nX-Injected: 1", "<script>alert(1)</script>",
    "${jndi:ldap://x}", "%{REMOTE_USER}", "../../../etc/passwd", "null", "NaN", "{{7*7}}", "a\tb",
    "\u202eabc", "\ufeff", "\U0010ffff", "a" * 4000,
]


def fresh_email():
    return f"h{next(NUMBERS)}@hostile.example.com"


@pytest.fixture(autouse=True)
def all_is_well_afterwards(server):
    """The server still serves, has lost nobody and has the tables it had."""
    admin = server.admin
    witness = admin.create(fresh_email(), "Witness")
    children = set(server.children())
    tables = server.database.tables()
    yield
    assert server.admin.read(witness["user_uid"]) == witness
    assert set(server.children()) == children, "a child process ended"
    assert server.database.tables() == tables
    assert server.sql("SELECT name FROM organizations") == [("default",)]


# ---- SQL in every place ----


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_text_is_text_in_every_member(admin, text):
    user = admin.create(fresh_email(), "x", note=text, nested={"a": [text]})
    assert admin.read(user["user_uid"])["note"] == text
    path = "users/" + user["user_uid"]
    for body in ({"email": text}, {"display_name": text}, {"phone": text}, {"user_uid": text},
                 {"role": text}, {"created_at": text}, {text: 1}, {"email": text + "@x.org"}):
        result = admin.put(path, body)
        assert result.status in (200, 400, 409), result
    read = admin.read(user["user_uid"])
    assert read["note"] == text and read["nested"] == {"a": [text]}
    for path in ("users/", "sub-admins/"):
        for body in ({"user_uid": text}, {"user_uid": text, "email": text}):
            assert admin.delete(path, body).status in (400, 404, 413)
        for body in ({"user_uid": text}, {"email": text}):
            assert admin.post(path, body).status in (400, 404, 413)
    admin.delete("users/" + user["user_uid"]).expect(200)


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_text_is_text_in_every_parameter(admin, text):
    for name in ("email", "phone", "display_name", "q"):
        result = admin.get("users/", query={name: text})
        if text == "\ufeff" and name in ("display_name", "q"):
            # It folds to nothing, and a filter is never ignored.
            result.expect_faults((name, "invalid_value"))
        else:
            assert result.expect(200).json["query_count"] == 0, result
    for name in ("user_uid", "role", "limit", "order_by", "start_after_id", "end_before_id",
                 "created_after", "created_before", "count", text):
        result = admin.get("users/", query={name: text})
        # Some are what a cursor may be, though nobody's.
        is_cursor = name.endswith("_id") and text.isalnum() and len(text) <= 128
        assert result.status == 200 if is_cursor else result.status in (400, 404), result
        assert result.headers["X-Injected"] is None
    quoted = "".join(f"%{byte:02x}" for byte in text.encode())
    for method in ("GET", "PUT", "DELETE"):
        for path in ("users/", "sub-admins/"):
            result = admin.ask(method, path + quoted, None if method == "GET" else {})
            # httpd itself refuses %2f, which some of the texts hold, and long lines.
            assert result.status in (400, 403, 404, 405, 414), result


@pytest.mark.parametrize("text", [text for text in INJECTIONS if "\r" not in text
                                  and all(ord(c) < 256 for c in text)],
                         ids=lambda text: str(INJECTIONS.index(text)))
def test_text_is_text_in_every_header(admin, text):
    for name in ("Accept", "Content-Type", "Content-Encoding", "If-Match", "If-None-Match",
                 "Origin", "Sec-Fetch-Site", "Idempotency-Key", "X-Forwarded-For", "Cookie",
                 "User-Agent", "Referer", "Range", "Expect", "If-Modified-Since"):
        for method in ("GET", "POST"):
            result = admin.ask(method, "users/", None if method == "GET" else
                               {"email": fresh_email(), "display_name": "A"},
                               headers={name: text}, fresh=True)
            assert result.status < 500, (name, result)


# ---- bytes that are no text, JSON that is none ----


BROKEN = [b"\xff", b"\xc3", b"\xc3\x28", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf",
          b"\xf8\x88\x80\x80\x80", b"\x80", b"\xfe\xff", b"\x00", b"a\x00b"]


@pytest.mark.parametrize("piece", BROKEN)
def test_broken_text_in_bodies(admin, piece):
    email = fresh_email().encode()
    for body in (b'{"email":"' + piece + b'","display_name":"A"}',
                 b'{"email":"' + email + b'","display_name":"A' + piece + b'"}',
                 b'{"email":"' + email + b'","display_name":"A","x":"' + piece + b'"}',
                 b'{"email":"' + email + b'","display_name":"A","' + piece + b'":1}',
                 b'{"email":"' + email + b'","display_name":"A"}' + piece,
                 piece + b"{}", piece):
        result = admin.post("users/", body).expect(400)
        assert result.headers["Content-Type"] == "application/problem+json"
        json.loads(result.raw.decode("utf-8", "strict"))


@pytest.mark.parametrize("piece", BROKEN)
def test_broken_text_in_targets(server, piece):
    escaped = "".join(f"%{byte:02X}" for byte in piece).encode()
    for target in (BASE + b"/users/?q=" + escaped, BASE + b"/users/?" + escaped + b"=1",
                   BASE + b"/users/" + escaped, BASE + b"/" + escaped, b"/" + escaped):
        received = server.raw_request(b"GET " + target + b" HTTP/1.1")
        assert raw_status(received) in (400, 404), received
        body = received.partition(b"\r\n\r\n")[2]
        if b"problem+json" in received:
            json.loads(body.decode("utf-8", "strict"))
        if piece.isascii():
            continue
        raw = target.replace(escaped, piece)
        assert raw_status(server.raw_request(b"GET " + raw + b" HTTP/1.1")) in (400, 404)


@pytest.mark.parametrize("body", [
    b"[" * 100000, b'{"a":' * 20000, b"[" * 60000 + b"]" * 60000, b"{" * 130000,
    b'{"a":"' + b"\\u0041" * 20000 + b'"}', b'{"a":' + b"9" * 130000 + b"}",
    b'{"a":1e' + b"9" * 1000 + b"}", b'{"a":0.' + b"0" * 130000 + b"1}",
    b"{" + b",".join(b'"a%d":1' % number for number in range(9000)) + b"}",
    b"{" + b",".join(b'"a":1' for number in range(9000)) + b"}",
    b'{"a":"' + b"x" * 130000 + b'"}', b" " * 130000, b'"' * 100000, b"\\" * 100000,
    b"tru", b"-", b'{"a":tru}', b"{}{}", b"\xef\xbb\xbf{}", b'{"a":+1}', b"{,}", b'{"a" 1}',
    b'{a:1}', b"//x\n{}", b"{}\0", b'{"a":"\n"}', b'{"\\ud800":1}', b'{"a":0x10}', b"Infinity",
], ids=range(29))
def test_odd_json(admin, body):
    user = admin.create(fresh_email())
    for result in (admin.post("users/", body, fresh=True),
                   admin.put("users/" + user["user_uid"], body, fresh=True),
                   admin.delete("sub-admins/", body[:4096], fresh=True)):
        result.expect(400)
        assert len(result.raw) < 10000000
    assert admin.read(user["user_uid"]) == user


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_3_mb(admin, chunked):
    user = admin.create(fresh_email())
    body = b'{"a":"' + b"x" * 3000000 + b'"}'
    for method, path in (("POST", "users/"), ("PUT", "users/" + user["user_uid"]),
                         ("DELETE", "users/"), ("POST", "sub-admins/")):
        admin.ask(method, path, body, chunked=chunked, fresh=True) \
            .expect_problem(413, "body_too_large")
    # Where nobody looks at it, it harms nobody.
    admin.ask("GET", "users/", body, chunked=chunked, fresh=True).expect(200)
    admin.ask("POST", "nothing", body, chunked=chunked, fresh=True).expect(404)


@pytest.mark.parametrize("number", ["5e-324", "2.2250738585072011e-308"])
def test_numbers_that_take_long_to_write_hold_nobody(admin, number):
    user = admin.create(fresh_email(), "x", note="kept")
    path = "users/" + user["user_uid"]
    count = min(9000, 130_000 // (len(number) + 1))
    body = f'{{"a":[{",".join([number] * count)}]}}'

    def ask(index):
        started = time.monotonic()
        if index == 0:
            admin.put(path, body).expect_faults(("attributes", "attributes_too_large"))
        elif index % 2 == 0:
            admin.put("users/" + own[index], {"note": "changed"}).expect(200)
        else:
            admin.get(path).expect(200)
        return time.monotonic() - started

    own = [admin.create(fresh_email(), "x")["user_uid"] for _ in range(4)]
    assert max(in_parallel(4, ask)) < 1 * PATIENCE
    assert admin.read(user["user_uid"]) == user


def test_duplicate_members_never_win(admin):
    user = admin.create(fresh_email())
    for body in ('{"user_uid":"%s","user_uid":"x"}' % user["user_uid"],
                 r'{"user_uid":"x","user\u005fuid":"%s"}' % user["user_uid"]):
        admin.delete("users/", body).expect_problem(400, "duplicate_key")
    admin.read(user["user_uid"])


def test_random_bodies(admin):
    """Good bodies with bytes changed: never a 5xx, never an answer that is no JSON."""
    dice = random.Random(7)
    good = json.dumps({"email": "fuzz@example.com", "display_name": "Zoë", "a": [1, 2.5, None],
                       "o": {"k": "v\u00e9"}}, ensure_ascii=False).encode()
    for _ in range(300):
        body = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(body))
            action = dice.randrange(3)
            if action == 0:
                body[at] = dice.randrange(256)
            elif action == 1:
                del body[at]
            else:
                body.insert(at, dice.choice(b'{}[]",:\\0\x00\xff'))
        result = admin.post("users/", bytes(body))
        assert result.status in (201, 400, 409), (bytes(body), result)
        if result.status == 201:
            admin.delete("users/" + result.json["userData"]["user_uid"]).expect(200)


# ---- paths ----


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("target, statuses", [
    (b"//user-management//users//", {200}),
    (b"/user-management/./users/", {200}),
    (b"/user-management/users/../users/", {200}),
    (b"/x/../user-management/users/", {200}),
    (b"http://localhost/user-management/users/", {200}),
    (b"/user-management/%75sers/", {200}),
    (b"/user-management%2fusers/", {404}),
    (b"/user-management/users%2f", {404}),
    (b"/user-management/users/%2e%2e/%2e%2e/page.txt", {200}),
    (b"/user-management/users/..%2f..%2fpage.txt", {404}),
    (b"/user-management/..;/users/", {404}),
    (b"/user-management/users;a=b/", {404}),
    (b"/user-management/users%00/", {400, 404}),
    (b"/user-management/users/%00", {400, 404}),
    (b"/user-management/users\\", {404}),
    (b"/user-management/users/%0d%0aX-Injected:%201", {400, 404}),
    (b"/user-management/users/%", {400}),
    (b"/user-management/users/%zz", {400}),
    (b"/../user-management/users/", {400, 200}),
    (b"/user-management/../../etc/passwd", {400}),
    (b"user-management/users/", {400}),
    (b"", {400}),
    (b"*", {400, 404}),
    (b"/USER-MANAGEMENT/users/", {404}),
    (b"/user-managementusers/", {404}),
    (b"/user-management.users/", {404}),
    (b"/user-management/users/#x", {400, 404}),
    (b"/user-management/users/?limit=1#x", {400}),
    (b"/user-management/users/ /x", {400}),
    (b"/user-management/users/" + b"x" * 8000, {404}),
    (b"/user-management/users/" + b"x" * 9000, {414}),
    (b"/user-management/users/?q=" + b"x" * 5000, {400}),
    (b"/user-management/users/?" + b"&".join(b"a%d=1" % n for n in range(600)), {400}),
    (b"/user-management/users/?" + b"a&" * 2047, {400}),
    (b"/user-management" + b"/a" * 2000, {404}),
    (b"/user-management/users/" + b"../" * 500, {400, 404}),
])
def test_odd_targets(server, target, statuses):
    server.allow_log("AH(00127|10244|02430|00135|00565|00124|02811)")
    received = server.raw_request(b"GET " + target + b" HTTP/1.1")
    assert raw_status(received) in statuses, received[:500]
    assert b"X-Injected" not in received.partition(b"\r\n\r\n")[0]


@pytest.mark.database("sqlite")
def test_prefix_look_alikes_are_not_served(server):
    """/user-managementX is another place, with no authentication asked."""
    received = server.raw_request(b"GET /user-managementx/users/ HTTP/1.1", login=None)
    assert raw_status(received) == 404 and b"problem+json" not in received


# ---- methods and protocol ----


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("method", [b"FOO", b"get", b"Get", b"CONNECT", b"MKCOL", b"MOVE", b"LOCK",
                                    b"SEARCH", b"X" * 200, b"PRI", b"DEBUG", b"TRACK"])
def test_odd_methods(server, method):
    received = server.raw_request(method + b" " + BASE + b"/users/ HTTP/1.1")
    assert raw_status(received) in (400, 405, 501), received[:300]


def test_trace_shows_no_data_and_changes_none(server):
    received = server.raw_request(b"TRACE " + BASE + b"/users/ HTTP/1.1")
    assert raw_status(received) in (200, 405)
    assert b"user_uid" not in received


def test_the_method_cannot_be_overridden(server, admin):
    user = admin.create(fresh_email())
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        admin.get("users/" + user["user_uid"], headers={name: "DELETE"}).expect(200)
    admin.get("users/" + user["user_uid"], query={"_method": "DELETE"}).expect(400)
    assert admin.read(user["user_uid"]) == user


def post(server, headers, body=b"", version=b"HTTP/1.1"):
    token = server.admin.headers["Authorization"].encode()
    return (b"POST " + BASE + b"/users/ " + version + b"\r\nHost: localhost\r\nAuthorization: "
            + token + b"\r\nContent-Type: application/json\r\n" + headers + b"\r\n" + body)


def smuggled(server, email):
    body = b'{"email":"%s","display_name":"Smuggled"}' % email.encode()
    return post(server, b"Content-Length: %d\r\n" % len(body), body)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("headers", [
    b"Content-Length: 4\r\nContent-Length: 5\r\n",
    b"Content-Length: 4, 5\r\n",
    b"Content-Length: +4\r\n",
    b"Content-Length: -4\r\n",
    b"Content-Length: 0x4\r\n",
    b"Content-Length: 4 4\r\n",
    b"Content-Length: 99999999999999999999999\r\n",
    b"Content-Length: four\r\n",
    b"Content-Length : 4\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: chunked;q=1\r\n",
    b"X: y\r\n Content-Length: 4\x00\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Bad Header: x\r\n",
    b": empty\r\n",
    b"NoColon\r\n",
    b"X: a\x00b\r\n",
    b"X: a\x01b\r\n",
    b"Host: other\r\n",
])
def test_smuggling_attempts_get_400(server, headers):
    email = fresh_email()
    received = server.raw(post(server, headers, b"{}\r\n" + smuggled(server, email)), timeout=5)
    assert raw_status(received) in (400, 501), received[:300]
    assert received.count(b"HTTP/1.1 ") == 1, "the connection went on"
    assert server.admin.get("users/", query={"email": email}).json["query_count"] == 0


@pytest.mark.database("sqlite")
def test_length_and_chunks_together(server):
    """RFC 9112: refuse, or believe the chunks and close."""
    email = fresh_email()
    for headers in (b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
                    b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"):
        received = server.raw(post(server, headers, b"0\r\n\r\n" + smuggled(server, email)),
                              timeout=5)
        assert raw_status(received) == 400 and received.count(b"HTTP/1.1 ") == 1
    assert server.admin.get("users/", query={"email": email}).json["query_count"] == 0


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("body", [
    b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX0\r\n\r\n",
    b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n", b"0x2\r\n{}\r\n0\r\n\r\n", b"\r\n{}\r\n0\r\n\r\n",
])
def test_broken_chunks(server, body):
    email = fresh_email()
    received = server.raw(post(server, b"Transfer-Encoding: chunked\r\n",
                               body + smuggled(server, email)), timeout=5)
    assert raw_status(received) in (400, 413), received[:300]
    assert received.count(b"HTTP/1.1 ") == 1, "the connection went on"
    assert server.admin.get("users/", query={"email": email}).json["query_count"] == 0


@pytest.mark.database("sqlite")
def test_pipelined_requests_get_their_answers_in_order(server):
    get = (b"GET " + BASE + b"/%s HTTP/1.1\r\nHost: x\r\nAuthorization: "
           + server.admin.headers["Authorization"].encode() + b"\r\n%s\r\n")
    received = server.raw(get % (b"users/?limit=1", b"") + get % (b"nothing", b"")
                          + get % (b"organization-status/", b"Connection: close\r\n"))
    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


@pytest.mark.database("sqlite")
def test_old_protocol_versions(server):
    admin = server.admin.headers["Authorization"].encode()
    received = server.raw(b"GET " + BASE + b"/users/ HTTP/1.0\r\nAuthorization: " + admin
                          + b"\r\n\r\n")
    assert raw_status(received) == 200
    received = server.raw(b"GET " + BASE + b"/users/ HTTP/1.0\r\nAccept: application/x-ndjson\r\n"
                          b"Authorization: " + admin + b"\r\n\r\n")
    assert raw_status(received) == 200 and b"Transfer-Encoding" not in received
    assert received.endswith(b"}\n")
    for line in (b"GET " + BASE + b"/users/", b"GET " + BASE + b"/users/ HTTP/9.9",
                 b"GET " + BASE + b"/users/ FTP/1.1"):
        received = server.raw(line + b"\r\nHost: x\r\n\r\n")
        assert b"user_uid" not in received


@pytest.mark.database("sqlite")
def test_no_host_and_odd_hosts(server):
    admin = server.admin.headers["Authorization"].encode()
    received = server.raw(b"GET " + BASE + b"/users/ HTTP/1.1\r\nAuthorization: " + admin
                          + b"\r\n\r\n")
    assert raw_status(received) == 400
    for host in (b"", b"a b", b"x:y:z", b"[::1", b"<script>", b"a/b", b"\xff"):
        received = server.raw(b"GET " + BASE + b"/users/ HTTP/1.1\r\nHost: " + host
                              + b"\r\nConnection: close\r\nAuthorization: " + admin + b"\r\n\r\n")
        assert raw_status(received) in (200, 400), received[:200]


@pytest.mark.database("sqlite")
def test_header_floods(server):
    many = [b"X-Flood-%d: y" % number for number in range(200)]
    assert raw_status(server.raw_request(b"GET " + BASE + b"/users/ HTTP/1.1", headers=many)) == 400
    long = [b"X-Long: " + b"y" * 9000]
    assert raw_status(server.raw_request(b"GET " + BASE + b"/users/ HTTP/1.1", headers=long)) == 400
    for name in (b"Accept", b"If-None-Match", b"Origin", b"Sec-Fetch-Site", b"Content-Type",
                 b"Idempotency-Key", b"If-Match"):
        headers = [name + b": " + b'"a",' * 1900] * 20
        received = server.raw_request(b"GET " + BASE + b"/users/ HTTP/1.1", headers=headers)
        assert raw_status(received) in (200, 400, 406)


@pytest.mark.database("sqlite")
def test_slow_and_silent_clients_do_not_hold_others(server):
    held = []
    for _ in range(30):
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.sendall(post(server, b"Content-Length: 100\r\n", b"{"))
        held.append(sock)
    for _ in range(20):
        server.admin.get("users/", fresh=True).expect(200)
        server.admin.create(fresh_email())
    for sock in held:
        sock.close()


@pytest.mark.database("sqlite")
def test_credentials_that_are_none(server):
    server.allow_log("AH0161[4-8]|AH00026|need AuthName|client used wrong authentication scheme"
                     "|user .* not found|authentication failure")
    client = server.client(None)
    for value in ("Basic", "Basic ", "Basic !!!!", "Basic " + "A" * 4000, "Bearer x",
                  "Basic YWRtaW5AZXhhbXBsZS5jb20=", "Basic Og==", "Basic /w==", "Digest x",
                  "Basic YWRtaW5AZXhhbXBsZS5jb20AeDp5"):
        client.get("users/", headers={"Authorization": value}, fresh=True) \
            .expect_problem(401, "unauthorized")
    # The login is the server's, whatever headers claim.
    for name in ("X-Remote-User", "Remote-User", "X-Forwarded-User", "REMOTE_USER"):
        client.get("users/", headers={name: ADMIN}).expect_problem(401, "unauthorized")
        server.nobody.get("users/", headers={name: ADMIN}).expect_problem(403, "forbidden")


def test_ranges_are_of_no_matter(admin):
    whole = admin.get("users/").expect(200)
    for value in ("bytes=0-0", "bytes=0-,0-,0-,0-", "bytes=99999999-", "users=1-2"):
        result = admin.get("users/", headers={"Range": value})
        assert result.status in (200, 206, 416)
        assert result.raw == whole.raw or result.status != 200


def test_connections_that_end_anywhere(server):
    """A good request, cut at every 9th byte."""
    body = b'{"email":"cut@hostile.example.com","display_name":"Cut"}'
    request = post(server, b"Content-Length: %d\r\nConnection: close\r\n" % len(body), body)
    for end in range(1, len(request), 9):
        try:
            server.raw(request[:end], timeout=5, half_close=True)
        except (ConnectionLost, OSError):
            pass
    assert server.admin.get("users/", query={"email": "cut@hostile.example.com"}) \
        .json["query_count"] == 0
    assert raw_status(server.raw(request)) == 201
