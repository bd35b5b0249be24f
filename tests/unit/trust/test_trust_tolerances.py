"""Departures of real lists and certificates that are tolerated by name: what passes, what does not, and where each is named."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from document_fakes.anchors import ListedAnchors
from document_fakes.inspections import issued
from document_fakes.master_lists import LIST_SIGNER, NOW, Party, master_list, party
from fakes.without_null import (
    Encode,
    digest_info,
    padded,
    public_info,
    revocation_list_of,
    rsa_certificate,
    rsa_key,
    rsa_list,
    rsa_master_list,
    sign,
    with_null,
    without_null,
)
from typer.testing import CliRunner

from gate.cli.trust import app
from gate.trust.errors import SourceError, StoreError
from gate.trust.list_import import import_sources
from gate.trust.signers import no_document_signer
from gate.trust.sources import Way, read_source
from gate.trust.store import TrustStore
from gate.trust.survey import survey
from gate.trust.survey_report import fields, render
from gate_documents.access.agreement_keys import parse_agreement_key
from gate_documents.access.pace import MappingProof
from gate_documents.authenticity.pace_cam import judge_mapping
from gate_documents.authenticity.passive_authentication import judge_signer, judge_sod
from gate_documents.checks import Check, CheckId, Result, Tolerance
from gate_documents.errors import SignatureError
from gate_documents.lds.card_security import parse_card_security
from gate_documents.lds.sod import parse_sod
from gate_documents.pki.anchors import TrustAnchors
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.keys import parse_public_key
from gate_documents.pki.signatures import Kind, Scheme, verify
from hardware_sim.passport import der
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.algorithms import Cipher, Mapping, Pace

NAMED = "an RSA signature without NULL in its DigestInfo"
CSCA = rsa_certificate("CSCA", encode=with_null)
LISTED = rsa_certificate("Listed CSCA", country="ZZ", encode=with_null)
LIST_SIGNER_CERTIFICATE = rsa_certificate(
    "List signer", issuer="CSCA", authority=False, purpose=LIST_SIGNER.dotted_string, encode=with_null
)
CAM = Pace(Mapping.CHIP_AUTHENTICATION, 13, Cipher.AES_128)
RSA_SHA256 = Scheme(Kind.RSA_PKCS1, "sha256")
MESSAGE = b"what the issuer signed"


def bring(path: Path, *files: bytes) -> None:
    sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
    import_sources(path, sources, signer=parse_certificate(CSCA), test=False, now=NOW)


def bring_file(path: Path, data: bytes) -> None:
    import_sources(path, [read_source("file", data)], signer=None, test=False, now=NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trust.sqlite"


def reason_under(path: Path, signer: bytes, check_id: CheckId = CheckId.DS_SIGNATURE) -> tuple[Result, str]:
    checks = judge_signer(parse_certificate(signer), TrustStore.open(path), NOW).checks
    found = next(one for one in checks if one.id is check_id)
    return found.result, found.reason


def document_signer(encode: Encode = with_null, *, issuer: str = "Listed CSCA", country: str = "ZZ") -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return rsa_certificate("DS", country=country, issuer=issuer, subject_key=key, authority=False, encode=encode)


# ── the two forms of an RSA signature ────────────────────────────────────────────────────────────────────────────────


def tolerated_of(encode: Encode) -> set[Tolerance]:
    tolerated: set[Tolerance] = set()
    key = rsa_key("CSCA")
    verify(parse_public_key(public_info(key)), RSA_SHA256, MESSAGE, sign(key, MESSAGE, encode), tolerated)
    return tolerated


def test_a_signature_has_one_of_two_forms_and_only_the_one_without_null_is_named() -> None:
    assert tolerated_of(with_null) == set()
    assert tolerated_of(without_null) == {Tolerance.DIGEST_INFO_WITHOUT_NULL}


def test_the_form_without_null_is_wrong_where_nothing_is_tolerated() -> None:
    key = rsa_key("CSCA")
    public = parse_public_key(public_info(key))
    verify(public, RSA_SHA256, MESSAGE, sign(key, MESSAGE, with_null))
    with pytest.raises(SignatureError):
        verify(public, RSA_SHA256, MESSAGE, sign(key, MESSAGE, without_null))


def long_length(message: bytes, size: int) -> bytes:
    """The DigestInfo with its length in two bytes."""
    info = digest_info(message, b"")
    return padded(b"\x30\x81" + info[1:], size)


def another_hash(message: bytes, size: int) -> bytes:
    return padded(digest_info(message, b"").replace(b"\x03\x04\x02\x01", b"\x03\x04\x02\x02"), size)


def gap(message: bytes, size: int) -> bytes:
    """Garbage where a parser looks for parameters (Bleichenbacher 2006)."""
    return padded(digest_info(message, b"\x04\x10" + bytes(16)), size)


def short_padding(message: bytes, size: int) -> bytes:
    info = digest_info(message, b"")
    return padded(info, size, after=bytes(size - 3 - len(info) - 8))


def type_two(message: bytes, size: int) -> bytes:
    return b"\x00\x02" + without_null(message, size)[2:]


def odd_padding(message: bytes, size: int) -> bytes:
    encoded = bytearray(without_null(message, size))
    encoded[20] = 0xFE
    return bytes(encoded)


def other_message(message: bytes, size: int) -> bytes:
    return without_null(message + b".", size)


def with_true(message: bytes, size: int) -> bytes:
    return padded(digest_info(message, b"\x01\x01\xff"), size)


def bare_digest(message: bytes, size: int) -> bytes:
    return padded(digest_info(message, b"")[-32:], size)


@pytest.mark.parametrize(
    "encode",
    [long_length, another_hash, gap, short_padding, type_two, odd_padding, other_message, with_true, bare_digest],
)
def test_no_other_form_is_right(encode: Encode) -> None:
    with pytest.raises(SignatureError):
        tolerated_of(encode)


def test_a_signature_has_the_length_of_its_key() -> None:
    key = rsa_key("CSCA")
    for encode in (with_null, without_null):
        right = sign(key, MESSAGE, encode)
        for signature in (b"\x00" + right, right[:-1], right + b"\x00", b""):
            with pytest.raises(SignatureError):
                verify(parse_public_key(public_info(key)), RSA_SHA256, MESSAGE, signature, set())


def test_a_signature_that_begins_with_zero_keeps_its_zero() -> None:
    """Whoever strips it has another signature: the encoding is compared as a whole, the signature's length too."""
    key = rsa_key("CSCA")
    messages = (b"%d" % number for number in range(5000))
    message, signature = next((one, made) for one in messages if (made := sign(key, one))[0] == 0)
    public = parse_public_key(public_info(key))
    verify(public, RSA_SHA256, message, signature, set())
    with pytest.raises(SignatureError):
        verify(public, RSA_SHA256, message, signature[1:], set())


