"""What happened on a sequence, frame by frame: overlap, the tracker's own score, failures, attributes."""

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from vot.region import Special

from attrax_vot.analysis import otb, results
from attrax_vot.analysis.attributes import LABELS
from attrax_vot.analysis.runs import Run

if TYPE_CHECKING:
    from vot.dataset import Sequence

# A value for each frame; none where there is none.
Values = list[float | None]


@dataclass(frozen=True)
class Timeline:
    """A tracker on a sequence.

    Attributes:
        tracker: its reference.
        overlaps: of the first repetition, with the ground truth; none in frames without a box.
        scores: the tracker's own, of the same frames; empty where it reports none.
        failures: frames of the first repetition, from 0.
        others: frames of failures in the other repetitions.
        repetitions: how many there are.
    """

    tracker: str
    overlaps: Values
    scores: Values
    failures: list[int]
    others: list[int]
    repetitions: int

    def overlap_lines(self) -> list[str]:
        """The overlap as SVG polylines, with 0 at 100 and 1 at 0."""
        return _lines(self.overlaps, 0.0, 1.0)

    def score_lines(self) -> list[str]:
        """The score as SVG polylines, from its least value at 100 to its largest at 0."""
        span = self.score_range()
        return _lines(self.scores, *span) if span else []

    def mean(self) -> float:
        """The mean overlap of the frames with one; not a number where there is none."""
        known = [value for value in self.overlaps if value is not None]
        return sum(known) / len(known) if known else math.nan

    def score_range(self) -> tuple[float, float] | None:
        """The least and the largest score; none where it is always the same."""
        known = [value for value in self.scores if value is not None]
        return (min(known), max(known)) if known and min(known) < max(known) else None


def read(run: Run, sequence: "Sequence", *, bounded: bool) -> Timeline | None:
    """Reads a tracker's results on a sequence; nothing where no repetition is whole.

    Args:
        run: whose results.
        sequence: on which.
        bounded: whether regions count only within the frame.
    """
    found = run.repetitions(sequence)
    if not found:
        return None
    trace = results.trace(run, sequence, found[0].index, bounded=bounded)
    return Timeline(
        run.reference,
        [
            None if isinstance(region, Special) else value
            for region, value in zip(trace.regions, trace.overlaps, strict=True)
        ],
        trace.scores if any(value is not None for value in trace.scores) else [],
        found[0].failures,
        [frame for repetition in found[1:] for frame in repetition.failures],
        len(found),
    )


def read_one_pass(run: Run, sequence: "Sequence") -> Timeline | None:
    """Reads a tracker's one-pass results on a sequence, with OTB's overlaps; nothing where it has not ended it."""
    found = run.repetitions(sequence)
    if not found:
        return None
    trace = results.trace(run, sequence, found[0].index, bounded=False)
    truth = otb.boxes(sequence.groundtruth())
    overlaps = otb.overlaps(otb.boxes(trace.regions), truth)
    known = truth[:, 2] > 0
    known[0] = False
    return Timeline(
        run.reference,
        [float(value) if there else None for value, there in zip(overlaps, known, strict=True)],
        trace.scores if any(value is not None for value in trace.scores) else [],
        [],
        [],
        len(found),
    )


def attribute_spans(sequence: "Sequence") -> dict[str, list[tuple[int, int]]]:
    """Where a sequence has each of its attributes: first frame and number of frames, by the attribute's label."""
    tags = [set(sequence.tags(frame)) for frame in range(len(sequence))]
    spans = {}
    for tag, label in LABELS.items():
        marks = [(tag in each, frame) for frame, each in enumerate(tags)]
        runs = [(there, [frame for _, frame in run]) for there, run in groupby(marks, lambda mark: mark[0])]
        found = [(frames[0], len(frames)) for there, frames in runs if there]
        if found:
            spans[label] = found
    return spans


def _lines(values: Values, low: float, high: float) -> list[str]:
    """Unbroken stretches of values as the points of SVG polylines."""
    lines = []
    for there, run in groupby(enumerate(values), lambda each: each[1] is not None):
        if there:
            known = [(frame, value) for frame, value in run if value is not None]
            lines.append(" ".join(f"{frame},{100 - 100 * (value - low) / (high - low):.0f}" for frame, value in known))
    return lines
