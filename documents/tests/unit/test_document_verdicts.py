"""What follows from what was read: combination, security object, country, chip, dates, Active Authentication."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from document_fakes.anchors import ListedAnchors
from document_fakes.inspections import anchors, issued
from document_fakes.master_lists import party
from document_fakes.sample_passports import ANNA, TODAY, numbered, portrait, utopia

from gate_documents import tlv
from gate_documents.authenticity.active_authentication import internal_authenticate, verify_answer
from gate_documents.authenticity.passive_authentication import (
    SecurityVerdict,
    judge_com,
    judge_country,
    judge_hashes,
    judge_signer,
    judge_sod,
)
from gate_documents.authenticity.proofs import ActiveAnswer, Proofs, judge_chip
from gate_documents.checks import CLAUSES, Check, CheckId, Result, combine
from gate_documents.errors import AlgorithmUnknownError, ChipStatusError, DocumentError, SignatureError
from gate_documents.inspection import inspect_files
from gate_documents.lds.sod import parse_sod
from gate_documents.mrz.checks import judge_expiry, judge_mrz, judge_printed_and_chip
from gate_documents.mrz.parser import parse
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.keys import EcKey, RsaKey, parse_public_key
from gate_documents.verdict.conclusion import conclude
from gate_documents.verdict.findings import Findings
from hardware_sim.passport import der

NOW = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=UTC)
ANCHORS = ListedAnchors(utopia().csca_files().values(), utopia().crl_files().values())
PASSPORT = utopia().issue(ANNA, portrait_jpeg=portrait(), active_authentication="ecdsa")
SOD = PASSPORT.files["EF_SOD"]
GROUPS = {number: PASSPORT.files[f"EF_DG{number}"] for number in (1, 2, 14, 15)}
CHALLENGE = bytes(range(8))


def result(verdict: SecurityVerdict, check_id: CheckId) -> Result:
    return next(check.result for check in verdict.checks if check.id is check_id)


# ── combination ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_failed_outweighs_aborted_outweighs_undetermined_outweighs_the_rest() -> None:
    order = [Result.FAILED, Result.ABORTED, Result.UNDETERMINED, Result.SUCCESSFUL, Result.NOT_SUPPORTED]
    for worst in range(4):
        for some in permutations(order[worst:]):
            assert combine(some) is order[worst]


def test_nothing_but_missing_features_is_no_success() -> None:
    assert combine([]) is Result.UNDETERMINED
    assert combine([Result.NOT_SUPPORTED]) is Result.UNDETERMINED


def test_every_check_names_its_clause() -> None:
    assert set(CLAUSES) == set(CheckId)
    assert Check(CheckId.COUNTRY, Result.FAILED).clause == "TR-03135-1 §5.6.4.5"


# ── the security object ──────────────────────────────────────────────────────────────────────────────────────────────


def resigned(change: Callable[[Any], None]) -> bytes:
    """The security object with its structure changed by a function."""
    info = cms.ContentInfo.load(tlv.only(SOD, 0x77))
    signed = info["content"]
    change(signed)
    return tlv.encode(0x77, info.dump(force=True))


def test_a_genuine_security_object_is_successful_in_all_its_checks() -> None:
    verdict = judge_sod(SOD, ANCHORS, NOW)
    assert {check.result for check in verdict.checks} == {Result.SUCCESSFUL}
    assert verdict.proven


def test_without_the_signers_certificate_nothing_is_decided() -> None:
    def drop(signed: Any) -> None:
        del signed["certificates"]

    verdict = judge_sod(resigned(drop), ANCHORS, NOW)
    assert {check.result for check in verdict.checks} == {Result.UNDETERMINED}
    assert verdict.security is not None
    assert not verdict.proven


def test_an_unknown_hash_leaves_the_signature_undecided() -> None:
    def unknown(signed: Any) -> None:
        signed["digest_algorithms"] = cms.DigestAlgorithms([{"algorithm": "md5"}])

    verdict = judge_sod(resigned(unknown), ANCHORS, NOW)
    assert result(verdict, CheckId.SOD_SIGNATURE) is Result.UNDETERMINED
    assert verdict.security is None


def test_a_country_signing_certificate_is_no_document_signer() -> None:
    verdict = judge_sod(SOD, ANCHORS, NOW)
    assert verdict.signer is not None
    assert verdict.security is not None
    signer = dataclasses.replace(verdict.signer, may_sign_documents=False)
    message = dataclasses.replace(verdict.security.message, certificates=(signer,))
    from gate_documents.authenticity import passive_authentication

    security = dataclasses.replace(verdict.security, message=message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passive_authentication, "parse_sod", lambda _: security)
        refused = judge_sod(SOD, ANCHORS, NOW)
    assert result(refused, CheckId.DS_SIGNATURE) is Result.FAILED
    assert not refused.proven


def test_a_revoked_signer_fails_even_on_an_old_list() -> None:
    signer = judge_sod(SOD, ANCHORS, NOW).signer
    assert signer is not None
    revoking = ListedAnchors(utopia().csca_files().values(), utopia().crl_files().values())
    revoking.lists = [dataclasses.replace(one, serials=frozenset({signer.serial})) for one in revoking.lists]
    for moment in (NOW, datetime(2029, 1, 1, tzinfo=UTC)):
        assert result(judge_sod(SOD, revoking, moment), CheckId.REVOCATION) is Result.FAILED


def test_certificates_are_valid_only_within_their_time() -> None:
    early = judge_sod(SOD, ANCHORS, datetime(2020, 1, 1, tzinfo=UTC))
    assert result(early, CheckId.DS_VALIDITY) is Result.FAILED
    assert result(early, CheckId.CSCA_VALIDITY) is Result.FAILED


DAY = timedelta(days=1)
KEY_USED = (NOW - 400 * DAY, NOW - 200 * DAY)
AUTHORITY = party("CSCA", key_use=KEY_USED, begins=NOW - 900 * DAY)


def of_signer(check_id: CheckId, *, forged: bool = False, **more: Any) -> Result:
    """What becomes of a document signer's certificate; a forged one was changed after it was signed."""
    made = party("DS", issuer=AUTHORITY, authority=False, **{"begins": KEY_USED[0] + DAY, **more})
    signer = parse_certificate(made.der)
    if forged:
        signer = dataclasses.replace(signer, tbs=signer.tbs[:-1] + bytes([signer.tbs[-1] ^ 1]))
    checks = judge_signer(signer, ListedAnchors([AUTHORITY.der]), NOW).checks
    return next(one.result for one in checks if one.id is check_id)


