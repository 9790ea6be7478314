# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""POST users/batch: many users in one request, one transaction, and a result for each."""

import contextlib
import itertools
import json
import os
import random
import threading
import time

import pytest
from api_keys import make_key, with_key
from databases import KIND
from test_durability import check_database
from test_faults import LOST
from usermgmt_env import (ADMIN, PASSWORD, SUB_ADMIN, ConnectionLost, Workers, in_parallel,
                          wait_for)
from usermgmtctl import DatabaseOf

MODES = ["create", "update", "upsert", "skip"]
NUMBERS = itertools.count()
MAX = 500


def fresh_email():
    return f"b{next(NUMBERS)}@batch.example.com"


def person(email=None, **members):
    return {"email": email or fresh_email(), "display_name": "Somebody", **members}


def people(count):
    prefix = f"p{next(NUMBERS)}"
    return [person(f"{prefix}-{number}@batch.example.com", n=number) for number in range(count)]


def post(client, mode, users, headers=None, **members):
    return client.post("users/batch", {"mode": mode, "users": users, **members}, headers=headers)


def batch(client, mode, users, headers=None, **members):
    """The results; the summary must be theirs."""
    answer = post(client, mode, users, headers, **members).expect(200).json
    results = answer["results"]
    assert [row["index"] for row in results] == list(range(len(users)))
    assert sum(answer["summary"].values()) == len(users)
    assert answer["summary"]["refused"] == sum("problem" in row for row in results)
    assert answer["summary"]["created"] == sum(row["status"] == 201 for row in results)
    for row in results:
        assert ("problem" in row) != ("user_uid" in row)
        assert ("problem" in row) == (row["status"] >= 400)
        if "problem" in row:
            assert row["problem"]["status"] == row["status"]
    return answer


def told(answer):
    """(status, code or whether there is a uid) of each result."""
    return [(row["status"], row["problem"]["code"] if "problem" in row
             else row["user_uid"] is not None) for row in answer["results"]]


def uids(answer):
    return [row["user_uid"] for row in answer["results"]]


def contents(server):
    return [server.sql(f"SELECT {columns} FROM {table} ORDER BY 1") for table, columns in (
        ("users", "user_uid, email, display_name, version, attributes, active"),
        ("audit_events", "event_uid"), ("idempotency_keys", "idempotency_key"),
        ("sub_admins", "user_uid"),
        ("(SELECT SUM(user_count) AS counted FROM organization_counts) c", "counted"))]


def events(server, uid):
    return [event["action"] for event in server.admin.get(
        "audit-events/", query={"target": uid, "limit": 1000}).json["audit_events"]]


# ---- the modes ----

OUTCOMES = {
    "create": [(409, "email_exists"), (409, "email_exists"), (201, True),
               (400, "validation_failed"), (400, "validation_failed")],
    "update": [(200, True), (200, True), (404, "user_not_found"), (200, True),
               (404, "user_not_found")],
    "upsert": [(200, True), (200, True), (201, True), (200, True), (404, "user_not_found")],
    "skip": [(200, True), (200, True), (201, True), (400, "validation_failed"),
             (400, "validation_failed")],
}
SUMMARIES = {"create": (1, 0, 0, 4), "update": (0, 2, 1, 2), "upsert": (1, 2, 1, 1),
             "skip": (1, 0, 2, 2)}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_modes(server, admin, mode, dry_run):
    there, same, by_uid = (admin.create(fresh_email(), "There", n=1) for _ in range(3))
    new = person(fresh_email(), m=[1, None])
    before = contents(server)
    answer = batch(admin, mode, [
        {"email": there["email"].upper(), "display_name": " Changed ", "n": 2, "x": "23"},
        {"email": same["email"], "display_name": "There", "n": 1},
        new,
        {"user_uid": by_uid["user_uid"], "email": fresh_email(), "n": None},
        {"user_uid": "nobody", "n": 1},
    ], dry_run=dry_run)
    expected = [(status, status != 201 or not dry_run) if told is True else (status, told)
                for status, told in OUTCOMES[mode]]
    assert told(answer) == expected
    assert tuple(answer["summary"][name] for name in (
        "created", "updated", "skipped", "refused")) == SUMMARIES[mode]
    if dry_run:
        assert contents(server) == before
        return
    for row, user in zip(answer["results"], (there, same, None, by_uid)):
        if user and row["status"] == 200:
            assert row["user_uid"] == user["user_uid"]
    changed = admin.read(there["user_uid"])
    if mode in ("update", "upsert"):
        assert (changed["email"], changed["display_name"], changed["n"], changed["x"]) \
            == (there["email"].upper(), "Changed", 2, "23")
        assert "n" not in admin.read(by_uid["user_uid"])
        assert events(server, there["user_uid"]) == ["users.create", "users.update"]
    else:
        assert changed == there
    assert admin.read(same["user_uid"]) == same
    assert events(server, same["user_uid"]) == ["users.create"]
    if OUTCOMES[mode][2] == (201, True):
        made = admin.read(answer["results"][2]["user_uid"])
        assert (made["email"], made["m"], made["role"]) == (new["email"], [1, None], "user")
        assert events(server, made["user_uid"]) == ["users.create"]


