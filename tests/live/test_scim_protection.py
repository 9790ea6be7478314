# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""SCIM and roles: a key with the permission scim alone takes no role away, gives none, and hands
none to another person; and it reaches no other organization."""

import itertools

import pytest

from api_keys import make_key
from scim import BASE, PATCH_OP, USER, ScimClient, scim_client, scim_options
from usermgmt_env import ADMIN

NUMBERS = itertools.count()
# By configuration. One who has never asked for anything is not known as one.
BOSS = "boss@example.com"
HELPER = "helper@example.com"
EMAIL = 'emails[type eq "work"].value'
REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    lines = f"UserMgmtAdmin user {BOSS}\nUserMgmtSubAdmin user {HELPER}"
    made = make_server(start=False, **scim_options(lines, location=lines))
    made.add_login(BOSS)
    made.add_login(HELPER)
    return made.start()


@pytest.fixture(scope="module", name="scim")
def provider(server):
    return scim_client(server)


@pytest.fixture(scope="module", name="chief")
def provider_of_sub_admins(server):
    return scim_client(server, ("scim", "sub-admins:manage"))


def fresh(prefix="p"):
    """An address that no user has."""
    return f"{prefix}{next(NUMBERS)}@example.com"


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def suspensions(uid):
    """Requests that suspend a user or delete it: method, path and body."""
    path = "Users/" + uid
    for active in (False, "False"):
        yield "PATCH", path, patch_of(replace("active", active))
    yield "PATCH", path, patch_of({"op": "Replace", "value": {"active": False}})
    yield "PATCH", path, patch_of({"op": "add", "value": {f"{USER}:active": "false"}})
    yield "DELETE", path, None


def moves(uid):
    """Requests that give a user another address."""
    path = "Users/" + uid
    yield "PATCH", path, patch_of(replace(EMAIL, fresh()))
    yield "PATCH", path, patch_of(replace("emails", [{"value": fresh()}]))
    yield "PATCH", path, patch_of({"op": "add", "path": "emails",
                                   "value": [{"value": fresh(), "primary": True}]})
    yield "PATCH", path, patch_of({"op": "remove", "path": "emails"},
                                  replace("userName", fresh()))
    yield "PUT", path, {"schemas": [USER], "userName": fresh()}
    yield "PUT", path, {"schemas": [USER], "userName": "x", "emails": [fresh()]}


def patch_of(*operations):
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def status_in_bulk(scim, method, path, body):
    operation = {"method": method, "path": "/" + path}
    if body is not None:
        operation["data"] = body
    answer = scim.post("Bulk", {"schemas": [REQUEST], "Operations": [operation]}).expect(200)
    result, = answer.json["Operations"]
    assert (int(result["status"]) >= 400) == ("response" in result)
    return int(result["status"])


def expect_refused(scim, requests):
    for method, path, body in requests:
        scim.ask(method, path, body).expect_error(403)
        assert status_in_bulk(scim, method, path, body) == 403, (method, body)


@pytest.fixture(name="deputy")
def sub_admin_of_the_organization(server, scim):
    """A sub-admin: the user's id, and a client of the native API."""
    login = server.add_login(fresh("deputy"))
    uid = scim.provision(login)["id"]
    server.admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    client = server.client(login)
    client.get("users/").expect(200)
    return uid, client


def test_a_sub_admin_is_protected(scim, deputy):
    uid, client = deputy
    before = scim.resource(uid)
    expect_refused(scim, itertools.chain(suspensions(uid), moves(uid)))
    assert scim.resource(uid) == before
    client.get("users/").expect(200)
    # All else can change: the spelling of the address, and the userName, by which nobody logs in.
    found = scim.patch("Users/" + uid, replace("title", "Deputy"),
                       replace(EMAIL, before["userName"].capitalize()),
                       replace("userName", fresh("name"))).expect(200).json
    assert found["title"] == "Deputy" and found["active"] is True
    client.get("users/").expect(200)