# ── lists and certificates ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_master_list_whose_signature_omits_null_is_taken_and_the_report_names_it(path: Path) -> None:
    """The ICAO master list of September 2023."""
    bring(path, rsa_master_list("List signer", LIST_SIGNER_CERTIFICATE, [LISTED]))
    found = survey(path, NOW, age_max_days=90)
    assert found.tolerated == (("UT", "MasterList file 0", NAMED),)
    assert json.loads(json.dumps(fields(found)))["tolerated"] == [
        {"country": "UT", "of": "MasterList file 0", "what": NAMED}
    ]
    assert f"UT: MasterList file 0: {NAMED}" in render(found, path)
    told = CliRunner().invoke(app, ["report", "--store", str(path)]).output
    assert f"tolerated: UT: MasterList file 0: {NAMED}" in told
    result, reason = reason_under(path, document_signer())
    assert (result, NAMED in reason) == (Result.SUCCESSFUL, True)


def test_what_another_list_names_too_rests_on_no_tolerance(path: Path) -> None:
    bring(path, rsa_master_list("List signer", LIST_SIGNER_CERTIFICATE, [LISTED]), LISTED)
    assert reason_under(path, document_signer()) == (
        Result.SUCCESSFUL,
        "signed by the CSCA that the key identifier names",
    )


def test_a_list_in_the_form_of_the_standard_is_named_nowhere(path: Path) -> None:
    bring(path, rsa_master_list("List signer", LIST_SIGNER_CERTIFICATE, [LISTED], with_null))
    found = survey(path, NOW, age_max_days=90)
    assert found.tolerated == ()
    assert "Tolerated" not in render(found, path)
    assert NAMED not in reason_under(path, document_signer())[1]


def test_a_master_list_in_any_other_form_is_refused(path: Path) -> None:
    with pytest.raises(SourceError, match="the signature is wrong"):
        bring(path, rsa_master_list("List signer", LIST_SIGNER_CERTIFICATE, [LISTED], gap))