def test_a_document_signer_is_one_by_its_csca_s_signature_with_its_key_usage_and_in_its_time() -> None:
    assert of_signer(CheckId.DS_SIGNATURE) is Result.SUCCESSFUL
    assert of_signer(CheckId.DS_SIGNATURE, forged=True) is Result.FAILED
    assert of_signer(CheckId.DS_SIGNATURE, key_usage=False) is Result.FAILED
    assert of_signer(CheckId.CSCA_VALIDITY) is Result.SUCCESSFUL
    assert of_signer(CheckId.CSCA_VALIDITY, begins=KEY_USED[0] - DAY) is Result.FAILED
    assert of_signer(CheckId.CSCA_VALIDITY, begins=KEY_USED[1] + DAY) is Result.FAILED


def test_hashes_are_compared_for_all_that_was_read_and_all_that_was_wanted() -> None:
    security = parse_sod(SOD)
    wanted = frozenset({1, 2})
    assert judge_hashes(security, GROUPS, wanted).result is Result.SUCCESSFUL
    assert judge_hashes(security, {1: GROUPS[1]}, wanted).result is Result.UNDETERMINED
    assert judge_hashes(security, {}, frozenset()).result is Result.UNDETERMINED
    assert judge_hashes(security, GROUPS | {2: GROUPS[1]}, wanted).result is Result.FAILED
    assert judge_hashes(security, GROUPS | {11: b"\x6b\x00"}, wanted).result is Result.FAILED


