# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""API keys in tests: their texts, written by hand, and clients that use them."""

import itertools
import secrets
import zlib

from usermgmt_env import Client

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NUMBERS = itertools.count()


def checksum(text):
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits


def random_text(length):
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def forge(key_id=None, secret=None):
    """A key that nobody has made, with the right checksum."""
    text = "umk_" + (key_id or random_text(12)) + (secret or random_text(32))
    return text + checksum(text)


def id_of(text):
    return text[4:16]


def secret_of(text):
    return text[16:48]


def with_key(server, text, scheme="Bearer", **options):
    """A client that sends a key."""
    headers = {"Authorization": f"{scheme} {text}", **options.pop("headers", {})}
    return Client(server, headers=headers, **options)


def make_key(admin, **members):
    """Make a key, and return its text."""
    body = {"name": f"key {next(NUMBERS)}", **members}
    if "role" not in body:
        body.setdefault("permissions", ["users:read"])
    return admin.post("api-keys/", body).expect(201).json["key"]
