# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Sessions: counted where UserMgmtActivity holds, and reported by applications."""

import contextlib
import os
import signal
import time

import pytest
from usermgmt_env import (ADMIN, AUTHENTICATION, NOBODY, PATIENCE, Client, in_parallel,
                          wait_for)

IDLE = 3 * PATIENCE


def place(path, activity, more=""):
    return f"""
        <Location "{path}">
            {AUTHENTICATION}
            Require valid-user
            UserMgmtActivity {activity}
            {more}
        </Location>"""


# Plain files behind Basic; in /quick a session ends soon.
COUNTED = f"""
    UserMgmtSessionFlush 1
    {place("/app", "app")}
    {place("/app/inner", '"röwing, inside"')}
    {place("/app/off", "none")}
    {place("/quick", "quick", f"UserMgmtSessionIdle {IDLE}")}
    {place("/away", "away", "Redirect /away/to https://example.com/")}
    <Location "/open">
        UserMgmtActivity open
    </Location>
    ErrorDocument 404 /app/page.txt
"""

PATHS = ("app", "app/inner", "app/off", "quick", "open")


def prepare(server):
    for path in PATHS:
        (server.directory / "htdocs" / path).mkdir(exist_ok=True)
        (server.directory / "htdocs" / path / "page.txt").write_text("a page\n")
    return server


def counting(make, extra=COUNTED, **options):
    server = prepare(make(start=False, extra=extra, **options)).start()
    # With few processes and a busy machine it may come to that.
    server.allow_log("AH00161|AH00484|AH10159")
    return server


@pytest.fixture(scope="module")
def server(make_server):
    return counting(make_server)


@pytest.fixture
def user(server, admin):
    """A client who is a user of the organization, and its uid."""
    made = []

    def make(name, on=server):
        login = on.add_login(f"{name}@sessions.example.com")
        uid = on.admin.create(login)["user_uid"]
        made.append((on, uid))
        return on.client(login, base=""), uid

    yield make
    for on, uid in made:
        if on.process is not None:
            on.admin.delete("users/" + uid)


def rows(server, uid):
    return server.sql("SELECT activity, started_at, last_used_at, session_uid FROM sessions"
                      " WHERE user_uid = ? ORDER BY started_at", uid)


def written(server, uid, count, seconds=6):
    """Wait until so many sessions of somebody are there, and see that no more come."""
    wait_for(lambda: len(rows(server, uid)) >= count, seconds, f"{count} sessions of {uid}")
    found = rows(server, uid)
    assert len(found) == count, found
    return found


def rows_after_next_write(server, uid):
    """Wait until a batch has been written that began after now."""
    client = server.client(NOBODY, base="")
    client.close()
    time.sleep(2.5 * PATIENCE)
    return rows(server, uid)


def now_ms():
    return int(time.time() * 1000)


# A request is counted when it is logged, a moment after its answer.
MOMENT = 200 * PATIENCE


# ---- counting ----


def test_requests_of_one_user_are_one_session(server, user):
    client, uid = user("one")
    before = now_ms()
    for _ in range(20):
        client.get("app/page.txt").expect(200)
    after = now_ms()
    [(activity, started, used, session_uid)] = written(server, uid, 1)
    assert activity == "app" and len(session_uid) == 20
    assert before <= started <= used <= after + MOMENT
    client.get("app/page.txt").expect(200)
    wait_for(lambda: rows(server, uid)[0][2] > used, 6, "the session goes on")
    assert [row[3] for row in rows(server, uid)] == [session_uid]


def test_idle_time_parts_sessions(server, user):
    client, uid = user("idle")
    for _ in range(6):
        client.get("quick/page.txt").expect(200)
        time.sleep(IDLE / 3)
    written(server, uid, 1)
    time.sleep(IDLE * 1.1)
    client.get("quick/page.txt").expect(200)
    time.sleep(IDLE * 1.1)
    client.get("quick/page.txt").expect(200)
    found = written(server, uid, 3)
    assert found[0][2] - found[0][1] >= IDLE * 1000 * 5 / 3
    for (_, _, used, _), (_, started, _, _) in zip(found, found[1:]):
        assert started - used >= IDLE * 1000


