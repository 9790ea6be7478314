# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Databases behind a connection: it is lost at every step, the server is killed or
not there, others lock and deadlock. Nothing acknowledged is lost, nothing is half
done, and no restart of httpd is needed."""

import contextlib
import threading
import time

import databases
import pytest
from test_durability import UNAVAILABLE, Writers, check_database, expect_503
from test_heavy_lists import unreadable
from usermgmt_env import Workers, in_parallel, wait_for

pytestmark = pytest.mark.database("postgresql", "mariadb")

# Several wait for the one connection that some tests give, which waits for a lock.
LOST = UNAVAILABLE + "|UM001[12]|UM0041"


# ---- connections that end ----


class Readers(Workers):
    """Threads that read as fast as they can and count the answers."""

    def __init__(self, server, count):
        super().__init__()
        self.client = server.admin
        self.statuses = {}
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._work) for _ in range(count)]

    def _work(self):
        while not self.stop.is_set():
            for path in ("users/", "organization-status/", "sub-admins/"):
                status = self.client.get(path).status
                with self.lock:
                    self.statuses[status] = self.statuses.get(status, 0) + 1


def test_connections_are_killed_under_reads_and_writes(new_server):
    server = new_server()
    server.allow_log(LOST)
    killed = 0
    with Writers(server, 6) as writers, Readers(server, 4) as readers:
        wait_for(lambda: len(writers.acknowledged) > 10, 20, "some are written")
        for _ in range(8):
            time.sleep(0.5)
            killed += server.database.engine.kill_connections(server.database.name)
    assert killed > 16
    assert len(writers.acknowledged) > 50
    assert set(readers.statuses) == {200}, readers.statuses
    # If MariaDB opens a table when its connection is killed, it can keep a trigger that it has read
    # in part. Then changes of this table fail, on any connection, until it reads it again.
    is_half_read = "has an error in its body" in server.log_text()
    assert set(writers.statuses) <= {201, *([503] if is_half_read else [])}, writers.statuses
    writers.check()


# ---- servers that end ----


@pytest.fixture
def engine():
    """A database server of the test's own."""
    made = databases.new_engine()
    yield made
    made.close()


def all_serve(server):
    """Wait until each process has found its database again."""
    wait_for(lambda: {server.admin.get("users/", fresh=True).status for _ in range(20)} == {200},
             20, "all processes serve")


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_the_server_restarts_under_load(new_server, engine, kill):
    server = new_server(database=engine.create(None))
    server.allow_log(LOST)
    with Writers(server, 6) as writers:
        wait_for(lambda: len(writers.acknowledged) > 10, 20, "some are written")
        for _ in range(2):
            engine.stop(kill=kill)
            time.sleep(0.5)
            expect_503(server.admin.get("users/", fresh=True))
            engine.start()
            before = len(writers.acknowledged)
            wait_for(lambda: len(writers.acknowledged) > before + 5,  # pylint: disable=cell-var-from-loop
                     30, "writing goes on")
        all_serve(server)
    assert set(writers.statuses) <= {201, 503}, writers.statuses
    writers.check()


def test_httpd_starts_while_the_database_is_down(new_server, engine):
    server = new_server(start=False, database=engine.create(None))
    server.database.make()
    engine.stop()
    server.allow_log(LOST)
    server.start()
    start = time.monotonic()
    for path in ("users/", "organization-status/", "sub-admins/"):
        expect_503(server.admin.get(path, fresh=True))
    expect_503(server.admin.post("users/", {"email": "a@faults.example.com",
                                            "display_name": "A"}, fresh=True))
    assert time.monotonic() - start < 8
    engine.start()
    all_serve(server)
    in_parallel(12, lambda index: server.admin.create(f"u{index}@faults.example.com"))
    check_database(server)


def test_without_a_schema(new_server):
    """A clear message and 503; with the files of schema/ applied: served."""
    server = new_server(start=False)
    server.database.make(version=0)
    with server.expect_log("UM0030: schema: the database has version 0, .*apply the files"):
        server.start()
        expect_503(server.admin.get("users/"))
    server.database.apply_schema()
    server.admin.create("a@faults.example.com")


