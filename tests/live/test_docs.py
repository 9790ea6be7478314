# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""The documents agree with the sources, and the examples in them print the output that they
show. A check that finds nothing to check fails."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from documents import DEBIAN_MODULES, blocks, section
from routes import ROUTES
from usermgmt_env import ADMIN, PASSWORD

TOP = Path(__file__).resolve().parents[2]
SOURCES = TOP / "mod_usermgmt"


def read(name):
    return (TOP / name).read_text(encoding="utf-8")


def sources(*layers):
    return "\n".join(path.read_text(encoding="utf-8")
                     for layer in layers for path in sorted((SOURCES / layer).glob("*.c")))


def rows(text):
    """The cells of each line of the tables."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")]
            for line in text.splitlines() if line.startswith("| ") and "---" not in line]


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


def assert_same(documented, found, at_least):
    """Both ways, and enough of it to believe that the check looks at the right place."""
    assert len(found) >= at_least, f"only {sorted(found)} found in the sources"
    assert not found - documented, f"not documented: {sorted(found - documented)}"
    assert not documented - found, f"not in the sources: {sorted(documented - found)}"


# ---- docs/api.md against the sources ----

def test_every_route_has_a_row_and_every_row_a_route():
    documented = [(method, re.sub(r"\{\w+\}", "*", names(row[1])[0]).rstrip("/"))
                  for row in rows(section(read("docs/api.md"), "## Endpoints"))[1:]
                  for method in row[0].split(", ")]
    assert len(documented) == len(set(documented))
    assert_same(set(documented), ROUTES, 14)


def permissions_of_sources():
    """(constant, name, whether sub-admins can have it) of each line of the table."""
    table = re.search(r"um_permissions\[\] = \{\n(.*?)\n\};",
                      read("mod_usermgmt/rest/permission.c"), re.DOTALL)[1]
    found = re.findall(r'\{ "([a-z:-]+)", (UM_PERMIT_\w+), ([01]) \}', table)
    assert len(found) == len(table.splitlines()) - 1 >= 11
    return [(constant, name, able == "1") for name, constant, able in found]


def test_every_permission_is_documented_and_every_documented_one_is_there():
    default = re.search(r"define UM_PERMIT_DEFAULT(.*?)\n\n", read("mod_usermgmt/rest/request.h"),
                        re.DOTALL)[1]
    found = {(name, "never" if not able else
              "by default" if re.search(rf"\b{constant}\b", default) else "if allowed")
             for constant, name, able in permissions_of_sources()}
    api = read("docs/api.md")
    documented = [(names(row[0])[0], row[1]) for row in rows(section(api, "## Permissions"))[1:]]
    assert len(documented) == len(set(documented))
    assert_same(set(documented), found, 11)
    entry = section(read("docs/directives.md"), "## UserMgmtSubAdminAllow")
    assert {name for name in names(entry) if re.fullmatch(r"scim|[a-z-]+:[a-z]+", name)} == {
        name for name, _ in found}
    line = re.search(r"\| Default \| `UserMgmtSubAdminAllow ([^`]*)`", entry)[1]
    assert line.split() == [name for name, able in documented if able == "by default"]


def test_the_permission_of_every_route_is_documented():
    known = {constant: name for constant, name, _ in permissions_of_sources()}
    known.update(UM_PERMIT_ROLE="a role", UM_PERMIT_ANYONE="a sign-in",
                 UM_PERMIT_USERS_WRITE="users:create or users:update")
    found = {(method, path): known[constant] for method, path, constant in re.findall(
        r'\{ "([A-Z]+)", "([^"]*)", (UM_PERMIT_\w+),', read("mod_usermgmt/api/routes.c"))}
    assert set(found) == ROUTES
    for row in rows(section(read("docs/api.md"), "## Endpoints"))[1:]:
        path = re.sub(r"\{\w+\}", "*", names(row[1])[0]).rstrip("/")
        assert {found[method, path] for method in row[0].split(", ")} == {row[2]}, row


def problems_of_sources():
    """Every (status, code): a call with both, the table of kinds, and JSON's reasons."""
    text = sources("rest", "api")
    problems = {(int(status), code)
                for status, code in re.findall(r'\b([45]\d\d), *"([a-z_]+)"', text)}
    kinds = re.findall(r'\{ ([45]\d\d), "[A-Z][A-Za-z ]+", "([a-z_]+)" \}', text)
    assert len(kinds) == len(re.findall(r"\{ [45]\d\d,", text)) >= 20
    problems |= {(int(status), code) for status, code in kinds}
    parser = read("mod_usermgmt/base/json.c")
    body = re.search(r"static const char \*find_code\(.*?\n\}", parser, re.DOTALL)[0]
    reasons = set(re.findall(r'return "([a-z_0-9]+)"', body))
    reasons |= set(re.findall(r'\brefuse_at\(error, "([a-z_]+)"', parser))
    assert len(reasons) >= 7
    missing = re.findall(r'\.not_found = \{ "([a-z_]+)"', sources("api"))
    assert len(missing) >= 4
    problems |= {(404, code) for code in missing}
    return problems | {(400, reason) for reason in reasons}


