"""Where two trackers differ most: stretches of frames in which one overlaps the target and the other does not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Stretch:
    """Frames in which two trackers differ.

    Attributes:
        start: the first frame, from 0.
        frames: how many.
        first: mean overlap of the one.
        second: mean overlap of the other.
    """

    start: int
    frames: int
    first: float
    second: float

    @property
    def difference(self) -> float:
        """How far their means are apart."""
        return abs(self.first - self.second)


def stretches(
    first: NDArray[np.float64], second: NDArray[np.float64], length: int, most: int, least: float = 0.1
) -> list[Stretch]:
    """The stretches of a sequence in which two trackers differ most, the largest difference first; none overlap.

    Args:
        first: overlaps of the one, by frame; frames where a value is not a number do not count.
        second: overlaps of the other, as many.
        length: of a stretch, in frames; that of the sequence where it is shorter.
        most: how many.
        least: mean distance of the overlaps from which on a stretch counts.
    """
    length = min(length, len(first))
    known = ~(np.isnan(first) | np.isnan(second))
    apart = np.abs(np.where(known, first - second, 0.0))
    sums = np.convolve(apart, np.ones(length), "valid") / length if length else np.zeros(0)
    found: list[Stretch] = []
    while len(found) < most and sums.size and sums.max() >= least:
        start = int(sums.argmax())
        part = slice(start, start + length)
        there = known[part]
        found.append(Stretch(start, length, float(first[part][there].mean()), float(second[part][there].mean())))
        sums[max(0, start - length + 1) : start + length] = 0.0
    return found
