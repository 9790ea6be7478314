# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""SCIM's /Users: the mapping of a user, and create, read, replace, patch and delete."""

import itertools
import json

import pytest

from api_keys import make_key
from scim import CUSTOM, ENTERPRISE, USER, ScimClient, scim_client, scim_options
from usermgmt_env import ADMIN, in_parallel

NUMBERS = itertools.count()
# An admin by configuration. One who has never asked for anything is not known as one.
BOSS = "boss@example.com"


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    lines = f"UserMgmtAdmin user {BOSS}"
    made = make_server(start=False, **scim_options(lines, location=lines))
    made.add_login(BOSS)
    return made.start()


@pytest.fixture(scope="module", name="scim")
def provider(server):
    return scim_client(server)


def fresh(prefix="u"):
    """An address that no user has."""
    return f"{prefix}{next(NUMBERS)}@example.com"


def audit(server, uid):
    """The events of a user, newest first."""
    return server.admin.get("audit-events/", query={"target": uid, "order_by": "-at"}
                            ).expect(200).json["audit_events"]


def version_of(scim, uid):
    return scim.resource(uid)["meta"]["version"]


# ---- the mapping ----


def test_a_user_made_natively(server, scim):
    address = fresh()
    made = server.admin.create(address, "Ann Lee Smith", phone="+1 555 0100", height=170)
    found = scim.resource(made["user_uid"])
    assert found == {
        "schemas": [USER, CUSTOM], "id": made["user_uid"], "userName": address,
        "name": {"formatted": "Ann Lee Smith", "familyName": "Smith", "givenName": "Ann Lee"},
        "displayName": "Ann Lee Smith", "active": True,
        "emails": [{"value": address, "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "+1 555 0100", "type": "work"}],
        CUSTOM: {"height": 170},
        "meta": {"resourceType": "User", "created": made["created_at"],
                 "lastModified": made["updated_at"],
                 "location": f"http://127.0.0.1:{server.port}/scim/v2/Users/{made['user_uid']}",
                 "version": server.admin.get("users/" + made["user_uid"]).headers["ETag"]}}


@pytest.mark.parametrize("name, given, family", [
    ("Plato", "Plato", "Plato"), ("A B", "A", "B"), ("A  B", "A", "B"),
    ("\u00c9mile de la Tour", "\u00c9mile de la", "Tour")])
def test_names_that_are_derived(server, scim, name, given, family):
    made = server.admin.create(fresh(), name)
    assert scim.resource(made["user_uid"])["name"] == {
        "formatted": name, "givenName": given, "familyName": family}


def test_everything_that_a_client_sends(server, scim):
    address, other = fresh(), fresh()
    body = {
        "externalId": "00u1ABC", "userName": "bjensen",
        "name": {"familyName": "Jensen", "givenName": "Barbara", "honorificPrefix": "Ms."},
        "displayName": "Babs Jensen", "nickName": "Babs", "profileUrl": "https://x.example/b",
        "emails": [{"value": other, "type": "home", "display": "at home"},
                   {"value": address, "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "555-0101", "type": "mobile"},
                         {"value": "+1 555 0100", "type": "work"}],
        "ims": [{"value": "babs", "type": "skype"}],
        "addresses": [{"type": "work", "streetAddress": "1 Main\nSt", "country": "US"}],
        "title": "Tour Guide", "userType": "Employee", "preferredLanguage": "en-US",
        "locale": "en-US", "timezone": "America/Los_Angeles", "active": True,
        "roles": [{"value": "guide"}], "entitlements": [{"value": "bus"}],
        ENTERPRISE: {"employeeNumber": "701984", "costCenter": "4130",
                     "manager": {"value": "26118915"}},
        CUSTOM: {"height": 170, "brands": ["nike", "x"], "fits": {"a": True}},
        "password": "t1meMa$heen", "groups": [], "id": "mine", "meta": {"version": "1"},
        "favouriteColour": "red", "urn:example:2.0:User": {"x": 1}}
    made = scim.post("Users", {"schemas": [USER, ENTERPRISE, CUSTOM], **body}).expect(201)
    uid = made.json["id"]
    assert uid != "mine"
    assert made.headers["Location"] == made.json["meta"]["location"]
    found = scim.resource(uid)
    assert found == made.json
    assert found["schemas"] == [USER, ENTERPRISE, CUSTOM]
    for name in ("password", "groups", "favouriteColour", "urn:example:2.0:User"):
        assert name not in found
    # The main email and the phone for work come first; an email is primary.
    assert found["emails"] == [{"value": address, "type": "work", "primary": True},
                               {"value": other, "type": "home", "display": "at home"}]
    assert found["phoneNumbers"] == [{"value": "+1 555 0100", "type": "work"},
                                     {"value": "555-0101", "type": "mobile"}]
    kept = set(body) - {"password", "groups", "favouriteColour", "urn:example:2.0:User", "id",
                        "meta", "emails", "phoneNumbers"}
    assert {name: found[name] for name in kept} == {name: body[name] for name in kept}
    native = server.admin.read(uid)
    assert native == {"user_uid": uid, "email": address, "display_name": "Babs Jensen",
                      "phone": "+1 555 0100", "role": "user", "active": True,
                      "created_at": found["meta"]["created"],
                      "updated_at": found["meta"]["lastModified"],
                      "height": 170, "brands": ["nike", "x"], "fits": {"a": True}}
    event, = audit(server, uid)
    assert event["action"] == "users.create" and event["before"] is None
    assert event["after"]["scim"]["userName"] == "bjensen"
    assert event["after"]["scim"]["externalId"] == "00u1ABC"
    assert event["after"]["scim"]["title"] == "Tour Guide"
    assert "t1meMa" not in json.dumps(event)


@pytest.mark.parametrize("members, display_name", [
    ({"displayName": "Shown", "name": {"formatted": "F"}}, "Shown"),
    ({"name": {"formatted": " F G ", "givenName": "A"}}, "F G"),
    ({"name": {"givenName": "A", "familyName": "B"}}, "A B"),
    ({"name": {"familyName": "B"}}, "B"),
    ({"displayName": " ", "name": {"givenName": "A"}}, "A"),
    ({}, None)])
def test_the_display_name(server, scim, members, display_name):
    address = fresh()
    made = scim.provision(address, **members)
    assert made["displayName"] == display_name or address
    assert server.admin.read(made["id"])["display_name"] == (display_name or address)


@pytest.mark.parametrize("emails, expected", [
    ([{"value": "a@x.example"}], "a@x.example"),
    ([{"value": "a@x.example", "type": "home"}, {"value": "b@x.example", "type": "Work"}],
     "b@x.example"),
    ([{"value": "a@x.example", "type": "work"},
      {"value": "b@x.example", "type": "home", "primary": True}], "b@x.example"),
    ([{"value": "a@x.example", "primary": "False"}, {"value": "b@x.example", "primary": "True"}],
     "b@x.example"),
    (["a@x.example"], "a@x.example"),
    ([{"value": ""}], None),
    ([], None)])
def test_the_email(server, scim, emails, expected):
    name = fresh()
    unique = str(next(NUMBERS))
    emails = json.loads(json.dumps(emails).replace("@x.", f"@x{unique}."))
    expected = expected.replace("@x.", f"@x{unique}.") if expected else name
    made = scim.provision(name, emails=emails)
    assert server.admin.read(made["id"])["email"] == expected
    assert made["emails"][0]["value"] == expected and made["emails"][0]["primary"] is True
    assert len(made["emails"]) == max(1, sum(email != {"value": ""} for email in emails))
    # What is answered is taken again, and changes nothing.
    assert scim.put("Users/" + made["id"], made).expect(200).json == made


def test_a_user_name_that_is_not_the_email(server, scim):
    address = fresh()
    made = scim.provision("Jane.Doe", emails=[{"value": address, "type": "work"}])
    assert made["userName"] == "Jane.Doe"
    assert server.admin.read(made["id"])["email"] == address
    scim.post("Users", {"userName": "jane.DOE", "emails": [{"value": fresh()}]}
              ).expect_error(409, "uniqueness")
    # The name stays when the email changes, natively too.
    server.admin.ask("PATCH", "users/" + made["id"], {"email": fresh()}).expect(200)
    assert scim.resource(made["id"])["userName"] == "Jane.Doe"


def test_a_user_name_that_is_the_email_follows_it(server, scim):
    made = server.admin.create(fresh())
    moved = fresh()
    server.admin.ask("PATCH", "users/" + made["user_uid"], {"email": moved}).expect(200)
    assert scim.resource(made["user_uid"])["userName"] == moved


def test_a_work_phone_that_is_no_phone_natively(server, scim):
    numbers = [{"value": "tel:+1-201-555-0123;ext=5", "type": "work"},
               {"value": "555-0101", "type": "home"}]
    made = scim.provision(fresh(), phoneNumbers=numbers)
    assert made["phoneNumbers"] == numbers
    assert "phone" not in server.admin.read(made["id"])


@pytest.mark.parametrize("body, detail", [
    ({}, "userName: "),
    ({"userName": ""}, "userName: "),
    ({"userName": "\u2800"}, "userName: "),
    ({"userName": "nobody"}, "emails: "),
    ({"userName": "x" * 257, "emails": [{"value": "a@b.example"}]}, "userName: "),
    ({"userName": "a@b.example", "emails": [{"value": "a b@c.example"}]}, "emails: "),
    ({"userName": "a@b.example", "displayName": "x" * 257}, "displayName: "),
    ({"userName": "a@b.example", "externalId": "x" * 513}, "externalId: "),
    ({"userName": "a@b.example", "externalId": "x\u0007"}, "externalId: "),
    ({"userName": "a@b.example", "active": "maybe"}, "active "),
    ({"userName": "a@b.example", "emails": 1}, "emails: "),
    ({"userName": ["a@b.example"]}, "userName "),
    ({"userName": "a@b.example", "name": "Ann"}, "name "),
    ({"userName": "a@b.example", "title": "x" * 9000}, "8 KiB"),
    ({"userName": "a@b.example", CUSTOM: {"password": "x"}}, "password: "),
    ({"userName": "a@b.example", CUSTOM: {"email": "x"}}, "email: "),
    ({"userName": "a@b.example", CUSTOM: {"displayName": "x"}}, "displayName: "),
    ({"userName": "a@b.example", CUSTOM: {"1": "x"}}, "1: "),
    ({"userName": "a@b.example", CUSTOM: {"big": "x" * 17000}}, CUSTOM + ": "),
    ({"userName": "a@b.example", CUSTOM: {f"a{i}": i for i in range(65)}}, CUSTOM + ": "),
    ({"userName": "a@b.example", CUSTOM: 1}, CUSTOM + " ")])
def test_values_that_are_refused(scim, body, detail):
    error = scim.post("Users", body).expect_error(400, "invalidValue")
    assert detail in error["detail"], error


@pytest.mark.parametrize("body", ['{"userName":', '{"a":1,"a":2}', "[]x", '{"a":"\\u0000"}'])
def test_bodies_that_are_no_json(scim, body):
    scim.post("Users", body).expect_error(400, "invalidSyntax")


def test_bodies_of_other_types(scim):
    scim.post("Users", "[]").expect_error(400, "invalidValue")
    address = fresh()
    for content_type in ("application/json", "application/json; charset=utf-8",
                         'application/SCIM+json;charset="UTF-8"'):
        scim.post("Users", {"userName": address}, headers={"Content-Type": content_type}
                  ).expect(201 if content_type == "application/json" else 409)
    for content_type in ("text/plain", "application/scim+json; charset=latin1"):
        scim.post("Users", {"userName": fresh()}, headers={"Content-Type": content_type}
                  ).expect_error(415)
    scim.post("Users", "x" * 600000).expect_error(413)


# ---- create ----


def test_active_false(server, scim):
    made = scim.provision(fresh(), active="False")
    assert made["active"] is False
    assert server.admin.read(made["id"])["active"] is False


def test_what_must_be_unique(server, scim):
    taken = fresh()
    first = scim.provision(taken, externalId="same")
    for body in ({"userName": taken.upper()},
                 {"userName": fresh(), "emails": [{"value": taken}]},
                 {"userName": taken, "emails": [{"value": fresh()}]}):
        scim.post("Users", body).expect_error(409, "uniqueness")
    second = scim.provision(fresh(), externalId="same")
    scim.put("Users/" + second["id"], {"userName": taken}).expect_error(409, "uniqueness")
    scim.patch("Users/" + second["id"], {"op": "replace", "path": "userName", "value": taken}
               ).expect_error(409, "uniqueness")
    server.admin.post("users/", {"email": taken, "display_name": "x"}
                      ).expect_problem(409, "email_exists")
    assert scim.resource(first["id"]) == first and scim.resource(second["id"]) == second


def test_many_creates_of_one_name(scim):
    name = fresh()
    answers = in_parallel(8, lambda _: scim.post("Users", {"userName": name}))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7


def test_an_idempotency_key(scim):
    body = {"userName": fresh()}
    first = scim.post("Users", body, headers={"Idempotency-Key": "k1"}).expect(201)
    again = scim.post("Users", body, headers={"Idempotency-Key": "k1"}).expect(201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == first.json and again.headers["Location"] == first.headers["Location"]
    scim.post("Users", {"userName": fresh()}, headers={"Idempotency-Key": "k1"}).expect_error(409)


# ---- read ----


def test_read(scim):
    made = scim.provision(fresh())
    answer = scim.get("Users/" + made["id"])
    etag = answer.headers["ETag"]
    for known in (etag, "W/" + etag, '"x", ' + etag, "*"):
        revalidated = scim.get("Users/" + made["id"], headers={"If-None-Match": known})
        assert revalidated.status == 304 and revalidated.raw == b""
    scim.get("Users/" + made["id"], headers={"If-None-Match": '"x"'}).expect(200)
    assert scim.ask("HEAD", "Users/" + made["id"]).expect(200).headers["ETag"] == etag
    for uid in ("nobody", "x" * 200, "a%20b", "*"):
        assert scim.get("Users/" + uid).status == 404


def test_me(server, scim):
    scim.get("Me").expect_error(501)
    boss = ScimClient(server, BOSS)
    boss.get("Me").expect_error(404)
    uid = server.admin.create(BOSS, "The Boss")["user_uid"]
    assert boss.get("Me").expect(200).json == scim.resource(uid)
    assert boss.get("Me").headers["Location"].endswith("/Users/" + uid)
    server.admin.delete("users/" + uid).expect(200)


def test_groups(server, scim):
    made = scim.provision(fresh(), title="T")
    for name in ("b", "a"):
        server.sql("INSERT INTO user_groups (org_id, group_id, display_name, display_name_key, "
                   "created_at, updated_at) SELECT org_id, ?, ?, ?, 1, 1 FROM users "
                   "WHERE user_uid = ?", "g" + name, "Group " + name, "group " + name, made["id"])
        server.sql("INSERT INTO group_members (org_id, group_id, user_uid, created_at) "
                   "SELECT org_id, ?, user_uid, 1 FROM users WHERE user_uid = ?", "g" + name,
                   made["id"])
    groups = [{"value": "g" + name, "display": "Group " + name, "type": "direct",
               "$ref": f"http://127.0.0.1:{server.port}/scim/v2/Groups/g{name}"}
              for name in ("a", "b")]
    found = scim.resource(made["id"])
    # The ETag has a part for the groups.
    assert found == {**made, "groups": groups, "meta": {**made["meta"], "version":
                                                        found["meta"]["version"]}}
    assert found["meta"]["version"].startswith(made["meta"]["version"][:-1] + ".")
    # Nobody can write them here, but clients send them back.
    found["groups"] = []
    assert scim.put("Users/" + made["id"], found).expect(200).json["groups"] == groups
    scim.patch("Users/" + made["id"], {"op": "add", "path": "groups", "value": [{"value": "x"}]}
               ).expect_error(400, "mutability")
    found = scim.patch("Users/" + made["id"], {"op": "remove", "path": "title"}).expect(200).json
    assert found["groups"] == groups and "title" not in found


def test_attributes_that_are_asked_for(scim):
    name = fresh()
    made = scim.provision(name, title="T", nickName="N", **{CUSTOM: {"height": 1}})
    path = "Users/" + made["id"]
    found = scim.get(path, query={"attributes": "TITLE,emails.value"}).expect(200)
    assert found.json == {"schemas": made["schemas"], "id": made["id"], "title": "T",
                          "emails": [{"value": name}]}
    assert found.headers["ETag"] == made["meta"]["version"]
    found = scim.get(path, query={"excludedAttributes": f"title,id,{CUSTOM},name"}).expect(200).json
    assert "title" not in found and "name" not in found and CUSTOM not in found
    assert found["id"] == made["id"] and found["nickName"] == "N"
    # The answers to changes too.
    query = {"attributes": "title"}
    short = {"schemas": made["schemas"], "id": made["id"], "title": "U"}
    assert scim.ask("PATCH", path, {"Operations": [{"op": "add", "path": "title", "value": "U"}]},
                    query=query).expect(200).json == short
    assert scim.put(path, {"userName": name, "title": "U"}, query=query).expect(200).json == short
    other = scim.post("Users", {"userName": fresh(), "title": "U"}, query=query).expect(201).json
    assert other == {"schemas": [USER], "id": other["id"], "title": "U"}


# ---- replace ----


def test_replace(server, scim):
    made = scim.provision(fresh(), title="Guide", nickName="N", externalId="e",
                          phoneNumbers=[{"value": "+1 555 0100", "type": "work"}],
                          **{ENTERPRISE: {"department": "D"}, CUSTOM: {"height": 1}})
    moved = fresh()
    found = scim.put("Users/" + made["id"], {"schemas": [USER], "userName": moved, "title": "T",
                                             "displayName": "New"}).expect(200).json
    assert found == {
        "schemas": [USER, CUSTOM], "id": made["id"], "userName": moved, "title": "T",
        "name": {"formatted": "New", "familyName": "New", "givenName": "New"},
        "displayName": "New", "active": True,
        "emails": [{"value": moved, "type": "work", "primary": True}],
        # The attributes of the organization are not the provider's.
        CUSTOM: {"height": 1}, "meta": found["meta"]}
    assert scim.resource(made["id"]) == found
    event = audit(server, made["id"])[0]
    assert event["action"] == "users.update"
    assert event["before"]["scim"]["title"] == "Guide" and event["after"]["scim"] == {"title": "T"}
    # Unless it says so.
    found = scim.put("Users/" + made["id"], {"userName": moved, CUSTOM: None}).expect(200).json
    assert CUSTOM not in found and found["schemas"] == [USER]


def test_a_replacement_with_what_was_read_changes_nothing(server, scim):
    native = server.admin.create(fresh(), "Ann Lee", phone="+1 555 0100", size={"b": 1, "a": 2})
    made = scim.provision("ann", name={"givenName": "Ann"}, title="T", active=False,
                          emails=[{"value": fresh(), "type": "home", "display": "d"},
                                  {"value": fresh(), "type": "other"}],
                          phoneNumbers=[{"value": "1", "type": "fax"},
                                        {"value": "+1 555 0100", "type": "Work", "primary": True}],
                          **{ENTERPRISE: {"manager": "26118915"}, CUSTOM: {"x": [1, {"y": 2.5}]}})
    for uid in (native["user_uid"], made["id"]):
        found = scim.resource(uid)
        count = len(audit(server, uid))
        answer = scim.ask("PUT", f"Users/{uid}?", found).expect(200)
        assert answer.json == found
        # The order of members is nothing.
        scim.put("Users/" + uid, dict(reversed(found.items()))).expect(200)
        assert scim.resource(uid) == found and len(audit(server, uid)) == count


def test_a_suspended_user_stays_so(scim):
    name = fresh()
    made = scim.provision(name, active=False)
    assert scim.put("Users/" + made["id"], {"userName": name}).expect(200).json["active"] is False
    found = scim.put("Users/" + made["id"], {"userName": name, "active": "True"}).expect(200).json
    assert found["active"] is True


def test_a_name_that_was_derived_follows_the_display_name(server, scim):
    made = server.admin.create(fresh(), "Ann Lee")
    found = scim.resource(made["user_uid"])
    found["displayName"] = "Ann Park"
    found = scim.put("Users/" + made["user_uid"], found).expect(200).json
    assert found["name"] == {"formatted": "Ann Park", "givenName": "Ann", "familyName": "Park"}


def test_a_replacement_of_nobody(scim):
    scim.put("Users/nobody", {"userName": fresh()}).expect_error(404)
    scim.patch("Users/nobody", {"op": "remove", "path": "title"}).expect_error(404)


# ---- patch ----


def test_patch(server, scim):
    made = scim.provision(fresh(), title="Guide", **{CUSTOM: {"height": 1}})
    uid = made["id"]
    found = scim.patch("Users/" + uid,
                       {"op": "Replace", "path": "active", "value": "False"},
                       {"op": "remove", "path": "title"},
                       {"op": "add", "value": {"name.givenName": "Ann", "displayName": "Ann P",
                                               ENTERPRISE + ":department": "D"}},
                       {"op": "add", "path": CUSTOM + ":brand", "value": "x"}).expect(200).json
    assert found["active"] is False and "title" not in found
    assert found["displayName"] == "Ann P" and found["name"]["givenName"] == "Ann"
    assert found[ENTERPRISE] == {"department": "D"}
    assert found[CUSTOM] == {"height": 1, "brand": "x"}
    assert scim.resource(uid) == found
    event, created = audit(server, uid)
    assert event["action"] == "users.update" and created["action"] == "users.create"
    assert event["after"]["active"] is False and event["after"]["brand"] == "x"
    assert event["before"]["scim"] == {"title": "Guide"}


def test_a_patch_that_changes_nothing(server, scim):
    made = scim.provision(fresh(), title="T", emails=[{"value": fresh(), "type": "work"}])
    before = version_of(scim, made["id"])
    answer = scim.patch("Users/" + made["id"],
                        {"op": "replace", "path": "title", "value": "T"},
                        {"op": "replace", "value": {"active": True, "id": made["id"]}},
                        {"op": "replace", "path": "password", "value": "x"},
                        {"op": "remove", "path": "nickName"}).expect(200)
    assert answer.json == made and version_of(scim, made["id"]) == before
    assert len(audit(server, made["id"])) == 1


def test_emails_by_patch(server, scim):
    made = scim.provision(fresh())
    uid, moved, home = made["id"], fresh(), fresh()
    found = scim.patch("Users/" + uid, {"op": "replace", "path": 'emails[type eq "work"].value',
                                        "value": moved}).expect(200).json
    assert server.admin.read(uid)["email"] == moved
    # The name was the email, and stays as it was.
    assert found["userName"] == made["userName"]
    found = scim.patch("Users/" + uid, {"op": "add", "path": 'emails[type eq "home"].value',
                                        "value": home}).expect(200).json
    assert found["emails"] == [{"value": moved, "type": "work", "primary": True},
                               {"value": home, "type": "home"}]
    scim.patch("Users/" + uid, {"op": "remove", "path": 'emails[type eq "work"]'}).expect(200)
    assert server.admin.read(uid)["email"] == home
    # The last resort is the name.
    scim.patch("Users/" + uid, {"op": "remove", "path": "emails"}).expect(200)
    assert server.admin.read(uid)["email"] == made["userName"]


def test_what_a_patch_can_t_do(scim):
    made = scim.provision("nameless", emails=[{"value": fresh()}])
    uid = made["id"]
    for status, scim_type, operation in (
            (400, "invalidValue", {"op": "remove", "path": "emails"}),
            (400, "mutability", {"op": "replace", "path": "id", "value": "x"}),
            (400, "invalidPath", {"op": "replace", "path": "nowhere", "value": "x"}),
            (400, "noTarget", {"op": "remove"}),
            (400, "invalidValue", {"op": "replace", "path": "active", "value": "perhaps"})):
        scim.patch("Users/" + uid, operation).expect_error(status, scim_type)
    scim.ask("PATCH", "Users/" + uid, {"Operations": "x"}).expect_error(400, "invalidSyntax")
    # All operations hold, or none.
    scim.patch("Users/" + uid, {"op": "replace", "path": "title", "value": "T"},
               {"op": "remove", "path": "userName"}).expect(400)
    assert scim.resource(uid) == made


# ---- delete ----


def test_delete(server, scim):
    made = scim.provision(fresh(), title="T")
    answer = scim.delete("Users/" + made["id"])
    assert answer.status == 204 and answer.raw == b""
    scim.delete("Users/" + made["id"]).expect_error(404)
    scim.get("Users/" + made["id"]).expect_error(404)
    event = audit(server, made["id"])[0]
    assert event["action"] == "users.delete" and event["before"]["scim"] == {"title": "T"}
    assert event["after"] is None
    scim.provision(made["userName"])


# ---- preconditions ----


def test_if_match(scim):
    made = scim.provision(fresh())
    path, etag = "Users/" + made["id"], made["meta"]["version"]
    body = {"userName": made["userName"], "title": "T"}
    for call in (lambda match: scim.put(path, body, headers=match),
                 lambda match: scim.patch(path, {"op": "remove", "path": "title"}, headers=match),
                 lambda match: scim.delete(path, headers=match)):
        answer = call({"If-Match": '"other"'})
        answer.expect_error(412)
        assert answer.headers["ETag"] == etag
    changed = scim.put(path, body, headers={"If-Match": "W/" + etag}).expect(200)
    scim.put(path, body, headers={"If-Match": etag}).expect_error(412)
    scim.delete(path, headers={"If-Match": changed.headers["ETag"]}).expect(204)


# ---- admins and sub-admins ----


def test_an_admin_by_configuration_is_protected(server, scim):
    boss = server.client(BOSS)
    boss.get("me/").expect(200)
    # As a user of their own they may not be made suspended.
    scim.post("Users", {"userName": BOSS, "active": False}).expect_error(403)
    made = scim.provision(BOSS, title="Boss")
    path = "Users/" + made["id"]
    for operation in ({"op": "replace", "path": "active", "value": False},
                      {"op": "replace", "path": 'emails[type eq "work"].value', "value": fresh()}):
        error = scim.patch(path, operation).expect_error(403)
        assert "admin" in error["detail"]
    scim.put(path, {"userName": fresh()}).expect_error(403)
    scim.delete(path).expect_error(403)
    # Nobody who is suspended gets their address either.
    other = scim.provision(fresh(), active=False)
    assert scim.patch("Users/" + other["id"],
                      {"op": "replace", "path": 'emails[type eq "work"].value', "value": BOSS}
                      ).status in (403, 409)
    # The rest of theirs can change, and so can the spelling.
    found = scim.patch(path, {"op": "replace", "path": "title", "value": "CEO"},
                       {"op": "replace", "path": 'emails[type eq "work"].value',
                        "value": BOSS.capitalize()}).expect(200).json
    assert found["title"] == "CEO" and found["active"] is True
    boss.get("me/").expect(200)
    server.admin.delete("users/" + made["id"]).expect(200)


@pytest.fixture(scope="module", name="chief")
def provider_of_sub_admins(server):
    return scim_client(server, ("scim", "sub-admins:manage"))


def test_a_sub_admin_loses_the_role_while_suspended(server, scim, chief):
    login = server.add_login(fresh("deputy"))
    made = scim.provision(login)
    server.admin.post("sub-admins/", {"user_uid": made["id"]}).expect(201)
    deputy = server.client(login)
    deputy.get("users/").expect(200)
    path = "Users/" + made["id"]
    chief.patch(path, {"op": "replace", "path": "active", "value": False}).expect(200)
    deputy.get("users/").expect_problem(403, "forbidden")
    # A suspended address revokes nothing by itself, and a pending invitation is nothing to SCIM.
    sub_admins = server.admin.get("sub-admins/").json["sub_admins"]
    assert [one["user_uid"] for one in sub_admins if one["user_uid"] == made["id"]]
    chief.patch(path, {"op": "replace", "path": "active", "value": "True"}).expect(200)
    deputy.get("users/").expect(200)


def test_invitations(server, scim, chief):
    address = fresh()
    pending = server.admin.post("invitations/", {"email": address}).expect(201
                                                                           ).json["invitation"]

    def status():
        return server.admin.get("invitations/" + pending["invite_token"]
                                ).json["invitation"]["status"]

    # A pending invitation is not active: false; a provisioned or suspended address revokes
    # nothing, and neither does the activation of a user who is no sub-admin.
    made = scim.provision(address)
    path = "Users/" + made["id"]
    assert scim.resource(made["id"])["active"] is True
    for active in (False, True, False):
        scim.patch(path, {"op": "replace", "path": "active", "value": active}).expect(200)
        assert status() == "pending"
    server.admin.post("sub-admins/", {"user_uid": made["id"]})
    assert status() == "pending"
    chief.patch(path, {"op": "replace", "path": "active", "value": True}).expect(200)
    assert status() == "revoked"
    event = audit(server, pending["invite_token"])[0]
    assert event["action"] == "invitations.revoke"
    assert event["before"]["status"] == "pending" and event["after"]["status"] == "revoked"


# ---- who ----


def test_persons_and_keys(server, scim):
    by_person = ScimClient(server, ADMIN)
    made = by_person.provision(fresh())
    assert audit(server, made["id"])[0]["actor"]["identity"] == ADMIN
    made = scim.provision(fresh())
    event = audit(server, made["id"])[0]
    assert event["actor"]["identity"].startswith("key:") and event["actor"]["role"] == "none"
    admin_key = ScimClient(server, key=make_key(server.admin, role="admin"))
    admin_key.delete("Users/" + made["id"]).expect(204)


def test_a_page_of_another_site_changes_nothing(server):
    person = ScimClient(server, ADMIN, headers={"Origin": "https://evil.example"})
    person.post("Users", {"userName": fresh()}).expect_error(403)


def test_other_organizations(make_server):
    server = make_server(**scim_options(
        location='UserMgmtOrganization %{HTTP:X-Org}\nUserMgmtAutoOrganization On'))
    keys = []
    for name in ("one", "two"):
        admin = server.client(headers={"X-Org": name})
        admin.get("me/").expect(200)
        keys.append(ScimClient(server, key=make_key(admin, permissions=["scim"])))
    made = keys[0].provision(fresh())
    keys[1].provision(made["userName"])
    path = "Users/" + made["id"]
    keys[1].get(path).expect_error(404)
    keys[1].put(path, {"userName": fresh()}).expect_error(404)
    keys[1].patch(path, {"op": "remove", "path": "title"}).expect_error(404)
    keys[1].delete(path).expect_error(404)
    assert keys[0].resource(made["id"]) == made


def test_a_provisioned_user_gets_no_mail(server, scim):
    before = server.sql("SELECT COUNT(*) FROM outgoing_mail")
    scim.provision(fresh())
    assert server.sql("SELECT COUNT(*) FROM outgoing_mail") == before
