"""The line to the central server, shared by the log and by what is bulk: who waits how long. Does no I/O; time is an argument.

Promise: the log goes first. What it sends and hears counts against a limit alone; updates have what it leaves of that, and stand back while a request of the log is on its way. Within
the log nothing overtakes: its order is the tree's, so an alarm comes after what was written before it.
"""

from __future__ import annotations

import threading
from typing import Final

OVERHEAD_BYTES: Final = 600  # of a request and its answer: headers, TLS records
BULK_LOOKS_AGAIN_S: Final = 0.1
STANDS_BACK_MAX_S: Final = 30.0  # for one request of the log: a server that gives no answer keeps no update away


class Line:
    """Keeps account for one process, for calls from any of its threads. `kbit_s` is the limit in both directions together, None for none."""

    def __init__(self, kbit_s: int | None = None) -> None:
        self._bytes_s = None if kbit_s is None else kbit_s * 1000 / 8
        self._log_free_s = 0.0
        self._bulk_free_s = 0.0
        self._log_since_s: float | None = None
        self._lock = threading.Lock()

    def log_wait_s(self, now_s: float) -> float:
        """How long the log's next request waits."""
        return max(0.0, self._log_free_s - now_s)

    def log_begins(self, now_s: float) -> None:
        """A request of the log is on its way."""
        self._log_since_s = now_s

    def log_took(self, length: int, now_s: float) -> None:
        """It is over, and had so many bytes both ways."""
        with self._lock:
            self._log_since_s = None
            if self._bytes_s is not None:
                took_s = (length + OVERHEAD_BYTES) / self._bytes_s
                self._log_free_s = max(self._log_free_s, now_s) + took_s
                self._bulk_free_s = max(self._bulk_free_s, now_s) + took_s

    def bulk_wait_s(self, now_s: float) -> float:
        """How long what is bulk waits before it reads on; then it is to ask again."""
        since_s = self._log_since_s
        stands_back = since_s is not None and now_s - since_s < STANDS_BACK_MAX_S
        return max(BULK_LOOKS_AGAIN_S if stands_back else 0.0, self._bulk_free_s - now_s)

    def bulk_took(self, length: int, now_s: float) -> None:
        """So many bytes of it came."""
        with self._lock:
            if self._bytes_s is not None:
                self._bulk_free_s = max(self._bulk_free_s, now_s) + length / self._bytes_s
