"""Arithmetic in Diffie-Hellman groups: points of a prime curve, powers modulo a prime.

An element is its encoding, the same interface for both kinds: an uncompressed point (BSI TR-03111 §3.2.1), or an
unsigned integer without leading zeros (BSI TR-03110-3 §D.2.1.1). Not constant time: the keys are a simulation's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from hardware_sim.passport.domain import Curve, ModularField

_UNCOMPRESSED: Final = 0x04
_Jacobian: TypeAlias = tuple[int, int, int]  # (x·z², y·z³, z); z = 0 is infinity
_INFINITY: Final[_Jacobian] = (1, 1, 0)


class NotInGroupError(ValueError):
    """The bytes are not an element of the group, or are the neutral element where it is not permitted."""


class Group(Protocol):
    """Group operations of PACE and Chip Authentication. All raise NotInGroupError on bytes that are not an element."""

    @property
    def order(self) -> int:
        """Return the prime order of the generator."""

    @property
    def generator(self) -> bytes:
        """Return the standard generator, encoded."""

    def multiply(self, element: bytes, scalar: int) -> bytes:
        """Return scalar times element, or element to the power of scalar."""

    def add(self, one: bytes, other: bytes) -> bytes:
        """Return the result of the group operation on two elements."""

    def secret(self, element: bytes) -> bytes:
        """Return the part of a shared element that keys are derived from (ICAO 9303-11 §9.4)."""

    def map_number(self, number: int) -> bytes:
        """Return an element whose logarithm is unknown (ICAO 9303-11 §B.1 and §B.2)."""


def group_of(domain: Curve | ModularField) -> Group:
    """Return the group that these domain parameters define."""
    return EllipticGroup(domain) if isinstance(domain, Curve) else ModularGroup(domain)


@dataclass(frozen=True, slots=True)
class EllipticGroup:
    """The points of a prime curve of cofactor 1."""

    curve: Curve

    @property
    def order(self) -> int:
        """Return the prime order of every point except infinity."""
        return self.curve.n

    @property
    def generator(self) -> bytes:
        """Return the curve's own generator."""
        return self._encode((self.curve.x, self.curve.y, 1))

    def multiply(self, element: bytes, scalar: int) -> bytes:
        """Return scalar times point, by doubling and adding. Raises NotInGroupError, also if the result is infinity."""
        point, total = self._decode(element), _INFINITY
        for bit in f"{scalar % self.curve.n:b}":
            total = self._double(total)
            if bit == "1":
                total = self._add(total, point)
        return self._encode(total)

    def add(self, one: bytes, other: bytes) -> bytes:
        """Return the sum of two points. Raises NotInGroupError, also when the result is infinity."""
        return self._encode(self._add(self._decode(one), self._decode(other)))

    def secret(self, element: bytes) -> bytes:
        """Return the x-coordinate of a point."""
        self._decode(element)
        return element[1 : 1 + self.curve.size_bytes]

    def map_number(self, number: int) -> bytes:
        """Return the simplified Shallue-van de Woestijne-Ulas encoding of ICAO 9303-11 §B.2, for p ≡ 3 mod 4."""
        p, a, b = self.curve.p, self.curve.a, self.curve.b
        alpha = -number * number % p
        x2 = -b * pow(a, -1, p) * (1 + pow(alpha + alpha * alpha, -1, p)) % p
        x3 = alpha * x2 % p
        h2 = (x2 * x2 * x2 + a * x2 + b) % p
        root = pow(h2, p - 1 - (p + 1) // 4, p)  # 1 / √h2 when h2 is a square
        if root * root * h2 % p == 1:
            return self._encode((x2, root * h2 % p, 1))
        return self._encode((x3, root * pow(number, 3, p) * h2 % p, 1))

    def _decode(self, element: bytes) -> _Jacobian:
        size, p = self.curve.size_bytes, self.curve.p
        if len(element) != 1 + 2 * size or element[0] != _UNCOMPRESSED:
            raise NotInGroupError("not an uncompressed point of this curve's size")
        x, y = int.from_bytes(element[1 : 1 + size]), int.from_bytes(element[1 + size :])
        if x >= p or y >= p or (y * y - x * x * x - self.curve.a * x - self.curve.b) % p:
            raise NotInGroupError("the point is not on the curve")
        return x, y, 1

    def _encode(self, point: _Jacobian) -> bytes:
        x, y, z = point
        p, size = self.curve.p, self.curve.size_bytes
        if z % p == 0:
            raise NotInGroupError("the point at infinity")
        inverse = pow(z, -1, p)
        affine_x, affine_y = x * inverse**2 % p, y * inverse**3 % p
        return bytes((_UNCOMPRESSED,)) + affine_x.to_bytes(size) + affine_y.to_bytes(size)

    def _double(self, point: _Jacobian) -> _Jacobian:
        x, y, z = point
        p = self.curve.p
        squared = y * y % p
        s = 4 * x * squared % p
        m = (3 * x * x + self.curve.a * pow(z, 4, p)) % p
        doubled = (m * m - 2 * s) % p
        return doubled, (m * (s - doubled) - 8 * squared * squared) % p, 2 * y * z % p

    def _add(self, one: _Jacobian, other: _Jacobian) -> _Jacobian:
        """Return the sum of two points; `other` is not infinity."""
        (x1, y1, z1), (x2, y2, z2) = one, other
        p = self.curve.p
        if z1 == 0:
            return other
        u1, u2 = x1 * z2 * z2 % p, x2 * z1 * z1 % p
        s1, s2 = y1 * z2**3 % p, y2 * z1**3 % p
        h, r = (u2 - u1) % p, (s2 - s1) % p
        if h == 0:
            return self._double(one) if r == 0 else _INFINITY
        h2, h3 = h * h % p, h * h * h % p
        x3 = (r * r - h3 - 2 * u1 * h2) % p
        return x3, (r * (u1 * h2 - x3) - s1 * h3) % p, h * z1 * z2 % p


@dataclass(frozen=True, slots=True)
class ModularGroup:
    """The powers of a generator modulo a prime."""

    field: ModularField

    @property
    def order(self) -> int:
        """Return the prime order of the generator."""
        return self.field.q

    @property
    def generator(self) -> bytes:
        """Return the standard's generator."""
        return self._encode(self.field.g)

    def multiply(self, element: bytes, scalar: int) -> bytes:
        """Return element to the power of scalar. Raises NotInGroupError, also when the result is 1."""
        return self._encode(pow(self._decode(element), scalar, self.field.p))

    def add(self, one: bytes, other: bytes) -> bytes:
        """Return the product modulo the prime. Raises NotInGroupError, also when it is 1."""
        return self._encode(self._decode(one) * self._decode(other) % self.field.p)

    def secret(self, element: bytes) -> bytes:
        """Return the whole number, padded to the length of the prime (RFC 2631 §2.1.2)."""
        return self._decode(element).to_bytes(self.field.size_bytes)

    def map_number(self, number: int) -> bytes:
        """Return the number to the power of the cofactor (ICAO 9303-11 §B.1). Raises NotInGroupError for 0 and 1."""
        p = self.field.p
        return self._encode(pow(number, (p - 1) // self.field.q, p))

    def _decode(self, element: bytes) -> int:
        number = int.from_bytes(element)
        if len(element) > self.field.size_bytes or not 1 < number < self.field.p - 1:
            raise NotInGroupError("not a number between 1 and the prime")
        if pow(number, self.field.q, self.field.p) != 1:
            raise NotInGroupError("the number is outside the subgroup")
        return number

    def _encode(self, number: int) -> bytes:
        if number <= 1:
            raise NotInGroupError("the neutral element")
        return number.to_bytes((number.bit_length() + 7) // 8)
