"""Access to a page on loopback: a browser that has the address with the token, and no page of another site."""

import hmac
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

# Names of this machine, as a browser on it or at the other end of `ssh -L` writes them.
NAMES = ("127.0.0.1", "localhost", "[::1]")
# Parameters of an address at most.
FIELDS = 16

# Of every answer: nothing is loaded from elsewhere, no other page may embed this one, and its
# address, which has the token, is sent to no other site.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """A refused request."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        """Answers with a status and a sentence."""
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Query:
    """A request's path and its parameters."""

    path: str
    fields: dict[str, str]

    @classmethod
    def of(cls, target: str) -> "Query":
        """Splits a request's target.

        Raises:
            Refusal: it is not a path on this host, or has too many parameters.
        """
        # Only a proxy is sent an address with a host.
        if not target.startswith("/") or target.startswith("//"):
            raise Refusal(HTTPStatus.FORBIDDEN, "the host is not this machine")
        try:
            parts = urlsplit(target)
            fields = dict(parse_qsl(parts.query, max_num_fields=FIELDS))
        except ValueError:
            raise Refusal(HTTPStatus.BAD_REQUEST, "the address cannot be read") from None
        return cls(parts.path, fields)

    def text(self, name: str) -> str:
        """A parameter; empty where it is missing."""
        return self.fields.get(name, "")

    def number(self, name: str, default: int = 0) -> int:
        """A parameter that counts something.

        Raises:
            Refusal: it is not a whole number of at most nine digits.
        """
        text = self.fields.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refusal(HTTPStatus.BAD_REQUEST, f"{name} is a whole number")
        return int(text)

    def knows(self, token: str) -> bool:
        """Whether the token is among the parameters."""
        return hmac.compare_digest(self.text("token").encode(), token.encode())


def check(headers: Message) -> None:
    """Makes sure that a request is of a page on this machine and has no body.

    A page of another site whose name resolves to this machine has that name in `Host`; another site's page that sends
    requests here is named in `Origin`.

    Raises:
        Refusal: it is not, or it has one.
    """
    hosts, origins = headers.get_all("Host", []), headers.get_all("Origin", [])
    if len(hosts) != 1 or len(origins) > 1:
        raise Refusal(HTTPStatus.FORBIDDEN, "one host is needed")
    host = hosts[0].strip()
    if not is_local(host):
        raise Refusal(HTTPStatus.FORBIDDEN, "the host is not this machine")
    if origins and origins[0] != f"http://{host}":
        raise Refusal(HTTPStatus.FORBIDDEN, "the request comes from a page of another site")
    if "Transfer-Encoding" in headers or headers.get_all("Content-Length", ["0"]) != ["0"]:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a body is not accepted")


def is_local(host: str) -> bool:
    """Whether a host is this machine, on any port: `ssh -L` may forward another one."""
    name, colon, port = host.rpartition(":")
    if colon and (not port or (port.isascii() and port.isdigit())) and host != "[::1]":
        host = name
    return host.lower() in NAMES
