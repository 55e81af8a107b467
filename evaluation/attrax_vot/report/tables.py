"""The tables of a report, the same for every format: cells with their text, the best marked, links to details."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from attrax_vot.analysis import summary
from attrax_vot.report.collect import Entry, Place, Report

# Trackers that fit next to each other; more are below each other.
FIT = 3


@dataclass(frozen=True)
class Cell:
    """A field of a table.

    Attributes:
        text: what it says; empty where nothing is known.
        best: whether it is the best of those that it can be compared with.
        link: the part of the page that tells more; empty where none does.
    """

    text: str
    best: bool = False
    link: str = ""


@dataclass(frozen=True)
class Column:
    """A column's head.

    Attributes:
        title: what is in it.
        group: the tracker it is of, where trackers are next to each other.
        words: whether it holds words, which stand at the left.
    """

    title: str
    group: str = ""
    words: bool = False

    @property
    def full(self) -> str:
        """Group and title."""
        return f"{self.group}: {self.title}" if self.group else self.title


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: above it.
        columns: their heads.
        rows: as many cells as there are columns.
        notes: below it, sentences.
    """

    title: str
    columns: list[Column]
    rows: list[list[Cell]]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Measure:
    """A number of a score, and how it is shown.

    Attributes:
        title: of its column.
        value: of a score, or of one-pass results.
        show: as text.
        more: whether more is better.
    """

    title: str
    value: Callable[[Any], float]
    show: Callable[[float], str]
    more: bool


def digits(count: int) -> Callable[[float], str]:
    """Shows numbers with `count` digits after the point."""
    return lambda value: summary.number(value, count)


ACCURACY = Measure("A", lambda score: score.accuracy, digits(3), more=True)
FAILURES = Measure("failures", lambda score: score.failures, summary.count, more=False)
ROBUSTNESS = Measure("R", lambda score: score.robustness, digits(3), more=True)
EAO = Measure("EAO", lambda score: score.eao, digits(3), more=True)
FRAME = Measure("s/frame", lambda score: score.seconds_per_frame, digits(2), more=False)
START = Measure("s/init", lambda score: score.seconds_per_initialization, digits(1), more=False)

NOTES = [
    "A: mean overlap, without the failures and the ten frames from each initialisation on; over sequences, weighted by "
    "their frames.",
    "Failures: in a repetition, on average; summed over sequences.",
    "R: exp(-30 F / L). On one sequence F is its failures and L its frames. Over sequences F is the mean of their "
    "failures weighted by their frames, and L their mean length, so a failure on a long sequence weighs more.",
    "EAO: the mean of the curve of expected average overlap from frame {0} to {1}.",
]


def names(report: Report) -> dict[str, str]:
    """What each tracker is called: its label, or its reference where two have the same one."""
    labels = [each.label for each in report.runs]
    return {each.reference: each.label if labels.count(each.label) == 1 else each.reference for each in report.runs}


def text(table: Table) -> str:
    """A table for a terminal; the best are marked with a star."""
    body = [[cell.text + ("*" if cell.best else "") for cell in row] for row in table.rows]
    return summary.align([[column.full for column in table.columns], *body])


def anchor(sequence: str, tracker: str = "") -> str:
    """The name of the part of the page about a sequence, or about a tracker on it."""
    return f"on-{sequence}" + (f"-{tracker}" if tracker else "")


def overall(report: Report) -> Table:
    """A row for each tracker."""
    measures = [EAO, ACCURACY, FAILURES, ROBUSTNESS, FRAME, START]
    columns = [Column("tracker", words=True), *(Column(each.title) for each in measures)]
    columns += [Column("sequences", words=True), Column("repetitions", words=True)]
    called, total = names(report), len(report.places)
    most = report.entries[0].ended
    # A number over fewer sequences is no better for being larger.
    compared = [entry for entry in report.entries if entry.ended == most]
    body = [[cell(entry.scores.total, each) for each in measures] for entry in report.entries]
    for column, measure in enumerate(measures):
        values = [measure.value(entry.scores.total) for entry in compared]
        mark(body, [(row, column) for row in range(len(compared))], values, measure)
    rows = [
        [Cell(called[entry.reference]), *cells, Cell(f"{entry.ended} of {total}"), Cell(_repetitions(entry))]
        for entry, cells in zip(report.entries, body, strict=True)
    ]
    notes = [note.format(*report.interval) for note in NOTES]
    if most < total or len(compared) < len(report.entries):
        notes.append(
            "Each row is of the sequences that its tracker has ended. Rows over different ones do not compare."
        )
    return Table("Trackers", columns, rows, notes)


