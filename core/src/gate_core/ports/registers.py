"""The public interface for adapters to registers: question, answer, port and errors (docs/guides/adapter.md).

AdapterError
├── NoAnswerError     the register is unreachable, slow, or refuses us: nothing is known
└── WrongAnswerError  it sent an invalid answer

Other exceptions are faults of the adapter, with the same result: nothing is known, and an officer sees the traveller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from gate_core.evidence.registers import RegisterAnswer, RegisterCause, agree

__all__ = [
    "ABOUT_MAX",
    "EDITION_MAX",
    "REFERENCE_MAX",
    "Adapter",
    "AdapterError",
    "Answer",
    "Exchange",
    "NoAnswerError",
    "Question",
    "RegisterAnswer",
    "RegisterCause",
    "WrongAnswerError",
    "not_known",
]

EDITION_MAX: Final = 32
ABOUT_MAX: Final = 300
REFERENCE_MAX: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """One traveller's document, in its MRZ's letters, without fillers. `surname`, `given` and `born` (YYYY-MM-DD, a
    year, or empty) are empty if no register needs them; `entry`: the lane's direction over the border is entry. With
    `mark`, which is for a site's exchange, everything else is empty.
    """

    document_type: str
    issuer: str
    number: str
    nationality: str = ""
    surname: str = ""
    given: str = ""
    born: str = ""
    entry: bool = True
    mark: str = ""

    def __repr__(self) -> str:
        """Never shows a field: they are personal data."""
        return "Question(…)"


@dataclass(frozen=True, slots=True)
class Answer:
    """A register's answer. `about`: the owner's instructions to the officer; `reference` identifies the entry to the owner.

    Raises ValueError for contradictions, and for texts beyond their limit or not displayable.
    """

    answer: RegisterAnswer
    cause: RegisterCause | None = None
    edition: str = ""
    about: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        """Refuse impossible answers."""
        limits = ((self.edition, EDITION_MAX), (self.about, ABOUT_MAX), (self.reference, REFERENCE_MAX))
        if any(len(words) > most or not words.isprintable() for words, most in limits):
            raise ValueError("words that are too long, or that cannot be shown")
        if not agree(self.answer, self.cause):
            raise ValueError("an answer that its cause contradicts")


def not_known(cause: RegisterCause) -> Answer:
    """Return the answer that nothing is known, and why."""
    return Answer(RegisterAnswer.UNKNOWN, cause)


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
