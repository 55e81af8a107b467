"""Ground truth and datasets drawn at random: nothing ends in a traceback, and the toolkit reads what loads."""

import math
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from vot.region import Special
from vot.region.io import parse_region

from attrax_vot.cli import main
from attrax_vot.datasets import frames, text, truth
from attrax_vot.run import workspace

hypothesis = pytest.importorskip("hypothesis", reason="skipped: the package hypothesis is not installed")
given, settings, st = hypothesis.given, hypothesis.settings, hypothesis.strategies

BOX = "3,2,9,8"
# Everything at equal seeds: a failure is one for everybody.
settings.register_profile("attrax", deadline=None, derandomize=True, database=None)
settings.load_profile("attrax")

numbers = st.one_of(
    st.integers(-50, 200).map(str),
    st.floats().map(str),
    st.sampled_from(["", "nan", "-inf", "1e309", "0", "-0", "1_0", ".5", "5.", "+7", "0x1", "٣", "²", "1,5", "--1"]),
)
separators = st.sampled_from([",", " ", "\t", ";", ", ", ",,", " ,", "\x0b", "\u00a0"])
lines = st.one_of(
    st.builds(lambda found, separator: separator.join(found), st.lists(numbers, max_size=10), separators),
    st.builds(lambda found: "m" + ",".join(map(str, found)), st.lists(st.integers(-2, 12), max_size=9)),
    st.text(max_size=12),
    st.just(BOX),
)


@settings(max_examples=500)
@given(lines)
def test_a_line_is_read_or_refused(line: str):
    """What is read is what the toolkit reads of the text that is written for it."""
    row = truth.parse(line)
    if row.error:
        assert row.bounds is None and row.absent == ""
        return
    assert (row.bounds is None) == bool(row.absent)
    region = parse_region(row.text)
    if row.bounds is None:
        assert isinstance(region, Special) or region.is_empty() or not any(map(math.isfinite, row.numbers[:1]))
    else:
        assert region.bounds() is not None
        assert truth.parse(row.text).bounds == pytest.approx(row.bounds, rel=1e-6, abs=1e-6)
    if row.plain:
        assert str(parse_region(line.strip())) == str(region)


@settings(max_examples=300)
@given(st.integers(0, 8), st.integers(0, 8), st.data())
def test_a_mask_has_the_bounds_of_its_ones(width: int, height: int, data):
    area = width * height
    runs = data.draw(st.lists(st.integers(0, area + 1), max_size=8))
    row = truth.parse("m" + ",".join(map(str, [5, 7, width, height, *runs])))
    assert bool(row.error) == (sum(runs) > area)
    if row.error:
        return
    flat = np.zeros(area, bool)
    start = 0
    for place, run in enumerate(runs):
        flat[start : start + run] = place % 2
        start += run
    down, across = np.nonzero(flat.reshape(height, width)) if area else ([], [])
    if len(down) == 0:
        assert row.absent == "empty mask"
    else:
        assert row.bounds == (5 + min(across), 7 + min(down), 5 + max(across) + 1, 7 + max(down) + 1)


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_text(data: bytes):
    found = text.lines(text.decode(data))
    assert all("\n" not in line and "\r" not in line for line in found)
    assert not found or found[-1].strip()


stems = st.one_of(
    st.integers(0, 30).map(lambda number: f"{number:04d}"),
    st.floats(0, 30, allow_subnormal=False).map(str),
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=6),
)


@settings(max_examples=300)
@given(st.lists(stems, unique=True, max_size=12))
def test_any_names_have_an_order(names: list[str]):
    found = sorted((Path(f"{name}.jpg") for name in names), key=frames._order)
    backward = found[::-1]
    assert sorted(backward, key=frames._order) == found
    counts = [name for name in found if name.stem.isascii() and name.stem.isdigit()]
    assert [int(name.stem) for name in counts] == sorted(int(name.stem) for name in counts)


encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"])
described = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["channels.color", "channels.depth", "length", "fps", "width", "height", "groundtruth"]),
            st.sampled_from(
                ["color/%08d.jpg", "color/%d.jpg", "color", "%s", "7", "-1", "x", "", "../car/color/%08d.jpg"]
            ),
        ),
        st.tuples(st.text(max_size=4), st.text(max_size=6)),
    ),
    max_size=5,
)


@st.composite
def datasets(draw) -> dict[str, bytes]:
    """Files of a dataset by path; frames are images of their own grey."""
    files: dict[str, bytes] = {}
    for name in draw(
        st.lists(st.sampled_from(["car", "a b", "-x", "100%", "[y]"]), min_size=1, max_size=3, unique=True)
    ):
        place = draw(st.sampled_from(["color/", "color/color/", "", "img/", "elsewhere/"]))
        first, count = draw(st.integers(0, 3)), draw(st.integers(0, 5))
        digits, suffix = draw(st.sampled_from([0, 4, 8])), draw(st.sampled_from([".jpg", ".JPG", ".png"]))
        for number in range(first, first + count):
            if not draw(st.integers(0, 9)):
                continue
            files[f"{name}/{place}{number:0{digits}d}{suffix}"] = b"frame" if draw(st.integers(0, 30)) else b"broken"
        rows = draw(st.lists(st.one_of(st.just(BOX), st.just(BOX), lines), max_size=6))
        encoding, end = draw(encodings), draw(st.sampled_from(["\n", "\r\n", "\r"]))
        file = draw(
            st.sampled_from(["groundtruth.txt", "groundtruth.txt", "groundtruth_a.txt", "groundtruth_rect.txt"])
        )
        files[f"{name}/{file}"] = end.join(rows).encode(encoding, "replace")
        if draw(st.booleans()):
            whole = "".join(f"{key}={value}\n" for key, value in draw(described))
            files[f"{name}/sequence"] = whole.encode(encoding, "replace")
        if draw(st.booleans()):
            files[f"{name}/anchor.value"] = "\n".join(draw(st.lists(numbers, max_size=7))).encode(encoding, "replace")
    if draw(st.booleans()):
        entries = draw(st.lists(st.sampled_from(["car", "a b", "-x", "..", "/", "100%", "", "é", "car/."]), max_size=4))
        files["list.txt"] = "\n".join(entries).encode(draw(encodings), "replace")
    return files


@settings(max_examples=60, suppress_health_check=list(hypothesis.HealthCheck))
@given(datasets())
def test_a_dataset_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]):
    """`check` and `init` end with a status, and the toolkit reads what `init` made."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp()))
    try:
        for name, data in files.items():
            path = folder / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if data == b"frame":
                Image.new("RGB", (30, 20), "grey").save(path)
            else:
                path.write_bytes(data)
        (folder / "trackers.ini").touch()
        before = {path: path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file()}
        assert main(["check", str(folder / "data")]) in (0, 1)
        common = ["--dataset", str(folder / "data"), "--registry", str(folder / "trackers.ini"), "--skip-damaged"]
        if main(["init", str(folder / "space"), *common]) == 0:
            for sequence in workspace.load(folder / "space").dataset:
                assert len(sequence.groundtruth()) == len(sequence) > 0
                assert sequence.size == (30, 20)
                assert not isinstance(sequence.groundtruth(0), Special)
        assert {path: path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file()} == before
        outside = {path.name for path in folder.iterdir()} - {"data", "space", "trackers.ini"}
        assert not outside
    finally:
        shutil.rmtree(folder)
