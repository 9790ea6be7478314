# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The bench's users, made by SQL in the database itself, so that a million takes seconds.

Users have the numbers 0, 1, 2 … Victims, which are there to be deleted, have numbers of
their own; in the order of user_uid they come after all other users of the bench.

All are in the organization "default", or spread over many others: users whose numbers follow each
other are in the same one, as many in each, and victims are dealt out in turn.
"""

import os
import sqlite3

ATTRIBUTES = ('{"height":175,"weight":68,"age":"23","ycom":0.95,"leg_length":0.91,'
              '"shoeSize":"7","brand":"Nimbus","shoeModel":"Racer 3","gender":"f"}')
# Of a user with all its indexes, on the servers.
BYTES_OF_A_USER = 1500
# What a server has by default, of either kind.
SERVER_MEMORY = 128 << 20
# Rows a statement: PostgreSQL's trigger that counts keeps as many.
CHUNK = 500000
# With more rows than these it is quicker to make the indexes afterwards.
FEW = 200000
SUB_ADMIN_EVERY = 1000
SUSPENDED_EVERY = 100

# %(first)s and %(last)s are numbers, i is the column.
SERIES = {
    "sqlite": "(WITH RECURSIVE s(i) AS (SELECT %(first)s UNION ALL SELECT i + 1 FROM s"
              " WHERE i < %(last)s) SELECT i FROM s)",
    "postgresql": "generate_series(%(first)s::bigint, %(last)s)",
    "mariadb": "seq_%(first)s_to_%(last)s",
}
NUMBER = {"sqlite": "i", "postgresql": "i", "mariadb": "seq"}
PADDED = {"sqlite": "printf('%019d', i)", "postgresql": "lpad(i::text, 19, '0')",
          "mariadb": "lpad(seq, 19, '0')"}
DIVIDE = {"sqlite": "/", "postgresql": "/", "mariadb": "DIV"}
# The org_id of the first of many organizations.
FIRST_ORG = 1000
INSERT = {"sqlite": ("INSERT OR IGNORE", ""), "postgresql": ("INSERT", "ON CONFLICT DO NOTHING"),
          "mariadb": ("INSERT IGNORE", "")}


def uid(number):
    """A user_uid whose byte order is that of the numbers."""
    return "0%019d" % number


def organization(number):
    """The name of one of many."""
    return "o%d" % number


def made_for(organizations):
    """Which ones the users are in."""
    return "org_id >= %d" % FIRST_ORG if organizations else "name = 'default'"


def set_counts(database, made, organizations):
    """The counts, as the module stores them on a server once they are folded."""
    database.run("DELETE FROM organization_counts")
    database.run("INSERT INTO organization_counts (count_id, org_id, user_count)"
                 " SELECT -org_id, org_id, %d FROM organizations WHERE %s"
                 % (made // (organizations or 1), made_for(organizations)))


class Sqlite:
    def __init__(self, params):
        self.connection = sqlite3.connect(params, timeout=60, isolation_level=None)
        self.triggers = []

    def run(self, sql):
        return self.connection.execute(sql)

    def begin_fill(self):
        self.run("PRAGMA synchronous = OFF")
        self.run("PRAGMA cache_size = -400000")
        self.run("BEGIN")

    def end_fill(self):
        self.run("COMMIT")
        self.run("PRAGMA wal_checkpoint(TRUNCATE)")

    def indexes(self):
        """Statements that drop the secondary indexes of users, and that make them again."""
        rows = self.run("SELECT name, sql FROM sqlite_master WHERE type = 'index'"
                        " AND tbl_name = 'users' AND sql IS NOT NULL").fetchall()
        # With an index goes what the schema says of it for the planner.
        statistics = self.run("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
        return (["DROP INDEX " + name for name, _ in rows],
                [made for _, made in rows] + ["DELETE FROM sqlite_stat1"]
                + ["INSERT INTO sqlite_stat1 VALUES (%s)" % ", ".join(
                    "'%s'" % value for value in row) for row in statistics])

    def without_triggers(self):
        rows = self.run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
                        " AND name = 'users_inserted'").fetchall()
        self.triggers = [made for _, made in rows]
        for name, _ in rows:
            self.run("DROP TRIGGER " + name)

    def with_triggers(self, made, organizations=0):
        """Its counts are one row for each organization."""
        self.run("UPDATE organization_counts SET user_count = %d WHERE org_id IN"
                 " (SELECT org_id FROM organizations WHERE %s)" % (
                     made // (organizations or 1), made_for(organizations)))
        for text in self.triggers:
            self.run(text)


class Postgresql:
    def __init__(self, params):
        import psycopg2
        self.connection = psycopg2.connect(params)
        self.connection.autocommit = True

    def run(self, sql):
        cursor = self.connection.cursor()
        cursor.execute(sql)
        return cursor

    def begin_fill(self):
        self.run("SET synchronous_commit = off")
        self.run("SET maintenance_work_mem = '512MB'")

    def end_fill(self):
        self.run("VACUUM (ANALYZE) users, sub_admins, organizations, organization_counts")
        self.run("CHECKPOINT")

    def indexes(self):
        rows = self.run("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'users'"
                        " AND indexname NOT LIKE '%pkey'").fetchall()
        return ["DROP INDEX " + name for name, _ in rows], [made for _, made in rows]

    def without_triggers(self):
        """Nor checks of foreign keys."""
        self.run("SET session_replication_role = replica")

    def with_triggers(self, made, organizations=0):
        self.run("SET session_replication_role = origin")
        set_counts(self, made, organizations)
        # Of another trigger, in schemas that have groups.
        if organizations and self.run("SELECT to_regclass('user_groups')").fetchone()[0]:
            self.run("INSERT INTO user_groups (org_id, group_id, display_name, display_name_key,"
                     " created_at, updated_at) SELECT org_id, 'sub-admins', 'Sub-admins',"
                     " 'sub-admins', created_at, created_at FROM organizations"
                     " ON CONFLICT DO NOTHING")


class Mariadb:
    def __init__(self, params, user=None):
        import pymysql
        words = dict(word.split("=", 1) for word in params.split(","))
        self.connection = pymysql.connect(unix_socket=words["sock"], user=user or words["user"],
                                          database=words["dbname"], charset="utf8mb4",
                                          autocommit=True)
        self.triggers = []
        # As with the other two, || joins texts.
        self.run("SET sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')")

    def run(self, sql):
        cursor = self.connection.cursor()
        cursor.execute(sql)
        return cursor

    def begin_fill(self):
        self.run("SET unique_checks = 0, foreign_key_checks = 0")

    def end_fill(self):
        self.run("SET unique_checks = 1, foreign_key_checks = 1")
        self.run("ANALYZE TABLE users")

    def indexes(self):
        rows = self.run(
            "SELECT index_name, MAX(non_unique), GROUP_CONCAT(column_name ORDER BY seq_in_index)"
            " FROM information_schema.statistics WHERE table_schema = DATABASE()"
            " AND table_name = 'users' AND index_name <> 'PRIMARY' GROUP BY index_name").fetchall()
        drops = ", ".join("DROP INDEX " + name for name, _, _ in rows)
        adds = ", ".join("ADD %s INDEX %s (%s)" % ("" if many else "UNIQUE", name, columns)
                         for name, many, columns in rows)
        return ["ALTER TABLE users " + drops], ["ALTER TABLE users " + adds]

    def without_triggers(self):
        """The trigger adds a row for each user to the counts, all of which the module would
        have to fold."""
        names = [row[0] for row in self.run("SHOW TRIGGERS WHERE `Table` = 'users'"
                                            " AND Event = 'INSERT'").fetchall()]
        for name in names:
            self.triggers.append(self.run("SHOW CREATE TRIGGER " + name).fetchone()[2])
            self.run("DROP TRIGGER " + name)

    def with_triggers(self, made, organizations=0):
        set_counts(self, made, organizations)
        for text in self.triggers:
            self.run(text)


KINDS = {"sqlite": Sqlite, "postgresql": Postgresql, "mariadb": Mariadb}


def org_id(kind, first_character, total, organizations):
    if not organizations:
        return "(SELECT org_id FROM organizations WHERE name = 'default')"
    if first_character == "1":
        return "%d + %s %% %d" % (FIRST_ORG, NUMBER[kind], organizations)
    return "%d + %s %s %d" % (FIRST_ORG, NUMBER[kind], DIVIDE[kind], total // organizations)


def columns(kind, first_character, total, organizations):
    """How each column of a user is computed from its number."""
    number, padded = NUMBER[kind], PADDED[kind]
    name = "(%s * 7919 %% %d)" % (number, total)
    email = {"0": "'user'", "1": "'victim'"}[first_character]
    email = "%s || %s || '@bench.example.com'" % (email, number)
    return {
        "org_id": org_id(kind, first_character, total, organizations),
        "user_uid": "'%s' || %s" % (first_character, padded),
        "email": email,
        "email_key": email,
        "display_name": "'Person ' || " + name,
        "display_name_folded": "'person ' || " + name,
        "phone": "'+41 ' || " + number,
        "attributes": "'%s'" % ATTRIBUTES,
        "active": "CASE WHEN %s %% %d = 0 THEN 0 ELSE 1 END" % (number, SUSPENDED_EVERY),
        "created_at": "1700000000000 + %s * 1000" % number,
        # The same for all, so that all have the same ETag.
        "updated_at": "1720000000000",
    }


def insert(database, kind, first_character, first, count, total, organizations):
    """Inserts users, but for those that are there. Columns that the table lacks, in the
    schema of another commit, are left out."""
    present = [column[0] for column in database.run("SELECT * FROM users LIMIT 0").description]
    chosen = {name: value for name, value in columns(kind, first_character, total, organizations).items()
              if name in present}
    verb, end = INSERT[kind]
    for start in range(first, first + count, CHUNK):
        last = min(start + CHUNK, first + count) - 1
        database.run("%s INTO users (%s) SELECT %s FROM %s AS s%s WHERE true %s" % (
            verb, ", ".join(chosen), ", ".join(chosen.values()),
            SERIES[kind] % {"first": start, "last": last},
            "(i)" if kind == "postgresql" else "", end))


def make_organizations(database, kind, count):
    """Each has been used by its admin, who is the same in all."""
    database.run("INSERT INTO organizations (org_id, name, created_at)"
                 " SELECT %d + %s, %s, 1700000000000 FROM %s AS s%s" % (
                     FIRST_ORG, NUMBER[kind],
                     "CONCAT('o', seq)" if kind == "mariadb" else "'o' || i",
                     SERIES[kind] % {"first": 0, "last": count - 1},
                     "(i)" if kind == "postgresql" else ""))
    database.run("INSERT INTO admins_seen (org_id, identity, user_uid, role, first_seen_at)"
                 " SELECT org_id, 'admin@example.com', '%s', 'admin', 1700000000000"
                 " FROM organizations WHERE org_id >= %d" % ("9" * 20, FIRST_ORG))


def make_sub_admins(database, count):
    database.run("INSERT INTO sub_admins (org_id, user_uid, added_by, created_at)"
                 " SELECT org_id, user_uid, 'admin@example.com', 1700000000000 FROM users"
                 " WHERE org_id = (SELECT org_id FROM organizations WHERE name = 'default')"
                 " AND user_uid IN (%s)" % ", ".join(
                     "'%s'" % uid(number) for number in range(0, count, SUB_ADMIN_EVERY)[:1000]))


def fill(kind, params, count, organizations=0):
    """The users, some of them suspended and, if there is one organization, some sub-admins."""
    database = KINDS[kind](params)
    drops, makes = database.indexes() if count > FEW else ([], [])
    database.begin_fill()
    database.without_triggers()
    for statement in drops:
        database.run(statement)
    if organizations:
        make_organizations(database, kind, organizations)
    insert(database, kind, "0", 0, count, count, organizations)
    for statement in makes:
        database.run(statement)
    database.with_triggers(count, organizations)
    if not organizations:
        make_sub_admins(database, count)
    database.end_fill()
    database.connection.close()


def fill_victims(kind, params, count, users, organizations=0):
    """Makes again the victims that are gone."""
    database = KINDS[kind](params)
    insert(database, kind, "1", 0, count, users, organizations)
    database.connection.close()


def give_memory(kind, params, users):
    """Gives a database server memory for all users, up to a quarter of the machine's, as its
    operator would. Returns whether the server must be started anew for that."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = min(users * BYTES_OF_A_USER, machine // 4)
    if wanted <= SERVER_MEMORY or kind == "sqlite":
        return False
    if kind == "postgresql":
        Postgresql(params).run("ALTER SYSTEM SET shared_buffers = '%dMB'" % (wanted >> 20))
        return True
    Mariadb(params, "root").run("SET GLOBAL innodb_buffer_pool_size = %d" % wanted)
    return False
