# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The configuration and the commands of docs/scim.md run as they are, and its tables are right."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from documents import blocks, section
from scim import BASE, SCIM_TYPES, ScimClient
from usermgmt_env import ADMIN, PASSWORD

pytestmark = [pytest.mark.database("sqlite"), pytest.mark.unsanitized]

TOP = Path(__file__).resolve().parents[2]
TEXT = (TOP / "docs/scim.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(name="server")
def documented_server(new_server):
    lines, = [block for block in blocks(section(TEXT, "## Set up")) if "<Location" in block]
    lines = lines.replace("/etc/apache2/users", "@DIR@/conf/htpasswd")
    lines = lines.replace("user anna@example.com", "user " + ADMIN)
    return new_server(extra=lines, location="UserMgmtKeys On")


def run(server, text, **variables):
    origin = f"http://127.0.0.1:{server.port}"
    return subprocess.run(["sh", "-e"], input=text, check=True, text=True, timeout=60,
                          stdout=subprocess.PIPE, env={
                              **os.environ, "LOGIN": f"{ADMIN}:{PASSWORD}", "SCIM": origin + BASE,
                              "API": origin + server.base, **variables}).stdout.strip()


def test_set_up(server):
    make_key, count = EXAMPLES
    key = run(server, make_key)
    assert key.startswith("umk_")
    assert run(server, count, KEY=key) == "0"
    scim = ScimClient(server, key=key)
    scim.provision("ada@example.com")
    assert run(server, count, KEY=key) == "1"
    scim.get("Users/?aadOptscim062020").expect(200)


def test_every_type_of_error_is_documented():
    errors = section(TEXT, "## Errors")
    documented = {name for row in re.findall(r"^\| \d.*$", errors, re.MULTILINE)
                  for name in re.findall(r"`(\w+)`", row.split(" | ")[1])}
    # RFC 7644's "sensitive" and "invalidVers" are for what the service does not do.
    assert documented == SCIM_TYPES - {"sensitive", "invalidVers"}


def test_every_attribute_to_sort_by_is_documented():
    source = (TOP / "mod_usermgmt/scim/lists.c").read_text(encoding="utf-8")
    orders = set(re.findall(r'\{ "([\w.]+)", \d \}', source))
    row, = re.findall(r"^\| `sortBy` \|.*$", TEXT, re.MULTILINE)
    documented = set(re.findall(r"`([\w.]+)`", row)) - {"sortBy"}
    assert orders and documented == orders - {"emails"}
