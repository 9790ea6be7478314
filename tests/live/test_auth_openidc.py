# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""mod_auth_openidc with a real provider: browsers, and bearer tokens, with the configurations
of docs/auth."""

import base64
import json
import re

import pytest
from auth_env import (API, REFUSED_TABLE, SECRET, Authority, Document, OidcProvider,
                      check_callers, check_key)
from usermgmt_env import ADMIN, Client, wait_for

pytestmark = pytest.mark.database("sqlite")

# Where the provider sends browsers. Its clients are known before any httpd has a port.
REDIRECTS = 4


class World:
    """The provider, and the ports of the servers that it knows."""

    def __init__(self, live):
        # httpd's children read its certificate, so pytest's own folders are of no use.
        self.authority = Authority(live.new_directory())
        self.ports = [live.ports.take() for _ in range(REDIRECTS)]
        self.provider = OidcProvider(live, self.authority, [
            f"http://127.0.0.1:{port}/signed-in" for port in self.ports])

    def replaced(self, *more):
        """The words of the documents that are the reader's own."""
        known = {"https://id.example.com": self.provider.issuer,
                 "exec:/usr/local/sbin/oidc-secret": f'"{SECRET}"',
                 "exec:/usr/local/sbin/oidc-passphrase": "0123456789abcdef", **dict(more)}
        return known

    def serve(self, new_server, document):
        words = {word: other for word, other in self.replaced().items() if word in document.lines}
        server = document.serve(
            new_server, document.configuration(**words).replace(API, "@API@")
            + f"\nOIDCCABundlePath {self.authority.certificate}\n")
        server.extra = server.extra.replace("@API@", API)
        server.port = self.ports.pop()
        (server.directory / "htdocs/app").mkdir()
        (server.directory / "htdocs/app/index.html").write_text("The application")
        return server


@pytest.fixture(scope="module")
def world(live):
    made = World(live)
    yield made
    made.provider.stop()


# ---- browsers ----


def sign_in(world, server, account, base=None):
    """The browser's way: a page of the application, the provider, and back. Returns a client
    with its cookies."""
    page = f"http://127.0.0.1:{server.port}/app/"
    with world.provider.browser() as browser:
        answer = world.provider.sign_in(browser, page, account)
        assert (answer.status_code, answer.text, answer.url) == (200, "The application", page)
        kept = {cookie.name: cookie.value for cookie in browser.cookies
                if cookie.name.startswith("mod_auth_openidc_session")}
    assert len(kept) == 1
    return Client(server, base=base, headers={
        "Cookie": "; ".join(f"{name}={value}" for name, value in kept.items())})


def location_of(server, path, **replaced):
    """The document's Location of the API once more, at another path, with other words."""
    text = re.search(r'<Location "/user-management">.*?</Location>', server.extra, re.S)[0]
    for word, other in {"/user-management": path, **replaced}.items():
        assert word in text
        text = text.replace(word, other)
    return "\n" + text


def test_the_browser_s_way(world, new_server, tell):
    server = world.serve(new_server, Document("openid-connect.md"))
    server.extra += location_of(server, "/nested", **{
        "claim roles:admin": "claim realm_access.roles:admin"})
    server.start()
    # How it says that somebody is not let in.
    server.allow_log(r"auth_openidc:(warn|error)|AH01631: ")
    anonymous = Client(server, headers={"Accept": "*/*"})
    forged = Client(server, headers={"Cookie": "mod_auth_openidc_session=12345678-1234-1234-1234-"
                                               "123456789abc"})
    clients = {name: sign_in(world, server, "u-" + account) for name, account in {
        "admin": "admin", "sub_admin": "sub", "stored": "stored", "nobody": "nobody"}.items()}
    headers = Client(server, headers={"OIDC_CLAIM_email": ADMIN, "OIDC-CLAIM-email": ADMIN,
                                      "OIDC_CLAIM_roles": "admin", "Remote-User": ADMIN})
    check_callers(tell, "openid-connect", {**clients, "anonymous": anonymous, "wrong": forged,
                                           "forged headers": headers})
    # A key has no claims.
    check_key(tell, "openid-connect", clients["admin"], Client(server), 403)
    tell("UserMgmtAdmin", "claim", "grants", "admin")
    tell("UserMgmtAdmin", "claim", "denies", "none")
    # A claim inside of another, as Keycloak has it.
    assert sign_in(world, server, "u-admin", "/nested").get("me/").json["role"] == "admin"
    assert sign_in(world, server, "u-sub", "/nested").get("me/").json["role"] == "sub_admin"
    # A session of somebody whose address the provider has not verified is not the admin's.
    liar = sign_in(world, server, "u-liar")
    liar.get("users/").expect_problem(403, "forbidden")
    liar.get("me/").expect_problem(403, "forbidden")
    # Headers of a caller who is signed in change nothing, either.
    nobody = Client(server, headers={**clients["nobody"].headers, "OIDC_CLAIM_roles": "admin"})
    assert nobody.get("me/").expect(200).json["role"] == "none"
    # A page of another origin can't use the session.
    clients["admin"].post("users/", {"email": "a@example.com", "display_name": "A"},
                          headers={"Origin": "https://elsewhere.example.com"}) \
        .expect_problem(403, "cross_site")


