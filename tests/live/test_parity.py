# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The same requests to all three databases: status, headers and bodies are the same,
byte for byte. What a server makes by itself (keys, secrets, times, ETags, its port)
is called by the order in which it first appears, so that one in the place of another
is a difference too.

It runs once, with SQLite's other tests, as it has the other two run beside.
"""

import difflib
import json
import re
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

import databases
from routes import METHODS, PATHS
from test_usermgmtctl import DatabaseOf
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN

pytestmark = [pytest.mark.database("sqlite"), pytest.mark.unsanitized]

NDJSON = {"Accept": "application/x-ndjson"}
JSON_TYPE = {"Content-Type": "application/json"}
LOCATIONS = """
    <Location "/teams">
        SetHandler usermgmt
        @AUTH@
        Require valid-user
        UserMgmtAdmin user admin@example.com
        UserMgmtOrganization "%{HTTP:X-Team}"
        UserMgmtAutoOrganization On
    </Location>
    <Location "/closed">
        SetHandler usermgmt
        @AUTH@
        Require valid-user
        UserMgmtAdmin user admin@example.com
        UserMgmtOrganization "%{HTTP:X-Team}"
    </Location>
    <Location "/short">
        SetHandler usermgmt
        @AUTH@
        Require valid-user
        UserMgmtAdmin user admin@example.com
        UserMgmtInvitationTTL 100ms
    </Location>
