"""The frames of a sequence in the toolkit's layout: by its file `sequence`, and where that does not find them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from attrax_vot.datasets import text
from attrax_vot.datasets.frames import images

# The channels that the toolkit knows.
CHANNELS = ("color", "depth", "ir")
# Where frames are looked for without a description, and the channel that they are of.
FOLDERS = {"color": "color", "img": "color", "imgs": "color", "frames": "color", "depth": "depth", "ir": "ir"}
# More digits than that are no count of frames.
_PATTERN = re.compile(r"[^%]*%0?[1-9]?d[^%]*")


@dataclass
class Found:
    """Frames of a sequence.

    Attributes:
        images: by channel, in order.
        plain: whether the toolkit finds the same ones.
        notes: oddities that do not prevent use.
        errors: why the frames cannot be used.
    """

    images: dict[str, list[Path]] = field(default_factory=dict)
    plain: bool = True
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def properties(folder: Path) -> dict[str, str]:
    """What a sequence's file `sequence` says; nothing where there is none."""
    file = folder / "sequence"
    if not file.is_file():
        return {}
    lines = (line.partition("=") for line in text.lines(text.read(file)))
    return {key.strip(): value.strip() for key, separator, value in lines if separator}


def find(folder: Path, described: dict[str, str]) -> Found:
    """Finds the frames of a sequence.

    Args:
        folder: of the sequence.
        described: the properties in its file `sequence`.
    """
    found = Found()
    if (folder / "sequence").is_file():
        found.plain = text.plain((folder / "sequence").read_bytes())
    patterns = {name: described[key] for name in CHANNELS if (key := f"channels.{name}") in described}
    if not patterns and (folder / "sequence").is_file():
        # As the toolkit does.
        patterns = {"color": "color/%08d.jpg"}
    for name, pattern in patterns.items():
        _described(found, folder, name, pattern, described.get("length"))
    if not patterns:
        _undescribed(found, folder)
    return found


def _described(found: Found, folder: Path, channel: str, pattern: str, length: str | None) -> None:
    """Finds the frames of a channel by its pattern, or else in the pattern's folder and near it."""
    place = folder / pattern.replace("\\", "/")
    if not place.suffix:
        place = place / "%08d.jpg"
    there = images(place.parent)
    counted = _counted(place, there)
    if length is not None and length.isdigit() and 0 < int(length) < len(counted):
        counted = counted[: int(length)]
    elif length is not None and (there or not length.isdigit()) and length != str(len(counted)):
        found.plain = False
        found.notes.append(f"{folder / 'sequence'}: length={length[:40]}, but there are {len(counted)} frames")
    # Frames of another format may stand next to these, such as masks: the pattern says which are
    # meant.
    same = [each for each in there if each.suffix == place.suffix]
    if counted and (len(counted) == len(same) or (length is not None and length == str(len(counted)))):
        found.images[channel] = counted
        found.plain &= place.suffix in (".jpg", ".png")
        return
    found.plain = False
    others = there or _nearest(folder, channel)
    if others:
        where = others[0].parent
        found.notes.append(
            f"{folder / 'sequence'}: {pattern} finds {len(counted)} frames; the {len(others)} in {where} are taken"
        )
        found.images[channel] = others


def _counted(place: Path, there: list[Path]) -> list[Path]:
    """The files that a pattern such as `%08d.jpg` names, from 1 on."""
    if not _PATTERN.fullmatch(place.name):
        return []
    names = {each.name: each for each in there}
    counted: list[Path] = []
    while (image := names.get(place.name % (len(counted) + 1))) is not None:
        counted.append(image)
    return counted


def _undescribed(found: Found, folder: Path) -> None:
    """Finds frames where there is no file `sequence`."""
    direct = images(folder)
    if direct:
        # The toolkit takes 00000001.jpg and so on from the sequence's folder, and no others.
        expected = [folder / f"{place:08d}.jpg" for place in range(1, len(direct) + 1)]
        found.images["color"], found.plain = direct, direct == expected
        return
    found.plain = False
    for name, channel in FOLDERS.items():
        if channel not in found.images and (there := images(folder / name) or images(folder / name / name)):
            found.images[channel] = there


def _nearest(folder: Path, channel: str) -> list[Path]:
    """The images of a channel, where its pattern finds none: in its own folder, in that again, in the sequence's."""
    names = [name for name, each in FOLDERS.items() if each == channel]
    places = [folder / name / inner for name in names for inner in ("", name)]
    if channel == "color":
        places.append(folder)
    return next((found for place in places if (found := images(place))), [])
