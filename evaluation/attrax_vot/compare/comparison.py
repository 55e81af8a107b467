"""The results of a comparison of arms, from its workspace."""

from dataclasses import dataclass
from pathlib import Path

from attrax_vot.analysis import scores
from attrax_vot.analysis.bootstrap import IntervalEstimate
from attrax_vot.compare import arms, cells, paired
from attrax_vot.compare.cells import Cells
from attrax_vot.run import provenance
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError


@dataclass(frozen=True)
class Arm:
    """One arm.

    Attributes:
        name: its own.
        command: without the seed.
        seeds: that it is registered with.
        cells: those that have ended, if any.
        missing: tracker and sequence of those that have not.
        programs: checksums of the programs that ran it.
        common: number of cells that it shares with the first arm.
        differences: of its measures to the first arm's, on those.
    """

    name: str
    command: str
    seeds: list[int]
    cells: Cells | None
    missing: list[str]
    programs: list[str]
    common: int
    differences: dict[str, IntervalEstimate]


@dataclass(frozen=True)
class Comparison:
    """All arms; the first one is what the others are compared to.

    Attributes:
        arms: in the registry's order.
        sequences: names and numbers of frames.
        interval: first and last frame of the expected average overlap.
    """

    arms: list[Arm]
    sequences: dict[str, int]
    interval: tuple[int, int]


def collect(opened: OpenWorkspace) -> Comparison:
    """Measures the results in a workspace.

    Raises:
        EvaluationError: the workspace holds no comparison.
    """
    directory, experiment = opened.directory, opened.needed()
    entries = arms.registered(directory)
    if not entries:
        raise EvaluationError(f"{directory} has no arms in its trackers.ini: no comparison was begun here")
    sequences = opened.sequences(experiment)
    commands = arms.commands(directory)
    found: list[Arm] = []
    for name in commands:
        mine = [entry for entry in entries if entry.arm == name]
        ended = cells.read([(entry, opened.run(experiment, opened.tracker(entry.reference))) for entry in mine])
        there = ended.keys if ended else []
        missing = [
            f"{entry.reference}: {each.name}"
            for entry in mine
            for each in sequences
            if (each.name, entry.seed) not in there
        ]
        first = found[0].cells if found else None
        common, differences = paired.differences(first, ended) if first and ended else ([], {})
        seeds, programs = [entry.seed for entry in mine], _programs(directory, mine)
        found.append(Arm(name, commands[name], seeds, ended, missing, programs, len(common), differences))
    return Comparison(found, {each.name: len(each) for each in sequences}, scores.interval(experiment))


def _programs(directory: Path, entries: list[arms.SeededArm]) -> list[str]:
    """Checksums of the programs that ran an arm, as its runs noted them."""
    notes = [note for entry in entries for note in provenance.read(directory, entry.reference)]
    return list(dict.fromkeys(note["program"]["sha256"] for note in notes if "program" in note))
