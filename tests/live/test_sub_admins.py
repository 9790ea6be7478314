# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Sub-admins: appointed, listed, dismissed."""

import itertools

import pytest
from usermgmt_env import ADMIN, in_parallel

ON_OLD_SCHEMA = True

NUMBERS = itertools.count()


def fresh_email():
    return f"s{next(NUMBERS)}@subs.example.com"


@pytest.fixture
def user(admin):
    made = admin.create(fresh_email(), "Ann Example")
    yield made
    admin.delete("users/" + made["user_uid"])


@pytest.mark.parametrize("by", ["user_uid", "email", "email in capitals"])
def test_appoint(admin, user, by):
    body = {"user_uid": user["user_uid"]} if by == "user_uid" else {
        "email": user["email"].upper() if "capitals" in by else user["email"]}
    result = admin.post("sub-admins/", body).expect(201)
    entry = result.json["sub_admin"]
    assert list(result.json) == ["sub_admin"]
    assert entry == {"user_uid": user["user_uid"], "email": user["email"],
                     "display_name": "Ann Example", "added_by": ADMIN,
                     "created_at": entry["created_at"]}
    assert entry["created_at"] >= user["created_at"]
    assert admin.get("sub-admins/").json["sub_admins"] == [entry]
    # Its data follow the user's.
    admin.put("users/" + user["user_uid"], {"display_name": "New"}).expect(200)
    assert admin.get("sub-admins/").json["sub_admins"] == [{**entry, "display_name": "New"}]


def test_null_is_none(admin, user):
    """In every body that has an optional member."""
    admin.post("sub-admins/", {"user_uid": user["user_uid"], "email": None}).expect(201)
    admin.ask("DELETE", "sub-admins/" + user["user_uid"], {"user_uid": None}).expect(200)
    invited = admin.post("invitations/", {"email": fresh_email(), "platform_link": None})
    assert invited.expect(201).json["invitation"]["platform_link"] is None
    admin.delete("invitations/" + invited.json["invitation"]["invite_token"]).expect(200)
    admin.post("sessions/", {"user_uid": user["user_uid"], "activity": "run",
                             "started_at": None}).expect(201)
    made = admin.post("users/", {"email": fresh_email(), "display_name": "N", "phone": None,
                                 "user_uid": None, "role": None, "active": None}).expect(201)
    admin.delete("users/" + made.json["userData"]["user_uid"]).expect(200)


def test_twice_is_a_conflict(admin, user):
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    for body in ({"user_uid": user["user_uid"]}, {"email": user["email"]}):
        admin.post("sub-admins/", body).expect_problem(409, "already_sub_admin")
    assert admin.get("organization-status/").json["sub_admin_count"] == 1


def test_a_look_alike_is_not_appointed(admin):
    """An address that only looks the same names somebody else."""
    real = fresh_email()
    look_alike = admin.create(real.replace("s", "\u0455", 1))
    admin.post("sub-admins/", {"email": real}).expect_problem(404, "user_not_found")
    assert admin.read(look_alike["user_uid"])["role"] == "user"
    # Nor does it stand in the way of an invitation once it is one.
    admin.post("sub-admins/", {"user_uid": look_alike["user_uid"]}).expect(201)
    admin.post("invitations/", {"email": real}).expect(201)
    admin.delete("users/" + look_alike["user_uid"]).expect(200)


def test_preconditions(admin, user):
    """Of the removal of a sub-admin, and of making one, which has no ETag before."""
    uid = user["user_uid"]
    for match in ("*", '"x"', admin.get("users/" + uid).headers["ETag"]):
        admin.post("sub-admins/", {"user_uid": uid}, headers={"If-Match": match}) \
            .expect_problem(412, "precondition_failed")
    assert admin.read(uid)["role"] == "user"
    etag = admin.post("sub-admins/", {"user_uid": uid}, headers={"If-None-Match": "*"}) \
        .expect(201).headers["ETag"]
    for headers in ({"If-Match": '"x"'}, {"If-None-Match": "*"}, {"If-None-Match": etag}):
        result = admin.delete("sub-admins/" + uid, headers=headers)
        result.expect_problem(412, "precondition_failed")
        assert result.headers["ETag"] == etag
    admin.put("users/" + uid, {"display_name": "Another"}).expect(200)
    new = admin.delete("sub-admins/" + uid, headers={"If-Match": etag})
    new.expect_problem(412, "precondition_failed")
    assert admin.read(uid)["role"] == "sub_admin" and new.headers["ETag"] != etag
    admin.delete("sub-admins/" + uid, headers={"If-Match": new.headers["ETag"]}).expect(200)
    admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    admin.delete("sub-admins/" + uid, headers={"If-Match": "*"}).expect(200)
    admin.delete("sub-admins/" + uid, headers={"If-Match": '"x"'}) \
        .expect_problem(404, "sub_admin_not_found")


def test_only_users_can_be_appointed(admin):
    for body in ({"user_uid": "0" * 20}, {"email": "nobody@subs.example.com"}, {"email": ADMIN},
                 {"user_uid": admin.get("organization-status/").json["user_uid"]}):
        admin.post("sub-admins/", body).expect_problem(404, "user_not_found")
    assert admin.get("sub-admins/").json["query_count"] == 0


