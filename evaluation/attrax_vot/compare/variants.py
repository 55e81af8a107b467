"""The variants of the tracker that the paper's tables compare, as arms.

Their commands say everything in which variants differ, defaults too, so that results keep their meaning when a default
changes.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from attrax_vot.compare import arms
from attrax_vot.compare.arms import Base, SeededArm
from attrax_vot.run.toolkit import EvaluationError

# The released form at lambda 5 from the box of equal area: it is in every table.
REFERENCE = "lambda5"
RELEASED = ("--preset", "released")
EQUAL_AREA = ("--initial-box", "equal-area")
# What a variant's flags decide.
OWN_FLAGS = {"--preset", "--lambda", "--seed", "--initial-box"}
# Besides the steps of lambda.
OTHERS = {
    "weight": (*RELEASED, *EQUAL_AREA, "--set", "attention.use=weight"),
    "paper": ("--preset", "paper", *EQUAL_AREA),
    "bounding": (*RELEASED, "--initial-box", "bounding", "--set", "attention.lambda=5"),
}
LABELS = {"weight": "attention as a weight", "paper": "paper's form", "bounding": "bounding box"}
LAMBDA = re.compile(r"lambda(\d{1,4}(?:_\d{1,6})?)")


@dataclass(frozen=True)
class VariantGroup:
    """One comparison.

    Attributes:
        title: of it.
        rows: the variants by name, with what each is called here; none where every step of lambda is a row.
        paper: whether the paper's own figures are next to ours.
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
    "lambda": VariantGroup("Weight of the regulariser", {}, paper=True),
    "attention": VariantGroup(
        "What attention is used for",
        {
            "lambda0": "baseline, no attention",
            "weight": "attention as a feature weight",
            REFERENCE: "as the regulariser",
        },
        paper=True,
    ),
    "form": VariantGroup(
        "Form of the regulariser", {"paper": "as the paper writes it", REFERENCE: "as the code was released"}
    ),
    "box": VariantGroup("Initial box", {"bounding": "bounding box of the polygon", REFERENCE: "box of equal area"}),
}


def base(registry: Path, name: str) -> Base:
    """Reads the tracker that the variants are made of.

    Raises:
        EvaluationError: the registry does not have it, or it sets what the variants are to set.
    """
    file = registry / "trackers.ini" if registry.is_dir() else registry
    if not file.is_file():
        raise EvaluationError(f"there is no {file} to find trackers in")
    found = arms.read(file)
    if name not in found:
        raise EvaluationError(f"no tracker {name} in {file}; there are {', '.join(found.sections())}")
    section = dict(found[name])
    # These would win over a variant's flags, or be refused with them.
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
    """The requested variants, each once.

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


def flags(name: str) -> tuple[str, ...]:
    """What a variant adds to the tracker's command, besides the seed."""
    return OTHERS.get(name) or (*RELEASED, *EQUAL_AREA, "--set", f"attention.lambda={weight(name):g}")


def registered(directory: Path) -> list[SeededArm]:
    """All variants in a workspace's registry, in the order of the tables."""
    found = [entry for entry in arms.registered(directory) if _known(entry.arm)]
    order = list(OTHERS)

    def place(entry: SeededArm) -> tuple[int, float, int]:
        if entry.arm in order:
            return 1, order.index(entry.arm), entry.seed
        return 0, weight(entry.arm), entry.seed

    return sorted(found, key=place)


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
