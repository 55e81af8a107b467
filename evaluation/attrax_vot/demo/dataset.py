"""Writes the demo's scenes as a dataset in the toolkit's own format."""

from collections.abc import Iterable
from pathlib import Path

import cv2

from attrax_vot.demo.scene import HEIGHT, WIDTH, Scene
from attrax_vot.demo.sequences import all_scenes
from attrax_vot.files import write_whole

QUALITY = 92
# A frame is tagged as occluded from this share of hidden target on.
OCCLUDED = 0.1


def render_dataset(directory: Path, names: list[str] | None = None) -> list[str]:
    """Renders the demo dataset: the same bytes each time.

    Args:
        directory: where it goes; files that already have the right content are left as they are.
        names: of the wanted sequences; all when there are none.

    Returns:
        The names of the sequences.

    Raises:
        OSError: a file cannot be written.
    """
    scenes = [scene for scene in all_scenes() if not names or scene.name in names]
    for scene in scenes:
        _write_scene(scene, directory / scene.name)
    write_whole(directory / "list.txt", _lines(scene.name for scene in scenes))
    return [scene.name for scene in scenes]


def _write_scene(scene: Scene, directory: Path) -> None:
    """Writes one sequence: metadata, tags, ground truth and frames."""
    frames = range(scene.frames)
    metadata = {
        "name": scene.name,
        "fps": "30",
        "format": "default",
        "channels.color": "color/%08d.jpg",
        "width": str(WIDTH),
        "height": str(HEIGHT),
    }
    write_whole(directory / "sequence", _lines(f"{key}={value}" for key, value in metadata.items()))
    truth = (",".join(f"{value:.4f}" for value in scene.corners(frame).ravel()) for frame in frames)
    write_whole(directory / "groundtruth.txt", _lines(truth))
    tags = {
        name: [first <= scene.time(frame) <= last for frame in frames] for name, (first, last) in scene.tags.items()
    }
    tags["occlusion"] = [scene.hidden(frame) >= OCCLUDED for frame in frames]
    for name, marks in tags.items():
        write_whole(directory / f"{name}.tag", _lines(str(int(mark)) for mark in marks))
    for frame in frames:
        encoded = cv2.imencode(".jpg", scene.render(frame), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        write_whole(directory / "color" / f"{frame + 1:08d}.jpg", encoded.tobytes())


def _lines(lines: Iterable[object]) -> bytes:
    """Joins lines, each with its end."""
    return "".join(f"{line}\n" for line in lines).encode()
