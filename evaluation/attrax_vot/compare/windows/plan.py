"""Windows of sequences: which frames a run of a tracker covers, and in which order the runs of all arms are made."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attrax_vot.compare.arms import Arms
from attrax_vot.datasets import layouts, view
from attrax_vot.datasets.clip import Clip
from attrax_vot.run.toolkit import EvaluationError
from attrax_vot.run.workspace import require

if TYPE_CHECKING:
    from vot.dataset import Sequence

# A window at the end of a sequence is shorter than the others, but has at least this share of their
# frames.
LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Window:
    """The frames of one run.

    Attributes:
        sequence: its name.
        start: index of the frame that the tracker is initialised in.
        frames: number of frames after it.
    """

    sequence: str
    start: int
    frames: int


@dataclass(frozen=True)
class Task:
    """One run: an arm with a seed in a window."""

    arm: str
    seed: int
    window: Window

    @property
    def key(self) -> tuple[str, int, str, int]:
        """Arm, seed, sequence and first frame."""
        return self.arm, self.seed, self.window.sequence, self.window.start


def find(datasets: list[Path], names: list[str] | None) -> list[Clip]:
    """The sequences of several datasets, in the datasets' order.

    Args:
        datasets: folders of sequences.
        names: of the wanted sequences; all when there are none.

    Raises:
        EvaluationError: a dataset or a sequence cannot be read, two have the same name, or a name is unknown.
    """
    clips = [clip for each in datasets for clip in layouts.find("vot", each)]
    known = [clip.name for clip in clips]
    if unknown := sorted(set(names or []) - set(known)):
        raise EvaluationError(f"no dataset has a sequence {', '.join(unknown)}; they have {', '.join(known)}")
    if twice := sorted({name for name in names or known if known.count(name) > 1}):
        raise EvaluationError(f"two datasets have a sequence {', '.join(twice)}; choose others with --sequences")
    wanted = require([clip for clip in clips if not names or clip.name in names])
    for clip in wanted:
        if not clip.frames:
            raise EvaluationError(f"{clip.folder} holds no frames")
    return wanted


def load(clip: Clip, directory: Path) -> "Sequence":
    """The toolkit's view of a sequence; where it cannot read the sequence's folder, files are written for it.

    Args:
        clip: the sequence.
        directory: where such files go.
    """
    from vot.dataset import load_sequence

    if clip.plain:
        return load_sequence(str(clip.folder))
    folder = directory / "sequences" / clip.name
    view.lay_out(clip, folder)
    return load_sequence(str(folder))


def windows(clip: Clip, starts: int, length: int) -> list[Window]:
    """The windows of a sequence.

    Args:
        clip: the sequence.
        starts: number of frames from one start to the next.
        length: number of frames after a start.

    Returns:
        A window for each start that has a ground truth and is followed by at least half of `length` frames.
    """
    frames = len(clip.frames)
    known = [start for start in range(0, frames, starts) if clip.rows[start].bounds is not None]
    found = [Window(clip.name, start, min(length, frames - 1 - start)) for start in known]
    return [each for each in found if each.frames >= max(1, LEAST_SHARE * length)]


def tasks(arms: Arms, seeds: int, every: list[Window]) -> list[Task]:
    """All runs. All arms make the runs of one window one after the other: a partial result can be compared too."""
    rounds = sorted(every, key=lambda window: window.start)
    return [Task(arm, seed, window) for seed in range(1, seeds + 1) for window in rounds for arm in arms]
