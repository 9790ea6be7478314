# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""make install: what goes where. build/setup: what it installs, and starts nothing."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from usermgmt_env import module_path

TOP = Path(__file__).parents[2]
pytestmark = [pytest.mark.unsanitized, pytest.mark.database("sqlite")]


def make(*arguments):
    build = Path(module_path()).parents[1]
    return subprocess.run(["make", "--silent", "-C", build, *arguments], check=True, text=True,
                          capture_output=True).stdout


@pytest.fixture
def installed(tmp_path):
    make("install", f"DESTDIR={tmp_path}", "prefix=/usr", "moduledir=/usr/lib/modules")
    return tmp_path / "usr"


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_all_files_are_installed_and_removed(installed):
    share = installed / "share"
    schema = {f"mod_usermgmt/{path.relative_to(TOP)}" for path in TOP.glob("schema/*/*.sql")}
    assert len(schema) >= 6
    assert files(share) == schema | {"mod_usermgmt/invitation.mail", "man/man8/usermgmtctl.8",
                                     "bash-completion/completions/usermgmtctl"}
    assert files(installed) - {f"share/{name}" for name in files(share)} == {
        "bin/usermgmtctl", "lib/modules/mod_usermgmt.so"}
    make("uninstall", f"DESTDIR={installed.parent}", "prefix=/usr", "moduledir=/usr/lib/modules")
    assert not files(installed)


def test_the_installed_schema_is_the_one_that_is_built_in(installed, tmp_path):
    by_hand, by_tool = tmp_path / "by-hand.db", tmp_path / "by-tool.db"
    for file in sorted(installed.glob("share/mod_usermgmt/schema/sqlite/*.sql")):
        subprocess.run(["sqlite3", by_hand], input=file.read_bytes(), check=True)
    subprocess.run([installed / "bin/usermgmtctl", "--driver", "sqlite3", "--params", by_tool,
                    "schema", "create"], check=True)
    dumps = [subprocess.check_output(["sqlite3", file, ".schema"]) for file in (by_hand, by_tool)]
    assert dumps[0] == dumps[1]


def test_setup_starts_no_service_and_makes_no_cluster(tmp_path):
    """With a sudo and an apt-get that only write down what they are to do."""
    script = """#!/bin/sh
        name=${0##*/}
        [ "$name" != id ] || { echo 1000; exit; }
        [ "$name" != dpkg-query ] || exit 1
        echo "$name $*" >>"$LOG"
        [ "$name $1" != "sudo tee" ] || cat >>"$LOG"
        """
    for name in ("id", "sudo", "apt-get", "dpkg-query"):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    log = tmp_path / "log"
    subprocess.run([TOP / "build/setup", "postgresql"], check=True, capture_output=True,
                   env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "LOG": str(log)})
    lines = log.read_text().splitlines()
    install, = (number for number, line in enumerate(lines) if "apt-get install" in line)
    cluster = "/etc/postgresql-common/createcluster.d/usermgmt.conf"
    before = lines[:install]
    assert before[before.index(f"sudo tee {cluster}") + 1] == "create_main_cluster = false"
    if not Path("/usr/sbin/policy-rc.d").exists():
        assert before[before.index("sudo tee /usr/sbin/policy-rc.d") + 2] == "exit 101"
        assert "/usr/sbin/policy-rc.d" in lines[-1]
    assert " postgresql" in lines[install] and "mariadb" not in lines[install]
    assert lines[-1].startswith("sudo rm -f ") and cluster in lines[-1]


def packages_of(system):
    """The groups of packages in build/setup for one system."""
    text = (TOP / "build/setup").read_text(encoding="utf-8")
    return [group.split() for group in re.findall(
        r'"([^"$]+)"', re.search(rf"system={system}\n    packages=\$\(wanted(.*?)\)\n", text,
                               re.DOTALL)[1])]


def needed():
    """README's line to paste, and the rows of its tables."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    text = text.split("## What it needs")[1].split("\n## ")[0]
    line = re.search(r"^    apt-get install (.*?)\n\n", text, re.MULTILINE | re.DOTALL)[1]
    return line.replace("\\\n", " ").split(), [
        [re.findall(r"[a-z0-9][\w.+-]+", cell) for cell in row.split(" | ")[1:3]]
        for row in text.splitlines() if row.startswith("| ")]


def test_the_readme_has_the_packages_of_setup():
    line, rows = needed()
    groups = packages_of("debian")
    assert len(groups) == 7 and len(groups[0]) >= 15 and "libcmocka-dev" in groups[0]
    # apache2 brings apache2-bin.
    assert sorted(line) == sorted({*groups[0], "apache2"} - {"apache2-bin"})
    tables = {name for debian, _ in rows for name in debian}
    assert not {name for group in groups for name in group} - tables
    tables = {name for debian, fedora in rows for name in fedora + debian}
    assert not {name for group in packages_of("fedora") for name in group} - tables - {
        "libasan", "libubsan"}


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_setup_tells_its_purposes(option):
    done = subprocess.run([TOP / "build/setup", option], check=True, capture_output=True, text=True)
    listed = re.findall(r"^  (\w+) ", done.stdout, re.MULTILINE)
    assert done.stdout.startswith("usage: build/setup [" + "|".join(listed) + "]\n")
    assert "run" in listed and "cluster" in listed and not done.stderr


def test_setup_refuses_an_unknown_purpose():
    done = subprocess.run([TOP / "build/setup", "nothing"], check=False, capture_output=True,
                          text=True)
    assert done.returncode == 2 and not done.stdout
    assert 'unknown purpose "nothing"' in done.stderr and "usage: " in done.stderr
