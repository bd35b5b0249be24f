"""The page's words in every language, read from locales/*.ftl (Project Fluent).

The only user of the Fluent library. A text that is missing, or wants a variable that was not given, is an error here
and never an id or a hole on a traveller's screen. Variables come out wrapped in bidi isolates (U+2068, U+2069).

TextError
├── UnknownLanguageError   no texts in that language
└── BrokenTextError        no such text, or it cannot be formed
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

from fluent.runtime import FluentBundle, FluentResource

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


class TextError(Exception):
    """A text of the page cannot be had."""


class UnknownLanguageError(TextError):
    """The page has no texts in that language."""


class BrokenTextError(TextError):
    """There is no such text, or it cannot be formed."""


def available() -> tuple[str, ...]:
    """The languages that have texts, as BCP 47 tags in alphabetical order."""
    names = (entry.name for entry in _locales().iterdir())
    return tuple(sorted(name.removesuffix(".ftl") for name in names if name.endswith(".ftl")))


def direction(language: str) -> str:
    """`rtl` for a script that runs from right to left, else `ltr`: a value of HTML's `dir`."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


def t(language: str, text: str, **variables: str | int) -> str:
    """One text in one language. Raises UnknownLanguageError and BrokenTextError."""
    bundle = _bundle(language)
    if not bundle.has_message(text):
        raise BrokenTextError(f"no text {text!r} in {language}")
    formed, errors = bundle.format_pattern(bundle.get_message(text).value, variables)
    if errors:
        raise BrokenTextError(f"text {text!r} in {language}: {errors[0]}")
    return str(formed)


def text_ids(language: str) -> tuple[str, ...]:
    """The ids of every text of a language, in the file's order. Raises UnknownLanguageError."""
    return tuple(entry.id.name for entry in _resource(language).body if type(entry).__name__ == "Message")


def _locales() -> Any:  # noqa: ANN401 - importlib's Traversable, whose home moves between 3.11 and 3.13
    return resources.files(__package__) / "locales"


@functools.cache
def _resource(language: str) -> Any:  # noqa: ANN401 - the library has no types
    if language not in available():
        raise UnknownLanguageError(f"no texts in {language!r}; there are {', '.join(available())}")
    return FluentResource((_locales() / f"{language}.ftl").read_text(encoding="utf-8"))


@functools.cache
def _bundle(language: str) -> Any:  # noqa: ANN401
    bundle = FluentBundle([language])
    bundle.add_resource(_resource(language))
    return bundle
