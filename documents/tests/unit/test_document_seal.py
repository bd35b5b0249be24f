"""Visible digital seals: the published worked examples, and seals of our own that are right, wrong, foreign or unknown."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from document_fakes.anchors import ListedAnchors
from document_fakes.master_lists import NOW, Party, party, revocation_list
from document_fakes.visa_seal import (
    ANCHORS,
    CSCA,
    FRENCH,
    SEALS,
    SIGNER,
    VECTORS,
    VISA,
    judged,
    left,
    seal_signer,
    sealed,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_documents.authenticity.passive_authentication import judge_signer
from gate_documents.checks import CheckId, Result, Tolerance
from gate_documents.errors import DocumentError, MalformedError
from gate_documents.mrz.parser import parse
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.known_defects import Affected, Defect, Flaw, KnownDefects
from gate_documents.seal import c40
from gate_documents.seal.judge import CLAUSES, SealCheckId
from gate_documents.seal.profiles import ARRIVAL_SIGNER, VDS_SIGNER, read_content
from gate_documents.seal.vds import parse_seal

# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("vector", VECTORS["c40"], ids=lambda one: one["text"])
def test_strings_are_decoded_as_published(vector: Any) -> None:
    assert c40.decode(bytes.fromhex(vector["hex"])) == vector["text"]
    assert c40.encoded_bytes(len(vector["text"])) == len(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("data", ["eb", "0000", "ffff", "fe00", "fe45eb0b", "fe2a", "0001", "0002", "0028eb0b"])
def test_what_no_encoder_writes_is_refused(data: str) -> None:
    with pytest.raises(MalformedError):
        c40.decode(bytes.fromhex(data))


@pytest.mark.parametrize("vector", VECTORS["seals"], ids=lambda one: one["kind"])
def test_the_published_seals_are_read(vector: Any) -> None:
    seal = parse_seal(bytes.fromhex(vector["hex"]))
    header = seal.header
    assert (header.version, header.country, header.signer, header.reference) == (
        vector["version"],
        vector["country"],
        vector["signer"],
        vector["reference"],
    )
    assert (header.issued.isoformat(), header.signed.isoformat()) == (vector["issued"], vector["signed"])
    assert len(seal.signature) == vector["signature_bytes"]
    assert seal.signed + bytes([0xFF, len(seal.signature)]) + seal.signature == bytes.fromhex(vector["hex"])
    content = read_content(seal)
    assert content is not None
    assert content.profile.name == vector["kind"]
    assert content.mrz.lines == tuple(vector["lines"])
    assert content.mrz.valid
    assert content.passport_number == vector["passport_number"]
    assert vector["lines"][1][:9] not in repr(content) + repr(seal)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "ends in the middle"),
        (VISA[:-1], "ends in the middle"),
        (VISA + b"\x00", "something after it"),
        (b"\xdd" + VISA[1:], "no seal"),
        (b"\xdc\x01" + VISA[2:], "unknown version"),
        (VISA[:18] + VISA[-58:], "without features"),
        (VISA[:-58] + b"\xff\x00", "without features or signature"),
        (VISA[:-58] + b"\x09\x00" * 2 + VISA[-58:], "stands twice"),
        (VISA[:10] + b"\xff\xff\xff" + VISA[13:], "a date that is none"),
        (VISA[:18] + b"\x09\x84" + VISA[18:], "a length that is none"),
        (bytes(5000), "longer than"),
    ],
)
def test_a_bad_seal_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        parse_seal(data)


def test_long_features_have_lengths_of_two_bytes() -> None:
    long = b"\x09\x81\xc8" + bytes(200)
    assert parse_seal(VISA[:-58] + long + VISA[-58:]).features[9] == bytes(200)


@pytest.mark.parametrize("change", [{4: None}, {2: None}, {2: b"\x13\x3c"}, {1: VISA[20:64]}])
def test_a_visa_that_lacks_what_a_visa_says_is_refused(change: dict[int, bytes | None]) -> None:
    features = dict(parse_seal(VISA).features) | change
    body = b"".join(bytes([tag, len(value)]) + value for tag, value in features.items() if value is not None)
    with pytest.raises(MalformedError):
        read_content(parse_seal(VISA[:18] + body + VISA[-58:]))


def test_a_seal_of_another_kind_is_left_unread() -> None:
    assert read_content(parse_seal(VISA[:16] + b"\x01\x02" + VISA[18:])) is None


# ── judging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_check_has_its_clause_and_is_reported_once() -> None:
    assert set(CLAUSES) == set(SealCheckId)
    verdict = judged(sealed())
    assert [check.id for check in verdict.checks] == list(SealCheckId)
    assert verdict.checks[0].clause == "TR-03135-1 §5.9.1.2.1"


def test_a_seal_that_is_right_is_successful_in_every_check() -> None:
    verdict = judged(sealed())
    assert left(verdict) == {}
    assert verdict.overall is Result.SUCCESSFUL


@pytest.mark.parametrize(
    ("curve", "hash_"),
    [
        (ec.SECP224R1(), hashes.SHA224()),
        (ec.BrainpoolP384R1(), hashes.SHA384()),
        (ec.SECP521R1(), hashes.SHA512()),
    ],
)
def test_the_hash_goes_with_the_key(curve: ec.EllipticCurve, hash_: hashes.HashAlgorithm) -> None:
    signer, key = seal_signer(curve=curve)
    data = sealed(key=key, hash_=hash_).replace(b"\xff\x84", b"\xff\x81\x84")  # P-521: a length of 132
    assert left(judged(data, signers=(signer,))) == {}


def test_the_published_seal_is_unproven_without_its_signer() -> None:
    verdict = judged(VISA, signers=())
    assert verdict.overall is Result.UNDETERMINED
    assert left(verdict).keys() == {
        "seal_signature",
        "seal_signer_signature",
        "seal_signer_validity",
        "seal_authority_validity",
        "seal_signer_trust",
        "seal_country",
    }


def test_a_byte_changed_anywhere_is_never_successful() -> None:
    data = sealed()
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        assert judged(bytes(changed)).overall is not Result.SUCCESSFUL, position


def test_a_seal_signed_by_another_key_fails() -> None:
    _, stranger = seal_signer()
    assert left(judged(sealed(key=stranger))) == {"seal_signature": "failed"}


def test_a_seal_that_cannot_be_read_fails_in_its_structure_and_proves_nothing() -> None:
    verdict = judged(b"nonsense")
    assert verdict.result_of(SealCheckId.STRUCTURE) is Result.FAILED
    assert {check.result for check in verdict.checks[1:]} == {Result.UNDETERMINED}
    assert verdict.content is None


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"printed": parse("".join(SEALS["residence permit"]["lines"]))}, {"seal_printed": "failed"}),
        ({"printed": None}, {"seal_printed": "not_supported"}),
        ({"anchors": ListedAnchors([CSCA.der])}, {"seal_signer_trust": "undetermined"}),
        ({"anchors": ListedAnchors([CSCA.der], [revocation_list(CSCA, 0x32)])}, {"seal_signer_trust": "failed"}),
        (
            {"anchors": ListedAnchors()},
            {
                "seal_signer_signature": "undetermined",
                "seal_authority_validity": "undetermined",
                "seal_signer_trust": "undetermined",
            },
        ),
        ({"now": datetime(2021, 1, 1, tzinfo=UTC)}, None),
        ({"now": NOW + timedelta(days=901)}, None),
    ],
)
def test_what_is_wrong_around_a_seal_shows_in_its_own_check(more: Any, expected: dict[str, str] | None) -> None:
    verdict = judged(sealed(), **more)
    if expected is not None:
        assert left(verdict) == expected
    elif more["now"] < NOW:
        assert verdict.result_of(SealCheckId.SEMANTICS) is Result.FAILED, "signed in the future"
        assert verdict.result_of(SealCheckId.AUTHORITY_VALIDITY) is Result.FAILED
    else:
        assert verdict.result_of(SealCheckId.SIGNER_VALIDITY) is Result.FAILED


@pytest.mark.parametrize(
    ("flaw", "expected"), [(Flaw.DS_NOT_TRUSTED, "failed"), (Flaw.DS_UNDER_INVESTIGATION, "undetermined")]
)
def test_a_defect_list_takes_trust_from_a_signer_of_seals_as_well(flaw: Flaw, expected: str) -> None:
    entry = KnownDefects(Affected(issuer_and_serial=(SIGNER.issuer_id, SIGNER.serial)), (Defect(flaw),))
    doubted = ListedAnchors([CSCA.der], [revocation_list(CSCA)], defects=[entry])
    assert left(judged(sealed(), anchors=doubted)) == {"seal_signer_trust": expected}


def test_a_signer_that_may_not_sign_is_not_trusted() -> None:
    authority = parse_certificate(party("TS", country="DE", issuer=CSCA).der)
    named = dataclasses.replace(authority, serial=0x32)  # the one that the header names
    assert judged(sealed(), signers=(named,)).result_of(SealCheckId.SIGNER_TRUST) is Result.FAILED


def test_a_reference_that_is_no_number_names_nobody() -> None:
    data = bytearray(bytes.fromhex(SEALS["arrival attestation"]["hex"]))
    data[8:10] = bytes.fromhex("eb0b")  # …XKC
    assert judged(bytes(data), printed=None).result_of(SealCheckId.SIGNATURE) is Result.UNDETERMINED


def test_a_signer_of_another_name_number_or_country_is_not_the_one_that_is_named() -> None:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TS")
    second = x509.NameAttribute(NameOID.COMMON_NAME, "TS")
    for signer in (
        seal_signer("XX")[0],
        seal_signer(serial=0x33)[0],
        seal_signer(country="FR")[0],
        seal_signer("ts")[0],
        seal_signer("TS ")[0],
        seal_signer("X, TS")[0],
        seal_signer("XX", more=(organisation,))[0],
        seal_signer("XX", more=(second,))[0],
    ):
        assert judged(sealed(), signers=(signer,)).result_of(SealCheckId.SIGNATURE) is Result.UNDETERMINED
    assert judged(sealed(), signers=(seal_signer("XX")[0], SIGNER)).overall is Result.SUCCESSFUL


FRENCH_ANCHORS = ListedAnchors([CSCA.der, FRENCH.der], [revocation_list(CSCA), revocation_list(FRENCH)])


def forged(**order: Any) -> dict[str, str]:
    """What is not successful of a seal that is right but for its signer, whom all else that is right belongs to."""
    signer, key = seal_signer(**order)
    return left(judged(sealed(key=key), signers=(signer,), anchors=FRENCH_ANCHORS))


def test_a_seal_of_one_state_under_the_csca_of_another_fails() -> None:
    """It was successful: the CSCA's key signed, the signer's certificate says DE, and so does the seal."""
    assert forged() == {}
    assert forged(issuer=FRENCH) == {"seal_country": "failed"}


def test_a_csca_that_signs_a_seals_signer_in_anothers_name_fails() -> None:
    in_german_name = Party(CSCA.name, FRENCH.key, FRENCH.certificate)
    found = forged(issuer=in_german_name)
    assert found["seal_signer_signature"] == "failed"
    assert found["seal_signer_trust"] == "undetermined"


@pytest.mark.parametrize(
    "purposes",
    [(), ("2.5.29.37.0",), ("2.23.136.1.1.3",), ("2.23.136.1.1.14.2",), (ARRIVAL_SIGNER,), ("2.23.136.1.1.11",)],
    ids=str,
)
def test_a_certificate_for_anything_but_seals_signs_no_visa(purposes: tuple[str, ...]) -> None:
    assert forged(purposes=purposes) == {"seal_signer_trust": "failed"}


def test_one_purpose_of_several_will_do_and_arrivals_have_one_of_their_own() -> None:
    assert forged(purposes=("2.23.136.1.1.14.2", VDS_SIGNER)) == {}
    header = bytes.fromhex(SEALS["arrival attestation"]["hex"])
    data = header[: header.index(b"\xff\x40")]
    reference = int(SEALS["arrival attestation"]["reference"], 16)
    for purpose, expected in (
        (ARRIVAL_SIGNER, {}),
        (VDS_SIGNER, {}),
        ("2.23.136.1.1.3", {"seal_signer_trust": "failed"}),
    ):
        signer, key = seal_signer(SEALS["arrival attestation"]["signer"][2:], reference, purposes=(purpose,))
        verdict = judged(sealed(data, key=key), signers=(signer,), printed=None)
        assert left(verdict) == {"seal_printed": "not_supported"} | expected


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("V",), {}),
        (("P", "V"), {}),
        (("P",), {"seal_signer_trust": "failed"}),
        (("VX",), {"seal_signer_trust": "failed"}),
        ((), {"seal_signer_trust": "undetermined"}),
    ],
)
def test_a_signer_seals_only_documents_of_its_types(types: tuple[str, ...], expected: dict[str, str]) -> None:
    assert forged(types=types) == expected


def test_a_seal_of_a_kind_that_is_not_known_needs_a_signer_of_seals_and_leaves_its_type_open() -> None:
    unknown = VISA[:16] + b"\x01\x02" + VISA[18:-58]
    orders: list[tuple[dict[str, Any], str]] = [
        ({"purposes": (ARRIVAL_SIGNER,)}, "successful"),
        ({"purposes": ("2.23.136.1.1.3",)}, "failed"),
        ({"types": ("V",)}, "undetermined"),
    ]
    for order, expected in orders:
        signer, key = seal_signer(**order)
        verdict = judged(sealed(unknown, key=key), signers=(signer,))
        assert verdict.result_of(SealCheckId.SIGNER_TRUST).value == expected


def test_a_document_signers_certificate_signs_no_seal_and_a_seal_signers_no_document() -> None:
    assert forged(purposes=(), types=("P",)) == {"seal_signer_trust": "failed"}
    signer, _ = seal_signer()
    (first, *_) = judge_signer(signer, ANCHORS, NOW).checks
    assert (first.id, first.result) == (CheckId.DS_SIGNATURE, Result.FAILED)


def test_of_two_signers_under_one_name_and_number_the_one_that_signed_is_judged() -> None:
    namesake, _ = seal_signer()
    assert left(judged(sealed(), signers=(namesake, SIGNER))) == {}
    assert left(judged(sealed(), signers=(namesake,))) == {"seal_signature": "failed"}


def test_a_seal_for_another_state_fails() -> None:
    data = bytearray(VISA[:-58])
    data[2:4] = bytes.fromhex("a13d")  # UTO
    verdict = judged(sealed(bytes(data)))
    assert verdict.result_of(SealCheckId.COUNTRY) is not Result.SUCCESSFUL
    assert verdict.result_of(SealCheckId.SIGNATURE) is Result.SUCCESSFUL


def test_a_seal_signed_outside_its_signers_time_fails() -> None:
    data = bytearray(VISA[:-58])
    data[13:16] = int(f"{date(2019, 5, 1):%m%d%Y}").to_bytes(3, "big")
    assert left(judged(sealed(bytes(data)))) == {"seal_signer_validity": "failed"}


@settings(max_examples=300, deadline=1000)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda tail: VISA[:18] + tail)))
def test_any_bytes_are_a_seal_or_an_error_of_the_package(data: bytes) -> None:
    assert judged(data).overall is not Result.SUCCESSFUL
    try:
        read_content(parse_seal(data))
    except DocumentError:
        return


def test_a_signer_of_seals_was_issued_while_the_cscas_key_could_be_used() -> None:
    begins = datetime(2020, 1, 1, tzinfo=UTC)  # as the signer's certificate
    for key_use, expected in (((begins, None), Result.SUCCESSFUL), ((NOW - timedelta(days=400), None), Result.FAILED)):
        authority = party("CSCA", country="DE", key_use=key_use, begins=begins)
        signer, key = seal_signer(issuer=authority)
        verdict = judged(sealed(key=key), signers=(signer,), anchors=ListedAnchors([authority.der]))
        assert verdict.result_of(SealCheckId.AUTHORITY_VALIDITY) is expected


# ── departures of real seals ─────────────────────────────────────────────────────────────────────────────────────────

ARRIVAL = bytes.fromhex(SEALS["arrival attestation"]["hex"])
D_ALONE, D_FILLED = b"\xfe\x45", ARRIVAL[2:4]
OLDER_HEADER, LENGTH_BYTE_80 = "the older header of an arrival attestation", "a length of 128 in the single byte 80"
C40 = "   <0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def c40_encoded(text: str) -> bytes:
    made = b""
    for place in range(0, len(text), 3):
        part = text[place : place + 3]
        if len(part) == 1:
            return made + bytes([0xFE, ord(part) + 1])
        values = [C40.rindex(one) for one in part] + [0] * (3 - len(part))
        made += (values[0] * 1600 + values[1] * 40 + values[2] + 1).to_bytes(2, "big")
    return made


def with_header(signer: str, *, country: bytes = D_FILLED, version: int = 3, seal: bytes = ARRIVAL) -> bytes:
    """Everything of a seal after its header's reference, behind another beginning."""
    return bytes([0xDC, version]) + country + c40_encoded(signer) + seal[10:]


