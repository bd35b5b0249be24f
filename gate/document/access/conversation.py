"""The conversation with one chip: in clear until a session is there, and from then on in no other way than within one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gate.document.access.commands import Command, Response, Transmit, exchange
from gate.document.errors import AccessDeniedError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Generator

    from gate.document.access.secure_messaging import SecureMessaging

COMMANDS_MAX: Final = 12_000  # a chip that answers a byte at a time is given up


class Conversation:
    """Who asks, asks here. Counts the commands, and knows the session."""

    def __init__(self) -> None:
        self._session: SecureMessaging | None = None
        self._commands_left = COMMANDS_MAX

    @property
    def block_bytes(self) -> int:
        """The block of the cipher that protects the conversation; 1 while none does."""
        return 1 if self._session is None else self._session.block_bytes

    def secure(self, session: SecureMessaging | None) -> None:
        """Go on within this session; None begins anew, in clear."""
        self._session = session

    def ask(self, command: Command) -> Generator[Transmit, bytes | None, Response]:
        """Send a command, protected if there is a session."""
        if self._commands_left == 0:
            raise MalformedError("the chip takes too many commands")
        self._commands_left -= 1
        if self._session is None:
            return (yield from exchange(command))
        return (yield from self._session.exchange(command))

    def require_session(self) -> None:
        """Raise AccessDeniedError unless what is asked next is protected."""
        if self._session is None:
            raise AccessDeniedError("the chip is not open")
