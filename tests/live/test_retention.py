# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Data that grows: what UserMgmtKeep and usermgmtctl prune delete and what they leave, while the
server is asked; and that nothing stays of a person who was erased."""

import json
import random
import re
import sqlite3
import subprocess
import threading
import time

import databases
import pytest
from databases import KIND
from usermgmt_env import ADMIN, PASSWORD, ConnectionLost, Workers, location, wait_for
from usermgmtctl import DatabaseOf, run

DAY = 24 * 3600 * 1000
ORGANIZATION = "UserMgmtOrganization %{HTTP:X-Organization}"


def now():
    return int(time.time() * 1000)


def uid_at(time_in_ms, number=0):
    """As the module makes them."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    value, digits = (time_in_ms << 74) + number, ""
    while len(digits) < 20:
        value, digit = divmod(value, 62)
        digits = alphabet[digit] + digits
    return digits


def insert(server, table, columns, rows):
    """Many rows, in statements that each database takes."""
    def literal(value):
        return "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"

    for first in range(0, len(rows), 500):
        server.sql(f"INSERT INTO {table} ({columns}) VALUES " + ", ".join(
            f"({', '.join(map(literal, row))})" for row in rows[first:first + 500]))


def add_events(server, ages, org_id=1):
    """Events so many days old."""
    insert(server, "audit_events", "org_id, event_uid, at, actor_identity, actor_key, actor_role,"
           " remote_addr, action, target",
           [(org_id, uid_at(now() - int(age * DAY), number), now() - int(age * DAY), "x", "x",
             "admin", "", "old.event", "x") for number, age in enumerate(ages)])


def add_sessions(server, ages, org_id=1, lasted=0):
    insert(server, "sessions", "org_id, session_uid, user_uid, activity, started_at, last_used_at,"
           " reported",
           [(org_id, f"s{org_id}-{lasted}-{number}-{age}", "u", "old", now() - int((age + lasted) * DAY),
             now() - int(age * DAY), 0) for number, age in enumerate(ages)])


def add_invitations(server, ages, org_id=1):
    states = ("pending", "accepted", "revoked", "expired")
    insert(server, "invitations", "org_id, invite_token, email, email_key, status, inviter_uid,"
           " inviter_email, created_at, expires_at, accepted_at",
           [(org_id, f"t{number}-{age}", f"i{number}-{age}@example.com", f"i{number}-{age}@example.com",
             states[number % 4], "u", "u", 1, now() - int(age * DAY),
             1 if number % 4 == 1 else None) for number, age in enumerate(ages)])
    insert(server, "invitation_secrets", "org_id, secret_sha256, invite_token, created_at",
           [(org_id, f"{number:064d}", f"t{number}-{age}", 1) for number, age in enumerate(ages)])


def add_answers(server, ages):
    insert(server, "idempotency_keys", "org_id, identity, idempotency_key, request_sha256, status,"
           " body, created_at",
           [(1, "x", f"old{number}", "0" * 64, 200, "{}", now() - int(age * DAY))
            for number, age in enumerate(ages)])


def count(server, table, condition="1 = 1"):
    return server.sql(f"SELECT COUNT(*) FROM {table} WHERE {condition}")[0][0]


def org_id_of(server, name):
    return server.sql("SELECT org_id FROM organizations WHERE name = ?", name)[0][0]


# ---- pruning ----


