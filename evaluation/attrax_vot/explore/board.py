"""Scores of a workspace for the page, kept current while a run goes on."""

import math
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vot.experiment.multirun import SupervisedExperiment

from attrax_vot.analysis import attributes, one_pass, otb, scores, summary
from attrax_vot.analysis.runs import Run
from attrax_vot.explore.kept import Signature
from attrax_vot.explore.study import Study
from attrax_vot.report import collect, timeline

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.tracker import Tracker

# Seconds between looks at what a run has ended.
INTERVAL = 2.0

# What a cell of the table may show, by experiment: key in a row, title, digits, and whether more is
# better.
SUPERVISED = [
    ("accuracy", "A", 3, True),
    ("failures", "failures", 1, False),
    ("robustness", "R", 3, True),
    ("eao", "EAO", 3, True),
    ("seconds_per_frame", "s/frame", 3, False),
    ("seconds_per_initialization", "s/init", 2, False),
]
ONE_PASS = [
    ("success", "overlap (OS)", 3, True),
    ("success_half", "OS at 0.5", 3, True),
    ("precision", "precision (DP)", 3, True),
    ("centre_error", "centre error, px", 1, False),
    ("seconds_per_frame", "s/frame", 3, False),
]

Document = dict[str, Any]
Signatures = list[tuple[str, Signature]]


class Board:
    """What is known by now. `look` scores whatever has changed; `document` may be called from any thread."""

    def __init__(self, study: Study) -> None:
        """Knows the names of a workspace's sequences and experiments, and no score."""
        self._study = study
        self._changed = threading.Condition()
        self._signatures: dict[tuple[str, str], Signatures | None] = {}
        self._scored: dict[str, dict[str, Document]] = {name: {} for name in study.experiments}
        self._sequences: dict[str, Document] = {
            name: {"name": name, "frames": None, "attributes": {}} for name in study.sequence_names
        }
        self._problems: dict[str, str] = {}
        self._busy = "reading the sequences"
        self._version = 1

    def watch(self) -> None:
        """Looks again and again, on a thread of its own, as long as the program lives."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while True:
            self.look()
            pause.wait(INTERVAL)

    def look(self) -> None:
        """Scores every tracker whose results have changed: first those whose scores were kept, which takes no time."""
        there_are = [
            (experiment, tracker, self._study.signatures(experiment, tracker))
            for experiment in self._study.experiments
            for tracker in self._study.trackers()
        ]
        missing = []
        for experiment, tracker, there in there_are:
            if there == self._signatures.get((experiment, tracker.reference)):
                continue
            kept = self._study.kept.read(f"{experiment}-{tracker.reference}", there)
            if kept is None or "rank" not in kept:
                missing.append((experiment, tracker))
            else:
                self._take(experiment, tracker, there, {**kept, "rank": tuple(kept["rank"])})
        if any(each["frames"] is None for each in self._sequences.values()):
            read = {each.name: each for name in self._study.experiments for each in self._study.sequences_of(name)}
            self._sequences = {name: _about(sequence) for name, sequence in read.items()}
            self._problems |= self._study.problems
        for experiment, tracker in missing:
            self._say(f"scoring {tracker.label}")
            there = self._study.signatures(experiment, tracker)
            found = self._try(experiment, tracker)
            if there != self._study.signatures(experiment, tracker):
                # Scored again at the next look.
                self._take(experiment, tracker, None, found)
                continue
            if found is not None:
                self._study.kept.write(f"{experiment}-{tracker.reference}", there, found)
            self._take(experiment, tracker, there, found)
        self._say("")

    def _take(self, experiment: str, tracker: "Tracker", there: Signatures | None, found: Document | None) -> None:
        """Shows a tracker's scores."""
        self._signatures[experiment, tracker.reference] = there
        with self._changed:
            if found is None:
                self._scored[experiment].pop(tracker.reference, None)
            else:
                self._scored[experiment][tracker.reference] = found
            self._version += 1
            self._changed.notify_all()

    def document(self, since: int, patience: float) -> Document:
        """What the page shows; nothing but the version where it is the same as before after some seconds."""
        with self._changed:
            if self._version == since:
                self._changed.wait(patience)
            if self._version == since:
                return {"version": since}
            return {
                "version": self._version,
                "title": self._study.title,
                "busy": self._busy,
                "problems": sorted(self._problems.values()),
                "sequences": list(self._sequences.values()),
                "experiments": [
                    {"name": name, **_kind(each), "trackers": self._ranked(name)}
                    for name, each in self._study.experiments.items()
                ],
            }

    def _ranked(self, experiment: str) -> list[Document]:
        """The trackers of an experiment: those with the most sequences first, then the best."""
        ranked = sorted(self._scored[experiment].values(), key=lambda each: each["rank"])
        return [{key: value for key, value in each.items() if key != "rank"} for each in ranked]

    def _say(self, busy: str) -> None:
        """Says what is done, and wakes those that wait for it."""
        with self._changed:
            if busy or self._busy:
                self._busy = busy
                self._version += 1
                self._changed.notify_all()

    def _try(self, experiment: str, tracker: "Tracker") -> Document | None:
        """Scores a tracker; results that cannot be scored are a problem of this tracker alone."""
        key = f"{experiment} {tracker.reference}"
        try:
            found = self._score(self._study.run(experiment, tracker))
        # What a broken file raises is as varied as what it may hold.
        except Exception as error:
            self._problems[key] = f"{tracker.reference} on {experiment}: {error}"
            return None
        self._problems.pop(key, None)
        return found

    def _score(self, run: Run) -> Document | None:
        """A tracker's scores, those of the report; nothing where it has ended no sequence."""
        if not isinstance(run.experiment, SupervisedExperiment):
            measured = one_pass.score(run)
            return _one_pass(measured, run) if measured else None
        if not run.ended:
            return None
        entry = collect.entry(run)
        return {
            "reference": entry.reference,
            "label": entry.label,
            "rank": collect.rank(entry),
            "total": _plain(asdict(entry.scores.total)),
            "rows": {row.name: _plain(asdict(row)) for row in entry.scores.rows},
            "marks": {
                each.name: {
                    mark.label: round(mark.failures, 2) for mark in attributes.count(run.on([each])) if mark.frames
                }
                for each in run.ended
            },
            "curve": [*map(number, entry.scores.curve)],
        }


