"""Revocation by the CSCA's key and all its names, and lists that are long: found, read whole, and forged in no way that helps."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from document_fakes import long_lists
from document_fakes.anchors import ListedAnchors
from document_fakes.long_lists import ENTRIES_OF_8_MIB, REASON_AND_DATE, entry
from document_fakes.master_lists import NOW, party, revocation_list
from document_fakes.names_of_a_key import (
    CSCA,
    DAY,
    DS,
    KEY,
    RENAMED,
    STRANGER,
    revocation,
    signed_as,
)

from gate_documents.authenticity.passive_authentication import judge_signer
from gate_documents.checks import CheckId, Result
from gate_documents.dates import revocation_list_until
from gate_documents.errors import MalformedError
from gate_documents.pki.anchors import TrustAnchors
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.curve_table import PARAMETERS
from gate_documents.pki.revocation import parse_revocation_list
from gate_documents.pki.revocation_check import lists_about
from hardware_sim.passport import der

# ── one key under several names ──────────────────────────────────────────────────────────────────────────────────────


def test_a_key_written_in_two_ways_is_one_key() -> None:
    one, other = parse_certificate(CSCA.der), parse_certificate(RENAMED.der)
    assert one.has_key_of(other)
    explicit = dataclasses.replace(other, spki=spelled_out(KEY))
    assert explicit.spki != one.spki
    assert one.has_key_of(explicit)
    assert not one.has_key_of(dataclasses.replace(explicit, key_id=b"another"))
    assert not one.has_key_of(dataclasses.replace(explicit, key_id=None))
    unreadable = dataclasses.replace(other, spki=other.spki + b"\x00")
    assert not one.has_key_of(unreadable), "a key that cannot be read is nobody's"
    stranger = parse_certificate(STRANGER.der)
    assert not one.has_key_of(stranger)
    assert not one.has_key_of(dataclasses.replace(stranger, key_id=one.key_id)), "whatever identifier it claims"


def spelled_out(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key with every parameter of P-256 (SEC 1 §C.2)."""
    _, p, a, b, x, y, n, h = PARAMETERS["secp256r1"]
    base = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
    domain = der.sequence(
        der.integer(1),
        der.sequence(der.oid("1.2.840.10045.1.1"), der.integer(p)),
        der.sequence(der.octets(a.to_bytes(32, "big")), der.octets(b.to_bytes(32, "big"))),
        der.octets(base),
        der.integer(n),
        der.integer(h),
    )
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return der.sequence(der.sequence(der.oid("1.2.840.10045.2.1"), domain), der.bits(point))


def test_lists_of_several_names_come_newest_first() -> None:
    lists = [revocation_list(CSCA, at=NOW - 3 * DAY), revocation_list(RENAMED, at=NOW - DAY)]
    anchors = ListedAnchors([CSCA.der, RENAMED.der], lists)
    found = lists_about(parse_certificate(signed_as(CSCA)), parse_certificate(CSCA.der), anchors)
    assert [one.this_update for one in found] == [NOW - DAY, NOW - 3 * DAY]
    assert len(lists_about(parse_certificate(signed_as(CSCA)), None, anchors)) == 1


# ── long lists ───────────────────────────────────────────────────────────────────────────────────────────────────────

REASON = der.sequence(der.sequence(der.oid("2.5.29.21"), der.octets(b"\x0a\x01\x01")))


def listed(*entries: bytes) -> bytes:
    return long_lists.listed(CSCA, *entries)


def test_every_entry_of_a_long_list_is_read_with_reasons_and_without() -> None:
    """How long it takes is measured by `scripts/bench` (`revocation_reasons`)."""
    reasons = [reason(number) for number in range(7)]
    for entries, extensions in ((5000, [b""]), (5000, reasons), (ENTRIES_OF_8_MIB, [REASON_AND_DATE])):
        assert len(parse_revocation_list(long_lists.many(CSCA, entries, *extensions)).serials) == entries


def reason(number: int) -> bytes:
    return der.sequence(der.sequence(der.oid("2.5.29.21"), der.octets(bytes((10, 1, number)))))


def extension(oid: str, value: bytes = b"\x05\x00", *, critical: bytes | None = None) -> bytes:
    flag = [] if critical is None else [der.tlv(0x01, critical)]
    return der.sequence(der.oid(oid), *flag, der.octets(value))


OF_NOBODY = "1.3.6.1.4.1.99999.1"


@pytest.mark.parametrize(
    "extensions",
    [
        REASON,
        der.sequence(extension("2.5.29.21", b"\x0a\x01\x01", critical=b"\xff")),
        der.sequence(extension("2.5.29.23", critical=b"\x01"), extension("2.5.29.24", critical=b"\xff")),
        der.sequence(extension(OF_NOBODY)),
        der.sequence(extension(OF_NOBODY, critical=b"\x00")),
        der.sequence(extension(OF_NOBODY, bytes(300))),
        b"\x30\x82" + len(REASON[2:]).to_bytes(2, "big") + REASON[2:],
    ],
    ids=range(7),
)
def test_extensions_of_an_entry_that_limit_nothing_are_read_over(extensions: bytes) -> None:
    for again in ((), (entry(2, extensions), entry(3, REASON))):
        one = parse_revocation_list(listed(entry(1, extensions), *again))
        assert len(one.serials) == 1 + len(again)


