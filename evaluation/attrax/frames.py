"""Frames and boxes as users have them, as the tracker takes them."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from trax.image import FileImage, MemoryImage

# Pixels of a frame that is handed over in memory: in base64 it is a line of at most 256 MiB.
LARGEST = 67_000_000
# Modes of Pillow's with more than 8 bits a channel, which its conversion cuts off at 255.
_DEEP = ("I", "F")


def boxes(box: Any) -> NDArray[np.float64]:  # noqa: ANN401 - a box or several
    """A box as an array of 4 numbers, or a sequence of boxes as an array N x 4.

    Raises:
        ValueError: it is neither.
    """
    try:
        # A generator is an array of one object otherwise.
        found = np.asarray(box if hasattr(box, "__len__") else list(box), dtype=float)
    except (TypeError, ValueError, OverflowError):
        found = np.empty(0)
    if found.shape[-1:] != (4,) or found.ndim > 2 or len(found) == 0:
        shown = repr(box)
        shown = shown if len(shown) <= 200 else f"{shown[:200]}..."
        raise ValueError(f"a box is left, top, width and height, or a sequence of such; not {shown}")
    return found


def path(place: str | PathLike[str]) -> str:
    """A path that can be handed over.

    Raises:
        ValueError: it is no text in UTF-8, or holds a null byte.
    """
    text = fspath(place)
    if isinstance(text, str) and text and "\0" not in text:
        try:
            text.encode()
        except UnicodeEncodeError:
            pass
        else:
            return text
    raise ValueError(f"{text!r} is no path that the tracker can be given: it must be text in UTF-8; rename the file")


def image(frame: Any, bgr: bool) -> FileImage | MemoryImage:  # noqa: ANN401 - a path, an array or an image of Pillow's
    """A frame as TraX sends it.

    Args:
        frame: a path, an image of Pillow's, or an array H x W x 3 or H x W of 8 bits each.
        bgr: whether arrays are in OpenCV's order.

    Raises:
        ValueError: it is no such frame.
    """
    if isinstance(frame, (str, PathLike)):
        return FileImage.create(str(Path(path(frame)).resolve()))
    if hasattr(frame, "convert") and hasattr(frame, "mode"):
        return MemoryImage.create(_of_pillow(frame))
    if not isinstance(frame, np.ndarray):
        raise ValueError(  # noqa: TRY004 - one error for all odd frames
            f"a frame is a path, an array or an image of Pillow's, not {type(frame).__name__}"
        )
    # Of subclasses the pixels alone: a matrix always has two dimensions.
    frame = np.asarray(frame)
    if frame.dtype != np.uint8 or frame.size == 0 or frame.shape[2:] not in ((), (3,)) or frame.ndim < 2:
        raise ValueError(f"a frame is H x W x 3 or H x W of uint8, not {frame.shape} of {frame.dtype}")
    _check_size(frame.shape[1], frame.shape[0])
    if frame.ndim == 2:
        frame = np.repeat(frame[:, :, None], 3, axis=2)
    elif bgr:
        frame = frame[:, :, ::-1]
    return MemoryImage.create(np.ascontiguousarray(frame))


def _of_pillow(frame: Any) -> NDArray[np.uint8]:  # noqa: ANN401 - Pillow may be missing
    """The pixels of an image of Pillow's, upright as its Exif orientation says, like those of a path."""
    if frame.mode.partition(";")[0] in _DEEP:
        raise ValueError(
            f"an image of mode {frame.mode} has more than 8 bits a pixel; hand over its path, or scale it to 8 bits"
        )
    _check_size(*frame.size)
    from PIL import ImageOps

    try:
        return np.ascontiguousarray(ImageOps.exif_transpose(frame).convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"the image of Pillow's cannot be decoded: {error}") from error


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= LARGEST:
        raise ValueError(f"a frame has 1 to {LARGEST} pixels, not {width} x {height}")


def sources(source: Any) -> list[str]:  # noqa: ANN401 - what `attrax track` takes, or paths of frames
    """The arguments of `attrax track` for a source.

    Raises:
        ValueError: it is neither a path nor a sequence of paths.
    """
    given: Sequence[Any] = [source] if isinstance(source, (str, PathLike)) else _listed(source)
    if not given or not all(isinstance(each, (str, PathLike)) for each in given):
        raise ValueError(f"a source is a path or a sequence of paths of frames, not {_kind(source, given)}")
    return [path(each) for each in given]


def _listed(source: Any) -> list[Any]:  # noqa: ANN401 - anything
    try:
        return [] if isinstance(source, (bytes, bytearray)) else list(source)
    except TypeError:
        return []


def _kind(source: object, given: Sequence[object]) -> str:
    inside = f" of {type(given[0]).__name__}" if given else " without a path" if hasattr(source, "__iter__") else ""
    return f"{type(source).__name__}{inside}"
