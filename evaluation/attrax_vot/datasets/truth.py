"""Ground truth: the one reader of its files, whatever separates their numbers."""

import re
from dataclasses import dataclass, replace
from math import isfinite, isinf, isnan
from pathlib import Path

import numpy as np

from attrax_vot.datasets import text

# Pixels of a mask's rectangle; an image may have as many.
LARGEST_MASK = 64 << 20
# Pixels of all masks of a file, each without its empty edges; the toolkit holds them in memory, a
# byte each.
LARGEST_MASKS = 4 << 30
# Farther from the origin than this is no place in a frame; the toolkit's C would overflow.
FARTHEST = 1e6
FORMS = "a line is x,y,width,height, the corners x1,y1,x2,y2,... of a polygon, or a mask m..."

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
# What C and Microsoft's C print.
_SPECIAL = re.compile(r"[+-]?(?:(nan)\(.*\)|1\.#(qnan|snan|ind|inf)0*)", re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")

# Left, top, right and bottom edge, in pixels.
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class TruthRow:
    """A line of ground truth.

    Attributes:
        line: its number in the file, from 1; 0 where the file has no such line.
        text: the line as the toolkit reads it.
        numbers: of a rectangle (left, top, width, height) or a polygon; empty for anything else.
        bounds: of the region; none where there is no region.
        absent: why there is no region; empty where there is.
        error: what makes the line unreadable; empty where it is readable.
        plain: whether the toolkit reads the line as it is in the file.
        pixels: that a mask takes in memory.
    """

    line: int
    text: str
    numbers: tuple[float, ...] = ()
    bounds: Bounds | None = None
    absent: str = ""
    error: str = ""
    plain: bool = True
    pixels: int = 0

    def without(self, reason: str) -> "TruthRow":
        """The same line without its region, which the toolkit reads as a frame without ground truth."""
        return TruthRow(self.line, UNKNOWN, absent=reason, error=self.error, plain=False)

    def moved(self, x: float, y: float) -> "TruthRow":
        """The same line with a rectangle or polygon moved; other lines stay as they are."""
        if not self.numbers or not all(map(isfinite, self.numbers)):
            return self
        first = self.numbers[:2] if len(self.numbers) == 4 else self.numbers
        places = (value + (y if place % 2 else x) for place, value in enumerate(first))
        moved = _shape(self.line, (*places, *self.numbers[len(first) :]))
        return replace(moved, plain=False)


# What the toolkit reads as a frame without ground truth.
UNKNOWN = "0"
# Lines of one number: the toolkit's codes instead of a region.
CODES = {(0.0,), (1.0,), (2.0,), (3.0,)}
NOT_ANNOTATED = TruthRow(0, UNKNOWN, absent="not annotated", plain=False)


def read(path: Path) -> list[TruthRow]:
    """Reads a file of ground truth, a row for each line; blank lines at the end are no rows.

    Raises:
        OSError: the file cannot be read.
    """
    if not path.is_file():
        # Says why.
        text.read(path)
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"\x01\x00":
        # The toolkit's own binary form.
        return [TruthRow(1, UNKNOWN, error="is a binary trajectory; write it as text")]
    whole = text.read(path)
    rows = [parse(line, number) for number, line in enumerate(text.lines(whole), 1)]
    if sum(row.pixels for row in rows) > LARGEST_MASKS:
        rows[0] = replace(rows[0], error=f"and those after it hold masks of more than {LARGEST_MASKS} pixels together")
    # The toolkit fails on blank lines, at the end too.
    if not text.plain(path.read_bytes()) or text.ends_blank(whole):
        rows = [replace(row, plain=False) for row in rows]
    return rows


class UnreadableError(ValueError):
    """A line cannot be read; the text says what is wrong with it."""


def parse(line: str, number: int = 1) -> TruthRow:
    """Reads a line; commas, semicolons, blanks and tabs all separate numbers."""
    stripped = line.strip()
    if not stripped:
        return TruthRow(number, UNKNOWN, error="is empty")
    try:
        is_mask = stripped.startswith("m")
        words = re.split(r"\s*[,;]\s*|\s+", stripped[is_mask:].strip())
        # One separator at the end is a habit of some tools.
        if len(words) > 1 and not words[-1]:
            words.pop()
        row = _mask(number, words) if is_mask else _row(number, words)
    except UnreadableError as error:
        return TruthRow(number, UNKNOWN, error=str(error))
    return replace(row, plain=row.plain and len(stripped.split(",")) == len(words))


def _row(number: int, words: list[str]) -> TruthRow:
    """The row of a code, a rectangle or a polygon."""
    words = [_plain(word) for word in words]
    if odd := [word for word in words if not _NUMBER.fullmatch(word)]:
        raise UnreadableError(f"holds '{odd[0][:40]}', which is not a number")
    values = tuple(map(float, words))
    if len(values) == 1 and isnan(values[0]):
        return TruthRow(number, UNKNOWN, absent="not a number", plain=False)
    if values in CODES:
        return TruthRow(number, f"{values[0]:.0f}", absent="a code")
    return _shape(number, values)


def _plain(word: str) -> str:
    """A word as Python writes it."""
    special = _SPECIAL.fullmatch(word)
    return word if not special else "inf" if "inf" in word.lower() else "nan"


def _shape(number: int, values: tuple[float, ...]) -> TruthRow:
    """The row of a rectangle or a polygon."""
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        raise UnreadableError(f"has {len(values)} number" + "s" * (len(values) > 1))
    if any(map(isinf, values)):
        return TruthRow(number, ",".join(["nan"] * len(values)), values, absent="infinite", plain=False)
    written = ",".join(f"{value:.10g}" for value in values)
    if any(map(isnan, values)):
        return TruthRow(number, written, values, absent="not a number")
    if far := next((value for value in values if abs(value) > FARTHEST), None):
        raise UnreadableError(f"holds {far:g}, which is no place in a frame")
    if len(values) == 4:
        left, top, width, height = values
        bounds = (left, top, left + width, top + height)
    else:
        across, down = values[::2], values[1::2]
        bounds = (min(across), min(down), max(across), max(down))
        width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
    if width > 0 and height > 0:
        return TruthRow(number, written, values, bounds)
    return TruthRow(number, written, values, absent="negative size" if min(width, height) < 0 else "no area")


def _mask(number: int, words: list[str]) -> TruthRow:
    """The row of a mask: left, top, width, height, and the lengths of its runs of zeros and ones."""
    if odd := [word for word in words if not _INTEGER.fullmatch(word)]:
        raise UnreadableError(f"is a mask that holds '{odd[0][:40]}', which is no whole number")
    if len(words) < 4:
        raise UnreadableError("is a mask without its left, top, width and height")
    values = list(map(int, words))
    (left, top, width, height), runs = values[:4], values[4:]
    if max(abs(left), abs(top)) > FARTHEST:
        raise UnreadableError(f"is a mask at {left},{top}, which is no place in a frame")
    if min(width, height, *runs, 0) < 0:
        raise UnreadableError("is a mask with a negative length")
    if width * height > LARGEST_MASK:
        raise UnreadableError(f"is a mask of {width} x {height} pixels; they are limited to {LARGEST_MASK} pixels")
    if sum(runs) > width * height:
        raise UnreadableError(f"has runs of {sum(runs)} pixels, more than the {width} x {height} of the mask")
    written = "m" + ",".join(map(str, values))
    edges = _edges(runs, width)
    if edges is None:
        return TruthRow(number, written, absent="empty mask")
    bounds = (left + edges[0], top + edges[1], left + edges[2], top + edges[3])
    return TruthRow(number, written, bounds=bounds, pixels=int((edges[2] - edges[0]) * (edges[3] - edges[1])))


def _edges(runs: list[int], width: int) -> Bounds | None:
    """The rectangle around a mask's ones within it; none where it has none."""
    ends = np.cumsum(np.array(runs, np.int64))[1::2]
    lengths = np.array(runs[1::2], np.int64)
    ends, lengths = ends[lengths > 0], lengths[lengths > 0]
    if not len(ends):
        return None
    first, last = ends - lengths, ends - 1
    top, bottom = int(first[0] // width), int(last[-1] // width) + 1
    if (first // width != last // width).any():
        return (0, top, width, bottom)
    return (int((first % width).min()), top, int((last % width).max()) + 1, bottom)


def errors(path: Path, rows: list[TruthRow]) -> list[str]:
    """A sentence for each unreadable line, at most three, then the number of the others."""
    bad = [row for row in rows if row.error]
    if not bad:
        return []
    shown = [line.strip()[:80] for line in text.lines(text.read(path))]
    found = [f"{path}, line {row.line}: '{shown[row.line - 1]}' {row.error}" for row in bad[:3]]
    found[0] += f"; {FORMS}"
    if len(bad) > 3:
        found.append(f"{path}: {len(bad) - 3} more lines cannot be read")
    return found
