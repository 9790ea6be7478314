# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A real httpd with the module: configure it, start it, send requests, stop it.

Server is one httpd with its own directory, port and database. Client sends requests as
one caller. Server reads httpd's error log, and the fixture in fixtures.py checks it.
Nothing in this file knows the answers of the API.
"""

import base64
import contextlib
import ctypes
import fcntl
import hashlib
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import string
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import databases

PASSWORD = "correct horse"
ADMIN = "admin@example.com"
SUB_ADMIN = "sub@example.com"
NOBODY = "nobody@example.com"
SANITIZED = os.environ.get("UM_SANITIZED") == "1"
# Sanitizers make everything slower by a factor of two to five.
PATIENCE = 4 if SANITIZED else 1

DEFAULT_ROLES = f"""
    UserMgmtAdmin user {ADMIN}
    UserMgmtSubAdmin user {SUB_ADMIN}
"""

AUTHENTICATION = """
    AuthType Basic
    AuthName "user management"
    AuthBasicProvider file
    AuthUserFile "@DIR@/conf/htpasswd"
    AuthGroupFile "@DIR@/conf/groups"
"""

MODULES = """authn_core authn_file auth_basic authz_core authz_user authz_groupfile
    authz_host env setenvif headers alias""".split()

# A line of the log that matches one of these fails the test, unless the test declared it.
# So does a line without httpd's prefix (from a sanitizer or the C library).
LOG_LINE = re.compile(r"^\[[A-Z][a-z]{2} [^]]+\] \[(?P<module>[^]:]*):(?P<level>[a-z0-9]+)\] ")
BAD_LEVELS = {"emerg", "alert", "crit", "error", "warn"}
BAD_TEXT = re.compile(r"AddressSanitizer|runtime error:|exit signal|Sanitizer|\*\*\*|assertion")

# Lines about a database that can't be reached. A test that stops its database declares
# them.
UNAVAILABLE = (r"UM0001: database: |UM0091: database: it is away|UM0093"
               # From libpq, about an idle connection.
               r"|^FATAL:  terminating connection")

# Lines of httpd about a load that is too large for its small configuration in a test.
LOAD = re.compile(r"AH(00161|00286|00484|03490|10159): ")
# A line of mod_ssl where it was built with a later OpenSSL than the machine has.
OPENSSL = re.compile(r"AH01882: ")


# ---- ports ----


class Ports:
    """Ports for servers, below those that the kernel gives to clients. All test
    processes of this machine share one list in a locked file."""

    RANGE = range(20000, 32000)

    def __init__(self):
        self.path = Path(tempfile.gettempdir()) / f"usermgmt-live-ports-{os.getuid()}"
        self.mine = []

    @contextlib.contextmanager
    def _list(self):
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            text = file.read()
            taken = {int(port): int(pid) for port, pid in
                     (line.split() for line in text.splitlines())}
            taken = {port: pid for port, pid in taken.items() if os.path.exists(f"/proc/{pid}")}
            yield taken
            file.seek(0)
            file.truncate()
            file.write("".join(f"{port} {pid}\n" for port, pid in taken.items()))

    def take(self):
        with self._list() as taken:
            start = os.getpid() * 17 % len(self.RANGE)
            for offset in range(len(self.RANGE)):
                port = self.RANGE[(start + offset) % len(self.RANGE)]
                if port not in taken and self._is_free(port):
                    taken[port] = os.getpid()
                    self.mine.append(port)
                    return port
        raise RuntimeError("no free port")

    @staticmethod
    def _is_free(port):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return True
            except OSError:
                return False

    def give_back(self):
        with self._list() as taken:
            for port in self.mine:
                taken.pop(port, None)
        self.mine = []


# ---- the httpd that is installed ----


class Httpd:
    """The places of httpd and its modules, as apxs names them."""

    def __init__(self):
        apxs = os.environ.get("APXS", "apxs")

        def ask(name):
            return subprocess.run([apxs, "-q", name], check=True, capture_output=True,
                                  text=True).stdout.strip()

        self.program = os.path.join(ask("SBINDIR"), ask("PROGNAME"))
        self.modules = Path(ask("LIBEXECDIR"))
        listing = subprocess.run([self.program, "-l"], check=True, capture_output=True,
                                 text=True).stdout
        self.built_in = set(re.findall(r"mod_(\w+)\.c|(mpm_\w+|event|worker|prefork)\.c", listing))
        self.built_in = {name for pair in self.built_in for name in pair if name}

    def load_line(self, name):
        """The LoadModule line of a module; empty if the module is compiled in."""
        if name in self.built_in or name.replace("mpm_", "") in self.built_in:
            return ""
        return f"LoadModule {name}_module {self.modules}/mod_{name}.so\n"


def module_path():
    path = os.environ.get("UM_MODULE")
    if not path or not os.path.isfile(path):
        raise RuntimeError("UM_MODULE must be the path of mod_usermgmt.so, not %r" % path)
    return os.path.abspath(path)


# ---- answers ----


class Result:
    """An answer: status, headers (names without case), raw bytes, json, and the target of the
    request."""

    def __init__(self, status, headers, raw, target=""):
        self.target = target
        self.status = status
        self.headers = headers
        self.raw = raw

    @property
    def json(self):
        return json.loads(self.raw)

    @property
    def lines(self):
        """The objects of an NDJSON answer."""
        assert self.raw == b"" or self.raw.endswith(b"\n"), "the last line is cut off"
        return [json.loads(line) for line in self.raw.splitlines()]

    @property
    def links(self):
        """The Link header as relation → target, resolved as a client does it. Targets are
        relative, because a proxy may have changed the path."""
        found = {}
        for target, relation in re.findall(r'<([^>]*)>; rel="([^"]*)"',
                                           self.headers.get("Link") or ""):
            assert relation not in found, "a relation comes twice"
            assert target.startswith("?"), target
            found[relation] = urllib.parse.urljoin(self.target, target)
        return found

    def expect(self, status):
        assert self.status == status, f"{self.status} instead of {status}: {self.raw[:600]!r}"
        return self

    def expect_problem(self, status, code):
        """Expect a problem as in RFC 9457 and docs/api.md; returns its object."""
        assert self.status == status, f"{self.status} instead of {status}: {self.raw[:600]!r}"
        assert self.headers.get("Content-Type") == "application/problem+json"
        assert self.headers.get("X-Content-Type-Options") == "nosniff"
        assert self.headers.get("Cache-Control") == "no-store"
        problem = self.json
        assert problem["status"] == status
        assert problem["code"] == code, problem
        assert problem["title"] and problem["type"]
        return problem

    def expect_faults(self, *expected):
        """Expect a 400 with exactly these (field, code) pairs, in any order."""
        problem = self.expect_problem(400, "validation_failed")
        found = sorted((fault["field"], fault["code"]) for fault in problem["errors"])
        assert found == sorted(expected), problem
        assert all(fault["detail"] for fault in problem["errors"])
        assert {fault["in"] for fault in problem["errors"]} <= {"body", "query", "header"}
        return problem

    def __repr__(self):
        return f"<{self.status} {self.raw[:200]!r}>"


class ConnectionLost(Exception):
    """The connection ended before the answer was complete: the outcome is unknown."""


class Client:
    """Asks a server as one caller. Each thread has a connection of its own,
    kept alive. No request is ever repeated without the test's knowledge."""

    # Called with the method, the target below the base, the body, and the answer.
    check = None
    # Whether the answers of the base are those of docs/openapi.json.
    is_native = True

    def __init__(self, server, login=None, password=PASSWORD, base=None, headers=None,
                 port=None):
        self.server = server
        self.base = server.base if base is None else base
        self.port = port or server.port
        self.headers = dict(headers or {})
        if login is not None:
            token = base64.b64encode(f"{login}:{password}".encode()).decode()
            self.headers["Authorization"] = "Basic " + token
        self.local = threading.local()

    def connect(self):
        """A new connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30 * PATIENCE)

    def _connection(self, fresh):
        made = getattr(self.local, "connection", None)
        if made is None or fresh or self.local.starts != self.server.starts:
            if made is not None:
                made.close()
            made = self.connect()
            self.local.connection = made
            self.local.starts = self.server.starts
        return made

    def close(self):
        made = getattr(self.local, "connection", None)
        if made is not None:
            made.close()
            self.local.connection = None

    def send(self, method, target, body=None, headers=None, fresh=False, chunked=False):
        """Send to an absolute target. body: bytes or str as they are, anything
        else as JSON. Header values of None leave a header out."""
        sent = dict(self.headers)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body, ensure_ascii=False)
        if isinstance(body, str):
            body = body.encode()
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        if fresh:
            sent["Connection"] = "close"
        sent_body = body
        if chunked:
            sent_body = iter([body[at:at + 8192] for at in range(0, len(body), 8192)])
        connection = self._connection(fresh)
        try:
            try:
                connection.request(method, target, body=sent_body, headers=sent,
                                   encode_chunked=chunked)
            except (BrokenPipeError, ConnectionResetError):
                # The server may have answered before it took the whole body.
                if connection.sock is None:
                    raise
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ConnectionLost(f"{method} {target}: {error!r}") from error
        result = Result(response.status, response.headers, raw, target)
        # Answers of the module have this header, pages of httpd do not. Health and metrics are no
        # part of the API, and lie at the root.
        if Client.check and self.is_native and self.base and target.startswith(self.base + "/") \
                and "X-Content-Type-Options" in result.headers:
            Client.check(method, target[len(self.base):], body, result)
        return result

    def ask(self, method, path="", body=None, headers=None, query=None, **options):
        """Send to a path below the base; query is a dict or a list of pairs."""
        target = self.base + "/" + path
        if query:
            target += "?" + urllib.parse.urlencode(query)
        return self.send(method, target, body, headers, **options)

    def get(self, path="", **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def put(self, path, body=None, **options):
        return self.ask("PUT", path, body, **options)

    def delete(self, path, body=None, **options):
        return self.ask("DELETE", path, body, **options)

    def create(self, email, display_name="Somebody", **members):
        """Make a user and return the object of the answer."""
        body = {"email": email, "display_name": display_name, **members}
        return self.post("users/", body).expect(201).json["userData"]

    def read(self, uid):
        return self.get("users/" + uid).expect(200).json["userData"]

    def everyone(self, **query):
        """All users that match, over a stream."""
        return self.get("users/", query=query or None,
                        headers={"Accept": "application/x-ndjson"}).expect(200).lines

    def follow(self, result, relation):
        """The page that a Link header names."""
        return self.send("GET", result.links[relation])


def key_digest(text):
    """The digest of an API key's secret, as the database has it."""
    secret = text[16:48].encode()
    return hashlib.sha256(struct.pack("=Q", len(secret)) + secret).hexdigest()


