"""PACE from the card's side: the worked examples of ICAO 9303-11, every mapping, group and cipher, and every refusal."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fakes.chip_pace_terminal import (
    CHIP_AUTHENTICATION,
    CURVES,
    GENERIC,
    INTEGRATED,
    Agreement,
    PaceRefusedError,
    cbc,
    choose,
    protocol,
    run_pace,
    tlv,
)
from fakes.chip_terminal import SELECT_APPLICATION

from hardware_sim.chip import RefusedError, crypto, pace
from hardware_sim.chip.card import Card, Switches
from hardware_sim.passport import groups
from hardware_sim.passport.abilities import Abilities, AgreementKey, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.domain import BRAINPOOL_P256, MODP_1024_160, STANDARDISED
from hardware_sim.passport.issuer import Passport

EXAMPLES = json.loads((Path(__file__).parents[2] / "documents/tests/vectors/icao9303_11_pace.json").read_text())
LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226B<<<<<14")
SEED = hashlib.sha1(b"L898902C<369080619406236").digest()
CAN = "271828"
STATIC_KEY = 0x5EED


def example(name: str) -> dict[str, Any]:
    found = EXAMPLES[name]
    return {key: bytes.fromhex(value) if isinstance(value, str) else value for key, value in found.items()}


def mrz(number: str, birth: str, expiry: str) -> tuple[str, str]:
    checked = [field + check(field) for field in (number, birth, expiry)]
    return LINES[0], f"{checked[0]}UTO{checked[1]}F{checked[2]}".ljust(44, "<")


def check(field: str) -> str:
    return str(sum(int(character, 36) * (7, 3, 1)[index % 3] for index, character in enumerate(field)) % 10)


def card(way: Pace, lines: tuple[str, ...] = LINES, **switches: Any) -> Card:
    keys = (AgreementKey(way.parameter_id, STATIC_KEY),) if way.mapping is Mapping.CHIP_AUTHENTICATION else ()
    return Card(passport(Abilities(pace=(way,), can=CAN, mapping_keys=keys), lines), **switches)


def passport(abilities: Abilities, lines: tuple[str, ...] = LINES) -> Passport:
    files = {"EF_CARD_ACCESS": b"\x31\x00", "EF_CARD_SECURITY": b"\x30\x01\xaa", "EF_COM": b"\x60\x01\xbb"}
    return Passport(lines, files, None, abilities)


def from_list(*values: bytes) -> Any:
    left = iter(values)
    return lambda count: next(left)[-count:]


def exchange(way: Pace, numbers: dict[str, Any], *chip_random: bytes, **extra: Any) -> Card:
    made = card(way, mrz(*numbers["document"]), random_bytes=from_list(*chip_random), **extra)
    name = protocol(way.parameter_id, way.mapping.value, way.cipher.value)
    assert choose(made.transmit, name, 1, None) == "9000"
    return made


def step(
    made: Card, tag: int, value: bytes, answer_tag: int, answer: bytes, *, rest: bytes = b"", last: bool = False
) -> None:
    body = pace_objects(tag, value)
    head = b"\x00\x86\x00\x00" if last else b"\x10\x86\x00\x00"
    length = bytes([len(body)]) if len(body) < 256 else b"\x00" + len(body).to_bytes(2)
    received = made.transmit(head + length + body + (b"\x00" if len(length) == 1 else b"\x00\x00"))
    assert received.hex() == (pace_objects(answer_tag, answer, rest) + b"\x90\x00").hex()


def pace_objects(tag: int, value: bytes, rest: bytes = b"") -> bytes:
    return tlv("7C", (tlv(f"{tag:02X}", value) if tag else b"") + rest)


def test_the_card_speaks_its_part_of_example_g1() -> None:
    numbers = example("g1")
    made = exchange(
        Pace(Mapping.GENERIC, 13, Cipher.AES_128),
        numbers,
        numbers["nonce"],
        b"\x00" + numbers["chip_mapping_private"],
        numbers["chip_private"],
    )
    step(made, 0, b"", 0x80, numbers["nonce_ciphered"])
    step(made, 0x81, numbers["terminal_mapping_public"], 0x82, numbers["chip_mapping_public"])
    step(made, 0x83, numbers["terminal_public"], 0x84, numbers["chip_public"])
    step(made, 0x85, numbers["terminal_token"], 0x86, numbers["chip_token"], last=True)
    assert crypto.derive(numbers["shared_secret"], Cipher.AES_128).mac == numbers["mac_key"]


def test_the_card_speaks_its_part_of_example_g2() -> None:
    numbers = example("g2")
    group = Agreement(0)
    mapping_public = group.encode(group.power(group.generator, int.from_bytes(numbers["terminal_mapping_private"])))
    generator = int.from_bytes(numbers["mapped_generator"])
    public = group.encode(group.power(generator, int.from_bytes(numbers["terminal_private"])))
    made = exchange(
        Pace(Mapping.GENERIC, 0, Cipher.AES_128),
        numbers,
        numbers["nonce"],
        numbers["chip_mapping_private"],
        numbers["chip_private"],
    )
    step(made, 0, b"", 0x80, numbers["nonce_ciphered"])
    step(made, 0x81, mapping_public, 0x82, numbers["chip_mapping_public"])
    step(made, 0x83, public, 0x84, numbers["chip_public"])
    step(made, 0x85, numbers["terminal_token"], 0x86, numbers["chip_token"], last=True)


def test_the_card_speaks_its_part_of_example_h1() -> None:
    """The example names the password's key only, so the conversation is held without the ciphered nonce."""
    numbers = example("h1")
    assert crypto.encipher(numbers["password_key"], numbers["nonce"], Cipher.AES_128) == numbers["nonce_ciphered"]
    chip = pace.Chip(
        Pace(Mapping.INTEGRATED, 13, Cipher.AES_128), bytes(20), from_list(numbers["nonce"], numbers["chip_private"])
    )
    run = pace.conversation(chip)
    next(run)
    run.send({})
    assert run.send({0x81: numbers["terminal_nonce"]}) == b"\x82\x00"
    group = Agreement(13)
    generator = group.decode(numbers["mapped_generator"])
    public = group.encode(group.power(generator, int.from_bytes(numbers["terminal_private"])))
    assert run.send({0x83: public})[2:] == numbers["chip_public"]
    with pytest.raises(StopIteration) as over:
        run.send({0x85: numbers["terminal_token"]})
    agreed: pace.Agreed = over.value.value
    assert agreed.answer[2:] == numbers["chip_token"]
    assert (agreed.keys.enc, agreed.keys.mac) == (numbers["encryption_key"], numbers["mac_key"])


