"""A comparison of windows as CSV, Markdown and HTML, and for the terminal."""

import math
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from attrax_vot.analysis import summary
from attrax_vot.analysis.bootstrap import ROUNDS, IntervalEstimate
from attrax_vot.compare import paired
from attrax_vot.compare.columns import MeasureColumn
from attrax_vot.compare.windows import measure, study, table
from attrax_vot.compare.windows.measure import Windows
from attrax_vot.compare.windows.table import WindowRow
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import VERSION, EvaluationError

COLUMNS = [
    MeasureColumn("overlap", "expected overlap", 3),
    MeasureColumn("failed", "failed, %", 1, 100.0),
    MeasureColumn("accuracy", "A", 3),
    MeasureColumn("seconds", "s/frame", 3),
    MeasureColumn("initialization", "s/init", 2),
]
LEGEND = f"""A window is a run without resets from one frame of a sequence. Expected overlap: mean over the frames after
the first one of all windows; it counts as 0 from the first frame without any overlap. Failed: share of windows with
such a frame. A: mean overlap of the frames before it. Differences are paired: of the same windows and seeds. Their
95 % intervals are by bootstrap, bias-corrected and accelerated (BCa): {ROUNDS} resamples draw sequences, and windows
within them. A single sequence has no interval."""


@dataclass(frozen=True)
class WindowsArm:
    """One arm.

    Attributes:
        name: its own.
        command: without the seed.
        windows: its runs.
        common: number of runs that it shares with the first arm.
        differences: of its measures to the first arm's, on those.
    """

    name: str
    command: str
    windows: Windows
    common: int
    differences: dict[str, IntervalEstimate]


@dataclass(frozen=True)
class WindowsComparison:
    """All arms; the others are compared to the first one.

    Attributes:
        arms: in the order they were given in.
        length: number of frames of a window after its first one.
    """

    arms: list[WindowsArm]
    length: int

    @property
    def sequences(self) -> list[str]:
        """Their names."""
        return sorted({row.sequence for arm in self.arms for row in arm.windows.rows})

    @property
    def programs(self) -> dict[str, list[str]]:
        """The checksums of the programs, and the arms that each of them ran."""
        found: dict[str, list[str]] = {}
        for arm in self.arms:
            for program in dict.fromkeys(row.program for row in arm.windows.rows):
                found.setdefault(program, []).append(arm.name)
        return found


def collect(directory: Path) -> WindowsComparison:
    """Measures the results in a folder.

    Raises:
        EvaluationError: there are none.
    """
    known, rows = study.settings(directory), study.read(directory)
    if not rows:
        raise EvaluationError(f"no window has ended in {directory}")
    arms: list[WindowsArm] = []
    for name, command in known.commands.items():
        windows = Windows([row for row in rows if row.arm == name])
        if not windows.rows:
            continue
        common, differences = paired.differences(arms[0].windows, windows) if arms else ([], {})
        arms.append(WindowsArm(name, command, windows, len(common), differences))
    return WindowsComparison(arms, known.length)


def write(found: WindowsComparison, out: Path) -> list[Path]:
    """Writes `windows.md` and `windows.html`; `windows.csv` has been written by the runs.

    Returns:
        The files.
    """
    text, page = out / "windows.md", out / "windows.html"
    write_whole(text, markdown(found))
    write_whole(page, html(found))
    return [out / table.NAME, text, page]


def terminal(found: WindowsComparison) -> str:
    """The measures of all arms and the differences."""
    lines = [summary.align(overall(found))]
    if len(found.arms) > 1:
        lines += ["", summary.align(differences(found))]
    return "\n".join(lines)


def markdown(found: WindowsComparison) -> str:
    """The page as Markdown."""
    parts = ["## Windows", _head(found), summary.markdown_table(_commands(found))]
    for title, shown in tables(found).items():
        parts += [f"### {title}", summary.markdown_table(shown)]
    return "\n\n".join([*parts, LEGEND, *_programs(found)]) + "\n"


def html(found: WindowsComparison) -> str:
    """The page as HTML, with a picture of the differences."""
    environment = Environment(
        loader=PackageLoader("attrax_vot.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shown = {"Commands": _commands(found), **tables(found)}
    marks = [(arm.name, arm.differences["overlap"]) for arm in found.arms[1:] if "overlap" in arm.differences]
    ends = [abs(end) for _, each in marks for end in (each.value, each.low, each.high) if not math.isnan(end)]
    return environment.get_template("windows.html.j2").render(
        head=_head(found), tables=shown, notes=[LEGEND, *_programs(found)], marks=marks, reach=max([0.01, *ends]) * 1.1
    )


def tables(found: WindowsComparison) -> dict[str, list[list[str]]]:
    """The tables by their titles."""
    shown = {"Arms": overall(found)}
    if len(found.arms) > 1:
        shown[f"Less {found.arms[0].name}"] = differences(found)
    return {**shown, "Expected overlap by sequence": per_sequence(found)}


def overall(found: WindowsComparison) -> list[list[str]]:
    """A row for each arm."""
    rows = []
    for arm in found.arms:
        known = measure.values(arm.windows)
        rows.append([arm.name, str(len(arm.windows.rows)), *(each.number(known[each.name]) for each in COLUMNS)])
    return [["arm", "runs", *(each.head for each in COLUMNS)], *rows]


def differences(found: WindowsComparison) -> list[list[str]]:
    """A row for each arm but the first: its measures less the first one's, with intervals."""
    first, *others = found.arms
    rows = [
        [arm.name, str(arm.common), *(each.difference(arm.differences.get(each.name)) for each in COLUMNS)]
        for arm in others
    ]
    return [[f"less {first.name}", "runs of both", *(each.head for each in COLUMNS)], *rows]


def per_sequence(found: WindowsComparison) -> list[list[str]]:
    """A row for each sequence: the expected overlap of each arm, and its failed windows."""
    rows = []
    for name in found.sequences:
        cells, starts = [], set()
        for arm in found.arms:
            mine = [row for row in arm.windows.rows if row.sequence == name]
            starts |= {row.start for row in mine}
            cells.append(_sequence(mine))
        rows.append([name, str(len(starts)), *cells])
    return [["sequence", "windows", *(arm.name for arm in found.arms)], *rows]


def _sequence(rows: list[WindowRow]) -> str:
    """Expected overlap, and the number of failed runs in brackets."""
    if not rows:
        return "-"
    failed = sum(not math.isnan(row.failed_at) for row in rows)
    return f"{measure.values(Windows(rows))['overlap']:.3f} ({failed} of {len(rows)})"


def _head(found: WindowsComparison) -> str:
    windows = {(row.sequence, row.start) for arm in found.arms for row in arm.windows.rows}
    return (
        f"{len(windows)} windows of {found.length} frames at most, of {len(found.sequences)} sequences: "
        f"{', '.join(found.sequences)}. Overlaps of VOT toolkit {VERSION}."
    )


def _commands(found: WindowsComparison) -> list[list[str]]:
    return [["arm", "command"], *([arm.name, f"`{arm.command}`"] for arm in found.arms)]


def _programs(found: WindowsComparison) -> list[str]:
    """A warning where the arms were run by different programs."""
    if len(found.programs) < 2:
        return []
    lines = [f"{program} ({', '.join(names)})" for program, names in found.programs.items()]
    return [f"Different programs ran this: {'; '.join(lines)}."]
