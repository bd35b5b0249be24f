"""Only pictures whose own header promises a size within the limit reach a decoder, and only three kinds of them."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.picture import PICTURE_BYTES_MAX, BadPictureError, decode, preview, promised_size

RANDOM = np.random.default_rng(1)
NOISE = RANDOM.integers(0, 256, (120, 90, 3), np.uint8)


def encoded(extension: str, pixels: np.ndarray = NOISE) -> bytes:
    fine, content = cv2.imencode(extension, pixels)
    assert fine
    return content.tobytes()


@pytest.mark.parametrize("extension", [".jpg", ".jp2", ".png"])
def test_three_kinds_of_pictures_are_decoded_to_bgr(extension: str) -> None:
    blue = np.full((120, 90, 3), (200, 100, 20), np.uint8)
    content = encoded(extension, blue)
    assert promised_size(content) == (90, 120)
    decoded = decode(content)
    assert decoded.shape == (120, 90, 3)
    assert decoded.dtype == np.uint8
    assert abs(decoded.astype(int) - blue).max() < 4


def test_a_bare_codestream_is_jpeg_2000_too() -> None:
    file = encoded(".jp2")
    codestream = file[file.index(b"\xff\x4f\xff\x51") :]
    assert promised_size(codestream) == (90, 120)
    assert decode(codestream).shape == (120, 90, 3)


def test_grey_pictures_come_out_as_bgr() -> None:
    assert decode(encoded(".jpg", NOISE[:, :, 0])).shape == (120, 90, 3)


@pytest.mark.parametrize("extension", [".bmp", ".tiff", ".webp"])
def test_other_kinds_are_refused(extension: str) -> None:
    with pytest.raises(BadPictureError, match="neither JPEG"):
        decode(encoded(extension))


def test_a_promise_over_the_limit_is_refused_before_decoding() -> None:
    only_a_promise = encoded(".png")[:40]
    with pytest.raises(BadPictureError, match="cannot be decoded"):
        decode(only_a_promise)
    with pytest.raises(BadPictureError, match="more than 1000 pixels"):
        decode(only_a_promise, pixels_max=1000)


@pytest.mark.parametrize("side", [0, 1, 31])
def test_a_picture_too_small_for_a_face_is_refused(side: int) -> None:
    content = bytearray(encoded(".png"))
    struct.pack_into(">I", content, 16, side)
    with pytest.raises(BadPictureError, match="smaller than"):
        decode(bytes(content))


def test_a_small_promise_does_not_hide_a_large_picture() -> None:
    """The file's own ihdr box may lie; the codestream's SIZ segment is what the decoder believes."""
    content = bytearray(encoded(".jp2"))
    ihdr = content.index(b"ihdr") + 4
    struct.pack_into(">II", content, ihdr, 40, 40)
    assert promised_size(bytes(content)) == (90, 120)


def test_a_picture_with_many_bytes_is_refused() -> None:
    with pytest.raises(BadPictureError, match=f"more than {PICTURE_BYTES_MAX}"):
        decode(encoded(".jpg").ljust(PICTURE_BYTES_MAX + 1))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00",
        b"\xff\xd8\xff\xe0\x00\x02\x00\x00\x00\x00",  # no marker where one must be
        b"\xff\xd8" + b"\xff\xe1\x00\x02" * 600,  # segments without end
        b"\xff\xd8" + b"\xff" * 700,
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIDAT" + bytes(20),
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00\x00\x00\x00junk",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + b"\x00\x00\x00\x08free" * 100,
        b"\x00\x00\x00\x0cjP  \r\n\x87\n" + struct.pack(">I4sQ", 1, b"jp2c", 100) + b"no codestream",
        b"\xff\x4f\xff\x51" + bytes(60),
    ],
)
def test_broken_headers_are_one_clear_error(content: bytes) -> None:
    with pytest.raises(BadPictureError):
        decode(content)


@pytest.mark.parametrize(("offset", "kind", "value"), [(8 + 8, "I", 5), (40, "H", 9)])
def test_a_codestream_laid_out_as_no_portrait_is_refused(offset: int, kind: str, value: int) -> None:
    file = encoded(".jp2")
    codestream = bytearray(file[file.index(b"\xff\x4f\xff\x51") :])
    struct.pack_into(f">{kind}", codestream, offset, value)
    with pytest.raises(BadPictureError, match="laid out"):
        decode(bytes(codestream))


@pytest.mark.parametrize("extension", [".jpg", ".jp2", ".png"])
def test_a_header_without_a_body_is_refused(extension: str) -> None:
    with pytest.raises(BadPictureError):
        decode(encoded(extension)[:200].ljust(200, b"\0") if extension != ".jpg" else encoded(extension)[:180])


@given(at=st.integers(0, 2000), value=st.integers(0, 255), extension=st.sampled_from([".jpg", ".jp2", ".png"]))
def test_any_changed_byte_gives_a_picture_or_one_clear_error(at: int, value: int, extension: str) -> None:
    content = bytearray(encoded(extension))
    content[at % len(content)] = value
    try:
        decoded = decode(bytes(content), pixels_max=200_000)
    except BadPictureError:
        return
    assert decoded.ndim == 3


def test_a_decoder_that_fails_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise cv2.error("inside")

    monkeypatch.setattr(cv2, "imdecode", explode)
    with pytest.raises(BadPictureError, match="cannot be decoded"):
        decode(encoded(".jpg"))


# ── the preview ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_preview_is_a_small_jpeg() -> None:
    jpeg = preview(np.zeros((720, 1280, 3), np.uint8), width_max=640, bytes_max=60_000)
    assert jpeg is not None
    assert promised_size(jpeg) == (640, 360)


def test_a_noisy_preview_is_made_coarser_and_at_worst_left_out() -> None:
    noise = RANDOM.integers(0, 256, (480, 640, 3), np.uint8)
    fine = preview(noise, width_max=640, bytes_max=10_000_000)
    coarse = preview(noise, width_max=640, bytes_max=100_000)
    assert fine is not None
    assert coarse is not None
    assert len(coarse) <= 100_000 < len(fine)
    assert preview(noise, width_max=640, bytes_max=1000) is None
