"""What a measurement gives, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bench:
    """`peers` is the interpreter of the environment in which the peers are installed; `rounds` is how often to measure."""

    peers: Path
    rounds: int


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. `ours` and `peer` are medians in `unit`; `floor` is the ratio that must be reached, None without one.

    A row without a peer has `peer`, `ratio` and `peer_name` None.
    """

    name: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str | None = None
    floor: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's: under one is better."""
        return self.ours / self.peer if self.peer else None
