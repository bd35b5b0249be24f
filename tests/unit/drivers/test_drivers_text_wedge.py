"""The CR100's text messages, as its public client shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reader.text_wedge import MESSAGE_BYTES_MAX, decode
from gate_core.errors import BadFrameError

LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")


def message(*, end: str = "\n", lines: tuple[str, ...] = LINES, label: str = "OCR LINE", stripe: str = "") -> bytes:
    three = (*lines, "", "", "")[:3]
    rows = ["START", *(f"{label} {number}: {line}" for number, line in enumerate(three, 1))]
    return end.join([*rows, f"MSR LINE 1:{stripe}", "MSR LINE 2:", "MSR LINE 3:", "END"]).encode()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("label", ["OCR LINE", "OCR Line"])
def test_the_lines_come_out_whatever_ends_them(end: str, label: str) -> None:
    wire = message(end=end, label=label)
    assert decode(wire + b"\r\n") == (LINES, len(wire))
    assert decode(b"\r\n") == ((), 1)


def test_a_magnetic_stripe_is_never_looked_at() -> None:
    assert decode(message(stripe="%B4111<OCR LINE 3: FORGED"))[0] == LINES


def test_a_page_that_could_not_be_read_has_no_lines() -> None:
    assert decode(message(lines=()))[0] == ()


def test_an_unfinished_message_asks_for_more() -> None:
    wire = message()
    for cut in range(len(wire)):
        assert decode(wire[:cut]) == (None, 0)


@pytest.mark.parametrize(
    "wire",
    [
        b"STOP\n",
        b"x",
        b"START\nOCR LINE 1: \x00",
        message()[:60] + message(),
        b"START\n" + b"A" * MESSAGE_BYTES_MAX,
        b"START\nTHE END\n" + b"A" * MESSAGE_BYTES_MAX,
    ],
)
def test_bytes_that_are_no_message_are_refused(wire: bytes) -> None:
    with pytest.raises(BadFrameError):
        decode(wire)


@given(noise=st.binary(max_size=600).map(lambda noise: b"START\n" + noise))
def test_noise_gives_a_message_an_error_or_a_wish_for_more(noise: bytes) -> None:
    try:
        lines, used = decode(noise)
    except BadFrameError:
        return
    assert (lines is None) == (used == 0)
