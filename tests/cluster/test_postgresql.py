# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Two httpd nodes on a PostgreSQL primary with a standby. The primary is killed, and the standby
takes over while clients write and read at both nodes."""

import os
import signal
import threading
import time

import pytest
from contention import contend
from databases import PostgresqlEngine, ServerDatabase
from load import AS_ANYBODY, Load, check_node, same_everywhere
from postgresql_pair import Pair, Pooler
from smtp_env import Smtp
from usermgmt_env import AUTHENTICATION, UNAVAILABLE, in_parallel, wait_for

# Not UM0012, because the outcome of a commit is always found out.
LOST = UNAVAILABLE + "|UM0011"


@pytest.fixture
def pair(live):
    made = Pair([live.ports.take(), live.ports.take()])
    yield made
    made.close()


@pytest.fixture
def nodes(pair, new_server):
    """Two httpd with one database."""
    def make(count=2, extra="", **options):
        database = pair.database()
        return [new_server(database=database, extra=AS_ANYBODY + extra, **options)
                for _ in range(count)]
    return make


def test_the_standby_takes_over(pair, nodes):
    servers = nodes()
    for server in servers:
        server.allow_log(LOST)
    with Load(servers) as load:
        load.goes_on()
        # The primary dies; a second later somebody promotes the standby.
        pair.primary.stop(kill=True)
        time.sleep(1)
        pair.promote()
        load.goes_on()
        assert load.longest_pause() < 15
        # The old one comes back as the new one's standby.
        pair.standby.rewind(pair.primary)
        pair.standby.start()
        pair.await_standby()
        load.goes_on()
        # It takes over once more, this time after a regular end of the other.
        pair.primary.stop()
        pair.promote()
        load.goes_on()
        pair.standby.copy(pair.primary)
        pair.standby.start()
        pair.await_standby()
        load.goes_on()
    assert load.read["served"] > load.read["refused"]
    load.check()
    same_everywhere(servers)


def test_what_the_standby_lacks_is_not_acknowledged(pair, nodes):
    """A commit that waits for the standby is interrupted. The change is visible on the primary, but
    is lost with it. The client gets its answer only when the change is safe, if need be after it
    was made again."""
    server, = nodes(1)
    server.allow_log(LOST)
    server.admin.create("before@cluster.example.com")
    receiver = pair.standby.query(None, "SELECT pid FROM pg_stat_wal_receiver")[0][0]
    answers = []
    client = threading.Thread(target=lambda: answers.append(server.admin.post(
        "users/", {"email": "lost@cluster.example.com", "display_name": "L"})))

    def broken_off():
        pair.primary.query(None, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                           " WHERE wait_event = 'SyncRep'")
        return server.sql("SELECT COUNT(*) FROM users") == [(2,)]

    os.kill(receiver, signal.SIGSTOP)
    try:
        client.start()
        wait_for(broken_off, 20, "it is on the primary")
        time.sleep(1)
        assert not answers, "it is acknowledged, but only the primary has it"
        pair.primary.stop(kill=True)
    finally:
        # What was sent but not received must not arrive later.
        os.kill(receiver, signal.SIGKILL)
    time.sleep(0.5)
    pair.standby.await_query()
    pair.promote()
    client.join(30)
    user = answers[0].expect(201).json["userData"]
    assert server.admin.read(user["user_uid"]) == user
    check_node(server)


def test_nodes_in_each_other_s_way(nodes):
    servers = nodes()
    for number in range(6):
        contend(servers, f"c{number}")
    same_everywhere(servers)


def test_a_role_taken_at_one_node_ends_at_the_other(nodes):
    """After UserMgmtRoleCacheTTL at the latest; at the node itself at once."""
    ttl = 2
    here, there = nodes(location=f"UserMgmtRoleCacheTTL {ttl}")
    for server in (here, there):
        login = server.add_login("stored@cluster.example.com")
    uid = here.admin.create(login)["user_uid"]
    here.admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    there.client(login).get("users/").expect(200)
    here.client(login).get("users/").expect(200)
    here.admin.delete("sub-admins/" + uid).expect(200)
    start = time.monotonic()
    here.client(login).get("users/").expect(403)
    wait_for(lambda: there.client(login).get("users/").status == 403, ttl + 1, "it ends")
    assert time.monotonic() - start < ttl + 1
    # And given again.
    here.admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    here.client(login).get("users/").expect(200)
    wait_for(lambda: there.client(login).get("users/").status == 200, ttl + 1, "it is there")


# ---- what every node does by itself ----


def test_a_mail_is_sent_once(live, nodes):
    """Both nodes look for queued mail; the node that claims a mail sends it."""
    smtp = Smtp(live).start()
    try:
        servers = nodes(extra=f"""
            UserMgmtMailServer {smtp.url}
            UserMgmtMailFrom users@example.com
            """)
        addresses = [f"m{number}@cluster.example.com" for number in range(60)]
        in_parallel(6, lambda index: [servers[index % 2].admin.post(
            "invitations/", {"email": address}).expect(201) for address in addresses[index::6]])
        for address in addresses:
            smtp.wait(address)
        wait_for(lambda: servers[0].sql("SELECT COUNT(*) FROM outgoing_mail") == [(0,)], 20,
                 "all is sent")
        assert [len(smtp.to(address)) for address in addresses] == [1] * len(addresses)
        assert servers[0].sql("SELECT COUNT(*) FROM audit_events WHERE action = 'mail.sent'") \
            == [(len(addresses),)]
        senders = ["UM0060" in server.log_text() for server in servers]
        assert senders == [True, True], "one of the nodes did it all"
    finally:
        smtp.stop()


def test_a_session_over_two_nodes_is_one(nodes):
    servers = nodes(extra=f"""
        UserMgmtSessionFlush 1
        <Location "/page.txt">
            {AUTHENTICATION}
            Require valid-user
            UserMgmtActivity app
        </Location>""")
    names = [f"s{number}@cluster.example.com" for number in range(8)]
    for name in names:
        servers[0].admin.create(name)
        for server in servers:
            server.add_login(name)
    def visit(servers):
        for name in names:
            for server in servers:
                server.client(name, base="").get("page.txt").expect(200)

    def told():
        return [server.admin.get("organization-status/").json["session_count"]
                for server in servers]

    # A session may be counted twice if it begins at both nodes while both write.
    visit(servers[:1])
    wait_for(lambda: told() == [len(names)] * 2, 10, "they are written")
    for _ in range(3):
        visit(servers)
        time.sleep(1)
    time.sleep(1)
    assert told() == [len(names)] * 2


# ---- PgBouncer ----


@pytest.fixture
def poolers(live):
    """A PgBouncer in a pool mode, in front of a server of its own."""
    made = []

    def make(mode):
        made.append(PostgresqlEngine())
        made.append(Pooler(made[0], live.ports.take(), mode))
        return made[1]

    yield make
    for engine in reversed(made):
        engine.close()


@pytest.fixture
def pooled(poolers, new_server):
    """Two httpd that share a PgBouncer."""
    def make(mode):
        database = ServerDatabase(poolers(mode), "um")
        return [new_server(database=database, extra=AS_ANYBODY,
                           pool={"UserMgmtConnections": 3}, processes=1) for _ in range(2)]
    return make


def test_through_a_pooler_of_sessions(pooled):
    servers = pooled("session")
    with Load(servers) as load:
        load.goes_on()
    assert load.refusals == 0 and load.read["refused"] == 0
    load.check()
    contend(servers, "pooled")


def test_through_a_pooler_of_transactions(pooled):
    """Not for use: this version of PgBouncer loses track of prepared statements, so many requests
    are refused. But no request gets the answer of another's statement."""
    servers = pooled("transaction")
    for server in servers:
        server.allow_log(LOST)
    with Load(servers) as load:
        wait_for(lambda: load.done(servers[0]) > 20 and load.done(servers[1]) > 20, 40,
                 "some is written")
    for server in servers:
        server.stop()
    # The data is right, as the database itself shows.
    pooler = servers[0].database.engine
    for server in servers:
        server.database.engine = pooler.engine
        server.start()
    load.check()
