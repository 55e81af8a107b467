"""The variants of the tracker that the paper's tables compare, as trackers of the toolkit's registry.

Each variant and seed is a tracker of its own. Its command says everything in which variants differ, defaults
too, so that results keep their meaning when a default changes.
"""

import configparser
import io
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from attrax_vot.run.toolkit import EvaluationError
from attrax_vot.run.workspace import write_whole

# The released form at lambda 5 from the box of equal area: it stands in every table.
REFERENCE = "lambda5"
RELEASED = ("--preset", "released")
EQUAL_AREA = ("--initial-box", "equal-area")
# What a variant's flags decide.
OWN_FLAGS = {"--preset", "--lambda", "--seed", "--initial-box"}
# Beside the steps of lambda.
OTHERS = {
    "weight": (*RELEASED, *EQUAL_AREA, "--set", "attention.use=weight"),
    "paper": ("--preset", "paper", *EQUAL_AREA),
    "bounding": (*RELEASED, "--initial-box", "bounding", "--set", "attention.lambda=5"),
}
LABELS = {"weight": "attention as a weight", "paper": "paper's form", "bounding": "bounding box"}
LAMBDA = re.compile(r"lambda(\d{1,4}(?:_\d{1,6})?)")
SECTION = re.compile(r"(?P<variant>[a-z]+[0-9_]*)-s(?P<seed>\d+)")


@dataclass(frozen=True)
class Table:
    """One comparison.

    Attributes:
        title: of it.
        rows: the variants by name, with what each is called here; none where every step of lambda is a row.
        paper: whether the paper's own figures belong beside it.
    """

    title: str
    rows: dict[str, str]
    paper: bool = False

    def members(self, known: list[str]) -> dict[str, str]:
        """Those of the known variants that are compared here, with what each is called."""
        if self.rows:
            return {name: label for name, label in self.rows.items() if name in known}
        steps = sorted(filter(is_lambda, known), key=weight)
        return {name: label(name) for name in steps}


TABLES = {
    "lambda": Table("Weight of the regulariser", {}, paper=True),
    "attention": Table(
        "What attention is used for",
        {
            "lambda0": "baseline, no attention",
            "weight": "attention as a feature weight",
            REFERENCE: "as the regulariser",
        },
        paper=True,
    ),
    "form": Table(
        "Form of the regulariser", {"paper": "as the paper writes it", REFERENCE: "as the code was released"}
    ),
    "box": Table("Initial box", {"bounding": "bounding box of the polygon", REFERENCE: "box of equal area"}),
}


@dataclass(frozen=True)
class Entry:
    """A variant with one seed.

    Attributes:
        variant: its name.
        seed: of its random draws.
    """

    variant: str
    seed: int

    @property
    def reference(self) -> str:
        """What the toolkit calls it; also a folder's name."""
        return f"{self.variant}-s{self.seed}"

    @classmethod
    def of(cls, section: str) -> "Entry | None":
        """The entry that a section of a registry is, or nothing."""
        match = SECTION.fullmatch(section)
        if match is None or not _known(match["variant"]):
            return None
        return cls(match["variant"], int(match["seed"]))


@dataclass(frozen=True)
class Base:
    """What all variants share: a registered tracker.

    Attributes:
        name: its own.
        section: its lines in the registry, as they are written there.
    """

    name: str
    section: dict[str, str]


def base(registry: Path, name: str) -> Base:
    """Reads the tracker that the variants are made of.

    Raises:
        EvaluationError: the registry does not have it, or it sets what the variants are to set.
    """
    file = registry / "trackers.ini" if registry.is_dir() else registry
    if not file.is_file():
        raise EvaluationError(f"there is no {file} to find trackers in")
    found = _read(file)
    if name not in found:
        raise EvaluationError(f"no tracker {name} in {file}; there are {', '.join(found.sections())}")
    section = dict(found[name])
    # These would win over a variant's flags, or be refused beside them.
    clash = {word.partition("=")[0] for word in shlex.split(section.get("command", ""))} & OWN_FLAGS
    clash |= {key for key in section if key == "arg_seed" or key.startswith("arg_attention")}
    if clash:
        raise EvaluationError(f"{name} in {file} sets {', '.join(sorted(clash))}, in which the variants differ")
    return Base(name, section)


def weight(name: str) -> float:
    """The lambda of a variant called by it."""
    return float(name.removeprefix("lambda").replace("_", "."))


