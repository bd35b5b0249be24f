"""The simulated Elyctis reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.readers.device import READING_MS
from hardware_sim.readers.elyctis import COMMAND_DATA_BYTES_MAX, GAP_MS, ElyctisReader, frame

LINES = ("P<UTO" + "A" * 39, "B" * 44)
MRZ = "\r".join(LINES).encode()


class Host:
    """A reader with a clock of its own."""

    def __init__(self) -> None:
        self.reader = ElyctisReader()
        self.now_ms = 1000.0

    def send(self, data: bytes) -> bytes:
        self.now_ms += 1
        return self.reader.receive(data, self.now_ms)

    def run(self, ms: float) -> bytes:
        said = b""
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms += 20
            said += self.reader.tick(self.now_ms)
        return said

    def lay_down(self, lines: tuple[str, ...] = LINES) -> None:
        self.reader.insert(lines)
        self.run(READING_MS + 40)


@pytest.fixture
def host() -> Host:
    return Host()


def test_inquire_gives_the_lines_with_cr_between(host: Host) -> None:
    host.lay_down()
    assert host.send(b"I\x00\x00") == b"I\x00\x59" + MRZ


def test_inquire_without_a_document_gives_nothing(host: Host) -> None:
    assert host.send(frame(b"I")) == frame(b"I")
    host.lay_down()
    host.reader.remove()
    assert host.send(frame(b"I")) == frame(b"I")


def test_a_document_takes_time_to_be_read(host: Host) -> None:
    host.reader.insert(LINES)
    assert host.send(frame(b"I")) == frame(b"I")
    host.run(20)
    assert host.send(frame(b"I")) == frame(b"I")


def test_the_one_line_command_gives_one_line_documents_only(host: Host) -> None:
    host.lay_down()
    assert host.send(frame(b"L")) == frame(b"L")
    host.lay_down(("I<UTO123",))
    assert host.send(frame(b"L")) == frame(b"L", b"I<UTO123")


@pytest.mark.parametrize("command", [b"V", b"W", b"R", b"T"])
def test_it_says_what_it_is(host: Host, command: bytes) -> None:
    answer = host.send(frame(command))
    assert answer[:1] == command
    assert len(answer) == 3 + int.from_bytes(answer[1:3], "big") > 3


def test_continuous_reading_is_armed_for_one_document(host: Host) -> None:
    assert host.send(b"C\x00\x01\x01") == b"C\x00\x01\x01"
    host.reader.insert(LINES)
    assert host.run(READING_MS + 40) == frame(b"I", MRZ)
    host.reader.remove()
    host.reader.insert(LINES)
    assert host.run(1000) == b"", "it was not armed again"
    host.send(frame(b"C", b"\x01"))
    assert host.run(40) == frame(b"I", MRZ)


def test_a_document_that_stays_is_not_read_twice_until_the_mode_is_reset(host: Host) -> None:
    host.send(frame(b"C", b"\x01"))
    host.lay_down()
    host.send(frame(b"C", b"\x01"))
    assert host.run(1000) == b""
    assert host.send(frame(b"C", b"\x00")) == frame(b"C", b"\x00")
    host.send(frame(b"C", b"\x01"))
    assert host.run(40) == frame(b"I", MRZ)


def test_a_document_presented_again_is_read_again(host: Host) -> None:
    host.send(frame(b"C", b"\x01"))
    host.lay_down()
    host.reader.remove()
    host.send(frame(b"C", b"\x01"))
    assert host.run(100) == b""
    host.reader.insert(LINES)
    assert host.run(READING_MS + 40) == frame(b"I", MRZ)


def test_disarmed_it_is_silent(host: Host) -> None:
    host.send(frame(b"C", b"\x01"))
    host.send(frame(b"C", b"\x00"))
    host.reader.insert(LINES)
    assert host.run(1000) == b""


def test_commands_may_come_in_pieces_and_in_a_row(host: Host) -> None:
    assert host.send(b"C\x00") == b""
    assert host.send(b"\x01\x01V\x00\x00")[:4] == b"C\x00\x01\x01"


def test_half_a_command_is_forgotten(host: Host) -> None:
    host.send(b"C\x00")
    host.now_ms += GAP_MS
    assert host.send(frame(b"I")) == frame(b"I")


@pytest.mark.parametrize("unknown", [b"X\x00\x00", b"C\x00\x01\x02", b"C\x00\x00", b"P\x00\x01\x01"])
def test_an_unknown_command_is_met_with_silence(host: Host, unknown: bytes) -> None:
    assert host.send(unknown) == b""
    assert host.send(frame(b"I")) == frame(b"I")


@given(noise=st.binary(max_size=64))
def test_noise_is_forgotten_after_a_pause(noise: bytes) -> None:
    host = Host()
    host.send(noise)
    host.now_ms += GAP_MS
    assert host.send(frame(b"I")) == frame(b"I")


def test_an_impossible_length_is_noise(host: Host) -> None:
    assert host.send(b"I" + (COMMAND_DATA_BYTES_MAX + 1).to_bytes(2, "big")) == b""
    assert host.send(frame(b"I")) == frame(b"I")
