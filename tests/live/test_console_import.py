# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Imports in the web console, as a person makes them: see test_console_browser.py. What is read
of a file is in test_console_reader.py."""

import csv
import io
import json
import re

import pytest

import databases
from test_console_browser import BIG, found, one_database, play
from usermgmt_env import ADMIN, SUB_ADMIN

pytestmark = pytest.mark.unsanitized


@pytest.fixture(name="console", scope="module")
def make_console(make_server):
    return make_server(location="UserMgmtConsole On")


def written(server, name, content):
    path = server.directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def users_in_order(server):
    """Without what the server has set."""
    return [{name: value for name, value in user.items()
             if name not in ("user_uid", "role", "created_at", "updated_at")}
            for user in server.admin.get("users/", query={"order_by": "email"}).json["users"]]


ANN = {"email": "ann@example.com", "display_name": "Änn € \"A\" Müller; x",
       "phone": "+49 30 1234", "active": True, "Schuhgrosse": "41"}
BOB = {"email": "bob@example.com", "display_name": "Bob", "active": False,
       "Schuhgrosse": "=2+3\r\nline"}
GERMAN = ("E-Mail;Anzeigename;Telefon;Aktiv;Schuhgröße\r\n"
          'ann@example.com;"Änn € ""A"" Müller; x";+49 30 1234;ja;41\r\n\r\n'
          'bob@example.com;Bob;;nein;"\'=2+3\r\nline"\r\n;;;;\r\n')
COMMAS = GERMAN.replace(";", ",").replace("Müller, x", "Müller; x")
FORMS = {
    "semicolons": "\ufeff".encode() + GERMAN.encode(),
    "commas": COMMAS.replace("\r\n", "\n").replace("\nline", "\r\nline").encode(),
    "tabs": GERMAN.replace(";", "\t").replace("Müller\t x", "Müller; x").encode(),
    "windows-1252": GERMAN.encode("cp1252"),
    "utf-16": GERMAN.encode("utf-16"),
    "no-end": GERMAN.rstrip("\r\n;").encode(),
    "ndjson": "\n".join(json.dumps(user) for user in (ANN, BOB)).encode(),
}


@one_database
def test_an_import_of_each_form(new_server):
    """The first file makes the users, and with each of the others they are as before."""
    server = new_server(location="UserMgmtConsole On")
    files = [written(server, form, content) for form, content in FORMS.items()]
    results = play(server, "importForms", files=files)["results"]
    for form, (guess, done) in zip(FORMS, results):
        targets = [to for _, to in guess]
        assert targets == ["email", "display_name", "phone", "active", "attribute"], form
        assert done == ([2, 0, 0, 0] if form == "semicolons" else [0, 0, 2, 0]), form
    assert len(results) == len(FORMS)
    assert users_in_order(server) == [ANN, BOB]


def test_an_import_with_refused_rows(new_server):
    """The refused rows are downloaded, corrected and imported again, on each database."""
    server = new_server(location="UserMgmtConsole On")
    server.admin.create("there@example.com", "There", age="1")
    lines = ["vorname,nachname,mail,=sum,big,on,data:json,import_error",
             "Ann,Lee,ann@example.com,'=1+1,9007199254740993,TRUE,[1],",
             "Bob,Low,bob,-1,x,no,,",
             '"<b>Cy</b>",,cy@example.com,+2,0.5,false,{bad,',
             'Dan,"D",dan@example.com,@3,12,true',
             'Eve "E",,eve@example.com,,,,,',
             "There,,THERE@example.com,,,,,"]
    file = written(server, "mixed.csv", "\n".join(lines))
    options = {"columns": {"=sum": "attribute"}, "asSuch": ["big", "on"]}
    result = play(server, "importFile", {"checked": lambda: None}, file=file, **options)
    assert result["guess"][-1] == ["import_error", ""]
    assert result["checked"] == result["done"] == [2, 0, 0, 4]
    assert result["focused"] == "Import finished"
    assert [line for line, _ in result["reasons"]] == ["3", "5", "6", "7"]
    assert result["reasons"][0][1] == "Email: An email address is a name, an @ and a domain."
    ann, cy, _ = users_in_order(server)
    assert ann == {"email": "ann@example.com", "display_name": "Ann Lee", "active": True,
                   "sum": "=1+1", "big": BIG, "on": True, "data": [1]}
    assert (cy["display_name"], cy["big"], cy["on"]) == ("<b>Cy</b>", 0.5, False)
    refused = result["refused"]
    assert refused["name"] == "refused.csv" and refused["text"].startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(refused["text"].removeprefix("\ufeff"), newline="")))
    assert rows[0] == ["vorname", "nachname", "mail", "'=sum", "big", "on", "data:json",
                       "import_error"]
    # No cell is a formula, and an import takes the ' away.
    assert rows[1][3] == "'-1" and rows[2][3] == "'@3"
    assert not re.search(r'(^|,|\n)"?[=+\-@]', refused["text"])
    assert all(row[-1] for row in rows)
    corrected = refused["text"].replace('"bob"', '"bob@example.com"')
    result = play(server, "importFile", {"checked": lambda: None}, mode="upsert", **{
        **options, "file": written(server, "corrected.csv", corrected)})
    # Eve's quotes are right in the file that was downloaded.
    assert result["done"] == [2, 1, 0, 1]
    bob = found(server, "bob@example.com")
    assert (bob["sum"], bob["on"], bob["big"]) == ("-1", "no", "x")
    assert found(server, "there@example.com")["display_name"] == "There"
    assert found(server, "there@example.com")["age"] == "1"


@one_database
def test_the_reasons_in_german(new_server):
    server = new_server(location="UserMgmtConsole On")
    file = written(server, "german.csv", "mail,name,telefon,1x\nbob,Bob,,\na@example.com,A,x,1\n")
    reasons = play(server, "importGerman", file=file)["reasons"]
    assert reasons[0] == "E-Mail: Das ist keine gültige E-Mail-Adresse."
    assert reasons[1] == "Telefon: 3 bis 32 Ziffern, Leerzeichen und + - ( ) ."


@one_database
def test_an_import_of_ndjson_keeps_types(new_server):
    server = new_server(location="UserMgmtConsole On")
    lines = ['{"email": "ann@example.com", "display_name": "Ann", "big": 9007199254740993,'
             ' "list": [1, "1", null]}', "not json", "",
             '{"email": "bob@example.com", "display_name": "Bob", "deep": %s}'
             % ("[" * 40 + "]" * 40),
             '{"email": "cy@example.com"}', "[1]"]
    result = play(server, "importFile", {"checked": lambda: None},
                  file=written(server, "users.ndjson", "\n".join(lines)))
    assert result["done"] == [1, 0, 0, 4]
    assert users_in_order(server)[0]["big"] == BIG
    assert users_in_order(server)[0]["list"] == [1, "1", None]
    # A body that can't be read at all is divided until the row is known.
    assert sorted(line for line, _ in result["reasons"]) == ["2", "4", "5", "6"]
    refused = [json.loads(line) for line in result["refused"]["text"].splitlines()]
    assert result["refused"]["name"] == "refused.ndjson"
    assert {one.get("email") or one["line"] for one in refused} \
        == {"not json", "[1]", "bob@example.com", "cy@example.com"}
    assert all(one["import_error"] for one in refused)


@one_database
@pytest.mark.parametrize("scheme, width", [("light", 320), ("dark", 1280)])
def test_an_import_that_can_not_be(console, scheme, width):
    bad = [written(console, "empty.csv", ""), written(console, "array.json", '[{"a": 1}]'),
           written(console, "image.csv", b"\x89PNG\0\0"),
           written(console, "broken.csv", b"\xef\xbb\xbfemail\n\xfc")]
    result = play(console, "importRefused", bad=bad, scheme=scheme, width=width)
    empty, array, image, broken, missing, twice, unnamed = result["said"]
    assert empty.startswith("No columns were found") and image == broken
    assert array and image.startswith("This is not a text")
    assert missing == "Choose the columns for: Email, Name"
    assert twice == unnamed and twice.startswith("Each column must become something else")


@one_database
def test_an_import_by_the_keyboard(new_server):
    server = new_server(location="UserMgmtConsole On")
    file = written(server, "users.csv", "email,name\nann@example.com,Ann\n")
    assert play(server, "importKeyboard", file=file)["done"] == [1, 0, 0, 0]
    assert play(server, "importKeyboard", file=file)["done"] == [0, 0, 1, 0]


def test_an_import_goes_on(new_server, tell):
    """httpd is killed in the middle, the person pauses it and looks at another view, and the
    session ends: each user is there once. SQLite has 100,000 users, of which the page must not
    notice anything; the longest time without a frame is told."""
    count = 100000 if databases.KIND == "sqlite" else 3000
    server = new_server(location="UserMgmtConsole On")
    server.allow_log("AH01617")
    server.allow_log("AH00098: pid file .* overwritten")
    lines = (f"user{number}@example.com;User {number};{number}" for number in range(count))
    file = written(server, "many.csv", "email;name;number\n" + "\n".join(lines))
    result = play(server, "importLost", {
        "kill": server.kill, "start": server.start,
        "end": lambda: server.add_login(ADMIN, "another"),
        "begin": lambda: server.add_login(ADMIN)}, file=file, count=count)
    assert result["done"] == [count, 0, 0, 0]
    assert result["said"].startswith("The server can't be reached.")
    assert result["stays"] and result["asked"] == "beforeunload"
    assert server.admin.get("users/?limit=1").json["query_count"] == count
    stored = server.sql("SELECT COUNT(*), COUNT(DISTINCT email_key) FROM users")
    assert stored == [(count, count)]
    for name, gap in result["gaps"].items():
        tell("import in the browser", databases.KIND, f"longest time without a {name}", f"{gap} ms")
        # A frozen page would have none for the whole import.
        assert gap < 5000


@one_database
def test_an_import_into_a_busy_server(new_server):
    server = new_server(location="UserMgmtConsole On")
    file = written(server, "users.csv", "email,name\nann@example.com,Ann\nbob@example.com,Bob\n")

    def are_made():
        assert len(users_in_order(server)) == 2

    result = play(server, "importBusy", {"200": are_made}, file=file)
    # What passes is tried again with the same key, which gives the answer that was lost; for a
    # failure the person decides.
    assert (result["tries"], result["sent"]) == (5, 1)
    assert result["done"] == [2, 0, 0, 0]
    assert result["stopped"] == [0, 0, 0, 0]
    assert result["unknown"].startswith("The last 2 rows were sent")
    are_made()


@one_database
def test_a_large_body_is_divided(new_server):
    """A site can allow less than 500 users need."""
    server = new_server(location="UserMgmtConsole On\nUserMgmtMaxBody 4096")
    lines = [f"user{number}@example.com,User {number},{'x' * 60}" for number in range(100)]
    lines.append(f"long@example.com,Long,{'x' * 5000}")
    result = play(server, "importFile", {"checked": lambda: None},
                  file=written(server, "large.csv", "\n".join(["email,name,text", *lines])))
    assert result["done"] == [100, 0, 0, 1]
    assert result["reasons"][0][0] == "102"


@one_database
def test_who_may_import(new_server):
    server = new_server(location="UserMgmtConsole On")
    seen = play(server, "sees", login=SUB_ADMIN, path="import", text="Choose a file")
    assert "Import" in seen["links"]
    server = new_server(location="UserMgmtConsole On\nUserMgmtSubAdminAllow users:read")
    seen = play(server, "sees", login=SUB_ADMIN, path="import", text="users:create")
    assert "Import" not in seen["links"]


@one_database
def test_the_policy_allows_one_worker(console):
    assert play(console, "policy")["refused"] == [
        "another policy", "the same name again", "a worker by its text", "markup"]
