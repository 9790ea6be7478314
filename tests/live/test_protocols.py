# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""HTTP/1.1, TLS and HTTP/2 with each MPM; several virtual hosts; and graceful restarts while
clients of all protocols ask. None of it depends on the database."""

import threading

import pytest
from auth_env import Authority, Http2Client, TlsClient
from usermgmt_env import ADMIN, NOBODY, Client, ConnectionLost, Workers, in_parallel, wait_for

pytestmark = pytest.mark.database("sqlite")

MPMS = [("event", 2, 16), ("worker", 2, 16), ("prefork", 8, 1)]


@pytest.fixture(scope="module")
def authority(live):
    made = Authority(live.new_directory())
    made.given = made.give_server()
    return made


def tls_host(authority, port, lines=""):
    certificate, key = authority.given
    return f"""
        Listen 127.0.0.1:{port}
        <VirtualHost 127.0.0.1:{port}>
            ServerName localhost
            Protocols h2 http/1.1
            SSLEngine On
            SSLCertificateFile {certificate}
            SSLCertificateKeyFile {key}
            {lines}
        </VirtualHost>"""


def new_tls_server(new_server, live, authority, mpm="event", processes=2, threads=16, more=""):
    """An httpd with a plain port and one of TLS. Returns it and the latter."""
    server = new_server(start=False, mpm=mpm, processes=processes, threads=threads,
                        modules=["socache_shmcb", "ssl", "http2"])
    port = live.ports.take()
    server.extra = f"""
        SSLSessionCache shmcb:@DIR@/run/ssl_scache(512000)
        {tls_host(authority, port)}
        {more}"""
    # mod_http2 says that it does nothing with prefork.
    server.allow_log("AH10034")
    return server.start(), port


def of(kind, server, port, authority, login=ADMIN):
    """A client of this protocol."""
    if kind is Client:
        return Client(server, login)
    made = kind(server, port, authority)
    made.headers.update(Client(server, login).headers)
    return made


def protocols_of(mpm):
    return [Client, TlsClient] + ([] if mpm == "prefork" else [Http2Client])


@pytest.mark.parametrize("mpm, processes, threads", MPMS)
def test_the_protocols_of_each_mpm(new_server, live, authority, tell, mpm, processes, threads):
    server, port = new_tls_server(new_server, live, authority, mpm, processes, threads)
    for kind in protocols_of(mpm):
        clients = [of(kind, server, port, authority) for _ in range(6)]

        def work(index, clients=clients, kind=kind):
            client = clients[index]
            email = f"{kind.__name__}{index}@example.com"
            user = client.post("users/", {"email": email, "display_name": "A"}) \
                .expect(201).json["userData"]
            client.put("users/" + user["user_uid"], {"n": index}).expect(200)
            assert client.read(user["user_uid"])["n"] == index
            assert client.get("users/", query={"email": email}).json["query_count"] == 1
            client.delete("users/" + user["user_uid"]).expect(200)

        in_parallel(6, work)
        admin = clients[0]
        assert admin.everyone() == []
        etag = admin.get("users/").headers["ETag"]
        admin.get("users/", headers={"If-None-Match": etag}).expect(304)
        # Nobody reads these bodies.
        nobody = of(kind, server, port, authority, NOBODY)
        for body in ({"email": "a@example.com", "display_name": "A"}, b"x" * 40000):
            nobody.post("users/", body).expect_problem(403, "forbidden")
        for client in [*clients, nobody]:
            client.close()
        tell("protocols", mpm, {Client: "HTTP/1.1", TlsClient: "TLS", Http2Client: "HTTP/2"}[kind])
    if mpm == "prefork":
        # TLS chooses HTTP/1.1.
        with pytest.raises(AssertionError):
            of(Http2Client, server, port, authority).connect()
        tell("protocols", mpm, "HTTP/2", "HTTP/1.1 instead")


# ---- virtual hosts ----


def service(roles, more=""):
    return f"""
        <Location "/user-management">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            {roles}
            {more}
        </Location>"""


def test_several_virtual_hosts(new_server, live, authority):
    """By name and by port: their own databases, organizations and admins, over TLS too."""
    tls = live.ports.take()
    server = new_server(start=False, has_location=False,
                        modules=["socache_shmcb", "ssl", "http2"])
    acme = service(f"UserMgmtAdmin user {ADMIN}", "UserMgmtOrganization acme\n"
                   "UserMgmtAutoOrganization On")
    server.extra = f"""
        SSLSessionCache shmcb:@DIR@/run/ssl_scache(512000)
        <VirtualHost 127.0.0.1:@PORT@>
            ServerName first.example.com
            {service(f"UserMgmtAdmin user {ADMIN}")}
        </VirtualHost>
        <VirtualHost 127.0.0.1:@PORT@>
            ServerName acme.example.com
            {acme}
        </VirtualHost>
        <VirtualHost 127.0.0.1:@PORT@>
            ServerName other.example.com
            UserMgmtDatabase sqlite3 "@DIR@/data/other.db"
            {service(f"UserMgmtAdmin user {NOBODY}")}
        </VirtualHost>
        <VirtualHost 127.0.0.1:@PORT@>
            ServerName none.example.com
        </VirtualHost>
        {tls_host(authority, tls, acme)}"""
    server.start()

    def host(name, login=ADMIN):
        return Client(server, login, headers={"Host": name + ".example.com"})

    user = host("first").create("first@example.com")
    theirs = host("acme").create("acme@example.com")
    other = host("other", NOBODY).create("other@example.com")
    assert host("first").everyone() == [user]
    assert host("acme").everyone() == [theirs]
    assert host("other", NOBODY).everyone() == [other]
    # The same organization of the same database, over TLS.
    for kind in (TlsClient, Http2Client):
        assert of(kind, server, tls, authority).everyone() == [theirs]
    # A role of one host is none of another.
    host("other").get("users/").expect_problem(403, "forbidden")
    host("first", NOBODY).get("users/").expect_problem(403, "forbidden")
    host("first").get("users/" + theirs["user_uid"]).expect_problem(404, "user_not_found")
    host("none").get("users/").expect(404)


# ---- graceful restarts ----


class Load(Workers):
    """Clients of all protocols who ask without a pause, each request on a new connection.
    None may fail.

    In a graceful restart mod_http2 (httpd 2.4.71) sometimes ends a new connection without an
    answer and without GOAWAY, for static files too. The client sends such a request once more, a
    change with its Idempotency-Key."""

    def __init__(self, clients):
        super().__init__()
        self.problems = []
        self.done = [0] * len(clients)
        self.threads = [threading.Thread(target=self._work, args=(index, client))
                        for index, client in enumerate(clients)]

    @staticmethod
    def _ask(client, index, number):
        if number % 3:
            return client.get("users/", query={"limit": 3}, fresh=True)
        name = f"l{index}-{number}"
        return client.post("users/", {"email": f"{name}@example.com", "display_name": "L"},
                           fresh=True, headers={"Idempotency-Key": name})

    def _work(self, index, client):
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                try:
                    result = self._ask(client, index, number)
                except ConnectionLost:
                    if not isinstance(client, Http2Client):
                        raise
                    result = self._ask(client, index, number)
                if result.status != (200 if number % 3 else 201):
                    self.problems.append((index, result))
                self.done[index] += result.status == 201
            except Exception as error:  # pylint: disable=broad-except
                self.problems.append((index, repr(error)))
        client.close()


@pytest.mark.parametrize("mpm, processes, threads", MPMS)
def test_graceful_restarts_under_load(new_server, live, authority, mpm, processes, threads):
    server, port = new_tls_server(new_server, live, authority, mpm, 2 * processes, threads)
    clients = [of(kind, server, port, authority) for kind in protocols_of(mpm) for _ in range(2)]
    with Load(clients) as load:
        for _ in range(3):
            before = sum(load.done)
            server.graceful()
            wait_for(lambda before=before: sum(load.done) >= before + 3, 20, "users are made")
        wait_for(lambda: all(load.done), 20, "each client has made a user")
    assert load.problems == []
    assert server.admin.get("organization-status/").json["user_count"] == sum(load.done)
