# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The web console as a person uses it: a browser (Chromium, driven by playwright-core) with a
real httpd. console_browser.mjs has the scenarios. Each fails on any violation of the pages'
policy, any error on the browser's console, and any request to another host."""

import json
import os
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from smtp_env import Smtp
from usermgmt_env import ADMIN, NOBODY, PASSWORD, SUB_ADMIN

# With a sanitizer the module answers these requests as in other tests.
pytestmark = pytest.mark.unsanitized
one_database = pytest.mark.database("sqlite")

MODULES = Path(__file__).parents[2] / ".build/npm/node_modules"
SCRIPT = Path(__file__).with_name("console_browser.mjs")
SECONDS = 120
COUNT = 120
BIG = 9007199254740993


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    raise RuntimeError("Chromium is missing: build/setup check installs it")


def play(server, scenario, steps=None, login=ADMIN, **settings):
    """Run a scenario, with functions for its steps; returns its result."""
    address = f"http://127.0.0.1:{server.port}"
    settings = {"origin": address, "console": f"{address}{server.base}/console/",
                "login": login, "password": PASSWORD, "modules": str(MODULES),
                "chromium": chromium(), **settings}
    with subprocess.Popen(["node", str(SCRIPT), scenario], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "SETTINGS": json.dumps(settings)}) as process:
        try:
            return follow(process, steps or {})
        finally:
            process.kill()


def follow(process, steps):
    done = []
    for line in process.stdout:
        said = json.loads(line)
        if "problems" in said:
            assert said["problems"] == [], "\n".join(said["problems"])
            assert done == list(steps)
            return said["result"]
        done.append(said["step"])
        steps[said["step"]]()
        process.stdin.write("\n")
        process.stdin.flush()
    raise AssertionError("the browser's program ended")


@pytest.fixture(scope="module")
def server(make_server):
    """With users, the first 100 of whom have numbered names."""
    made = make_server(location="UserMgmtConsole On", modules=["rewrite"], extra="""
        RewriteEngine On
        RewriteCond "@DIR@/conf/over" -f
        RewriteRule "^/user-management/(?!console)" "/login" [R=302,L]""")
    for number in range(COUNT - 2):
        made.admin.create(f"user{number:03}@example.com", f"User {number:03}")
    made.admin.create("layla@example.com", "ليلى بنت أحمد")
    made.admin.create("markup@example.com", "<b>Markup</b>", shoeSize="41", text="x" * 500)
    return made


VIEWS = [["users?q=zzz", "No user matches"], ["./", "Active users"],
         ["import", "Choose a file, or drop it here"], ["sub-admins", "No sub-admins yet"],
         ["invitations", "No invitations are pending"], ["api-keys", "No API keys yet"],
         ["audit", "Until"], ["groups", "Sub-admins"], ["groups?q=zzz", "No group matches"],
         ["group?id=sub-admins", "This group has no members"],
         ["accept", "This page needs the whole link"], ["accept#accept_token=x", "Accept the"]]


@one_database
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(server, scheme, width):
    uid = server.admin.get("users/", query={"q": "<b>"}).json["users"][0]["user_uid"]
    play(server, "views", scheme=scheme, width=width,
         views=[*VIEWS, [f"user?uid={uid}", "Latest sessions"]])


@pytest.mark.parametrize("locale, day, summary", [
    ("en-GB", "{d} {month} {y}", "New users per day, {first} to {last}: 1,004 in all, most on {top}:"
     " 1,000"),
    ("de-DE", "{d:02}.{m:02}.{y}", "Neue Personen pro Tag, {first} bis {last}: insgesamt 1.004, die"
     " meisten am {top}: 1.000")])
