# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""build/quickstart: a service on a database of its own, started, ended, killed."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import pymysql
import pytest

import databases
from usermgmt_env import Client, module_path, wait_for

TOP = Path(__file__).parents[2]
# It runs what is built: under a sanitizer its shell would have to run so too.
pytestmark = pytest.mark.unsanitized

# What both database servers have in common is looked at with one of them.
on_one_server = pytest.mark.long("mariadb")
server_only = pytest.mark.database("postgresql", "mariadb")
# The processes of both servers are started and ended by the same lines.
one_server = pytest.mark.database("sqlite", "postgresql")
# In which no socket can be.
LONG = "a, 'long' path; " + 60 * "x"
DATA = {"sqlite": "usermgmt.db", "postgresql": "postgresql", "mariadb": "mariadb"}


def state_of(pid):
    """Its state and what follows in the file of that name; nothing if it is not there."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_there(pid):
    """A process that has ended and waits to be asked for its status is not."""
    state = state_of(pid)
    return bool(state) and state[0] != "Z"


class Begun(subprocess.Popen):
    """A run of build/quickstart; what it has said so far can be read."""

    def __init__(self, command, **settings):
        self.file = tempfile.TemporaryFile()  # pylint: disable=consider-using-with
        super().__init__(command, stdin=subprocess.DEVNULL, stdout=self.file,
                         stderr=subprocess.STDOUT, start_new_session=True, **settings)

    def said(self):
        return os.pread(self.file.fileno(), 1 << 20, 0).decode()

    def wait_to_say(self, text):
        wait_for(lambda: text in self.said() or self.poll() is not None, 60, text)
        assert text in self.said(), self.said()


class Quickstart:
    """One DIR."""

    def __init__(self, live, directory):
        self.directory = directory
        self.top = TOP
        self.build = Path(module_path()).parents[1]
        self.port = live.ports.take()
        self.base = "/user-management"
        self.starts = 0
        self.process = None
        self.begun = []
        self.pids = set()

    def command(self, *arguments, kind=databases.KIND):
        return [str(self.top / "build/quickstart"), "--dir", str(self.directory),
                "--build", str(self.build),
                *(("--db", kind) if kind else ()), *arguments]

    def run(self, *arguments, kind=databases.KIND, **settings):
        return subprocess.run(self.command(*arguments, kind=kind), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=300, check=False, **settings)

    def start(self, *arguments):
        """In the background."""
        done = self.run("--background", "--port", str(self.port), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.started()

    def begin(self, *arguments, **settings):
        """A run that is not waited for."""
        self.begun.append(Begun(self.command(*arguments), **settings))
        return self.begun[-1]

    def programs(self):
        """A folder of programs that are found before others."""
        programs = self.directory.with_name("programs")
        programs.mkdir(exist_ok=True)
        return programs

    def with_programs(self):
        return {**os.environ, "PATH": f"{self.programs()}:{os.environ['PATH']}"}

    def with_program(self, name, target):
        """The environment in which a program is another one."""
        (self.programs() / name).symlink_to(target)
        return self.with_programs()

    def start_in_foreground(self, **settings):
        self.process = self.begin("--port", str(self.port), **settings)
        self.process.wait_to_say("Running until interrupted")
        return self.started()

    def begin_without_end(self):
        """A start that never hears that its httpd answers."""
        start = self.begin("--port", str(self.port), env=self.with_program("curl", "/bin/false"))
        wait_for((self.directory / "listening.pid").exists, 60, "httpd runs")
        return start

    def started(self):
        self.starts += 1
        service = self.service()
        assert service["database"]["kind"] == databases.KIND
        self.pids.add(service["httpd_pid"])
        if databases.KIND != "sqlite":
            self.pids.add(service["database"]["pid"])
        assert all(is_there(pid) for pid in self.pids)
        return self

    def service(self):
        return json.loads((self.directory / "service.json").read_text())

    def client(self, role="admin"):
        account, = [account for account in self.service()["accounts"] if account["role"] == role]
        return Client(self, account["login"], account["password"])

    def wait_for_all_to_end(self):
        wait_for(lambda: not any(is_there(pid) for pid in self.pids), 30, "all has ended")
        self.pids.clear()
        wait_for(lambda: not self.named(), 10, "nothing of it is left")

    def named(self):
        """The processes that have DIR among their arguments."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if os.fsencode(self.directory) in path.read_bytes():
                    found.append(int(path.parent.name))
        return found

    def kill(self):
        """SIGKILL for all, at once."""
        for pid in self.named():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(os.getpgid(pid), signal.SIGKILL)
        for process in self.begun:
            process.wait(10)
            process.file.close()
        self.begun.clear()

    def error_log(self):
        return [line for line in (self.directory / "error.log").read_text().splitlines()
                if not re.search(r":(notice|info)\] ", line)]

    def files(self):
        """All that is there, as it is."""
        return {path: path.read_bytes() if path.is_file() else None
                for path in self.directory.rglob("*")}


