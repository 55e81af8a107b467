"""What is on disk of a tracker's results: which repetitions are whole, and what is left of broken ones.

A repetition is what a tracker is started for once. In an experiment with several objects it has a trajectory of
each; in a multistart experiment it is the run from one anchor.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from glob import escape
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from vot.experiment.multistart import MultiStartExperiment
from vot.region import Region, Special, calculate_overlaps
from vot.tracker import Results, Tracker, Trajectory

from attrax_vot.experiments import anchored
from attrax_vot.run import internals, unfinished
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment

    from attrax_vot.analysis.runs import Run

# Results may be anybody's.
internals.check_masks()
# Seconds that a frame may have taken, a year; sums of larger numbers are not finite.
LONGEST = 365 * 24 * 3600.0
# The property in which a TraX tracker tells how sure it is of a box.
CONFIDENCE = "confidence"


@dataclass(frozen=True)
class Repetition:
    """One whole repetition.

    Attributes:
        index: from 1.
        initializations: frames at which the tracker was initialised, counted from 0.
        failures: frames at which it had lost the target.
        init_seconds: of each initialisation, where known.
        frame_seconds: of each other frame that the tracker saw, where known.
    """

    index: int
    initializations: list[int]
    failures: list[int]
    init_seconds: list[float]
    frame_seconds: list[float]


@dataclass(frozen=True)
class Trace:
    """A repetition frame by frame.

    Attributes:
        regions: what the tracker found, or the toolkit's mark where it found nothing.
        overlaps: of the regions with the ground truth.
        scores: the tracker's confidences; None if it reports none.
    """

    regions: list[Region]
    overlaps: list[float]
    scores: list[float | None]


def tell(sentence: str) -> None:
    """Prints a sentence to standard error."""
    print(sentence, file=sys.stderr, flush=True)


def name(sequence: "Sequence", index: int) -> str:
    """How the toolkit calls the files of a repetition with one object, counted from 1."""
    return f"{sequence.name}_{index:03d}"


def planned(experiment: "Experiment", sequence: "Sequence") -> list[dict[str, int]]:
    """The trajectories of each repetition that an experiment asks for: their names, and how many frames they have.

    Raises:
        EvaluationError: it starts at anchors, and the sequence has none.
    """
    if isinstance(experiment, MultiStartExperiment):
        try:
            return [{stem: len(frames)} for stem, frames in anchored(experiment, sequence).items()]
        except RuntimeError as error:
            raise EvaluationError(f"experiment {experiment.identifier}: {error}") from error
    objects = list(sequence.objects())
    prefixes = [f"{sequence.name}_{each}" for each in objects] if len(objects) > 1 else [sequence.name]
    length = len(sequence)
    return [{f"{each}_{index:03d}": length for each in prefixes} for index in range(1, experiment.repetitions + 1)]


def read(results: Results, sequence: "Sequence", index: int) -> Repetition | None:
    """Reads a repetition with one object, or nothing when it is missing, cut off, or of another sequence."""
    return _read_trajectory(results, name(sequence, index), len(sequence), index, strict=True)


def repetitions(experiment: "Experiment", tracker: Tracker, sequence: "Sequence") -> list[Repetition]:
    """The whole repetitions of a sequence, in order."""
    results = experiment.results(tracker, sequence)
    ours = unfinished.read(experiment, tracker, sequence)
    found = (_read(results, wanted, index, ours) for index, wanted in enumerate(planned(experiment, sequence), 1))
    return [repetition for repetition in found if repetition is not None]


def trace(run: "Run", sequence: "Sequence", index: int, *, bounded: bool) -> Trace:
    """Reads a whole repetition with one object.

    Args:
        run: whose results.
        sequence: on which.
        index: of the repetition, from 1.
        bounded: whether regions count only within the frame.
    """
    trajectory = run.trajectory(sequence, index)
    regions = trajectory.regions()
    overlaps = calculate_overlaps(regions, sequence.groundtruth(), sequence.size if bounded else None)
    return Trace(regions, overlaps, confidences(trajectory))


def confidences(trajectory: Trajectory) -> list[float | None]:
    """The tracker's confidences, frame by frame; None if it reports none."""
    values = [trajectory.properties(frame).get(CONFIDENCE) for frame in range(len(trajectory))]
    return [value if isinstance(value, float) else None for value in values]


