"""What the tests share: folders of data, and a tracker that answers at once."""

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trax_harness as harness

if TYPE_CHECKING:
    from odd_datasets import Command

    from attrax import Tracker

# Files whose tests take minutes together begin first: a run on several processes ends with the last
# file.
LONG = (
    "test_wheel",
    "test_toolkits",
    "test_any_tracker",
    "test_ablation",
    "test_parallel",
    "test_run",
    "test_verify",
    "test_odd_truth",
    "test_report",
    "test_view",
    "test_properties",
    "test_walk",
    "test_attacks",
)

# Without a network apt-get gives up within a minute.
APT = ("-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20", "-o", "Acquire::Retries=1")

PROJECT = Path(__file__).resolve().parents[2]
SHARED = PROJECT.parent / "shared"
JITTER = Path(__file__).with_name("jitter_tracker.py")


def installed(program: str, *other_names: str, also: Sequence[str] = ()) -> str:
    """The path of a program that Debian has under its name; `also` are packages that it needs.

    It is installed with apt-get where that is allowed; a test that needs it is skipped where it is not.
    """
    names = (program, *other_names)
    if not any(map(shutil.which, names)) and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", *APT, "install", "--yes", "--no-install-recommends", program, *also]
        quiet = {"capture_output": True, "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}}
        # One at a time: tests run in several processes.
        with Path(tempfile.gettempdir(), "attrax-tests-apt.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not any(map(shutil.which, names)) and subprocess.run(install, **quiet).returncode:
                subprocess.run(["apt-get", *APT, "update"], **quiet)
                subprocess.run(install, **quiet)
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"skipped: there is no {program}, and it could not be installed (Debian: apt install {program})")
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests of long files first; within a file the order stays."""
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session", params=harness.servers() or ["still_session"])
def command(request: pytest.FixtureRequest) -> str:
    """The TraX server under test: those of `TRAX_SERVERS`, or the session's example."""
    return request.param if harness.servers() else harness.example(request.param)


@pytest.fixture
def good(tmp_path: Path) -> harness.FileImage:
    """A frame that nothing is wrong with."""
    return harness.save(tmp_path / "good.png", harness.texture())


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """The path of ffmpeg."""
    return installed("ffmpeg")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return installed("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data next to the project."""
    if not SHARED.is_dir():
        pytest.skip(f"skipped: there is no {SHARED.name} folder next to the project")
    return SHARED


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo dataset."""
    from attrax_vot.demo import render_dataset

    directory = tmp_path_factory.mktemp("demo")
    render_dataset(directory)
    return directory


def shorten(demo: Path, directory: Path, lengths: dict[str, int]) -> Path:
    """Makes a dataset of the first frames of some sequences of the demo."""
    for name, length in lengths.items():
        (directory / name / "color").mkdir(parents=True)
        for frame in sorted((demo / name / "color").iterdir())[:length]:
            (directory / name / "color" / frame.name).symlink_to(frame)
        (directory / name / "sequence").write_text((demo / name / "sequence").read_text())
        lines = (demo / name / "groundtruth.txt").read_text().splitlines(keepends=True)
        (directory / name / "groundtruth.txt").write_text("".join(lines[:length]))
    (directory / "list.txt").write_text("".join(f"{name}\n" for name in lengths))
    return directory


def jitter_registry(directory: Path, **environment: str) -> Path:
    """Registers the tests' tracker, with variables for its process, in a file of its own."""
    command = shlex.join([sys.executable, str(JITTER)])
    lines = ["[Jitter]", "protocol = trax", f"command = {command}"]
    lines += [f"env_{name} = {value}" for name, value in environment.items()]
    path = directory / "jitter.ini"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """A file that registers the tests' tracker as Jitter."""
    return jitter_registry(tmp_path)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> "Command":
    """Runs a command of `attrax-vot`."""
    from odd_datasets import Command

    return Command(capsys)


@pytest.fixture
def init(call: "Command", tmp_path: Path) -> Callable[..., "Command"]:
    """Makes the workspace `space` of the dataset `data`."""
    registry = jitter_registry(tmp_path)

    def run(*options: object) -> "Command":
        return call("init", tmp_path / "space", "--dataset", tmp_path / "data", "--registry", registry, *options)

    return run


@pytest.fixture(scope="session")
def two_trackers(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with results of two trackers, one of which drifts, in both experiments; not to be changed."""
    from attrax_vot.run import runner, workspace
    from attrax_vot.run.opened import OpenWorkspace

    root = tmp_path_factory.mktemp("two-trackers")
    data = shorten(demo, root / "data", {"turning": 16, "twins": 20})
    (data / "twins" / "occlusion.tag").write_text("0\n" * 10 + "1\n" * 10)
    # On a busy machine a start takes longer than the thirty seconds of the default.
    command = f"protocol = trax\ntimeout = 300\ncommand = {sys.executable} {JITTER}"
    drift = f"[Drift]\nlabel = Drifting <b>\n{command} --drift=-9 --lost=7\n"
    (root / "trackers.ini").write_text(f"[Jitter]\n{command}\n{drift}")
    settings = workspace.Settings(data, experiments=("baseline", "unsupervised"), registry=root / "trackers.ini")
    workspace.prepare(root / "space", settings)
    opened = OpenWorkspace(root / "space")
    for experiment in opened.experiments:
        for run in (opened.run(experiment, opened.tracker(name)) for name in opened.trackers):
            for sequence in run.sequences:
                assert not runner.run_sequence(run, sequence, lambda _: None).error
    return root / "space"


@pytest.fixture(scope="session")
def frames(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five frames as PNG, which every decoder reads alike."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("frames")
    for path in sorted((demo / "turning" / "color").iterdir())[:5]:
        Image.open(path).save(folder / f"{path.stem}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def tracker() -> Iterator["Tracker"]:
    """`attrax.Tracker` with quick parameters."""
    from attrax import Tracker

    with Tracker(config=PROJECT / "tests" / "data" / "quick.toml") as each:
        yield each