def test_the_watchdog_deletes_what_is_older(new_server):
    """In pieces of which none is the last, and of each organization as its Location says."""
    server = new_server(start=False)
    server.start()
    DatabaseOf(server).run("org", "create", "strict").expect(0)
    DatabaseOf(server).run("org", "create", "other").expect(0)
    strict, other = org_id_of(server, "strict"), org_id_of(server, "other")
    server.stop()
    for org_id in (1, strict, other):
        add_events(server, [500] * 450 + [20] * 3 + [1] * 2, org_id)
        add_sessions(server, [500] * 210 + [20] * 3 + [1] * 2, org_id)
        # They began long ago, and are used.
        add_sessions(server, [5] * 4, org_id, lasted=600)
        add_invitations(server, [500] * 205 + [20] * 3 + [1, -1], org_id) if org_id != other else None
    add_answers(server, [3] * 230 + [0.5])
    server.extra += """
        UserMgmtKeep audit=400d sessions=90d
        UserMgmtKeep invitations=90d idempotency=24h
        """ + location("/strict", "UserMgmtOrganization strict\n"
                       "UserMgmtKeep audit=10d sessions=10d invitations=10d")
    server.start()
    wait_for(lambda: "UM0117" in server.log_text(), 30, "the end of the work")
    found = {org_id: (count(server, "audit_events", f"org_id = {org_id} AND action = 'old.event'"),
                      count(server, "sessions", f"org_id = {org_id}"),
                      count(server, "invitations", f"org_id = {org_id}"),
                      count(server, "invitation_secrets", f"org_id = {org_id}"))
             for org_id in (1, strict, other)}
    assert found == {1: (5, 9, 5, 5), strict: (2, 6, 2, 2), other: (5, 9, 0, 0)}
    assert count(server, "idempotency_keys") == 1
    status = server.admin.get("organization-status/").expect(200).json
    assert status["session_count"] == 9
    assert re.search(r"old data was deleted: 1353 audit events, 633 sessions, 413 invitations, "
                     r"230 kept answers", server.log_text())
    server.database.check()


def test_nothing_but_kept_answers_is_deleted_by_default(new_server):
    server = new_server()
    server.stop()
    add_events(server, [5000] * 3)
    add_sessions(server, [5000] * 3)
    add_invitations(server, [5000] * 3)
    add_answers(server, [3] * 3)
    server.start()
    wait_for(lambda: "UM0117" in server.log_text(), 30, "the end of the work")
    assert [count(server, table) for table in ("sessions", "invitations", "idempotency_keys")] \
        == [3, 3, 0]
    assert count(server, "audit_events", "action = 'old.event'") == 3


def test_forever_and_the_longest_of_several(new_server):
    """Two Locations of one organization: what one of them keeps is kept."""
    server = new_server(start=False, location="UserMgmtKeep audit=10d sessions=10d idempotency=forever",
                        extra=location("/more", "UserMgmtKeep audit=30d sessions=forever"))
    server.start()
    server.stop()
    add_events(server, [40, 20, 5])
    add_sessions(server, [4000, 20, 5])
    add_answers(server, [400])
    server.start()
    wait_for(lambda: "UM0117" in server.log_text(), 30, "the end of the work")
    assert count(server, "audit_events", "action = 'old.event'") == 2
    assert (count(server, "sessions"), count(server, "idempotency_keys")) == (3, 1)


def test_kept_answers_are_given_again_as_long_as_they_are_kept(new_server):
    server = new_server(location="UserMgmtKeep idempotency=60s")
    body = {"email": "ann@example.com", "display_name": "Ann"}
    headers = {"Idempotency-Key": "one"}
    admin = server.admin
    first = admin.post("users/", body, headers=headers).expect(201)
    server.sql("UPDATE idempotency_keys SET created_at = created_at - 50000")
    assert admin.post("users/", body, headers=headers).expect(201).raw == first.raw
    server.sql("UPDATE idempotency_keys SET created_at = created_at - 50000")
    admin.post("users/", body, headers=headers).expect_problem(409, "email_exists")
    # A key that has expired can be used again.
    other = {"email": "bob@example.com", "display_name": "Bob"}
    made = admin.post("users/", other, headers=headers).expect(201)
    assert made.headers.get("Idempotency-Replayed") is None
    assert admin.post("users/", other, headers=headers).expect(201).raw == made.raw


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("line, error", [
    ("UserMgmtKeep audit=1h", r'UserMgmtKeep: "1h" is no time from 1d to 36500d'),
    ("UserMgmtKeep sessions=never", r'"never" is no time .*; or it is forever'),
    ("UserMgmtKeep users=1d", r'"users=1d" is no NAME=TIME'),
    ("UserMgmtKeep audit", r'"audit" is no NAME=TIME'),
    ("UserMgmtKeep audit=1d audit=2d", "audit is given twice"),
    ("UserMgmtKeep", "UserMgmtKeep"),
])
def test_what_configtest_refuses(new_server, line, error):
    new_server(start=False, extra=line).expect_config_error(error)


