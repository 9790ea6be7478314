# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Mail for invitations, handed to a real SMTP server."""

import email.utils
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from fixtures import preload_clock
from smtp_env import Smtp, certificate, one_account, tls_context
from usermgmt_env import ADMIN, PATIENCE, in_parallel, location, wait_for

NUMBERS = itertools.count()
LINK = "https://platform.example.com/join?from=mail#top"
LATER = r"UM0061: "
GIVEN_UP = r"UM0062: "
UNCLEAN = "AH00098"


def fresh():
    return f"m{next(NUMBERS)}@mail.example.com"


def mail_lines(smtp, more="", retry="300ms"):
    return f"""
        UserMgmtMailServer {smtp.url}
        UserMgmtMailFrom users@example.com "Example's \\"users\\""
        UserMgmtMailRetry {retry}
        {more}"""


@pytest.fixture(scope="module")
def make_smtp(live):
    made = []

    def make(start=True, **options):
        smtp = Smtp(live, **options)
        made.append(smtp)
        return smtp.start() if start else smtp

    yield make
    for smtp in made:
        smtp.stop()


@pytest.fixture(scope="module")
def smtp(make_smtp):
    return make_smtp(enable_SMTPUTF8=True)


@pytest.fixture(scope="module")
def server(make_server, smtp):
    return make_server(extra=mail_lines(smtp) + """
        <Location "/inviters">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin valid-user
        </Location>""" + location("/console", """
            UserMgmtConsole On
            UserMgmtPublicURL https://users.example.com/team/"""))


@pytest.fixture(autouse=True)
def usual_behaviour(smtp):
    yield
    smtp.behave()


def invite(client, address, **members):
    return client.post("invitations/", {"email": address, **members}).expect(201).json


def waiting(server):
    return server.sql("SELECT COUNT(*) FROM outgoing_mail")[0][0]


def events(server, token, action="mail.%"):
    """Action and details of the mailer's audit events."""
    rows = server.sql("SELECT actor_identity, actor_role, action, after_json FROM audit_events"
                      " WHERE target = ? AND action LIKE ? ORDER BY event_uid", token, action)
    assert all(row[:2] == ("system", "system") for row in rows)
    return [(name, json.loads(after)) for _, _, name, after in rows]


def wait_for_event(server, token, action, seconds=20):
    def found():
        return [after for name, after in events(server, token) if name == action]

    return wait_for(found, seconds, f"{action} of {token}")[0]


def accepts(server, address, secret):
    server.add_login(address)
    answer = server.client(address).post("invitations/accept", {"accept_token": secret})
    return answer.status == 200


# ---- addresses ----


@pytest.mark.parametrize("address", ["bob@a\uff1eb.example.com", "bob@a\uff0db\uff20c.example.com",
                                     "bob@b.example.com\r\nDATA", "bob>@b.example.com"])
def test_what_is_no_address_is_not_invited(server, admin, smtp, address):
    tried = list(smtp.tries)
    admin.post("invitations/", {"email": address}).expect_faults(("email", "invalid_email"))
    assert waiting(server) == 0 and smtp.tries == tried


@pytest.mark.parametrize("address", ["bob@a>b.example.com", "bob@a\uff1eb.example.com",
                                     "bob>@b.example.com", "bob@b.example.com\r\nRCPT TO:<x@y.co>",
                                     "bob @b.example.com", "bob@b_c.example.com"])
def test_what_is_no_address_reaches_no_mail_server(server, smtp, address):
    """However it came into the database."""
    token, tried = f"odd{next(NUMBERS)}", list(smtp.tries)
    server.sql("INSERT INTO invitations (org_id, invite_token, email, email_key, status,"
               " inviter_uid, inviter_email, created_at, expires_at)"
               " SELECT org_id, ?, ?, ?, 'pending', 'x', 'x@example.com', 0, 9999999999999"
               " FROM organizations WHERE name = 'default'", token, address, token)
    with server.expect_log(GIVEN_UP + ".*an address of the mail is not valid"):
        server.sql("INSERT INTO outgoing_mail (org_id, invite_token, mail_uid, created_at,"
                   " next_attempt_at) SELECT org_id, ?, ?, 0, 0 FROM organizations"
                   " WHERE name = 'default'", token, token)
        after = wait_for_event(server, token, "mail.failed")
    assert after["reply"] == "an address of the mail is not valid"
    assert smtp.tries == tried
    wait_for(lambda: waiting(server) == 0, 5, "the outbox")


# ---- what a mail is ----