@pytest.fixture
def quickstart(live):
    made = []

    def make(name="run"):
        made.append(Quickstart(live, live.new_directory() / name))
        return made[-1]

    yield make
    for one in made:
        one.run("--stop", kind=None)
        one.kill()
        shutil.rmtree(one.directory)


def test_it_starts_ends_and_goes_on(quickstart):
    one = quickstart().start()
    assert one.client("none").get("users/").status == 403
    assert one.client("sub_admin").get("users/").status == 200
    uid = one.client().create("élan@example.com", "Élan 🏃", height=175)["user_uid"]
    held = [os.readlink(file) for pid in one.pids for file in Path(f"/proc/{pid}/fd").iterdir()]
    assert held and not [file for file in held if file.endswith("/lock")]
    assert one.directory.joinpath("service.json").stat().st_mode & 0o077 == 0
    assert one.directory.joinpath("data", DATA[databases.KIND]).stat().st_mode & 0o077 == 0
    users = subprocess.check_output([one.directory / "usermgmtctl", "--config",
                                     one.directory / "httpd.conf", "users", "export"])
    assert uid in [json.loads(line)["user_uid"] for line in users.splitlines()]

    again = one.run("--background", "--port", str(one.port), kind=None)
    assert again.returncode == 0 and "Already running" in again.stdout
    assert "ends with" not in again.stdout
    assert one.run("--stop", kind=None).returncode == 0
    one.wait_for_all_to_end()
    service = one.service()
    assert service["httpd_pid"] is None and service["database"]["pid"] is None
    assert "Nothing runs" in one.run("--stop").stdout

    one.start_in_foreground()
    again = one.run("--background").stdout
    assert "Already running" in again and f"ends with process {one.process.pid}." in again
    assert one.client().read(uid)["display_name"] == "Élan 🏃"
    assert one.client().get("users/").json["query_count"] == 2
    # As a terminal does: the whole group gets it.
    os.killpg(one.process.pid, signal.SIGINT)
    assert one.process.wait(60) == 0
    assert one.process.said().endswith("\nStopped.\n")
    one.wait_for_all_to_end()
    assert one.service()["httpd_pid"] is None
    assert not one.error_log()


@one_server
@on_one_server
def test_what_was_killed_goes_on(quickstart):
    one = quickstart().start_in_foreground()
    client = one.client()
    uids = [client.create(f"user{number}@example.com")["user_uid"] for number in range(20)]
    one.kill()
    one.wait_for_all_to_end()
    # By now another process may have the number of one that was killed.
    (one.directory / "httpd.pid").write_text(f"{os.getpid()}\n")
    one.start()
    assert {user["user_uid"] for user in one.client().everyone(role="user")} == set(uids)


@one_server
@on_one_server
def test_a_start_that_nobody_listens_to(quickstart):
    one = quickstart().start()
    # The next start says nothing before it is up.
    one.run("--stop")
    one.pids.clear()
    reader, writer = os.pipe()
    os.close(reader)
    command = one.command("--background", "--port", str(one.port))
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=writer, timeout=300, check=False)
    os.close(writer)
    assert one.started().client().get("users/").status == 200


