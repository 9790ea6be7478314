# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Lists: filters, orders, cursors, links, streams."""

import base64
import json
import re
import socket
import time
import urllib.parse
from pathlib import Path

import pytest
from usermgmt_env import ADMIN, PASSWORD, SANITIZED

NDJSON = {"Accept": "application/x-ndjson"}
COUNT = 200


@pytest.fixture(scope="module")
def people(server):
    """200 users with attributes, in the order of their uids."""
    admin = server.admin
    users = []
    for number in range(COUNT):
        members = {"phone": f"555 {number % 10:03}"} if number % 2 else {}
        users.append(admin.create(
            f"Person{number:03}@{'odd' if number % 2 else 'even'}.example.com",
            ["Ann", "ann", "Émile", "Zoë", "ßtephan", "Bob"][number % 6] + f" {number % 20:02}",
            height=150 + number % 50, tags=["a", number], **members))
    for number in range(0, COUNT, 10):
        admin.post("sub-admins/", {"user_uid": users[number]["user_uid"]}).expect(201)
        users[number]["role"] = "sub_admin"
    assert [user["user_uid"] for user in users] == sorted(user["user_uid"] for user in users)
    return users


def page(admin, **query):
    return admin.get("users/", query=query).expect(200)


def uids(users):
    return [user["user_uid"] for user in users]


# ---- pages ----


def test_a_page_by_default(admin, people):
    result = admin.get("users/").expect(200)
    assert result.headers["Content-Type"] == "application/json"
    assert list(result.json) == ["query_count", "users", "first_uid", "last_uid", "has_more",
                                 "next_cursor", "prev_cursor"]
    assert result.json == {"query_count": COUNT, "users": people[:5],
                           "first_uid": people[0]["user_uid"], "last_uid": people[4]["user_uid"],
                           "has_more": True, "next_cursor": people[4]["user_uid"],
                           "prev_cursor": None}


@pytest.mark.parametrize("limit", [1, 2, 100, 199, 200, 201, 1000])
def test_limit(admin, people, limit):
    result = page(admin, limit=limit)
    assert result.json["users"] == people[:limit]
    assert result.json["query_count"] == COUNT
    assert ("next" in result.links) == result.json["has_more"] == (limit < COUNT)


def test_after_before_and_both(admin, people):
    at = uids(people)
    assert page(admin, start_after_id=at[9], limit=3).json["users"] == people[10:13]
    assert page(admin, end_before_id=at[9], limit=3).json["users"] == people[6:9]
    assert page(admin, start_after_id=at[9], end_before_id=at[100], limit=3).json["users"] \
        == people[10:13]
    assert page(admin, start_after_id=at[9], end_before_id=at[12], limit=9).json["users"] \
        == people[10:12]
    assert page(admin, start_after_id=at[12], end_before_id=at[9]).json["users"] == []
    assert page(admin, start_after_id=at[9], end_before_id=at[9]).json["users"] == []


def test_has_more_is_of_the_order_of_the_list(admin, people):
    """Behind the page's last entry, also where the page was read backwards."""
    at = uids(people)
    for query, more in (({"start_after_id": at[-2]}, False), ({"start_after_id": at[-7]}, True),
                        ({"start_after_id": at[-6]}, False), ({"start_after_id": at[-1]}, False),
                        ({"end_before_id": at[9]}, True), ({"end_before_id": at[1]}, True),
                        ({"end_before_id": "zzz"}, False),
                        ({"start_after_id": at[3], "end_before_id": at[6]}, True),
                        ({"start_after_id": at[-3], "end_before_id": "zzz"}, False),
                        ({"order_by": "-user_uid", "start_after_id": at[5]}, False),
                        ({"order_by": "-user_uid", "start_after_id": at[6]}, True),
                        ({"email": people[0]["email"]}, False), ({"email": "no@x.org"}, False)):
        for count in ({}, {"count": "none"}):
            assert page(admin, **query, **count).json["has_more"] is more, query


@pytest.mark.parametrize("query", [{}, {"order_by": "email"}, {"order_by": "-display_name"},
                                   {"order_by": "created_at", "phone": "555 003"},
                                   {"q": "ann", "order_by": "-email"}, {"count": "none"}])
