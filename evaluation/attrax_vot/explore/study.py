"""An opened workspace: its experiments, sequences and trackers, and single runs of them."""

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from vot.experiment.multirun import SupervisedExperiment
from vot.region import Polygon, Rectangle, Region, Special
from vot.tracker import Trajectory

from attrax_vot.analysis import otb, results, scores
from attrax_vot.analysis.runs import Run
from attrax_vot.errors import EvaluationError
from attrax_vot.explore.kept import Kept, Signature
from attrax_vot.run import internals, sequences
from attrax_vot.run.opened import OpenWorkspace

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment.multirun import MultiRunExperiment
    from vot.tracker import Tracker

# Repetitions that are kept in memory.
KEPT = 64
STATES = {Trajectory.INITIALIZATION: "init", Trajectory.FAILURE: "lost", Trajectory.UNKNOWN: "skipped"}


@dataclass(frozen=True)
class Playback:
    """A repetition of a tracker on a sequence, as the page shows it.

    Attributes:
        regions: by frame: a box (left, top, width, height), the corners of a polygon (x, y, x, y, ...), or nothing.
        states: by frame: "init", "lost", "skipped", or "" where the tracker gave a region.
        overlaps: by frame, with the ground truth; not a number without a region or without ground truth.
        scores: by frame, the tracker's own; empty where it reports none.
    """

    regions: list[list[float] | None]
    states: list[str]
    overlaps: np.ndarray
    scores: list[float | None]

    @property
    def values(self) -> np.ndarray:
        """Overlaps for comparisons: 0 where the tracker is lost or waits, not a number at initialisations."""
        lost = [state in ("lost", "skipped") for state in self.states]
        return np.where(lost, 0.0, self.overlaps)


@dataclass(frozen=True)
class Record:
    """What there is of a tracker on a sequence.

    Attributes:
        starts: the number of initialisations of each whole repetition, by its index from 1.
        values: of the first one, as `Playback.values`; empty where there is none.
    """

    starts: dict[int, int]
    values: np.ndarray


