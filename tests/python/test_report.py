"""The report: its numbers, and its page in a real browser."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import jitter_registry

from attrax_vot.analysis import significance
from attrax_vot.analysis.scores import score
from attrax_vot.cli import main
from attrax_vot.report import report
from attrax_vot.run import evaluate, runner, workspace

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def space(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two repetitions of the tests' tracker, and a report."""
    directory = tmp_path_factory.mktemp("report")
    registry = jitter_registry(directory)
    arguments = [
        "evaluate",
        str(demo),
        "--tracker",
        "Jitter",
        "--registry",
        str(registry),
        "--repetitions",
        "2",
    ]
    assert main([*arguments, "--workspace", str(directory / "space")]) == 0
    assert main(["report", str(directory / "space")]) == 0
    return directory / "space"


def failures(space: Path) -> int:
    content = json.loads((space / "report" / "summary.json").read_text())
    return round(2 * content["trackers"][0]["failures"])


def test_the_page_has_all_its_parts_and_needs_nothing_else(space: Path):
    page = (space / "report" / "report.html").read_text()
    assert page.count('<figure class="strip">') == failures(space) > 0
    assert page.count("<svg") == 2
    assert page.count("<table>") == 3
    # Only what is within the page: no address to load from.
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert "@import" not in page
    for name in ("turning", "passing", "twins", "camera motion", "occlusion"):
        assert name in page


def test_a_browser_shows_it(space: Path, tmp_path: Path):
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("skipped: no Chromium on PATH to look at the page with")
    # A script at the end tells what a person would see: pictures that loaded, plots that have a size.
    probe = """<script>window.addEventListener("load", () => {
      const good = [...document.images].filter((each) => each.complete && each.naturalWidth > 100);
      const wide = (each) => each.getBoundingClientRect().width > 100;
      const plots = [...document.querySelectorAll("svg")].filter(wide);
      document.title = `pictures ${good.length} plots ${plots.length} rows ${document.querySelectorAll("tr").length}`;
    });</script>"""
    copy = tmp_path / "page.html"
    copy.write_text((space / "report" / "report.html").read_text().replace("</body>", f"{probe}</body>"))
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--dump-dom",
    ]
    command += [
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={tmp_path / 'profile'}",
        copy.as_uri(),
    ]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in seen.stderr
    # Tables: 1 + 1 rows of the tracker, 1 + 3 of sequences, 1 + 6 of attributes.
    assert f"<title>pictures {failures(space)} plots 2 rows 13</title>" in seen.stdout


def test_resampling_starts_from_the_toolkits_curve(space: Path):
    opened = workspace.load(space)
    experiment = evaluate.supervised(opened)
    tracker = evaluate.find_tracker(opened, "Jitter")
    sequences = runner.sequences_of(opened, experiment)
    ours = significance.curve(significance.parts(experiment, tracker, sequences, bounded=True))
    theirs = np.array(score(experiment, tracker, sequences).curve)
    assert ours.shape == theirs.shape
    assert ours == pytest.approx(theirs, abs=1e-6, nan_ok=True)


def test_published_results(shared: Path, tmp_path: Path):
    workspace.prepare(tmp_path, workspace.Settings(shared / "vot2016-annotations"))
    references = [shared / "vot2016-results" / name for name in ("DAT", "VITAL")]
    found = report.collect(tmp_path, [], references)
    dat, vital = (scores.total for scores in found.trackers)
    assert dat.accuracy == pytest.approx(0.559, abs=0.002)
    assert dat.eao == pytest.approx(0.309, abs=0.002)
    assert dat.failures == 58
    assert vital.accuracy == pytest.approx(0.553, abs=0.002)
    assert vital.eao == pytest.approx(0.318, abs=0.002)
    assert vital.failures == 59
    (difference,) = found.differences
    assert difference.value == pytest.approx(dat.eao - vital.eao, abs=1e-5)
    assert difference.low < difference.value < difference.high
    assert not found.strips


def test_attributes_of_published_failures(shared: Path, tmp_path: Path):
    """Failures by attribute, counted here a second time from the files alone."""
    workspace.prepare(tmp_path, workspace.Settings(shared / "vot2016-dev"))
    found = report.collect(tmp_path, [], [shared / "vot2016-results" / "DAT"])
    by_label = {each.label: each.failures for each in found.attributes["DAT-published"]}
    tags = {"occlusion": "occlusion", "size_change": "size change", "camera_motion": "camera motion"}
    for tag, label in tags.items():
        expected = 0
        for folder in (shared / "vot2016-dev" / "sequences").iterdir():
            marks = folder / f"{tag}.tag"
            result = shared / "vot2016-results" / "DAT" / "baseline" / folder.name / f"{folder.name}_001.txt"
            if marks.is_file():
                pairs = zip(marks.read_text().split(), result.read_text().split(), strict=False)
                expected += sum(mark == "1" and line == "2" for mark, line in pairs)
        assert by_label[label] == expected
    assert len(found.strips) == 9


def test_a_tracker_is_the_same_as_itself(space: Path):
    found = report.collect(space, ["Jitter"], [])
    parts = significance.Parts(np.ones((4, 30)), np.ones((4, 30)), np.array([26, 30, 26, 26]))
    same = significance.compare(("a", "b"), (parts, parts), found.trackers[0].interval, rounds=50)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not math.isnan(found.trackers[0].total.accuracy)
