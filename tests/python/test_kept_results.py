"""Result files that attrax-vot did not write are never deleted, and a worker's exception is reported once."""

import shutil
from pathlib import Path

import pytest
from conftest import jitter_registry, shorten
from vot.region.io import read_trajectory

from attrax_vot.cli import main
from attrax_vot.run import engine, parallel
from attrax_vot.run.jobs import Job
from attrax_vot.run.live import LiveTable


@pytest.fixture(scope="module")
def ended(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two whole repetitions of ten frames of one sequence."""
    directory = tmp_path_factory.mktemp("ended")
    short = shorten(demo, directory / "dataset", {"turning": 10})
    arguments = ["evaluate", str(short), "--tracker", "Jitter", "--registry", str(jitter_registry(directory))]
    assert main([*arguments, "--workspace", str(directory / "space"), "--repetitions", "2"]) == 0
    return directory / "space"


@pytest.fixture
def space(ended: Path, tmp_path: Path) -> Path:
    return shutil.copytree(ended, tmp_path / "space", symlinks=True)


def folder(space: Path) -> Path:
    return space / "results" / "Jitter" / "baseline" / "turning"


def as_text(space: Path) -> Path:
    """Puts the first repetition there as another program would: text, without seconds."""
    with (folder(space) / "turning_001.bin").open("rb") as file:
        regions = read_trajectory(file)
    for path in folder(space).glob("turning_001*"):
        path.unlink()
    path = folder(space) / "turning_001.txt"
    lines = [
        str(each.code) if hasattr(each, "code") else f"{each.x},{each.y},{each.width},{each.height}" for each in regions
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("first", ["1", "10,20,30,40"])
def test_whole_results_of_another_program_stay_and_count(space: Path, first: str, capsys: pytest.CaptureFixture[str]):
    path = as_text(space)
    path.write_text("\n".join([first, *path.read_text().splitlines()[1:]]) + "\n")
    before = path.read_bytes()
    assert main(["run", str(space), "Jitter"]) == 0
    assert "nothing is missing" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert main(["report", str(space)]) == 0
    assert path.read_bytes() == before


def test_what_is_no_whole_result_is_set_aside_and_said(space: Path, capsys: pytest.CaptureFixture[str]):
    path = as_text(space)
    kept = "\n".join(path.read_text().splitlines()[:4]) + "\n"
    path.write_text(kept)
    (folder(space) / "turning_001_mine.value").write_text("1\n")
    for place in ("turning", "turning-2"):
        assert main(["run", str(space), "Jitter"]) == 0
        printed = capsys.readouterr()
        assert "1 of 1 jobs ended" in printed.out
        moved = space / "set-aside" / "Jitter" / "baseline" / place
        assert (
            f"set aside, not deleted: turning_001 of Jitter is not a whole result; it is now in {moved}" in printed.err
        )
        assert (moved / "turning_001.txt").read_text() == kept
        assert (moved / "turning_001_mine.value").read_text() == "1\n"
        assert (folder(space) / "turning_001.bin").is_file()
        # Again, over a repetition that attrax-vot has written.
        path.write_text(kept)
        (folder(space) / "turning_001_mine.value").write_text("1\n")
    assert not list((space / ".attrax" / "begun").rglob("*.txt"))


def test_what_a_run_of_ours_left_cut_off_is_run_again(space: Path, capsys: pytest.CaptureFixture[str]):
    whole = (folder(space) / "turning_002.bin").read_bytes()
    (folder(space) / "turning_002.bin").write_bytes(whole[:40])
    note = space / ".attrax" / "begun" / "Jitter" / "baseline" / "turning.txt"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("turning_002\n")
    assert main(["run", str(space), "Jitter"]) == 0
    assert "set aside" not in capsys.readouterr().err
    assert (folder(space) / "turning_002.bin").read_bytes() == whole
    assert not note.exists()
    assert not (space / "set-aside").exists()


def test_seconds_without_a_finite_sum_are_missing(space: Path):
    (folder(space) / "turning_001_time.value").write_text("1e308\n" * 10)
    assert main(["report", str(space), "--format", "markdown"]) == 0


def test_a_damaged_result_is_named_by_a_report_and_left_by_a_plan(space: Path, capsys: pytest.CaptureFixture[str]):
    path = folder(space) / "turning_001.bin"
    path.write_bytes(b"\x01\x00" + bytes(range(40)))
    assert main(["report", str(space)]) == 1
    assert f"{path} is no whole result of turning; 'attrax-vot run {space} Jitter' runs it" in capsys.readouterr().err
    assert main(["plan", str(space), "Jitter", "--frame", "1", "--init", "1"]) == 1
    assert "a result of Jitter on turning is damaged" in capsys.readouterr().err
    assert path.exists()


def test_an_exception_in_a_worker_is_reported_once_and_no_more_jobs_start(
    space: Path, capsys: pytest.CaptureFixture[str]
):
    planned = [Job(str(space), "Nobody", "baseline", f"turning{count}", 2, 2, 10, 1) for count in range(4)]
    outcomes = parallel.run(planned, engine.Local(space / ".attrax" / "engine", 1), LiveTable())
    printed = capsys.readouterr().err
    assert [outcome.error == parallel.NOT_STARTED for outcome in outcomes] == [False, True, True, True]
    assert printed.count("no tracker Nobody") == 1
    assert "3 more jobs not started" in printed
    assert "process died" not in printed
