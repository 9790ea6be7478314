# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""API keys as a resource: made, read, changed, rotated, revoked, by HTTP and by the tool."""

import datetime
import itertools
import os
import re
import zlib

import pytest
from databases import VERSION
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, in_parallel, key_digest, location
from usermgmtctl import DatabaseOf

NUMBERS = itertools.count()
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MEMBERS = ["key_id", "name", "role", "permissions", "allow_from", "created_at", "created_by",
           "expires_at", "last_used_at", "last_used_addr", "status", "old_secret_until",
           "revoked_at"]
EVERYTHING = ["users:read", "users:create", "users:update", "users:delete", "groups:manage",
              "invitations:read", "invitations:manage", "sub-admins:read", "sub-admins:manage", "sessions:read",
              "sessions:report", "audit:read", "scim", "metrics:read"]
DAY = 24 * 3600

EXTRA = location("/short", "UserMgmtKeyMaxAge 1h") + location(
    "/for-ever", "UserMgmtKeyMaxAge never") + location(
    "/teams", 'UserMgmtOrganization "%{HTTP:X-Team}"')


@pytest.fixture(scope="module")
def server(make_server):
    made = make_server(extra=EXTRA)
    made.sql("INSERT INTO organizations (name, created_at) VALUES ('red', 0)")
    return made


def make(client, headers=None, **members):
    """Make a key; gives the entry and its text."""
    body = {"name": f"key {next(NUMBERS)}", "permissions": ["users:read"], **members}
    answer = client.post("api-keys/", {name: value for name, value in body.items()
                                       if value is not None}, headers=headers).expect(201)
    return answer.json["api_key"], answer.json["key"]


def read(client, key):
    return client.get("api-keys/" + key["key_id"]).expect(200).json["api_key"]


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def age(key):
    return round(seconds(key["expires_at"]) - seconds(key["created_at"]), 3)


def stored(server, key):
    [row] = server.sql("SELECT secret_sha256, old_secret_sha256, old_until FROM api_keys"
                       " WHERE key_id = ?", key["key_id"])
    return row


def events(admin, key):
    found = admin.get("audit-events/", query={"target": key["key_id"], "limit": 100})
    return found.expect(200).json["audit_events"]


# ---- the text ----


def test_the_text_of_a_key(server, admin):
    made = [make(admin) for _ in range(5)]
    for key, text in made:
        assert re.fullmatch(r"umk_[0-9A-Za-z]{50}", text)
        assert text[4:16] == key["key_id"]
        crc, checksum = zlib.crc32(text[:48].encode()), ""
        for _ in range(6):
            crc, digit = divmod(crc, 62)
            checksum = ALPHABET[digit] + checksum
        assert text[48:] == checksum
        assert stored(server, key) == (key_digest(text), None, None)
    ids = [key["key_id"] for key, _ in made]
    assert ids == sorted(ids) and len(set(text[16:48] for _, text in made)) == 5


# ---- create ----


def test_the_least_key(admin):
    answer = admin.post("api-keys/", {"name": " Import ", "permissions": ["scim"]}).expect(201)
    assert list(answer.json) == ["api_key", "key"]
    key = answer.json["api_key"]
    assert list(key) == MEMBERS
    assert key["name"] == "Import" and key["role"] == "none" and key["permissions"] == ["scim"]
    assert key["created_by"] == ADMIN and key["status"] == "active"
    assert age(key) == 90 * DAY
    for name in ("allow_from", "last_used_at", "last_used_addr", "old_secret_until",
                 "revoked_at"):
        assert key[name] is None
    assert answer.headers["Location"] == f"{admin.base}/api-keys/{key['key_id']}"
    again = admin.send("GET", answer.headers["Location"]).expect(200)
    assert again.json == {"api_key": key}
    assert again.headers["ETag"] == answer.headers["ETag"]