class Asking(Workers):
    """Callers who write and read, and the longest time that one of them waited."""

    def __init__(self, server, threads=4):
        super().__init__()
        self.server = server
        self.longest = 0
        self.done = 0
        self.errors = []
        self.threads = [threading.Thread(target=self._run, args=(index,)) for index in range(threads)]

    def _run(self, index):
        try:
            while not self.stop.is_set():
                began = time.monotonic()
                user = self.server.admin.create(f"w{index}-{self.done}-{began}@example.com")
                self.server.admin.read(user["user_uid"])
                self.longest = max(self.longest, time.monotonic() - began)
                self.done += 1
        except (AssertionError, ConnectionLost) as error:
            self.errors.append(error)


def test_several_servers_prune_at_once_under_load(new_server):
    """Each row is deleted once, no request fails, and none waits long."""
    first = new_server()
    first.stop()
    add_events(first, [500] * 3000 + [1] * 10)
    keep = "UserMgmtKeep audit=400d"
    first.extra = keep
    second = new_server(start=False, database=first.database, extra=keep)
    for server in (first, second):
        # On SQLite they are strangers to each other's locks, so a change can be tried again.
        server.allow_log("UM0001|UM0010|UM0119")
    first.start()
    with Asking(first) as asking:
        second.start()
        wait_for(lambda: count(first, "audit_events", "action = 'old.event'") == 10, 60,
                 "all old events are gone")
    assert not asking.errors, asking.errors
    assert asking.done > 10 and asking.longest < 5
    deleted = sum(int(number) for server in (first, second)
                  for number in re.findall(r"was deleted: (\d+) audit events", server.log_text()))
    wait_for(lambda: sum(int(number) for server in (first, second) for number in re.findall(
        r"was deleted: (\d+) audit events", server.log_text())) == 3000, 10, f"3000, not {deleted}")
    first.database.check()


def test_the_trail_is_not_changed_by_accident(new_server):
    """Also while a piece is deleted by somebody else, and after it."""
    server = new_server()
    server.admin.create("ann@example.com")
    add_events(server, [500] * 20)
    DatabaseOf(server).run("prune", "audit").expect(0)
    for statement in ("DELETE FROM audit_events", "UPDATE audit_events SET target = 'x'"):
        with pytest.raises(Exception, match="audit events are append-only"):
            server.sql(statement)
    # The permit of a transaction is for its purpose only.
    if KIND == "postgresql":
        with pytest.raises(Exception, match="append-only"):
            server.sql("SET usermgmt.audit_permit = 'erase'; DELETE FROM audit_events")
    else:
        assert count(server, "audit_permits") == 0


# ---- by hand ----