def test_the_pseudo_random_function_of_example_h1_is_reproduced() -> None:
    numbers = example("h1")
    way = Pace(Mapping.INTEGRATED, 13, Cipher.AES_128)
    assert pace.pseudo_random(numbers["nonce"], numbers["terminal_nonce"], way) == numbers["pseudo_random"]


def test_the_mapping_of_example_h2_is_reproduced() -> None:
    numbers = example("h2")
    assert crypto.encipher(numbers["password_key"], numbers["nonce"], Cipher.AES_128) == numbers["nonce_ciphered"]
    way = Pace(Mapping.INTEGRATED, 0, Cipher.AES_128)
    number = int.from_bytes(pace.pseudo_random(numbers["nonce"], numbers["terminal_nonce"], way)) % MODP_1024_160.p
    assert number == int.from_bytes(numbers["pseudo_random_below_p"])
    assert groups.group_of(MODP_1024_160).map_number(number) == numbers["mapped_generator"]


def test_the_card_speaks_its_part_of_example_i1() -> None:
    """The example does not tell the chip's ephemeral key, so its token and its data are checked apart."""
    numbers = example("i1")
    way = Pace(Mapping.CHIP_AUTHENTICATION, 13, Cipher.AES_128)
    group = Agreement(13)
    mapping_public = group.encode(group.power(group.generator, int.from_bytes(numbers["terminal_mapping_private"])))
    made = exchange(way, numbers, numbers["nonce"], numbers["chip_mapping_private"])
    step(made, 0, b"", 0x80, numbers["nonce_ciphered"])
    step(made, 0x81, mapping_public, 0x82, numbers["chip_mapping_public"])

    keys = crypto.derive(numbers["shared_secret"], Cipher.AES_128)
    assert (keys.enc, keys.mac) == (numbers["encryption_key"], numbers["mac_key"])
    assert pace.token(way, keys, numbers["chip_public"]) == numbers["terminal_token"]
    static = int.from_bytes(numbers["static_private"])
    chip = pace.Chip(way, bytes(20), bytes, static)
    assert AgreementKey(13, static).public == numbers["static_public"]
    shown = pace.authentication_data(chip, keys, int.from_bytes(numbers["chip_mapping_private"]))
    assert shown == numbers["chip_authentication_data_ciphered"]
    assert crypto.encipher(keys.enc, b"\xff" * 16, Cipher.AES_128) == numbers["start_block"]


