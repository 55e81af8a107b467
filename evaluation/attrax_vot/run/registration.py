"""How a registered tracker is started, by each of the toolkit's protocols, and the usual mistakes with their fixes."""

import ast
import difflib
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vot.tracker import Tracker
from vot.tracker.trax import TraxTrackerRuntime

from attrax_vot.program import remedy
from attrax_vot.run import driver, internals
from attrax_vot.run.toolkit import EvaluationError

# Keys that `Tracker.describe` adds to those of the protocol.
COMMON = {"command", "label", "protocol", "arguments", "env"}
# What the toolkit takes for a Python module, not for code.
MODULE = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_.]*$")
# Seconds that a tracker's Python may take to find its modules.
PATIENCE = 120
# Asks a tracker's Python for modules; prints those that it does not find.
FIND = """
import importlib.util, json, sys
folders, names = json.loads(sys.argv[1])
sys.path[:0] = folders
missing = []
for name in names:
    try:
        if importlib.util.find_spec(name) is None:
            missing.append(name)
    except ModuleNotFoundError:
        missing.append(name)
    except Exception:
        pass
print(json.dumps(missing))
"""


@dataclass(frozen=True)
class Problem:
    """What keeps a tracker from being started.

    Attributes:
        found: what is wrong.
        fix: what to do.
    """

    found: str
    fix: str


@dataclass(frozen=True)
class Program:
    """What a tracker's registration starts.

    Attributes:
        name: the program without folders: the tracker's own, an interpreter, MATLAB or Octave.
        path: where it is; none where it is missing.
        words: its arguments, as far as the registration has them.
    """

    name: str
    path: str | None
    words: list[str]

    @property
    def attrax(self) -> bool:
        """Whether it is attrax."""
        return self.name == "attrax"


def program(tracker: Tracker) -> Program:
    """The program that a tracker's registration starts."""
    said = tracker.describe()
    protocol, command = said.get("protocol"), said.get("command") or ""
    if protocol == "traxpython":
        words = _words(said.get("python") or sys.executable)
    elif protocol in ("traxmatlab", "traxoctave"):
        words = [_laboratory(protocol.removeprefix("trax"), said)]
    else:
        words = _words(command)
    first = words[0] if words else ""
    return Program(Path(first).name, shutil.which(first), words[1:])


def check(tracker: Tracker) -> None:
    """Makes sure that a tracker can be started: better now than after minutes.

    Raises:
        EvaluationError: it cannot; the sentence says what to do.
    """
    for problem in problems(tracker):
        raise EvaluationError(f"{tracker.reference}: {problem.found}; {problem.fix}")


def problems(tracker: Tracker) -> Iterator[Problem]:
    """The mistakes in a tracker's registration that keep it from being started."""
    said = tracker.describe()
    protocol, command = said.get("protocol"), said.get("command") or ""
    source = tracker.source
    if not command:
        yield Problem("it has no command, so it cannot be run", f"write 'command = ...' into {source}")
        return
    known = internals.protocols()
    if protocol not in known:
        near = difflib.get_close_matches(str(protocol), known, 1, 0.5)
        better = f"protocol = {near[0] if near else 'trax'}"
        found = f"protocol '{protocol}' is unknown" if protocol else "it has no protocol"
        yield Problem(found, f"write '{better}' into {source}; there are {', '.join(known)}")
        return
    yield from _keys(tracker)
    kinds = {"trax": _native, "traxpython": _python, "traxmatlab": _matlab, "traxoctave": _matlab}
    if protocol in kinds:
        yield from kinds[protocol](tracker)


def _keys(tracker: Tracker) -> Iterator[Problem]:
    """Keys that the protocol does not take, and values that it cannot read."""
    said = tracker.describe()
    makers = internals.constructor(said["protocol"]), TraxTrackerRuntime.__init__
    taken = set(COMMON)
    open_ended = False
    for maker in makers[: 1 if said["protocol"] == "trax" else 2]:
        parameters = inspect.signature(maker).parameters
        taken |= set(parameters)
        open_ended |= any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    # The adapters of 0.7.4 drop what they do not know; from 0.8 on they hand it on to the runtime.
    if not open_ended or (driver.ADAPTED and said["protocol"].startswith("trax")):
        for key in sorted(set(said) - taken):
            near = difflib.get_close_matches(key, sorted(taken - COMMON), 1)
            yield Problem(
                f"protocol {said['protocol']} takes no key '{key}'",
                f"remove it from {tracker.source}" + (f", or write '{near[0]}'" if near else ""),
            )
    timeout = str(said.get("timeout", "30"))
    if not timeout.isdigit() or int(timeout) < 1:
        yield Problem(f"timeout = {timeout} is not a whole number of seconds", f"write one into {tracker.source}")
    for folder in (*_folders(tracker, "linkpaths"), *_folders(tracker, "paths")):
        if not Path(folder).is_dir():
            yield Problem(f"there is no folder {folder}", f"write the right one into {tracker.source}")


