# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Lists against a model in plain Python: random users, random questions.

UM_SEED repeats a run, UM_QUERIES sets how many questions are asked.
"""

import os
import random
import unicodedata
import urllib.parse

import pytest

QUERIES = int(os.environ.get("UM_QUERIES", "1600"))
USERS = 130
DELETED = 25
LETTERS = list("aAbBeEzZ") + ["é", "É", "e\u0301", "ß", "ẞ", "ss", "SS", "ﬁ", "Ａ", "ａ", "Σ", "ς",
                              "σ", "ı", "İ", "i", "I", "\u212a", "k", "ö", "o\u0308", "Ж", "ж",
                              "汉", "\u00ad", "\u200d"]
SYMBOLS = [" ", "-", "'", "😀", "👟", "٣", "²", "½", ".", "%", "_", "~"]


def nfkc(text):
    return unicodedata.normalize("NFKC", text)


def fold(text):
    """Unicode's toNFKC_Casefold for the letters above."""
    text = unicodedata.normalize("NFD", text)
    while True:
        folded = nfkc("".join(c for c in nfkc(nfkc(text).casefold()).casefold()
                              if c not in "\u00ad\u200d"))
        if folded == text:
            return folded
        text = folded


def fold_simply(text):
    """Unicode's simple case folding for the letters above, one to one, then NFC."""
    folded = ""
    for c in text:
        options = [option for option in (c.casefold(), c.lower(), c) if len(option) == 1]
        folded += options[0]
    return unicodedata.normalize("NFC", folded)


def domain_key(domain):
    return domain.lower().replace("ä", "xn--4ca")


def is_address(email):
    local = email.rpartition("@")[0]
    return local == nfkc(local) and not set(local) & set("\u00ad\u200d")


def email_key(email):
    """The key of an address; a text that no key is where it is none."""
    local, at, domain = email.rpartition("@")
    if not at or not is_address(email):
        return ":" + email
    return fold_simply(local) + "@" + domain_key(domain)


def prefix(text):
    """The beginning of the keys of all addresses that begin with a text."""
    local, at, domain = text.rpartition("@")
    if not at:
        return fold_simply(text)
    return fold_simply(local) + "@" + domain_key(domain)


class Model:
    """The state that the server should have."""

    def __init__(self):
        self.users = []
        self.deleted = []

    @staticmethod
    def key(user, order):
        if order == "user_uid":
            return (user["user_uid"].encode(),)
        value = user[order]
        if order == "email":
            value = email_key(value)
        elif order != "created_at":
            value = fold(value)
        return (value.encode(), user["user_uid"].encode())

    @staticmethod
    def matches(user, query):
        name, email = fold(user["display_name"]), email_key(user["email"])
        checks = {
            "email": lambda value: email == email_key(value),
            "phone": lambda value: user.get("phone") == value,
            "role": lambda value: user["role"] == value,
            "display_name": lambda value: name.startswith(fold(value)),
            "q": lambda value: name.startswith(fold(value)) or email.startswith(prefix(value)),
            "created_after": lambda value: user["created_at"] > value,
            "created_before": lambda value: user["created_at"] < value,
            "updated_after": lambda value: user["updated_at"] > value,
            "updated_before": lambda value: user["updated_at"] < value,
        }
        return all(check(query[name]) for name, check in checks.items() if name in query)

    def ask(self, query, stream):
        """(page, next, prev, count), or the parameters that are unknown cursors."""
        order = query.get("order_by", "user_uid")
        reverse = order.startswith("-")
        order = order.lstrip("-")
        ordered = sorted(self.users, key=lambda user: self.key(user, order), reverse=reverse)
        found = [user for user in ordered if self.matches(user, query)]
        places = {}
        unknown = []
        for name in ("start_after_id", "end_before_id"):
            if name not in query:
                continue
            if order == "user_uid":
                places[name] = (query[name].encode(),)
            else:
                known = [user for user in self.users if user["user_uid"] == query[name]]
                if known:
                    places[name] = self.key(known[0], order)
                else:
                    unknown.append(name)
        if unknown:
            return unknown

        def is_before(a, b):
            return a > b if reverse else a < b

        stretch = [user for user in found
                   if ("start_after_id" not in places
                       or is_before(places["start_after_id"], self.key(user, order)))
                   and ("end_before_id" not in places
                        or is_before(self.key(user, order), places["end_before_id"]))]
        limit = int(query.get("limit", len(stretch) if stream else 5))
        backwards = "end_before_id" in places and "start_after_id" not in places
        if backwards:
            page = stretch[max(0, len(stretch) - limit):]
        else:
            page = stretch[:limit]
        # From an empty page the way leads on from its cursors, with their own entries.
        first = self.key(page[0], order) if page else places.get("start_after_id")
        last = self.key(page[-1], order) if page else places.get("end_before_id")
        more_before = first is not None and any(
            is_before(self.key(user, order), first) or not page and self.key(user, order) == first
            for user in found)
        more_after = last is not None and any(
            is_before(last, self.key(user, order)) or not page and self.key(user, order) == last
            for user in found)
        return page, more_after, more_before, len(found)


