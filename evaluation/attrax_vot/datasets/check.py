"""Looks at every frame and row of a dataset before hours go into it."""

import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PIL import Image
from tqdm import tqdm

from attrax_vot.datasets.clip import Clip
from attrax_vot.datasets.frames import LARGEST, upright

# Sentences about unreadable frames of one sequence; then how many more there are.
SHOWN = 5


def frames(clips: list[Clip]) -> None:
    """Decodes every frame; errors are added to the clip's findings."""
    # Decoding leaves Python's lock, so threads share the work. Pillow's own limit is a warning
    # first.
    with warnings.catch_warnings(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        for _ in tqdm(pool.map(_decode, clips), total=len(clips), desc="checking", disable=None):
            pass


def _decode(clip: Clip) -> None:
    """Decodes the frames of one clip."""
    if clip.errors:
        return
    if not clip.channels:
        clip.fail(f"{clip.folder} has no frames: put them into color/, as 00000001.jpg and so on")
        return
    problems = []
    for images in clip.channels.values():
        first = None
        for image in images:
            try:
                # Not OpenCV, which takes a truncated file for a whole one.
                with Image.open(image) as opened:
                    size = opened.size
                    if size[0] * size[1] <= LARGEST:
                        opened.load()
                        size = upright(opened)
            except Exception as error:
                # Pillow raises whatever a broken file makes it raise.
                reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
                problems.append(f"{clip.name}: {image} cannot be read as an image: {reason}")
                continue
            if size[0] * size[1] > LARGEST:
                problems.append(f"{clip.name}: {image} has {size[0]} x {size[1]} pixels; attrax takes {LARGEST}")
                continue
            first = first or size
            if size != first:
                found, expected = (f"{width} x {height}" for width, height in (size, first))
                problems.append(f"{clip.name}: {image} has {found} pixels, the first frame {expected}")
    clip.fail(*problems[:SHOWN])
    if len(problems) > SHOWN:
        clip.fail(f"{clip.name}: {len(problems) - SHOWN} more frames are odd")


def against(clips: Iterable[Clip], stack: dict[str, Any], name: str, several: Callable[[], list[str]]) -> None:
    """Compares clips with the experiments of a stack.

    Args:
        clips: mismatches are added to their findings.
        stack: as its file has it, reduced to the wanted experiments.
        name: of the stack.
        several: gives the names of the stacks that follow several objects.
    """
    experiments = stack["experiments"]
    single = [key for key, each in experiments.items() if not each.get("multiobject")]
    anchors = {each.get("anchor", "anchor") for each in experiments.values() if each["type"] == "multistart"}
    for clip in clips:
        if clip.errors:
            continue
        if single and len(clip.targets) > 1:
            clip.fail(
                f"{clip.name} has {len(clip.targets)} objects ({', '.join(clip.targets)}); {', '.join(single)} of "
                f"stack {name} follows one: give a stack that follows several, --stack {' or '.join(several())}"
            )
        for anchor in sorted(anchors):
            if not any(clip.values.get(anchor, [])):
                clip.fail(
                    f"{clip.name}: no frame to start from; a file {anchor}.value, a number a frame, marks those to run "
                    "forward from by 1 and backward by -1"
                )
