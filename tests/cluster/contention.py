# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Clients of several nodes that want the same thing at the same time. One succeeds, and the
others get a 409 or a 404. Changes that do not conflict all succeed."""

from load import identified
from usermgmt_env import in_parallel


def _at_once(servers, ask, times=2):
    """The statuses of ask(server, index), which is called so many times at once at every node."""
    results = in_parallel(len(servers) * times,
                          lambda index: ask(servers[index % len(servers)], index))
    return sorted(result.status for result in results), results


def contend(servers, name):
    """One round of all changes that can conflict."""
    admin = servers[0].admin
    email = f"{name}@contention.example.com"
    wanted = {"email": email, "display_name": "One"}

    statuses, results = _at_once(servers, lambda server, _: server.admin.post("users/", wanted))
    assert statuses == [201] + [409] * (len(statuses) - 1), results
    uid = next(result for result in results if result.status == 201).json["userData"]["user_uid"]

    statuses, results = _at_once(servers, lambda server, index: server.admin.put(
        "users/" + uid, {f"a{index}": index}))
    assert set(statuses) == {200}, results
    user = admin.read(uid)
    assert [user[f"a{index}"] for index in range(len(statuses))] == list(range(len(statuses)))

    statuses, results = _at_once(servers, lambda server, _: server.admin.post(
        "sub-admins/", {"user_uid": uid}))
    assert statuses == [201] + [409] * (len(statuses) - 1), results
    statuses, results = _at_once(servers, lambda server, _: server.admin.delete(
        "sub-admins/" + uid))
    assert statuses == [200] + [404] * (len(statuses) - 1), results

    keyed = {"email": f"keyed-{email}", "display_name": "K"}
    statuses, results = _at_once(servers, lambda server, _: server.admin.post(
        "users/", keyed, headers={"Idempotency-Key": name}))
    assert set(statuses) == {201}, results
    assert len({result.raw for result in results}) == 1

    invited = f"invited-{email}"
    statuses, results = _at_once(servers, lambda server, _: server.admin.post(
        "invitations/", {"email": invited}))
    assert statuses == [201] + [409] * (len(statuses) - 1), results
    made = next(result for result in results if result.status == 201).json
    statuses, results = _at_once(servers, lambda server, _: identified(server, invited).post(
        "invitations/accept", {"accept_token": made["accept_token"]}))
    assert statuses == [200] + [404] * (len(statuses) - 1), results
    assert admin.everyone(email=invited)[0]["role"] == "sub_admin"

    statuses, results = _at_once(servers, lambda server, index: server.admin.delete(
        "users/" + uid) if index % 2 else server.admin.put("users/" + uid, {"b": index}))
    assert statuses.count(200) >= 1 and set(statuses) <= {200, 404}, results
    admin.get("users/" + uid).expect(404)
    actions = servers[0].sql("SELECT action FROM audit_events WHERE target = ?"
                             " ORDER BY event_uid", uid)
    assert sorted(actions)[:1] == [("sub_admins.create",)]
    assert actions.count(("users.create",)) == actions.count(("users.delete",)) == 1
