# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Bulk requests of SCIM: each operation a change of its own, in one answer."""

import json
import time

import pytest

from scim import BASE, CUSTOM, ENTERPRISE, PATCH_OP, USER, check_error, scim_client, scim_options
from usermgmt_env import Result

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


@pytest.fixture(scope="module", name="server")
def scim_server(make_server):
    return make_server(**scim_options())


@pytest.fixture(scope="module", name="scim")
def provider(server):
    return scim_client(server)


def user(local, **members):
    return {"schemas": [USER], "userName": local + "@example.com", **members}


def create(local, bulk_id=None, **members):
    operation = {"method": "POST", "path": "/Users", "data": user(local, **members)}
    return {**operation, "bulkId": bulk_id} if bulk_id else operation


def patch(path, *operations, **members):
    return {"method": "PATCH", "path": path,
            "data": {"schemas": [PATCH_OP], "Operations": list(operations)}, **members}


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def bulk(scim, *operations, **members):
    """The results; each must have the form of RFC 7644, 3.7.3."""
    body = {"schemas": [REQUEST], "Operations": list(operations), **members}
    answer = scim.post("Bulk", body).expect(200).json
    assert answer["schemas"] == [RESPONSE] and set(answer) == {"schemas", "Operations"}
    for result in answer["Operations"]:
        status = int(result["status"])
        if status >= 400:
            text = json.dumps(result["response"]).encode()
            check_error(Result(status, {}, text, result.get("method")))
            assert "version" not in result
        else:
            assert "response" not in result
        # An operation whose method is none has none in its result, and no resource.
        if status < 400 or result.get("method", "POST") != "POST":
            assert f"{BASE}/" in result["location"], result
    return answer["Operations"]


def statuses(results):
    return [result["status"] for result in results]


def id_of(result):
    return result["location"].rsplit("/", 1)[1]


def events(server, uid):
    found = server.admin.get("audit-events/?limit=1000").expect(200).json["audit_events"]
    return [event["action"] for event in found if event["target"] == uid]


def test_users_are_made_changed_and_deleted(server, scim):
    made = bulk(scim, create("bulk-a", "a"), create("bulk-b", "b", title="x"),
                create("bulk-c", "c"))
    assert statuses(made) == ["201"] * 3
    assert [result["bulkId"] for result in made] == ["a", "b", "c"]
    uids = [id_of(result) for result in made]
    for uid, result, name in zip(uids, made, "abc"):
        resource = scim.resource(uid)
        assert resource["userName"] == f"bulk-{name}@example.com"
        assert resource["meta"]["version"] == result["version"]
        assert resource["meta"]["location"] == result["location"]
        assert events(server, uid) == ["users.create"]
    changed = bulk(scim,
                   patch(f"/Users/{uids[0]}", replace("title", "y"), version=made[0]["version"]),
                   {"method": "PUT", "path": f"/Users/{uids[1]}", "data": user("bulk-b")},
                   {"method": "DELETE", "path": f"/Users/{uids[2]}"})
    assert statuses(changed) == ["200", "200", "204"]
    assert scim.resource(uids[0])["title"] == "y"
    assert scim.resource(uids[0])["meta"]["version"] == changed[0]["version"]
    assert "title" not in scim.resource(uids[1])
    scim.get("Users/" + uids[2]).expect_error(404)
    assert [len(events(server, uid)) for uid in uids] == [2, 2, 2]


def test_what_fails_takes_nothing_with_it(server, scim):
    uid = scim.provision("bulk-d@example.com")["id"]
    results = bulk(scim, create("bulk-e"), create("bulk-d"), create("bulk-f"),
                   patch(f"/Users/{uid}", replace("title", "y"), version='"0"'),
                   patch(f"/Users/{uid}", replace("nothing", "y")),
                   patch("/Users/nobody", replace("title", "y")),
                   {"method": "DELETE", "path": "/Users/nobody"},
                   {"method": "GET", "path": f"/Users/{uid}"},
                   {"method": "POST", "path": "/Bulk", "data": {}},
                   create("bulk-g"))
    assert statuses(results) == ["201", "409", "201", "412", "400", "404", "404", "400", "400",
                                 "201"]
    assert results[1]["response"]["scimType"] == "uniqueness"
    assert results[4]["response"]["scimType"] == "invalidPath"
    assert results[3]["location"].endswith(f"{BASE}/Users/{uid}")
    assert "location" not in results[1]
    for name in "efg":
        assert server.admin.get(f"users/?q=bulk-{name}").expect(200).json["query_count"] == 1
    assert "title" not in scim.resource(uid)
    assert events(server, uid) == ["users.create"]


