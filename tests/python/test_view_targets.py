"""Several targets in `attrax view`: drawn, named, corrected one by one, added, ended, exported."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import serious
from chromium import Chromium, Page
from conftest import shorten
from pycocotools import coco
from test_track_walk import ATTRAX
from test_view import request, saved, view

pytestmark = pytest.mark.skipif(not ATTRAX.is_file(), reason="out/bin/attrax is not built: make build")

COUNT = 7
FIRST, SECOND, THIRD, CORRECTED = [60, 60, 60, 60], [150, 90, 40, 40], [200, 30, 50, 60], [140, 80, 50, 40]


@pytest.fixture(scope="module")
def frames(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of a sequence of the demo."""
    return shorten(demo, tmp_path_factory.mktemp("view") / "short", {"turning": COUNT}) / "turning" / "color"


@pytest.fixture
def page(frames: Path, chromium: str, tmp_path: Path) -> Iterator[Page]:
    """The page of these frames, without maps."""
    with view(frames) as (_, address), Chromium(chromium, tmp_path / "profile") as browser:
        opened = browser.open(address, 1400, 900)
        opened.until("!by('main').hidden && by('frame').naturalWidth")
        opened.value("(by('maps').checked = false, by('preset').value = 'mdnet')")
        yield opened
        assert browser.complaints == []


def drawn(page: Page, box: list[int]) -> None:
    """Draws the selected target's box over the shown frame, with the mouse."""
    left, top, width, height = box
    size = page.value("[about.width, about.height]")
    corners = [(left, top), (left + width / 2, top + height / 2), (left + width, top + height)]
    page.drag("#stage", [(x / size[0], y / size[1]) for x, y in corners])
    assert page.value("target().box") == pytest.approx(box, abs=1.5)
    # Exact, for the comparison with the command line.
    page.value(f"setBox({box})")


def table(page: Page, folder: Path) -> list[dict[str, str]]:
    """The saved boxes."""
    (folder / "boxes.csv").unlink(missing_ok=True)
    return list(csv.DictReader(saved(page, "#boxes", folder / "boxes.csv").decode().splitlines()))


def ended(page: Page, run: int) -> None:
    """Waits for the end of a run."""
    page.until(f"news.run === {run} && news.phase === 'ended'")


def repeated(page: Page) -> list[dict[str, str]]:
    """What the page's command line gives."""
    page.until("by('command').textContent")
    line = page.value("ask('command', { run: news.run }).then((answer) => answer.json())")
    assert line["line"], line
    ran = subprocess.run([ATTRAX, *shlex.split(line["line"])[1:]], capture_output=True, text=True, check=True)
    return list(csv.DictReader(ran.stdout.splitlines()))


def of(target: int, row: dict[str, str]) -> list[str]:
    """A row's columns of a target, counted from 1."""
    prefix = "" if target == 1 else f"target{target}_"
    return [row[f"{prefix}{name}"] for name in ("x", "y", "width", "height", "confidence", "found", "probability")]


def test_targets_are_drawn_corrected_added_and_ended(page: Page, frames: Path, tmp_path: Path):
    drawn(page, FIRST)
    page.press("a")
    drawn(page, SECOND)
    # A name with everything that an address cannot hold.
    name = "Frau & Müller=#1"
    page.value(f"(by('name').value = {json.dumps(name)}, by('name').onchange())")
    assert page.value("by('both').disabled && document.querySelectorAll('#drawn .mark').length === 2")
    assert serious(page) == []
    page.value("document.activeElement.blur()")
    page.press("s")
    ended(page, 1)
    assert page.value("document.querySelectorAll('#chart polyline').length") == 2
    assert page.value("news.names.join('; ')") == f"target 1; {name}"
    # Both are followed as by the command line.
    rows = table(page, tmp_path)
    assert len(rows) == COUNT and rows == repeated(page)

    # A click on a target's box selects it; its correction leaves the other one alone.
    page.value("(select(0), seek(4))")
    box = page.value("shot().seen[1].box")
    middle = ((box[0] + box[2] / 2) / 320, (box[1] + box[3] / 2) / page.value("about.height"))
    page.drag("#stage", [middle])
    assert page.value("[current, by('name').value].join()") == f"1,{name}"
    drawn(page, CORRECTED)
    page.click("#correct")
    ended(page, 2)
    corrected = table(page, tmp_path)
    assert [of(1, row) for row in corrected] == [of(1, row) for row in rows]
    assert [of(2, row) for row in corrected[:4]] == [of(2, row) for row in rows[:4]]
    assert of(2, corrected[4])[:4] == [f"{value:.3f}" for value in CORRECTED]
    assert [of(2, row) for row in corrected[5:]] != [of(2, row) for row in rows[5:]]
    assert corrected == repeated(page)

    # A third one begins in a later frame; the others are not tracked again.
    page.value("seek(2)")
    page.click("#add")
    drawn(page, THIRD)
    assert page.value("by('correct').textContent") == "Follow this one too"
    page.press("c")
    ended(page, 3)
    three = table(page, tmp_path)
    assert all([of(1, row), of(2, row)] == [of(1, old), of(2, old)] for row, old in zip(three, corrected, strict=True))
    assert of(3, three[1]) == [""] * 7 and of(3, three[2])[:4] == [f"{value:.3f}" for value in THIRD]
    assert page.value("document.querySelectorAll('#chart polyline').length") >= 3

    # The second one ends.
    page.value("(select(1), seek(5))")
    page.press("e")
    page.until("news.run === 4 && targets[1].end === 5")
    assert page.value("by('end').disabled") and page.value("shot(5).seen[1]") is None
    rows = table(page, tmp_path)
    assert of(2, rows[4])[5] == "1" and of(2, rows[5]) == of(2, rows[6]) == [""] * 7
    assert [of(3, row) for row in rows] == [of(3, row) for row in three]
    assert rows == repeated(page)
    exported(page, rows, frames, tmp_path)
    reloaded(page, name)


