"""What `attrax.Tracker` says of wrong frames, boxes, sources and parameters."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from python_api import BINARY, BOX, QUICK

from attrax import Tracker, TrackerError
from attrax.tracker import PRESETS

pytestmark = pytest.mark.skipif(not BINARY.is_file(), reason="skipped: out/bin/attrax is not built")


def test_errors_are_exceptions_and_the_tracker_starts_again(tracker: Tracker, frames: list[Path]) -> None:
    with pytest.raises(TrackerError, match="init comes before update"):
        tracker.update(frames[0])
    with pytest.raises(TrackerError, match=r"nowhere\.png"):
        tracker.init("nowhere.png", BOX)
    with pytest.raises(TrackerError, match="region"):
        tracker.init(frames[0], (10, 10, 0, 20))
    with pytest.raises(ValueError, match="a box is"):
        tracker.init(frames[0], (10, 10, 20))
    with pytest.raises(ValueError, match="uint8"):
        tracker.init(np.zeros((20, 20, 3)), BOX)
    tracker.init(frames[0], BOX)
    with pytest.raises(TrackerError, match="pixels"):
        tracker.update(np.zeros((20, 20, 3), np.uint8))
    tracker.init(frames[0], BOX)
    assert len(tracker.update(frames[1]).box) == 4


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"settings": {"nope": 1}}, "unknown parameter"),
        ({"settings": {"attention.lambda": -1}}, "lambda"),
        ({"device": "cuda:99"}, "cuda:99"),
    ],
)
def test_a_wrong_choice_is_reported_in_the_trackers_words(options: dict, reason: str, frames: list[Path]) -> None:
    with pytest.raises(TrackerError, match=reason), Tracker(**options) as tracker:
        tracker.init(frames[0], BOX)


def test_an_unknown_preset_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="attrax, fast, released, paper, mdnet"):
        Tracker("nope")
    # The list is the program's.
    help_text = subprocess.run([BINARY, "track", "--help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^ +- (\w+):", help_text, re.MULTILINE)) >= set(PRESETS)


def test_images_of_pillow_are_upright_and_of_8_bits(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((40, 60), np.uint8)).save(tmp_path / "turned.png", exif=exif)
    with Tracker(config=QUICK) as tracker:
        tracker.init(tmp_path / "turned.png", (5, 5, 20, 20))
        # The same size, so the same orientation.
        assert len(tracker.update(Image.open(tmp_path / "turned.png")).box) == 4
        deep = Image.fromarray(np.full((60, 40), 7000, np.uint16))
        for image in (deep, deep.convert("I"), deep.convert("F")):
            with pytest.raises(ValueError, match="more than 8 bits"):
                tracker.update(image)
        data = (tmp_path / "turned.png").read_bytes()
        (tmp_path / "cut.png").write_bytes(data[:-20])
        with pytest.raises(ValueError, match="cannot be decoded"):
            tracker.update(Image.open(tmp_path / "cut.png"))


@pytest.mark.parametrize(
    "box",
    [
        *("10,10,20,20", None, 5, (), [[]], {"x": 1}, {1, 2, 3, 4}, [10**400, 1, 1, 1], [1j, 1, 1, 1]),
        *([BOX, None], [BOX, BOX[:2]], [[BOX]], (*BOX, 1), (each for each in BOX[:3]), "abcd", np.zeros((0, 4))),
    ],
    ids=lambda box: repr(box)[:30],
)
def test_what_is_no_box_is_one_error(box: object, frames: list[Path]) -> None:
    for request in (
        lambda: Tracker().init(frames[0], box),
        lambda: next(Tracker().track(frames[0], [] if box is None else box)),
    ):
        with pytest.raises(ValueError, match="a box is left, top, width and height"):
            request()


@pytest.mark.parametrize("path", ["a\0b.png", "\udcff.png", ""])
def test_paths_that_cannot_be_handed_over_are_named(path: str) -> None:
    for request in (lambda: Tracker().init(path, BOX), lambda: next(Tracker().track([path], BOX))):
        with pytest.raises(ValueError, match=re.escape(repr(path))):
            request()


@pytest.mark.parametrize("source", [[], None, 3, b"clip.mp4", np.zeros((4, 4), np.uint8), [3]], ids=repr)
def test_what_is_no_source_is_one_error(source: object) -> None:
    with pytest.raises(ValueError, match="a source is a path or a sequence of paths"):
        next(Tracker().track(source, BOX))


def test_frames_that_a_message_cannot_hold_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="9000 x 9000"):
        Tracker().init(np.zeros((9000, 9000), np.uint8), BOX)


def test_odd_options_are_refused_at_once() -> None:
    with pytest.raises(TypeError, match="settings are values by the names"):
        Tracker(settings=["seed"])
    with pytest.raises(ValueError, match="null byte"):
        Tracker(config="a\0b")
