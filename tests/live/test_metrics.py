# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""SetHandler usermgmt-metrics and the section of mod_status' page: what the service counts about
itself, in all processes."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import databases
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_text
from smtp_env import Smtp
from usermgmt_env import (ADMIN, NOBODY, PATIENCE, SUB_ADMIN, UNAVAILABLE, Client, in_parallel,
                          location, wait_for)

TOP = Path(__file__).resolve().parents[2]
OPEN = "application/openmetrics-text"
# As Prometheus 2.42 sends it.
PROMETHEUS = (f"{OPEN};version=1.0.0,{OPEN};version=0.0.1;q=0.75,"
              "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
METRICS = """
    <Location "/metrics">
        SetHandler usermgmt-metrics
        Require all granted
    </Location>"""


def scrape(server, accept=None):
    """The text of the metrics, read by an independent parser: {(name, labels): value}."""
    client = Client(server, base="")
    answer = client.get("metrics", fresh=True, headers={"Accept": accept}).expect(200)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Vary"] == "Accept"
    text = answer.raw.decode()
    if accept is None:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = list(read_text(text))
    else:
        assert answer.headers["Content-Type"] == f"{OPEN}; version=1.0.0; charset=utf-8"
        families = list(read_open(text))
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples) > 60
    return found


class Metrics:
    """What was scraped at one moment."""

    def __init__(self, server, accept=None):
        self.samples = scrape(server, accept)

    def get(self, name, **labels):
        return self.samples.get((name, frozenset(labels.items())), 0)

    def sum(self, name, **labels):
        """Over all samples with these labels and others."""
        return sum(value for (found, pairs), value in self.samples.items()
                   if found == name and labels.items() <= dict(pairs).items())


def promtool(*arguments, stdin=None):
    return subprocess.run(["promtool", *arguments], input=stdin, capture_output=True, text=True,
                          check=False)


@pytest.fixture(scope="module")
def server(make_server):
    return make_server(location="UserMgmtActivity app", modules=["status"], extra=METRICS + """
        <Location "/server-status">
            SetHandler server-status
            Require all granted
        </Location>""")


# ---- the formats ----


def test_both_formats_are_taken_by_other_programs(server, admin):
    admin.create("formats@metrics.example.com")
    admin.get("users/nobody").expect(404)
    old, new = scrape(server), scrape(server, PROMETHEUS)
    # The same series, but for the creation of a new one meanwhile.
    assert old.keys() == new.keys()
    client = Client(server, base="")
    for accept in (None, PROMETHEUS):
        text = client.get("metrics", headers={"Accept": accept}).expect(200).raw.decode()
        assert text.endswith("# EOF\n") == (accept is not None)
        if accept is None:
            done = promtool("check", "metrics", stdin=text)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert not re.search(r"\b(org|organization|identity|user)=", text)
        for word in ("example.com", str(server.directory)):
            assert word not in text


def test_methods(server):
    client = Client(server, base="")
    head = client.ask("HEAD", "metrics").expect(200)
    assert head.raw == b"" and int(head.headers["Content-Length"]) > 1000
    client.post("metrics", {}).expect(405)
    client.delete("metrics").expect(405)


def test_the_metrics_are_for_those_that_httpd_admits(new_server):
    """Require of the Location decides; usermgmt-role and usermgmt-permission admit admins."""
    server = new_server(extra=f"""
        <Location "/by-permission">
            SetHandler usermgmt-metrics
            @AUTH@
            UserMgmtAdmin user {ADMIN}
            UserMgmtSubAdmin valid-user
            UserMgmtSubAdminAllow users:read
            Require usermgmt-permission metrics:read keys:manage
        </Location>
        <Location "/by-allowed">
            SetHandler usermgmt-metrics
            @AUTH@
            UserMgmtSubAdmin user {SUB_ADMIN}
            UserMgmtSubAdminAllow metrics:read
            Require usermgmt-permission metrics:read
        </Location>
        <Location "/metrics">
            SetHandler usermgmt-metrics
            @AUTH@
            UserMgmtAdmin user {ADMIN}
            Require usermgmt-role admin
        </Location>
        <Location "/elsewhere">
            SetHandler usermgmt-metrics
            Require ip 192.0.2.1
        </Location>""")
    server.allow_log("AH0163[01]|AH01797")
    assert b"usermgmt_build_info" in server.client(base="").get("metrics").expect(200).raw
    server.client(SUB_ADMIN, base="").get("metrics").expect(401)
    server.client(None, base="").get("metrics").expect(401)
    for path, admitted in [("by-permission", ADMIN), ("by-allowed", SUB_ADMIN)]:
        for login in (ADMIN, SUB_ADMIN, NOBODY, None):
            server.client(login, base="").get(path).expect(200 if login == admitted else 401)
    server.client(base="").get("elsewhere").expect(403)