"""
ACCEPTERS = ["eve@example.com", "Fay@Example.com", "guy@example.com"]


# ---- what is recorded ----


# Of an audit event or a problem.
REQUEST_ID = re.compile(r'(?<="request_id":")[^"]+')


class Names:
    """Names for what a server makes by itself."""

    UID = r"(?<![\w-])(?=\d+[A-Za-z])(?:[0-9A-Za-z]{19,21}|[0-9A-Za-z]{12})"
    KINDS = (("cursor", r"~[A-Za-z0-9_-]{40,}"), ("secret", r"(?<![\w-])[\w-]{43}(?![\w-])"),
             ("api_key", r"\bumk_[0-9A-Za-z]{50}\b"), ("key", UID + r"(?![\w-])"),
             # The neighbour of a key, as cursors of empty pages have it.
             ("higher", UID + r"-(?![\w-])"),
             ("lower", r"(?<![\w-])(?=\d+[A-Za-z])[0-9A-Za-z]{11,20}[\w-]z{100,}(?![\w-])"),
             ("time", r"\d{4}-\d\d-\d\dT\d\d(?::|%3A)\d\d(?::|%3A)\d\d\.\d{3,4}Z"),
             ("day", r"(?<=\"date\":\")\d{4}-\d\d-\d\d(?=\")"),
             ("version", r"(?<=\d-)[0-9a-f]{11}(?=-[us]\")"),
             ("page", r"(?<=\")[0-9a-f]{11,16}(?=\")"))
    PATTERN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS), re.ASCII)
    NEAR = timedelta(days=30)

    def __init__(self, port):
        self.port = port
        self.known = {}

    def _name(self, match):
        kind, text = match.lastgroup, match[0]
        if kind == "time":
            text = text.replace("%3A", ":")
            at = datetime.fromisoformat(text[:-1] + "+00:00")
            if abs(at - datetime.now(timezone.utc)) > self.NEAR:
                return match[0]
        return self.known.setdefault((kind, text), f"<{kind} {len(self.known)}>")

    def mask(self, text):
        return self.PATTERN.sub(self._name, text.replace(f":{self.port}", ":PORT"))


class Recorder:
    """Asks one server and keeps what it said."""

    def __init__(self, server):
        self.server = server
        self.names = Names(server.port)
        self.clients = {}
        self.said = []

    def ask(self, method, path, body=None, *, login=ADMIN, base=None, **options):
        if (login, base) not in self.clients:
            self.clients[login, base] = self.server.client(login, base=base)
        return self.keep(f"{method} {base or ''}/{path} {options or ''} {body!r}"[:2000],
                         self.clients[login, base].ask(method, path, body, **options))

    def follow(self, result, relation):
        return self.keep(f"the {relation} of the last",
                         self.clients[ADMIN, None].follow(result, relation))

    def run_tool(self, *arguments, stdin=""):
        """usermgmtctl."""
        done = DatabaseOf(self.server).run(*arguments, stdin=stdin.encode())
        said = re.sub(r"\d+\.\d s$", "TIME", done.err, flags=re.MULTILINE)
        self.said.append(self.names.mask(f"{arguments}\n{done.code}\n{done.out}\n{said}"))
        return done

    def keep(self, what, result):
        headers = "".join(f"{name}: {value}\n" for name, value in result.headers.items()
                          if name not in ("Date", "Request-Id"))
        self.said.append(self.names.mask(f"{what}\n{result.status}\n{headers}\n"
                                         + REQUEST_ID.sub("ID", result.raw.decode("latin-1"))))
        # Each change has a millisecond of its own.
        time.sleep(0.002)
        return result

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def patch(self, path, body=None, **options):
        return self.ask("PATCH", path, body, **options)

    def delete(self, path, body=None, **options):
        return self.ask("DELETE", path, body, **options)

    def list(self, path, query=None, **options):
        return self.get(path, query=query, **options)


def quote(text):
    return urllib.parse.quote(text, safe="")


# ---- what is asked ----

NAMES = ["anna", "Anna", "ANNA", "Ånna", "A\u030anna", "ánna", "àNNA", "änna", "Änna", "Zoë",
         "zoe", "Straße", "STRASSE", "strasse", "STRAẞE", "İstanbul", "istanbul", "ISTANBUL",
         "ıstanbul", "i\u0307stanbul", "ﬁn", "fin", "FIN", "ﬀ", "ff", "Σίσυφος", "σίσυφοσ",
         "ΣΊΣΥΦΟΣ", "Ｆｕｌｌ", "full", "Ⅷ", "viii", "①", "1", "²", "½", "K", "\u212aelvin",
         "汉字", "漢字", "カ", "ｶ", "か\u3099", "が", "한글", "\u1112\u1161\u11ab", "😀", "😀 a",
         "👩\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "\U0001f1e9\U0001f1ea", "\ufffd", "\uffee",
         "\uff5e", "\U0010fffd", "\U00020000", "\ue000", "a\u0301\u0316", "a\u0316\u0301",
         "a'b", 'a"b', "a\\b", "a%b", "a_b", "a b", "a  b", "a;b", "a--b", "a/*b", "$1", "?", "%s",
         "a.b", "a-b", "a\u00adb", "ab", "a\u200bb", "\u0430nna", "ω", "Ω", "\u2126", "ǆ", "ǅ",
         "Ǆ", "~", "zz", "\u00a0x\u00a0y", "ﷺ", "x" * 256, "é" * 256, "😀" * 256, "x" * 255 + "y"]

EMAILS = ["a@example.com", "A+tag@example.com", "a.b@example.com", "ünï@example.com",
          "ÜNÏ2@example.com", "straße@example.com", "用户@例子.公司", "😀@example.com",
          "o'neil@example.com", "x%y@example.com", "x_y@example.com", "a-b@example.com",
          "user@xn--bcher-kva.example", "user2@bücher.example", "user@localhost",
          "l" * 64 + "@example.com", "e@" + ".".join(["d" * 60] * 4)[:240] + ".com"]

TAKEN = ["A@EXAMPLE.com", "ÜNÏ@example.com", "STRAẞE@example.com", "user@BÜCHER.example",
         "user2@xn--bcher-kva.example", "a@ｅxample.com"]

NO_ADDRESSES = ["u\u0308nï@example.com", "ａ@example.com", "a\u200bb@example.com",
                "user@[192.0.2.1]", "a@b_c.example", "a@a\uff1eb.example", "a@b..c"]

BAD_BODIES = ["", "{", "[]", "null", "1", '"x"', "{}", '{"a":}', '{"a":1,}', '{"a":1}x', "\ufeff{}",
              '{"email":1}', '{"email":null}', '{"email":"x"}', '{"email":"a@b"}',
              '{"email":"a@example.com","email":"b@example.com"}',
              '{"email":"new@example.com"}', '{"display_name":"x"}',
              '{"email":"new@example.com","display_name":""}',
              '{"email":"new@example.com","display_name":"  "}',
              '{"email":"new@example.com","display_name":"a\\u0000b"}',
              '{"email":"new@example.com","display_name":"a\\u0001b"}',
              '{"email":"new@example.com","display_name":"a\\ud800b"}',
              '{"email":"new@example.com","display_name":"x","phone":"12"}',
              '{"email":"new@example.com","display_name":"x","phone":"+49 x"}',
              '{"email":"new@example.com","display_name":"x","phone":5}',
              '{"email":"new@example.com","display_name":"x","user_uid":"abc"}',
              '{"email":"new@example.com","display_name":"x","role":"user"}',
              '{"email":"new@example.com","display_name":"x","created_at":"now"}',
              '{"email":"new@example.com","display_name":"x","1a":1}',
              '{"email":"new@example.com","display_name":"x","é":1}',
              '{"email":"new@example.com","display_name":"x","n":18446744073709551616}',
              '{"email":"new@example.com","display_name":"x","n":1e400}',
              '{"email":"new@example.com","display_name":"x","n":' + 33 * "[" + 33 * "]" + "}",
              '{"email":"new@example.com","display_name":"' + 257 * "é" + '"}',
              '{"email":"' + 65 * "a" + '@example.com","display_name":"x"}',
              '{"email":"' + "a@" + "d" * 250 + '.com","display_name":"x"}',
              '{"email":"new@example.com","display_name":"x","big":"' + 16384 * "x" + '"}',
              json.dumps({"email": "new@example.com", "display_name": "x",
                          **{f"a{number}": number for number in range(65)}}),
              b'{"email":"new@example.com","display_name":"\xff"}',
              b'{"email":"new@example.com","display_name":"\xed\xa0\x80"}']

VALUES = ["0", "-0", "1", "-1", "175", "9223372036854775807", "-9223372036854775808",
          "0.95", "0.1", "-0.0", "1.0", "1e3", "1E-7", "1e308", "5e-324", "0.30000000000000004",
          "123456789.123456789", "true", "false", "null", '""', '"23"', '"7"', '"é😀\\u00e9"',
          '"\\"\\\\/\\b\\f\\n\\r\\t\\u001f\\u007f\\u2028"', '"NULL"', '"0.95"', '"%s%d"', "'x'",
          "[]", "{}", "[1,\"2\",null,[{}]]", '{"b":1,"a":{"d":null,"c":[0.5]}}', '{"":""}',
          31 * "[" + 31 * "]", '"' + 16000 * "x" + '"', '"' + 4000 * "😀" + '"', "01", "1.", ".5",
          "NaN", "9223372036854775808", "-9223372036854775809", "1e309", "1e-400"]


def read_twice(ask, path):
    """The second time with the ETag of the first, which is given."""
    tag = ask.get(path).expect(200).headers["ETag"]
    ask.get(path, headers={"If-None-Match": tag}).expect(304)
    ask.ask("HEAD", path)
    return tag


def make_users(ask):
    """Gives their keys."""
    uids = []
    for number, name in enumerate(NAMES):
        body = {"email": f"user{number % 7}.{number}@example.com", "display_name": name}
        if number % 3 == 0:
            body["phone"] = f"+49 {number:03}"
        uids.append(ask.post("users/", body).expect(201).json["userData"]["user_uid"])
    for email in EMAILS:
        made = ask.post("users/", {"email": email, "display_name": "Mail", "phone": "+1 (555) 0.1"})
        uids.append(made.expect(201).json["userData"]["user_uid"])
    for email in EMAILS + TAKEN:
        ask.post("users/", {"email": email, "display_name": "Another"}).expect(409)
    for email in NO_ADDRESSES:
        ask.post("users/", {"email": email, "display_name": "None"}).expect(400)
        ask.post("invitations/", {"email": email}).expect(400)
        ask.get("users/", query={"email": email}).expect(200)
        ask.get("users/", query={"q": email}).expect(200)
    for email in EMAILS + TAKEN:
        ask.get("users/", query={"email": email}).expect(200)
        ask.get("users/", query={"q": email, "order_by": "email"}).expect(200)
    return uids


def send_bad_bodies(ask, uids):
    for body in BAD_BODIES:
        ask.post("users/", body)
        ask.patch("users/" + uids[0], body)
        ask.ask("PUT", "users/", body)
        ask.post("invitations/", body)
        ask.post("sub-admins/", body)
        ask.post("sessions/", body)
    known = uids[9]
    for uid in ("x", "x" * 128, "x" * 129, "a b", "é", "😀", "%00", "%ff", "a'b", "%25", known + "x",
                known.lower(), known.upper(), known + "%20", known + "/"):
        path = "users/" + (uid if uid[0] == "%" or uid.endswith(("/", "%20")) else quote(uid))
        ask.get(path)
        for resource in ("sub-admins", "invitations", "sessions", "audit-events", "api-keys",
                         "groups"):
            ask.get(path.replace("users", resource, 1))
        ask.patch(path, {"display_name": "x"})
        ask.delete(path)
        ask.post("sub-admins/", {"user_uid": uid})
        ask.delete("sub-admins/", {"user_uid": uid})
        ask.post("sessions/", {"user_uid": uid, "activity": "x"})
        ask.delete("invitations/", {"invite_token": uid})
        ask.post("invitations/resend", {"invite_token": uid})
        ask.post("invitations/accept", {"accept_token": uid})


def send_values(ask):
    for number, value in enumerate(VALUES):
        made = ask.post("users/", f'{{"email": "value{number}@example.com", "display_name": "V",'
                        f' "before": 1, "value": {value}, "v.-_9": {value}}}')
        if made.status == 201:
            uid = made.json["userData"]["user_uid"]
            ask.get("users/" + uid)
            ask.patch("users/" + uid, f'{{"value": "other", "after": {value}}}')
            ask.get("users/" + uid)
            ask.patch("users/" + uid, f'{{"after": {value}, "value": null, "before": null}}')
            ask.get("users/" + uid)
            ask.delete("users/" + uid).expect(200)
    full = {f"a{number}": number for number in range(64)}
    uid = ask.post("users/", {"email": "full@example.com", "display_name": "Full", **full}
                   ).expect(201).json["userData"]["user_uid"]
    for change in ({"a63": 1}, {"b": 1}, {"a0": None, "b": 1}, {"n" * 64: 1}, {"n" * 65: 1},
                   {"a1": "x" * 15000}, {"a2": "x" * 2000}, {"A1": 1, "a3": None}):
        ask.patch("users/" + uid, change)
        ask.get("users/" + uid)


def change_users(ask, uids):
    uid = uids[0]
    path = "users/" + uid
    tag = ask.get(path).headers["ETag"]
    for match in (tag, tag, "*", '"x"', "W/" + tag, f'"x", {tag}', "x"):
        ask.get(path, headers={"If-None-Match": match})
        ask.patch(path, {"height": len(match)}, headers={"If-Match": match})
        ask.patch(path, {"height": len(match)}, headers={"If-None-Match": match})
        ask.delete(path, headers={"If-Match": '"x"', "If-None-Match": match})
    user = ask.get(path).json["userData"]
    ask.ask("PUT", path, user).expect(200)
    ask.get(path)
    ask.ask("PUT", "users/", {**user, "display_name": "Ⅷ new"}).expect(200)
    for change in ({"user_uid": uids[1]}, {"role": "sub_admin"}, {"created_at": user["updated_at"]},
                   {"updated_at": "2020-01-01T00:00:00.000Z"}, {}, {"phone": None},
                   {"phone": "+49 (0) 89-1"}, {"phone": None}, {"email": None},
                   {"display_name": None}, {"email": "user1.1@EXAMPLE.com"},
                   {"email": user["email"].upper()}, {"email": "straße@example.com"},
                   {"email": "strasse@example.com"}, {"display_name": "\u00a0 trimmed\u3000"},
                   {"display_name": "😀" * 256}, {"x": "x", "X": "X"}, {"x": None}):
        ask.patch(path, change)
        ask.get(path)


QUERIES = ["", "limit=0", "limit=1", "limit=1000", "limit=1001", "limit=x", "limit=", "limit=%201",
           "limit=1&limit=1", "nothing=1", "count=none", "count=exact", "count=x", "order_by=",
           "order_by=x", "order_by=--email", "start_after_id=", "start_after_id=0",
           "start_after_id=zzzzzzzzzzzzzzzzzzzz", "end_before_id=0", "end_before_id=zzz",
           "start_after_id=a&end_before_id=b", "start_after_id=%C3%A9", "start_after_id=%20",
           "order_by=email&start_after_id=0", "order_by=-display_name&end_before_id=0", "email=",
           "email=a@example.com", "email=A%40EXAMPLE.COM", "email=%C3%BCn%C3%AF@example.com",
           "email=STRASSE@EXAMPLE.COM", "email=a@example.com%20", "email=%20a@example.com",
           "phone=%2B49%20000", "phone=%2B49%20000%20", "phone=%C3%A9%C3%A9%C3%A9", "phone=1",
           "role=user", "role=sub_admin", "role=admin", "role=USER", "created_after=2020-01-01",
           "created_after=2020-01-01T00:00:00Z", "created_before=2020-01-01T00:00:00Z",
           "created_after=0001-01-01T00:00:00Z", "created_before=9999-12-31T23:59:59.999Z",
           "created_before=9999-12-31T23:59:59.9999999Z", "created_after=1969-12-31T23:59:59.999Z",
           "created_after=2026-02-29T00:00:00Z", "created_after=2020-01-01T00:00:00%2B14:00",
           "created_after=2020-01-01T00:00:00+01:00", "created_after=2020-01-01T23:59:60Z",
           "created_after=2020-01-01T00:00:00Z&created_before=2020-01-01T00:00:00Z",
           "updated_after=2020-01-01T00:00:00Z&limit=3", "updated_before=2020-01-01T00:00:00Z",
           "updated_after=x", "updated_before=9999-12-31T23:59:59.9999999Z&q=user1&role=user",
           "updated_after=0001-01-01T00:00:00Z&order_by=-email",
           "group=sub-admins", "group=", "group=x", "group=%C3%A9&order_by=email",
           "user_uid=x", "user_uid=x&limit=1", "user_uid=%C3%A9", "q=%00", "q=%FF", "q=%ED%A0%80",
           "q=%F4%8F%BF%BF", "q=%EF%BF%BF", "display_name=%F4%8F%BF%BD", "q=%", "q=%2", "%71=a",
           "q", "&", "q=a&&limit=2", "q=" + 4090 * "x", "q=" + 4100 * "x",
           "q=" + 340 * "%EF%B7%BA", "email=" + 1000 * "x", "phone=" + 1000 * "1",
           "display_name=" + 1000 * "%C3%A9", "role=user&role=user", "count=none&limit=3",
           "q=user1&role=user&phone=%2B49%20015", "q=user1&created_after=2020-01-01T00:00:00Z"]


def filter_users(ask):
    for query in QUERIES:
        ask.get("users/?" + query)
        ask.get("users/?" + query, headers=NDJSON)
    for text in NAMES + ["a", "A", "Å", "å", "ÿ", "%", "_", "\\", "'", "user", "USER3", "user3.", "ç"]:
        ask.list("users/", {"display_name": text[:200], "limit": 20, "order_by": "display_name"})
        ask.list("users/", {"q": text[:200], "limit": 3, "order_by": "-email"})


def damage(ask, order):
    """The cursors of a page, whole, in other orders and cut off."""
    found = ask.list("users/", {"order_by": order, "limit": 3}).json["next_cursor"]
    for cursor in (found, found + "A", found[:-1], found[:1]):
        for other in (order, "-email", "created_at", "user_uid"):
            ask.list("users/", {"order_by": other, "start_after_id": cursor, "limit": 2})
            ask.list("users/", {"order_by": other, "end_before_id": cursor, "limit": 2},
                     headers=NDJSON)


def list_users(ask, uids):
    for name in ("user_uid", "created_at", "email", "display_name"):
        for order in (name, "-" + name):
            page = ask.list("users/", {"order_by": order, "limit": 17})
            while "next" in page.links:
                page = ask.follow(page, "next")
            while "prev" in page.links:
                page = ask.follow(page, "prev")
            ask.list("users/", {"order_by": order}, headers=NDJSON)
            for cursors in ({"start_after_id": uids[20]}, {"end_before_id": uids[60]},
                            {"start_after_id": uids[20], "end_before_id": uids[60]},
                            {"start_after_id": uids[60], "end_before_id": uids[20]},
                            {"start_after_id": uids[20] + "0"}, {"end_before_id": uids[20][:-1]}):
                damage(ask, order)
                for more in ({}, {"limit": 9}, {"limit": 3, "q": "user3", "count": "none"}):
                    ask.list("users/", {"order_by": order, **cursors, **more})
                ask.list("users/", {"order_by": order, **cursors}, headers=NDJSON)
                ask.list("users/", {"order_by": order, **cursors, "limit": 4}, headers=NDJSON)
    page = ask.list("users/", {"limit": 3})
    ask.list("users/", {"limit": 3}, headers={"If-None-Match": page.headers["ETag"]}).expect(304)
    for uid in uids[:3]:
        at = ask.get("users/" + uid).json["userData"]["created_at"]
        for edge in ("created_after", "created_before", "updated_after", "updated_before"):
            ask.list("users/", {edge: at, "limit": 2})
            ask.list("users/", {edge: at[:-1] + "5Z", "limit": 2})


def share_work(ask, uids):
    """Sub-admins, and what they may do."""
    ask.list("sub-admins/")
    for body in ({"user_uid": uids[3]}, {"user_uid": uids[3]}, {"email": "USER4.4@example.com"},
                 {"email": "user4.4@example.com"}, {"email": "nobody-here@example.com"},
                 {"email": "straße@example.com"}, {"email": "STRASSE@example.com"},
                 {"email": "x"}, {"user_uid": uids[3], "email": "user4.4@example.com"},
                 {"user_uid": uids[5]}, {"user_uid": uids[6]}, {"email": "eve@example.com"}):
        ask.post("sub-admins/", body)
    for query in ({}, {"limit": 1}, {"limit": 2, "start_after_id": uids[3]}, {"order_by": "email"},
                  {"end_before_id": uids[5]}, {"limit": 1, "end_before_id": uids[5]},
                  {"count": "none"}, {"start_after_id": "é"}, {"role": "user"}):
        ask.list("sub-admins/", query)
    ask.list("users/", {"role": "sub_admin"})
    ask.get("users/" + uids[3])
    read_twice(ask, "sub-admins/" + uids[3])
    ask.delete("users/" + uids[6]).expect(200)
    ask.list("sub-admins/")
    for login in (SUB_ADMIN, NOBODY, "user5.5@example.com"):
        for method, path, body in (
                ("GET", "users/", None), ("GET", "organization-status/", None),
                ("GET", "sub-admins/", None), ("GET", "audit-events/", None),
                ("POST", "users/", {"email": f"by-{login}", "display_name": "By"}),
                ("PATCH", "users/" + uids[7], {"by": login}), ("GET", "users/" + uids[7], None),
                ("PATCH", "users/" + uids[3], {"by": login}), ("DELETE", "users/" + uids[7], None),
                ("PATCH", "users/" + uids[7], {"email": ADMIN}),
                ("POST", "sub-admins/", {"user_uid": uids[7]}), ("GET", "sessions/", None),
                ("POST", "invitations/", {"email": "x@example.com"})):
            ask.ask(method, path, body, login=login)
    for body in ({"user_uid": uids[3]}, {"user_uid": uids[3]}, {}, {"user_uid": 3}):
        ask.delete("sub-admins/", body)
    ask.delete("sub-admins/" + uids[4])
    ask.delete("sub-admins/" + uids[4])
    ask.get("organization-status/", login="user5.5@example.com")


def invite(ask, uids):
    def send(email, **members):
        made = ask.post("invitations/", {"email": email, **members})
        found = made.json
        secret = found.get("accept_token") or urllib.parse.parse_qs(urllib.parse.urlsplit(
            found.get("accept_link", "")).query).get("accept_token", [None])[0]
        return found.get("invitation", {}).get("invite_token"), secret

    eve, first = send("eve@example.com", platform_link="https://app.example.com/é?a=1#part")
    eve, first = send("eve@example.com", platform_link="https://app.example.com/j?a=1#part")
    send("EVE@example.com")
    fay, fays = send("fay@example.com")
    guy, guys = send("guy@example.com", platform_link="https://x.example.com/" + 2000 * "y")
    send("straße@example.com", platform_link="http://localhost:8080/")
    send("strasse@example.com")
    send("user5.5@example.com")
    send("😀@example.com", platform_link="http://example.com/")
    for number in range(4):
        send(f"more{number}@example.com")
    for status in ("pending", "accepted", "expired", "revoked", "all", "PENDING", ""):
        ask.list("invitations/", {"status": status})
        ask.list("invitations/", {"status": status, "limit": 2, "start_after_id": eve})
        ask.list("invitations/", {"status": status, "limit": 2, "end_before_id": guy})
    for email in ("eve@example.com", "EVE@example.com", "straße@example.com", "strasse@example.com",
                  "😀@example.com", "eve@EXAMPLE.com ", "eve", "", "e ve@example.com"):
        for status in ("all", "pending", "expired", "revoked"):
            ask.list("invitations/", {"email": email, "status": status, "limit": 1})
    page = ask.list("invitations/", {"limit": 3, "status": "all"})
    while "next" in page.links:
        page = ask.follow(page, "next")
    while "prev" in page.links:
        page = ask.follow(page, "prev")
    tag = read_twice(ask, "invitations/" + eve)
    for headers in ({"If-Match": '"x"'}, {"If-None-Match": tag}, {"If-Match": "W/" + tag}):
        ask.post("invitations/resend", {"invite_token": eve}, headers=headers).expect(412)
        ask.delete("invitations/" + eve, headers=headers).expect(412)
    again = ask.post("invitations/resend", {"invite_token": eve}).expect(200).json["accept_link"]
    second = urllib.parse.parse_qs(urllib.parse.urlsplit(again).query)["accept_token"][0]
    for login, secret in (("eve@example.com", first), (NOBODY, second), ("eve@example.com", second),
                          ("eve@example.com", second), ("Fay@Example.com", fays),
                          ("guy@example.com", guys[:-1] + "_"), ("guy@example.com", guys)):
        ask.post("invitations/accept", {"accept_token": secret}, login=login)
    for token in (eve, fay, guy):
        read_twice(ask, "invitations/" + token)
    for token in (eve, fay):
        ask.delete("invitations/" + token).expect(409)
        ask.post("invitations/resend", {"invite_token": token}).expect(409)
    token, secret = send("nobody@example.com")
    ask.delete("invitations/", {"invite_token": token}).expect(200)
    ask.delete("invitations/" + token).expect(404)
    ask.post("invitations/resend", {"invite_token": token})
    ask.post("invitations/accept", {"accept_token": secret}, login=NOBODY)
    made = ask.post("invitations/", {"email": "late@example.com"}, base="/short").expect(201).json
    time.sleep(0.2)
    ask.list("invitations/", {"status": "expired"})
    ask.list("invitations/", {"status": "pending", "limit": 2})
    ask.get("organization-status/")
    token = made["invitation"]["invite_token"]
    ask.post("invitations/accept", {"accept_token": made["accept_token"]}, login=NOBODY)
    ask.post("invitations/resend", {"invite_token": token}).expect(200)
    ask.delete("invitations/" + token).expect(200)
    send("late@example.com")
    ask.list("sub-admins/", {"limit": 100})
    ask.list("users/", {"q": "fay"})
    ask.list("invitations/", {"status": "all", "limit": 100})
    ask.delete("users/" + uids[5])


def hand_out_keys(ask):
    made = []
    for body in ({"name": "a key", "permissions": ["users:read", "scim"], "expires_in": "9d"},
                 {"name": "Zoë 😀 \\ '%", "role": "admin", "expires_in": "7d"},
                 {"name": "é" * 128, "permissions": ["audit:read"],
                  "allow_from": ["192.0.2.0/24", "2001:db8::/32"],
                  "expires_at": "2027-01-02T03:04:05.678Z"},
                 {}, {"name": "x", "role": "admin", "allow_from": ["x"], "expires_in": "9y"}):
        answer = ask.post("api-keys/", body)
        made += [answer.json["api_key"]["key_id"]] if answer.status == 201 else []
    for key in made:
        ask.get("api-keys/" + key)
        ask.ask("PATCH", "api-keys/" + key, {"name": "ü" * 128, "allow_from": ["::1"]})
        ask.ask("PATCH", "api-keys/" + key, {"allow_from": None, "permissions": ["scim"]})
        for body in ({"grace": "2h"}, {"grace": "2h"}, {"grace": "0"}, {"grace": "x"}):
            ask.post(f"api-keys/{key}/rotate", body)
    for _ in range(2):
        ask.delete("api-keys/" + made[0])
        ask.post(f"api-keys/{made[0]}/rotate", {})
    for query in ({}, {"limit": 2}, {"order_by": "-created_at"}, {"start_after_id": made[0]},
                  {"end_before_id": made[2], "limit": 1}, {"start_after_id": "é"}):
        ask.list("api-keys/", query)


def use(ask, uids):
    """Sessions, and what the organization's status says of them."""
    made = []
    for number, activity in enumerate(["running", "Running", "running ", " running", "läuft",
                                       "LÄUFT", "la\u0308uft", "😀", "a" * 128, "é" * 128,
                                       "😀" * 128, "a" * 129, "", "a\nb", "a'b", "%s", 5, None]):
        for more in ({}, {"started_at": f"2020-02-03T04:05:{number:02}.678Z"}):
            result = ask.post("sessions/", {"user_uid": uids[10 + number % 4],
                                            "activity": activity, **more})
            if result.status == 201:
                made.append(result.json["session"]["session_uid"])
    for at in ("2999-01-01T00:00:00Z", "x", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
               "2020-01-01T00:00:00.0009Z", 5, None):
        ask.post("sessions/", {"user_uid": uids[10], "activity": "timed", "started_at": at})
    for uid in made:
        read_twice(ask, "sessions/" + uid)
    for order in ("session_uid", "-session_uid", "started_at", "-started_at"):
        page = ask.list("sessions/", {"order_by": order, "limit": 6})
        while "next" in page.links:
            page = ask.follow(page, "next")
        while "prev" in page.links:
            page = ask.follow(page, "prev")
        for more in ({"start_after_id": made[4]}, {"end_before_id": made[4]},
                     {"start_after_id": "zzz"}, {"end_before_id": "é"}):
            ask.list("sessions/", {"order_by": order, **more})
    for query in ({"activity": "running"}, {"activity": "running "}, {"activity": "RUNNING"},
                  {"activity": "läuft"}, {"activity": "😀"}, {"activity": "x" * 1000},
                  {"user_uid": uids[10]}, {"user_uid": uids[10].lower()}, {"user_uid": "é"},
                  {"user_uid": uids[10], "activity": "running"}, {"user_uid": "x" * 500},
                  {"started_after": "2020-02-03T04:05:03.678Z", "limit": 2},
                  {"started_before": "2020-02-03T04:05:03.678Z", "limit": 2},
                  {"started_before": "2020-02-03T04:05:03.6781Z", "limit": 2}):
        ask.list("sessions/", query)
    ask.delete("users/" + uids[10]).expect(200)
    ask.list("sessions/", {"user_uid": uids[10]})
    ask.get("organization-status/")
    for query in ({}, {"days": 1}, {"days": 366}, {"days": 0}, {"days": "x"}, {"day": 1}):
        ask.get("organization-status/history", query=query)


