# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Groups: their lists, their members among the users, and the group of the sub-admins."""

import itertools
import time

import pytest
from usermgmt_env import ADMIN, SUB_ADMIN, Client, in_parallel, wait_for

NUMBERS = itertools.count()
TTL = 2


def fresh_email():
    return f"g{next(NUMBERS)}@groups.example.com"


def page(path, lines):
    return f"""
        Alias {path} @DIR@/htdocs
        <Location "{path}">
            @AUTH@
            AuthzSendForbiddenOnFailure On
            {lines}
        </Location>"""


EXTRA = f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtSubAdmin user {SUB_ADMIN}
    UserMgmtKeys On
    UserMgmtRoleCacheTTL {TTL}""" + page(
        "/lab", 'Require usermgmt-group "Crystal Läb"') + page(
        "/by-id", "Require usermgmt-group lab0") + page(
        "/two", "Require usermgmt-group nothing ops") + page(
        "/subs", "Require usermgmt-group Sub-Admins") + page(
        "/not", """<RequireAll>
            Require valid-user
            Require not usermgmt-group lab0
            </RequireAll>""") + page(
        "/uncached", "UserMgmtRoleCacheTTL 0\nRequire usermgmt-group lab0") + page(
        "/nowhere", "UserMgmtOrganization nowhere\nRequire usermgmt-group lab0") + page(
        "/active", "Require usermgmt-active")


def make_group(server, group_id, name, uids=(), external_id=None):
    server.sql("INSERT INTO user_groups (org_id, group_id, display_name, display_name_key,"
               " external_id, created_at, updated_at) VALUES (1, ?, ?, ?, ?, 5000, 6000)",
               group_id, name, name.lower(), external_id)
    for uid in uids:
        join(server, group_id, uid)


def join(server, group_id, uid):
    server.sql("INSERT INTO group_members (org_id, group_id, user_uid, created_at)"
               " VALUES (1, ?, ?, 5000)", group_id, uid)


def version_of(server, group_id):
    (version,), = server.sql("SELECT version FROM user_groups WHERE org_id = 1 AND group_id = ?",
                             group_id)
    return version


@pytest.fixture(scope="module", name="server")
def fixture_server(make_server):
    server = make_server(extra=EXTRA, roles="", processes=1)
    (server.directory / "htdocs/page.txt").write_text("a page\n")
    return server


@pytest.fixture(name="admin")
def fixture_admin(server):
    server.allow_log("AH0163[01]: ")
    return server.admin


@pytest.fixture(scope="module", name="people")
def fixture_people(server):
    """Users p0 … p11, of whom p0 … p7 are in the laboratory, and each third is among the ops."""
    made = [server.admin.create(f"p{n}@groups.example.com", f"Person {n:02d}")["user_uid"]
            for n in range(12)]
    make_group(server, "lab0", "Crystal Läb", made[:8], "lab@idp")
    make_group(server, "ops0", "Ops", made[::3])
    make_group(server, "empty", "Ωmega")
    return made


def uids(answer):
    return [user["user_uid"] for user in answer.expect(200).json["users"]]


def test_the_list(admin, people):
    answer = admin.get("groups/", query={"limit": 10}).expect(200).json
    groups = {group["group_id"]: group for group in answer["groups"]}
    assert list(groups) == sorted(groups) == ["empty", "lab0", "ops0", "sub-admins"]
    assert answer["query_count"] == 4 and not answer["has_more"]
    assert groups["lab0"] == {"group_id": "lab0", "display_name": "Crystal Läb",
                              "external_id": "lab@idp", "member_count": 8,
                              "created_at": "1970-01-01T00:00:05.000Z",
                              "updated_at": "1970-01-01T00:00:06.000Z"}
    assert groups["ops0"]["member_count"] == 4 and groups["empty"]["member_count"] == 0
    assert groups["sub-admins"]["external_id"] is None
    for group in groups.values():
        one = admin.get("groups/" + group["group_id"]).expect(200)
        assert one.json == {"group": group}
        admin.get("groups/" + group["group_id"], headers={"If-None-Match": one.headers["ETag"]}) \
            .expect(304)
    admin.get("groups/lab1").expect_problem(404, "group_not_found")
    assert len(people) == 12


def test_orders_and_filters(admin, people):
    def ids(**query):
        return [group["group_id"] for group in
                admin.get("groups/", query=query).expect(200).json["groups"]]

    assert ids(order_by="display_name") == ["lab0", "ops0", "sub-admins", "empty"]
    assert ids(order_by="-display_name") == ["empty", "sub-admins", "ops0", "lab0"]
    assert ids(order_by="-group_id", limit=2) == ["sub-admins", "ops0"]
    assert ids(display_name="CRYSTAL L") == ["lab0"]
    assert ids(display_name="x") == []
    assert ids(external_id="lab@idp") == ["lab0"] and ids(external_id="LAB@idp") == []
    first = admin.get("groups/", query={"order_by": "display_name", "limit": 3}).json
    assert ids(order_by="display_name", start_after_id=first["next_cursor"]) == ["empty"]
    assert ids(start_after_id="lab0", limit=1) == ["ops0"]
    admin.get("groups/?color=red").expect_faults(("color", "unknown_parameter"))
    assert people


def test_members(admin, people):
    assert uids(admin.get("users/?group=lab0&limit=100")) == people[:8]
    assert admin.get("users/?group=lab0").json["query_count"] == 8
    assert uids(admin.get("users/?group=lab0&limit=3&order_by=-email")) == people[7:4:-1]
    assert uids(admin.get("users/?group=lab0&limit=3&order_by=display_name"
                          f"&start_after_id={people[2]}")) == people[3:6]
    assert uids(admin.get(f"users/?group=lab0&end_before_id={people[4]}&limit=2")) == people[2:4]
    assert uids(admin.get("users/?group=lab0&q=p1@")) == [people[1]]
    assert uids(admin.get("users/?group=lab0&email=p9@groups.example.com")) == []
    assert uids(admin.get("users/?group=ops0&role=user&active=true")) == people[::3]
    assert admin.get("users/?group=ops0&role=user").json["query_count"] == 4
    assert uids(admin.get("users/?group=empty")) == uids(admin.get("users/?group=x")) == []
    admin.get("users/?group=").expect_faults(("group", "invalid_value"))
    lines = admin.get("users/?group=lab0", headers={"Accept": "application/x-ndjson"}).lines
    assert [user["user_uid"] for user in lines] == people[:8]


def test_pages_of_members(admin, people):
    """Each member comes once, forwards and backwards, in every order."""
    for order in ("user_uid", "email", "-display_name", "created_at"):
        seen, query = [], {"group": "lab0", "order_by": order, "limit": 3, "count": "none"}
        while True:
            answer = admin.get("users/", query=query).expect(200).json
            seen += [user["user_uid"] for user in answer["users"]]
            if answer["next_cursor"] is None:
                break
            query["start_after_id"] = answer["next_cursor"]
        assert len(seen) == 8 and set(seen) == set(people[:8]), order


def test_the_sub_admins_are_a_group(server, admin):
    before = admin.get("groups/sub-admins").json["group"]
    user = admin.create(fresh_email())
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    after = admin.get("groups/sub-admins").json["group"]
    assert after["member_count"] == before["member_count"] + 1
    assert after["updated_at"] > before["updated_at"]
    assert user["user_uid"] in uids(admin.get("users/?group=sub-admins&limit=100"))
    assert user["user_uid"] not in uids(admin.get("users/?group=sub-admins&role=user"))
    version = version_of(server, "sub-admins")
    admin.delete("sub-admins/" + user["user_uid"]).expect(200)
    assert version_of(server, "sub-admins") == version + 1
    assert admin.get("groups/sub-admins").json["group"]["member_count"] == before["member_count"]
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    admin.delete("users/" + user["user_uid"]).expect(200)
    assert version_of(server, "sub-admins") == version + 3


# ---- changes ----


def event_of(admin, group_id):
    """The latest event of a group."""
    return admin.get("audit-events/", query={"target": group_id, "order_by": "-at", "limit": 1}) \
        .expect(200).json["audit_events"][0]


def test_a_group_is_made_renamed_and_deleted(server, admin):
    made = admin.post("groups/", {"display_name": "  Night Shift ", "external_id": "n@idp"},
                      headers={"Idempotency-Key": "night"}).expect(201)
    group = made.json["group"]
    path = "groups/" + group["group_id"]
    assert (group["display_name"], group["external_id"], group["member_count"]) \
        == ("Night Shift", "n@idp", 0)
    assert made.headers["Location"] == "/user-management/" + path
    again = admin.post("groups/", {"display_name": "  Night Shift ", "external_id": "n@idp"},
                       headers={"Idempotency-Key": "night"}).expect(201)
    assert again.json == made.json and again.headers["Idempotency-Replayed"] == "true"
    read = admin.get(path).expect(200)
    assert read.json == made.json and read.headers["ETag"] == made.headers["ETag"]
    event = event_of(admin, group["group_id"])
    assert (event["action"], event["before"]) == ("groups.create", None)
    assert event["after"] == {"group_id": group["group_id"], "display_name": "Night Shift",
                              "external_id": "n@idp"}
    admin.ask("PATCH", path, {"display_name": "x"}, headers={"If-Match": '"old"'}) \
        .expect_problem(412, "precondition_failed")
    changed = admin.ask("PATCH", path, {"display_name": "Day"},
                          headers={"If-Match": made.headers["ETag"]}).expect(200)
    assert changed.json["group"]["display_name"] == "Day"
    assert changed.json["group"]["external_id"] == "n@idp"
    assert changed.headers["ETag"] == admin.get(path).headers["ETag"] != made.headers["ETag"]
    assert version_of(server, group["group_id"]) == 2
    # Nothing changes, so nothing is written.
    admin.put(path, {"display_name": "Day"}).expect(200)
    assert version_of(server, group["group_id"]) == 2
    assert event_of(admin, group["group_id"])["before"]["display_name"] == "Night Shift"
    assert admin.put(path, {"external_id": None}).json["group"]["external_id"] is None
    admin.delete(path, headers={"If-Match": changed.headers["ETag"]}) \
        .expect_problem(412, "precondition_failed")
    assert admin.delete(path).expect(200).json == {"message": "Group deleted successfully."}
    admin.get(path).expect_problem(404, "group_not_found")
    admin.delete(path).expect_problem(404, "group_not_found")
    assert event_of(admin, group["group_id"])["action"] == "groups.delete"


@pytest.mark.parametrize("body, faults", [
    ({"display_name": None}, [("display_name", "required")]),
    ({"display_name": "  "}, [("display_name", "required")]),
    ({"display_name": 1}, [("display_name", "invalid_type")]),
    ({"display_name": "x" * 257}, [("display_name", "too_long")]),
    ({"display_name": "x", "external_id": "y" * 513}, [("external_id", "too_long")]),
    ({"display_name": "x", "members": []}, [("members", "unknown_member")]),
])
def test_bad_names_are_refused(admin, people, body, faults):
    admin.ask("PATCH", "groups/empty", body).expect_faults(*faults)
    admin.post("groups/", body).expect_faults(*faults)
    admin.post("groups/", {}).expect_faults(("display_name", "required"))
    admin.ask("PATCH", "groups/empty", {}).expect(200)
    assert people


def test_names_are_unique(admin, people):
    admin.post("groups/", {"display_name": "CRYSTAL LÄB"}).expect_problem(409, "group_exists")
    admin.ask("PATCH", "groups/empty", {"display_name": "oPS"}).expect_problem(409, "group_exists")
    admin.ask("PATCH", "groups/ops0", {"display_name": "OPS"}).expect(200)
    admin.ask("PATCH", "groups/ops0", {"display_name": "Ops"}).expect(200)
    assert people


def test_members_are_added_and_removed(server, admin, people):
    login = server.add_login(fresh_email())
    uid = admin.create(login)["user_uid"]
    path, version = "groups/lab0/members/", version_of(server, "lab0")
    assert status(server, login, "/lab") == 403
    assert admin.post(path, {"email": login.upper()}).expect(200).json \
        == {"message": "Member added successfully."}
    # At once, though it was remembered.
    assert status(server, login, "/lab") == 200
    admin.post(path, {"user_uid": uid}).expect_problem(409, "already_member")
    assert uid in uids(admin.get("users/?group=lab0&limit=100"))
    event = event_of(admin, "lab0")
    assert (event["action"], event["after"]["added"], event["after"]["added_count"]) \
        == ("groups.update", [uid], 1)
    assert [group["group_id"] for group in
            admin.get("groups/", query={"user_uid": uid}).json["groups"]] == ["lab0"]
    admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    mine = admin.get("groups/", query={"user_uid": uid, "order_by": "-group_id"}).json
    assert [group["group_id"] for group in mine["groups"]] == ["sub-admins", "lab0"]
    assert mine["query_count"] == 2
    assert admin.delete(path, body={"user_uid": uid}).expect(200).json \
        == {"message": "Member removed successfully."}
    assert status(server, login, "/lab") == 403
    admin.delete(path, body={"user_uid": uid}).expect_problem(404, "member_not_found")
    assert version_of(server, "lab0") == version + 2
    assert event_of(admin, "lab0")["after"]["removed"] == [uid]
    assert admin.get("groups/", query={"user_uid": "nobody"}).json["groups"] == []
    admin.delete("users/" + uid).expect(200)
    assert people


def test_who_can_not_be_a_member(admin, people):
    admin.post("groups/lab0/members/", {"user_uid": "nobody"}) \
        .expect_problem(404, "user_not_found")
    admin.post("groups/lab0/members/", {"email": "nobody@groups.example.com"}) \
        .expect_problem(404, "user_not_found")
    admin.post("groups/nothing/members/", {"user_uid": people[0]}) \
        .expect_problem(404, "group_not_found")
    admin.post("groups/lab0/members/", {"user_uid": people[0]}, headers={"If-Match": "*"}) \
        .expect_problem(412, "precondition_failed")
    admin.post("groups/lab0/members/", {}).expect_faults(("user_uid", "required"))
    admin.post("groups/lab0/members/", {"user_uid": "a b", "email": "x"}).expect_faults(
        ("user_uid", "invalid_uid"), ("email", "invalid_email"), ("email", "invalid_value"))
    admin.post("groups/lab0/members/?x=1", {"user_uid": people[0]}) \
        .expect_faults(("x", "unknown_parameter"))


def test_the_reserved_group_is_not_changed(admin, people):
    for answer in (admin.ask("PATCH", "groups/sub-admins", {"display_name": "Chiefs"}),
                   admin.ask("PATCH", "groups/sub-admins", {"external_id": "x"}),
                   admin.delete("groups/sub-admins"),
                   admin.post("groups/sub-admins/members/", {"user_uid": people[0]}),
                   admin.delete("groups/sub-admins/members/", body={"user_uid": people[0]})):
        answer.expect_problem(409, "reserved_group")
    admin.ask("PATCH", "groups/sub-admins", {"display_name": "Sub-admins"}).expect(200)
    admin.post("groups/", {"display_name": "sub-ADMINS"}).expect_problem(409, "group_exists")


def test_who_may_not_read_gets_no_group(admin, server, people):
    key = admin.post("api-keys/", {"name": "A", "permissions": ["groups:manage"]}) \
        .expect(201).json["key"]
    client = server.client(None, headers={"Authorization": "Bearer " + key})
    answer = client.ask("PATCH", "groups/empty", {"external_id": "e"}).expect(200)
    assert answer.json == {"message": "Group updated successfully."}
    client.get("groups/empty").expect_problem(403, "forbidden")
    admin.ask("PATCH", "groups/empty", {"external_id": None}).expect(200)
    assert people


def test_many_members_at_once(server, admin, people):
    """Each of those who are added at the same time is a member, and the version tells each."""
    made = admin.post("groups/", {"display_name": "Crowd"}).expect(201).json["group"]
    path = f"groups/{made['group_id']}/members/"
    in_parallel(len(people), lambda n: admin.post(path, {"user_uid": people[n]}, fresh=True)
                .expect(200))
    assert uids(admin.get(f"users/?group={made['group_id']}&limit=100")) == people
    assert version_of(server, made["group_id"]) == 1 + len(people)
    assert admin.get("groups/" + made["group_id"]).json["group"]["member_count"] == len(people)
    admin.delete("groups/" + made["group_id"]).expect(200)
    assert server.sql("SELECT COUNT(*) FROM group_members WHERE group_id = ?",
                      made["group_id"]) == [(0,)]


def test_a_new_organization_has_it(server):
    server.sql("INSERT INTO organizations (name, created_at) VALUES ('green', 7000)")
    assert server.sql("SELECT group_id, g.display_name, g.created_at FROM user_groups g JOIN"
                      " organizations o ON o.org_id = g.org_id WHERE o.name = 'green'") \
        == [("sub-admins", "Sub-admins", 7000)]


def test_a_user_who_is_deleted_is_in_no_group(server, admin):
    user = admin.create(fresh_email())["user_uid"]
    other = admin.create(fresh_email())["user_uid"]
    make_group(server, "gone1", "Gone 1", [user, other])
    make_group(server, "gone2", "Gone 2", [user])
    make_group(server, "gone3", "Gone 3", [other])
    admin.delete("users/" + user).expect(200)
    assert [version_of(server, f"gone{n}") for n in (1, 2, 3)] == [2, 2, 1]
    assert admin.get("groups/gone1").json["group"]["member_count"] == 1
    assert admin.get("groups/gone2").json["group"]["member_count"] == 0
    assert admin.get("groups/gone1").json["group"]["updated_at"] > "2020"
    admin.ask("DELETE", "users/" + other + "?erase=true").expect(200)
    assert [version_of(server, f"gone{n}") for n in (1, 2, 3)] == [3, 2, 2]
    assert server.sql("SELECT COUNT(*) FROM group_members WHERE group_id LIKE 'gone%'") == [(0,)]
    server.sql("DELETE FROM user_groups WHERE group_id LIKE 'gone%'")


# ---- Require usermgmt-group ----


def status(server, login, path):
    return server.client(login, base=path).get("page.txt").status


def test_members_are_let_in(server, admin, people):
    inside, outside = (server.add_login(f"p{n}@groups.example.com") for n in (3, 8))
    for login, statuses in ((inside, (200, 200, 200, 403, 403)),
                            (outside, (403, 403, 403, 403, 200)),
                            (ADMIN, (403, 403, 403, 403, 200))):
        paths = ("/lab", "/by-id", "/two", "/subs", "/not")
        assert tuple(status(server, login, path) for path in paths) == statuses, login
        # Again, with what is remembered by now.
        assert tuple(status(server, login, path) for path in paths) == statuses, login
    assert status(server, inside, "/nowhere") == 403
    server.client(None, base="/lab").get("page.txt").expect(401)
    admin.put("users/" + people[3], {"active": False}).expect(200)
    assert status(server, inside, "/lab") == 403
    admin.put("users/" + people[3], {"active": True}).expect(200)
    assert status(server, inside, "/lab") == 200


def test_a_key_is_in_no_group(server, admin):
    made = admin.post("api-keys/", {"name": "A", "role": "admin"}).expect(201).json["key"]
    bearer = {"Authorization": "Bearer " + made}
    server.client(None, base="/active").get("page.txt", headers=bearer).expect(200)
    server.client(None, base="/lab").get("page.txt", headers=bearer).expect(403)
    server.client(None, base="/subs").get("page.txt", headers=bearer).expect(403)


def test_the_group_of_the_sub_admins_lets_in(server, admin):
    login = server.add_login(fresh_email())
    uid = admin.create(login)["user_uid"]
    for _ in range(2):
        assert status(server, login, "/subs") == 403
        admin.post("sub-admins/", {"user_uid": uid}).expect(201)
        # At once, though it was remembered.
        assert status(server, login, "/subs") == 200
        admin.put("users/" + uid, {"active": False}).expect(200)
        assert status(server, login, "/subs") == 403
        admin.put("users/" + uid, {"active": True}).expect(200)
        admin.delete("sub-admins/" + uid).expect(200)


def test_another_server_knows_in_time(server, admin):
    """Whatever changes the rows, another process forgets within the time."""
    login = server.add_login(fresh_email())
    uid = admin.create(login)["user_uid"]
    assert status(server, login, "/by-id") == 403
    join(server, "lab0", uid)
    assert status(server, login, "/uncached") == 200
    began = time.monotonic()
    wait_for(lambda: status(server, login, "/by-id") == 200, TTL + 1, "a 200")
    server.sql("DELETE FROM group_members WHERE user_uid = ?", uid)
    assert status(server, login, "/by-id") == 200
    wait_for(lambda: status(server, login, "/by-id") == 403, TTL + 1, "a 403")
    assert status(server, login, "/uncached") == 403
    assert time.monotonic() - began > TTL / 2


def test_a_renamed_group(server, admin, people):
    login = server.add_login("p5@groups.example.com")
    assert status(server, login, "/lab") == 200
    server.sql("UPDATE user_groups SET display_name = 'X', display_name_key = 'x'"
               " WHERE group_id = 'lab0'")
    wait_for(lambda: status(server, login, "/lab") == 403, TTL + 1, "a 403")
    assert status(server, login, "/by-id") == 200
    server.sql("UPDATE user_groups SET display_name = 'Crystal Läb',"
               " display_name_key = 'crystal läb' WHERE group_id = 'lab0'")
    wait_for(lambda: status(server, login, "/lab") == 200, TTL + 1, "a 200")
    assert people and admin


@pytest.mark.parametrize("line, said", [
    ("Require usermgmt-group", "at least one group"),
    ('Require usermgmt-group ""', "1 to 256 characters"),
    ("Require usermgmt-group " + "x" * 257, "1 to 256 characters"),
    ("Require not usermgmt-group lab", "negative Require directive has no effect"),
    ("UserMgmtSubAdmin usermgmt-group lab", "can't be used"),
])
@pytest.mark.database("sqlite")
def test_bad_lines_are_refused(new_server, line, said):
    server = new_server(start=False, extra=f'<Location "/x">\n{line}\n</Location>')
    server.allow_log(".")
    server.expect_config_error(said)


@pytest.mark.database("sqlite")
def test_without_the_database_nobody_is_let_in(new_server):
    server = new_server(start=False, extra=EXTRA, roles="")
    server.database.path = server.directory / "data/later/users.db"
    (server.directory / "htdocs/page.txt").write_text("a page\n")
    server.allow_log(r"UM00\d\d: |UM0123: |AH0163[01]: |AH00632: |\[dbd_sqlite3|\[dbd:|child init failed")
    server.start()
    assert status(server, ADMIN, "/lab") == 500
    assert Client(server, None, base="/lab").get("page.txt").status == 401
