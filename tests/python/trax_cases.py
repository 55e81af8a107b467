"""Misbehaving clients of TraX: what each does to the process, and what must come of it.

What is sent is written byte by byte here, past any client library, since no library would send it.
"""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from trax_raw import BOX, Fault, frame, initialized, sends, start

DONE, FAILED = 0, "failed"

#: Seconds within which a process at work has to end once its client has gone.
SOON = 3.0


@dataclass
class Case:
    """What is done to the process, and what must come of it."""

    act: object
    code: object = FAILED
    reason: bytes = b""
    answers: int = 0
    options: str = ""
    env: dict = field(default_factory=dict)
    slow: bool = False


def one_by_one(fault: Fault, path: Path) -> None:
    for byte in start(path) + frame(path):
        fault.send(bytes([byte]))


def closes_output_at_once(fault: Fault, path: Path) -> None:
    fault.process.stdout.close()
    fault.send(start(path) * 3)


def closes_output_later(fault: Fault, path: Path) -> None:
    fault.send(start(path))
    fault.read_line()
    fault.read_line()
    fault.process.stdout.close()
    fault.send(frame(path) * 3)


def large_mask(path: Path) -> bytes:
    """An initialisation by a mask whose text, and so whose answer, is larger than a pipe."""
    return b'@@TRAX:initialize \n@@TRAX:initialize "mask:0,0,400,400' + b",1" * 160000 + b'" \n' + frame(path)


def reads_slowly(fault: Fault, path: Path) -> None:
    writer = threading.Thread(target=fault.send, args=(large_mask(path) * 3,))
    writer.start()
    time.sleep(0.5)
    for _ in range(4):
        fault.read_line()
    writer.join()


def endless(first: bytes):
    """Far more bytes than a message may have, without a line break."""

    def act(fault: Fault, _: Path) -> None:
        fault.send(first)
        block = b"x" * (1 << 20)
        for _ in range(300):
            if fault.process.poll() is not None:
                return
            fault.send(block)

    return act


def signalled(number: int, *parts):
    """Sends a signal while it waits for a request, then writes the parts."""

    def act(fault: Fault, path: Path) -> None:
        fault.send(start(path))
        fault.read_line()
        fault.read_line()
        fault.process.send_signal(number)
        sends(*parts)(fault, path)

    return act


def terminated_at_work(fault: Fault, path: Path) -> None:
    """The signal comes while the initialisation is worked on, or shortly after where that is quick."""
    fault.read_line()
    fault.send(start(path))
    time.sleep(0.05)
    fault.process.terminate()


def at_work(*acts) -> Case:
    """What is done while a request is worked on, for minutes if nothing is done: only the last act ends it."""

    def act(fault: Fault, path: Path) -> None:
        fault.read_line()
        fault.send(start(path))
        fault.until_work()
        for act in acts[:-1]:
            act(fault)
            time.sleep(1)
            assert fault.process.poll() is None, "it ended too early"
        acts[-1](fault)
        begun = time.monotonic()
        fault.process.wait()
        assert time.monotonic() - begun < SOON

    return Case(act, DONE, env={"RUST_LOG": "attrax=trace"}, slow=True)


def stops_sending(fault: Fault) -> None:
    fault.process.stdin.close()


def stops_reading(fault: Fault) -> None:
    fault.process.stdout.close()


def vanishes(fault: Fault) -> None:
    stops_sending(fault)
    stops_reading(fault)


def killed_by(number: int) -> Case:
    """A signal while a request is worked on."""
    return replace(at_work(lambda fault: fault.process.send_signal(number)), code=-number)


def image(argument: bytes) -> Case:
    """A frame with an image argument that is refused."""
    return Case(initialized(b'@@TRAX:frame "' + argument + b'" \n'), reason=b"llegal image", answers=1)


def escaped(path: Path) -> bytes:
    """A path as an address."""
    return bytes(path).replace(b" ", b"%20")


def not_unicode(fault: Fault, path: Path) -> None:
    name = bytes(path.parent) + b"/\xff\xfe.png"
    with contextlib.suppress(FileExistsError):
        os.link(path, name)
    fault.send(start(path) + frame(name))


