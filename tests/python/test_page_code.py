"""The commands and programs of the pages, run in one folder that has the data and programs which they name."""

import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pages
import pytest
from conftest import PROJECT
from odd_datasets import SEQUENCE
from PIL import Image

from attrax_vot.cli import main

ATTRAX = PROJECT / "out" / "bin" / "attrax"
QUICK = PROJECT / "tests" / "data" / "quick.toml"
# The target's first box in the pages.
BOX = (198, 214, 34, 81)
# Frames of the video, which is corrected in frame 12, of the datasets, and of the folder of frames.
LONG, SHORT, FEW = 13, 4, 2
# Programs that serve a page until they are ended.
SERVING = ("explore", "view")
# Exit codes that are not 0: a tracker that stays where it is does not follow a target.
STATUS = {("verify", "--tracker", "Mine"): 1}
# What takes hours is run in part: one repetition instead of 15, one tracker instead of two.
PARTS = {
    "run out/vot2016 DAT MDNet --jobs 4": "run out/vot2016 DAT --jobs 4 --repetitions 1 --no-estimate",
}
# The order of a reader: pages that make what others use come first.
FIRST = ("docs/ten-minutes.md", "evaluation/README.md", "docs/cluster.md")

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="skipped: out/bin/attrax is not built")


def test_excuses_are_of_something():
    """Each marker stands in front of a block, and its words are in it."""
    marks = 0
    for block in pages.blocks("sh", "python", "rust", "toml"):
        marks += len(block.excused)
        assert [words for words in block.excused if words not in block.text] == [], block.page
    assert marks == sum(len(pages.NOT_RUN.findall(path.read_text())) for path in pages.PAGES)


def picture(number: int) -> np.ndarray:
    """A frame: a bright, striped target on noise, which moves slowly."""
    left, top, width, height = BOX
    image = np.random.default_rng(0).integers(0, 120, (320, 320, 3), np.uint8)
    target = np.full((height, width, 3), (250, 200, 40), np.uint8)
    target[::8] = (20, 40, 200)
    left += number // 4
    image[top : top + height, left : left + width] = target
    return image


def truth(count: int) -> str:
    """The target's boxes, a line each."""
    left, top, width, height = BOX
    return "".join(f"{left + number // 4},{top},{width},{height}\n" for number in range(count))


class Reader:
    """A reader's machine: a folder to work in, with data around it and programs on PATH.

    The program `attrax` is the real one with parameters that answer at once.
    """

    def __init__(self, root: Path, ffmpeg: str) -> None:
        self.root, self.here = root, root / "clone"
        self.done: set[tuple[str, ...]] = set()
        self._add_frames()
        self._add_programs()
        video = [ffmpeg, "-v", "error", "-r", "25", "-i", self.here / "frames" / "%08d.jpg", "-qscale:v", "2"]
        subprocess.run([*video, self.here / "clip.mp4"], check=True)
        for number in range(FEW, LONG):
            (self.here / "frames" / f"{number + 1:08d}.jpg").unlink()

    def _add_frames(self) -> None:
        """The data, in the layouts that the pages name."""
        frames = self.here / "frames"
        frames.mkdir(parents=True)
        for number in range(LONG):
            Image.fromarray(picture(number)).save(frames / f"{number + 1:08d}.jpg")
        (frames / "groundtruth.txt").write_text(truth(FEW))
        (self.here / "annotations").mkdir()
        (self.here / "annotations" / "car.txt").write_text(truth(FEW))
        for name in ("vot2016", "cars"):
            car = self.root / "data" / name / "car"
            self._copy(car / "color", "{:08d}.jpg")
            (car / "sequence").write_text(SEQUENCE)
            (car / "groundtruth.txt").write_text(truth(SHORT))
        self._copy(self.root / "data" / "OTB100" / "Car" / "img", "{:04d}.jpg")
        (self.root / "data" / "OTB100" / "Car" / "groundtruth_rect.txt").write_text(truth(SHORT))
        published = self.root / "shared" / "vot2016-results" / "DAT" / "baseline" / "car"
        published.mkdir(parents=True)
        (published / "car_001.txt").write_text("1\n" + truth(SHORT).partition("\n")[2])

    def _copy(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True)
        for number in range(1, SHORT + 1):
            shutil.copy(self.here / "frames" / f"{number:08d}.jpg", folder / name.format(number))

    def _add_programs(self) -> None:
        """The programs: attrax, and a tracker of the reader's, as a file and as a command."""
        self.attrax = self.root / "bin" / "attrax"
        quick = f'#!/bin/sh\ncommand=$1\nshift\nexec {ATTRAX} "$command" --config {QUICK} --threads 1 "$@"\n'
        self._script(self.attrax, quick)
        mine = next(block.text for block in pages.blocks("python") if "trax.Server" in block.text)
        (self.here / "mytracker.py").write_text(mine)
        self._build_other()
        (self.here / "evaluation").symlink_to(PROJECT / "evaluation")

    def _build_other(self) -> None:
        """The tracker in C++, built by the commands of its page; libtrax is that of this clone."""
        (source,) = pages.blocks("cpp")
        (self.here / "other.cpp").write_text(source.text)
        (self.here / "build").mkdir()
        (commands,) = [block.text for block in pages.blocks("sh") if block.text.startswith("cc ")]
        script = commands.replace("../attrax/", f"{PROJECT}/")
        subprocess.run(["sh", "-e", "-c", script], cwd=self.here, check=True)

    @staticmethod
    def _script(path: Path, text: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def run(self, words: list[str]) -> None:
        """Runs a command as the page has it; each one once."""
        program, *arguments = [re.sub(r"^/data/", f"{self.root}/data/", word) for word in words]
        program = Path(program).name
        if (part := PARTS.get(" ".join(arguments))) is not None:
            arguments = part.split()
        # One page of each kind is enough.
        command = (program, *arguments[:1]) if arguments[0] in SERVING else (program, *arguments)
        if command in self.done:
            return
        self.done.add(command)
        if arguments[0] in SERVING:
            self._serve(program, arguments)
        elif program == "attrax-vot":
            # In this process: a start takes seconds.
            assert main(arguments) == STATUS.get(tuple(arguments[:3]), 0)
        else:
            assert program == "attrax"
            ran = subprocess.run([self.attrax, *arguments], capture_output=True, text=True, timeout=120, check=False)
            assert ran.returncode == 0, ran.stderr

    def _serve(self, program: str, arguments: list[str]) -> None:
        """Starts a page, reads it, and ends it by Ctrl-C."""
        own = PROJECT / "out" / "bin" / "attrax-vot"
        command = [self.attrax if program == "attrax" else own, *arguments, "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                address = next(found[0] for line in process.stdout if (found := re.search(r"http://\S+", line)))
                with urllib.request.urlopen(address, timeout=60) as answer:
                    assert answer.status == 200
            finally:
                process.send_signal(signal.SIGINT)
                process.stdout.read()
            # Of attrax, by the signal itself.
            assert process.wait(30) in (0, -signal.SIGINT)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, ffmpeg: str) -> Iterator[Reader]:
    """The machine; the tests work in its folder."""
    made = Reader(tmp_path_factory.mktemp("reader"), ffmpeg)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.here)
        patch.setenv("PATH", os.pathsep.join([str(made.attrax.parent), os.environ["PATH"]]))
        for module in ("tracker", "source"):
            patch.setattr(f"attrax.{module}.binary", lambda: made.attrax)
        yield made