def test_the_permission_for_sub_admins(server, scim, chief, deputy):
    uid, client = deputy
    path = "Users/" + uid
    chief.patch(path, replace("active", False)).expect(200)
    client.get("users/").expect_problem(403, "forbidden")
    # An activation gives the role back.
    scim.patch(path, replace("active", True)).expect_error(403)
    assert status_in_bulk(scim, "PATCH", path, patch_of(replace("active", "True"))) == 403
    client.get("users/").expect_problem(403, "forbidden")
    # What is sent again as it is changes nothing.
    scim.patch(path, replace("active", False)).expect(200)
    chief.patch(path, replace("active", True)).expect(200)
    client.get("users/").expect(200)
    moved = server.add_login(fresh("moved"))
    chief.patch(path, replace(EMAIL, moved)).expect(200)
    client.get("users/").expect_problem(403, "forbidden")
    server.client(moved).get("users/").expect(200)
    chief.delete(path).expect(204)


def test_an_admin_by_configuration_is_protected_in_bulk(server, scim, chief):
    boss = server.client(BOSS)
    boss.get("me/").expect(200)
    uid = scim.provision(BOSS)["id"]
    admin = ScimClient(server, ADMIN)
    for client in (scim, chief, admin):
        expect_refused(client, itertools.chain(suspensions(uid), moves(uid)))
    assert status_in_bulk(chief, "POST", "Users",
                          {"schemas": [USER], "userName": "x", "active": False,
                           "emails": [BOSS.upper()]}) in (403, 409)
    boss.get("me/").expect(200)
    server.admin.delete("users/" + uid).expect(200)


def test_a_sub_admin_by_configuration_is_protected(server, scim, chief):
    helper = server.client(HELPER)
    helper.get("users/").expect(200)
    # A suspended user with the address would take the role away.
    suspended = {"schemas": [USER], "userName": HELPER, "active": False}
    scim.post("Users", suspended).expect_error(403)
    other = scim.provision(fresh(), active=False)["id"]
    scim.patch("Users/" + other, replace(EMAIL, HELPER)).expect_error(403)
    uid = scim.provision(HELPER)["id"]
    expect_refused(scim, itertools.chain(suspensions(uid), moves(uid)))
    helper.get("users/").expect(200)
    chief.patch("Users/" + uid, replace("active", False)).expect(200)
    helper.get("users/").expect_problem(403, "forbidden")
    chief.delete("Users/" + uid).expect(204)
    helper.get("users/").expect(200)


@pytest.mark.parametrize("address", [BOSS, HELPER])
def test_nobody_gets_the_address_of_a_role(server, scim, chief, address):
    server.client(address).get("me/").expect(200)
    uid = scim.provision(fresh())["id"]
    for operations in ([replace(EMAIL, address)],
                       [replace("active", False), replace(EMAIL, address)]):
        scim.patch("Users/" + uid, *operations).expect_error(403)
    scim.put("Users/" + uid, {"schemas": [USER], "userName": address}).expect_error(403)
    chief.patch("Users/" + uid, replace(EMAIL, address)).expect(200)
    server.admin.delete("users/" + uid).expect(200)


def test_members_of_sub_admins(server, scim, chief):
    uid = scim.provision(fresh())["id"]
    group = "Groups/sub-admins"

    def joins():
        member = [{"value": uid}]
        yield "PATCH", group, patch_of({"op": "add", "path": "members", "value": member})
        yield "PATCH", group, patch_of({"op": "add", "value": {"members": member}})
        yield "PATCH", group, patch_of({"op": "replace", "value": {"Members": uid}})
        yield "PATCH", group, patch_of(replace("members", member))
        yield "PUT", group, {"displayName": "Sub-admins", "members": member}

    def leaves():
        yield "PATCH", group, patch_of({"op": "remove", "path": "members"})
        yield "PATCH", group, patch_of({"op": "remove", "path": f'members[value eq "{uid}"]'})
        yield "PATCH", group, patch_of({"op": "remove", "path": f'members[value eq {uid}]'})
        yield "PATCH", group, patch_of({"op": "remove", "path": "members",
                                        "value": [{"value": uid}]})
        yield "PATCH", group, patch_of(replace("members", []))
        yield "PUT", group, {"displayName": "Sub-admins"}

    expect_refused(scim, joins())
    server.admin.get("sub-admins/" + uid).expect_problem(404, "sub_admin_not_found")
    for method, path, body in joins():
        chief.ask(method, path, body).expect(200)
    expect_refused(scim, leaves())
    server.admin.get("sub-admins/" + uid).expect(200)
    # No other group is one of sub-admins, whatever its name and what the client wants its id to be.
    made = scim.post("Groups", {"id": "sub-admins", "displayName": "Sub-Admins 2",
                                "externalId": "sub-admins"}).expect(201).json
    assert made["id"] != "sub-admins"
    # Require usermgmt-group knows a group by its name, too.
    for name in ("sub-admins", "Sub-admins", " SUB-ADMINS "):
        scim.post("Groups", {"displayName": name}).expect_error(409, "uniqueness")
        scim.patch("Groups/" + made["id"], replace("displayName", name)
                   ).expect_error(409, "uniqueness")
    # A user's groups, role and id are not the client's to write.
    other = scim.provision(fresh(), id=uid, groups=[{"value": "sub-admins"}], role="admin",
                           roles=[{"value": "admin"}])
    assert server.admin.read(other["id"])["role"] == "user"
    scim.patch("Users/" + other["id"], {"op": "add", "value": {
        "groups": [{"value": "sub-admins"}]}}).expect(200)
    scim.patch("Users/" + other["id"], {"op": "add", "path": "groups",
                                        "value": [{"value": "sub-admins"}]}
               ).expect_error(400, "mutability")
    assert "groups" not in scim.resource(other["id"])
    for method, path, body in leaves():
        chief.ask(method, path, body).expect(200)