def test_no_users(server, admin):
    before = contents(server)
    for mode in MODES:
        assert batch(admin, mode, [])["results"] == []
    assert contents(server) == before


def test_many_are_made_in_their_order(server, admin):
    """Also where they are not sorted; uids and events tell the order and the members."""
    users = people(MAX)
    random.Random(1).shuffle(users)
    answer = batch(admin, "create", users)
    assert answer["summary"] == {"created": MAX, "updated": 0, "skipped": 0, "refused": 0}
    made = uids(answer)
    assert made == sorted(made) and len(set(made)) == MAX
    stored = {user["user_uid"]: user for user in admin.everyone()}
    audited = dict(server.sql("SELECT target, after_json FROM audit_events"
                              " WHERE action = 'users.create' AND target >= ?", made[0]))
    for uid, user in zip(made, users):
        assert {name: stored[uid][name] for name in user} == user
        assert json.loads(audited[uid]) == stored[uid]
    check_database(server)


# ---- each user as alone ----

BAD = [
    {}, {"email": "x"}, {"email": 5, "display_name": None}, {"display_name": "A"},
    {"email": "ann@ex ample.com", "display_name": "A"}, {"email": "", "display_name": "   "},
    {"email": "c\u0301@batch.example.com", "display_name": "\u2800"},
    {"email": "a@batch.example.com", "display_name": "A" * 257, "phone": "no"},
    {"email": "a@batch.example.com", "display_name": "A\nB", "phone": 5, "active": "yes"},
    {"email": "a@batch.example.com", "display_name": "A", "role": "sub_admin"},
    {"email": "a@batch.example.com", "display_name": "A", "created_at": "2020-01-01T00:00:00Z"},
    {"email": "a@batch.example.com", "display_name": "A", "displayName": 1, "password": 1},
    {"email": "a@batch.example.com", "display_name": "A", "a b": None, "scim": {}},
    {"email": "a@batch.example.com", "display_name": "A", **{f"n{i}": i for i in range(65)}},
    {"email": "a@batch.example.com", "display_name": "A", "t": "x" * 16384},
]


def test_a_bad_user_is_refused_as_alone(server, admin):
    """In a piece with good ones, which are made or changed."""
    good = [person() for _ in BAD]
    for mode in ("create", "skip", "upsert"):
        before = contents(server)
        answer = batch(admin, mode, [*itertools.chain(*zip(BAD, good))], dry_run=mode != "upsert")
        assert [row["status"] for row in answer["results"][1::2]] == [201] * len(good)
        for row, bad in zip(answer["results"][::2], BAD):
            alone = admin.post("users/", bad).expect_problem(400, "validation_failed")
            assert row["problem"] == alone, bad
        assert (contents(server) == before) == (mode != "upsert")


def test_a_bad_change_is_refused_as_alone(server, admin):
    user, other = admin.create(fresh_email(), age=7), admin.create(fresh_email())
    uid = user["user_uid"]
    changes = [
        {"email": "x"}, {"email": None}, {"display_name": ""}, {"phone": "x"}, {"active": 1},
        {"role": "sub_admin"}, {"created_at": "2020-01-01T00:00:00Z"}, {"password": None},
        {"a b": 1}, {"t": "x" * 16384}, {f"n{i}": i for i in range(64)},
        {"email": other["email"].upper()}, {"nested": {"a": 1}, "email": "no"},
    ]
    answer = batch(admin, "update", [{"user_uid": uid, **change} for change in changes])
    for row, change in zip(answer["results"], changes):
        alone = admin.ask("PATCH", "users/" + uid, change)
        assert row["status"] == alone.status >= 400, change
        assert row["problem"] == alone.json, change
    assert admin.read(uid) == user
    # The same with the address instead, where that is not what is wrong.
    by_email = [{"email": user["email"], **change} for change in changes if "email" not in change]
    for mode in ("update", "upsert"):
        again = batch(admin, mode, by_email)
        assert [row["problem"] for row in again["results"]] == [
            row["problem"] for row, change in zip(answer["results"], changes)
            if "email" not in change]
    assert admin.read(uid) == user
    # What a user who was read has can be sent back.
    assert told(batch(admin, "update", [{**user, "age": 8}])) == [(200, True)]
    assert admin.read(uid)["age"] == 8