@one_server
def test_a_start_with_nothing_open(quickstart):
    one = quickstart()
    command = one.command("--background", "--port", str(one.port))
    subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], timeout=300, check=True)
    assert one.started().client().get("users/").status == 200
    assert not one.error_log()


@one_server
@pytest.mark.parametrize("kill, missing", [(os.killpg, ()), (os.kill, ("lock", "started_by"))])
@on_one_server
def test_nothing_outlives_it(quickstart, kill, missing):
    one = quickstart().start_in_foreground()
    for name in missing:
        (one.directory / name).unlink()
    kill(one.process.pid, signal.SIGKILL)
    one.process.wait(10)
    one.wait_for_all_to_end()
    assert one.start().client().get("users/").status == 200


@one_server
@on_one_server
def test_what_a_terminal_sends_to_its_group(quickstart):
    one = quickstart().start_in_foreground()
    os.killpg(one.process.pid, signal.SIGWINCH)
    time.sleep(0.5)
    assert one.client().get("users/").status == 200
    os.killpg(one.process.pid, signal.SIGHUP)
    assert one.process.wait(20) == 0 and one.process.said().endswith("\nStopped.\n")
    one.wait_for_all_to_end()

    one.start_in_foreground()
    os.killpg(one.process.pid, signal.SIGSTOP)
    stop = one.begin("--stop")
    assert stop.wait(15) == 0 and "Stopped what ran" in stop.said()
    assert not any(is_there(pid) for pid in one.pids)
    os.killpg(one.process.pid, signal.SIGCONT)
    assert one.process.wait(10) == 0 and one.process.said().endswith("\nStopped.\n")
    one.wait_for_all_to_end()


@one_server
@on_one_server
def test_where_nothing_tells_that_it_was_killed(quickstart):
    """An older setpriv: the next start, or --stop, ends what is left."""
    one = quickstart()
    setpriv = one.programs() / "setpriv"
    setpriv.write_text(f"""#!/bin/sh
        [ "$1" != --pdeathsig ] || exit 1
        exec {shutil.which("setpriv")} "$@"\n""")
    setpriv.chmod(0o755)
    for _ in range(2):
        one.start_in_foreground(env=one.with_programs())
        one.process.kill()
        one.process.wait(10)
        time.sleep(0.5)
        assert all(is_there(pid) for pid in one.pids)
        one.pids.clear()
    assert "Ending processes that an earlier start left running" in one.process.said()
    assert "Stopped what ran" in one.run("--stop").stdout
    one.wait_for_all_to_end()


@one_server
@on_one_server
def test_its_directory_is_removed(quickstart):
    one = quickstart(LONG).start_in_foreground()
    sockets = one.directory.joinpath("socket").resolve()
    assert sockets.is_dir() == (databases.KIND != "sqlite")
    shutil.rmtree(one.directory)
    os.killpg(one.process.pid, signal.SIGINT)
    assert one.process.wait(20) == 0 and one.process.said().endswith("\nStopped.\n")
    one.wait_for_all_to_end()
    assert not sockets.exists()
    one.directory.mkdir()


@one_server
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT])
@on_one_server
def test_it_is_interrupted_before_httpd_answers(quickstart, number):
    one = quickstart()
    start = one.begin_without_end()
    time.sleep(0.3)
    os.killpg(start.pid, number)
    assert start.wait(20) == 0 and start.said().endswith("Stopped.\n"), start.said()
    one.wait_for_all_to_end()


@one_server
@on_one_server
def test_httpd_is_killed_and_its_children_are_not(quickstart):
    one = quickstart().start()
    os.kill(one.service()["httpd_pid"], signal.SIGKILL)
    done = one.run("--background", "--port", str(one.port))
    assert done.returncode == 0 and "Already running" not in done.stdout, done.stdout + done.stderr
    one.pids.clear()
    assert one.started().client().get("users/").status == 200
    os.kill(one.service()["httpd_pid"], signal.SIGKILL)
    assert "Stopped what ran" in one.run("--stop").stdout
    one.wait_for_all_to_end()

    one.start_in_foreground()
    os.kill(one.service()["httpd_pid"], signal.SIGKILL)
    assert one.process.wait(20) == 1 and "httpd ended with status 137" in one.process.said()
    one.wait_for_all_to_end()


