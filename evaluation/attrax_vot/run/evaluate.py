"""A whole evaluation: workspace, run, scores, reports."""

import contextlib
import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vot.experiment.multirun import UnsupervisedExperiment

from attrax_vot.analysis import results, summary
from attrax_vot.analysis.runs import Run
from attrax_vot.analysis.scores import Scores, average_overlap, score
from attrax_vot.run import provenance, registration, runner, workspace
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.progress import ProgressBar
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.tracker import Tracker


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate.

    Attributes:
        directory: of the workspace.
        settings: of the workspace.
        tracker: its reference in the registry.
        references: folders of published raw results to compare with.
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


def evaluate(request: EvaluationRequest) -> Evaluation:
    """Prepares the workspace, runs what is missing, and scores what is there.

    Raises:
        EvaluationError: the request cannot be met, or no sequence ended.
    """
    workspace.prepare(request.directory, request.settings, report=print)
    opened = OpenWorkspace(request.directory)
    supervised = opened.needed()
    # What others have published is of the supervised experiment alone.
    published = [opened.tracker(name) for name in opened.add_published(request.references, [supervised])]
    tracker = opened.tracker(request.tracker)
    outcomes = [outcome for each in opened.experiments for outcome in _run(opened.run(each, tracker))]
    failed = [outcome for outcome in outcomes if outcome.error]
    lost = {outcome.sequence for outcome in failed}
    ended = [each for each in opened.sequences(supervised) if each.name not in lost]
    if not ended:
        raise EvaluationError(f"{tracker.reference} ended no sequence")
    ours, *others = (score(opened.run(supervised, each).on(ended)) for each in (tracker, *published))
    path = request.directory / f"summary-{tracker.reference}.json"
    overlaps = {
        each.identifier: average_overlap(
            opened.run(each, tracker).on([one for one in opened.sequences(each) if one.name not in lost])
        )
        for each in opened.experiments
        if isinstance(each, UnsupervisedExperiment)
    }
    summary.write(path, {**summary.document(ours, others), **({"unsupervised": overlaps} if overlaps else {})})
    page = None
    if not failed:
        page = write_report(opened, [tracker, *published], supervised.identifier if published else None)
    return Evaluation(ours, others, path, page, failed)


def _run(run: Run) -> list[runner.Outcome]:
    """Runs an experiment on the unfinished sequences; a tracker's failure does not stop the others."""
    for sequence in run.sequences:
        results.clear(run, sequence)
    missing = {sequence.name: runner.pending(run, sequence) for sequence in run.sequences}
    frames = sum(len(sequence) * len(missing[sequence.name]) for sequence in run.sequences)
    outcomes: list[runner.Outcome] = []
    if not frames:
        return outcomes
    registration.check(run.tracker)
    provenance.note(run.directory, run.tracker)
    with ProgressBar(run.reference, frames) as progress:
        for sequence in run.sequences:
            todo = missing[sequence.name]
            if not todo:
                continue
            progress.start(sequence.name, len(sequence))
            outcome = runner.run_sequence(run, sequence, progress)
            progress.finish(outcome, len(sequence) * len(todo), _line(run, sequence))
            outcomes.append(outcome)
    return outcomes


def _line(run: Run, sequence: "Sequence") -> str:
    """One line on a sequence that ended."""
    found = run.repetitions(sequence)
    lost = [str(len(each.failures)) for each in found]
    seconds = [value for each in found for value in each.frame_seconds]
    mean = f"{sum(seconds) / len(seconds):.2f} s a frame" if seconds else "no frame tracked"
    return f"{sequence.name}: {len(sequence)} frames, failures {' '.join(lost) or '-'}, {mean}"


def write_report(opened: OpenWorkspace, trackers: list["Tracker"], experiments: str | None = None) -> Path:
    """Lets the toolkit write its own HTML report of the trackers.

    Args:
        opened: the workspace.
        trackers: all with results.
        experiments: identifiers of the wanted ones, separated by commas; all by default.

    Returns:
        The page.
    """
    import asyncio

    from vot.report import generate_document

    name = "-".join(tracker.reference for tracker in trackers)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        # It prints percentages, and numpy warns where no run is long enough for the interval of the
        # EAO.
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            generate_document(opened.space, trackers, "html", name, select_experiments=experiments)
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    return opened.directory / "reports" / name / "report.html"
