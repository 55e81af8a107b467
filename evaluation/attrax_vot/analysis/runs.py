"""A tracker in an experiment of a workspace, with its results."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vot.tracker import Trajectory

from attrax_vot.analysis import results
from attrax_vot.analysis.results import Repetition

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment
    from vot.tracker import Results, Tracker


@dataclass(frozen=True, eq=False)
class Run:
    """A tracker in an experiment of a workspace. Its results are read once; what writes results calls `forget`.

    Attributes:
        directory: of the workspace.
        experiment: of the workspace's stack.
        tracker: as registered.
        sequences: as the experiment sees them.
    """

    directory: Path
    experiment: "Experiment"
    tracker: "Tracker"
    sequences: list["Sequence"]
    _read: dict[str, list[Repetition]] = field(default_factory=dict, repr=False)

    @property
    def reference(self) -> str:
        """The tracker's."""
        return self.tracker.reference

    @property
    def ended(self) -> list["Sequence"]:
        """The sequences with a whole repetition."""
        return [each for each in self.sequences if self.repetitions(each)]

    def on(self, sequences: list["Sequence"]) -> "Run":
        """The same on some of the sequences."""
        return replace(self, sequences=sequences)

    def repetitions(self, sequence: "Sequence") -> list[Repetition]:
        """The whole repetitions of a sequence, in order."""
        if sequence.name not in self._read:
            self._read[sequence.name] = results.repetitions(self.experiment, self.tracker, sequence)
        return self._read[sequence.name]

    def forget(self, sequence: "Sequence") -> None:
        """Results of a sequence have changed."""
        self._read.pop(sequence.name, None)

    def results(self, sequence: "Sequence") -> "Results":
        """The toolkit's results of a sequence."""
        return self.experiment.results(self.tracker, sequence)

    def trajectory(self, sequence: "Sequence", index: int) -> Trajectory:
        """A whole repetition with one object, counted from 1."""
        return Trajectory.read(self.results(sequence), results.name(sequence, index))