ELLIPTIC_WAYS = [(number, GENERIC, 2) for number in CURVES] + [
    (number, INTEGRATED, 2) for number in CURVES if number != 10
]
CIPHER_WAYS = [
    (number, mapping, cipher) for number in (0, 12) for mapping in (GENERIC, INTEGRATED) for cipher in (1, 3, 4)
]
MODULAR_WAYS = [(number, mapping, 2) for number in (0, 1, 2) for mapping in (GENERIC, INTEGRATED)]


@pytest.mark.parametrize(("parameter_id", "mapping", "cipher"), ELLIPTIC_WAYS + CIPHER_WAYS + MODULAR_WAYS)
def test_every_way_in_opens_a_session_in_which_files_are_read(parameter_id: int, mapping: int, cipher: int) -> None:
    way = Pace(Mapping(mapping), parameter_id, Cipher(cipher))
    run = run_pace(card(way).transmit, SEED, parameter_id=parameter_id, mapping=mapping, cipher=cipher)
    session = run.protected
    assert session.send(bytes.fromhex("0CB09D00"), ne=3) == (
        b"\x30\x01\xaa",
        0x9000,
    )  # EF.CardSecurity, in the master file
    assert session.send(bytes.fromhex("0CA4040C"), bytes.fromhex("A0000002471001")) == (b"", 0x9000)
    assert session.read_file("EF_COM") == b"\x60\x01\xbb"


@pytest.mark.parametrize("parameter_id", [8, 13, 14, 18])
@pytest.mark.parametrize("cipher", [2, 3, 4])
def test_chip_authentication_mapping_proves_the_static_key(parameter_id: int, cipher: int) -> None:
    way = Pace(Mapping.CHIP_AUTHENTICATION, parameter_id, Cipher(cipher))
    run = run_pace(card(way).transmit, SEED, parameter_id=parameter_id, mapping=CHIP_AUTHENTICATION, cipher=cipher)
    start = cbc(run.protected.enc, b"\xff" * 16, cipher, encrypt=True)
    plain = cbc(run.protected.enc, run.authentication_data, cipher, encrypt=False, start=start)
    quotient = int.from_bytes(plain.rstrip(b"\x00")[:-1])
    group = Agreement(parameter_id)
    static_public = group.power(group.generator, STATIC_KEY)
    assert group.encode(group.power(static_public, quotient)) == run.mapping_key


def test_the_card_access_number_opens_as_the_mrz_does() -> None:
    made = card(Pace(Mapping.GENERIC, 12, Cipher.AES_256))
    assert run_pace(made.transmit, CAN.encode(), parameter_id=12, cipher=4, reference=2).protected


def refused(made: Card, seed: bytes = SEED, **choices: Any) -> str:
    with pytest.raises(PaceRefusedError) as caught:
        run_pace(made.transmit, seed, **choices)
    return str(caught.value)


GM = Pace(Mapping.GENERIC, 12, Cipher.AES_128)


def test_a_wrong_password_shows_at_the_token_only() -> None:
    assert refused(card(GM), bytes(20), parameter_id=12) == "6300"
    assert refused(card(GM), SEED, parameter_id=12, token_twist=1) == "6300"


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ("800A04007F00070202040202830101", "9000"),
        ("800A04007F00070202040202830102", "9000"),
        ("800A04007F0007020204020283010184010C", "9000"),
        ("800A04007F0007020204020283010184010D", "6a80"),
        ("800A04007F00070202040204830101", "6a80"),
        ("830101", "6a80"),
        ("800A04007F00070202040202830103", "6a88"),
        ("800A04007F00070202040202", "6a88"),
        ("800A04007F00070202040202830101830101", "6a80"),
        ("800A0400", "6a80"),
        ("80", "6a80"),
        ("80830000000100", "6a80"),
        ("5F", "6a80"),
    ],
)
def test_the_choice_of_a_way_in_is_checked_field_by_field(fields: str, answer: str) -> None:
    body = bytes.fromhex(fields)
    assert card(GM).transmit(b"\x00\x22\xc1\xa4" + bytes([len(body)]) + body).hex() == answer


def test_a_card_without_number_knows_no_such_reference() -> None:
    made = Card(passport(Abilities(pace=(GM,))))
    assert choose(made.transmit, protocol(12, GENERIC, 2), 2, None) == "6a88"


def test_one_protocol_with_two_groups_asks_which() -> None:
    made = Card(passport(Abilities(pace=(GM, Pace(Mapping.GENERIC, 13, Cipher.AES_128)))))
    assert choose(made.transmit, protocol(12, GENERIC, 2), 1, None) == "6a80"
    assert run_pace(made.transmit, SEED, parameter_id=13).protected
    made.reset()
    assert run_pace(made.transmit, SEED, parameter_id=12).protected


