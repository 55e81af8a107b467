"""Reads sequences in the layouts of VOT's neighbours: OTB, GOT-10k, LaSOT, and plain folders of images."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from attrax_vot.datasets import otb
from attrax_vot.run.toolkit import EvaluationError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}
# The names that annotation goes by in a plain folder of images.
TRUTHS = ("groundtruth.txt", "groundtruth_rect.txt")

# Numbers of a rectangle (left, top, width, height) or a polygon; none where the target is not there, or not annotated.
Region = tuple[float, ...] | None


@dataclass(frozen=True)
class Clip:
    """A sequence on disk.

    Attributes:
        name: of the sequence.
        frames: its images, in order.
        regions: one for each; coordinates count from 0.
    """

    name: str
    frames: list[Path]
    regions: list[Region]


def find(layout: str, directory: Path, names: list[str] | None = None) -> list[Clip]:
    """Reads the sequences of a dataset.

    Args:
        layout: one of `LAYOUTS`.
        directory: the dataset's folder.
        names: of the wanted sequences; all when there are none.

    Raises:
        EvaluationError: there are none, a wanted one is not there, or one cannot be read.
    """
    if layout not in LAYOUTS:
        raise EvaluationError(f"there is no format {layout}; there are vot, {', '.join(LAYOUTS)}")
    if not directory.is_dir():
        raise EvaluationError(f"there is no folder {directory}")
    list_names, read = LAYOUTS[layout]
    known = list_names(directory)
    if not known:
        raise EvaluationError(f"{directory} holds no sequence in the layout of {layout}: {EXPECTED[layout]}")
    unknown = sorted(set(names or []) - set(known))
    if unknown:
        raise EvaluationError(f"{directory} has no sequence {', '.join(unknown)}; it has {', '.join(known)}")
    return [read(name, *where) for name, where in known.items() if not names or name in names]


def _otb_names(directory: Path) -> dict[str, tuple[Path, str]]:
    found = {}
    for folder in sorted(each for each in directory.iterdir() if (each / "img").is_dir()):
        targets = otb.TARGETS.get(folder.name, {folder.name: "groundtruth_rect.txt"})
        for name, file in targets.items():
            if (folder / file).is_file():
                found[name] = (folder, file)
    return found


def _otb(name: str, folder: Path, file: str) -> Clip:
    frames = images(folder / "img")
    if folder.name in otb.RANGES:
        first, last = otb.RANGES[folder.name]
        frames = [each for each in frames if first <= _number(each) <= last]
    # MATLAB counts pixels from 1.
    regions = [each and (each[0] - 1, each[1] - 1, *each[2:]) for each in _regions(folder / file)]
    clip = _checked(Clip(name, frames, regions), folder / file)
    omitted = otb.OMITTED.get(folder.name, 0)
    return Clip(name, clip.frames[omitted:], clip.regions[omitted:])


def _got10k_names(directory: Path) -> dict[str, tuple[Path]]:
    folders = sorted(path.parent for path in directory.glob("*/groundtruth.txt"))
    return {folder.name: (folder,) for folder in folders if images(folder)}


def _got10k(name: str, folder: Path) -> Clip:
    frames, regions = images(folder), _regions(folder / "groundtruth.txt")
    if len(regions) == 1:
        # Of its test sequences only the first box is published.
        regions += [None] * (len(frames) - 1)
    absent = folder / "absence.label"
    if absent.is_file():
        regions = _without(regions, absent.read_text().split())
    return _checked(Clip(name, frames, regions), folder / "groundtruth.txt")


def _lasot_names(directory: Path) -> dict[str, tuple[Path]]:
    paths = [*directory.glob("*/groundtruth.txt"), *directory.glob("*/*/groundtruth.txt")]
    return {path.parent.name: (path.parent,) for path in sorted(paths) if (path.parent / "img").is_dir()}


def _lasot(name: str, folder: Path) -> Clip:
    regions = _regions(folder / "groundtruth.txt")
    for file in ("full_occlusion.txt", "out_of_view.txt"):
        if (folder / file).is_file():
            regions = _without(regions, (folder / file).read_text().replace(",", " ").split())
    return _checked(Clip(name, images(folder / "img"), regions), folder / "groundtruth.txt")


def _plain_names(directory: Path) -> dict[str, tuple[Path, Path]]:
    folders = [directory, *sorted(each for each in directory.iterdir() if each.is_dir())]
    return {each.resolve().name: (each, truth) for each in folders if (truth := _truth(each)) and images(each)}


def _plain(name: str, folder: Path, truth: Path) -> Clip:
    frames, regions = images(folder), _regions(truth)
    if len(regions) == 1:
        regions += [None] * (len(frames) - 1)
    return _checked(Clip(name, frames, regions), truth)


def _truth(folder: Path) -> Path | None:
    return next((folder / name for name in TRUTHS if (folder / name).is_file()), None)


def images(folder: Path) -> list[Path]:
    """The images of a folder, by the numbers in their names: 2 before 10."""
    found = (each for each in folder.iterdir() if each.suffix.lower() in SUFFIXES) if folder.is_dir() else ()

    def order(path: Path) -> list[tuple[int, int, str]]:
        parts = re.findall(r"\d+|\D+", path.stem)
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]

    return sorted(found, key=order)


def _number(path: Path) -> int:
    """The number in a frame's name."""
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else 0


def _regions(path: Path) -> list[Region]:
    """Reads a line of numbers for each frame; a box without extent, or no number, is none.

    Raises:
        EvaluationError: a line holds neither.
    """
    regions = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = tuple(float(value) for value in re.split(r"[,\s]+", line.strip()))
        except ValueError:
            values = ()
        if len(values) != 4 and (len(values) < 6 or len(values) % 2):
            raise EvaluationError(f"{path}:{number}: '{line}' is no box (left, top, width, height) and no polygon")
        there = all(map(isfinite, values)) and (len(values) > 4 or min(values[2:]) > 0)
        regions.append(values if there else None)
    return regions


def _without(regions: list[Region], marks: list[str]) -> list[Region]:
    """Takes away what is marked with a 1."""
    marks = marks + ["0"] * (len(regions) - len(marks))
    return [None if mark == "1" else region for region, mark in zip(regions, marks, strict=False)]


def _checked(clip: Clip, source: Path) -> Clip:
    """Makes sure that a sequence can be tracked.

    Raises:
        EvaluationError: numbers of frames and boxes differ, or the first frame has no box.
    """
    if len(clip.frames) != len(clip.regions):
        raise EvaluationError(f"{source} has {len(clip.regions)} boxes, {clip.name} {len(clip.frames)} frames")
    if not clip.regions or clip.regions[0] is None:
        raise EvaluationError(f"{source}: the first frame has no box to start from")
    return clip


# By the name that `--format` takes: what lists the sequences, with what their reader needs, and the reader.
LAYOUTS: dict[str, tuple[Callable[[Path], dict[str, tuple]], Callable[..., Clip]]] = {
    "otb": (_otb_names, _otb),
    "got10k": (_got10k_names, _got10k),
    "lasot": (_lasot_names, _lasot),
    "images": (_plain_names, _plain),
}
EXPECTED = {
    "otb": "NAME/img/0001.jpg and NAME/groundtruth_rect.txt",
    "got10k": "NAME/00000001.jpg and NAME/groundtruth.txt",
    "lasot": "CLASS/CLASS-1/img/00000001.jpg and CLASS/CLASS-1/groundtruth.txt",
    "images": "images and groundtruth.txt, at least with the first box, in it or in folders of it",
}
