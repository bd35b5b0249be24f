"""The bytes of the simulated camera's stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.camera.mjpeg import REQUEST_BYTES_MAX, RESPONSE_HEAD, BadRequestError, Request, part, refused, request


def test_a_get_request_gives_its_path_without_the_query() -> None:
    assert request(b"GET /stream?fps=5 HTTP/1.1\r\nHost: kiosk\r\n\r\n") == Request("GET", "/stream")


def test_a_post_gives_the_body_that_its_length_announces() -> None:
    head = b"POST /light HTTP/1.1\r\nHost: kiosk\r\ncontent-length: 4\r\n\r\n"
    assert request(head + b"abcdefg") == Request("POST", "/light", b"abcd")


@pytest.mark.parametrize(
    "incomplete",
    [
        b"GET /stream HTTP/1.1\r\nHost: ki",
        b"POST /light HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc",
        b"",
    ],
)
def test_an_incomplete_request_asks_for_more(incomplete: bytes) -> None:
    assert request(incomplete) is None


@pytest.mark.parametrize(
    "head",
    [
        b"PUT /stream HTTP/1.1",
        b"GET /stream",
        b"GET /stream SIP/2.0",
        b"GET  /stream HTTP/1.1",
        b"",
        b"POST /light HTTP/1.1",
        b"POST /light HTTP/1.1\r\nContent-Length: -1",
        b"POST /light HTTP/1.1\r\nContent-Length: 9999",
        b"POST /light HTTP/1.1\r\nContent-Length: 1_0",
    ],
)
def test_what_is_no_request_to_a_camera_is_refused(head: bytes) -> None:
    with pytest.raises(BadRequestError):
        request(head + b"\r\n\r\n")


def test_a_head_that_never_ends_is_refused() -> None:
    with pytest.raises(BadRequestError):
        request(b"GET /" + b"x" * REQUEST_BYTES_MAX)


@given(noise=st.binary(max_size=200))
def test_noise_is_a_request_or_more_or_a_bad_request(noise: bytes) -> None:
    try:
        understood = request(noise)
    except BadRequestError:
        return
    assert understood is None or understood.method in {"GET", "POST"}


def test_a_refusal_says_why_and_how_long_that_is() -> None:
    head, _, body = refused("no such thing").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 ")
    assert b"Content-Length: 13" in head
    assert body == b"no such thing"


@given(jpeg=st.binary(max_size=500))
def test_a_part_announces_the_boundary_of_the_head_and_its_own_length(jpeg: bytes) -> None:
    boundary = RESPONSE_HEAD.split(b"boundary=")[1].split(b"\r\n")[0]
    head, _, body = part(jpeg).partition(b"\r\n\r\n")
    assert head.startswith(b"--" + boundary + b"\r\n")
    assert f"Content-Length: {len(jpeg)}".encode() in head
    assert body == jpeg + b"\r\n"
