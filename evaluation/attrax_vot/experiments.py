"""The toolkit's experiments, which drive TraX trackers under every version of it.

A stack names them by `type: attrax_vot.experiments.Supervised`. Up to 0.7.4 they are the toolkit's own classes; from
0.8 on they are these with a runtime of ours in between. Files and analyses are the same.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vot.dataset.proxy import FrameMapSequence
from vot.experiment.multirun import SupervisedExperiment, UnsupervisedExperiment
from vot.experiment.multistart import MultiStartExperiment, find_anchors
from vot.region import Special
from vot.tracker import Trajectory

from attrax_vot.run import driver, internals

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment
    from vot.tracker import Tracker, TrackerRuntime


def anchored(experiment: MultiStartExperiment, sequence: "Sequence") -> dict[str, list[int]]:
    """The runs of a multistart experiment: the name of each and the frames that it sees, in its order.

    Raises:
        RuntimeError: the sequence has no anchors.
    """
    forward, backward = find_anchors(sequence, experiment.anchor)
    if not forward and not backward:
        raise RuntimeError(f"{sequence.name} has no frame that its file {experiment.anchor}.value marks")
    frames = {anchor: range(anchor, len(sequence)) for anchor in forward}
    frames |= {anchor: range(anchor, -1, -1) for anchor in backward}
    return {f"{sequence.name}_{anchor:08d}": list(seen) for anchor, seen in frames.items()}


if driver.ADAPTED:
    from vot.tracker import RealtimeTrackerRuntime

    # The base classes are the toolkit's experiments, which have no types.
    _Mixin: Any = object

    class _Driven(_Mixin):
        """An experiment whose runtimes are ours, around the tracker's and around the real-time one."""

        def _get_runtime(self, tracker: "Tracker", sequence: "Sequence", multiobject: bool = False) -> "TrackerRuntime":
            runtime = driver.sending(tracker.runtime())
            if not isinstance(runtime, driver.Online):
                return super()._get_runtime(tracker, sequence, multiobject)
            if self.realtime is not None:
                seconds = 1 / float(sequence.metadata("fps", float(self.realtime.fps)))
                runtime = RealtimeTrackerRuntime(driver.Several(runtime), int(self.realtime.grace), seconds)
            return driver.Several(runtime) if multiobject and runtime.multiobject else driver.Single(runtime)

    class Supervised(_Driven, SupervisedExperiment):
        """One object; the tracker is initialised again after each failure."""

    class Unsupervised(_Driven, UnsupervisedExperiment):
        """One pass over a sequence, of one object or several."""

    class MultiStart(_Driven, MultiStartExperiment):
        """A run from each anchor, to the sequence's end or back to its beginning."""

        def execute(
            self,
            tracker: "Tracker",
            sequence: "Sequence",
            force: bool = False,
            callback: Callable[[float], Any] | None = None,
        ) -> None:
            """Runs what is missing; the toolkit's own loop takes a status for a region."""
            results = self.results(tracker, sequence)
            runs = anchored(self, sequence)
            with self._get_runtime(tracker, sequence) as runtime:
                for done, (name, frames) in enumerate(runs.items(), 1):
                    if force or not Trajectory.exists(results, name):
                        self._track(runtime, FrameMapSequence(sequence, frames)).write(results, name)
                    if callback:
                        callback(done / len(runs))

        def _track(self, runtime: "TrackerRuntime", part: "Sequence") -> Trajectory:
            """Follows the object over a part of a sequence from its first frame on."""
            trajectory = Trajectory(len(part))
            _, seconds = runtime.initialize(part.frame(0), self._get_initialization(part, 0))
            trajectory.set(0, Special(Trajectory.INITIALIZATION), {"time": seconds})
            for index in range(1, len(part)):
                state, seconds = runtime.update(part.frame(index))
                trajectory.set(index, state.region, {**state.properties, "time": seconds})
            return trajectory

else:
    Supervised, Unsupervised = SupervisedExperiment, UnsupervisedExperiment  # type: ignore[misc]
    MultiStart = MultiStartExperiment  # type: ignore[misc]

OURS = {SupervisedExperiment: Supervised, UnsupervisedExperiment: Unsupervised, MultiStartExperiment: MultiStart}
# What stacks call the toolkit's own, and where ours are.
NAMES = {
    "supervised": "attrax_vot.experiments.Supervised",
    "unsupervised": "attrax_vot.experiments.Unsupervised",
    "multistart": "attrax_vot.experiments.MultiStart",
}


def adapt(experiment: "Experiment") -> "Experiment":
    """Makes one of the toolkit's experiments ours; any other is left as it is."""
    return internals.become(experiment, OURS.get(type(experiment), type(experiment)))
