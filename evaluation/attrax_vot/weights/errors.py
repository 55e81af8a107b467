"""What can be wrong with a file of weights."""

from pathlib import Path

from attrax_vot.errors import EvaluationError

#: Characters of a file's own text in a message, and names of tensors.
LONGEST, SHOWN = 200, 8


class WeightsError(EvaluationError):
    """Why weights cannot be read, converted or used: one line that begins with the file's name."""

    def __init__(self, path: Path, problem: str) -> None:
        """An error of the file `path`; `problem` may be of several lines, and becomes one."""
        super().__init__(f"{path}: {one_line(problem, 4 * LONGEST)}")


def one_line(text: str, longest: int = LONGEST) -> str:
    """Text from a file, or of a library, as a single line of bounded length."""
    line = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    return line if len(line) <= longest else line[:longest] + "..."


def available(names: list[str]) -> str:
    """Some of the names of a file's tensors, in a few words."""
    if not names:
        return "the file holds no tensors"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"the file holds {', '.join(one_line(name) for name in sorted(names)[:SHOWN])}{more}"
