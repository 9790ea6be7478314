# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Writes the figures of the last runs into docs/performance.md, between its marks."""

import json
import os
import re

import plot
import report
import scim_pages

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}
# The tables of docs/performance.md, named as the files of their figures.
MARKS = [*NAMES, "postgresql-peers",
         *(name + label for label in ("-against", "-scale", "-organizations", "-scim")
           for name in NAMES)]
# What a plot shows; searches cost a hundred times as much.
PLOTTED = ("bare handler, 300 bytes", "read one", "organization status", "page of 5, any",
           "page of 100, any", "create", "update")
MIDDLE = 100000


def costs(data, name):
    """Processor time of a case for each number of users."""
    return [(size["users"], case["cost"]) for size in data["sizes"] for case in size["cases"]
            if case["name"] == name and case["cost"] is not None]


def series(data):
    return [(name, costs(data, name)) for name in PLOTTED if costs(data, name)]


def draw(data):
    return plot.draw("%s: processor time a request, httpd and database"
                     % NAMES[data["facts"]["database"]], series(data))


def made(fact):
    """Of which run a table is."""
    machine = fact["machine"]
    return ("Commit %s, %s; %d processors (%s), %d GiB of memory, Linux %s; medians of %d runs of"
            " %d seconds." % (fact["commit"], fact["date"], machine["processors"],
                              machine["model"], machine["memory_gib"], machine["system"],
                              fact["rounds"], fact["seconds"]))


def cost_rows(data):
    """Processor time of each case, a column for each number of users."""
    users = [size["users"] for size in data["sizes"]]
    rows = [["µs a request"] + [plot.short(number) + " users" for number in users]]
    for case in data["sizes"][-1]["cases"]:
        found = dict(costs(data, case["name"]))
        if found:
            rows.append([case["name"]] + [report.number(found.get(number)) for number in users])
    return rows


def database_part(data):
    kind = data["facts"]["database"]
    size = min(data["sizes"], key=lambda size: abs(size["users"] - MIDDLE))
    table = [report.HEAD] + [report.cells(case) for case in size["cases"]]
    return "\n".join([
        made(data["facts"]), "", "%s users:" % report.thousands(size["users"]), "",
        report.markdown(table), "",
        *("- %s" % line for line in report.bulk_lines(size)), "",
        "![%s](performance-%s.svg)" % ("Processor time against the number of users", kind), "",
        report.markdown(cost_rows(data))])


def comparison_part(data):
    return "\n".join([made(data["facts"]), "",
                      "%s users:" % report.thousands(data["users"]), "",
                      report.markdown(report.comparison_rows(data["targets"]))])


def scale_part(data):
    return "\n".join([made(data["facts"]), "", report.markdown(report.scale_rows(data))])


def scim_part(data):
    fact = data["facts"]
    return "\n".join(["Commit %s, %s; %d processors (%s)." % (
        fact["commit"], fact["date"], fact["machine"]["processors"], fact["machine"]["model"]),
                      scim_pages.title(data) + ".", "", report.markdown(scim_pages.rows(data)), "",
                      *("- %s" % line for line in scim_pages.summary(data))])


def part_of(data):
    """By what was measured."""
    if "parts" in data:
        return scim_part(data)
    if "limit" in data:
        return scale_part(data)
    return comparison_part(data) if "targets" in data else database_part(data)


def replace(text, name, part):
    begin, end = "<!-- figures: %s -->" % name, "<!-- end of figures -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    if not re.search(pattern, text, re.S):
        raise RuntimeError("docs/performance.md has no mark %s" % begin)
    return re.sub(pattern, lambda _: "%s\n\n%s\n\n%s" % (begin, part, end), text, flags=re.S)


def write(top, measured):
    """Takes the figures from a directory. Only what was measured is replaced. The data goes
    along, for whoever wants to check."""
    page = os.path.join(top, "docs", "performance.md")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    for name in MARKS:
        source = os.path.join(measured, name + ".json")
        if not os.path.exists(source):
            print("%s: not measured, left as it is" % name)
            continue
        with open(source, encoding="utf-8") as file:
            data = json.load(file)
        text = replace(text, name, part_of(data))
        files = [(".json", json.dumps(data) + "\n")]
        files += [(".svg", draw(data))] if "sizes" in data else []
        for ending, content in files:
            with open(os.path.join(top, "docs", "performance-%s%s" % (name, ending)), "w",
                      encoding="utf-8") as file:
                file.write(content)
        print("%s: written" % name)
    with open(page, "w", encoding="utf-8") as file:
        file.write(text)
