# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""What the tests of docs/auth share: the documents' configurations, the callers, and real
servers of LDAP and OpenID Connect, with certificates of an authority of their own."""

import email.message
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

import h2.connection
import h2.events
import requests
from api_keys import make_key
from databases import find_program
from documents import DEBIAN_MODULES, blocks, section
from usermgmt_env import (ADMIN, NOBODY, PASSWORD, PATIENCE, SUB_ADMIN, Client, ConnectionLost,
                          Result, prepare_child, wait_for)

TOP = Path(__file__).resolve().parents[2]
DOCUMENTS = TOP / "docs/auth"

# Modules that a2enmod turns on with others.
DEPENDS = {"ssl": "socache_shmcb", "authnz_ldap": "ldap"}

# The tables at the end of a run: the callers that each page is tried with, and the others that
# are refused.
CALLERS_TABLE = "docs/auth"
REFUSED_TABLE = "docs/auth, refused"
# A sub-admin whom an admin has named through the API.
STORED = "stored@example.com"


# ---- documents ----


class Document:
    """A page of docs/auth, or a section of it: the modules that it turns on, its
    configuration, and its commands."""

    def __init__(self, name, heading="## Configuration"):
        self.name = name
        self.text = (DOCUMENTS / name).read_text(encoding="utf-8")
        self.modules = " ".join(re.findall(r"^    a2enmod (.*)$", self.text, re.MULTILINE)).split()
        self.blocks = blocks(section(self.text, heading))
        found = [block for block in self.blocks if re.search(r"^ *<Location ", block, re.M)]
        assert len(found) == 1, f"{name} has {len(found)} configurations below {heading}"
        self.lines = found[0]
        assert re.search(r"^\s*UserMgmtAdmin\s", self.lines, re.M) or "Proxy" in self.lines

    def block(self, beginning):
        """The block that begins so."""
        found = [block for block in blocks(self.text) if block.startswith(beginning)]
        assert len(found) == 1, f"{self.name}: {len(found)} blocks begin with {beginning}"
        return found[0]

    def commands(self, program):
        """The commands of a program."""
        found = re.findall(rf"^    ({program} .*)$", self.text, re.MULTILINE)
        assert found, f"{self.name} has no {program}"
        return found

    def configuration(self, **replaced):
        """The lines, with other words for those that name the reader's own machines and
        files. Each word must be there."""
        text = self.lines.replace("/var/lib/usermgmt/usermgmt.db", "@DATABASE@")
        for word, other in replaced.items():
            assert word in text, f"{self.name} has no {word}"
            text = text.replace(word, other)
        return text

    def serve(self, new_server, lines, **options):
        """An httpd with Debian's modules, those of the page, and the lines. It is not started.
        Its database is that of UserMgmtDatabase."""
        server = new_server(start=False, has_location=False, has_database=False, **options)
        modules = [*DEBIAN_MODULES, *(name for name in self.modules if name != "usermgmt"),
                   *options.get("modules", [])]
        needed = [DEPENDS[name] for name in modules if name in DEPENDS]
        server.modules = list(dict.fromkeys([*needed, *modules]))
        # The page of API keys says that this goes with each login.
        lines = re.sub(r"(?m)^( *SetHandler +usermgmt)$", r"\1\nUserMgmtKeys On", lines)
        # Debian's mime.conf names a file of its own, and its ssl.conf has the second line.
        server.extra = "TypesConfig /dev/null\n"
        if "ssl" in server.modules:
            server.extra += "SSLSessionCache shmcb:@DIR@/run/ssl_scache(512000)\n"
        if "@DATABASE@" in lines:
            lines = lines.replace("@DATABASE@", str(server.database_path))
        server.extra += lines
        rest = lines.replace(str(server.directory), "")
        assert not re.search(r"/etc/|/var/|/usr/local|example\.com[:/]", rest), rest
        return server


# ---- callers ----


def check_caller(client, role, refusal=401):
    """Ask as a caller of this role; None: a caller who is not let in, by this status. Returns
    what the caller got, for the table."""
    listed = client.get("users/")
    email = f"u{time.monotonic_ns()}@made.example.com"
    made = client.post("users/", {"email": email, "display_name": "Made"})
    named = client.post("sub-admins/", {"email": email})
    if role is None:
        code = {401: "unauthorized", 403: "forbidden"}[refusal]
        for result in (listed, made, named, client.get("me/")):
            result.expect_problem(refusal, code)
    elif role == "none":
        for result in (listed, made, named):
            result.expect_problem(403, "forbidden")
    else:
        listed.expect(200)
        made.expect(201)
        named.expect(201 if role == "admin" else 403)
    if role is not None:
        me = client.get("me/").expect(200).json
        assert me["role"] == role, me
    return f"{listed.status} {role}" if role else str(listed.status)


def check_callers(tell, row, clients, anonymous=401):
    """Ask as each caller of a page, and note what they got. clients: admin, sub_admin, stored,
    nobody, anonymous, wrong (whoever claims to be the admin, without the right password, token or
    certificate), and any number of others that must be refused as these. anonymous: the status of
    all of them."""
    known = {"admin": (ADMIN, "admin"), "sub_admin": (SUB_ADMIN, "sub_admin"),
             "stored": (STORED, "sub_admin"), "nobody": (NOBODY, "none")}
    for name, (identity, role) in known.items():
        client = clients[name]
        me = client.get("me/").expect(200).json
        assert me["identity"] == identity, me
        if name == "stored":
            client.get("users/").expect_problem(403, "forbidden")
            clients["admin"].create(STORED, "Stored")
            clients["admin"].post("sub-admins/", {"email": STORED}).expect(201)
        tell(CALLERS_TABLE, row, name.replace("_", "-"), check_caller(client, role))
    for name in ("anonymous", "wrong"):
        tell(CALLERS_TABLE, row, name, check_caller(clients[name], None, anonymous))
    for name in set(clients) - set(known) - {"anonymous", "wrong"}:
        tell(REFUSED_TABLE, f"{row}: {name}", "answer",
             check_caller(clients[name], None, anonymous))
    # So that httpd can end at once.
    for client in clients.values():
        client.close()


def check_key(tell, row, admin, client, status=200):
    """Ask with an API key that the admin makes. status: 200, or how Require refuses a caller who
    has a key and nothing else."""
    client.headers["Authorization"] = "Bearer " + make_key(admin, role="admin")
    if status == 200:
        me = client.get("me/").expect(200).json
        assert me["role"] == "admin" and me["identity"].startswith("key:"), me
        told = check_caller(client, "admin")
    else:
        result = client.get("users/").expect(status)
        assert "users" not in result.json
        told = str(status)
    tell(CALLERS_TABLE, row, "key", told)
    client.headers["Authorization"] += "x"
    # Where Require lets no key in, it may say so before the key is looked at.
    assert client.get("users/").status in {401, status} - {200}


def basic_clients(server, **options):
    """The callers of a page whose users sign in by Basic."""
    logins = {"admin": ADMIN, "sub_admin": SUB_ADMIN, "stored": STORED, "nobody": NOBODY}
    clients = {name: Client(server, login, **options) for name, login in logins.items()}
    clients["anonymous"] = Client(server, **options)
    clients["wrong"] = Client(server, ADMIN, "wrong", **options)
    return clients


class DigestClient(Client):
    """A caller who signs in by Digest (RFC 2617, MD5, qop=auth)."""

    def __init__(self, server, login, password=PASSWORD):
        super().__init__(server)
        self.login = login
        self.password = password
        self.challenge = None
        self.count = 0

    def send(self, method, target, body=None, headers=None, **options):
        if self.challenge is None:
            answer = super().send("GET", self.base + "/me/").expect(401)
            told = answer.headers["WWW-Authenticate"]
            assert told.startswith("Digest ")
            self.challenge = dict(re.findall(r'(\w+)="?([^",]+)"?', told))
        headers = {**(headers or {}), "Authorization": self.authorization(method, target)}
        return super().send(method, target, body, headers, **options)

    def authorization(self, method, target):
        def md5(*parts):
            return hashlib.md5(":".join(parts).encode()).hexdigest()

        told = self.challenge
        self.count += 1
        count, own = f"{self.count:08x}", os.urandom(8).hex()
        response = md5(md5(self.login, told["realm"], self.password), told["nonce"], count, own,
                       "auth", md5(method, target))
        return (f'Digest username="{self.login}", realm="{told["realm"]}", '
                f'nonce="{told["nonce"]}", uri="{target}", algorithm=MD5, qop=auth, nc={count}, '
                f'cnonce="{own}", response="{response}"')


# ---- certificates ----


class Authority:
    """Gives certificates, by openssl."""

    def __init__(self, directory):
        self.directory = directory
        self.certificate = directory / "ca.pem"
        self.key = directory / "ca.key"
        self._openssl(self.certificate, self.key, "/CN=Authority of the tests")

    def _openssl(self, certificate, key, subject, *options):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", subject,
                        "-keyout", key, "-out", certificate, *options],
                       check=True, capture_output=True)
        certificate.chmod(0o644)

    def give(self, name, subject, *names):
        """A certificate and its key, as files. names: those of subjectAltName."""
        certificate, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        options = ["-CA", self.certificate, "-CAkey", self.key]
        options += ["-addext", "basicConstraints=critical,CA:FALSE"]
        if names:
            options += ["-addext", "subjectAltName=" + ",".join(names)]
        self._openssl(certificate, key, subject, *options)
        return certificate, key

    def give_server(self):
        return self.give("server", "/CN=localhost", "DNS:localhost", "IP:127.0.0.1")


class TlsClient(Client):
    """A client over TLS, perhaps with a certificate: (certificate, key)."""

    def __init__(self, server, port, authority, certificate=None, **options):
        super().__init__(server, port=port, **options)
        self.context = ssl.create_default_context(cafile=authority.certificate)
        if certificate:
            self.context.load_cert_chain(*certificate)

    def connect(self):
        return http.client.HTTPSConnection("localhost", self.port, context=self.context,
                                           timeout=30 * PATIENCE)


class Http2Client(TlsClient):
    """The same over HTTP/2. Each thread has a connection of its own; each request is a stream."""

    def connect(self):
        return Http2Connection(self)

    def send(self, method, target, body=None, headers=None, fresh=False, chunked=False):
        assert not chunked
        sent = {**self.headers, **(headers or {})}
        if body is not None:
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **sent}
        try:
            while True:
                try:
                    return self._connection(fresh).ask(method, target, sent, body)
                except Unprocessed:
                    # As RFC 9113 wants it of each client.
                    self.close()
        except (OSError, ConnectionLost) as error:
            self.close()
            raise ConnectionLost(f"{method} {target}: {error!r}") from error


class Unprocessed(Exception):
    """The server says that it did not look at the stream, so the request can be sent again."""


class Http2Connection:
    """A connection of HTTP/2, by the package h2. That takes GOAWAY for the end of all streams,
    but a server that ends gracefully still answers those up to a last one. So these frames are
    read here."""

    GOAWAY = 7
    PIECE = 16384

    def __init__(self, client):
        self.authority = f"localhost:{client.port}"
        client.context.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection(("127.0.0.1", client.port), 30 * PATIENCE)
        self.socket = client.context.wrap_socket(plain, server_hostname="localhost")
        assert self.socket.selected_alpn_protocol() == "h2"
        self.received = b""
        self.last_stream = None
        self.state = h2.connection.H2Connection()
        self.state.initiate_connection()
        self._flush()

    def close(self):
        self.socket.close()

    def _flush(self):
        self.socket.sendall(self.state.data_to_send())

    def ask(self, method, target, headers, body):
        stream = self.state.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "https"), (":authority", self.authority),
                (":path", target)]
        head += [(name.lower(), value) for name, value in headers.items() if value is not None]
        self.state.send_headers(stream, head, end_stream=body is None)
        if body is not None:
            for start in range(0, max(len(body), 1), self.PIECE):
                self.state.send_data(stream, body[start:start + self.PIECE],
                                     end_stream=start + self.PIECE >= len(body))
        self._flush()
        return self._receive(stream, target)

    def _frames(self, stream):
        """Whole frames that have come, but for GOAWAY."""
        data = self.socket.recv(65536)
        if not data:
            if self.last_stream is not None and stream > self.last_stream:
                raise Unprocessed
            raise ConnectionLost("the connection ended")
        self.received += data
        frames = b""
        while len(self.received) >= 9:
            length = 9 + int.from_bytes(self.received[:3], "big")
            if len(self.received) < length:
                break
            frame, self.received = self.received[:length], self.received[length:]
            if frame[3] == self.GOAWAY:
                self.last_stream = int.from_bytes(frame[9:13], "big") & 0x7fffffff
            else:
                frames += frame
        if self.last_stream is not None and stream > self.last_stream:
            raise Unprocessed
        return frames

    def _receive(self, stream, target):
        status, found, raw = None, email.message.Message(), b""
        while True:
            for event in self.state.receive_data(self._frames(stream)):
                if getattr(event, "stream_id", 0) not in (0, stream):
                    continue
                if isinstance(event, h2.events.ResponseReceived):
                    for name, value in event.headers:
                        if name == b":status":
                            status = int(value)
                        else:
                            found[name.decode().title()] = value.decode("latin-1")
                elif isinstance(event, h2.events.DataReceived):
                    raw += event.data
                    self.state.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, h2.events.StreamReset):
                    raise ConnectionLost(f"the stream was reset: {event.error_code}")
                elif isinstance(event, h2.events.StreamEnded):
                    self._flush()
                    return Result(status, found, raw, target)
            self._flush()


# ---- programs ----


class Program:
    """A server beside httpd, on a port of its own."""

    def __init__(self, live, prefix):
        self.port = live.ports.take()
        self.directory = Path(tempfile.mkdtemp(prefix=prefix))
        self.directory.chmod(0o755)
        self.process = None

    def start(self, command, answers, **environment):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory,
                env={**os.environ, **environment}, start_new_session=True,
                preexec_fn=prepare_child)
        wait_for(lambda: self._is_up(answers), 30, f"{command[0]} answers")

    def _is_up(self, answers):
        assert self.process.poll() is None, self.log_text()
        try:
            return answers()
        except OSError:
            return False

    def log_text(self):
        return (self.directory / "log").read_text(errors="replace")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
        shutil.rmtree(self.directory)


# ---- LDAP ----

SUFFIX = "dc=example,dc=com"
LDAP_PASSWORD = "the password of httpd"
# uid → mail, and further lines of the entry.
PEOPLE = {
    "admin": (ADMIN, "employeeType: administrator\ntitle: Head of it\n"),
    "sub": (SUB_ADMIN, "employeeType: staff\ntitle: Helpdesk\n"),
    "stored": (STORED, "employeeType: staff\n"),
    "nobody": (NOBODY, ""),
}


def directory_entries():
    text = f"""dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=httpd,{SUFFIX}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: httpd
