# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""What is measured, in which order, and the goals (the same as in docs/performance.md)."""

import dataclasses
import statistics
import time
import urllib.parse

import load
import seed
from load import PLACE

# Users below this share of all are never updated, so that they keep their ETag.
UPDATED = 0.9
# Victims that a second of deletes may take.
VICTIMS = 30000


@dataclasses.dataclass(frozen=True)
class Goal:
    """Of a figure of a case: "rate" and "cost" are quotients with the yardstick's, "time" is
    processor time in microseconds."""
    figure: str
    limit: float

    def met(self, value):
        return value >= self.limit if self.figure == "rate" else value <= self.limit


def rate(limit):
    return Goal("rate", limit)


def cost(limit):
    return Goal("cost", limit)


def microseconds(limit):
    return Goal("time", limit)


@dataclasses.dataclass
class Case:
    """Requests of one sort. The path is below the API's, or the server's where it begins with
    a slash; for the kind of the value in it see load.lua."""
    name: str
    path: str = ""
    kind: str = "none"
    method: str = "GET"
    body: str = None
    expect: int = 200
    # The users that values are drawn from, as shares of all.
    low: float = 0
    high: float = 1
    yardstick: str = None
    goals: dict = dataclasses.field(default_factory=dict)
    # Also with --quick.
    quick: bool = True
    matching: bool = False
    has_key: bool = False
    # Needs more users than each of many organizations has.
    needs_many: bool = False
    measure: callable = load.wrk

    def path_of(self, service):
        path = self.path.replace("{last}", seed.uid(max(service.users - self.limit() - 1, 0)))
        prefix = "" if path.startswith("/") else urllib.parse.urlparse(service.base).path + "/"
        return prefix + path

    def limit(self):
        query = urllib.parse.parse_qs(self.path.partition("?")[2])
        return int(query.get("limit", ["5"])[0])

    def numbers(self, service):
        first = int(service.users * self.low)
        return first, max(int(service.users * self.high) - first, 1)

    def headers(self, service):
        headers = {"Content-Type": "application/json"} if self.body else {}
        if self.matching:
            _, found, _ = service.request(service.base + "/users/" + seed.uid(0))
            headers["If-None-Match"] = found["ETag"]
        if self.has_key:
            headers["Authorization"] = "Bearer %s" % service.api_key()
        return headers

    def prepare(self, service, seconds):
        if self.kind == "once":
            seed.fill_victims(service.kind, service.params, VICTIMS * seconds, service.users,
                              service.organizations)

    def probe(self, service):
        """The status of one such request."""
        self.prepare(service, 1)
        number = self.numbers(service)[0]
        new = "%020d" % (time.time() * 1000)
        value = {"none": "", "uid": seed.uid(number), "number": str(number),
                 "once": "1%019d" % 0, "new": new}[self.kind]
        path = self.path_of(service).replace(PLACE, value, 1)
        body = self.body
        if body:
            body = body.replace(PLACE, value if PLACE not in self.path else new)
        member = {"uid": number, "number": number}.get(self.kind, 0)
        headers = service.headers_of(seed.organization(member // service.members))
        return service.request(service.root + path, self.method, body,
                               {**headers, **self.headers(service)})[0]

    def run(self, service, seconds):
        service.wait_until_idle()
        self.prepare(service, seconds)
        result = self.measure(service, seconds, self)
        if self.expect >= 400:
            result.refused = result.requests - result.refused
        return result


BARE = "bare handler, 300 bytes"
FILE = "static file, a page's size"
SAME_CREATES = {"sqlite": "32 loops of sqlite3", "postgresql": "pgbench of the creates"}


def pages():
    goals = {"sqlite": [rate(0.44)], "postgresql": [rate(0.35)], "mariadb": [rate(0.35)]}
    for limit in (5, 100, 1000):
        path, quick = "users/?limit=%d" % limit, limit == 100
        first = "page of %d, first" % limit
        yield Case(first, path, yardstick=BARE if limit == 5 else FILE,
                   goals=goals if quick else {})
        yield Case("page of %d, any" % limit, path + "&start_after_id=" + PLACE, "uid",
                   high=UPDATED, yardstick=first, quick=quick, needs_many=limit > 5)
        yield Case("page of %d, last" % limit, path + "&start_after_id={last}",
                   yardstick=first, quick=quick, needs_many=True,
                   goals=dict.fromkeys(goals, [rate(0.95)]) if quick else {})


def searches():
    tenth = "users/?limit=100&order_by=display_name&q=person%209"
    yield Case("a tenth by q, in order of name", tenth, yardstick=FILE,
               goals=dict.fromkeys(("sqlite", "postgresql", "mariadb"), [rate(0.13)]))
    yield Case("the same without its count", tenth + "&count=none", yardstick=FILE)
    yield Case("one by q", "users/?q=user" + PLACE + "@", "number", yardstick=BARE)
    yield Case("one by email", "users/?email=user" + PLACE + "@bench.example.com", "number",
               yardstick=BARE)
    yield Case("one by phone", "users/?phone=%2B41%20" + PLACE, "number", yardstick=BARE,
               quick=False)
    yield Case("a hundredth by active", "users/?limit=100&active=false", yardstick=FILE,
               quick=False)
    yield Case("sub-admins by role", "users/?limit=100&role=sub_admin", yardstick=FILE,
               quick=False)
    yield Case("latest by created_at", "users/?limit=100&order_by=-created_at",
               yardstick=FILE, quick=False)


def changes(kind):
    if kind == "sqlite":
        yield Case(SAME_CREATES[kind], measure=load.loops)
    if kind == "postgresql":
        yield Case(SAME_CREATES[kind], measure=load.pgbench)
    yield Case("create", "users/", "new", "POST",
               '{"email": "new-%s@bench.example.com", "display_name": "New", "height": 175}'
               % PLACE, 201, yardstick=SAME_CREATES.get(kind, BARE),
               goals={"postgresql": [microseconds(150)], "sqlite": [microseconds(67)]})
    yield Case("update", "users/" + PLACE, "uid", "PATCH", '{"shoeSize": "%s"}' % PLACE,
               low=UPDATED, yardstick="create")
    yield Case("delete", "users/" + PLACE, "once", "DELETE", yardstick="create")


def all_cases(kind):
    """In the order in which a round runs them: a yardstick stands close to what it is for."""
    yield Case(BARE, "/bare/" + PLACE, "uid")
    yield Case("read one", "users/" + PLACE, "uid", yardstick=BARE, goals={
        "sqlite": [rate(0.85), cost(1.3)], "postgresql": [rate(0.60), microseconds(55)]})
    yield Case("read one, absent", "users/absent" + PLACE, "uid", expect=404, yardstick=BARE)
    yield Case("read one, 304", "users/" + PLACE, "uid", expect=304, high=UPDATED,
               yardstick=BARE, matching=True)
    yield Case("read one, granted to all", "/granted/users/" + PLACE, "uid")
    yield Case("read one, with a key", "/keyed/users/" + PLACE, "uid", has_key=True,
               yardstick="read one, granted to all",
               goals=dict.fromkeys(("sqlite", "postgresql", "mariadb"), [cost(1.05)]))
    yield Case("organization status", "organization-status/", yardstick=BARE, goals={
        "sqlite": [rate(0.80)], "postgresql": [rate(0.50)], "mariadb": [rate(0.40)]})
    yield Case("bare, nothing counted", "/bare/uncounted", quick=False)
    yield Case("bare, sessions counted", "/bare/counted", yardstick="bare, nothing counted",
               quick=False)
    yield Case(FILE, "/page.json")
    yield from pages()
    yield from changes(kind)
    # Last: what wrk leaves behind of it goes on for a while.
    yield from searches()


# What is compared between numbers of users: that which should not depend on them.
SCALE = ("bare handler, 300 bytes", "read one", "read one, absent", "organization status",
         "page of 5, first", "page of 5, any", "page of 100, first", "page of 100, any",
         "page of 100, last", "create", "update", "delete", "one by email")
# The processor time of a request, beside that with the fewest users.
SCALE_GOAL = 1.25


# Seconds for 100,000 users by usermgmtctl.
IMPORT_GOALS = {"sqlite": 2.5, "postgresql": 4, "mariadb": 5}


def cold(service, rounds):
    """The first second after a start of httpd: reads, while connections are being made. The
    medians, and the longest of all."""
    case = next(case for case in all_cases(service.kind) if case.name == "read one")
    runs = []
    for _ in range(rounds):
        service.restart()
        runs.append(load.wrk(service, 1, case))
    return {"rate": statistics.median(run.rate for run in runs),
            "p99": statistics.median(run.p99 for run in runs),
            "longest": max(run.longest for run in runs)}
