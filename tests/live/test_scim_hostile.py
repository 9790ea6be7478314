# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""SCIM and requests that no honest client sends: each has an answer of a client's error in the form
of SCIM, in bounded time, and the server goes on."""

import itertools
import json
import time

import pytest

from scim import BASE, ENTERPRISE, GROUP, MEDIA_TYPE, PATCH_OP, USER, ScimClient, scim_client, \
    scim_options

NUMBERS = itertools.count()
REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
# Seconds that no answer may take, on a machine that does much else.
LONG = 20

# JSON of every type, and some that look like what is wanted.
ODD = [None, True, False, 0, -1, 2**63 - 1, -2**63, 1.5, 1e300, "", " ", "\u0001", "\ud7ff" * 300,
       [], [[]], [None], [[None]], [0], [""], [{}], [[{}]], {}, {"": None}, {"value": None},
       {"value": []}, {"value": {}}, {"value": {"value": "x"}}, {"value": "x", "VALUE": "y"},
       {"$ref": None}, {"type": 5}, [{"type": []}], [{"type": "User"}], "members", "bulkId:",
       "bulkId:x", "urn:ietf:params:scim:schemas:core:2.0:User:", "a" * 5000,
       [{"primary": True, "value": "a"}, {"primary": "TRUE", "value": "b"}]]


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    return make_server(**scim_options("UserMgmtMaxBody 4194304"))


@pytest.fixture(scope="module", name="scim")
def provider(server):
    return scim_client(server, ("scim", "sub-admins:manage"))


@pytest.fixture(scope="module", name="user")
def user_that_is_changed(scim):
    return scim.provision("victim@example.com")


@pytest.fixture(scope="module", name="group")
def group_that_is_changed(scim, user):
    return scim.post("Groups", {"displayName": "Victims", "members": [user["id"]]}
                     ).expect(201).json


def fresh():
    return f"h{next(NUMBERS)}@example.com"


def ask(scim, method, path, body=None, **options):
    """An answer that is no fault of the server's, and that comes soon."""
    begin = time.monotonic()
    answer = scim.ask(method, path, body, **options)
    assert answer.status < 500, (method, path, answer)
    assert time.monotonic() - begin < LONG, (method, path)
    return answer


def patch_of(*operations):
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


# ---- types ----


@pytest.mark.parametrize("value", ODD, ids=lambda value: json.dumps(value)[:24])
def test_values_of_any_type(scim, user, group, value):
    attributes = ("schemas", "id", "externalId", "meta", "userName", "name", "displayName", "active",
                  "emails", "phoneNumbers", "addresses", "groups", "roles", "x509Certificates",
                  "password", ENTERPRISE, USER, "members", "name.formatted", "emails.value",
                  "emails[type eq \"work\"]", "emails[type eq \"work\"].value", "")
    for name in attributes:
        for operation in ({"op": "add", "path": name, "value": value},
                          {"op": "replace", "path": name, "value": value},
                          {"op": "remove", "path": name, "value": value},
                          {"op": "add", "value": {name: value}}):
            ask(scim, "PATCH", "Users/" + user["id"], patch_of(operation))
    for name in ("schemas", "id", "displayName", "externalId", "members", "meta", GROUP,
                 "members.value", "members[value eq 5]", "members[value eq null]",
                 "members[value eq true]", "members[value pr]", "members[not (value eq \"x\")]",
                 "members[value eq \"x\"].type"):
        for operation in ({"op": "add", "path": name, "value": value},
                          {"op": "remove", "path": name, "value": value},
                          {"op": "replace", "value": {name: value}}):
            for path in (group["id"], "sub-admins"):
                ask(scim, "PATCH", "Groups/" + path, patch_of(operation))


