"""PACE from the terminal's side: the worked examples of ICAO 9303-11, every way of the simulated chip, and hostile chips."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from document_fakes.document_chip import converse, given, scripted
from hypothesis import settings
from hypothesis import strategies as st

from gate_documents import tlv
from gate_documents.access.commands import Command, Transmit
from gate_documents.access.groups import CurveGroup, Group, private_key, standard_group
from gate_documents.access.mapping import map_generic, map_integrated, pseudo_random
from gate_documents.access.pace import MappingProof, Opened, PaceWay, Password, choose_way, open_with_pace
from gate_documents.access.secure_messaging import SecureMessaging
from gate_documents.access.suites import FOR_PASSWORD, SessionKeys, Suite
from gate_documents.errors import AccessDeniedError, AlgorithmUnknownError, MalformedError, SecureMessagingError
from gate_documents.lds.card_access import parse_card_access
from gate_documents.lds.security_infos import (
    Cipher,
    KeyAgreement,
    Mapping,
    PaceDomainParameters,
    PaceInfo,
    SecurityInfos,
)
from gate_documents.mrz.parser import MrzKey
from hardware_sim.chip.card import Card
from hardware_sim.passport import algorithms
from hardware_sim.passport.abilities import Abilities, AgreementKey
from hardware_sim.passport.domain import STANDARDISED, Curve
from hardware_sim.passport.issuer import Passport

EXAMPLES = json.loads((Path(__file__).parents[1] / "vectors/icao9303_11_pace.json").read_text())
LINES = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226B<<<<<14")
KEY = MrzKey("L898902C<3", "6908061", "9406236")
CAN = "271828"
STATIC_PRIVATE = 0x5EED
CURVES = [number for number, domain in STANDARDISED.items() if isinstance(domain, Curve)]
FIELDS = [number for number in STANDARDISED if number not in CURVES]
_KINDS = {
    (KeyAgreement.DH, Mapping.GENERIC): 1,
    (KeyAgreement.ECDH, Mapping.GENERIC): 2,
    (KeyAgreement.DH, Mapping.INTEGRATED): 3,
    (KeyAgreement.ECDH, Mapping.INTEGRATED): 4,
    (KeyAgreement.ECDH, Mapping.CHIP_AUTHENTICATION): 6,
}
_ARCS = {Cipher.TDES: 1, Cipher.AES_128: 2, Cipher.AES_192: 3, Cipher.AES_256: 4}


def pace_info(
    mapping: Mapping, parameter_id: int | None, cipher: Cipher = Cipher.AES_128, version: int = 2
) -> PaceInfo:
    agreement = KeyAgreement.DH if parameter_id in FIELDS else KeyAgreement.ECDH
    protocol = f"0.4.0.127.0.7.2.2.4.{_KINDS[agreement, mapping]}.{_ARCS[cipher]}"
    return PaceInfo(protocol, agreement, mapping, cipher, version, parameter_id)


def way(mapping: Mapping, parameter_id: int, cipher: Cipher = Cipher.AES_128) -> PaceWay:
    chosen = choose_way(SecurityInfos(pace=(pace_info(mapping, parameter_id, cipher),)))
    assert chosen is not None
    return chosen


def example(name: str) -> dict[str, Any]:
    found = EXAMPLES[name]
    return {key: bytes.fromhex(value) if isinstance(value, str) else value for key, value in found.items()}


def mrz_password(document: list[str]) -> Password:
    def checked(text: str) -> str:
        total = sum(int(one, 36) * (7, 3, 1)[index % 3] for index, one in enumerate(text))
        return f"{text}{total % 10}"

    return Password.of_mrz(MrzKey(*map(checked, document)))


def answered(*objects: tuple[int, bytes]) -> bytes:
    return tlv.encode(0x7C, b"".join(tlv.encode(tag, value) for tag, value in objects)) + b"\x90\x00"


def sent_object(apdu: bytes) -> bytes:
    """The value of the one object in a command of short or extended length."""
    data = apdu[5 : 5 + apdu[4]] if apdu[4] else apdu[7 : 7 + int.from_bytes(apdu[5:7], "big")]
    ((element),) = tlv.elements(tlv.only(data, 0x7C))
    return element.value


# ── the worked examples ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_worked_example_g1_is_repeated() -> None:
    numbers = example("g1")
    conversation = open_with_pace(
        way(Mapping.GENERIC, 13),
        mrz_password(numbers["document"]),
        random=given(numbers["terminal_mapping_private"], numbers["terminal_private"]),
    )
    answers = [
        b"\x90\x00",
        answered((0x80, numbers["nonce_ciphered"])),
        answered((0x82, numbers["chip_mapping_public"])),
        answered((0x84, numbers["chip_public"])),
        answered((0x86, numbers["chip_token"])),
    ]
    opened, _, sent = converse(conversation, scripted(answers))
    assert sent[0].hex().upper() == "0022C1A412800A04007F0007020204020283010184010D"
    assert sent[1].hex().upper() == "10860000027C0000"
    assert [sent_object(apdu) for apdu in sent[2:]] == [
        numbers["terminal_mapping_public"],
        numbers["terminal_public"],
        numbers["terminal_token"],
    ]
    assert [apdu[0] for apdu in sent] == [0x00, 0x10, 0x10, 0x10, 0x00]
    assert opened.proof is None
    expected = SessionKeys(Suite(Cipher.AES_128), encryption_key=numbers["encryption_key"], mac_key=numbers["mac_key"])
    command = Command(0xA4, 0x04, 0x0C, b"\xa0")
    protected = opened.session.protect(command)
    assert protected == SecureMessaging(expected).protect(command)


def test_the_worked_example_g2_is_repeated() -> None:
    numbers = example("g2")
    conversation = open_with_pace(
        way(Mapping.GENERIC, 0),
        mrz_password(numbers["document"]),
        random=given(numbers["terminal_mapping_private"], numbers["terminal_private"]),
    )
    answers = [
        b"\x90\x00",
        answered((0x80, numbers["nonce_ciphered"])),
        answered((0x82, numbers["chip_mapping_public"])),
        answered((0x84, numbers["chip_public"])),
        answered((0x86, numbers["chip_token"])),
    ]
    _, _, sent = converse(conversation, scripted(answers))
    assert sent_object(sent[4]) == numbers["terminal_token"]
    group = standard_group(0)
    common = group.multiply(numbers["chip_mapping_public"], int.from_bytes(numbers["terminal_mapping_private"]))
    generator = map_generic(group, numbers["nonce"], common)
    assert generator == numbers["mapped_generator"]
    shared = group.multiply(numbers["chip_public"], int.from_bytes(numbers["terminal_private"]))
    assert group.secret(shared) == numbers["shared_secret"]


def test_the_worked_example_h1_is_repeated() -> None:
    numbers = example("h1")
    group, suite = standard_group(13), Suite(Cipher.AES_128)
    assert suite.decrypt(numbers["password_key"], numbers["nonce_ciphered"]) == numbers["nonce"]
    made = pseudo_random(group, suite, numbers["nonce"], numbers["terminal_nonce"])
    assert made == numbers["pseudo_random"]
    generator = map_integrated(group, suite, numbers["nonce"], numbers["terminal_nonce"])
    assert generator == numbers["mapped_generator"]
    private = int.from_bytes(numbers["terminal_private"])
    secret = group.secret(group.multiply(numbers["chip_public"], private))
    assert secret == numbers["shared_secret"]
    assert group.multiply(generator, int.from_bytes(numbers["chip_private"])) == numbers["chip_public"]
    keys = SessionKeys.derived(suite, secret)
    named = SessionKeys(suite, encryption_key=numbers["encryption_key"], mac_key=numbers["mac_key"])
    key_object = tlv.encode(
        0x7F49, bytes.fromhex("060A04007F00070202040402") + tlv.encode(0x86, numbers["chip_public"])
    )
    assert keys.token(key_object) == named.token(key_object) == numbers["terminal_token"]


def test_the_mapping_of_the_worked_example_h2_is_repeated() -> None:
    numbers = example("h2")
    group, suite = standard_group(0), Suite(Cipher.AES_128)
    assert suite.decrypt(numbers["password_key"], numbers["nonce_ciphered"]) == numbers["nonce"]
    made = pseudo_random(group, suite, numbers["nonce"], numbers["terminal_nonce"])
    below = int.from_bytes(made) % group.prime
    assert below.to_bytes(128) == numbers["pseudo_random_below_p"]
    generator = map_integrated(group, suite, numbers["nonce"], numbers["terminal_nonce"])
    assert generator == numbers["mapped_generator"]


def example_i1(static: bytes | None = None) -> tuple[Opened, dict[str, Any]]:
    numbers = example("i1")
    conversation = open_with_pace(
        way(Mapping.CHIP_AUTHENTICATION, 13),
        mrz_password(numbers["document"]),
        random=given(numbers["terminal_mapping_private"], numbers["terminal_private"]),
    )
    answers = [
        b"\x90\x00",
        answered((0x80, numbers["nonce_ciphered"])),
        answered((0x82, numbers["chip_mapping_public"])),
        answered((0x84, numbers["chip_public"])),
        answered((0x86, numbers["chip_token"]), (0x8A, static or numbers["chip_authentication_data_ciphered"])),
    ]
    opened, _, sent = converse(conversation, scripted(answers))
    assert sent_object(sent[4]) == numbers["terminal_token"]
    return opened, numbers


def test_the_worked_example_i1_is_repeated_and_proves_the_chip() -> None:
    opened, numbers = example_i1()
    assert opened.proof is not None
    assert opened.proof.quotient == int.from_bytes(numbers["chip_authentication_data"])
    assert opened.proof.fits(numbers["static_public"])
    assert not opened.proof.fits(numbers["chip_public"]), "a key, but another"
    assert not opened.proof.fits(numbers["static_public"][:-1] + b"\x00"), "not on the curve"


@pytest.mark.parametrize("data", [b"", bytes(15), bytes(16), bytes(64)])
def test_chip_authentication_data_that_is_none_keeps_the_chip_closed(data: bytes) -> None:
    numbers = example("i1")
    answers = [
        b"\x90\x00",
        answered((0x80, numbers["nonce_ciphered"])),
        answered((0x82, numbers["chip_mapping_public"])),
        answered((0x84, numbers["chip_public"])),
        answered((0x86, numbers["chip_token"]), (0x8A, data)),
    ]
    conversation = open_with_pace(
        way(Mapping.CHIP_AUTHENTICATION, 13),
        mrz_password(numbers["document"]),
        random=given(numbers["terminal_mapping_private"], numbers["terminal_private"]),
    )
    with pytest.raises(AccessDeniedError, match="chip authentication data"):
        converse(conversation, scripted(answers))


# ── the simulated chip ───────────────────────────────────────────────────────────────────────────────────────────────

_TO_CHIP = {
    Mapping.GENERIC: algorithms.Mapping.GENERIC,
    Mapping.INTEGRATED: algorithms.Mapping.INTEGRATED,
    Mapping.CHIP_AUTHENTICATION: algorithms.Mapping.CHIP_AUTHENTICATION,
}
FILES = {"EF_CARD_ACCESS": b"\x31\x00", "EF_COM": b"\x60\x03\x5f\x01\x00"}


def chip(chosen: PaceWay, **switches: Any) -> Card:
    info = chosen.info
    assert info.parameter_id is not None
    offered = algorithms.Pace(_TO_CHIP[info.mapping], info.parameter_id, algorithms.Cipher(_ARCS[info.cipher]))
    keys = (AgreementKey(info.parameter_id, STATIC_PRIVATE),) if info.mapping is Mapping.CHIP_AUTHENTICATION else ()
    abilities = Abilities(pace=(offered,), can=CAN, mapping_keys=keys)
    return Card(Passport(LINES, FILES, None, abilities), random_bytes=random.Random(7).randbytes, **switches)


def opening(chosen: PaceWay, password: Password | None = None) -> Generator[Transmit, bytes | None, Opened]:
    return open_with_pace(chosen, password or Password.of_mrz(KEY), random=random.Random(8).randbytes)


OTHER_CIPHERS = (Cipher.TDES, Cipher.AES_192, Cipher.AES_256)
EVERY_WAY = [
    *((Mapping.GENERIC, number, Cipher.AES_128) for number in STANDARDISED),
    *((Mapping.INTEGRATED, number, Cipher.AES_128) for number in STANDARDISED if number != 10),
    *((Mapping.CHIP_AUTHENTICATION, number, Cipher.AES_128) for number in CURVES),
    *((Mapping.GENERIC, number, cipher) for number in (0, 12, 17) for cipher in OTHER_CIPHERS),
    *((Mapping.INTEGRATED, number, cipher) for number in (0, 2, 12, 17) for cipher in OTHER_CIPHERS),
    *((Mapping.CHIP_AUTHENTICATION, 16, cipher) for cipher in (Cipher.AES_192, Cipher.AES_256)),
]


@pytest.mark.parametrize(("mapping", "parameter_id", "cipher"), EVERY_WAY)
def test_every_way_opens_the_chip_and_leads_to_secure_messaging(
    mapping: Mapping, parameter_id: int, cipher: Cipher
) -> None:
    chosen = way(mapping, parameter_id, cipher)
    card = chip(chosen)
    opened, _, _ = converse(opening(chosen), card.transmit)
    selected, _, _ = converse(
        opened.session.exchange(Command(0xA4, 0x04, 0x0C, bytes.fromhex("A0000002471001"))), card.transmit
    )
    assert selected.status == 0x9000
    if mapping is Mapping.CHIP_AUTHENTICATION:
        assert opened.proof is not None
        group = chosen.group
        assert opened.proof.fits(group.multiply(group.generator, STATIC_PRIVATE))
        assert not opened.proof.fits(group.multiply(group.generator, STATIC_PRIVATE + 1))
    else:
        assert opened.proof is None


def test_the_card_access_number_opens_as_the_mrz_does() -> None:
    chosen = way(Mapping.GENERIC, 12)
    converse(opening(chosen, Password.of_card_access_number(CAN)), chip(chosen).transmit)
    with pytest.raises(AccessDeniedError, match="refuses the password: status 6300"):
        converse(opening(chosen, Password.of_card_access_number("314159")), chip(chosen).transmit)


def test_a_wrong_mrz_is_refused() -> None:
    chosen = way(Mapping.GENERIC, 12)
    wrong = Password.of_mrz(MrzKey("L898902C<3", "6908061", "9406237"))
    with pytest.raises(AccessDeniedError, match="refuses the password: status 6300"):
        converse(opening(chosen, wrong), chip(chosen).transmit)


@pytest.mark.parametrize(
    ("lie", "parameter_id", "reason"),
    [
        ("pace_echoes_key", 12, "terminal's own key back"),
        ("pace_echoes_key", 0, "terminal's own key back"),
        ("pace_echoes_mapping", 12, "own mapping key back"),
        ("pace_echoes_mapping", 1, "own mapping key back"),
        ("pace_key_outside", 12, "not on the curve"),
        ("pace_key_outside", 14, "not on the curve"),
        ("pace_key_outside", 0, "outside the subgroup"),
        ("pace_neutral_key", 12, "not an uncompressed point"),
        ("pace_neutral_key", 2, "not a number between 1 and the prime"),
        ("pace_wrong_token", 12, "token is wrong"),
        ("pace_wrong_token", 0, "token is wrong"),
    ],
)
def test_a_lying_chip_stays_closed(lie: str, parameter_id: int, reason: str) -> None:
    chosen = way(Mapping.GENERIC, parameter_id)
    with pytest.raises(AccessDeniedError, match=reason):
        converse(opening(chosen), chip(chosen, lie=lie).transmit)


def test_any_step_may_be_refused() -> None:
    chosen = way(Mapping.GENERIC, 12)
    for refused in range(5):
        card, count = chip(chosen), iter(range(9))

        def answer(apdu: bytes, card: Card = card, count: Any = count, refused: int = refused) -> bytes:
            return b"\x69\x85" if next(count) == refused else card.transmit(apdu)

        with pytest.raises(AccessDeniedError, match="status 6985"):
            converse(opening(chosen), answer)


@pytest.mark.parametrize("step", range(1, 5))
@pytest.mark.parametrize("mapping", [Mapping.GENERIC, Mapping.INTEGRATED])
def test_answers_with_other_objects_keep_the_chip_closed(mapping: Mapping, step: int) -> None:
    chosen = way(mapping, 12)
    for wrong in (b"", b"\x7c\x00", b"\x7c\x02\x9f\x00", b"\x80\x01\x00", answered((0x80, b""), (0x80, b""))[:-2]):
        if mapping is Mapping.INTEGRATED and step == 2 and wrong == b"\x7c\x00":
            continue  # integrated mapping has nothing to say here
        card, count = chip(chosen), iter(range(9))

        def answer(apdu: bytes, card: Card = card, count: Any = count, wrong: bytes = wrong) -> bytes:
            return wrong + b"\x90\x00" if next(count) == step else card.transmit(apdu)

        with pytest.raises(AccessDeniedError, match="breaks PACE"):
            converse(opening(chosen), answer)


def test_mapping_data_in_integrated_mapping_is_refused() -> None:
    chosen = way(Mapping.INTEGRATED, 12)
    card, count = chip(chosen), iter(range(9))

    def answer(apdu: bytes) -> bytes:
        return answered((0x82, b"\x01")) if next(count) == 2 else card.transmit(apdu)

    with pytest.raises(AccessDeniedError, match="mapping data where there is none"):
        converse(opening(chosen), answer)


@pytest.mark.parametrize(("mapping", "count"), [(Mapping.GENERIC, 15), (Mapping.GENERIC, 80), (Mapping.INTEGRATED, 32)])
def test_a_nonce_of_a_wrong_length_keeps_the_chip_closed(mapping: Mapping, count: int) -> None:
    answers = [b"\x90\x00", answered((0x80, bytes(count))), answered()]
    with pytest.raises(AccessDeniedError, match="nonce"):
        converse(opening(way(mapping, 12)), scripted(answers))


def test_a_session_ends_when_the_chip_that_opened_it_is_replaced_by_another() -> None:
    chosen = way(Mapping.GENERIC, 12)
    opened, _, _ = converse(opening(chosen), chip(chosen).transmit)
    other = chip(chosen)
    converse(open_with_pace(chosen, Password.of_mrz(KEY), random=random.Random(9).randbytes), other.transmit)
    with pytest.raises(SecureMessagingError):
        converse(opened.session.exchange(Command(0xB0, 0x9E, 0, answer_max=4)), other.transmit)


# ── which way ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_chip_authentication_comes_first_then_aes_then_curves_then_long_keys() -> None:
    ordered = [
        pace_info(Mapping.CHIP_AUTHENTICATION, 13, Cipher.AES_128),
        pace_info(Mapping.INTEGRATED, 12, Cipher.AES_256),
        pace_info(Mapping.GENERIC, 12, Cipher.AES_128),
        pace_info(Mapping.GENERIC, 0, Cipher.AES_256),
        pace_info(Mapping.GENERIC, 12, Cipher.TDES),
        pace_info(Mapping.GENERIC, 0, Cipher.TDES),
    ]
    for best in range(len(ordered)):
        chosen = choose_way(SecurityInfos(pace=tuple(reversed(ordered[best:]))))
        assert chosen is not None
        assert chosen.info == ordered[best]


@pytest.mark.parametrize(
    "info",
    [
        pace_info(Mapping.GENERIC, 12, version=1),
        pace_info(Mapping.GENERIC, 3),
        pace_info(Mapping.GENERIC, 31),
        pace_info(Mapping.GENERIC, 32),
        pace_info(Mapping.GENERIC, None),
        pace_info(Mapping.INTEGRATED, 10),
        pace_info(Mapping.CHIP_AUTHENTICATION, 12, Cipher.TDES),
        dataclasses.replace(pace_info(Mapping.GENERIC, 12), agreement=KeyAgreement.DH),
        dataclasses.replace(pace_info(Mapping.GENERIC, 0), agreement=KeyAgreement.ECDH),
    ],
)
def test_an_entry_that_the_standard_does_not_have_is_no_way(info: PaceInfo) -> None:
    assert choose_way(SecurityInfos(pace=(info,))) is None
    assert choose_way(SecurityInfos(pace=(info, pace_info(Mapping.GENERIC, 14)))) is not None


def test_domain_parameters_of_the_documents_own_are_taken_for_what_they_name() -> None:
    standardised = bytes.fromhex("300C060704007F0007010202010D")
    named = bytes.fromhex("301306072A8648CE3D020106082A8648CE3D030107")
    for algorithm, name in ((standardised, "brainpoolP256r1"), (named, "secp256r1")):
        info = pace_info(Mapping.GENERIC, 77)
        given_too = PaceDomainParameters(KeyAgreement.ECDH, Mapping.GENERIC, algorithm, 77)
        chosen = choose_way(SecurityInfos(pace=(info,), pace_parameters=(given_too,)))
        assert chosen is not None
        assert chosen.group.name == name
    broken = PaceDomainParameters(KeyAgreement.ECDH, Mapping.GENERIC, b"\x30\x00", 77)
    assert choose_way(SecurityInfos(pace=(info,), pace_parameters=(broken,))) is None


def test_the_published_card_access_offers_the_way_of_its_trace() -> None:
    offered = parse_card_access(bytes.fromhex("31143012060A04007F0007020204020202010202010D"))
    chosen = choose_way(offered)
    assert chosen is not None
    assert (chosen.info, chosen.group.name) == (pace_info(Mapping.GENERIC, 13), "brainpoolP256r1")


# ── the groups ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", list(STANDARDISED))
def test_the_standardised_groups_are_groups(number: int) -> None:
    group = standard_group(number)
    assert group.multiply(group.generator, group.order + 1) == group.generator, "the order is the generator's"
    two = group.add(group.generator, group.multiply(group.generator, 2))
    assert two == group.multiply(group.generator, 3)
    with pytest.raises(MalformedError, match=r"neutral|infinity"):
        group.multiply(group.generator, group.order)
    other = STANDARDISED[number]
    assert group.prime == other.p


def test_unknown_domain_parameters_are_no_group() -> None:
    for number in (-1, 3, 7, 19, 32):
        with pytest.raises(AlgorithmUnknownError):
            standard_group(number)


def points(group: Group) -> list[bytes]:
    size = (group.prime.bit_length() + 7) // 8
    good = group.generator
    beyond = (int.from_bytes(good[1 : 1 + size]) + group.prime).to_bytes(size + 1)
    return [
        b"",
        b"\x00",
        b"\x04",
        good[:-1],
        good + b"\x00",
        b"\x06" + good[1:],
        b"\x02" + good[1 : 1 + size],
        b"\x04" + bytes(2 * size),
        good[:-1] + bytes([good[-1] ^ 1]),
        b"\x04" + beyond[-size:] + good[1 + size :],
        b"\x04" + b"\xff" * 2 * size,
    ]


@pytest.mark.parametrize("number", CURVES)
def test_what_is_no_point_of_the_curve_is_no_element(number: int) -> None:
    group = standard_group(number)
    for wrong in points(group):
        with pytest.raises(MalformedError):
            group.multiply(wrong, 2)
        with pytest.raises(MalformedError):
            group.secret(wrong)


@pytest.mark.parametrize("number", FIELDS)
def test_what_is_outside_the_subgroup_is_no_element(number: int) -> None:
    group = standard_group(number)
    size = (group.prime.bit_length() + 7) // 8
    small = pow(3, group.order, group.prime)  # of an order that divides the cofactor
    for wrong in (b"", b"\x00", b"\x01", (group.prime - 1).to_bytes(size), group.prime.to_bytes(size)):
        with pytest.raises(MalformedError, match="between 1 and the prime"):
            group.multiply(wrong, 2)
    with pytest.raises(MalformedError, match="outside the subgroup"):
        group.multiply(small.to_bytes(size), 2)
    with pytest.raises(MalformedError, match="between 1 and the prime"):
        group.multiply(b"\x00" * (size + 1) + b"\x02", 2)


def test_numbers_that_lead_to_no_element_are_refused() -> None:
    for number in (0, 1):
        with pytest.raises(MalformedError):
            standard_group(12).element_of(number)
        with pytest.raises(MalformedError):
            standard_group(0).element_of(number)
    with pytest.raises(AlgorithmUnknownError):
        standard_group(10).element_of(2)


@pytest.mark.parametrize("number", [one for one in CURVES if one != 10])
def test_encoded_numbers_lie_on_the_curve_in_both_branches(number: int) -> None:
    group = standard_group(number)
    assert isinstance(group, CurveGroup)
    for value in range(2, 12):  # about half of them take each branch
        group.secret(group.element_of(value))


def test_private_keys_are_drawn_until_one_is_in_range() -> None:
    group = standard_group(13)
    top = group.order.to_bytes(32)
    assert private_key(group, given(bytes(32), top, b"\xff" * 32, (5).to_bytes(32))) == 5
    assert private_key(standard_group(18), given(b"\xfe" + bytes(64) + b"\x07")) == 7, "spare bits are cut"
    with pytest.raises(ValueError, match="randomness that is none"):
        private_key(group, bytes)


def test_a_proof_against_no_point_does_not_fit() -> None:
    group = standard_group(12)
    assert not MappingProof(group, group.generator, 0).fits(group.generator)


def test_the_password_key_is_that_of_the_worked_example() -> None:
    numbers = example("g1")
    password = mrz_password(numbers["document"])
    assert Suite(Cipher.AES_128).derive(password.secret, FOR_PASSWORD) == numbers["password_key"]
    assert repr(password).startswith("<") or "secret" not in repr(password)


# ── noise ────────────────────────────────────────────────────────────────────────────────────────────────────────────

ANSWERS = st.one_of(
    st.binary(max_size=80),
    st.just(b"\x90\x00"),
    st.tuples(st.sampled_from([0x80, 0x82, 0x84, 0x86, 0x8A]), st.binary(max_size=140)).map(answered),
    st.tuples(st.sampled_from([0x82, 0x84]), st.integers(1, 30)).map(
        lambda made: answered((made[0], standard_group(12).multiply(standard_group(12).generator, made[1])))
    ),
)


@settings(max_examples=200, deadline=None)
@hypothesis.given(
    mapping=st.sampled_from(Mapping), number=st.sampled_from([0, 12]), said=st.lists(ANSWERS, min_size=5, max_size=5)
)
def test_noise_never_opens_a_chip_and_raises_nothing_but_the_rooms_own_errors(
    mapping: Mapping, number: int, said: list[bytes]
) -> None:
    chosen = way(mapping, 12 if mapping is Mapping.CHIP_AUTHENTICATION else number)
    with pytest.raises((AccessDeniedError, MalformedError)):
        converse(opening(chosen), scripted([b"\x90\x00", *said]))
