"""The table of adapters: a new one is a module here, a row, and a name for `[registers.online.NAME] adapter` (docs/guides/adapter.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from gate.lists.adapters.entry_exit import EntryExit
from gate.lists.adapters.lost_documents import LostDocuments
from gate_core.ports.registers import Adapter, Exchange

ADAPTERS: Final[Mapping[str, Callable[[Exchange], Adapter]]] = {
    "lost_documents": LostDocuments,
    "entry_exit": EntryExit,
}
