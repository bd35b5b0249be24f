"""Drills: days at the gate with the exceptions of Frontex and secunet, and with people's rights at a border.

Pure. `drills.toml` has each case: a story, the officer's required and forbidden orders, and the reason. It also lists
what the gate cannot raise yet. Sources: Frontex, Best Practice Operational Guidelines for ABC systems, §3.8; secunet.
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
    """A story. One order of each set in `right` is required, all in `never` are forbidden; `why` is shown afterwards.

    `sees` is what the officer sees in the lane themselves, where no program of the gate reports it.
    """

    scenario: str
    why: str
    sees: str = ""
    right: tuple[frozenset[Verb], ...] = _HAND_OVER
    never: frozenset[Verb] = _NEVER


@dataclass(frozen=True, slots=True)
class Drill:
    """A day. `serves` are the travellers whom the lane serves, as in `gate officer mode`."""

    name: str
    title: str
    source: Literal["Frontex", "secunet", "human rights", "the site's rules"]
    cases: tuple[Case, ...]
    lane: str = "one-door"
    reader: str = "elyctis"
    serves: str = "all"


_TEXT: Final = Path(__file__).with_name("drills.toml").read_text(encoding="utf-8")
DRILLS: Final = {one.name: one for one in msgspec.convert(tomllib.loads(_TEXT)["drills"], tuple[Drill, ...])}