def test_certificates_without_null_are_named_where_they_are_relied_on(path: Path) -> None:
    own = rsa_certificate("CSCA")  # the CSCA itself
    signer = rsa_certificate("List signer", issuer="CSCA", authority=False, purpose=LIST_SIGNER.dotted_string)
    bring(path, own, rsa_master_list("List signer", signer, [LISTED], with_null))
    assert survey(path, NOW, age_max_days=90).tolerated == (
        ("UT", "MasterList file 1", NAMED),
        ("UT", "UT, CSCA", NAMED),
    )
    assert NAMED in reason_under(path, document_signer(issuer="CSCA", country="UT"))[1]
    bring(path, LISTED)
    assert NAMED in reason_under(path, document_signer(without_null))[1]
    assert NAMED not in reason_under(path, document_signer())[1]
    assert reason_under(path, document_signer(gap))[0] is Result.FAILED


def test_a_link_without_null_is_a_link_and_is_named(path: Path) -> None:
    bring(path, CSCA, rsa_certificate("Next CSCA", issuer="CSCA"))
    assert TrustStore.open(path).standings() == {"self_signed": 1, "linked": 1}
    assert survey(path, NOW, age_max_days=90).tolerated == (("UT", "UT, Next CSCA", NAMED),)


def test_a_revocation_list_without_null_is_taken_and_named(path: Path) -> None:
    bring(path, CSCA, revocation_list_of("CSCA", CSCA))
    assert len(TrustStore.open(path).editions()) == 1
    assert survey(path, NOW, age_max_days=90).tolerated == (("-", "RevocationList file 1", NAMED),)
    signer = document_signer(issuer="CSCA", country="UT")
    result, reason = reason_under(path, signer, CheckId.REVOCATION)
    assert (result, NAMED in reason) == (Result.SUCCESSFUL, True)
    assert NAMED not in reason_under(path, signer)[1]


def signed_by_rsa(content: bytes, content_type: str, encode: Encode) -> bytes:
    signer = rsa_certificate("DS", issuer="CSCA", authority=False, encode=with_null)
    return rsa_list("DS", signer, content, content_type=content_type, encode=encode)


def security_object(encode: Encode = with_null) -> bytes:
    """EF.SOD of a document of UT."""
    signed = parse_sod(issued().files["EF_SOD"]).message
    return der.tlv(0x77, signed_by_rsa(signed.content, signed.content_type, encode))


def mapping(anchors: TrustAnchors, encode: Encode = with_null) -> Check:
    """The verdict on an opening with the key of an EF.CardSecurity that RSA signed."""
    card = parse_card_security(issued(features=Features(pace=(CAM,))).files["EF_CARD_SECURITY"])
    key = parse_agreement_key(card.infos.chip_keys[0].spki)
    return judge_mapping(
        [MappingProof(key.group, key.element, 1)],
        signed_by_rsa(card.message.content, card.message.content_type, encode),
        offered=None,
        sod=judge_sod(security_object(), anchors, NOW),
        anchors=anchors,
        now=NOW,
    )


def test_an_ef_sod_without_null_is_refused() -> None:
    """The tolerance is for lists and certificates."""
    right, wrong = (judge_sod(security_object(one), ListedAnchors([CSCA]), NOW) for one in (with_null, without_null))
    assert (right.checks[0].result, right.proven) == (Result.SUCCESSFUL, True)
    assert (wrong.checks[0].result, wrong.proven) == (Result.FAILED, False)
    assert "signature is wrong" in wrong.checks[0].reason


def test_an_ef_card_security_without_null_is_refused() -> None:
    right, wrong = (mapping(ListedAnchors([CSCA]), one) for one in (with_null, without_null))
    assert (right.result, right.reason) == (Result.SUCCESSFUL, "PACE-CAM with the key of EF.CardSecurity")
    assert wrong.result is Result.FAILED
    assert "signature is wrong" in wrong.reason


def test_what_the_signer_of_ef_card_security_needs_tolerated_is_named(path: Path) -> None:
    bring(path, rsa_certificate("CSCA"), revocation_list_of("CSCA", CSCA))
    check = mapping(TrustStore.open(path))
    assert (check.result, check.reason) == (
        Result.SUCCESSFUL,
        f"PACE-CAM with the key of EF.CardSecurity; tolerated: {NAMED}",
    )
    path.unlink()
    bring(path, CSCA, revocation_list_of("CSCA", CSCA))
    assert mapping(TrustStore.open(path)).reason.endswith(f"; tolerated: {NAMED}")


def test_what_was_tolerated_leaves_with_what_it_was_tolerated_of(path: Path) -> None:
    bring(path, rsa_master_list("List signer", LIST_SIGNER_CERTIFICATE, [LISTED]))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM tolerance").fetchall() == [("DIGEST_INFO_WITHOUT_NULL",)]
    bring(path, rsa_master_list("List signer", LIST_SIGNER_CERTIFICATE, [CSCA], with_null))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM tolerance").fetchone() == (0,)