def test_every_problem_is_documented_and_every_documented_one_is_there():
    table = rows(section(read("docs/api.md"), "## Errors"))
    documented = [(int(row[0]), names(row[1])[0]) for row in table if row[0].isdigit()]
    assert len(documented) == len(set(documented))
    assert_same(set(documented), problems_of_sources(), 35)
    others = [names(row[1])[0] for row in table if row[0].startswith("other ")]
    found = re.search(r'status < 500 \? "([a-z_]+)" : "([a-z_]+)"', read(
        "mod_usermgmt/rest/problem.c"))
    assert others == list(found.groups())


def arguments(call):
    """The arguments of a call whose text begins behind its bracket."""
    found, depth, start, in_string = [], 0, 0, False
    for at, char in enumerate(call):
        if char == '"' and call[at - 1] != "\\":
            in_string = not in_string
        elif in_string:
            continue
        elif char in "([{":
            depth += 1
        elif char in ")]}" and depth > 0:
            depth -= 1
        elif char in ",)" and depth == 0:
            found.append(call[start:at].strip())
            start = at + 1
            if char == ")":
                return found
    raise AssertionError("a call without an end: " + call[:80])


def test_every_fault_is_documented_and_every_documented_one_is_there():
    text = sources("base", "core", "rest", "api")
    found = set()
    calls = 0
    for call in re.finditer(r"(?<!void )\bum_faults_add\(", text):
        code = arguments(text[call.end():])[2]
        if code != "violation->code":
            found.add(re.fullmatch(r'"([a-z_]+)"', code)[1])
            calls += 1
    assert calls >= 15
    violations = re.findall(r'\bum_violation_t \w+ = \{\s*"([a-z_0-9]+)"', text)
    assert len(violations) == len(re.findall(r"\bum_violation_t \w+ = ", text)) >= 10
    # And the table of names that are taken.
    violations += re.findall(r'\{ "[a-z]+", (?:"[a-z_]+"|NULL), \{ "([a-z_]+)", ', text)
    table = section(read("docs/api.md"), "## Errors").split("The codes in `errors`:")[1]
    documented = [names(row[0])[0] for row in rows(table)[1:]]
    assert len(documented) == len(set(documented))
    assert_same(set(documented), found | set(violations), 16)


def test_every_parameter_is_documented_and_every_documented_one_is_there():
    text = sources("core")
    parameters = re.findall(r'\{ \.name = "([a-z_]+)",\s+\.value = UM_LIST_', text)
    assert len(re.findall(r"\.value = UM_LIST_", text)) == len(parameters)
    found = set(parameters)
    common = re.search(r"const common_names\[\w+\] = \{(.*?)\};", sources("rest"), re.DOTALL)
    found.update(re.findall(r'= "(\w+)"', common.group(1)))
    table = rows(section(read("docs/api.md"), "## Lists").split("### Filters")[0])[1:]
    documented = [name for row in table for name in names(row[0])]
    assert len(documented) == len(set(documented))
    assert_same(set(documented), found, 13)


# ---- docs/directives.md and docs/logs.md against the sources ----

def test_every_directive_is_documented_and_every_documented_one_is_there():
    text = "".join(read(f"mod_usermgmt/httpd/{name}")
                   for name in ("config.c", "config_console.h", "config_database.h",
                                "config_expression.h", "config_mail.h"))
    found = re.findall(r'\bAP_INIT_\w+\(\s*"([A-Za-z]+)"', text)
    assert len(found) == len(re.findall(r"\bAP_INIT_", text)) == len(set(found))
    reference = read("docs/directives.md")
    documented = re.findall(r"^## (UserMgmt\w+)$", reference, re.MULTILINE)
    assert len(documented) == len(set(documented))
    # The module looks on where others' are set.
    others = {name for name in found if not name.startswith("UserMgmt")}
    assert others == {"SetHandler", "AuthType", "DBDriver", "DBDParams", "DBDInitSQL", "DBDMin", "DBDKeep",
                      "DBDMax", "Mutex"}
    assert_same(set(documented), set(found) - others, 10)
    for name in documented:
        entry = section(reference, "## " + name)
        cells = [row[0] for row in rows(entry)]
        assert [cell for cell in cells if cell] == ["Description", "Syntax", "Default", "Context"]
        assert f"`{name} " in entry


