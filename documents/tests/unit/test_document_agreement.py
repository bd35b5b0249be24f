"""Inspections of chips that are opened with PACE and prove themselves by agreeing on keys: every way, every clone, every downgrade."""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Callable, Generator
from typing import Any, cast

import pytest
from asn1crypto import cms, keys
from document_fakes.anchors import ListedAnchors
from document_fakes.inspections import (
    NOW,
    SELECT_APPLICATION,
    Through,
    anchors,
    conversed,
    inspected,
    issued,
    reason,
    results,
)
from document_fakes.inspections import Transmit as Bytes
from document_fakes.sample_passports import ANNA, portrait, utopia

from gate_documents.access import agreement_keys
from gate_documents.access.agreement_keys import group_of_algorithm, parse_agreement_key
from gate_documents.access.checks import AccessFacts, judge_offer
from gate_documents.access.chip_access import REOPENINGS_MAX, Chip
from gate_documents.access.commands import Command, Response, Transmit
from gate_documents.access.groups import FieldGroup, standard_group
from gate_documents.access.pace import MappingProof, choose_way
from gate_documents.authenticity.chip_authentication import choose_offer, prove
from gate_documents.authenticity.pace_cam import judge_mapping
from gate_documents.authenticity.passive_authentication import judge_sod
from gate_documents.checks import Check, CheckId, Result
from gate_documents.errors import AlgorithmUnknownError, MalformedError
from gate_documents.lds.card_security import parse_card_security
from gate_documents.lds.security_infos import (
    ChipAuthenticationInfo,
    ChipAuthenticationKey,
    KeyAgreement,
    PaceDomainParameters,
    PaceInfo,
    SecurityInfos,
)
from gate_documents.lds.security_infos import Cipher as OurCipher
from gate_documents.lds.security_infos import Mapping as OurMapping
from gate_documents.verdict.conclusion import AgreementFacts
from hardware_sim.passport import der
from hardware_sim.passport.abilities import Agreement, Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace
from hardware_sim.passport.domain import MODP_1024_160, MODP_2048_224, MODP_2048_256, STANDARDISED, Curve
from hardware_sim.passport.issuer import Passport

CAN = "271828"
GM = Pace(Mapping.GENERIC, 12, Cipher.AES_128)
CAM = Pace(Mapping.CHIP_AUTHENTICATION, 13, Cipher.AES_128)


@functools.cache
def passport(features: Features, *faults: str, active: Any = None) -> Passport:
    none = () if active or "no_chip_authentication" in faults else ("no_chip_authentication",)
    return issued(*faults, *none, active=active, features=features)


# ── genuine chips ────────────────────────────────────────────────────────────────────────────────────────────────────

WAYS = [
    GM,
    Pace(Mapping.GENERIC, 14, Cipher.AES_256),
    Pace(Mapping.GENERIC, 0, Cipher.TDES),
    Pace(Mapping.INTEGRATED, 13, Cipher.AES_192),
    Pace(Mapping.INTEGRATED, 1, Cipher.AES_128),
    CAM,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.mapping.name}-{way.parameter_id}")
@pytest.mark.parametrize("number", [None, CAN])
def test_every_mapping_opens_a_genuine_passport_and_is_logged(way: Pace, number: str | None) -> None:
    document = passport(Features(pace=(way,), can=CAN), active="ecdsa")
    inspection, portraits, *_ = conversed(document, number=number)
    assert results(inspection) == {}
    assert portraits
    facts = inspection.access
    assert facts is not None
    assert (facts.protocol, facts.version, facts.password) == ("PACE", 2, "CAN" if number else "MRZ")
    assert facts.mapping == {"GENERIC": "GM", "INTEGRATED": "IM"}.get(way.mapping.name, "CAM")
    assert facts.agreement == ("ECDH" if isinstance(STANDARDISED[way.parameter_id], Curve) else "DH")
    assert facts.cipher == way.cipher.name.replace("_", "-").replace("TDES", "3DES")
    assert facts.parameters == standard_group(way.parameter_id).name
    assert f"{facts.agreement}-{facts.mapping} {facts.cipher} on {facts.parameters}" in reason(
        inspection, CheckId.CHIP_ACCESS
    )


