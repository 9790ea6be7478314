# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Filters in plain Python: random users, random filters, and which of the users match. It knows
the rules of docs/api.md, and nothing of databases.

A user is a dict: user_uid, email, display_name, phone, active, role, created_at, updated_at (in
milliseconds), user_name, external_id, scim, attributes, and groups, a list of (id, name).
A filter is a tuple: ("and", …), ("or", …), ("not", filter), ("element", attribute, filter),
("pr", path), or (operator, path, value), where a value is a Value.
"""

import datetime
import json

from test_listing_model import email_key, fold, prefix

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CUSTOM = "urn:ietf:params:scim:schemas:extension:usermgmt:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"

EQUALITY = ("eq", "ne")
ORDER = ("gt", "ge", "lt", "le")
PARTS = ("co", "sw", "ew")


class Value:
    """A value as it is meant, and as it is written."""

    def __init__(self, meant, written):
        self.meant = meant
        self.written = written

    def __repr__(self):
        return self.written


# ---- which users match ----


def lower(text):
    """ASCII letters alone."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def compare(operator, stored, value):
    """Texts by bytes, numbers as numbers."""
    if isinstance(stored, str):
        stored, value = stored.encode(), value.encode()
    return {"eq": lambda: stored == value, "gt": lambda: stored > value,
            "ge": lambda: stored >= value, "lt": lambda: stored < value,
            "le": lambda: stored <= value, "co": lambda: value in stored,
            "sw": lambda: stored.startswith(value), "ew": lambda: stored.endswith(value)}[operator]()


def login_key(name):
    key = email_key(name)
    return ":" + lower(name) if key.startswith(":") or "@" not in name else key


def matches_login(operator, name, value):
    key = login_key(name)
    if operator == "eq":
        return key == login_key(value)
    if operator == "sw":
        return (key.startswith(prefix(value)) and not prefix(value).startswith(":")) \
            or key.startswith(":" + lower(value)) or value == ""
    if key.startswith(":"):
        return compare(operator, key[1:], lower(value))
    return compare(operator, key, prefix(value))


def matches_address(operator, address, value):
    return compare(operator, email_key(address),
                   login_key(value) if operator == "eq" else prefix(value))


