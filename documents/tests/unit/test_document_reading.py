"""Reading whole files from chips that lie about lengths, refuse, or give next to nothing."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.document_chip import converse
from document_fakes.sample_passports import ANNA, TODAY, portrait, utopia

from gate_documents import tlv
from gate_documents.access.chip_access import Chip
from gate_documents.access.commands import Command, Transmit
from gate_documents.access.conversation import COMMANDS_MAX, Conversation
from gate_documents.checks import CheckId, Result
from gate_documents.errors import AccessDeniedError, MalformedError
from gate_documents.inspection import inspect
from gate_documents.mrz.parser import MrzKey, parse
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.chip.apdu import Command as SimCommand
from hardware_sim.chip.apdu import Response
from hardware_sim.chip.apdu import parse as parse_apdu
from hardware_sim.chip.card import Card
from hardware_sim.chip.crypto import document_keys
from hardware_sim.chip.secure_messaging import Session, answer_proof
from hardware_sim.passport import lds
from hardware_sim.passport.issuer import Passport

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")


Select = Callable[[int], int]
Read = Callable[[bytes, int, int], Response]


class Transmitter(Protocol):
    def transmit(self, apdu: bytes) -> bytes: ...


def inspected(card: Transmitter, passport: Passport = PASSPORT) -> tuple[Inspection, list[bytes]]:
    conversation = inspect(
        parse(passport.mrz_lines),
        anchors=ListedAnchors(utopia().csca_files().values()),
        now=NOW,
        random=random.Random(2).randbytes,
    )
    inspection, _, sent = converse(conversation, card.transmit)
    return inspection, sent


def with_file(name: str, content: bytes) -> Passport:
    return dataclasses.replace(PASSPORT, files={**PASSPORT.files, name: content})


@pytest.mark.parametrize(
    "content",
    [
        b"\x75\x84\x7f\xff\xff\xff" + bytes(10),
        b"\x75\x83\x20\x00\x00" + bytes(10),
        b"\x75\x82\x30\x00" + bytes(100),
        b"\x75\x80" + bytes(100),
        b"\x61\x02\x00\x00\x00\x00",
        b"\x75",
        b"\x75\x84\x00",
    ],
)
def test_a_portrait_file_that_lies_about_its_length_is_not_read(content: bytes) -> None:
    inspection, _ = inspected(Card(with_file("EF_DG2", content)))
    assert inspection.result_of(CheckId.DG_HASHES) is Result.UNDETERMINED
    assert inspection.result_of(CheckId.MRZ_DG1) is Result.SUCCESSFUL, "the rest was read"


class HostileChip:
    """Opens and protects as it should, and answers READ BINARY and SELECT as a test wants it to."""

    def __init__(self, passport: Passport, *, select: Select | None = None, read: Read | None = None) -> None:
        identifiers = {"EF_COM": 0x011E, "EF_SOD": 0x011D} | {
            f"EF_DG{number}": 0x0100 + number for number in range(1, 17)
        }
        self.files = {identifiers[name]: content for name, content in passport.files.items()}
        self.keys = document_keys(passport.mrz_lines)
        self.select = select or (lambda _: 0x9000)
        self.read = read or (lambda content, offset, count: Response(0x9000, content[offset : offset + count]))
        self.session: Session | None = None
        self.selected = b""

    def transmit(self, apdu: bytes) -> bytes:
        command = parse_apdu(apdu)
        if command.cla == 0x0C:
            assert self.session is not None
            opened = self.session.open(command)
            return self.session.protect(self.answer(opened), odd=bool(opened.ins & 1)).encode()
        if command.ins == 0x84:
            return bytes(8) + b"\x90\x00"
        if command.ins == 0x82:
            granted = answer_proof(self.keys, command.body, nonce=bytes(8), key_material=bytes(16))
            assert granted is not None
            proof, self.session = granted
            return proof + b"\x90\x00"
        return b"\x6a\x82" if command.ins == 0xA4 and command.p1 == 0x02 else b"\x90\x00"

    def answer(self, command: SimCommand) -> Response:
        match command.ins:
            case 0xA4:
                identifier = int.from_bytes(command.body, "big")
                self.selected = self.files.get(identifier, b"")
                return Response(self.select(identifier))
            case 0xB0:
                return self.read(self.selected, (command.p1 << 8) | command.p2, command.ne or 0)
            case 0xB1:
                return self.read(self.selected, int.from_bytes(command.body[2:], "big"), command.ne or 0)
            case _:
                return Response(0x6D00)


@pytest.mark.parametrize(
    ("identifier", "check", "result"),
    [
        (0x0102, CheckId.DG_HASHES, Result.UNDETERMINED),
        (0x010F, CheckId.CHIP_AUTHENTICITY, Result.FAILED),
        (0x011E, CheckId.COM_SOD, Result.FAILED),
        (0x011D, CheckId.SOD_SIGNATURE, Result.FAILED),
    ],
)
def test_a_file_that_is_refused_costs_its_check_only(identifier: int, check: CheckId, result: Result) -> None:
    chip = HostileChip(PASSPORT, select=lambda wanted: 0x6982 if wanted == identifier else 0x9000)
    inspection, _ = inspected(chip)
    assert inspection.result_of(check) is result
    assert inspection.result_of(CheckId.MRZ_DG1) is Result.SUCCESSFUL


def test_a_chip_that_gives_a_byte_at_a_time_is_given_up() -> None:
    conversation, read = Conversation(), Command(0xB0, 0, 0, answer_max=1)
    for _ in range(COMMANDS_MAX):
        response, _, sent = converse(conversation.ask(read), lambda _: b"x\x90\x00")
        assert (response.data, len(sent)) == (b"x", 1)
    with pytest.raises(MalformedError, match="too many commands"):
        converse(conversation.ask(read), lambda _: b"x\x90\x00")


def test_an_empty_block_ends_the_reading_of_its_file() -> None:
    def far_and_empty(content: bytes, offset: int, count: int) -> Response:
        return Response(0x9000, b"\x53\x00" if offset > 0x7FFF else content[offset : offset + count])

    passport = utopia().issue(ANNA, portrait_jpeg=portrait(90, width=320, height=240), active_authentication="ecdsa")
    inspection, _ = inspected(HostileChip(passport, read=far_and_empty), passport)
    assert inspection.result_of(CheckId.DG_HASHES) is Result.UNDETERMINED


@pytest.mark.parametrize("status", [0x6700, 0x6C00, 0x6C01, 0x6CFF, 0x6282, 0x9000, 0x6B00, 0x6988])
def test_a_chip_that_never_gives_a_block_is_not_asked_for_ever(status: int) -> None:
    inspection, sent = inspected(HostileChip(PASSPORT, read=lambda *_: Response(status)))
    assert len(sent) < 40
    assert inspection.result_of(CheckId.SOD_SIGNATURE) is Result.FAILED


def test_a_chip_that_gives_more_than_was_asked_is_cut_short() -> None:
    chip = HostileChip(
        PASSPORT, read=lambda content, offset, count: Response(0x9000, content[offset : offset + count] + b"more")
    )
    assert inspected(chip)[0].result_of(CheckId.DG_HASHES) is Result.SUCCESSFUL


def test_a_signed_key_that_is_none_fails_the_chip_without_asking_it() -> None:
    groups = {1: PASSPORT.files["EF_DG1"], 2: PASSPORT.files["EF_DG2"], 15: tlv.encode(0x6F, b"\x05\x00")}
    files = {f"EF_DG{number}": content for number, content in groups.items()}
    files |= {"EF_COM": lds.com(groups), "EF_SOD": lds.sod(groups, utopia()._lines[0].signer)}
    inspection, sent = inspected(Card(dataclasses.replace(PASSPORT, files=files)))
    assert not any(apdu[1] == 0x88 for apdu in sent)
    assert inspection.result_of(CheckId.CHIP_AUTHENTICITY) is Result.UNDETERMINED
    assert inspection.result_of(CheckId.DG_HASHES) is Result.SUCCESSFUL


def test_nothing_is_asked_of_a_chip_that_was_not_opened() -> None:
    closed = Chip(mrz_key=MrzKey("1", "2", "3"), random=bytes)
    with pytest.raises(AccessDeniedError, match="not open"):
        next(closed.ask(Command(0xB0, 0, 0, answer_max=1)))


def test_a_command_never_shows_its_bytes() -> None:
    assert repr(Transmit(b"\x00\x84\x00\x00\x08")) == "Transmit(5 bytes)"