def test_a_caller_without_a_session(world, new_server):
    """Gets the problem 401 by the configuration of the document, and by default a redirect to
    the provider."""
    server = world.serve(new_server, Document("openid-connect.md"))
    server.extra += location_of(server, "/by-default", **{"OIDCUnAuthAction 401\n": "\n"})
    server.start()
    for accept in ("*/*", "application/json", "text/html"):
        client = Client(server, headers={"Accept": accept})
        client.get("users/").expect_problem(401, "unauthorized")
        client.post("users/", {"email": "a@example.com", "display_name": "A"}) \
            .expect_problem(401, "unauthorized")
    answer = Client(server, base="/by-default", headers={"Accept": "*/*"}).get("users/")
    assert answer.status == 302
    assert answer.headers["Location"].startswith(world.provider.issuer + "/auth?")


# ---- bearer tokens ----


def bearer(server, token):
    return Client(server, headers={"Authorization": "Bearer " + token})


def changed(token, **claims):
    """A token with other claims, under the old signature."""
    head, body, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    body = base64.urlsafe_b64encode(json.dumps({**told, **claims}).encode()).decode().rstrip("=")
    return ".".join((head, body, signature))


def unsigned(token):
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
    return head + "." + token.split(".")[1] + "."


def test_bearer_tokens(world, new_server, tell):
    server = world.serve(new_server, Document("bearer.md")).start()
    server.allow_log(r"auth_openidc:(warn|error)|AH01631: ")
    short = world.provider.token("u-admin", API + "?short")["access_token"]
    bearer(server, short).get("users/").expect(200)
    tokens = {name: world.provider.token("u-" + account) for name, account in {
        "admin": "admin", "sub_admin": "sub", "stored": "stored", "nobody": "nobody"}.items()}
    clients = {name: bearer(server, told["access_token"]) for name, told in tokens.items()}
    admin = tokens["admin"]["access_token"]
    wait_for(lambda: bearer(server, short).get("users/").status == 401, 10, "the token's end")
    check_callers(tell, "bearer", {
        **clients, "anonymous": Client(server), "wrong": bearer(server, "x" * 40),
        "other claims": bearer(server, changed(tokens["nobody"]["access_token"], roles=["admin"])),
        "expired": bearer(server, short),
        "unsigned": bearer(server, unsigned(admin)),
        # Its identity would be empty.
        "no address": bearer(server, world.provider.token("u-mute")["access_token"])})
    check_key(tell, "bearer", clients["admin"], Client(server), 403)
    Client(server).get("users/", query={"access_token": admin}) \
        .expect_problem(401, "unauthorized")
    # Tokens that the same provider has made for others: another API, and the ID token.
    other = world.provider.token("u-admin", "https://other.example.com/")["access_token"]
    for token in (other, tokens["admin"]["id_token"]):
        result = bearer(server, token).get("users/")
        assert result.status in (401, 403), result
        assert "users" not in result.json
    tell(REFUSED_TABLE, "bearer: of another API", "answer",
         str(bearer(server, other).get("users/").status))
    # A bearer token is not sent by a browser by itself, but the origin counts all the same.
    clients["admin"].post("users/", {"email": "a@example.com", "display_name": "A"},
                          headers={"Origin": "https://elsewhere.example.com"}) \
        .expect_problem(403, "cross_site")


def test_tokens_that_the_provider_is_asked_about(world, new_server, tell):
    document = Document("bearer.md", "## Tokens that are no JWT")
    server = world.serve(new_server, document).start()
    server.allow_log(r"auth_openidc:(warn|error)|AH01631: ")
    clients = {name: bearer(server, world.provider.token("u-" + account, None)["access_token"])
               for name, account in {"admin": "admin", "sub_admin": "sub", "stored": "stored",
                                     "nobody": "nobody"}.items()}
    check_callers(tell, "bearer, introspection", {
        **clients, "anonymous": Client(server), "wrong": bearer(server, "x" * 43)})
    check_key(tell, "bearer, introspection", clients["admin"], Client(server), 403)