def test_the_mail(server, admin, smtp):
    address = fresh()
    admin.create("inviter@mail.example.com", "Inge Müller")
    server.add_login("inviter@mail.example.com")
    answer = invite(admin, address, platform_link=LINK)
    mail = smtp.wait(address)
    assert mail.sender == "users@example.com" and mail.recipients == [address]
    assert mail["From"] == "\"Example's \\\"users\\\"\" <users@example.com>"
    assert mail["To"].addresses[0].addr_spec == address
    assert mail["Subject"] == "Invitation to manage default"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["MIME-Version"] == "1.0"
    assert mail["Content-Type"].content_type == "multipart/alternative"
    assert abs(email.utils.parsedate_to_datetime(mail["Date"]).timestamp() - time.time()) < 60
    assert mail["Date"].endswith("+0000")
    assert re.fullmatch(r"<[0-9A-Za-z]{20}@example\.com>", mail["Message-ID"])
    kinds = [part.get_content_type() for part in mail.message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    token = answer["invitation"]["invite_token"]
    after = wait_for_event(server, token, "mail.sent")
    assert after == {"mail_uid": mail["Message-ID"][1:21], "email": address, "attempts": 1,
                     "reply": "250 2.0.0 taken"}
    assert waiting(server) == 0


@pytest.mark.database("sqlite")
def test_its_lines_are_as_mail_wants_them(admin, smtp):
    address = fresh()
    invite(admin, address, platform_link="https://p.example.com/" + "x" * 1500)
    raw = smtp.wait(address).raw
    assert b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
    lines = [line for line in raw.split(b"\r\n") if not line.startswith(b"Content-Type: multipart")]
    assert max(len(line) for line in lines) <= 78
    raw.decode("ascii")


def test_its_link_accepts(server, admin, smtp):
    address = fresh()
    answer = invite(admin, address, platform_link=LINK)
    mail = smtp.wait(address)
    link = re.search(r"https://platform\S+", mail.part("plain")).group()
    assert re.fullmatch(r"https://platform\.example\.com/join\?from=mail&accept_token="
                        r"[0-9A-Za-z_-]{43}#top", link)
    assert 'href="' + link.replace("&", "&amp;") + '"' in mail.part("html")
    assert link != answer["accept_link"], "the mail has a secret of its own"
    assert accepts(server, address, mail.secret)


def test_the_answers_secret_accepts_too(server, admin, smtp):
    address = fresh()
    answer = invite(admin, address)
    smtp.wait(address)
    assert accepts(server, address, answer["accept_token"])


def test_without_a_link_it_has_the_secret_itself(server, admin, smtp):
    address = fresh()
    invite(admin, address)
    mail = smtp.wait(address)
    assert "http" not in mail.part("plain") and "href" not in mail.part("html")
    assert f"<code>{mail.secret}</code>" in mail.part("html")
    assert accepts(server, address, mail.secret)


def test_its_link_to_the_console(server, smtp):
    """Each mail has the link of the Location that it was queued by."""
    address = fresh()
    admin = server.client(base="/console", headers={"Host": "evil.example"})
    answer = invite(admin, address)
    mail = smtp.wait(address)
    link = f"https://users.example.com/team/console/accept#accept_token={mail.secret}"
    assert f"To accept, open this link:\r\n\r\n{link}\r\n" in \
        mail.part("plain").replace("\r\n", "\n").replace("\n", "\r\n")
    assert f'href="{link}"' in mail.part("html") and b"evil" not in mail.raw
    assert answer["accept_link"].startswith("https://users.example.com/team/console/accept#")
    assert answer["accept_link"] != link
    assert accepts(server, address, mail.secret)


def test_no_secret_is_stored_or_logged(server, admin, smtp):
    address = fresh()
    answer = invite(admin, address)
    secrets = [smtp.wait(address).secret, answer["accept_token"]]
    files = [path for name in ("data", "logs") for path in (server.directory / name).iterdir()]
    for path in files:
        data = path.read_bytes()
        assert not any(secret.encode() in data for secret in secrets), path


def test_sent_again(server, admin, smtp):
    address = fresh()
    token = invite(admin, address)["invitation"]["invite_token"]
    first = smtp.wait(address)
    admin.post("invitations/resend", {"invite_token": token}).expect(200)
    second = smtp.wait(address, 2)
    assert first["Message-ID"] != second["Message-ID"]
    assert not accepts(server, address, first.secret), "the old secret is dead"
    assert accepts(server, address, second.secret)


# ---- hostile values ----


HOSTILE = ["<script>alert(1)</script> & \"quotes\" 'too'", "\u202eevil\u2066 right to left",
           "אורח מוזמן", "é" * 256, "x" * 256, "=?UTF-8?B?QmNjOiB4?=", "${accept_token}", "%s%n"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_inviter(server, admin, smtp, name):
    inviter = f"inviter{next(NUMBERS)}@mail.example.com"
    admin.create(inviter, name)
    server.add_login(inviter)
    address = fresh()
    client = server.client(inviter, base="/inviters")
    invite(client, address)
    check_hostile(smtp.wait(address), name)


def check_hostile(mail, name):
    shown = re.sub("[\u202a-\u202e\u2066-\u2069]", "", name)
    escaped = (shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
               .replace('"', "&quot;").replace("'", "&#39;"))
    assert shown in mail.part("plain").replace("\r\n", "\n")
    assert f"<bdi>{escaped}</bdi>" in mail.part("html").replace("\r\n", "\n")
    assert "<script" not in mail.part("html")
    assert set(mail.message.keys()) == {
        "Content-Type", "Mime-Version", "Date", "From", "To", "Subject", "Message-ID",
        "Auto-Submitted"}


@pytest.mark.parametrize("name", ["a\r\nBcc: x@example.com", "a\nb\r\n\r\n.\r\nMAIL FROM:<x@y.z>",
                                  "\x7f\x1b[2J", "\u2028\u0085line"])
def test_control_characters_that_came_another_way(server, admin, smtp, name):
    """No request can bring them; a database can."""
    address = fresh()
    smtp.behave(on_rcpt=lambda at: "450 4.2.1 not yet")
    with server.expect_log(LATER):
        token = invite(admin, address)["invitation"]["invite_token"]
        wait_for(lambda: smtp.tried(address), 20, "a first try")
    server.sql("UPDATE invitations SET inviter_display_name = ? WHERE invite_token = ?", name,
               token)
    server.sql("UPDATE organizations SET name = ? WHERE name = 'default'", name)
    try:
        smtp.behave()
        mail = smtp.wait(address)
    finally:
        server.sql("UPDATE organizations SET name = 'default' WHERE name = ?", name)
    assert mail.recipients == [address] and mail["Bcc"] is None
    plain = re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", name)
    assert mail["Subject"] == "Invitation to manage " + " ".join(plain.split()) \
        or plain in mail["Subject"]
    check_hostile(mail, plain)


# ---- addresses of the world ----


def test_address_beyond_ascii(server, admin, smtp):
    address = f"jürgen{next(NUMBERS)}@mail.example.com"
    invite(admin, address)
    mail = smtp.wait(address)
    assert "SMTPUTF8" in mail.options
    assert accepts(server, address, mail.secret)


def test_domain_beyond_ascii(admin, smtp):
    invite(admin, "bob@bücher.example")
    mail = smtp.wait("bob@xn--bcher-kva.example")
    assert mail["To"].addresses[0].addr_spec == "bob@xn--bcher-kva.example"
    assert "SMTPUTF8" not in mail.options


@pytest.mark.database("sqlite")
def test_a_server_that_takes_ascii_only(new_server, make_smtp):
    smtp = make_smtp(enable_SMTPUTF8=False)
    server = new_server(extra=mail_lines(smtp))
    with server.expect_log(GIVEN_UP + ".*SMTPUTF8"):
        token = invite(server.admin, "jürgen@mail.example.com")["invitation"]["invite_token"]
        after = wait_for_event(server, token, "mail.failed")
    assert "SMTPUTF8" in after["reply"] and after["attempts"] == 1
    assert not smtp.tries, "the address was told to a server that can't read it"
    invite(server.admin, "bob@bücher.example")
    smtp.wait("bob@xn--bcher-kva.example")


# ---- a server in trouble ----


def test_down_then_up(new_server, make_smtp):
    smtp = make_smtp(start=False)
    server = new_server(extra=mail_lines(smtp))
    address = fresh()
    with server.expect_log(LATER):
        token = invite(server.admin, address)["invitation"]["invite_token"]
    assert waiting(server) == 1
    smtp.start()
    mail = smtp.wait(address)
    assert accepts(server, address, mail.secret)
    assert wait_for_event(server, token, "mail.sent")["attempts"] > 1
    assert waiting(server) == 0


def test_ended_meanwhile(new_server, make_smtp):
    smtp = make_smtp(start=False)
    server = new_server(extra=mail_lines(smtp), location="UserMgmtInvitationTTL 3s")
    revoked, accepted, expired = fresh(), fresh(), fresh()
    with server.expect_log(LATER):
        answers = [invite(server.admin, address) for address in (revoked, accepted, expired)]
    server.admin.delete("invitations/" + answers[0]["invitation"]["invite_token"]).expect(200)
    assert accepts(server, accepted, answers[1]["accept_token"])
    time.sleep(3)
    smtp.start()
    wait_for(lambda: waiting(server) == 0, 20, "all mail is dropped")
    assert not smtp.tries
    assert not any(events(server, answer["invitation"]["invite_token"]) for answer in answers)


def test_try_again_later(server, admin, smtp):
    """The same mail each time, with a secret that holds."""
    address = fresh()
    answers = iter(["451 4.3.0 not now", "421 4.3.2 going down"])
    smtp.behave(on_data=lambda mail: next(answers, "250 2.0.0 taken"))
    server.allow_log(LATER)
    with server.expect_log(LATER + ".*451 4.3.0 not now"):
        token = invite(admin, address)["invitation"]["invite_token"]
        smtp.wait(address, 3)
    mails = smtp.to(address)
    assert len({mail["Message-ID"] for mail in mails}) == 1
    assert wait_for_event(server, token, "mail.sent")["attempts"] == 3
    assert accepts(server, address, mails[0].secret)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("behaviour", [
    {"on_rcpt": lambda address: "550 5.1.1 no such user"},
    {"on_rcpt": lambda address: "550 no such user"},
    {"on_data": lambda mail: "554 5.7.1 we don't like it"}])
def test_refused_for_good(server, admin, smtp, behaviour):
    address = fresh()
    smtp.behave(**behaviour)
    with server.expect_log(GIVEN_UP + ".*tries: 55"):
        token = invite(admin, address)["invitation"]["invite_token"]
        after = wait_for_event(server, token, "mail.failed")
    assert after["attempts"] == 1 and after["reply"].startswith("55")
    assert waiting(server) == 0
    time.sleep(2)
    assert smtp.tried(address) == 1


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("answer, told", [
    ("504 5.5.2 <web>: Helo command rejected", "504 5.5.2 <web>: Helo command rejected"),
    ("550 5.7.1 Relaying denied", "550 5.7.1 Relaying denied"),
    ("553 5.1.8 sender unknown", "553 5.1.8 sender unknown"),
    ("550-5.7.26 Unauthenticated\r\n550-5.7.26 mail: see\r\n550 5.7.26 example.com/spf",
     "550 5.7.26 Unauthenticated mail: see example.com/spf"),
])
def test_a_refusal_of_the_sender_is_tried_again(server, admin, smtp, answer, told):
    """The operator mends the configuration, and the invitation still arrives."""
    address = fresh()
    smtp.behave(on_rcpt=lambda address: answer)
    server.allow_log(LATER)
    with server.expect_log(LATER + ".*try 1: " + re.escape(told)):
        token = invite(admin, address)["invitation"]["invite_token"]
        wait_for(lambda: smtp.tried(address) >= 2, 20, "a second try")
    smtp.behave()
    mail = smtp.wait(address)
    assert wait_for_event(server, token, "mail.sent")["attempts"] >= 3
    assert accepts(server, address, mail.secret)


@pytest.mark.database("sqlite")
def test_a_refusal_of_the_sender_is_tried_until_the_end(new_server, make_smtp):
    smtp = make_smtp()
    smtp.behave(on_rcpt=lambda address: "550-5.7.1 Relaying\r\n550 5.7.1 denied")
    server = new_server(extra=mail_lines(smtp, retry="200ms 5s"))
    server.allow_log(LATER)
    with server.expect_log(GIVEN_UP + ".*tries: 550 5.7.1 Relaying denied"):
        token = invite(server.admin, fresh())["invitation"]["invite_token"]
        after = wait_for_event(server, token, "mail.failed")
    assert after["attempts"] >= 3 and after["reply"] == "550 5.7.1 Relaying denied"
    assert waiting(server) == 0


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("where", ["on_rcpt", "on_data"])
def test_a_connection_that_is_closed(server, admin, smtp, where):
    """The log says so in words, not in numbers of the system."""
    address = fresh()
    answers = iter(["drop"])
    smtp.behave(**{where: lambda _: next(answers, "250 2.0.0 fine")})
    server.allow_log(LATER)
    with server.expect_log(LATER + ".*try 1: the server closed the connection$"):
        invite(admin, address)
        smtp.wait(address, 2 if where == "on_data" else 1)


class Closing:
    """Takes connections, says some bytes, and closes them."""

    def __init__(self, text):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "smtp://127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, args=(text,), daemon=True).start()

    def serve(self, text):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.sendall(text)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("text, told", [
    (b"", "the server closed the connection"), (b"220 hello\r\n", "the server closed the connection"),
    (b"554-no\r\n554 service\r\n", "554 no service"),
])
def test_a_server_that_closes_at_once(new_server, text, told):
    with Closing(text) as closing:
        server = new_server(extra=mail_lines(closing))
        server.allow_log(LATER)
        with server.expect_log(LATER + f".*try 1: {told}$"):
            invite(server.admin, fresh())
        server.stop()


# ---- the name in EHLO ----


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("lines, helo", [
    ("", "[127.0.0.1]"),
    ("ServerName users.example.com", "users.example.com"),
    ("ServerName 192.0.2.7", "[127.0.0.1]"),
    ("UserMgmtMailHelo mail.example.com", "mail.example.com"),
    ("UserMgmtMailHelo [192.0.2.1]", "[192.0.2.1]"),
    ("UserMgmtMailHelo [IPv6:2001:db8::1]\nServerName users.example.com", "[IPv6:2001:db8::1]"),
])
def test_the_name_in_ehlo(new_server, make_smtp, lines, helo):
    """Never a name without a dot, as that of the machine is, which many servers refuse."""
    smtp = make_smtp()
    server = new_server(extra=mail_lines(smtp, lines))
    address = fresh()
    invite(server.admin, address)
    assert smtp.wait(address).helo == helo


@pytest.mark.parametrize("listens, helo", [("127.0.0.1", "[127.0.0.1]"), ("::1", "[IPv6:::1]")])
def test_the_address_in_ehlo_is_of_the_connections_family(new_server, make_smtp, listens, helo):
    """libcurl tries both addresses of localhost; this server has one of them."""
    smtp = make_smtp(host="localhost", listens=listens)
    server = new_server(extra=mail_lines(smtp))
    for _ in range(2):
        address = fresh()
        invite(server.admin, address)
        assert smtp.wait(address).helo == helo


@pytest.mark.database("sqlite")
def test_dropped_after_data(server, admin, smtp):
    """Whether the server took it nobody knows, so it comes twice, recognizably."""
    address = fresh()
    answers = iter(["drop"])
    smtp.behave(on_data=lambda mail: next(answers, "250 2.0.0 taken"))
    with server.expect_log(LATER):
        invite(admin, address)
        smtp.wait(address, 2)
    first, second = smtp.to(address)
    assert first["Message-ID"] == second["Message-ID"]
    assert accepts(server, address, first.secret)


def test_one_that_is_refused_does_not_hold_up_others(server, admin, smtp):
    bad, good = fresh(), fresh()
    smtp.behave(on_rcpt=lambda address: "450 4.2.2 full" if address == bad else "250 fine")
    with server.expect_log(LATER):
        invite(admin, bad)
        invite(admin, good)
        smtp.wait(good)
    smtp.behave()
    smtp.wait(bad)


@pytest.mark.parametrize("answer", ["450 4.2.2 full", "550 5.7.1 takes no mail from outside"])
def test_a_refused_recipient_lets_the_outbox_go_on(new_server, make_smtp, answer):
    """Nor do two. The pause would be 60 seconds if the server were taken to be away."""
    smtp = make_smtp()
    smtp.behave(on_rcpt=lambda address: answer if address in bad else "250 fine")
    server = new_server(extra=mail_lines(smtp, retry="60s"))
    server.allow_log(LATER)
    bad, good = [fresh(), fresh()], fresh()
    for address in bad:
        invite(server.admin, address)
        wait_for(lambda to=address: smtp.tried(to) == 1, 20, "it is refused")
    invite(server.admin, good)
    smtp.wait(good, seconds=20)


def test_given_up(new_server, make_smtp):
    smtp = make_smtp(start=False)
    server = new_server(extra=mail_lines(smtp, retry="200ms 3s"))
    server.allow_log(LATER)
    with server.expect_log(GIVEN_UP):
        begun = time.monotonic()
        token = invite(server.admin, fresh())["invitation"]["invite_token"]
        after = wait_for_event(server, token, "mail.failed")
        assert time.monotonic() - begun > 2.9
    assert after["attempts"] >= 3 and "connect" in after["reply"].lower()
    assert waiting(server) == 0


@pytest.mark.database("sqlite")
def test_slow(new_server, make_smtp):
    """It is waited for only so long; requests and the end of the server don't wait."""
    smtp = make_smtp()
    smtp.behave(delay=30)
    server = new_server(extra=mail_lines(smtp, "UserMgmtMailTimeout 2"))
    address = fresh()
    with server.expect_log(LATER + ".*time"):
        invite(server.admin, address)
        wait_for(lambda: smtp.tried(address), 10, "a try")
        begun = time.monotonic()
        server.admin.get("users/").expect(200)
        assert time.monotonic() - begun < 1 * PATIENCE
    smtp.behave()
    smtp.wait(address, seconds=30)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("retry, age", [("300ms", 0), ("300ms 1s", 1.2)], ids=["", "old"])
def test_the_end_does_not_wait_for_a_slow_server(new_server, make_smtp, retry, age):
    """Nor is what it breaks off a mail's last try."""
    smtp = make_smtp()
    smtp.behave(delay=60)
    server = new_server(extra=mail_lines(smtp, retry=retry))
    address = fresh()
    invite(server.admin, address)
    wait_for(lambda: smtp.tried(address), 10, "a try")
    time.sleep(age)
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 8 * PATIENCE
    assert waiting(server) == 1
    smtp.behave()
    server.start()
    smtp.wait(address)


@pytest.mark.database("sqlite")
def test_an_answer_that_comes_while_it_ends(new_server, make_smtp):
    """It counts: this was the last try."""
    has_mail = threading.Event()

    def answer(_mail):
        has_mail.set()
        time.sleep(2)
        return "451 4.3.0 later"

    smtp = make_smtp()
    smtp.behave(on_data=answer)
    server = new_server(extra=mail_lines(smtp, retry="300ms 1s"))
    token = invite(server.admin, fresh())["invitation"]["invite_token"]
    assert has_mail.wait(10)
    with server.expect_log(GIVEN_UP + ".*tries: 451"):
        server.stop()
    assert waiting(server) == 0
    server.start()
    assert wait_for_event(server, token, "mail.failed")["attempts"] == 1


@pytest.mark.database("sqlite")
def test_the_thread_that_sends_ends_last(new_server, make_smtp, tmp_path):
    """mod_watchdog does not wait for it: the process exits meanwhile, and libcrypto
    gives back what is every thread's."""
    library = tmp_path / "slow_thread_exit.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library,
                    pathlib.Path(__file__).with_name("slow_thread_exit.c")], check=True)
    smtp = make_smtp()
    smtp.behave(delay=60)
    server = new_server(extra=mail_lines(smtp), preload=library)
    address = fresh()
    invite(server.admin, address)
    for tries in range(1, 4):
        wait_for(lambda: smtp.tried(address) >= tries,  # pylint: disable=cell-var-from-loop
                 10, "a try")
        # A core dump would fail it.
        server.stop()
        server.start()


