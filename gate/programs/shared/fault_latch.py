"""Logs a fault once when it begins, and once when it ends."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

WORDS_MAX: Final = 300  # of a reason in one line of the journal


class FaultLatch:
    """The fault of one thing. `words`: the current fault, empty if none. `begins`, `ends`: names of the events.

    `each`: also log a changed reason. `first`: also log a first state without fault. `about`: fields of every event.
    """

    def __init__(
        self,
        log: logging.Logger,
        *,
        begins: str,
        ends: str,
        level: int = logging.WARNING,
        each: bool = True,
        first: bool = False,
        about: Mapping[str, str] | None = None,
    ) -> None:
        self.words = ""
        self._log = log
        self._begins, self._ends, self._level = begins, ends, level
        self._each = each
        self._known: str | None = None if first else ""
        self._about = about or {}

    def is_now(self, fault: str | Exception) -> bool:
        """Set the current fault, and log a change; True if it was logged."""
        before, self.words = self._known, str(fault) or (type(fault).__name__ if isinstance(fault, Exception) else "")
        self._known = self.words
        if self.words == before or (self.words and before and not self._each):
            return False
        if self.words:
            self._log.log(self._level, self._begins, extra={**self._about, "reason": self.words[:WORDS_MAX]})
        else:
            self._log.info(self._ends, extra=self._about)
        return True