def test_prune_by_hand(new_server):
    server = new_server(extra="UserMgmtKeep idempotency=forever")
    tool = DatabaseOf(server)
    tool.run("org", "create", "other").expect(0)
    other = org_id_of(server, "other")
    for org_id in (1, other):
        add_events(server, [500] * 1200 + [100], org_id)
        add_sessions(server, [100] * 1100 + [20], org_id)
    add_invitations(server, [100] * 1005 + [20])
    add_answers(server, [3] * 1001 + [0.5])
    asked = {kind: tool.run("prune", kind, "--dry-run").expect(0).lines[0]["would_prune"]
             for kind in ("audit", "sessions", "invitations", "idempotency")}
    assert asked == {"audit": 2400, "sessions": 2200, "invitations": 1005, "idempotency": 1001}
    assert tool.run("prune", "audit", "--org", "other").expect(0).lines[0]["pruned"] == 1200
    for kind, expected in {**asked, "audit": 1200}.items():
        line, = tool.run("prune", kind).expect(0).lines
        assert line["pruned"] == expected and line["until"].endswith("Z"), kind
        assert tool.run("prune", kind).expect(0).lines[0]["pruned"] == 0
    assert count(server, "audit_events", "action = 'old.event'") == 2
    assert (count(server, "sessions"), count(server, "invitations"),
            count(server, "invitation_secrets"), count(server, "idempotency_keys")) == (2, 1, 1, 1)
    # An age of one's own; and an event for each piece, in its transaction.
    assert tool.run("prune", "sessions", "--older-than", "24h").expect(0).lines[0]["pruned"] == 2
    events = [json.loads(line) for line in tool.run("audit", "export").expect(0).out.splitlines()]
    pruned = {}
    for event in events:
        if event["action"].endswith(".prune"):
            pruned[event["action"]] = pruned.get(event["action"], 0) + event["after"]["pruned"]
    assert pruned == {"audit_events.prune": 1200, "sessions.prune": 1101, "invitations.prune": 1005}
    assert server.admin.get("organization-status/").expect(200).json["session_count"] == 0


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("age", ["90", "90x", "-1d", "d", "100001d", "1.5d", ""])
def test_ages_that_are_none(new_server, age):
    server = new_server(start=False)
    DatabaseOf(server).run("prune", "audit", "--older-than", age).expect(2, "--older-than must be")


def test_on_the_schema_before(new_server):
    """Nothing of this needs the newest schema."""
    server = new_server(schema=databases.VERSION - 1, extra="UserMgmtKeep audit=400d sessions=90d")
    users = [server.admin.create(f"ann{number}@example.com") for number in range(2)]
    server.stop()
    add_events(server, [500])
    add_sessions(server, [500])
    server.start()
    wait_for(lambda: count(server, "sessions") == 0, 30, "the session is gone")
    wait_for(lambda: count(server, "audit_events", "action = 'old.event'") == 0, 30,
             "the event is gone")
    tool = DatabaseOf(server)
    add_events(server, [500])
    assert tool.run("prune", "audit").expect(0).lines[0]["pruned"] == 1
    tool.run("users", "show", users[0]["user_uid"]).expect(0)
    tool.run("users", "erase", users[0]["user_uid"]).expect(0)
    server.admin.delete("users/" + users[1]["user_uid"] + "?erase=true").expect(200)
    for user in users:
        assert found_in(everything(server), user["user_uid"]) == []


# ---- a person ----

SUPPORT = "support@example.com"
ANN = "Ann.Example@persons.example.com"
EARLIER = "ann.before@persons.example.com"
# All that tells of her, in any table, file or line of the log. Joann's address ends as hers.
TRACES = ["ann.example@persons", "ann.before@persons", "Annabel Müstermann", "+41 79 555 01 23",
          "a-secret-of-ann", "ann.before%40persons"]
IDENTITIES = f"""
    UserMgmtIdentity %{{HTTP:X-Identity}}
    UserMgmtSubAdminAllow users:read users:create users:update users:delete invitations:read
"""
ROLES = f"""
    UserMgmtAdmin expr "%{{HTTP:X-Identity}} == '{ADMIN}'"
    UserMgmtAdmin expr "tolower(%{{HTTP:X-Identity}}) == 'ann.example@persons.example.com' && \
%{{HTTP:X-Admin}} == 'yes'"
"""


