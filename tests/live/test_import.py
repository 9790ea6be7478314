# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""usermgmtctl users import with many users at a time, on each database."""

import contextlib
import itertools
import json
import random
import sqlite3
import subprocess
import threading
import time

import pytest
from databases import KIND
from usermgmt_env import Workers, wait_for
from usermgmtctl import DatabaseOf, Ended, tool_environment, tool_path

EMAIL, UID = [("email", "email_exists")], [("user_uid", "uid_exists")]
COLUMNS = ("org_id, user_uid, email, email_key, display_name, display_name_folded, attributes,"
           " created_at, updated_at")
runs = itertools.count()


@pytest.fixture
def database(server):
    """The database of a server, without users. Events stay, so each test has its own uids."""
    for table in ("sub_admins", "users"):
        server.sql(f"DELETE FROM {table}")
    made = DatabaseOf(server)
    made.prefix = f"t{next(runs)}-"
    return made


def person(database, number, **more):
    return {"user_uid": f"{database.prefix}{number}", "email": f"p{number}@import.example.com",
            "display_name": f"Person {number}", "n": number, **more}


def ndjson(users):
    return "".join(json.dumps(user) + "\n" for user in users).encode()


def write_people(database, path, count):
    path.write_bytes(ndjson(person(database, number) for number in range(count)))
    return path


def refused(result):
    return {entry["line"]: [(error["field"], error["code"]) for error in entry["errors"]]
            for entry in map(json.loads, (line for line in result.err.splitlines()
                                          if line.startswith("{")))}


def check(server, database, count, sub_admins=0):
    """So many users are there, and each that was imported has one event that made it."""
    assert server.sql("SELECT COUNT(*) FROM users") == [(count,)]
    assert server.sql("SELECT SUM(user_count), SUM(sub_admin_count) FROM organization_counts") \
        == [(count, sub_admins)]
    imported = [uid for uid, in server.sql("SELECT user_uid FROM users WHERE user_uid LIKE ?",
                                           database.prefix + "%")]
    events = [target for target, in server.sql(
        "SELECT target FROM audit_events WHERE action = 'users.create' AND target LIKE ?",
        database.prefix + "%")]
    assert sorted(imported) == sorted(events)


@contextlib.contextmanager
def importing(database, *arguments):
    with subprocess.Popen([tool_path(), *database.config, "users", "import", *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=tool_environment()) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process):
    out, error = process.communicate(timeout=120)
    return Ended(subprocess.CompletedProcess(process.args, process.returncode, out, error))


def with_conflicts(database, count, share):
    """Users of whom some have the uid or the address of one before, and the refusals."""
    chance = random.Random(count * share)
    uids, emails, users, refusals = set(), set(), [], {}
    for number in range(count):
        uid = email = number
        if number > 0 and chance.random() < share:
            uid, email = chance.choice([(chance.randrange(number), number),
                                        (number, chance.randrange(number)),
                                        (number - 1, number - 1)])
        user = person(database, email, user_uid=f"{database.prefix}{uid}")
        if chance.random() < 0.5:
            user["email"] = user["email"].upper()
        if chance.random() < 0.02:
            user["role"] = "sub_admin"
        if uid in uids or email in emails:
            refusals[number + 1] = UID if uid in uids else EMAIL
        else:
            uids.add(uid)
            emails.add(email)
        users.append(user)
    return users, refusals


@pytest.mark.parametrize("share", [0, 0.002, 0.05, 0.7])
def test_conflicts_among_many(server, database, share):
    """Each user who can't be made is told, and all others are made."""
    users, refusals = with_conflicts(database, 1500, share)
    made = [user for line, user in enumerate(users, 1) if line not in refusals]
    sub_admins = [user["user_uid"] for user in made if "role" in user]
    options = ["users", "import", "-", "--with-roles", "--report", "/dev/stderr"]
    dry = database.run(*options, "--dry-run", stdin=ndjson(users))
    assert refused(dry) == refusals
    result = database.run(*options, stdin=ndjson(users)) \
        .expect(1 if refusals else 0, f"{len(made)} imported, 0 already there,"
                                      f" {len(refusals)} refused")
    assert refused(result) == refusals
    check(server, database, len(made), len(sub_admins))
    assert sorted(uid for uid, in server.sql("SELECT user_uid FROM sub_admins")) \
        == sorted(sub_admins)
    events = server.sql("SELECT action, target FROM audit_events WHERE target LIKE ?"
                        " ORDER BY event_uid", database.prefix + "%")
    for action, expected in (("users.create", [user["user_uid"] for user in made]),
                             ("sub_admins.create", sub_admins)):
        assert [target for done, target in events if done == action] == expected
    database.run(*options, "--resume", stdin=ndjson(made)) \
        .expect(0, f"0 imported, {len(made)} already there")
    check(server, database, len(made), len(sub_admins))