@one_server
@on_one_server
def test_what_ignores_that_it_is_to_end(quickstart):
    one = quickstart().start()
    for pid in one.pids:
        os.kill(pid, signal.SIGSTOP)
    # So that it soon loses patience.
    done = one.run("--stop", env=one.with_program("sleep", "/bin/true"))
    assert done.returncode == 0, done.stderr
    one.wait_for_all_to_end()


@server_only
def test_its_database_server_is_ended_where_httpd_was_killed(quickstart):
    one = quickstart().start()
    httpd = one.service()["httpd_pid"]
    os.killpg(os.getpgid(httpd), signal.SIGKILL)
    wait_for(lambda: not is_there(httpd), 10, "httpd is killed")
    assert one.run("--stop").returncode == 0
    one.wait_for_all_to_end()


@server_only
@on_one_server
def test_it_changes_nothing_that_a_link_leads_to(quickstart):
    one = quickstart().start()
    kept = one.directory / "other" / "kept"
    kept.parent.mkdir()
    kept.write_text("what is there")
    (one.directory / "socket").symlink_to(kept.parent)
    (one.directory / "data" / "mariadb.sql").symlink_to(kept)
    # Whatever --db says, what runs is what is ended.
    other, = {"postgresql", "mariadb"} - {databases.KIND}
    assert one.run("--stop", kind=other).returncode == 0
    one.wait_for_all_to_end()
    assert not (one.directory / "socket").is_symlink()
    assert kept.read_text() == "what is there"
    one.start()
    assert kept.read_text() == "what is there"
    assert kept.stat().st_uid == os.getuid()


