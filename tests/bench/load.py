# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Runs of a load, and what came of them."""

import dataclasses
import glob
import os
import re
import sys
import time

from service import HERE, output

CONNECTIONS = 32
# A run in which nothing was answered is made anew, up to this long.
SECONDS_MAX = 25
# See load.lua.
PLACE = "{value.............}"
ORGANIZATION = "{organization......}"


@dataclasses.dataclass
class Result:
    """Of one run. Waits are milliseconds, processor time is microseconds a request. Refused
    are answers that the case does not expect, such as 503 of a search too many."""
    rate: float
    p50: float = None
    p99: float = None
    p999: float = None
    longest: float = None
    httpd: float = None
    database: float = None
    refused: int = 0
    requests: int = 0

    @property
    def cost(self):
        """Processor time of httpd and of the database's server together."""
        return None if self.httpd is None else self.httpd + self.database


def wrk(service, seconds, case):
    """One run of a case, 32 connections that are kept alive."""
    command = ["wrk", "-t2", "-c%d" % CONNECTIONS, "-d%ds" % seconds, "--timeout", "30s",
               "-s", os.path.join(HERE, "load.lua")]
    for name, value in {**service.headers_of(ORGANIZATION), **case.headers(service)}.items():
        command += ["-H", "%s: %s" % (name, value)]
    first, count = case.numbers(service)
    path = case.path_of(service)
    command += [service.root, "--", case.method, path, case.body or "", case.kind,
                str(first), str(count), "%d" % (time.time() * 1000), str(service.organizations),
                str(service.members)]
    before = service.processor_seconds()
    text = output(*command)
    after = service.processor_seconds()
    numbers = [int(number) for number in re.search(r"^bench: (.*)$", text, re.M)[1].split()]
    requests, duration, p50, p99, p999, longest, refused, broken = numbers
    if broken:
        raise RuntimeError("%s: %d requests broke off" % (path, broken))
    if not requests:
        if seconds >= SECONDS_MAX:
            raise RuntimeError("%s: no answer in %d seconds" % (path, seconds))
        # A busy machine, and answers of some megabytes for all connections.
        return wrk(service, seconds * 3, case)
    return Result(requests / duration * 1e6, p50 / 1e3, p99 / 1e3, p999 / 1e3, longest / 1e3,
                  *((end - start) / requests * 1e6 for start, end in zip(before, after)),
                  refused, requests)


def pgbench(service, seconds, _case=None):
    """The creates that the module made before, straight to the server."""
    words = dict(word.split("=", 1) for word in service.params.split())
    program = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench")
                     + glob.glob("/usr/bin/pgbench"))[-1]
    before = service.processor_seconds()
    text = output(program, "-h", words["host"], "-U", words["user"], "-n", "-M", "prepared",
                  "-f", os.path.join(HERE, "create.pgbench"), "-c", str(CONNECTIONS), "-j", "2",
                  "-T", str(seconds), words["dbname"])
    after = service.processor_seconds()
    made = int(re.search(r"actually processed: (\d+)", text)[1])
    return Result(float(re.search(r"tps = ([0-9.]+)", text)[1]), httpd=0,
                  database=(after[1] - before[1]) / made * 1e6, requests=made)


def loops(service, seconds, _case=None):
    """The same creates by plain sqlite3, in 32 threads."""
    rate, longest = output(sys.executable, os.path.join(HERE, "loops.py"), service.params,
                           str(seconds)).split()
    return Result(float(rate), longest=float(longest))
