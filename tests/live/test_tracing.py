# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""What ties a request to lines of logs: Request-Id, traceparent, and an access log in JSON."""

import json
import re
import socket
from pathlib import Path

import databases
import pytest
from usermgmt_env import ADMIN, Client, wait_for

TOP = Path(__file__).resolve().parents[2]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
LOGS = """
    ErrorLogFormat "[%t] [%-m:%l] [%L] %M"
    LogFormat "%L %{usermgmt-trace}n %>s" ids
    CustomLog "@DIR@/logs/ids" ids"""

# None of it but the audit trail depends on the database.
only_once = pytest.mark.database("sqlite")


def lines(server, name="json"):
    return (server.directory / f"logs/{name}").read_text(encoding="utf-8").splitlines()


# ---- Request-Id ----


@only_once
def test_every_answer_has_an_id_and_the_log_has_the_same(new_server):
    server = new_server(location="UserMgmtAllowOrigin https://app.example.com", extra=LOGS + """
        <Location "/health">
            SetHandler usermgmt-health
            Require all granted
        </Location>
        <Location "/metrics">
            SetHandler usermgmt-metrics
            Require all granted
        </Location>""")
    server.log_level = "info"
    admin = server.admin
    probe = Client(server, base="")
    answers = [
        admin.get("users/").expect(200), admin.ask("HEAD", "users/").expect(200),
        admin.get("users/", headers={"Accept": "application/x-ndjson"}).expect(200),
        admin.get("nowhere").expect(404), admin.post("users/", {}).expect(400),
        admin.ask("OPTIONS", "users/").expect(204), server.client(None).get("users/").expect(401),
        server.nobody.get("users/").expect(403), probe.get("health").expect(200),
        probe.get("metrics").expect(200),
        server.client(None).ask("OPTIONS", "users/", headers={
            "Origin": "https://app.example.com",
            "Access-Control-Request-Method": "GET"}).expect(204)]
    ids = [answer.headers["Request-Id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[!-~]{8,128}", found) for found in ids)
    wait_for(lambda: set(ids) <= {line.split()[0] for line in lines(server, "ids")}, 5,
             "the lines of the log")
    allowed = admin.get("users/", headers={"Origin": "https://app.example.com"})
    assert "Request-Id" in allowed.headers["Access-Control-Expose-Headers"]
    # The caller who was refused has a line of the error log.
    assert re.search(rf"\[{re.escape(ids[7])}\] UM0120", server.log_text())


@only_once
def test_an_error_of_the_server_has_the_id_in_its_problem(new_server):
    server = new_server(start=False, extra="""
        <Location "/user-management/broken">
            AuthUserFile /no/such/file
        </Location>""")
    server.database.path = server.directory / "data/later/users.db"
    server.allow_log("UM0091|UM0123|AH01620|AH01618")
    server.start()
    own = server.admin.get("users/")
    assert own.expect_problem(503, "unavailable")["request_id"] == own.headers["Request-Id"]
    httpds = server.admin.get("broken")
    assert httpds.status == 500
    assert httpds.json["request_id"] == httpds.headers["Request-Id"]
    assert "request_id" not in server.client(None).get("users/").expect_problem(
        401, "unauthorized")


# ---- traceparent ----


@only_once
@pytest.mark.parametrize("header, noted", [
    (PARENT, TRACE), ("01-" + PARENT[3:] + "-later", TRACE), (None, "-"), ("", "-"),
    (PARENT.upper(), "-"), (PARENT + ",", "-"), (PARENT + '"', "-"), ("x" * 8000, "-"),
    ("ff" + PARENT[2:], "-"), (PARENT.replace(TRACE, "0" * 32), "-")])
def test_a_trace_is_noted_if_its_header_is_good(make_server, header, noted):
    server = make_server(extra=LOGS)
    for client in (server.admin, server.client(None)):
        answer = client.get("users/", headers={"traceparent": header})
        line = wait_for(lambda answer=answer: [line for line in lines(server, "ids") if
                                               line.startswith(answer.headers["Request-Id"])],
                        5, "its line")[0]
        assert line.split()[1:] == [noted, str(answer.status)]


@only_once
def test_two_traceparents_are_none(new_server):
    server = new_server(extra=LOGS)
    header = b"traceparent: " + PARENT.encode()
    received = server.raw_request(b"GET /user-management/users/ HTTP/1.1", headers=[header] * 2)
    assert received.startswith(b"HTTP/1.1 200")
    name = re.search(rb"\r\nRequest-Id: (\S+)", received)[1].decode()
    assert [line.split()[1] for line in lines(server, "ids") if line.startswith(name)] == ["-"]


# ---- the audit trail ----


