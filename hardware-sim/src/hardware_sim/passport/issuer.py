"""Issues passports: signed files and the chip's private keys, genuine or with named faults.

One country has three lines of CSCA and document signer (P-256 by name, brainpoolP256r1 by explicit parameters, RSA).
The document number selects the line, so that a few passports cover all three. Each further option is an argument.
Seed and day determine the result, except for RSA keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import rsa

from hardware_sim.passport import domain, keys, lds, mrz, office, personalise, pki, terminals
from hardware_sim.passport import faults as fault_table
from hardware_sim.passport import security_object as security_objects
from hardware_sim.passport.abilities import Abilities, Features
from hardware_sim.passport.chip_key import ChipKey, Scheme
from hardware_sim.passport.faults import Draft
from hardware_sim.passport.office import Order
from hardware_sim.passport.publications import Publications
from hardware_sim.passport.security_object import SecurityObject

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


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """The holder of a passport. `sex` is M, F or X; `nationality` the MRZ's three-letter code. Has no useful repr."""

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
    """The printed lines (`mrz_lines`), the chip's files by name (EF_COM, EF_SOD, EF_DG1 …) and its private keys."""

    mrz_lines: tuple[str, ...] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    chip_key: ChipKey | None = field(repr=False)
    abilities: Abilities = field(default=Abilities(), repr=False)


_CHIP_RSA_BITS: Final = 2048
_CHIP_RSA_KEYS: Final = 2  # all passports of one issuer share them: generating a key takes longer than issuing
_EXPIRED_DAYS: Final = 30

ActiveAuthentication = Literal["rsa", "ecdsa"]
PortraitFormat = Literal["19794-5", "39794-5"]
_PLAIN_CHIP: Final = Features()
_PLAIN_SIGNATURE: Final = SecurityObject()
_NO_GROUPS: Final[Mapping[int, bytes]] = MappingProxyType({})


class Issuer(Publications):
    """A country that issues passports.

    Take certificates and passports from the same object: another object of the same seed has other RSA keys.
    """

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
        """Issue one passport. The document number determines `active_authentication` and `signer` where they are None.

        Raises ValueError on a fault that is not in `FAULTS`, a signer that is not in `SIGNERS`, a field that does not
        fit the MRZ, or a missing or broken portrait.
        """
        if unknown := faults - FAULTS:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        turn = _turn(person.number)
        name = signer or office.LINE_SIGNERS[turn % len(self._lines)]
        lines = self._print_mrz(person, document, faults)
        portrait = portrait_jp2 or portrait_jpeg
        draft = Draft(
            lines=lines,
            groups={1: lds.dg1(lines), 2: _portrait_group(portrait, portrait_format)},
            chip_key=self._chip_key(person.number, turn, active_authentication, explicit=name == "brainpool256"),
            abilities=personalise.abilities(features, f"{self._seed}/{person.number}"),
            portrait=portrait,
        )
        self._personalise(draft, features, faults)
        if features.terminal_authentication:
            authority = self._terminal_party("authority", features.terminal_algorithm)
            trusted = terminals.trust_point(authority, self._today)
            draft.abilities = replace(draft.abilities, trust_point=trusted)
        draft.groups.update(extra_groups)
        self._sign(draft, name, document, faults, security_object)
        self._show(draft, person.number, faults, other_portrait_jpeg, features)
        files = _files(draft)
        if features.terminal_authentication:
            authority = self._terminal_party("authority", features.terminal_algorithm)
            files = MappingProxyType({**files, "EF_CVCA": terminals.cvca_file(authority)})
        return Passport(draft.lines, files, draft.chip_key, draft.abilities)

    def _print_mrz(self, person: Person, size: mrz.Size, faults: frozenset[str]) -> tuple[str, ...]:
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
        """Return a key of the same kind that DG15 does not announce."""
        if key.scheme is Scheme.ECDSA_SHA256:
            return ChipKey(key.scheme, keys.elliptic_key(domain.P256, f"{self._seed}/clone/{number}"))
        return ChipKey(key.scheme, next(other for other in map(self._chip_rsa_key, (0, 1)) if other is not key.private))

    @staticmethod
    def _personalise(draft: Draft, features: Features, faults: frozenset[str]) -> None:
        """Write the files that announce the chip's keys, unless a fault suppresses them."""
        key = draft.chip_key
        if faults & {"no_chip_authentication", "answers_without_dg15"}:
            draft.chip_key = None
        personalise.announce(draft, features)
        if "answers_without_dg15" in faults:
            draft.chip_key = key

    def _sign(self, draft: Draft, name: str, size: mrz.Size, faults: frozenset[str], order: SecurityObject) -> None:
        """Hash and sign the draft's files, with the signer and the mistakes that the faults require."""
        fault_table.apply(faults, fault_table.CONTENT_FAULTS, draft)
        signer = self._signer(name, size, faults)
        hashed = dict(draft.groups)
        if "sod_of_another" in faults:
            hashed[1] = lds.dg1(tuple(line[::-1] for line in draft.lines))
        # A second signer adds its certificate, or also signs.
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
        """Set the files and keys of the chip that no signature covers."""
        fault_table.apply(faults, fault_table.SHOWN_FAULTS, draft)
        if "dg2_swapped" in faults:
            if other_portrait is None:
                raise ValueError("dg2_swapped needs the other portrait")
            draft.groups[2] = lds.dg2(other_portrait)
        if faults & {"no_private_key", "own_keys"} and draft.chip_key is not None:
            draft.chip_key = self._another_key(draft.chip_key, number)
        clone_seed = f"{self._seed}/clone/{number}"
        if faults & {"no_private_key", "own_keys"}:
            draft.abilities = personalise.with_other_agreement_keys(draft.abilities, clone_seed)
        if faults & {"no_private_key", "own_card_security"}:
            draft.abilities = personalise.with_other_mapping_keys(draft.abilities, clone_seed)
        if "own_keys" in faults:
            personalise.announce(draft, features)
        if "own_card_security" in faults and draft.card_security is not None:
            infos = personalise.card_security_infos(draft.abilities)
            draft.card_security = security_objects.card_security(infos, self._office.stranger.signer)
        if "card_access_weaker" in faults and features.pace:
            draft.card_access = personalise.card_access([personalise.WEAK_PACE])
            draft.abilities = replace(draft.abilities, pace=(*draft.abilities.pace, personalise.WEAK_PACE))


def _portrait_group(portrait: bytes, wanted: PortraitFormat) -> bytes:
    return lds.dg2(portrait) if wanted == "19794-5" else lds.dg2_39794(portrait)


def _files(draft: Draft) -> Mapping[str, bytes]:
    named = {f"EF_DG{number}": content for number, content in draft.groups.items()}
    if draft.listed is not None:
        named = {
            "EF_COM": lds.com(draft.listed, more_tags=draft.nobodys_tags, with_unicode=draft.unicode_named),
            **named,
        }
    free = {"EF_CARD_ACCESS": draft.card_access, "EF_CARD_SECURITY": draft.card_security}
    present = {name: content for name, content in free.items() if content is not None}
    return MappingProxyType({"EF_SOD": draft.security_object, **named, **present})


def _turn(number: str) -> int:
    return hashlib.sha256(number.encode()).digest()[0]
