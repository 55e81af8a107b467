"""Image files of a sequence: selection, order and size."""

import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from PIL import Image

from attrax_vot.datasets.text import ranges

# Formats that attrax and the toolkit both read; both know them by their content.
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"}
# Pixels of a frame; attrax reads no larger ones.
LARGEST = 64 << 20
# Exif's tag, and its values that exchange width and height.
_ORIENTATION, _SIDEWAYS = 0x0112, {5, 6, 7, 8}
# A decimal point counts after a digit, and where no letter stands before it: `frame.9`, `frame.10`
# count frames.
_PIECES = re.compile(r"[0-9]+(?:\.[0-9]+)?|(?<![A-Za-z0-9])\.[0-9]+|[^0-9.]+|\.")


def images(folder: Path) -> list[Path]:
    """The images of a folder, by the numbers in their names: 2 before 10, and 0.2599 before 0.26.

    Files that a system hides (`._0001.jpg`) are left out.
    """
    if not folder.is_dir():
        return []
    return sorted((each for each in folder.iterdir() if _is_image(each)), key=_order)


def _is_image(path: Path) -> bool:
    hidden = path.name.startswith(".") and not path.name[1:2].isdigit()
    if hidden or path.suffix.lower() not in SUFFIXES:
        return False
    # A broken link is a missing frame; a pipe is no frame, and would be waited for.
    return path.is_file() or (path.is_symlink() and not path.exists())


def _order(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    key = []
    for piece in _PIECES.findall(path.stem):
        whole, _, decimals = piece.partition(".")
        if piece[0] in "0123456789" or decimals:
            key.append((0, int(whole or 0), decimals.rstrip("0")))
        else:
            key.append((1, 0, piece))
    return key, path.name


def number(path: Path) -> int | None:
    """The last number in a frame's name; none where it has none."""
    digits = re.findall(r"[0-9]+", path.stem)
    return int(digits[-1]) if digits else None


@dataclass(frozen=True)
class Choice:
    """The frames of a folder that belong to rows of ground truth.

    Attributes:
        frames: in order.
        rows: for each frame, the place of its row, from 0; none where frames and rows do not fit each other.
        notes: oddities that do not prevent use.
        error: why no choice could be made.
    """

    frames: list[Path]
    rows: list[int] | None
    notes: list[str] = field(default_factory=list)
    error: str = ""


def choose(found: list[Path], count: int) -> Choice:
    """Chooses the frames that some rows of ground truth belong to.

    Args:
        found: images of a folder, in order.
        count: number of rows; one row is of the first frame.
    """
    if not found:
        return Choice([], None)
    folder = found[0].parent
    kinds = Counter(_kind(each) for each in found)
    notes = []
    if len(kinds) > 1 and len(found) != count:
        fitting = [kind for kind, number in kinds.items() if number == count]
        holds = f"{folder} holds " + " and ".join(f"{number} {kind}" for kind, number in kinds.items())
        if len(fitting) != 1:
            return Choice(found, None, error=f"{holds} files for {count} rows of ground truth; move one kind away")
        notes.append(f"{holds} files; the {fitting[0]} files are the frames, as many as rows of ground truth")
        found = [each for each in found if _kind(each) == fitting[0]]
    elif len(kinds) > 1:
        notes.append(f"{folder} mixes kinds of images: {', '.join(kinds)}")
    numbers = [number(each) for each in found]
    missing = _missing(numbers)
    if len(found) == count or count == 1:
        if missing:
            notes.append(f"{folder}: no frame {ranges(missing)}; the frames are taken in order")
        return Choice(found, list(range(len(found))), notes)
    if len(found) < count and missing is not None:
        # A row for each number, also for those without a file: from 1, or from the first file's.
        known = [each for each in numbers if each is not None]
        for first in (1, known[0]):
            if known[-1] - first + 1 == count and known[0] >= first:
                absent = sorted(set(range(first, known[-1] + 1)) - set(known))
                notes.append(f"{folder}: no frame {ranges(absent)}; rows belong to frames by the frames' numbers")
                return Choice(found, [each - first for each in known], notes)
    return Choice(found, None, notes)


def _kind(path: Path) -> str:
    return {".jpeg": ".jpg", ".tiff": ".tif"}.get(path.suffix.lower(), path.suffix.lower())


def _missing(numbers: list[int | None]) -> list[int] | None:
    """Numbers that are left out between the first and the last; none where names have no distinct numbers."""
    known = [each for each in numbers if each is not None]
    if len(known) < len(numbers) or any(second <= first for first, second in pairwise(known)):
        return None
    # Timestamps in names are no count.
    if known[-1] - known[0] > 4 * len(known) + 100:
        return None
    return sorted(set(range(known[0], known[-1] + 1)) - set(known))


def size(path: Path) -> tuple[int, int] | None:
    """Width and height of an image as it is shown: with its Exif orientation applied, as the toolkit's reader does.

    None where it is no image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(path)
        with opened as image:
            # Exif of some formats stands after the pixels, so that these are decoded.
            return upright(image) if image.size[0] * image.size[1] <= LARGEST else image.size
    except Exception:
        # Pillow raises whatever a broken file makes it raise.
        return None


def upright(image: Image.Image) -> tuple[int, int]:
    """Width and height of an open image with its Exif orientation applied."""
    width, height = image.size
    return (height, width) if image.getexif().get(_ORIENTATION) in _SIDEWAYS else (width, height)
