"""What a file is, from its first bytes."""

from enum import Enum
from pathlib import Path

from attrax_vot.weights.errors import WeightsError

#: Bytes that are enough to tell: a tar archive says so at 257, HDF5 in a MATLAB file at 512.
PREFIX = 520
#: How files of PyTorch before 1.6 start: pickle protocol 2, and the magic number as an integer of
#: ten bytes.
OLD_TORCH = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


class Format(str, Enum):
    """A format that weights come in."""

    SAFETENSORS = "safetensors"
    TORCH_ZIP = "PyTorch zip"
    TORCH_OLD = "old PyTorch"
    MATLAB = "MATLAB 5"

    def __str__(self) -> str:
        """Its name for people."""
        return self.value


def detect(path: Path) -> Format:
    """The format of a file, whatever its name.

    Raises:
        WeightsError: where it is of no known format; it says what the file is instead.
    """
    # Asked before opening, because opening a pipe waits for its other end.
    if not path.exists():
        raise WeightsError(path, "No such file")
    if not path.is_file():
        raise WeightsError(path, "is not a regular file")
    try:
        with path.open("rb") as file:
            prefix = file.read(PREFIX)
    except OSError as error:
        raise WeightsError(path, error.strerror or str(error)) from error
    header = int.from_bytes(prefix[:8], "little")
    if prefix.startswith(b"PK\x03\x04"):
        return Format.TORCH_ZIP
    if prefix.startswith(OLD_TORCH):
        return Format.TORCH_OLD
    if prefix[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):
        return Format.MATLAB
    if prefix[8:9] == b"{" and header <= path.stat().st_size:
        return Format.SAFETENSORS
    raise WeightsError(path, f"not a file of weights: {_instead(prefix)}")


def _instead(prefix: bytes) -> str:
    """What a file of no known format is, and what to do about it."""
    if not prefix:
        return "it is empty"
    if b"\x89HDF" in (prefix[:4], prefix[512:516]) or prefix[124:128] == b"\x00\x02IM":
        return "it is a MATLAB 7.3 (HDF5) file; save it with -v7 instead"
    if prefix[257:262] == b"ustar":
        return "it is a tar archive; where an early PyTorch wrote it, load and save it with a current one"
    if prefix.lstrip().startswith(b"<"):
        return "it is a web page; the download went wrong"
    if prefix.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; fetch the file itself with 'git lfs pull'"
    return "it is neither safetensors, nor PyTorch, nor MATLAB 5"
