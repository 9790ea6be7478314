# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Runs the usermgmtctl that was built with the module."""

import json
import os
import re
import subprocess
from pathlib import Path

from usermgmt_env import module_path


def tool_path():
    """The program that was built with the module."""
    path = os.environ.get("UM_CTL") or str(Path(module_path()).parents[1] / "usermgmtctl")
    assert os.access(path, os.X_OK), path
    return path


def tool_environment():
    """The environment to run it with. A sanitizer's report must not end with an exit code that
    a test expects."""
    return {**{name: value for name, value in os.environ.items() if name != "LD_PRELOAD"},
            "ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99"}


class Ended:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def expect(self, code, error=""):
        assert self.code == code, f"{self.code}\n{self.out}\n{self.err}"
        assert re.search(error, self.err), self.err
        return self


def run(*arguments, stdin=b"", program=None, **options):
    return Ended(subprocess.run([program or tool_path(), *map(str, arguments)], input=stdin,
                                timeout=120,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=tool_environment(), **options))


class DatabaseOf:
    """The database of a server, of any kind."""

    def __init__(self, server):
        self.config = ["--config", str(server.directory / "conf/httpd.conf")]

    def run(self, *arguments, **options):
        return run(*self.config, *arguments, **options)