def test_every_member(admin):
    networks = ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]
    key, _ = make(admin, name="Zoë 😀", permissions=["audit:read", "users:read", "audit:read"],
                  allow_from=networks, expires_in="90min")
    assert key["name"] == "Zoë 😀" and key["allow_from"] == networks
    # In the order of the table, each once.
    assert key["permissions"] == ["users:read", "audit:read"]
    assert age(key) == 5400
    assert read(admin, key) == key
    later = "2027-01-02T03:04:05.678+01:00"
    key, _ = make(admin, expires_at=later, allow_from=None)
    assert key["expires_at"] == "2027-01-02T02:04:05.678Z"
    key, _ = make(admin, permissions=None, role="admin")
    assert key["role"] == "admin" and key["permissions"] == EVERYTHING


@pytest.mark.parametrize("permission", [*EVERYTHING, "keys:manage"])
def test_every_permission_can_be_given(admin, permission):
    key, _ = make(admin, permissions=[permission])
    assert key["permissions"] == [permission]
    assert read(admin, key)["permissions"] == [permission]


NEVER = {"expires_in": "never"}
LONG = "x" * 129
BAD = [
    ({}, [("name", "required"), ("permissions", "required")]),
    ({"name": None, "permissions": None}, [("name", "required"), ("permissions", "required")]),
    ({"name": "", "permissions": ["scim"]}, [("name", "required")]),
    ({"name": " \u200b", "permissions": ["scim"]}, [("name", "required")]),
    ({"name": LONG, "permissions": ["scim"]}, [("name", "too_long")]),
    ({"name": "a\u0007b", "permissions": ["scim"]}, [("name", "control_character")]),
    ({"name": 7, "permissions": "scim"}, [("name", "invalid_type"),
                                          ("permissions", "invalid_type")]),
    ({"name": "k", "permissions": []}, [("permissions", "invalid_value")]),
    ({"name": "k", "permissions": {"scim": True}}, [("permissions", "invalid_type")]),
    ({"name": "k", "permissions": ["scim", 7]}, [("permissions", "invalid_type")]),
    ({"name": "k", "permissions": ["scim", None]}, [("permissions", "invalid_type")]),
    ({"name": "k", "permissions": ["scim"] * 65}, [("permissions", "invalid_value")]),
    ({"name": "k", "permissions": ["fly", "scim"]}, [("permissions", "invalid_value")]),
    ({"name": "k", "permissions": ["scim users:read"]}, [("permissions", "invalid_value")]),
    ({"name": "k", "role": "admin", "permissions": ["scim"]}, [("role", "invalid_value")]),
    ({"name": "k", "role": "sub_admin"}, [("role", "invalid_value")]),
    ({"name": "k", "role": "none"}, [("role", "invalid_value")]),
    ({"name": "k", "role": ["admin"]}, [("role", "invalid_type")]),
    ({"name": "k", "role": "admin", "allow_from": "192.0.2.1"}, [("allow_from", "invalid_type")]),
    ({"name": "k", "role": "admin", "allow_from": []}, [("allow_from", "invalid_value")]),
    ({"name": "k", "role": "admin", "allow_from": ["192.0.2.1"] * 33},
     [("allow_from", "invalid_value")]),
    ({"name": "k", "role": "admin", "allow_from": ["192.0.2.0/33", "example.com"]},
     [("allow_from", "invalid_value")] * 2),
    ({"name": "k", "role": "admin", "allow_from": ["0.0.0.0/0"]},
     [("allow_from", "invalid_value")]),
    ({"name": "k", "role": "admin", "expires_in": "0"}, [("expires_in", "invalid_value")]),
    ({"name": "k", "role": "admin", "expires_in": "90"}, [("expires_in", "invalid_value")]),
    ({"name": "k", "role": "admin", "expires_in": "-1d"}, [("expires_in", "invalid_value")]),
    ({"name": "k", "role": "admin", "expires_in": 90}, [("expires_in", "invalid_type")]),
    ({"name": "k", "role": "admin", "expires_in": "367d"}, [("expires_in", "not_allowed")]),
    ({"name": "k", "role": "admin", **NEVER}, [("expires_in", "not_allowed")]),
    ({"name": "k", "role": "admin", "expires_at": "tomorrow"}, [("expires_at", "invalid_value")]),
    ({"name": "k", "role": "admin", "expires_at": "2020-01-01T00:00:00Z"},
     [("expires_at", "invalid_value")]),
    ({"name": "k", "role": "admin", "expires_at": "2226-01-01T00:00:00Z"},
     [("expires_at", "not_allowed")]),
    ({"name": "k", "role": "admin", "expires_at": "2027-01-01T00:00:00Z", "expires_in": "1d"},
     [("expires_at", "invalid_value")]),
    ({"name": "k", "role": "admin", "key_id": "x", "status": "active"},
     [("key_id", "unknown_member"), ("status", "unknown_member")]),
]


