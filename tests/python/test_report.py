"""The report: its numbers, and its page in a real browser."""

import csv
import json
import math
import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from axe import serious
from chromium import Chromium
from conftest import jitter_registry
from vot.analysis.processor import AnalysisError
from vot.region.io import read_trajectory

from attrax_vot.analysis import significance
from attrax_vot.analysis.scores import score
from attrax_vot.cli import main
from attrax_vot.report import collect as report
from attrax_vot.report import tables
from attrax_vot.run import workspace
from attrax_vot.run.opened import OpenWorkspace
from attrax_vot.run.sentences import sentence


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
    assert main(["report", str(directory / "space"), "--format", "html,markdown,latex,csv"]) == 0
    return directory / "space"


def failures(space: Path) -> int:
    content = json.loads((space / "report" / "summary.json").read_text())
    return round(2 * content["trackers"][0]["failures"])


def test_the_page_has_all_its_parts_and_needs_nothing_else(space: Path):
    page = (space / "report" / "report.html").read_text()
    assert page.count('<figure class="strip">') == failures(space) > 0
    # Two plots, a chart for each of the three sequences, and bars for their attributes.
    assert page.count("<svg ") >= 2 + 3 + 3
    assert page.count("<table>") == 3
    # What the tables link to is there.
    targets = re.findall(r'href="#([^"]*)"', page)
    assert {"on-twins", "on-twins-Jitter"} <= set(targets)
    assert all(f'id="{target}"' in page for target in targets)
    # What the tracker was when it ran.
    assert "jitter_tracker.py" in page and "SHA-256" in page
    # Only what is within the page: no address to load from.
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert "@import" not in page
    for name in ("turning", "passing", "twins", "camera motion", "occlusion"):
        assert name in page


@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_it(space: Path, tmp_path: Path, chromium: str, width: int):
    # A script at the end tells what a person would see: pictures that loaded, plots that have a
    # size.
    probe = """<script>window.addEventListener("load", () => {
      const good = [...document.images].filter((each) => each.complete && each.naturalWidth > 100);
      const wide = (each) => each.getBoundingClientRect().width > 100;
      const plots = [...document.querySelectorAll(".plots svg, .chart svg")].filter(wide);
      const rows = document.querySelectorAll("tr").length;
      const fits = document.documentElement.scrollWidth <= innerWidth;
      document.title = `pictures ${good.length} plots ${plots.length} rows ${rows} fits ${fits}`;
    });</script>"""
    copy = tmp_path / "page.html"
    # All pictures at once, whether they are in sight or not.
    page = (space / "report" / "report.html").read_text().replace(' loading="lazy"', "")
    copy.write_text(page.replace("</body>", f"{probe}</body>"))
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--dump-dom",
        f"--window-size={width},900",
    ]
    command += [
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={tmp_path / 'profile'}",
        copy.as_uri(),
    ]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in seen.stderr
    # Tables: 1 + 1 rows of the tracker, 1 + 3 of sequences, 1 + 2 of attributes.
    assert f"<title>pictures {failures(space)} plots 5 rows 9 fits true</title>" in seen.stdout


@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_the_page_serves_everyone(space: Path, tmp_path: Path, chromium: str, width: int, dark: bool):
    with Chromium(chromium, tmp_path / "profile") as browser:
        page = browser.open((space / "report" / "report.html").as_uri(), width, 900, dark=dark)
        page.until("document.readyState === 'complete' && document.querySelectorAll('.chart svg').length === 3")
        assert serious(page) == []
        assert browser.complaints == []


def test_resampling_starts_from_the_toolkits_curve(space: Path):
    opened = OpenWorkspace(space)
    run = opened.run(opened.needed(), opened.tracker("Jitter"))
    ours = significance.curve(significance.parts(run, bounded=True))
    theirs = np.array(score(run).curve)
    assert ours.shape == theirs.shape
    assert ours == pytest.approx(theirs, abs=1e-6, nan_ok=True)


def test_published_results(shared: Path, tmp_path: Path):
    workspace.prepare(tmp_path, workspace.Settings(shared / "vot2016-annotations"))
    references = [shared / "vot2016-results" / name for name in ("DAT", "VITAL")]
    found = report.collect(OpenWorkspace(tmp_path, references), [])
    by_name = {entry.label: entry.scores.total for entry in found.entries}
    dat, vital = by_name["DAT (published)"], by_name["VITAL (published)"]
    # Sorted by expected average overlap.
    assert list(by_name) == ["VITAL (published)", "DAT (published)"]
    # The toolkit's R of all sequences, from its rows.
    for entry in found.entries:
        rows = entry.scores.rows
        frames = [row.frames for row in rows]
        weighted = sum(row.failures * row.frames for row in rows) / sum(frames)
        expected = math.exp(-30 * weighted / (sum(frames) / len(rows)))
        assert entry.scores.total.robustness == pytest.approx(expected, abs=1e-9)
    assert dat.accuracy == pytest.approx(0.559, abs=0.002)
    assert dat.eao == pytest.approx(0.309, abs=0.002)
    assert dat.failures == 58
    assert vital.accuracy == pytest.approx(0.553, abs=0.002)
    assert vital.eao == pytest.approx(0.318, abs=0.002)
    assert vital.failures == 59
    (difference,) = found.differences
    # The better tracker less the other.
    found_difference = difference.found
    assert found_difference.value == pytest.approx(vital.eao - dat.eao, abs=1e-5)
    assert found_difference.low < found_difference.value < found_difference.high
    assert not found.strips