def test_every_action_is_documented_and_every_documented_one_is_there():
    tables = "".join(re.search(rf"um_{room}_routes\[\] = \{{(.*?)\n\}};",
                               read(f"mod_usermgmt/{room}/routes.c"), re.DOTALL)[1]
                     for room in ("api", "scim"))
    found = set(re.findall(r'"([a-z_]+\.[a-z_]+)",\s+um_', tables)) | {"console", "options"}
    notes = section(read("docs/directives.md"), "## Notes for the logs")
    row = re.search(r"^\| `%\{usermgmt-action\}n` \|.*$", notes, re.MULTILINE)[0]
    documented = names(row)[1:] + re.findall(r"^- `([a-z_.]+)`$", notes, re.MULTILINE)
    assert_same(set(documented), found, 10)


def test_every_metric_is_documented_and_every_documented_one_is_there():
    header = read("mod_usermgmt/base/metrics.h")
    text = read("mod_usermgmt/rest/exposition.c")
    found = {}
    for group, kind, suffix in [("COUNTERS", "counter", "_total"), ("GAUGES", "gauge", ""),
                                ("HISTOGRAMS", "histogram", "")]:
        lines = re.search(rf"define UM_METRICS_{group}\(X\) \\\n((?:.*\\\n)*.*\n)", header)[1]
        names_of_group = re.findall(r'X\(\w+, "(\w+)"', lines)
        assert len(names_of_group) == len(re.findall(r"\bX\(", lines)) >= 3
        found.update({name + suffix: kind for name in names_of_group})
    heads = re.findall(r'put_head\(out, "(\w+)", "(\w*)",\s*(?:"(\w+)")?', text)
    assert len(heads) == text.count('put_head(out, "') >= 5
    found.update({name + suffix: kind or "info" for name, suffix, kind in heads})
    table = re.search(r"families\[\] = \{\n(.*?)\n    \};", text, re.DOTALL)[1]
    found.update({name: "gauge" for name in re.findall(r'\{ "(usermgmt_\w+)"', table)})
    documented = {names(row[0])[0]: row[1]
                  for row in rows(section(read("docs/monitoring.md"), "## Metrics"))[1:]}
    assert_same(set(documented.items()), set(found.items()), 20)


LEVELS = {"CRIT": "crit", "ERR": "error", "WARNING": "warning", "NOTICE": "notice",
          "INFO": "info", "DEBUG": "debug"}


def messages():
    """Of each message in the list: the name, the number, the levels and the text."""
    text = read("mod_usermgmt/base/log_messages.h").split("#define UM_LOG_MESSAGES(X, XX)")[1]
    text = re.sub(r'%" APR_(SIZE_T|INT64_T)_FMT( ?\\\n *)? ?"', "%u", text).replace("\\\n", "\n")
    found = re.findall(r'\b(XX?)\((\w+), (\d{4}), (\w+),(?: (\w+),)?((?:\s+"(?:\\.|[^"\\])*")+)\)',
                       text)
    assert len(found) == len(re.findall(r"\bXX?\(", text)) >= 50
    assert all((kind == "XX") == bool(lower) for kind, _, _, _, lower, _ in found)
    return [(name, "UM" + number, ", ".join(LEVELS[level] for level in (upper, lower) if level),
             "".join(re.findall(r'"((?:\\.|[^"\\])*)"', parts)).replace('\\"', '"'))
            for _, name, number, upper, lower, parts in found]


def test_every_line_of_the_log_is_documented_as_it_is():
    table = rows(read("docs/logs.md").split("\n## ")[0])[1:]
    documented = {row[0]: row[1:3] for row in table}
    found = messages()
    numbers = [number for _, number, _, _ in found]
    assert numbers == sorted(set(numbers)) == [row[0] for row in table]
    for _, number, levels, text in found:
        assert documented[number][0] == levels, number
        # What stands for values is in capitals; two values may be one for the reader.
        pattern = re.sub(r"(%[.\d]*[a-z])+", "[A-Z]+", re.sub(r"[][()?+*{}|^$\\]", r"\\\g<0>", text))
        assert re.fullmatch(pattern, documented[number][1].replace("`", "")), (number, text)
    gone = re.search(r"^Numbers that are not used any more: (.*)\.$", read("docs/logs.md"),
                     re.MULTILINE)[1].split(", ")
    assert gone and not set(gone) & set(numbers)


