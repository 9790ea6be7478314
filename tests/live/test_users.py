# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Users: made, read, changed, deleted, and all that a body may hold."""

import itertools
import json
import re
import time
import urllib.parse

import pytest
from usermgmt_env import Result

ON_OLD_SCHEMA = True

UID = re.compile(r"[0-9A-Za-z]{20}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NUMBERS = itertools.count()


def fresh_email():
    return f"user{next(NUMBERS)}@users.example.com"


@pytest.fixture
def user(admin):
    return admin.create(fresh_email(), "Ann Example", phone="+49 (30) 123-45.6", height=175)


def create_raw(client, members):
    """A user whose further members are this JSON text, as it stands; the
    answer's text of them."""
    email = fresh_email()
    body = f'{{"email":"{email}","display_name":"Raw",{members}}}'
    made = client.post("users/", body).expect(201)
    read = client.get("users/" + made.json["userData"]["user_uid"]).expect(200)
    assert read.raw == made.raw
    text = read.raw.decode()
    return re.search(r'"updated_at":"[^"]*",(.*)\}\}$', text, re.DOTALL).group(1)


# ---- create ----


def test_create_gives_the_user(admin):
    email = fresh_email()
    before = int(time.time() * 1000)
    result = admin.post("users/", {"email": email, "display_name": "  Ann Example ",
                                   "phone": "+1 555 123", "height": 175}).expect(201)
    assert result.headers["Content-Type"] == "application/json"
    assert result.headers["Cache-Control"] == "no-store"
    assert set(result.json) == {"userData"}
    data = result.json["userData"]
    assert UID.fullmatch(data["user_uid"])
    assert result.headers["Location"] == "/user-management/users/" + data["user_uid"]
    assert result.headers["ETag"].startswith('"')
    assert data == {"user_uid": data["user_uid"], "email": email, "display_name": "Ann Example",
                    "phone": "+1 555 123", "role": "user", "active": True,
                    "created_at": data["created_at"],
                    "updated_at": data["created_at"], "height": 175}
    assert list(data) == ["user_uid", "email", "display_name", "phone", "role", "active",
                          "created_at", "updated_at", "height"]
    assert INSTANT.fullmatch(data["created_at"])
    seconds = time.mktime(time.strptime(data["created_at"][:19], "%Y-%m-%dT%H:%M:%S"))
    assert abs((seconds - time.timezone) * 1000 - before) < 60000


def test_what_location_names_can_be_read(admin):
    result = admin.post("users/", {"email": fresh_email(), "display_name": "A"}).expect(201)
    read = admin.send("GET", result.headers["Location"]).expect(200)
    assert read.raw == result.raw
    assert read.headers["ETag"] == result.headers["ETag"]


def test_phone_is_absent_when_not_set(admin):
    assert "phone" not in admin.create(fresh_email())
    assert "phone" not in admin.create(fresh_email(), phone=None)


def test_uids_are_in_the_order_of_creation(admin):
    uids = [admin.create(fresh_email())["user_uid"] for _ in range(8)]
    assert uids == sorted(uids) and len(set(uids)) == 8


@pytest.mark.parametrize("path", ["users/", "users"])
def test_the_last_slash_is_optional(admin, path):
    made = admin.post(path, {"email": fresh_email(), "display_name": "A"}).expect(201)
    uid = made.json["userData"]["user_uid"]
    slash = "/" if path.endswith("/") else ""
    assert admin.get(path, query={"user_uid": uid}).expect(200).json["userData"]["user_uid"] == uid
    assert admin.get("users/" + uid + slash).expect(200).raw == made.raw
    admin.put("users/" + uid + slash, {"brand": "x"}).expect(200)
    admin.delete("users/" + uid + slash).expect(200)
    admin.get("users/" + uid + slash).expect_problem(404, "user_not_found")


# ---- attributes come back as they were sent ----


@pytest.mark.parametrize("members", [
    '"height":175,"weight":68,"age":"23","ycom":0.95,"leg_length":0.91,"shoeSize":"7",'
    '"brand":"Acme","shoeModel":"Runner é","gender":"f"',
    '"n":0', '"n":-1', '"n":9223372036854775807', '"n":-9223372036854775808',
    '"n":9007199254740993',
    '"x":0.1', '"x":0.95', '"x":1.0', '"x":-0.0', '"x":1.7976931348623157e308', '"x":5e-324',
    '"x":0.30000000000000004', '"x":123456789.123', '"x":1e100',
    '"t":true,"f":false',
    '"s":""', '"s":"é"', '"s":"👟🏃🏽\u200d♀️"', '"s":"汉字 עברית"', '"s":"\u2028\u2029"',
    r'"s":"\"\\/"',
    r'"s":"a\nb\tc"',
    '"a":[]', '"o":{}', '"a":[1,"1",1.0,null,true,[],{}]',
    '"o":{"z":1,"a":{"b":[{"c":null}]}}',
    '"B":1,"a":2,"_c":3,"d.e-f_9":4',
    '"A":1,"a":2',
    '"email.verified":true,"user_uid2":"x"',
])
def test_attributes_come_back_as_sent(admin, members):
    assert create_raw(admin, members) == members


@pytest.mark.parametrize("sent, kept", [
    (r'"s":"\u00e9\ud83d\ude00"', '"s":"é😀"'),
    (r'"s":"\/"', '"s":"/"'),
    (' "a" : [ 1 , 2 ] ', '"a":[1,2]'),
    ('"x":0.9500', '"x":0.95'),
    ('"x":1E2', '"x":100.0'),
])
def test_other_spellings_of_the_same_value(admin, sent, kept):
    got = create_raw(admin, sent)
    assert json.loads("{" + got + "}") == json.loads("{" + sent + "}")
    assert got == kept


def test_reals_stay_reals_and_integers_integers(admin):
    got = json.loads("{" + create_raw(admin, '"r":1.0,"e":1e2,"i":1') + "}")
    assert [type(got[name]) for name in "rei"] == [float, float, int]


def test_escaped_controls_survive(admin):
    text = "".join(chr(code) for code in range(1, 32)) + "\x7f\x80"
    user = admin.create(fresh_email(), note=text)
    assert admin.read(user["user_uid"])["note"] == text


@pytest.mark.parametrize("value", [
    "9223372036854775808", "-9223372036854775809", "123456789012345678901234567890",
    "1e400", "-1e400", "1e-400", "[1,{\"x\":1e999}]",
])
def test_numbers_that_no_type_holds_are_refused(admin, value):
    admin.post("users/", f'{{"email":"{fresh_email()}","display_name":"A","x":{value}}}') \
        .expect_problem(400, "number_out_of_range")


@pytest.mark.parametrize("value, code", [
    (rb'"\u0000"', "null_character"),
    (rb'{"a\u0000b":1}', "null_character"),
    (b'"\xff"', "invalid_utf8"),
    (b'"\xc0\x80"', "invalid_utf8"),
    (b'"\xed\xa0\x80"', "invalid_utf8"),
    (b'"\xf4\x90\x80\x80"', "invalid_utf8"),
    (b'"\xe2\x82"', "invalid_utf8"),
])
def test_texts_that_are_none_are_refused(admin, value, code):
    body = b'{"email":"%s","display_name":"A","x":%s}' % (fresh_email().encode(), value)
    admin.post("users/", body).expect_problem(400, code)


@pytest.mark.parametrize("value", [r'"\ud800"', r'"\udc00"', r'"\ud800\u0041"', r'"\udc00\ud800"'])
def test_lone_surrogates_are_refused(admin, value):
    result = admin.post("users/", f'{{"email":"{fresh_email()}","display_name":"A","x":{value}}}')
    result.expect(400)
    assert result.headers["Content-Type"] == "application/problem+json"


def test_nesting_to_the_limit(admin):
    # The body itself is the first level.
    assert create_raw(admin, '"a":' + "[" * 31 + "]" * 31) == '"a":' + "[" * 31 + "]" * 31
    admin.post("users/", f'{{"email":"{fresh_email()}","display_name":"A","a":'
                         + "[" * 32 + "]" * 32 + "}").expect_problem(400, "nesting_too_deep")


@pytest.mark.parametrize("body, line, column", [
    ('{"email":"a@example.com",}', 1, None),
    ('{\n"email":"a@example.com"\n"display_name":"A"}', 3, None),
    ('{"email":', 1, None),
    ("{'email':'a'}", 1, None),
    ('{"email":"a@example.com"} x', 1, None),
    ("", None, None),
    ("[1,", 1, None),
    ('{"a":01}', 1, None),
    ('{"a":NaN}', 1, None),
    ('{"a":1.}', 1, None),
    ('{"a":"\t"}', 1, None),
    ("\ufeff{}", None, None),
])
def test_malformed_json_names_the_place(admin, body, line, column):
    result = admin.post("users/", body)
    if body == "":
        # No body is an empty object.
        result.expect_faults(("email", "required"), ("display_name", "required"))
        return
    problem = result.expect_problem(400, "malformed_json")
    assert re.search(r"line \d+", problem["detail"]), problem
    assert re.search(r"column \d+", problem["detail"]), problem
    if line is not None:
        assert f"line {line}" in problem["detail"]


@pytest.mark.parametrize("body", [
    '{"email":"a@example.com","email":"b@example.com","display_name":"A"}',
    '{"email":"dup@example.com","display_name":"A","x":{"y":1,"y":1}}',
    r'{"email":"dup@example.com","display_name":"A","x":1,"\u0078":2}',
])
def test_duplicate_keys_are_refused(admin, body):
    admin.post("users/", body).expect_problem(400, "duplicate_key")


@pytest.mark.parametrize("body", ["[]", '"x"', "1", "null", "true", "1.5"])
def test_a_body_that_is_no_object(admin, body):
    admin.post("users/", body).expect_faults(("body", "invalid_type"))
    admin.put("users/", body).expect_faults(("body", "invalid_type"))
    admin.delete("users/", body).expect_faults(("body", "invalid_type"))


# ---- the rules of the members ----


def fault_fields(result):
    return sorted(fault["field"] for fault in
                  result.expect_problem(400, "validation_failed")["errors"])


@pytest.mark.parametrize("email", [
    "a@b.co", "a.b+c@example.com", "o'neil@example.com", "ümläut@exämple.de", "用户@例子.广告",
    "A" * 64 + "@example.com", "x@" + ".".join(["a" * 60] * 3) + ".com", "a!#$%&*/=?^_`{|}~-@x.org",
])
def test_good_addresses(admin, email):
    user = admin.create(email)
    assert admin.read(user["user_uid"])["email"] == email
    admin.delete("users/" + user["user_uid"]).expect(200)


@pytest.mark.parametrize("email", [
    "", "a", "@", "a@", "@example.com", "a@b@example.com", "a b@example.com", " a@example.com",
    "a@example.com ", "a@exa mple.com", "a@example.com\n", "a\u0007@example.com", "a@.com",
    "a@example..com", ".a@example.com", "a.@example.com", "a..b@example.com",
    "A" * 65 + "@example.com", "é" * 33 + "@example.com",
    "x@" + ".".join(["a" * 60] * 4) + ".example.com", "a@-example.com",
    "a\u00a0b@example.com", "a\u2028@example.com", "<a@example.com>", "a@example.com, b@example.com",
])
def test_bad_addresses(admin, email):
    assert fault_fields(admin.post("users/", {"email": email, "display_name": "A"})) == ["email"]


@pytest.mark.parametrize("name", ["A", "x" * 256, "é" * 256, "😀" * 256, "Zoë O'Neil-Smith, Jr.",
                                  "李小龍", "a  b", "<b>&amp;\"'"])
def test_good_names(admin, name):
    user = admin.create(fresh_email(), name)
    assert admin.read(user["user_uid"])["display_name"] == name


@pytest.mark.parametrize("name", ["", " ", "\u00a0\u2003", "x" * 257, "a\nb", "a\u0001b",
                                  "a\u007fb", "a\u0085b"])
def test_bad_names(admin, name):
    assert fault_fields(admin.post("users/", {"email": fresh_email(), "display_name": name})) \
        == ["display_name"]


@pytest.mark.parametrize("name, kept", [("  A B  ", "A B"), ("\u00a0A\u3000", "A"),
                                        ("\n\tA\r", "A"), (" " * 300 + "A", "A")])
def test_names_are_trimmed(admin, name, kept):
    assert admin.create(fresh_email(), name)["display_name"] == kept


@pytest.mark.parametrize("phone", ["123", "+49 (0)30 - 1", "1" * 32, "(1)2.3"])
def test_good_phones(admin, phone):
    assert admin.create(fresh_email(), phone=phone)["phone"] == phone


@pytest.mark.parametrize("phone", ["", "12", "1" * 33, "12a", "１２３", "1;2;3", "123\n"])
def test_bad_phones(admin, phone):
    assert fault_fields(admin.post("users/", {"email": fresh_email(), "display_name": "A",
                                              "phone": phone})) == ["phone"]


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}, ["a@example.com"]])
def test_members_of_wrong_types(admin, value):
    body = {"email": value, "display_name": value, "phone": value}
    expected = [(name, "invalid_type") for name in body]
    admin.post("users/", body).expect_faults(*expected)
    uid = admin.create(fresh_email())["user_uid"]
    admin.put("users/" + uid, body).expect_faults(*expected)


