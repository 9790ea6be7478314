# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Creates of several clients that PostgreSQL gets as one statement: each has its own
outcome."""

import collections
import concurrent.futures
import itertools
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


def create_while_held(server, emails, meanwhile=lambda: None):
    """Create them all at once. Nobody can insert a user until all have come and meanwhile was
    called. Gives the results in the order of the emails."""
    def create(email):
        return server.admin.post("users/", {"email": email, "display_name": "G"}, fresh=True)

    server.admin.get("users/").expect(200)
    with concurrent.futures.ThreadPoolExecutor(len(emails)) as clients:
        with server.database.held("users"):
            results = [clients.submit(create, email) for email in emails]
            wait_for(lambda: server.database.engine.query(
                None, "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = ?", (server.database.name,)) > [(1,)], 10, "creates that wait")
            time.sleep(0.5)
            meanwhile()
        return [result.result() for result in results]


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