@pytest.mark.parametrize("mode", MODES)
def test_what_is_no_user(server, admin, mode):
    before = contents(server)
    rows = [None, 5, "x", [], True, {"user_uid": 5}, {"user_uid": "a b"}, {"user_uid": ""},
            {"user_uid": None, "email": None}]
    answer = batch(admin, mode, rows)
    assert told(answer) == [(400, "validation_failed")] * len(rows)
    for row in answer["results"][:5]:
        assert [(fault["field"], fault["code"]) for fault in row["problem"]["errors"]] \
            == [("body", "invalid_type")]
    assert contents(server) == before


def test_errors_of_one_user_are_few_and_short(admin):
    """So the answer is small enough to be kept, whatever was sent."""
    names = {f"{i} " + "\u00e9" * 300: 1 for i in range(12)}
    bad = person(**names)
    answer = batch(admin, "create", [bad] * 100)
    for row in answer["results"]:
        errors = row["problem"]["errors"]
        assert len(errors) == 10 and {fault["code"] for fault in errors} == {"invalid_name"}
        assert all(len(fault["field"].encode()) <= 128 for fault in errors)


def test_too_many_values_of_one_user(server, admin):
    users = [person(), person(deep=list(range(10001))), person()]
    answer = batch(admin, "create", users)
    assert told(answer) == [(201, True), (400, "too_many_values"), (201, True)]


# ---- users who get in each other's way ----


@pytest.mark.parametrize("dry_run", [True, False])
def test_one_address_twice(server, admin, dry_run):
    def spellings():
        name = f"d{next(NUMBERS)}"
        return [f"{name}@b\u00fccher.example", f"{name.upper()}@xn--bcher-kva.EXAMPLE"]

    made = (201, not dry_run)
    for mode, second in (("create", (409, "email_exists")), ("skip", (200, not dry_run)),
                         ("upsert", (200, not dry_run))):
        users = [person(email) for email in spellings()]
        users[1]["n"] = 2
        if mode == "upsert" and not dry_run:
            answer = batch(admin, mode, users)
            assert told(answer) == [made, second] and len(set(uids(answer))) == 1
            assert admin.read(uids(answer)[0])["n"] == 2
        else:
            assert [status for status, _ in told(batch(admin, mode, users, dry_run=dry_run))] \
                == [201, second[0]]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.6, 1])
def test_conflicts_among_many(server, admin, share):
    """Each user who can't be made is told, and all others are made; a dry run tells the same."""
    chance = random.Random(share)
    old = people(MAX)
    batch(admin, "create", old)
    users = people(MAX)
    expected = [201] * MAX
    for index in range(MAX):
        if chance.random() < share:
            other = chance.choice(old if index == 0 or chance.random() < 0.5 else users[:index])
            users[index]["email"] = other["email"].upper()
            expected[index] = 409
    assert [row["status"] for row in batch(admin, "create", users, dry_run=True)["results"]] \
        == expected
    before, = server.sql("SELECT COUNT(*) FROM users")
    answer = batch(admin, "create", users)
    assert [row["status"] for row in answer["results"]] == expected
    made = expected.count(201)
    assert server.sql("SELECT COUNT(*) FROM users") == [(before[0] + made,)]
    # All of them are there now.
    answer = batch(admin, "skip", users)
    assert answer["summary"] == {"created": 0, "updated": 0, "skipped": MAX, "refused": 0}
    answer = batch(admin, "upsert", [{**user, "again": 1} for user in old + users[:0]])
    assert answer["summary"] == {"created": 0, "updated": MAX, "skipped": 0, "refused": 0}
    check_database(server)


@pytest.mark.database("mariadb")
def test_counts_after_a_statement_that_the_database_refuses(new_server):
    """What it counted ahead, and says so in its session, no other change finds there."""
    server = new_server()
    server.allow_log("UM0001|UM0011")
    users = people(MAX)
    server.sql("CREATE TRIGGER refused BEFORE INSERT ON users FOR EACH ROW"
               f" IF NEW.email = '{users[100]['email']}' THEN SIGNAL SQLSTATE '45000'; END IF")
    for _ in range(4):
        post(server.admin, "create", users).expect(503)
    server.sql("DROP TRIGGER refused")
    in_parallel(8, lambda _: [server.admin.create(fresh_email()) for _ in range(5)])
    check_database(server)
    batch(server.admin, "create", users)
    check_database(server)


