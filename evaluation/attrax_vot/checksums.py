"""Checksums of files."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

# Bytes that are read at a time.
PIECE = 1 << 20


def digests(path: Path, *hashes: "_Hash") -> list[str]:
    """A file's checksums by hashes that have taken nothing in yet; the file is read once."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            for each in hashes:
                each.update(piece)
    return [each.hexdigest() for each in hashes]
