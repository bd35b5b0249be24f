"""What holds for every Modbus reply, and for every noise round it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.frames import READ_HOLDING, READ_INPUT, ReadRequest, Registers, decode, find_reply
from hardware_sim.modbus import seal as framed

_words = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125)
_functions = st.sampled_from([READ_HOLDING, READ_INPUT])


def _reply(unit: int, function: int, values: list[int]) -> tuple[ReadRequest, bytes]:
    body = b"".join(value.to_bytes(2, "big") for value in values)
    return ReadRequest(unit, function, 0, len(values)), framed(bytes((unit, function, len(body))) + body)


@given(unit=st.integers(1, 247), function=_functions, values=_words, tail=st.binary(max_size=8))
def test_a_reply_decodes_to_the_registers_sent_and_leaves_the_tail(
    unit: int, function: int, values: list[int], tail: bytes
) -> None:
    request, wire = _reply(unit, function, values)
    assert decode(wire + tail, request) == (Registers(tuple(values)), len(wire))


@given(values=_words, cut=st.integers(0, 300))
def test_an_unfinished_reply_asks_for_more(values: list[int], cut: int) -> None:
    request, wire = _reply(1, READ_INPUT, values)
    part = wire[: cut % len(wire)]
    if part:
        assert decode(part, request) == (None, 0)


@given(values=_words, noise=st.binary(max_size=40).filter(lambda noise: 1 not in noise))
def test_a_reply_behind_noise_is_found_however_it_is_cut(values: list[int], noise: bytes) -> None:
    request, wire = _reply(1, READ_INPUT, values)
    buffer, found = bytearray(), []
    for byte in noise + wire:
        buffer.append(byte)
        reply, _ = find_reply(buffer, request)
        if reply is not None:
            found.append(reply)
    assert found == [Registers(tuple(values))]
    assert not buffer


@given(noise=st.binary(max_size=600), values=_words)
def test_no_noise_raises_or_grows(noise: bytes, values: list[int]) -> None:
    request, _ = _reply(1, READ_INPUT, values)
    buffer = bytearray(noise)
    find_reply(buffer, request)
    assert len(buffer) < max(request.reply_bytes, 5)
