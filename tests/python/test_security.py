"""SECURITY.md names tests that exist: functions of Python and Rust files, rows of tables, and files."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: A file in backquotes, with or without the name of a test in it.
NAMED = re.compile(r"`([\w./-]+\.(?:py|rs|toml))(?:::([^`]+))?`")


def is_there(path: str, name: str | None) -> bool:
    """Whether a file is there and has a test of this name."""
    file = ROOT / path
    if not file.is_file():
        return False
    text = file.read_text()
    if name is None:
        return True
    if file.suffix == ".toml":
        return f'name = "{name}"' in text
    return re.search(rf"^\s*(?:async )?(?:def|fn) {re.escape(name)}\b", text, re.MULTILINE) is not None


def test_each_promise_has_a_test():
    promises, missing = 0, []
    for line in (ROOT / "SECURITY.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or cells == ["promise", "test"]:
            continue
        promises += 1
        tests = NAMED.findall(cells[1])
        assert tests, f"no test is named: {cells[0]}"
        missing += [f"{path}::{name}" for path, name in tests if not is_there(path, name or None)]
    assert promises > 25
    assert not missing
    # What is looked for can be missing.
    assert not is_there("SECURITY.md.rs", None)
    assert not is_there("tests/python/test_security.py", "test_that_is_not_there")
