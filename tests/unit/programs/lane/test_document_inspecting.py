"""The chip is tried with the likeliest reading, and once more with another one if it refuses that."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from document_fakes.inspections import anchors, issued

from gate.channel import document_messages, vision_messages
from gate.programs.lane.document.inspection import ChipSide, Particulars, RememberingAnchors, inspect_presented
from gate_core.errors import LinkLostError
from gate_core.evidence.crossing import CheckId, CheckResult, DocumentEvidence
from gate_core.evidence.names import PageCheckId
from gate_core.programs import clock
from gate_documents.inspection import Portrait
from gate_documents.lds.sod import parse_sod
from gate_documents.mrz.parser import Mrz
from hardware_sim.chip.card import Card

DOCUMENT = issued()
RIGHT = DOCUMENT.mrz_lines
# A letter O for a zero in the number: the chip refuses the key that comes of it.
WRONG = (RIGHT[0], RIGHT[1][:5] + "O" + RIGHT[1][6:])
OTHER_NAME = ((RIGHT[0][:5] + "DOE<<JANE").ljust(44, "<"), RIGHT[1])


class Chip:
    """The document's chip on a reader. Each time it is found it is powered anew."""

    def __init__(self, *, found: int = 9, extended: bool = True) -> None:
        self.left = found
        self.extended = extended
        self.calls: list[str] = []
        self._card: Card | None = None

    async def open(self) -> None:
        raise AssertionError("not asked for here")

    async def look(self) -> None:
        raise AssertionError("not asked for here")

    async def wait_for_card(self, timeout_s: float) -> None:
        await asyncio.sleep(0 * timeout_s)
        self.calls.append("found")
        self.left -= 1
        if self.left < 0:
            raise LinkLostError("unplugged")
        self._card = Card(DOCUMENT, random_bytes=random.Random(1).randbytes)

    async def transmit(self, apdu: bytes) -> bytes:
        await asyncio.sleep(0)
        assert self._card is not None, "found first"
        assert self.extended or len(apdu) == 5 or apdu[4] != 0, "the reader carries no extended length"
        return self._card.transmit(apdu)

    async def wait_for_removal(self) -> None:
        raise AssertionError("not asked for here")

    async def disconnect(self) -> None:
        await asyncio.sleep(0)
        self.calls.append("let go")
        self._card = None

    async def close(self) -> None:
        raise AssertionError("not asked for here")


async def inspected(
    wanted: document_messages.ReadDocument,
    chip: Chip,
    *,
    now: datetime | None = None,
    on_particulars: Callable[[Particulars], None] = lambda _: None,
    known: list[Mrz] | None = None,
    on_security_object: Callable[[bytes], None] = lambda _: None,
) -> DocumentEvidence:
    async def on_portrait(_: Portrait) -> None:
        await asyncio.sleep(0)
        chip.calls.append("portrait")

    async def no_centre(_: Any) -> None:
        await asyncio.sleep(0)

    async def on_chip() -> None:
        await asyncio.sleep(0)

    async def on_known(mrz: Mrz) -> None:
        await asyncio.sleep(0)
        if known is not None:
            known.append(mrz)

    side = ChipSide(
        chip,
        on_chip=on_chip,
        on_portrait=on_portrait,
        on_particulars=on_particulars,
        on_known=on_known,
        on_security_object=on_security_object,
        ask_centre=no_centre,
        fingers=False,
        clock_sure=wanted.clock_sure,
        now=now or clock.now(),
    )
    return await inspect_presented(wanted, side, RememberingAnchors(anchors()))


def by_reader(*readings: tuple[str, ...], clock_sure: bool = True) -> document_messages.ReadDocument:
    return document_messages.ReadDocument(
        "c1", [list(one) for one in readings], clock_sure, page=None, lines=False, portrait=False
    )


def by_camera(*readings: tuple[str, ...], accepted: bool = True) -> document_messages.ReadDocument:
    page = vision_messages.PageRead(1, "camera", "TD3", 0.9, accepted, [])
    return document_messages.ReadDocument(
        "c1", [list(one) for one in readings], clock_sure=True, page=page, lines=False, portrait=True, visa=True
    )


def result_of(evidence: DocumentEvidence, check_id: CheckId) -> CheckResult:
    return next(check.result for check in evidence.checks if check.id is check_id)


