# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Configuration: what is refused, what is merged, and every way to run httpd."""

import threading
import time
import urllib.parse

import pytest
from databases import VERSION
from usermgmt_env import ADMIN, NOBODY, SUB_ADMIN, Client, ConnectionLost, in_parallel, raw_status


# ---- what configtest refuses ----


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("line, said", [
    ("UserMgmtAdmin", "UserMgmtAdmin"),
    ("UserMgmtAdmin nothing x", 'unknown authorization provider "nothing"'),
    ("UserMgmtAdmin admin@example.com", '"admin@example.com" is no authorization provider; write'
     ' "UserMgmtAdmin user admin@example.com"'),
    ("UserMgmtSubAdmin a@example.com b@example.com",
     'write "UserMgmtSubAdmin user a@example.com b@example.com"'),
    ("UserMgmtAdmin not user x", 'can\'t be used with "not"'),
    ("UserMgmtAdmin usermgmt-role admin", 'can\'t be used with "usermgmt-role"'),
    ("UserMgmtAdmin expr %{", "UserMgmtAdmin expr"),
    ("UserMgmtAdmin ip 300.1.1.1", "UserMgmtAdmin ip"),
    ("UserMgmtSubAdmin", "UserMgmtSubAdmin"),
    ("UserMgmtSubAdmin nothing x", 'unknown authorization provider "nothing"'),
    ("UserMgmtSubAdminAllow", "UserMgmtSubAdminAllow"),
    ("UserMgmtSubAdminAllow user:read", 'unknown permission "user:read"; known are: none'
     " users:read users:create users:update users:delete groups:manage invitations:read"
     " sub-admins:read sessions:read sessions:report metrics:read"),
    ("UserMgmtSubAdminAllow users:read,users:create", "unknown permission"),
    ("UserMgmtSubAdminAllow audit:read", "audit:read is for admins alone; sub-admins can have:"),
    ("UserMgmtSubAdminAllow invitations:manage", "invitations:manage is for admins alone"),
    ("UserMgmtSubAdminAllow keys:manage", "keys:manage is for admins alone"),
    ("UserMgmtSubAdminAllow scim", "scim is for admins alone"),
    ("UserMgmtSubAdminAllow users:fly", "unknown permission"),
    ("UserMgmtSubAdminAllow none users:read", "none stands alone"),
    ("UserMgmtSubAdminAllow users:read none", "none stands alone"),
    ("UserMgmtIdentity", "UserMgmtIdentity"),
    ("UserMgmtIdentity REMOTE_USER", r'"REMOTE_USER" is a text .* written as %{REMOTE_USER}'),
    ("UserMgmtIdentity admin@example.com", "is the same for every caller"),
    ("UserMgmtIdentity {REMOTE_USER}", "is the same for every caller"),
    ('UserMgmtIdentity ""', "takes one argument"),
    ("UserMgmtIdentity %{tolower:abc}", "is the same for every caller"),
    ("UserMgmtIdentity %{tolower:%{toupper:abc}}@example.com", "is the same for every caller"),
    ("UserMgmtIdentity %{osenv:HOME}", "is the same for every caller"),
    (r"UserMgmtIdentity \%{REMOTE_USER}", "is the same for every caller"),
    ('UserMgmtOrganization ""', "takes one argument"),
    (f"UserMgmtOrganization {'x' * 256}", "is the name of no organization: .* 1 to 255 bytes"),
    ("UserMgmtOrganization %{osenv:NO_SUCH_VARIABLE}", "is the name of no organization"),
    ("UserMgmtOrganization %{unescape:a%0Ab}", "is the name of no organization"),
    (r"UserMgmtOrganization \%{x", "is a text, as no variable is in it"),
    ("SetHandler expr=usermgmt", 'SetHandler "expr=usermgmt": the handler is usermgmt alone'),
    ('SetHandler "expr=usermgmt"', "the handler is usermgmt alone"),
    ('SetHandler "expr=%{env:x}UserMgmt"', "the handler is usermgmt alone"),
    ('SetHandler "%{tolower:usermgmt}"', "the handler is usermgmt alone"),
    ('SetHandler "usermgmt x"', "the handler is usermgmt alone"),
    ('UserMgmtIdentity "%{nonsense:x}"', "UserMgmtIdentity: can't read the expression"),
    ('UserMgmtIdentity "%{"', "UserMgmtIdentity: can't read the expression"),
    ('UserMgmtOrganization "%{HTTP:X"', "UserMgmtOrganization: can't read the expression"),
    ("UserMgmtOrganization a b", "UserMgmtOrganization"),
    ("UserMgmtAutoOrganization maybe", "UserMgmtAutoOrganization must be On or Off"),
    ("UserMgmtAllowOrigin", "UserMgmtAllowOrigin"),
    ("UserMgmtAllowOrigin *", r'"\*" is no origin such as https://www.example.com: .* absolute'),
    ("UserMgmtAllowOrigin www.example.com", "must be an absolute http or https URL"),
    ("UserMgmtAllowOrigin null", "must be an absolute http or https URL"),
    ("UserMgmtAllowOrigin https://a.example.com ftp://b.example.com",
     '"ftp://b.example.com" is no origin'),
    ("UserMgmtAllowOrigin https://www.example.com/", "send it as https://www.example.com$"),
    ("UserMgmtAllowOrigin https://www.example.com/path", "send it as https://www.example.com$"),
    ("UserMgmtAllowOrigin https://www.example.com?x", "send it as https://www.example.com$"),
    ("UserMgmtAllowOrigin https://WWW.Example.com", "send it as https://www.example.com$"),
    ("UserMgmtAllowOrigin https://www.example.com:443", "send it as https://www.example.com$"),
    ("UserMgmtAllowOrigin http://a.example.com:080", "send it as http://a.example.com$"),
    ("UserMgmtAllowOrigin https://[::1]:443", r"send it as https://\[::1\]$"),
    ("UserMgmtAllowOrigin https://*.example.com", "A host is made of labels"),
    ("UserMgmtAllowOrigin https://a.example.com:0", "a port is 1 to 65535"),
    ("UserMgmtAllowOrigin https://a.example.com:99999", "a port is 1 to 65535"),
    ('UserMgmtAllowOrigin "https://a.example.com "', "characters of RFC 3986"),
    ("UserMgmtAllowOrigin https://b\u00fccher.example.com", "in a host as xn--"),
    ("UserMgmtAllowOrigin https://me@example.com", "No user name"),
    ("UserMgmtAllowOrigin https://", "is no origin"),
    ("UserMgmtConsole yes", "UserMgmtConsole must be On or Off"),
    ('UserMgmtConsoleColor blue', '"blue" is no colour such as "#3b5bdb"'),
    ('UserMgmtConsoleColor "#3b5bd"', "is no colour"),
    ('UserMgmtConsoleColor "#3b5bdbf"', "is no colour"),
    ('UserMgmtConsoleColor "#3b5bdx"', "is no colour"),
    ('UserMgmtConsoleTitle " "', "a title is 1 to 64 characters"),
    (f"UserMgmtConsoleTitle {'x' * 65}", "a title is 1 to 64 characters"),
    ("UserMgmtConsoleLogo https://images.example.com/a.svg", "is no path on this server"),
    ("UserMgmtConsoleLogo //images.example.com/a.svg", "is no path on this server"),
    ("UserMgmtPublicURL", "UserMgmtPublicURL"),
    ("UserMgmtPublicURL users.example.com", "must be an absolute http or https URL"),
    ("UserMgmtPublicURL /user-management", "must be an absolute http or https URL"),
    ("UserMgmtPublicURL ftp://users.example.com/", "must be an absolute http or https URL"),
    ("UserMgmtPublicURL https://", "A host is made of labels"),
    ("UserMgmtPublicURL https://me@users.example.com", "No user name"),
    ("UserMgmtPublicURL https://users_example", "A host is made of labels"),
    ("UserMgmtPublicURL https://users.example.com:0/", "a port is 1 to 65535"),
    ("UserMgmtPublicURL https://users.example.com:65536/", "a port is 1 to 65535"),
    ("UserMgmtPublicURL https://users.example.com/?x", "no query and no fragment"),
    ("UserMgmtPublicURL https://users.example.com/#x", "no query and no fragment"),
    ("UserMgmtPublicURL https://a.example.com https://b.example.com", "UserMgmtPublicURL"),
    ("UserMgmtPublicURL https://users.example.com/a/../b", "must have no . or .. segments"),
    ("UserMgmtPublicURL https://users.example.com/" + "x" * 2000, "has at most 2000 bytes"),
    ("UserMgmtMaxBody 0", "is no number of bytes"),
    ("UserMgmtMaxBody -1", "is no number of bytes"),
    ("UserMgmtMaxBody 1M", "is no number of bytes"),
    ("UserMgmtMaxBody 99999999999999999999", "is no number of bytes"),
    ("UserMgmtMaxBody", "UserMgmtMaxBody"),
    ("UserMgmtMaxBody 1 2", "UserMgmtMaxBody"),
    ("UserMgmtRoleCacheTTL -1", "is no time"),
    ("UserMgmtRoleCacheTTL soon", "is no time"),
    ("UserMgmtRoleCacheTTL 3601", "is no time"),
    ("UserMgmtRoleCacheTTL 5x", "is no time"),
    ("UserMgmtKeyMaxAge 0", "is no time from 1s to 36500d"),
    ("UserMgmtKeyMaxAge 36501d", "is no time from 1s to 36500d"),
    ("UserMgmtKeyMaxAge always", "is no time"),
    ("UserMgmtKeyMaxAge never 1d", "UserMgmtKeyMaxAge"),
    ("UserMgmtAutoSchema Off", "UserMgmtAutoSchema not allowed"),
    ("UserMgmtNothing x", "Invalid command 'UserMgmtNothing'"),
    ("Require usermgmt-role", "admin"),
    ("Require usermgmt-role owner", "a role is admin or sub_admin"),
])
def test_bad_values_are_refused_with_their_line(new_server, line, said):
    server = new_server(start=False, location=line)
    text = server.expect_config_error("(?m)" + said.replace("(", r"\("))
    number = [each.strip() for each in server.configuration().splitlines()].index(line) + 1
    assert f"on line {number} of " in text, text


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("line", [
    "UserMgmtAdmin user a@example.com b@example.com", "UserMgmtAdmin group admins",
    "UserMgmtAdmin valid-user", "UserMgmtAdmin ip 127.0.0.1 10.0.0.0/8", "UserMgmtAdmin env x",
    "UserMgmtAdmin expr \"%{REMOTE_USER} =~ /@example.com$/\"", "UserMgmtAdmin all granted",
    "UserMgmtAdmin all denied", "UserMgmtSubAdminAllow none",
    "UserMgmtSubAdminAllow users:read users:create users:update users:delete invitations:read"
    " sub-admins:read sessions:read sessions:report", "UserMgmtSubAdminAllow Users:Read users:read",
    "UserMgmtSubAdminAllow none none", "UserMgmtIdentity \"%{tolower:%{REMOTE_USER}}\"",
    "UserMgmtOrganization \"%{HTTP_HOST}\"", "UserMgmtOrganization acme",
    "UserMgmtOrganization %{tolower:ACME}", "UserMgmtOrganization \"50 %\"",
    "UserMgmtIdentity %{tolower:%{HTTP:X-User}}", "UserMgmtIdentity %{reqenv:x}@example.com",
    "UserMgmtIdentity %{base64:%{unescape:%{note:x}}}", "UserMgmtIdentity %{http:X-User}",
    "UserMgmtAutoOrganization On", "UserMgmtAllowOrigin https://a.example.com http://b:81",
    "UserMgmtAllowOrigin http://my_app:8080 http://127.0.0.1:3000 https://[::1]:8443",
    "UserMgmtPublicURL https://users.example.com/user-management",
    "UserMgmtPublicURL http://users.example.com:8080", "UserMgmtPublicURL https://[::1]/",
    "UserMgmtConsole On", 'UserMgmtConsoleColor "#3B5BDB"', "UserMgmtConsoleTitle Käufer",
    f"UserMgmtConsoleTitle {'x' * 64}", "UserMgmtConsoleLogo /images/logo.svg",
    "SetHandler %{env:handler}", "SetHandler not-usermgmt", "SetHandler usermgmt2",
    "SetHandler proxy:http://usermgmt:8080/",
    "UserMgmtMaxBody 1", "UserMgmtMaxBody 2147483647", "UserMgmtRoleCacheTTL 0",
    "UserMgmtRoleCacheTTL 3600", "UserMgmtRoleCacheTTL 100ms",
])
def test_good_values_are_taken(new_server, line):
    server = new_server(start=False, location=line)
    code, said = server.configtest()
    assert code == 0 and "Syntax OK" in said, said


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("section", [
    'SetHandler usermgmt',
    '<Directory "@DIR@/htdocs">\nSetHandler usermgmt\n</Directory>',
    '<LocationMatch "^/um">\nSetHandler usermgmt\n</LocationMatch>',
    '<Location ~ "^/um">\nSetHandler usermgmt\n</Location>',
    '<Location ~ "/um">\nSetHandler usermgmt\n</Location>',
    '<Location ~ /um>\nSetHandler usermgmt\n</Location>',
    '<location  ~  "/um">\nSetHandler usermgmt\n</location>',
    '<Location "/um*">\nSetHandler usermgmt\n</Location>',
    '<Files "x">\nSetHandler usermgmt\n</Files>',
    '<Location "/um">\n<If "true">\nSetHandler usermgmt\n</If>\n</Location>',
    '<Location "/um">\n<Limit GET>\nSetHandler usermgmt\n</Limit>\n</Location>',
    '<VirtualHost *:@PORT@>\nSetHandler usermgmt\n</VirtualHost>',
])
def test_the_handler_belongs_in_a_location(new_server, section):
    server = new_server(start=False, has_location=False, extra=section)
    server.expect_config_error("must stand directly in a <Location>|not allowed here")


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("path", [
    "/um//x", "//um", "/um//", "/um/./x", "/um/../x", "/um/.", "/um/..", "/u%6D", "/u%20m"])
