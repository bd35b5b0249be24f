"""The groups for key agreement of chip and terminal: prime curves and prime fields (ICAO 9303-11 §9.5, TR-03111 §4).

An element is represented by its encoding: an uncompressed point, or a number without leading zeros. Every element from
a chip is checked before use: on the curve, in the subgroup, and not the neutral element. PACE needs its own generators,
which OpenSSL does not support, so the curves are `ecdsa`'s. It does not run in constant time; private keys here are
made for one run and forgotten.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from ecdsa.ellipticcurve import INFINITY, CurveFp, PointJacobi

from gate_documents.access.field_table import FIELDS
from gate_documents.errors import AlgorithmUnknownError, MalformedError
from gate_documents.pki.curve_table import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Callable

POINT_TAG: Final = 0x86
_UNCOMPRESSED: Final = 0x04
_DRAWS_MAX: Final = 128  # a draw is in range at least every other time
_CURVES: Final = {
    8: "secp192r1",
    9: "brainpoolP192r1",
    10: "secp224r1",
    11: "brainpoolP224r1",
    12: "secp256r1",
    13: "brainpoolP256r1",
    14: "brainpoolP320r1",
    15: "secp384r1",
    16: "brainpoolP384r1",
    17: "brainpoolP512r1",
    18: "secp521r1",
}


class Group(Protocol):
    """The group operations of key agreement. Invalid and neutral elements raise MalformedError."""

    @property
    def name(self) -> str:
        """A name for the inspection's record."""
        ...

    @property
    def order(self) -> int:
        """Private keys are below it."""
        ...

    @property
    def prime(self) -> int:
        """The prime of the field."""
        ...

    @property
    def generator(self) -> bytes:
        """The standard generator."""
        ...

    @property
    def key_tag(self) -> int:
        """The tag of an element in a public key data object (ICAO 9303-11 §9.4.4, TR-03110-3 §D.3)."""
        ...

    def multiply(self, element: bytes, scalar: int) -> bytes:
        """Return the element multiplied by the scalar."""
        ...

    def add(self, one: bytes, other: bytes) -> bytes:
        """The operation of the group."""
        ...

    def secret(self, element: bytes) -> bytes:
        """Return the part of a common element from which keys are derived, always as long as the prime."""
        ...

    def element_of(self, number: int) -> bytes:
        """Return an element with an unknown logarithm, for integrated mapping (ICAO 9303-11 §B)."""
        ...


@cache
def standard_group(parameter_id: int) -> Group:
    """The group of standardised domain parameters (ICAO 9303-11 §9.5.1). Raises AlgorithmUnknownError."""
    if parameter_id in FIELDS:
        prime, generator, order = FIELDS[parameter_id]
        return FieldGroup(f"modp-{prime.bit_length()}-{order.bit_length()}", prime, generator, order, proper=True)
    if parameter_id in _CURVES:
        return curve_group(_CURVES[parameter_id])
    raise AlgorithmUnknownError(f"domain parameters {parameter_id}")


@cache
def curve_group(name: str) -> CurveGroup:
    """The group of a curve of the table, by its name."""
    _, p, a, b, x, y, order, cofactor = PARAMETERS[name]
    curve = CurveFp(p, a, b, cofactor)
    return CurveGroup(name, curve, PointJacobi(curve, x, y, 1, order))


def compressed(group: Group, element: bytes) -> bytes:
    """Return an ephemeral key's representation in Terminal Authentication (TR-03110-3 §A.2.2.3): a point's first coordinate, else a hash."""
    if group.key_tag == POINT_TAG:
        return group.secret(element)
    return hashlib.sha1(element, usedforsecurity=False).digest()


