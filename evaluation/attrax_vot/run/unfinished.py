"""Which result files a run has begun and not finished.

The toolkit writes a trajectory in place, and after it a file for each property that the tracker sent. Nothing in
these files says that the last one was written: what is on this list counts as unfinished, whatever is there. The list
also says which truncated files are ours, and which another program's. It is in the workspace, in `.attrax/begun`.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attrax_vot.files import write_whole
from attrax_vot.run import internals

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment
    from vot.tracker import Tracker


def read(experiment: "Experiment", tracker: "Tracker", sequence: "Sequence") -> set[str]:
    """The names of the trajectories that were begun, without their endings."""
    try:
        return set(_file(experiment, tracker, sequence).read_text().splitlines())
    except FileNotFoundError:
        return set()


def begin(experiment: "Experiment", tracker: "Tracker", sequence: "Sequence", names: list[str]) -> None:
    """Notes trajectories that are about to be written.

    Raises:
        OSError: the list cannot be written.
    """
    write_whole(_file(experiment, tracker, sequence), "".join(f"{name}\n" for name in names))


def go_on(experiment: "Experiment", tracker: "Tracker", sequence: "Sequence") -> None:
    """Takes existing trajectories off the list: the toolkit starts a tracker again after it has written them."""
    folder = internals.folder(experiment.results(tracker, sequence))
    begun = _file(experiment, tracker, sequence)
    # A name too many costs a repetition that is run again, if at all.
    with suppress(OSError):
        names = begun.read_text().splitlines()
        left = [name for name in names if not any((folder / f"{name}{end}").exists() for end in (".bin", ".txt"))]
        if left != names:
            begin(experiment, tracker, sequence, left)


def end(experiment: "Experiment", tracker: "Tracker", sequence: "Sequence") -> None:
    """Forgets the list: everything on it is whole."""
    _file(experiment, tracker, sequence).unlink(missing_ok=True)


def _file(experiment: "Experiment", tracker: "Tracker", sequence: "Sequence") -> Path:
    base = Path(experiment.storage.base) / ".attrax" / "begun"
    return base / tracker.reference / experiment.identifier / f"{sequence.name}.txt"
