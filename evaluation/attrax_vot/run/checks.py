"""Downloads a stack's dataset with the toolkit, and checks sequences before hours go into them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from tqdm import tqdm

from attrax_vot.run import workspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence


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
        return [problem for problems in found for problem in problems]


def _problems(sequence: "Sequence") -> list[str]:
    """What is wrong with a sequence."""
    problems = []
    truth = sum(1 for line in _truth(sequence).splitlines() if line.strip())
    if truth != len(sequence):
        problems.append(f"{sequence.name}: {len(sequence)} frames, but {truth} annotated ones")
    for index in range(len(sequence)):
        name = sequence.frame(index).filename()
        image = cv2.imread(name) if Path(name).is_file() else None
        if image is None:
            problems.append(f"{sequence.name}: {name} cannot be read as an image")
        elif (image.shape[1], image.shape[0]) != sequence.size:
            size = f"{image.shape[1]} x {image.shape[0]}"
            problems.append(f"{sequence.name}: {name} has {size} pixels, the first frame {sequence.size}")
    return problems


def _truth(sequence: "Sequence") -> str:
    """The text of a sequence's annotation."""
    root = Path(sequence.metadata("root"))
    return next(
        (path.read_text() for name in ("groundtruth.txt", "groundtruth_rect.txt") if (path := root / name).is_file()),
        "",
    )