def test_a_path_that_no_request_has_is_refused(new_server, path):
    server = new_server(start=False, base=path)
    text = server.expect_config_error(f'no request has the path of <Location "{path}">')
    assert "on line " in text


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("path", [
    "/", "/um/", "/um/.well-known", "/um/..x", "/u m", "/100%", "/\u00e4", "/a%2Fb", "/um;x"])
def test_other_paths_are_taken(new_server, path):
    server = new_server(base=path, extra="AllowEncodedSlashes NoDecode")
    base = urllib.parse.quote(path.rstrip("/")).replace("%252F", "%2F")
    server.client(base=base).get("users/").expect(200)


@pytest.mark.database("sqlite")
def test_a_handler_that_is_set_otherwise_is_told(new_server):
    server = new_server(modules=["rewrite", "mime"], extra="""
        TypesConfig /dev/null
        RewriteEngine On
        RewriteRule ^/rewritten$ /page.txt [H=usermgmt]
        <Directory "@DIR@/htdocs">
            AddHandler usermgmt .um
        </Directory>
        <Location "/computed">
            SetHandler "%{QUERY_STRING}"
        </Location>""")
    (server.directory / "htdocs/page.um").write_text("a page\n")
    client = server.client(base="")
    for path in ("page.um", "rewritten", "computed?usermgmt"):
        with server.expect_log("UM0097: the handler usermgmt was set, but not by SetHandler"):
            assert client.get(path).status == 500, path
    client.get("page.txt").expect(200)


