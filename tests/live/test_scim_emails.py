# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Users found by any of their addresses: the table that an index finds them by agrees with what
is kept of each user, whatever changed the user."""

import itertools
import json
import urllib.parse

import pytest

from filter_oracle import lower
from scim import PATCH_OP, USER, scim_client, scim_options
from usermgmt_env import in_parallel
from usermgmtctl import DatabaseOf

NUMBERS = itertools.count()
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    return make_server(**scim_options())


@pytest.fixture(name="scim")
def provider(server):
    yield scim_client(server)
    check_table(server)


def check_table(server):
    """Nothing more and nothing less than the users have."""
    expected = {(org_id, lower(email["value"])[:256], uid)
                for org_id, uid, text in server.sql("SELECT org_id, user_uid, scim FROM users"
                                                    " WHERE scim IS NOT NULL")
                for email in json.loads(text).get("emails", [])}
    rows = [tuple(row) for row in server.sql("SELECT org_id, email_key, user_uid FROM user_emails")]
    rows = [(org_id, key.decode() if isinstance(key, bytes) else key,
             uid.decode() if isinstance(uid, bytes) else uid) for org_id, key, uid in rows]
    assert sorted(rows) == sorted(expected)


def keys_of(server, uid):
    return sorted(key.decode() if isinstance(key, bytes) else key for key, in server.sql(
        "SELECT email_key FROM user_emails WHERE user_uid = ?", uid))


def fresh():
    return f"emails{next(NUMBERS)}"


def emails(name, *others):
    return [{"value": f"{name}@example.com", "type": "work", "primary": True},
            *({"value": other, "type": "home"} for other in others)]


def make(scim, *others, name=None):
    name = name or fresh()
    return scim.provision(f"{name}@example.com", emails=emails(name, *others))


def find(scim, text):
    query = urllib.parse.urlencode({"filter": text})
    page = scim.get(f"Users?{query}").expect(200).json
    assert page["totalResults"] == len(page["Resources"])
    return {resource["id"] for resource in page["Resources"]}


def test_users_are_found_by_all_their_addresses(server, scim):
    user = make(scim, "Private.One@home.example", "É@home.example")
    other = make(scim, "private.one@HOME.example")
    native = server.admin.create("private.one@native.example")["user_uid"]
    both = {user["id"], other["id"]}
    for text in ('emails eq "private.one@home.example"',
                 'emails.value eq "PRIVATE.ONE@home.example"',
                 "emails eq private.one@home.example",
                 'emails[value eq "private.one@home.example"]',
                 'emails[type eq "home"].value eq "private.one@home.example"',
                 'emails[value eq "private.one@home.example" and type eq "home"] and active eq true',
                 'emails sw "private.one@h"'):
        assert find(scim, text) == both, text
    assert find(scim, 'emails sw "private.one@"') == both | {native}
    assert find(scim, 'emails.value eq "private.one@native.example"') == {native}
    assert find(scim, 'emails[type eq "work"].value eq "private.one@home.example"') == set()
    # No letter beyond ASCII has a case there.
    assert find(scim, 'emails eq "É@home.example"') == {user["id"]}
    assert find(scim, 'emails eq "é@home.example"') == set()
    assert find(scim, f'emails eq "{user["userName"].upper()}"') == {user["id"]}
    assert find(scim, 'emails eq "private.one@home.example"'
                      f' and emails eq "{user["userName"]}"') == {user["id"]}
    assert find(scim, 'not (emails eq "private.one@home.example") and emails sw "private.one@"') \
        == {native}


def test_put_and_patch(server, scim):
    name = fresh()
    user = make(scim, "a@put.example", "b@put.example", "A@PUT.example", name=name)
    uid = user["id"]
    assert keys_of(server, uid) == ["a@put.example", "b@put.example"]
    scim.ask("PUT", f"Users/{uid}", {**user, "emails": emails(name, "c@put.example")}).expect(200)
    assert keys_of(server, uid) == ["c@put.example"]
    scim.patch(f"Users/{uid}", {"op": "add", "path": "emails", "value": [
        {"value": "d@put.example", "type": "other"}]}).expect(200)
    assert keys_of(server, uid) == ["c@put.example", "d@put.example"]
    scim.patch(f"Users/{uid}", {"op": "replace", "path": 'emails[type eq "other"].value',
                                "value": "É@put.example"}).expect(200)
    assert keys_of(server, uid) == ["c@put.example", "É@put.example"]
    # Of these two a database may say that they are the same.
    scim.patch(f"Users/{uid}", {"op": "replace", "path": 'emails[type eq "other"].value',
                                "value": "e@put.example"}).expect(200)
    assert keys_of(server, uid) == ["c@put.example", "e@put.example"]
    scim.patch(f"Users/{uid}", {"op": "replace", "path": "title", "value": "x"}).expect(200)
    assert keys_of(server, uid) == ["c@put.example", "e@put.example"]
    # The two change places.
    scim.patch(f"Users/{uid}", {"op": "replace", "value": {"emails": [
        {"value": "c@put.example", "primary": True}, {"value": f"{name}@example.com"}]}}
               ).expect(200)
    assert keys_of(server, uid) == [f"{name}@example.com"]
    scim.ask("PUT", f"Users/{uid}", {**user, "emails": emails(name)}).expect(200)
    assert keys_of(server, uid) == []
    assert find(scim, 'emails eq "c@put.example"') == set()


def test_native_changes(server, scim):
    user = make(scim, "a@native.example")
    uid = user["id"]
    address = f"{fresh()}@example.com"
    server.admin.ask("PATCH", f"users/{uid}", {"email": address, "height": 3}).expect(200)
    assert keys_of(server, uid) == ["a@native.example"]
    assert find(scim, f'emails eq "{address}"') == find(scim, 'emails eq "a@native.example"') == {uid}
    assert find(scim, f'emails eq "{user["userName"]}"') == set()
    server.admin.ask("PATCH", f"users/{uid}", {"email": "a@native.example"}).expect(200)
    assert find(scim, 'emails eq "a@native.example"') == {uid}
    server.admin.delete(f"users/{uid}").expect(200)
    assert keys_of(server, uid) == [] and find(scim, 'emails eq "a@native.example"') == set()


def test_delete_and_erase(server, scim):
    first, second, third = (make(scim, f"{letter}@gone.example")["id"] for letter in "abc")
    scim.delete(f"Users/{first}").expect(204)
    server.admin.delete(f"users/{second}?erase=true").expect(200)
    DatabaseOf(server).run("users", "erase", third).expect(0)
    assert find(scim, 'emails sw "a@gone" or emails co "@gone.example"') == set()
    assert server.sql("SELECT COUNT(*) FROM user_emails WHERE email_key LIKE '%@gone.example'") \
        == [(0,)]


def test_bulk(server, scim):
    uid = make(scim, "a@bulk.example")["id"]
    name = fresh()
    made = scim.ask("POST", "Bulk", {"schemas": [BULK], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "x", "data": {
            "schemas": [USER], "userName": name, "emails": emails(name, "b@bulk.example")}},
        {"method": "PATCH", "path": f"/Users/{uid}", "data": {"schemas": [PATCH_OP], "Operations": [
            {"op": "add", "path": "emails", "value": [{"value": "c@bulk.example"}]}]}},
        # Refused, and nothing of it is left.
        {"method": "POST", "path": "/Users", "bulkId": "y", "data": {
            "schemas": [USER], "userName": name, "emails": emails(fresh(), "d@bulk.example")}},
    ]}).expect(200).json["Operations"]
    assert [operation["status"] for operation in made] == ["201", "200", "409"]
    assert keys_of(server, uid) == ["a@bulk.example", "c@bulk.example"]
    assert find(scim, 'emails eq "b@bulk.example"') == {made[0]["location"].rpartition("/")[2]}
    assert find(scim, 'emails eq "d@bulk.example"') == set()


def test_import(server, scim):
    name = fresh()
    people = [{"email": f"{name}-{number}@example.com", "display_name": "P", "scim": {
        "emails": [{"value": f"{name}-{number}@import.example", "type": "home"}]}}
              for number in range(5)]
    DatabaseOf(server).run("users", "import", "-", stdin="".join(
        json.dumps(person) + "\n" for person in people).encode()).expect(0, "5 imported")
    assert len(find(scim, f'emails sw "{name}-" and emails ew "@import.example"')) == 5
    assert len(find(scim, f'emails.value eq "{name}-3@import.example"')) == 1


def test_a_long_address(server, scim):
    """An index has its beginning alone."""
    long = "x" * 250 + "é" * 250
    user = make(scim, long + "1@long.example", long + "2@long.example")
    other = make(scim, long + "2@long.example")
    assert keys_of(server, user["id"]) == ["x" * 250 + "é" * 6]
    assert find(scim, f'emails eq "{long}1@long.example"') == {user["id"]}
    assert find(scim, f'emails eq "{long}2@long.example"') == {user["id"], other["id"]}
    assert find(scim, f'emails eq "{long}3@long.example"') == set()
    assert find(scim, f'emails sw "{long}1"') == {user["id"]}
    assert find(scim, f'emails sw "{"x" * 250}"') == {user["id"], other["id"]}


def test_another_organization(server, scim):
    """The same uid and the same address there lead to nobody here."""
    uid = make(scim, "shared@example.org")["id"]
    server.sql("INSERT INTO organizations (name, created_at) VALUES ('emails', 1)")
    org_id = server.sql("SELECT org_id FROM organizations WHERE name = 'emails'")[0][0]
    for number, name in enumerate((uid, "somebody")):
        server.sql("INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
                   " display_name_folded, attributes, active, created_at, updated_at, scim)"
                   " VALUES (?, ?, ?, ?, 'x', 'x', '{}', 1, 1, 1, ?)", org_id, name,
                   f"{number}@example.org", f"{number}@example.org",
                   '{"emails":[{"value":"shared@example.org"},{"value":"there@example.org"}]}')
    assert find(scim, 'emails eq "shared@example.org"') == {uid}
    assert find(scim, 'emails eq "there@example.org"') == set()
    assert find(scim, 'emails eq "0@example.org"') == set()


def test_many_writers_of_one_user(server, scim):
    """By SCIM and by the native API."""
    name = fresh()
    user = make(scim, "a@race.example", name=name)
    uid = user["id"]

    def write(number):
        for turn in range(8):
            if number == 0:
                result = server.admin.ask("PATCH", f"users/{uid}", {"turn": turn})
            elif number == 1:
                result = scim.patch(f"Users/{uid}", {"op": "add", "path": "emails", "value": [
                    {"value": f"p{turn}@race.example", "type": "home"}]})
            else:
                result = scim.ask("PUT", f"Users/{uid}", {**user, "emails": emails(
                    name, *(f"{number}-{turn}-{i}@race.example" for i in range(turn % 3)))})
            assert result.status == 200, result.text

    in_parallel(5, write)
    stored = scim.resource(uid)["emails"]
    assert keys_of(server, uid) == sorted(email["value"] for email in stored
                                          if not email.get("primary"))
