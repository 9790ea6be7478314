# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Writes so many users as NDJSON, for usermgmtctl to import: build/bench's data."""

import json
import sys

ATTRIBUTES = ('"height":175,"weight":68,"age":"23","ycom":0.95,"leg_length":0.91,'
              '"shoeSize":"7","brand":"Nimbus","shoeModel":"Racer 3","gender":"f"')


def uid(number):
    """A user_uid whose byte order is that of the numbers."""
    return "0%019d" % number


def main():
    count = int(sys.argv[1])
    for number in range(count):
        known = json.dumps({"user_uid": uid(number),
                            "email": "user%d@bench.example.com" % number,
                            "display_name": "Person %d" % (number * 7919 % count),
                            "phone": "+41 %d" % number})
        print(known[:-1] + "," + ATTRIBUTES + "}")


if __name__ == "__main__":
    main()
