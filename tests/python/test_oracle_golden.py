"""The kept digest of the oracle, against the oracle; skipped where that is not next to the project."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORACLE = ROOT.parent / "shared" / "oracle" / "dat_oracle.py"
GOLDEN = ROOT / "tests" / "data" / "oracle.safetensors"

torch = pytest.importorskip("torch", reason="torch is not installed")
safetensors_torch = pytest.importorskip("safetensors.torch", reason="safetensors is not installed")


@pytest.mark.skipif(not ORACLE.is_file(), reason=f"the oracle is not there: {ORACLE}")
def test_the_digest_is_what_the_oracle_gives(tmp_path):
    made_file = tmp_path / "made.safetensors"
    script = ROOT / "tests" / "python" / "oracle_case.py"
    subprocess.run([sys.executable, script, ORACLE, made_file, "11", "--digest"], check=True, timeout=600)
    made, kept = safetensors_torch.load_file(made_file), safetensors_torch.load_file(GOLDEN)
    assert made.keys() == kept.keys()
    for name, tensor in kept.items():
        scale = max(tensor.double().norm().item(), 1e-300)
        # Another processor may add in another order.
        assert (made[name].double() - tensor.double()).norm().item() / scale < 1e-7, name
