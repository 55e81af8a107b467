"""Small datasets with something odd about them, and the commands that read them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attrax_vot.cli import main
from attrax_vot.run import workspace

BOX = "20,16,24,18"
SEQUENCE = "channels.color=color/%08d.jpg\nfps=30\nformat=default\n"


def picture(number: int, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    """A frame whose grey says its number."""
    return np.full((*size, 3), 10 * number, np.uint8)


def frames(folder: Path, names: list[str]) -> None:
    """Frames by these names; the first is number 1, whatever its name says."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names, 1):
        Image.fromarray(picture(number)).save(folder / name)


def sequence(root: Path, name: str = "car", count: int = 6, truth: str | bytes | None = None) -> Path:
    """A sequence in the toolkit's own layout; its folder."""
    folder = root / name
    frames(folder / "color", [f"{number:08d}.jpg" for number in range(1, count + 1)])
    (folder / "sequence").write_text(SEQUENCE)
    whole = f"{BOX}\n" * count if truth is None else truth
    (folder / "groundtruth.txt").write_bytes(whole.encode() if isinstance(whole, str) else whole)
    return folder


class Command:
    """What a command result, and how it ended."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.code = 0
        self.text = ""

    def __call__(self, *arguments: object) -> "Command":
        self.code = main(list(map(str, arguments)))
        self.text = "".join(self._capsys.readouterr())
        return self


def loaded(space: Path) -> dict[str, list[int]]:
    """The sequences of a workspace as the toolkit reads them: the grey of each frame, by which its number is known."""
    found = {}
    for each in workspace.load(space).dataset:
        greys = [each.frame(index).image().mean() for index in range(len(each))]
        found[each.name] = [round(grey / 10) for grey in greys]
        assert len(each.groundtruth()) == len(greys)
    return found
