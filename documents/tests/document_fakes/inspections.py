"""Whole inspections of simulated chips in process, for tests that only care about the outcome."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from document_fakes.anchors import ListedAnchors
from document_fakes.document_chip import Gone, converse
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia

from gate_documents.authenticity.terminal_authentication import CentreRequest
from gate_documents.checks import CheckId, Result
from gate_documents.inspection import Portrait, inspect, inspect_files
from gate_documents.mrz.parser import parse
from gate_documents.pki.anchors import TrustAnchors
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.chip import CardGoneError
from hardware_sim.chip.card import Card
from hardware_sim.passport.issuer import Passport, Person

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
Transmit = Callable[[bytes], bytes]
Through = Callable[[Transmit], Transmit]
SELECT_APPLICATION = bytes.fromhex("00A4040C07A0000002471001")  # in clear, it ends a session


@functools.cache
def anchors() -> ListedAnchors:
    return ListedAnchors(utopia().csca_files().values(), utopia().crl_files().values(), test=True)


def issued(*faults: str, person: Person = ANNA, active: Any = "ecdsa", signer: str = "p256", **more: Any) -> Passport:
    """One passport on P-256 whose chip signs challenges, unless something else is ordered."""
    return utopia().issue(
        person,
        portrait_jpeg=portrait(),
        other_portrait_jpeg=portrait(150),
        faults=frozenset(faults),
        active_authentication=active,
        signer=signer,
        **more,
    )


class Conversed(NamedTuple):
    """An inspection, the portraits that were shown, and every command with its answer."""

    inspection: Inspection
    portraits: list[Portrait]
    sent: list[bytes]
    answers: list[bytes]


def conversed(
    document: Passport,
    *,
    printed: tuple[str, ...] | None = None,
    mrz: bool = True,
    number: str | None = None,
    against: TrustAnchors | None = None,
    now: datetime = NOW,
    clock_sure: bool = True,
    through: Through = lambda transmit: transmit,
    guarded: frozenset[int] = frozenset(),
    centre: Callable[[CentreRequest], bytes | None] = lambda _: None,
    extended: bool = True,
    **switches: Any,
) -> Conversed:
    """The inspection of a chip in process; `through` may tamper with what goes to and fro, `number` is its card access number."""
    card = Card(document, random_bytes=random.Random(1).randbytes, **switches)
    answers: list[bytes] = []

    def transmit(apdu: bytes) -> bytes:
        try:
            return card.transmit(apdu)
        except CardGoneError:
            raise Gone from None

    def answer(apdu: bytes) -> bytes:
        answers.append(tampered(apdu))
        return answers[-1]

    tampered = through(transmit)
    conversation = inspect(
        parse(printed or document.mrz_lines) if mrz else None,
        anchors=against or anchors(),
        now=now,
        clock_sure=clock_sure,
        random=random.Random(2).randbytes,
        guarded=guarded,
        card_access_number=number,
        extended=extended,
    )
    return Conversed(*converse(conversation, answer, centre), answers)


def inspected(document: Passport, **more: Any) -> Inspection:
    """The outcome alone."""
    return conversed(document, **more).inspection


def files_of(document: Passport, **changes: bytes | None) -> dict[str, bytes]:
    """The files by the names that inspections use, some changed or left out."""
    files = {name.replace("_", "."): content for name, content in document.files.items()}
    changed = files | {name.replace("_", "."): content for name, content in changes.items()}
    return {name: content for name, content in changed.items() if content is not None}


def judged(files: Mapping[str, bytes], wanted: frozenset[int] = frozenset({1, 2})) -> Inspection:
    """The outcome for files that someone else has read."""
    return inspect_files(files, anchors=anchors(), now=NOW, wanted=wanted)


def results(inspection: Inspection) -> dict[str, str]:
    """The checks that were not successful."""
    return {check.id.value: check.result.value for check in inspection.checks if check.result is not Result.SUCCESSFUL}


def reason(inspection: Inspection, check_id: CheckId = CheckId.CHIP_ACCESS) -> str:
    """What an inspection says of one check."""
    return next(check.reason for check in inspection.checks if check.id is check_id)
