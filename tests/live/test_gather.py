# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Creates and updates of several clients that PostgreSQL gets as one statement: each has its
own outcome."""

import collections
import concurrent.futures
import contextlib
import itertools
import json
import time

import pytest
from test_faults import LOST
from usermgmt_env import wait_for

pytestmark = pytest.mark.database("postgresql")

NUMBERS = itertools.count()
CLIENTS = 24


@pytest.fixture(name="server")
def one_process(new_server):
    return new_server(processes=1, threads=2 * CLIENTS)


def addresses(count=CLIENTS):
    test = next(NUMBERS)
    return [f"g{number}@gather{test}.example.com" for number in range(count)]


def run_while_held(server, calls, meanwhile=lambda: None):
    """Make all the calls at once. Nobody can write a user until all have come and meanwhile was
    called. Gives the results in the order of the calls."""
    server.admin.get("users/").expect(200)
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as clients:
        with server.database.held("users"):
            results = [clients.submit(call) for call in calls]
            wait_for(lambda: server.database.engine.query(
                None, "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = ?", (server.database.name,)) > [(1,)], 10, "changes that wait")
            time.sleep(0.5)
            meanwhile()
        return [result.result() for result in results]


def creating(server, email):
    """A call that makes a user."""
    return lambda: server.admin.post("users/", {"email": email, "display_name": "G"}, fresh=True)


def create_while_held(server, emails, meanwhile=lambda: None):
    return run_while_held(server, [creating(server, email) for email in emails], meanwhile)


def made_of(server, emails):
    """How many users and events there are of each address, and transactions of them all."""
    domain = "%" + emails[0].partition("@")[2]
    users = [email for email, in server.sql("SELECT email FROM users WHERE email LIKE ?",
                                            domain)]
    events = [email for email, in server.sql(
        "SELECT (CAST(after_json AS JSON) ->> 'email') FROM audit_events"
        " WHERE action = 'users.create' AND after_json LIKE ?", f"%{domain}%")]
    ((transactions,),) = server.sql(
        "SELECT COUNT(DISTINCT xmin::text) FROM users WHERE email LIKE ?", domain)
    return collections.Counter(users), collections.Counter(events), transactions


def check_counts(server):
    assert server.sql("SELECT SUM(user_count) FROM organization_counts") \
        == server.sql("SELECT COUNT(*) FROM users")


def test_creates_share_transactions(server):
    emails = addresses()
    results = create_while_held(server, emails)
    assert [result.status for result in results] == [201] * CLIENTS
    assert [result.json["userData"]["email"] for result in results] == emails
    users, events, transactions = made_of(server, emails)
    assert users == events == collections.Counter(emails)
    assert transactions <= CLIENTS // 2
    for result in results:
        uid = result.json["userData"]["user_uid"]
        assert server.admin.read(uid) == result.json["userData"]
    check_counts(server)


def test_each_has_its_own_outcome(server):
    """Of two creates with one address, in one statement or in two, one is made."""
    emails = addresses(CLIENTS // 2)
    taken = emails[0]
    server.admin.create(taken)
    results = create_while_held(server, emails + emails)
    found = collections.Counter((email, result.status)
                                for email, result in zip(emails + emails, results))
    assert found == collections.Counter({(taken, 409): 2}) + collections.Counter(
        (email, status) for email in emails[1:] for status in (201, 409))
    users, events, _ = made_of(server, emails)
    assert users == events == collections.Counter(emails)
    check_counts(server)


def test_one_that_the_database_refuses(server):
    """It takes the others of its statement with it, and they are made without it."""
    emails = addresses()
    server.allow_log("UM0001|UM0011")
    server.sql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN RAISE EXCEPTION 'no'; END $$")
    server.sql("CREATE TRIGGER refused BEFORE INSERT ON users FOR EACH ROW"
               f" WHEN (NEW.email = '{emails[-1]}') EXECUTE FUNCTION refuse()")
    results = create_while_held(server, emails)
    assert [result.status for result in results] == [201] * (CLIENTS - 1) + [503]
    users, events, _ = made_of(server, emails)
    assert users == events == collections.Counter(emails[:-1])
    check_counts(server)


def test_a_connection_that_is_lost(server):
    """Each of the changes that were sent on it finds out for itself what came of it."""
    emails = addresses()
    server.allow_log(LOST)
    engine, name = server.database.engine, server.database.name
    results = create_while_held(server, emails, lambda: engine.kill_connections(name))
    assert [result.status for result in results] == [201] * CLIENTS
    users, events, _ = made_of(server, emails)
    assert users == events == collections.Counter(emails)
    check_counts(server)


# ---- updates ----

def patching(server, path, body, **headers):
    """A call that makes the change."""
    return lambda: server.admin.ask("PATCH", path, body, headers=headers, fresh=True)


def events_of(server, uid):
    """The user before and after each of its updates, in their order."""
    return [(json.loads(before), json.loads(after)) for before, after in server.sql(
        "SELECT before_json, after_json FROM audit_events WHERE action = 'users.update'"
        " AND target = ? ORDER BY event_uid", uid)]


@pytest.fixture(name="people")
def some_people(server):
    return [server.admin.create(email, n=-1) for email in addresses()]


def check_updated(server, users, results):
    """Each user has its change, once, and the answer tells it."""
    for number, (user, result) in enumerate(zip(users, results)):
        changed = result.expect(200).json["userData"]
        assert changed == {**user, "n": number, "display_name": f"New {number}",
                           "updated_at": changed["updated_at"]}
        assert server.admin.read(user["user_uid"]) == changed
        assert events_of(server, user["user_uid"]) == [(user, changed)]


def updates_of(server, users):
    """A call for each user."""
    return [patching(server, "users/" + user["user_uid"],
                     {"n": number, "display_name": f"New {number}"})
            for number, user in enumerate(users)]


def update_each(server, users, meanwhile=lambda: None):
    return run_while_held(server, updates_of(server, users), meanwhile)


def test_updates_share_transactions(server, people):
    check_updated(server, people, update_each(server, people))
    _, _, transactions = made_of(server, [user["email"] for user in people])
    assert transactions <= CLIENTS // 2


def test_updates_of_one_user(server):
    """None is lost, and each event begins where the one before ended."""
    user = server.admin.create(*addresses(1))
    path = "users/" + user["user_uid"]
    results = run_while_held(server, [patching(server, path, {f"n{number}": number})
                                      for number in range(CLIENTS)])
    assert [result.status for result in results] == [200] * CLIENTS
    assert [result.json["userData"][f"n{number}"]
            for number, result in enumerate(results)] == list(range(CLIENTS))
    found = server.admin.read(user["user_uid"])
    assert {f"n{number}": number for number in range(CLIENTS)}.items() <= found.items()
    # Within a millisecond, events have no order; but each update adds a member.
    changes = sorted(events_of(server, user["user_uid"]), key=lambda change: len(change[0]))
    assert [before for before, _ in changes] == [user] + [after for _, after in changes[:-1]]
    assert changes[-1][1] == found and len(changes) == CLIENTS


def test_one_of_many_with_an_etag(server):
    user = server.admin.create(*addresses(1))
    path = "users/" + user["user_uid"]
    etag = server.admin.get(path).headers["ETag"]
    results = run_while_held(server, [patching(server, path, {"n": number}, **{"If-Match": etag})
                                      for number in range(CLIENTS)])
    statuses = [result.status for result in results]
    assert sorted(statuses) == [200] + [412] * (CLIENTS - 1)
    assert server.admin.read(user["user_uid"])["n"] == statuses.index(200)
    assert len(events_of(server, user["user_uid"])) == 1
    for result in results:
        if result.status == 412:
            assert result.headers["ETag"] == server.admin.get(path).headers["ETag"]


def test_creates_and_updates_at_once(server, people):
    emails = addresses()
    both = zip(updates_of(server, people), [creating(server, email) for email in emails])
    results = run_while_held(server, [call for pair in both for call in pair])
    check_updated(server, people, results[::2])
    assert [result.status for result in results[1::2]] == [201] * CLIENTS
    users, events, _ = made_of(server, emails)
    assert users == events == collections.Counter(emails)
    check_counts(server)


def test_an_update_that_the_database_refuses(server, people):
    """It takes the others of its statement with it, and they are made without it."""
    server.allow_log("UM0001|UM0011")
    server.sql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
               " $$ BEGIN RAISE EXCEPTION 'no'; END $$")
    server.sql("CREATE TRIGGER refused BEFORE UPDATE ON users FOR EACH ROW"
               f" WHEN (NEW.email = '{people[-1]['email']}') EXECUTE FUNCTION refuse()")
    results = update_each(server, people)
    check_updated(server, people[:-1], results[:-1])
    results[-1].expect_problem(503, "unavailable")
    assert server.admin.read(people[-1]["user_uid"]) == people[-1]
    assert events_of(server, people[-1]["user_uid"]) == []


def test_updates_whose_connection_is_lost(server, people):
    server.allow_log(LOST)
    engine, name = server.database.engine, server.database.name
    results = update_each(server, people, lambda: engine.kill_connections(name))
    check_updated(server, people, results)


def test_a_user_who_is_locked_keeps_no_other_waiting(server, people):
    """An update of it waits alone: no group is held up, nor are those who wait for its users."""
    def update(user):
        start = time.monotonic()
        for number in range(5):
            patching(server, "users/" + user["user_uid"], {"n": number})().expect(200)
        return time.monotonic() - start

    with contextlib.closing(server.database.connect()) as holder:
        holder.autocommit = False
        with contextlib.closing(holder.cursor()) as cursor:
            cursor.execute("SELECT 1 FROM users WHERE user_uid = %s FOR UPDATE",
                           (people[0]["user_uid"],))
        with concurrent.futures.ThreadPoolExecutor(2 * CLIENTS) as clients:
            stuck = [clients.submit(update, people[0]) for _ in range(6)]
            others = [clients.submit(update, user) for user in people[1:]]
            longest = max(taken.result() for taken in others)
            holder.rollback()
            for waiting in stuck:
                waiting.result()
    assert longest < 1.5, longest


def test_no_deadlock_with_those_who_lock_in_another_order(server, people):
    """Batches lock the users in the order of their addresses, which is another one here."""
    def patch(number):
        for round_number in range(40):
            user = people[(number * 7 + round_number * 5) % CLIENTS]
            patching(server, "users/" + user["user_uid"],
                     {f"n{number}": round_number})().expect(200)

    def batch(number):
        for round_number in range(20):
            server.admin.post("users/batch", {"mode": "update", "users": [
                {"email": user["email"], f"b{number}": round_number} for user in people]},
                              fresh=True).expect(200)

    def deadlocks():
        return server.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = ?",
                          server.database.name)

    before = deadlocks()
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        done = [clients.submit(patch if number % 8 else batch, number)
                for number in range(CLIENTS)]
        for each in done:
            each.result()
    # A connection tells its counts within a second.
    time.sleep(1.2)
    assert deadlocks() == before


def test_updates_and_deletions_at_once(server, people):
    """A user that is gone has no event of an update."""
    calls = [(patching(server, "users/" + user["user_uid"], {"n": 1}),
              lambda uid=user["user_uid"]: server.admin.delete("users/" + uid, fresh=True))
             for user in people]
    results = run_while_held(server, [call for pair in calls for call in pair])
    assert {result.status for result in results[1::2]} == {200}
    for user, result in zip(people, results[::2]):
        assert result.status in (200, 404)
        assert len(events_of(server, user["user_uid"])) == (result.status == 200)
        server.admin.get("users/" + user["user_uid"]).expect(404)
    check_counts(server)
