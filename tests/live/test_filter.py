# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Filters: `users/?filter=…` against an evaluator in plain Python (filter_oracle.py), what is
refused, and the time that a filter may take.

UM_SEED repeats a run, UM_FILTERS sets how many random filters are asked.
"""

import json
import os
import random
import urllib.parse

import pytest

import filter_oracle as oracle
from filter_oracle import CUSTOM, ENTERPRISE
from test_listing_model import email_key, fold

FILTERS = int(os.environ.get("UM_FILTERS", "500"))
USERS = 70
STREAM = {"Accept": "application/x-ndjson"}
QUERY_MAX = 4096

NAMES = ["Ann", "anna", "ANN", "Bob", "bob", "Émile", "émile", "Zoë", "Straße", "O'Brien",
         "100%", "a_b", "a\\b", "x\"y", "汉字", "Bob [x]", "(a)", "😀 smile"]


# ---- users ----


def random_scim(dice):
    if dice.random() < 0.25:
        return None
    scim = {}

    def perhaps(chance, name, value):
        if dice.random() < chance:
            scim[name] = value()

    perhaps(0.6, "name", lambda: {"givenName": dice.choice(NAMES),
                                  "familyName": dice.choice(NAMES + [""])})
    perhaps(0.4, "title", lambda: dice.choice(NAMES + ["Tour Guide", "GUIDE"]))
    perhaps(0.3, "locale", lambda: dice.choice(["en-US", "de", "EN-us"]))
    perhaps(0.5, "emails", lambda: [random_email(dice) for _ in range(dice.randrange(4))])
    perhaps(0.3, "mainEmail", lambda: dice.choice([
        {}, {"type": "Home"}, {"type": "work", "display": "x"}, {"display": dice.choice(NAMES)}]))
    perhaps(0.3, "workPhone", lambda: dice.choice([
        {"type": "Work"}, {"type": "work", "primary": True}, {"type": "work", "display": "Main"}]))
    perhaps(0.3, "phoneNumbers", lambda: [{"value": "+41 " + str(dice.randrange(3)),
                                           "type": dice.choice(["home", "mobile"])}])
    perhaps(0.5, ENTERPRISE, lambda: {
        "department": dice.choice(NAMES), "employeeNumber": str(dice.randrange(40)),
        "manager": {"value": dice.choice(["u01", "u02", "U01"]), "displayName": "Boss"}})
    return scim


def random_email(dice):
    email = {"value": dice.choice(["Home", "ann", "x_y", "É"]) + "@home.example"}
    if dice.random() < 0.7:
        email["type"] = dice.choice(["home", "work", "Other"])
    if dice.random() < 0.4:
        email["primary"] = dice.random() < 0.5
    if dice.random() < 0.3:
        email["display"] = dice.choice(NAMES)
    return email


def random_attributes(dice):
    attributes = {}

    def perhaps(chance, name, value):
        if dice.random() < chance:
            attributes[name] = value()

    perhaps(0.7, "height", lambda: dice.choice([170, 170.0, 170.5, 165, -1, 0, "170", None, 1e300,
                                                5e-324, 0.1]))
    perhaps(0.7, "brand", lambda: dice.choice(["nike", "Nike", "NIKE Air", "Ékin", "23", "", 23,
                                               True, "a\tb\n\"c\"\\", "100%", "u_u", "😀"]))
    perhaps(0.5, "tags", lambda: dice.choice([["a", "B", 3], [], [None], [""], [[]], [["x"]],
                                              [{"a": 1}], [{}], "a", ["a", True]]))
    perhaps(0.4, "nested", lambda: dice.choice([{"a": "nike"}, {}, {"a": {"b": 1}},
                                                {"type": "text", "value": "nike"}, None]))
    perhaps(0.5, "mixed", lambda: dice.choice([True, False, None, "true", 1, "null", 0, [True]]))
    perhaps(0.3, "a.b", lambda: dice.choice(["dot", 1]))
    perhaps(0.4, "big", lambda: dice.choice([9223372036854775807, 9223372036854775806,
                                             9007199254740993, 9007199254740992,
                                             -9223372036854775808]))
    return attributes


def random_user(dice, number):
    first = dice.choice(["Ann", "bob", "É", "x_y", "zed"])
    created = dice.randrange(1700000000000, 1700000000020)
    return {
        "user_uid": f"{dice.choice('uU')}{number:02d}",
        "email": f"{first}{number}@{dice.choice(['X.org', 'ä.de', 'b.com'])}",
        "display_name": dice.choice(NAMES) + dice.choice(["", " é", str(number), "  Lee Smith"]),
        "phone": dice.choice([None, "+41 1", "+41 2", "111"]),
        "active": dice.random() < 0.8,
        "role": dice.choice(["user", "user", "sub_admin"]),
        "created_at": created,
        "updated_at": created + dice.randrange(5),
        "user_name": dice.choice([None, f"Login{number}", f"ÉLOGIN.{number}",
                                  f"Other{number}@b.com"]),
        "external_id": dice.choice([None, f"ext{number}", f"EXT{number}", f"É%_{number}"]),
        "scim": random_scim(dice),
        "attributes": random_attributes(dice),
        "groups": [],
    }


def put_user(database, org_id, user):
    database.sql(
        "INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
        " display_name_folded, phone, attributes, active, created_at, updated_at, user_name,"
        " user_name_key, external_id, scim) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        org_id, user["user_uid"], user["email"], email_key(user["email"]), user["display_name"],
        fold(user["display_name"]), user["phone"], compact(user["attributes"]),
        int(user["active"]), user["created_at"], user["updated_at"], user["user_name"],
        oracle.login_key(user["user_name"]) if user["user_name"] else None, user["external_id"],
        compact(user["scim"]) if user["scim"] is not None else None)
    if user["role"] == "sub_admin":
        database.sql("INSERT INTO sub_admins (org_id, user_uid, added_by, created_at)"
                     " VALUES (?, ?, 'x', 1)", org_id, user["user_uid"])


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def put_groups(database, org_id, dice, users):
    for group, name in (("g1", "Group A"), ("g2", "group É"), ("G1", "Main")):
        database.sql("INSERT INTO user_groups (org_id, group_id, display_name, display_name_key,"
                     " created_at, updated_at) VALUES (?, ?, ?, ?, 1, 1)",
                     org_id, group, name, fold(name))
        for user in dice.sample(users, len(users) // 4):
            database.sql("INSERT INTO group_members (org_id, group_id, user_uid, created_at)"
                         " VALUES (?, ?, ?, 1)", org_id, group, user["user_uid"])
            user["groups"].append((group, name))
    for user in users:
        if user["role"] == "sub_admin":
            user["groups"].append(("sub-admins", "Sub-admins"))


@pytest.fixture(scope="module")
def dice():
    seed = os.environ.get("UM_SEED") or str(random.randrange(10 ** 9))
    print("UM_SEED=" + seed)
    return random.Random(int(seed))


@pytest.fixture(scope="module")
def server(make_server):
    # Both are small, so that the machine's other work decides nothing.
    return make_server(location="UserMgmtFilterTimeout 10s")


@pytest.fixture(scope="module")
def users(server, dice):
    """Of the only organization; another one has a user with the same attributes."""
    server.admin.get("users/").expect(200)
    database = server.database
    org_id = database.sql("SELECT org_id FROM organizations")[0][0]
    made = [random_user(dice, number) for number in range(USERS)]
    for user in made:
        put_user(database, org_id, user)
    put_groups(database, org_id, dice, made)
    database.sql("INSERT INTO organizations (name, created_at) VALUES ('another', 1)")
    other = database.sql("SELECT org_id FROM organizations WHERE name = 'another'")[0][0]
    put_user(database, other, {**made[0], "role": "user"})
    return made


# ---- random filters ----


def uids(answer):
    return [user["user_uid"] for user in answer]


def read_all(admin, query):
    """All pages, one after the other."""
    found = []
    page = admin.get("users/", query=query).expect(200)
    for _ in range(USERS + 1):
        found += uids(page.json["users"])
        if "next" not in page.links:
            return found
        page = admin.follow(page, "next").expect(200)
    raise AssertionError("the pages do not end")


def check(admin, users, text, wanted, dice):
    kind = dice.random()
    query = {"filter": text}
    if kind < 0.1:
        lines = admin.get("users/", query=query, headers=STREAM).expect(200).lines
        assert uids(lines) == sorted(wanted)
        return
    if kind < 0.2:
        order = dice.choice(["email", "-display_name", "created_at", "-user_uid"])
        found = read_all(admin, {**query, "order_by": order, "limit": str(dice.randrange(1, 30)),
                                 "count": dice.choice(["none", "exact"])})
        assert sorted(found) == sorted(wanted)
        return
    if kind < 0.3:
        role = dice.choice(["user", "sub_admin"])
        query["role"] = role
        wanted = {user["user_uid"] for user in users
                  if user["role"] == role and user["user_uid"] in wanted}
    page = admin.get("users/", query={**query, "limit": "1000"}).expect(200).json
    assert uids(page["users"]) == sorted(wanted)
    assert page["query_count"] == len(wanted)


def test_random_filters(server, users, dice):
    shares = {"none": 0, "all": 0, "some": 0}
    asked = 0
    while asked < FILTERS:
        filter_ = oracle.random_filter(dice, users)
        text = oracle.write(dice, filter_)
        if len(urllib.parse.urlencode({"filter": text})) > QUERY_MAX - 100:
            continue
        wanted = {user["user_uid"] for user in users if oracle.matches(user, filter_)}
        shares["none" if not wanted else "all" if len(wanted) == USERS else "some"] += 1
        asked += 1
        try:
            check(server.admin, users, text, wanted, dice)
        except AssertionError as error:
            raise AssertionError(f"filter {asked}: {text}\n{filter_}") from error
    # Filters that match all or nothing have tested little.
    assert shares["some"] > FILTERS / 3, shares


# ---- known filters ----


def find(server, text, **query):
    result = server.admin.get("users/", query={"filter": text, "limit": "1000", **query})
    page = result.expect(200).json
    assert page.get("query_count", len(page["users"])) == len(page["users"])
    return set(uids(page["users"]))


def of(users, condition):
    return {user["user_uid"] for user in users if condition(user)}


def test_custom_attributes_are_compared_by_their_type(server, users):
    def height(user):
        return user["attributes"].get("height")

    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    tall = of(users, lambda user: is_number(height(user)) and height(user) >= 170)
    assert tall and find(server, "height ge 170") == tall
    assert find(server, "height eq 170") == of(users, lambda user: is_number(height(user))
                                               and height(user) == 170)
    assert find(server, 'height eq "170"') == of(users, lambda user: height(user) == "170")
    assert find(server, f'{CUSTOM}:height ge 170 and brand sw "NI"') == of(
        users, lambda user: user["user_uid"] in tall and isinstance(user["attributes"].get("brand"), str)
        and user["attributes"]["brand"].lower().startswith("ni"))
    # Case counts in the names of custom attributes.
    assert find(server, "HEIGHT ge 170") == set()


def test_what_clients_send(server, users):
    someone = next(user for user in users if user["user_name"] is None
                   and "É" not in user["email"] and "mainEmail" not in (user["scim"] or {}))
    uid = someone["user_uid"]
    for text in (f'userName eq "{someone["email"]}"', f'USERNAME EQ "{someone["email"].upper()}"',
                 f"userName eq {someone['email']}", f'id eq "{uid}"', f"id eq {uid}",
                 f'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "{someone["email"]}"',
                 f'emails eq "{someone["email"]}"', f'emails.value eq "{someone["email"]}"',
                 f'emails[type eq "work"].value eq "{someone["email"]}"',
                 f'emails[type eq "work" and value eq "{someone["email"]}"]'):
        if someone["email"].endswith("ä.de") and "EQ" in text:
            continue
        assert find(server, text) == {uid}, text
    assert find(server, "active eq True") == of(users, lambda user: user["active"])
    assert find(server, 'active eq "False"') == of(users, lambda user: not user["active"])
    assert find(server, 'externalId eq "ext1" or externalId eq "EXT2"') == of(
        users, lambda user: user["external_id"] in ("ext1", "EXT2"))


def test_filters_and_other_parameters_must_all_match(server, users):
    assert find(server, "active eq true", role="sub_admin") == of(
        users, lambda user: user["active"] and user["role"] == "sub_admin")
    assert find(server, 'userName sw "login"', q="ann") == of(
        users, lambda user: oracle.matches_login("sw", user["user_name"] or user["email"], "login")
        and (fold(user["display_name"]).startswith("ann")
             or email_key(user["email"]).startswith("ann")))
    assert find(server, 'displayName sw "a" and displayName sw "ann"', display_name="an") == of(
        users, lambda user: fold(user["display_name"]).startswith("ann"))


def test_wildcards_and_quotes_are_characters(server, users):
    for text in ("%", "_", "\\", "'", '"', "😀", "É", "100%"):
        wanted = of(users, lambda user, text=text: fold(text) in fold(user["display_name"]))
        assert find(server, f"displayName co {json.dumps(text)}") == wanted, text
        wanted = of(users, lambda user, text=text: oracle.matches_values(
            "co", oracle.matches_any, oracle.values_at(user["attributes"], "brand"),
            oracle.Value(text, "")))
        assert find(server, f"brand co {json.dumps(text)}") == wanted, text


@pytest.mark.parametrize("text, detail", [
    ("", "The name of an attribute is missing, at character 1."),
    ("userName", "An operator is missing, at character 9."),
    ("userName eq", "A value is missing, at character 12."),
    ("userName like x", "The operator is none of eq ne co sw ew gt ge lt le pr, at character 10."),
    ("(active eq true", "and, or, or the parenthesis ) is missing, at character 16."),
    ("active eq true and password pr", "There is no attribute with this name, at character 20."),
    ("user-uid pr", "There is no attribute with this name, at character 1."),
    ("userName.x pr", "There is no attribute with this name, at character 1."),
    ("urn:x:User:userName pr", "There is no attribute with this name, at character 1."),
    (ENTERPRISE + ":height pr", "There is no attribute with this name, at character 1."),
    ("emails[x eq 1]", "The elements have no attribute with this name, at character 8."),
    ("emails.x eq 1", "The elements have no attribute with this name, at character 1."),
    ('displayName[type eq "x"]', "This attribute has no elements, at character 1."),
    ("active gt true", "true and false are compared by eq and ne alone, at character 1."),
    ("active eq 1", "This attribute is compared with true or false alone, at character 1."),
    ("height co 1", "A number has no parts: use eq, ne, gt, ge, lt or le, at character 1."),
    ("mixed gt true", "true and false are compared by eq and ne alone, at character 1."),
    ("meta.created co 2", "An instant has no parts: use eq, ne, gt, ge, lt or le, at character 1."),
    ("meta.created gt 2", "This attribute is compared with an RFC 3339 date-time alone,"
                          " at character 1."),
    ("role gt user", "This attribute has no order, at character 1."),
    ('name eq "x"', "This attribute has only pr: compare its sub-attributes, at character 1."),
])
def test_what_is_not_understood_is_refused(server, users, text, detail):
    del users
    for headers in ({}, STREAM):
        result = server.admin.get("users/", query={"filter": text}, headers=headers)
        problem = result.expect_faults(("filter", "invalid_filter"))
        assert problem["errors"][0]["detail"] == detail


def test_other_lists_have_no_filter(server):
    for path in ("sub-admins/", "invitations/", "sessions/", "audit-events/"):
        server.admin.get(path, query={"filter": "a pr"}).expect_faults(
            ("filter", "unknown_parameter"))


def test_the_largest_filter(server, users):
    """64 comparisons, most of them in JSON, and counted in both ways of a list."""
    text = "not (" + " or ".join(f"a{number} ew x" for number in range(64)) + ")"
    assert find(server, text) == of(users, lambda user: True)
    assert find(server, text, q="ann", role="user") == of(
        users, lambda user: user["role"] == "user"
        and (fold(user["display_name"]).startswith("ann")
             or email_key(user["email"]).startswith("ann")))
    result = server.admin.get("users/", query={"filter": text[:-1] + " or b pr)"})
    result.expect_faults(("filter", "invalid_filter"))


# ---- the time that a filter may take ----


def join(server, *parts):
    """Texts put together, as the database writes it."""
    return f"CONCAT({', '.join(parts)})" if server.database.kind == "mariadb" \
        else " || ".join(parts)


@pytest.fixture(scope="module")
def slow_server(make_server, dice):
    """So many users that a filter which reads each of them takes far longer than it may."""
    made = make_server(location="UserMgmtFilterTimeout 300ms")
    made.admin.get("users/").expect(200)
    database = made.database
    org_id = database.sql("SELECT org_id FROM organizations")[0][0]
    for number in range(USERS):
        put_user(database, org_id, {**random_user(dice, number), "role": "user"})
    for letter in "abcdefgh":
        uid, key, email = (join(made, f"'{letter}'", column)
                           for column in ("user_uid", "email_key", "email"))
        database.sql(
            "INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
            " display_name_folded, attributes, created_at, updated_at)"
            f" SELECT org_id, {uid}, {email}, {key}, display_name, display_name_folded,"
            " attributes, created_at, updated_at FROM users")
    return made


SLOW = " or ".join(f'brand ew "none{number}"' for number in range(60))


@pytest.mark.parametrize("query", [
    {}, {"count": "none"}, {"order_by": "-display_name"}, {"role": "user"}, {"q": "a"},
    {"order_by": "email", "limit": "1000", "count": "none"}])
def test_a_filter_that_takes_too_long_is_refused(slow_server, query):
    for headers in ({}, STREAM):
        result = slow_server.admin.get("users/", query={"filter": SLOW, **query},
                                       headers=headers)
        result.expect_problem(400, "too_many")
    # The connection is of use afterwards, and has its own limits again.
    page = slow_server.admin.get("users/", query={"limit": "1000"}).expect(200).json
    assert len(page["users"]) == 1000


def test_what_an_index_finds_is_in_time(slow_server):
    someone = slow_server.admin.get("users/").expect(200).json["users"][-1]
    for text in (f'userName eq "{someone["email"]}"', f'id eq "{someone["user_uid"]}"',
                 f'email eq "{someone["email"]}"', 'externalId eq "ext1"',
                 'userName sw "aaann1@"', 'id sw "hgf"',
                 f'emails.value eq "{someone["email"]}"', 'emails sw "aaann1@"',
                 'emails[type eq "home" and value eq "ann@home.example"]'):
        text += f" and ({SLOW.partition(' or ')[0]} or active eq true)"
        result = slow_server.admin.get("users/", query={"filter": text})
        assert result.status == 200, text
