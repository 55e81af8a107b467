"""Which result files a run has begun and not finished.

The toolkit writes a trajectory in place, and its seconds after it. A file that was cut off may be ours or another
program's; this list says which are ours. It is in the workspace, in `.attrax/begun`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from attrax_vot.files import write_whole

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


def end(experiment: "Experiment", tracker: "Tracker", sequence: "Sequence") -> None:
    """Forgets the list: everything on it is whole."""
    _file(experiment, tracker, sequence).unlink(missing_ok=True)


def _file(experiment: "Experiment", tracker: "Tracker", sequence: "Sequence") -> Path:
    base = Path(experiment.storage.base) / ".attrax" / "begun"
    return base / tracker.reference / experiment.identifier / f"{sequence.name}.txt"
