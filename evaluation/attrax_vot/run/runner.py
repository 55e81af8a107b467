"""Runs the toolkit's own experiments so that they can be interrupted anywhere and taken up again."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vot.experiment.multirun import MultiRunExperiment
from vot.tracker import Tracker, TrackerException

from attrax_vot.analysis import results
from attrax_vot.run.observe import ObservedTracker

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.workspace import Workspace

# How many initialisations of a sequence came before those of this process. attrax draws the random numbers
# of an initialisation from its seed and this count, so that a run which was interrupted ends with the same
# trajectories as one which was not.
COUNT_VARIABLE = "ATTRAX_INITIALIZATIONS"
# Lines of a failed tracker's output that are shown; all of it is in the log.
LAST_LINES = 12


@dataclass(frozen=True)
class Step:
    """Progress within a sequence.

    Attributes:
        repetition: from 1.
        frame: index of the frame that is done, from 0.
        failures: so far in this repetition.
    """

    repetition: int
    frame: int
    failures: int


@dataclass(frozen=True)
class Outcome:
    """How a sequence went.

    Attributes:
        sequence: its name.
        ran: indices of the repetitions that were run now.
        error: why it did not end, with the tracker's last lines; empty when it did.
        log: where all that the tracker wrote is kept; nothing when it wrote nothing.
    """

    sequence: str
    ran: list[int] = field(default_factory=list)
    error: str = ""
    log: Path | None = None


def sequences_of(workspace: "Workspace", experiment: MultiRunExperiment) -> list["Sequence"]:
    """The sequences of a workspace as an experiment sees them."""
    return [each for sequence in workspace.dataset for each in experiment.transform(sequence)]


def pending(experiment: MultiRunExperiment, tracker: Tracker, sequence: "Sequence") -> list[int]:
    """Indices of the repetitions still to be run, from 1; none where the toolkit's own rule says enough."""
    if experiment._can_stop(tracker, sequence):
        return []
    done = {repetition.index for repetition in results.repetitions(experiment, tracker, sequence)}
    return [index for index in range(1, experiment.repetitions + 1) if index not in done]


def run_sequence(
    experiment: MultiRunExperiment,
    tracker: Tracker,
    sequence: "Sequence",
    report: Callable[[Step], None],
) -> Outcome:
    """Runs what is missing of a sequence, by the experiment's own `execute`.

    Args:
        experiment: one of a workspace's stack.
        tracker: as registered.
        sequence: as the experiment sees it.
        report: called after every frame.

    Returns:
        What was run; a tracker's failure is told, not raised.
    """
    results.discard_broken(experiment, tracker, sequence)
    wanted = experiment.repetitions
    ran: list[int] = []
    log: list[str] = []
    error = ""
    try:
        while missing := pending(experiment, tracker, sequence):
            first = missing[0]
            # Up to the next one that is there already: the count of initialisations must hold throughout.
            experiment.repetitions = last = next(
                index for index in range(first, wanted + 1) if index + 1 not in missing
            )
            before = results.repetitions(experiment, tracker, sequence)
            count = sum(len(each.initializations) for each in before if each.index < first)
            watch = _Watch(first, report)
            observed = ObservedTracker.of(tracker, watch, log.append, {COUNT_VARIABLE: str(count)})
            experiment.execute(observed, sequence)
            experiment.repetitions = wanted
            ran.extend(range(first, last + 1))
    except TrackerException as failure:
        log.append(failure.log or "")
        error = explain(failure)
    finally:
        experiment.repetitions = wanted
    return Outcome(sequence.name, ran, error, _keep_log(experiment, tracker, sequence, "".join(log)))


class _Watch:
    """Turns a runtime's frames into steps: a first frame again starts the next repetition."""

    def __init__(self, first: int, report: Callable[[Step], None]) -> None:
        self._repetition = first - 1
        self._starts = 0
        self._report = report

    def __call__(self, frame: int, initialization: bool) -> None:
        if initialization:
            self._repetition += frame == 0
            self._starts = 1 if frame == 0 else self._starts + 1
        self._report(Step(self._repetition, frame, self._starts - 1))


def explain(failure: TrackerException) -> str:
    """Says what a tracker's failure was, with the last lines that it wrote."""
    causes = [str(cause) for cause in failure.args]
    lines = [line for line in (failure.log or "").splitlines() if line.strip() and not line.startswith("@@TRAX:")]
    return "\n".join([" ".join(causes) or "the tracker failed", *(f"  | {line}" for line in lines[-LAST_LINES:])])


def _keep_log(experiment: MultiRunExperiment, tracker: Tracker, sequence: "Sequence", text: str) -> Path | None:
    """Keeps what the tracker wrote, and says where."""
    if not text.strip():
        return None
    folder = Path(experiment.storage.base) / "logs" / tracker.reference / experiment.identifier
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sequence.name}_{datetime.now():%Y-%m-%dT%H-%M-%S}_{os.getpid()}.log"
    path.write_text(text)
    return path