userPassword: {LDAP_PASSWORD}
"""
    for unit in ("people", "groups"):
        text += f"\ndn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}\n"
    for uid, (mail, more) in PEOPLE.items():
        text += (f"\ndn: uid={uid},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {uid}\n"
                 f"cn: {uid}\nsn: {uid}\nmail: {mail}\nuserPassword: {PASSWORD}\n{more}")
    for group, member in (("user-admins", "admin"), ("helpdesk", "sub")):
        text += (f"\ndn: cn={group},ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: {group}\n"
                 f"member: uid={member},ou=people,{SUFFIX}\n")
    return text


class Slapd(Program):
    """OpenLDAP's server, with the people and groups above."""

    ROOT = (f"cn=root,{SUFFIX}", "the password of root")

    def __init__(self, live):
        super().__init__(live, "usermgmt-slapd-")
        schema = next(folder for folder in (Path("/etc/ldap/schema"), Path("/etc/openldap/schema"))
                      if folder.exists())
        modules = [folder for folder in (Path("/usr/lib/ldap"), Path("/usr/lib64/openldap"))
                   if list(folder.glob("back_mdb*"))]
        (self.directory / "data").mkdir(mode=0o700)
        configuration = self.directory / "slapd.conf"
        configuration.write_text(
            "".join(f"include {schema}/{name}.schema\n"
                    for name in ("core", "cosine", "inetorgperson"))
            + "".join(f"modulepath {folder}\nmoduleload back_mdb\n" for folder in modules)
            + f"""pidfile {self.directory}/pid
database mdb
suffix "{SUFFIX}"
directory {self.directory}/data
rootdn "{self.ROOT[0]}"
rootpw "{self.ROOT[1]}"
access to attrs=userPassword by * auth
access to * by dn.exact="cn=httpd,{SUFFIX}" read by * none
""")
        entries = self.directory / "entries.ldif"
        entries.write_text(directory_entries())
        done = subprocess.run([find_program("slapadd"), "-f", configuration, "-l", entries],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self.start([find_program("slapd"), "-f", str(configuration), "-h", self.url, "-d", "0"],
                   lambda: self.run("ldapwhoami") is not None)

    @property
    def url(self):
        return f"ldap://127.0.0.1:{self.port}"

    def run(self, program, text=""):
        """One of ldap-utils, as root of the directory. None if the server does not answer."""
        done = subprocess.run([program, "-x", "-H", self.url, "-D", self.ROOT[0], "-w",
                               self.ROOT[1]], input=text, capture_output=True, text=True,
                              check=False)
        if "Can't contact" in done.stderr:
            return None
        assert done.returncode == 0, done.stderr
        return done.stdout

    def change_member(self, how, uid, group):
        """how: add or delete."""
        self.run("ldapmodify", f"dn: cn={group},ou=groups,{SUFFIX}\nchangetype: modify\n"
                               f"{how}: member\nmember: uid={uid},ou=people,{SUFFIX}\n")


# ---- OpenID Connect ----

API = "https://www.example.com/user-management"
SECRET = "the secret of the client"
# What the provider knows of its users: its own name for each → claims.
ACCOUNTS = {
    "u-admin": {"email": ADMIN, "email_verified": True, "roles": ["staff", "admin"],
                "realm_access": {"roles": ["admin"]}},
    "u-sub": {"email": SUB_ADMIN, "email_verified": True, "roles": ["helpdesk"]},
    "u-stored": {"email": STORED, "email_verified": True, "roles": []},
    "u-nobody": {"email": NOBODY, "email_verified": True},
    # Somebody who has told the provider an address that is not theirs.
    "u-liar": {"email": ADMIN, "email_verified": False, "roles": []},
    # Somebody without an address.
    "u-mute": {"roles": ["admin"]},
}
# Where the provider sends the browser of a user of the program that asks for tokens.
PROGRAM_REDIRECT = "https://program.example.com/back"


class OidcProvider(Program):
    """The npm package oidc-provider, run by Node. redirects: those of the client usermgmt."""

    def __init__(self, live, authority, redirects):
        super().__init__(live, "usermgmt-oidc-")
        self.issuer = f"https://localhost:{self.port}"
        self.authority = authority
        modules = TOP / ".build/npm/node_modules"
        if not (modules / "oidc-provider").exists():
            raise RuntimeError("oidc-provider is missing: build/setup check installs it")
        # Node looks for packages beside the script.
        (self.directory / "node_modules").symlink_to(modules)
        script = self.directory / "oidc_provider.mjs"
        shutil.copy(Path(__file__).with_name("oidc_provider.mjs"), script)
        certificate, key = authority.give_server()
        settings = {"issuer": self.issuer, "port": self.port, "secret": SECRET,
                    "redirects": redirects, "program_redirect": PROGRAM_REDIRECT,
                    "accounts": ACCOUNTS, "certificate": str(certificate), "key": str(key)}
        self.start([find_program("node"), str(script)], self._answers,
                   SETTINGS=json.dumps(settings))

    def browser(self):
        """A browser: it keeps cookies, and knows the authority."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.authority.certificate)
        return session

    def _answers(self):
        with self.browser() as session:
            return session.get(self.issuer + "/.well-known/openid-configuration",
                               timeout=5).status_code == 200

    def sign_in(self, browser, url, account):
        """Open a page, and sign in where the provider asks who it is. Returns the last answer:
        the page, or a redirect to the program."""
        answer = self._follow(browser, browser.get(url, allow_redirects=False, timeout=30))
        form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
        assert form and answer.url.startswith(self.issuer), answer.text
        return self._follow(browser, browser.post(
            urllib.parse.urljoin(answer.url, form[1]), allow_redirects=False, timeout=30,
            data={"prompt": "login", "login": account, "password": "any"}))

    @staticmethod
    def _follow(browser, answer):
        for _ in range(12):
            target = answer.headers.get("Location")
            if target is None or target.startswith(PROGRAM_REDIRECT):
                return answer
            answer = browser.get(urllib.parse.urljoin(answer.url, target), allow_redirects=False,
                                 timeout=30)
        raise AssertionError("the redirects have no end")

    def token(self, account, resource=API):
        """What the token endpoint gives to a program in which a user has signed in. Without a
        resource its access token is no JWT."""
        more = {"resource": resource} if resource else {}
        with self.browser() as browser:
            answer = self.sign_in(browser, self.issuer + "/auth?" + urllib.parse.urlencode({
                "client_id": "program", "response_type": "code", "scope": "openid email roles",
                "redirect_uri": PROGRAM_REDIRECT, "state": "x", **more}), account)
            query = urllib.parse.urlsplit(answer.headers["Location"]).query
            told = browser.post(self.issuer + "/token", timeout=30, auth=("program", SECRET), data={
                "grant_type": "authorization_code", "redirect_uri": PROGRAM_REDIRECT,
                "code": urllib.parse.parse_qs(query)["code"][0], **more})
        assert told.status_code == 200, told.text
        return told.json()