@pytest.mark.parametrize("name", ["a", "_", "Z9", "a" * 64, "a.b-c_d", "__proto__", "constructor"])
def test_good_attribute_names(admin, name):
    assert admin.create(fresh_email(), **{name: 1})[name] == 1


@pytest.mark.parametrize("name", ["", "9a", "-a", ".a", "a b", "a" * 65, "é", "a/b", "a$", "a\n"])
def test_bad_attribute_names(admin, name):
    body = {"email": fresh_email(), "display_name": "A", name: 1}
    assert fault_fields(admin.post("users/", body)) == [name]


def test_as_many_attributes_as_may_be(admin):
    many = {f"a{number}": number for number in range(64)}
    user = admin.create(fresh_email(), **many)
    body = {"email": fresh_email(), "display_name": "A", **many, "one_more": 1}
    admin.post("users/", body).expect_faults(("attributes", "too_many_attributes"))
    path = "users/" + user["user_uid"]
    admin.put(path, {"one_more": 1}).expect_faults(("attributes", "too_many_attributes"))
    admin.put(path, {"one_more": 1, "a0": None}).expect(200)
    read = admin.read(user["user_uid"])
    assert read["one_more"] == 1 and "a0" not in read


def test_as_large_attributes_as_may_be(admin):
    # {"s":"…"} is 8 bytes longer than the text.
    user = admin.create(fresh_email(), s="x" * (16384 - 8))
    assert len(admin.read(user["user_uid"])["s"]) == 16376
    path = "users/" + user["user_uid"]
    admin.put(path, {"s": "x" * 16377}).expect_faults(("attributes", "attributes_too_large"))
    admin.put(path, {"t": 1}).expect_faults(("attributes", "attributes_too_large"))
    admin.post("users/", {"email": fresh_email(), "display_name": "A", "s": "x" * 16377}) \
        .expect_faults(("attributes", "attributes_too_large"))
    admin.put(path, {"s": "é" * 8188}).expect(200)


