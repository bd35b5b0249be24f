"""Who the rendered people are: read from `people.toml`, in its order.

Shapes there were drawn at random and kept when the embedder told them apart (docs/protocols/simulated-faces.md); a
change to a shape, or to anything that shows in a picture, needs `scripts/faces`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from renderer.skin import Skin
from renderer.styles import Beard, Brows, Style

if TYPE_CHECKING:
    from collections.abc import Mapping

Colour = tuple[float, float, float]  # sRGB, 0 to 1

PEOPLE_FILE = Path(__file__).with_name("people.toml")


@dataclass(frozen=True)
class Person:
    """One person: a name for the files and the tests, a seed for all that is random, and what he or she looks like.

    `shape` weighs the targets of the base mesh. `lashes` and `sheen` (of the hair) go from 0 to 1.
    """

    name: str
    seed: int
    shape: Mapping[str, float]
    skin: Skin
    brows: Brows
    hair: Style | None
    beard: Beard | None
    hair_colour: Colour
    brow_colour: Colour
    eyes: Colour
    clothes: Colour
    lashes: float
    sheen: float


@lru_cache(maxsize=1)
def people() -> tuple[Person, ...]:
    """Return the rendered people."""
    with PEOPLE_FILE.open("rb") as file:
        return tuple(_person(_tuples(entry)) for entry in tomllib.load(file)["person"])


def _person(entry: dict[str, Any]) -> Person:
    parts = {"skin": Skin, "brows": Brows, "hair": Style, "beard": Beard}
    made = {name: kind(**entry[name]) if name in entry else None for name, kind in parts.items()}
    return Person(**entry | {"brow_colour": entry.get("brow_colour", entry["hair_colour"])} | made)


def _tuples(value: Any) -> Any:
    """Make lists tuples, so that what is read can be hashed."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(value) if isinstance(value, list) else value
