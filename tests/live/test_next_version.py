# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A module that has a version of the schema more than this one: what of it needs the new
tables waits for the upgrade, and all the rest serves. It is built from a copy of the sources
with a made-up version and statements on its tables."""

import fcntl
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from databases import KIND, VERSION
from usermgmt_env import module_path
from usermgmtctl import DatabaseOf

ROOT = Path(__file__).parents[2]
NEXT = VERSION + 1
KINDS = ("sqlite", "postgresql", "mariadb")

TABLES = """
CREATE TABLE made_up_sessions (
    org_id BIGINT NOT NULL,
    session_uid VARCHAR(20) NOT NULL PRIMARY KEY,
    user_uid VARCHAR(20) NOT NULL,
    activity VARCHAR(200) NOT NULL,
    started_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    reported BIGINT NOT NULL
);

CREATE TABLE made_up_activities (
    org_id BIGINT NOT NULL,
    activity VARCHAR(200) NOT NULL,
    last_used_at BIGINT NOT NULL
);

INSERT INTO schema_version (version, applied_at) VALUES (%d, 1);
""" % NEXT


def write(path, text):
    """Write the file if its text differs, so that make does not build it again."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def replaced(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    return text.replace(old, new)


def move(path, statement, table):
    """Have a statement of a file use a made-up table."""
    text = path.read_text()
    found = re.search(rf"-- name: {statement}\n(.*?)(?=\n\n)", text, re.DOTALL)
    assert found.group(1).count(table) == 1, found.group()
    moved = found.group(1).replace(table, "made_up_" + table)
    return text.replace(found.group(), f"-- name: {statement}\n-- since: {NEXT}\n{moved}")


def changed_files():
    """The files of the copy that differ, and the new ones, by their path."""
    queries = ROOT / "mod_usermgmt/db/queries"
    schema = ROOT / "mod_usermgmt/db/schema.h"
    made = {queries / "sessions.sql": move(queries / "sessions.sql", "session_insert", "sessions"),
            queries / "organizations.sql": move(queries / "organizations.sql",
                                                "organization_status", "activities"),
            schema: replaced(schema, f"#define UM_SCHEMA_VERSION {VERSION}\n",
                             f"#define UM_SCHEMA_VERSION {NEXT}\n")}
    made.update({ROOT / f"schema/{kind}/{NEXT:04}-made-up.sql": TABLES for kind in KINDS})
    return {path.relative_to(ROOT): text for path, text in made.items()}


def copy_sources(to):
    """Copy files that are newer, so that make builds no more than it must."""
    changed = changed_files()
    for name in ("build", "console", "docs", "mod_usermgmt", "schema", "configure", "configure.ac",
                 "aclocal.m4", "Makefile.am", "Makefile.in", "autoconf.h.in", "tests"):
        for path in [ROOT / name, *(ROOT / name).rglob("*")]:
            target = to / path.relative_to(ROOT)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            elif path.relative_to(ROOT) not in changed and path.suffix not in (".o", ".lo", ".la") \
                    and (not target.exists()
                         or target.stat().st_mtime_ns != path.stat().st_mtime_ns):
                shutil.copy2(path, target)
    for path, text in changed.items():
        write(to / path, text)


def options():
    """Those that the module was configured with."""
    status = Path(module_path()).parents[1] / "config.status"
    return subprocess.check_output([status, "--config"], text=True) if status.exists() else ""


def build(directory):
    source, objects = directory / "source", directory / "objects"
    copy_sources(source)
    objects.mkdir(exist_ok=True)
    if not (objects / "config.status").exists():
        subprocess.run(["sh", "-c", f"eval ../source/configure --quiet {options()}"], cwd=objects,
                       check=True)
    schema = [f"{kind.upper()}_SCHEMA=" + " ".join(
        str(path) for path in sorted((source / "schema" / kind).glob("*.sql"))) for kind in KINDS]
    subprocess.run(["make", "-s", "-j2", *schema, "AUTOMAKE=:", "ACLOCAL=:", "AUTOCONF=:"],
                   cwd=objects, check=True, stdout=subprocess.DEVNULL)
    return objects


@pytest.fixture(scope="module", name="objects")
def _objects():
    """Where the module of the next version was built. It is kept beside the present one."""
    directory = Path(module_path()).parents[1] / "next-version"
    directory.mkdir(exist_ok=True)
    with open(directory / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield build(directory)


class Next:
    """A server with the next version's module, and its tool."""

    def __init__(self, new_server, objects):
        self.program = objects / "usermgmtctl"
        self.server = new_server(start=False, module=objects / ".libs/mod_usermgmt.so",
                                 pool={"UserMgmtAutoSchema": "Off"})
        self.server.database.make()
        if KIND == "sqlite":
            self.server.database.apply_schema()
            self.server.database.path.chmod(0o666)
        self.server.start()

    def tool(self, *arguments):
        return DatabaseOf(self.server).run(*arguments, program=self.program)


def use_the_rest(admin, number):
    """Changes and reads of what was there before."""
    user = admin.create(f"u{number}@next.example.com", "Zoë")
    admin.ask("PUT", "users/" + user["user_uid"], {"n": number}).expect(200)
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    token = admin.post("invitations/", {"email": f"i{number}@next.example.com"}).expect(
        201).json["invitation"]["invite_token"]
    admin.delete("invitations/" + token).expect(200)
    admin.get("users/").expect(200)
    admin.get("sessions/").expect(200)
    return user


def test_what_needs_new_tables_waits_for_the_upgrade(new_server, objects):
    made = Next(new_server, objects)
    server, admin = made.server, made.server.admin
    user = use_the_rest(admin, 1)
    session = {"user_uid": user["user_uid"], "activity": "running"}
    with server.expect_log(f"UM0085: schema: session_insert needs version {NEXT}, the database"
                           f" has version {VERSION}; .*schema upgrade"):
        admin.post("sessions/", session).expect_problem(503, "unavailable")
    server.allow_log(f"UM0085: schema: organization_status needs version {NEXT}")
    admin.get("organization-status/").expect_problem(503, "unavailable")
    # Neither took the connection with it, nor left anything behind.
    use_the_rest(admin, 2)
    assert "UM0001" not in server.log_text()
    made.tool("schema", "verify").expect(0, f"2 more need version {NEXT}")
    made.tool("schema", "upgrade").expect(0)
    # Without a restart.
    admin.post("sessions/", session).expect(201)
    assert server.sql("SELECT activity FROM made_up_sessions") == [("running",)]
    admin.get("organization-status/").expect(200)
    use_the_rest(admin, 3)
    assert "more need" not in made.tool("schema", "verify").expect(0, r"(\d+) of \1 st").err
