# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The plans of all statements, on a database with many rows in each table. No statement reads a
whole table or a whole index, and no page of a list is made by sorting an organization. On
PostgreSQL this holds for the plan that a prepared statement gets for all its values, and for
the plan for the values at hand; and on each database with statistics and without."""

import contextlib
import json
import re
import sqlite3
import subprocess
from pathlib import Path

import pytest

import databases
from usermgmt_env import module_path, wait_for

# As in print_statements.c.
ROWS = 10000
CHUNK = 1000
TABLES = ("organizations", "organization_counts", "users", "sub_admins", "admins_seen",
          "invitations", "invitation_secrets", "outgoing_mail", "sessions", "activities",
          "idempotency_keys", "audit_events", "api_keys", "user_groups", "group_members",
          "user_emails")
# On PostgreSQL a setting of the transaction takes the place of its rows.
if databases.KIND != "postgresql":
    TABLES += ("audit_permits",)

# Statements that control a transaction have no plan.
TRANSACTIONS = ("begin", "commit", "rollback", "savepoint", "savepoint_release",
                "savepoint_rollback")

# Of a user, so that the table has many pages.
ATTRIBUTES = json.dumps({"text": "x" * 1000})

# Statements that may read more than the rows that they are about, and why: for each kind of
# database, how the statement is named, what it does, and the state of the statistics.
# It counts no more than 10,000 mails of the queue, which a mailer empties.
COUNTS_MAIL = (r"mail_next", r"reads all of outgoing_mail", r".*")
WANTED = {
    "sqlite": [COUNTS_MAIL],
    "mariadb": [
        COUNTS_MAIL,
        # Which rows match both by name and by address, no index tells alone. Here nearly all do.
        (r"users q= count", r"counts an organization's users without an index", r".*"),
    ],
    "postgresql": [
        COUNTS_MAIL,
        # Without statistics the planner takes the index of pending invitations for a tiny one,
        # because it is partial. It reads the pending invitations of the organization.
        (r"invitations status=(pending|expired) .*", r".* an organization's invitations.*",
         r"none"),
        # The groups of a user: whether there is one more. A plan for any user expects that each is
        # in many groups, so it looks at one group after the other, by the index of memberships.
        (r"user_groups user_uid= .*exists.*", r"reads all of user_groups", r".*"),
        # All sessions here are of two users, and all invitations of one inviter, so a plan for any
        # uid expects a half of the table.
        (r"person_(sessions|has_session|invited)|erase_(sessions|inviter)", r"reads all of .*",
         r"current"),
    ],
}

# What the parameters of fixed statements are in these tests. Others are texts.
VALUES = {
    "org_id": 1, "version": 1, "active": 1, "limit": 100, "attempts": 0, "status": 200,
    "count_id": 5, "user_count": 0, "sub_admin_count": 0, "session_count": 0,
    "created_at": 5000, "updated_at": 5000, "last_used_at": 5000, "started_at": 5000,
    "expires_at": 5000, "next_attempt_at": 5000, "first_seen_at": 5000, "at": 5000,
    "earliest": 4900, "latest": 5000, "now": 100, "until": 100, "from": 10, "last_at": 90,
    "users_from": 10, "sessions_from": 10, "is_actor": 1, "after_status": "accepted",
    "last_status": "revoked", "last": "u00090",
    "end": "u00090", "erased": "erased-u05000", "key_id": "key000000000",
    "user_uid": "u05000", "invite_token": "u05000", "mail_uid": "u05000",
    "session_uid": "u05000", "event_uid": "u05000",
    "email": "name05000@example.com", "email_key": "name05000@example.com",
    "identity_key": "name05000@example.com", "actor_key": "name05000@example.com",
    "display_name": "name05000", "display_name_folded": "name05000",
    "user_name": "login05001", "user_name_key": ":login05001", "name_key": "name05000@example.com",
    "external_id": "external05001", "scim": "{}",
    "name": "org01000", "organization": "org01000", "after": "org01000",
    "activity": "run01000", "idempotency_key": "key01000", "secret_sha256": "0" * 59 + "01000",
    "count_ids": "[1,2,3]", "attributes": "{}", "key_id": "u05000000000", "old_until": 5000,
    "email_keys": '["name05000@example.com", "nobody@example.com"]',
    "uids": '["u05000", "u05001"]', "group_id": "u05000", "display_name_key": "name05000",
    "external_id": "idp", "after_uid": "u04990", "until_uid": "u05010",
    "uses": '[{"key_id": "u05000000000", "at": 6000, "addr": "::1"}]',
}


# ---- rows ----


def uid_at(time_in_ms):
    """As um_uid_first()."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number, digits = time_in_ms << 74, ""
    while len(digits) < 20:
        number, digit = divmod(number, 62)
        digits = alphabet[digit] + digits
    return digits


