"""The port of a register's adapter, and its parameters. docs/guides/adapter.md explains how to write one.

AdapterError
├── NoAnswerError     the register is unreachable, slow, or refuses us: nothing is known
└── WrongAnswerError  it sent an invalid answer

Other exceptions are faults of the adapter, with the same result: nothing is known, and an officer sees the traveller.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from gate.lists.question import Answer, Question


class AdapterError(Exception):
    """A register did not answer. The message contains no personal data."""


class NoAnswerError(AdapterError):
    """It is unreachable, slow, or refuses us."""


class WrongAnswerError(AdapterError):
    """It sent an invalid answer."""


class Exchange(Protocol):
    """Carries one question to the register and its answer back."""

    async def __call__(self, path: str, body: bytes) -> bytes:
        """The answer's body. Raises NoAnswerError, and WrongAnswerError for one that is too long."""
        ...


class Adapter(Protocol):
    """One register. It stores nothing of a question after its answer."""

    async def ask(self, question: Question, today: date) -> Answer:
        """Return the register's answer. It may take any time: the caller has a deadline, and cancels. Raises AdapterError."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A register's address: `https://host[:port]`, with the gate's own certificate and the register's authorities.

    `http://` is for simulators on this machine; no gate in service accepts it.
    """

    address: str
    context: ssl.SSLContext | None = None