@pytest.mark.parametrize(
    ("signer", "country", "reference", "tolerated"),
    [
        ("DEME0500008", D_ALONE, "00008", {Tolerance.SEAL_OLDER_HEADER}),
        ("DEME00008", D_ALONE, "00008", {Tolerance.SEAL_OLDER_HEADER}),
        ("DEME00008", D_FILLED, "00008", {Tolerance.SEAL_OLDER_HEADER}),
        ("DEME0500008", D_FILLED, "00008", set()),
        ("DEZV1512345ABCDE12345", D_FILLED, "12345ABCDE12345", set()),
        ("DEZV40" + "0123456789" * 4, D_FILLED, "0123456789" * 4, set()),
        ("DEZV0512345", D_FILLED, "12345", set()),
        ("DETS0F12345ABCDE12345", D_FILLED, "12345ABCDE12345", set()),
    ],
)
def test_the_headers_that_german_signers_wrote_are_read(
    signer: str, country: bytes, reference: str, tolerated: set[Tolerance]
) -> None:
    seal = parse_seal(with_header(signer, country=country))
    assert (seal.header.country, seal.header.signer, seal.header.reference) == ("D", signer[:4], reference)
    assert seal.header.signed == date(2020, 1, 13)
    assert seal.tolerated == tolerated
    content = read_content(seal)
    assert content is not None
    assert content.profile.name == "arrival attestation"