# ---- other organizations ----


@pytest.fixture(scope="module", name="two")
def two_organizations(make_server):
    """A client of SCIM for each of two organizations, of the same server."""
    server = make_server(**scim_options(
        location='UserMgmtOrganization %{HTTP:X-Org}\nUserMgmtAutoOrganization On'))
    clients = []
    for name in ("one", "two"):
        admin = server.client(headers={"X-Org": name})
        admin.get("me/").expect(200)
        clients.append(ScimClient(server, key=make_key(
            admin, permissions=["scim", "sub-admins:manage"])))
    return clients


def test_users_of_others_are_no_members(two):
    one, other = two
    user = one.provision(fresh("own"))
    mine = other.provision(fresh("mine"))
    member = [{"value": user["id"]}]
    other.post("Groups", {"displayName": "A", "members": member}
               ).expect_error(400, "invalidValue")
    group = other.post("Groups", {"displayName": "A", "members": [mine["id"]]}).expect(201).json
    for path in ("Groups/" + group["id"], "Groups/sub-admins"):
        for operation in ({"op": "add", "path": "members", "value": member},
                          replace("members", member)):
            other.patch(path, operation).expect_error(400, "invalidValue")
        assert status_in_bulk(other, "PUT", path, {"displayName": "Sub-admins",
                                                   "members": member}) == 400
        other.patch(path, {"op": "remove", "path": f'members[value eq "{user["id"]}"]'}
                    ).expect(200)
    assert [member["value"] for member in other.get("Groups/" + group["id"]).json["members"]] \
        == [mine["id"]]
    assert one.resource(user["id"]) == user


def test_groups_of_others(two):
    one, other = two
    user = one.provision(fresh("own"))
    group = one.post("Groups", {"displayName": "Hidden", "externalId": "hidden",
                                "members": [user["id"]]}).expect(201).json
    path = "Groups/" + group["id"]
    other.get(path).expect_error(404)
    for method, body in (("PUT", {"displayName": "B"}), ("DELETE", None),
                         ("PATCH", patch_of({"op": "remove", "path": "members"}))):
        other.ask(method, path, body).expect_error(404)
        assert status_in_bulk(other, method, path, body) == 404
        assert status_in_bulk(other, method, "Users/" + user["id"],
                              {**body, "userName": fresh()} if body else None) in (400, 404)
    for text in (f'id eq "{group["id"]}"', f'members.value eq "{user["id"]}"',
                 'displayName eq "Hidden"', 'externalId eq "hidden"', 'displayName co "idde"'):
        assert other.get("Groups", query={"filter": text}).expect(200).json["totalResults"] == 0
    for text in (f'id eq "{user["id"]}"', f'userName eq "{user["userName"]}"',
                 f'groups.value eq "{group["id"]}"', 'userName sw "own"', 'not (userName pr)',
                 f'id eq "x" or emails[value eq "{user["userName"]}"]'):
        answer = other.get("Users", query={"filter": text})
        if answer.status == 200:
            assert answer.json["totalResults"] == 0, text
        else:
            answer.expect_error(400, "invalidFilter")
    found = other.post(".search", {"filter": f'id eq "{user["id"]}"'}).expect(200).json
    assert found["totalResults"] == 0
    assert one.get(path).expect(200).json == group


