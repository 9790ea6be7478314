# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Groups of SCIM: made, read, replaced, patched and deleted as real clients do it, by many clients
at the same time, and with very many members."""

import itertools
import json
import os
import threading
import time
import urllib.parse

import pytest
import usermgmt_env
from scim import BASE, GROUP, PATCH_OP, ScimClient, scim_client, scim_options
from usermgmt_env import ADMIN, wait_for

NUMBERS = itertools.count()
# Members of the large group; the figures in docs/performance.md are those of 100,000.
LARGE = int(os.environ.get("UM_GROUP_SIZE", "5000"))
THREADS = 16
TTL = 2

ELSEWHERE = """
    Alias /lab @DIR@/htdocs
    <Location "/lab">
        @AUTH@
        AuthzSendForbiddenOnFailure On
        Require usermgmt-group Lab
    </Location>
    Alias /active @DIR@/htdocs
    <Location "/active">
        @AUTH@
        AuthzSendForbiddenOnFailure On
        Require usermgmt-active
    </Location>"""


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    server = make_server(**scim_options(extra=f"UserMgmtRoleCacheTTL {TTL}" + ELSEWHERE))
    (server.directory / "htdocs/page.txt").write_text("a page\n")
    return server


@pytest.fixture(scope="module", name="scim")
def provider(server):
    return scim_client(server)


@pytest.fixture(scope="module", name="people")
def fixture_people(server):
    return [server.admin.create(f"m{n:02}@groups.example.com")["user_uid"] for n in range(8)]


def fresh_name():
    return f"Group {next(NUMBERS)}"


def refs(uids):
    return [{"value": uid} for uid in uids]


def make(scim, members=None, **more):
    body = {"schemas": [GROUP], "displayName": fresh_name(), **more}
    if members is not None:
        body["members"] = refs(members)
    return scim.post("Groups", body).expect(201).json


def members_of(group):
    return [member["value"] for member in group["members"]]


def read(scim, group, query=""):
    return scim.get("Groups/" + group["id"] + query).expect(200).json


def patch(scim, group, *operations, status=200):
    return scim.patch("Groups/" + group["id"], *operations).expect(status)


def events_of(server, group):
    return server.admin.get("audit-events/", query={"target": group["id"], "limit": 100}).json["audit_events"]


# ---- make and read ----


def test_make_and_read(server, scim, people):
    made = scim.post("Groups", {"schemas": [GROUP], "displayName": " Tour Guides ",
                                "externalId": "8a61", "members": refs(people[:2])}).expect(201)
    group = made.json
    assert group["displayName"] == "Tour Guides" and group["externalId"] == "8a61"
    assert made.headers["Location"].endswith(f"{BASE}/Groups/{group['id']}")
    assert group["meta"]["location"] == made.headers["Location"]
    assert group["members"] == [
        {"value": uid, "type": "User", "$ref": made.headers["Location"].replace(
            "Groups/" + group["id"], "Users/" + uid)} for uid in people[:2]]
    again = scim.get("Groups/" + group["id"]).expect(200)
    assert again.json == group and again.headers["ETag"] == made.headers["ETag"]
    scim.get("Groups/" + group["id"], headers={"If-None-Match": made.headers["ETag"]}).expect(304)
    event, = events_of(server, group)
    assert event["action"] == "groups.create" and event["before"] is None
    assert event["after"] == {"group_id": group["id"], "display_name": "Tour Guides",
                              "external_id": "8a61", "added_count": 2, "added": people[:2]}
    assert server.admin.get("groups/" + group["id"]).json["group"]["member_count"] == 2
    scim.get("Groups/none").expect_error(404)


def test_the_members_are_left_out(scim, people):
    group = make(scim, people[:2])
    assert "members" not in read(scim, group, "?excludedAttributes=members")
    assert "members" not in read(scim, group, "?attributes=displayName")
    some = read(scim, group, "?attributes=members")
    assert members_of(some) == people[:2] and "displayName" not in some


def test_names_are_unique_without_case(scim):
    group = make(scim, externalId="same")
    body = {"schemas": [GROUP], "displayName": group["displayName"].upper(), "externalId": "other"}
    scim.post("Groups", body).expect_error(409, "uniqueness")
    other = make(scim, externalId="same")
    patch(scim, other, {"op": "replace", "path": "displayName",
                        "value": group["displayName"].lower()}, status=409)
    scim.put("Groups/" + other["id"], body).expect_error(409, "uniqueness")
    assert read(scim, other)["displayName"] == other["displayName"]
    # Its own name in other letters.
    patch(scim, group, {"op": "replace", "value": {"displayName": group["displayName"].upper()}})


@pytest.mark.parametrize("body", [
    {}, {"displayName": ""}, {"displayName": "  "}, {"displayName": "x" * 257},
    {"displayName": None}, {"displayName": "A", "externalId": "x" * 513},
    {"displayName": "A", "externalId": "a\nb"}, {"displayName": "A", "externalId": "\x7f"},
    {"displayName": "B", "members": ["nobody"]},
    {"displayName": "B", "members": [{"value": "x", "type": "Group"}]},
])
def test_bad_groups_are_refused(scim, body):
    scim.post("Groups", {"schemas": [GROUP], **body}).expect_error(400, "invalidValue")


def test_unknown_users_are_named(server, scim, people):
    name = fresh_name()
    answer = scim.post("Groups", {"displayName": name, "members": refs([people[0], "ghost", "a b"])})
    detail = answer.expect_error(400, "invalidValue")["detail"]
    assert "ghost" in detail and "a b" in detail and people[0] not in detail
    # Nothing was made.
    assert name not in [group["display_name"] for group in
                        server.admin.get("groups/", query={"limit": 1000}).json["groups"]]
    group = make(scim, people[:1])
    patch(scim, group, {"op": "add", "path": "members", "value": refs([people[1], "ghost"])},
          status=400)
    assert members_of(read(scim, group)) == people[:1]


def test_delete(server, scim, people):
    group = make(scim, people[:3])
    scim.ask("DELETE", "Groups/" + group["id"], headers={"If-Match": '"x"'}).expect_error(412)
    scim.delete("Groups/" + group["id"]).expect(204)
    scim.delete("Groups/" + group["id"]).expect_error(404)
    scim.get("Groups/" + group["id"]).expect_error(404)
    event = events_of(server, group)[-1]
    assert event["action"] == "groups.delete" and event["after"] is None
    assert event["before"]["removed_count"] == 3 and event["before"]["removed"] == people[:3]


def test_a_repeated_request_with_many_members(server, scim):
    """The answer that is kept has no members if it is longer than a database keeps."""
    uids = [server.admin.create(f"k{n:03}@kept.example.com")["user_uid"] for n in range(400)]
    body = {"schemas": [GROUP], "displayName": fresh_name(), "members": refs(uids)}
    headers = {"Idempotency-Key": "many-members"}
    made = scim.post("Groups", body, headers=headers).expect(201)
    again = scim.post("Groups", body, headers=headers).expect(201)
    assert sorted(members_of(made.json)) == sorted(uids) and len(made.raw) > 32768
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json == {name: made.json[name] for name in made.json if name != "members"}
    assert again.headers["Location"] == made.headers["Location"]
    assert len(members_of(read(scim, made.json))) == len(uids)


# ---- replace ----


def test_get_and_put_back(scim, people):
    group = make(scim, people[:3], externalId="x")
    same = scim.put("Groups/" + group["id"], group).expect(200)
    assert same.json == group
    changed = scim.put("Groups/" + group["id"],
                       {**group, "displayName": fresh_name(), "members": refs(people[2:5])},
                       headers={"If-Match": "W/" + group["meta"]["version"]}).expect(200).json
    assert members_of(changed) == people[2:5] and changed["externalId"] == "x"
    scim.put("Groups/" + group["id"], group, headers={"If-Match": group["meta"]["version"]}) \
        .expect_error(412)
    for empty in (None, []):
        emptied = scim.put("Groups/" + group["id"], {**changed, "members": empty}).expect(200).json
        assert emptied["members"] == []
    scim.put("Groups/none", group).expect_error(404)


@pytest.mark.parametrize("members", [[{"display": "Ann"}], [{}], {"type": "User"}, [""]])
def test_members_without_a_value_leave_the_group_as_it_is(scim, people, members):
    group = make(scim, people[:2])
    scim.put("Groups/" + group["id"], {**group, "members": members}) \
        .expect_error(400, "invalidValue")
    patch(scim, group, {"op": "replace", "path": "members", "value": members}, status=400)
    patch(scim, group, {"op": "replace", "value": {"members": members}}, status=400)
    assert members_of(read(scim, group)) == people[:2]


# ---- patch: as clients send it ----


def test_add_members(server, scim, people):
    group = make(scim, people[:1])
    # Okta: a path, and members with more than a value.
    patch(scim, group, {"op": "add", "path": "members",
                        "value": [{"value": people[1], "display": "m01", "$ref": None}]})
    # Entra: the operation in capitals, and one that is there already.
    patch(scim, group, {"op": "Add", "path": "members", "value": refs(people[1:3])})
    # Without a path, bare strings, one value alone.
    patch(scim, group, {"op": "add", "value": {"members": [people[3], people[0]]}})
    patch(scim, group, {"op": "add", "path": "members", "value": people[4]})
    after = patch(scim, group, {"op": "add", "path": "members",
                                "value": {"value": people[5], "type": "User"}}).json
    assert members_of(after) == people[:6]
    assert [event["after"]["added"] for event in events_of(server, group)] == [
        people[:1], [people[1]], [people[2]], [people[3]], [people[4]], [people[5]]]


def test_a_change_of_nothing_is_none(server, scim, people):
    group = make(scim, people[:2])
    for operation in ({"op": "add", "path": "members", "value": refs(people[:2])},
                      {"op": "remove", "path": "members", "value": refs(people[5:])},
                      {"op": "remove", "path": f'members[value eq "{people[6]}"]'},
                      {"op": "replace", "path": "members", "value": refs(people[1::-1])},
                      {"op": "replace", "value": {"id": group["id"],
                                                  "displayName": group["displayName"]}},
                      {"op": "add", "path": "members", "value": None},
                      {"op": "remove", "path": "members", "value": []}):
        answer = patch(scim, group, operation)
        assert answer.json == group, operation
        assert answer.headers["ETag"] == group["meta"]["version"]
    assert len(events_of(server, group)) == 1


def test_remove_members(scim, people):
    group = make(scim, people)
    left = list(people)

    def check(*operations):
        assert members_of(patch(scim, group, *operations).json) == left

    # Entra: those of a list alone, whatever "Remove" with a path means elsewhere.
    left.remove(people[0])
    check({"op": "Remove", "path": "members", "value": refs([people[0]])})
    left.remove(people[1])
    check({"op": "remove", "path": f'members[value eq "{people[1]}"]'})
    left.remove(people[2])
    left.remove(people[3])
    check({"op": "remove",
           "path": f'members[value eq "{people[2]}" or Value eq "{people[3]}"]'})
    left.remove(people[4])
    check({"op": "remove", "path": "members", "value": [people[4], "nobody"]})
    left.clear()
    check({"op": "remove", "path": "members"})


@pytest.mark.parametrize("operation", [
    {"op": "replace", "path": "members", "value": None},
    {"op": "replace", "path": "members", "value": []},
    {"op": "replace", "value": {"members": None}},
    {"op": "replace", "value": {"members": []}},
])
def test_a_group_is_emptied(scim, people, operation):
    group = make(scim, people)
    assert patch(scim, group, operation).json["members"] == []


def test_replace_members(server, scim, people):
    group = make(scim, people[:4])
    assert members_of(patch(scim, group, {"op": "replace", "path": "members",
                                          "value": refs(people[2:6])}).json) == people[2:6]
    after = events_of(server, group)[-1]["after"]
    assert (after["added"], after["removed"]) == (people[4:6], people[:2])
    assert members_of(patch(scim, group, {"op": "replace", "value": {
        "members": refs(people[::-1]), "displayName": fresh_name()}}).json) == people


def test_operations_hold_in_their_order(server, scim, people):
    group = make(scim, people[:2])
    after = patch(scim, group,
                  {"op": "replace", "path": "displayName", "value": fresh_name()},
                  {"op": "remove", "path": "members"},
                  {"op": "add", "path": "members", "value": refs(people[3:5])},
                  {"op": "remove", "path": f'members[value eq "{people[3]}"]'},
                  {"op": "add", "path": "externalId", "value": "e"}).json
    assert members_of(after) == [people[4]] and after["externalId"] == "e"
    assert after["displayName"] != group["displayName"]
    assert len(events_of(server, group)) == 2
    # All of them, or none.
    patch(scim, group, {"op": "add", "path": "members", "value": refs([people[0]])},
          {"op": "remove", "path": "displayName"}, status=400)
    assert read(scim, group) == after
    assert "externalId" not in patch(scim, group, {"op": "remove", "path": "externalId"}).json


@pytest.mark.parametrize("operation, scim_type", [
    ({"op": "replace", "path": 'members[value eq "x"].display', "value": "y"}, "mutability"),
    ({"op": "replace", "path": 'members[value eq "x"]', "value": {"value": "y"}}, "mutability"),
    ({"op": "remove", "path": 'members[value sw "x"]'}, "invalidPath"),
    ({"op": "remove", "path": 'members[display eq "x"]'}, "invalidPath"),
    ({"op": "add", "path": "nothing", "value": 1}, "invalidPath"),
    ({"op": "remove"}, "noTarget"),
])
def test_bad_operations_are_refused(scim, people, operation, scim_type):
    group = make(scim, people[:2])
    scim.patch("Groups/" + group["id"], operation).expect_error(400, scim_type)
    assert members_of(read(scim, group)) == people[:2]


def test_a_patch_has_the_version_that_it_expects(scim, people):
    group = make(scim, people[:1])
    body = {"schemas": [PATCH_OP], "Operations": [
        {"op": "add", "path": "members", "value": refs([people[1]])}]}
    headers = {"If-Match": group["meta"]["version"]}
    changed = scim.ask("PATCH", "Groups/" + group["id"], body, headers=headers).expect(200)
    assert changed.json["meta"]["version"] != group["meta"]["version"]
    assert changed.json["meta"]["lastModified"] >= group["meta"]["lastModified"]
    scim.ask("PATCH", "Groups/" + group["id"], body, headers=headers).expect_error(412)


def test_the_list(scim, people):
    group = make(scim, people[:2])
    found = {one["id"]: one for one in scim.get("Groups?count=1000").expect(200).json["Resources"]}
    assert found[group["id"]] == group and found["sub-admins"]["displayName"] == "Sub-admins"
    query = urllib.parse.urlencode({"count": 1000, "excludedAttributes": "members"})
    found = {one["id"]: one for one in scim.get("Groups?" + query).expect(200).json["Resources"]}
    assert found[group["id"]] == {name: value for name, value in group.items()
                                  if name != "members"}
    names = [one["displayName"].lower() for one in
             scim.get("Groups?count=1000&sortBy=displayName").json["Resources"]]
    assert names == sorted(names)


# ---- the group of the sub-admins ----


@pytest.fixture(scope="module", name="chief")
def fixture_chief(server):
    return scim_client(server, ("scim", "sub-admins:manage"))


SUB_ADMINS = {"id": "sub-admins"}


def test_who_may_change_sub_admins(server, scim, chief):
    uid = server.admin.create(f"s{next(NUMBERS)}@groups.example.com")["user_uid"]
    add = {"op": "add", "path": "members", "value": refs([uid])}
    error = scim.patch("Groups/sub-admins", add).expect_error(403)
    assert "sub-admins:manage" in error["detail"]
    server.admin.get("sub-admins/" + uid).expect_problem(404, "sub_admin_not_found")
    group = chief.patch("Groups/sub-admins", add).expect(200).json
    assert uid in members_of(group)
    assert server.admin.get("sub-admins/" + uid).json["sub_admin"]["added_by"].startswith("key:")
    # One who is a sub-admin changes nothing, so it needs no permission.
    scim.patch("Groups/sub-admins", add).expect(200)
    remove = {"op": "remove", "path": f'members[value eq "{uid}"]'}
    scim.patch("Groups/sub-admins", remove).expect_error(403)
    without = {**group, "members": [one for one in group["members"] if one["value"] != uid]}
    scim.put("Groups/sub-admins", without).expect_error(403)
    scim.put("Groups/sub-admins", group).expect(200)
    chief.put("Groups/sub-admins", without).expect(200)
    server.admin.get("sub-admins/" + uid).expect_problem(404, "sub_admin_not_found")
    events = [event["action"] for event in
              server.admin.get("audit-events/", query={"target": uid}).json["audit_events"]]
    assert events == ["users.create", "sub_admins.create", "sub_admins.delete"]


def test_the_reserved_group_stays(server, scim, chief):
    for client in (scim, chief):
        client.delete("Groups/sub-admins").expect_error(400, "mutability")
        client.patch("Groups/sub-admins", {"op": "replace", "path": "displayName",
                                           "value": "Chiefs"}).expect_error(400, "mutability")
        client.post("Groups", {"displayName": "SUB-ADMINS"}).expect_error(409, "uniqueness")
    chief.patch("Groups/sub-admins", {"op": "add", "path": "members", "value": refs(["ghost"])}) \
        .expect_error(400, "invalidValue")
    uids = [server.admin.create(f"s{next(NUMBERS)}@groups.example.com")["user_uid"]
            for _ in range(3)]
    before = chief.get("Groups/sub-admins").json
    chief.patch("Groups/sub-admins", {"op": "replace", "path": "members",
                                      "value": refs(uids[:2])}).expect(200)
    group = chief.patch("Groups/sub-admins", {"op": "replace", "path": "members",
                                              "value": refs(uids[1:])}).expect(200).json
    assert members_of(group) == uids[1:]
    assert group["meta"]["version"] != before["meta"]["version"]
    assert chief.patch("Groups/sub-admins", {"op": "remove", "path": "members"}) \
        .expect(200).json["members"] == []
    assert server.admin.get("sub-admins/").json["query_count"] == 0


# ---- elsewhere on the server ----


def status(server, login, path):
    return server.client(login, base=path).get("page.txt").status


def test_whom_scim_adds_is_let_in(server, scim):
    server.allow_log("AH0163[01]: ")
    login = server.add_login("lab@groups.example.com")
    uid = server.admin.create(login)["user_uid"]
    lab = make(scim, displayName="Lab")
    for _ in range(2):
        assert status(server, login, "/lab") == 403
        patch(scim, lab, {"op": "add", "path": "members", "value": refs([uid])})
        # At once, though the server remembers the answer before.
        assert status(server, login, "/lab") == 200
        patch(scim, lab, {"op": "remove", "path": "members", "value": refs([uid])})
    patch(scim, lab, {"op": "add", "path": "members", "value": refs([uid])})
    patch(scim, lab, {"op": "replace", "path": "displayName", "value": "Lab 2"})
    assert status(server, login, "/lab") == 403
    patch(scim, lab, {"op": "replace", "path": "displayName", "value": "LAB"})
    assert status(server, login, "/lab") == 200
    scim.delete("Groups/" + lab["id"]).expect(204)
    assert status(server, login, "/lab") == 403


def test_whom_scim_deprovisions_is_refused(new_server):
    """On the server that was told at once, and on another one within the time."""
    options = scim_options(extra=f"UserMgmtRoleCacheTTL {TTL}" + ELSEWHERE)
    server = new_server(**options)
    other = new_server(**options, database=server.database)
    for one in (server, other):
        one.allow_log("AH0163[01]: ")
        login = one.add_login("leaver@groups.example.com")
        (one.directory / "htdocs/page.txt").write_text("a page\n")
    scim = scim_client(server)
    uid = scim.provision(login, emails=[{"value": login, "primary": True}])["id"]
    assert status(server, login, "/active") == status(other, login, "/active") == 200
    scim.patch("Users/" + uid, {"op": "Replace", "path": "active", "value": "False"}).expect(200)
    assert status(server, login, "/active") == 403
    began = time.monotonic()
    wait_for(lambda: status(other, login, "/active") == 403, TTL + 1, "a 403")
    assert time.monotonic() - began < TTL + 1


# ---- many clients, many members ----


def make_users(server, count):
    """Rows of users, as an import makes them."""
    for first in range(0, count, 500):
        server.sql("INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
                   " display_name_folded, attributes, created_at, updated_at) VALUES " + ", ".join(
                       f"(1, 'big{n:06d}', 'big{n:06d}@x.org', 'big{n:06d}@x.org', 'B', 'b',"
                       " '{}', 1, 1)" for n in range(first, min(first + 500, count))))


def test_many_clients_change_one_large_group(new_server, monkeypatch):
    """16 clients add and remove members of one group of many. Nothing is lost, and nobody is told
    of a conflict."""
    # 10,000 members take seconds on a busy machine.
    monkeypatch.setattr(usermgmt_env, "PATIENCE", usermgmt_env.PATIENCE + LARGE // 10000)
    # A member takes about 25 bytes of a body.
    server = new_server(**scim_options(lines=f"UserMgmtMaxBody {LARGE * 40 + 1048576}",
                                       extra="Timeout 300\nUserMgmtBodyTimeout 60s"))
    extra = THREADS * 40
    make_users(server, LARGE + extra)
    scim = scim_client(server)
    large = [f"big{n:06d}" for n in range(LARGE)]

    times = {}

    def timed(name, function):
        began = time.monotonic()
        result = function()
        times[name] = round(time.monotonic() - began, 3)
        return result

    group = timed("make", lambda: scim.post("Groups", {
        "displayName": "Large", "members": large}).expect(201)).json
    assert len(group["members"]) == LARGE
    path = "Groups/" + group["id"]
    timed("get", lambda: scim.get(path).expect(200))
    timed("get without members", lambda: scim.get(path + "?excludedAttributes=members").expect(200))
    failures = []
    gone = large[:THREADS * 20]

    def work(number):
        client = scim_client(server) if number == 0 else ScimClient(
            server, headers=dict(scim.headers))
        mine = [f"big{LARGE + number * 40 + n:06d}" for n in range(40)]
        away = gone[number::THREADS]
        try:
            for first in range(0, 40, 5):
                client.patch(path, {"op": "add", "path": "members",
                                    "value": refs(mine[first:first + 5])}).expect(204)
                client.patch(path, *({"op": "remove", "path": f'members[value eq "{uid}"]'}
                                     for uid in away[first // 2:first // 2 + 3])).expect(204)
                # One of one's own goes and comes back.
                client.patch(path, {"op": "remove", "path": "members",
                                    "value": refs(mine[:1])}).expect(204)
                client.patch(path, {"op": "add", "path": "members",
                                    "value": refs(mine[:1])}).expect(204)
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times["patches per second"] = round(THREADS * 32 / (time.monotonic() - began))
    assert not failures, failures[0]
    expected = set(large) - set(gone) | {f"big{n:06d}" for n in range(LARGE, LARGE + extra)}
    stored = {uid for uid, in server.sql("SELECT user_uid FROM group_members WHERE group_id = ?",
                                         group["id"])}
    assert {str(uid) for uid in stored} == expected
    # Replaced as a whole: a quarter goes, as many come.
    wanted = large[LARGE // 4:] + [f"big{n:06d}" for n in range(LARGE, LARGE + extra)]
    timed("replace", lambda: scim.patch(path, {"op": "replace", "path": "members",
                                               "value": wanted}).expect(204))
    assert server.admin.get("groups/" + group["id"]).json["group"]["member_count"] == len(wanted)
    timed("clear", lambda: scim.patch(path, {"op": "remove", "path": "members"}).expect(200))
    assert server.sql("SELECT COUNT(*) FROM group_members") == [(0,)]
    timed("replace an empty one", lambda: scim.put(
        path, {"displayName": "Large", "members": refs(large)}).expect(200))
    timed("delete", lambda: scim.delete(path).expect(204))
    print(LARGE, "members:", json.dumps(times))


def test_users_are_deleted_while_groups_change(new_server):
    server = new_server(**scim_options())
    make_users(server, 200)
    scim = scim_client(server)
    groups = [make(scim, [f"big{n:06d}" for n in range(200)]) for _ in range(3)]
    failures = []

    def delete(numbers):
        client = server.client(ADMIN)
        for number in numbers:
            client.delete(f"users/big{number:06d}").expect(200)

    def change(group):
        client = ScimClient(server, headers=dict(scim.headers))
        for round_number in range(15):
            kept = [f"big{n:06d}" for n in range(150 + round_number, 200)]
            client.patch("Groups/" + group["id"],
                         {"op": "remove", "path": "members", "value": refs(kept)}).expect(200)
            client.patch("Groups/" + group["id"],
                         {"op": "add", "path": "members", "value": refs(kept)}).expect(200)

    def guarded(function, argument):
        try:
            function(argument)
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(delete, range(first, 100, 4)))
               for first in range(4)]
    threads += [threading.Thread(target=guarded, args=(change, group)) for group in groups]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    for group in groups:
        assert members_of(read(scim, group)) == [f"big{n:06d}" for n in range(100, 200)]
