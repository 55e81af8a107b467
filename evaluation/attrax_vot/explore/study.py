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
from attrax_vot.errors import EvaluationError
from attrax_vot.explore.kept import Kept, Signature
from attrax_vot.report import collect
from attrax_vot.run import internals, sequences, workspace

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment.multirun import MultiRunExperiment
    from vot.tracker import Tracker

# Runs that are kept in memory.
KEPT = 64
STATES = {Trajectory.INITIALIZATION: "init", Trajectory.FAILURE: "lost", Trajectory.UNKNOWN: "skipped"}


@dataclass(frozen=True)
class Run:
    """A repetition of a tracker on a sequence.

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
        values: of the first one, as `Run.values`; empty where there is none.
    """

    starts: dict[int, int]
    values: np.ndarray


class Study:
    """A workspace that is looked at. Its methods may be called from several threads."""

    def __init__(self, directory: Path, names: list[str], references: list[Path]) -> None:
        """Opens a workspace.

        Args:
            directory: of the workspace.
            names: of the trackers; all that have results when there are none.
            references: folders of published raw results to add.

        Raises:
            EvaluationError: there is no workspace, it has no experiment that the page can show, or a tracker is
                unknown.
        """
        self.directory = directory
        self.names = names
        self.published = collect.add_published(directory, references)
        # Sequences are read when they are shown.
        space = workspace.load(directory, checked=False)
        self.title = space.stack.title
        found = [collect.supervised(space), collect.one_pass_of(space)]
        self.experiments: dict[str, MultiRunExperiment] = {each.identifier: each for each in found if each}
        if not self.experiments:
            raise EvaluationError(f"{directory} has no experiment with supervision or in one pass, which are shown")
        self._listed = list(space.dataset)
        self._lists: dict[tuple[str, str], list[Sequence]] = {}
        self.problems: dict[str, str] = {}
        self._registry = space.registry
        self.kept = Kept(directory, self.sequence_names)
        self._records: dict[tuple[str, str, str], tuple[Signature, Record]] = {}
        self._runs: OrderedDict[tuple[Any, ...], Run] = OrderedDict()
        self._lock = threading.Lock()
        # An unknown tracker is refused before anything is served.
        self.trackers()

    def trackers(self) -> list["Tracker"]:
        """The wanted trackers, or all that have results by now.

        Raises:
            EvaluationError: one is unknown.
        """
        folder = self.directory / "results"
        there = {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
        known = [tracker.reference for tracker in self._registry]
        wanted = [*self.names, *(name for name in self.published if name not in self.names)]
        if unknown := [name for name in wanted if name not in known]:
            raise EvaluationError(f"no tracker {', '.join(unknown)}; there are {', '.join(known) or 'none'}")
        return [self._registry[name] for name in (wanted if self.names else known) if name in there or self.names]

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
            whole = results.repetitions(self.experiments[experiment], tracker, sequence)
            starts = {each.index: len(each.initializations) for each in whole}
            values = self.run(experiment, tracker, sequence, whole[0].index).values if whole else np.empty(0)
            kept = {
                "starts": list(starts.items()),
                "values": [None if np.isnan(value) else round(float(value), 4) for value in values],
            }
            self.kept.write(name, signature, kept)
        return Record(dict(kept["starts"]), np.array(kept["values"], float))

    def run(self, experiment: str, tracker: "Tracker", sequence: "Sequence", index: int) -> Run:
        """A whole repetition."""
        signature = self.signature(experiment, tracker, sequence)
        key = experiment, tracker.reference, sequence.name, index, signature
        with self._lock:
            if key in self._runs:
                self._runs.move_to_end(key)
                return self._runs[key]
        run = _read(self.experiments[experiment], tracker, sequence, index)
        with self._lock:
            self._runs[key] = run
            while len(self._runs) > KEPT:
                self._runs.popitem(last=False)
        return run


def _files(folder: Path) -> Signature:
    """The files of a folder; none where there is no folder."""
    try:
        with os.scandir(folder) as found:
            files = [(each.name, each.stat()) for each in found]
    except OSError:
        return ()
    return tuple(sorted((name, about.st_mtime_ns, about.st_size) for name, about in files))


def _read(experiment: "MultiRunExperiment", tracker: "Tracker", sequence: "Sequence", index: int) -> Run:
    """Reads a repetition. Without supervision overlaps are OTB's, as in the report."""
    supervised = isinstance(experiment, SupervisedExperiment)
    seen = results.seen(experiment, tracker, sequence, index, bounded=supervised and scores.bounded(experiment))
    truth = otb.boxes(sequence.groundtruth())
    overlaps = np.array(seen.overlaps if supervised else otb.overlaps(otb.boxes(seen.regions), truth), float)
    states = [STATES.get(each.code, "skipped") if isinstance(each, Special) else "" for each in seen.regions]
    known = np.array([not state for state in states]) & ~np.isnan(truth[:, 0])
    return Run(
        [shape(region) for region in seen.regions],
        states,
        np.where(known, overlaps, np.nan),
        seen.scores if any(value is not None for value in seen.scores) else [],
    )


def shape(region: Region) -> list[float] | None:
    """A region's box, or a polygon's corners; of a mask the box around it; nothing where there is none."""
    if isinstance(region, Special) or region.is_empty():
        return None
    if isinstance(region, Polygon) and not isinstance(region, Rectangle):
        return [round(float(value), 2) for point in region.points() for value in point]
    return [round(float(value), 2) for value in otb.box(region)]