def test_a_store_that_names_a_tolerance_that_does_not_exist_is_damaged(path: Path) -> None:
    bring(path, rsa_master_list("List signer", LIST_SIGNER_CERTIFICATE, [LISTED]))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE tolerance SET name = 'ANYTHING'")
    with pytest.raises(StoreError, match="is damaged"):
        TrustStore.open(path)


# ── anchors that do not say that they may sign certificates, and signers without key usage ───────────────────────────

NOT_CA = "a CSCA certificate whose basic constraints say that it is no CA"
NO_CERT_SIGN = "a CSCA certificate whose key usage lacks keyCertSign"
NO_USAGE = "a CSCA certificate without key usage and basic constraints"
PUBLISHER = party("Publisher")
LISTER = party("Lister", issuer=PUBLISHER, authority=False, lists=True)


def csca(*, is_ca: bool | None, uses: tuple[str, ...] | None, issuer: Party | None = None) -> Party:
    """A certificate of ZZ, self-signed unless it has an issuer, with these constraints and this key usage, None for no such extension."""
    plain = party("Odd CSCA", country="ZZ")
    by = issuer or plain
    built = (
        x509.CertificateBuilder()
        .subject_name(plain.name)
        .issuer_name(by.name)
        .public_key(plain.key.public_key())
        .serial_number(9)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=3000))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(plain.key.public_key()), critical=False)
    )
    if is_ca is not None:
        built = built.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    if uses is not None:
        names = (
            "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
            "key_cert_sign crl_sign encipher_only decipher_only"
        )
        built = built.add_extension(x509.KeyUsage(**{one: one in uses for one in names.split()}), critical=True)
    return Party(plain.name, plain.key, built.sign(by.key, hashes.SHA256()))


def listed(path: Path, *anchors: Party) -> None:
    listing = master_list(LISTER, [one.der for one in anchors])
    sources = [read_source("list", listing)]
    import_sources(path, sources, signer=parse_certificate(PUBLISHER.der), test=False, now=NOW)


@pytest.mark.parametrize(
    ("is_ca", "uses", "named"),
    [
        (False, ("key_cert_sign", "crl_sign"), (NOT_CA,)),
        (True, ("digital_signature", "crl_sign"), (NO_CERT_SIGN,)),
        (False, ("crl_sign",), (NOT_CA, NO_CERT_SIGN)),
        (None, None, (NO_USAGE,)),
        (True, ("key_cert_sign", "crl_sign"), ()),
        (None, ("key_cert_sign",), ()),
        (True, None, ()),
        (False, ("digital_signature", "key_cert_sign", "crl_sign"), (NOT_CA,)),
        (False, None, (NOT_CA,)),
        (False, ("digital_signature",), (NOT_CA, NO_CERT_SIGN)),
        (None, ("digital_signature",), (NO_CERT_SIGN,)),
        (None, ("digital_signature", "crl_sign"), (NO_CERT_SIGN,)),
    ],
)
def test_an_anchor_that_may_not_sign_certificates_is_named_wherever_it_counts(
    path: Path, *, is_ca: bool | None, uses: tuple[str, ...] | None, named: tuple[str, ...]
) -> None:
    anchor = csca(is_ca=is_ca, uses=uses)
    listed(path, anchor)
    assert survey(path, NOW, age_max_days=90).tolerated == tuple(("ZZ", "ZZ, Odd CSCA", one) for one in sorted(named))
    signer = party("DS", country="ZZ", issuer=anchor, authority=False)
    result, reason = reason_under(path, signer.der)
    told = "; tolerated: ".join(["signed by the CSCA that the key identifier names", *sorted(named)])
    assert (result, reason) == (Result.SUCCESSFUL, told)


@pytest.mark.parametrize(
    ("is_ca", "uses"), [(False, ("digital_signature",)), (None, ("digital_signature",)), (False, None)]
)
def test_a_document_signers_certificate_that_another_one_signed_is_still_no_anchor(
    path: Path, *, is_ca: bool | None, uses: tuple[str, ...] | None
) -> None:
    authority = party("CSCA", country="ZZ")
    listed(path, csca(is_ca=is_ca, uses=uses, issuer=authority), authority)
    assert len(TrustStore.open(path)) == 1


def test_a_link_in_a_list_that_is_no_ca_and_says_keycertsign_is_an_anchor(path: Path) -> None:
    authority = party("CSCA", country="ZZ")
    uses = ("digital_signature", "key_cert_sign", "crl_sign")
    listed(path, csca(is_ca=False, uses=uses, issuer=authority), authority)
    assert TrustStore.open(path).standings() == {"self_signed": 1, "linked": 1}
    assert survey(path, NOW, age_max_days=90).tolerated == (("ZZ", "ZZ, Odd CSCA", NOT_CA),)


