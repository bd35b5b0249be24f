"""Short sequences of a person who stands as requested, except for one condition.

They test guidance and quality measures one factor at a time (BSI TR-03121: the eight mandatory conditions, and light
and accessories). The condition `well` has no defect. Values, as in the library.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardware_sim.sequences.actor import Actor
from hardware_sim.sequences.library import STAND, Cast, UnknownSequenceError
from hardware_sim.sequences.library import sequence as told
from hardware_sim.sequences.sequence import Sequence
from hardware_sim.sequences.values import Lighting, Look, Wears, still

if TYPE_CHECKING:
    from collections.abc import Callable

DURATION_S = 1.0

_LOOKS: dict[str, Look] = {
    "well": STAND,
    "too_close": replace(STAND, distance_cm=40.0),
    "too_far": replace(STAND, distance_cm=190.0),
    "too_left": replace(STAND, sideways_cm=-17.0),
    "too_right": replace(STAND, sideways_cm=17.0),
    "too_high": replace(STAND, height_cm=183.0),
    "too_low": replace(STAND, height_cm=158.0),
    "turned_left": replace(STAND, yaw_deg=-30.0),
    "turned_right": replace(STAND, yaw_deg=30.0),
    "looks_up": replace(STAND, pitch_deg=15.0),
    "looks_down": replace(STAND, pitch_deg=-22.0),
    "tilted": replace(STAND, roll_deg=22.0),
    "eyes_closed": replace(STAND, closed_left=1.0, closed_right=1.0),
    "one_eye_closed": replace(STAND, closed_left=1.0),
    "mouth_open": replace(STAND, mouth_open=1.0),
    "smiling": replace(STAND, smile=1.0),
}
_LIGHTS: dict[str, Lighting] = {
    "dark": Lighting(level=0.08),
    "bright": Lighting(level=3.2),
    "backlit": Lighting(backlit=0.9),
    "lit_from_left": Lighting(side=-1.0, level=1.6, backlit=0.0),
    "lit_from_right": Lighting(side=1.0),
}


def condition(name: str, subject: str, other: str, *, seed: int = 0) -> Sequence:
    """Return the sequence of one condition. Raises UnknownSequenceError."""
    build = _BUILD.get(name)
    if build is None:
        raise UnknownSequenceError(f"no condition is called {name}; there are {', '.join(NAMES)}")
    return replace(build(Cast(subject, other, seed)), name=name, duration_s=DURATION_S)


def _looking(look: Look, wears: frozenset[Wears] = frozenset()) -> Callable[[Cast], Sequence]:
    return lambda cast: _made(Actor(cast.subject, still(look), wears, sway=cast.seed))


def _lit(lighting: Lighting) -> Callable[[Cast], Sequence]:
    return lambda cast: replace(_looking(STAND)(cast), lighting=still(lighting))


def _rocking(reach_cm: float, every_s: float) -> Callable[[Cast], Sequence]:
    turns = range(round(DURATION_S / every_s) + 1)
    keys = [(turn * every_s, replace(STAND, sideways_cm=reach_cm * (-1) ** turn)) for turn in turns]
    return lambda cast: _made(cast.actor(*keys, even=True))


def _made(actor: Actor) -> Sequence:
    return Sequence("condition", DURATION_S, (actor,))


_BUILD: dict[str, Callable[[Cast], Sequence]] = {
    **{name: _looking(look) for name, look in _LOOKS.items()},
    "moving": _rocking(9.0, 0.5),
    "blurred": _rocking(14.0, 0.25),  # so fast that every frame is blurred
    "several_faces": lambda cast: told("two_people", cast.subject, cast.other, seed=cast.seed),
    "noisy": lambda cast: replace(_looking(STAND)(cast), noise_sigma=14.0),
    **{name: _lit(lighting) for name, lighting in _LIGHTS.items()},
    **{thing.value: _looking(STAND, frozenset({thing})) for thing in Wears},
}
NAMES: tuple[str, ...] = tuple(_BUILD)
