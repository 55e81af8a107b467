"""A tracker in a process of its own: `attrax serve`, spoken to through TraX."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from trax import TraxException
from trax.client import Client
from trax.image import FileImage, MemoryImage
from trax.region import Rectangle

from attrax.binary import binary

Box: TypeAlias = tuple[float, float, float, float]
Frame: TypeAlias = np.ndarray | str | PathLike[str]
# Seconds that a process has to end in after it was told to.
PATIENCE = 10


class TrackerError(RuntimeError):
    """The tracker cannot start or go on; the text is its own reason."""


class Result(NamedTuple):
    """One target in one frame.

    Attributes:
        box: left, top, width and height, in pixels.
        score: mean of the best candidates' scores; above 0 where the target was found.
        found: whether the target was found. Where it was not, the box follows the best candidates or stays.
    """

    box: Box
    score: float
    found: bool


class Tracker:
    """DAT, for one target or several.

    The process starts with the first `init` and ends with `close`, or with the block that this is the context of.
    Several `init` in one process draw from different random streams, as the repetitions of an experiment do; the boxes
    of the first one are those of `attrax track`.
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
            seed: of every random draw; the preset's when there is none.
            threads: on the CPU; one for each core when nothing is said.
            config: a TOML file of parameters.
            settings: single parameters by name, as `attrax info` prints them: `{"attention.lambda": 3}`.
            weights: a file of network weights; the embedded network when there is none.
            bgr: whether colour arrays are in OpenCV's order.
        """
        options: dict[str, object] = {"preset": preset, "device": device, "seed": seed, "threads": threads}
        options |= {"config": config, "weights": weights}
        self._arguments = [f"--{name}={value}" for name, value in options.items() if value is not None]
        self._arguments += [f"--set={name}={_toml(value)}" for name, value in (settings or {}).items()]
        self._bgr = bgr
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this does
        self._several = False

    def init(self, frame: Frame, box: Sequence[float] | Sequence[Sequence[float]]) -> None:
        """Learns the target, or the targets, in their first frame. Whatever was tracked before is forgotten.

        Args:
            frame: a path, or pixels: H x W x 3 or H x W, 8 bits each.
            box: left, top, width and height in pixels; or a sequence of such boxes, one for each target.

        Raises:
            TrackerError: the frame, a box or a parameter is refused, or the process cannot start.
            ValueError: the array is no such frame, or a box has not four numbers.
        """
        boxes = np.asarray(box, dtype=float)
        if boxes.shape[-1:] != (4,) or boxes.ndim > 2:
            raise ValueError(f"a box is left, top, width and height, or a sequence of such; not {box!r}")
        image = self._image(frame)
        self._several = boxes.ndim == 2
        regions: list[tuple[Any, dict[str, str]]] = [
            (Rectangle.create(*each), {}) for each in np.atleast_2d(boxes).tolist()
        ]
        self._ask(lambda client: client.initialize({"color": image}, regions, {}))

    def update(self, frame: Frame) -> Any:  # noqa: ANN401 - a Result, or a list of them
        """Finds what is tracked in the next frame.

        Args:
            frame: as in `init`, and of the same size.

        Returns:
            A `Result`; a list of them, in the order of the boxes, where `init` was given several.

        Raises:
            TrackerError: nothing is tracked yet, the frame is refused, or the process ended.
            ValueError: the array is no frame.
        """
        if self._client is None:
            raise TrackerError("there is no target yet: init comes before update")
        image = self._image(frame)
        objects = self._ask(lambda client: client.frame({"color": image}, {}, []))
        results = []
        for region, properties in objects:
            score = float(properties.get("confidence", "nan"))
            results.append(Result(region.bounds(), score, score > 0))
        return results if self._several else results[0]

    def close(self) -> None:
        """Ends the process; a later `init` starts another one."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(TraxException):
                client.quit()
        self._end()

    def _end(self) -> None:
        """Closes the process's streams, which ends it, and waits for it."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> "Tracker":
        """This tracker; the process starts with `init`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the process."""
        self.close()

    def __del__(self) -> None:
        """Ends the process, should nobody have."""
        # What is half made has no process, and at the interpreter's end modules may be gone. The client is left
        # alone: the garbage collector may have freed what it wraps.
        with suppress(Exception):
            self._client = None
            self._end()

    def _ask(self, request: Any) -> list[Any]:  # noqa: ANN401 - a function of vot-trax's client, which has no types
        """What the tracker answers; the process is started where there is none, and gone after an error."""
        try:
            if self._client is None:
                self._start()
            return request(self._client)[0]
        except TraxException as error:
            self.close()
            reason = str(error).removeprefix("Server terminated the session: ")
            raise TrackerError(reason if reason != str(error) else self._last_words() or reason) from error
        except BaseException:
            # An answer that nobody waits for would be taken for that of the next request.
            self.close()
            raise

    def _start(self) -> None:
        command = [str(binary()), "serve", "--multi-object", *self._arguments]
        # Unbuffered, because libtrax reads and writes the descriptors itself.
        self._words.seek(0)
        self._words.truncate()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words, bufsize=0
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # Without a log of its own vot-trax's client cannot be made.
        descriptors = (self._process.stdin.fileno(), self._process.stdout.fileno())
        self._client = Client(stream=descriptors, log=lambda *_: None)

    def _last_words(self) -> str:
        """What a process that gave no reason through TraX wrote as an error, or last."""
        self._words.seek(0)
        lines = [line.strip() for line in self._words.read().decode(errors="replace").splitlines() if line.strip()]
        # An error about the arguments goes on for some lines, and ends with a word about --help.
        text = "\n".join(lines).partition("\nFor more information")[0]
        return text.rpartition("error: ")[2].replace("\n", " ")

    def _image(self, frame: Frame) -> FileImage | MemoryImage:
        """A frame as TraX sends it."""
        if not isinstance(frame, np.ndarray):
            return FileImage.create(str(Path(frame).resolve()))
        if frame.dtype != np.uint8 or frame.size == 0 or frame.shape[2:] not in ((), (3,)) or frame.ndim < 2:
            raise ValueError(f"a frame is H x W x 3 or H x W of uint8, not {frame.shape} of {frame.dtype}")
        if frame.ndim == 2:
            frame = np.repeat(frame[:, :, None], 3, axis=2)
        elif self._bgr:
            frame = frame[:, :, ::-1]
        return MemoryImage.create(np.ascontiguousarray(frame))


def _toml(value: object) -> str:
    """A parameter as the command line takes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
