# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A real SMTP server (aiosmtpd) that behaves as a test wants it to, and keeps
what it was given."""

import asyncio
import email
import email.policy
import re
import ssl
import subprocess
import threading
import urllib.parse

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from usermgmt_env import wait_for


class Mail:
    """One mail as it came in. accepted: the server said so, or tried to. helo: the name that
    the client gave itself."""

    def __init__(self, envelope, accepted, helo):
        self.helo = helo
        self.sender = envelope.mail_from
        self.recipients = list(envelope.rcpt_tos)
        self.options = list(envelope.mail_options)
        self.raw = envelope.content
        self.accepted = accepted
        self.message = email.message_from_bytes(self.raw, policy=email.policy.default)

    def __getitem__(self, name):
        return self.message[name]

    def part(self, kind):
        """The text of the part text/plain or text/html."""
        return self.message.get_body((kind,)).get_content()

    @property
    def secret(self):
        """The secret that accepts the invitation, from the link or from the text."""
        link = re.search(r"https?://\S+", self.part("plain"))
        if link:
            parts = urllib.parse.urlsplit(link.group())
            found = urllib.parse.parse_qs(parts.query or parts.fragment)
            return found["accept_token"][0]
        return re.search(r"^[0-9A-Za-z_-]{43}\r?$", self.part("plain"), re.M).group().strip()


class Smtp:
    """A server on a port of its own.

    host              the name of the server in its URL; listens: the address it has
    on_mail           a function of the sender that gives the answer to MAIL
    on_rcpt, on_data  functions of the address, resp. the mail, that give the
                      answer, of one line or several; "drop" cuts the connection
                      instead
    delay             seconds before on_rcpt and on_data
    """

    def __init__(self, live, host="127.0.0.1", listens="127.0.0.1", **options):
        self.host = host
        self.listens = listens
        self.port = live.ports.take()
        self.options = options
        self.controller = None
        self.lock = threading.Lock()
        self.mails = []
        self.tries = []
        self.behave()

    def behave(self, on_rcpt=None, on_data=None, delay=0, on_mail=None):
        self.on_mail = on_mail or (lambda address: "250 2.1.0 fine")
        self.on_rcpt = on_rcpt or (lambda address: "250 2.1.5 fine")
        self.on_data = on_data or (lambda mail: "250 2.0.0 taken")
        self.delay = delay

    @property
    def url(self):
        scheme = "smtps" if "ssl_context" in self.options else "smtp"
        return f"{scheme}://{self.host}:{self.port}"

    def start(self):
        self.controller = Controller(self, hostname=self.listens, port=self.port, **self.options)
        self.controller.start()
        return self

    def stop(self):
        if self.controller is not None:
            self.controller.stop()
            self.controller = None

    # ---- aiosmtpd's hooks ----

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = self.on_mail(address)
        if answer.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(self, server, session, envelope, address, options):
        with self.lock:
            self.tries.append(address)
        await asyncio.sleep(self.delay)
        answer = self.on_rcpt(address)
        if answer == "drop":
            server.transport.abort()
            return "451 gone"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        mail = Mail(envelope, True, session.host_name)
        answer = self.on_data(mail)
        mail.accepted = answer == "drop" or answer.startswith("250")
        with self.lock:
            self.mails.append(mail)
        await asyncio.sleep(self.delay)
        if answer == "drop":
            server.transport.abort()
            return "451 gone"
        return answer

    async def handle_exception(self, error):
        return "451 " + type(error).__name__

    # ---- what a test asks ----

    def to(self, address):
        """The mails for an address."""
        with self.lock:
            return [mail for mail in self.mails if address in mail.recipients]

    def tried(self, address):
        with self.lock:
            return self.tries.count(address)

    def wait(self, address, count=1, seconds=20):
        """Wait until count mails came for an address; returns the last one."""
        wait_for(lambda: len(self.to(address)) >= count, seconds, f"{count} mails for {address}")
        found = self.to(address)
        assert len(found) == count, f"{len(found)} mails for {address}"
        return found[-1]


def one_account(login, password):
    """An authenticator that accepts one account."""
    def authenticate(server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (login.encode(), password.encode())
        return AuthResult(success=good, handled=False)

    return authenticate


def certificate(directory, name="127.0.0.1"):
    """A self-signed certificate and its key, as files."""
    crt, key = directory / f"{name}.crt", directory / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=IP:{name}", "-keyout", key, "-out", crt],
                   check=True, capture_output=True)
    crt.chmod(0o644)
    return crt, key


def tls_context(crt, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    return context