def repeat(ask):
    """Idempotency-Key."""
    for key in ("key", "KEY", "k" * 255, "k" * 256, "a b", "'", "%", "", "\u00e9"):
        for email in ("again@example.com", "again@example.com", "other@example.com"):
            ask.post("users/", {"email": f"{len(key)}{email}", "display_name": "Again"},
                     headers={"Idempotency-Key": key})
    for _ in range(2):
        ask.post("invitations/", {"email": "again@example.com",
                                  "platform_link": "https://example.com/"},
                 headers={"Idempotency-Key": "invite"})
        ask.post("users/", {"email": "A@example.com", "display_name": "Taken"},
                 headers={"Idempotency-Key": "taken"})
    ask.post("sub-admins/", {"email": "3again@example.com"}, headers={"Idempotency-Key": "key"})
    ask.post("users/", {"email": "3again@example.com", "display_name": "Again"},
             headers={"Idempotency-Key": "key"}, login=SUB_ADMIN)


def bend_http(ask, uids):
    for path in sorted(PATHS):
        path = path.replace("*", uids[30])
        for method in METHODS:
            if method not in ("DELETE", "PATCH", "PUT"):
                ask.ask(method, path)
                ask.ask(method, path + "/")
                ask.ask(method, path + "?limit=1")
                ask.ask(method, path, headers={"Accept": "text/html"})
        ask.ask("PATCH", path)
        ask.ask("BREW", path)
        ask.post(path, "{}", headers={"Content-Type": "text/plain"})
        ask.post(path, "{}", headers={"Content-Type": "application/json; charset=latin1"})
        ask.post(path, "{}", headers={"Origin": "https://evil.example"})
        ask.post(path, "{}", headers={"Sec-Fetch-Site": "cross-site"})
        ask.post(path, "{}", headers={"Content-Encoding": "gzip"})
    for path in ("", "/", "x", "users/a/b", "usersx", "Users/", "users//", "users/.."):
        ask.get(path)
    ask.post("users/", '{"email": "large@example.com", "x": "' + (1 << 20) * "x" + '"}')
    ask.get("users/", login=None)


