# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Lists of SCIM: pages by number and by cursor, order, the attributes that are answered, and
searches by POST."""

import itertools
import json
import threading
import urllib.parse

import pytest

from filter_oracle import login_key
from scim import LIST, USER, ScimClient, scim_client, scim_options
from usermgmt_env import ADMIN

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
COUNT = 57
NUMBERS = itertools.count()


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    server = make_server(**scim_options())
    for number in range(COUNT):
        server.admin.create(f"u{number:02}@example.com", display_name=f"Name {number % 7}")
    return server


@pytest.fixture(scope="module", name="scim")
def provider(server):
    return scim_client(server)


@pytest.fixture(name="busy")
def busy_server(new_server):
    """A server whose users a test may change."""
    server = new_server(**scim_options())
    for number in range(30):
        server.admin.create(f"u{number:02}@example.com")
    return server


def listed(client, **parameters):
    query = urllib.parse.urlencode(parameters)
    return client.get(f"Users?{query}").expect(200).json


def ids(page):
    return [resource["id"] for resource in page["Resources"]]


def all_ids(client, **parameters):
    return ids(listed(client, count=1000, **parameters))


def read_by_number(client, count, **parameters):
    """All ids, page by page as a client reads them."""
    found = []
    while True:
        page = listed(client, startIndex=len(found) + 1, count=count, **parameters)
        assert page["startIndex"] == len(found) + 1
        assert page["itemsPerPage"] == len(page["Resources"])
        found += ids(page)
        if len(found) >= page["totalResults"] or not page["Resources"]:
            return found


def read_by_cursor(client, count, **parameters):
    found, cursor = [], ""
    while cursor is not None:
        page = listed(client, cursor=cursor, count=count, **parameters)
        assert "startIndex" not in page
        assert page["itemsPerPage"] == len(page["Resources"])
        found += ids(page)
        cursor = page.get("nextCursor")
    return found


# ---- pages ----

def test_a_list(scim):
    page = scim.get("Users").expect(200).json
    assert page["schemas"] == [LIST]
    assert page["totalResults"] == page["itemsPerPage"] == COUNT and page["startIndex"] == 1
    user = page["Resources"][0]
    assert user["schemas"][0] == USER
    assert user == scim.resource(user["id"])
    assert len({user["userName"] for user in page["Resources"]}) == COUNT


@pytest.mark.parametrize("read", [read_by_number, read_by_cursor])
@pytest.mark.parametrize("count", [1, 10, 19, 56, 57, 58, 1000])
def test_pages_have_every_user_once(scim, read, count):
    expected = all_ids(scim)
    assert len(set(expected)) == COUNT and expected == sorted(expected)
    assert read(scim, count) == expected


@pytest.mark.parametrize("sort", ["id", "userName", "displayName", "meta.created", "emails.value",
                                  USER + ":userName", "DISPLAYNAME"])
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_order(server, scim, sort, order):
    native = {"id": "user_uid", "username": "email", "emails.value": "email",
              "displayname": "display_name", "meta.created": "created_at"}
    order_by = native[sort.removeprefix(USER + ":").lower()]
    order_by = "-" + order_by if order == "descending" and order_by != "user_uid" else order_by
    users = server.admin.get(f"users/?limit=1000&order_by={order_by}").json["users"]
    expected = [user["user_uid"] for user in users]
    parameters = {"sortBy": sort, "sortOrder": order}
    assert all_ids(scim, **parameters) == expected
    assert read_by_number(scim, 10, **parameters) == expected
    assert read_by_cursor(scim, 10, **parameters) == expected


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_order_of_names(new_server, order):
    """By the name that the identity provider gave, else the email, whatever the email is."""
    server = new_server(**scim_options())
    scim = scim_client(server)
    for number in range(10):
        server.admin.create(f"m{number}@example.com")
    for number in range(20):
        name = ["b.login", "Login", "A.Other"][number % 3] + str(number)
        scim.provision(name if number % 2 else name + "@example.org",
                       emails=[{"value": f"z{19 - number}@example.com"}])
    users = listed(scim, count=1000)["Resources"]
    expected = [user["id"] for user in sorted(
        users, key=lambda user: login_key(user["userName"]).encode(),
        reverse=order == "descending")]
    parameters = {"sortBy": "userName", "sortOrder": order}
    assert all_ids(scim, **parameters) == expected
    assert read_by_number(scim, 4, **parameters) == expected
    assert read_by_cursor(scim, 4, **parameters) == expected
    some = {user["id"] for user in users if user["userName"].lower().startswith(("b.", "m"))}
    assert read_by_cursor(scim, 3, filter='userName sw "b." or userName sw "m"', **parameters) == [
        uid for uid in expected if uid in some]
    some = {user["id"] for user in users if user["userName"].startswith("b.")}
    for read in (read_by_cursor, read_by_number):
        assert read(scim, 2, filter='userName sw "b."', **parameters) == [
            uid for uid in expected if uid in some]


def test_any_number_can_be_the_first(scim):
    expected = all_ids(scim)
    for start in (57, 3, 30, 29, 31, 2, 56, 1, 44):
        page = listed(scim, startIndex=start, count=5)
        assert ids(page) == expected[start - 1:start + 4], start
        assert page["startIndex"] == start
    for start in (58, 59, 1000, 10 ** 11, 10 ** 30):
        page = listed(scim, startIndex=start, count=5)
        assert page["Resources"] == [] and page["itemsPerPage"] == 0
        assert page["totalResults"] == COUNT


@pytest.mark.parametrize("start", ["0", "-1", "-99999999999999999999"])
def test_numbers_below_one_are_one(scim, start):
    assert listed(scim, startIndex=start)["startIndex"] == 1


def test_count(scim):
    for count in ("0", "-1", "-99999999999999999999"):
        page = listed(scim, count=count)
        assert page == {"schemas": [LIST], "totalResults": COUNT, "itemsPerPage": 0,
                        "startIndex": 1, "Resources": []}
    for count in ("1000", "1001", "99999999999999999999"):
        assert listed(scim, count=count)["itemsPerPage"] == COUNT


@pytest.mark.parametrize("query", ["count=x", "count=", "startIndex=1.5", "startIndex=%20",
                                   "count=1&startIndex=one"])
def test_numbers_that_are_none(scim, query):
    scim.get("Users?" + query).expect_error(400, "invalidValue")


def test_names_of_parameters_have_no_case(scim):
    page = scim.get("Users?STARTINDEX=3&Count=2&unknown=x&aadOptscim062020").expect(200).json
    assert page["startIndex"] == 3 and page["itemsPerPage"] == 2


def test_more_than_a_page(server):
    """A page has at most a thousand, however many are asked for; without a number it has 100."""
    other = server.admin.create(f"more{next(NUMBERS)}@example.com")
    try:
        page = listed(scim_client(server))
        assert page["totalResults"] == page["itemsPerPage"] == COUNT + 1
    finally:
        server.admin.delete(f"users/{other['user_uid']}").expect(200)


# ---- changes between pages ----

def test_a_reader_misses_none_and_gets_none_twice(busy):
    """Unlike a reader who counts rows from the beginning."""
    scim = scim_client(busy)
    expected = all_ids(scim)
    found = ids(listed(scim, startIndex=1, count=10))
    for uid in expected[:5]:
        busy.admin.delete(f"users/{uid}").expect(200)
    found += ids(listed(scim, startIndex=11, count=10))
    for number in range(3):
        busy.admin.create(f"new{number}@example.com")
    found += ids(listed(scim, startIndex=21, count=10))
    assert found[:30] == expected


def test_a_page_is_read_again(busy):
    scim = scim_client(busy)
    pages = [ids(listed(scim, startIndex=start, count=5)) for start in (1, 6, 11, 16)]
    assert [ids(listed(scim, startIndex=start, count=5)) for start in (16, 11, 6, 1)] \
        == pages[::-1]


@pytest.mark.parametrize("change", ["delete", "create"])
def test_the_next_reader_sees_a_changed_list_as_it_is(busy, change):
    scim = scim_client(busy)
    read_by_number(scim, 4)
    if change == "delete":
        for uid in all_ids(scim)[:7]:
            busy.admin.delete(f"users/{uid}").expect(200)
    else:
        busy.admin.post("users/", {"user_uid": "0first", "email": "first@example.com",
                                   "display_name": "First"}).status
        busy.admin.create("last@example.com")
    expected = all_ids(scim)
    assert read_by_number(scim, 7) == expected
    assert read_by_number(scim, 3) == expected
    # Another client jumps into it.
    other = scim_client(busy)
    assert ids(listed(other, startIndex=9, count=3)) == expected[8:11]


def test_each_reader_has_places_of_its_own(busy):
    one, other = scim_client(busy), scim_client(busy)
    expected = all_ids(one)
    assert ids(listed(one, startIndex=1, count=10)) == expected[:10]
    busy.admin.delete(f"users/{expected[0]}").expect(200)
    assert ids(listed(other, startIndex=11, count=5)) == expected[11:16]
    assert ids(listed(one, startIndex=11, count=5)) == expected[10:15]


def test_many_readers_at_the_same_time(server):
    """They read in both processes, and overwrite each other's places."""
    clients = [scim_client(server) for _ in range(4)]
    expected = all_ids(clients[0])
    found = {}

    def read(number, client):
        found[number] = [read_by_number(client, 3 + number % 5) for _ in range(3)]

    threads = [threading.Thread(target=read, args=(number, clients[number % 4]))
               for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(pages == expected for readings in found.values() for pages in readings)


# ---- cursors ----

def test_cursors_that_are_none(server, scim):
    cursor = listed(scim, cursor="", count=5)["nextCursor"]
    native = server.admin.get("users/?limit=5&order_by=email").json["next_cursor"]
    changed = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
    for wrong in ("x", changed, cursor[:-1], native, all_ids(scim)[3], "~"):
        scim.get(f"Users?cursor={wrong}&count=5").expect_error(400, "invalidCursor")
    # It belongs to its query: here the order is another.
    scim.get(f"Users?cursor={cursor}&sortBy=userName").expect_error(400, "invalidCursor")
    # And to its client.
    scim_client(server).get(f"Users?cursor={cursor}").expect_error(400, "invalidCursor")
    # The number of resources may change.
    assert ids(listed(scim, cursor=cursor, count=2)) == all_ids(scim)[5:7]


def test_a_person_has_cursors_too(server):
    admin = ScimClient(server, ADMIN)
    assert read_by_cursor(admin, 20) == all_ids(admin)


def test_cursors_last_over_restarts(busy):
    scim, admin = scim_client(busy), ScimClient(busy, ADMIN)
    expected = all_ids(scim)
    cursors = [listed(client, cursor="", count=10)["nextCursor"] for client in (scim, admin)]
    busy.graceful()
    scim.close()
    admin.close()
    for client, cursor in zip((scim, admin), cursors):
        assert ids(listed(client, cursor=cursor, count=5)) == expected[10:15]


def test_cursors_outlive_their_row(busy):
    scim = scim_client(busy)
    expected = all_ids(scim)
    cursor = listed(scim, cursor="", count=10)["nextCursor"]
    busy.admin.delete(f"users/{expected[9]}").expect(200)
    assert ids(listed(scim, cursor=cursor, count=5)) == expected[10:15]


# ---- attributes ----

def test_attributes(scim):
    for user in listed(scim, attributes="userName,emails")["Resources"]:
        assert {"id", "schemas", "userName"} <= set(user) <= {"id", "schemas", "userName", "emails"}
    for user in listed(scim, excludedAttributes="meta,active,id")["Resources"]:
        assert "id" in user and not {"meta", "active"} & set(user)
    user = listed(scim, attributes="META.resourceType")["Resources"][0]
    assert user["meta"] == {"resourceType": "User"}


# ---- searches ----

def search(client, path="Users/.search", **members):
    return client.post(path, {"schemas": [SEARCH], **members})


def test_search(scim):
    expected = all_ids(scim)
    page = search(scim, startIndex=11, count=10).expect(200).json
    assert ids(page) == expected[10:20] and page["startIndex"] == 11
    page = search(scim, startIndex=21, count="3", attributes=["userName"], sortBy=None)
    page = page.expect(200).json
    assert ids(page) == expected[20:23]
    assert set(page["Resources"][0]) == {"id", "schemas", "userName"}
    page = search(scim, EXCLUDEDATTRIBUTES=["meta", "userName"], unknown=3).expect(200).json
    assert "meta" not in page["Resources"][0]
    page = search(scim, cursor="", count=10).expect(200).json
    page = search(scim, cursor=page["nextCursor"], count=10).expect(200).json
    assert ids(page) == expected[10:20]


@pytest.mark.parametrize("members", [
    {"startIndex": True}, {"count": 1.5}, {"count": []}, {"filter": 3}, {"filter": ["x"]},
    {"attributes": {"a": 1}}, {"attributes": [1]}, {"attributes": 7}, {"sortBy": []},
    {"cursor": 1}, {"count": "x"}])
def test_searches_that_are_wrong(scim, members):
    search(scim, **members).expect_error(400, "invalidValue")


# ---- filters ----

def found(client, text, **parameters):
    return [user["userName"] for user in listed(client, filter=text, **parameters)["Resources"]]


def test_filters(server, scim):
    assert found(scim, 'userName eq "u07@example.com"') == ["u07@example.com"]
    assert found(scim, "userName eq U07@EXAMPLE.COM") == ["u07@example.com"]
    page = listed(scim, filter='userName eq "nobody@example.com"')
    assert page["totalResults"] == 0 and page["Resources"] == []
    for index, count, resources in (1, 1, 1), (2, 5, 0), (1, 0, 0):
        page = listed(scim, filter='userName eq "u07@example.com"', startIndex=index, count=count)
        assert (page["totalResults"], len(page["Resources"])) == (1, resources)
    page = listed(scim, filter='userName eq "u07@example.com" and active eq false')
    assert page["totalResults"] == 0 and page["Resources"] == []
    uid = all_ids(scim)[3]
    assert ids(listed(scim, filter=f'id eq "{uid}" and active eq true')) == [uid]
    sevens = 'displayName eq "Name 3" or displayName eq "Name 5"'
    expected = ids(listed(scim, filter=sevens, count=1000))
    assert len(expected) == 16
    for read in (read_by_number, read_by_cursor):
        assert read(scim, 3, filter=sevens) == expected
        assert read(scim, 3, filter=sevens, sortBy="userName", sortOrder="descending") \
            == ids(listed(scim, filter=sevens, sortBy="emails", sortOrder="descending"))
    assert ids(search(scim, filter=sevens, count=4).json) == expected[:4]
    assert server.admin.get("users/", query={"filter": sevens}).json["query_count"] == 16


@pytest.mark.parametrize("text", ["", " ", "userName", "userName eq", 'urn:x:y eq "x"', "eq",
                                  'userName eq "x" and', "userName zz 1", "active gt true"])
def test_filters_that_are_none(scim, text):
    """Never a list without a filter."""
    query = urllib.parse.urlencode({"filter": text})
    scim.get(f"Users?{query}").expect_error(400, "invalidFilter")
    search(scim, filter=text).expect_error(400, "invalidFilter")


def test_two_filters(scim):
    scim.get("Users?filter=userName%20pr&FILTER=id%20pr").expect_error(400, "invalidFilter")


# ---- users and groups together ----

def test_a_search_of_everything(scim):
    """Users come first."""
    groups = [group["id"] for group in scim.get("Groups").expect(200).json["Resources"]]
    expected = all_ids(scim) + groups
    assert groups and ids(search(scim, ".search", count=1000).expect(200).json) == expected
    found, cursor = [], ""
    while cursor is not None:
        page = search(scim, ".search", count=8, startIndex=len(found) + 1).expect(200).json
        assert page["totalResults"] == len(expected)
        by_cursor = search(scim, ".search", count=8, cursor=cursor).expect(200).json
        assert ids(by_cursor) == ids(page)
        found += ids(page)
        cursor = by_cursor.get("nextCursor")
    assert found == expected
    page = search(scim, ".search", startIndex=len(expected), count=5).expect(200).json
    assert ids(page) == groups[-1:]
    page = search(scim, ".search", filter='userName eq "u07@example.com"').expect(200).json
    assert page["totalResults"] == 1
    search(scim, ".search", filter="userName").expect_error(400, "invalidFilter")


PAGE_BYTES = 16 * 1024 * 1024


def test_a_group_that_does_not_fit_behind_the_users(new_server):
    """The page is full of users by its bytes, so the next one begins with the first group."""
    server = new_server(**scim_options())
    scim = scim_client(server)
    group = scim.post("Groups", {"displayName": "Early"}).expect(201).json["id"]
    attributes = '{"text":"' + "x" * 16000 + '"}'
    kept = '{"title":"' + "y" * 8000 + '"}'

    def make_until(count):
        for number in range(len(users), count):
            users.append(server.admin.create(f"u{number:04}@example.com")["user_uid"])
        server.database.sql("UPDATE users SET attributes = ?, scim = ?", attributes, kept)

    users = []
    make_until(1)
    query = {"count": 1000, "excludedAttributes": ["groups"]}
    one = search(scim, ".search", **{**query, "count": 1}).expect(200).json["Resources"]
    length = len(json.dumps(one[0], separators=(",", ":"), ensure_ascii=False).encode())
    make_until((PAGE_BYTES + 1) // (length + 1))
    scim.patch(f"Groups/{group}", {"op": "add", "path": "members",
                                   "value": [{"value": uid} for uid in users]}).expect(200)
    first = search(scim, ".search", cursor="", **query).expect(200).json
    assert ids(first) == users
    second = search(scim, ".search", cursor=first["nextCursor"], **query).expect(200).json
    assert ids(second) == [group, "sub-admins"] and "nextCursor" not in second


# ---- groups of users ----

def test_groups_of_listed_users(scim):
    """Of more users than one statement asks for."""
    uids = all_ids(scim)
    members = [{"value": uid} for uid in uids[:COUNT - 2]]
    made = [scim.post("Groups", {"displayName": f"Listed {number}", "members": members})
            .expect(201).json["id"] for number in range(2)]
    try:
        users = listed(scim, count=1000)["Resources"]
        for user in users[:-2]:
            assert sorted(group["value"] for group in user["groups"]) == sorted(made)
            assert user == scim.resource(user["id"])
        assert all("groups" not in user for user in users[-2:])
        assert all("groups" not in user for user in listed(
            scim, excludedAttributes="groups")["Resources"])
    finally:
        for group in made:
            scim.ask("DELETE", f"Groups/{group}").expect(204)
