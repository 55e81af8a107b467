"""Files that register trackers: `trackers.ini` and `trackers.yaml`, checked before the toolkit reads them."""

import configparser
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from vot import config as toolkit_config
from vot.tracker import Registry, is_valid_identifier

from attrax_vot import program
from attrax_vot.run.sentences import EXPECTED, sentence
from attrax_vot.run.toolkit import EvaluationError

# Names that the toolkit gives a registration itself.
RESERVED = ("_identifier", "_source", "metadata")


def read(place: Path) -> Registry:
    """The trackers that a file, or the files in a folder, register.

    Raises:
        EvaluationError: a file is missing or cannot be read; it names file, tracker and key.
    """
    if not place.exists():
        raise missing(place)
    check([place])
    return Registry([str(place.resolve())])


def missing(place: Path) -> EvaluationError:
    """The error for a registration file that does not exist; where it was not named, what makes one."""
    text = f"there is no {place} to find trackers in"
    if place == program.registry() and program.package() is None:
        own = program.remedy().replace(" it", " attrax's")
        text += f"; 'attrax-vot own' writes one for your tracker, and {own}"
    return EvaluationError(text)


def check(places: Iterable[Path]) -> None:
    """Makes sure that the toolkit can read the registrations in files and folders; missing ones are left out.

    Raises:
        EvaluationError: it cannot; the error names file, tracker and key.
    """
    for file in files(places):
        try:
            for name, keys in _sections(file).items():
                _check_section(name, keys)
        except (*EXPECTED, ValueError) as error:
            raise EvaluationError(sentence(error, file)) from error


def files(places: Iterable[Path]) -> Iterator[Path]:
    """The registration files among files and folders, in the order in which the toolkit reads them."""
    for place in places:
        inside = [place / "trackers.yaml", place / "trackers.ini"] if place.is_dir() else [place]
        yield from (each for each in inside if each.is_file())


def everywhere(names: Iterable[str], root: Path) -> list[Path]:
    """Where trackers of a workspace may be registered: its own list, and that of the toolkit's settings."""
    return [root / name for name in names] + [Path(name).absolute() for name in toolkit_config.registry]


def illegal(places: Iterable[Path]) -> list[str]:
    """Names of registrations that the toolkit leaves out, because it allows letters, digits, - and _ alone."""
    return [name for file in files(places) for name in _sections(file) if not is_valid_identifier(name)]


def _sections(file: Path) -> Mapping[str, Any]:
    """The trackers in a file, by name."""
    if file.suffix.lower() == ".yaml":
        found = yaml.load(file.read_text(), Loader=yaml.BaseLoader)
        if not isinstance(found, dict):
            raise EvaluationError("it registers no tracker; each is NAME: and its keys, indented")
        return found
    if file.suffix.lower() != ".ini":
        raise EvaluationError("the toolkit reads registrations from files that end in .ini or .yaml")
    text = file.read_text()
    if text.startswith("\ufeff"):
        raise EvaluationError("it begins with a byte order mark; save it as UTF-8 without one")
    parser = configparser.ConfigParser()
    parser.read_string(text, str(file))
    return {name: dict(parser[name]) for name in parser.sections()}


def _check_section(name: str, keys: Any) -> None:  # noqa: ANN401 - of a file
    if not isinstance(keys, dict):
        raise EvaluationError(f"[{name}] has no keys; command and protocol are needed")
    if "command" not in keys:
        raise EvaluationError(f"[{name}] has no line 'command = ...'")
    if reserved := [key for key in RESERVED if key in keys]:
        raise EvaluationError(f"[{name}] {reserved[0]}: the toolkit takes no such key")
    version = keys.get("version")
    if version is not None and not is_valid_identifier(str(version)):
        raise EvaluationError(f"[{name}] version = {version}: letters, digits, - and _ alone may be in it")
