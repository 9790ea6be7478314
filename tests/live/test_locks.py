# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The locks of changes by sub-admins. A sub-admin's own row is locked for sharing while its
change is made, and the row of the user that is changed is locked for that change alone. No
change may wait without end for the other kind of lock, and no two for each other."""

import itertools
import threading
import time

import pytest
from usermgmt_env import PATIENCE, ConnectionLost, Workers, in_parallel

NUMBERS = itertools.count()
# The requests that sub-admins have under way while an admin makes its change.
FLOOD = 24
# Seconds within which the admin's change is made all the same.
BOUND = 2

WITH_IDENTITY = """
    UserMgmtIdentity %{req:X-Identity}
    UserMgmtSubAdminAllow users:read users:create users:update users:delete sessions:report"""
ROLES = """
    UserMgmtAdmin expr "%{req:X-Identity} == 'admin@example.com'"
    UserMgmtSubAdmin expr "%{req:X-Identity} =~ /^configured/\""""


@pytest.fixture(scope="module")
def server(make_server):
    return make_server(location=WITH_IDENTITY, roles=ROLES)


@pytest.fixture(name="admin")
def admin_fixture(server):
    return server.caller("admin@example.com")


@pytest.fixture(name="no_deadlock")
def no_deadlock_fixture(server):
    """After the test: no change was tried again because two waited for each other."""
    before = len(server.log_text())
    yield
    lines = server.log_text()[before:]
    assert "eadlock" not in lines, lines


def fresh_email(name="l"):
    return f"{name}{next(NUMBERS)}@locks.example.com"


def make_sub_admin(server, admin):
    """A new sub-admin: its uid, its client."""
    email = fresh_email("sub")
    uid = admin.create(email)["user_uid"]
    admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    return uid, server.caller(email)


class Flood(Workers):
    """Changes of one sub-admin, many at a time, until it may make none."""

    def __init__(self, admin, client, count=FLOOD):
        super().__init__()
        self.client = client
        self.statuses = []
        self.first = threading.Barrier(count + 1)
        targets = [admin.create(fresh_email("target"))["user_uid"] for _ in range(count)]
        self.threads = [threading.Thread(target=self.work, args=(uid,)) for uid in targets]

    def work(self, uid):
        number = 0
        while not self.stop.is_set():
            try:
                status = self.client.put("users/" + uid, {"n": number}).status
            except ConnectionLost:
                status = 0
            self.statuses.append(status)
            if number == 0:
                self.first.wait(60)
            number += 1


@pytest.fixture(name="slow_changes")
def slow_changes_fixture(server):
    """Each update takes some time, as where a standby must have it before it is answered. So
    those of many clients overlap."""
    if server.database.kind != "postgresql":
        yield
        return
    server.sql("CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS"
               " 'BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END'")
    server.sql("CREATE TRIGGER slow BEFORE INSERT ON audit_events FOR EACH ROW"
               " WHEN (NEW.action = 'users.update') EXECUTE FUNCTION be_slow()")
    yield
    server.sql("DROP TRIGGER slow ON audit_events")
    server.sql("DROP FUNCTION be_slow()")


@pytest.fixture(name="slow_accepts")
def slow_accepts_fixture(server):
    """An acceptance of an invitation takes some time after the invitation was marked."""
    if server.database.kind != "postgresql":
        yield
        return
    server.sql("CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS"
               " 'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END'")
    server.sql("CREATE TRIGGER slow BEFORE INSERT ON audit_events FOR EACH ROW"
               " WHEN (NEW.action = 'invitations.accept') EXECUTE FUNCTION be_slow()")
    yield
    server.sql("DROP TRIGGER slow ON audit_events")
    server.sql("DROP FUNCTION be_slow()")


@pytest.mark.usefixtures("slow_changes")
@pytest.mark.parametrize("change", ["dismiss", "suspend", "delete"])
def test_an_admin_gets_through_a_flood(server, admin, change):
    """While a sub-admin makes changes without a pause, an admin's change of that sub-admin
    is made in time."""
    uid, client = make_sub_admin(server, admin)
    with Flood(admin, client) as flood:
        flood.first.wait(60)
        begun = time.monotonic()
        if change == "dismiss":
            result = admin.delete("sub-admins/" + uid)
        elif change == "suspend":
            result = admin.put("users/" + uid, {"active": False})
        else:
            result = admin.delete("users/" + uid)
        took = time.monotonic() - begun
    result.expect(200)
    print(f"{change} took {took:.2f} s, after {len(flood.statuses)} changes")
    assert took < BOUND * PATIENCE
    assert set(flood.statuses) <= {200, 403}