@one_database
def test_the_history(new_server, locale, day, summary):
    server = new_server(location="UserMgmtConsole On")
    days = server.admin.get("organization-status/history").expect(200).json["days"]
    begin = datetime.fromisoformat(days[-1]["date"] + "T00:00Z").timestamp() * 1000
    for count, back in ((1000, 1), (3, 3), (1, 29), (7, 30)):
        server.sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                   " INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
                   " display_name_folded, attributes, created_at, updated_at)"
                   " SELECT 1, 'u' || ? || i, 'u' || ? || i, 'u' || ? || i, 'u', 'u', '{}', ?, ? FROM n",
                   count, *[f"{back}-"] * 3, int(begin) - back * 86400000, int(begin))
    server.sql("INSERT INTO sessions (org_id, session_uid, user_uid, activity, started_at,"
               " last_used_at) VALUES (1, 's', 'u', 'run', ?, ?)", int(begin), int(begin))

    def written(back):
        date = datetime.fromisoformat(days[-1 - back]["date"])
        return day.format(d=date.day, m=date.month, y=date.year, month=date.strftime("%b")
                          .replace("Sep", "Sept"))

    result = play(server, "history", locale=locale)
    users, sessions = result["labels"]
    assert users == summary.format(first=written(29), last=written(0), top=written(1))
    assert sessions.endswith(": 1")
    figures = {1: 1000, 3: 3, 29: 1}
    numbers = [f"{figures.get(back, 0):,}".replace(",", "," if locale == "en-GB" else ".")
               for back in range(30)]
    assert result["rows"] == [[written(back), number] for back, number in enumerate(numbers)]
    assert result["titles"] == [f"{name}: {number}" for name, number in reversed(result["rows"])]
    # The least that is not nothing can be seen.
    tall = [height for height in result["heights"] if height > 0]
    assert len(tall) == 3 and max(tall) == pytest.approx(64, abs=2) and min(tall) > 1.5


@one_database
def test_the_first_view(new_server, capsys):
    """With an empty cache. The figures of docs/console.md are printed by this test."""
    server = new_server(location="UserMgmtConsole On")
    for number in range(20):
        server.admin.create(f"first{number}@example.com", f"User {number}")
    runs = play(server, "first", runs=9, axe=False)["runs"]
    times = sorted(run["ready"] for run in runs)
    requests = sorted(runs[-1]["requests"], key=lambda one: one[1])
    sizes = sum(size for *_, size in requests)
    with capsys.disabled():
        print(f"\nfirst view ready after {times} ms; {len(requests)} requests, {sizes} bytes")
        for name, begun, ended, size in requests:
            print(f"{begun:5} {ended:5} ms {size:6} bytes  {name}")
    names = [name for name, *_ in requests]
    # Other views are loaded later.
    assert "console/view-overview.js" in names and "console/list.js" not in names
    assert len(requests) < 26 and sizes < 75000 and times[0] < 5000


def found(server, email):
    users = server.admin.get("users/", query={"email": email}).json["users"]
    return users[0] if users else None


def test_keyboard_only(new_server):
    """On each database: a user is made, opened, edited and suspended."""
    server = new_server(location="UserMgmtConsole On")
    server.admin.create("first@example.com")
    play(server, "keyboard")
    user = found(server, "keys@example.com")
    assert user["display_name"] == "Keys Alone" and user["active"] is False
    assert user["height"] == 175


@one_database
def test_lists(server):
    result = play(server, "lists", count=COUNT)
    emails = [user["display_name"]
              for user in server.admin.get("users/", query={"order_by": "email", "limit": 100,
                                                            }).json["users"]]
    assert result["first"] == emails[:50] and result["second"] == emails[50:]
    assert result["reloaded"] == result["second"]
    by_name = server.admin.get("users/", query={"order_by": "-display_name", "limit": 50})
    assert result["descending"] == [user["display_name"] for user in by_name.json["users"]]
    assert sorted(result["found"]) == [f"User 00{digit}" for digit in range(10)]
    # What is typed stays, and so does the focus.
    assert result["kept"] == "search"


@one_database
def test_columns_are_kept(server):
    result = play(server, "columns")
    assert result["headings"] == ["", "Name", "Email", "Role", "Status", "shoeSize"]
    assert result["cell"] == "41"


def users_of(server, *numbers):
    return [found(server, f"user{number:03}@example.com") for number in numbers]


def test_several_users(new_server):
    server = new_server(location="UserMgmtConsole On")
    for number in range(6):
        server.admin.create(f"user{number:03}@example.com", f"User {number:03}")

    def are_active(*expected):
        assert [user["active"] for user in users_of(server, 0, 1, 2)] == list(expected)

    def is_sub_admin():
        assert users_of(server, 3)[0]["role"] == "sub_admin"

    def delete_one():
        server.admin.delete(f"users/{users_of(server, 5)[0]['user_uid']}").expect(200)

    result = play(server, "several", {
        "suspended": lambda: are_active(True, False, False),
        "active": lambda: are_active(True, True, True),
        "appointed": is_sub_admin, "delete-one": delete_one})
    assert users_of(server, 4, 5) == [None, None]
    refused, = result["refused"]
    assert refused.startswith("User 005")