def test_all_that_is_wrong_is_told_at_once(admin):
    result = admin.ask("POST", "users/", {
        "user_uid": "x", "email": 1, "phone": 2, "role": "user", "created_at": "x",
        "updated_at": 1,
    }, query={"unknown": "1"})
    result.expect_faults(("unknown", "unknown_parameter"), ("user_uid", "read_only"),
                         ("email", "invalid_type"), ("display_name", "required"),
                         ("phone", "invalid_type"), ("role", "read_only"),
                         ("created_at", "read_only"), ("updated_at", "read_only"))
    fields = fault_fields(admin.post("users/", {"email": "x", "display_name": "", "phone": "x",
                                                "9": 1, "a b": 2}))
    assert fields == ["9", "a b", "display_name", "email", "phone"]


def test_all_that_is_wrong_with_an_update_is_told_at_once(admin, user):
    target = f"{admin.base}/users/{user['user_uid']}"
    wrong = {"email": "bad", "phone": "x", "role": "admin", "created_at": 5}
    faults = [("email", "invalid_email"), ("phone", "invalid_phone"), ("role", "read_only"),
              ("created_at", "read_only")]
    admin.send("PATCH", target, wrong).expect_faults(*faults)
    more = {"user_uid": 1, "updated_at": "yesterday", "big": "x" * 16384}
    admin.send("PUT", target + "?a=1&b=%&%00=2", {**wrong, **more}).expect_faults(
        *faults, ("user_uid", "invalid_type"), ("updated_at", "read_only"),
        ("attributes", "attributes_too_large"), ("a", "unknown_parameter"),
        ("b", "invalid_value"), ("%00", "invalid_value"))
    assert admin.read(user["user_uid"]) == user