@pytest.mark.parametrize("value", ODD, ids=lambda value: json.dumps(value)[:24])
def test_resources_of_any_type(scim, user, group, value):
    for name in ("schemas", "externalId", "userName", "name", "displayName", "active", "emails",
                 "phoneNumbers", ENTERPRISE, "manager", "groups", "meta"):
        body = {"userName": fresh(), name: value}
        ask(scim, "PUT", "Users/" + user["id"], body)
        answer = ask(scim, "POST", "Users", body)
        if answer.status == 201:
            scim.resource(answer.json["id"])
    for name in ("schemas", "externalId", "displayName", "members"):
        body = {"displayName": fresh(), name: value}
        ask(scim, "PUT", "Groups/" + group["id"], body)
        ask(scim, "POST", "Groups", body)
    for method, path in (("POST", "Users"), ("POST", "Groups"), ("PUT", "Users/" + user["id"]),
                         ("PATCH", "Users/" + user["id"]), ("POST", "Bulk"), ("POST", ".search"),
                         ("POST", "Users/.search"), ("POST", "Groups/.search"),
                         ("DELETE", "Users/nobody")):
        ask(scim, method, path, json.dumps(value))


@pytest.mark.parametrize("value", ODD, ids=lambda value: json.dumps(value)[:24])
def test_messages_of_any_type(scim, user, value):
    for name in ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes",
                 "excludedAttributes", "schemas"):
        for path in (".search", "Users/.search", "Groups/.search"):
            ask(scim, "POST", path, {name: value})
    for body in ({"Operations": value}, {"Operations": [value]}, {"Operations": [value] * 3},
                 {"Operations": [], "failOnErrors": value}):
        ask(scim, "POST", "Bulk", body)
        ask(scim, "PATCH", "Users/" + user["id"], body)
    whole = {"method": "PATCH", "path": "/Users/" + user["id"], "bulkId": "a", "version": "x",
             "data": patch_of({"op": "add", "path": "title", "value": "x"})}
    for name in whole:
        answer = ask(scim, "POST", "Bulk", {"Operations": [{**whole, name: value}]})
        for result in answer.json.get("Operations", []):
            assert int(result["status"]) < 500, result
    for name in ("op", "path", "value"):
        operation = {"op": "replace", "path": "title", "value": "x", name: value}
        ask(scim, "PATCH", "Users/" + user["id"], patch_of(operation))


# ---- size and depth ----

DEEP = {"arrays": "[" * 524288 + "]" * 524288, "half": "[" * 1048000,
        "pairs": "[" + ",".join(["[]"] * 300000) + "]",
        "objects": '{"a":' * 150000 + "1" + "}" * 150000}


@pytest.mark.parametrize("name", DEEP)
def test_deep_bodies(scim, user, group, name):
    for method, path in (("POST", "Users"), ("PATCH", "Users/" + user["id"]), ("POST", "Groups"),
                         ("PATCH", "Groups/" + group["id"]), ("POST", "Bulk"),
                         ("POST", "Users/.search")):
        assert ask(scim, method, path, DEEP[name]).status in (400, 413)
        body = '{"Operations": ' + DEEP[name] + ', "members": ' + DEEP[name] + "}"
        assert ask(scim, method, path, body).status in (400, 413)


def test_deep_values(scim, user):
    for depth in range(1, 70, 3):
        value = json.loads("[" * depth + "]" * depth)
        ask(scim, "PATCH", "Users/" + user["id"], patch_of(
            {"op": "add", "value": {"emails": value, "urn:ietf:params:scim:schemas:extension:"
                                    "usermgmt:2.0:User:deep": value}}))