def test_basic_access_control_is_logged_too() -> None:
    inspection = inspected(passport(Features(), active="ecdsa"))
    assert inspection.access == AccessFacts("BAC", "MRZ")
    assert str(inspection.access) == "BAC with the MRZ"


OFFERS = [
    Agreement(13, Cipher.AES_128),
    Agreement(12, Cipher.AES_256, key_id=7),
    Agreement(14, Cipher.AES_192, explicit_parameters=False),
    Agreement(18, Cipher.TDES),
    Agreement(10, None),
    Agreement(0, Cipher.AES_128),
    Agreement(2, Cipher.TDES, key_id=1),
    Agreement(1, None),
]


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: f"{offer.parameter_id}-{offer.cipher}-{offer.key_id}")
@pytest.mark.parametrize("pace", [(), (GM,)], ids=["bac", "pace"])
def test_every_kind_of_key_proves_a_genuine_chip(offer: Agreement, pace: tuple[Pace, ...]) -> None:
    inspection = inspected(passport(Features(pace=pace, chip_authentication=(offer,))))
    assert results(inspection) == {}
    assert "Chip Authentication with the key" in reason(inspection, CheckId.CHIP_AUTHENTICITY)
    assert inspection.agreement is not None
    assert inspection.agreement.parameters == standard_group(offer.parameter_id).name
    assert inspection.agreement.cipher == (offer.cipher or Cipher.TDES).name.replace("_", "-").replace("TDES", "3DES")


def test_the_data_groups_are_read_under_the_keys_of_chip_authentication_and_no_signature_is_asked_for() -> None:
    features = Features(chip_authentication=(Agreement(13, Cipher.AES_128),))
    inspection, _, sent, _ = conversed(passport(features, active="ecdsa"))
    assert results(inspection) == {}
    assert not any(apdu[1] == 0x88 for apdu in sent), "no Active Authentication beside it"
    agreed = next(index for index, apdu in enumerate(sent) if apdu[1] == 0x86)
    after = [apdu for apdu in sent[agreed + 1 :] if apdu[1] == 0xA4]
    assert len(after) == 4, "the proof, EF.DG1, EF.DG2, and a look at EF.DG15"
    assert inspection.agreement == AgreementFacts("0.4.0.127.0.7.2.2.3.2.2", "AES-128", "brainpoolP256r1")


def test_pace_with_chip_authentication_needs_no_other_proof() -> None:
    features = Features(pace=(CAM,), chip_authentication=(Agreement(13, Cipher.AES_128),))
    inspection, _, sent, _ = conversed(passport(features, active="ecdsa"))
    assert results(inspection) == {}
    assert "PACE-CAM" in reason(inspection, CheckId.CHIP_AUTHENTICITY)
    assert inspection.agreement is None
    assert not any(apdu[1] == 0x88 for apdu in sent)


@pytest.mark.parametrize(
    ("features", "after", "authentications"),
    [
        (Features(chip_authentication=(Agreement(13, Cipher.AES_128),)), 0x0C86, 2),
        (Features(pace=(CAM,)), 0x0086, 8),
        (Features(pace=(CAM,)), 0x0CA4, 8),
    ],
    ids=["agreeing", "mapping", "mapping-entered"],
)
def test_a_chip_that_ends_its_session_over_a_size_proves_itself_again(
    features: Features, after: int, authentications: int
) -> None:
    def through(transmit: Bytes) -> Bytes:
        seen: set[int] = set()

        def answer(apdu: bytes) -> bytes:
            seen.add(int.from_bytes(apdu[:2]))
            if apdu[:2] == b"\x0c\xb0" and apdu[4] == 0 and after in seen:
                transmit(SELECT_APPLICATION)  # the card drops its session
                return b"\x67\x00"
            return transmit(apdu)

        return answer

    inspection, _, sent, _ = conversed(passport(features), through=through)
    assert results(inspection) == {}
    assert sum(apdu[:4] == b"\x00\xa4\x00\x0c" for apdu in sent) == 2, "opened twice"
    assert sum(apdu[1] == 0x86 for apdu in sent) == authentications