def test_ef_com_and_ef_sod_must_agree_on_groups_and_versions() -> None:
    security, com = parse_sod(SOD), PASSPORT.files["EF_COM"]
    assert judge_com(security, com).result is Result.SUCCESSFUL
    assert judge_com(security, None).result is Result.NOT_SUPPORTED
    assert judge_com(security, b"").result is Result.FAILED
    assert judge_com(None, com).result is Result.NOT_SUPPORTED
    assert judge_com(security, com.replace(b"0108", b"0107")).result is Result.FAILED
    assert (
        judge_com(dataclasses.replace(security, versions=None), com.replace(b"0108", b"0107")).result
        is Result.SUCCESSFUL
    )
    assert judge_com(dataclasses.replace(security, hashes={1: b""}), com).result is Result.FAILED


@pytest.mark.parametrize(
    ("country", "issuer", "expected"),
    [
        ("DE", "D", Result.SUCCESSFUL),
        ("GB", "GBO", Result.SUCCESSFUL),
        ("XK", "RKS", Result.SUCCESSFUL),
        ("EU", "EUE", Result.SUCCESSFUL),
        ("UN", "UNO", Result.SUCCESSFUL),
        ("FR", "D", Result.FAILED),
        ("", "D", Result.UNDETERMINED),
        ("DE", "QQQ", Result.UNDETERMINED),
    ],
)
def test_the_signers_country_is_that_of_the_document(country: str, issuer: str, expected: Result) -> None:
    signer = judge_sod(SOD, ANCHORS, NOW).signer
    assert signer is not None
    assert judge_country(dataclasses.replace(signer, issuer_country=country), issuer).result is expected


def test_without_signer_or_mrz_the_country_is_open() -> None:
    assert judge_country(None, "D").result is Result.UNDETERMINED
    assert judge_country(judge_sod(SOD, ANCHORS, NOW).signer, None).result is Result.UNDETERMINED


# ── the MRZ ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MRZ = parse(PASSPORT.mrz_lines)


def test_the_printed_mrz_is_judged_by_digits_first() -> None:
    assert judge_mrz(MRZ).result is Result.SUCCESSFUL
    assert judge_mrz(None).result is Result.NOT_SUPPORTED
    upper, lower = PASSPORT.mrz_lines
    assert judge_mrz(parse((upper, lower[:9] + str((int(lower[9]) + 1) % 10) + lower[10:]))).result is Result.FAILED
    assert judge_mrz(parse((upper.replace("UTO", "QQQ", 1), lower))).result is Result.UNDETERMINED


def test_a_document_is_valid_to_the_end_of_its_last_day() -> None:
    last = datetime(2031, 4, 15, tzinfo=UTC).date()
    assert judge_expiry(MRZ, last).result is Result.SUCCESSFUL
    assert judge_expiry(MRZ, last.replace(day=16)).result is Result.FAILED
    assert judge_expiry(dataclasses.replace(MRZ, expiry="<<<<<<"), last).result is Result.UNDETERMINED
    assert judge_expiry(None, last).result is Result.UNDETERMINED


def test_print_and_chip_must_be_equal_and_only_optional_data_may_leave_it_open() -> None:
    upper, lower = PASSPORT.mrz_lines
    assert judge_printed_and_chip(MRZ, MRZ).result is Result.SUCCESSFUL
    optional = parse((upper, lower[:28] + "ZE184226B<<<<<10"))
    assert judge_printed_and_chip(optional, MRZ).result is Result.UNDETERMINED
    other = parse((upper.replace("ERIKSSON", "ERIKSSEN"), lower))
    check = judge_printed_and_chip(other, MRZ)
    assert check.result is Result.FAILED
    assert check.reason.endswith("differ in surname")


# ── the chip ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def answered(challenge: bytes = CHALLENGE) -> ActiveAnswer:
    assert PASSPORT.chip_key is not None
    return ActiveAnswer(challenge, PASSPORT.chip_key.answer(CHALLENGE))


def test_a_chip_is_genuine_only_when_its_key_is_proven() -> None:
    proven = judge_sod(SOD, ANCHORS, NOW)
    assert judge_chip(proven, GROUPS, frozenset(), Proofs(answered())).result is Result.SUCCESSFUL
    unproven = judge_sod(SOD, ListedAnchors(), NOW)
    assert judge_chip(unproven, GROUPS, frozenset(), Proofs(answered())).result is Result.UNDETERMINED