def test_types_are_kept(server):
    attributes = {"age": "23", "count": 23, "big": BIG, "real": 0.95, "flag": False,
                  "list": [1, BIG, "x"], "note": "a note", "gone": {"a": None}, "empty": ""}
    user = server.admin.create(f"types{server.database.kind}@example.com", "Types", **attributes)

    def same(expected):
        now = server.admin.read(user["user_uid"])
        assert {name: now[name] for name in now if name in attributes} == expected
        assert {name: type(value) for name, value in now.items() if name in attributes} \
            == {name: type(value) for name, value in expected.items()}

    result = play(server, "types", {"saved": lambda: same({**attributes, "note": "another note"})},
                  uid=user["user_uid"], names=list(attributes))
    assert result["shown"] == {
        "age": ["23", "text"], "count": ["23", "number"], "big": [str(BIG), "number"],
        "real": ["0.95", "number"], "flag": ["false", "yes-no"],
        "list": [f'[1,{BIG},"x"]', "json"], "note": ["a note", "text"],
        "gone": ['{"a":null}', "json"], "empty": ["", "text"]}
    left = {**attributes, "note": "another note", "big": BIG + 4, "list": [1, BIG + 6, "x"]}
    del left["gone"]
    same(left)


def test_an_invitation(new_server):
    """With a link to the console's own page, accepted by the invited person."""
    server = new_server(location="UserMgmtConsole On")
    guest = server.add_login("guest@example.com")

    def is_sub_admin():
        assert found(server, guest)["role"] == "sub_admin"

    result = play(server, "invitation", {"accepted": is_sub_admin}, guest=guest)
    console = f"http://127.0.0.1:{server.port}{server.base}/console/"
    assert result["link"].startswith(console + "accept#accept_token=")
    # The secret does not stay in the history.
    assert result["left"] == console + "accept"
    assert result["again"]
    links = {result["own"], result["second"]}
    assert len(links) == 2
    assert all(link.startswith("https://app.example.com/join?accept_token=") for link in links)
    states = [one["status"] for one in
              server.admin.get("invitations/?status=all").json["invitations"]]
    assert states == ["accepted", "revoked"]
    # Servers and logs don't get what stands behind the #.
    assert "accept_token" not in (server.directory / "logs/access_log").read_text()


def test_an_invitation_by_mail(new_server, live):
    """With the keyboard alone: somebody is invited, and opens and accepts the link of the mail."""
    smtp = Smtp(live).start()
    try:
        server = new_server(location="""
            UserMgmtConsole On
            UserMgmtPublicURL http://127.0.0.1:@PORT@/user-management/""", extra=f"""
            UserMgmtMailServer {smtp.url}
            UserMgmtMailFrom users@example.com""")
        guest = server.add_login("guest@example.com")
        shown = play(server, "invite", guest=guest)["link"]
        mail = smtp.wait(guest)
    finally:
        smtp.stop()
    page = f"http://127.0.0.1:{server.port}{server.base}/console/accept#accept_token="
    link = re.search(r"http://\S+", mail.part("plain")).group()
    assert link == page + mail.secret and shown.startswith(page) and shown != link
    play(server, "accept", login=guest, link=link)
    assert found(server, guest)["role"] == "sub_admin"


def test_api_keys(new_server):
    server = new_server(location="UserMgmtConsole On")

    def is_made():
        key, = server.admin.get("api-keys/").json["api_keys"]
        assert (key["name"], key["permissions"]) == ("Nightly import", ["users:read"])
        assert key["allow_from"] == ["192.0.2.0/24", "2001:db8::/32"]

    result = play(server, "keys", {"made": is_made})
    assert re.fullmatch("umk_[0-9A-Za-z]{50}", result["key"])
    assert re.fullmatch("umk_[0-9A-Za-z]{50}", result["rotated"])
    assert result["key"] != result["rotated"] and not result["isKept"]
    assert server.admin.get("api-keys/").json["api_keys"][0]["status"] == "revoked"


def test_the_audit_trail(new_server):
    server = new_server(location="UserMgmtConsole On")
    user = server.admin.create("ann@example.com", "Ann", age="23", height=175)
    server.admin.ask("PATCH", f"users/{user['user_uid']}", {"age": 24}).expect(200)
    server.admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    server.admin.delete(f"sub-admins/{user['user_uid']}").expect(200)
    server.admin.post("groups/", {"display_name": "Crew"}).expect(201)
    server.admin.post("invitations/", {"email": "guest@example.com"}).expect(201)
    gone = server.admin.create("gone@example.com", "Gone")
    server.admin.delete(f"users/{gone['user_uid']}").expect(200)
    result = play(server, "audit")
    assert result["latest"] == [[change, f"by {ADMIN}", href] for change, href in (
        ("users.delete Gone", ""), ("users.create Gone", "user?uid="),
        ("invitations.create guest@example.com", ""), ("groups.create Crew", "group?id="),
        ("sub_admins.delete Ann", "user?uid="), ("sub_admins.create Ann", "user?uid="),
        ("users.update Ann", "user?uid="), ("users.create Ann", "user?uid="))]
    change = [row for row in result["change"] if row[0] != "updated_at"]
    assert change == [["age", "23", "24"]] and result["named"] == "Ann"
    assert dict(result["query"]) == {"action": "users.update", "at_after": "2001-01-01",
                                     "at_before": "2001-01-31"}


