"""The keys and certificates of one passport office: its lines of CSCA and document signer, and further signers.

A line is a CSCA and its usual document signer. A further signer belongs to the line with the same curve or kind of key.
Each variant of a document signer's certificate is an `Order`. RSA keys are generated on first use, and kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from types import MappingProxyType
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import rsa

from hardware_sim.passport import domain, keys, pki
from hardware_sim.passport.domain import Curve
from hardware_sim.passport.keys import SigningKey

MASTER_LIST_SIGNER: Final = "2.23.136.1.1.3"
DEVIATION_LIST_SIGNER: Final = "2.23.136.1.1.8"
_RSA_BITS: Final = 2048
_RSA_AUTHORITY_BITS: Final = 3072
_RSA_WEAK_BITS: Final = 1024
_DOCUMENT_YEARS: Final = 10
_DAY: Final = timedelta(days=1)
_ORGANISATION: Final = "Passport Office"

LinkKind = Literal["same_name", "renamed", "broken"]
ListSigner = Literal["proper", "without_usage", "untrusted", "broken"]

# Further signers: the line that certifies each, and the curve or the length of an RSA key. `withdrawn` is for
# revocation lists; it has the same curve as the first line's signer.
_FURTHER: Final = MappingProxyType[str, tuple[int, Curve | int]](
    {
        "rsa_pkcs1": (2, _RSA_BITS),
        "rsa_1024": (2, _RSA_WEAK_BITS),
        "p224": (0, domain.P224),
        "p384": (0, domain.P384),
        "p521": (0, domain.P521),
        "brainpool384": (1, domain.BRAINPOOL_P384),
        "brainpool512": (1, domain.BRAINPOOL_P512),
        "withdrawn": (0, domain.P256),
    }
)
LINE_SIGNERS: Final = ("p256", "brainpool256", "rsa_pss")
SIGNERS: Final = (*LINE_SIGNERS, *_FURTHER)


@dataclass(frozen=True, slots=True)
class Line:
    """A CSCA with its usual document signer."""

    authority: pki.Authority
    signer: pki.DocumentSigner
    serial: int


@dataclass(frozen=True, slots=True)
class Order:
    """How a document signer's certificate differs from the usual one. Days count from today."""

    validity_days: tuple[int, int] = (-30, _DOCUMENT_YEARS * 366 + 90)
    use_days: tuple[int, int] = (-30, 60)
    profile: pki.Profile = pki.PASSPORT_SIGNER
    negative_serial: bool = False
    small_country: bool = False
    country: str | None = None
    curve_lie: keys.CurveLie | None = None
    forged_authority: bool = False  # a CSCA of the same name and key identifier, with the forger's key


USUAL: Final = Order()


