# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Each MPM with each database and each kind of login. It is built from the servers of tests/live.

    UM_MODULE=path/mod_usermgmt.so /usr/bin/python3 -m pytest -n 2 tests/matrix
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

# pylint: disable=wrong-import-position,unused-import
from fixtures import live, make_server, new_server, watch_logs
from tables import print_tables, tell


def pytest_terminal_summary(terminalreporter):
    print_tables(terminalreporter)
