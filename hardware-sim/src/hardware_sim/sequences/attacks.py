"""Presentations of artefacts as sequences: one of each class, held in a hand or worn before a face.

An artefact has a class, a subject whose face it shows, and a variant (the print or the screen). A presentation is
`held`, still except for the hand's tremor, or `tilted`, turned and moved to imitate a living person.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardware_sim.sequences import library
from hardware_sim.sequences.actor import Actor
from hardware_sim.sequences.artefacts import Attack, Cutout, Display, Sheet
from hardware_sim.sequences.materials import MONITOR, PHONE, TABLET, Cut, Paper, Print
from hardware_sim.sequences.sequence import Sequence
from hardware_sim.sequences.surface import Hold
from hardware_sim.sequences.values import Key, Look, Timeline, still

if TYPE_CHECKING:
    from hardware_sim.sequences.sequence import Thing

PRESENTATIONS = ("held", "tilted")
DURATION_S = 1.6

_PROCESSES = tuple(Print)
_PANELS = {"tablet": (TABLET, 39.0), "monitor": (MONITOR, 68.0), "phone": (PHONE, 31.0)}  # and their distance in cm
_REPLAYED = ("blink", "talk", "stand")
_RECORDED_IN = 1  # another hall's seed
_A4 = (21.0, 29.7)


class UnknownPresentationError(LookupError):
    """There is no presentation of this name."""


def variants(attack: Attack) -> tuple[str, ...]:
    """Return the names of a class's variants."""
    return tuple(_PANELS) if attack in {Attack.SCREEN, Attack.REPLAY} else tuple(kind.value for kind in _PROCESSES)


def presentation(
    attack: Attack, name: str, subject: str, other: str, *, variant: str | None = None, seed: int = 0
) -> Sequence:
    """Return one presentation of an artefact that shows `subject`. `other` wears it if it is worn.

    Raises UnknownPresentationError.
    """
    chosen = variants(attack)[seed % 3] if variant is None else variant
    if name not in PRESENTATIONS or chosen not in variants(attack):
        raise UnknownPresentationError(f"no presentation {name} of {attack.value} {chosen}")
    return Sequence(f"{attack.value}_{name}", DURATION_S, _things(attack, name, (subject, other), chosen, seed))


def _things(attack: Attack, name: str, people: tuple[str, str], variant: str, seed: int) -> tuple[Thing, ...]:
    subject, other = people
    match attack:
        case Attack.PRINT:
            return (Sheet(_paper(subject, variant), _moves(name, 56.0), tremble=seed),)
        case Attack.BENT_PRINT:
            return (Sheet(_paper(subject, variant), _moves(name, 56.0), radius_cm=11.0 + seed % 3, tremble=seed),)
        case Attack.CUTOUT:
            wearer = Actor(other, _worn(name), sway=seed, masked=True)
            cut = Cut.EYES if seed % 2 == 0 else Cut.FACE
            return wearer, Cutout(replace(_paper(subject, variant), life=0.97, border_cm=0.0, cut=cut), wearer)
        case Attack.SCREEN:
            panel, distance_cm = _PANELS[variant]
            return (Display(panel, subject, _moves(name, distance_cm), tremble=seed),)
        case Attack.REPLAY:
            panel, distance_cm = _PANELS[variant]
            recording = replace(library.sequence(_REPLAYED[seed % 3], subject, other, seed=seed), hall=_RECORDED_IN)
            return (Display(panel, subject, _moves(name, 0.9 * distance_cm), recording, tremble=seed),)


def _paper(subject: str, variant: str) -> Paper:
    return Paper(subject, *_A4, process=Print(variant))


def _moves(name: str, distance_cm: float) -> Timeline[Hold]:
    at = Hold(distance_cm=max(distance_cm, 30.0), above_floor_cm=157.5)
    if name == "held":
        return still(at)
    right, left = (
        replace(at, yaw_deg=20.0, sideways_cm=1.5),
        replace(at, yaw_deg=-20.0, sideways_cm=-1.5, pitch_deg=6.0),
    )
    return Timeline((Key(0.0, at), Key(0.5, right), Key(1.2, left), Key(1.6, at)))


def _worn(name: str) -> Timeline[Look]:
    at = Look()
    if name == "held":
        shut = replace(at, closed_left=1.0, closed_right=1.0)
        return Timeline((Key(0.0, at), Key(0.7, at), Key(0.8, shut), Key(0.9, shut), Key(1.05, at)))
    return Timeline(
        (Key(0.0, at), Key(0.5, replace(at, yaw_deg=18.0)), Key(1.2, replace(at, yaw_deg=-18.0)), Key(1.6, at))
    )