@pytest.fixture(scope="module")
def dice():
    seed = int(os.environ.get("UM_SEED") or random.SystemRandom().randrange(10 ** 9))
    print(f"UM_SEED={seed}")
    return random.Random(seed)


def random_text(dice, length):
    return "".join(dice.choice(LETTERS if dice.random() < 0.8 else SYMBOLS)
                   for _ in range(length))


@pytest.fixture(scope="module")
def model(server, dice):
    admin = server.admin
    made = Model()
    keys = set()
    while len(made.users) < USERS:
        # A letter in front: a name must not be empty once it is trimmed.
        name = dice.choice("aAéßkΣ") + random_text(dice, dice.randrange(5))
        email = (dice.choice("aAbÉk") + "".join(
            dice.choice([letter for letter in LETTERS if letter.isalpha()])
            for _ in range(dice.randrange(4))) + "@" + dice.choice(["X.org", "ä.de", "b.com"]))
        body = {"email": email, "display_name": name, "n": len(made.users)}
        if dice.random() < 0.5:
            body["phone"] = dice.choice(["111", "222", "+3 (3) 3"])
        result = admin.post("users/", body)
        if not is_address(email):
            result.expect_faults(("email", "invalid_email"))
            continue
        if email_key(email) in keys:
            result.expect_problem(409, "email_exists")
            continue
        keys.add(email_key(email))
        made.users.append(result.expect(201).json["userData"])
        assert made.users[-1]["display_name"] == name.strip()
    for user in dice.sample(made.users, USERS // 4):
        admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
        user["role"] = "sub_admin"
    for user in dice.sample(made.users, DELETED):
        admin.delete("users/" + user["user_uid"]).expect(200)
        made.users.remove(user)
        made.deleted.append(user)
    for user in dice.sample(made.users, 20):
        admin.put("users/" + user["user_uid"],
                  {"display_name": dice.choice("bBſ") + random_text(dice, 3)}).expect(200)
        user.update(admin.read(user["user_uid"]))
    return made


def random_case(dice, text):
    return "".join(dice.choice([c.upper(), c.lower(), c]) for c in text) \
        if dice.random() < 0.5 else text


def random_query(dice, model):
    query = {}
    someone = dice.choice(model.users + model.deleted)

    def perhaps(chance, name, value):
        if dice.random() < chance:
            query[name] = value()

    perhaps(0.05, "email", lambda: random_case(dice, someone["email"]))
    perhaps(0.15, "phone", lambda: dice.choice(["111", "222", "+3 (3) 3", "999"]))
    perhaps(0.2, "role", lambda: dice.choice(["user", "sub_admin"]))
    perhaps(0.2, "display_name",
            lambda: random_case(dice, someone["display_name"][:dice.randrange(1, 4)]))
    perhaps(0.2, "q", lambda: random_case(
        dice, someone[dice.choice(["display_name", "email"])][:dice.randrange(1, 4)]))
    perhaps(0.1, "created_after", lambda: dice.choice(model.users)["created_at"])
    perhaps(0.1, "created_before", lambda: dice.choice(model.users)["created_at"])
    perhaps(0.1, "updated_after", lambda: dice.choice(model.users)["updated_at"])
    perhaps(0.1, "updated_before", lambda: dice.choice(model.users)["updated_at"])
    perhaps(0.7, "order_by", lambda: dice.choice(["", "-"]) + dice.choice(
        ["user_uid", "created_at", "email", "display_name"]))
    for name in ("start_after_id", "end_before_id"):
        perhaps(0.35, name, lambda: dice.choice(
            [user["user_uid"] for user in model.users] * 3
            + [user["user_uid"] for user in model.deleted] + ["0", "zzz", "1wx-_"]))
    perhaps(0.7, "limit", lambda: str(dice.choice([1, 1, 2, 3, 5, 7, 20, 1000])))
    perhaps(0.2, "count", lambda: dice.choice(["none", "exact"]))
    pairs = list(query.items())
    dice.shuffle(pairs)
    return dict(pairs)


def check_links(result, query, page, after, before):
    links = result.links
    in_order_of_keys = query.get("order_by", "user_uid").lstrip("-") == "user_uid"
    edges = {"next": result.json["next_cursor"], "prev": result.json["prev_cursor"]}
    assert set(links) == ({"next"} if after else set()) | ({"prev"} if before else set())
    kept = {name: value for name, value in query.items()
            if name not in ("start_after_id", "end_before_id")}
    cursors = {"next": ("start_after_id", page[-1]["user_uid"] if page else None),
               "prev": ("end_before_id", page[0]["user_uid"] if page else None)}
    for relation, target in links.items():
        name, uid = cursors[relation]
        pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query, strict_parsing=True)
        assert dict(pairs) == {**kept, name: edges[relation]} and len(pairs) == len(kept) + 1
        assert edges[relation] == uid or not page or not in_order_of_keys
        assert in_order_of_keys or edges[relation].startswith("~")
    assert {relation for relation, edge in edges.items() if edge is not None} == set(links)


