"""The question to a register, and its answer. Values of the registers' program, with redacted repr."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gate_core.evidence.registers import RegisterAnswer, RegisterCause, agree

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
