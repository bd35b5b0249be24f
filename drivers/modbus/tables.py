"""Where values stand in a Modbus board, as a profile says it: places, the stretches that are read, and what is wrong with them. No I/O."""

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
    """The base of what stands in one of the four tables of Modbus; exactly one of the keys names it.

    A board is asked several times a second for years: what follows from the keys is worked out once.
    """

    coil: Address | None = None
    discrete: Address | None = None
    holding: Address | None = None
    input: Address | None = None

    @functools.cached_property
    def places(self) -> tuple[Cell, ...]:
        """The function that reads it and its address, for each key that is given."""
        found = (
            (READ_COILS, self.coil),
            (READ_DISCRETE, self.discrete),
            (READ_HOLDING, self.holding),
            (READ_INPUT, self.input),
        )
        return tuple((function, address) for function, address in found if address is not None)


class Place(Addressed, frozen=True, kw_only=True):
    """Where a value stands: a bit, a register, one `bit` of it, or two registers with the high word first.

    As a condition it holds when its value is `equals`; without that, when it is not 0.
    """

    words: Annotated[int, msgspec.Meta(ge=1, le=2)] = 1
    low_first: bool = False
    bit: Annotated[int, msgspec.Meta(ge=0, le=15)] | None = None
    equals: Value | None = None

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that the value is made of, the highest first."""
        ((function, address),) = self.places
        cells = tuple((function, address + at) for at in range(self.words))
        return cells[::-1] if self.low_first else cells


class Read(Addressed, frozen=True, kw_only=True):
    """A stretch that every status asks for. `spare` registers behind it may be read besides, so that two answers differ in length."""

    count: Annotated[int, msgspec.Meta(ge=1, lt=REGISTERS_READ_MAX)]
    spare: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that an answer may hold, in its order."""
        ((function, address),) = self.places
        return tuple((function, address + at) for at in range(self.count + self.spare))


class Identity(Addressed, frozen=True, kw_only=True):
    """Registers that say what board and map this is, and what they must hold."""

    expected: Annotated[tuple[Value, ...], msgspec.Meta(min_length=1, max_length=8)]


def cells_read(reads: Iterable[Read]) -> list[Cell]:
    """What these stretches hold, spare registers aside."""
    return [(function, address + at) for read in reads for function, address in read.places for at in range(read.count)]


def misplaced(places: Iterable[tuple[str, Place]], reads: Iterable[Read]) -> Iterator[Wrong]:
    """What is wrong with places, given by their keys: each is one place, lies in what is read, and is not another's."""
    read, taken = set(cells_read(reads)), set[tuple[Cell, int | None, int | None]]()
    for key, place in places:
        if len(place.places) != 1:
            yield Wrong(key, "is in one of coil, discrete, holding and input")
            continue
        ((function, address),) = place.places
        if function in BITS and (place.words > 1 or place.bit is not None):
            yield Wrong(key, "is a bit already: words and bit are for registers")
        for at in range(place.words):
            cell = (function, address + at)
            if cell not in read:
                yield Wrong(key, f"is at {address + at}, which no reads covers")
            claim = (cell, place.bit, place.equals)
            if claim in taken or (cell, None, None) in taken:
                yield Wrong(key, f"overlaps another key at {address + at}")
            taken.add(claim)


def misread(reads: Sequence[Read]) -> Iterator[Wrong]:
    """What is wrong with stretches: they do not overlap, and two questions in a row, round and round, have answers of different shapes."""
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
    """The value that stands there."""
    value = 0
    for cell in place.cells:
        value = value << 16 | image[cell]
    return value if place.bit is None else value >> place.bit & 1


def holds(place: Place | None, image: Image) -> bool:
    """The condition is met; one that the board does not have never is."""
    if place is None:
        return False
    value = number(place, image)
    return bool(value) if place.equals is None else value == place.equals