def make_person(server):
    """She has left something everywhere. Returns her uid, and what must stay of others."""
    admin = server.caller(ADMIN)
    ann = admin.post("users/", {"email": EARLIER, "display_name": "Annabel Müstermann",
                                "phone": "+41 79 555 01 23", "diary": "a-secret-of-ann"},
                     headers={"Idempotency-Key": "ann-1"}).expect(201).json["userData"]
    uid = ann["user_uid"]
    admin.put("users/" + uid, {"email": ANN, "more": ["a-secret-of-ann", {"x": ANN}]}).expect(200)
    admin.post("sub-admins/", {"email": ANN}).expect(201)
    # An invitation that ended, and one that is pending, with her address in its link.
    token = admin.post("invitations/", {"email": "ann.before@persons.example.com"}) \
        .expect(201).json["invitation"]["invite_token"]
    admin.delete("invitations/" + token).expect(200)
    admin.post("invitations/", {"email": "friend@example.com",
                                "platform_link": "https://example.com/?by=ann.before%40persons.example.com"},
               headers={"Idempotency-Key": "friend-1"}).expect(201)
    # What is of others is theirs: this one is pruned, and its past is in the trail.
    server.sql("DELETE FROM invitation_secrets WHERE invite_token IN"
               " (SELECT invite_token FROM invitations WHERE email = 'friend@example.com')")
    server.sql("DELETE FROM invitations WHERE email = 'friend@example.com'")
    # As a sub-admin, and later as an admin.
    her = server.client(headers={"X-Identity": ANN.upper()})
    bob = her.post("users/", {"email": "bob@example.com", "display_name": "Bob",
                              "manager": "Ann.Example@persons.example.com"},
                   headers={"Idempotency-Key": "her-own"}).expect(201).json["userData"]
    # Attributes of others are theirs, but their past is in the trail.
    admin.put("users/" + bob["user_uid"], {"manager": None}).expect(200)
    joann = admin.create("joann.example@persons.example.com", "Jo")
    as_admin = server.client(headers={"X-Identity": ANN, "X-Admin": "yes"})
    as_admin.post("sub-admins/", {"user_uid": bob["user_uid"]}).expect(201)
    as_admin.post("invitations/", {"email": "guest@example.com"}).expect(201)
    as_admin.post("api-keys/", {"name": "made by her", "permissions": ["users:read"],
                                "expires_in": "1d"}).expect(201)
    admin.delete("sub-admins/" + bob["user_uid"]).expect(200)
    as_admin.post("sub-admins/", {"user_uid": joann["user_uid"]}).expect(201)
    for _ in range(3):
        admin.post("sessions/", {"user_uid": uid, "activity": "running"}).expect(201)
    admin.post("sessions/", {"user_uid": joann["user_uid"], "activity": "running"}).expect(201)
    return uid, bob["user_uid"], joann["user_uid"]


def everything(server):
    """The text of all tables but that of the counts, which name nobody and are folded at any
    time."""
    return "\n".join(f"{table}: {sorted(map(repr, server.sql(f'SELECT * FROM {table}')))}"
                     for table in server.database.tables() if table != "organization_counts")


def found_in(text, uid):
    data = text.lower() if isinstance(text, bytes) else text.lower().encode()
    return [trace for trace in [*TRACES, uid]
            if re.search(b"(?<!jo)" + re.escape(trace.lower().encode()), data)]


def in_files(server, uid):
    """What is found in the files of an SQLite database, as bytes."""
    return [(path.name, found) for path in server.database.files()
            for found in found_in(path.read_bytes(), uid)]