def test_users_with_uids_are_handled_in_the_order_of_the_request(admin):
    """An address that one gives up is free for those behind it, and not for those before."""
    first, second = admin.create(fresh_email()), admin.create(fresh_email())
    answer = batch(admin, "upsert", [
        person(first["email"], n=1),
        {"user_uid": first["user_uid"], "email": fresh_email()},
        {"user_uid": second["user_uid"], "email": first["email"]},
        person(first["email"], n=2),
        person(second["email"], n=3),
    ])
    assert told(answer) == [(200, True)] * 4 + [(201, True)]
    assert uids(answer)[:4] == [first["user_uid"], first["user_uid"], second["user_uid"],
                                second["user_uid"]]
    assert admin.read(first["user_uid"])["n"] == 1
    assert admin.read(second["user_uid"])["n"] == 2


def test_a_name_of_an_identity_provider_is_taken(server, admin):
    name = fresh_email()
    holder = admin.create(fresh_email())
    server.sql("UPDATE users SET user_name = ?, user_name_key = ? WHERE user_uid = ?", name, name,
               holder["user_uid"])
    other = admin.create(fresh_email())
    for mode in ("create", "skip", "upsert"):
        answer = batch(admin, mode, [person(), person(name), person()])
        assert told(answer) == [(201, True), (409, "user_name_taken"), (201, True)]
        assert answer["results"][1]["problem"] \
            == admin.post("users/", person(name)).expect_problem(409, "user_name_taken")
    answer = batch(admin, "update", [{"user_uid": other["user_uid"], "email": name}])
    assert told(answer) == [(409, "user_name_taken")]


# ---- at the same time ----


@pytest.mark.parametrize("mode", ["create", "skip", "upsert"])
def test_pieces_with_the_same_users(server, admin, mode):
    """Each user is made once, by one of them, and no piece fails."""
    users = people(200)

    def run(index):
        mine = users[:]
        random.Random(index).shuffle(mine)
        return mine, batch(server.client(), mode, mine)

    made = {}
    for mine, answer in in_parallel(6, run):
        for user, row in zip(mine, answer["results"]):
            if row["status"] == 201:
                assert made.setdefault(user["email"], row["user_uid"]) == row["user_uid"]
            else:
                assert row["status"] == (409 if mode == "create" else 200)
    assert set(made) == {user["email"] for user in users}
    assert len(set(made.values())) == len(users)
    check_database(server)


def test_singles_of_the_same_users(server, admin):
    users = people(400)
    created = [set() for _ in range(4)]
    stop = threading.Event()

    def single(index):
        dice = random.Random(index)
        client = server.client()
        while not stop.is_set():
            user = dice.choice(users)
            result = client.post("users/", user)
            if result.status == 201:
                created[index].add(user["email"])
            else:
                result.expect_problem(409, "email_exists")

    def run(index):
        if index < 4:
            return single(index)
        wait_for(lambda: sum(map(len, created)) > 20, 10, "some are created")
        try:
            return batch(server.client(), "create", users)
        finally:
            stop.set()

    answer = in_parallel(5, run)[4]
    by_singles = set().union(*created)
    assert sum(map(len, created)) == len(by_singles)
    for user, row in zip(users, answer["results"]):
        assert row["status"] == (409 if user["email"] in by_singles else 201)
    check_database(server)


def test_updates_by_uid_in_any_order(server, admin):
    """They wait for each other, and none is done again because they lock the same users the other
    way round."""
    made = uids(batch(admin, "create", people(60)))
    before = len(server.log_text())

    def run(index):
        mine = made[:]
        random.Random(index).shuffle(mine)
        return batch(server.client(), "update", [
            {"user_uid": uid, f"by{index}": index} for uid in mine])["summary"]

    assert in_parallel(3, run) == [{"created": 0, "updated": 60, "skipped": 0, "refused": 0}] * 3
    lines = server.log_text()[before:]
    assert "eadlock" not in lines, lines
    for uid in made:
        user = admin.read(uid)
        assert [user[f"by{index}"] for index in range(3)] == [0, 1, 2]


# ---- retries ----


def key():
    return {"Idempotency-Key": f"batch-{next(NUMBERS)}"}


def test_a_retry_gives_the_same_answer(server, admin):
    users = [*people(3), {"email": "bad"}]
    header = key()
    first = post(admin, "create", users, header).expect(200)
    assert "Idempotency-Replayed" not in first.headers
    before = contents(server)
    again = post(admin, "create", users, header).expect(200)
    assert again.raw == first.raw and again.headers["Idempotency-Replayed"] == "true"
    assert contents(server) == before
    post(admin, "skip", users, header).expect_problem(409, "idempotency_key_reused")
    post(admin, "create", users, header, dry_run=True) \
        .expect_problem(409, "idempotency_key_reused")


