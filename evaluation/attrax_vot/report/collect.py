"""Gathers what a report shows: what all trackers of a workspace did, from the toolkit's own analyses."""

import math
import shlex
import sys
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from vot.experiment.multirun import MultiRunExperiment, SupervisedExperiment, UnsupervisedExperiment

from attrax_vot.analysis import attributes, exchange, one_pass, reference, results, scores
from attrax_vot.analysis.attributes import Attribute
from attrax_vot.analysis.one_pass import OnePass
from attrax_vot.analysis.scores import Score, Scores
from attrax_vot.analysis.significance import Difference
from attrax_vot.report import pairs, strips, timeline
from attrax_vot.report.strips import Strip
from attrax_vot.report.timeline import Timeline
from attrax_vot.run import evaluate, provenance, runner, workspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.tracker import Tracker
    from vot.workspace import Workspace


@dataclass(frozen=True)
class Entry:
    """A tracker in a report.

    Attributes:
        reference: its name in the registry.
        label: what it is called.
        scores: over the sequences that it has ended; other trackers' results do not change them.
        attributes: its failures by attribute, on the same sequences.
        notes: what its runs noted about themselves, the latest last.
        command: how it is registered; empty for published results.
    """

    reference: str
    label: str
    scores: Scores
    attributes: list[Attribute]
    notes: list[provenance.Record]
    command: str

    def row(self, sequence: str) -> Score | None:
        """Its score on a sequence; nothing where it has not ended it."""
        return next((row for row in self.scores.rows if row.name == sequence), None)

    @property
    def ended(self) -> int:
        """On how many sequences it has results."""
        return len(self.scores.rows)


@dataclass(frozen=True)
class Ran:
    """A tracker as it was run.

    Attributes:
        reference: its name in the registry.
        label: what it is called.
        notes: what its runs noted about themselves, the latest last.
        command: how it is registered; empty for published results.
    """

    reference: str
    label: str
    notes: list[provenance.Record]
    command: str


@dataclass(frozen=True)
class Place:
    """A sequence in a report.

    Attributes:
        name: of the sequence.
        frames: how many.
        attributes: where each one holds: first frame and number of frames.
        timelines: of each tracker that has ended it with supervision.
        one_pass: of each tracker that has ended it in one pass.
    """

    name: str
    frames: int
    attributes: dict[str, list[tuple[int, int]]]
    timelines: list[Timeline]
    one_pass: list[Timeline] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """Everything that a report shows.

    Attributes:
        title: of the toolkit's stack.
        made: when, in UTC.
        command: that made it.
        versions: of what judged.
        interval: first and last frame over which the curve of expected average overlap is averaged.
        places: the sequences, in the dataset's order.
        entries: the trackers: those with the most sequences first, then by expected average overlap.
        differences: of all pairs, or of the best to each of the others, on the sequences that both have ended.
        strips: pictures of failures.
        undrawn: how many failures have no picture, because the page would be too large.
        one_pass: results without supervision, the largest area under the success plot first.
        runs: every tracker with results, as it was run.
    """

    title: str
    made: datetime
    command: str
    versions: dict[str, str]
    interval: tuple[int, int]
    places: list[Place]
    entries: list[Entry]
    differences: list[Difference]
    strips: list[Strip] = field(default_factory=list)
    undrawn: int = 0
    one_pass: list[OnePass] = field(default_factory=list)
    runs: list[Ran] = field(default_factory=list)

    @property
    def references(self) -> list[str]:
        """All trackers, in an order that no score changes."""
        return sorted({each.reference for each in self.entries} | {each.tracker for each in self.one_pass})

    @property
    def frames(self) -> int:
        """Of all sequences."""
        return sum(place.frames for place in self.places)


