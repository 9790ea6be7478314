# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""docs/openapi.json: complete, served as it is, and without a warning of linters. That it says
what the service does, contract.py checks for each request of all tests."""

import json
import os
import re
import subprocess
from pathlib import Path

import contract
import pytest
from routes import ROUTES
from test_docs import names, permissions_of_sources, read, rows, section
from usermgmt_env import NOBODY, SUB_ADMIN, Result

pytestmark = [pytest.mark.database("sqlite"), pytest.mark.unsanitized]

TOP = Path(__file__).resolve().parents[2]
TOOLS = TOP / ".build/npm/node_modules/.bin"
DOCUMENT = contract.DOCUMENT


def test_the_service_answers_with_the_document(server):
    for login in (None, SUB_ADMIN):
        found = (server.client(login) if login else server.admin).get("openapi.json").expect(200)
        assert json.loads(found.raw) == DOCUMENT
        assert list(json.loads(found.raw)["paths"]) == list(DOCUMENT["paths"])
        server.admin.get("openapi.json", headers={"If-None-Match": found.headers["ETag"]}) \
            .expect(304)
    server.client(NOBODY).get("openapi.json").expect_problem(403, "forbidden")


def test_every_route_is_described_and_every_described_one_is_there():
    described = {(method, re.sub(r"\{\w+\}", "*", path).strip("/"))
                 for method, path in contract.OPERATIONS}
    assert described == ROUTES


def test_the_permissions_are_those_of_the_routes():
    known = {constant: name for constant, name, _ in permissions_of_sources()}
    known.update(UM_PERMIT_ROLE="a role", UM_PERMIT_ANYONE="a sign-in",
                 UM_PERMIT_USERS_WRITE="users:create or users:update")
    routes = {(method, path): known[constant] for method, path, constant in re.findall(
        r'\{ "([A-Z]+)", "([^"]*)", (UM_PERMIT_\w+),', read("mod_usermgmt/api/routes.c"))}
    for (method, path), operation in contract.OPERATIONS.items():
        needed = routes[method, re.sub(r"\{\w+\}", "*", path).strip("/")]
        assert operation["x-permission"] == needed, (method, path)
        assert needed.replace("a role", "any role") in operation["description"], (method, path)
    assert DOCUMENT["components"]["schemas"]["Permission"]["enum"] == [
        name for _, name, _ in permissions_of_sources()]


def test_the_codes_are_those_of_the_documents():
    problems, faults = section(read("docs/api.md"), "## Errors").split("The codes in `errors`:")
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Problem"]["properties"]["code"]["enum"]) == {
        names(row[1])[0] for row in rows(problems) if re.match(r"\d|other", row[0])}
    assert set(schemas["Fault"]["properties"]["code"]["enum"]) == {
        names(row[0])[0] for row in rows(faults) if names(row[0])}


def test_the_parameters_are_those_of_the_documents():
    table = rows(section(read("docs/api.md"), "## Lists"))
    lists = {"users": "/users", "sub-admins": "/sub-admins", "invitations": "/invitations",
             "sessions": "/sessions", "audit events": "/audit-events", "API keys": "/api-keys",
             "groups": "/groups"}
    documented = {path: set() for path in lists.values()
                  if path in DOCUMENT["paths"]}
    for row in table:
        for parameter in names(row[0]) if len(row) == 3 else ():
            for name, path in lists.items():
                if path in documented and (row[2] == "all" or name in row[2].split(", ")):
                    documented[path].add(parameter)
    for path, parameters in documented.items():
        described = {contract.resolved(one)["name"]
                     for one in DOCUMENT["paths"][path]["get"]["parameters"]}
        assert described - {"If-None-Match"} == parameters, path


def test_the_version_is_that_of_the_build():
    version = re.search(r"^AC_INIT\(\[mod_usermgmt\], \[([\d.]+)\]\)$", read("configure.ac"),
                        re.MULTILINE)[1]
    assert DOCUMENT["info"]["version"] == version


@pytest.mark.parametrize("tool, arguments", [
    ("redocly", ["lint", "--extends=recommended", "--max-problems=1000"]),
    ("spectral", ["lint", "--fail-severity=hint", "--display-only-failures"]),
])
def test_linters_find_nothing(tmp_path, tool, arguments):
    (tmp_path / ".spectral.yaml").write_text('extends: ["spectral:oas"]\n')
    document = tmp_path / "openapi.json"
    document.write_text(read("docs/openapi.json"))

    def lint():
        made = subprocess.run([TOOLS / tool, *arguments, document], cwd=tmp_path, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, "REDOCLY_TELEMETRY": "off",
                                   "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"})
        return made.returncode, made.stdout

    status, text = lint()
    assert status == 0 and not re.search(r"\d warnings?\b", text), text
    # They do look: an operation without an answer is found.
    broken = json.loads(document.read_text())
    del broken["paths"]["/me"]["get"]["responses"]
    document.write_text(json.dumps(broken))
    assert lint()[0] != 0


USER = {"user_uid": "x", "email": "a@example.com", "display_name": "A", "role": "user",
        "active": True, "created_at": "2026-11-24T21:09:02.750Z",
        "updated_at": "2026-11-24T21:09:02.750Z"}


def answer(status, body, content_type="application/json"):
    return Result(status, {"Content-Type": content_type}, json.dumps(body).encode(), "")


@pytest.mark.parametrize("method, path, body, wrong", [
    ("GET", "/users/x", None, answer(200, {"userData": {**USER, "role": "boss"}})),
    ("GET", "/users/x", None, answer(200, {"userData": {**USER, "phone": None}})),
    ("GET", "/users/x", None, answer(200, {"userData": USER}, "text/plain")),
    ("GET", "/users/x", None, answer(202, {"userData": USER})),
    ("GET", "/users/x", None, answer(404, {"code": "user_not_found"}, "application/problem+json")),
    ("GET", "/users/x?color=red", None, answer(200, {"userData": USER})),
    ("GET", "/sub-admins/x", None, answer(200, {"sub_admin": {**USER, "more": 1}})),
    ("GET", "/nothing", None, answer(200, {})),
    ("POST", "/users", b'{"email": "a@example.com"}', answer(201, {"userData": USER})),
    ("POST", "/users", None, answer(201, {"userData": USER})),
    ("DELETE", "/users/x", None, answer(200, {})),
])
def test_what_differs_is_found(method, path, body, wrong):
    contract.check("GET", "/users/x", None, answer(200, {"userData": USER}))
    contract.check("POST", "/users", b'{"email": "a@example.com", "display_name": "A"}',
                   answer(201, {"userData": USER}))
    with pytest.raises(AssertionError, match="openapi.json"):
        contract.check(method, path, body, wrong)
