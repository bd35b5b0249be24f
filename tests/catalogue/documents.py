"""Makes documents part by part, so that a standard's every sentence can be kept or broken on its own.

A certificate, a security object and a revocation list are each a mapping of named parts. A caller replaces a part or leaves
it out (None); what is signed is signed afterwards, so that nothing is wrong but that part. Written from the standards' text
with the simulator's DER writer, and from nothing of ours that reads.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from document_fakes.anchors import ListedAnchors
from document_fakes.inspections import NOW, Through, inspected, issued

from gate.trust.errors import TrustError
from gate.trust.list_import import import_sources
from gate.trust.sources import read_source
from gate.trust.store import TrustStore
from gate_documents.pki.anchors import TrustAnchors
from gate_documents.verdict.conclusion import Inspection
from hardware_sim.passport import der, domain, lds
from hardware_sim.passport.issuer import Passport
from hardware_sim.passport.keys import Digest, SigningKey, digest_algorithm, elliptic_key

Parts = dict[str, bytes | None]
NOTHING: Parts = {}

SIGNED_DATA = "1.2.840.113549.1.7.2"
SECURITY_OBJECT = "2.23.136.1.1.1"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SUBJECT_KEY, KEY_USAGE, KEY_PERIOD, BASIC = "2.5.29.14", "2.5.29.15", "2.5.29.16", "2.5.29.19"
AUTHORITY_KEY, CRL_NUMBER, EXTENDED_USE = "2.5.29.35", "2.5.29.20", "2.5.29.37"
DOCUMENT_TYPES = "2.23.136.1.1.6.2"
SIGNS_DOCUMENTS = der.bits(b"\x80", unused=7)
SIGNS_CERTIFICATES_AND_LISTS = der.bits(b"\x06", unused=1)


def spliced(defaults: Parts, parts: Parts) -> bytes:
    """The parts in the order of the defaults, some replaced or left out."""
    assert parts.keys() <= defaults.keys(), "no such part"
    return b"".join(value for value in (defaults | parts).values() if value is not None)


@dataclass(frozen=True)
class Party:
    """Somebody who signs: name, key, serial number and certificate."""

    name: bytes
    key: SigningKey
    serial: int
    certificate: bytes = field(repr=False)


def name(*, country: str = "UT", common: str, kind: Callable[[str], bytes] = der.printable) -> bytes:
    """A distinguished name of country and common name, the latter as PrintableString unless told otherwise."""
    parts = [("2.5.4.6", der.printable(country))] if country else []
    return der.sequence(
        *(der.tlv(0x31, der.sequence(der.oid(at), value)) for at, value in [*parts, ("2.5.4.3", kind(common))])
    )


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(dotted), *([der.boolean(value=True)] if critical else []), der.octets(value))


def validity(begin_days: int, end_days: int, write: Callable[[datetime], bytes] = der.time) -> bytes:
    return der.sequence(write(NOW + timedelta(days=begin_days)), write(NOW + timedelta(days=end_days)))


def key_period(begin_days: int, end_days: int) -> bytes:
    begin, end = ((NOW + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ").encode() for days in (begin_days, end_days))
    return extension(KEY_PERIOD, der.sequence(der.tlv(0x80, begin), der.tlv(0x81, end)))


def document_types(*types: str) -> bytes:
    return extension(DOCUMENT_TYPES, der.sequence(der.integer(0), der.set_of(*map(der.printable, types))))


@functools.cache
def elliptic(label: str) -> SigningKey:
    return SigningKey(elliptic_key(domain.P256, f"standards/{label}"))


@functools.cache
def rsa_key(label: str, bits: int = 2048) -> rsa.RSAPrivateKey:  # noqa: ARG001 - each label has a key of its own
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def certificate(
    defaults: Parts,
    extensions: Parts,
    *,
    by: SigningKey,
    parts: Parts,
    changed: Parts,
    outer: Parts,
    digest: Digest = "sha256",
) -> bytes:
    """One certificate: TBSCertificate, algorithm, signature."""
    listed = der.tlv(
        0xA3, der.sequence(spliced(extensions | dict.fromkeys(changed.keys() - extensions.keys()), changed))
    )
    body = der.sequence(spliced({**defaults, "extensions": listed}, parts))
    signed: Parts = {
        "body": body,
        "algorithm": by.signature_algorithm(digest),
        "signature": der.bits(by.sign(body, digest)),
    }
    return der.sequence(spliced(signed, outer))


def _fields(*, by: Party, subject: bytes, key: SigningKey, serial: int, digest: Digest) -> Parts:
    return {
        "version": der.tlv(0xA0, der.integer(2)),
        "serial": der.integer(serial),
        "algorithm": by.key.signature_algorithm(digest),
        "issuer": by.name,
        "validity": validity(-30, 3650),
        "subject": subject,
        "public_key": key.public_info(),
    }


def authority(
    common: str = "CSCA",
    *,
    country: str = "UT",
    key: SigningKey | None = None,
    parts: Parts = NOTHING,
    extensions: Parts = NOTHING,
    digest: Digest = "sha256",
    subject: bytes | None = None,
) -> Party:
    """A self-signed CSCA (ICAO 9303-12 §7.1, tables 5 and 6)."""
    key = key or elliptic(f"{country}/{common}")
    subject = subject or name(country=country, common=common)
    usual: Parts = {
        SUBJECT_KEY: extension(SUBJECT_KEY, der.octets(key.identifier())),
        KEY_USAGE: extension(KEY_USAGE, SIGNS_CERTIFICATES_AND_LISTS, critical=True),
        KEY_PERIOD: key_period(-30, 1800),
        BASIC: extension(BASIC, der.sequence(der.boolean(value=True), der.integer(0)), critical=True),
    }
    made = certificate(
        _fields(by=Party(subject, key, 1, b""), subject=subject, key=key, serial=1, digest=digest),
        usual,
        by=key,
        parts=parts,
        changed=extensions,
        outer=NOTHING,
        digest=digest,
    )
    return Party(subject, key, 1, made)


def signer(
    by: Party | None = None,
    *,
    key: SigningKey | None = None,
    serial: int = 77,
    parts: Parts = NOTHING,
    extensions: Parts = NOTHING,
    outer: Parts = NOTHING,
    digest: Digest = "sha256",
) -> Party:
    """A document signer under a CSCA."""
    by = by or authority()
    key = key or elliptic("document signer")
    usual: Parts = {
        SUBJECT_KEY: extension(SUBJECT_KEY, der.octets(key.identifier())),
        AUTHORITY_KEY: extension(AUTHORITY_KEY, der.sequence(der.tlv(0x80, by.key.identifier()))),
        KEY_USAGE: extension(KEY_USAGE, SIGNS_DOCUMENTS, critical=True),
        KEY_PERIOD: key_period(-30, 60),
        DOCUMENT_TYPES: document_types("P"),
    }
    made = certificate(
        _fields(by=by, subject=name(common="Document Signer"), key=key, serial=serial, digest=digest),
        usual,
        by=by.key,
        parts=parts,
        changed=extensions,
        outer=outer,
        digest=digest,
    )
    return Party(parts.get("issuer") or by.name, key, serial, made)


def hashes(groups: Mapping[int, bytes], digest: Digest) -> bytes:
    return der.sequence(
        *(group_hash(number, content, digest) for number, content in sorted(groups.items())),
    )


def group_hash(number: int, content: bytes, digest: Digest = "sha256") -> bytes:
    return der.sequence(der.integer(number), der.octets(hashlib.new(digest, content).digest()))


def versions(lds_version: str = "0108", unicode_version: str = "040000") -> bytes:
    return der.sequence(der.printable(lds_version), der.printable(unicode_version))


def attribute(kind: str, *values: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of(*values))


@dataclass(frozen=True)
class Sod:
    """How EF.SOD is made (ICAO 9303-10 §4.6.2, RFC 5652 §5). Call it with the data groups."""

    by: Party | None = None
    digest: Digest = "sha256"
    hashed: Digest | None = None
    lds: Parts = field(default_factory=dict)
    attributes: Parts = field(default_factory=dict)
    attributes_absent: bool = False
    info: Parts = field(default_factory=dict)
    data: Parts = field(default_factory=dict)
    content: Parts = field(default_factory=dict)
    outer: Parts = field(default_factory=dict)
    more_infos: Callable[[bytes], Sequence[bytes]] = lambda _: ()
    sign: Callable[[SigningKey, bytes], bytes] | None = None
    tag: int = 0x77

    def __call__(self, groups: Mapping[int, bytes]) -> bytes:
        by = self.by or signer()
        hashed = self.hashed or self.digest
        listed: Parts = {
            "version": der.integer(1),
            "algorithm": der.sequence(der.oid(digest_algorithm(hashed))),
            "hashes": hashes(groups, hashed),
            "versions": versions(),
        }
        content = der.sequence(spliced(listed, self.lds))
        infos = [self.signer_info(by, content), *self.more_infos(content)]
        encapsulated: Parts = {"type": der.oid(SECURITY_OBJECT), "content": der.tlv(0xA0, der.octets(content))}
        data: Parts = {
            "version": der.integer(3),
            "digests": der.set_of(der.sequence(der.oid(digest_algorithm(self.digest)))),
            "content": der.sequence(spliced(encapsulated, self.content)),
            "certificates": der.tlv(0xA0, by.certificate),
            "lists": None,
            "infos": der.set_of(*infos),
        }
        outer: Parts = {
            "type": der.oid(SIGNED_DATA),
            "data": der.tlv(0xA0, der.sequence(spliced(data, self.data))),
        }
        return der.tlv(self.tag, der.sequence(spliced(outer, self.outer)))

    def signer_info(self, by: Party, content: bytes) -> bytes:
        """One SignerInfo over the content (RFC 5652 §5.3)."""
        usual: Parts = {
            "type": attribute(CONTENT_TYPE, der.oid(SECURITY_OBJECT)),
            "digest": attribute(MESSAGE_DIGEST, der.octets(hashlib.new(self.digest, content).digest())),
            "more": None,
        }
        chosen = [value for value in (usual | self.attributes).values() if value is not None]
        signed = content if self.attributes_absent else der.set_of(*chosen)
        made = self.sign(by.key, signed) if self.sign else by.key.sign(signed, self.digest)
        info: Parts = {
            "version": der.integer(1),
            "signer": der.sequence(by.name, der.integer(by.serial)),
            "digest": der.sequence(der.oid(digest_algorithm(self.digest))),
            "attributes": None if self.attributes_absent else b"\xa0" + signed[1:],
            "algorithm": by.key.signature_algorithm(self.digest),
            "signature": der.octets(made),
            "unsigned": None,
        }
        return der.sequence(spliced(info, self.info))


def com(
    tags: bytes = bytes.fromhex("61756E6F"),
    *,
    tag: int = 0x60,
    lds_version: str | None = "0108",
    unicode_version: str | None = "040000",
) -> bytes:
    """EF.COM (ICAO 9303-10 §4.6.1)."""
    return der.tlv(
        tag,
        b"" if lds_version is None else der.tlv(0x5F01, lds_version.encode()),
        b"" if unicode_version is None else der.tlv(0x5F36, unicode_version.encode()),
        der.tlv(0x5C, tags) if tags else b"",
    )


def revocation_list(
    by: Party | None = None,
    *serials: int,
    parts: Parts = NOTHING,
    extensions: Parts = NOTHING,
    entry: bytes = b"",
    key: SigningKey | None = None,
) -> bytes:
    """A revocation list (ICAO 9303-12 §7.1.4, RFC 5280 §5); `entry` are the extensions of each revoked certificate."""
    by = by or authority()
    key = key or by.key
    usual: Parts = {
        AUTHORITY_KEY: extension(AUTHORITY_KEY, der.sequence(der.tlv(0x80, by.key.identifier()))),
        CRL_NUMBER: extension(CRL_NUMBER, der.integer(4)),
    }
    listed = spliced(usual | dict.fromkeys(extensions.keys() - usual.keys()), extensions)
    revoked = [der.sequence(der.integer(serial), der.time(NOW - timedelta(days=2)), entry) for serial in serials]
    defaults: Parts = {
        "version": der.integer(1),
        "algorithm": key.signature_algorithm(),
        "issuer": by.name,
        "this": der.time(NOW - timedelta(days=1)),
        "next": der.time(NOW + timedelta(days=89)),
        "revoked": der.sequence(*revoked) if revoked else None,
        "extensions": der.tlv(0xA0, der.sequence(listed)),
    }
    body = der.sequence(spliced(defaults, parts))
    return der.sequence(body, key.signature_algorithm(), der.bits(key.sign(body)))


@dataclass(frozen=True)
class Case:
    """What lies on the reader, and what it is judged against."""

    passport: Passport
    against: TrustAnchors | None = None
    printed: tuple[str, ...] | None = None
    now: datetime = NOW
    through: Through = lambda transmit: transmit
    switches: Mapping[str, Any] = field(default_factory=dict)

    def inspect(self) -> Inspection:
        return inspected(
            self.passport,
            printed=self.printed,
            against=self.against or trusting(),
            now=self.now,
            through=self.through,
            **self.switches,
        )


@functools.cache
def plain() -> Passport:
    """The passport that every case starts from: BAC, DG1, DG2, DG14 and DG15, Active Authentication on P-256."""
    return issued()


def groups_of(passport: Passport) -> dict[int, bytes]:
    return {number: passport.files[f"EF_DG{number}"] for number in range(1, 17) if f"EF_DG{number}" in passport.files}


def trusting(*parties: Party, lists: Sequence[bytes] | None = None) -> ListedAnchors:
    """Anchors that are these CSCAs with current lists of theirs; left out, the usual one."""
    trusted = parties or (authority(),)
    shown = [revocation_list(party) for party in trusted] if lists is None else lists
    return ListedAnchors([party.certificate for party in trusted], shown, test=True)


def stored(*files: bytes) -> TrustAnchors:
    """Anchors that are what a trust store takes of these certificates and lists, one import each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trust.sqlite"
        for file in files:
            with contextlib.suppress(TrustError):
                import_sources(path, [read_source("file", file)], signer=None, test=True, now=NOW)
        return TrustStore.open(path) if path.exists() else ListedAnchors()


def document(
    groups: Mapping[int, bytes | None] | None = None,
    *,
    base: Passport | None = None,
    sod: Callable[[Mapping[int, bytes]], bytes] | None = None,
    com_file: bytes | None = b"",
    shown: Mapping[str, bytes | None] | None = None,
    **more: Any,
) -> Case:
    """A passport whose data groups are signed after they were changed; `shown` replaces files after that.

    An empty `com_file` is the right one, None is none. `more` are fields of `Case`.
    """
    base = base or plain()
    changed: dict[int, bytes | None] = {**groups_of(base), **(groups or {})}
    signed = {number: content for number, content in changed.items() if content is not None}
    made: dict[str, bytes | None] = dict(base.files)
    made |= {f"EF_DG{number}": content for number, content in changed.items()}
    made["EF_COM"] = lds.com(sorted(signed)) if com_file == b"" else com_file
    made["EF_SOD"] = (sod or Sod())(signed)
    made |= shown or {}
    files = {file: content for file, content in made.items() if content is not None}
    return Case(replace(base, files=files), **more)
