"""Drills: days at the gate on which an officer meets what Frontex and secunet list as exceptions, and what people are owed at a border.

Pure. Each case is one of the simulated world's stories, what an officer must do about it and must not, and why: `drills.toml`. What nothing in the
gate can raise yet is listed as that. Sources: Frontex, Best Practice Operational Guidelines for ABC systems, §3.8; secunet, How does ABC work.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from gate_core.orders.verbs import Verb

_HAND_OVER: Final = (frozenset({Verb.HAND_OVER}),)
_NEVER: Final = frozenset({Verb.ADMIT})


@dataclass(frozen=True, slots=True)
class Case:
    """A story. Of each of `right` one order must have been given, and none of `never`; `why` is told afterwards.

    `sees` is what the officer sees in the lane with their own eyes as the traveller comes, where no program of the gate can tell it.
    """

    scenario: str
    why: str
    sees: str = ""
    right: tuple[frozenset[Verb], ...] = _HAND_OVER
    never: frozenset[Verb] = _NEVER


@dataclass(frozen=True, slots=True)
class Drill:
    """A day. `serves` is the travellers that the lane serves, as `gate officer mode` names them."""

    name: str
    title: str
    source: Literal["Frontex", "secunet", "human rights", "the site's rules"]
    cases: tuple[Case, ...]
    lane: str = "one-door"
    reader: str = "elyctis"
    serves: str = "all"


_TEXT: Final = Path(__file__).with_name("drills.toml").read_text(encoding="utf-8")
DRILLS: Final = {one.name: one for one in msgspec.convert(tomllib.loads(_TEXT)["drills"], tuple[Drill, ...])}
