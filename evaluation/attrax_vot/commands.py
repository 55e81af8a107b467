"""What each command does; every function returns the exit status."""

import argparse
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attrax.binary import home, registry
from attrax_vot.analysis import summary
from attrax_vot.datasets.vot import find_root
from attrax_vot.demo import render_dataset
from attrax_vot.run import provenance, registration
from attrax_vot.run.evaluate import Evaluation, Request, find_tracker
from attrax_vot.run.evaluate import evaluate as run_evaluation
from attrax_vot.run.toolkit import EvaluationError
from attrax_vot.run.workspace import Settings, load

if TYPE_CHECKING:
    from vot.workspace import Workspace

    from attrax_vot.compare.study import Request as ArmsRequest
    from attrax_vot.run.engine import Engine
    from attrax_vot.run.runner import Outcome


def dataset(options: argparse.Namespace) -> int:
    """Renders the demo dataset."""
    names = render_dataset(options.directory)
    print(f"{', '.join(names)}: {options.directory}")
    return 0


def demo(options: argparse.Namespace) -> int:
    """Renders the demo dataset and runs the baseline experiment on it."""
    sequences = options.directory / "dataset"
    render_dataset(sequences)
    settings = Settings(sequences, registry=_registry(options))
    outcome = run_evaluation(Request(options.directory / "workspace", settings, options.tracker))
    final = options.directory / "summary.json"
    shutil.copyfile(outcome.summary, final)
    return _tell(outcome, final)


def evaluate(options: argparse.Namespace) -> int:
    """Runs the experiment on a dataset on disk."""
    settings = Settings(
        options.dataset,
        options.sequences,
        options.stack,
        tuple(options.experiments),
        options.repetitions,
        _registry(options),
    )
    directory = options.workspace or home() / "out" / _name(options.dataset)
    outcome = run_evaluation(Request(directory, settings, options.tracker, options.reference))
    return _tell(outcome, outcome.summary)


def run(options: argparse.Namespace) -> int:
    """Runs trackers in a workspace, several sequences at a time."""
    from attrax_vot.run import estimate, jobs, parallel
    from attrax_vot.run.live import Table

    space = load(options.workspace)
    trackers = [find_tracker(space, name) for name in options.trackers]
    for tracker in trackers:
        registration.check(tracker)
    experiments = options.experiments or _supervised(space)
    part = jobs.Part(options.sequences, experiments, options.repetitions, _threads(options))
    planned = jobs.plan(space, trackers, part)
    for tracker in trackers:
        if any(job.tracker == tracker.reference for job in planned):
            provenance.note(options.workspace, tracker)
    if options.estimate:
        estimate.tell(planned, options.jobs, trackers, space, lambda line: print(line, flush=True))
    table = Table()
    outcomes = parallel.run(planned, _engine(options, options.workspace), table)
    failed = [outcome for outcome in outcomes if outcome.error]
    print(f"{len(outcomes) - len(failed)} of {len(planned)} jobs ended" if planned else "nothing is missing")
    if again := table.restarts():
        print(again)
    return 1 if failed else 0


def ablation(options: argparse.Namespace) -> int:
    """Runs variants of the tracker and tabulates them, or tabulates what is there."""
    from attrax_vot.compare import ablation as kind
    from attrax_vot.compare import ablation_page, study, variants

    def request() -> study.Request:
        arms = {name: variants.flags(name) for name in variants.resolve(options.variants, options.lambdas)}
        base = variants.base(_registry(options), options.tracker)
        return study.Request(
            options.directory, options.dataset, options.sequences, arms, options.seeds, base, kind.EXPERIMENTS
        )

    outcomes = _run_arms(options, request, kind.prepare, kind.run)
    found = kind.collect(options.directory)
    return _tell_arms(ablation_page.terminal(found), ablation_page.write(found, options.directory), outcomes)


def compare(options: argparse.Namespace) -> int:
    """Runs arms of a tracker and compares them, or compares existing results."""
    if options.starts or (options.render_only and (options.directory / "windows.json").is_file()):
        return _compare_windows(options)
    from attrax_vot.compare import arms, comparison, page, study

    if len(options.dataset) > 1:
        raise EvaluationError("the supervised experiment takes one --dataset; --starts N takes several")
    options.dataset = next(iter(options.dataset), None)

    def request() -> study.Request:
        wanted, base = arms.parse(options.arms, options.arm), arms.Base.of(options.tracker_command)
        # Where a cluster runs them, this machine may lack what they need, such as a GPU.
        if not options.slurm:
            arms.check(wanted, base)
        return study.Request(options.directory, options.dataset, options.sequences, wanted, options.seeds, base)

    outcomes = _run_arms(options, request, study.prepare, study.run)
    found = comparison.collect(options.directory)
    return _tell_arms(page.terminal(found), page.write(found, options.directory), outcomes)


