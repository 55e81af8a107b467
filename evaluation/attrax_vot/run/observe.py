"""Watches a tracker at work without getting in its way.

The toolkit's experiments ask a tracker for its runtime and then drive that. An observed tracker hands out a
runtime that passes every call on to the real one and reports it: frames, initialisations, and at the end
what the tracker wrote.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vot.tracker import Tracker, TrackerRuntime

from attrax_vot.run import driver, internals

if TYPE_CHECKING:
    from vot.dataset import Frame

# Called with the index of the frame that is done, counted from 0, and whether it was an initialisation.
Progress = Callable[[int, bool], None]
# Called with the text that the tracker wrote beside the protocol.
Log = Callable[[str], None]


class ObservedRuntime(driver.Online):
    """Passes everything to another runtime and reports what was done."""

    def __init__(self, runtime: TrackerRuntime, progress: Progress, log: Log) -> None:
        """Wraps a runtime that nobody else uses."""
        super().__init__(runtime.tracker)
        self._runtime = runtime
        self._progress = progress
        self._log = log

    @property
    def multiobject(self) -> bool:
        """Whether the tracker takes several objects."""
        return self._runtime.multiobject

    def restart(self) -> None:
        """Starts the tracker's process anew."""
        self._runtime.restart()

    def initialize(self, frame: "Frame", *more: Any) -> Any:  # noqa: ANN401 - what it takes differs by version
        """Initialises the tracker; its reply and the seconds that it took."""
        reply = self._runtime.initialize(frame, *more)
        self._progress(frame.index, True)
        return reply

    def update(self, frame: "Frame", *more: Any) -> Any:  # noqa: ANN401 - what it takes differs by version
        """Gives the tracker a frame; its reply and the seconds that it took."""
        reply = self._runtime.update(frame, *more)
        self._progress(frame.index, False)
        return reply

    def stop(self) -> None:
        """Ends the tracker's process and hands on what it wrote."""
        self._runtime.stop()
        output = internals.written(self._runtime)
        if output.strip():
            self._log(output)


class ObservedTracker(Tracker):
    """A registered tracker whose runtimes are observed."""

    @classmethod
    def of(
        cls, tracker: Tracker, progress: Progress, log: Log, environment: dict[str, str] | None = None
    ) -> "ObservedTracker":
        """Observes a tracker; `environment` is added to that of its process."""
        observed = internals.become(internals.with_environment(tracker, environment or {}), cls)
        observed._observers = (progress, log)
        return observed

    def runtime(self, log: bool = False) -> TrackerRuntime:
        """A new runtime of the tracker, observed."""
        return ObservedRuntime(driver.sending(super().runtime(log)), *self._observers)
