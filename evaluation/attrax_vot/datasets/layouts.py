"""Reads sequences in the layouts of VOT's neighbours, and plain folders of images."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attrax_vot.datasets import apart, otb, text, vot
from attrax_vot.datasets.clip import OBJECT, Clip, broken, fit, read_rows, settle
from attrax_vot.datasets.frames import images, number
from attrax_vot.datasets.truth import TruthRow
from attrax_vot.errors import EvaluationError

# The names of annotation in a plain folder of images.
TRUTHS = ("groundtruth.txt", "groundtruth_rect.txt")
# MATLAB counts pixels from 1, and so do OTB's files by the names that OTB gave them.
FROM_ONE = "groundtruth_rect"


@dataclass(frozen=True)
class Layout:
    """How a benchmark arranges its files.

    Attributes:
        find: maps the dataset's folder to the arguments of `read` for each sequence, by its name.
        read: makes a clip from a name and these arguments.
        expected: the paths of the files, for error messages.
        truths: patterns of the files of ground truth.
        frames: patterns of the folders of frames.
    """

    find: Callable[[Path], dict[str, tuple]]
    read: Callable[..., Clip]
    expected: str
    truths: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()


def find(layout: str, directory: Path, names: list[str] | None = None) -> list[Clip]:
    """Reads the sequences of a dataset; errors of a sequence are in its findings.

    Args:
        layout: `vot`, or one of `LAYOUTS`.
        directory: the dataset's folder.
        names: of the wanted sequences; all when there are none.

    Raises:
        EvaluationError: there are none, or a wanted one is not there.
    """
    if layout == "vot":
        return vot.find(directory, names)
    if layout not in LAYOUTS:
        raise EvaluationError(f"there is no format {layout}; there are vot, {', '.join(LAYOUTS)}")
    if not directory.is_dir():
        raise EvaluationError(f"there is no folder {directory}")
    known = LAYOUTS[layout].find(directory)
    if not known:
        expected = LAYOUTS[layout].expected
        raise EvaluationError(f"{directory} holds no sequence in the layout of {layout}: {expected}")
    return [_read(layout, name, known[name]) for name in vot.wanted(directory, list(known), names)]


def _read(layout: str, name: str, where: tuple) -> Clip:
    """Reads a sequence; an operating system's error is a finding."""
    try:
        clip = LAYOUTS[layout].read(name, *where)
    except OSError as error:
        return broken(vot.safe(name), where[0], str(error))
    clip.name = vot.safe(name)
    return clip


def _otb_names(directory: Path) -> dict[str, tuple[Path, str]]:
    found = {}
    for folder in sorted(each for each in directory.iterdir() if (each / "img").is_dir()):
        targets = otb.TARGETS.get(folder.name, {folder.name: "groundtruth_rect.txt"})
        for name, file in targets.items():
            # Where one of several targets has no file, it is damaged.
            if (folder / file).is_file() or len(targets) > 1:
                found[name] = (folder, file)
    return found


def _otb(name: str, folder: Path, file: str) -> Clip:
    found = images(folder / "img")
    if folder.name in otb.RANGES:
        first, last = otb.RANGES[folder.name]
        found = [each for each in found if first <= (number(each) or 0) <= last]
    clip = Clip(name, folder)
    rows = from_zero(read_rows(clip, folder / file), folder / file)
    rows = fit(clip, "color", found, rows, folder / file)
    omitted = otb.OMITTED.get(folder.name, 0)
    clip.channels = {channel: each[omitted:] for channel, each in clip.channels.items()}
    clip.objects[OBJECT] = rows[omitted:]
    return settle(clip, folder / file)


def from_zero(rows: list[TruthRow], path: Path) -> list[TruthRow]:
    """Rows with coordinates that count from 0, whatever the file of that name counts from."""
    return [row.moved(-1, -1) for row in rows] if path.name.startswith(FROM_ONE) else rows


def _got10k_names(directory: Path) -> dict[str, tuple[Path]]:
    folders = sorted(path.parent for path in directory.glob("*/groundtruth.txt"))
    return {folder.name: (folder,) for folder in folders if images(folder)}


def _got10k(name: str, folder: Path) -> Clip:
    clip, source = Clip(name, folder), folder / "groundtruth.txt"
    # Of its test sequences only the first box is published.
    rows = fit(clip, "color", images(folder), read_rows(clip, source), source)
    absent = folder / "absence.label"
    if absent.is_file():
        rows = _without(clip, rows, absent)
    clip.objects[OBJECT] = rows
    return settle(clip, source)


def _lasot_names(directory: Path) -> dict[str, tuple[Path]]:
    paths = [*directory.glob("*/groundtruth.txt"), *directory.glob("*/*/groundtruth.txt")]
    return {path.parent.name: (path.parent,) for path in sorted(paths) if (path.parent / "img").is_dir()}


