"""The measures of many windows. The seeds of a window share its weight."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from attrax_vot.analysis.bootstrap import RowWeights
from attrax_vot.compare.paired import Key
from attrax_vot.compare.windows.table import WindowRow


@dataclass(frozen=True)
class Windows:
    """Runs of one arm.

    Attributes:
        rows: one for each window and seed.
    """

    rows: list[WindowRow]

    @property
    def keys(self) -> list[Key]:
        """Sequence, first frame and seed of each run."""
        return [(row.sequence, row.start, row.seed) for row in self.rows]

    @property
    def weights(self) -> RowWeights:
        """The weight of each run where each window counts once."""
        seeds = Counter((row.sequence, row.start) for row in self.rows)
        return np.array([1 / seeds[row.sequence, row.start] for row in self.rows])

    def only(self, keys: list[Key]) -> "Windows":
        """The runs with these keys, in their order."""
        known = dict(zip(self.keys, self.rows, strict=True))
        return Windows([known[key] for key in keys])

    def measures(self) -> dict[str, Callable[[RowWeights], float]]:
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


def values(windows: Windows) -> dict[str, float]:
    """Every measure of an arm."""
    every = windows.weights
    return {name: measure(every) for name, measure in windows.measures().items()}


def _mean(values: RowWeights, counts: RowWeights) -> Callable[[RowWeights], float]:
    """A weighted mean in which each run counts `counts` times, and one without a value not at all."""
    known = ~np.isnan(values)
    kept = np.where(known, values, 0.0)

    def mean(times: RowWeights) -> float:
        total = (times * counts) @ known
        return float((times * counts) @ kept / total) if total else np.nan

    return mean