@pytest.mark.parametrize("body, faults", BAD)
def test_what_is_wrong_is_refused(server, admin, body, faults):
    before = server.sql("SELECT COUNT(*) FROM api_keys")
    admin.post("api-keys/", body).expect_faults(*faults)
    assert server.sql("SELECT COUNT(*) FROM api_keys") == before


def test_the_longest_values(admin):
    networks = [f"2001:db8:1111:2222:3333:4444:5555:{number:04x}/128" for number in range(32)]
    key, _ = make(admin, name="ë" * 128, permissions=EVERYTHING, allow_from=networks,
                  expires_in="366d")
    assert key["name"] == "ë" * 128 and key["allow_from"] == networks
    assert key["permissions"] == EVERYTHING and age(key) == 366 * DAY
    assert read(admin, key) == key


def test_the_age_is_limited_by_the_directive(server):
    short, ever = (server.client(ADMIN, base=base) for base in ("/short", "/for-ever"))
    assert age(make(short)[0]) == 3600
    assert age(make(short, expires_in="59min")[0]) == 3540
    short.post("api-keys/", {"name": "k", "role": "admin", "expires_in": "3600001ms"}) \
        .expect_faults(("expires_in", "not_allowed"))
    assert age(make(ever)[0]) == 90 * DAY
    assert age(make(ever, expires_in="36500d")[0]) == 36500 * DAY
    key, _ = make(ever, **NEVER)
    assert key["expires_at"] is None and key["status"] == "active"
    assert read(ever, key) == key
    # A key that is there keeps its time where keys may not be made like it.
    assert read(short, key)["expires_at"] is None


