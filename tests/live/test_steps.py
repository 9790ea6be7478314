# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A connection to the database is lost at every single message of every kind of
change: the change is made once, with all that belongs to it, or not at all."""

import collections
import contextlib
import itertools
import json
import os
import re
import socket
import threading
import time

import databases
import pytest
from test_durability import check_database
from test_faults import LOST, check_counts
from test_mail import mail_lines, make_smtp, waiting  # pylint: disable=unused-import
from test_usermgmtctl import DatabaseOf
from usermgmt_env import key_digest, wait_for

pytestmark = pytest.mark.database("postgresql", "mariadb")


class Pair:
    """A connection of httpd's and the one to the database that goes with it."""

    def __init__(self, client, server):
        self.client = client
        self.server = server
        self.is_cut = False

    def close(self):
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Between httpd and the database server: passes on what both send, in bursts,
    and at a chosen burst from httpd ends the connection.

    before  the server never gets the burst
    after   the server does what it says, and httpd never gets the answer; meanwhile
            is called while it waits for it
    early   the same, but httpd does not wait for the answer
    killed  the server is told to end the connection, and then gets the burst
    """

    def __init__(self, path, database, how):
        self.database = database
        self.how = how
        self.countdown = None
        self.more = iter(())
        self.marker = b""
        self.meanwhile = lambda: None
        # Bursts from httpd that have come, and those at which a connection was ended.
        self.count = 0
        self.breaks = 0
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        os.chmod(path, 0o777)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def break_at(self, burst, more=(), marker=""):
        """At that burst, counted from 0 from the first on that has the marker; then at
        more, counted from the one before."""
        with self.lock:
            self.countdown, self.more, self.marker = burst, iter(more), marker.encode()

    def disarm(self):
        """Give whether it came to that."""
        with self.lock:
            came, self.countdown = self.countdown is None, None
        return came

    def close(self):
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.database.engine.socket))
                pair = Pair(client, server)
                for work in (self._from_client, self._from_server):
                    threading.Thread(target=work, args=(pair,), daemon=True).start()

    def _is_it(self, data):
        with self.lock:
            self.count += 1
            if self.countdown is None or self.marker not in data:
                return False
            self.marker = b""
            self.countdown -= 1
            if self.countdown >= 0:
                return False
            self.countdown = next(self.more, None)
            self.breaks += 1
            if self.how == "killed":
                # Who disarms meanwhile waits: it also ends connections of the test's.
                self.database.engine.kill_connections(self.database.name)
            return True

    def _from_client(self, pair):
        with contextlib.suppress(OSError):
            while data := pair.client.recv(1 << 20):
                if self._is_it(data):
                    if self.how == "before":
                        break
                    pair.is_cut = self.how == "after"
                    if self.how == "early":
                        pair.server.sendall(data)
                        break
                pair.server.sendall(data)
        pair.close()

    def _from_server(self, pair):
        with contextlib.suppress(OSError):
            while data := pair.server.recv(1 << 20):
                if pair.is_cut:
                    self.meanwhile()
                    break
                pair.client.sendall(data)
        pair.close()


# Bursts in which two new connections get a change done: requests and mail take turns with
# the one there is. On MariaDB the module looks after its connection whenever it has prepared
# a statement.
OFTEN = 60 if databases.KIND == "mariadb" else 40

SETTINGS = ("reconnect=0", "reconnect=1") if databases.KIND == "mariadb" else ("",)


@pytest.fixture(params=SETTINGS, ids=[setting or "usual" for setting in SETTINGS])
def setting(request):
    return request.param


@pytest.fixture(params=["before", "after", "killed"])
def how(request):
    return request.param


@pytest.fixture
def proxied(new_server, how, setting):
    """Makes a server with one connection through a proxy, and the proxy."""
    made = []

    def make(**options):
        server = new_server(start=False, processes=1, threads=4,
                            pool={"UserMgmtConnections": 1}, **options)
        directory = server.directory / "run"
        proxy = Proxy(directory / server.database.engine.socket.name, server.database, how)
        made.append(proxy)
        original = server.database.directives

        def through_proxy(**pool):
            text = original(**pool).replace(str(server.database.engine.directory), str(directory))
            return text.replace("reconnect=0", setting or "reconnect=0")

        server.database.directives = through_proxy
        server.allow_log(LOST)
        return server.start(), proxy

    yield make
    for proxy in made:
        proxy.close()


# ---- the kinds of change ----
#
# Each prepares what it needs, yields what makes the change, gets what that gave,
# and looks at what is to be seen of it alone. name is another each time.


def create(api, name):
    result = yield lambda: api.admin.post("users/", {"email": name, "display_name": "C"})
    user = result.expect(201).json["userData"]
    assert api.admin.read(user["user_uid"])["email"] == name


def post_with_key(api, name):
    return api.admin.post("users/", {"email": name, "display_name": "C"},
                          headers={"Idempotency-Key": name})


def create_with_a_key(api, name):
    result = yield lambda: post_with_key(api, name)
    assert post_with_key(api, name).raw == result.expect(201).raw


def repeat_with_a_key(api, name):
    first = post_with_key(api, name).expect(201)
    result = yield lambda: post_with_key(api, name)
    assert result.expect(201).raw == first.raw
    assert result.headers["Idempotency-Replayed"] == "true"


def create_what_is_there(api, name):
    api.admin.create(name)
    result = yield lambda: api.admin.post("users/", {"email": name.upper(), "display_name": "C"})
    result.expect_problem(409, "email_exists")


def update(api, name):
    uid = api.admin.create(name)["user_uid"]
    result = yield lambda: api.admin.put("users/" + uid, {"n": 1, "email": "new-" + name})
    result.expect(200)
    assert api.server.sql("SELECT version, email_key FROM users WHERE user_uid = ?", uid) \
        == [(2, "new-" + name)]


def update_if_same(api, name):
    """Of what PostgreSQL changes by one statement: what was read first still holds."""
    user = api.admin.create(name, n=0)
    path = "users/" + user["user_uid"]
    etag = api.admin.get(path).headers["ETag"]
    result = yield lambda: api.admin.ask("PATCH", path, {"n": 1, "phone": "+41 1"},
                                         headers={"If-Match": etag})
    changed = result.expect(200).json["userData"]
    assert changed == api.admin.read(user["user_uid"]) == {
        **user, "n": 1, "phone": "+41 1", "updated_at": changed["updated_at"]}
    assert result.headers["ETag"] == api.admin.get(path).headers["ETag"] != etag


def sub_admin(api, name):
    uid = api.admin.create(name)["user_uid"]
    api.admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    return uid


def post_batch(api, name, **headers):
    users = [{"email": f"{n}-{name}", "display_name": "B", "n": 1} for n in range(4)]
    return api.admin.post("users/batch", {"mode": "upsert", "users": [*users, {"email": "x"}]},
                          headers=headers)


def check_batch(api, name, result):
    """One was there and is changed, three are made, one is refused."""
    answer = result.expect(200).json
    assert answer["summary"] == {"created": 3, "updated": 1, "skipped": 0, "refused": 1}
    for n, row in enumerate(answer["results"][:4]):
        user = api.admin.read(row["user_uid"])
        assert (user["email"], user["n"]) == (f"{n}-{name}", 1)


def batch(api, name):
    api.admin.create("0-" + name)
    result = yield lambda: post_batch(api, name)
    check_batch(api, name, result)


def batch_with_a_key(api, name):
    api.admin.create("0-" + name)
    result = yield lambda: post_batch(api, name, **{"Idempotency-Key": name})
    check_batch(api, name, result)
    assert post_batch(api, name, **{"Idempotency-Key": name}).raw == result.raw


def delete(api, name):
    """Of one who is a sub-admin."""
    uid = sub_admin(api, name)
    result = yield lambda: api.admin.delete("users/" + uid)
    result.expect(200)
    api.admin.get("users/" + uid).expect(404)


def add_sub_admin(api, name):
    api.admin.create(name)
    result = yield lambda: api.admin.post("sub-admins/", {"email": name})
    result.expect(201)


def remove_sub_admin(api, name):
    uid = sub_admin(api, name)
    result = yield lambda: api.admin.delete("sub-admins/" + uid)
    result.expect(200)


def post_invitation(api, name):
    return api.admin.post("invitations/", {"email": name})


def accept(api, name, secret):
    return api.server.client(api.server.add_login(name)).post("invitations/accept",
                                                              {"accept_token": secret})


def invite(api, name):
    """The secret that is told is the one that is stored."""
    result = yield lambda: post_invitation(api, name)
    accept(api, name, result.expect(201).json["accept_token"]).expect(200)


def resend(api, name):
    """The old secret dies with it."""
    old = post_invitation(api, name).expect(201).json
    result = yield lambda: api.admin.post("invitations/resend",
                                          {"invite_token":
                                           old["invitation"]["invite_token"]})
    accept(api, name, old["accept_token"]).expect_problem(404, "invitation_not_found")
    accept(api, name, result.expect(200).json["accept_token"]).expect(200)


def remove_invitation(api, name):
    token = post_invitation(api, name).expect(201).json["invitation"]["invite_token"]
    result = yield lambda: api.admin.delete("invitations/" + token)
    result.expect(200)


def accept_invitation(api, name):
    secret = post_invitation(api, name).expect(201).json["accept_token"]
    result = yield lambda: accept(api, name, secret)
    result.expect(200)
    assert api.admin.everyone(email=name)[0]["role"] == "sub_admin"


def report_session(api, name):
    uid = api.admin.create(name)["user_uid"]
    result = yield lambda: api.admin.post("sessions/", {"user_uid": uid, "activity": name})
    result.expect(201)


def post_key(api, name):
    return api.admin.post("api-keys/", {"name": name, "permissions": ["scim"]})


def secrets(api, name):
    return api.server.sql("SELECT secret_sha256, old_secret_sha256 FROM api_keys WHERE name = ?",
                          name)


def make_key(api, name):
    """The key that is told is the one that is stored."""
    result = yield lambda: post_key(api, name)
    assert secrets(api, name) == [(key_digest(result.expect(201).json["key"]), None)]


def rotate_key(api, name):
    """It is rotated once, so that the old secret still holds."""
    old = post_key(api, name).expect(201).json
    result = yield lambda: api.admin.post(f"api-keys/{old['api_key']['key_id']}/rotate", {})
    assert secrets(api, name) == [(key_digest(result.expect(200).json["key"]),
                                   key_digest(old["key"]))]


def revoke_key(api, name):
    path = "api-keys/" + post_key(api, name).expect(201).json["api_key"]["key_id"]
    result = yield lambda: api.admin.delete(path)
    result.expect(200)
    assert api.admin.get(path).json["api_key"]["status"] == "revoked"


def seen(api, name):
    return api.server.sql("SELECT user_uid, role FROM admins_seen WHERE identity = ?", name)


def come_first(api, name):
    """An admin by configuration gets a uid with the first request."""
    api.server.add_login(name)
    api.server.set_group("admins", [name])
    result = yield lambda: api.server.client(name).get("organization-status/")
    assert seen(api, name) == [(result.expect(200).json["user_uid"], "admin")]


def raise_role(api, name):
    api.server.add_login(name)
    api.server.set_group("helpers", [name])
    uid = api.server.client(name).get("organization-status/").expect(200).json["user_uid"]
    api.server.set_group("admins", [name])
    result = yield lambda: api.server.client(name).get("organization-status/")
    assert result.expect(200).json["role"] == "admin"
    assert seen(api, name) == [(uid, "admin")]


KINDS = [create, create_with_a_key, repeat_with_a_key, create_what_is_there, update,
         update_if_same, batch,
         batch_with_a_key, delete, add_sub_admin, remove_sub_admin, invite, resend,
         remove_invitation, accept_invitation, report_session, make_key, rotate_key, revoke_key,
         come_first, raise_role]
CONTENTS = " UNION ALL ".join(
    [f"SELECT '{table}', COUNT(*) FROM {table}" for table in (
        "users", "sub_admins", "admins_seen", "invitations", "invitation_secrets", "sessions",
        "activities", "idempotency_keys", "api_keys")]
    + [f"SELECT CONCAT('{table} ', {column}), COUNT(*) FROM {table} GROUP BY {column}"
       for table, column in (("audit_events", "action"), ("invitations", "status"),
                             ("admins_seen", "role"))]
    + [f"SELECT 'counted {column}', COALESCE(SUM({column}), 0) FROM organization_counts"
       for column in ("user_count", "sub_admin_count", "session_count")])


class Api:
    """The data that the kinds of changes work on."""

    def __init__(self, server, proxy):
        self.server = server
        self.proxy = proxy
        self.admin = server.admin
        self.connection = server.database.connect()
        # The caller's own row is made with its first request.
        self.admin.create("first@steps.example.com")

    def contents(self):
        """How much there is of everything."""
        for _ in range(2):
            with contextlib.suppress(Exception):
                with contextlib.closing(self.connection.cursor()) as cursor:
                    cursor.execute(CONTENTS)
                    rows = cursor.fetchall()
                return collections.Counter({databases.plain(name): databases.plain(count)
                                            for name, count in rows})
            # It was killed with the others.
            self.connection = self.server.database.connect()
        raise AssertionError("the database is not to be had")

    def run(self, kind, name, burst=None):
        """Make a change, undisturbed or broken at a burst. Gives what it changed,
        and whether it was broken."""
        steps = kind(self, name)
        act = next(steps)
        before = self.contents()
        if burst is not None:
            self.proxy.break_at(burst)
        result = act()
        was_broken = self.proxy.disarm()
        after = self.contents()
        with contextlib.suppress(StopIteration):
            steps.send(result)
        after.subtract(before)
        return {name: count for name, count in after.items() if count}, was_broken


def test_every_change_at_every_message(proxied):
    server, proxy = proxied(
        roles="UserMgmtAdmin user admin@example.com\nUserMgmtAdmin group admins\n"
              "UserMgmtSubAdmin group helpers", location="UserMgmtRoleCacheTTL 0")
    api = Api(server, proxy)
    for kind in KINDS:
        usual, _ = api.run(kind, f"{kind.__name__}@steps.example.com")
        burst = 0
        was_broken = True
        while was_broken:
            name = f"{kind.__name__}{burst}@steps.example.com"
            made, was_broken = api.run(kind, name, burst)
            assert made == usual, f"{kind.__name__}, broken at {burst}"
            burst += 1
            assert burst < 60
        # On PostgreSQL a create is one statement, and an update another, after a read.
        few = create, create_what_is_there, repeat_with_a_key, update_if_same
        assert burst > (2 if kind in few else 4), f"{kind.__name__}: its messages went by"
    check_counts(server)


@pytest.mark.parametrize("setting", SETTINGS[:1])
@pytest.mark.parametrize("how", ["before", "after"])
def test_a_commit_that_nobody_can_tell_of(proxied, how):
    """The database is away for as long as it is asked: the log names the audit event
    that is there if the change is."""
    server, proxy = proxied()
    api = Api(server, proxy)
    first = proxy.count
    api.admin.create("usual@steps.example.com")
    commit = proxy.count - first - 1
    # Should a fold be among what was counted, or come in between, it is another burst.
    for number in range(4):
        email = f"lost{number}@steps.example.com"
        proxy.break_at(commit, itertools.repeat(0))
        result = api.admin.post("users/", {"email": email, "display_name": "L"})
        proxy.disarm()
        result.expect_problem(503, "unavailable")
        assert int(result.headers["Retry-After"]) > 0
        told = re.findall(r"UM0012: .* audit event (\w+) tells", server.log_text())
        check_counts(server)
        if told:
            break
    assert len(told) == 1
    assert "UM0011" not in server.log_text()
    holds = int(how == "after")
    assert server.sql("SELECT COUNT(*) FROM audit_events WHERE event_uid = ?", told[0]) \
        == [(holds,)]
    assert len(api.admin.everyone(email=email)) == holds


def linger(server, event):
    """Have each of these take a second."""
    server.sql(f"""CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$;
                   CREATE TRIGGER linger BEFORE {event} ON users
                   FOR EACH ROW EXECUTE FUNCTION linger()""")


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("how", ["early"])
def test_a_create_that_still_runs_when_its_connection_is_lost(proxied):
    """Its event can't be seen yet, so it runs again, and finds the user that it made."""
    server, proxy = proxied()
    server.admin.create("first@steps.example.com")
    linger(server, "INSERT")
    email = "late@steps.example.com"
    proxy.break_at(0, marker=email)
    user = server.admin.post("users/", {"email": email, "display_name": "L"}) \
        .expect(201).json["userData"]
    assert proxy.disarm()
    assert server.admin.everyone(email=email) == [user]
    assert server.sql("SELECT COUNT(*) FROM audit_events WHERE target = ?",
                      user["user_uid"]) == [(1,)]
    server.admin.post("users/", {"email": email, "display_name": "L"}) \
        .expect_problem(409, "email_exists")
    check_counts(server)


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("how", ["early"])
def test_an_update_that_still_runs_when_its_connection_is_lost(proxied):
    """It runs again, waits, and finds its own change, which is no other's."""
    server, proxy = proxied()
    user = server.admin.create("late@steps.example.com")
    path = "users/" + user["user_uid"]
    etag = server.admin.get(path).headers["ETag"]
    linger(server, "UPDATE")
    proxy.break_at(0, marker="Nobody else")
    result = server.admin.ask("PATCH", path, {"display_name": "Nobody else"},
                              headers={"If-Match": etag}).expect(200)
    assert proxy.disarm()
    found = server.admin.get(path)
    assert result.json["userData"] == found.json["userData"]
    assert found.json["userData"]["display_name"] == "Nobody else"
    assert result.headers["ETag"] == found.headers["ETag"]
    assert server.sql("SELECT COUNT(*) FROM audit_events WHERE target = ?"
                      " AND action = 'users.update'", user["user_uid"]) == [(1,)]


