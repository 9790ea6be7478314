# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Logins by password, with the configurations of docs/auth: a file, mod_authn_socache, Digest,
and a form with a cookie. mod_authn_dbd has test_auth_dbd.py, LDAP has test_auth_ldap.py."""

import hashlib
import re
import shlex
import subprocess
import urllib.parse

import pytest
from auth_env import STORED, DigestClient, Document, basic_clients, check_callers, check_key
from usermgmt_env import ADMIN, NOBODY, PASSWORD, SUB_ADMIN, Client

pytestmark = pytest.mark.database("sqlite")


def make_passwords(server, document):
    """Type the document's commands, and that for the other callers."""
    file = str(server.directory / "conf/htpasswd")
    server._write("conf/htpasswd", "")  # pylint: disable=protected-access
    commands = [shlex.split(command) for command in document.commands("htpasswd")]
    assert [command[-1] for command in commands] == [ADMIN, SUB_ADMIN]
    commands += [[*commands[-1][:-1], other] for other in (STORED, NOBODY)]
    for command in commands:
        command = [file if word == "/etc/apache2/usermgmt.htpasswd" else word for word in command]
        # Where a terminal would ask.
        done = subprocess.run([command[0], "-i", *command[1:]], input=PASSWORD, text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (server.directory / "conf/htpasswd").read_text().count(":$2y$") == 4


# ---- a file ----


def test_basic_with_a_file(new_server, tell):
    document = Document("basic.md")
    server = document.serve(new_server, document.configuration(
        **{"/etc/apache2/usermgmt.htpasswd": "@DIR@/conf/htpasswd",
           "/etc/apache2/usermgmt.groups": "@DIR@/conf/groups"}))
    make_passwords(server, document)
    (server.directory / "conf/groups").write_text(document.block("admins: "))
    server.start()
    server.allow_log("AH01617")
    clients = basic_clients(server)
    check_callers(tell, "basic", clients)
    check_key(tell, "basic", clients["admin"], Client(server))
    # A change of the groups needs no restart.
    (server.directory / "conf/groups").write_text("admins: nobody@example.com\n")
    clients["admin"].get("users/").expect_problem(403, "forbidden")
    assert clients["nobody"].get("me/").json["role"] == "admin"


# ---- Digest ----


def test_digest(new_server, tell):
    document = Document("digest.md")
    server = document.serve(new_server, document.configuration(
        **{"/etc/apache2/usermgmt.htdigest": "@DIR@/conf/htdigest"}))
    realms = {shlex.split(command)[-2] for command in document.commands("htdigest")}
    realm = re.search(r'AuthName +"([^"]+)"', document.lines)[1]
    assert realms == {realm}
    # htdigest asks a terminal for the password.
    (server.directory / "conf/htdigest").write_text("".join(
        f"{login}:{realm}:" + hashlib.md5(f"{login}:{realm}:{PASSWORD}".encode()).hexdigest()
        + "\n" for login in (ADMIN, SUB_ADMIN, STORED, NOBODY)))
    server.start()
    server.allow_log("AH017[89]|AH01617")
    clients = {name: DigestClient(server, login) for name, login in {
        "admin": ADMIN, "sub_admin": SUB_ADMIN, "stored": STORED, "nobody": NOBODY}.items()}
    clients["anonymous"] = Client(server)
    clients["wrong"] = DigestClient(server, ADMIN, "wrong")
    check_callers(tell, "digest", clients)
    check_key(tell, "digest", clients["admin"], Client(server))
    # A header of one request is no login for another one.
    once = clients["admin"].authorization("GET", "/user-management/me/")
    other = Client(server, headers={"Authorization": once})
    assert other.get("users/").status in (400, 401)


# ---- a form ----

SESSION = {"/etc/apache2/usermgmt.htpasswd": "@DIR@/conf/htpasswd",
           "exec:/usr/local/sbin/session-passphrase": "exec:/bin/hostname"}


@pytest.fixture
def form_server(new_server):
    document = Document("form.md")
    server = document.serve(new_server, document.configuration(**SESSION))
    make_passwords(server, document)
    (server.directory / "htdocs/sign-in.html").write_text(document.block("<form "))
    (server.directory / "htdocs/app").mkdir()
    (server.directory / "htdocs/app/index.html").write_text("The application")
    return server.start()


def sign_in(server, login, password=PASSWORD):
    """Send the form of the page, as a browser does it. Returns the answer, and a client that has
    its cookie."""
    browser = Client(server, base="")
    page = browser.get("sign-in.html").expect(200).raw.decode()
    action = re.search(r'action="([^"]+)"', page)[1]
    names = re.findall(r'<input name="([^"]+)"', page)
    assert len(names) == 2 and 'method="post"' in page
    form = urllib.parse.urlencode(dict(zip(names, (login, password))))
    answer = browser.send("POST", action, form,
                          headers={"Content-Type": "application/x-www-form-urlencoded"})
    cookies = [value for name, value in answer.headers.items() if name == "Set-Cookie"]
    cookie = cookies[-1].partition(";")[0] if cookies else None
    return answer, Client(server, headers={"Cookie": cookie} if cookie else None)


def test_a_form_and_a_cookie(form_server, tell):
    server = form_server
    server.allow_log("AH01617|AH01618|AH01807|AH01808|AH01842|AH01817")
    answer, admin = sign_in(server, ADMIN)
    answer.expect(302)
    assert answer.headers["Location"] == "/app/"
    told = answer.headers["Set-Cookie"]
    assert "HttpOnly" in told and "Secure" in told and "SameSite=Strict" in told
    assert PASSWORD.partition(" ")[0] not in urllib.parse.unquote(told)
    refused, wrong = sign_in(server, ADMIN, "wrong")
    refused.expect(302)
    assert refused.headers["Location"] == "/sign-in.html?again"
    forged = Client(server, headers={"Cookie": admin.headers["Cookie"][:-4] + "AAAA"})
    check_callers(tell, "form", {
        "admin": admin, "sub_admin": sign_in(server, SUB_ADMIN)[1],
        "stored": sign_in(server, STORED)[1], "nobody": sign_in(server, NOBODY)[1],
        "anonymous": Client(server), "wrong": wrong, "forged cookie": forged})
    check_key(tell, "form", admin, Client(server))
    # The form sent to the API itself is no request to it.
    Client(server).ask("POST", "users/", "httpd_username=x&httpd_password=y", headers={
        "Content-Type": "application/x-www-form-urlencoded"}).expect_problem(401, "unauthorized")


def test_a_cookie_is_of_no_use_to_other_origins(form_server):
    admin = sign_in(form_server, ADMIN)[1]
    admin.post("users/", {"email": "a@example.com", "display_name": "A"},
               headers={"Origin": "https://elsewhere.example.com"}) \
        .expect_problem(403, "cross_site")
    admin.post("users/", {"email": "a@example.com", "display_name": "A"},
               headers={"Origin": f"http://127.0.0.1:{form_server.port}"}).expect(201)


def test_the_cookie_s_modules_leave_the_answers_as_they_are(form_server, new_server):
    """But for the cookie itself."""
    other = new_server(database=form_server.database)
    here, there = sign_in(form_server, ADMIN)[1], other.admin
    user = here.create("same@example.com")
    own = {"Date", "Server", "Set-Cookie", "Keep-Alive", "Request-Id"}
    for path in ("users/" + user["user_uid"], "users/?limit=1", "me/", "users/nobody"):
        one, two = here.get(path), there.get(path)
        assert (one.status, one.raw) == (two.status, two.raw)
        assert sorted((name, value) for name, value in one.headers.items() if name not in own) \
            == sorted((name, value) for name, value in two.headers.items() if name not in own)
    etag = here.get("users/" + user["user_uid"]).headers["ETag"]
    here.get("users/" + user["user_uid"], headers={"If-None-Match": etag}).expect(304)


def test_signing_out(form_server):
    admin = sign_in(form_server, ADMIN)[1]
    admin.get("users/").expect(200)
    answer = Client(form_server, base="", headers=admin.headers).get("sign-out")
    assert answer.status in (302, 307)
    assert answer.headers["Location"] == "/sign-in.html"
    cookie = answer.headers["Set-Cookie"]
    left = cookie.partition(";")[0]
    Client(form_server, headers={"Cookie": left}).get("users/").expect_problem(401, "unauthorized")
    # Who is removed from the file is signed out, too.
    file = form_server.directory / "conf/htpasswd"
    form_server.allow_log("AH0161[78]|AH01807|AH01808")
    file.write_text("".join(line for line in file.read_text().splitlines(True)
                            if not line.startswith(ADMIN)))
    admin.get("users/").expect_problem(401, "unauthorized")
