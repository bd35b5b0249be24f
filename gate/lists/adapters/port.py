"""What an adapter to a register is, and what it is made with. docs/guides/adapter.md says how one is written.

AdapterError
├── NoAnswerError     the register is away, slow, or refuses us: what it says of nobody is not known
└── WrongAnswerError  it said something that is no answer

Whatever an adapter raises beside these is a fault of its own, and leads to the same: nothing is known, and an officer sees the traveller.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from gate.lists.question import Answer, Question


class AdapterError(Exception):
    """A register did not answer. The message names nobody."""


class NoAnswerError(AdapterError):
    """It is away, slow, or refuses us."""


class WrongAnswerError(AdapterError):
    """It said something that is no answer."""


class Exchange(Protocol):
    """Carries one question to the register and its answer back."""

    async def __call__(self, path: str, body: bytes) -> bytes:
        """The answer's body. Raises NoAnswerError, and WrongAnswerError for one that is too long."""
        ...


class Adapter(Protocol):
    """One register. It keeps nothing of a question when it has answered."""

    async def ask(self, question: Question, today: date) -> Answer:
        """What the register says. May take as long as it likes: whoever asks has a deadline, and cancels. Raises AdapterError."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a register is reached: `https://host[:port]`, with the gate's own certificate and those who vouch for the register.

    `http://` is for simulators on this machine; no gate in service takes it.
    """

    address: str
    context: ssl.SSLContext | None = None