def test_every_message_of_the_list_is_logged_and_no_other():
    text = sources("base", "db", "core", "mail", "rest", "api", "httpd")
    called = re.findall(r"\bum_log(?:_server|_request)?\([^,;]*?(?:\([^;]*?\))?, ([A-Z_]+)\b", text)
    called += re.findall(r"\bum_log_either\([^;]*?, ([A-Z_]+), APR_SUCCESS\b", text)
    assert sorted(called) == sorted(name for name, _, _, _ in messages())
    # No line has a text or a number of its own: the one call gets a line from um_log().
    assert len(re.findall(r"\bap_log_\w+\(", text)) == 1
    assert not re.search(r'"UM\d{4}', text + sources("cli"))


def test_the_lines_of_others_are_in_their_modules(live):
    """The numbers in docs/logs.md are in the files of the httpd that is installed, and all
    that mod_dbd says is documented, but for what a later httpd may add."""
    table = rows(section(read("docs/logs.md"), "## Lines of mod_dbd and its users"))[1:]
    documented = {(number, row[1]) for row in table for number in row[0].split(", ")}
    assert len(documented) >= 20
    for number, module in documented:
        binary = (live.httpd.modules / (module + ".so")).read_bytes()
        assert f"{number}: ".encode() in binary, number
    said = set(re.findall(rb"AH0\d{4}(?=: )", (live.httpd.modules / "mod_dbd.so").read_bytes()))
    said = {number.decode() for number in said if number <= b"AH02655"}
    assert said == {number for number, module in documented if module == "mod_dbd"}


def test_every_folder_and_file_that_the_readme_names_is_there():
    listed = re.findall(r"^    ((?:\w+/)+)  ", section(read("README.md"), "## Where things live"),
                        re.MULTILINE)
    links = re.findall(r"\]\(([\w./-]+)\)", read("README.md"))
    assert len(listed) >= 7 and len(links) >= 3
    for name in listed + links:
        assert (TOP / name).exists(), name


def test_what_the_architecture_names_is_there():
    text = read("docs/architecture.md")
    rooms = re.search(r"^rooms='([^']+)'$", read("tests/unit/layers.sh"), re.MULTILINE)[1].split()
    picture = re.findall(r'<text class="room"[^>]*>(\w+)<', read("docs/rooms.svg"))
    assert sorted(picture) == sorted(rooms)
    assert [row[0] for row in rows(text.split("\n## ")[0])[1:]] == rooms
    named = {name for name in names(text) if "…" not in name and "NAME" not in name}
    files = [name for name in named if re.fullmatch(r"[\w.-]+(/[\w.-]*)+", name)]
    assert len(files) >= 40
    for name in files:
        assert (SOURCES / name).exists() or (TOP / name).exists(), name
    tests = [name for name in named if re.fullmatch(r"test_\w+\.py", name)]
    assert len(tests) >= 15
    for name in tests:
        assert (TOP / "tests/live" / name).exists(), name
    functions = [name[:-2] for name in named if name.endswith("()")]
    code = sources(*rooms)
    assert len(functions) >= 8
    for name in functions:
        assert re.search(rf"\b{name}\(", code), name


def test_the_readme_tells_the_version_of_the_build():
    version = re.search(r"^AC_INIT\(\[mod_usermgmt\], \[([\d.]+)\]\)$", read("configure.ac"),
                        re.MULTILINE)[1]
    first_screen = read("README.md").split("\n## ")[0]
    assert f"\nVersion {version}," in first_screen
    assert "not passwords" in first_screen


# ---- the configurations of the README on Debian ----

def configuration_of(heading):
    """(modules turned on, lines) of a section of the README."""
    found = blocks(section(read("README.md"), heading))
    enabled = " ".join(re.findall(r"^a2enmod (.*)$", "\n".join(found), re.MULTILINE)).split()
    lines = [block for block in found if "<Location " in block]
    assert len(lines) == 1 and "usermgmt" in enabled
    return [name for name in enabled if name != "usermgmt"], lines[0]


def new_debian_server(new_server, heading, **replaced):
    """An httpd with Debian's modules, those that the section turns on, and its lines."""
    enabled, lines = configuration_of(heading)
    server = new_server(start=False, has_location=False, has_database=False)
    server.modules = DEBIAN_MODULES + enabled
    replaced = {"/var/lib/usermgmt/": "@DIR@/data/",
                "/etc/apache2/usermgmt.htpasswd": "@DIR@/conf/htpasswd", **replaced}
    for text, other in replaced.items():
        lines = lines.replace(text, other)
    assert "/var/" not in lines and "/etc/" not in lines and "LoadModule" not in lines
    # Debian's mime.conf names a file of its own.
    server.extra = "TypesConfig /dev/null\n" + lines
    return server


