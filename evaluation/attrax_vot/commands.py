"""What each command does; every function returns the exit status."""

import argparse
import shutil
from pathlib import Path

from attrax_vot import summary
from attrax_vot.dataset import find_root
from attrax_vot.demo import render_dataset
from attrax_vot.evaluate import Evaluation, Request
from attrax_vot.evaluate import evaluate as run_evaluation
from attrax_vot.workspace import PROJECT, Settings


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
    directory = options.workspace or PROJECT / "out" / _name(options.dataset)
    outcome = run_evaluation(Request(directory, settings, options.tracker, options.reference))
    return _tell(outcome, outcome.summary)


def render(options: argparse.Namespace) -> int:
    """Draws strips of frames."""
    from attrax_vot.pictures import render_workspace

    out = options.out or options.workspace / "pictures" / options.tracker
    for path in render_workspace(options.workspace, options.tracker, out, options.sequences):
        print(path)
    return 0


def _registry(options: argparse.Namespace) -> Path:
    return options.registry or PROJECT / "trackers.ini"


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
        print(
            f"not ended: {failed.sequence}: {failed.error}" + (f"\n  log: {failed.log}" if failed.log else "")
        )
    return 1 if outcome.failed else 0