def use_other_organizations(ask):
    teams = ["red", "Red", "red ", "rèd", "re\u0300d", "RÈD", "😀", "r" * 255, "r" * 256, "é" * 255,
             "a'b", "a/b", "%", "_", "", "default"]
    for team in teams:
        headers = {"X-Team": team.encode().decode("latin-1")}
        ask.get("organization-status/", base="/closed", headers=headers)
        ask.get("organization-status/", base="/teams", headers=headers)
        ask.post("users/", {"email": "red@example.com", "display_name": "Red"}, base="/teams",
                 headers=headers)
        ask.post("invitations/", {"email": "a@example.com"}, base="/teams", headers=headers)
    for team in teams:
        headers = {"X-Team": team.encode().decode("latin-1")}
        for path in ("organization-status/", "users/?limit=3", "invitations/", "audit-events/",
                     "sub-admins/", "sessions/"):
            ask.get(path, base="/closed", headers=headers)


IMPORTED = ["0", "00", "-", "_", "--", "A", "a", "a-", "a_", "aA", "aa", "Aa", "z", "~", "a b", "é",
            "", "2z5", "x" * 128, "x" * 129, "null", "0" * 20]


def import_users(ask):
    """Keys that a server would not make, times and roles; in with usermgmtctl, and out."""
    records = [{"user_uid": uid, "email": f"imported{number}@example.com", "display_name": "Same",
                "created_at": "2001-02-03T04:05:06.789Z", "updated_at": "2001-02-03T04:05:06.789Z",
                "role": "sub_admin" if number % 5 == 0 else "user", "n": [number, 0.1, "é😀"]}
               for number, uid in enumerate(IMPORTED)]
    records += [{"email": email, "display_name": "Taken"} for email in TAKEN + NO_ADDRESSES]
    records.append({**records[0], "email": "again@example.com"})
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    for more in (("--dry-run",), (), (), ("--resume",)):
        ask.run_tool("users", "import", *more, "-", stdin=text + "{}\nx\n")
    for form in ("ndjson", "csv"):
        ask.run_tool("users", "export", "--format", form)
    ask.run_tool("org", "list")
    ask.run_tool("org", "show", "default")
    for order in ("user_uid", "-user_uid", "created_at", "-created_at", "-display_name"):
        page = ask.list("users/", {"order_by": order, "limit": 4, "q": "imported"})
        while "next" in page.links:
            page = ask.follow(page, "next")
        while "prev" in page.links:
            page = ask.follow(page, "prev")
    for uid in IMPORTED:
        if uid:
            ask.get("users/" + quote(uid))
            ask.list("users/", {"start_after_id": uid, "limit": 1})
            ask.list("users/", {"end_before_id": uid, "limit": 1, "order_by": "created_at"})


