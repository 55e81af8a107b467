"""A tracker's process driven by the real TraX client of ``vot-trax``, and what is left to look at when it is over.

The commands under test come from the environment variable ``TRAX_SERVERS`` (several separated by ``;``); without it the
example ``still_session`` is taken, which is attrax's session around a core that never moves. Examples are built when
they are needed, unless ``TRAX_EXAMPLES`` names the folder where they are already.
"""

from __future__ import annotations

import ctypes
import math
import os
import shlex
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from trax import TraxException
from trax._ctypes import _libs
from trax.client import Client
from trax.image import BufferImage, FileImage, MemoryImage
from trax.region import Polygon, Rectangle

ROOT = Path(__file__).resolve().parents[2]

#: Seconds after which a process that has not ended is killed, and its test fails.
PATIENCE = float(os.environ.get("TRAX_PATIENCE", "120"))


def example(name: str) -> str:
    """The path of one of the examples that need no libtorch."""
    if folder := os.environ.get("TRAX_EXAMPLES"):
        return str(Path(folder).resolve() / name)
    package = "attrax-session" if name == "still_session" else "trax-rs"
    command = ["cargo", "build", "--quiet", "--package", package, "--example", name]
    subprocess.run(command, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str(target / "debug" / "examples" / name)


def servers() -> list[str]:
    """The commands under test."""
    return [command.strip() for command in os.environ.get("TRAX_SERVERS", "").split(";") if command.strip()]


class Server:
    """A process under test and the client that talks to it."""

    def __init__(self, command: str, *, use_socket: bool = False, patience: float = PATIENCE, env: dict | None = None):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TRAX_")}
        environment.update(env or {})
        self._listener = None
        if use_socket:
            self._listener = socket.create_server(("127.0.0.1", 0))
            environment["TRAX_SOCKET"] = str(self._listener.getsockname()[1])
        self.killed = False
        self.transcript = []
        self.process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            bufsize=0,
        )
        self._timer = threading.Timer(patience, self._kill)
        self._timer.start()
        self.client = None

    def _log(self, data) -> None:
        self.transcript.append(data)

    def _kill(self) -> None:
        self.killed = True
        self.process.kill()

    def connect(self) -> Server:
        """Waits for the tracker's introduction."""
        # The client needs a log; this one keeps the lines of both directions.
        if self._listener is not None:
            self.client = Client(stream=self._listener.fileno(), timeout=int(PATIENCE), log=self._log)
        else:
            self.client = Client(stream=(self.process.stdin.fileno(), self.process.stdout.fileno()), log=self._log)
        # libtrax calls it up to the moment when the client has been taken apart.
        self._callback = self.client._clogger
        return self

    def initialize(self, image, *regions):
        """Sends the first frame; gives the regions and properties of the answer."""
        return self.client.initialize({"color": image}, [(region, {}) for region in regions], {})[0]

    def frame(self, image, *added):
        """Sends a frame, perhaps with objects to add; gives the regions and properties of the answer."""
        return self.client.frame({"color": image}, {}, [(region, {}) for region in added])[0]

    def write(self, data: bytes) -> None:
        """Sends raw bytes past the client."""
        self.process.stdin.write(data)

    def close_input(self) -> None:
        """Closes the tracker's standard input, and nothing else."""
        self._replace(self.process.stdin)

    def close_output(self) -> None:
        """Closes the reading end of the tracker's standard output, and nothing else."""
        self._replace(self.process.stdout)

    @staticmethod
    def _replace(stream) -> None:
        # The client still uses the descriptor's number, which must not become another file's.
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)

    def farewell(self) -> None:
        """Lets the client quit, and keeps it from saying so again when it is collected."""
        if self.client is not None:
            self.client.quit()

    def end(self) -> tuple[int, str, str]:
        """Closes the connection and waits: exit code, what is left on standard output, and standard error."""
        self.farewell()
        self.close_input()
        output = self.process.stdout.read().decode(errors="replace")
        errors = self.process.stderr.read().decode(errors="replace")
        code = self.process.wait()
        self.close()
        return code, output, errors

    def close(self) -> None:
        """Ends the processes and closes the sockets."""
        self._timer.cancel()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if not self.process.stdin.closed:
            self.farewell()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        if self._listener is not None:
            self._listener.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def texture(width: int = 64, height: int = 48, seed: int = 7) -> np.ndarray:
    """Smooth noise, so that a tracker has something to hold on to: ``height x width x 3`` bytes."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    return np.asarray(Picture.fromarray(noise).resize((width, height), Picture.Resampling.BICUBIC))


def save(path: Path, pixels: np.ndarray | Picture.Image, **options) -> FileImage:
    """Writes a picture and gives it as the client sends it."""
    picture = pixels if isinstance(pixels, Picture.Image) else Picture.fromarray(pixels)
    picture.save(path, **options)
    return FileImage.create(str(path))


def short_polygon(*points: tuple[float, float]) -> Polygon:
    """A polygon of fewer than three corners, which the client's own constructor refuses but its sender does not."""
    library = _libs["trax"]
    create = library.get("region_create_polygon", "cdecl")
    create.argtypes, create.restype = [ctypes.c_int], ctypes.c_void_p
    place = library.get("trax_region_set_polygon_point", "cdecl")
    region = ctypes.c_void_p(create(len(points)))
    for index, (x, y) in enumerate(points):
        place(region, index, ctypes.c_float(x), ctypes.c_float(y))
    return Polygon(region)


__all__ = [
    "PATIENCE",
    "BufferImage",
    "FileImage",
    "MemoryImage",
    "Picture",
    "Polygon",
    "Rectangle",
    "Server",
    "TraxException",
    "example",
    "save",
    "servers",
    "short_polygon",
    "texture",
]


def refused(server: Server, action: Callable, reason: str) -> None:
    """The action ends the session with this reason; the process ends by itself, with a code, and says why once."""
    with pytest.raises(TraxException, match="Server terminated the session: .*" + reason):
        action()
    ended(server, reason)


def ended(server: Server, reason: str) -> None:
    """The process ends by itself, with a code, and says why once."""
    code, _, errors = server.end()
    assert not server.killed, "it hung"
    assert code not in (0, 101) and code > 0, (code, errors)
    assert errors.count("\n") == 1, errors
    assert "panicked" not in errors


def answered(server: Server, *answers) -> None:
    """Every answer is one finite rectangle with its properties, and the process ends without a word."""
    for answer in answers:
        assert len(answer) == 1
        region, properties = answer[0]
        bounds = region.bounds() if region.type == "rectangle" else [value for point in region for value in point]
        assert all(math.isfinite(value) for value in bounds)
        assert math.isfinite(float(properties["confidence"]))
        assert float(properties["time"]) >= 0
    server.client.quit()
    code, _, errors = server.end()
    assert (code, errors) == (0, "") and not server.killed
