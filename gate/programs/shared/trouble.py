"""What is wrong with one thing: in the journal once when it begins, and once when it has ended."""

from __future__ import annotations

import logging
from typing import Final

WORDS_MAX: Final = 300  # of a reason in one line of the journal


class Trouble:
    """One thing's. `words` is what is wrong now, empty when all is well; `begins` and `ends` are the events' names.

    With `each`, another reason is said, too, while the trouble lasts.
    """

    def __init__(
        self, log: logging.Logger, *, begins: str, ends: str, level: int = logging.WARNING, each: bool = True
    ) -> None:
        self.words = ""
        self._log = log
        self._begins, self._ends, self._level = begins, ends, level
        self._each = each

    def is_now(self, words: str) -> bool:
        """Take what is wrong now, and say what is new in it; True when the trouble began, became another or ended."""
        before, self.words = self.words, words
        if words == before or (words and before and not self._each):
            return False
        if words:
            self._log.log(self._level, self._begins, extra={"reason": words[:WORDS_MAX]})
        else:
            self._log.info(self._ends)
        return True
