"""What a board said in one look, cell by cell, and what stands at a place of it. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.modbus.tables import Cell, Place

Image = Mapping[Cell, int]


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
