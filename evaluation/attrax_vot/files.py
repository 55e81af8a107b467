"""Files that appear whole or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a temporary path in the same folder; when the block ends well, that file replaces `path`.

    Raises:
        OSError: the folder or the file cannot be written. The earlier file stays as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        # Errors of writing name no file.
        error.filename = error.filename or str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes, *, into: bool = True) -> None:
    """Writes a file, whole or not at all, unless it already has this content.

    Args:
        path: of the file.
        content: of the file.
        into: whether a missing folder is made.

    Raises:
        OSError: it cannot be written. The earlier file stays as it is.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data:
        return
    if not into and not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with replacing(path) as part:
        part.write_bytes(data)
