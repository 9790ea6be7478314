# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""HTTP done right: entity tags, idempotency, the cross-site guard, negotiation,
limits, the order of checks, and the pages that httpd itself makes."""

import itertools

import pytest
from routes import ROUTES, route_of
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, in_parallel, raw_status

NUMBERS = itertools.count()
JSON = "application/json"
NDJSON = "application/x-ndjson"


def fresh_email():
    return f"http{next(NUMBERS)}@http.example.com"


def fresh_key():
    return f"key-{next(NUMBERS)}"


@pytest.fixture(scope="module")
def server(make_server):
    return make_server(location="""
        UserMgmtAllowOrigin https://app.example.com http://other.example.com:8080
        """, extra="""
        """ + "".join(f"""
        <Location "{base}">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin user admin@example.com
            UserMgmtPublicURL {url}
            UserMgmtAllowOrigin https://app.example.com
        </Location>""" for base, url in (
            ("/public", "https://users.example.org/user-management"),
            ("/public-port", "http://Users.example.org:8080"),
            ("/public-address", "https://[2001:db8::1]:8443/"))) + """
        <Location "/small">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin user admin@example.com
            UserMgmtMaxBody 300
        </Location>
        <Location "/smaller">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin user admin@example.com
            LimitRequestBody 200
        </Location>
        <Location "/only-admin">
            SetHandler usermgmt
            @AUTH@
            Require user admin@example.com
            AuthzSendForbiddenOnFailure On
            UserMgmtAdmin user admin@example.com
        </Location>
        """)


@pytest.fixture
def user(admin):
    return admin.create(fresh_email())


# ---- entity tags ----


def test_one_user_is_not_sent_twice(admin, user):
    path = "users/" + user["user_uid"]
    first = admin.get(path).expect(200)
    etag = first.headers["ETag"]
    assert etag.startswith('"') and etag.endswith('"')
    assert first.headers["Cache-Control"] == "no-cache"
    for value in (etag, "W/" + etag, '"x", ' + etag, "*", '"x" ,W/"y",' + etag):
        result = admin.get(path, headers={"If-None-Match": value}).expect(304)
        assert result.raw == b"" and result.headers["ETag"] == etag
        assert result.headers["Cache-Control"] == "no-cache"
        assert "Content-Type" not in result.headers
    for value in ('"x"', etag[:-1] + 'x"', etag.strip('"'), ""):
        assert admin.get(path, headers={"If-None-Match": value}).expect(200).raw == first.raw
    admin.put(path, {"a": 1}).expect(200)
    admin.get(path, headers={"If-None-Match": etag}).expect(200)


def test_head_with_if_none_match(admin, user):
    path = "users/" + user["user_uid"]
    etag = admin.get(path).headers["ETag"]
    assert admin.ask("HEAD", path, headers={"If-None-Match": etag}).expect(304).raw == b""


def test_a_page_is_not_sent_twice(admin, user):
    query = {"email": user["email"]}
    first = admin.get("users/", query=query).expect(200)
    assert first.headers["Cache-Control"] == "no-cache"
    etag = first.headers["ETag"]
    result = admin.get("users/", query=query, headers={"If-None-Match": etag}).expect(304)
    assert result.raw == b"" and result.headers["ETag"] == etag
    admin.put("users/" + user["user_uid"], {"a": 1}).expect(200)
    second = admin.get("users/", query=query, headers={"If-None-Match": etag}).expect(200)
    assert second.headers["ETag"] != etag


def test_if_match_guards_updates_and_deletions(admin, user):
    path = "users/" + user["user_uid"]
    old = admin.get(path).headers["ETag"]
    new = admin.put(path, {"a": 1}, headers={"If-Match": old}).expect(200).headers["ETag"]
    for value in (old, '"x"', "W/" + new, "", "garbage"):
        for method, body in (("PUT", {"a": 2}), ("PATCH", {"a": 2}), ("DELETE", None)):
            answer = admin.ask(method, path, body, headers={"If-Match": value})
            answer.expect_problem(412, "precondition_failed")
    assert admin.read(user["user_uid"])["a"] == 1
    admin.put(path, {"a": 3}, headers={"If-Match": '"x", ' + new}).expect(200)
    admin.put(path, {"a": 4}, headers={"If-Match": "*"}).expect(200)
    admin.delete(path, headers={"If-Match": admin.get(path).headers["ETag"]}).expect(200)


def test_what_is_to_be_made_has_no_etag(admin, user):
    """So that no If-Match holds for it, and each If-None-Match does."""
    body = {"email": fresh_email(), "display_name": "New"}
    session = {"user_uid": user["user_uid"], "activity": "reading"}
    etag = admin.get("users/" + user["user_uid"]).headers["ETag"]
    count = admin.get("sessions/").json["query_count"]
    for match in ("*", '"x"', etag):
        for path, sent in (("users/", body), ("sessions/", session)):
            result = admin.post(path, sent, headers={"If-Match": match})
            result.expect_problem(412, "precondition_failed")
            assert "ETag" not in result.headers
    assert admin.everyone(email=body["email"]) == []
    assert admin.get("sessions/").json["query_count"] == count
    for path, sent in (("users/", body), ("sessions/", session)):
        admin.post(path, sent, headers={"If-None-Match": "*"}).expect(201)
    # What is in the way comes after what was asked for.
    admin.post("users/", body, headers={"If-Match": "*"}) \
        .expect_problem(412, "precondition_failed")


def test_if_match_holds_for_a_uid_in_the_body(admin, user):
    body = {"user_uid": user["user_uid"]}
    admin.put("users/", {**body, "a": 1}, headers={"If-Match": '"x"'}) \
        .expect_problem(412, "precondition_failed")
    admin.delete("users/", body, headers={"If-Match": '"x"'}) \
        .expect_problem(412, "precondition_failed")


def test_if_none_match_star_refuses_to_change_what_is_there(admin, user):
    admin.put("users/" + user["user_uid"], {"a": 1}, headers={"If-None-Match": "*"}) \
        .expect_problem(412, "precondition_failed")


def test_of_equal_guarded_updates_one_wins(server, admin, user):
    path = "users/" + user["user_uid"]
    etag = admin.get(path).headers["ETag"]
    client = server.admin
    results = in_parallel(16, lambda index: client.put(path, {"winner": index},
                                                       headers={"If-Match": etag}))
    winners = [index for index, result in enumerate(results) if result.status == 200]
    assert len(winners) == 1
    assert sorted(result.status for result in results)[1:] == [412] * 15
    assert admin.read(user["user_uid"])["winner"] == winners[0]


# ---- idempotency ----


def test_a_repeated_create_gets_the_first_answer(admin):
    headers = {"Idempotency-Key": fresh_key()}
    body = {"email": fresh_email(), "display_name": "Once"}
    first = admin.post("users/", body, headers=headers).expect(201)
    assert "Idempotency-Replayed" not in first.headers
    uid = first.json["userData"]["user_uid"]
    # The answer is kept, not made anew.
    admin.put("users/" + uid, {"display_name": "Twice"}).expect(200)
    for _ in range(3):
        again = admin.post("users/", body, headers=headers).expect(201)
        assert again.raw == first.raw
        for name in ("Location", "ETag", "Content-Type", "Cache-Control"):
            assert again.headers[name] == first.headers[name]
        assert again.headers["Idempotency-Replayed"] == "true"
    assert len(admin.everyone(email=body["email"])) == 1


def test_a_key_holds_with_and_without_the_last_slash(admin):
    headers = {"Idempotency-Key": fresh_key()}
    body = {"email": fresh_email(), "display_name": "Once"}
    first = admin.post("users/", body, headers=headers).expect(201)
    assert admin.post("users", body, headers=headers).expect(201).raw == first.raw


def test_a_key_with_another_body_or_path_is_refused(admin):
    headers = {"Idempotency-Key": fresh_key()}
    body = {"email": fresh_email(), "display_name": "Once"}
    uid = admin.post("users/", body, headers=headers).expect(201).json["userData"]["user_uid"]
    admin.post("users/", {**body, "a": 1}, headers=headers) \
        .expect_problem(409, "idempotency_key_reused")
    admin.post("users/", {**body, "email": fresh_email()}, headers=headers) \
        .expect_problem(409, "idempotency_key_reused")
    admin.post("sub-admins/", {"user_uid": uid}, headers=headers) \
        .expect_problem(409, "idempotency_key_reused")
    assert admin.read(uid)["role"] == "user"


def test_failures_are_not_kept(admin, user):
    headers = {"Idempotency-Key": fresh_key()}
    body = {"email": user["email"], "display_name": "Second"}
    admin.post("users/", body, headers=headers).expect_problem(409, "email_exists")
    admin.post("users/", {**body, "phone": "x"}, headers=headers) \
        .expect_problem(400, "validation_failed")
    admin.delete("users/" + user["user_uid"]).expect(200)
    admin.post("users/", body, headers=headers).expect(201)


def test_a_key_belongs_to_its_caller(server, admin):
    headers = {"Idempotency-Key": fresh_key()}
    body = {"email": fresh_email(), "display_name": "Mine"}
    admin.post("users/", body, headers=headers).expect(201)
    server.sub_admin.post("users/", body, headers=headers).expect_problem(409, "email_exists")
    server.sub_admin.post("users/", {**body, "email": fresh_email()}, headers=headers).expect(201)


def test_keys_of_sub_admin_creation(admin, user):
    headers = {"Idempotency-Key": fresh_key()}
    body = {"user_uid": user["user_uid"]}
    first = admin.post("sub-admins/", body, headers=headers).expect(201)
    assert admin.post("sub-admins/", body, headers=headers).expect(201).raw == first.raw
    admin.post("sub-admins/", body).expect_problem(409, "already_sub_admin")


def test_equal_keys_at_once_make_one_user(server, admin):
    client = server.admin
    headers = {"Idempotency-Key": fresh_key()}
    body = {"email": fresh_email(), "display_name": "Once"}
    results = in_parallel(32, lambda index: client.post("users/", body, headers=headers))
    made = [result for result in results if result.status == 201]
    assert made and len({result.raw for result in made}) == 1
    for result in results:
        if result.status != 201:
            result.expect(409)
            assert int(result.headers["Retry-After"]) > 0
    assert len(admin.everyone(email=body["email"])) == 1
    assert server.sql("SELECT COUNT(*) FROM audit_events WHERE target = ?",
                      made[0].json["userData"]["user_uid"]) == [(1,)]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é".encode().decode("latin-1")])
def test_bad_keys(admin, key):
    admin.post("users/", {"email": fresh_email(), "display_name": "A"},
               headers={"Idempotency-Key": key}) \
        .expect_faults(("Idempotency-Key", "invalid_value"))


@pytest.mark.parametrize("key", ["x" * 255, "a b", "!~", "'; DROP TABLE users; --"])
def test_good_keys(admin, key):
    body = {"email": fresh_email(), "display_name": "A"}
    first = admin.post("users/", body, headers={"Idempotency-Key": key}).expect(201)
    assert admin.post("users/", body, headers={"Idempotency-Key": key}).raw == first.raw


def test_a_key_is_of_no_matter_to_put(admin, user):
    headers = {"Idempotency-Key": fresh_key()}
    for number in range(2):
        admin.put("users/" + user["user_uid"], {"n": number}, headers=headers).expect(200)
    assert admin.read(user["user_uid"])["n"] == 1


def test_answers_are_kept_for_a_day(server, admin):
    key = fresh_key()
    body = {"email": fresh_email(), "display_name": "A"}
    admin.post("users/", body, headers={"Idempotency-Key": key}).expect(201)
    server.sql("UPDATE idempotency_keys SET created_at = created_at - 86000000"
               " WHERE idempotency_key = ?", key)
    admin.post("users/", body, headers={"Idempotency-Key": key}).expect(201)
    server.sql("UPDATE idempotency_keys SET created_at = created_at - 1000000"
               " WHERE idempotency_key = ?", key)
    admin.post("users/", body, headers={"Idempotency-Key": key}) \
        .expect_problem(409, "email_exists")
    # It can be used for another request.
    body = {"email": fresh_email(), "display_name": "A"}
    made = admin.post("users/", body, headers={"Idempotency-Key": key}).expect(201)
    assert admin.post("users/", body, headers={"Idempotency-Key": key}).raw == made.raw


# ---- cross-site ----


def changes(client, user, headers):
    """Each kind of change, with those headers."""
    yield client.post("users/", {"email": fresh_email(), "display_name": "A"}, headers=headers)
    yield client.put("users/" + user["user_uid"], {"n": next(NUMBERS)}, headers=headers)
    yield client.ask("PATCH", "users/", {"user_uid": user["user_uid"]}, headers=headers)
    yield client.post("sub-admins/", {"user_uid": user["user_uid"]}, headers=headers)
    yield client.delete("sub-admins/" + user["user_uid"], headers=headers)
    yield client.delete("users/" + user["user_uid"], headers=headers)


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example.com"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "https://app.example.com.evil.com"},
    {"Origin": "http://app.example.com"},
    {"Origin": "https://app.example.com:444"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "garbage"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.com"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example.com"},
])
def test_changes_from_other_sites_are_refused(admin, user, headers):
    for result in changes(admin, user, headers):
        result.expect_problem(403, "cross_site")
    assert admin.read(user["user_uid"]) == user
    for path in ("users/", "users/" + user["user_uid"], "organization-status/"):
        admin.get(path, headers=headers).expect(200)


@pytest.mark.parametrize("headers", [
    {},
    {"Origin": "http://127.0.0.1:@"},
    {"Origin": "https://app.example.com"},
    {"Origin": "HTTPS://App.Example.com"},
    {"Origin": "https://app.example.com:443"},
    {"Origin": "http://other.example.com:8080"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:@"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"},
])
def test_changes_from_where_they_may_come(server, admin, user, headers):
    headers = {name: value.replace("@", str(server.port)) for name, value in headers.items()}
    for result in changes(admin, user, headers):
        assert result.status in (200, 201), result


def test_the_server_s_own_origin_is_that_of_the_host_header(admin, user):
    path = "users/" + user["user_uid"]
    headers = {"Host": "users.example.org", "Origin": "http://users.example.org"}
    admin.put(path, {"n": 1}, headers=headers).expect(200)
    admin.put(path, {"n": 2}, headers={**headers, "Origin": "http://users.example.org:80"}) \
        .expect(200)
    admin.put(path, {"n": 3}, headers={**headers, "Origin": "https://users.example.org"}) \
        .expect_problem(403, "cross_site")


@pytest.mark.parametrize("base, origin", [
    ("/public", "https://users.example.org"), ("/public-port", "http://users.example.org:8080"),
    ("/public-address", "https://[2001:db8::1]:8443"),
])
def test_the_own_origin_is_that_of_the_public_url(server, user, base, origin):
    admin = server.client(base=base)
    path = "users/" + user["user_uid"]
    host = f"127.0.0.1:{server.port}"
    for number, headers in enumerate((
            {}, {"Origin": origin}, {"Origin": origin.upper(), "Host": "elsewhere.example.com"},
            {"Origin": origin, "Sec-Fetch-Site": "same-origin"},
            {"Origin": "https://app.example.com"})):
        admin.put(path, {"n": number}, headers=headers).expect(200)
    for headers in ({"Origin": "http://" + host},
                    {"Origin": "http://evil.example", "Host": "evil.example"},
                    {"Origin": "https://evil.example", "Host": "evil.example"},
                    {"Origin": "http://users.example.org"}, {"Origin": "https://users.example.org:8"},
                    {"Origin": origin + ".evil.example"}, {"Origin": "null"},
                    {"Origin": origin, "Sec-Fetch-Site": "cross-site"}):
        admin.put(path, {"n": "x"}, headers=headers).expect_problem(403, "cross_site")
    # Links and locations stay as they were asked for.
    made = admin.post("users/", {"email": f"public{base[7:]}@example.com", "display_name": "P"}) \
        .expect(201)
    assert made.headers["Location"].startswith(base + "/users/")
    admin.delete("users/" + made.json["userData"]["user_uid"]).expect(200)


# ---- negotiation ----


@pytest.mark.parametrize("accept, media", [
    (None, JSON), ("", JSON), ("*/*", JSON), ("application/*", JSON), (JSON, JSON),
    ("APPLICATION/JSON", JSON), ("application/json; charset=utf-8", JSON),
    ("text/html, */*;q=0.1", JSON), ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
    (NDJSON, NDJSON), (f"{NDJSON}, {JSON}", JSON), (f"{JSON};q=0.5, {NDJSON}", NDJSON),
    (f"{NDJSON};q=0.5, */*;q=0.4", NDJSON), (f"{JSON};q=0, */*", NDJSON),
    (f"{NDJSON};q=0, */*", JSON),
    ("text/html", None), (f"{JSON};q=0", None), ("*/*;q=0", None), ("image/*", None),
    ("application/xml", None), ("application/jsonx", None),
])
def test_accept_on_a_list(admin, accept, media):
    result = admin.get("users/", headers={"Accept": accept})
    if media is None:
        result.expect_problem(406, "not_acceptable")
    else:
        assert result.expect(200).headers["Content-Type"] == media


@pytest.mark.parametrize("accept, taken", [
    (JSON, True), ("*/*", True), (NDJSON, False), (f"{NDJSON}, {JSON};q=0.1", True),
    ("text/plain", False), (f"{JSON};q=0.0", False),
])
def test_accept_elsewhere(admin, user, accept, taken):
    for path in ("users/" + user["user_uid"], "groups/sub-admins", "organization-status/"):
        result = admin.get(path, headers={"Accept": accept})
        if taken:
            result.expect(200)
        else:
            result.expect_problem(406, "not_acceptable")
    result = admin.put("users/" + user["user_uid"], {"n": 1}, headers={"Accept": accept})
    assert result.status == (200 if taken else 406)
    assert ("n" in admin.read(user["user_uid"])) == taken


def test_what_accept_chooses_varies_with_it(admin, user):
    for media in (None, JSON, NDJSON):
        vary = admin.get("users/", headers={"Accept": media}).headers["Vary"]
        assert sorted(vary.split(",")) == ["Accept", "Origin"]
    # Because of UserMgmtAllowOrigin.
    assert admin.get("users/" + user["user_uid"]).headers["Vary"] == "Origin"


def test_two_accept_headers_are_one(server):
    received = server.raw_request(b"GET /user-management/users/ HTTP/1.1",
                                  headers=[b"Accept: text/html", b"Accept: " + NDJSON.encode()])
    assert raw_status(received) == 200 and b"Content-Type: application/x-ndjson" in received


@pytest.mark.parametrize("content_type", [
    JSON, "Application/JSON", "application/json;charset=utf-8", "application/json; charset=UTF-8",
    'application/json; charset="utf-8"', "application/json ; charset=utf-8",
])
def test_good_content_types(admin, user, content_type):
    admin.put("users/" + user["user_uid"], {"n": 1},
              headers={"Content-Type": content_type}).expect(200)


@pytest.mark.parametrize("content_type", [
    None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "text/json", "application/jsonx", "application/problem+json", "application/json; charset=latin1",
    "application/json, text/plain", "application/json; x=y", "application", "*/*",
    "application/x-ndjson", "text/plain; application/json",
])
def test_other_content_types(admin, user, content_type):
    headers = {"Content-Type": content_type}
    path = "users/" + user["user_uid"]
    admin.put(path, {"n": 1}, headers=headers).expect_problem(415, "unsupported_media_type")
    admin.put(path, {"n": 1}, headers=headers, chunked=True) \
        .expect_problem(415, "unsupported_media_type")
    admin.delete("users/", {"user_uid": user["user_uid"]}, headers=headers) \
        .expect_problem(415, "unsupported_media_type")
    assert "n" not in admin.read(user["user_uid"])


def test_no_body_needs_no_content_type(admin, user):
    admin.delete("users/" + user["user_uid"], headers={"Content-Type": "text/plain"}).expect(200)


def test_an_encoded_body(admin, user):
    path = "users/" + user["user_uid"]
    for encoding in ("gzip", "deflate", "br", "gzip, identity"):
        admin.put(path, {"n": 1}, headers={"Content-Encoding": encoding}) \
            .expect_problem(415, "unsupported_media_type")
    admin.put(path, {"n": 1}, headers={"Content-Encoding": "identity"}).expect(200)


# ---- how large a body may be ----


@pytest.mark.parametrize("chunked", [False, True])
def test_max_body_to_the_byte(server, chunked):
    small = server.client(base="/small")
    uid = small.create(fresh_email())["user_uid"]

    def put(length):
        body = '{"a":"' + "x" * (length - 8) + '"}'
        return small.put("users/" + uid, body, chunked=chunked, fresh=True)

    put(300).expect(200)
    put(301).expect_problem(413, "body_too_large")
    put(200000).expect_problem(413, "body_too_large")
    assert len(small.read(uid)["a"]) == 292


# The routes that take a body, and the bytes that it may have.
BODY_LIMITS = [
    ("POST", "users/", 131072), ("POST", "users/batch", 1048576), ("PUT", "users/", 131072),
    ("PATCH", "users/", 131072), ("PUT", "users/x", 131072), ("PATCH", "users/x", 131072),
    ("DELETE", "users/", 4096), ("DELETE", "users/x", 4096), ("POST", "groups/", 4096),
    ("PUT", "groups/x", 4096), ("PATCH", "groups/x", 4096), ("DELETE", "groups/x", 4096),
    ("POST", "groups/x/members/", 4096), ("DELETE", "groups/x/members/", 4096),
    ("POST", "sub-admins/", 4096), ("DELETE", "sub-admins/", 4096),
    ("DELETE", "sub-admins/x", 4096), ("POST", "invitations/", 8192),
    ("DELETE", "invitations/", 4096), ("DELETE", "invitations/x", 4096),
    ("POST", "invitations/resend", 4096), ("POST", "invitations/accept", 4096),
    ("POST", "sessions/", 4096), ("POST", "api-keys/", 4096), ("PATCH", "api-keys/x", 4096),
    ("DELETE", "api-keys/x", 4096), ("POST", "api-keys/x/rotate", 4096),
]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("method, path, limit", BODY_LIMITS)
def test_max_body_of_each_route(admin, method, path, limit, chunked):
    spaces = " " * (limit - 2)
    assert admin.ask(method, path, "{" + spaces + "}", chunked=chunked, fresh=True).status \
        in (400, 404)
    problem = admin.ask(method, path, "{ " + spaces + "}", chunked=chunked, fresh=True) \
        .expect_problem(413, "body_too_large")
    assert problem["detail"] == f"The body must have at most {limit} bytes."


def test_all_routes_with_a_body_have_a_limit():
    assert {route_of(method, path) for method, path, _ in BODY_LIMITS} \
        == {(method, path) for method, path in ROUTES if method != "GET"}


def test_the_largest_user_fits(admin):
    """Every character of the attributes sent as an escape."""
    text = "\\u0041" * 16000
    body = '{"email":"%s","display_name":"A","a":"%s"}' % (fresh_email(), text)
    assert len(admin.post("users/", body).expect(201).json["userData"]["a"]) == 16000


def test_how_many_values_a_body_may_have(admin, user):
    path = "users/" + user["user_uid"]
    admin.put(path, '{"a":[' + "1," * 8000 + "1]}").expect(200)
    admin.put(path, '{"a":[' + "1," * 9996 + "1]}").expect_faults(
        ("attributes", "attributes_too_large"))
    admin.put(path, '{"a":[' + "1," * 9998 + "1]}").expect_problem(400, "too_many_values")


def test_a_body_announced_too_large_is_not_waited_for(server):
    received = server.raw_request(b"POST /user-management/users/ HTTP/1.1",
                                  headers=[b"Content-Type: application/json",
                                           b"Content-Length: 9000000"], timeout=5)
    assert raw_status(received) == 413


def test_a_body_that_breaks_off(server, admin):
    count = admin.get("users/").json["query_count"]
    body = b'{"email":"broken@example.com","display_name":"A"}'
    token = server.admin.headers["Authorization"].encode()
    for headers, sent in ((b"Content-Length: 200", body), (b"Transfer-Encoding: chunked",
                                                           b"31\r\n" + body + b"\r\n")):
        received = server.raw(
            b"POST /user-management/users/ HTTP/1.1\r\nHost: x\r\nAuthorization: " + token
            + b"\r\nContent-Type: application/json\r\n" + headers + b"\r\n\r\n" + sent,
            timeout=5, half_close=True)
        assert received == b"" or raw_status(received) == 400
    received = server.raw(
        b"POST /user-management/users/ HTTP/1.1\r\nHost: x\r\nAuthorization: " + token
        + b"\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + body,
        timeout=5)
    assert raw_status(received) == 400
    assert admin.get("users/").json["query_count"] == count


def test_100_continue(server, user):
    body = b'{"a":1}'
    received = server.raw_request(
        b"PUT /user-management/users/" + user["user_uid"].encode() + b" HTTP/1.1", body,
        headers=[b"Content-Type: application/json", b"Content-Length: 7", b"Expect: 100-continue"])
    assert received.startswith(b"HTTP/1.1 100 ") and b"HTTP/1.1 200 OK" in received


# ---- the order of checks ----


def test_checks_come_in_their_order(server, admin):
    """Starts with a request that is wrong in every way and mends one thing after
    the other: each time the next check in the list answers."""
    plain = admin.create(fresh_email())
    other = admin.create(fresh_email())
    protected = admin.create(fresh_email())
    admin.post("sub-admins/", {"user_uid": protected["user_uid"]}).expect(201)
    conflict = '{"email":"%s"}' % other["email"]
    request = {
        "login": NOBODY, "method": "POST", "path": "nothing/here",
        "body": "{" + " " * 1100000 + "no json",
        "headers": {"Origin": "https://evil.example.com", "Accept": "image/png",
                    "Content-Type": "text/plain", "If-Match": '"wrong"'},
        "query": {"unknown": "1"},
    }
    steps = [
        (404, "not_found", {"path": "users/" + "0" * 20}),
        (405, "method_not_allowed", {"method": "PUT"}),
        (403, "forbidden", {"login": SUB_ADMIN}),
        (403, "cross_site", {"Origin": None}),
        (406, "not_acceptable", {"Accept": JSON}),
        (415, "unsupported_media_type", {"Content-Type": JSON}),
        (413, "body_too_large", {"body": "{no json"}),
        (400, "malformed_json", {"body": conflict}),
        (400, "validation_failed", {"query": None}),
        (404, "user_not_found", {"path": "users/" + protected["user_uid"]}),
        (403, "protected_user", {"path": "users/" + plain["user_uid"]}),
        (412, "precondition_failed", {"If-Match": None}),
        (409, "email_exists", {"body": '{"n":1}'}),
    ]
    for status, code, mend in steps:
        result = server.client(request["login"]).ask(
            request["method"], request["path"], request["body"], request["headers"],
            query=request["query"], fresh=True)
        result.expect_problem(status, code)
        for name, value in mend.items():
            if name in request:
                request[name] = value
            else:
                request["headers"][name] = value
    server.client(request["login"]).ask(
        request["method"], request["path"], request["body"], request["headers"]).expect(200)


def test_faults_come_before_the_object(server):
    problem = server.sub_admin.put("users/" + "0" * 20, {"phone": "x"}) \
        .expect_problem(400, "validation_failed")
    assert [fault["field"] for fault in problem["errors"]] == ["phone"]


# ---- headers of every answer ----


def test_headers_of_every_answer(admin, user):
    uid = user["user_uid"]
    tagged = [admin.get("users/"), admin.get("users/" + uid), admin.get("sub-admins/")]
    others = [admin.get("nothing"), admin.get("users/", headers={"Accept": NDJSON}),
              admin.ask("OPTIONS", "users/"), admin.put("users/" + uid, {}),
              admin.put("users/" + uid, {"phone": "x"}), admin.get("organization-status/"),
              admin.delete("users/" + uid)]
    for result in tagged + others:
        assert result.headers.get_all("X-Content-Type-Options") == ["nosniff"]
        assert len(result.headers.get_all("Cache-Control")) == 1
        assert result.headers["Cache-Control"] == ("no-cache" if result in tagged else "no-store")
        assert "ETag" in result.headers or result not in tagged
        if result.status != 204:
            assert "Content-Type" in result.headers


# ---- pages that httpd makes ----


def test_401_is_a_problem_and_keeps_its_challenge(server):
    for client in (server.client(None), server.client("stranger@example.com"),
                   server.client(ADMIN, password="wrong")):
        server.allow_log("AH01617: user admin@example.com: authentication failure")
        server.allow_log("AH01618: user stranger@example.com not found")
        for method, path in (("GET", "users/"), ("POST", "users/"), ("GET", "nothing"),
                             ("OPTIONS", "users/")):
            result = client.ask(method, path)
            result.expect_problem(401, "unauthorized")
            assert result.headers["WWW-Authenticate"] == 'Basic realm="user management"'
            assert int(result.headers["Content-Length"]) == len(result.raw)
        head = client.ask("HEAD", "users/").expect(401)
        assert head.raw == b"" and head.headers["Content-Type"] == "application/problem+json"


def test_httpd_s_403_is_a_problem(server):
    with server.expect_log("AH01631: user nobody@example.com: authorization failure"):
        server.client(NOBODY, base="/only-admin").get("users/").expect_problem(403, "forbidden")
    server.client(ADMIN, base="/only-admin").get("users/").expect(200)


@pytest.mark.parametrize("chunked", [False, True])
def test_the_limit_of_httpd_s_own_holds_and_is_told(server, chunked):
    server.allow_log("AH0158[78]|AH02735|LimitRequestBody")
    client = server.client(base="/smaller")
    body = '{"email":"%s","display_name":"%s"}' % (fresh_email(), "x" * 200)
    problem = client.post("users/", body, chunked=chunked, fresh=True) \
        .expect_problem(413, "body_too_large")
    # Of a length that is not announced httpd itself says so, without a detail.
    assert problem.get("detail") == (None if chunked else "The body must have at most 200 bytes.")
    client.post("users/", {"email": fresh_email(), "display_name": "A"}).expect(201)


def test_pages_elsewhere_are_httpd_s_own(server):
    result = server.client(base="").get("missing.html")
    assert result.status == 404 and result.headers["Content-Type"].startswith("text/html")


def test_answers_of_the_api_go_through_httpd_s_filters(make_server):
    """Headers that others set are there, on successes and on problems."""
    server = make_server(location='Header always set X-Always "1"\nHeader set X-Ok "1"')
    result = server.admin.get("users/").expect(200)
    assert result.headers["X-Always"] == "1" and result.headers["X-Ok"] == "1"
    assert server.client(None).get("users/").expect(401).headers["X-Always"] == "1"
    assert server.admin.get("users/x").expect(404).headers["X-Always"] == "1"


def test_httpd_looks_for_no_file(make_server):
    """Folders and their .htaccess are searched for what is a file, and there only."""
    server = make_server(extra='<Directory "/">\nHeader set X-Folder "1"\n</Directory>')
    (server.directory / "htdocs/a.txt").write_text("a")
    assert server.client(base="").get("a.txt").expect(200).headers["X-Folder"] == "1"
    for path in ("users/", "users", "organization-status"):
        assert "X-Folder" not in server.admin.get(path).expect(200).headers


def test_compression_works(make_server):
    server = make_server(modules=["filter", "deflate"], location="SetOutputFilter DEFLATE")
    admin = server.admin
    admin.create(fresh_email(), text="x" * 5000)
    plain = admin.get("users/").expect(200)
    packed = admin.get("users/", headers={"Accept-Encoding": "gzip"}).expect(200)
    assert packed.headers["Content-Encoding"] == "gzip" and len(packed.raw) < len(plain.raw) / 4


@pytest.mark.parametrize("module, coding, suffix, lines", [
    ("deflate", "gzip", "-gzip", "SetOutputFilter DEFLATE"),
    ("brotli", "br", "-br", "SetOutputFilter BROTLI_COMPRESS"),
    ("deflate", "gzip", "-gzip", "AddOutputFilterByType DEFLATE application/json"),
    ("deflate", "gzip", "", "SetOutputFilter DEFLATE"),
])
def test_entity_tags_of_compressed_answers(make_server, module, coding, suffix, lines):
    """The filters of httpd alter the tag, and the client sends it back so."""
    server = make_server(modules=["filter", module], location=lines,
                         extra="" if suffix else "DeflateAlterETag NoChange")
    admin = server.admin
    user = admin.create(fresh_email(), text="x" * 5000)
    path = "users/" + user["user_uid"]
    packed = {"Accept-Encoding": coding}
    for target in (path, "users/?email=" + user["email"], "users/?user_uid=" + user["user_uid"]):
        plain = admin.get(target).expect(200).headers["ETag"]
        first = admin.get(target, headers=packed).expect(200)
        etag = first.headers["ETag"]
        assert first.headers["Content-Encoding"] == coding
        assert etag == plain[:-1] + suffix + '"'
        for value in (etag, "W/" + etag, '"x", ' + etag):
            again = admin.get(target, headers={**packed, "If-None-Match": value}).expect(304)
            assert again.raw == b"" and again.headers["ETag"] == etag
            if suffix:
                assert again.headers.get("Vary", "").count("Accept-Encoding") == 1
        admin.get(target, headers={**packed, "If-None-Match": plain}).expect(304)
        unpacked = admin.get(target, headers={"If-None-Match": etag}).expect(304)
        assert unpacked.headers["ETag"] == etag
        other = plain[:-1] + 'x' + suffix + '"'
        admin.get(target, headers={**packed, "If-None-Match": other}).expect(200)
    etag = admin.get(path, headers=packed).headers["ETag"]
    changed = admin.put(path, {"a": 1}, headers={**packed, "If-Match": etag}).expect(200)
    admin.put(path, {"a": 2}, headers={"If-Match": etag}) \
        .expect_problem(412, "precondition_failed")
    admin.put(path, {"a": 2}, headers={"If-None-Match": changed.headers["ETag"]}) \
        .expect_problem(412, "precondition_failed")
    admin.delete(path, headers={"If-Match": changed.headers["ETag"]}).expect(200)
