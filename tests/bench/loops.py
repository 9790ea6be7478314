# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""What 32 loops of plain sqlite3 make of the same creates with the same durability:
build/bench's yardstick. Prints how many a second, and the longest in milliseconds."""

import os
import sqlite3
import sys
import threading
import time

LOOPS = 32

USER = ("INSERT INTO users (org_id, user_uid, email, email_key, display_name,"
        " display_name_folded, phone, attributes, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, 'New', 'new', NULL, '{\"height\":175}', 1700000000000,"
        " 1700000000000)")
AUDIT = ("INSERT INTO audit_events (org_id, event_uid, at, actor_identity, actor_key, actor_uid,"
         " actor_role, remote_addr, action, target, before_json, after_json) VALUES"
         " (?, ?, 1700000000000, 'admin@example.com', 'admin@example.com',"
         " '0aZ1bY2cX3dW4eV5fU6g', 'admin', '127.0.0.1', 'users.create', ?, NULL, ?)")


def loop(path, name, end, made):
    """Creates, each in a transaction of its own, until the time is over."""
    db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous = FULL")
    org_id, = db.execute("SELECT org_id FROM organizations WHERE name = 'default'").fetchone()
    number = 0
    started = time.monotonic()
    while started < end:
        uid = "%s-%d" % (name, number)
        email = uid + "@bench.example.com"
        db.execute("BEGIN IMMEDIATE")
        db.execute(USER, (org_id, uid, email, email))
        db.execute(AUDIT, (org_id, uid, uid, '{"email":"%s","display_name":"New"}' % email))
        db.execute("COMMIT")
        number += 1
        now = time.monotonic()
        made.append(now - started)
        started = now


def main():
    path, seconds = sys.argv[1], float(sys.argv[2])
    made = []
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=loop, args=(
        path, "l%d-%d-%d" % (os.getpid(), time.time(), index), end, made))
        for index in range(LOOPS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("%.1f %.1f" % (len(made) / seconds, max(made) * 1000))


if __name__ == "__main__":
    main()