CASES = {
    # Ends at every point.
    "sends nothing": Case(sends(), DONE),
    "ends within the prefix": Case(sends(b"@@TR"), DONE),
    "ends after the prefix": Case(sends(b"@@TRAX:"), reason=b"middle of a message"),
    "ends within a kind": Case(sends(b"@@TRAX:initi"), reason=b"middle of a message"),
    "ends within a region": Case(sends(b'@@TRAX:initialize "20,1'), reason=b"middle of a message"),
    "ends before a line break": Case(sends(b"@@TRAX:initialize " + BOX + b" "), reason=b"middle of a message"),
    "ends between object and frame": Case(sends(b"@@TRAX:initialize " + BOX + b" \n"), DONE),
    "ends within a path": Case(initialized(b'@@TRAX:frame "file:///'), reason=b"middle of a message", answers=1),
    "ends within pixels": Case(
        initialized(b'@@TRAX:frame "image:64;48;rgb;AAAA'), reason=b"middle of a message", answers=1
    ),
    "ends after an answer": Case(initialized(), DONE, answers=1),
    "ends within a quit message": Case(initialized(b"@@TRAX:qui"), reason=b"middle of a message", answers=1),
    # Never ends.
    "no line break in a message": Case(endless(b"@@TRAX:frame "), reason=b"length of a line in bytes is limited"),
    "no line break in garbage": Case(endless(b""), reason=b"length of a line in bytes is limited"),
    # Lines that are no messages.
    "garbage lines": Case(sends(b"hello\n\n@TRAX:quit\n @@TRAX:quit\n"), DONE),
    "garbage between messages": Case(
        sends(b"log\n", start, b"\x00\xff\xfe\n@@TRA\n", frame, b"tail\n"), DONE, answers=2
    ),
    # The grammar.
    "unknown message": Case(sends(b"@@TRAX:dance \n"), reason=rb"no message \"dance\""),
    "no kind": Case(sends(b"@@TRAX: frame\n"), reason=rb"no message \"\""),
    "tab after the kind": Case(sends(b"@@TRAX:frame\tx\n"), reason=b"no message"),
    "long kind": Case(sends(b"@@TRAX:" + b"a" * 100000 + b"\n"), reason=b"no message"),
    "quote not closed": Case(sends(b'@@TRAX:initialize "20,16,24,18 \n'), reason=b"quote is not closed"),
    "text after a quote": Case(sends(b'@@TRAX:initialize "20,16"24,18 \n'), reason=b"sticks to a closing quote"),
    "backslash at the end": Case(sends(b"@@TRAX:initialize 20\\\n"), reason=b"ends in a backslash"),
    "too many items": Case(sends(b"@@TRAX:frame" + b" a=1" * 2000 + b"\n"), reason=b"items in a message is limited"),
    "key too long": Case(sends(b"@@TRAX:initialize " + BOX + b" " + b"k" * 65 + b"=1\n"), reason=b"carries one region"),
    "carriage returns": Case(sends(lambda path: (start(path) + frame(path)).replace(b"\n", b"\r\n")), DONE, answers=2),
    "other case": Case(sends(lambda path: start(path).replace(b"initialize", b"INITIALIZE")), DONE, answers=1),
    "long property": Case(
        sends(lambda path: start(path).replace(BOX, BOX + b' "note=' + b"x" * 1000000 + b'"')), DONE, answers=1
    ),
    "property twice": Case(sends(lambda path: start(path).replace(BOX, BOX + b" a=1 a=2")), DONE, answers=1),
    "property not unicode": Case(sends(lambda path: start(path).replace(BOX, BOX + b" a=\xff")), DONE, answers=1),
    "byte by byte": Case(one_by_one, DONE, answers=2),
    "all at once": Case(sends(lambda path: start(path) * 3 + frame(path) * 5 + b"@@TRAX:quit \n"), DONE, answers=8),
    # The order.
    "frame first": Case(sends(frame), reason=b"before any object was initialized"),
    "no object": Case(sends(b"@@TRAX:initialize \n", frame), reason=b"before any object was initialized"),
    "object forgotten": Case(
        sends(b"@@TRAX:initialize " + BOX + b"\n@@TRAX:initialize \n", frame), reason=b"before any object"
    ),
    "introduces itself": Case(sends(b"@@TRAX:hello trax.version=4\n"), reason=b"does not send hello messages"),
    "answers itself": Case(initialized(b"@@TRAX:state " + BOX + b"\n"), reason=b"not send state", answers=1),
    "two initialisations in a row": Case(sends(start, start, frame), DONE, answers=3),
    "second initialisation without a reset": Case(
        sends(start, b"@@TRAX:initialize " + BOX + b"\n", frame), reason=b"one object only", answers=1
    ),
    "quits twice": Case(initialized(b"@@TRAX:quit \n@@TRAX:quit \n"), DONE, answers=1),
    "goes on after quitting": Case(initialized(b"@@TRAX:quit \n", start), DONE, answers=1),
    "quits at once": Case(sends(b"@@TRAX:quit trax.reason=tired\n"), DONE),
    # Arguments.
    "quits with an argument": Case(sends(b"@@TRAX:quit now\n"), reason=b"carries no arguments"),
    "two regions": Case(sends(b"@@TRAX:initialize " + BOX + b" " + BOX + b"\n"), reason=b"carries one region"),
    "initialisation of version 3": Case(
        sends(lambda path: b'@@TRAX:initialize "file://' + bytes(path) + b'" ' + BOX + b"\n"),
        reason=b"carries one region",
    ),
    "frame without image": Case(initialized(b"@@TRAX:frame \n"), reason=b"1 image(s), not 0", answers=1),
    "frame with two images": Case(initialized(b"@@TRAX:frame a b\n"), reason=b"1 image(s), not 2", answers=1),
    # Objects.
    "second object": Case(sends((b"@@TRAX:initialize " + BOX + b"\n") * 2, frame), reason=b"one object only"),
    "object added": Case(initialized(b"@@TRAX:initialize " + BOX + b"\n", frame), reason=b"one object only", answers=1),
    "too many objects": Case(
        sends((b"@@TRAX:initialize " + BOX + b"\n") * 257),
        reason=b"number of objects is limited to 256",
        options="--multi-object",
    ),
    # Images.
    "area that overflows": image(b"image:65536;65536;rgb;"),
    "area beyond the limit": Case(
        initialized(b'@@TRAX:frame "image:65535;65535;rgb;AAAA" \n'), reason=b"image in pixels is limited", answers=1
    ),
    "no area": image(b"image:0;0;rgb;"),
    "negative side": image(b"image:-1;-1;gray8;AA=="),
    "too few pixels": image(b"image:64;48;rgb;AAAA"),
    "too many pixels": image(b"image:1;1;gray8;AAAA"),
    "unknown layout": image(b"image:1;1;cmyk;AAAA"),
    "unknown encoding": image(b"data:image/gif;AAAA"),
    "no base64": image(b"data:image/png;****"),
    "padding in the middle": image(b"image:2;2;gray8;AA==BB=="),
    "no image format": image(b"data:"),
    "address": image(b"http://localhost/a.png"),
    "address of another scheme": image(b"gopher:a"),
    "path with a zero byte": image(b"file:///a\x00.png"),
    "empty path": image(b"file://"),
    "path not unicode": Case(not_unicode, DONE, answers=2),
    "path as an address": Case(sends(lambda path: start(path) + frame(escaped(path))), DONE, answers=2),
    "path with a host": Case(sends(lambda path: start(path) + frame(path, b"file://localhost")), DONE, answers=2),
    "pixels for a path": Case(
        sends(lambda path: start(path) + b"@@TRAX:frame image:64;48;gray8;" + base64.b64encode(bytes(64 * 48)) + b"\n"),
        DONE,
        answers=2,
    ),
    # Reading and signals.
    "closes its end at once": Case(closes_output_at_once, DONE),
    "closes its end later": Case(closes_output_later, DONE, answers=1),
    "reads slowly": Case(reads_slowly, DONE, answers=3),
    "broken pipe signal": Case(signalled(signal.SIGPIPE, frame), DONE, answers=2),
    "terminated while waiting": Case(signalled(signal.SIGTERM), -signal.SIGTERM, answers=1),
    "terminated at work": Case(terminated_at_work, -signal.SIGTERM),
    "interrupted": Case(signalled(signal.SIGINT), -signal.SIGINT, answers=1),
    # While a training goes on.
    "vanishes at work": at_work(vanishes),
    "stops reading at work": at_work(stops_reading),
    "stops sending at work, then reading": at_work(stops_sending, stops_reading),
    "terminated in training": killed_by(signal.SIGTERM),
    "interrupted in training": killed_by(signal.SIGINT),
    # The environment.
    "socket without a number": Case(sends(), env={"TRAX_SOCKET": "telephone"}),
    "socket out of range": Case(sends(), env={"TRAX_SOCKET": "70000"}),
    "input that is not open": Case(sends(), env={"TRAX_IN": "99"}),
    "output that makes no sense": Case(sends(), env={"TRAX_OUT": "-"}),
}
