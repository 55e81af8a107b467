"""Intervals by bootstrap over clusters: how sure a measure over sequences is.

A resample draws clusters (sequences) with replacement, and within each of them its units (windows, seeds) with
replacement. The ends of an interval are bias-corrected and accelerated (BCa; Efron, 1987), the acceleration by the
jackknife over clusters. `scipy.stats.bootstrap` draws on one level only; where each cluster has a single unit, its
interval is the same.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

ROUNDS = 2000
SEED = 0
# Ends of an interval of 95 %, as shares of the resamples.
ENDS = np.array([0.025, 0.975])
# Resamples with a value, below which there is no interval.
FEWEST = 40

RowWeights = NDArray[np.float64]
Statistic = Callable[[RowWeights], float]


@dataclass(frozen=True)
class IntervalEstimate:
    """A measure, with its interval.

    Attributes:
        value: on all rows.
        low: of the 95 % interval; not a number where there is none, as of a single cluster.
        high: of the same.
        share: of the resamples with a value. The interval is of these: below 1 of their percentiles, else BCa.
    """

    value: float
    low: float
    high: float
    share: float = 1.0


@dataclass(frozen=True)
class Resamples:
    """The weight of each row in the sample, and in what is made of it.

    Attributes:
        whole: of the sample itself.
        drawn: resamples x rows.
        without: clusters x rows: all but one cluster each.
    """

    whole: RowWeights
    drawn: RowWeights
    without: RowWeights

    @classmethod
    def of(cls, keys: Sequence[tuple[Hashable, ...]], weights: RowWeights, rounds: int = ROUNDS) -> "Resamples":
        """Draws clusters, and units within them; always the same ones for the same keys.

        Args:
            keys: of each row: its cluster, its unit in that cluster, and what else there is.
            weights: of each row in the sample.
            rounds: number of resamples.
        """
        units: dict[Hashable, dict[Hashable, int]] = {}
        for cluster, unit, *_ in keys:
            places = units.setdefault(cluster, {})
            places.setdefault(unit, len(places))
        sizes = np.array([len(places) for places in units.values()])
        starts = np.concatenate([[0], np.cumsum(sizes)])
        order = {cluster: index for index, cluster in enumerate(units)}
        clusters = np.array([order[cluster] for cluster, *_ in keys])
        rows = starts[clusters] + [units[cluster][unit] for cluster, unit, *_ in keys]
        without = weights * (clusters != np.arange(len(units))[:, None])
        # A single cluster has no interval.
        drawn = np.zeros((rounds if len(units) > 1 else 0, len(keys)))
        source = np.random.default_rng(SEED)
        for resample in drawn:
            counts = np.zeros(starts[-1])
            for place in source.integers(len(units), size=len(units)):
                size = sizes[place]
                np.add.at(counts, starts[place] + source.integers(size, size=size), 1)
            resample[:] = weights * counts[rows]
        return cls(weights, drawn, without)

    def estimate(self, statistic: Statistic) -> IntervalEstimate:
        """A statistic of the rows' weights with its interval; not a number where it has no value."""
        value = statistic(self.whole)
        if not len(self.drawn):
            return IntervalEstimate(value, np.nan, np.nan)
        every = np.array([statistic(weights) for weights in self.drawn])
        known = every[~np.isnan(every)]
        share = len(known) / len(every)
        if len(known) < FEWEST:
            return IntervalEstimate(value, np.nan, np.nan, share)
        levels = np.full(2, np.nan)
        if share == 1:
            levels = bca(value, known, np.array([statistic(weights) for weights in self.without]))
        # Without a correction, as where all resamples are on one side of the value, these are
        # percentiles.
        low, high = np.quantile(known, ENDS if np.isnan(levels).any() else levels)
        return IntervalEstimate(value, float(low), float(high), share)


def bca(value: float, drawn: RowWeights, without: RowWeights) -> RowWeights:
    """The shares of the resamples that are below each end of the interval; not a number where they are unknown.

    Args:
        value: of the sample.
        drawn: of the resamples.
        without: with one cluster left out.
    """
    below = (np.mean(drawn < value) + np.mean(drawn <= value)) / 2
    with np.errstate(invalid="ignore"):
        bias = ndtri(below) + ndtri(ENDS)
        distance = without.mean() - without
        spread = np.sum(distance**2) ** 1.5
        acceleration = np.sum(distance**3) / (6 * spread) if spread else 0.0
        return ndtr(ndtri(below) + bias / (1 - acceleration * bias))
