"""The bytes of an MJPEG stream over HTTP: multipart/x-mixed-replace, one JPEG a part.

No I/O. Knows as much of HTTP as a network camera does: one GET, one path, and an answer that never ends.
"""

from __future__ import annotations

REQUEST_BYTES_MAX = 8192
STREAM_PATH = "/stream"

_BOUNDARY = b"portcullis-frame"

RESPONSE_HEAD = (
    b"HTTP/1.0 200 OK\r\n"
    b"Cache-Control: no-store\r\n"
    b"Connection: close\r\n"
    b"Content-Type: multipart/x-mixed-replace; boundary=" + _BOUNDARY + b"\r\n\r\n"
)
NOT_FOUND = b"HTTP/1.0 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BadRequestError(ValueError):
    """Bytes that can never become a request to this camera."""


def requested_path(buffer: bytes) -> str | None:
    """Return the path of the GET request in `buffer`, or None while its head is not complete.

    Raises BadRequestError on anything but a GET, and on a head longer than REQUEST_BYTES_MAX.
    """
    head, complete, _ = buffer.partition(b"\r\n\r\n")
    if len(head) > REQUEST_BYTES_MAX:
        raise BadRequestError(f"request head longer than {REQUEST_BYTES_MAX} bytes")
    if not complete:
        return None
    match head.partition(b"\r\n")[0].split(b" "):
        case [b"GET", path, version] if version.startswith(b"HTTP/1."):
            return path.partition(b"?")[0].decode("latin-1")
        case _:
            raise BadRequestError("not a GET request of HTTP/1")


def part(jpeg: bytes) -> bytes:
    """Wrap one picture as the next part of the stream."""
    return b"--%b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (_BOUNDARY, len(jpeg), jpeg)
