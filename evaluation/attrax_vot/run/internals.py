"""Every private member of the toolkit that this package uses; `tests/python/test_internals.py` tries each of them.

Nothing here may import the rest of the package: plain `vot` loads it too, with its own settings.
"""

import copy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vot.region.io
import vot.tracker
import vot.tracker.trax

# Private methods that classes of ours override or call where the toolkit is 0.8 or newer: class and
# method.
OVERRIDDEN = (
    ("vot.experiment", "Experiment", "_get_runtime"),
    ("vot.experiment", "Experiment", "_get_initialization"),
    ("vot.tracker.trax", "TraxTrackerRuntime", "_connect"),
)

# Pixels of a mask, as in ground truth.
LARGEST_MASK = 64 << 20

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment.multirun import MultiRunExperiment
    from vot.tracker import Registry, Results, Tracker, TrackerRuntime


def folder(results: "Results") -> Path:
    """The folder that holds the results of a tracker on a sequence; it need not exist."""
    return Path(results._storage.base)


def enough(experiment: "MultiRunExperiment", tracker: "Tracker", sequence: "Sequence") -> bool:
    """Whether the toolkit asks for no more repetitions: a deterministic tracker is stopped after three."""
    return experiment._can_stop(tracker, sequence)


def protocols() -> list[str]:
    """The names of the protocols that the toolkit can drive."""
    return sorted(vot.tracker._runtime_protocols)


def become(thing: Any, kind: type) -> Any:  # noqa: ANN401 - any object of the toolkit
    """Gives an object of the toolkit a class of ours, which is derived from its own."""
    thing.__class__ = kind
    return thing


def with_environment(tracker: "Tracker", variables: dict[str, str]) -> "Tracker":
    """A copy of a tracker with further variables for its process; each copy has a table of its own."""
    changed = copy.copy(tracker)
    # Adapters of some protocols write into the table.
    changed._envvars = {**tracker._envvars, **variables}
    return changed


def written(runtime: "TrackerRuntime") -> str:
    """What a tracker's process wrote; empty where its protocol keeps nothing."""
    return str(getattr(runtime, "_output", None) or "")


def keys(error: BaseException) -> list[str]:
    """Where in a description the toolkit found a wrong value: the keys from the outermost on; empty if unknown."""
    return list(getattr(error, "_keys", []))


def process(runtime: "TrackerRuntime") -> Any:  # noqa: ANN401 - of the toolkit's TraX runtime
    """The process of a TraX runtime, once it has spoken TraX; none before."""
    return getattr(runtime, "_process", None)


def starting(runtime: "TrackerRuntime") -> bool:
    """Whether the toolkit's clock for replies takes no order yet: it does not in its first tenth of a second."""
    started = process(runtime)
    return started is not None and getattr(started, "_watchdog_counter", 1) == 0 and started.alive


def idle(runtime: "TrackerRuntime") -> bool:
    """Whether the toolkit's clock for replies stands still."""
    return getattr(process(runtime), "_watchdog_counter", 1) < 0


def limit_reply(runtime: "TrackerRuntime", limited: bool) -> None:
    """Starts the toolkit's clock for a reply, or stops it."""
    started = process(runtime)
    if started is not None:
        started._watchdog_reset(limited)


def timeout(runtime: "TrackerRuntime") -> float:
    """Seconds that a tracker may take to reply."""
    return float(getattr(runtime, "_timeout", None) or 30)


def exchange_client(runtime: "TrackerRuntime", change: Callable[[Any], Any]) -> None:
    """Puts another TraX client in the place of a started runtime's."""
    runtime._process._client = change(runtime._process._client)


def arguments(runtime: "TrackerRuntime") -> dict[str, str]:
    """The properties that a TraX runtime's tracker is registered with."""
    return runtime._arguments or {}


def registries(registry: "Registry") -> list[Path]:
    """The places that a workspace's registry was read from, without those of the toolkit's settings."""
    return [Path(each) for each in getattr(registry, "_paths", [])]


def start_by(process: type[subprocess.Popen]) -> None:
    """Makes the toolkit start trackers by a class of ours in the place of `subprocess.Popen`."""

    class Starting:
        """What the toolkit's runtime finds under the name of the module `subprocess`."""

        Popen = process

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything of that module
            return getattr(subprocess, name)

    vars(vot.tracker.trax)["subprocess"] = Starting()


def check_masks() -> None:
    """Makes the toolkit check a mask's runs before its compiled code, which does not, writes them to memory."""
    decode = vot.region.io.rle_to_mask
    if getattr(decode, "checks", False):
        return

    def checked(runs: Any, width: int, height: int) -> Any:  # noqa: ANN401 - arrays of numbers
        lengths = [int(run) for run in runs]
        if not 0 <= width * height <= LARGEST_MASK or min(lengths, default=0) < 0 or sum(lengths) > width * height:
            raise ValueError(f"a mask of {width} x {height} has runs of {sum(lengths)} pixels")
        return decode(runs, width, height)

    vars(checked)["checks"] = True
    vars(vot.region.io)["rle_to_mask"] = checked


def constructor(protocol: str) -> Callable:
    """What makes the runtimes of a protocol."""
    return vot.tracker._runtime_protocols[protocol]
