"""The demo's three sequences: what moves where."""

import numpy as np

from attrax_vot.demo import targets, textures
from attrax_vot.demo.scene import HEIGHT, WIDTH, Layer, Motion, Pose, Scene

FRAMES = 20


def _path(*poses: tuple[float, float, float, float, float]) -> Motion:
    """A smooth motion through poses (x, y, width, height, angle) at equal intervals of time."""
    knots = np.array(poses)
    times = np.linspace(0, 1, len(knots))
    slopes = np.gradient(knots, times, axis=0) if len(knots) > 1 else np.zeros_like(knots)

    def at(time: float) -> Pose:
        index = int(np.clip(np.searchsorted(times, time, side="right") - 1, 0, len(times) - 2))
        span = times[index + 1] - times[index]
        u = (time - times[index]) / span
        # Cubic Hermite interpolation: position and speed are continuous.
        value = (
            (1 + 2 * u) * (1 - u) ** 2 * knots[index]
            + u * (1 - u) ** 2 * span * slopes[index]
            + u**2 * (3 - 2 * u) * knots[index + 1]
            + u**2 * (u - 1) * span * slopes[index + 1]
        )
        return Pose(*(float(v) for v in value))

    return at


def _camera(start: tuple[float, float], end: tuple[float, float], zoom: float = 1.0, sway: float = 0.0) -> Motion:
    """A pan over the background from one centre to another, zooming, with a hand's sway in pixels."""

    def at(time: float) -> Pose:
        x = start[0] + (end[0] - start[0]) * time + sway * np.sin(9 * time)
        y = start[1] + (end[1] - start[1]) * time + sway * np.cos(7 * time)
        scale = zoom**time
        return Pose(x, y, WIDTH * scale, HEIGHT * scale, 1.5 * sway * np.sin(5 * time) / 3)

    return at


def turning() -> Scene:
    """A book that is carried across, turns and comes closer, while the light fades, turns warm and comes back."""
    rng = np.random.default_rng(11)

    def light(time: float) -> tuple[float, float, float]:
        fade = 0.5 - 0.5 * np.cos(2 * np.pi * np.clip((time - 0.25) / 0.7, 0, 1))
        return (1.05 - 0.50 * fade, 1.05 - 0.62 * fade, 1.05 - 0.72 * fade)

    return Scene(
        name="turning",
        frames=FRAMES,
        background=textures.pebbles(rng, 420, 560),
        camera=_camera((230, 200), (320, 225), sway=3),
        target=Layer(
            targets.book(rng),
            _path((90, 90, 50, 70, -12), (140, 118, 58, 80, 8), (190, 140, 70, 98, 34), (228, 120, 80, 112, 58)),
        ),
        light=light,
        seed=1,
        tags={
            "camera_motion": (0, 1),
            "illum_change": (0.25, 0.95),
            "size_change": (0.3, 1),
            "motion_change": (0.6, 1),
        },
    )


def passing() -> Scene:
    """A van that passes a post, which hides a part of it, and then a tree, which hides it whole."""
    rng = np.random.default_rng(23)
    return Scene(
        name="passing",
        frames=24,
        background=textures.street(rng, 400, 640),
        camera=_camera((260, 190), (330, 192), sway=2),
        target=Layer(
            targets.van(rng),
            _path((52, 168, 68, 40, 2), (120, 165, 66, 39, -3), (184, 160, 62, 36, -5), (258, 152, 58, 34, -2)),
        ),
        front=(
            Layer(targets.post(rng), _path((128, 140, 17, 260, 0), (92, 140, 17, 260, 1))),
            Layer(targets.trunk(rng), _path((246, 120, 76, 360, 2), (186, 118, 76, 360, 1))),
        ),
        seed=2,
        tags={"camera_motion": (0, 1)},
    )


def twins() -> Scene:
    """A rug that slides past another of the same pattern, close enough to be confused with it."""
    rng = np.random.default_rng(37)
    pattern = targets.rug(rng)
    return Scene(
        name="twins",
        frames=FRAMES,
        background=textures.bricks(rng, 420, 560),
        camera=_camera((300, 210), (250, 200), zoom=0.92, sway=2),
        target=Layer(
            pattern,
            _path((84, 126, 52, 62, 6), (132, 132, 54, 65, -6), (178, 128, 57, 68, -14), (232, 112, 60, 72, -4)),
        ),
        behind=(
            Layer(
                pattern,
                _path((248, 84, 54, 65, -8), (212, 76, 54, 65, 4), (142, 66, 52, 62, 14), (76, 92, 50, 60, 8)),
            ),
        ),
        seed=3,
        tags={"camera_motion": (0, 1), "motion_change": (0.5, 1)},
    )


def all_scenes() -> list[Scene]:
    """Every sequence of the demo, in the order of its list."""
    return [turning(), passing(), twins()]
