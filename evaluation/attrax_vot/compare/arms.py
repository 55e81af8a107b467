"""Arms of a comparison: a tracker's command with other flags. Each with each seed is a tracker of the registry.

A file of arms is TOML: a table of names and flags. Flags are those of `attrax serve`, but for the seed.
"""

import configparser
import io
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from attrax_vot import toml
from attrax_vot.files import write_whole
from attrax_vot.program import remedy
from attrax_vot.run.toolkit import EvaluationError

# The toolkit's trackers have names of these characters.
NAME = re.compile(r"[A-Za-z0-9_-]+")
SECTION = re.compile(r"(?P<name>[A-Za-z0-9_-]+)-s(?P<seed>\d+)")
# This line of a section marks an arm.
MARK = "meta_base"
# Seconds that an answer may take, as in the project's trackers.ini.
TIMEOUT = "600"

# Flags of `attrax serve` that have a value and that `attrax info` does not take.
OF_THE_SERVER = {
    "--initial-box",
    *(f"--max-{each}" for each in ("message-bytes", "message-items", "image-pixels", "file-bytes", "objects")),
    *(f"--max-{each}" for each in ("polygon-points", "mask-pixels")),
}

# Names of arms, and their flags.
Arms = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class SeededArm:
    """An arm with one seed.

    Attributes:
        arm: its name.
        seed: of its random draws.
    """

    arm: str
    seed: int

    @property
    def reference(self) -> str:
        """What the toolkit calls it; also a folder's name."""
        return f"{self.arm}-s{self.seed}"

    @classmethod
    def of(cls, section: str) -> "SeededArm | None":
        """The entry that the name of a registry's section stands for, or nothing."""
        match = SECTION.fullmatch(section)
        return cls(match["name"], int(match["seed"])) if match else None


@dataclass(frozen=True)
class Base:
    """What all arms share: a tracker.

    Attributes:
        name: its own.
        section: its lines in a registry, as they are written there.
    """

    name: str
    section: dict[str, str]

    @classmethod
    def of(cls, command: str) -> "Base":
        """The tracker that a command starts.

        Raises:
            EvaluationError: it is no command.
        """
        if not _words(command, "--command"):
            raise EvaluationError("--command is empty: it is the line that flags are added to, such as attrax serve")
        # The registry replaces what is between percent signs.
        return cls(command, {"protocol": "trax", "command": command.replace("%", "%%"), "timeout": TIMEOUT})


def parse(files: list[Path], given: list[str], seeds: bool = True) -> dict[str, tuple[str, ...]]:
    """The requested arms: those of files, then single ones.

    Args:
        files: of arms.
        given: each as NAME=FLAGS.
        seeds: whether the command sets the seed, so that no arm may.

    Raises:
        EvaluationError: a file or an arm is not what it should be, a name comes twice, or there is no arm.
    """
    pairs: list[tuple[str, object]] = []
    for file in files:
        try:
            pairs += toml.loads(file.read_text()).items()
        except (OSError, ValueError) as error:
            raise EvaluationError(f"{file} cannot be read as a file of arms: {error}") from error
    for text in given:
        name, sign, words = text.partition("=")
        if not sign:
            raise EvaluationError(f"--arm {text}: write it as NAME='FLAGS', with no flags after = for the defaults")
        pairs.append((name.strip(), words))
    found: dict[str, tuple[str, ...]] = {}
    for name, line in pairs:
        if name in found:
            raise EvaluationError(f"two arms are called {name}; give one of them another name")
        found[name] = _flags(name, line, seeds)
    if not found:
        raise EvaluationError("there is nothing to compare; give --arm NAME='FLAGS' or --arms FILE")
    return found


def check(arms: Arms, origin: Base) -> None:
    """Asks attrax whether it takes each arm's flags, before anything is run; another program is not asked.

    Raises:
        EvaluationError: it does not, or the program is not there.
    """
    command, *given = shlex.split(origin.name)
    program = shutil.which(command)
    if program is None:
        raise EvaluationError(f"the arms are started with '{command}', which is not on PATH; {remedy()}")
    if Path(command).name != "attrax":
        return
    for name, flags in arms.items():
        words = [program, "info", *_common([word for word in given if word != "serve"] + list(flags)), "--seed", "1"]
        asked = subprocess.run(words, capture_output=True, text=True, check=False)
        if asked.returncode:
            # The usage of `attrax info` follows the error.
            reason = " ".join(asked.stderr.partition("\n\nUsage")[0].split())
            raise EvaluationError(f"arm {name}: {reason.removeprefix('error: ').removeprefix('attrax: ')}")