def test_audit_events_name_the_request(make_server):
    """With the schema of the version before, too."""
    for schema in (databases.VERSION, databases.VERSION - 1):
        server = make_server(schema=schema)
        admin = server.admin
        made = admin.post("users/", {"email": "a@tracing.example.com", "display_name": "A"},
                          headers={"traceparent": PARENT}).expect(201)
        uid = made.json["userData"]["user_uid"]
        changed = admin.put("users/" + uid, {"n": 1}).expect(200)
        gone = admin.delete("users/" + uid, headers={"traceparent": "no"}).expect(200)
        events = admin.get("audit-events/", query={"target": uid}).expect(200).json["audit_events"]
        found = [(event["request_id"], event["trace_id"]) for event in events]
        assert found == [(made.headers["Request-Id"], TRACE),
                         (changed.headers["Request-Id"], None),
                         (gone.headers["Request-Id"], None)]
        streamed = admin.get("audit-events/", query={"target": uid},
                             headers={"Accept": "application/x-ndjson"}).expect(200).lines
        assert streamed == events
        one = admin.get("audit-events/" + events[0]["event_uid"]).expect(200)
        assert one.json["audit_event"] == events[0]


# ---- an access log in JSON ----


def json_log():
    """The lines of docs/logs.md."""
    text = (TOP / "docs/logs.md").read_text(encoding="utf-8")
    found = re.search(r"^    LogFormat .*%\^UM.*\n    CustomLog .*$", text, re.MULTILINE)[0]
    return re.sub(r"CustomLog +\S+", 'CustomLog "@DIR@/logs/json"', found)


HOSTILE = [
    b'GET /user-management/users/"},{"status":200 HTTP/1.1',
    b"GET /user-management/users/%22%7D%0A%0D%00%ff HTTP/1.1",
    b"GET /user-management/users/?q=%22\\\"\\x00\\ HTTP/1.1",
    b"GET /user-management/users/?\xff\xfe\xc0\x80\"\x80 HTTP/1.1",
    b"GET /\xe2\x80\xa8\xf0\x9f\x98\x80\\u0000 HTTP/1.1",
    b'G"T / HTTP/1.1',
    b"GET / HTTP/9.9",
    b"GET /%zz HTTP/1.1",
    b"\xff\xff\xff / HTTP/1.1",
    b"GET /" + b"x" * 9000 + b" HTTP/1.1",
    b"GET http://h\"st/user-management/users/ HTTP/1.1",
    b"TRACE /user-management/users/ HTTP/1.1",
]
HEADERS = [
    [],
    [b'User-Agent: "}\\"\x80\xff\t\xc3\xa9', b"traceparent: \"" + PARENT.encode()],
    [b"User-Agent: \x1b[31m\xc2\x85\xe2\x80\xae", b'Referer: "'],
    [b"X: \"" * 1, b"Authorization: Basic Oj8iXFx7fQ=="],
    [b"Host: a\"b\\c"],
]


@only_once
def test_each_line_is_json_whatever_a_client_sends(new_server):
    server = new_server(extra=json_log(), modules=["reqtimeout"])
    server.allow_log("AH0|AH1|UM")
    server.admin.create("json@tracing.example.com", 'Q"\\\u2028\u00e9')
    for line in HOSTILE:
        for headers in HEADERS:
            server.raw_request(line, headers=headers, timeout=3)
            server.raw_request(line, headers=headers, timeout=3, login='x"\\\x7f')
    # A connection that ends before its request does.
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"GET /user-management/users/ HTTP/1.1\r\nHost: ")
    answer = server.admin.get("users/", headers={"traceparent": PARENT,
                                                 "User-Agent": "te\u00e9st \"\\".encode()})

    def last():
        found = [json.loads(line) for line in lines(server)]
        return [entry for entry in found if entry.get("request_id") == answer.headers[
            "Request-Id"]]

    entry = wait_for(last, 5, "its line")[0]
    found = [json.loads(line) for line in lines(server)]
    assert len(found) > len(HOSTILE) * len(HEADERS)
    assert all(isinstance(each, dict) and isinstance(each["status"], int) for each in found)
    assert {each["status"] for each in found} >= {200, 400, 401, 404}
    assert entry.pop("duration_us") >= 0 and entry.pop("bytes") > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    del entry["request_id"]
    assert entry == {
        "trace_id": TRACE, "remote_addr": "127.0.0.1", "user": ADMIN, "method": "GET",
        "host": f"127.0.0.1:{server.port}", "path": "/user-management/users/",
        "protocol": "HTTP/1.1", "user_agent": "te\u00e9st \"\\", "status": 200,
        "action": "users.list", "identity": ADMIN, "organization": "default", "role": "admin",
        "outcome": "ok"}


@only_once
def test_an_error_document_is_one_line(new_server):
    """After an internal redirect the notes of the last request are logged."""
    server = new_server(extra=json_log() + "\nErrorDocument 404 /page.txt\n")
    Client(server, base="").get("no%22where").expect(404)
    found = wait_for(lambda: [json.loads(line) for line in lines(server) if "where" in line], 5,
                     "its line")
    assert [(entry["path"], entry["status"]) for entry in found] == [('/no"where', 404)]