def ordered(*languages: str) -> list[pages.Block]:
    """The blocks that are run."""
    found = [block for block in pages.blocks(*languages) if block.is_run]
    return sorted(found, key=lambda block: FIRST.index(block.page) if block.page in FIRST else len(FIRST))


def test_commands_run(reader: Reader):
    failed = []
    for block in ordered("sh"):
        for words, is_run in block.lines():
            if is_run:
                try:
                    reader.run(words)
                except (AssertionError, SystemExit, StopIteration) as error:
                    failed.append(f"{block.page}: {' '.join(words)}: {error!r}")
    assert failed == []
    assert len(reader.done) > 25


def test_programs_run(reader: Reader):
    given = {"frame": picture(0), "next_frame": picture(1), "image": picture(0), "box": BOX}
    ran = 0
    for block in ordered("python"):
        # That one is started by the toolkit.
        if "trax.Server" not in block.text:
            exec(compile(block.text, block.page, "exec"), values := dict(given))
            left, top, *_ = values["box"]
            assert abs(left - BOX[0]) < 40, (block.page, left, top)
            ran += 1
    assert ran > 3


def test_rust_of_pages_is_compiled():
    """The crates' front pages are documentation tests; `scripts/test-packages` builds the program of docs/trax.md."""
    fronts = {f"crates/{path.parent.parent.name}/README.md" for path in PROJECT.glob("crates/*/src/lib.rs")
              if path.read_text().startswith('#![doc = include_str!("../README.md")]')}  # fmt: skip
    built = (PROJECT / "scripts" / "test-packages").read_text()
    compiled = (PROJECT / "tests" / "attrax" / "readme.rs").read_text()
    for block in pages.blocks("rust"):
        if block.page in {"docs/rust.md", "README.md"}:
            assert all(line in compiled for line in block.text.splitlines() if not line.startswith("//"))
        else:
            assert block.page in fronts or block.page in built, block.page


def test_lines_of_manifests_are_those_that_are_built():
    """`scripts/test-packages` builds programs on the lines of the crates' front pages."""
    fronts = "".join(block.text for block in pages.blocks("toml") if block.page.startswith("crates/"))
    for block in pages.blocks("toml"):
        missing = [line for line in block.text.splitlines() if not line.startswith("#") and line not in fronts]
        assert missing == [], block.page
