"""Trackers' processes whose output libtrax can read.

libtrax takes a byte above 127 for the end of a session: a progress bar or an umlaut on standard output or standard
error, which are one pipe, would end a tracker that works. TraX's own messages are ASCII. An answer with an empty region
ends the program that reads it, and one of words is read as zeros.
"""

import os
import re
import subprocess
import threading
from contextlib import suppress
from typing import Any

# Bytes read at a time; a pipe holds as many.
CHUNK = 65536
PLAIN = bytes(code if code < 128 else ord("?") for code in range(256))
ANSWER = b"@@TRAX:state"
# An answer up to its first region, where that is empty or holds other characters than numbers and
# masks do.
ODD = re.compile(rb'(?m)^(@@TRAX:state[ \t]+)"(?![-+0-9.eEmnNaAiIfF, \t]+")[^"\n]*"|^(@@TRAX:state[ \t]+)(?=\n)')
# The code of no region, which is an error as an answer.
NONE = rb'\1\2"0"'


class Process(subprocess.Popen):
    """A process whose standard output arrives with a question mark in place of each byte above 127."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - those of Popen
        """Starts a process with a pipe for its output, and passes the output on."""
        super().__init__(*arguments, **options)
        if self.stdout is None:
            return
        source, (reader, writer) = self.stdout, os.pipe()
        self.stdout = os.fdopen(reader, "rb", 0)
        # What ends this process must not wait for it.
        threading.Thread(target=_pass_on, args=(source, writer), daemon=True).start()


def _pass_on(source: Any, writer: int) -> None:  # noqa: ANN401 - a pipe of bytes
    """Passes everything on until the source ends or the reader has gone."""
    held = b""
    with source, suppress(OSError):
        while data := os.read(source.fileno(), CHUNK):
            data = held + data.translate(PLAIN)
            # What begins like an answer waits for the end of its line.
            whole = data.rfind(b"\n") + 1
            held = data[whole:] if ANSWER.startswith(data[whole : whole + len(ANSWER)]) else b""
            _write(writer, ODD.sub(NONE, data[: len(data) - len(held)]))
        _write(writer, held)
    os.close(writer)


def _write(writer: int, data: bytes) -> None:
    while data:
        data = data[os.write(writer, data) :]
