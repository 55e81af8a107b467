"""Workspaces of the official toolkit: made from a dataset on disk, and plain `vot evaluate` runs them too."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from attrax.binary import registry
from attrax_vot import experiments
from attrax_vot.files import write_whole
from attrax_vot.run import driver
from attrax_vot.run.dataset import Source, find_sequences
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.workspace import Workspace

STACK = "vot2016/rgb"
# In a sequence without frames nobody can know their size; the toolkit asks for one all the same.
UNKNOWN_SIZE = (1, 1)


@dataclass(frozen=True)
class Settings:
    """What a workspace is to hold.

    Attributes:
        dataset: a folder of sequences; none where the workspace's own folder `sequences` holds them.
        sequences: names of the wanted ones; all when there are none.
        stack: name of the toolkit's stack.
        experiments: identifiers of the wanted experiments of that stack; all when there are none.
        repetitions: of each supervised experiment; the stack's own number when there is none.
        registry: file or folder that registers the trackers.
    """

    dataset: Path | None
    sequences: list[str] | None = None
    stack: str = STACK
    experiments: tuple[str, ...] = ("baseline",)
    repetitions: int | None = 1
    registry: Path = field(default_factory=registry)


def prepare(directory: Path, settings: Settings) -> None:
    """Makes a workspace, or adapts one that is there; results in it stay.

    Raises:
        EvaluationError: the dataset, the stack or the registry is not there, or the workspace holds
            sequences of the same names from another folder.
    """
    if not settings.registry.exists():
        raise EvaluationError(f"there is no {settings.registry} to find trackers in")
    sources = find_sequences(settings.dataset, settings.sequences) if settings.dataset else []
    stack = _stack(settings, sources)
    config = {
        "stack": "stack.yaml",
        "sequences": "sequences",
        "registry": [str(settings.registry.resolve()), "./trackers.ini"],
    }
    for source in sources:
        _link(directory / "sequences" / source.name, source)
    if sources:
        write_whole(directory / "sequences" / "list.txt", "".join(f"{source.name}\n" for source in sources))
    write_whole(directory / "stack.yaml", yaml.safe_dump(stack, sort_keys=False))
    write_whole(directory / "config.yaml", yaml.safe_dump(config, sort_keys=False))
    (directory / "results").mkdir(exist_ok=True)
    (directory / "trackers.ini").touch()


def load(directory: Path) -> "Workspace":
    """Opens a workspace.

    Raises:
        EvaluationError: there is none.
    """
    from vot.workspace import Workspace

    if not Workspace.exists(str(directory)):
        raise EvaluationError(f"{directory} is not a workspace: it has no config.yaml")
    space = Workspace.load(str(directory.resolve()))
    # Its stack may name the toolkit's own: made by plain `vot`, or under 0.7.4.
    for experiment in space.stack:
        experiments.adapt(experiment)
    return space


def interval(lengths: list[int], low: int = 108, high: int = 371) -> tuple[int, int]:
    """The frames over which expected average overlap is averaged.

    VOT-2016's own, unless every sequence is too short to reach it: then from half the length of the shortest
    sequence to the length of the longest.

    Args:
        lengths: of the sequences, in frames.
        low: first frame of the stack's interval, counted from the start of a run.
        high: last frame of it.

    Returns:
        First and last frame.
    """
    if max(lengths) > low:
        return low, high
    return max(1, min(lengths) // 2), max(lengths) - 1


def read_stack(name: str) -> dict[str, Any]:
    """A stack of the toolkit, as its file has it.

    Raises:
        EvaluationError: there is none of that name.
    """
    from vot.stack import resolve_stack

    file = resolve_stack(name)
    if file is None:
        raise EvaluationError(f"the toolkit has no stack {name}; 'vot initialize' lists them")
    return yaml.safe_load(Path(file).read_text())


def _stack(settings: Settings, sources: list[Source]) -> dict[str, Any]:
    """The toolkit's stack, reduced to the wanted experiments and repetitions, for a dataset on disk."""
    stack = read_stack(settings.stack)
    # With an address the toolkit would download the dataset.
    stack.pop("dataset", None)
    unknown = sorted(set(settings.experiments) - set(stack["experiments"]))
    if unknown:
        known = ", ".join(stack["experiments"])
        raise EvaluationError(f"stack {settings.stack} has no experiment {', '.join(unknown)}; it has {known}")
    wanted = settings.experiments or tuple(stack["experiments"])
    stack["experiments"] = {name: stack["experiments"][name] for name in wanted}
    lengths = [source.length() for source in sources]
    bounded = all(source.frames for source in sources)
    for experiment in stack["experiments"].values():
        if experiment["type"] == "supervised" and settings.repetitions is not None:
            experiment["repetitions"] = settings.repetitions
        for analysis in experiment.get("analyses", []):
            if analysis["type"] == "supervised_eao_score" and lengths:
                analysis["low"], analysis["high"] = interval(lengths, analysis["low"], analysis["high"])
            if analysis["type"].startswith("supervised_") and not bounded:
                analysis["bounded"] = False
        if driver.ADAPTED:
            # Plain `vot` is to drive TraX trackers too.
            experiment["type"] = experiments.NAMES.get(experiment["type"], experiment["type"])
    return stack


def _link(place: Path, source: Source) -> None:
    """Makes a sequence appear in the workspace."""
    if not source.frames:
        _describe(place, source)
        return
    if place.is_symlink() or place.exists():
        if place.resolve() != source.path.resolve():
            raise EvaluationError(
                f"{place} is not {source.path}: this workspace belongs to another dataset; give another one"
            )
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(source.path, target_is_directory=True)


def _describe(place: Path, source: Source) -> None:
    """Stands in for a sequence of which there is ground truth alone, so that results can be analysed."""
    width, height = UNKNOWN_SIZE
    write_whole(place / "groundtruth.txt", (source.path / "groundtruth.txt").read_text())
    write_whole(
        place / "sequence",
        f"name={source.name}\nfps=30\nformat=default\nchannels.color=color/%08d.jpg\n"
        f"width={width}\nheight={height}\nlength={source.length()}\n",
    )
