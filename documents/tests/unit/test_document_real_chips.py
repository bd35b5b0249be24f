"""Chips as they are in the field: what they say instead of "no such file", how they refuse long blocks, and answers in pieces.

Each is the simulated chip with one honest habit, written from the card's side, and is read whole.
"""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from document_fakes.anchors import ListedAnchors
from document_fakes.document_chip import converse, scripted
from document_fakes.inspections import (
    NOW,
    SELECT_APPLICATION,
    Conversed,
    Through,
    Transmit,
    conversed,
    inspected,
    issued,
    reason,
    results,
)
from document_fakes.sample_passports import ANNA, portrait, utopia

from gate_documents import tlv
from gate_documents.access.commands import EXTENDED_ANSWER_MAX, PIECES_MAX, Command, Response, exchange
from gate_documents.checks import CheckId, Result
from gate_documents.errors import CardAccessNumberError, MalformedError
from gate_documents.inspection import inspect
from gate_documents.lds.atr_info import response_bytes_max
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.issuer import Passport

NO_SUCH_FILE = (0x6283, 0x6982, 0x6985, 0x6986, 0x6A81, 0x6A82, 0x6A86, 0x6B00, 0x6D00, 0x6E00, 0x6F00)
TOO_LONG = (0x6700, 0x6B00, 0x6F00, 0x6987, 0x6988)
PACE = Features(pace=(Pace(Mapping.GENERIC, 12, Cipher.AES_128),))
SELECT_CARD_ACCESS = bytes.fromhex("00A4020C02011C")


# ── EF.CardAccess ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", NO_SUCH_FILE)
@pytest.mark.parametrize("on_reading", [False, True], ids=["select", "read"])
def test_a_chip_without_card_access_may_say_so_in_any_of_the_ways_that_chips_have(
    status: int,
    on_reading: bool,  # noqa: FBT001 - a parameter
) -> None:
    inspection = inspected(issued(), no_card_access_status=status, no_card_access_on_reading=on_reading)
    assert results(inspection) == {}
    assert reason(inspection) == "opened by BAC with the MRZ"


@pytest.mark.parametrize(
    "status", [0x6200, 0x6282, 0x6300, 0x6400, 0x6581, 0x6700, 0x6881, 0x6900, 0x6A80, 0x6A88, 0x9000]
)
def test_any_other_answer_to_card_access_keeps_the_chip_closed(status: int) -> None:
    inspection, _, sent, _ = conversed(
        issued(), no_card_access_status=status, no_card_access_on_reading=status == 0x9000
    )
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert f"{status:04X}" in reason(inspection)
    assert SELECT_APPLICATION not in sent


@pytest.mark.parametrize("status", NO_SUCH_FILE)
@pytest.mark.parametrize("place", ["select", "head"])
def test_whoever_hides_card_access_by_any_of_these_answers_is_found_out_by_dg14(status: int, place: str) -> None:
    """The chip has PACE; somebody in between says for it that it has none. Basic Access Control is not what it was meant to open with."""

    def hiding(transmit: Transmit) -> Transmit:
        selected: list[bytes] = []

        def answer(apdu: bytes) -> bytes:
            if apdu == SELECT_CARD_ACCESS and place == "select":
                return status.to_bytes(2)
            if apdu[:2] == b"\x00\xb0" and selected[-1] == SELECT_CARD_ACCESS:
                return status.to_bytes(2)
            if apdu[1] == 0xA4:
                selected.append(apdu)
            return transmit(apdu)

        return answer

    inspection = inspected(issued(features=PACE), through=hiding)
    assert results(inspection) == {"chip_access": "failed"}
    assert reason(inspection) == "EF.DG14 offers PACE, but EF.CardAccess was not there"


