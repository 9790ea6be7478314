# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""PATCH and filters of SCIM beside two packages of npm, scim-patch and scim2-parse-filter, on
random input. They do not agree in everything: each kind of difference stands here with its reason,
and a kind that does not differ any more fails."""

import json
import random
import re
import subprocess
from pathlib import Path

import pytest

from scim import ENTERPRISE
from usermgmt_env import module_path

pytestmark = [pytest.mark.database("sqlite"), pytest.mark.unsanitized]

HERE = Path(__file__).resolve().parent
MODULES = HERE.parents[1] / ".build/npm/node_modules"
WALKS = 400
STEPS = 12
FILTERS = 2000


def lines(command, entries):
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    done = subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.PIPE)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(entries)
    return found


@pytest.fixture(scope="module")
def ours():
    build = Path(module_path()).parents[1]
    program = "tests/live/print_scim"
    subprocess.run(["make", "--silent", program], cwd=build, check=True)
    return lambda entries: lines([build / program], entries)


@pytest.fixture(scope="module")
def theirs():
    if not (MODULES / "scim-patch").exists():
        raise RuntimeError("scim-patch is missing: build/setup check installs it")
    return lambda entries: lines(["node", HERE / "scim_oracle.mjs", MODULES], entries)


# ---- PATCH ----


TYPES = ["work", "home", "other"]
VALUES = ["a@x", "b@x", "c@x", "A@X"]
MANY = ["emails", "phoneNumbers"]


def element(rng):
    made = {"value": rng.choice(VALUES)}
    if rng.random() < 0.8:
        made["type"] = rng.choice(TYPES)
    if rng.random() < 0.3:
        made["display"] = rng.choice("de")
    if rng.random() < 0.2:
        made["primary"] = rng.choice([True, False])
    return made


def elements(rng):
    """Of which at most one is primary."""
    made = [element(rng) for _ in range(rng.randint(0, 3))]
    for other in made[1:]:
        other.pop("primary", None)
    return made


def some_name(rng):
    return {part: rng.choice("xyz") for part in ("givenName", "familyName", "middleName")
            if rng.random() < 0.5}


def resource(rng):
    made = {"id": "1", "userName": "ann", "title": "x", "name": some_name(rng)}
    for attribute in MANY:
        made[attribute] = elements(rng)
    if rng.random() < 0.5:
        made[ENTERPRISE] = {"department": "D"}
    return {name: value for name, value in made.items() if value}


def attribute_and_value(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(["title", "nickName", "displayName", "TITLE"]), rng.choice(["x", "y", None])
    if kind == 1:
        return rng.choice(["name.familyName", "name.givenName"]), rng.choice("xyz")
    if kind == 2:
        return "name", some_name(rng)
    if kind == 3:
        return "active", rng.choice([True, False, "True", "False"])
    return rng.choice(MANY), rng.choice([elements(rng), element(rng)])


def path_and_value(rng):
    kind = rng.randrange(8)
    many, of_type = rng.choice(MANY), rng.choice(TYPES + ["WORK"])
    if kind == 0:
        return f'{many}[type eq "{of_type}"].value', rng.choice(VALUES)
    if kind == 1:
        return f'{many}[type eq "{of_type}"].display', rng.choice("de")
    if kind == 2:
        return f'{many}[type eq "{of_type}"]', element(rng)
    if kind == 3:
        return f'{many}[value eq "{rng.choice(VALUES)}"].display', rng.choice("de")
    if kind == 4:
        return f"{ENTERPRISE}:department", rng.choice("DE")
    if kind == 5:
        return f"{ENTERPRISE}:manager", rng.choice(["7", {"value": "7"}])
    if kind == 6:
        return f"{many}.display", "d"
    return attribute_and_value(rng)


def operation(rng):
    op = rng.choice(["add", "replace", "remove", "Add", "Replace", "Remove"])
    if op.lower() != "remove" and rng.random() < 0.3:
        name, value = rng.choice([
            attribute_and_value(rng), attribute_and_value(rng), attribute_and_value(rng),
            (f"{ENTERPRISE}:department", "E"), (ENTERPRISE, {"department": "E"})])
        return {"op": op, "value": {name: value}}
    path, value = path_and_value(rng)
    if op.lower() != "remove":
        return {"op": op, "path": path, "value": value}
    if path in MANY and rng.random() < 0.5:
        return {"op": op, "path": path, "value": value}
    return {"op": op, "path": path}


def same(one, other):
    """The same value for us: without case, and of the same type if both have one."""
    return one["value"].lower() == other["value"].lower() and (
        "type" not in one or "type" not in other or one["type"].lower() == other["type"].lower())


def listed(value):
    return value if isinstance(value, list) else [value]


def matched(before, path):
    """The elements that a path with a filter selects: by us, and by them."""
    attribute, rest = path.split("[")
    name, text = rest.split(']')[0].split(" eq ")
    text = json.loads(text)
    found = [entry for entry in before.get(attribute, ()) if name in entry]
    return ([entry for entry in found if entry[name].lower() == text.lower()],
            [entry for entry in found if entry[name] == text])


def adds_primary(before, attribute, values):
    return any(value.get("primary") for value in values) and any(
        entry.get("primary") for entry in before.get(attribute, ()))


def filter_reason(before, op, path, value):
    by_us, by_them = matched(before, path)
    attribute, sub = path.split("[")[0], path.split("]")[1]
    if len(by_us) != len(by_them):
        return "types and values have no case"
    if not by_us and op != "remove":
        if op == "replace" and "[value" in path:
            return "a value that is to be replaced must be there"
        if "[value" not in path and sub == ".display":
            return "an element without a value is none"
        if not sub:
            return "an element that is missing is added, with what its filter says"
        return None
    if op != "remove" and not sub and value.get("primary"):
        return "at most one value is primary"
    if op == "remove" and sub == ".value" and by_us:
        return "an element without a value is none"
    if op == "remove" and not (by_us if sub else before.get(attribute)):
        return "a removal of nothing is no error"
    return None


def many_reason(before, op, has_path, attribute, value):
    stored, values = before.get(attribute, []), listed(value)
    if op == "remove":
        if any(entry not in values and any(same(entry, other) for other in values)
               for entry in stored):
            return "values are removed by value and type"
        return None if stored else "a removal of nothing is no error"
    if op == "replace":
        return "one value alone is a list of one" if not isinstance(value, list) else None
    if not stored and not isinstance(value, list):
        return "one value alone is a list of one"
    if any(same(entry, other) for entry in stored for other in values) or any(
            same(one, other) for i, one in enumerate(values) for other in values[:i]):
        return "a value is not added twice" if not has_path or [
            other for other in values if other not in stored] or len(values) > 1 else None
    return "at most one value is primary" if adds_primary(before, attribute, values) else None


def reason(before, entry):
    """Why the two may differ; None if they must not."""
    op, path, value = entry["op"].lower(), entry.get("path"), entry.get("value")
    has_path = path is not None
    if not has_path:
        (path, value), = value.items()
    if "[" in path:
        return filter_reason(before, op, path, value)
    if path in MANY and (op != "remove" or value is not None):
        return many_reason(before, op, has_path, path, value)
    if path == "TITLE":
        return "names have no case"
    if path == "active" and isinstance(value, str) and op != "remove":
        return "the text True is a boolean"
    if path == ENTERPRISE + ":manager" and op != "remove":
        return "a manager is an object"
    if path.endswith(".display"):
        return "a sub-attribute of all elements"
    if path == ENTERPRISE:
        return "the URN of an extension can be a name"
    if path == "name" and not has_path:
        return "an object is merged, with a path and without"
    return None


REASONS = {
    "types and values have no case",
    "a value that is to be replaced must be there",
    "an element that is missing is added, with what its filter says",
    "at most one value is primary",
    "an element without a value is none",
    "a removal of nothing is no error",
    "values are removed by value and type",
    "one value alone is a list of one",
    "a value is not added twice",
    "names have no case",
    "the text True is a boolean",
    "a manager is an object",
    "a sub-attribute of all elements",
    "the URN of an extension can be a name",
    "an object is merged, with a path and without",
}


def assigned(value):
    """Without "schemas", which follow from the rest, and without what has no value: RFC 7643,
    2.5."""
    if isinstance(value, dict):
        found = {name: assigned(member) for name, member in value.items() if name != "schemas"}
        return {name: member for name, member in found.items() if member not in (None, [], {})}
    if isinstance(value, list):
        return [assigned(member) for member in value]
    return value


def test_patch_is_that_of_scim_patch(ours, theirs):
    rng = random.Random(20)
    walks = [{"resource": resource(rng), "operations": [operation(rng) for _ in range(STEPS)]}
             for _ in range(WALKS)]
    steps = []
    for walk, results in zip(walks, ours(walks)):
        before = walk["resource"]
        for entry, result in zip(walk["operations"], results):
            steps.append((before, entry, result))
            before = result if isinstance(result, dict) else before
    others = theirs([{"resource": before, "operation": entry} for before, entry, _ in steps])
    differing, agreed = set(), 0
    for (before, entry, result), other in zip(steps, others):
        mine = assigned(result) if isinstance(result, dict) else None
        why = reason(before, entry)
        if mine == (assigned(other) if other is not None else None):
            agreed += 1
            continue
        assert why is not None, (before, entry, result, other)
        differing.add(why)
    assert differing == REASONS
    assert agreed > len(steps) / 2


# ---- filters ----


OPERATORS = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]
PATHS = ["userName", "name.familyName", "meta.created", "active", "x-y_z", "$ref",
         ENTERPRISE + ":department"]
TEXTS = ["", "x", "a b", 'a"b', "a\\b", "é", "(", "]", "not", "and"]


def comparison(rng, paths):
    path = rng.choice(paths)
    if rng.random() < 0.2:
        return f"{path} {rng.choice(['pr', 'PR'])}"
    value = rng.choice([rng.choice(TEXTS), 7, -1.5, 1e3, True, False, None])
    op = rng.choice(OPERATORS if value is not None else ["eq", "ne"])
    return f"{path} {rng.choice([op, op.upper()])} {json.dumps(value, ensure_ascii=False)}"


def some_filter(rng, depth, paths=tuple(PATHS)):
    kind = rng.randrange(7) if depth > 0 else 0
    if kind < 2:
        return comparison(rng, paths)
    inner = [some_filter(rng, depth - 1, paths) for _ in range(rng.randint(2, 3))]
    if kind == 2:
        return " and ".join(inner)
    if kind == 3:
        return " or ".join(inner)
    if kind == 4:
        return f"({inner[0]})"
    if kind == 5:
        return f"not ({inner[0]})"
    if paths != tuple(PATHS):
        return inner[0]
    element = some_filter(rng, depth - 1, ("type", "value"))
    return f"emails[{element}]" + rng.choice(["", f".{comparison(rng, ['value'])}"])


def flat(tree):
    """One form for both: and in and, or in or are one list, and a filter of an element with a
    comparison behind it (they keep that beside it, so that another element can match it) is
    within the element."""
    if tree is None or tree["op"] not in ("and", "or", "not", "[]"):
        return tree
    if tree["op"] == "not":
        return {"op": "not", "filter": flat(tree["filter"])}
    if tree["op"] == "[]":
        return {**tree, "valFilter": flat(tree["valFilter"])}
    terms = []
    for term in map(flat, tree["filters"]):
        before = terms[-1] if terms else None
        if term["op"] == tree["op"]:
            terms += term["filters"]
        elif term.get("attrPath") == "emails.value" and before["op"] == "[]":
            terms[-1] = {**before, "valFilter": flat({"op": "and", "filters": [
                before["valFilter"], {**term, "attrPath": "value"}]})}
        else:
            terms.append(term)
    return {"op": tree["op"], "filters": terms} if len(terms) > 1 else terms[0]


# What the package does not read as RFC 7644 has it.
MISREAD = {
    "a name does not begin with a dollar": r"\$ref",
    "a negative number is not read before a space or a bracket": r"-1\.5[ )]",
    "an escaped backslash is two": r"\\\\",
}


def test_filters_are_read_as_by_scim2_parse_filter(ours, theirs):
    rng = random.Random(21)
    texts = [some_filter(rng, 3) for _ in range(FILTERS)]
    entries = [{"filter": text} for text in texts]
    differing = set()
    for text, mine, other in zip(texts, ours(entries), theirs(entries)):
        if flat(mine) == flat(other):
            continue
        why = next((why for why, pattern in MISREAD.items() if re.search(pattern, text)), None)
        assert why is not None and mine is not None, (text, mine, other)
        differing.add(why)
    assert differing == set(MISREAD)


@pytest.mark.parametrize("text", ["", "a", "a eq", "a xx 1", "a eq 1 and", "(a eq 1", "a eq 1)",
                                  "a[b eq 1", "a eq \"x", "and", "not", "a eq 1 b eq 2"])
def test_what_is_no_filter_is_refused_by_both(ours, theirs, text):
    assert ours([{"filter": text}]) == [None]
    # The package stops where it has read a whole filter.
    assert theirs([{"filter": text}]) == [None] or text in ("a eq 1)", "a eq 1 b eq 2")
