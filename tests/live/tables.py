# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Tables of what the tests have seen. They are printed at the end of a run.

A test asks for the fixture tell, and gives it a cell of a table. With pytest-xdist the cells
come from several processes, with the reports of their tests.
"""

import pytest

NOT_RUN = "not run"


@pytest.fixture
def tell(request):
    """A function of table, row, column and text. The cells of a test that fails are FAILED."""
    def put(table, row, column, text="ok"):
        request.node.user_properties.append(("cell", [table, row, column, text]))
    return put


def collect(stats):
    """table → row → column → text, in the order of the names."""
    found = {}
    for outcome in ("passed", "failed", "error"):
        for report in stats.get(outcome, []):
            for name, cell in getattr(report, "user_properties", []):
                if name == "cell":
                    table, row, column, text = cell
                    found.setdefault(table, {}).setdefault(row, {})[column] = \
                        text if outcome == "passed" else "FAILED"
    return found


def lines_of(table, rows):
    """The lines of one table. A cell that no test has filled is told."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = [[table, *columns]]
    cells += [[row, *(rows[row].get(column, NOT_RUN) for column in columns)]
              for row in sorted(rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns) + 1)]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |"
             for line in cells]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def print_tables(reporter):
    """For pytest_terminal_summary()."""
    for table, rows in sorted(collect(reporter.stats).items()):
        reporter.write_line("")
        for line in lines_of(table, rows):
            reporter.write_line(line)
