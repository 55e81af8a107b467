"""A tracker in a process of its own: `attrax serve`, driven through TraX."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, TypeAlias

import numpy as np
from trax.region import Rectangle

from attrax import frames
from attrax.source import Source, SourceError, rows
from attrax_vot.link import Link, LinkError, without_signals
from attrax_vot.program import binary

Box: TypeAlias = tuple[float, float, float, float]
Frame: TypeAlias = Any  # a path, a NumPy array or an image of Pillow's
PRESETS = ("attrax", "fast", "released", "paper", "mdnet")


class TrackerError(RuntimeError):
    """The tracker cannot start or go on; the text is its own reason."""


class _Named(NamedTuple):
    box: Box
    score: float
    found: bool


class Result(_Named):
    """One target in one frame. It unpacks as `box, score, found`.

    Attributes:
        box: left, top, width and height, in pixels.
        score: mean of the best candidates' scores.
        found: whether the score is above the parameter `failure.threshold`. If not, the target is lost in this frame,
            and the box follows the best candidates or stays.
        probability: of an overlap of 0.5 or more with the target, 0 to 1, calibrated for the default preset.
    """

    probability: float = float("nan")

    def __new__(cls, box: Box, score: float, found: bool, probability: float = float("nan")) -> "Result":
        """Of four values; the last one is not unpacked."""
        result = super().__new__(cls, box, score, found)
        result.probability = probability
        return result

    def __getnewargs__(self) -> Any:  # noqa: ANN401 - pickle takes any tuple
        """The arguments of a copy."""
        return (*self, self.probability)

    def __repr__(self) -> str:
        """All four values."""
        return f"Result(box={self.box!r}, score={self.score!r}, found={self.found!r}, probability={self.probability!r})"


class Tracker:
    """DAT, for one target or several.

    The process starts with the first `init`. It ends with `close`, at the end of a `with` block, when the tracker is
    collected, or with the program. Several `init` in one process draw from different random streams, as the
    repetitions of an experiment do; the boxes of the first one are those of `attrax track`.

    Threads may share a tracker: requests take turns. After a fork the child calls `init` first. A tracker that follows
    a target cannot be pickled; one without a target can.
    """

    def __init__(  # noqa: PLR0913 - choices of a user, by keyword
        self,
        preset: str = "attrax",
        *,
        device: str = "auto",
        seed: int | None = None,
        threads: int | None = None,
        config: str | PathLike[str] | None = None,
        settings: Mapping[str, object] | None = None,
        weights: str | PathLike[str] | None = None,
        bgr: bool = False,
    ) -> None:
        """Chooses parameters; starts nothing yet.

        Args:
            preset: `attrax`, `fast`, `released`, `paper` or `mdnet`.
            device: `auto`, `cpu` or `cuda:N`.
            seed: of every random draw; the preset's by default.
            threads: on the CPU; one for each core by default.
            config: a TOML file of parameters.
            settings: single parameters by name, as `attrax info` prints them: `{"attention.lambda": 3}`.
            weights: a file of network weights; the embedded network by default.
            bgr: whether colour arrays are in OpenCV's order.

        Raises:
            TypeError: `settings` has no names.
            ValueError: unknown preset, or text with a null byte.
        """
        self._link: Link | None = None
        if preset not in PRESETS:
            raise ValueError(f"unknown preset {preset!r}; possible values are {', '.join(PRESETS)}")
        options: dict[str, object] = {"preset": preset, "device": device, "seed": seed, "threads": threads}
        options |= {"config": config, "weights": weights}
        self._arguments = [f"--{name}={value}" for name, value in options.items() if value is not None]
        if not isinstance(settings or {}, Mapping):
            raise TypeError(f"settings are values by the names of parameters, not {type(settings).__name__}")
        self._arguments += [f"--set={name}={_toml(value)}" for name, value in dict(settings or {}).items()]
        if odd := next((each for each in self._arguments if "\0" in each), None):
            raise ValueError(f"{odd!r} holds a null byte")
        self._bgr = bgr
        self._several = False

    def init(self, frame: Frame, box: Sequence[float] | Sequence[Sequence[float]]) -> None:
        """Learns the target, or the targets, in their first frame. What was tracked before is forgotten.

        Args:
            frame: a path, an image of Pillow's, or pixels: H x W x 3 or H x W, 8 bits each.
            box: left, top, width and height in pixels; or a sequence of such boxes, one for each target.

        Raises:
            TrackerError: the frame, a box or a parameter is refused, or the process cannot start.
            ValueError: it is no such frame, or a box has not four numbers.
        """
        boxes = frames.boxes(box)
        with without_signals():
            images = {"color": frames.image(frame, self._bgr)}
            regions: list[tuple[Any, dict[str, str]]] = [
                (Rectangle.create(*each), {}) for each in np.atleast_2d(boxes).tolist()
            ]
        try:
            if self._link is None or not self._link.is_open:
                self._link = Link([str(binary()), "serve", "--multi-object", *self._arguments])
            with without_signals():
                self._link.ask(lambda client: client.initialize(images, regions, {}))
                # Freed here, not where an interruption is lost.
                images.clear()
                regions.clear()
        except (LinkError, OSError) as error:
            self._fail(error)
        self._several = boxes.ndim == 2

    def update(self, frame: Frame) -> Any:  # noqa: ANN401 - a Result, or a list of them
        """Finds what is tracked in the next frame.

        Args:
            frame: as in `init`, and of the same size.

        Returns:
            A `Result`; a list of them, in the order of the boxes, if `init` was given a sequence of boxes.

        Raises:
            TrackerError: nothing is tracked yet, the frame is refused, or the process ended.
            ValueError: it is no frame.
        """
        link = self._link
        if link is None or not link.is_open:
            if link is not None and link.is_foreign:
                raise TrackerError("the target is followed in the parent process; this one calls init first")
            raise TrackerError("there is no target yet: init comes before update")
        try:
            with without_signals():
                results = self._find(link, frame)
        except LinkError as error:
            self._fail(error)
        return results if self._several else results[0]

    def track(
        self, source: Source, box: Sequence[float] | Sequence[Sequence[float]] | None = None
    ) -> Iterator[Any]:  # of a Result, or a list of them
        """Tracks through a video, a folder of frames, a camera, or the given frames, in a process of its own.

        What this tracker follows by `init` and `update` is not touched, and `bgr` has no effect.

        Args:
            source: what `attrax track` takes, such as `clip.mp4`, `frames/` or `camera:0`; or a sequence of paths.
            box: of the target in the first frame, or a sequence of boxes; by default that of the ground truth stored
                with the frames.

        Yields:
            For each frame, as soon as it is tracked, what `update` returns. In the first frame that is the given box.

        Raises:
            TrackerError: the source, a box or a parameter is refused, or a frame cannot be read.
            ValueError: it is no source, or a box has not four numbers.
        """
        boxes = None if box is None else frames.boxes(box)
        several = boxes is not None and boxes.ndim == 2
        try:
            for targets in rows(self._arguments, source, boxes):
                results = [
                    Result(
                        (row["x"], row["y"], row["width"], row["height"]),
                        row["confidence"],
                        row["found"] > 0,
                        row["probability"],
                    )
                    for row in targets
                ]
                yield results if several else results[0]
        except SourceError as error:
            raise TrackerError(str(error)) from error

    def close(self) -> None:
        """Ends the process; a later `init` starts another one."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def __enter__(self) -> "Tracker":
        """This tracker; the process starts with `init`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process."""
        self.close()

    def __getstate__(self) -> dict[str, object]:
        """The parameters alone.

        Raises:
            TypeError: a target is tracked.
        """
        if self._link is not None and self._link.is_open:
            raise TypeError(
                "a tracker that follows a target cannot be sent to another process; make one there, or close this one"
            )
        return self.__dict__ | {"_link": None}

    def _find(self, link: Link, frame: Frame) -> list[Result]:
        """The targets in a frame."""
        image = frames.image(frame, self._bgr)
        objects = link.ask(lambda client: client.frame({"color": image}, {}, []))[0]
        return [_result(region, properties) for region, properties in objects]

    def _fail(self, error: Exception) -> NoReturn:
        """Raises the reason as the caller's error."""
        self.close()
        raise TrackerError(str(error)) from error


def _result(region: Any, properties: Mapping[str, str]) -> Result:  # noqa: ANN401 - vot-trax has no types
    """An answer of the tracker's."""
    score = float(properties.get("confidence", "nan"))
    found = float(properties.get("found", "nan")) > 0
    return Result(region.bounds(), score, found, float(properties.get("probability", "nan")))


def _toml(value: object) -> str:
    """A parameter as the command line takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
