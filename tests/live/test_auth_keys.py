# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The configuration of docs/auth/keys.md. What keys may do is in test_key_door.py."""

import pytest
from api_keys import make_key, with_key
from auth_env import STORED, Document, basic_clients, check_callers, check_key
from usermgmt_env import ADMIN, Client

pytestmark = pytest.mark.database("sqlite")


def test_the_page_of_keys(new_server, tell):
    document = Document("keys.md")
    lines = document.configuration(
        **{"/etc/apache2/usermgmt.htpasswd": "@DIR@/conf/htpasswd"})
    # The callers of the other pages have a sub-admin, too.
    lines = lines.replace(f"UserMgmtAdmin user {ADMIN}",
                          f"UserMgmtAdmin user {ADMIN}\nUserMgmtSubAdmin user sub@example.com")
    server = document.serve(new_server, lines)
    server.add_login(STORED)
    server.start()
    server.allow_log("AH0161[78]|AH01614")
    clients = basic_clients(server)
    check_callers(tell, "keys, beside Basic", clients)
    check_key(tell, "keys, beside Basic", clients["admin"], Client(server))
    # The Locations that take keys alone.
    key = make_key(clients["admin"], role="admin")
    for base, status in (("/machines", 200), ("/reports", 404)):
        path = "users/" if base == "/machines" else "page.txt"
        assert with_key(server, key, base=base).get(path).status == status
        for caller in (Client(server, ADMIN, base=base), Client(server, base=base)):
            assert caller.get(path).status == 401
