"""What a child writes to its standard error: the beginning becomes log lines of its parent, the rest nobody takes.

A pipe of its own. The parent's standard error is one open file, whoever holds it: a captured child could write into the journal at
length, make the parent's own lines fail, or shut the journal's socket for good.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Final

BYTES_MAX: Final = 4096  # of one child; then the pipe is closed, and it writes in vain
PIECES_MAX: Final = 64  # likewise: each becomes a log line
_UNREADABLE: Final = "?"

log = logging.getLogger(__name__)


class Words:
    """Our end of the pipe. `theirs` is the child's, to be closed here once it has begun; `close` tells what came last."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._left, self._pieces = BYTES_MAX, 0
        self._ours, self.theirs = os.pipe()
        os.set_blocking(self._ours, False)
        self._open = True
        asyncio.get_running_loop().add_reader(self._ours, self._listen)

    def close(self) -> None:
        """Take what is there yet, and close."""
        while self._listen():
            pass
        self._shut()

    def _listen(self) -> bool:
        """Take some of it; False when there is no more, for now or for good."""
        if not self._open:
            return False
        try:
            content = os.read(self._ours, self._left)
        except BlockingIOError:
            return False
        self._left -= len(content)
        self._pieces += 1
        if content:
            text = "".join(
                one if one.isprintable() else _UNREADABLE for one in content.decode("ascii", "replace").strip()
            )
            log.warning("child_said", extra={"of": self._module, "text": text})
        if not content or not self._left or self._pieces == PIECES_MAX:
            self._shut()
        return self._open

    def _shut(self) -> None:
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._ours)
            os.close(self._ours)
