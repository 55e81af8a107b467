"""What goes wrong on the client's side, sent by the real TraX client: an answer, or an end with a reason and a code."""

from __future__ import annotations

import math

import numpy as np
import pytest
import trax_harness as harness
from trax.region import Mask
from trax_harness import (
    Polygon,
    Rectangle,
    Server,
    TraxException,
    answered,
    ended,
    refused,
)

BOX = (20, 16, 24, 18)


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