def _common(words: list[str]) -> list[str]:
    """The flags that `attrax info` takes too: those of the server alone are left out, with their values."""
    kept: list[str] = []
    skip = False
    for word in words:
        name, sign, _ = word.partition("=")
        if skip or name in OF_THE_SERVER or name == "--multi-object":
            skip = not skip and name in OF_THE_SERVER and not sign
            continue
        kept.append(word)
    return kept


def register(directory: Path, arms: Arms, seeds: int, origin: Base) -> list[SeededArm]:
    """Writes arms into a workspace's registry, in their order, each with the seeds from 1 on.

    Earlier ones stay, after these, if they have results; so do other trackers.

    Returns:
        The entries, seed by seed.

    Raises:
        EvaluationError: there are results of the same name by another command.
    """
    file = directory / "trackers.ini"
    known, written = read(file), configparser.ConfigParser(interpolation=None)
    entries = [SeededArm(name, seed) for seed in range(1, seeds + 1) for name in arms]
    for entry in entries:
        name, flags = entry.reference, shlex.join([*arms[entry.arm], "--seed", str(entry.seed)])
        lines = {**origin.section, "command": f"{origin.section.get('command', '')} {flags.replace('%', '%%')}".strip()}
        lines["label"] = f"{entry.arm}, seed {entry.seed}"
        lines[MARK] = origin.name.replace("%", "%%")
        kept = name in known and _has_results(directory, name)
        if kept and _decisive(dict(known[name])) != _decisive(lines):
            raise EvaluationError(
                f"{directory} has results of {name} by another command ({known[name].get('command')}); "
                f"give another folder, or delete {directory / 'results' / name}"
            )
        written[name] = lines
    for section in known.sections():
        stays = MARK not in known[section] or _has_results(directory, section)
        if section not in written and stays:
            written[section] = known[section]
    text = io.StringIO()
    written.write(text)
    write_whole(file, text.getvalue())
    return entries


def registered(directory: Path) -> list[SeededArm]:
    """All arms in a workspace's registry, in its order."""
    found = read(directory / "trackers.ini")
    return [entry for name in found.sections() if MARK in found[name] and (entry := SeededArm.of(name))]


def origin(directory: Path) -> str:
    """Which tracker a workspace's arms were made of."""
    found = read(directory / "trackers.ini")
    return next((found[name][MARK] for name in found.sections() if MARK in found[name]), "").replace("%%", "%")


def commands(directory: Path) -> dict[str, str]:
    """The command of each arm of a workspace, without its seed."""
    found = read(directory / "trackers.ini")
    lines = {entry.arm: found[entry.reference].get("command", "") for entry in registered(directory)}
    return {name: re.sub(r" --seed \d+$", "", line).replace("%%", "%") for name, line in lines.items()}


def read(file: Path) -> configparser.ConfigParser:
    """A registry as it is written: the toolkit, not this, replaces what is between percent signs."""
    found = configparser.ConfigParser(interpolation=None)
    found.read(file)
    return found


def _flags(name: str, line: object, seeds: bool) -> tuple[str, ...]:
    """The flags of an arm as words."""
    if not NAME.fullmatch(name):
        raise EvaluationError(f"an arm cannot be called {name!r}: letters, digits, - and _ make a name")
    if not isinstance(line, str):
        raise EvaluationError(f"arm {name} has to be a text of flags, not {line!r}")
    words = tuple(_words(line, f"arm {name}"))
    if seeds and any(
        word.partition("=")[0] == "--seed" or word.replace("--set=", "").startswith("seed=") for word in words
    ):
        raise EvaluationError(f"arm {name} sets the seed; --seeds N runs every arm with the seeds 1 to N")
    return words


def _words(line: str, where: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise EvaluationError(f"{where}: {line!r} is no line of flags: {error}") from error


def _decisive(section: dict[str, str]) -> dict[str, str]:
    """The lines on which results depend."""
    return {key: value for key, value in section.items() if key not in ("label", "timeout")}


def _has_results(directory: Path, name: str) -> bool:
    return any((directory / "results" / name).rglob("*_[0-9][0-9][0-9].*"))
