"""The pages: links lead somewhere, commands are understood, code is valid, and generated pages are up to date."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from pages import BLOCK, PAGES, PROJECT, blocks, name

from attrax_vot import toml
from attrax_vot.cli import parser

ATTRAX = PROJECT / "out" / "bin" / "attrax"
#: Pages that a reader of README reaches; the others are of developers, or of packages.
FOR_READERS = [path for path in PAGES if path.parent.name == "docs"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
#: Programs in commands that are not of this project.
OTHERS = {"pip", "ssh", "cargo", "docker", "apptainer", "curl", "git", "python", "export", "scripts/toolkit-env"}
OTHERS |= {"vot", "out/bin/vot", "sbatch", "git", "cc", "c++"}
#: Messages that other programs print.
NOT_OURS = {"libcupti.so.13: cannot open shared object file", "nan", "none"}


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    """The anchors of a page."""
    text = BLOCK.sub("", path.read_text())
    return {slug(heading) for heading in re.findall(r"^#+ +(.*)$", text, re.MULTILINE)}


def links(path: Path) -> Iterator[tuple[str, Path, str]]:
    """The links of a page to files of the project: as written, the file, and the anchor."""
    for link in LINK.findall(BLOCK.sub("", path.read_text())):
        if not re.match(r"[a-z]+:", link):
            target, _, anchor = link.partition("#")
            yield link, (path.parent / target).resolve() if target else path, anchor


def test_links_lead_somewhere():
    dead = []
    for path in PAGES:
        for link, target, anchor in links(path):
            if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
                dead.append(f"{name(path)}: {link}")
    assert not dead


def test_each_page_is_in_the_list_of_pages():
    listed = {target for _, target, _ in links(PROJECT / "docs/README.md")}
    assert {path for path in FOR_READERS if path.name != "README.md"} <= listed


def test_readme_is_short_and_leads_everywhere():
    readme = PROJECT / "README.md"
    assert len(readme.read_text().split()) <= 600
    # One step to the list, a second one to each page.
    near = {target for _, target, _ in links(readme)}
    far = {target for page in near if page.suffix == ".md" for _, target, _ in links(page)}
    assert {*FOR_READERS, PROJECT / "evaluation" / "README.md"} <= near | far


def commands() -> list[tuple[str, list[str]]]:
    """The commands in the pages: the page and the words, without variables in front."""
    return [(block.page, words) for block in blocks("sh") for words, _ in block.lines()]


def test_commands_are_understood():
    ours, tool = [], parser()
    targets = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    for page, words in commands():
        program, *arguments = words
        if program in ("attrax", "out/bin/attrax"):
            ours.append((page, arguments))
        elif program in ("attrax-vot", "out/bin/attrax-vot"):
            try:
                tool.parse_args(arguments)
            except SystemExit as ended:
                pytest.fail(f"{page}: {shlex.join(words)}: exit {ended.code}")
        elif program == "make":
            wanted = [argument for argument in arguments if "=" not in argument]
            assert set(wanted) <= targets, (page, words)
        else:
            assert program in OTHERS, (page, words)
    if not ATTRAX.is_file():
        pytest.skip("skipped: out/bin/attrax is not built")

    def understood(command: tuple[str, list[str]]) -> str:
        page, arguments = command
        # Flags before --help are parsed, and nothing is run.
        ran = subprocess.run([ATTRAX, *arguments, "--help"], capture_output=True, text=True, cwd=PROJECT)
        return "" if ran.returncode == 0 else f"{page}: attrax {shlex.join(arguments)}: {ran.stderr}"

    assert len(ours) > 10
    with ThreadPoolExecutor(2) as pool:
        assert [line for line in pool.map(understood, ours) if line] == []


def test_code_is_valid():
    for block in blocks("python"):
        page, text = block.page, block.text
        for node in ast.walk(ast.parse(text, page)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attrax"):
                module = importlib.import_module(node.module or "")
                assert all(hasattr(module, each.name) for each in node.names), (page, text)
    for block in blocks("toml"):
        toml.loads(block.text)
    for block in blocks("yaml"):
        yaml.safe_load(block.text)


def test_messages_are_those_of_the_programs():
    sources = [*PROJECT.glob("src/**/*.rs"), *PROJECT.glob("crates/*/src/**/*.rs"), *PROJECT.glob("evaluation/**/*.py")]
    # Literals over several lines are one text.
    text = re.sub(r'\\\n\s*|"\n\s*f?"', "", "\n".join(path.read_text() for path in sources))
    rows = re.findall(r"^\| (`.*?) \|", (PROJECT / "docs/messages.md").read_text(), re.MULTILINE)
    messages = [message for row in rows for message in re.findall(r"`([^`]+)`", row)]
    assert len(messages) > 15
    for message in set(messages) - NOT_OURS:
        # Names in capitals and numbers stand for values.
        parts = [part.strip() for part in re.split(r"\b[A-Z]{1,}\b(?:\.\w+)?|\d+", message)]
        assert all(part in text for part in parts), f"{message}: no program says {parts}"


@pytest.mark.skipif(not ATTRAX.is_file(), reason="skipped: out/bin/attrax is not built")
def test_the_page_of_parameters_is_that_of_the_program():
    made = subprocess.run([PROJECT / "scripts/parameters-page", ATTRAX], capture_output=True, text=True, check=True)
    assert made.stdout == (PROJECT / "docs/parameters.md").read_text(), "make docs writes it again"