def test_links_lead_through_all_and_back(admin, people, query):
    wanted = admin.everyone(**query)
    assert len(wanted) >= 20
    result = page(admin, limit=7, **query)
    assert "prev" not in result.links
    seen = list(result.json["users"])
    pages = [result.json["users"]]
    while "next" in result.links:
        result = admin.follow(result, "next").expect(200)
        pages.append(result.json["users"])
        seen += pages[-1]
        assert ("query_count" in result.json) == ("count" not in query)
    assert seen == wanted
    for expected in reversed(pages[:-1]):
        assert "prev" in result.links
        result = admin.follow(result, "prev").expect(200)
        assert result.json["users"] == expected
    assert "prev" not in result.links
    assert people


def test_links_keep_what_was_asked_and_have_one_cursor(admin, people):
    query = {"q": "ann", "order_by": "-display_name", "limit": "2", "count": "none",
             "created_after": "2001-01-01T00:00:00+01:00"}
    result = page(admin, **query)
    links = page(admin, **query, start_after_id=result.json["last_uid"]).links
    assert set(links) == {"next", "prev"}
    for target in links.values():
        assert target.startswith("/user-management/users/?")
        pairs = dict(urllib.parse.parse_qsl(target.partition("?")[2], strict_parsing=True))
        cursors = {pairs.pop("start_after_id", None), pairs.pop("end_before_id", None)}
        assert None in cursors and len(cursors) == 2
        assert pairs == query
    assert people


def test_links_with_odd_text(admin):
    for number in range(3):
        admin.create(f"odd{number}@link.example.com", f"&<=>\"%é; {number}", phone="999 1+1")
    for query in ({"q": '&<=>"%é; '}, {"phone": "999 1+1"}):
        result = page(admin, limit=1, **query)
        assert result.json["query_count"] == 3
        second = admin.follow(result, "next").expect(200)
        assert second.json["query_count"] == 3
        assert admin.follow(second, "prev").expect(200).json == result.json
    for user in admin.everyone(phone="999 1+1"):
        admin.delete("users/" + user["user_uid"]).expect(200)


@pytest.mark.parametrize("count", ["exact", "none"])
@pytest.mark.parametrize("query, beyond", [
    ({"email": "nobody@example.com"}, None),
    ({"email": "nobody@example.com", "start_after_id": "0"}, None),
    ({"start_after_id": "zz"}, "prev"), ({"end_before_id": "0"}, "next"),
    ({"start_after_id": "zz", "end_before_id": "zzz"}, "prev"),
    ({"start_after_id": "00", "end_before_id": "0"}, "next"),
    ({"start_after_id": "0", "order_by": "-user_uid"}, "prev"),
    ({"start_after_id": -1, "order_by": "email"}, "prev"),
    ({"end_before_id": 0, "order_by": "email"}, "next"),
    ({"start_after_id": 0, "order_by": "-email"}, "prev"),
    ({"end_before_id": -1, "order_by": "-email"}, "next")])
def test_from_an_empty_page_the_way_leads_back(admin, people, query, beyond, count):
    in_order = sorted(people, key=lambda user: user["email"].lower())
    query = {name: in_order[value]["user_uid"] if isinstance(value, int) else value
             for name, value in query.items()}
    result = page(admin, **query, count=count)
    assert result.json["users"] == []
    assert result.json["first_uid"] is None and result.json["last_uid"] is None
    assert result.json["has_more"] == (beyond == "next")
    assert set(result.links) == ({beyond} if beyond else set())
    for relation in ("next", "prev"):
        assert (result.json[relation + "_cursor"] is not None) == (relation == beyond)
    if count == "exact":
        assert result.json["query_count"] == (0 if "email" in query else COUNT)
    if beyond:
        there = admin.follow(result, beyond).expect(200).json["users"]
        ends = {"prev": people[-5:], "next": people[:5]}
        if query.get("order_by") == "-user_uid":
            ends = {"prev": people[:5][::-1]}
        elif "order_by" in query:
            ends = {"prev": in_order[-5:], "next": in_order[:5]}
            if query["order_by"] == "-email":
                ends = {"prev": in_order[:5][::-1], "next": in_order[-5:][::-1]}
        assert there == ends[beyond]