def test_read_only_members_on_create(admin):
    for name in ("user_uid", "role", "created_at", "updated_at"):
        body = {"email": fresh_email(), "display_name": "A", name: "x"}
        admin.post("users/", body).expect_faults((name, "read_only"))
        # A null is none.
        made = admin.post("users/", {**body, name: None}).expect(201)
        admin.delete("users/" + made.json["userData"]["user_uid"]).expect(200)


def test_an_address_is_there_once(admin, user):
    local, domain = user["email"].split("@")
    for email in (user["email"], user["email"].upper(), local + "@" + domain.title(),
                  local + "@" + "".join(chr(ord(c) + 0xFEE0) if c.isalpha() else c
                                        for c in domain)):
        problem = admin.post("users/", {"email": email, "display_name": "B"}) \
            .expect_problem(409, "email_exists")
        assert user["user_uid"] not in json.dumps(problem)
    other = admin.create(fresh_email())
    admin.put("users/" + other["user_uid"], {"email": user["email"].upper()}) \
        .expect_problem(409, "email_exists")
    # One's own address in another spelling is none of another.
    admin.put("users/" + user["user_uid"], {"email": user["email"].upper()}).expect(200)
    assert admin.read(user["user_uid"])["email"] == user["email"].upper()


@pytest.mark.new_schema
def test_an_address_is_no_other_users_name(server, admin, user):
    """The name by which an identity provider knows a user counts as an address that is taken."""
    taken = fresh_email()
    server.sql("UPDATE users SET user_name = ?, user_name_key = ? WHERE user_uid = ?",
               taken.upper(), taken, user["user_uid"])
    admin.post("users/", {"email": taken.title(), "display_name": "B"}) \
        .expect_problem(409, "user_name_taken")
    admin.post("users/", {"email": user["email"], "display_name": "B"}) \
        .expect_problem(409, "email_exists")
    other = admin.create(fresh_email())
    admin.put("users/" + other["user_uid"], {"email": taken}) \
        .expect_problem(409, "user_name_taken")
    # A change of the email leaves the name as it is, until they are the same.
    moved = fresh_email()
    admin.put("users/" + user["user_uid"], {"email": moved, "display_name": "C"}).expect(200)
    assert server.sql("SELECT user_name, user_name_key FROM users WHERE user_uid = ?",
                      user["user_uid"]) == [(taken.upper(), taken)]
    admin.put("users/" + user["user_uid"], {"email": taken}).expect(200)
    assert server.sql("SELECT user_name, user_name_key FROM users WHERE user_uid = ?",
                      user["user_uid"]) == [(None, None)]
    admin.put("users/" + user["user_uid"], {"email": moved}).expect(200)
    admin.put("users/" + other["user_uid"], {"email": taken}).expect(200)


