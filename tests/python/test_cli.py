"""What is refused, and how it is said."""

from pathlib import Path

import pytest

from attrax_vot.cli import main
from attrax_vot.run import estimate


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "{tmp}/none"], "there is no folder"),
        (["evaluate", "{tmp}"], "holds no sequences"),
        (["evaluate", "{demo}", "--sequences", "twins,nobody"], "has no sequence nobody"),
        (["evaluate", "{demo}", "--stack", "vot1066/rgb"], "no stack vot1066/rgb"),
        (["evaluate", "{demo}", "--experiments", "sideways"], "no experiment sideways"),
        (["evaluate", "{demo}", "--tracker", "Nobody"], "no tracker Nobody"),
        (["evaluate", "{demo}", "--reference", "{tmp}/none"], "with published results"),
        (["evaluate", "{demo}", "--registry", "{tmp}/none.ini"], "to find trackers in"),
        (["render", "{tmp}"], "is not a workspace"),
    ],
)
def test_refusals_name_the_cause(
    arguments: list[str],
    words: str,
    demo: Path,
    registry: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    filled = [argument.format(tmp=tmp_path / "empty", demo=demo) for argument in arguments]
    (tmp_path / "empty").mkdir()
    if filled[0] == "evaluate":
        filled += ["--workspace", str(tmp_path / "space")]
        filled += [] if "--registry" in filled else ["--registry", str(registry)]
    assert main(filled) == 1
    assert words in capsys.readouterr().err


def test_a_workspace_keeps_to_its_dataset(
    demo: Path, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from attrax_vot.demo import render_dataset

    render_dataset(tmp_path / "other")
    common = ["--tracker", "Jitter", "--registry", str(registry), "--workspace", str(tmp_path / "space")]
    assert main(["evaluate", str(demo), "--sequences", "twins", *common]) == 0
    assert main(["evaluate", str(tmp_path / "other"), "--sequences", "twins", *common]) == 1
    assert "belongs to another dataset" in capsys.readouterr().err


def test_pictures_show_every_failure(demo: Path, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    common = ["--tracker", "Jitter", "--registry", str(registry), "--workspace", str(tmp_path)]
    assert main(["evaluate", str(demo), *common]) == 0
    capsys.readouterr()
    assert main(["render", str(tmp_path), "--tracker", "Jitter", "--sequences", "passing"]) == 0
    names = sorted(Path(line).name for line in capsys.readouterr().out.splitlines())
    assert names[0] == "passing_001.png"
    assert any("lost_at" in name for name in names[1:])


def test_run_does_the_supervised_experiment_by_default(
    demo: Path, registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    space = tmp_path / "space"
    common = ["--dataset", str(demo), "--sequences", "twins", "--registry", str(registry), "--repetitions", "2"]
    assert main(["init", str(space), *common]) == 0
    assert f"next: attrax-vot run {space} Jitter" in capsys.readouterr().out

    # So that even this run is worth an estimate.
    monkeypatch.setattr(estimate, "SMALL", 1)
    monkeypatch.setattr(estimate, "ENOUGH", 20)
    assert main(["run", str(space), "Jitter", "--repetitions", "1"]) == 0
    out = capsys.readouterr().out
    assert "measuring Jitter" in out and "to track: 26 frames" in out
    done = {path.name for path in (space / "results" / "Jitter").iterdir()}
    assert done == {"baseline"}

    # What the first repetition took tells how long the second one will.
    assert main(["run", str(space), "Jitter"]) == 0
    out = capsys.readouterr().out
    assert "measuring" not in out and "to track: 26 frames" in out

    assert main(["run", str(space), "Jitter", "--experiments", "unsupervised", "--no-estimate"]) == 0
    assert "to track" not in capsys.readouterr().out
    assert list((space / "results" / "Jitter" / "unsupervised").rglob("*.bin"))
    assert main(["run", str(space), "Jitter", "--experiments", "sideways"]) == 1
    assert "no experiment sideways" in capsys.readouterr().err
