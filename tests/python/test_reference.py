"""Published results in the forms that people have them, and a workspace that keeps what is the user's."""

from pathlib import Path

import pytest
from conftest import shorten

from attrax_vot.cli import main
from attrax_vot.run.opened import OpenWorkspace

OWN = "# Mine.\n[Mine]\nprotocol = trax\ncommand = true  ; as it is\n"


@pytest.fixture
def space(demo: Path, registry: Path, tmp_path: Path) -> Path:
    """A workspace of five frames with a registration of the user's."""
    short = shorten(demo, tmp_path / "short", {"turning": 5})
    arguments = ["init", str(tmp_path / "space"), "--dataset", str(short), "--registry", str(registry)]
    assert main([*arguments, "--experiments", "baseline"]) == 0
    (tmp_path / "space" / "trackers.ini").write_text(OWN)
    return tmp_path / "space"


def published(space: Path, regions: str, seconds: str | None) -> Path:
    folder = space.parent / "theirs" / "baseline" / "turning"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "turning_001.txt").write_text(regions)
    if seconds is not None:
        (folder / "turning_time.txt").write_text(seconds)
    return space.parent / "theirs"


BOXES = ["10,20,30,40", "11,21,30,40", "12,22,30,40", "13,23,30,40"]


@pytest.mark.parametrize(
    ("lines", "seconds", "frame_seconds"),
    [
        (["1", *BOXES], "9\n1\n2\n3\n4\n", [1, 2, 3, 4]),
        (["1", *(box.replace(",", ", ") for box in BOXES)], "9 8\n1 0\n2 0\n3 0\n4 0\n", [1, 2, 3, 4]),
        (["1", *(box.replace(",", "\t") for box in BOXES)], "9,8\n1,\n,0\nNaN,0\n4,0\n", [1, 4]),
        (["1", *(f"{box}," for box in BOXES)], "9,\n1,\n2,\n", [1, 2]),
        (["1", *BOXES[:2], "NaN,NaN,NaN,NaN", BOXES[3]], None, []),
        (["1", *("1,1 9,1 9,9 1,9" for _ in BOXES)], None, []),
        (["10,20,30,40", *BOXES], None, []),
        (["1", *BOXES, "", ""], None, []),
    ],
)
def test_forms(space: Path, lines: list[str], seconds: str | None, frame_seconds: list[float]):
    path = published(space, "\n".join(lines) + "\n", seconds)
    assert main(["report", str(space), "--reference", str(path), "--format", "markdown"]) == 0
    opened = OpenWorkspace(space)
    run = opened.run(opened.needed(), opened.tracker("theirs-published"))
    found = run.repetitions(run.sequences[0])
    assert [each.frame_seconds for each in found] == [frame_seconds]
    # The user's registrations stand as they were, also after another report.
    text = (space / "trackers.ini").read_text()
    assert text.startswith(OWN)
    assert main(["report", str(space), "--reference", str(path), "--format", "markdown"]) == 0
    assert (space / "trackers.ini").read_text() == text


@pytest.mark.parametrize(
    ("regions", "seconds", "said"),
    [
        ("1\n1,2,3\n" + "1,2,3,4\n" * 3, None, "turning_001.txt, line 2: 3 numbers"),
        ("1\n1,2,3,x\n" + "1,2,3,4\n" * 3, None, "turning_001.txt, line 2: '1,2,3,x' is no region"),
        ("1\n" + "1,2,3,4\n" * 3, None, "has 4 regions, turning 5 frames"),
        ("1\n" + "1,2,3,4\n" * 4, "1\nfast\n", "turning_time.txt, line 2: 'fast' are no seconds"),
    ],
)
def test_a_reference_that_fails_leaves_nothing(
    space: Path, regions: str, seconds: str | None, said: str, capsys: pytest.CaptureFixture[str]
):
    path = published(space, regions, seconds)
    assert main(["report", str(space), "--reference", str(path)]) == 1
    assert said in capsys.readouterr().err
    assert (space / "trackers.ini").read_text() == OWN
    assert not list((space / "results").rglob("*.txt"))