def test_attributes_of_published_failures(shared: Path, tmp_path: Path):
    """Failures by attribute, counted here a second time from the files alone."""
    workspace.prepare(tmp_path, workspace.Settings(shared / "vot2016-dev"))
    found = report.collect(OpenWorkspace(tmp_path, [shared / "vot2016-results" / "DAT"]), [])
    by_label = {each.label: each.failures for each in found.entries[0].attributes}
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
    (place,) = (place for place in found.places if place.name == "hand")
    assert place.attributes and place.timelines[0].failures == [43, 91]


def test_a_tracker_is_the_same_as_itself(space: Path):
    found = report.collect(OpenWorkspace(space), ["Jitter"])
    parts = significance.Parts(np.ones((4, 30)), np.ones((4, 30)), np.array([26, 30, 26, 26]))
    same = significance.compare(("a", "b"), (parts, parts), found.interval, rounds=50).found
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not math.isnan(found.entries[0].scores.total.accuracy)


def test_one_sequence_has_no_interval():
    first = significance.Parts(np.full((1, 30), 0.5), np.ones((1, 30)), np.array([30]))
    second = significance.Parts(np.full((1, 30), 0.4), np.ones((1, 30)), np.array([30]))
    found = significance.compare(("a", "b"), (first, second), (5, 20)).found
    assert found.value == pytest.approx(0.1)
    assert math.isnan(found.low) and math.isnan(found.high)


def test_a_tracker_that_is_half_done_changes_no_other_row(demo: Path, tmp_path: Path):
    registry = jitter_registry(tmp_path)
    text = registry.read_text()
    registry.write_text(text + text.replace("[Jitter]", "[Half]").replace("tracker.py", "tracker.py --half"))
    space = tmp_path / "space"
    common = ["--dataset", str(demo), "--registry", str(registry), "--experiments", "baseline", "--repetitions", "1"]
    assert main(["init", str(space), *common]) == 0
    assert main(["run", str(space), "Jitter", "--no-estimate"]) == 0
    alone = tables.overall(report.collect(OpenWorkspace(space), [])).rows
    assert main(["run", str(space), "Half", "--no-estimate", "--sequences", "twins"]) == 0
    found = report.collect(OpenWorkspace(space), [])
    both = tables.overall(found)
    assert [cell.text for cell in both.rows[0]] == [cell.text for cell in alone[0]]
    assert "3 of 3" in [cell.text for cell in both.rows[0]]
    assert "1 of 3" in [cell.text for cell in both.rows[1]]
    # Over fewer sequences: neither the best, nor compared on more than these.
    assert not any(cell.best for row in both.rows for cell in row)
    (difference,) = found.differences
    assert difference.sequences == 1 and math.isnan(difference.found.low)
    texts = {row[0].text: [cell.text for cell in row[2:]] for row in tables.per_sequence(found).rows}
    assert all(texts["twins"])
    assert texts["turning"][:2] != ["", ""] and texts["turning"][2:] == ["", ""]


def test_the_other_formats(space: Path, capsys: pytest.CaptureFixture[str]):
    rows = list(csv.DictReader((space / "report" / "report.csv").open()))
    content = json.loads((space / "report" / "summary.json").read_text())["trackers"][0]
    assert [row["sequence"] for row in rows] == ["all", *(row["name"] for row in content["per_sequence"])]
    assert float(rows[0]["accuracy"]) == pytest.approx(content["accuracy"])
    text = (space / "report" / "report.md").read_text()
    assert f"| {content['accuracy']:.3f} |" in text and "repetitions" in text
    assert main(["report", str(space), "--format", "pdf"]) == 1
    assert "no format pdf; there are html, markdown, latex, csv" in capsys.readouterr().err