def _compare_windows(options: argparse.Namespace) -> int:
    """Compares arms by short runs without resets."""
    from attrax_vot.compare import arms
    from attrax_vot.compare.windows import page, study

    errors: list[str] = []
    if not options.render_only:
        if options.slurm:
            raise EvaluationError("--starts runs on this machine alone; leave --slurm out")
        if not options.dataset:
            raise EvaluationError("give a folder of sequences with --dataset, or --render-only for existing results")
        wanted, base = arms.parse(options.arms, options.arm), arms.Base.of(options.tracker_command)
        arms.check(wanted, base)
        request = study.Request(
            options.directory, options.dataset, options.sequences, wanted, options.seeds, base,
            options.starts, options.length,
        )  # fmt: skip
        planned = study.prepare(request)
        print(planned.line(), flush=True)
        errors = study.start(planned, options.jobs, _threads(options))
    found = page.collect(options.directory)
    print(page.terminal(found))
    for path in page.write(found, options.directory):
        print(path)
    return 1 if errors else 0


def curves(options: argparse.Namespace) -> int:
    """Follows both losses over the training on first frames."""
    from attrax_vot.compare import arms
    from attrax_vot.compare import curves as kind
    from attrax_vot.compare.windows import plan

    clips = plan.find(options.dataset, options.sequences)
    wanted = arms.parse(options.arms, options.arm, seeds=False)
    files = kind.measure(options.directory, clips, wanted, options.jobs)
    print(files[1].read_text(), end="")
    for path in files:
        print(path)
    return 0


def _run_arms(
    options: argparse.Namespace, request: Callable[[], "ArmsRequest"], prepare: Callable, start: Callable
) -> list["Outcome"]:
    """Runs what is missing of arms, unless only what is there is asked for."""
    from attrax_vot.run.live import Table

    if options.render_only:
        return []
    if options.dataset is None:
        raise EvaluationError("give a folder of sequences with --dataset, or --render-only for what is there")
    planned = prepare(request(), _threads(options))
    print(planned.line(), flush=True)
    return start(planned, _engine(options, options.directory), Table())


def _tell_arms(table: str, files: list[Path], outcomes: list["Outcome"]) -> int:
    """Prints what arms came to, and where it is written."""
    print(table)
    for path in files:
        print(path)
    return 1 if any(outcome.error for outcome in outcomes) else 0


def report(options: argparse.Namespace) -> int:
    """Writes the report of a workspace."""
    from attrax_vot.report import tables, write
    from attrax_vot.report.collect import collect

    unknown = sorted(set(options.format) - set(write.FORMATS))
    if unknown:
        raise EvaluationError(f"there is no format {', '.join(unknown)}; there are {', '.join(write.FORMATS)}")
    found = collect(options.workspace, options.trackers, options.reference)
    files = write.write(found, options.out or options.workspace / "report", options.format)
    print(tables.text(write.shown(found)[0]))
    for path in files:
        print(path)
    return 0


def export(options: argparse.Namespace) -> int:
    """Writes results in the layout of another toolkit, with where they come from."""
    from vot.experiment.multirun import MultiRunExperiment, UnsupervisedExperiment

    from attrax_vot.analysis import exchange
    from attrax_vot.run.runner import sequences_of

    space = load(options.workspace)
    kind = UnsupervisedExperiment if options.layout == "got10k" else MultiRunExperiment
    experiments = [each for each in space.stack if isinstance(each, kind)]
    for tracker in [find_tracker(space, name) for name in options.trackers]:
        out = (options.out or options.workspace / "export") / tracker.reference
        files = [
            file
            for each in experiments
            for file in exchange.export(each, tracker, sequences_of(space, each), options.layout, out)
        ]
        if not files:
            names = ",".join(each.identifier for each in experiments)
            how = f"'attrax-vot run {options.workspace} {tracker.reference} --experiments {names}' makes them"
            raise EvaluationError(
                f"{tracker.reference} has no whole repetition to write in the layout {options.layout}; "
                + (how if names else "the workspace has no experiment without supervision, which it needs")
            )
        runs = provenance.read(options.workspace, tracker.reference)
        written = {
            "layout": options.layout,
            "stack": space.stack.title,
            "versions": provenance.versions(),
            "runs": runs,
        }
        exchange.note(out, {"tracker": tracker.reference, **written})
        print(f"{out}: {len(files)} files" + ("" if runs else "; the runs noted nothing about the tracker"))
    return 0