def test_the_innermost_location_names_the_activity(server, user):
    client, uid = user("inner")
    for path in ("app", "app/inner", "app/off", "quick", "app"):
        client.get(path + "/page.txt").expect(200)
    assert sorted(row[0] for row in written(server, uid, 3)) == ["app", "quick", "röwing, inside"]


def test_failures_and_strangers_are_not_counted(server, user):
    client, uid = user("failing")
    client.get("app/nothing.txt").expect(404)
    client.ask("DELETE", "app/page.txt").expect(405)
    wrong = Client(server, "failing@sessions.example.com", "wrong", base="")
    server.allow_log("AH01617|AH01618")
    wrong.get("app/page.txt").expect(401)
    client.get("open/page.txt").expect(200)
    Client(server, base="").get("open/page.txt").expect(200)
    Client(server, base="").get("app/page.txt").expect(401)
    server.client(NOBODY, base="").get("app/page.txt").expect(200)
    total = server.sql("SELECT COUNT(*) FROM sessions")
    assert rows_after_next_write(server, uid) == []
    assert server.sql("SELECT COUNT(*) FROM sessions") == total


def test_redirects_and_unchanged_files_are_successes(server, user):
    client, uid = user("success")
    client.get("away/to").expect(302)
    assert written(server, uid, 1)[0][0] == "away"
    tag = client.get("app/page.txt").headers["ETag"]
    written(server, uid, 2)
    client, uid = user("unchanged")
    client.get("app/page.txt", headers={"If-None-Match": tag}).expect(304)
    written(server, uid, 1)


def test_case_does_not_make_another(server, user):
    _, uid = user("case")
    login = server.add_login("CASE@Sessions.example.COM")
    server.client(login, base="").get("app/page.txt").expect(200)
    server.client("case@sessions.example.com", base="").get("app/page.txt").expect(200)
    written(server, uid, 1)


def test_admins_seen_are_counted_strangers_once_they_are_known(server, admin):
    uid = admin.get("organization-status/").json["user_uid"]
    server.client(ADMIN, base="").get("app/page.txt").expect(200)
    assert written(server, uid, 1)[0][0] == "app"
    login = server.add_login("later@sessions.example.com")
    client = server.client(login, base="")
    started = now_ms()
    client.get("app/page.txt").expect(200)
    time.sleep(2 * PATIENCE)
    uid = admin.create(login)["user_uid"]
    assert rows(server, uid) == []
    client.get("app/page.txt").expect(200)
    # From its first request on.
    assert abs(written(server, uid, 1)[0][1] - started) < 1000 * PATIENCE
    admin.delete("users/" + uid).expect(200)
    assert len(rows(server, uid)) == 1


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_many_users_over_many_processes(new_server, mpm):
    server = counting(new_server, mpm=mpm, processes=6 if mpm == "prefork" else 3, threads=8)
    admin = server.admin
    users = [admin.create(server.add_login(f"u{number}@many.example.com"))
             for number in range(40)]

    def use(index):
        for round_ in range(5):
            for step in range(10):
                user = users[(index * 7 + step) % len(users)]
                path = "quick" if (index + step + round_) % 2 else "app"
                client = server.client(user["email"], base="")
                client.get(path + "/page.txt", fresh=True).expect(200)

    start = time.monotonic()
    in_parallel(8, use)
    assert time.monotonic() - start < IDLE or PATIENCE > 1
    pairs = {(users[(index * 7 + step) % len(users)]["user_uid"], "quick" if
              (index + step + round_) % 2 else "app")
             for index in range(8) for step in range(10) for round_ in range(5)}
    wait_for(lambda: server.sql("SELECT COUNT(*) FROM sessions") == [(len(pairs),)], 8,
             "every session is written")
    found = server.sql("SELECT user_uid, activity FROM sessions")
    assert sorted(found) == sorted(pairs)
    status = admin.get("organization-status/", fresh=True).expect(200).json
    assert status["session_count"] == len(pairs)
    assert sorted(status["activities"]) == ["app", "quick"]