def test_a_chip_that_ends_its_session_again_and_again_is_given_up() -> None:
    sizes = iter(range(0x6CD0, 0x6C00, -1))

    def through(transmit: Bytes) -> Bytes:
        def answer(apdu: bytes) -> bytes:
            asked_for_more = apdu[:4] == b"\x0c\xb0\x00\x06"
            if asked_for_more:
                transmit(SELECT_APPLICATION)  # the card drops its session
            return next(sizes).to_bytes(2) if asked_for_more else transmit(apdu)

        return answer

    inspection, _, sent, _ = conversed(passport(Features(pace=(CAM,))), through=through)
    assert "ends its sessions too often" in reason(inspection, CheckId.CHIP_ACCESS)
    assert sum(apdu[:4] == b"\x00\xa4\x00\x0c" for apdu in sent) == 1 + REOPENINGS_MAX


@pytest.mark.parametrize("answer", [b"\x90", b"\x69\x85"])
@pytest.mark.parametrize("command", [0xA4, 0x22, 0x86], ids=["select", "set", "authenticate"])
def test_a_chip_that_does_not_open_again_gives_nothing_more(command: int, answer: bytes) -> None:
    """The files of a genuine chip, in clear, after its session has ended: they would agree with EF.SOD."""
    files = {0x0100 + number: content for number, content in group_files(passport(AGREEING)).items()}
    in_clear: list[bytes] = []

    def through(transmit: Bytes) -> Bytes:
        state = {"agreed": False, "ended": False}

        def tampered(apdu: bytes) -> bytes:
            state["agreed"] |= apdu[:2] == b"\x0c\x86"
            if state["agreed"] and not state["ended"] and apdu[:2] == b"\x0c\xb0" and apdu[4] == 0:
                state["ended"] = True
                transmit(SELECT_APPLICATION)
                return b"\x67\x00"
            if state["ended"] and apdu[1] == command and (command != 0x86 or apdu[0] == 0x0C):
                return answer
            if state["ended"] and apdu[:4] == b"\x00\xa4\x02\x0c" and int.from_bytes(apdu[5:7]) in files:
                in_clear.append(apdu)
            return transmit(apdu)

        return tampered

    inspection, portraits, *_ = conversed(passport(AGREEING), through=through)
    assert inspection.overall is Result.ABORTED
    assert inspection.result_of(CheckId.DG_HASHES) is Result.ABORTED
    assert not portraits
    assert not in_clear, "no data group is asked for without a session"


def group_files(document: Passport) -> dict[int, bytes]:
    return {int(name[5:]): content for name, content in document.files.items() if name.startswith("EF_DG")}


# ── downgrades ───────────────────────────────────────────────────────────────────────────────────────────────────────


def without_card_access(transmit: Bytes) -> Bytes:
    return lambda apdu: b"\x6a\x82" if apdu[:4] == b"\x00\xa4\x02\x0c" else transmit(apdu)


def test_a_card_access_that_was_taken_away_shows_in_the_end() -> None:
    document = passport(Features(pace=(GM,)), active="ecdsa")
    inspection = inspected(document, through=without_card_access)
    assert results(inspection) == {"chip_access": "failed"}
    assert "EF.DG14 offers PACE" in reason(inspection, CheckId.CHIP_ACCESS)


def test_a_chip_that_refuses_its_master_file_is_taken_for_one_without_pace() -> None:
    inspection = inspected(passport(Features(), active="ecdsa"), master_file_refused=True)
    assert results(inspection) == {}
    hidden = inspected(passport(Features(pace=(GM,)), active="ecdsa"), master_file_refused=True)
    assert results(hidden) == {"chip_access": "failed"}


def test_a_weaker_card_access_shows_in_the_end() -> None:
    inspection = inspected(passport(Features(pace=(CAM, GM)), "card_access_weaker", active="ecdsa"))
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert "not what EF.DG14 repeats" in reason(inspection, CheckId.CHIP_ACCESS)