@pytest.mark.usefixtures("no_deadlock")
def test_a_sub_admin_that_changes_itself(server, admin):
    """All its requests are refused, however many there are at a time."""
    for role in ("stored", "configured"):
        if role == "stored":
            uid, client = make_sub_admin(server, admin)
        else:
            email = fresh_email("configured")
            uid, client = admin.create(email)["user_uid"], server.caller(email)
        begun = time.monotonic()
        for _ in range(4):
            results = in_parallel(FLOOD, lambda index, uid=uid, client=client: (
                client.delete("users/" + uid) if index % 4 == 0
                else client.put("users/" + uid, {"n": index})))
            for result in results:
                result.expect_problem(403, "protected_user")
        assert time.monotonic() - begun < 2 * BOUND * PATIENCE


@pytest.mark.usefixtures("no_deadlock")
def test_sub_admins_that_change_each_other(server, admin):
    """All are refused."""
    (one, first), (two, second) = make_sub_admin(server, admin), make_sub_admin(server, admin)
    for _ in range(4):
        results = in_parallel(FLOOD, lambda index: (
            first.put("users/" + two, {"n": index}) if index % 2
            else second.put("users/" + one, {"n": index})))
        for result in results:
            result.expect_problem(403, "protected_user")


@pytest.mark.usefixtures("no_deadlock")
def test_sessions_that_sub_admins_report_of_themselves(server, admin):
    """All are stored."""
    (one, first), (two, second) = make_sub_admin(server, admin), make_sub_admin(server, admin)
    for _ in range(4):
        results = in_parallel(FLOOD, lambda index: (first, second)[index % 2].post(
            "sessions/", {"user_uid": (one, two)[index // 2 % 2], "activity": "Running"}))
        for result in results:
            result.expect(201)


@pytest.mark.usefixtures("no_deadlock", "slow_accepts")
def test_an_invitation_while_another_is_accepted(server, admin):
    """An admin invites a user again while the user accepts an invitation."""
    for number in range(12):
        email = fresh_email("invited")
        admin.create(email)
        secret = admin.post("invitations/", {"email": email}).expect(201).json["accept_token"]
        invited = server.caller(email)

        def change(index, email=email, secret=secret, invited=invited, number=number):
            if index == 0:
                return invited.post("invitations/accept", {"accept_token": secret})
            time.sleep(0.01 * (number % 3))
            return admin.post("invitations/", {"email": email})

        accepted, *others = in_parallel(5, change)
        accepted.expect(200)
        for result in others:
            assert result.json["code"] in ("invitation_exists", "already_sub_admin")


@pytest.mark.usefixtures("no_deadlock", "slow_accepts")
@pytest.mark.parametrize("is_user", [True, False])
def test_an_invitation_that_is_sent_again_while_it_is_accepted(server, admin, is_user):
    """An acceptance that comes first prevents that the invitation is sent again. Otherwise its
    secret is not valid any more."""
    for number in range(12):
        email = fresh_email("invited")
        if is_user:
            admin.create(email)
        made = admin.post("invitations/", {"email": email}).expect(201).json
        invited = server.caller(email)

        def change(index, made=made, invited=invited, number=number):
            if index == 0:
                time.sleep(0.01 * (number % 3))
                return invited.post("invitations/accept",
                                    {"accept_token": made["accept_token"]})
            if index == 1:
                return admin.post("invitations/", {"email": made["invitation"]["email"]})
            return admin.post("invitations/resend",
                              {"invite_token": made["invitation"]["invite_token"]})

        accepted, invitation, *sent = in_parallel(5, change)
        # Without a user there is nothing to lock, so a new invitation may come after the
        # acceptance.
        assert invitation.status == 409 or not is_user
        if accepted.status == 404:
            accepted.expect_problem(404, "invitation_not_found")
            assert {result.status for result in sent} == {200}
        else:
            accepted.expect(200)
            for result in sent:
                result.expect_problem(409, "invitation_accepted")
