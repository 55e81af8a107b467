"""The tracker in the shapes that other programs call."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from attrax.tracker import Tracker

Adapter = TypeVar("Adapter", bound="_Adapter")


class _Adapter:
    """Ends the tracker as `attrax.Tracker` does: by `close`, by `with`, or when it is collected."""

    tracker: Tracker

    def close(self) -> None:
        """Ends the tracker's process; a later `init` starts another one."""
        self.tracker.close()

    def __enter__(self: Adapter) -> Adapter:
        """This tracker."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the tracker's process."""
        self.close()


class OpenCvTracker(_Adapter):
    """Called as OpenCV's trackers are: BGR arrays, and whole pixels."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - Tracker's own
        """Takes what `attrax.Tracker` takes."""
        self.tracker = Tracker(**({"bgr": True} | options))

    def init(self, image: np.ndarray, box: Sequence[float]) -> None:
        """Learns the target: `box` is left, top, width and height."""
        self.tracker.init(image, box)

    def update(self, image: np.ndarray) -> tuple[bool, tuple[int, ...]]:
        """Whether the target was found, and its box."""
        result = self.tracker.update(image)
        return result.found, tuple(round(number) for number in result.box)


class Got10kTracker(_Adapter):
    """Called as trackers of the got10k toolkit are; its experiments need nothing else than these members."""

    is_deterministic = True

    def __init__(self, name: str = "DAT", **options: Any) -> None:  # noqa: ANN401 - Tracker's own
        """Takes what `attrax.Tracker` takes.

        Args:
            name: what results are filed under.
            options: of the tracker.
        """
        self.name = name
        self.tracker = Tracker(**options)

    def init(self, image: Any, box: Sequence[float]) -> None:  # noqa: ANN401 - Pillow's image, an array or a path
        """Learns the target: `box` is left, top, width and height."""
        # A process of its own for each sequence: the boxes do not depend on those before.
        self.tracker.close()
        self.tracker.init(image, box)

    def update(self, image: Any) -> np.ndarray:  # noqa: ANN401 - as in init
        """The target's box."""
        return np.array(self.tracker.update(image).box)

    def track(
        self, img_files: Sequence[str], box: Sequence[float], visualize: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tracks through a sequence.

        Args:
            img_files: paths of the frames.
            box: of the target in the first one.
            visualize: taken, and of no effect.

        Returns:
            Boxes, N x 4, and seconds, N.
        """
        del visualize
        boxes, seconds = np.zeros((len(img_files), 4)), np.zeros(len(img_files))
        boxes[:1] = box
        for number, path in enumerate(img_files):
            begun = time.perf_counter()
            if number == 0:
                self.init(path, box)
            else:
                boxes[number] = self.update(path)
            seconds[number] = time.perf_counter() - begun
        return boxes, seconds