def test_an_address_is_free_after_deletion(admin, user):
    admin.delete("users/" + user["user_uid"]).expect(200)
    again = admin.create(user["email"])
    assert again["user_uid"] != user["user_uid"]


# ---- read ----


def test_read_by_path_and_by_parameter(admin, user):
    by_path = admin.get("users/" + user["user_uid"]).expect(200)
    by_parameter = admin.get("users/", query={"user_uid": user["user_uid"]}).expect(200)
    assert by_path.raw == by_parameter.raw
    assert by_path.json == {"userData": user}
    assert by_path.headers["ETag"] == by_parameter.headers["ETag"]


def test_read_what_is_not_there(admin, user):
    for uid in ("0" * 20, user["user_uid"][:-1], user["user_uid"] + "x",
                user["user_uid"].swapcase(), "x" * 128, "a-b_c"):
        admin.get("users/" + uid).expect_problem(404, "user_not_found")
        admin.get("users/", query={"user_uid": uid}).expect_problem(404, "user_not_found")
    for odd in ("%C3%A9", "a%20b", "x" * 129, "%27", "a%3Bb"):
        admin.get("users/" + odd).expect_problem(404, "user_not_found")
    admin.get("users/", query={"user_uid": "a b"}).expect_faults(("user_uid", "invalid_value"))
    admin.get("users/", query={"user_uid": ""}).expect_faults(("user_uid", "invalid_value"))


def test_a_uid_goes_with_no_other_parameter(admin, user):
    admin.get("users/", query={"user_uid": user["user_uid"], "limit": "1"}) \
        .expect_faults(("user_uid", "invalid_value"))


def test_one_user_takes_no_parameters(admin, user):
    admin.get("users/" + user["user_uid"], query={"limit": "5"}) \
        .expect_faults(("limit", "unknown_parameter"))
    admin.put("users/" + user["user_uid"], {"a": 1}, query={"x": "5"}) \
        .expect_faults(("x", "unknown_parameter"))
    admin.delete("users/" + user["user_uid"], query={"x": ""}) \
        .expect_faults(("x", "unknown_parameter"))


# ---- update ----


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("in_path, in_body", [(True, False), (False, True), (True, True)])
def test_update_in_every_form(admin, user, method, in_path, in_body):
    body = {"display_name": "Ben", "weight": 68}
    if in_body:
        body["user_uid"] = user["user_uid"]
    result = admin.ask(method, "users/" + (user["user_uid"] if in_path else ""), body).expect(200)
    read = admin.get("users/" + user["user_uid"]).expect(200)
    assert list(result.json) == ["message", "userData"]
    assert result.json["message"] == "User information updated successfully."
    assert result.raw.endswith(read.raw.removeprefix(b"{"))
    data = read.json["userData"]
    assert data == {**user, "display_name": "Ben", "weight": 68,
                    "updated_at": data["updated_at"]}
    assert data["updated_at"] >= user["updated_at"]
    assert result.headers["ETag"] == read.headers["ETag"]


def test_an_update_of_nothing_answers_with_the_user(admin, user):
    result = admin.put("users/" + user["user_uid"], {}).expect(200)
    assert result.json["userData"] == user == admin.read(user["user_uid"])


