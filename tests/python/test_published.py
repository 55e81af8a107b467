"""Our numbers on results that others published are those that the toolkit gives them."""

from pathlib import Path

import pytest
from conftest import PROJECT

from attrax_vot.analysis.scores import Scores, score
from attrax_vot.run import workspace
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.toolkit import EvaluationError


def scores(directory: Path, dataset: Path, published: Path, repetitions: int = 1) -> Scores:
    workspace.prepare(directory, workspace.Settings(dataset, repetitions=repetitions))
    opened = OpenWorkspace(directory, [published])
    return score(opened.run(opened.needed(), opened.tracker(*opened.published)))


@pytest.mark.parametrize(
    ("dataset", "tracker", "accuracy", "failures", "eao"),
    [
        ("vot2016-dev", "DAT", 0.551, 9, 0.264),
        ("vot2016-dev", "VITAL", 0.551, 8, 0.274),
        ("vot2016-annotations", "DAT", 0.559, 58, 0.309),
        ("vot2016-annotations", "VITAL", 0.553, 59, 0.318),
    ],
)
def test_totals(shared: Path, tmp_path: Path, dataset: str, tracker: str, accuracy: float, failures: int, eao: float):
    total = scores(tmp_path, shared / dataset, shared / "vot2016-results" / tracker).total
    assert total.accuracy == pytest.approx(accuracy, abs=0.001)
    assert total.failures == failures
    assert total.eao == pytest.approx(eao, abs=0.001)


def test_own_raw_results_give_the_row_of_the_page(shared: Path, tmp_path: Path):
    total = scores(tmp_path, shared / "vot2016-dev", PROJECT / "docs" / "raw" / "attrax", repetitions=6).total
    row = next(line for line in (PROJECT / "docs" / "results.md").read_text().splitlines() if "seeds 1 to 6 |" in line)
    _, _, runs, failures, accuracy, eao, *_ = [cell.strip() for cell in row.split("|")]
    assert total.repetitions == int(runs)
    assert f"{total.failures:.1f}" == failures.partition(",")[0]
    assert (f"{total.accuracy:.3f}", f"{total.eao:.3f}") == (accuracy, eao)


def test_rows_and_seconds(shared: Path, tmp_path: Path):
    found = scores(tmp_path, shared / "vot2016-dev", shared / "vot2016-results" / "DAT")
    rows = {row.name: (round(row.accuracy, 2), row.failures) for row in found.rows}
    assert rows == {
        "bag": (0.50, 0),
        "ball1": (0.78, 0),
        "bolt2": (0.52, 0),
        "book": (0.49, 2),
        "fernando": (0.43, 3),
        "hand": (0.56, 2),
        "matrix": (0.51, 1),
        "motocross1": (0.47, 0),
        "pedestrian1": (0.65, 1),
        "traffic": (0.78, 0),
    }
    assert found.total.seconds_per_initialization == pytest.approx(31, abs=1)
    assert found.interval == (108, 371)


def test_results_of_another_length_are_refused(shared: Path, tmp_path: Path):
    source = shared / "vot2016-results" / "DAT" / "baseline" / "bag"
    copy = tmp_path / "short" / "baseline" / "bag"
    copy.mkdir(parents=True)
    lines = (source / "bag_001.txt").read_text().splitlines()
    (copy / "bag_001.txt").write_text("\n".join(lines[:-1]))
    workspace.prepare(tmp_path / "space", workspace.Settings(shared / "vot2016-dev", ["bag"]))
    with pytest.raises(EvaluationError, match="195 regions"):
        OpenWorkspace(tmp_path / "space", [tmp_path / "short"])
