"""Flat pictures moving over a background, seen by a moving camera, with exact corners for every frame.

Coordinates are those of the VOT toolkit: x to the right, y down, in pixels, where pixel (0, 0) covers the
square from 0 to 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from attrax_vot.demo.textures import Image

WIDTH, HEIGHT = 320, 240
# Frames are drawn this many times larger and averaged down: edges come out smooth.
OVERSAMPLE = 2

Corners = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Where a picture is: centre and sides in pixels, angle in degrees, clockwise on the screen."""

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    def corners(self) -> Corners:
        """The four corners, from the picture's top left one clockwise, as a 4 x 2 array of x and y."""
        turn = np.deg2rad(self.angle)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [self.width / 2, self.height / 2]
        return half @ rotation.T + [self.x, self.y]


Motion = Callable[[float], Pose]


@dataclass(frozen=True)
class Layer:
    """A picture and where it is at each time, 0 at the first frame and 1 at the last."""

    picture: Image
    motion: Motion


@dataclass(frozen=True)
class Scene:
    """Everything that a sequence shows.

    Attributes:
        name: the sequence's name.
        frames: how many.
        background: a picture larger than the frame.
        camera: at a time from 0 to 1, the pose of the frame over the background.
        target: what is to be followed.
        behind: layers drawn before the target.
        front: layers drawn after it: they hide it.
        light: at a time from 0 to 1, the factors of red, green and blue.
        seed: of the sensor's noise.
        tags: attributes to mark, each with the interval of times in which it holds.
    """

    name: str
    frames: int
    background: Image
    camera: Motion
    target: Layer
    behind: tuple[Layer, ...] = ()
    front: tuple[Layer, ...] = ()
    light: Callable[[float], tuple[float, float, float]] = lambda _: (1.0, 1.0, 1.0)
    seed: int = 0
    tags: dict[str, tuple[float, float]] = field(default_factory=dict)

    def time(self, frame: int) -> float:
        """The time of a frame: 0 for the first, 1 for the last."""
        return frame / (self.frames - 1)

    def corners(self, frame: int) -> Corners:
        """The target's corners in a frame."""
        return self.target.motion(self.time(frame)).corners()

    def hidden(self, frame: int) -> float:
        """The share of the target that layers in front of it hide, from 0 to 1."""
        scale = 4
        target = _filled(self.corners(frame), scale)
        cover = np.zeros_like(target)
        for layer in self.front:
            cover |= _filled(layer.motion(self.time(frame)).corners(), scale)
        return float((target & cover).sum() / max(1, target.sum()))

    def render(self, frame: int) -> NDArray[np.uint8]:
        """Draws a frame: height x width x 3, channels B, G, R, as OpenCV writes them."""
        time = self.time(frame)
        size = (WIDTH * OVERSAMPLE, HEIGHT * OVERSAMPLE)
        view = _matrix(self.camera(time).corners(), WIDTH, HEIGHT)
        place = _sampled(view, inverse=True)
        drawn = cv2.warpAffine(self.background, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        canvas = np.asarray(drawn, np.float32)
        for layer in (*self.behind, self.target, *self.front):
            _draw(canvas, layer.picture, layer.motion(time).corners())
        small = np.asarray(cv2.resize(canvas, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.float32)
        rng = np.random.default_rng((self.seed, frame))
        grain = rng.normal(0, 0.012, small.shape).astype(np.float32)
        lit = np.clip(small * np.asarray(self.light(time), np.float32) + grain, 0, 1)
        return np.ascontiguousarray(np.rint(255 * lit).astype(np.uint8)[..., ::-1])


def _matrix(corners: Corners, width: float, height: float) -> NDArray[np.float64]:
    """The affine map that takes the rectangle (0, 0, width, height) to corners; 3 x 3."""
    origin, across, down = corners[0], corners[1] - corners[0], corners[3] - corners[0]
    return np.array(
        [
            [across[0] / width, down[0] / height, origin[0]],
            [across[1] / width, down[1] / height, origin[1]],
            [0, 0, 1],
        ]
    )


def _sampled(matrix: NDArray[np.float64], *, inverse: bool = False) -> NDArray[np.float64]:
    """Adapts a map of coordinates to OpenCV's, whose pixel centres are whole numbers, and to oversampling."""
    placed = np.linalg.inv(matrix) if inverse else matrix
    centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    larger = np.diag([OVERSAMPLE, OVERSAMPLE, 1.0])
    return (np.linalg.inv(centre) @ larger @ placed @ centre)[:2]


def _draw(canvas: Image, picture: Image, corners: Corners) -> None:
    """Lays a picture over the canvas, its corners at the given places, with a soft shadow beneath it."""
    height, width = picture.shape[:2]
    size = (canvas.shape[1], canvas.shape[0])
    opaque = np.ones((height, width), np.float32)
    # Shrinking in steps of two at most keeps fine texture from shimmering.
    while np.linalg.norm(corners[1] - corners[0]) * OVERSAMPLE * 2 <= picture.shape[1]:
        shape = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = np.asarray(cv2.resize(picture, shape, interpolation=cv2.INTER_AREA), np.float32)
        opaque = np.ones(shape[::-1], np.float32)
    height, width = opaque.shape
    shadow = cv2.warpAffine(opaque, _sampled(_matrix(corners + np.array([2.0, 3.0]), width, height)), size)
    canvas *= (1 - 0.35 * cv2.GaussianBlur(shadow, (0, 0), 4))[..., None]
    place = _sampled(_matrix(corners, width, height))
    alpha = cv2.warpAffine(opaque, place, size)[..., None]
    colour = cv2.warpAffine(picture, place, size, borderMode=cv2.BORDER_REPLICATE)
    canvas *= 1 - alpha
    canvas += alpha * colour


def _filled(corners: Corners, scale: int) -> NDArray[np.bool_]:
    """The pixels, on a grid `scale` times finer than the frame's, that a quadrilateral covers."""
    mask = np.zeros((HEIGHT * scale, WIDTH * scale), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(corners * scale).astype(np.int32), 1)
    return mask.astype(bool)
