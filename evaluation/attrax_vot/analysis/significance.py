"""Expected average overlap under resampling of the sequences: how sure a difference between trackers is.

The curve is a ratio of sums over runs, so every sequence's part of both sums is made once, and a resampled
curve costs two products of matrices. On the sequences as they are it equals the toolkit's.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap
from vot.analysis.supervised import locate_failures_inits
from vot.region import calculate_overlaps

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment.multirun import SupervisedExperiment
    from vot.tracker import Tracker

ROUNDS = 2000
SEED = 0
# Draws with a value, below which there is no interval.
FEWEST = 40

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """What each sequence adds to a tracker's curve.

    Attributes:
        sums: sequences x frames: the sum over runs of their mean overlap up to a frame.
        counts: sequences x frames: how many runs that is of.
        longest: for each sequence, the length of its longest run; beyond it a curve of it alone ends.
    """

    sums: Curve
    counts: Curve
    longest: NDArray[np.int64]


@dataclass(frozen=True)
class Difference:
    """One tracker's expected average overlap less another's.

    Attributes:
        first: the one.
        second: the other.
        value: on all sequences.
        low: of its 95 % interval; not a number where there is none, as of a single sequence.
        high: of it.
        sequences: how many it is over.
        share: of the draws with a value; the interval is of these. The others hold no run that is long enough.
    """

    first: str
    second: str
    value: float
    low: float
    high: float
    sequences: int
    share: float = 1.0


def parts(
    experiment: "SupervisedExperiment",
    tracker: "Tracker",
    sequences: list["Sequence"],
    *,
    bounded: bool,
    length: int | None = None,
) -> Parts:
    """Cuts a tracker's trajectories into runs, from an initialisation to a failure or the end.

    Args:
        experiment: whose results.
        tracker: whose results.
        sequences: all with results.
        bounded: whether regions count only within the frame.
        length: of the curves, in frames; that of the longest run unless another one, at least as long, is given.
    """
    runs = [_runs(experiment, tracker, sequence, bounded=bounded) for sequence in sequences]
    longest = np.array([max(len(overlaps) for overlaps, _ in found) for found in runs])
    length = length or int(longest.max())
    sums, counts = (np.zeros((len(sequences), length)) for _ in range(2))
    for row, found in enumerate(runs):
        for overlaps, ended in found:
            means, weights = _mean_so_far(overlaps, ended, length)
            sums[row] += means * weights
            counts[row] += weights
    return Parts(sums, counts, longest)


def curve(part: Parts, times: NDArray[np.int64] | Curve | None = None) -> Curve:
    """The curve where each sequence counts so many times, whole or broken; once each when nothing is said."""
    times = np.ones(len(part.longest), np.int64) if times is None else times
    end = part.longest[times > 0].max()
    with np.errstate(invalid="ignore"):
        return ((times @ part.sums) / (times @ part.counts))[:end]


def compare(
    names: tuple[str, str], both: tuple[Parts, Parts], interval: tuple[int, int], rounds: int = ROUNDS
) -> Difference:
    """The difference of two trackers on the same sequences, with its interval by bootstrap.

    Sequences are drawn with replacement, the same ones for both trackers; the interval is bias-corrected and
    accelerated (BCa). Where some draws hold no run that is long enough, it is of the percentiles of the others.

    Args:
        names: of the trackers.
        both: their parts, of the same sequences in the same order.
        interval: frames over which a curve is averaged.
        rounds: of resampling.
    """
    count = len(both[0].longest)
    low, high = interval

    def value(part: Parts, times: NDArray[np.int64] | None) -> float:
        found = curve(part, times)[low : high + 1]
        return float(found.mean()) if found.size else np.nan

    def difference(drawn: NDArray[np.int64]) -> float:
        times = np.bincount(drawn, minlength=count)
        return value(both[0], times) - value(both[1], times)

    all_of_them = value(both[0], None) - value(both[1], None)
    low_end, high_end, share = _interval(difference, count, rounds)
    return Difference(*names, all_of_them, low_end, high_end, count, share)


def _interval(statistic: Callable[[NDArray[np.int64]], float], count: int, rounds: int) -> tuple[float, float, float]:
    """The 95 % interval of a statistic of drawn sequences, and the share of draws with a value; NaN without one."""
    if count < 2:
        return np.nan, np.nan, 1.0
    with warnings.catch_warnings():
        # What it warns of is that there is no interval, and that is what it returns.
        warnings.simplefilter("ignore")
        found = bootstrap(
            (np.arange(count),), statistic, n_resamples=rounds, vectorized=False, method="BCa",
            rng=np.random.default_rng(SEED),
        )  # fmt: skip
    every = found.bootstrap_distribution
    draws = every[~np.isnan(every)]
    share = len(draws) / len(every)
    if len(draws) < FEWEST:
        return np.nan, np.nan, share
    if np.ptp(draws) == 0:
        return float(draws[0]), float(draws[0]), share
    ends = found.confidence_interval
    if share < 1 or np.isnan(ends.low + ends.high):
        low, high = np.percentile(draws, [2.5, 97.5])
        return float(low), float(high), share
    return float(ends.low), float(ends.high), share


def _runs(
    experiment: "SupervisedExperiment", tracker: "Tracker", sequence: "Sequence", *, bounded: bool
) -> list[tuple[Curve, bool]]:
    """Overlaps of each run of a sequence, and whether it reached the sequence's end."""
    found = []
    truth = sequence.groundtruth()
    for trajectory in experiment.gather(tracker, sequence):
        overlaps = np.array(calculate_overlaps(trajectory.regions(), truth, sequence.size if bounded else None), float)
        lost, starts = locate_failures_inits(trajectory.regions())
        if not lost:
            found.append((overlaps, True))
            continue
        found += [(overlaps[start:end], False) for start, end in zip(starts, lost, strict=False)]
        if len(starts) > len(lost):
            found.append((overlaps[starts[-1] :], True))
    return found


def _mean_so_far(overlaps: Curve, ended: bool, length: int) -> tuple[Curve, Curve]:
    """A run's mean overlap after each frame, and where it counts.

    The frame of the initialisation is left out of the mean. A run that failed counts as zero from then on;
    one that came to the sequence's end tells nothing about what would have followed.
    """
    padded = np.zeros(length)
    padded[: len(overlaps)] = overlaps
    means = padded.copy()
    means[1:] = np.cumsum(padded[1:]) / np.arange(1, length)
    weights = np.ones(length)
    if ended:
        weights[len(overlaps) :] = 0
    return means, weights