def test_cursors_of_others(two):
    one, other = two
    for client in two:
        for _ in range(3):
            client.provision(fresh("cursor"))
    listing = one.get("Users", query={"cursor": "", "count": 1}).expect(200).json
    cursor = listing["nextCursor"]
    one.get("Users", query={"cursor": cursor, "count": 1}).expect(200)
    other.get("Users", query={"cursor": cursor, "count": 1}).expect_error(400, "invalidCursor")
    one.get("Groups", query={"cursor": cursor, "count": 1}).expect_error(400, "invalidCursor")
    one.get("Users", query={"cursor": cursor, "count": 1, "filter": 'userName sw "c"'}
            ).expect_error(400, "invalidCursor")


# ---- ETags and groups ----


def test_an_etag_covers_groups(scim):
    user = scim.provision(fresh())
    path = "Users/" + user["id"]
    group = scim.post("Groups", {"displayName": fresh()}).expect(201).json
    seen = [user["meta"]["version"]]

    def check(groups):
        answer = scim.get(path, headers={"If-None-Match": ", ".join(seen)}).expect(200)
        assert [one["display"] for one in answer.json.get("groups", [])] == groups
        etag = answer.headers["ETag"]
        scim.get(path, headers={"If-None-Match": etag}).expect(304)
        listed, = scim.get("Users", query={"filter": f'id eq "{user["id"]}"'}
                           ).expect(200).json["Resources"]
        assert listed["meta"]["version"] == etag
        return etag

    scim.patch("Groups/" + group["id"], {"op": "add", "path": "members", "value": user["id"]}
               ).expect(200)
    seen.append(check([group["displayName"]]))
    scim.patch("Groups/" + group["id"], replace("displayName", "Renamed " + group["displayName"])
               ).expect(200)
    seen.append(check(["Renamed " + group["displayName"]]))
    scim.delete("Groups/" + group["id"]).expect(204)
    # The version of the rest is that of the beginning.
    scim.get(path, headers={"If-None-Match": seen[0]}).expect(304)
    assert "groups" not in scim.get(path, headers={"If-None-Match": seen[2]}).expect(200).json
    # A client writes what it read, although the groups are others meanwhile.
    for etag in seen:
        scim.put(path, user, headers={"If-Match": etag}).expect(200)
    scim.patch(path, replace("title", "x"), headers={"If-Match": f'"a.b", W/{seen[1]}'}
               ).expect(200)
    for etag in (*seen, '"a.b"', '".', '"x".'):
        scim.put(path, user, headers={"If-Match": etag}).expect_error(412)
    scim.delete(path, headers={"If-Match": seen[1]}).expect_error(412)


# ---- without a login ----


def test_discovery_without_a_login_tells_nothing_else(make_server):
    server = make_server(**scim_options("UserMgmtScimPublicDiscovery On"))
    scim = scim_client(server)
    uid = scim.provision("secret.person@example.com")["id"]
    server.admin.post("users/", {"email": fresh(), "display_name": "A", "secret_height": 5}
                      ).expect(201)
    nobody = ScimClient(server)
    open_paths = ("ServiceProviderConfig", "ResourceTypes", "ResourceTypes/User",
                  "ResourceTypes/Group", "Schemas", "Schemas/" + USER)
    for path in open_paths:
        answer = nobody.get(path).expect(200)
        for text in (b"secret", uid.encode()):
            assert text not in answer.raw
    for path in ("Users", "Groups", "Users/" + uid, "Me", "Schemas/../Users", "Schemas/%2e%2e/Users",
                 "Bulk", "Schemas/x/y", "schemas", "Users?x=/Schemas"):
        nobody.get(path).expect_error(401)
    for path in ("Users", "Bulk", ".search", "Users/.search", "Groups/.search", "Schemas"):
        nobody.post(path, {}).expect_error(401)
    for method in ("PUT", "PATCH", "DELETE"):
        nobody.ask(method, "Users/" + uid, {}).expect_error(401)
        nobody.ask(method, "Schemas", {}).expect_error(401)
    # A header that names another method changes nothing.
    nobody.get("Users", headers={"X-HTTP-Method-Override": "GET"}).expect_error(401)
    assert nobody.get("Schemas/Users").status in (401, 404)
    assert BASE in nobody.get("ResourceTypes").json["Resources"][0]["meta"]["location"]
