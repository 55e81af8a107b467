"""Workspaces of the official toolkit: made from a dataset on disk, and plain `vot evaluate` runs them too."""

import difflib
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from attrax_vot import experiments
from attrax_vot.datasets import check, layouts, view
from attrax_vot.datasets.clip import NO_REGION, Clip
from attrax_vot.datasets.vot import find_root
from attrax_vot.files import write_whole
from attrax_vot.program import registry as own_registry
from attrax_vot.run import description, driver, registry, sequences
from attrax_vot.run.sentences import EXPECTED, sentence
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.workspace import Workspace

STACK = "vot2016/rgb"
# Of an experiment; the toolkit and this package list all of them.
MOST_REPETITIONS = 10_000
# The toolkit asks for a size, which a sequence without frames does not have.
UNKNOWN_SIZE = (1, 1)
# Sentences about odd sequences in one error; then how many more there are.
SHOWN = 20


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
        layout: of the dataset's files.
    """

    dataset: Path | None
    sequences: list[str] | None = None
    stack: str = STACK
    experiments: tuple[str, ...] = ("baseline",)
    repetitions: int | None = 1
    registry: Path = field(default_factory=own_registry)
    layout: str = "vot"


def read(directory: Path, settings: Settings) -> list[Clip]:
    """Reads a dataset as a workspace would hold it; errors of a sequence are in its findings.

    Args:
        directory: of the workspace.
        settings: of the workspace.

    Raises:
        EvaluationError: there is no such dataset, sequence, stack or experiment.
    """
    dataset = settings.dataset or directory / "sequences"
    clips = layouts.find(settings.layout, dataset, settings.sequences)
    stack = _reduced(settings)
    check.against(clips, stack, settings.stack, several_objects)
    if settings.dataset is None:
        # The toolkit reads them where they are.
        supervised = any(each["type"] == "supervised" for each in stack["experiments"].values())
        for clip in clips:
            if not clip.errors and (not clip.plain or (clip.fitted and supervised)):
                clip.fail(
                    f"{clip.folder} is in the workspace, where the toolkit would not read it as it is meant; move the "
                    "dataset to another folder and give it with --dataset"
                )
    return clips


def prepare(
    directory: Path, settings: Settings, clips: list[Clip] | None = None, report: Callable[[str], None] | None = None
) -> None:
    """Makes a workspace, or adapts an existing one; results in it stay.

    Args:
        directory: of the workspace.
        settings: of the workspace.
        clips: the sequences, where they have been read already.
        report: is called with each finding.

    Raises:
        EvaluationError: the dataset, the stack or the registry is not there, a sequence cannot be used, or the
            workspace holds sequences of the same names from another folder.
    """
    if not settings.registry.exists():
        raise registry.missing(settings.registry)
    _check_place(directory, settings.dataset)
    if clips is None:
        clips = read(directory, settings) if settings.dataset else []
    require(clips)
    if report is not None:
        for clip in clips:
            for finding in clip.findings:
                report(f"odd: {finding.text}")
    stack = _stack(settings, clips)
    config = {
        "stack": "stack.yaml",
        "sequences": "sequences",
        "registry": [str(settings.registry.resolve()), "./trackers.ini"],
    }
    if settings.dataset:
        for clip in clips:
            _show(directory, clip)
        write_whole(directory / "sequences" / "list.txt", "".join(f"{clip.name}\n" for clip in clips))
    write_whole(directory / "stack.yaml", yaml.safe_dump(stack, sort_keys=False))
    write_whole(directory / "config.yaml", yaml.safe_dump(config, sort_keys=False))
    (directory / "results").mkdir(exist_ok=True)
    (directory / "trackers.ini").touch()


def require(clips: list[Clip]) -> list[Clip]:
    """Gives clips back.

    Raises:
        EvaluationError: one of them cannot be used.
    """
    if errors := [error for clip in clips for error in clip.errors]:
        more = [f"{len(errors) - SHOWN} more errors of the dataset"] if len(errors) > SHOWN else []
        raise EvaluationError("\n".join(errors[:SHOWN] + more))
    return clips


def _check_place(directory: Path, dataset: Path | None) -> None:
    """Makes sure that the toolkit can work in a folder, and that nothing is written outside it or into a dataset.

    Raises:
        EvaluationError: it cannot, `sequences` is a link, or the folder is the dataset's own.
    """
    if dataset is not None and os.path.realpath(directory) == str(find_root(dataset)):
        raise EvaluationError(f"{directory} is the dataset, which is never written to; give another folder")
    # Not `Path.resolve`, which fails on a link that leads to itself.
    path = os.path.realpath(directory)
    if odd := re.search(r"[%*?\[\]]", path):
        raise EvaluationError(f"{path}: the toolkit cannot work in a folder with '{odd[0]}' in its path")
    for name in ("sequences", "dataset"):
        if (directory / name).is_symlink():
            raise EvaluationError(
                f"{directory / name} is a link; a workspace holds a folder of that name: remove the link"
            )


def load(directory: Path, *, checked: bool = True) -> "Workspace":
    """Opens a workspace, also one that plain `vot` or an older toolkit made.

    Keys that the toolkit does not know are left out, with a warning on standard error, and old names of stacks are
    those of today.

    Args:
        directory: of the workspace.
        checked: whether all sequences are read, which takes a second for 60 of 1,500 frames.

    Raises:
        EvaluationError: there is none, or it cannot be read.
    """
    from vot.stack import resolve_stack
    from vot.workspace import Workspace

    file = directory / "config.yaml"
    if not file.is_file():
        raise EvaluationError(f"{directory} is not a workspace: it has no config.yaml")
    try:
        config = description.read(file)
        for key in sorted(set(config) - set(Workspace.attributes())):
            del config[key]
            print(f"warning: {file}: '{key}' is left out; this toolkit does not know it", file=sys.stderr)
        places = config["registry"]
        registry.check(registry.everywhere([places] if isinstance(places, str) else places, directory))
        if isinstance(config.get("stack"), str):
            config["stack"] = stack_name(config["stack"], directory)
            description.check_experiments(Path(resolve_stack(config["stack"], str(directory.resolve()))))
        place = config.get("sequences", "sequences")
        if (directory / place).is_dir():
            sequences.check_links(directory / place)
        space = Workspace(str(directory.resolve()), **config)
    except (*EXPECTED, ImportError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise EvaluationError(sentence(error, file)) from error
    if checked:
        sequences.check(space)
    for experiment in space.stack:
        if getattr(experiment, "repetitions", 1) > MOST_REPETITIONS:
            raise EvaluationError(
                f"{file}: experiment {experiment.identifier} has {experiment.repetitions} repetitions; "
                f"at most {MOST_REPETITIONS} are run"
            )
    # Its stack may name the toolkit's own: made by plain `vot`, or under 0.7.4.
    for experiment in space.stack:
        experiments.adapt(experiment)
    return space


def stack_name(name: str, directory: Path | None = None) -> str:
    """Today's name of a stack: `vot2016` of older toolkits is `vot2016/rgb`.

    Args:
        name: as given, or as a workspace has it.
        directory: of the workspace, whose own files come first.

    Raises:
        EvaluationError: there is no such stack; it lists those with similar names.
    """
    from vot.stack import list_integrated_stacks, resolve_stack

    plain = name.lower().removesuffix(".yaml")
    tried = (name, plain, *(f"{plain}/{part}" for part in ("rgb", "shortterm", "main")))
    for each in tried:
        if resolve_stack(each, *([str(directory.resolve())] if directory else [])):
            return each
    near = difflib.get_close_matches(plain, list(list_integrated_stacks()), 5, 0.5)
    similar = f"similar ones are {', '.join(near)}" if near else "'vot initialize' lists them"
    raise EvaluationError(f"the toolkit has no stack {name}; {similar}")


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

    file = Path(resolve_stack(stack_name(name)))
    try:
        description.check_experiments(file)
        return yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise EvaluationError(sentence(error, file)) from error


def several_objects() -> list[str]:
    """The toolkit's stacks whose experiments follow several objects at a time."""
    import vot.stack

    root = Path(vot.stack.__file__).parent
    files = (path for path in sorted(root.rglob("*.yaml")) if "tests" not in path.parts)
    stacks = {str(path.relative_to(root).with_suffix("")): yaml.safe_load(path.read_text()) for path in files}
    return [
        name for name, stack in stacks.items() if all(each.get("multiobject") for each in stack["experiments"].values())
    ]