def test_a_chip_that_fails_in_pace_is_never_opened_with_basic_access_control() -> None:
    document = passport(Features(pace=(GM,)), active="ecdsa")

    def refusing(transmit: Bytes) -> Bytes:
        return lambda apdu: b"\x69\x85" if apdu[1] == 0x86 else transmit(apdu)

    inspection, _, sent, _ = conversed(document, through=refusing)
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert not any(apdu[1] in (0x84, 0x82) for apdu in sent)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x31\x00", "cannot be relied on"),
        (b"\x31\x03\x02\x01\x05", "cannot be relied on"),
        (b"\x30\x00\x00\x00\x00\x00", "cannot be relied on"),
        (bytes.fromhex("310F300D060804007F0007020202020101"), "no PACE that we know"),
    ],
)
def test_a_card_access_that_offers_nothing_keeps_the_chip_closed(content: bytes, expected: str) -> None:
    document = passport(Features(pace=(GM,)), active="ecdsa")
    changed = dataclasses.replace(document, files={**document.files, "EF_CARD_ACCESS": content})
    inspection, _, sent, _ = conversed(changed)
    assert inspection.result_of(CheckId.CHIP_ACCESS) is Result.FAILED
    assert expected in reason(inspection, CheckId.CHIP_ACCESS)
    assert not any(apdu[1] == 0x84 for apdu in sent)


def test_a_card_access_that_is_refused_for_another_reason_keeps_the_chip_closed() -> None:
    def odd(transmit: Bytes) -> Bytes:
        return lambda apdu: b"\x65\x81" if apdu[:4] == b"\x00\xa4\x02\x0c" else transmit(apdu)

    inspection = inspected(passport(Features(), active="ecdsa"), through=odd)
    assert "EF.CardAccess cannot be selected: status 6581" in reason(inspection, CheckId.CHIP_ACCESS)


def test_pace_that_nothing_signed_repeats_is_left_open() -> None:
    offered = SecurityInfos()
    facts = AccessFacts("PACE", "MRZ", 2)
    for signed in (None, SecurityInfos()):
        assert judge_offer(facts, offered, signed).result is Result.UNDETERMINED


def test_without_an_mrz_only_the_card_access_number_opens() -> None:
    both = passport(Features(pace=(GM,), can=CAN), active="ecdsa")
    inspection = inspected(both, mrz=False, number=CAN)
    assert results(inspection) == {"mrz": "not_supported", "mrz_dg1": "not_supported"}
    closed = inspected(both, mrz=False)
    assert "neither the printed MRZ nor" in reason(closed, CheckId.CHIP_ACCESS)
    old = inspected(passport(Features(), active="ecdsa"), mrz=False, number=CAN)
    assert "printed MRZ only" in reason(old, CheckId.CHIP_ACCESS)


# ── clones ───────────────────────────────────────────────────────────────────────────────────────────────────────────

AGREEING = Features(chip_authentication=(Agreement(13, Cipher.AES_128),))
OLD = Features(chip_authentication=(Agreement(12, None),))
MAPPING = Features(pace=(CAM,))


@pytest.mark.parametrize("features", [AGREEING, OLD, MAPPING], ids=["agreeing", "old", "mapping"])
def test_a_clone_without_the_chips_key_fails(features: Features) -> None:
    inspection, portraits, *_ = conversed(passport(features, "no_private_key"))
    assert results(inspection) == {"chip_authenticity": "failed"}
    assert portraits, "it is opened again and read for the officer"


@pytest.mark.parametrize("features", [AGREEING, MAPPING], ids=["agreeing", "mapping"])
def test_a_clone_with_a_key_of_its_own_fails(features: Features) -> None:
    fault = "own_card_security" if features is MAPPING else "own_keys"
    inspection = inspected(passport(features, fault))
    assert inspection.result_of(CheckId.CHIP_AUTHENTICITY) in (Result.FAILED, Result.UNDETERMINED)
    if features is AGREEING:
        assert inspection.result_of(CheckId.DG_HASHES) is Result.FAILED


@pytest.mark.parametrize("features", [AGREEING, MAPPING], ids=["agreeing", "mapping"])
def test_a_key_that_nobody_we_trust_signed_proves_nothing(features: Features) -> None:
    inspection = inspected(passport(features), against=ListedAnchors())
    assert inspection.result_of(CheckId.CHIP_AUTHENTICITY) is Result.UNDETERMINED
    assert "nobody we trust" in reason(inspection, CheckId.CHIP_AUTHENTICITY)


def test_a_chip_that_hides_its_card_security_fails() -> None:
    document = passport(MAPPING)
    for changed in ({}, {"EF_CARD_SECURITY": b"\x30\x03\x02\x01\x05"}):
        files = {name: content for name, content in document.files.items() if name != "EF_CARD_SECURITY"} | changed
        inspection = inspected(dataclasses.replace(document, files=files))
        assert results(inspection) == {"chip_authenticity": "failed"}