def accepted(evidence: DocumentEvidence) -> CheckResult:
    assert evidence.page is not None
    return next(check.result for check in evidence.page.checks if check.id is PageCheckId.PAGE_ACCEPTED)


async def test_a_reading_that_opens_the_chip_is_the_only_one_tried() -> None:
    chip = Chip()
    evidence = await inspected(by_camera(RIGHT, WRONG, accepted=False), chip)
    assert chip.calls == ["found", "portrait"]
    assert evidence.page is not None
    assert (evidence.page.tries, evidence.page.visa, evidence.page.source) == (1, True, "camera")
    assert accepted(evidence) is CheckResult.SUCCESSFUL, "doubtful, but EF.DG1 says the same"


async def test_a_refused_reading_is_followed_by_the_other_one_on_a_chip_found_anew() -> None:
    chip = Chip()
    evidence = await inspected(by_camera(WRONG, RIGHT), chip)
    assert chip.calls == ["found", "let go", "found", "portrait"]
    assert result_of(evidence, CheckId.CHIP_ACCESS) is CheckResult.SUCCESSFUL
    assert result_of(evidence, CheckId.MRZ_DG1) is CheckResult.SUCCESSFUL
    assert evidence.page is not None
    assert evidence.page.tries == 2


async def test_a_reading_of_the_same_key_is_not_tried_again() -> None:
    chip = Chip()
    wrong_name = (OTHER_NAME[0], WRONG[1])
    evidence = await inspected(by_camera(WRONG, wrong_name, accepted=False), chip)
    assert chip.calls == ["found"]
    assert result_of(evidence, CheckId.CHIP_ACCESS) is CheckResult.FAILED
    assert accepted(evidence) is CheckResult.FAILED


async def test_a_zone_that_names_someone_else_opens_the_chip_and_fails_against_it() -> None:
    evidence = await inspected(by_camera(OTHER_NAME), Chip())
    assert result_of(evidence, CheckId.CHIP_ACCESS) is CheckResult.SUCCESSFUL
    assert result_of(evidence, CheckId.MRZ_DG1) is CheckResult.FAILED


async def test_lists_and_registers_are_asked_by_the_reading_that_is_sure_before_the_chip_is_found() -> None:
    known: list[Mrz] = []

    class Found(Chip):
        async def wait_for_card(self, timeout_s: float) -> None:
            assert [one.lines for one in known] == [RIGHT]
            await super().wait_for_card(timeout_s)

    await inspected(by_reader(RIGHT), Found(), known=known)
    assert len(known) == 1


async def test_of_two_readings_that_differ_the_one_that_opened_the_chip_is_asked_about() -> None:
    known: list[Mrz] = []
    await inspected(by_camera(WRONG, RIGHT), Chip(), known=known)
    assert [one.lines for one in known] == [RIGHT]


async def test_about_a_reading_whose_check_digits_do_not_hold_nothing_is_asked() -> None:
    known: list[Mrz] = []
    await inspected(by_reader((RIGHT[0], RIGHT[1][:-1] + str((int(RIGHT[1][-1]) + 1) % 10))), Chip(), known=known)
    assert known == []


async def test_of_a_chip_that_was_read_what_its_signature_covers_is_told_and_of_none_that_was_not() -> None:
    told: list[bytes] = []
    await inspected(by_camera(WRONG, RIGHT), Chip(), on_security_object=told.append)
    assert told == [hashlib.sha256(parse_sod(DOCUMENT.files["EF_SOD"]).message.content).digest()]
    await inspected(by_reader(WRONG), Chip(), on_security_object=told.append)
    await inspected(by_reader(), Chip(), on_security_object=told.append)
    assert len(told) == 1


async def test_lines_of_a_serial_reader_have_no_page() -> None:
    evidence = await inspected(by_reader(RIGHT), Chip())
    assert evidence.page is None
    assert result_of(evidence, CheckId.MRZ_DG1) is CheckResult.SUCCESSFUL


async def test_a_reader_without_extended_length_is_never_asked_for_it() -> None:
    evidence = await inspected(by_reader(RIGHT), Chip(extended=False))
    assert {one.id for one in evidence.checks if one.result is not CheckResult.SUCCESSFUL} == set()


async def test_what_could_not_be_read_never_touches_the_chip() -> None:
    chip = Chip()
    evidence = await inspected(by_reader(("P<UTO",)), chip)
    assert chip.calls == []
    assert result_of(evidence, CheckId.MRZ) is CheckResult.FAILED


