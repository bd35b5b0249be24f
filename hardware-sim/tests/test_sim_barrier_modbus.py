"""The slave's side of Modbus RTU."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.modbus import SILENCE_MS, IllegalAddressError, IllegalValueError, Slave, crc16, seal, sound


class Memory:
    """Ten registers of each kind."""

    def __init__(self) -> None:
        self.inputs = list(range(100, 110))
        self.holding = [0] * 10

    def read_input(self, address: int, count: int) -> list[int]:
        return self._part(self.inputs, address, count)

    def read_holding(self, address: int, count: int) -> list[int]:
        return self._part(self.holding, address, count)

    def write_holding(self, address: int, values: list[int]) -> None:
        if max(values) > 1000:
            raise IllegalValueError
        self._part(self.holding, address, len(values))
        self.holding[address : address + len(values)] = values

    @staticmethod
    def _part(registers: list[int], address: int, count: int) -> list[int]:
        if address + count > len(registers):
            raise IllegalAddressError
        return registers[address : address + count]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def slave(memory: Memory) -> Slave:
    return Slave(1, memory)


@pytest.mark.parametrize(
    "frame",
    [
        "020741 12",  # Modbus over Serial Line V1.02, appendix B
        "01 04 02 ff ff b8 80",
        "01 03 00 00 00 0a c5 cd",
    ],
)
def test_published_frames_are_sound(frame: str) -> None:
    wire = bytes.fromhex(frame)
    assert sound(wire)
    assert seal(wire[:-2]) == wire


def test_the_crc_of_nothing_is_its_start_value() -> None:
    assert crc16(b"") == 0xFFFF


def test_reads_input_registers(slave: Slave) -> None:
    assert slave.receive(seal(bytes.fromhex("01 04 0001 0002")), 0.0) == seal(bytes.fromhex("01 04 04 0065 0066"))


def test_reads_what_was_written(slave: Slave, memory: Memory) -> None:
    one = seal(bytes.fromhex("01 06 0002 0007"))
    assert slave.receive(one, 0.0) == one
    many = seal(bytes.fromhex("01 10 0003 0002 04 0008 0009"))
    assert slave.receive(many, 50.0) == seal(bytes.fromhex("01 10 0003 0002"))
    assert memory.holding[2:5] == [7, 8, 9]
    assert slave.receive(seal(bytes.fromhex("01 03 0002 0003")), 99.0) == seal(bytes.fromhex("01 03 06 0007 0008 0009"))
    assert slave.answered == 3


@pytest.mark.parametrize(
    ("request_hex", "code"),
    [
        ("01 04 0009 0002", 2),
        ("01 04 0000 0000", 3),
        ("01 03 0000 007e", 3),
        ("01 06 0000 03e9", 3),
        ("01 10 0009 0002 04 0001 0001", 2),
        ("01 10 0000 0000 00", 3),
        ("01 10 0000 0002 02 0001", 3),
    ],
)
def test_refuses_with_the_standards_code(slave: Slave, request_hex: str, code: int) -> None:
    body = bytes.fromhex(request_hex)
    assert slave.receive(seal(body), 0.0) == seal(bytes([1, body[1] | 0x80, code]))
    assert slave.answered == 0


def test_an_unknown_function_is_refused_once_silence_ends_the_frame(slave: Slave) -> None:
    assert slave.receive(seal(bytes.fromhex("01 2b 0e 01 00")), 0.0) == b""
    assert slave.quiet(SILENCE_MS - 1) == b""
    assert slave.quiet(SILENCE_MS) == seal(bytes([1, 0xAB, 1]))


@pytest.mark.parametrize("body", ["01 04 0000 0001 00", "01 06 0000", "01 10 0000 0001 09 00"])
def test_a_frame_of_the_wrong_length_changes_nothing(slave: Slave, memory: Memory, body: str) -> None:
    slave.receive(seal(bytes.fromhex(body)), 0.0)
    slave.quiet(SILENCE_MS)
    assert memory.holding == [0] * 10


@pytest.mark.parametrize("unit", [0, 2, 247])
def test_another_units_frame_and_a_broadcast_are_met_with_silence(slave: Slave, memory: Memory, unit: int) -> None:
    assert slave.receive(seal(bytes([unit, 6, 0, 0, 0, 1])), 0.0) == b""
    assert memory.holding[0] == 0


def test_a_wrong_crc_is_met_with_silence(slave: Slave, memory: Memory) -> None:
    frame = bytearray(seal(bytes.fromhex("01 06 0000 0001")))
    frame[5] ^= 1
    assert slave.receive(bytes(frame), 0.0) == b""
    assert memory.holding[0] == 0


def test_half_a_frame_is_forgotten_after_silence(slave: Slave) -> None:
    read_one = seal(bytes.fromhex("01 04 0000 0001"))
    assert slave.receive(read_one[:5], 0.0) == b""
    assert slave.receive(read_one, 50.0) == seal(bytes.fromhex("01 04 02 0064"))


def test_a_frame_may_come_byte_by_byte(slave: Slave) -> None:
    replies = [slave.receive(bytes([byte]), at) for at, byte in enumerate(seal(bytes.fromhex("01 04 0000 0001")))]
    assert b"".join(replies) == replies[-1] == seal(bytes.fromhex("01 04 02 0064"))


@given(noise=st.lists(st.binary(min_size=1, max_size=300), max_size=8))
def test_noise_never_writes_and_never_outlasts_silence(noise: list[bytes]) -> None:
    memory = Memory()
    slave = Slave(1, memory)
    at = 0.0
    for piece in noise:
        slave.receive(piece, at)
        at += 1.0
    slave.quiet(at + SILENCE_MS)
    assert memory.holding == [0] * 10
    assert slave.receive(seal(bytes.fromhex("01 04 0000 0001")), at + 100) == seal(bytes.fromhex("01 04 02 0064"))
