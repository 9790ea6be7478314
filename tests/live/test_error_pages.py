# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Errors that httpd and its modules make: problems below the Location, whatever
ErrorDocument says, and pages before it is known."""

import json
import re
import time
from pathlib import Path

import pytest
from usermgmt_env import ADMIN, raw_status, wait_for

# None of it depends on the database.
pytestmark = pytest.mark.database("sqlite")

API = (Path(__file__).resolve().parents[2] / "docs/api.md").read_text(encoding="utf-8")
USERS = b" /user-management/users/"

# What ErrorDocument can name.
DOCUMENTS = {
    "path": "/page.txt", "script": "/no/such/page", "text": '"sorry <b>sorry</b>"',
    "expression": '"sorry %{REMOTE_ADDR}"', "api": "/user-management/users/",
    "url": "http://127.0.0.1:@PORT@/page.txt",
}
STATUSES = (400, 401, 403, 404, 405, 406, 408, 409, 411, 412, 413, 415, 417, 422, 429, 500, 501,
            502, 503, 504)


def error_documents(document, statuses=STATUSES):
    return "".join(f"ErrorDocument {status} {document}\n" for status in statuses)


def raw_problem(received, status):
    """The problem that the bytes of an answer hold."""
    assert raw_status(received) == status
    header, _, body = received.partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: application/problem+json" in header, received
    problem = json.loads(body)
    assert problem["status"] == status
    return problem


# ---- below the Location ----


@pytest.mark.parametrize("place", ["server", "location"])
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_errors_below_the_location_are_problems(new_server, kind, place):
    statuses = [status for status in STATUSES if (kind, status) != ("url", 401)]
    documents = error_documents(DOCUMENTS[kind], statuses)
    server = new_server(
        modules=["allowmethods"], require=f"Require user {ADMIN}",
        location=f"""
            AuthzSendForbiddenOnFailure On
            {documents if place == "location" else ""}
            LimitRequestBody 500""",
        extra=f"""
            {documents if place == "server" else ""}
            <Location "/user-management/users">
                AllowMethods GET HEAD POST
            </Location>""")
    server.allow_log("AH01623|AH01630|AH01631|AH01617|AH01618")
    server.client(None).get("users/").expect_problem(401, "unauthorized")
    server.client("stranger").get("users/").expect_problem(401, "unauthorized")
    assert server.client(None).get("users/").headers["WWW-Authenticate"]
    server.nobody.get("users/").expect_problem(403, "forbidden")
    server.admin.put("users/x", {}).expect_problem(405, "method_not_allowed")
    server.admin.get("users/x").expect_problem(404, "user_not_found")
    server.admin.post("users/", {"email": "x" * 600}).expect_problem(413, "body_too_large")
    answer = server.client(None).ask("HEAD", "users/").expect(401)
    assert answer.headers["Content-Type"] == "application/problem+json"
    # Elsewhere they say what they said.
    if kind != "api":
        other = server.client(base="").get("nothing")
        assert other.headers.get("Content-Type") != "application/problem+json"
    if place == "server" and kind == "path":
        assert (other.status, other.raw) == (404, b"a page\n")


@pytest.mark.parametrize("place", ["server", "location"])
def test_errors_of_a_backend_below_the_location_are_left_alone(new_server, place):
    """Whether a proxy takes the path, or a rule that is read after the login."""
    document = "ErrorDocument 503 /page.txt"
    server = new_server(
        modules=["proxy", "proxy_http", "rewrite"], location=document if place == "location" else "",
        extra=f"""
            {document if place == "server" else ""}
            ProxyErrorOverride On 404
            ProxyPass "/user-management/down/" "http://127.0.0.1:1/"
            ProxyPass "/user-management/up/" "http://127.0.0.1:@PORT@/"
            <Location "/user-management/down-by-rule">
                RewriteEngine On
                RewriteRule .* http://127.0.0.1:1/ [P]
            </Location>""")
    server.allow_log("AH00957|AH01114|AH01079|AH00898")
    for path in ("down/", "down-by-rule"):
        answer = server.admin.get(path).expect(503)
        assert answer.raw == b"a page\n", path
        assert "X-Content-Type-Options" not in answer.headers
    answer = server.admin.get("up/nothing").expect(404)
    assert answer.headers["Content-Type"].startswith("text/html")
    server.client(None).get("down-by-rule").expect_problem(401, "unauthorized")
    server.client(None).get("down/").expect(401)
    wait_for(lambda: "GET /user-management/down/ 401 - - - - -" in server.access_lines(), 5,
             "a line without an outcome")
    assert "GET /user-management/up/nothing 404 - - - - -" in server.access_lines()


# ---- bodies that come too slowly ----


def test_a_body_that_mod_reqtimeout_ends_is_a_408(new_server):
    server = new_server(modules=["reqtimeout"], extra="RequestReadTimeout body=1\n"
                        + error_documents("/page.txt"))
    started = time.monotonic()
    received = server.raw_request(
        b"POST" + USERS + b" HTTP/1.1", body=b"{",
        headers=[b"Content-Type: application/json", b"Content-Length: 100"])
    assert time.monotonic() - started < 8
    assert raw_problem(received, 408)["code"] == "request_timeout"
    assert b"\r\nConnection: close\r\n" in received


# ---- before the Location is known ----

REFUSED = [
    (400, b"GET" + USERS + b"%zz HTTP/1.1", []),
    (400, b"GET" + USERS + b"../../../x HTTP/1.1", []),
    (400, b"G@T" + USERS + b" HTTP/1.1", []),
    (400, b"GET" + USERS + b" HTTP/1.1", [b"X: " + b"y" * 9000]),
    (400, b"GET" + USERS + b" HTTP/1.1", [b"X: y"] * 200),
    (400, b"GET" + USERS + b" HTTP/1.1", [b"no colon"]),
    (400, b"POST" + USERS + b" HTTP/1.1", [b"Content-Length: -1"]),
    (400, b"POST" + USERS + b" HTTP/1.1", [b"Transfer-Encoding: x"]),
    (404, b"GET" + USERS + b"a%2Fb HTTP/1.1", []),
    (404, b"GET" + USERS + b"%00 HTTP/1.1", []),
    (405, b"TRACE" + USERS + b" HTTP/1.1", []),
    (414, b"GET" + USERS + b"x" * 9000 + b" HTTP/1.1", []),
    (417, b"POST" + USERS + b" HTTP/1.1", [b"Expect: x"]),
]

# A header that is never ended.
SLOW = b"GET" + USERS + b" HTTP/1.1\r\nHost: localhost\r\n"
BEFORE = "TraceEnable Off\nRequestReadTimeout header=1\n"
TOLD = "AH10244|AH00571|AH02429|AH03347"


def test_what_httpd_refuses_before_is_html(new_server):
    server = new_server(modules=["reqtimeout"], extra=BEFORE)
    server.allow_log(TOLD)
    for status, line, headers in REFUSED:
        received = server.raw_request(line, headers=headers)
        assert raw_status(received) == status, line
        assert b"\r\nContent-Type: text/html" in received, line
    received = server.raw(SLOW)
    assert raw_status(received) == 408 and b"\r\nContent-Type: text/html" in received


def test_the_recipe_makes_problems_of_it(new_server):
    """The lines of docs/api.md."""
    recipe = re.search(r'^    Alias "/problems/".*?(?=^\S)', API, re.MULTILINE | re.DOTALL)[0]
    example = json.loads(re.search(r'^    (\{"type".*"code": "bad_request"\})$', API,
                                   re.MULTILINE)[1])
    server = new_server(start=False, modules=["reqtimeout"], extra=BEFORE
                        + recipe.replace("/var/www/problems/", "@DIR@/htdocs/problems/"))
    server.allow_log(TOLD)
    folder = server.directory / "htdocs/problems"
    folder.mkdir()
    statuses = set(map(int, re.findall(r"ErrorDocument (\d+)", recipe)))
    assert statuses == {status for status, _, _ in REFUSED} | {408}
    for status in statuses:
        (folder / f"{status}.json").write_text(json.dumps({**example, "status": status}))
    server.start()
    for status, line, headers in REFUSED:
        assert raw_problem(server.raw_request(line, headers=headers), status)["code"]
    assert raw_problem(server.raw(SLOW), 408)["code"]
    server.client(None).get("users/").expect_problem(401, "unauthorized")
