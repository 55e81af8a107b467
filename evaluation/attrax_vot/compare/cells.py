"""The cells of a comparison, one for each arm, seed and sequence that has ended, and the measures of many cells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from vot.region import Special
from vot.tracker import Trajectory

from attrax_vot.analysis import results, scores, significance
from attrax_vot.analysis.bootstrap import RowWeights
from attrax_vot.analysis.runs import Run
from attrax_vot.compare.arms import SeededArm
from attrax_vot.compare.paired import Key

if TYPE_CHECKING:
    from vot.dataset import Sequence


@dataclass(frozen=True)
class ArmCell:
    """One arm with one seed on one sequence; not a number where nothing is known.

    Attributes:
        arm: its name.
        seed: of its random draws.
        sequence: its name.
        frames: of the sequence.
        failures: the toolkit's.
        accuracy: the toolkit's.
        eao: the toolkit's, of this sequence alone.
        tracked: frames that the tracker answered after an initialisation.
        lost: those of them whose confidence is not above 0; not a number where the tracker reports none.
        seconds_per_frame: the tracker's.
        seconds_per_initialization: the same.
    """

    arm: str
    seed: int
    sequence: str
    frames: int
    failures: float
    accuracy: float
    eao: float
    tracked: int
    lost: float
    seconds_per_frame: float
    seconds_per_initialization: float


@dataclass(frozen=True)
class Cells:
    """Some cells of one arm, with their parts of the curve of the expected average overlap.

    Attributes:
        rows: the cells.
        parts: one of each.
        interval: frames of the curve over which it is averaged.
    """

    rows: list[ArmCell]
    parts: significance.Parts
    interval: tuple[int, int]

    @property
    def keys(self) -> list[Key]:
        """Sequence and seed of each cell."""
        return [(row.sequence, row.seed) for row in self.rows]

    @property
    def weights(self) -> RowWeights:
        """The weight of each cell where each sequence counts once: its seeds share that."""
        names = [row.sequence for row in self.rows]
        return np.array([1 / names.count(name) for name in names])

    def only(self, keys: list[Key]) -> "Cells":
        """The cells with these keys, in their order."""
        places = {key: index for index, key in enumerate(self.keys)}
        index = np.array([places[key] for key in keys], int)
        parts = significance.Parts(self.parts.sums[index], self.parts.counts[index], self.parts.longest[index])
        return Cells([self.rows[each] for each in index], parts, self.interval)

    def of(self, name: str) -> RowWeights:
        """A field of all cells."""
        return np.array([getattr(row, name) for row in self.rows], float)

    def measures(self) -> dict[str, Callable[[RowWeights], float]]:
        """The measures by name, as functions of how often each cell counts, which may be broken numbers.

        Where the seeds of a sequence share a count of 1, failures are a sum over sequences of means over seeds, and
        accuracy is weighted by the sequences' frames, as the toolkit does. The others are of all
        frames or runs together.
        """
        failures, frames, tracked = self.of("failures"), self.of("frames"), self.of("tracked")

        def mean(values: RowWeights, weights: RowWeights) -> Callable[[RowWeights], float]:
            def value(times: RowWeights) -> float:
                total = times @ weights
                return float(times @ (values * weights) / total) if total else np.nan

            return value

        return {
            "failures": lambda times: float(times @ failures),
            "accuracy": mean(self.of("accuracy"), frames),
            "eao": lambda times: significance.average(self.parts, times, self.interval),
            "lost": mean(self.of("lost") / np.maximum(tracked, 1), tracked),
            "seconds": mean(self.of("seconds_per_frame"), tracked),
        }


def read(arm: list[tuple[SeededArm, Run]]) -> Cells | None:
    """The cells of an arm that have ended; nothing where none has.

    Args:
        arm: its seeds, and what each did in the supervised experiment.
    """
    rows, parts = [], []
    experiment = arm[0][1].experiment
    length = max(len(sequence) for sequence in arm[0][1].sequences)
    bounded = scores.bounded(experiment)
    for entry, run in arm:
        ended = run.on(run.ended)
        if not ended.sequences:
            continue
        parts.append(significance.parts(ended, bounded=bounded, length=length))
        for sequence, score in zip(ended.sequences, scores.score(ended).rows, strict=True):
            confidences = _confidences(run, sequence)
            rows.append(
                ArmCell(
                    entry.arm, entry.seed, sequence.name, score.frames, score.failures, score.accuracy, score.eao,
                    len(confidences), float(np.sum(confidences <= 0)) if not np.isnan(confidences).any() else np.nan,
                    score.seconds_per_frame, score.seconds_per_initialization,
                )
            )  # fmt: skip
    if not rows:
        return None
    whole = significance.Parts(*(np.concatenate([getattr(each, name) for each in parts]) for name in vars(parts[0])))
    return Cells(rows, whole, scores.interval(experiment))


def _confidences(run: Run, sequence: "Sequence") -> RowWeights:
    """The confidence in each answer after an initialisation; not a number where the tracker reports none."""
    trajectory = run.trajectory(sequence, 1)
    answered = [
        value
        for region, value in zip(trajectory.regions(), results.confidences(trajectory), strict=True)
        if not isinstance(region, Special) or region.code == Trajectory.FAILURE
    ]
    return np.array([np.nan if value is None else value for value in answered])