def test_what_was_not_tried_has_its_location(scim):
    """If it is known which resource it is about."""
    uid = scim.provision("bulk-untried@example.com")["id"]
    results = bulk(scim, create("bulk-untried", "made"),
                   {"method": "PATCH", "path": f"/Users/{uid}", "data": "x"},
                   patch(f"/Users/{uid}", replace("title", "bulkId:none")),
                   patch(f"/Users/{uid}", replace(
                       ENTERPRISE + ":manager", {"value": "bulkId:made"})))
    assert statuses(results) == ["409", "400", "400", "409"]
    for result in results[1:]:
        assert result["location"].endswith(f"{BASE}/Users/{uid}")


def test_errors_end_the_request(scim):
    operations = [create("bulk-h"), create("bulk-h"), create("bulk-i"), create("bulk-i"),
                  create("bulk-j")]
    results = bulk(scim, *operations, failOnErrors=2)
    assert statuses(results) == ["201", "409", "201", "409"]
    results = bulk(scim, *operations, failOnErrors=1)
    assert statuses(results) == ["409"]


def test_references_lead_forwards_and_backwards(scim):
    def managed(bulk_id):
        return {ENTERPRISE: {"manager": {"value": f"bulkId:{bulk_id}"}}}

    results = bulk(scim, create("bulk-k", "k", **managed("l")), create("bulk-l", "l"),
                   create("bulk-m", "m", **managed("k")),
                   patch("/Users/bulkId:l", replace("title", "boss")))
    assert statuses(results) == ["201", "201", "201", "200"]
    k, boss, m = [id_of(result) for result in results[:3]]
    assert scim.resource(k)[ENTERPRISE]["manager"]["value"] == boss
    assert scim.resource(m)[ENTERPRISE]["manager"]["value"] == k
    assert scim.resource(boss)["title"] == "boss"
    results = bulk(scim, create("bulk-n", "n", **managed("o")),
                   create("bulk-o", "o", **managed("n")), create("bulk-p", "p"),
                   create("bulk-q", "q", **managed("unknown")))
    assert statuses(results) == ["409", "409", "201", "400"]


def test_a_thousand_users_in_one_request(server, scim):
    before = server.admin.get("organization-status/").expect(200).json
    operations = [create(f"many-{i}", str(i), name={"givenName": "G", "familyName": "F"},
                         emails=[{"value": f"many-{i}@example.com", "primary": True}],
                         **{CUSTOM: {"i": i}}) for i in range(1000)]
    results = bulk(scim, *operations)
    assert statuses(results) == ["201"] * 1000
    assert len({id_of(result) for result in results}) == 1000
    assert scim.resource(id_of(results[999]))[CUSTOM] == {"i": 999}
    after = server.admin.get("organization-status/").expect(200).json
    assert after["user_count"] == before["user_count"] + 1000
    error = scim.post("Bulk", {"schemas": [REQUEST], "Operations": operations + operations[:1]})
    assert "1000" in error.expect_error(413)["detail"]


def test_an_operation_with_many_references_looks_for_each_once(new_server):
    """The operation at hand waits for one after the other of those that it refers to."""
    scim = scim_client(new_server(**scim_options(extra="UserMgmtMaxBody 4194304")))
    seconds = []
    for number, repeats in enumerate((0, 200000)):
        names = [f"many-{number}-{one}" for one in range(300)]
        group = {"displayName": f"Many {number}",
                 "members": [f"bulkId:{names[0]}"] * repeats + [f"bulkId:{one}" for one in names]}
        operations = [{"method": "POST", "path": "/Groups", "bulkId": "group", "data": group},
                      *[create(one, one) for one in names]]
        begin = time.monotonic()
        results = bulk(scim, *operations)
        seconds.append(time.monotonic() - begin)
        # An operation has the limits of other requests of its size.
        assert statuses(results) == ["413" if repeats else "201"] + ["201"] * len(names)
    assert seconds[1] < 3 * seconds[0] + 2, seconds


def test_a_request_that_makes_no_sense(scim):
    for body in ({}, {"Operations": 7}, {"Operations": ["x"]},
                 {"Operations": [], "failOnErrors": "x"},
                 {"Operations": [{"bulkId": "a"}, {"bulkId": "a"}]}):
        scim.post("Bulk", body).expect_error(400, "invalidSyntax")
    assert bulk(scim) == []
    scim.post("Bulk", "x" * 1048577).expect_error(413)
    scim.get("Bulk").expect_error(405)


def test_a_key_without_the_permission(server):
    other = scim_client(server, ["users:read", "users:create"])
    other.post("Bulk", {"Operations": [create("bulk-z")]}).expect_error(403)
    assert server.admin.get("users/?q=bulk-z").expect(200).json["users"] == []


def test_an_idempotency_key_is_not_for_the_parts(scim):
    headers = {"Idempotency-Key": "bulk-1"}
    body = {"Operations": [create("bulk-r"), create("bulk-s")]}
    for wanted in (["201", "201"], ["409", "409"]):
        answer = scim.post("Bulk", body, headers=headers).expect(200).json
        assert statuses(answer["Operations"]) == wanted
