"""Watches a tracker at work without getting in its way.

The toolkit's experiments ask a tracker for its runtime and then drive that. An observed tracker hands out a
runtime that passes every call on to the real one and reports it: frames, initialisations, and at the end
what the tracker wrote.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vot.tracker import Tracker, TrackerException, TrackerRuntime

from attrax_vot.run import driver, internals, processes, relay

if TYPE_CHECKING:
    from vot.dataset import Frame

internals.start_by(relay.Process)
# Seconds between two looks at a tracker that starts; the toolkit's clock has the same.
TICK = 0.1
# Called with the index of the frame that is done, counted from 0, and whether it was an
# initialisation.
OnFrame = Callable[[int, bool], None]
# Called with the text that the tracker wrote besides the protocol.
Log = Callable[[str], None]
# Called before each initialisation.
OnStart = Callable[[], None]


class ObservedRuntime(driver.Online):
    """Passes everything to another runtime and reports what was done."""

    def __init__(self, runtime: TrackerRuntime, progress: OnFrame, log: Log, starting: OnStart) -> None:
        """Wraps a runtime, which must have no other user."""
        super().__init__(runtime.tracker)
        self._runtime = runtime
        self._progress = progress
        self._log = log
        self._starting = starting

    @property
    def multiobject(self) -> bool:
        """Whether the tracker takes several objects."""
        return self._runtime.multiobject

    def restart(self) -> None:
        """Starts the tracker's process anew."""
        self._runtime.restart()

    def initialize(self, frame: "Frame", *more: Any) -> Any:  # noqa: ANN401 - what it takes differs by version
        """Initialises the tracker; its reply and the seconds that it took."""
        self._starting()
        with self._greeting(), self._in_time():
            reply = self._runtime.initialize(frame, *more)
        self._progress(frame.index, True)
        return reply

    @contextmanager
    def _greeting(self) -> Iterator[None]:
        """Limits the time of a greeting, and that of the reply after a greeting within a tenth of a second.

        The toolkit by itself would wait for ever for both.
        """
        seconds = internals.timeout(self._runtime)
        before = processes.descendants()
        done = threading.Event()
        late = limited = False

        def watch() -> None:
            nonlocal late, limited
            end, waits = None, 0
            while not done.wait(TICK):
                if internals.process(self._runtime) is None:
                    end = end or time.monotonic() + seconds
                    if late := time.monotonic() >= end:
                        processes.end_all([each for each in processes.descendants() if each not in before])
                        return
                # The clock stands still for a moment after the greeting and after the reply, too.
                waits = waits + 1 if internals.idle(self._runtime) else 0
                if waits == 2:
                    internals.limit_reply(self._runtime, True)
                    limited = True
                    return

        # What ends this process must not wait for it.
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        except TrackerException as failure:
            if not late:
                raise
            text = f"its process was started and did not speak TraX within {seconds:g} seconds"
            raise TrackerException(text, tracker=self.tracker, tracker_log=failure.log) from failure
        finally:
            done.set()
            watcher.join()
            if limited:
                internals.limit_reply(self._runtime, False)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Keeps a failure from being called a timeout; the toolkit calls all of the first tenth of a second so."""
        begun = time.monotonic()
        try:
            yield
        except TrackerException as failure:
            early = time.monotonic() - begun < internals.timeout(self._runtime) / 2
            if early and str(failure).startswith("Tracker interrupted") and failure.__context__ is not None:
                cause = str(failure.__context__)
                raise TrackerException(cause, tracker=self.tracker, tracker_log=failure.log) from failure
            raise

    def update(self, frame: "Frame", *more: Any) -> Any:  # noqa: ANN401 - what it takes differs by version
        """Gives the tracker a frame; its reply and the seconds that it took."""
        while internals.starting(self._runtime):
            time.sleep(TICK / 10)
        with self._in_time():
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
        cls,
        tracker: Tracker,
        progress: OnFrame,
        log: Log,
        environment: dict[str, str] | None = None,
        starting: OnStart = lambda: None,
    ) -> "ObservedTracker":
        """Observes a tracker; `environment` is added to that of its process."""
        observed = internals.become(internals.with_environment(tracker, environment or {}), cls)
        observed._observers = (progress, log, starting)
        return observed

    def runtime(self, log: bool = False) -> TrackerRuntime:
        """A new runtime of the tracker, observed."""
        return ObservedRuntime(driver.sending(super().runtime(log)), *self._observers)
