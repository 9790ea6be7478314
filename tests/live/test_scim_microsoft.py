# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The requests of the Postman collection of Microsoft's SCIM reference code, which Microsoft
recommends to test a service for Entra ID with. The collection is in no package of npm, so newman
can't fetch it: the same requests and conditions are written again here, with data of our own."""

import pytest

from scim import ENTERPRISE, GROUP, PATCH_OP, USER, scim_client, scim_options
from scim_suite import Suite

microsoft = Suite("microsoft")
step = microsoft.step


class Context:
    """The client, and the ids of what the steps have made, by name."""

    def __init__(self, client):
        self.client = client
        self.ids = {}

    def get(self, path):
        return self.client.get(path).expect(200).json

    def create(self, name, path, body):
        made = self.client.post(path, body).expect(201).json
        self.ids[name] = made["id"]
        return made

    def patch(self, path, *operations):
        return self.client.ask("PATCH", path, {"schemas": [PATCH_OP], "Operations": operations})

    def delete(self, path, *names):
        for name in names:
            self.client.ask("DELETE", f"{path}/{self.ids.pop(name)}").expect(204)


def person(user_name, main=None, other=None, schemas=(USER,), **members):
    """With the names of members in the case that the collection has."""
    return {"userName": user_name, "active": True, "displayName": "Shown Name",
            "schemas": list(schemas), "externalId": "${__UUID}",
            "name": {"formatted": "Rika Lund", "familyName": "Lund", "givenName": "Rika"},
            "emails": [{"Primary": True, "type": "work", "value": main or user_name + "@x.org"},
                       {"Primary": False, "type": "home", "value": other or "home@x.org"}],
            **members}


def detailed(user_name, **members):
    """With null members, and some that the service does not know."""
    body = person(user_name)
    body.update({
        "addresses": [{"country": "Bermuda", "formatted": "1 Long Way\nSouth", "locality": "West",
                       "postalCode": "99265", "region": "North", "streetAddress": "1 Long Way",
                       "type": "work", "primary": False},
                      {"country": None, "formatted": "2 Long Way", "locality": None,
                       "postalCode": None, "region": None, "streetAddress": None, "type": "other",
                       "primary": False}],
        "emails": [{"type": "work", "primary": True, "value": user_name + "@mail.org"},
                   {"type": "other", "primary": False, "value": "other@example.com"}],
        "meta": {"created": "2019-09-18T18:15:26.5788954+00:00",
                 "lastModified": "2019-09-18T18:15:26.5788976+00:00", "resourceType": "User"},
        "name": {"formatted": "Some Employee", "familyName": "Employee", "givenName": "Some",
                 "honorificPrefix": None, "honorificSuffix": None, "middleName": None},
        "nickName": "Some", "phoneNumbers": [], "roles": [], "title": "Engineer",
        "timezone": None, "preferredLanguage": None, **members})
    return body


# ---- endpoints ----

@step("users and groups are listed")
def _(context):
    context.get("Users")
    context.get("Groups")


@step("the first type of resources is the user")
def _(context):
    assert context.get("ResourceTypes")["Resources"][0]["endpoint"] == "/Users"


@step("the service tells its configuration at serviceConfiguration")
def _(context):
    assert context.get("serviceConfiguration")["patch"]["supported"] is True


@step("the service tells its configuration")
def _(context):
    assert context.get("ServiceProviderConfig")["patch"]["supported"] is True


@step("the schemas have that of the user")
def _(context):
    assert USER in [schema["id"] for schema in context.get("Schemas")["Resources"]]


# ---- users ----

@step("a user whose name is no address is created")
def _(context):
    context.create("one", "Users", person("UserName123"))


@step("a user of an enterprise is created")
def _(context):
    extension = {"Department": "bob", "Manager": {"Value": "SuzzyQ"}}
    context.create("two", "Users", person("UserName222", schemas=[ENTERPRISE, USER],
                                          **{ENTERPRISE: extension}))
    found = context.get("Users/" + context.ids["two"])[ENTERPRISE]
    assert found["department"] == "bob" and found["manager"]["value"] == "SuzzyQ"


@step("both are read")
def _(context):
    for name in ("one", "two"):
        assert context.get("Users/" + context.ids[name])["id"] == context.ids[name]


@step("two attributes of all users are listed")
def _(context):
    found = context.get("Users?attributes=userName,emails")["Resources"]
    assert context.ids["one"] in [user["id"] for user in found]


@step("a user is found by the name that is shown")
def _(context):
    found = context.get("Users/?filter=DisplayName+eq+%22Shown+Name%22")["Resources"]
    assert context.ids["one"] in [user["id"] for user in found]


