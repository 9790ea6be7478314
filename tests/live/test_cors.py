# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Pages of other origins: preflights, the headers that let a page read an answer, and a
browser that goes by them."""

import json
import re
import shutil
import subprocess
import tempfile

import pytest
from routes import ROUTES
from usermgmt_env import PATIENCE, wait_for

# None of it depends on the database.
pytestmark = pytest.mark.database("sqlite")

ORIGIN = "https://app.example.com"
NDJSON = "application/x-ndjson"

# What a preflight's answer has, and what other answers to an allowed page have.
SHARED = {"Access-Control-Allow-Origin": ORIGIN, "Access-Control-Allow-Credentials": "true",
          "Access-Control-Expose-Headers": "Link, ETag, Location, Retry-After, Request-Id"}


@pytest.fixture(scope="module")
def server(make_server):
    return make_server(modules=["rewrite", "allowmethods", "proxy", "proxy_http"],
                       location=f"UserMgmtAllowOrigin {ORIGIN} http://127.0.0.1:@PORT@", extra="""
        <Location "/closed">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin user admin@example.com
        </Location>
        <Location "/user-management/rewritten">
            RewriteEngine On
            RewriteRule .* - [H=server-info]
        </Location>
        <Location "/user-management/redirected">
            RewriteEngine On
            RewriteRule .* /page.txt
        </Location>
        <Location "/user-management/backend-by-rule">
            RewriteEngine On
            RewriteRule .* http://127.0.0.1:@PORT@/page.txt [P]
        </Location>
        ProxyPass "/user-management/backend/" "http://127.0.0.1:@PORT@/"
        <Location "/user-management/elsewhere">
            SetHandler none
        </Location>
        <Location "/user-management/read-only">
            AllowMethods GET
        </Location>""")


@pytest.fixture(name="admin")
def fixture_admin(server):
    return server.admin


def preflight(client, path, origin=ORIGIN, method="PATCH", **headers):
    return client.ask("OPTIONS", path, headers={
        "Origin": origin, "Access-Control-Request-Method": method, **headers})


def words(result, name):
    return set(re.split(", *", result.headers[name]))


def cors_headers(result):
    return {name for name in result.headers if name.lower().startswith("access-control-")}


# ---- preflights ----


@pytest.mark.parametrize("path", ["users/", "users/2z5BFLe9Vb1G3Mqk0dJx", "", "no/such/thing",
                                  "invitations/accept"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE", "BREW"])
def test_a_preflight_is_answered_without_a_login(server, path, method):
    """With the same bytes for every path, so that it tells nothing."""
    answer = preflight(server.client(None), path, method=method)
    assert answer.expect(204).raw == b""
    assert {name: answer.headers[name] for name in SHARED} == SHARED
    assert words(answer, "Access-Control-Allow-Methods") >= {method for method, _ in ROUTES}
    assert words(answer, "Access-Control-Allow-Headers") == {
        "Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-Match",
        "If-None-Match"}
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert answer.headers["Vary"] == "Origin"
    assert answer.headers["Cache-Control"] == "no-store"
    others = {name for name in answer.headers if name not in cors_headers(answer)}
    assert others <= {"Date", "Server", "Vary", "Cache-Control", "X-Content-Type-Options",
                      "Request-Id"}, others


def test_a_preflight_is_noted_in_the_log(server):
    preflight(server.client(None), "users/noted").expect(204)
    line = "OPTIONS /user-management/users/noted 204 options - - - ok"
    wait_for(lambda: line in server.access_lines(), 5, line)


@pytest.mark.parametrize("headers", [
    {"Origin": None}, {"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Origin": ""},
    {"Origin": ORIGIN + ".evil.com"}, {"Origin": ORIGIN + ":444"},
    {"Origin": "http://app.example.com"}, {"Access-Control-Request-Method": None},
])
def test_other_requests_without_a_login_are_no_preflights(server, headers):
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT", **headers}
    client = server.client(None)
    answer = client.ask("OPTIONS", "users/", headers=headers)
    answer.expect_problem(401, "unauthorized")
    assert not cors_headers(answer) or headers["Origin"] == ORIGIN
    for method in ("GET", "POST", "PUT", "DELETE", "HEAD"):
        for origin in (ORIGIN, headers["Origin"]):
            client.ask(method, "users/", headers={
                "Origin": origin, "Access-Control-Request-Method": "PUT"}).expect(401)


def test_a_location_without_the_directive_answers_no_preflight(server):
    closed = server.client(None, base="/closed")
    answer = preflight(closed, "users/")
    answer.expect_problem(401, "unauthorized")
    assert not cors_headers(answer) and "Vary" not in answer.headers
    answer = server.client(base="/closed").get("users/", headers={"Origin": ORIGIN}).expect(200)
    assert not cors_headers(answer) and answer.headers["Vary"] == "Accept"


def test_a_preflight_reaches_no_other_handler(server):
    """Nor anything that is not the module's, nor past what refuses a method."""
    for path in ("elsewhere", "backend/page.txt"):
        answer = preflight(server.client(None), path).expect(401)
        assert not cors_headers(answer)
    for path in ("backend-by-rule", "rewritten", "redirected"):
        answer = preflight(server.client(None), path).expect(403)
        assert not cors_headers(answer) and "page" not in answer.raw.decode()
    with server.expect_log("AH01623: client method denied"):
        preflight(server.client(None), "read-only").expect(405)


