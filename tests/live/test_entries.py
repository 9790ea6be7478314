# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""One sub-admin, invitation, session or audit event by its key."""

import itertools
import urllib.parse

import pytest
from usermgmt_env import ADMIN

NUMBERS = itertools.count()


def fresh_email():
    return f"e{next(NUMBERS)}@entries.example.com"


def make(admin, kind):
    """Make one; gives the answer and the entry."""
    email = fresh_email()
    if kind == "sub-admins":
        answer = admin.post("sub-admins/", {"user_uid": admin.create(email)["user_uid"]})
    elif kind == "invitations":
        answer = admin.post("invitations/", {"email": email})
    else:
        answer = admin.post("sessions/", {"user_uid": admin.create(email)["user_uid"],
                                          "activity": "reading"})
    return answer.expect(201), answer.json[MEMBERS[kind]]


MEMBERS = {"sub-admins": "sub_admin", "invitations": "invitation", "sessions": "session",
           "audit-events": "audit_event"}
KEYS = {"sub-admins": "user_uid", "invitations": "invite_token", "sessions": "session_uid",
        "audit-events": "event_uid"}
NOT_FOUND = {kind: member + "_not_found" for kind, member in MEMBERS.items()}


def read(client, path, entry, kind):
    """An entry in every way in which it can be read; gives its ETag."""
    whole = client.get(path).expect(200)
    assert whole.json == {MEMBERS[kind]: entry}
    etag = whole.headers["ETag"]
    assert etag.startswith('"') and whole.headers["Cache-Control"] == "no-cache"
    assert client.get(path + "/").raw == whole.raw
    head = client.ask("HEAD", path).expect(200)
    assert head.raw == b"" and head.headers["ETag"] == etag
    assert head.headers["Content-Length"] == str(len(whole.raw))
    for match in (etag, "W/" + etag, '"x", ' + etag, "*"):
        same = client.get(path, headers={"If-None-Match": match}).expect(304)
        assert same.raw == b"" and same.headers["ETag"] == etag
    assert client.get(path, headers={"If-None-Match": '"x"'}).expect(200).raw == whole.raw
    client.get(path, query={"limit": 1}).expect_faults(("limit", "unknown_parameter"))
    client.get(path, headers={"Accept": "application/x-ndjson"}) \
        .expect_problem(406, "not_acceptable")
    return etag


@pytest.mark.parametrize("kind", ["sub-admins", "invitations", "sessions"])
def test_what_is_made_is_where_its_location_says(admin, kind):
    made, entry = make(admin, kind)
    location = made.headers["Location"]
    assert location == f"{admin.base}/{kind}/{entry[KEYS[kind]]}"
    path = f"{kind}/{entry[KEYS[kind]]}"
    assert admin.send("GET", location).expect(200).json == {MEMBERS[kind]: entry}
    assert read(admin, path, entry, kind) == made.headers["ETag"]
    query = {"user_uid": entry["user_uid"]} if kind == "sessions" else {"limit": 1000}
    assert entry in admin.get(kind + "/", query=query).json[kind.replace("-", "_")]


def test_an_audit_event(admin):
    user = admin.create(fresh_email(), n=[1, "2", None])
    event = admin.get("audit-events/", query={"target": user["user_uid"]}).json["audit_events"][0]
    assert event["after"] == user
    read(admin, "audit-events/" + event["event_uid"], event, "audit-events")


def test_a_sub_admin_of_an_invitation(server, admin):
    """A sub-admin by invitation is read like one who was appointed; other users are not."""
    login = server.add_login(fresh_email())
    secret = admin.post("invitations/", {"email": login}).expect(201).json["accept_token"]
    server.client(login).post("invitations/accept", {"accept_token": secret}).expect(200)
    uid = admin.everyone(email=login)[0]["user_uid"]
    entry = admin.get("sub-admins/" + uid).expect(200).json["sub_admin"]
    assert (entry["email"], entry["added_by"]) == (login, ADMIN)
    admin.delete("sub-admins/" + uid).expect(200)
    admin.get("sub-admins/" + uid).expect_problem(404, "sub_admin_not_found")
    admin.get("users/" + uid).expect(200)


def test_an_invitation_in_each_state(server, admin):
    """Removed ones stay; a change of the state is one of the ETag, the clock's included."""
    made, entry = make(admin, "invitations")
    token, tags = entry["invite_token"], [made.headers["ETag"]]
    path = "invitations/" + token
    server.sql("UPDATE invitations SET expires_at = 1000 WHERE invite_token = ?", token)
    expired = {**entry, "status": "expired", "expires_at": "1970-01-01T00:00:01.000Z"}
    tags.append(read(admin, path, expired, "invitations"))
    again = admin.post("invitations/resend", {"invite_token": token}).expect(200)
    assert "Location" not in again.headers
    tags.append(read(admin, path, again.json["invitation"], "invitations"))
    assert again.headers["ETag"] == tags[-1]
    admin.delete(path, headers={"If-Match": tags[-1]}).expect(200)
    revoked = {**again.json["invitation"], "status": "revoked"}
    tags.append(read(admin, path, revoked, "invitations"))
    assert len(set(tags)) == 4
    # It tells no secret.
    assert made.json["accept_token"] not in admin.get(path).raw.decode()


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("key", ["0" * 20, "x", "x" * 129, "x" * 2000, "é", "😀", "a b", "%", "'"])
def test_there_is_none(admin, kind, key):
    path = f"{kind}/{urllib.parse.quote(key, safe='')}"
    admin.get(path).expect_problem(404, NOT_FOUND[kind])
    assert admin.ask("HEAD", path).expect(404).raw == b""


def test_the_key_is_exact(admin):
    """Neither in another case nor with blanks behind it, on every database."""
    for kind in ("sub-admins", "invitations", "sessions"):
        entry = make(admin, kind)[1]
        key = entry[KEYS[kind]]
        for other in (key.swapcase(), key + "%20", key[:-1], key + "0"):
            admin.get(f"{kind}/{other}").expect_problem(404, NOT_FOUND[kind])


def test_a_kept_answer_has_its_location(admin):
    headers = {"Idempotency-Key": fresh_email()}
    body = {"email": fresh_email()}
    first = admin.post("invitations/", body, headers=headers).expect(201)
    again = admin.post("invitations/", body, headers=headers).expect(201)
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("Location", "ETag"):
        assert again.headers[name] == first.headers[name] is not None