# Each directive with a number or a time, with the least and the largest value, what is next to
# these, and the text that tells the range.
NUMBERS = [
    ("MaxBody", "1", "2147483647", "0", "2147483648", "number of bytes from 1 to 2147483647"),
    ("BodyTimeout", "1", "1h", "999ms", "3601", "time from 1s to 1h"),
    ("FilterTimeout", "10ms", "10s", "9ms", "11", "time from 10ms to 10s"),
    ("RoleCacheTTL", "0", "60min", "-1", "3600001ms", "time from 0 to 1h"),
    ("InvitationTTL", "1ms", "365d", "0", "366d", "time from 1ms to 365d"),
    ("SessionIdle", "1s", "30d", "0", "2592001", "time from 1s to 30d"),
    ("SessionTable", "16", "4194304", "15", "4194305", "number of sessions from 16 to 4194304"),
    ("SessionFlush", "1", "3600", "0", "2h", "time from 1s to 1h"),
    ("MaxStreams", "1", "100000", "0", "100001", "number of streams from 1 to 100000"),
    ("Connections", "1", "10000", "0", "10001", "number of connections from 1 to 10000"),
    ("ConnectionWait", "1ms", "600s", "0ms", "601", "time from 1ms to 10min"),
    ("MailTimeout", "1ms", "3600", "0", "61min", "time from 1ms to 1h"),
    ("MailRetry", "1ms 1ms", "30d 30d", "10 0", "31d", "time from 1ms to 30d"),
]


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("name, least, most, less, more, wanted", NUMBERS,
                         ids=[number[0] for number in NUMBERS])