def reloaded(page: Page, name: str) -> None:
    """Loaded again the page knows the targets."""
    page.call("Page.reload")
    page.until("typeof targets === 'object' && news?.run === 4 && frames.length === 7")
    assert page.value("[targets.length, targets[1].name, targets[1].end].join('; ')") == f"3; {name}; 5"
    assert serious(page) == []


def exported(page: Page, rows: list[dict[str, str]], frames: Path, folder: Path) -> None:
    """Every format holds what the table holds."""

    def save(kind: str, name: str) -> Path:
        page.value(f"by('format').value = '{kind}'")
        saved(page, "#export", folder / name)
        return folder / name

    found = [[of(target, row) for target in (1, 2, 3)] for row in rows]
    seen = [
        (number, target) for number, row in enumerate(found, 1) for target in (1, 2, 3) if row[target - 1][5] == "1"
    ]
    read = coco.COCO(str(save("coco", "coco.json")))
    assert [each["name"] for each in read.loadCats(read.getCatIds())] == ["target", "Frau & Müller=#1"]
    annotations = read.loadAnns(read.getAnnIds())
    assert sorted((each["image_id"], each["track_id"]) for each in annotations) == seen
    for each in annotations:
        box = [float(value) for value in found[each["image_id"] - 1][each["track_id"] - 1][:4]]
        assert each["bbox"] == pytest.approx(box, abs=1e-3) and each["category_id"] == 1 + (each["track_id"] == 2)
    lines = save("mot", "mot.txt").read_text().splitlines()
    assert [tuple(map(int, line.split(",")[:2])) for line in lines] == seen
    assert save("cvat", "cvat.xml").read_text().count("<track ") == 3
    with tarfile.open(save("yolo", "yolo.tar")) as labels:
        assert labels.extractfile("labels/classes.txt").read().decode() == "target\nFrau & Müller=#1\n"
        assert len(labels.extractfile("labels/00000003.txt").readlines()) == sum(number == 3 for number, _ in seen)
    # Of the selected target.
    page.value("select(0)")
    with tarfile.open(save("sequence", "sequence.tar")) as sequence:
        copy = sequence.extractfile("target 1/color/00000001.jpg").read()
        truth = sequence.extractfile("target 1/groundtruth.txt").read().decode()
    assert copy == sorted(frames.iterdir())[0].read_bytes()
    assert truth == save("groundtruth", "groundtruth.txt").read_text()
    assert [float(value) for value in truth.splitlines()[0].split(",")] == FIRST


def test_what_cannot_be_followed_is_refused(frames: Path):
    with view(frames) as (_, address):
        query = f"{address.partition('?')[2]}&page=one"
        nine = "&".join(f"box{number or ''}=10,10,20,20" for number in (0, *range(2, 10)))
        for more, words in (
            (nine, "8 targets at most"),
            ("box=1,2,30,40&box2=1,2,30", "four numbers"),
            ("box=1,2,30,40&box2=1,2,30,40&from2=x", "from2: a whole number"),
            ("box=1,2,30,40&box2=1,2,30,40&from2=7", f"the clip has {COUNT} frames"),
            ("box=1,2,30,40&box2=1,2,30,40&also=mdnet", "by one tracker"),
            (f"box=1,2,30,40&name={'x' * 41}", "40 characters"),
            ("box=1,2,30,40&name=a%0Ab", "in one line"),
        ):
            status, text = request(address, f"/start?{query}&preset=mdnet&{more}", "POST")
            assert status == 400 and words in text, more
        for path in (
            "end?run=1&frame=1",
            "name?run=1&name=a",
            "export?run=1&format=coco",
            "live?tick=1",
            "frozen?picture=1",
        ):
            method = "POST" if path[:3] in ("end", "nam") else "GET"
            assert request(address, f"/{path}&{query}", method)[0] in (400, 404), path
        assert request(address, f"/freeze?{query}", "POST") == (400, "there is no camera")