def fill_groups(ask, uids):
    """Groups of all names, and their members; with each list as CSV."""
    for name in (*NAMES, "A", "a", "sub-admins", "ß", "ss", "é", "É", "%", "'", "x" * 256, "x" * 257):
        ask.post("groups/", {"display_name": name, "external_id": name[:300] or None})
    page = ask.list("groups/", {"limit": 1000, "order_by": "display_name"})
    ids = [group["group_id"] for group in page.json["groups"]]
    for number, group in enumerate(ids[:6]):
        path = f"groups/{group}"
        for uid in uids[number * 3:number * 3 + 5]:
            ask.post(path + "/members/", {"user_uid": uid})
            ask.post(path + "/members/", {"user_uid": uid})
        ask.delete(path + "/members/", {"user_uid": uids[number * 3]})
        ask.delete(path + "/members/", {"user_uid": uids[number * 3]})
        ask.patch(path, {"display_name": f"Group {number}", "external_id": None})
        ask.patch(path, {"display_name": "group 0"})
        ask.list("users/", {"group": group, "format": "csv", "order_by": "-email"})
    for uid in (*uids[:20], "x", "é", "x" * 200):
        ask.list("groups/", {"user_uid": uid})
        ask.list("groups/", {"user_uid": uid, "order_by": "-display_name", "limit": 1})
    for query in ({"limit": 3}, {"order_by": "-display_name", "limit": 3, "format": "csv"},
                  {"format": "excel"}, {"display_name": "g"}, {"external_id": "é"}):
        ask.list("groups/", query)
    ask.delete("groups/" + ids[0])
    ask.delete("groups/" + ids[0])
    for form in ("csv", "excel", "ndjson"):
        for path in ("users/", "sub-admins/", "invitations/", "sessions/", "api-keys/"):
            ask.list(path, {"format": form, "limit": 50})
    # Without the names of requests, which differ.
    ask.list("audit-events/", {"format": "csv", "limit": 50, "order_by": "-at",
                               "columns": "event_uid,at,actor,action,target,before,after"})
    ask.list("users/", {"format": "csv", "columns": "email,value,value:json,height,n,attributes",
                        "order_by": "-created_at"})