def test_numbers_and_times(new_server, name, least, most, less, more, wanted):
    """All by one rule: what is refused is told with the range and the unit."""
    server = new_server(start=False)
    for value in (least, most):
        server.extra = f"UserMgmt{name} {value}"
        code, said = server.configtest()
        assert code == 0, said
    if wanted.startswith("time"):
        wanted += r"; units are ms, s \(as without a unit\), min, h and d"
    for value in (less, more, "x", "5x", "1.5", "99999999999999999999", "9999999999999999d"):
        last = value.split()[-1]
        server.extra = f"UserMgmt{name} {value}"
        server.expect_config_error(rf'UserMgmt{name}: "{last}" is no {wanted}')


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("name", ["SessionTable 20", "SessionFlush 2", "MaxStreams 2"])
def test_numbers_of_all_servers_stand_in_no_section(new_server, name):
    section = f"<VirtualHost *:@PORT@>\nUserMgmt{name}\n</VirtualHost>"
    new_server(start=False, extra=section) \
        .expect_config_error(f"UserMgmt{name.split()[0]} .*not .*allowed|cannot occur within")


# ---- locks between processes ----

POSIXSEM = r"UM0043: Mutex posixsem can't be used for usermgmt-"


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("lines", [
    "Mutex posixsem", "Mutex posixsem default", "Mutex posixsem usermgmt-writer",
    "Mutex sem usermgmt-writer", "Mutex pthread\nMutex posixsem usermgmt-writer",
    "Mutex posixsem OmitPID usermgmt-writer",
    "Mutex posixsem watchdog-callback usermgmt-writer omitpid",
    "Mutex posixsem usermgmt-writer\nMutex pthread default",
])
def test_a_lock_that_a_killed_process_keeps_is_refused(new_server, lines):
    new_server(start=False, extra=lines).expect_config_error(POSIXSEM + "writer: .*use pthread")


