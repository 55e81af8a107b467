"""What a tracker was when it was run: command, program, parameters, weights, versions and machine.

Results alone do not tell. So every run notes it in the workspace, in `.attrax/provenance/TRACKER.json`: a list, with
one entry for each run that differs from the one before it.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrax_vot import __version__
from attrax_vot.checksums import digests
from attrax_vot.files import write_whole
from attrax_vot.run import registration
from attrax_vot.run.toolkit import VERSION

if TYPE_CHECKING:
    from vot.tracker import Tracker

# Seconds that `attrax info` may take: it loads libtorch.
PATIENCE = 60

Record = dict[str, Any]


def note(workspace: Path, tracker: "Tracker") -> None:
    """Adds what a tracker is now to what the workspace knows of it, unless nothing has changed.

    Args:
        workspace: its folder.
        tracker: about to be run.
    """
    known = read(workspace, tracker.reference)
    now = describe(tracker)
    if known and _without_date(known[-1]) == _without_date(now):
        return
    write_whole(_file(workspace, tracker.reference), json.dumps([*known, now], indent=2) + "\n")


def read(workspace: Path, reference: str) -> list[Record]:
    """What was noted of a tracker, the latest last; nothing where nothing was, or the file is damaged."""
    try:
        found = json.loads(_file(workspace, reference).read_text())
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def describe(tracker: "Tracker") -> Record:
    """What a tracker is at this moment, on this machine.

    Returns:
        `date` in UTC, `protocol` unless it is trax, `command`, `arguments` and `environment` as registered, `program`
        (its path and SHA-256), what `attrax info` says where the program is attrax, the SHA-256 of a weights file that
        the command names, `versions` and `machine`.
    """
    said = tracker.describe()
    command = said.get("command") or ""
    started = registration.program(tracker)
    path, words = started.path, started.words
    record = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "protocol": said.get("protocol") if said.get("protocol") != "trax" else None,
        "command": command,
        "arguments": {key: str(value) for key, value in (said.get("arguments") or {}).items()},
        "environment": {key: str(value) for key, value in (said.get("env") or {}).items()},
        "program": {"path": path, "sha256": checksum(Path(path))} if path else None,
        "info": _info(path, words) if path and started.attrax else None,
        "weights": _weights(words),
        "versions": versions(),
        "machine": machine(),
    }
    return {key: value for key, value in record.items() if value not in (None, {}, "")}


def versions() -> dict[str, str]:
    """Versions of what runs and judges trackers."""
    return {"attrax-vot": __version__, "VOT toolkit": VERSION, "Python": platform.python_version()}


def machine() -> dict[str, Any]:
    """The machine: system, processor, cores, and what NVIDIA's driver names."""
    found = {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count() or 1}
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    if shutil.which(query[0]):
        reply = subprocess.run(query, capture_output=True, text=True, check=False)
        if reply.returncode == 0 and reply.stdout.strip():
            found["GPUs"] = reply.stdout.strip().splitlines()
    return found


def checksum(path: Path) -> str:
    """A file's SHA-256."""
    return digests(path, hashlib.sha256())[0]


def _file(workspace: Path, reference: str) -> Path:
    return workspace / ".attrax" / "provenance" / f"{reference}.json"


def _without_date(record: Record) -> Record:
    return {key: value for key, value in record.items() if key != "date"}


def _info(path: str, flags: list[str]) -> str | None:
    """What `attrax info` says of the flags that `attrax serve` is given; nothing where it refuses them."""
    flags = flags[1:] if flags[:1] == ["serve"] else flags
    try:
        reply = subprocess.run([path, "info", *flags], capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return reply.stdout.strip() if reply.returncode == 0 else None


def _weights(words: list[str]) -> dict[str, str] | None:
    """The weights file that a command names; one embedded in the program has the program's own checksum."""
    for flag, value in pairwise([*words, ""]):
        given = flag.removeprefix("--weights=") if flag.startswith("--weights=") else value
        if flag.startswith("--weights") and Path(given).is_file():
            return {"path": given, "sha256": checksum(Path(given))}
    return None


def _processor() -> str:
    """The processor's name, as Linux has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