# ---- never twice, never not at all ----


@pytest.mark.database("postgresql", "mariadb")
@pytest.mark.parametrize("is_old", [False, True], ids=["", "old"])
def test_claimed_too_late(new_server, make_smtp, is_old):
    """The claim took the database so long that another node may have the mail by the
    time it could be sent. The mail server is not asked, so it can't be the last try."""
    smtp = make_smtp()
    server = new_server(extra=mail_lines(smtp, "UserMgmtMailTimeout 500ms"))
    server.allow_log(LATER)
    for number in range(1, 6):
        smtp.behave(on_rcpt=lambda address: "451 4.3.0 later")
        address = fresh()
        invite(server.admin, address)
        wait_for(lambda: smtp.tried(address),  # pylint: disable=cell-var-from-loop
                 10, "a try")
        smtp.behave()
        if is_old:
            server.sql("UPDATE outgoing_mail SET created_at = 1000")
        # More than the second between two looks and half a second; a lock is waited for 2 s.
        with server.database.held("outgoing_mail"):
            time.sleep(1.8)
        smtp.wait(address)
        wait_for(lambda: waiting(server) == 0, 10, "it is written down")
        # It may have been held before the first try was written down.
        if "took too long to claim it" in server.log_text():
            break
    assert "took too long to claim it" in server.log_text()
    assert server.sql("SELECT action, COUNT(*) FROM audit_events"
                      " WHERE action LIKE 'mail.%' GROUP BY action") == [("mail.sent", number)]