def location(path, lines, roles=DEFAULT_ROLES):
    """A further Location of the service, for the lines of a configuration."""
    return f"""
        <Location "{path}">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            {roles}
            {lines}
        </Location>"""


def in_parallel(count, function):
    """Call function(0) … function(count - 1) in threads that start at the same time. Returns
    their results in order. The first exception is raised again."""
    barrier = threading.Barrier(count)
    results = [None] * count
    errors = []

    def run(index):
        try:
            barrier.wait(30)
            results[index] = function(index)
        except BaseException as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120 * PATIENCE)
        assert not thread.is_alive(), "a request hangs"
    if errors:
        raise errors[0]
    return results


class Workers:
    """A block during which threads work. At its end stop is set. Subclasses make the
    threads."""

    # Seconds that the threads may take to end.
    END = 60

    def __init__(self):
        self.stop = threading.Event()
        self.threads = []

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        for thread in self.threads:
            thread.join(self.END)
            assert not thread.is_alive(), f"one of {type(self).__name__} hangs"


def wait_for(condition, seconds, what):
    """Wait until condition() is true, and return its result."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)


# ---- servers ----


class Server:
    """One httpd.

    location  lines for the Location of the module, behind the usual ones
    roles     the lines there that give roles
    extra     lines for the main server
    before    lines before the Location: modules' settings
    database  another server's, to share it
    kind      the kind of a database of its own
    pool      further directives for the connections to the database
    has_database  whether it is named in the main server
    schema    the version that the database starts with; an older one stays
    preload   a library for the dynamic linker
    module    another build of the module
    """

    def __init__(self, live, *, mpm="event", processes=2, threads=32, base="/user-management",
                 location="", roles=DEFAULT_ROLES, extra="", modules=(), without=(),
                 database=None, kind=databases.KIND, pool=None, has_location=True,
                 has_database=True,
                 require="Require valid-user", log_level="info", schema=databases.VERSION,
                 preload=None, module=None):
        self.live = live
        self.module = module or module_path()
        self.directory = live.new_directory()
        self.port = live.ports.take()
        self.mpm = mpm
        self.processes = processes
        self.threads = threads
        self.base = base
        self.location = location
        self.roles = roles
        self.extra = extra
        self.modules = [name for name in [*MODULES, *modules] if name not in without]
        self.has_module = "usermgmt" not in without
        self.pool = pool or {}
        self.has_location = has_location
        self.has_database = has_database and self.has_module
        self.schema = schema
        self.require = require
        self.log_level = log_level
        self.preload = [str(preload)] if preload else []
        self.database = database or live.new_database(self.directory, kind)
        self.process = None
        self.starts = 0
        self.expected = []
        self.log_position = 0
        self.logins = {}
        self.groups = {}
        for name in ("conf", "logs", "data", "run", "htdocs", "cores", "sanitizer"):
            made = self.directory / name
            made.mkdir()
            made.chmod(0o777 if name not in ("conf", "htdocs") else 0o755)
        (self.directory / "htdocs/page.txt").write_text("a page\n")
        for login in (ADMIN, SUB_ADMIN, NOBODY):
            self.add_login(login)
        self.set_group("nobodies", [])
        live.servers.append(self)

    @property
    def database_path(self):
        """The file, on SQLite."""
        return self.database.path

    # ---- accounts ----

    def add_login(self, login, password=PASSWORD):
        digest = base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()
        self.logins[login] = "{SHA}" + digest
        self._write("conf/htpasswd", "".join(f"{name}:{kept}\n"
                                             for name, kept in self.logins.items()))
        return login

    def set_group(self, name, members):
        self.groups[name] = members
        self._write("conf/groups", "".join(f"{group}: {' '.join(names)}\n"
                                           for group, names in self.groups.items()))

    def _write(self, name, text):
        """Replace the file at once, so that no request reads an incomplete one."""
        path = self.directory / name
        new = path.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o644)
        new.rename(path)

    def client(self, login=ADMIN, **options):
        return Client(self, login, **options)

    def caller(self, identity):
        """A client of a server that takes the identity from X-Identity."""
        return self.client(headers={"X-Identity": identity})

    @property
    def admin(self):
        return self.client(ADMIN)

    @property
    def sub_admin(self):
        return self.client(SUB_ADMIN)

    @property
    def nobody(self):
        return self.client(NOBODY)

    # ---- configuration ----

    def fill(self, text):
        """Replace @DIR@, @PORT@, @AUTH@ and the other variables of a configuration."""
        values = {"AUTH": AUTHENTICATION, "DIR": self.directory, "PORT": self.port}

        class Template(string.Template):
            delimiter = "@"
            pattern = r"@(?:(?P<named>DIR|PORT|AUTH)@|(?P<escaped>$^)|(?P<braced>$^)|" \
                      r"(?P<invalid>$^))"

        return Template(Template(text).substitute(values)).substitute(values)

    def _mpm_lines(self):
        if self.mpm == "prefork":
            return (f"StartServers {self.processes}\nMinSpareServers 1\n"
                    f"MaxSpareServers {self.processes}\nServerLimit {self.processes}\n"
                    f"MaxRequestWorkers {self.processes}\n")
        total = self.processes * self.threads
        return (f"StartServers {self.processes}\nServerLimit {self.processes}\n"
                f"ThreadLimit {self.threads}\nThreadsPerChild {self.threads}\n"
                f"MaxRequestWorkers {total}\nMinSpareThreads 1\n"
                f"MaxSpareThreads {total}\n")

    def configuration(self):
        user = "User www-data\nGroup www-data\n" if os.geteuid() == 0 else ""
        httpd = self.live.httpd
        load = "".join(httpd.load_line(name)
                       for name in ["mpm_" + self.mpm, "unixd", "log_config", "watchdog",
                                    *self.modules])
        if self.has_module:
            load += f"LoadModule usermgmt_module {self.module}\n"
        database = self.database.directives(**self.pool) if self.has_database else ""
        if self.schema != databases.VERSION:
            database += "UserMgmtAutoSchema Off\n"
        location = ""
        if self.has_location:
            location = f"""<Location "{self.base}">
                SetHandler usermgmt
                {AUTHENTICATION}
                {self.require}
                {self.roles}
                {self.location}
                </Location>"""
        return self.fill(f"""
            {load}
            ServerRoot "@DIR@"
            ServerName localhost
            {user}
            Listen 127.0.0.1:@PORT@
            PidFile "@DIR@/run/httpd.pid"
            DefaultRuntimeDir "@DIR@/run"
            CoreDumpDirectory "@DIR@/cores"
            {self._mpm_lines()}
            KeepAlive On
            KeepAliveTimeout 60
            MaxKeepAliveRequests 0
            Timeout 60
            GracefulShutdownTimeout 20
            ListenBacklog 511
            ErrorLog "@DIR@/logs/error_log"
            LogLevel {self.log_level}
            LogFormat "%m %U %>s %{{usermgmt-action}}n %{{usermgmt-org}}n %{{usermgmt-role}}n %{{usermgmt-target}}n %{{usermgmt-outcome}}n" notes
            CustomLog "@DIR@/logs/access_log" notes
            DocumentRoot "@DIR@/htdocs"
            <Directory "@DIR@/htdocs">
                Require all granted
            </Directory>
            {database}
            {location}
            {self.extra}
            """)

    def _environment(self):
        environment = {name: value for name, value in os.environ.items()
                       if name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "TZ")}
        environment["LANG"] = "C"
        libraries = list(self.preload)
        if SANITIZED:
            library = subprocess.run(["gcc", "-print-file-name=libasan.so"], check=True,
                                     capture_output=True, text=True).stdout.strip()
            libraries.insert(0, library)
            environment["ASAN_OPTIONS"] = ("detect_leaks=0:abort_on_error=0:log_path="
                                           f"{self.directory}/sanitizer/report")
            environment["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
        if libraries:
            environment["LD_PRELOAD"] = " ".join(libraries)
        return environment

    def _command(self, *arguments):
        path = self.directory / "conf/httpd.conf"
        path.write_text(self.configuration())
        return [self.live.httpd.program, "-d", str(self.directory), "-f", str(path), *arguments]

    def configtest(self):
        """The exit code and the messages."""
        done = subprocess.run(self._command("-t"), capture_output=True, text=True,
                              env=self._environment(), timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def expect_config_error(self, pattern):
        """Expect configtest to refuse the configuration with this message; returns all
        messages."""
        code, said = self.configtest()
        # If a check fails late in the start, its message is in the error log.
        said += "".join(line + "\n" for line in self.new_log_lines())
        assert code != 0, f"the configuration was taken: {said}"
        assert re.search(pattern, said), f"{pattern!r} is not in: {said}"
        return said

    # ---- life ----

    def start(self, answers=True):
        assert self.process is None, "it runs already"
        self.database.make(self.schema)
        command = self._command("-DFOREGROUND")
        with open(self.directory / "logs/console", "ab") as console:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env=self._environment(), start_new_session=True, preexec_fn=prepare_child)
        self.starts += 1
        if answers:
            try:
                wait_for(self._answers, 20, "httpd answers")
            except BaseException:
                self.kill()
                raise
        return self

    def _answers(self):
        assert self.process.poll() is None, (
            "httpd ended at its start: " + (self.directory / "logs/console").read_text()
            + "\n".join(self.new_log_lines()))
        try:
            return Client(self, base="").get("page.txt", fresh=True).status in (200, 401, 404)
        except ConnectionLost:
            return False

    def children(self):
        """The processes that httpd's parent has started."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in Path(path).read_text().split()]

    def graceful(self):
        """A graceful restart; returns when the new configuration serves."""
        before = len(re.findall("resuming normal operations", self.log_text()))
        self._command()
        os.kill(self.process.pid, signal.SIGUSR1)
        wait_for(lambda: len(re.findall("resuming normal operations", self.log_text())) > before,
                 20, "the graceful restart")

    def _group_is_gone(self, group):
        try:
            os.killpg(group, 0)
            return False
        except ProcessLookupError:
            return True

    def kill(self):
        """SIGKILL for all processes at once."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        wait_for(lambda: self._group_is_gone(self.process.pid), 10, "all processes are gone")
        self.process = None

    def stop(self):
        """Stop, and check that everything ends by itself and leaves nothing behind."""
        if self.process is not None:
            group = self.process.pid
            # mpm_event closes the sockets of busy workers when it gets SIGTERM, and
            # can crash where one of them is just closing its own.
            self.process.send_signal(signal.SIGWINCH if self.mpm == "event"
                                     else signal.SIGTERM)
            try:
                wait_for(lambda: self.process.poll() is not None, 15,
                         "httpd ends; does a client still hold a connection?")
                wait_for(lambda: self._group_is_gone(group), 5, "all processes are gone")
            finally:
                self.kill()
        self.check_remains()

    def check_remains(self):
        reports = [path.read_text(errors="replace")
                   for path in (self.directory / "sanitizer").iterdir()]
        assert not reports, "sanitizer: " + "\n".join(reports)
        cores = [str(path) for path in (self.directory / "cores").iterdir()]
        assert not cores, f"core dumps: {cores}"
        console = self.directory / "logs/console"
        said = console.read_text(errors="replace") if console.exists() else ""
        assert not said, f"on the console: {said}"

    # ---- the error log ----

    def log_text(self):
        path = self.directory / "logs/error_log"
        return path.read_text(errors="replace") if path.exists() else ""

    def new_log_lines(self):
        """Lines that were not checked yet; from now on they count as checked."""
        lines = self._lines_from(self.log_position)
        self.log_position += sum(length for _, length in lines)
        return [line for line, _ in lines]

    def _lines_from(self, position):
        path = self.directory / "logs/error_log"
        if not path.exists():
            return []
        with open(path, "rb") as file:
            file.seek(position)
            text = file.read()
        whole = text[:text.rfind(b"\n") + 1]
        return [(line.decode(errors="replace").rstrip("\n"), len(line))
                for line in whole.splitlines(keepends=True)]

    def unexpected_lines(self):
        return [line for line in self.new_log_lines() if is_bad_line(line)
                and not any(pattern.search(line) for pattern in self.expected)]

    def allow_log(self, pattern):
        """Allow such lines for the rest of the test."""
        self.expected.append(re.compile(pattern))

    @contextlib.contextmanager
    def expect_log(self, pattern):
        """Expect such a line while the block runs, and allow it for the rest of the test."""
        start = self.log_position + sum(length for _, length
                                        in self._lines_from(self.log_position))
        self.allow_log(pattern)
        yield
        wait_for(lambda: any(re.search(pattern, line) for line, _ in self._lines_from(start)),
                 3, f"a log line with {pattern!r}")

    def access_lines(self):
        return (self.directory / "logs/access_log").read_text().splitlines()

    # ---- the database ----

    def sql(self, statement, *parameters):
        """Run one statement, with ? for parameters, in the database, as a stranger,
        and give its rows."""
        return self.database.sql(statement, *parameters)

    # ---- bytes ----

    def raw(self, data, timeout=10, port=None, half_close=False):
        """Send bytes unchanged, and return everything that comes until the end, or until
        nothing came for timeout seconds."""
        received = b""
        with socket.create_connection(("127.0.0.1", port or self.port), timeout=timeout) as sock:
            try:
                sock.sendall(data)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
                while True:
                    piece = sock.recv(65536)
                    if not piece:
                        break
                    received += piece
            except (ConnectionError, socket.timeout):
                pass
        return received

    def raw_request(self, request_line, body=b"", headers=(), login=ADMIN, timeout=10):
        """A request whose first line and other headers are sent unchanged."""
        token = base64.b64encode(f"{login}:{PASSWORD}".encode())
        data = request_line + b"\r\nHost: localhost\r\nConnection: close\r\n"
        if login:
            data += b"Authorization: Basic " + token + b"\r\n"
        for header in headers:
            data += header + b"\r\n"
        return self.raw(data + b"\r\n" + body, timeout)


def raw_status(received):
    """The status of the first answer in the bytes."""
    match = re.match(rb"HTTP/1\.[01] (\d{3}) ", received)
    assert match, f"no answer: {received[:200]!r}"
    return int(match.group(1))


def is_bad_line(line):
    match = LOG_LINE.match(line)
    if match is not None and (LOAD.search(line) or OPENSSL.search(line)):
        return False
    return match is None or match.group("level") in BAD_LEVELS or bool(BAD_TEXT.search(line))


def prepare_child():
    """Run in the new process: make it end with its parent, and allow a core."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    os.umask(0o022)


class Live:
    """All servers of a test process."""

    def __init__(self):
        self.ports = Ports()
        self.httpd = Httpd()
        self.servers = []
        # Not in pytest's own directory, because www-data can't enter it.
        self.root = Path(tempfile.mkdtemp(prefix="usermgmt-live-"))
        self.root.chmod(0o755)
        self.count = 0
        self.engines = {}

    def new_database(self, directory, kind=databases.KIND):
        """An empty database for a server; its engine starts with the first."""
        if kind not in self.engines:
            self.engines[kind] = databases.new_engine(kind)
        return self.engines[kind].create(directory)

    def new_directory(self):
        self.count += 1
        made = self.root / f"server-{self.count}"
        made.mkdir()
        made.chmod(0o755)
        return made

    def close(self, keep):
        for server in self.servers:
            server.kill()
        for engine in self.engines.values():
            engine.close()
        self.ports.give_back()
        if not keep:
            shutil.rmtree(self.root)