@one_database
def test_the_trail_of_an_erased_person(new_server):
    server = new_server(location="UserMgmtConsole On")
    user = server.admin.create("gone@example.com", "Gone")
    server.admin.ask("PATCH", f"users/{user['user_uid']}", {"age": 24}).expect(200)
    server.admin.delete(f"users/{user['user_uid']}", query={"erase": "true"}).expect(200)
    for path in ("./", "audit"):
        result = play(server, "sees", path=path, text="erased-")
        assert result["text"].count("erased-") >= 3
        assert not [link for link in result["links"] if link.startswith("erased-")]


@one_database
def test_sub_admins(new_server):
    server = new_server(location="UserMgmtConsole On")
    server.admin.create("ann@example.com", "Ann")

    def has_role(role):
        assert found(server, "ann@example.com")["role"] == role

    play(server, "roles", {"appointed": lambda: has_role("sub_admin"),
                           "dismissed": lambda: has_role("user")}, user="ann@example.com")
    has_role("sub_admin")


@one_database
def test_two_people_edit_one_user(server):
    user = server.admin.create("both@example.com", "Name before", age="23")
    uid = user["user_uid"]
    result = play(server, "conflict", {"change": lambda: server.admin.ask(
        "PATCH", f"users/{uid}", {"display_name": "Their name", "age": "24"}).expect(200)},
        uid=uid)
    assert sorted(result["shown"]) == [["age", "24", "23"],
                                       ["display_name", "Their name", "My name"],
                                       ["phone", "—", "111"]]
    assert result["kept"] == "111"
    now = server.admin.read(uid)
    # Theirs was chosen; what only one of the two had changed is kept.
    assert (now["display_name"], now["phone"], now["age"]) == ("Their name", "111", "24")
    server.admin.delete(f"users/{uid}").expect(200)


def test_two_browsers_edit_one_user(new_server):
    """Both have the form open. What the second one stores is merged with what the first one has
    stored meanwhile, and again with what comes in between."""
    server = new_server(location="UserMgmtConsole On")
    uid = server.admin.create("both@example.com", "Name before", age="23")["user_uid"]

    def merged():
        now = server.admin.read(uid)
        assert (now["display_name"], now["phone"], now["age"], now["active"]) \
            == ("Name of one", "111", "24", False)

    result = play(server, "both", {"merged": merged}, uid=uid)
    assert sorted(result["shown"]) == [["age", "24", "23"],
                                       ["display_name", "Name of other", "Name of one"],
                                       ["phone", "—", "111"]]


def test_groups(new_server):
    server = new_server(location="UserMgmtConsole On")
    for number in range(6):
        server.admin.create(f"user{number:03}@example.com", f"User {number:03}")
    emails = [f"user{number:03}@example.com" for number in (1, 2, 3)]

    def members(*numbers):
        group, = [one for one in server.admin.get("groups/").json["groups"]
                  if one["group_id"] != "sub-admins"]
        users = server.admin.get("users/", query={"group": group["group_id"]}).json["users"]
        assert [user["display_name"] for user in users] == [f"User {n:03}" for n in numbers]

    def is_sub_admin():
        assert found(server, emails[0])["role"] == "sub_admin"

    result = play(server, "groups", {
        "filled": lambda: members(1, 2, 3), "removed": lambda: members(2, 3),
        "left": lambda: members(1, 3), "joined": lambda: members(1, 2, 3),
        "appointed": is_sub_admin}, emails=emails)
    assert sorted(result["shown"]) == ["User 001", "User 002", "User 003"]
    assert result["kept"] == "search"
    assert "Delete the group Day shift?" in result["question"]
    assert "3 members, who stay users" in result["question"]
    assert set(result["reserved"]) == {"Add"}
    assert [group["group_id"] for group in server.admin.get("groups/").json["groups"]] \
        == ["sub-admins"]


