# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Fixtures and options that all tests of one httpd share.

    UM_MODULE=path/mod_usermgmt.so /usr/bin/python3 -m pytest -n 2 tests/live

UM_DATABASE says which database: sqlite, postgresql or mariadb. UM_SEED sets the
seed of the tests that use random numbers.

The tests of a module with ON_OLD_SCHEMA = True run twice: on the present version of
the schema, and on the one before, because the module works with both.

A test that is marked database("sqlite") or database("postgresql", "mariadb") is selected
only for these databases. A test that does not depend on the database is marked
database("sqlite") too, so that it runs once. A test that is marked unsanitized is not selected with a
sanitizer; with UM_UNSANITIZED=1 only such tests are. A test that is marked long, or long("mariadb")
for a database, is selected there with UM_LONG=1 alone, as are, on a server, the tests of the schema
before.
"""

import os
import signal

import pytest

import contract
import databases
from fixtures import live, make_server, new_server, watch_logs  # pylint: disable=unused-import
from tables import print_tables, tell  # pylint: disable=unused-import
from usermgmt_env import SANITIZED, Client, module_path


def pytest_configure(config):
    # A run in the background may ignore these signals, and then programs that the tests
    # start would ignore them too.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    try:
        module_path()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from error
    Client.check = staticmethod(contract.check)
    config.addinivalue_line("markers", "database(kind...): the databases it is about")
    config.addinivalue_line("markers", "new_schema: about what the schema before does not have")
    config.addinivalue_line("markers", "unsanitized: not for the sanitizers' build")
    config.addinivalue_line("markers", "long(kind...): only for a run that may take long")
    # The tests of a file share its servers, so they run in one process.
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadfile"


def pytest_generate_tests(metafunc):
    if getattr(metafunc.module, "ON_OLD_SCHEMA", False) and "make_server" in metafunc.fixturenames:
        versions = [databases.VERSION]
        if not metafunc.definition.get_closest_marker("new_schema") \
                and (LONG_RUN or databases.KIND == "sqlite"):
            versions.append(databases.VERSION - 1)
        metafunc.parametrize("make_server", versions, indirect=True, scope="module",
                             ids=[f"schema{version}" for version in versions])


LONG_RUN = os.environ.get("UM_LONG") == "1"
ONLY_UNSANITIZED = os.environ.get("UM_UNSANITIZED") == "1"

# Files that take long. They begin first, so that the run does not wait for them at the end.
LONG = ["test_bench", "test_steps", "test_quickstart", "test_mail", "test_console_browser",
        "test_callers", "test_limits", "test_plans", "test_next_version", "test_parity",
        "test_faults", "test_sessions", "test_upgrades", "test_config", "test_hostile",
        "test_durability", "test_console_import", "test_csv"]


def is_left_out(item):
    is_unsanitized = item.get_closest_marker("unsanitized") is not None
    return (any(databases.KIND not in mark.args for mark in item.iter_markers("database"))
            or (SANITIZED and is_unsanitized) or (ONLY_UNSANITIZED and not is_unsanitized)
            or (not LONG_RUN and any(databases.KIND in (mark.args or [databases.KIND])
                                     for mark in item.iter_markers("long"))))


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
    others = [item for item in items if is_left_out(item)]
    if others:
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)


# Each worker tells how many requests it has checked against docs/openapi.json.
CHECKED = []


def pytest_sessionfinish(session):
    checked = sum(contract.CHECKED.values())
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["checked"] = checked
    else:
        CHECKED.append(checked)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    CHECKED.append(getattr(node, "workeroutput", {}).get("checked", 0))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(
        f"{sum(CHECKED):,} requests and answers agree with docs/openapi.json")
    print_tables(terminalreporter)


def pytest_report_header():
    return f"mod_usermgmt: {module_path()} on {databases.KIND}"


@pytest.fixture(scope="module")
def server(make_server):
    """The usual server: two processes, one Location, one database."""
    return make_server()


@pytest.fixture
def admin(server):
    client = server.admin
    yield client
    client.close()
