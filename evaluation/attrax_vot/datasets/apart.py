"""Reads datasets whose ground truth is not next to the frames: NfS, UAV123, TrackingNet."""

from pathlib import Path

from attrax_vot.datasets import text, truth
from attrax_vot.datasets.clip import OBJECT, Clip, fit, read_rows, settle
from attrax_vot.datasets.frames import images, number
from attrax_vot.datasets.truth import TruthRow

# Videos of UAV123 that several sequences are cut from: for each, its parts' first and last frames.
PARTS = {
    "bird1": ((1, 253), (775, 1477), (1573, 2437)),
    "car1": ((1, 751), (751, 1627), (1627, 2629)),
    "car6": ((1, 487), (487, 1807), (1807, 2953), (2953, 3925), (3925, 4861)),
    "car8": ((1, 1357), (1357, 2575)),
    "car16": ((1, 415), (415, 1993)),
    "group1": ((1, 1333), (1333, 2515), (2515, 3925), (3925, 4873)),
    "group2": ((1, 907), (907, 1771), (1771, 2683)),
    "group3": ((1, 1567), (1567, 2827), (2827, 4369), (4369, 5527)),
    "person2": ((1, 1189), (1189, 2623)),
    "person4": ((1, 1501), (1501, 2743)),
    "person5": ((1, 877), (877, 2101)),
    "person7": ((1, 1249), (1249, 2065)),
    "person8": ((1, 1075), (1075, 1525)),
    "person12": ((1, 601), (601, 1621)),
    "person14": ((1, 847), (847, 1813), (1813, 2923)),
    "person17": ((1, 1501), (1501, 2347)),
    "person19": ((1, 1243), (1243, 2791), (2791, 4357)),
    "truck4": ((1, 577), (577, 1261)),
    "uav1": ((1, 1555), (1555, 2377), (2473, 3469)),
}


def nfs_names(directory: Path) -> dict[str, tuple[Path, Path]]:
    """NfS's sequences at 30 frames a second: folders of frames, and files of boxes."""
    return _nfs_names(directory, "30")


def nfs240_names(directory: Path) -> dict[str, tuple[Path, Path]]:
    """NfS's sequences at 240 frames a second."""
    return _nfs_names(directory, "240")


def _nfs_names(directory: Path, rate: str) -> dict[str, tuple[Path, Path]]:
    found = {}
    for source in sorted(directory.glob(f"*/{rate}/*.txt")):
        folder = source.with_suffix("")
        if folder.is_dir():
            found[source.stem] = (folder, source)
    return found


def nfs(name: str, folder: Path, source: Path) -> Clip:
    """A sequence of NfS: boxes are corners, in lines of `0 LEFT TOP RIGHT BOTTOM FRAME LOST ...`."""
    clip = Clip(name, folder)
    clip.fps = int(folder.parent.name)
    clip.sources.append(source)
    found = images(folder)
    try:
        rows = [_corners(line, place) for place, line in enumerate(text.lines(text.read(source)), 1)]
    except OSError as error:
        return clip.fail(str(error))
    clip.fail(*truth.errors(source, rows))
    if not rows:
        return clip.fail(f"{source} is empty")
    # Boxes are of every frame at 240 a second; some sequences have one too many.
    if found and len(rows) > 4 * len(found):
        rows = rows[::8]
    if len(rows) == len(found) + 1:
        rows.pop()
    clip.objects[OBJECT] = fit(clip, "color", found, rows, source)
    return settle(clip, source)


def _corners(line: str, place: int) -> TruthRow:
    """The row of a line with corners; a box by itself is taken as one."""
    words = line.split()
    if len(words) < 7:
        return truth.parse(line, place)
    try:
        left, top, right, bottom = map(float, words[1:5])
    except ValueError:
        return TruthRow(place, truth.UNKNOWN, error="holds no box LEFT TOP RIGHT BOTTOM after its first word")
    row = truth.parse(f"{left},{top},{right - left},{bottom - top}", place)
    return row.without("marked as lost") if words[6] == "1" else row


def uav123_names(directory: Path) -> dict[str, tuple[Path, Path]]:
    """UAV123's sequences: folders of videos, and files of boxes."""
    found = {}
    for source in sorted(directory.glob("anno/UAV123/*.txt")):
        folders = directory / "data_seq" / "UAV123"
        video, _, part = source.stem.rpartition("_")
        folder = folders / source.stem
        if not folder.is_dir() and part in map(str, range(1, len(PARTS.get(video, ())) + 1)):
            folder = folders / video
        if folder.is_dir():
            found[source.stem] = (folder, source)
    return found


def uav123(name: str, folder: Path, source: Path) -> Clip:
    """A sequence of UAV123: a video, or a part of one."""
    found = images(folder)
    if name != folder.name:
        first, last = PARTS[folder.name][int(name.rpartition("_")[2]) - 1]
        found = [each for each in found if first <= (number(each) or 0) <= last]
    clip = Clip(name, folder)
    clip.objects[OBJECT] = fit(clip, "color", found, read_rows(clip, source), source)
    return settle(clip, source)


def trackingnet_names(directory: Path) -> dict[str, tuple[Path, Path]]:
    """TrackingNet's sequences: folders of frames, and files of boxes; in one split, or in a folder of splits."""
    found = {}
    for source in sorted([*directory.glob("anno/*.txt"), *directory.glob("*/anno/*.txt")]):
        folder = source.parent.parent / "frames" / source.stem
        if folder.is_dir():
            found[source.stem] = (folder, source)
    return found


def trackingnet(name: str, folder: Path, source: Path) -> Clip:
    """A sequence of TrackingNet; of its test split only the first box is published."""
    clip = Clip(name, folder)
    clip.objects[OBJECT] = fit(clip, "color", images(folder), read_rows(clip, source), source)
    return settle(clip, source)
