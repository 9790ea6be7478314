# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Users with what an identity provider has set of them, as the native API and the tool know it."""

import json

import pytest
from usermgmtctl import DatabaseOf

ON_OLD_SCHEMA = True

NDJSON = {"Accept": "application/x-ndjson"}
OTHERS = {"name": {"familyName": "Émile", "givenName": "\"A\""}, "emails": [
    {"value": "private@home.example.com", "type": "home"}], "title": "Boss"}


def set_scim(server, uid, user_name=None, external_id=None, scim=None, key=None):
    """As an identity provider does it."""
    server.sql("UPDATE users SET user_name = ?, user_name_key = ?, external_id = ?, scim = ?"
               " WHERE user_uid = ?", user_name,
               key if user_name is None or key else ":" + user_name.lower(), external_id,
               None if scim is None else json.dumps(scim, ensure_ascii=False,
                                                    separators=(",", ":")), uid)


@pytest.fixture(scope="module")
def people(server):
    """Users without and with such data, by the names that tests give them."""
    made = {name: server.admin.create(f"{name}@provisioned.example.com", name, number=1)
            for name in ("none", "name", "id", "all")}
    if server.schema >= 4:
        set_scim(server, made["name"]["user_uid"], "The.Name")
        set_scim(server, made["id"]["user_uid"], external_id="ID-1")
        set_scim(server, made["all"]["user_uid"], "all", "ID-1", OTHERS)
    return made


@pytest.fixture
def expected(server, people):
    """The member scim of each."""
    found = {uid: {"userName": user["email"]}
             for user in people.values() for uid in [user["user_uid"]]}
    if server.schema >= 4:
        found[people["name"]["user_uid"]] = {"userName": "The.Name"}
        found[people["id"]["user_uid"]]["externalId"] = "ID-1"
        found[people["all"]["user_uid"]] = {"userName": "all", "externalId": "ID-1", **OTHERS}
    return found


# ---- include=scim ----


def test_it_is_not_told_unless_it_is_asked_for(server, people):
    admin = server.admin
    assert [user for user in admin.everyone(q="provisioned", limit=100) if "scim" in user] == []
    for user in people.values():
        assert admin.read(user["user_uid"]) == user
        assert user in admin.everyone()
        page = admin.get("users/", query={"email": user["email"]}).expect(200)
        assert page.json["users"] == [user]


def test_it_is_told_of_one(server, people, expected):
    admin = server.admin
    for user in people.values():
        uid = user["user_uid"]
        plain = admin.get("users/" + uid).expect(200)
        by_path = admin.get("users/" + uid, query={"include": "scim"}).expect(200)
        assert by_path.json == {"userData": {**user, "scim": expected[uid]}}
        assert by_path.headers["ETag"] == plain.headers["ETag"]
        by_parameter = admin.get("users/", query={"user_uid": uid, "include": "scim"}).expect(200)
        assert by_parameter.raw == by_path.raw
        line = admin.get("users/", query={"include": "scim", "user_uid": uid},
                         headers=NDJSON).expect(200)
        assert line.lines == [by_path.json["userData"]]


def test_it_is_told_in_lists(server, expected):
    admin = server.admin
    plain = admin.everyone()
    told = admin.everyone(include="scim")
    assert [{name: value for name, value in user.items() if name != "scim"}
            for user in told] == plain
    assert {user["user_uid"]: user["scim"] for user in told
            if user["user_uid"] in expected} == expected
    for order in ("user_uid", "-email", "display_name", "created_at"):
        page = admin.get("users/", query={"include": "scim", "limit": 1, "order_by": order})
        users = page.expect(200).json["users"]
        while "next" in page.links:
            assert "include=scim" in page.links["next"]
            page = admin.follow(page, "next").expect(200)
            users += page.json["users"]
        assert sorted(users, key=lambda user: user["user_uid"]) == told


@pytest.mark.parametrize("query, faults", [
    ("include=groups", [("include", "invalid_value")]),
    ("include=", [("include", "invalid_value")]),
    ("include=scim&include=scim", [("include", "duplicate_parameter")]),
    ("include=scim&limit=0", [("limit", "invalid_value")]),
])
def test_what_can_not_be_included(server, query, faults):
    server.admin.get("users/?" + query).expect_faults(*faults)


