# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The organization's status and its history."""

import datetime
import time

import pytest
from usermgmt_env import ADMIN, SUB_ADMIN

MEMBERS = ["session_count", "user_uid", "role", "payment_type", "activities", "organization",
           "user_count", "sub_admin_count", "pending_invitation_count"]
DAY = 86400000


def status(client):
    return client.get("organization-status/").expect(200).json


def add_session(server, number, user_uid, activity, last_used, organization="default"):
    server.sql("INSERT INTO sessions SELECT org_id, ?, ?, ?, 1, ?, 0 FROM organizations"
               " WHERE name = ?", f"session{number}", user_uid, activity, last_used, organization)
    of = "(SELECT org_id FROM organizations WHERE name = ?)"
    known = server.sql(f"SELECT last_used_at FROM activities WHERE activity = ? AND org_id = {of}",
                       activity, organization)
    if not known:
        server.sql("INSERT INTO activities SELECT org_id, ?, ? FROM organizations WHERE name = ?",
                   activity, last_used, organization)
    elif known[0][0] < last_used:
        server.sql(f"UPDATE activities SET last_used_at = ? WHERE activity = ? AND org_id = {of}",
                   last_used, activity, organization)


@pytest.fixture(autouse=True)
def clean(server, admin):
    yield
    server.sql("DELETE FROM sessions")
    server.sql("DELETE FROM activities")
    server.sql("DELETE FROM invitations")
    for user in admin.everyone():
        admin.delete("users/" + user["user_uid"]).expect(200)


def test_all_members(server, admin):
    result = admin.get("organization-status/").expect(200)
    assert list(result.json) == MEMBERS
    uid = result.json["user_uid"]
    assert result.json == {"session_count": 0, "user_uid": uid, "role": "admin",
                           "payment_type": "free", "activities": [], "organization": "default",
                           "user_count": 0, "sub_admin_count": 0, "pending_invitation_count": 0}
    assert len(uid) == 20
    assert result.headers["Cache-Control"] == "no-store" and "ETag" not in result.headers
    other = status(server.sub_admin)
    assert other["role"] == "sub_admin" and other["user_uid"] != uid
    assert {**other, "role": "admin", "user_uid": uid} == result.json


def test_the_last_hundred_activities(server, admin):
    for number in range(150):
        add_session(server, number, "u", f"activity {number:03}", 1000 + number)
    got = status(admin)
    assert got["activities"] == [f"activity {number:03}" for number in range(149, 49, -1)]
    assert got["session_count"] == 150
    add_session(server, 150, "u", "activity 000", 5000)
    got = status(admin)["activities"]
    assert len(got) == 100 and got[:2] == ["activity 000", "activity 149"]


def test_a_hundred_of_the_activities_that_were_used_at_the_same_time(server, admin):
    for number in reversed(range(110)):
        add_session(server, number, "u", f"activity {number:03}", 1000)
    add_session(server, 110, "u", "earlier", 999)
    assert status(admin)["activities"] == [f"activity {number:03}" for number in range(100)]


def test_it_follows_the_users(server, admin):
    users = [admin.create(f"u{number}@status.example.com") for number in range(7)]
    for user in users[:3]:
        admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    got = status(admin)
    assert (got["user_count"], got["sub_admin_count"]) == (7, 3)
    admin.delete("users/" + users[0]["user_uid"]).expect(200)
    admin.delete("sub-admins/" + users[1]["user_uid"]).expect(200)
    admin.delete("users/" + users[6]["user_uid"]).expect(200)
    got = status(server.sub_admin)
    assert (got["user_count"], got["sub_admin_count"]) == (5, 1)


def test_sessions_and_activities(server, admin):
    uid = admin.create("runner@status.example.com")["user_uid"]
    for number, (activity, used) in enumerate([("running", 100), ("cycling", 300),
                                               ("running", 400), ("röwing", 200),
                                               ("abc", 300), ("cycling", 10)]):
        add_session(server, number, uid, activity, used)
    got = status(admin)
    assert got["session_count"] == 6
    # By last use, the latest first; each once.
    assert got["activities"] == ["running", "abc", "cycling", "röwing"]
    server.sql("DELETE FROM sessions WHERE activity = 'running'")
    assert status(admin)["session_count"] == 4
    add_session(server, 6, uid, "röwing", 500)
    got = status(admin)
    assert got["session_count"] == 5
    assert got["activities"] == ["röwing", "running", "abc", "cycling"]


def test_payment_type(server, admin):
    for kind in ("paid \"1\"", "free"):
        server.sql("UPDATE organizations SET payment_type = ? WHERE name = 'default'", kind)
        assert status(admin)["payment_type"] == kind


def test_pending_invitations_are_those_that_have_time_left(server, admin):
    now = int(time.time() * 1000)
    for number, (state, expires) in enumerate([
            ("pending", now + 60000), ("pending", now + 600000), ("pending", now - 1000),
            ("accepted", now + 60000), ("revoked", now + 60000)]):
        server.sql("INSERT INTO invitations (org_id, invite_token, email, email_key, status,"
                   " inviter_uid, inviter_email, created_at, expires_at, accepted_at)"
                   " SELECT org_id, ?, ?, ?, ?, 'x', 'x', 1, ?, ?"
                   " FROM organizations WHERE name = 'default'",
                   f"token{number}", f"a{number}@b.co", f"a{number}@b.co", state, expires,
                   2 if state == "accepted" else None)
    assert status(admin)["pending_invitation_count"] == 2