@pytest.mark.parametrize("lines", [
    "Mutex posixsem usermgmt-sessions", "Mutex posixsem\nMutex pthread usermgmt-writer",
])
def test_the_lock_of_sessions_is_refused_where_they_are_counted(new_server, lines):
    server = new_server(start=False, extra=lines)
    code, said = server.configtest()
    assert code == 0, said
    server.extra += "\n<Location \"/shop\">\nUserMgmtActivity shop\n</Location>"
    server.expect_config_error(POSIXSEM + "sessions: ")


@pytest.mark.parametrize("lines", [
    "Mutex pthread", "Mutex fcntl", "Mutex sysvsem default", "Mutex default",
    "Mutex posixsem watchdog-callback", "Mutex posixsem default\nMutex pthread usermgmt-writer",
    "Mutex fcntl usermgmt-writer usermgmt-sessions\nMutex posixsem default",
])
def test_other_locks_are_taken(new_server, lines):
    server = new_server(start=False, extra=lines)
    code, said = server.configtest()
    assert code == 0 and "Syntax OK" in said, said
    server.start().admin.create("a@example.com")


@pytest.mark.database("postgresql", "mariadb")
def test_a_database_without_that_lock_takes_any(new_server):
    new_server(extra="Mutex posixsem").admin.create("a@example.com")


# ---- which database ----


def test_a_server_without_a_database(new_server):
    server = new_server(start=False, has_database=False)
    server.expect_config_error(
        r"UM0095: no database is named for the server localhost: give \"UserMgmtDatabase")


def test_a_server_that_does_not_use_the_module_needs_no_database(new_server):
    server = new_server(has_database=False, has_location=False)
    assert server.client(base="").get("page.txt").status == 200


# ---- where directives may stand, and how they are merged ----


