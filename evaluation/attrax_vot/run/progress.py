"""Progress of a run: a bar on a terminal, a line for each sequence elsewhere."""

import sys
from types import TracebackType

from tqdm import tqdm

from attrax_vot.run.runner import Outcome, Step


class ProgressBar:
    """Shows how far a run is, in frames of all sequences and repetitions.

    Use it as a context: `start` a sequence, call it with every step, `finish` the sequence.
    """

    def __init__(self, tracker: str, frames: int) -> None:
        """Shows a run of `tracker` over `frames` frames, without those of finished repetitions."""
        # Without a terminal there is no bar (`disable=None`), only the lines.
        self._bar = tqdm(total=frames, desc=tracker, unit="frame", disable=None, file=sys.stderr, smoothing=0.1)
        self._base = self._length = self._failures = 0
        self._repetition = 0
        self._name = ""

    def start(self, name: str, length: int) -> None:
        """A sequence of `length` frames begins."""
        self._name, self._length = name, length
        self._base, self._repetition, self._failures = self._bar.n, 0, 0

    def __call__(self, step: Step) -> None:
        """A frame of the sequence is done."""
        if step.repetition != self._repetition:
            self._base += self._length if self._repetition else 0
            self._repetition = step.repetition
        self._failures = step.failures
        self._bar.set_postfix_str(f"{self._name} {step.frame + 1}/{self._length}, {step.failures} lost", refresh=False)
        self._bar.update(self._base + step.frame + 1 - self._bar.n)

    def finish(self, outcome: Outcome, frames: int, line: str) -> None:
        """The sequence has ended after `frames` of its frames; `line` says how."""
        self._bar.update(self._base + self._length - self._bar.n if self._repetition else frames)
        if outcome.error:
            line = f"{outcome.sequence}: {outcome.error}" + (f"\n  log: {outcome.log}" if outcome.log else "")
        tqdm.write(line, file=sys.stderr)

    def __enter__(self) -> "ProgressBar":
        """The bar appears with its first frame."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the bar away."""
        self._bar.close()
