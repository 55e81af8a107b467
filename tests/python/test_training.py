"""`attrax-vot train`: an interrupted training ends where a whole one does, and attrax takes what it makes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from test_track_walk import ATTRAX, attrax

from attrax_vot.cli import main
from attrax_vot.errors import EvaluationError
from attrax_vot.training import samples
from attrax_vot.training.train import Schedule, Training
from attrax_vot.weights import files
from attrax_vot.weights.embed_efficientnet import BLOCKS, OUTPUT


@pytest.fixture
def videos(demo: Path, tmp_path: Path) -> Path:
    """Three frames of each sequence of the demo, laid out as the training takes them."""
    for sequence in (entry for entry in demo.iterdir() if entry.is_dir()):
        folder = tmp_path / "videos" / sequence.name
        (folder / "frames").mkdir(parents=True)
        for frame in sorted((sequence / "color").iterdir())[:3]:
            (folder / "frames" / frame.name).symlink_to(frame)
        lines = (sequence / "groundtruth.txt").read_text().splitlines()[:3]
        points = [[float(number) for number in line.split(",")] for line in lines]
        boxes = [(min(p[::2]), min(p[1::2]), max(p[::2]) - min(p[::2]), max(p[1::2]) - min(p[1::2])) for p in points]
        (folder / "groundtruth.txt").write_text("".join(",".join(map(str, box)) + "\n" for box in boxes))
    return tmp_path / "videos"


def train(videos: Path, out: Path, cycles: int) -> int:
    return main(["train", str(videos), "--out", str(out), "--cycles", str(cycles), "--first-block", "10"])


def test_a_training_goes_on_where_it_stopped(videos: Path, tmp_path: Path) -> None:
    tensors = {name: torch.from_numpy(array) for name, array in files.read(OUTPUT).tensors.items()}
    plan, found = Schedule(cycles=2, first_block=10), samples.sequences(videos)

    def stop(losses: list[float]) -> None:
        if len(losses) == 1:
            raise KeyboardInterrupt

    def run(name: str, progress: Callable[[list[float]], None]) -> dict[str, torch.Tensor]:
        return Training(tensors, BLOCKS, found, plan, "cpu").run(tmp_path / name, progress).state_dict()

    with pytest.raises(KeyboardInterrupt):
        run("halves", stop)
    halves, whole = run("halves", lambda _: None), run("whole", lambda _: None)
    assert all(torch.equal(halves[name], whole[name]) for name in whole)
    with pytest.raises(EvaluationError, match="of another training"):
        Training(tensors, BLOCKS, found, Schedule(cycles=3, first_block=10), "cpu").run(tmp_path / "halves", stop)
    # As many videos, but others; and another start.
    moved = [replace(one, boxes=one.boxes + 1) for one in found]
    with pytest.raises(EvaluationError, match="other videos"):
        Training(tensors, BLOCKS, moved, plan, "cpu").run(tmp_path / "halves", stop)
    name = next(iter(tensors))
    with pytest.raises(EvaluationError, match="other weights to start from"):
        Training(tensors | {name: tensors[name] + 1}, BLOCKS, found, plan, "cpu").run(tmp_path / "halves", stop)


def test_changed_crops_are_another_plan(videos: Path) -> None:
    found = samples.sequences(videos)[0]

    def batch(share: float) -> list[torch.Tensor]:
        return samples.batch(np.random.default_rng(1), found, 1, (4, 8), share)

    plain, changed = batch(0.0), batch(0.5)
    assert [len(part) for part in changed] == [4, 8]
    # The boxes are the same, some crops differ and some do not.
    same = [torch.equal(one, other) for one, other in zip(torch.cat(plain), torch.cat(changed), strict=True)]
    assert any(same) and not all(same)
    assert str(Schedule(changed=0.5)) == str(Schedule()) + " with changed=0.5"


@pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")
def test_attrax_tracks_with_what_was_trained(videos: Path, demo: Path, tmp_path: Path) -> None:
    weights = tmp_path / "trained.safetensors"
    assert train(videos, weights, 1) == 0
    folder = next(iter(sorted(demo.glob("*/color"))))
    flags = [folder, "--box", "40,40,30,30", "--preset", "fast", "--lambda", "0", "--set", "features=videos"]
    trained = attrax("track", *flags, "--set", "initial_training.iterations=1", "--weights", weights)
    assert trained.returncode == 0, trained.stderr
    plain = attrax("track", *flags, "--set", "features=images", "--set", "initial_training.iterations=1")
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout != trained.stdout


def test_what_is_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path, tmp_path / "out.safetensors", 1) == 1
    assert "no sequence" in capsys.readouterr().err
    (tmp_path / "one" / "frames").mkdir(parents=True)
    (tmp_path / "one" / "groundtruth.txt").write_text("1,2,3,4\n")
    assert train(tmp_path, tmp_path / "out.safetensors", 1) == 1
    assert "1 boxes for 0 frames" in capsys.readouterr().err


def test_the_box_head_is_trained_the_same_each_time(videos: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        assert main(["train-boxes", str(videos), "--out", str(tmp_path / name), "--steps", "2"]) == 0
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    paths = (tmp_path / "first", OUTPUT.with_name("box-head.safetensors"))
    trained, embedded = (files.inspect(path)[1] for path in paths)
    assert {name: array.shape for name, array in trained.tensors.items()} == {
        name: array.shape for name, array in embedded.tensors.items()
    }
    assert "3 sequences, 9 frames" in trained.metadata["training-data"]
