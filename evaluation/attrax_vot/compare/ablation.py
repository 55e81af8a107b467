"""Variants of the tracker on the same sequences: run, and measured by OTB's and by the toolkit's measures.

The supervised experiment comes first. Where a tracker was never lost in it, it was never restarted: the trajectory
is what one pass without supervision gives, because both begin with the first frame, the same box and the same
count of initialisations, 0. So the unsupervised experiment is run only where there was a failure.
"""

from dataclasses import dataclass, field, fields
from statistics import fmean
from typing import TYPE_CHECKING

from vot.tracker import Tracker, Trajectory

from attrax_vot.analysis import otb, results, scores
from attrax_vot.analysis.runs import Run
from attrax_vot.compare import arms, study, variants
from attrax_vot.compare.arms import SeededArm
from attrax_vot.compare.study import ArmsPlan, ArmsRequest
from attrax_vot.run import jobs, parallel, runner
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vot.dataset import Sequence
    from vot.experiment.multirun import SupervisedExperiment, UnsupervisedExperiment

# What stands in the place of a sequence's name where a row is about all of them.
ALL = "all"
EXPERIMENTS = ("baseline", "unsupervised")


@dataclass(frozen=True)
class VariantRow:
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
    """The results of an ablation.

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
    rows: list[VariantRow] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def prepare(request: ArmsRequest, threads: int) -> ArmsPlan:
    """Makes the workspace and finds out what is to be run; results in it stay.

    Raises:
        EvaluationError: the request cannot be met.
    """
    plan = study.prepare(request, threads)
    supervised, _ = experiments(plan.opened)
    more = []
    # One-pass runs that an interrupted run has not come to.
    for entry in plan.entries:
        run = plan.opened.run(supervised, plan.opened.tracker(entry.reference))
        lost = [each.name for each in run.sequences if needs_one_pass(run, each)]
        more += _one_pass_jobs(plan, run.tracker, lost) if lost else []
    return plan.with_jobs(more)


def run(
    plan: ArmsPlan, engine: parallel.Engine, show: "Callable[[list[parallel.JobState]], None]"
) -> list[runner.Outcome]:
    """Runs what is missing; where a target is lost, a run without supervision follows.

    Returns:
        How each job went; a tracker's failure is reported, not raised.
    """
    supervised, _ = experiments(plan.opened)
    sequences = {each.name: each for each in plan.opened.sequences(supervised)}

    def then(job: jobs.Job) -> list[jobs.Job]:
        run = plan.opened.run(supervised, plan.opened.tracker(job.tracker))
        if job.experiment != supervised.identifier or not needs_one_pass(run, sequences[job.sequence]):
            return []
        return _one_pass_jobs(plan, run.tracker, [job.sequence])

    return study.run(plan, engine, show, then)


def _one_pass_jobs(plan: ArmsPlan, tracker: Tracker, sequences: list[str]) -> list[jobs.Job]:
    """What is missing of a tracker's runs without supervision on some sequences."""
    _, unsupervised = experiments(plan.opened)
    return jobs.plan(plan.opened, [tracker], jobs.Part(sequences, [unsupervised.identifier], threads=plan.threads))


def experiments(opened: OpenWorkspace) -> tuple["SupervisedExperiment", "UnsupervisedExperiment"]:
    """The workspace's two experiments.

    Raises:
        EvaluationError: it lacks one.
    """
    if opened.one_pass is None:
        raise EvaluationError("the workspace has no unsupervised experiment: it was not made by an ablation")
    return opened.needed(), opened.one_pass


def needs_one_pass(supervised: Run, sequence: "Sequence") -> bool:
    """Whether a tracker was helped in the first supervised repetition, so that it has to run without help too."""
    found = results.read(supervised.results(sequence), sequence, 1)
    return found is not None and bool(found.failures)


def one_pass(supervised: Run, unsupervised: Run, sequence: "Sequence") -> Trajectory | None:
    """The trajectory of one pass without help, or nothing where there is none yet."""
    # Only the first repetition begins with the first count of initialisations.
    if results.read(supervised.results(sequence), sequence, 1) is None:
        return None
    chosen = unsupervised if needs_one_pass(supervised, sequence) else supervised
    if results.read(chosen.results(sequence), sequence, 1) is None:
        return None
    return chosen.trajectory(sequence, 1)


def collect(opened: OpenWorkspace) -> Ablation:
    """Measures the results in a workspace.

    Raises:
        EvaluationError: the workspace holds no ablation.
    """
    both = experiments(opened)
    entries = variants.registered(opened.directory)
    if not entries:
        raise EvaluationError(f"{opened.directory} has no variants in its trackers.ini: no ablation was begun here")
    sequences = opened.sequences(both[0])
    lengths = [len(sequence) for sequence in sequences]
    found = Ablation(
        arms.origin(opened.directory),
        list(dict.fromkeys(entry.arm for entry in entries)),
        [sequence.name for sequence in sequences],
        sum(lengths),
        scores.interval(both[0]),
    )
    truths = {sequence.name: otb.boxes(sequence.groundtruth()) for sequence in sequences}
    for entry in entries:
        tracker = opened.tracker(entry.reference)
        rows, missing = _measure(opened.run(both[0], tracker), opened.run(both[1], tracker), entry, truths)
        found.rows.extend(rows)
        found.missing.extend(missing)
    return found


def _measure(
    supervised: Run, unsupervised: Run, entry: SeededArm, truths: dict[str, otb.Boxes]
) -> tuple[list[VariantRow], list[str]]:
    """The rows of one variant with one seed, and what is missing of it."""
    ended = supervised.ended
    missing = [f"{entry.reference}: {each.name}" for each in supervised.sequences if each not in ended]
    if not ended:
        return [], missing
    scored = scores.score(supervised.on(ended))
    rows = []
    for sequence, official in zip(ended, scored.rows, strict=True):
        trajectory = one_pass(supervised, unsupervised, sequence)
        measured = {}
        if trajectory is None:
            missing.append(f"{entry.reference}: {sequence.name} without supervision")
        else:
            measured = vars(otb.measure(otb.boxes(trajectory.regions()), truths[sequence.name]))
        rows.append(VariantRow(entry.arm, entry.seed, sequence.name, len(sequence), **measured, **_official(official)))
    if len(ended) == len(supervised.sequences):
        means = {each.name: fmean(getattr(row, each.name) for row in rows) for each in fields(otb.Measures)}
        total = scored.total
        rows.append(VariantRow(entry.arm, entry.seed, ALL, total.frames, **means, **_official(total)))
    return rows, missing


def _official(score: scores.Score) -> dict[str, float]:
    """The toolkit's measures that a row has."""
    wanted = {each.name for each in fields(VariantRow)} - {"frames"}
    return {name: value for name, value in vars(score).items() if name in wanted}
