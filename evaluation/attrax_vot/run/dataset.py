"""Folders of sequences on disk, before the toolkit sees them."""

from dataclasses import dataclass
from pathlib import Path

from attrax_vot.run.toolkit import EvaluationError


@dataclass(frozen=True)
class Source:
    """One sequence's folder.

    Attributes:
        name: of the sequence.
        path: its folder, absolute.
        frames: whether it holds frames, or ground truth alone.
    """

    name: str
    path: Path
    frames: bool

    def length(self) -> int:
        """The number of annotated frames."""
        text = annotations(self.path)[0].read_text()
        return sum(1 for line in text.splitlines() if line.strip())


def annotations(path: Path) -> list[Path]:
    """The files of a sequence's ground truth: `groundtruth_NAME.txt` of each object, or else `groundtruth.txt`."""
    # One by the name of `rect` is OTB's, which counts pixels from 1.
    several = sorted(each for each in path.glob("groundtruth_*.txt") if each.name != "groundtruth_rect.txt")
    return several or sorted(path.glob("groundtruth.txt"))


def find_root(directory: Path) -> Path:
    """The folder that holds the sequences: the given one, or `sequences` in it.

    Raises:
        EvaluationError: there is no such folder.
    """
    if not directory.is_dir():
        raise EvaluationError(f"there is no folder {directory}")
    inner = directory / "sequences"
    if not (directory / "list.txt").is_file() and inner.is_dir():
        directory = inner
    return directory.resolve()


def find_sequences(directory: Path, names: list[str] | None = None) -> list[Source]:
    """Lists the sequences of a dataset.

    Args:
        directory: a folder with one folder per sequence, and perhaps a `list.txt` that names them in order.
        names: the wanted ones; all of them when there are none.

    Returns:
        The sequences, in the order of the list.

    Raises:
        EvaluationError: nothing is there, or something wanted is not.
    """
    root = find_root(directory)
    listing = root / "list.txt"
    if listing.is_file():
        known = [line.strip() for line in listing.read_text().splitlines() if line.strip()]
    else:
        known = sorted(path.name for path in root.iterdir() if annotations(path))
    if not known:
        raise EvaluationError(f"{root} holds no sequences: neither a list.txt nor any */groundtruth.txt{_hint(root)}")
    unknown = sorted(set(names or []) - set(known))
    if unknown:
        raise EvaluationError(f"{root} has no sequence {', '.join(unknown)}; it has {', '.join(known)}")
    wanted = [name for name in known if not names or name in names]
    for name in wanted:
        if not annotations(root / name):
            raise EvaluationError(f"{root / name} has no groundtruth.txt")
    found = [Source(name, root / name, _has_frames(root / name)) for name in wanted]
    for source in found:
        _check(source)
    return found


def _hint(root: Path) -> str:
    """What a folder that holds no sequences is instead, and what to do about it."""
    if (root / "groundtruth.txt").is_file():
        return f"; it is a sequence itself: give {root.parent} and --sequences {root.name}"
    if (root / "groundtruth_rect.txt").is_file() or any(root.glob("*/groundtruth_rect.txt")):
        return "; it has OTB's layout (groundtruth_rect.txt, img/): attrax-vot init WORKSPACE --format otb reads it"
    return ""


def _check(source: Source) -> None:
    """Makes sure that the toolkit can read a sequence, which would otherwise end in a traceback.

    Raises:
        EvaluationError: it cannot; file, line and value are named.
    """
    if not (source.path / "sequence").is_file() and any((source.path / "color").glob("*.*")):
        raise EvaluationError(
            f"{source.path} has frames in color/, but no file 'sequence' that says so: write one with the line "
            "channels.color=color/%08d.jpg"
        )
    for file in annotations(source.path):
        _check_truth(file)


def _check_truth(file: Path) -> None:
    """Makes sure that every line of a ground truth is a region."""
    for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
        problem = _problem(line.strip())
        if problem:
            raise EvaluationError(
                f"{file}, line {number}: '{line.strip()[:80]}' {problem}; a line is x,y,width,height or the corners "
                "x1,y1,x2,y2,... of a polygon, with commas"
            )


def _problem(line: str) -> str:
    """What is wrong with a line of ground truth; nothing where it is a region."""
    if not line:
        return "is empty"
    if line.startswith("m"):
        # A mask, which the toolkit decodes.
        return ""
    values = line.split(",")
    for value in values:
        try:
            float(value)
        except ValueError:
            return f"holds '{value.strip()[:40]}', which is no number"
    count = len(values)
    return "" if count in (1, 4) or (count > 4 and count % 2 == 0) else f"has {count} numbers"


def _has_frames(path: Path) -> bool:
    """Whether a sequence's folder holds images, and not ground truth alone."""
    suffixes = {".jpg", ".jpeg", ".png"}
    return any(file.suffix.lower() in suffixes for folder in (path / "color", path) for file in folder.glob("*"))
