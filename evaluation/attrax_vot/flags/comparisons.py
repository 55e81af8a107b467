"""Flags of the commands that compare variants of the tracker."""

import argparse
from pathlib import Path

from attrax_vot.flags import Commands, add_engine, add_tracker, names, positive


def add(commands: Commands) -> None:
    """Adds the commands."""
    _add_compare(commands)
    _add_ablation(commands)
    _add_curves(commands)


def _add_compare(commands: Commands) -> None:
    """The command that compares arms."""
    command = commands.add_parser(
        "compare", help="run arms of the tracker, commands with other flags, and compare them"
    )
    command.add_argument("directory", type=Path, help="of the workspace, where compare.csv and compare.md go too")
    command.add_argument(
        "--arm", action="append", default=[], metavar="NAME='FLAGS'",
        help="flags of attrax serve; the first arm is what the others are compared to; may be given again",
    )  # fmt: skip
    command.add_argument(
        "--arms", type=Path, action="append", default=[], metavar="FILE", help="TOML with lines name = 'flags'"
    )
    command.add_argument("--seeds", type=positive, default=3, metavar="N", help="runs of each arm: seeds 1 to N [3]")
    command.add_argument(
        "--command", dest="tracker_command", default="attrax serve", metavar="LINE",
        help="that the flags are added to [attrax serve]",
    )  # fmt: skip
    windows = command.add_argument_group("short runs without resets, instead of the supervised experiment")
    windows.add_argument(
        "--starts", type=positive, metavar="N", help="run from every N-th frame of each sequence; --dataset may repeat"
    )
    windows.add_argument(
        "--length", type=positive, default=60, metavar="N", help="number of frames after the first one [60]"
    )
    _add_study(command, several=True)
    add_engine(command, 2)


def _add_study(command: argparse.ArgumentParser, several: bool = False) -> None:
    """What is compared on what, perhaps on several datasets."""
    if several:
        command.add_argument(
            "--dataset", type=Path, action="append", default=[], metavar="DIR", help="a folder of sequences"
        )
    else:
        command.add_argument("--dataset", type=Path, metavar="DIR", help="a folder of sequences")
    command.add_argument("--sequences", type=names, metavar="A,B", help="only these [all]")
    command.add_argument("--render-only", action="store_true", help="report on existing results; run nothing")


def _add_ablation(commands: Commands) -> None:
    """The command that makes the paper's tables."""
    command = commands.add_parser("ablation", help="run variants of the tracker and tabulate them, as the paper does")
    command.add_argument("directory", type=Path, help="of the workspace, where the tables go too")
    command.add_argument(
        "--seeds", type=positive, default=2, metavar="N", help="runs of each variant: seeds 1 to N [2]"
    )
    command.add_argument(
        "--variants", type=names, default=["all"], metavar="A,B",
        help="lambda, attention, form, box, all, or names such as lambda5, weight, paper, bounding [all]",
    )  # fmt: skip
    command.add_argument(
        "--lambdas", type=names, default=["0", "1", "3", "5", "8"], metavar="A,B", help="steps of lambda [0,1,3,5,8]"
    )
    _add_study(command)
    add_tracker(command)
    add_engine(command, 2)


def _add_curves(commands: Commands) -> None:
    """The command that follows the losses of a training."""
    command = commands.add_parser("curves", help="follow both losses over the training on first frames")
    command.add_argument("directory", type=Path, help="where curves.csv, curves.md and curves.svg go")
    command.add_argument(
        "--arms", type=Path, action="append", default=[], metavar="FILE",
        help="TOML with lines name = 'flags', those of attrax track",
    )  # fmt: skip
    command.add_argument("--arm", action="append", default=[], metavar="NAME='FLAGS'", help="may be given again")
    command.add_argument(
        "--dataset", type=Path, action="append", required=True, metavar="DIR", help="a folder of sequences"
    )
    command.add_argument("--sequences", type=names, metavar="A,B", help="only these [all]")
    command.add_argument("--jobs", type=positive, default=1, metavar="N", help="at a time, one thread each [1]")
