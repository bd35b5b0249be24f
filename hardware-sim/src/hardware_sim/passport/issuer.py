"""Issues passports: signed files and the key that the chip keeps, genuine or with one named fault each.

One country has three lines of CSCA and document signer (P-256 by name, brainpoolP256r1 by explicit parameters, RSA),
used in turn by document number, so that a handful of passports meets them all. A fault changes exactly one thing;
everything else stays as a careful forger would leave it. Deterministic from the seed and the day, RSA keys excepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from types import MappingProxyType
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import rsa

from hardware_sim.passport import domain, lds, mrz, pki
from hardware_sim.passport.abilities import Abilities
from hardware_sim.passport.chip_key import ChipKey, Scheme

FAULTS: Final = frozenset(
    {
        "dg1_changed",
        "dg2_swapped",
        "unknown_issuer",
        "expired",
        "no_private_key",
        "no_chip_authentication",
        "clone_without_dg15",
    }
)
_ALPHA2: Final = {"UTO": "UT", "D": "DE", "FRA": "FR", "NLD": "NL"}  # a certificate's country has two letters
_RSA_BITS: Final = 2048
_RSA_AUTHORITY_BITS: Final = 3072
_CHIP_RSA_KEYS: Final = 2  # shared by all passports of one issuer: making one takes longer than issuing
_DOCUMENT_YEARS: Final = 10
_DAY: Final = timedelta(days=1)

ActiveAuthentication = Literal["rsa", "ecdsa"]


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Who a passport is for. `sex` is M, F or X; `nationality` the zone's three letters. Has no useful repr."""

    surname: str
    given: str
    number: str
    nationality: str
    sex: str
    birth: date
    expiry: date

    def __repr__(self) -> str:
        return "Person(…)"


@dataclass(frozen=True, slots=True)
class Passport:
    """What is printed (`mrz_lines`), what the chip shows (`files`, by name: EF_COM, EF_SOD, EF_DG1 …) and its own key."""

    mrz_lines: tuple[str, ...] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    chip_key: ChipKey | None = field(repr=False)
    abilities: Abilities = field(default=Abilities(), repr=False)


@dataclass(frozen=True, slots=True)
class _Line:
    authority: pki.Authority
    signer: pki.DocumentSigner
    explicit_curve: bool