@pytest.mark.parametrize("order", ["user_uid", "-user_uid", "email", "-display_name"])
def test_walking_back_from_an_empty_page_skips_nobody(admin, people, order):
    everyone = page(admin, order_by=order, limit=1000).json["users"]
    result = page(admin, order_by=order, limit=7, start_after_id=everyone[-1]["user_uid"])
    back = []
    while "prev" in result.links:
        result = admin.follow(result, "prev").expect(200)
        back = result.json["users"] + back
    assert back == everyone and len(back) == len(people)
    result = page(admin, order_by=order, limit=7, end_before_id=everyone[0]["user_uid"])
    onward = []
    while "next" in result.links:
        result = admin.follow(result, "next").expect(200)
        onward += result.json["users"]
    assert onward == everyone


# How a server's log is switched on for a database, and how a line of it begins.
STATEMENTS = {
    "postgresql": ("ALTER DATABASE {name} SET log_statement = 'all'", "log", "LOG:  execute "),
    "mariadb": ("SET GLOBAL general_log_file = '{directory}/statements', general_log = ON",
                "statements", "Execute\t"),
}


@pytest.mark.database("postgresql", "mariadb")
def test_an_answer_is_one_statement(new_server):
    """Of a page also its count, and whether there are rows beyond its cursors."""
    server = new_server(extra="UserMgmtRoleCacheTTL 60s\n", processes=1)
    database, directory = server.database, server.database.engine.directory
    people = sorted(server.admin.create(f"u{number}@listing.example.com", f"N{number}")["user_uid"]
                    for number in range(5))
    setting, log, start = STATEMENTS[database.kind]
    server.sql(setting.format(name=database.name, directory=directory))
    server.stop()
    server.start()
    server.admin.get("users/").expect(200)
    last = server.admin.get("users/?order_by=display_name&limit=3").json["next_cursor"]
    try:
        for path, table in (
                ("organization-status/", "organizations"),
                ("users/?limit=3", "users"),
                (f"users/?limit=2&start_after_id={people[1]}", "users"),
                (f"users/?limit=2&end_before_id={people[3]}", "users"),
                (f"users/?start_after_id={people[0]}&end_before_id={people[3]}", "users"),
                (f"users/?limit=1&order_by=display_name&start_after_id={last}", "users"),
                ("users/?email=u1@listing.example.com", "users")):
            before = (directory / log).stat().st_size
            server.admin.get(path).expect(200)
            with open(directory / log, encoding="utf-8", errors="replace") as file:
                file.seek(before)
                lines = [line for line in file if start in line and f" FROM {table} " in line]
            assert len(lines) == 1, "".join(lines)
    finally:
        if database.kind == "mariadb":
            server.sql("SET GLOBAL general_log = OFF")


def test_no_count_where_not_wanted(admin, people):
    assert "query_count" not in page(admin, count="none").json
    assert page(admin, count="exact").json["query_count"] == COUNT == len(people)


# ---- orders ----


@pytest.mark.parametrize("order", ["user_uid", "created_at", "email", "display_name"])
def test_minus_is_the_exact_reverse(admin, people, order):
    forward = page(admin, order_by=order, limit=1000).json["users"]
    backward = page(admin, order_by="-" + order, limit=1000).json["users"]
    assert len(forward) == COUNT == len(people)
    assert backward == forward[::-1]


def test_names_order_by_folded_bytes(admin, people):
    def key(user):
        return (user["display_name"].casefold().encode(), user["user_uid"])

    got = page(admin, order_by="display_name", limit=1000).json["users"]
    assert got == sorted(people, key=key)


def test_the_order_of_uids_needs_no_existing_cursor(admin, people):
    gone = admin.create("gone@list.example.com")
    admin.delete("users/" + gone["user_uid"]).expect(200)
    assert page(admin, end_before_id=gone["user_uid"], limit=2).json["users"] == people[-2:]
    assert page(admin, start_after_id="0").json["users"] == people[:5]
    assert page(admin, end_before_id="zzz", limit=1).json["users"] == people[-1:]


@pytest.mark.parametrize("order", ["email", "-email", "display_name", "created_at", "-created_at"])
def test_other_orders_do(admin, people, order):
    gone = admin.create("gone2@list.example.com")
    admin.delete("users/" + gone["user_uid"]).expect(200)
    for headers in ({}, NDJSON):
        admin.get("users/", headers=headers, query={"order_by": order, "start_after_id": "0",
                                                    "end_before_id": gone["user_uid"]}) \
            .expect_faults(("start_after_id", "unknown_cursor"),
                           ("end_before_id", "unknown_cursor"))
    assert page(admin, order_by=order, start_after_id=people[3]["user_uid"]).status == 200


# ---- filters ----