def check_erased(server, uid, bob, joann):
    left = everything(server)
    assert found_in(left, uid) == []
    # What is of others stays.
    for text in (bob, joann, "joann.example@persons.example.com", "bob@example.com",
                 "guest@example.com"):
        assert text in left, text
    admin = server.caller(ADMIN)
    admin.get("users/" + uid).expect_problem(404, "user_not_found")
    events = admin.get("audit-events/", query={"limit": 1000}).expect(200).json["audit_events"]
    done = [event for event in events if event["action"] == "users.erase"]
    assert len(done) == 1 and re.fullmatch(r"erased-[0-9A-Za-z]{20}", done[0]["target"])
    erased = done[0]["target"]
    assert done[0]["before"] is None and done[0]["after"]["user"] is True
    assert done[0]["after"]["sessions"] == 3 and done[0]["after"]["audit_events"] > 8
    # It can still be seen that one person did it all, and what was done to others.
    by_her = [event for event in events if event["actor"]["identity"] == erased]
    assert {event["action"] for event in by_her} >= {"users.create", "sub_admins.create",
                                                     "invitations.create"}
    assert all(event["remote_addr"] == "" and event["actor"]["user_uid"] is None for event in by_her)
    made_bob, = [event for event in events if event["action"] == "users.create"
                 and event["target"] == bob]
    assert made_bob["after"]["email"] == "bob@example.com"
    assert made_bob["after"]["manager"] == erased
    to_her = [event for event in events if event["target"] == erased and event not in done]
    assert {event["action"] for event in to_her} >= {"users.create", "users.update",
                                                     "sub_admins.create"}
    assert all(event["after"] in (None, {"erased": True}) for event in to_her)
    status = admin.get("organization-status/").expect(200).json
    assert (status["user_count"], status["session_count"], status["sub_admin_count"]) == (2, 1, 1)
    assert admin.get("sub-admins/" + joann).json["sub_admin"]["added_by"] == erased
    key, = admin.get("api-keys/").expect(200).json["api_keys"]
    assert (key["name"], key["created_by"]) == ("made by her", erased)
    server.database.check()


def person_server(new_server):
    return new_server(location=IDENTITIES, roles=ROLES)


@pytest.mark.parametrize("way", ["request", "tool", "tool without httpd"])
def test_nothing_stays_of_a_person(new_server, way):
    server = person_server(new_server)
    uid, bob, joann = make_person(server)
    assert found_in(everything(server), uid) == [*TRACES, uid]
    if way == "request":
        server.caller(ADMIN).delete("users/" + uid + "?erase=true").expect(200)
    else:
        if way != "tool":
            server.stop()
        line, = DatabaseOf(server).run("users", "erase", uid).expect(0).lines
        assert line["erased_as"].startswith("erased-") and line["sessions"] == 3
        if way != "tool":
            server.start()
    if KIND == "sqlite":
        assert in_files(server, uid) == []
    check_erased(server, uid, bob, joann)
    # The error log names no person at level info; the access log has the path.
    assert found_in(server.log_text(), uid) == []
    DatabaseOf(server).run("users", "erase", uid).expect(1, "nothing is known of a user")
    DatabaseOf(server).run("users", "show", uid).expect(1, "nothing is known of a user")
    DatabaseOf(server).run("schema", "verify").expect(0)


def test_all_that_is_known_is_shown(new_server, tmp_path):
    server = person_server(new_server)
    uid, bob, joann = make_person(server)
    shown, = DatabaseOf(server).run("users", "show", uid).expect(0).lines
    assert shown["user"]["diary"] == "a-secret-of-ann" and shown["sub_admin"]["user_uid"] == uid
    assert uid in shown["uids"] and set(shown["address_keys"]) == {ANN.lower(), EARLIER}
    assert shown["seen_with_role"][0]["role"] == "admin"
    assert [one["email"] for one in shown["invitations"]] == [EARLIER]
    assert [one["email"] for one in shown["invitations_made"]] == ["guest@example.com"]
    assert len(shown["sessions"]) == 3 and shown["sub_admins_appointed"] == [joann]
    assert len(shown["api_keys_made"]) == 1
    assert {one["idempotency_key"] for one in shown["kept_answers"]} == {"ann-1", "her-own",
                                                                        "friend-1"}
    events = shown["audit_events"]
    assert {event["action"] for event in events} >= {"users.create", "users.update",
                                                     "sub_admins.create", "sub_admins.delete"}
    # Whole, with the ids of their requests.
    admin = server.caller(ADMIN)
    assert all(event["request_id"] for event in events)
    for event in events:
        assert admin.get("audit-events/" + event["event_uid"]).expect(200).json["audit_event"] \
            == event
    # Nothing about others alone.
    assert not any(event["target"] == joann and event["actor"]["identity"] == ADMIN
                   for event in events)
    path = tmp_path / "shown.json"
    DatabaseOf(server).run("users", "show", uid, "--output", path).expect(0, "^$")
    assert json.loads(path.read_text())["user_uid"] == uid
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_user_who_was_deleted_before_is_erased(new_server):
    server = person_server(new_server)
    uid, *_ = make_person(server)
    admin = server.caller(ADMIN)
    admin.delete("users/" + uid).expect(200)
    assert found_in(everything(server), uid)
    admin.delete("users/" + uid + "?erase=true").expect(200)
    assert found_in(everything(server), uid) == []
    admin.delete("users/" + uid + "?erase=true").expect_problem(404, "user_not_found")