def _native(tracker: Tracker) -> Iterator[Problem]:
    """A command that speaks TraX by itself."""
    command, source = tracker.describe()["command"], tracker.source
    try:
        words = shlex.split(command)
    except ValueError:
        yield Problem(f"command = {command}: a quote has no second one", f"write both into {source}")
        return
    if len(words) == 1 and " " in words[0] and command.strip()[:1] in "\"'":
        yield Problem("the whole command is in quotes", f"remove them: command = {words[0]}, in {source}")
        return
    first = words[0]
    neighbour = Path(source).parent / first
    if "/" in first and not Path(first).is_absolute():
        place = neighbour if neighbour.is_file() else Path(first).absolute()
        yield Problem(
            f"'{first}' is not an absolute path, and the toolkit starts trackers in an empty folder",
            f"write {place.resolve()} into {source}",
        )
    elif shutil.which(first) is None:
        yield _missing(first, source)
    for word in words[1:]:
        file = "/" in word or Path(word).suffix
        near = next((each for each in (Path(source).parent / word, Path(word)) if file and each.is_file()), None)
        if near is not None and not Path(word).is_absolute():
            yield Problem(
                f"'{word}' is not an absolute path, and the toolkit starts trackers in an empty folder",
                f"write {near.resolve()} into {source}",
            )
        elif word.endswith(".py") and Path(word).is_absolute() and not Path(word).is_file():
            yield Problem(f"there is no file {word}", f"write the right one into {source}")


def _missing(word: str, source: str) -> Problem:
    """A missing program."""
    if Path(word).name == "attrax":
        return Problem(f"there is no program '{word}' on PATH", remedy())
    if Path(word).is_absolute():
        executable = "cannot be executed" if Path(word).exists() else "does not exist"
        return Problem(f"the program {word} {executable}", f"write the right path into {source}")
    return Problem(f"there is no program '{word}' on PATH", f"install it, or write its absolute path into {source}")


def _python(tracker: Tracker) -> Iterator[Problem]:
    """A Python module, or a line of Python, that the toolkit starts with an interpreter."""
    said, source = tracker.describe(), tracker.source
    command = said["command"].strip()
    interpreter = program(tracker)
    if interpreter.path is None:
        yield Problem(f"there is no Python '{said.get('python')}'", f"write its path after 'python =' in {source}")
        return
    if command[:1] in "\"'" and command[-1:] == command[:1]:
        yield Problem("the command is in quotes, which makes it a text", f"write {command[1:-1]} in {source}")
        return
    if command.endswith(".py"):
        stem, folder = Path(command).stem, Path(command).parent
        yield Problem(
            f"command = {command}: protocol traxpython takes a module's name or a line of Python, not a file",
            f"write command = {stem} and paths = {folder}, or protocol = trax and "
            f"command = {shlex.quote(interpreter.path)} {command}, into {source}",
        )
        return
    try:
        names = [command] if MODULE.match(command) else _imports(command)
    except SyntaxError as error:
        yield Problem(f"command = {command} is not Python ({error.msg})", f"correct it in {source}")
        return
    folders = _folders(tracker, "paths")
    for name in _not_found(tracker, interpreter, folders, [*names, "trax"]):
        if name == "trax":
            fix = f"{shlex.quote(interpreter.path)} -m pip install vot-trax"
            yield Problem(f"{interpreter.path} has no module trax (vot-trax)", fix)
        else:
            where = f"; 'paths' names {', '.join(folders)}" if folders else "; there is no line 'paths = FOLDER'"
            yield Problem(
                f"{interpreter.path} finds no module {name}{where}", f"write its folder after 'paths =' in {source}"
            )


def _imports(code: str) -> list[str]:
    """The modules that a line of Python imports."""
    found: list[str] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return found


def _not_found(tracker: Tracker, interpreter: Program, folders: list[str], names: list[str]) -> list[str]:
    """The modules that a tracker's Python does not find; none where it cannot be asked."""
    environment = {**os.environ, **tracker.describe()["env"], "PYTHONPATH": os.pathsep.join(folders)}
    command = [str(interpreter.path), *interpreter.words, "-c", FIND, json.dumps([folders, names])]
    try:
        asked = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=PATIENCE, cwd="/"
        )
        return json.loads(asked.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return []


def _matlab(tracker: Tracker) -> Iterator[Problem]:
    """Code of MATLAB or Octave."""
    said = tracker.describe()
    if program(tracker).path is None:
        name = said["protocol"].removeprefix("trax")
        variable = f"{name.upper()}_ROOT"
        own = f", or 'matlab = PROGRAM' in {tracker.source}" if name == "matlab" else ""
        yield Problem(f"{name} is not found", f"set the variable {variable} to its folder, which holds bin/{name}{own}")


def _laboratory(name: str, said: dict[str, Any]) -> str:
    """Where the toolkit looks for MATLAB or Octave."""
    if name == "matlab" and said.get("matlab"):
        return said["matlab"]
    root = os.environ.get(f"{name.upper()}_ROOT")
    return str(Path(root) / "bin" / name) if root else name


def _folders(tracker: Tracker, key: str) -> list[str]:
    """The folders that a key lists; relative ones are taken from the registration's folder."""
    given = tracker.describe().get(key) or ""
    listed = given if isinstance(given, list) else given.split(os.pathsep)
    root = Path(tracker.source).parent
    return [str((root / folder).resolve()) for folder in listed if folder]


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return [command]