@pytest.mark.parametrize("status", NO_SUCH_FILE)
@pytest.mark.parametrize("bytes_before", [1, 6], ids=["with bytes of it", "after its head"])
def test_a_card_access_of_which_a_byte_has_come_is_never_taken_for_none(status: int, bytes_before: int) -> None:
    """One that begins and breaks off is not a chip without it: no way leads from there to Basic Access Control."""
    genuine = issued(features=PACE)

    def breaking(transmit: Transmit) -> Transmit:
        def answer(apdu: bytes) -> bytes:
            if apdu[:2] == b"\x00\xb0":
                if bytes_before == 1:
                    return genuine.files["EF_CARD_ACCESS"][:1] + status.to_bytes(2)
                if apdu[3]:
                    return status.to_bytes(2)
            return transmit(apdu)

        return answer

    inspection, _, sent, _ = conversed(genuine, through=breaking)
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert inspection.access is None
    assert SELECT_APPLICATION not in sent
    assert not any(apdu[1] == 0x84 for apdu in sent), "no challenge of Basic Access Control was asked for"


# ── blocks that are too long ─────────────────────────────────────────────────────────────────────────────────────────


def large() -> Passport:
    return utopia().issue(
        ANNA, portrait_jpeg=portrait(90, width=320, height=240), active_authentication="ecdsa", signer="p256"
    )


@pytest.mark.parametrize("ends", [False, True], ids=["protected", "in clear"])
@pytest.mark.parametrize("le_max", [231, 192, 100])
@pytest.mark.parametrize("status", TOO_LONG)
def test_a_chip_that_finds_a_block_too_long_in_its_own_words_is_asked_for_less(
    status: int,
    le_max: int,
    ends: bool,  # noqa: FBT001 - a parameter
) -> None:
    inspection, _, sent, _ = conversed(large(), le_max=le_max, le_status=status, le_ends_session=ends)
    assert results(inspection) == {}
    assert (sent.count(SELECT_APPLICATION) > 1) == ends, "a session that ended is opened anew"


@pytest.mark.parametrize("status", [0x6282, 0x6300, 0x6581, 0x6981, 0x6A82, 0x6D00])
def test_a_chip_that_refuses_a_block_for_another_reason_is_not_asked_again(status: int) -> None:
    inspection = inspected(issued(), le_max=200, le_status=status)
    assert inspection.result_of(CheckId.DG_HASHES) is Result.UNDETERMINED
    assert inspection.overall is not Result.SUCCESSFUL


@pytest.mark.parametrize("status", TOO_LONG)
def test_a_chip_that_calls_every_block_too_long_is_given_up(status: int) -> None:
    inspection, _, sent, _ = conversed(issued(), le_max=6, le_status=status, le_ends_session=True)
    assert inspection.overall in (Result.FAILED, Result.ABORTED)
    assert len(sent) < 100


def test_a_size_that_the_chip_has_given_is_not_given_up_for_an_error_later() -> None:
    """Further on in a file, the same words mean that it cannot be read."""
    blocks = iter(range(100))

    def failing(transmit: Transmit) -> Transmit:
        def answer(apdu: bytes) -> bytes:
            if apdu[:2] == b"\x0c\xb0" and apdu[4] == 0 and next(blocks) == 3:
                return b"\x6b\x00"
            return transmit(apdu)

        return answer

    assert inspected(large(), through=failing).overall is Result.ABORTED


# ── answers in pieces ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("piece_bytes", [0, 1, 200, 256])
@pytest.mark.parametrize("features", [Features(), PACE], ids=["bac", "pace"])
def test_a_chip_that_answers_in_pieces_is_asked_for_the_rest(piece_bytes: int, features: Features) -> None:
    inspection, _, sent, _ = conversed(issued(features=features), piece_bytes=piece_bytes)
    assert results(inspection) == {}
    assert any(apdu[:4] == bytes.fromhex("00C00000") for apdu in sent)


def test_a_piece_that_was_changed_on_the_way_ends_the_session() -> None:
    def changing(transmit: Transmit) -> Transmit:
        def answer(apdu: bytes) -> bytes:
            told = transmit(apdu)
            if apdu[1] != 0xC0 or len(told) < 100:
                return told
            return told[:5] + bytes([told[5] ^ 1]) + told[6:]

        return answer

    assert inspected(issued(), piece_bytes=200, through=changing).overall is Result.ABORTED


def test_pieces_are_one_answer_and_the_last_status_is_its_own() -> None:
    response, _, sent = converse(
        exchange(Command(0xB0, 0, 0, answer_max=8)), scripted([b"ab\x61\x03", b"cd\x61\x00", b"e\x62\x82"])
    )
    assert response == Response(b"abcde", 0x6282)
    assert sent == [bytes.fromhex(one) for one in ("00B0000008", "00C0000003", "00C0000000")]


