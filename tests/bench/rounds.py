# Licensed under the Apache License, Version 2.0; see the file LICENSE.
"""Runs all cases on all targets in turn, several rounds over, and keeps the results."""

import statistics
import sys


def say(text):
    print(text, file=sys.stderr, flush=True)


class Results:
    """The results of each case on each target, one a round."""

    def __init__(self, targets, cases):
        self.targets, self.cases = targets, cases
        self.runs = {}

    def add(self, target, case, result):
        self.runs.setdefault((target.name, case.name), []).append(result)

    def of(self, target, name):
        return self.runs.get((target.name, name), [])

    def median(self, target, name, figure):
        """Of the case; None where it was not run, or has no such figure."""
        values = [getattr(run, figure) for run in self.of(target, name)]
        return None if not values or None in values else statistics.median(values)

    def longest(self, target, name):
        return max((run.longest for run in self.of(target, name) if run.longest), default=None)

    def refused(self, target, name):
        """The share of the requests, in the worst round."""
        return max((run.refused / run.requests for run in self.of(target, name)
                    if run.requests), default=0)

    def quotient(self, figure, one, other):
        """The median of the rounds' quotients: one and other are (target, name)."""
        pairs = [(getattr(mine, figure), getattr(its, figure))
                 for mine, its in zip(self.of(*one), self.of(*other))]
        if not pairs or any(None in pair or not pair[1] for pair in pairs):
            return None
        return statistics.median(mine / its for mine, its in pairs)


def understood(targets, cases):
    """What can be run: pairs of a case and a target. Only the first target must be able to
    run all; another commit may lack a route or a filter."""
    pairs = set()
    for case in cases:
        for target in targets:
            if not target.serves(case):
                continue
            status = case.probe(target) if case.path else case.expect
            if status == case.expect:
                pairs.add((case.name, target.name))
            elif target is targets[0]:
                raise RuntimeError("%s: answered with %d, not %d"
                                   % (case.name, status, case.expect))
            else:
                say("%s: left out of %s, which answers %d" % (case.name, target.name, status))
    return pairs


def measure(targets, cases, seconds, rounds):
    """The order of the targets turns with each round, so that none is always the first."""
    results = Results(targets, cases)
    pairs = understood(targets, cases)
    # Round 0 is not counted: connections are made in it, and statements prepared.
    for number in range(rounds + 1):
        order = targets if number % 2 else list(reversed(targets))
        for case in cases:
            for target in order:
                if (case.name, target.name) in pairs:
                    result = case.run(target, seconds if number else target.warm_up)
                    if number:
                        results.add(target, case, result)
        if number:
            say("round %d of %d" % (number, rounds))
    return results
