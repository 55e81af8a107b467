"""Scores of an earlier start, which count as long as results, ground truth and programs are the same."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrax_vot import __version__
from attrax_vot.explore.study import Signature, Study
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import VERSION


class Kept:
    """Files in the workspace's folder `.attrax`, one for each tracker and experiment."""

    def __init__(self, study: Study) -> None:
        """Keeps scores of a workspace."""
        self._folder = study.directory / ".attrax" / "explore"
        described = [study.directory / name for name in ("stack.yaml", "config.yaml")]
        truths = [study.directory / "sequences" / name / "groundtruth.txt" for name in study.sequences]
        self._programs = [__version__, str(VERSION), *map(_about, [*described, *truths])]

    def read(self, experiment: str, tracker: str, there: list[Signature]) -> dict[str, Any] | None:
        """The scores of results that are on disk like `there`; nothing where none were kept."""
        # Whatever the file holds: it is made again.
        with suppress(OSError, ValueError, LookupError, TypeError):
            kept = json.loads(self._file(experiment, tracker).read_text())
            if kept["about"] == self._digest(there):
                return {**kept["scores"], "rank": tuple(kept["scores"]["rank"])}
        return None

    def write(self, experiment: str, tracker: str, there: list[Signature], scores: dict[str, Any]) -> None:
        """Keeps scores, where the workspace can be written to."""
        file = self._file(experiment, tracker)
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, json.dumps({"about": self._digest(there), "scores": scores}))

    def _file(self, experiment: str, tracker: str) -> Path:
        return self._folder / f"{experiment}-{tracker}.json"

    def _digest(self, there: list[Signature]) -> str:
        return hashlib.sha256(repr((self._programs, there)).encode()).hexdigest()


def _about(path: Path) -> str:
    """When and how large a file is."""
    with suppress(OSError):
        about = path.stat()
        return f"{about.st_mtime_ns} {about.st_size}"
    return ""