@pytest.mark.parametrize(
    "answers",
    [
        [b"\x61\x10", b"\x61\x10"],
        [b"a\x61\x10"] * (PIECES_MAX + 2),
        [bytes(EXTENDED_ANSWER_MAX) + b"\x61\x10", b"a\x90\x00"],
        [b"\x61\x10", b""],
    ],
    ids=["empty", "endless", "too long", "none"],
)
def test_pieces_without_end_or_content_are_refused(answers: list[bytes]) -> None:
    with pytest.raises(MalformedError):
        converse(exchange(Command(0xB0, 0, 0, answer_max=8)), scripted(answers))


def test_a_chip_that_always_has_more_is_given_up() -> None:
    """Every GET RESPONSE counts as a command."""

    def endless(transmit: Transmit) -> Transmit:
        return lambda apdu: b"a\x61\x01" if apdu[0] == 0x0C or apdu[1] == 0xC0 else transmit(apdu)

    inspection, _, sent, _ = conversed(issued(), through=endless)
    assert inspection.overall is Result.ABORTED
    assert len(sent) < 2 * PIECES_MAX


# ── what is known of lengths before a try ────────────────────────────────────────────────────────────────────────────


def atr_info(response_bytes: int) -> bytes:
    """As ISO/IEC 7816-4 §12.7 has it: capabilities, then the longest command and response."""
    lengths = tlv.encode(0x02, b"\x10\x00") + tlv.encode(0x02, response_bytes.to_bytes(3))
    return tlv.encode(0x43, b"\xb8") + tlv.encode(0x47, b"\x00\x00\xe0") + tlv.encode(0x7F66, lengths)


def with_atr_info(document: Passport, content: bytes) -> Passport:
    return dataclasses.replace(document, files={**document.files, "EF_ATR": content})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (atr_info(1000), 1000),
        (atr_info(65_538), 65_538),
        (tlv.encode(0x47, b"\x00\x00\x80"), 258),
        (tlv.encode(0x47, b"\x00\x00\xc0"), None),
        (tlv.encode(0x47, b"\x00"), None),
        (tlv.encode(0x7F66, tlv.encode(0x02, b"\x01")), None),
        (tlv.encode(0x7F66, b"\xff\xff"), None),
        (b"\x80" + atr_info(1000), None),
        (b"", None),
    ],
)
def test_the_longest_response_is_read_from_ef_atr_info_or_not_told(content: bytes, told: int | None) -> None:
    assert response_bytes_max(content) == told


@pytest.mark.parametrize(("response_bytes", "le_max"), [(1000, 1000), (500, 500), (258, 256)])
@pytest.mark.parametrize("features", [Features(), PACE], ids=["bac", "pace"])
def test_what_ef_atr_info_says_spares_a_session_that_would_end(
    response_bytes: int, le_max: int, features: Features
) -> None:
    document = issued(features=features)
    limits: dict[str, Any] = {"le_max": le_max, "le_status": 0x6F00, "le_ends_session": True}
    told = conversed(with_atr_info(document, atr_info(response_bytes)), **limits)
    assert results(told.inspection) == {}
    assert b"\x6f\x00" not in told.answers
    without = conversed(document, **limits)
    assert results(without.inspection) == {}
    assert b"\x6f\x00" in without.answers, "without the file, it is tried"


@pytest.mark.parametrize("rest", [223, 224, 232, 239, 240, 256, 257])
@pytest.mark.parametrize("features", [Features(), PACE], ids=["bac", "pace"])
def test_a_file_is_read_whose_last_block_no_short_command_gets_protected(features: Features, rest: int) -> None:
    """Of 224 to 256 bytes the protected answer has up to 270; a chip that takes extended length refuses or cuts it."""

    def issue(more: int) -> Passport:
        return utopia().issue(ANNA, portrait_jpeg=portrait() + bytes(more), features=features)

    head, block = 6, 463  # what is read first, and what answers of 500 bytes hold of the rest
    document = issue((rest + head - len(issue(0).files["EF_DG2"])) % block)
    assert (len(document.files["EF_DG2"]) - head) % block == rest
    assert results(inspected(with_atr_info(document, atr_info(500)), le_max=500)) == {}