def per_sequence(report: Report) -> Table:
    """Accuracy and failures on each sequence, the hardest first; links lead to what happened there."""
    measures, called = [ACCURACY, FAILURES], names(report)
    places = sorted(report.places, key=lambda place: _hardness(report, place))
    wide = len(report.entries) <= FIT
    columns = [Column("sequence", words=True), Column("frames")]
    if wide:
        columns += [Column(each.title, called[entry.reference]) for entry in report.entries for each in measures]
    else:
        columns += [Column("tracker", words=True), *(Column(each.title) for each in measures)]
    rows = []
    for place in places:
        lines = [_line(place, entry, measures) for entry in report.entries]
        scores = [entry.row(place.name) for entry in report.entries]
        for column, measure in enumerate(measures):
            there = [row for row, score in enumerate(scores) if score is not None]
            values = [measure.value(scores[row]) for row in there]
            mark(lines, [(row, column) for row in there], values, measure)
        head = [Cell(place.name, link=anchor(place.name)), Cell(str(place.frames))]
        if wide:
            rows.append([*head, *(cell for line in lines for cell in line)])
            continue
        for row, (entry, line) in enumerate(zip(report.entries, lines, strict=True)):
            rows.append([*(head if row == 0 else [Cell(""), Cell("")]), Cell(called[entry.reference]), *line])
    notes = ["The hardest first: by failures, then by accuracy."]
    if any(entry.ended < len(report.places) for entry in report.entries):
        notes.append("Blank: not ended.")
    return Table("Sequences", columns, rows, notes)


def per_attribute(report: Report) -> Table:
    """Failures in the frames with each attribute: a row for each tracker."""
    called = names(report)
    labels = [each.label for each in report.entries[0].attributes]
    columns = [Column("tracker", words=True), *(Column(label) for label in labels)]
    body = [
        [Cell(f"{each.rate:.2f} ({summary.count(each.failures)})" if each.frames else "") for each in entry.attributes]
        for entry in report.entries
    ]
    rate = Measure("rate", lambda each: each.rate if each.frames else math.nan, digits(2), more=False)
    most = [row for row, entry in enumerate(report.entries) if entry.ended == report.entries[0].ended]
    for column in range(len(labels)):
        values = [rate.value(report.entries[row].attributes[column]) for row in most]
        mark(body, [(row, column) for row in most], values, rate)
    rows = [[Cell(called[entry.reference]), *cells] for entry, cells in zip(report.entries, body, strict=True)]
    frames = [[each.frames for each in entry.attributes] for entry in report.entries]
    if all(each == frames[0] for each in frames):
        rows.append([Cell("frames with it"), *(Cell(str(count)) for count in frames[0])])
    notes = [
        "Failures in 100 frames with the attribute, and in brackets their number in a repetition, on the sequences "
        "that each tracker has ended. A frame with several attributes counts for each."
    ]
    return Table("Failures by attribute", columns, rows, notes)


def differences(report: Report) -> Table:
    """A row for each comparison."""
    called = names(report)
    heads = ("EAO of", "less that of")
    columns = [*(Column(head, words=True) for head in heads), Column("difference"), Column("95 % interval", words=True)]
    columns.append(Column("on sequences"))
    rows = []
    for each in report.differences:
        known = not math.isnan(each.found.low)
        ends = f"{summary.number(each.found.low, 3)} to {summary.number(each.found.high, 3)}" if known else "none"
        ends += f" ({100 * each.found.share:.0f} % of draws)" if known and each.found.share < 1 else ""
        pair = [Cell(called[each.first]), Cell(called[each.second])]
        rows.append([*pair, Cell(summary.number(each.found.value, 3)), Cell(ends), Cell(str(each.sequences))])
    notes = [
        "On the sequences that both have ended. Interval: bootstrap over sequences, the same drawn for both, "
        "bias-corrected and accelerated (BCa). Where some draws hold no run that is long enough for EAO, it is the "
        "percentiles of the others, and their share is given. One sequence has no interval."
    ]
    return Table("Differences", columns, rows, notes)


def _line(place: Place, entry: Entry, measures: list[Measure]) -> list[Cell]:
    """A tracker's cells of a sequence; blanks where it has not ended it."""
    score = entry.row(place.name)
    if score is None:
        return [Cell("") for _ in measures]
    return [replace(cell(score, each), link=anchor(place.name, entry.reference)) for each in measures]


def cell(score: object, measure: Measure) -> Cell:
    """A measure of a score, as it is shown."""
    return Cell(measure.show(measure.value(score)))


def mark(lines: list[list[Cell]], places: list[tuple[int, int]], values: list[float], measure: Measure) -> None:
    """Marks the best of several cells; none where all say the same, or only one says anything."""
    shown = [measure.show(value) for value in values]
    known = [value for value in values if not math.isnan(value)]
    if len(known) < 2 or len(set(shown)) == 1:
        return
    best = measure.show(max(known) if measure.more else min(known))
    for (row, column), text in zip(places, shown, strict=True):
        if text == best:
            lines[row][column] = replace(lines[row][column], best=True)


def hardest(report: Report) -> str:
    """The sequence with the most failures, then the lowest accuracy."""
    return min(report.places, key=lambda place: _hardness(report, place)).name


def _hardness(report: Report, place: Place) -> tuple[float, float]:
    """Sorts sequences: many failures first, then low accuracy; sequences without results come last."""
    scores = [score for entry in report.entries if (score := entry.row(place.name)) is not None]
    if not scores:
        return 1.0, 0.0
    count = len(scores)
    return -sum(score.failures for score in scores) / count, sum(score.accuracy for score in scores) / count


def _repetitions(entry: Entry) -> str:
    """How often each sequence was run."""
    counts = [row.repetitions for row in entry.scores.rows]
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
