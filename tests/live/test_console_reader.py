# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""How the console's import reads files of CSV and NDJSON, without a browser: the same module in
node, with slices of a few bytes, so that each character stands at a border once. And how its
export writes CSV."""

import base64
import csv
import io
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.database("sqlite")

CONSOLE = Path(__file__).resolve().parents[2] / "console"
SCRIPT = Path(__file__).with_name("console_reader.mjs")
SEED = int(os.environ.get("UM_SEED", "1"))
FILES = 25
SLICES = [1, 2, 3, 5, 17, 262144]


@pytest.fixture(name="ask", scope="module")
def make_ask(tmp_path_factory):
    """A function that asks the modules in node."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("import-reader.js", "csv.js", "json.js"):
        shutil.copy(CONSOLE / name, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    with subprocess.Popen(["node", str(SCRIPT), str(folder)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        def ask(**question):
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()
        process.wait(20)


@pytest.fixture(name="read", scope="module")
def make_read(ask):
    """A function that reads a file of bytes."""
    def read(content, slice_bytes=262144, columns=None):
        return ask(bytes=base64.b64encode(content).decode(), slice=slice_bytes,
                   **({"columns": columns} if columns else {}))

    return read


@pytest.fixture(name="write", scope="module")
def make_write(ask):
    """A function that writes rows of values."""
    return lambda rows, form: ask(write=rows, form=form)


def cells(result):
    return [row["raw"] for row in result["rows"] if "fault" not in row]


def faults(result):
    return {row["line"]: row["fault"] for row in result["rows"] if "fault" in row}


def guard(text):
    """As the files of usermgmtctl have it."""
    return "'" + text if text.lstrip("'")[:1] in tuple("=+-@\t\r") else text


def line_of(row, separator):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerow(map(guard, row))
    return text.getvalue().removesuffix("\r\n")


def random_rows(numbers, letters):
    width = numbers.randint(2, 5)
    rows = [["".join(numbers.choice(letters) for _ in range(numbers.randint(0, 6)))
             for _ in range(width)] for _ in range(numbers.randint(0, 12))]
    return [[f"column{index}" for index in range(width)],
            *(row for row in rows if any(cell.strip() for cell in row))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_what_python_writes_is_read(read, encoding):
    """Random cells with all that needs quotes, in each form."""
    numbers = random.Random(f"{SEED} {encoding}")
    # Some versions of node take windows-1252 for ISO 8859-1, so the euro sign is for browsers.
    letters = 'ab =+-@\'",;\t\r\n\u00fc' + ("\u20ac\U0001f600" if "utf" in encoding else "")
    for _ in range(FILES):
        separator = numbers.choice(",;\t")
        rows = random_rows(numbers, letters)
        end = numbers.choice(["\n", "\r\n", "\r"])
        content = "".join(line_of(row, separator) + end for row in rows)
        if encoding == "cp1252":
            content = content.replace("column0", "column\u00e4")
            rows[0][0] = "column\u00e4"
        content = ("\ufeff" if encoding == "utf-16-be" else "") + content
        for slice_bytes in (numbers.choice(SLICES[:-1]), SLICES[-1]):
            result = read(content.encode(encoding), slice_bytes)
            assert (result["names"], result["separator"]) == (rows[0], separator)
            assert faults(result) == {}
            assert cells(result) == rows[1:], (content, slice_bytes)


@pytest.mark.parametrize("slice_bytes", SLICES)
def test_rows_that_are_wrong(read, slice_bytes):
    content = ('\r\na,b\r\n1,2\r\n\r\n , \n3\n4,5,6\rx"y,7\n"q"r,8\n"9\r\n\n9",10\n11,"12\n'
               "13,14\n")
    result = read(content.encode(), slice_bytes)
    assert result["names"] == ["a", "b"]
    assert cells(result) == [["1", "2"], ["9\r\n\n9", "10"]]
    assert faults(result) == {6: "import.cells", 7: "import.cells", 8: "import.malformed",
                              9: "import.malformed", 13: "import.endless"}


def test_a_missing_quote_does_not_fill_the_memory(read):
    result = read(b'a,b\n1,2\n"3,4\n' + b"5,6\n" * 500000 + b'"7,8\n')
    assert cells(result) == [["1", "2"]]
    assert faults(result) == {3: "import.endless"}
    assert len(result["rows"][1]["raw"][0]) == 200


def test_pieces_are_bounded(read):
    result = read(b"a,b\n" + b"1,2\n" * 1200)
    assert result["pieces"] == 3 and len(result["rows"]) == 1200
    result = read(b"a,b\n" + b"1,%s\n" % (b"x" * 100000) * 10)
    assert result["pieces"] == 4


@pytest.mark.parametrize("slice_bytes", SLICES)
def test_lines_of_ndjson(read, slice_bytes):
    content = ('{"email": "\u00fc", "n": 23, "o": {"x": [1, null]}}\r\n\n {"email":"b","new":null} \n'
               '[1]\nnull\n{"a":\n"text"\n{"__proto__": 1}')
    result = read(content.encode(), slice_bytes)
    assert result["isJson"] and result["names"] == ["email", "n", "o", "new", "__proto__"]
    assert [json.loads(row["text"]) for row in result["rows"] if "fault" not in row] == [
        {"email": "\u00fc", "n": 23, "o": {"x": [1, None]}}, {"email": "b", "new": None},
        {"__proto__": 1}]
    assert faults(result) == dict.fromkeys((4, 5, 6, 7), "error.json")


def test_members(read):
    """What the columns become."""
    targets = [("email", ""), ("display_name", ""), ("display_name", ""), ("active", ""),
               ("attribute", "text"), ("attribute", "any"), ("attributes", ""), ("", "")]
    columns = [{"to": to, "name": name, "isJson": name == "any"} for to, name in targets]
    lines = ["e,f,l,a,t,j,s,o",
             'a@example.com,Ann,Lee,JA,23,23,"{""x"":1}",no',
             "b@example.com,,Low,Gesperrt,true,TRUE,,no",
             "c@example.com,Cy,,maybe,,\"{\"\"y\"\":[1]}\",,",
             "d@example.com,,,,,1e3,x,"]
    users = [json.loads(row["text"]) for row in
             read("\n".join(lines).encode(), columns=columns)["rows"]]
    assert users == [
        {"email": "a@example.com", "display_name": "Ann Lee", "active": True, "text": "23",
         "any": 23, "x": 1},
        {"email": "b@example.com", "display_name": "Low", "active": False, "text": "true",
         "any": True},
        {"email": "c@example.com", "display_name": "Cy", "active": "maybe", "any": {"y": [1]}},
        # The API says what is wrong with it.
        {"email": "d@example.com", "any": 1000, "attributes": "x"}]


@pytest.mark.parametrize("content, error", [
    (b"a,b\0\n", "TypeError"), (b"\xef\xbb\xbfa\n\xff", "TypeError"),
    (b"\xff\xfea\0\n\0\0\xd8", "TypeError"), (b"a,b\n\x00,1\n", "TypeError")])
def test_what_is_no_text(read, content, error):
    assert read(content)["error"] == error


@pytest.mark.parametrize("content", [b"", b"\n\n", b'"a', b'[{"a": 1}]', b"\xef\xbb\xbf"])
def test_files_without_columns(read, content):
    assert read(content)["names"] == []


@pytest.mark.parametrize("value, csv_cell, excel_cell", [
    ("plain text", "plain text", "plain text"), (None, "", ""), (23, "23", "23"),
    (False, "false", "false"), ({"a": [1]}, '"{""a"":[1]}"', '"{""a"":[1]}"'),
    ("a,b", '"a,b"', '"a,b"'), ('a"b', '"a""b"', '"a""b"'), ("a\nb", '"a\nb"', '"a\nb"'),
    ("a\rb", '"a\rb"', '"a\rb"'), ("a;b", "a;b", '"a;b"'), ("a\tb", "a\tb", '"a\tb"'),
    ("=1", "=1", "'=1"), ("-1", "-1", "'-1"), (-1, "-1", "'-1"), ("'+1", "''+1", "''+1"),
    ("'a", "'a", "'a"), ("@a,", '"@a,"', '"\'@a,"'), ("\ta", "\ta", '"\'\ta"')])
def test_cells_that_are_written(write, value, csv_cell, excel_cell):
    rows = [["a", "b"], [value, "x"]]
    assert write(rows, "csv") == f"a,b\r\n{csv_cell},x\r\n"
    assert write(rows, "excel") == f"\ufeffa,b\r\n{excel_cell},x\r\n"


@pytest.mark.parametrize("form", ["csv", "excel"])
def test_what_is_written_is_read(write, read, form):
    """By the import, and by Python, to which the guards are a part of the text."""
    numbers = random.Random(f"{SEED} {form}")
    for _ in range(FILES):
        rows = random_rows(numbers, 'ab =+-@\'",;\t\r\n\u00fc\u20ac')
        text = write(rows, form)
        if len(rows) > 1:
            assert cells(read(text.encode())) == rows[1:]
        plain = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
        assert [[cell[cell.startswith("'") and guard(cell[1:]) == cell:] for cell in row]
                for row in plain] == rows
