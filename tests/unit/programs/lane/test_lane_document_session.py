"""A document's child dies, hangs, or cannot be had: its crossing is referred, its end is posted, another child is wanted."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from fakes.document_children import FakeChild

from gate.channel import centre_messages, child_messages, document_messages, register_messages, vision_messages
from gate.channel.message import Message
from gate.passage.events import DocumentRead, DocumentRemoved, Event
from gate.programs.children import fd_passing
from gate.programs.children.child_handle import ChildLostError
from gate.programs.children.final_report import SAID_MAX, SEAL_S
from gate.programs.children.warm_spare import Spare
from gate.programs.lane.document_session import QUESTIONS_MAX, ControlCentre, Reading
from gate.programs.lane.documents import Presented
from gate_contract.virtual_time import run_virtual
from gate_core.evidence.crossing import CheckId, CheckResult, DocumentEvidence

LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
SWIPED = Presented((LINES,))
EVIDENCE = DocumentEvidence.unreadable("whatever", CheckId.MRZ)
OTHER = DocumentEvidence.unreadable("something else", CheckId.MRZ)
WHOLE: tuple[Message | None, ...] = (
    child_messages.Alive(),
    document_messages.IssuerSeen("UTO"),
    document_messages.ChipReached(document_messages.ChipStage.FOUND),
    centre_messages.ChainWanted(["UTCVCA00001"]),
    document_messages.ChipReached(document_messages.ChipStage.PORTRAIT),
    document_messages.DocumentJudged(EVIDENCE),
    document_messages.DocumentLeft(),
)


MARK = "ab" * 40


@dataclass
class Asked:
    """Lists and registers that note what they are asked, and a key."""

    key: bytes = b""
    asked: list[tuple[str, register_messages.DocumentQuestion]] = field(default_factory=list)
    marked: list[tuple[str, str]] = field(default_factory=list)

    async def day_key(self, crossing: str) -> bytes:
        await asyncio.sleep(0)
        assert crossing == "c1"
        return self.key

    def ask(self, crossing: str, question: register_messages.DocumentQuestion) -> None:
        self.asked.append((crossing, question))

    def ask_marked(self, crossing: str, mark: str) -> None:
        self.marked.append((crossing, mark))


class Lane:
    """The lane around one reading."""

    def __init__(
        self,
        child: FakeChild | None,
        *,
        way: bool = True,
        shielded: frozenset[str] = frozenset(),
        registers: Asked | None = None,
    ) -> None:
        self.posted: list[Event] = []
        self.marks: list[str] = []
        self.issuers: list[tuple[str, str]] = []
        self.asked: list[centre_messages.ToCentre] = []
        self.started = 0
        self.addresses: list[fd_passing.Address] = []
        self.sealed: list[vision_messages.SealedPiece] = []
        self.spare: Spare[document_messages.FromDocument] = Spare(self._start, log=logging.getLogger("lane"))
        self._way = way
        self._child = child
        self.reading = Reading(
            spare=self.spare,
            centre=cast("ControlCentre", self),
            way=self._a_way,
            post=self.posted.append,
            mark=lambda _, stage: self.marks.append(stage),
            issued_by=lambda *said: self.issuers.append(said),
            take_sealed=self.sealed.append,
            is_shielded=lambda crossing: crossing in shielded,
            registers=registers,
        )

    async def _start(self) -> Any:
        await asyncio.sleep(0)
        self.started += 1
        raise ChildLostError("a child cannot be started")

    async def ask(self, question: centre_messages.ToCentre) -> bytes | None:
        await asyncio.sleep(0)
        self.asked.append(question)
        return b"the chain"

    async def _a_way(self, address: fd_passing.Address) -> socket.socket | None:
        await asyncio.sleep(0)
        self.addresses.append(address)
        return socket.socket(socket.AF_UNIX) if self._way else None

    async def read(self, presented: Presented = SWIPED) -> None:
        if self._child is not None:
            await self.spare.replace(cast("Any", self._child))
        async with asyncio.timeout(5):
            await self.reading.read("c1", presented, clock_sure=True)

    @property
    def evidence(self) -> DocumentEvidence:
        (read,) = (event for event in self.posted if isinstance(event, DocumentRead))
        return read.evidence


def result_of(evidence: DocumentEvidence, wanted: CheckId) -> CheckResult:
    return next(check.result for check in evidence.checks if check.id is wanted)


async def test_a_document_is_read_in_a_child_and_only_evidence_comes_back() -> None:
    child = FakeChild(None, *WHOLE, None)
    lane = Lane(child)
    await lane.read()
    assert lane.posted == [DocumentRead("c1", EVIDENCE), DocumentRemoved()]
    assert lane.marks == ["chip_found", "portrait_read", "chip_read"]
    assert lane.issuers == [("c1", "UTO")]
    assert lane.asked == [centre_messages.ChainWanted(["UTCVCA00001"])]
    asked, answered = child.heard
    assert isinstance(asked, document_messages.ReadDocument)
    assert (asked.readings, asked.lines, asked.portrait, asked.page) == ([list(LINES)], False, True, None)
    assert asked.clock_sure
    assert LINES[1] not in repr(asked)
    assert answered == document_messages.CentreAnswered(b"the chain")
    assert child.handed == [b"P"]
    assert child.ended


async def test_without_vision_the_document_is_read_and_its_portrait_goes_nowhere() -> None:
    child = FakeChild(None, *WHOLE, None)
    await Lane(child, way=False).read()
    assert child.handed == []
    assert isinstance(child.heard[0], document_messages.ReadDocument)
    assert child.heard[0].portrait is False


async def test_a_child_that_judges_a_second_time_is_lost_and_its_first_word_counts() -> None:
    child = FakeChild(None, document_messages.DocumentJudged(EVIDENCE), document_messages.DocumentJudged(OTHER))
    lane = Lane(child)
    await lane.read()
    assert lane.posted == [DocumentRead("c1", EVIDENCE), DocumentRemoved()]
    assert child.ended


async def test_a_child_that_says_a_second_time_who_issued_the_document_is_lost_and_its_first_word_counts() -> None:
    child = FakeChild(None, document_messages.IssuerSeen("UTO"), document_messages.IssuerSeen("D"))
    lane = Lane(child)
    await lane.read()
    assert lane.issuers == [("c1", "UTO")]
    assert child.ended


async def test_about_whoever_asked_for_protection_the_control_centre_is_not_asked() -> None:
    for shielded, asked in (
        (frozenset({"c1"}), []),
        (frozenset({"c2"}), [centre_messages.ChainWanted(["UTCVCA00001"])]),
    ):
        child = FakeChild(None, *WHOLE)
        lane = Lane(child, shielded=shielded)
        reading = asyncio.ensure_future(lane.read())
        await _another_is_wanted(lane)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert lane.asked == asked
        assert document_messages.CentreAnswered(b"the chain" if asked else None) in child.heard
        assert lane.evidence == EVIDENCE


@pytest.mark.parametrize(
    "says",
    [
        (document_messages.DocumentUnread("no card"), document_messages.DocumentJudged(EVIDENCE)),
        (document_messages.DocumentUnread("no card"), document_messages.DocumentUnread("again")),
        (document_messages.DocumentUnread("no card"), document_messages.DocumentLeft()),
    ],
    ids=["judged", "unread", "left"],
)
async def test_a_child_that_had_nothing_to_read_says_nothing_more_of_it(says: tuple[Message, ...]) -> None:
    child = FakeChild(None, *says)
    lane = Lane(child)
    await lane.read()
    assert result_of(lane.evidence, CheckId.CHIP_ACCESS) is CheckResult.ABORTED
    assert len(lane.posted) == 1
    assert child.ended


async def test_a_document_that_left_makes_another_child_wanted_and_its_own_stays_to_the_end_of_the_crossing() -> None:
    child = FakeChild(None, *WHOLE)
    lane = Lane(child)
    reading = asyncio.ensure_future(lane.read())
    await _another_is_wanted(lane)
    assert not child.ended
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert child.ended


# ── what officers are shown ──────────────────────────────────────────────────────────────────────────────────────────


SEALING = vision_messages.EndCrossing("c1", vision_messages.SealFor([b"anna's", b"bert's"], alarm=False))


def piece(number: int, *, last: bool, crossing: str = "c1") -> vision_messages.SealedPiece:
    return vision_messages.SealedPiece(crossing, number, b"sealed", last)


async def _ended(lane: Lane, end: vision_messages.EndCrossing, *, says: tuple[Message | None, ...] = ()) -> None:
    """The crossing ends like this once its document is read; the child says this then."""
    child = lane._child
    assert child is not None
    reading = asyncio.ensure_future(lane.read())
    while not lane.posted:  # noqa: ASYNC110 - a list sends no event
        await asyncio.sleep(0)
    child._says.extend(says)
    lane.reading.ends(end)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert child.ended


async def test_a_child_whose_crossing_was_referred_says_what_it_seals_and_ends() -> None:
    child = FakeChild(None, *WHOLE[:-1])
    lane = Lane(child)
    pieces = (piece(0, last=False), piece(0, last=True), piece(1, last=True))
    await _ended(lane, SEALING, says=(*pieces, piece(1, last=True)))
    assert child.heard[-1] == SEALING
    assert tuple(lane.sealed) == pieces
    await _another_is_wanted(lane)


async def test_a_child_whose_crossing_was_not_referred_is_asked_for_nothing() -> None:
    for end in (vision_messages.EndCrossing("c1"), vision_messages.EndCrossing("another", SEALING.seal)):
        child = FakeChild(None, *WHOLE[:-1])
        lane = Lane(child)
        await _ended(lane, end, says=(piece(0, last=True), piece(1, last=True)))
        assert not [one for one in child.heard if isinstance(one, vision_messages.EndCrossing)]
        assert lane.sealed == []


async def test_a_child_that_is_lost_while_it_seals_is_ended_all_the_same() -> None:
    child = FakeChild(None, *WHOLE[:-1])
    lane = Lane(child)
    await _ended(lane, SEALING, says=(piece(0, last=True), None))
    assert lane.sealed == [piece(0, last=True)]


async def test_what_is_sealed_of_another_crossing_is_not_taken_nor_before_it_is_asked_for() -> None:
    child = FakeChild(None, piece(0, last=True), *WHOLE[:-1])
    lane = Lane(child)
    await _ended(lane, SEALING, says=(piece(0, last=True, crossing="another"), None))
    assert lane.sealed == []


async def test_a_child_that_speaks_without_end_is_ended() -> None:
    child = FakeChild(None, *WHOLE[:-1])
    lane = Lane(child)
    await _ended(lane, SEALING, says=(piece(0, last=False),) * (SAID_MAX + 10))
    assert len(lane.sealed) == SAID_MAX


def test_a_child_that_seals_nothing_delays_its_end_by_no_more_than_it_may() -> None:
    async def story() -> None:
        child = FakeChild(None, *WHOLE[:-1])
        began_s = asyncio.get_running_loop().time()
        await _ended(Lane(child), SEALING)
        assert asyncio.get_running_loop().time() - began_s == pytest.approx(SEAL_S, abs=0.01)

    assert SEAL_S == 2.0
    run_virtual(story())


async def test_a_child_that_asks_the_control_centre_too_often_is_lost() -> None:
    child = FakeChild(None, *[centre_messages.ChainWanted(["UTCVCA00001"])] * (QUESTIONS_MAX + 1))
    lane = Lane(child)
    await lane.read()
    assert len(lane.asked) == QUESTIONS_MAX
    assert result_of(lane.evidence, CheckId.CHIP_ACCESS) is CheckResult.ABORTED
    assert child.ended


@pytest.mark.parametrize("lost_at", range(len(WHOLE)))
async def test_a_child_that_is_lost_at_any_moment_is_a_document_that_was_not_read_or_has_gone(lost_at: int) -> None:
    child = FakeChild(None, *WHOLE[:lost_at], None)
    lane = Lane(child)
    await lane.read()
    if lost_at == len(WHOLE) - 1:
        assert lane.posted == [DocumentRead("c1", EVIDENCE), DocumentRemoved()], "nobody watches the document any more"
    else:
        assert result_of(lane.evidence, CheckId.CHIP_ACCESS) is CheckResult.ABORTED
        assert all(check.result is not CheckResult.SUCCESSFUL for check in lane.evidence.checks)
        assert len(lane.posted) == 1
    assert child.ended
    await _another_is_wanted(lane)


async def test_a_child_that_is_gone_before_it_hears_of_the_crossing_refers_it() -> None:
    child = FakeChild(None)
    child.lost.set()
    lane = Lane(child)
    await lane.read()
    assert result_of(lane.evidence, CheckId.CHIP_ACCESS) is CheckResult.ABORTED
    await _another_is_wanted(lane)


async def test_without_any_child_the_crossing_is_referred_with_the_reason() -> None:
    lane = Lane(None)
    keeping = asyncio.ensure_future(lane.spare.keep())
    await lane.read()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    (access,) = (check for check in lane.evidence.checks if check.id is CheckId.CHIP_ACCESS)
    assert access.result is CheckResult.ABORTED
    assert "a child cannot be started" in access.reason


async def test_a_chip_that_cannot_be_found_is_told_with_its_reason() -> None:
    child = FakeChild(None, document_messages.DocumentUnread("no card came that answers"), None)
    lane = Lane(child)
    await lane.read()
    (access,) = (check for check in lane.evidence.checks if check.id is CheckId.CHIP_ACCESS)
    assert (access.result, access.reason) == (CheckResult.ABORTED, "no card came that answers")
    assert child.ended


@pytest.mark.parametrize("heard", range(len(WHOLE) + 1))
async def test_a_crossing_that_ends_meanwhile_ends_its_child(heard: int) -> None:
    child = FakeChild(None, *WHOLE[:heard])
    lane = Lane(child)
    reading = asyncio.ensure_future(lane.read())
    for _ in range(20 + 10 * heard):
        await asyncio.sleep(0)
    assert not reading.done()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert child.ended
    await _another_is_wanted(lane)


async def test_the_lines_of_a_page_go_from_its_child_to_the_documents_and_the_lane_knows_only_how_they_were_read() -> (
    None
):
    child = FakeChild(None, *WHOLE, None)
    lane = Lane(child)
    read = vision_messages.PageRead(7, "camera", "TD3", 0.9, True, [])
    await lane.read(Presented((), read, visa=True))
    asked = child.heard[0]
    assert isinstance(asked, document_messages.ReadDocument)
    assert (asked.readings, asked.lines) == ([], True)
    assert (asked.page, asked.visa) == (read, True)
    assert lane.addresses == [fd_passing.OfPage(7), fd_passing.ToCrossing("c1")]
    assert child.handed == [b"L", b"P"]


async def _another_is_wanted(lane: Lane) -> None:
    """The spare is asked for again, once somebody keeps it."""
    keeping = asyncio.ensure_future(lane.spare.keep())
    async with asyncio.timeout(5):
        while not lane.started:  # noqa: ASYNC110 - a counter sends no event
            await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_what_registers_may_be_asked_is_carried_on_once_beside_the_reading() -> None:
    question = register_messages.DocumentQuestion("P", "UTO", "L898902C3", "UTO")
    child = FakeChild(
        None,
        document_messages.DocumentKnown(question),
        document_messages.DocumentJudged(EVIDENCE),
        document_messages.DocumentLeft(),
        None,
    )
    registers = Asked()
    await Lane(child, registers=registers).read()
    assert registers.asked == [("c1", question)]
    assert registers.marked == [("c1", "")]
    assert "L898902C3" not in repr(registers.asked)


async def test_a_child_is_given_the_day_s_key_and_its_mark_is_carried_on_when_the_chip_was_read() -> None:
    child = FakeChild(None, document_messages.DocumentJudged(EVIDENCE, MARK), document_messages.DocumentLeft(), None)
    registers = Asked(key=b"k" * 32)
    lane = Lane(child, registers=registers)
    await lane.read()
    assert isinstance(child.heard[0], document_messages.ReadDocument)
    assert child.heard[0].day_key == b"k" * 32
    assert "kkk" not in repr(child.heard[0])
    assert registers.marked == [("c1", MARK)]
    unread = Asked()
    await Lane(FakeChild(None, document_messages.DocumentUnread("no chip"), None), registers=unread).read()
    assert unread.marked == []


async def test_a_gate_without_registers_asks_none_whatever_a_child_says() -> None:
    child = FakeChild(
        None,
        document_messages.DocumentKnown(register_messages.DocumentQuestion("P", "UTO", "L898902C3", "UTO")),
        *WHOLE,
        None,
    )
    lane = Lane(child)
    await lane.read()
    assert lane.posted == [DocumentRead("c1", EVIDENCE), DocumentRemoved()]


async def test_a_child_that_says_a_second_time_what_may_be_asked_is_lost_and_its_first_word_counts() -> None:
    question = register_messages.DocumentQuestion("P", "UTO", "L898902C3", "UTO")
    child = FakeChild(None, document_messages.DocumentKnown(question), document_messages.DocumentKnown(question))
    registers = Asked()
    await Lane(child, registers=registers).read()
    assert len(registers.asked) == 1
    assert child.ended
