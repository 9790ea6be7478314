# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Tables of results."""

from load import CONNECTIONS

GOAL_TEXTS = {"rate": "%.2f of the rate of %s", "cost": "%.2f × the time of %s",
              "time": "%.0f µs"}


def number(value, digits=0):
    return "" if value is None else "%.*f" % (digits, value)


def millisecond(value):
    """Three significant digits at the most."""
    return "" if value is None else number(value, 2 if value < 10 else 1 if value < 100 else 0)


def columns(rows):
    """Rows of texts as lines: the first column to the left, the others to the right, the last
    one as it is."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0])]
                  + [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:])]
                  + [row[-1]]).rstrip() for row in rows)


def relation(results, target, case, kind):
    """What the case is compared with, and its goals."""
    if not case.yardstick:
        return ""
    own, other = (target, case.name), (target, case.yardstick)
    goals = case.goals.get(kind, [])
    texts = []
    for figure in ["rate"] + [goal.figure for goal in goals if goal.figure != "rate"]:
        value = (results.median(target, case.name, "cost") if figure == "time"
                 else results.quotient(figure, own, other))
        if value is None:
            continue
        text = GOAL_TEXTS[figure] % ((value,) if figure == "time" else (value, case.yardstick))
        for goal in goals:
            if goal.figure == figure:
                text += " (goal %s %g%s)" % ("≥" if figure == "rate" else "≤", goal.limit,
                                             "" if goal.met(value) else ": missed")
        texts.append(text)
    return "; ".join(texts)


HEAD = ["", "requests/s", "p50 ms", "p99", "p99.9", "longest", "httpd µs", "database µs"]


def row(results, target, name):
    def median(figure):
        return results.median(target, name, figure)
    return [number(median("rate")),
            *(millisecond(median(figure)) for figure in ("p50", "p99", "p999")),
            millisecond(results.longest(target, name)),
            number(median("httpd")), number(median("database"))]


def table(results, kind):
    target = results.targets[0]
    return columns([HEAD + [""]] + [
        [case.name, *row(results, target, case.name), relation(results, target, case, kind)]
        for case in results.cases])


def comparison(results):
    """Of two targets: the first in relation to the second."""
    one, other = results.targets
    rows = [["", "requests/s", "of " + other.name, "ratio", "µs", "of " + other.name, "ratio",
             "p99 ms", "of " + other.name, ""]]
    for case in results.cases:
        cells = [case.name]
        for figure in ("rate", "cost"):
            cells += [number(results.median(one, case.name, figure)),
                      number(results.median(other, case.name, figure)),
                      number(results.quotient(figure, (one, case.name), (other, case.name)), 3)]
        cells += [millisecond(results.median(target, case.name, "p99"))
                  for target in (one, other)]
        rows.append(cells + [""])
    return columns(rows)


def title(kind, users, seconds, rounds):
    return ("%d users on %s, %d connections, medians of %d runs of %d s; µs: processor time a"
            " request" % (users, kind, CONNECTIONS, rounds, seconds))
