"""The report of a workspace: what all its trackers did, from the toolkit's own analyses."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from vot.tracker import Tracker, Trajectory

from attrax_vot.analysis import attributes, reference, results, scores, significance
from attrax_vot.analysis.attributes import Attribute
from attrax_vot.analysis.scores import Scores
from attrax_vot.analysis.significance import Difference
from attrax_vot.report.pictures import Run, failure_strip
from attrax_vot.run import evaluate, runner, workspace
from attrax_vot.run.toolkit import VERSION, EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment.multirun import SupervisedExperiment

# Frames before a failure that its strip shows, and the JPEG quality of the strip.
BEFORE = (20, 6, 2)
QUALITY = 80


@dataclass(frozen=True)
class Strip:
    """The frames around a failure.

    Attributes:
        tracker: which.
        sequence: where.
        repetition: from 1.
        frame: from 0.
        picture: as a data URL.
    """

    tracker: str
    sequence: str
    repetition: int
    frame: int
    picture: str


@dataclass(frozen=True)
class Report:
    """Everything that a report shows.

    Attributes:
        title: of the toolkit's stack.
        toolkit: its version.
        trackers: their scores, ours first, then published ones.
        attributes: of each tracker, by its reference.
        differences: of the first tracker to each of the others.
        strips: one for each failure, where there are frames to show.
        left_out: sequences that not every tracker has ended.
    """

    title: str
    toolkit: str
    trackers: list[Scores]
    attributes: dict[str, list[Attribute]]
    differences: list[Difference]
    strips: list[Strip] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def collect(directory: Path, names: list[str], references: list[Path]) -> Report:
    """Scores every tracker on the sequences that all of them have ended.

    Args:
        directory: a workspace.
        names: of the trackers; all that have results when there are none.
        references: folders of published raw results to add.

    Raises:
        EvaluationError: a tracker is unknown, or there is no sequence that all have ended.
    """
    published = [(reference.register(directory, path), path) for path in references]
    space = workspace.load(directory)
    experiment = evaluate.supervised(space)
    sequences = runner.sequences_of(space, experiment)
    for identifier, path in published:
        reference.bring_in(path, directory, identifier, experiment, sequences)
    trackers = _trackers(space, directory, names, [identifier for identifier, _ in published])
    ended = [each for each in sequences if all(results.repetitions(experiment, t, each) for t in trackers)]
    if not ended:
        raise EvaluationError(f"no sequence was ended by all of {', '.join(t.reference for t in trackers)}")
    found = [scores.score(experiment, tracker, ended) for tracker in trackers]
    cut = [significance.parts(experiment, t, ended, bounded=_bounded(experiment)) for t in trackers]
    differences = [
        significance.compare((found[0].tracker, other.tracker), (cut[0], part), found[0].interval)
        for other, part in zip(found[1:], cut[1:], strict=True)
    ]
    by_attribute = {t.reference: attributes.count(experiment, t, ended) for t in trackers}
    strips = [strip for tracker in trackers for each in ended for strip in _strips(experiment, tracker, each)]
    left_out = [each.name for each in sequences if each not in ended]
    return Report(space.stack.title, VERSION, found, by_attribute, differences, strips, left_out)


def _trackers(space: object, directory: Path, names: list[str], published: list[str]) -> list[Tracker]:
    """The wanted trackers, or all that have results: ours in the registry's order, then published ones."""
    if not names:
        known = [tracker.reference for tracker in space.registry]
        with_results = {path.name for path in (directory / "results").iterdir() if path.is_dir()}
        names = sorted(with_results & set(known), key=lambda name: (name.endswith("-published"), known.index(name)))
    wanted = dict.fromkeys([*names, *published])
    if not wanted:
        raise EvaluationError(f"{directory} has no results; 'attrax-vot run' makes them")
    return [evaluate.find_tracker(space, name) for name in wanted]


def _bounded(experiment: "SupervisedExperiment") -> bool:
    """Whether the experiment's analyses let regions count only within the frame."""
    curves = [getattr(analysis, "eaocurve", None) for analysis in experiment.analyses]
    return all(curve.bounded for curve in curves if curve is not None)


def _strips(experiment: "SupervisedExperiment", tracker: Tracker, sequence: "Sequence") -> list[Strip]:
    """A strip for each failure of a tracker on a sequence; none where there are no frames."""
    if not Path(sequence.frame(0).filename()).is_file():
        return []
    stored = experiment.results(tracker, sequence)
    strips = []
    for repetition in results.repetitions(experiment, tracker, sequence):
        if not repetition.failures:
            continue
        regions = Trajectory.read(stored, results.name(sequence, repetition.index)).regions()
        run = Run(sequence, regions, repetition.index)
        for frame in repetition.failures:
            picture = failure_strip(run, frame, BEFORE)
            encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
            address = "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
            strips.append(Strip(tracker.reference, sequence.name, repetition.index, frame, address))
    return strips
