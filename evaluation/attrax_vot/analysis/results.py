"""What is on disk of a tracker's results: which repetitions are whole, and what is left of broken ones."""

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from vot.experiment.multirun import MultiRunExperiment
from vot.region import Special
from vot.tracker import Results, Tracker, Trajectory

if TYPE_CHECKING:
    from vot.dataset import Sequence


@dataclass(frozen=True)
class Repetition:
    """One whole trajectory.

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


def name(sequence: "Sequence", index: int) -> str:
    """How the toolkit calls the files of a repetition, counted from 1."""
    return f"{sequence.name}_{index:03d}"


def read(results: Results, sequence: "Sequence", index: int) -> Repetition | None:
    """Reads a repetition, or nothing when it is missing, cut off, or of another sequence.

    The toolkit writes the trajectory first and the times after it, none of them atomically, and takes any
    trajectory that is there for a finished one.
    """
    if not Trajectory.exists(results, name(sequence, index)):
        return None
    # What a broken file raises is as varied as what it may hold.
    try:
        trajectory = Trajectory.read(results, name(sequence, index))
        times = [trajectory.properties(frame).get("time") for frame in range(len(trajectory))]
    except Exception:
        return None
    if len(trajectory) != len(sequence):
        return None
    codes = [region.code if isinstance(region, Special) else None for region in trajectory.regions()]
    starts = [frame for frame, code in enumerate(codes) if code == Trajectory.INITIALIZATION]
    lost = [frame for frame, code in enumerate(codes) if code == Trajectory.FAILURE]
    seen = [frame for frame, code in enumerate(codes) if code not in (Trajectory.UNKNOWN, Trajectory.INITIALIZATION)]
    if not starts or any(not isinstance(times[frame], float) for frame in (*starts, *seen)):
        return None
    # Published results know some of them only as "not a number".
    init, others = ([times[frame] for frame in frames if isfinite(times[frame])] for frames in (starts, seen))
    return Repetition(index, starts, lost, init, others)


def repetitions(experiment: MultiRunExperiment, tracker: Tracker, sequence: "Sequence") -> list[Repetition]:
    """The whole repetitions of a sequence, in order."""
    results = experiment.results(tracker, sequence)
    found = (read(results, sequence, index) for index in range(1, experiment.repetitions + 1))
    return [repetition for repetition in found if repetition is not None]


def discard_broken(experiment: MultiRunExperiment, tracker: Tracker, sequence: "Sequence") -> list[int]:
    """Deletes what an interrupted run left of a repetition, so that it is run again.

    Returns:
        The indices of the repetitions that were broken.
    """
    results = experiment.results(tracker, sequence)
    broken = []
    for index in range(1, experiment.repetitions + 1):
        stem = name(sequence, index)
        if Trajectory.exists(results, stem) and read(results, sequence, index) is None:
            for file in [f"{stem}.bin", f"{stem}.txt", *results.find(f"{stem}_*.value")]:
                results._storage.delete(file)
            broken.append(index)
    return broken