@pytest.mark.parametrize("found", [0, 1])
async def test_a_chip_that_cannot_be_found_is_the_callers_to_tell(found: int) -> None:
    with pytest.raises(LinkLostError):
        await inspected(by_camera(WRONG, RIGHT), Chip(found=found))


@pytest.mark.parametrize(
    ("time_zone", "at", "expected"),
    [
        ("Europe/Amsterdam", "2031-04-15T21:59:00+00:00", CheckResult.SUCCESSFUL),
        ("Europe/Amsterdam", "2031-04-15T22:30:00+00:00", CheckResult.FAILED),  # half past midnight there
        ("UTC", "2031-04-15T22:30:00+00:00", CheckResult.SUCCESSFUL),
        ("UTC", "2031-04-16T00:00:00+00:00", CheckResult.FAILED),
        ("America/Los_Angeles", "2031-04-16T00:00:00+00:00", CheckResult.SUCCESSFUL),  # five in the afternoon there
        ("America/Los_Angeles", "2031-04-16T07:00:00+00:00", CheckResult.FAILED),
    ],
)
async def test_a_document_ends_at_midnight_of_the_gates_place(time_zone: str, at: str, expected: CheckResult) -> None:
    now = datetime.fromisoformat(at).astimezone(ZoneInfo(time_zone))
    assert result_of(await inspected(by_reader(RIGHT), Chip(), now=now), CheckId.EXPIRY) is expected


async def test_what_depends_on_a_clock_that_is_not_sure_is_recorded_as_undetermined() -> None:
    evidence = await inspected(by_reader(RIGHT, clock_sure=False), Chip())
    timed = {CheckId.DS_VALIDITY, CheckId.CSCA_VALIDITY, CheckId.REVOCATION, CheckId.EXPIRY}
    assert {one.id for one in evidence.checks if one.result is CheckResult.UNDETERMINED} == timed


# ── what an officer sees of it ───────────────────────────────────────────────────────────────────────────────────────


async def shown(wanted: document_messages.ReadDocument, chip: Chip) -> dict[str, Any]:
    known: list[Particulars] = []
    await inspected(wanted, chip, on_particulars=known.append)
    assert not any(line in repr(known) for line in RIGHT)
    told: dict[str, Any] = json.loads(known[-1].shown())
    return told


async def test_an_officer_sees_the_lines_as_printed_and_as_in_the_chip_and_where_they_differ() -> None:
    same = await shown(by_reader(RIGHT), Chip())
    assert same == {"printed": list(RIGHT), "chip": list(RIGHT), "differ": []}
    other = await shown(by_camera(OTHER_NAME), Chip())
    assert other == {"printed": list(OTHER_NAME), "chip": list(RIGHT), "differ": ["surname", "given_names"]}
    second = await shown(by_camera(WRONG, RIGHT), Chip())
    assert second == same


async def test_an_officer_sees_lines_that_are_none_and_those_whose_chip_does_not_open() -> None:
    refused = await shown(by_reader(WRONG), Chip())
    assert refused == {"printed": list(WRONG), "chip": None, "differ": []}
    assert await shown(by_reader(("no", "lines")), Chip()) == {"printed": ["no", "lines"], "chip": None, "differ": []}
    assert await shown(by_reader(), Chip()) == {"printed": None, "chip": None, "differ": []}


@pytest.mark.parametrize(
    ("readings", "result", "reason"),
    [
        ((), CheckResult.ABORTED, "nothing of the page was read"),
        (((),), CheckResult.ABORTED, "nothing of the page was read"),
        ((("P<UTO", "12"),), CheckResult.FAILED, "lines of 5, 2 characters fit no format of ICAO 9303"),
    ],
)
async def test_a_page_of_which_nothing_was_read_has_failed_no_check(
    readings: tuple[tuple[str, ...], ...], result: CheckResult, reason: str
) -> None:
    chip, known = Chip(), list[Particulars]()
    evidence = await inspected(by_camera(*readings, accepted=False), chip, on_particulars=known.append)
    assert (evidence.checks[0].id, evidence.checks[0].result, evidence.checks[0].reason) == (
        CheckId.MRZ,
        result,
        reason,
    )
    assert {check.result for check in evidence.checks[1:]} == {CheckResult.ABORTED}
    assert (chip.calls, len(known)) == ([], 1)