def test_what_is_not_named_stays_and_null_removes(admin, user):
    path = "users/" + user["user_uid"]
    admin.put(path, {"a": 1, "b": {"c": 2}, "d": [1]}).expect(200)
    admin.put(path, {"b": {"e": 3}, "a": None, "never_there": None}).expect(200)
    data = admin.read(user["user_uid"])
    assert data["b"] == {"e": 3} and data["d"] == [1] and data["height"] == 175
    assert "a" not in data and "never_there" not in data
    assert data["phone"] == user["phone"]
    admin.put(path, {"phone": None}).expect(200)
    assert "phone" not in admin.read(user["user_uid"])
    admin.put(path, {"phone": "999"}).expect(200)
    assert admin.read(user["user_uid"])["phone"] == "999"


def test_a_null_deep_down_is_a_value(admin, user):
    admin.put("users/" + user["user_uid"], {"o": {"x": None}, "l": [None]}).expect(200)
    data = admin.read(user["user_uid"])
    assert data["o"] == {"x": None} and data["l"] == [None]


def test_a_null_attribute_on_create_is_none(admin):
    assert "a" not in admin.create(fresh_email(), a=None)


def test_email_and_name_cannot_be_removed(admin, user):
    admin.put("users/" + user["user_uid"], {"email": None, "display_name": None}) \
        .expect_faults(("email", "required"), ("display_name", "required"))


def test_get_edit_put(admin, user):
    data = admin.read(user["user_uid"])
    data["display_name"] = "Edited"
    data["height"] = 180
    admin.put("users/" + user["user_uid"], data).expect(200)
    edited = admin.read(user["user_uid"])
    assert edited == {**data, "updated_at": edited["updated_at"]}
    admin.put("users/", edited).expect(200)
    assert admin.read(user["user_uid"]) == edited


@pytest.mark.parametrize("name, value", [
    ("role", "sub_admin"), ("role", 1), ("role", ""), ("created_at", "2024-12-02T19:17:30.371Z"),
    ("updated_at", "2024-12-02T19:17:30.371Z"), ("created_at", []), ("updated_at", 5),
])
def test_read_only_members_that_differ(admin, user, name, value):
    admin.put("users/" + user["user_uid"], {name: value, "brand": "x"}) \
        .expect_faults((name, "read_only"))
    assert admin.read(user["user_uid"]) == user


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_null_for_a_read_only_member_is_as_if_it_was_absent(admin, user, method):
    nulls = dict.fromkeys(("user_uid", "role", "created_at", "updated_at", "active"))
    result = admin.ask(method, "users/" + user["user_uid"], nulls).expect(200)
    assert result.json["userData"] == user
    admin.ask(method, "users/" + user["user_uid"], {**nulls, "height": 181}).expect(200)
    changed = admin.read(user["user_uid"])
    assert changed == {**user, "height": 181, "updated_at": changed["updated_at"]}
    admin.ask(method, "users/", {**nulls, "height": 182}) \
        .expect_faults(("user_uid", "required"))


def test_the_uid_cannot_be_changed(admin, user):
    other = admin.create(fresh_email())
    admin.put("users/" + user["user_uid"], {"user_uid": other["user_uid"]}) \
        .expect_faults(("user_uid", "read_only"))
    admin.delete("users/" + user["user_uid"], {"user_uid": other["user_uid"]}) \
        .expect_faults(("user_uid", "read_only"))
    admin.read(user["user_uid"])
    admin.read(other["user_uid"])


def test_an_update_that_changes_nothing(admin, server, user):
    path = "users/" + user["user_uid"]
    before = admin.get(path)
    events = server.sql("SELECT COUNT(*) FROM audit_events")
    for body in ({}, {"height": 175}, user, {"display_name": " Ann Example "}, {"x": None},
                 {"phone": user["phone"]}):
        result = admin.put(path, body).expect(200)
        assert result.headers["ETag"] == before.headers["ETag"]
    after = admin.get(path)
    assert after.raw == before.raw
    assert after.headers["ETag"] == before.headers["ETag"]
    assert server.sql("SELECT COUNT(*) FROM audit_events") == events


def test_an_integer_and_a_real_differ(admin, user):
    path = "users/" + user["user_uid"]
    before = admin.get(path).headers["ETag"]
    admin.put(path, '{"height":175.0}').expect(200)
    after = admin.get(path)
    assert '"height":175.0' in after.raw.decode()
    assert after.headers["ETag"] != before


def test_every_update_gives_another_etag(admin, user):
    path = "users/" + user["user_uid"]
    tags = {admin.put(path, {"n": number}).expect(200).headers["ETag"] for number in range(20)}
    assert len(tags) == 20


