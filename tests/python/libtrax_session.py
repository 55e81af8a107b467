"""libtrax's own server and client, for our client and server to be compared with.

``serve [--multi-object]`` answers every frame with the regions that it was given, on standard input and output.
``record FOLDER`` lets libtrax's client and that server talk to each other and writes down every line: those from the
client after ``>``, then those from the server after ``<``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
from trax import TraxStatus
from trax.client import Client
from trax.image import BufferImage, FileImage, Image, MemoryImage, URLImage
from trax.region import Mask, Polygon, Rectangle, Region
from trax.server import Server

PNG = bytes.fromhex("89504e470d0a1a0a00112233")
JPEG = bytes.fromhex("ffd8ffe000112233445566")


def describe(images: dict) -> str:
    """What a server sees of a frame, in a few characters."""
    texts = []
    for channel, image in sorted(images.items()):
        if isinstance(image, MemoryImage):
            pixels = image.array()
            texts.append(f"{channel}:{pixels.shape}:{int(pixels.astype(np.int64).sum())}")
        elif isinstance(image, BufferImage):
            texts.append(f"{channel}:{len(image.buffer())}")
        elif isinstance(image, URLImage):
            texts.append(f"{channel}:{image.url()}")
        else:
            texts.append(f"{channel}:{image.path()}")
    return " ".join(texts)


def serve(multi: bool) -> None:
    """Answers every frame with the regions it was given, and says what it saw."""
    server = Server(
        [Region.RECTANGLE, Region.POLYGON, Region.MASK],
        [Image.PATH, Image.URL, Image.MEMORY, Image.BUFFER],
        tracker_name="echo",
        tracker_description='says "it" again',
        metadata={"flavour": "libtrax"},
        multiobject=multi,
    )
    objects = []
    while True:
        request = server.wait()
        if request.type == TraxStatus.QUIT:
            return
        if request.type == TraxStatus.INITIALIZE:
            objects = []
        objects += request.objects or []
        said = request.properties.dict()
        if "stop" in said:
            server.quit(said["stop"])
            sys.exit(3)
        # The last of what the object itself brought and what the frame showed.
        seen = describe(request.image)
        server.status([(region, {"seen": "|".join([*map(str, own.values()), seen])}) for region, own in objects])


def talk(client: Client, multi: bool) -> None:
    """A session with everything in it that the client can send, and that is the same each time."""
    path = {"color": FileImage.create("/data/a b/100%/0001.jpg")}
    rectangle = Rectangle.create(10.5, -2.25, 30, 40.125)
    polygon = Polygon.create([(1.5, 2), (33.25, 4), (5, 60.0625), (-7, 8)])
    mask = np.zeros((6, 8), np.uint8)
    mask[1:4, 2:7] = 1
    mask[2, 4] = 0
    client.initialize(path, [(rectangle, {})], {})
    client.frame(path, {"exposure": 0.25}, [])
    client.initialize(path, [(polygon, {"class": 'a "quoted" \\ thing\n='})], {})
    client.frame({"color": URLImage.create("http://localhost/1.jpg?a=b")}, {}, [])
    client.initialize(path, [(Mask.create(mask, 3, 4), {})], {"first": "yes"})
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    client.frame({"color": MemoryImage.create(pixels)}, {}, [])
    client.frame({"color": MemoryImage.create(np.ascontiguousarray(pixels[..., 0]))}, {}, [])
    client.frame({"color": MemoryImage.create(pixels[..., 0].astype(np.uint16) * 300)}, {}, [])
    client.frame({"color": BufferImage.create(PNG)}, {}, [])
    client.frame({"color": BufferImage.create(JPEG)}, {}, [])
    if multi:
        client.initialize(path, [(rectangle, {}), (polygon, {"id": 2})], {})
        client.frame(path, {}, [(Rectangle.create(1, 2, 3, 4), {"id": 3})])
        client.frame(path, {}, [])
    client.quit('that is "all"')


def relay(source: int, target: int, mark: bytes, lines: list[bytes], lock: threading.Lock) -> None:
    """Passes bytes on and notes the lines in them."""
    rest = b""
    while data := os.read(source, 65536):
        os.write(target, data)
        *whole, rest = (rest + data).split(b"\n")
        with lock:
            lines.extend(mark + line for line in whole)
    os.close(target)


def record(folder: Path) -> None:
    """Writes down a single-object and a multi-object session."""
    for multi in (False, True):
        flags = ["--multi-object"] if multi else []
        server = subprocess.Popen(
            [sys.executable, __file__, "serve", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        (from_client, to_server), (from_server, to_client) = os.pipe(), os.pipe()
        lines: list[bytes] = []
        lock = threading.Lock()
        for source, target, mark in (
            (from_client, os.dup(server.stdin.fileno()), b"> "),
            (server.stdout.fileno(), to_client, b"< "),
        ):
            threading.Thread(target=relay, args=(source, target, mark, lines, lock), daemon=True).start()
        talk(Client(stream=(to_server, from_server), log=lambda *_: None), multi)
        os.close(to_server)
        server.stdin.close()
        server.wait()
        name = "multi.txt" if multi else "single.txt"
        lines.sort(key=lambda line: line[:1] == b"<")
        (folder / name).write_bytes(b"\n".join(lines) + b"\n")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve("--multi-object" in sys.argv)
    else:
        record(Path(sys.argv[2]))
