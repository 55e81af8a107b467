"""Shows sequences of any layout to the toolkit as if they were VOT's: its files, with links to the frames."""

from pathlib import Path

import cv2

from attrax_vot.datasets.layouts import Clip, Region
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import EvaluationError

# What the toolkit reads as a frame without ground truth.
UNKNOWN = "0"


def lay_out(clips: list[Clip], directory: Path) -> None:
    """Writes a folder for each sequence, and the list of them; frames are links to the originals.

    Raises:
        EvaluationError: a first frame is no image, or frames of a sequence are of different kinds.
    """
    for clip in clips:
        folder = directory / clip.name
        suffix = clip.frames[0].suffix.lower()
        if any(frame.suffix.lower() != suffix for frame in clip.frames):
            raise EvaluationError(f"{clip.frames[0].parent} mixes kinds of images; the toolkit takes one of them")
        first = cv2.imread(str(clip.frames[0]))
        if first is None:
            raise EvaluationError(f"{clip.frames[0]} cannot be read as an image")
        height, width = first.shape[:2]
        for index, frame in enumerate(clip.frames, 1):
            _link(folder / "color" / f"{index:08d}{suffix}", frame.resolve())
        write_whole(folder / "groundtruth.txt", "".join(f"{_line(region)}\n" for region in clip.regions))
        write_whole(
            folder / "sequence",
            f"name={clip.name}\nfps=30\nformat=default\nchannels.color=color/%08d{suffix}\n"
            f"width={width}\nheight={height}\nlength={len(clip.frames)}\n",
        )
    write_whole(directory / "list.txt", "".join(f"{clip.name}\n" for clip in clips))


def _line(region: Region) -> str:
    return UNKNOWN if region is None else ",".join(f"{value:.10g}" for value in region)


def _link(place: Path, target: Path) -> None:
    """Makes a link, unless it is there."""
    if place.is_symlink():
        if place.readlink() == target:
            return
        raise EvaluationError(f"{place} is not {target}: this workspace belongs to another dataset; give another one")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
