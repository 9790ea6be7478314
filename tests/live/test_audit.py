# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The audit trail as admins read it."""

import contextlib
import datetime
import itertools
import threading
import time

import pytest
from usermgmt_env import ADMIN, NOBODY, PASSWORD, SUB_ADMIN, in_parallel

NDJSON = {"Accept": "application/x-ndjson"}
NUMBERS = itertools.count()
ORGANIZATIONS = f"""
    <Location "/organizations">
        SetHandler usermgmt
        @AUTH@
        Require valid-user
        UserMgmtAdmin user {ADMIN}
        UserMgmtOrganization "%{{HTTP:X-Organization}}"
        UserMgmtAutoOrganization On
    </Location>"""


@pytest.fixture(scope="module")
def server(make_server):
    return make_server(extra=ORGANIZATIONS)


def fresh_email():
    return f"a{next(NUMBERS)}@audit.example.com"


def events(admin, **query):
    """All that match, over a stream."""
    return admin.get("audit-events/", query=query or None, headers=NDJSON).expect(200).lines


@pytest.fixture(scope="module")
def trail(server):
    """The changes of two callers, and all events there are afterwards."""
    admin, helper = server.admin, server.sub_admin
    users = []
    for number in range(12):
        client = helper if number % 3 == 0 else admin
        users.append(client.create(fresh_email(), f"Person {number} é \"quoted\"", height=0.95,
                                   tags=["x", {"deep": None}]))
        client.put("users/" + users[-1]["user_uid"], {"height": 175}).expect(200)
    for user in users[:4]:
        admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    admin.delete("sub-admins/" + users[0]["user_uid"]).expect(200)
    for user in users[2:6]:
        admin.delete("users/" + user["user_uid"]).expect(200)
    return users, events(admin)


def test_an_event_tells_all(admin, trail):
    users, listed = trail
    first, second = users[0], listed[1]
    me = admin.get("organization-status/").json["user_uid"]
    helper = listed[0]["actor"]["user_uid"]
    assert listed[0] == {
        "event_uid": listed[0]["event_uid"], "at": first["created_at"],
        "actor": {"identity": SUB_ADMIN, "user_uid": helper, "role": "sub_admin"},
        "remote_addr": "127.0.0.1", "action": "users.create", "target": first["user_uid"],
        "before": None, "after": first, "request_id": listed[0]["request_id"], "trace_id": None}
    assert listed[0]["request_id"]
    assert list(listed[0]) == ["event_uid", "at", "actor", "remote_addr", "action", "target",
                               "before", "after", "request_id", "trace_id"]
    assert second["before"] == first
    assert second["after"] == {**first, "height": 175,
                               "updated_at": second["after"]["updated_at"]}
    assert listed[-1]["actor"] == {"identity": ADMIN, "user_uid": me, "role": "admin"}
    assert listed[-1]["action"] == "users.delete" and listed[-1]["after"] is None
    assert len(listed) == 12 * 2 + 4 + 1 + 4


def test_they_are_in_the_order_of_time(trail):
    _, listed = trail
    assert [event["at"] for event in listed] == sorted(event["at"] for event in listed)
    uids = [event["event_uid"] for event in listed]
    assert uids == sorted(set(uids))


def test_a_page(admin, trail):
    _, listed = trail
    result = admin.get("audit-events/").expect(200)
    assert result.json == {"query_count": len(listed), "audit_events": listed[:5],
                           "first_uid": listed[0]["event_uid"],
                           "last_uid": listed[4]["event_uid"], "has_more": True,
                           "next_cursor": listed[4]["event_uid"], "prev_cursor": None}
    assert list(result.json) == ["query_count", "audit_events", "first_uid", "last_uid",
                                 "has_more", "next_cursor", "prev_cursor"]
    tag = result.headers["ETag"]
    admin.get("audit-events/", headers={"If-None-Match": tag}).expect(304)
    assert "query_count" not in admin.get("audit-events/", query={"count": "none"}).json
    empty = admin.get("audit-events/", query={"action": "none"}).json
    assert empty == {"query_count": 0, "audit_events": [], "first_uid": None, "last_uid": None,
                     "has_more": False, "next_cursor": None, "prev_cursor": None}


@pytest.mark.parametrize("query", [{}, {"order_by": "-at"}, {"order_by": "event_uid"},
                                   {"order_by": "-event_uid", "actor": ADMIN}])
def test_links_lead_through_all_and_back(admin, trail, query):
    wanted = [event for event in trail[1]
              if "actor" not in query or event["actor"]["identity"] == ADMIN]
    if query.get("order_by", "").startswith("-"):
        wanted.reverse()
    assert events(admin, **query) == wanted
    result = admin.get("audit-events/", query={**query, "limit": 4}).expect(200)
    pages = [result.json["audit_events"]]
    while "next" in result.links:
        result = admin.follow(result, "next").expect(200)
        assert result.json["query_count"] == len(wanted)
        pages.append(result.json["audit_events"])
    assert sum(pages, []) == wanted
    for expected in reversed(pages[:-1]):
        result = admin.follow(result, "prev").expect(200)
        assert result.json["audit_events"] == expected
    assert "prev" not in result.links


