"""Memory that is overwritten when it is freed: an environment for the programs that traveller's data only pass through.

Python cannot wipe a string, and a buffer that was freed keeps its bytes until somebody takes its place. With this environment every
object of Python's is the C library's to free, and that fills what it frees (M_PERTURB, mallopt(3)); its caches of small pieces, which it
would not fill, are off. What is still referenced is not touched: the programs drop what they have passed on. Children that end with a
crossing need none of it.
"""

from __future__ import annotations

from typing import Final

ERASING: Final = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"}
PROGRAMS: Final = frozenset({"lane", "vision", "screens", "registers"})