def test_email(admin, people):
    for text in ("Person007@odd.example.com", "PERSON007@ODD.EXAMPLE.COM",
                 "person007@odd.ｅxample.com"):
        assert page(admin, email=text).json["users"] == [people[7]]
        assert page(admin, email=text).json["query_count"] == 1
        assert page(admin, email=text, active="false").json["query_count"] == 0
        beyond = page(admin, email=text, start_after_id=people[7]["user_uid"]).json
        assert (beyond["query_count"], beyond["users"]) == (1, [])
        assert "query_count" not in page(admin, email=text, count="none").json
    # Texts that are no address are no user's.
    for text in ("Person007", "%", "ｐerson007@odd.example.com", "person007@odd.example.com.",
                 ":person007@odd.example.com"):
        found = page(admin, email=text).json
        assert (found["query_count"], found["users"], found["has_more"]) == (0, [], False)
    # A blank is more likely a + that was not encoded.
    admin.get("users/", query={"email": "person007 @odd.example.com"}) \
        .expect_faults(("email", "invalid_value"))


def test_phone(admin, people):
    got = page(admin, phone="555 003", limit=1000)
    assert got.json["users"] == [user for user in people if user.get("phone") == "555 003"]
    assert got.json["query_count"] == 20
    assert page(admin, phone="555003").json["query_count"] == 0
    assert page(admin, phone="555 00").json["query_count"] == 0


def test_role(admin, people):
    for role in ("user", "sub_admin"):
        got = page(admin, role=role, limit=1000).json
        assert got["users"] == [user for user in people if user["role"] == role]
        assert got["query_count"] == (20 if role == "sub_admin" else 180)


@pytest.mark.parametrize("prefix, starts", [
    ("ann", ["Ann", "ann"]), ("ANN 1", ["Ann", "ann"]), ("é", ["Émile"]), ("E\u0301m", ["Émile"]),
    ("É", ["Émile"]), ("e", []), ("zoe", []), ("ZOË", ["Zoë"]), ("ss", ["ßtephan"]),
    ("SST", ["ßtephan"]), ("n", []), ("%", []), ("_nn", []), ("Ann*", []), ("ann ", ["Ann", "ann"]),
    ("Ａｎｎ", ["Ann", "ann"]),
])
def test_display_name_is_a_prefix_without_case(admin, people, prefix, starts):
    def matches(user):
        name = user["display_name"]
        return any(name.startswith(start) for start in starts) \
            and (prefix != "ANN 1" or name.lower().startswith("ann 1"))

    got = page(admin, display_name=prefix, limit=1000).json
    assert got["users"] == [user for user in people if matches(user)]
    assert got["query_count"] == len(got["users"])


def test_q_is_a_prefix_of_either(admin, people):
    assert page(admin, q="person00", limit=1000).json["users"] == people[:10]
    assert page(admin, q="bob").json["query_count"] == len(
        [user for user in people if user["display_name"].startswith("Bob")])
    both = admin.create("zzboth@list.example.com", "zzboth")
    got = page(admin, q="ZZBOTH").json
    admin.delete("users/" + both["user_uid"]).expect(200)
    assert got["query_count"] == 1 and uids(got["users"]) == [both["user_uid"]]


@pytest.mark.parametrize("names, addresses, both", [(1, 3, 2), (3, 1, 2), (2, 2, 1), (2, 2, 0),
                                                    (0, 0, 3)])
def test_q_counts_who_matches_in_both_ways_once(admin, names, addresses, both):
    made = [admin.create(f"{address}{number}@q.example.com", f"{name} {number}")["user_uid"]
            for name, address, count in (("xq-name", "wq-name", names), ("wq", "xq-email", addresses),
                                         ("xq-both", "xq-both", both))
            for number in range(count)]
    try:
        for order in ("user_uid", "display_name", "email", "-created_at"):
            got = page(admin, q="XQ-", order_by=order, limit=100).json
            assert got["query_count"] == len(made)
            assert sorted(uids(got["users"])) == sorted(made)
            narrower = page(admin, q="xq-", order_by=order, display_name="xq-b").json
            assert narrower["query_count"] == both
    finally:
        for uid in made:
            admin.delete("users/" + uid).expect(200)