def test_a_card_security_that_was_revoked_fails_the_chip() -> None:
    revoked = [utopia().crl(line, revoked=(utopia().signer_serial("p256"),)) for line in (1, 2, 3)]
    against = ListedAnchors(utopia().csca_files().values(), revoked, test=True)
    inspection = inspected(passport(MAPPING), against=against)
    assert inspection.result_of(CheckId.REVOCATION) is Result.FAILED
    assert "revoked" in reason(inspection, CheckId.CHIP_AUTHENTICITY)


def test_a_genuine_card_security_of_another_chip_fails() -> None:
    document = passport(MAPPING)
    person = dataclasses.replace(ANNA, number="X1234567")
    other = utopia().issue(
        person,
        portrait_jpeg=portrait(),
        features=MAPPING,
        faults=frozenset({"no_chip_authentication"}),
        signer="p256",
    )
    files = {**document.files, "EF_CARD_SECURITY": other.files["EF_CARD_SECURITY"]}
    inspection = inspected(dataclasses.replace(document, files=files))
    assert results(inspection) == {"chip_authenticity": "failed"}
    assert "does not hold the key" in reason(inspection, CheckId.CHIP_AUTHENTICITY)


def at_agreement(answer: bytes) -> Through:
    """Chip Authentication's own commands answered otherwise, in clear."""

    def through(transmit: Bytes) -> Bytes:
        state = {"done": False}

        def tampered(apdu: bytes) -> bytes:
            if apdu[:2] == b"\x0c\x22" and not state["done"]:
                state["done"] = True
                transmit(SELECT_APPLICATION)
                return answer
            return transmit(apdu)

        return tampered

    return through


def test_a_chip_that_breaks_off_chip_authentication_fails_and_is_read_all_the_same() -> None:
    inspection, portraits, *_ = conversed(passport(AGREEING), through=at_agreement(b"\x69\x88"))
    assert results(inspection) == {"chip_authenticity": "failed"}
    assert portraits


def test_an_answer_that_breaks_the_session_during_chip_authentication_ends_the_inspection() -> None:
    forged = bytes.fromhex("990290008E080000000000000000") + b"\x90\x00"
    inspection, portraits, *_ = conversed(passport(AGREEING), through=at_agreement(forged))
    assert inspection.result_of(CheckId.CHIP_AUTHENTICITY) is Result.ABORTED
    assert inspection.overall is Result.ABORTED
    assert not portraits


ANY_CHIP = pytest.mark.parametrize(
    "document",
    [lambda: issued(), lambda: passport(AGREEING), lambda: passport(MAPPING)],  # noqa: PLW0108 - made when needed
    ids=["signing", "agreeing", "mapping"],
)


@ANY_CHIP
def test_a_chip_that_is_pulled_out_is_aborted_wherever_it_was(document: Callable[[], Passport]) -> None:
    sent = conversed(document()).sent
    for after in range(len(sent)):
        inspection, portraits, *_ = conversed(document(), pull_out_after_apdus=after)
        assert inspection.overall is Result.ABORTED, after
        assert set(results(inspection).values()) == {"aborted"}
        assert inspection.result_of(CheckId.DG_HASHES) is Result.ABORTED
        assert portraits == []


@ANY_CHIP
def test_nonsense_never_leads_to_a_success(document: Callable[[], Passport]) -> None:
    sent = conversed(document()).sent
    for after in range(len(sent)):
        inspection, portraits, *_ = conversed(document(), nonsense_after_apdus=after)
        assert inspection.overall in (Result.ABORTED, Result.FAILED), after
        assert portraits == []


# ── which offer ──────────────────────────────────────────────────────────────────────────────────────────────────────


def point_spki(number: int) -> bytes:
    group = standard_group(number)
    named = {12: "secp256r1", 15: "secp384r1"}[number]
    return bytes(
        keys.PublicKeyInfo(
            {
                "algorithm": {"algorithm": "ec", "parameters": keys.ECDomainParameters(name="named", value=named)},
                "public_key": keys.ECPointBitString(group.generator),
            }
        ).dump()
    )


