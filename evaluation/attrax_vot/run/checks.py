"""Downloads a stack's dataset with the toolkit, and checks sequences before hours go into them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from tqdm import tqdm
from vot.experiment.multistart import MultiStartExperiment, find_anchors

from attrax_vot.run import workspace
from attrax_vot.run.dataset import annotations
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.workspace import Workspace


def download(directory: Path, stack: str) -> None:
    """Lets the toolkit download a stack's dataset into a workspace, unless it is there.

    Raises:
        EvaluationError: the stack is unknown, has no dataset, or it cannot be had.
    """
    from vot.workspace import Workspace

    address = workspace.read_stack(stack).get("dataset")
    if not address:
        raise EvaluationError(f"stack {stack} names no dataset; give one with --dataset")
    place = directory / "sequences"
    place.mkdir(parents=True, exist_ok=True)
    try:
        Workspace.download_dataset(address, str(place))
    except Exception as error:
        raise EvaluationError(
            f"the toolkit could not download {address} ({error}); give a copy on disk with --dataset"
        ) from error
    if not any(place.iterdir()):
        raise EvaluationError(f"the toolkit downloaded nothing from {address}; give a copy with --dataset")


def check(directory: Path) -> list[str]:
    """Looks at every frame and region of a workspace's dataset.

    Returns:
        What is wrong, a line each; nothing when all is well.
    """
    space = workspace.load(directory)
    # Decoding leaves Python's lock, so threads share the work.
    with ThreadPoolExecutor() as pool:
        found = tqdm(pool.map(_problems, space.dataset), total=len(space.dataset), desc="checking", disable=None)
        return [problem for problems in found for problem in problems] + _without_anchors(space)


def _problems(sequence: "Sequence") -> list[str]:
    """What is wrong with a sequence."""
    problems = []
    for path in annotations(Path(sequence.metadata("root"))):
        truth = sum(1 for line in path.read_text().splitlines() if line.strip())
        if truth != len(sequence):
            problems.append(f"{sequence.name}: {len(sequence)} frames, but {truth} annotated ones in {path.name}")
    for index in range(len(sequence)):
        name = sequence.frame(index).filename()
        try:
            # Not OpenCV, which takes a file that is cut off for a whole one.
            with Image.open(name) as image:
                image.load()
        except (OSError, SyntaxError, ValueError) as error:
            reason = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
            problems.append(f"{sequence.name}: {name} cannot be read as an image: {reason}")
            continue
        if image.size != tuple(sequence.size):
            found, first = (f"{width} x {height}" for width, height in (image.size, sequence.size))
            problems.append(f"{sequence.name}: {name} has {found} pixels, the first frame {first}")
    return problems


def _without_anchors(space: "Workspace") -> list[str]:
    """Sequences that a multistart experiment could not start in."""
    names = {each.anchor for each in space.stack if isinstance(each, MultiStartExperiment)}
    return [
        f"{sequence.name}: no frame to start from; a file {name}.value, a number a frame, marks those to run forward "
        "from by 1 and backward by -1"
        for name in sorted(names)
        for sequence in space.dataset
        if not any(find_anchors(sequence, name))
    ]
