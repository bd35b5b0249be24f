"""Issues passports: signed files and the keys that the chip keeps, genuine or with named faults.

One country has three lines of CSCA and document signer (P-256 by name, brainpoolP256r1 by explicit parameters, RSA),
used in turn by document number, so that a handful of passports meets them all. Everything beyond the plain passport is
an argument of its own. Deterministic from the seed and the day, RSA keys excepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import rsa

from hardware_sim.passport import domain, keys, lds, lists, mrz, office, personalise, pki
from hardware_sim.passport import faults as fault_table
from hardware_sim.passport import security_object as security_objects
from hardware_sim.passport.abilities import Features
from hardware_sim.passport.chip_key import ChipKey, Scheme
from hardware_sim.passport.faults import Draft
from hardware_sim.passport.office import SIGNERS, LinkKind, ListSigner, Office, Order
from hardware_sim.passport.person import Passport, Person
from hardware_sim.passport.security_object import SecurityObject

__all__ = ["FAULTS", "SIGNERS", "ActiveAuthentication", "Issuer", "Passport", "Person"]

FAULTS: Final = frozenset(
    {
        "dg2_swapped",
        "unknown_issuer",
        "authority_embedded",
        "signed_by_authority",
        "expired",
        "no_private_key",
        "no_chip_authentication",
        "answers_without_dg15",
        "own_keys",
        "own_card_security",
        "card_access_weaker",
        "sod_of_another",
        "sod_digest_unknown",
        "zone_of_another_country",
        *fault_table.SIGNER_FAULTS,
        *fault_table.SIGNATURE_FAULTS,
        *fault_table.CONTENT_FAULTS,
        *fault_table.SHOWN_FAULTS,
    }
)
_ALPHA2: Final = {"UTO": "UT", "D": "DE", "FRA": "FR", "NLD": "NL"}  # a certificate's country has two letters
_CHIP_RSA_BITS: Final = 2048
_CHIP_RSA_KEYS: Final = 2  # shared by all passports of one issuer: making one takes longer than issuing
_EXPIRED_DAYS: Final = 30

ActiveAuthentication = Literal["rsa", "ecdsa"]
PortraitFormat = Literal["19794-5", "39794-5"]
_PLAIN_CHIP: Final = Features()
_PLAIN_SIGNATURE: Final = SecurityObject()
_NO_GROUPS: Final[Mapping[int, bytes]] = MappingProxyType({})


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
        self._office = Office(seed, code=_ALPHA2[country], state=country, today=self._today)
        self._lines = self._office.lines

    def csca_files(self) -> dict[str, bytes]:
        """The country's CSCA certificates, DER, by file name. The stranger behind `unknown_issuer` is not among them."""
        return self._by_line("csca_{}.cer", [line.authority.certificate for line in self._lines])

    def crl_files(self) -> dict[str, bytes]:
        """One revocation list for each CSCA, DER, by file name: issued today, good for 90 days, nobody revoked."""
        return self._by_line("csca_{}.crl", [self.crl(number) for number in range(1, len(self._lines) + 1)])

    def previous_csca_files(self, *, kind: LinkKind = "same_name") -> dict[str, bytes]:
        """The CSCA certificates before the present ones, self-signed, by file name."""
        before = [self._office.previous(number, kind).certificate for number in range(len(self._lines))]
        return self._by_line("csca_{}_before.cer", before)

    def link_certificates(self, *, kind: LinkKind = "same_name") -> dict[str, bytes]:
        """By file name, the certificates with which the previous CSCAs vouch for the present ones' keys."""
        return self._by_line(
            "csca_{}_link.cer", [self._office.link(number, kind) for number in range(len(self._lines))]
        )

    def signer_certificate(self, signer: str = "p256") -> bytes:
        """The certificate of one of `SIGNERS`. Raises ValueError on another name."""
        return self._office.signer(signer).certificate

    def signer_serial(self, signer: str = "p256") -> int:
        """The serial number of one of `SIGNERS`. Raises ValueError on another name."""
        return self._office.signer(signer).serial

    def crl(
        self,
        line: int = 1,
        *,
        number: int = 1,
        revoked: Sequence[int] = (),
        issued_days: int = -1,
        next_update_days: int = 89,
        forged: bool = False,
    ) -> bytes:
        """One revocation list of a line, 1 to 3; `revoked` are serial numbers. A forged one is signed by a stranger."""
        authority = self._lines[line - 1].authority
        if forged:
            authority = replace(authority, key=self._office.stranger.authority.key)
        entries = [(serial, self._office.midnight(issued_days)) for serial in revoked]
        period = self._office.period(issued_days, next_update_days)
        return pki.make_crl(authority, entries, number=number, period=period)

    def master_list(
        self,
        *,
        certificates: Sequence[bytes] | None = None,
        signer: ListSigner = "proper",
        signed_at: datetime | None = None,
    ) -> bytes:
        """A signed list of CSCA certificates; left out, of this country's three and their links."""
        if certificates is None:
            certificates = [*self.csca_files().values(), *self.link_certificates().values()]
        return lists.master_list(certificates, self._publisher(signer, office.MASTER_LIST_SIGNER, signed_at))

    def deviation_list(
        self,
        deviations: Sequence[lists.Deviation],
        *,
        signer: ListSigner = "proper",
        signed_at: datetime | None = None,
    ) -> bytes:
        """A signed list of deviations of this country's documents (ICAO 9303-12)."""
        named = [(one, None if one.signer is None else self._office.signer(one.signer)) for one in deviations]
        return lists.deviation_list(named, self._publisher(signer, office.DEVIATION_LIST_SIGNER, signed_at))

    def defect_list(
        self, defects: Sequence[lists.Defect], *, signer: ListSigner = "proper", signed_at: datetime | None = None
    ) -> bytes:
        """A signed list of defects by document signer (BSI TR-03129)."""
        named = [(defect, self._office.signer(defect.signer)) for defect in defects]
        return lists.defect_list(named, self._publisher(signer, office.DEVIATION_LIST_SIGNER, signed_at))

    def issue(
        self,
        person: Person,
        *,
        portrait_jpeg: bytes,
        other_portrait_jpeg: bytes | None = None,
        faults: frozenset[str] = frozenset(),
        active_authentication: ActiveAuthentication | None = None,
        features: Features = _PLAIN_CHIP,
        document: mrz.Size = "TD3",
        portrait_jp2: bytes | None = None,
        portrait_format: PortraitFormat = "19794-5",
        extra_groups: Mapping[int, bytes] = _NO_GROUPS,
        security_object: SecurityObject = _PLAIN_SIGNATURE,
        signer: str | None = None,
    ) -> Passport:
        """Make one passport. `active_authentication` and `signer` left out mix by document number.

        Raises ValueError on a fault without a name in `FAULTS`, a signer without one in `SIGNERS`, a field that does not
        fit the zone, or a missing or broken portrait.
        """
        if unknown := faults - FAULTS:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        turn = _turn(person.number)
        name = signer or office.LINE_SIGNERS[turn % len(self._lines)]
        lines = self._print_zone(person, document, faults)
        portrait = portrait_jp2 or portrait_jpeg
        draft = Draft(
            lines=lines,
            groups={1: lds.dg1(lines), 2: _portrait_group(portrait, portrait_format)},
            chip_key=self._chip_key(person.number, turn, active_authentication, explicit=name == "brainpool256"),
            abilities=personalise.abilities(features, f"{self._seed}/{person.number}"),
            portrait=portrait,
        )
        self._personalise(draft, features, faults)
        draft.groups.update(extra_groups)
        self._sign(draft, name, document, faults, security_object)
        self._show(draft, person.number, faults, other_portrait_jpeg, features)
        return Passport(draft.lines, _files(draft), draft.chip_key, draft.abilities)

    def _print_zone(self, person: Person, size: mrz.Size, faults: frozenset[str]) -> tuple[str, ...]:
        ended = self._office.midnight(-_EXPIRED_DAYS).date()
        elsewhere = "D" if self._country != "D" else "UTO"
        return mrz.lines(
            issuer=elsewhere if "zone_of_another_country" in faults else self._country,
            surname=person.surname,
            given=person.given,
            number=person.number,
            nationality=person.nationality,
            birth=person.birth,
            sex=person.sex,
            expiry=min(person.expiry, ended) if "expired" in faults else person.expiry,
            size=size,
        )

    def _chip_key(self, number: str, turn: int, wanted: ActiveAuthentication | None, *, explicit: bool) -> ChipKey:
        choice = wanted or ("rsa" if turn // 3 % 2 else "ecdsa")
        if choice == "ecdsa":
            private = keys.elliptic_key(domain.P256, f"{self._seed}/chip/{number}")
            return ChipKey(Scheme.ECDSA_SHA256, private, explicit_curve=explicit)
        scheme = Scheme.RSA_SHA256 if turn // 6 % 2 else Scheme.RSA_SHA1
        return ChipKey(scheme, self._chip_rsa_key(turn))

    def _chip_rsa_key(self, turn: int) -> rsa.RSAPrivateKey:
        return self._office.rsa_key(f"chip/{turn % _CHIP_RSA_KEYS}", _CHIP_RSA_BITS)

    def _another_key(self, key: ChipKey, number: str) -> ChipKey:
        """A key of the same kind that DG15 does not announce."""
        if key.scheme is Scheme.ECDSA_SHA256:
            return ChipKey(key.scheme, keys.elliptic_key(domain.P256, f"{self._seed}/clone/{number}"))
        return ChipKey(key.scheme, next(other for other in map(self._chip_rsa_key, (0, 1)) if other is not key.private))

    @staticmethod
    def _personalise(draft: Draft, features: Features, faults: frozenset[str]) -> None:
        """The files that announce the chip's keys, unless a fault keeps them quiet."""
        key = draft.chip_key
        if faults & {"no_chip_authentication", "answers_without_dg15"}:
            draft.chip_key = None
        personalise.announce(draft, features)
        if "answers_without_dg15" in faults:
            draft.chip_key = key

    def _sign(self, draft: Draft, name: str, size: mrz.Size, faults: frozenset[str], order: SecurityObject) -> None:
        """Hash and sign what the draft holds, with the signer and the mistakes that the faults ask for."""
        fault_table.apply(faults, fault_table.CONTENT_FAULTS, draft)
        signer = self._signer(name, size, faults)
        hashed = dict(draft.groups)
        if "sod_of_another" in faults:
            hashed[1] = lds.dg1(tuple(line[::-1] for line in draft.lines))
        # A second signer lends its certificate, or signs, too.
        second = self._office.signer("p384" if name != "p384" else "p521")
        extra = [self._office.stranger.authority.certificate] if "authority_embedded" in faults else []
        order = fault_table.security_object_of(faults, order)
        draft.security_object = security_objects.sod(hashed, [signer, second], order, extra_certificates=extra)
        draft.listed = sorted(draft.groups)
        if draft.abilities.mapping_keys:
            draft.card_security = security_objects.card_security(
                personalise.card_security_infos(draft.abilities), signer
            )

    def _signer(self, name: str, size: mrz.Size, faults: frozenset[str]) -> pki.DocumentSigner:
        if faults & {"unknown_issuer", "authority_embedded"}:
            return self._office.stranger.signer
        if "signed_by_authority" in faults:
            return self._office.authority_as_signer(name)
        cards = Order(profile=pki.Profile(document_types=("I",)))
        return self._office.signer(name, fault_table.order_of(faults) or (office.USUAL if size == "TD3" else cards))

    def _show(
        self, draft: Draft, number: str, faults: frozenset[str], other_portrait: bytes | None, features: Features
    ) -> None:
        """What the chip then shows and holds, which no signature covers."""
        fault_table.apply(faults, fault_table.SHOWN_FAULTS, draft)
        if "dg2_swapped" in faults:
            if other_portrait is None:
                raise ValueError("dg2_swapped needs the other portrait")
            draft.groups[2] = lds.dg2(other_portrait)
        if faults & {"no_private_key", "own_keys"} and draft.chip_key is not None:
            draft.chip_key = self._another_key(draft.chip_key, number)
        clone_seed = f"{self._seed}/clone/{number}"
        if faults & {"no_private_key", "own_keys", "own_card_security"}:
            draft.abilities = personalise.with_other_keys(draft.abilities, clone_seed)
        if "own_keys" in faults:
            personalise.announce(draft, features)
        if "own_card_security" in faults and draft.card_security is not None:
            infos = personalise.card_security_infos(draft.abilities)
            draft.card_security = security_objects.card_security(infos, self._office.stranger.signer)
        if "card_access_weaker" in faults and features.pace:
            draft.card_access = personalise.card_access([personalise.WEAK_PACE])
            draft.abilities = replace(draft.abilities, pace=(*draft.abilities.pace, personalise.WEAK_PACE))

    def _publisher(self, kind: ListSigner, usage: str, signed_at: datetime | None) -> lists.Publisher:
        signer, authority = self._office.list_signer(kind, usage)
        return lists.publisher(
            signer, authority.certificate, signed_at=signed_at or self._office.midnight(0), broken=kind == "broken"
        )

    def _by_line(self, pattern: str, contents: Sequence[bytes]) -> dict[str, bytes]:
        return {f"{self._country}_{pattern.format(index)}": made for index, made in enumerate(contents, start=1)}


def _portrait_group(portrait: bytes, wanted: PortraitFormat) -> bytes:
    return lds.dg2(portrait) if wanted == "19794-5" else lds.dg2_39794(portrait)


def _files(draft: Draft) -> Mapping[str, bytes]:
    named = {f"EF_DG{number}": content for number, content in draft.groups.items()}
    if draft.listed is not None:
        named = {"EF_COM": lds.com(draft.listed), **named}
    free = {"EF_CARD_ACCESS": draft.card_access, "EF_CARD_SECURITY": draft.card_security}
    present = {name: content for name, content in free.items() if content is not None}
    return MappingProxyType({"EF_SOD": draft.security_object, **named, **present})


def _turn(number: str) -> int:
    return hashlib.sha256(number.encode()).digest()[0]
