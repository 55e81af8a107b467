"""Gathers what a report shows: what all trackers of a workspace did, from the toolkit's own analyses."""

import math
import shlex
import sys
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from attrax_vot.analysis import attributes, one_pass, results, scores
from attrax_vot.analysis.attributes import Attribute
from attrax_vot.analysis.one_pass import OnePass
from attrax_vot.analysis.runs import Run
from attrax_vot.analysis.scores import Score, Scores
from attrax_vot.analysis.significance import Difference
from attrax_vot.report import pairs, strips, timeline
from attrax_vot.report.strips import Strip
from attrax_vot.report.timeline import Timeline
from attrax_vot.run import provenance
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.tracker import Tracker


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


def collect(opened: OpenWorkspace, names: list[str], *, pictures: bool = True) -> Report:
    """Scores every tracker on the sequences that it has ended.

    Args:
        opened: a workspace.
        names: of the trackers; all that have results when there are none.
        pictures: whether failures are drawn.

    Raises:
        EvaluationError: a tracker is unknown or has no results.
    """
    experiment = opened.supervised
    sequences = opened.sequences(experiment) if experiment else list(opened.space.dataset)
    trackers = find_trackers(opened, names)
    free = [opened.run(opened.one_pass, each) for each in trackers] if opened.one_pass else []
    one_passes = sorted(
        (each for run in free if (each := one_pass.score(run))),
        key=lambda each: (-len(each.rows), -each.total.success),
    )
    runs = [run for each in trackers if experiment and (run := opened.run(experiment, each)).ended]
    there = {each.tracker for each in one_passes} | {each.reference for each in runs}
    without = [each.reference for each in trackers if each.reference not in there]
    if not there or set(names) & set(without):
        raise EvaluationError(f"{', '.join(without)} has ended no sequence; 'attrax-vot run' goes on")
    _check_results(runs)
    lines = {
        each.name: [line for run in free if (line := timeline.read_one_pass(run, each))]
        for each in (free[0].sequences if free else [])
    }
    report = Report(
        title=opened.title if runs else f"One pass: {opened.directory.resolve().name}",
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
        one_pass=one_passes,
        runs=[
            Ran(
                each.reference,
                each.label,
                provenance.read(opened.directory, each.reference),
                each.describe().get("command") or "",
            )
            for each in trackers
            if each.reference in there
        ],
    )
    if not runs:
        return report
    found = _supervised(report, runs)
    if not pictures:
        return found
    drawn, undrawn = strips.draw(runs)
    return replace(found, strips=drawn, undrawn=undrawn)


def _check_results(runs: list[Run]) -> None:
    """Makes sure that no result is damaged, on which the toolkit's analyses fail without its name.

    Raises:
        EvaluationError: one is.
    """
    for run in runs:
        for sequence in run.ended:
            for file in results.damaged(run, sequence):
                again = f"attrax-vot run {run.directory} {run.reference}"
                raise EvaluationError(f"{file} is no whole result of {sequence.name}; '{again}' runs it again")


def _supervised(report: Report, runs: list[Run]) -> Report:
    """Adds what trackers did in the supervised experiment."""
    entries = sorted((entry(each) for each in runs), key=rank)
    best_first = sorted(runs, key=lambda each: [entry.reference for entry in entries].index(each.reference))
    return replace(
        report,
        places=[
            replace(place, timelines=_timelines(runs, each))
            for place, each in zip(report.places, runs[0].sequences, strict=True)
        ],
        entries=entries,
        differences=pairs.differences(best_first),
    )


def entry(run: Run) -> Entry:
    """A tracker on the sequences that it has ended."""
    ended = run.on(run.ended)
    return Entry(
        run.reference,
        run.tracker.label,
        scores.score(ended),
        attributes.count(ended),
        provenance.read(run.directory, run.reference),
        run.tracker.describe().get("command") or "",
    )


def _timelines(runs: list[Run], sequence: "Sequence") -> list[Timeline]:
    """What each tracker did on a sequence."""
    bounded = scores.bounded(runs[0].experiment)
    lines = (timeline.read(each, sequence, bounded=bounded) for each in runs)
    return [line for line in lines if line is not None]


def rank(entry: Entry) -> tuple[int, float, str]:
    """Where a tracker stands: a number over more sequences before one over fewer."""
    eao = entry.scores.total.eao
    return -entry.ended, math.inf if math.isnan(eao) else -eao, entry.reference


def find_trackers(opened: OpenWorkspace, names: list[str]) -> list["Tracker"]:
    """The wanted trackers, or all that have results, and those that stand for published results."""
    wanted = dict.fromkeys([*(names or opened.with_results), *opened.published])
    if not wanted:
        raise EvaluationError(f"{opened.directory} has no results; 'attrax-vot run' makes them")
    return [opened.tracker(name) for name in wanted]
