"""The commands that make workspaces and run trackers."""

import argparse
import shutil
from pathlib import Path

from attrax_vot.analysis import summary
from attrax_vot.commands import engine, registry, supervised, threads
from attrax_vot.datasets.vot import find_root
from attrax_vot.demo import render_dataset
from attrax_vot.program import home
from attrax_vot.run import provenance, registration
from attrax_vot.run.evaluate import Evaluation, EvaluationRequest
from attrax_vot.run.evaluate import evaluate as run_evaluation
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError
from attrax_vot.run.workspace import Settings


def dataset(options: argparse.Namespace) -> int:
    """Renders the demo dataset."""
    names = render_dataset(options.directory)
    print(f"{', '.join(names)}: {options.directory}")
    return 0


def demo(options: argparse.Namespace) -> int:
    """Renders the demo dataset and runs the baseline experiment on it."""
    sequences = options.directory / "dataset"
    render_dataset(sequences)
    settings = Settings(sequences, registry=registry(options))
    outcome = run_evaluation(EvaluationRequest(options.directory / "workspace", settings, options.tracker))
    final = options.directory / "summary.json"
    shutil.copyfile(outcome.summary, final)
    return _print(outcome, final)


def evaluate(options: argparse.Namespace) -> int:
    """Runs the experiment on a dataset on disk."""
    settings = Settings(
        options.dataset,
        options.sequences,
        options.stack,
        tuple(options.experiments),
        options.repetitions,
        registry(options),
    )
    directory = options.workspace or home() / "out" / _workspace_name(options.dataset)
    outcome = run_evaluation(EvaluationRequest(directory, settings, options.tracker, options.reference))
    return _print(outcome, outcome.summary)


def run(options: argparse.Namespace) -> int:
    """Runs trackers in a workspace, several sequences at a time."""
    from attrax_vot.run import estimate, jobs, parallel
    from attrax_vot.run.live import LiveTable

    opened = OpenWorkspace(options.workspace)
    trackers = [opened.tracker(name) for name in options.trackers]
    for tracker in trackers:
        registration.check(tracker)
    experiments = options.experiments or supervised(opened)
    part = jobs.Part(options.sequences, experiments, options.repetitions, threads(options))
    planned = jobs.plan(opened, trackers, part)
    for tracker in trackers:
        if any(job.tracker == tracker.reference for job in planned):
            provenance.note(options.workspace, tracker)
    if options.estimate:
        estimate.tell(planned, options.jobs, trackers, opened, lambda line: print(line, flush=True))
    table = LiveTable()
    outcomes = parallel.run(planned, engine(options, options.workspace), table)
    failed = [outcome for outcome in outcomes if outcome.error]
    print(f"{len(outcomes) - len(failed)} of {len(planned)} jobs ended" if planned else "nothing is missing")
    if again := table.restarts():
        print(again)
    return 1 if failed else 0


def plan(options: argparse.Namespace) -> int:
    """Simulates what is missing of a workspace on machines of a stated speed."""
    from attrax_vot.run import jobs
    from attrax_vot.run.plan import HEAD, Machines, recorded, simulate, stated

    if any(not each.isdigit() or int(each) < 1 for each in options.slots):
        raise EvaluationError(f"--slots takes numbers from 1 on, separated by commas: {','.join(options.slots)}")
    opened = OpenWorkspace(options.workspace)
    trackers = [opened.tracker(name) for name in options.trackers]
    planned = jobs.plan(opened, trackers, jobs.Part(experiments=supervised(opened)), clear=False)
    if options.like:
        seconds = recorded(opened, opened.tracker(options.like))
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

    return 0 if run_checks(registry(options), options.tracker, print) else 1


def _workspace_name(directory: Path) -> str:
    """What to call the workspace of a dataset: by its folder, or the one around a mere `sequences`."""
    root = find_root(directory)
    return root.parent.name if root.name == "sequences" else root.name


def _print(outcome: Evaluation, path: Path) -> int:
    """Prints the table and where everything is."""
    print()
    print(summary.text(outcome.scores, outcome.references))
    print(f"summary: {path}")
    if outcome.report is not None:
        print(f"the toolkit's report: {outcome.report}")
    for failed in outcome.failed:
        print(f"not ended: {failed.sequence}: {failed.error}" + (f"\n  log: {failed.log}" if failed.log else ""))
    return 1 if outcome.failed else 0
