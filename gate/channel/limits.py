"""What one caller of a channel may take: connections and messages. Pure; the clock is an argument.

Promises: whatever one caller does, another finds its own connections free and is heard at its own rate. Nothing is shared between
callers but the listener's time, of which a caller gets a bounded part.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from gate.channel.row import Channel

PERSONS_MAX = 16  # connections of all persons together, a channel


@dataclass(slots=True)
class Turnstile:
    """Counts the connections of each caller, by user and by process.

    A program's connections are reserved for it. Persons share `PERSONS_MAX`: there may be any number of users among them.
    """

    channel: Channel[Any, Any]
    _of_user: Counter[int] = field(default_factory=Counter)
    _of_process: Counter[tuple[int, int]] = field(default_factory=Counter)
    _persons: int = 0

    def enter(self, uid: int, pid: int, *, person: bool) -> bool:
        """Count one more connection; False when the caller has as many as it may have."""
        of_program = 0 if person else self.channel.connections_a_program
        if (
            self._of_user[uid] >= (of_program or self.channel.connections_a_user)
            or self._of_process[uid, pid] >= (of_program or self.channel.connections_a_process)
            or (person and self._persons >= PERSONS_MAX)
        ):
            return False
        self._of_user[uid] += 1
        self._of_process[uid, pid] += 1
        self._persons += person
        return True

    def leave(self, uid: int, pid: int, *, person: bool) -> None:
        """Count one less."""
        self._of_user -= Counter({uid: 1})
        self._of_process -= Counter({(uid, pid): 1})
        self._persons -= person
