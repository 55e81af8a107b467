"""One process, many frames and initialisations: neither its memory nor its descriptors grow."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import trax_harness as harness

#: Frames and initialisations of a core that takes no time, and of any other.
QUICK = (20000, 500)
OTHERS = (int(os.environ.get("TRAX_SOAK_FRAMES", "1000")), 50)


def resident(process) -> int:
    """KiB of memory that a process uses."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))


def descriptors(process) -> int:
    """How many files, pipes and sockets a process has open."""
    return len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


def test_soak(command, tmp_path):
    pixels = harness.texture()
    harness.Picture.fromarray(pixels).save(tmp_path / "frame.png")
    path = b"file://" + bytes(tmp_path / "frame.png")
    memory = b"image:64;48;rgb;" + base64.b64encode(pixels.tobytes())
    buffer = b"data:image/png;" + base64.b64encode((tmp_path / "frame.png").read_bytes())
    images = [path, memory, buffer]
    regions = [b"20,16,24,18", b"20,16,44,16,44,34,20,34", b"mask:20,16,24,18,0,432"]
    frames, initializations = QUICK if "still_session" in command else OTHERS
    with harness.Server(command, patience=1200) as server:
        assert server.process.stdout.readline().startswith(b"@@TRAX:hello")
        sizes, open_files = [], []
        for count in range(initializations):
            request = b"@@TRAX:initialize \n@@TRAX:initialize " + b'"' + regions[count % 3] + b'" "id=1" \n'
            for number in range(frames // initializations):
                server.write(request + b'@@TRAX:frame "' + images[number % 3] + b'" "seed=1" \n')
                answer = server.process.stdout.readline()
                assert answer.startswith(b"@@TRAX:state"), (answer, server.end())
                request = b""
            sizes.append(resident(server.process))
            open_files.append(descriptors(server.process))
        server.write(b"@@TRAX:quit \n")
        assert server.process.wait() == 0
    settled = sizes[initializations // 10 :]
    print(f"{frames} frames: {settled[0]} KiB at first, {settled[-1]} KiB at last, {open_files[-1]} descriptors")
    # A core of millions of numbers has an allocator that does not settle to the page.
    assert settled[-1] - settled[0] < max(1024, settled[0] // 50)
    assert set(open_files) == {open_files[0]}
