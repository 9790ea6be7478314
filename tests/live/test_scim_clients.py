# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""What real clients of SCIM send, replayed as they send it. Each test has the number of one
habit; docs/scim.md names the clients."""

import itertools

import pytest

from scim import BASE, CUSTOM, ENTERPRISE, GROUP, PATCH_OP, USER, scim_client, scim_options

NUMBERS = itertools.count(1)
ENTRA = "?aadOptscim062020"


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    return make_server(**scim_options())


@pytest.fixture(scope="module", name="scim")
def provider(server):
    return scim_client(server, ("scim", "sub-admins:manage"))


def fresh(part="user"):
    return f"{part}{next(NUMBERS)}@example.com"


@pytest.fixture(name="user")
def new_user(scim):
    """As Okta makes it."""
    name = fresh()
    return scim.provision(name, name={"givenName": "Ada", "familyName": "Byron"},
                          emails=[{"primary": True, "value": name, "type": "work"}],
                          displayName="Ada Byron", locale="en-US", externalId="00uAbC",
                          groups=[], password="1mz050nq", active=True)


@pytest.fixture(name="group")
def new_group(scim):
    return scim.post("Groups", {"schemas": [GROUP], "displayName": f"Group {next(NUMBERS)}",
                                "externalId": f"8aa1a0c0-{next(NUMBERS)}"}).expect(201).json


def change(scim, resource, *operations, path="Users"):
    """PATCH, and the resource as it is afterwards."""
    answer = scim.patch(f"{path}/{resource['id']}", *operations)
    assert answer.status in (200, 204), (answer.status, answer.raw)
    found = scim.get(f"{path}/{resource['id']}").expect(200).json
    if answer.status == 200:
        assert answer.json == found
    return found


def members_of(scim, group):
    found = scim.get(f"Groups/{group['id']}").expect(200).json
    return sorted(member["value"] for member in found.get("members", []))


def change_members(scim, group, *operations):
    change(scim, group, *operations, path="Groups")
    return members_of(scim, group)


def provisioned(scim, count):
    return sorted(scim.provision(fresh())["id"] for _ in range(count))


@pytest.mark.parametrize("op", ["Replace", "replace", "REPLACE", "Add"])
def test_01_operations_in_any_case(scim, user, op):
    """Entra begins them with a capital."""
    assert change(scim, user, {"op": op, "path": "title", "value": "Countess"})["title"] \
        == "Countess"


@pytest.mark.parametrize("false, true", [("False", "True"), ("false", "true"), (False, True)])
def test_02_booleans_as_texts(scim, user, false, true):
    """Entra without its flag, and OneLogin."""
    path = {"op": "Replace", "path": "active"}
    assert change(scim, user, {**path, "value": false})["active"] is False
    assert change(scim, user, {"op": "replace", "value": {"active": true}})["active"] is True
    emails = [{"value": fresh(), "type": "work", "primary": true},
              {"value": fresh(), "type": "home", "primary": false}]
    found = change(scim, user, {"op": "replace", "path": "emails", "value": emails})
    assert [email.get("primary", False) for email in found["emails"]] == [True, False]
    assert scim.provision(fresh(), active=false)["active"] is False


def test_03_dotted_and_urn_names_without_a_path(scim, user):
    """Entra."""
    found = change(scim, user, {"op": "replace", "value": {
        "displayName": "Ada King", "name.givenName": "Augusta",
        ENTERPRISE + ":department": "Engines", CUSTOM + ":shoe_size": 38}})
    assert found["displayName"] == "Ada King" and found["name"]["givenName"] == "Augusta"
    assert found["name"]["familyName"] == "Byron"
    assert found[ENTERPRISE]["department"] == "Engines" and found[CUSTOM]["shoe_size"] == 38


def test_04_an_element_that_is_not_there_is_added(scim, user):
    """Entra."""
    found = change(scim, user, {
        "op": "Replace", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+44 1"})
    assert {"type": "mobile", "value": "+44 1"} in found["phoneNumbers"]
    address = fresh()
    found = change(scim, user, {"op": "Add", "path": 'emails[type eq "work"].value',
                                "value": address})
    assert found["emails"][0]["value"] == address


def test_05_members_are_removed_by_a_list(scim, group):
    """Entra."""
    one, two, three = provisioned(scim, 3)
    values = [{"value": uid} for uid in (one, two, three)]
    assert change_members(scim, group, {"op": "Add", "path": "members", "value": values}) \
        == [one, two, three]
    assert change_members(scim, group, {"op": "Remove", "path": "members",
                                        "value": [{"$ref": None, "value": two}]}) == [one, three]


def test_06_all_members_are_removed(scim, group):
    change_members(scim, group, {"op": "Add", "path": "members", "value": [
        {"value": uid} for uid in provisioned(scim, 3)]})
    assert change_members(scim, group, {"op": "remove", "path": "members"}) == []


def test_07_members_are_added_without_a_path(scim, group):
    one, two = provisioned(scim, 2)
    add = {"op": "add", "value": {"members": [{"value": one}]}}
    assert change_members(scim, group, add) == [one]
    assert change_members(scim, group, add, {
        "op": "add", "value": {"members": [{"value": two}, {"value": one}]}}) == [one, two]


@pytest.mark.parametrize("form", [
    lambda uid: {"$ref": None, "value": uid},
    lambda uid: {"value": uid},
    lambda uid: {"value": uid, "display": "Somebody", "type": "User"},
    lambda uid: uid])
def test_08_forms_of_members(scim, group, form):
    one, two = provisioned(scim, 2)
    assert change_members(scim, group, {"op": "add", "path": "members",
                                        "value": [form(one), form(two)]}) == [one, two]


def test_09_the_id_may_be_in_the_value(scim, group):
    """Okta, for the name of a group."""
    found = change(scim, group, {"op": "replace", "value": {
        "id": group["id"], "displayName": f"Renamed {next(NUMBERS)}"}}, path="Groups")
    assert found["displayName"].startswith("Renamed")


def test_10_members_are_replaced(scim, group):
    """Okta."""
    one, two, three = provisioned(scim, 3)
    for wanted in ([one, two], [two, three], []):
        assert change_members(scim, group, {"op": "replace", "path": "members", "value": [
            {"value": uid, "display": "x"} for uid in wanted]}) == wanted


def test_11_what_was_read_is_put_back(scim, user, group):
    """Okta."""
    change_members(scim, group, {"op": "add", "path": "members", "value": [{"value": user["id"]}]})
    read = scim.resource(user["id"])
    assert [one["value"] for one in read["groups"]] == [group["id"]]
    answer = scim.ask("PUT", f"Users/{user['id']}", read).expect(200)
    assert answer.json == read and members_of(scim, group) == [user["id"]]
    read["active"] = False
    assert scim.ask("PUT", f"Users/{user['id']}", read).expect(200).json["active"] is False


def test_12_passwords_and_empty_groups(scim, user):
    """Okta sends a password that nobody knows."""
    assert "password" not in user and user["locale"] == "en-US" and not user.get("groups")


def test_13_a_suspended_user_is_created(scim):
    assert scim.provision(fresh(), active=False)["active"] is False


def test_14_the_first_listed_user_is_whole(server, scim):
    """Okta's suite wants that of a user that was not made by SCIM, too."""
    server.admin.create(fresh(), display_name="Native")
    for user in scim.get("Users?count=1000").expect(200).json["Resources"]:
        assert user["name"]["familyName"] and user["name"]["givenName"]
        assert user["emails"][0]["value"] and user["active"] in (True, False)


