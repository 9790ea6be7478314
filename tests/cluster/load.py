# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Load on several httpd nodes with one database, and what must be true after it.

Each writer changes only what it has made, so it knows the right end: all acknowledged changes
are there, and no refused one. Changes that conflict on purpose are in contention.py.
"""

import collections
import itertools
import json
import re
import threading
import time

from usermgmt_env import NOBODY, Workers, wait_for

ROUNDS = itertools.count()

# A Location in which a header names the caller, to accept invitations.
AS_ANYBODY = """
    <Location "/as">
        SetHandler usermgmt
        @AUTH@
        Require valid-user
        UserMgmtIdentity "%{HTTP:X-Identity}"
    </Location>"""


def identified(server, identity):
    return server.client(NOBODY, base="/as", headers={"X-Identity": identity})


class Refused(Exception):
    """A 503. No part of the change may be there."""


def expect_or_503(result, status):
    """Returns the answer. Raises Refused if it is a 503 as the API describes it."""
    if result.status == 503:
        result.expect_problem(503, "unavailable")
        assert int(result.headers["Retry-After"]) > 0
        raise Refused
    return result.expect(status)


class Writer:
    """One client of one node, and the answers that it got."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.admin = server.admin
        # email: the user as it must be
        self.users = {}
        # invite_token: status
        self.invitations = {}
        # The events that the audit trail must have: action and target. The target is an email
        # address if the client does not know the uid.
        self.events = []
        self.times = []
        self.refusals = 0
        self.error = None

    def work(self, stop):
        number = 0
        try:
            while not stop.is_set():
                number += 1
                try:
                    self._round(number)
                except Refused:
                    self.refusals += 1
                    time.sleep(0.05)
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def _do(self, status, ask, *arguments, **options):
        result = expect_or_503(ask(*arguments, **options), status)
        self.times.append(time.monotonic())
        return result.json

    def _round(self, number):
        email = f"{self.name}-{number}@cluster.example.com"
        body = {"email": email, "display_name": "W", "n": 0}
        user = self._do(201, self.admin.post, "users/", body)["userData"]
        uid = user["user_uid"]
        self.users[email] = user
        self.events.append(("users.create", uid))
        for n in (1, 2):
            self._do(200, self.admin.put, "users/" + uid, {"n": n})
            user["n"] = n
            self.events.append(("users.update", uid))
        if number % 4 == 0:
            self._do(200, self.admin.delete, "users/" + uid)
            del self.users[email]
            self.events.append(("users.delete", uid))
        elif number % 4 == 1:
            self._appoint(user, number)
        elif number % 4 == 2:
            self._invite(number)

    def _appoint(self, user, number):
        uid = user["user_uid"]
        self._do(201, self.admin.post, "sub-admins/", {"user_uid": uid})
        user["role"] = "sub_admin"
        self.events.append(("sub_admins.create", uid))
        if number % 8 == 1:
            self._do(200, self.admin.delete, "sub-admins/" + uid)
            user["role"] = "user"
            self.events.append(("sub_admins.delete", uid))

    def _invite(self, number):
        email = f"invited-{self.name}-{number}@cluster.example.com"
        made = self._do(201, self.admin.post, "invitations/", {"email": email})
        token = made["invitation"]["invite_token"]
        self.invitations[token] = "pending"
        self.events.append(("invitations.create", token))
        if number % 3 == 1:
            self._do(200, self.admin.delete, "invitations/" + token)
            self.invitations[token] = "revoked"
            self.events.append(("invitations.revoke", token))
        elif number % 3 == 2:
            self._do(200, identified(self.server, email).post, "invitations/accept",
                     {"accept_token": made["accept_token"]})
            self.invitations[token] = "accepted"
            self.users[email] = {"role": "sub_admin"}
            self.events += [("invitations.accept", token), ("users.create", email),
                            ("sub_admins.create", email)]


