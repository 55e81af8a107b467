"""A workspace, opened once for a command and handed through."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from vot.experiment.multirun import MultiRunExperiment, SupervisedExperiment, UnsupervisedExperiment

from attrax_vot import program
from attrax_vot.analysis import reference
from attrax_vot.analysis.runs import Run
from attrax_vot.run import internals, registry, workspace
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.experiment import Experiment
    from vot.tracker import Tracker


class OpenWorkspace:
    """A workspace with its experiments, sequences, trackers and runs; each is read once.

    Attributes:
        directory: of the workspace.
        space: the toolkit's view of it.
        experiments: of its stack.
        published: references of the trackers that stand for published results.
    """

    def __init__(self, directory: Path, references: list[Path] | None = None, *, checked: bool = True) -> None:
        """Opens a workspace.

        Args:
            directory: of the workspace.
            references: folders of published raw results to add; then all sequences are checked.
            checked: whether all sequences are checked.

        Raises:
            EvaluationError: there is no workspace, or published results cannot be read.
        """
        self.directory = directory
        self.space = workspace.load(directory, checked=checked or bool(references))
        self.experiments: list[Experiment] = list(self.space.stack)
        self.published: list[str] = []
        self._sequences: dict[str, list[Sequence]] = {}
        self._trackers: dict[str, Tracker] = {each.reference: each for each in self.space.registry}
        self._runs: dict[tuple[str, str], Run] = {}
        self.add_published(references or [])

    @property
    def title(self) -> str:
        """Of the toolkit's stack."""
        return self.space.stack.title

    @property
    def supervised(self) -> SupervisedExperiment | None:
        """The supervised experiment, if there is one."""
        return next((each for each in self.experiments if isinstance(each, SupervisedExperiment)), None)

    @property
    def one_pass(self) -> UnsupervisedExperiment | None:
        """The unsupervised experiment, if there is one."""
        return next((each for each in self.experiments if isinstance(each, UnsupervisedExperiment)), None)

    @property
    def trackers(self) -> list[str]:
        """The references of the registered trackers, sorted."""
        return sorted(self._trackers)

    @property
    def with_results(self) -> list[str]:
        """The references of the registered trackers that have results by now: published ones last."""
        folder = self.directory / "results"
        found = {path.name for path in folder.iterdir() if path.is_dir()} if folder.is_dir() else set()
        return sorted(found & set(self._trackers), key=lambda name: (name.endswith("-published"), name))

    def needed(self) -> SupervisedExperiment:
        """The supervised experiment.

        Raises:
            EvaluationError: there is none.
        """
        if (found := self.supervised) is None:
            raise EvaluationError("the workspace has no supervised experiment to score")
        return found

    def sequences(self, experiment: "Experiment") -> list["Sequence"]:
        """The sequences as an experiment sees them."""
        name = experiment.identifier
        if name not in self._sequences:
            self._sequences[name] = [each for one in self.space.dataset for each in experiment.transform(one)]
        return self._sequences[name]

    def tracker(self, identifier: str) -> "Tracker":
        """A registered tracker.

        Raises:
            EvaluationError: it is not registered.
        """
        if identifier in self._trackers:
            return self._trackers[identifier]
        if identifier in self.space.registry:
            # A version of a registered one.
            return self._trackers.setdefault(identifier, self.space.registry[identifier])
        known = self.trackers
        near = difflib.get_close_matches(identifier, known, 1)
        meant = f" (do you mean {near[0]}?)" if near else ""
        places = internals.registries(self.space.registry)
        illegal = registry.illegal(places)
        why = f"; a name may have letters, digits, - and _: {', '.join(illegal)} may not be used" if illegal else ""
        why += "".join(f"; there is no {place}, which config.yaml names" for place in places if not place.exists())
        others = ", ".join(known) or "none"
        raise EvaluationError(f"no tracker {identifier}{meant}; there are {others}{why}{program.hint(identifier)}")

    def run(self, experiment: "Experiment", tracker: "Tracker") -> Run:
        """A tracker in an experiment; the same one each time."""
        key = experiment.identifier, tracker.reference
        if key not in self._runs:
            self._runs[key] = Run(self.directory, experiment, tracker, self.sequences(experiment))
        return self._runs[key]

    def forget(self) -> None:
        """Other processes have written results."""
        self._runs.clear()

    def check_names(self, names: list[str] | None, experiments: list["Experiment"]) -> None:
        """Makes sure that named sequences exist.

        Raises:
            EvaluationError: one does not; the error lists those that do.
        """
        known = list(dict.fromkeys(each.name for one in experiments for each in self.sequences(one)))
        unknown = sorted(set(names or []) - set(known))
        if unknown:
            raise EvaluationError(f"the workspace has no sequence {', '.join(unknown)}; it has {', '.join(known)}")

    def add_published(self, references: list[Path], experiments: list[MultiRunExperiment] | None = None) -> list[str]:
        """Adds published raw results as trackers.

        Args:
            references: folders of results.
            experiments: that they may be of; all by default.

        Returns:
            The trackers' references.

        Raises:
            EvaluationError: some cannot be read. Nothing is written then.
        """
        among = experiments or [each for each in self.experiments if isinstance(each, MultiRunExperiment)]
        views = [(each, self.sequences(each)) for each in among] if references else []
        added = reference.add(self.directory, references, views)
        if added:
            found = registry.read(self.directory / "trackers.ini")
            self._trackers |= {each.reference: each for each in found if each.reference in added}
        self.published += added
        return added