def info(cipher: OurCipher, key_id: int | None = None, version: int = 1) -> ChipAuthenticationInfo:
    return ChipAuthenticationInfo(
        f"0.4.0.127.0.7.2.2.3.2.{list(OurCipher).index(cipher) + 1}", KeyAgreement.ECDH, cipher, version, key_id
    )


def key(number: int = 12, key_id: int | None = None) -> ChipAuthenticationKey:
    return ChipAuthenticationKey(KeyAgreement.ECDH, point_spki(number), key_id)


def test_the_best_offer_is_chosen_and_paired_with_its_key() -> None:
    infos = SecurityInfos(
        chip_authentications=(info(OurCipher.TDES, 1), info(OurCipher.AES_128, 1), info(OurCipher.AES_256, 2)),
        chip_keys=(key(12, 1), key(15, 2)),
    )
    offer = choose_offer(infos)
    assert offer is not None
    assert (offer.cipher, offer.key_id, offer.key.group.name) == (OurCipher.AES_256, 2, "secp384r1")


@pytest.mark.parametrize(
    "infos",
    [
        SecurityInfos(),
        SecurityInfos(chip_authentications=(info(OurCipher.AES_128),)),
        SecurityInfos(chip_authentications=(info(OurCipher.AES_128, version=3),), chip_keys=(key(),)),
        SecurityInfos(chip_keys=(dataclasses.replace(key(), agreement=KeyAgreement.DH),)),
        SecurityInfos(chip_keys=(dataclasses.replace(key(), spki=b"\x30\x00"),)),
    ],
)
def test_what_is_no_offer_is_none(infos: SecurityInfos) -> None:
    assert choose_offer(infos) is None


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

X9_42, PKCS_3, STANDARDISED_OID = "1.2.840.10046.2.1", "1.2.840.113549.1.3.1", "0.4.0.127.0.7.1.2"


def field_spki(oid: str, *numbers: int, public: bytes = b"\x02\x01\x04") -> bytes:
    parameters = der.sequence(*(der.integer(number) for number in numbers))
    return der.sequence(der.sequence(der.oid(oid), parameters), der.bits(public))


def test_fields_are_told_by_their_numbers() -> None:
    known = MODP_2048_224
    for oid, numbers in (
        (X9_42, (known.p, known.g, known.q)),
        (PKCS_3, (known.p, known.g)),
        (PKCS_3, (known.p, known.g, 224)),
    ):
        parsed = parse_agreement_key(field_spki(oid, *numbers))
        assert parsed.group == standard_group(1)
        assert parsed.element == b"\x04"


def test_a_field_of_the_documents_own_is_taken_within_bounds() -> None:
    known = MODP_2048_256
    other = pow(known.g, 2, known.p)
    proper = parse_agreement_key(field_spki(X9_42, known.p, other, known.q)).group
    assert isinstance(proper, FieldGroup)
    assert proper.proper
    loose = parse_agreement_key(field_spki(PKCS_3, known.p, other)).group
    assert isinstance(loose, FieldGroup)
    assert not loose.proper
    assert loose.multiply(b"\x02", 3) == b"\x08"


LONGEST, TOO_LONG = (1 << 3071) | 1, (1 << 3072) | 1