def test_nothing_but_a_person_is_erased(new_server):
    """Other objects are targets of audit events, too, and so is a person who was erased. What was
    done to them stays in the trail."""
    server = person_server(new_server)
    admin = server.caller(ADMIN)
    DatabaseOf(server).run("org", "set", "default", "payment_type=paid").expect(0)
    key = admin.post("api-keys/", {"name": "of a program", "permissions": ["users:read"],
                                   "expires_in": "1d"}).expect(201).json["api_key"]["key_id"]
    token = admin.post("invitations/", {"email": "guest@example.com"}) \
        .expect(201).json["invitation"]["invite_token"]
    ann = admin.create("ann@example.com", "Ann")["user_uid"]
    admin.delete(f"users/{ann}?erase=true").expect(200)
    erased, = [event["target"] for event in admin.get("audit-events/").expect(200).json["audit_events"]
               if event["action"] == "users.erase"]
    targets = {target for target, in server.sql("SELECT target FROM audit_events")}
    assert targets >= {"default", key, token, erased}
    before = everything(server)
    for target in ("default", key, token, erased):
        admin.delete(f"users/{target}?erase=true").expect_problem(404, "user_not_found")
        DatabaseOf(server).run("users", "erase", target).expect(1, "nothing is known of a user")
    assert everything(server) == before


def test_an_address_that_another_user_has_now_is_that_user_s(new_server):
    server = person_server(new_server)
    admin = server.caller(ADMIN)
    first = admin.create("office@example.com", "Firstholder")
    admin.put("users/" + first["user_uid"], {"email": "first@example.com"}).expect(200)
    second = admin.create("office@example.com", "Secondholder")
    admin.delete("users/" + first["user_uid"] + "?erase=true").expect(200)
    left = everything(server)
    assert "Firstholder" not in left and "first@example.com" not in left
    assert admin.read(second["user_uid"])["email"] == "office@example.com"
    event, = admin.get("audit-events/", query={"target": second["user_uid"]}) \
        .expect(200).json["audit_events"]
    assert event["after"]["email"] == "office@example.com"


def test_an_admin_erases_himself(new_server):
    server = person_server(new_server)
    uid, *_ = make_person(server)
    her = server.client(headers={"X-Identity": ANN, "X-Admin": "yes"})
    her.delete("users/" + uid + "?erase=true").expect(200)
    assert found_in(everything(server), uid) == []


