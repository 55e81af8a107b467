"""The pages of the project and the code blocks in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PATTERNS = ("*.md", "docs/*.md", "evaluation/README.md", "crates/*/README.md")
PAGES = sorted(path for pattern in PATTERNS for path in PROJECT.glob(pattern))
BLOCK = re.compile(r"^```(\w[\w,]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# In front of a block: nothing of it is run, or no line that has the words in parentheses.
NOT_RUN = re.compile(r"^<!-- not run(?: \(([^)]+)\))?: (\S[^\n]*) -->\n+", re.MULTILINE)
_MARKED = re.compile(rf"((?:{NOT_RUN.pattern})*){BLOCK.pattern}", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        page: its page, relative to the project.
        language: of the code.
        text: the code.
        excused: words of lines that are not run, with the reason; no words stand for all lines.
    """

    page: str
    language: str
    text: str
    excused: dict[str, str] = field(default_factory=dict)

    @property
    def is_run(self) -> bool:
        """Whether any of it is run."""
        return "" not in self.excused

    def lines(self) -> Iterator[tuple[list[str], bool]]:
        """The commands of a shell's block without comments and variables in front, and whether each is run."""
        for line in self.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words:
                yield words, not any(part in line for part in self.excused)


def name(path: Path) -> str:
    """A page's path in the project."""
    return str(path.relative_to(PROJECT))


def blocks(*languages: str) -> list[Block]:
    """The code blocks of the pages in some languages."""
    found = []
    for path in PAGES:
        for block in _MARKED.finditer(path.read_text()):
            language, text = block.groups()[-2:]
            excused = dict(NOT_RUN.findall(block[1]))
            if language.split(",")[0] in languages:
                found.append(Block(name(path), language, text, excused))
    return found
