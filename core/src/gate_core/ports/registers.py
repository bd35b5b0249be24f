"""The public interface for adapters to registers: the question, the answer, and what an adapter is made with (docs/guides/adapter.md).

AdapterError
├── NoAnswerError     the register is away, slow, or refuses us: what it says of nobody is not known
└── WrongAnswerError  it said something that is no answer

Whatever an adapter raises beside these is a fault of its own, and leads to the same: nothing is known, and an officer sees the traveller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Protocol

from gate_core.evidence.registers import RegisterAnswer, RegisterCause, agree

EDITION_MAX: Final = 32
ABOUT_MAX: Final = 300
REFERENCE_MAX: Final = 64


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """One traveller's document, in the letters of its MRZ, its fillers taken away. `surname`, `given` and `born` (YYYY-MM-DD, a year, or nothing) are
    empty where no register needs them; `entry` is which way over the border the lane serves. With `mark`, which is for the exchange of a site,
    nothing else is told.
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
    """What a register said. `about` says to the officer, in the owner's words, what is to be done; `reference` tells the owner which entry it was.

    Raises ValueError for what could not be told on, or contradicts itself: words beyond their limit, or such as no page shows as they are.
    """

    answer: RegisterAnswer
    cause: RegisterCause | None = None
    edition: str = ""
    about: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        """Refuse what no answer may be."""
        limits = ((self.edition, EDITION_MAX), (self.about, ABOUT_MAX), (self.reference, REFERENCE_MAX))
        if any(len(words) > most or not words.isprintable() for words, most in limits):
            raise ValueError("words that are too long, or that cannot be shown")
        if not agree(self.answer, self.cause):
            raise ValueError("an answer that its cause contradicts")


def not_known(cause: RegisterCause) -> Answer:
    """Nothing is known, and why."""
    return Answer(RegisterAnswer.UNKNOWN, cause)


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