def rare(number, rest, few, many):
    return few if number % 300 == rest else many


def user(org_id, n):
    name = f"name{n:05d}"
    has_login = n % 2 == 1
    return (org_id, f"u{n:05d}", f"{name}@example.com", f"{name}@example.com", name, name,
            rare(n, 0, "+41 1", "+41 2"), ATTRIBUTES, rare(n, 1, 0, 1), n, n,
            f"login{n:05d}" if has_login else None, f":login{n:05d}" if has_login else None,
            f"external{n:05d}" if has_login else None)


def invitation(org_id, n):
    status = ("pending", "accepted", "revoked", "expired")[n % 4]
    name = f"name{n:05d}@example.com"
    return (org_id, f"u{n:05d}", name, name, status, "u00001", "admin@example.com",
            "x" * 250, n, n, n if status == "accepted" else None)


def rows(kind):
    """Of each table: its columns and its rows. The database itself counts users and others."""
    def numbers(count, make):
        return [make(n) for n in range(count)]

    # The first organization and the last one.
    def in_both(make):
        return [make(org_id, n) for org_id in (1, ROWS) for n in range(ROWS)]

    yield ("organizations", "name, created_at", numbers(ROWS, lambda n: (f"org{n:05d}", n)))
    yield ("users", "org_id, user_uid, email, email_key, display_name, display_name_folded, phone,"
           " attributes, active, created_at, updated_at, user_name, user_name_key, external_id",
           in_both(user))
    yield ("sub_admins", "org_id, user_uid, added_by, created_at",
           numbers(ROWS // 4, lambda n: (1, f"u{n * 4:05d}", "x" * 250, n)))
    yield ("admins_seen", "org_id, identity, user_uid, role, first_seen_at",
           numbers(ROWS // 2, lambda n: (1 + n % 100, f"admin{n:05d}@example.com", f"a{n:05d}", "admin", n)))
    yield ("invitations", "org_id, invite_token, email, email_key, status, inviter_uid,"
           " inviter_email, inviter_display_name, created_at, expires_at, accepted_at", in_both(invitation))
    yield ("invitation_secrets", "org_id, secret_sha256, invite_token, created_at",
           numbers(ROWS // 2, lambda n: (1, f"{n:064d}", f"u{n * 2:05d}", n)))
    yield ("outgoing_mail", "org_id, invite_token, mail_uid, created_at, next_attempt_at",
           in_both(lambda org_id, n: (org_id, f"u{n:05d}", f"u{n:05d}", n, n)))
    yield ("sessions", "org_id, session_uid, user_uid, activity, started_at, last_used_at,"
           " reported",
           in_both(lambda org_id, n: (
               org_id, f"u{n:05d}", rare(n, 0, "u00300", "u00001"), rare(n, 1, "run00300", "run"),
               n, n, n % 2)))
    yield ("activities", "org_id, activity, last_used_at",
           numbers(ROWS // 2, lambda n: (1 + n % 100, f"run{n:05d}", n)))
    yield ("idempotency_keys", "org_id, identity, idempotency_key, request_sha256, status, body,"
           " created_at",
           numbers(ROWS // 2, lambda n: (1 + n % 100, f"name{n:05d}@example.com", f"key{n:05d}", "0" * 64, 200,
                                    "", n)))
    yield ("audit_events", "org_id, event_uid, at, actor_identity, actor_key, actor_role,"
           " remote_addr, action, target",
           in_both(lambda org_id, n: (
               org_id, uid_at(n), n, "x", rare(n, 0, "name00300@example.com", "name"), "admin", "",
               rare(n, 1, "action00300", "action"), rare(n, 2, "target00300", "target"))))
    yield ("api_keys", "org_id, key_id, name, role, permissions, secret_sha256, created_at,"
           " created_by",
           in_both(lambda org_id, n: (org_id, f"{'u' if org_id == 1 else 'v'}{n:05d}000000", "key",
                                      "none", "x" * 250, "0" * 64, n, "x")))
    # Beside the groups that come with the organizations. One has nearly all users.
    yield ("user_groups", "org_id, group_id, display_name, display_name_key, external_id,"
           " created_at, updated_at",
           in_both(lambda org_id, n: (org_id, f"u{n:05d}", f"name{n:05d}", f"name{n:05d}",
                                      rare(n, 0, "idp00300", "idp"), n, n)))
    yield ("group_members", "org_id, group_id, user_uid, created_at",
           in_both(lambda org_id, n: (org_id, rare(n, 0, "u00300", "u00001"), f"u{n:05d}", n)))
    yield ("group_members", "org_id, group_id, user_uid, created_at",
           numbers(ROWS - 10, lambda n: (1, f"u{n + 10:05d}", f"u{n:05d}", n)))
    # One address is that of many users.
    yield ("user_emails", "org_id, email_key, user_uid",
           in_both(lambda org_id, n: (org_id, rare(n, 1, f"other{n:05d}@example.com",
                                                   "team@example.com"), f"u{n:05d}")))
    if kind != "sqlite":
        # As they are when the module has folded them.
        yield ("organization_counts", "count_id, org_id, user_count",
               numbers(ROWS, lambda n: (-1 - n, 1 + n, 100)))


def literal(value):
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


@pytest.fixture(scope="module")
def database(live):
    made = live.new_database(live.new_directory())
    if made.kind == "sqlite":
        made.path.parent.mkdir()
        made.apply_schema()
    else:
        made.make()
    assert set(TABLES) | {"schema_version"} == set(made.tables()) - {"sqlite_stat1",
                                                                     "sqlite_stat4"}
    if made.kind == "postgresql":
        # The tests themselves say when there are statistics.
        for table in TABLES:
            made.sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    for table, columns, values in rows(made.kind):
        if table == "organization_counts":
            made.sql("TRUNCATE TABLE organization_counts")
        for first in range(0, len(values), CHUNK):
            made.sql(f"INSERT INTO {table} ({columns}) VALUES " + ", ".join(
                f"({', '.join(map(literal, row))})" for row in values[first:first + CHUNK]))
    yield made
    made.drop()


# ---- statements ----


class Statement:
    """A name, a text with apr_dbd's placeholders, and a value for each."""

    def __init__(self, kind, name, text, values):
        self.kind, self.name, self.text, self.values = kind, name, text, values
        self.is_list = kind == "list"

    def with_placeholders(self, each):
        """The text with each(number, whether it is for an integer) at each placeholder."""
        number = iter(range(len(self.values)))
        return re.sub(r"%(?:%|s|lld)", lambda found: "%" if found[0] == "%%" else each(
            next(number), found[0] == "%lld"), self.text)

    @property
    def types(self):
        return [found == "%lld" for found in re.findall(r"%%|%s|%lld", self.text)
                if found != "%%"]

    def literals(self):
        return [str(value) if is_integer else literal(str(value))
                for value, is_integer in zip(self.values, self.types)]

    @property
    def is_page(self):
        return self.is_list and re.search(
            r" (first|last|before \d+|after \d+|between \d+)( whole)?$", self.name) is not None

    @property
    def is_filtered(self):
        return self.is_list and "=" in self.name


def members(build):
    """The names of the values of each fixed statement."""
    text = (build / "mod_usermgmt/db/queries.h").read_text()
    return {name: re.findall(r"(\w+);", body)
            for name, body in re.findall(r"struct um_bind_(\w+) \{(.*?)\};", text, re.S)}


@pytest.fixture(scope="module")
def statements(database):
    build = Path(module_path()).parents[1]
    program = "tests/live/print_statements"
    subprocess.run(["make", "--silent", program], cwd=build, check=True)
    names = members(build)
    made = []
    for line in subprocess.run([build / program, database.kind], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.splitlines():
        kind, name, text, *values = line.split("\t")
        if kind in ("fixed", "rows"):
            values = [VALUES.get(names[name][int(value)], "x") for value in values]
        made.append(Statement(kind, name, text, values))
    assert len([one for one in made if one.kind == "fixed"]) == len(
        re.findall(r"(?m)^    UM_STMT_\w+,", (build / "mod_usermgmt/db/queries.h").read_text())
        ) - len(TRANSACTIONS)
    assert len([one for one in made if one.is_list]) > 1000
    # What sets a variable of the session has no plan.
    return [one for one in made if not one.text.startswith("SET @")]


# ---- plans ----


class Step:
    """How a plan reads a table: all of it, or from an index. is_narrow tells whether a condition
    other than that on the organization limits the rows of the index that are read."""

    def __init__(self, table, scans=False, is_narrow=True, is_covering=False, is_sorted=False):
        self.table, self.scans, self.is_narrow = table, scans, is_narrow
        self.is_covering, self.is_sorted = is_covering, is_sorted


class Sqlite:
    def __init__(self, database):
        self.connection = sqlite3.connect(database.path)
        self.states = ("made with the schema", "current")

    def close(self):
        self.connection.close()

    def use_statistics(self, state):
        if state == "current":
            self.connection.execute("ANALYZE")

    @staticmethod
    def modes(_state):
        return ("",)

    def plan(self, statement, _mode):
        text = statement.with_placeholders(lambda number, is_integer: "?")
        values = [int(value) if is_integer else value
                  for value, is_integer in zip(statement.values, statement.types)]
        found = self.connection.execute("EXPLAIN QUERY PLAN " + text, values).fetchall()
        return json.dumps(found, indent=1)

    @staticmethod
    def steps(plan, text):
        lines = [(parent, line) for _, parent, _, line in json.loads(plan)]
        for parent, line in lines:
            found = re.match(r"(SCAN|SEARCH) (?:TABLE )?(\w+)", line)
            table = found and table_of(found[2], text)
            if table:
                conditions = re.findall(r"(\w+)[<>=]", line)
                yield Step(table, found[1] == "SCAN",
                           [name for name in conditions if name != "org_id"] != [],
                           "COVERING" in line or "USING PRIMARY KEY" in line,
                           (parent, "USE TEMP B-TREE FOR ORDER BY") in lines)


def table_of(alias, text):
    """The table of that name or alias in a text; None if it is none of the schema."""
    if alias in TABLES:
        return alias
    found = re.search(rf"\b({'|'.join(TABLES)}) (?:AS )?{re.escape(alias)}\b", text)
    return found and found[1]


class Postgresql:
    def __init__(self, database):
        self.connection = database.connect()
        self.cursor = self.connection.cursor()
        self.states = ("none", "current")

    def close(self):
        self.connection.close()

    def use_statistics(self, state):
        if state == "current":
            self.cursor.execute("VACUUM ANALYZE")

    # Without statistics a plan for the values at hand takes each organization for a small one.
    @staticmethod
    def modes(state):
        return ("force_generic_plan",) + (("force_custom_plan",) if state == "current" else ())

    def plan(self, statement, mode):
        types = ", ".join("bigint" if is_integer else "varchar"
                          for is_integer in statement.types)
        text = statement.with_placeholders(lambda number, is_integer: f"${number + 1}")
        values = ", ".join(statement.literals())
        self.cursor.execute(f"SET plan_cache_mode = {mode}")
        self.cursor.execute(f"PREPARE s {f'({types})' if types else ''} AS {text}")
        self.cursor.execute("EXPLAIN (FORMAT JSON) EXECUTE s" + (f"({values})" if values else ""))
        found, = self.cursor.fetchone()
        self.cursor.execute("DEALLOCATE s")
        return json.dumps(found, indent=1)

    def steps(self, plan, text):
        del text
        yield from self.steps_below(json.loads(plan)[0]["Plan"], False, None)

    def steps_below(self, node, is_sorted, table):
        kind = node["Node Type"]
        # Below a limit there are few rows.
        is_sorted = (is_sorted or kind == "Sort") and kind != "Limit"
        table = node.get("Relation Name", table)
        if kind == "Seq Scan" and table in TABLES:
            yield Step(table, scans=True)
        elif kind in ("Index Scan", "Index Only Scan", "Bitmap Index Scan") and table in TABLES:
            condition = node.get("Index Cond", "")
            yield Step(table, not condition,
                       any("org_id" not in part for part in condition.split(" AND ")),
                       kind == "Index Only Scan", is_sorted)
        for child in node.get("Plans", ()):
            yield from self.steps_below(child, is_sorted, table)


class Mariadb:
    def __init__(self, database):
        self.connection = database.connect()
        self.cursor = self.connection.cursor()
        self.states = ("as they are", "current")

    def close(self):
        self.connection.close()

    def use_statistics(self, state):
        if state == "current":
            self.cursor.execute("ANALYZE TABLE " + ", ".join(TABLES))
            self.cursor.fetchall()
        else:
            wait_for(self.has_counted_rows, 60, "InnoDB has counted the rows by itself")

    def has_counted_rows(self):
        """It does some seconds after many rows have come."""
        self.cursor.execute("SELECT table_name, n_rows FROM mysql.innodb_table_stats"
                            " WHERE database_name = DATABASE()")
        counted = dict(self.cursor.fetchall())
        return all(counted[table] > ROWS / 2 for table in ("users", "user_groups"))

    @staticmethod
    def modes(_state):
        return ("",)

    def plan(self, statement, _mode):
        values = statement.literals()
        self.cursor.execute("EXPLAIN " + statement.with_placeholders(
            lambda number, is_integer: values[number]))
        return json.dumps(self.cursor.fetchall(), indent=1)

    @staticmethod
    def steps(plan, text):
        for _, select, alias, kind, _, _, length, _, _, extra in json.loads(plan):
            table = alias and select != "INSERT" and table_of(alias, text)
            if table:
                # A number that is not NULL has 8 bytes in a key.
                yield Step(table, kind in ("ALL", "index"), length != "8",
                           "Using index" in (extra or "").split("; "),
                           "filesort" in (extra or "") or "temporary" in (extra or ""))


@pytest.fixture(scope="module")
def planner(database):
    made = {"sqlite": Sqlite, "postgresql": Postgresql, "mariadb": Mariadb}[database.kind](
        database)
    yield made
    made.close()


def problems_of(statement, steps, kind):
    name = statement.name
    # MariaDB reads all rows of an organization where an index has all that a count needs, unless
    # it is named. The others read the table if nearly all rows match.
    needs_index = name.endswith(" few count") or (
        kind == "mariadb" and statement.is_filtered and name.endswith(" count"))
    is_count = statement.is_list and name.endswith((" count", " whole"))
    # Nearly all rows match these, so reading all of them may be right.
    matches_many = is_count and not name.endswith(" few count")
    for step in steps:
        if step.scans and not matches_many:
            yield f"reads all of {step.table}"
        if name.startswith(f"{step.table} filter=") and not step.is_narrow:
            yield f"reads an organization's {step.table}"
        if statement.is_page and name.startswith(step.table) and step.is_sorted \
                and not (step.is_narrow and statement.is_filtered):
            yield f"sorts an organization's {step.table}"
        if needs_index and step.table != "organization_counts" \
                and not step.is_covering and not step.is_narrow:
            yield f"counts an organization's {step.table} without an index"


def wanted(kind, name, problem, state):
    """The numbers of the exceptions for it."""
    return {number for number, patterns in enumerate(WANTED.get(kind, ()))
            if all(map(re.fullmatch, patterns, (name, problem, state)))}


def test_no_statement_scans(planner, statements, database):
    """All statements, in each state of the statistics."""
    found, excepted = {}, set()
    for state in planner.states:
        planner.use_statistics(state)
        for statement in statements:
            for mode in planner.modes(state):
                plan = planner.plan(statement, mode)
                for problem in problems_of(statement, planner.steps(plan, statement.text),
                                              database.kind):
                    exceptions = wanted(database.kind, statement.name, problem, state)
                    excepted |= exceptions
                    if not exceptions:
                        found.setdefault((statement.name, problem),
                                         (state, mode, statement.text, plan))
    assert not found, "\n".join(f"{name}: {problem}" for name, problem in found) \
        + "\n" + "\n".join(next(iter(found.values())))
    # An exception that is not needed any more goes.
    assert excepted == set(range(len(WANTED.get(database.kind, ()))))
