"""A passport's way to the card's process, and messages that break on it."""

from __future__ import annotations

import io

import pytest
from document_fakes.sample_passports import numbered, portrait, utopia

from hardware_sim.chip import ReaderGoneError
from hardware_sim.chip.travel import MESSAGE_BYTES_MAX, pack, read_message, unpack, write_message
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport


class ClosedPipe(io.BytesIO):
    def write(self, _content: object) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("fault", ["none", "no_chip_authentication"])
def test_a_passport_arrives_as_it_left(fault: str) -> None:
    faults = frozenset({fault} - {"none"})
    for count in range(6):
        passport = utopia().issue(numbered(count), portrait_jpeg=portrait(), faults=faults)
        pipe = io.BytesIO()
        write_message(pipe, {"do": "insert", **pack(passport, {"le_max": 192})})
        pipe.seek(0)
        message = read_message(pipe)
        assert message is not None
        arrived, switches = unpack(message)
        assert switches == {"le_max": 192}
        assert arrived.mrz_lines == passport.mrz_lines
        assert arrived.files == passport.files
        assert private_key(arrived) == private_key(passport)


def test_everything_that_a_chip_can_do_arrives_too() -> None:
    features = Features(
        bac=False,
        pace=(Pace(Mapping.GENERIC, 0, Cipher.TDES), Pace(Mapping.CHIP_AUTHENTICATION, 13, Cipher.AES_256)),
        can="271828",
        chip_authentication=(Agreement(12, None), Agreement(2, Cipher.AES_192, key_id=7)),
        terminal_authentication=True,
    )
    passport = utopia().issue(numbered(1), portrait_jpeg=portrait(), features=features)
    pipe = io.BytesIO()
    write_message(pipe, pack(passport, {}))
    pipe.seek(0)
    message = read_message(pipe)
    assert message is not None
    assert unpack(message)[0].abilities == passport.abilities


def private_key(passport: Passport) -> bytes | None:
    return None if passport.chip_key is None else passport.chip_key.to_bytes()


def test_the_end_of_the_stream_is_no_message() -> None:
    assert read_message(io.BytesIO()) is None


@pytest.mark.parametrize("broken", [b"\x00\x00", b"\x00\x00\x00\x05{}", (MESSAGE_BYTES_MAX + 1).to_bytes(4) + b"{}"])
def test_a_message_cut_short_or_too_long_ends_the_connection(broken: bytes) -> None:
    with pytest.raises(ReaderGoneError, match="cut short or is too long"):
        read_message(io.BytesIO(broken))


def test_a_message_over_the_limit_is_not_sent() -> None:
    pipe = io.BytesIO()
    with pytest.raises(ValueError, match="over the limit"):
        write_message(pipe, {"fill": "x" * MESSAGE_BYTES_MAX})
    assert pipe.getvalue() == b""


def test_a_pipe_that_nobody_reads_means_that_the_reader_is_gone() -> None:
    with pytest.raises(ReaderGoneError, match="no longer listens"):
        write_message(ClosedPipe(), {})
