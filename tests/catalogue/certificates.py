"""Rows on document signers, CSCAs and revocation lists (ICAO 9303-12 §7.1, RFC 5280, BSI TR-03135-1 §5.6.4.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from catalogue.documents import (
    AUTHORITY_KEY,
    BASIC,
    DOCUMENT_TYPES,
    EXTENDED_USE,
    KEY_PERIOD,
    KEY_USAGE,
    NOTHING,
    SIGNS_CERTIFICATES_AND_LISTS,
    SIGNS_DOCUMENTS,
    SUBJECT_KEY,
    Case,
    Parts,
    Party,
    Sod,
    authority,
    document,
    document_types,
    elliptic,
    extension,
    key_period,
    name,
    revocation_list,
    signer,
    stored,
    trusting,
    validity,
)
from catalogue.rows import FAILED, NOT_HELD, SUCCESSFUL, UNDETERMINED, Results, Row, failed, fine, refused, undetermined
from document_fakes.inspections import NOW

from gate_documents.checks import CheckId
from hardware_sim.passport import der
from hardware_sim.passport.keys import SigningKey

SHA512_WITH_ECDSA = der.sequence(der.oid("1.2.840.10045.4.3.4"))
MD5_WITH_RSA = der.sequence(der.oid("1.2.840.113549.1.1.4"), der.null())
OF_NOBODY = "1.3.6.1.4.1.99999.9"


def by(make: Callable[[], Party]) -> Callable[[], Case]:
    return lambda: document(sod=Sod(by=make()))


def ds(*, outer: Parts = NOTHING, number: int = 77, **parts: bytes | None) -> Callable[[], Case]:
    return by(lambda: signer(parts=parts, outer=outer, serial=number))


def ds_with(dotted: str, value: bytes | None) -> Callable[[], Case]:
    return by(lambda: signer(extensions={dotted: value}))


def under(make: Callable[[], Party]) -> Callable[[], Case]:
    """A document signer under this CSCA, for as much as a trust store takes of it."""

    def case() -> Case:
        trusted = make()
        against = stored(trusted.certificate, revocation_list(trusted))
        return document(sod=Sod(by=signer(trusted)), against=against)

    return case


# ── the document signer ──────────────────────────────────────────────────────────────────────────────────────────────


def _claims_to_be_authority() -> SigningKey:
    return replace(elliptic("forger"), claimed_identifier=authority().key.identifier())


def _of_country(country: str) -> Case:
    trusted = authority(country=country)
    return document(sod=Sod(by=signer(trusted)), against=trusting(trusted))


PLAN = "TR-03105-5.1 LDS_H"
SIGNER = (
    refused(f"{PLAN}_48", "certificate version 2", ds(version=der.tlv(0xA0, der.integer(1)))),
    refused(f"{PLAN}_49", "certificate version missing", ds(version=None)),
    refused(f"{PLAN}_50", "serial number missing", ds(serial=None)),
    refused(f"{PLAN}_51", "signature element differs from signatureAlgorithm", ds(algorithm=SHA512_WITH_ECDSA)),
    refused(f"{PLAN}_52", "signature element missing", ds(algorithm=None)),
    refused(f"{PLAN}_54", "issuer is not the CSCA's subject", ds(issuer=name(common="Somebody else"))),
    refused(f"{PLAN}_55", "issuer missing", ds(issuer=None)),
    refused(f"{PLAN}_57", "validity missing", ds(validity=None)),
    refused(f"{PLAN}_59", "public key missing", ds(public_key=None)),
    refused(
        f"{PLAN}_63",
        "key usage without digitalSignature",
        ds_with(KEY_USAGE, extension(KEY_USAGE, der.bits(b"\x20", unused=5), critical=True)),
    ),
    refused(
        f"{PLAN}_65", "signature algorithm MD5 with RSA", ds(algorithm=MD5_WITH_RSA, outer={"algorithm": MD5_WITH_RSA})
    ),
    refused(f"{PLAN}_66", "signature algorithm missing", ds(outer={"algorithm": None})),
    failed(
        f"{PLAN}_67",
        "signature of something else",
        ds(outer={"signature": der.bits(authority().key.sign(b"something else"))}),
        ds_signature=FAILED,
    ),
    refused(f"{PLAN}_68", "signature missing", ds(outer={"signature": None})),
    failed(
        "TR-03135-1 table 5.33",
        "signed by another key than the CSCA that the key identifier names",
        by(lambda: signer(Party(authority().name, _claims_to_be_authority(), 1, b""))),
        ds_signature=FAILED,
    ),
    undetermined(
        "TR-03135-1 table 5.33",
        "the CSCA is in no store",
        by(lambda: signer(authority("Nobody's CSCA"))),
        ds_signature=UNDETERMINED,
    ),
    fine(
        "TR-03135-1 §5.6.4.3.3",
        "no authority key identifier: searched by name",
        ds_with(AUTHORITY_KEY, None),
        ds_signature=SUCCESSFUL,
    ),
    fine(
        "TR-03135-1 §5.6.4.3.3",
        "authority key identifier without a key identifier: searched by name",
        ds_with(AUTHORITY_KEY, extension(AUTHORITY_KEY, der.sequence())),
        ds_signature=SUCCESSFUL,
    ),
    undetermined(
        "TR-03135-1 §5.6.4.3.3",
        "found by name only, and its key did not sign: never failed",
        by(lambda: signer(Party(authority().name, elliptic("namesake"), 1, b""), extensions={AUTHORITY_KEY: None})),
        ds_signature=UNDETERMINED,
    ),
    failed(
        "TR-03135-1 table 5.36",
        "not valid any more",
        ds(validity=validity(-400, -1)),
        ds_validity=FAILED,
    ),
    failed("TR-03135-1 table 5.36", "not valid yet", ds(validity=validity(1, 400)), ds_validity=FAILED),
    fine("TR-03135-1 §5.6.4.3.4", "last day of its validity", ds(validity=validity(-30, 0)), ds_validity=SUCCESSFUL),
    fine(
        "9303-12 §7.1",
        "the private key's period is over, the certificate is valid",
        ds_with(KEY_PERIOD, key_period(-400, -300)),
        ds_validity=SUCCESSFUL,
    ),
    fine(
        "RFC 5280 §4.1.2.5",
        "valid into 2050 and beyond, in GeneralizedTime",
        ds(validity=validity(-30, 9500)),
        ds_validity=SUCCESSFUL,
    ),
    fine(
        "RFC 5280 §7.1",
        "issuer in other letters and blanks, as UTF8String",
        ds(issuer=name(common="csca", kind=der.utf8)),
        ds_signature=SUCCESSFUL,
    ),
    fine("9303-12 §7.1", "no document type list", ds_with(DOCUMENT_TYPES, None)),
    fine("9303-12 §7.1.1.6", "document types P and PD", ds_with(DOCUMENT_TYPES, document_types("P", "PD"))),
    refused(
        "9303-12 §7.1.1.6", "document types without the document's", ds_with(DOCUMENT_TYPES, document_types("AC", "I"))
    ),
    refused(
        "RFC 5280 §4.2",
        "an unknown extension marked critical",
        ds_with(OF_NOBODY, extension(OF_NOBODY, der.null(), critical=True)),
    ),
    fine(
        "RFC 5280 §4.2",
        "an unknown extension not marked critical",
        ds_with(OF_NOBODY, extension(OF_NOBODY, der.null())),
    ),
    refused(
        "RFC 5280 §4.2",
        "the same extension twice",
        ds_with(KEY_USAGE, extension(KEY_USAGE, SIGNS_DOCUMENTS, critical=True) * 2),
    ),
    refused(
        "RFC 5280 §4.2.1.12",
        "extended key usage for lists only, critical",
        ds_with(EXTENDED_USE, extension(EXTENDED_USE, der.sequence(der.oid("2.23.136.1.1.3")), critical=True)),
    ),
    fine(
        "RFC 5280 §4.2.1.12",
        "extended key usage for any purpose",
        ds_with(EXTENDED_USE, extension(EXTENDED_USE, der.sequence(der.oid("2.5.29.37.0")))),
    ),
    refused(
        "9303-12 table 6",
        "a document signer that may certify",
        by(
            lambda: signer(
                extensions={
                    KEY_USAGE: extension(KEY_USAGE, SIGNS_CERTIFICATES_AND_LISTS, critical=True),
                    BASIC: extension(BASIC, der.sequence(der.boolean(value=True)), critical=True),
                }
            )
        ),
    ),
    fine("RFC 5280 §4.1.2.2", "serial number of 20 octets", ds(number=2**158 + 5)),
    fine("9303-12 §7.1", "no subject key identifier", ds_with(SUBJECT_KEY, None)),
    refused(
        "TR-03135-1 table 5.43",
        "issuer without a country",
        lambda: _of_country(""),
        country=UNDETERMINED,
    ),
    failed("TR-03135-1 table 5.43", "issuer of another country", lambda: _of_country("FR"), country=FAILED),
    undetermined(
        "TR-03135-1 table 5.43", "issuer's country is in no table", lambda: _of_country("QQ"), country=UNDETERMINED
    ),
    refused(
        "9303-12 §7.1",
        "the document is signed by the CSCA itself",
        lambda: document(sod=Sod(by=authority())),
    ),
)


# ── the CSCA ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _of_two_namesakes() -> Case:
    first, second = authority(key=elliptic("before")), authority()
    return document(sod=Sod(by=signer(second, extensions={AUTHORITY_KEY: None})), against=trusting(first, second))


def _by_link_alone() -> Case:
    present = authority()
    link = signer(
        authority(key=elliptic("before")),
        key=present.key,
        serial=3,
        parts={"subject": present.name},
        extensions={
            KEY_USAGE: extension(KEY_USAGE, SIGNS_CERTIFICATES_AND_LISTS, critical=True),
            BASIC: extension(BASIC, der.sequence(der.boolean(value=True), der.integer(0)), critical=True),
            DOCUMENT_TYPES: None,
        },
    )
    return document(sod=Sod(by=signer(present)), against=trusting(replace(present, certificate=link.certificate)))


AUTHORITY = (
    failed(
        "TR-03135-1 table 5.35",
        "CSCA not valid any more",
        under(lambda: authority(parts={"validity": validity(-4000, -1)})),
        csca_validity=FAILED,
    ),
    failed(
        "TR-03135-1 table 5.35",
        "CSCA not valid yet",
        under(lambda: authority(parts={"validity": validity(1, 4000)})),
        csca_validity=FAILED,
    ),
    refused(
        "RFC 5280 §6.1.4 (k)",
        "the issuer's certificate is no CA's",
        under(lambda: authority(extensions={BASIC: extension(BASIC, der.sequence(), critical=True)})),
        ds_signature=NOT_HELD,
    ),
    refused(
        "RFC 5280 §6.1.4 (n)",
        "the issuer's key usage lacks keyCertSign",
        under(
            lambda: authority(extensions={KEY_USAGE: extension(KEY_USAGE, der.bits(b"\x02", unused=1), critical=True)})
        ),
        ds_signature=NOT_HELD,
    ),
    refused(
        "RFC 5280 §6.1.4 (o)",
        "the issuer's certificate has an unknown critical extension",
        under(lambda: authority(extensions={OF_NOBODY: extension(OF_NOBODY, der.null(), critical=True)})),
        ds_signature=NOT_HELD,
    ),
    fine(
        "TR-03135-1 §5.6.4.3.3",
        "CSCA without subject key identifier: searched by name",
        under(lambda: authority(extensions={SUBJECT_KEY: None})),
        ds_signature=SUCCESSFUL,
    ),
    fine(
        "RFC 5280 §4.2.1.9",
        "CSCA without a path length",
        under(
            lambda: authority(
                extensions={BASIC: extension(BASIC, der.sequence(der.boolean(value=True)), critical=True)}
            )
        ),
        ds_signature=SUCCESSFUL,
    ),
    fine(
        "9303-12 §7.1",
        "the period of the CSCA's private key is over, the signer was certified before its end",
        under(lambda: authority(extensions={KEY_PERIOD: key_period(-4000, -20)})),
        csca_validity=SUCCESSFUL,
    ),
    failed(
        "9303-12 §7.1",
        "the signer was certified after the period of the CSCA's private key",
        under(lambda: authority(extensions={KEY_PERIOD: key_period(-4000, -40)})),
        csca_validity=FAILED,
    ),
    failed(
        "9303-12 §7.1",
        "the signer was certified before the period of the CSCA's private key",
        under(lambda: authority(extensions={KEY_PERIOD: key_period(-20, 1800)})),
        csca_validity=FAILED,
    ),
    fine(
        "TR-03135-1 §5.6.4.3.3",
        "of two CSCAs of one name the second one signed",
        _of_two_namesakes,
        ds_signature=SUCCESSFUL,
    ),
    fine(
        "TR-03135-1 §5.6.4.3.3",
        "only a link certificate: its own signature is not verified",
        _by_link_alone,
        ds_signature=SUCCESSFUL,
    ),
)


# ── revocation lists ─────────────────────────────────────────────────────────────────────────────────────────────────


def of_list(results: Results, clause: str, what: str, make: Callable[[], bytes]) -> Row:
    """What follows for the signer from this list, for as much as a trust store takes of it."""
    case = lambda: document(against=stored(authority().certificate, make()))  # noqa: E731 - a row's field
    return Row(clause, what, case, results, {CheckId.REVOCATION: results})


LISTS = (
    of_list(FAILED, "TR-03135-1 table 5.37", "the signer is on the list", lambda: revocation_list(None, 77)),
    of_list(SUCCESSFUL, "TR-03135-1 table 5.37", "others are on the list", lambda: revocation_list(None, 76, 78)),
    undetermined(
        "TR-03135-1 table 5.37",
        "no list",
        lambda: document(against=trusting(authority(), lists=[])),
        revocation=UNDETERMINED,
    ),
    of_list(
        UNDETERMINED,
        "RFC 5280 §5.1.2.5",
        "the next list was due, and the signer is not on this one",
        lambda: revocation_list(
            parts={"this": der.time(NOW - timedelta(days=90)), "next": der.time(NOW - timedelta(days=1))}
        ),
    ),
    of_list(
        FAILED,
        "TR-03135-1 §5.8.2.1.1",
        "the next list was due, and the signer is on this one",
        lambda: revocation_list(
            None, 77, parts={"this": der.time(NOW - timedelta(days=90)), "next": der.time(NOW - timedelta(days=1))}
        ),
    ),
    of_list(
        UNDETERMINED,
        "RFC 5280 §5.1.1.3",
        "signed by another key",
        lambda: revocation_list(key=elliptic("forger")),
    ),
    of_list(
        UNDETERMINED,
        "9303-12 §7.1.4",
        "a list of another CSCA",
        lambda: revocation_list(authority("Another CSCA")),
    ),
    of_list(
        UNDETERMINED,
        "RFC 5280 §5.2",
        "an unknown extension of the list is critical",
        lambda: revocation_list(extensions={OF_NOBODY: extension(OF_NOBODY, der.null(), critical=True)}),
    ),
    of_list(
        UNDETERMINED,
        "9303-12 table 10",
        "a delta list",
        lambda: revocation_list(extensions={"2.5.29.27": extension("2.5.29.27", der.integer(1), critical=True)}),
    ),
    of_list(
        UNDETERMINED,
        "RFC 5280 §5.2.5",
        "a list for CA certificates only",
        lambda: revocation_list(
            extensions={"2.5.29.28": extension("2.5.29.28", der.sequence(der.tlv(0x82, b"\xff")), critical=True)}
        ),
    ),
    of_list(
        UNDETERMINED,
        "9303-12 table 9",
        "a list without the date of the next",
        lambda: revocation_list(parts={"next": None}),
    ),
    of_list(
        UNDETERMINED,
        "RFC 5280 §5.1.2.4",
        "a list of tomorrow",
        lambda: revocation_list(parts={"this": der.time(NOW + timedelta(days=1))}),
    ),
    of_list(
        SUCCESSFUL,
        "9303-12 table 10",
        "a list without a number",
        lambda: revocation_list(extensions={"2.5.29.20": None}),
    ),
    of_list(
        FAILED,
        "RFC 5280 §5.3.1",
        "the signer is on the list, for a reason",
        lambda: revocation_list(None, 77, entry=der.sequence(extension("2.5.29.21", der.tlv(0x0A, b"\x01")))),
    ),
    of_list(
        UNDETERMINED,
        "RFC 5280 §5.3",
        "an unknown extension of an entry is critical",
        lambda: revocation_list(None, 76, entry=der.sequence(extension(OF_NOBODY, der.null(), critical=True))),
    ),
    of_list(
        UNDETERMINED,
        "RFC 5280 §5.3.3",
        "an indirect list: an entry of another issuer",
        lambda: revocation_list(None, 76, entry=der.sequence(extension("2.5.29.29", der.sequence(), critical=True))),
    ),
)

ROWS: tuple[Row, ...] = SIGNER + AUTHORITY + LISTS
