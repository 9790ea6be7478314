# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A short test for each MPM, database and kind of login: what each caller may do, changes at once,
and a graceful restart while clients ask."""

import threading
import time

import databases
import pytest
from api_keys import forge, make_key, with_key
from usermgmt_env import (ADMIN, NOBODY, SUB_ADMIN, Client, ConnectionLost, Workers, in_parallel,
                          wait_for)

MPMS = {"event": (2, 16), "worker": (2, 16), "prefork": (8, 1)}


class FileLogins:
    """Basic, with a file."""

    name = "file"

    def __init__(self, server):
        self.server = server

    def client(self, login):
        return Client(self.server, login)

    def wrong(self):
        return Client(self.server, ADMIN, "wrong")


class KeyLogins:
    """API keys. There is no sub-admin among them, so its key has the permissions of one."""

    name = "key"

    def __init__(self, server):
        self.server = server
        admin = Client(server, ADMIN)
        self.keys = {
            ADMIN: make_key(admin, role="admin"),
            SUB_ADMIN: make_key(admin, permissions=["users:read", "users:create", "users:update"]),
            NOBODY: make_key(admin, permissions=["sessions:read"])}

    def client(self, login):
        return with_key(self.server, self.keys[login])

    def wrong(self):
        return with_key(self.server, forge())


LOGINS = [FileLogins, KeyLogins]


class Readers(Workers):
    """Clients who read without a pause, each time on a new connection."""

    def __init__(self, clients):
        super().__init__()
        self.problems = []
        self.count = [0] * len(clients)
        self.threads = [threading.Thread(target=self._read, args=(index, client))
                        for index, client in enumerate(clients)]

    def _read(self, index, client):
        while not self.stop.is_set():
            try:
                status = client.get("users/", query={"limit": 2}, fresh=True).status
                if status != 200:
                    self.problems.append(status)
                self.count[index] += 1
            except (ConnectionLost, OSError) as error:
                self.problems.append(repr(error))


@pytest.mark.parametrize("mpm", MPMS)
@pytest.mark.parametrize("kind", databases.ENGINES)
@pytest.mark.parametrize("logins", LOGINS, ids=lambda logins: logins.name)
def test_it_serves(new_server, tell, mpm, kind, logins):
    started = time.monotonic()
    processes, threads = MPMS[mpm]
    server = new_server(mpm=mpm, processes=2 * processes, threads=threads, kind=kind,
                        location="UserMgmtKeys On")
    server.allow_log("AH01617")
    callers = logins(server)
    admin, sub_admin = callers.client(ADMIN), callers.client(SUB_ADMIN)

    def change(index):
        """What an application does with a user."""
        client = callers.client(ADMIN if index % 2 else SUB_ADMIN)
        user = client.post("users/", {"email": f"u{index}@example.com", "display_name": "U"}) \
            .expect(201).json["userData"]
        client.put("users/" + user["user_uid"], {"n": index}).expect(200)
        assert client.read(user["user_uid"])["n"] == index
        client.close()

    in_parallel(6, change)
    assert len(admin.everyone()) == 6
    user = admin.everyone()[0]
    admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    sub_admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect_problem(403, "forbidden")
    sub_admin.delete("users/" + user["user_uid"]).expect_problem(403, "forbidden")
    callers.client(NOBODY).get("users/").expect_problem(403, "forbidden")
    callers.wrong().get("users/").expect_problem(401, "unauthorized")
    Client(server).get("users/").expect_problem(401, "unauthorized")
    with Readers([callers.client(ADMIN) for _ in range(3)]) as readers:
        server.graceful()
        before = sum(readers.count)
        wait_for(lambda: sum(readers.count) > before + 10, 20, "answers after the restart")
    assert not readers.problems
    admin.delete("users/" + user["user_uid"], fresh=True).expect(200)
    status = admin.get("organization-status/").expect(200).json
    assert (status["user_count"], status["sub_admin_count"]) == (5, 0)
    tell("MPM, login", f"{mpm}, {logins.name}", kind, f"ok {time.monotonic() - started:.1f} s")
