"""What is on disk of a tracker's results: which repetitions are whole, and what is left of broken ones.

A repetition is what a tracker is started for once. In an experiment with several objects it has a trajectory of
each; in a multistart experiment it is the run from one anchor.
"""

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from vot.experiment.multistart import MultiStartExperiment
from vot.region import Region, Special, calculate_overlaps
from vot.tracker import Results, Tracker, Trajectory

from attrax_vot.experiments import anchored
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment

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
class Seen:
    """A repetition frame by frame.

    Attributes:
        regions: what the tracker found, or the toolkit's mark where it found nothing.
        overlaps: of the regions with the ground truth.
        scores: how sure the tracker said that it was; none where it did not say.
    """

    regions: list[Region]
    overlaps: list[float]
    scores: list[float | None]


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
    return _read(results, {name(sequence, index): len(sequence)}, index)


def repetitions(experiment: "Experiment", tracker: Tracker, sequence: "Sequence") -> list[Repetition]:
    """The whole repetitions of a sequence, in order."""
    results = experiment.results(tracker, sequence)
    found = (_read(results, wanted, index) for index, wanted in enumerate(planned(experiment, sequence), 1))
    return [repetition for repetition in found if repetition is not None]


def seen(experiment: "Experiment", tracker: Tracker, sequence: "Sequence", index: int, *, bounded: bool) -> Seen:
    """Reads a whole repetition with one object.

    Args:
        experiment: whose results.
        tracker: whose results.
        sequence: on which.
        index: of the repetition, from 1.
        bounded: whether regions count only within the frame.
    """
    trajectory = Trajectory.read(experiment.results(tracker, sequence), name(sequence, index))
    regions = trajectory.regions()
    overlaps = calculate_overlaps(regions, sequence.groundtruth(), sequence.size if bounded else None)
    return Seen(regions, overlaps, confidences(trajectory))


def confidences(trajectory: Trajectory) -> list[float | None]:
    """How sure the tracker said that it was, frame by frame; none where it did not say."""
    told = [trajectory.properties(frame).get(CONFIDENCE) for frame in range(len(trajectory))]
    return [value if isinstance(value, float) else None for value in told]


def discard_broken(experiment: "Experiment", tracker: Tracker, sequence: "Sequence") -> list[int]:
    """Deletes what an interrupted run left of a repetition, so that it is run again.

    Returns:
        The indices of the repetitions that were broken.
    """
    results = experiment.results(tracker, sequence)
    broken = []
    for index, wanted in enumerate(planned(experiment, sequence), 1):
        there = [stem for stem in wanted if Trajectory.exists(results, stem)]
        if there and _read(results, wanted, index) is None:
            for stem in there:
                for file in [f"{stem}.bin", f"{stem}.txt", *results.find(f"{stem}_*.value")]:
                    results._storage.delete(file)
            broken.append(index)
    return broken


def _read(results: Results, wanted: dict[str, int], index: int) -> Repetition | None:
    """Reads a repetition, all of its trajectories as one, or nothing where one of them is not whole."""
    read = [_read_trajectory(results, stem, length, index) for stem, length in wanted.items()]
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


def _read_trajectory(results: Results, stem: str, length: int, index: int) -> Repetition | None:
    """Reads a trajectory, or nothing when it is missing, cut off, or of another length.

    The toolkit writes the trajectory first and the times after it, none of them atomically, and takes any
    trajectory that is there for a finished one.
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
    lost = [frame for frame, code in enumerate(codes) if code == Trajectory.FAILURE]
    seen = [frame for frame, code in enumerate(codes) if code not in (Trajectory.UNKNOWN, Trajectory.INITIALIZATION)]
    if not starts or any(not isinstance(times[frame], float) for frame in (*starts, *seen)):
        return None
    # Published results know some of them only as "not a number", and from 0.8 on the toolkit loses those of some
    # initialisations and writes 0.
    init = [times[frame] for frame in starts if isfinite(times[frame]) and times[frame] > 0]
    return Repetition(index, starts, lost, init, [times[frame] for frame in seen if isfinite(times[frame])])