def collect(directory: Path, names: list[str], references: list[Path], *, pictures: bool = True) -> Report:
    """Scores every tracker on the sequences that it has ended.

    Args:
        directory: a workspace.
        names: of the trackers; all that have results when there are none.
        references: folders of published raw results to add.
        pictures: whether failures are drawn.

    Raises:
        EvaluationError: a tracker is unknown or has no results.
    """
    published = add_published(directory, references)
    space = workspace.load(directory)
    experiment = supervised(space)
    sequences = runner.sequences_of(space, experiment) if experiment else list(space.dataset)
    trackers = find_trackers(space, directory, names, published)
    free = _free(space, trackers)
    kept = [each for each in trackers if experiment and ended(experiment, each, sequences)]
    there = {each.tracker for each in free} | {each.reference for each in kept}
    without = [each.reference for each in trackers if each.reference not in there]
    if not there or set(names) & set(without):
        raise EvaluationError(f"{', '.join(without)} has ended no sequence; 'attrax-vot run' goes on")
    _check_results(directory, experiment, kept, sequences)
    lines = _one_pass_lines(space, trackers)
    report = Report(
        title=space.stack.title if kept else f"One pass: {directory.resolve().name}",
        made=datetime.now(timezone.utc),
        command=shlex.join(["attrax-vot", *sys.argv[1:]]),
        versions=provenance.versions(),
        interval=scores.interval(experiment) if experiment else (0, 0),
        places=[
            Place(each.name, len(each), timeline.attribute_spans(each), [], lines.get(each.name, []))
            for each in sequences
        ],
        entries=[],
        differences=[],
        one_pass=free,
        runs=[
            Ran(
                each.reference,
                each.label,
                provenance.read(directory, each.reference),
                each.describe().get("command") or "",
            )
            for each in trackers
            if each.reference in there
        ],
    )
    if experiment is None or not kept:
        return report
    found = _supervised(report, directory, experiment, kept, sequences)
    if not pictures:
        return found
    drawn, undrawn = strips.draw(experiment, kept, sequences)
    return replace(found, strips=drawn, undrawn=undrawn)


def _check_results(
    directory: Path,
    experiment: "SupervisedExperiment | None",
    trackers: list["Tracker"],
    sequences: list["Sequence"],
) -> None:
    """Makes sure that no result is damaged, on which the toolkit's analyses fail without its name.

    Raises:
        EvaluationError: one is.
    """
    if experiment is None:
        return
    for tracker in trackers:
        for sequence in ended(experiment, tracker, sequences):
            for file in results.damaged(experiment, tracker, sequence):
                run = f"attrax-vot run {directory} {tracker.reference}"
                raise EvaluationError(f"{file} is no whole result of {sequence.name}; '{run}' runs it again")


def add_published(directory: Path, references: list[Path]) -> list[str]:
    """Adds published raw results to a workspace as trackers, and gives their references.

    Raises:
        EvaluationError: some cannot be read; nothing is written then.
    """
    if not references:
        return []
    space = workspace.load(directory)
    # All are read before any is written.
    for made in [made for path in references for made in _published(space, directory, path)]:
        reference.write(made)
    return [reference.register(directory, path) for path in references]


def supervised(space: "Workspace") -> SupervisedExperiment | None:
    """The workspace's supervised experiment, where it has one."""
    return next((each for each in space.stack if isinstance(each, SupervisedExperiment)), None)


def _supervised(
    report: Report,
    directory: Path,
    experiment: "SupervisedExperiment",
    trackers: list["Tracker"],
    sequences: list["Sequence"],
) -> Report:
    """Adds what trackers did in the supervised experiment."""
    found = {each.reference: ended(experiment, each, sequences) for each in trackers}
    entries = sorted((entry(directory, experiment, each, found[each.reference]) for each in trackers), key=rank)
    best_first = sorted(trackers, key=lambda each: [entry.reference for entry in entries].index(each.reference))
    return replace(
        report,
        places=[
            replace(place, timelines=_timelines(experiment, trackers, each))
            for place, each in zip(report.places, sequences, strict=True)
        ],
        entries=entries,
        differences=pairs.differences(experiment, best_first, found),
    )