# ---- restarts ----


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_graceful_restarts_go_on_with_sessions(new_server, user, mpm):
    server = counting(new_server, mpm=mpm, processes=2)
    client, uid = user("graceful", server)
    other, other_uid = user("other", server)
    client.get("app/page.txt").expect(200)
    for _ in range(2):
        server.graceful()
        client.get("app/page.txt", fresh=True).expect(200)
        other.get("app/page.txt", fresh=True).expect(200)
    written(server, uid, 1)
    written(server, other_uid, 1)


def use_once(server, client):
    """A request that is over for the server, too."""
    before = len(server.access_lines())
    client.get("app/page.txt", fresh=True).expect(200)
    wait_for(lambda: len(server.access_lines()) > before, 6, "the request is logged")
    time.sleep(0.1 * PATIENCE)


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_a_clean_stop_writes_the_last_batch(new_server, user, mpm):
    server = counting(new_server, COUNTED.replace("Flush 1", "Flush 600"), mpm=mpm)
    client, uid = user("last", server)
    before = now_ms()
    use_once(server, client)
    assert rows(server, uid) == []
    server.stop()
    [(_, _, last_used, session_uid)] = rows(server, uid)
    assert before <= last_used <= now_ms()
    # The session goes on behind the restart, though the memory is gone.
    server.start()
    use_once(server, client)
    server.stop()
    [(_, _, later, again)] = rows(server, uid)
    assert again == session_uid and last_used < later
    server.start()


def test_killed_children_lose_nothing(server, user):
    clients = [user(f"killed{number}") for number in range(4)]
    for client, _ in clients:
        client.get("app/page.txt", fresh=True).expect(200)
    server.allow_log("exit signal Killed|AH00052")
    for child in server.children():
        os.kill(child, signal.SIGKILL)
    wait_for(lambda: answers(server), 10, "new children answer")
    for client, _ in clients:
        client.get("app/page.txt", fresh=True).expect(200)
    for _, uid in clients:
        written(server, uid, 1, 12)


def answers(server):
    try:
        return Client(server, base="").get("page.txt", fresh=True).status == 200
    except OSError:
        return False
    except Exception:  # the connection broke off
        return False


def test_killed_under_load_the_table_stays_whole(new_server, user):
    server = counting(new_server, processes=2, threads=8)
    uids = [user(f"load{number}", server) for number in range(8)]
    server.allow_log("exit signal Killed|AH00052")
    end = time.monotonic() + 4 * PATIENCE

    def use(index):
        client, _ = uids[index]
        while time.monotonic() < end:
            try:
                client.get("app/page.txt", fresh=True)
                client.get("quick/page.txt", fresh=True)
            except Exception:  # killed
                time.sleep(0.05)

    def kill(_):
        while time.monotonic() < end:
            time.sleep(0.3)
            children = server.children()
            if children:
                # It may have ended since it was listed.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(children[0], signal.SIGKILL)

    in_parallel(9, lambda index: use(index) if index < 8 else kill(index))
    wait_for(lambda: answers(server), 10, "new children answer")
    for client, uid in uids:
        client.get("app/page.txt", fresh=True).expect(200)
        wait_for(lambda uid=uid: "app" in [row[0] for row in rows(server, uid)], 15, "a session")
        found = [row[0] for row in rows(server, uid)]
        assert found.count("app") == 1 and found.count("quick") <= 2


def test_kill_of_all_loses_one_batch_at_most(new_server, user):
    server = counting(new_server)
    client, uid = user("everything", server)
    client.get("app/page.txt").expect(200)
    [(_, started, _, session_uid)] = written(server, uid, 1)
    client.get("quick/page.txt").expect(200)
    server.kill()
    server.allow_log("AH00098")
    assert [row[3] for row in rows(server, uid) if row[0] == "app"] == [session_uid]
    server.start()
    client.get("app/page.txt").expect(200)
    client.get("quick/page.txt").expect(200)
    found = written(server, uid, 2)
    assert (found[0][0], found[0][1], found[0][3]) == ("app", started, session_uid)


