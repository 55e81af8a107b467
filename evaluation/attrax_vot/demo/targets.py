"""What the demo's sequences follow, and what gets in its way: pictures of a few hundred pixels a side."""

import cv2
import numpy as np

from attrax_vot.demo.textures import Image, blend, noise


def _finish(rng: np.random.Generator, picture: Image, grain: float = 0.15) -> Image:
    """Lays uneven light and grain over a flat drawing, so that it looks photographed."""
    height, width = picture.shape[:2]
    light = 0.8 + 0.35 * noise(rng, height, width, 3, 0.5)
    texture = 1 - grain / 2 + grain * noise(rng, height, width, 7, 0.95)
    return np.clip(picture * (light * texture)[..., None], 0, 1).astype(np.float32)


def book(rng: np.random.Generator) -> Image:
    """A book's cover: sky over hills, a sun, and lines of a title."""
    height, width = 280, 200
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None].repeat(width, 1)
    cover = blend(rows, (0.10, 0.22, 0.50), (0.85, 0.62, 0.40))
    cv2.circle(cover, (135, 120), 34, (0.98, 0.86, 0.45), -1, cv2.LINE_AA)
    columns = np.arange(width)
    for base, colour in ((190, (0.36, 0.22, 0.38)), (220, (0.20, 0.13, 0.26)), (250, (0.08, 0.07, 0.12))):
        ridge = base + 26 * (noise(rng, 8, width, 4, 0.6)[4] - 0.5) * 2
        outline = np.stack([columns, ridge], 1).astype(np.int32)
        cv2.fillPoly(cover, [np.vstack([outline, [[width, height], [0, height]]])], colour, cv2.LINE_AA)
    for top, long in ((24, 150), (46, 120)):
        for x in range(20, long, 16):
            tall = int(rng.integers(10, 16))
            cv2.rectangle(cover, (x, top + 16 - tall), (x + 10, top + 16), (0.95, 0.93, 0.86), -1)
    cv2.rectangle(cover, (0, 0), (12, height), (0.32, 0.10, 0.10), -1)
    return _finish(rng, cover)


def van(rng: np.random.Generator) -> Image:
    """A delivery van from the side, filling its rectangle: cabin, windows, a stripe and wheels."""
    height, width = 160, 280
    side = blend(noise(rng, height, width, 5, 0.6), (0.72, 0.16, 0.10), (0.88, 0.26, 0.14))
    cv2.rectangle(side, (0, 70), (width, 92), (0.95, 0.92, 0.84), -1)
    for left, right in ((14, 74), (86, 150)):
        cv2.rectangle(side, (left, 16), (right, 60), (0.10, 0.14, 0.20), -1)
        cv2.line(side, (left + 6, 56), (left + 36, 20), (0.42, 0.50, 0.58), 5, cv2.LINE_AA)
    cv2.circle(side, (215, 50), 30, (0.96, 0.80, 0.20), -1, cv2.LINE_AA)
    cv2.ellipse(side, (215, 50), (17, 9), 35, 0, 360, (0.16, 0.30, 0.14), -1, cv2.LINE_AA)
    cv2.line(side, (160, 10), (160, 130), (0.40, 0.08, 0.06), 2, cv2.LINE_AA)
    cv2.rectangle(side, (0, 136), (width, height), (0.13, 0.12, 0.12), -1)
    for x in (58, 222):
        cv2.circle(side, (x, 132), 26, (0.07, 0.07, 0.08), -1, cv2.LINE_AA)
        cv2.circle(side, (x, 132), 13, (0.62, 0.62, 0.64), -1, cv2.LINE_AA)
    cv2.rectangle(side, (0, 104), (12, 122), (0.98, 0.94, 0.70), -1)
    return _finish(rng, side, 0.10)


def rug(rng: np.random.Generator) -> Image:
    """A woven rug: a border, and rows of diamonds in a few colours."""
    height, width = 240, 200
    weave = blend(noise(rng, height, width, 7, 0.8), (0.50, 0.12, 0.14), (0.64, 0.20, 0.18))
    cv2.rectangle(weave, (6, 6), (width - 7, height - 7), (0.90, 0.80, 0.58), 8)
    cv2.rectangle(weave, (20, 20), (width - 21, height - 21), (0.12, 0.20, 0.34), 5)
    colours = ((0.92, 0.72, 0.24), (0.12, 0.26, 0.42), (0.88, 0.84, 0.72), (0.22, 0.42, 0.34))
    for row, y in enumerate(range(55, height - 40, 44)):
        for column, x in enumerate(range(50, width - 30, 50)):
            reach = 18 + int(rng.integers(0, 5))
            diamond = np.array([[x, y - reach], [x + reach, y], [x, y + reach], [x - reach, y]], np.int32)
            cv2.fillPoly(weave, [diamond], colours[(row + column) % 4], cv2.LINE_AA)
            cv2.circle(weave, (x, y), 6, colours[(row + column + 2) % 4], -1, cv2.LINE_AA)
    return _finish(rng, weave, 0.25)


def trunk(rng: np.random.Generator) -> Image:
    """A tree's trunk, taller than the frame: bark in upright furrows, darker at its edges."""
    height, width = 400, 90
    furrows = cv2.resize(noise(rng, 60, width, 6, 0.9), (width, height), interpolation=cv2.INTER_CUBIC)
    bark = blend(np.clip(furrows, 0, 1), (0.16, 0.11, 0.08), (0.52, 0.42, 0.32))
    across = np.linspace(-1, 1, width, dtype=np.float32)
    return _finish(rng, bark * (1 - 0.6 * across**2)[None, :, None], 0.3)


def post(rng: np.random.Generator) -> Image:
    """A signpost: grey metal with a striped band."""
    height, width = 400, 36
    metal = blend(noise(rng, height, width, 5, 0.7), (0.40, 0.42, 0.44), (0.60, 0.62, 0.63))
    for top in range(0, height, 60):
        cv2.rectangle(metal, (0, top), (width, top + 28), (0.90, 0.86, 0.30), -1)
    across = np.linspace(-1, 1, width, dtype=np.float32)
    return _finish(rng, metal * (1 - 0.5 * across**2)[None, :, None], 0.12)
