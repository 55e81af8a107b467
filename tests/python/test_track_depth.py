"""Frames of 16 bits, as thermal cameras store them, are tracked as well as the same frames of 8 bits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_track_walk import ATTRAX, attrax, rows

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")
COUNT, SIDE = 6, 28


def sequence(folder: Path) -> list[tuple[int, int]]:
    """A striped square that moves over noise, in 8 bits and in a part of 16: its places."""
    noise = np.random.default_rng(5).integers(0, 90, (96, 128))
    noise[0, :2] = 0, 255
    square = np.tile(np.where(np.arange(SIDE) // 4 % 2, 230, 140), (SIDE, 1))
    places = [(40 + 3 * number, 30 + 2 * number) for number in range(COUNT)]
    for number, (x, y) in enumerate(places):
        grey = noise.copy()
        grey[y : y + SIDE, x : x + SIDE] = square
        for name, picture in (("8", grey.astype(np.uint8)), ("16", (7000 + 4 * grey).astype(np.uint16))):
            (folder / name).mkdir(exist_ok=True)
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return places


def overlap(boxes: np.ndarray, places: list[tuple[int, int]]) -> float:
    """Mean overlap with the squares."""
    x, y, width, height = boxes.T
    left, top = np.array(places).T
    shared = np.clip(np.minimum(x + width, left + SIDE) - np.maximum(x, left), 0, None)
    shared *= np.clip(np.minimum(y + height, top + SIDE) - np.maximum(y, top), 0, None)
    return float((shared / (width * height + SIDE**2 - shared)).mean())


def test_the_overlap_is_that_of_8_bits(tmp_path: Path):
    places = sequence(tmp_path)
    box = f"{places[0][0]},{places[0][1]},{SIDE},{SIDE}"
    found = {}
    for name in ("8", "16"):
        ended = attrax("track", name, "--box", box, "--out", f"{name}.csv", "--preset", "fast", cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        found[name] = overlap(np.array(rows((tmp_path / f"{name}.csv").read_text()))[:, :4], places)
    assert found["8"] > 0.7 and found["16"] > found["8"] - 0.05, found
