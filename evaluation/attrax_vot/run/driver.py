"""Stands between the toolkit's experiments and a tracker, so that every version of the toolkit drives TraX trackers.

Toolkit 0.7.4 does so by itself. From 0.8 on its experiments and its TraX runtime do not fit each other:

- An experiment for one object hands over one status and expects one; the TraX runtime takes and gives lists.
- The real-time runtime is no online runtime, so that the supervised experiment refuses it, and cannot run by itself.
- The TraX runtime is given a tracker's `arg_` properties and never sends them.

Of this package it imports `internals` alone: plain `vot` loads it too, with its own settings.
"""

from typing import TYPE_CHECKING, Any

import vot.tracker

from attrax_vot.run import internals

if TYPE_CHECKING:
    from vot.dataset import Frame

# Whether the toolkit is 0.8 or newer.
ADAPTED = hasattr(vot.tracker, "OnlineTrackerRuntime")

if not ADAPTED:
    from vot.tracker import SingleObjectTrackerRuntime as Single
    from vot.tracker import TrackerRuntime as Online

    def sending(runtime: Online) -> Online:
        """The runtime itself: it sends its tracker's properties."""
        return runtime

else:
    from vot.tracker import ObjectStatus, RunResult
    from vot.tracker import OnlineTrackerRuntime as Online
    from vot.tracker.trax import TraxTrackerRuntime

    class _Client:
        """A TraX client that adds the tracker's properties to every initialisation."""

        def __init__(self, client: Any, properties: dict[str, str]) -> None:  # noqa: ANN401 - of the TraX library
            self._client = client
            self._properties = properties

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the client's own
            return getattr(self._client, name)

        def initialize(self, images: dict, objects: list, properties: dict) -> Any:  # noqa: ANN401
            return self._client.initialize(images, objects, {**self._properties, **properties})

    class _Sending(TraxTrackerRuntime):
        """The toolkit's TraX runtime, with its tracker's `arg_` properties sent as in 0.7.4."""

        def _connect(self) -> None:
            started = internals.process(self)
            super()._connect()
            if internals.process(self) is not started:
                internals.exchange_client(self, lambda client: _Client(client, internals.arguments(self)))

    def sending(runtime: Online) -> Online:
        """A runtime that sends its tracker's `arg_` properties; other than the toolkit's own it is left as it is."""
        if type(runtime) is TraxTrackerRuntime:
            return internals.become(runtime, _Sending)
        return runtime

    class Several(Online):
        """A runtime of several objects: lists down to another runtime, and lists back."""

        def __init__(self, runtime: vot.tracker.TrackerRuntime) -> None:
            """Wraps a runtime, which must have no other user."""
            super().__init__(runtime.tracker)
            self._runtime = runtime

        @property
        def multiobject(self) -> bool:
            """Whether the tracker takes several objects."""
            return self._runtime.multiobject

        def stop(self) -> None:
            """Ends the tracker's process."""
            self._runtime.stop()

        def restart(self) -> None:
            """Starts the tracker's process anew."""
            self._runtime.restart()

        def initialize(self, frame: "Frame", new: Any = None, properties: dict | None = None) -> tuple[list, float]:  # noqa: ANN401, ARG002
            """Initialises the tracker with one region, one status or a list of these."""
            objects = new if isinstance(new, list) else [new]
            return self._runtime.initialize(
                frame, [each if isinstance(each, ObjectStatus) else ObjectStatus(each, {}) for each in objects]
            )

        def update(self, frame: "Frame", new: list | None = None, properties: dict | None = None) -> tuple[list, float]:  # noqa: ARG002
            """Gives the tracker a frame, perhaps with new objects."""
            return self._runtime.update(frame, new or [])

        def run(self, frames: Any, queries: Any) -> RunResult:  # noqa: ANN401 - as the toolkit has it
            """Runs the tracker over frames; of the first one the time alone is kept, as by 0.7.4."""
            objects, times = super().run(frames, queries)
            for states in objects:
                states[0] = ObjectStatus(states[0].region, {})
            return RunResult(objects, times)

    class Single(Several):  # type: ignore[no-redef]
        """A runtime of one object, whose state stands by itself."""

        @property
        def multiobject(self) -> bool:
            """Never."""
            return False

        def initialize(self, *arguments: Any, **named: Any) -> tuple[ObjectStatus, float]:  # noqa: ANN401
            """Initialises the tracker; its state and the seconds that it took."""
            states, seconds = super().initialize(*arguments, **named)
            return states[0], seconds

        def update(self, *arguments: Any, **named: Any) -> tuple[ObjectStatus, float]:  # noqa: ANN401
            """Gives the tracker a frame; its state and the seconds that it took."""
            states, seconds = super().update(*arguments, **named)
            return states[0], seconds

        def run(self, frames: Any, queries: Any) -> RunResult:  # noqa: ANN401 - as the toolkit has it
            """Runs the tracker over frames; the toolkit does that with lists."""
            return Several(self._runtime).run(frames, queries)


def warning(tracker: vot.tracker.Tracker) -> str:
    """What to know where plain `vot` would not send the tracker what its registration says; else nothing."""
    given = tracker.describe()["arguments"]
    if not ADAPTED or not given:
        return ""
    names = ", ".join(f"arg_{name}" for name in given)
    flags = " ".join(f"--set {name}={value}" for name, value in given.items())
    return (
        f"{names} of {tracker.identifier}: sent by attrax-vot and in the workspaces that it makes, but dropped by this "
        f"toolkit's 'vot test' and in other workspaces; in the command of an attrax they always count: {flags}"
    )
