"""A real document child on a simulated chip: what comes out of it, where the portrait goes, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from core_fakes.shifts import GATE, PUBLIC, of_an_officer, today
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from document_fakes.inspections import NOW, issued
from document_fakes.sample_passports import ANNA, portrait, utopia
from fakes.tiers import quick_or_long

from drivers.reader.settings import Direct
from gate.channel import centre_messages, document_messages, vision_messages
from gate.channel.message import Message
from gate.programs.children import fd_passing, portraits
from gate.programs.children.child_handle import ChildLostError, UnfitError
from gate.programs.children.final_report import last_words
from gate.programs.lane.list_renewal import DocumentChild, ready_of, start_child
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate_core.evidence.crossing import CheckId, CheckResult, DocumentEvidence
from gate_core.orders import envelope
from gate_documents.lds.sod import parse_sod
from hardware_sim.chip.card import Card
from hardware_sim.chip.direct import DirectSlot
from hardware_sim.passport import lds
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.issuer import Passport

DOCUMENT = issued()
RIGHT = DOCUMENT.mrz_lines
WRONG = (RIGHT[0], RIGHT[1][:5] + "O" + RIGHT[1][6:])
PAGE = vision_messages.PageRead(1, "camera", "TD3", 0.9, True, [])
DEADLINE_S = 15.0


class Watched(Card):
    """A card that counts what it was asked, and has something happen at one of them."""

    def __init__(self, document: Passport = DOCUMENT, **switches: Any) -> None:
        super().__init__(document, random_bytes=random.Random(1).randbytes, **switches)
        self.asked = 0
        self.at: dict[int, Callable[[], None]] = {}

    def transmit(self, apdu: bytes) -> bytes:
        self.asked += 1
        self.at.pop(self.asked, lambda: None)()
        return super().transmit(apdu)


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    path = tmp_path / "trust.sqlite"
    files = {**utopia().csca_files(), **utopia().crl_files()}
    import_sources(path, [read_source(name, data) for name, data in files.items()], signer=None, test=True, now=NOW)
    return path


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[DirectSlot]:
    made = DirectSlot(tmp_path / "apdu")
    yield made
    with contextlib.suppress(OSError):
        made.stop()


def preparation(lists: Path, **more: Any) -> document_messages.PrepareDocument:
    chip, officers = Direct(socket=str(lists.parent / "apdu")).spelt(), vision_messages.OfficersOf(GATE, PUBLIC)
    wanted = {"chip": chip, "service": False, "officers": officers}
    return document_messages.PrepareDocument(**{**wanted, **more}, lists=str(lists))


@contextlib.asynccontextmanager
async def child_of(lists: Path, **more: Any) -> AsyncIterator[DocumentChild]:
    child = await start_child(preparation(lists, **more))
    try:
        yield child
    finally:
        await child.end()
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)


def wanted(
    *readings: tuple[str, ...], passed_on: bool = False, page: vision_messages.PageRead | None = None
) -> document_messages.ReadDocument:
    return document_messages.ReadDocument(
        "c1",
        [list(one) for one in readings],
        clock_sure=True,
        page=page,
        lines=not readings and page is not None,
        portrait=passed_on,
    )


async def judged(child: DocumentChild, *, heard: list[Message] | None = None) -> DocumentEvidence:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            message = await child.receive()
            if heard is not None:
                heard.append(message)
            if isinstance(message, document_messages.DocumentJudged):
                return message.evidence


def held_by(pid: int) -> dict[str, str]:
    """The descriptors of a process, and what they lead to."""
    return {link.name: str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}


def not_successful(evidence: DocumentEvidence) -> set[CheckId]:
    return {check.id for check in evidence.checks if check.result is not CheckResult.SUCCESSFUL}


async def test_evidence_comes_out_and_the_portrait_goes_another_way(lists: Path, slot: DirectSlot) -> None:
    slot.insert(Watched())
    heard: list[Message] = []
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    async with child_of(lists) as child:
        assert ready_of(child).chip == ""
        child.hand(fd_passing.CHIP_PORTRAIT, theirs.fileno())
        theirs.close()
        await child.send(wanted(RIGHT, passed_on=True, page=PAGE))
        evidence = await judged(child, heard=heard)
        sent = await portraits.receive(ours)
        slot.remove()
        async with asyncio.timeout(DEADLINE_S):
            assert isinstance(await child.receive(), document_messages.DocumentLeft)
    assert not_successful(evidence) == set()
    assert (evidence.issuer, evidence.lists) == ("UTO", ready_of(child).lists.version)
    assert evidence.authorities
    assert evidence.page is not None
    assert sent is not None
    assert bytes(sent.image) == portrait()
    said = msgspec.msgpack.encode(heard)
    for secret in (bytes(sent.image)[200:232], *(line.encode() for line in RIGHT), RIGHT[1][:9].encode()):
        assert secret not in said
    assert [type(message) for message in heard] == [
        document_messages.IssuerSeen,
        document_messages.ChipReached,
        document_messages.ChipReached,
        document_messages.DocumentJudged,
    ]
    assert heard[0] == document_messages.IssuerSeen("UTO")


OFFICER, STRANGER = X25519PrivateKey.generate(), X25519PrivateKey.generate()
CERTIFIED = of_an_officer(OFFICER.public_key().public_bytes_raw(), **today())
SEALED_TO = vision_messages.SealFor([CERTIFIED, STRANGER.public_key().public_bytes_raw()], alarm=False)
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


async def sealed(child: DocumentChild) -> list[bytes]:
    """What a child says to the officers as its crossing ends."""
    said = [b"" for _ in SEALED_TO.certificates]

    async def take(piece: vision_messages.SealedPiece) -> None:
        await asyncio.sleep(0)
        said[piece.number] += piece.content

    await last_words(child, vision_messages.EndCrossing("c1", SEALED_TO), take)
    return said


async def test_at_the_end_of_a_referred_crossing_an_officer_sees_the_lines_and_nobody_else_does(
    lists: Path, slot: DirectSlot
) -> None:
    slot.insert(Watched())
    async with child_of(lists) as child:
        await child.send(wanted(RIGHT))
        await judged(child)
        slot.remove()
        async with asyncio.timeout(DEADLINE_S):
            assert isinstance(await child.receive(), document_messages.DocumentLeft)
        to_officer, to_nobody = await sealed(child)
    about = envelope.info_of("north-7", "c1", envelope.DOCUMENT)
    lines = json.loads(SUITE.decrypt(to_officer, OFFICER, about))
    assert lines == {"printed": list(RIGHT), "chip": list(RIGHT), "differ": []}
    assert to_nobody == b""
    with pytest.raises(InvalidTag):
        SUITE.decrypt(to_officer, STRANGER, about)
    assert not any(line.encode() in to_officer for line in RIGHT)


async def test_with_the_day_s_key_a_child_marks_the_chip_and_without_it_does_not(lists: Path, slot: DirectSlot) -> None:
    key = b"k" * 32
    content = parse_sod(DOCUMENT.files["EF_SOD"]).message.content
    expected = hashlib.sha256(key).digest()[:8] + hmac.new(key, hashlib.sha256(content).digest(), "sha256").digest()
    for day_key, mark in ((key, expected.hex()), (b"", "")):
        slot.insert(Watched())
        heard: list[Message] = []
        async with child_of(lists) as child:
            await child.send(msgspec.structs.replace(wanted(RIGHT), day_key=day_key))
            await judged(child, heard=heard)
            slot.remove()
        last = heard[-1]
        assert isinstance(last, document_messages.DocumentJudged)
        assert last.mark == mark


async def test_a_child_that_has_read_nothing_says_so_at_once(lists: Path, slot: DirectSlot) -> None:
    del slot
    async with child_of(lists) as child:
        assert await sealed(child) == [b"", b""]


@pytest.mark.parametrize(
    ("time_zone", "expected"), [("Etc/GMT+12", CheckResult.SUCCESSFUL), ("Pacific/Kiritimati", CheckResult.FAILED)]
)
async def test_a_document_ends_with_its_last_day_at_the_gates_place(
    lists: Path, slot: DirectSlot, time_zone: str, expected: CheckResult
) -> None:
    """Its last day is today where the day begins last. There are 26 hours to where it begins first: there it is over, always."""
    last_day = datetime.now(ZoneInfo("Etc/GMT+12")).date()
    document = issued(person=dataclasses.replace(ANNA, expiry=last_day))
    slot.insert(Card(document))
    async with child_of(lists, time_zone=time_zone) as child:
        await child.send(wanted(document.mrz_lines))
        evidence = await judged(child)
    assert next(check.result for check in evidence.checks if check.id is CheckId.EXPIRY) is expected


async def test_a_time_zone_that_is_none_makes_no_child(lists: Path) -> None:
    with pytest.raises(UnfitError, match=r"time_zone: .*Atlantis/Capital"):
        await start_child(preparation(lists, time_zone="Atlantis/Capital"))


async def test_a_refused_reading_is_followed_by_the_other_one(lists: Path, slot: DirectSlot) -> None:
    slot.insert(Watched())
    async with child_of(lists) as child:
        await child.send(wanted(WRONG, RIGHT, page=PAGE))
        evidence = await judged(child)
    assert evidence.page is not None
    assert evidence.page.tries == 2
    assert not_successful(evidence) == set()


async def test_the_lines_of_a_page_come_over_a_way_of_their_own(lists: Path, slot: DirectSlot) -> None:
    slot.insert(Watched())
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    async with child_of(lists) as child:
        with theirs:
            child.hand(fd_passing.LINES, theirs.fileno())
        await child.send(wanted(page=PAGE))
        await fd_passing.send_lines(ours, [list(WRONG), list(RIGHT)])
        evidence = await judged(child)
    assert evidence.page is not None
    assert evidence.page.tries == 2
    assert not_successful(evidence) == set()


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x91\x91\xa5" + b"\xff" * 5, bytes(2000)])
async def test_lines_that_do_not_come_or_are_none_are_a_document_that_was_not_read(
    lists: Path, slot: DirectSlot, content: bytes
) -> None:
    card = Watched()
    slot.insert(card)
    ours, theirs = socket.socketpair()
    async with child_of(lists) as child:
        with theirs:
            child.hand(fd_passing.LINES, theirs.fileno())
        await child.send(wanted(page=PAGE))
        with ours, contextlib.suppress(BrokenPipeError):
            ours.sendall(content)
        evidence = await judged(child)
    assert card.asked == 0
    assert next(check.result for check in evidence.checks if check.id is CheckId.MRZ) is CheckResult.ABORTED


async def test_a_chip_that_leaves_midway_is_in_the_evidence(lists: Path, slot: DirectSlot) -> None:
    slot.insert(Watched(pull_out_after_apdus=12))
    async with child_of(lists) as child:
        await child.send(wanted(RIGHT))
        evidence = await judged(child)
        assert CheckResult.ABORTED in {check.result for check in evidence.checks}
        async with asyncio.timeout(DEADLINE_S):
            assert isinstance(await child.receive(), document_messages.DocumentLeft)


async def test_what_could_not_be_read_never_touches_the_chip(lists: Path, slot: DirectSlot) -> None:
    card = Watched()
    slot.insert(card)
    async with child_of(lists) as child:
        await child.send(wanted())
        evidence = await judged(child)
    assert card.asked == 0
    assert next(check.result for check in evidence.checks if check.id is CheckId.MRZ) is CheckResult.ABORTED


async def test_without_a_chip_reader_a_child_is_prepared_all_the_same_and_says_why(lists: Path) -> None:
    async with child_of(lists) as child:
        assert "is away" in ready_of(child).chip
        await child.send(wanted(RIGHT))
        assert await child.receive() == document_messages.IssuerSeen("UTO"), (
            "the same as of a document whose chip can be reached"
        )
        message = await child.receive()
        assert isinstance(message, document_messages.DocumentUnread)
        assert "is away" in message.reason


async def test_a_reader_that_goes_before_the_crossing_ends_the_child_for_another_one(
    lists: Path, slot: DirectSlot
) -> None:
    async with child_of(lists) as child:
        slot.stop()
        async with asyncio.timeout(DEADLINE_S):
            await child.lost.wait()
        with pytest.raises(ChildLostError):
            await child.receive()


async def test_lists_that_must_not_be_used_are_told_and_end_the_child(lists: Path, slot: DirectSlot) -> None:
    with pytest.raises(UnfitError, match="marked as test"):
        await start_child(preparation(lists, service=True))
    with pytest.raises(UnfitError, match=r"paths\.trust: cannot be opened"):
        await start_child(preparation(lists.with_name("absent")))
    assert slot is not None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("at", quick_or_long((1, 4, 9, 20), quick=(9,)))
async def test_a_child_that_dies_or_hangs_at_any_command_is_lost(
    lists: Path, slot: DirectSlot, at: int, how: signal.Signals
) -> None:
    card = Watched()
    slot.insert(card)
    async with child_of(lists) as child:
        card.at[at] = lambda: os.kill(child.pid, how)
        await child.send(wanted(RIGHT))
        with pytest.raises(ChildLostError):
            await judged(child)


async def test_a_second_crossing_ends_the_child(lists: Path, slot: DirectSlot) -> None:
    slot.insert(Watched())
    async with child_of(lists) as child:
        for _ in range(2):
            await child.send(wanted(RIGHT))
        with pytest.raises(ChildLostError):
            await judged(child)


async def test_questions_for_the_control_centre_go_through_the_lane(lists: Path, slot: DirectSlot) -> None:
    features = Features(chip_authentication=(Agreement(13),), terminal_authentication=True)
    document = issued(features=features, extra_groups={3: lds.dg3(b"a finger")})
    slot.insert(Watched(document))
    asked = []
    async with child_of(lists, fingers=True) as child, asyncio.timeout(DEADLINE_S):
        await child.send(wanted(document.mrz_lines))
        while not isinstance(message := await child.receive(), document_messages.DocumentJudged):
            if isinstance(message, centre_messages.ToCentre):
                asked.append(type(message))
                await child.send(document_messages.CentreAnswered(None))
    assert asked == [centre_messages.ChainWanted]
    assert not_successful(message.evidence) == set()


async def test_it_holds_no_descriptor_but_its_own(lists: Path, slot: DirectSlot) -> None:
    assert slot is not None
    leaked = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    try:
        async with child_of(lists) as child:
            held = held_by(child.pid)
    finally:
        os.close(leaked)
    others = {name: place for name, place in held.items() if name != "2" and place != "/dev/null"}
    assert {place.split(":")[0] for place in others.values()} <= {"socket", "anon_inode"}
    assert list(held.values()).count("/dev/null") == 1
