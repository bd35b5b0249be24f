"""What a register is asked, and what it answers. A value of the registers' program: it shows nothing of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
