# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Several database servers with an httpd for each, all on loopback. They are built from the
servers of tests/live.

    UM_MODULE=path/mod_usermgmt.so /usr/bin/python3 -m pytest tests/cluster
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

# pylint: disable=wrong-import-position,unused-import
from fixtures import live, make_server, new_server, watch_logs
