"""Writes the registration of a person's own tracker."""

import re
import shlex
from pathlib import Path

from vot.tracker import is_valid_identifier

from attrax_vot.files import write_whole
from attrax_vot.run import registration, registry
from attrax_vot.run.toolkit import EvaluationError

# Seconds that a reply may take.
TIMEOUT = 120


def section(name: str, python: Path | None, command: str | None) -> str:
    """The lines that register a tracker.

    Args:
        name: of the tracker.
        python: a file that speaks TraX when it is imported; by protocol traxpython.
        command: a line that starts a program that speaks TraX; by protocol trax.

    Raises:
        EvaluationError: the name or the file cannot be used.
    """
    if not is_valid_identifier(name):
        raise EvaluationError(f"a tracker cannot be called {name!r}: letters, digits, - and _ make a name")
    lines = [f"[{name}]", f"label = {name}"]
    if python is not None:
        if not python.is_file():
            raise EvaluationError(f"there is no file {python}")
        if not python.stem.isidentifier():
            raise EvaluationError(f"{python.name} cannot be imported: letters, digits and _ make a module's name")
        lines += ["protocol = traxpython", f"command = import {python.stem}", f"paths = {python.resolve().parent}"]
    else:
        try:
            words = shlex.split(command or "")
        except ValueError as error:
            raise EvaluationError(f"the command {command!r} cannot be read: {str(error).lower()}") from error
        if not words:
            raise EvaluationError("the command is empty; give the line that starts the tracker")
        absolute = [str(Path(word).resolve()) if "." in word and Path(word).is_file() else word for word in words]
        lines += ["protocol = trax", f"command = {shlex.join(absolute)}"]
    if odd := next((line for line in lines if re.search(r"[\x00-\x1f]", line)), None):
        raise EvaluationError(f"{odd!r} has a line break or control character, which no registration can hold")
    return "\n".join([*(line.replace("%", "%%") for line in lines), f"timeout = {TIMEOUT}"]) + "\n"


def register(file: Path, name: str, text: str) -> list[registration.Problem]:
    """Adds a registration to a file; what stands there stays as it is.

    Returns:
        What would keep the tracker from being started.

    Raises:
        EvaluationError: the file cannot be read, or registers a tracker of that name.
    """
    before = file.read_text() if file.is_file() else ""
    if before:
        registry.check([file])
    if re.search(rf"^\[{re.escape(name)}\]", before, re.MULTILINE):
        raise EvaluationError(f"{file} registers {name} already; remove its lines, or give another name")
    gap = "\n" * (not before.endswith("\n")) + "\n" if before else ""
    write_whole(file, f"{before}{gap}{text}")
    return list(registration.problems(registry.read(file)[name]))
