"""Procedural textures: backgrounds and targets, as float images in 0..1 with channels R, G, B.

Every function takes the generator of random numbers that it draws from, so that the same seed gives the same
picture.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Colour = tuple[float, float, float]


def noise(rng: np.random.Generator, height: int, width: int, octaves: int = 6, fall: float = 0.6) -> Image:
    """Smooth noise of several octaves, stretched to 0..1.

    Args:
        rng: where the random numbers come from.
        height: rows.
        width: columns.
        octaves: how many grids are summed, each twice as fine as the one before.
        fall: amplitude of one octave in terms of the one before.

    Returns:
        An array of height x width.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = 3 * 2**octave
        grid = rng.random((cells * height // width + 2, cells + 2), dtype=np.float32)
        total += fall**octave * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    total -= total.min()
    return (total / total.max()).astype(np.float32)


def blend(weight: Image, low: Colour, high: Colour) -> Image:
    """Mixes two colours pixel by pixel: `low` where the weight is 0, `high` where it is 1."""
    mixed = weight[..., None] * np.asarray(high, np.float32) + (1 - weight[..., None]) * np.asarray(low, np.float32)
    return mixed.astype(np.float32)


def bricks(rng: np.random.Generator, height: int, width: int) -> Image:
    """A wall: rows of bricks that differ in tint, with mortar between them and stains over all."""
    image = blend(noise(rng, height, width, 8, 0.85), (0.50, 0.47, 0.43), (0.68, 0.64, 0.58))
    tall, long = 16, 38
    for row, top in enumerate(range(0, height, tall)):
        for left in range(-(row % 2) * long // 2, width, long):
            tint = rng.uniform(0.7, 1.2)
            colour = [tint * c for c in (rng.uniform(0.48, 0.60), rng.uniform(0.24, 0.33), rng.uniform(0.17, 0.25))]
            cv2.rectangle(image, (left + 1, top + 1), (left + long - 3, top + tall - 3), colour, -1)
    stains = 0.6 + 0.6 * noise(rng, height, width, 5, 0.6)
    grain = 0.85 + 0.3 * noise(rng, height, width, 8, 0.95)
    return np.clip(image * (stains * grain)[..., None], 0, 1)


def pebbles(rng: np.random.Generator, height: int, width: int) -> Image:
    """A beach: overlapping stones of greys and browns, each lit from above."""
    image = blend(noise(rng, height, width, 7, 0.8), (0.20, 0.18, 0.16), (0.34, 0.31, 0.28))
    for _ in range(height * width // 130):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        long, short = int(rng.integers(5, 13)), int(rng.integers(4, 8))
        turn, grey = rng.uniform(0, 180), rng.uniform(0.25, 0.75)
        warm = rng.uniform(-0.05, 0.08)
        stone = (grey + warm, grey, grey - warm)
        cv2.ellipse(image, (x, y + 1), (long, short), turn, 0, 360, [0.4 * c for c in stone], -1, cv2.LINE_AA)
        cv2.ellipse(image, (x, y), (long - 1, short - 1), turn, 0, 360, stone, -1, cv2.LINE_AA)
        lit = [min(1.0, 1.15 * c) for c in stone]
        cv2.ellipse(image, (x - 1, y - 1), (long // 2, short // 2), turn, 0, 360, lit, -1, cv2.LINE_AA)
    return np.clip(image * (0.8 + 0.4 * noise(rng, height, width, 6, 0.8))[..., None], 0, 1)


def street(rng: np.random.Generator, height: int, width: int) -> Image:
    """House fronts seen from across a road: plaster in several colours, windows, a pavement."""
    image = blend(noise(rng, height, width, 8, 0.9), (0.24, 0.24, 0.25), (0.38, 0.38, 0.39))
    ground, left = int(0.62 * height), 0
    while left < width:
        right = left + int(rng.integers(70, 130))
        wall = [rng.uniform(0.45, 0.8), rng.uniform(0.42, 0.7), rng.uniform(0.35, 0.6)]
        cv2.rectangle(image, (left, 0), (right - 2, ground), wall, -1)
        for top in range(-10, ground - 40, 52):
            for x in range(left + 10, right - 26, 32):
                pane = rng.uniform(0.08, 0.4)
                cv2.rectangle(image, (x - 2, top - 2), (x + 19, top + 32), (0.85, 0.83, 0.78), -1)
                cv2.rectangle(image, (x, top), (x + 17, top + 30), (0.8 * pane, 0.9 * pane, 1.1 * pane), -1)
                cv2.line(image, (x + 8, top), (x + 8, top + 30), (0.8, 0.78, 0.74), 1, cv2.LINE_AA)
        left = right
    cv2.rectangle(image, (0, ground), (width, ground + 14), (0.55, 0.54, 0.52), -1)
    for x in range(0, width, 90):
        cv2.rectangle(image, (x, ground + 70), (x + 40, ground + 75), (0.8, 0.8, 0.76), -1)
    shade = 0.75 + 0.4 * noise(rng, height, width, 5, 0.6)
    grain = 0.88 + 0.24 * noise(rng, height, width, 8, 0.95)
    return np.clip(image * (shade * grain)[..., None], 0, 1)