class Office:
    """One country's signers. `code` is its code of two letters in certificates, `state` that of three."""

    def __init__(self, seed: int, *, code: str, state: str, today: date) -> None:
        self._seed, self._code, self._state, self._today = seed, code, state, today
        self._rsa: dict[str, rsa.RSAPrivateKey] = {}
        p256 = self._elliptic(domain.P256, "P-256/csca"), self._elliptic(domain.P256, "P-256/ds")
        brainpool = (
            self._elliptic(domain.BRAINPOOL_P256, "brainpool/csca", explicit=True),
            self._elliptic(domain.BRAINPOOL_P256, "brainpool/ds", explicit=True),
        )
        rsa_pair = (
            SigningKey(self.rsa_key("csca", _RSA_AUTHORITY_BITS)),
            SigningKey(self.rsa_key("ds", _RSA_BITS), pss=True),
        )
        self.lines = (
            self._line("P-256", 1, *p256),
            self._line("brainpool", 2, *brainpool),
            self._line("RSA", 3, *rsa_pair),
        )
        stranger = self._elliptic(domain.P256, "stranger/csca"), self._elliptic(domain.P256, "stranger/ds")
        self.stranger = self._line("stranger", 9, *stranger)

    def signer(self, name: str, order: Order = USUAL) -> pki.DocumentSigner:
        """Return a signer of `SIGNERS` with its certificate by `order`. Raises ValueError on another name."""
        line = self.lines[self._line_number(name)]
        if name in LINE_SIGNERS and order == USUAL:
            return line.signer
        key, serial = self._signer_key(name), line.serial * 1000 + 1 + SIGNERS.index(name)
        authority = line.authority
        if order.forged_authority:
            forger = self._elliptic(domain.P256, "forger/csca")
            authority = replace(authority, key=replace(forger, claimed_identifier=authority.key.identifier()))
            key = self._elliptic(domain.P256, "forger/ds")
        if order.curve_lie is not None:
            key = replace(self._elliptic(domain.P256, f"{name}/lie", explicit=True), curve_lie=order.curve_lie)
        code = (order.country or self._code).lower() if order.small_country else order.country or self._code
        if order.small_country:
            authority = replace(authority, name=replace(authority.name, country=code, country_as_written=True))
        return pki.make_document_signer(
            authority,
            pki.Name(code, _ORGANISATION, f"Document Signer {name}", country_as_written=order.small_country),
            key,
            serial=-serial if order.negative_serial else serial,
            validity=self.period(*order.validity_days),
            use=self.period(*order.use_days),
            profile=order.profile,
        )

    def authority_as_signer(self, name: str) -> pki.DocumentSigner:
        """Return the CSCA as a signer of documents, which is a mistake of some issuers."""
        line = self.lines[self._line_number(name)]
        return pki.DocumentSigner(line.authority.name, line.serial, line.authority.key, line.authority.certificate)

    def list_signer(self, kind: ListSigner, usage: str) -> tuple[pki.DocumentSigner, pki.Authority]:
        """Return the signer of lists and the CSCA above it: that of the first line, or an unknown one."""
        authority = self.stranger.authority if kind == "untrusted" else self.lines[0].authority
        profile = pki.Profile(document_types=None, extended_usage=None if kind == "without_usage" else usage)
        signer = pki.make_document_signer(
            authority,
            pki.Name(self._code, _ORGANISATION, "List Signer"),
            self._elliptic(domain.P256, f"list/{kind}"),
            serial=5001,
            validity=self.period(-30, 730),
            use=self.period(-30, 365),
            profile=profile,
        )
        return signer, authority

    def previous(self, number: int, kind: LinkKind, *, expired: bool = False) -> pki.Authority:
        """Return the predecessor of the CSCA of line `number`, counted from 0, with the same name or another one."""
        present = self.lines[number].authority
        if isinstance(present.key.private, rsa.RSAPrivateKey):
            key = SigningKey(self.rsa_key("previous", _RSA_AUTHORITY_BITS))
        else:
            curve = (domain.P256, domain.BRAINPOOL_P256)[number]
            key = self._elliptic(curve, f"previous/{number}", explicit=present.key.explicit_curve)
        name = replace(present.name, common=f"{present.name.common} before") if kind == "renamed" else present.name
        return pki.make_authority(
            name,
            key,
            state=self._state,
            serial=100 + number,
            validity=self.period(-6 * 365, -10 if expired else 9 * 365),
            use=self.period(-6 * 365, -365),
        )

    def link(self, number: int, kind: LinkKind) -> bytes:
        """Return the certificate in which a line's previous CSCA certifies the present one."""
        return pki.make_link(
            self.previous(number, kind),
            self.lines[number].authority,
            serial=200 + number,
            validity=self.period(-400, 9 * 365),
            use=self.period(-400, 5 * 365),
            broken=kind == "broken",
        )

    def rsa_key(self, label: str, bits: int) -> rsa.RSAPrivateKey:
        """Return the RSA key with this label, generated on first use."""
        if label not in self._rsa:
            self._rsa[label] = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        return self._rsa[label]

    def period(self, begin_days: int, end_days: int) -> pki.Period:
        """Return the period between two days, both counted from today."""
        return pki.Period(self.midnight(begin_days), self.midnight(end_days))

    def midnight(self, days_from_today: int) -> datetime:
        """Return the beginning of a day, UTC."""
        return datetime.combine(self._today, time_of_day(), UTC) + days_from_today * _DAY

    def _line(self, label: str, serial: int, authority_key: SigningKey, signer_key: SigningKey) -> Line:
        authority = pki.make_authority(
            pki.Name(self._code, _ORGANISATION, f"CSCA {label}"),
            authority_key,
            state=self._state,
            serial=serial,
            validity=self.period(-400, 15 * 365),
            use=self.period(-400, 5 * 365),
        )
        signer = pki.make_document_signer(
            authority,
            pki.Name(self._code, _ORGANISATION, f"Document Signer {label}"),
            signer_key,
            serial=serial * 1000 + 1,
            validity=self.period(*USUAL.validity_days),
            use=self.period(*USUAL.use_days),
        )
        return Line(authority, signer, serial)

    def _line_number(self, name: str) -> int:
        if name in LINE_SIGNERS:
            return LINE_SIGNERS.index(name)
        if name not in _FURTHER:
            raise ValueError(f"no such signer: {name}")
        return _FURTHER[name][0]

    def _signer_key(self, name: str) -> SigningKey:
        if name in LINE_SIGNERS:
            return self.lines[LINE_SIGNERS.index(name)].signer.key
        line, kind = _FURTHER[name]
        if isinstance(kind, Curve):
            return self._elliptic(kind, f"{name}/ds", explicit=self.lines[line].authority.key.explicit_curve)
        return SigningKey(self.rsa_key(name, kind))

    def _elliptic(self, curve: Curve, label: str, *, explicit: bool = False) -> SigningKey:
        return SigningKey(keys.elliptic_key(curve, f"{self._seed}/{label}"), explicit_curve=explicit)