# ---- the table ----


def test_a_full_table_never_blocks(new_server, user):
    server = counting(new_server, COUNTED + "UserMgmtSessionTable 16\n", processes=1)
    clients = [user(f"full{number}", server) for number in range(24)]
    # Nothing can be written as long as another holds the database.
    server.allow_log("UM0001|UM0010")
    with server.expect_log("UM0074"):
        with server.database.held("sessions"):
            for client, _ in clients:
                start = time.monotonic()
                client.get("app/page.txt").expect(200)
                assert time.monotonic() - start < 1 * PATIENCE
            time.sleep(2 * PATIENCE)
    count = wait_for(lambda: server.sql("SELECT COUNT(*) FROM sessions")[0][0], 12, "sessions")
    assert count == 16
    assert server.log_text().count("UM0074") == 1
    # There is room again for those that were not counted.
    for client, _ in clients:
        client.get("app/page.txt").expect(200)
        time.sleep(0.15 * PATIENCE)
    wait_for(lambda: server.sql("SELECT COUNT(*) FROM sessions")[0][0] == 24, 12, "all of them")
    # Those that had to go from the table go on in the database.
    for client, _ in clients:
        client.get("app/page.txt").expect(200)
        time.sleep(0.15 * PATIENCE)
    time.sleep(2 * PATIENCE)
    assert server.sql("SELECT COUNT(*) FROM sessions") == [(24,)]


def test_organizations_are_apart(new_server):
    extra = COUNTED.replace("UserMgmtActivity app\n",
                            "UserMgmtActivity app\nUserMgmtOrganization %{req:X-Org}\n")
    server = counting(new_server, extra, location="UserMgmtOrganization %{req:X-Org}\n"
                                                  "UserMgmtAutoOrganization On")
    login = server.add_login("both@orgs.example.com")
    uids = {}
    for name in ("one", "two"):
        headers = {"X-Org": name}
        admin = server.client(ADMIN, headers=headers)
        uids[name] = admin.create(login)["user_uid"]
        server.client(login, base="", headers=headers).get("app/page.txt").expect(200)
    # An organization that does not exist, and one that can't.
    for name in ("three", "x" * 256):
        server.client(login, base="", headers={"X-Org": name}).get("app/page.txt").expect(200)
    for name, uid in uids.items():
        written(server, uid, 1)
        status = server.client(ADMIN, headers={"X-Org": name}).get("organization-status/").json
        assert (status["session_count"], status["activities"]) == (1, ["app"])
    assert server.sql("SELECT COUNT(*) FROM sessions") == [(2,)]


def test_the_identity_is_that_of_the_expression(new_server, user):
    server = counting(new_server, COUNTED + "UserMgmtIdentity %{REMOTE_USER}@sessions.example.com",
                      roles="UserMgmtAdmin all granted",
                      location="UserMgmtIdentity %{REMOTE_USER}")
    _, uid = user("mapped", server)
    login = server.add_login("mapped")
    server.client(login, base="").get("app/page.txt").expect(200)
    written(server, uid, 1)


def test_virtual_hosts_have_their_own_databases(new_server):
    server = new_server(start=False, extra=COUNTED)
    other = server.live.new_database(server.directory)
    other.make()
    port = server.live.ports.take()
    server.extra += f"""
        Listen 127.0.0.1:{port}
        <VirtualHost 127.0.0.1:{port}>
            {other.directives()}
            DocumentRoot "@DIR@/htdocs"
        </VirtualHost>"""
    prepare(server).start()
    login = server.add_login("host@hosts.example.com")
    server.admin.create(login)
    Client(server, ADMIN, port=port).create(login)
    server.client(login, base="").get("app/page.txt").expect(200)
    Client(server, login, base="", port=port).get("quick/page.txt").expect(200)
    wait_for(lambda: server.sql("SELECT activity FROM sessions") == [("app",)], 6, "one")
    wait_for(lambda: other.sql("SELECT activity FROM sessions") == [("quick",)], 6, "the other")