@one_database
def test_a_sub_admin_sees_groups(new_server):
    server = new_server(location="UserMgmtConsole On")
    group = server.admin.post("groups/", {"display_name": "Crew"}).json["group"]
    user = server.admin.create("crew@example.com", "Crew member")
    server.admin.post(f"groups/{group['group_id']}/members/", {"user_uid": user["user_uid"]})
    for path, text in ((f"group?id={group['group_id']}", "Crew member"), ("groups", "Crew"),
                       (f"user?uid={user['user_uid']}", "Latest sessions")):
        result = play(server, "sees", login=SUB_ADMIN, path=path, text=text)
        assert "Crew" in result["text"]
        assert not {"Add", "Rename", "Delete", "New group", "Remove"} & set(result["links"])
    play(server, "sees", path="group?id=nothing", text="There is no such group")


@one_database
def test_export(server):
    users = server.admin.get("users/", query={"q": "user 00", "order_by": "email", "limit": 100}) \
        .json["users"]
    files = play(server, "export")
    assert {name for name, _ in files.values()} == {"users.csv", "users.ndjson"}

    def of_api(**query):
        return server.admin.get("users/", query={"q": "user 00", "order_by": "email", **query}) \
            .expect(200).raw.decode()

    shown = "display_name,email,role,active,created_at"
    assert files["excel"][1] == of_api(format="excel", columns=shown)
    assert files["csv"][1] == of_api(format="csv")
    assert files["ndjson"][1] == of_api(format="ndjson")
    assert len(files["ndjson"][1].splitlines()) == len(users) == 10
    # Of those that are chosen the page makes what the API would.
    for name, whole in (("someExcel", "excel"), ("someCsv", "csv"), ("someNdjson", "ndjson")):
        lines = files[whole][1].splitlines(keepends=True)
        kept = [line for line in lines if re.search("^.?display_name|^user_uid|User 00[12]", line)]
        assert sorted(files[name][1].splitlines(keepends=True)) == sorted(kept), name


@one_database
def test_views_that_cannot_be_loaded(new_server):
    server = new_server(location="UserMgmtConsole On")
    server.allow_log("AH01617")
    server.admin.create("first@example.com")
    result = play(server, "unloaded", {"end": lambda: server.add_login(ADMIN, "another"),
                                       "begin": lambda: server.add_login(ADMIN)})
    assert result["shown"] == [["Users · User management", "Users"]] * 2
    # The page was not loaded again, so nothing in it was lost.
    assert result["isSame"]


@one_database
def test_views_of_another_version(server):
    shown = play(server, "unfit")["shown"]
    assert shown == [[f"{name} · User management", name, 1]
                     for name in ("Groups", "Audit trail", "Import")]


@one_database
def test_the_focus_stays_while_a_view_loads(server):
    assert play(server, "waiting") == {"before": "H1", "after": "H1"}


@one_database
def test_a_view_that_is_left_while_it_loads(server):
    assert play(server, "overtaken")["heading"] == "Groups"


@one_database
def test_the_session_ends_by_a_401(new_server):
    server = new_server(location="UserMgmtConsole On")
    server.allow_log("AH01617")
    result = play(server, "session", {"end": lambda: server.add_login(ADMIN, "another"),
                                      "begin": lambda: server.add_login(ADMIN)})
    assert result["link"] == f"http://127.0.0.1:{server.port}{server.base}/console/"
    assert found(server, "kept@example.com")["display_name"] == "Kept"


@one_database
def test_the_session_ends_by_a_redirect(server):
    over = server.directory / "conf/over"
    play(server, "session", {"end": over.touch, "begin": over.unlink})
    user = found(server, "kept@example.com")
    server.admin.delete(f"users/{user['user_uid']}").expect(200)


@one_database
def test_nobody_without_a_role(server):
    result = play(server, "sees", login=NOBODY, path="users", text="You have no role here")
    assert NOBODY in result["text"] and "default" in result["text"]
    assert result["links"] == []


@one_database
def test_a_sub_admin_sees_what_he_may_do(server):
    user = found(server, "user050@example.com")
    result = play(server, "sees", login=SUB_ADMIN, path=f"user?uid={user['user_uid']}",
                  text="Latest sessions")
    assert {"Edit", "Suspend"} <= set(result["links"])
    assert not {"Delete", "Make sub-admin"} & set(result["links"])
    assert "Audit trail" not in result["text"]


@one_database
@pytest.mark.parametrize("locale, language, text", [
    ("de-AT", "de", "Neue Person"), ("fr-FR", "en", "New user"), ("en-US", "en", "New user")])
def test_languages(server, locale, language, text):
    result = play(server, "sees", locale=locale, path="users", text="User 1")
    assert result["language"] == language and text in result["text"]


@one_database
def test_a_user_that_is_not_there(server):
    play(server, "sees", path="user?uid=nobody", text="There is no such user")
