"""The conversation with one chip: in clear until there is a session, and then only within a session.

A chip without access control is read in clear, unless there is a session nevertheless.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from gate_documents.access.commands import SHORT_ANSWER_MAX, Command, Response, Transmit, exchange
from gate_documents.errors import AccessDeniedError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Generator

    from gate_documents.access.secure_messaging import SecureMessaging

T = TypeVar("T")
COMMANDS_MAX: Final = 12_000  # a chip that answers a byte at a time is given up


class Conversation:
    """Sends all commands to the chip, counts them, and has the session.

    `extended` is False for a reader without long answers: none is then requested, and longer data comes in pieces.
    """

    def __init__(self, *, extended: bool = True) -> None:
        self.extended = extended
        self._session: SecureMessaging | None = None
        self._open_in_clear = False
        self._commands_left = COMMANDS_MAX

    @property
    def block_bytes(self) -> int:
        """The block size of the session's cipher; 1 without a session."""
        return 1 if self._session is None else self._session.block_bytes

    def begin(self) -> None:
        """Start again, in clear and with nothing open."""
        self._session = None
        self._open_in_clear = False

    def secure(self, session: SecureMessaging) -> None:
        """Continue within this session."""
        self._session = session

    def open_in_clear(self) -> None:
        """The chip is open, without protection."""
        self._open_in_clear = True

    def ask(self, command: Command) -> Generator[Transmit, bytes | None, Response]:
        """Send a command, protected if there is a session."""
        if not self.extended and (command.answer_max or 0) > SHORT_ANSWER_MAX:
            command = replace(command, answer_max=SHORT_ANSWER_MAX)
        said = exchange(command) if self._session is None else self._session.exchange(command)
        return (yield from self._counted(said))

    def _counted(self, said: Generator[Transmit, bytes | None, T]) -> Generator[Transmit, bytes | None, T]:
        """Pass on commands and answers, up to the limit. Raises MalformedError."""
        answer: bytes | None = None
        while True:
            try:
                step = said.send(answer)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return] # typeshed has no type for it
            if self._commands_left == 0:
                raise MalformedError("the chip takes too many commands")
            self._commands_left -= 1
            answer = yield step

    def require_open(self) -> None:
        """Raise AccessDeniedError unless the next command is protected, or the chip has no protection."""
        if self._session is None and not self._open_in_clear:
            raise AccessDeniedError("the chip is not open")
