"""The command line: `attrax-vot`."""

import argparse
import logging
import os
import sys
from collections.abc import Callable

from attrax_vot import __version__, streams
from attrax_vot.errors import EvaluationError
from attrax_vot.flags import comparisons, networks, outcomes, runs
from attrax_vot.program import add_to_path
from attrax_vot.run import processes
from attrax_vot.shell import SHELLS, Parser, completions

EXAMPLES = """examples:
  attrax-vot demo out/demo
  attrax-vot evaluate ../shared/vot2016-dev --tracker DAT --sequences bag,book
  attrax-vot evaluate /data/vot2016 --repetitions 15 --workspace out/vot2016
  attrax-vot render out/vot2016-dev --tracker DAT --out out/pictures
  attrax-vot check /data/OTB100 --format otb
  attrax-vot init out/vot2016 --dataset /data/vot2016
  attrax-vot run out/vot2016 DAT MDNet --jobs 4
  attrax-vot report out/vot2016 --reference ../shared/vot2016-results/DAT
  attrax-vot compare out/arms --dataset ../shared/vot2016-dev --arm one='--preset fast' --arm other='--preset mdnet'
  attrax-vot compare out/windows --dataset ../shared/vot2016-dev --starts 50 --arms evaluation/arms/windows.toml
  attrax-vot ablation out/ablation --dataset ../shared/vot2016-dev --sequences matrix,book --jobs 2
"""
# What the wheel of the tracker brings, and some commands need.
OF_PYTORCH = {"torch": "PyTorch", "safetensors": "the package safetensors"}


def parser() -> argparse.ArgumentParser:
    """The command line's definition."""
    top = Parser(
        prog="attrax-vot",
        description="Runs VOT experiments with the official toolkit and shows what came out.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"attrax-vot {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    for group in (runs, outcomes, comparisons, networks):
        group.add(commands)
    complete = commands.add_parser("completions", help="print the completions of a shell")
    complete.add_argument("shell", choices=SHELLS, help="bash, zsh or fish")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Returns:
        The exit status: 0, or 1 where something went wrong, or 128 and the signal's number where one ended it.
    """
    streams.prepare()
    try:
        status = _run(arguments)
    except SystemExit:
        # Of a help, which argparse prints without regard to errors.
        if (error := streams.lost()) is not None:
            return streams.status(error)
        raise
    error = streams.lost()
    return status if error is None else streams.status(error)


def _run(arguments: list[str] | None) -> int:
    """Runs a command, and reports what went wrong in one sentence."""
    options = parser().parse_args(arguments)
    try:
        os.getcwd()  # noqa: PTH109 - what the toolkit calls as it is loaded
    except FileNotFoundError:
        streams.complain("error: the current folder has been removed; change to another one")
        return 1
    add_to_path()
    try:
        with processes.handled():
            if options.command == "completions":
                print(completions(parser(), options.shell), end="")
                return 0
            return _command(options.command)(options)
    except processes.Ended as ended:
        # The toolkit's threads of an analysis would print tracebacks as the program ends.
        logging.getLogger("concurrent.futures").setLevel(logging.CRITICAL + 1)
        streams.complain(f"{ended}: what has ended is kept, and running again goes on from there")
        return 128 + ended.signum
    except Exception as error:
        if isinstance(error, OSError) and (lost := streams.lost()) is not None:
            return streams.status(lost)
        text = _sentence(error)
        if text is None:
            raise
        streams.complain(f"error: {text}")
        return 1


def _sentence(error: Exception) -> str | None:
    """What the toolkit, a reader of its files or the system says in one sentence; nothing for faults of our own."""
    if isinstance(error, EvaluationError):
        return str(error)
    if (text := _missing(error)) is not None:
        return text
    if "vot" not in sys.modules:
        return str(error) if isinstance(error, OSError) else None
    try:
        from attrax_vot.run import sentences
    except (ImportError, OSError):
        # What failed may be the very import of the toolkit, for example under a limit of memory.
        return f"the toolkit cannot be loaded: {' '.join(str(error).split())}"
    return sentences.sentence(error) if isinstance(error, sentences.EXPECTED) else None


def _missing(error: Exception) -> str | None:
    """What this machine or environment lacks, by an error; nothing for other errors."""
    if isinstance(error, MemoryError):
        return "memory ran out; give fewer --jobs, or a higher limit (ulimit -v)"
    if isinstance(error, ModuleNotFoundError) and error.name in OF_PYTORCH:
        return f"this needs {OF_PYTORCH[error.name]}, which 'pip install attrax' brings"
    if isinstance(error, (ImportError, OSError)) and "cannot open shared object file" in str(error):
        return f"PyTorch cannot be loaded: {error}; install the packages of requirements-cuda.txt"
    return None


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    """The function of a command. The toolkit takes a second to load: only for the commands that need it."""
    if name == "train":
        from attrax_vot.training.commands import run

        return run
    if name == "train-boxes":
        from attrax_vot.training.box_train import run

        return run
    if name == "weights":
        from attrax_vot.weights.commands import run

        return run
    if name in ("init", "check"):
        from attrax_vot.datasets import commands as datasets

        return getattr(datasets, name)
    from attrax_vot.commands import comparisons, outcomes, runs

    return next(getattr(group, name) for group in (runs, outcomes, comparisons) if hasattr(group, name))
