# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Several database servers, an httpd at each: what tests/live has for one machine,
put together for more of them on loopback.

    UM_MODULE=path/mod_usermgmt.so /usr/bin/python3 -m pytest tests/cluster
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

# pylint: disable=wrong-import-position,unused-import
from fixtures import live, make_server, new_server, watch_logs
