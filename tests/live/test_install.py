# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""make install: what goes where. build/setup: what it installs, and starts nothing."""

import os
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