def test_killed_before_sending(new_server, make_smtp):
    smtp = make_smtp(start=False)
    server = new_server(extra=mail_lines(smtp, "UserMgmtMailTimeout 2"))
    server.allow_log(LATER)
    server.allow_log(UNCLEAN)
    addresses = [fresh() for _ in range(20)]
    for address in addresses:
        invite(server.admin, address)
    server.kill()
    smtp.start()
    server.start()
    for address in addresses:
        smtp.wait(address)
    wait_for(lambda: waiting(server) == 0, 10, "all is written down")
    time.sleep(2)
    assert len(smtp.mails) == len(addresses)


def test_killed_in_the_midst(new_server, make_smtp):
    """A mail that was claimed and not sent is sent once the claim has lapsed."""
    smtp = make_smtp()
    smtp.behave(delay=60)
    server = new_server(extra=mail_lines(smtp, "UserMgmtMailTimeout 2"))
    address = fresh()
    invite(server.admin, address)
    wait_for(lambda: smtp.tried(address), 10, "a try")
    server.kill()
    server.allow_log(UNCLEAN)
    smtp.behave()
    server.start()
    mail = smtp.wait(address)
    assert accepts(server, address, mail.secret)


def test_the_sending_process_is_killed(new_server, make_smtp):
    """Another process takes over."""
    smtp = make_smtp()
    server = new_server(extra=mail_lines(smtp, "UserMgmtMailTimeout 2"), processes=3)
    server.allow_log("AH00051|AH00052")
    addresses = [fresh() for _ in range(3)]
    for address in addresses:
        invite(server.admin, address)
        smtp.wait(address, seconds=40)
        wait_for(lambda: waiting(server) == 0, 10, "it is written down")
        os.kill(server.children()[0], signal.SIGKILL)
        wait_for(lambda: len(server.children()) >= 3, 20, "a new process")
    assert len(smtp.mails) == 3