def test_update_what_is_not_there(admin):
    admin.put("users/" + "0" * 20, {"a": 1}).expect_problem(404, "user_not_found")
    admin.put("users/", {"user_uid": "0" * 20}).expect_problem(404, "user_not_found")
    admin.put("users/", {"a": 1}).expect_faults(("user_uid", "required"))
    admin.put("users/", {"user_uid": 5}).expect_faults(("user_uid", "invalid_type"))
    assert fault_fields(admin.put("users/", {"user_uid": "a b"})) == ["user_uid"]
    assert fault_fields(admin.put("users/", {"user_uid": ""})) == ["user_uid"]


def test_a_refused_update_changes_nothing(admin, user):
    admin.put("users/" + user["user_uid"], {"display_name": "New", "phone": "x"}) \
        .expect_problem(400, "validation_failed")
    assert admin.read(user["user_uid"]) == user


# ---- delete ----


@pytest.mark.parametrize("in_path", [True, False])
def test_delete(admin, user, in_path):
    uid = user["user_uid"]
    result = admin.delete("users/" + (uid if in_path else ""),
                          None if in_path else {"user_uid": uid}).expect(200)
    assert result.json == {"message": "User deleted successfully."}
    admin.get("users/" + uid).expect_problem(404, "user_not_found")
    admin.put("users/" + uid, {"a": 1}).expect_problem(404, "user_not_found")
    admin.delete("users/" + uid).expect_problem(404, "user_not_found")
    assert all(each["user_uid"] != uid for each in admin.everyone())


def test_delete_with_the_uid_in_both(admin, user):
    admin.delete("users/" + user["user_uid"], {"user_uid": user["user_uid"]}).expect(200)


def test_delete_needs_one_uid_and_nothing_else(admin, user):
    admin.delete("users/").expect_faults(("user_uid", "required"))
    admin.delete("users/", {"user_uid": user["user_uid"], "email": "x"}) \
        .expect_faults(("email", "unknown_member"))
    admin.delete("users/", {"user_uid": [user["user_uid"]]}) \
        .expect_faults(("user_uid", "invalid_type"))
    admin.read(user["user_uid"])


# ---- methods ----


@pytest.mark.parametrize("path, allow", [
    ("users/", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}),
    ("users/" + "0" * 20, {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
    ("sub-admins/", {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}),
    ("sub-admins/" + "0" * 20, {"GET", "HEAD", "DELETE", "OPTIONS"}),
    ("organization-status/", {"GET", "HEAD", "OPTIONS"}),
])
def test_options_and_405_tell_the_truth(admin, path, allow):
    def names(result: Result):
        return {name.strip() for name in result.headers["Allow"].split(",")}

    result = admin.ask("OPTIONS", path).expect(204)
    assert names(result) == allow and result.raw == b""
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "MKCOL", "PROPFIND", "FOO"):
        answer = admin.ask(method, path)
        assert (answer.status == 405) == (method not in allow), (method, answer)
        if answer.status == 405:
            assert names(answer) == allow
            if method != "HEAD":
                answer.expect_problem(405, "method_not_allowed")


@pytest.mark.parametrize("path", ["nothing", "users/a/b", "users/a/b/", "userss/", "user",
                                  "Users/", "users//", "organization-status/x", "sub-admins/a/b",
                                  "index.html"])
def test_paths_that_do_not_exist(admin, path):
    for method in ("GET", "POST", "OPTIONS", "DELETE"):
        if path == "users//":  # httpd merges slashes
            continue
        admin.ask(method, path).expect_problem(404, "not_found")


def test_the_base_with_and_without_a_slash(admin):
    """It is the index, whose links are relative."""
    for url in ("/user-management", "/user-management/"):
        links = admin.send("GET", url).expect(200).json["links"]
        assert urllib.parse.urljoin(url, links["users"]) == "/user-management/users/"
    admin.send("POST", "/user-management").expect_problem(405, "method_not_allowed")


@pytest.mark.parametrize("path", ["users/", "users/{uid}", "users/?user_uid={uid}",
                                  "sub-admins/", "organization-status/", "users/nobody", "x"])
def test_head_is_get_without_the_body(admin, user, path):
    path = path.format(uid=user["user_uid"])
    get = admin.ask("GET", path)
    head = admin.ask("HEAD", path)
    assert head.status == get.status and head.raw == b""
    for result in (get, head):
        del result.headers["Date"], result.headers["Request-Id"]
    assert sorted(head.headers.items()) == sorted(get.headers.items())