def _reduced(settings: Settings) -> dict[str, Any]:
    """The toolkit's stack, reduced to the wanted experiments."""
    stack = read_stack(settings.stack)
    # With an address the toolkit would download the dataset.
    stack.pop("dataset", None)
    unknown = sorted(set(settings.experiments) - set(stack["experiments"]))
    if unknown:
        known = ", ".join(stack["experiments"])
        raise EvaluationError(f"stack {settings.stack} has no experiment {', '.join(unknown)}; it has {known}")
    wanted = settings.experiments or tuple(stack["experiments"])
    stack["experiments"] = {name: stack["experiments"][name] for name in wanted}
    return stack


def _stack(settings: Settings, clips: list[Clip]) -> dict[str, Any]:
    """The stack of a workspace: reduced, and fitted to a dataset on disk."""
    stack = _reduced(settings)
    lengths = [len(clip.rows) for clip in clips]
    bounded = all(clip.channels for clip in clips)
    skipped = any(NO_REGION in clip.tags for clip in clips)
    for experiment in stack["experiments"].values():
        supervised = experiment["type"] == "supervised"
        if supervised and settings.repetitions is not None:
            experiment["repetitions"] = settings.repetitions
        if supervised and skipped:
            # Where a restart falls on a frame without a region, the toolkit goes on to the next
            # frame with one.
            experiment["skip_tags"] = [*experiment.get("skip_tags", []), NO_REGION]
        for analysis in experiment.get("analyses", []):
            if analysis["type"] == "supervised_eao_score" and lengths:
                analysis["low"], analysis["high"] = interval(lengths, analysis["low"], analysis["high"])
            if analysis["type"].startswith("supervised_") and not bounded:
                analysis["bounded"] = False
        if driver.ADAPTED:
            # Plain `vot` is to drive TraX trackers too.
            experiment["type"] = experiments.NAMES.get(experiment["type"], experiment["type"])
    return stack


def _show(directory: Path, clip: Clip) -> None:
    """Makes a sequence appear in the workspace: by a link, or by files of the workspace's own."""
    place = directory / "sequences" / clip.name
    if not clip.channels:
        # Results can be analysed with ground truth alone.
        width, height = UNKNOWN_SIZE
        described = {"name": clip.name, "fps": clip.fps, "format": "default", "channels.color": "color/%08d.jpg"}
        if place.is_symlink():
            raise EvaluationError(_ANOTHER.format(place=place, source=clip.folder))
        view.describe(clip, place, {**described, "width": width, "height": height, "length": len(clip.rows)})
        return
    source, own = clip.folder, directory / "dataset" / clip.name
    if not clip.plain or clip.fitted:
        view.lay_out(clip, own)
        source = own
    if place.is_symlink() and place.resolve() in {clip.folder.resolve(), own.resolve()} - {source.resolve()}:
        # The dataset has changed since, and is shown in the other way.
        place.unlink()
    if place.is_symlink() or place.exists():
        if place.resolve() != source.resolve():
            raise EvaluationError(_ANOTHER.format(place=place, source=clip.folder))
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(source.resolve(), target_is_directory=True)


_ANOTHER = "{place} is not {source}: this workspace belongs to another dataset; give another one"
