"""Accuracy, failures, expected average overlap and speed, by the toolkit's own analyses."""

import copy
import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache
from vot.analysis import Analysis, AnalysisProcessor
from vot.analysis.accuracy import AverageAccuracy
from vot.analysis.supervised import AverageAccuracyRobustness, EAOScore
from vot.experiment.multirun import MultiRunExperiment, SupervisedExperiment

from attrax_vot.analysis.results import Repetition
from attrax_vot.analysis.runs import Run
from attrax_vot.run.toolkit import EvaluationError

if TYPE_CHECKING:
    from vot.dataset import Sequence
    from vot.tracker import Tracker

# Frames whose results are held in memory while they are scored, 0.3 kB each; more are read several
# times instead.
AT_ONCE = 400_000


@dataclass(frozen=True)
class Score:
    """How a tracker did on a sequence, or on all of them.

    Attributes:
        name: of the sequence, or of the tracker for all of them.
        frames: how many, of one repetition.
        repetitions: how many are there; the fewest of any sequence.
        accuracy: mean overlap with the ground truth, 0 to 1, without failures and the ten frames after each
            initialisation; over sequences, weighted by their frames.
        failures: mean number in a repetition, summed over sequences.
        robustness: the toolkit's: exp(-30 F / L), from 0 to 1. Of one sequence, F is its failures and L its frames;
            over sequences, F is the mean of their failures weighted by their frames, and L their mean length.
        eao: expected average overlap, 0 to 1; not a number where no run is long enough for it.
        seconds_per_frame: mean over all frames that the tracker was given after an initialisation.
        seconds_per_initialization: mean over all initialisations.
    """

    name: str
    frames: int
    repetitions: int
    accuracy: float
    failures: float
    robustness: float
    eao: float
    seconds_per_frame: float
    seconds_per_initialization: float


@dataclass(frozen=True)
class Scores:
    """A tracker's scores on every sequence, and on all together.

    Attributes:
        tracker: its reference.
        total: over all sequences.
        rows: one for each sequence.
        curve: expected average overlap by the number of frames since an initialisation.
        interval: first and last frame of the curve whose mean is the score.
    """

    tracker: str
    total: Score
    rows: list[Score]
    curve: list[float]
    interval: tuple[int, int]


def score(run: Run) -> Scores:
    """Scores a tracker in a supervised experiment.

    Raises:
        EvaluationError: a sequence has no whole repetition, or the experiment lacks an analysis.
    """
    experiment, sequences = run.experiment, run.sequences
    repetitions = {sequence.name: run.repetitions(sequence) for sequence in sequences}
    without = [name for name, found in repetitions.items() if not found]
    if without or not sequences:
        raise EvaluationError(f"{run.reference} has no results on {', '.join(without) or 'any sequence'}")
    frames = sum(len(sequence) * len(repetitions[sequence.name]) for sequence in sequences)
    measured = _read_once(experiment) if frames <= AT_ONCE else experiment
    ar = _analysis(experiment, AverageAccuracyRobustness)
    eao = _eao(experiment)
    with ThreadPoolExecutor(1) as executor:
        processor = AnalysisProcessor(executor, LRUCache(1000))

        def compute(analysis: Analysis, chosen: list["Sequence"]) -> Any:  # noqa: ANN401 - differs by analysis
            return processor.commit(analysis, measured, [run.tracker], chosen).result()[0, 0]

        rows = []
        for sequence in sequences:
            accuracy, failures, point, _ = compute(ar.analysis, [sequence])
            found = repetitions[sequence.name]
            row = Score(
                name=sequence.name,
                frames=len(sequence),
                repetitions=len(found),
                accuracy=float(accuracy),
                failures=float(failures),
                robustness=float(point[0]),
                eao=_mean_over(compute(eao.eaocurve, [sequence])[0], eao),
                **seconds(found),
            )
            rows.append(row)
        accuracy, _, point, _ = compute(ar, sequences)
        curve = compute(eao.eaocurve, sequences)[0]
    total = Score(
        name=run.reference,
        frames=sum(row.frames for row in rows),
        repetitions=min(row.repetitions for row in rows),
        accuracy=float(accuracy),
        failures=sum(row.failures for row in rows),
        robustness=float(point[0]),
        eao=_mean_over(curve, eao),
        **seconds([each for found in repetitions.values() for each in found]),
    )
    return Scores(run.reference, total, rows, [float(value) for value in curve], (eao.low, eao.high))


def _read_once(experiment: SupervisedExperiment) -> SupervisedExperiment:
    """The experiment, whose analyses read the results of a sequence once: each of them asks for all anew."""
    once = copy.copy(experiment)
    known: dict[str, Any] = {}

    def gather(tracker: "Tracker", sequence: "Sequence", **options: Any) -> Any:  # noqa: ANN401 - the toolkit's
        key = f"{tracker.reference} {sequence.name} {options}"
        if key not in known:
            known[key] = experiment.gather(tracker, sequence, **options)
        return known[key]

    object.__setattr__(once, "gather", gather)
    return once


def average_overlap(run: Run) -> float:
    """Mean overlap of an unsupervised experiment, by the toolkit's analysis, each sequence weighted by its frames.

    Raises:
        EvaluationError: the experiment lacks the analysis.
    """
    analysis = _analysis(run.experiment, AverageAccuracy)
    with ThreadPoolExecutor(1) as executor:
        processor = AnalysisProcessor(executor, LRUCache(1000))
        return float(processor.commit(analysis, run.experiment, [run.tracker], run.sequences).result()[0, 0][0])


def interval(experiment: SupervisedExperiment) -> tuple[int, int]:
    """First and last frame over which the experiment's expected average overlap is averaged."""
    eao = _eao(experiment)
    return eao.low, eao.high


def bounded(experiment: SupervisedExperiment) -> bool:
    """Whether the experiment's analyses let regions count only within the frame."""
    curves = [getattr(analysis, "eaocurve", None) for analysis in experiment.analyses]
    return all(curve.bounded for curve in curves if curve is not None)


def _eao(experiment: SupervisedExperiment) -> EAOScore:
    """The experiment's analysis; stacks older than VOT-2015 have none, and get VOT-2016's."""
    return _analysis(experiment, EAOScore, EAOScore(low=108, high=371))


def _analysis(experiment: MultiRunExperiment, kind: type[Analysis], otherwise: Analysis | None = None) -> Any:  # noqa: ANN401
    """The analysis of a kind that the experiment's stack asks for, or another one."""
    for analysis in experiment.analyses:
        if isinstance(analysis, kind):
            return analysis
    if otherwise is not None:
        return otherwise
    raise EvaluationError(f"experiment {experiment.identifier} has no analysis {kind.__name__}")


def _mean_over(curve: Iterable[float], eao: EAOScore) -> float:
    """The toolkit's score of a curve; not a number where the curve ends before the interval."""
    part = list(curve)[eao.low : eao.high + 1]
    return float(fmean(part)) if part else math.nan


def seconds(found: list[Repetition]) -> dict[str, float]:
    """Mean seconds of frames and of initialisations; not a number where nothing is known."""
    frames = [value for each in found for value in each.frame_seconds]
    inits = [value for each in found for value in each.init_seconds]
    return {
        "seconds_per_frame": fmean(frames) if frames else math.nan,
        "seconds_per_initialization": fmean(inits) if inits else math.nan,
    }