def clear(run: "Run", sequence: "Sequence", report: Callable[[str], object] = tell) -> list[int]:
    """Makes room for incomplete repetitions, so that they are run again.

    A file that a run of ours began and left cut off is deleted. Everything else is moved to the workspace's folder
    `set-aside`, never deleted: attrax-vot may not have written it.

    Args:
        run: whose results.
        sequence: on which.
        report: called with a sentence for each repetition that was moved; prints it to standard error by default.

    Returns:
        The indices of the repetitions that were not whole.

    Raises:
        OSError: a file cannot be moved or deleted.
    """
    experiment, tracker = run.experiment, run.tracker
    run.forget(sequence)
    results = experiment.results(tracker, sequence)
    ours = unfinished.read(experiment, tracker, sequence)
    broken = []
    for index, wanted in enumerate(planned(experiment, sequence), 1):
        there = [stem for stem in wanted if Trajectory.exists(results, stem)]
        if not there or _read(results, wanted, index, ours) is not None:
            continue
        broken.append(index)
        for stem in there:
            files = [path for path in _files(results, stem) if path.is_file()]
            if stem in ours and not _complete(results, stem, wanted[stem]):
                for path in files:
                    path.unlink()
                continue
            place = _set_aside(experiment, tracker, sequence, files)
            report(f"set aside, not deleted: {stem} of {tracker.reference} is not a whole result; it is now in {place}")
    return broken


def damaged(run: "Run", sequence: "Sequence") -> list[Path]:
    """A file of each incomplete repetition; the toolkit's analyses fail on them."""
    experiment, tracker = run.experiment, run.tracker
    results = experiment.results(tracker, sequence)
    ours = unfinished.read(experiment, tracker, sequence)
    found = []
    for index, wanted in enumerate(planned(experiment, sequence), 1):
        there = [stem for stem in wanted if Trajectory.exists(results, stem)]
        if there and _read(results, wanted, index, ours) is None:
            found += [path for path in _files(results, there[0]) if path.exists()][:1]
    return found


def _set_aside(experiment: "Experiment", tracker: Tracker, sequence: "Sequence", files: list[Path]) -> Path:
    """Moves files to a folder that holds none of their names yet, and gives that folder."""
    base = Path(experiment.storage.base) / "set-aside" / tracker.reference / experiment.identifier
    places = (base / (sequence.name if number == 1 else f"{sequence.name}-{number}") for number in count(1))
    place = next(each for each in places if not any((each / file.name).exists() for file in files))
    place.mkdir(parents=True, exist_ok=True)
    for file in files:
        file.rename(place / file.name)
    return place


def _files(results: Results, stem: str) -> list[Path]:
    """The files of a trajectory: its regions, seconds and other properties."""
    folder = internals.folder(results)
    return [folder / f"{stem}.bin", folder / f"{stem}.txt", *sorted(folder.glob(f"{escape(stem)}_*.value"))]


def _complete(results: Results, stem: str, length: int) -> bool:
    """Whether a trajectory has a region for each frame, whatever else is missing."""
    # What a broken file raises is as varied as what it may hold.
    try:
        return len(Trajectory.read(results, stem)) == length
    except Exception:
        return False


def _read(results: Results, wanted: dict[str, int], index: int, ours: set[str]) -> Repetition | None:
    """Reads a repetition, all of its trajectories as one, or nothing where one is not whole or not known to be."""
    if ours & wanted.keys():
        return None
    read = [_read_trajectory(results, stem, length, index, strict=False) for stem, length in wanted.items()]
    parts = [part for part in read if part is not None]
    if len(parts) < len(read):
        return None
    return Repetition(
        index,
        [frame for part in parts for frame in part.initializations],
        [frame for part in parts for frame in part.failures],
        [seconds for part in parts for seconds in part.init_seconds],
        [seconds for part in parts for seconds in part.frame_seconds],
    )


def _read_trajectory(results: Results, stem: str, length: int, index: int, *, strict: bool) -> Repetition | None:
    """Reads a trajectory, or nothing when it is missing, cut off, or of another length.

    Results of other programs may lack times, and may begin with a box instead of the toolkit's mark; those of ours
    have both (`strict`).
    """
    if not Trajectory.exists(results, stem):
        return None
    # What a broken file raises is as varied as what it may hold.
    try:
        trajectory = Trajectory.read(results, stem)
        times = [trajectory.properties(frame).get("time") for frame in range(len(trajectory))]
    except Exception:
        return None
    if len(trajectory) != length:
        return None
    codes = [region.code if isinstance(region, Special) else None for region in trajectory.regions()]
    starts = [frame for frame, code in enumerate(codes) if code == Trajectory.INITIALIZATION]
    if not strict and codes[0] is None:
        starts.insert(0, 0)
    lost = [frame for frame, code in enumerate(codes) if code == Trajectory.FAILURE]
    seen = [
        frame
        for frame, code in enumerate(codes)
        if code not in (Trajectory.UNKNOWN, Trajectory.INITIALIZATION) and frame not in starts[:1]
    ]
    if not starts or (strict and any(not isinstance(times[frame], float) for frame in (*starts, *seen))):
        return None
    # Published results know some of them only as "not a number", and from 0.8 on the toolkit loses
    # those of some initialisations and writes 0.
    known = [time if isinstance(time, float) and 0 <= time <= LONGEST else None for time in times]
    init = [time for frame in starts if (time := known[frame])]
    return Repetition(index, starts, lost, init, [time for frame in seen if (time := known[frame]) is not None])
