# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Services written by hand, on the same data in the same run: Fastify with pg, and Apache with
PHP-FPM and PDO. They answer the cases that CASES names."""

import base64
import contextlib
import os
import re
import shutil
import subprocess
import time

import processes
from service import HERE, Server, free_port, output

CASES = ("read one", "read one, absent", "page of 5, first", "page of 100, first",
         "page of 100, any", "page of 100, last", "page of 1000, first", "create")
# As many connections as the module has by default.
CONNECTIONS = 12
FOLDER = os.path.join(HERE, "peers")

FPM_CONF = """[global]
error_log = %(directory)s/php.log
daemonize = no
[bench]
%(user)slisten = %(socket)s
pm = static
pm.max_children = %(children)d
clear_env = no
"""

HTTPD_CONF = """
LoadModule proxy_module "%(modules)s/mod_proxy.so"
LoadModule proxy_fcgi_module "%(modules)s/mod_proxy_fcgi.so"
<Proxy "fcgi://php/" enablereuse=on max=%(children)d>
</Proxy>
<Location "/user-management">
    SetHandler "proxy:unix:%(socket)s|fcgi://php/"
    ProxyFCGISetEnvIf "true" SCRIPT_FILENAME "%(script)s"
%(authentication)s
</Location>
"""


class Peer(Server):
    """What runs beside a Service of PostgreSQL, in a folder below its own."""

    kind = "postgresql"
    # Node compiles a function once it has run some thousand times.
    warm_up = 5

    def __init__(self, service, folder):
        self.service, self.users, self.headers = service, service.users, service.headers
        self.params = service.params
        self.directory = os.path.join(service.directory, folder)
        os.makedirs(self.directory, mode=0o755)
        self.port = free_port()
        self.root = "http://127.0.0.1:%d" % self.port
        self.base = self.root + "/user-management"
        self.processes = []

    def serves(self, case):
        return case.name in CASES

    def run(self, *command, **environment):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.processes.append(subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.directory,
                env={**os.environ, **environment}))

    def processor_seconds(self):
        return (sum(processes.seconds(process.pid) for process in self.processes),
                processes.seconds(self.service.database_pid))

    def wait(self):
        """Until it answers."""
        for _ in range(300):
            try:
                if self.request(self.base + "/users/?limit=1")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError("%s does not answer; its log is %s/log" % (self.name, self.directory))

    def wait_until_idle(self):
        self.wait()

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


class Fastify(Peer):
    name = "fastify"
    workers = 2

    def install(self, top):
        """From npm, once, below .build."""
        place = os.path.join(top, ".build", "bench", "peers")
        os.makedirs(place, exist_ok=True)
        for name in ("package.json", "service.js"):
            shutil.copy(os.path.join(FOLDER, name), place)
        if not os.path.isdir(os.path.join(place, "node_modules")):
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"],
                           check=True, cwd=place)
        return os.path.join(place, "service.js")

    def start(self, top):
        words = dict(word.split("=", 1) for word in self.params.split())
        login = base64.b64decode(self.headers["Authorization"].split()[1]).decode()
        self.run("node", self.install(top), NODE_ENV="production", PORT=str(self.port),
                 LOGIN=login, WORKERS=str(self.workers),
                 CONNECTIONS=str(CONNECTIONS // self.workers), PGHOST=words["host"],
                 PGUSER=words["user"], PGDATABASE=words["dbname"])
        self.wait()


class Php(Peer):
    name = "php"

    def write_httpd_conf(self, values):
        """The modules, threads and log of the module's own httpd."""
        with open(self.service.original_conf, encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"(?ms)^(LoadModule usermgmt|UserMgmtDatabase).*?$|^<Location.*?</Location>$",
                      "", text)
        text = re.sub(r"(?m)^Listen .*$", "Listen 127.0.0.1:%d" % self.port, text)
        text = re.sub(r'(?m)^(ServerRoot|DefaultRuntimeDir) .*$', r'\1 "%s"' % self.directory, text)
        text = re.sub(r'(?m)^(PidFile|ErrorLog|CustomLog) "[^"]*/', r'\1 "%s/' % self.directory,
                      text)
        path = os.path.join(self.directory, "httpd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + HTTPD_CONF % values)
        return path

    def start(self, _top):
        with open(self.service.original_conf, encoding="utf-8") as file:
            owner = re.search(r"(?m)^User (.*)$", file.read())
        run_as = "user = %s\nlisten.owner = %s\n" % (owner[1], owner[1]) if owner else ""
        values = {"directory": self.directory, "user": run_as, "children": CONNECTIONS,
                  "socket": os.path.join(self.directory, "socket"),
                  "script": shutil.copy(os.path.join(FOLDER, "users.php"), self.directory),
                  "modules": output("apxs", "-q", "LIBEXECDIR"),
                  "authentication": self.service.authentication}
        conf = os.path.join(self.directory, "php-fpm.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(FPM_CONF % values)
        words = dict(word.split("=", 1) for word in self.params.split())
        self.run(self.program(), "--nodaemonize", "--fpm-config", conf,
                 BENCH_DSN="pgsql:host=%s;dbname=%s" % (words["host"], words["dbname"]),
                 BENCH_USER=words["user"])
        self.run(self.service.httpd, "-f", self.write_httpd_conf(values), "-DFOREGROUND")
        self.wait()

    @staticmethod
    def program():
        """Debian's name has the version."""
        for folder in ("/usr/sbin", "/usr/local/sbin"):
            found = [name for name in os.listdir(folder) if re.fullmatch(r"php-fpm[0-9.]*", name)]
            if found:
                return os.path.join(folder, max(found))
        raise RuntimeError("php-fpm is not installed: build/setup peers installs it")


@contextlib.contextmanager
def running(service, top):
    """Both peers beside the service."""
    peers = []
    try:
        for sort in (Fastify, Php):
            peers.append(sort(service, sort.name))
            peers[-1].start(top)
        yield peers
    finally:
        for peer in peers:
            peer.end()