def look_back(ask, uids):
    """The audit trail: all of it, whole and in parts."""
    for order in ("at", "-at", "event_uid", "-event_uid"):
        ask.list("audit-events/", {"order_by": order}, headers=NDJSON)
        page = ask.list("audit-events/", {"order_by": order, "limit": 100})
        while "next" in page.links:
            page = ask.follow(page, "next")
        page = ask.follow(page, "prev")
    first = ask.list("audit-events/", {"limit": 3}).json["audit_events"]
    for event in first:
        read_twice(ask, "audit-events/" + event["event_uid"])
    for query in ({"actor": ADMIN}, {"actor": ADMIN.upper()}, {"actor": "é"}, {"actor": "x" * 2000},
                  {"actor": "straße@example.com"}, {"action": "users.create", "limit": 2},
                  {"action": "USERS.CREATE"}, {"action": "é"}, {"action": "users.create "},
                  {"action": "x" * 2000}, {"target": uids[0]}, {"target": uids[0].lower()},
                  {"target": "é"}, {"target": "x" * 2000}, {"target": uids[0] + " "},
                  {"at_after": first[1]["at"], "limit": 2}, {"at_before": first[1]["at"]},
                  {"at_after": "x"}, {"at_before": "1969-01-01T00:00:00Z"},
                  {"start_after_id": first[1]["event_uid"], "limit": 1},
                  {"end_before_id": first[1]["event_uid"], "actor": ADMIN},
                  {"start_after_id": "é"}, {"count": "none", "limit": 1}, {"actor": ""}):
        ask.list("audit-events/", query)


