"""The sequences by name: what travellers do before the lens. All are values.

`sequence(name, subject, other)` makes one for any two people; `seed` varies times and amounts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hardware_sim.sequences.actor import Actor
from hardware_sim.sequences.artefacts import Sheet
from hardware_sim.sequences.materials import Paper, Print
from hardware_sim.sequences.sequence import Sequence
from hardware_sim.sequences.surface import Hold
from hardware_sim.sequences.values import UPRIGHT, Key, Lens, Look, Timeline, still

if TYPE_CHECKING:
    from collections.abc import Callable

STAND = Look()


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of a sequence, and the seed of its random numbers."""

    subject: str
    other: str
    seed: int

    def chance(self) -> np.random.Generator:
        """Return a new random generator; each call returns the same sequence of numbers."""
        return np.random.default_rng(self.seed)

    def actor(self, *keys: tuple[float, Look], other: bool = False, even: bool = False) -> Actor:
        """Return the subject, or the other person, with these times in seconds and looks."""
        line = Timeline(tuple(Key(at_s, look) for at_s, look in keys), even=even)
        return Actor(self.other if other else self.subject, line, sway=self.seed + other)


def _approach(cast: Cast) -> Sequence:
    start = float(cast.chance().uniform(190, 240))
    walk = cast.actor((0.0, replace(STAND, distance_cm=start, sideways_cm=8)), (2.2, STAND), (3.0, STAND))
    return Sequence("approach", 3.0, (walk,))


def _stand(cast: Cast) -> Sequence:
    return Sequence("stand", 2.0, (cast.actor((0.0, STAND)),))


def _turn_head(cast: Cast) -> Sequence:
    far = float(cast.chance().uniform(26, 34))
    left, right = replace(STAND, yaw_deg=-far), replace(STAND, yaw_deg=far)
    keys = ((0.0, STAND), (0.3, STAND), (1.0, right), (1.9, left), (2.6, STAND))
    return Sequence("turn_head", 2.8, (cast.actor(*keys),))


def _blink(cast: Cast) -> Sequence:
    dice = cast.chance()
    shut = replace(STAND, closed_left=1.0, closed_right=1.0)
    first, second = float(dice.uniform(0.4, 0.6)), float(dice.uniform(1.3, 1.5))
    keys = [(0.0, STAND)]
    for begins in (first, second):
        keys += [(begins, STAND), (begins + 0.1, shut), (begins + 0.2, shut), (begins + 0.34, STAND)]
    return Sequence("blink", 2.2, (cast.actor(*keys),))


def _talk(cast: Cast) -> Sequence:
    dice = cast.chance()
    keys, at_s = [(0.0, STAND)], 0.2
    while at_s < 2.2:
        keys.append((at_s, replace(STAND, mouth_open=float(dice.choice([0.0, 0.5, 0.5, 1.0])))))
        at_s += float(dice.uniform(0.12, 0.22))
    return Sequence("talk", 2.4, (cast.actor(*keys, (2.4, STAND)),))


def _look_down(cast: Cast) -> Sequence:
    down = replace(STAND, pitch_deg=-float(cast.chance().uniform(18, 24)))
    return Sequence("look_down", 2.4, (cast.actor((0.0, STAND), (0.4, STAND), (0.9, down), (1.5, down), (2.1, STAND)),))


def _walk_past(cast: Cast) -> Sequence:
    side = replace(STAND, distance_cm=110, sideways_cm=-62, yaw_deg=20)
    walk = cast.actor((0.0, side), (2.0, replace(side, sideways_cm=62)), even=True)
    return Sequence("walk_past", 2.0, (walk,))


def _two_people(cast: Cast) -> Sequence:
    beside = replace(STAND, distance_cm=88)
    left = cast.actor((0.0, replace(beside, sideways_cm=-15)))
    right = cast.actor((0.0, replace(beside, sideways_cm=16, height_cm=172)), other=True)
    return Sequence("two_people", 2.0, (left, right))


def _bystander_behind(cast: Cast) -> Sequence:
    behind = replace(STAND, distance_cm=190, sideways_cm=32, height_cm=174)
    passer = cast.actor((0.0, behind), (2.4, replace(behind, sideways_cm=44, yaw_deg=12)), other=True, even=True)
    return Sequence("bystander_behind", 2.4, (cast.actor((0.0, STAND)), passer))


def _poster_behind(cast: Cast) -> Sequence:
    paper = Paper(cast.other, 50.0, 70.0, Print.PHOTO, life=1.3, border_cm=2.0)
    poster = Sheet(paper, still(Hold(distance_cm=230.0, sideways_cm=44.0, above_floor_cm=163.0)), tremble=None)
    return Sequence("poster_behind", 2.0, (cast.actor((0.0, STAND)), poster))


def _t_shirt(cast: Cast) -> Sequence:
    there = replace(STAND, distance_cm=88.0)
    chest = Hold(distance_cm=86.0, above_floor_cm=there.eyes_above_floor_cm - 38.0)
    paper = Paper(cast.other, 22.0, 26.0, Print.INKJET, life=0.62, border_cm=0.5)
    shirt = Sheet(paper, still(chest), radius_cm=24.0, tremble=cast.seed)
    return Sequence("t_shirt", 2.0, (cast.actor((0.0, there)), shirt), lens=UPRIGHT)


def _swap(cast: Cast) -> Sequence:
    away, to_come = replace(STAND, sideways_cm=60, distance_cm=90), replace(STAND, sideways_cm=-60, distance_cm=90)
    leaves = cast.actor((0.0, STAND), (0.8, STAND), (1.7, away))
    comes = cast.actor((0.0, to_come), (1.2, to_come), (2.2, STAND), other=True)
    return Sequence("swap", 3.0, (leaves, comes))


def _of_height(name: str, height_cm: float) -> Callable[[Cast], Sequence]:
    def built(cast: Cast) -> Sequence:
        there = replace(STAND, height_cm=height_cm, distance_cm=88)
        walk = cast.actor((0.0, replace(there, distance_cm=150)), (1.2, there), (2.4, there))
        return Sequence(name, 2.4, (walk,), lens=UPRIGHT)

    return built


_LIBRARY: dict[str, Callable[[Cast], Sequence]] = {
    "approach": _approach,
    "stand": _stand,
    "turn_head": _turn_head,
    "blink": _blink,
    "talk": _talk,
    "look_down": _look_down,
    "walk_past": _walk_past,
    "two_people": _two_people,
    "bystander_behind": _bystander_behind,
    "poster_behind": _poster_behind,
    "t_shirt": _t_shirt,
    "swap": _swap,
    "short": _of_height("short", 140.0),
    "tall": _of_height("tall", 200.0),
}
NAMES: tuple[str, ...] = tuple(_LIBRARY)


class UnknownSequenceError(LookupError):
    """There is no sequence of this name."""


def sequence(name: str, subject: str, other: str, *, seed: int = 0, lens: Lens | None = None) -> Sequence:
    """Return a sequence of the library. Raises UnknownSequenceError.

    `other` is the second person of sequences with two. `lens` None means the sequence's own lens.
    """
    build = _LIBRARY.get(name)
    if build is None:
        raise UnknownSequenceError(f"no sequence is called {name}; there are {', '.join(NAMES)}")
    built = build(Cast(subject, other, seed))
    return built if lens is None else replace(built, lens=lens)