@pytest.mark.parametrize(
    ("files", "withheld", "answer", "expected"),
    [
        (GROUPS, frozenset(), None, Result.UNDETERMINED),
        (GROUPS, frozenset(), ActiveAnswer(CHALLENGE, None), Result.FAILED),
        (GROUPS, frozenset(), ActiveAnswer(bytes(8), bytes(64)), Result.FAILED),
        ({1: GROUPS[1]}, frozenset(), None, Result.UNDETERMINED),
        ({1: GROUPS[1]}, frozenset({15}), None, Result.FAILED),
        (GROUPS | {15: GROUPS[14]}, frozenset(), None, Result.FAILED),
        (GROUPS | {14: GROUPS[15]}, frozenset(), None, Result.FAILED),
    ],
)
def test_a_chip_that_hides_changes_or_refuses_is_not_genuine(
    files: dict[int, bytes],
    withheld: frozenset[int],
    answer: ActiveAnswer | None,
    expected: Result,
) -> None:
    assert judge_chip(judge_sod(SOD, ANCHORS, NOW), files, withheld, Proofs(answer)).result is expected


def test_an_answer_to_another_challenge_is_a_failure() -> None:
    verdict = judge_sod(SOD, ANCHORS, NOW)
    assert judge_chip(verdict, GROUPS, frozenset(), Proofs(answered(b"another!"))).result is Result.FAILED


def listing(groups: dict[int, bytes]) -> SecurityVerdict:
    """A verdict whose security object lists exactly these data groups."""
    verdict = judge_sod(SOD, ANCHORS, NOW)
    assert verdict.security is not None
    hashed = {number: hashlib.sha256(content).digest() for number, content in groups.items()}
    return dataclasses.replace(verdict, security=dataclasses.replace(verdict.security, hashes=hashed))


def dg14(*protocols: str) -> bytes:
    infos = (der.sequence(der.oid(protocol), der.integer(1)) for protocol in protocols)
    return tlv.encode(0x6E, der.tlv(0x31, *infos))


@pytest.mark.parametrize(
    ("groups", "read", "expected"),
    [
        ({}, True, Result.NOT_SUPPORTED),
        ({14: dg14("0.4.0.127.0.7.2.2.4.2.2")}, True, Result.NOT_SUPPORTED),
        ({14: dg14("0.4.0.127.0.7.2.2.3.2.2")}, True, Result.UNDETERMINED),
        ({14: b"\x6e\x02\x05\x00"}, True, Result.UNDETERMINED),
        ({14: dg14("0.4.0.127.0.7.2.2.4.2.2")}, False, Result.UNDETERMINED),
        ({15: tlv.encode(0x6F, b"")}, True, Result.FAILED),
    ],
)
def test_a_chip_without_active_authentication_is_told_apart(
    groups: dict[int, bytes], *, read: bool, expected: Result
) -> None:
    check = judge_chip(
        listing(groups | {1: GROUPS[1]}), groups if read else {}, frozenset(), Proofs(ActiveAnswer(CHALLENGE, b"x"))
    )
    assert check.result is expected


def test_a_key_of_an_unknown_kind_leaves_the_chip_open() -> None:
    key = der.sequence(der.sequence(der.oid("1.3.101.112")), der.bits(bytes(32)))
    groups = {15: tlv.encode(0x6F, key)}
    assert (
        judge_chip(listing(groups), groups, frozenset(), Proofs(ActiveAnswer(CHALLENGE, b"x"))).result
        is Result.UNDETERMINED
    )


def test_without_a_security_object_no_key_is_known() -> None:
    assert judge_chip(SecurityVerdict(()), GROUPS, frozenset(), Proofs(answered())).result is Result.UNDETERMINED


# ── Active Authentication ────────────────────────────────────────────────────────────────────────────────────────────

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=1024)
KEY = RsaKey(PRIVATE.public_key().public_numbers().n, 65537)
TRAILERS = {"sha1": b"\xbc", "sha224": b"\x38\xcc", "sha256": b"\x34\xcc", "sha384": b"\x36\xcc", "sha512": b"\x35\xcc"}


