"""The table of adapters to registers, and the one that a configuration means: `gate config check` and the program `registers` create it.

A new adapter is a module in `gate/lists/adapters`, a row here, and a name for `[registers.online.NAME] adapter` (docs/guides/adapter.md).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from gate.lists.adapters.entry_exit import EntryExit
from gate.lists.adapters.lost_documents import LostDocuments
from gate.lists.adapters.reuse import Reuse
from gate.programs.shared.config import Config, OnlineRegister
from gate.programs.shared.devices.problems import problems_of
from gate_core.errors import SetupError
from gate_core.ports.registers import Adapter, Exchange, NoAnswerError
from gate_core.settings.toml_file import Problem

ADAPTERS: Final[Mapping[str, Callable[[Exchange], Adapter]]] = {
    "lost_documents": LostDocuments,
    "entry_exit": EntryExit,
}


def adapter(one: OnlineRegister, exchange: Exchange) -> Adapter:
    """The adapter. Raises SetupError when code of another distribution is not loaded."""
    if one.code is not None:
        from gate_core.outside import opened  # noqa: PLC0415 - where there is such an adapter

        made: Adapter = opened(one.code, Adapter, exchange)
        return made
    return Reuse(exchange, one.minutes) if one.adapter == "reuse" else ADAPTERS[one.adapter](exchange)


def problems(config: Config) -> Iterator[Problem]:
    """What is wrong with the code of other distributions."""
    for name, one in () if config.registers is None else config.registers.online.items():
        try:
            adapter(one, nowhere)
        except SetupError as error:
            yield from problems_of(f"registers.online.{name}", one, error)


async def nowhere(path: str, body: bytes) -> bytes:
    """An exchange with no register."""
    del path, body
    raise NoAnswerError("nothing is asked while a configuration is checked")
