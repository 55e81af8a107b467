"""Where the program `attrax` and its registration are: in the wheel `attrax`, or in the clone around this package.

The wheel `attrax-vot` works without both; then trackers are those that the user registers.
"""

import importlib.util
import os
import shutil
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
#: Trackers that attrax registers.
TRACKERS = ("DAT", "MDNet", "DATfast")


def package() -> Path | None:
    """The folder of the Python package `attrax`, where it is installed with the program in it."""
    found = importlib.util.find_spec("attrax")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    return folder if (folder / "bin" / "attrax").is_file() else None


def is_clone() -> bool:
    """Whether this package is in a clone of the project."""
    return (CLONE / "scripts" / "setup").is_file()


def binary() -> Path:
    """The program `attrax`.

    Raises:
        FileNotFoundError: it is missing.
    """
    if (folder := package()) is not None:
        return folder / "bin" / "attrax"
    built = CLONE / "out" / "bin" / "attrax"
    if is_clone() and built.is_file():
        return built
    found = shutil.which("attrax")
    if found is None:
        raise FileNotFoundError(f"there is no program attrax; {remedy()}")
    return Path(found)


def remedy() -> str:
    """What brings the program `attrax`, as a half sentence: in a clone, or elsewhere."""
    return "'make build' makes it" if is_clone() else "'pip install attrax' brings it"


def registry() -> Path:
    """The file that registers trackers where none is named: attrax's, or `trackers.ini` in the current folder."""
    if (folder := package()) is not None:
        return folder / "trackers.ini"
    return CLONE / "trackers.ini" if is_clone() else Path("trackers.ini")


def hint(tracker: str) -> str:
    """What registers a tracker of attrax's, as the end of a sentence; nothing for others, and where attrax is there."""
    return "" if tracker not in TRACKERS or is_clone() or package() else f"; {remedy().replace(' it', f' {tracker}')}"


def weights() -> Path:
    """The network that trainings start from.

    Raises:
        FileNotFoundError: it is missing.
    """
    name = "efficientnet-lite0.safetensors"
    folder = package()
    file = folder / "weights" / name if folder else CLONE / "crates" / "attrax-tracker" / "src" / "weights" / name
    if not file.is_file():
        raise FileNotFoundError(f"there is no network to start from; {remedy()}, or name one with --weights")
    return file


def home() -> Path:
    """Where results go by default: the clone, or the current folder."""
    return CLONE if is_clone() else Path.cwd()


def add_to_path() -> None:
    """Lets this process and its children find `attrax` on PATH, after what is there already."""
    if shutil.which("attrax") is None:
        try:
            folder = binary().parent
        except FileNotFoundError:
            return
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(folder)])
