"""`attrax.Tracker` and its adapters, with the real tracker behind them."""

import gc
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import PROJECT
from PIL import Image

from attrax import Tracker, TrackerError
from attrax.adapters import Got10kTracker, OpenCvTracker

BINARY = PROJECT / "out" / "bin" / "attrax"
QUICK = PROJECT / "tests" / "data" / "quick.toml"
BOX = (58.0, 51.0, 64.0, 78.0)
OTHER = (20.0, 30.0, 40.0, 40.0)

pytestmark = pytest.mark.skipif(not BINARY.is_file(), reason="skipped: out/bin/attrax is not built")


@pytest.fixture(scope="module")
def frames(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five frames as PNG, which every decoder reads alike."""
    folder = tmp_path_factory.mktemp("frames")
    for path in sorted((demo / "turning" / "color").iterdir())[:5]:
        Image.open(path).save(folder / f"{path.stem}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def tracked(frames: list[Path]) -> list[list[float]]:
    """Box and score of each frame after the first, from `attrax track`."""
    command = [BINARY, "track", "--config", QUICK, "--box", ",".join(map(str, BOX)), *frames]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [[float(text) for text in line.split(",")[:5]] for line in done.stdout.splitlines()[2:]]


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    """A tracker of quick parameters."""
    with Tracker(config=QUICK) as each:
        yield each


@pytest.mark.parametrize("form", ["path", "rgb", "bgr"])
def test_the_boxes_are_those_of_attrax_track(form: str, frames: list[Path], tracked: list[list[float]]) -> None:
    def load(path: Path) -> object:
        return {"path": path, "rgb": np.asarray(Image.open(path)), "bgr": cv2.imread(str(path))}[form]

    with Tracker(config=QUICK, bgr=form == "bgr") as tracker:
        tracker.init(load(frames[0]), BOX)
        results = [tracker.update(load(path)) for path in frames[1:]]
    assert [[*each.box, each.score] for each in results] == [pytest.approx(row, abs=1e-3) for row in tracked]
    assert [each.found for each in results] == [row[4] > 0 for row in tracked]


def test_a_forgotten_tracker_ends_its_process(frames: list[Path]) -> None:
    tracker = Tracker(config=QUICK)
    tracker.init(frames[0], BOX)
    process = tracker._process
    # Only the garbage collector ends a cycle, and frees its parts in an order of its own.
    tracker.itself = tracker
    del tracker
    gc.collect()
    assert process.poll() is not None


def test_several_targets(tracker: Tracker, frames: list[Path]) -> None:
    tracker.init(frames[0], [BOX, OTHER])
    first, second = tracker.update(frames[1])
    assert first.box[0] == pytest.approx(BOX[0], abs=30)
    assert second.box[0] == pytest.approx(OTHER[0], abs=30)


def test_grey_frames(tracker: Tracker, frames: list[Path]) -> None:
    grey = np.asarray(Image.open(frames[0]).convert("L"))
    tracker.init(grey, BOX)
    assert len(tracker.update(grey).box) == 4


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
        ({"preset": "nope"}, "possible values"),
        ({"settings": {"nope": 1}}, "unknown field"),
        ({"settings": {"attention.lambda": -1}}, "lambda"),
        ({"device": "cuda:99"}, "cuda:99"),
    ],
)
def test_a_wrong_choice_is_told_in_the_trackers_words(options: dict, reason: str, frames: list[Path]) -> None:
    with pytest.raises(TrackerError, match=reason), Tracker(**options) as tracker:
        tracker.init(frames[0], BOX)


def test_no_process_is_left(frames: list[Path]) -> None:
    tracker = Tracker(config=QUICK)
    tracker.init(frames[0], BOX)
    process = tracker._process
    tracker.close()
    assert process.poll() == 0


def test_as_opencv_calls_it(frames: list[Path], tracked: list[list[float]]) -> None:
    tracker = OpenCvTracker(config=QUICK)
    tracker.init(cv2.imread(str(frames[0])), BOX)
    found, box = tracker.update(cv2.imread(str(frames[1])))
    tracker.tracker.close()
    assert found == (tracked[0][4] > 0)
    assert box == tuple(round(number) for number in tracked[0][:4])


def test_as_got10k_calls_it(frames: list[Path], tracked: list[list[float]]) -> None:
    trackers = pytest.importorskip("got10k.trackers", reason="skipped: there is no got10k here; `make setup` brings it")
    tracker = Got10kTracker(config=QUICK)
    expected = np.array([BOX, *(row[:4] for row in tracked)])
    boxes, seconds = tracker.track([str(path) for path in frames], BOX)
    np.testing.assert_allclose(boxes, expected, atol=1e-3)
    assert (seconds > 0).all()
    # The toolkit's own loop, over Pillow's images.
    boxes, _ = trackers.Tracker.track(tracker, [str(path) for path in frames], BOX)
    tracker.tracker.close()
    np.testing.assert_allclose(boxes, expected, atol=1e-3)