def _about(sequence: "Sequence") -> Document:
    """How long a sequence is, and where its attributes hold."""
    return {"name": sequence.name, "frames": len(sequence), "attributes": timeline.attribute_spans(sequence)}


def _one_pass(measured: one_pass.OnePass, run: Run) -> Document:
    """One-pass results as the page has them."""
    seconds = {each.name: scores.seconds(run.repetitions(each)) for each in run.ended}
    known = [each["seconds_per_frame"] for each in seconds.values()]
    rows = {name: _plain({**asdict(row), **seconds[name]}) for name, row in measured.rows.items()}
    return {
        "reference": measured.tracker,
        "label": measured.label,
        "rank": (-len(rows), -measured.total.success, measured.tracker),
        "total": _plain({**asdict(measured.total), "seconds_per_frame": sum(known) / len(known)}),
        "rows": rows,
        "marks": {},
        "success": [*map(number, measured.success)],
        "precision": [*map(number, measured.precision)],
    }


def _kind(experiment: object) -> Document:
    """What an experiment measures, and over which frames or thresholds its curves go."""
    if isinstance(experiment, SupervisedExperiment):
        return {"kind": "supervised", "measures": SUPERVISED, "interval": scores.interval(experiment)}
    return {
        "kind": "one-pass",
        "measures": ONE_PASS,
        "thresholds": {"success": otb.OVERLAPS.tolist(), "precision": one_pass.DISTANCES.tolist()},
    }


def _plain(values: Document) -> Document:
    return {key: summary.plain(value) for key, value in values.items()}


def number(value: float | None) -> float | None:
    """A number of a curve as JSON has it."""
    return None if value is None or not math.isfinite(value) else round(float(value), 4)