def test_created_is_exclusive(admin, people):
    instant = people[50]["created_at"]
    later = page(admin, created_after=instant, limit=1000).json
    earlier = page(admin, created_before=instant, limit=1000).json
    assert later["users"] == [user for user in people if user["created_at"] > instant]
    assert earlier["users"] == [user for user in people if user["created_at"] < instant]
    assert later["query_count"] == len(later["users"])
    assert page(admin, created_after=instant, created_before=instant).json["query_count"] == 0
    # Half a millisecond later, which is finer than the times that are compared.
    later_by_half = instant.replace("Z", "5Z")
    assert page(admin, created_after=later_by_half, limit=1000).json["users"] == later["users"]
    assert page(admin, created_before=later_by_half, limit=1000).json["users"] \
        == [user for user in people if user["created_at"] <= instant]


def test_who_was_updated_since(admin, people):
    """As one does who copies the users: whoever was made or changed after a time."""
    since = max(user["updated_at"] for user in people)
    time.sleep(0.002)
    made = admin.create("updated@list.example.com")
    changed = admin.put("users/" + people[7]["user_uid"], {"seen": 1}).json["userData"]
    for order, wanted in (("user_uid", [changed, made]), ("-created_at", [made, changed])):
        got = page(admin, updated_after=since, order_by=order).json
        assert (got["users"], got["query_count"]) == (wanted, 2)
    assert admin.everyone(updated_after=since, q="person") == [changed]
    assert page(admin, updated_after=changed["updated_at"]).json["query_count"] == 0
    assert page(admin, updated_before=made["updated_at"]).json["query_count"] == COUNT - 1
    assert page(admin, updated_after=since, updated_before=made["updated_at"]) \
        .json["query_count"] == 0
    assert page(admin, updated_after=since, created_before=made["created_at"]).json["users"] \
        == [changed]
    admin.delete("users/" + made["user_uid"]).expect(200)
    people[7] = admin.put("users/" + people[7]["user_uid"], {"seen": None}).json["userData"]


@pytest.mark.parametrize("instant, count", [
    ("1970-01-01T00:00:00Z", COUNT), ("2001-02-03t04:05:06.789z", COUNT),
    ("2001-02-03T04:05:06+05:30", COUNT), ("2001-02-03T04:05:06.123456789Z", COUNT),
    ("9999-12-31T23:59:59Z", 0), ("2024-02-29T00:00:00-00:00", COUNT),
])
def test_instants_that_can_be_read(admin, people, instant, count):
    assert page(admin, created_after=instant).json["query_count"] == count
    assert page(admin, created_before=instant).json["query_count"] == COUNT - count
    assert people


def test_filters_are_joined_with_and(admin, people):
    query = {"q": "person", "role": "user", "phone": "555 001", "display_name": "bob",
             "created_after": people[20]["created_at"]}
    wanted = [user for user in people if user["role"] == "user"
              and user.get("phone") == "555 001" and user["display_name"].startswith("Bob")
              and user["created_at"] > people[20]["created_at"]]
    assert wanted
    got = page(admin, **query, limit=1000).json
    assert got["users"] == wanted and got["query_count"] == len(wanted)


def test_query_count_minds_neither_cursor_nor_limit(admin, people):
    got = page(admin, role="sub_admin", start_after_id=people[100]["user_uid"], limit=1).json
    assert got["query_count"] == 20 and len(got["users"]) == 1


# ---- what is wrong is named ----


