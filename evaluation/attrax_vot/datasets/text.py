"""Text files of datasets: any encoding and line ending, and limited sizes."""

import re
from pathlib import Path

# Bytes; ground truth of ten thousand frames with masks takes about 50 MB.
LARGEST = 128 << 20


def read(path: Path) -> str:
    """The text of a file: UTF-8 or UTF-16 with a byte order mark, UTF-8, or else Latin-1, which takes any bytes.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger than 128 MiB.
    """
    if not path.is_file():
        raise OSError(f"{path} is not a regular file" if path.exists() else f"{path}: there is no such file")
    if path.stat().st_size > LARGEST:
        raise OSError(f"{path} has {path.stat().st_size} bytes; text files are limited to {LARGEST}")
    return decode(path.read_bytes())


def decode(data: bytes) -> str:
    """The text of bytes, as `read` says."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def lines(text: str) -> list[str]:
    """The lines of a text, whatever ends them, without the blank ones at its end."""
    found = _split(text)
    while found and not found[-1].strip():
        found.pop()
    return found


def ends_blank(text: str) -> bool:
    """Whether a text ends with a blank line."""
    found = _split(text)
    if not found[-1]:
        found.pop()
    return bool(found) and not found[-1].strip()


def _split(text: str) -> list[str]:
    # Not `splitlines`, which also splits at form feeds and a dozen other characters.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def plain(data: bytes) -> bool:
    """Whether a program that expects UTF-8 without a byte order mark reads bytes as `decode` does."""
    if data.startswith(b"\xef\xbb\xbf"):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def escaped(sentence: str) -> str:
    """A sentence without control characters, which a terminal would obey."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", sentence)


def ranges(numbers: list[int]) -> str:
    """Numbers in ascending order as text: `3-5, 9`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [f"{first}" if first == last else f"{first}-{last}" for first, last in runs[:8]]
    return ", ".join(shown) + (f" and {len(runs) - 8} more ranges" if len(runs) > 8 else "")
