"""Deviation lists and defect lists: what they say, about which documents, and who may say it."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, date, datetime

import pytest
from cryptography import x509
from document_fakes.defect_lists import (
    DEVIATION_SIGNER,
    defect,
    defect_list,
    deviates,
    deviation,
    deviation_list,
    generalized,
    issuer_and_serial,
    known,
    known_in_version_2,
    printable,
    status,
)
from document_fakes.master_lists import master_list, party

from gate_documents.errors import DocumentError, MalformedError, SignatureError
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.defect_list import parse_defect_list
from gate_documents.pki.deviation_list import parse_deviation_list
from gate_documents.pki.known_defects import Affected, Defect, Facts, Flaw, KnownDefects
from hardware_sim.passport import der

CSCA = party("CSCA")
SIGNER = party("Deviations", issuer=CSCA, authority=False, purpose=DEVIATION_SIGNER)
DS = party("Document signer", issuer=CSCA, authority=False)
OTHER = party("Other signer", issuer=CSCA, authority=False)
FACTS = Facts(parse_certificate(DS.der), "P", "L898902C3", date(2024, 6, 1))
OTHER_FACTS = Facts(parse_certificate(OTHER.der), "P", "L898902C3", date(2024, 6, 1))
OF_DS = der.tlv(0xA1, issuer_and_serial(DS))
DG12 = deviates("2.2", der.integer(12), text="the date of issue is wrong")


def deviations(*entries: bytes) -> tuple[KnownDefects, ...]:
    return parse_deviation_list(deviation_list(SIGNER, *entries)).entries


def said(*kinds: bytes) -> tuple[Defect, ...]:
    (entry,) = deviations(deviation(OF_DS, kinds=kinds))
    return entry.defects


def test_a_deviation_list_says_what_is_wrong_with_which_documents() -> None:
    read = parse_deviation_list(deviation_list(SIGNER, deviation(OF_DS, kinds=(DG12,))))
    (entry,) = read.entries
    assert entry.defects == (Defect(Flaw.DATA_GROUP_HASH, frozenset({12})),)
    assert entry.covers(FACTS)
    assert not entry.covers(OTHER_FACTS)
    assert read.verify().der == SIGNER.der


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (deviates("1.1"), Defect(Flaw.DS_SIGNATURE)),
        (deviates("1.2", der.integer(5)), Defect(Flaw.DS_ENCODING)),
        (deviates("1.3", der.integer(5)), Defect(Flaw.CSCA_ENCODING)),
        (deviates("1.4"), Defect(Flaw.ACTIVE_KEYS_COMPROMISED)),
        (deviates("2.1", der.integer(2)), Defect(Flaw.DATA_GROUP_MALFORMED, frozenset({2}))),
        (deviates("2.1", der.integer(20)), Defect(Flaw.SOD_SIGNATURE)),
        (deviates("2.1", der.integer(21)), Defect(Flaw.COM_SOD)),
        (deviates("2.3"), Defect(Flaw.SOD_SIGNATURE)),
        (deviates("2.4"), Defect(Flaw.COM_SOD)),
        (deviates("3.1", der.integer(1)), Defect(Flaw.MRZ_DATA)),
        (deviates("3.2", der.integer(1)), Defect(Flaw.MRZ_CHECK_DIGIT)),
        (deviates("4"), Defect(Flaw.CHIP)),
    ],
)
def test_every_kind_of_deviation_is_known(kind: bytes, expected: Defect) -> None:
    assert said(kind) == (expected,)


def test_national_use_and_unknown_kinds_say_nothing_about_checks() -> None:
    assert said(deviates("5"), deviates("9.9")) == ()
    national = der.sequence(der.oid("2.23.136.1.1.7.2.3"), der.tlv(0xA1, printable("for us")))
    assert said(national) == (Defect(Flaw.SOD_SIGNATURE),)


KEY_ID = parse_certificate(DS.der).key_id or b"none"
DIGEST = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))


@pytest.mark.parametrize(
    ("conditions", "covered", "other_covered"),
    [
        ((OF_DS,), True, False),
        ((der.tlv(0x82, KEY_ID),), True, False),
        ((der.tlv(0xA3, DIGEST, der.octets(hashlib.sha256(DS.der).digest())),), True, False),
        ((der.tlv(0x80, b"P<"),), True, True),
        ((der.tlv(0x80, b"C"),), False, False),
        ((OF_DS, der.tlv(0xA5, printable("L898902C3"))), True, False),
        ((OF_DS, der.tlv(0xA5, printable("X"))), False, False),
        ((der.tlv(0xA5, printable("X"), printable("L898902C3")),), True, True),
        ((), False, False),
    ],
)
def test_conditions_are_joined_and_without_any_nothing_is_covered(
    conditions: tuple[bytes, ...], *, covered: bool, other_covered: bool
) -> None:
    (entry,) = deviations(deviation(*conditions, kinds=(DG12,)))
    assert entry.covers(FACTS) is covered
    assert entry.covers(OTHER_FACTS) is other_covered


def test_a_period_of_issue_needs_a_known_date_within_it() -> None:
    period = der.tlv(0xA4, generalized(datetime(2024, 1, 1, tzinfo=UTC)), generalized(datetime(2024, 6, 1, tzinfo=UTC)))
    (entry,) = deviations(deviation(period, kinds=(DG12,)))
    assert entry.covers(FACTS)
    assert not entry.covers(Facts(FACTS.signer, issued=date(2024, 6, 2)))
    assert not entry.covers(Facts(FACTS.signer))


def test_a_state_speaks_only_of_its_own_documents() -> None:
    foreign = party("Foreign", country="ZZ")
    foreign_signer = party("Deviations", country="ZZ", issuer=foreign, authority=False, purpose=DEVIATION_SIGNER)
    (entry,) = parse_deviation_list(deviation_list(foreign_signer, deviation(OF_DS, kinds=(DG12,)))).entries
    assert entry.country == "ZZ"
    assert not entry.covers(FACTS)


def test_only_a_deviation_list_signer_may_sign_deviation_lists() -> None:
    with pytest.raises(SignatureError, match="not one of a deviation list signer"):
        parse_deviation_list(deviation_list(DS, deviation(OF_DS, kinds=(DG12,)))).verify()


def test_a_list_without_the_time_of_signing_cannot_be_kept_from_being_rolled_back() -> None:
    with pytest.raises(MalformedError, match="without the time"):
        parse_deviation_list(deviation_list(SIGNER, signed_at=None))
    with pytest.raises(MalformedError, match="without the time"):
        parse_defect_list(defect_list(SIGNER, signed_at=None))


@pytest.mark.parametrize(
    "data",
    [
        deviation_list(SIGNER, version=1),
        deviation_list(SIGNER, deviation(OF_DS, kinds=(deviates("2.1", der.integer(17)),))),
        deviation_list(SIGNER, deviation(OF_DS, kinds=(deviates("2.2", printable("2")),))),
        deviation_list(SIGNER, deviation(der.tlv(0xA5, b"\x13"), kinds=(DG12,))),
        deviation_list(SIGNER, deviation(der.tlv(0xA5, printable("N" * 33)), kinds=(DG12,))),
        deviation_list(SIGNER, deviation(der.tlv(0xA5, b"\x13\x05AB"), kinds=(DG12,))),
        deviation_list(SIGNER, deviation(der.tlv(0xA5, b"\x13\x01\xff"), kinds=(DG12,))),
        deviation_list(SIGNER, b"\x05\x00"),
        master_list(SIGNER, [CSCA.der]),
    ],
)
def test_a_bad_deviation_list_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_deviation_list(data)


def test_a_hash_that_cannot_be_calculated_makes_a_deviation_list_unusable() -> None:
    md5 = der.sequence(der.oid("1.2.840.113549.2.5"))
    with pytest.raises(DocumentError):
        deviations(deviation(der.tlv(0xA3, md5, der.octets(bytes(16))), kinds=(DG12,)))


def test_hundreds_of_thousands_of_document_numbers_are_read_in_a_moment() -> None:
    numbers = der.tlv(0xA5, *(printable(f"CA{number:07}") for number in range(200_000)))
    data = deviation_list(SIGNER, deviation(numbers, kinds=(DG12,)))
    began = time.process_time()
    (entry,) = parse_deviation_list(data).entries
    assert time.process_time() - began < 3.0
    assert entry.covers(Facts(FACTS.signer, document_number="CA0199999"))
    assert "CA0199999" not in repr(entry)


def test_document_numbers_and_facts_do_not_show_themselves() -> None:
    assert "L898902C3" not in repr(FACTS)
    assert "L898902C3" not in repr(Affected(document_numbers=frozenset({"L898902C3"})))


# ── defect lists ─────────────────────────────────────────────────────────────────────────────────────────────────────


def listed(*kinds: bytes, version: int = 0) -> tuple[Defect, ...]:
    (entry,) = parse_defect_list(defect_list(SIGNER, defect(DS, *kinds), version=version)).entries
    assert entry.covers(FACTS)
    assert not entry.covers(OTHER_FACTS)
    return entry.defects


CA, AA, CAM = Flaw.CHIP_AUTHENTICATION_FAILS, Flaw.ACTIVE_AUTHENTICATION_FAILS, Flaw.PACE_CAM_FAILS
ALL_GROUPS = frozenset(range(1, 17))


@pytest.mark.parametrize(
    ("arcs", "parameter", "expected"),
    [
        *(("1.1", status(code), (Defect(Flaw.DS_NOT_TRUSTED),)) for code in (0, 2, 3, 4)),
        *(("1.1", status(code), (Defect(Flaw.DS_UNDER_INVESTIGATION),)) for code in (1, 5, 32, 99)),
        ("1.2", der.octets(b"certificate"), (Defect(Flaw.DS_REPLACED, replacement=b"certificate"),)),
        ("1.3", b"", (Defect(Flaw.CHIP_KEYS_COMPROMISED),)),
        ("1.4", b"", (Defect(Flaw.ACTIVE_KEYS_COMPROMISED),)),
        ("1.5", status(0), (Defect(CA),)),
        ("1.5", status(1), (Defect(AA),)),
        ("1.5", status(2), (Defect(CA), Defect(AA))),
        ("1.5", status(3), (Defect(CAM),)),
        ("1.5", status(4), (Defect(CA), Defect(CAM))),
        ("1.5", status(5), (Defect(AA), Defect(CAM))),
        ("1.5", status(6), (Defect(CA), Defect(AA), Defect(CAM))),
        ("1.6", status(0), (Defect(Flaw.CSCA_VALIDITY),)),
        ("1.6", status(1), (Defect(Flaw.DS_VALIDITY),)),
        ("1.6", status(2), (Defect(Flaw.CSCA_VALIDITY), Defect(Flaw.DS_VALIDITY))),
        (
            "2.1",
            der.tlv(0x31, der.integer(3), der.integer(11)),
            (Defect(Flaw.DATA_GROUP_MALFORMED, frozenset({3, 11})),),
        ),
        ("2.2", b"", (Defect(Flaw.SOD_SIGNATURE), Defect(Flaw.DATA_GROUP_HASH, ALL_GROUPS))),
        ("2.2", status(1), (Defect(Flaw.SOD_SIGNATURE),)),
        ("2.2", status(4), (Defect(Flaw.DATA_GROUP_HASH, ALL_GROUPS),)),
        ("2.3", b"", (Defect(Flaw.COM_SOD),)),
        ("2.4", der.tlv(0x80, b"key"), (Defect(Flaw.WRONG_SIGNER),)),
        ("2.5", printable("de"), (Defect(Flaw.ISSUING_COUNTRY, country="DE"),)),
        ("3.1", b"", ()),
        ("4.1", der.sequence(), (Defect(Flaw.CARD_SECURITY),)),
        ("4.2", b"", (Defect(Flaw.CHIP_SECURITY),)),
        ("4.3", b"", ()),
        ("4.9", b"", (Defect(Flaw.UNKNOWN_DOCUMENT_DEFECT),)),
    ],
)
def test_every_kind_of_defect_is_known_in_both_versions(
    arcs: str, parameter: bytes, expected: tuple[Defect, ...]
) -> None:
    assert listed(known(arcs, parameter)) == expected
    assert listed(known_in_version_2(arcs, parameter, text="told in words"), version=1) == expected


def turned(name: x509.Name) -> bytes:
    return x509.Name(list(reversed(list(name)))).public_bytes()


def test_both_lists_name_a_document_signer_by_its_issuer_in_whatever_order_and_by_no_other_number_or_issuer() -> None:
    """Else a signer that a defect list revokes would be one of the good ones under the other spelling."""
    number = der.integer(DS.certificate.serial_number)
    for issuer, serial, expected in (
        (turned(DS.certificate.issuer), number, True),
        (turned(DS.certificate.issuer), der.integer(DS.certificate.serial_number + 1), False),
        (turned(OTHER.certificate.subject), number, False),
    ):
        named = der.sequence(issuer, serial)
        listed = der.sequence(named, der.tlv(0x31, known("1.1", status(0))))
        (entry,) = parse_defect_list(defect_list(SIGNER, listed)).entries
        assert entry.covers(FACTS) is expected
        assert not entry.covers(OTHER_FACTS)
        (entry,) = deviations(deviation(der.tlv(0xA1, issuer, serial), kinds=(DG12,)))
        assert entry.covers(FACTS) is expected


def test_a_document_signer_is_named_by_its_key_or_its_hash_as_well() -> None:
    by_key = defect(None, known("1.4"), key_id=KEY_ID)
    by_hash = defect(None, known("1.4"), certificate_hash=hashlib.sha256(DS.der).digest())
    both = defect(DS, known("1.4"), certificate_hash=hashlib.sha256(OTHER.der).digest())
    entries = parse_defect_list(defect_list(SIGNER, by_key, by_hash, both, version=1)).entries
    assert [entry.covers(FACTS) for entry in entries] == [True, True, False]
    assert not any(entry.covers(OTHER_FACTS) for entry in entries)


def test_a_defect_list_speaks_of_every_country() -> None:
    foreign = party("Foreign", country="ZZ")
    stranger = party("Defects", country="ZZ", issuer=foreign, authority=False)
    read = parse_defect_list(defect_list(stranger, defect(DS, known("1.4"))))
    assert read.entries[0].covers(FACTS)
    assert read.verify().der == stranger.der


@pytest.mark.parametrize(
    "data",
    [
        defect_list(SIGNER, version=2),
        defect_list(SIGNER, defect(DS, known("1.1"))),
        defect_list(SIGNER, defect(DS, known("1.5", status(7)))),
        defect_list(SIGNER, defect(DS, known("1.6", status(3)))),
        defect_list(SIGNER, defect(DS, known("2.1", der.integer(1)))),
        defect_list(SIGNER, defect(DS, known("2.5"))),
        defect_list(SIGNER, b"\x05\x00"),
        deviation_list(SIGNER),
    ],
)
def test_a_bad_defect_list_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_defect_list(data)