def test_many_processes_send_once(new_server, make_smtp):
    smtp = make_smtp()
    server = new_server(extra=mail_lines(smtp), processes=4)
    addresses = [fresh() for _ in range(60)]
    in_parallel(6, lambda index: [invite(server.admin, address)
                                  for address in addresses[index::6]])
    for address in addresses:
        smtp.wait(address, seconds=40)
    wait_for(lambda: waiting(server) == 0, 10, "all is written down")
    assert len(smtp.mails) == len(addresses)


def test_two_servers_on_one_database_send_once(new_server, make_smtp):
    smtp = make_smtp()
    smtp.behave(delay=0.02)
    first = new_server(extra=mail_lines(smtp))
    second = new_server(extra=mail_lines(smtp), database=first.database)
    addresses = [fresh() for _ in range(40)]
    for number, address in enumerate(addresses):
        invite((first, second)[number % 2].admin, address)
    for address in addresses:
        smtp.wait(address, seconds=40)
    wait_for(lambda: waiting(first) == 0, 10, "all is written down")
    assert len(smtp.mails) == len(addresses)


def test_graceful_restarts(new_server, make_smtp):
    smtp = make_smtp()
    smtp.behave(delay=0.05)
    server = new_server(extra=mail_lines(smtp))
    addresses = [fresh() for _ in range(60)]
    for number, address in enumerate(addresses):
        invite(server.admin, address)
        if number % 20 == 19:
            server.graceful()
    for address in addresses:
        smtp.wait(address, seconds=60)
    wait_for(lambda: waiting(server) == 0, 10, "all is written down")
    assert len(smtp.mails) == len(addresses)


# ---- signing in, encryption ----


def password_file(server, text="open sesame\n", mode=0o600):
    path = server.directory / "conf/mail-password"
    path.write_text(text)
    path.chmod(mode)
    return path


AUTH = 'UserMgmtMailUser mailer\nUserMgmtMailPasswordFile "@DIR@/conf/mail-password"'


@pytest.mark.database("sqlite")
def test_sign_in(new_server, make_smtp):
    smtp = make_smtp(authenticator=one_account("mailer", "open sesame"), auth_required=True,
                     auth_require_tls=False)
    server = new_server(start=False, extra=mail_lines(smtp, AUTH))
    password_file(server)
    server.start()
    address = fresh()
    invite(server.admin, address)
    smtp.wait(address)
    assert "open sesame" not in server.log_text()


