# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""SCIM as a service: its Location, who may, its media type, its errors, and discovery without a
login."""

import http.client
import json
import re
from pathlib import Path

import pytest

from scim import BASE, MEDIA_TYPE, ScimClient, scim_client, scim_location, scim_options
from usermgmt_env import NOBODY, SUB_ADMIN

CONFIG = "ServiceProviderConfig"


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    return make_server(**scim_options(extra=scim_location("/open",
                                                          "UserMgmtScimPublicDiscovery On")))


@pytest.fixture(scope="module", name="scim")
def provider(server):
    return scim_client(server)


def test_who_may(server, scim):
    uid = server.admin.create("who@example.com")["user_uid"]
    scim.get("Users/" + uid).expect(200)
    ScimClient(server, "admin@example.com").get("Users/" + uid).expect(200)
    other = scim_client(server, ["users:read", "users:create", "users:update", "users:delete"])
    error = other.get("Users/" + uid).expect_error(403)
    assert error["detail"] == "This API key does not have the permission scim."
    for login in (SUB_ADMIN, NOBODY):
        ScimClient(server, login).get("Users/" + uid).expect_error(403)
        ScimClient(server, login).get(CONFIG).expect_error(403)


def test_errors_of_httpd_have_the_form_of_scim(server):
    client = ScimClient(server)
    for path in ("Users/x", CONFIG, "nowhere", ""):
        answer = client.get(path)
        assert answer.expect_error(401)["detail"] == "Unauthorized"
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    answer = ScimClient(server, key="umk_wrong").get("Users/x")
    answer.expect_error(401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_paths_and_methods(scim):
    scim.get("nowhere").expect_error(404)
    scim.get("users/x").expect_error(404)
    scim.get("").expect_error(404)
    answer = scim.post(CONFIG, {})
    answer.expect_error(405)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    answer = scim.ask("OPTIONS", CONFIG)
    assert answer.status == 204 and answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    answer = scim.ask("HEAD", CONFIG).expect(200)
    assert answer.headers["Content-Type"] == MEDIA_TYPE and answer.raw == b""
    scim.get("Users/%FF").expect_error(404)


def test_parameters_are_ignored(scim):
    for query in ("?", "?aadOptscim062020", "?userName+eq+%22x%22&", "?a=1&a=2&=&&"):
        scim.get(CONFIG + query).expect(200)


@pytest.mark.parametrize("accept", [
    None, "", "*/*", MEDIA_TYPE, "application/json", "application/*;q=0.1",
    "application/scim+json, application/json;q=0.5", "application/scim+json; charset=utf-8"])
def test_accepted_answers(scim, accept):
    scim.get(CONFIG, headers={"Accept": accept}).expect(200)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/scim+json;q=0"])
def test_answers_that_are_not_accepted(scim, accept):
    scim.get(CONFIG, headers={"Accept": accept}).expect_error(406)


def test_discovery_needs_a_login(server):
    ScimClient(server).get(CONFIG).expect_error(401)


def test_public_discovery(server, scim):
    nobody = ScimClient(server, base="/open")
    config = nobody.get(CONFIG).expect(200).json
    assert config["patch"] == {"supported": True}
    assert config["meta"]["location"] == f"http://127.0.0.1:{server.port}/open/{CONFIG}"
    nobody.ask("HEAD", CONFIG).expect(200)
    # Nothing else, and no other method.
    for method, path in (("GET", "Users/x"), ("GET", "Me"), ("POST", CONFIG), ("OPTIONS", CONFIG),
                         ("GET", ""), ("GET", "nowhere"), ("GET", CONFIG + "/x")):
        nobody.ask(method, path).expect_error(401)
    # Who sends a token is asked for it.
    ScimClient(server, base="/open", key="umk_wrong").get(CONFIG).expect_error(401)
    scim.send("GET", f"/open/{CONFIG}").expect(200)
    # Also without a right, because everybody may.
    ScimClient(server, NOBODY, base="/open").get(CONFIG).expect(200)
    ScimClient(server, NOBODY, base="/open").get("Users/x").expect_error(403)


def test_config_is_whole(scim):
    config = scim.get(CONFIG).expect(200).json
    assert config["meta"]["resourceType"] == CONFIG
    for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
        assert config[name]["supported"] in (True, False), name
    assert config["authenticationSchemes"][0]["type"] == "oauthbearertoken"


def test_a_body_of_another_type(server, scim):
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", f"{BASE}/{CONFIG}", headers=scim.headers)
    answer = connection.getresponse()
    assert answer.status == 200 and json.loads(answer.read())["schemas"]
    connection.close()


def test_notes(server, scim):
    scim.get(CONFIG).expect(200)
    lines = (server.directory / "logs/access_log").read_text().splitlines()
    assert any(f"GET {BASE}/{CONFIG} 200 scim.discovery default " in line for line in lines), lines


@pytest.mark.database("sqlite")
def test_every_route_needs_the_permission():
    table = (Path(__file__).resolve().parents[2] / "mod_usermgmt/scim/routes.c").read_text()
    routes = re.findall(r'\{ "[A-Z]+", "[^"]*", (\w+),', table)
    assert len(routes) == table.count('    { "') >= 7
    assert set(routes) == {"UM_PERMIT_SCIM"}


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("lines", [
    '<LocationMatch "^/x">\nSetHandler usermgmt-scim\n</LocationMatch>',
    '<Location "/x*">\nSetHandler usermgmt-scim\n</Location>',
    '<Directory "/x">\nSetHandler usermgmt-scim\n</Directory>',
    '<Location "/x">\nSetHandler "%{env:x}usermgmt-scim"\n</Location>'])
def test_places_that_are_refused(new_server, lines):
    new_server(start=False, extra=lines).expect_config_error("SetHandler.*usermgmt-scim")