@pytest.mark.parametrize("query, faults", [
    ("nothing=1", [("nothing", "unknown_parameter")]),
    ("Limit=1", [("Limit", "unknown_parameter")]),
    ("limit=1&limit=2", [("limit", "duplicate_parameter")]),
    ("q=a&q=a&q=a", [("q", "duplicate_parameter")] * 2),
    ("limit=0", [("limit", "invalid_value")]),
    ("limit=1001", [("limit", "invalid_value")]),
    ("limit=-1", [("limit", "invalid_value")]),
    ("limit=%2B1", [("limit", "invalid_value")]),
    ("limit=1.0", [("limit", "invalid_value")]),
    ("limit=", [("limit", "invalid_value")]),
    ("limit", [("limit", "invalid_value")]),
    ("limit=99999999999999999999999", [("limit", "invalid_value")]),
    ("limit=5%20", [("limit", "invalid_value")]),
    ("order_by=phone", [("order_by", "invalid_value")]),
    ("order_by=--email", [("order_by", "invalid_value")]),
    ("order_by=", [("order_by", "invalid_value")]),
    ("order_by=email;DROP", [("order_by", "invalid_value")]),
    ("start_after_id=", [("start_after_id", "invalid_value")]),
    ("start_after_id=a%20b", [("start_after_id", "invalid_value")]),
    ("end_before_id=%27", [("end_before_id", "invalid_value")]),
    ("role=admin", [("role", "invalid_value")]),
    ("role=", [("role", "invalid_value")]),
    ("email=", [("email", "invalid_value")]),
    ("phone=", [("phone", "invalid_value")]),
    ("q=", [("q", "invalid_value")]),
    ("display_name", [("display_name", "invalid_value")]),
    ("count=no", [("count", "invalid_value")]),
    ("created_after=2024-01-01", [("created_after", "invalid_value")]),
    ("updated_after=2024-01-01", [("updated_after", "invalid_value")]),
    ("updated_before=", [("updated_before", "invalid_value")]),
    ("created_after=2024-02-30T00:00:00Z", [("created_after", "invalid_value")]),
    ("created_before=2023-02-29T00:00:00Z", [("created_before", "invalid_value")]),
    ("created_before=yesterday", [("created_before", "invalid_value")]),
    ("created_before=2024-01-01T00:00:00", [("created_before", "invalid_value")]),
    ("created_before=2024-01-01T24:00:00Z", [("created_before", "invalid_value")]),
    ("created_after=2024-01-01T00:00:00+01:00", [("created_after", "invalid_value")]),
    ("limit=x&role=x&count=x&a=1&order_by=x&q=",
     [("limit", "invalid_value"), ("role", "invalid_value"), ("count", "invalid_value"),
      ("a", "unknown_parameter"), ("order_by", "invalid_value"), ("q", "invalid_value")]),
    ("=1", [("", "unknown_parameter")]),
    ("status=pending", [("status", "unknown_parameter")]),
])
def test_wrong_parameters_are_named(admin, people, query, faults):
    for headers in ({}, NDJSON):
        admin.send("GET", "/user-management/users/?" + query, headers=headers) \
            .expect_faults(*faults)
    assert people


@pytest.mark.parametrize("query, name", [
    ("q=%", "q"), ("q=%2", "q"), ("q=%zz", "q"), ("limit=5&q=%ff", "q"), ("q=%00", "q"),
    ("q=%c0%80", "q"), ("q=%ed%a0%80", "q"), ("email=%e2%82", "email"),
])
def test_broken_escapes_are_named(admin, query, name):
    admin.send("GET", "/user-management/users/?" + query).expect_faults((name, "invalid_value"))


def test_broken_escapes_are_told_with_all_else(admin):
    query = "limit=0&foo=1&q=%00&email=%zz&limit=5&%ff=2"
    admin.send("GET", "/user-management/users/?" + query).expect_faults(
        ("limit", "invalid_value"), ("foo", "unknown_parameter"), ("q", "invalid_value"),
        ("email", "invalid_value"), ("limit", "duplicate_parameter"), ("%ff", "invalid_value"))
    admin.send("GET", "/user-management/organization-status?a=1&b=%") \
        .expect_faults(("a", "unknown_parameter"), ("b", "invalid_value"))


def test_odd_but_good_queries(admin, people):
    for query in ("", "&", "&&limit=5&", "l%69mit=5", "limit=%35", "limit=5&count=exact"):
        got = admin.send("GET", "/user-management/users/?" + query).expect(200)
        assert got.json["users"] == people[:5]
    got = admin.send("GET", "/user-management/users/?display_name=Bob+05&limit=9").expect(200)
    assert got.json["users"] and all(user["display_name"] == "Bob 05"
                                     for user in got.json["users"])


def test_how_long_a_query_may_be(admin):
    admin.send("GET", "/user-management/users/?q=" + "x" * 4094).expect(200)
    admin.send("GET", "/user-management/users/?q=" + "x" * 4095) \
        .expect_problem(400, "query_too_long")


# ---- streams ----


def test_a_stream_has_all_in_order(admin, people):
    result = admin.get("users/", headers=NDJSON).expect(200)
    assert result.headers["Content-Type"] == "application/x-ndjson"
    assert result.headers["Cache-Control"] == "no-store"
    assert "ETag" not in result.headers and "Link" not in result.headers
    assert result.lines == people
    assert b"\n\n" not in result.raw


