"""Framings as data: the profiles that are shipped, what they take for a frame, and what they never do."""

from __future__ import annotations

import asyncio
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.links import Link
from drivers.profile_file import ProfileFile
from drivers.reader.framed import BUFFER_BYTES_MAX, LineReader, TalkingReader
from drivers.reader.profile import ImagerProfile, ReaderProfile, StxProfile, all_profiles, load_profile
from drivers.reader.stx import StxDecoder
from gate_contract.links import OneByteAtATime
from gate_contract.virtual_time import in_virtual_time
from gate_core.errors import BadFrameError, LinkLostError, SetupError
from gate_core.ports.memory_link import MemoryLink, memory_pair

PASSPORT = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
CARD = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
SMALL_CARD = ("I<UTOSTEVENSON<<PETER<<<<<<<<<<<<<<<", "D231458907UTO3407127M9507122<<<<<<<2")


def decoder(name: str) -> StxDecoder:
    profile = load_profile(name)
    assert isinstance(profile, StxProfile)
    return StxDecoder(profile)


def rte(optical: bytes, *, flag: bytes = b"0", length: int | None = None) -> bytes:
    """A message as docs/protocols/readers.md has it."""
    text = flag + optical
    block = (len(text) if length is None else length).to_bytes(2, "little") + b"OU\x02" + text + b"\x03"
    return b"\x01" + block + bytes([reduce(xor, block)])


RTE_PASSPORT = rte(b"\r" + b"\r".join(line.encode() for line in PASSPORT) + b"\r")
RTE_CARD = rte(b"\r".join(line.encode() for line in CARD) + b"\r")
RTE_SMALL_CARD = rte(b"\r" + b"\r".join(line.encode().ljust(44, b"_") for line in SMALL_CARD) + b"\r")


@pytest.mark.parametrize(("wire", "lines"), [(RTE_PASSPORT, PASSPORT), (RTE_CARD, CARD), (RTE_SMALL_CARD, SMALL_CARD)])
def test_rte_native_gives_the_lines_from_the_top_without_padding_and_without_missing_ones(
    wire: bytes, lines: tuple[str, ...]
) -> None:
    assert decoder("rte-native")(wire + b"tail") == (lines, len(wire))


def test_an_rte_message_of_a_page_that_could_not_be_read_has_no_lines() -> None:
    assert decoder("rte-native")(rte(b"\r\r\r")) == ((), len(rte(b"\r\r\r")))


@pytest.mark.parametrize("counted", ["text", "text and marks", "frame"])
def test_whatever_the_length_word_counts_it_fits(counted: str) -> None:
    optical = b"\r" + b"\r".join(line.encode() for line in PASSPORT) + b"\r"
    length = {"text": len(optical), "text and marks": len(optical) + 3, "frame": len(RTE_PASSPORT)}[counted]
    assert decoder("rte-native")(rte(optical, length=length))[0] == PASSPORT


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(RTE_PASSPORT[:-1] + bytes([RTE_PASSPORT[-1] ^ 1]), id="wrong check"),
        pytest.param(rte(b"\r" * 3, length=90), id="length of more than the frame"),
        pytest.param(rte(PASSPORT[0].encode(), length=3), id="length of less than the text"),
        pytest.param(rte(b"A" * 139), id="longer than any MRZ"),
        pytest.param(rte(b"\r\x00\r"), id="no character of an MRZ"),
        pytest.param(b"\x01\x5e\x00XU\x02", id="another device"),
        pytest.param(b"P<UTO", id="no start"),
    ],
)
def test_bytes_that_are_no_frame_are_refused(wire: bytes) -> None:
    with pytest.raises(BadFrameError):
        decoder("rte-native")(wire)


def test_an_unfinished_frame_asks_for_more() -> None:
    for name, wire in (("rte-native", RTE_PASSPORT), ("stx-plain", b"\x02" + RTE_CARD[7:-2] + b"\x03")):
        for cut in range(len(wire)):
            assert decoder(name)(wire[:cut]) == (None, 0)


@given(lines=st.lists(st.text("ABC019<", min_size=1, max_size=44), max_size=3), tail=st.binary(max_size=8))
def test_a_plain_frame_gives_back_its_lines_and_leaves_the_tail(lines: list[str], tail: bytes) -> None:
    wire = b"\x02" + b"".join(line.encode() + b"\r\n" for line in lines) + b"\x03"
    assert decoder("stx-plain")(wire + tail) == (tuple(lines), len(wire))


@given(noise=st.binary(max_size=300), name=st.sampled_from(["rte-native", "stx-plain"]))
def test_noise_gives_a_frame_an_error_or_a_wish_for_more(noise: bytes, name: str) -> None:
    try:
        lines, used = decoder(name)(noise)
    except BadFrameError:
        return
    assert (lines is None) == (used == 0)
    assert used <= len(noise)


def test_an_end_of_two_bytes_may_come_in_two_pieces() -> None:
    text = 'protocol="stx"\nreader="x"\nsource="x"\nverified_on_hardware=false\nbaud=9600\nstart="02"\nend="03 0D"\n'
    profile: ReaderProfile = ProfileFile("two.toml", text).profile(ReaderProfile)
    assert isinstance(profile, StxProfile)
    decode = StxDecoder(profile)
    assert decode(b"\x02ABC\x03") == (None, 0)
    assert decode(b"\x02ABC\x03\r") == (("ABC",), 6)


