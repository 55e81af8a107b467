"""`attrax-vot figure`: every kind in every format, from a real workspace."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from attrax_vot.cli import main
from attrax_vot.report import plots

KINDS = ["eao", "ar", "ranking", "success", "precision", "attributes", "speed", "timeline", "strip"]
MAGIC = {"pdf": b"%PDF-", "svg": b"<?xml", "png": b"\x89PNG"}


def test_every_kind(two_trackers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for kind in KINDS:
        formats = "pdf,svg,png" if kind in ("eao", "strip") else "svg"
        assert main(["figure", str(two_trackers), kind, "--format", formats, "--out", str(tmp_path)]) == 0, kind
    paths = [Path(line) for line in capsys.readouterr().out.split()]
    assert len(paths) == len(KINDS) + 4
    for path in paths:
        assert path.read_bytes().startswith(MAGIC[path.suffix[1:]])
    # Trackers differ without colour: two shapes along the curves, and a line that is dashed.
    curve = (tmp_path / "eao.svg").read_text()
    assert "stroke-dasharray" in curve and len(set(re.findall(r'<use xlink:href="(#m[0-9a-f]+)"', curve))) >= 2
    # Names stand at the points; text is drawn as shapes, with the text as a comment.
    assert "<!-- Drifting &lt;b&gt; -->" in (tmp_path / "ar.svg").read_text().replace("<b>", "&lt;b&gt;")
    before = (tmp_path / "eao.pdf").read_bytes()
    assert main(["figure", str(two_trackers), "eao", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "eao.pdf").read_bytes() == before
    for arguments, words in (
        (["eao", "--format", "gif"], "no format gif; there are pdf, svg, png"),
        (["timeline", "--sequences", "none"], "no results on none; there are some on turning, twins"),
        (["eao", "Jiter"], "no tracker Jiter"),
    ):
        capsys.readouterr()
        assert main(["figure", str(two_trackers), *arguments]) == 1
        assert words in capsys.readouterr().err


def test_names_are_no_formulas():
    drawing = Figure()
    axes = drawing.subplots()
    axes.plot([1, 2], label=plots.legend("_$\\undefined{$"))
    axes.legend()
    assert "<!--  _$\\undefined{$ -->" in plots.svg(drawing)


def test_what_cannot_be_written_is_named_and_keeps_the_older_file(
    two_trackers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name in ("ar.pdf", "turning_001.png"):
        (tmp_path / name).write_bytes(b"older")
    written = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        written(path, data[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    for command in (["figure", str(two_trackers), "ar"], ["render", str(two_trackers), "--tracker", "Jitter"]):
        assert main([*command, "--out", str(tmp_path)]) == 1
        assert re.search(rf"error: {tmp_path}/(ar.pdf|turning_001.png): No space left", capsys.readouterr().err)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {
        "ar.pdf": b"older", "turning_001.png": b"older"
    }  # fmt: skip


def test_a_document_with_tables_and_figures_compiles(two_trackers: Path, tmp_path: Path):
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("skipped: no pdflatex on PATH to compile a document with (Debian: texlive-latex-base)")
    assert main(["report", str(two_trackers), "--format", "latex", "--out", str(tmp_path)]) == 0
    for kind in KINDS:
        assert main(["figure", str(two_trackers), kind, "--out", str(tmp_path)]) == 0
    figures = "\n\n".join(
        rf"\noindent\includegraphics[width=\linewidth]{{{each.name}}}" for each in tmp_path.glob("*.pdf")
    )
    text = (tmp_path / "report.tex").read_text().replace(r"\begin{document}", r"\usepackage{graphicx}\begin{document}")
    (tmp_path / "page.tex").write_text(text.replace(r"\end{document}", f"{figures}\n\\end{{document}}"))
    command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    # All tables and figures are in it, and no table is wider than the page.
    assert done.stdout.count(".pdf>") == len(KINDS)
    assert "Overfull" not in done.stdout