def test_what_one_user_can_not_be_asked_with(server, people):
    admin, uid = server.admin, people["all"]["user_uid"]
    admin.get(f"users/{uid}?include=x").expect_faults(("include", "invalid_value"))
    admin.get(f"users/{uid}?include=scim&include=scim") \
        .expect_faults(("include", "duplicate_parameter"))
    admin.get(f"users/{uid}?limit=1").expect_faults(("limit", "unknown_parameter"))
    admin.get(f"users/?user_uid={uid}&include=scim&limit=1") \
        .expect_faults(("user_uid", "invalid_value"))
    admin.get("users/nobody?include=scim").expect_problem(404, "user_not_found")
    admin.get("sub-admins/?include=scim").expect_faults(("include", "unknown_parameter"))


# ---- the name is reserved ----


@pytest.mark.parametrize("name", ["scim", "SCIM", "Scim", "s_cim"])
def test_no_attribute_has_the_name(server, people, name):
    admin, uid = server.admin, people["none"]["user_uid"]
    body = {"email": "reserved@provisioned.example.com", "display_name": "R", name: {}}
    admin.post("users/", body).expect_faults((name, "reserved_name"))
    admin.put("users/" + uid, {name: {"userName": "x"}}).expect_faults((name, "reserved_name"))
    admin.put("users/" + uid, {name: None}).expect_faults((name, "reserved_name"))


def test_an_attribute_of_that_name_gives_way(server):
    """It was stored before the name was reserved."""
    admin = server.admin
    for attributes in ('{"scim":"mine"}', '{"a":1,"scim":"mine","b":"\\"scim\\":"}',
                       '{"scim2":{"scim":1},"b":2}'):
        user = admin.create("old@provisioned.example.com")
        uid = user["user_uid"]
        server.sql("UPDATE users SET attributes = ? WHERE user_uid = ?", attributes, uid)
        assert admin.read(uid) == {**user, **json.loads(attributes)}
        told = admin.get("users/" + uid, query={"include": "scim"}).expect(200)
        assert told.json["userData"] == {**user, **json.loads(attributes),
                                         "scim": {"userName": user["email"]}}
        assert told.raw.count(b'"mine"') == 0
        if '"mine"' in attributes:
            admin.put("users/" + uid, {"scim": None}).expect(200)
            assert "scim" not in admin.read(uid)
        admin.delete("users/" + uid).expect(200)


# ---- changes ----


@pytest.mark.new_schema
def test_a_native_change_keeps_it(server, people, expected):
    admin, uid = server.admin, people["all"]["user_uid"]
    admin.put("users/" + uid, {"number": 2, "active": False}).expect(200)
    admin.put("users/" + uid, {"number": 1, "active": True}).expect(200)
    told = admin.get("users/" + uid, query={"include": "scim"}).expect(200)
    assert told.json["userData"]["scim"] == expected[uid]


# ---- the tool ----


