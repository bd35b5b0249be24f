"""The texts of the traveller's page in every language, and the privacy notice.

A language's file also has `-issuers`, the states whose travellers see it first, and `-reviewed`; without that it is a draft.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import segno

from gate_core.web_pages.templates import environment
from gate_core.web_pages.texts import Texts


class Languages(Texts):
    """The page's languages; `folder`: another one than the shipped one."""

    def __init__(self, folder: Any = None) -> None:  # noqa: ANN401 - importlib's Traversable, whose home moves between 3.11 and 3.13
        super().__init__(__package__, folder)

    def direction(self, language: str) -> str:
        """Return `rtl` for a script from right to left, else `ltr`, as in HTML's `dir`; determined by the language's own name."""
        letters = (unicodedata.bidirectional(letter) for letter in self.t(language, "language-name"))
        return "rtl" if next((one for one in letters if one in {"L", "R", "AL"}), "L") != "L" else "ltr"

    def reviewed(self, language: str) -> str:
        """Return which native speaker reviewed a language's texts, and when; empty for a draft. Raises UnknownLanguageError."""
        return self.term(language, "reviewed")

    def issuers(self, language: str) -> frozenset[str]:
        """The states whose travellers see this language first. Raises UnknownLanguageError."""
        return frozenset(self.term(language, "issuers").split())

    def language_of(self, issuer: str | None, languages: Sequence[str]) -> str | None:
        """Return the language that a traveller with a document of this state sees first; None for no preference."""
        return next((one for one in languages if issuer is not None and issuer in self.issuers(one)), None)


REFERRAL_KEPT_MIN: Final = 10  # minutes: how long sealed pictures of a referral wait for an officer at most
VERSION_SHOWN: Final = 12  # characters of the version that a board has room for
_ISOLATES: Final = re.compile("[\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Facts:
    """This gate's facts, by their names in the texts. `days`: retention of results, None without an end. `address` of the
    whole notice: empty if it has none. `remembered`: minutes after a referral, 0 for none. `registers`: documents are looked
    up in lists or registers. `reuse`: minutes for which a chip read here is looked for at the site's other gates, 0 for none.
    """

    operator: str
    gate: str
    contact: str
    address: str
    days: int | None
    auditors: int
    central: bool
    remembered: int = 0
    registers: bool = False
    reuse: int = 0


class Notice:
    """One gate's privacy notice. Raises TextError for a missing language."""

    def __init__(self, texts: Languages, facts: Facts, languages: tuple[str, ...]) -> None:
        self.address = facts.address
        self._texts = texts
        self._facts = facts
        self._words = {name: value or 0 for name, value in asdict(facts).items()}
        self._languages = languages
        self.text = "".join(self._paragraphs(language) for language in languages)
        self.version = hashlib.sha256(self.text.encode()).hexdigest()

    def lines(self, language: str) -> tuple[str, str, str]:
        """Return the page's lines before the camera opens: what is taken, how long it is kept, and the alternative."""
        kept = "notice-kept-open" if self._facts.days is None else "notice-kept-days"
        return self._say(language, "notice-what"), self._say(language, kept), self._say(language, "notice-choice")

    def sections(self, language: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the whole notice: each section's heading and sentences."""
        facts = self._facts
        kept = [
            "pictures",
            "referral",
            *(["remembered"] if facts.remembered else []),
            *(["reuse"] if facts.reuse else []),
            "results-open" if facts.days is None else "results-days",
            "readers",
        ]
        parts = {
            "who": ["who"],
            # "with nobody else's" is true only if no face is remembered
            "what": [
                "what",
                "why-also" if facts.remembered else "why",
                *(["looked-up"] if facts.registers else []),
                "decides",
            ],
            "kept": [*kept, *(["central"] if facts.central else [])],
            "choice": ["choice"],
            "ask": ["ask"],
        }
        return tuple(
            (self._say(language, f"board-{part}-title"), tuple(self._say(language, f"board-{text}") for text in texts))
            for part, texts in parts.items()
        )

    def boards(self, *, purpose_mark: str | None) -> Iterator[tuple[str, str]]:
        """Yield the boards to print, and the page for the notice's address: each file's name and content.

        `purpose_mark`: the text ID that every board carries outside service (safety invariant 14).
        """
        template = environment(Path(__file__).parent / "templates").get_template("board.html")
        for name, languages in [("index", self._languages), *((one, (one,)) for one in self._languages)]:
            yield (
                f"{name}.html",
                template.render(
                    boards=[
                        {
                            "tag": language,
                            "direction": self._texts.direction(language),
                            "marks": [self._texts.t(language, purpose_mark)] if purpose_mark else [],
                            "title": self._say(language, "board-title"),
                            "sections": self.sections(language),
                            "more": self._say(language, "board-more") if self.address else "",
                            "version": self._texts.t(language, "board-version", version=self.version[:VERSION_SHOWN]),
                        }
                        for language in languages
                    ],
                    code=self.code(),
                ),
            )
        yield "notice.txt", self.text

    def code(self) -> str:
        """Return the QR code of the notice's address as SVG, dark on light with its margin; empty without one. It has no readable address."""
        if not self.address:
            return ""
        return segno.make_qr(self.address, error="m").svg_inline(border=4, omitsize=True, dark="#000", light="#fff")

    def _say(self, language: str, text: str) -> str:
        return self._texts.t(language, text, minutes=REFERRAL_KEPT_MIN, **self._words)

    def _paragraphs(self, language: str) -> str:
        """Return all of one language, one paragraph per line, without control marks of a screen."""
        sections = [line for heading, sentences in self.sections(language) for line in (heading, *sentences)]
        said = [f"[{language}]", *self.lines(language), self._say(language, "board-title"), *sections]
        return _ISOLATES.sub("", "\n".join([*said, *([self._say(language, "board-more")] if self.address else []), ""]))