def test_a_header_more_can_be_allowed(new_server):
    """As docs/directives.md tells."""
    server = new_server(location=f"""UserMgmtAllowOrigin {ORIGIN}
        Header merge Access-Control-Allow-Headers "X-Requested-With" \
            "expr=%{{REQUEST_METHOD}} == 'OPTIONS'"
        """)
    answer = preflight(server.client(None), "users/").expect(204)
    assert len(answer.headers.get_all("Access-Control-Allow-Headers")) == 1
    assert words(answer, "Access-Control-Allow-Headers") >= {"X-Requested-With", "Authorization"}
    answer = server.admin.get("users/", headers={"Origin": ORIGIN}).expect(200)
    assert "Access-Control-Allow-Headers" not in answer.headers


def test_a_preflight_with_a_body_ends_the_connection(server):
    """The server does not read the body, so that its sender can't hold a worker with it."""
    received = server.raw_request(
        b"OPTIONS /user-management/users/ HTTP/1.1", login=None, timeout=5,
        headers=[b"Origin: " + ORIGIN.encode(), b"Access-Control-Request-Method: PUT",
                 b"Content-Length: 1000"])
    assert received.startswith(b"HTTP/1.1 204 ") and b"\r\nConnection: close\r\n" in received


# ---- answers to pages ----


def test_answers_to_allowed_pages_can_be_read(server, admin):
    user = admin.create("reader@example.com")
    path = "users/" + user["user_uid"]
    etag = admin.get(path).headers["ETag"]
    nobody = server.client(None)
    for client, method, target, body, headers, status in (
            (admin, "GET", "users/", None, {}, 200),
            (admin, "HEAD", "users/", None, {}, 200),
            (admin, "GET", "users/", None, {"Accept": NDJSON}, 200),
            (admin, "GET", path, None, {}, 200),
            (admin, "GET", path, None, {"If-None-Match": etag}, 304),
            (admin, "PUT", path, {"n": 1}, {"If-Match": etag}, 200),
            (admin, "PUT", path, {"n": 1}, {"If-Match": etag}, 412),
            (admin, "POST", "users/", {}, {}, 400),
            (admin, "OPTIONS", "users/", None, {}, 204),
            (admin, "GET", "nothing", None, {}, 404),
            (admin, "POST", path, {}, {}, 405),
            (server.nobody, "GET", "users/", None, {}, 403),
            (nobody, "GET", "users/", None, {}, 401),
            (nobody, "PUT", path, {"n": 1}, {}, 401),
            (admin, "DELETE", path, None, {}, 200)):
        answer = client.ask(method, target, body, headers={"Origin": ORIGIN, **headers})
        answer.expect(status)
        found = {name: answer.headers.get_all(name) for name in SHARED}
        assert found == {name: [value] for name, value in SHARED.items()}, (method, status)
        assert len(answer.headers.get_all("Vary")) == 1 and "Origin" in words(answer, "Vary")


@pytest.mark.parametrize("origin", [
    None, "https://evil.example.com", "null", "", ORIGIN + ".evil.com", "https://127.0.0.1"])
def test_answers_to_others_have_no_such_headers(server, admin, origin):
    """But tell caches that they depend on who asks."""
    for client, path, status in ((admin, "users/", 200), (server.client(None), "users/", 401)):
        answer = client.get(path, headers={"Origin": origin}).expect(status)
        assert not cors_headers(answer)
        assert "Origin" in words(answer, "Vary")


@pytest.mark.parametrize("path", ["backend/page.txt", "backend-by-rule"])
def test_answers_of_a_backend_are_left_alone(server, admin, path):
    """Else pages of the origin could read them, with the rights of who is signed in."""
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = admin.ask(method, path, headers={"Origin": ORIGIN}).expect(200)
        assert not cors_headers(answer) and "Vary" not in answer.headers, method
    assert admin.get(path).raw == b"a page\n"
    answer = admin.get(path, headers={"Origin": ORIGIN, "Authorization": None}).expect(401)
    assert bool(cors_headers(answer)) == (path == "backend-by-rule")