def test_the_latex_compiles(space: Path, tmp_path: Path):
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("skipped: no pdflatex on PATH to compile the report with (Debian: texlive-latex-base)")
    source = space / "report" / "report.tex"
    command = [compiler, "-interaction=nonstopmode", "-halt-on-error", f"-output-directory={tmp_path}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "report.pdf").stat().st_size > 10_000


def test_an_interval_of_the_draws_that_have_a_value():
    """Poor trackers: one run reaches the interval, so that draws without its sequence have no value."""
    longest = np.array([5, 5, 30])
    counts = np.array([[1.0] * 5 + [0.0] * 25] * 2 + [[1.0] * 30])
    first = significance.Parts(counts * 0.5, counts, longest)
    second = significance.Parts(counts * 0.3, counts, longest)
    found = significance.compare(("a", "b"), (first, second), (10, 20), rounds=300).found
    # A draw of three lacks one of three sequences with a chance of (2/3)^3.
    assert found.share == pytest.approx(1 - 8 / 27, abs=0.1)
    assert found.low == pytest.approx(0.2) and found.high == pytest.approx(0.2)
    nothing = significance.compare(("a", "b"), (first, second), (40, 50), rounds=50).found
    assert nothing.share == 0 and math.isnan(nothing.low)


def test_one_pass_alone_has_all_parts(two_trackers: Path, tmp_path: Path):
    space = tmp_path / "some-otb"
    settings = workspace.Settings(
        two_trackers / "sequences", experiments=("unsupervised",), registry=two_trackers / "trackers.ini"
    )
    workspace.prepare(space, settings)
    shutil.copytree(two_trackers / "results", space / "results", dirs_exist_ok=True)
    (space / "trackers.ini").write_text((two_trackers.parent / "trackers.ini").read_text())
    assert main(["report", str(space), "--format", "html,markdown,latex"]) == 0
    page = (space / "report" / "report.html").read_text()
    assert "<h1>One pass: some-otb</h1>" in page and "VOT2016" not in page
    for title in ("One pass", "Sequences in one pass", "Curves", "What happened on each sequence"):
        assert f">{title}</h2>" in page and f">{title}</a>" in page
    # A chart for each tracker on each sequence, and where each command came from.
    assert page.count('<div class="chart">') == 4 and page.count(": one pass, mean overlap 0.") == 4
    assert page.count("jitter_tracker.py") >= 2
    targets = re.findall(r'href="#([^"]*)"', page)
    assert targets and all(f'id="{target}"' in page for target in targets)
    found = report.collect(OpenWorkspace(space), [])
    (best, worst) = found.one_pass
    assert best.total.success > worst.total.success
    content = json.loads((space / "report" / "summary.json").read_text())
    assert "jitter_tracker.py" in content["one_pass"][0]["command"]
    assert "Sequences in one pass" in (space / "report" / "report.md").read_text()


def test_all_pairs_are_compared_the_better_first(two_trackers: Path):
    found = report.collect(OpenWorkspace(two_trackers), [], pictures=False)
    (difference,) = found.differences
    assert [difference.first, difference.second] == [entry.reference for entry in found.entries]
    attributes = tables.per_attribute(found)
    # A row for each tracker, and one of frames.
    assert len(attributes.rows) == 3 and attributes.rows[-1][0].text == "frames with it"
    assert "occlusion" in [column.title for column in attributes.columns]


def test_masks_whose_runs_are_longer_than_they_are_no_results(
    two_trackers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The toolkit's compiled code writes such runs beyond the memory of the mask."""
    space = tmp_path / "space"
    shutil.copytree(two_trackers, space, symlinks=True)
    stem = space / "results" / "Jitter" / "baseline" / "turning" / "turning_001"
    text = "1\n" + "m0,0,2,2,0,400000\n" * 15
    binary = struct.pack("<hI", 1, 16) + (struct.pack("<B", 0) + struct.pack("<I", 1)) + (
        struct.pack("<B", 3) + struct.pack("<hhHHHHH", 0, 0, 2, 2, 2, 0, 60000)
    ) * 15  # fmt: skip
    for suffix, content in ((".txt", text.encode()), (".bin", binary)):
        for each in (".txt", ".bin"):
            stem.with_suffix(each).unlink(missing_ok=True)
        stem.with_suffix(suffix).write_bytes(content)
        with pytest.raises(ValueError, match="has runs of"):
            read_trajectory(str(stem.with_suffix(suffix)))
    capsys.readouterr()
    # The sequence counts as one that has not ended.
    assert main(["report", str(space), "Jitter", "--format", "csv"]) == 0
    assert "1 of 2" in capsys.readouterr().out


def test_an_analysis_that_fails_is_named_with_its_cause():
    error = AnalysisError(
        IndexError("list index out of range"), ("vot.analysis.EAOCurve@5ab1e", "baseline", "A", "car")
    )
    said = "EAOCurve of baseline, A, car cannot be computed: IndexError: list index out of range; is a result there"
    assert sentence(error).startswith(said)
