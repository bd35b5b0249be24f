"""Revocation by the CSCA's key and all its names, and lists that are long: found, read whole, and forged in no way that helps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fakes import long_lists
from fakes.anchors import ListedAnchors
from fakes.long_lists import ENTRIES_OF_8_MIB, REASON_AND_DATE, entry
from fakes.master_lists import NOW, Party, party, revocation_list

from gate.programs.lane.document.inspection import RememberingAnchors
from gate.trust.list_import import import_sources
from gate.trust.revocations import Revocations
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_documents.authenticity.passive_authentication import judge_signer
from gate_documents.checks import Check, CheckId, Result
from gate_documents.dates import revocation_list_until
from gate_documents.errors import MalformedError
from gate_documents.pki.anchors import HeldAnchors, KnownIssuers, TrustAnchors
from gate_documents.pki.certificate import parse_certificate
from gate_documents.pki.curve_table import PARAMETERS
from gate_documents.pki.revocation import parse_revocation_list
from gate_documents.pki.revocation_check import lists_about
from hardware_sim.passport import der

DAY = timedelta(days=1)
KEY = ec.generate_private_key(ec.SECP256R1())
CSCA = party("CSCA", key=KEY)
RENAMED = party("CSCA of the Ministry", key=KEY)
STRANGER = party("Stranger", country="ZZ")
DS = party("DS", issuer=CSCA, authority=False)


def turned(name: x509.Name) -> x509.Name:
    return x509.Name(list(reversed(list(name))))


def written_by(authority: Party, name: x509.Name) -> Party:
    """The authority's key under another name, without a certificate of it."""
    return Party(name, authority.key, authority.certificate)


TURNED = written_by(CSCA, turned(CSCA.name))


def signed_as(issuer: Party, serial: int = 77) -> bytes:
    """A document signer's certificate, its issuer named as `issuer` is."""
    made = (
        x509.CertificateBuilder()
        .subject_name(DS.name)
        .issuer_name(issuer.name)
        .public_key(DS.key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 1000 * DAY)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    return made.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def revocation(anchors: TrustAnchors, certificate: bytes, now: datetime = NOW) -> Check:
    (found,) = (
        one for one in judge_signer(parse_certificate(certificate), anchors, now).checks if one.id is CheckId.REVOCATION
    )
    return found


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., TrustStore]:
    def bring(*files: bytes, now: datetime = NOW) -> TrustStore:
        path = tmp_path / "trust.sqlite"
        sources = [read_source(f"file {number}", data) for number, data in enumerate(files)]
        import_sources(path, sources, signer=None, test=False, now=now)
        return TrustStore.open(path)

    return bring


# ── one key under several names ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("of", [CSCA, RENAMED], ids=["one name", "the other"])
@pytest.mark.parametrize("by", [CSCA, RENAMED], ids=["list of one", "list of the other"])
def test_a_signer_revoked_under_the_other_name_of_its_issuers_key_is_revoked(
    opened: Callable[..., TrustStore], of: Party, by: Party
) -> None:
    store = opened(CSCA.der, RENAMED.der, revocation_list(by, 77, at=NOW - DAY))
    assert revocation(store, signed_as(of)).result is Result.FAILED
    assert revocation(RememberingAnchors(store), signed_as(of)).result is Result.FAILED
    assert revocation(store, signed_as(of, serial=78)).result is Result.SUCCESSFUL
    assert revocation(store, signed_as(of), now=NOW + 365 * DAY).result is Result.FAILED, "however old the list is"


def test_without_the_key_a_list_under_another_name_says_nothing(opened: Callable[..., TrustStore]) -> None:
    namesake = party("CSCA of the Ministry")
    store = opened(CSCA.der, namesake.der, revocation_list(namesake, 77))
    assert revocation(store, signed_as(CSCA)).result is Result.UNDETERMINED


