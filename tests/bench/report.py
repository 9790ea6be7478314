# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Results as plain data, as tables of text, and as the tables of docs/performance.md."""

import os
import platform
import re
import time

import against
from load import CONNECTIONS

FIGURES = ("rate", "p50", "p99", "p999", "httpd", "database", "cost")
SIGNS = {"rate": "≥", "cost": "≤", "time": "≤"}


# ---- plain data ----


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read())[1])
    return {"processors": os.cpu_count(), "model": model[1] if model else platform.machine(),
            "memory_gib": round(memory / 1024 ** 2), "system": platform.release()}


def facts(top, kind, seconds, rounds):
    """What the figures hold for."""
    return {"database": kind, "commit": against.short_name(top, "HEAD") or "unknown",
            "date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine(),
            "connections": CONNECTIONS, "seconds": seconds, "rounds": rounds}


def goal_data(results, target, case, goal):
    own = (target, case.name)
    value = (results.median(target, case.name, "cost") if goal.figure == "time"
             else results.quotient(goal.figure, own, (target, case.yardstick)))
    return {"figure": goal.figure, "limit": goal.limit, "value": value,
            "met": value is not None and goal.met(value)}


def case_data(results, target, case):
    """The medians of a case, its relation to its yardstick, and its goals."""
    own, other = (target, case.name), (target, case.yardstick)
    data = {"name": case.name, "yardstick": case.yardstick,
            "longest": results.longest(target, case.name),
            "refused": results.refused(target, case.name)}
    data.update((figure, results.median(target, case.name, figure)) for figure in FIGURES)
    data.update(("%s_ratio" % figure, results.quotient(figure, own, other))
                for figure in ("rate", "cost"))
    data["goals"] = [goal_data(results, target, case, goal)
                     for goal in case.goals.get(target.kind, [])]
    return data


def data_of(results, target):
    return [case_data(results, target, case) for case in results.cases
            if results.of(target, case.name)]


def comparison_data(results):
    """The same of several targets, with the quotients of the first and each other one."""
    first = results.targets[0]
    data = []
    for target in results.targets:
        cases = data_of(results, target)
        for case in cases:
            for figure in ("rate", "cost"):
                case["first_to_this_" + figure] = results.quotient(
                    figure, (first, case["name"]), (target, case["name"]))
        data.append({"name": target.name, "cases": cases})
    return data


# ---- cells ----


def number(value, digits=0):
    return "" if value is None else "%.*f" % (digits, value)


def thousands(value):
    return "" if value is None else "{:,.0f}".format(value)


def millisecond(value):
    """Three significant digits at the most."""
    return "" if value is None else number(value, 2 if value < 10 else 1 if value < 100 else 0)


def megabytes(kilobytes):
    return number(kilobytes / 1024, 1)


def relation(case):
    if case["rate_ratio"] is None:
        return ""
    text = "%.2f of %s" % (case["rate_ratio"], case["yardstick"])
    return text if case["cost_ratio"] is None else "%s, %.2f × its time" % (text,
                                                                         case["cost_ratio"])


def refusals(case):
    return "; %.1f %% refused" % (case["refused"] * 100) if case["refused"] else ""


def goal_text(goal):
    text = "%s %s %g" % ({"rate": "rate", "cost": "time", "time": "µs"}[goal["figure"]],
                         SIGNS[goal["figure"]], goal["limit"])
    return text + (": met" if goal["met"] else ": missed, %.3g" % goal["value"]
                   if goal["value"] is not None else ": not measured")


HEAD = ["", "requests/s", "p50 ms", "p99", "p99.9", "longest", "httpd µs", "database µs",
        "beside", "goals"]


def cells(case):
    return [case["name"], thousands(case["rate"]),
            *(millisecond(case[figure]) for figure in ("p50", "p99", "p999", "longest")),
            number(case["httpd"]), number(case["database"]), relation(case) + refusals(case),
            "; ".join(goal_text(goal) for goal in case["goals"])]


