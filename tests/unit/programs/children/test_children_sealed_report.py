"""What a child says to officers before its end: whole for each of them, in pieces that fit, and nothing where there is nothing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from core_fakes.shifts import GATE, NOW_S, OTHER_AUTHORITY, PUBLIC, of_an_officer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from gate.channel import vision_messages
from gate.channel.message import Message
from gate.channel.sockets import BYTES_MAX, Connection
from gate.programs.children.sealed_report import say_sealed
from gate_core.evidence.names import Role
from gate_core.orders.envelope import FACE, OVERHEAD_BYTES, info_of
from gate_core.orders.verbs import Party

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
ANNA, BERT = X25519PrivateKey.generate(), X25519PrivateKey.generate()
KEYS = [one.public_key().public_bytes_raw() for one in (ANNA, BERT)]
OFFICERS = [of_an_officer(key) for key in KEYS]
HERE = vision_messages.OfficersOf(GATE, PUBLIC)


class Parent:
    """Hears what a child says."""

    def __init__(self) -> None:
        self.heard: list[vision_messages.SealedPiece] = []

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)
        assert isinstance(message, vision_messages.SealedPiece)
        self.heard.append(message)

    def whole(self, number: int) -> bytes:
        """What was said for one officer, which is over."""
        pieces = [one for one in self.heard if one.number == number]
        assert [one.last for one in pieces] == [False] * (len(pieces) - 1) + [True]
        return b"".join(one.content for one in pieces)


async def said(
    content: bytes | None, *certificates: bytes, officers: vision_messages.OfficersOf | None = HERE
) -> Parent:
    parent = Parent()
    end = vision_messages.EndCrossing(
        "c1", vision_messages.SealFor(list(certificates), alarm=False) if certificates else None
    )
    to = cast("Connection[Any]", parent)
    await say_sealed(to, end, officers=officers, now_s=NOW_S, part=FACE, content=content)
    return parent


@pytest.mark.parametrize(
    "length",
    [0, 1, 48 * 1024 - OVERHEAD_BYTES, 48 * 1024 - OVERHEAD_BYTES + 1, 200_000],
)
async def test_each_officer_is_said_the_whole_sealed_to_their_key(length: int) -> None:
    content = bytes(index % 251 for index in range(length))
    parent = await said(content, *OFFICERS)
    for number, key in enumerate((ANNA, BERT)):
        assert SUITE.decrypt(parent.whole(number), key, info_of(GATE, "c1", FACE)) == content
    for piece in parent.heard:
        assert piece.crossing == "c1"
        assert len(piece.content) <= vision_messages.SEALED_PIECE_BYTES_MAX < BYTES_MAX


async def test_a_key_that_is_none_is_its_officers_loss_alone() -> None:
    parent = await said(b"a face", of_an_officer(bytes(32)), OFFICERS[1])
    assert parent.whole(0) == b""
    assert SUITE.decrypt(parent.whole(1), BERT, info_of(GATE, "c1", FACE)) == b"a face"


@pytest.mark.parametrize(
    "named",
    [
        of_an_officer(KEYS[0], authority=OTHER_AUTHORITY),
        of_an_officer(KEYS[0])[:-1],
        KEYS[0],
        b"",
        of_an_officer(KEYS[0], not_before=NOW_S + 1),
        of_an_officer(KEYS[0], until=NOW_S),
        of_an_officer(KEYS[0], gates=("north-8",)),
        of_an_officer(KEYS[0], role=Role.TECHNICIAN),
        of_an_officer(KEYS[0], role=Role.AUDITOR),
        of_an_officer(KEYS[0], party=Party.AIRPORT),
        of_an_officer(None),
    ],
    ids=["another authority", "broken", "a key", "nothing", "not begun", "over", "elsewhere", "technician", "auditor", "airport", "no key"],
)  # fmt: skip
async def test_a_captured_lane_has_nothing_sealed_to_whoever_is_no_officer_here_and_now(named: bytes) -> None:
    parent = await said(b"a face", named, OFFICERS[1])
    assert parent.whole(0) == b""
    assert SUITE.decrypt(parent.whole(1), BERT, info_of(GATE, "c1", FACE)) == b"a face"


@pytest.mark.parametrize(
    "officers", [None, vision_messages.OfficersOf(GATE, OTHER_AUTHORITY.public_key().public_bytes_raw())]
)
async def test_whose_officers_they_are_is_what_the_child_was_prepared_with(
    officers: vision_messages.OfficersOf | None,
) -> None:
    parent = await said(b"a face", *OFFICERS, officers=officers)
    assert (parent.whole(0), parent.whole(1)) == (b"", b"")


async def test_where_there_is_nothing_to_say_that_is_said() -> None:
    parent = await said(None, *OFFICERS)
    assert (parent.whole(0), parent.whole(1)) == (b"", b"")


async def test_whoever_was_not_referred_is_shown_to_nobody() -> None:
    assert (await said(b"a face")).heard == []