@pytest.mark.database("sqlite")
def test_the_smallest_configuration_of_the_readme_serves(new_server):
    server = new_debian_server(new_server, "## The smallest configuration")
    server.start()
    server.admin.create("ann@example.com", "Ann")
    assert server.admin.get("organization-status/").expect(200).json["role"] == "admin"
    server.nobody.get("users/").expect_problem(403, "forbidden")
    server.client(None).get("users/").expect_problem(401, "unauthorized")
    assert (server.directory / "data/usermgmt.db").exists()


@pytest.mark.database("sqlite")
def test_the_larger_configuration_of_the_readme_loads(new_server):
    server = new_debian_server(new_server, "## Into your own httpd",
                               **{"exec:/usr/local/sbin/ldap-password": "exec:/bin/echo secret"})
    code, said = server.configtest()
    assert code == 0 and "Syntax OK" in said, said
    # A module that is not turned on is missed, so the check can fail.
    server.modules.remove("authnz_ldap")
    server.expect_config_error("AuthLDAP|[Uu]nknown")


# ---- the examples ----

# What differs from run to run. A group is what later commands may use.
VARIABLE = re.compile(r'(?P<key>\bumk_[0-9A-Za-z]{50}\b)'
                      r'|(?P<id>(?:(?<="key_id":")|(?<=t_id":"))[0-9A-Za-z]{12})'
                      r'|(?P<secret>(?<![\w-])[\w-]{43}(?![\w-]))|(?P<uid>\b[0-9A-Za-z]{20}\b)'
                      r'|(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z)|(?P<etag>"\d+-[0-9a-f]+-[us]")'
                      r'|(?P<day>(?<="date":")\d{4}-\d\d-\d\d)'
                      r'|(?P<request>(?<="request_id":")[^"]+)'
                      r'|(?P<server>^(?:Date|Server|Request-Id): .*$)', re.MULTILINE)
OURS = ("api", "login", "visitor")


def examples(text):
    """(command, answer) of each block; a command begins with $, and goes on where
    its line ends with a backslash."""
    found = []
    for line in text.splitlines():
        if line.startswith("    $ "):
            found.append([line[6:], []])
        elif found and line.startswith("    ") and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif found and (line.startswith("    ") or not line):
            found[-1][1].append(line[4:])
        else:
            found.append(["", []])
    return [(command, "\n".join(answer).rstrip()) for command, answer in found if command]


def masked(text):
    return VARIABLE.sub(lambda match: f"<{match.lastgroup}>", text)


def run(command, environment):
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 0 and not done.stderr, f"{command}\n{done.stderr}"
    return "\n".join(line.rstrip("\r") for line in done.stdout.rstrip("\n").split("\n"))


def play(text, environment):
    """Runs the commands one after the other; yields (command, expected, real answer).
    Later commands use the real ids, where the text has its own."""
    real = {}
    for command, expected in examples(text):
        assignment = re.fullmatch(r"(\w+)=('?)([^']*)\2(?: +#.*)?", command)
        if assignment:
            if assignment[1] not in OURS:
                environment[assignment[1]] = assignment[3]
            continue
        for written, meant in real.items():
            command = command.replace(written, meant)
        answer = run(command, environment)
        yield command, expected, answer
        real.update(zip((match[0] for match in VARIABLE.finditer(expected)),
                        (match[0] for match in VARIABLE.finditer(answer))))


@pytest.mark.parametrize("name, at_least", [("README.md", 8), ("docs/api.md", 13)])
def test_the_examples_print_what_they_say(new_server, name, at_least):
    server = new_server()
    # What build/quickstart begins with.
    user = server.admin.create("subadmin@example.com", "Sub Admin")
    server.admin.post("sub-admins/", {"user_uid": user["user_uid"]}).expect(201)
    visitor = server.add_login("visitor@example.com")
    environment = {**os.environ, "no_proxy": "*", "login": f"{ADMIN}:{PASSWORD}",
                   "visitor": f"{visitor}:{PASSWORD}",
                   "api": f"http://127.0.0.1:{server.port}{server.base}"}
    count = 0
    for command, expected, answer in play(read(name), environment):
        assert masked(answer) == masked(expected), command
        count += 1
    assert count >= at_least