def _lasot(name: str, folder: Path) -> Clip:
    clip, source = Clip(name, folder), folder / "groundtruth.txt"
    rows = read_rows(clip, source)
    for file in ("full_occlusion.txt", "out_of_view.txt"):
        if (folder / file).is_file():
            rows = _without(clip, rows, folder / file)
    clip.objects[OBJECT] = fit(clip, "color", images(folder / "img"), rows, source)
    return settle(clip, source)


def _tnl2k_names(directory: Path) -> dict[str, tuple[Path]]:
    paths = sorted([*directory.glob("*/groundtruth.txt"), *directory.glob("*/*/groundtruth.txt")])
    return {path.parent.name: (path.parent,) for path in paths if (path.parent / "imgs").is_dir()}


def _tnl2k(name: str, folder: Path) -> Clip:
    clip, source = Clip(name, folder), folder / "groundtruth.txt"
    clip.objects[OBJECT] = fit(clip, "color", images(folder / "imgs"), read_rows(clip, source), source)
    return settle(clip, source)


def _plain_names(directory: Path) -> dict[str, tuple[Path, Path]]:
    folders = [directory, *sorted(each for each in directory.iterdir() if each.is_dir())]
    return {each.resolve().name: (each, truth) for each in folders if (truth := _truth(each)) and images(each)}


def _plain(name: str, folder: Path, source: Path) -> Clip:
    clip = Clip(name, folder)
    rows = from_zero(read_rows(clip, source), source)
    clip.objects[OBJECT] = fit(clip, "color", images(folder), rows, source)
    return settle(clip, source)


def _truth(folder: Path) -> Path | None:
    return next((folder / name for name in TRUTHS if (folder / name).is_file()), None)


def _without(clip: Clip, rows: list[TruthRow], file: Path) -> list[TruthRow]:
    """Removes the regions of rows that a file marks with 1; a mark for each row, 0 or 1."""
    marks = text.read(file).replace(",", " ").split()
    if len(marks) != len(rows):
        clip.add(
            f"{file} has {len(marks)} marks for {len(rows)} rows; missing ones are taken as 0, others are left out"
        )
    if odd := next((mark for mark in marks if mark not in ("0", "1")), None):
        clip.add(f"{file}: '{odd[:40]}' is neither 0 nor 1; 0 is taken")
    marks = marks + ["0"] * (len(rows) - len(marks))
    reason = f"absent by {file.name}"
    return [row.without(reason) if mark == "1" else row for row, mark in zip(rows, marks, strict=False)]


# Files of ground truth in folders of sequences, or in folders of classes.
IN_FOLDERS = ("*/groundtruth.txt", "*/*/groundtruth.txt")
# By the name that `--format` takes.
LAYOUTS = {
    "otb": Layout(
        _otb_names, _otb, "NAME/img/0001.jpg and NAME/groundtruth_rect.txt", ("*/groundtruth_rect.txt",), ("*/img",)
    ),
    "got10k": Layout(
        _got10k_names, _got10k, "NAME/00000001.jpg and NAME/groundtruth.txt", ("*/groundtruth.txt",), ("*",)
    ),
    "lasot": Layout(
        _lasot_names, _lasot, "CLASS/CLASS-1/img/00000001.jpg and CLASS/CLASS-1/groundtruth.txt", IN_FOLDERS,
        ("*/img", "*/*/img"),
    ),
    "tnl2k": Layout(
        _tnl2k_names, _tnl2k, "NAME/imgs/00001.jpg and NAME/groundtruth.txt", IN_FOLDERS, ("*/imgs", "*/*/imgs")
    ),
    "nfs": Layout(
        apart.nfs_names, apart.nfs, "NAME/30/NAME/00001.jpg and NAME/30/NAME.txt", ("*/30/*.txt",), ("*/30/*",)
    ),
    "nfs240": Layout(
        apart.nfs240_names, apart.nfs, "NAME/240/NAME/00001.jpg and NAME/240/NAME.txt", ("*/240/*.txt",), ("*/240/*",)
    ),
    "uav123": Layout(
        apart.uav123_names, apart.uav123, "data_seq/UAV123/NAME/000001.jpg and anno/UAV123/NAME.txt",
        ("anno/UAV123/*.txt",), ("data_seq/UAV123/*",),
    ),
    "trackingnet": Layout(
        apart.trackingnet_names, apart.trackingnet, "frames/NAME/0.jpg and anno/NAME.txt, perhaps in TRAIN_0 .. TEST",
        ("anno/*.txt", "*/anno/*.txt"), ("frames/*", "*/frames/*"),
    ),
    "images": Layout(
        _plain_names, _plain, "images and groundtruth.txt, at least with the first box, in it or in folders of it",
        frames=("*",),
    ),
}  # fmt: skip
