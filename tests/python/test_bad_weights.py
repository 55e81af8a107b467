"""Weights that cannot be tracked with: one sentence, from `attrax track` and to a TraX client."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
import trax_harness as harness
from safetensors.numpy import load_file, save_file
from trax_harness import Rectangle, Server, TraxException, save, texture

from attrax_vot.weights import files
from attrax_vot.weights.errors import WeightsError

ATTRAX = harness.ROOT / "out" / "bin" / "attrax"
QUICK = ["--threads", "1", "--config", str(harness.ROOT / "tests" / "data" / "quick.toml")]
EMBEDDED = harness.ROOT / "crates" / "attrax-tracker" / "src" / "weights" / "efficientnet-lite0.safetensors"
VGG_M = {
    "conv1.weight": (96, 3, 7, 7),
    "conv1.bias": (96,),
    "conv2.weight": (256, 96, 5, 5),
    "conv2.bias": (256,),
    "conv3.weight": (512, 256, 3, 3),
    "conv3.bias": (512,),
}

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")


@pytest.fixture
def overflowing(tmp_path):
    """The embedded network with a layer whose outputs are beyond 32-bit numbers."""
    tensors = {name: tensor.astype(np.float32) for name, tensor in load_file(EMBEDDED).items()}
    tensors["blocks.10.project.weight"] *= np.float32(1e36)
    path = tmp_path / "overflowing.safetensors"
    save_file(tensors, path, {"architecture": "efficientnet-lite0"})
    return path


def track(folder, weights) -> subprocess.CompletedProcess[str]:
    for number in range(2):
        save(folder / f"{number:08}.png", texture())
    command = [ATTRAX, "track", folder, "--box", "20,16,24,18", "--weights", weights, *QUICK]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_score_that_is_not_finite_is_an_error(tmp_path, overflowing):
    frames = tmp_path / "frames"
    frames.mkdir()
    done = track(frames, overflowing)
    sentence = "attrax: frame 1: the score is not a finite number: the training diverged, or the weights do not fit"
    assert done.returncode == 1 and done.stderr.startswith(sentence) and done.stderr.count("\n") == 1, done


def test_a_client_learns_that_a_score_is_not_finite(tmp_path, overflowing):
    image = save(tmp_path / "frame.png", texture())
    with Server(f"{ATTRAX} serve --weights {overflowing} {' '.join(QUICK)}").connect() as server:
        with pytest.raises(TraxException, match="object 1: the score is not a finite number"):
            server.initialize(image, Rectangle.create(20, 16, 24, 18))
        assert server.end()[0] == 1


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("lrn.beta", "NaN", "the metadata lrn.beta = 'NaN' is not a number from 0 to 10"),
        ("lrn.kappa", "inf", "the metadata lrn.kappa = 'inf' is not a number from"),
        ("lrn.size", "1e300", "the metadata lrn.size = '1e300' is not a number from 1 to 95"),
        ("lrn.alpha", "a word", "the metadata lrn.alpha = 'a word' is not a number from"),
    ],
)
def test_metadata_out_of_range_is_refused(tmp_path, key, value, sentence):
    frames = tmp_path / "frames"
    frames.mkdir()
    tensors = {name: np.zeros(shape, np.float32) for name, shape in VGG_M.items()}
    save_file(tensors, tmp_path / "vgg.safetensors", {"architecture": "vgg-m", key: value})
    done = track(frames, tmp_path / "vgg.safetensors")
    assert done.returncode == 1 and sentence in done.stderr and done.stderr.count("\n") == 1, done


def test_invalid_blocks_are_refused(tmp_path):
    frames, weights = tmp_path / "frames", tmp_path / "other.safetensors"
    frames.mkdir()
    save_file(load_file(EMBEDDED), weights, {"architecture": "efficientnet-lite0", "blocks_args": "r1_k3_s2_e6_o16 x"})
    done = track(frames, weights)
    sentence = "the metadata blocks_args = 'r1_k3_s2_e6_o16 x' has 'x' where r2_k3_s2_e6_o24 is expected"
    assert done.returncode == 1 and sentence in done.stderr and done.stderr.count("\n") == 1, done
    with pytest.raises(WeightsError, match="'blocks_args' has 'x' where"):
        files.read(weights)