def private_key(group: Group, random: Callable[[int], bytes]) -> int:
    """Return a uniformly random number from 1 to the order."""
    bits = (group.order - 1).bit_length()
    for _ in range(_DRAWS_MAX):
        number = int.from_bytes(random((bits + 7) // 8), "big") & ((1 << bits) - 1)
        if 0 < number < group.order:
            return number
    raise ValueError("randomness that is none")


@dataclass(frozen=True, slots=True)
class CurveGroup:
    """The points of a prime curve whose cofactor is one, so that every point but infinity generates all."""

    name: str
    _curve: CurveFp
    _generator: PointJacobi

    @property
    def order(self) -> int:
        """The number of points."""
        return int(self._generator.order())

    @property
    def prime(self) -> int:
        """The prime of the coordinates' field."""
        return int(self._curve.p())

    @property
    def generator(self) -> bytes:
        """The curve's generator."""
        return self._encode(self._generator)

    @property
    def key_tag(self) -> int:
        """A public point."""
        return POINT_TAG

    def multiply(self, element: bytes, scalar: int) -> bytes:
        """Return the point multiplied by the scalar."""
        return self._encode(self._decode(element) * scalar)

    def add(self, one: bytes, other: bytes) -> bytes:
        """The sum of two points."""
        return self._encode(self._decode(one) + self._decode(other))

    def secret(self, element: bytes) -> bytes:
        """The first coordinate."""
        self._decode(element)
        return element[1 : 1 + self._size_bytes]

    def element_of(self, number: int) -> bytes:
        """The point encoding of ICAO 9303-11 §B.2, for primes that leave 3 when divided by 4."""
        p, a, b = self.prime, int(self._curve.a()), int(self._curve.b())
        if p % 4 != 3:
            raise AlgorithmUnknownError(f"integrated mapping on {self.name}")
        alpha = -number * number % p
        if (alpha + alpha * alpha) % p == 0:
            raise MalformedError("a number that leads to no point")
        x_2 = -b * pow(a, -1, p) * (1 + pow(alpha + alpha * alpha, -1, p)) % p
        x_3 = alpha * x_2 % p
        h_2 = (pow(x_2, 3, p) + a * x_2 + b) % p
        root = pow(h_2, p - 1 - (p + 1) // 4, p)
        if root * root * h_2 % p == 1:
            return self._encode(PointJacobi(self._curve, x_2, root * h_2 % p, 1, self.order))
        y_3 = root * pow(number, 3, p) * h_2 % p
        return self._encode(PointJacobi(self._curve, x_3, y_3, 1, self.order))

    @property
    def _size_bytes(self) -> int:
        return (self.prime.bit_length() + 7) // 8

    def _decode(self, element: bytes) -> PointJacobi:
        size = self._size_bytes
        if len(element) != 1 + 2 * size or element[0] != _UNCOMPRESSED:
            raise MalformedError("not an uncompressed point of the agreed curve")
        x, y = int.from_bytes(element[1 : 1 + size], "big"), int.from_bytes(element[1 + size :], "big")
        if max(x, y) >= self.prime or not self._curve.contains_point(x, y):
            raise MalformedError("a point that is not on the curve")
        return PointJacobi(self._curve, x, y, 1, self.order)

    def _encode(self, point: PointJacobi) -> bytes:
        if point == INFINITY:
            raise MalformedError("the point at infinity")
        affine = point.to_affine()
        size = self._size_bytes
        return bytes((_UNCOMPRESSED,)) + int(affine.x()).to_bytes(size, "big") + int(affine.y()).to_bytes(size, "big")


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """The powers of a generator below a prime. `proper`: its order is known, and elements are checked against it."""

    name: str
    prime: int
    base: int
    order: int
    proper: bool

    @property
    def generator(self) -> bytes:
        """The standard's generator."""
        return self._encode(self.base)

    @property
    def key_tag(self) -> int:
        """A public number."""
        return 0x84

    def multiply(self, element: bytes, scalar: int) -> bytes:
        """The number to the power of the scalar."""
        return self._encode(pow(self._decode(element), scalar, self.prime))

    def add(self, one: bytes, other: bytes) -> bytes:
        """The product."""
        return self._encode(self._decode(one) * self._decode(other) % self.prime)

    def secret(self, element: bytes) -> bytes:
        """The whole number (RFC 2631 §2.1.2)."""
        return self._decode(element).to_bytes((self.prime.bit_length() + 7) // 8, "big")

    def element_of(self, number: int) -> bytes:
        """The number to the power of the cofactor (ICAO 9303-11 §B.1)."""
        return self._encode(pow(number, (self.prime - 1) // self.order, self.prime))

    def _decode(self, element: bytes) -> int:
        number = int.from_bytes(element, "big")
        if len(element) > (self.prime.bit_length() + 7) // 8 or not 1 < number < self.prime - 1:
            raise MalformedError("not a number between 1 and the prime")
        if self.proper and pow(number, self.order, self.prime) != 1:
            raise MalformedError("a number outside the subgroup")
        return number

    def _encode(self, number: int) -> bytes:
        if not 1 < number < self.prime - 1:
            raise MalformedError("the neutral element, or its negative")
        return number.to_bytes((number.bit_length() + 7) // 8, "big")
