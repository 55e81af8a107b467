"""`attrax.Tracker` and its adapters, with the real tracker."""

import pickle
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from python_api import BINARY, BOX, OTHER, QUICK

import attrax
from attrax import Tracker, TrackerError
from attrax.adapters import Got10kTracker, OpenCvTracker

pytestmark = pytest.mark.skipif(not BINARY.is_file(), reason="skipped: out/bin/attrax is not built")


def track(frames: list[Path], *flags: str) -> list[list[float]]:
    """Box, score, found and probability of each frame after the first, from `attrax track`."""
    command = [BINARY, "track", "--config", QUICK, "--box", ",".join(map(str, BOX)), *flags, *frames]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [[float(text) for text in line.split(",")] for line in done.stdout.splitlines()[2:]]


@pytest.fixture(scope="module")
def tracked(frames: list[Path]) -> list[list[float]]:
    """The rows of `attrax track` with the quick parameters."""
    return track(frames)


@pytest.mark.parametrize("form", ["path", "rgb", "bgr"])
def test_the_boxes_are_those_of_attrax_track(form: str, frames: list[Path], tracked: list[list[float]]) -> None:
    def load(path: Path) -> object:
        return {"path": path, "rgb": np.asarray(Image.open(path)), "bgr": cv2.imread(str(path))}[form]

    with Tracker(config=QUICK, bgr=form == "bgr") as tracker:
        tracker.init(load(frames[0]), BOX)
        results = [tracker.update(load(path)) for path in frames[1:]]
    rows = [[*each.box, each.score, each.found, each.probability] for each in results]
    assert rows == [pytest.approx(row, abs=1e-3) for row in tracked]


def test_found_is_the_trackers_own_count(frames: list[Path], tmp_path: Path) -> None:
    # Frames that fade into a mirror image: their scores are above 0 and below a share of the first
    # frame's.
    first, second = (Image.open(path) for path in frames[:2])
    # `attrax track` goes through files in the order of the numbers in their names.
    shares = (0.3, 0.4, 0.5, 0.6, 0.7)
    faded = [tmp_path / f"{number}.png" for number in range(len(shares))]
    for path, share in zip(faded, shares, strict=True):
        Image.blend(second, ImageOps.mirror(first), share).save(path)
    settings = {"failure.threshold": 0.95, "initial_windows.near": 24, "initial_windows.around": 8}
    rows = track([*frames[:2], *faded], *(f"--set={key}={value}" for key, value in settings.items()))
    with Tracker(config=QUICK, settings=settings) as tracker:
        tracker.init(frames[0], BOX)
        results = [tracker.update(path) for path in [frames[1], *faded]]
    assert [each.found for each in results] == [bool(row[5]) for row in rows]
    assert any(each.score > 0 and not each.found for each in results)


def test_results_unpack_and_pickle(frames: list[Path]) -> None:
    with Tracker(config=QUICK) as tracker:
        tracker.init(frames[0], BOX)
        result = tracker.update(frames[1])
        with pytest.raises(TypeError, match="cannot be sent to another process"):
            pickle.dumps(tracker)
    box, score, found = result
    assert (box, score, found) == (result.box, result.score, result.found)
    copy = pickle.loads(pickle.dumps(result))
    assert (copy, copy.probability) == (result, result.probability)
    assert f"probability={result.probability}" in repr(result)
    assert pickle.loads(pickle.dumps(tracker))._arguments == tracker._arguments


def test_names_are_listed() -> None:
    assert {"Tracker", "Result", "TrackerError"} <= set(dir(attrax))


def test_several_targets(tracker: Tracker, frames: list[Path]) -> None:
    tracker.init(frames[0], [BOX, OTHER])
    first, second = tracker.update(frames[1])
    assert first.box[0] == pytest.approx(BOX[0], abs=30)
    assert second.box[0] == pytest.approx(OTHER[0], abs=30)


def test_grey_frames(tracker: Tracker, frames: list[Path]) -> None:
    grey = np.asarray(Image.open(frames[0]).convert("L"))
    tracker.init(grey, BOX)
    assert len(tracker.update(grey).box) == 4


def test_images_of_pillow(tracker: Tracker, frames: list[Path], tracked: list[list[float]]) -> None:
    tracker.init(Image.open(frames[0]), BOX)
    assert list(tracker.update(Image.open(frames[1])).box) == pytest.approx(tracked[0][:4], abs=1e-3)
    with pytest.raises(ValueError, match="a frame is a path"):
        tracker.update(3)


def test_as_opencv_calls_it(frames: list[Path], tracked: list[list[float]]) -> None:
    with OpenCvTracker(config=QUICK) as tracker:
        tracker.init(cv2.imread(str(frames[0])), BOX)
        found, box = tracker.update(cv2.imread(str(frames[1])))
    assert found == bool(tracked[0][5])
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
    tracker.close()
    np.testing.assert_allclose(boxes, expected, atol=1e-3)


def test_track_yields_the_rows_of_attrax_track(frames: list[Path], tracked: list[list[float]], tracker: Tracker):
    first, *others = tracker.track(frames, BOX)
    assert first.box == BOX and first.found
    assert [[*r.box, r.score, float(r.found), r.probability] for r in others] == tracked
    # Several targets, of which the rest is not wanted: the process ends with the iterator.
    several = tracker.track(frames[0].parent, [BOX, OTHER])
    assert [result.box for result in next(several)] == [BOX, OTHER]
    several.close()
    with pytest.raises(TrackerError, match=r"^nowhere: no such file or folder"):
        next(tracker.track("nowhere", BOX))
    with pytest.raises(TrackerError, match="lambda"):
        list(Tracker(settings={"attention.lambda": -1}).track(frames, BOX))
    with pytest.raises(ValueError, match="left, top, width and height"):
        next(tracker.track(frames, (1, 2, 3)))
