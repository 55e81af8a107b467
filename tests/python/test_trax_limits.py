"""The limits of `attrax serve`: each flag moves the limit for the real TraX client to exactly its value."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
import trax_harness as harness
from trax.region import Mask
from trax_harness import BufferImage, MemoryImage, Polygon, Rectangle, Server, TraxException, save, texture

ATTRAX = harness.ROOT / "out" / "bin" / "attrax"
SERVE = f"{ATTRAX} serve --threads 1 --config {harness.ROOT}/tests/data/quick.toml"
BOX = Rectangle.create(20, 16, 24, 18)

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")


def boxed(image):
    """Starts on a box in an image."""
    return lambda server: server.initialize(image, BOX)


def in_file(*regions):
    """Starts on regions in a file."""
    return lambda path: lambda server: server.initialize(save(path, texture()), *regions)


def encoded(path):
    """Starts in an encoded image."""
    save(path, texture())
    return boxed(BufferImage.create(path.read_bytes()))


def with_properties(path):
    """Starts on a box that has eleven properties, so that its message has twelve items."""
    properties = {f"key{number}": "value" for number in range(11)}
    image = save(path, texture())
    return lambda server: server.client.initialize({"color": image}, [(BOX, properties)], {})[0]


PENTAGON = Polygon.create([(20, 16), (44, 16), (50, 25), (44, 34), (20, 34)])
# As the client writes it: everything of the frame that the mask could cover.
MASK = Mask.create(np.ones((18, 24), np.uint8), x=20, y=16)
PIXELS = "size of an image in pixels"

#: A flag with the least value that a request needs, the request, and the error for one less.
LIMITS = {
    "items": ("message-items", 12, with_properties, "items in a message"),
    "pixels of a file": ("image-pixels", 64 * 48, in_file(BOX), PIXELS),
    "pixels in a message": ("image-pixels", 64 * 48, lambda _: boxed(MemoryImage.create(texture())), PIXELS),
    "encoded pixels": ("image-pixels", 64 * 48, encoded, PIXELS),
    "objects": ("objects", 2, in_file(BOX, BOX), "number of objects"),
    "corners": ("polygon-points", 5, in_file(PENTAGON), "number of corners of a polygon"),
    "mask": ("mask-pixels", 18 * 24, in_file(MASK), "size of a mask in pixels"),
}


def served(flag: str, value: int, act) -> list:
    """What the client gets from a process that was started with the flag."""
    with Server(f"{SERVE} --multi-object --max-{flag} {value}").connect() as server:
        return act(server)


@pytest.mark.parametrize("name", LIMITS)
def test_limit(name, tmp_path):
    flag, least, make, reason = LIMITS[name]
    act = make(tmp_path / "frame.png")
    assert served(flag, least, act)
    with pytest.raises(TraxException, match=f"{reason} is limited to {least - 1}"):
        served(flag, least - 1, act)


def test_limit_of_a_file(tmp_path):
    image = save(tmp_path / "frame.png", texture())
    size = (tmp_path / "frame.png").stat().st_size
    assert served("file-bytes", size, boxed(image))
    with pytest.raises(TraxException, match=f"size of a file in bytes is limited to {size - 1}"):
        served("file-bytes", size - 1, boxed(image))


def test_limit_of_a_message():
    """Base64 makes four bytes of three; how many the rest of the line has is the client's business."""
    image = MemoryImage.create(texture())
    pixels = 64 * 48 * 3 // 3 * 4
    assert served("message-bytes", pixels + 100, boxed(image))
    with pytest.raises(TraxException, match=f"length of a line in bytes is limited to {pixels}"):
        served("message-bytes", pixels, boxed(image))


@pytest.mark.parametrize("value", ["0", "99999999999999", "-1", "many"])
@pytest.mark.parametrize("flag", ["message-bytes", "image-pixels", "objects"])
def test_out_of_range(flag, value):
    done = subprocess.run([ATTRAX, "serve", f"--max-{flag}={value}"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"--max-{flag}" in done.stderr and "panicked" not in done.stderr
    assert done.stdout == ""
