"""`attrax.Tracker` and its adapters, with the real tracker behind them."""

import gc
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import PROJECT
from PIL import Image, ImageOps

import attrax
from attrax import Tracker, TrackerError
from attrax.adapters import Got10kTracker, OpenCvTracker
from attrax.tracker import PRESETS

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


def track(frames: list[Path], *flags: str) -> list[list[float]]:
    """Box, score, found and probability of each frame after the first, from `attrax track`."""
    command = [BINARY, "track", "--config", QUICK, "--box", ",".join(map(str, BOX)), *flags, *frames]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [[float(text) for text in line.split(",")] for line in done.stdout.splitlines()[2:]]


@pytest.fixture(scope="module")
def tracked(frames: list[Path]) -> list[list[float]]:
    """The rows of `attrax track` with the quick parameters."""
    return track(frames)


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
    rows = [[*each.box, each.score, each.found, each.probability] for each in results]
    assert rows == [pytest.approx(row, abs=1e-3) for row in tracked]


def test_found_is_the_trackers_own_count(frames: list[Path], tmp_path: Path) -> None:
    # Frames that fade into a mirror image: their scores are above 0 and below a share of the first frame's.
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


HEAD = """
import gc, multiprocessing, os, signal, sys, threading, time
from attrax import Tracker, TrackerError
from attrax.adapters import Got10kTracker, OpenCvTracker
first, second, config = sys.argv[1:4]
box = (58.0, 51.0, 64.0, 78.0)

def start(cls=Tracker):
    tracker = cls(config=config)
    tracker.init(first, box)
    return tracker

def look(results, tracker, times=1):
    for _ in range(times):
        results.append(tracker.update(second)[1])
"""
# Each program lets go of a tracker in another way; what it prints is compared.
WAYS = {
    "at the end of the program": ("t = start(); print(len(t.update(second)))", "3"),
    "by del": ("t = start(); del t; print('gone')", "gone"),
    "at the end of a function": ("def f():\n    t = start()\n    t.update(second)\nf(); print('gone')", "gone"),
    "in a cycle": ("t = start(); t.itself = t; p = t._link.process; del t; gc.collect(); print(p.returncode)", "0"),
    "in a cycle at the end": ("t = start(); t.itself = t; gc.disable(); print('on')", "on"),
    "by sys.exit": ("t = start(); print('on'); sys.exit(0)", "on"),
    "by os._exit": ("t = start(); print('on', flush=True); os._exit(0)", "on"),
    "in a frame of an exception": (
        "def f():\n    t = start()\n    raise KeyError\n"
        "try:\n    f()\nexcept KeyError as error:\n    e = error\nprint('on')",
        "on",
    ),
    "in a thread": (
        "r = []; t = start(); ths = [threading.Thread(target=look, args=(r, t, 3)) for _ in range(3)]\n"
        "[th.start() for th in ths]; [th.join() for th in ths]; print(len(r))",
        "9",
    ),
    "in a daemon thread at work": (
        "t = start(); th = threading.Thread(target=look, args=([], t, 10**6), daemon=True); th.start()\n"
        "time.sleep(0.2); print('on')",
        "on",
    ),
    "closed by another thread": (
        "t = start(); threading.Timer(0.1, t.close).start()\n"
        "try:\n    look([], t, 10**6)\nexcept TrackerError as error:\n    print('init' in str(error))",
        "True",
    ),
    "in a process of multiprocessing": (
        "def f(q):\n    q.put(start().update(second).found)\n"
        "c = multiprocessing.get_context('fork'); q = c.Queue(); p = c.Process(target=f, args=(q,)); p.start()\n"
        "print(type(q.get()).__name__); p.join(); print(p.exitcode)",
        "bool 0",
    ),
    "after a fork": (
        "t = start(); pid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n        t.update(second)\n    except TrackerError as error:\n        print(error, flush=True)\n"
        "    t.init(first, box); t.update(second); sys.exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])); print(len(t.update(second)))",
        "the target is followed in the parent process; this one calls init first 7 3",
    ),
    "with an alarm every millisecond": (
        "n = []; signal.signal(signal.SIGALRM, lambda *_: n.append(1))\n"
        "signal.setitimer(signal.ITIMER_REAL, .001, .001)\n"
        "t = start(); look([], t, 5); signal.setitimer(signal.ITIMER_REAL, 0); print(len(n) > 3)",
        "True",
    ),
    "with Ctrl-C at several moments": (
        # A shell's job in the background ignores it.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "for delay in (.003, .01, .03, .1):\n"
        "    t = start()\n"
        "    if os.fork() == 0:\n        time.sleep(delay); os.kill(os.getppid(), signal.SIGINT); os._exit(0)\n"
        "    try:\n        while True:\n            t.update(second)\n"
        "    except KeyboardInterrupt:\n        print('interrupted')\n"
        "t.init(first, box); print(len(t.update(second)))",
        "interrupted interrupted interrupted interrupted 3",
    ),
    "as OpenCV's": (
        "import cv2; t = OpenCvTracker(config=config)\n"
        "t.init(cv2.imread(first), box); t.update(cv2.imread(second)); print('on')",
        "on",
    ),
    "as got10k's": ("t = start(Got10kTracker); t.update(second); print('on')", "on"),
    "the adapter by with": (
        "with Got10kTracker(config=config) as t:\n"
        "    t.init(first, box); p = t.tracker._link.process\nprint(p.returncode)",
        "0",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_program_ends_quietly_however_it_lets_go(way: str, frames: list[Path]) -> None:
    program, expected = WAYS[way]
    command = [sys.executable, "-X", "dev", "-c", HEAD + program, *map(str, frames[:2]), str(QUICK)]
    variables = os.environ | {"PYTHONPATH": str(PROJECT / "evaluation")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    assert " ".join(done.stdout.split()) == expected


def test_the_end_writes_into_no_other_file(frames: list[Path], tmp_path: Path) -> None:
    """vot-trax's own finalizer says quit to a descriptor that may be another file's by then."""
    trackers = [Tracker(config=QUICK) for _ in range(2)]
    for tracker in trackers:
        tracker.init(frames[0], BOX)
    del tracker
    trackers.clear()
    gc.collect()
    with (tmp_path / "file").open("w+b") as file, (tmp_path / "other").open("w+b") as other:
        gc.collect()
        assert (file.read(), other.read()) == (b"", b"")


@pytest.mark.parametrize(
    ("number", "reason"), [(signal.SIGKILL, "was killed .* memory"), (signal.SIGTERM, "ended by SIGTERM")]
)
def test_a_killed_process_is_a_sentence(number: signal.Signals, reason: str, frames: list[Path]) -> None:
    with Tracker(config=QUICK) as tracker:
        tracker.init(frames[0], BOX)
        tracker._link.process.send_signal(number)
        tracker._link.process.wait()
        with pytest.raises(TrackerError, match=reason):
            tracker.update(frames[1])
        with pytest.raises(TrackerError, match="init comes before update"):
            tracker.update(frames[1])
        tracker.init(frames[0], BOX)
        assert len(tracker.update(frames[1])) == 3


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
def test_a_wrong_choice_is_told_in_the_trackers_words(options: dict, reason: str, frames: list[Path]) -> None:
    with pytest.raises(TrackerError, match=reason), Tracker(**options) as tracker:
        tracker.init(frames[0], BOX)


def test_an_unknown_preset_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="attrax, fast, released, paper, mdnet"):
        Tracker("nope")
    # The list is the program's.
    help_text = subprocess.run([BINARY, "track", "--help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^ +- (\w+):", help_text, re.MULTILINE)) >= set(PRESETS)


def test_images_of_pillow(tracker: Tracker, frames: list[Path], tracked: list[list[float]]) -> None:
    tracker.init(Image.open(frames[0]), BOX)
    assert list(tracker.update(Image.open(frames[1])).box) == pytest.approx(tracked[0][:4], abs=1e-3)
    with pytest.raises(ValueError, match="a frame is a path"):
        tracker.update(3)


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


def test_no_process_is_left(frames: list[Path]) -> None:
    tracker = Tracker(config=QUICK)
    tracker.init(frames[0], BOX)
    process = tracker._link.process
    tracker.close()
    assert process.poll() == 0


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
