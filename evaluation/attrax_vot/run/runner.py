"""Runs the toolkit's own experiments so that they can be interrupted anywhere and taken up again."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trax import TraxException
from vot import ToolkitException
from vot.dataset.proxy import ProxySequence
from vot.experiment.multirun import MultiRunExperiment, SupervisedExperiment
from vot.experiment.multistart import MultiStartExperiment
from vot.tracker import TrackerException

from attrax_vot.analysis import results
from attrax_vot.analysis.runs import Run
from attrax_vot.experiments import anchored
from attrax_vot.run import internals, sentences, sequences, unfinished
from attrax_vot.run.observe import ObservedTracker
from attrax_vot.run.toolkit import VERSION

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment

# How many initialisations of a sequence came before those of this process. attrax draws the random
# numbers of an initialisation from its seed and this count, so that a run which was interrupted
# ends with the same trajectories as one which was not.
COUNT_VARIABLE = "ATTRAX_INITIALIZATIONS"
NOTHING_WRITTEN = (
    "toolkit {version} left no whole result of repetition {index}; up to 0.7.4 it follows no object that appears after "
    "the first frame, 0.8.1 and 0.9.0 do"
)


@dataclass(frozen=True)
class Step:
    """Progress within a sequence.

    Attributes:
        repetition: from 1.
        frame: index of the frame that is done, from 0.
        failures: in this repetition, up to this frame.
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
        enough: whether the toolkit asked for no more repetitions, because they are all the same.
        ready: false where the job failed before it could start the tracker, as the others would.
        notes: sentences about files that were set aside.
    """

    sequence: str
    ran: list[int] = field(default_factory=list)
    error: str = ""
    log: Path | None = None
    enough: bool = False
    ready: bool = True
    notes: list[str] = field(default_factory=list)


def pending(run: Run, sequence: "Sequence") -> list[int]:
    """Indices of the repetitions still to be run, from 1; none where the toolkit's own rule says enough."""
    experiment = run.experiment
    if isinstance(experiment, MultiRunExperiment) and internals.enough(experiment, run.tracker, sequence):
        return []
    done = {repetition.index for repetition in run.repetitions(sequence)}
    wanted = len(results.planned(experiment, sequence))
    return [index for index in range(1, wanted + 1) if index not in done]


def run_sequence(run: Run, sequence: "Sequence", report: Callable[[Step], None]) -> Outcome:
    """Runs what is missing of a sequence, by the experiment's own `execute`.

    Args:
        run: what is run.
        sequence: one of its sequences.
        report: called after every frame.

    Returns:
        What was run; a tracker's failure is reported, not raised.
    """
    if (gone := sequences.missing(sequence)) is not None:
        return Outcome(sequence.name, error=f"there is no frame {gone}; {sequences.REMEDY}")
    experiment, tracker = run.experiment, run.tracker
    ran: list[int] = []
    log: list[str] = []
    error = ""
    try:
        while missing := pending(run, sequence):
            first = missing[0]
            # Up to the next existing one: the count of initialisations must hold
            # throughout.
            last = next(index for index in range(first, missing[-1] + 1) if index + 1 not in missing)
            before = run.repetitions(sequence)
            count = sum(len(each.initializations) for each in before if each.index < first)
            watch = _Watch(experiment, (first, last), report)
            starting = partial(unfinished.go_on, experiment, tracker, sequence)
            observed = ObservedTracker.of(tracker, watch, log.append, {COUNT_VARIABLE: str(count)}, starting)
            names = [stem for wanted in results.planned(experiment, sequence)[first - 1 : last] for stem in wanted]
            unfinished.begin(experiment, tracker, sequence, names)
            run.forget(sequence)
            with _only(experiment, sequence, (first, last)) as part:
                experiment.execute(observed, part)
            unfinished.end(experiment, tracker, sequence)
            whole = {each.index for each in run.repetitions(sequence)}
            ran += [index for index in range(first, last + 1) if index in whole]
            if first not in whole:
                error = NOTHING_WRITTEN.format(version=VERSION, index=first)
                break
    except TrackerException as failure:
        log.append(failure.log or "")
        error = sentences.explain(failure)
    except (ToolkitException, TraxException) as failure:
        # What the tracker asks for is not to be had, such as a channel of depth.
        error = sentences.sentence(failure)
    stopped = not error and len(run.repetitions(sequence)) < len(results.planned(experiment, sequence))
    return Outcome(sequence.name, ran, error, keep_log(run, sequence, "".join(log)), stopped)


@contextmanager
def _only(experiment: "Experiment", sequence: "Sequence", wanted: tuple[int, int]) -> Iterator["Sequence"]:
    """Lets an experiment's `execute` run the repetitions from one to another, where those before are there.

    Gives the sequence for it: in a multistart experiment, one with the wanted anchors alone.
    """
    first, last = wanted
    if isinstance(experiment, MultiStartExperiment):
        runs = list(anchored(experiment, sequence).values())
        yield _Anchors(sequence, experiment.anchor, {frames[0] for frames in runs[first - 1 : last]})
        return
    whole = experiment.repetitions
    experiment.repetitions = last
    try:
        yield sequence
    finally:
        experiment.repetitions = whole


class _Anchors(ProxySequence):
    """A sequence with some of its anchors."""

    def __init__(self, sequence: "Sequence", name: str, frames: set[int]) -> None:
        super().__init__(sequence)
        self._name_of_value = name
        self._frames = frames

    def values(self, index: int | None = None) -> Any:  # noqa: ANN401 - names without an index, else numbers
        """The values of a frame, as the toolkit has them."""
        found = super().values(index)
        if index is None or index in self._frames:
            return found
        return {name: value for name, value in found.items() if name != self._name_of_value}


class _Watch:
    """Turns a runtime's frames into steps; which repetition is at work is seen from its initialisations."""

    def __init__(self, experiment: "Experiment", wanted: tuple[int, int], report: Callable[[Step], None]) -> None:
        # Without restarts an initialisation is no failure.
        self._supervised = isinstance(experiment, SupervisedExperiment)
        self._repetition, self._last = wanted[0] - 1, wanted[1]
        self._starts = 0
        self._report = report

    def __call__(self, frame: int, initialization: bool) -> None:
        if initialization and self._supervised and frame > 0:
            self._starts += 1
        elif initialization:
            # With several objects, a tracker of one is started for each.
            self._repetition = min(self._repetition + 1, self._last)
            self._starts = 1
        self._report(Step(self._repetition, frame, self._starts - 1))


def keep_log(run: Run, sequence: "Sequence", text: str) -> Path | None:
    """Keeps what the tracker wrote, and says where; nothing where it cannot be written, since results matter more."""
    if not text.strip():
        return None
    folder = run.directory / "logs" / run.reference / run.experiment.identifier
    path = folder / f"{sequence.name}_{datetime.now():%Y-%m-%dT%H-%M-%S}_{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError:
        return None
    return path