def test_15_names_that_are_no_address(scim):
    address = fresh()
    made = scim.provision("ada", emails=[{"value": address, "primary": True}])
    assert made["userName"] == "ada" and made["emails"][0]["value"] == address
    scim.post("Users", {"schemas": [USER], "userName": "nobody"}).expect_error(400, "invalidValue")


def filtered(scim, text):
    return [user["id"] for user in
            scim.get(f"Users?filter={text}").expect(200).json["Resources"]]


def test_16_case(scim):
    name = fresh()
    made = scim.provision(name, externalId=f"Ext{next(NUMBERS)}")
    assert filtered(scim, f"USERNAME%20EQ%20%22{name.upper()}%22") == [made["id"]]
    assert filtered(scim, f"externalId%20eq%20%22{made['externalId']}%22") == [made["id"]]
    assert filtered(scim, f"externalId%20eq%20%22{made['externalId'].lower()}%22") == []


def test_17_values_without_quotes(scim, user):
    assert filtered(scim, f"userName%20eq%20{user['userName']}") == [user["id"]]


@pytest.mark.parametrize("query", ["", "?", "?userName+eq+%22x%22&", ENTRA, "?a=1&b"])
def test_19_parameters_that_there_are_not(scim, user, query):
    """Also unknown schemas in a body."""
    scim.get("Users" + query).expect(200)
    body = {**user, "schemas": [USER, "urn:x:unknown"], "urn:x:unknown": {"a": 1}}
    answer = scim.ask("PUT", f"Users/{user['id']}{query}", body).expect(200)
    assert answer.json["schemas"] == [USER]