def test_the_answer_of_a_dry_run_is_not_kept(server, admin):
    users, header = people(2), key()
    for _ in range(2):
        result = post(admin, "create", users, header, dry_run=True).expect(200)
        assert "Idempotency-Replayed" not in result.headers
        assert result.json["summary"]["created"] == 2
    # So the key is free.
    assert post(admin, "create", users, header).expect(200).json["summary"]["created"] == 2


@pytest.mark.parametrize("bad", [0, 40, 499])
def test_a_long_answer_is_kept_whole(server, admin, bad):
    """It is longer than a row of the database can be."""
    users = [{"email": f"bad {number}", f"{number} a": 1} if number < bad else user
             for number, user in enumerate(people(MAX))]
    header = key()
    first = post(admin, "create", users, header).expect(200)
    assert (len(first.raw) > 32768) == (bad > 0)
    for _ in range(2):
        again = post(admin, "create", users, header).expect(200)
        assert again.raw == first.raw and again.headers["Idempotency-Replayed"] == "true"
    longest, = server.sql("SELECT MAX(LENGTH(body)) FROM idempotency_keys")[0]
    assert longest <= 32768
    # The rows of the rest are known to be nobody's key.
    rows = server.sql("SELECT status, idempotency_key FROM idempotency_keys"
                      " WHERE idempotency_key = ?", header["Idempotency-Key"])
    assert len(rows) == 1 and rows[0][0] % 1000 == 200


def test_a_long_answer_of_long_uids(new_server):
    """Imported users can have uids of 128 characters."""
    server = new_server()
    admin = server.admin
    users = people(MAX)
    lines = "".join(json.dumps({**user, "user_uid": f"{number:0128}"}) + "\n"
                    for number, user in enumerate(users))
    DatabaseOf(server).run("users", "import", "-", stdin=lines.encode()).expect(0)
    header = key()
    first = post(admin, "upsert", [{**user, "m": 1} for user in users], header).expect(200)
    assert first.json["summary"] == {"created": 0, "updated": MAX, "skipped": 0, "refused": 0}
    assert len(first.raw) > 65536
    assert post(admin, "upsert", [{**user, "m": 1} for user in users], header).expect(200).raw \
        == first.raw


def test_one_key_at_the_same_time(server, admin):
    users, header = people(300), key()
    answers = in_parallel(6, lambda _: post(server.client(), "create", users, header).expect(200))
    assert len({answer.raw for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 5
    assert answers[0].json["summary"]["created"] == 300
    check_database(server)


def test_an_erased_person_is_in_no_kept_answer(new_server):
    """The rest of the answer stays, and the retry does not make the person again."""
    server = new_server()
    admin = server.admin
    users = [{"email": f"bad {number}"} if number < 300 else user
             for number, user in enumerate(people(MAX))]
    header = key()
    first = post(admin, "create", users, header).expect(200)
    uid = first.json["results"][-1]["user_uid"]
    admin.delete(f"users/{uid}?erase=true").expect(200)
    assert server.sql("SELECT COUNT(*) FROM idempotency_keys WHERE body LIKE ?", f"%{uid}%") \
        == [(0,)]
    again = post(admin, "create", users, header).expect(200)
    assert uid.encode() not in again.raw
    assert again.json["summary"] == first.json["summary"]
    assert admin.everyone(email=users[-1]["email"]) == []


class Senders(Workers):
    """Threads that send pieces with a key each, again and again until they are answered."""

    def __init__(self, server, count, pieces):
        super().__init__()
        self.server = server
        self.answers = {}
        self.failures = []
        self.tries = 0
        self.pieces = iter(pieces)
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work) for _ in range(count)]

    def work(self):
        while True:
            with self.lock:
                users = next(self.pieces, None)
            if users is None:
                return
            self.send(users)

    def send(self, users):
        header = {"Idempotency-Key": users[0]["email"]}
        for _ in range(400):
            with self.lock:
                self.tries += 1
            try:
                result = post(self.server.admin, "create", users, header)
            except (ConnectionLost, OSError):
                time.sleep(0.05)
                continue
            if result.status == 200:
                with self.lock:
                    self.answers[users[0]["email"]] = (users, result)
                return
            if result.status != 503:
                self.failures.append(result)
                return
            time.sleep(0.05)
        self.failures.append(users[0])


def check_senders(server, senders, count):
    assert not senders.failures
    assert len(senders.answers) == count
    there = {user["email"]: user["user_uid"] for user in server.admin.everyone()}
    for users, result in senders.answers.values():
        assert result.json["summary"]["created"] == len(users)
        for user, row in zip(users, result.json["results"]):
            assert there[user["email"]] == row["user_uid"]
    check_database(server)