class Issuer:
    """A country that issues passports. `today` dates its certificates; left out, it is the current day in UTC.

    Take certificates and passports from the same object: another one of the same seed has other RSA keys.
    """

    def __init__(self, seed: int, *, country: str = "UTO", today: date | None = None) -> None:
        if country not in _ALPHA2:
            raise ValueError(f"the simulated issuer knows only {', '.join(sorted(_ALPHA2))}")
        self._seed = seed
        self._country = country
        self._today = today or datetime.now(tz=UTC).date()
        self._chip_rsa = tuple(_rsa_key(_RSA_BITS) for _ in range(_CHIP_RSA_KEYS))
        p256, brainpool = self._elliptic(domain.P256), self._elliptic(domain.BRAINPOOL_P256, explicit=True)
        self._lines = (
            self._line("P-256", 1, p256),
            self._line("brainpool", 2, brainpool),
            self._line("RSA", 3, self._rsa),
        )
        self._stranger = self._line("stranger", 9, p256)

    def csca_files(self) -> dict[str, bytes]:
        """The country's CSCA certificates, DER, by file name. The stranger behind `unknown_issuer` is not among them."""
        return {
            f"{self._country}_csca_{index}.cer": line.authority.certificate
            for index, line in enumerate(self._lines, start=1)
        }

    def crl_files(self) -> dict[str, bytes]:
        """One revocation list for each CSCA, DER, by file name: issued today, good for 90 days, nobody revoked."""
        period = pki.Period(self._midnight(-1), self._midnight(89))
        return {
            f"{self._country}_csca_{index}.crl": pki.make_crl(line.authority, (), number=1, period=period)
            for index, line in enumerate(self._lines, start=1)
        }

    def issue(
        self,
        person: Person,
        *,
        portrait_jpeg: bytes,
        other_portrait_jpeg: bytes | None = None,
        faults: frozenset[str] = frozenset(),
        active_authentication: ActiveAuthentication | None = None,
    ) -> Passport:
        """Make one passport. `active_authentication` left out mixes by document number.

        Raises ValueError on a fault without a name in `FAULTS`, a field that does not fit the zone, or a missing or
        broken portrait.
        """
        if unknown := faults - FAULTS:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        turn = _turn(person.number)
        line = self._stranger if "unknown_issuer" in faults else self._lines[turn % len(self._lines)]
        lines = self._print_zone(person, expired="expired" in faults)
        chip_key = None
        if "no_chip_authentication" not in faults:
            chip_key = self._chip_key(person.number, turn, active_authentication, explicit=line.explicit_curve)

        groups = _data_groups(lines, portrait_jpeg, chip_key)
        security_object = lds.sod(groups, line.signer)

        if "dg1_changed" in faults:
            lines = _rename(lines)
            groups[1] = lds.dg1(lines)
        if "dg2_swapped" in faults:
            if other_portrait_jpeg is None:
                raise ValueError("dg2_swapped needs the other portrait")
            groups[2] = lds.dg2(other_portrait_jpeg)
        if "clone_without_dg15" in faults:
            groups.pop(14, None)
            groups.pop(15, None)
            chip_key = None
        if "no_private_key" in faults and chip_key is not None:
            chip_key = self._another_key(chip_key, person.number)
        return Passport(lines, _files(groups, security_object), chip_key)

    def _print_zone(self, person: Person, *, expired: bool) -> tuple[str, str]:
        return mrz.lines(
            issuer=self._country,
            surname=person.surname,
            given=person.given,
            number=person.number,
            nationality=person.nationality,
            birth=person.birth,
            sex=person.sex,
            expiry=min(person.expiry, self._today - 30 * _DAY) if expired else person.expiry,
        )

    def _chip_key(self, number: str, turn: int, wanted: ActiveAuthentication | None, *, explicit: bool) -> ChipKey:
        choice = wanted or ("rsa" if turn // 3 % 2 else "ecdsa")
        if choice == "ecdsa":
            private = pki.elliptic_key(domain.P256, f"{self._seed}/chip/{number}")
            return ChipKey(Scheme.ECDSA_SHA256, private, explicit_curve=explicit)
        scheme = Scheme.RSA_SHA256 if turn // 6 % 2 else Scheme.RSA_SHA1
        return ChipKey(scheme, self._chip_rsa[turn % len(self._chip_rsa)])

    def _another_key(self, key: ChipKey, number: str) -> ChipKey:
        """A key of the same kind that DG15 does not announce."""
        if key.scheme is Scheme.ECDSA_SHA256:
            return ChipKey(key.scheme, pki.elliptic_key(domain.P256, f"{self._seed}/clone/{number}"))
        return ChipKey(key.scheme, next(other for other in self._chip_rsa if other is not key.private))

    def _line(self, label: str, serial: int, make_key: Callable[[str, int], pki.SigningKey]) -> _Line:
        name = pki.Name(_ALPHA2[self._country], "Passport Office", f"CSCA {label}")
        authority_key, signer_key = make_key(f"{label}/csca", _RSA_AUTHORITY_BITS), make_key(f"{label}/ds", _RSA_BITS)
        authority = pki.make_authority(
            name,
            authority_key,
            state=self._country,
            serial=serial,
            validity=self._period(-400, 15 * 365),
            use=self._period(-400, 5 * 365),
        )
        signer_name = pki.Name(_ALPHA2[self._country], "Passport Office", f"Document Signer {label}")
        signer = pki.make_document_signer(
            authority,
            signer_name,
            signer_key,
            serial=serial * 1000 + 1,
            validity=self._period(-30, _DOCUMENT_YEARS * 366 + 90),
            use=self._period(-30, 60),
        )
        return _Line(authority, signer, signer_key.explicit_curve)

    def _elliptic(self, curve: domain.Curve, *, explicit: bool = False) -> Callable[[str, int], pki.SigningKey]:
        def make(label: str, _bits: int) -> pki.SigningKey:
            return pki.SigningKey(pki.elliptic_key(curve, f"{self._seed}/{label}"), explicit_curve=explicit)

        return make

    @staticmethod
    def _rsa(label: str, bits: int) -> pki.SigningKey:
        return pki.SigningKey(_rsa_key(bits), pss=label.endswith("/ds"))

    def _midnight(self, days_from_today: int) -> datetime:
        return datetime.combine(self._today, time_of_day(), UTC) + days_from_today * _DAY

    def _period(self, begin_days: int, end_days: int) -> pki.Period:
        return pki.Period(self._midnight(begin_days), self._midnight(end_days))


def _data_groups(lines: tuple[str, str], portrait_jpeg: bytes, chip_key: ChipKey | None) -> dict[int, bytes]:
    groups = {1: lds.dg1(lines), 2: lds.dg2(portrait_jpeg)}
    if chip_key is not None:
        if chip_key.scheme is Scheme.ECDSA_SHA256:
            groups[14] = lds.dg14_for_ecdsa()
        groups[15] = lds.dg15(chip_key.public_info())
    return groups


def _files(groups: Mapping[int, bytes], security_object: bytes) -> Mapping[str, bytes]:
    named = {f"EF_DG{number}": content for number, content in groups.items()}
    return MappingProxyType({"EF_COM": lds.com(groups), "EF_SOD": security_object, **named})


def _rename(lines: tuple[str, str]) -> tuple[str, str]:
    """Another first letter of the surname, in print and in the chip: no check digit covers the names."""
    upper, lower = lines
    return upper[:5] + ("B" if upper[5] != "B" else "C") + upper[6:], lower


def _turn(number: str) -> int:
    return hashlib.sha256(number.encode()).digest()[0]


def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)
