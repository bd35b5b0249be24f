"""Key values on a line of time, and what lies between them.

Between two keys a value gathers speed and slows down again, as bodies do; before the first and after the last it
stands still. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, Protocol, TypeVar

KEYS_MAX = 256


class Movable(Protocol):
    """A value that can be interpolated with others of its kind."""

    def towards(self, other: Any, share: float, /) -> Any:  # noqa: ANN401 - of its own kind
        """Return what lies `share` of the way to another."""


Value = TypeVar("Value", bound=Movable)


@dataclass(frozen=True, slots=True)
class Key(Generic[Value]):
    """A value and when it is reached."""

    at_s: float
    value: Value


@dataclass(frozen=True, slots=True)
class Timeline(Generic[Value]):
    """Keys in the order of their times. `even` moves at an even speed, as one who walks."""

    keys: tuple[Key[Value], ...]
    even: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.keys) <= KEYS_MAX:
            raise ValueError(f"a line of time has 1 to {KEYS_MAX} keys, not {len(self.keys)}")
        times = [key.at_s for key in self.keys]
        if any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("keys must follow one another in time")

    def at(self, at_s: float) -> Value:
        """Return the value at a time."""
        later = next((index for index, key in enumerate(self.keys) if key.at_s > at_s), len(self.keys))
        if later == 0:
            return self.keys[0].value
        if later == len(self.keys):
            return self.keys[-1].value
        one, other = self.keys[later - 1], self.keys[later]
        share = (at_s - one.at_s) / (other.at_s - one.at_s)
        moved: Value = one.value.towards(other.value, share if self.even else share * share * (3 - 2 * share))
        return moved


def still(value: Value) -> Timeline[Value]:
    """Return the line of a value that never changes."""
    return Timeline((Key(0.0, value),))
