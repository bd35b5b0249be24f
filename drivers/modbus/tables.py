"""Addresses of values in a Modbus board, from a profile: places, stretches that are read, and their errors. No I/O."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

import msgspec

from drivers.modbus.frames import READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT
from drivers.profile_file import Table
from gate_core.settings.toml_file import Wrong

REGISTERS_READ_MAX = 125  # Modbus Application Protocol V1.1b3 §6.4
BITS = frozenset({READ_COILS, READ_DISCRETE})
Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Value = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Cell = tuple[int, int]  # the function that reads it, its address
Image = Mapping[Cell, int]


class Addressed(Table, frozen=True, kw_only=True, dict=True):
    """The base of an address in one of the four Modbus tables; exactly one of the keys names it.

    Boards are polled several times a second: values derived from the keys are computed once.
    """

    coil: Address | None = None
    discrete: Address | None = None
    holding: Address | None = None
    input: Address | None = None

    @functools.cached_property
    def places(self) -> tuple[Cell, ...]:
        """Return the reading function and address for each given key."""
        found = (
            (READ_COILS, self.coil),
            (READ_DISCRETE, self.discrete),
            (READ_HOLDING, self.holding),
            (READ_INPUT, self.input),
        )
        return tuple((function, address) for function, address in found if address is not None)


class Place(Addressed, frozen=True, kw_only=True):
    """A value's place: a bit, a register, one `bit` of it, or two registers with the high word first.

    As a condition it holds if its value is `equals`; without that, if it is not 0.
    """

    words: Annotated[int, msgspec.Meta(ge=1, le=2)] = 1
    low_first: bool = False
    bit: Annotated[int, msgspec.Meta(ge=0, le=15)] | None = None
    equals: Value | None = None

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Return the value's cells, the highest first."""
        ((function, address),) = self.places
        cells = tuple((function, address + at) for at in range(self.words))
        return cells[::-1] if self.low_first else cells


class Read(Addressed, frozen=True, kw_only=True):
    """A stretch that every status reads. `spare` registers after it may be read too, so that two answers differ in length."""

    count: Annotated[int, msgspec.Meta(ge=1, lt=REGISTERS_READ_MAX)]
    spare: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Return the cells of an answer, in order."""
        ((function, address),) = self.places
        return tuple((function, address + at) for at in range(self.count + self.spare))


class Identity(Addressed, frozen=True, kw_only=True):
    """Registers that identify board and map, and their required values."""

    expected: Annotated[tuple[Value, ...], msgspec.Meta(min_length=1, max_length=8)]


def cells_read(reads: Iterable[Read]) -> list[Cell]:
    """Return the cells of these stretches, without spare registers."""
    return [(function, address + at) for read in reads for function, address in read.places for at in range(read.count)]


def misplaced(places: Iterable[tuple[str, Place]], reads: Iterable[Read]) -> Iterator[Wrong]:
    """Yield errors of places, given by their keys: each must be unique and within what is read."""
    read, taken = set(cells_read(reads)), set[tuple[Cell, int | None, int | None]]()
    for key, place in places:
        if len(place.places) != 1:
            yield Wrong(key, "is in one of coil, discrete, holding and input")
            continue
        if place.places[0][0] in BITS and (place.words > 1 or place.bit is not None):
            yield Wrong(key, "is a bit already: words and bit are for registers")
        for cell in sorted(place.cells):
            if cell not in read:
                yield Wrong(key, f"is at {cell[1]}, which no reads covers")
            claim = (cell, place.bit, place.equals)
            if claim in taken or (cell, None, None) in taken:
                yield Wrong(key, f"overlaps another key at {cell[1]}")
            taken.add(claim)


def misread(reads: Sequence[Read]) -> Iterator[Wrong]:
    """Yield errors of stretches: they must not overlap, and consecutive questions must have answers of different shapes."""
    for at, read in enumerate(reads):
        if len(read.places) != 1:
            yield Wrong("reads", f"number {at + 1} is in one of coil, discrete, holding and input")
            return
    if twice := [cell for cell, times in Counter(cells_read(reads)).items() if times > 1]:
        yield Wrong("reads", f"two of them overlap at {twice[0][1]}")
    shapes = [(read.places[0][0], read.count) for read in reads]
    alike = any(shape == shapes[at - 1] for at, shape in enumerate(shapes))
    if alike and not any(read.spare for read in reads):
        yield Wrong(
            "reads",
            "two in a row have answers alike, so a late one would pass for the next: use spare, or another count",
        )


def number(place: Place, image: Image) -> int:
    """Return the value at a place."""
    value = 0
    for cell in place.cells:
        value = value << 16 | image[cell]
    return value if place.bit is None else value >> place.bit & 1


def holds(place: Place | None, image: Image) -> bool:
    """True if the condition is met; False if the board does not have it."""
    if place is None:
        return False
    value = number(place, image)
    return bool(value) if place.equals is None else value == place.equals