def test_a_list_and_a_signer_that_write_the_issuers_name_in_another_order_are_found(
    opened: Callable[..., TrustStore],
) -> None:
    for of, by in ((CSCA, TURNED), (TURNED, CSCA), (TURNED, TURNED)):
        store = opened(CSCA.der, revocation_list(by, 77))
        assert revocation(store, signed_as(of)).result is Result.FAILED, (of.name, by.name)
        assert revocation(store, signed_as(of, serial=78)).result is Result.SUCCESSFUL
    assert [one.country for one in store.editions()] == ["UT"]


def test_a_list_in_another_order_takes_the_place_of_the_older_one_and_is_never_rolled_back(
    opened: Callable[..., TrustStore],
) -> None:
    opened(CSCA.der, revocation_list(CSCA, 77, at=NOW - 2 * DAY))
    store = opened(revocation_list(TURNED, 78, at=NOW - DAY))
    assert [revocation(store, signed_as(CSCA, serial=number)).result for number in (77, 78)] == [
        Result.SUCCESSFUL,
        Result.FAILED,
    ]
    store = opened(revocation_list(CSCA, 77, at=NOW - 2 * DAY))
    assert revocation(store, signed_as(CSCA)).result is Result.SUCCESSFUL


def test_nobody_revokes_or_clears_in_anothers_name(opened: Callable[..., TrustStore]) -> None:
    """By a key of another country, by one of the same country, by a forged signature, in either order of the name."""
    neighbour = party("Other CSCA")
    strangers = [written_by(who, name) for who in (STRANGER, neighbour) for name in (CSCA.name, TURNED.name)]
    broken = revocation_list(TURNED, 77)
    forged = broken[:-1] + bytes([broken[-1] ^ 1])
    lists = [revocation_list(who, 77) for who in strangers]
    store = opened(CSCA.der, STRANGER.der, neighbour.der, forged, *lists)
    assert store.editions() == ()
    assert revocation(store, signed_as(CSCA)).result is Result.UNDETERMINED


def test_a_certificate_of_another_country_with_the_same_key_lends_no_names(opened: Callable[..., TrustStore]) -> None:
    """Else a state that copies a key, which is public, could speak of what that key has signed."""
    copied = party("Copy", country="ZZ", issuer=STRANGER, key=KEY)
    moved = dataclasses.replace(STRANGER, name=copied.name)
    anchors = ListedAnchors(
        [CSCA.der, STRANGER.der, copied.der], [revocation_list(moved, 77), revocation_list(CSCA, 1)]
    )
    assert revocation(anchors, signed_as(CSCA)).result is Result.SUCCESSFUL
    csca = parse_certificate(CSCA.der)
    known = [csca, parse_certificate(RENAMED.der), parse_certificate(STRANGER.der), parse_certificate(copied.der)]
    stores: tuple[KnownIssuers, ...] = (
        opened(CSCA.der, RENAMED.der, STRANGER.der, copied.der),
        HeldAnchors(known),
        anchors,
    )
    for store in stores:
        assert {one.country for one in store.with_key_of(csca)} == {"UT"}


def test_a_name_that_the_key_does_not_have_is_cleared_by_no_list_and_revoked_by_any(
    opened: Callable[..., TrustStore],
) -> None:
    """BSI TR-03105-5.1 LDS_H_54: the issuer of a document signer is the subject of a CSCA."""
    nameless = signed_as(RENAMED)
    store = opened(CSCA.der, revocation_list(CSCA, 78))
    assert revocation(store, nameless).result is Result.UNDETERMINED
    assert revocation(store, signed_as(RENAMED, serial=78)).result is Result.FAILED
    assert revocation(opened(RENAMED.der), nameless).result is Result.SUCCESSFUL, "now it is one of the key's names"


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


def test_a_csca_that_is_not_understood_publishes_no_revocations() -> None:
    """One may be in a store of before such were refused."""
    listed = [(0, "list", parse_revocation_list(revocation_list(CSCA, 77)))]
    csca = parse_certificate(CSCA.der)
    assert Revocations([], {}, NOW).admit(listed, HeldAnchors([csca])) == []
    assert Revocations([], {}, NOW).admit(listed, HeldAnchors([dataclasses.replace(csca, understood=False)])) == listed


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