def _published(space: "Workspace", directory: Path, path: Path) -> list[dict[Path, str]]:
    """Published results of every experiment that they are of, as files of the workspace."""
    if not path.is_dir():
        raise EvaluationError(f"there is no folder {path} with published results")
    experiments = [each for each in space.stack if isinstance(each, MultiRunExperiment)]
    names = [sequence.name for sequence in space.dataset]
    source = exchange.as_vot(path, directory, experiments, names)
    held = [each for each in experiments if (source / each.identifier).is_dir()]
    identifier = reference.identifier(path)
    return [
        reference.read(source, directory, identifier, each, runner.sequences_of(space, each))
        for each in held or experiments[:1]
    ]


def one_pass_of(space: "Workspace") -> UnsupervisedExperiment | None:
    """The workspace's unsupervised experiment, where it has one."""
    return next((each for each in space.stack if isinstance(each, UnsupervisedExperiment)), None)


def _free(space: "Workspace", trackers: list["Tracker"]) -> list[OnePass]:
    """What trackers did without supervision, the best first."""
    experiment = one_pass_of(space)
    if experiment is None:
        return []
    sequences = runner.sequences_of(space, experiment)
    found = (one_pass.score(experiment, each, sequences) for each in trackers)
    return sorted((each for each in found if each), key=lambda each: (-len(each.rows), -each.total.success))


def _one_pass_lines(space: "Workspace", trackers: list["Tracker"]) -> dict[str, list[Timeline]]:
    """What each tracker did without supervision, by the names of sequences."""
    experiment = one_pass_of(space)
    if experiment is None:
        return {}
    return {
        each.name: [line for tracker in trackers if (line := timeline.read_one_pass(experiment, tracker, each))]
        for each in runner.sequences_of(space, experiment)
    }


def ended(experiment: "SupervisedExperiment", tracker: "Tracker", sequences: list["Sequence"]) -> list["Sequence"]:
    """The sequences of which a tracker has a whole repetition."""
    return [each for each in sequences if results.repetitions(experiment, tracker, each)]


def entry(
    directory: Path, experiment: "SupervisedExperiment", tracker: "Tracker", sequences: list["Sequence"]
) -> Entry:
    """A tracker on sequences that it has ended."""
    return Entry(
        tracker.reference,
        tracker.label,
        scores.score(experiment, tracker, sequences),
        attributes.count(experiment, tracker, sequences),
        provenance.read(directory, tracker.reference),
        tracker.describe().get("command") or "",
    )


def _timelines(experiment: "SupervisedExperiment", trackers: list["Tracker"], sequence: "Sequence") -> list[Timeline]:
    """What each tracker did on a sequence."""
    bounded = scores.bounded(experiment)
    lines = (timeline.read(experiment, each, sequence, bounded=bounded) for each in trackers)
    return [line for line in lines if line is not None]


def rank(entry: Entry) -> tuple[int, float, str]:
    """Where a tracker stands: a number over more sequences before one over fewer."""
    eao = entry.scores.total.eao
    return -entry.ended, math.inf if math.isnan(eao) else -eao, entry.reference


def find_trackers(space: "Workspace", directory: Path, names: list[str], published: list[str]) -> list["Tracker"]:
    """The wanted trackers, or all that have results: ours in the registry's order, then published ones."""
    if not names:
        known = [tracker.reference for tracker in space.registry]
        folder = directory / "results"
        with_results = {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
        names = sorted(with_results & set(known), key=lambda name: (name.endswith("-published"), known.index(name)))
    wanted = dict.fromkeys([*names, *published])
    if not wanted:
        raise EvaluationError(f"{directory} has no results; 'attrax-vot run' makes them")
    return [evaluate.find_tracker(space, name) for name in wanted]