def test_directives_of_the_server_and_their_merge(new_server):
    server = new_server(roles="", extra=f"""
        UserMgmtAdmin user {ADMIN}
        UserMgmtSubAdmin user {SUB_ADMIN}
        UserMgmtMaxBody 100
        UserMgmtRoleCacheTTL 1
        UserMgmtAutoSchema On
        <Location "/other">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin user {NOBODY}
            UserMgmtMaxBody 1000
        </Location>
        <Location "/other/users">
            UserMgmtMaxBody 500
        </Location>""")

    def largest(client):
        return [size for size in (90, 400, 900)
                if client.post("users/", '{"email":"%s"}' % ("x" * (size - 12)),
                               fresh=True).status == 400]

    assert largest(server.admin) == [90]
    server.sub_admin.get("users/").expect(200)
    other = server.client(NOBODY, base="/other")
    assert largest(other) == [90, 400]
    # A Location's own lines stand in place of the server's.
    server.client(ADMIN, base="/other").get("users/").expect(403)
    server.client(SUB_ADMIN, base="/other").get("users/").expect(200)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("base", ["/", "/a/b/c", "/user-management/", "/with space", "/ümlaut"])
def test_other_base_paths(new_server, base):
    server = new_server(base=base)
    path = urllib.parse.quote(base.rstrip("/"))
    admin = server.client(base=path)
    made = admin.post("users/", {"email": "a@example.com", "display_name": "A"})
    if base == "/":
        # The harness' own page is below it, too.
        assert server.client(base="").get("page.txt").status == 404
    uid = made.expect(201).json["userData"]["user_uid"]
    assert urllib.parse.unquote(made.headers["Location"]) == base.rstrip("/") + "/users/" + uid
    admin.create("b@example.com")
    page = admin.get("users/", query={"limit": 1}).expect(200)
    assert admin.follow(page, "next").expect(200).json["users"][0]["email"] == "b@example.com"
    assert admin.send("GET", made.headers["Location"]).expect(200).json == made.json


def walk(client, size):
    """All pages of one user each by their links, forth and back; gives the uids."""
    page = client.get("users", query={"limit": 1, "order_by": "-email"}).expect(200)
    found = [page.json["first_uid"]]
    while "next" in page.links:
        page = client.follow(page, "next").expect(200)
        found.append(page.json["first_uid"])
    assert len(found) == size
    back = [page.json["first_uid"]]
    while "prev" in page.links:
        page = client.follow(page, "prev").expect(200)
        back.append(page.json["first_uid"])
    assert back == found[::-1]
    return found


def check_references(client):
    """Location and Link lead to where they should, by the paths that this client uses."""
    for number in range(3):
        made = client.post("users/" if number else "users",
                           {"email": f"u{number}@example.com", "display_name": "U"})
        uid = made.expect(201).json["userData"]["user_uid"]
        assert urllib.parse.unquote(made.headers["Location"]) \
            == urllib.parse.unquote(client.base) + "/users/" + uid
        assert client.send("GET", made.headers["Location"]).expect(200).json == made.json
    walk(client, 3)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("reverse", [True, False])
def test_references_behind_a_proxy_with_another_prefix(new_server, reverse):
    server = new_server(base="/user-management")
    front = new_server(modules=["proxy", "proxy_http"], has_location=False, extra=f"""
        ProxyPass "/of/acme" "http://127.0.0.1:{server.port}/user-management"
        {'ProxyPassReverse "/of/acme" "/user-management"' if reverse else ""}
        """)
    client = front.client(base="/of/acme")
    if reverse:
        # mod_proxy makes an absolute URL of it.
        made = client.post("users/", {"email": "a@example.com", "display_name": "A"}).expect(201)
        assert made.headers["Location"] == (f"http://127.0.0.1:{front.port}/of/acme/users/"
                                            + made.json["userData"]["user_uid"])
    else:
        client.create("a@example.com")
    for name in "bcd":
        client.create(name + "@example.com")
    walk(client, 4)


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("rule", [
    'RewriteRule "^/of/acme(/.*)?$" "/user-management$1" [PT]',
    'RewriteRule "^/of/[a-z]+/(.*)$" "/user-management/$1" [PT]',
    """<Directory "@DIR@/htdocs">
    RewriteEngine On
    RewriteRule "^of/acme/(.*)$" "/user-management/$1" [PT]
    </Directory>""",
])
@pytest.mark.parametrize("prefix", ["/of/acme", "/of/%61cme"])
def test_references_behind_a_rewriting_rule(new_server, rule, prefix):
    server = new_server(modules=["rewrite"], extra="RewriteEngine On\n" + rule)
    check_references(server.client(base=prefix))


