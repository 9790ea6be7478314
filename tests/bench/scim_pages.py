# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""All users, read by SCIM page after page, by startIndex, as an identity provider reads them: what
the first pages cost, and what the last ones cost."""

import http.client
import json
import os
import statistics
import time
import urllib.parse

import processes

PAGE = 100
# Pages of each end of the list, for medians, and for processor time.
COMPARED = 50
# The last pages may cost so much of the first ones.
GOAL = 1.10


class Reader:
    """One client with the API key that build/quickstart made for SCIM."""

    def __init__(self, service):
        with open(os.path.join(service.directory, "service.json"), encoding="utf-8") as file:
            made = json.load(file)
        url = urllib.parse.urlparse(made["scim_url"])
        key, = (key["key"] for key in made["api_keys"] if key["name"] == "scim")
        self.path = url.path + "/Users?count=%d" % PAGE
        self.headers = {"Authorization": "Bearer " + key}
        self.connection = http.client.HTTPConnection(url.netloc, timeout=600)

    def get(self, query):
        """The page, and how long it took in seconds."""
        started = time.perf_counter()
        self.connection.request("GET", self.path + query, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        taken = time.perf_counter() - started
        if answer.status != 200:
            raise RuntimeError("%s%s: %d %s" % (self.path, query, answer.status, body))
        return json.loads(body), taken

    def warm_up(self):
        """Connections are made, statements prepared, and memory is taken. By cursor: so no place
        of the list by number is remembered. Returns how many users there are."""
        cursor = ""
        for _ in range(COMPARED):
            page, _ = self.get("&cursor=" + cursor)
            cursor = page.get("nextCursor", "")
        return page["totalResults"]


def processor(service):
    """Seconds of httpd, and of the database's server."""
    return (processes.precise_seconds(service.process.pid),
            processes.precise_seconds(service.database_pid))


def own_memory(service):
    """Kilobytes of httpd, without those of SQLite's file that it maps."""
    httpd, mapped, _ = service.memory()
    return httpd - mapped


def slices(pages):
    """Where the first pages end, and where the middle and the last pages begin."""
    compared = min(COMPARED, max(pages // 3, 1))
    return compared, (pages - compared) // 2, pages - compared


def part(times, before, after):
    """Milliseconds and microseconds of a page."""
    httpd, database = ((late - early) * 1e6 / len(times) for early, late in zip(before, after))
    return {"p50": statistics.median(times) * 1000, "httpd": httpd, "database": database,
            "cost": httpd + database}


def read(service, reader, users):
    """Read all pages. The time of each, the processor time at the ends of the parts, and httpd's
    memory at the beginning, in the middle and at the end."""
    times, seen, marks, memory = [], set(), {}, []
    pages = -(-users // PAGE)
    compared, middle, last = slices(pages)
    parts = {"first": (0, compared), "middle": (middle, middle + compared), "last": (last, pages)}
    wanted = {number for ends in parts.values() for number in ends}
    for number in range(pages):
        if number in (0, middle):
            memory.append(own_memory(service))
        if number in wanted:
            marks[number] = processor(service)
        page, taken = reader.get("&startIndex=%d" % (number * PAGE + 1))
        times.append(taken)
        seen.update(user["id"] for user in page["Resources"])
    marks[pages] = processor(service)
    memory.append(own_memory(service))
    if len(seen) != users:
        raise RuntimeError("%d of %d users were read" % (len(seen), users))
    return times, {name: part(times[first:end], marks[first], marks[end])
                   for name, (first, end) in parts.items()}, memory


def measure(service):
    reader = Reader(service)
    users = reader.warm_up()
    before = processor(service)
    started = time.perf_counter()
    times, parts, memory = read(service, reader, users)
    seconds = time.perf_counter() - started
    httpd, database = (late - early for early, late in zip(before, processor(service)))
    return {"users": service.users, "pages": len(times), "seconds": seconds, "httpd": httpd,
            "database": database, "parts": parts, "memory": memory, "goal": GOAL}


def title(data):
    return ("%s users on %s, by SCIM in pages of %d; µs: processor time a page; first, middle and"
            " last %d pages" % ("{:,}".format(data["users"]), data["facts"]["database"], PAGE,
                                slices(data["pages"])[0]))


def rows(data):
    table = [["", "p50 ms", "httpd µs", "database µs", "together"]]
    for name, figures in data["parts"].items():
        table.append([name + " pages", "%.2f" % figures["p50"], "%.0f" % figures["httpd"],
                      "%.0f" % figures["database"], "%.0f" % figures["cost"]])
    return table


def summary(data):
    """The lines below the table."""
    cost = data["parts"]["last"]["cost"] / data["parts"]["first"]["cost"]
    yield ("the last pages take %.2f of the processor time of the first ones (goal ≤ %.2f: %s)"
           % (cost, data["goal"], "met" if cost <= data["goal"] else "missed"))
    yield ("all %d pages: %.0f s, processor seconds: httpd %.1f, database %.1f"
           % (data["pages"], data["seconds"], data["httpd"], data["database"]))
    yield ("memory of httpd before, in the middle, after: %s MiB"
           % ", ".join("%.1f" % (kilobytes / 1024) for kilobytes in data["memory"]))