def location_of_docs(number):
    """A Location of the chapter on metrics."""
    text = (TOP / "docs/monitoring.md").read_text(encoding="utf-8").partition("## Metrics\n")[2]
    return re.findall(r"^    <Location .*?</Location>\n", text, re.MULTILINE | re.DOTALL)[number]


@pytest.mark.database("sqlite")
def test_the_configurations_of_the_documents(new_server):
    closed = new_server(extra=location_of_docs(0))
    closed.allow_log("AH0163[01]")
    Client(closed, base="").get("metrics").expect(403)
    by_role = new_server(extra=location_of_docs(1).replace(
        "/etc/apache2/usermgmt.htpasswd", "@DIR@/conf/htpasswd"))
    by_role.allow_log("AH0163[01]")
    assert b"usermgmt_build" in by_role.client(base="").get("metrics").expect(200).raw
    by_role.client("sub@example.com", base="").get("metrics").expect(401)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("line, said", [
    ("Require usermgmt-permission", "at least one permission must be given"),
    ("Require usermgmt-permission metrics", "a permission is one of those in docs/api.md"),
    ("UserMgmtAdmin usermgmt-permission users:read",
     'UserMgmtAdmin can\'t be used with "usermgmt-permission"')])
def test_what_names_no_permission_is_refused(new_server, line, said):
    new_server(start=False, extra=f'<Location "/x">\n{line}\n</Location>').expect_config_error(
        re.escape(said))


# ---- alerts ----

ALERTS_TEST = """
rule_files: [%s]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'usermgmt_database_up{instance="a",database="0"}', values: '1 1 0 0 0 0'}
      - {series: 'usermgmt_requests_total{instance="a",action="x",status="5xx"}', values: '0+1x30'}
      - {series: 'usermgmt_requests_total{instance="a",action="x",status="2xx"}', values: '0+9x30'}
      - {series: 'usermgmt_connections_refused_total{instance="a",reason="busy"}', values: '0x30'}
    alert_rule_test:
      - {eval_time: 2m, alertname: UserMgmtDatabaseDown, exp_alerts: []}
      - eval_time: 4m
        alertname: UserMgmtDatabaseDown
        exp_alerts:
          - exp_labels: {severity: critical, instance: a, database: "0"}
            exp_annotations:
              summary: The database of the user management does not answer, or its schema can't be used.
              description: All requests get 503s. The error log of a has the reason (UM0091, UM0114, UM0030).
      - {eval_time: 20m, alertname: UserMgmtConnectionsShort, exp_alerts: []}
      - eval_time: 20m
        alertname: UserMgmtErrors
        exp_alerts:
          - exp_labels: {severity: critical, instance: a}
            exp_annotations:
              summary: More than 1 %% of the requests to the user management fail.
              description: The problem of each answer has a request_id; with %%L in ErrorLogFormat the lines of the error log have it, too.
"""


@pytest.mark.database("sqlite")
def test_the_alerts_are_rules_of_prometheus(server, tmp_path):
    folder = TOP / "docs/prometheus"
    done = promtool("check", "config", str(folder / "prometheus.yml"))
    assert done.returncode == 0 and "SUCCESS: 10 rules found" in done.stdout, done
    (tmp_path / "test.yml").write_text(ALERTS_TEST % (folder / "alerts.yml"))
    done = promtool("test", "rules", str(tmp_path / "test.yml"))
    assert done.returncode == 0, done
    # Every name in a rule is one of a metric.
    families = {name for name, _ in scrape(server)} | {
        "usermgmt_mail_pending", "usermgmt_requests_total"}
    used = set(re.findall(r"\busermgmt_\w+", "".join(re.findall(
        r"expr: (?:.*\n)(?:  .*\n)*?(?= +(?:for|labels):)", (folder / "alerts.yml").read_text()))))
    assert len(used) >= 10 and not used - families


# ---- what is counted ----