def rsa_answer(
    hash_name: str, *, header: bytes = b"\x6a", trailer: bytes | None = None, complement: bool = False
) -> bytes:
    """Sign as ISO/IEC 9796-2 scheme 1 says, from the private exponent up."""
    end = TRAILERS[hash_name] if trailer is None else trailer
    hash_bytes = hashlib.new(hash_name).digest_size
    nonce = b"\x5a" * (KEY.size_bytes - 1 - hash_bytes - len(end))
    message = header + nonce + hashlib.new(hash_name, nonce + CHALLENGE).digest() + end
    signature = pow(int.from_bytes(message, "big"), PRIVATE.private_numbers().d, KEY.modulus)
    return (KEY.modulus - signature if complement else signature).to_bytes(KEY.size_bytes, "big")


@pytest.mark.parametrize("complement", [False, True])
@pytest.mark.parametrize("hash_name", sorted(TRAILERS))
def test_rsa_answers_with_every_hash_are_opened(hash_name: str, *, complement: bool) -> None:
    answer = rsa_answer(hash_name, complement=complement)
    verify_answer(KEY, CHALLENGE, answer, ecdsa_algorithm=None)
    with pytest.raises(SignatureError):
        verify_answer(KEY, bytes(8), answer, ecdsa_algorithm=None)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        bytes(128),
        bytes(127) + b"\x01",
        b"\xff" * 128,
        rsa_answer("sha1")[:-1],
        rsa_answer("sha1", header=b"\x4b"),
        rsa_answer("sha256", trailer=b"\x39\xcc"),
        rsa_answer("sha256", trailer=b"\x33\xcc"),
        rsa_answer("sha1", trailer=b"\xac"),
    ],
)
def test_rsa_answers_that_were_not_made_by_the_key_are_refused(answer: bytes) -> None:
    with pytest.raises(SignatureError):
        verify_answer(KEY, CHALLENGE, answer, ecdsa_algorithm=None)


P384 = ec.generate_private_key(ec.SECP384R1())


