"""What an earlier start computed, which counts as long as results, ground truth and programs are the same."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrax_vot import __version__
from attrax_vot.files import write_whole
from attrax_vot.run.toolkit import VERSION

# When and how large the files of a tracker's results are.
Signature = tuple[tuple[str, int, int], ...]


class Kept:
    """Files in the workspace's folder `.attrax`: scores by tracker and experiment, and records by sequence too."""

    def __init__(self, directory: Path, sequences: list[str]) -> None:
        """Keeps what is computed of a workspace.

        Args:
            directory: of the workspace.
            sequences: their names.
        """
        self._folder = directory / ".attrax" / "explore"
        described = [directory / name for name in ("stack.yaml", "config.yaml")]
        truths = [directory / "sequences" / name / "groundtruth.txt" for name in sequences]
        programs = [__version__, str(VERSION), *map(_about, [*described, *truths])]
        self._programs = hashlib.sha256(repr(programs).encode()).hexdigest()

    def read(self, name: str, there: object) -> dict[str, Any] | None:
        """What was kept under a name, of results that are on disk like `there`; nothing where there is none."""
        # Whatever the file holds: it is made again.
        with suppress(OSError, ValueError, LookupError, TypeError):
            kept = json.loads(self._file(name).read_text())
            if kept["about"] == self._digest(there):
                return dict(kept["found"])
        return None

    def write(self, name: str, there: object, found: dict[str, Any]) -> None:
        """Keeps something, where the workspace can be written to."""
        file = self._file(name)
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(file, json.dumps({"about": self._digest(there), "found": found}))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _digest(self, there: object) -> str:
        return hashlib.sha256(repr((self._programs, there)).encode()).hexdigest()


def _about(path: Path) -> str:
    """When and how large a file is."""
    with suppress(OSError):
        about = path.stat()
        return f"{about.st_mtime_ns} {about.st_size}"
    return ""
