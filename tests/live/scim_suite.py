# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Runs the steps of a test suite of somebody else, which were written again here. The steps that
fail must be those of scim_suites/NAME.txt, which has the reason for each."""

from pathlib import Path


class Suite:
    """Steps in their order; each is a function of the context, named by its decorator."""

    def __init__(self, name):
        self.name = name
        self.steps = []

    def step(self, title):
        def add(function):
            assert title not in [known for known, _ in self.steps], title
            self.steps.append((title, function))
            return function
        return add

    def expected_failures(self):
        """By title: the reason."""
        path = Path(__file__).with_name("scim_suites") / f"{self.name}.txt"
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        pairs = [line.split(": ", 1) for line in lines if line and not line.startswith("#")]
        assert all(len(pair) == 2 and pair[1] for pair in pairs), pairs
        return dict(pairs)

    def failures(self, context):
        """By title: how the step failed."""
        found = {}
        for title, function in self.steps:
            try:
                function(context)
            except (AssertionError, KeyError, IndexError, TypeError) as error:
                found[title] = f"{type(error).__name__}: {error}"
        return found

    def run(self, context):
        expected = self.expected_failures()
        assert set(expected) <= {title for title, _ in self.steps}, "a reason for no step"
        found = self.failures(context)
        unexpected = {title: text for title, text in found.items() if title not in expected}
        assert not unexpected, unexpected
        passed = set(expected) - set(found)
        assert not passed, f"they pass now, so their reasons can go: {sorted(passed)}"
