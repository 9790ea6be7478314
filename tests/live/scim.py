# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""SCIM in tests: the Location, and a client that checks the form of every answer."""

from api_keys import make_key
from usermgmt_env import DEFAULT_ROLES, Client, Result

BASE = "/scim/v2"
MEDIA_TYPE = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:usermgmt:2.0:User"
# RFC 7644, table 9.
SCIM_TYPES = {"invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax",
              "invalidPath", "noTarget", "invalidValue", "invalidVers", "sensitive",
              # RFC 9865.
              "invalidCursor", "expiredCursor"}


def scim_location(path=BASE, lines="", roles=DEFAULT_ROLES):
    """A Location of SCIM, for the lines of a configuration."""
    return f"""
        <Location "{path}">
            SetHandler usermgmt-scim
            @AUTH@
            Require valid-user
            UserMgmtKeys On
            {roles}
            {lines}
        </Location>"""


def check_resource(resource):
    """Of a user or a group: what all have."""
    assert resource["schemas"], resource
    assert resource["meta"]["resourceType"] in ("User", "Group"), resource
    assert resource["meta"]["location"].endswith("/" + resource["id"]), resource
    check_no_null(resource)


def check_no_null(value):
    assert value is not None
    if isinstance(value, dict):
        for member in value.values():
            check_no_null(member)
    if isinstance(value, list):
        for element in value:
            check_no_null(element)


def check_error(result):
    """The form of RFC 7644, section 3.12."""
    error = result.json
    assert error["schemas"] == [ERROR], error
    assert error["status"] == str(result.status), error
    assert error["detail"] and isinstance(error["detail"], str), error
    assert error.get("scimType", "uniqueness") in SCIM_TYPES, error
    assert set(error) <= {"schemas", "status", "detail", "scimType"}, error


def check_list(listing):
    assert LIST in listing["schemas"], listing
    assert isinstance(listing["Resources"], list), listing
    assert all(type(listing.get(name, 0)) is int
               for name in ("totalResults", "startIndex", "itemsPerPage")), listing


class ScimResult(Result):
    """An answer of SCIM."""

    def expect_error(self, status, scim_type=None):
        """Expect an error with that scimType, or with none; returns its object."""
        self.expect(status)
        assert self.json.get("scimType") == scim_type, self.json
        return self.json


class ScimClient(Client):
    """Asks the Location of SCIM as one caller."""

    is_native = False

    def __init__(self, server, login=None, key=None, base=BASE, headers=None, **options):
        headers = dict(headers or {})
        if key is not None:
            headers["Authorization"] = "Bearer " + key
        super().__init__(server, login, base=base, headers=headers, **options)

    def send(self, method, target, body=None, headers=None, **options):
        if body is not None:
            headers = {"Content-Type": MEDIA_TYPE, **(headers or {})}
        result = super().send(method, target, body, headers, **options)
        result = ScimResult(result.status, result.headers, result.raw, result.target)
        if result.raw:
            assert result.headers["Content-Type"] == MEDIA_TYPE, result.headers["Content-Type"]
            self.check_body(method, result)
        return result

    @staticmethod
    def check_body(method, result):
        if result.status >= 400:
            check_error(result)
        elif "Resources" in result.json:
            check_list(result.json)
        elif {USER, GROUP} & set(result.json.get("schemas", ())) and "meta" in result.json:
            check_resource(result.json)
            if method != "POST" or result.status == 201:
                assert result.headers["ETag"] == result.json["meta"]["version"]

    def patch(self, path, *operations, **options):
        """PATCH with operations, each an object."""
        return self.ask("PATCH", path, {"schemas": [PATCH_OP], "Operations": operations},
                        **options)

    def provision(self, user_name, **members):
        """Make a user, and return the resource."""
        body = {"schemas": [USER], "userName": user_name, **members}
        return self.post("Users", body).expect(201).json

    def resource(self, uid):
        return self.get("Users/" + uid).expect(200).json


def scim_options(lines="", **options):
    """Options for make_server(): the native Location and that of SCIM."""
    location = scim_location(lines=lines)
    return {**options, "extra": options.get("extra", "") + location,
            "location": options.get("location", "") + "\nUserMgmtKeys On"}


def scim_client(server, permissions=("scim",), **options):
    """A client with a new API key that has these permissions."""
    return ScimClient(server, key=make_key(server.admin, permissions=list(permissions)),
                      **options)
