# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The harness itself: it must see what it is there to see."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from usermgmt_env import Ports, in_parallel, is_bad_line, wait_for

# None of it depends on the database.
pytestmark = pytest.mark.database("sqlite")

PREFIX = "[Tue Nov 24 16:19:25.089531 2026] "


@pytest.fixture(scope="module")
def plain(make_server):
    """An httpd without the module."""
    return make_server(without=["usermgmt"], has_location=False, processes=1, threads=4,
                       extra="""
                       <Location "/closed">
                           Require all denied
                       </Location>""")


@pytest.mark.parametrize("line", [
    PREFIX + "[core:warn] [pid 1:tid 1] AH1: x",
    PREFIX + "[usermgmt:error] [pid 1:tid 1] UM0001: x",
    PREFIX + "[mpm_event:crit] [pid 1:tid 1] x",
    PREFIX + "[core:alert] [pid 1:tid 1] x",
    PREFIX + "[core:emerg] [pid 1:tid 1] x",
    PREFIX + "[core:notice] [pid 1:tid 1] AH00052: child pid 2 exit signal Segmentation fault",
    "==123==ERROR: AddressSanitizer: heap-use-after-free",
    "store.c:12:3: runtime error: signed integer overflow",
    "double free or corruption (fasttop)",
])
def test_bad_lines_are_bad(line):
    assert is_bad_line(line)


@pytest.mark.parametrize("line", [
    PREFIX + "[mpm_event:notice] [pid 1:tid 1] AH00489: resuming normal operations",
    PREFIX + "[usermgmt:info] [pid 1:tid 1] UM0048: x",
    PREFIX + "[core:trace1] [pid 1:tid 1] x",
])
def test_other_lines_are_not(line):
    assert not is_bad_line(line)


def test_an_error_in_the_log_is_seen_once(plain):
    assert plain.client(base="").get("closed/x").status == 403
    lines = wait_for(plain.unexpected_lines, 3, "the line of the refusal")
    assert len(lines) == 1 and "AH01630" in lines[0]
    assert plain.unexpected_lines() == []


def test_a_declared_error_is_let_pass(plain):
    with plain.expect_log("AH01630: client denied"):
        plain.client(base="").get("closed/x").expect(403)
    assert plain.unexpected_lines() == []


def test_a_declared_error_must_come(plain):
    with pytest.raises(AssertionError, match="AH99999"):
        with plain.expect_log("AH99999"):
            plain.client(base="").get("page.txt").expect(200)


def test_an_earlier_error_does_not_count(plain):
    plain.allow_log("AH01630")
    plain.client(base="").get("closed/x").expect(403)
    with pytest.raises(AssertionError, match="AH01630"):
        with plain.expect_log("AH01630"):
            plain.client(base="").get("page.txt").expect(200)


def test_a_core_and_a_report_are_seen(new_server):
    server = new_server(start=False, without=["usermgmt"], has_location=False)
    server.check_remains()
    for name in ("cores/core", "sanitizer/report.1", "logs/console"):
        path = server.directory / name
        path.write_text("x")
        with pytest.raises(AssertionError):
            server.check_remains()
        path.unlink()


def test_a_good_configuration_is_no_error(plain):
    with pytest.raises(AssertionError, match="was taken"):
        plain.expect_config_error(".")


def test_a_wrong_configuration_must_say_what_is_expected(new_server):
    server = new_server(start=False, without=["usermgmt"], has_location=False,
                        extra="NoSuchDirective x")
    server.expect_config_error("Invalid command 'NoSuchDirective'")
    with pytest.raises(AssertionError, match="is not in"):
        server.expect_config_error("something else")


def test_ports_are_given_once():
    made = [Ports() for _ in range(4)]
    taken = in_parallel(4, lambda index: [made[index].take() for _ in range(5)])
    flat = [port for ports in taken for port in ports]
    for ports in made:
        ports.give_back()
    assert len(set(flat)) == 20


def test_nothing_is_left_running(new_server):
    server = new_server(without=["usermgmt"], has_location=False)
    processes = [server.process.pid, *server.children()]
    assert len(processes) >= 2
    server.stop()
    assert not [pid for pid in processes if os.path.exists(f"/proc/{pid}")]


# ---- build/mutants ----

MUTANTS = Path(__file__).parents[2] / "build/mutants"

# Its test starts a process in a session of its own, and never ends.
LEAVES = """
import importlib.machinery, importlib.util, pathlib, sys
loader = importlib.machinery.SourceFileLoader("mutants", sys.argv[1])
mutants = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutants", loader))
loader.exec_module(mutants)
mutants.TREE = mutants.WORK = pathlib.Path(sys.argv[2])
mutants.TIMEOUT = 2
mutants.commands = lambda tests: [["sh", "-c", "setsid sh -c 'echo $$ > pid; sleep 600' & wait"]]
mutants.adopt()
print(mutants.run("test_nothing"))
"""


@pytest.mark.unsanitized
def test_a_mutant_leaves_no_process(tmp_path):
    """Its servers are in sessions of their own, and it is killed where its tests hang."""
    done = subprocess.run([sys.executable, "-c", LEAVES, MUTANTS, tmp_path], capture_output=True,
                          text=True, check=True, timeout=60)
    assert done.stdout == "failed\n"
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()
