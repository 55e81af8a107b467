"""Other versions of the toolkit, and small datasets for them, made with the toolkit's own writer."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from conftest import PROJECT
from vot.dataset import load_dataset
from vot.dataset.common import write_sequence
from vot.dataset.proxy import FrameMapSequence

PINNED = "0.7.4"
VERSIONS = (PINNED, "0.8.1", "0.9.0")


@cache
def interpreter(version: str) -> str:
    """The interpreter that has a version of the toolkit; made where it is missing."""
    if version == PINNED:
        return sys.executable
    made = subprocess.run([PROJECT / "scripts" / "toolkit-env", version], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def start(version: str, program: str, *arguments: object) -> subprocess.Popen:
    """Starts a module, or the text of a program, with its arguments under a version of the toolkit."""
    how = "-c" if "\n" in program else "-m"
    return subprocess.Popen(
        [interpreter(version), how, program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(PROJECT / "evaluation")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen) -> str:
    """Waits for a program and gives what it said; fails with that where it did not end well."""
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    return said


class Excerpt(FrameMapSequence):
    """A few frames of a sequence, with anchors: positive ones run forward, negative ones backward."""

    def __init__(self, sequence: object, frames: list[int], anchors: dict[int, int]) -> None:
        super().__init__(sequence, frames)
        self._anchors = anchors

    def values(self, index: int | None = None) -> object:
        return {"anchor"} if index is None else {"anchor": self._anchors.get(index, 0)}


def excerpt(demo: Path, target: Path, names: list[str], frames: list[int], fps: int = 30) -> Path:
    """Writes a few frames of the demo's sequences as a dataset, with an anchor at the first, a middle and the last."""
    anchors = {0: 1, len(frames) // 3: 1, len(frames) - 1: -1}
    for sequence in load_dataset(str(demo)):
        if sequence.name in names:
            write_sequence(str(target / sequence.name), Excerpt(sequence, frames, anchors))
            described = target / sequence.name / "sequence"
            described.write_text(described.read_text().replace("fps=30", f"fps={fps}"))
    (target / "list.txt").write_text("".join(f"{name}\n" for name in names))
    return target
