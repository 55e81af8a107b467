"""Variants of the tracker on the same sequences: run, and measured by OTB's and by the toolkit's measures.

The supervised experiment comes first. Where a tracker was never lost in it, it was never restarted: the trajectory
is what one pass without supervision gives, because both begin with the first frame, the same box and the same
count of initialisations, 0. So the unsupervised experiment is run only where there was a failure.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from vot.experiment.multirun import UnsupervisedExperiment
from vot.tracker import Tracker, Trajectory

from attrax_vot.analysis import otb, results, scores
from attrax_vot.compare import arms, study, variants
from attrax_vot.compare.arms import Entry
from attrax_vot.compare.study import Plan, Request
from attrax_vot.run import evaluate, jobs, parallel, runner, workspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vot.dataset import Sequence
    from vot.experiment.multirun import SupervisedExperiment
    from vot.workspace import Workspace

# What stands in the place of a sequence's name where a row is about all of them.
ALL = "all"
EXPERIMENTS = ("baseline", "unsupervised")


@dataclass(frozen=True)
class Row:
    """One variant with one seed on one sequence, or on all; not a number where nothing is known.

    Attributes:
        variant: its name.
        seed: of its random draws.
        sequence: its name, or `all`.
        frames: of the sequence.
        precision: OTB's distance precision at 20 pixels; over sequences, their plain mean.
        success: OTB's area under the success plot; the same.
        success_half: share of frames with an overlap above 0.5; the same.
        centre_error: pixels; the same.
        accuracy: the toolkit's, as in the report.
        failures: the toolkit's; over sequences, their sum.
        robustness: the toolkit's.
        eao: the toolkit's expected average overlap.
        seconds_per_frame: of the supervised experiment.
        seconds_per_initialization: the same.
    """

    variant: str
    seed: int
    sequence: str
    frames: int
    precision: float = float("nan")
    success: float = float("nan")
    success_half: float = float("nan")
    centre_error: float = float("nan")
    accuracy: float = float("nan")
    failures: float = float("nan")
    robustness: float = float("nan")
    eao: float = float("nan")
    seconds_per_frame: float = float("nan")
    seconds_per_initialization: float = float("nan")


@dataclass(frozen=True)
class Ablation:
    """Everything that is known of an ablation.

    Attributes:
        tracker: that the variants are made of.
        variants: those that were asked for, in the tables' order.
        sequences: names.
        frames: of all sequences together.
        interval: first and last frame of the expected average overlap.
        rows: one for each variant, seed and sequence that has ended, and one for all sequences where all have.
        missing: what has not ended, a line each.
    """

    tracker: str
    variants: list[str]
    sequences: list[str]
    frames: int
    interval: tuple[int, int]
    rows: list[Row] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def prepare(request: Request, threads: int) -> Plan:
    """Makes the workspace and finds out what is to be run; results in it stay.

    Raises:
        EvaluationError: the request cannot be met.
    """
    plan = study.prepare(request, threads)
    supervised, _ = experiments(plan.space)
    sequences = runner.sequences_of(plan.space, supervised)
    more = []
    # One-pass runs that an interrupted run has not come to.
    for entry in plan.entries:
        tracker = evaluate.find_tracker(plan.space, entry.reference)
        lost = [each.name for each in sequences if needs_one_pass(supervised, tracker, each)]
        more += _one_pass_jobs(plan, tracker, lost) if lost else []
    return plan.with_jobs(more)


def run(plan: Plan, engine: parallel.Engine, show: "Callable[[list[parallel.Progress]], None]") -> list[runner.Outcome]:
    """Runs what is missing; where a target is lost, a run without supervision follows.

    Returns:
        How each job went; a tracker's failure is told, not raised.
    """
    supervised, _ = experiments(plan.space)
    sequences = {each.name: each for each in runner.sequences_of(plan.space, supervised)}

    def then(job: jobs.Job) -> list[jobs.Job]:
        tracker = evaluate.find_tracker(plan.space, job.tracker)
        if job.experiment != supervised.identifier:
            return []
        if not needs_one_pass(supervised, tracker, sequences[job.sequence]):
            return []
        return _one_pass_jobs(plan, tracker, [job.sequence])

    return study.run(plan, engine, show, then)


def _one_pass_jobs(plan: Plan, tracker: Tracker, sequences: list[str]) -> list[jobs.Job]:
    """What is missing of a tracker's runs without supervision on some sequences."""
    _, unsupervised = experiments(plan.space)
    return jobs.plan(plan.space, [tracker], jobs.Part(sequences, [unsupervised.identifier], threads=plan.threads))


