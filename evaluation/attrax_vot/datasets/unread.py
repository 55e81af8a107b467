"""What in a dataset's folder looks like a sequence, or like part of one, and is read as none."""

from pathlib import Path

from attrax_vot.datasets import channels, vot
from attrax_vot.datasets.clip import Clip
from attrax_vot.datasets.frames import images
from attrax_vot.datasets.layouts import LAYOUTS
from attrax_vot.datasets.text import escaped

# Sentences of one dataset; then how many more there are.
SHOWN = 20


def find(layout: str, directory: Path, clips: list[Clip]) -> list[str]:
    """A sentence for each folder of images without ground truth, and for each ground truth without images.

    Args:
        layout: `vot`, or one of `LAYOUTS`.
        directory: the dataset's folder.
        clips: all sequences that are read from it.
    """
    found = _vot(directory, clips) if layout == "vot" else _other(layout, directory, clips)
    more = [f"{len(found) - SHOWN} more folders or files are left out"] if len(found) > SHOWN else []
    return [escaped(sentence) for sentence in found[:SHOWN] + more]


def _vot(directory: Path, clips: list[Clip]) -> list[str]:
    """Folders without ground truth; a `list.txt` says by itself which folders are meant."""
    root = vot.find_root(directory)
    if (root / "list.txt").is_file():
        return []
    read = {clip.folder for clip in clips}
    folders = (each for each in sorted(root.iterdir()) if each not in read and not each.name.startswith("."))
    return [
        f"{folder} is left out: it has images and no groundtruth.txt"
        for folder in folders
        if _is_folder(folder) and channels.find(folder, channels.properties(folder)).images
    ]


def _other(layout: str, directory: Path, clips: list[Clip]) -> list[str]:
    """Folders without ground truth, and ground truth without folders or whose name another sequence has."""
    known = LAYOUTS[layout]
    sources = {source.resolve() for clip in clips for source in clip.sources}
    used = {clip.folder for clip in clips} | {each.parent for clip in clips for each in clip.frames}
    names = {clip.name for clip in clips}
    found = []
    truths = sorted(each for pattern in known.truths for each in directory.glob(pattern))
    for truth in truths:
        if truth.resolve() in sources or truth.parent in used:
            continue
        name = truth.stem if truth.parent.name == "anno" else truth.parent.name
        reason = f"another sequence is called {name}" if name in names else "it has no images"
        found.append(f"{truth} is left out: {reason}; the layout is {known.expected}")
    used |= {truth.parent for truth in truths}
    # Of ground truth that is left out already.
    names |= {truth.stem for truth in truths}
    for pattern in known.frames:
        for folder in sorted(directory.glob(pattern)):
            inside = folder.parent if folder.name in ("img", "imgs") else folder
            if not {folder, inside} & used and folder.name not in names and folder.is_dir() and images(folder):
                found.append(f"{folder} is left out: it has images and no ground truth; the layout is {known.expected}")
    return found


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # A link that leads to itself.
        return False
