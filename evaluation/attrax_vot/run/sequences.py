"""Whether the sequences of a workspace can still be read: datasets are moved, and frames removed, after `init`."""

from pathlib import Path
from typing import TYPE_CHECKING

from attrax_vot.errors import EvaluationError
from attrax_vot.run.sentences import sentence

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.workspace import Workspace

REMEDY = "bring its files back, or make another workspace with 'attrax-vot init'"


def check_links(folder: Path) -> None:
    """Makes sure that the links in a workspace's folder of sequences lead somewhere.

    Raises:
        EvaluationError: one does not.
    """
    for place in sorted(folder.iterdir()):
        if place.is_symlink() and not place.exists():
            raise EvaluationError(f"{place} leads to {place.readlink()}, which is not there; {REMEDY}")


def check(space: "Workspace") -> None:
    """Makes sure that the toolkit reads every sequence, and that none has lost frames.

    Raises:
        EvaluationError: one cannot be read, or has fewer frames than rows of ground truth.
    """
    for sequence in space.dataset:
        check_frames(sequence)


def check_frames(sequence: "Sequence") -> None:
    """Makes sure that the toolkit reads a sequence, and that it has lost no frames.

    Where a sequence does not say its length, the toolkit follows its frames up to the first that is missing, and takes
    them for all.

    Raises:
        EvaluationError: it cannot be read, or has fewer frames than rows of ground truth.
    """
    folder = Path(sequence.metadata("root"))
    try:
        frames = len(sequence)
        rows = max((len(sequence.object(name)) for name in sequence.objects()), default=frames)
    except Exception as error:
        # The toolkit's readers raise whatever a damaged file makes them raise.
        raise EvaluationError(f"{folder}: {sentence(error).rstrip('.')}; {REMEDY}") from error
    if rows > frames:
        raise EvaluationError(f"{folder} has {frames} frames for {rows} rows of ground truth; {REMEDY}")


def missing(sequence: "Sequence") -> str | None:
    """The first frame of a sequence whose file is not there."""
    paths = (sequence.frame(index).filename(name) for name in sequence.channels() for index in range(len(sequence)))
    return next((path for path in paths if not Path(path).is_file()), None)