def test_pace_is_for_the_master_file_and_for_chips_that_know_it() -> None:
    made = card(GM)
    made.transmit(SELECT_APPLICATION)
    assert choose(made.transmit, protocol(12, GENERIC, 2), 1, None) == "6985"
    assert choose(Card(passport(Abilities())).transmit, protocol(12, GENERIC, 2), 1, None) == "6985"


def test_steps_out_of_order_or_out_of_chain_are_refused_and_end_the_run() -> None:
    made = card(GM)
    empty = bytes.fromhex("10860000027C0000")
    assert made.transmit(empty).hex() == "6985"
    choose(made.transmit, protocol(12, GENERIC, 2), 1, None)
    assert made.transmit(b"\x00" + empty[1:]).hex() == "6883"
    assert made.transmit(empty).hex() == "6985"
    choose(made.transmit, protocol(12, GENERIC, 2), 1, None)
    assert made.transmit(bytes.fromhex("10860000047C02850000")).hex() == "6a80"
    choose(made.transmit, protocol(12, GENERIC, 2), 1, None)
    assert made.transmit(empty)[-2:].hex() == "9000"
    assert made.transmit(empty).hex() == "6a80"
    assert made.transmit(bytes.fromhex("10860001027C0000")).hex() == "6a86"
    assert made.transmit(bytes.fromhex("1084000008")).hex() == "6e00"


@pytest.mark.parametrize("bad", ["00", "04" + "00" * 64, "04" + "FF" * 64, "02" + "11" * 32])
@pytest.mark.parametrize("at_mapping", [True, False])
def test_a_key_outside_the_curve_is_refused(bad: str, *, at_mapping: bool) -> None:
    run = pace.conversation(pace.Chip(GM, SEED, lambda count: b"\x01" * count))
    next(run)
    run.send({})
    good = groups.group_of(GM.domain).generator
    if not at_mapping:
        run.send({0x81: good})
    with pytest.raises(RefusedError) as caught:
        run.send({0x81 if at_mapping else 0x83: bytes.fromhex(bad)})
    assert caught.value.status == 0x6A80


@pytest.mark.parametrize("number", [0, 1, MODP_1024_160.p - 1, MODP_1024_160.p, 2])
def test_a_number_outside_the_subgroup_is_refused(number: int) -> None:
    run = pace.conversation(pace.Chip(Pace(Mapping.GENERIC, 0, Cipher.TDES), SEED, lambda count: b"\x01" * count))
    next(run)
    run.send({})
    with pytest.raises(RefusedError):
        run.send({0x81: number.to_bytes(128)})


def test_the_terminals_nonce_is_as_long_as_the_key() -> None:
    run = pace.conversation(
        pace.Chip(Pace(Mapping.INTEGRATED, 12, Cipher.AES_192), SEED, lambda count: b"\x01" * count)
    )
    next(run)
    run.send({})
    with pytest.raises(RefusedError):
        run.send({0x81: bytes(16)})


def test_the_chip_does_not_talk_to_its_own_key() -> None:
    run = pace.conversation(pace.Chip(GM, SEED, lambda count: b"\x01" * count))
    next(run)
    run.send({})
    shown = run.send({0x81: groups.group_of(GM.domain).generator})
    assert shown[:1] == b"\x82"
    twin = pace.conversation(pace.Chip(GM, SEED, lambda count: b"\x01" * count))
    next(twin)
    twin.send({})
    twin.send({0x81: groups.group_of(GM.domain).generator})
    other = Agreement(12)
    own = twin.send({0x83: other.encode(other.generator)})[2:]
    with pytest.raises(RefusedError):
        run.send({0x83: own})


def test_files_outside_the_application_follow_their_own_rules() -> None:
    made = card(GM)
    assert made.transmit(bytes.fromhex("00A4020C02011C")).hex() == "9000"
    assert made.transmit(bytes.fromhex("00B0000002")).hex() == "31009000"
    assert made.transmit(bytes.fromhex("00B09C0002")).hex() == "31009000"
    assert made.transmit(bytes.fromhex("00A4020C02011D")).hex() == "6982"
    assert made.transmit(bytes.fromhex("00B09D0002")).hex() == "6982"
    assert made.transmit(bytes.fromhex("00A4020C022F00")).hex() == "6a82"


