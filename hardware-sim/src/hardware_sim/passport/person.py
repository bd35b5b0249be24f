"""Who a document is for, and the document that an office hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from hardware_sim.passport.abilities import Abilities
from hardware_sim.passport.chip_key import ChipKey


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Who a passport is for. `sex` is M, F or X; `nationality` the MRZ's three letters. Has no useful repr."""

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
    """What is printed (`mrz_lines`), what the chip shows (`files`, by name: EF_COM, EF_SOD, EF_DG1 …) and its own keys."""

    mrz_lines: tuple[str, ...] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    chip_key: ChipKey | None = field(repr=False)
    abilities: Abilities = field(default=Abilities(), repr=False)
