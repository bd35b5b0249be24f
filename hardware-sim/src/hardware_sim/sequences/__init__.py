"""Sequences of simulated travellers: values that compute the frame and the ground truth at any time.

    sequence("approach", "elena", "chidi").frame(1.2)

Errors:
    LookupError
    ├── UnknownSequenceError    no sequence has this name
    └── UnknownPersonError      no person of this name has pictures for movement
"""

from hardware_sim.sequences.actor import Actor
from hardware_sim.sequences.library import NAMES, UnknownSequenceError, sequence
from hardware_sim.sequences.sequence import Sequence
from hardware_sim.sequences.store import UnknownPersonError
from hardware_sim.sequences.store import names as people
from hardware_sim.sequences.values import FPS, KIOSK, UPRIGHT, FrameTruth, Lens, Lighting, Look, PersonTruth, Wears

__all__ = [
    "FPS",
    "KIOSK",
    "NAMES",
    "UPRIGHT",
    "Actor",
    "FrameTruth",
    "Lens",
    "Lighting",
    "Look",
    "PersonTruth",
    "Sequence",
    "UnknownPersonError",
    "UnknownSequenceError",
    "Wears",
    "people",
    "sequence",
]