def test_a_repeated_request_does_not_tell_the_key(server, admin):
    header = {"Idempotency-Key": "key-once"}
    body = {"name": "Once", "permissions": ["scim"]}
    first = admin.post("api-keys/", body, headers=header).expect(201)
    again = admin.post("api-keys/", body, headers=header).expect(201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == {"api_key": first.json["api_key"]}
    for name in ("Location", "ETag"):
        assert again.headers[name] == first.headers[name]
    path = f"api-keys/{first.json['api_key']['key_id']}/rotate"
    header = {"Idempotency-Key": "rotated-once"}
    rotated = admin.post(path, {}, headers=header).expect(200)
    again = admin.post(path, {}, headers=header).expect(200)
    assert again.json == {"api_key": rotated.json["api_key"]}
    for told in (first, rotated):
        text = told.json["key"]
        for table, column in (("idempotency_keys", "body"), ("audit_events", "after_json"),
                              ("audit_events", "before_json")):
            assert server.sql(f"SELECT COUNT(*) FROM {table} WHERE {column} LIKE ?",
                              f"%{text[16:48]}%") == [(0,)]
        assert text[16:48] not in server.log_text()
        assert key_digest(text).encode() not in admin.get("audit-events/",
                                                      query={"limit": 1000}).raw


# ---- who may ----


def test_only_admins_manage_keys(server, admin):
    key, _ = make(admin)
    path = "api-keys/" + key["key_id"]
    for login in (SUB_ADMIN, NOBODY):
        client = server.client(login)
        for result in (client.get("api-keys/"), client.get(path), client.delete(path),
                       client.post("api-keys/", {"name": "k", "role": "admin"}),
                       client.ask("PATCH", path, {"name": "k"}), client.post(path + "/rotate")):
            assert result.expect_problem(403, "forbidden")["permission"] == "keys:manage"
    assert read(admin, key) == key


def test_keys_of_another_organization_are_not_there(server, admin):
    red = server.client(ADMIN, base="/teams", headers={"X-Team": "red"})
    key, _ = make(admin)
    path = "api-keys/" + key["key_id"]
    assert red.get("api-keys/").json["query_count"] == 0
    for result in (red.get(path), red.delete(path), red.ask("PATCH", path, {"name": "k"}),
                   red.post(path + "/rotate", {"grace": "0"})):
        result.expect_problem(404, "api_key_not_found")
    mine, _ = make(red)
    assert [one["key_id"] for one in red.get("api-keys/").json["api_keys"]] == [mine["key_id"]]
    assert read(admin, key) == key
    admin.get("api-keys/" + mine["key_id"]).expect_problem(404, "api_key_not_found")


# ---- list ----


def test_pages(server):
    client = server.client(ADMIN, base="/teams", headers={"X-Team": "red"})
    made = [make(client)[0] for _ in range(7)]
    everything = client.get("api-keys/", query={"limit": 100}).expect(200).json
    assert list(everything) == ["query_count", "api_keys", "first_id", "last_id", "has_more",
                                "next_cursor", "prev_cursor"]
    listed = everything["api_keys"]
    assert everything["query_count"] == len(listed)
    assert (everything["first_id"], everything["last_id"]) == (listed[0]["key_id"],
                                                               listed[-1]["key_id"])
    assert listed[-7:] == made
    for order, expected in (("created_at", listed), ("-key_id", listed[::-1])):
        pages, page = [], client.get("api-keys/", query={"limit": 3, "order_by": order})
        pages += page.expect(200).json["api_keys"]
        while "next" in page.links:
            page = client.follow(page, "next")
            pages += page.expect(200).json["api_keys"]
        assert pages == expected
    before = client.get("api-keys/", query={"end_before_id": made[3]["key_id"], "limit": 2})
    assert before.json["api_keys"] == listed[listed.index(made[1]):listed.index(made[3])]
    client.get("api-keys/", query={"order_by": "name", "status": "active"}).expect_faults(
        ("order_by", "invalid_value"), ("status", "unknown_parameter"))


# ---- change ----


def patch(client, key, body, **options):
    return client.ask("PATCH", "api-keys/" + key["key_id"], body, **options)


def test_a_change(server, admin):
    key, text = make(admin, permissions=["users:read", "users:create", "scim"])
    answer = patch(admin, key, {"name": "New", "permissions": ["scim", "users:read"],
                                "allow_from": ["::1"]}).expect(200)
    changed = {**key, "name": "New", "permissions": ["users:read", "scim"],
               "allow_from": ["::1"]}
    assert answer.json == {"message": "API key updated successfully.", "api_key": changed}
    assert read(admin, key) == changed
    assert answer.headers["ETag"] == admin.get("api-keys/" + key["key_id"]).headers["ETag"]
    assert patch(admin, key, {"allow_from": None}).json["api_key"]["allow_from"] is None
    # What changes nothing is no event; nor does any of it touch the secret.
    patch(admin, key, {}).expect(200)
    patch(admin, key, {"name": "New", "key_id": key["key_id"], "permissions": None}).expect(200)
    found = events(admin, key)
    assert [event["action"] for event in found] == ["api_keys.create"] + ["api_keys.update"] * 2
    assert (found[1]["before"], found[1]["after"]) == (key, changed)
    assert stored(server, key) == (key_digest(text), None, None)


def test_permissions_are_only_taken_away(admin):
    key, _ = make(admin, permissions=["users:read", "scim"])
    for wider in (["users:read", "audit:read"], ["users:create"], EVERYTHING):
        patch(admin, key, {"permissions": wider, "name": "X"}) \
            .expect_faults(("permissions", "not_allowed"))
    assert read(admin, key) == key
    patch(admin, key, {"permissions": ["scim"]}).expect(200)
    patch(admin, key, {"permissions": ["users:read"]}) \
        .expect_faults(("permissions", "not_allowed"))
    chief, _ = make(admin, permissions=None, role="admin")
    less = patch(admin, chief, {"permissions": ["users:read"]}).expect(200).json["api_key"]
    assert (less["role"], less["permissions"]) == ("none", ["users:read"])
    patch(admin, chief, {"permissions": ["scim"]}).expect_faults(("permissions", "not_allowed"))


@pytest.mark.parametrize("body, faults", [
    ({"name": ""}, [("name", "required")]),
    ({"name": None}, [("name", "required")]),
    ({"name": LONG}, [("name", "too_long")]),
    ({"permissions": []}, [("permissions", "invalid_value")]),
    ({"permissions": ["fly"]}, [("permissions", "invalid_value")]),
    ({"allow_from": ["x"]}, [("allow_from", "invalid_value")]),
    ({"allow_from": []}, [("allow_from", "invalid_value")]),
    ({"key_id": "other"}, [("key_id", "read_only")]),
    ({"role": "admin", "expires_at": "2027-01-01T00:00:00Z", "expires_in": "1d", "grace": "0"},
     [("role", "unknown_member"), ("expires_at", "unknown_member"),
      ("expires_in", "unknown_member"), ("grace", "unknown_member")]),
])
def test_a_wrong_change_is_refused(admin, body, faults):
    key, _ = make(admin)
    patch(admin, key, body).expect_faults(*faults)
    assert read(admin, key) == key


def test_a_change_that_another_has_overtaken(admin):
    key, _ = make(admin)
    path = "api-keys/" + key["key_id"]
    old = {"If-Match": admin.get(path).headers["ETag"]}
    patch(admin, key, {"name": "first"}, headers=old).expect(200)
    patch(admin, key, {"name": "second"}, headers=old).expect_problem(412, "precondition_failed")
    admin.post(path + "/rotate", {}, headers=old).expect_problem(412, "precondition_failed")
    admin.delete(path, headers=old).expect_problem(412, "precondition_failed")
    assert read(admin, key)["name"] == "first" and read(admin, key)["status"] == "active"
    admin.post("api-keys/", {"name": "k", "role": "admin"}, headers={"If-Match": "*"}) \
        .expect_problem(412, "precondition_failed")


@pytest.mark.parametrize("key_id", ["0" * 12, "x", "x" * 300, "é", "%27", "a%20b", "*"])
def test_a_key_that_is_not_there(admin, key_id):
    path = "api-keys/" + key_id.replace("é", "%C3%A9")
    for result in (admin.get(path), admin.delete(path), admin.ask("PATCH", path, {"name": "k"}),
                   admin.post(path + "/rotate", {})):
        result.expect_problem(404, "api_key_not_found")


def test_paths_that_are_none(admin):
    key, _ = make(admin)
    for path in ("api-keys/x/y", f"api-keys/{key['key_id']}/rotate/x", "api-keys//rotate/x",
                 f"api-keys/{key['key_id']}/rotated"):
        admin.post(path, {}).expect_problem(404, "not_found")
    admin.get(f"api-keys/{key['key_id']}/rotate").expect_problem(405, "method_not_allowed")
    admin.ask("PUT", "api-keys/" + key["key_id"], {}).expect_problem(405, "method_not_allowed")


# ---- rotate ----


def rotate(client, key, **body):
    return client.post(f"api-keys/{key['key_id']}/rotate", body)


def test_both_secrets_hold_for_the_grace(server, admin):
    key, old = make(admin, expires_in="30d")
    answer = rotate(admin, key, grace="2h").expect(200)
    new, rotated = answer.json["key"], answer.json["api_key"]
    assert new[:16] == old[:16] and new != old
    assert rotated == {**key, "status": "rotating",
                       "old_secret_until": rotated["old_secret_until"]}
    assert rotated["expires_at"] == key["expires_at"]
    [event] = [event for event in events(admin, key) if event["action"] == "api_keys.rotate"]
    assert (event["before"], event["after"]) == (key, rotated)
    assert seconds(rotated["old_secret_until"]) - seconds(event["at"]) == 7200
    until = round(seconds(rotated["old_secret_until"]) * 1000)
    assert stored(server, key) == (key_digest(new), key_digest(old), until)
    assert read(admin, key) == rotated
    # Others may still use the old one.
    rotate(admin, key).expect_problem(409, "api_key_rotating")
    assert stored(server, key) == (key_digest(new), key_digest(old), until)
    last = rotate(admin, key, grace="0").expect(200).json
    assert last["api_key"] == key
    assert stored(server, key) == (key_digest(last["key"]), None, None)
    # And when the time is over.
    rotate(admin, key).expect(200)
    server.sql("UPDATE api_keys SET old_until = 1000 WHERE key_id = ?", key["key_id"])
    assert read(admin, key) == key
    rotate(admin, key, grace="1ms").expect(200)


@pytest.mark.parametrize("body, grace", [
    ({}, DAY), ({"grace": None}, DAY), ({"grace": "7d"}, 7 * DAY), ({"grace": "168h"}, 7 * DAY),
    ({"grace": "1ms"}, 0.001),
])
def test_the_grace(server, admin, body, grace):
    key, _ = make(admin)
    rotate(admin, key, **body).expect(200)
    [event] = [event for event in events(admin, key) if event["action"] == "api_keys.rotate"]
    until = stored(server, key)[2]
    assert until - round(seconds(event["at"]) * 1000) == grace * 1000


@pytest.mark.parametrize("grace, code", [
    ("8d", "invalid_value"), ("168h1s", "invalid_value"), ("-1h", "invalid_value"),
    ("", "invalid_value"), ("never", "invalid_value"), (0, "invalid_type"),
])
def test_a_wrong_grace(server, admin, grace, code):
    key, text = make(admin)
    rotate(admin, key, grace=grace).expect_faults(("grace", code))
    rotate(admin, key, name="x").expect_faults(("name", "unknown_member"))
    assert stored(server, key) == (key_digest(text), None, None)


def test_of_several_rotations_one_succeeds(server, admin):
    """What is told last is what holds, with the secret of before."""
    for _ in range(3):
        key, old = make(admin)
        results = in_parallel(8, lambda index, key=key: rotate(admin, key))
        assert sorted(result.status for result in results) == [200] + [409] * 7
        [told] = [result.json["key"] for result in results if result.status == 200]
        assert stored(server, key)[:2] == (key_digest(told), key_digest(old))
        assert len([event for event in events(admin, key)
                    if event["action"] == "api_keys.rotate"]) == 1
    # With a grace of 0 each succeeds; one secret is left, that of one of the answers.
    results = in_parallel(8, lambda index: rotate(admin, key, grace="0"))
    assert {result.status for result in results} == {200}
    found = stored(server, key)
    assert found[0] in {key_digest(result.json["key"]) for result in results}
    assert found[1:] == (None, None)


# ---- expiry and revocation ----


def test_an_expired_key(server, admin):
    key, _ = make(admin)
    server.sql("UPDATE api_keys SET expires_at = 1000 WHERE key_id = ?", key["key_id"])
    expired = read(admin, key)
    assert expired == {**key, "status": "expired", "expires_at": "1970-01-01T00:00:01.000Z"}
    rotate(admin, key).expect_problem(409, "api_key_expired")
    rotate(admin, key, grace="0").expect_problem(409, "api_key_expired")
    assert patch(admin, key, {"name": "Old"}).expect(200).json["api_key"]["status"] == "expired"
    admin.delete("api-keys/" + key["key_id"]).expect(200)
    assert read(admin, key)["status"] == "revoked"


def test_a_revoked_key(server, admin):
    key, _ = make(admin)
    path = "api-keys/" + key["key_id"]
    assert admin.delete(path).expect(200).json == {"message": "API key revoked successfully."}
    revoked = read(admin, key)
    assert revoked == {**key, "status": "revoked", "revoked_at": revoked["revoked_at"]}
    listed = admin.get("api-keys/", query={"limit": 1000}).json["api_keys"]
    assert revoked in listed
    for result in (admin.delete(path), rotate(admin, key), patch(admin, key, {"name": "k"})):
        result.expect_problem(409, "api_key_revoked")
    found = events(admin, key)
    assert [event["action"] for event in found] == ["api_keys.create", "api_keys.revoke"]
    assert (found[1]["before"], found[1]["after"]) == (key, revoked)
    assert found[1]["at"] == revoked["revoked_at"]
    assert server.sql("SELECT COUNT(*) FROM api_keys WHERE key_id = ?", key["key_id"]) == [(1,)]


def test_a_key_is_revoked_once(admin):
    key, _ = make(admin)
    results = in_parallel(8, lambda index: admin.delete("api-keys/" + key["key_id"]))
    assert sorted(result.status for result in results) == [200] + [409] * 7
    assert [event["action"] for event in events(admin, key)] == ["api_keys.create",
                                                                 "api_keys.revoke"]


def test_rotating_and_revoking_at_once(server, admin):
    """The revocation holds, in whichever order they come."""
    for _ in range(3):
        key, _ = make(admin)

        def act(index, key=key):
            return admin.delete("api-keys/" + key["key_id"]) if index == 0 \
                else rotate(admin, key, grace="0")

        results = in_parallel(6, act)
        assert results[0].status == 200
        assert {result.status for result in results[1:]} <= {200, 409}
        assert read(admin, key)["status"] == "revoked"
        actions = [event["action"] for event in events(admin, key)]
        assert sorted(actions) == ["api_keys.create", "api_keys.revoke"] \
            + ["api_keys.rotate"] * [result.status for result in results[1:]].count(200)


# ---- by the tool ----


def tool_events(admin, key):
    found = events(admin, key)
    assert all(re.fullmatch("usermgmtctl:.+", event["actor"]["identity"]) for event in found)
    return found


def test_the_tool_makes_keys(server, admin):
    tool = DatabaseOf(server)
    made = tool.run("keys", "create", " Directory ", "--permissions", "scim,sub-admins:manage",
                    "--allow-from", "192.0.2.0/24 ::1", "--expires-in", "7d").expect(0)
    [told] = made.lines
    assert list(told) == ["api_key", "key"]
    key, text = told["api_key"], told["key"]
    assert list(key) == MEMBERS and read(admin, key) == key
    assert (key["name"], key["role"]) == ("Directory", "none")
    assert key["permissions"] == ["sub-admins:manage", "scim"]
    assert key["allow_from"] == ["192.0.2.0/24", "::1"] and age(key) == 7 * DAY
    assert stored(server, key) == (key_digest(text), None, None)
    assert text[:16] == "umk_" + key["key_id"]
    [event] = tool_events(admin, key)
    assert (event["action"], event["before"], event["after"]) == ("api_keys.create", None, key)
    assert event["actor"]["identity"] == key["created_by"] and text[16:48] not in str(event)
    [told] = tool.run("keys", "create", "All", "--role", "admin", "--expires-in", "never",
                      "--org", "red").expect(0).lines
    key = told["api_key"]
    assert (key["role"], key["permissions"], key["expires_at"]) == ("admin", EVERYTHING, None)
    assert age(tool.run("keys", "create", "x", "--role", "admin").expect(0)
               .lines[0]["api_key"]) == 90 * DAY
    listed = tool.run("keys", "list", "--org", "red").expect(0).lines
    red = server.client(ADMIN, base="/teams", headers={"X-Team": "red"})
    assert listed == red.get("api-keys/", query={"limit": 1000}).json["api_keys"]
    assert key in listed
    assert len(tool.run("keys", "list").expect(0).lines) == admin.get(
        "api-keys/").json["query_count"]


def test_the_tool_rotates_and_revokes(server, admin):
    tool = DatabaseOf(server)
    key, old = make(admin)
    [told] = tool.run("keys", "rotate", key["key_id"], "--grace", "3h").expect(0).lines
    rotated = told["api_key"]
    assert rotated["status"] == "rotating" and read(admin, key) == rotated
    assert stored(server, key)[:2] == (key_digest(told["key"]), key_digest(old))
    [event] = [event for event in events(admin, key) if event["action"] == "api_keys.rotate"]
    assert (event["before"], event["after"]) == (key, rotated)
    assert round(seconds(rotated["old_secret_until"]) - seconds(event["at"])) == 3 * 3600
    tool.run("keys", "rotate", key["key_id"]).expect(1, "is being rotated")
    [told] = tool.run("keys", "rotate", key["key_id"], "--grace", "0").expect(0).lines
    assert told["api_key"] == key and stored(server, key) == (key_digest(told["key"]), None, None)
    done = tool.run("keys", "revoke", key["key_id"]).expect(0, f"{key['key_id']} was revoked")
    assert done.out == ""
    revoked = read(admin, key)
    assert revoked["status"] == "revoked"
    [event] = [event for event in events(admin, key) if event["action"] == "api_keys.revoke"]
    assert (event["before"], event["after"]) == (key, revoked)
    for command in ("revoke", "rotate"):
        tool.run("keys", command, key["key_id"]).expect(1, "was revoked")
        tool.run("keys", command, "0" * 12).expect(1, "there is no such API key")
    server.sql("UPDATE api_keys SET revoked_at = NULL, expires_at = 1 WHERE key_id = ?",
               key["key_id"])
    tool.run("keys", "rotate", key["key_id"]).expect(1, "has expired")


@pytest.mark.parametrize("code, arguments, said", [
    (2, ["create", "k"], "give either --permissions or --role admin"),
    (2, ["create", "k", "--permissions", "scim", "--role", "admin"], "give either"),
    (2, ["create", "k", "--role", "owner"], '--role must be admin, not "owner"'),
    (2, ["create", "k", "--permissions", " ,"], "has no permission"),
    (2, ["create", "k", "--permissions", "scim,fly"], 'unknown permission "fly"; known are: users'),
    (2, ["create", "k", "--role", "admin", "--expires-in", "0"], "--expires-in must be a time"),
    (2, ["create", "k", "--role", "admin", "--expires-in", "90"], "--expires-in must be a time"),
    (2, ["create", "k", "--role", "admin", "--allow-from", "x"], '--allow-from: "x": A network'),
    (2, ["create", "k", "--role", "admin", "--allow-from", ""], "must have 1 to 32 networks"),
    (2, ["create", "--role", "admin"], "usage: usermgmtctl keys create NAME"),
    (1, ["create", " ", "--role", "admin"], "a character that can be seen"),
    (1, ["create", b"\xff", "--role", "admin"], "not UTF-8"),
    (1, ["create", "k", "--role", "admin", "--org", "nowhere"], 'no organization "nowhere"'),
    (2, ["rotate", "k", "--grace", "8d"], "--grace must be a time from 0 to 7d"),
    (2, ["rotate", "k", "--org", "red"], "does not take --org"),
    (2, ["list", "--grace", "0"], "does not take --grace"),
])
def test_the_tool_refuses(server, code, arguments, said):
    before = server.sql("SELECT COUNT(*) FROM api_keys")
    arguments = [os.fsdecode(argument) for argument in arguments]
    DatabaseOf(server).run("keys", *arguments).expect(code, said)
    assert server.sql("SELECT COUNT(*) FROM api_keys") == before


# ---- the schema before ----


def test_on_the_schema_before(new_server):
    old = new_server(schema=VERSION - 1)
    admin = old.admin
    key, _ = make(admin)
    assert read(admin, key) == key
    DatabaseOf(old).run("keys", "create", "k", "--role", "admin").expect(0)
    DatabaseOf(old).run("schema", "upgrade").expect(0)
    assert read(admin, key) == key
    assert len(admin.get("api-keys/").expect(200).json["api_keys"]) == 2