def experiments(space: "Workspace") -> tuple["SupervisedExperiment", UnsupervisedExperiment]:
    """The workspace's two experiments.

    Raises:
        EvaluationError: it lacks one.
    """
    for experiment in space.stack:
        if isinstance(experiment, UnsupervisedExperiment):
            return evaluate.supervised(space), experiment
    raise EvaluationError("the workspace has no unsupervised experiment: it was not made by an ablation")


def needs_one_pass(supervised: "SupervisedExperiment", tracker: Tracker, sequence: "Sequence") -> bool:
    """Whether a tracker was helped in the first supervised repetition, so that it has to run without help too."""
    found = results.read(supervised.results(tracker, sequence), sequence, 1)
    return found is not None and bool(found.failures)


def one_pass(
    supervised: "SupervisedExperiment", unsupervised: UnsupervisedExperiment, tracker: Tracker, sequence: "Sequence"
) -> Trajectory | None:
    """The trajectory of one pass without help, or nothing where there is none yet."""
    # Only the first repetition begins with the first count of initialisations.
    chosen = supervised
    if results.read(supervised.results(tracker, sequence), sequence, 1) is None:
        return None
    if needs_one_pass(supervised, tracker, sequence):
        chosen = unsupervised
    stored = chosen.results(tracker, sequence)
    if results.read(stored, sequence, 1) is None:
        return None
    return Trajectory.read(stored, results.name(sequence, 1))


def collect(directory: Path) -> Ablation:
    """Measures what is there.

    Raises:
        EvaluationError: the folder holds no ablation.
    """
    space = workspace.load(directory)
    both = experiments(space)
    entries = variants.registered(directory)
    if not entries:
        raise EvaluationError(f"{directory} has no variants in its trackers.ini: no ablation was begun here")
    sequences = runner.sequences_of(space, both[0])
    lengths = [len(sequence) for sequence in sequences]
    found = Ablation(
        arms.origin(directory),
        list(dict.fromkeys(entry.arm for entry in entries)),
        [sequence.name for sequence in sequences],
        sum(lengths),
        scores.interval(both[0]),
    )
    truths = {sequence.name: otb.boxes(sequence.groundtruth()) for sequence in sequences}
    for entry in entries:
        tracker = evaluate.find_tracker(space, entry.reference)
        rows, missing = _measure(both, tracker, entry, sequences, truths)
        found.rows.extend(rows)
        found.missing.extend(missing)
    return found


def _measure(
    both: tuple["SupervisedExperiment", UnsupervisedExperiment],
    tracker: Tracker,
    entry: Entry,
    sequences: list["Sequence"],
    truths: dict[str, otb.Boxes],
) -> tuple[list[Row], list[str]]:
    """The rows of one variant with one seed, and what is missing of it."""
    ended = [each for each in sequences if results.repetitions(both[0], tracker, each)]
    missing = [f"{entry.reference}: {each.name}" for each in sequences if each not in ended]
    if not ended:
        return [], missing
    scored = scores.score(both[0], tracker, ended)
    rows = []
    for sequence, official in zip(ended, scored.rows, strict=True):
        trajectory = one_pass(*both, tracker, sequence)
        measured = {}
        if trajectory is None:
            missing.append(f"{entry.reference}: {sequence.name} without supervision")
        else:
            measured = vars(otb.measure(otb.boxes(trajectory.regions()), truths[sequence.name]))
        rows.append(Row(entry.arm, entry.seed, sequence.name, len(sequence), **measured, **_official(official)))
    if len(ended) == len(sequences):
        means = {each.name: fmean(getattr(row, each.name) for row in rows) for each in fields(otb.Measures)}
        total = scored.total
        rows.append(Row(entry.arm, entry.seed, ALL, total.frames, **means, **_official(total)))
    return rows, missing


def _official(score: scores.Score) -> dict[str, float]:
    """The toolkit's measures that a row has."""
    wanted = {each.name for each in fields(Row)} - {"frames"}
    return {name: value for name, value in vars(score).items() if name in wanted}
