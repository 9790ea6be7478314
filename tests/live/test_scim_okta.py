# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The steps of Okta's SCIM 2.0 SPEC test, which Okta wants to pass before an integration is
submitted. Okta has them as a file for Runscope; here they are written again: the same requests,
headers and conditions. A condition on the time of an answer is held against the fastest of a few
answers, because other tests run at the same time."""

import secrets
import time
import urllib.parse

import pytest

from scim import ERROR, LIST, USER, scim_client, scim_options
from scim_suite import Suite

HEADERS = {"Accept": "application/scim+json", "Accept-Charset": "utf-8",
           "Content-Type": "application/scim+json; charset=utf-8",
           "User-Agent": "OKTA SCIM Integration"}
CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
TRIES = 10

okta = Suite("okta")


class Context:
    """The client, and what the steps have learnt."""

    def __init__(self, client):
        self.client = client
        self.user_id = None
        self.created_id = None
        name = secrets.token_hex(6)
        self.user_name = f"okta.{name}@example.com"
        self.body = {
            "schemas": [USER], "userName": self.user_name, "active": True,
            "name": {"givenName": "Given" + name, "familyName": "Family" + name},
            "emails": [{"primary": True, "value": self.user_name, "type": "work"}],
            "displayName": f"Given{name} Family{name}"}

    def get(self, path, status=200, within=None):
        """GET, as often as it takes to get an answer within so many milliseconds."""
        for _ in range(TRIES):
            began = time.monotonic()
            result = self.client.get(path, headers=HEADERS).expect(status)
            if within is None or (time.monotonic() - began) * 1000 < within:
                return result.json
        raise AssertionError(f"{path} takes more than {within} ms")

    def refuses_post(self, path):
        self.client.send("POST", f"/scim/v2/{path}", b"test", HEADERS).expect(405)


def has(value, *paths):
    """Each path leads to a value that is not empty."""
    for path in paths:
        at = value
        for part in path.split("."):
            at = at[int(part)] if part.isdigit() else at[part]
        assert at is not None and at != "" and at != [] and at != {}, path


def filtered(expression):
    return "Users?filter=" + urllib.parse.quote(expression)


@okta.step("the configuration of the service is whole")
def _(context):
    found = context.get("ServiceProviderConfig", within=400)
    assert CONFIG in found["schemas"]
    has(found, "patch.supported", "bulk.supported", "bulk.maxOperations", "bulk.maxPayloadSize",
        "filter.supported", "filter.maxResults", "changePassword.supported", "sort.supported",
        "etag.supported", "authenticationSchemes.0.type", "authenticationSchemes.0.description")


@okta.step("the configuration can't be posted to")
def _(context):
    context.refuses_post("ServiceProviderConfig")


@okta.step("the types of resources are a list")
def _(context):
    found = context.get("ResourceTypes", within=400)
    assert LIST in found["schemas"]
    has(found, "Resources.0.name", "Resources.0.endpoint", "Resources.0.schema")


@okta.step("the types of resources can't be posted to")
def _(context):
    context.refuses_post("ResourceTypes")


@okta.step("the schemas are a list")
def _(context):
    found = context.get("Schemas", within=400)
    assert LIST in found["schemas"]
    has(found, "Resources.0.id", "Resources.0.attributes")


@okta.step("the schemas can't be posted to")
def _(context):
    context.refuses_post("Schemas")


@okta.step("the first listed user is whole")
def _(context):
    found = context.get("Users?count=1&startIndex=1", within=600)
    assert LIST in found["schemas"]
    assert all(type(found[name]) is int for name in ("itemsPerPage", "startIndex", "totalResults"))
    has(found, "Resources.0.id", "Resources.0.name.familyName", "Resources.0.name.givenName",
        "Resources.0.userName", "Resources.0.active", "Resources.0.emails.0.value")
    context.user_id = found["Resources"][0]["id"]


@okta.step("that user is read by its id")
def _(context):
    found = context.get("Users/" + context.user_id, within=600)
    has(found, "name.familyName", "name.givenName", "userName", "active", "emails.0.value")
    assert found["id"] == context.user_id


@okta.step("a name that nobody has finds nobody")
def _(context):
    found = context.get(filtered('userName eq "nobody-has-this@example.com"'), within=400)
    assert LIST in found["schemas"] and found["totalResults"] == 0


@okta.step("an id that nobody has is not found")
def _(context):
    found = context.get("Users/010101001010101011001010101011", 404, within=600)
    assert ERROR in found["schemas"]
    has(found, "detail")


@okta.step("the new user is not there yet")
def _(context):
    found = context.get(filtered(f'userName eq "{context.user_name}"'), within=600)
    assert LIST in found["schemas"] and found["totalResults"] == 0


@okta.step("the new user is created")
def _(context):
    headers = {**HEADERS, "Accept": "application/scim+json; charset=utf-8"}
    found = context.client.post("Users", context.body, headers=headers).expect(201).json
    assert found["active"] is True and USER in found["schemas"]
    assert found["userName"] == context.user_name
    for name in ("givenName", "familyName"):
        assert found["name"][name] == context.body["name"][name]
    has(found, "id")
    context.created_id = found["id"]


@okta.step("the new user is read")
def _(context):
    found = context.get("Users/" + context.created_id, within=600)
    assert found["userName"] == context.user_name
    for name in ("givenName", "familyName"):
        assert found["name"][name] == context.body["name"][name]


@okta.step("the same user is not created again")
def _(context):
    context.client.post("Users", context.body, headers=HEADERS).expect(409)


@okta.step("a name alone is no filter")
def _(context):
    context.get("Users?filter=" + context.user_name.upper(), 400, within=600)


@okta.step("groups are a list")
def _(context):
    found = context.get("Groups", within=600)
    assert found["totalResults"] >= 1 and isinstance(found["Resources"], list)


@pytest.fixture(name="context")
def okta_context(make_server):
    server = make_server(**scim_options())
    server.admin.create("first@example.com", display_name="First User")
    return Context(scim_client(server))


def test_okta_spec(context):
    okta.run(context)