def ndjson(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.mark.new_schema
@pytest.mark.parametrize("form", ["ndjson", "csv", "excel"])
def test_what_is_exported_can_be_imported(server, people, tmp_path, form):
    tool = DatabaseOf(server)
    file = tmp_path / ("users.ndjson" if form == "ndjson" else "users.csv")
    excel = ["--excel"] if form == "excel" else []
    tool.run("users", "export", "--output", file, *excel).expect(0)
    users = tool.run("users", "export").expect(0).lines
    told = {user["user_uid"]: user.get("scim") for user in users}
    assert [told[people[name]["user_uid"]] for name in ("none", "name", "id", "all")] == [
        None, {"userName": "The.Name"}, {"externalId": "ID-1"},
        {"userName": "all", "externalId": "ID-1", **OTHERS}]
    tool.run("org", "create", form).expect(0)
    tool.run("users", "import", file, "--with-roles", "--org", form).expect(0, "imported")
    assert tool.run("users", "export", "--org", form).expect(0).lines == users
    again = tool.run("users", "import", file, "--with-roles", "--resume", "--org", form).expect(0)
    assert f"0 imported, {len(users)} already there" in again.err
    event, = [event for event in tool.run("audit", "export", "--org", form).expect(0).lines
              if event["target"] == people["all"]["user_uid"]]
    assert event["after"]["scim"] == told[people["all"]["user_uid"]]


@pytest.mark.new_schema
def test_what_can_not_be_imported(server, tmp_path):
    tool = DatabaseOf(server)
    tool.run("org", "create", "refusing").expect(0)

    def person(name, **scim):
        return {"email": name + "@example.com", "display_name": "P", "scim": scim}

    records = [
        person("a", userName="Login"), person("b", userName="LOGIN"),
        person("c", userName="A@example.com"), person("D", userName="d@EXAMPLE.com"),
        {**person("e"), "scim": "x"}, {**person("f"), "scim": None},
        person("g", userName=5), person("h", userName=""), person("i", userName="x" * 257),
        person("j", externalId="é" * 257), person("k", externalId=None, userName=None),
        person("l", title="x" * 8192), person("m", userName="a\nb"),
        person("n", title="x" * 8180), person("o", userName="N@example.com"),
        {**person("p"), "SCIM": {}}, person("q", userName="z@example.com"), person("Z"),
    ]
    refused = [(2, "scim.userName"), (5, "scim"), (7, "scim.userName"), (8, "scim.userName"),
               (9, "scim.userName"), (10, "scim.externalId"), (12, "scim"), (13, "scim.userName"),
               (15, "scim.userName"), (16, "SCIM"), (18, "email")]
    for way in (["--dry-run"], []):
        report = tmp_path / "report"
        report.unlink(missing_ok=True)
        tool.run("users", "import", "-", "--org", "refusing", "--report", report, *way,
                 stdin=ndjson(*records)).expect(1, "7 (would be )?imported, 0 already there, 11 ref")
        lines = list(map(json.loads, report.read_text().splitlines()))
        assert [(line["line"], line["errors"][0]["field"]) for line in lines] == refused
        assert {line["line"]: line["errors"][0]["code"] for line in lines
                if line["errors"][0]["code"].endswith("taken")} == {
                    2: "user_name_taken", 15: "user_name_taken", 18: "user_name_taken"}
    made = {user["email"]: user.get("scim")
            for user in tool.run("users", "export", "--org", "refusing").expect(0).lines}
    # A name that is the email is none. Somebody's email is free as a name if it is not that
    # user's name.
    assert made == {"a@example.com": {"userName": "Login"},
                    "c@example.com": {"userName": "A@example.com"},
                    "D@example.com": None, "f@example.com": None, "k@example.com": None,
                    "n@example.com": {"title": "x" * 8180},
                    "q@example.com": {"userName": "z@example.com"}}


@pytest.mark.new_schema
def test_it_is_shown_and_erased(new_server):
    server = new_server()
    admin = server.admin
    uid = admin.create("ann@provisioned.example.com", "Ann")["user_uid"]
    bob = admin.create("bob@provisioned.example.com", "Bob")["user_uid"]
    set_scim(server, uid, "Ann.Login", "ID-OF-ANN", OTHERS)
    for group in ("g1", "g2"):
        server.sql("INSERT INTO user_groups (org_id, group_id, display_name, display_name_key,"
                   " created_at, updated_at) VALUES (1, ?, ?, ?, 1, 1)", group, "Group " + group,
                   group)
        for member in (uid, bob):
            server.sql("INSERT INTO group_members (org_id, group_id, user_uid, created_at)"
                       " VALUES (1, ?, ?, 1000)", group, member)
    tool = DatabaseOf(server)
    shown, = tool.run("users", "show", uid).expect(0).lines
    assert shown["user"]["scim"] == {"userName": "Ann.Login", "externalId": "ID-OF-ANN", **OTHERS}
    assert sorted(shown["groups"], key=lambda group: group["group_id"]) == [
        {"group_id": group, "display_name": "Group " + group,
         "member_since": "1970-01-01T00:00:01.000Z"} for group in ("g1", "g2")]
    admin.delete("users/" + uid + "?erase=true").expect(200)
    assert server.sql("SELECT group_id, user_uid FROM group_members ORDER BY group_id") == [
        ("g1", bob), ("g2", bob)]
    rows = [str(row) for table in server.database.tables()
            for row in server.sql(f"SELECT * FROM {table}")]
    assert [row for row in rows if "Ann.Login" in row or "ID-OF-ANN" in row or uid in row
            or "private@home" in row] == []


def test_the_tool_works_on_the_schema_before(server, people):
    shown, = DatabaseOf(server).run("users", "show", people["none"]["user_uid"]).expect(0).lines
    assert shown["user"] == people["none"] and shown["groups"] == []
    tool = DatabaseOf(server)
    imported = tool.run("users", "import", "-", stdin=ndjson(
        {"email": "tool@provisioned.example.com", "display_name": "T",
         "scim": {"userName": "tool.login"}}))
    if server.schema >= 4:
        imported.expect(0, "1 imported")
    else:
        imported.expect(3, "needs version 4")
    assert [user.get("scim") for user in tool.run("users", "export").expect(0).lines
            if user["email"].startswith("tool@")] == (
        [{"userName": "tool.login"}] if server.schema >= 4 else [])
