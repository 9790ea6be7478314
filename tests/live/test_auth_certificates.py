# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Client certificates, with the configurations of docs/auth/certificates.md, over HTTP/1.1 and
HTTP/2. The certificates are made by openssl."""

import base64

import pytest
from auth_env import (STORED, Authority, Document, Http2Client, TlsClient, check_callers,
                      check_key)
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, ConnectionLost

pytestmark = pytest.mark.database("sqlite")

# name → subject and address.
PEOPLE = {
    "admin": ("/O=Example/OU=Administration/CN=Ann Admin", ADMIN),
    "sub_admin": ("/O=Example/OU=Helpdesk/CN=Sam Sub", SUB_ADMIN),
    "stored": ("/O=Example/OU=Sales/CN=Stan Stored", STORED),
    "nobody": ("/O=Example/OU=Sales/CN=Nora Nobody", NOBODY),
}


class Certificates:
    """Those of the people, of the server, and those of a stranger's authority."""

    def __init__(self, directory):
        self.authority = Authority(directory)
        self.server = self.authority.give_server()
        self.people = {name: self.authority.give(name, subject, "email:" + address)
                       for name, (subject, address) in PEOPLE.items()}
        (directory / "stranger").mkdir()
        self.stranger = Authority(directory / "stranger").give(
            "stranger", PEOPLE["admin"][0], "email:" + ADMIN)


@pytest.fixture(scope="module")
def certificates(live):
    return Certificates(live.new_directory())


def serve(certificates, new_server, live, heading):
    """The httpd of the document, and the port of its virtual host."""
    document = Document("certificates.md", heading)
    port = live.ports.take()
    certificate, key = certificates.server
    lines = document.configuration(**{
        "*:443": f"127.0.0.1:{port}", "www.example.com\n": "localhost\n",
        "/etc/ssl/certs/www.example.com.pem": str(certificate),
        "/etc/ssl/private/www.example.com.key": str(key),
        "/etc/ssl/our-ca.pem": str(certificates.authority.certificate)})
    lines = lines.replace("/etc/apache2/usermgmt.certificates", "@DIR@/conf/certificates")
    server = document.serve(new_server, f"Listen 127.0.0.1:{port}\n{lines}")
    if heading == "## FakeBasicAuth":
        subjects = document.block("/O=Example")
        assert [line.partition(":")[0] for line in subjects.splitlines()] == [
            PEOPLE[name][0] for name in ("admin", "sub_admin")]
        secret = subjects.splitlines()[0].partition(":")[2]
        (server.directory / "conf/certificates").write_text(subjects + "".join(
            f"\n{PEOPLE[name][0]}:{secret}" for name in ("stored", "nobody")) + "\n")
    # What mod_ssl says of a certificate that it does not know.
    server.allow_log("AH02039|AH02008|AH0161[78]|AH01630|AH02227")
    return server.start(), port


def clients_of(kind, certificates, server, port, **options):
    made = {name: kind(server, port, certificates.authority, certificate, **options)
            for name, certificate in certificates.people.items()}
    made["anonymous"] = kind(server, port, certificates.authority, **options)
    return made


@pytest.mark.parametrize("heading, anonymous, kind", [
    ("## Configuration", 403, TlsClient), ("## Configuration", 403, Http2Client),
    ("## SSLUserName", 403, TlsClient), ("## SSLUserName", 403, Http2Client),
    ("## FakeBasicAuth", 401, TlsClient)])
def test_client_certificates(certificates, new_server, live, tell, heading, anonymous, kind):
    server, port = serve(certificates, new_server, live, heading)
    clients = clients_of(kind, certificates, server, port)
    # Somebody without a certificate who claims the subject of one.
    claim = base64.b64encode(f"{PEOPLE['admin'][0]}:password".encode()).decode()
    wrong = kind(server, port, certificates.authority,
                 headers={"Authorization": "Basic " + claim, "X-Remote-User": ADMIN})
    if heading == "## FakeBasicAuth":
        server.allow_log("AH02035")
        for path in ("users/", "me/"):
            assert wrong.get(path).expect(403).json["code"] == "forbidden"
        wrong = kind(server, port, certificates.authority, headers={
            "Authorization": "Basic " + base64.b64encode(b"admin@example.com:password").decode()})
    row = {"## Configuration": "certificates", "## SSLUserName": "certificates, SSLUserName",
           "## FakeBasicAuth": "certificates, FakeBasicAuth"}[heading]
    protocol = "HTTP/2" if kind is Http2Client else "HTTP/1.1"
    check_callers(tell, f"{row}, {protocol}", {**clients, "wrong": wrong}, anonymous)
    # A key beside a certificate is the key; without one Require asks for the certificate.
    keyed = clients_of(kind, certificates, server, port)
    check_key(tell, f"{row}, {protocol}", clients["admin"], keyed["nobody"])
    if heading != "## FakeBasicAuth":
        check_key(lambda *_: None, row, clients["admin"],
                  keyed["anonymous"], 403)
    if heading == "## FakeBasicAuth":
        with pytest.raises(AssertionError):
            Http2Client(server, port, certificates.authority).connect()
    # A certificate of another authority ends the connection.
    stranger = kind(server, port, certificates.authority, certificates.stranger)
    with pytest.raises((ConnectionLost, OSError)):
        stranger.get("users/")


def test_a_certificate_in_the_authorization_providers(certificates, new_server, live, tell):
    """ssl and ssl-verify-client as UserMgmtAdmin."""
    document = Document("certificates.md", "## Configuration")
    roles = {"ssl": "admin", "ssl-verify-client": "admin"}
    for provider, role in roles.items():
        server, port = serve(certificates, new_server, live, "## Configuration")
        server.stop()
        lines = [line for line in document.lines.splitlines() if "UserMgmtAdmin" in line]
        assert len(lines) == 1
        server.extra = server.extra.replace(lines[0], "UserMgmtAdmin " + provider)
        server.allow_log("AH02039|AH02008|AH01630")
        server.start()
        clients = clients_of(TlsClient, certificates, server, port)
        assert clients["nobody"].get("me/").expect(200).json["role"] == role
        clients["anonymous"].get("me/").expect_problem(403, "forbidden")
        tell("UserMgmtAdmin", provider, "grants", role)
        tell("UserMgmtAdmin", provider, "denies", "403")
