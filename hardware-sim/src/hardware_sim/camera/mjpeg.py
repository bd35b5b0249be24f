"""The bytes of an MJPEG stream over HTTP: multipart/x-mixed-replace, one JPEG a part; and of two settings.

No I/O. Supports as much HTTP as a network camera: a GET with an endless answer, and small POSTs.
"""

from __future__ import annotations

from dataclasses import dataclass

REQUEST_BYTES_MAX = 8192
STREAM_PATH = "/stream"
CONTROL_PATH = "/control"
LIGHT_PATH = "/light"

_BOUNDARY = b"portcullis-frame"

RESPONSE_HEAD = (
    b"HTTP/1.0 200 OK\r\n"
    b"Server: gate-sim\r\n"
    b"Cache-Control: no-store\r\n"
    b"Connection: close\r\n"
    b"Content-Type: multipart/x-mixed-replace; boundary=" + _BOUNDARY + b"\r\n\r\n"
)
NOT_FOUND = b"HTTP/1.0 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
DONE = b"HTTP/1.0 204 No Content\r\nConnection: close\r\n\r\n"


def refused(why: str) -> bytes:
    """Return the answer to an invalid setting."""
    body = why.encode()
    head = b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


class BadRequestError(ValueError):
    """Bytes that can never become a request to this camera."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request: `method` is GET or POST, `path` is without its query."""

    method: str
    path: str
    body: bytes = b""


def request(buffer: bytes) -> Request | None:
    """Return the request in `buffer`, or None while it is not complete.

    Raises BadRequestError on what is neither a GET nor a POST with its length, and on one longer than
    REQUEST_BYTES_MAX.
    """
    head, complete, body = buffer.partition(b"\r\n\r\n")
    if len(buffer) > REQUEST_BYTES_MAX:
        raise BadRequestError(f"request longer than {REQUEST_BYTES_MAX} bytes")
    if not complete:
        return None
    first, *fields = head.split(b"\r\n")
    match first.split(b" "):
        case [b"GET" | b"POST" as method, path, version] if version.startswith(b"HTTP/1."):
            pass
        case _:
            raise BadRequestError("neither a GET nor a POST of HTTP/1")
    name = path.partition(b"?")[0].decode("latin-1")
    if method == b"GET":
        return Request("GET", name)
    length = _length(fields)
    return Request("POST", name, body[:length]) if len(body) >= length else None


def _length(fields: list[bytes]) -> int:
    for field in fields:
        name, _, value = field.partition(b":")
        if name.strip().lower() == b"content-length":
            text = value.strip()
            if not text.isdigit() or len(text) > 4 or int(text) > REQUEST_BYTES_MAX:
                raise BadRequestError("no length that a request can have")
            return int(text)
    raise BadRequestError("a POST without its length")


def part(jpeg: bytes) -> bytes:
    """Wrap one picture as the next part of the stream."""
    return b"--%b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (_BOUNDARY, len(jpeg), jpeg)
