"""What goes wrong on the client's side, sent by the real TraX client: an answer, or an end with a reason and a code."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
import trax_harness as harness
from trax.region import Mask
from trax_harness import (
    BufferImage,
    FileImage,
    MemoryImage,
    Picture,
    Polygon,
    Rectangle,
    Server,
    TraxException,
    save,
    texture,
)

BOX = (20, 16, 24, 18)


@pytest.fixture(scope="session", params=harness.servers() or ["still_session"])
def command(request) -> str:
    """The command under test."""
    return request.param if harness.servers() else harness.example(request.param)


@pytest.fixture
def good(tmp_path) -> FileImage:
    """A frame that nothing is wrong with."""
    return save(tmp_path / "good.png", texture())


def refused(server: Server, action, reason: str) -> None:
    """The action ends the session with this reason; the process ends by itself, with a code, and says why once."""
    with pytest.raises(TraxException, match="Server terminated the session: .*" + reason):
        action()
    ended(server, reason)


def ended(server: Server, reason: str) -> None:
    """The process ends by itself, with a code, and says why once."""
    code, _, errors = server.end()
    assert not server.killed, "it hung"
    assert code not in (0, 101) and code > 0, (code, errors)
    assert errors.count("\n") == 1, errors
    assert "panicked" not in errors


def answered(server: Server, *answers) -> None:
    """Every answer is one finite rectangle with its properties, and the process ends without a word."""
    for answer in answers:
        assert len(answer) == 1
        region, properties = answer[0]
        bounds = region.bounds() if region.type == "rectangle" else [value for point in region for value in point]
        assert all(math.isfinite(value) for value in bounds)
        assert math.isfinite(float(properties["confidence"]))
        assert float(properties["time"]) >= 0
    server.client.quit()
    code, _, errors = server.end()
    assert (code, errors) == (0, "") and not server.killed


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


NOT_A_NUMBER = float("nan")

BAD_REGIONS = {
    "no width": (lambda: Rectangle.create(20, 16, 0, 18), "empty"),
    "no height": (lambda: Rectangle.create(20, 16, 24, 0), "empty"),
    "no size": (lambda: Rectangle.create(20, 16, 0, 0), "empty"),
    "negative": (lambda: Rectangle.create(20, 16, -4, 18), "empty"),
    "nan": (lambda: Rectangle.create(20, NOT_A_NUMBER, 24, 18), "not finite"),
    "nan at the end": (lambda: Rectangle.create(20, 16, 24, NOT_A_NUMBER), "not finite"),
    "infinite": (lambda: Rectangle.create(20, 16, math.inf, 18), "not finite"),
    "nan in a polygon": (lambda: Polygon.create([(20, 16), (40, NOT_A_NUMBER), (40, 30)]), "not finite"),
    "left of the frame": (lambda: Rectangle.create(-40, 16, 24, 18), "outside the frame"),
    "below the frame": (lambda: Rectangle.create(20, 48, 24, 18), "outside the frame"),
    "far away": (lambda: Rectangle.create(1e30, 1e30, 24, 18), "outside the frame"),
    "polygon outside": (lambda: Polygon.create([(70, 16), (90, 16), (90, 30)]), "outside the frame"),
    "polygon of one corner": (lambda: harness.short_polygon((20, 16)), "2 numbers do not make a region"),
    "flat polygon": (lambda: Polygon.create([(20, 16), (30, 16), (40, 16)]), "empty"),
    "empty mask": (lambda: Mask.create(np.zeros((18, 24), np.uint8), 20, 16), "mask is empty"),
    "mask outside": (lambda: Mask.create(np.ones((18, 24), np.uint8), 200, 16), "outside the frame"),
}


@pytest.mark.parametrize("kind", BAD_REGIONS)
def test_bad_region(command, good, kind):
    create, reason = BAD_REGIONS[kind]
    with Server(command).connect() as server:
        refused(server, lambda: server.initialize(good, create()), reason)


ODD_REGIONS = {
    "one pixel": lambda: Rectangle.create(20, 16, 1, 1),
    "less than a pixel": lambda: Rectangle.create(20.25, 16.25, 0.5, 0.5),
    "partly outside": lambda: Rectangle.create(-10, -10, 30, 30),
    "in the last corner": lambda: Rectangle.create(63, 47, 10, 10),
    "larger than the frame": lambda: Rectangle.create(-100, -100, 1000, 1000),
    "the whole frame": lambda: Rectangle.create(0, 0, 64, 48),
    "crossing itself": lambda: Polygon.create([(20, 16), (44, 34), (44, 16), (20, 34)]),
    "rotated": lambda: Polygon.create([(30, 12), (44, 24), (32, 36), (18, 24)]),
    # Four numbers, which is what a rectangle is: the two cannot be distinguished.
    "polygon of two corners": lambda: harness.short_polygon((20, 16), (24, 18)),
    "triangle": lambda: Polygon.create([(30, 12), (44, 24), (32, 36)]),
    "mask": lambda: Mask.create(np.ones((18, 24), np.uint8), 20, 16),
    "mask of one pixel": lambda: Mask.create(np.eye(1, dtype=np.uint8), 20, 16),
}


@pytest.mark.parametrize("kind", ODD_REGIONS)
def test_odd_region(command, good, kind):
    with Server(command).connect() as server:
        first = server.initialize(good, ODD_REGIONS[kind]())
        assert len(first) == 1
        answered(server, server.frame(good))


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        (b"poly:20,16,40,30", "three corners, not 2"),
        (b"special:1", "special region"),
        (b"", "it is empty"),
        (b",", "not a number"),
        (b"special:", "not a number"),
        (b"rect:1", "1 numbers do not make a rectangle"),
        (b"poly:1,2,3", "3 numbers do not make a polygon"),
        (b"mask:1,2", "numbers do not make a mask"),
        (b"mask:0,0,-5,4,3,3", "side that is negative"),
        (b"mask:0,0,100000,100000,1", "mask in pixels is limited"),
        (b"mask:0,0,4,4,99", "runs that are longer"),
        (b"1,2,3,4;5", "not a number"),
        (b"\xff\xfe", "not text"),
    ],
)
def test_region_that_the_client_does_not_send(command, good, region, reason):
    with Server(command).connect() as server:
        server.write(b'@@TRAX:initialize "' + region + b'" \n@@TRAX:frame "file://' + good.path().encode() + b'" \n')
        output = server.process.stdout.read().decode()
        assert "@@TRAX:quit" in output
        assert reason in output
        ended(server, reason)


def test_frame_before_any_initialize(command, good):
    with Server(command).connect() as server:
        # The client expects no states yet, so it gives up without reading the quit message.
        with pytest.raises(TraxException):
            server.frame(good)
        output = server.process.stdout.read().decode()
        assert "@@TRAX:quit" in output and "before any object was initialized" in output
        ended(server, "")


def test_client_closes_between_messages(command, good):
    with Server(command).connect() as server:
        server.initialize(good, Rectangle.create(*BOX))
        server.frame(good)
        server.close_input()
        assert server.process.wait() == 0
        assert server.process.stderr.read() == b"" and not server.killed


def test_client_closes_before_anything(command):
    with Server(command).connect() as server:
        server.close_input()
        assert server.process.wait() == 0
        assert server.process.stderr.read() == b"" and not server.killed


@pytest.mark.parametrize(
    "part", [b"@@TRAX:", b"@@TRAX:frame", b'@@TRAX:frame "file:///tmp', b'@@TRAX:frame "image:9;9;rgb;AAAA']
)
def test_client_closes_within_a_frame(command, good, part):
    with Server(command).connect() as server:
        server.initialize(good, Rectangle.create(*BOX))
        server.write(part)
        server.close_input()
        output = server.process.stdout.read().decode()
        assert "middle of a message" in output
        ended(server, "")


def test_client_stops_reading(command, good):
    """The client goes while its frame is worked on: no reader is left for a reason, so it ends in silence."""
    with Server(command).connect() as server:
        server.initialize(good, Rectangle.create(*BOX))
        server.close_output()
        server.write(f'@@TRAX:frame "file://{good.path()}"\n'.encode())
        assert server.process.wait() == 0
        assert server.process.stderr.read() == b"" and not server.killed


def test_every_initialization_starts_afresh(command, good):
    with Server(command).connect() as server:
        boxes = [(20, 16, 24, 18), (2, 3, 20, 16), (30, 20, 20, 20)]
        answers = [server.initialize(good, Rectangle.create(*box)) for box in boxes]
        for box, answer in zip(boxes, answers, strict=True):
            assert answer[0][0].bounds() == pytest.approx(box)
        answered(server, *answers, server.frame(good))