# ---- others in the database ----


@contextlib.contextmanager
def stranger(server):
    with contextlib.closing(server.database.connect()) as connection:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("BEGIN")
            yield cursor
            with contextlib.suppress(Exception):
                cursor.execute("ROLLBACK")


def lock(server, cursor, uid):
    """By its key, so that this row alone is locked."""
    org_id = server.sql("SELECT org_id FROM organizations")[0][0]
    cursor.execute("SELECT 1 FROM users WHERE org_id = %s AND user_uid = %s FOR UPDATE",
                   (org_id, uid))
    assert cursor.fetchall()


def test_a_stranger_locks_a_user(new_server):
    """503 in the end, while reading and other changes go on."""
    server = new_server()
    admin = server.admin
    user = admin.create("a@faults.example.com")
    server.allow_log(LOST)
    with stranger(server) as cursor:
        lock(server, cursor, user["user_uid"])
        start = time.monotonic()
        expect_503(admin.put("users/" + user["user_uid"], {"n": 1}))
        assert time.monotonic() - start < 12
        assert admin.read(user["user_uid"]) == user
        admin.create("b@faults.example.com")
    admin.put("users/" + user["user_uid"], {"n": 2}).expect(200)
    check_database(server)


def record_limits(server):
    """Have each change of a user write down the limits of its connection."""
    if server.database.kind == "postgresql":
        server.sql("CREATE TABLE limits (lock_limit TEXT, statement_limit TEXT, idle_limit TEXT,"
                   " isolation TEXT)")
        server.sql("CREATE FUNCTION record_limits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                   " INSERT INTO limits VALUES (current_setting('lock_timeout'),"
                   " current_setting('statement_timeout'),"
                   " current_setting('idle_in_transaction_session_timeout'),"
                   " current_setting('transaction_isolation')); RETURN NEW; END $$")
        server.sql("CREATE TRIGGER limits BEFORE UPDATE ON users FOR EACH ROW"
                   " EXECUTE FUNCTION record_limits()")
    else:
        server.sql("CREATE TABLE limits (lock_limit TEXT, metadata_limit TEXT,"
                   " statement_limit TEXT, idle_limit TEXT, isolation TEXT)")
        server.sql("CREATE TRIGGER limits BEFORE UPDATE ON users FOR EACH ROW INSERT INTO limits"
                   " VALUES (@@innodb_lock_wait_timeout, @@lock_wait_timeout,"
                   " @@max_statement_time, @@idle_write_transaction_timeout, @@tx_isolation)")


LIMITS = {"postgresql": ("2s", "10s", "30s", "read committed"),
          "mariadb": ("2", "2", "10", "30", "READ-COMMITTED")}
SHORTER = {"postgresql": ("500ms", "4s", "30s", "read committed"),
           "mariadb": ("1", "2", "4", "30", "READ-COMMITTED")}


@pytest.mark.parametrize("shorter", [False, True], ids=["usual", "shorter"])
@pytest.mark.parametrize("reconnect", [0, 1])
def test_limits_are_set_on_every_connection(new_server, reconnect, shorter):
    """On those made anew as well, by whoever; shorter ones of the user's stay."""
    server = new_server(start=False, processes=1)
    kind = server.database.kind
    original = server.database.directives

    def directives(**pool):
        # DBDInitSQL is about the database that mod_dbd's directives name.
        text = original(**pool, dbd=shorter).replace("reconnect=0", f"reconnect={reconnect}")
        if shorter and kind == "postgresql":
            text += 'DBDInitSQL "SET lock_timeout = 500; SET statement_timeout = 4000"\n'
        elif shorter:
            text += 'DBDInitSQL "SET innodb_lock_wait_timeout = 1, max_statement_time = 4"\n'
        return text

    server.database.directives = directives
    server.allow_log(LOST)
    server.start()
    record_limits(server)
    uid = server.admin.create("a@faults.example.com")["user_uid"]
    for number in range(4):
        # What is remembered of the caller saves its first statement.
        in_parallel(6, lambda index: server.admin.get("users/").expect(200))
        server.database.engine.kill_connections(server.database.name)
        for result in in_parallel(6, lambda index: server.admin.put(
                "users/" + uid, {f"n{index}": number})):  # pylint: disable=cell-var-from-loop
            result.expect(200)
    seen = set(server.sql("SELECT DISTINCT * FROM limits"))
    assert seen == {SHORTER[kind] if shorter else LIMITS[kind]}


def test_a_connection_made_anew_waits_for_no_lock(new_server):
    """One that did nothing but read, and was lost: what comes first on the new one
    is a change that meets a stranger's lock."""
    server = new_server(processes=1, pool={"UserMgmtConnections": 1})
    server.allow_log(LOST)
    uid = server.admin.create("a@faults.example.com")["user_uid"]
    for _ in range(2):
        server.database.engine.kill_connections(server.database.name)
        server.admin.get("users/").expect(200)
        server.database.engine.kill_connections(server.database.name)
        with stranger(server) as cursor:
            lock(server, cursor, uid)
            start = time.monotonic()
            expect_503(server.admin.put("users/" + uid, {"n": 1}))
            assert time.monotonic() - start < 14
        server.admin.put("users/" + uid, {"n": 2}).expect(200)


def test_a_statement_without_end(new_server):
    """It is ended; 503, and the others don't wait for it."""
    server = new_server()
    server.allow_log(LOST)
    if server.database.kind == "postgresql":
        server.sql("CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
                   " $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$")
        server.sql("CREATE TRIGGER dawdle BEFORE INSERT ON users FOR EACH ROW"
                   " EXECUTE FUNCTION dawdle()")
    else:
        server.sql("CREATE TRIGGER dawdle BEFORE INSERT ON users FOR EACH ROW DO SLEEP(60)")
    results = []
    thread = threading.Thread(target=lambda: results.append(server.admin.post(
        "users/", {"email": "slow@faults.example.com", "display_name": "S"})))
    start = time.monotonic()
    thread.start()
    time.sleep(0.5)
    server.admin.get("users/").expect(200)
    thread.join(30)
    assert 8 < time.monotonic() - start < 25
    expect_503(results[0])
    server.sql("DROP TRIGGER dawdle" + (" ON users" if server.database.kind == "postgresql"
                                        else ""))
    server.admin.create("slow@faults.example.com")
    check_database(server)


def test_a_read_that_waits_in_vain_is_an_error_in_the_log(new_server):
    """It took too long to be tried again. Another process would read the caller's role first."""
    server = new_server(processes=1)
    user = server.admin.create("a@faults.example.com")["user_uid"]
    with server.expect_log(r"usermgmt:error\].*UM0001: database: user_get failed"):
        with unreadable(server.database, "users"):
            expect_503(server.admin.get(f"users/{user}"))
    server.admin.get(f"users/{user}").expect(200)


def test_a_short_lock_is_borne(new_server):
    server = new_server()
    admin = server.admin
    uid = admin.create("a@faults.example.com")["user_uid"]
    for number in range(3):
        with stranger(server) as cursor:
            lock(server, cursor, uid)
            timer = threading.Timer(0.4, cursor.execute, ["ROLLBACK"])
            timer.start()
            admin.put("users/" + uid, {"n": number}).expect(200)
            timer.join()


def test_a_deadlock_is_retried(new_server):
    """A request takes its key, then waits for a stranger's user; the stranger wants
    the key. The database ends one of them; the request is answered as if alone."""
    server = new_server()
    admin = server.admin
    admin.create("first@faults.example.com")
    org_id = server.sql("SELECT org_id FROM organizations")[0][0]
    if server.database.kind == "postgresql":
        server.sql(f"ALTER DATABASE {server.database.name} SET deadlock_timeout = '700ms'")
        server.database.engine.kill_connections(server.database.name)
    results = []
    with stranger(server) as cursor:
        if server.database.kind == "postgresql":
            # It is the other who looks for deadlocks, and who is ended.
            cursor.execute("SET LOCAL deadlock_timeout = '20s'")
        for number in range(20):
            cursor.execute("INSERT INTO admins_seen (org_id, identity, user_uid, role,"
                           " first_seen_at) VALUES (%s, %s, 'x', 'none', 0)",
                           (org_id, f"heavy{number}"))
        cursor.execute("INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
                       " display_name_folded, attributes, created_at, updated_at) VALUES"
                       " (%s, 'theirs', 'd@faults.example.com', 'd@faults.example.com', 'D', 'd',"
                       " '{}', 0, 0)", (org_id,))
        thread = threading.Thread(target=lambda: results.append(admin.post(
            "users/", {"email": "d@faults.example.com", "display_name": "Mine"},
            headers={"Idempotency-Key": "deadly"})))
        thread.start()
        time.sleep(0.3)
        cursor.execute("INSERT INTO idempotency_keys (org_id, identity, idempotency_key,"
                       " request_sha256, status, body, created_at) VALUES"
                       " (%s, 'admin@example.com', 'deadly', %s, 200, '', 0)",
                       (org_id, "0" * 64))
        cursor.execute("ROLLBACK")
        thread.join(30)
    results[0].expect(201)
    assert "deadlock" in server.log_text().lower()
    check_database(server)


def test_statements_survive_maintenance(new_server):
    server = new_server()
    admin = server.admin
    uid = admin.create("a@faults.example.com")["user_uid"]
    if server.database.kind == "postgresql":
        commands = ["ANALYZE", "VACUUM", "VACUUM FULL users", "REINDEX TABLE users"]
    else:
        commands = [f"{command} TABLE users" for command in ("ANALYZE", "OPTIMIZE", "CHECK")]
    for command in commands:
        server.sql(command)
        results = in_parallel(8, lambda index: [
            admin.get("users/").status, admin.read(uid)["user_uid"],
            admin.put("users/" + uid, {"n": index}).status])
        assert {(page, put) for page, _, put in results} == {(200, 200)}
    check_database(server)


# ---- counts ----


def deltas(server):
    """How many changes are not folded yet."""
    return server.sql("SELECT COUNT(*) FROM organization_counts WHERE count_id > 0")[0][0]


def check_counts(server):
    """Nothing waits, and an organization has one row at most, which is right."""
    wait_for(lambda: deltas(server) == 0, 10, "the counts are folded")
    for table, column in (("users", "user_count"), ("sub_admins", "sub_admin_count"),
                          ("sessions", "session_count")):
        counted = server.sql(f"SELECT org_id, {column} FROM organization_counts"
                             f" WHERE {column} <> 0 ORDER BY org_id")
        assert counted == server.sql(f"SELECT org_id, COUNT(*) FROM {table}"
                                     " GROUP BY org_id ORDER BY org_id")
    assert all(number == -org_id for number, org_id in
               server.sql("SELECT count_id, org_id FROM organization_counts"))


def add_deltas(server, count):
    """So many users by hand, each with its change of the count."""
    org_id = server.sql("SELECT org_id FROM organizations")[0][0]
    uid, number = (("'bulk' || n", "generate_series(1, ?) n")
                   if server.database.kind == "postgresql" else
                   ("CONCAT('bulk', n)", "(SELECT seq n FROM seq_1_to_1000000 LIMIT ?) n"))
    if server.database.kind == "postgresql":
        server.sql("INSERT INTO organization_counts (org_id, user_count)"
                   f" SELECT {org_id}, 1 FROM {number}", count)
        server.sql("ALTER TABLE users DISABLE TRIGGER users_inserted")
    server.sql("INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
               " display_name_folded, attributes, created_at, updated_at)"
               f" SELECT {org_id}, {uid}, {uid}, {uid}, 'B', 'b', '{{}}', 0, 0 FROM {number}",
               count)
    if server.database.kind == "postgresql":
        server.sql("ALTER TABLE users ENABLE TRIGGER users_inserted")


def test_counts_are_folded(new_server):
    """Each change leaves a row; they don't become many, and what is asked for in
    between is right."""
    server = new_server(location="UserMgmtAutoOrganization On\n"
                        "UserMgmtOrganization %{req:X-Org}")
    wrong = []

    def work(index):
        client = server.client("admin@example.com", headers={"X-Org": f"org{index % 3}"})
        made = [client.create(f"u{index}-{number}@faults.example.com")["user_uid"]
                for number in range(40)]
        client.post("sub-admins/", {"user_uid": made[0]}).expect(201)
        client.post("sub-admins/", {"user_uid": made[1]}).expect(201)
        client.delete("users/" + made[0]).expect(200)
        if client.get("organization-status/").json["user_count"] < 39:
            wrong.append(index)

    in_parallel(9, work)
    assert not wrong
    for index in range(3):
        client = server.client("admin@example.com", headers={"X-Org": f"org{index}"})
        status = client.get("organization-status/").json
        assert (status["user_count"], status["sub_admin_count"]) == (3 * 39, 3)
    check_counts(server)
    assert server.sql("SELECT COUNT(*) FROM organization_counts") == [(3,)]
    # What does not change is not written again.
    before = server.sql("SELECT * FROM organization_counts ORDER BY org_id")
    time.sleep(2.5)
    assert server.sql("SELECT * FROM organization_counts ORDER BY org_id") == before


@pytest.mark.database("postgresql")
def test_the_server_removes_what_it_folded(new_server):
    """Without autovacuum. Where its role may not, it leaves no line in the log."""
    server = new_server()
    role = server.database.name + "_role"
    user = server.sql("SELECT current_user")[0][0]

    def vacuums():
        return server.sql("SELECT vacuum_count FROM pg_stat_user_tables"
                          " WHERE relname = 'organization_counts'")[0][0]

    def change(count):
        server.sql("INSERT INTO organization_counts (org_id)"
                   " SELECT org_id FROM organizations, generate_series(1, ?)", count)

    server.sql("ALTER TABLE organization_counts SET (autovacuum_enabled = off)")
    change(900)
    server.admin.create("few@faults.example.com")
    check_counts(server)
    assert vacuums() == 0
    change(200)
    server.admin.create("many@faults.example.com")
    wait_for(lambda: vacuums() == 1, 10, "the folded counts are removed")
    check_counts(server)
    server.stop()
    change(1500)
    server.sql(f"CREATE ROLE {role}")
    server.sql(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    server.sql(f"ALTER ROLE {user} IN DATABASE {server.database.name} SET role = {role}")
    try:
        server.start()
        server.admin.create("more@faults.example.com")
        check_counts(server)
        time.sleep(1)
        server.stop()
        assert vacuums() == 1
    finally:
        server.database.engine.query(
            None, f"ALTER ROLE {user} IN DATABASE {server.database.name} RESET role")


def test_two_nodes_fold_at_once(new_server):
    """Nothing is counted twice, and neither is in the other's way."""
    one = new_server()
    nodes = [one, new_server(database=one.database)]
    add_deltas(one, 20000)
    with Writers(nodes[0], 4) as first, Writers(nodes[1], 4) as second:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            status = one.admin.get("organization-status/").expect(200).json
            assert status["user_count"] >= 20000
    assert set(first.statuses) == set(second.statuses) == {201}
    assert status["user_count"] > 20050
    check_counts(one)
    for node in nodes:
        assert "gave up" not in node.log_text() and "given up" not in node.log_text()


def test_a_fold_that_fails_is_tried_again(new_server):
    """A stranger holds the sum: requests don't notice."""
    server = new_server()
    server.admin.create("first@faults.example.com")
    check_counts(server)
    with stranger(server) as cursor:
        cursor.execute("SELECT 1 FROM organization_counts WHERE count_id = %s FOR UPDATE",
                       server.sql("SELECT MIN(count_id) FROM organization_counts")[0])
        cursor.fetchall()
        with server.expect_log("UM0011: runner: a change was given up"):
            server.allow_log("UM0001")
            for number in range(30):
                start = time.monotonic()
                server.admin.create(f"u{number}@faults.example.com")
                assert server.admin.get("organization-status/").json["user_count"] == number + 2
                assert time.monotonic() - start < 1
            wait_for(lambda: "UM0078" in server.log_text(), 20, "it gives up for a while")
    wait_for(lambda: deltas(server) == 0, 25, "it goes on")
    check_counts(server)