@pytest.mark.database("postgresql")
def test_a_create_that_the_database_refuses(new_server):
    """An error is an answer, so it is not looked for, as for a lost one, in vain for 15 s."""
    server = new_server()
    server.allow_log("UM0001|UM0011")
    server.admin.create("first@steps.example.com")
    server.stop()
    server.sql(f"ALTER DATABASE {server.database.name} SET default_transaction_read_only = on")
    server.start()
    start = time.monotonic()
    server.admin.post("users/", {"email": "never@steps.example.com", "display_name": "N"}) \
        .expect_problem(503, "unavailable")
    assert time.monotonic() - start < 10
    assert "UM0011" in server.log_text() and "UM0012" not in server.log_text()


def test_mail_that_waits_for_its_change(proxied, make_smtp):
    """A mail goes out for each invitation, whatever was broken, and accepts."""
    smtp = make_smtp()
    server, proxy = proxied(extra=mail_lines(smtp))
    burst = 0
    was_broken = True
    while was_broken:
        proxy.break_at(burst)
        post_invitation(server, f"mail{burst}@steps.example.com").expect(201)
        was_broken = proxy.disarm()
        burst += 1
    assert burst > 6
    # Now what the sending of many says is broken too, at any place.
    count = burst + max(40, OFTEN // 3)
    proxy.break_at(OFTEN, itertools.cycle(range(OFTEN, OFTEN + 25)))
    for number in range(burst, count):
        post_invitation(server, f"mail{number}@steps.example.com").expect(201)
    broken = proxy.breaks
    wait_for(lambda: len(smtp.mails) >= count, 40, "all mails")
    proxy.disarm()
    # Each of them is some ten bursts.
    assert proxy.breaks - broken > 4
    # A mail that was claimed elsewhere waits for a minute: no claim may be forgotten.
    assert sorted(mail.recipients[0] for mail in smtp.mails) \
        == sorted(f"mail{number}@steps.example.com" for number in range(count))
    api = Api(server, proxy)
    for mail in smtp.mails:
        accept(api, mail.recipients[0], mail.secret).expect(200)
    assert server.sql("SELECT COUNT(*) FROM sub_admins") == [(count,)]


# One message of each kind is enough where the rest is the same for all.
only_lost_answers = pytest.mark.parametrize("how, setting", [("after", SETTINGS[0])])


def post_and_wait(server, smtp, email):
    post_invitation(server, email).expect(201)
    return smtp.wait(email, seconds=40)


def post_and_lose_claim(server, proxy, smtp, prefix, more=(), meanwhile=None):
    """Invite, and lose the answer to the commit of the mail's claim, and what comes
    after it; gives the address. What is done meanwhile is a statement for the
    invite_token. A mail may be claimed before that is known here: then it is another's."""
    def lose_claim_of(email):
        token = post_invitation(server, email).expect(201).json["invitation"]["invite_token"]
        tries = []

        def note():
            tries.append(smtp.tried(email))
            if meanwhile:
                server.sql(meanwhile, token)

        proxy.meanwhile = note
        # The claim itself, the invitation, the secret, the commit.
        proxy.break_at(3, more, token)
        wait_for(lambda: tries or smtp.to(email), 10, "a lost answer")
        # It may also have been of what came after the mail.
        return tries[:1] == [0]

    for number in range(5):
        # After one as usual, all is prepared on the connection.
        post_and_wait(server, smtp, f"before-{prefix}{number}@steps.example.com")
        wait_for(lambda: waiting(server) == 0, 10, "no mail waits")
        email = f"{prefix}{number}@steps.example.com"
        if lose_claim_of(email):
            return email
        proxy.disarm()
    raise AssertionError("each mail was claimed too soon")


@only_lost_answers
def test_a_claim_that_holds_is_known_again(proxied, make_smtp):
    smtp = make_smtp()
    server, proxy = proxied(extra=mail_lines(smtp))
    email = post_and_lose_claim(server, proxy, smtp, "known")
    smtp.wait(email, seconds=10)
    # Two commits in a row; the second is that of the claim which is made anew.
    email = post_and_lose_claim(server, proxy, smtp, "twice", [OFTEN + 5])
    mail = smtp.wait(email, seconds=10)
    proxy.disarm()
    assert len(smtp.to(email)) == 1
    accept(Api(server, proxy), email, mail.secret).expect(200)


@only_lost_answers
def test_a_claim_that_another_took_over(proxied, make_smtp):
    """Until the claim is known again it has lapsed, and another node has the mail: that
    one sends it, and nobody else."""
    smtp = make_smtp()
    server, proxy = proxied(extra=mail_lines(smtp))
    email = post_and_lose_claim(
        server, proxy, smtp, "taken",
        meanwhile="UPDATE outgoing_mail SET attempts = attempts + 1,"
                  " next_attempt_at = next_attempt_at + 60000 WHERE invite_token = ?")
    post_and_wait(server, smtp, "later@steps.example.com")
    assert not smtp.tried(email)
    wait_for(lambda: server.sql("SELECT attempts FROM outgoing_mail") == [(2,)], 10,
             "it alone, claimed by two")


@only_lost_answers
def test_an_invitation_that_ended_before_its_claim_was_known(proxied, make_smtp):
    smtp = make_smtp()
    server, proxy = proxied(extra=mail_lines(smtp))
    email = post_and_lose_claim(
        server, proxy, smtp, "ended",
        meanwhile="UPDATE invitations SET expires_at = 1000 WHERE invite_token = ?")
    wait_for(lambda: waiting(server) == 0, 10, "no mail waits")
    assert not smtp.tried(email)


def count_sent(server):
    return server.sql("SELECT COUNT(*) FROM audit_events WHERE action = 'mail.sent'")[0][0]


@pytest.mark.parametrize("setting", SETTINGS[:1])
@pytest.mark.parametrize("how, error", [("before", "UM0091"), ("after", "UM0012")])
@pytest.mark.parametrize("is_resent", [False, True], ids=["", "resent"])
def test_what_came_of_a_mail_is_audited_once(proxied, make_smtp, how, error, is_resent):
    """The database is away when it is to be written down, before it is or after, which
    can't be found out; it is once the database is back, whoever had the mail since."""
    smtp = make_smtp()
    server, proxy = proxied(extra=mail_lines(smtp))
    post_and_wait(server, smtp, "first@steps.example.com")
    tokens = []

    def lose_database(_):
        # The deletion, the look for the event, the event, the commit.
        proxy.break_at(3 if how == "after" else 0, itertools.repeat(0), tokens[0])
        return "250 2.0.0 taken"

    smtp.behave(on_rcpt=lambda address: "250 fine" if tokens else "451 soon",
                on_data=lose_database)
    server.allow_log("UM0061: ")
    tokens.append(post_invitation(server, "audited@steps.example.com").expect(201)
                  .json["invitation"]["invite_token"])
    wait_for(lambda: error in server.log_text(), 40, "the database is away")
    assert count_sent(server) == 1 + (how == "after")
    smtp.behave()
    if is_resent:
        # By another node: its mail takes the place of this one.
        server.sql("DELETE FROM outgoing_mail")
        server.sql("INSERT INTO outgoing_mail (org_id, invite_token, mail_uid, created_at,"
                   " next_attempt_at) SELECT org_id, invite_token, 'resent', created_at, 0"
                   " FROM invitations WHERE invite_token = ?", tokens[0])
    proxy.disarm()
    wait_for(lambda: server.admin.get("users/").status == 200, 10, "it is back")
    # Written down once more, after which the next mail is looked for.
    post_and_wait(server, smtp, "later@steps.example.com")
    wait_for(lambda: waiting(server) == 0, 10, "no mail waits")
    assert count_sent(server) == len(smtp.mails) == 3 + is_resent


def test_import_at_every_message(proxied):
    """usermgmtctl tries its batch again, and nothing comes twice."""
    server, proxy = proxied()
    # Its looks at the database would be counted among the tool's messages.
    server.stop()
    database = DatabaseOf(server)
    burst = 0
    was_broken = True
    while was_broken:
        lines = "".join(json.dumps({"email": f"i{burst}-{n}@steps.example.com",
                                    "display_name": "I", "role": "sub_admin" if n else "user"})
                        + "\n" for n in range(2))
        proxy.break_at(burst)
        done = database.run("users", "import", "-", "--with-roles", stdin=lines.encode())
        was_broken = proxy.disarm()
        if done.code != 0:
            # What comes before the first batch is not tried again.
            assert burst < 12, f"{done.code} {done.err}"
            done = database.run("users", "import", "-", "--with-roles", "--resume",
                                stdin=lines.encode())
        done.expect(0)
        burst += 1
        assert server.sql("SELECT COUNT(*) FROM users") == [(2 * burst,)]
        assert server.sql("SELECT COUNT(*) FROM audit_events") == [(3 * burst,)]
        assert server.sql("SELECT COUNT(*) FROM sub_admins") == [(burst,)]
        assert server.sql("SELECT SUM(user_count), SUM(sub_admin_count)"
                          " FROM organization_counts") == [(2 * burst, burst)]
    assert burst > 12
    server.start()
    check_database(server)
    check_counts(server)


def test_org_create_at_every_message(proxied):
    """The organization that a commit was to make is no help in finding out whether
    it did."""
    server, proxy = proxied()
    # Its looks at the database would be counted among the tool's messages.
    server.stop()
    database = DatabaseOf(server)
    burst = 0
    was_broken = True
    while was_broken:
        name = f"org{burst}"
        proxy.break_at(burst)
        done = database.run("org", "create", name)
        was_broken = proxy.disarm()
        if done.code != 0:
            # What comes before the change is not tried again.
            assert burst < 12, f"{done.code} {done.err}"
            assert server.sql("SELECT 1 FROM organizations WHERE name = ?", name) == []
            done = database.run("org", "create", name)
        done.expect(0)
        burst += 1
        assert server.sql("SELECT COUNT(*) FROM organizations") == [(1 + burst,)]
        assert server.sql("SELECT COUNT(*) FROM audit_events WHERE action = 'organizations.create'") \
            == [(burst,)]
    assert burst > 12
    server.start()
    check_counts(server)