def test_a_cursor_need_not_exist(admin, trail):
    _, listed = trail
    assert events(admin, start_after_id="0") == listed
    assert events(admin, end_before_id="z", limit=2) == listed[-2:]
    assert events(admin, start_after_id=listed[3]["event_uid"],
                  end_before_id=listed[6]["event_uid"]) == listed[4:6]


# ---- filters ----


@pytest.mark.parametrize("query, matches", [
    ({"actor": ADMIN}, lambda event, _: event["actor"]["identity"] == ADMIN),
    ({"actor": SUB_ADMIN.upper()}, lambda event, _: event["actor"]["identity"] == SUB_ADMIN),
    ({"actor": "admin"}, lambda event, _: False),
    ({"actor": "%"}, lambda event, _: False),
    ({"actor": ADMIN.replace("m", "ｍ")}, lambda event, _: False),
    ({"action": "users.update"}, lambda event, _: event["action"] == "users.update"),
    ({"action": "USERS.UPDATE"}, lambda event, _: False),
    ({"action": "users"}, lambda event, _: False),
    ({"target": 0}, lambda event, users: event["target"] == users[0]["user_uid"]),
    ({"target": 0, "action": "users.update", "actor": SUB_ADMIN},
     lambda event, users: event["target"] == users[0]["user_uid"]
     and event["action"] == "users.update"),
])
def test_filters(admin, trail, query, matches):
    users, listed = trail
    query = {name: users[value]["user_uid"] if name == "target" else value
             for name, value in query.items()}
    wanted = [event for event in listed if matches(event, users)]
    assert events(admin, **query) == wanted
    got = admin.get("audit-events/", query={**query, "limit": 1000}).json
    assert got["audit_events"] == wanted and got["query_count"] == len(wanted)


def test_at_is_exclusive(admin, trail):
    _, listed = trail
    for at in sorted({event["at"] for event in listed}):
        later = [event for event in listed if event["at"] > at]
        earlier = [event for event in listed if event["at"] < at]
        assert events(admin, at_after=at) == later
        assert events(admin, at_before=at) == earlier
        assert admin.get("audit-events/", query={"at_after": at}).json["query_count"] == len(later)
    start, end = listed[5]["at"], listed[20]["at"]
    assert events(admin, at_after=start, at_before=end, action="users.create") == [
        event for event in listed if start < event["at"] < end
        and event["action"] == "users.create"]


@pytest.mark.parametrize("at, all_after", [
    ("0000-01-01T00:00:00Z", True), ("1969-12-31T23:59:59.999Z", True),
    ("1970-01-01T00:00:00Z", True), ("9999-12-31T23:59:59.999Z", False)])
def test_times_far_off(admin, trail, at, all_after):
    assert events(admin, at_after=at) == (trail[1] if all_after else [])
    assert events(admin, at_before=at) == ([] if all_after else trail[1])


@pytest.mark.parametrize("query, faults", [
    ("nothing=1&limit=0", [("nothing", "unknown_parameter"), ("limit", "invalid_value")]),
    ("actor=&action=&target=", [("actor", "invalid_value"), ("action", "invalid_value"),
                                ("target", "invalid_value")]),
    ("actor=a&actor=a", [("actor", "duplicate_parameter")]),
    ("at_after=now&at_before=2024-01-01", [("at_after", "invalid_value"),
                                           ("at_before", "invalid_value")]),
    ("order_by=action", [("order_by", "invalid_value")]),
    ("start_after_id=%27", [("start_after_id", "invalid_value")]),
    ("user_uid=x", [("user_uid", "unknown_parameter")]),
    ("email=x&after=x&before=x", [("email", "unknown_parameter"),
                                  ("after", "unknown_parameter"),
                                  ("before", "unknown_parameter")]),
])
def test_wrong_parameters_are_named(admin, query, faults):
    for headers in ({}, NDJSON):
        admin.send("GET", "/user-management/audit-events/?" + query, headers=headers) \
            .expect_faults(*faults)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("table, key, condition, index", [
    ("audit_events", "event_uid", "actor_key = ?", "audit_events_by_actor"),
    ("audit_events", "event_uid", "action = ?", "audit_events_by_action"),
    ("audit_events", "event_uid", "target = ?", "audit_events_by_target"),
    ("audit_events", "event_uid", "target = ? AND action = ?", "audit_events_by_target"),
    ("audit_events", "event_uid", "event_uid >= ? AND event_uid < ?", "PRIMARY KEY"),
    ("audit_events", "event_uid", "actor_key = ? AND event_uid > ?", "audit_events_by_actor"),
    ("users", "user_uid", "phone = ?", "users_by_phone"),
    ("users", "user_uid", "email_key = ?", "users_by_email"),
    ("users", "user_uid", "user_uid > ?", "PRIMARY KEY"),
])
def test_every_filter_has_an_index(server, table, key, condition, index):
    """None looks through all of the organization, none sorts."""
    plan = " / ".join(row[3] for row in server.sql(
        f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE org_id = ? AND {condition}"
        f" ORDER BY {key} LIMIT 6", *["1"] * (1 + condition.count("?"))))
    assert index in plan and "SCAN" not in plan and "TEMP B-TREE" not in plan, plan
    assert plan.count("=?") + plan.count(">?") + plan.count("<?") == 1 + condition.count("?") \
        or "action" in condition, plan


