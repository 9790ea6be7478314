# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""build/bench: a short run from its beginning to its end, and the parts that need no run."""

import json
import os
import re
import subprocess
import sys
import xml.dom.minidom
from pathlib import Path

import pytest

from databases import KIND

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "tests/bench"))
# Behind the tests' own modules: none of the bench's may take the place of one of these.
sys.path.append(sys.path.pop(0))

import cases
import docs
import plot
import processes
import report

# It builds what it measures.
pytestmark = pytest.mark.unsanitized

BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def bench(directory, *options):
    """The standard output of a run of the smallest size."""
    done = subprocess.run(
        [TOP / "build/bench", "--db", KIND, "--users", "2k", "--seconds", "1", "--rounds", "1",
         "--output", directory, *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long("postgresql", "mariadb")
def test_a_run(tmp_path):
    printed = bench(tmp_path, "--only", "read one,organization status,delete", "--quick")
    data = json.loads((tmp_path / f"{KIND}.json").read_text())
    size, = data["sizes"]
    found = {case["name"]: case for case in size["cases"]}
    # A yardstick comes along.
    assert {"bare handler, 300 bytes", "read one", "read one, absent", "read one, 304",
            "organization status", "create", "delete"} <= set(found)
    for name, case in found.items():
        assert case["rate"] > 0 and case["refused"] == 0 and name in printed
        assert case["name"].startswith(("32 loops", "pgbench")) \
            or 0 < case["p50"] <= case["p99"] <= case["longest"]
    read = found["read one"]
    assert read["httpd"] > 0 and (read["database"] > 0) == (KIND != "sqlite")
    assert read["cost"] > found["bare handler, 300 bytes"]["cost"] * 0.8
    assert size["bulk"]["export"]["users"] >= 2000 + size["bulk"]["import"]["users"]
    assert size["bulk"]["memory"]["httpd"] > 1024 and size["cold"]["rate"] > 0
    xml.dom.minidom.parse(str(tmp_path / f"{KIND}.svg"))


@pytest.mark.long("postgresql", "mariadb")
def test_users_are_read_by_scim(tmp_path):
    printed = bench(tmp_path, "--scim")
    data = json.loads((tmp_path / f"{KIND}-scim.json").read_text())
    assert (data["users"], data["pages"]) == (2000, 20)
    for figures in data["parts"].values():
        assert figures["p50"] > 0 and figures["httpd"] > 0
        assert (figures["database"] > 0) == (KIND != "sqlite")
    assert min(data["memory"]) > 1024 and "first pages" in printed and "all 20 pages" in printed


@pytest.mark.database("sqlite")
@pytest.mark.long
def test_against_another_commit(tmp_path):
    """HEAD, as any commit is there; where there is no repository, that is told."""
    if not (TOP / ".git").exists():
        with pytest.raises(AssertionError, match="git knows no commit HEAD"):
            bench(tmp_path, "--against", "HEAD", "--only", "read one, 304")
        return
    printed = bench(tmp_path, "--against", "HEAD", "--only", "read one, 304")
    data = json.loads((tmp_path / "sqlite-against.json").read_text())
    tip, other = data["targets"]
    assert tip["name"] == "tip" and re.fullmatch("[0-9a-f]{10}", other["name"])
    assert [case["name"] for case in tip["cases"]] == [case["name"] for case in other["cases"]]
    assert all(case["first_to_this_rate"] > 0 for case in other["cases"])
    assert other["name"] in printed


def test_processor_time_is_that_of_all_below(tmp_path):
    """Of a child that works, and of one that has ended."""
    script = tmp_path / "busy.sh"
    script.write_text(f"'{sys.executable}' -c '{BUSY}'\n'{sys.executable}' -c '{BUSY}' &\n"
                      "wait\necho done\nread line\n")
    with subprocess.Popen(["sh", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        assert process.stdout.readline() == "done\n"
        assert processes.seconds(process.pid) >= 0.6
        assert len(processes.tree(os.getpid())) > 1
        assert processes.memory(process.pid)[0] > 0
        assert processes.precise_seconds(process.pid) > 0
        process.stdin.close()
    assert processes.seconds(None) == 0


def test_goals():
    assert cases.rate(0.8).met(0.81) and not cases.rate(0.8).met(0.79)
    assert cases.cost(1.3).met(1.29) and not cases.cost(1.3).met(1.31)
    assert cases.microseconds(55).met(54) and not cases.microseconds(55).met(56)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_every_yardstick_is_a_case(kind):
    names = [case.name for case in cases.all_cases(kind)]
    assert len(names) == len(set(names))
    assert {case.yardstick for case in cases.all_cases(kind)} - {None} <= set(names)
    assert set(docs.PLOTTED) <= set(names)


def test_the_plot_has_all_series():
    drawn = plot.draw("A & B", [("one", [(10000, 50.0), (1000000, 60.0)]),
                                ("two", [(10000, 700.0), (1000000, 710.0)])])
    texts = [node.firstChild.data for node
             in xml.dom.minidom.parseString(drawn).getElementsByTagName("text")]
    assert {"A & B", "one", "two", "10k", "1M", "users"} <= set(texts)


def test_figures_are_written_between_their_marks():
    text = (TOP / "docs/performance.md").read_text()
    for name in docs.MARKS:
        once = docs.replace(text, name, "| new |")
        assert once.count("| new |") == 1
        assert docs.replace(once, name, "| newer |") == docs.replace(text, name, "| newer |")
    with pytest.raises(RuntimeError, match="no mark"):
        docs.replace(text, "oracle", "")


def test_a_table_says_which_goal_is_missed():
    goal = {"figure": "rate", "limit": 0.85, "value": 0.5, "met": False}
    assert report.goal_text(goal) == "rate ≥ 0.85: missed, 0.5"
    assert report.goal_text({**goal, "met": True}) == "rate ≥ 0.85: met"
    assert report.goal_text({**goal, "value": None}) == "rate ≥ 0.85: not measured"