def milliseconds(text):
    """Below and above: they differ if the time has a part of a millisecond."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    start = datetime.datetime.fromisoformat(whole + "+00:00")
    below = int(start.timestamp()) * 1000 + int((fraction + "000")[:3])
    return below, below + (fraction[3:].strip("0") != "")


def matches_instant(operator, stored, value):
    below, above = milliseconds(value)
    return {"eq": below == above and stored == below, "gt": stored > below,
            "ge": stored >= above, "lt": stored < above, "le": stored <= below}[operator]


def as_text(value):
    """Of an attribute that has texts: a value without quotes is one, too."""
    return value.meant if isinstance(value.meant, str) else value.written


def as_truth(value):
    return as_text(value).lower() == "true"


def matches_text(operator, stored, value):
    return isinstance(stored, str) and compare(operator, lower(stored), lower(as_text(value)))


def matches_any(operator, stored, value):
    """Values of the same type alone."""
    meant = value.meant
    if isinstance(meant, bool) or isinstance(stored, bool):
        return operator == "eq" and stored is meant
    if isinstance(meant, str):
        return isinstance(stored, str) and compare(operator, lower(stored), lower(meant))
    return isinstance(stored, (int, float)) and compare(operator, stored, meant)


def values_at(document, *names):
    """Of an array its elements, else the value itself."""
    for name in names:
        if not isinstance(document, dict) or name not in document:
            return []
        document = document[name]
    return document if isinstance(document, list) else [document]


def is_value(value):
    return value is not None and value != "" and value != {} and not isinstance(value, list)


def elements_of(user, name):
    """Of a multi-valued attribute: for each element, how its sub-attributes are compared."""
    found = []
    if name == "emails":
        found.append({**kept_of_main(user, "mainEmail"), "primary": (matches_truth, True),
                      "value": (matches_address_value, user["email"])})
    if name == "phonenumbers" and user["phone"] is not None:
        found.append({**kept_of_main(user, "workPhone"), "value": (matches_exactly, user["phone"])})
    if name == "groups":
        return [{"value": (matches_exactly, group), "display": (matches_name, display),
                 "type": (matches_text, "direct")} for group, display in user["groups"]]
    kept = {"emails": "emails", "phonenumbers": "phoneNumbers"}[name]
    for element in values_at(user["scim"] or {}, kept):
        if isinstance(element, dict):
            found.append({sub: (matches_truth if sub == "primary" else matches_text, value)
                          for sub, value in element.items()})
    return found


def kept_of_main(user, name):
    """The other sub-attributes of the element that has a column."""
    kept = (user["scim"] or {}).get(name, {"type": "work"})
    return {sub: (matches_truth if sub == "primary" else matches_text, value)
            for sub, value in kept.items()}


def shown(user):
    """What is kept, and the name that a resource shows if none is."""
    kept = user["scim"] or {}
    display = user["display_name"]
    given, _, family = display.rpartition(" ")
    return {"name": {"formatted": display, "familyName": family or display,
                     "givenName": given.rstrip(" ") or display}, **kept}


def matches_exactly(operator, stored, value):
    return stored is not None and compare(operator, stored, as_text(value))


def matches_name(operator, stored, value):
    return compare(operator, fold(stored), fold(as_text(value)))


def matches_login_value(operator, stored, value):
    return matches_login(operator, stored, as_text(value))


def matches_address_value(operator, stored, value):
    return matches_address(operator, stored, as_text(value))


def matches_instant_value(operator, stored, value):
    return matches_instant(operator, stored, as_text(value))


def matches_truth(operator, stored, value):
    return operator == "eq" and isinstance(stored, bool) and stored is as_truth(value)


# Attributes of one value: how they are compared, and the value.
SINGLE = {
    "id": (matches_exactly, lambda user: user["user_uid"]),
    "user_uid": (matches_exactly, lambda user: user["user_uid"]),
    "username": (matches_login_value, lambda user: user["user_name"] or user["email"]),
    "externalid": (matches_exactly, lambda user: user["external_id"]),
    "displayname": (matches_name, lambda user: user["display_name"]),
    "display_name": (matches_name, lambda user: user["display_name"]),
    "email": (matches_address_value, lambda user: user["email"]),
    "phone": (matches_exactly, lambda user: user["phone"]),
    "active": (matches_truth, lambda user: user["active"]),
    "role": (matches_text, lambda user: user["role"]),
    "meta.created": (matches_instant_value, lambda user: user["created_at"]),
    "created_at": (matches_instant_value, lambda user: user["created_at"]),
    "meta.lastmodified": (matches_instant_value, lambda user: user["updated_at"]),
    "updated_at": (matches_instant_value, lambda user: user["updated_at"]),
}
KEPT = {"name.formatted": ("name", "formatted"), "name.givenname": ("name", "givenName"), "name.familyname": ("name", "familyName"),
        "name": ("name",), "title": ("title",), "locale": ("locale",)}
ENTERPRISE_KEPT = {"department": ("department",), "employeenumber": ("employeeNumber",),
                   "manager": ("manager", "value"), "manager.value": ("manager", "value"),
                   "manager.displayname": ("manager", "displayName")}


def matches_values(operator, how, values, value):
    """Of several values, one is enough; none for pr must be empty."""
    if operator == "pr":
        return any(is_value(one) for one in values)
    return any(how(operator, one, value) for one in values if one is not None)


def matches_element(element, sub, operator, value):
    for name, (how, stored) in element.items():
        if name.lower() == sub.lower():
            return matches_values(operator, how,
                                  stored if isinstance(stored, list) else [stored], value)
    return False


def matches_term(user, operator, path, value):
    """operator is neither ne, nor is the value null."""
    schema, _, name = path.rpartition(":")
    lowered = name.lower()
    if schema.lower() == CUSTOM.lower():
        return matches_values(operator, matches_any, values_at(user["attributes"], name), value)
    if schema.lower() == ENTERPRISE.lower():
        return matches_values(operator, matches_text,
                              values_at(user["scim"] or {}, ENTERPRISE,
                                        *ENTERPRISE_KEPT[lowered]), value)
    first, _, sub = lowered.partition(".")
    if first in ("emails", "phonenumbers", "groups"):
        elements = elements_of(user, first)
        if operator == "pr" and not sub:
            return bool(elements)
        return any(matches_element(element, sub or "value", operator, value)
                   for element in elements)
    if lowered in SINGLE:
        how, get = SINGLE[lowered]
        return matches_values(operator, how, [get(user)], value)
    if lowered in KEPT:
        return matches_values(operator, matches_text,
                              values_at(shown(user), *KEPT[lowered]), value)
    return matches_values(operator, matches_any, values_at(user["attributes"], name), value)


def evaluate(filter_, term):
    """term(operator, path, value) decides about one comparison."""
    kind = filter_[0]
    if kind == "and":
        return all(evaluate(one, term) for one in filter_[1:])
    if kind == "or":
        return any(evaluate(one, term) for one in filter_[1:])
    if kind == "not":
        return not evaluate(filter_[1], term)
    if kind in ("pr", "element"):
        return term(kind, filter_[1], filter_[2] if kind == "element" else None)
    operator, path, value = filter_
    is_negative = operator == "ne"
    operator = "eq" if is_negative else operator
    if value.meant is None:
        operator, is_negative = "pr", not is_negative
    return term(operator, path, value) != is_negative


def matches(user, filter_):
    def term(operator, path, value):
        if operator == "element":
            return any(evaluate(value, lambda operator, sub, inner:
                                matches_element(element, sub, operator, inner))
                       for element in elements_of(user, path.rpartition(":")[2].lower()))
        return matches_term(user, operator, path, value)
    return evaluate(filter_, term)


# ---- random filters ----


def written_text(dice, text):
    """A string of JSON, with escapes now and then, or none at all around a plain word."""
    is_plain = text and all(c.isalnum() or c in "@._-+" for c in text) \
        and text.lower() not in ("true", "false", "null") and not looks_like_number(text)
    if is_plain and dice.random() < 0.15:
        return text
    return json.dumps(text, ensure_ascii=dice.random() < 0.3)


def looks_like_number(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def text_value(dice, text):
    return Value(text, written_text(dice, text))


def any_case(dice, text):
    if dice.random() < 0.6:
        return text
    return "".join(dice.choice([c.upper(), c.lower()]) if c.isascii() else c for c in text)


def part_of(dice, operator, text):
    """A part of a text that the operator would find in it."""
    length = dice.randrange(len(text) + 1)
    if operator == "sw":
        return text[:length]
    if operator == "ew":
        return text[len(text) - length:]
    if operator == "co":
        start = dice.randrange(len(text) - length + 1)
        return text[start:start + length]
    return text


def random_text_term(dice, path, texts, operators=EQUALITY + ORDER + PARTS):
    operator = dice.choice(operators)
    text = any_case(dice, part_of(dice, operator, dice.choice(texts)))
    return (operator, path, text_value(dice, text))


def number_value(number):
    return Value(number, json.dumps(number))


def instant_value(dice, ms):
    text = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    text = f"{text:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}"
    text += dice.choice(["", "", "", "0", "4"]) + "Z"
    return Value(text, json.dumps(text) if dice.random() < 0.7 else text)


def truth_value(dice):
    truth = dice.random() < 0.5
    word = dice.choice(["true", "True", "TRUE"] if truth else ["false", "False"])
    return Value(truth, word) if dice.random() < 0.7 else Value(word, json.dumps(word))


def null_value():
    return Value(None, "null")


def texts_of(users, *names):
    """Texts that an attribute has, and some that none has."""
    found = [str(value) for user in users for value in values_at(user, *names)
             if isinstance(value, (str, int, float))]
    return found + ["", "zzz", "%", "_", "\\", "'", "É", "é", "a b"]


def random_custom_term(dice, users):
    name = dice.choice(["height", "brand", "tags", "nested", "mixed", "a.b", "big", "none"])
    values = [value for user in users for value in values_at(user["attributes"], name)]
    value = dice.choice(values + [170, 1.5, "nike", True, None])
    path = name if dice.random() < 0.7 else CUSTOM + ":" + name
    if dice.random() < 0.1 or isinstance(value, (dict, list)):
        return ("pr", path)
    if value is None:
        return (dice.choice(EQUALITY), path, null_value())
    if isinstance(value, bool):
        return (dice.choice(EQUALITY), path, Value(value, json.dumps(value)))
    if isinstance(value, str):
        return random_text_term(dice, path, [value])
    return (dice.choice(EQUALITY + ORDER), path, number_value(value))


def random_element_term(dice, users, name):
    sub = dice.choice(["value", "type", "primary", "display"] if name != "groups"
                      else ["value", "display", "type"])
    if dice.random() < 0.1:
        return ("pr", sub)
    if sub == "primary":
        return (dice.choice(EQUALITY), sub, truth_value(dice))
    if sub == "type":
        return random_text_term(dice, sub, ["work", "home", "direct", ""], EQUALITY + PARTS)
    if sub == "value":
        return random_text_term(dice, sub, element_values(users, name))
    return random_text_term(dice, sub, ["Group a", "group É", "Main", "x"])


def element_values(users, name):
    if name == "groups":
        return [group for user in users for group, _ in user["groups"]] + ["g"]
    column = "email" if name == "emails" else "phone"
    return [user[column] for user in users if user[column]] + [
        one.get("value", "") for user in users
        for one in values_at(user["scim"] or {}, name)
        if isinstance(one, dict) and isinstance(one.get("value", ""), str)]


def random_elements(dice, users):
    name = dice.choice(["emails", "phoneNumbers", "groups"])
    path = name if dice.random() < 0.8 else CORE + ":" + name
    kind = dice.random()
    if kind < 0.1:
        return ("pr", path)
    if kind < 0.2:
        return random_text_term(dice, path, element_values(users, name))
    if kind < 0.5:
        term = random_element_term(dice, users, name)
        return (term[0], path + "." + term[1]) + term[2:]
    inner = random_tree(dice, 2, lambda: random_element_term(dice, users, name))
    return ("element", path, inner)


def random_kept_term(dice, users):
    name = dice.choice(["name.givenName", "name.familyName", "name.formatted", "title", "locale", "name",
                        "department", "employeeNumber", "manager", "manager.value"])
    is_enterprise = name.lower() in ENTERPRISE_KEPT
    path = ENTERPRISE + ":" + name if is_enterprise else name
    if dice.random() < 0.15 or name == "name":
        return ("pr", path)
    if dice.random() < 0.1:
        return (dice.choice(EQUALITY), path, null_value())
    names = (ENTERPRISE,) + ENTERPRISE_KEPT[name.lower()] if is_enterprise \
        else KEPT[name.lower()]
    return random_text_term(dice, path, texts_of([shown(user) for user in users], *names))


def random_column_term(dice, users):
    name, column = dice.choice([
        ("id", "user_uid"), ("userName", "user_name"), ("userName", "email"),
        ("externalId", "external_id"), ("displayName", "display_name"),
        ("display_name", "display_name"), ("email", "email"), ("phone", "phone"),
        ("active", None), ("role", None), ("meta.created", "created_at"),
        ("created_at", "created_at"), ("meta.lastModified", "updated_at")])
    path = name if dice.random() < 0.9 else CORE + ":" + name
    if dice.random() < 0.05:
        return ("pr", path)
    if dice.random() < 0.05:
        return (dice.choice(EQUALITY), path, null_value())
    if name == "active":
        return (dice.choice(EQUALITY), path, truth_value(dice))
    if name == "role":
        return random_text_term(dice, path, ["user", "sub_admin", "admin"], EQUALITY + PARTS)
    if column in ("created_at", "updated_at"):
        return (dice.choice(EQUALITY + ORDER), path,
                instant_value(dice, dice.choice(users)[column]))
    return random_text_term(dice, path, [user[column] for user in users if user[column]]
                            + ["", "bob", "x@"])


def random_term(dice, users):
    kind = dice.random()
    if kind < 0.4:
        return random_column_term(dice, users)
    if kind < 0.65:
        return random_custom_term(dice, users)
    if kind < 0.85:
        return random_elements(dice, users)
    return random_kept_term(dice, users)


def random_tree(dice, depth, make_term):
    kind = dice.random()
    if depth == 0 or kind < 0.35:
        return make_term()
    if kind < 0.5:
        return ("not", random_tree(dice, depth - 1, make_term))
    return (dice.choice(["and", "or"]),
            *(random_tree(dice, depth - 1, make_term) for _ in range(dice.randrange(2, 4))))


def random_filter(dice, users):
    return random_tree(dice, dice.choice([0, 0, 1, 1, 2, 3]), lambda: random_term(dice, users))


# ---- how it is written ----


def spaces(dice):
    return dice.choice([" ", " ", " ", "  ", "\t"])


def random_case(dice, word):
    return dice.choice([word, word, word.upper(), word.capitalize()])


def random_path(dice, path):
    """Names have no case, but those of custom attributes have one."""
    schema, colon, name = path.rpartition(":")
    if schema == CUSTOM or name in ("height", "brand", "tags", "nested", "mixed", "a.b", "big",
                                    "none"):
        return path
    return random_case(dice, schema) + colon + random_case(dice, name) \
        if dice.random() < 0.2 else path


def write(dice, filter_, parent="or"):
    """The filter as a text, with parentheses where it needs them and now and then elsewhere."""
    kind = filter_[0]
    if kind in ("and", "or"):
        joint = spaces(dice) + random_case(dice, kind) + spaces(dice)
        text = joint.join(write(dice, one, kind) for one in filter_[1:])
        needs = kind == "or" and parent == "and"
    elif kind == "not":
        text = random_case(dice, "not") + dice.choice(["", " "]) + "(" \
            + write(dice, filter_[1]) + ")"
        needs = False
    elif kind == "element":
        text = f"{random_path(dice, filter_[1])}[{write(dice, filter_[2])}]"
        needs = False
    elif kind == "pr":
        text = random_path(dice, filter_[1]) + spaces(dice) + random_case(dice, "pr")
        needs = False
    else:
        text = random_path(dice, filter_[1]) + spaces(dice) + random_case(dice, kind) \
            + spaces(dice) + filter_[2].written
        needs = False
    return f"({text})" if needs or dice.random() < 0.05 else text
