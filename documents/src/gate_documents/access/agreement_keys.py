"""Parses the group of a key agreement: from an algorithm identifier, or with a public key (ICAO 9303-11 §9.4, §9.5).

Curves are known ones, named or with explicit parameters. Prime fields are standardised, or any other of a size that is
safe and fast enough. Only the issuer vouches for a document's own field, so the caller must verify its signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asn1crypto import core

from gate_documents.access.field_table import FIELDS
from gate_documents.access.groups import FieldGroup, Group, curve_group, standard_group
from gate_documents.errors import AlgorithmUnknownError, MalformedError
from gate_documents.pki.asn1 import load, reading
from gate_documents.pki.keys import EcKey, parse_public_key

PRIME_BITS_MIN: Final = 1024
PRIME_BITS_MAX: Final = 3072  # one power holds the lane's loop: 70 ms in the longest of these, 160 ms with 4,096 bits
_ORDER_BITS_MIN: Final = 160
# If the order is unknown: more than twice the strength of the largest field.
_PRIVATE_BITS: Final = 384
_STANDARDISED: Final = "0.4.0.127.0.7.1.2"
_X9_42: Final = "1.2.840.10046.2.1"
_PKCS_3: Final = "1.2.840.113549.1.3.1"


class _Algorithm(core.Sequence):  # type: ignore[misc] # asn1crypto is untyped
    _fields = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]  # noqa: RUF012


class _PublicKey(core.Sequence):  # type: ignore[misc]
    _fields = [("algorithm", _Algorithm), ("key", core.OctetBitString)]  # noqa: RUF012


class _Field(core.Sequence):  # type: ignore[misc]
    """PKCS #3 has a length in the third place, X9.42 the order."""

    _fields = [  # noqa: RUF012
        ("prime", core.Integer),
        ("base", core.Integer),
        ("third", core.Integer, {"optional": True}),
        ("fourth", core.Any, {"optional": True}),
        ("fifth", core.Any, {"optional": True}),
    ]


@dataclass(frozen=True, slots=True)
class AgreementKey:
    """A chip's static public key and its group."""

    group: Group
    element: bytes


def parse_agreement_key(spki: bytes) -> AgreementKey:
    """Read a SubjectPublicKeyInfo. Raises MalformedError or AlgorithmUnknownError."""
    info = load(_PublicKey, spki, "a key of the chip")
    with reading("a key of the chip"):
        algorithm, key = info["algorithm"], bytes(info["key"])
        name = algorithm["algorithm"].dotted
        if name == _STANDARDISED:
            group = standard_group(int(algorithm["parameters"].parse(core.Integer).native))
            return AgreementKey(group, _number(key) if isinstance(group, FieldGroup) else key)
        if name in (_X9_42, _PKCS_3):
            return AgreementKey(_field(algorithm), _number(key))
    return AgreementKey(_curve_group(spki), key)


def group_of_algorithm(algorithm: bytes) -> Group:
    """Return the group of an AlgorithmIdentifier in DER. Raises MalformedError or AlgorithmUnknownError."""
    parsed = load(_Algorithm, algorithm, "domain parameters")
    with reading("domain parameters"):
        name = parsed["algorithm"].dotted
        if name == _STANDARDISED:
            return standard_group(int(parsed["parameters"].parse(core.Integer).native))
        if name in (_X9_42, _PKCS_3):
            return _field(parsed)
        return _curve_group(_PublicKey({"algorithm": parsed, "key": b"\x04"}).dump())


def _curve_group(spki: bytes) -> Group:
    key = parse_public_key(spki)
    if not isinstance(key, EcKey):
        raise AlgorithmUnknownError("a key that no agreement is made with")
    return curve_group(key.curve.name)


def _number(key: bytes) -> bytes:
    """Return the public number without leading zeros. It is checked when it is used."""
    value = int(core.Integer.load(key, strict=True).native)
    if value < 1:
        raise MalformedError("a public number that is none")
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _field(algorithm: Any) -> Group:  # noqa: ANN401 - asn1crypto is untyped
    parsed = algorithm["parameters"].parse(_Field)
    prime, base = int(parsed["prime"].native), int(parsed["base"].native)
    third = parsed["third"].native
    for parameter_id, (known_prime, known_base, _) in FIELDS.items():
        if (prime, base) == (known_prime, known_base):
            return standard_group(parameter_id)
    if not PRIME_BITS_MIN <= prime.bit_length() <= PRIME_BITS_MAX:
        raise AlgorithmUnknownError(f"a prime of {prime.bit_length()} bits")
    if not prime & 1 or not 1 < base < prime - 1:
        raise MalformedError("numbers that are no field")
    name = f"modp-{prime.bit_length()}"
    if algorithm["algorithm"].dotted == _PKCS_3 or third is None:
        return FieldGroup(name, prime, base, 1 << _PRIVATE_BITS, proper=False)
    order = int(third)
    if order.bit_length() < _ORDER_BITS_MIN or (prime - 1) % order:
        raise MalformedError("an order that is none")
    return FieldGroup(f"{name}-{order.bit_length()}", prime, base, order, proper=True)
