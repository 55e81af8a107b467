"""The commands that look at a dataset and make a workspace of it; every function returns the exit status."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from attrax_vot.datasets import check as checks
from attrax_vot.datasets import layouts, unread
from attrax_vot.datasets.clip import Clip
from attrax_vot.errors import EvaluationError
from attrax_vot.program import registry


def check(options: argparse.Namespace) -> int:
    """Lists everything odd in a dataset, and starts nothing."""
    clips = layouts.find(options.format, options.dataset, options.sequences)
    checks.frames(clips)
    _print(clips)
    others = _print_unread(options.format, options.dataset, options.sequences, clips)
    damaged = sum(bool(clip.errors) for clip in clips)
    odd = sum(bool(clip.findings) for clip in clips)
    print(f"{len(clips)} sequences, {odd} odd, {damaged} of them damaged")
    return 1 if odd or others else 0


def init(options: argparse.Namespace) -> int:
    """Makes a workspace, downloads or links its dataset, and checks every frame of it."""
    from attrax_vot.run import driver, workspace
    from attrax_vot.run.download import download

    experiments = tuple(options.experiments or ())
    if options.format != "vot":
        if options.dataset is None:
            raise EvaluationError(f"--format {options.format} needs the dataset's folder: --dataset DIR")
        # These benchmarks define one pass without supervision.
        experiments = experiments or ("unsupervised",)
    settings = workspace.Settings(
        options.dataset,
        options.sequences,
        options.stack,
        experiments,
        options.repetitions,
        options.registry or registry(),
        options.format,
    )
    if options.dataset is None:
        download(options.directory, options.stack)
    clips = workspace.read(options.directory, settings)
    if clips and not options.skip_damaged and not any(clip.channels or clip.errors for clip in clips):
        # Published annotations, for example.
        print(
            f"{clips[0].folder.parent} has ground truth without frames: results can be analysed and a run be planned, "
            "but no tracker can run",
            file=sys.stderr,
        )
    else:
        checks.frames(clips)
    _print(clips, sys.stderr)
    if options.dataset is not None:
        _print_unread(options.format, options.dataset, options.sequences, clips)
    damaged = [clip for clip in clips if clip.errors]
    if damaged and not options.skip_damaged:
        names = ", ".join(clip.name for clip in damaged[:10]) + (", ..." if len(damaged) > 10 else "")
        print(
            f"{len(damaged)} of {len(clips)} sequences are damaged: {names}; mend them, name others with --sequences, "
            "or leave them out with --skip-damaged",
            file=sys.stderr,
        )
        return 1
    used = [clip for clip in clips if not clip.errors]
    if not used:
        raise EvaluationError(f"none of {len(clips)} sequences can be used")
    if damaged:
        print(f"left out: {', '.join(clip.name for clip in damaged)}")
        if options.dataset is None:
            # Their list is written again, without the damaged ones.
            settings = replace(settings, dataset=options.directory / "sequences")
    workspace.prepare(options.directory, settings, used)
    known = workspace.load(options.directory).registry
    for warning in filter(None, map(driver.warning, known)):
        print(f"warning: {warning}")
    names = known.identifiers()
    tracker = "DAT" if "DAT" in names else next(iter(names), "TRACKER")
    print(f"{options.directory} is ready; next: attrax-vot run {options.directory} {tracker} --jobs 2")
    return 0


def _print(clips: list[Clip], damaged: TextIO | None = None) -> None:
    """Prints findings, a line each; fatal ones go to the stream `damaged`."""
    for clip in clips:
        for finding in clip.findings:
            if finding.fatal:
                print(f"damaged: {finding.text}", file=damaged)
            else:
                print(f"odd: {finding.text}")


def _print_unread(layout: str, dataset: Path, names: list[str] | None, clips: list[Clip]) -> bool:
    """Prints what is read as no sequence, where all sequences are wanted; whether there is any."""
    sentences = [] if names else unread.find(layout, dataset, clips)
    for sentence in sentences:
        print(f"odd: {sentence}")
    return bool(sentences)
