# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Lists as CSV and as files: columns, quotes, formulas, links, and a database that fails in the
middle."""

import csv
import io
import json
import re
import subprocess

import pytest
from test_limits import Reader, peak_kib
from test_listing import put_users
from usermgmt_env import ADMIN, NOBODY, PASSWORD, PATIENCE, wait_for

CSV = {"Accept": "text/csv"}
COUNT = 30
USUAL = ["user_uid", "email", "display_name", "phone", "role", "active", "created_at",
         "updated_at", "attributes"]
LISTS = ["users", "groups", "sub-admins", "invitations", "sessions", "audit-events", "api-keys"]


@pytest.fixture(scope="module", name="people")
def fixture_people(server):
    made = [server.admin.create(f"csv{n:02}@csv.example.com", f"Person {n:02}")
            for n in range(COUNT)]
    return made + [
        server.admin.create("odd@csv.example.com", 'Ödd "x", y', phone="+41 1",
                            height=1.5, big=9007199254740993, note='a,"b"\r\n=c', none="null",
                            deep={"a": [1, "é"]}, yes=True, text="23"),
        server.admin.create("formula@csv.example.com", "=HYPERLINK(1)", note="'=1", other="-2")]


def table(answer):
    """The rows of CSV as objects, in the order of the header."""
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.expect(200).raw.decode()
    assert text.endswith("\r\n")
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline="")))
    assert all(len(row) == len(rows[0]) for row in rows)
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def test_a_table_has_all_users(admin, people):
    answer = admin.get("users/", headers=CSV)
    rows = table(answer)
    assert list(rows[0]) == USUAL
    assert [row["user_uid"] for row in rows if row["email"].endswith("@csv.example.com")] \
        == [user["user_uid"] for user in people]
    odd = next(row for row in rows if row["email"] == "odd@csv.example.com")
    assert odd["display_name"] == 'Ödd "x", y' and odd["phone"] == "+41 1"
    assert (odd["role"], odd["active"]) == ("user", "true")
    user = people[COUNT]
    assert json.loads(odd["attributes"]) == {name: value for name, value in user.items()
                                             if name not in USUAL}
    assert '"big":9007199254740993' in odd["attributes"]
    assert odd["created_at"] == user["created_at"]
    plain = next(row for row in rows if row["email"] == "csv00@csv.example.com")
    assert (plain["phone"], plain["attributes"]) == ("", "")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="users.csv"'
    assert answer.headers["Cache-Control"] == "no-store" and "ETag" not in answer.headers
    assert answer.headers["Vary"] == "Accept"


def test_columns(admin, people):
    uid = people[COUNT]["user_uid"]
    columns = "height,note,email,none,deep,yes,text,text:json,big:json,missing,note:json"
    row, = table(admin.get("users/", query={"format": "csv", "columns": columns,
                                            "email": "odd@csv.example.com"}))
    assert row == {"height": "1.5", "note": 'a,"b"\r\n=c', "email": "odd@csv.example.com",
                   "none": "null", "deep": '{"a":[1,"é"]}', "yes": "true", "text": "23",
                   "text:json": '"23"', "big:json": "9007199254740993", "missing": "",
                   "note:json": json.dumps('a,"b"\r\n=c')}
    assert list(row) == columns.split(",")
    for of_one in ({"user_uid": uid}, {"email": "odd@csv.example.com"}):
        found = admin.get("users/", query={"format": "csv", "columns": "user_uid", **of_one})
        assert found.expect(200).raw == f"user_uid\r\n{uid}\r\n".encode()
    with_scim = table(admin.get("users/", query={"include": "scim", "email": "odd@csv.example.com"},
                                headers=CSV))
    assert list(with_scim[0]) == [*USUAL, "scim"]
    assert json.loads(with_scim[0]["scim"]) == {"userName": "odd@csv.example.com"}


@pytest.mark.parametrize("query, field", [
    ("format=csv&columns=", "columns"), ("format=csv&columns=email,", "columns"),
    ("format=csv&columns=email,email", "columns"), ("format=csv&columns=scim", "columns"),
    ("format=csv&columns=Email", "columns"), ("format=csv&columns=password", "columns"),
    ("format=csv&columns=email:json", "columns"), ("format=csv&columns=a+b", "columns"),
    ("format=csv&columns=" + ",".join(f"a{n}" for n in range(101)), "columns"),
    ("columns=email", "columns"), ("format=ndjson&columns=email", "columns"),
    ("format=CSV", "format"), ("format=", "format"), ("format=xls", "format"),
])
def test_what_is_no_column_or_format(admin, query, field):
    admin.get("users/?" + query).expect_faults((field, "invalid_value"))


def test_other_lists_have_their_own_columns_alone(admin):
    admin.get("groups/?format=csv&columns=height").expect_faults(("columns", "invalid_value"))
    admin.get("groups/?format=csv&columns=group_id:json").expect_faults(
        ("columns", "invalid_value"))


def test_a_spreadsheet_gets_no_formulas(admin, people):
    query = {"columns": "display_name,note,other", "email": "formula@csv.example.com"}
    plain = admin.get("users/", query={**query, "format": "csv"})
    assert plain.raw == b"display_name,note,other\r\n=HYPERLINK(1),''=1,-2\r\n"
    excel = admin.get("users/", query={**query, "format": "excel"})
    assert excel.raw == b"\xef\xbb\xbfdisplay_name,note,other\r\n'=HYPERLINK(1),''=1,'-2\r\n"
    assert excel.headers["Content-Disposition"] == 'attachment; filename="users.csv"'
    rows = table(admin.get("users/?format=excel"))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@"))]
    assert people


def test_a_spreadsheet_takes_no_other_separators(admin):
    """Many of them take ; and tabs for separators where there are no quotes."""
    user = admin.create("separators@csv.example.com", "A;=HYPERLINK(1)", note="b\t=1")
    query = {"columns": "display_name,note", "user_uid": user["user_uid"]}
    assert admin.get("users/", query={**query, "format": "excel"}).raw \
        == b'\xef\xbb\xbfdisplay_name,note\r\n"A;=HYPERLINK(1)","b\t=1"\r\n'
    assert admin.get("users/", query={**query, "format": "csv"}).raw \
        == b"display_name,note\r\nA;=HYPERLINK(1),b\t=1\r\n"
    admin.delete("users/" + user["user_uid"]).expect(200)


def test_the_format_decides(admin):
    """A link of a browser sends the Accept of pages."""
    page = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    assert admin.get("users/", headers=page).json["users"]
    for headers in (page, CSV, {"Accept": "application/json"}, {}):
        assert table(admin.get("users/?format=csv", headers=headers))
        lines = admin.get("users/?format=ndjson", headers=headers)
        assert lines.headers["Content-Type"] == "application/x-ndjson" and lines.lines
        assert lines.headers["Content-Disposition"] == 'attachment; filename="users.ndjson"'
        assert admin.get("users/?format=json", headers=headers).json["users"]
    asked = admin.get("users/", headers={"Accept": "application/x-ndjson"})
    assert "Content-Disposition" not in asked.headers
    # What Accept excludes is refused before the query is read.
    admin.get("users/?format=csv", headers={"Accept": "text/html"}) \
        .expect_problem(406, "not_acceptable")


@pytest.mark.parametrize("name", LISTS)
def test_every_list(server, admin, people, name):
    """Each row has what the entry of a page has."""
    admin.post("sub-admins/", {"user_uid": people[0]["user_uid"]})
    admin.post("invitations/", {"email": "invited@csv.example.com"})
    admin.post("sessions/", {"user_uid": people[0]["user_uid"], "activity": "run, =run"})
    admin.post("api-keys/", {"name": "A", "permissions": ["users:read"]})
    member = name.replace("-", "_")
    entries = admin.get(name + "/", query={"limit": 1000}).expect(200).json[member]
    rows = table(admin.get(name + "/", headers=CSV))
    assert len(rows) == len(entries) > 0
    for row, entry in zip(rows, entries):
        for column, cell in row.items():
            if column == "attributes":
                continue
            value = entry.get(column)
            assert cell == ("" if value is None else value if isinstance(value, str)
                            else json.dumps(value, ensure_ascii=False, separators=(",", ":"))), \
                (column, entry)
        assert name == "users" or set(entry) == set(row)
    lines = admin.get(name + "/", headers={"Accept": "application/x-ndjson"}).lines
    assert lines == entries
    server.client(NOBODY).get(name + "/?format=csv").expect_problem(403, "forbidden")


def test_limits_cursors_and_links(admin, people):
    """What is sent whole has the link to what follows, as a page has it."""
    seen, target, answers = [], "users/?format=csv&columns=email&limit=7&order_by=-email", 0
    while target:
        answer = admin.get(target) if answers == 0 else admin.send("GET", target)
        seen += [row["email"] for row in table(answer)]
        target, answers = answer.links.get("next"), answers + 1
    everyone = [user["email"] for user in admin.everyone(order_by="-email")]
    assert seen == everyone and answers == -(-len(everyone) // 7)
    assert "Link" not in admin.get("users/?format=csv").headers
    assert "Link" not in admin.get(f"users/?format=csv&limit={len(everyone)}").headers
    after = admin.get("users/", query={"format": "csv", "columns": "user_uid",
                                       "start_after_id": people[3]["user_uid"], "limit": 2})
    assert [row["user_uid"] for row in table(after)] == [one["user_uid"] for one in people[4:6]]


def test_filters_and_nobody(admin, people):
    assert [row["email"] for row in table(admin.get("users/?format=csv&q=csv1"))] \
        == [user["email"] for user in people[10:20]]
    assert admin.get("users/?format=csv&q=nobody").expect(200).raw \
        == (",".join(USUAL) + "\r\n").encode()
    admin.get("users/?format=csv&user_uid=nobody").expect_problem(404, "user_not_found")
    head = admin.ask("HEAD", "users/?format=csv").expect(200)
    assert head.raw == b"" and head.headers["Content-Type"] == "text/csv; charset=utf-8"
    # A stream has no ETag, so nothing is ever a 304.
    assert admin.get("users/?format=csv", headers={"If-None-Match": "*"}).expect(200).raw


def begin(server, query, headers=()):
    reader = Reader(server, "/user-management/users/?" + query, list(headers))
    assert reader.start() == 200
    return reader


def body_of(received):
    """The chunks of an answer, and whether the last one came."""
    head, _, rest = received.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    pieces = []
    while rest:
        length, _, rest = rest.partition(b"\r\n")
        if int(length or b"-1", 16) == 0:
            return b"".join(pieces), True
        pieces.append(rest[:int(length, 16)])
        rest = rest[int(length, 16) + 2:]
    return b"".join(pieces), False


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_database_that_fails_in_the_middle(new_server, form):
    """The answer is cut off, so that nobody takes it for all users."""
    server = new_server(processes=1, threads=8)
    put_users(server, 4000, {"s": "0" * 2000})
    whole, is_whole = body_of(begin(server, "format=" + form).rest())
    assert is_whole and whole.count(b"\n") == 4000 + (form == "csv")
    assert whole.count(b"0" * 2000) == whole.count(b"@example.com") == 4000
    reader = begin(server, "format=" + form)
    server.allow_log(r"UM00\d\d: |UM0\d\d\d: |\[dbd|no such table|users")
    server.sql("ALTER TABLE users RENAME TO away")
    part, is_whole = body_of(reader.rest())
    assert not is_whole and len(part) < len(whole) and whole.startswith(part)
    assert re.search(r"UM0049: .*a stream broke off", server.log_text())
    server.sql("ALTER TABLE away RENAME TO users")
    again, is_whole = body_of(begin(server, "format=" + form).rest())
    assert is_whole and again == whole


def test_over_http2_the_stream_is_reset(new_server, tmp_path):
    server = new_server(processes=1, threads=8, modules=["http2"], extra="Protocols h2c http/1.1")
    put_users(server, 4000, {"s": "0" * 2000})
    file = tmp_path / "users.csv"
    command = ["curl", "-sS", "--http2-prior-knowledge", "-u", f"{ADMIN}:{PASSWORD}", "-o", file,
               f"http://127.0.0.1:{server.port}/user-management/users/?format=csv"]
    subprocess.run(command, check=True)
    whole = file.read_bytes()
    assert whole.count(b"\n") == 4001
    file.unlink()
    server.allow_log(r"UM0\d\d\d: |\[dbd|no such table|users")
    # A window of HTTP/2 and the buffers of the server hold less than a tenth of it.
    with subprocess.Popen([*command[:-1], "--limit-rate", "400k", command[-1]],
                          stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: file.exists() and file.stat().st_size > 0, 20, "the first bytes")
        server.sql("ALTER TABLE users RENAME TO away")
        said = process.communicate(timeout=60 * PATIENCE)[1]
    assert process.returncode == 92, said
    assert whole.startswith(file.read_bytes()) and file.stat().st_size < len(whole)
    server.sql("ALTER TABLE away RENAME TO users")


@pytest.mark.database("postgresql", "mariadb")
def test_connections_that_are_killed_in_the_middle(new_server):
    """The rest is read by another connection, or the answer is cut off."""
    server = new_server(processes=1, threads=8)
    put_users(server, 4000, {"s": "0" * 2000})
    whole, _ = body_of(begin(server, "format=csv").rest())
    server.allow_log(r"UM0\d\d\d: |\[dbd|terminat|kill|gone away|Lost")
    for _ in range(3):
        reader = begin(server, "format=csv")
        server.database.engine.kill_connections(server.database.name)
        part, is_whole = body_of(reader.rest())
        assert whole.startswith(part) and is_whole == (part == whole)


# The sanitizers keep what is freed.
@pytest.mark.unsanitized
def test_a_hundred_thousand_users_take_no_memory(new_server):
    server = new_server(processes=1, threads=8)
    put_users(server, 100_000, {"height": 170, "brand": "nike"})
    assert len(server.admin.get("users/?format=csv&limit=1000").raw.splitlines()) == 1001
    before = peak_kib(server)
    for query in ("format=csv", "format=excel&columns=email,height,brand", "format=ndjson"):
        reader = begin(server, query, ["Accept-Encoding: identity"])
        body, is_whole = body_of(reader.rest())
        assert is_whole and body.count(b"\n") == 100_000 + (query != "format=ndjson"), query
        assert all(text in body.splitlines()[-1] for text in (b"@example.com", b"170", b"nike"))
    assert len(body) > 18_000_000
    # A batch of 250 entries, and what the drivers keep: 8 MB of SQLite.
    assert peak_kib(server) - before < 12_000
