"""The bytes of the simulated camera's stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.camera.mjpeg import REQUEST_BYTES_MAX, RESPONSE_HEAD, BadRequestError, part, requested_path


def test_a_get_request_gives_its_path_without_the_query() -> None:
    assert requested_path(b"GET /stream?fps=5 HTTP/1.1\r\nHost: kiosk\r\n\r\n") == "/stream"


def test_an_incomplete_head_asks_for_more() -> None:
    assert requested_path(b"GET /stream HTTP/1.1\r\nHost: ki") is None


@pytest.mark.parametrize(
    "head", [b"POST /stream HTTP/1.1", b"GET /stream", b"GET /stream SIP/2.0", b"GET  /stream HTTP/1.1", b""]
)
def test_what_is_not_a_get_request_is_refused(head: bytes) -> None:
    with pytest.raises(BadRequestError):
        requested_path(head + b"\r\n\r\n")


def test_a_head_that_never_ends_is_refused() -> None:
    with pytest.raises(BadRequestError):
        requested_path(b"GET /" + b"x" * REQUEST_BYTES_MAX)


@given(noise=st.binary(max_size=200))
def test_noise_is_a_path_or_more_or_a_bad_request(noise: bytes) -> None:
    try:
        path = requested_path(noise)
    except BadRequestError:
        return
    assert path is None or isinstance(path, str)


@given(jpeg=st.binary(max_size=500))
def test_a_part_announces_the_boundary_of_the_head_and_its_own_length(jpeg: bytes) -> None:
    boundary = RESPONSE_HEAD.split(b"boundary=")[1].split(b"\r\n")[0]
    head, _, body = part(jpeg).partition(b"\r\n\r\n")
    assert head.startswith(b"--" + boundary + b"\r\n")
    assert f"Content-Length: {len(jpeg)}".encode() in head
    assert body == jpeg + b"\r\n"