def ec_key() -> EcKey:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = parse_public_key(P384.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert isinstance(key, EcKey)
    return key


def test_ecdsa_answers_are_taken_plain_and_in_der_with_the_named_hash_or_the_keys_own() -> None:
    key = ec_key()
    own = P384.sign(CHALLENGE, ec.ECDSA(hashes.SHA384()))
    r, s = decode_dss_signature(own)
    plain = r.to_bytes(48, "big") + s.to_bytes(48, "big")
    verify_answer(key, CHALLENGE, plain, ecdsa_algorithm=None)
    verify_answer(key, CHALLENGE, own, ecdsa_algorithm=None)
    named = P384.sign(CHALLENGE, ec.ECDSA(hashes.SHA256()))
    verify_answer(key, CHALLENGE, named, ecdsa_algorithm="0.4.0.127.0.7.1.1.4.1.3")
    with pytest.raises(SignatureError):
        verify_answer(key, CHALLENGE, named, ecdsa_algorithm=None)
    with pytest.raises(AlgorithmUnknownError):
        verify_answer(key, CHALLENGE, own, ecdsa_algorithm="1.2.840.113549.1.1.11")


def test_extended_length_is_asked_for_only_by_long_signatures() -> None:
    assert internal_authenticate(KEY, CHALLENGE, block_bytes=8).answer_max == 256
    assert internal_authenticate(ec_key(), CHALLENGE, block_bytes=8).answer_max == 256
    assert internal_authenticate(RsaKey((1 << 2047) + 1, 3), CHALLENGE, block_bytes=8).answer_max == 65536


# ── findings ──────────────────────────────────────────────────────────────────────────────────────────────────────


def named_files(**changes: bytes) -> dict[str, bytes]:
    return {name.replace("_", "."): content for name, content in PASSPORT.files.items()} | changes


def test_files_of_a_genuine_passport_leave_only_the_chip_itself_open() -> None:
    inspection = inspect_files(named_files(), anchors=ANCHORS, now=NOW, mrz=MRZ)
    left = {check.id: check.result for check in inspection.checks if check.result is not Result.SUCCESSFUL}
    assert left == {CheckId.CHIP_ACCESS: Result.NOT_SUPPORTED, CheckId.CHIP_AUTHENTICITY: Result.UNDETERMINED}
    assert inspection.document.issuer == "UTO"


def test_a_signed_portrait_that_is_none_is_not_conforming() -> None:
    for number, content in ((2, tlv.encode(0x75, b"")), (1, tlv.encode(0x61, b"")), (12, tlv.encode(0x6D, b""))):
        groups = {1: GROUPS[1], 2: GROUPS[2], number: content}
        verdict = listing(groups)
        findings = Findings(anchors=ANCHORS, now=NOW, printed=None)
        findings.sod = verdict
        for one, bytes_ in groups.items():
            findings.files[one] = bytes_
        check = next(check for check in conclude(findings).checks if check.id is CheckId.DG_HASHES)
        assert check.result is Result.UNDETERMINED, number
        assert "breaks its format" in check.reason


def test_the_date_of_issue_counts_only_when_it_is_signed() -> None:
    dg12 = tlv.encode(0x6C, tlv.encode(0x5C, b"\x5f\x26") + tlv.encode(0x5F26, b"20210416"))
    findings = Findings(anchors=ANCHORS, now=NOW, printed=None)
    findings.sod = listing({12: dg12})
    findings.files[12] = dg12
    assert str(conclude(findings).document.issued) == "2021-04-16"
    unsigned = inspect_files(named_files(**{"EF.DG12": dg12}), anchors=ANCHORS, now=NOW)
    assert unsigned.document.issued is None
    assert unsigned.result_of(CheckId.DG_HASHES) is Result.FAILED


def test_nothing_at_all_is_never_a_success() -> None:
    inspection = inspect_files({}, anchors=ANCHORS, now=NOW)
    assert inspection.overall is Result.FAILED
    assert inspection.document.issuer == ""
    assert not inspection.document.number_present


def test_an_findings_that_broke_before_anything_was_read_is_aborted() -> None:
    findings = Findings(anchors=ANCHORS, now=NOW, printed=MRZ)
    findings.take_access(Result.UNDETERMINED, "not yet")
    findings.broken = "pulled out"
    inspection = conclude(findings)
    assert inspection.overall is Result.ABORTED
    assert inspection.document.issuer == "UTO", "from the printed MRZ"


def test_errors_name_their_status_and_are_all_of_one_family() -> None:
    error = ChipStatusError("EF.DG3 cannot be selected", 0x6982)
    assert str(error) == "EF.DG3 cannot be selected: status 6982"
    assert isinstance(error, DocumentError)


def test_other_passports_have_other_answers() -> None:
    other = utopia().issue(numbered(3), portrait_jpeg=portrait(), active_authentication="ecdsa")
    assert other.chip_key is not None
    answer = ActiveAnswer(CHALLENGE, other.chip_key.answer(CHALLENGE))
    assert judge_chip(judge_sod(SOD, ANCHORS, NOW), GROUPS, frozenset(), Proofs(answer)).result is Result.FAILED


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def rewritten(sod: bytes) -> bytes:
    """The same EF.SOD with another ECDSA signature that verifies as well, which takes no key to make."""
    message = cms.ContentInfo.load(tlv.only(sod, 0x77), strict=True)
    signer = message["content"]["signer_infos"][0]
    r, s = decode_dss_signature(signer["signature"].native)
    signer["signature"] = encode_dss_signature(r, P256_ORDER - s)
    return der.tlv(0x77, message.dump(force=True))


def test_a_copy_of_a_chip_whose_ef_sod_was_written_otherwise_is_known_by_what_was_signed() -> None:
    sod = issued().files["EF_SOD"]
    other = rewritten(sod)
    assert hashlib.sha256(other).digest() != hashlib.sha256(sod).digest()
    verdict = judge_sod(other, anchors(), NOW)
    assert next(one.result for one in verdict.checks if one.id is CheckId.SOD_SIGNATURE) is Result.SUCCESSFUL
    assert verdict.security is not None
    assert verdict.security.digest == parse_sod(sod).digest
    assert parse_sod(issued(person=numbered(7)).files["EF_SOD"]).digest != parse_sod(sod).digest