def play(ask):
    ask.list("users/")
    ask.list("users/", headers=NDJSON)
    ask.get("organization-status/")
    uids = make_users(ask)
    send_bad_bodies(ask, uids)
    send_values(ask)
    change_users(ask, uids)
    filter_users(ask)
    list_users(ask, uids)
    share_work(ask, uids)
    invite(ask, uids)
    hand_out_keys(ask)
    use(ask, uids)
    repeat(ask)
    bend_http(ask, uids)
    use_other_organizations(ask)
    for uid in uids[-5:]:
        ask.delete("users/", {"user_uid": uid}).expect(200)
        ask.delete("users/" + uid).expect(404)
    list_users(ask, uids)
    fill_groups(ask, uids)
    look_back(ask, uids)
    # Last, as the audit events of one millisecond are in no order.
    import_users(ask)
    ask.get("organization-status/")


# ---- and compared ----


def lines(said):
    return said.replace("},{", "},\n{").splitlines()


def differences(recorders):
    """Where the others said something else than the first: what, and the lines."""
    (first, expected), *others = ((kind, recorder.said) for kind, recorder in recorders.items())
    return ["\n".join([f"#{number}, {said[number][:200]!r}",
                       *difflib.unified_diff(lines(expected[number]), lines(said[number]), first,
                                             kind, n=0, lineterm="")])[:5000]
            for kind, said in others
            for number in range(max(len(expected), len(said)))
            if said[number] != expected[number]]


