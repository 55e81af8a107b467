"""A comparison of arms as CSV, as a section of a page, and for the terminal."""

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from attrax_vot.analysis import summary
from attrax_vot.compare.cells import Cell, shares
from attrax_vot.compare.comparison import Arm, Comparison
from attrax_vot.compare.paired import ROUNDS
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import VERSION

LEGEND = f"""Failures: the toolkit's, mean over seeds, summed over sequences. A: its accuracy, weighted by frames. EAO:
its expected average overlap, with the seeds as repetitions. Lost: share of the frames after an initialisation whose
confidence is not above 0. Differences are paired: of the same sequences and seeds. Their 95 % intervals are
percentiles of {ROUNDS} resamples, which draw sequences, and seeds within them. A single sequence has none, and runs
that all end before the frames of the EAO have no EAO. An arm that has not ended is shown, and compared, by the runs
that there are; a sum over fewer sequences is smaller for that."""
THRESHOLD = """With `failure.threshold`, the tracker counts other frames as lost than those that are counted here: it
does not tell the client which."""


@dataclass(frozen=True)
class Column:
    """A measure: its name, a column's head, digits after the point, and a factor."""

    name: str
    head: str
    digits: int
    factor: float = 1.0


COLUMNS = [
    Column("failures", "failures", 1),
    Column("accuracy", "A", 3),
    Column("eao", "EAO", 3),
    Column("lost", "lost, %", 1, 100.0),
    Column("seconds", "s/frame", 3),
]


def write(found: Comparison, out: Path) -> list[Path]:
    """Writes `compare.csv`, a line for each arm, seed and sequence, and `compare.md`.

    Returns:
        The files.
    """
    data, text = out / "compare.csv", out / "compare.md"
    rows = [row for arm in found.arms if arm.cells for row in arm.cells.rows]
    write_whole(data, summary.csv_text(Cell, rows))
    write_whole(text, markdown(found))
    return [data, text]


def terminal(found: Comparison) -> str:
    """The measures of all arms, the differences, and how much is missing."""
    lines = [summary.align(overall(found))]
    if len(found.arms) > 1:
        lines += ["", summary.align(differences(found))]
    missing = sum(len(arm.missing) for arm in found.arms)
    if missing:
        lines.append(f"missing: {missing} runs; compare.md lists them")
    return "\n".join(lines)


def markdown(found: Comparison) -> str:
    """The section of a page."""
    (low, high), first = found.interval, found.arms[0].name
    parts = [
        "## Arms",
        f"{len(found.sequences)} sequences, {sum(found.sequences.values())} frames: {', '.join(found.sequences)}. "
        f"EAO over frames {low} to {high}; VOT toolkit {VERSION}.",
        summary.markdown_table([["arm", "command"], *([arm.name, f"`{arm.command}`"] for arm in found.arms)]),
        summary.markdown_table(overall(found)),
    ]
    if len(found.arms) > 1:
        parts += [f"### Less {first}", summary.markdown_table(differences(found))]
    parts += ["### Failures by sequence", summary.markdown_table(per_sequence(found)), LEGEND]
    if any("failure.threshold" in arm.command for arm in found.arms):
        parts.append(THRESHOLD)
    programs = dict.fromkeys(each for arm in found.arms for each in arm.programs)
    if len(programs) > 1:
        lines = [
            f"- `{each[:12]}`: {', '.join(arm.name for arm in found.arms if each in arm.programs)}" for each in programs
        ]
        parts += ["### Not one program ran all of this", "\n".join(lines)]
    missing = [f"- {line}" for arm in found.arms for line in arm.missing]
    if missing:
        parts += ["### Missing", "\n".join(missing)]
    return "\n\n".join(parts) + "\n"


def overall(found: Comparison) -> list[list[str]]:
    """A row for each arm."""
    rows = []
    for arm in found.arms:
        values = {}
        if arm.cells:
            every = shares(arm.cells.keys)
            values = {name: measure(every) for name, measure in arm.cells.measures().items()}
        cells = [_number(values.get(each.name, math.nan), each) for each in COLUMNS]
        rows.append([arm.name, _coverage(arm), *cells])
    return [["arm", "runs", *(each.head for each in COLUMNS)], *rows]


def differences(found: Comparison) -> list[list[str]]:
    """A row for each arm but the first: its measures less the first one's, with intervals."""
    first, *others = found.arms
    rows = []
    for arm in others:
        cells = []
        for column in COLUMNS:
            known = arm.differences.get(column.name)
            if known is None or math.isnan(known.value):
                cells.append("-")
                continue
            text = _number(known.value, column, "+")
            if not math.isnan(known.low):
                text += f" [{_number(known.low, column, '+')}, {_number(known.high, column, '+')}]"
            cells.append(text)
        rows.append([arm.name, str(arm.common), *cells])
    return [[f"less {first.name}", "runs of both", *(each.head for each in COLUMNS)], *rows]


def per_sequence(found: Comparison) -> list[list[str]]:
    """A row for each sequence: the failures of each arm, mean over its seeds."""
    rows = []
    for name in found.sequences:
        cells = []
        for arm in found.arms:
            values = [row.failures for row in arm.cells.rows if row.sequence == name] if arm.cells else []
            cells.append(f"{fmean(values):.1f}" if values else "-")
        rows.append([name, *cells])
    return [["sequence", *(arm.name for arm in found.arms)], *rows]


def _coverage(arm: Arm) -> str:
    """How many of an arm's runs there are."""
    there = len(arm.cells.rows) if arm.cells else 0
    return f"{there} of {there + len(arm.missing)}" if arm.missing else str(there)


def _number(value: float, column: Column, sign: str = "") -> str:
    """A value as a table has it."""
    return "-" if math.isnan(value) else f"{value * column.factor:{sign}.{column.digits}f}"
