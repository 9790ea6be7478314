# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""make install: what goes where."""

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