@pytest.mark.parametrize("line, pattern", [
    ("UserMgmtActivity", "takes one argument"),
    ('UserMgmtActivity ""', "takes one argument"),
    ("UserMgmtActivity " + "x" * 129, "at most 128 characters"),
    ('UserMgmtActivity "a\x01b"', "no control characters"),
    ("UserMgmtSessionIdle 0", "is no time from 1s to 30d"),
    ("UserMgmtSessionIdle x", "is no time from 1s to 30d"),
    ("UserMgmtSessionFlush 0", "is no time from 1s to 1h"),
    ("UserMgmtSessionFlush 3601", "is no time from 1s to 1h"),
    ("UserMgmtSessionTable 15", "from 16 to"),
    ("UserMgmtSessionTable 1e3", "from 16 to"),
    ("UserMgmtSessionTable 99999999999", "from 16 to"),
    ("<VirtualHost *:1>\nUserMgmtSessionTable 100\n</VirtualHost>", "VirtualHost"),
    ("<VirtualHost *:1>\nUserMgmtSessionFlush 100\n</VirtualHost>", "VirtualHost"),
])
def test_bad_directives(new_server, line, pattern):
    new_server(start=False, extra=line).expect_config_error(pattern)


def test_counting_needs_a_database(new_server):
    new_server(start=False, extra="UserMgmtActivity x", has_database=False, has_location=False) \
        .expect_config_error("UM0095")


def test_hostile_names(server, admin):
    """A text that a caller chooses is only ever a parameter of a statement."""
    for name in ("a'; DROP TABLE sessions; --", "x" * 600, "%s%n%lld", "é\u202e", "a\x7fb"):
        login = server.add_login(name)
        server.client(login, base="").get("app/page.txt").expect(200)
    time.sleep(2 * PATIENCE)
    assert server.sql("SELECT COUNT(*) FROM sessions WHERE user_uid IS NULL") == [(0,)]
    admin.get("organization-status/").expect(200)


# ---- sessions/ ----


@pytest.fixture(scope="module")
def api(make_server):
    """A server where nothing is counted, so that all sessions are reported ones."""
    return make_server()


def report(api, **members):
    return api.admin.post("sessions/", members)


@pytest.fixture
def runner(api):
    user = api.admin.create(f"runner{time.time_ns()}@reports.example.com")
    yield user["user_uid"]
    api.admin.delete("users/" + user["user_uid"])


def test_report(api, runner):
    before = now_ms()
    result = report(api, user_uid=runner, activity="rünning 🏃").expect(201)
    session = result.json["session"]
    assert list(result.json) == ["session"]
    assert list(session) == ["session_uid", "user_uid", "activity", "started_at", "last_used_at"]
    assert session["user_uid"] == runner and session["activity"] == "rünning 🏃"
    assert session["started_at"] == session["last_used_at"]
    assert len(session["session_uid"]) == 20
    assert result.headers["Location"] == f"{api.admin.base}/sessions/{session['session_uid']}"
    [(_, started, used, session_uid)] = rows(api, runner)
    assert before <= started == used <= now_ms() and session_uid == session["session_uid"]
    [event] = api.sql("SELECT actor_identity, action, before_json, after_json FROM audit_events"
                      " WHERE target = ?", session_uid)
    assert event[:3] == (ADMIN, "sessions.create", None) and session_uid in event[3]
    assert api.admin.get("organization-status/").json["activities"][0] == "rünning 🏃"
    # Each is one of its own.
    again = report(api, user_uid=runner, activity="rünning 🏃").expect(201).json["session"]
    assert again["session_uid"] != session_uid and len(rows(api, runner)) == 2