def test_a_stream_can_be_resumed(admin, people):
    got = admin.everyone(start_after_id=people[120]["user_uid"])
    assert got == people[121:]
    by_name = admin.everyone(order_by="-display_name")
    assert admin.everyone(order_by="-display_name",
                          start_after_id=by_name[70]["user_uid"]) == by_name[71:]


def test_limit_holds_only_where_given(admin, people):
    assert admin.everyone(limit=3) == people[:3]
    assert admin.everyone(limit=3, start_after_id=people[5]["user_uid"]) == people[6:9]
    assert admin.everyone(limit=3, end_before_id=people[50]["user_uid"]) == people[47:50]
    assert admin.everyone(limit=3, end_before_id=people[2]["user_uid"]) == people[:2]
    assert admin.everyone(end_before_id=people[50]["user_uid"]) == people[:50]
    assert admin.everyone(start_after_id=people[10]["user_uid"],
                          end_before_id=people[50]["user_uid"]) == people[11:50]
    assert admin.everyone(limit=1000) == people


def test_a_stream_with_filters(admin, people):
    wanted = [user for user in people if user["role"] == "sub_admin"]
    assert admin.everyone(role="sub_admin") == wanted
    assert admin.everyone(role="sub_admin", order_by="-email") \
        == sorted(wanted, key=lambda user: user["email"].lower(), reverse=True)
    assert admin.everyone(email="nobody@example.com") == []


def test_head_of_a_stream(admin, people):
    result = admin.ask("HEAD", "users/", headers=NDJSON).expect(200)
    assert result.raw == b"" and result.headers["Content-Type"] == "application/x-ndjson"
    assert people


def put_users(server, count, attributes):
    """Users straight into the database, of which many have the same name and time."""
    server.admin.get("users/").expect(200)
    org_id = server.sql("SELECT org_id FROM organizations WHERE name = 'default'")[0][0]
    rows = [(org_id, f"u{i:05}", f"m{i}@example.com", f"m{i}@example.com", "Same", "same",
             json.dumps(attributes), 1700000000000 + i // 600, 1700000000000)
            for i in range(1, count + 1)]
    for start in range(0, count, 100):
        batch = rows[start:start + 100]
        server.sql("INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
                   " display_name_folded, attributes, created_at, updated_at) VALUES "
                   + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(batch)),
                   *(value for row in batch for value in row))


def resident_kib(server):
    """Memory of the children in use."""
    return sum(int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1))
               for pid in server.children())


def start_to_take(server, target):
    """Ask for something large and take no more than its first bytes."""
    token = base64.b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n"
                 f"Authorization: Basic {token}\r\n\r\n".encode())
    assert sock.recv(64).startswith(b"HTTP/1.1 200 ")
    return sock


@pytest.mark.parametrize("query", ["limit=1000", "limit=1000&end_before_id=z"])
def test_slow_clients_hold_a_page_each_and_no_more(new_server, query):
    server = new_server(processes=1, threads=16)
    put_users(server, 1000, {"s": "0" * 16000})
    target = f"/user-management/users/?{query}"
    size = len(server.admin.send("GET", target).expect(200).raw)
    before = resident_kib(server)
    socks = [start_to_take(server, target) for _ in range(8)]
    growth = resident_kib(server) - before
    for sock in socks:
        sock.close()
    assert size < 1_100_000
    # Some of what is freed stays with malloc, and 256 MiB with AddressSanitizer.
    assert growth < 8 * 2.5 * size / 1024 + (300_000 if SANITIZED else 0)


def test_a_stream_longer_than_its_batches(make_server):
    """Over 500 users, put straight into the database: several batches, to their
    edges, and in an order with many ties."""
    server = make_server(processes=1, threads=8)
    admin = server.admin
    put_users(server, 1501, {"s": "0" * 400})
    for query in ({}, {"order_by": "display_name"}, {"order_by": "-created_at"}):
        lines = admin.everyone(**query)
        wanted = [f"u{number:05}" for number in range(1, 1502)]
        if query.get("order_by", "").startswith("-"):
            wanted.reverse()
        assert uids(lines) == wanted
    assert len(admin.everyone(limit=1000)) == 1000
    assert uids(admin.everyone(limit=501, end_before_id="u01000")) \
        == [f"u{number:05}" for number in range(499, 1000)]
    assert admin.get("users/").json["query_count"] == 1501