@pytest.mark.parametrize(
    "data",
    [
        with_header("DEME00008", seal=VISA),
        with_header("DEME0500008", country=D_ALONE, seal=VISA),
        with_header("DETS00027", country=D_ALONE, version=2),
        with_header("DEME0500008", country=b"\xfe\x46"),
        with_header("DETS1512345ABCDE12345"),
        with_header("DEZV0F12345ABCDE12345"),
        with_header("DEZV41" + "0" * 41),
        with_header("DETS29" + "0" * 41),
    ],
    ids=["visa", "visa of D", "version 3", "E alone", "decimal", "hexadecimal", "41 decimal", "41"],
)
def test_no_other_header_is_read(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_seal(data)


def test_a_length_byte_of_80_is_128_in_a_feature_only() -> None:
    long = bytes(range(128))
    data = VISA[:-58] + b"\x09\x80" + long
    verdict = judged(sealed(data))
    assert left(verdict) == {}
    assert verdict.checks[0].reason.endswith(f"; tolerated: {LENGTH_BYTE_80}")
    assert parse_seal(sealed(data)).features[9] == long
    assert parse_seal(sealed(VISA[:-58] + b"\x09\x81\x80" + long)).tolerated == frozenset()
    for wrong in (VISA[:-58] + b"\xff\x80" + bytes(128), VISA[:-58] + b"\x09\x80" + bytes(127)):
        with pytest.raises(MalformedError):
            parse_seal(wrong)
    unknown = judged(sealed(VISA[:16] + b"\x5f\x03" + data[18:])).checks[0]
    assert (unknown.result, unknown.reason) == (
        Result.NOT_SUPPORTED,
        f"a seal of a kind that is not known; tolerated: {LENGTH_BYTE_80}",
    )


def test_an_arrival_attestation_with_an_older_header_is_judged_like_any_other_and_named() -> None:
    signer, key = seal_signer("ME", 0x8, purposes=(ARRIVAL_SIGNER,))
    for header in ("DEME0500008", "DEME00008"):
        data = with_header(header, country=D_ALONE)[: -len(ARRIVAL[-66:])]
        verdict = judged(sealed(data, key), signers=(signer,), printed=None)
        assert left(verdict) == {"seal_printed": "not_supported"}
        assert verdict.checks[0].reason.endswith(f"; tolerated: {OLDER_HEADER}")
        assert judged(sealed(data), signers=(signer,)).result_of(SealCheckId.SIGNATURE) is Result.FAILED
