# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Two httpd nodes on a PostgreSQL primary with a standby: the primary dies and the
standby takes over while clients write and read at both."""

import time

import pytest
from contention import contend
from load import AS_ANYBODY, Load, same_everywhere
from postgresql_pair import Pair
from usermgmt_env import UNAVAILABLE, wait_for

# Not UM0012: what became of a commit is always found out.
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
        # And takes over once more, in good order this time.
        pair.primary.stop()
        pair.promote()
        load.goes_on()
        pair.standby.copy(pair.primary)
        pair.standby.start()
        pair.await_standby()
        load.goes_on()
    assert load.refusals > 0 and load.read["served"] > load.read["refused"]
    load.check()
    same_everywhere(servers)


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
