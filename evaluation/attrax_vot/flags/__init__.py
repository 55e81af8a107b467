"""Flags that several commands share, and the types of their values."""

import argparse
from pathlib import Path
from typing import Any

# argparse keeps the type of `add_subparsers` to itself.
Commands = Any


def add_dataset(command: argparse.ArgumentParser) -> None:
    """The options of the dataset that is read."""
    command.add_argument(
        "--format", default="vot", metavar="NAME",
        help="layout of that folder: vot, otb, got10k, lasot, tnl2k, nfs, nfs240, uav123, trackingnet, images [vot]",
    )  # fmt: skip
    command.add_argument("--sequences", type=names, metavar="A,B", help="only these [all]")


def add_tracker(command: argparse.ArgumentParser) -> None:
    """The options of the tracker that is run."""
    command.add_argument("--tracker", default="DAT", help="its name in the registry [DAT]")
    command.add_argument("--registry", type=Path, help="file that registers trackers [attrax's, or trackers.ini]")


def add_engine(command: argparse.ArgumentParser, jobs: int) -> None:
    """The options of where jobs run, by default `jobs` at a time."""
    command.add_argument("--jobs", type=positive, default=jobs, metavar="N", help=f"at a time on this machine [{jobs}]")
    command.add_argument("--threads", type=positive, metavar="N", help="for each tracker [cores / jobs]")
    slurm = command.add_argument_group("on a cluster")
    slurm.add_argument("--slurm", action="store_true", help="hand the jobs to Slurm")
    slurm.add_argument("--partition", default="", help="of the cluster [its default]")
    slurm.add_argument("--gpus", type=count, default=0, metavar="N", help="for each job [0]")
    slurm.add_argument("--minutes", type=positive, default=24 * 60, metavar="N", help="for each job [1440]")
    slurm.add_argument("--memory", default="", metavar="8G", help="for each job [the cluster's default]")


def positive(text: str) -> int:
    """A whole number from 1 on."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def count(text: str) -> int:
    """A whole number from 0 on, of 64 bits at most."""
    if not (text.isascii() and text.isdigit() and int(text[:20]) < 1 << 64):
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 0 on")
    return int(text)


def repetitions(text: str) -> int:
    """Of an experiment: from 1 to 10000."""
    value = positive(text)
    if value > 10_000:
        raise argparse.ArgumentTypeError("must be at most 10000")
    return value


def port(text: str) -> int:
    """The number of a port; 0 is any."""
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise argparse.ArgumentTypeError(f"{text} is no port; ports are 0 to 65535")
    return int(text)


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = number(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError("must be from 0 to 1")
    return value


def amount(text: str) -> float:
    """A finite number above 0."""
    value = number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def names(text: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]
