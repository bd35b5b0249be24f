"""The traveller's page's words in every language (`gate_core.web_pages.texts`), and what else a language's file says.

All that the page knows of a language stands in its file: beside the texts two of Fluent's terms, `-issuers`, the states whose travellers see it
first, in the letters of the MRZ, and `-reviewed`, who has read it as a native speaker and when. A language without the second is a draft.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from gate_core.web_pages.texts import Texts


class Languages(Texts):
    """The languages of the page; `folder` is another one than it comes with."""

    def __init__(self, folder: Any = None) -> None:  # noqa: ANN401 - importlib's Traversable, whose home moves between 3.11 and 3.13
        super().__init__(__package__, folder)

    def direction(self, language: str) -> str:
        """`rtl` for a script that runs from right to left, else `ltr`: a value of HTML's `dir`. The language's own name tells."""
        letters = (unicodedata.bidirectional(letter) for letter in self.t(language, "language-name"))
        return "rtl" if next((one for one in letters if one in {"L", "R", "AL"}), "L") != "L" else "ltr"

    def reviewed(self, language: str) -> str:
        """Who has read a language's texts as a native speaker, and when; empty for a draft. Raises UnknownLanguageError."""
        return self.term(language, "reviewed")

    def issuers(self, language: str) -> frozenset[str]:
        """The states whose travellers see this language first. Raises UnknownLanguageError."""
        return frozenset(self.term(language, "issuers").split())

    def language_of(self, issuer: str | None, languages: Sequence[str]) -> str | None:
        """Which of these languages a traveller with a document of this state sees first; None: none of them more than others."""
        return next((one for one in languages if issuer is not None and issuer in self.issuers(one)), None)
