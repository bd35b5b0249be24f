"""Lines that a person types at a command, for a loop that goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading


def typed_lines(*, at_end: str) -> asyncio.Queue[str]:
    """Each line of standard input as it comes, and `at_end` behind the last. Its thread ends with the program, at the latest."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str]()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended before the typing
            for line in iter(sys.stdin.readline, ""):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, at_end)

    threading.Thread(target=read, name="typed-lines", daemon=True).start()
    return lines
