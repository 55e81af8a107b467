"""Standard streams that are closed, that are full, or whose reader has gone."""

import errno
import io
import os
import signal
import sys
from typing import Any, TextIO


class _Output(io.FileIO):
    """A descriptor that remembers why it took nothing more: argparse, for one, drops that error."""

    error: OSError | None = None

    def write(self, data: Any) -> int:  # noqa: ANN401 - bytes, or what has them
        """Writes; keeps and raises an error."""
        try:
            return super().write(data)
        except OSError as error:
            self.error = error
            raise


def prepare() -> None:
    """Opens closed standard streams on the null device, and watches standard output.

    A file opened later would take the descriptor of a closed stream.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_WRONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            _replace(number, flags)
    sys.stdout = sys.stdout or _writer(1)
    sys.stderr = sys.stderr or _writer(2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        if sys.stdout is sys.__stdout__:
            output = _Output(1, "w", closefd=False)
            # Without a buffer where PYTHONUNBUFFERED is set.
            buffered = isinstance(sys.stdout.buffer, io.BufferedWriter)
            sys.stdout = io.TextIOWrapper(
                io.BufferedWriter(output) if buffered else output,
                encoding=sys.stdout.encoding,
                line_buffering=sys.stdout.line_buffering,
                write_through=sys.stdout.write_through,
            )
        # Names of files may be bytes without a text.
        sys.stdout.reconfigure(errors="backslashreplace")


def lost() -> OSError | None:
    """Writes what standard output still holds. Returns why not all could be written, after dropping the rest."""
    buffer = getattr(sys.stdout, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    error = raw.error if isinstance(raw, _Output) else None
    try:
        sys.stdout.flush()
    except OSError as last:
        error = error or last
    if error is not None:
        # The interpreter would try again as it ends.
        _replace(1, os.O_WRONLY)
    return error


def status(error: OSError) -> int:
    """Reports why standard output was lost; the exit status is that of a program that SIGPIPE ended, or 1."""
    if error.errno == errno.EPIPE:
        return 128 + signal.SIGPIPE
    complain(f"error: standard output: {error.strerror}")
    return 1


def complain(sentence: str) -> None:
    """Prints a sentence on standard error, where it can be written."""
    try:
        print(sentence, file=sys.stderr, flush=True)
    except OSError:
        # The interpreter would try again as it ends, and change the exit status.
        _replace(2, os.O_WRONLY)


def _replace(number: int, flags: int) -> None:
    """Makes a descriptor one of the null device."""
    null = os.open(os.devnull, flags)
    if null != number:
        os.dup2(null, number)
        os.close(null)


def _writer(number: int) -> TextIO:
    return open(number, "w", closefd=False)
