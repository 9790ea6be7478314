# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The route table, read from api/routes.c. A test with a row for each route compares its
rows with this table, so it fails when a route is added."""

import re
from pathlib import Path

ROUTER = Path(__file__).resolve().parents[2] / "mod_usermgmt/api/routes.c"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def read_routes():
    """All (method, path), with * for a path's variable segment."""
    table = re.search(r"um_api_routes\[\] = \{(.*?)\n\};", ROUTER.read_text(), re.DOTALL)[1]
    found = re.findall(r'\{ "([A-Z]+)", "([^"]*)"', table)
    assert len(found) == table.count("{ ") - table.count("{ NULL"), "a line is not understood"
    assert len(found) == len(set(found)) >= 20
    return set(found)


ROUTES = read_routes()
PATHS = sorted({path for _, path in ROUTES})


def route_of(method, path):
    """The (method, path) of the table that matches a request."""
    path = path.partition("?")[0].rstrip("/")
    if path in PATHS:
        return (method, path)
    matches = [other for other in PATHS if re.fullmatch(other.replace("*", "[^/]+"), path)]
    return (method, matches[0] if len(matches) == 1 else None)


def methods_of(path):
    """The methods of a path of the table, with HEAD and OPTIONS."""
    methods = {method for method, other in ROUTES if other == path}
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
