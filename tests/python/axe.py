"""axe-core on a page of the browser: what people who see little, or use keys or a screen reader, cannot use."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from chromium import Page

#: A test tool that has axe-core in it; it is not imported.
PACKAGE = "axe_playwright_python"
#: Findings of these impacts fail a test.
SERIOUS = ("serious", "critical")


@cache
def _source() -> str | None:
    """axe-core's script."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.rglob("axe.min.js"))
    return found[0].read_text() if found else None


def serious(page: Page) -> list[str]:
    """The serious and critical findings on a page as it stands, a sentence each."""
    source = _source()
    if source is None:
        pytest.skip("skipped: no axe-core among the test tools; scripts/test-tools installs it")
    if page.value("typeof window.axe") == "undefined":
        page.value(f"{source};0")
    found = json.loads(page.value("axe.run(document, { resultTypes: ['violations'] }).then(JSON.stringify)"))
    # A check that found nothing because it did nothing is none.
    assert found["passes"] or found["violations"], found
    sentences = []
    for rule in found["violations"]:
        if rule["impact"] in SERIOUS:
            places = [" ".join(map(str, node["target"])) for node in rule["nodes"]]
            sentences.append(f"{rule['id']} ({rule['impact']}): {rule['help']}: {', '.join(places)}")
    return sentences
