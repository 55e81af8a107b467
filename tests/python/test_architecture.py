"""The walls of docs/architecture.md: between crates, between rooms of the tracker, and between files of a room."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from attrax_vot import toml

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs/architecture.md").read_text()
TRACKER = PROJECT / "crates/attrax-tracker/src"


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading of the page."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def code(path: Path) -> str:
    """The code of a file: no comments, no texts, no test modules."""
    text = re.sub(r"//[^\n]*", "", path.read_text())
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
    kept: list[str] = []
    skipping: str | None = None
    for line in text.splitlines():
        if skipping is not None:
            if line.startswith(skipping):
                skipping = None
        elif re.match(r"\s*#\[cfg\(.*\b(test|feature)\b", line):
            skipping = re.match(r"\s*", line)[0] + "}"  # type: ignore[index]
        else:
            kept.append(line)
    return "\n".join(kept)


def leaves(tree: str) -> Iterator[list[str]]:
    """The paths of a `use` tree, such as `a::{b, c::d}`, as lists of names."""
    head, brace, rest = tree.partition("{")
    prefix = [name for name in (part.strip().split(" as ")[0] for part in head.split("::")) if name]
    if not brace:
        yield prefix
        return
    depth, start, inner = 0, 0, rest[: rest.rindex("}")]
    for place, letter in enumerate(inner + ","):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            if item := inner[start:place].strip():
                yield from (prefix + tail for tail in leaves(item))
            start = place + 1


def module(path: Path) -> list[str]:
    """The module that a file is, from the crate's root."""
    names = list(path.relative_to(TRACKER).with_suffix("").parts)
    return names[:-1] if names[-1] in ("mod", "lib") else names


def reexports(path: Path) -> dict[str, list[str]]:
    """What a module's file passes on: the name, and the path where it is defined."""
    found = {}
    for tree in re.findall(r"\bpub(?:\([^)]*\))? use self::([^;]+);", code(path)):
        for leaf in leaves(tree):
            found[leaf[-1]] = module(path) + leaf
    return found


FRONT = reexports(TRACKER / "lib.rs")
FILES = sorted(TRACKER.rglob("*.rs"))


def used(path: Path) -> Iterator[list[str]]:
    """The paths from the crate's root that a file names in `use` lines and elsewhere."""
    text, here = code(path), module(path)
    trees = re.findall(r"\buse ([^;]+);", text)
    trees += re.findall(r"\b(?:crate|super)(?:::\w+)+", re.sub(r"\buse [^;]+;", "", text))
    for names in (leaf for tree in trees for leaf in leaves(tree)):
        if names[0] == "crate":
            absolute = names[1:]
        elif names[0] in ("self", "super"):
            ups = next(place for place, name in enumerate([*names, ""]) if name != "super")
            absolute = here[: len(here) - ups] + names[ups:] if ups else here + names[1:]
        else:
            continue
        yield FRONT.get(absolute[0], absolute) if len(absolute) == 1 else absolute


def rooms_used(path: Path) -> set[str]:
    return {names[0] for names in used(path) if names} - {module(path)[0]}


ORDER = [cell.strip("`") for cell, *_ in table("The order inside the tracker")]


def test_page_lists_every_room() -> None:
    rooms = {module(path)[0] for path in FILES if path.name != "lib.rs"}
    assert sorted(ORDER) == sorted(rooms)


def test_no_room_uses_one_above_it() -> None:
    up = [
        f"{path.relative_to(TRACKER)} uses {other}"
        for path in FILES
        if path.name != "lib.rs"
        for other in sorted(rooms_used(path))
        if ORDER.index(other) > ORDER.index(module(path)[0])
    ]
    assert not up, "arrows that run up: " + "; ".join(up)


def test_arrows_are_seen() -> None:
    """The reader of `use` lines finds what is known to be there, through re-exports too."""
    assert {"learner", "learning", "model", "geometry", "error"} <= rooms_used(TRACKER / "target.rs")
    assert list(leaves("a::{b, c::{d, e as f}}")) == [["a", "b"], ["a", "c", "d"], ["a", "c", "e"]]


@pytest.mark.parametrize("room", sorted(path.parent.name for path in TRACKER.glob("*/mod.rs")))
def test_no_circle_between_the_files_of_a_room(room: str) -> None:
    """`mod.rs` is the room's door: it uses its files, and they use the types that it defines."""
    folder = TRACKER / room
    names = {path.stem for path in folder.glob("*.rs")} - {"mod"}
    passed_on = reexports(folder / "mod.rs")
    graph: dict[str, set[str]] = {}
    for name in names:
        inside = [path for path in used(folder / f"{name}.rs") if path[:1] == [room] and len(path) > 1]
        targets = {passed_on.get(path[1], path)[1] for path in inside}
        graph[name] = (targets & names) - {name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle in {room}: {' -> '.join(error.args[1])}")


def test_tracker_is_implemented_in_one_file() -> None:
    files = [path.name for path in FILES if re.search(r"^impl(<[^>]*>)? Tracker\b", code(path), re.MULTILINE)]
    assert files == ["target.rs"]


def test_crates_use_what_the_page_says() -> None:
    rows = table("The crates")
    own = {row[0].strip("`") for row in rows}
    for name, folder, allowed in (row[:3] for row in rows):
        manifest = toml.loads((PROJECT / folder.strip("`") / "Cargo.toml").read_text())
        assert manifest["package"]["name"] == name.strip("`")
        wanted = set()
        for key, entry in manifest.get("dependencies", {}).items():
            wanted.add(entry.get("package", key) if isinstance(entry, dict) else key)
        assert wanted & own == set(re.findall(r"`([^`]+)`", allowed)), name


def test_paths_of_the_page_exist() -> None:
    """Paths with a folder, from the clone's root or the tracker's; generated ones are in `out`."""
    paths = [path for path in re.findall(r"`([\w./-]+/[\w.-]*)`", PAGE) if not path.startswith("out/")]
    assert len(paths) > 30
    missing = [path for path in paths if not (PROJECT / path).exists() and not (TRACKER / path).exists()]
    assert not missing


def test_no_two_classes_of_python_share_a_name():
    found = Counter(
        node.name
        for path in sorted((PROJECT / "evaluation").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert found["Run"] == 1
    assert [name for name, times in found.items() if times > 1] == []