@pytest.mark.database("sqlite")
def test_wrong_password_can_be_mended(new_server, make_smtp):
    smtp = make_smtp(authenticator=one_account("mailer", "open sesame"), auth_required=True,
                     auth_require_tls=False)
    server = new_server(start=False, extra=mail_lines(smtp, AUTH))
    password_file(server, "wrong")
    server.start()
    address = fresh()
    with server.expect_log(LATER + ".*535"):
        invite(server.admin, address)
    password_file(server)
    server.graceful()
    smtp.wait(address)
    assert "wrong" not in server.log_text()


@pytest.mark.database("sqlite")
def test_not_signed_in_at_a_server_that_asks(new_server, make_smtp):
    smtp = make_smtp(authenticator=one_account("mailer", "open sesame"), auth_required=True,
                     auth_require_tls=False)
    server = new_server(extra=mail_lines(smtp))
    with server.expect_log(LATER + ".*530"):
        invite(server.admin, fresh())
    assert waiting(server) == 1


@pytest.mark.database("sqlite")
def test_start_tls(new_server, make_smtp, live):
    crt, key = certificate(live.new_directory())
    smtp = make_smtp(tls_context=tls_context(crt, key), require_starttls=True)
    server = new_server(extra=mail_lines(
        smtp, f'UserMgmtMailStartTLS On\nUserMgmtMailCAFile "{crt}"'))
    address = fresh()
    invite(server.admin, address)
    smtp.wait(address)


@pytest.mark.database("sqlite")
def test_smtps(new_server, make_smtp, live):
    crt, key = certificate(live.new_directory())
    smtp = make_smtp(ssl_context=tls_context(crt, key))
    server = new_server(extra=mail_lines(smtp, f'UserMgmtMailCAFile "{crt}"'))
    address = fresh()
    invite(server.admin, address)
    smtp.wait(address)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("tls", ["On", "Optional"])
def test_a_certificate_of_strangers_is_not_trusted(new_server, make_smtp, live, tls):
    crt, key = certificate(live.new_directory())
    other, _ = certificate(live.new_directory())
    smtp = make_smtp(tls_context=tls_context(crt, key))
    for trust in ("", f'UserMgmtMailCAFile "{other}"'):
        server = new_server(extra=mail_lines(smtp, f"UserMgmtMailStartTLS {tls}\n{trust}"))
        with server.expect_log(LATER + ".*certificate"):
            invite(server.admin, fresh())
        server.stop()
    assert not smtp.tries


@pytest.mark.database("sqlite")
def test_tls_that_is_asked_for_and_not_offered(new_server, make_smtp):
    smtp = make_smtp()
    server = new_server(extra=mail_lines(smtp, "UserMgmtMailStartTLS On"))
    with server.expect_log(LATER + ".*(STARTTLS|SSL)"):
        invite(server.admin, fresh())
    assert not smtp.tries
    optional = new_server(extra=mail_lines(smtp, "UserMgmtMailStartTLS Optional"))
    address = fresh()
    invite(optional.admin, address)
    smtp.wait(address)


# ---- configuration ----


def test_without_a_server_nothing_waits(new_server):
    for extra in ("", "UserMgmtMailServer none", "UserMgmtMailFrom users@example.com"):
        server = new_server(extra=extra)
        answer = invite(server.admin, fresh())
        assert answer["accept_token"]
        assert waiting(server) == 0
        server.stop()


GOOD = "UserMgmtMailServer smtp://127.0.0.1:25\nUserMgmtMailFrom users@example.com\n"


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("lines, said", [
    ("UserMgmtMailServer http://example.com", "smtp://mail"),
    ("UserMgmtMailServer smtp://user:pw@example.com", "smtp://mail"),
    ("UserMgmtMailServer smtp://example.com/path", "smtp://mail"),
    ("UserMgmtMailServer mail.example.com", "smtp://mail"),
    ("UserMgmtMailServer smtp://", "smtp://mail"),
    ("UserMgmtMailServer smtp://exa%0d%0ample.com", "smtp://mail"),
    ("UserMgmtMailServer smtp://mail.example.com", "needs UserMgmtMailFrom"),
    ("UserMgmtMailHelo localhost", '"localhost" is neither a full domain'),
    ("UserMgmtMailHelo mail", "neither a full domain"),
    ("UserMgmtMailHelo 192.0.2.1", "neither a full domain"),
    ("UserMgmtMailHelo [::1]", "neither a full domain"),
    ('UserMgmtMailHelo "a.b c"', "neither a full domain"),
    ("UserMgmtMailFrom nobody", "email address"),
    ('UserMgmtMailFrom "a b@example.com"', "email address"),
    (GOOD + "UserMgmtMailUser x", "need each other"),
    ("UserMgmtMailPasswordFile /nonexistent", "can't read /nonexistent"),
    ("UserMgmtMailStartTLS Perhaps", "neither On, Off nor Optional"),
    ("UserMgmtMailCAFile /nonexistent", "no file"),
    ("UserMgmtMailTimeout 0", "no time"),
    ("UserMgmtMailTimeout 2h", "no time"),
    ("UserMgmtMailRetry never", '"never" is no time from 1ms to 30d; units are ms, s'),
    ("UserMgmtMailRetry 10 0", '"0" is no time from 1ms to 30d'),
])
def test_bad_directives(new_server, lines, said):
    new_server(start=False, extra=lines).expect_config_error(said)


@pytest.mark.database("sqlite")
def test_password_file(new_server):
    server = new_server(start=False, extra=GOOD + AUTH)
    for text, mode, said in [("secret", 0o644, "everybody may read"), ("", 0o600, "one line"),
                             ("a\nb\n", 0o600, "one line"), ("x" * 2000, 0o600, "no text of"),
                             ("a\0b", 0o600, "no text of")]:
        password_file(server, text, mode)
        server.expect_config_error(said)
    password_file(server, "secret\r\n", 0o640)
    assert server.configtest()[0] == 0
    server.extra += "\nUserMgmtMailStartTLS Optional"
    server.expect_config_error("Optional")