def test_report_with_a_time(api, runner):
    for given, told in (("2020-02-29T12:00:00Z", "2020-02-29T12:00:00.000Z"),
                        ("2020-01-01T01:00:00.5+01:00", "2020-01-01T00:00:00.500Z"),
                        ("1960-01-01T00:00:00Z", "1960-01-01T00:00:00.000Z")):
        session = report(api, user_uid=runner, activity="then", started_at=given) \
            .expect(201).json["session"]
        assert session["started_at"] == session["last_used_at"] == told
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30))
    report(api, user_uid=runner, activity="then", started_at=soon).expect(201)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 90))
    report(api, user_uid=runner, activity="then", started_at=later) \
        .expect_faults(("started_at", "invalid_value"))
    # An old one does not make the activity older.
    report(api, user_uid=runner, activity="other").expect(201)
    report(api, user_uid=runner, activity="then", started_at="2001-01-01T00:00:00Z").expect(201)
    assert api.sql("SELECT last_used_at FROM activities WHERE activity = 'then'")[0][0] > now_ms()


def test_reports_of_one_request_are_one(api, runner):
    client = api.admin
    body = {"user_uid": runner, "activity": "twice"}
    results = in_parallel(8, lambda index: client.post("sessions/", body,
                                                       headers={"Idempotency-Key": "k" + runner}))
    assert {result.status for result in results} <= {201, 409}
    uids = {result.json["session"]["session_uid"] for result in results if result.status == 201}
    assert len(uids) == 1 and len(rows(api, runner)) == 1
    other = {"user_uid": runner, "activity": "another"}
    client.post("sessions/", other, headers={"Idempotency-Key": "k" + runner}) \
        .expect_problem(409, "idempotency_key_reused")


@pytest.mark.parametrize("body, faults", [
    ({}, [("user_uid", "required"), ("activity", "required")]),
    ({"user_uid": 5, "activity": []}, [("user_uid", "invalid_type"), ("activity", "invalid_type")]),
    ({"user_uid": None, "activity": None, "started_at": 7},
     [("user_uid", "required"), ("activity", "required"), ("started_at", "invalid_type")]),
    ({"user_uid": "a b", "activity": "x"}, [("user_uid", "invalid_uid")]),
    ({"user_uid": "x", "activity": ""}, [("activity", "required")]),
    ({"user_uid": "x", "activity": "x" * 129}, [("activity", "too_long")]),
    ({"user_uid": "x", "activity": "a\nb"}, [("activity", "control_character")]),
    ({"user_uid": "x", "activity": "x", "started_at": "yesterday"},
     [("started_at", "invalid_value")]),
    ({"user_uid": "x", "activity": "x", "started_at": "9999-12-31T23:59:59Z"},
     [("started_at", "invalid_value")]),
    ({"user_uid": "x", "activity": "x", "session_uid": "mine", "last_used_at": "now"},
     [("session_uid", "unknown_member"), ("last_used_at", "unknown_member")]),
])
def test_bad_reports(api, body, faults):
    api.admin.post("sessions/", body).expect_faults(*faults)


def test_null_is_none(api, runner):
    before = now_ms()
    report(api, user_uid=runner, activity="null", started_at=None).expect(201)
    (_, started_at, last_used_at, _), = rows(api, runner)
    assert before <= started_at == last_used_at <= now_ms()


def test_hostile_reports(api, runner):
    activity = "'); DELETE FROM sessions; --%s%lld"
    report(api, user_uid=runner, activity=activity).expect(201)
    assert [row[0] for row in rows(api, runner)] == [activity]
    found = api.admin.get("sessions/", query={"activity": activity}).expect(200).json
    assert [session["activity"] for session in found["sessions"]] == [activity]
    report(api, user_uid="x" * 128, activity="x").expect_problem(404, "user_not_found")
    admin_uid = api.admin.get("organization-status/").json["user_uid"]
    report(api, user_uid=admin_uid, activity="x").expect_problem(404, "user_not_found")


def test_who_may(api, runner):
    body = {"user_uid": runner, "activity": "x"}
    api.sub_admin.post("sessions/", body).expect_problem(403, "forbidden")
    api.sub_admin.get("sessions/").expect(200)
    api.nobody.get("sessions/").expect_problem(403, "forbidden")
    api.nobody.post("sessions/", body).expect_problem(403, "forbidden")
    for method in ("PUT", "PATCH", "DELETE"):
        api.admin.ask(method, "sessions/", body).expect_problem(405, "method_not_allowed")
    api.admin.get("sessions/" + runner).expect_problem(404, "session_not_found")


