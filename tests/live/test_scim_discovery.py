# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The discovery of SCIM: what the service can do, its resource types and its schemas."""

import pytest

from scim import (BASE, CUSTOM, ENTERPRISE, GROUP, LIST, USER, check_no_null, scim_client,
                  scim_options)

CORE = "urn:ietf:params:scim:schemas:core:2.0:"
# RFC 7643, 4.1, 4.2 and 4.3.
ATTRIBUTES = {
    USER: {"userName", "name", "displayName", "nickName", "profileUrl", "title", "userType",
           "preferredLanguage", "locale", "timezone", "active", "password", "emails",
           "phoneNumbers", "ims", "photos", "addresses", "groups", "entitlements", "roles",
           "x509Certificates"},
    GROUP: {"displayName", "members"},
    ENTERPRISE: {"employeeNumber", "costCenter", "organization", "division", "department",
                 "manager"},
    CUSTOM: set(),
}
# RFC 7643, 7.
CHARACTERISTICS = {"name", "type", "multiValued", "description", "required", "caseExact",
                   "mutability", "returned", "uniqueness"}
PATHS = ["ServiceProviderConfig", "ResourceTypes", "ResourceTypes/User", "Schemas",
         "Schemas/" + USER]


@pytest.fixture(scope="module")
def scim(make_server):
    return scim_client(make_server(**scim_options()))


def test_the_configuration_says_what_is_supported(scim):
    found = scim.get("ServiceProviderConfig").expect(200).json
    location = found["meta"].pop("location")
    assert location.startswith("http://") and location.endswith(BASE + "/ServiceProviderConfig")
    assert found == {
        "schemas": [CORE + "ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1048576},
        "filter": {"supported": True, "maxResults": 1000},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {"cursor": True, "index": True, "defaultPaginationMethod": "index",
                       "defaultPageSize": 100, "maxPageSize": 1000, "cursorTimeout": 3600},
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "API key", "primary": True,
            "description": "An API key that has the permission scim, as a bearer token.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750"}],
        "meta": {"resourceType": "ServiceProviderConfig"},
    }


@pytest.mark.parametrize("limit, told", [(5000, 5000), (2**31 - 1, 4194304)])
def test_the_largest_bulk_follows_from_the_largest_body(make_server, limit, told):
    server = make_server(**scim_options(lines=f"UserMgmtMaxBody {limit}"))
    found = scim_client(server).get("ServiceProviderConfig").expect(200).json
    assert found["bulk"]["maxPayloadSize"] == told


def test_resource_types_are_a_list(scim):
    listing = scim.get("ResourceTypes").expect(200).json
    check_no_null(listing)
    assert listing["schemas"] == [LIST]
    assert (listing["totalResults"], listing["startIndex"], listing["itemsPerPage"]) == (2, 1, 2)
    for entry, name, schema, extensions in zip(
            listing["Resources"], ["User", "Group"], [USER, GROUP], [[ENTERPRISE, CUSTOM], []]):
        assert entry["schemas"] == [CORE + "ResourceType"]
        assert entry["id"] == entry["name"] == name
        assert entry["endpoint"] == f"/{name}s"
        assert entry["schema"] == schema and entry["description"]
        assert entry["schemaExtensions"] == [{"schema": urn, "required": False}
                                             for urn in extensions]
        assert entry["meta"]["resourceType"] == "ResourceType"
        assert entry["meta"]["location"].endswith(f"{BASE}/ResourceTypes/{name}")
        assert scim.get("ResourceTypes/" + name).expect(200).json == entry


def check_attribute(attribute, is_sub=False):
    """All characteristics, and those that belong to the type."""
    name, kind = attribute["name"], attribute["type"]
    optional = {"canonicalValues"}
    assert CHARACTERISTICS <= set(attribute), name
    assert kind in {"string", "boolean", "dateTime", "binary", "reference", "complex"}, name
    assert attribute["mutability"] in {"readWrite", "readOnly", "immutable", "writeOnly"}, name
    assert attribute["returned"] in {"default", "always", "never"}, name
    assert attribute["uniqueness"] in {"none", "server"}, name
    assert attribute["description"].endswith("."), name
    assert all(type(attribute[flag]) is bool for flag in ("multiValued", "required", "caseExact"))
    if kind == "complex":
        assert not is_sub and attribute["subAttributes"], name
        for sub in attribute["subAttributes"]:
            check_attribute(sub, is_sub=True)
        optional |= {"subAttributes"}
    if kind == "reference":
        assert attribute["referenceTypes"], name
        optional |= {"referenceTypes"}
    assert set(attribute) <= CHARACTERISTICS | optional, name


def test_schemas_are_a_list(scim):
    listing = scim.get("Schemas").expect(200).json
    check_no_null(listing)
    assert listing["schemas"] == [LIST]
    assert listing["totalResults"] == listing["itemsPerPage"] == len(ATTRIBUTES)
    assert {entry["id"]: {attribute["name"] for attribute in entry["attributes"]}
            for entry in listing["Resources"]} == ATTRIBUTES
    for entry in listing["Resources"]:
        assert entry["schemas"] == [CORE + "Schema"]
        assert entry["name"] and entry["description"]
        assert entry["meta"]["resourceType"] == "Schema"
        assert entry["meta"]["location"].endswith(f"{BASE}/Schemas/{entry['id']}")
        for attribute in entry["attributes"]:
            check_attribute(attribute)
        assert scim.get("Schemas/" + entry["id"]).expect(200).json == entry


def test_some_attributes_are_special(scim):
    user = {attribute["name"]: attribute
            for attribute in scim.get("Schemas/" + USER).expect(200).json["attributes"]}
    assert user["userName"]["required"] and user["userName"]["uniqueness"] == "server"
    assert not user["userName"]["caseExact"]
    assert user["password"]["mutability"] == "writeOnly"
    assert user["password"]["returned"] == "never"
    assert user["groups"]["mutability"] == "readOnly"
    assert user["active"]["type"] == "boolean"
    members = scim.get("Schemas/" + GROUP).expect(200).json["attributes"][1]
    assert [sub["name"] for sub in members["subAttributes"]] == ["value", "$ref", "type",
                                                                 "display"]
    assert members["subAttributes"][0]["mutability"] == "immutable"


def test_names_are_found_without_case(scim):
    assert scim.get("ResourceTypes/user").expect(200).json["name"] == "User"
    assert scim.get("Schemas/" + USER.upper()).expect(200).json["id"] == USER


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_has_an_etag(scim, path):
    found = scim.get(path).expect(200)
    etag = found.headers["ETag"]
    scim.get(path, headers={"If-None-Match": etag}).expect(304)
    scim.get(path, headers={"If-None-Match": '"x"'}).expect(200)
    assert scim.ask("HEAD", path).expect(200).headers["ETag"] == etag


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_filtered(scim, path):
    scim.get(path + "?filter=id+eq+%22User%22").expect_error(403)
    scim.get(path + "?FILTER=").expect_error(403)
    scim.get(path + "?other=1").expect(200)


def test_what_is_not_there(scim):
    scim.get("ResourceTypes/Users").expect_error(404)
    scim.get("Schemas/urn:x").expect_error(404)
    for path in PATHS:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            scim.ask(method, path, {}).expect_error(405)
