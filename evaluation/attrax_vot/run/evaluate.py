"""A whole evaluation: workspace, run, scores, reports."""

import contextlib
import difflib
import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vot.experiment.multirun import SupervisedExperiment, UnsupervisedExperiment
from vot.tracker import Tracker

from attrax_vot import program
from attrax_vot.analysis import reference, results, summary
from attrax_vot.analysis.scores import Scores, average_overlap, score
from attrax_vot.run import internals, provenance, registration, registry, runner, workspace
from attrax_vot.run.progress import Progress
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.workspace import Workspace


@dataclass(frozen=True)
class Request:
    """What to evaluate.

    Attributes:
        directory: of the workspace.
        settings: of the workspace.
        tracker: its reference in the registry.
        references: folders of published raw results to show beside it.
    """

    directory: Path
    settings: workspace.Settings
    tracker: str
    references: list[Path] = field(default_factory=list)


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        scores: of the tracker, over the sequences that ended.
        references: of published results, over the same sequences.
        summary: the file with the scores.
        report: the toolkit's page; nothing when a sequence did not end.
        failed: how each sequence that did not end went.
    """

    scores: Scores
    references: list[Scores]
    summary: Path
    report: Path | None
    failed: list[runner.Outcome]


def evaluate(request: Request) -> Evaluation:
    """Prepares the workspace, runs what is missing, and scores what is there.

    Raises:
        EvaluationError: the request cannot be met, or no sequence ended.
    """
    workspace.prepare(request.directory, request.settings, report=print)
    space = workspace.load(request.directory)
    experiment = supervised(space)
    sequences = runner.sequences_of(space, experiment)
    published = reference.add(request.directory, request.references, experiment, sequences)
    space = workspace.load(request.directory)
    tracker = find_tracker(space, request.tracker)
    outcomes = []
    for experiment in space.stack:
        outcomes += _run(request.directory, experiment, tracker, runner.sequences_of(space, experiment))
    failed = [outcome for outcome in outcomes if outcome.error]
    lost = {outcome.sequence for outcome in failed}
    experiment = supervised(space)
    sequences = runner.sequences_of(space, experiment)
    ended = [each for each in sequences if each.name not in lost]
    if not ended:
        raise EvaluationError(f"{tracker.reference} ended no sequence")
    ours = score(experiment, tracker, ended)
    others = [score(experiment, find_tracker(space, identifier), ended) for identifier in published]
    path = request.directory / f"summary-{tracker.reference}.json"
    overlaps = {
        each.identifier: average_overlap(
            each, tracker, [one for one in runner.sequences_of(space, each) if one.name not in lost]
        )
        for each in space.stack
        if isinstance(each, UnsupervisedExperiment)
    }
    summary.write(path, {**summary.document(ours, others), **({"unsupervised": overlaps} if overlaps else {})})
    page = None
    if not failed:
        trackers = [tracker, *(find_tracker(space, identifier) for identifier in published)]
        # What others have published is of the supervised experiment alone.
        page = write_report(space, trackers, experiment.identifier if published else None)
    return Evaluation(ours, others, path, page, failed)


def find_tracker(space: "Workspace", identifier: str) -> Tracker:
    """A registered tracker.

    Raises:
        EvaluationError: it is not registered.
    """
    if identifier not in space.registry:
        known = space.registry.identifiers()
        near = difflib.get_close_matches(identifier, known, 1)
        meant = f" (do you mean {near[0]}?)" if near else ""
        places = internals.registries(space.registry)
        illegal = registry.illegal(places)
        why = f"; a name may have letters, digits, - and _: {', '.join(illegal)} may not be used" if illegal else ""
        why += "".join(f"; there is no {place}, which config.yaml names" for place in places if not place.exists())
        others = ", ".join(known) or "none"
        raise EvaluationError(f"no tracker {identifier}{meant}; there are {others}{why}{program.hint(identifier)}")
    return space.registry[identifier]


def supervised(space: "Workspace") -> SupervisedExperiment:
    """The workspace's supervised experiment.

    Raises:
        EvaluationError: it has none.
    """
    for experiment in space.stack:
        if isinstance(experiment, SupervisedExperiment):
            return experiment
    raise EvaluationError("the workspace has no supervised experiment to score")


def _run(
    directory: Path, experiment: SupervisedExperiment, tracker: Tracker, sequences: list["Sequence"]
) -> list[runner.Outcome]:
    """Runs an experiment on the sequences that are not done; a tracker's failure does not stop the others."""
    for sequence in sequences:
        results.clear(experiment, tracker, sequence)
    missing = {sequence.name: runner.pending(experiment, tracker, sequence) for sequence in sequences}
    frames = sum(len(sequence) * len(missing[sequence.name]) for sequence in sequences)
    outcomes: list[runner.Outcome] = []
    if not frames:
        return outcomes
    registration.check(tracker)
    provenance.note(directory, tracker)
    with Progress(tracker.reference, frames) as progress:
        for sequence in sequences:
            todo = missing[sequence.name]
            if not todo:
                continue
            progress.start(sequence.name, len(sequence))
            outcome = runner.run_sequence(experiment, tracker, sequence, progress)
            progress.finish(outcome, len(sequence) * len(todo), _line(experiment, tracker, sequence))
            outcomes.append(outcome)
    return outcomes


def _line(experiment: SupervisedExperiment, tracker: Tracker, sequence: "Sequence") -> str:
    """One line on a sequence that ended."""
    found = results.repetitions(experiment, tracker, sequence)
    lost = [str(len(each.failures)) for each in found]
    seconds = [value for each in found for value in each.frame_seconds]
    mean = f"{sum(seconds) / len(seconds):.2f} s a frame" if seconds else "no frame tracked"
    return f"{sequence.name}: {len(sequence)} frames, failures {' '.join(lost) or '-'}, {mean}"


def write_report(space: "Workspace", trackers: list[Tracker], experiments: str | None = None) -> Path:
    """Lets the toolkit write its own HTML report of the trackers, and says where it is.

    Args:
        space: the workspace.
        trackers: all with results.
        experiments: identifiers of the wanted ones, separated by commas; all when nothing is said.
    """
    import asyncio

    from vot.report import generate_document

    name = "-".join(tracker.reference for tracker in trackers)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        # It prints percentages, and numpy warns where no run is long enough for the interval of the EAO.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            generate_document(space, trackers, "html", name, select_experiments=experiments)
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    return Path(space.directory) / "reports" / name / "report.html"
