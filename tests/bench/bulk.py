# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""What is not made of equal requests: an import, an export, a stream, and memory."""

import json
import os
import resource
import subprocess
import time
import urllib.request

import processes
import seed

IMPORTED = 100000
BLOCK = 1 << 20


def write_users(path, users, count):
    """Users that the database does not have yet, as NDJSON."""
    known = json.loads(seed.ATTRIBUTES)
    with open(path, "w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps({"user_uid": "2%019d" % number,
                                   "email": "import%d@bench.example.com" % number,
                                   "display_name": "Person %d" % (number * 7919 % users),
                                   "phone": "+42 %d" % number, **known}) + "\n")


def tool_run(service, *arguments):
    """Seconds and processor seconds, of the tool and of the database's server, that
    usermgmtctl takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    server = processes.seconds(service.database_pid)
    started = time.monotonic()
    subprocess.run(service.tool(*arguments), check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    spent = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"seconds": spent,
            "tool": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "database": processes.seconds(service.database_pid) - server}


def import_and_export(service, count):
    """Imports so many users, then exports all there are."""
    path = os.path.join(service.directory, "import.ndjson")
    write_users(path, service.users, count)
    imported = tool_run(service, "users", "import", path)
    exported = tool_run(service, "--output", path, "users", "export")
    with open(path, "rb") as file:
        lines = sum(1 for _ in file)
    service.give_to_server()
    return {"import": {"users": count, **imported}, "export": {"users": lines, **exported}}


def stream(service):
    """All users as one NDJSON stream: seconds, and kilobytes of memory that it takes."""
    before = peak = service.memory()[0]
    started = time.monotonic()
    lines = 0
    request = urllib.request.Request(service.base + "/users/", headers={
        **service.headers, "Accept": "application/x-ndjson"})
    with urllib.request.urlopen(request) as answer:
        looked = started
        while True:
            block = answer.read(BLOCK)
            if not block:
                break
            lines += block.count(b"\n")
            if time.monotonic() - looked > 0.5:
                peak, looked = max(peak, service.memory()[0]), time.monotonic()
    return {"users": lines, "seconds": time.monotonic() - started, "memory": peak - before}


def measure(service, count):
    """All of it; memory first, as the requests before have left it."""
    httpd, mapped, database = service.memory()
    service.wait_until_idle()
    return {"memory": {"httpd": httpd, "mapped": mapped, "database": database},
            "stream": stream(service), **import_and_export(service, count)}
