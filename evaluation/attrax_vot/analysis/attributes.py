"""Failures by what was happening in the frame: VOT's attributes, as the sequences' tags have them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from attrax_vot.analysis.runs import Run

if TYPE_CHECKING:
    from vot.dataset import Sequence

LABELS = {
    "camera_motion": "camera motion",
    "illum_change": "illumination change",
    "motion_change": "motion change",
    "occlusion": "occlusion",
    "size_change": "size change",
}
NONE = "none of them"


@dataclass(frozen=True)
class Attribute:
    """How a tracker did in the frames with an attribute.

    Attributes:
        label: of the attribute.
        frames: how many frames of the sequences have it.
        failures: mean number in a repetition.
    """

    label: str
    frames: int
    failures: float

    @property
    def rate(self) -> float:
        """Failures in a hundred frames; zero where there are no frames."""
        return 100 * self.failures / self.frames if self.frames else 0.0


def count(run: Run) -> list[Attribute]:
    """Counts a tracker's failures by attribute; a frame with several counts for each of them."""
    labels = [*LABELS.values(), NONE]
    frames, failures = (dict.fromkeys(labels, 0.0) for _ in range(2))
    for sequence in run.sequences:
        marks = [_labels(sequence, frame) for frame in range(len(sequence))]
        for each in marks:
            for label in each:
                frames[label] += 1
        found = run.repetitions(sequence)
        for repetition in found:
            for frame in repetition.failures:
                for label in marks[frame]:
                    failures[label] += 1 / len(found)
    return [Attribute(label, int(frames[label]), failures[label]) for label in labels]


def _labels(sequence: "Sequence", frame: int) -> list[str]:
    """The attributes of a frame."""
    tags = set(sequence.tags(frame))
    return [label for tag, label in LABELS.items() if tag in tags] or [NONE]
