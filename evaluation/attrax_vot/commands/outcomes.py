"""The commands about results."""

import argparse
import contextlib
import logging
from collections.abc import Iterable

from attrax_vot.run import provenance
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError


def report(options: argparse.Namespace) -> int:
    """Writes the report of a workspace."""
    from attrax_vot.report import tables, write
    from attrax_vot.report.collect import collect

    _check_formats(options.format, write.FORMATS)
    found = collect(OpenWorkspace(options.workspace, options.reference), options.trackers)
    files = write.write(found, options.out or options.workspace / "report", options.format)
    print(tables.text(write.shown(found)[0]))
    for path in files:
        print(path)
    return 0


def explore(options: argparse.Namespace) -> int:
    """Serves the page of a workspace until it is ended."""
    import secrets

    from attrax_vot.explore import server, site
    from attrax_vot.explore.board import Board
    from attrax_vot.explore.maps import Maps
    from attrax_vot.explore.study import Study
    from attrax_vot.run.processes import Ended

    study = Study(OpenWorkspace(options.workspace, options.reference, checked=False), options.trackers)
    board = Board(study)
    with contextlib.closing(Maps(study)) as maps:
        pages = server.Pages(secrets.token_hex(16), site.public(), site.Site(study, board, maps).answer)
        with server.Server(options.port, pages) as serving:
            print(serving.address, flush=True)
            board.watch()
            # Ctrl-C is how it ends.
            with contextlib.suppress(Ended):
                serving.serve_forever()
    # Scores that are being computed end with the program; the toolkit's threads would print a
    # traceback.
    logging.getLogger("concurrent.futures").setLevel(logging.CRITICAL + 1)
    return 0


def figure(options: argparse.Namespace) -> int:
    """Draws figures of a workspace."""
    from attrax_vot.explore.study import Study
    from attrax_vot.report import figures
    from attrax_vot.report.collect import collect

    _check_formats(options.format, figures.FORMATS)
    opened = OpenWorkspace(options.workspace, options.reference)
    found = collect(opened, options.trackers, pictures=False)
    drawn = figures.draw(options.kind, found, lambda: Study(opened, options.trackers), options.sequences)
    for path in figures.write(drawn, options.out or options.workspace / "figures", options.format):
        print(path)
    return 0


def _check_formats(wanted: list[str], known: Iterable[str]) -> None:
    """Makes sure that all wanted formats are known.

    Raises:
        EvaluationError: one is not.
    """
    if unknown := sorted(set(wanted) - set(known)):
        raise EvaluationError(f"there is no format {', '.join(unknown)}; there are {', '.join(known)}")


def render(options: argparse.Namespace) -> int:
    """Draws strips of frames."""
    from attrax_vot.report.pictures import render_workspace

    out = options.out or options.workspace / "pictures" / options.tracker
    for path in render_workspace(OpenWorkspace(options.workspace), options.tracker, out, options.sequences):
        print(path)
    return 0


def export(options: argparse.Namespace) -> int:
    """Writes results in the layout of another toolkit, with where they come from."""
    from vot.experiment.multirun import MultiRunExperiment, UnsupervisedExperiment

    from attrax_vot.analysis import exchange

    opened = OpenWorkspace(options.workspace)
    kind = UnsupervisedExperiment if options.layout == "got10k" else MultiRunExperiment
    experiments = [each for each in opened.experiments if isinstance(each, kind)]
    for tracker in [opened.tracker(name) for name in options.trackers]:
        out = (options.out or options.workspace / "export") / tracker.reference
        files = [
            file for each in experiments for file in exchange.export(opened.run(each, tracker), options.layout, out)
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
            "stack": opened.title,
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

    opened = OpenWorkspace(options.workspace)
    frames: list[calibration.Frames] = []
    for experiment in (each for each in opened.experiments if isinstance(each, SupervisedExperiment)):
        bounded = scores.bounded(experiment)
        for run in (opened.run(experiment, opened.tracker(name)) for name in options.trackers):
            frames += [calibration.read(run, sequence, bounded=bounded) for sequence in run.sequences]
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