def test_children_are_killed_in_the_middle(new_server):
    """Whoever sends a piece again with its key gets the answer of the one time it was done."""
    server = new_server()
    server.allow_log("AH10392: children are killed successively")
    server.admin.create("first@batch.example.com")
    pieces = [people(MAX) for _ in range(40)]
    with Senders(server, 4, pieces) as senders:
        while any(thread.is_alive() for thread in senders.threads):
            time.sleep(0.3)
            for child in server.children()[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, 9)
        for thread in senders.threads:
            thread.join(60)
    assert senders.tries > len(pieces)
    check_senders(server, senders, len(pieces))


@pytest.mark.database("postgresql", "mariadb")
def test_the_database_dies_in_the_middle(new_server):
    server = new_server()
    server.allow_log(LOST)
    server.admin.create("first@batch.example.com")
    pieces = [people(MAX) for _ in range(12)]
    with Senders(server, 4, pieces) as senders:
        while any(thread.is_alive() for thread in senders.threads):
            time.sleep(0.4)
            server.database.engine.kill_connections(server.database.name)
        for thread in senders.threads:
            thread.join(60)
    check_senders(server, senders, len(pieces))


# ---- what is refused as a whole ----


@pytest.mark.parametrize("body, faults", [
    ({}, [("mode", "required"), ("users", "required")]),
    ({"mode": "replace", "users": 1}, [("mode", "invalid_value"), ("users", "invalid_type")]),
    ({"mode": 1, "users": {}}, [("mode", "invalid_type"), ("users", "invalid_type")]),
    ({"mode": None, "users": None}, [("mode", "required"), ("users", "required")]),
    ({"mode": "skip", "users": [], "dry_run": 1}, [("dry_run", "invalid_type")]),
    ({"mode": "skip", "users": [], "dryRun": True}, [("dryRun", "unknown_member")]),
    ({"mode": "skip", "users": [None] * 501}, [("users", "too_long")]),
])
def test_bad_requests(server, admin, body, faults):
    before = contents(server)
    problem = admin.post("users/batch", body).expect_problem(400, "validation_failed")
    assert [(fault["field"], fault["code"]) for fault in problem["errors"]] == faults
    assert contents(server) == before


def test_other_requests(server, admin):
    users = people(2)
    post(admin, "create", users, {"If-Match": "*"}).expect_problem(412, "precondition_failed")
    post(admin, "create", users, {"Idempotency-Key": "\u00e9"}) \
        .expect_problem(400, "validation_failed")
    admin.post("users/batch?x=1", {"mode": "create", "users": users}) \
        .expect_problem(400, "validation_failed")
    assert admin.everyone(email=users[0]["email"]) == []
    result = admin.get("users/batch").expect_problem(405, "method_not_allowed")
    assert "POST" in result["detail"] or result
    # None of the ETags of a user is asked for.
    post(admin, "create", users, {"If-None-Match": "*"}).expect(200)
    assert told(batch(admin, "update", [{"email": users[0]["email"], "n": 5}],
                      {"If-None-Match": "*"})) == [(200, True)]


def test_a_body_that_is_no_json_does_nothing(server, admin):
    before = contents(server)
    good = json.dumps(person())
    for text, code in (('{"email": "\\u0000"}', "null_character"), ('{"a": 1, "a": 2}', "duplicate_key"),
                       ('{"a": 1e999}', "number_out_of_range"), ("{", "malformed_json")):
        body = f'{{"mode": "create", "users": [{good}, {text}]}}'.encode()
        admin.send("POST", server.base + "/users/batch", body,
                   {"Content-Type": "application/json"}).expect_problem(400, code)
    assert contents(server) == before


def test_limits_of_the_body(new_server):
    server = new_server(location="UserMgmtMaxBody 8000000")
    large = [person(text="x" * 15000) for _ in range(MAX)]
    post(server.admin, "create", large).expect_problem(413, "body_too_large")
    fits = large[:270]
    assert batch(server.admin, "create", fits)["summary"]["created"] == 270
    assert batch(server.admin, "upsert", [{**user, "n": 1} for user in fits])["summary"] \
        == {"created": 0, "updated": 270, "skipped": 0, "refused": 0}
    server.stop()


def test_the_usual_limit_is_that_of_all_bodies(admin):
    post(admin, "create", [person(text="x" * 15000) for _ in range(75)], dry_run=True) \
        .expect_problem(413, "body_too_large")
    batch(admin, "create", [person(text="x" * 15000) for _ in range(65)], dry_run=True)


# ---- who may ----

NEEDED = {"create": {"users:create"}, "skip": {"users:create"}, "update": {"users:update"},
          "upsert": {"users:create", "users:update"}}