def test_who_may_erase(new_server):
    """An admin; and a condition that does not hold refuses it before anything is erased."""
    server = person_server(new_server)
    uid, bob, _ = make_person(server)
    admin = server.caller(ADMIN)
    her = server.client(headers={"X-Identity": ANN})
    before = everything(server)
    her.delete("users/" + bob + "?erase=true").expect_problem(403, "forbidden")
    admin.delete("users/" + uid + "?erase=true", headers={"If-Match": '"other"'}) \
        .expect_problem(412, "precondition_failed")
    for query, fault in (("erase=yes", "invalid_value"), ("erase", "invalid_value"),
                         ("erase=true&erase=true", "duplicate_parameter")):
        admin.delete(f"users/{uid}?{query}").expect_faults(("erase", fault))
    admin.delete(f"users/{uid}?purge=true").expect_faults(("purge", "unknown_parameter"))
    assert everything(server) == before
    etag = admin.get("users/" + uid).headers["ETag"]
    admin.delete("users/?erase=true", {"user_uid": uid}, headers={"If-Match": etag}).expect(200)
    assert found_in(everything(server), uid) == []
    admin.delete("users/" + bob + "?erase=false").expect(200)
    assert "bob@example.com" in everything(server)
    # In another organization nothing is known of her.
    DatabaseOf(server).run("org", "create", "other").expect(0)
    DatabaseOf(server).run("users", "erase", bob, "--org", "other").expect(1, "nothing is known")
    assert "bob@example.com" in everything(server)


def test_a_long_trail_is_erased_in_pieces_while_others_write(new_server):
    """The events of hers lie among those of others, in more pages than one."""
    server = person_server(new_server)
    uid, *_ = make_person(server)
    insert(server, "audit_events", "org_id, event_uid, at, actor_identity, actor_key, actor_role,"
           " remote_addr, action, target, after_json",
           [(1, uid_at(now() - DAY, number), now() - DAY, ANN if number % 100 == 0 else "x",
             ANN.lower() if number % 100 == 0 else "x", "admin", "", "old.event",
             uid if number % 150 == 0 else "x", json.dumps({"note": f"by {ANN}" if number % 70 == 0
                                                           else "x"}))
            for number in range(1000)])
    stop, errors = threading.Event(), []

    def write():
        number = 0
        while not stop.is_set():
            try:
                server.caller(ADMIN).create(f"w{number}@example.com")
            except (AssertionError, ConnectionLost) as error:
                errors.append(error)
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        server.caller(ADMIN).delete("users/" + uid + "?erase=true").expect(200)
    finally:
        stop.set()
        thread.join(60)
    assert not errors, errors
    assert found_in(everything(server), uid) == []
    assert count(server, "audit_events", "action = 'old.event'") == 1000
    if KIND == "sqlite":
        assert in_files(server, uid) == []


@pytest.mark.database("sqlite")
def test_a_vacuum_leaves_no_bytes(tmp_path):
    """SQLite leaves copies of rows in pages that it has split, also with secure_delete. With these
    rows 3.40.1 does, so the file has bytes of persons until docs/operations.md's VACUUM."""
    path = tmp_path / "users.db"
    tool = ["--driver", "sqlite3", "--params", path]
    run(*tool, "schema", "create").expect(0)
    chance = random.Random(20)
    marked = set(chance.sample(range(1500), 20))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete = ON").fetchall()
    connection.execute("PRAGMA synchronous = OFF")
    for number in chance.sample(range(1500), 1500):
        name = f"{'MARK' if number in marked else 'user'}{number:05}"
        rest = "z" * chance.choice([0, 10, 300, 2000, 9000])
        connection.execute(
            "INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
            " display_name_folded, attributes, created_at, updated_at)"
            " VALUES (1, ?, ?, ?, ?, ?, ?, ?, 1)",
            (f"u{chance.choice('abcdefgh')}{number:05}", f"{name}@example.com",
             f"{name}@example.com".lower(), name, name.lower(),
             json.dumps({"a": name + rest}), number))
        connection.commit()
    uids = [uid for uid, in connection.execute("SELECT user_uid FROM users"
                                               " WHERE email LIKE 'MARK%'")]
    connection.close()
    assert len(uids) == len(marked)
    for uid in uids:
        run(*tool, "users", "erase", uid).expect(0)
    subprocess.run(["sqlite3", path, "VACUUM"], check=True)
    assert [file.name for file in tmp_path.iterdir()] == ["users.db"]
    assert re.findall(b"(?i)mark[0-9]{5}", path.read_bytes()) == []