@one_server
@on_one_server
def test_a_start_and_a_stop_wait_for_another(quickstart):
    one = quickstart().start()

    def files():
        # A database server writes to its own whenever it wants.
        return {path: held for path, held in one.files().items()
                if one.directory / "data" not in path.parents}

    with open(one.directory / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = files()
        stop = one.begin("--stop")
        stop.wait_to_say("Waiting for another start or stop")
        start = one.begin("--background")
        start.wait_to_say("Waiting for another start or stop")
        assert files() == before and all(is_there(pid) for pid in one.pids)
    assert stop.wait(60) == 0 and start.wait(60) == 0
    assert "Stopped what ran" in stop.said()


@pytest.mark.database("sqlite")
def test_starts_and_stops_that_overlap(quickstart):
    """Each start comes while the one before it ends, and its stop ever later in it."""
    one = quickstart().start()
    accounts = one.service()["accounts"]
    assert one.run("--stop").returncode == 0
    for number in range(14):
        start = one.begin("--port", str(one.port))
        if number % 2:
            start.wait_to_say("Running until interrupted")
        else:
            time.sleep(number * 0.1)
        said = ""
        while "Stopped what ran" not in said:
            stop = one.run("--stop")
            said = stop.stdout
            assert stop.returncode == 0 and not stop.stderr, stop.stderr
        assert one.service()["accounts"] == accounts
        assert one.service()["httpd_pid"] is None
    for start in one.begun:
        assert start.wait(30) == 0 and start.said().endswith("\nStopped.\n"), start.said()
    assert one.service()["accounts"] == accounts


@on_one_server
def test_the_api_keys(quickstart):
    """They are made once, and told in service.json; one of them is printed."""
    one = quickstart().start()
    keys = one.service()["api_keys"]
    assert [(key["permissions"][:2] if "permissions" in key else key["role"]) for key in keys] == [
        ["scim", "sub-admins:manage"], ["scim"], "admin"]
    stored = one.client().get("api-keys/").json["api_keys"]
    assert sorted(key["key_id"] for key in stored) == sorted(key["key"][4:16] for key in keys)
    for key in keys:
        [found] = [other for other in stored if other["key_id"] == key["key"][4:16]]
        assert found["name"] == key["name"] and found["status"] == "active"
        assert found["role"] == key.get("role", "none")
        assert set(found["permissions"]) >= set(key.get("permissions", ["users:read"]))
        with_key = Client(one, headers={"Authorization": "Bearer " + key["key"]})
        assert with_key.get("me/").expect(200).json["permissions"] == found["permissions"]
    said = one.run("--background").stdout
    assert "Already running" in said and f"API key    admin       {keys[2]['key']}" in said
    assert one.run("--stop").returncode == 0
    one.wait_for_all_to_end()
    # Those of a service.json of before there were keys are made now.
    path = one.directory / "service.json"
    path.write_text(re.sub(r'\n  \{"name": "scim".*', "", path.read_text()))
    one.start()
    again = one.service()["api_keys"]
    assert [again[0], again[2]] == [keys[0], keys[2]] and again[1]["key"] != keys[1]["key"]
    assert one.client().get("api-keys/").json["query_count"] == 4


@one_server
def test_a_start_behind_one_that_is_killed_in_its_start(quickstart):
    one = quickstart()
    start = one.begin_without_end()
    behind = one.begin("--port", str(one.port))
    behind.wait_to_say("Waiting for another start or stop")
    start.kill()
    behind.wait_to_say("Running until interrupted")
    one.started()
    time.sleep(3)
    assert one.client().get("users/").status == 200
    assert "Already running" not in behind.said()


@one_server
@on_one_server
def test_a_start_at_once_after_one_that_was_killed(quickstart):
    one = quickstart().start_in_foreground()
    client, pids = one.client(), set(one.pids)
    uid = client.create("ann@example.com")["user_uid"]
    one.process.kill()
    done = one.run("--background", "--port", str(one.port))
    assert done.returncode == 0 and "Already running" not in done.stdout, done.stdout + done.stderr
    assert not any(is_there(pid) for pid in pids)
    one.pids.clear()
    assert one.started().client().read(uid)


@pytest.mark.database("sqlite")
def test_a_start_with_other_options_while_it_runs_is_refused(quickstart):
    one = quickstart().start()
    account = one.service()["accounts"][0]
    for option, same, other in (("--port", one.port, one.port + 1),
                                ("--admin", account["login"], "boss@example.com"),
                                ("--password", account["password"], "another")):
        assert one.run("--background", option, str(same), kind=None).returncode == 0
        refused = one.run("--background", option, str(other), kind=None)
        assert refused.returncode == 1 and "curl" not in refused.stdout
        assert f"another value for {option}: --stop it first" in refused.stderr
    assert one.client().get("users/").status == 200
    assert one.run("--stop").returncode == 0
    one.wait_for_all_to_end()
    one.start("--admin", "boss@example.com")
    assert one.service()["accounts"][0]["login"] == "boss@example.com"
    assert one.client().get("users/").status == 200


@pytest.mark.database("sqlite")
def test_the_lines_that_it_prints_can_be_pasted(quickstart):
    one = quickstart()
    said = one.run("--background", "--port", str(one.port), "--password", "it's \"$1\" \\ #").stdout
    one.started()
    lines = [line for line in said.splitlines() if re.match("  [a-z]", line)]
    assert lines[0].startswith("  api=http://127.0.0.1:") and len(lines) == 7
    answers = subprocess.run(["sh", "-eu"], input="\necho\n".join(lines), capture_output=True,
                             text=True, check=True).stdout.split("\n")
    made, listed = json.loads(answers[3])["userData"], json.loads(answers[4])
    assert json.loads(answers[2])["user_count"] == 1
    assert made["height"] == 175 and made in listed["users"]
    assert json.loads(answers[6])["role"] == "admin"


@pytest.mark.database("sqlite")
def test_health_and_metrics_are_served(quickstart):
    one = quickstart().start()
    for name, word in [("health_url", '"status":"ok"'), ("metrics_url", "usermgmt_build_info{")]:
        url = one.service()[name]
        assert url.startswith(f"http://127.0.0.1:{one.port}/")
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert word in answer.read().decode()
        assert url in one.run("--background").stdout


@pytest.mark.database("sqlite")
def test_scim_is_served(quickstart):
    one = quickstart().start()
    url = one.service()["scim_url"]
    assert url == f"http://127.0.0.1:{one.port}/scim/v2"
    for key in one.service()["api_keys"]:
        request = urllib.request.Request(url + "/ServiceProviderConfig", headers={
            "Authorization": "Bearer " + key["key"]})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["meta"]["location"] == request.full_url
    assert f"SCIM       {url}\n" in one.run("--background").stdout


@pytest.mark.database("sqlite")
def test_the_console_is_served(quickstart):
    one = quickstart().start()
    url = one.service()["console_url"]
    assert url == f"http://127.0.0.1:{one.port}/user-management/console/"
    assert b'<script type="module" src="console.js">' in one.client().get("console/").raw
    # The URL to begin with is the first line of the service.
    printed = one.run("--background").stdout.partition("\n\n")[2]
    assert printed.splitlines()[0].split() == ["Console", url]


@pytest.mark.database("sqlite")
def test_directives_of_your_own(quickstart):
    one = quickstart()
    (one.directory / "conf.d").mkdir(parents=True)
    one.directory.chmod(0o755)
    (one.directory / "conf.d/limit.conf").write_text("""<Location "/user-management">
        UserMgmtMaxBody 1024\n</Location>\n""")
    (one.directory / "conf.d/note.txt").write_text("This is no directive.\n")
    body = {"email": "ann@example.com", "display_name": "Ann", "note": 1100 * "x"}
    assert one.start().client().post("users/", body).status == 413


@pytest.mark.database("sqlite")
@pytest.mark.long
def test_a_source_tree_that_is_configured_itself(quickstart, tmp_path, monkeypatch):
    # Faster to compile.
    monkeypatch.setenv("CFLAGS", "-O0")
    tree = tmp_path / "tree"
    shutil.copytree(TOP, tree, ignore=lambda folder, _: {".git", ".build", "run"}
                    if Path(folder) == TOP else set())
    subprocess.run(["./configure", "--quiet"], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    # Taken for what is to be built, these would make the build fail.
    (tree / "mod_usermgmt/db/schema_sqlite.c").write_text("#error old\n")
    (tree / "mod_usermgmt/base/libusermgmt_la-text.lo").write_text("old\n")
    one = quickstart()
    one.top, one.build = tree, tmp_path / "build"
    assert one.start().client().get("users/").status == 200
    assert not (tree / ".libs").exists()


@pytest.mark.database("sqlite")
def test_a_relative_directory_and_cdpath(quickstart):
    one = quickstart()
    one.directory.mkdir(mode=0o755)
    other = one.directory.with_name("other")
    (other / one.directory.name).mkdir(parents=True)
    done = one.run("--stop", "--dir", one.directory.name, cwd=one.directory.parent,
                   env={**os.environ, "CDPATH": str(other)})
    assert done.stdout == f"Nothing runs in {one.directory}.\n", done.stderr


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_directory_others_can_write_to_is_refused(quickstart, mode):
    one = quickstart()
    one.directory.mkdir()
    one.directory.chmod(mode)
    for how in ("--background", "--stop"):
        done = one.run(how)
        assert done.returncode == 1 and "chmod go-w" in done.stderr
    assert not one.files()
    one.directory.chmod(0o755)


@pytest.mark.database("mariadb")
def test_a_schema_that_was_half_made_is_made_anew(quickstart):
    one = quickstart().start()
    one.client().create("ann@example.com")
    place = dict(pair.split("=") for pair in one.service()["database"]["params"].split(","))["sock"]
    with contextlib.closing(pymysql.connect(unix_socket=place, user="usermgmt",
                                            database="usermgmt", autocommit=True)) as connection:
        with contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("DELETE FROM schema_version")
            cursor.execute("DROP TABLE audit_events")
    assert one.run("--stop").returncode == 0
    one.wait_for_all_to_end()
    one.start()
    assert one.client().get("users/").json["query_count"] == 0
    uid = one.client().create("ann@example.com")["user_uid"]
    assert one.run("--stop").returncode == 0
    one.wait_for_all_to_end()
    one.start()
    assert one.client().read(uid)


@server_only
@on_one_server
def test_a_long_path_with_any_characters(quickstart):
    one = quickstart(LONG).start()
    uid = one.client().create("ann@example.com")["user_uid"]
    place = (one.directory / "socket").resolve()
    assert place.is_dir() and place.stat().st_mode & 0o077 == 0
    one.kill()
    one.wait_for_all_to_end()
    one.start()
    assert one.client().read(uid)
    assert not place.exists()
    place = (one.directory / "socket").resolve()
    assert one.run("--stop").returncode == 0
    assert not place.exists()


@pytest.mark.parametrize("other", sorted(set(DATA) - {databases.KIND}))
def test_data_of_another_kind_is_left_alone(quickstart, other):
    one = quickstart()
    made = one.directory / "data" / DATA[databases.KIND]
    made.parent.mkdir(parents=True)
    one.directory.chmod(0o755)
    made.write_text("what is there")
    (one.directory / "lock").touch()
    before = one.files()
    done = one.run("--background", kind=other)
    assert done.returncode != 0
    assert f"has the data of {databases.KIND}" in done.stderr
    assert one.files() == before


@server_only
def test_a_database_server_that_does_not_start(quickstart):
    one = quickstart().start()
    assert one.run("--stop").returncode == 0
    one.wait_for_all_to_end()
    broken, said = {"postgresql": ("postgresql/global/pg_control", "pg_control"),
                    "mariadb": ("mariadb/ibdata1", "[ERROR]")}[databases.KIND]
    os.truncate(one.directory / "data" / broken, 10)
    for how in ("--background", "--port=%d" % one.port):
        done = one.run(how)
        assert done.returncode not in (0, 2)
        assert said in done.stderr and "database server ended" in done.stderr
        assert "database.log" in done.stderr
        one.wait_for_all_to_end()


def test_an_httpd_that_does_not_start_takes_the_database_along(quickstart):
    one = quickstart().start()
    assert one.run("--stop").returncode == 0
    one.wait_for_all_to_end()
    # It can't be written: httpd, and it alone, ends at once.
    (one.directory / "error.log").unlink()
    (one.directory / "error.log").mkdir()
    assert one.run("--background").returncode == 1
    one.wait_for_all_to_end()
    assert (one.directory / "data" / DATA[databases.KIND]).exists()


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("arguments, said", [
    (("--db", "oracle"), "--db is sqlite, postgresql or mariadb"),
    (("--port", "0"), "is no port"),
    (("--admin", "nobody"), "email address"),
    (("--password", "a\tb"), "control characters"),
    (("--password", "a\udcff"), "must be UTF-8"),
    (("--frobnicate",), "no such option")])
def test_what_it_can_not_do_is_refused(quickstart, arguments, said):
    one = quickstart()
    done = one.run(*arguments, kind=None)
    assert done.returncode == 2 and said in done.stderr
    assert not one.directory.exists()
    one.directory.mkdir()


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("name", ["a%b", "${a}", 'a"b', "a\\b", "a*b", "a?b", "a[b]"])
def test_a_path_that_httpd_would_take_for_another_is_refused(quickstart, name):
    one = quickstart(name)
    done = one.run("--background")
    assert done.returncode == 2 and "a character that httpd's configuration" in done.stderr
    assert not one.files()


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("name", ["a\tb", "a\x7f", "a\nb", "a\udcff"])
def test_a_path_that_json_can_not_hold_is_refused(quickstart, name):
    one = quickstart(name)
    done = one.run("--background")
    assert done.returncode == 2 and "must be UTF-8 without control characters" in done.stderr
    assert not one.files()
