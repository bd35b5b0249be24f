"""The card against the worked example of ICAO 9303-11 appendix D, and its refusals one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Unpack

import pytest
from document_fakes.sample_passports import ANNA, portrait, utopia
from fakes.chip_terminal import FILE_IDS, SELECT_APPLICATION, Protected, mac, objects, open_access
from hypothesis import given
from hypothesis import strategies as st

from hardware_sim.chip import CardGoneError
from hardware_sim.chip.card import Card, Switches
from hardware_sim.passport.issuer import Passport

EXAMPLE_LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226B<<<<<14")
EXAMPLE_COM = bytes.fromhex("60145F0104303130365F36063034303030305C026175")
EXAMPLE_NONCE = bytes.fromhex("4608F91988702212")
EXAMPLE_MATERIAL = bytes.fromhex("0B4F80323EB3191CB04970CB4052790B")
EXAMPLE_DIALOGUE = (
    ("00A4040C07A0000002471001", "9000"),
    ("0084000008", "4608F919887022129000"),
    (
        "008200002872C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A728",
        "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D74499000",
    ),
    ("0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800", "990290008E08FA855A5D4C50A8ED9000"),
    ("0CB000000D9701048E08ED6705417E96BA5500", "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000"),
    (
        "0CB000040D9701128E082EA28A70F3C7B53500",
        "871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A990290008E08C8B2787EAEA07D749000",
    ),
)
PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")
DG2 = PASSPORT.files["EF_DG2"]
READ_6 = bytes.fromhex("0CB00000")


def status(answer: bytes) -> str:
    return answer[-2:].hex().upper()


def secured(card: Card) -> Protected:
    return open_access(card.transmit, PASSPORT.mrz_lines[1])


def card_and_session(**switches: Unpack[Switches]) -> tuple[Card, Protected]:
    card = Card(PASSPORT, **switches)
    return card, secured(card)


def with_dg2(**switches: Unpack[Switches]) -> Protected:
    session = card_and_session(**switches)[1]
    assert session.select("EF_DG2") == 0x9000
    return session


def test_a_card_without_access_control_gives_anyone_what_is_not_guarded() -> None:
    made = Card(PASSPORT, no_access_control=True)
    select_com, read = bytes.fromhex("00A4020C02011E"), bytes.fromhex("00B0000001")
    assert status(made.transmit(select_com)) == "6A82", "not in the master file"
    assert status(made.transmit(bytes.fromhex("00A4040C07A0000002471001"))) == "9000"
    assert status(made.transmit(bytes.fromhex("0084000008"))) == "6D00"
    assert status(made.transmit(bytes.fromhex("0082000028") + bytes(40))) == "6985"
    assert status(made.transmit(read)) == "6986"
    assert status(made.transmit(select_com)) == "9000"
    assert made.transmit(read).hex() == "609000"
    assert len(made.transmit(bytes.fromhex("0088000008") + bytes(8) + b"\x00")) > 2


@pytest.mark.parametrize("refusal", ["6A81", "6982", "6985"])
def test_a_card_may_refuse_its_challenge_in_any_words(refusal: str) -> None:
    made = Card(PASSPORT, challenge_status=int(refusal, 16))
    made.transmit(bytes.fromhex("00A4040C07A0000002471001"))
    assert status(made.transmit(bytes.fromhex("0084000008"))) == refusal


@pytest.mark.parametrize("refusal", ["6300", "6982", "6985"])
def test_a_card_may_refuse_a_wrong_key_in_any_words(refusal: str) -> None:
    made = Card(PASSPORT, wrong_key_status=int(refusal, 16))
    made.transmit(bytes.fromhex("00A4040C07A0000002471001"))
    assert len(made.transmit(bytes.fromhex("0084000008"))) == 10
    assert status(made.transmit(bytes.fromhex("0082000028") + bytes(40))) == refusal


def test_the_card_speaks_its_part_of_the_worked_example() -> None:
    values = iter((EXAMPLE_NONCE, EXAMPLE_MATERIAL))
    card = Card(Passport(EXAMPLE_LINES, {"EF_COM": EXAMPLE_COM}, None), random_bytes=lambda _count: next(values))
    for command, answer in EXAMPLE_DIALOGUE:
        assert card.transmit(bytes.fromhex(command)).hex().upper() == answer


def test_the_answer_to_reset_ends_with_its_check_byte() -> None:
    check = 0
    for octet in Card(PASSPORT).atr[1:]:
        check ^= octet
    assert check == 0


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00A4020C02011C", "6A82"),  # EF.CardAccess: no PACE
        ("00A4020C02011E", "6A82"),
        ("00A4000C023F00", "9000"),
        ("00A40000", "9000"),
        ("00A4040C07A0000002471002", "6A82"),
        ("00A4040C07A0000002471001", "9000"),
        ("00A4080C02011E", "6A86"),
        ("0084000008", "6985"),
        ("00820000" + "28" + "00" * 40 + "28", "6985"),
        ("00B0000006", "6982"),
        ("00B1000003540100", "6982"),
        ("00880000080102030405060708" + "00", "6982"),
        ("00CA0000", "6D00"),
        ("80A40000", "6E00"),
        ("0CB000000D9701048E08ED6705417E96BA5500", "6982"),
        ("00A4", "6700"),
        ("00A4020C020101010101", "6700"),
    ],
)
def test_a_card_just_powered_answers(command: str, answer: str) -> None:
    assert status(Card(PASSPORT).transmit(bytes.fromhex(command))) == answer


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("00A4020C02011E", "6982"),
        ("00A4020C020101", "6982"),
        ("00B0000006", "6982"),
        ("00B09E0006", "6982"),
        ("00B1000003540100", "6982"),
        ("00880000080102030405060708" + "00", "6982"),
        ("0CB000000D9701048E08ED6705417E96BA5500", "6982"),
        ("00840000", "6700"),
        ("0084000004", "6700"),
        ("0084000008", "9000"),
        ("0084000000", "9000"),
        ("0082000028" + "00" * 40 + "28", "6985"),
    ],
)
def test_with_the_application_selected_but_no_access_the_card_answers(command: str, answer: str) -> None:
    card = Card(PASSPORT)
    card.transmit(SELECT_APPLICATION)
    assert status(card.transmit(bytes.fromhex(command))) == answer


def test_a_proof_with_the_wrong_keys_is_refused_and_the_challenge_is_spent() -> None:
    card = Card(PASSPORT)
    card.transmit(SELECT_APPLICATION)
    card.transmit(bytes.fromhex("0084000008"))
    proof = bytes.fromhex("0082000028" + "00" * 40 + "28")
    assert status(card.transmit(proof)) == "6300"
    assert status(card.transmit(proof)) == "6985"


def test_a_proof_of_another_length_is_refused() -> None:
    card = Card(PASSPORT)
    card.transmit(SELECT_APPLICATION)
    card.transmit(bytes.fromhex("0084000008"))
    assert status(card.transmit(bytes.fromhex("0082000008" + "00" * 8))) == "6700"


def test_a_proof_for_another_challenge_is_refused() -> None:
    dialogue: list[bytes] = []
    card = Card(PASSPORT)

    def record(apdu: bytes) -> bytes:
        dialogue.append(apdu)
        return card.transmit(apdu)

    open_access(record, PASSPORT.mrz_lines[1])
    card.reset()
    select, challenge, proof = dialogue
    card.transmit(select)
    card.transmit(challenge)
    assert status(card.transmit(proof)) == "6300"


@pytest.mark.parametrize("options", [{"chunk": 0xDF}, {"chunk": 0x80}, {"chunk": 4000, "extended": True}])
def test_every_file_reads_back_whole(options: dict[str, Any]) -> None:
    session = card_and_session()[1]
    for name, content in PASSPORT.files.items():
        assert session.read_file(name, **options) == content


def test_the_chip_proves_its_key_in_a_session() -> None:
    assert PASSPORT.chip_key is not None
    signature, answered = card_and_session()[1].send(bytes.fromhex("0C880000"), bytes(8), ne=256)
    assert (len(signature), answered) == (64, 0x9000)


def test_a_long_signature_needs_an_extended_answer() -> None:
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="rsa")
    session = open_access(Card(passport).transmit, passport.mrz_lines[1])
    command = bytes.fromhex("0C880000")
    assert session.send(command, bytes(8), ne=256) == (b"", 0x6700)
    signature, answered = session.send(command, bytes(8), ne=65536, extended=True)
    assert (len(signature), answered) == (256, 0x9000)


@pytest.mark.parametrize(
    ("header", "body", "ne", "answer"),
    [
        ("0CA4020C", "011C", None, 0x6A82),
        ("0CA4020C", "010101", None, 0x6A82),
        ("0CA4040C", "A0000002471002", None, 0x6A82),
        ("0CA4040C", "A0000002471001", None, 0x9000),
        ("0CA4030C", "011E", None, 0x6A86),
        ("0C840000", "", 8, 0x6985),
        ("0C820000", "00" * 40, 40, 0x6985),
        ("0C880000", "0011", 256, 0x6700),
        ("0C880000", "00" * 8, None, 0x6700),
        ("0CB00000", "", 6, 0x6986),
        ("0CB09C00", "", 6, 0x6A82),
        ("0CB09E00", "", None, 0x6700),
        ("0CB09E00", "00", 6, 0x6700),
        ("0CB10000", "540100", 6, 0x6986),
        ("0CB10000", "", 6, 0x6A80),
        ("0CB10000", "530100", 6, 0x6A80),
        ("0CB10000", "54050000000000", 6, 0x6A80),
        ("0CB1011E", "540100", 6, 0x6A86),
        ("0CA4020C", "011E" + "00" * 120, None, 0x6A82),
        ("0CCA0000", "", 6, 0x6D00),
    ],
)
def test_a_refusal_inside_a_session_is_protected_and_keeps_the_session(
    header: str, body: str, ne: int | None, answer: int
) -> None:
    session = card_and_session()[1]
    assert session.send(bytes.fromhex(header), bytes.fromhex(body), ne) == (b"", answer)
    assert session.select("EF_COM") == 0x9000


def test_a_short_identifier_selects_and_reads() -> None:
    session = card_and_session()[1]
    assert session.send(bytes.fromhex("0CB08200"), ne=8) == (DG2[:8], 0x9000)
    assert session.read(8, 8) == (DG2[8:16], 0x9000)


def test_a_far_offset_reads_with_the_odd_instruction() -> None:
    session = with_dg2()
    part, answered = session.send(bytes.fromhex("0CB10000"), bytes.fromhex("54020100"), ne=16)
    assert (objects(part)[0x53], answered) == (DG2[256 : 256 + 14], 0x9000)


def test_an_answer_too_small_for_its_own_header_is_refused() -> None:
    session = with_dg2()
    assert session.send(bytes.fromhex("0CB10000"), bytes.fromhex("540100"), ne=2) == (b"", 0x6700)


@pytest.mark.parametrize("options", [{}, {"chunk": 1000, "extended": True}], ids=["short", "extended"])
def test_a_file_over_32767_bytes_reads_to_its_end(options: dict[str, Any]) -> None:
    big = bytes.fromhex("7582A000") + bytes(range(256)) * 160
    session = open_access(Card(Passport(EXAMPLE_LINES, {"EF_DG2": big}, None)).transmit, EXAMPLE_LINES[1])
    assert session.read_file("EF_DG2", **options) == big


def test_reading_past_the_end_warns_and_beyond_it_is_an_error() -> None:
    session = with_dg2()
    assert session.read(len(DG2) - 4, 16) == (DG2[-4:], 0x6282)
    assert session.read(len(DG2) - 4, 256) == (DG2[-4:], 0x9000)
    assert session.read(len(DG2), 16) == (b"", 0x6B00)


def test_a_protected_answer_is_cut_to_what_a_short_one_can_carry() -> None:
    session = with_dg2()
    assert session.read(0, 256) == (DG2[:231], 0x9000)
    assert session.read(0, 232) == (b"", 0x6700)


SPOILT: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "the MAC": (lambda apdu: apdu[:-2] + bytes([apdu[-2] ^ 1]) + apdu[-1:], "6988"),
    "the header": (lambda apdu: apdu[:2] + b"\x01" + apdu[3:], "6988"),
    "the expected length": (lambda apdu: apdu[:7] + b"\x05" + apdu[8:], "6988"),
    "no MAC": (lambda apdu: apdu[:4] + b"\x03" + apdu[5:8] + b"\x00", "6987"),
    "nothing": (lambda apdu: apdu[:4], "6987"),
    "an object without a length": (lambda apdu: apdu[:4] + b"\x01\x8e\x00", "6988"),
    "an object longer than the rest": (lambda apdu: apdu[:4] + b"\x03\x8e\x04\x00\x00", "6988"),
    "a length of four bytes": (lambda apdu: apdu[:4] + b"\x03\x8e\x84\x00\x00", "6988"),
    "an object twice": (lambda apdu: apdu[:4] + bytes([apdu[4] + 3]) + apdu[5:8] + apdu[5:], "6988"),
    "an unknown object": (lambda apdu: apdu[:5] + b"\x81" + apdu[6:], "6988"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_broken_protection_is_refused_in_plain_and_ends_the_session(what: str) -> None:
    spoil, answer = SPOILT[what]
    card, session = card_and_session()
    session.select("EF_COM")
    assert card.transmit(spoil(session.wrap(READ_6, ne=6))).hex().upper() == answer
    assert status(card.transmit(session.wrap(READ_6, ne=6))) == "6982"
    secured(card)


SIGNED_BUT_BROKEN = {
    "an expected length of three bytes": "97 03 000006",
    "ciphered data without its indicator": "87 08 0000000000000000",
    "ciphered data of half a block": "87 05 01 00000000",
    "ciphered data without padding": "87 09 01 0000000000000000",
}


@pytest.mark.parametrize("what", SIGNED_BUT_BROKEN)
def test_a_well_signed_command_with_broken_content_ends_the_session_too(what: str) -> None:
    card, session = card_and_session()
    header = bytes.fromhex("0CA4020C")
    content = bytes.fromhex(SIGNED_BUT_BROKEN[what])
    session.counter += 1
    signed = session.counter.to_bytes(8) + header + bytes.fromhex("80000000") + content
    body = content + b"\x8e\x08" + mac(session.mac_key, signed)
    assert card.transmit(header + bytes([len(body)]) + body + b"\x00") == bytes.fromhex("6988")
    assert status(card.transmit(session.wrap(READ_6, ne=6))) == "6982"


def test_an_old_command_sent_again_ends_the_session() -> None:
    card, session = card_and_session()
    command = session.wrap(bytes.fromhex("0CA4020C"), FILE_IDS["EF_COM"].to_bytes(2))
    assert status(card.transmit(command)) == "9000"
    assert card.transmit(command) == bytes.fromhex("6988")


def test_a_plain_command_ends_the_session() -> None:
    card, session = card_and_session()
    session.select("EF_COM")
    assert card.transmit(bytes.fromhex("00B0000006")) == bytes.fromhex("6982")
    assert card.transmit(session.wrap(READ_6, ne=6)) == bytes.fromhex("6982")


def test_a_protected_command_that_expects_nothing_reads_nothing() -> None:
    session = with_dg2()
    command = session.wrap(READ_6, ne=6)
    assert session.unwrap(session.transmit(command[:-1])) == (b"", 0x6700)


def test_the_counter_moves_on_refusals_as_on_answers() -> None:
    session = card_and_session()[1]
    assert session.send(bytes.fromhex("0CCA0000")) == (b"", 0x6D00)
    assert session.send(bytes.fromhex("0CCA0000")) == (b"", 0x6D00)
    assert session.select("EF_COM") == 0x9000


def test_power_loss_forgets_the_session() -> None:
    card, session = card_and_session()
    card.reset()
    assert card.transmit(session.wrap(READ_6, ne=6)) == bytes.fromhex("6982")
    assert status(card.transmit(bytes.fromhex("0084000008"))) == "6985"


def test_selecting_the_master_file_under_protection_leaves_the_application() -> None:
    session = card_and_session()[1]
    assert session.send(bytes.fromhex("0CA4000C"), bytes.fromhex("3F00")) == (b"", 0x9000)
    assert status(session.transmit(session.wrap(READ_6, ne=6))) == "6982"


@pytest.mark.parametrize(("le_max", "refusal"), [(192, 0x6CC0), (256, 0x6C00), (1000, 0x6700)])
def test_a_chip_with_a_limit_says_so_and_reads_within_it(le_max: int, refusal: int) -> None:
    session = with_dg2(le_max=le_max)
    assert session.read(0, le_max + 1, extended=True) == (b"", refusal)
    assert session.read(0, le_max, extended=True) == (DG2[:le_max], 0x9000)


def test_a_limit_on_reading_does_not_stop_a_longer_signature() -> None:
    passport = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="rsa")
    session = open_access(Card(passport, le_max=192).transmit, passport.mrz_lines[1])
    assert session.send(bytes.fromhex("0C880000"), bytes(8), ne=65536, extended=True)[1] == 0x9000


def test_a_chip_without_extended_length_refuses_it_in_plain() -> None:
    card, session = card_and_session(no_extended_length=True)
    session.select("EF_DG2")
    assert session.transmit(session.wrap(READ_6, ne=300, extended=True)) == bytes.fromhex("6700")
    assert status(card.transmit(bytes.fromhex("00A40000000000"))) == "6700"


def test_a_chip_without_a_key_does_not_know_the_instruction() -> None:
    clone = utopia().issue(ANNA, portrait_jpeg=portrait(), faults=frozenset({"clone_without_dg15"}))
    session = open_access(Card(clone).transmit, clone.mrz_lines[1])
    assert session.send(bytes.fromhex("0C880000"), bytes(8), ne=256) == (b"", 0x6D00)
    assert session.select("EF_DG15") == 0x6A82


def test_a_card_pulled_out_is_gone_for_good() -> None:
    card = Card(PASSPORT, pull_out_after_apdus=2)
    card.transmit(SELECT_APPLICATION)
    card.transmit(SELECT_APPLICATION)
    with pytest.raises(CardGoneError):
        card.transmit(SELECT_APPLICATION)
    with pytest.raises(CardGoneError):
        card.reset()


def test_a_card_gone_mad_answers_nonsense_that_is_the_same_every_time() -> None:
    answers = []
    for _ in range(2):
        card = Card(PASSPORT, nonsense_after_apdus=1)
        assert card.transmit(SELECT_APPLICATION) == b"\x90\x00"
        answers.append([card.transmit(SELECT_APPLICATION) for _ in range(20)])
    assert answers[0] == answers[1]
    assert all(2 <= len(answer) <= 64 for answer in answers[0])
    assert b"\x90\x00" not in answers[0]


def test_a_slow_card_takes_its_time_for_each_command_and_each_byte() -> None:
    slept: list[float] = []
    card = Card(PASSPORT, sleep=slept.append, delay_per_apdu_ms=10, bit_rate_kbit_s=106)
    card.transmit(SELECT_APPLICATION)
    assert slept == [pytest.approx(0.010 + (len(SELECT_APPLICATION) + 2) * 8 / 106_000)]


def stretches() -> Iterator[st.SearchStrategy[bytes]]:
    yield st.binary(max_size=40)
    yield st.builds(
        lambda ins, tail: bytes([0, ins]) + tail, st.sampled_from((0xA4, 0x84, 0x82, 0x88, 0xB0, 0xB1)), st.binary()
    )
    yield st.builds(lambda ins, tail: bytes([12, ins]) + tail, st.sampled_from((0xA4, 0x88, 0xB0, 0xB1)), st.binary())


@given(noise=st.lists(st.one_of(*stretches()), max_size=6), in_session=st.booleans())
def test_no_noise_ever_reads_a_file_or_brings_the_card_down(noise: list[bytes], in_session: bool) -> None:  # noqa: FBT001 - drawn
    card = Card(PASSPORT)
    if in_session:
        secured(card).select("EF_COM")
    for apdu in noise:
        answer = card.transmit(apdu)
        assert len(answer) in {2, 10}  # a status, or a challenge before it