@pytest.mark.database("sqlite")
def test_references_of_a_path_that_is_rewritten_as_a_whole(new_server):
    server = new_server(modules=["rewrite"], extra="""
        RewriteEngine On
        RewriteRule "^/people$" "/user-management/users/" [PT]
        RewriteRule "^/[^/]+/users/?$" "/user-management/users/" [PT]
        """)
    client = server.client(base="")
    for path in ("people", "x/%2e%2e/people"):
        made = client.post(path, {"email": path[-1:] + str(len(path)) + "@example.com",
                                  "display_name": "A"})
        assert made.expect(201).headers["Location"].startswith("/user-management/users/")
    # Nothing that a path holds makes it lead to another host.
    made = server.raw_request(b"POST //evil.example/users/ HTTP/1.1",
                              b'{"email":"e@example.com","display_name":"E"}',
                              [b"Content-Type: application/json", b"Content-Length: 44"])
    assert raw_status(made) == 201 and b"Location: /evil.example/users/" in made
    page = client.get("people", query={"limit": 1}).expect(200)
    assert client.follow(page, "next").expect(200).json["users"]


@pytest.mark.database("sqlite")
def test_another_handler_further_in(new_server):
    """A Location below takes part of the paths away."""
    server = new_server(extra="""
        <Location "/user-management/static">
            SetHandler none
        </Location>
        Alias /user-management/static @DIR@/htdocs""")
    assert server.client(base="").get("user-management/static/page.txt").status == 200
    server.admin.get("users/").expect(200)


# ---- virtual hosts ----


VIRTUAL = """
    Listen 127.0.0.1:{port}
    <VirtualHost 127.0.0.1:{port}>
        ServerName {name}
        {directives}
        <Location "/user-management">
            SetHandler usermgmt
            @AUTH@
            Require valid-user
            UserMgmtAdmin user admin@example.com
        </Location>
    </VirtualHost>"""


def test_two_virtual_hosts_have_databases_of_their_own(live, new_server):
    ports = [live.ports.take(), live.ports.take()]
    server = new_server(start=False)
    databases = [live.new_database(server.directory) for _ in ports]
    for number, database in enumerate(databases):
        database.make()
        server.extra += VIRTUAL.format(port=ports[number], name=f"host{number}",
                                       directives=database.directives(UserMgmtConnections=4))
    server.start()
    clients = [server.admin, *(Client(server, ADMIN, port=port) for port in ports)]
    made = [client.create("same@example.com", f"Host {number}")
            for number, client in enumerate(clients)]
    uids = [client.get("organization-status/").json["user_uid"] for client in clients]
    assert len(set(uids)) == 3
    for client, user in zip(clients, made):
        assert client.everyone() == [user]
        for other in made:
            assert client.get("users/" + other["user_uid"]).status == (
                200 if other is user else 404)
    # Roles of one are not remembered for another.
    server.add_login("same@example.com")
    clients[1].post("sub-admins/", {"email": "same@example.com"}).expect(201)
    statuses = [Client(server, "same@example.com", port=client.port).get("users/").status
                for client in clients]
    assert statuses == [403, 200, 403]
    in_parallel(12, lambda index: [clients[index % 3].create(f"u{index}-{n}@example.com")
                                   for n in range(5)])
    for client in clients:
        assert client.get("users/").json["query_count"] == 21


def test_a_virtual_host_without_a_database(live, new_server):
    """It inherits the main server's."""
    port = live.ports.take()
    server = new_server(extra=f"""
        Listen 127.0.0.1:{port}
        <VirtualHost 127.0.0.1:{port}>
            <Location "/user-management">
                SetHandler usermgmt
                @AUTH@
                Require valid-user
                UserMgmtAdmin user admin@example.com
            </Location>
        </VirtualHost>""")
    user = server.admin.create("a@example.com")
    assert Client(server, ADMIN, port=port).everyone() == [user]


# ---- MPMs and restarts ----


