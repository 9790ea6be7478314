# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Checks requests and their answers against docs/openapi.json. Client.send() calls check() for
each request of the live tests to the API, so the document can't say anything else than the
service does."""

import collections
import functools
import json
import re
import urllib.parse
from pathlib import Path

import fastjsonschema

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "docs/openapi.json")
                      .read_text(encoding="utf-8"))
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = {(method.upper(), path): operation for path, item in DOCUMENT["paths"].items()
              for method, operation in item.items()}
# How many requests were checked, by operationId.
CHECKED = collections.Counter()
# Of a stream only the first lines are checked.
LINES = 100


def as_json_schema(schema):
    """The same in JSON Schema of draft 7, which has null as a type and no examples here."""
    if isinstance(schema, list):
        return [as_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: as_json_schema(value) for name, value in schema.items()
            if name not in ("nullable", "example", "description", "default")
            or isinstance(value, dict)}
    if schema.get("nullable") is True:
        made["type"] = [made["type"], "null"]
    if "$ref" in made:
        made["$ref"] = made["$ref"].replace("#/components/schemas/", "#/definitions/")
    return made


DEFINITIONS = as_json_schema(DOCUMENT["components"]["schemas"])


@functools.lru_cache(maxsize=None)
def validator(text):
    """Of a schema as text."""
    return fastjsonschema.compile({"$schema": "http://json-schema.org/draft-07/schema#",
                                   "definitions": DEFINITIONS, **json.loads(text)})


def validate(schema, value, where):
    try:
        validator(json.dumps(as_json_schema(schema)))(value)
    except fastjsonschema.JsonSchemaException as error:
        raise AssertionError(f"docs/openapi.json: {where}: {error.message}\n{value!r:.1000}") \
            from error


def resolved(part):
    """What a reference to a component leads to."""
    while "$ref" in part:
        _, _, kind, name = part["$ref"].split("/")
        part = DOCUMENT["components"][kind][name]
    return part


@functools.lru_cache(maxsize=None)
def pattern(path):
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))


@functools.lru_cache(maxsize=4096)
def path_of(path):
    """The path of the document for one of a request; None if there is none. Fixed segments go
    before variable ones."""
    found = [known for known in DOCUMENT["paths"] if pattern(known).fullmatch(path)]
    return min(found, key=lambda known: "{" in known, default=None)


def check_query(operation, query, where):
    known = {resolved(one)["name"]: resolved(one)["schema"]
             for one in operation.get("parameters", ()) if resolved(one)["in"] == "query"}
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        assert name in known, f"docs/openapi.json: {where}: has no parameter {name}"
        if known[name]["type"] == "string":
            validate(known[name], value, f"{where}: {name}")


def check_body(content, content_type, raw, where):
    kind = (content_type or "").partition(";")[0]
    assert kind in content, f"docs/openapi.json: {where}: has no {kind or 'answer without body'}"
    if kind == "text/csv":
        validate(content[kind]["schema"], raw.decode(), where)
        return
    texts = raw.split(b"\n")[:-1][:LINES] if kind == "application/x-ndjson" else [raw]
    for text in texts:
        validate(content[kind]["schema"], json.loads(text), where)


def check_answer(operation, answer, has_body, where):
    responses = operation["responses"]
    assert str(answer.status) in responses or answer.status >= 400, \
        f"docs/openapi.json: {where}: has no such status"
    response = resolved(responses.get(str(answer.status), responses["default"]))
    if "content" in response and has_body:
        check_body(response["content"], answer.headers.get("Content-Type"), answer.raw, where)
    else:
        assert answer.raw == b"", where


def check_request(operation, body, where):
    """Of a request that was taken: the document must allow it."""
    request = operation.get("requestBody")
    if request is None or not body:
        assert request is None or not request["required"], f"docs/openapi.json: {where}: no body"
        return
    validate(request["content"]["application/json"]["schema"], json.loads(body), where)


def check(method, path, body, answer):
    """path is below the base, with its query; body is bytes or None."""
    path, _, query = path.partition("?")
    decoded = urllib.parse.unquote(path)
    if decoded.startswith("/console"):
        # Pages, which are no part of the API.
        return
    if {".", ".."} & set(decoded.split("/")):
        # httpd resolves them, so the request is to another path.
        return
    known = path_of(decoded.rstrip("/") or "/")
    operation = OPERATIONS.get(("GET" if method == "HEAD" else method, known))
    where = f"{method} {path} {answer.status}"
    if operation is None:
        assert answer.status >= 400 or method == "OPTIONS", f"docs/openapi.json: {where}: unknown"
        return
    # httpd itself encodes answers, and cuts ranges out of them.
    if "Content-Encoding" in answer.headers or answer.status == 206:
        return
    CHECKED[operation["operationId"]] += 1
    check_answer(operation, answer, method != "HEAD", where)
    if answer.status < 400:
        check_query(operation, query, where)
        if answer.status in (200, 201):
            check_request(operation, body, where)