def comparison_rows(data):
    """One row a case; of each target but the first also the first one's quotient with it."""
    first = data[0]
    others = [{case["name"]: case for case in target["cases"]} for target in data[1:]]
    head = [""] + ["%s %s" % (first["name"], unit) for unit in ("/s", "µs", "p99 ms")]
    for target in data[1:]:
        head += ["%s %s" % (target["name"], unit)
                 for unit in ("/s", "µs", "p99 ms")] + ["rate ×", "µs ×"]
    rows = [head]
    for case in first["cases"]:
        row = [case["name"], thousands(case["rate"]) + refusals(case), number(case["cost"]),
               millisecond(case["p99"])]
        for other in others:
            its = other.get(case["name"])
            row += [thousands(its["rate"]) + refusals(its), number(its["cost"]),
                    millisecond(its["p99"]), number(its["first_to_this_rate"], 2),
                    number(its["first_to_this_cost"], 2)] if its else [""] * 5
        rows.append(row)
    return rows


def scale_data(results):
    """The same of services with ever more users, beside the first one."""
    first = results.targets[0]
    data = []
    for target in results.targets:
        cases = data_of(results, target)
        for case in cases:
            case["cost_to_first"] = results.quotient(
                "cost", (target, case["name"]), (first, case["name"]))
        data.append({"name": target.name, "users": target.users,
                     "organizations": target.organizations or 1, "cases": cases})
    return data


def scale_rows(data):
    """One row a case; of each target but the first also the quotient with that one."""
    targets = [{case["name"]: case for case in target["cases"]} for target in data["targets"]]
    head = [""]
    for place, target in enumerate(data["targets"]):
        head += ["%s /s" % target["name"], "p99 ms", "µs"] + (["×"] if place else [])
    rows = [head]
    for name in targets[0]:
        row = [name]
        for place, target in enumerate(targets):
            case = target.get(name)
            if case is None:
                row += [""] * 4
                continue
            row += [thousands(case["rate"]) + refusals(case), millisecond(case["p99"]),
                    "%s + %s" % (number(case["httpd"]), number(case["database"]))]
            if place:
                row.append(number(case["cost_to_first"], 2)
                           + ("" if case["cost_to_first"] <= data["limit"] else ": missed"))
        rows.append(row)
    return rows


def bulk_lines(size):
    """Sentences about what is not made of equal requests."""
    bulk, cold = size["bulk"], size["cold"]
    memory = bulk["memory"]
    yield ("first second after a start: %s requests/s, p99 %s ms, longest %s ms"
           % (thousands(cold["rate"]), millisecond(cold["p99"]), millisecond(cold["longest"])))
    for name, end in (("import", " (goal ≤ %g)" % size["import_goal"]), ("export", "")):
        what = bulk[name]
        yield ("%s of %s users: %.1f s, %.1f s for 100,000%s; processor seconds: tool %.1f,"
               " database %.1f" % (name, thousands(what["users"]), what["seconds"],
                                   what["seconds"] / what["users"] * 100000, end, what["tool"],
                                   what["database"]))
    yield ("stream of %s users: %s users/s, %s MB more memory"
           % (thousands(bulk["stream"]["users"]),
              thousands(bulk["stream"]["users"] / bulk["stream"]["seconds"]),
              megabytes(bulk["stream"]["memory"])))
    yield ("memory (PSS): httpd %s MB, of it the mapped database file %s MB; database %s MB"
           % tuple(megabytes(memory[name]) for name in ("httpd", "mapped", "database")))


# ---- text ----


def columns(rows):
    """Rows of texts as lines: figures to the right, words to the left."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    words = [index == 0 or any(re.search("[a-z]{4}", row[index]) for row in rows[1:])
             for index in range(len(rows[0]))]
    return "\n".join("  ".join(
        cell.ljust(width) if word else cell.rjust(width)
        for cell, width, word in zip(row, widths, words)).rstrip() for row in rows)


def title(users, fact):
    return ("%s users on %s, %d connections, medians of %d runs of %d s; µs: processor time a"
            " request" % (thousands(users), fact["database"], fact["connections"],
                          fact["rounds"], fact["seconds"]))


def size_text(size, fact):
    return "\n".join([title(size["users"], fact), columns([HEAD] + [
        cells(case) for case in size["cases"]]), *bulk_lines(size)])


# ---- Markdown ----


def markdown(rows):
    lines = [rows[0], ["---"] + ["---" if re.search("beside|goals", cell) else "---:"
                                 for cell in rows[0][1:]], *rows[1:]]
    return "\n".join("| %s |" % " | ".join(row) for row in lines)
