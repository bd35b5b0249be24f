"""Layouts of short frames: published examples, recomputed, and what is refused."""

from __future__ import annotations

import pytest
from fakes.framed_boards import Said, framed_profile

from drivers.barrier.framed.frames import CheckKind, Found, Hearing, check_of, find_reply, parse_layout
from gate_core.errors import BadFrameError

EB = "EB address command 00 check"


@pytest.mark.parametrize(
    ("kind", "body", "check"),
    [
        # DS205A: its published example prints 55, and adds up to FF only with FF.
        (CheckKind.COMPLEMENT_SUM, "7E 00 01 80 00 01 00", 0xFF),
        # Mach Power: its manual prints AB for both.
        (CheckKind.XOR, "EB 01 42 00", 0xA8),
        (CheckKind.XOR, "EB 01 43 00", 0xA9),
        (CheckKind.SUM, "21 70 90", 0x21),
        (CheckKind.XOR, "", 0),
    ],
)
def test_checks_are_computed_as_documented(kind: CheckKind, body: str, check: int) -> None:
    assert check_of(kind, bytes.fromhex(body)) == check


def test_requests_hold_the_bytes_that_the_documents_show() -> None:
    ds205a = framed_profile("ds205a").request_layout()
    assert ds205a.encode({"address": 1, "command": 0x80, "data": 0x010000}).hex(" ") == "7e 00 01 80 01 00 00 ff"
    italdis = framed_profile("italdis").request_layout()
    assert italdis.encode({"address": 1, "command": 0b10000}).hex(" ") == "21 70 90 80 aa b1 c0"
    assert parse_layout(EB, CheckKind.XOR).encode({"address": 1, "command": 0x42}).hex() == "eb014200a8"


@pytest.mark.parametrize("kind", ["ds205a", "italdis"])
def test_a_reply_is_read_as_an_independent_board_wrote_it(kind: str) -> None:
    wire = Said(kind, left=0x1234, right=0x77, position=3, beams=(True, False, True), forced=True).wire()
    values, used = framed_profile(kind).reply_layout().decode(wire + b"tail")
    assert values is not None
    assert used == len(wire)
    assert (values["address"], values["left"], values["right"]) == (1, 0x1234, 0x77)
    assert (values["gate"], values["beams"], values["alarm"]) == (3, 5, 4)


def test_a_field_can_have_its_lowest_byte_first() -> None:
    layout = parse_layout("02 address size*3 check", CheckKind.XOR, lowest_first=("size",))
    wire = layout.encode({"address": 1, "size": 0x030201})
    assert wire[2:5] == b"\x01\x02\x03"
    assert layout.decode(wire)[0] == {"address": 1, "size": 0x030201, "check": wire[-1]}


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        parse_layout(EB, CheckKind.XOR).encode({"command": 0x100})


@pytest.mark.parametrize(
    ("layout", "why"),
    [
        ("7E address", "check must have eight bits"),
        ("7E address 1010:check", "check must have eight bits"),
        ("7E command check", "no field address"),
        ("7e address check", "'7e' is neither"),
        ("7E address 012:x check", "neither"),
        ("7E address left*0 check", "neither"),
        (" ".join(["00"] * 63) + " address check", "at most 64"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_with_its_word(layout: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_layout(layout, CheckKind.SUM)


def test_a_byte_order_of_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="lowest_first names far"):
        parse_layout(EB, CheckKind.SUM, lowest_first=("far",))


def test_a_start_byte_within_a_frame_loses_no_frame() -> None:
    layout = framed_profile("ds205a").reply_layout()
    frames = [Said(left=0x7F7F7F, right=at).wire() for at in range(6)]
    buffer, found = bytearray(b"".join(frames)[1:]), []
    while (one := find_reply(buffer, layout, 1)).reply is not None:
        found.append(one.reply["right"])
    assert found == [1, 2, 3, 4, 5]
    assert not buffer


def test_another_boards_frame_is_a_stranger_and_hides_none_of_ours() -> None:
    layout = framed_profile("ds205a").reply_layout()
    ours, theirs = Said(left=9).wire(), Said().wire(7)
    found = find_reply(bytearray(theirs + ours), layout, 1)
    assert found.reply is not None
    assert (found.reply["left"], found.strangers, found.passed_over) == (9, 1, 18)
    assert find_reply(bytearray(theirs), layout, 1) == Found(None, 1, 18)


def test_a_frame_with_a_wrong_check_is_none() -> None:
    layout = framed_profile("italdis").reply_layout()
    wire = bytearray(Said("italdis").wire())
    wire[2] ^= 1
    with pytest.raises(BadFrameError, match="check"):
        layout.decode(bytes(wire))


def test_an_adapter_that_hears_itself_makes_no_noise_and_two_replies_are_one_too_many() -> None:
    layout, request, reply = (
        framed_profile("ds205a").reply_layout(),
        b"\x7e\x00\x01\x10\x00\x00\x00\x70",
        Said().wire(),
    )
    hearing = Hearing(layout, 1)
    hearing.begin(request)
    for byte in request + reply + reply + reply[:7]:
        hearing.take(bytes((byte,)))
    heard = hearing.heard()
    assert heard.reply is not None
    assert (heard.unasked, heard.noise, heard.strangers) == (1, 0, 0)
    hearing.begin(request)
    hearing.take(reply[7:] + request)
    assert hearing.reply is None, "it had begun before it was asked for"
    hearing.take(reply)
    assert (hearing.reply is not None, hearing.heard().unasked) == (True, 1)
