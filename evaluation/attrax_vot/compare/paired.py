"""The difference of two arms over the sequences and seeds that both have, and how sure it is.

A resample draws sequences with replacement, and seeds within each of them with replacement; both arms get the same.
`scipy.stats.bootstrap` draws on one level only, so the loop is here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from attrax_vot.compare.cells import Cells, Weights, shares

ROUNDS = 2000
SEED = 0
# Ends of the 95 % interval, as percentiles.
ENDS = (2.5, 97.5)


@dataclass(frozen=True)
class Difference:
    """A measure of one arm less that of another.

    Attributes:
        value: on all that both have.
        low: of its 95 % interval; not a number where there is none, as of a single sequence.
        high: of it.
    """

    value: float
    low: float
    high: float


def differences(first: Cells, other: Cells, rounds: int = ROUNDS) -> tuple[int, dict[str, Difference]]:
    """Every measure of `other` less that of `first`.

    Returns:
        The number of runs that both have, and the differences by the measures' names; none where that number is 0.
    """
    theirs = set(other.keys)
    both = [key for key in first.keys if key in theirs]
    if not both:
        return 0, {}
    ours, others = (each.only(both).measures() for each in (first, other))
    drawn = list(draws(both, rounds)) if len({sequence for sequence, _ in both}) > 1 else []
    found = {}
    for name, measure in others.items():
        values = np.array([measure(times) - ours[name](times) for times in drawn])
        # Where a draw lacks the measure, as runs too short for the EAO do, there is no interval.
        known = values.size > 0 and not np.isnan(values).any()
        low, high = np.percentile(values, ENDS) if known else (np.nan, np.nan)
        every = shares(both)
        found[name] = Difference(measure(every) - ours[name](every), float(low), float(high))
    return len(both), found


def draws(keys: list[tuple[str, int]], rounds: int) -> Iterator[Weights]:
    """How often each cell counts in each resample."""
    names = [sequence for sequence, _ in keys]
    groups = [np.flatnonzero([name == each for name in names]) for each in dict.fromkeys(names)]
    source = np.random.default_rng(SEED)
    for _ in range(rounds):
        times = np.zeros(len(keys))
        for place in source.integers(len(groups), size=len(groups)):
            group = groups[place]
            np.add.at(times, group[source.integers(len(group), size=len(group))], 1 / len(group))
        yield times