def test_organizations_do_not_see_each_other_s(server, admin):
    server.sql("INSERT INTO organizations (name, created_at) VALUES ('other', 0)")
    add_session(server, 1, "x", "theirs", 5, "other")
    got = status(admin)
    assert got["session_count"] == 0 and got["activities"] == []


def test_no_parameters_and_no_slash(admin):
    admin.get("organization-status/", query={"x": "1"}).expect_faults(("x", "unknown_parameter"))
    assert admin.get("organization-status").expect(200).json == status(admin)


@pytest.mark.parametrize("login", [ADMIN, SUB_ADMIN])
def test_reading_it_is_no_change(server, login):
    status(server.client(login))
    before = server.sql("SELECT COUNT(*) FROM audit_events")
    status(server.client(login))
    assert server.sql("SELECT COUNT(*) FROM audit_events") == before


# ---- the history ----


def history(client, **query):
    return client.get("organization-status/history", query=query).expect(200).json["days"]


def begin_of(day):
    """Milliseconds since 1970."""
    return int(datetime.datetime.fromisoformat(day["date"] + "T00:00Z").timestamp() * 1000)


def counts(days):
    return [(day["users_created"], day["sessions_started"]) for day in days]


def test_a_history_without_anything(admin):
    result = admin.get("organization-status/history/").expect(200)
    assert result.headers["Cache-Control"] == "no-store" and "ETag" not in result.headers
    days = result.json["days"]
    assert all(list(day) == ["date", "users_created", "sessions_started"] for day in days)
    assert counts(days) == [(0, 0)] * 30
    first = begin_of(days[0])
    assert [begin_of(day) for day in days] == [first + number * DAY for number in range(30)]
    # Today is the last one.
    assert 0 <= time.time() * 1000 - begin_of(days[-1]) < DAY + 60000


@pytest.mark.parametrize("days", [1, 2, 7, 31, 366])
def test_a_history_of_some_days(admin, days):
    admin.create("new@status.example.com")
    found = history(admin, days=days)
    assert len(found) == days
    assert sum(users for users, _ in counts(found)) == 1
    assert found[-2 if days > 1 else -1:] == history(admin, days=min(days, 2))


def test_days_begin_at_midnight_in_utc(server, admin):
    """To the millisecond, and the row of today's last moment is none of tomorrow."""
    users = [admin.create(f"u{number}@status.example.com")["user_uid"] for number in range(8)]
    last = begin_of(history(admin, days=1)[0])
    first = last - 2 * DAY
    moments = [first - 1, first, first + DAY - 1, first + DAY, last - 1, last, last + DAY - 1,
               last + DAY]
    for number, (uid, moment) in enumerate(zip(users, moments)):
        server.sql("UPDATE users SET created_at = ? WHERE user_uid = ?", moment, uid)
        add_session(server, number, uid, "running", last + 2 * DAY)
        server.sql("UPDATE sessions SET started_at = ? WHERE session_uid = ?", moment,
                   f"session{number}")
    expected = [(2, 2)] * 3
    found = history(admin, days=3)
    if begin_of(found[-1]) > last:
        # It is tomorrow meanwhile.
        expected = [(2, 2), (2, 2), (1, 1)]
    assert counts(found) == expected
    assert counts(history(server.sub_admin, days=3)) == expected


def test_a_history_counts_what_is_still_there(server, admin):
    users = [admin.create(f"u{number}@status.example.com")["user_uid"] for number in range(3)]
    for number, uid in enumerate(users):
        admin.post("sessions/", {"user_uid": uid, "activity": f"a{number}"}).expect(201)
    assert [sum(each) for each in zip(*counts(history(admin, days=2)))] == [3, 3]
    admin.delete("users/" + users[0]).expect(200)
    # The sessions of a user who is gone stay.
    assert [sum(each) for each in zip(*counts(history(admin, days=2)))] == [2, 3]
    server.sql("DELETE FROM sessions WHERE activity = 'a1'")
    assert [sum(each) for each in zip(*counts(history(admin, days=2)))] == [2, 2]


def test_the_history_of_another_organization(server, admin):
    server.sql("INSERT INTO organizations (name, created_at) SELECT 'history', 0"
               " WHERE NOT EXISTS (SELECT 1 FROM organizations WHERE name = 'history')")
    add_session(server, 1, "x", "theirs", 5, "history")
    server.sql("UPDATE sessions SET started_at = ?, last_used_at = ? WHERE session_uid = ?",
               *[int(time.time() * 1000)] * 2, "session1")
    assert counts(history(admin, days=2)) == [(0, 0)] * 2


@pytest.mark.parametrize("days", ["0", "367", "-1", "+7", "1.5", "", "seven", "7 ", "9" * 30])
def test_bad_days(admin, days):
    admin.get("organization-status/history", query={"days": days}) \
        .expect_faults(("days", "invalid_value"))


def test_parameters_of_the_history(admin):
    admin.get("organization-status/history?days=1&x=1").expect_faults(("x", "unknown_parameter"))
    admin.get("organization-status/history?days=1&days=1") \
        .expect_faults(("days", "duplicate_parameter"))
    admin.get("organization-status/nothing").expect_problem(404, "not_found")
