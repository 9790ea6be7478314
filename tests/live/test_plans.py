# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The plans of lists on PostgreSQL. A prepared statement that runs often gets one plan for all
its values. That plan must not be worse than the others: a page is read from an index in its
order, wherever it is in the list, with statistics and without."""

import contextlib
import re

import pytest

pytestmark = pytest.mark.database("postgresql")

USERS = 50000
ORDERS = (None, "email", "display_name", "created_at")
UIDS = [f"{'0' * 14}{number:06d}" for number in (0, USERS // 2, USERS - 2)]
PREPARE = re.compile(r"statement: PREPARE \w+ \(([a-z,]+)\) AS "
                     r"(SELECT u\.user_uid.* LIMIT \(SELECT \$\d+\))")


@pytest.fixture(scope="module")
def server(make_server):
    made = make_server(processes=1)
    made.sql("ALTER TABLE users SET (autovacuum_enabled = off)")
    org_id = made.sql("SELECT org_id FROM organizations")[0][0] if made.admin.get(
        "users/").expect(200) else None
    made.sql("INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
             " display_name_folded, attributes, active, created_at, updated_at)"
             f" SELECT {org_id}, lpad(CAST(i AS TEXT), 20, '0'), i || '@example.com',"
             " i || '@example.com', 'U' || i, 'u' || i, '{}', 1, i, i"
             f" FROM generate_series(0, {USERS - 1}) i")
    made.sql(f"ALTER DATABASE {made.database.name} SET log_statement = 'all'")
    made.stop()
    made.start()
    return made


def statements(server):
    """The types and the texts of the statements that pages of users are read by."""
    log = server.database.engine.directory / "log"
    position = log.stat().st_size
    for order in ORDERS:
        by = {"order_by": order} if order else {}
        server.admin.get("users/", query=by).expect(200)
        for uid in UIDS:
            for parameter in ("start_after_id", "end_before_id"):
                server.admin.get("users/", query={**by, parameter: uid}).expect(200)
    return set(PREPARE.findall(log.read_text()[position:]))


def generic_plan(server, types, text):
    values = ", ".join("'1'" if kind == "varchar" else "1" for kind in types.split(","))
    with contextlib.closing(server.database.connect()) as connection:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("SET plan_cache_mode = force_generic_plan")
            cursor.execute(f"PREPARE page ({types}) AS {text}")
            cursor.execute(f"EXPLAIN EXECUTE page ({values})")
            return "\n".join(line for line, in cursor.fetchall())


def test_one_plan_for_all_values(server):
    found = statements(server)
    # A page at the start, one behind a cursor, one before a cursor.
    assert len(found) == 3 * len(ORDERS)
    for statistics in ("none", "current"):
        if statistics == "current":
            server.sql("ANALYZE users")
        for types, text in found:
            plan = generic_plan(server, types, text)
            assert "Sort Key: u." not in plan, (statistics, text, plan)
            assert "Seq Scan on users" not in plan, (statistics, text, plan)
            assert re.search(r"Index Scan (Backward )?using \w+ on users", plan), plan
