# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A private httpd on a database of many users, as build/quickstart makes it, with a bare
handler beside the module behind the same authentication."""

import base64
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import processes
import seed

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVERS = {"sqlite": "sqlite3", "postgresql": "pgsql", "mariadb": "mysql"}


# The service where an API key is the login, and where everybody is let in as an admin.
KEY_LOCATIONS = """<Location /keyed>
SetHandler usermgmt
AuthType usermgmt-key
Require valid-user
</Location>
<Location /granted>
SetHandler usermgmt
Require all granted
UserMgmtIdentity granted-by-%{REQUEST_SCHEME}@bench.example.com
UserMgmtAdmin all granted
</Location>"""


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def building(folder):
    """Two runs must not build in one folder at the same time."""
    os.makedirs(folder, exist_ok=True)
    with open(folder + ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


ORGANIZATION_LOCATION = """<Location "%s">
UserMgmtOrganization "%%{req:Organization}"
</Location>"""


class Server:
    """What answers requests below a base URL, all of them with the same headers."""

    # Seconds that each case runs before the first round.
    warm_up = 1
    # Of the users; 0: all are in the default one. And how many are in each.
    organizations, members = 0, 1

    def serves(self, _case):
        return True

    def request(self, url, method="GET", body=None, headers=()):
        """Status, headers and body of the answer."""
        request = urllib.request.Request(url, method=method, data=body and body.encode(), headers={
            **self.headers_of(seed.organization(0)), **dict(headers)})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def headers_of(self, organization):
        """Of a request to an organization."""
        return {**self.headers, **({"Organization": organization} if self.organizations else {})}

    def get(self, url):
        status, _, body = self.request(url)
        if status != 200:
            raise RuntimeError("%s: %d %s" % (url, status, body))
        return body


class Service(Server):
    """What a checkout's own build/quickstart builds and starts in a directory."""

    def __init__(self, name, top, directory, kind, organizations=0):
        self.name, self.directory, self.kind = name, directory, kind
        self.organizations = organizations
        self.process = self.key = None
        self.httpd = "%s/%s" % (output("apxs", "-q", "SBINDIR"), output("apxs", "-q", "PROGNAME"))
        self.build = os.path.join(top, ".build", "bench", "build")
        self.quickstart = [os.path.join(top, "build", "quickstart"), "--dir", directory]

    def serves(self, case):
        """Each of many organizations has no more than a page, or less."""
        return not self.organizations or not (case.needs_many or case.limit() > self.members)

    def prepare(self, users):
        self.users = users
        self.members = users // (self.organizations or 1)
        self.port = free_port()
        self.start_database()
        if seed.give_memory(self.kind, self.params, users):
            self.stop_all()
            self.start_database()
        seed.fill(self.kind, self.params, users, self.organizations)
        self.give_to_server()
        self.write_conf()
        self.start()
        self.write_page()

    def start_database(self):
        """And httpd, but that has another configuration later."""
        with building(self.build):
            subprocess.run(self.quickstart + ["--background", "--db", self.kind, "--build",
                                              self.build, "--port", str(self.port)],
                           check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(self.directory, "service.json"), encoding="utf-8") as file:
            service = json.load(file)
        self.params, self.database_pid = service["database"]["params"], service["database"]["pid"]
        self.original_conf = service["httpd_conf"]
        self.base = service["base_url"]
        self.root = self.base[:self.base.rindex("/")]
        admin = service["accounts"][0]
        login = "%s:%s" % (admin["login"], admin["password"])
        self.headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
        self.end_first_httpd(service["httpd_pid"])

    @staticmethod
    def end_first_httpd(pid):
        """The database server goes on."""
        os.kill(pid, signal.SIGTERM)
        while os.path.exists("/proc/%d" % pid):
            time.sleep(0.05)

    def give_to_server(self):
        """The files of an SQLite database to the user that the server runs as: root may have
        made some of them."""
        if self.kind == "sqlite":
            folder = os.path.dirname(self.params)
            owner = os.stat(folder)
            for name in os.listdir(folder):
                os.chown(os.path.join(folder, name), owner.st_uid, owner.st_gid)

    def api_key(self):
        """A key that reads users; None where the service knows no keys."""
        if self.key is not None:
            return self.key
        body = json.dumps({"name": "bench", "permissions": ["users:read"]})
        status, _, answer = self.request(self.base + "/api-keys/", "POST", body,
                                         {"Content-Type": "application/json"})
        self.key = json.loads(answer)["key"] if status == 201 else None
        return self.key

    def build_bare(self):
        source = shutil.copy(os.path.join(HERE, "mod_bare.c"), self.directory)
        subprocess.run(["apxs", "-c", source], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, cwd=self.directory)
        return os.path.join(self.directory, ".libs", "mod_bare.so")

    def write_conf(self):
        with open(self.original_conf, encoding="utf-8") as file:
            section = re.search(r"<Location.*?</Location>", file.read(), re.S).group(0)
        self.authentication = "\n".join(line for line in section.splitlines()
                                        if re.match(r"\s*(Auth|Require)", line))
        self.conf = os.path.join(self.directory, "bench.conf")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write('Include "%s"\nLoadModule bare_module "%s"\n'
                       % (self.original_conf, self.build_bare()))
            file.write("<Location /bare>\nSetHandler bare\n%s\n</Location>\n"
                       % self.authentication)
            for name, activity in (("counted", "bench"), ("uncounted", "none")):
                file.write("<Location /bare/%s>\nUserMgmtActivity %s\n</Location>\n"
                           % (name, activity))
            file.write("<Location /page.json>\n%s\n</Location>\n" % self.authentication)
            # Another commit may know no keys.
            file.write("<IfDirective UserMgmtKeys>\n%s\n</IfDirective>\n" % KEY_LOCATIONS)
            if self.organizations:
                path = urllib.parse.urlparse(self.base).path
                file.write(ORGANIZATION_LOCATION % path + "\n")

    def start(self):
        """Returns when httpd listens, before it had a request."""
        self.process = subprocess.Popen([self.httpd, "-f", self.conf, "-DFOREGROUND"])
        for _ in range(2000):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError("httpd does not listen; its log is %s/error.log" % self.directory)

    def write_page(self):
        """A static file of the size of a page of 100."""
        path = os.path.join(self.directory, "htdocs", "page.json")
        with open(path, "wb") as file:
            file.write(self.get(self.base + "/users/?limit=100"))
        os.chmod(path, 0o644)

    def end(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
            self.process = None

    def restart(self):
        self.end()
        self.start()

    def stop_all(self):
        subprocess.run(self.quickstart + ["--stop"], check=True, stdout=subprocess.DEVNULL)

    def remove(self):
        self.end()
        self.stop_all()
        shutil.rmtree(self.directory, ignore_errors=True)

    def wait_until_idle(self):
        """Requests that wrk has given up are still being worked on."""
        for _ in range(100):
            started = time.time()
            self.get(self.base + "/organization-status/")
            if time.time() - started < 0.05:
                return
            time.sleep(0.2)

    def processor_seconds(self):
        """Of httpd, and of the database's server (none on SQLite)."""
        return processes.seconds(self.process.pid), processes.seconds(self.database_pid)

    def memory(self):
        """Kilobytes of httpd, those of them that map SQLite's file, and of the server."""
        mapped = self.params if self.kind == "sqlite" else None
        return processes.memory(self.process.pid, mapped) + processes.memory(
            self.database_pid)[:1]

    def tool(self, *arguments):
        """The command line of this database's usermgmtctl."""
        return [os.path.join(self.directory, "usermgmtctl"), "--driver", DRIVERS[self.kind],
                "--params", self.params, *arguments]