def test_requests_of_all_processes(server, admin):
    before = Metrics(server)
    uid = admin.create("counted@metrics.example.com")["user_uid"]
    in_parallel(8, lambda _: [server.admin.get("users/" + uid, fresh=True).expect(200)
                              for _ in range(5)])
    admin.get("users/" + uid, headers={"If-None-Match": "*"}).expect(304)
    admin.get("users/x").expect(404)
    admin.get("nowhere").expect(404)
    admin.post("users/", {"email": "no"}).expect(400)
    server.client(None).get("users/").expect(401)
    server.nobody.get("users/").expect(403)
    after = Metrics(server)

    def grown(name, **labels):
        return after.get(name, **labels) - before.get(name, **labels)

    assert grown("usermgmt_requests_total", action="users.get", status="2xx") == 40
    assert grown("usermgmt_requests_total", action="users.get", status="3xx") == 1
    assert grown("usermgmt_requests_total", action="users.get", status="4xx") == 1
    assert grown("usermgmt_requests_total", action="users.create", status="2xx") == 1
    assert grown("usermgmt_requests_total", action="users.create", status="4xx") == 1
    assert grown("usermgmt_requests_total", action="none", status="4xx") == 2
    for code in ("user_not_found", "not_found", "validation_failed", "unauthorized", "forbidden"):
        assert grown("usermgmt_problems_total", code=code) == 1, code
    name = "usermgmt_request_duration_seconds"
    assert grown(name + "_count", action="users.get") == 42
    assert grown(name + "_bucket", action="users.get", le="+Inf") == 42
    assert 0 < grown(name + "_sum", action="users.get") < 42 * PATIENCE
    assert grown(name + "_bucket", action="users.get", le="0.0001") <= grown(
        name + "_bucket", action="users.get", le="10.0")
    assert grown("usermgmt_caller_cache_lookups_total", result="hit") > 30
    assert after.get("usermgmt_caller_cache_lookups_total", result="miss") > 0
    assert grown("usermgmt_commit_duration_seconds_count") >= 1
    if databases.KIND == "sqlite":
        assert grown("usermgmt_writer_batch_changes_count") >= 1
        assert grown("usermgmt_writer_batch_changes_sum") >= grown(
            "usermgmt_writer_batch_changes_count")
    assert after.get("usermgmt_writer_queue_changes") == 0


def test_what_the_server_is_like(server, admin):
    admin.get("users/").expect(200)
    found = Metrics(server)
    assert found.get("usermgmt_processes") == 2
    assert found.get("usermgmt_database_up", database="0") == 1
    assert found.get("usermgmt_schema_version", database="0") == databases.VERSION
    assert found.sum("usermgmt_build_info") == 1
    assert found.get("usermgmt_connections_limit") == 24
    assert 1 <= found.get("usermgmt_connections_open") <= 24
    assert found.get("usermgmt_connections_used") == 0
    assert found.get("usermgmt_connections_waiting") == 0
    assert found.get("usermgmt_sessions") >= 1
    assert found.get("usermgmt_sessions_limit") == 16384
    assert found.get("usermgmt_keys_refused_total") == 0


def test_refused_keys_are_counted(new_server):
    server = new_server(extra=METRICS + location("/keys", "UserMgmtKeys On"))
    client = server.client(None, base="/keys",
                           headers={"Authorization": "Bearer umk_" + "0" * 50})
    for _ in range(3):
        client.get("me/").expect(401)
    assert Metrics(server).get("usermgmt_keys_refused_total") == 3


def test_counters_outlive_processes(new_server):
    """Of a graceful restart, and of a process that is killed; gauges are of those that live."""
    server = new_server(extra=METRICS)
    server.allow_log("AH00052")
    for _ in range(20):
        server.admin.get("users/", fresh=True).expect(200)
    before = Metrics(server).get("usermgmt_requests_total", action="users.list", status="2xx")
    assert before >= 20
    server.graceful()
    victim = server.children()[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in server.children(), 20, "it has gone")

    def settled():
        found = Metrics(server)
        return found if found.get("usermgmt_processes") == len(server.children()) else None

    found = wait_for(settled, 20, "only those that live")
    assert found.get("usermgmt_requests_total", action="users.list", status="2xx") == before
    assert found.get("usermgmt_connections_limit") == 12 * found.get("usermgmt_processes")


@pytest.fixture
def engine():
    made = databases.new_engine()
    yield made
    made.close()