TEMPLATE = """# A comment.
[subject]
$${x} ${organization}: ${email}
[text]
${if accept_link}
link ${accept_link} ${accept_token}
${else}
no link: ${accept_token}
${end}
by ${inviter} ${inviter_email} until ${expires_at}
[html]
<p title="${organization}">${if accept_link}<a href="${accept_link}">x</a>${end}${accept_token}</p>
"""


def template_file(server, text):
    path = server.directory / "conf/mail"
    path.write_text(text)
    return path


@pytest.mark.database("sqlite")
def test_template(new_server, make_smtp):
    smtp = make_smtp()
    server = new_server(start=False, extra=mail_lines(
        smtp, 'UserMgmtMailTemplate "@DIR@/conf/mail"'))
    template_file(server, TEMPLATE)
    server.start()
    with_link, without = fresh(), fresh()
    invite(server.admin, with_link, platform_link="https://p.example.com/?a=1&b=2")
    invite(server.admin, without)
    mail = smtp.wait(with_link)
    token = mail.secret
    assert mail["Subject"] == "${x} default: " + with_link
    link = f"https://p.example.com/?a=1&b=2&accept_token={token}"
    lines = mail.part("plain").replace("\r\n", "\n").splitlines()
    assert lines[0] == f"link {link} {token}"
    assert re.fullmatch(rf"by {ADMIN} {ADMIN} until \d{{4}}-\d\d-\d\d \d\d:\d\d UTC", lines[1])
    assert f'<a href="{link.replace("&", "&amp;")}">x</a>' in mail.part("html")
    assert smtp.wait(without).part("plain").startswith("no link: ")


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("old, new, said", [
    ("${organization}:", "${organisation}:", "line 3: unknown placeholder organisation"),
    ("${end}\nby", "by", r"line 5: \$\{if\} without \$\{end\}"),
    ("${else}", "${end}", r"line 9: there is no \$\{if\} before end"),
    ("[html]", "[HTML]", r"\[html\] is missing"),
    ("[html]", "[text]", r"line 11: \[text\] comes twice"),
    ("# A comment.", "A comment.", "line 1: before"),
    ("${inviter}", "${inviter", "line 10: a placeholder without }"),
    ("[subject]\n", "[subject]\none\n", "line 3: the subject has more than one line"),
    ("${end}${accept_token}", "${end}", r"line 12: \$\{accept_token\} is missing in html"),
])
def test_bad_template(new_server, old, new, said):
    server = new_server(start=False, extra='UserMgmtMailTemplate "@DIR@/conf/mail"')
    template_file(server, TEMPLATE.replace(old, new, 1))
    server.expect_config_error(said)


# ---- several virtual hosts ----


SECTION = """
    Listen 127.0.0.1:{port}
    <VirtualHost 127.0.0.1:{port}>
        {lines}
        {directives}
    </VirtualHost>"""


def add_virtual_host(server, live, lines, database=None):
    """One with these lines, on a database of its own or that one; gives its port."""
    port = live.ports.take()
    if database is None:
        database = live.new_database(server.directory)
        database.make()
    server.extra += SECTION.format(port=port, lines=lines, directives=database.directives())
    return port


def test_virtual_hosts(new_server, make_smtp, live):
    """One sends through another server, one sends none."""
    smtp, other = make_smtp(), make_smtp()
    server = new_server(start=False, extra=mail_lines(smtp))
    ports = [add_virtual_host(server, live, line) for line in
             (f"UserMgmtMailServer {other.url}", "UserMgmtMailServer none")]
    server.start()
    addresses = [fresh() for _ in range(3)]
    for port, address in zip([server.port, *ports], addresses):
        invite(server.client(ADMIN, port=port), address)
    smtp.wait(addresses[0])
    other.wait(addresses[1])
    assert len(smtp.mails) == len(other.mails) == 1


class Silent:
    """A mail server that lets one connect and says nothing."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "smtp://127.0.0.1:%d" % self.socket.getsockname()[1]
        return self

    def __exit__(self, *exception):
        self.socket.close()


def test_a_silent_mail_server_delays_no_other_virtual_host(new_server, make_smtp, live):
    smtp = make_smtp()
    with Silent() as silent:
        server = new_server(start=False, extra=mail_lines(silent, "UserMgmtMailTimeout 15"))
        port = add_virtual_host(server, live, f"UserMgmtMailServer {smtp.url}")
        server.start()
        server.allow_log(LATER)
        for _ in range(3):
            invite(server.admin, fresh())
        # The mail server above is waited for by now.
        time.sleep(2)
        for _ in range(3):
            address = fresh()
            started = time.monotonic()
            invite(server.client(ADMIN, port=port), address)
            smtp.wait(address)
            assert time.monotonic() - started < 5 * PATIENCE
        server.stop()


@pytest.mark.database("sqlite")
def test_a_mail_server_that_is_away_is_left_alone(new_server, make_smtp):
    """One mail finds out that it is away; the others are not tried meanwhile."""
    smtp = make_smtp(start=False)
    server = new_server(extra=mail_lines(smtp, retry="2s"))
    server.allow_log(LATER)
    addresses = [fresh() for _ in range(10)]
    for address in addresses:
        invite(server.admin, address)
    time.sleep(3)
    tried = server.sql("SELECT SUM(attempts) FROM outgoing_mail")[0][0]
    assert 1 <= tried <= 4
    smtp.start()
    for address in addresses:
        smtp.wait(address)


def make_refusing(make_smtp, where):
    """A mail server that refuses this client, whatever the mail is, and the lines for it."""
    if where == "greeting":
        return Closing(b"421 4.7.0 busy\r\n"), ""
    if where == "AUTH":
        return make_smtp(authenticator=one_account("mailer", "another"), auth_required=True,
                         auth_require_tls=False), AUTH
    if where == "STARTTLS":
        return make_smtp(), "UserMgmtMailStartTLS On"
    smtp = make_smtp()
    answer = "550 5.7.1 not you" if where == "MAIL" else "504 5.5.2 <web>: not this name"
    smtp.behave(**{"on_mail" if where == "MAIL" else "on_rcpt": lambda address: answer})
    return smtp, ""


@pytest.mark.parametrize("where", ["greeting", "STARTTLS", "AUTH", "MAIL", "RCPT"])
def test_a_mail_server_that_refuses_this_client_is_left_alone(new_server, make_smtp, where):
    """The refusal of one mail holds for all, so the others are not tried meanwhile."""
    smtp, lines = make_refusing(make_smtp, where)
    server = new_server(start=False, extra=mail_lines(smtp, lines, retry="2s"))
    password_file(server)
    server.start()
    server.allow_log(LATER)
    for _ in range(10):
        invite(server.admin, fresh())
    time.sleep(3)
    tried = server.sql("SELECT SUM(attempts) FROM outgoing_mail")[0][0]
    assert 1 <= tried <= 4
    server.stop()


@pytest.mark.parametrize("count", [1, 2])
def test_a_recipient_whose_server_refuses_the_sender_delays_no_mail_to_others(new_server, make_smtp,
                                                                              count):
    """The relay passes on that server's answer. It takes other mail, also between two of these."""
    smtp = make_smtp()
    server = new_server(extra=mail_lines(smtp, retry="60s"))
    refused = [fresh() for _ in range(count)]
    smtp.behave(on_rcpt=lambda to: "550 5.1.8 no such sender" if to in refused else "250 fine")
    server.allow_log(LATER)
    for address in refused:
        invite(server.admin, address)
        wait_for(lambda to=address: smtp.tried(to), 20, "it is tried")
        other = fresh()
        invite(server.admin, other)
        smtp.wait(other, seconds=20)
    # The refused ones wait for their own next try.
    wait_for(lambda: server.sql("SELECT attempts FROM outgoing_mail") == [(1,)] * count, 10,
             "only these wait")