@step("a user gets another name")
def _(context):
    path = "Users/" + context.ids["one"]
    context.patch(path, {"op": "replace", "path": "userName", "value": "ryan3"})
    found = context.get(path)
    assert found["id"] == context.ids["one"] and found["userName"] == "ryan3"


@step("a user is replaced")
def _(context):
    path = "Users/" + context.ids["two"]
    body = person("UserNameReplace2", "replaced@x.org", schemas=[ENTERPRISE, USER],
                  id=context.ids["two"])
    body["name"]["formatted"] = "NewName"
    context.client.ask("PUT", path, body).expect(200)
    assert context.get(path)["name"]["formatted"] == "NewName"


@step("both are deleted")
def _(context):
    context.delete("Users", "one", "two")


# ---- groups ----

@step("an empty group is created")
def _(context):
    context.create("group", "Groups", {"externalId": "${__UUID}", "schemas": [GROUP],
                                       "displayName": "Group1DisplayName", "members": []})


@step("two users have the same address")
def _(context):
    context.create("three", "Users", person("UserName333", "same@x.org"))
    context.client.post("Users", person("UserName444", "same@x.org")).expect(201)


@step("two users have two addresses")
def _(context):
    context.create("four", "Users", person("UserName444", "another@x.org"))


@step("a group with a member is created")
def _(context):
    context.create("filled", "Groups", {
        "schemas": [GROUP], "externalId": "${__UUID}", "displayName": "GroupDisplayName2",
        "members": [{"value": context.ids["three"], "display": "VP"}]})
    context.get("Groups")


@step("a group is replaced")
def _(context):
    context.create("third", "Groups", {"schemas": [GROUP], "externalId": "${__UUID}",
                                       "displayName": "GroupDisplayName3", "members": []})
    path = "Groups/" + context.ids["third"]
    members = [{"value": context.ids[name], "display": name} for name in ("three", "four")]
    context.client.ask("PUT", path, {"schemas": [GROUP], "id": context.ids["third"],
                                     "displayName": "putName", "members": members}).expect(200)
    found = context.get(path)
    assert found["id"] == context.ids["third"] and found["displayName"] == "putName"
    assert {member["value"] for member in found["members"]} \
        == {context.ids["three"], context.ids["four"]}


def members_of(context, name):
    found = context.get("Groups/" + context.ids[name])
    assert found["id"] == context.ids[name]
    return [member["value"] for member in found.get("members", [])]


@step("a member is added, removed and added")
def _(context):
    path = "Groups/" + context.ids["group"]
    added = {"name": "addMember", "op": "add", "path": "members",
             "value": [{"displayName": "new User", "value": context.ids["four"]}]}
    context.patch(path, added)
    context.patch(path, {"op": "remove", "path": f'members[value eq "{context.ids["four"]}"]'})
    assert members_of(context, "group") == []
    context.patch(path, added)
    assert members_of(context, "group") == [context.ids["four"]]


@step("all members are removed")
def _(context):
    context.patch("Groups/" + context.ids["group"], {"op": "remove", "path": "members"})
    assert members_of(context, "group") == []


@step("users and groups are deleted")
def _(context):
    context.delete("Users", "three", "four")
    context.delete("Groups", "group", "filled", "third")


# ---- complex attributes ----

@step("an address need not be one")
def _(context):
    context.client.post("Users", person("UserName111", "emailName357")).expect(201)


@step("attributes are asked for with a filter in brackets")
def _(context):
    context.create("one", "Users", person("UserName111", "mailname357@x.org"))
    context.create("two", "Users", person("UserName222", "jump@x.org"))
    for filter_text in ("type+eq+%22work%22", "value+eq+%22mailname357@x.org%22"):
        found = context.client.get(f"Users?attributes=emails%5B{filter_text}%5D").expect(200)
        assert b"mailname357@x.org" in found.raw
    context.delete("Users", "one", "two")


# ---- bodies that are not as they should be ----

@step("a user with null members is created")
def _(context):
    made = context.create("first", "Users", detailed("OMalley"))
    assert made["userName"] == "OMalley" and made["active"] is True


@step("a boolean may be a text")
def _(context):
    assert context.create("second", "Users", detailed("emp1", active="True"))["active"] is True
    found = context.get("Users")
    assert found["totalResults"] == 2
    assert {user["userName"] for user in found["Resources"]} == {"OMalley", "emp1"}


@step("two more users are created")
def _(context):
    for number, name in ((2, "third"), (3, "fourth")):
        context.create(name, "Users", detailed(f"emp{number}"))