def test_roles_among_more_sub_admins_than_a_page_has(make_server):
    """On each page, from both sides and in each direction."""
    server = make_server(processes=1, threads=8)
    admin = server.admin
    put_users(server, 1501, {})
    server.sql("INSERT INTO sub_admins (org_id, user_uid, added_by, created_at)"
               " SELECT org_id, user_uid, 'x', 1 FROM users WHERE user_uid <> 'u01400'")
    for query in ({}, {"start_after_id": "u00600"}, {"end_before_id": "u01450"},
                  {"order_by": "-user_uid"}, {"order_by": "-user_uid", "start_after_id": "u01450"},
                  {"start_after_id": "u00100", "end_before_id": "u01450"}):
        for limit in (3, 1000):
            users = admin.get("users/", query={"limit": limit, **query}).json["users"]
            assert len(users) >= min(limit, 900)
            assert [user["user_uid"] for user in users if user["role"] != "sub_admin"] \
                == ["u01400"] * any(user["user_uid"] == "u01400" for user in users)


def test_a_client_that_leaves_a_stream(server, people):
    """It does no harm: no error in the log, and the connection goes back."""
    for _ in range(40):
        received = server.raw_request(b"GET /user-management/users/ HTTP/1.1",
                                      headers=[b"Accept: application/x-ndjson"])
        assert received.count(b"user_uid") == COUNT == len(people)
    for _ in range(40):
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"GET /user-management/users/ HTTP/1.1\r\nHost: x\r\nAuthorization: "
                         + server.admin.headers["Authorization"].encode()
                         + b"\r\nAccept: application/x-ndjson\r\n\r\n")
            sock.recv(10)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert server.admin.get("users/").expect(200).json["query_count"] == COUNT


# U+FDFA is one character, and folded 18 of 33 bytes.
LONG = "\ufdfa"


def test_names_that_are_long_when_folded(server, admin):
    """No index has room for all of it: the beginning tells them apart, and the
    order of what is told apart no more is that of the uids."""
    names = [LONG * 256, LONG * 255 + "a", LONG * 31, LONG * 30 + "z", LONG * 256,
             "".join(chr(0x10400 + n % 40) for n in range(256))]
    users = [admin.create(f"long{n}@listing.example.com", name) for n, name in enumerate(names)]
    try:
        for user, name in zip(users, names):
            assert admin.read(user["user_uid"])["display_name"] == name
        for text in (LONG, LONG * 30, LONG * 31):
            found = admin.everyone(display_name=text)
            assert [user["user_uid"] for user in found] == [
                user["user_uid"] for user in users[:5]
                if user["display_name"].startswith(text)]
        for text in (LONG * 200, LONG * 256, LONG * 250 + "nothing"):
            # 31 of them, the same for all of these.
            assert {user["user_uid"] for user in admin.everyone(q=text)} \
                == {users[n]["user_uid"] for n in (0, 1, 2, 4)}
        page = admin.get("users/", query={"order_by": "display_name", "limit": 1,
                                          "q": LONG * 31})
        told = []
        while True:
            told += [user["user_uid"] for user in page.expect(200).json["users"]]
            if "next" not in page.links:
                break
            page = admin.follow(page, "next")
        assert told == [users[n]["user_uid"] for n in (0, 1, 2, 4)]
        for user in users:
            admin.put("users/" + user["user_uid"], {"display_name": LONG * 256}).expect(200)
    finally:
        for user in users:
            admin.delete("users/" + user["user_uid"]).expect(200)


def test_addresses_that_are_long_by_key(server, admin):
    # A letter that folds to one of three bytes; labels that DNS has with seven bytes.
    domain = "@" + "é." * 30 + "com"
    good, bad = "\u023a" * 32 + "@" + "é." * 18 + "com", "a" * 32 + domain
    uid = admin.create(good)["user_uid"]
    assert [user["user_uid"] for user in admin.everyone(email=good)] == [uid]
    assert admin.everyone(email=bad) == []
    admin.post("users/", {"email": good, "display_name": "X"}).expect_problem(409, "email_exists")
    for method, path, body in (("POST", "users/", {"display_name": "X"}),
                               ("PUT", "users/" + uid, {}), ("POST", "invitations/", {}),
                               ("POST", "sub-admins/", {})):
        admin.ask(method, path, {**body, "email": bad}).expect_faults(("email", "too_long"))
    admin.post("invitations/", {"email": good}).expect(201)
    admin.delete("users/" + uid).expect(200)
