"""What keeps `attrax serve` from starting, as the real TraX client sees it: a reason by the protocol, and a code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trax_harness as harness
from safetensors.numpy import save_file
from trax_harness import Rectangle, Server, TraxException, save, texture

ATTRAX = harness.ROOT / "out" / "bin" / "attrax"
EMBEDDED = harness.ROOT / "crates" / "attrax-tracker" / "src" / "weights" / "efficientnet-lite0.safetensors"

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")


def another_network(path: Path) -> None:
    """A well-formed file whose tensors no program knows."""
    save_file({"layer.weight": np.zeros((3, 3), np.float32)}, path)


def truncated(path: Path) -> None:
    """Half of a good file."""
    data = EMBEDDED.read_bytes()
    path.write_bytes(data[: len(data) // 2])


CASES = {
    "missing": (lambda path: None, "weights"),
    "empty": (lambda path: path.write_bytes(b""), "weights"),
    "truncated": (truncated, "weights"),
    "noise": (lambda path: path.write_bytes(bytes(range(256)) * 40), "weights"),
    "another network": (another_network, "conv1.weight|stem.weight|missing"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_weights(case, tmp_path):
    make, reason = CASES[case]
    path = tmp_path / "weights.safetensors"
    make(path)
    refused(f"{ATTRAX} serve --threads 1 --weights {path}", reason, tmp_path)


@pytest.mark.parametrize("text", ["candidates = 0", "candidate = 5", "[attention]\nlambda = nan", "= ="])
def test_bad_parameters(text, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    refused(f"{ATTRAX} serve --threads 1 --config {path}", "candidate|lambda|TOML|bad.toml", tmp_path)


def test_bad_device(tmp_path):
    refused(f"{ATTRAX} serve --device cuda:77", "cuda:77", tmp_path)


def refused(command: str, reason: str, folder: Path) -> None:
    """The first request is answered with an end for this reason; the process says so once and returns a code."""
    image = save(folder / "frame.png", texture())
    with Server(command).connect() as server:
        with pytest.raises(TraxException, match="Server terminated the session: .*(" + reason + ")"):
            server.initialize(image, Rectangle.create(20, 16, 24, 18))
        code, _, errors = server.end()
    assert not server.killed, "it hung"
    assert code == 1, (code, errors)
    assert errors.count("attrax: ") == 1, errors
    assert "panicked" not in errors