class Load(Workers):
    """Writers and readers at every node."""

    END = 90

    def __init__(self, servers, writers=3, readers=1):
        super().__init__()
        self.servers = servers
        name = f"l{next(ROUNDS)}"
        self.writers = [Writer(server, f"{name}-{node}-{index}")
                        for node, server in enumerate(servers) for index in range(writers)]
        self.read = collections.Counter()
        self.read_error = None
        self.threads = [threading.Thread(target=writer.work, args=(self.stop,))
                        for writer in self.writers]
        self.threads += [threading.Thread(target=self._read, args=(server,))
                         for server in servers for _ in range(readers)]

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self._raise()

    def _raise(self):
        for error in [writer.error for writer in self.writers] + [self.read_error]:
            if error is not None:
                raise error

    def _read(self, server):
        client = server.admin
        try:
            while not self.stop.is_set():
                for path in ("users/?limit=20", "organization-status/", "sub-admins/"):
                    try:
                        expect_or_503(client.get(path), 200)
                        self.read["served"] += 1
                    except Refused:
                        self.read["refused"] += 1
                        time.sleep(0.05)
        except BaseException as error:  # pylint: disable=broad-except
            self.read_error = error

    def done(self, server):
        """The number of changes that the node has acknowledged."""
        self._raise()
        return sum(len(writer.times) for writer in self.writers if writer.server is server)

    def goes_on(self, servers=None, changes=40, seconds=40):
        """Wait until each node has acknowledged so many more."""
        for server, before in [(server, self.done(server)) for server in servers or self.servers]:
            wait_for(lambda: self.done(server) >= before + changes,  # pylint: disable=cell-var-from-loop
                     seconds, f"writing goes on at port {server.port}")

    def longest_pause(self, servers=None):
        """The longest time in which none of these nodes acknowledged a change."""
        times = sorted(at for writer in self.writers
                       if servers is None or writer.server in servers for at in writer.times)
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    @property
    def refusals(self):
        return sum(writer.refusals for writer in self.writers)

    # ---- afterwards ----

    def check(self):
        """At every node all acknowledged changes are there, and nothing else."""
        users, invitations, events = {}, {}, collections.Counter()
        for writer in self.writers:
            users.update(writer.users)
            invitations.update(writer.invitations)
            events.update(writer.events)
        assert users and invitations and events
        self._add_uncertain(users, invitations, events)
        for server in self.servers:
            there = check_node(server)
            assert set(there["users"]) == set(users), \
                (set(users) - set(there["users"]), set(there["users"]) - set(users))
            for email, user in users.items():
                found = there["users"][email]
                assert {name: found[name] for name in user if name != "updated_at"} \
                    == {name: value for name, value in user.items() if name != "updated_at"}
            assert there["invitations"] == invitations
            trail = collections.Counter(server.sql("SELECT action, target FROM audit_events"))
            uids = {email: user["user_uid"] for email, user in there["users"].items()}
            assert trail == collections.Counter(
                {(action, uids.get(target, target)): count
                 for (action, target), count in events.items()})


    def _add_uncertain(self, users, invitations, events):
        """Add the changes that were refused because their outcome was unknown. The audit event
        that the log names tells whether such a change was made."""
        for server in self.servers:
            for event in re.findall(r"UM0012: .* audit event (\w+) tells", server.log_text()):
                for action, target, after in server.sql(
                        "SELECT action, target, after_json FROM audit_events WHERE event_uid = ?",
                        event):
                    events[action, target] += 1
                    after = json.loads(after) if after else {}
                    known = [email for email, user in users.items()
                             if user.get("user_uid") == target]
                    if action in ("users.create", "users.update"):
                        users[after["email"]] = after
                    elif action == "users.delete":
                        del users[known[0]]
                    elif action.startswith("sub_admins.") and known:
                        users[known[0]]["role"] = ("sub_admin" if action.endswith("create")
                                                   else "user")
                    elif action == "sub_admins.create":
                        # The last event of an invitation that was accepted.
                        email = after["email"]
                        [(token,)] = server.sql(
                            "SELECT invite_token FROM invitations WHERE email = ?", email)
                        users[email] = {"role": "sub_admin"}
                        invitations[token] = "accepted"
                        events.update([("users.create", email), ("invitations.accept", token)])
                    else:
                        assert action in ("invitations.create", "invitations.revoke"), action
                        invitations[target] = after["status"]


def check_node(server):
    """Check that the counts and lists of a node agree with its tables. Returns its users by email
    and its invitations by token."""
    admin = server.admin
    users = {user["email"]: user for user in admin.everyone()}
    invitations = {}
    page = admin.get("invitations/?status=all&limit=1000").expect(200)
    while True:
        invitations.update((invitation["invite_token"], invitation["status"])
                           for invitation in page.json["invitations"])
        if "next" not in page.links:
            break
        page = admin.follow(page, "next")
    status = admin.get("organization-status/").expect(200).json
    sub_admins = [user for user in users.values() if user["role"] == "sub_admin"]
    for name, table, told, listed in (
            ("user_count", "users", status["user_count"], len(users)),
            ("sub_admin_count", "sub_admins", status["sub_admin_count"], len(sub_admins))):
        counted = server.sql(f"SELECT COUNT(*) FROM {table}")[0][0]
        kept = server.sql(f"SELECT SUM({name}) FROM organization_counts")[0][0]
        assert told == counted == kept == listed, (name, told, counted, kept, listed)
    pending = server.sql("SELECT COUNT(*) FROM invitations WHERE status = 'pending'")[0][0]
    assert status["pending_invitation_count"] == pending
    return {"users": users, "invitations": invitations}


def same_everywhere(servers):
    """Every node answers with the same bytes."""
    for path in ("users/?limit=1000", "users/?limit=1000&order_by=-email", "sub-admins/?limit=1000",
                 "invitations/?limit=1000&status=all", "audit-events/?limit=1000",
                 "organization-status/"):
        answers = [server.admin.get(path).expect(200).json for server in servers]
        for answer in answers[1:]:
            assert json.dumps(answer) == json.dumps(answers[0]), path
