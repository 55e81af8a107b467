"""Expected average overlap under resampling of the sequences: how sure a difference between trackers is.

The curve is a ratio of sums over segments, so every sequence's part of both sums is made once, and a resampled
curve costs two products of matrices. On the sequences as they are it equals the toolkit's.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from vot.analysis.supervised import locate_failures_inits
from vot.region import calculate_overlaps

from attrax_vot.analysis.bootstrap import ROUNDS, IntervalEstimate, Resamples
from attrax_vot.analysis.runs import Run

if TYPE_CHECKING:
    from vot.dataset import Sequence

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """What each sequence adds to a tracker's curve.

    Attributes:
        sums: sequences x frames: the sum over segments of their mean overlap up to a frame.
        counts: sequences x frames: the number of these segments.
        longest: for each sequence, the length of its longest segment; beyond it a curve of it alone ends.
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
        sequences: number of sequences.
        found: the difference. A resample without a run that is long enough has no value.
    """

    first: str
    second: str
    sequences: int
    found: IntervalEstimate


def parts(run: Run, *, bounded: bool, length: int | None = None) -> Parts:
    """Cuts a tracker's trajectories into segments, from an initialisation to a failure or the end.

    Args:
        run: whose results; all of its sequences have some.
        bounded: whether regions count only within the frame.
        length: of the curves, in frames, at least that of the longest segment; its length by default.
    """
    segments = [_segments(run, sequence, bounded=bounded) for sequence in run.sequences]
    longest = np.array([max(len(overlaps) for overlaps, _ in found) for found in segments])
    length = length or int(longest.max())
    sums, counts = (np.zeros((len(segments), length)) for _ in range(2))
    for row, found in enumerate(segments):
        for overlaps, ended in found:
            means, weights = _running_mean(overlaps, ended, length)
            sums[row] += means * weights
            counts[row] += weights
    return Parts(sums, counts, longest)


def curve(part: Parts, weights: Curve | None = None) -> Curve:
    """The curve for a weight of each sequence; 1 each by default."""
    weights = np.ones(len(part.longest)) if weights is None else weights
    end = part.longest[weights > 0].max()
    with np.errstate(invalid="ignore"):
        return ((weights @ part.sums) / (weights @ part.counts))[:end]


def average(part: Parts, weights: Curve, interval: tuple[int, int]) -> float:
    """The mean of the curve over an interval of frames; not a number where the curve ends before it."""
    found = curve(part, weights)[interval[0] : interval[1] + 1]
    return float(found.mean()) if found.size else np.nan


def compare(
    names: tuple[str, str], both: tuple[Parts, Parts], interval: tuple[int, int], rounds: int = ROUNDS
) -> Difference:
    """The difference of two trackers on the same sequences, with its interval by bootstrap.

    Args:
        names: of the trackers.
        both: their parts, of the same sequences in the same order.
        interval: frames over which a curve is averaged.
        rounds: number of resamples.
    """
    first, second = both
    count = len(first.longest)
    resamples = Resamples.of([(index, 0) for index in range(count)], np.ones(count), rounds)
    found = resamples.estimate(lambda weights: average(first, weights, interval) - average(second, weights, interval))
    return Difference(*names, count, found)


def _segments(run: Run, sequence: "Sequence", *, bounded: bool) -> list[tuple[Curve, bool]]:
    """Overlaps of each segment of a sequence, and whether it reached the sequence's end."""
    found = []
    truth = sequence.groundtruth()
    for trajectory in run.experiment.gather(run.tracker, sequence):
        overlaps = np.array(calculate_overlaps(trajectory.regions(), truth, sequence.size if bounded else None), float)
        lost, starts = locate_failures_inits(trajectory.regions())
        if not lost:
            found.append((overlaps, True))
            continue
        found += [(overlaps[start:end], False) for start, end in zip(starts, lost, strict=False)]
        if len(starts) > len(lost):
            found.append((overlaps[starts[-1] :], True))
    return found


def _running_mean(overlaps: Curve, ended: bool, length: int) -> tuple[Curve, Curve]:
    """A segment's mean overlap after each frame, and where it counts.

    The frame of the initialisation is left out of the mean. A segment that failed counts as zero from then on;
    the frames after the sequence's end do not count.
    """
    padded = np.zeros(length)
    padded[: len(overlaps)] = overlaps
    means = padded.copy()
    means[1:] = np.cumsum(padded[1:]) / np.arange(1, length)
    weights = np.ones(length)
    if ended:
        weights[len(overlaps) :] = 0
    return means, weights