# ── links in files of their own ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", list(Way))
def test_a_certificate_without_extensions_that_a_csca_signed_is_no_link_in_a_file(path: Path, way: Way) -> None:
    """It may be a document signer's, which would then vouch for document signers of its own."""
    authority = party("CSCA", country="ZZ")
    listed(path, authority)
    bare = csca(is_ca=None, uses=None, issuer=authority)
    report = import_sources(path, [read_source("file", bare.der)], signer=None, test=False, now=NOW, way=way)
    assert len(report.rejected) == 1
    assert "without key usage and basic constraints" in report.rejected[0].reason
    assert len(TrustStore.open(path)) == 1
    forged = party("DS", country="ZZ", issuer=bare, authority=False)
    assert judge_signer(parse_certificate(forged.der), TrustStore.open(path), NOW).anchor is None
    listed(path, authority, bare)
    assert survey(path, NOW, age_max_days=90).tolerated == (("ZZ", "ZZ, Odd CSCA", NO_USAGE),)


USED_UNTIL = NOW - timedelta(days=200)
PERIOD = (NOW - timedelta(days=400), USED_UNTIL)


@pytest.mark.parametrize("way", list(Way))
def test_a_link_in_a_file_was_signed_while_the_key_before_it_could_be_used(path: Path, way: Way) -> None:
    authority = party("CSCA", country="ZZ", key_use=PERIOD, begins=PERIOD[0])
    listed(path, authority)
    late, right = (
        party(f"Link {days}", country="ZZ", issuer=authority, begins=USED_UNTIL + timedelta(days=days))
        for days in (1, 0)
    )
    sources = [read_source("late", late.der), read_source("right", right.der)]
    report = import_sources(path, sources, signer=None, test=False, now=NOW, way=way)
    assert [(one.subject, one.reason) for one in report.rejected] == [
        ("ZZ, Link 1", "signed outside the period in which its CSCA's key may be used; a signed list may name it")
    ]
    assert TrustStore.open(path).standings() == {"self_signed": 1, "linked": 1}
    listed(path, authority, late)
    assert TrustStore.open(path).standings()["linked"] == 2, "real lists name 15 to 20 such links"


@pytest.mark.parametrize("chosen", [True, False], ids=["--signer", "imported before"])
def test_a_lists_signer_was_issued_while_the_cscas_key_could_be_used(path: Path, *, chosen: bool) -> None:
    authority = party("CSCA", key_use=PERIOD, begins=PERIOD[0])
    if not chosen:
        bring_file(path, authority.der)
    signer = parse_certificate(authority.der) if chosen else None
    for days, fits in ((1, False), (0, True)):
        lister = party(
            "Lister", issuer=authority, authority=False, lists=True, begins=USED_UNTIL + timedelta(days=days)
        )
        sources = [read_source("list", master_list(lister, [authority.der]))]
        if fits:
            assert import_sources(path, sources, signer=signer, test=False, now=NOW).accepted or not chosen
        else:
            with pytest.raises(SourceError, match="issued outside the period in which the CSCA's key may be used"):
                import_sources(path, sources, signer=signer, test=False, now=NOW)


@pytest.mark.parametrize(
    ("is_ca", "uses"), [(False, ("key_cert_sign",)), (True, ("crl_sign",)), (False, ("crl_sign",))]
)
def test_the_tolerance_is_for_what_a_list_names_and_not_for_a_file(
    path: Path, *, is_ca: bool | None, uses: tuple[str, ...] | None
) -> None:
    source = read_source("file", csca(is_ca=is_ca, uses=uses).der)
    report = import_sources(path, [source], signer=None, test=False, now=NOW)
    assert [one.reason for one in report.rejected] == ["not a CSCA certificate"]


def test_a_document_signer_without_key_usage_is_refused(path: Path) -> None:
    listed(path, PUBLISHER)
    bare = party("DS", issuer=PUBLISHER, authority=False, key_usage=False)
    verdict = judge_signer(parse_certificate(bare.der), TrustStore.open(path), NOW)
    assert verdict.anchor is None
    assert reason_under(path, bare.der) == (Result.FAILED, "the document signer's certificate has no key usage")
    assert reason_under(path, party("DS", issuer=PUBLISHER, authority=False).der)[0] is Result.SUCCESSFUL
    assert no_document_signer(parse_certificate(bare.der)) == "not a document signer's certificate"