# ---- who may, and what is never in it ----


def test_for_admins_only(server, trail):
    for login in (SUB_ADMIN, NOBODY):
        for headers in ({}, NDJSON):
            server.client(login).get("audit-events/", headers=headers) \
                .expect_problem(403, "forbidden")
    server.client(None).get("audit-events/").expect(401)
    assert trail


def test_nobody_writes_it_but_by_changes(admin):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        result = admin.ask(method, "audit-events/", {})
        result.expect_problem(405, "method_not_allowed")
        assert result.headers["Allow"] == "GET, HEAD, OPTIONS"
    admin.get("audit-events/" + "0" * 20).expect_problem(404, "audit_event_not_found")


def test_reading_leaves_no_event(admin, trail):
    count = admin.get("audit-events/").json["query_count"]
    admin.get("users/").expect(200)
    admin.get("audit-events/").expect(200)
    admin.post("users/", {}).expect(400)
    admin.get("users/none").expect(404)
    assert admin.get("audit-events/").json["query_count"] == count
    assert trail


def test_organizations_are_apart(server):
    clients = [server.client(ADMIN, base="/organizations", headers={"X-Organization": name})
               for name in ("one", "two")]
    made = [client.create("same@audit.example.com") for client in clients]
    trails = [events(client) for client in clients]
    for number in (0, 1):
        assert [event["target"] for event in trails[number]] == [made[number]["user_uid"]]
        other = trails[1 - number][0]
        client = clients[number]
        assert events(client, target=other["target"]) == []
        assert client.get("audit-events/").json["query_count"] == 1
        page = client.get("audit-events/", query={"start_after_id": other["event_uid"],
                                                  "end_before_id": other["event_uid"]})
        assert page.json["audit_events"] == []


def test_credentials_are_never_in_it(server, admin):
    """Neither those of the request nor a key sent with it."""
    made = admin.post("users/", {"email": fresh_email(), "display_name": "Ann"},
                      headers={"Idempotency-Key": "the-key-itself", "Cookie": "session=jam"}) \
        .expect(201).json["userData"]
    event = admin.get("audit-events/", query={"target": made["user_uid"]}).raw.decode()
    for secret in ("the-key-itself", "jam", PASSWORD, admin.headers["Authorization"].split()[1]):
        assert secret not in event
    assert made["user_uid"] in event and server


def test_a_change_and_its_event_are_seen_together(server):
    """A reader who sees one of the two sees the other, and no state between."""
    admin = server.admin
    emails = [fresh_email() for _ in range(16)]
    made = in_parallel(16, lambda number: server.admin.create(emails[number]))
    for user in made:
        found = events(admin, target=user["user_uid"])
        assert [event["after"] for event in found] == [user]
        at = datetime.datetime.fromisoformat(found[0]["at"].replace("Z", "+00:00"))
        assert abs(at.timestamp() - datetime.datetime.now().timestamp()) < 120


@pytest.mark.database("postgresql", "mariadb")
def test_an_event_may_be_committed_before_one_that_began_earlier(server, admin):
    """docs/api.md warns of this: a reader who goes on from the last event misses one; a reader
    who reads some minutes again has both."""
    slow, quick = (admin.create(f"overlap{number}@audit.example.com") for number in range(2))
    org_id = server.sql("SELECT org_id FROM users WHERE user_uid = ?", slow["user_uid"])[0][0]
    start = admin.get("audit-events/", query={"target": quick["user_uid"]}) \
        .json["audit_events"][0]
    with contextlib.closing(server.database.connect()) as connection, \
            contextlib.closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN")
        # By the whole key: else MariaDB locks every row that it looks at.
        cursor.execute("SELECT 1 FROM users WHERE org_id = %s AND user_uid = %s FOR UPDATE",
                       (org_id, slow["user_uid"]))
        cursor.fetchall()
        waiting = threading.Thread(target=lambda: server.admin.put(
            "users/" + slow["user_uid"], {"phone": "+1 555 0100"}).expect(200))
        waiting.start()
        time.sleep(0.5)
        admin.put("users/" + quick["user_uid"], {"phone": "+1 555 0101"}).expect(200)
        seen = admin.get("audit-events/", query={"start_after_id": start["event_uid"],
                                                 "limit": 1000}).json["audit_events"]
        cursor.execute("ROLLBACK")
        waiting.join(30)
    assert [event["target"] for event in seen] == [quick["user_uid"]]
    missed = admin.get("audit-events/", query={"start_after_id": seen[-1]["event_uid"]}).json
    assert missed["audit_events"] == []
    again = admin.get("audit-events/", query={"at_after": start["at"], "limit": 1000}).json
    known = {event["event_uid"] for event in seen}
    new = [event for event in again["audit_events"] if event["event_uid"] not in known]
    assert [event["target"] for event in new] == [slow["user_uid"]]
