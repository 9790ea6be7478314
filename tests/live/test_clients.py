# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The examples of docs/clients.md run as they are, and do what the document says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from usermgmt_env import ADMIN, PASSWORD

pytestmark = [pytest.mark.database("sqlite"), pytest.mark.unsanitized]

TEXT = (Path(__file__).resolve().parents[2] / "docs/clients.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PROGRAMS = {"sh": ["sh"], "python": [sys.executable], "javascript": ["node", "--input-type=module"]}


@pytest.fixture
def server(new_server):
    made = new_server(extra="UserMgmtAllowOrigin https://admin.example.com\n")
    for name in "abcde":
        made.admin.create(name + "@example.com")
    return made


def run(server, number):
    kind, text = EXAMPLES[number]
    return subprocess.run(PROGRAMS[kind], input=text, check=True, text=True, timeout=60,
                          stdout=subprocess.PIPE, env={
                              **os.environ, "LOGIN": f"{ADMIN}:{PASSWORD}",
                              "API": f"http://127.0.0.1:{server.port}{server.base}"}).stdout


@pytest.fixture
def emails(server):
    """Of all users, in order."""
    return lambda: [user["email"] for user in server.admin.everyone(order_by="email")]


def test_nothing_else_is_in_the_document():
    assert [kind for kind, _ in EXAMPLES] == ["sh", "sh", "sh", "python", "javascript", "sh"]


@pytest.mark.parametrize("number", [0, 1])
def test_all_users_by_curl(server, emails, number):
    assert run(server, number).split() == emails() and len(emails()) >= 5


def test_a_user_is_made_by_curl(server, emails):
    assert run(server, 2) == "sh@example.com\n"
    assert "sh@example.com" in emails()


def test_python(server, emails):
    visits, found, code = run(server, 3).splitlines()
    assert (visits, found.split(), code) == ("2", emails(), "email_exists")
    assert "py@example.com" in emails()


def test_javascript(server, emails):
    code, found = run(server, 4).splitlines()
    assert (code, found.split()) == ("precondition_failed", emails())
    user, = server.admin.everyone(email="js@example.com")
    assert user["visits"] == 2


def test_a_preflight(server):
    status, *headers = run(server, 5).splitlines()
    assert "204" in status
    found = dict(line.lower().split(": ", 1) for line in headers)
    assert found["access-control-allow-origin"] == "https://admin.example.com"
    assert {"content-type", "idempotency-key"} <= set(
        found["access-control-allow-headers"].split(", "))