@pytest.fixture(scope="module", name="keyed")
def keyed_server(make_server):
    return make_server(location="UserMgmtKeys On")


@pytest.mark.parametrize("permissions", [
    ["users:create"], ["users:update"], ["users:create", "users:update"], ["users:read"],
    ["users:read", "users:create", "users:update"]])
@pytest.mark.parametrize("mode", MODES)
def test_permissions_of_keys(keyed, mode, permissions):
    user = keyed.admin.create(fresh_email())
    client = with_key(keyed, make_key(keyed.admin, permissions=permissions))
    rows = [{"email": user["email"], "display_name": "New"}, person()]
    if not NEEDED[mode] <= set(permissions):
        before = contents(keyed)
        problem = post(client, mode, rows).expect_problem(403, "forbidden")
        missing = NEEDED[mode] - set(permissions)
        assert problem["permission"] in missing | {"users:create"} - set(permissions)
        # Before the body is looked at.
        post(client, mode, 5).expect_problem(403, "forbidden")
        assert contents(keyed) == before
        return
    answer = batch(client, mode, rows)
    is_told = "users:read" in permissions
    assert told(answer)[0] == ((409, "email_exists") if mode == "create" else (200, is_told))
    if mode != "update":
        assert told(answer)[1] == (201, True)
    # Who knows the uid is told it.
    if "users:update" in NEEDED[mode]:
        answer = batch(client, mode, [{"user_uid": user["user_uid"], "n": 1}])
        assert uids(answer) == [user["user_uid"]]


def test_a_key_that_was_narrowed_or_revoked(keyed):
    """The change itself asks the database, although this server remembers the key."""
    text = make_key(keyed.admin, permissions=["users:create", "users:update"])
    client = with_key(keyed, text)
    assert told(batch(client, "upsert", [person()])) == [(201, True)]
    for permissions, allowed in (("users:update", "update"), ("users:create", "create")):
        keyed.sql("UPDATE api_keys SET permissions = ? WHERE key_id = ?", permissions, text[4:16])
        for mode in MODES:
            result = post(client, mode, [])
            if NEEDED[mode] == {permissions}:
                result.expect(200)
            else:
                result.expect_problem(403, "forbidden")
    keyed.sql("UPDATE api_keys SET revoked_at = 1 WHERE key_id = ?", text[4:16])
    post(client, "create", [person()]).expect(401)


def test_sub_admins(server, admin, new_server):
    """They can't touch those with a role, nor give anybody an admin's address."""
    admin.get("users/").expect(200)
    helper = admin.create(fresh_email(), "Helper")
    admin.post("sub-admins/", {"user_uid": helper["user_uid"]}).expect(201)
    user = admin.create(fresh_email())
    before = admin.read(helper["user_uid"])
    client = server.client(SUB_ADMIN)
    protected = (403, "protected_user")
    assert told(batch(client, "create", [person(), person(ADMIN), person()])) \
        == [(201, True), protected, (201, True)]
    assert told(batch(client, "update", [
        {"user_uid": helper["user_uid"], "n": 1}, {"email": helper["email"], "n": 1},
        {"user_uid": user["user_uid"], "email": ADMIN}, {"user_uid": user["user_uid"], "n": 1},
    ])) == [protected, protected, protected, (200, True)]
    assert told(batch(client, "upsert", [
        person(helper["email"]), person(ADMIN), person(user["email"], n=2), person()])) \
        == [protected, protected, (200, True), (201, True)]
    # One who is there is left as it is, and nothing is taken from anybody.
    assert told(batch(client, "skip", [person(helper["email"]), person(ADMIN), person()])) \
        == [(200, True), protected, (201, True)]
    assert admin.read(helper["user_uid"]) == before
    assert admin.read(user["user_uid"])["n"] == 2


@pytest.mark.parametrize("allowed", ["users:create", "users:update"])
def test_what_sub_admins_are_allowed(new_server, allowed):
    server = new_server(location=f"UserMgmtSubAdminAllow {allowed}")
    client = server.client(SUB_ADMIN)
    for mode in MODES:
        if NEEDED[mode] == {allowed}:
            batch(client, mode, [person()])
        else:
            problem = post(client, mode, [person()]).expect_problem(403, "forbidden")
            assert {problem["permission"]} == NEEDED[mode] - {allowed}
    post(server.nobody, "create", [person()]).expect_problem(403, "forbidden")


