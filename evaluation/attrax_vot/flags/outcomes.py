"""Flags of the commands about results."""

import argparse
from pathlib import Path

from attrax_vot.flags import Commands, names, port

FIGURES = ("eao", "ar", "ranking", "success", "precision", "attributes", "speed", "timeline", "strip")


def add(commands: Commands) -> None:
    """Adds the commands."""
    _add_report(commands)
    _add_explore(commands)
    _add_figure(commands)
    _add_render(commands)
    _add_export(commands)
    _add_calibrate(commands)


def _add_shown(command: argparse.ArgumentParser) -> None:
    """The arguments of the trackers that are shown."""
    command.add_argument("trackers", nargs="*", metavar="TRACKER", help="only these [all that have results]")
    command.add_argument(
        "--reference", type=Path, action="append", default=[], metavar="DIR",
        help="published raw results to add; may be given again",
    )  # fmt: skip


def _add_report(commands: Commands) -> None:
    """The command that writes a report."""
    report = commands.add_parser("report", help="write a page, a table and summary.json about a workspace")
    report.add_argument("workspace", type=Path, help="with results")
    _add_shown(report)
    report.add_argument(
        "--format", type=names, default=["html", "markdown"], metavar="A,B",
        help="html, markdown, latex, csv [html,markdown]; summary.json is always written",
    )  # fmt: skip
    report.add_argument("--out", type=Path, help="where it goes [WORKSPACE/report]")


def _add_explore(commands: Commands) -> None:
    """The command that serves a page about a workspace."""
    explore = commands.add_parser(
        "explore",
        help="look at a workspace in a browser: table, curves, and every frame with its boxes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="It prints the page's address, on this machine's loopback alone. From another machine:\n"
        "  ssh -L 8766:127.0.0.1:8766 HOST attrax-vot explore out/vot2016\n"
        "and open the same address there. Ctrl-C ends it. While a run goes on, the page shows what has ended.",
    )
    explore.add_argument("workspace", type=Path, help="with results, or with a run that makes them")
    _add_shown(explore)
    explore.add_argument("--port", type=port, default=8766, metavar="N", help="of the page; 0 takes a free one [8766]")


def _add_figure(commands: Commands) -> None:
    """The command that draws figures for papers."""
    figure = commands.add_parser("figure", help="draw a figure of a workspace as PDF, SVG or PNG")
    figure.add_argument("workspace", type=Path, help="with results")
    figure.add_argument(
        "kind",
        choices=FIGURES,
        metavar="KIND",
        help=f"{', '.join(FIGURES)}; timeline and strip are of single sequences",
    )
    _add_shown(figure)
    figure.add_argument("--sequences", type=names, metavar="A,B", help="of timeline and strip [the hardest one]")
    figure.add_argument("--format", type=names, default=["pdf"], metavar="A,B", help="pdf, svg, png [pdf]")
    figure.add_argument("--out", type=Path, help="where it goes [WORKSPACE/figures]")


def _add_render(commands: Commands) -> None:
    """The command that draws strips of frames."""
    render = commands.add_parser("render", help="draw strips of frames with ground truth and boxes")
    render.add_argument("workspace", type=Path, help="with results")
    render.add_argument("--tracker", default="DAT", help="whose results [DAT]")
    render.add_argument("--sequences", type=names, metavar="A,B", help="only these [all]")
    render.add_argument("--out", type=Path, help="where the pictures go [WORKSPACE/pictures/TRACKER]")


def _add_export(commands: Commands) -> None:
    """The command that writes results in other layouts."""
    export = commands.add_parser("export", help="write results in the layout of another toolkit, with their provenance")
    export.add_argument("workspace", type=Path, help="with results")
    export.add_argument("trackers", nargs="+", metavar="TRACKER", help="whose results")
    export.add_argument("--layout", choices=("vot", "got10k"), default="vot", help="vot, got10k [vot]")
    export.add_argument("--out", type=Path, help="where they go, a folder for each tracker [WORKSPACE/export]")


def _add_calibrate(commands: Commands) -> None:
    """The command that fits a probability to confidences."""
    calibrate = commands.add_parser("calibrate", help="fit how likely a box is right to the confidences of trackers")
    calibrate.add_argument("workspace", type=Path, help="with results")
    calibrate.add_argument("trackers", nargs="+", metavar="TRACKER", help="whose results, together")
