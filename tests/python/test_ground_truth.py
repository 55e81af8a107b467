"""Both readers of ground truth, `attrax track`'s and `attrax-vot`'s, on one corpus (`tests/data/ground_truth.toml`).

The unit test of `src/cli/track/truth.rs` compares the values of each line; here the programs are run.
"""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attack_files
import pytest
from conftest import PROJECT

from attrax_vot import toml
from attrax_vot.datasets import truth
from attrax_vot.datasets.layouts import FROM_ONE

CORPUS = toml.loads((PROJECT / "tests" / "data" / "ground_truth.toml").read_text())
ATTRAX = PROJECT / "out" / "bin" / "attrax"


def bounds(row: truth.TruthRow) -> list[float]:
    return list(row.bounds or ())


def test_lines_are_read_as_the_corpus_says():
    for line in CORPUS["line"]:
        row = truth.parse(line["text"])
        assert bool(row.error) == line.get("wrong", False), (line, row)
        assert bounds(row) == line.get("box", []), (line, row)


def test_files_are_read_as_the_corpus_says(tmp_path: Path):
    for file in CORPUS["file"]:
        path = tmp_path / file["name"]
        path.write_bytes(file["text"].encode(file["encoding"]))
        rows = truth.read(path)
        if path.name.startswith(FROM_ONE):
            rows = [row.moved(-1, -1) for row in rows]
        assert [row.line for row in rows if row.error][:1] == ([file["wrong"]] if "wrong" in file else []), file
        if "wrong" not in file:
            assert [bounds(row) for row in rows] == file["boxes"], file


def track(frames: Path, path: Path) -> str:
    """What `attrax track` says of some ground truth; it is refused before anything is learnt."""
    quick = ["--config", PROJECT / "tests" / "data" / "quick.toml", "--threads", "1"]
    command = [ATTRAX, "track", frames, "--truth", path, *quick]
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stderr


@pytest.mark.skipif(not ATTRAX.exists(), reason="skipped: out/bin/attrax is not built: make build")
def test_attrax_track_reads_what_attrax_vot_reads(tmp_path: Path):
    good = [line["text"] for line in CORPUS["line"] if not line.get("wrong")]
    attack_files.frames(tmp_path / "frames", len(good) + 1, size=(48, 40))
    whole = tmp_path / "whole.txt"
    whole.write_text("\n".join(["20,16,20,18", *good]) + "\n")
    there = sum(bool(row.bounds) for row in truth.read(whole)[1:])
    ended = track(tmp_path / "frames", whole)
    assert f"in the {there} frames with ground truth" in ended, ended

    def refused(number: int, line: str) -> None:
        path = tmp_path / f"{number}.txt"
        path.write_text("\n".join([line, *["1,2,3,4"] * len(good)]) + "\n")
        said = track(tmp_path / "frames", path)
        assert re.match(rf"attrax: {re.escape(str(path))}, line 1: ", said) and said.count("\n") == 1, (line, said)

    wrong = [line["text"] for line in CORPUS["line"] if line.get("wrong")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(refused, range(len(wrong)), wrong))
