"""What each command does; every function returns the exit status."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrax_vot.program import registry as own_registry

if TYPE_CHECKING:
    from attrax_vot.run.engine import Engine
    from attrax_vot.run.opened import OpenWorkspace


def supervised(opened: "OpenWorkspace") -> list[str]:
    """The workspace's supervised experiments, which the toolkit's tables are of; all where it has none."""
    from vot.experiment.multirun import SupervisedExperiment

    return [each.identifier for each in opened.experiments if isinstance(each, SupervisedExperiment)]


def threads(options: argparse.Namespace) -> int:
    """Threads for each tracker: the machine's cores, shared."""
    return options.threads or max(1, (os.cpu_count() or 1) // options.jobs)


def engine(options: argparse.Namespace, directory: Path) -> "Engine":
    """What jobs are handed to: this machine, or a cluster."""
    from attrax_vot.run import engine

    folder = directory.resolve() / ".attrax" / "engine"
    if not options.slurm:
        return engine.Local(folder, options.jobs)
    wanted = engine.SlurmOptions(options.partition, options.gpus, threads(options), options.minutes, options.memory)
    return engine.Slurm(folder, wanted)


def registry(options: argparse.Namespace) -> Path:
    """The file that registers trackers."""
    return options.registry or own_registry()