@given(at=st.integers(0, len(RTE_PASSPORT) - 1), bit=st.integers(0, 7))
def test_no_single_flipped_bit_of_a_checked_frame_gives_other_lines(at: int, bit: int) -> None:
    worn = bytearray(RTE_PASSPORT)
    worn[at] ^= 1 << bit
    try:
        lines, _ = decoder("rte-native")(bytes(worn))
    except BadFrameError:
        return
    assert lines is None or lines == PASSPORT


# ── profiles ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_shipped_profile_loads_and_none_claims_to_have_been_tried() -> None:
    profiles = all_profiles()
    assert set(profiles) == {"honeywell", "rte-native", "scan-engine-7e", "stx-plain"}
    assert not any(profile.verified_on_hardware for profile in profiles.values())
    assert isinstance(profiles["honeywell"], ImagerProfile)


PLAIN = """
protocol = "stx"
reader = "x"
source = "x"
verified_on_hardware = false
baud = 9600
start = "02"
end = "03"
"""
IMAGER = """
protocol = "imager"
reader = "x"
source = "x"
verified_on_hardware = false
baud = 9600
command_start = "16"
command_end = ""
accepted = "06"
refused = ["15"]
setup = ["a!"]
trigger = "16 54 0D"
stop = ""
trigger_again_ms = 1000
"""


@pytest.mark.parametrize(
    ("text", "was", "becomes", "complaint"),
    [
        (PLAIN, 'start = "02"', 'start = ""', "start is empty"),
        (PLAIN, 'end = "03"', 'end = "41"', "a line may hold"),
        (PLAIN, 'end = "03"', 'end = "3"', "end"),
        (PLAIN, 'end = "03"', 'end = "03"\nspeed = 1', "speed"),
        (PLAIN, '"stx"', '"morse"', "none of stx, imager"),
        (PLAIN, "baud = 9600", "baud", "="),
        (IMAGER, 'accepted = "06"', 'accepted = "06 07"', "single bytes"),
        (IMAGER, 'accepted = "06"', 'accepted = "15"', "both accepts and refuses"),
        (IMAGER, 'setup = ["a!"]', "setup = []", "setup is empty"),
        (IMAGER, 'setup = ["a!"]', 'setup = ["a b"]', "setup"),
    ],
)
def test_a_contradiction_or_a_stranger_in_a_profile_is_one_clear_error(
    text: str, was: str, becomes: str, complaint: str
) -> None:
    assert was in text
    with pytest.raises(SetupError, match=complaint):
        ProfileFile("test.toml", text.replace(was, becomes, 1)).profile(ReaderProfile)


@pytest.mark.parametrize("name", ["", "no-such-reader", "../portcullis-sim"])
def test_a_name_that_is_no_profile_is_refused(name: str) -> None:
    with pytest.raises(SetupError, match="no reader profile"):
        load_profile(name)


# ── the line ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def cable(*, one_by_one: bool = False) -> tuple[TalkingReader, MemoryLink]:
    """A reader with an RTE unit at the far end of its line."""
    near, far = memory_pair()
    link: Link = OneByteAtATime(near) if one_by_one else near

    async def open_link() -> Link:
        return link

    return TalkingReader(decoder("rte-native"), source="rte-native", open_link=open_link), far


@in_virtual_time
async def test_a_message_that_resembles_no_mrz_is_passed_over_and_a_worn_one_is_not() -> None:
    reader, far = cable()
    await reader.connect()
    for optical in (b"\r\r\r", b"A\rB\r\r", b"\r\r" + b"A" * 44 + b"\r", (b"a" * 30 + b"\r") * 2):
        await far.write(rte(optical))
    await far.write(rte(b"\r" + PASSPORT[0].encode() + b"\r" + PASSPORT[1][1:].encode() + b"\r"))
    assert (await reader.next_lines()).lines == (PASSPORT[0], PASSPORT[1][1:])


@pytest.mark.parametrize("one_by_one", [False, True])
@in_virtual_time
async def test_a_document_is_read_through_noise_and_broken_frames(one_by_one: bool) -> None:  # noqa: FBT001 - both lines
    reader, far = cable(one_by_one=one_by_one)
    await reader.connect()
    await far.write(b"\x00noise" + RTE_CARD[:40] + RTE_PASSPORT[:-1] + b"\x00" + RTE_PASSPORT)
    page = await reader.next_lines()
    assert (page.lines, page.source) == (PASSPORT, "rte-native")
    assert reader.bytes_passed_over == 6 + 40 + len(RTE_PASSPORT)
    reader.close()
    with pytest.raises(LinkLostError, match="not connected"):
        await reader.next_lines()


@in_virtual_time
async def test_a_frame_that_stops_half_way_does_not_hold_up_the_next() -> None:
    reader, far = cable()
    await reader.connect()
    await far.write(RTE_PASSPORT[:50])
    line = reader
    assert await line.next_frame(_now() + 30.0) is None
    await far.write(RTE_CARD)
    assert (await reader.next_lines()).lines == CARD


@in_virtual_time
async def test_a_frame_that_never_ends_is_bounded() -> None:
    near, far = memory_pair()

    async def open_link() -> Link:
        return near

    line: LineReader[bytes] = LineReader(lambda _: (None, 0), source="test", open_link=open_link)
    await line.connect()
    for _ in range(3 * BUFFER_BYTES_MAX // 256):
        await far.write(bytes(256))
        await line.next_frame(_now() + 0.001)
    assert len(line._buffer) <= BUFFER_BYTES_MAX
    assert line.bytes_passed_over >= BUFFER_BYTES_MAX


def _now() -> float:
    return asyncio.get_running_loop().time()
