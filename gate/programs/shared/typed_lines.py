"""Reads lines typed at a command while its event loop runs."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading


def typed_lines(*, at_end: str) -> asyncio.Queue[str]:
    """Return a queue of standard input's lines, then `at_end`. The reading thread ends with the process."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop ended before the input
            for line in iter(sys.stdin.readline, ""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, at_end)

    threading.Thread(target=read, name="typed-lines", daemon=True).start()
    return lines
