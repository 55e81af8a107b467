"""The commands that compare variants of the tracker."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attrax_vot.commands import engine, registry, threads
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from attrax_vot.compare.study import ArmsRequest


def compare(options: argparse.Namespace) -> int:
    """Runs arms of a tracker and compares them, or compares existing results."""
    if options.starts or (options.render_only and (options.directory / "windows.json").is_file()):
        return _compare_windows(options)
    from attrax_vot.compare import arms, comparison, page, study

    if len(options.dataset) > 1:
        raise EvaluationError("the supervised experiment takes one --dataset; --starts N takes several")
    options.dataset = next(iter(options.dataset), None)

    def request() -> study.ArmsRequest:
        wanted, base = arms.parse(options.arms, options.arm), arms.Base.of(options.tracker_command)
        # Where a cluster runs them, this machine may lack what they need, such as a GPU.
        if not options.slurm:
            arms.check(wanted, base)
        return study.ArmsRequest(options.directory, options.dataset, options.sequences, wanted, options.seeds, base)

    opened, failed = _run_arms(options, request, study.prepare, study.run)
    found = comparison.collect(opened)
    return _print_arms(page.terminal(found), page.write(found, options.directory), failed)


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
        request = study.WindowsRequest(
            options.directory, options.dataset, options.sequences, wanted, options.seeds, base,
            options.starts, options.length,
        )  # fmt: skip
        planned = study.prepare(request)
        print(planned.line(), flush=True)
        errors = study.start(planned, options.jobs, threads(options))
    found = page.collect(options.directory)
    return _print_arms(page.terminal(found), page.write(found, options.directory), bool(errors))


def ablation(options: argparse.Namespace) -> int:
    """Runs variants of the tracker and tabulates them, or tabulates what is there."""
    from attrax_vot.compare import ablation as kind
    from attrax_vot.compare import ablation_page, study, variants

    def request() -> study.ArmsRequest:
        arms = {name: variants.flags(name) for name in variants.resolve(options.variants, options.lambdas)}
        base = variants.base(registry(options), options.tracker)
        return study.ArmsRequest(
            options.directory, options.dataset, options.sequences, arms, options.seeds, base, kind.EXPERIMENTS
        )

    opened, failed = _run_arms(options, request, kind.prepare, kind.run)
    found = kind.collect(opened)
    return _print_arms(ablation_page.terminal(found), ablation_page.write(found, options.directory), failed)


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
) -> tuple[OpenWorkspace, bool]:
    """Runs what is missing of arms, unless only the existing results are asked for.

    Returns:
        The workspace, and whether a job failed.
    """
    from attrax_vot.run.live import LiveTable

    if options.render_only:
        return OpenWorkspace(options.directory), False
    if options.dataset is None:
        raise EvaluationError("give a folder of sequences with --dataset, or --render-only for existing results")
    planned = prepare(request(), threads(options))
    print(planned.line(), flush=True)
    outcomes = start(planned, engine(options, options.directory), LiveTable())
    return planned.opened, any(outcome.error for outcome in outcomes)


def _print_arms(table: str, files: list[Path], failed: bool) -> int:
    """Prints the results of arms, and where they are written."""
    print(table)
    for path in files:
        print(path)
    return 1 if failed else 0
