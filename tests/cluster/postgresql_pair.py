# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""A PostgreSQL primary with a synchronous standby, as an engine of tests/live/databases.py.
Queries go to the server that is the primary at that time."""

import shutil

from databases import USER, PostgresqlEngine, ServerDatabase, find_program
from usermgmt_env import wait_for


class Node(PostgresqlEngine):
    """One of the two servers. With a source it is a standby of that."""

    def __init__(self, port, source=None):
        self.port = port
        self.source = source
        super().__init__()

    def settings(self):
        return {**super().settings(), "listen_addresses": "127.0.0.1", "port": self.port,
                "full_page_writes": "on"}

    def initialize(self):
        if self.source is None:
            super().initialize()
            # In the file, because pg_rewind runs a recovery of its own. There is no replication
            # slot; wal_keep_size keeps enough for a server that comes back.
            with open(self.data / "postgresql.conf", "a", encoding="ascii") as file:
                file.write("wal_log_hints = on\nwal_keep_size = 512MB\n")
        else:
            self.copy(self.source)

    def prepare(self):
        if self.source is None:
            super().prepare()

    def address(self):
        return f"host=127.0.0.1 port={self.port}"

    def program(self, name):
        return find_program(name, *self.places)

    def copy(self, source):
        """Start over as a standby."""
        for path in self.data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.run(self.program("pg_basebackup"), "-D", str(self.data), "-R", "-X", "stream",
                 "-c", "fast", "--no-sync", "-d", f"{source.address()} user={USER}")

    def rewind(self, source):
        """Become a standby of the server that was promoted meanwhile."""
        # Before its first checkpoint pg_rewind does not see that it was promoted.
        source.query(None, "CHECKPOINT")
        self.run(self.program("pg_rewind"), "-D", str(self.data), "-R", "--no-sync",
                 "--source-server", f"{source.address()} user={USER} dbname=postgres")


class Pair:
    """The engine of both servers."""

    kind = PostgresqlEngine.kind
    list_tables = PostgresqlEngine.list_tables

    def __init__(self, ports):
        self.nodes = []
        try:
            self.nodes.append(Node(ports[0]))
            self.nodes.append(Node(ports[1], source=self.nodes[0]))
            self.primary, self.standby = self.nodes
            self.await_standby()
        except BaseException:
            self.close()
            raise

    @property
    def process(self):
        return self.primary.process

    def address(self):
        hosts = ",".join("127.0.0.1" for _ in self.nodes)
        ports = ",".join(str(node.port) for node in self.nodes)
        return f"host={hosts} port={ports} target_session_attrs=read-write connect_timeout=2"

    driver = PostgresqlEngine.driver
    params = PostgresqlEngine.params

    def __getattr__(self, name):
        if name in ("query", "connect", "create_database", "apply_schema", "drop_database"):
            return getattr(self.primary, name)
        raise AttributeError(name)

    def database(self):
        return ServerDatabase(self, "um")

    def await_standby(self):
        """From now on a commit waits for the standby."""
        wait_for(lambda: self.primary.query(
            None, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"),
                 30, "the standby follows")
        self.primary.query(None, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.query(None, "SELECT pg_reload_conf()")
        wait_for(lambda: self.primary.query(
            None, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"),
                 10, "the standby is waited for")

    def promote(self):
        """Promote the standby. Its commits wait for nobody, because there is no other server yet."""
        self.standby.query(None, "SELECT pg_promote()")
        self.primary, self.standby = self.standby, self.primary

    def close(self):
        for node in self.nodes:
            node.close()


class Pooler:
    """PgBouncer in front of a server, as an engine."""

    kind = PostgresqlEngine.kind
    list_tables = PostgresqlEngine.list_tables
    driver = PostgresqlEngine.driver
    params = PostgresqlEngine.params

    def __init__(self, engine, port, mode, backends=6):
        self.engine = engine
        self.port = port
        path = engine.directory / f"pgbouncer-{port}.ini"
        path.write_text(f"""
            [databases]
            * = host={engine.directory} port={engine.port} user={USER}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = {mode}
            default_pool_size = {backends}
            """, encoding="ascii")
        path.chmod(0o644)
        self.process = engine.spawn([find_program("pgbouncer"), "-q", str(path)])

    def __getattr__(self, name):
        if name in ("query", "connect", "create_database", "apply_schema", "drop_database"):
            return getattr(self.engine, name)
        raise AttributeError(name)

    def address(self):
        return f"host=127.0.0.1 port={self.port} connect_timeout=5"

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self.process = None
