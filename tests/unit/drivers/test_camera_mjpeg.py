"""The bytes of an MJPEG stream: published forms, a round trip in any pieces, and noise."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.camera.mjpeg import HEAD_BYTES_MAX, PICTURE_BYTES_MAX, Head, Parts, head_of
from gate_core.errors import BadFrameError

JPEG = b"\xff\xd8\xff\xe0 a picture \r\n--x\r\n within \xff\xd9"
HEAD = b"HTTP/1.1 200 OK\r\nServer: acme\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\nX:\r\n\r\n"


def test_a_head_is_read_with_all_its_fields_and_what_follows_is_left() -> None:
    found = head_of(HEAD + b"--x")
    assert found == (
        Head(200, (("server", "acme"), ("content-type", "multipart/x-mixed-replace;boundary=x"), ("x", ""))),
        b"--x",
    )
    assert head_of(HEAD[:-1]) is None
    assert head_of(b"HTTP/1.0 401\n\nrest") == (Head(401, ()), b"rest")
    twice = head_of(b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic\r\nwww-authenticate: Digest\r\n\r\n")
    assert twice is not None
    assert twice[0].values("www-authenticate") == ("Basic", "Digest")


@pytest.mark.parametrize(
    "raw", [b"ICY 200 OK\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"\r\n\r\n", b"x" * HEAD_BYTES_MAX]
)
def test_what_is_no_head_is_refused(raw: bytes) -> None:
    with pytest.raises(BadFrameError):
        head_of(raw)


@pytest.mark.parametrize(
    ("content_type", "wire"),
    [
        ("multipart/x-mixed-replace; boundary=x", b"--x\r\nContent-Length: %d\r\n\r\n"),
        ('multipart/x-mixed-replace;charset=a;boundary="x"', b"--x\r\ncontent-length:%d\r\n\r\n"),
        ("Multipart/X-Mixed-Replace;boundary=--x", b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"),
        ("multipart/x-mixed-replace;boundary=--x", b"----x\nContent-Length: %d\n\n"),
    ],
)
def test_each_spelling_of_a_boundary_is_read(content_type: str, wire: bytes) -> None:
    parts = Parts(content_type)
    assert parts.feed(b"\r\n" + wire % len(JPEG) + JPEG + b"\r\n" + wire % len(JPEG) + JPEG) == [JPEG, JPEG]


def test_a_part_without_a_length_ends_before_the_next_boundary() -> None:
    jpeg = JPEG.replace(b"--x", b"---")
    parts = Parts("multipart/x-mixed-replace; boundary=x")
    assert parts.feed(b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n--") == []
    assert [part.rstrip() for part in parts.feed(b"x\r\nA: b\r\n\r\n")] == [jpeg]


@pytest.mark.parametrize(
    "content_type", ["", "image/jpeg", "multipart/form-data; boundary=x", "multipart/x-mixed-replace"]
)
def test_what_is_no_stream_of_parts_is_refused(content_type: str) -> None:
    with pytest.raises(BadFrameError):
        Parts(content_type)


@pytest.mark.parametrize(
    "wire",
    [
        b"--y\r\nContent-Length: 3\r\n\r\n",
        b"--x--\r\n\r\n",
        b"--x\r\nContent-Length: %d\r\n\r\n" % (PICTURE_BYTES_MAX + 1),
        b"--x\r\n" + b"A: b\r\n" * HEAD_BYTES_MAX,
        b"--x\r\n\r\n" + bytes(PICTURE_BYTES_MAX + 2),
        bytes(HEAD_BYTES_MAX),
    ],
)
def test_what_can_never_become_a_picture_ends_the_stream(wire: bytes) -> None:
    parts = Parts("multipart/x-mixed-replace; boundary=x")
    with pytest.raises(BadFrameError):
        parts.feed(wire)


@pytest.mark.parametrize("content", [b"", b"GIF89a", JPEG[:-1], JPEG + bytes(70), b"\x89PNG\r\n\x1a\n"])
def test_a_part_that_is_no_whole_jpeg_is_left_out(content: bytes) -> None:
    parts = Parts("multipart/x-mixed-replace; boundary=x")
    wire = b"--x\r\nContent-Length: %d\r\n\r\n%b\r\n"
    assert parts.feed(wire % (len(content), content) + wire % (len(JPEG), JPEG)) == [JPEG]


@given(
    pictures=st.lists(st.binary(max_size=200).map(lambda body: b"\xff\xd8\xff" + body + b"\xff\xd9"), max_size=6),
    cuts=st.lists(st.integers(0, 2000), max_size=12),
)
def test_a_stream_is_the_same_in_whatever_pieces_it_comes(pictures: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(b"--x\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(one), one) for one in pictures)
    ends = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    parts = Parts("multipart/x-mixed-replace; boundary=x")
    found = [one for begin, end in itertools.pairwise(ends) for one in parts.feed(wire[begin:end])]
    assert found == pictures


@given(noise=st.lists(st.binary(max_size=300), max_size=8))
def test_noise_is_refused_or_waited_for_and_raises_nothing_else(noise: list[bytes]) -> None:
    parts = Parts("multipart/x-mixed-replace; boundary=x")
    with contextlib.suppress(BadFrameError):
        for piece in noise:
            assert parts.feed(piece) == []
        parts.feed(b"--x\r\n" + b"".join(noise))
    with contextlib.suppress(BadFrameError):
        head_of(b"HTTP/1.1 200 OK\r\n" + b"".join(noise))
