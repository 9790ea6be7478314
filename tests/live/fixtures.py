# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Fixtures: servers for a module or a test, and the check of their error logs.

UM_SANITIZED=1 preloads the address sanitizer, UM_KEEP=1 keeps the servers'
directories.
"""

import os
import pathlib
import subprocess

import pytest

import databases
from usermgmt_env import Live, Server


def make_clock(directory):
    """A library to preload, and a file: once that is made, the clock is set back by an hour."""
    library = directory / "set_clock.so"
    signal_file = directory / "set-back"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, f'-DSIGNAL="{signal_file}"',
                    pathlib.Path(__file__).with_name("set_clock.c")], check=True)
    return library, signal_file


def preload_clock(server):
    """The same for a server that has not started yet; returns the file."""
    library, signal_file = make_clock(server.directory)
    server.preload.append(str(library))
    return signal_file


@pytest.fixture(scope="session")
def live():
    made = Live()
    yield made
    made.close(keep=os.environ.get("UM_KEEP") == "1")


def _factory(live, schema=databases.VERSION):
    made = []

    def make(start=True, **options):
        server = Server(live, **{"schema": schema, **options})
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
def make_server(live, request):
    """Makes servers that run until the module's last test is done."""
    yield from _factory(live, getattr(request, "param", databases.VERSION))


@pytest.fixture
def new_server(live):
    """Makes servers for one test."""
    yield from _factory(live)


@pytest.fixture(autouse=True)
def watch_logs(live):
    """A test fails on any warning or error in the log that it did not declare."""
    yield
    problems = []
    for server in live.servers:
        problems += server.unexpected_lines()
        server.expected.clear()
    assert not problems, "in the error log:\n" + "\n".join(problems)
