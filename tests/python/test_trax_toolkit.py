"""The official VOT toolkit drives the examples: ``vot test``, and the supervised and unsupervised experiments.

The toolkit is the one of this interpreter; ``TRAX_TOOLKITS`` names interpreters with other versions, separated by
``;``. From 0.8 on the toolkit's own supervised experiment drives no TraX tracker, so experiments are run with older
ones only; ``test_toolkits.py`` runs attrax's with newer ones.
The toolkit takes seconds to start, so two of the four ways to reach a tracker are tried; all with ``TRAX_EVERY_MODE``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from trax_harness import example, texture

EXAMPLES = ("static_tracker", "ncc_tracker", "still_session")
MODES = {
    "pipe": ("", "false"),
    "socket": ("", "true"),
    "pipe-multi": ("--multi-object", "false"),
    "socket-multi": ("--multi-object", "true"),
}
if not os.environ.get("TRAX_EVERY_MODE"):
    MODES = {mode: MODES[mode] for mode in ("pipe", "socket-multi")}
FRAMES = 24

STACK = """
title: Two experiments
experiments:
  supervised:
    type: supervised
    repetitions: 1
    skip_initialize: 5
  unsupervised:
    type: unsupervised
    repetitions: 1
"""


def toolkits() -> list[str]:
    """Interpreters that have a toolkit."""
    others = os.environ.get("TRAX_TOOLKITS", "").split(";")
    return [sys.executable, *(python for python in others if python)]


def version(python: str) -> tuple[int, ...]:
    """The version of an interpreter's toolkit."""
    query = "from importlib.metadata import version; print(version('vot-toolkit'))"
    shown = subprocess.run([python, "-c", query], check=True, capture_output=True, text=True).stdout
    return tuple(int(part) for part in shown.strip().split(".")[:2])


@pytest.fixture(scope="session")
def registry(tmp_path_factory) -> Path:
    """A registry of every example in every mode."""
    path = tmp_path_factory.mktemp("registry") / "trackers.ini"
    sections = []
    for name in EXAMPLES:
        binary = example(name)
        for mode, (flag, use_socket) in MODES.items():
            tracker = identifier(name, mode)
            sections.append(
                f"[{tracker}]\nlabel = {tracker}\nprotocol = trax\ncommand = {binary} {flag}\nsocket = {use_socket}\n"
            )
    path.write_text("\n".join(sections))
    return path


def identifier(name: str, mode: str) -> str:
    """What the registry calls an example in a mode; toolkits differ in the characters that they allow."""
    return (name + mode).replace("-", "").replace("_", "")


def vot(python: str, *arguments: str, cwd: Path) -> str:
    """Runs the toolkit's command; fails with all it said."""
    command = [python, "-c", "from vot.utilities.cli import main; main()", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("python", toolkits())
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_vot_test(registry, tmp_path, python, name, mode):
    said = vot(python, "--registry", str(registry), "test", identifier(name, mode), cwd=tmp_path)
    assert "Test concluded successfuly" in said, said


def render(folder: Path) -> None:
    """A sequence of a textured patch that crosses a textured background."""
    folder.mkdir(parents=True)
    background, patch = texture(160, 120, seed=1), texture(36, 28, seed=2)
    truth = []
    (folder / "color").mkdir()
    for index in range(FRAMES):
        left, top = 10 + 4 * index, 40 + round(15 * np.sin(index / 5))
        frame = background.copy()
        frame[top : top + 28, left : left + 36] = patch
        Picture.fromarray(frame).save(folder / "color" / f"{index + 1:08d}.jpg", quality=95)
        corners = [(left, top), (left + 36, top), (left + 36, top + 28), (left, top + 28)]
        truth.append(",".join(f"{value:.2f}" for corner in corners for value in corner))
    (folder / "groundtruth.txt").write_text("\n".join(truth) + "\n")
    (folder / "sequence").write_text("channels.color=color/%08d.jpg\nfps=30\nformat=default\nname=crossing\n")


def states(python: str, folder: Path) -> list[str]:
    """The codes of a recorded trajectory (1 initialised, 2 failed, 0 in between), ``-`` for a region."""
    query = (
        "import sys\n"
        "from vot.region import Special\n"
        "from vot.tracker.results import Results, Trajectory\n"
        "from vot.workspace.storage import LocalStorage\n"
        "for region in Trajectory.read(Results(LocalStorage(sys.argv[1])), 'crossing_001').regions():\n"
        "    print(region.code if isinstance(region, Special) else '-')"
    )
    return subprocess.run([python, "-c", query, str(folder)], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("python", [python for python in toolkits() if version(python) < (0, 8)])
@pytest.mark.parametrize("mode", MODES)
def test_experiments(registry, tmp_path, python, mode):
    render(tmp_path / "sequences" / "crossing")
    (tmp_path / "sequences" / "list.txt").write_text("crossing\n")
    (tmp_path / "stack.yaml").write_text(STACK)
    (tmp_path / "config.yaml").write_text(f"registry:\n- {registry}\nstack: stack.yaml\nsequences: sequences\n")
    lost = {}
    for name in ("static_tracker", "ncc_tracker"):
        tracker = identifier(name, mode)
        vot(python, "evaluate", "--workspace", str(tmp_path), tracker, cwd=tmp_path)
        results = tmp_path / "results" / tracker
        supervised, unsupervised = (
            states(python, results / kind / "crossing") for kind in ("supervised", "unsupervised")
        )
        assert len(supervised) == len(unsupervised) == FRAMES
        confidences = (results / "unsupervised" / "crossing" / "crossing_001_confidence.value").read_text().splitlines()
        assert len(confidences) == FRAMES
        assert all(confidence for confidence in confidences[1:])
        lost[name] = supervised.count("2")
    # The one that looks keeps the target; the one that stays where it was put loses it.
    assert lost["ncc_tracker"] == 0
    assert lost["static_tracker"] > 0
