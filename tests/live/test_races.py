# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Many at once: one wins, nothing is lost, the counts are right."""

import itertools
import random
import threading

import pytest
from usermgmt_env import ConnectionLost, in_parallel

NUMBERS = itertools.count()


def fresh_email():
    return f"r{next(NUMBERS)}@races.example.com"


@pytest.fixture(autouse=True)
def counts_are_right(server):
    """After each test the kept counts are what counting gives."""
    yield
    rows = server.sql("""
        SELECT SUM(c.user_count), (SELECT COUNT(*) FROM users u WHERE u.org_id = c.org_id),
               SUM(c.sub_admin_count),
               (SELECT COUNT(*) FROM sub_admins s WHERE s.org_id = c.org_id)
        FROM organization_counts c GROUP BY c.org_id""")
    for kept_users, users, kept_sub_admins, sub_admins in rows:
        assert kept_users == users and kept_sub_admins == sub_admins
    status = server.admin.get("organization-status/").expect(200).json
    assert status["user_count"] == server.admin.get("users/").json["query_count"]
    assert status["user_count"] == len(server.admin.everyone())
    server.database.check()


def test_equal_creates_make_one_user(server):
    client = server.admin
    body = {"email": fresh_email(), "display_name": "One"}
    spellings = [body["email"], body["email"].upper(), body["email"].title()]
    results = in_parallel(60, lambda index: client.post(
        "users/", {**body, "email": spellings[index % 3]}, fresh=True))
    assert sorted(result.status for result in results) == [201] + [409] * 59
    assert server.admin.get("users/", query={"email": body["email"]}).json["query_count"] == 1


def test_different_creates_all_succeed(server):
    client = server.admin
    emails = [fresh_email() for _ in range(60)]
    results = in_parallel(60, lambda index: client.post(
        "users/", {"email": emails[index], "display_name": "Many"}))
    assert {result.status for result in results} == {201}
    uids = [result.json["userData"]["user_uid"] for result in results]
    assert len(set(uids)) == 60
    assert {user["email"] for user in client.everyone()} >= set(emails)


def test_parallel_updates_of_one_user_are_all_kept(server):
    client = server.admin
    uid = client.create(fresh_email())["user_uid"]
    in_parallel(40, lambda index: client.put("users/" + uid, {f"a{index}": index}).expect(200))
    user = client.read(uid)
    assert {name: user.get(name) for name in [f"a{index}" for index in range(40)]} \
        == {f"a{index}": index for index in range(40)}
    assert server.sql("SELECT COUNT(*) FROM audit_events WHERE target = ?"
                      " AND action = 'users.update'", uid) == [(40,)]
    assert server.sql("SELECT version FROM users WHERE user_uid = ?", uid) == [(41,)]


def test_a_user_is_deleted_once(server):
    client = server.admin
    uid = client.create(fresh_email())["user_uid"]
    results = in_parallel(40, lambda index: client.delete("users/" + uid))
    assert sorted(result.status for result in results) == [200] + [404] * 39
    assert server.sql("SELECT COUNT(*) FROM audit_events WHERE target = ?"
                      " AND action = 'users.delete'", uid) == [(1,)]


def test_create_and_delete_of_one_address(server):
    """Each success that a client was told of is in the audit trail, in its order."""
    client = server.admin
    email = fresh_email()

    def work(index):
        done = []
        for _ in range(12):
            result = client.post("users/", {"email": email, "display_name": str(index)})
            if result.status == 201:
                uid = result.json["userData"]["user_uid"]
                done.append(uid)
                client.delete("users/" + uid).expect(200)
            else:
                result.expect_problem(409, "email_exists")
        return done

    made = [uid for uids in in_parallel(12, work) for uid in uids]
    assert made and len(set(made)) == len(made)
    rows = server.sql("SELECT action, target FROM audit_events WHERE target IN"
                      f" ({','.join('?' * len(made))}) ORDER BY target, event_uid", *made)
    assert rows == [(action, uid) for uid in sorted(made)
                    for action in ("users.create", "users.delete")]
    assert client.get("users/", query={"email": email}).json["query_count"] == 0


def test_two_users_race_for_one_address(server):
    client = server.admin
    uids = [client.create(fresh_email())["user_uid"] for _ in range(20)]
    wanted = fresh_email()
    results = in_parallel(20, lambda index: client.put("users/" + uids[index],
                                                       {"email": wanted}))
    assert sorted(result.status for result in results) == [200] + [409] * 19
    winner = [uid for uid, result in zip(uids, results) if result.status == 200]
    assert [user["user_uid"] for user in client.everyone(email=wanted)] == winner


def test_delete_against_update_and_appointment(server):
    """In whatever order they come, no part of a deleted user is left."""
    client = server.admin
    for _ in range(8):
        uid = client.create(fresh_email())["user_uid"]

        def work(index, uid=uid):
            if index == 0:
                return client.delete("users/" + uid)
            if index % 2:
                return client.put("users/" + uid, {"n": index})
            return client.post("sub-admins/", {"user_uid": uid})

        results = in_parallel(9, work)
        results[0].expect(200)
        for result in results[1:]:
            assert result.status in (200, 201, 404, 409), result
        assert server.sql("SELECT COUNT(*) FROM sub_admins WHERE user_uid = ?", uid) == [(0,)]


def test_readers_see_whole_pages_while_writers_write(server):
    client = server.admin
    base = [client.create(fresh_email(), "Base")["user_uid"] for _ in range(30)]
    stop = threading.Event()
    problems = []

    def read():
        while not stop.is_set():
            try:
                got = client.everyone(display_name="base")
                if [user["user_uid"] for user in got] != base:
                    problems.append(got)
                if any(user["a"] != user["b"] for user in got if "a" in user):
                    problems.append("half an update")
            except (AssertionError, ConnectionLost) as error:
                problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    try:
        dice = random.Random(1)
        for number in range(60):
            body = {"a": number, "b": number}
            client.put("users/" + dice.choice(base), body).expect(200)
            client.create(fresh_email(), "Other")
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not problems, problems[:3]


def test_mixed_load_by_callers_of_all_roles(server):
    clients = [server.admin, server.sub_admin, server.nobody]
    shared = server.admin.create(fresh_email(), "Shared")["user_uid"]

    def work(index):
        client = clients[index % 3]
        dice = random.Random(index)
        for _ in range(15):
            result = dice.choice([
                lambda: client.get("users/"),
                lambda: client.get("users/" + shared),
                lambda: client.post("users/", {"email": fresh_email(), "display_name": "M"}),
                lambda: client.put("users/" + shared, {"n": dice.randrange(99)}),
                lambda: client.get("organization-status/"),
            ])()
            assert result.status in ((403,) if index % 3 == 2 else (200, 201)), result

    in_parallel(24, work)
