"""Where the tracker's binary and its registration are: in the installed package, or in the clone around it."""

import os
import shutil
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CLONE = PACKAGE.parents[1]


def is_installed() -> bool:
    """Whether this is the installed wheel, which brings a binary of its own, rather than a clone."""
    return (PACKAGE / "bin" / "attrax").is_file()


def binary() -> Path:
    """The program `attrax`.

    Raises:
        FileNotFoundError: it is missing.
    """
    for candidate in (PACKAGE / "bin" / "attrax", CLONE / "out" / "bin" / "attrax"):
        if candidate.is_file():
            return candidate
    found = shutil.which("attrax")
    if found is None:
        raise FileNotFoundError(f"there is no program attrax; {remedy()}")
    return Path(found)


def remedy() -> str:
    """What brings the program `attrax`, as a half sentence: for the wheel, or for a clone."""
    return "'pip install --force-reinstall' of the wheel brings it" if is_installed() else "'make build' makes it"


def registry() -> Path:
    """The file that registers the tracker for the VOT toolkit."""
    return (PACKAGE if is_installed() else CLONE) / "trackers.ini"


def home() -> Path:
    """Where results go by default: the clone, or the current folder for the installed package."""
    return Path.cwd() if is_installed() else CLONE


def add_to_path() -> None:
    """Lets this process and its children find `attrax` on PATH, after what is there already."""
    if shutil.which("attrax") is None and (is_installed() or (CLONE / "out" / "bin" / "attrax").is_file()):
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(binary().parent)])


def main() -> None:
    """The command `attrax`: the binary takes this process over."""
    program = str(binary())
    os.execv(program, [program, *sys.argv[1:]])
