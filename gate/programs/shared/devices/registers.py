"""The adapter to a register that a configuration means. Only the program `registers` and `gate config check` make any."""

from collections.abc import Iterator

from gate.lists.adapters.reuse import Reuse
from gate.lists.adapters.table import ADAPTERS
from gate.programs.shared.config import Config, OnlineRegister
from gate.programs.shared.devices.problems import problems_of
from gate_core.errors import SetupError
from gate_core.ports.registers import Adapter, Exchange, NoAnswerError
from gate_core.settings.toml_file import Problem


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