def test_a_plain_command_ends_a_session_of_pace_where_it_stands() -> None:
    made = card(GM)
    session = run_pace(made.transmit, SEED, parameter_id=12).protected
    assert made.transmit(bytes.fromhex("00B09C0002")).hex() == "31009000"
    assert made.transmit(session.wrap(bytes.fromhex("0CB09D00"), ne=3)).hex() == "6982"


def test_a_session_of_pace_outlives_the_application() -> None:
    session = run_pace(card(GM).transmit, SEED, parameter_id=12).protected
    session.send(bytes.fromhex("0CA4040C"), bytes.fromhex("A0000002471001"))
    assert session.send(bytes.fromhex("0CA4000C"), bytes.fromhex("3F00")) == (b"", 0x9000)
    assert session.send(bytes.fromhex("0CB09D00"), ne=3) == (b"\x30\x01\xaa", 0x9000)
    assert session.send(bytes.fromhex("0C880000"), bytes(8), ne=0) == (b"", 0x6982)
    assert session.send(bytes.fromhex("0C22C1A4"), bytes.fromhex("830101")) == (b"", 0x6985)
    assert session.send(bytes.fromhex("0C220000"), bytes.fromhex("830101")) == (b"", 0x6A86)


@pytest.mark.parametrize(
    ("mapping", "parameter_id", "cipher"),
    [
        (Mapping.GENERIC, 3, Cipher.AES_128),
        (Mapping.INTEGRATED, 10, Cipher.AES_128),
        (Mapping.CHIP_AUTHENTICATION, 0, Cipher.AES_128),
        (Mapping.CHIP_AUTHENTICATION, 12, Cipher.TDES),
    ],
)
def test_a_combination_that_the_standard_lacks_cannot_be_built(
    mapping: Mapping, parameter_id: int, cipher: Cipher
) -> None:
    with pytest.raises(ValueError, match=r"standardised|curves|reach"):
        Pace(mapping, parameter_id, cipher)


@pytest.mark.parametrize("can", ["12345", "12345x", "1234567"])
def test_a_card_access_number_is_six_digits(can: str) -> None:
    with pytest.raises(ValueError, match="six digits"):
        Features(can=can)


def test_quirks_of_the_way_in_are_switches() -> None:
    quirks = Switches(parameter_reference_required=True, master_file_refused=True, bac_refused=True)
    made = card(GM, **quirks)
    assert choose(made.transmit, protocol(12, GENERIC, 2), 1, None) == "6a87"
    assert made.transmit(bytes.fromhex("00A4020C02011C")).hex() == "6982"
    made.transmit(SELECT_APPLICATION)
    assert made.transmit(bytes.fromhex("0084000008")).hex() == "6985"
    made.reset()
    assert run_pace(made.transmit, SEED, parameter_id=12).protected


def test_wrong_keys_wait_longer_each_time_until_a_right_one() -> None:
    slept: list[float] = []
    made = card(GM, sleep=slept.append, delay_after_wrong_key_ms=100)
    for _ in range(9):
        refused(made, bytes(20), parameter_id=12)
    run_pace(made.transmit, SEED, parameter_id=12)
    made.reset()
    refused(made, bytes(20), parameter_id=12)
    assert slept == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 6.4, 6.4, 0.1]


@pytest.mark.parametrize("number", sorted(STANDARDISED))
def test_the_generator_has_the_order_that_is_written_down(number: int) -> None:
    group = groups.group_of(STANDARDISED[number])
    almost = group.multiply(group.generator, group.order - 1)
    with pytest.raises(groups.NotInGroupError):
        group.add(almost, group.generator)
    assert group.multiply(almost, group.order - 1) == group.generator
    assert group.add(group.generator, group.generator) == group.multiply(group.generator, 2)


def test_adding_a_point_to_itself_doubles_it() -> None:
    group = groups.group_of(BRAINPOOL_P256)
    doubled = Agreement(13)
    assert group.add(group.generator, group.generator) == doubled.encode(doubled.power(doubled.generator, 2))


def test_a_chip_without_its_mapping_key_cannot_finish() -> None:
    keyless = Abilities(pace=(Pace(Mapping.CHIP_AUTHENTICATION, 12, Cipher.AES_128),))
    made = Card(passport(keyless))
    assert refused(made, parameter_id=12, mapping=CHIP_AUTHENTICATION) == "6a80"


def test_a_step_is_wrapped_in_one_object_of_dynamic_data() -> None:
    made = card(GM)
    choose(made.transmit, protocol(12, GENERIC, 2), 1, None)
    assert made.transmit(bytes.fromhex("1086000002810000")).hex() == "6a80"
