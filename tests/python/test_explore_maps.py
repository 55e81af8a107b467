"""Attention and scores in `attrax-vot explore`: computed by the tracker of the registration, on request."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from axe import serious
from chromium import Chromium
from conftest import PROJECT, shorten
from PIL import Image
from test_explore import get, serving
from test_view import request, wait
from vot.region import Polygon, Rectangle

from attrax_vot.explore import again, maps
from attrax_vot.explore.again import Wanted
from attrax_vot.explore.maps import Maps
from attrax_vot.explore.study import Study
from attrax_vot.run import processes, runner, workspace
from attrax_vot.run.opened import OpenWorkspace

ATTRAX = PROJECT / "out" / "bin" / "attrax"
QUICK = PROJECT / "tests" / "data" / "quick.toml"
FRAMES = 14

#: Trackers of attrax: one that answers at once, by flags and by a property, one that learns for
#: half a minute, one with a wrong flag, one whose program is missing; and trackers that are not
#: attrax's.
REGISTRY = f"""
[Quick]
label = Quick <b>
protocol = trax
command = {ATTRAX} serve --config={QUICK} --threads 1 --max-objects 3 --initial-box=bounding
arg_seed = 3
timeout = 300
[Slow]
protocol = trax
command = {ATTRAX} serve --preset released --threads 1
[Wrong]
protocol = trax
command = {ATTRAX} serve --config /none.toml
[Missing]
protocol = trax
command = /none/attrax serve
[Other]
protocol = trax
command = /bin/true
[Known]
protocol = trax
command =
"""

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="skipped: out/bin/attrax is not built")


@pytest.fixture(scope="module")
def space(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two repetitions of Quick, which are the other trackers' results too."""
    root = tmp_path_factory.mktemp("maps")
    data = shorten(demo, root / "data", {"twins": FRAMES})
    (root / "trackers.ini").write_text(REGISTRY)
    settings = workspace.Settings(data, repetitions=2, registry=root / "trackers.ini")
    workspace.prepare(root / "space", settings)
    opened = OpenWorkspace(root / "space")
    run = opened.run(opened.needed(), opened.tracker("Quick"))
    assert not runner.run_sequence(run, run.sequences[0], lambda _: None).error
    for name in ("Slow", "Wrong", "Missing", "Other", "Known"):
        shutil.copytree(root / "space" / "results" / "Quick", root / "space" / "results" / name)
    return root / "space"


def test_the_tracker_runs_again_and_its_maps_are_shown(space: Path, chromium: str, tmp_path: Path):
    with serving(space) as (address, process), Chromium(chromium, tmp_path / "profile") as browser:
        page = browser.open(f"{address}#sequence=twins&experiment=baseline&tracker=Quick&frame=9", 1400, 900)
        page.until("clip?.name === 'twins' && at === 9 && runs.size === 6")
        assert page.value("by('looked').value") == "Quick" and page.value("by('maps').hidden")
        page.value("by('repetition').value = '2', by('repetition').dispatchEvent(new Event('change'))")
        page.value("by('stage').focus()")
        page.press("m")
        page.until("!by('maps').hidden")
        # The second repetition's own boxes: seed, property and count of initialisations are those
        # of the run.
        assert "the boxes of the results" in page.value("by('maps-state').textContent")
        fields = {"experiment": "baseline", "sequence": "twins", "tracker": "Quick", "repetition": 2}
        found = get(address, "maps", **fields, frame=9)
        assert (found["state"], found["first"], found["seen"], found["differs"]) == ("ready", 0, [0, 9], None)
        share = f", {found['inside'][9]:.0%} of it inside the box".replace("%", " %")
        assert page.value("by('inside').textContent") == share
        wide = "by('attention').getBBox().height === 288 && by('scores').getBBox().width > 700"
        page.until(wide)
        assert serious(page) == []
        # Earlier frames have maps too, later ones none.
        page.press("ArrowLeft")
        page.until(f"at === 8 && by('attention').firstElementChild.getAttribute('href').endsWith('frame=8') && {wide}")
        page.value("go(10)")
        assert page.value("by('maps').hidden")
        # A pointer asks for another tracker's, and stops it.
        page.value("by('looked').value = 'Slow'")
        page.click("#look")
        page.until("by('maps-state').textContent === 'learning the first frame'")
        (child,) = processes.descendants(process.pid)
        assert serious(page) == []
        page.click("#maps-stop")
        page.until("by('maps-state').textContent === 'stopped' && by('maps-stop').hidden")
        wait(lambda: not processes.alive(child), "the tracker is still there")
        for name, words in (
            ("Wrong", "/none.toml"),
            ("Missing", "names a missing program, attrax"),
            ("Other", "Other is not a tracker of attrax"),
            ("Known", "Known is a published result"),
        ):
            page.value(f"by('looked').value = '{name}', by('stage').focus()")
            page.press("m")
            page.until(f"by('maps-state').textContent.includes('{words}')")
            assert page.value("by('maps-state').classList.contains('wrong')")
        small = browser.open(f"{address}#sequence=twins&experiment=baseline&frame=9", 390, 844, dark=True)
        small.until("clip?.name === 'twins' && at === 9 && runs.size === 6")
        small.click("#look")
        small.until(f"!by('maps').hidden && {wide}")
        assert small.value("document.documentElement.scrollWidth") == 390 and serious(small) == []
        assert browser.complaints == [each for each in browser.complaints if "409" in each]
        # A question that is open when the page is left ends with it.
        small.value("by('looked').value = 'Slow', beginMaps(), 0")
        small.until("by('maps-state').textContent === 'learning the first frame'")
        small.call("Page.navigate", url="about:blank")
        wait(lambda: not processes.descendants(process.pid), "the tracker is still there")
        # With the server everything ends: the tracker, and the folder of pictures.
        assert get(address, "maps", **{**fields, "tracker": "Slow"}, frame=9, begin=1)["state"] == "running"
        (child,) = processes.descendants(process.pid)
        (folder,) = Path(f"/proc/{child.pid}/cwd").readlink().parents[:1]
    assert not processes.alive(child) and not folder.exists()


