# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Cursors: pages that follow each other while the entries at their edges change."""

import base64
import itertools
import re

import pytest

NUMBERS = itertools.count()
NDJSON = {"Accept": "application/x-ndjson"}


@pytest.fixture
def people(admin):
    """Twelve users, in the order of their names, addresses and times alike."""
    batch = next(NUMBERS)
    made = [admin.create(f"{chr(97 + n)}{batch}@cursors.example.com", f"{chr(97 + n)} Ünï \U0001f600")
            for n in range(12)]
    yield made
    for user in made:
        admin.delete("users/" + user["user_uid"])


def ask(admin, **query):
    return admin.get("users/", query=query).expect(200)


def letters(users):
    return "".join(user["display_name"][0] for user in users)


def rename(admin, user, letter):
    admin.put("users/" + user["user_uid"], {
        "display_name": letter + "!", "email": f"{letter}{user['email']}"}).expect(200)


@pytest.mark.parametrize("order", ["display_name", "email", "created_at", "user_uid"])
@pytest.mark.parametrize("reverse", ["", "-"])
@pytest.mark.parametrize("change", ["delete", "forth", "back"])
def test_the_entry_at_the_edge_is_gone_or_renamed(admin, people, order, reverse, change):
    """Forth: behind all others. Back: before all of them."""
    query = {"order_by": reverse + order, "limit": 4}
    names = "abcdefghijkl"[::-1 if reverse else 1]
    first = ask(admin, **query)
    assert letters(first.json["users"]) == names[:4]
    edge = first.json["users"][-1]
    if change == "delete":
        admin.delete("users/" + edge["user_uid"]).expect(200)
    else:
        rename(admin, edge, "z" if (change == "forth") != bool(reverse) else "0")
    second = admin.follow(first, "next").expect(200)
    assert letters(second.json["users"]) == names[4:8]
    by_cursor = ask(admin, **query, start_after_id=first.json["next_cursor"])
    assert by_cursor.raw == second.raw
    third = admin.follow(second, "next").expect(200)
    moved = change == "forth" and order in ("display_name", "email")
    assert letters(third.json["users"]) == names[8:] and third.json["has_more"] is moved
    # And back again, from an edge that has gone as well.
    admin.delete("users/" + third.json["users"][0]["user_uid"]).expect(200)
    back = admin.follow(third, "prev").expect(200)
    assert letters(back.json["users"]) == names[4:8]
    assert ask(admin, **query, end_before_id=third.json["prev_cursor"]).raw == back.raw
    rest = admin.get("users/", headers=NDJSON, query={
        "order_by": reverse + order, "start_after_id": second.json["next_cursor"],
        "q": names[9]}).expect(200)
    assert letters(rest.lines) == names[9]


def test_all_are_told_once_though_each_edge_goes(admin, people):
    """A whole walk, in which each page's last entry is renamed to what was told already."""
    told, page = "", ask(admin, order_by="display_name", limit=2)
    while True:
        told += letters(page.json["users"])
        rename(admin, page.json["users"][-1], "0")
        if not page.json["has_more"]:
            break
        page = ask(admin, order_by="display_name", limit=2,
                   start_after_id=page.json["next_cursor"])
    assert told == "abcdefghijkl"


@pytest.mark.parametrize("order", ["display_name", "email", "created_at"])
def test_what_a_cursor_is(admin, people, order):
    page = ask(admin, order_by=order, limit=3)
    cursor = page.json["next_cursor"]
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", cursor) and cursor != people[2]["user_uid"]
    assert page.json["prev_cursor"] is None
    assert f"start_after_id={cursor}>" in page.headers["Link"]
    # The key still does, as long as there is the entry.
    by_key = ask(admin, order_by=order, limit=3, start_after_id=page.json["last_uid"])
    assert by_key.raw == ask(admin, order_by=order, limit=3, start_after_id=cursor).raw
    # The same place in the other direction, and under filters.
    assert letters(ask(admin, order_by="-" + order, start_after_id=cursor).json["users"]) == "ba"
    assert letters(ask(admin, order_by=order, start_after_id=cursor, q="e").json["users"]) == "e"
    between = ask(admin, order_by=order, start_after_id=cursor, limit=9,
                  end_before_id=people[5]["user_uid"])
    assert letters(between.json["users"]) == "de"


def test_cursors_of_other_orders_and_lists(admin, people):
    cursors = {order: ask(admin, order_by=order, limit=3).json["next_cursor"]
               for order in ("display_name", "email", "created_at")}
    for of, cursor in cursors.items():
        for order in ("display_name", "email", "created_at", "user_uid"):
            for name in ("start_after_id", "end_before_id"):
                for headers in ({}, NDJSON):
                    result = admin.get("users/", query={"order_by": order, name: cursor},
                                       headers=headers)
                    if order == of:
                        result.expect(200)
                    else:
                        result.expect_faults((name, "cursor_mismatch"))
        for path in ("sub-admins/", "invitations/", "sessions/", "sessions/?order_by=started_at",
                     "audit-events/", "api-keys/", "groups/", "groups/?order_by=display_name"):
            admin.get(path + ("&" if "?" in path else "?") + "start_after_id=" + cursor) \
                .expect_faults(("start_after_id", "cursor_mismatch"))
    uid = people[0]["user_uid"]
    for number in range(3):
        admin.post("sessions/", {"user_uid": uid, "activity": "x",
                                 "started_at": f"2020-01-01T00:00:0{number}Z"}).expect(201)
    query = {"order_by": "started_at", "user_uid": uid, "limit": 1}
    first = admin.get("sessions/", query=query).expect(200)
    second = admin.get("sessions/", query={**query, "start_after_id": first.json["next_cursor"]})
    assert second.json["sessions"][0]["started_at"] == "2020-01-01T00:00:01.000Z"
    admin.get("users/", query={"order_by": "created_at",
                               "start_after_id": first.json["next_cursor"]}) \
        .expect_faults(("start_after_id", "cursor_mismatch"))


def test_damaged_cursors(admin, people):
    cursor = ask(admin, order_by="created_at", limit=3).json["next_cursor"]
    hidden = base64.urlsafe_b64encode(b"x").decode().rstrip("=")
    for other in ("~", "~~", "~" + hidden, cursor + "A", cursor[:-1], cursor[:20], cursor.upper(),
                  cursor.replace("~", "~A", 1), cursor + "=", "~" + "A" * 3000):
        for name in ("start_after_id", "end_before_id"):
            admin.get("users/", query={"order_by": "created_at", name: other}) \
                .expect_faults((name, "invalid_cursor"))
    for other in (cursor[1:] + "~", "a~", "."):
        admin.get("users/", query={"order_by": "created_at", "start_after_id": other}) \
            .expect_faults(("start_after_id", "invalid_value"))
    assert people


def test_a_link_is_never_too_long(admin, people):
    """Where a cursor would bring the query beyond its limit, the link has the key."""
    long = "\U0001f600" * 256
    for user in people[:3]:
        admin.put("users/" + user["user_uid"], {"display_name": long}).expect(200)
    first = ask(admin, order_by="display_name", limit=1, q=long)
    assert first.json["next_cursor"].startswith("~")
    assert f"start_after_id={people[0]['user_uid']}>" in first.headers["Link"]
    second = admin.follow(first, "next").expect(200)
    assert [user["user_uid"] for user in second.json["users"]] == [people[1]["user_uid"]]
    assert set(second.links) == {"next", "prev"}
    # Where there is room for it, the link has the cursor.
    assert "start_after_id=~" in ask(admin, order_by="display_name", limit=1,
                                     q=long[:9]).headers["Link"]