def test_a_field_that_would_hold_the_lane_is_unknown_wherever_a_stranger_spells_it_out() -> None:
    def algorithm(name: str, prime: int) -> bytes:
        return der.sequence(der.oid(name), der.sequence(der.integer(prime), der.integer(5)))

    for name in (X9_42, PKCS_3):
        assert group_of_algorithm(algorithm(name, LONGEST)).prime == LONGEST
        with pytest.raises(AlgorithmUnknownError, match="3073 bits"):
            group_of_algorithm(algorithm(name, TOO_LONG))
        assert parse_agreement_key(field_spki(name, LONGEST, 5)).group.prime == LONGEST
        with pytest.raises(AlgorithmUnknownError, match="3073 bits"):
            parse_agreement_key(field_spki(name, TOO_LONG, 5))
    for prime, known in ((LONGEST, True), (TOO_LONG, False)):
        parameters = PaceDomainParameters(KeyAgreement.DH, OurMapping.GENERIC, algorithm(X9_42, prime), 32)
        info = PaceInfo("0.4.0.127.0.7.2.2.4.1.2", KeyAgreement.DH, OurMapping.GENERIC, OurCipher.AES_128, 2, 32)
        assert (choose_way(SecurityInfos(pace=(info,), pace_parameters=(parameters,))) is not None) is known
        key = ChipAuthenticationKey(KeyAgreement.DH, field_spki(X9_42, prime, 5), None)
        assert (choose_offer(SecurityInfos(chip_keys=(key,))) is not None) is known


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        ((23, 5, 11), AlgorithmUnknownError),
        ((1 << agreement_keys.PRIME_BITS_MAX | 1, 5, 11), AlgorithmUnknownError),
        (((1 << 1024) + 2, 5, 11), MalformedError),
        ((MODP_1024_160.p, 1, MODP_1024_160.q), MalformedError),
        ((MODP_1024_160.p, 5, MODP_1024_160.q + 2), MalformedError),
        ((MODP_1024_160.p, 5, 2), MalformedError),
    ],
)
def test_numbers_that_make_no_safe_field_are_refused(numbers: tuple[int, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_agreement_key(field_spki(X9_42, *numbers))


def test_a_public_number_that_is_none_is_refused() -> None:
    known = MODP_1024_160
    for public in (b"", b"\x02\x01\x00", b"\x02\x01\xff", b"\x02\x01\x04\x00", b"\x04\x01\x04"):
        with pytest.raises(MalformedError):
            parse_agreement_key(field_spki(X9_42, known.p, known.g, known.q, public=public))


def test_standardised_parameters_are_named_by_number() -> None:
    point = standard_group(12).generator
    spki = der.sequence(der.sequence(der.oid(STANDARDISED_OID), der.integer(12)), der.bits(point))
    assert parse_agreement_key(spki).element == point
    number = der.sequence(der.sequence(der.oid(STANDARDISED_OID), der.integer(0)), der.bits(b"\x02\x01\x05"))
    assert parse_agreement_key(number).element == b"\x05"
    with pytest.raises(AlgorithmUnknownError):
        group_of_algorithm(der.sequence(der.oid(STANDARDISED_OID), der.integer(5)))


def test_a_key_that_agrees_on_nothing_is_refused() -> None:
    certificate_key = der.sequence(
        der.sequence(der.oid("1.2.840.113549.1.1.1"), b"\x05\x00"),
        der.bits(der.sequence(der.integer((1 << 2047) | 1), der.integer(65537))),
    )
    with pytest.raises(AlgorithmUnknownError, match="no agreement"):
        parse_agreement_key(certificate_key)


# ── the commands ─────────────────────────────────────────────────────────────────────────────────────────────────────


class ObedientChip:
    """Notes what it is asked and answers as it is told, in clear; for which commands come, not for what they achieve."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = iter(statuses)
        self.asked: list[str] = []
        self.reopened = 0

    def ask(self, command: Command) -> Generator[Transmit, bytes | None, Response]:
        yield from ()
        self.asked.append(command.header.hex().upper()[2:])
        return Response(b"", next(self.statuses))

    def rekey(self, *_: object, terminal_key: bytes) -> None:
        assert terminal_key
        self.asked.append("rekeyed")

    def forget_rekeying(self) -> None:
        self.asked.append("forgotten")

    def reopen(self) -> Generator[Transmit, bytes | None, None]:
        yield from ()
        self.reopened += 1


SET_KEY, SET_PROTOCOL, AUTHENTICATE, SELECT_DG1 = "2241A6", "2241A4", "860000", "A4020C"
TDES_OFFER = (info(OurCipher.TDES),)
AES_OFFER = (info(OurCipher.AES_128, 300),)  # a name of two bytes


@pytest.mark.parametrize(
    ("announced", "statuses", "asked", "expected"),
    [
        (TDES_OFFER, (0x9000, 0x9000, 0x6A82), [SET_PROTOCOL, AUTHENTICATE, "rekeyed", SELECT_DG1], None),
        (TDES_OFFER, (0x6A80, 0x9000, 0x9000), [SET_PROTOCOL, SET_KEY, "rekeyed", SELECT_DG1], None),
        (
            TDES_OFFER,
            (0x9000, 0x6A80, 0x9000, 0x9000),
            [SET_PROTOCOL, AUTHENTICATE, SET_KEY, "rekeyed", SELECT_DG1],
            None,
        ),
        ((), (0x9000, 0x9000), [SET_KEY, "rekeyed", SELECT_DG1], None),
        ((), (0x6D00, 0x9000, 0x9000, 0x9000), [SET_KEY, SET_PROTOCOL, AUTHENTICATE, "rekeyed", SELECT_DG1], None),
        ((), (0x6D00, 0x6A80), [SET_KEY, SET_PROTOCOL], "refuses the Chip Authentication that it offers: status 6A80"),
        (AES_OFFER, (0x6A80,), [SET_PROTOCOL], "refuses the Chip Authentication that it offers: status 6A80"),
    ],
)
def test_triple_des_has_two_ways_and_aes_one(
    announced: tuple[ChipAuthenticationInfo, ...], statuses: tuple[int, ...], asked: list[str], expected: str | None
) -> None:
    offer = choose_offer(SecurityInfos(chip_authentications=announced, chip_keys=(key(),)))
    assert offer is not None
    fake = ObedientChip(*statuses)
    outcome, _, _ = converse_all(prove(cast("Chip", fake), offer, random=random.Random(4).randbytes))
    assert fake.asked == asked
    assert fake.reopened == 0, "a refusal does not end the session"
    assert outcome is None if expected is None else expected in (outcome or "")


def converse_all(conversation: Any) -> tuple[Any, None, None]:
    try:
        next(conversation)
    except StopIteration as end:
        return end.value, None, None
    raise AssertionError("a command went out")


def test_a_static_key_off_the_curve_is_not_agreed_with() -> None:
    offer = choose_offer(SecurityInfos(chip_keys=(key(),)))
    assert offer is not None
    off = dataclasses.replace(offer, key=dataclasses.replace(offer.key, element=offer.key.element[:-1] + b"\x00"))
    fake = ObedientChip()
    outcome, _, _ = converse_all(prove(cast("Chip", fake), off, random=random.Random(4).randbytes))
    assert "key is none" in outcome
    assert fake.asked == []


# ── EF.CardSecurity ──────────────────────────────────────────────────────────────────────────────────────────────────


def mapping_verdict(content: bytes, proofs: list[MappingProof], offered: SecurityInfos | None = None) -> Check:
    sod = judge_sod(passport(MAPPING).files["EF_SOD"], anchors(), NOW)
    return judge_mapping(proofs, content, offered=offered, sod=sod, anchors=anchors(), now=NOW)


def genuine_proof() -> tuple[bytes, MappingProof]:
    """A genuine file, and a proof for the key in it: with the key itself as mapping key, the quotient is one."""
    content = passport(MAPPING).files["EF_CARD_SECURITY"]
    static = parse_agreement_key(parse_card_security(content).infos.chip_keys[0].spki)
    return content, MappingProof(static.group, static.element, 1)


def test_a_proof_for_the_key_of_a_genuine_file_holds() -> None:
    content, proof = genuine_proof()
    assert mapping_verdict(content, [proof]).result is Result.SUCCESSFUL
    assert mapping_verdict(content, [proof, dataclasses.replace(proof, quotient=2)]).result is Result.FAILED


def test_a_proof_in_another_group_than_the_key_is_none() -> None:
    content, proof = genuine_proof()
    assert mapping_verdict(content, [dataclasses.replace(proof, group=standard_group(12))]).result is Result.FAILED


def test_a_file_that_offers_other_pace_than_was_offered_fails() -> None:
    content, proof = genuine_proof()
    infos = parse_card_security(content).infos
    assert mapping_verdict(content, [proof], infos).result is Result.SUCCESSFUL
    weaker = dataclasses.replace(infos, pace=tuple(dataclasses.replace(one, parameter_id=12) for one in infos.pace))
    expected = Result.FAILED if infos.pace else Result.SUCCESSFUL
    assert mapping_verdict(content, [proof], weaker).result is expected


def test_a_file_without_its_signers_certificate_is_left_open() -> None:
    content, proof = genuine_proof()
    message = cms.ContentInfo.load(content)
    del message["content"]["certificates"]
    check = mapping_verdict(message.dump(force=True), [proof])
    assert check.result is Result.UNDETERMINED
    assert "signer's certificate is not in the message" in check.reason