def test_the_list(api, runner):
    client = api.admin
    # The later reported, the earlier begun.
    made = [report(api, user_uid=runner, activity=("a", "b")[number % 2],
                   started_at=f"20{24 - number}-01-01T00:00:00Z").expect(201).json["session"]
            for number in range(12)]

    def get(**query):
        result = client.get("sessions/", query={"user_uid": runner, **query}).expect(200)
        return result, result.json["sessions"]

    result, got = get()
    assert got == made[:5]
    assert list(result.json) == ["query_count", "sessions", "first_uid", "last_uid", "has_more",
                                 "next_cursor", "prev_cursor"]
    assert result.json["query_count"] == 12
    assert result.json["first_uid"] == made[0]["session_uid"]
    seen = list(got)
    while "next" in result.links:
        result = client.follow(result, "next").expect(200)
        seen += result.json["sessions"]
    assert seen == made
    assert client.follow(result, "prev").json["sessions"] == made[5:10]
    assert get(order_by="-session_uid", limit=3)[1] == made[::-1][:3]
    assert get(order_by="started_at", limit=20)[1] == made[::-1]
    assert get(activity="b", limit=20)[1] == made[1::2]
    after, before = made[9]["started_at"], made[3]["started_at"]
    assert get(started_after=after, started_before=before, limit=20)[1] == made[4:9]
    assert get(activity="nothing")[0].json["query_count"] == 0
    assert get(limit=2, start_after_id=made[3]["session_uid"])[1] == made[4:6]
    assert get(limit=2, order_by="-started_at",
               start_after_id=made[3]["session_uid"])[1] == made[4:6]
    everyone = client.get("sessions/", query={"limit": "1"}).json["query_count"]
    assert everyone == client.get("organization-status/").json["session_count"]
    result, _ = get(count="none")
    assert "query_count" not in result.json
    client.get("sessions/", query={"user_uid": runner, "count": "none"},
               headers={"If-None-Match": result.headers["ETag"]}).expect(304)


@pytest.mark.parametrize("query, fault", [
    ({"limit": "0"}, ("limit", "invalid_value")),
    ({"activity": ""}, ("activity", "invalid_value")),
    ({"started_after": "x"}, ("started_after", "invalid_value")),
    ({"order_by": "user_uid"}, ("order_by", "invalid_value")),
    ({"email": "a@example.com"}, ("email", "unknown_parameter")),
])
def test_wrong_parameters(api, query, fault):
    api.admin.get("sessions/", query=query).expect_faults(fault)


def test_lists_of_organizations_are_apart(make_server):
    server = make_server(location="UserMgmtOrganization %{req:X-Org}\nUserMgmtAutoOrganization On")
    one, two = (server.client(ADMIN, headers={"X-Org": name}) for name in ("one", "two"))
    mine = one.create("a@apart.example.com")["user_uid"]
    two.get("organization-status/").expect(200)
    two.post("sessions/", {"user_uid": mine, "activity": "x"}).expect_problem(404, "user_not_found")
    session = one.post("sessions/", {"user_uid": mine, "activity": "x"}).expect(201).json["session"]
    for query in ({}, {"user_uid": mine}, {"activity": "x"}):
        assert two.get("sessions/", query=query).json["sessions"] == []
        assert one.get("sessions/", query=query).json["sessions"] == [session]
    assert two.get("organization-status/").json["activities"] == []


def test_deleting_a_user_leaves_its_sessions(api):
    uid = api.admin.create("leaver@reports.example.com")["user_uid"]
    report(api, user_uid=uid, activity="leaving").expect(201)
    count = api.admin.get("organization-status/").json["session_count"]
    api.admin.delete("users/" + uid).expect(200)
    assert api.admin.get("organization-status/").json["session_count"] == count
    assert api.admin.get("sessions/", query={"user_uid": uid}).json["query_count"] == 1