def test_vary_of_others_is_kept(new_server):
    server = new_server(location=f"UserMgmtAllowOrigin {ORIGIN}",
                        extra='Header always set Vary "X-Early" early')
    assert words(server.admin.get("users/"), "Vary") == {"X-Early", "Origin", "Accept"}
    assert words(server.client(None).get("users/"), "Vary") == {"X-Early", "Origin"}
    assert words(preflight(server.client(None), "users/"), "Vary") == {"X-Early", "Origin"}


def test_an_origin_is_given_back_as_it_was_sent(admin):
    for origin in ("https://app.example.com:443", "HTTPS://App.Example.COM"):
        answer = admin.get("users/", headers={"Origin": origin}).expect(200)
        assert answer.headers["Access-Control-Allow-Origin"] == origin


# ---- a browser ----

# Each step is a request of the page; a string is a request that the browser refuses.
PAGE = """<!doctype html><title>waiting</title><pre id="out"></pre><script>
const api = "http://localhost:PORT/user-management/";
const closed = "http://localhost:PORT/closed/";
const login = "Basic " + btoa("admin@example.com:correct horse");
const json = {"Authorization": login, "Content-Type": "application/json"};
async function ask(url, options) {
    try {
        const answer = await fetch(url, options);
        return {status: answer.status, body: await answer.text(),
                etag: answer.headers.get("ETag"), link: answer.headers.get("Link"),
                location: answer.headers.get("Location")};
    } catch (error) {
        return error.name;
    }
}
async function main() {
    const steps = {};
    steps.create = await ask(api + "users/", {method: "POST", headers: json,
        body: '{"email": "page@example.com", "display_name": "Page"}'});
    const user = api + "users/" + JSON.parse(steps.create.body).userData.user_uid;
    steps.list = await ask(api + "users/?limit=1", {headers: {"Authorization": login}});
    steps.read = await ask(user, {headers: {"Authorization": login}});
    steps.unchanged = await ask(user, {headers: {"Authorization": login,
        "If-None-Match": steps.read.etag}});
    steps.change = await ask(user, {method: "PUT", body: '{"n": 1}',
        headers: {...json, "If-Match": steps.read.etag, "Idempotency-Key": "page-1"}});
    steps.stale = await ask(user, {method: "PUT", body: '{"n": 2}',
        headers: {...json, "If-Match": steps.read.etag}});
    steps.stream = await ask(api + "users/", {headers: {"Authorization": login,
        "Accept": "application/x-ndjson"}});
    steps.stranger = await ask(api + "users/", {headers: {"Authorization": "Basic eDp5"}});
    steps.remembered = await ask(api + "users/?limit=1", {credentials: "include",
        headers: {"Authorization": login}});
    steps.remove = await ask(user, {method: "DELETE", headers: {"Authorization": login}});
    steps.closed = await ask(closed + "users/", {headers: {"Authorization": login}});
    steps.closed_change = await ask(closed + "users/", {method: "POST", headers: json, body: "{}"});
    document.getElementById("out").textContent = JSON.stringify(steps);
}
main();
</script>"""


def browse(url):
    """The text of the document after its script has ended."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [shutil.which("chromium") or "chromium-browser", "--headless", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", f"--user-data-dir={profile}", "--virtual-time-budget=60000",
             "--dump-dom", url],
            capture_output=True, text=True, timeout=60 * PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found and found[1], done.stdout + done.stderr
    return found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_a_page_in_a_browser(server):
    (server.directory / "htdocs/cors.html").write_text(PAGE.replace("PORT", str(server.port)))
    server.allow_log("AH01618: user x not found")
    server.admin.create("another@example.com")
    steps = json.loads(browse(f"http://127.0.0.1:{server.port}/cors.html"))
    assert {name: step["status"] if isinstance(step, dict) else step
            for name, step in steps.items()} == {
        "create": 201, "list": 200, "read": 200, "unchanged": 304, "change": 200, "stale": 412,
        "stream": 200, "stranger": 401, "remembered": 200, "remove": 200, "closed": "TypeError",
        "closed_change": "TypeError"}
    assert steps["create"]["location"].startswith("/user-management/users/")
    assert steps["list"]["link"] and steps["read"]["etag"]
    assert json.loads(steps["stale"]["body"])["code"] == "precondition_failed"
    assert json.loads(steps["stranger"]["body"])["code"] == "unauthorized"
