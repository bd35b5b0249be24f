"""The lane from above, by the ground truth: people's places, the leaf's position, the fire alarm. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

import msgspec


class Place(enum.Enum):
    """A person's place. A person who has left has none."""

    READER = "reader"
    ZONE = "zone"
    LEAF = "leaf"
    BEYOND = "beyond"


class Happening(msgspec.Struct, frozen=True):
    """The visible part of a ground truth line (docs/protocols/simulated-world.md)."""

    event: str
    traveller: str = ""
    to: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Above:
    """The visible state. `bodies` are in order of arrival; `leaf` is `closed`, `opening`, `open`, `closing` or `stopped`."""

    bodies: tuple[tuple[str, Place], ...] = ()
    leaf: str = "closed"
    document: bool = False
    fire: bool = False

    def fields(self) -> dict[str, object]:
        """Return JSON values for the page."""
        return {
            "bodies": [[name, place.value] for name, place in self.bodies],
            "leaf": self.leaf,
            "document": self.document,
            "fire": self.fire,
        }


_MOVES: Final = {
    "arrived": Place.READER,
    "body_entered": Place.ZONE,
    "at_leaf": Place.LEAF,
    "passed": Place.BEYOND,
    "walked_back": Place.READER,
}
_DOCUMENT: Final = {"presented": True, "document_removed": False}
_FIRE: Final = {"fire_on": True, "fire_off": False}


def after(seen: Above, happening: Happening) -> Above:
    """Return the visible state after this event."""
    name, event = happening.traveller, happening.event
    if event in _MOVES and name:
        places = dict(seen.bodies) | {name: _MOVES[event]}
        return replace(seen, bodies=tuple(places.items()))
    if event == "left":
        return replace(seen, bodies=tuple(one for one in seen.bodies if one[0].removesuffix("-other") != name))
    if event == "leaf_moved":
        return replace(seen, leaf=happening.to)
    if event == "leaf_at_rest":
        return replace(seen, leaf=happening.at)
    if event in _DOCUMENT:
        return replace(seen, document=_DOCUMENT[event])
    return replace(seen, fire=_FIRE[event]) if event in _FIRE else seen