def is_lambda(name: str) -> bool:
    """Whether a variant is a step of lambda."""
    return LAMBDA.fullmatch(name) is not None


def label(name: str) -> str:
    """What a variant is called where it is not compared with particular others."""
    return f"lambda {weight(name):g}" if is_lambda(name) else LABELS[name]


def resolve(wanted: list[str], steps: list[str]) -> list[str]:
    """The variants that are asked for, each once.

    Args:
        wanted: names of tables or variants, or `all`.
        steps: of lambda, for the table of that name.

    Raises:
        EvaluationError: something is unknown.
    """
    lambdas = [_named(step) for step in steps]
    names: list[str] = []
    for word in wanted:
        if word in ("all", *TABLES):
            for key in TABLES if word == "all" else [word]:
                names += TABLES[key].rows or lambdas
        else:
            name = word.replace(".", "_")
            names.append(_named(str(weight(name))) if is_lambda(name) else name)
    unknown = [name for name in names if not _known(name)]
    if unknown or not names:
        known = ", ".join([*TABLES, "all", *OTHERS, "lambda and a number"])
        raise EvaluationError(f"no variant {', '.join(unknown) or 'is asked for'}; there are {known}")
    return list(dict.fromkeys(names))


def flags(entry: Entry) -> list[str]:
    """What is added to the tracker's command."""
    seed = ["--set", f"seed={entry.seed}"]
    if entry.variant in OTHERS:
        return [*OTHERS[entry.variant], *seed]
    return [*RELEASED, *EQUAL_AREA, "--set", f"attention.lambda={weight(entry.variant):g}", *seed]


def register(directory: Path, names: list[str], seeds: int, origin: Base) -> list[Entry]:
    """Writes variants into a workspace's registry, each with the seeds from 1 on.

    Earlier ones stay if they have results; so do trackers that are none of ours.

    Returns:
        The entries, seed by seed.

    Raises:
        EvaluationError: there are results of the same name by another command.
    """
    file = directory / "trackers.ini"
    known = _read(file)
    entries = [Entry(name, seed) for seed in range(1, seeds + 1) for name in names]
    for section in known.sections():
        if Entry.of(section) and not _has_results(directory, section):
            known.remove_section(section)
    for entry in entries:
        name = entry.reference
        lines = {**origin.section, "command": f"{origin.section.get('command', '')} {shlex.join(flags(entry))}".strip()}
        lines["label"] = f"{entry.variant}, seed {entry.seed}"
        lines["meta_base"] = origin.name
        if name in known and _decisive(dict(known[name])) != _decisive(lines):
            raise EvaluationError(
                f"{directory} has results of {name} by another command ({known[name].get('command')}); "
                f"give another folder, or delete {directory / 'results' / name}"
            )
        known[name] = lines
    text = io.StringIO()
    known.write(text)
    write_whole(file, text.getvalue())
    return entries


def registered(directory: Path) -> list[Entry]:
    """All variants in a workspace's registry, in the order of the tables."""
    found = [entry for entry in map(Entry.of, _read(directory / "trackers.ini").sections()) if entry]
    order = list(OTHERS)

    def place(entry: Entry) -> tuple[int, float, int]:
        if entry.variant in order:
            return 1, order.index(entry.variant), entry.seed
        return 0, weight(entry.variant), entry.seed

    return sorted(found, key=place)


def origin(directory: Path) -> str:
    """Which tracker a workspace's variants were made of."""
    found = _read(directory / "trackers.ini")
    return next((found[name]["meta_base"] for name in found.sections() if "meta_base" in found[name]), "")


def _known(name: str) -> bool:
    return name in OTHERS or is_lambda(name)


def _named(step: str) -> str:
    """The variant of a lambda: each value has one name, however it is written."""
    try:
        value = float(step)
    except ValueError:
        value = -1.0
    if not 0 <= value < 10_000:
        raise EvaluationError(f"lambda {step} is not a number from 0 to 9999")
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "lambda" + text.replace(".", "_")


def _decisive(section: dict[str, str]) -> dict[str, str]:
    """The lines on which results depend."""
    return {key: value for key, value in section.items() if key not in ("label", "timeout")}


def _has_results(directory: Path, name: str) -> bool:
    return any((directory / "results" / name).rglob("*_[0-9][0-9][0-9].*"))


def _read(file: Path) -> configparser.ConfigParser:
    """A registry as it is written: the toolkit, not this, replaces what is between percent signs."""
    found = configparser.ConfigParser(interpolation=None)
    found.read(file)
    return found
