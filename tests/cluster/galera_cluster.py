# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""MariaDB nodes in a Galera cluster, each an engine of tests/live/databases.py."""

import re
import shutil

from databases import MariadbEngine, ServerDatabase, find_program

PROVIDERS = ("usr/lib/galera", "usr/lib64/galera-4", "usr/lib64/galera")

APPLIERS = 4


class Node(MariadbEngine):
    """One node. The first one has the data; the others get a copy when they start."""

    def __init__(self, cluster, number):
        self.cluster = cluster
        self.number = number
        self.port, self.transfer_port, self.copy_port = cluster.ports[number]
        self.options = ["--wsrep-new-cluster"] if number == 0 else []
        super().__init__()
        self.options = []

    def settings(self):
        provider = {
            "base_host": "127.0.0.1", "base_port": self.port,
            "gmcast.listen_addr": f"tcp://127.0.0.1:{self.port}",
            "ist.recv_addr": f"127.0.0.1:{self.transfer_port}",
            "gcache.size": "64M", "pc.recovery": "false",
        }
        members = ",".join(f"127.0.0.1:{port}" for port, _, _ in self.cluster.ports)
        return ["--skip-networking", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
                "--wsrep-on=ON", f"--wsrep-provider={find_program('libgalera_smm.so', *PROVIDERS)}",
                "--wsrep-provider-options=" + ";".join(f"{name}={value}" for name, value
                                                       in provider.items()),
                f"--wsrep-cluster-address=gcomm://{members}",
                f"--wsrep-node-name=node{self.number}", "--wsrep-node-address=127.0.0.1",
                "--wsrep-sst-method=rsync",
                f"--wsrep-sst-receive-address=127.0.0.1:{self.copy_port}",
                f"--wsrep-slave-threads={APPLIERS}",
                # A read at this node sees what was written at another node before.
                "--wsrep-sync-wait=1", *self.options]

    def initialize(self):
        if self.number == 0:
            super().initialize()

    def prepare(self):
        if self.number == 0:
            super().prepare()

    def start_again(self):
        """Start again after a kill. The node finds its last transaction, and gets those that it
        misses."""
        said = self.run(*self.command(), "--wsrep-recover")
        position = re.findall(r"Recovered position:? *([0-9a-f-]+:-?\d+)", said)[-1]
        self.options = [f"--wsrep-start-position={position}"]
        self.start()
        self.options = []

    def start_over(self):
        """Start without data. The node gets a copy of everything."""
        for path in self.data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.start()

    def isolate(self, isolated):
        """Cut the node off from the others, or connect it again. Alone it has no quorum."""
        self.query(None, f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={isolated:d}'")


class Cluster:
    """All nodes."""

    def __init__(self, ports, count=3):
        self.ports = [(ports.take(), ports.take(), ports.take()) for _ in range(count)]
        self.nodes = []
        try:
            for number in range(count):
                self.nodes.append(Node(self, number))
        except BaseException:
            self.close()
            raise

    def databases(self):
        """One database, and each node's view of it."""
        made = [ServerDatabase(node, "um") for node in self.nodes]
        # If tables are made and filled, several threads that apply changes block each other for
        # ever (MDL BF-BF conflict).
        self._apply_with(1)
        made[0].make()
        for database in made[1:]:
            database.is_made = True
            database.sql("SELECT MAX(version) FROM schema_version")
        self._apply_with(APPLIERS)
        return made

    def _apply_with(self, threads):
        for node in self.nodes:
            node.query(None, f"SET GLOBAL wsrep_slave_threads = {threads}")

    def close(self):
        for node in self.nodes:
            node.close()
