"""The country's certificates and revocation lists (ICAO 9303-12 §7, RFC 5280).

Certificates follow the profile byte for byte; a variant is one field of `Profile`. `keys` holds keys, `lists` the
lists of certificates and defects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hardware_sim.passport import der
from hardware_sim.passport.keys import SigningKey

_NAME_CHANGE: Final = "2.23.136.1.1.6.1"
_DOCUMENT_TYPES: Final = "2.23.136.1.1.6.2"
_DIGITAL_SIGNATURE: Final = der.bits(bytes([0b1000_0000]), unused=7)
_CERTIFICATE_AND_LIST_SIGNATURE: Final = der.bits(bytes([0b0000_0110]), unused=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From and until, both in UTC and both inclusive."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name with the three parts that ICAO 9303-12 §7.1.1.1 requires.

    `country_as_written` keeps the case of the country code, which some issuers write in lower case.
    """

    country: str
    organisation: str
    common: str
    country_as_written: bool = False

    def encoded(self, *, backwards: bool = False, text: Callable[[str], bytes] = der.utf8) -> bytes:
        """Return the RDNSequence, DER: the country upper case and printable, the rest encoded by `text`."""
        country = self.country if self.country_as_written else self.country.upper()
        parts = (
            ("2.5.4.6", der.printable(country)),
            ("2.5.4.10", text(self.organisation)),
            ("2.5.4.3", text(self.common)),
        )
        ordered = reversed(parts) if backwards else parts
        return der.sequence(*(der.tlv(0x31, der.sequence(der.oid(kind), value)) for kind, value in ordered))


@dataclass(frozen=True, slots=True)
class Authority:
    """A CSCA: its name, its key and its self-signed certificate."""

    name: Name
    key: SigningKey
    certificate: bytes
    state: str


@dataclass(frozen=True, slots=True)
class DocumentSigner:
    """A document signer: its issuer's name, its serial number, its key and its certificate."""

    issuer: Name
    serial: int
    key: SigningKey
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Profile:
    """The purpose of a certificate below a CSCA. The default is a document signer for passports."""

    document_types: tuple[str, ...] | None = ("P",)
    extended_usage: str | None = None  # of list signers
    names_authority: bool = True  # authority key identifier
    is_authority: bool = False  # a mistake: may certify others


PASSPORT_SIGNER: Final = Profile()


def make_authority(name: Name, key: SigningKey, *, state: str, serial: int, validity: Period, use: Period) -> Authority:
    """Return a CSCA with a self-signed certificate (ICAO 9303-12 §7.1, table of CSCA root extensions)."""
    certificate = _certificate(
        issuer=name,
        signer=key,
        subject=name,
        key=key,
        serial=serial,
        validity=validity,
        extensions=_authority_extensions(key, key, state, use),
    )
    return Authority(name, key, certificate, state)


def make_link(
    old: Authority, new: Authority, *, serial: int, validity: Period, use: Period, broken: bool = False
) -> bytes:
    """Return the link certificate of the old CSCA for the new one; it states a change of name (ICAO 9303-12 §7.1.1).

    `broken` makes one bit of its signature wrong.
    """
    extensions = _authority_extensions(new.key, old.key, new.state, use)
    if old.name != new.name:
        extensions = (*extensions, _extension(_NAME_CHANGE, der.null()))
    certificate = _certificate(
        issuer=old.name,
        signer=old.key,
        subject=new.name,
        key=new.key,
        serial=serial,
        validity=validity,
        extensions=extensions,
    )
    return certificate[:-1] + bytes((certificate[-1] ^ 1,)) if broken else certificate


def make_document_signer(
    authority: Authority,
    name: Name,
    key: SigningKey,
    *,
    serial: int,
    validity: Period,
    use: Period,
    profile: Profile = PASSPORT_SIGNER,
) -> DocumentSigner:
    """Return a signer that the CSCA certified (ICAO 9303-12 §7.1, table of document signer extensions)."""
    certificate = _certificate(
        issuer=authority.name,
        signer=authority.key,
        subject=name,
        key=key,
        serial=serial,
        validity=validity,
        extensions=_signer_extensions(key, authority, use, profile),
    )
    return DocumentSigner(authority.name, serial, key, certificate)