@step("a user without a name is refused")
def _(context):
    body = detailed("emp4")
    del body["userName"]
    context.client.post("Users", body).expect(400)


@step("a text that is no JSON is refused")
def _(context):
    headers = {"Content-Type": "application/scim+json"}
    context.client.send("POST", "/scim/v2/Users", b'{"acve": tre, "title": "x"}',
                        headers).expect(400)


@step("a user that is there is refused, twice")
def _(context):
    for _ in range(2):
        assert context.client.post("Users", detailed("emp3")).expect(409).json["detail"]


@step("a replacement without a name is refused")
def _(context):
    body = detailed("OMalley", userame="OMalley")
    del body["userName"]
    context.client.ask("PUT", "Users/" + context.ids["first"], body).expect(400)


@step("an attribute that there is not is ignored")
def _(context):
    body = detailed("OMalley", active=False)
    body["adreses"] = body.pop("addresses")
    answer = context.client.ask("PUT", "Users/" + context.ids["first"], body).expect(200)
    assert b"ddresses" not in answer.raw and b"adreses" not in answer.raw


@step("a user with one attribute of the enterprise is created")
def _(context):
    context.create("enterprise", "Users",
                   detailed("enterprise", **{ENTERPRISE: {"Department": "some department"}}))


@step("a user's name is patched without content")
def _(context):
    context.patch("Users/" + context.ids["first"], {
        "op": "Replace", "path": "userName", "value": "newusername"}).expect(204)


@step("a user is suspended by a patch without content")
def _(context):
    context.patch("Users/" + context.ids["first"], {
        "op": "Replace", "path": "active", "value": False}).expect(204)


@step("both patches hold")
def _(context):
    found = context.get("Users/" + context.ids["first"])
    assert found["userName"] == "newusername" and found["active"] is False


@step("a user is replaced by all that it had")
def _(context):
    body = detailed("OMalley", active=False)
    body["addresses"][0]["country"] = "Germany"
    answer = context.client.ask("PUT", "Users/" + context.ids["first"], body).expect(200)
    assert answer.json["userName"] == "OMalley" and answer.json["active"] is False
    assert b"Germany" in answer.raw


@step("a page of two has two")
def _(context):
    found = context.get("Users?startIndex=1&count=2")
    assert found["totalResults"] == 5 and found["itemsPerPage"] == 2


@step("two attributes of five users are listed")
def _(context):
    assert context.get("Users?attributes=userName,emails")["totalResults"] == 5


FILTERS = [
    ("name.FamilyName%20eq%20Employee%20and%20(emails.Value%20co%20example.com%20or%20"
     "emails.Value%20co%20example.org)", 5),
    ("userName%20sw%20O", 1),
    ("meta.Created%20gt%202015-10-10T14:38:21.8617979-07:00", 5),
]


@step("values of filters need no quotes")
def _(context):
    for text, count in FILTERS:
        assert context.get("Users?filter=" + text)["totalResults"] == count, text


# ---- groups that are not as they should be ----

@step("a group without members is created")
def _(context):
    context.create("plain", "Groups", {"displayName": "Group 1", "schemas": [GROUP],
                                       "externalId": "015489ea-9410-4306-b583-9f002b2446f7"})


@step("members that nobody is are added")
def _(context):
    for value in ("string id 1", "string id 2"):
        context.patch("Groups/" + context.ids["plain"],
                      {"op": "add", "path": "members", "value": value}).expect(204)


@step("the group is read, without members too")
def _(context):
    context.get("Groups/" + context.ids["plain"])
    found = context.get(f"Groups/{context.ids['plain']}?excludedAttributes=members")
    assert "members" not in found


@step("the group gets another name")
def _(context):
    body = {"id": context.ids["plain"], "displayName": "Other Name", "schemas": [GROUP],
            "externalId": "6c6b54c2-fa81-4234-ad4f-420ec6808049"}
    answer = context.client.ask("PUT", "Groups/" + context.ids["plain"], body).expect(200)
    assert answer.json["displayName"] == "Other Name"


@step("everything is deleted")
def _(context):
    context.delete("Users", "first", "second", "third", "fourth", "enterprise")
    context.delete("Groups", "plain")
    assert context.get("Users?attributes=userName")["Resources"] == []


@step("no group is left")
def _(context):
    assert context.get("Groups")["Resources"] == []


@pytest.fixture(name="context")
def microsoft_context(make_server):
    return Context(scim_client(make_server(**scim_options())))


def test_microsoft_collection(context):
    microsoft.run(context)