@pytest.mark.database("postgresql", "mariadb")
def test_a_database_that_is_away(new_server, engine):
    server = new_server(extra=METRICS, database=engine.create(None))
    server.allow_log(UNAVAILABLE + "|UM001[12]")
    for _ in range(8):
        server.admin.get("users/", fresh=True).expect(200)
    assert engine.kill_connections(server.database.name) >= 2
    for _ in range(8):
        server.admin.get("users/", fresh=True).expect(200)
    assert Metrics(server).get("usermgmt_database_retries_total", kind="read") >= 1
    engine.stop(kill=True)
    wait_for(lambda: {server.admin.get("users/", fresh=True).status for _ in range(8)} == {503},
             20, "it is noticed")
    time.sleep(1.1)
    start = time.monotonic()
    found = Metrics(server)
    assert time.monotonic() - start < 4
    assert found.get("usermgmt_database_up", database="0") == 0
    assert found.get("usermgmt_schema_version", database="0") == 0
    assert found.get("usermgmt_connections_refused_total", reason="away") > 0
    assert found.sum("usermgmt_database_errors_total") > 0
    assert found.get("usermgmt_requests_total", action="users.list", status="5xx") > 0
    assert found.get("usermgmt_problems_total", code="unavailable") > 0
    engine.start()
    wait_for(lambda: Metrics(server).get("usermgmt_database_up", database="0") == 1, 20, "back")


@pytest.mark.database("postgresql", "mariadb")
def test_connections_that_are_not_enough(new_server):
    server = new_server(extra=METRICS, processes=1, pool={"UserMgmtConnections": 2,
                                                          "UserMgmtConnectionWait": "300ms"})
    server.allow_log(UNAVAILABLE + "|UM0041|UM0011")
    uid = server.admin.create("a@metrics.example.com")["user_uid"]
    with server.database.held("users"):
        in_parallel(6, lambda index: server.admin.put("users/" + uid, {"n": index}, fresh=True))
    found = Metrics(server)
    assert found.get("usermgmt_connections_refused_total", reason="busy") >= 1
    assert found.get("usermgmt_connection_wait_seconds_count") >= 4
    assert found.get("usermgmt_connection_wait_seconds_sum") >= 0.3
    assert found.get("usermgmt_connections_limit") == 2


@pytest.mark.database("sqlite")
def test_mail(live, new_server):
    smtp = Smtp(live).start()
    try:
        server = new_server(extra=METRICS + f"""
            UserMgmtMailServer {smtp.url}
            UserMgmtMailFrom users@example.com""")
        server.admin.post("invitations/", {"email": "a@metrics.example.com"}).expect(201)
        wait_for(lambda: Metrics(server).get("usermgmt_mail_attempts_total", result="sent") == 1,
                 20, "it is sent")
        wait_for(lambda: Metrics(server).samples.get(
            ("usermgmt_mail_pending", frozenset({("database", "0")}))) == 0, 20, "it is counted")
        smtp.stop()
        server.allow_log("UM0061")
        server.admin.post("invitations/", {"email": "b@metrics.example.com"}).expect(201)
        wait_for(lambda: Metrics(server).get("usermgmt_mail_pending", database="0") == 1, 20,
                 "it waits")
        assert Metrics(server).get("usermgmt_mail_attempts_total", result="later") >= 1
    finally:
        smtp.stop()


# ---- mod_status ----


def test_the_page_of_mod_status(server, admin):
    admin.get("users/").expect(200)
    client = Client(server, base="")
    page = client.get("server-status").expect(200).raw.decode()
    section = page.partition("<h2>mod_usermgmt ")[2]
    assert int(re.search(r"<dt>Requests: (\d+)</dt>", section)[1]) > 0
    lines = dict(line.split(": ", 1) for line in
                 client.get("server-status?auto").expect(200).raw.decode().splitlines()
                 if line.startswith("UserMgmt"))
    assert int(lines["UserMgmtRequests"]) >= int(
        re.search(r"<dt>Requests: (\d+)</dt>", section)[1])
    assert lines["UserMgmtVersion"] and int(lines["UserMgmtSessions"]) >= 1
    assert {"UserMgmtFailures", "UserMgmtConnectionsOpen", "UserMgmtConnectionsUsed",
            "UserMgmtConnectionsWaiting", "UserMgmtDatabaseErrors"} <= set(lines)