def ask_and_compare(admin, model, query, stream):
    headers = {"Accept": "application/x-ndjson"} if stream else {}
    result = admin.get("users/", query=query, headers=headers)
    wanted = model.ask(query, stream)
    if isinstance(wanted, list):
        result.expect_faults(*[(name, "unknown_cursor") for name in wanted])
        return "unknown cursor"
    page, after, before, count = wanted
    result.expect(200)
    if stream:
        assert result.lines == page
        return "stream"
    got = result.json
    assert got["users"] == page
    assert got.get("query_count") == (None if query.get("count") == "none" else count)
    assert got["first_uid"] == (page[0]["user_uid"] if page else None)
    assert got["last_uid"] == (page[-1]["user_uid"] if page else None)
    assert got["has_more"] is after
    check_links(result, query, page, after, before)
    return "page" if page else "empty page"


def test_random_questions(server, model, dice):
    admin = server.admin
    kinds = {}
    for number in range(QUERIES):
        query = random_query(dice, model)
        stream = dice.random() < 0.15
        try:
            kind = ask_and_compare(admin, model, query, stream)
        except AssertionError as error:
            raise AssertionError(f"question {number}, stream={stream}: {query}") from error
        kinds[kind] = kinds.get(kind, 0) + 1
    # Lots that never fall on one side have tested nothing of it.
    assert set(kinds) == {"page", "empty page", "stream", "unknown cursor"}, kinds
    assert kinds["page"] > QUERIES / 4, kinds


def test_random_changes_keep_lists_true(server, model, dice):
    """Renames, new addresses and deletions between the questions."""
    admin = server.admin
    for number in range(60):
        user = dice.choice(model.users)
        action = dice.choice(["rename", "address", "phone", "delete", "promote"])
        path = "users/" + user["user_uid"]
        if action == "delete":
            admin.delete(path).expect(200)
            model.users.remove(user)
            model.deleted.append(user)
        elif action == "promote":
            result = admin.post("sub-admins/", {"user_uid": user["user_uid"]})
            assert result.status == (409 if user["role"] == "sub_admin" else 201)
        else:
            body = {"rename": {"display_name": "e" + random_text(dice, 3)},
                    "address": {"email": f"É{number}k@changed.org"},
                    "phone": {"phone": dice.choice(["111", None])}}[action]
            admin.put(path, body).expect(200)
        if action != "delete":
            user.clear()
            user.update(admin.read(path.rpartition("/")[2]))
        for _ in range(3):
            query = random_query(dice, model)
            ask_and_compare(admin, model, query, dice.random() < 0.2)


def test_the_model_s_folding():
    """It is the server's judge, so it is judged itself: by Unicode's own examples."""
    for text, folded in {"Straße": "strasse", "ẞ": "ss", "ﬁ": "fi", "Ａ": "a", "ς": "σ", "Σ": "σ",
                         "İ": "i\u0307", "\u212a": "k", "e\u0301": "é", "É": "é", "a\u00adb": "ab",
                         "²": "2", "½": "1\u20442", "ſ": "s", "ı": "ı"}.items():
        assert fold(text) == folded, text
        assert fold(folded) == folded
    for text, folded in {"Straße": "straße", "ẞ": "ß", "ς": "σ", "Σ": "σ", "İ": "İ", "ı": "ı",
                         "É": "é", "J\u030c": "ǰ", "ǰ": "ǰ"}.items():
        assert fold_simply(text) == folded, text
        assert fold_simply(folded) == folded
    assert email_key("Éß@Ä.DE") == "éß@xn--4ca.de"
