# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A proxy that signs users in and tells who they are in a header, with the configurations of
docs/auth/proxy.md: an httpd in front of another."""

import re

import pytest
from api_keys import make_key
from auth_env import STORED, Document, check_callers
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, Client

pytestmark = pytest.mark.database("sqlite")

# Addresses of this machine: that of the proxy, which no other client here has.
PROXY = "127.0.0.2"


@pytest.fixture
def pair(new_server):
    """The server behind the proxy, and the proxy."""
    document = Document("proxy.md", "## Configuration of the server behind the proxy")
    document.modules = ["usermgmt"]
    public = "https://www.example.com/user-management"
    backend = document.serve(new_server, document.configuration(
        **{"192.0.2.10": PROXY, public: "@PUBLIC@"}))
    document = Document("proxy.md", "## Configuration of the proxy")
    document.modules = ["proxy", "proxy_http", "headers"]
    proxy = document.serve(new_server, document.configuration(
        **{"/etc/apache2/usermgmt.htpasswd": "@DIR@/conf/htpasswd",
           "http://backend.example.com": f"http://127.0.0.1:{backend.port}"})
        .replace("@DATABASE@", ""), without=["usermgmt"])
    proxy.extra += f"\nProxySourceAddress {PROXY}\n"
    proxy.add_login(STORED)
    proxy.database.make()
    backend.extra = backend.extra.replace(
        "@PUBLIC@", f"http://127.0.0.1:{proxy.port}/user-management")
    backend.allow_log("AH01630")
    proxy.allow_log("AH0161[478]")
    return backend.start(), proxy.start()


def test_a_trusted_proxy(pair, tell):
    backend, proxy = pair
    # What every client could send.
    forged = {"X-Remote-User": ADMIN, "X-Remote-Groups": "helpdesk", "x_remote_user": ADMIN}
    clients = {name: Client(proxy, login, headers=forged) for name, login in {
        "admin": ADMIN, "sub_admin": SUB_ADMIN, "stored": STORED, "nobody": NOBODY}.items()}
    clients["anonymous"] = Client(proxy)
    clients["wrong"] = Client(proxy, ADMIN, "wrong", headers=forged)
    for name in ("anonymous", "wrong"):
        clients[name].get("users/").expect(401)
    # The 401 is the proxy's own page. All others answer as the service does.
    for name in ("anonymous", "wrong"):
        clients[name] = Refused(clients[name])
    check_callers(tell, "proxy", clients)
    # The proxy has a login of its own, and keeps Authorization to itself.
    keyed = Client(proxy)
    keyed.headers["Authorization"] = "Bearer " + make_key(clients["admin"], role="admin")
    keyed.get("users/").expect(401)
    tell("docs/auth", "proxy", "key", "401")
    # Past the proxy.
    for headers in ({}, forged):
        past = Client(backend, headers=headers)
        for path in ("users/", "me/"):
            past.get(path).expect_problem(403, "forbidden")
        past.post("users/", {"email": "a@example.com", "display_name": "A"}) \
            .expect_problem(403, "forbidden")
    tell("docs/auth, refused", "proxy: past the proxy", "answer", "403")
    # A client can make the proxy take the header away, but that gives no role.
    hop = Client(proxy, NOBODY, headers={**forged, "Connection": "X-Remote-User, X-Remote-Groups"})
    assert hop.get("users/").status == 403


class Refused:
    """A caller whom the proxy refuses: its page counts as the problem."""

    def __init__(self, client):
        self.client = client

    def get(self, path):
        return self._checked(self.client.get(path))

    def post(self, path, body):
        return self._checked(self.client.post(path, body))

    def close(self):
        self.client.close()

    @staticmethod
    def _checked(result):
        assert re.search(b"<title>401 ", result.raw), result
        assert b"user_uid" not in result.raw

        class Page:
            status = result.status

            @staticmethod
            def expect_problem(status, code):
                assert (result.status, code) == (status, "unauthorized")

        return Page


def test_pages_behind_the_proxy(pair):
    """The origin that browsers know is the proxy's, and Location leads through it."""
    _, proxy = pair
    origin = f"http://127.0.0.1:{proxy.port}"
    admin = Client(proxy, ADMIN)
    made = admin.post("users/", {"email": "a@example.com", "display_name": "A"},
                      headers={"Origin": origin}).expect(201)
    assert made.headers["Location"] == f"{origin}/user-management/users/" \
        + made.json["userData"]["user_uid"]
    admin.post("users/", {"email": "b@example.com", "display_name": "B"},
               headers={"Origin": "https://elsewhere.example.com"}) \
        .expect_problem(403, "cross_site")