@pytest.mark.parametrize("mpm, processes, threads", [
    ("prefork", 6, 1), ("worker", 2, 8), ("event", 1, 2), ("event", 4, 8), ("worker", 1, 64),
])
def test_every_mpm_serves(new_server, mpm, processes, threads):
    server = new_server(mpm=mpm, processes=processes, threads=threads)
    client = server.admin
    results = in_parallel(12, lambda index: [
        client.post("users/", {"email": f"u{index}-{n}@example.com", "display_name": "A"},
                    fresh=True).status for n in range(6)])
    assert {status for statuses in results for status in statuses} == {201}
    assert len(server.admin.everyone()) == 72
    assert server.admin.get("organization-status/").json["user_count"] == 72


@pytest.mark.parametrize("mpm", ["event", "prefork"])
def test_a_graceful_restart_under_load_loses_no_request(new_server, mpm):
    server = new_server(mpm=mpm, processes=4 if mpm == "prefork" else 2)
    client = server.admin
    uid = client.create("shared@example.com")["user_uid"]
    stop = threading.Event()
    done = [0] * 4
    problems = []

    def load(index):
        number = 0
        while not stop.is_set():
            number += 1
            try:
                send = [
                    lambda: client.post("users/", {"email": f"g{index}-{number}@example.com",
                                                   "display_name": "G"}, fresh=True),
                    lambda: client.put("users/" + uid, {f"a{index}": number}, fresh=True),
                    lambda: client.get("users/", fresh=True),
                ][number % 3]
                result = send()
                if result.status not in (200, 201):
                    problems.append(result)
                done[index] += number % 3 == 0 and result.status == 201
            except (ConnectionLost, OSError) as error:
                problems.append(error)

    threads = [threading.Thread(target=load, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            time.sleep(0.4)
            server.graceful()
        time.sleep(0.5)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not problems, problems[:5]
    assert sum(done) >= 8
    assert server.admin.get("users/").json["query_count"] == sum(done) + 1


def test_a_graceful_restart_takes_the_new_configuration(new_server):
    server = new_server()
    server.nobody.get("users/").expect(403)
    server.roles = f"UserMgmtAdmin user {NOBODY}\nUserMgmtMaxBody 50"
    server.graceful()

    def has_changed():
        return (server.nobody.get("users/", fresh=True).status,
                server.admin.get("users/", fresh=True).status) == (200, 403)

    end = time.monotonic() + 10
    while not has_changed():
        assert time.monotonic() < end
        time.sleep(0.05)
    for _ in range(10):
        assert has_changed()
    server.nobody.post("users/", {"email": "x" * 60}, fresh=True).expect(413)


def test_a_restart_keeps_all(new_server):
    server = new_server()
    users = [server.admin.create(f"u{n}@example.com", n=n) for n in range(5)]
    uid = server.admin.get("organization-status/").json["user_uid"]
    server.stop()
    server.start()
    assert server.admin.everyone() == users
    assert server.admin.get("organization-status/").json["user_uid"] == uid


# ---- the schema ----


@pytest.mark.database("sqlite")
def test_the_schema_is_made_by_itself_at_start(new_server):
    server = new_server()
    assert server.sql("SELECT MAX(version) FROM schema_version") == [(VERSION,)]
    assert server.sql("SELECT name FROM organizations") == [("default",)]
    assert server.sql("PRAGMA journal_mode") == [("wal",)]


@pytest.mark.database("sqlite")
def test_auto_schema_off(new_server):
    """Without a schema: a clear message, 503; with one made by hand: served."""
    server = new_server(start=False, extra="UserMgmtAutoSchema Off")
    with server.expect_log("UM0030: schema: the database has version 0, .*UserMgmtAutoSchema On"):
        server.start()
        answer = server.admin.get("users/")
        answer.expect_problem(503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    server.database.apply_schema()
    server.admin.create("a@example.com")


def test_a_newer_schema_is_refused(new_server):
    server = new_server()
    server.admin.create("a@example.com")
    server.stop()
    server.sql("INSERT INTO schema_version VALUES (999, 0)")
    with server.expect_log("UM0030: schema: the database has version 999, .*install the module"):
        server.start()
        for result in (server.admin.get("users/"), server.admin.post("users/", {}),
                       server.admin.get("organization-status/")):
            problem = result.expect_problem(503, "unavailable")
            assert "999" not in str(problem)
    server.sql("DELETE FROM schema_version WHERE version = 999")
    server.admin.get("users/").expect(200)