def make_crl(authority: Authority, revoked: Sequence[tuple[int, datetime]], *, number: int, period: Period) -> bytes:
    """Return the CSCA's CRL, DER (ICAO 9303-12 §7.1.4). `revoked`: (serial, time); `period` ends at nextUpdate."""
    entries = [der.sequence(der.integer(serial), der.time(moment)) for serial, moment in revoked]
    extensions = der.sequence(_authority_key_identifier(authority.key), _extension("2.5.29.20", der.integer(number)))
    body = der.sequence(
        der.integer(1),
        authority.key.signature_algorithm(),
        authority.name.encoded(),
        der.time(period.begin),
        der.time(period.end),
        *([der.sequence(*entries)] if entries else []),
        der.tlv(0xA0, extensions),
    )
    return _signed(body, authority.key)


def _certificate(
    *,
    issuer: Name,
    signer: SigningKey,
    subject: Name,
    key: SigningKey,
    serial: int,
    validity: Period,
    extensions: Sequence[bytes],
) -> bytes:
    body = der.sequence(
        der.tlv(0xA0, der.integer(2)),
        der.integer(serial),
        signer.signature_algorithm(),
        issuer.encoded(),
        der.sequence(der.time(validity.begin), der.time(validity.end)),
        subject.encoded(),
        key.public_info(),
        der.tlv(0xA3, der.sequence(*extensions)),
    )
    return _signed(body, signer)


def _signed(body: bytes, signer: SigningKey) -> bytes:
    return der.sequence(body, signer.signature_algorithm(), der.bits(signer.sign(body)))


def _authority_extensions(key: SigningKey, signer: SigningKey, state: str, use: Period) -> tuple[bytes, ...]:
    return (
        *_identifying_extensions(key, signer, state, use),
        _extension("2.5.29.15", _CERTIFICATE_AND_LIST_SIGNATURE, critical=True),
        _extension("2.5.29.19", der.sequence(der.boolean(value=True), der.integer(0)), critical=True),
    )


def _signer_extensions(key: SigningKey, authority: Authority, use: Period, profile: Profile) -> tuple[bytes, ...]:
    signer = authority.key if profile.names_authority else None
    extensions = list(_identifying_extensions(key, signer, authority.state, use))
    if profile.is_authority:
        extensions.append(_extension("2.5.29.15", _CERTIFICATE_AND_LIST_SIGNATURE, critical=True))
        extensions.append(_extension("2.5.29.19", der.sequence(der.boolean(value=True)), critical=True))
    else:
        extensions.append(_extension("2.5.29.15", _DIGITAL_SIGNATURE, critical=True))
    if profile.document_types is not None:
        types = der.set_of(*(der.printable(kind) for kind in profile.document_types))
        extensions.append(_extension(_DOCUMENT_TYPES, der.sequence(der.integer(0), types)))
    if profile.extended_usage is not None:
        extensions.append(_extension("2.5.29.37", der.sequence(der.oid(profile.extended_usage)), critical=True))
    return tuple(extensions)


def _identifying_extensions(key: SigningKey, signer: SigningKey | None, state: str, use: Period) -> tuple[bytes, ...]:
    """Return the extensions that identify key, signer and state, and limit the time in which the key may sign."""
    locality = der.sequence(der.tlv(0x31, der.sequence(der.oid("2.5.4.7"), der.printable(state))))
    state_name = der.sequence(der.tlv(0xA4, locality))
    key_use = der.sequence(
        der.tlv(0x80, use.begin.strftime("%Y%m%d%H%M%SZ").encode()),
        der.tlv(0x81, use.end.strftime("%Y%m%d%H%M%SZ").encode()),
    )
    return (
        _extension("2.5.29.14", der.octets(key.identifier())),
        *([] if signer is None else [_authority_key_identifier(signer)]),
        _extension("2.5.29.16", key_use),
        _extension("2.5.29.17", state_name),
        _extension("2.5.29.18", state_name),
    )


def _authority_key_identifier(signer: SigningKey) -> bytes:
    return _extension("2.5.29.35", der.sequence(der.tlv(0x80, signer.identifier())))


def _extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(dotted), *([der.boolean(value=True)] if critical else []), der.octets(value))