@pytest.mark.parametrize("body, faults", [
    ({}, [("user_uid", "required")]),
    ({"user_uid": 5}, [("user_uid", "invalid_type")]),
    ({"email": []}, [("email", "invalid_type")]),
    ({"user_uid": None}, [("user_uid", "required")]),
    ({"user_uid": "x", "role": "admin"}, [("role", "unknown_member")]),
    ({"name": "x"}, [("user_uid", "required"), ("name", "unknown_member")]),
    ({"user_uid": "x", "email": "a@example.com"}, [("email", "invalid_value")]),
])
def test_bad_bodies(admin, body, faults):
    admin.post("sub-admins/", body).expect_faults(*faults)


def test_bad_values(admin):
    for name, value in (("user_uid", "a b"), ("user_uid", ""), ("user_uid", "x" * 129),
                        ("email", "x"), ("email", "")):
        problem = admin.post("sub-admins/", {name: value}) \
            .expect_problem(400, "validation_failed")
        assert [fault["field"] for fault in problem["errors"]] == [name]


@pytest.mark.parametrize("in_path", [True, False])
def test_dismiss(admin, user, in_path):
    uid = user["user_uid"]
    admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    result = admin.delete("sub-admins/" + (uid if in_path else ""),
                          None if in_path else {"user_uid": uid}).expect(200)
    assert result.json == {"message": "Sub-admin removed successfully."}
    event, = admin.get(f"audit-events/?action=sub_admins.delete&target={uid}").json["audit_events"]
    assert event["before"]["user_uid"] == uid and event["after"] is None
    assert admin.read(uid) == user
    for path, body in (("sub-admins/" + uid, None), ("sub-admins/", {"user_uid": uid})):
        admin.delete(path, body).expect_problem(404, "sub_admin_not_found")
    admin.post("sub-admins/", {"user_uid": uid}).expect(201)


def test_dismiss_needs_one_uid(admin, user):
    admin.delete("sub-admins/").expect_faults(("user_uid", "required"))
    admin.delete("sub-admins/", {"email": user["email"]}) \
        .expect_faults(("user_uid", "required"), ("email", "unknown_member"))
    admin.delete("sub-admins/" + user["user_uid"], {"user_uid": "0" * 20}) \
        .expect_faults(("user_uid", "read_only"))


def test_a_deleted_user_is_no_sub_admin(admin, user):
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    admin.delete("users/" + user["user_uid"]).expect(200)
    assert admin.get("sub-admins/").json["sub_admins"] == []
    status = admin.get("organization-status/").json
    assert status["sub_admin_count"] == 0
    again = admin.create(user["email"])
    assert again["role"] == "user"
    admin.delete("users/" + again["user_uid"]).expect(200)


def test_the_list(admin):
    users = [admin.create(fresh_email(), f"Name {number}") for number in range(12)]
    # Appointed in another order than they were made.
    for user in users[::-1]:
        admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    uids = [user["user_uid"] for user in users]

    def get(**query):
        result = admin.get("sub-admins/", query=query).expect(200)
        return result, [entry["user_uid"] for entry in result.json["sub_admins"]]

    result, got = get()
    assert got == uids[:5] and list(result.json) == ["query_count", "sub_admins", "first_uid",
                                                     "last_uid", "has_more", "next_cursor",
                                                     "prev_cursor"]
    assert result.json["query_count"] == 12
    assert (result.json["first_uid"], result.json["last_uid"]) == (uids[0], uids[4])
    assert get(limit=3, start_after_id=uids[3])[1] == uids[4:7]
    assert get(limit=3, end_before_id=uids[8])[1] == uids[5:8]
    assert get(limit=9, start_after_id=uids[3], end_before_id=uids[8])[1] == uids[4:8]
    assert "query_count" not in get(count="none")[0].json
    seen = list(get(limit=5)[1])
    result = get(limit=5)[0]
    while "next" in result.links:
        assert result.links["next"].startswith("/user-management/sub-admins/?")
        result = admin.follow(result, "next").expect(200)
        seen += [entry["user_uid"] for entry in result.json["sub_admins"]]
    assert seen == uids
    back = admin.follow(result, "prev").expect(200)
    assert [entry["user_uid"] for entry in back.json["sub_admins"]] == uids[5:10]
    etag = back.headers["ETag"]
    admin.send("GET", result.links["prev"], headers={"If-None-Match": etag}).expect(304)
    empty = get(start_after_id=uids[-1])[0]
    assert empty.json["sub_admins"] == [] and empty.json["first_uid"] is None
    assert set(empty.links) == {"prev"}
    back = admin.follow(empty, "prev").expect(200)
    assert [entry["user_uid"] for entry in back.json["sub_admins"]] == uids[-5:]
    for user in users:
        admin.delete("users/" + user["user_uid"]).expect(200)


@pytest.mark.parametrize("name", ["q", "email", "order_by", "role", "user_uid", "created_after",
                                  "phone", "display_name", "nothing"])
def test_the_list_has_no_filters(admin, name):
    admin.get("sub-admins/", query={name: "user"}).expect_faults((name, "unknown_parameter"))


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "start_after_id=", "end_before_id=%20",
                                   "count=x"])
def test_wrong_parameters(admin, query):
    admin.send("GET", "/user-management/sub-admins/?" + query) \
        .expect_faults((query.partition("=")[0], "invalid_value"))


def test_appointed_at_once_is_appointed_once(server, admin, user):
    client = server.admin
    results = in_parallel(20, lambda index: client.post("sub-admins/",
                                                        {"user_uid": user["user_uid"]}))
    assert sorted(result.status for result in results) == [201] + [409] * 19
    results = in_parallel(20, lambda index: client.delete("sub-admins/" + user["user_uid"]))
    assert sorted(result.status for result in results) == [200] + [404] * 19
    assert admin.get("organization-status/").json["sub_admin_count"] == 0