def test_events_of_many_are_in_the_form_of_the_api(server, database, admin):
    users = [person(database, number, phone="+1 555" if number % 2 else None,
                    active=number % 3 > 0, nested={"a": ["\u00e9'\"\\", None, 1.5]})
             for number in range(100)]
    database.run("users", "import", "-", stdin=ndjson(users)).expect(0)
    events = dict(server.sql("SELECT target, after_json FROM audit_events WHERE target LIKE ?",
                             database.prefix + "%"))
    assert len(events) == 100
    for user in users:
        assert json.loads(events[user["user_uid"]]) == admin.read(user["user_uid"])


@contextlib.contextmanager
def uncommitted(server, email):
    """A user with that address, in a transaction that is committed at the end."""
    values = ("'other', ?, ?, 'Other', 'other', '{}', 1, 1 FROM organizations"
              " WHERE name = 'default'").replace("?", f"'{email}'")
    with contextlib.closing(sqlite3.connect(server.database_path, isolation_level=None)
                            if KIND == "sqlite" else server.database.connect()) as connection:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE" if KIND == "sqlite" else "BEGIN")
            cursor.execute(f"INSERT INTO users ({COLUMNS}) SELECT org_id, {values}")
            yield
            cursor.execute("COMMIT")


def test_conflict_in_the_middle(server, database, tmp_path):
    """While the users are inserted, another transaction makes one of them."""
    path = write_people(database, tmp_path / "users", 1000)
    with contextlib.ExitStack() as stack:
        with uncommitted(server, "p500@import.example.com"):
            process = stack.enter_context(importing(database, path))
            time.sleep(0.7)
            assert process.poll() is None, process.communicate()
        result = ended(process).expect(1, "999 imported, 0 already there, 1 refused")
    assert refused(result) == {501: EMAIL}
    check(server, database, 1000)


class Creators(Workers):
    """Create users of the file by the API, in any order; created has their numbers."""

    def __init__(self, server, database, count):
        super().__init__()
        self.server, self.database, self.count = server, database, count
        self.created, self.failures = set(), []
        self.threads = [threading.Thread(target=self.create) for _ in range(3)]

    def create(self):
        chance = random.Random()
        with contextlib.closing(self.server.client()) as client:
            while not self.stop.is_set():
                number = chance.randrange(self.count)
                user = person(self.database, number)
                del user["user_uid"]
                answer = client.post("users/", user)
                if answer.status == 201:
                    self.created.add(number)
                elif answer.json.get("code") != "email_exists":
                    self.failures.append(answer)


def test_creates_of_the_same_users(server, database, tmp_path):
    """Each is made once: by the API, and then the import tells so, or by the import."""
    count = 8000
    path = write_people(database, tmp_path / "users", count)
    with Creators(server, database, count) as creators:
        wait_for(lambda: len(creators.created) > 20, 10, "users are created")
        with importing(database, path, "--report", "/dev/stderr") as process:
            result = ended(process)
    created = creators.created
    result.expect(1, f"{count - len(created)} imported, 0 already there, {len(created)} refused")
    assert creators.failures == []
    assert refused(result) == {number + 1: EMAIL for number in created}
    check(server, database, count)


def test_more_bytes_than_a_statement_may_have(server, database):
    """MariaDB refuses a statement that is larger than max_allowed_packet."""
    if KIND == "mariadb":
        before, = server.sql("SELECT @@max_allowed_packet")[0]
        server.sql("SET GLOBAL max_allowed_packet = 1048576")
    try:
        users = [person(database, number, display_name="\U00010400" * 256, text="\"" * 8000)
                 for number in range(300)]
        database.run("users", "import", "-", stdin=ndjson(users)).expect(0, "300 imported")
    finally:
        if KIND == "mariadb":
            server.sql(f"SET GLOBAL max_allowed_packet = {before}")
    check(server, database, 300)


def test_killed_and_resumed(server, database, tmp_path):
    """Each user is made once, with one event, however often the import is killed."""
    count = 40000
    path = write_people(database, tmp_path / "users", count)
    done = 0
    for _ in range(3):
        with importing(database, path, "--resume") as process:
            wait_for(lambda before=done:
                     server.sql("SELECT COUNT(*) FROM users")[0][0] > before
                     or process.poll() is not None, 60, "some are imported")
            process.kill()
            process.communicate()
        done = server.sql("SELECT COUNT(*) FROM users")[0][0]
    assert 0 < done < count
    check(server, database, done)
    database.run("users", "import", path, "--resume") \
        .expect(0, f"{count - done} imported, {done} already there, 0 refused")
    check(server, database, count)