class Study:
    """A workspace whose results may change. Its methods may be called from several threads."""

    def __init__(self, opened: OpenWorkspace, names: list[str]) -> None:
        """Looks at a workspace.

        Args:
            opened: the workspace.
            names: of the trackers; all that have results when there are none.

        Raises:
            EvaluationError: the workspace has no experiment that the page can show, or a tracker is unknown.
        """
        self.directory = opened.directory
        self.names = names
        self.title = opened.title
        self._opened = opened
        found = [opened.supervised, opened.one_pass]
        self.experiments: dict[str, MultiRunExperiment] = {each.identifier: each for each in found if each}
        if not self.experiments:
            raise EvaluationError(
                f"{self.directory} has no experiment with supervision or in one pass, which are shown"
            )
        # Sequences are read when they are shown.
        self._listed = list(opened.space.dataset)
        self._lists: dict[tuple[str, str], list[Sequence]] = {}
        self.problems: dict[str, str] = {}
        self.kept = Kept(self.directory, self.sequence_names)
        self._records: dict[tuple[str, str, str], tuple[Signature, Record]] = {}
        self._played: OrderedDict[tuple[Any, ...], Playback] = OrderedDict()
        self._lock = threading.Lock()
        # An unknown tracker is refused before anything is served.
        self.trackers()

    def trackers(self) -> list["Tracker"]:
        """The wanted trackers, or all that have results by now.

        Raises:
            EvaluationError: one is unknown.
        """
        wanted = dict.fromkeys([*self.names, *self._opened.published]) if self.names else self._opened.with_results
        return [self._opened.tracker(name) for name in wanted]

    def tracker(self, reference: str) -> "Tracker | None":
        """One of them."""
        return next((each for each in self.trackers() if each.reference == reference), None)

    @property
    def sequence_names(self) -> list[str]:
        """The names of the sequences."""
        return [each.name for each in self._listed]

    def sequences_of(self, experiment: str) -> list["Sequence"]:
        """The sequences of an experiment. Damaged ones are left out; `problems` has them."""
        return [each for listed in self._listed for each in self._transformed(experiment, listed)]

    def sequence(self, experiment: str, name: str) -> "Sequence | None":
        """A sequence of an experiment, which alone is read where that is enough."""
        near = (listed for listed in self._listed if listed.name == name)
        found = (each for listed in near for each in self._transformed(experiment, listed))
        everywhere = (each for each in self.sequences_of(experiment))
        return next((each for part in (found, everywhere) for each in part if each.name == name), None)

    def _transformed(self, experiment: str, listed: "Sequence") -> list["Sequence"]:
        """A sequence of the dataset as an experiment sees it."""
        key = experiment, listed.name
        if key not in self._lists:
            try:
                sequences.check_frames(listed)
                self._lists[key] = list(self.experiments[experiment].transform(listed))
            except EvaluationError as error:
                self.problems[listed.name] = str(error)
                self._lists[key] = []
        return self._lists[key]

    def signatures(self, experiment: str, tracker: "Tracker") -> list[tuple[str, Signature]]:
        """What of all results of a tracker in an experiment is on disk, by sequence."""
        if not self._listed:
            return []
        # The folder of all sequences: none of them is read for it.
        folder = internals.folder(self.experiments[experiment].results(tracker, self._listed[0])).parent
        return sorted((each.name, _files(each)) for each in folder.iterdir()) if folder.is_dir() else []

    def signature(self, experiment: str, tracker: "Tracker", sequence: "Sequence") -> Signature:
        """What of a tracker's results is on disk; another value after each change."""
        return _files(internals.folder(self.experiments[experiment].results(tracker, sequence)))

    def run(self, experiment: str, tracker: "Tracker", wanted: list["Sequence"] | None = None) -> Run:
        """A tracker's results as they are now, on some sequences or all."""
        listed = self.sequences_of(experiment) if wanted is None else wanted
        return Run(self.directory, self.experiments[experiment], tracker, listed)

    def repetitions(self, experiment: str, tracker: "Tracker", sequence: "Sequence") -> list[int]:
        """The whole repetitions, from 1."""
        return list(self.record(experiment, tracker, sequence).starts)

    def record(self, experiment: str, tracker: "Tracker", sequence: "Sequence") -> Record:
        """What there is of a tracker on a sequence; from memory or disk where nothing has changed."""
        signature = self.signature(experiment, tracker, sequence)
        key = experiment, tracker.reference, sequence.name
        with self._lock:
            known, record = self._records.get(key, (None, None))
        if record is None or known != signature:
            record = self._record(experiment, tracker, sequence, signature)
            with self._lock:
                self._records[key] = signature, record
        return record

    def _record(self, experiment: str, tracker: "Tracker", sequence: "Sequence", signature: Signature) -> Record:
        """The same from disk, or from the results."""
        if not signature:
            return Record({}, np.empty(0))
        name = f"{experiment}-{tracker.reference}/{sequence.name}"
        kept = self.kept.read(name, signature)
        if kept is None:
            whole = self.run(experiment, tracker, [sequence]).repetitions(sequence)
            starts = {each.index: len(each.initializations) for each in whole}
            first = self.playback(experiment, tracker, sequence, whole[0].index) if whole else None
            values = first.values if first else np.empty(0)
            kept = {
                "starts": list(starts.items()),
                "values": [None if np.isnan(value) else round(float(value), 4) for value in values],
            }
            self.kept.write(name, signature, kept)
        return Record(dict(kept["starts"]), np.array(kept["values"], float))

    def playback(self, experiment: str, tracker: "Tracker", sequence: "Sequence", index: int) -> Playback:
        """A whole repetition."""
        signature = self.signature(experiment, tracker, sequence)
        key = experiment, tracker.reference, sequence.name, index, signature
        with self._lock:
            if key in self._played:
                self._played.move_to_end(key)
                return self._played[key]
        played = _read(self.run(experiment, tracker, [sequence]), sequence, index)
        with self._lock:
            self._played[key] = played
            while len(self._played) > KEPT:
                self._played.popitem(last=False)
        return played


def _files(folder: Path) -> Signature:
    """The files of a folder; none where there is no folder."""
    try:
        with os.scandir(folder) as found:
            files = [(each.name, each.stat()) for each in found]
    except OSError:
        return ()
    return tuple(sorted((name, about.st_mtime_ns, about.st_size) for name, about in files))


def _read(run: Run, sequence: "Sequence", index: int) -> Playback:
    """Reads a repetition. Without supervision overlaps are OTB's, as in the report."""
    supervised = isinstance(run.experiment, SupervisedExperiment)
    trace = results.trace(run, sequence, index, bounded=supervised and scores.bounded(run.experiment))
    truth = otb.boxes(sequence.groundtruth())
    overlaps = np.array(trace.overlaps if supervised else otb.overlaps(otb.boxes(trace.regions), truth), float)
    states = [STATES.get(each.code, "skipped") if isinstance(each, Special) else "" for each in trace.regions]
    known = np.array([not state for state in states]) & ~np.isnan(truth[:, 0])
    return Playback(
        [shape(region) for region in trace.regions],
        states,
        np.where(known, overlaps, np.nan),
        trace.scores if any(value is not None for value in trace.scores) else [],
    )


def shape(region: Region) -> list[float] | None:
    """A region's box, or a polygon's corners; of a mask the box around it; nothing where there is none."""
    if isinstance(region, Special) or region.is_empty():
        return None
    if isinstance(region, Polygon) and not isinstance(region, Rectangle):
        return [round(float(value), 2) for point in region.points() for value in point]
    return [round(float(value), 2) for value in otb.box(region)]
