"""A comparison of arms as CSV, as a section of a page, and for the terminal."""

import math
from pathlib import Path
from statistics import fmean

from attrax_vot.analysis import summary
from attrax_vot.analysis.bootstrap import ROUNDS
from attrax_vot.compare.cells import ArmCell
from attrax_vot.compare.columns import MeasureColumn
from attrax_vot.compare.comparison import Arm, Comparison
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import VERSION

LEGEND = f"""Failures: the toolkit's, mean over seeds, summed over sequences. A: its accuracy, weighted by frames. EAO:
its expected average overlap, with the seeds as repetitions. Lost: share of the frames after an initialisation whose
confidence is not above 0. Differences are paired: of the same sequences and seeds. Their 95 % intervals are by
bootstrap, bias-corrected and accelerated (BCa): {ROUNDS} resamples draw sequences, and seeds within them. Where some
resamples have no value, as of runs too short for the EAO, the interval is the percentiles of the others, and their
share is given. A single sequence has no interval. An arm that has not ended is shown, and compared, by the runs that
there are; a sum over fewer sequences is smaller for that."""
THRESHOLD = """With `failure.threshold`, the tracker counts other frames as lost than those that are counted here: it
does not tell the client which."""


COLUMNS = [
    MeasureColumn("failures", "failures", 1),
    MeasureColumn("accuracy", "A", 3),
    MeasureColumn("eao", "EAO", 3),
    MeasureColumn("lost", "lost, %", 1, 100.0),
    MeasureColumn("seconds", "s/frame", 3),
]


def write(found: Comparison, out: Path) -> list[Path]:
    """Writes `compare.csv`, a line for each arm, seed and sequence, and `compare.md`.

    Returns:
        The files.
    """
    data, text = out / "compare.csv", out / "compare.md"
    rows = [row for arm in found.arms if arm.cells for row in arm.cells.rows]
    write_whole(data, summary.csv_text(ArmCell, rows))
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
            every = arm.cells.weights
            values = {name: measure(every) for name, measure in arm.cells.measures().items()}
        cells = [each.number(values.get(each.name, math.nan)) for each in COLUMNS]
        rows.append([arm.name, _coverage(arm), *cells])
    return [["arm", "runs", *(each.head for each in COLUMNS)], *rows]


def differences(found: Comparison) -> list[list[str]]:
    """A row for each arm but the first: its measures less the first one's, with intervals."""
    first, *others = found.arms
    rows = [
        [arm.name, str(arm.common), *(each.difference(arm.differences.get(each.name)) for each in COLUMNS)]
        for arm in others
    ]
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