def test_an_ef_atr_info_that_is_shorter_than_the_command_for_it_is_asked_for_by_its_length() -> None:
    told = conversed(with_atr_info(issued(), atr_info(240)), le_max=203)
    assert results(told.inspection) == {}
    assert [answer.hex() for answer in told.answers if answer[0] == 0x6C] == ["6ccb"], "once, over EF.ATR/INFO itself"


@pytest.mark.parametrize("content", [atr_info(0), atr_info(1), atr_info(0xFFFFFF), b"\xff" * 300, b""])
def test_an_ef_atr_info_that_lies_costs_time_and_nothing_else(content: bytes) -> None:
    assert results(inspected(with_atr_info(issued(), content))) == {}


def read_by_a_short_reader(document: Passport, **switches: Any) -> Conversed:
    """The reader breaks down over a command in the extended form."""

    def short(transmit: Transmit) -> Transmit:
        def answer(apdu: bytes) -> bytes:
            assert len(apdu) <= 261, "longer than a short command"
            assert len(apdu) == 5 or apdu[4] != 0, "the reader carries no extended lengths"
            return transmit(apdu)

        return answer

    return conversed(document, through=short, extended=False, **switches)


@pytest.mark.parametrize("features", [Features(), PACE], ids=["bac", "pace"])
def test_a_reader_without_extended_length_is_never_asked_for_it(features: Features) -> None:
    assert results(read_by_a_short_reader(issued(features=features)).inspection) == {}


def test_a_long_signature_comes_through_a_short_reader_in_pieces() -> None:
    document = issued(active="rsa", signer="p256")
    inspection, _, sent, _ = read_by_a_short_reader(document, piece_bytes=256)
    assert results(inspection) == {}
    assert any(apdu[1] == 0xC0 for apdu in sent)


# ── whoever stands in between ────────────────────────────────────────────────────────────────────────────────────────

SAID = (*NO_SUCH_FILE, *TOO_LONG, 0x6282, 0x6300, 0x6C08, 0x6C60, 0x6100, 0x6101, 0x6110, 0x9000)
OPENED_BY = {"BAC": Features(), "PACE": PACE}


def disturbed(dice: random.Random) -> Through:
    """Once or twice a status, alone, with some of the answer or with other bytes, in place of what the chip says; often early on."""
    places = {dice.randrange(dice.choice((4, 100))) for _ in range(dice.randint(1, 2))}

    def through(transmit: Transmit) -> Transmit:
        turns = iter(range(10_000))

        def answer(apdu: bytes) -> bytes:
            told = transmit(apdu)
            if next(turns) not in places:
                return told
            kept = dice.choice((b"", b"", told[: dice.randrange(len(told) + 1)], dice.randbytes(dice.randrange(20))))
            return kept + dice.choice(SAID).to_bytes(2)

        return answer

    return through


def walk(seed: int) -> None:
    dice = random.Random(seed)
    protocol = dice.choice(list(OPENED_BY))
    habits: dict[str, Any] = dice.choice(
        ({}, {"piece_bytes": 50}, {"le_max": 231, "le_status": 0x6988, "le_ends_session": True})
    )
    inspection, _, sent, _ = conversed(issued(features=OPENED_BY[protocol]), through=disturbed(dice), **habits)
    assert len(sent) < 5000
    if inspection.overall is Result.SUCCESSFUL:
        assert inspection.access is not None
        assert inspection.access.protocol == protocol, seed


def test_no_disturbance_leads_past_the_access_that_the_issuer_signed() -> None:
    for seed in range(60):
        walk(seed)


@pytest.mark.long
def test_no_disturbance_of_a_thousand_leads_past_it_either() -> None:
    for seed in range(60, 1060):
        walk(seed)


# ── the card access number ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", ["12345\uff16", "٥٠٠٥٤٠", "12345é"])
def test_a_card_access_number_that_is_none_is_refused_before_the_chip_is_touched(number: str) -> None:
    conversation = inspect(
        None, anchors=ListedAnchors(()), now=NOW, random=random.Random(2).randbytes, card_access_number=number
    )
    with pytest.raises(CardAccessNumberError):
        next(conversation)