FILTERS = {
    "parentheses": "(" * 2000 + "id pr" + ")" * 2000,
    "open": "(" * 4000,
    "not": "not (" * 700 + "id pr" + ")" * 700,
    "or": " or ".join(['id eq "x"'] * 250),
    "and": " and ".join(["id pr"] * 400),
    "brackets": "emails[" * 500 + "value pr" + "]" * 500,
    "long": 'userName eq "' + "a" * 4000 + '"',
    "too long": 'userName eq "' + "a" * 100000 + '"',
    "backslashes": 'userName eq "' + "\\\\" * 1900 + '"',
    "escapes": 'userName eq "' + "\\u0000" * 600 + '"',
    "surrogate": 'userName eq "\\ud800"',
    "percent": 'userName co "' + "%_" * 1900 + '"',
    "stars": 'userName co "' + "*" * 3900 + '"',
    "dots": "a" + ".a" * 2000 + " pr",
    "urn": "urn:" * 1000 + "x pr",
    "number": "urn:ietf:params:scim:schemas:extension:usermgmt:2.0:User:height gt 1" + "0" * 3000,
    "exponent": "height gt 1e999999999",
    "negative": "height gt -0.0000000000000000000000000000000000000000000000000000001e-99999",
    "date": 'meta.created gt "99999999999999-01-01T00:00:00Z"',
    "early": 'meta.created gt "0000-00-00T00:00:00Z"',
    "null": "id eq null", "true": "id eq true", "boolean": 'active gt true', "object": "id eq {}",
    "quote": 'id eq "', "percents": 'id eq "%zz"', "injection": "id eq \"x\" or 1=1; DROP TABLE users; --",
    "apostrophe": "id eq \"' OR '1'='1\"", "nul": 'id eq "\0"', "zero": "id\0pr",
    "blanks": " " * 4000, "empty": "",
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(scim, name):
    everyone = scim.get("Users", query={"count": 0}).json["totalResults"]
    text = FILTERS[name]
    for path in ("Users", "Groups"):
        if len(text) < 2500:
            answer = ask(scim, "GET", path, query={"filter": text, "count": 1})
            check_filtered(answer, everyone, text)
        answer = ask(scim, "POST", path + "/.search", {"filter": text, "count": 1})
        check_filtered(answer, everyone, text)


@pytest.mark.parametrize("raw", ["%00", "id+eq+%22%FF%22", "id+eq+%zz", "id+pr%", "%ff&filter=id+pr",
                                 "id+pr&FILTER=%00", "id+pr&filter=id+pr"])
def test_a_filter_that_is_no_text_is_not_left_out(scim, raw):
    for path in ("Users", "Groups"):
        scim.get(f"{path}?filter={raw}").expect_error(400, "invalidFilter")
        scim.get(f"{path}?%66ilter={raw}").expect_error(400, "invalidFilter")


def check_filtered(answer, everyone, text):
    """A filter is understood, or refused; none is left out."""
    if answer.status == 200:
        assert text.strip() == "" or "pr" in text or "gt" in text or "co" in text \
            or answer.json["totalResults"] < everyone, (text, answer)
    else:
        assert answer.json.get("scimType") in ("invalidFilter", "tooMany", "invalidSyntax",
                                               "invalidValue", None), (text, answer)


@pytest.mark.parametrize("query", [
    "startIndex=99999999999999999999999", "startIndex=9223372036854775807",
    "startIndex=2147483648&count=2147483648", "startIndex=-9223372036854775808", "startIndex=",
    "startIndex=1e3", "startIndex=0x10", "startIndex=%00", "count=1e30", "count=-1e30",
    "count=99999999999999999999999", "count=-99999999999999999999999", "count=", "count=NaN",
    "count=1&count=2", "cursor=x", "cursor=%00", "cursor=" + "A" * 4000, "cursor=&startIndex=5",
    "cursor=%FF", "cursor=" + "%3D" * 100, "sortBy=" + "a" * 4000, "sortBy=%00", "sortBy=id;x",
    "sortBy=emails[type eq x]".replace(" ", "+"), "sortOrder=up", "sortOrder=", "attributes=",
    "attributes=,,,,", "attributes=" + ",".join(f"a{i}" for i in range(1200)),
    "excludedAttributes=" + ",".join(["members"] * 800), "attributes=.", "attributes=name.",
    "attributes=.name", "attributes=" + "name." * 800, "attributes=%FF", "attributes=id&attributes=x",
    "attributes=emails[type+eq+%22work%22]", "filter=&filter=", "%=%", "%zz", "&&&===", "a" * 5000])
def test_parameters(scim, user, group, query):
    for path in ("Users", "Groups", "Users/" + user["id"], "Groups/" + group["id"], "Schemas"):
        answer = ask(scim, "GET", path + "?" + query)
        # The discovery takes no filter (RFC 7644, section 4).
        assert answer.status in (200, 400, 403 if path == "Schemas" else 414), answer


def test_names_by_the_thousand(scim):
    for names in (["x"] * 5000, [f"a{i}" for i in range(5000)], ["name.givenName"] * 3000):
        for member in ("attributes", "excludedAttributes"):
            answer = ask(scim, "POST", "Users/.search", {member: names, "count": 1000})
            assert answer.status in (200, 400, 413), answer


# ---- many operations ----


def test_operations_by_the_thousand(scim, user):
    path = "Users/" + user["id"]
    many = [{"op": "replace", "path": "title", "value": str(i)} for i in range(5000)]
    assert ask(scim, "PATCH", path, patch_of(*many)).status in (200, 400, 413)
    values = [{"value": f"{i}@example.com", "type": "work"} for i in range(2000)]
    bodies = [
        patch_of({"op": "add", "value": {f"name.x{i}": "x" for i in range(5000)}}),
        patch_of({"op": "add", "path": "emails", "value": values}),
        patch_of(*[{"op": "add", "path": "emails", "value": [value]} for value in values]),
        patch_of(*[{"op": "add", "path": f'emails[value eq "{i}"].display', "value": "x"}
                   for i in range(3000)]),
        patch_of(*[{"op": "remove", "path": "emails[" + " or ".join([f'value eq "{i}"'] * 60) + "]"}
                   for i in range(300)]),
        patch_of({"op": "add", "path": "roles", "value": [{"value": "x"}] * 10000}),
        patch_of({"op": "replace", "path": "emails", "value": values},
                 *[{"op": "replace", "path": "emails.display", "value": "y" * 200}
                   for _ in range(500)]),
    ]
    for body in bodies:
        ask(scim, "PATCH", path, body)
    scim.resource(user["id"])


def test_members_by_the_thousand(scim, group):
    path = "Groups/" + group["id"]
    unknown = [{"value": f"ghost{i}"} for i in range(20000)]
    for operation in ({"op": "add", "path": "members", "value": unknown},
                      {"op": "replace", "path": "members", "value": unknown}):
        error = ask(scim, "PATCH", path, patch_of(operation)).expect_error(400, "invalidValue")
        assert len(error["detail"]) < 1000
    ask(scim, "PATCH", path, patch_of({"op": "remove", "path": "members", "value": unknown})
        ).expect(200)
    ask(scim, "PATCH", path, patch_of(*[{"op": "remove", "path": f'members[value eq "{i}"]'}
                                        for i in range(900)]))
    long = "g" * 100000
    for name in (path, "Groups/sub-admins"):
        for operation in ({"op": "add", "path": "members", "value": long},
                          {"op": "remove", "path": "members", "value": long}):
            answer = ask(scim, "PATCH", name, patch_of(operation))
            assert len(answer.raw) < 50000


def test_a_long_bulk(scim, user):
    post = {"method": "POST", "path": "/Users", "data": {"userName": "x"}}
    ask(scim, "POST", "Bulk", {"schemas": [REQUEST], "Operations": [post] * 1001}
        ).expect_error(413)
    # Each refers to the next one; the last one to the first.
    chain = [{"method": "POST", "path": "/Groups", "bulkId": str(i),
              "data": {"displayName": f"chain {i}", "members": [{"value": f"bulkId:{i + 1}"}]}}
             for i in range(999)]
    for last in ("bulkId:0", "bulkId:none", "none"):
        end = {"method": "POST", "path": "/Groups", "bulkId": "999",
               "data": {"displayName": "end", "members": [{"value": last}]}}
        answer = ask(scim, "POST", "Bulk", {"Operations": [*chain, end]}).expect(200)
        assert {result["status"] for result in answer.json["Operations"]} <= {"400", "409"}
    # An operation that refers to all others, thousands of times.
    answer = ask(scim, "POST", "Bulk", {"Operations": [
        {"method": "PATCH", "path": "/Users/" + user["id"], "bulkId": "a",
         "data": patch_of({"op": "add", "path": "roles", "value": ["bulkId:a"] * 5000})}]})
    assert answer.json["Operations"][0]["status"] == "409"
    for path in ("/Bulk", "/Me", "/.search", "/Users/.search", "Users", "//Users", "/Users/", "/Users/a/b",
                 "/Users/a?x", "/Users/%2e%2e", "/Schemas", "http://x/Users", "/users/a", "/Users/..",
                 "/UsersX", "/Groups/bulkId:", ""):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = ask(scim, "POST", "Bulk", {"Operations": [
                {"method": method, "path": path, "data": {"userName": "x"}}]}).expect(200)
            result, = answer.json["Operations"]
            assert result["status"] in ("400", "404", "405"), (method, path, result)


# ---- the form of errors ----


def test_errors_have_the_form_of_scim(server, scim, user):
    # The client checks the media type and the form of each.
    nobody = ScimClient(server)
    wrong = ScimClient(server, key="umk_" + "a" * 40)
    path = "Users/" + user["id"]
    for client in (nobody, wrong):
        for method, name in (("GET", path), ("POST", "Users"), ("PATCH", path), ("DELETE", path),
                             ("GET", "nowhere"), ("PROPFIND", path), ("POST", "Bulk"), ("GET", "")):
            client.ask(method, name, {} if method != "GET" else None).expect_error(401)
    # To a path with %00 or %2F httpd answers before it looks for a Location.
    for name in ("nowhere", "Users/x/y", "Users/" + "a" * 3000, "Me/x", "Schemas/none",
                 "ResourceTypes/none", "Users/%2e%2e%20", "v2/Users"):
        answer = scim.get(name)
        assert answer.status in (400, 404), answer
        assert answer.headers["Content-Type"] == MEDIA_TYPE, name
    for method, name in (("DELETE", "Users"), ("PUT", "Users"), ("PATCH", "Groups"), ("GET", "Bulk"),
                         ("POST", path), ("PUT", "Me"), ("DELETE", "Schemas"), ("PROPFIND", path),
                         ("MKCOL", "Users"), ("GET", ".search"), ("FOO", "Users")):
        answer = scim.ask(method, name)
        assert answer.status in (405, 501), answer
        assert answer.headers["Content-Type"] == MEDIA_TYPE, (method, name)
    for media_type in ("text/plain", "application/xml", "multipart/form-data", "", "/",
                       "application/json; charset=latin1"):
        answer = scim.post("Users", b"{}", headers={"Content-Type": media_type})
        assert answer.status in (400, 415), (media_type, answer)
    assert scim.post("Users", b'{"a": "' + b"x" * 5000000 + b'"}').expect_error(413)
    scim.post("Users", b'{"a": "' + b"x" * 600000 + b'"}').expect_error(413)
    scim.send("POST", BASE + "/Users", b'{"a": "' + b"x" * 5000000 + b'"}', chunked=True,
              fresh=True).expect_error(413)
    for body in (b"", b"{", b"[]", b"null", b'"x"', b"{}{}", b'{"a":1,"a":2}', b"\xff\xfe{}\0",
                 b'{"userName": "\\ud800"}', b'{"userName": "a\\u0000b"}', b'{"userName": 1e999}',
                 b'{"\\u0000": 1}', b"\xef\xbb\xbf{}"):
        answer = scim.post("Users", body)
        assert answer.status == 400, (body, answer)


def test_a_change_that_is_asked_for_again(scim):
    made = scim.post("Users", {"userName": fresh()}, headers={"Idempotency-Key": "h1"})
    again = scim.post("Users", json.loads(json.dumps({"userName": made.json["userName"]})),
                      headers={"Idempotency-Key": "h1"}).expect(201)
    assert again.json == made.json and again.headers["Idempotency-Replayed"] == "true"
    scim.post("Users", {"userName": fresh()}, headers={"Idempotency-Key": "h1"}).expect_error(409)
    scim.post("Users", {"userName": fresh()}, headers={"Idempotency-Key": "x" * 5000}
              ).expect_error(400, "invalidValue")
