"""Frames that are no images, and unusual ones, sent by the real TraX client."""

from __future__ import annotations

import os

import numpy as np
import pytest
from trax_harness import (
    BufferImage,
    FileImage,
    MemoryImage,
    Picture,
    Rectangle,
    Server,
    answered,
    refused,
    save,
    texture,
)

BOX = (20, 16, 24, 18)


def cut(path, keep: int) -> FileImage:
    """The first bytes of a file, in a file of its own."""
    short = path.with_name("cut-" + path.name)
    short.write_bytes(path.read_bytes()[:keep])
    return FileImage.create(str(short))


def broken_images(folder):
    """Files that are no images, with the reason they are refused for."""
    whole = folder / "whole.png"
    save(whole, texture())
    save(folder / "whole.jpg", texture())
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "words.jpg").write_text("these are words, not pixels\n")
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    return {
        "missing": (FileImage.create(str(folder / "missing.jpg")), "missing.jpg: "),
        "truncated png": (cut(whole, 500), "cut-whole.png: "),
        "header of a jpeg": (cut(folder / "whole.jpg", 100), "cut-whole.jpg: "),
        "no bytes": (FileImage.create(str(folder / "empty.jpg")), "empty.jpg: it is empty"),
        "no image": (FileImage.create(str(folder / "words.jpg")), "words.jpg: not an image"),
        "folder": (FileImage.create(str(folder / "folder.jpg")), "folder.jpg: not a regular file"),
        "pipe": (FileImage.create(str(folder / "pipe.jpg")), "pipe.jpg: not a regular file"),
        "loop": (FileImage.create(str(folder / "loop.jpg")), "loop.jpg: "),
        "device": (FileImage.create("/dev/zero"), "not a regular file"),
        "encoded nonsense": (BufferImage.create(b"\x89PNG and nothing of the kind"), "the image in the message: "),
        "pixel bomb": (FileImage.create(str(bomb(folder / "bomb.png"))), "bomb.png: .*limited"),
    }


def bomb(path):
    """A PNG that declares 60,000 x 60,000 pixels in a few bytes."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return path


BROKEN_IMAGES = [
    "missing",
    "truncated png",
    "header of a jpeg",
    "no bytes",
    "no image",
    "folder",
    "pipe",
    "loop",
    "device",
    "encoded nonsense",
    "pixel bomb",
]


@pytest.mark.parametrize("kind", BROKEN_IMAGES)
def test_broken_first_frame(command, tmp_path, kind):
    image, reason = broken_images(tmp_path)[kind]
    with Server(command).connect() as server:
        refused(server, lambda: server.initialize(image, Rectangle.create(*BOX)), reason)


@pytest.mark.parametrize("kind", BROKEN_IMAGES)
def test_broken_later_frame(command, tmp_path, good, kind):
    image, reason = broken_images(tmp_path)[kind]
    with Server(command).connect() as server:
        server.initialize(good, Rectangle.create(*BOX))
        server.frame(good)
        refused(server, lambda: server.frame(image), reason)


def layouts(folder):
    """The same picture in every layout that files have."""
    picture = Picture.fromarray(texture())
    gray = picture.convert("L")
    deep = Picture.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    return {
        "grey jpeg": save(folder / "gray.jpg", gray),
        "grey png": save(folder / "gray.png", gray),
        "cmyk jpeg": save(folder / "cmyk.jpg", picture.convert("CMYK")),
        "cmyk tiff": save(folder / "cmyk.tif", picture.convert("CMYK")),
        "16 bit png": save(folder / "deep.png", deep),
        "16 bit tiff": save(folder / "deep.tif", deep),
        "alpha png": save(folder / "alpha.png", picture.convert("RGBA")),
        "grey alpha png": save(folder / "la.png", gray.convert("LA")),
        "palette png": save(folder / "palette.png", picture.convert("P")),
        "bilevel png": save(folder / "bilevel.png", picture.convert("1")),
        "progressive jpeg": save(folder / "progressive.jpg", picture, progressive=True),
        "bmp": save(folder / "plain.bmp", picture),
        "wrong extension": FileImage.create(str(disguised(folder, picture))),
        "unicode path": save(folder / "ž ä 100% 😀.png", picture),
        "memory rgb": MemoryImage.create(texture()),
        "memory gray8": MemoryImage.create(np.asarray(gray)),
        "memory gray16": MemoryImage.create(np.asarray(deep)),
        "buffer png": BufferImage.create((folder / "gray.png").read_bytes()),
        "buffer jpeg": BufferImage.create((folder / "gray.jpg").read_bytes()),
    }


def disguised(folder, picture):
    """A PNG that calls itself JPEG."""
    picture.save(folder / "disguised.png")
    return (folder / "disguised.png").rename(folder / "disguised.jpg")


LAYOUTS = [
    "grey jpeg",
    "grey png",
    "cmyk jpeg",
    "cmyk tiff",
    "16 bit png",
    "16 bit tiff",
    "alpha png",
    "grey alpha png",
    "palette png",
    "bilevel png",
    "progressive jpeg",
    "bmp",
    "wrong extension",
    "unicode path",
    "memory rgb",
    "memory gray8",
    "memory gray16",
    "buffer png",
    "buffer jpeg",
]


@pytest.mark.parametrize("kind", LAYOUTS)
def test_unusual_layout(command, tmp_path, kind):
    image = layouts(tmp_path)[kind]
    with Server(command).connect() as server:
        answered(server, server.initialize(image, Rectangle.create(*BOX)), server.frame(image))


def test_truncated_jpeg(command, tmp_path):
    """Half a JPEG, of which decoders make a picture that is grey below."""
    save(tmp_path / "whole.jpg", texture(), quality=95)
    half = cut(tmp_path / "whole.jpg", (tmp_path / "whole.jpg").stat().st_size // 2)
    with Server(command).connect() as server:
        refused(server, lambda: server.initialize(half, Rectangle.create(*BOX)), "cut-whole.jpg: the JPEG is cut short")


def test_size_changes(command, tmp_path, good):
    larger = save(tmp_path / "larger.png", texture(80, 60))
    with Server(command).connect() as server:
        server.initialize(good, Rectangle.create(*BOX))
        refused(server, lambda: server.frame(larger), "80 x 60 pixels, the first one was 64 x 48")


def test_size_may_change_with_an_initialization(command, tmp_path, good):
    larger = save(tmp_path / "larger.png", texture(80, 60))
    with Server(command).connect() as server:
        first = server.initialize(good, Rectangle.create(*BOX))
        second = server.initialize(larger, Rectangle.create(*BOX))
        answered(server, first, second, server.frame(larger))
