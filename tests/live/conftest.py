# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Fixtures: servers for a module or a test, and the watch on their error logs.

    UM_MODULE=path/mod_usermgmt.so /usr/bin/python3 -m pytest -n 2 tests/live

UM_DATABASE says which database: sqlite, postgresql or mariadb. UM_SANITIZED=1
preloads the address sanitizer, UM_KEEP=1 keeps the servers' directories, UM_SEED
sets the seed of the tests that draw lots.

A test marked database("sqlite") or database("postgresql", "mariadb") is about what
only these have, and is not selected for another; one marked unsanitized not under a
sanitizer.
"""

import os

import pytest

import databases
from usermgmt_env import SANITIZED, Live, Server, module_path


def pytest_configure(config):
    try:
        module_path()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from error
    config.addinivalue_line("markers", "database(kind...): the databases it is about")
    config.addinivalue_line("markers", "unsanitized: not for the sanitizers' build")
    # A file's tests share its servers.
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadfile"


def pytest_collection_modifyitems(config, items):
    others = [item for item in items for mark in item.iter_markers("database")
              if databases.KIND not in mark.args]
    if SANITIZED:
        others += [item for item in items if item.get_closest_marker("unsanitized")]
    if others:
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)


def pytest_report_header():
    return f"mod_usermgmt: {module_path()} on {databases.KIND}"


@pytest.fixture(scope="session")
def live():
    made = Live()
    yield made
    made.close(keep=os.environ.get("UM_KEEP") == "1")


def _factory(live):
    made = []

    def make(start=True, **options):
        server = Server(live, **options)
        made.append(server)
        return server.start() if start else server

    yield make
    problems = []
    for server in made:
        try:
            server.stop()
        except AssertionError as error:
            problems.append(str(error))
        problems += server.unexpected_lines()
        live.servers.remove(server)
    for server in made:
        server.database.drop()
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def make_server(live):
    """Makes servers that run until the module's last test is done."""
    yield from _factory(live)


@pytest.fixture
def new_server(live):
    """Makes servers for one test."""
    yield from _factory(live)


@pytest.fixture(scope="module")
def server(make_server):
    """The usual server: two processes, one Location, one database."""
    return make_server()


@pytest.fixture
def admin(server):
    client = server.admin
    yield client
    client.close()


@pytest.fixture(autouse=True)
def watch_logs(live):
    """Any warning or worse that the test did not declare fails it."""
    yield
    problems = []
    for server in live.servers:
        problems += server.unexpected_lines()
        server.expected.clear()
    assert not problems, "in the error log:\n" + "\n".join(problems)
