# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Three MariaDB nodes in a Galera cluster, with an httpd for each. Nodes are killed, cut off and
come back while clients write and read at all of them."""

import pytest
from contention import contend
from galera_cluster import Cluster
from load import AS_ANYBODY, Load, Refused, expect_or_503, same_everywhere
from usermgmt_env import UNAVAILABLE, wait_for

# UM0012 too: the httpd of a node has no other node to ask about the outcome of a commit.
LOST = UNAVAILABLE + "|UM001[12]"


@pytest.fixture(scope="module")
def cluster(live):
    made = Cluster(live.ports)
    yield made
    made.close()


@pytest.fixture
def servers(cluster, new_server):
    """An httpd for each node, with a new database."""
    made = [new_server(database=database, extra=AS_ANYBODY) for database in cluster.databases()]
    for server in made:
        server.allow_log(LOST)
    return made


def check_tables(servers):
    """All nodes hold the same rows."""
    tables = servers[0].database.tables()
    assert len(tables) >= 12
    for table in tables:
        rows = [sorted(server.sql(f"SELECT * FROM {table}"), key=repr) for server in servers]
        assert rows[1:] == rows[:-1], table


def is_refused(server):
    try:
        expect_or_503(server.admin.get("users/"), 200)
    except Refused:
        return True
    return False


def test_a_node_dies_and_comes_back(cluster, servers):
    with Load(servers, writers=2) as load:
        load.goes_on()
        victim, httpd = cluster.nodes[2], servers[2]
        victim.stop(kill=True)
        wait_for(lambda: is_refused(httpd), 10, "a node without a database refuses")
        load.goes_on(servers[:2])
        victim.start_again()
        load.goes_on()
        # Another node loses its data, and gets a copy from one that serves meanwhile.
        cluster.nodes[1].stop()
        load.goes_on([servers[0], servers[2]])
        cluster.nodes[1].start_over()
        load.goes_on()
    check_tables(servers)
    load.check()
    same_everywhere(servers)


def test_nodes_in_each_other_s_way(servers):
    for number in range(6):
        contend(servers, f"c{number}")
    check_tables(servers)
    same_everywhere(servers)


def test_a_node_that_sees_no_others(cluster, servers):
    """It answers 503 instead of data that may be outdated, until it sees the others again."""
    with Load(servers, writers=2) as load:
        load.goes_on()
        cluster.nodes[1].isolate(True)
        wait_for(lambda: is_refused(servers[1]), 20, "a node on its own refuses")
        load.goes_on([servers[0], servers[2]])
        assert is_refused(servers[1])
        cluster.nodes[1].isolate(False)
        load.goes_on()
    check_tables(servers)
    load.check()
    same_everywhere(servers)
