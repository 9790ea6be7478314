# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""What tests of the documents share: their sections, their blocks, and Debian's modules."""

import re

# The modules that Debian's package apache2 turns on when it is installed, as files of their
# own: those that it has compiled in need no line. The tests' own httpd has its MPM already.
DEBIAN_MODULES = """access_compat alias auth_basic authn_core authn_file authz_core authz_host
    authz_user autoindex deflate dir env filter mime negotiation reqtimeout setenvif
    status""".split()


def section(text, heading):
    """The text below a heading, to the next of the same rank or above."""
    rank = heading.split(" ")[0]
    match = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(rank)}}} |\Z)", text,
                      re.MULTILINE | re.DOTALL)
    assert match, f"{heading} is missing"
    return match[1]


def blocks(text):
    """The indented blocks, without their indentation."""
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip("\n") for block in found]
