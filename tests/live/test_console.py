# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""How the web console is served: its files, their headers, and who gets them. What a person does
with it is in test_console_browser.py."""

import gzip
import json
import re
from pathlib import Path

import pytest

from usermgmt_env import Client, location

pytestmark = pytest.mark.database("sqlite")

FOLDER = Path(__file__).resolve().parents[2] / "console"
# Files for the check of types.
UNSERVED = {"site.d.ts", "tsconfig.json", "words.d.ts"}
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name not in UNSERVED)
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8"}
# Before compression: of all files with one of the languages, and of the first view.
MAX_BYTES = 140000
MAX_FIRST_BYTES = 70000
POLICY = {
    "default-src 'none'", "script-src 'self'", "worker-src 'self'", "style-src 'self'",
    "img-src 'self' data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
    "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types import-worker",
}


@pytest.fixture(scope="module")
def server(make_server):
    return make_server(location="UserMgmtConsole On", modules=["deflate", "filter"], extra=(
        location("/branded", """
            UserMgmtConsole On
            UserMgmtConsoleTitle 'Käufer "A" & <b>'
            UserMgmtConsoleColor "#0B7285"
            UserMgmtConsoleLogo /images/logo.svg""")
        + location("/squeezed", "UserMgmtConsole On\nSetOutputFilter DEFLATE")
        + location("/plain", "")
        + location("/off", "UserMgmtConsole Off")))


def below(server, base):
    return Client(server, "admin@example.com", base=base)


def test_all_files_are_served(server):
    sizes = {}
    for name in FILES:
        answer = server.admin.get(f"console/{name}").expect(200)
        assert answer.headers["Content-Type"] == TYPES[Path(name).suffix]
        assert int(answer.headers["Content-Length"]) == len(answer.raw) > 0
        sizes[name] = len(answer.raw)
    others = min(sizes["words-en.js"], sizes["words-de.js"])
    assert sum(sizes.values()) - others < MAX_BYTES


def test_the_first_view_is_small(server):
    modules = needed_by("console.js") | needed_by("view-overview.js")
    served = {name: len(server.admin.get(f"console/{name}", headers={"Accept-Language": "de"})
                        .expect(200).raw) for name in ["", "console.css", "icon.svg", *modules]}
    assert 50000 < sum(served.values()) < MAX_FIRST_BYTES, served


def squeezed(text):
    """Without comments and blanks, which the build leaves out in part."""
    text = re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"/\*(?:(?!\*/)[\s\S])*\*/", "", text)
    return re.sub(r"\s|;(?=\s*\})", "", text)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_the_one_of_the_tree(server, name):
    served = server.admin.get(f"console/{name}").expect(200).raw.decode()
    assert "/*" not in served and "\n " not in served and "\n\n" not in served
    assert squeezed(served) == squeezed((FOLDER / name).read_text(encoding="utf-8"))


def needed_by(module):
    """A module, and all that it imports, itself or by others."""
    modules, found = set(), {module}
    while found:
        modules |= found
        texts = [(FOLDER / name).read_text(encoding="utf-8") for name in found & set(FILES)]
        found = {name for text in texts
                 for name in re.findall(r'(?:from|^import) "\./(.*)";$', text, re.MULTILINE)} - modules
    return modules


VIEWS = [name[len("view-"):-len(".js")] for name in FILES if name.startswith("view-")]


def test_all_modules_of_a_view_are_loaded_at_once(server):
    """They import each other, and the browser would ask for one after the other. What no view
    needs is not asked for."""
    common = needed_by("console.js")
    assert {"site.js", "words.js"} < common and not {f"view-{name}.js" for name in VIEWS} & common
    for view in VIEWS:
        page = server.admin.get(f"console/{view}").expect(200).raw.decode()
        loaded = re.findall(r'<link rel="modulepreload" href="([^"]+)">', page)
        assert sorted(loaded) == sorted((common | needed_by(f"view-{view}.js")) - {"console.js"})
    assert {"import-steps.js", "list.js"} & needed_by("view-overview.js") == set()


def test_all_views_are_known():
    code = (FOLDER / "views.js").read_text(encoding="utf-8")
    assert sorted(re.findall(r'^    "?([\w-]+)"?: \["', code, re.MULTILINE)) == sorted(VIEWS)


def texts_of(language, name="words"):
    """The texts of a language by their keys."""
    code = (FOLDER / f"words-{language}.js").read_text(encoding="utf-8")
    code = code[code.index(f"export const {name} = {{"):]
    return dict(re.findall(r'^    "([^"]+)":\s+"((?:[^"\\]|\\.)*)",$', code[:code.index("};")],
                           re.MULTILINE))


def test_all_texts_are_used():
    code = "".join((FOLDER / name).read_text(encoding="utf-8") for name in FILES
                   if name.endswith(".js") and not name.startswith("words-"))
    named = set(re.findall(r'"([\w.-]+)"', code))
    # Some are made of a beginning and a word: `import.${one}`, user.one and user.other.
    begun = set(re.findall(r"`([\w-]+)\.\$\{", code))
    words = set(re.findall(r"[a-z_]+", code))

    def is_used(key):
        begin, _, end = key.rpartition(".")
        return key in named or (end in ("one", "other") and begin in named) \
            or (begin in begun and end.removeprefix("mode-") in words)

    keys = list(texts_of("en"))
    assert len(keys) > 200 and [key for key in keys if not is_used(key)] == []


def test_all_languages_have_the_same_texts():
    english, german = texts_of("en"), texts_of("de")
    assert list(english) == list(german) == sorted(english)
    for key, text in english.items():
        places = [sorted(re.findall(r"{\d}", one)) for one in (text, german[key])]
        assert places[0] == places[1], key
    # What the API says in English.
    assert len(texts_of("de", "codes")) > 20 and texts_of("en", "codes") == {}


def test_the_language_is_the_browsers(server):
    german = server.admin.get("console/words-de.js").expect(200)
    english = server.admin.get("console/words-en.js").expect(200)
    assert german.raw != english.raw
    for accepted, expected in (("de-AT,de;q=0.9,en;q=0.8", german), ("en-US,de;q=0.9", english),
                               ("fr,de;q=0.5", german), ("fr", english), (None, english)):
        headers = {"Accept-Language": accepted} if accepted else {}
        answer = server.admin.get("console/words.js", headers=headers).expect(200)
        assert answer.raw == expected.raw
        assert answer.headers["ETag"] == expected.headers["ETag"]
        assert answer.headers["Content-Type"] == TYPES[".js"]
        assert answer.headers["Vary"] == "Accept-Language"
        headers["If-None-Match"] = german.headers["ETag"]
        kept = server.admin.get("console/words.js", headers=headers)
        assert kept.status == (304 if expected is german else 200)
        assert kept.headers["Vary"] == "Accept-Language"
    assert "Vary" not in english.headers


def test_the_headers_are_strict(server):
    for name in ["", *FILES, "site.js", "words.js"]:
        headers = server.admin.get(f"console/{name}").expect(200).headers
        policy = headers["Content-Security-Policy"].split("; ")
        assert set(policy) == POLICY and len(policy) == len(POLICY)
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-cache"
        assert re.fullmatch(r'"[0-9a-f]{16}"', headers["ETag"])
        assert headers["Request-Id"]


def test_the_page_has_nothing_inline():
    """What the policy would refuse."""
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script[^>]*>(.*?)</script>", page) == ["", ""]
    assert "<style" not in page and "style=" not in page and " on" not in page.replace(" one", "")
    assert not re.search(r"https?://", page)


def test_every_view_has_a_page(server):
    pages = {}
    for view in ["", *VIEWS]:
        answer = server.admin.get(f"console/{view}", query={"q": "ann"}).expect(200)
        again = server.admin.get(f"console/{view}",
                                 headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304
        pages[view] = answer.raw
    assert pages[""] == pages["overview"] and len(set(pages.values())) == len(VIEWS)
    assert len({re.sub(rb"<link rel=.modulepreload.*>\n", b"", page) for page in pages.values()}) == 1


@pytest.mark.parametrize("path", ["console/no", "console/users/", "console/users/ann",
                                  "console/view-", "console/.js", "console/site.d.ts",
                                  "consoles/", "console.css"])
def test_other_paths_are_not_found(server, path):
    server.admin.get(path).expect_problem(404, "not_found")


def test_the_folder_without_its_slash(server):
    answer = server.admin.get("console").expect(302)
    # Relative, since a proxy may serve it under another path.
    assert answer.headers["Location"] == "console/"


def test_etags(server):
    etags = set()
    for name in FILES:
        etag = server.admin.get(f"console/{name}").headers["ETag"]
        etags.add(etag)
        answer = server.admin.get(f"console/{name}", headers={"If-None-Match": f'"x", W/{etag}'})
        assert answer.status == 304 and answer.raw == b"" and answer.headers["ETag"] == etag
        server.admin.get(f"console/{name}", headers={"If-None-Match": '"x"'}).expect(200)
    assert len(etags) == len(FILES)


def test_compressed(server):
    client = below(server, "/squeezed")
    answer = client.get("console/console.css", headers={"Accept-Encoding": "gzip"}).expect(200)
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = client.get("console/console.css").expect(200)
    assert gzip.decompress(answer.raw) == plain.raw
    etag = answer.headers["ETag"]
    again = client.get("console/console.css",
                       headers={"Accept-Encoding": "gzip", "If-None-Match": etag})
    assert again.status == 304 and again.headers["ETag"] == etag


def test_head_and_other_methods(server):
    got = server.admin.get("console/console.js").expect(200)
    head = server.admin.ask("HEAD", "console/console.js").expect(200)
    assert head.raw == b"" and head.headers["ETag"] == got.headers["ETag"]
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = server.admin.ask(method, "console/")
        answer.expect_problem(405, "method_not_allowed")
        # httpd itself answers TRACE.
        assert set(re.split(", *", answer.headers["Allow"])) - {"TRACE"} == {"GET", "HEAD"}


def site_of(client):
    text = client.get("console/site.js").expect(200).raw.decode()
    return json.loads(re.fullmatch(r"export const site = (.*);\n", text)[1])


def test_the_site(server):
    assert site_of(server.admin) == {"title": "User management", "logo": "", "color": "#3b5bdb"}
    assert site_of(below(server, "/branded")) == {
        "title": 'Käufer "A" & <b>', "logo": "/images/logo.svg", "color": "#0B7285"}


def test_off(server):
    for base in ("/plain", "/off"):
        for path in ("console", "console/", "console/users", "console/console.js",
                     "console/site.js"):
            below(server, base).get(path).expect_problem(404, "not_found")


def test_the_sign_in_guards_it(server):
    for path in ("console/", "console/console.js", "console/site.js"):
        server.client(None).get(path).expect_problem(401, "unauthorized")
    # The page itself tells who has no role.
    server.nobody.get("console/").expect(200)


def test_the_log_has_its_action(server):
    server.admin.get("console/users", query={"q": "logged"}).expect(200)
    lines = (server.directory / "logs/access_log").read_text().splitlines()
    line, = [line for line in lines if line.startswith("GET /user-management/console/users 200")][:1]
    assert line.split()[3:] == ["console", "-", "-", "-", "ok"]