def calibrate(options: argparse.Namespace) -> int:
    """Prints the curve from a tracker's score to the probability that its box is right, and how good it is."""
    import numpy as np
    from vot.experiment.multirun import SupervisedExperiment

    from attrax_vot.analysis import calibration, scores
    from attrax_vot.run.runner import sequences_of

    space = load(options.workspace)
    frames: list[calibration.Frames] = []
    for experiment in (each for each in space.stack if isinstance(each, SupervisedExperiment)):
        bounded = scores.bounded(experiment)
        for tracker in (find_tracker(space, name) for name in options.trackers):
            frames += [
                calibration.read(experiment, tracker, sequence, bounded=bounded)
                for sequence in sequences_of(space, experiment)
            ]
    joined = calibration.joined(frames)
    if len(joined) < 2:
        names = ", ".join(options.trackers)
        raise EvaluationError(
            f"{names}: results with confidences on {len(joined)} sequences in {options.workspace}; two are the least"
        )
    curve, left_out = calibration.fit(joined), calibration.left_out(joined)
    right = np.concatenate([each.right for each in joined])
    base = calibration.quality(np.full(len(right), right.mean()), right)
    print(f"probability = 1 / (1 + exp(-({curve.offset:.3f} + {curve.slope:.3f} * confidence)))")
    share = f"{right.mean():.3f} of them with overlap {calibration.RIGHT} or more"
    print(f"{len(right)} frames of {len(joined)} sequences, {share}")
    print(f"on sequences left out: Brier {left_out.brier:.3f}, mean distance from the outcome {left_out.error:.3f}")
    print(f"the same probability for every frame: Brier {base.brier:.3f}")
    return 0


def plan(options: argparse.Namespace) -> int:
    """Simulates what is missing of a workspace on machines of a stated speed."""
    from attrax_vot.run import jobs
    from attrax_vot.run.plan import HEAD, Machines, recorded, simulate, stated

    if any(not each.isdigit() or int(each) < 1 for each in options.slots):
        raise EvaluationError(f"--slots takes numbers from 1 on, separated by commas: {','.join(options.slots)}")
    space = load(options.workspace)
    trackers = [find_tracker(space, name) for name in options.trackers]
    planned = jobs.plan(space, trackers, jobs.Part(experiments=_supervised(space)))
    if options.like:
        seconds = recorded(space, find_tracker(space, options.like))
    elif options.frame and options.init:
        seconds = stated(options.frame, options.init)
    else:
        raise EvaluationError("say how long a frame and an initialisation take, --frame S --init S, or --like TRACKER")
    counts = [int(each) for each in options.slots]
    done = [simulate(planned, seconds, Machines(each, options.fails_every)) for each in counts]
    repetitions, frames = sum(job.missing for job in planned), sum(job.work for job in planned)
    print(f"{len(planned)} jobs, {repetitions} repetitions, {frames} frames")
    print(summary.align([HEAD, *(each.row(count) for each, count in zip(done, counts, strict=True))]))
    return 0


def own(options: argparse.Namespace) -> int:
    """Registers a tracker of the user's."""
    from attrax_vot.run import own as registering

    text = registering.section(options.name, options.python, options.line)
    problems = registering.register(options.registry, options.name, text)
    print(text, end="")
    for problem in problems:
        print(f"warning: {problem.found}; {problem.fix}")
    print(f"next: attrax-vot verify --tracker {options.name} --registry {options.registry}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Checks that an evaluation will work here."""
    from attrax_vot.run.verify import run as run_checks

    return 0 if run_checks(_registry(options), options.tracker, print) else 1


def render(options: argparse.Namespace) -> int:
    """Draws strips of frames."""
    from attrax_vot.report.pictures import render_workspace

    out = options.out or options.workspace / "pictures" / options.tracker
    for path in render_workspace(options.workspace, options.tracker, out, options.sequences):
        print(path)
    return 0


def _supervised(space: "Workspace") -> list[str]:
    """The workspace's supervised experiments, which the toolkit's tables are of; all where it has none."""
    from vot.experiment.multirun import SupervisedExperiment

    return [each.identifier for each in space.stack if isinstance(each, SupervisedExperiment)]


def _threads(options: argparse.Namespace) -> int:
    """Threads for each tracker: the machine's cores, shared."""
    return options.threads or max(1, (os.cpu_count() or 1) // options.jobs)


def _engine(options: argparse.Namespace, directory: Path) -> "Engine":
    """What jobs are handed to: this machine, or a cluster."""
    from attrax_vot.run import engine

    folder = directory.resolve() / ".attrax" / "engine"
    if not options.slurm:
        return engine.Local(folder, options.jobs)
    wanted = engine.SlurmOptions(options.partition, options.gpus, _threads(options), options.minutes, options.memory)
    return engine.Slurm(folder, wanted)


def _registry(options: argparse.Namespace) -> Path:
    return options.registry or registry()


def _name(directory: Path) -> str:
    """What to call the workspace of a dataset: by its folder, or the one around a mere `sequences`."""
    root = find_root(directory)
    return root.parent.name if root.name == "sequences" else root.name


def _tell(outcome: Evaluation, path: Path) -> int:
    """Prints the table and where everything is."""
    print()
    print(summary.text(outcome.scores, outcome.references))
    print(f"summary: {path}")
    if outcome.report is not None:
        print(f"the toolkit's report: {outcome.report}")
    for failed in outcome.failed:
        print(f"not ended: {failed.sequence}: {failed.error}" + (f"\n  log: {failed.log}" if failed.log else ""))
    return 1 if outcome.failed else 0
