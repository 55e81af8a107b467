"""Whole videos and folders: `attrax track` as an iterator."""

import csv
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import IO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from attrax import frames
from attrax_vot.program import binary

Source: TypeAlias = str | PathLike[str] | Sequence[str | PathLike[str]]
# Seconds from the request to end until the program is killed.
PATIENCE = 10.0


class SourceError(RuntimeError):
    """The program refused the source, the box or a parameter; the text is its own reason."""


def rows(
    arguments: Sequence[str], source: Source, boxes: NDArray[np.float64] | None
) -> Iterator[list[dict[str, float]]]:
    """Runs `attrax track`.

    Args:
        arguments: flags of the tracker.
        source: what `attrax track` takes, or paths of frames.
        boxes: as `frames.boxes` makes them, or None for the ground truth stored with the frames.

    Yields:
        For each frame, a row of the table for each target: values by column.

    Raises:
        SourceError: the program ended with an error.
        ValueError: it is no source.
    """
    given = frames.sources(source)
    each = [] if boxes is None else np.atleast_2d(boxes).tolist()
    flags = [f"--box={','.join(map(repr, box))}" for box in each]
    command = [str(binary()), "track", *arguments, *flags, "--", *given]
    # A file, which a program with much output never waits for.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            for row in csv.DictReader(process.stdout):
                yield _targets(row)
            process.wait()
        finally:
            _end(process)
        if process.returncode:
            raise SourceError(_reason(errors, process.returncode))


def _targets(row: dict[str, str]) -> list[dict[str, float]]:
    """The columns of each target: those of the second one begin with `target2_`."""
    targets = [{name: float(value) for name, value in row.items() if not name.startswith("target")}]
    while any(name.startswith(prefix := f"target{len(targets) + 1}_") for name in row):
        own = {name.removeprefix(prefix): float(value) for name, value in row.items() if name.startswith(prefix)}
        targets.append(own)
    return targets


def _end(process: "subprocess.Popen[str]") -> None:
    """Ends a program whose rows are wanted no more."""
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _reason(errors: IO[bytes], code: int) -> str:
    """Why it failed, in its own words."""
    errors.seek(0)
    text = errors.read().decode(errors="replace").partition("\n\n")[0].strip()
    last = text.rpartition("attrax: ")[2] if "attrax: " in text else text.rpartition("error: ")[2]
    return " ".join(last.split()) or f"the tracker's process ended with exit code {code} and gave no reason"
