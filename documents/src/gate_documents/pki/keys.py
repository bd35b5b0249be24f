"""Public keys: RSA, and elliptic curves named or with explicit parameters.

ICAO 9303-12 §4.4 requires explicit parameters. They count as a known curve only if every one of them is the curve's,
including generator and cofactor: an attacker who chooses the generator can make a private key for any public key
(CVE-2020-0601).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Final

from asn1crypto import keys

from gate_documents.errors import AlgorithmUnknownError, MalformedError
from gate_documents.pki.asn1 import NULL, SEQUENCE, load, only, parts_of, reading
from gate_documents.pki.curve_table import PARAMETERS
from gate_documents.pki.pss import PssParameters, read_pss

CURVES_KEPT_MAX: Final = 64
PARAMETERS_BYTES_MAX: Final = 1024  # those of the longest curves take up 600
RSA_BITS_MAX: Final = 8192
RSA_BITS_MIN: Final = 1024
RSA_EXPONENT_BITS_MAX: Final = 64
_RSA: Final = "1.2.840.113549.1.1.1"
_RSA_PSS: Final = "1.2.840.113549.1.1.10"


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve by its SECG or Brainpool name. `size_bytes` is the length of one coordinate."""

    name: str
    size_bytes: int
    order: int


@dataclass(frozen=True, slots=True)
class RsaKey:
    """An RSA public key. `pss_only`: it verifies nothing else; `restricted_to`: only with these parameters (RFC 4055 §1.2)."""

    modulus: int
    exponent: int
    pss_only: bool = False
    restricted_to: PssParameters | None = None

    @property
    def size_bytes(self) -> int:
        """The length of a signature."""
        return (self.modulus.bit_length() + 7) // 8


@dataclass(frozen=True, slots=True)
class EcKey:
    """A point, encoded as in SEC 1, on a known curve. Whether it lies on the curve is checked when the key is used."""

    curve: Curve
    point: bytes


PublicKey = RsaKey | EcKey


def parse_public_key(spki: bytes) -> PublicKey:
    """Read a SubjectPublicKeyInfo. Raises MalformedError, or AlgorithmUnknownError for other kinds, sizes and curves."""
    info = load(keys.PublicKeyInfo, spki, "a public key")
    with reading("a public key"):
        algorithm = info["algorithm"]["algorithm"].dotted
        if algorithm in (_RSA, _RSA_PSS):
            numbers = info["public_key"].parsed
            key = _rsa(int(numbers["modulus"].native), int(numbers["public_exponent"].native))
            return key if algorithm == _RSA else _for_pss(key, spki)
        if algorithm == "1.2.840.10045.2.1":
            return EcKey(_curve_of(info["algorithm"]["parameters"].dump()), bytes(info["public_key"]))
    raise AlgorithmUnknownError(f"public key algorithm {algorithm}")


def _for_pss(key: RsaKey, spki: bytes) -> RsaKey:
    """Return the key with its own algorithm's parameters. Without them it may have any; some issuers write NULL for that."""
    algorithm, _ = parts_of(only(spki, "a public key"), SEQUENCE)
    _, *parameters = parts_of(algorithm, SEQUENCE)
    said = [one for one in parameters if one.encoded != NULL]
    return replace(key, pss_only=True, restricted_to=read_pss(said[0].encoded) if said else None)


def _rsa(modulus: int, exponent: int) -> RsaKey:
    if not RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX:
        raise AlgorithmUnknownError(f"an RSA modulus of {modulus.bit_length()} bits")
    if (
        modulus < 0
        or not modulus & 1
        or exponent < 3
        or not exponent & 1
        or exponent.bit_length() > RSA_EXPONENT_BITS_MAX
    ):
        raise MalformedError("RSA numbers that cannot be a key")
    return RsaKey(modulus, exponent)


@lru_cache(maxsize=CURVES_KEPT_MAX)
def _curve_of(encoded: bytes) -> Curve:
    """Return the curve named or defined by the algorithm's parameters. Cached: a country's keys share their parameters."""
    parameters = load(keys.ECDomainParameters, encoded, "curve parameters", bytes_max=PARAMETERS_BYTES_MAX)
    if parameters.name == "named":
        curve = _curves_by_oid().get(parameters.chosen.dotted)
        if curve is None:
            raise AlgorithmUnknownError(f"curve {parameters.chosen.dotted}")
        return curve
    if parameters.name != "specified":
        raise AlgorithmUnknownError("curve parameters that are left to someone else")
    return _explicit(parameters.chosen)


def _explicit(domain: Any) -> Curve:  # noqa: ANN401 - asn1crypto is untyped
    """The known curve with exactly these parameters (SEC 1 §C.2). Raises AlgorithmUnknownError for any other."""
    if domain["field_id"]["field_type"].dotted != "1.2.840.10045.1.1":
        raise AlgorithmUnknownError("a curve over a field that is not prime")
    prime = int(domain["field_id"]["parameters"].native)
    a, b = (int.from_bytes(bytes(domain["curve"][name]), "big") for name in ("a", "b"))
    base, order = bytes(domain["base"]), int(domain["order"].native)
    cofactor = domain["cofactor"].native
    for name, (_, *known) in PARAMETERS.items():
        p, known_a, known_b, x, y, n, h = known
        if (prime, a, b, order) != (p, known_a, known_b, n):
            continue
        if cofactor not in (None, h) or not _is_point(base, x, y, (p.bit_length() + 7) // 8):
            raise AlgorithmUnknownError(f"parameters that are those of {name} but for generator or cofactor")
        return _curves()[name]
    raise AlgorithmUnknownError("explicit curve parameters of no known curve")


def _is_point(encoded: bytes, x: int, y: int, size: int) -> bool:
    """True when `encoded` is this point, uncompressed or compressed (SEC 1 §2.3.3)."""
    x_bytes = x.to_bytes(size, "big")
    return encoded in (b"\x04" + x_bytes + y.to_bytes(size, "big"), bytes([2 + (y & 1)]) + x_bytes)


@cache
def _curves() -> dict[str, Curve]:
    return {name: Curve(name, (p.bit_length() + 7) // 8, n) for name, (_, p, _, _, _, _, n, _) in PARAMETERS.items()}


@cache
def _curves_by_oid() -> dict[str, Curve]:
    return {oid: _curves()[name] for name, (oid, *_) in PARAMETERS.items()}
