# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Fill the organization `default` of an SQLite database with users, for build/bench."""

import sqlite3
import sys
import time

ATTRIBUTES = ('{"height":175,"weight":68,"age":"23","ycom":0.95,"leg_length":0.91,'
              '"shoeSize":"7","brand":"Nimbus","shoeModel":"Racer 3","gender":"f"}')


def uid(number):
    """A user_uid whose byte order is that of the numbers."""
    return "0%019d" % number


def rows(count):
    now = int(time.time() * 1000)
    for number in range(count):
        email = "user%d@bench.example.com" % number
        name = "Person %d" % (number * 7919 % count)
        yield (uid(number), email, email, name, name.lower(), "+41 %d" % number, ATTRIBUTES,
               now - count + number, now)


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    with db:
        db.executemany(
            "INSERT INTO users (org_id, user_uid, email, email_folded, display_name,"
            " display_name_folded, phone, attributes, created_at, updated_at)"
            " SELECT org_id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM organizations"
            " WHERE name = 'default'", rows(count))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


if __name__ == "__main__":
    main()
