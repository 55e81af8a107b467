"""Generators of files for the tables of attacks.

``{make = "name", ...}`` calls the function of that name with the path and the other keys.
"""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

#: The functions by name.
GENERATORS: dict[str, Callable[..., None]] = {}


def generator(function: Callable[..., None]) -> Callable[..., None]:
    """Registers a function under its name."""
    GENERATORS[function.__name__] = function
    return function


def texture(number: int = 1, width: int = 64, height: int = 48) -> np.ndarray:
    """A patterned picture, brighter with each number, with a bright square at (20, 16) of 24 x 18 pixels."""
    y, x = np.mgrid[:height, :width]
    grey = ((x * 7 + y * 13) % 97 + 6 * (number % 16)).astype(np.uint8)
    picture = np.stack([grey, np.roll(grey, 5, axis=1), np.roll(grey, 9, axis=0)], axis=-1)
    picture[16:34, 20:44] = 255 - picture[16:34, 20:44]
    return picture


@generator
def frames(path: Path, count: int = 3, first: int = 1, pattern: str = "{:08d}.jpg", size: tuple = (64, 48)) -> None:
    """A folder of frames; ``pattern`` names them."""
    path.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        Image.fromarray(texture(number, *size)).save(path / pattern.format(number))


@generator
def image(
    path: Path, number: int = 1, width: int = 64, height: int = 48, share: float = 1.0, **options: object
) -> None:
    """One frame; its name gives the format, and the options are those of Pillow. The first ``share`` of it is kept."""
    Image.fromarray(texture(number, width, height)).save(path, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


@generator
def sequence(path: Path, count: int = 3, truth: str | None = None) -> None:
    """A sequence of the toolkit: color/00000001.jpg and so on, sequence, groundtruth.txt with a box for each frame."""
    frames(path / "color", count)
    (path / "sequence").write_text("channels.color=color/%08d.jpg\nfps=30\nformat=default\n")
    (path / "groundtruth.txt").write_text("20,16,24,18\n" * count if truth is None else truth)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@generator
def profile_bomb(path: Path, megabytes: int = 1000) -> None:
    """A PNG of one pixel whose colour profile inflates to many megabytes."""
    deflate = zlib.compressobj(9)
    megabyte = bytes(1 << 20)
    data = b"".join([*(deflate.compress(megabyte) for _ in range(megabytes)), deflate.flush()])
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"iCCP", b"p\0\0" + data) + chunk(b"IDAT", zlib.compress(bytes(4)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b""))


@generator
def short_jpeg(
    path: Path, width: int = 8000, height: int = 8000, progressive: bool = False, share: float = 1.0
) -> None:
    """A JPEG of 640 x 480 pixels that declares another size, or of which the first ``share`` and its end are kept."""
    Image.fromarray(texture(1, 640, 480)).save(path, quality=90, progressive=progressive)
    data = bytearray(path.read_bytes())
    start = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    path.write_bytes(data[: int(share * (len(data) - 2))] + b"\xff\xd9")


@generator
def null_device(path: Path) -> None:
    """A device node like /dev/null; the test is skipped where that is not allowed."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("skipped: a device cannot be made here; it needs root")


@generator
def private(path: Path, of: str) -> None:
    """Makes a file readable for its owner alone."""
    (path.parent / of).chmod(0o600)


@generator
def turned(path: Path, orientation: int = 6, kind: str = "png") -> None:
    """The folder's frames in upright coordinates are those of ``frames``; they are stored turned, with the EXIF tag."""
    path.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for number in (1, 2, 3):
        stored = Image.fromarray(np.rot90(texture(number)).copy())
        stored.save(path / f"{number:08d}.{kind}", exif=exif)


@generator
def animation(path: Path, count: int = 3, share: float = 1.0) -> None:
    """A WebP of the frames of ``frames``, without loss; of its bytes the first ``share`` is kept."""
    first, *others = (Image.fromarray(texture(number)) for number in range(1, count + 1))
    first.save(path, save_all=True, append_images=others, lossless=True, minimize_size=False)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


@generator
def camera(path: Path) -> None:
    """A program in the place of ffmpeg: a test pattern in real time comes from where a camera is asked for."""
    path.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        "*v4l2*) echo \"$*\" | grep -o -e '-f v4l2 -i [^ ]*' > asked\n"
        "  exec ffmpeg -hide_banner -nostdin -re -f lavfi -i testsrc=size=64x48:rate=30 -loglevel level+info"
        " -pix_fmt rgb24 -c:v ppm -f image2pipe pipe:1 ;;\n"
        '*) exec ffmpeg "$@" ;;\nesac\n'
    )
    path.chmod(0o755)


#: How upright pictures are stored for each EXIF orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@generator
def orientations(path: Path, kind: str = "png") -> None:
    """Eight frames that are the same in upright coordinates, stored with the eight EXIF orientations.

    Squares of 8 x 8 pixels of one grey each are exact in JPEGs of the highest quality too.
    """
    path.mkdir(parents=True, exist_ok=True)
    squares = Image.fromarray(np.kron((np.arange(48) * 37 % 251).reshape(6, 8), np.ones((8, 8))).astype(np.uint8))
    for orientation, how in STORED.items():
        stored = squares if how is None else squares.transpose(how)
        name, exif = path / f"{orientation:08d}.{kind}", Image.Exif()
        exif[0x0112] = orientation
        if kind == "upright.png":
            squares.save(path / f"{orientation:08d}.png")
        elif kind == "tif":
            stored.save(name, tiffinfo={0x0112: orientation})
        else:
            stored.save(name, exif=exif, quality=100)


@generator
def thermal(path: Path, count: int = 4, deep: bool = True) -> None:
    """Frames of 16 bits that use a thousand values, and the same in 8 bits."""
    path.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        grey = np.roll(texture(1)[..., 0], 2 * number, axis=1)
        values = (7000 + grey.astype(np.uint16) * 4) if deep else grey
        Image.fromarray(values).save(path / f"{number:08d}.png")


@generator
def clip(path: Path, count: int = 8, size: str = "64x48", codec: str = "mjpeg") -> None:
    """A video of a test pattern, made by ffmpeg; ``size`` may be larger than what is accepted."""
    source = f"testsrc=size={size}:rate=10:duration={count / 10}"
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source]
    subprocess.run([*command, *(["-c:v", codec] if codec else []), str(path)], check=True)


@contextmanager
def small_disk(path: Path, kilobytes: int) -> Iterator[None]:
    """A file system of some size at a path; the test is skipped where that is not allowed."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("skipped: a small file system cannot be mounted here; it needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