def test_the_role_member_says_who_is_a_sub_admin(admin, user):
    uid = user["user_uid"]
    etag = admin.get("users/" + uid).headers["ETag"]
    admin.post("sub-admins/", {"user_uid": uid}).expect(201)
    read = admin.get("users/" + uid)
    assert read.json["userData"]["role"] == "sub_admin"
    assert read.headers["ETag"] != etag
    admin.put("users/" + uid, read.json["userData"]).expect(200)
    assert [each["role"] for each in admin.everyone(email=user["email"])] == ["sub_admin"]
    admin.delete("sub-admins/" + uid).expect(200)
    assert admin.read(uid)["role"] == "user"


@pytest.mark.parametrize("name, code", [
    ("displayName", "did_you_mean"), ("e-mail", "did_you_mean"), ("Created_At", "did_you_mean"),
    ("password", "reserved_name"), ("id", "reserved_name"), ("userData", "reserved_name"),
])
def test_names_that_no_attribute_has(admin, user, name, code):
    """They are refused before a password lies in a list, or a name in the wrong place."""
    for result in (admin.post("users/", {"email": "n@users.example.com", "display_name": "N",
                                         name: "secret"}),
                   admin.ask("PATCH", "users/" + user["user_uid"], {name: "secret"})):
        result.expect_problem(400, "validation_failed")
        assert [(fault["field"], fault["code"]) for fault in result.json["errors"]] \
            == [(name, code)]
        assert "secret" not in result.raw.decode()
    assert admin.read(user["user_uid"]) == user


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_an_attribute_whose_name_was_reserved_later_can_be_removed(server, admin, method):
    user = admin.create(fresh_email(), height=175)
    path = "users/" + user["user_uid"]
    server.sql("UPDATE users SET attributes = ? WHERE user_uid = ?",
               '{"password":"x","isSuspended":true,"height":175,"Phone":"1"}', user["user_uid"])
    admin.ask(method, path, {"password": "y", "Phone": None}) \
        .expect_faults(("password", "reserved_name"))
    changed = admin.ask(method, path, {"password": None, "isSuspended": None}).expect(200).json
    assert changed["userData"] == {**user, "Phone": "1",
                                   "updated_at": changed["userData"]["updated_at"]}
    # The name of one that is not there may be a mistake, and is told.
    admin.ask(method, path, {"password": None, "Phone": None, "displayName": None}) \
        .expect_faults(("password", "reserved_name"), ("displayName", "did_you_mean"))
    assert admin.ask(method, path, {"Phone": None}).expect(200).json["userData"] == {
        **user, "updated_at": admin.read(user["user_uid"])["updated_at"]}


def test_one_user_as_a_line(admin, user):
    """Where ndjson is asked for, the single user comes as a stream of one."""
    query = {"user_uid": user["user_uid"]}
    line = admin.get("users/", query=query, headers={"Accept": "application/x-ndjson"}).expect(200)
    assert line.headers["Content-Type"] == "application/x-ndjson"
    assert "ETag" not in line.headers and line.headers["Vary"] == "Accept"
    assert line.raw.endswith(b"}\n") and line.raw.count(b"\n") == 1
    assert json.loads(line.raw) == user
    plain = admin.get("users/", query=query).expect(200)
    assert plain.json == {"userData": user} and plain.headers["Vary"] == "Accept"
    admin.get("users/", query={"user_uid": "nobody"}, headers={"Accept": "application/x-ndjson"}) \
        .expect_problem(404, "user_not_found")


def test_a_plus_that_came_as_a_blank(admin):
    email = "tag+one@users.example.com"
    made = admin.create(email)
    assert [one["user_uid"] for one in admin.everyone(email=email)] == [made["user_uid"]]
    problem = admin.ask("GET", "users/?email=" + email).expect_problem(400, "validation_failed")
    assert [(fault["field"], fault["in"], fault["code"]) for fault in problem["errors"]] \
        == [("email", "query", "invalid_value")]
    assert "%2B" in problem["errors"][0]["detail"]
    admin.delete("users/" + made["user_uid"]).expect(200)


def test_where_a_fault_stands(admin):
    body = admin.post("users/", {"email": "x"}, headers={"Idempotency-Key": "\t"})
    assert {(fault["field"], fault["in"]) for fault in
            body.expect_problem(400, "validation_failed")["errors"]} \
        == {("email", "body"), ("display_name", "body"), ("Idempotency-Key", "header")}
    query = admin.get("users/", query={"limit": 0, "nothing": 1})
    assert {(fault["field"], fault["in"]) for fault in
            query.expect_problem(400, "validation_failed")["errors"]} \
        == {("limit", "query"), ("nothing", "query")}
