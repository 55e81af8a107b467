"""Live sources for tests: a test pattern in real time over RTSP and as an MJPEG stream of a web server."""

from __future__ import annotations

import socketserver
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATTERN = ["-hide_banner", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25"]
#: What the RTSP server describes: an MPEG transport stream.
DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=pattern\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 33\r\na=rtpmap:33 MP2T/90000\r\na=control:video\r\n"
)


class Server(socketserver.ThreadingTCPServer):
    """A server whose connections end with the test."""

    daemon_threads = True
    allow_reuse_address = True


class Rtsp(socketserver.StreamRequestHandler):
    """The few requests of RTSP that a player sends; packets come over the same connection."""

    def handle(self) -> None:
        while line := self.rfile.readline().decode().strip():
            method, *_ = line.split()
            headers = {}
            while line := self.rfile.readline().decode().strip():
                key, _, value = line.partition(":")
                headers[key.strip().lower()] = value.strip()
            text, status, more = "", "200 OK", []
            if method == "OPTIONS":
                more = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]
            elif method == "DESCRIBE":
                text, more = DESCRIPTION, ["Content-Type: application/sdp"]
            elif method == "SETUP" and "TCP" in headers.get("transport", ""):
                more = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1"]
            elif method == "SETUP":
                # Datagrams may be lost, and no test should depend on that.
                status = "461 Unsupported Transport"
            head = [
                f"RTSP/1.0 {status}",
                f"CSeq: {headers['cseq']}",
                "Session: 1",
                *more,
                f"Content-Length: {len(text)}",
            ]
            self.wfile.write(("\r\n".join(head) + "\r\n\r\n" + text).encode())
            if method == "PLAY":
                self.play()
                return

    def play(self) -> None:
        """Sends the stream until the player is gone."""
        command = [self.server.ffmpeg, *PATTERN, "-c:v", "mpeg2video", "-g", "5", "-f", "mpegts", "pipe:1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as source:
            number = 0
            try:
                while payload := source.stdout.read(7 * 188):
                    packet = struct.pack(">BBHII", 0x80, 33, number % 65536, number * 900, 1) + payload
                    self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                    number += 1
            except OSError:
                pass
            finally:
                source.kill()


class Mjpeg(BaseHTTPRequestHandler):
    """A camera's address: pictures without an end."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=ffmpeg")
        self.end_headers()
        command = [self.server.ffmpeg, *PATTERN, "-c:v", "mjpeg", "-f", "mpjpeg", "pipe:1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as source:
            try:
                while piece := source.stdout.read1(1 << 16):
                    self.wfile.write(piece)
            except OSError:
                pass
            finally:
                source.kill()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def live(kind: str, ffmpeg: str) -> Iterator[str]:
    """The address of a live source: `rtsp` or `http`."""
    server = Server(("127.0.0.1", 0), Rtsp) if kind == "rtsp" else ThreadingHTTPServer(("127.0.0.1", 0), Mjpeg)
    server.ffmpeg = ffmpeg
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{kind}://127.0.0.1:{server.server_address[1]}/pattern"
    finally:
        server.shutdown()
        server.server_close()
