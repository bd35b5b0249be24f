"""Standardised domain parameters: curves and groups for key agreement with a chip (ICAO 9303-11 §9.5.1, table 6).

Numbers only, in `domain.toml`, copied from FIPS 186-4, RFC 5639 and RFC 5114. `groups` and `pki` calculate with them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Curve:
    """A prime curve y² = x³ + ax + b with generator (x, y) of order n and cofactor 1; `name` is its common name."""

    oid: str
    name: str
    p: int = field(repr=False)
    a: int = field(repr=False)
    b: int = field(repr=False)
    x: int = field(repr=False)
    y: int = field(repr=False)
    n: int = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """Return the length of a coordinate in bytes."""
        return (self.p.bit_length() + 7) // 8


@dataclass(frozen=True, slots=True)
class ModularField:
    """The integers modulo the prime `p`, with a subgroup of prime order `q` and generator `g`."""

    name: str
    p: int = field(repr=False)
    g: int = field(repr=False)
    q: int = field(repr=False)

    @property
    def size_bytes(self) -> int:
        """Return the length of a number below `p` in bytes."""
        return (self.p.bit_length() + 7) // 8


def _read(table: Mapping[str, str]) -> Curve | ModularField:
    numbers = {key: int("".join(digits.split()), 16) for key, digits in table.items() if key not in {"oid", "name"}}
    return Curve(table["oid"], table["name"], **numbers) if "oid" in table else ModularField(table["name"], **numbers)


_TABLES: Final = tomllib.loads(Path(__file__).with_name("domain.toml").read_text(encoding="utf-8"))
STANDARDISED: Final[Mapping[int, Curve | ModularField]] = MappingProxyType(
    {int(number): _read(table) for number, table in _TABLES.items()}
)
_CURVES: Final = {number: one for number, one in STANDARDISED.items() if isinstance(one, Curve)}
_FIELDS: Final = [one for one in STANDARDISED.values() if isinstance(one, ModularField)]
MODP_1024_160, MODP_2048_224, MODP_2048_256 = _FIELDS
P224, P256, P384, P521 = (_CURVES[number] for number in (10, 12, 15, 18))
BRAINPOOL_P256, BRAINPOOL_P384, BRAINPOOL_P512 = (_CURVES[number] for number in (13, 16, 17))
