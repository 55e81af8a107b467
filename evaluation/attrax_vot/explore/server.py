"""Connections: how many are open, how long each may take, and which one is closed when there are too many."""

import io
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from attrax_vot.errors import EvaluationError
from attrax_vot.explore.guard import HEADERS, Query, Refusal, check

# Open connections at most; a browser has six.
CONNECTIONS = 64
# Bytes of a request's first line and headers at most.
HEADER_BYTES = 16 << 10
# Seconds for a request's headers, also until the next request of a connection begins, and for an
# answer to be taken.
PATIENCE = 10.0
# Seconds of a wait after a failed accept, so that a closed connection's descriptor is free.
RETRY = 0.01
# Bytes and seconds that are read after a refusal, so that the other end sees the answer before the
# connection ends.
DRAINED, DRAIN = 64 << 10, 0.2


@dataclass(frozen=True)
class Content:
    """An answer: its type, its bytes, and whether a browser may keep it."""

    kind: str
    data: bytes
    keep: bool = False


# What answers a request; it is asked again whether the token is needed.
Answer = Callable[[Query], Content]


@dataclass(frozen=True)
class Pages:
    """What is served: files without any secret by their path, and the rest to those who have the token."""

    token: str
    public: dict[str, Content]
    answer: Answer


@dataclass
class Peer:
    """An open connection.

    Attributes:
        socket: of it.
        trusted: whether a request of it had the token.
    """

    socket: socket.socket
    trusted: bool = field(default=False)


class Server(ThreadingHTTPServer):
    """A server on this machine's loopback with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, pages: Pages) -> None:
        """Listens on a port; 0 takes a free one.

        Raises:
            EvaluationError: another program has the port.
        """
        self.pages = pages
        self._peers: list[Peer] = []
        self._lock = threading.Lock()
        try:
            super().__init__(("127.0.0.1", port), Handler)
        except OSError as error:
            raise EvaluationError(f"cannot serve on port {port}: {error.strerror}; --port takes another one") from error

    @property
    def address(self) -> str:
        """The page's address, with the token."""
        return f"http://127.0.0.1:{self.server_address[1]}/?token={self.pages.token}"

    def server_bind(self) -> None:
        """Takes the port, without asking for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accepts a connection; without free descriptors an open one is closed."""
        try:
            return super().get_request()
        except OSError:
            with self._lock:
                self._close_one()
            time.sleep(RETRY)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in socketserver
        """Starts a connection's thread, in place of an older connection where there are too many."""
        with self._lock:
            if len(self._peers) >= CONNECTIONS:
                self._close_one()
            self._peers.append(Peer(request))
        super().process_request(request, client_address)

    def trust(self, request: socket.socket) -> None:
        """A request of this connection had the token."""
        with self._lock:
            for peer in self._peers:
                peer.trusted = peer.trusted or peer.socket is request

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as in socketserver
        """Ends a connection; what the other end still sends is read for a moment, so that it gets the last answer."""
        with self._lock:
            self._peers = [peer for peer in self._peers if peer.socket is not request]
        with suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            request.settimeout(DRAIN)
            end, left = time.monotonic() + DRAIN, DRAINED
            while left > 0 and time.monotonic() < end and (part := request.recv(4096)):
                left -= len(part)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - as in socketserver
        """Connections that break are no fault; anything else is one sentence."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            print(f"a request could not be answered: {error!r}", file=sys.stderr, flush=True)

    def _close_one(self) -> None:
        """Closes the oldest connection without the token, or else the oldest one."""
        peer = next((each for each in self._peers if not each.trusted), next(iter(self._peers), None))
        if peer is None:
            return
        self._peers.remove(peer)
        with suppress(OSError):
            peer.socket.shutdown(socket.SHUT_RDWR)


class Incoming(io.RawIOBase):
    """What a connection sends, with a limit of bytes and seconds for each request."""

    def __init__(self, connection: socket.socket) -> None:
        """Reads from a connection."""
        self._connection = connection
        self.begin()

    def begin(self) -> None:
        """The next request begins."""
        self._until, self._left = time.monotonic() + PATIENCE, HEADER_BYTES

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as in io
        """Reads what is there, within the limits."""
        rest = self._until - time.monotonic()
        if rest <= 0 or self._left <= 0:
            raise TimeoutError
        self._connection.settimeout(rest)
        try:
            count = self._connection.recv_into(memoryview(buffer)[: self._left])
        finally:
            self._connection.settimeout(PATIENCE)
        self._left -= count
        return count


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        """Puts the limits around what the connection sends."""
        super().setup()
        self.incoming = Incoming(self.connection)
        self.rfile = io.BufferedReader(self.incoming, 4096)
        self.trusted = False

    def handle_one_request(self) -> None:
        """Answers one request."""
        self.incoming.begin()
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answers with the page, its data, or a frame."""
        self.trusted = False
        try:
            status, content = HTTPStatus.OK, self._content()
        except Refusal as refusal:
            status, content = refusal.status, _text(str(refusal))
        except EvaluationError as error:
            status, content = HTTPStatus.INTERNAL_SERVER_ERROR, _text(str(error))
        # A file that is damaged while the page is open, or a fault of this program: the page goes
        # on.
        except Exception as error:
            status, content = HTTPStatus.INTERNAL_SERVER_ERROR, _text(f"{self.path.partition('?')[0]}: {error!r}")
        self._send(status, content)

    def _content(self) -> Content:
        """What is asked for.

        Raises:
            Refusal: the request is not admitted, or there is no such thing.
        """
        pages = self.server.pages
        check(self.headers)
        query = Query.of(self.path)
        self.trusted = query.knows(pages.token)
        if query.path in pages.public:
            return pages.public[query.path]
        if not self.trusted:
            reason = "The address lacks the token: open the one that attrax-vot explore printed."
            raise Refusal(HTTPStatus.FORBIDDEN, reason)
        self.server.trust(self.connection)
        return pages.answer(query)

    def _send(self, status: HTTPStatus, content: Content) -> None:
        """Sends an answer; one to a request without the token is the connection's last, as after a refusal."""
        self.close_connection = self.close_connection or not self.trusted or status != HTTPStatus.OK
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content.kind)
        self.send_header("Content-Length", str(len(content.data)))
        self.send_header("Cache-Control", "private, max-age=86400, immutable" if content.keep else "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content.data)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answers what is not HTTP, or another method, with a sentence."""
        self.trusted = False
        # Of a line that is not HTTP no version is known, and http.server would leave the status
        # out.
        self.request_version = self.protocol_version
        self._send(HTTPStatus(code), _text(message or HTTPStatus(code).phrase))

    def version_string(self) -> str:
        """The program alone, without Python's version."""
        return "attrax-vot"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - http.server's name
        """Nothing is printed for a request."""


def _text(text: str) -> Content:
    return Content("text/plain; charset=utf-8", text.encode(errors="replace"))
