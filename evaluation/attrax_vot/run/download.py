"""Downloads a stack's dataset with the toolkit."""

from pathlib import Path

from attrax_vot.run import workspace
from attrax_vot.run.toolkit import EvaluationError


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
