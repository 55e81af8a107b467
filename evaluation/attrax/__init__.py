"""DAT from Python, on NumPy arrays and paths.

    from attrax import Tracker

    with Tracker(preset="fast") as tracker:
        tracker.init(frame, (198, 214, 34, 81))
        box, score, found = tracker.update(next_frame)

`attrax.adapters` has the same tracker in the shapes that OpenCV and the got10k toolkit call.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attrax.tracker import Result, Tracker, TrackerError

__all__ = ["Result", "Tracker", "TrackerError"]
__version__ = "0.2.0"


def __dir__() -> list[str]:
    """The names of the package, loaded or not."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Loads NumPy and the TraX client on first use: the `attrax` command starts without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from attrax import tracker

    return getattr(tracker, name)
