# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A sub-admin who changes a user while that user gets a role: whoever comes second
sees what the first has done, so that no sub-admin makes, changes or deletes another."""

import itertools

import pytest
from usermgmt_env import in_parallel

ROUNDS = 200
NUMBERS = itertools.count()

WITH_IDENTITY = """
    UserMgmtIdentity %{req:X-Identity}
    UserMgmtSubAdminAllow users:read users:create users:update users:delete"""
ROLES = """
    UserMgmtAdmin expr "%{req:X-Identity} == 'admin@example.com'"
    UserMgmtSubAdmin expr "%{req:X-Identity} == 'sub@example.com'\""""


@pytest.fixture(scope="module")
def server(make_server):
    return make_server(location=WITH_IDENTITY, roles=ROLES)


@pytest.fixture(name="admin")
def admin_fixture(server):
    return server.caller("admin@example.com")


@pytest.fixture(name="sub_admin")
def sub_admin_fixture(server):
    return server.caller("sub@example.com")


def fresh_email(name="r"):
    return f"{name}{next(NUMBERS)}@role-races.example.com"


def sub_admins(server):
    """The sub-admins in the database: uid → email."""
    return dict(server.sql("SELECT s.user_uid, u.email FROM sub_admins s JOIN users u"
                           " ON u.org_id = s.org_id AND u.user_uid = s.user_uid"))


def race(*functions):
    """Call them at once; gives what they returned."""
    return in_parallel(len(functions), lambda index: functions[index]())


def to_and_fro(client, uid, there, back):
    """Give a user an address and the one that it had, over and over, as often as that
    is allowed."""
    for _ in range(3):
        if client.put("users/" + uid, {"email": there}).status == 200:
            client.put("users/" + uid, {"email": back})


def test_the_address_that_is_appointed(server, admin, sub_admin):
    """A user whom an admin appoints by an address has that address, also after a sub-admin has
    tried to pass it on to another user."""
    appointed = 0
    for _ in range(ROUNDS):
        wanted, other = fresh_email("wanted"), fresh_email("other")
        uid = admin.create(other)["user_uid"]

        def appoint(wanted=wanted):
            for _ in range(3):
                if admin.post("sub-admins/", {"email": wanted}).status == 201:
                    return True
            return False

        made, _ = race(appoint, lambda uid=uid, wanted=wanted, other=other: to_and_fro(
            sub_admin, uid, wanted, other))
        holders = sub_admins(server)
        assert (uid in holders) == made
        if made:
            appointed += 1
            assert holders[uid] == wanted
    assert appointed > 0


def test_the_address_that_accepts(server, admin, sub_admin):
    """The user who accepts an invitation becomes a sub-admin, and no user who had that address
    before or gets it after."""
    for _ in range(ROUNDS):
        wanted, other = fresh_email("invited"), fresh_email("other")
        uid = admin.create(other)["user_uid"]
        token = admin.post("invitations/", {"email": wanted}).expect(201).json["accept_token"]
        owner = server.caller(wanted)
        result, _ = race(
            lambda owner=owner, token=token: owner.post("invitations/accept",
                                                        {"accept_token": token}, fresh=True),
            lambda uid=uid, wanted=wanted, other=other: to_and_fro(sub_admin, uid, wanted, other))
        result.expect(200)
        holders = [holder for holder, email in sub_admins(server).items()
                   if email in (wanted, other)]
        assert len(holders) == 1
        assert sub_admins(server)[holders[0]] == wanted


def test_an_update_of_one_who_is_appointed(server, admin, sub_admin):
    """It comes before the appointment, or is refused."""
    for _ in range(ROUNDS):
        uid = admin.create(fresh_email(), "Before")["user_uid"]
        appointed, updated = race(
            lambda uid=uid: admin.post("sub-admins/", {"user_uid": uid}),
            lambda uid=uid: sub_admin.put("users/" + uid, {"display_name": "After"}))
        appointed.expect(201)
        assert updated.status in (200, 403), updated
        name = server.sql("SELECT display_name FROM users WHERE user_uid = ?", uid)
        # The appointment tells the name that it found.
        assert name == [(appointed.json["sub_admin"]["display_name"],)]
        assert (updated.status == 200) == (name == [("After",)])


def test_a_deletion_of_one_who_is_appointed(admin, sub_admin):
    """One of the two is done."""
    for _ in range(ROUNDS):
        uid = admin.create(fresh_email())["user_uid"]
        appointed, deleted = race(
            lambda uid=uid: admin.post("sub-admins/", {"user_uid": uid}),
            lambda uid=uid: sub_admin.delete("users/" + uid))
        assert (appointed.status, deleted.status) in ((201, 403), (404, 200)), (appointed, deleted)