def test_a_suspended_sub_admin_has_no_rights(new_server):
    """Also not in the piece that comes right after the one that suspends it."""
    server = new_server()
    admin = server.admin
    stored = admin.create(server.add_login(fresh_email()))
    admin.post("sub-admins/", {"user_uid": stored["user_uid"]}).expect(201)
    client = server.client(stored["email"])
    assert told(batch(client, "create", [person()])) == [(201, True)]
    for rows in ([{"user_uid": stored["user_uid"], "active": False}],
                 [{"email": stored["email"], "active": False}]):
        assert told(batch(admin, "update", rows, dry_run=True)) == [(200, True)]
        batch(client, "create", [person()])
        # Each process remembers the role.
        assert {client.get("users/", fresh=True).status for _ in range(12)} == {200}
        assert told(batch(admin, "update", [*rows, person()])) == [(200, True),
                                                                   (404, "user_not_found")]
        assert {client.get("users/", fresh=True).status for _ in range(12)} == {403}
        for mode in MODES:
            post(client, mode, [person()]).expect_problem(403, "forbidden")
        assert told(batch(admin, "upsert", [{**rows[0], "active": True}])) == [(200, True)]
        batch(client, "create", [person()])
    # A sub-admin by directive loses it by becoming a suspended user.
    by_directive = server.client(SUB_ADMIN)
    batch(by_directive, "create", [person()])
    batch(admin, "create", [person(), person(SUB_ADMIN, active=False)])
    post(by_directive, "create", [person()]).expect_problem(403, "forbidden")


def test_a_sub_admin_is_suspended_while_it_sends(new_server):
    """A piece of its is there as a whole or not at all."""
    server = new_server()
    stored = server.admin.create(server.add_login(fresh_email()))
    server.admin.post("sub-admins/", {"user_uid": stored["user_uid"]}).expect(201)
    pieces = [people(100) for _ in range(60)]
    begun = threading.Event()

    def send(users):
        result = post(server.client(stored["email"]), "create", users)
        begun.set()
        return result

    def run(index):
        if index == 1:
            begun.wait(30)
            return server.admin.put("users/" + stored["user_uid"], {"active": False}).expect(200)
        return [send(users) for users in pieces]

    results, _ = in_parallel(2, run)
    statuses = [result.status for result in results]
    assert statuses == sorted(statuses) and statuses[-1] == 403
    there = {user["email"] for user in server.admin.everyone()}
    for users, status in zip(pieces, statuses):
        assert {user["email"] in there for user in users} == {status == 200}
    check_database(server)


# ---- what is left of it ----


def test_the_audit_trail(server, admin):
    """As of single requests: the ids of the request, the caller, before and after."""
    user = admin.create(fresh_email(), n=1)
    same = admin.create(fresh_email(), n=1)
    trace = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    result = post(admin, "upsert", [
        {"email": user["email"], "display_name": "New", "n": 2}, person(), person(),
        {"email": same["email"], "n": 1}, {"email": "bad"}], trace).expect(200)
    made = uids({"results": result.json["results"][:4]})
    found = [event for event in admin.get("audit-events/?limit=1000&order_by=-at")
             .json["audit_events"] if event["request_id"] == result.headers["Request-Id"]]
    assert {(event["action"], event["target"]) for event in found} == {
        ("users.update", made[0]), ("users.create", made[1]), ("users.create", made[2])}
    single = admin.get("audit-events/", query={"target": user["user_uid"], "limit": 1}) \
        .json["audit_events"][0]
    for event in found:
        assert set(event) == set(single)
        for name in ("actor", "actor_uid", "actor_role", "remote_addr"):
            assert event.get(name) == single.get(name)
        assert event["after"] == admin.read(event["target"])
        assert event["before"] == (user if event["action"] == "users.update" else None)
        assert event["trace_id"] == trace["traceparent"].split("-")[1]


def test_more_bytes_than_a_statement_may_have(new_server):
    server = new_server(location="UserMgmtMaxBody 8000000")
    if KIND == "mariadb":
        before, = server.sql("SELECT @@max_allowed_packet")[0]
        server.sql("SET GLOBAL max_allowed_packet = 1048576")
    try:
        users = [person(display_name="\U00010400" * 256, text="\"" * 5000) for _ in range(300)]
        answer = batch(server.admin, "create", users)
        assert answer["summary"]["created"] == 300
    finally:
        if KIND == "mariadb":
            server.sql(f"SET GLOBAL max_allowed_packet = {before}")


def test_the_log_names_the_action(new_server):
    server = new_server(extra='LogFormat "%{usermgmt-action}n %>s" actions\n'
                              'CustomLog "@DIR@/logs/actions" actions\n')
    batch(server.admin, "create", [person()])
    post(server.admin, "create", 5).expect(400)
    server.stop()
    lines = (server.directory / "logs/actions").read_text().splitlines()
    assert sorted(lines[-2:]) == ["users.batch 200", "users.batch 400"]
    assert PASSWORD not in "".join(lines)