def test_22_the_status_of_an_error_is_a_text(scim):
    assert scim.get("Users/nobody").expect_error(404)["status"] == "404"


@pytest.mark.parametrize("path", ["ResourceTypes", "Schemas"])
def test_23_discovery_is_a_list(scim, path):
    found = scim.get(path).expect(200).json
    assert found["totalResults"] == len(found["Resources"]) > 1


@pytest.mark.parametrize("manager", ["boss", {"value": "boss"}])
def test_24_managers(scim, user, manager):
    """Entra sends a bare text, and an empty one to remove it."""
    path = {"op": "Add", "path": ENTERPRISE + ":manager"}
    assert change(scim, user, {**path, "value": manager})[ENTERPRISE]["manager"]["value"] == "boss"
    assert ENTERPRISE not in change(scim, user, {**path, "op": "Replace", "value": ""})


def test_25_null_unassigns_and_objects_merge(scim, user):
    change(scim, user, {"op": "add", "path": "nickName", "value": "Ada"})
    assert "nickName" not in change(scim, user, {"op": "replace", "path": "nickName",
                                                 "value": None})
    found = change(scim, user, {"op": "replace", "path": "name",
                                "value": {"familyName": "Lovelace"}})
    assert found["name"]["familyName"] == "Lovelace" and found["name"]["givenName"] == "Ada"


def test_25_null_empties_a_group(scim, group):
    change_members(scim, group, {"op": "add", "path": "members", "value": [
        {"value": uid} for uid in provisioned(scim, 2)]})
    assert change_members(scim, group, {"op": "replace", "value": {"members": None}}) == []


def test_26_the_schemas_are_those_that_there_are(scim, user):
    path = ENTERPRISE + ":costCenter"
    found = change(scim, user, {"op": "add", "path": path, "value": "7"})
    assert found["schemas"] == [USER, ENTERPRISE]
    found = change(scim, user, {"op": "remove", "path": path})
    assert found["schemas"] == [USER] and ENTERPRISE not in found


def test_27_conflicts(scim, user, group):
    scim.post("Users", {"schemas": [USER], "userName": user["userName"].upper()}) \
        .expect_error(409, "uniqueness")
    scim.provision(fresh(), externalId=user["externalId"])
    scim.post("Groups", {"schemas": [GROUP], "displayName": group["displayName"]}) \
        .expect_error(409, "uniqueness")
    scim.ask("DELETE", f"Users/{user['id']}").expect(204)
    scim.ask("DELETE", f"Users/{user['id']}").expect_error(404)
    (one,) = provisioned(scim, 1)
    add = {"op": "add", "path": "members", "value": [{"value": one}]}
    assert change_members(scim, group, add) == change_members(scim, group, add) == [one]


def test_28_operations_hold_in_their_order(scim, user):
    found = change(scim, user, {"op": "add", "path": "title", "value": "1"},
                   {"op": "remove", "path": "title"},
                   {"op": "add", "path": "title", "value": "2"})
    assert found["title"] == "2"
    # One that fails takes all others with it.
    scim.patch(f"Users/{user['id']}", {"op": "replace", "path": "title", "value": "3"},
               {"op": "replace", "path": "nothing", "value": "x"}).expect(400)
    assert scim.resource(user["id"])["title"] == "2"


def test_29_a_group_with_many_members(server, scim, group):
    """More than a page of anything."""
    uids = sorted(server.admin.create(fresh("many"))["user_uid"] for _ in range(300))
    answer = scim.ask("PUT", f"Groups/{group['id']}", {
        "schemas": [GROUP], "displayName": group["displayName"],
        "members": [{"value": uid} for uid in uids]})
    assert answer.status in (200, 204)
    assert members_of(scim, group) == uids
    found = scim.get(f"Groups/{group['id']}?excludedAttributes=members").expect(200).json
    assert "members" not in found


def test_30_an_invited_user_is_active(server, scim):
    user = server.admin.create(fresh())
    server.admin.post("invitations/", {"email": user["email"]})
    assert scim.resource(user["user_uid"])["active"] is True


def test_a_patch_has_its_schema(scim, user):
    """As Entra sends it."""
    answer = scim.send("PATCH", f"{BASE}/Users/{user['id']}{ENTRA}", {
        "schemas": [PATCH_OP], "Operations": [
            {"op": "Replace", "path": "displayName", "value": "Ada"}]}).expect(200)
    assert answer.json["displayName"] == "Ada"