@pytest.mark.parametrize(
    "extensions",
    [
        der.sequence(extension(OF_NOBODY, critical=b"\xff")),
        der.sequence(extension("2.5.29.21"), extension("2.5.29.29", critical=b"\xff")),
        der.sequence(extension(OF_NOBODY, critical=b"\x01")),
        REASON + b"\x05\x00",
        REASON + REASON,
        REASON[:-1],
        b"\x30\x00",
        b"\x30",
        b"\x05\x00",
        der.sequence(der.sequence(der.oid(OF_NOBODY))),
        der.sequence(der.sequence(der.oid(OF_NOBODY), der.octets(b"x"), der.null())),
        der.sequence(der.sequence(der.octets(b"x"), der.oid(OF_NOBODY))),
        der.sequence(der.sequence(der.oid(OF_NOBODY), b"\x04\x7f")),
        der.sequence(der.sequence(b"\x06\x7f")),
        der.sequence(der.oid(OF_NOBODY)),
        der.sequence(extension(OF_NOBODY, bytes(5000))),
        der.sequence(b"\x30\x80" + extension(OF_NOBODY)[2:] + b"\x00\x00"),
    ],
    ids=range(17),
)
def test_extensions_of_an_entry_that_could_say_anything_make_the_list_unusable(extensions: bytes) -> None:
    for before in ((), (entry(2, REASON),)):
        with pytest.raises(MalformedError):
            parse_revocation_list(listed(*before, entry(1, extensions)))


def test_a_changed_byte_of_an_entrys_extensions_is_read_over_or_refused_and_never_a_crash() -> None:
    whole = der.sequence(extension("2.5.29.21", b"\x0a\x01\x01", critical=b"\xff"), extension("2.5.29.24"))
    for position in range(len(whole)):
        for value in (*range(0, 256, 17), whole[position] ^ 1, 0x01, 0x7F, 0x80, 0x81):
            changed: Any = bytearray(whole)
            changed[position] = value
            try:
                one = parse_revocation_list(listed(entry(1, bytes(changed))))
            except MalformedError:
                continue
            assert one.serials == {10**12 + 1}


# ── the age of a list, and the period in which a CSCA's key may sign ─────────────────────────────────────────────────


def test_a_list_that_promises_the_next_one_in_ten_years_is_out_of_date_after_90_days() -> None:
    anchors = ListedAnchors([CSCA.der], [revocation_list(CSCA, next_days=3650)])
    assert revocation(anchors, DS.der, NOW + 90 * DAY).result is Result.SUCCESSFUL
    late = revocation(anchors, DS.der, NOW + 90 * DAY + timedelta(seconds=1))
    assert (late.result, late.reason) == (Result.UNDETERMINED, "the revocation list of this issuer is out of date")


def test_a_list_from_the_end_of_time_is_only_not_current() -> None:
    """A date that cannot be added to must not end a program."""
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert revocation_list_until(last, last) == last
    assert revocation_list_until(last, None) is None


def csca_validity(anchors: TrustAnchors, certificate: bytes) -> tuple[Result, str]:
    checks = judge_signer(parse_certificate(certificate), anchors, NOW).checks
    return next((one.result, one.reason) for one in checks if one.id is CheckId.CSCA_VALIDITY)


BEGIN, END = NOW - 400 * DAY, NOW - 200 * DAY
OUTSIDE = (
    Result.FAILED,
    "the signer's certificate was issued outside the period in which the CSCA's key may be used",
)


@pytest.mark.parametrize(
    ("key_use", "issued", "within"),
    [
        ((BEGIN, END), BEGIN, True),
        ((BEGIN, END), END, True),
        ((BEGIN, END), BEGIN - DAY, False),
        ((BEGIN, END), END + DAY, False),
        ((None, END), BEGIN - DAY, True),
        ((None, END), END + DAY, False),
        ((BEGIN, None), BEGIN - DAY, False),
        ((BEGIN, None), END + DAY, True),
        (None, END + DAY, True),
    ],
)
def test_a_signer_was_issued_while_the_cscas_key_could_be_used(
    key_use: tuple[datetime | None, datetime | None] | None, issued: datetime, *, within: bool
) -> None:
    authority = party("CSCA", key_use=key_use, begins=NOW - 900 * DAY)
    signer = party("DS", issuer=authority, authority=False, begins=issued)
    found = csca_validity(ListedAnchors([authority.der]), signer.der)
    assert found[0] is Result.SUCCESSFUL if within else found == OUTSIDE


def test_another_certificate_of_the_key_may_allow_the_date_but_not_by_stating_no_period() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    early = party("CSCA", key=key, key_use=(BEGIN, END), begins=BEGIN)
    late = party("CSCA", key=key, key_use=(END, NOW), begins=BEGIN)
    silent = party("CSCA", key=key, begins=BEGIN)
    signer = party("DS", issuer=early, authority=False, begins=END + DAY)
    assert csca_validity(ListedAnchors([early.der, late.der]), signer.der)[0] is Result.SUCCESSFUL
    assert csca_validity(ListedAnchors([early.der, silent.der]), signer.der) == OUTSIDE
    foreign = party("CSCA", country="ZZ", key=key, key_use=(END, NOW), begins=BEGIN)
    assert csca_validity(ListedAnchors([early.der, foreign.der]), signer.der) == OUTSIDE