def test_others_are_refused(space: Path):
    with serving(space) as (address, _):
        fields = {"experiment": "baseline", "sequence": "twins", "tracker": "Quick"}
        query = address.partition("?")[2]
        for change, status in (
            ({"frame": FRAMES}, 404),
            ({"frame": "x"}, 400),
            ({"tracker": "../Quick"}, 404),
            ({"repetition": 3}, 404),
        ):
            asked = "&".join(f"{key}={value}" for key, value in {**fields, "begin": 1, **change}.items())
            assert request(address, f"/maps?{query}&{asked}")[0] == status, change
        for path in ("maps", "maps-picture", "maps-stop"):
            assert request(address, f"/{path}?experiment=baseline&sequence=twins&tracker=Quick")[0] == 403
        assert get(address, "maps", **fields) == {"state": "none"}
        assert request(address, f"/maps-picture?{query}&experiment=baseline&sequence=twins&tracker=Quick")[0] == 404


def test_jobs_are_few_and_end_without_a_page(space: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(maps, "PATIENCE", 0.3)
    monkeypatch.setattr(maps, "KEPT", 2)
    monkeypatch.setattr(again, "SEEN", 3)
    study = Study(OpenWorkspace(space), [])
    (sequence,) = study.sequences_of("baseline")
    computed = Maps(study)
    try:
        slow = Wanted("baseline", study.tracker("Slow"), sequence, 1, 5)
        assert computed.begin(slow)["state"] == "running"
        (job,) = computed._jobs.values()
        wait(lambda: job.state == "stopped" and processes.find(job.process.pid) is None, "the tracker is still there")
        monkeypatch.setattr(maps, "PATIENCE", 60)
        folders = []
        for frame in (4, 8):
            wanted = Wanted("baseline", study.tracker("Quick"), sequence, 1, frame)
            computed.begin(wanted)
            wait(lambda wanted=wanted: computed.state(wanted)["state"] == "ready", "there are no maps")
            folders.append(list(computed._jobs.values())[-1].folder)
            assert computed.state(wanted)["seen"] == [frame - 2, frame]
            with Image.open(io.BytesIO(computed.picture(wanted))) as picture:
                assert picture.size[1] == 288
            # Only the last frames have pictures, and nothing is computed twice.
            assert len(list((folders[-1] / "maps").iterdir())) == 3
            assert computed.begin(wanted)["state"] == "ready" and computed._count == 2 + folders.index(folders[-1])
        # The first one, of Slow, is gone; another question ends what is computed.
        assert computed.state(slow) == {"state": "none"} and all(each.exists() for each in folders)
        computed.begin(slow)
        (*_, job) = computed._jobs.values()
        computed.begin(Wanted("baseline", study.tracker("Quick"), sequence, 1, 13))
        assert job.state == "stopped" and processes.find(job.process.pid) is None
    finally:
        computed.close()
    assert not folders[0].exists()


def test_a_stretch_begins_at_the_restart_before_the_frame(two_trackers: Path):
    study = Study(OpenWorkspace(two_trackers), [])
    (sequence,) = [each for each in study.sequences_of("baseline") if each.name == "twins"]
    tracker = study.tracker("Drift")
    run = study.playback("baseline", tracker, sequence, 1)
    starts = [frame for frame, state in enumerate(run.states) if state == "init"]
    lost = run.states.index("lost")
    assert len(starts) > 1 and starts[0] == 0 < lost < starts[1]

    def stretch(frame: int) -> tuple[int, int, int]:
        found = again.stretch(study, Wanted("baseline", tracker, sequence, 1, frame), run)
        return found.first, found.last, found.earlier

    assert stretch(lost) == (0, lost, 0)
    assert stretch(starts[1] + 1) == (starts[1], starts[1] + 1, 1)
    with pytest.raises(again.NoMapsError, match="waits to be put back"):
        stretch(lost + 1)


def test_the_box_is_that_of_the_flag():
    tilted = Polygon([(10, 0), (20, 10), (10, 20), (0, 10)])
    assert again.initial_box(tilted, "bounding") == (0, 0, 20, 20)
    left, top, width, height = again.initial_box(tilted, "equal-area")
    assert width * height == pytest.approx(200) and left + width / 2 == top + height / 2 == pytest.approx(10)
    assert again.initial_box(Rectangle(1, 2, 3, 4), "equal-area") == (1, 2, 3, 4)
    crossing = Polygon([(0, 0), (20, 20), (20, 0), (0, 20)])
    assert again.initial_box(crossing, "equal-area") == (0, 0, 20, 20)
