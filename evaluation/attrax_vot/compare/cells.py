"""The cells of a comparison, one for each arm, seed and sequence that has ended, and the measures of many cells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from vot.region import Special
from vot.tracker import Trajectory

from attrax_vot.analysis import results, scores, significance
from attrax_vot.compare.arms import Entry

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment.multirun import SupervisedExperiment
    from vot.tracker import Tracker

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
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
        lost: those of them whose confidence is not above 0; not a number where the tracker tells none.
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

    rows: list[Cell]
    parts: significance.Parts
    interval: tuple[int, int]

    @property
    def keys(self) -> list[tuple[str, int]]:
        """Sequence and seed of each cell."""
        return [(row.sequence, row.seed) for row in self.rows]

    def only(self, keys: list[tuple[str, int]]) -> "Cells":
        """The cells with these keys, in their order."""
        places = {key: index for index, key in enumerate(self.keys)}
        index = np.array([places[key] for key in keys], int)
        parts = significance.Parts(self.parts.sums[index], self.parts.counts[index], self.parts.longest[index])
        return Cells([self.rows[each] for each in index], parts, self.interval)

    def of(self, name: str) -> Weights:
        """A field of all cells."""
        return np.array([getattr(row, name) for row in self.rows], float)

    def measures(self) -> dict[str, Callable[[Weights], float]]:
        """The measures by name, as functions of how often each cell counts, which may be broken numbers.

        Where the seeds of a sequence share a count of 1, failures are a sum over sequences of means over seeds, and
        accuracy is weighted by the sequences' frames, as the toolkit does. The others are of all
        frames or runs together.
        """
        low, high = self.interval
        failures, frames, tracked = self.of("failures"), self.of("frames"), self.of("tracked")

        def mean(values: Weights, weights: Weights) -> Callable[[Weights], float]:
            def value(times: Weights) -> float:
                total = times @ weights
                return float(times @ (values * weights) / total) if total else np.nan

            return value

        def eao(times: Weights) -> float:
            part = significance.curve(self.parts, times)[low : high + 1]
            return float(part.mean()) if part.size else np.nan

        return {
            "failures": lambda times: float(times @ failures),
            "accuracy": mean(self.of("accuracy"), frames),
            "eao": eao,
            "lost": mean(self.of("lost") / np.maximum(tracked, 1), tracked),
            "seconds": mean(self.of("seconds_per_frame"), tracked),
        }


def shares(keys: list[tuple[str, int]]) -> Weights:
    """How often each cell counts where each sequence counts once: its seeds share that."""
    names = [sequence for sequence, _ in keys]
    return np.array([1 / names.count(name) for name in names])


def read(
    experiment: "SupervisedExperiment", arm: list[tuple[Entry, "Tracker"]], sequences: list["Sequence"]
) -> Cells | None:
    """The cells of an arm that have ended; nothing where none has.

    Args:
        experiment: the supervised one.
        arm: its seeds.
        sequences: all of the comparison.
    """
    rows, parts = [], []
    length = max(len(sequence) for sequence in sequences)
    bounded = scores.bounded(experiment)
    for entry, tracker in arm:
        ended = [each for each in sequences if results.repetitions(experiment, tracker, each)]
        if not ended:
            continue
        parts.append(significance.parts(experiment, tracker, ended, bounded=bounded, length=length))
        for sequence, score in zip(ended, scores.score(experiment, tracker, ended).rows, strict=True):
            told = _confidences(experiment, tracker, sequence)
            rows.append(
                Cell(
                    entry.arm, entry.seed, sequence.name, score.frames, score.failures, score.accuracy, score.eao,
                    len(told), float(np.sum(told <= 0)) if not np.isnan(told).any() else np.nan,
                    score.seconds_per_frame, score.seconds_per_initialization,
                )
            )  # fmt: skip
    if not rows:
        return None
    whole = significance.Parts(*(np.concatenate([getattr(each, name) for each in parts]) for name in vars(parts[0])))
    return Cells(rows, whole, scores.interval(experiment))


def _confidences(experiment: "SupervisedExperiment", tracker: "Tracker", sequence: "Sequence") -> Weights:
    """What the tracker said in each frame that it answered after an initialisation; not a number where nothing."""
    trajectory = Trajectory.read(experiment.results(tracker, sequence), results.name(sequence, 1))
    answered = [
        told
        for region, told in zip(trajectory.regions(), results.confidences(trajectory), strict=True)
        if not isinstance(region, Special) or region.code == Trajectory.FAILURE
    ]
    return np.array([np.nan if told is None else told for told in answered])