def test_all_databases_answer_the_same(new_server):
    recorders = {}
    for kind in databases.ENGINES:
        server = new_server(kind=kind, extra=LOCATIONS)
        for login in (*ACCEPTERS, "user5.5@example.com"):
            server.add_login(login)
        recorders[kind] = Recorder(server)
    with ThreadPoolExecutor() as pool:
        list(pool.map(play, recorders.values()))
    found = differences(recorders)
    assert not found, f"{len(found)} differences, the first ones:\n" + "\n\n".join(found[:5])
    said = recorders["sqlite"].said
    assert len(said) > 1000
    statuses = {text.split("\n", 2)[1] for text in said}
    assert {"0", "1", "200", "201", "304", "400", "401", "403", "404", "405", "406", "409", "412", "413",
            "415"} <= statuses and not any(status >= "5" for status in statuses)


def test_a_difference_is_seen():
    """Names tell what changes by itself from what does not."""
    def masked(*texts):
        names = Names(8080)
        return [names.mask(text) for text in texts]

    one, other = "2z5BF1fHMMQBdmqbQHQY", "2z5BF6Oo6co4nh2YCDiy"
    tag, other_tag = '"8d77e8c21ff3ab8e"', '"34048c465286ca94"'
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert masked(one, other, one) == masked(other, one, other)
    assert masked(one, other, one) != masked(one, other, other)
    assert masked("2020-02-03T04:05:06.789Z") == ["2020-02-03T04:05:06.789Z"]
    assert masked(quote(now), now) == masked(now, now)
    assert masked('"1-1a20f64049e-u"') == masked('"1-1a20f6404af-u"') != masked('"2-1a20f6404af-u"')
    assert masked('"1-1a20f64049e-u"') != masked('"1-1a20f64049e-s"')
    assert masked(tag, tag) == masked(other_tag, other_tag) != masked(tag, other_tag)
