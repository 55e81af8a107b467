"""Shows sequences of any layout to the toolkit as if they were VOT's: its files, with links to the frames."""

from collections.abc import Iterable
from pathlib import Path

from attrax_vot.datasets.clip import OBJECT, Clip
from attrax_vot.errors import EvaluationError
from attrax_vot.files import write_whole


def lay_out(clip: Clip, folder: Path) -> None:
    """Writes a sequence's folder in the toolkit's layout; frames are links to the originals.

    Raises:
        EvaluationError: the folder shows another sequence.
    """
    if clip.size is None:
        raise EvaluationError(f"{clip.frames[0]} cannot be read as an image")
    described = {"name": clip.name, "fps": clip.fps, "format": "default"}
    for channel, images in clip.channels.items():
        # The toolkit takes names in .jpg and .png alone; readers know a format by its content.
        suffix = ".png" if all(image.suffix.lower() == ".png" for image in images) else ".jpg"
        for index, image in enumerate(images, 1):
            _link(folder / channel / f"{index:08d}{suffix}", image.resolve())
        described[f"channels.{channel}"] = f"{channel}/%08d{suffix}"
    described |= {"width": clip.size[0], "height": clip.size[1], "length": len(clip.frames)}
    describe(clip, folder, described)


def describe(clip: Clip, folder: Path, described: dict[str, object]) -> None:
    """Writes the files of a sequence without its frames: ground truth, tags, values and `sequence`."""
    several = list(clip.objects) != [OBJECT]
    files: dict[str, Iterable[object]] = {
        f"groundtruth_{name}.txt" if several else "groundtruth.txt": (row.text for row in rows)
        for name, rows in clip.objects.items()
    }
    files |= {f"{name}.tag": map(int, marks) for name, marks in clip.tags.items()}
    files |= {f"{name}.value": (f"{number:.10g}" for number in numbers) for name, numbers in clip.values.items()}
    files["sequence"] = (f"{key}={value}" for key, value in described.items())
    for name, rows in files.items():
        write_whole(folder / name, "".join(f"{row}\n" for row in rows))
    # Of an earlier state of the dataset: the toolkit would read them.
    for old in [*folder.glob("groundtruth*.txt"), *folder.glob("*.tag"), *folder.glob("*.value")]:
        if old.name not in files:
            old.unlink()


def _link(place: Path, target: Path) -> None:
    """Makes a link, unless it is there."""
    if place.is_symlink():
        if place.readlink() == target:
            return
        raise EvaluationError(f"{place} is not {target}: this workspace belongs to another dataset; give another one")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