def test_a_clock_that_is_set_back_stops_no_new_mail(new_server, make_smtp):
    """The outbox rests for the pause, not for an hour more."""
    smtp = make_smtp(start=False)
    server = new_server(start=False, extra=mail_lines(smtp, retry="2s"))
    signal_file = preload_clock(server)
    server.start()
    server.allow_log(LATER)
    with server.expect_log(LATER):
        invite(server.admin, fresh())
    signal_file.touch()
    smtp.start()
    address = fresh()
    created = invite(server.admin, address)["invitation"]["created_at"]
    smtp.wait(address, seconds=15)
    assert created < time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() - 1800))


@pytest.mark.parametrize("is_away", [True, False], ids=["away", "refused"])
def test_a_clock_that_is_set_back_stops_no_mail_that_waits(new_server, make_smtp, is_away):
    """Its next try is more than an hour ahead then."""
    smtp = make_smtp(start=not is_away)
    if not is_away:
        smtp.behave(on_rcpt=lambda to: "450 4.2.1 busy")
    server = new_server(start=False, extra=mail_lines(smtp, retry="2s"))
    signal_file = preload_clock(server)
    server.start()
    address = fresh()
    with server.expect_log(LATER):
        invite(server.admin, address)
    signal_file.touch()
    if is_away:
        smtp.start()
    else:
        smtp.behave()
    smtp.wait(address, seconds=15)


def test_virtual_hosts_on_one_database(new_server, make_smtp, live):
    """A mail that one of them has queued is sent once, with the same text as from any of
    them."""
    smtp = make_smtp()
    server = new_server(start=False, extra=mail_lines(smtp))
    ports = [server.port] + [add_virtual_host(server, live, "", server.database) for _ in range(3)]
    server.start()
    addresses = [fresh() for _ in ports]
    for port, address in zip(ports, addresses):
        invite(server.client(ADMIN, port=port), address)
    for address in addresses:
        smtp.wait(address)
    time.sleep(1)
    assert len(smtp.mails) == len(addresses)


@pytest.mark.parametrize("line", [
    "UserMgmtMailServer smtp://127.0.0.1:26", "UserMgmtMailHelo a.example.com",
    "UserMgmtMailFrom others@example.com",
    "UserMgmtMailFrom users@example.com Others", "UserMgmtMailTimeout 7", "UserMgmtMailRetry 7",
    "UserMgmtMailStartTLS Optional"])
def test_virtual_hosts_on_one_database_that_differ(new_server, live, line):
    server = new_server(start=False, extra="""
        UserMgmtMailServer smtp://127.0.0.1:25
        UserMgmtMailFrom users@example.com Users""")
    add_virtual_host(server, live, line, server.database)
    server.expect_config_error("UM0066: " + line.split()[0])


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("host, tls", [
    ("127.0.0.1", "Off"), ("[::1]", "Off"), ("localhost", "Off"), ("mail.example.com", "On"),
    ("127.mail.example.com", "On"), ("localhost.example.com", "On")])
def test_mail_is_encrypted_unless_it_stays_on_this_machine(new_server, live, host, tls):
    """One virtual host says what the other has by default."""
    server = new_server(start=False, extra=f"""
        UserMgmtMailServer smtp://{host}:25
        UserMgmtMailFrom users@example.com""")
    add_virtual_host(server, live, f"UserMgmtMailStartTLS {tls}", server.database)
    code, said = server.configtest()
    assert code == 0, said
    server.extra = server.extra.replace(f"StartTLS {tls}",
                                        "StartTLS On" if tls == "Off" else "StartTLS Off")
    server.expect_config_error("UM0066: UserMgmtMailStartTLS")


def statements(server):
    """How many the database's server has run so far."""
    if server.database.kind == "mariadb":
        return int(server.sql("SHOW GLOBAL STATUS LIKE 'Questions'")[0][1])
    return server.sql("SELECT xact_commit + xact_rollback FROM pg_stat_database"
                      " WHERE datname = current_database()")[0][0]


@pytest.mark.database("postgresql", "mariadb")
def test_many_virtual_hosts_leave_an_idle_database_alone(new_server, make_smtp, live):
    """Work that comes again and again is done once for a database, and only where there
    is some."""
    smtp = make_smtp()
    server = new_server(start=False, extra=mail_lines(smtp))
    for _ in range(20):
        add_virtual_host(server, live, "", server.database)
    server.start()
    address = fresh()
    invite(server.admin, address)
    smtp.wait(address)
    # PostgreSQL's processes tell their numbers ten seconds late.
    time.sleep(12)
    before = statements(server)
    time.sleep(6)
    assert statements(server) - before < 15
    # And begins again.
    address = fresh()
    invite(server.admin, address)
    smtp.wait(address, seconds=5)
