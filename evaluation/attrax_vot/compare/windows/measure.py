"""The measures of many windows, and the paired difference of two arms with its interval.

The interval is a cluster bootstrap: a resample draws sequences with replacement, and windows within each of them with
replacement. Both arms get the same resample. The seeds of a window share its weight.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attrax_vot.compare.paired import ENDS, SEED, Difference
from attrax_vot.compare.windows.table import Row

ROUNDS = 2000

Weights = NDArray[np.float64]
# Sequence, first frame and seed.
Key = tuple[str, int, int]


@dataclass(frozen=True)
class Windows:
    """Runs of one arm.

    Attributes:
        rows: one for each window and seed.
    """

    rows: list[Row]

    @property
    def keys(self) -> list[Key]:
        """Sequence, first frame and seed of each run."""
        return [(row.sequence, row.start, row.seed) for row in self.rows]

    def only(self, keys: list[Key]) -> "Windows":
        """The runs with these keys, in their order."""
        known = dict(zip(self.keys, self.rows, strict=True))
        return Windows([known[key] for key in keys])

    def measures(self) -> dict[str, Callable[[Weights], float]]:
        """The measures by name, as functions of the weight of each run.

        `overlap` and `failed` are means over windows. `accuracy` is the mean over the frames before a failure, and
        `seconds` the mean over answered frames.
        """
        failed = np.array([row.failed_at == row.failed_at for row in self.rows], float)
        tracked = np.array([row.tracked for row in self.rows], float)
        answered = tracked + failed
        return {
            "overlap": _mean(np.array([row.overlap for row in self.rows]), np.ones(len(self.rows))),
            "failed": _mean(failed, np.ones(len(self.rows))),
            "accuracy": _mean(np.array([row.accuracy for row in self.rows]), tracked),
            "seconds": _mean(np.array([row.seconds_per_frame for row in self.rows]), answered),
            "initialization": _mean(
                np.array([row.seconds_per_initialization for row in self.rows]), np.ones(len(self.rows))
            ),
        }


def weights(keys: list[Key]) -> Weights:
    """The weight of each run where each window counts once."""
    seeds = Counter((sequence, start) for sequence, start, _ in keys)
    return np.array([1 / seeds[sequence, start] for sequence, start, _ in keys])


def values(windows: Windows) -> dict[str, float]:
    """Every measure of an arm."""
    every = weights(windows.keys)
    return {name: measure(every) for name, measure in windows.measures().items()}


def differences(first: Windows, other: Windows, rounds: int = ROUNDS) -> tuple[list[Key], dict[str, Difference]]:
    """Every measure of `other` less that of `first`, on the runs that both have.

    Returns:
        The keys of these runs, and the differences by the measures' names; none where there are no such runs. With a
        single sequence there are no intervals.
    """
    theirs = set(other.keys)
    both = [key for key in first.keys if key in theirs]
    if not both:
        return [], {}
    mine, others = (each.only(both).measures() for each in (first, other))
    drawn = list(draws(both, rounds)) if len({sequence for sequence, *_ in both}) > 1 else []
    every, found = weights(both), {}
    for name, measure in others.items():
        low, high = np.nan, np.nan
        if drawn:
            resampled = np.array([measure(times) - mine[name](times) for times in drawn])
            if not np.isnan(resampled).all():
                low, high = np.nanpercentile(resampled, ENDS)
        found[name] = Difference(measure(every) - mine[name](every), float(low), float(high))
    return both, found


def draws(keys: list[Key], rounds: int) -> Iterator[Weights]:
    """The weight of each run in each resample."""
    places: dict[str, dict[int, list[int]]] = {}
    for index, (sequence, start, _) in enumerate(keys):
        places.setdefault(sequence, {}).setdefault(start, []).append(index)
    clusters = [list(each.values()) for each in places.values()]
    source = np.random.default_rng(SEED)
    for _ in range(rounds):
        times = np.zeros(len(keys))
        for place in source.integers(len(clusters), size=len(clusters)):
            cluster = clusters[place]
            for window in source.integers(len(cluster), size=len(cluster)):
                times[cluster[window]] += 1 / len(cluster[window])
        yield times


def _mean(values: Weights, counts: Weights) -> Callable[[Weights], float]:
    """A weighted mean in which each run counts `counts` times, and one without a value not at all."""
    known = ~np.isnan(values)
    kept = np.where(known, values, 0.0)

    def mean(times: Weights) -> float:
        total = (times * counts) @ known
        return float((times * counts) @ kept / total) if total else np.nan

    return mean
